//! The pass over persons that feeds the three reports: one outcome a unit, counted where it belongs.

use super::clusters::{Clusters, Items, PersonReached};
use super::lists::{ListedUnit, Lists};
use super::segments::{Entrants, SegmentSlots, SegmentSource};
use super::shape::Shape;
use super::tally::{LeavingFacts, NO_EVENT, PurchaseFacts, UnitFacts, UnitTally};
use super::units::{UnitFormer, UnitRows, ranges};
use crate::calendar::{Calendar, Period};
use crate::funnel::definition::{ChainEnd, Funnel, Unit};
use crate::funnel::engine::{Engine, Observation, Outcome, Rules, Status, Tie};
use crate::funnel::history::Variants;
use crate::funnel::kinds::KindTable;
use crate::funnel::options::RowUse;
use crate::ingest::{Accumulator, Person};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

/// A funnel made ready for one input: its event tests answered for every kind of row.
pub struct ReadyFunnel {
    pub funnel: Funnel,
    pub rules: Rules,
    /// The same rules without a window, for the stages of sessions.
    pub stage_rules: Rules,
    /// All kinds of the log, and behind them their variants.
    pub kinds: KindTable,
    /// Where single rows may be kept from serving what their kind serves.
    pub variants: Option<Variants>,
    /// The columns whose values make units: those that are held, or the unit's own.
    pub value_columns: Vec<ValueColumn>,
    pub shape: Shape,
    pub segments: SegmentSource,
    /// The longest time that a chain can take, where that is one for all: the window, or all limits of gaps together.
    pub longest_way_us: Option<i64>,
    /// Nothing is asked beyond steps in order, one window and what voids a chain.
    pub is_plain: bool,
}

/// A column as a dimension of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueColumn {
    pub dimension: usize,
    /// The code of the empty text, if any row has it.
    pub not_set: Option<u32>,
}

impl ReadyFunnel {
    pub fn new(
        funnel: Funnel,
        kinds: KindTable,
        variants: Option<Variants>,
        value_columns: Vec<ValueColumn>,
        segments: SegmentSource,
    ) -> ReadyFunnel {
        let rules = funnel.rules();
        let stage_rules = Rules { window_us: None, ..rules.clone() };
        let shape = Shape::of(&funnel);
        let longest_way_us = rules.window_us.or_else(|| funnel.sum_of_gaps_us());
        let is_plain = rules.options.is_plain();
        ReadyFunnel {
            funnel,
            rules,
            stage_rules,
            kinds,
            variants,
            value_columns,
            shape,
            segments,
            longest_way_us,
            is_plain,
        }
    }

    /// The same funnel, counted as a whole.
    pub fn without_segments(&self) -> ReadyFunnel {
        ReadyFunnel::new(
            self.funnel.clone(),
            self.kinds.clone(),
            self.variants.clone(),
            self.value_columns.clone(),
            SegmentSource { by: Vec::new(), from: self.segments.from },
        )
    }

    fn serves(&self, kind: u32, step: usize) -> bool {
        self.kinds.serves(kind, step)
    }

    /// Whether a row of this kind is an entry, in the range of entries.
    fn may_enter(&self, kind: u32) -> bool {
        if self.shape.enters_anywhere() { !self.kinds.steps(kind).is_empty() } else { self.serves(kind, 0) }
    }

    pub fn has_segments(&self) -> bool {
        !self.segments.by.is_empty()
    }

    fn items(&self) -> Items {
        Items { shape: self.shape, step_count: self.rules.step_count }
    }

    /// Whether units are more than ranges of a person's rows.
    pub fn has_formed_units(&self) -> bool {
        self.variants.is_some()
            || self.funnel.unit == Unit::Column
            || self.funnel.terms.chain_end != ChainEnd::Nothing
    }

    /// Whether the first row of step 1 in the range tells that a unit enters, without following it.
    fn enters_by_first_row(&self) -> bool {
        !self.has_formed_units() && self.funnel.unit != Unit::Attempt && self.is_plain
    }

    /// Whether one person can have several units. These belong together wherever they are counted: what was
    /// counted of each combination of segment values by itself cannot be added up.
    pub fn has_clusters(&self) -> bool {
        self.funnel.has_several_units()
    }

