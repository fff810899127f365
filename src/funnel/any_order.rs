//! Steps in any order: how many distinct steps the rows inside one window serve.
//!
//! A block is a set of rows, each of which serves a step that no other of them serves. Of the
//! blocks with the most rows the one that starts first wins, then the one whose rows come first; of
//! rows of one instant those come first that have the least part in the funnel.
//! That one is also complete as early as any block of that size: to a block that ends earlier the
//! earliest start can be added in place of the row that serves its step.
//!
//! - Under [`Tie::Strict`] the rows of a block lie at distinct instants.
//! - A forbidden row must not lie between the first and the last row of a block; its gap does not matter.
//! - Which row serves which step: in that order of rows, each the first step that leaves the rest possible.
//!
//! Method: sets of rows that can be matched with distinct steps are the independent sets of a
//! matroid, so taking the rows from the first one on, each that still fits, gives the block (Edmonds
//! 1971). Rows that serve the same steps are counted, not listed. O(rows) for a given funnel.

use super::engine::{Observation, Tie};
use super::view::{Alive, Live, Moment, View};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::Range;

/// A row, or where time is strict a moment, that serves steps.
#[derive(Debug, Clone, Copy)]
struct Node {
    /// Its place among the moments.
    moment: usize,
    /// The row; of a moment the first one.
    row: usize,
    /// Which steps it serves, as a place in `sets`.
    set: usize,
}

/// Scratch: kept and refilled.
#[derive(Debug, Default)]
pub(super) struct AnyOrder {
    moments: Vec<Moment>,
    /// By moment: whether it has a forbidden row.
    forbidden: Vec<bool>,
    /// By moment: whether a block may start there.
    may_start: Vec<bool>,
    /// By moment: its first node; one more at the end.
    first_node: Vec<usize>,
    nodes: Vec<Node>,
    sets: Vec<Vec<u16>>,
    numbers: HashMap<Vec<u16>, usize>,
    matching: Matching,
}

/// A block: its rows in order, and the step that each serves.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    pub rows: Vec<u32>,
    pub steps: Vec<u16>,
}

impl AnyOrder {
    /// Reads the rows of a unit.
    pub fn fill(&mut self, view: &View<'_>, is_anchored: bool) {
        self.moments.clear();
        self.forbidden.clear();
        self.may_start.clear();
        self.first_node.clear();
        self.nodes.clear();
        let mut next = 0;
        while next < view.len() {
            let moment = view.moment_from(next);
            next = moment.end;
            let first_node = self.nodes.len();
            let is_forbidden = self.add_nodes(view, &moment);
            self.nodes[first_node..].sort_by(|a, b| by_part(view, a.row, b.row));
            if self.nodes.len() == first_node && !is_forbidden {
                continue;
            }
            let opens = |node: &Node| !is_anchored || self.sets[node.set].contains(&0);
            self.may_start.push(view.may_enter(&moment) && self.nodes[first_node..].iter().any(opens));
            self.first_node.push(first_node);
            self.forbidden.push(is_forbidden);
            self.moments.push(moment);
        }
        self.first_node.push(self.nodes.len());
    }

    /// Adds the nodes of a moment and tells whether it has a forbidden row.
    fn add_nodes(&mut self, view: &View<'_>, moment: &Moment) -> bool {
        let mut is_forbidden = false;
        let mut merged = Vec::new();
        for row in moment.first..moment.end {
            let class = view.unit.class(row);
            is_forbidden |= !view.unit.gaps_broken_by(class).is_empty();
            if class.roles.steps.is_empty() {
                continue;
            }
            if view.unit.tie == Tie::Strict {
                merged.extend_from_slice(&class.roles.steps);
            } else {
                let set = self.number(class.roles.steps.clone());
                self.nodes.push(Node { moment: self.moments.len(), row, set });
            }
        }
        if !merged.is_empty() {
            let set = self.number(merged);
            self.nodes.push(Node { moment: self.moments.len(), row: moment.first, set });
        }
        is_forbidden
    }

    fn number(&mut self, mut steps: Vec<u16>) -> usize {
        steps.sort_unstable();
        steps.dedup();
        if let Some(&number) = self.numbers.get(&steps) {
            return number;
        }
        self.sets.push(steps.clone());
        self.numbers.insert(steps, self.sets.len() - 1);
        self.sets.len() - 1
    }

