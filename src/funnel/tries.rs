//! Tries: chains that take the first row for each step and never a later one.
//!
//! A try begins at a moment that serves the first step, takes of each later moment what it can,
//! and ends when it converts, when its window or the longest time of its gap has run out, or at a
//! row that must not lie in the gap it stands in. Attempts are tries one after the other: a moment
//! begins one only if none is running and none has just gone on. They are counted, they are
//! units of their own where that is asked, and the first that meets a forbidden row may freeze the
//! unit. Tools that know no other chains let every row of the first step begin one.
//!
//! All tries that need the same step move together, oldest first, and none goes over more steps
//! than there are. O(rows times steps).

use super::engine::Observation;
use super::options::{Choice, Entry};
use super::ties::TiedRows;
use super::view::{Alive, Moment, View};
use std::collections::VecDeque;

/// Why a try goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The rows ended first.
    Running,
    Converted,
    /// Its time ran out.
    Expired,
    /// It met a forbidden row.
    Excluded,
    /// It met a row that an arrow does not allow.
    Blocked,
}

#[derive(Debug, Clone)]
pub(super) struct Try {
    /// The first row of the moment it began in.
    pub start: usize,
    pub rows: Vec<u32>,
    /// The first row of the moment that it took its last row from.
    last: usize,
    pub ended: Ended,
    /// The first row of the moment that ended it.
    pub ended_at: usize,
}

impl Try {
    pub fn level(&self) -> usize {
        self.rows.len()
    }

    /// Adds what the try, unless it has ended, may still hope for.
    pub fn add_live(&self, view: &View<'_>, seen: &Observation, alive: &mut Alive) {
        if self.ended == Ended::Running {
            let last_us = view.unit.time_us(self.last);
            if let Some(live) = view.live(seen, self.level() - 1, self.start, last_us) {
                alive.add(live);
            }
        }
    }
}

/// The try that stands for the unit.
#[derive(Debug)]
pub(super) struct Winner<'t> {
    pub found: &'t Try,
    /// Whether the unit met a forbidden row and no sound try makes up for it.
    pub is_thrown_away: bool,
}

/// Scratch: kept and refilled.
#[derive(Debug, Default)]
pub(super) struct Tries {
    pub all: Vec<Try>,
    /// By step: the tries that need it next, oldest first.
    waiting: Vec<VecDeque<usize>>,
    /// By step: the newest try that met a forbidden row when it needed it, until a newer one needs it.
    lost: Vec<Option<usize>>,
    /// The level that such tries would have come to by the step that they met it before.
    lost_level: usize,
    has_converted: bool,
    reaches: Vec<usize>,
    /// The rows chosen from the moment at hand.
    block: Vec<u32>,
}

impl Tries {
    /// Follows all tries that begin at the rows from `first` on, where a moment begins. Where all
    /// rows of the first step begin one, those that begin after the first conversion are left out.
    pub fn run(&mut self, view: &View<'_>, first: usize, entry: Entry, tied: &mut TiedRows) {
        let steps = view.steps();
        self.all.clear();
        self.has_converted = false;
        self.waiting.resize_with(steps, VecDeque::new);
        self.waiting.iter_mut().for_each(VecDeque::clear);
        self.lost.clear();
        self.lost.resize(steps, None);
        self.lost_level = 0;
        let mut next = first;
        while next < view.len() {
            let moment = view.moment_from(next);
            next = moment.end;
            if !view.fill(&moment, tied) {
                continue;
            }
            view.reaches(tied, steps, &mut self.reaches);
            let mut went_on = false;
            for step in (1..steps).rev() {
                went_on |= self.go_on(view, &moment, step, tied);
            }
            let may_begin = match entry {
                // Of the first entry alone, the view lets no other moment in.
                Entry::Any | Entry::First => true,
                Entry::Successive => !went_on && self.waiting.iter().all(VecDeque::is_empty),
            };
            if may_begin && self.reaches[0] > 0 && view.may_enter(&moment) {
                self.begin(view, &moment, tied);
            }
            let is_settled = match entry {
                Entry::Any => self.has_converted,
                Entry::First => self.all.first().is_some_and(|found| found.ended != Ended::Running),
                Entry::Successive => false,
            };
            if is_settled {
                return;
            }
        }
    }

