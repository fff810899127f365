//! How many steps the rows of one instant can serve together.
//!
//! Rows at the same instant have no order of their own, so asking whether they can serve steps
//! `k, k + 1, ..., m - 1`, each row one step, is a bipartite matching. Rows of one class are
//! interchangeable and counted, not listed: an instant with a million equal rows costs one
//! count each, and the matching itself only knows classes and steps.
//!
//! Method: augmenting paths (Kuhn 1955, Hopcroft and Karp 1973), breadth first.

use super::engine::Tie;
use super::kinds::{Class, KindTable};
use super::unit::Unit;
use std::ops::Range;

/// The rows of one instant that have a part in the funnel, by class. Scratch: kept and refilled.
#[derive(Debug, Default)]
pub(super) struct TiedRows {
    /// Rows of each class.
    counts: Vec<usize>,
    /// Classes with a count.
    present: Vec<usize>,
    /// Rows of each class that the matching has given to a step.
    given: Vec<usize>,
    /// The class that serves each step in the matching.
    server: Vec<Option<usize>>,
    /// For one search: the step from which each class was met.
    met_from: Vec<Option<usize>>,
    queue: Vec<usize>,
    /// Classes that may serve the step at hand, the least part first.
    candidates: Vec<usize>,
    /// `reach[k]`: see [`TiedRows::measure`].
    reach: Vec<usize>,
}

impl TiedRows {
    pub fn new(class_count: usize, step_count: usize) -> TiedRows {
        TiedRows {
            counts: vec![0; class_count],
            given: vec![0; class_count],
            met_from: vec![None; class_count],
            server: vec![None; step_count],
            ..TiedRows::default()
        }
    }

    pub fn clear(&mut self) {
        for class in self.present.drain(..) {
            self.counts[class] = 0;
        }
    }

    pub fn add(&mut self, class: usize) {
        if self.counts[class] == 0 {
            self.present.push(class);
        }
        self.counts[class] += 1;
    }

    /// Takes one row of the class away; a chain uses it. The class stays listed, with one row less.
    pub fn take(&mut self, class: usize) {
        self.counts[class] = self.counts[class].saturating_sub(1);
    }

    /// Gives back what `take` took.
    pub fn put_back(&mut self, class: usize) {
        self.counts[class] += 1;
    }

    /// Whether some class of the instant passes the test.
    pub fn any(&self, kinds: &KindTable, test: impl Fn(&Class) -> bool) -> bool {
        self.present.iter().any(|&class| test(kinds.class(class)))
    }

    /// Whether some row of the instant breaks the gap.
    pub fn breaks_gap(&self, kinds: &KindTable, gap: usize) -> bool {
        self.present.iter().any(|&class| kinds.class(class).breaks_gap(gap))
    }

    /// Works out how far a chain can go within this instant, for every step to begin with:
    /// steps `k..reach(k)` can be served together, `k..reach(k) + 1` cannot. At most one step
    /// where times must strictly increase. Looks at steps below `limit` only.
    pub fn measure(&mut self, kinds: &KindTable, tie: Tie, limit: usize) {
        let mut reach = std::mem::take(&mut self.reach);
        reach.clear();
        if tie == Tie::Strict {
            reach.extend((0..limit).map(|step| step + usize::from(self.serves(kinds, step))));
        } else {
            // What serves `k..m` also serves `k + 1..m`, so the end never moves back.
            self.forget_matching();
            let mut end = 0;
            for step in 0..limit {
                end = end.max(step);
                while end < limit && self.match_step(kinds, end) {
                    end += 1;
                }
                reach.push(end);
                if let Some(class) = self.server[step].take() {
                    self.given[class] -= 1;
                }
            }
        }
        self.reach = reach;
    }

    /// As measured; `step` is below the limit of the measurement.
    pub fn reach(&self, step: usize) -> usize {
        self.reach[step]
    }

    /// How far a chain that needs `step` next can go within this instant: the next step it then needs.
    pub fn reach_from(&mut self, kinds: &KindTable, tie: Tie, step: usize, limit: usize) -> usize {
        if tie == Tie::Strict {
            return step + usize::from(step < limit && self.serves(kinds, step));
        }
        self.forget_matching();
        let mut end = step;
        while end < limit && self.match_step(kinds, end) {
            end += 1;
        }
        end
    }

    /// Whether a row that is left serves the step.
    pub fn serves(&self, kinds: &KindTable, step: usize) -> bool {
        self.present.iter().any(|&class| self.counts[class] > 0 && kinds.class(class).serves(step))
    }

    /// Chooses rows of the moment at hand for steps that its rows can serve together, and adds them
    /// to the chain: for each step in turn a row that leaves the rest possible, of those one with the
    /// least part, of these the first. So names, which order the rows of an instant, decide between
    /// rows that do the same only. Where rows are `reused`, a row may serve several of the steps.
    pub fn choose(
        &mut self,
        unit: &Unit<'_>,
        moment: Range<usize>,
        steps: Range<usize>,
        reused: bool,
        chain: &mut Vec<u32>,
    ) {
        let first_here = chain.len();
        for step in steps.clone() {
            let Some(class) = self.choose_class(unit.kinds, step, steps.end, reused) else { break };
            let is_free = |row: &usize| reused || !chain[first_here..].contains(&(*row as u32));
            let row = moment.clone().find(|row| unit.class_number(*row) == class && is_free(row));
            chain.extend(row.map(|row| row as u32));
        }
        if !reused {
            for &row in &chain[first_here..] {
                self.put_back(unit.class_number(row as usize));
            }
        }
    }