    /// The winning block; empty where none may start.
    pub fn winner(&mut self, view: &View<'_>, is_anchored: bool) -> Block {
        self.matching.begin(self.sets.len(), view.steps(), view.rows_serve_many());
        let (mut best, mut window) = (0, None);
        // Both ends of the range move forward only.
        let (mut from, mut to, mut end) = (0, 0, 0);
        for start in 0..self.moments.len() {
            if !self.may_start[start] {
                continue;
            }
            end = end.max(start + 1);
            while end < self.moments.len() && self.goes_on(view, start, end) {
                end += 1;
            }
            while to < self.first_node[end] {
                self.matching.counts[self.nodes[to].set] += 1;
                to += 1;
            }
            while from < self.first_node[start] {
                self.matching.counts[self.nodes[from].set] -= 1;
                from += 1;
            }
            let size = if is_anchored {
                let here = self.first_node[start]..self.first_node[start + 1];
                self.matching.size_anchored(&self.sets, self.nodes[here].iter().map(|node| node.set))
            } else {
                self.matching.size(&self.sets, 0)
            };
            if size > best {
                (best, window) = (size, Some((start, end)));
            }
            if best == view.steps() {
                break;
            }
        }
        match window {
            Some((start, end)) if view.rows_serve_many() => self.first_rows(start, end),
            Some((start, end)) => self.block(view, start, end, best, is_anchored),
            None => Block::default(),
        }
    }

    /// Whether a block that starts in one moment may use another one behind it, if it may use all between.
    fn goes_on(&self, view: &View<'_>, start: usize, moment: usize) -> bool {
        view.is_in_time(self.moments[start].first, self.moments[moment].time_us)
            && (moment == start + 1 || !self.forbidden[moment - 1])
    }

    /// Where rows may serve many steps: for each step its first row. That of the anchor lies in the
    /// first moment, as otherwise no block would start there.
    fn first_rows(&self, start: usize, end: usize) -> Block {
        let mut served: Vec<(u32, u16)> = Vec::new();
        for node in &self.nodes[self.first_node[start]..self.first_node[end]] {
            for &step in &self.sets[node.set] {
                if served.iter().all(|&(_, known)| known != step) {
                    served.push((node.row as u32, step));
                }
            }
        }
        let (rows, steps) = served.into_iter().unzip();
        Block { rows, steps }
    }

    /// The rows of the block of this size that starts in a moment and ends before another.
    fn block(&mut self, view: &View<'_>, start: usize, end: usize, size: usize, is_anchored: bool) -> Block {
        let steps_of = |row: usize, node: &Node| -> Vec<u16> {
            let is_open = !is_anchored || node.moment == start;
            let steps = view.unit.class(row).roles.steps.iter().rev().copied();
            steps.filter(|&step| is_open || step != 0).collect()
        };
        let mut chosen: Vec<Node> = Vec::new();
        let mut lists: Vec<Vec<u16>> = Vec::new();
        let mut refused: Vec<usize> = Vec::new();
        for node in &self.nodes[self.first_node[start]..self.first_node[end]] {
            if chosen.len() == size {
                break;
            }
            // What does not fit now will not fit when there is more, nor without the anchor's step.
            if refused.contains(&node.set) {
                continue;
            }
            lists.push(self.rows_of(view, node).flat_map(|row| steps_of(row, node)).collect());
            if fits(&lists, &[], view.steps()) {
                chosen.push(*node);
            } else {
                lists.pop();
                refused.push(node.set);
            }
        }
        // Of a moment the first row that leaves the rest possible; where rows are nodes, there is but one.
        let mut rows = Vec::new();
        for (place, node) in chosen.iter().enumerate() {
            let mut rows_of_node: Vec<usize> = self.rows_of(view, node).collect();
            rows_of_node.sort_by(|&a, &b| by_part(view, a, b));
            let row = rows_of_node.into_iter().find(|&row| {
                let all = std::mem::replace(&mut lists[place], steps_of(row, node));
                let is_possible = leaves_possible(&lists, &[], is_anchored, view.steps());
                if !is_possible {
                    lists[place] = all;
                }
                is_possible
            });
            rows.push(row.unwrap_or(node.row) as u32);
        }
        Block { rows, steps: assign(&lists, is_anchored, view.steps()) }
    }

