//! What came of the checks: a verdict each, and how they lie in a table.

use super::metric::{Metric, MetricKind};
use crate::human;
use crate::report::Warning;
use crate::report::table::{Block, Cell, Column, Table};
use schemars::JsonSchema;
use serde::Serialize;

/// Said beside verdicts that nobody should rely on.
pub(super) const UNTRUSTED: &str = "not to be trusted: more rows were rejected than is allowed, or a file is damaged; \
                                    what is left was judged";

pub const CHECK_SCHEMA: &str = "dropoff.check/1";

/// Everything `dropoff check` says.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CheckReport {
    pub schema: String,
    /// The worst of all checks; `pass` without checks.
    pub status: CheckStatus,
    /// False where more rows were rejected than was allowed, or a file is damaged: the checks judge what is left.
    pub trusted: bool,
    /// In the order in which they were asked.
    pub checks: Vec<CheckResult>,
    /// Steps that no row can serve (W01): a number of theirs is 0 for another reason than people leaving.
    pub warnings: Vec<Warning>,
}

/// From best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    Pass,
    /// Too few units for a verdict: neither a pass nor a failure.
    Insufficient,
    Warn,
    Fail,
    /// The report does not hold the number.
    Error,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CheckResult {
    pub name: String,
    pub status: CheckStatus,
    pub metric: Metric,
    /// What `value` is.
    pub kind: MetricKind,
    /// Null for metrics of the whole input.
    pub funnel: Option<String>,
    /// From 1; null for metrics without step.
    pub step: Option<usize>,
    pub step_name: Option<String>,
    /// Null where there is nothing to divide by, or on error.
    pub value: Option<CheckValue>,
    /// Of shares of units; null for all others. Shown and not used for the verdict.
    pub ci95: Option<(f64, f64)>,
    /// What a share is of (for `step_conversion`: units that reached the step before), the
    /// converted for times, the counted whole for counts. Null on error.
    pub n: Option<u64>,
    pub min_n: u64,
    /// Bounds as typed.
    pub fail: Option<String>,
    pub warn: Option<String>,
    /// One sentence for people.
    pub message: String,
}

/// A number that knows what it is; in JSON a plain number, whole for counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum CheckValue {
    Share(f64),
    Count(u64),
    Seconds(f64),
}

impl CheckValue {
    pub fn as_f64(self) -> f64 {
        match self {
            CheckValue::Share(number) | CheckValue::Seconds(number) => number,
            CheckValue::Count(count) => count as f64,
        }
    }

    fn cell(self) -> Cell {
        match self {
            CheckValue::Share(share) => Cell::Share(share),
            CheckValue::Count(count) => Cell::Count(count),
            CheckValue::Seconds(seconds) => Cell::DurationUs(to_us(seconds)),
        }
    }
}

/// Seconds as whole microseconds, for people; saturates.
pub(super) fn to_us(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}

impl CheckStatus {
    pub const ALL: [CheckStatus; 5] = [
        CheckStatus::Pass,
        CheckStatus::Insufficient,
        CheckStatus::Warn,
        CheckStatus::Fail,
        CheckStatus::Error,
    ];

    /// The same word as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            CheckStatus::Pass => "pass",
            CheckStatus::Insufficient => "insufficient",
            CheckStatus::Warn => "warn",
            CheckStatus::Fail => "fail",
            CheckStatus::Error => "error",
        }
    }
}

impl CheckReport {
    pub(super) fn of(checks: Vec<CheckResult>, trusted: bool, warnings: Vec<Warning>) -> CheckReport {
        let status = checks.iter().map(|check| check.status).max().unwrap_or(CheckStatus::Pass);
        CheckReport { schema: CHECK_SCHEMA.to_owned(), status, trusted, checks, warnings }
    }

    /// The worst status of all checks: what an exit code is chosen by.
    pub fn worst(&self) -> CheckStatus {
        self.status
    }

    /// The checks for people and for table formats; under the table a sentence for each that did
    /// not pass.
    pub fn blocks(&self) -> Vec<Block> {
        let rows = self.checks.iter().map(|check| {
            vec![
                Cell::Text(check.status.name().to_owned()),
                Cell::Text(check.name.clone()),
                check.value.map_or(Cell::Missing, CheckValue::cell),
                check.ci95.map_or(Cell::Missing, |(low, high)| Cell::ShareInterval(low, high)),
                Cell::Text(check.bounds()),
                check.n.map_or(Cell::Missing, Cell::Count),
            ]
        });
        let notable = self.checks.iter().filter(|check| check.status != CheckStatus::Pass);
        let untrusted = (!self.trusted).then(|| UNTRUSTED.to_owned()).into_iter();
        let table = Table {
            name: "checks".to_owned(),
            title: self.summary(),
            columns: vec![
                Column::text("status", "Status"),
                Column::text("check", "Check"),
                Column::number("value", "Value"),
                Column::number("ci95", "95 % interval"),
                Column::text("bound", "Bound"),
                Column::number("n", "n"),
            ],
            rows: rows.collect(),
            notes: untrusted
                .chain(notable.map(|check| format!("{}: {}", check.status.name(), check.message)))
                .collect(),
        };
        let warnings = self.warnings.iter().map(Warning::block);
        std::iter::once(Block::Heading(1, "dropoff check".to_owned()))
            .chain(warnings)
            .chain([Block::Table(table)])
            .collect()
    }

