//! The winning chain: of all chains with the most steps the one that starts first, then the one
//! whose later rows come earliest in time, then the one whose rows of each instant have the least part.
//!
//! Most units need only [`greedy`]: take of each moment what it can serve. If that gets as far as the
//! level pass says is possible, no chain can come before it, since every time is the least there
//! is. Otherwise two sweeps backwards settle it. The first finds the earliest instant at which a
//! chain of full length can start ([`ChainFinder::earliest_start`]). The second fixes the end of the
//! window of that start and notes for every moment which steps can still be finished behind it
//! ([`ChainFinder::select`]); then the rows are chosen forwards, of each
//! moment as many as leave the rest possible.
//!
//! Memory: O(steps), and for `select` one bit per step and moment of the window.

use super::kinds::Class;
use super::ties::TiedRows;
use super::unit::{Content, Unit};
use std::ops::Range;

/// Takes of each moment from `first` on, where a step 1 begins it, all steps that it can serve, as far as that goes.
pub(super) fn greedy(unit: &Unit<'_>, first: usize, tied: &mut TiedRows, chain: &mut Vec<u32>) {
    chain.clear();
    let start_us = unit.time_us(first);
    let mut next = first;
    while next < unit.rows.len() && chain.len() < unit.step_count {
        let moment = unit.moment_from(next);
        next = moment.end;
        if !unit.in_window(start_us, unit.time_us(moment.start)) {
            return;
        }
        let step = chain.len();
        let is_broken = match unit.content(moment.clone(), tied) {
            Content::Idle => false,
            Content::One(row, class) if class.serves(step) => {
                chain.push(row as u32);
                false
            }
            Content::One(_, class) => step > 0 && unit.breaks_gap(class, step - 1),
            Content::Many => {
                let reach = tied.reach_from(unit.kinds, unit.tie, step, unit.step_count);
                tied.choose(unit, moment, step..reach, false, chain);
                reach == step && step > 0 && unit.heeds_exclusions && tied.breaks_gap(unit.kinds, step - 1)
            }
        };
        if is_broken {
            return;
        }
    }
}

/// Finds the winning chain where taking the first rows does not. Scratch: kept and refilled.
#[derive(Debug, Default)]
pub(super) struct ChainFinder {
    /// `[k]`: least time at which a chain ends that serves step `k` in a later moment and goes on
    /// to the last wanted step, with no forbidden row between here and there.
    least_end_us: Vec<Option<i64>>,
    renewed_us: Vec<Option<i64>>,
    /// `[k]`: whether such a chain exists inside the window of the chosen start.
    can_finish: Vec<bool>,
    renewed: Vec<bool>,
    /// `can_finish` behind each moment that has a part, last moment first.
    finishable: BitRows,
}

impl ChainFinder {
    /// The first row of the earliest moment at which a chain of `level` steps can start.
    /// Looks at the rows from `first` on, where a moment begins.
    pub fn earliest_start(
        &mut self,
        unit: &Unit<'_>,
        first: usize,
        level: usize,
        tied: &mut TiedRows,
    ) -> Option<usize> {
        self.least_end_us.clear();
        self.least_end_us.resize(level, None);
        let mut earliest = None;
        let mut end = unit.rows.len();
        while end > first {
            let moment = unit.moment_until(end - 1);
            end = moment.start;
            let time_us = unit.time_us(moment.start);
            let whole_us = match unit.content(moment, tied) {
                Content::Idle => None,
                Content::One(_, class) => self.prepend_row(unit, time_us, class),
                Content::Many => self.prepend_tied(unit, time_us, tied),
            };
            if unit.may_enter_at(time_us) && whole_us.is_some_and(|end_us| unit.in_window(time_us, end_us)) {
                earliest = Some(end);
            }
        }
        earliest
    }

    /// As `earliest_start`, of rows of which no two have the same time, in a funnel of at most 64 steps that
    /// forbids nothing.
    pub fn earliest_plain_start(&mut self, unit: &Unit<'_>, first: usize, level: usize) -> Option<usize> {
        self.least_end_us.clear();
        self.least_end_us.resize(level, None);
        let mut earliest = None;
        let rows = unit.rows.times_us[first..].iter().zip(&unit.rows.kinds[first..]);
        for (row, (&time_us, &kind)) in rows.enumerate().rev() {
            // First step first, so that a row is not both a step and the one behind it.
            let mut steps = unit.kinds.first_steps(kind);
            while steps > 0 {
                let step = steps.trailing_zeros() as usize;
                steps &= steps - 1;
                if step >= level {
                    break;
                }
                let end_us = if step + 1 == level { Some(time_us) } else { self.least_end_us[step + 1] };
                if step > 0 {
                    self.least_end_us[step] = least(self.least_end_us[step], end_us);
                } else if unit.may_enter_at(time_us)
                    && end_us.is_some_and(|end_us| unit.in_window(time_us, end_us))
                {
                    earliest = Some(first + row);
                }
            }
        }
        earliest
    }

    /// Puts a row before all that was seen. Returns the least end of a whole chain that starts with it.
    fn prepend_row(&mut self, unit: &Unit<'_>, time_us: i64, class: &Class) -> Option<i64> {
        let level = self.least_end_us.len();
        let mut whole_us = None;
        // First step first, so that a row is not both a step and the one behind it.
        for step in class.roles.steps.iter().rev().map(|&step| usize::from(step)) {
            if step >= level {
                break;
            }
            let end_us = if step + 1 == level { Some(time_us) } else { self.least_end_us[step + 1] };
            match step.checked_sub(1) {
                None => whole_us = end_us,
                Some(gap) if unit.breaks_gap(class, gap) => self.least_end_us[step] = end_us,
                Some(_) => self.least_end_us[step] = least(self.least_end_us[step], end_us),
            }
        }
        for step in unit.gaps_broken_by(class).iter().map(|&gap| usize::from(gap) + 1) {
            if step < level && !class.serves(step) {
                self.least_end_us[step] = None;
            }
        }
        whole_us
    }

