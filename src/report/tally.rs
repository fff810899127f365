//! What is counted of each unit, before it becomes shares and quantiles.
//!
//! All sums are integers and all lists are sorted when read, so that the order in which units,
//! shards and threads arrive can change nothing.

use super::clusters::Clusters;
use super::collect::ReadyFunnel;
use super::shape::Shape;
use super::units::UnitRows;
use crate::funnel::engine::{Outcome, Status};
use crate::stats::Values;
use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// Stands for a row without event name where event codes are counted.
pub const NO_EVENT: u32 = u32::MAX;

/// Event codes below this are counted by place: the names of most logs, and the first of every.
const PLACED_EVENTS: usize = 64;

/// Rows by event code.
#[derive(Debug, Clone, Default)]
pub struct EventCounts {
    /// As long as the greatest code met needs.
    placed: Vec<u64>,
    others: HashMap<u32, u64, RandomState>,
}

impl EventCounts {
    pub fn add(&mut self, event: u32, n: u64) {
        let place = event as usize;
        if place >= PLACED_EVENTS {
            *self.others.entry(event).or_default() += n;
            return;
        }
        if self.placed.len() <= place {
            self.placed.resize(place + 1, 0);
        }
        self.placed[place] += n;
    }

    /// The codes met, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        let placed = (0..).zip(&self.placed).filter(|(_, n)| **n > 0);
        placed.chain(self.others.iter().map(|(&event, n)| (event, n))).map(|(event, &n)| (event, n))
    }

    fn merge(&mut self, other: &EventCounts) {
        other.iter().for_each(|(event, n)| self.add(event, n));
    }
}

/// Everything one unit contributes beside its outcome.
#[derive(Debug, Default)]
pub struct UnitFacts {
    /// Times of the chain's rows, one per step reached.
    pub step_times_us: Vec<i64>,
    pub first_entry_us: i64,
    /// The unit's first row of any kind.
    pub first_event_us: i64,
    /// The last instant that a chain from the first entry on can use, where there is one.
    pub entry_end_us: Option<i64>,
    /// How long the winning chain can be, from its first row on, where there is a limit.
    pub way_us: Option<i64>,
    pub as_of_us: i64,
    /// Levels under `tie = strict` and `tie = step`, where the unit has rows at the same instant.
    pub levels_of_ties: Option<(usize, usize)>,
    /// Segment value at the first entry differs from that at the chain's first row.
    pub segment_moved: bool,
    /// Segment value that the unit is counted under differs from that at the first entry.
    pub segment_differs: bool,
    /// It is that of a later row of the chain than the first.
    pub segment_late: bool,
    /// The unit's first row is no entry.
    pub began_elsewhere: bool,
    /// Of a converted unit: from the person's first row to the converting row, both included.
    pub purchase: Option<PurchaseFacts>,
    /// Of a unit that did not convert, where its leaving is asked for.
    pub leaving: Option<LeavingFacts>,
}

#[derive(Debug, Clone, Copy)]
pub struct PurchaseFacts {
    pub sessions: i64,
    pub active_days: i64,
    pub events: i64,
}

#[derive(Debug, Clone, Copy)]
pub struct LeavingFacts {
    /// Event code of the last row of the session that holds the stage's row.
    pub last_event: u32,
    /// Event code of the first row of the person's next session, if there is one.
    pub next_event: Option<u32>,
    /// From the stage's row to the leaving row.
    pub left_after_us: i64,
    pub bought_later: bool,
    /// The last value known at or before the leaving row, in millionths.
    pub value: Option<i64>,
}

