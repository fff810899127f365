//! The pass over persons that feeds the three reports: one outcome a unit, counted where it belongs.

use super::active::ActiveRows;
use super::lists::{ListedUnit, Lists};
use super::tally::{Clusters, LeavingFacts, NO_EVENT, PersonReached, PurchaseFacts, UnitFacts, UnitTally};
use crate::calendar::{Calendar, Period};
use crate::funnel::definition::{Funnel, Unit};
use crate::funnel::engine::{Engine, Observation, Rows, Rules, Status, Tie};
use crate::funnel::kinds::KindTable;
use crate::ingest::{Accumulator, Person};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::ops::Range;

/// A funnel made ready for one input: its event tests answered for every kind of row.
pub struct ReadyFunnel {
    pub funnel: Funnel,
    pub rules: Rules,
    /// The same rules without a window, for the stages of sessions.
    pub stage_rules: Rules,
    pub kinds: KindTable,
    /// Segment columns, as indices of dimensions.
    pub by: Vec<usize>,
}

impl ReadyFunnel {
    pub fn new(funnel: Funnel, kinds: KindTable, by: Vec<usize>) -> ReadyFunnel {
        let rules = funnel.rules();
        let stage_rules = Rules { window_us: None, ..rules.clone() };
        ReadyFunnel { funnel, rules, stage_rules, kinds, by }
    }

    fn serves(&self, kind: u32, step: usize) -> bool {
        self.kinds.serves(kind, step)
    }

    fn new_tally(&self) -> UnitTally {
        let optional_after = self.rules.optional.iter().map(|optional| optional.after);
        let mut tally = UnitTally::new(self.rules.step_count, optional_after);
        tally.has_window = self.rules.window_us.is_some();
        tally.clusters = (self.funnel.unit == Unit::Session).then(|| Clusters::new(self.rules.step_count));
        tally
    }
}

/// What decides how persons are counted, beside the funnels.
pub struct Scope {
    /// Entries in `entries_us` count; half-open.
    pub entries_us: Range<i64>,
    pub as_of_us: i64,
    pub session_timeout_us: i64,
    pub zone: TimeZone,
    pub trend: Option<Period>,
    /// By kind: the code of its event name, or `NO_EVENT`.
    pub event_of_kind: Vec<u32>,
}

/// The codes of a row in the segment columns of a funnel.
pub type SegmentKey = Box<[u32]>;

/// Entrants by combination of segment values.
pub type Entrants = HashMap<SegmentKey, u64, RandomState>;

/// Where each combination of segment values is counted; all others together in the last place.
#[derive(Debug, Clone, Default)]
pub struct SegmentSlots {
    pub slots: HashMap<SegmentKey, usize, RandomState>,
    /// The place of all other values, after those that have their own.
    pub other: usize,
}

/// Puts the codes of a row in the segment columns of a funnel into `key`.
fn segment_key(person: &Person<'_>, row: usize, by: &[usize], key: &mut Vec<u32>) {
    key.clear();
    key.extend(by.iter().map(|&dimension| person.rows.dimension(row, dimension)));
}

/// The units of a person: ranges of rows, and until when a row could still join them.
fn units<'p>(
    funnel: &Funnel,
    person: &'p Person<'_>,
    timeout_us: i64,
) -> impl Iterator<Item = (Range<usize>, Option<i64>)> + 'p {
    let whole = (funnel.unit == Unit::Person).then(|| (0..person.rows.len(), None));
    let sessions: &[crate::ingest::Session] =
        if funnel.unit == Unit::Session { person.sessions } else { &[] };
    let by_session = sessions.iter().map(move |session| {
        let last_us = person.rows.times_us[session.rows.end - 1];
        (session.rows.clone(), Some(last_us.saturating_add(timeout_us)))
    });
    whole.into_iter().chain(by_session)
}

/// Counts, for each funnel, the entrants of every combination of segment values.
pub struct SegmentCounter<'p> {
    funnels: &'p [ReadyFunnel],
    scope: &'p Scope,
    pub entrants: Vec<Entrants>,
    key: Vec<u32>,
}

impl<'p> SegmentCounter<'p> {
    pub fn new(funnels: &'p [ReadyFunnel], scope: &'p Scope) -> SegmentCounter<'p> {
        SegmentCounter { funnels, scope, entrants: vec![Entrants::default(); funnels.len()], key: Vec::new() }
    }
}

