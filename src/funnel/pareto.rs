//! The winning chain under limits of gaps and arrows: the exact method of the general question.
//!
//! Whether a row may follow another over a gap is a matter of ranges: not before the shortest time
//! and not after the longest, and not behind the first row that must not lie between. As rows go
//! by, both ends of the range move forward only. So three sweeps settle the chain:
//!
//! 1. forward: for each step the newest start among the chains in the range ([`BestInRange`]). The
//!    newest start may use the most time, so it reaches as far as any; that gives the level.
//! 2. backward: for each step the least end among the ways to finish that lie in the range. That
//!    gives the earliest start from which the level is reached inside the window.
//! 3. backward once more with the end of that start's window fixed: one bit for each step and moment
//!    tells what can be finished behind it. Then the rows are chosen forward, of each moment as many
//!    as leave the rest possible.
//!
//! Rows of one instant serve blocks of consecutive steps, each row one step, or all that match
//! where the rules say so; a gap with a shortest time ends a block. O(rows times steps).
//!
//! Left out: rows that go back in time (`tolerant`), steps in any order (`any_order`).

use super::chain::BitRows;
use super::engine::Observation;
use super::queue::{BestInRange, Candidate};
use super::ties::TiedRows;
use super::view::{Alive, Moment, View};

/// Scratch: kept and refilled.
#[derive(Debug, Default)]
pub(super) struct Pareto {
    /// By gap: chains that stand before it, or ways to finish that begin behind it.
    queues: Vec<BestInRange>,
    reaches: Vec<usize>,
    /// What the moment at hand adds to each gap.
    added: Vec<Option<i64>>,
    can_finish: Vec<bool>,
    finishable: BitRows,
}

impl Pareto {
    /// How far any chain gets, looking at the rows from `first` on, where a moment begins.
    pub fn level(&mut self, view: &View<'_>, first: usize, tied: &mut TiedRows) -> usize {
        let steps = view.steps();
        self.begin(steps);
        let mut level = 0;
        let mut next = first;
        while next < view.len() && (level < steps || view.is_part) {
            let moment = view.moment_from(next);
            next = moment.end;
            if !view.fill(&moment, tied) {
                continue;
            }
            view.reaches(tied, steps, &mut self.reaches);
            self.added.fill(None);
            for step in 0..steps {
                let reach = self.reaches[step];
                if reach == step {
                    continue;
                }
                let Some(start) = self.newest_start(view, &moment, step) else { continue };
                level = level.max(reach);
                for gap in step..reach.min(self.added.len()) {
                    self.added[gap] = self.added[gap].max(Some(start));
                }
            }
            self.pass_moment(view, &moment, tied);
        }
        level
    }

    /// What is alive behind the rows that `level` went over.
    pub fn alive(&mut self, view: &View<'_>, seen: &Observation) -> Alive {
        let mut alive = Alive::default();
        let last_us = view.unit.rows.times_us.last().copied().unwrap_or(i64::MIN);
        let next_us = seen.as_of_us.saturating_add(1).max(last_us);
        for (gap, queue) in self.queues.iter_mut().enumerate() {
            for chain in queue.candidates(next_us, view.after_us(gap)) {
                if let Some(live) = view.live(seen, gap, chain.score as usize, chain.time_us) {
                    alive.add(live);
                }
            }
        }
        alive
    }

    /// Finds the winning chain, whose level is known.
    pub fn find(
        &mut self,
        view: &View<'_>,
        first: usize,
        level: usize,
        tied: &mut TiedRows,
        chain: &mut Vec<u32>,
    ) {
        chain.clear();
        if let Some(start) = self.earliest_start(view, first, level, tied) {
            self.select(view, start, level, tied, chain);
        }
    }

    fn begin(&mut self, steps: usize) {
        let gaps = steps.saturating_sub(1);
        self.queues.resize_with(gaps, BestInRange::default);
        self.queues.iter_mut().for_each(BestInRange::clear);
        self.added.clear();
        self.added.resize(gaps, None);
    }

    /// The first row of the moment in which the newest chain starts that can be extended to serve `step` now.
    fn newest_start(&mut self, view: &View<'_>, moment: &Moment, step: usize) -> Option<i64> {
        let Some(gap) = step.checked_sub(1) else {
            return view.may_enter(moment).then_some(moment.first as i64);
        };
        let start = self.best(view, moment, gap)?;
        view.is_in_time(start as usize, moment.time_us).then_some(start)
    }

