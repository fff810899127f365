//! How far the clocks of devices are from that of the server, where rows say when they were received.

use super::Warning;
use crate::event::HOUR_US;
use crate::human::{count, counted, duration};
use crate::ingest::{Accumulator, Person};
use schemars::JsonSchema;
use serde::Serialize;

/// A longer gap between the time of a row and when it was received is told.
const FAR_US: u64 = HOUR_US as u64;

/// The times of rows against those at which they were received.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Receipts {
    /// Used rows that say when they were received.
    pub rows: u64,
    /// People with such a row.
    pub persons: u64,
    /// Of these, with a row whose time is more than an hour from when it was received.
    pub persons_far: u64,
    /// Of these, with a row that was received more than an hour before its time.
    pub persons_before: u64,
    /// The longest of the gaps, either way; null without rows.
    pub longest_gap_s: Option<f64>,
}

/// Gathers what [`Receipts`] tells.
#[derive(Debug, Default)]
pub struct ReceiptFacts {
    rows: u64,
    persons: u64,
    persons_far: u64,
    persons_before: u64,
    longest_us: u64,
}

impl ReceiptFacts {
    pub fn receipts(&self) -> Receipts {
        Receipts {
            rows: self.rows,
            persons: self.persons,
            persons_far: self.persons_far,
            persons_before: self.persons_before,
            longest_gap_s: (self.rows > 0).then_some(self.longest_us as f64 / 1e6),
        }
    }

    /// Clocks that differ from that of the server; `column` says when rows were received.
    pub fn warning(&self, column: &str) -> Option<Warning> {
        let are = if self.persons_far == 1 { "has" } else { "have" };
        let before = match self.persons_before {
            0 => String::new(),
            n => format!(", {} of them one that was received before it happened", count(n)),
        };
        let message = format!(
            "{} of {} {are} a row whose time is more than an hour from when it was received ({column}), at most \
             {}{before}: a clock that is off, rows that were sent late, or a time zone that one column lacks; \
             --time {column} takes one clock for all",
            count(self.persons_far),
            counted(self.persons, "person", "people"),
            duration(i64::try_from(self.longest_us).unwrap_or(i64::MAX), true),
        );
        (self.persons_far > 0).then(|| Warning { code: "W08".to_owned(), n: self.persons_far, message })
    }
}

impl Receipts {
    /// One line for people.
    pub fn text(&self) -> String {
        let rows = counted(self.rows, "row says when it was received", "rows say when they were received");
        match self.persons_far {
            0 if self.rows > 0 => format!("{rows}, within an hour of its time in all of them"),
            0 => rows,
            n => format!(
                "{rows}; over an hour from its time of {} of {}",
                count(n),
                counted(self.persons, "person", "people")
            ),
        }
    }
}

impl Accumulator for ReceiptFacts {
    fn person(&mut self, person: &Person<'_>) {
        if !person.rows.has_received() {
            return;
        }
        let (mut rows, mut longest_us, mut is_before) = (0, 0, false);
        for after_us in (0..person.rows.len()).filter_map(|row| person.rows.received_after_us(row)) {
            rows += 1;
            longest_us = longest_us.max(after_us.unsigned_abs());
            is_before |= after_us < 0 && after_us.unsigned_abs() > FAR_US;
        }
        self.rows += rows;
        self.persons += u64::from(rows > 0);
        self.persons_far += u64::from(longest_us > FAR_US);
        self.persons_before += u64::from(is_before);
        self.longest_us = self.longest_us.max(longest_us);
    }

    fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.persons += other.persons;
        self.persons_far += other.persons_far;
        self.persons_before += other.persons_before;
        self.longest_us = self.longest_us.max(other.longest_us);
    }
}
