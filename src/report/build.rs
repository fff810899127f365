//! From everything that was read to the body of a report.

use super::canonical::canonical_text;
use super::collect::{Collector, FunnelTally, ReadyFunnel, Scope, SegmentCounter, ValueColumn};
use super::derived::Derived;
use super::funnel::{Context, FunnelReport};
use super::identity::{DedupeUse, Identity, StitchedFunnel, under_other_way};
use super::input::{CohortCounts, Input, InputFacts, WideCounts, leave_out};
use super::lists::{CohortIds, ListRequest, Lists};
use super::people::PeopleTable;
use super::segments::{ChosenSegments, Entrants, SegmentPlace, SegmentSlots, SegmentSource, by_key, choose};
use super::tally::NO_EVENT;
use super::time_to_purchase::QuantileChoice;
use super::traps::look_alike_events;
use super::unserved::{Seen, unserved};
use super::{Body, Definition, Names, Warning};
use crate::calendar::Period;
use crate::condition::Condition;
use crate::decode::time::format_utc;
use crate::definition::ByFrom;
use crate::event::excerpt::excerpt;
use crate::funnel::definition::{Funnel, Withheld};
use crate::funnel::history::Variants;
use crate::funnel::kinds::KindTable;
use crate::human;
use crate::identity::Stitch;
use crate::identity::pseudonym::Pseudonyms;
use crate::ingest::plan::{Columns, Dedupe, ReadPlan};
use crate::ingest::{
    Everything, Kind, Population, SpillError, Tally, TieOrder, beside, over_population, over_store,
    relevant_conditions,
};
use jiff::tz::TimeZone;
use serde::Serialize;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// One funnel with the columns it is segmented by, and the row that gives a unit their values.
#[derive(Debug, Clone, PartialEq)]
pub struct FunnelRequest {
    pub funnel: Funnel,
    pub by: Vec<String>,
    pub by_from: ByFrom,
}

/// Everything that decides the numbers of a report, beside how rows are read.
#[derive(Debug, Clone)]
pub struct Request {
    pub funnels: Vec<FunnelRequest>,
    /// Distinct conditions of all funnels, as `ReadPlan::conditions` holds them bound.
    pub conditions: Vec<Condition>,
    pub filter: Option<Condition>,
    pub entries_us: Range<i64>,
    pub as_of_us: Option<i64>,
    pub session_timeout_us: i64,
    pub zone: TimeZone,
    pub trend: Option<Period>,
    pub top: usize,
    /// Segments, buckets and events of fewer people are not shown, nor what would give them away.
    pub min_cell: Option<u64>,
    /// What stands for the values of columns that name people or sessions, where these are units or segments.
    pub pseudonyms: Option<Pseudonyms>,
    pub choice: QuantileChoice,
    /// The currency of all values, where the definition says it.
    pub currency: Option<String>,
}

/// Values in several currencies cannot be added up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("values are in several currencies: {}", excerpt(.0.join(", ")))]
pub struct MixedCurrencies(pub Vec<String>);

