//! The winning chain where the clock is not trusted: a row may lie before the row of the step before
//! it, up to the tolerance.
//!
//! Rows are not grouped: each step back is measured from the row before. A gap that goes back
//! counts as 0, so a gap with a shortest time allows none. Nothing lies between two rows of which the
//! second comes first.
//!
//! The rows that may follow a row over a gap still lie in one range of times. Step after step, the
//! newest start that stands at each row is the best one in the range behind it; that gives the
//! level, and the same backwards gives the least end. O(rows times steps times log rows).
//!
//! With that alone a row could be used twice, by two steps with another one between them, where it
//! serves several steps. So the rows are chosen by a search that the least ends guide: it meets no
//! dead end but for such rows. Of rows of one instant it tries one of each class, as they may lead to
//! other times, and it remembers how the chain goes on best from where it has been. What is alive is asked of chains
//! whose neighbours differ, without that search.

use super::engine::Observation;
use super::view::{Alive, View};
use std::collections::HashMap;

/// No chain: worse than any.
const NONE: i64 = i64::MIN;

/// Scratch: kept and refilled.
#[derive(Debug, Default)]
pub(super) struct Tolerant {
    tree: MaxTree,
    /// By row: the time of the nearest row before it, and behind it, that must not lie in the gap.
    stop_before_us: Vec<i64>,
    stop_behind_us: Vec<i64>,
    /// By row: the newest start, as a row, of the chains that stand there.
    newest: Vec<i64>,
    /// By step and row: the complement of the least end of the ways to finish from there.
    finishes: Vec<Vec<i64>>,
    /// The best way on, if there is one, from where the search has been.
    ways_on: HashMap<Standing, Option<Vec<u32>>>,
}

/// Where a chain stands: the step it needs, its last row, and the used rows that could be met again.
type Standing = (usize, u32, Vec<u32>);

impl Tolerant {
    /// The level and what is alive; the winning chain if it is wanted.
    pub fn run(
        &mut self,
        view: &View<'_>,
        seen: &Observation,
        wants_chain: bool,
        chain: &mut Vec<u32>,
    ) -> (usize, Alive) {
        chain.clear();
        let (mut level, alive) = self.forward(view, seen);
        let is_exact =
            view.rows_serve_many() || (0..view.len()).all(|row| view.unit.class(row).roles.steps.len() < 2);
        if is_exact && !wants_chain {
            return (level, alive);
        }
        while level > 0 && !self.find(view, level, chain) {
            level -= 1;
        }
        (level, alive)
    }

    fn forward(&mut self, view: &View<'_>, seen: &Observation) -> (usize, Alive) {
        let rows = view.len();
        let mut alive = Alive::default();
        let mut level = 0;
        self.newest.clear();
        self.newest.extend((0..rows).map(|row| {
            let may_start = view.unit.class(row).serves(0) && may_enter(view, row);
            if may_start { row as i64 } else { NONE }
        }));
        for step in 0..view.steps() {
            if step > 0 {
                self.note_stops(view, step - 1);
                self.tree.fill(&self.newest);
                for row in 0..rows {
                    let start = if view.unit.class(row).serves(step) {
                        self.best_before(view, step - 1, row)
                    } else {
                        NONE
                    };
                    let is_in_time = start != NONE && view.is_in_time(start as usize, view.unit.time_us(row));
                    self.newest[row] = if is_in_time { start } else { NONE };
                }
            }
            if self.newest.iter().all(|&start| start == NONE) {
                break;
            }
            level = step + 1;
            if level < view.steps() {
                self.note_stops(view, step);
                for row in 0..rows {
                    let is_free = self.newest[row] != NONE && self.stop_behind_us[row] == i64::MAX;
                    let start = self.newest[row];
                    if let Some(live) = is_free
                        .then(|| view.live(seen, step, start as usize, view.unit.time_us(row)))
                        .flatten()
                    {
                        alive.add(live);
                    }
                }
            }
        }
        (level, alive)
    }

