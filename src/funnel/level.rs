//! The level pass: how far any chain of a unit gets, and which attempts are still alive at the end.
//!
//! For every step it keeps only the newest start among the chains that stand there. That is
//! exact for a total order with a total window and exclusions: such a chain expires last and can
//! do all that an older one at the same step can. Which rows a chain holds is not its business;
//! see `chain`.
//!
//! Method: the level table of `ClickHouse` `windowFunnel`, with the rows of one instant taken
//! together against the state before it (definitions, sections 3 and 4).
//! O(steps) memory; per moment, O(steps) time or the size of the moment times steps.

use super::kinds::Class;
use super::ties::TiedRows;
use super::unit::{Content, Unit};

/// The state of the pass. Scratch: kept and refilled.
#[derive(Debug, Default)]
pub(super) struct LevelPass {
    /// `[k]`: newest start of the chains whose last row serves step `k` and whose gap after it is not broken.
    newest_start_us: Vec<Option<i64>>,
    /// The same, of chains that were extended in the moment at hand.
    extended_us: Vec<Option<i64>>,
    level: usize,
    broke: bool,
}

impl LevelPass {
    /// Runs over the rows from `first` on and returns the level: the number of steps served.
    /// Stops early where the last step is reached.
    pub fn run(&mut self, unit: &Unit<'_>, first: usize, tied: &mut TiedRows) -> usize {
        self.newest_start_us.clear();
        self.newest_start_us.resize(unit.step_count, None);
        self.level = 0;
        self.broke = false;
        let mut next = first;
        while next < unit.rows.len() && self.level < unit.step_count {
            let moment = unit.moment_from(next);
            next = moment.end;
            let time_us = unit.time_us(moment.start);
            match unit.content(moment, tied) {
                Content::Idle => {}
                Content::One(_, class) => self.take_row(unit, time_us, class),
                Content::Many => self.take_tied(unit, time_us, tied),
            }
        }
        self.level
    }

    /// As `run`, of rows of which no two have the same time, in a funnel of at most 64 steps that forbids nothing.
    pub fn run_plain(&mut self, unit: &Unit<'_>, first: usize) -> usize {
        self.newest_start_us.clear();
        self.newest_start_us.resize(unit.step_count, None);
        self.level = 0;
        self.broke = false;
        for (&time_us, &kind) in unit.rows.times_us[first..].iter().zip(&unit.rows.kinds[first..]) {
            // Last step first, so that no chain climbs two steps on one row.
            let mut steps = unit.kinds.first_steps(kind);
            while steps > 0 {
                let step = steps.ilog2() as usize;
                steps ^= 1 << step;
                if let Some(start_us) = self.extendable_us(unit, step, time_us) {
                    self.level = self.level.max(step + 1);
                    self.newest_start_us[step] = self.newest_start_us[step].max(Some(start_us));
                }
            }
            if self.level == unit.step_count {
                break;
            }
        }
        self.level
    }

    /// Whether an exclusion ended a chain; if not, the exclusions made no difference.
    pub fn broke(&self) -> bool {
        self.broke
    }

    /// The newest start of an unfinished chain at the end of the rows, whether expired or not.
    pub fn newest_unfinished_start_us(&self) -> Option<i64> {
        let (_, unfinished) = self.newest_start_us.split_last()?;
        unfinished.iter().copied().flatten().max()
    }

    /// The start of the chain that could be extended to serve `step` at this time.
    fn extendable_us(&self, unit: &Unit<'_>, step: usize, time_us: i64) -> Option<i64> {
        match step.checked_sub(1) {
            None => unit.may_enter_at(time_us).then_some(time_us),
            Some(previous) => {
                self.newest_start_us[previous].filter(|&start_us| unit.in_window(start_us, time_us))
            }
        }
    }

    fn take_row(&mut self, unit: &Unit<'_>, time_us: i64, class: &Class) {
        // Last step first, so that no chain climbs two steps on one row.
        for step in class.roles.steps.iter().map(|&step| usize::from(step)) {
            let start_us = self.extendable_us(unit, step, time_us);
            if start_us.is_some() {
                self.level = self.level.max(step + 1);
            }
            if unit.breaks_gap(class, step) {
                self.replace(step, start_us);
            } else {
                self.newest_start_us[step] = self.newest_start_us[step].max(start_us);
            }
        }
        for gap in unit.gaps_broken_by(class).iter().map(|&gap| usize::from(gap)) {
            if !class.serves(gap) {
                self.replace(gap, None);
            }
        }
    }

    fn take_tied(&mut self, unit: &Unit<'_>, time_us: i64, tied: &mut TiedRows) {
        tied.measure(unit.kinds, unit.tie, unit.step_count);
        self.extended_us.clear();
        self.extended_us.resize(unit.step_count, None);
        for step in 0..unit.step_count {
            let reach = tied.reach(step);
            if reach == step {
                continue;
            }
            let Some(start_us) = self.extendable_us(unit, step, time_us) else { continue };
            self.level = self.level.max(reach);
            for extended_us in &mut self.extended_us[step..reach] {
                *extended_us = (*extended_us).max(Some(start_us));
            }
        }
        for step in 0..unit.step_count {
            let extended_us = self.extended_us[step];
            if unit.heeds_exclusions && tied.breaks_gap(unit.kinds, step) {
                self.replace(step, extended_us);
            } else {
                self.newest_start_us[step] = self.newest_start_us[step].max(extended_us);
            }
        }
    }

    /// A forbidden row lies behind the chains that stood at this step; those that reach it now begin their gap anew.
    fn replace(&mut self, step: usize, start_us: Option<i64>) {
        self.broke |= self.newest_start_us[step].is_some();
        self.newest_start_us[step] = start_us;
    }
}