    /// Counts of nobody yet.
    pub fn new_tally(&self) -> UnitTally {
        let optional_after = self.rules.optional.iter().map(|optional| optional.after);
        let mut tally = UnitTally::new(self.shape, self.rules.step_count, optional_after);
        tally.has_window = self.longest_way_us.is_some() || self.funnel.terms.chain_end != ChainEnd::Nothing;
        tally.clusters = self.has_clusters().then(|| Clusters::new(self.items()));
        tally
    }
}

/// What decides how persons are counted, beside the funnels.
#[derive(Clone)]
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

impl Scope {
    fn observation(&self, closes_us: Option<i64>) -> Observation {
        Observation { entries_us: self.entries_us.clone(), as_of_us: self.as_of_us, closes_us }
    }
}

/// Counts, for each funnel, the entrants of every combination of segment values.
pub struct SegmentCounter<'p> {
    funnels: &'p [ReadyFunnel],
    scope: &'p Scope,
    pub entrants: Vec<Entrants>,
    engines: Vec<Engine<'p>>,
    former: UnitFormer<'p>,
    key: Vec<u32>,
}

impl<'p> SegmentCounter<'p> {
    pub fn new(funnels: &'p [ReadyFunnel], scope: &'p Scope) -> SegmentCounter<'p> {
        SegmentCounter {
            funnels,
            scope,
            entrants: vec![Entrants::default(); funnels.len()],
            engines: funnels.iter().map(|ready| Engine::new(&ready.rules, &ready.kinds)).collect(),
            former: UnitFormer::new(funnels, scope),
            key: Vec::new(),
        }
    }

    /// Whether it takes more than the first row of step 1 to tell where units are counted.
    fn follows_units(ready: &ReadyFunnel) -> bool {
        ready.has_segments() && (!ready.enters_by_first_row() || ready.segments.needs_chain())
    }
}

impl Accumulator for SegmentCounter<'_> {
    fn person(&mut self, person: &Person<'_>) {
        let SegmentCounter { funnels, scope, entrants, engines, former, key } = self;
        if funnels.iter().any(SegmentCounter::follows_units) {
            former.take_person(person);
        }
        for (index, ((ready, entrants), engine)) in funnels.iter().zip(entrants).zip(engines).enumerate() {
            if !ready.has_segments() {
                continue;
            }
            let mut count = |entry: usize, outcome: &Outcome, place: &dyn Fn(u32) -> usize| {
                ready.segments.key(person, entry, outcome, place, key);
                match entrants.get_mut(&key[..]) {
                    Some(known) => *known += 1,
                    None => {
                        entrants.insert(key[..].into(), 1);
                    }
                }
            };
            if !SegmentCounter::follows_units(ready) {
                for (rows, _) in ranges(&ready.funnel, person, scope.session_timeout_us) {
                    let entry = rows.clone().find(|&row| {
                        scope.entries_us.contains(&person.rows.times_us[row])
                            && ready.serves(person.rows.kinds[row], 0)
                    });
                    if let Some(row) = entry {
                        count(row, &Outcome::default(), &|row| row as usize);
                    }
                }
                continue;
            }
            former.each(index, person, |unit| {
                let seen = scope.observation(unit.closes_us);
                unit.follow(ready.funnel.unit, engine, &seen, |outcome| {
                    if let Some(entry) = outcome.first_entry.filter(|_| outcome.status != Status::Removed) {
                        count(unit.place(entry), outcome, &|row| unit.place(row));
                    }
                });
            });
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
    pub buckets: AcrossBuckets,
    /// Sessions by the deepest step reached inside them, without a window; 0 is none.
    pub session_stages: Vec<u64>,
    /// Rows that belong to no unit, for lack of a value.
    pub no_value: u64,
}

/// How the units of the buckets, of which each is a funnel of its own, differ from those of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AcrossBuckets {
    /// Units that entered in more than one bucket.
    pub several: u64,
    /// Units of buckets that are none of the whole.
    pub only: u64,
    /// Units of the whole that are in no bucket.
    pub none: u64,
}

impl AcrossBuckets {
    /// Adds the units of one range of rows: those of the whole, and those of all buckets, each by a number of
    /// its own, in order.
    fn add(&mut self, whole: &[u32], in_buckets: &[u32]) {
        for same in in_buckets.chunk_by(|one, next| one == next) {
            self.several += u64::from(same.len() > 1);
            self.only += u64::from(whole.binary_search(&same[0]).is_err());
        }
        self.none += whole.iter().filter(|unit| in_buckets.binary_search(unit).is_err()).count() as u64;
    }

    fn merge(&mut self, other: AcrossBuckets) {
        self.several += other.several;
        self.only += other.only;
        self.none += other.none;
    }
}

