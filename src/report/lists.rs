//! What is written of single units beside the report: the table of people, and cohorts of ids.
//!
//! The pass over persons hands over every unit that entered ([`Lists::unit`]). Each becomes one byte
//! string that begins with what the lists are ordered by, so that they may be larger than memory and
//! never depend on threads. What the strings of the table hold is read back by
//! [`people`](super::people).

use super::collect::ReadyFunnel;
use crate::funnel::definition::Funnel;
use crate::funnel::engine::{Outcome, Rows, Status};
use crate::identity::pseudonym::Pseudonyms;
use crate::ingest::Person;
use crate::source::sorted::{Sorted, Sorter};
use std::io;
use std::path::PathBuf;

/// Bytes of lists that each thread holds in memory; what is more waits in temporary files.
const MOST_BYTES: usize = 8 << 20;

/// Stands for a time or a value that is absent.
const ABSENT: i64 = i64::MIN;

/// Which lists are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListRequest {
    /// The table of people.
    pub table: bool,
    pub cohorts: Vec<CohortRule>,
    /// What stands for ids, where these are not to be listed; lists are in the order of what is listed.
    pub pseudonyms: Option<Pseudonyms>,
}

impl ListRequest {
    /// Whether anything is listed.
    pub fn is_wanted(&self) -> bool {
        self.table || !self.cohorts.is_empty()
    }
}

/// Who belongs to a cohort: everybody with a unit that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CohortRule {
    /// The place of the funnel in the request.
    pub funnel: usize,
    pub pick: Pick,
    /// A place among all steps of the funnel. Of [`Pick::Reached`] the step that was reached, of all
    /// others the one where the unit stopped.
    pub step: Option<usize>,
}

/// Units by their status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// Every unit that entered; those that an exclusion removed are in no denominator.
    Entered,
    /// Of those, the ones whose winning chain has a row for a step.
    Reached,
    Converted,
    Dropped,
    Open,
    Excluded,
    Removed,
    /// Whatever their status, the removed included.
    Any,
}

impl Pick {
    pub const ALL: [Pick; 8] = [
        Pick::Entered,
        Pick::Reached,
        Pick::Converted,
        Pick::Dropped,
        Pick::Open,
        Pick::Excluded,
        Pick::Removed,
        Pick::Any,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Pick::Entered => "entered",
            Pick::Reached => "reached",
            Pick::Converted => "converted",
            Pick::Dropped => "dropped",
            Pick::Open => "open",
            Pick::Excluded => "excluded",
            Pick::Removed => "removed",
            Pick::Any => "any",
        }
    }

    fn holds(self, status: Status) -> bool {
        match self {
            Pick::Entered | Pick::Reached => status != Status::Removed,
            Pick::Converted => status == Status::Converted,
            Pick::Dropped => status == Status::Dropped,
            Pick::Open => status == Status::Open,
            Pick::Excluded => status == Status::Excluded,
            Pick::Removed => status == Status::Removed,
            Pick::Any => true,
        }
    }
}

/// The names of a funnel's steps, in order, each different from the others and from `taken`: what
/// stands there already is followed by a number.
pub fn distinct_step_names(funnel: &Funnel, taken: &[String]) -> Vec<String> {
    let mut names = taken.to_vec();
    for step in &funnel.steps {
        let name = distinct(&step.name, &names);
        names.push(name);
    }
    names.split_off(taken.len())
}

/// `name`, or the first of `name 2`, `name 3` … that is not among the others.
pub fn distinct(name: &str, others: &[String]) -> String {
    let is_free = |wanted: &String| !others.contains(wanted);
    let numbered = (2..).map(|number| format!("{name} {number}"));
    std::iter::once(name.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
}

/// One unit that entered, with what its lists need.
pub struct ListedUnit<'u> {
    /// Place of the funnel in the request.
    pub funnel: usize,
    pub ready: &'u ReadyFunnel,
    pub person: &'u Person<'u>,
    /// Which of the person's units it is, from 1 in the order of time; 0 where the unit is the person.
    pub number: usize,
    /// The place of a row with the value that makes the unit, where one does.
    pub value_place: Option<usize>,
    pub outcome: &'u Outcome,
    /// The rows that the outcome's places refer to.
    pub rows: Rows<'u>,
    /// Where such a row stands among all rows of the person.
    pub place: &'u dyn Fn(u32) -> usize,
}

