//! The units of a person in one funnel: which rows each of them has, and until when more may come.
//!
//! Persons and sessions of a funnel that asks for nothing else are ranges of the rows with a part in
//! it, and nothing is copied. All others are formed: rows get the kind that they have in their unit
//! (which occurrence they are, which value they have), and instants that end a chain.

use super::active::FunnelRows;
use super::collect::{ReadyFunnel, Scope};
use crate::calendar::{Calendar, Period};
use crate::funnel::definition::{ChainEnd, Funnel, Unit};
use crate::funnel::engine::{Engine, Limits, Observation, Outcome, Rows, Tie};
use crate::funnel::history::{History, ValueUnits, by_column};
use crate::funnel::windows::{period_ends, session_ends};
use crate::ingest::Person;
use std::collections::HashMap;
use std::ops::Range;

/// The rows of one unit that have a part in the funnel.
#[derive(Clone, Copy)]
pub struct UnitRows<'u> {
    pub rows: Rows<'u>,
    pub limits: Limits<'u>,
    /// The place of each of them among all of the person's rows.
    pub places: &'u [u32],
    /// The place of the unit's first row of any kind.
    pub first_place: usize,
    /// The last instant at which a row could still join the unit, where there is one.
    pub closes_us: Option<i64>,
    /// Of a unit that is one of its rows' values, whose person's other rows are not its own: the place of a
    /// row that has the value.
    pub value_place: Option<usize>,
    /// Some rows of the person have the same time.
    pub may_have_ties: bool,
}

impl UnitRows<'_> {
    /// The place of a row of the unit among all of the person's rows.
    pub fn place(&self, row: u32) -> usize {
        self.places[row as usize] as usize
    }

    /// Follows the unit and hands over its outcomes: one, or one for each attempt where these are counted.
    #[inline]
    pub fn follow(
        &self,
        counted: Unit,
        engine: &mut Engine<'_>,
        seen: &Observation,
        mut take: impl FnMut(&Outcome),
    ) {
        if counted == Unit::Attempt {
            engine.attempts(self.rows, self.limits, seen).iter().for_each(take);
        } else if self.is_unlimited() {
            take(engine.run(self.rows, seen));
        } else {
            take(engine.run_within(self.rows, self.limits, seen));
        }
    }

    /// The level under another tie rule.
    pub fn level(&self, engine: &mut Engine<'_>, seen: &Observation, tie: Tie) -> usize {
        if self.is_unlimited() {
            engine.level(self.rows, seen, tie)
        } else {
            engine.level_within(self.rows, self.limits, seen, tie)
        }
    }

    /// The last instant that a chain which starts at the row can use, where there is one.
    pub fn end_us(&self, ready: &ReadyFunnel, row: usize) -> Option<i64> {
        let ends_us = self.limits.ends_us.map(|ends_us| ends_us[row]);
        let way_us = ready.longest_way_us;
        let way_end_us = way_us.map(|way_us| self.rows.times_us[row].saturating_add(way_us));
        match (way_end_us, ends_us) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// The last instant at which a row could have extended a chain of so many steps, where there is one.
    pub fn chain_limit_us(
        &self,
        ready: &ReadyFunnel,
        first: usize,
        last: usize,
        level: usize,
    ) -> Option<i64> {
        if ready.rules.window_us.is_some() || self.limits.ends_us.is_some() {
            return self.end_us(ready, first);
        }
        let within_us = ready.rules.options.gap(level.checked_sub(1)?).within_us?;
        Some(self.rows.times_us[last].saturating_add(within_us))
    }

    fn is_unlimited(&self) -> bool {
        self.limits.ends_us.is_none() && self.limits.spent.is_empty()
    }
}

/// What rows are brought together in units for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// The units that the funnel counts.
    Units,
    /// Every session by itself, whatever the unit is, without a window.
    Stages,
}

/// A unit with rows of its own.
#[derive(Debug, Default)]
struct Formed {
    times_us: Vec<i64>,
    kinds: Vec<u32>,
    places: Vec<u32>,
    /// Empty where nothing but a duration ends a chain.
    ends_us: Vec<i64>,
    bounds: Bounds,
}