/// Counts over the units of one funnel, or of one of its segments.
#[derive(Debug, Clone, Default)]
pub struct UnitTally {
    pub entered: u64,
    pub converted: u64,
    pub dropped: u64,
    pub open: u64,
    pub excluded: u64,
    /// Units in no other count.
    pub removed: u64,
    /// Gaps of winning chains that a tolerance lets go back in time; they count as 0.
    pub negative_gaps: u64,
    pub shape: Shape,
    /// Units whose chain has this step; in any order at least so many.
    pub reached: Vec<u64>,
    /// Units whose chain begins with this step.
    pub entrants: Vec<u64>,
    /// By step, in any order: units whose chain serves it. Else empty.
    pub served: Vec<u64>,
    /// Units with a full window behind them, and those of them that converted.
    pub mature: u64,
    pub mature_converted: u64,
    /// One per step but the last: units that stopped there.
    pub stages: Vec<StageTally>,
    /// From step k to k + 1 on the winning chain.
    pub gaps: Vec<Values>,
    /// As `gaps`, of converted units alone, summed up: they add up to the whole way.
    pub converted_gap_sums: Vec<i128>,
    /// From the first to the last row of the winning chain.
    pub total: Values,
    pub since_first_entry: Values,
    pub since_first_event: Values,
    /// Attempts of converted units.
    pub attempts: u64,
    pub sessions_until: Values,
    pub active_days_until: Values,
    pub events_until: Values,
    /// Units that did not convert: how long each was watched, for the survival curve.
    pub watched: Watched,
    pub optional: Vec<OptionalTally>,
    /// Units whose level is another under `tie = strict` than under `tie = step`, and how many
    /// would convert under either.
    pub tie_sensitive: u64,
    pub converted_strict: u64,
    pub converted_step: u64,
    pub segment_moved: u64,
    pub segment_differs: u64,
    pub segment_late: u64,
    /// Units whose very first row is no entry: they may have entered before the data.
    pub began_elsewhere: u64,
    /// Whether units have a window at all.
    pub has_window: bool,
    /// Where one person can have several units.
    pub clusters: Option<Clusters>,
}

/// How long the unconverted were observed: most of them for exactly one window.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    pub whole_window: u64,
    /// The longest of their windows; where a session or a day ends chains they differ.
    pub longest_way_us: i64,
    pub shorter: Values,
}

#[derive(Debug, Clone, Default)]
pub struct StageTally {
    pub dropped: u64,
    pub open: u64,
    pub excluded: u64,
    /// In no other count.
    pub removed: u64,
    pub seen_early: u64,
    /// The rest is of the dropped alone.
    pub last_events: EventCounts,
    /// Of those who came back.
    pub next_events: EventCounts,
    pub never_came_back: u64,
    pub left_after: Values,
    pub came_back: u64,
    pub bought_later: u64,
    pub values: Values,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct OptionalTally {
    /// Steps that a unit has done when it has passed the required step behind the optional one.
    pub level_after: usize,
    /// Units that reached the required step after it.
    pub passed: u64,
    pub used: u64,
    pub used_converted: u64,
    pub unused_converted: u64,
}

impl UnitFacts {
    /// Whether a whole window lies behind the first entry; never without a window.
    pub fn is_mature(&self) -> bool {
        self.entry_end_us.is_some_and(|end_us| end_us <= self.as_of_us)
    }