/// What tells the units of one range of rows apart: attempts by the row that they start with, which no two share.
fn unit_number(ready: &ReadyFunnel, outcome: &Outcome) -> u32 {
    if ready.funnel.unit == Unit::Attempt { outcome.first_entry.unwrap_or(0) } else { 0 }
}

pub struct Bucket {
    /// First instant after the bucket.
    pub to_us: i64,
    pub units: UnitTally,
}

/// The accumulator of the three reports, for all funnels at once.
pub struct Collector<'p> {
    engines: Vec<Engines<'p>>,
    former: UnitFormer<'p>,
    counter: Counter<'p>,
}

struct Engines<'p> {
    main: Engine<'p>,
    /// For levels under other tie rules, while the outcome of `main` is still being read.
    ties: Engine<'p>,
    stages: Engine<'p>,
}

/// Where outcomes are counted, with its scratch.
struct Counter<'p> {
    funnels: &'p [ReadyFunnel],
    scope: &'p Scope,
    slots: &'p [SegmentSlots],
    tallies: Vec<FunnelTally>,
    calendar: Calendar,
    /// Where units are to be listed one by one.
    lists: Option<Lists<'p>>,
    /// How many of the current person's units have entered so far.
    units_entered: usize,
    /// Where there is a trend: the numbers of the current units that are counted in the whole, and in buckets.
    whole: Vec<u32>,
    in_buckets: Vec<u32>,
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
            segments: if ready.has_segments() { vec![ready.new_tally(); slots.places()] } else { Vec::new() },
            trend: BTreeMap::new(),
            buckets: AcrossBuckets::default(),
            session_stages: vec![0; ready.rules.step_count + 1],
            no_value: 0,
        };
        Collector {
            engines: funnels.iter().map(engines).collect(),
            former: UnitFormer::new(funnels, scope),
            counter: Counter {
                funnels,
                scope,
                slots,
                lists: None,
                units_entered: 0,
                whole: Vec::new(),
                in_buckets: Vec::new(),
                tallies: funnels.iter().zip(slots).map(tally).collect(),
                calendar: Calendar::new(scope.zone.clone()),
                facts: UnitFacts::default(),
                key: Vec::new(),
                person_reached: Vec::new(),
            },
        }
    }

    /// The same, with every unit on lists as well.
    pub fn with_lists(mut self, lists: Option<Lists<'p>>) -> Collector<'p> {
        self.counter.lists = lists;
        self
    }

    /// The counts, by funnel, and the lists.
    pub fn into_tallies(self) -> (Vec<FunnelTally>, Option<Lists<'p>>) {
        (self.counter.tallies, self.counter.lists)
    }
}