    /// For every row the nearest stops of a gap that lie strictly before and behind it in time.
    fn note_stops(&mut self, view: &View<'_>, gap: usize) {
        let rows = view.len();
        self.stop_before_us.clear();
        self.stop_before_us.resize(rows, i64::MIN);
        self.stop_behind_us.clear();
        self.stop_behind_us.resize(rows, i64::MAX);
        let stops = |row: usize| view.stops(view.unit.class(row), gap);
        let (mut before_us, mut next) = (i64::MIN, 0);
        while next < rows {
            let moment = view.moment_from(next);
            next = moment.end;
            self.stop_before_us[moment.first..moment.end].fill(before_us);
            if (moment.first..moment.end).any(stops) {
                before_us = moment.time_us;
            }
        }
        let (mut behind_us, mut end) = (i64::MAX, rows);
        while end > 0 {
            let moment = view.moment_until(end - 1);
            end = moment.first;
            self.stop_behind_us[moment.first..moment.end].fill(behind_us);
            if (moment.first..moment.end).any(stops) {
                behind_us = moment.time_us;
            }
        }
    }

    /// The best value among the rows that the row may follow.
    fn best_before(&self, view: &View<'_>, gap: usize, row: usize) -> i64 {
        let time_us = view.unit.time_us(row);
        let least_us = time_us.saturating_sub_unsigned(view.within_us(gap)).max(self.stop_before_us[row]);
        let most_us = match view.after_us(gap) {
            0 => time_us.saturating_add(view.options.tolerance_us),
            after_us => time_us.saturating_sub_unsigned(after_us),
        };
        self.best_of(view, row, least_us, most_us)
    }

    /// The times of the rows that may follow the row.
    fn range_behind(&self, view: &View<'_>, gap: usize, row: usize) -> (i64, i64) {
        let time_us = view.unit.time_us(row);
        let least_us = match view.after_us(gap) {
            0 => time_us.saturating_sub(view.options.tolerance_us),
            after_us => time_us.saturating_add_unsigned(after_us),
        };
        (least_us, time_us.saturating_add_unsigned(view.within_us(gap)).min(self.stop_behind_us[row]))
    }

    fn best_of(&self, view: &View<'_>, row: usize, least_us: i64, most_us: i64) -> i64 {
        let (first, end) = places(view, least_us, most_us);
        if view.rows_serve_many() {
            return self.tree.best(first, end);
        }
        // A row does not follow itself.
        self.tree.best(first, end.min(row)).max(self.tree.best(first.max(row + 1), end))
    }

    /// Finds the winning chain of so many steps, if there is one.
    fn find(&mut self, view: &View<'_>, level: usize, chain: &mut Vec<u32>) -> bool {
        let rows = view.len();
        self.finishes.clear();
        self.finishes.resize(level, vec![NONE; rows]);
        for step in (0..level).rev() {
            let mut finishes = std::mem::take(&mut self.finishes[step]);
            if step + 1 < level {
                self.note_stops(view, step);
                self.tree.fill(&self.finishes[step + 1]);
            }
            for (row, finish) in finishes.iter_mut().enumerate() {
                if !view.unit.class(row).serves(step) {
                    continue;
                }
                *finish = if step + 1 == level {
                    !view.unit.time_us(row)
                } else {
                    let (least_us, most_us) = self.range_behind(view, step, row);
                    // The window has to hold this row too.
                    self.best_of(view, row, least_us, most_us).min(!view.unit.time_us(row))
                };
            }
            self.finishes[step] = finishes;
        }
        let mut best: Option<Vec<u32>> = None;
        let (mut instant_us, mut tried) = (None, Vec::new());
        for start in 0..rows {
            if best.as_ref().is_some_and(|best| is_later(view, start, best[0])) {
                break;
            }
            let finish = self.finishes[0][start];
            if finish == NONE || !may_enter(view, start) || !view.is_in_time(start, !finish) {
                continue;
            }
            // Of starts at one instant the windows are one, and those of one class are alike.
            if instant_us.replace(view.unit.time_us(start)) != Some(view.unit.time_us(start)) {
                self.ways_on.clear();
                tried.clear();
            }
            let class = view.unit.class_number(start);
            if tried.contains(&class) {
                continue;
            }
            tried.push(class);
            best = better(view, best, self.by_way_of(view, level, start, chain));
        }
        chain.clear();
        chain.extend(best.iter().flatten());
        best.is_some()
    }