    /// Forgets the unit before and takes what its rows alone tell of the next one. The first
    /// event is the entry; whoever knows earlier ones sets it.
    pub fn begin(&mut self, outcome: &Outcome, unit: &UnitRows<'_>, ready: &ReadyFunnel, as_of_us: i64) {
        let times_us = unit.rows.times_us;
        let mut step_times_us = std::mem::take(&mut self.step_times_us);
        step_times_us.clear();
        step_times_us.extend(outcome.chain.iter().map(|&row| times_us[row as usize]));
        let entry = outcome.first_entry.unwrap_or(0) as usize;
        let start = outcome.chain.first().map_or(entry, |&row| row as usize);
        let ends_otherwise = unit.limits.ends_us.is_some();
        *self = UnitFacts {
            step_times_us,
            first_entry_us: times_us[entry],
            first_event_us: times_us[entry],
            entry_end_us: unit.end_us(ready, entry),
            way_us: if ends_otherwise {
                unit.end_us(ready, start).map(|end_us| end_us - times_us[start])
            } else {
                ready.longest_way_us
            },
            as_of_us,
            ..UnitFacts::default()
        };
    }
}

impl UnitTally {
    /// `optional_after` names, for each optional step, the index of the required step before it.
    pub fn new(shape: Shape, step_count: usize, optional_after: impl Iterator<Item = usize>) -> UnitTally {
        UnitTally {
            shape,
            reached: vec![0; step_count],
            entrants: vec![0; step_count],
            served: if shape.is_any_order() { vec![0; step_count] } else { Vec::new() },
            stages: vec![StageTally::default(); step_count.saturating_sub(1)],
            gaps: vec![Values::default(); step_count.saturating_sub(1)],
            converted_gap_sums: vec![0; step_count.saturating_sub(1)],
            optional: optional_after
                .map(|after| OptionalTally { level_after: after + 2, ..OptionalTally::default() })
                .collect(),
            ..UnitTally::default()
        }
    }

    pub fn add(&mut self, outcome: &Outcome, facts: &UnitFacts) {
        if outcome.status == Status::Removed {
            self.removed += 1;
            self.stages[outcome.level - 1].removed += 1;
            return;
        }
        self.entered += 1;
        self.entrants[outcome.entered_at] += 1;
        for reached in &mut self.reached[outcome.entered_at..outcome.level] {
            *reached += 1;
        }
        for &step in &outcome.served {
            self.served[usize::from(step)] += 1;
        }
        if facts.is_mature() {
            self.mature += 1;
            self.mature_converted += u64::from(outcome.status == Status::Converted);
        }
        let gaps = &mut self.gaps[outcome.entered_at..];
        for (gap, times_us) in gaps.iter_mut().zip(facts.step_times_us.windows(2)) {
            gap.push(gap_us(times_us));
        }
        self.negative_gaps += u64::from(outcome.negative_gaps);
        self.segment_moved += u64::from(facts.segment_moved);
        self.segment_differs += u64::from(facts.segment_differs);
        self.segment_late += u64::from(facts.segment_late);
        self.began_elsewhere += u64::from(facts.began_elsewhere);
        let (strict, step) = facts.levels_of_ties.unwrap_or((outcome.level, outcome.level));
        self.tie_sensitive += u64::from(strict != step);
        self.converted_strict += u64::from(strict == self.reached.len());
        self.converted_step += u64::from(step == self.reached.len());
        self.add_optional(outcome);
        match outcome.status {
            Status::Converted => self.add_converted(outcome, facts),
            Status::Dropped => self.dropped += 1,
            Status::Open => self.open += 1,
            Status::Excluded => self.excluded += 1,
            Status::NotEntered | Status::Removed => unreachable!("only units that entered are counted"),
        }
        if outcome.status != Status::Converted {
            self.stages[outcome.level - 1].add(outcome, facts.leaving.as_ref());
            self.watched.add(outcome, facts);
        }
    }

    fn add_converted(&mut self, outcome: &Outcome, facts: &UnitFacts) {
        self.converted += 1;
        self.attempts += u64::from(outcome.attempts);
        let (Some(&first), Some(&last)) = (facts.step_times_us.first(), facts.step_times_us.last()) else {
            return;
        };
        let gap_sums = &mut self.converted_gap_sums[outcome.entered_at..];
        for (sum, times_us) in gap_sums.iter_mut().zip(facts.step_times_us.windows(2)) {
            *sum += i128::from(gap_us(times_us));
        }
        self.total.push((last - first).max(0));
        self.since_first_entry.push((last - facts.first_entry_us).max(0));
        self.since_first_event.push(last - facts.first_event_us);
        if let Some(purchase) = facts.purchase {
            self.sessions_until.push(purchase.sessions);
            self.active_days_until.push(purchase.active_days);
            self.events_until.push(purchase.events);
        }
    }

