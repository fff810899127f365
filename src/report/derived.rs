//! What the rules that name events found: rows of each, and what no rule fitted.

use super::Warning;
use super::build::Catalog;
use super::table::{Cell, Column, Table};
use crate::condition::suggest_nearest;
use crate::human::{count, counted};
use crate::ingest::plan::ReadPlan;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// Values with a row of their own among those that no rule fitted.
const TOP_VALUES: usize = 10;
/// Values among which one is looked for that a rule without rows may have meant.
const NEAREST_OF: usize = 1_000;

/// Events named by rules. Rows are used rows.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Derived {
    /// In their order.
    pub rules: Vec<DerivedRule>,
    pub unmatched: Unmatched,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DerivedRule {
    pub event: String,
    /// What it looks for.
    pub rule: String,
    /// Rows that it named: those that fit it and none before it.
    pub rows: u64,
}

/// Rows that no rule fitted.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Unmatched {
    pub rows: u64,
    /// What the values are: `page`, the decoded path of the URL, where rules look at URLs or pages name
    /// events; else `event`.
    pub by: String,
    /// Distinct values.
    pub values: u64,
    /// Most rows first, then by value.
    pub top: Vec<UnmatchedValue>,
    /// Values that are not among the top, and their rows.
    pub other_values: u64,
    pub other_rows: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct UnmatchedValue {
    /// Null where the row has none.
    pub value: Option<String>,
    pub rows: u64,
}

impl Derived {
    /// Counts by rule and by value; `None` without rules. Beside it a warning of each rule that named no
    /// row. Without `tells_values` none of the values that no rule fits is told, only how many there are: one may
    /// be of few people.
    pub fn of(
        plan: &ReadPlan,
        catalog: &Catalog,
        rows_of_kind: &[u64],
        tells_values: bool,
    ) -> Option<(Derived, Vec<Warning>)> {
        let derivation = plan.derivation.as_ref().filter(|derivation| !derivation.rules.is_empty())?;
        let mut of_rule = vec![0; derivation.rules.len()];
        let mut of_value: BTreeMap<Option<&str>, u64> = BTreeMap::new();
        for (kind, &rows) in catalog.kinds.iter().zip(rows_of_kind).filter(|(_, rows)| **rows > 0) {
            if let Some(rule) = kind.origin.rule {
                of_rule[rule as usize] += rows;
                continue;
            }
            let value = match kind.origin.page {
                Some(page) => Some(catalog.pages[page as usize].as_str()),
                None => kind.event.map(|event| catalog.events[event as usize].as_str()),
            };
            *of_value.entry(value.filter(|value| !value.is_empty())).or_insert(0) += rows;
        }
        let by = if derivation.asks_url() || plan.names_pages() { "page" } else { "event" };
        let (told, unmatched) = Unmatched::of(of_value, by, tells_values);
        let rules = derivation.rules.iter().zip(&of_rule);
        let warnings = rules.clone().zip(1..).filter(|((_, rows), _)| **rows == 0);
        let warnings = warnings.map(|((rule, _), number)| {
            let near = rule.first_path().map(|path| nearest(path, &told)).unwrap_or_default();
            let hint =
                if near.is_empty() { String::new() } else { format!("; nearest: {}", near.join(", ")) };
            let message =
                format!("derive: rule {number} ({rule}) names no row that no rule before it names{hint}");
            Warning { code: "W01".to_owned(), n: 0, message }
        });
        let warnings = warnings.collect();
        let rules = rules.map(|(rule, &rows)| DerivedRule {
            event: rule.event.clone(),
            rule: rule.conditions_text(),
            rows,
        });
        Some((Derived { rules: rules.collect(), unmatched }, warnings))
    }

    /// Rules with their rows, and the most frequent values that none fitted.
    pub fn tables(&self) -> Vec<Table> {
        let rules = self.rules.iter().zip(1..).map(|(rule, number)| {
            vec![
                Cell::Count(number),
                Cell::Text(rule.event.clone()),
                Cell::Text(rule.rule.clone()),
                Cell::Count(rule.rows),
            ]
        });
        let rules = Table {
            name: "derived".to_owned(),
            title: "Events named by rules".to_owned(),
            columns: vec![
                Column::number("rule", "#"),
                Column::text("event", "Event"),
                Column::text("condition", "Rows with"),
                Column::number("rows", "Rows named"),
            ],
            rows: rules.collect(),
            notes: [Some("The first rule that fits a row names it.".to_owned()), self.unmatched.untold()]
                .into_iter()
                .flatten()
                .collect(),
        };
        std::iter::once(rules).chain(self.unmatched.table()).collect()
    }
}

/// What a pattern of a path may have been meant for: values, and what they begin with.
fn nearest(path: &str, values: &[UnmatchedValue]) -> Vec<String> {
    let present: Vec<&str> =
        values.iter().take(NEAREST_OF).filter_map(|value| value.value.as_deref()).collect();
    // As deep as the pattern is, with all that lies below.
    let depth = path.trim_end_matches('*').matches('/').count();
    let beginnings = present.iter().filter_map(|value| {
        let (end, _) = value.match_indices('/').nth(depth.checked_sub(1)?)?;
        Some(format!("{}*", &value[..=end]))
    });
    let beginnings: Vec<String> = if path.ends_with('*') { beginnings.collect() } else { Vec::new() };
    suggest_nearest(path, present.into_iter().chain(beginnings.iter().map(String::as_str)), 3)
}

impl Unmatched {
    /// The values that may be told, and what is said of all.
    fn of(
        of_value: BTreeMap<Option<&str>, u64>,
        by: &str,
        tells_values: bool,
    ) -> (Vec<UnmatchedValue>, Unmatched) {
        let mut all: Vec<UnmatchedValue> = of_value
            .into_iter()
            .map(|(value, rows)| UnmatchedValue { value: value.map(str::to_owned), rows })
            .collect();
        // Stable: equal counts keep the order of their values.
        all.sort_by_key(|value| std::cmp::Reverse(value.rows));
        let most = if tells_values { TOP_VALUES } else { 0 };
        let (top, others) = all.split_at(all.len().min(most));
        let unmatched = Unmatched {
            rows: all.iter().map(|value| value.rows).sum(),
            by: by.to_owned(),
            values: all.len() as u64,
            top: top.to_vec(),
            other_values: others.len() as u64,
            other_rows: others.iter().map(|value| value.rows).sum(),
        };
        if !tells_values {
            all.clear();
        }
        (all, unmatched)
    }

    /// Said where no value is told.
    fn untold(&self) -> Option<String> {
        let rows = counted(self.rows, "row fits", "rows fit");
        (self.rows > 0 && self.top.is_empty())
            .then(|| format!("{rows} no rule: they keep the name they have without rules."))
    }

    fn table(&self) -> Option<Table> {
        let title = if self.by == "page" { "Page" } else { "Event" };
        let rows = self.top.iter().map(|value| {
            let text = value.value.clone().unwrap_or_else(|| "(none)".to_owned());
            vec![Cell::Text(text), Cell::Count(value.rows)]
        });
        let mut notes = Vec::new();
        if self.other_values > 0 {
            notes.push(format!(
                "and {} with {}",
                counted(self.other_values, "more value", "more values"),
                counted(self.other_rows, "row", "rows")
            ));
        }
        (!self.top.is_empty()).then(|| Table {
            name: "unmatched".to_owned(),
            title: format!(
                "Rows that no rule fits, {}: they keep the name they have without rules",
                count(self.rows)
            ),
            columns: vec![Column::text("value", title), Column::number("rows", "Rows")],
            rows: rows.collect(),
            notes,
        })
    }
}