/// What is known of a unit beside its rows, as [`UnitRows`] tells it.
#[derive(Debug, Clone, Copy, Default)]
struct Bounds {
    first_place: usize,
    closes_us: Option<i64>,
    value_place: Option<usize>,
    /// The session that holds it, where units lie in one.
    session: usize,
}

/// Rows with a part in the funnel, brought together in units, person after person.
pub struct UnitFormer<'p> {
    funnels: &'p [ReadyFunnel],
    scope: &'p Scope,
    rows: FunnelRows,
    calendar: Calendar,
    history: History,
    /// By row of any kind: the last instant of a chain that starts there.
    ends_us: Vec<i64>,
    /// By active row: its kind, once its place in the person's history is known.
    kinds: Vec<u32>,
    formed: Vec<Formed>,
}

impl<'p> UnitFormer<'p> {
    pub fn new(funnels: &'p [ReadyFunnel], scope: &'p Scope) -> UnitFormer<'p> {
        UnitFormer {
            funnels,
            scope,
            rows: FunnelRows::new(funnels),
            calendar: Calendar::new(scope.zone.clone()),
            history: History::default(),
            ends_us: Vec::new(),
            kinds: Vec::new(),
            formed: Vec::new(),
        }
    }

    /// Goes on to another person.
    pub fn take_person(&mut self, person: &Person<'_>) {
        self.rows.take_person(person);
    }

    /// Hands over each unit of the person in a funnel, by its place among all, that has rows with a part in
    /// one; gives the number of rows that belong to no unit, for lack of a value.
    #[inline]
    pub fn each(&mut self, index: usize, person: &Person<'_>, mut take: impl FnMut(&UnitRows<'_>)) -> u64 {
        let ready = &self.funnels[index];
        self.rows.take_funnel(index, &ready.kinds);
        if ready.has_formed_units() {
            let no_value = self.form(ready, person, Purpose::Units);
            self.formed.iter().for_each(|formed| take(&self.unit(formed)));
            return no_value;
        }
        let active = self.rows.at_hand();
        let mut take_range = |range: Range<usize>, first_place: usize, closes_us: Option<i64>| {
            if !range.is_empty() {
                take(&UnitRows {
                    rows: active.rows(&range),
                    limits: Limits::default(),
                    places: active.places(&range),
                    first_place,
                    closes_us,
                    value_place: None,
                    may_have_ties: active.has_ties(),
                });
            }
        };
        if ready.funnel.unit == Unit::Session {
            for (session, range) in person.sessions.iter().zip(active.sessions()) {
                let closes_us = session_end_us(person, &session.rows(), self.scope.session_timeout_us);
                take_range(range, session.rows().start, Some(closes_us));
            }
        } else {
            take_range(0..active.len(), 0, None);
        }
        0
    }

    /// For each session in turn the deepest step that its rows reach in a funnel, by the same rules without a
    /// window. `engine` follows these rules; the rows are those of the last `each`, of the same funnel.
    #[inline]
    pub fn each_stage(
        &mut self,
        index: usize,
        person: &Person<'_>,
        engine: &mut Engine<'_>,
        mut take: impl FnMut(&Range<usize>, usize),
    ) {
        let ready = &self.funnels[index];
        let as_of_us = self.scope.as_of_us;
        let seen = Observation { entries_us: i64::MIN..i64::MAX, as_of_us, closes_us: None };
        if ready.variants.is_some() {
            self.form(ready, person, Purpose::Stages);
            let mut formed = self.formed.iter().peekable();
            for (number, session) in person.sessions.iter().enumerate() {
                let mut level = 0;
                while let Some(unit) = formed.next_if(|unit| unit.bounds.session == number) {
                    level = level.max(self.unit(unit).level(engine, &seen, ready.rules.tie));
                }
                take(&session.rows(), level);
            }
            return;
        }
        // Anything but steps in order, to which the first rows are the answer.
        let is_searched = ready.kinds.forbids() || ready.kinds.blocks() || !ready.is_plain;
        let active = self.rows.at_hand();
        let may_be_searched = is_searched || active.has_ties();
        for (session, range) in person.sessions.iter().zip(active.sessions()) {
            let level = if may_be_searched && (is_searched || active.rows(&range).has_ties()) {
                engine.level(active.rows(&range), &seen, ready.rules.tie)
            } else {
                ready.kinds.climb(active.kinds(&range))
            };
            take(&session.rows(), level);
        }
    }

    fn unit<'u>(&'u self, formed: &'u Formed) -> UnitRows<'u> {
        let ends_us = (!formed.ends_us.is_empty()).then_some(formed.ends_us.as_slice());
        UnitRows {
            rows: Rows { times_us: &formed.times_us, kinds: &formed.kinds },
            limits: Limits { ends_us, spent: &self.history.spent },
            places: &formed.places,
            first_place: formed.bounds.first_place,
            closes_us: formed.bounds.closes_us,
            value_place: formed.bounds.value_place,
            may_have_ties: self.rows.at_hand().has_ties(),
        }
    }

    fn form(&mut self, ready: &ReadyFunnel, person: &Person<'_>, purpose: Purpose) -> u64 {
        self.formed.clear();
        self.look_back(ready);
        let (end, unit) = match purpose {
            Purpose::Units => (ready.funnel.terms.chain_end, ready.funnel.unit),
            Purpose::Stages => (ChainEnd::Nothing, Unit::Session),
        };
        self.find_ends(end, person, self.scope.session_timeout_us);
        if unit == Unit::Column {
            return self.form_columns(ready, person);
        }
        if unit != Unit::Session {
            return self.form_range(ready, person, 0..self.rows.at_hand().len(), &Bounds::default());
        }
        let mut no_value = 0;
        for (number, session) in person.sessions.iter().enumerate() {
            let range = self.rows.at_hand().session(number);
            if !range.is_empty() {
                let closes_us = session_end_us(person, &session.rows(), self.scope.session_timeout_us);
                let bounds = Bounds {
                    first_place: session.rows().start,
                    closes_us: Some(closes_us),
                    session: number,
                    ..Bounds::default()
                };
                no_value += self.form_range(ready, person, range, &bounds);
            }
        }
        no_value
    }

    /// Gives the active rows the kinds that the person's history makes of them.
    fn look_back(&mut self, ready: &ReadyFunnel) {
        let all = self.rows.at_hand().rows(&(0..self.rows.at_hand().len()));
        self.history.spent.clear();
        match &ready.variants {
            Some(variants) => {
                variants.history(all.kinds, &ready.kinds, &mut self.history);
                variants.kinds(all.kinds, &self.history, &mut self.kinds);
            }
            None => {
                self.kinds.clear();
                self.kinds.extend_from_slice(all.kinds);
            }
        }
    }

    fn find_ends(&mut self, end: ChainEnd, person: &Person<'_>, timeout_us: i64) {
        let times_us = person.rows.times_us;
        match end {
            ChainEnd::Nothing => self.ends_us.clear(),
            ChainEnd::SameDay => period_ends(times_us, Period::Day, &mut self.calendar, &mut self.ends_us),
            ChainEnd::SameWeek => period_ends(times_us, Period::Week, &mut self.calendar, &mut self.ends_us),
            ChainEnd::Session => {
                let sessions = person.sessions.iter().map(|session| session.rows());
                session_ends(times_us, sessions, timeout_us, &mut self.ends_us);
            }
        }
    }

    /// Forms the units of a range of active rows: one, or one for each value that is held.
    fn form_range(
        &mut self,
        ready: &ReadyFunnel,
        person: &Person<'_>,
        range: Range<usize>,
        bounds: &Bounds,
    ) -> u64 {
        let variants = ready.variants.as_ref().filter(|_| ready.funnel.terms.hold.is_some());
        let Some(variants) = variants else {
            let kinds = self.kinds[range.clone()].to_vec();
            self.add(person, range.clone().zip(kinds), bounds);
            return 0;
        };
        let base = self.rows.at_hand().rows(&range).kinds;
        let history = self.history.part(range.clone());
        let mut codes = ValueCodes::default();
        let value_places = self.rows.at_hand().places(&range).to_vec();
        let values: Vec<Option<u32>> =
            value_places.iter().map(|&place| codes.of(ready, person, place as usize)).collect();
        let found = variants.by_value(base, &values, &ready.kinds, &history);
        if found.units.is_empty() {
            // Who never came as far as a held step has no value yet, and is counted all the same.
            let kinds = variants.without_value(base, &history);
            self.add(person, range.clone().zip(kinds), bounds);
        }
        for unit in found.units {
            let at = values.iter().position(|value| *value == Some(unit.value));
            let value_place = at.map(|at| value_places[at] as usize);
            let rows = unit.places.into_iter().map(|at| range.start + at as usize).zip(unit.kinds);
            self.add(person, rows, &Bounds { value_place, ..*bounds });
        }
        found.no_value as u64
    }

    /// Forms a unit of the rows of each value of the column.
    fn form_columns(&mut self, ready: &ReadyFunnel, person: &Person<'_>) -> u64 {
        let mut codes = ValueCodes::default();
        let mut first_places: Vec<usize> = Vec::new();
        let mut no_value = 0;
        let mut values = Vec::with_capacity(person.rows.len());
        for place in 0..person.rows.len() {
            let value = codes.of(ready, person, place);
            match value {
                None => no_value += 1,
                Some(value) if value as usize == first_places.len() => first_places.push(place),
                Some(_) => {}
            }
            values.push(value);
        }
        let places = self.rows.at_hand().places(&(0..self.rows.at_hand().len()));
        let values: Vec<Option<u32>> = places.iter().map(|&place| values[place as usize]).collect();
        let ValueUnits { units, .. } = by_column(&self.kinds, &values);
        for unit in units {
            let first_place = first_places[unit.value as usize];
            let rows = unit.places.into_iter().map(|at| at as usize).zip(unit.kinds);
            self.add(
                person,
                rows,
                &Bounds { first_place, value_place: Some(first_place), ..Bounds::default() },
            );
        }
        no_value
    }

    /// Adds a unit of active rows, each with its kind there.
    fn add(&mut self, person: &Person<'_>, rows: impl Iterator<Item = (usize, u32)>, bounds: &Bounds) {
        let mut formed = Formed { bounds: *bounds, ..Formed::default() };
        let places = self.rows.at_hand().places(&(0..self.rows.at_hand().len()));
        for (at, kind) in rows {
            let place = places[at];
            formed.times_us.push(person.rows.times_us[place as usize]);
            formed.kinds.push(kind);
            formed.places.push(place);
            formed.ends_us.extend(self.ends_us.get(place as usize));
        }
        if !formed.places.is_empty() {
            self.formed.push(formed);
        }
    }
}