    fn add_optional(&mut self, outcome: &Outcome) {
        let converted = outcome.status == Status::Converted;
        for (tally, used) in self.optional.iter_mut().zip(&outcome.optional) {
            // The chain has to hold the required steps on both sides.
            if outcome.level < tally.level_after || outcome.entered_at + 2 > tally.level_after {
                continue;
            }
            tally.passed += 1;
            tally.used += u64::from(used.is_some());
            tally.used_converted += u64::from(used.is_some() && converted);
            tally.unused_converted += u64::from(used.is_none() && converted);
        }
    }

    pub fn merge(&mut self, other: UnitTally) {
        self.entered += other.entered;
        self.converted += other.converted;
        self.dropped += other.dropped;
        self.open += other.open;
        self.excluded += other.excluded;
        self.removed += other.removed;
        self.negative_gaps += other.negative_gaps;
        merge_counts(&mut self.reached, &other.reached);
        merge_counts(&mut self.entrants, &other.entrants);
        merge_counts(&mut self.served, &other.served);
        self.mature += other.mature;
        self.mature_converted += other.mature_converted;
        for (mine, theirs) in self.stages.iter_mut().zip(other.stages) {
            mine.merge(theirs);
        }
        for (mine, theirs) in self.gaps.iter_mut().zip(other.gaps) {
            mine.merge(theirs);
        }
        for (mine, theirs) in self.converted_gap_sums.iter_mut().zip(other.converted_gap_sums) {
            *mine += theirs;
        }
        self.total.merge(other.total);
        self.since_first_entry.merge(other.since_first_entry);
        self.since_first_event.merge(other.since_first_event);
        self.attempts += other.attempts;
        self.sessions_until.merge(other.sessions_until);
        self.active_days_until.merge(other.active_days_until);
        self.events_until.merge(other.events_until);
        self.watched.whole_window += other.watched.whole_window;
        self.watched.longest_way_us = self.watched.longest_way_us.max(other.watched.longest_way_us);
        self.watched.shorter.merge(other.watched.shorter);
        for (mine, theirs) in self.optional.iter_mut().zip(other.optional) {
            mine.passed += theirs.passed;
            mine.used += theirs.used;
            mine.used_converted += theirs.used_converted;
            mine.unused_converted += theirs.unused_converted;
        }
        self.tie_sensitive += other.tie_sensitive;
        self.converted_strict += other.converted_strict;
        self.converted_step += other.converted_step;
        self.segment_moved += other.segment_moved;
        self.segment_differs += other.segment_differs;
        self.segment_late += other.segment_late;
        self.began_elsewhere += other.began_elsewhere;
        if let (Some(mine), Some(theirs)) = (&mut self.clusters, &other.clusters) {
            mine.merge(theirs);
        }
    }
}

impl StageTally {
    fn add(&mut self, outcome: &Outcome, leaving: Option<&LeavingFacts>) {
        self.seen_early += u64::from(outcome.seen_early);
        match outcome.status {
            Status::Open => self.open += 1,
            Status::Excluded => self.excluded += 1,
            Status::Dropped => {
                self.dropped += 1;
                if let Some(leaving) = leaving {
                    self.add_leaving(leaving);
                }
            }
            Status::Converted | Status::NotEntered | Status::Removed => {}
        }
    }

    fn add_leaving(&mut self, leaving: &LeavingFacts) {
        self.last_events.add(leaving.last_event, 1);
        match leaving.next_event {
            Some(event) => {
                self.next_events.add(event, 1);
                self.came_back += 1;
            }
            None => self.never_came_back += 1,
        }
        self.left_after.push(leaving.left_after_us);
        self.bought_later += u64::from(leaving.bought_later);
        if let Some(value) = leaving.value {
            self.values.push(value);
        }
    }

