//! `dropoff inspect`: what an analyst sees in the first minute with an export that nobody documented.
//!
//! Files and columns, people, events and sessions, what may mislead, and a report to start with.
//! Reading the input and guessing the roles is done before; here is what was found and how it lies
//! in tables. As in a report, `body` depends on the events alone; what comes from the look at the
//! first file, and from how files were named and cut, is under `run`.

mod blocks;
mod columns;
mod command;
mod definition_file;
mod facts;
mod gaps;
mod pages;

pub use columns::{GuessProblem, InspectedColumn};
pub use facts::{EventPeople, Hour, InspectFacts};
pub use gaps::{Gap, Gaps, unusual_gaps};

use super::build::{Catalog, canonical_hash, derived, input_warnings, total_tally};
use super::derived::Derived;
use super::identity::{DedupeUse, Identity};
use super::ids::IdFacts;
use super::input::{CohortCounts, Input, InputFacts, WideCounts, leave_out};
use super::receipts::{ReceiptFacts, Receipts};
use super::sessions::Observed;
use super::traps::traps;
use super::unserved::{Seen, unserved};
use super::{Run, Warning};
use crate::condition::Condition;
use crate::definition::{DedupeTable, IdentityTable, SourceTable};
use crate::funnel::definition::Funnel;
use crate::identity::pseudonym::Pseudonyms;
use crate::ingest::plan::ReadPlan;
use crate::ingest::{Everything, SpillError, over_store};
use crate::schema::roles::Guess;
use crate::schema::suggest::{EventSummary, suggest_funnel};
use crate::stats::{Quantile, QuantileMethod, Values, quantile};
use jiff::tz::TimeZone;
use pages::{Sections, suggest_pages};
use schemars::JsonSchema;
use serde::Serialize;

pub const INSPECT_SCHEMA: &str = "dropoff.inspect/1";

/// Events with a row of their own.
const TOP_EVENTS: usize = 20;

/// What is known before all rows are read: the look at the first input, and what was typed.
#[derive(Debug, Clone, Copy)]
pub struct Look<'l> {
    pub guess: &'l Guess,
    /// Columns and sampled rows of the first input.
    pub columns: &'l [String],
    pub rows: &'l [Vec<Option<String>>],
    /// That of when rows were received.
    pub received: Option<&'l String>,
    /// Files, directories and globs as typed.
    pub files: &'l [String],
    /// The same as they are named in the definition file, which they are relative to.
    pub files_of_definition: &'l [String],
    /// Every other input flag as typed, a word each, but for those that name columns of roles and
    /// the event of all rows: they are added where they are needed.
    pub flags: &'l [String],
    /// What flags and definition file say of the source; the guess fills in the columns.
    pub source: &'l SourceTable,
    /// The same of people's ids, and of repeated events.
    pub identity: &'l IdentityTable,
    pub dedupe: &'l DedupeTable,
    pub session_timeout_us: i64,
    pub zone: &'l TimeZone,
    /// Those of the definition file.
    pub funnels: &'l [Funnel],
    /// What stands for the ids of people and sessions; then no values of columns without a role are shown.
    pub pseudonyms: Option<&'l Pseudonyms>,
}

/// Everything `dropoff inspect` says.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Inspection {
    pub schema: String,
    /// Null where it was asked to be left out.
    pub run: Option<InspectRun>,
    /// Null where a required column is unknown, so that no row could be read.
    pub body: Option<InspectBody>,
    /// BLAKE3 of the body in its canonical form.
    pub body_hash: Option<String>,
    #[serde(skip)]
    definition_file: String,
}

/// What may differ from run to run over the same events.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct InspectRun {
    #[serde(flatten)]
    pub reading: Run,
    /// Of the first input, by its sampled rows.
    pub columns: Vec<InspectedColumn>,
    pub sampled_rows: usize,
    /// The known export layout that the columns are of, and by what it was recognised.
    pub layout: Option<Layout>,
    pub problems: Vec<GuessProblem>,
    /// A report to start with, to be pasted; null where no funnel is suggested.
    pub report_command: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Layout {
    pub name: String,
    pub why: String,
}

/// The same for the same events, byte for byte.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct InspectBody {
    pub time_zone: String,
    pub session_timeout_s: f64,
    pub input: Input,
    /// Events named by rules; left out where there are no rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub derived: Option<Derived>,
    pub events: Events,
    pub sessions: SessionsSummary,
    /// Rows alike with another in person, time, event and every column that was read.
    pub duplicate_rows: u64,
    /// Left out where no column says when rows were received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<Receipts>,
    pub gaps: Gaps,
    /// Currencies of the values, where a currency column was read. A report takes one only.
    pub currencies: Vec<String>,
    pub suggested: Option<SuggestedFunnel>,
    pub warnings: Vec<Warning>,
}

