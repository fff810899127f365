//! What was read: rows and their account, people, sessions, span, ties.

use super::identity::{DedupeUse, Identity};
use super::tally::NO_EVENT;
use crate::decode::time::format_utc;
use crate::event::RejectCode;
use crate::ingest::cohort::{Cohort, Members};
use crate::ingest::plan::ReadPlan;
use crate::ingest::{Accumulator, Person, PersonRows, Tally};
use crate::session::{Agreement, compare};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Rows {
    /// `used + rejected + filtered + duplicates`.
    pub read: u64,
    pub used: u64,
    pub rejected: u64,
    pub filtered: u64,
    /// Rows of an event that another row stands for.
    pub duplicates: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Input {
    pub rows: Rows,
    /// Rejected rows by code; codes without rows are left out.
    pub rejects: BTreeMap<String, u64>,
    /// Null where no event may fall as repeated.
    pub dedupe: Option<DedupeUse>,
    /// Null where people are who their rows say.
    pub identity: Option<Identity>,
    pub persons: u64,
    pub sessions: u64,
    /// Earliest and latest used row, RFC 3339 in UTC.
    pub from: Option<String>,
    pub to: Option<String>,
    /// End of observation.
    pub as_of: Option<String>,
    /// Used rows that name no event.
    pub rows_without_event: u64,
    /// Used rows that share person and time with another.
    pub tied_rows: u64,
    /// Against the log's own session ids; null where it has none.
    pub log_sessions: Option<LogSessions>,
    /// Where rows have a time column for each thing that happened; else null.
    pub wide: Option<WideCounts>,
    /// Where lists of ids said who is reported; else null.
    pub cohort: Option<CohortCounts>,
}

/// What was made of wide rows.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WideCounts {
    /// Time columns.
    pub columns: u64,
    /// Their times in used rows: one event each.
    pub events: u64,
    /// Sound rows without a time in any of the columns: they have no event.
    pub rows_without_time: u64,
    /// Times of used rows after `--as-of`: they had not happened then, and are no events.
    pub times_after_as_of: u64,
}

/// Whose rows were reported, where not everybody's were.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CohortCounts {
    /// Of the list of those who are reported; null where all are.
    pub only: Option<IdCounts>,
    /// Of the list of those who are left out.
    pub without: Option<IdCounts>,
    pub persons_left_out: u64,
    /// Rows of theirs, which are among the filtered.
    pub rows_left_out: u64,
}

/// How many ids a list has, each counted once: `found + not_found`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct IdCounts {
    pub ids: u64,
    /// A person of the log has the id.
    pub found: u64,
    pub not_found: u64,
}