    /// The best way on from the chain to its end that takes this row next.
    fn by_way_of(
        &mut self,
        view: &View<'_>,
        level: usize,
        row: usize,
        chain: &mut Vec<u32>,
    ) -> Option<Vec<u32>> {
        chain.push(row as u32);
        let rest = self.way_on(view, level, chain);
        chain.pop();
        rest.map(|mut rest| {
            rest.insert(0, row as u32);
            rest
        })
    }

    /// The best rows behind the chain that lead to its end.
    fn way_on(&mut self, view: &View<'_>, level: usize, chain: &mut Vec<u32>) -> Option<Vec<u32>> {
        let step = chain.len();
        let (&start, &last) = (chain.first()?, chain.last()?);
        if step == level {
            return Some(Vec::new());
        }
        let standing = (step, last, met_again(view, level, chain));
        if let Some(known) = self.ways_on.get(&standing) {
            return known.clone();
        }
        let last_us = view.unit.time_us(last as usize);
        let (least_us, most_us) = match view.after_us(step - 1) {
            0 => (last_us.saturating_sub(view.options.tolerance_us), i64::MAX),
            after_us => (last_us.saturating_add_unsigned(after_us), i64::MAX),
        };
        let longest_us = last_us.saturating_add_unsigned(view.within_us(step - 1));
        let (first, end) = places(view, least_us, most_us.min(longest_us));
        let mut tried: Vec<(i64, usize)> = Vec::new();
        let mut best: Option<Vec<u32>> = None;
        let mut stopped_at_us = None;
        for row in first..end {
            let time_us = view.unit.time_us(row);
            if best.as_ref().is_some_and(|best| is_later(view, row, best[0]))
                || stopped_at_us.is_some_and(|stopped_us| time_us > stopped_us)
            {
                break;
            }
            let finish = self.finishes[step][row];
            // Rows of one instant and class are alike: where one leads, the others do.
            let likeness = (time_us, view.unit.class_number(row));
            let may_follow = finish != NONE
                && view.is_in_time(start as usize, !finish)
                && !tried.contains(&likeness)
                && (view.rows_serve_many() || !chain.contains(&(row as u32)));
            if may_follow {
                tried.push(likeness);
                best = better(view, best, self.by_way_of(view, level, row, chain));
            }
            let is_stop = time_us > last_us && view.stops(view.unit.class(row), step - 1);
            if is_stop && stopped_at_us.is_none() {
                stopped_at_us = Some(time_us);
            }
        }
        self.ways_on.insert(standing, best.clone());
        best
    }
}

fn is_later(view: &View<'_>, row: usize, before: u32) -> bool {
    view.unit.time_us(row) > view.unit.time_us(before as usize)
}

/// Of two ways on the one whose times come first; then the one of rows with the least part; then of the first rows.
fn better(view: &View<'_>, a: Option<Vec<u32>>, b: Option<Vec<u32>>) -> Option<Vec<u32>> {
    let (Some(first), Some(second)) = (&a, &b) else { return a.or(b) };
    let times_us = |rows: &[u32]| rows.iter().map(|&row| view.unit.time_us(row as usize)).collect::<Vec<_>>();
    let roles =
        |rows: &[u32]| rows.iter().map(|&row| &view.unit.class(row as usize).roles).collect::<Vec<_>>();
    let order = times_us(first).cmp(&times_us(second));
    let order = order.then_with(|| roles(first).cmp(&roles(second))).then_with(|| first.cmp(second));
    if order.is_le() { a } else { b }
}

fn may_enter(view: &View<'_>, row: usize) -> bool {
    let time_us = view.unit.time_us(row);
    view.unit.may_enter_at(time_us) && view.only_entry.is_none_or(|only| view.unit.time_us(only) == time_us)
}