impl Counter<'_> {
    /// Follows a unit and counts what becomes of it.
    #[inline(never)]
    fn unit(&mut self, index: usize, person: &Person<'_>, unit: &UnitRows<'_>, engines: &mut Engines<'_>) {
        let ready = &self.funnels[index];
        let seen = self.scope.observation(unit.closes_us);
        let Engines { main, ties, .. } = engines;
        let mut entered = false;
        self.whole.clear();
        unit.follow(ready.funnel.unit, main, &seen, |outcome| {
            if outcome.status != Status::NotEntered {
                entered = true;
                self.outcome(index, person, unit, outcome, ties, &seen);
            }
        });
        if let Some(period) = self.scope.trend.filter(|_| entered) {
            self.trend(index, unit, main, period);
        }
    }

    fn outcome(
        &mut self,
        index: usize,
        person: &Person<'_>,
        unit: &UnitRows<'_>,
        outcome: &Outcome,
        ties: &mut Engine<'_>,
        seen: &Observation,
    ) {
        let ready = &self.funnels[index];
        let scope = self.scope;
        let rows = unit.rows;
        self.units_entered += 1;
        if scope.trend.is_some() && outcome.status != Status::Removed {
            self.whole.push(unit_number(ready, outcome));
        }
        if let Some(lists) = &mut self.lists {
            let number = match ready.funnel.unit {
                _ if !ready.has_clusters() => 0,
                Unit::Session if ready.funnel.terms.hold.is_none() => person.session_of(unit.first_place) + 1,
                _ => self.units_entered,
            };
            let place = |row: u32| unit.place(row);
            let value_place = unit.value_place;
            let unit = ListedUnit {
                funnel: index,
                ready,
                person,
                number,
                value_place,
                outcome,
                rows,
                place: &place,
            };
            lists.unit(&unit);
        }
        let facts = &mut self.facts;
        facts.begin(outcome, unit, ready, scope.as_of_us);
        let is_attempt = ready.funnel.unit == Unit::Attempt;
        if !is_attempt {
            facts.first_event_us = person.rows.times_us[unit.first_place];
            facts.began_elsewhere = !ready.may_enter(person.rows.kinds[unit.first_place]);
            let options = &ready.rules.options;
            let may_depend = unit.may_have_ties && rows.has_ties()
                || options.tolerance_us > 0
                || options.row == RowUse::Many;
            if may_depend {
                let levels = [Tie::Strict, Tie::Step].map(|tie| unit.level(ties, seen, tie));
                facts.levels_of_ties = Some((levels[0], levels[1]));
            }
        }
        if let (Some(&first), Some(&last)) = (outcome.chain.first(), outcome.chain.last()) {
            if outcome.status == Status::Converted {
                facts.purchase = Some(purchase_facts(unit.place(last), person, &mut self.calendar));
            } else {
                facts.leaving = Some(leaving_facts(unit, first, last, outcome, person, ready, scope));
            }
        }
        let tally = &mut self.tallies[index];
        let has_clusters = tally.total.clusters.is_some() && outcome.status != Status::Removed;
        if ready.has_segments() {
            let entry = unit.place(outcome.first_entry.unwrap_or(0));
            let start = unit.place(outcome.chain[0]);
            let moved = |&dimension: &usize| {
                person.rows.dimension(entry, dimension) != person.rows.dimension(start, dimension)
            };
            facts.segment_moved = ready.segments.by.iter().any(moved);
            let origin = ready.segments.key(person, entry, outcome, |row| unit.place(row), &mut self.key);
            (facts.segment_differs, facts.segment_late) = (origin.differs, origin.is_late);
            let slot = self.slots[index].place(&self.key);
            tally.segments[slot].add(outcome, facts);
            if has_clusters {
                count_reached(&mut self.person_reached, Part::Segment(slot), outcome, facts, ready);
            }
        }
        tally.total.add(outcome, facts);
        if has_clusters {
            count_reached(&mut self.person_reached, Part::Total, outcome, facts, ready);
        }
    }

    /// Runs the unit once more for each bucket in which it has an entry: only chains that start in
    /// a bucket count there, so that people who come back do not bend the curve.
    fn trend(&mut self, index: usize, unit: &UnitRows<'_>, engine: &mut Engine<'_>, period: Period) {
        let ready = &self.funnels[index];
        let entries_us = &self.scope.entries_us;
        let mut bucket = 0..0;
        self.in_buckets.clear();
        for (&time_us, &kind) in unit.rows.times_us.iter().zip(unit.rows.kinds) {
            if !entries_us.contains(&time_us) || !ready.may_enter(kind) || bucket.contains(&time_us) {
                continue;
            }
            let (from_us, to_us) = self.calendar.period(time_us, period);
            bucket = from_us..to_us;
            let seen = Observation {
                entries_us: from_us.max(entries_us.start)..to_us.min(entries_us.end),
                ..self.scope.observation(unit.closes_us)
            };
            let counted = self.tallies[index]
                .trend
                .entry(from_us)
                .or_insert_with(|| Bucket { to_us, units: ready.new_tally() });
            unit.follow(ready.funnel.unit, engine, &seen, |outcome| {
                self.facts.begin(outcome, unit, ready, self.scope.as_of_us);
                counted.units.add(outcome, &self.facts);
                if outcome.status == Status::Removed {
                    return;
                }
                self.in_buckets.push(unit_number(ready, outcome));
                if counted.units.clusters.is_some() {
                    let part = Part::Bucket(from_us);
                    count_reached(&mut self.person_reached, part, outcome, &self.facts, ready);
                }
            });
        }
        self.tallies[index].buckets.add(&self.whole, &self.in_buckets);
    }

    /// The person's units are all counted.
    fn end_person(&mut self, index: usize) {
        self.units_entered = 0;
        if self.person_reached.is_empty() {
            return;
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
    }
}

