//! The rebuilt sessions, one row each: who, from when to when, why it starts, what it holds, and
//! which sessions of the log it is made of.
//!
//! Leaves out what people did inside a session. Memory is proportional to sessions, not to rows.

use super::build::{Catalog, total_tally};
use super::table::{Cell, Column, Table};
use super::tally::NO_EVENT;
use crate::decode::time::format_utc;
use crate::identity::pseudonym::Pseudonyms;
use crate::ingest::plan::{Columns, ReadPlan};
use crate::ingest::{Accumulator, Everything, ID_BORDER, Person, PersonRows, SpillError, Tally, over_store};
use crate::session::{Session, SplitCause};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use std::borrow::Cow;

pub const SESSIONS_SCHEMA: &str = "dropoff.sessions/1";

/// Everything `dropoff sessions` says.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SessionTable {
    pub schema: String,
    /// The longest gap inside a session.
    pub session_timeout_s: f64,
    /// By the bytes of the person's id, then by start.
    pub sessions: SessionList,
}

/// One session, as it is printed.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SessionRow<'t> {
    /// The person's id; behind its column and a colon where several columns hold ids.
    pub person: Cow<'t, str>,
    /// The person's sessions are counted from 1.
    pub session: u32,
    /// First and last row, RFC 3339 in UTC.
    pub start: String,
    pub end: String,
    pub duration_s: f64,
    /// Rows, those without an event name included.
    pub events: u32,
    /// Why it starts: `first` or `timeout`.
    pub split_cause: &'static str,
    /// It begins or ends within the timeout of the data's ends: there may have been more of it.
    pub cut: bool,
    /// Null where the row names no event.
    pub first_event: Option<&'t str>,
    pub last_event: Option<&'t str>,
    /// The log's own session id, where all rows carry the same one.
    pub log_session: Option<&'t str>,
    /// Distinct session ids of the log among the rows; null where the log has none.
    pub log_sessions: Option<u32>,
}

/// The time that the data cover, to tell which sessions may go on outside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observed {
    pub from_us: i64,
    pub to_us: i64,
    pub timeout_us: i64,
}

impl Observed {
    /// From the first used row to the end of observation: the given one, else the last used row.
    pub fn of(tally: &Tally, plan: &ReadPlan, timeout_us: i64) -> Observed {
        let (from_us, latest_us) = (tally.earliest_us.unwrap_or(0), tally.latest_us.unwrap_or(0));
        Observed { from_us, to_us: plan.as_of_us.unwrap_or(latest_us), timeout_us }
    }

    /// Whether a session from `start_us` to `end_us` lies within the timeout (inclusive, as the
    /// gap inside a session is) of either end. (definitions, section 11)
    pub fn cuts(&self, start_us: i64, end_us: i64) -> bool {
        start_us.saturating_sub(self.from_us) <= self.timeout_us
            || self.to_us.saturating_sub(end_us) <= self.timeout_us
    }
}

/// Sessions at rest: names and ids are kept once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SessionList {
    persons: Vec<String>,
    events: Vec<String>,
    has_log_sessions: bool,
    kept: Vec<Kept>,
}

#[derive(Debug, Clone, PartialEq)]
struct Kept {
    start_us: i64,
    end_us: i64,
    person: u32,
    number: u32,
    events: u32,
    first_event: u32,
    last_event: u32,
    log_sessions: u32,
    log_session: Option<Box<[u8]>>,
    cause: SplitCause,
    cut: bool,
}

impl SessionList {
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// All sessions, in their order.
    pub fn iter(&self) -> impl Iterator<Item = SessionRow<'_>> {
        self.kept.iter().map(|kept| self.row(kept))
    }

    fn row<'t>(&'t self, kept: &'t Kept) -> SessionRow<'t> {
        let event = |code: u32| (code != NO_EVENT).then(|| self.events[code as usize].as_str());
        SessionRow {
            person: Cow::Borrowed(&self.persons[kept.person as usize]),
            session: kept.number,
            start: format_utc(kept.start_us),
            end: format_utc(kept.end_us),
            duration_s: kept.duration_us() as f64 / 1e6,
            events: kept.events,
            split_cause: kept.cause.name(),
            cut: kept.cut,
            first_event: event(kept.first_event),
            last_event: event(kept.last_event),
            // Decoders hand over UTF-8 only.
            log_session: kept.log_session.as_deref().and_then(|id| std::str::from_utf8(id).ok()),
            log_sessions: self.has_log_sessions.then_some(kept.log_sessions),
        }
    }
}