/// The rows with times in `least_us..=most_us`.
fn places(view: &View<'_>, least_us: i64, most_us: i64) -> (usize, usize) {
    let times_us = view.unit.rows.times_us;
    let first = times_us.partition_point(|&time_us| time_us < least_us);
    (first, times_us.partition_point(|&time_us| time_us <= most_us).max(first))
}

/// The used rows that serve several steps and that the rest of the chain could come back to.
fn met_again(view: &View<'_>, level: usize, chain: &[u32]) -> Vec<u32> {
    let Some(&last) = chain.last() else { return Vec::new() };
    let steps_left = (level - chain.len()) as u64;
    let farthest_us = view.options.tolerance_us.unsigned_abs().saturating_mul(steps_left);
    let least_us = view.unit.time_us(last as usize).saturating_sub_unsigned(farthest_us);
    let is_met = |row: &u32| {
        let row = *row as usize;
        view.unit.time_us(row) >= least_us && view.unit.class(row).roles.steps.len() > 1
    };
    let mut rows: Vec<u32> = chain.iter().copied().filter(is_met).collect();
    rows.sort_unstable();
    rows
}

/// The greatest of a range of values.
#[derive(Debug, Default)]
struct MaxTree {
    /// The values lie behind as many inner nodes; the children of node `i` are `2 i` and `2 i + 1`.
    nodes: Vec<i64>,
}

impl MaxTree {
    fn fill(&mut self, values: &[i64]) {
        self.nodes.clear();
        self.nodes.resize(values.len(), NONE);
        self.nodes.extend_from_slice(values);
        for node in (1..values.len()).rev() {
            self.nodes[node] = self.nodes[2 * node].max(self.nodes[2 * node + 1]);
        }
    }

    fn best(&self, first: usize, end: usize) -> i64 {
        let values = self.nodes.len() / 2;
        let (mut low, mut high) = (first + values, end + values);
        let mut best = NONE;
        while low < high {
            if low % 2 == 1 {
                best = best.max(self.nodes[low]);
                low += 1;
            }
            if high % 2 == 1 {
                high -= 1;
                best = best.max(self.nodes[high]);
            }
            low /= 2;
            high /= 2;
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::super::engine::{Engine, Rows, Rules};
    use super::super::kinds::{KindRoles, KindTable};
    use super::super::options::Options;
    use super::*;

    #[test]
    fn a_dead_end_is_one_only_for_the_rows_that_were_used() {
        // The second row alone serves the last step. Taken for the second one, it leaves nothing;
        // the third row, taken instead, leads past the same fourth row.
        let mut kinds = KindTable::new();
        for steps in [vec![0], vec![1, 3], vec![1], vec![2]] {
            kinds.push(&KindRoles { steps, ..KindRoles::default() });
        }
        let options = Options { tolerance_us: 5, ..Options::default() };
        let rules = Rules { step_count: 4, options, ..Rules::default() };
        let seen = Observation { entries_us: i64::MIN..i64::MAX, as_of_us: 9, closes_us: None };
        let mut engine = Engine::new(&rules, &kinds);
        let outcome = engine.run(Rows { times_us: &[0, 1, 2, 3], kinds: &[0, 1, 2, 3] }, &seen);
        assert_eq!((outcome.level, &outcome.chain[..]), (4, &[0, 2, 3, 1][..]));
        assert_eq!(outcome.negative_gaps, 1);
    }

    #[test]
    fn the_greatest_of_every_range() {
        let values = [3, -1, 7, 7, 0, 2, 9];
        let mut tree = MaxTree::default();
        for count in 0..=values.len() {
            tree.fill(&values[..count]);
            for first in 0..=count {
                for end in 0..=count {
                    let range = values[..count].get(first..end).unwrap_or_default();
                    assert_eq!(tree.best(first, end), range.iter().copied().max().unwrap_or(NONE));
                }
            }
        }
    }
}
