//! One unit under all rules of its funnel: what the passes of the general method ask.
//!
//! Adds to [`Unit`] what only the general method knows: limits of gaps, windows that end with
//! something else than a duration, rows that serve several steps, arrows.

use super::engine::{Limits, Observation, Tie};
use super::kinds::{Class, IDLE};
use super::options::{Options, RowUse};
use super::ties::TiedRows;
use super::unit::Unit;
use std::ops::Range;

/// All that a pass of the general method needs to know. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub unit: Unit<'a>,
    pub options: &'a Options,
    pub limits: Limits<'a>,
    /// Chains start only in the moment of this row.
    pub only_entry: Option<usize>,
    /// Whether what is alive matters even if the unit converts: this is a part of an open funnel.
    pub is_part: bool,
}

/// A moment of a unit: the rows that are taken together, by the tie rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub first: usize,
    pub end: usize,
    pub time_us: i64,
}

impl Moment {
    pub fn rows(&self) -> Range<usize> {
        self.first..self.end
    }
}

/// An attempt that a later row could extend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Live {
    pub start_us: i64,
    /// The last instant at which that could be; `None`: at any time.
    pub until_us: Option<i64>,
}

/// What is alive in a unit at the end of observation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Alive {
    pub latest_start_us: Option<i64>,
    /// The latest end; `None` where there is no end or nothing is alive.
    pub until_us: Option<i64>,
    is_endless: bool,
}

impl Alive {
    pub fn add(&mut self, live: Live) {
        self.latest_start_us = self.latest_start_us.max(Some(live.start_us));
        self.is_endless |= live.until_us.is_none();
        self.until_us = if self.is_endless { None } else { self.until_us.max(live.until_us) };
    }

    pub fn merge(&mut self, other: Alive) {
        let Some(start_us) = other.latest_start_us else { return };
        self.add(Live { start_us, until_us: other.until_us });
    }
}

impl<'a> View<'a> {
    /// The same with the rows before `end` only.
    pub fn until_row(&self, end: usize) -> View<'a> {
        let mut view = *self;
        view.unit.rows.times_us = &self.unit.rows.times_us[..end];
        view.unit.rows.kinds = &self.unit.rows.kinds[..end];
        view
    }

    pub fn without_exclusions(&self) -> View<'a> {
        View { unit: Unit { heeds_exclusions: false, ..self.unit }, ..*self }
    }

    pub fn steps(&self) -> usize {
        self.unit.step_count
    }

    pub fn len(&self) -> usize {
        self.unit.rows.len()
    }

    /// The last instant that a chain which starts at the row may use; `None`: there is none.
    pub fn end_us(&self, row: usize) -> Option<i64> {
        let window_end_us =
            self.unit.window_us.map(|window_us| self.unit.time_us(row).saturating_add(window_us));
        match (window_end_us, self.limits.ends_us) {
            (Some(a), Some(ends_us)) => Some(a.min(ends_us[row])),
            (window_end_us, ends_us) => window_end_us.or(ends_us.map(|ends_us| ends_us[row])),
        }
    }

    pub fn is_in_time(&self, start: usize, time_us: i64) -> bool {
        self.end_us(start).is_none_or(|end_us| time_us <= end_us)
    }

    /// Longest time over the gap.
    pub fn within_us(&self, gap: usize) -> u64 {
        self.options.gap(gap).within_us.map_or(u64::MAX, |within_us| within_us.unsigned_abs())
    }

    /// Shortest time over the gap. A tolerance of strict times is one.
    pub fn after_us(&self, gap: usize) -> u64 {
        let tolerance_us = match self.unit.tie {
            Tie::Strict if self.options.tolerance_us > 0 => self.options.tolerance_us.unsigned_abs() + 1,
            _ => 0,
        };
        self.options.gap(gap).after_us.unsigned_abs().max(tolerance_us)
    }

    pub fn may_enter(&self, moment: &Moment) -> bool {
        self.unit.may_enter_at(moment.time_us)
            && self.only_entry.is_none_or(|row| (moment.first..moment.end).contains(&row))
    }

    pub fn moment_from(&self, first: usize) -> Moment {
        let Range { start, end } = self.unit.moment_from(first);
        Moment { first: start, end, time_us: self.unit.time_us(start) }
    }

    pub fn moment_until(&self, last: usize) -> Moment {
        let Range { start, end } = self.unit.moment_until(last);
        Moment { first: start, end, time_us: self.unit.time_us(start) }
    }

    /// The rows of a moment that have a part; false if there are none.
    pub fn fill(&self, moment: &Moment, tied: &mut TiedRows) -> bool {
        tied.clear();
        let mut has_part = false;
        for row in moment.first..moment.end {
            let number = self.unit.class_number(row);
            if number != IDLE {
                tied.add(number);
                has_part = true;
            }
        }
        has_part
    }

    /// Whether a class of rows must not lie in the gap, for whatever reason.
    pub fn stops(&self, class: &Class, gap: usize) -> bool {
        class.blocks_gap(gap) || self.unit.breaks_gap(class, gap)
    }

    /// Whether a row of the moment at hand must not lie in the gap.
    pub fn is_stopped(&self, tied: &TiedRows, gap: usize) -> bool {
        tied.any(self.unit.kinds, |class| self.stops(class, gap))
    }

    /// Whether one row may serve several steps in a row.
    pub fn rows_serve_many(&self) -> bool {
        self.options.row == RowUse::Many && self.unit.tie != Tie::Strict
    }

    /// The step that a chain in need of `step` needs after the rows at hand, of the first `limit` steps.
    pub fn reach(&self, tied: &mut TiedRows, step: usize, limit: usize) -> usize {
        let kinds = self.unit.kinds;
        let barrier =
            (step..limit).find(|&gap| self.after_us(gap) > 0).map_or(limit, |gap| limit.min(gap + 1));
        if !self.rows_serve_many() {
            return tied.reach_from(kinds, self.unit.tie, step, barrier);
        }
        (step..barrier).find(|&step| !tied.serves(kinds, step)).unwrap_or(barrier)
    }

    /// `reach` of every step below the limit.
    pub fn reaches(&self, tied: &mut TiedRows, limit: usize, reaches: &mut Vec<usize>) {
        reaches.clear();
        reaches.extend((0..limit).map(|step| {
            if tied.serves(self.unit.kinds, step) { self.reach(tied, step, limit) } else { step }
        }));
    }

    /// What a chain with its last row at `last_us`, in the gap, may still hope for.
    pub fn live(&self, seen: &Observation, gap: usize, start: usize, last_us: i64) -> Option<Live> {
        if self.limits.spent.get(gap + 1).copied().unwrap_or(false) {
            return None;
        }
        let clamp = |span_us: u64| last_us.saturating_add_unsigned(span_us);
        let opens_us = clamp(self.after_us(gap));
        let within_end_us = self.options.gap(gap).within_us.map(|_| clamp(self.within_us(gap)));
        let until_us = match (within_end_us, self.end_us(start)) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let leaves_room = |bound_us: Option<i64>| {
            bound_us.is_none_or(|bound_us| bound_us > seen.as_of_us && bound_us >= opens_us)
        };
        (leaves_room(until_us) && leaves_room(seen.closes_us))
            .then(|| Live { start_us: self.unit.time_us(start), until_us })
    }
}