/// The numbers of one person's values: of the unit's column, or of the columns that are held
/// together. A row that lacks one of these has no value.
#[derive(Default)]
struct ValueCodes {
    numbers: HashMap<Vec<u32>, u32>,
}

impl ValueCodes {
    /// New values are numbered in their order.
    fn of(&mut self, ready: &ReadyFunnel, person: &Person<'_>, place: usize) -> Option<u32> {
        let part = |column: &super::collect::ValueColumn| {
            let code = person.rows.dimension(place, column.dimension);
            (Some(code) != column.not_set).then_some(code)
        };
        let value: Vec<u32> = ready.value_columns.iter().map(part).collect::<Option<_>>()?;
        let next = self.numbers.len() as u32;
        Some(*self.numbers.entry(value).or_insert(next))
    }
}

/// The units of a person that are ranges of rows, and until when a row could still join them.
pub(super) fn ranges<'p>(
    funnel: &Funnel,
    person: &'p Person<'_>,
    timeout_us: i64,
) -> impl Iterator<Item = (Range<usize>, Option<i64>)> + 'p {
    let is_session = funnel.unit == Unit::Session;
    let whole = (!is_session).then(|| (0..person.rows.len(), None));
    let sessions: &[crate::session::Session] = if is_session { person.sessions } else { &[] };
    let by_session = sessions
        .iter()
        .map(move |session| (session.rows(), Some(session_end_us(person, &session.rows(), timeout_us))));
    whole.into_iter().chain(by_session)
}

/// The last instant at which a row could still join a session.
fn session_end_us(person: &Person<'_>, rows: &Range<usize>, timeout_us: i64) -> i64 {
    person.rows.times_us[rows.end - 1].saturating_add(timeout_us)
}