    fn merge(&mut self, other: StageTally) {
        self.dropped += other.dropped;
        self.open += other.open;
        self.excluded += other.excluded;
        self.removed += other.removed;
        self.seen_early += other.seen_early;
        self.last_events.merge(&other.last_events);
        self.next_events.merge(&other.next_events);
        self.never_came_back += other.never_came_back;
        self.left_after.merge(other.left_after);
        self.came_back += other.came_back;
        self.bought_later += other.bought_later;
        self.values.merge(other.values);
    }
}

impl Watched {
    /// The open are watched until the end of observation, on the clock of their latest live
    /// attempt. The dropped stay at risk until their window closes, also where that is after the end
    /// of observation (no row can join a session that is over), and are never censored at their
    /// last row: leaving says something, and censoring there would inflate conversion. The excluded,
    /// and the dropped without a window, are watched until the end of observation.
    fn add(&mut self, outcome: &Outcome, facts: &UnitFacts) {
        let start_us = match outcome.status {
            Status::Open => outcome.latest_live_start_us.unwrap_or(facts.first_entry_us),
            _ => facts.step_times_us.first().copied().unwrap_or(facts.first_entry_us),
        };
        let watched_us = facts.as_of_us.saturating_sub(start_us).max(0);
        match facts.way_us {
            Some(way_us) if watched_us >= way_us || outcome.status == Status::Dropped => {
                self.whole_window += 1;
                self.longest_way_us = self.longest_way_us.max(way_us);
            }
            _ => self.shorter.push(watched_us),
        }
    }
}

/// The time between the rows of two steps. A row may lie before the one of the step before it only by tolerance.
fn gap_us(times_us: &[i64]) -> i64 {
    (times_us[1] - times_us[0]).max(0)
}

fn merge_counts(mine: &mut [u64], theirs: &[u64]) {
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        *mine += theirs;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One unit of two steps that entered at 10 and did not convert; the log ends at 40.
    fn watched(status: Status, way_us: Option<i64>, live_since_us: Option<i64>) -> (u64, Vec<i64>) {
        let outcome = Outcome { status, level: 1, latest_live_start_us: live_since_us, ..Outcome::default() };
        let facts = UnitFacts {
            step_times_us: vec![10],
            first_entry_us: 10,
            way_us,
            as_of_us: 40,
            ..UnitFacts::default()
        };
        let mut units = UnitTally::new(Shape::Ordered, 2, std::iter::empty());
        units.add(&outcome, &facts);
        (units.watched.whole_window, units.watched.shorter.sorted().to_vec())
    }

    #[test]
    fn the_dropped_are_watched_until_their_window_closes() {
        // The last row in the window is seen just before, at, and after the end of observation.
        for window_us in [29, 30, 31] {
            assert_eq!(watched(Status::Dropped, Some(window_us), None), (1, vec![]));
        }
        assert_eq!(watched(Status::Dropped, None, None), (0, vec![30]));
    }

    #[test]
    fn the_open_and_the_excluded_are_watched_until_the_end_of_observation() {
        assert_eq!(watched(Status::Open, Some(31), Some(15)), (0, vec![25]));
        assert_eq!(watched(Status::Open, None, Some(10)), (0, vec![30]));
        assert_eq!(watched(Status::Excluded, Some(29), None), (1, vec![]));
        assert_eq!(watched(Status::Excluded, Some(30), None), (1, vec![]));
        assert_eq!(watched(Status::Excluded, Some(31), None), (0, vec![30]));
    }

    #[test]
    fn events_are_counted_whatever_their_codes() {
        let mut counts = EventCounts::default();
        for event in [3, 63, 64, NO_EVENT, 3] {
            counts.add(event, 1);
        }
        let mut more = EventCounts::default();
        more.add(70, 5);
        more.add(3, 1);
        counts.merge(&more);
        let mut found: Vec<(u32, u64)> = counts.iter().collect();
        found.sort_unstable();
        assert_eq!(found, [(3, 3), (63, 1), (64, 1), (70, 5), (NO_EVENT, 1)]);
    }
}