impl Kept {
    fn duration_us(&self) -> i64 {
        self.end_us.saturating_sub(self.start_us)
    }
}

impl Serialize for SessionList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl JsonSchema for SessionList {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("SessionList")
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<SessionRow<'static>>::json_schema(generator)
    }
}

impl SessionTable {
    /// The sessions for people and for table formats.
    pub fn table(&self) -> Table {
        let list = &self.sessions;
        let text = |text: Option<&str>| text.map_or(Cell::Missing, |text| Cell::Text(text.to_owned()));
        let rows = list.kept.iter().map(|kept| {
            let row = list.row(kept);
            let mut cells = vec![
                Cell::Text(row.person.into_owned()),
                Cell::Count(u64::from(row.session)),
                Cell::TimeUs(kept.start_us),
                Cell::TimeUs(kept.end_us),
                Cell::DurationUs(kept.duration_us()),
                Cell::Count(u64::from(row.events)),
                Cell::Text(row.split_cause.to_owned()),
                Cell::Text(if row.cut { "yes" } else { "no" }.to_owned()),
                text(row.first_event),
                text(row.last_event),
            ];
            if let Some(log_sessions) = row.log_sessions {
                cells.extend([text(row.log_session), Cell::Count(u64::from(log_sessions))]);
            }
            cells
        });
        let mut columns = vec![
            Column::text("person", "Person"),
            Column::number("session", "Session"),
            Column::text("start", "Start"),
            Column::text("end", "End"),
            Column::number("duration_s", "Duration"),
            Column::number("events", "Events"),
            Column::text("split_cause", "Starts by"),
            Column::text("cut", "Cut"),
            Column::text("first_event", "First event"),
            Column::text("last_event", "Last event"),
        ];
        if list.has_log_sessions {
            columns.push(Column::text("log_session", "Log's session"));
            columns.push(Column::number("log_sessions", "Log's sessions"));
        }
        Table {
            name: "sessions".to_owned(),
            title: String::new(),
            columns,
            rows: rows.collect(),
            notes: Vec::new(),
        }
    }
}

/// Gathers the sessions of all persons.
#[derive(Debug)]
pub struct SessionRows<'c> {
    /// By kind: the code of its event name, or `NO_EVENT`.
    event_of_kind: &'c [u32],
    observed: Observed,
    /// Ids as they are stored.
    persons: Vec<Box<[u8]>>,
    kept: Vec<Kept>,
    /// Codes of the log's sessions of one session; reused.
    codes: Vec<u32>,
    pseudonyms: Option<&'c Pseudonyms>,
    ids_have_column: bool,
}