/// Event names by rows.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Events {
    /// Distinct names.
    pub names: u64,
    /// Most rows first, then by name.
    pub top: Vec<EventLine>,
    /// Names that are not among the top, and their rows.
    pub other_names: u64,
    pub other_rows: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct EventLine {
    pub event: String,
    pub rows: u64,
    /// Of all used rows, those without an event name included.
    pub share_of_rows: f64,
    /// People with at least one such row.
    pub people: u64,
    /// Median over these people: how many other events they did before it for the first time.
    pub first_place_p50: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SessionsSummary {
    pub n: u64,
    /// Rows of a session.
    pub events_p50: Option<f64>,
    pub duration_p50_s: Option<f64>,
    /// Sessions of a single row: they have no duration.
    pub of_one_event: u64,
    /// Sessions that begin or end within the timeout of the data's ends.
    pub cut: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SuggestedFunnel {
    /// Event names, in order.
    pub events: Vec<String>,
    /// The same in the grammar of `--steps`.
    pub steps: String,
    pub why: String,
}

/// Settles and counts everybody, and puts it beside what the look found. The plan has no conditions;
/// `reading` is the account of the same reading.
pub fn build(
    everything: Everything,
    plan: &ReadPlan,
    look: &Look<'_>,
    mut reading: Run,
    threads: usize,
) -> Result<Inspection, SpillError> {
    let mut tally = total_tally(&everything);
    let members = everything.store.members();
    let spilled = everything.spilled();
    let Everything { store, dictionaries, identified, .. } = everything;
    let (catalog, currencies) = Catalog::and_currencies(dictionaries);
    let timeout_us = look.session_timeout_us;
    let observed = Observed::of(&tally, plan, timeout_us);
    let (ids_have_column, has_sessions) = (plan.columns.ids_have_column(), plan.layout.session);
    let of_all = || {
        let of_input = InputFacts::new(catalog.kinds.len(), has_sessions);
        ((of_input, IdFacts::new(ids_have_column, has_sessions)), ReceiptFacts::default())
    };
    let found_of = |event_of_kind, events| InspectFacts::new(event_of_kind, events, observed);
    let event_count = catalog.events.len();
    let sections = plan.names_pages().then(|| Sections::of(&catalog.events));
    let section_of_kind = sections.as_ref().map(|sections| sections.of_kinds(&catalog.event_of_kind));
    let (((facts, ids), receipts), mut found, by_section) = match (&sections, &section_of_kind) {
        (Some(sections), Some(section_of_kind)) => {
            let (facts, (found, by_section)) = over_store(store, &catalog.ties, timeout_us, threads, || {
                let by_section = found_of(section_of_kind, sections.names.len());
                (of_all(), (found_of(&catalog.event_of_kind, event_count), by_section))
            })?;
            (facts, found, Some(by_section))
        }
        _ => {
            let (facts, found) = over_store(store, &catalog.ties, timeout_us, threads, || {
                (of_all(), found_of(&catalog.event_of_kind, event_count))
            })?;
            (facts, found, None)
        }
    };
    reading.note_spilled(&spilled);
    leave_out(&mut tally, members.as_deref(), &catalog.event_of_kind, plan.roles.is_wide());

    let summaries = event_summaries(&catalog.events, &catalog.event_of_kind, &facts, &found);
    let suggested = match (&sections, &section_of_kind, &by_section) {
        (Some(sections), Some(section_of_kind), Some(by_section)) => {
            let of_sections = event_summaries(&sections.names, section_of_kind, &facts, by_section);
            suggest_pages(&of_sections, &summaries)
                .map(|suggested| (pages::steps_text(&suggested.steps, sections), suggested))
        }
        _ => suggest_funnel(&summaries).map(|suggested| (command::steps_text(&suggested.steps), suggested)),
    };
    let suggested = suggested.map(|(steps, suggested)| SuggestedFunnel {
        steps,
        events: suggested.steps,
        why: suggested.why,
    });
    let names: Vec<&str> = summaries.iter().map(|event| event.name.as_str()).collect();
    let mut warnings = traps(&tally, &facts, &ids, &names);
    warnings.extend(input_warnings(&tally, &facts));
    warnings.extend(plan.columns.received.iter().filter_map(|column| receipts.warning(column)));
    // Conditions are not read here, so each may hold.
    let kinds = catalog.seen(&facts.rows_of_kind);
    let seen = Seen { kinds, tells_names: true, holds: |_, _: &Condition| true };
    warnings.extend(look.funnels.iter().flat_map(|funnel| unserved(funnel, &seen)));
    let derived = derived(plan, &catalog, &facts, true, &mut warnings);
    warnings.sort_by(|a, b| a.code.cmp(&b.code));
    let unstitched = (identified.stitch.is_none() && members.is_none()).then_some(facts.persons);
    let body = InspectBody {
        time_zone: look.zone.iana_name().unwrap_or("fixed offset").to_owned(),
        session_timeout_s: timeout_us as f64 / 1e6,
        input: Input {
            dedupe: DedupeUse::of(plan, &identified),
            identity: Identity::of(plan, &identified, unstitched),
            wide: WideCounts::of(plan, &tally),
            cohort: members.as_deref().map(|members| CohortCounts::of(members, &tally)),
            ..Input::of(&tally, &facts, observed.to_us, plan.layout.session)
        },
        derived,
        events: Events::of(summaries, tally.events),
        sessions: SessionsSummary::of(&mut found),
        duplicate_rows: facts.repeated_rows,
        received: plan.columns.received.is_some().then(|| receipts.receipts()),
        gaps: unusual_gaps(&found.hours),
        currencies,
        suggested,
        warnings,
    };
    let steps = body.suggested.as_ref().map(|funnel| (funnel.steps.as_str(), funnel.why.as_str()));
    let run = InspectRun {
        report_command: steps.map(|(steps, _)| command::report_command(look, plan, steps)),
        ..looked(look, reading)
    };
    Ok(Inspection {
        schema: INSPECT_SCHEMA.to_owned(),
        definition_file: definition_file::definition_file(look, Some(plan), steps),
        run: Some(run),
        body_hash: Some(canonical_hash(&body)),
        body: Some(body),
    })
}

/// What can be said where a required column is unknown: columns, and what keeps the rest from
/// being told.
pub fn build_unread(look: &Look<'_>, reading: Run) -> Inspection {
    Inspection {
        schema: INSPECT_SCHEMA.to_owned(),
        run: Some(looked(look, reading)),
        body: None,
        body_hash: None,
        definition_file: definition_file::definition_file(look, None, None),
    }
}

impl Inspection {
    /// A commented definition file: what was found, to be edited.
    pub fn definition_file(&self) -> &str {
        &self.definition_file
    }
}

fn looked(look: &Look<'_>, reading: Run) -> InspectRun {
    let profile = look.guess.profile.as_ref();
    InspectRun {
        reading,
        columns: columns::inspect_columns(look),
        sampled_rows: look.rows.len(),
        layout: profile.map(|profile| Layout { name: profile.name.to_owned(), why: profile.why.clone() }),
        problems: columns::problems(look),
        report_command: None,
    }
}

/// Every event that has rows.
fn event_summaries(
    names: &[String],
    event_of_kind: &[u32],
    facts: &InputFacts,
    found: &InspectFacts<'_>,
) -> Vec<EventSummary> {
    let (rows, _) = facts.rows_of_event(event_of_kind, names.len());
    let people = found.event_people();
    let events = names.iter().zip(rows).zip(people).filter(|((_, rows), _)| *rows > 0);
    events
        .map(|((name, rows), event)| EventSummary {
            name: name.clone(),
            rows,
            people: event.people,
            first_place: event.first_place,
        })
        .collect()
}

impl Events {
    fn of(mut summaries: Vec<EventSummary>, used: u64) -> Events {
        summaries.sort_unstable_by(|a, b| (b.rows, &a.name).cmp(&(a.rows, &b.name)));
        let names = summaries.len() as u64;
        let others = summaries.split_off(summaries.len().min(TOP_EVENTS));
        let lines = summaries.into_iter().map(|event| EventLine {
            share_of_rows: event.rows as f64 / used.max(1) as f64,
            event: event.name,
            rows: event.rows,
            people: event.people,
            first_place_p50: event.first_place,
        });
        Events {
            names,
            top: lines.collect(),
            other_names: others.len() as u64,
            other_rows: others.iter().map(|event| event.rows).sum(),
        }
    }
}

impl SessionsSummary {
    fn of(found: &mut InspectFacts<'_>) -> SessionsSummary {
        let median = |values: &mut Values| quantile(values.sorted(), Quantile::MEDIAN, QuantileMethod::Type7);
        SessionsSummary {
            n: found.rows_of_session.len() as u64,
            events_p50: median(&mut found.rows_of_session),
            duration_p50_s: median(&mut found.duration_us_of_session).map(|us| us / 1e6),
            of_one_event: found.rows_of_session.sorted().partition_point(|&rows| rows <= 1) as u64,
            cut: found.cut_sessions,
        }
    }
}

#[cfg(test)]
mod tests;