impl Accumulator for SegmentCounter<'_> {
    fn person(&mut self, person: &Person<'_>) {
        for (ready, entrants) in self.funnels.iter().zip(&mut self.entrants) {
            if ready.by.is_empty() {
                continue;
            }
            for (rows, _) in units(&ready.funnel, person, self.scope.session_timeout_us) {
                let entry = rows.clone().find(|&row| {
                    self.scope.entries_us.contains(&person.rows.times_us[row])
                        && ready.serves(person.rows.kinds[row], 0)
                });
                if let Some(row) = entry {
                    segment_key(person, row, &ready.by, &mut self.key);
                    match entrants.get_mut(&self.key[..]) {
                        Some(known) => *known += 1,
                        None => {
                            entrants.insert(self.key[..].into(), 1);
                        }
                    }
                }
            }
        }
    }

    fn merge(&mut self, other: Self) {
        for (mine, theirs) in self.entrants.iter_mut().zip(other.entrants) {
            for (key, n) in theirs {
                *mine.entry(key).or_default() += n;
            }
        }
    }
}

/// All counts of one funnel.
pub struct FunnelTally {
    pub total: UnitTally,
    /// By place in [`SegmentSlots`]; empty where there are no segments.
    pub segments: Vec<UnitTally>,
    /// By the first instant of the bucket.
    pub trend: BTreeMap<i64, Bucket>,
    /// Units that entered in more than one bucket.
    pub in_several_buckets: u64,
    /// Sessions by the deepest step reached inside them, without a window; 0 is none.
    pub session_stages: Vec<u64>,
}

pub struct Bucket {
    /// First instant after the bucket.
    pub to_us: i64,
    pub units: UnitTally,
}

/// The accumulator of the three reports, for all funnels at once.
pub struct Collector<'p> {
    funnels: &'p [ReadyFunnel],
    scope: &'p Scope,
    slots: &'p [SegmentSlots],
    engines: Vec<Engines<'p>>,
    calendar: Calendar,
    pub tallies: Vec<FunnelTally>,
    /// Where units are to be listed one by one.
    pub lists: Option<Lists<'p>>,
    bucket_starts: Vec<i64>,
    active: ActiveRows,
    facts: UnitFacts,
    key: Vec<u32>,
    /// How many of the current person's units reached each step; empty where persons are the units.
    person_reached: Vec<(Part, PersonReached)>,
}

/// A part of a report whose units are counted by themselves; a bucket is named by its first instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Total,
    Segment(usize),
    Bucket(i64),
}

struct Engines<'p> {
    main: Engine<'p>,
    /// For levels under other tie rules, while the outcome of `main` is still being read.
    ties: Engine<'p>,
    stages: Engine<'p>,
}

impl<'p> Collector<'p> {
    /// `slots` holds one entry a funnel.
    pub fn new(funnels: &'p [ReadyFunnel], scope: &'p Scope, slots: &'p [SegmentSlots]) -> Collector<'p> {
        let engines = |ready: &'p ReadyFunnel| Engines {
            main: Engine::new(&ready.rules, &ready.kinds),
            ties: Engine::new(&ready.rules, &ready.kinds),
            stages: Engine::new(&ready.stage_rules, &ready.kinds),
        };
        let tally = |(ready, slots): (&ReadyFunnel, &SegmentSlots)| FunnelTally {
            total: ready.new_tally(),
            segments: if ready.by.is_empty() { Vec::new() } else { vec![ready.new_tally(); slots.other + 1] },
            trend: BTreeMap::new(),
            in_several_buckets: 0,
            session_stages: vec![0; ready.rules.step_count + 1],
        };
        Collector {
            funnels,
            scope,
            slots,
            engines: funnels.iter().map(engines).collect(),
            calendar: Calendar::new(scope.zone.clone()),
            tallies: funnels.iter().zip(slots).map(tally).collect(),
            lists: None,
            bucket_starts: Vec::new(),
            active: ActiveRows::default(),
            facts: UnitFacts::default(),
            key: Vec::new(),
            person_reached: Vec::new(),
        }
    }

