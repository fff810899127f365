//! Tries, each followed by itself from its start to its end.

use super::World;
use dropoff::funnel::engine::{Status, Tie};
use dropoff::funnel::options::{Choice, Entry, Exclusion, RowUse};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Running,
    Converted,
    Expired,
    Excluded,
    Blocked,
}

#[derive(Debug, Clone)]
pub struct Try {
    pub rows: Vec<usize>,
    pub ended: Ended,
    /// The first row of the moment that ended it.
    pub ended_at: usize,
    /// The first row of the moment behind the last one that it looked at.
    next: usize,
}

impl World<'_> {
    /// The first rows of the moments.
    fn moments(&self) -> Vec<Vec<usize>> {
        let mut moments: Vec<Vec<usize>> = Vec::new();
        for row in 0..self.log.len() {
            match moments.last_mut() {
                Some(moment) if self.is_one_moment(moment[0], row) => moment.push(row),
                _ => moments.push(vec![row]),
            }
        }
        moments
    }

    /// The longest runs of steps from `step` on that rows of one moment serve; of those the first rows.
    fn run(&self, moment: &[usize], step: usize) -> Vec<usize> {
        let mut best: Vec<usize> = Vec::new();
        self.extend_run(moment, step, &mut Vec::new(), &mut best);
        best
    }

    fn extend_run(&self, moment: &[usize], step: usize, run: &mut Vec<usize>, best: &mut Vec<usize>) {
        if run.len() > best.len() || (run.len() == best.len() && self.rank(run) < self.rank(best)) {
            best.clone_from(run);
        }
        let next = step + run.len();
        let may_go_on = run.is_empty() || (self.tie != Tie::Strict && self.after(next - 1) == 0);
        if next == self.steps() || !may_go_on {
            return;
        }
        for &row in moment {
            let is_free = self.options().row == RowUse::Many || !run.contains(&row);
            if is_free && self.serves(row, next) {
                run.push(row);
                self.extend_run(moment, step, run, best);
                run.pop();
            }
        }
    }

    /// The try that starts in a moment, if it serves the first step.
    fn follow(&self, start: &[usize]) -> Option<Try> {
        let mut rows = self.run(start, 0);
        let first = *rows.first().filter(|_| self.may_start(start[0]))?;
        let ended = |rows: Vec<usize>, ended, ended_at, next| Some(Try { rows, ended, ended_at, next });
        if rows.len() == self.steps() {
            return ended(rows, Ended::Converted, start[0], start[start.len() - 1] + 1);
        }
        for moment in self.moments().iter().filter(|moment| moment[0] > start[start.len() - 1]) {
            let gap = rows.len() - 1;
            let apart = self.time(moment[0]) - self.time(rows[gap]);
            if !self.is_in_time(first, moment[0]) || self.within(gap).is_some_and(|within| apart > within) {
                return ended(rows, Ended::Expired, moment[0], moment[0]);
            }
            let is_far_enough =
                apart >= self.after(gap) && (self.tie != Tie::Strict || apart > self.tolerance());
            let run = self.run(moment, rows.len());
            if is_far_enough && !run.is_empty() {
                rows.extend(run);
                if rows.len() == self.steps() {
                    return ended(rows, Ended::Converted, moment[0], moment[moment.len() - 1] + 1);
                }
                continue;
            }
            if moment.iter().any(|&row| self.breaks(row, gap)) {
                return ended(rows, Ended::Excluded, moment[0], moment[0]);
            }
            if moment.iter().any(|&row| self.blocks(row, gap)) {
                return ended(rows, Ended::Blocked, moment[0], moment[0]);
            }
        }
        ended(rows, Ended::Running, self.log.len(), self.log.len())
    }

    pub fn tries(&self, entry: Entry) -> Vec<Try> {
        let mut tries: Vec<Try> = Vec::new();
        for moment in self.moments() {
            let may_begin = match entry {
                Entry::Any => true,
                Entry::First => tries.is_empty(),
                Entry::Successive => tries.last().is_none_or(|before| moment[0] >= before.next),
            };
            if may_begin {
                tries.extend(self.follow(&moment));
            }
        }
        tries
    }

    /// Tries that follow one another, or the first one where there is no other.
    pub fn attempts(&self) -> Vec<Try> {
        match self.options().entry {
            Entry::First => self.tries(Entry::First),
            Entry::Any | Entry::Successive => self.tries(Entry::Successive),
        }
    }

    /// Longest; then by the rule of choice.
    pub fn best_try<'t>(&self, tries: &'t [Try]) -> Option<&'t Try> {
        let is_latest = self.options().choice == Choice::LatestStart;
        tries.iter().min_by_key(|one| {
            let (start, last) = (self.moment(one.rows[0]), self.moment(one.rows[one.rows.len() - 1]));
            let level = std::cmp::Reverse(one.rows.len());
            if is_latest { (level, last, -start) } else { (level, start, 0) }
        })
    }

    /// Of the tries that met no forbidden row the one that got first to the deepest level, where those
    /// that met one are counted with the step that they would have served next.
    pub fn best_sound_try<'t>(&self, tries: &'t [Try]) -> Option<&'t Try> {
        let lost = tries.iter().filter(|one| one.ended == Ended::Excluded);
        let went_on = lost.filter(|one| self.would_go_on(one, tries)).map(|one| one.rows.len() + 1);
        let deepest = tries.iter().map(|one| one.rows.len()).chain(went_on).max()?;
        let stands = |one: &Try| one.rows.len() == deepest;
        let last = |one: &Try| self.moment(one.rows[deepest - 1]);
        // Of tries that stand on the same rows there is only the newest.
        let is_newest = |one: &Try| {
            tries
                .iter()
                .all(|other| !stands(other) || last(other) != last(one) || other.rows[0] <= one.rows[0])
        };
        let sound = |one: &&Try| stands(one) && one.ended != Ended::Excluded && is_newest(one);
        tries.iter().filter(sound).min_by_key(|one| last(one))
    }

    /// Whether a row serves the step that a stopped try needs before its time is over and before a
    /// newer try comes to need it.
    fn would_go_on(&self, lost: &Try, tries: &[Try]) -> bool {
        let level = lost.rows.len();
        let (first, last) = (lost.rows[0], lost.rows[level - 1]);
        // A newer one may come to need it where the forbidden row lies; nothing there goes on.
        for moment in self.moments().iter().filter(|moment| moment[0] >= lost.ended_at) {
            let apart = self.time(moment[0]) - self.time(last);
            let is_in_limits = apart >= self.after(level - 1)
                && self.within(level - 1).is_none_or(|within| apart <= within)
                && (self.tie != Tie::Strict || apart > self.tolerance());
            let serves = moment.iter().any(|&row| self.serves(row, level));
            let is_later = moment[0] > lost.ended_at;
            if is_later && serves && is_in_limits && self.is_in_time(first, moment[0]) {
                return true;
            }
            let comes_to_need_it = |one: &Try| {
                let here = |row: &usize| moment.contains(row);
                one.rows[0] > first
                    && one.rows.len() >= level
                    && here(&one.rows[level - 1])
                    && one.rows.get(level).is_none_or(|row| !here(row))
            };
            if tries.iter().any(comes_to_need_it) {
                return false;
            }
        }
        false
    }

    fn moment(&self, row: usize) -> i64 {
        self.moments().iter().position(|moment| moment.contains(&row)).expect("every row has one") as i64
    }

    pub fn attempt_outcomes(&self) -> Vec<(Status, usize, Vec<usize>)> {
        if self.first_entry().is_none() {
            return Vec::new();
        }
        let frozen = self.freeze().map(|(row, _)| row);
        let mut outcomes = Vec::new();
        for one in self.attempts() {
            if frozen.is_some_and(|row| self.time(one.rows[0]) >= self.time(row) && one.next > row) {
                break;
            }
            let is_alive = frozen.is_none() && self.live(&one.rows).is_some();
            let status = match one.ended {
                Ended::Converted => Status::Converted,
                Ended::Excluded if self.options().exclusion == Exclusion::Remove => Status::Removed,
                Ended::Excluded => Status::Excluded,
                Ended::Running if is_alive => Status::Open,
                Ended::Running | Ended::Expired | Ended::Blocked => Status::Dropped,
            };
            outcomes.push((status, one.rows.len(), one.rows));
            if frozen == Some(one.ended_at) {
                break;
            }
        }
        outcomes
    }
}