/// Why there is no report of what was read.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(transparent)]
    MixedCurrencies(#[from] MixedCurrencies),
    #[error(transparent)]
    Spill(#[from] SpillError),
    #[error("{}: cannot keep lists of people in a temporary file there: {source}", .directory.display())]
    Lists { directory: PathBuf, source: io::Error },
}

/// What became of the input as texts and kinds, once all is read.
pub struct Catalog {
    pub events: Vec<String>,
    pub kinds: Vec<Kind>,
    pub event_of_kind: Vec<u32>,
    pub dimensions: Vec<Vec<String>>,
    /// Of rows that no rule fitted.
    pub pages: Vec<String>,
    pub ties: TieOrder,
    pub currency: Option<String>,
}

impl Catalog {
    /// Takes the dictionaries of a finished reading apart.
    pub fn of(
        dictionaries: crate::ingest::Dictionaries,
        currency: Option<String>,
    ) -> Result<Catalog, MixedCurrencies> {
        let (catalog, currencies) = Catalog::and_currencies(dictionaries);
        if currencies.len() > 1 {
            return Err(MixedCurrencies(currencies));
        }
        Ok(Catalog { currency: currencies.into_iter().next().or(currency), ..catalog })
    }

    /// As [`Catalog::of`], with the currencies of all values beside it, where nothing is added up.
    pub fn and_currencies(dictionaries: crate::ingest::Dictionaries) -> (Catalog, Vec<String>) {
        let ties = TieOrder::of(&dictionaries);
        let texts = |keys: Vec<Box<str>>| -> Vec<String> { keys.into_iter().map(String::from).collect() };
        let events = texts(dictionaries.events.into_keys());
        let kinds = dictionaries.kinds.into_keys();
        let pages = texts(dictionaries.pages.into_keys());
        let currencies = texts(dictionaries.currencies.into_keys());
        let dimensions: Vec<Vec<String>> =
            dictionaries.dimensions.into_iter().map(|keys| texts(keys.into_keys())).collect();
        let mut named: Vec<String> = currencies.iter().filter(|text| !text.is_empty()).cloned().collect();
        named.sort_unstable();
        let catalog = Catalog {
            event_of_kind: kinds.iter().map(|kind| kind.event.unwrap_or(NO_EVENT)).collect(),
            currency: None,
            events,
            kinds,
            dimensions,
            pages,
            ties,
        };
        (catalog, named)
    }

    /// Puts pseudonyms in the place of the values of columns that name people or sessions.
    fn hide_ids(&mut self, pseudonyms: &Pseudonyms, columns: &Columns) {
        for (texts, column) in self.dimensions.iter_mut().zip(&columns.dimensions) {
            if columns.user.contains(column) || columns.session.as_ref() == Some(column) {
                texts
                    .iter_mut()
                    .filter(|text| !text.is_empty())
                    .for_each(|text| *text = pseudonyms.of(text.as_bytes()));
            }
        }
    }

    /// A funnel with its questions answered for every kind of row and every column.
    fn ready(&self, wanted: &FunnelRequest, plan: &ReadPlan, conditions: &[Condition]) -> ReadyFunnel {
        let funnel = &wanted.funnel;
        let roles = |kind: u32, withheld: &Withheld| {
            let kind = kind as usize;
            let holds = |condition: &Condition| self.holds(kind, condition, plan, conditions);
            funnel.roles_without(self.event(kind), holds, withheld)
        };
        let mut table = KindTable::new();
        for kind in 0..self.kinds.len() as u32 {
            table.push(&roles(kind, &Withheld::default()));
        }
        let restrictions = funnel.restrictions();
        let variants = (!restrictions.is_empty()).then(|| Variants::new(restrictions, &mut table, roles));
        let dimension_of = |column: &String| plan.columns.dimensions.iter().position(|known| known == column);
        let not_set = |dimension: usize| {
            let place = self.dimensions[dimension].iter().position(String::is_empty);
            ValueColumn { dimension, not_set: place.map(|code| code as u32) }
        };
        let value_columns = funnel.value_columns().iter().filter_map(dimension_of).map(not_set).collect();
        let by = wanted.by.iter().filter_map(dimension_of).collect();
        let segments = SegmentSource { by, from: wanted.by_from };
        ReadyFunnel::new(funnel.clone(), table, variants, value_columns, segments)
    }

    /// The event that rows of a kind are of.
    fn event(&self, kind: usize) -> Option<&str> {
        self.kinds[kind].event.map(|event| self.events[event as usize].as_str())
    }

    /// Whether a condition, one of those that were read, was found to hold for rows of a kind.
    fn holds(&self, kind: usize, condition: &Condition, plan: &ReadPlan, conditions: &[Condition]) -> bool {
        let relevant = relevant_conditions(plan, self.event(kind));
        let index = conditions.iter().position(|known| known == condition);
        index
            .and_then(|index| relevant.iter().position(|&relevant| relevant == index))
            .is_some_and(|place| self.kinds[kind].truths[place])
    }

    /// Every kind with a name and a row: its number, its event, its rows.
    pub fn seen(&self, rows_of_kind: &[u64]) -> Vec<(usize, &str, u64)> {
        let kinds = rows_of_kind.iter().enumerate().filter(|(_, rows)| **rows > 0);
        kinds.filter_map(|(kind, &rows)| Some((kind, self.event(kind)?, rows))).collect()
    }
}

/// Sums the accounts of all files.
pub fn total_tally(everything: &Everything) -> Tally {
    let mut tally = Tally::default();
    for file in &everything.files {
        tally.merge(&file.read.tally);
    }
    if let Some(repeats) = &everything.identified.repeats {
        tally.used -= repeats.removed;
        tally.events -= repeats.removed;
        tally.duplicates = repeats.removed;
        tally.without_event -= repeats.removed_without_event;
        tally.negative_values -= repeats.removed_negative;
        (tally.earliest_us, tally.latest_us) = (repeats.earliest_us, repeats.latest_us);
    }
    tally
}

/// Settles, follows and counts every person.
pub fn build(
    everything: Everything,
    plan: &ReadPlan,
    request: &Request,
    threads: usize,
) -> Result<Body, BuildError> {
    build_with_lists(everything, plan, request, None, threads).map(|(body, _)| body)
}

/// The lists that were asked for, and the directory of the temporary files where what does not fit in
/// memory waits.
#[derive(Debug, Clone, Copy)]
pub struct ListsAsked<'r> {
    pub request: &'r ListRequest,
    pub temp_dir: &'r Path,
}