    /// The same, with every unit on lists as well.
    pub fn with_lists(self, lists: Option<Lists<'p>>) -> Collector<'p> {
        Collector { lists, ..self }
    }

    #[inline(never)]
    fn unit(
        &mut self,
        index: usize,
        person: &Person<'_>,
        active: &ActiveRows,
        range: Range<usize>,
        unit_start: usize,
        closes_us: Option<i64>,
    ) {
        let ready = &self.funnels[index];
        let scope = self.scope;
        let rows = active.rows(&range);
        let place = |row: u32| active.place(range.start + row as usize);
        let seen = Observation { entries_us: scope.entries_us.clone(), as_of_us: scope.as_of_us, closes_us };
        let Engines { main, ties, .. } = &mut self.engines[index];
        let outcome = main.run(rows, &seen);
        if outcome.status == Status::NotEntered {
            return;
        }
        if let Some(lists) = &mut self.lists {
            let number = match ready.funnel.unit {
                Unit::Session => person.session_of(unit_start) + 1,
                _ => 0,
            };
            lists.unit(&ListedUnit { funnel: index, ready, person, number, outcome, rows, place: &place });
        }
        if outcome.status == Status::Removed {
            return;
        }
        let facts = &mut self.facts;
        facts.begin(outcome, rows, ready.rules.window_us, scope.as_of_us);
        facts.first_event_us = person.rows.times_us[unit_start];
        facts.began_elsewhere = !ready.serves(person.rows.kinds[unit_start], 0);
        if active.has_ties() && rows.has_ties() {
            facts.levels_of_ties =
                Some((ties.level(rows, &seen, Tie::Strict), ties.level(rows, &seen, Tie::Step)));
        }
        if let (Some(&first), Some(&last)) = (outcome.chain.first(), outcome.chain.last()) {
            if outcome.status == Status::Converted {
                facts.purchase = Some(purchase_facts(place(last), person, &mut self.calendar));
            } else {
                facts.leaving = Some(leaving_facts(place(first), place(last), person, ready, scope));
            }
        }
        let tally = &mut self.tallies[index];
        if !ready.by.is_empty() {
            let entry = place(outcome.first_entry.unwrap_or(0));
            let start = place(outcome.chain[0]);
            let moved = |&dimension: &usize| {
                person.rows.dimension(entry, dimension) != person.rows.dimension(start, dimension)
            };
            facts.segment_moved = ready.by.iter().any(moved);
            segment_key(person, entry, &ready.by, &mut self.key);
            let slots = &self.slots[index];
            let slot = slots.slots.get(&self.key[..]).copied().unwrap_or(slots.other);
            tally.segments[slot].add(outcome, facts);
            if tally.total.clusters.is_some() {
                count_reached(&mut self.person_reached, Part::Segment(slot), outcome.level, facts, ready);
            }
        }
        tally.total.add(outcome, facts);
        if tally.total.clusters.is_some() {
            count_reached(&mut self.person_reached, Part::Total, outcome.level, facts, ready);
        }
        if let Some(period) = scope.trend {
            self.trend(index, rows, closes_us, period);
        }
    }

    /// Runs the unit once more for each bucket in which it has an entry: only chains that start in
    /// a bucket count there, so that people who come back do not bend the curve.
    fn trend(&mut self, index: usize, rows: Rows<'_>, closes_us: Option<i64>, period: Period) {
        let ready = &self.funnels[index];
        let entries_us = &self.scope.entries_us;
        self.bucket_starts.clear();
        let mut bucket = 0..0;
        for (&time_us, &kind) in rows.times_us.iter().zip(rows.kinds) {
            if !entries_us.contains(&time_us) || !ready.serves(kind, 0) || bucket.contains(&time_us) {
                continue;
            }
            let (from_us, to_us) = self.calendar.period(time_us, period);
            bucket = from_us..to_us;
            self.bucket_starts.push(from_us);
            let seen = Observation {
                entries_us: from_us.max(entries_us.start)..to_us.min(entries_us.end),
                as_of_us: self.scope.as_of_us,
                closes_us,
            };
            let outcome = self.engines[index].main.run(rows, &seen);
            self.facts.begin(outcome, rows, ready.rules.window_us, self.scope.as_of_us);
            let counted = self.tallies[index]
                .trend
                .entry(from_us)
                .or_insert_with(|| Bucket { to_us, units: ready.new_tally() });
            counted.units.add(outcome, &self.facts);
            if counted.units.clusters.is_some() {
                let part = Part::Bucket(from_us);
                count_reached(&mut self.person_reached, part, outcome.level, &self.facts, ready);
            }
        }
        self.tallies[index].in_several_buckets += u64::from(self.bucket_starts.len() > 1);
    }

    #[inline(never)]
    fn session_stages(&mut self, index: usize, person: &Person<'_>, active: &ActiveRows) {
        let ready = &self.funnels[index];
        let anytime =
            Observation { entries_us: i64::MIN..i64::MAX, as_of_us: self.scope.as_of_us, closes_us: None };
        let stages = &mut self.tallies[index].session_stages;
        // Anything but steps in order, to which the first rows are the answer.
        let is_searched =
            ready.kinds.forbids() || ready.kinds.blocks() || !ready.stage_rules.options.is_plain();
        let mut done = 0;
        for session in person.sessions {
            let from = done;
            let mut level = active.plain_level(session.rows.end, &mut done, &ready.kinds);
            if is_searched || active.has_ties() {
                let rows = active.rows(&(from..done));
                if is_searched || rows.has_ties() {
                    level = self.engines[index].stages.level(rows, &anytime, ready.rules.tie);
                }
            }
            if self.scope.entries_us.contains(&person.rows.times_us[session.rows.start]) {
                stages[level] += 1;
            }
        }
    }
}

impl Accumulator for Collector<'_> {
    fn person(&mut self, person: &Person<'_>) {
        let mut active = std::mem::take(&mut self.active);
        for index in 0..self.funnels.len() {
            let ready = &self.funnels[index];
            active.fill(&person.rows, &ready.kinds);
            let mut done = 0;
            for (rows, closes_us) in units(&ready.funnel, person, self.scope.session_timeout_us) {
                let range = active.before(rows.end, done);
                done = range.end;
                if !range.is_empty() {
                    self.unit(index, person, &active, range, rows.start, closes_us);
                }
            }
            let tally = &mut self.tallies[index];
            for (part, reached) in self.person_reached.drain(..) {
                let units = match part {
                    Part::Total => Some(&mut tally.total),
                    Part::Segment(slot) => tally.segments.get_mut(slot),
                    Part::Bucket(from_us) => tally.trend.get_mut(&from_us).map(|bucket| &mut bucket.units),
                };
                if let Some(clusters) = units.and_then(|units| units.clusters.as_mut()) {
                    clusters.add(&reached);
                }
            }
            self.session_stages(index, person, &active);
        }
        self.active = active;
    }