    fn best(&mut self, view: &View<'_>, moment: &Moment, gap: usize) -> Option<i64> {
        self.queues[gap].best(moment.time_us, view.after_us(gap), view.within_us(gap))
    }

    /// What must not lie between ends all that stood at the gap; what the moment adds begins anew,
    /// since rows of its own instant do not lie behind it.
    fn pass_moment(&mut self, view: &View<'_>, moment: &Moment, tied: &TiedRows) {
        for (gap, queue) in self.queues.iter_mut().enumerate() {
            if view.is_stopped(tied, gap) {
                queue.clear();
            }
            if let Some(score) = self.added[gap] {
                queue.push(Candidate { time_us: moment.time_us, score });
            }
        }
    }

    /// The first row of the earliest moment at which a chain of `level` steps can start.
    fn earliest_start(
        &mut self,
        view: &View<'_>,
        first: usize,
        level: usize,
        tied: &mut TiedRows,
    ) -> Option<usize> {
        self.begin(level);
        let mut earliest = None;
        let mut end = view.len();
        while end > first {
            let moment = view.moment_until(end - 1);
            end = moment.first;
            if !view.fill(&moment, tied) {
                continue;
            }
            view.reaches(tied, level, &mut self.reaches);
            self.added.fill(None);
            for step in 0..level {
                // The least end is the best one: its complement is the greatest.
                let mut finish = None;
                for next in step + 1..=self.reaches[step] {
                    finish = finish.max(if next == level {
                        Some(!moment.time_us)
                    } else {
                        self.best(view, &moment, next - 1)
                    });
                }
                match step.checked_sub(1) {
                    Some(gap) => self.added[gap] = finish,
                    None if view.may_enter(&moment)
                        && finish.is_some_and(|finish| view.is_in_time(moment.first, !finish)) =>
                    {
                        earliest = Some(moment.first);
                    }
                    None => {}
                }
            }
            self.pass_moment(view, &moment, tied);
        }
        earliest
    }

    /// Chooses the rows of a chain of `level` steps that starts in the moment at `start`, where such a chain exists.
    fn select(
        &mut self,
        view: &View<'_>,
        start: usize,
        level: usize,
        tied: &mut TiedRows,
        chain: &mut Vec<u32>,
    ) {
        let times_us = view.unit.rows.times_us;
        let end = start + times_us[start..].partition_point(|&time_us| view.is_in_time(start, time_us));
        self.note_finishable(view, start, end, level, tied);
        let mut next = start;
        while next < end && chain.len() < level {
            let moment = view.moment_from(next);
            next = moment.end;
            if !view.fill(&moment, tied) {
                continue;
            }
            self.finishable.pop(&mut self.can_finish);
            let is_far_enough = chain.last().is_none_or(|&last| {
                let last_us = times_us[last as usize];
                moment.time_us.abs_diff(last_us) >= view.after_us(chain.len() - 1)
            });
            if is_far_enough {
                let step = chain.len();
                let reach = view.reach(tied, step, level);
                // As many steps at once as leave the rest possible: so the next ones come earliest.
                let end = (step + 1..=reach).rev().find(|&end| self.finishes(end)).unwrap_or(step);
                tied.choose(&view.unit, moment.rows(), step..end, view.rows_serve_many(), chain);
            }
        }
    }

    /// Keeps for each moment what can be finished behind it before the end of the window.
    fn note_finishable(
        &mut self,
        view: &View<'_>,
        start: usize,
        mut end: usize,
        level: usize,
        tied: &mut TiedRows,
    ) {
        self.begin(level);
        self.finishable.clear();
        self.can_finish.clear();
        self.can_finish.resize(level - 1, false);
        while end > start {
            let moment = view.moment_until(end - 1);
            end = moment.first;
            if !view.fill(&moment, tied) {
                continue;
            }
            for gap in 0..level - 1 {
                self.can_finish[gap] = self.best(view, &moment, gap).is_some();
            }
            self.finishable.push(&self.can_finish);
            view.reaches(tied, level, &mut self.reaches);
            for gap in 0..level - 1 {
                let finishes = (gap + 2..=self.reaches[gap + 1]).any(|next| self.finishes(next));
                self.added[gap] = finishes.then_some(0);
            }
            self.pass_moment(view, &moment, tied);
        }
    }

    /// Whether a chain that needs `step` next can be finished behind the moment at hand.
    fn finishes(&self, step: usize) -> bool {
        self.can_finish.get(step - 1).copied().unwrap_or(true)
    }
}