    /// How many of each, worst first: `1 fail, 3 pass`.
    fn summary(&self) -> String {
        let counts: Vec<String> = CheckStatus::ALL
            .into_iter()
            .rev()
            .map(|status| (self.checks.iter().filter(|check| check.status == status).count(), status))
            .filter(|(n, _)| *n > 0)
            .map(|(n, status)| format!("{} {}", human::count(n as u64), status.name()))
            .collect();
        if counts.is_empty() { "no checks".to_owned() } else { counts.join(", ") }
    }
}

impl CheckResult {
    fn bounds(&self) -> String {
        let fail = self.fail.iter().map(|bound| format!("fail {bound}"));
        let warn = self.warn.iter().map(|bound| format!("warn {bound}"));
        fail.chain(warn).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Check, Severity, evaluate};
    use super::*;
    use crate::report::sample;
    use serde_json::json;

    fn report(expressions: &[&str]) -> CheckReport {
        let checks: Vec<Check> =
            expressions.iter().map(|text| Check::parse_expression(text, Severity::Fail).unwrap()).collect();
        evaluate(&checks, &sample::report())
    }

    #[test]
    fn the_worst_stands_for_all() {
        assert_eq!(report(&[]).worst(), CheckStatus::Pass);
        assert_eq!(report(&["conversion < 1%"]).worst(), CheckStatus::Pass);
        assert_eq!(report(&["conversion < 3%", "conversion < 1%"]).worst(), CheckStatus::Fail);
        assert_eq!(report(&["time_p99 > 1d", "conversion < 3%"]).worst(), CheckStatus::Error);
        assert!(CheckStatus::ALL.is_sorted());
        for status in CheckStatus::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.name());
        }
    }

    #[test]
    fn json_has_whole_counts_and_plain_shares() {
        let report = report(&["step_conversion(Checkout) < 40%", "converted < 30"]);
        let expected = json!({
            "schema": "dropoff.check/1",
            "status": "fail",
            "trusted": true,
            "checks": [
                {
                    "name": "step_conversion(Checkout) < 40%", "status": "fail",
                    "metric": "step_conversion", "kind": "share",
                    "funnel": "purchase", "step": 3, "step_name": "Checkout",
                    "value": 0.125, "ci95": [0.096115, 0.161019], "n": 400, "min_n": 0,
                    "fail": "< 40%", "warn": null,
                    "message": "step conversion to Checkout in purchase is 12.50 % (n 400), which is < 40%",
                },
                {
                    "name": "converted < 30", "status": "fail", "metric": "converted", "kind": "count",
                    "funnel": "purchase", "step": null, "step_name": null,
                    "value": 21, "ci95": null, "n": 1000, "min_n": 0, "fail": "< 30", "warn": null,
                    "message": "converted in purchase is 21 (n 1,000), which is < 30",
                },
            ],
            "warnings": [],
        });
        assert_eq!(serde_json::to_value(&report).unwrap(), expected);
    }

    #[test]
    fn the_table_tells_what_did_not_pass() {
        let blocks = report(&["conversion < 1%", "time_p50 > 1d", "persons < 2000"]).blocks();
        let [Block::Heading(1, title), Block::Table(table)] = blocks.as_slice() else {
            panic!("a heading and a table: {blocks:?}");
        };
        assert_eq!((title.as_str(), table.title.as_str()), ("dropoff check", "2 fail, 1 pass"));
        assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
        assert_eq!(
            table.rows[0],
            [
                Cell::Text("pass".to_owned()),
                Cell::Text("conversion < 1%".to_owned()),
                Cell::Share(0.021),
                Cell::ShareInterval(0.013776, 0.031890),
                Cell::Text("fail < 1%".to_owned()),
                Cell::Count(1000),
            ]
        );
        assert_eq!(
            (&table.rows[1][2], &table.rows[1][3]),
            (&Cell::DurationUs(259_200_000_000), &Cell::Missing)
        );
        assert_eq!(
            table.notes,
            [
                "fail: time p50 in purchase is 3d 0h, or 259,200 s (n 21), which is > 1d",
                "fail: persons is 1,200 (n 1,200), which is < 2000",
            ]
        );
    }

    #[test]
    fn both_bounds_are_shown() {
        let mut report = report(&["conversion < 1%"]);
        report.checks[0].warn = Some("< 2%".to_owned());
        assert_eq!(report.checks[0].bounds(), "fail < 1%, warn < 2%");
    }
}
