//! One unit's rows under one funnel's rules, and how they fall into moments.

use super::engine::{Rows, Tie};
use super::kinds::{Class, IDLE, KindTable};
use super::ties::TiedRows;
use std::ops::Range;

/// All that a pass over one unit needs to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit<'a> {
    pub rows: Rows<'a>,
    pub kinds: &'a KindTable,
    pub step_count: usize,
    pub window_us: Option<i64>,
    pub tie: Tie,
    /// Chains start in `entries_from_us..entries_to_us`.
    pub entries_from_us: i64,
    pub entries_to_us: i64,
    /// Whether forbidden rows count; without them one learns what the exclusions cost.
    pub heeds_exclusions: bool,
}

/// What the rows of a moment can do together.
#[derive(Debug)]
pub(super) enum Content<'a> {
    /// Nothing in this funnel.
    Idle,
    /// Only this row has a part.
    One(usize, &'a Class),
    /// At least two rows have a part; the scratch of tied rows holds them.
    Many,
}

impl<'a> Unit<'a> {
    pub fn time_us(&self, row: usize) -> i64 {
        self.rows.times_us[row]
    }

    pub fn class_number(&self, row: usize) -> usize {
        self.kinds.class_number(self.rows.kinds[row])
    }

    pub fn class(&self, row: usize) -> &'a Class {
        self.kinds.class(self.class_number(row))
    }

    pub fn may_enter_at(&self, time_us: i64) -> bool {
        (self.entries_from_us..self.entries_to_us).contains(&time_us)
    }

    /// The window is inclusive: a row exactly at its end still belongs to the chain.
    pub fn in_window(&self, start_us: i64, time_us: i64) -> bool {
        self.window_us.is_none_or(|window_us| time_us.saturating_sub(start_us) <= window_us)
    }

    pub fn breaks_gap(&self, class: &Class, gap: usize) -> bool {
        self.heeds_exclusions && class.breaks_gap(gap)
    }

    /// The gaps that a row breaks, or none where exclusions are not heeded.
    pub fn gaps_broken_by(&self, class: &'a Class) -> &'a [u16] {
        if self.heeds_exclusions { &class.roles.breaks } else { &[] }
    }

    /// The first row that may start a chain.
    pub fn first_entry(&self) -> Option<usize> {
        let times_us = self.rows.times_us;
        // Mostly every row may be an entry.
        let from = match times_us.first() {
            Some(&first_us) if first_us >= self.entries_from_us => 0,
            _ => times_us.partition_point(|&time_us| time_us < self.entries_from_us),
        };
        (from..times_us.len())
            .take_while(|&row| times_us[row] < self.entries_to_us)
            .find(|&row| self.kinds.serves(self.rows.kinds[row], 0))
    }

    /// The last row that may start a chain.
    pub fn last_entry(&self) -> Option<usize> {
        let times_us = self.rows.times_us;
        let end = match times_us.last() {
            Some(&last_us) if last_us < self.entries_to_us => times_us.len(),
            _ => times_us.partition_point(|&time_us| time_us < self.entries_to_us),
        };
        (0..end)
            .rev()
            .take_while(|&row| times_us[row] >= self.entries_from_us)
            .find(|&row| self.kinds.serves(self.rows.kinds[row], 0))
    }

    /// Whether a row from `first` on may serve the step.
    pub fn has_row_for(&self, step: usize, first: usize) -> bool {
        (first..self.rows.len()).any(|row| self.class(row).serves(step))
    }

    /// The rows that are taken together, beginning at `first`: those of one instant, or one row
    /// where the order of rows is the truth.
    pub fn moment_from(&self, first: usize) -> Range<usize> {
        let mut end = first + 1;
        if self.tie != Tie::File {
            let time_us = self.time_us(first);
            while end < self.rows.len() && self.time_us(end) == time_us {
                end += 1;
            }
        }
        first..end
    }

    /// As `moment_from`, looking backwards from `last`.
    pub fn moment_until(&self, last: usize) -> Range<usize> {
        self.moment_start(last)..last + 1
    }

    /// The first row of the moment that holds `row`.
    pub fn moment_start(&self, row: usize) -> usize {
        let mut first = row;
        if self.tie != Tie::File {
            let time_us = self.time_us(row);
            while first > 0 && self.time_us(first - 1) == time_us {
                first -= 1;
            }
        }
        first
    }

    /// Sorts out what a moment holds; `tied` is filled where it holds several rows.
    pub fn content(&self, moment: Range<usize>, tied: &mut TiedRows) -> Content<'a> {
        if moment.len() == 1 {
            let row = moment.start;
            return match self.class_number(row) {
                IDLE => Content::Idle,
                number => Content::One(row, self.kinds.class(number)),
            };
        }
        tied.clear();
        let mut only = None;
        let mut count = 0_usize;
        for row in moment {
            let number = self.class_number(row);
            if number != IDLE {
                tied.add(number);
                only = Some(row);
                count += 1;
            }
        }
        match only {
            None => Content::Idle,
            Some(row) if count == 1 => Content::One(row, self.class(row)),
            Some(_) => Content::Many,
        }
    }
}