impl ListedUnit<'_> {
    /// The last value known at or before the converting row, or the leaving row of who did not convert.
    fn last_value(&self) -> Option<i64> {
        let row = (self.place)(*self.outcome.chain.last()?);
        let last = match self.outcome.status {
            Status::Converted => row,
            _ => self.person.sessions[self.person.session_of(row)].rows().end - 1,
        };
        self.person.rows.last_value(last)
    }
}

/// Where required and optional steps stand among all steps of a funnel.
struct StepPlaces {
    required: Vec<usize>,
    optional: Vec<usize>,
}

impl StepPlaces {
    fn of(funnel: &Funnel) -> StepPlaces {
        let (optional, required) = (0..funnel.steps.len()).partition(|&step| funnel.steps[step].optional);
        StepPlaces { required, optional }
    }

    /// The rows that serve the steps of a unit, as (place of the step, row): those of the winning chain in its
    /// order, then those of optional steps.
    fn served<'u>(&'u self, outcome: &'u Outcome) -> impl Iterator<Item = (usize, u32)> + 'u {
        let required = outcome.chain.iter().enumerate().map(|(place, &row)| {
            let step =
                outcome.served.get(place).map_or(outcome.entered_at + place, |&step| usize::from(step));
            (self.required[step], row)
        });
        let optional = self.optional.iter().zip(&outcome.optional);
        required.chain(optional.filter_map(|(&step, row)| Some((step, (*row)?))))
    }

    /// The step of the chain's last row.
    fn stage(&self, outcome: &Outcome) -> Option<usize> {
        self.served(outcome).take(outcome.chain.len()).last().map(|(step, _)| step)
    }
}

/// The lists of one thread.
pub struct Lists<'p> {
    request: &'p ListRequest,
    /// Several columns name people: an id begins with the number of its own.
    has_columns: bool,
    places: Vec<StepPlaces>,
    table: Sorter,
    /// By the place of the cohort.
    cohorts: Vec<Sorter>,
    line: Vec<u8>,
    /// The first temporary file that failed; then there are no lists.
    failed: Option<io::Error>,
}

impl<'p> Lists<'p> {
    pub fn new(
        request: &'p ListRequest,
        funnels: &'p [ReadyFunnel],
        has_columns: bool,
        temp_dir: &std::path::Path,
    ) -> Lists<'p> {
        let lists = request.cohorts.len() + usize::from(request.table);
        let sorter = || Sorter::new(PathBuf::from(temp_dir), MOST_BYTES / lists.max(1));
        Lists {
            request,
            has_columns,
            places: funnels.iter().map(|ready| StepPlaces::of(&ready.funnel)).collect(),
            table: sorter(),
            cohorts: request.cohorts.iter().map(|_| sorter()).collect(),
            line: Vec::new(),
            failed: None,
        }
    }

    /// Takes one unit. What goes wrong is told at the end.
    pub fn unit(&mut self, unit: &ListedUnit<'_>) {
        if self.failed.is_none()
            && let Err(error) = self.list(unit)
        {
            self.failed = Some(error);
        }
    }

    fn list(&mut self, unit: &ListedUnit<'_>) -> io::Result<()> {
        let places = &self.places[unit.funnel];
        let stored = unit.person.rows.id();
        let pseudonym = self.request.pseudonyms.as_ref();
        let pseudonym = pseudonym.map(|pseudonyms| pseudonyms.of_stored(stored, self.has_columns));
        let id = pseudonym.as_deref().unwrap_or(stored);
        if self.request.table {
            self.line.clear();
            self.line.extend((unit.funnel as u32).to_be_bytes());
            push_id(id, self.has_columns, &mut self.line);
            self.line.extend((unit.number as u32).to_be_bytes());
            push_unit(unit, places, &mut self.line);
            self.table.push(&self.line)?;
        }
        for (rule, ids) in self.request.cohorts.iter().zip(&mut self.cohorts) {
            if rule.funnel == unit.funnel && is_in(rule, unit.outcome, places) {
                self.line.clear();
                push_id(id, self.has_columns, &mut self.line);
                ids.push(&self.line)?;
            }
        }
        Ok(())
    }

    pub fn merge(&mut self, other: Lists<'p>) {
        self.table.merge(other.table);
        for (mine, theirs) in self.cohorts.iter_mut().zip(other.cohorts) {
            mine.merge(theirs);
        }
        self.failed = self.failed.take().or(other.failed);
    }

    /// The strings of the table, and of each cohort, in order.
    pub fn sorted(self) -> io::Result<(Sorted, Vec<CohortIds>)> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let has_columns = self.has_columns;
        let ids = |ids: Sorter| Ok(CohortIds { ids: ids.sorted()?, has_columns, last: Vec::new() });
        let cohorts = self.cohorts.into_iter().map(ids).collect::<io::Result<_>>()?;
        Ok((self.table.sorted()?, cohorts))
    }
}