/// Lists of single units, to be read once.
pub struct Listed {
    pub people: PeopleTable,
    /// As in the request.
    pub cohorts: Vec<CohortIds>,
}

/// The same, and lists of single units beside it where they are asked for.
pub fn build_with_lists(
    everything: Everything,
    plan: &ReadPlan,
    request: &Request,
    asked: Option<ListsAsked<'_>>,
    threads: usize,
) -> Result<(Body, Option<Listed>), BuildError> {
    let mut tally = total_tally(&everything);
    let members = everything.store.members();
    let Everything { store, dictionaries, identified, .. } = everything;
    let mut catalog = Catalog::of(dictionaries, request.currency.clone())?;
    if let Some(pseudonyms) = &request.pseudonyms {
        catalog.hide_ids(pseudonyms, &plan.columns);
    }
    let as_of_us = request.as_of_us.or(tally.latest_us).unwrap_or(0);
    let scope = Scope {
        entries_us: request.entries_us.clone(),
        as_of_us,
        session_timeout_us: request.session_timeout_us,
        zone: request.zone.clone(),
        trend: request.trend,
        event_of_kind: catalog.event_of_kind.clone(),
    };
    let ready: Vec<ReadyFunnel> =
        request.funnels.iter().map(|wanted| catalog.ready(wanted, plan, &request.conditions)).collect();
    let timeout_us = request.session_timeout_us;
    let facts = || InputFacts::new(catalog.kinds.len(), plan.layout.session);
    let choice = |index: usize, entrants: &Entrants| {
        let (funnel, wanted) = (&ready[index], &request.funnels[index]);
        let texts: Vec<&[String]> =
            funnel.segments.by.iter().map(|&dimension| catalog.dimensions[dimension].as_slice()).collect();
        choose(entrants, &wanted.by, &texts, request.top, &wanted.by_from.no_row_text())
    };
    let mut segment_places: Vec<Vec<SegmentPlace>> = vec![Vec::new(); ready.len()];
    let has_columns = plan.columns.ids_have_column();
    let lists = || asked.map(|asked| Lists::new(asked.request, &ready, has_columns, asked.temp_dir));
    let every: Option<Vec<SegmentSlots>> =
        ready.iter().map(|funnel| every_segment(funnel, &catalog.dimensions)).collect();
    let mut slots = vec![SegmentSlots::default(); ready.len()];
    let (facts, tallies, lists) = if let Some(slots) = &every {
        let (facts, collector) = over_store(store, &catalog.ties, timeout_us, threads, || {
            (facts(), Collector::new(&ready, &scope, slots).with_lists(lists()))
        })?;
        let (mut tallies, lists) = collector.into_tallies();
        for (index, tally) in tallies.iter_mut().enumerate() {
            if let SegmentSlots::Every(sizes) = &slots[index] {
                segment_places[index] =
                    fold_segments(tally, sizes, &ready[index], |entrants| choice(index, entrants));
            }
        }
        (facts, tallies, lists)
    } else {
        let population = Population::new(store, &catalog.ties, threads)?;
        let counter =
            over_population(&population, timeout_us, threads, || SegmentCounter::new(&ready, &scope))?;
        for (index, entrants) in counter.entrants.iter().enumerate() {
            let chosen = choice(index, entrants);
            slots[index] = chosen.slots;
            segment_places[index] = chosen.places;
        }
        let (facts, collector) = over_population(&population, timeout_us, threads, || {
            (facts(), Collector::new(&ready, &scope, &slots).with_lists(lists()))
        })?;
        let (tallies, lists) = collector.into_tallies();
        (facts, tallies, lists)
    };
    leave_out(&mut tally, members.as_deref(), &catalog.event_of_kind, plan.roles.is_wide());
    let mut unstitched = (identified.stitch.is_none() && members.is_none()).then_some(facts.persons);
    let mut stitching: Vec<Vec<StitchedFunnel>> = vec![Vec::new(); ready.len()];
    let mut beside = |way: Stitch, persons: u64, tallies: &[FunnelTally]| {
        for (ways, tally) in stitching.iter_mut().zip(tallies) {
            ways.push(StitchedFunnel::of(way, persons, &tally.total));
        }
    };
    if let Some(linked) = &identified.linked {
        let asked = plan.identity.stitch;
        for way in Stitch::ALL.into_iter().filter(|way| *way == asked || *way != Stitch::Forward) {
            if way == asked {
                beside(way, facts.persons, &tallies);
                continue;
            }
            let (persons, others) = under_other_way(linked, way, &ready, &scope, &catalog.ties, threads)?;
            beside(way, persons, &others);
            unstitched = if way == Stitch::None { Some(persons) } else { unstitched };
        }
    }
    let names = Names {
        events: catalog.events.clone(),
        currency: catalog.currency.clone(),
        values_known: plan.layout.value,
    };
    let mut warnings = warnings(&tally, &facts, &catalog, plan, request);
    let derived = derived(plan, &catalog, &facts, request.min_cell.is_none(), &mut warnings);
    let jobs = ready.iter().zip(tallies).zip(&request.funnels).zip(segment_places);
    let mut funnels = each_on_a_thread(jobs, threads, |(((ready, tally), wanted), segments)| {
        let min_cell = request.min_cell;
        let context =
            Context { names: &names, choice: &request.choice, as_of_us, wanted, segments, min_cell };
        FunnelReport::of(ready, tally, &context)
    });
    for (funnel, ways) in funnels.iter_mut().zip(stitching) {
        funnel.stitching = ways;
    }
    let few = |funnel| few_entered(funnel, facts.persons, &tally, &request.entries_us);
    warnings.extend(funnels.iter().filter_map(few));
    warnings.extend(funnels.iter().filter_map(|funnel| immature(funnel, &tally)));
    warnings.extend(funnels.iter().filter_map(late_segments));
    warnings.extend(request.min_cell.and_then(|least| hidden_cells(&funnels, least)));
    for funnel in &funnels {
        assert_eq!(
            funnel.entered,
            funnel.converted + funnel.dropped + funnel.open + funnel.excluded,
            "every unit that entered has one status"
        );
    }
    let body = Body {
        definition: definition(request, plan, &funnels),
        input: Input {
            dedupe: DedupeUse::of(plan, &identified),
            identity: Identity::of(plan, &identified, unstitched),
            wide: WideCounts::of(plan, &tally),
            cohort: members.as_deref().map(|members| CohortCounts::of(members, &tally)),
            ..Input::of(&tally, &facts, as_of_us, plan.layout.session)
        },
        derived,
        funnels,
        warnings,
    };
    let listed = match (lists, asked) {
        (Some(lists), Some(asked)) => Some(listed(lists, asked, plan, request, catalog.dimensions)?),
        _ => None,
    };
    Ok((body, listed))
}

