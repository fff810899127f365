//! How long a purchase takes: on the winning chain, from the first entry, from the first event.

use super::abandonment::seconds;
use super::conversion::optional_interval;
use super::shape::Shape;
use super::table::{Cell, Column, Table};
use super::tally::UnitTally;
use crate::human;
use crate::stats::{Histogram, Quantile, QuantileMethod, Summary, Values, survival};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// Points of the survival curve that are printed.
const CURVE_POINTS: usize = 24;

/// Quantiles by their key: `p50_s`, `p99_9_s`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QuantileMap(pub Vec<(String, Option<f64>)>);

impl Serialize for QuantileMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl JsonSchema for QuantileMap {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "QuantileMap".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "patternProperties": { "^p[0-9]+(_[0-9]+)?(_s)?$": { "type": ["number", "null"] } }
        })
    }
}

/// Durations in seconds. Everything is null without values.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Spread {
    pub n: u64,
    pub mean_s: Option<f64>,
    pub least_s: Option<f64>,
    pub most_s: Option<f64>,
    #[serde(flatten)]
    pub quantiles: QuantileMap,
}

/// Counts (of sessions, days, events) until the purchase.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CountSpread {
    pub n: u64,
    pub mean: Option<f64>,
    pub least: Option<i64>,
    pub most: Option<i64>,
    #[serde(flatten)]
    pub quantiles: QuantileMap,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StepSpread {
    /// Steps from 1.
    pub from: usize,
    pub to: usize,
    /// Share of the total elapsed time of the converted, from means on the same chains.
    pub share_of_time: Option<f64>,
    #[serde(flatten)]
    pub spread: Spread,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TimeToPurchase {
    /// Of the converted, on the winning chain: from its first row to its last.
    #[serde(flatten)]
    pub total: Spread,
    /// From the unit's first entry in the range.
    pub since_first_entry: Spread,
    /// From the unit's first row of any kind.
    pub since_first_event: Spread,
    /// Attempts a converted unit made, on average.
    pub attempts_mean: Option<f64>,
    /// Until the purchase, from the person's first row on, both included.
    pub sessions_until: CountSpread,
    pub active_days_until: CountSpread,
    pub events_until: CountSpread,
    pub steps: Vec<StepSpread>,
    /// Log-spaced bins; a value lies over `over_s` and at most at `to_s`.
    pub histogram: Vec<HistogramBin>,
    /// Kaplan-Meier over all entrants: the share that has not purchased yet.
    pub survival: Vec<SurvivalPoint>,
    /// When half of all entrants have converted; null is "not reached".
    pub survival_median_s: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HistogramBin {
    /// Null: from zero on.
    pub over_s: Option<f64>,
    /// Null: without end.
    pub to_s: Option<f64>,
    pub n: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SurvivalPoint {
    pub t_s: f64,
    pub not_yet: f64,
    /// Greenwood, log-log scale; null where it is not defined.
    pub ci95: Option<(f64, f64)>,
    pub at_risk: u64,
}

/// Which quantiles are printed, and by which rule.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantileChoice {
    pub quantiles: Vec<Quantile>,
    pub method: QuantileMethod,
}

fn to_s(us: f64) -> f64 {
    us / 1e6
}

impl Spread {
    fn of(values: &mut Values, choice: &QuantileChoice) -> Spread {
        let all = values.finish(&choice.quantiles, choice.method);
        Spread {
            n: all.as_ref().map_or(0, |all| all.n),
            mean_s: all.as_ref().map(|all| to_s(all.mean)),
            least_s: all.as_ref().map(|all| to_s(all.least as f64)),
            most_s: all.as_ref().map(|all| to_s(all.most as f64)),
            quantiles: quantile_map(all.as_ref(), choice, "_s", to_s),
        }
    }
}

impl CountSpread {
    fn of(values: &mut Values, choice: &QuantileChoice) -> CountSpread {
        let all = values.finish(&choice.quantiles, choice.method);
        CountSpread {
            n: all.as_ref().map_or(0, |all| all.n),
            mean: all.as_ref().map(|all| all.mean),
            least: all.as_ref().map(|all| all.least),
            most: all.as_ref().map(|all| all.most),
            quantiles: quantile_map(all.as_ref(), choice, "", |value| value),
        }
    }
}

fn quantile_map(
    all: Option<&Summary>,
    choice: &QuantileChoice,
    suffix: &str,
    unit: impl Fn(f64) -> f64,
) -> QuantileMap {
    let entry = |&quantile: &Quantile| {
        let value = all.and_then(|all| all.quantile(quantile)).map(&unit);
        (format!("{}{suffix}", quantile.machine_name()), value)
    };
    QuantileMap(choice.quantiles.iter().map(entry).collect())
}

impl TimeToPurchase {
    pub fn of(tally: &mut UnitTally, choice: &QuantileChoice) -> TimeToPurchase {
        let total_of_means: f64 = tally.converted_gap_sums.iter().map(|&sum| sum as f64).sum();
        let steps = tally
            .gaps
            .iter_mut()
            .zip(&tally.converted_gap_sums)
            .enumerate()
            .map(|(gap, (values, &sum))| StepSpread {
                from: gap + 1,
                to: gap + 2,
                share_of_time: (total_of_means > 0.0).then(|| sum as f64 / total_of_means),
                spread: Spread::of(values, choice),
            })
            .collect();
        let mut histogram = Histogram::new();
        for &total_us in tally.total.sorted() {
            histogram.push(total_us);
        }
        let histogram = histogram
            .bins()
            .iter()
            .map(|bin| HistogramBin {
                over_s: bin.over_us.map(|us| to_s(us as f64)),
                to_s: bin.up_to_us.map(|us| to_s(us as f64)),
                n: bin.n,
            })
            .collect();
        let curve = survival_curve(tally);
        TimeToPurchase {
            total: Spread::of(&mut tally.total, choice),
            since_first_entry: Spread::of(&mut tally.since_first_entry, choice),
            since_first_event: Spread::of(&mut tally.since_first_event, choice),
            attempts_mean: (tally.converted > 0).then(|| tally.attempts as f64 / tally.converted as f64),
            sessions_until: CountSpread::of(&mut tally.sessions_until, choice),
            active_days_until: CountSpread::of(&mut tally.active_days_until, choice),
            events_until: CountSpread::of(&mut tally.events_until, choice),
            steps,
            histogram,
            survival: survival::thin(&curve, CURVE_POINTS)
                .iter()
                .map(|point| SurvivalPoint {
                    t_s: to_s(point.t_us as f64),
                    not_yet: point.not_yet,
                    ci95: point.ci95(),
                    at_risk: point.at_risk,
                })
                .collect(),
            survival_median_s: survival::median(&curve).map(|us| to_s(us as f64)),
        }
    }

    /// `names` are those of the levels.
    pub fn tables(&self, names: &[String], shape: Shape) -> Vec<Table> {
        let mut tables = vec![self.quantile_table(names, shape), self.mean_table(names), self.until_table()];
        if !self.histogram.is_empty() {
            tables.push(self.histogram_table());
        }
        if !self.survival.is_empty() {
            tables.push(self.survival_table());
        }
        tables
    }

    /// Each stretch of the way, with its name.
    fn stretches(&self, names: &[String]) -> Vec<(String, &Spread, Option<f64>)> {
        let steps = self.steps.iter().map(|step| {
            let name = format!("{} → {}", names[step.from - 1], names[step.to - 1]);
            (name, &step.spread, step.share_of_time)
        });
        let whole = [
            ("Whole way".to_owned(), &self.total, None),
            ("Since first entry".to_owned(), &self.since_first_entry, None),
            ("Since first event".to_owned(), &self.since_first_event, None),
        ];
        steps.chain(whole).collect()
    }

    fn quantile_table(&self, names: &[String], shape: Shape) -> Table {
        let mut columns = vec![Column::text("name", "From → to"), Column::number("n", "n")];
        for (key, _) in &self.total.quantiles.0 {
            columns.push(Column::number(key.clone(), key.trim_end_matches("_s").replace('_', ".")));
        }
        let rows = self.stretches(names).into_iter().map(|(name, spread, _)| {
            let mut row = vec![Cell::Text(name), Cell::Count(spread.n)];
            row.extend(spread.quantiles.0.iter().map(|(_, value)| seconds(*value)));
            row
        });
        Table {
            name: "time_to_purchase".to_owned(),
            title: "How long it took those who converted".to_owned(),
            columns,
            rows: rows.collect(),
            notes: vec![format!(
                "Steps and whole way: on the winning chain. Since first entry: from the first {} in the range. \
                 Since first event: from the first row of any kind.",
                if shape.enters_anywhere() { "row of a step" } else { "step 1" }
            )],
        }
    }

    fn mean_table(&self, names: &[String]) -> Table {
        let rows = self.stretches(names).into_iter().map(|(name, spread, share)| {
            vec![
                Cell::Text(name),
                Cell::Count(spread.n),
                seconds(spread.mean_s),
                seconds(spread.least_s),
                seconds(spread.most_s),
                share.map_or(Cell::Missing, Cell::Share),
            ]
        });
        Table {
            name: "time_to_purchase_mean".to_owned(),
            title: "On average, and at the ends".to_owned(),
            columns: vec![
                Column::text("name", "From → to"),
                Column::number("n", "n"),
                Column::number("mean_s", "Mean"),
                Column::number("least_s", "Least"),
                Column::number("most_s", "Most"),
                Column::number("share_of_time", "Share of time"),
            ],
            rows: rows.collect(),
            notes: Vec::new(),
        }
    }

    fn until_table(&self) -> Table {
        let row = |name: &str, spread: &CountSpread| {
            let mut row = vec![Cell::Text(name.to_owned()), Cell::Count(spread.n)];
            let number = |value: Option<f64>| value.map_or(Cell::Missing, Cell::Number);
            row.extend(spread.quantiles.0.iter().map(|(_, value)| number(*value)));
            row.push(number(spread.mean));
            row.push(number(spread.least.map(|least| least as f64)));
            row.push(number(spread.most.map(|most| most as f64)));
            row
        };
        let mut columns = vec![Column::text("name", "Until they convert"), Column::number("n", "n")];
        for (key, _) in &self.sessions_until.quantiles.0 {
            columns.push(Column::number(key.clone(), key.replace('_', ".")));
        }
        columns.push(Column::number("mean", "Mean"));
        columns.push(Column::number("least", "Least"));
        columns.push(Column::number("most", "Most"));
        let mut notes = Vec::new();
        if let Some(attempts) = self.attempts_mean {
            notes.push(format!(
                "Attempts of those who converted, on average, later ones included: {attempts:.2}."
            ));
        }
        Table {
            name: "until_purchase".to_owned(),
            title: "What lay behind them when they converted".to_owned(),
            columns,
            rows: vec![
                row("Sessions", &self.sessions_until),
                row("Active days", &self.active_days_until),
                row("Events", &self.events_until),
            ],
            notes,
        }
    }

    fn histogram_table(&self) -> Table {
        let most = self.histogram.iter().map(|bin| bin.n).max().unwrap_or(0).max(1);
        let rows = self.histogram.iter().map(|bin| {
            vec![
                seconds(bin.over_s),
                seconds(bin.to_s),
                Cell::Count(bin.n),
                Cell::Bar(bin.n as f64 / most as f64),
            ]
        });
        Table {
            name: "time_histogram".to_owned(),
            title: "The whole way, by length".to_owned(),
            columns: vec![
                Column::number("over_s", "Over"),
                Column::number("to_s", "Up to"),
                Column::number("n", "n"),
                Column::text("bar", ""),
            ],
            rows: rows.collect(),
            notes: Vec::new(),
        }
    }

    fn survival_table(&self) -> Table {
        let rows = self.survival.iter().map(|point| {
            vec![
                seconds(Some(point.t_s)),
                Cell::Count(point.at_risk),
                Cell::Share(point.not_yet),
                optional_interval(point.ci95),
                Cell::Bar(point.not_yet),
            ]
        });
        let median = match self.survival_median_s {
            Some(median_s) => {
                let median = human::duration((median_s * 1e6).round() as i64, false);
                format!("Median among all entrants: half of them convert within {median}.")
            }
            None => "Median among all entrants: not reached, fewer than half convert.".to_owned(),
        };
        Table {
            name: "survival".to_owned(),
            title: "Share of all entrants that has not converted yet".to_owned(),
            columns: vec![
                Column::number("t_s", "After"),
                Column::number("at_risk", "At risk"),
                Column::number("not_yet", "Not yet"),
                Column::number("not_yet_ci95", "95 % interval"),
                Column::text("bar", ""),
            ],
            rows: rows.collect(),
            notes: vec![median],
        }
    }
}

/// Those who can no longer convert are at risk as long as anybody is: to censor them would inflate conversion.
fn survival_curve(tally: &mut UnitTally) -> Vec<survival::Point> {
    let (converted_us, watched_us) = (tally.total.sorted(), tally.watched.shorter.sorted());
    let latest_us = converted_us.last().max(watched_us.last()).copied().unwrap_or(0);
    let whole_us = tally.watched.longest_way_us.max(latest_us);
    survival::curve(converted_us, watched_us, Some((whole_us, tally.watched.whole_window)))
}