fn is_in(rule: &CohortRule, outcome: &Outcome, places: &StepPlaces) -> bool {
    rule.pick.holds(outcome.status)
        && match (rule.step, rule.pick) {
            (None, _) => true,
            (Some(wanted), Pick::Reached) => places.served(outcome).any(|(step, _)| step == wanted),
            (Some(wanted), _) => places.stage(outcome) == Some(wanted),
        }
}

/// The ids of one cohort in order, each once.
pub struct CohortIds {
    ids: Sorted,
    has_columns: bool,
    last: Vec<u8>,
}

impl CohortIds {
    /// The next id, with the number of its column, into `id`; `None` at the end.
    pub fn next_id(&mut self, id: &mut Vec<u8>) -> io::Result<Option<u8>> {
        while let Some(line) = self.ids.next_text()? {
            if line != self.last.as_slice() || self.last.is_empty() {
                self.last.clear();
                self.last.extend_from_slice(line);
                return Ok(Some(read_id(line, self.has_columns, id).0));
            }
        }
        Ok(None)
    }
}

/// Puts an id where byte strings are compared: whoever comes first by the bytes of the id, then by its
/// column, comes first. A zero in the id is marked, as one ends it.
fn push_id(id: &[u8], has_columns: bool, line: &mut Vec<u8>) {
    let (column, id) = match id.split_first() {
        Some((&column, id)) if has_columns => (column, id),
        _ => (0, id),
    };
    for &byte in id {
        line.push(byte);
        if byte == 0 {
            line.push(0xff);
        }
    }
    line.extend([0, 0]);
    if has_columns {
        line.push(column);
    }
}

/// Reads what [`push_id`] put in front of `line`: the column, and the rest of the line.
fn read_id<'l>(line: &'l [u8], has_columns: bool, id: &mut Vec<u8>) -> (u8, &'l [u8]) {
    id.clear();
    let mut rest = line;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte == 0 {
            let (marks, behind) = rest.split_first().unwrap_or((&0, &[]));
            rest = behind;
            if *marks == 0 {
                break;
            }
        }
        id.push(byte);
    }
    match rest.split_first() {
        Some((&column, behind)) if has_columns => (column, behind),
        _ => (0, rest),
    }
}

/// The facts of a unit that the table shows, as they lie in its string.
#[derive(Debug, Default, PartialEq)]
pub(super) struct UnitLine {
    pub funnel: usize,
    pub column: u8,
    pub id: Vec<u8>,
    pub number: u32,
    pub status: Status,
    pub level: u32,
    /// The place of the step of the chain's last row.
    pub stage: Option<usize>,
    pub first_entry_us: i64,
    pub attempts: u32,
    /// In millionths.
    pub value: Option<i64>,
    /// Of a converted unit: from the first to the last row of its chain.
    pub duration_us: Option<i64>,
    /// (place of the step, time of its row).
    pub times_us: Vec<(usize, i64)>,
    /// Codes of the values that make the unit; none where it has no value.
    pub values: Vec<u32>,
    /// Codes of the segment values; one without a text where the unit has no row to take it from.
    pub segments: Vec<u32>,
}

const STATUSES: [Status; 5] =
    [Status::Converted, Status::Dropped, Status::Open, Status::Excluded, Status::Removed];