    /// The tries that need `step` take of the moment what they can, or end there.
    fn go_on(&mut self, view: &View<'_>, moment: &Moment, step: usize, tied: &mut TiedRows) -> bool {
        let gap = step - 1;
        let since_us = |found: &Try| view.unit.time_us(found.last).abs_diff(moment.time_us);
        while let Some(&oldest) = self.waiting[step].front() {
            let found = &mut self.all[oldest];
            if view.is_in_time(found.start, moment.time_us) && since_us(found) <= view.within_us(gap) {
                break;
            }
            found.ended = Ended::Expired;
            found.ended_at = moment.first;
            self.waiting[step].pop_front();
        }
        let reach = self.reaches[step];
        let mut went_on = false;
        if reach > step {
            let may_go_on = |&mut lost: &mut usize| {
                let found = &self.all[lost];
                let since_us = view.unit.time_us(found.last).abs_diff(moment.time_us);
                view.is_in_time(found.start, moment.time_us)
                    && (view.after_us(gap)..=view.within_us(gap)).contains(&since_us)
            };
            if self.lost[step].take_if(may_go_on).is_some() {
                self.lost_level = self.lost_level.max(step + 1);
            }
            while let Some(&oldest) = self.waiting[step].front()
                && since_us(&self.all[oldest]) >= view.after_us(gap)
            {
                self.waiting[step].pop_front();
                if !went_on {
                    self.choose(view, moment, step, reach, tied);
                    went_on = true;
                }
                self.take_block(view, moment, oldest, reach);
            }
        }
        let ended = if view.unit.heeds_exclusions && tied.breaks_gap(view.unit.kinds, gap) {
            Ended::Excluded
        } else if tied.any(view.unit.kinds, |class| class.blocks_gap(gap)) {
            Ended::Blocked
        } else {
            return went_on;
        };
        if ended == Ended::Excluded {
            self.lost[step] = self.waiting[step].back().copied().or(self.lost[step]);
        }
        for stopped in self.waiting[step].drain(..) {
            self.all[stopped].ended = ended;
            self.all[stopped].ended_at = moment.first;
        }
        went_on
    }

    fn begin(&mut self, view: &View<'_>, moment: &Moment, tied: &mut TiedRows) {
        let reach = self.reaches[0];
        self.choose(view, moment, 0, reach, tied);
        let number = self.all.len();
        self.all.push(Try {
            start: moment.first,
            rows: Vec::new(),
            last: moment.first,
            ended: Ended::Running,
            ended_at: view.len(),
        });
        self.take_block(view, moment, number, reach);
    }

    /// Gives the chosen rows of the moment to a try, which then needs the step `reach`.
    fn take_block(&mut self, view: &View<'_>, moment: &Moment, number: usize, reach: usize) {
        let found = &mut self.all[number];
        found.rows.extend_from_slice(&self.block);
        found.last = moment.first;
        if reach == view.steps() {
            found.ended = Ended::Converted;
            self.has_converted = true;
            found.ended_at = moment.first;
        } else {
            self.waiting[reach].push_back(number);
            self.lost[reach] = None;
        }
    }

    /// Chooses the rows of the moment for the steps `from..to`.
    fn choose(&mut self, view: &View<'_>, moment: &Moment, from: usize, to: usize, tied: &mut TiedRows) {
        self.block.clear();
        tied.choose(&view.unit, moment.rows(), from..to, view.rows_serve_many(), &mut self.block);
    }

    /// The try that wins by the rule of choice. Where forbidden rows throw tries away, the deepest level
    /// counts tries that met one as if they had gone on by one step, and nothing below it is looked
    /// at: if no sound try stands there, the unit goes with them.
    pub fn winner(&self, choice: Choice, throws_away: bool) -> Option<Winner<'_>> {
        // Later tries started later, and got nowhere before the others.
        let is_newer = |found: &Try, best: &Try| choice == Choice::LatestStart && found.last == best.last;
        let deepest = self.all.iter().map(Try::level).max()?;
        let at_deepest = || self.all.iter().filter(|found| found.level() == deepest);
        if throws_away && self.lost_level <= deepest {
            let sound = at_deepest().reduce(|best, found| {
                if is_newer(found, best) || best.ended == Ended::Excluded { found } else { best }
            });
            if let Some(found) = sound.filter(|found| found.ended != Ended::Excluded) {
                return Some(Winner { found, is_thrown_away: false });
            }
        }
        let found = at_deepest().reduce(|best, found| if is_newer(found, best) { found } else { best })?;
        Some(Winner { found, is_thrown_away: throws_away })
    }
}