fn listed(
    lists: Lists<'_>,
    asked: ListsAsked<'_>,
    plan: &ReadPlan,
    request: &Request,
    texts: Vec<Vec<String>>,
) -> Result<Listed, BuildError> {
    let directory = || asked.temp_dir.to_owned();
    let (lines, cohorts) =
        lists.sorted().map_err(|source| BuildError::Lists { directory: directory(), source })?;
    let columns = &plan.columns;
    let people = PeopleTable::new(lines, request, columns, texts);
    Ok(Listed { people, cohorts })
}

/// What the rules named; what is to be said of them goes to the warnings. What no rule fits is told by value
/// where `tells_values`.
pub(super) fn derived(
    plan: &ReadPlan,
    catalog: &Catalog,
    facts: &InputFacts,
    tells_values: bool,
    warnings: &mut Vec<Warning>,
) -> Option<Derived> {
    let (derived, told) = Derived::of(plan, catalog, &facts.rows_of_kind, tells_values)?;
    warnings.extend(told);
    Some(derived)
}

/// A place for every combination of segment values of a funnel; `None` where they must be chosen first.
fn every_segment(funnel: &ReadyFunnel, dimensions: &[Vec<String>]) -> Option<SegmentSlots> {
    if !funnel.has_segments() {
        return Some(SegmentSlots::default());
    }
    let sizes = funnel.segments.by.iter().map(|&dimension| dimensions[dimension].len()).collect();
    SegmentSlots::every(sizes).filter(|_| !funnel.has_clusters())
}