impl Accumulator for Collector<'_> {
    fn person(&mut self, person: &Person<'_>) {
        let Collector { engines, former, counter } = self;
        former.take_person(person);
        for (index, engines) in engines.iter_mut().enumerate() {
            let no_value = former.each(index, person, |unit| counter.unit(index, person, unit, engines));
            counter.end_person(index);
            let tally = &mut counter.tallies[index];
            tally.no_value += no_value;
            let entries_us = &counter.scope.entries_us;
            former.each_stage(index, person, &mut engines.stages, |session, level| {
                if entries_us.contains(&person.rows.times_us[session.start]) {
                    tally.session_stages[level] += 1;
                }
            });
        }
    }

    fn merge(&mut self, other: Self) {
        match (&mut self.counter.lists, other.counter.lists) {
            (Some(mine), Some(theirs)) => mine.merge(theirs),
            (mine, theirs) => *mine = mine.take().or(theirs),
        }
        for (mine, theirs) in self.counter.tallies.iter_mut().zip(other.counter.tallies) {
            mine.merge(theirs);
        }
    }
}

impl FunnelTally {
    fn merge(&mut self, other: FunnelTally) {
        self.total.merge(other.total);
        for (mine, theirs) in self.segments.iter_mut().zip(other.segments) {
            mine.merge(theirs);
        }
        for (from_us, bucket) in other.trend {
            match self.trend.entry(from_us) {
                Entry::Occupied(entry) => entry.into_mut().units.merge(bucket.units),
                Entry::Vacant(entry) => {
                    entry.insert(bucket);
                }
            }
        }
        self.buckets.merge(other.buckets);
        self.no_value += other.no_value;
        for (mine, theirs) in self.session_stages.iter_mut().zip(other.session_stages) {
            *mine += theirs;
        }
    }
}

/// Adds a unit to what one person's units reached in a part of the report.
fn count_reached(
    parts: &mut Vec<(Part, PersonReached)>,
    part: Part,
    outcome: &Outcome,
    facts: &UnitFacts,
    ready: &ReadyFunnel,
) {
    let place = parts.iter().position(|(known, _)| *known == part).unwrap_or_else(|| {
        parts.push((part, PersonReached::new(ready.items())));
        parts.len() - 1
    });
    parts[place].1.add(outcome, facts.is_mature());
}

/// What lay behind a person at the converting row.
fn purchase_facts(row: usize, person: &Person<'_>, calendar: &mut Calendar) -> PurchaseFacts {
    let mut active_days = 0;
    let (mut last_day, mut until_us) = (None, i64::MIN);
    for &time_us in &person.rows.times_us[..=row] {
        if time_us >= until_us {
            let (day, end_us) = calendar.day_until(time_us);
            active_days += i64::from(last_day != Some(day));
            (last_day, until_us) = (Some(day), end_us);
        }
    }
    PurchaseFacts { sessions: person.session_of(row) as i64 + 1, active_days, events: row as i64 + 1 }
}

/// What a person did last and next, given the first and the last row of the winning chain, in the unit.
fn leaving_facts(
    unit: &UnitRows<'_>,
    first: u32,
    last: u32,
    outcome: &Outcome,
    person: &Person<'_>,
    ready: &ReadyFunnel,
    scope: &Scope,
) -> LeavingFacts {
    let rows = &person.rows;
    let stage_row = unit.place(last);
    let session = person.session_of(stage_row);
    let leaving_row = person.sessions[session].rows().end - 1;
    let event_of =
        |row: usize| scope.event_of_kind.get(rows.kinds[row] as usize).copied().unwrap_or(NO_EVENT);
    let limit_us = unit.chain_limit_us(ready, first as usize, last as usize, outcome.level);
    let bought_later = limit_us.is_some_and(|limit_us| {
        // Of one value's rows those of the others are somebody else's purchases.
        let (times_us, kinds) = if unit.value_place.is_some() {
            (unit.rows.times_us, unit.rows.kinds)
        } else {
            (rows.times_us, rows.kinds)
        };
        let did_later = |step: usize| {
            let mut later = times_us.iter().zip(kinds).rev().take_while(|(time_us, _)| **time_us > limit_us);
            later.any(|(_, &kind)| ready.serves(kind, step))
        };
        if ready.shape.is_any_order() {
            let lacks = |step: &usize| !outcome.served.contains(&(*step as u16));
            (0..ready.rules.step_count).filter(lacks).all(did_later)
        } else {
            did_later(ready.rules.step_count - 1)
        }
    });
    LeavingFacts {
        last_event: event_of(leaving_row),
        next_event: person.sessions.get(session + 1).map(|next| event_of(next.rows().start)),
        left_after_us: rows.times_us[leaving_row] - rows.times_us[stage_row],
        bought_later,
        value: rows.last_value(leaving_row),
    }
}