    fn prepend_tied(&mut self, unit: &Unit<'_>, time_us: i64, tied: &mut TiedRows) -> Option<i64> {
        let level = self.least_end_us.len();
        tied.measure(unit.kinds, unit.tie, level);
        self.renewed_us.clear();
        for step in 0..level {
            let reach = tied.reach(step);
            let mut end_us = None;
            for next in step + 1..=reach {
                end_us = least(end_us, if next == level { Some(time_us) } else { self.least_end_us[next] });
            }
            self.renewed_us.push(end_us);
        }
        for step in 1..level {
            let end_us = self.renewed_us[step];
            self.least_end_us[step] = if unit.heeds_exclusions && tied.breaks_gap(unit.kinds, step - 1) {
                end_us
            } else {
                least(self.least_end_us[step], end_us)
            };
        }
        self.renewed_us.first().copied().flatten()
    }

    /// Chooses the rows of a chain of `level` steps that starts in the moment beginning at `start`,
    /// where such a chain exists.
    pub fn select(
        &mut self,
        unit: &Unit<'_>,
        start: usize,
        level: usize,
        tied: &mut TiedRows,
        chain: &mut Vec<u32>,
    ) {
        let start_us = unit.time_us(start);
        let in_window = unit.rows.times_us[start..].partition_point(|&at_us| unit.in_window(start_us, at_us));
        let end = start + in_window;
        self.note_finishable(unit, start..end, level, tied);

        chain.clear();
        let mut next = start;
        while next < end && chain.len() < level {
            let moment = unit.moment_from(next);
            next = moment.end;
            match unit.content(moment.clone(), tied) {
                Content::Idle => {}
                Content::One(row, class) => {
                    self.restore_finishable();
                    if class.serves(chain.len()) && self.finishes(chain.len() + 1, level) {
                        chain.push(row as u32);
                    }
                }
                Content::Many => {
                    self.restore_finishable();
                    let step = chain.len();
                    let reach = tied.reach_from(unit.kinds, unit.tie, step, level);
                    // As many steps at once as leave the rest possible: so the next ones come earliest.
                    let end = (step + 1..=reach).rev().find(|&end| self.finishes(end, level));
                    tied.choose(unit, moment, step..end.unwrap_or(step), false, chain);
                }
            }
        }
    }

    /// Sweeps backwards over the window and keeps for each moment what can be finished behind it.
    fn note_finishable(&mut self, unit: &Unit<'_>, window: Range<usize>, level: usize, tied: &mut TiedRows) {
        self.can_finish.clear();
        self.can_finish.resize(level, false);
        self.finishable.clear();
        let mut end = window.end;
        while end > window.start {
            let moment = unit.moment_until(end - 1);
            end = moment.start;
            let content = unit.content(moment, tied);
            if matches!(content, Content::Idle) {
                continue;
            }
            self.finishable.push(&self.can_finish);
            match content {
                Content::Idle => {}
                Content::One(_, class) => self.finish_row(unit, class),
                Content::Many => self.finish_tied(unit, tied),
            }
        }
    }

    fn restore_finishable(&mut self) {
        self.finishable.pop(&mut self.can_finish);
    }

    /// Whether a chain that needs `step` next can be finished behind the moment at hand.
    fn finishes(&self, step: usize, level: usize) -> bool {
        step == level || self.can_finish[step]
    }

    fn finish_row(&mut self, unit: &Unit<'_>, class: &Class) {
        let level = self.can_finish.len();
        for step in 1..level {
            let renewed = class.serves(step) && self.finishes(step + 1, level);
            self.can_finish[step] = renewed || (self.can_finish[step] && !unit.breaks_gap(class, step - 1));
        }
    }

    fn finish_tied(&mut self, unit: &Unit<'_>, tied: &mut TiedRows) {
        let level = self.can_finish.len();
        tied.measure(unit.kinds, unit.tie, level);
        self.renewed.clear();
        for step in 0..level {
            let renewed = (step + 1..=tied.reach(step)).any(|next| self.finishes(next, level));
            self.renewed.push(renewed);
        }
        for step in 1..level {
            let broken = unit.heeds_exclusions && tied.breaks_gap(unit.kinds, step - 1);
            self.can_finish[step] = self.renewed[step] || (self.can_finish[step] && !broken);
        }
    }
}

/// The lesser of two times, where either may be missing.
fn least(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        _ => a.or(b),
    }
}

/// A stack of rows of bits, all of the same width: filled, then emptied. Scratch: kept and refilled.
#[derive(Debug, Default)]
pub(super) struct BitRows {
    words: Vec<u64>,
    bits: usize,
}

impl BitRows {
    pub fn clear(&mut self) {
        self.words.clear();
        self.bits = 0;
    }

    pub fn push(&mut self, row: &[bool]) {
        for &bit in row {
            if self.bits.is_multiple_of(64) {
                self.words.push(0);
            }
            if let Some(word) = self.words.last_mut() {
                *word |= u64::from(bit) << (self.bits % 64);
            }
            self.bits += 1;
        }
    }

    /// Takes the last row off, if there is one, and writes it to `row`, which has the width of what
    /// was pushed. Nothing is pushed after that until the stack is cleared.
    pub fn pop(&mut self, row: &mut [bool]) {
        let Some(bits) = self.bits.checked_sub(row.len()) else { return };
        for (place, bit) in row.iter_mut().enumerate() {
            let at = bits + place;
            *bit = self.words[at / 64] >> (at % 64) & 1 == 1;
        }
        self.bits = bits;
    }
}