impl CohortCounts {
    /// Of the pass that is done.
    pub fn of(members: &Members, tally: &Tally) -> CohortCounts {
        let counts = |cohort: &Cohort| {
            let (ids, found) = (cohort.ids(), cohort.found());
            IdCounts { ids, found, not_found: ids - found }
        };
        let left_out = members.left_out();
        CohortCounts {
            only: members.only.as_ref().map(counts),
            without: members.without.as_ref().map(counts),
            persons_left_out: left_out.persons,
            rows_left_out: tally.left_out,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LogSessions {
    /// Distinct pairs of person and session id.
    pub sessions: u64,
    /// Of these, whose rows are exactly the rows of one rebuilt session.
    pub identical: u64,
    pub rows_without_id: u64,
}

impl Input {
    pub fn of(tally: &Tally, facts: &InputFacts, as_of_us: i64, has_log_sessions: bool) -> Input {
        let rows = Rows {
            read: tally.read,
            used: tally.used,
            rejected: tally.rejected(),
            filtered: tally.filtered,
            duplicates: tally.duplicates,
        };
        tally.assert_accounted("all files");
        let rejects = RejectCode::ALL
            .iter()
            .filter(|code| tally.rejects[code.index()] > 0)
            .map(|code| (code.to_string(), tally.rejects[code.index()]));
        Input {
            rows,
            rejects: rejects.collect(),
            dedupe: None,
            identity: None,
            persons: facts.persons,
            sessions: facts.sessions,
            from: tally.earliest_us.map(format_utc),
            to: tally.latest_us.map(format_utc),
            as_of: tally.latest_us.map(|_| format_utc(as_of_us)),
            rows_without_event: tally.without_event,
            tied_rows: facts.tied_rows,
            log_sessions: has_log_sessions.then_some(LogSessions {
                sessions: facts.agreement.log_sessions,
                identical: facts.agreement.identical,
                rows_without_id: facts.agreement.rows_without_id,
            }),
            wide: None,
            cohort: None,
        }
    }
}

impl WideCounts {
    pub fn of(plan: &ReadPlan, tally: &Tally) -> Option<WideCounts> {
        plan.roles.is_wide().then_some(WideCounts {
            columns: plan.roles.unpivot.len() as u64,
            events: tally.events,
            rows_without_time: tally.without_time,
            times_after_as_of: tally.times_after_end,
        })
    }
}

/// Takes the rows of persons who were left out from the counts of used rows, once a pass is done.
/// `event_of_kind` is that of the catalog.
pub fn leave_out(tally: &mut Tally, members: Option<&Members>, event_of_kind: &[u32], wide: bool) {
    let Some(members) = members else { return };
    let left_out = members.left_out();
    let kinds = left_out.rows_of_kind.iter().zip(event_of_kind);
    let without_event = kinds.filter(|(_, event)| **event == NO_EVENT).map(|(n, _)| n).sum();
    tally.leave_out(&left_out, without_event, wide);
}

/// What a pass over persons learns of the input as a whole.
#[derive(Debug, Default)]
pub struct InputFacts {
    pub persons: u64,
    pub sessions: u64,
    pub tied_rows: u64,
    /// Rows alike in person, time, event and every wanted column with the row before them.
    pub repeated_rows: u64,
    /// Rows of the person who has most.
    pub most_rows_of_one: u64,
    pub agreement: Agreement,
    /// Used rows by kind.
    pub rows_of_kind: Vec<u64>,
    scratch: Vec<(u32, u32)>,
    compares_sessions: bool,
}

impl InputFacts {
    pub fn new(kind_count: usize, compares_sessions: bool) -> InputFacts {
        InputFacts { rows_of_kind: vec![0; kind_count], compares_sessions, ..InputFacts::default() }
    }

    /// Used rows by event code; the last number is of rows without a name.
    pub fn rows_of_event(&self, event_of_kind: &[u32], event_count: usize) -> (Vec<u64>, u64) {
        let mut rows = vec![0; event_count];
        let mut nameless = 0;
        for (&event, &n) in event_of_kind.iter().zip(&self.rows_of_kind) {
            if event == NO_EVENT {
                nameless += n;
            } else {
                rows[event as usize] += n;
            }
        }
        (rows, nameless)
    }
}

impl InputFacts {
    fn count_ties(&mut self, rows: &PersonRows<'_>) {
        let mut tied_before = false;
        for row in 1..rows.len() {
            let tied = rows.times_us[row] == rows.times_us[row - 1];
            if tied {
                self.tied_rows += if tied_before { 1 } else { 2 };
                let alike = rows.kinds[row] == rows.kinds[row - 1]
                    && rows.wanted_words(row) == rows.wanted_words(row - 1);
                self.repeated_rows += u64::from(alike);
            }
            tied_before = tied;
        }
    }
}

impl Accumulator for InputFacts {
    fn person(&mut self, person: &Person<'_>) {
        let rows = &person.rows;
        self.persons += 1;
        self.sessions += person.sessions.len() as u64;
        self.most_rows_of_one = self.most_rows_of_one.max(rows.len() as u64);
        for &kind in rows.kinds {
            self.rows_of_kind[kind as usize] += 1;
        }
        if rows.has_ties {
            self.count_ties(rows);
        }
        if self.compares_sessions {
            let sessions = person.sessions.iter().enumerate();
            let rows_with_ids = sessions.flat_map(|(index, session)| {
                session.rows().map(move |row| (index as u32, rows.session_code(row)))
            });
            let agreement = compare(rows_with_ids, &mut self.scratch);
            self.agreement.add(agreement);
        }
    }

    fn merge(&mut self, other: Self) {
        self.persons += other.persons;
        self.sessions += other.sessions;
        self.tied_rows += other.tied_rows;
        self.repeated_rows += other.repeated_rows;
        self.most_rows_of_one = self.most_rows_of_one.max(other.most_rows_of_one);
        self.agreement.add(other.agreement);
        for (mine, theirs) in self.rows_of_kind.iter_mut().zip(other.rows_of_kind) {
            *mine += theirs;
        }
    }
}