    /// Takes, unless rows are reused, a row for the step that leaves those before `end` possible.
    fn choose_class(&mut self, kinds: &KindTable, step: usize, end: usize, reused: bool) -> Option<usize> {
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.clear();
        let may_serve = |&class: &usize| self.counts[class] > 0 && kinds.class(class).serves(step);
        candidates.extend(self.present.iter().copied().filter(may_serve));
        candidates.sort_unstable_by(|&a, &b| kinds.class(a).roles.cmp(&kinds.class(b).roles));
        let chosen = candidates.iter().copied().find(|&class| {
            if reused {
                return true;
            }
            self.take(class);
            let is_possible = self.reach_from(kinds, Tie::Step, step + 1, end) == end;
            if !is_possible {
                self.put_back(class);
            }
            is_possible
        });
        self.candidates = candidates;
        chosen
    }

    fn forget_matching(&mut self) {
        self.server.fill(None);
        for &class in &self.present {
            self.given[class] = 0;
        }
    }

    /// Adds a step to the matching, moving earlier steps to other classes where that helps.
    fn match_step(&mut self, kinds: &KindTable, wanted: usize) -> bool {
        for &class in &self.present {
            self.met_from[class] = None;
        }
        self.queue.clear();
        self.queue.push(wanted);
        let mut next = 0;
        while let Some(&step) = self.queue.get(next) {
            next += 1;
            for &class in &self.present {
                if self.met_from[class].is_some() || !kinds.class(class).serves(step) {
                    continue;
                }
                self.met_from[class] = Some(step);
                if self.given[class] < self.counts[class] {
                    self.hand_over(class);
                    return true;
                }
                let held = self.server.iter().enumerate().filter(|(_, server)| **server == Some(class));
                self.queue.extend(held.map(|(held_step, _)| held_step));
            }
        }
        false
    }

    /// Walks the found path back: each step on it gets the class it was met from.
    fn hand_over(&mut self, free: usize) {
        self.given[free] += 1;
        let mut class = Some(free);
        while let Some(freed) = class {
            let Some(step) = self.met_from[freed] else { break };
            class = self.server[step].replace(freed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::kinds::KindRoles;
    use super::*;

    /// A table whose class `i + 1` serves the `i`-th list of steps.
    fn table(lists: &[&[u16]]) -> KindTable {
        let mut kinds = KindTable::new();
        for steps in lists {
            kinds.push(&KindRoles { steps: steps.to_vec(), ..KindRoles::default() });
        }
        kinds
    }

    fn reaches(kinds: &KindTable, classes: &[usize], tie: Tie, limit: usize) -> Vec<usize> {
        let mut tied = TiedRows::new(kinds.class_count(), limit);
        for &class in classes {
            tied.add(class);
        }
        tied.measure(kinds, tie, limit);
        let measured: Vec<usize> = (0..limit).map(|step| tied.reach(step)).collect();
        let one_by_one: Vec<usize> = (0..limit).map(|k| tied.reach_from(kinds, tie, k, limit)).collect();
        assert_eq!(measured, one_by_one);
        measured
    }

    #[test]
    fn a_row_serves_one_step() {
        let kinds = table(&[&[0, 1, 2]]);
        assert_eq!(reaches(&kinds, &[], Tie::Step, 3), [0, 1, 2]);
        assert_eq!(reaches(&kinds, &[1], Tie::Step, 3), [1, 2, 3]);
        assert_eq!(reaches(&kinds, &[1, 1], Tie::Step, 3), [2, 3, 3]);
        assert_eq!(reaches(&kinds, &[1, 1, 1, 1], Tie::Step, 3), [3, 3, 3]);
        assert_eq!(reaches(&kinds, &[1, 1, 1], Tie::Strict, 3), [1, 2, 3]);
    }

    #[test]
    fn earlier_steps_give_way_to_later_ones() {
        // Step 0 could take the row that alone serves step 1; it must take the other one.
        let kinds = table(&[&[0, 1], &[0], &[1, 2]]);
        assert_eq!(reaches(&kinds, &[1, 2], Tie::Step, 3), [2, 2, 2]);
        // A chain of three hand-overs: 2 needs class 3, so 1 needs class 1, so 0 needs class 2.
        assert_eq!(reaches(&kinds, &[3, 1, 2], Tie::Step, 3), [3, 3, 3]);
    }

    #[test]
    fn a_missing_step_stops_the_run() {
        let kinds = table(&[&[0], &[2], &[3]]);
        assert_eq!(reaches(&kinds, &[1, 2, 3], Tie::Step, 4), [1, 1, 4, 4]);
    }

    #[test]
    fn rows_taken_away_no_longer_serve() {
        let kinds = table(&[&[0, 1]]);
        let mut tied = TiedRows::new(kinds.class_count(), 2);
        tied.add(1);
        tied.add(1);
        tied.take(1);
        assert_eq!(tied.reach_from(&kinds, Tie::Step, 0, 2), 1);
        tied.take(1);
        assert_eq!(tied.reach_from(&kinds, Tie::Step, 0, 2), 0);
        assert_eq!(tied.reach_from(&kinds, Tie::Strict, 0, 2), 0);
        tied.put_back(1);
        assert_eq!(tied.reach_from(&kinds, Tie::Step, 1, 2), 2);
        tied.clear();
        assert_eq!(tied.reach_from(&kinds, Tie::Step, 0, 2), 0);
    }
}