    fn merge(&mut self, other: Self) {
        match (&mut self.lists, other.lists) {
            (Some(mine), Some(theirs)) => mine.merge(theirs),
            (mine, theirs) => *mine = mine.take().or(theirs),
        }
        for (mine, theirs) in self.tallies.iter_mut().zip(other.tallies) {
            mine.total.merge(theirs.total);
            for (mine, theirs) in mine.segments.iter_mut().zip(theirs.segments) {
                mine.merge(theirs);
            }
            for (from_us, bucket) in theirs.trend {
                match mine.trend.entry(from_us) {
                    std::collections::btree_map::Entry::Occupied(entry) => {
                        entry.into_mut().units.merge(bucket.units);
                    }
                    std::collections::btree_map::Entry::Vacant(entry) => {
                        entry.insert(bucket);
                    }
                }
            }
            mine.in_several_buckets += theirs.in_several_buckets;
            for (mine, theirs) in mine.session_stages.iter_mut().zip(theirs.session_stages) {
                *mine += theirs;
            }
        }
    }
}

/// Adds a unit to what one person's units reached in a part of the report.
fn count_reached(
    parts: &mut Vec<(Part, PersonReached)>,
    part: Part,
    level: usize,
    facts: &UnitFacts,
    ready: &ReadyFunnel,
) {
    let place = parts.iter().position(|(known, _)| *known == part).unwrap_or_else(|| {
        parts.push((part, PersonReached::new(ready.rules.step_count)));
        parts.len() - 1
    });
    parts[place].1.add(level, facts.is_mature());
}

/// What lay behind a person at the converting row.
fn purchase_facts(row: usize, person: &Person<'_>, calendar: &mut Calendar) -> PurchaseFacts {
    let mut active_days = 0;
    let mut last_day = None;
    for &time_us in &person.rows.times_us[..=row] {
        let day = calendar.day(time_us);
        if last_day != Some(day) {
            last_day = Some(day);
            active_days += 1;
        }
    }
    PurchaseFacts { sessions: person.session_of(row) as i64 + 1, active_days, events: row as i64 + 1 }
}

/// What a person did last and next, given the first and the last row of the winning chain.
fn leaving_facts(
    first_row: usize,
    stage_row: usize,
    person: &Person<'_>,
    ready: &ReadyFunnel,
    scope: &Scope,
) -> LeavingFacts {
    let rows = &person.rows;
    let session = person.session_of(stage_row);
    let leaving_row = person.sessions[session].rows.end - 1;
    let event_of =
        |row: usize| scope.event_of_kind.get(rows.kinds[row] as usize).copied().unwrap_or(NO_EVENT);
    let last_step = ready.rules.step_count - 1;
    let bought_later = ready.rules.window_us.is_some_and(|window_us| {
        let limit_us = rows.times_us[first_row].saturating_add(window_us);
        (0..rows.len())
            .rev()
            .take_while(|&row| rows.times_us[row] > limit_us)
            .any(|row| ready.serves(rows.kinds[row], last_step))
    });
    LeavingFacts {
        last_event: event_of(leaving_row),
        next_event: person.sessions.get(session + 1).map(|next| event_of(next.rows.start)),
        left_after_us: rows.times_us[leaving_row] - rows.times_us[stage_row],
        bought_later,
        value: rows.last_value(leaving_row),
    }
}