impl<'c> SessionRows<'c> {
    pub fn new(event_of_kind: &'c [u32], observed: Observed) -> SessionRows<'c> {
        SessionRows {
            event_of_kind,
            observed,
            persons: Vec::new(),
            kept: Vec::new(),
            codes: Vec::new(),
            pseudonyms: None,
            ids_have_column: false,
        }
    }

    /// With pseudonyms for the ids of people and of the log's sessions, and in their order.
    pub fn under(self, pseudonyms: Option<&'c Pseudonyms>, ids_have_column: bool) -> SessionRows<'c> {
        SessionRows { pseudonyms, ids_have_column, ..self }
    }

    fn keep(&mut self, rows: &PersonRows<'_>, session: &Session, person: u32, number: u32) {
        let (first, last) = (session.rows().start, session.rows().end - 1);
        let event =
            |row: usize| self.event_of_kind.get(rows.kinds[row] as usize).copied().unwrap_or(NO_EVENT);
        let (start_us, end_us) = (rows.times_us[first], rows.times_us[last]);
        self.codes.clear();
        self.codes.extend(session.rows().filter_map(|row| rows.session_code(row)));
        let all_carry_one = self.codes.len() == session.rows().len();
        self.codes.sort_unstable();
        self.codes.dedup();
        let log_session = match self.codes.as_slice() {
            &[code] if all_carry_one => Some(match self.pseudonyms {
                None => rows.session_text(code).into(),
                Some(pseudonyms) => pseudonyms.of(rows.session_text(code)).into_bytes().into(),
            }),
            _ => None,
        };
        self.kept.push(Kept {
            start_us,
            end_us,
            person,
            number,
            events: session.rows().len() as u32,
            first_event: event(first),
            last_event: event(last),
            log_sessions: self.codes.len() as u32,
            log_session,
            cause: session.cause(),
            cut: self.observed.cuts(start_us, end_us),
        });
    }

    /// Puts the sessions in their order and names everything. `columns` are those that
    /// hold persons' ids, as the plan names them.
    fn finish(self, catalog_events: Vec<String>, columns: &Columns, has_log_sessions: bool) -> SessionList {
        let mut order: Vec<u32> = (0..self.persons.len() as u32).collect();
        order.sort_unstable_by(|&a, &b| self.persons[a as usize].cmp(&self.persons[b as usize]));
        let mut place = vec![0_u32; order.len()];
        for (rank, &person) in order.iter().enumerate() {
            place[person as usize] = rank as u32;
        }
        let mut kept = self.kept;
        for session in &mut kept {
            session.person = place[session.person as usize];
        }
        kept.sort_unstable_by_key(|session| (session.person, session.number));
        let persons =
            order.iter().map(|&person| person_text(&self.persons[person as usize], columns)).collect();
        SessionList { persons, events: catalog_events, has_log_sessions, kept }
    }
}

impl Accumulator for SessionRows<'_> {
    fn person(&mut self, person: &Person<'_>) {
        let index = self.persons.len() as u32;
        let stored = person.rows.id();
        self.persons.push(match self.pseudonyms {
            None => stored.into(),
            Some(pseudonyms) => pseudonyms.of_stored(stored, self.ids_have_column).into(),
        });
        for (number, session) in (1..).zip(person.sessions) {
            self.keep(&person.rows, session, index, number);
        }
    }

    fn merge(&mut self, other: Self) {
        let before = self.persons.len() as u32;
        self.persons.extend(other.persons);
        self.kept.extend(other.kept.into_iter().map(|mut kept| {
            kept.person += before;
            kept
        }));
    }
}

/// A stored id as people know it. With several user columns its first byte is the place of its
/// column, which is printed before it, for "7" in two columns is two people; the parts of an id of several
/// columns together have a blank between them.
pub fn person_text(stored: &[u8], columns: &Columns) -> String {
    match stored.split_first() {
        Some((&column, id)) if columns.ids_have_column() => {
            let column = columns.user.get(usize::from(column)).map_or("", String::as_str);
            format!("{column}:{}", String::from_utf8_lossy(id))
        }
        _ => id_text(stored),
    }
}

/// An id without its column; the parts of an id of several columns have a blank between them.
pub fn id_text(id: &[u8]) -> String {
    let parts = id.split(|&byte| byte == ID_BORDER).filter(|part| !part.is_empty());
    parts.map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
}

/// Settles every person and lists their sessions, with pseudonyms for ids where there are some.
pub fn build(
    everything: Everything,
    plan: &ReadPlan,
    timeout_us: i64,
    pseudonyms: Option<&Pseudonyms>,
    threads: usize,
) -> Result<SessionTable, SpillError> {
    let observed = Observed::of(&total_tally(&everything), plan, timeout_us);
    let (catalog, _) = Catalog::and_currencies(everything.dictionaries);
    let rows = over_store(everything.store, &catalog.ties, timeout_us, threads, || {
        let rows = SessionRows::new(&catalog.event_of_kind, observed);
        rows.under(pseudonyms, plan.columns.ids_have_column())
    })?;
    let sessions = rows.finish(catalog.events.clone(), &plan.columns, plan.layout.session);
    let session_timeout_s = timeout_us as f64 / 1e6;
    Ok(SessionTable { schema: SESSIONS_SCHEMA.to_owned(), session_timeout_s, sessions })
}

#[cfg(test)]
pub(super) mod tests;