fn push_unit(unit: &ListedUnit<'_>, places: &StepPlaces, line: &mut Vec<u8>) {
    let ListedUnit { outcome, rows, person, .. } = *unit;
    let status = STATUSES.iter().position(|status| *status == outcome.status);
    let first_entry = outcome.first_entry.unwrap_or(0);
    let time_us = |row: u32| rows.times_us[row as usize];
    let duration_us = match (outcome.status, outcome.chain.first(), outcome.chain.last()) {
        (Status::Converted, Some(&first), Some(&last)) => time_us(last).saturating_sub(time_us(first)).max(0),
        _ => ABSENT,
    };
    line.push(status.unwrap_or(0) as u8);
    line.extend((outcome.level as u32).to_le_bytes());
    line.extend(places.stage(outcome).map_or(u32::MAX, |stage| stage as u32).to_le_bytes());
    line.extend(time_us(first_entry).to_le_bytes());
    line.extend(outcome.attempts.to_le_bytes());
    line.extend(unit.last_value().unwrap_or(ABSENT).to_le_bytes());
    line.extend(duration_us.to_le_bytes());
    line.extend((unit.ready.segments.by.len() as u32).to_le_bytes());
    let mut segments = Vec::new();
    unit.ready.segments.key(person, (unit.place)(first_entry), outcome, unit.place, &mut segments);
    for code in segments {
        line.extend(code.to_le_bytes());
    }
    let value_columns = unit.value_place.map_or(&[][..], |_| &unit.ready.value_columns);
    line.extend((value_columns.len() as u32).to_le_bytes());
    for (column, place) in value_columns.iter().zip(unit.value_place.into_iter().cycle()) {
        line.extend(person.rows.dimension(place, column.dimension).to_le_bytes());
    }
    for (step, row) in places.served(outcome) {
        line.extend((step as u32).to_le_bytes());
        line.extend(time_us(row).to_le_bytes());
    }
}

impl UnitLine {
    /// Reads a string of the table in the place of what was read before.
    pub fn read(&mut self, line: &[u8], has_columns: bool) {
        let mut line = Numbers(line);
        self.funnel = line.ordered() as usize;
        (self.column, line.0) = read_id(line.0, has_columns, &mut self.id);
        self.number = line.ordered();
        self.status = STATUSES[usize::from(line.byte())];
        self.level = line.word();
        self.stage = Some(line.word()).filter(|&stage| stage != u32::MAX).map(|stage| stage as usize);
        self.first_entry_us = line.long();
        self.attempts = line.word();
        self.value = Some(line.long()).filter(|&value| value != ABSENT);
        self.duration_us = Some(line.long()).filter(|&duration_us| duration_us != ABSENT);
        for codes in [&mut self.segments, &mut self.values] {
            let length = line.word();
            codes.clear();
            codes.extend((0..length).map(|_| line.word()));
        }
        self.times_us.clear();
        while !line.0.is_empty() {
            self.times_us.push((line.word() as usize, line.long()));
        }
    }
}

/// Numbers end to end.
struct Numbers<'l>(&'l [u8]);

impl Numbers<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (number, rest) = self.0.split_first_chunk().expect("a string of the table is whole");
        self.0 = rest;
        *number
    }

    fn byte(&mut self) -> u8 {
        self.take::<1>()[0]
    }

    fn word(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    /// A number whose bytes compare as it does.
    fn ordered(&mut self) -> u32 {
        u32::from_be_bytes(self.take())
    }

    fn long(&mut self) -> i64 {
        i64::from_le_bytes(self.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ids_come_back_and_are_in_the_order_of_their_bytes(
            ids in proptest::collection::vec(proptest::collection::vec(0_u8..3, 1..5), 2..8),
            has_columns: bool,
        ) {
            let mut lines = Vec::new();
            for id in &ids {
                let mut line = Vec::new();
                push_id(id, has_columns, &mut line);
                line.push(7);
                let mut read = Vec::new();
                let (column, rest) = read_id(&line, has_columns, &mut read);
                prop_assert_eq!(rest, &[7]);
                let wanted = if has_columns { (id[0], &id[1..]) } else { (0, &id[..]) };
                prop_assert_eq!((column, &read[..]), wanted);
                lines.push((line, read, column));
            }
            for (a, a_id, a_column) in &lines {
                for (b, b_id, b_column) in &lines {
                    prop_assert_eq!(a.cmp(b), (a_id, a_column).cmp(&(b_id, b_column)));
                }
            }
        }
    }

    #[test]
    fn names_that_stand_there_already_get_a_number() {
        let taken = ["person".to_owned(), "view 2".to_owned()];
        assert_eq!(distinct("view", &taken), "view");
        assert_eq!(distinct("person", &taken), "person 2");
        assert_eq!(distinct("view 2", &taken), "view 2 2");
    }
}
