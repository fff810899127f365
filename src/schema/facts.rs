//! What the sample says about one column, counted once.

use super::looks::{Look, look};
use crate::human::count;
use std::borrow::Cow;
use std::collections::HashSet;

/// A column and its values in the sample rows; `None` where it is absent or null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnSample<'s> {
    /// Name or path (`properties.price`).
    pub name: String,
    pub kind: ColumnKind,
    /// One a row, as many in every column.
    pub values: Vec<Option<Cow<'s, str>>>,
}

/// What the file's format says of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColumnKind {
    /// Nothing, or text, or a number.
    #[default]
    Untyped,
    /// Its values are times, whatever they look like.
    Time,
    /// Lists or objects: it can play no role.
    Nested,
}

/// What switches hold, but for case.
const SWITCHES: [&str; 6] = ["0", "1", "true", "false", "t", "f"];

/// Counts over the values that are present: neither null nor empty nor the word `NULL`.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) rows: usize,
    pub(super) present: usize,
    pub(super) distinct: usize,
    date_times: usize,
    dates: usize,
    clocks: usize,
    epochs: usize,
    numbers: usize,
    switches: usize,
    kind: ColumnKind,
}

/// The value, unless it says that there is none.
pub(super) fn present<'v>(value: &'v Option<Cow<'_, str>>) -> Option<&'v str> {
    value.as_deref().filter(|value| !matches!(value.trim(), "" | "NULL" | "null" | "\\N"))
}

impl Facts {
    pub(super) fn new(column: &ColumnSample<'_>) -> Facts {
        let mut facts = Facts {
            rows: column.values.len(),
            present: 0,
            distinct: 0,
            date_times: 0,
            dates: 0,
            clocks: 0,
            epochs: 0,
            numbers: 0,
            switches: 0,
            kind: column.kind,
        };
        let mut distinct = HashSet::new();
        for value in column.values.iter().filter_map(present) {
            facts.present += 1;
            distinct.insert(value);
            let look = look(value);
            facts.date_times += usize::from(look == Look::DateTime);
            facts.dates += usize::from(look == Look::Date);
            facts.clocks += usize::from(look == Look::Clock);
            facts.epochs += usize::from(look == Look::Epoch);
            facts.numbers += usize::from(super::looks::is_number(value));
            let is_switch = |word: &&str| value.trim().eq_ignore_ascii_case(word);
            facts.switches += usize::from(SWITCHES.iter().any(is_switch));
        }
        facts.distinct = distinct.len();
        facts
    }

    /// Whether the column can play a role at all.
    pub(super) fn usable(&self) -> bool {
        self.present > 0 && self.kind != ColumnKind::Nested
    }

    /// Empty in fewer than one row in a hundred.
    pub(super) fn full(&self) -> bool {
        self.present.saturating_mul(100) >= self.rows.saturating_mul(99)
    }

    /// All but one value in twenty: a few bad rows do not hide what a column holds.
    fn mostly(&self, count: usize) -> bool {
        self.present > 0 && count.saturating_mul(20) >= self.present.saturating_mul(19)
    }

    pub(super) fn holds_times(&self) -> bool {
        self.kind == ColumnKind::Time || self.mostly(self.date_times + self.dates + self.epochs)
    }

    /// Dates with a time of day: nothing else looks like them.
    pub(super) fn holds_date_times(&self) -> bool {
        self.mostly(self.date_times)
    }

    pub(super) fn holds_dates_alone(&self) -> bool {
        self.mostly(self.dates)
    }

    pub(super) fn holds_clocks(&self) -> bool {
        self.mostly(self.clocks)
    }

    pub(super) fn holds_numbers(&self) -> bool {
        self.mostly(self.numbers)
    }

    pub(super) fn holds_switches(&self) -> bool {
        self.mostly(self.switches)
    }

    /// Values that come back, as names do and ids of rows do not. A small sample says nothing.
    pub(super) fn repeats(&self) -> bool {
        self.present < 50 || self.distinct.saturating_mul(2) <= self.present
    }

    fn content(&self) -> &'static str {
        if self.kind == ColumnKind::Time {
            "times"
        } else if self.holds_date_times() {
            "dates with times"
        } else if self.holds_dates_alone() {
            "dates"
        } else if self.holds_clocks() {
            "times of day"
        } else if self.mostly(self.epochs) {
            "epoch numbers"
        } else if self.holds_times() {
            "times of several forms"
        } else if self.holds_numbers() {
            "numbers"
        } else {
            "text"
        }
    }

    /// `612 values in 1,000 rows; text`
    pub(super) fn describe(&self) -> String {
        let values = if self.distinct == 1 { "value" } else { "values" };
        let mut text =
            format!("{} {values} in {} rows", count(self.distinct as u64), count(self.rows as u64));
        if !self.full() {
            // Rounded down: a column with one empty row in a hundred is not shown as full.
            let share = self.present * 100 / self.rows.max(1);
            text.push_str(&format!(", filled in {share} %"));
        }
        text.push_str("; ");
        text.push_str(self.content());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(values: &[&str]) -> Facts {
        let values = values.iter().map(|&value| Some(value.into())).collect();
        Facts::new(&ColumnSample { name: "x".to_owned(), kind: ColumnKind::Untyped, values })
    }

    #[test]
    fn absent_values_are_not_counted() {
        let mut column =
            ColumnSample { name: "x".to_owned(), kind: ColumnKind::Untyped, values: vec![None; 3] };
        column.values.extend(["", "NULL", "a", "a", "b"].map(|value| Some(value.into())));
        let facts = Facts::new(&column);
        assert_eq!((facts.rows, facts.present, facts.distinct), (8, 3, 2));
        assert_eq!(facts.describe(), "2 values in 8 rows, filled in 37 %; text");
        assert!(!Facts::new(&ColumnSample { values: Vec::new(), ..column }).usable());
    }

    #[test]
    fn a_few_bad_values_do_not_hide_a_kind() {
        let sample = |bad: usize| {
            let mut values = vec!["2024-01-01 00:00:00"; 20 - bad];
            values.extend(vec!["soon"; bad]);
            facts(&values)
        };
        assert!(sample(0).holds_times() && sample(1).holds_times() && !sample(2).holds_times());
        assert_eq!(sample(0).describe(), "1 value in 20 rows; dates with times");
    }

    #[test]
    fn names_repeat_and_ids_do_not() {
        let ids: Vec<String> = (0..60).map(|k| k.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        assert!(!facts(&ids).repeats());
        assert!(facts(&ids[..49]).repeats());
        let twice: Vec<&str> = ids.iter().chain(&ids).copied().collect();
        assert!(facts(&twice).repeats());
    }
}
