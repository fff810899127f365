//! What is asked, in one form that does not move: the text that `definition.hash` is taken of.
//!
//! Compact JSON, keys in the order of their bytes, times in whole microseconds, every rule settled: what
//! is not written stands there with the value that it has. `docs/FORMATS.md` lists the keys; a change
//! of them is a new version.

use super::build::{FunnelRequest, Request};
use crate::condition::Condition;
use crate::funnel::definition::{Admits, ChainEnd, Repeats};
use crate::funnel::options::{Blocked, Choice, Entry, Order};
use crate::funnel::steps::{EventSpec, StepSpec};
use crate::ingest::plan::{Dedupe, ReadPlan};
use crate::stats::Quantile;
use serde::Serialize;

const SCHEMA: &str = "dropoff.definition/1";

/// All that can change a number, beside how rows are read. Fields stand in the order of their names.
#[derive(Serialize)]
struct Canonical<'a> {
    /// Only where it was given: the latest row is a fact of the data.
    as_of_us: Option<i64>,
    /// The hash of the ids that are reported.
    cohort: Option<String>,
    /// The hash of those that are left out.
    cohort_not: Option<String>,
    currency: Option<&'a str>,
    dedupe_exact: bool,
    dedupe_key: &'a [String],
    /// Left out where none was given, so that hashes of definitions without one stay what they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    dedupe_window_us: Option<i64>,
    /// Rules that name events, in their order.
    derive: Vec<String>,
    from_us: Option<i64>,
    funnels: Vec<CanonicalFunnel<'a>>,
    /// The hash of the map of ids.
    identity_map: Option<&'a str>,
    quantile_method: &'a str,
    quantiles: Vec<String>,
    schema: &'a str,
    session_timeout_us: i64,
    stitch: &'a str,
    time_zone: &'a str,
    to_us: Option<i64>,
    top: usize,
    trend: Option<&'a str>,
    #[serde(rename = "where")]
    filter: Option<String>,
}

#[derive(Serialize)]
struct CanonicalFunnel<'a> {
    admits: &'a str,
    anchored: bool,
    blocked: &'a str,
    by: &'a [String],
    /// Where a segment is taken from: `first-entry`, `step=2`.
    by_from: String,
    chain_end: &'a str,
    choice: &'a str,
    entry: &'a str,
    exclusion: &'a str,
    hold: Option<CanonicalHold<'a>>,
    name: &'a str,
    open: bool,
    order: &'a str,
    repeats: &'a str,
    row: &'a str,
    steps: Vec<CanonicalStep<'a>>,
    tie: &'a str,
    tolerance_us: i64,
    unit: &'a str,
    unit_column: Option<&'a str>,
    window_us: Option<i64>,
}

#[derive(Serialize)]
struct CanonicalHold<'a> {
    columns: &'a [String],
    /// Required steps, from 1; null: all.
    steps: Option<Vec<u16>>,
}

#[derive(Serialize)]
struct CanonicalStep<'a> {
    after_us: i64,
    arrow: Vec<&'a str>,
    events: Vec<String>,
    ignore: Vec<String>,
    name: &'a str,
    not: Vec<String>,
    nth: Option<u32>,
    optional: bool,
    within_us: Option<i64>,
}

/// The text that the hash of a definition is taken of.
pub fn canonical_text(request: &Request, plan: &ReadPlan) -> String {
    let members = plan.members.as_ref();
    let rules = plan.derivation.iter().flat_map(|derivation| &derivation.rules);
    let bound = |us: i64| (us != i64::MIN && us != i64::MAX).then_some(us);
    let canonical = Canonical {
        as_of_us: request.as_of_us,
        cohort: members.and_then(|members| Some(members.only.as_ref()?.hash())),
        cohort_not: members.and_then(|members| Some(members.without.as_ref()?.hash())),
        currency: request.currency.as_deref(),
        dedupe_exact: plan.identity.dedupe == Dedupe::Exact,
        dedupe_key: &plan.columns.key,
        dedupe_window_us: plan.identity.dedupe_window_us,
        derive: rules.map(ToString::to_string).collect(),
        from_us: bound(request.entries_us.start),
        funnels: request.funnels.iter().map(funnel).collect(),
        identity_map: plan.identity.map.as_ref().map(|map| map.hash()),
        quantile_method: request.choice.method.name(),
        quantiles: request.choice.quantiles.iter().map(Quantile::to_string).collect(),
        schema: SCHEMA,
        session_timeout_us: request.session_timeout_us,
        stitch: plan.identity.stitch.name(),
        time_zone: request.zone.iana_name().unwrap_or("fixed offset"),
        to_us: bound(request.entries_us.end),
        top: request.top,
        trend: request.trend.map(|trend| trend.name()),
        filter: request.filter.as_ref().map(Condition::to_string),
    };
    serde_json::to_string(&canonical).expect("texts, whole numbers and lists of them")
}

fn funnel(wanted: &FunnelRequest) -> CanonicalFunnel<'_> {
    let funnel = &wanted.funnel;
    let terms = &funnel.terms;
    CanonicalFunnel {
        admits: match terms.admits {
            Admits::Nothing => "nothing",
            Admits::LastReached => "last-reached",
            Admits::AnyReached => "any-reached",
        },
        anchored: terms.order == Order::Any { anchored: true },
        blocked: match terms.blocked {
            Blocked::VoidsChain => "voids-chain",
            Blocked::EndsSearch => "ends-search",
        },
        by: &wanted.by,
        by_from: wanted.by_from.to_string(),
        chain_end: match terms.chain_end {
            ChainEnd::Nothing => "none",
            ChainEnd::Session => "session",
            ChainEnd::SameDay => "same-day",
            ChainEnd::SameWeek => "same-week",
        },
        choice: match terms.choice {
            Choice::EarliestStart => "earliest-start",
            Choice::LatestStart => "latest-start",
            Choice::FirstRows => "first-rows",
        },
        entry: match terms.entry {
            Entry::Any => "any",
            Entry::First => "first",
            Entry::Successive => "successive",
        },
        exclusion: terms.exclusion.name(),
        hold: terms.hold.as_ref().map(|hold| CanonicalHold {
            columns: &hold.columns,
            steps: hold.steps.as_ref().map(|steps| steps.iter().map(|step| step + 1).collect()),
        }),
        name: &funnel.name,
        open: terms.open,
        order: if terms.order == Order::Ordered { "ordered" } else { "any" },
        repeats: match terms.repeats {
            Repeats::AnyReached => "any-reached",
            Repeats::AfterFirst => "after-first",
            Repeats::LastReached => "last-reached",
        },
        row: terms.row.name(),
        steps: funnel.steps.iter().map(step).collect(),
        tie: funnel.tie.name(),
        tolerance_us: terms.tolerance_us,
        unit: funnel.unit.name(),
        unit_column: terms.unit_column.as_deref(),
        // A window without its last instant is one microsecond shorter.
        window_us: funnel.rules().window_us,
    }
}

fn step(step: &StepSpec) -> CanonicalStep<'_> {
    let terms = &step.terms;
    CanonicalStep {
        after_us: terms.after_us,
        arrow: terms.arrow.names(),
        events: texts(&step.events),
        ignore: texts(&terms.ignore),
        name: &step.name,
        not: texts(&step.not),
        nth: terms.nth,
        optional: step.optional,
        within_us: terms.within_us,
    }
}

/// Events in the grammar of steps, each once: alternatives have no order.
fn texts(events: &[EventSpec]) -> Vec<String> {
    let mut texts: Vec<String> = events.iter().map(EventSpec::to_string).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}