/// Chooses among the segments that were counted, and adds up the others.
fn fold_segments(
    tally: &mut FunnelTally,
    sizes: &[usize],
    funnel: &ReadyFunnel,
    choose: impl Fn(&Entrants) -> ChosenSegments,
) -> Vec<SegmentPlace> {
    let counted = by_key(sizes, std::mem::take(&mut tally.segments));
    // As in a pass of its own: who is removed is no entrant, and is counted all the same.
    let entered = counted.iter().filter(|(_, units)| units.entered > 0);
    let chosen = choose(&entered.map(|(key, units)| (key.clone(), units.entered)).collect());
    tally.segments = vec![funnel.new_tally(); chosen.slots.places()];
    for (key, units) in counted {
        tally.segments[chosen.slots.place(&key)].merge(units);
    }
    chosen.places
}

/// Does the jobs on up to so many threads; gives the results in their order. What is left of a report,
/// sorting lists of durations above all, would else be done by one.
fn each_on_a_thread<J: Send, R: Send>(
    jobs: impl ExactSizeIterator<Item = J> + Send,
    threads: usize,
    work: impl Fn(J) -> R + Sync,
) -> Vec<R> {
    let helpers = threads.min(jobs.len()).saturating_sub(1);
    let jobs = Mutex::new(jobs.enumerate());
    let next = || jobs.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).next();
    let run = || {
        let mut done = Vec::new();
        while let Some((place, job)) = next() {
            done.push((place, work(job)));
        }
        done
    };
    let mut done = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..helpers).filter_map(|_| beside(scope, run)).collect();
        let mut done = run();
        for handle in handles {
            match handle.join() {
                Ok(others) => done.extend(others),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

fn definition(request: &Request, plan: &ReadPlan, funnels: &[FunnelReport]) -> Definition {
    let first = funnels.first().map(|funnel| funnel.definition.clone());
    let first = first.expect("a request has a funnel");
    let bound = |us: i64| (us != i64::MIN && us != i64::MAX).then(|| format_utc(us));
    Definition {
        hash: definition_hash(request, plan),
        unit: first.unit,
        window: first.window,
        window_s: first.window_s,
        window_end: first.window_end,
        rules: first.rules,
        overrides: first.overrides,
        tie: first.tie,
        method: first.method,
        session_timeout_s: request.session_timeout_us as f64 / 1e6,
        time_zone: request.zone.iana_name().unwrap_or("fixed offset").to_owned(),
        from: bound(request.entries_us.start),
        to: bound(request.entries_us.end),
        stitch: plan.identity.stitch.name().to_owned(),
        identity_map: plan.identity.map.as_ref().map(|map| map.hash().to_owned()),
        dedupe_exact: plan.identity.dedupe == Dedupe::Exact,
        dedupe_key: plan.columns.key.clone(),
        dedupe_window_s: plan.identity.dedupe_window_us.map(|us| us as f64 / 1e6),
        filter: request.filter.as_ref().map(Condition::to_string),
        quantile_method: request.choice.method.name().to_owned(),
        top: request.top,
        min_cell: request.min_cell,
    }
}

/// BLAKE3 of everything that can change a number.
pub fn definition_hash(request: &Request, plan: &ReadPlan) -> String {
    blake3::hash(canonical_text(request, plan).as_bytes()).to_hex().to_string()
}

/// BLAKE3 of the compact JSON of a value, in lower-case hexadecimal.
pub fn canonical_hash(value: &impl Serialize) -> String {
    let bytes = serde_json::to_vec(value).expect("results have text keys and finite numbers");
    blake3::hash(&bytes).to_hex().to_string()
}

/// Said of a funnel that few units entered, in a log of many people; of the log's own people `input_warnings` tells.
fn few_entered(
    funnel: &FunnelReport,
    persons: u64,
    tally: &Tally,
    entries_us: &Range<i64>,
) -> Option<Warning> {
    if persons < FEW_UNITS || funnel.entered >= FEW_UNITS {
        return None;
    }
    let entered = match funnel.entered {
        0 => "nobody entered".to_owned(),
        few => format!("only {} entered: rates say little", funnel.definition.units(few)),
    };
    let (earliest_us, latest_us) = (tally.earliest_us?, tally.latest_us?);
    let is_outside = entries_us.start > latest_us || entries_us.end <= earliest_us;
    let outside = match is_outside {
        true => {
            format!("; every row lies outside the range of entries, the last at {}", format_utc(latest_us))
        }
        false => String::new(),
    };
    let message = format!("funnel {}: {entered}{outside}", funnel.name);
    Some(Warning { code: "W15".to_owned(), n: funnel.entered, message })
}

/// Said of a funnel in which nobody could be lost yet: its window is longer than what was observed.
fn immature(funnel: &FunnelReport, tally: &Tally) -> Option<Warning> {
    let window_s = funnel.definition.window_s?;
    let mature = funnel.conversion.mature.as_ref()?;
    if funnel.entered == 0 || mature.n > 0 {
        return None;
    }
    let span_us = tally.latest_us? - tally.earliest_us?;
    let all_open = funnel.converted + funnel.open == funnel.entered;
    let message = format!(
        "funnel {}: nobody has a full window of {} behind them, the data span {}{}",
        funnel.name,
        human::duration((window_s * 1e6) as i64, false),
        human::duration(span_us, false),
        if all_open { ": who has not converted is open" } else { "" }
    );
    Some(Warning { code: "W14".to_owned(), n: funnel.entered, message })
}

/// What `min_cell` keeps from being shown.
fn hidden_cells(funnels: &[FunnelReport], least: u64) -> Option<Warning> {
    let n: u64 = funnels.iter().map(|funnel| funnel.hidden_cells).sum();
    (n > 0).then(|| {
        let message = format!(
            "{} not shown: of fewer than {} people, or what would give these away",
            human::counted(n, "segment or bucket of the trend is", "segments and buckets of the trend are"),
            human::count(least)
        );
        Warning { code: "W29".to_owned(), n, message }
    })
}

/// Said where the segment of a unit depends on how far it got.
fn late_segments(funnel: &FunnelReport) -> Option<Warning> {
    let n = funnel.segment_late;
    (n > 0).then(|| {
        let message = format!(
            "funnel {}: {} counted in a segment by a later step of their chain, which only those reach who go \
             on: rates of such segments say nothing of who converts",
            funnel.name,
            funnel.definition.units(n)
        );
        Warning { code: "W23".to_owned(), n, message }
    })
}

/// Share of tied rows over which their order deserves a warning.
const MANY_TIES: f64 = 0.05;
/// Share of rows of one person that deserves a warning.
const DOMINANT: f64 = 0.1;
/// Units below which a rate says little.
const FEW_UNITS: u64 = 30;

fn warnings(
    tally: &Tally,
    facts: &InputFacts,
    catalog: &Catalog,
    plan: &ReadPlan,
    request: &Request,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let seen = Seen {
        kinds: catalog.seen(&facts.rows_of_kind),
        // An event may be of few people.
        tells_names: request.min_cell.is_none(),
        holds: |kind, condition: &Condition| catalog.holds(kind, condition, plan, &request.conditions),
    };
    for wanted in &request.funnels {
        warnings.extend(unserved(&wanted.funnel, &seen));
    }
    let mut events: Vec<&str> = seen.kinds.iter().map(|(_, event, _)| *event).collect();
    events.sort_unstable();
    events.dedup();
    warnings.extend(look_alike_events(&events, seen.tells_names));
    warnings.extend(input_warnings(tally, facts));
    warnings
}

/// What is worth a warning of any input, whatever is asked of it.
pub(super) fn input_warnings(tally: &Tally, facts: &InputFacts) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |code: &str, n: u64, message: String| {
        warnings.push(Warning { code: code.to_owned(), n, message });
    };
    let used = tally.events.max(1) as f64;
    let tied = facts.tied_rows as f64 / used;
    if tied > MANY_TIES {
        let message = format!(
            "{} rows ({}) share their person and time with another",
            human::count(facts.tied_rows),
            human::share(tied, false)
        );
        warn("W06", facts.tied_rows, message);
    }
    let most = facts.most_rows_of_one as f64 / used;
    if most > DOMINANT && facts.persons > 10 {
        let message =
            format!("one person has {} of the rows: a crawler, or a default id?", human::share(most, false));
        warn("W10", facts.most_rows_of_one, message);
    }
    if facts.persons > 0 && facts.persons < FEW_UNITS {
        let people = human::counted(facts.persons, "person", "people");
        let message = format!("only {people}: rates say little");
        warn("W15", facts.persons, message);
    }
    if tally.without_event > 0 {
        let message = format!(
            "{} no event: such a row counts for sessions and serves no step",
            human::counted(tally.without_event, "row names", "rows name")
        );
        warn("W16", tally.without_event, message);
    }
    if tally.negative_values > 0 {
        let message =
            format!("{} a negative value", human::counted(tally.negative_values, "row has", "rows have"));
        warn("W22", tally.negative_values, message);
    }
    warnings
}