    fn rows_of(&self, view: &View<'_>, node: &Node) -> Range<usize> {
        match view.unit.tie {
            Tie::Strict => self.moments[node.moment].first..self.moments[node.moment].end,
            Tie::Step | Tie::File => node.row..node.row + 1,
        }
    }

    /// Whether a block that starts in the moment can be extended by a later row, as far as steps go.
    fn lacks_a_step(&self, view: &View<'_>, start: usize, is_anchored: bool) -> bool {
        let is_spent = |step: usize| view.limits.spent.get(step).copied().unwrap_or(false);
        let mut unspent = (0..view.steps()).filter(|&step| !is_spent(step));
        let (Some(lacking), None) = (unspent.next(), unspent.next()) else {
            return (0..view.steps()).any(|step| !is_spent(step));
        };
        // Only one step can still be served: the block must not need it for its own start.
        if is_anchored {
            return lacking != 0;
        }
        let nodes = &self.nodes[self.first_node[start]..self.first_node[start + 1]];
        nodes.iter().any(|node| self.sets[node.set].iter().any(|&step| usize::from(step) != lacking))
    }

    /// What is alive behind the rows: every start whose window is open and that no forbidden row follows.
    pub fn alive(&self, view: &View<'_>, seen: &Observation, is_anchored: bool) -> Alive {
        let mut alive = Alive::default();
        let can_be_joined = seen.closes_us.is_none_or(|closes_us| closes_us > seen.as_of_us);
        if view.steps() < 2 || !can_be_joined {
            return alive;
        }
        for start in (0..self.moments.len()).rev() {
            let until_us = view.end_us(self.moments[start].first);
            if until_us.is_some_and(|until_us| until_us <= seen.as_of_us) {
                break;
            }
            if self.may_start[start] && self.lacks_a_step(view, start, is_anchored) {
                // An earlier one starts earlier and ends no later.
                alive.add(Live { start_us: self.moments[start].time_us, until_us });
                break;
            }
            if self.forbidden[start] {
                break;
            }
        }
        alive
    }

    /// How often the unit set out: a moment that serves a step starts an attempt unless one is
    /// running; having all steps, the end of the window and a forbidden row end it.
    pub fn attempts(&mut self, view: &View<'_>, is_anchored: bool) -> u32 {
        self.matching.begin(self.sets.len(), view.steps(), view.rows_serve_many());
        let mut attempts = 0_u32;
        let mut moment = 0;
        while moment < self.moments.len() {
            if !self.may_start[moment] {
                moment += 1;
                continue;
            }
            attempts = attempts.saturating_add(1);
            moment = self.follow(view, moment, is_anchored);
        }
        attempts
    }

    /// Follows the attempt that starts in a moment; returns the first moment that may start the next one.
    fn follow(&mut self, view: &View<'_>, start: usize, is_anchored: bool) -> usize {
        self.matching.counts.fill(0);
        let here: Vec<usize> = self.nodes[self.first_node[start]..self.first_node[start + 1]]
            .iter()
            .map(|node| node.set)
            .collect();
        let mut size = 0;
        for moment in start..self.moments.len() {
            if moment > start && !view.is_in_time(self.moments[start].first, self.moments[moment].time_us) {
                return moment;
            }
            for node in &self.nodes[self.first_node[moment]..self.first_node[moment + 1]] {
                self.matching.counts[node.set] += 1;
            }
            let before = size;
            size = if is_anchored {
                self.matching.size_anchored(&self.sets, here.iter().copied())
            } else {
                self.matching.size(&self.sets, 0)
            };
            if size == view.steps() {
                return moment + 1;
            }
            if moment > start && self.forbidden[moment] {
                return if size > before { moment + 1 } else { moment };
            }
        }
        self.moments.len()
    }
}

/// How many steps the rows at hand can serve together. Rows with the same set of steps are counted.
#[derive(Debug, Default)]
struct Matching {
    counts: Vec<usize>,
    given: Vec<usize>,
    /// By step.
    server: Vec<Option<usize>>,
    met: Vec<bool>,
    serves_many: bool,
}

impl Matching {
    fn begin(&mut self, sets: usize, steps: usize, serves_many: bool) {
        for list in [&mut self.counts, &mut self.given] {
            list.clear();
            list.resize(sets, 0);
        }
        self.server.resize(steps, None);
        self.met.resize(sets, false);
        self.serves_many = serves_many;
    }

    /// Of the steps from `first` on.
    fn size(&mut self, sets: &[Vec<u16>], first: usize) -> usize {
        self.given.fill(0);
        self.server.fill(None);
        let mut size = 0;
        for step in first..self.server.len() {
            self.met.fill(false);
            size += usize::from(self.serve(sets, step));
        }
        size
    }

    /// Where one row of the given sets has to serve the first step, and no other row may.
    fn size_anchored(&mut self, sets: &[Vec<u16>], opening: impl Iterator<Item = usize>) -> usize {
        let mut best = 0;
        let mut tried: Vec<usize> = Vec::new();
        for set in opening {
            if tried.contains(&set) || !sets[set].contains(&0) {
                continue;
            }
            tried.push(set);
            let taken = usize::from(!self.serves_many);
            self.counts[set] -= taken;
            best = best.max(1 + self.size(sets, 1));
            self.counts[set] += taken;
        }
        best
    }

    fn serve(&mut self, sets: &[Vec<u16>], step: usize) -> bool {
        for set in 0..sets.len() {
            if self.met[set] || self.counts[set] == 0 || !sets[set].contains(&(step as u16)) {
                continue;
            }
            self.met[set] = true;
            if self.serves_many || self.given[set] < self.counts[set] {
                self.given[set] += 1;
                self.server[step] = Some(set);
                return true;
            }
            for held in 0..self.server.len() {
                if self.server[held] == Some(set) && self.serve(sets, held) {
                    self.server[step] = Some(set);
                    return true;
                }
            }
        }
        false
    }
}

/// The order of rows of one instant.
fn by_part(view: &View<'_>, a: usize, b: usize) -> Ordering {
    view.unit.class(a).roles.cmp(&view.unit.class(b).roles)
}

/// Whether each list can be given a step of its own, none of the taken ones.
fn fits(lists: &[Vec<u16>], taken: &[u16], steps: usize) -> bool {
    let mut holder: Vec<Option<usize>> = vec![None; steps];
    (0..lists.len()).all(|list| give(lists, taken, list, &mut holder, &mut vec![false; steps]))
}

fn give(
    lists: &[Vec<u16>],
    taken: &[u16],
    list: usize,
    holder: &mut [Option<usize>],
    met: &mut [bool],
) -> bool {
    for &step in &lists[list] {
        let at = usize::from(step);
        if met[at] || taken.contains(&step) {
            continue;
        }
        met[at] = true;
        if holder[at].is_none_or(|held| give(lists, taken, held, holder, met)) {
            holder[at] = Some(list);
            return true;
        }
    }
    false
}

/// As `fits`, where one of the lists has to be given the first step unless it is taken.
fn leaves_possible(lists: &[Vec<u16>], taken: &[u16], is_anchored: bool, steps: usize) -> bool {
    if !is_anchored || taken.contains(&0) {
        return fits(lists, taken, steps);
    }
    (0..lists.len()).any(|opener| {
        let mut others = lists.to_vec();
        let opens = others.remove(opener).contains(&0);
        let with_first: Vec<u16> = taken.iter().copied().chain([0]).collect();
        opens && fits(&others, &with_first, steps)
    })
}

/// Gives each list in turn the first step that leaves the rest possible.
fn assign(lists: &[Vec<u16>], is_anchored: bool, steps: usize) -> Vec<u16> {
    let mut taken: Vec<u16> = Vec::new();
    for (place, list) in lists.iter().enumerate() {
        let chosen = list.iter().copied().find(|&step| {
            if taken.contains(&step) {
                return false;
            }
            taken.push(step);
            let is_possible = leaves_possible(&lists[place + 1..], &taken, is_anchored, steps);
            taken.pop();
            is_possible
        });
        taken.extend(chosen);
    }
    taken
}
