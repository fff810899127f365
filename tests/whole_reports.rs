//! Whole reports of the built program against outcomes that trying every chain finds, added up
//! here by themselves: random logs of a few people under random definitions.

mod drawn;
mod oracle;
mod program;

use drawn::{Dice, Person, Row, SECOND_US, START_US, csv, definition, log};
use dropoff::definition::DefinitionFile;
use dropoff::funnel::definition::{ChainEnd, Funnel, Unit, Withheld};
use dropoff::funnel::engine::{Observation, Status, Tie};
use dropoff::funnel::kinds::KindRoles;
use oracle::Known;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

const DAY_US: i64 = 86_400 * SECOND_US;
const TIMEOUT_US: i64 = 1_800 * SECOND_US;

/// What a part of a report adds up.
#[derive(Debug, Clone, Default, PartialEq)]
struct Sums {
    statuses: BTreeMap<&'static str, u64>,
    reached: Vec<u64>,
    mature: (u64, u64),
    negative_gaps: u64,
    seen_early: u64,
    attempts: u64,
    /// Of the converted, in µs: the whole way, and from the first entry and the first event.
    ways_us: [i64; 3],
    gaps_us: Vec<(u64, i64)>,
    bought_later: u64,
    began_elsewhere: u64,
    optional_used: u64,
    segment_moved: u64,
}

/// One unit, as this test sees it.
struct UnitRows {
    /// Places among the person's rows, in order.
    places: Vec<usize>,
    /// What each may do.
    roles: Vec<KindRoles>,
    first_place: usize,
    closes_us: Option<i64>,
    is_of_value: bool,
}

struct Case<'c> {
    funnel: &'c Funnel,
    as_of_us: i64,
    entries_us: Range<i64>,
}

/// One outcome with what the sums need of it.
struct Found {
    status: Status,
    level: usize,
    chain: Vec<usize>,
    first_entry: usize,
    attempts: u32,
    seen_early: bool,
    negative_gaps: u32,
    optional_used: bool,
}

impl Case<'_> {
    /// The person's rows in their total order.
    fn ordered(&self, person: &Person, columns: &[String]) -> Person {
        let mut rows = person.clone();
        let of = |row: &Row, column: &String| if column == "device" { row.device } else { row.item };
        rows.sort_by(|a, b| {
            a.time_us.cmp(&b.time_us).then_with(|| match self.funnel.tie {
                Tie::File => std::cmp::Ordering::Equal,
                _ => a.event.cmp(b.event).then_with(|| {
                    let texts = |row: &Row| columns.iter().map(|column| of(row, column)).collect::<Vec<_>>();
                    texts(a).cmp(&texts(b))
                }),
            })
        });
        rows
    }

    fn sessions(rows: &Person) -> Vec<Range<usize>> {
        let mut sessions: Vec<Range<usize>> = Vec::new();
        for at in 0..rows.len() {
            match sessions.last_mut() {
                Some(last) if rows[at].time_us - rows[at - 1].time_us <= TIMEOUT_US => last.end = at + 1,
                _ => sessions.push(at..at + 1),
            }
        }
        sessions
    }

    fn value(&self, row: &Row) -> Option<Vec<&'static str>> {
        let of = |column: &String| Some(if column == "device" { row.device } else { row.item });
        self.funnel.value_columns().iter().map(|column| of(column).filter(|text| !text.is_empty())).collect()
    }

    fn serves(&self, row: &Row, step: u16) -> bool {
        self.funnel.roles(Some(row.event), |_| true).steps.contains(&step)
    }

    /// The steps that each row may not serve, because it is another occurrence.
    fn wrong_occurrences(&self, rows: &Person) -> Vec<Vec<u16>> {
        let mut wrong = vec![Vec::new(); rows.len()];
        for (step, spec) in self.funnel.required().enumerate() {
            let Some(nth) = spec.terms.nth else { continue };
            let matching: Vec<usize> =
                (0..rows.len()).filter(|&at| self.serves(&rows[at], step as u16)).collect();
            for (number, &at) in matching.iter().enumerate() {
                if number + 1 != nth as usize {
                    wrong[at].push(step as u16);
                }
            }
        }
        wrong
    }

    fn spent(&self, rows: &Person) -> Vec<bool> {
        let is_spent = |(step, spec): (usize, &dropoff::funnel::steps::StepSpec)| {
            let matching = rows.iter().filter(|row| self.serves(row, step as u16)).count();
            spec.terms.nth.is_some_and(|nth| matching >= nth as usize)
        };
        self.funnel.required().enumerate().map(is_spent).collect()
    }

    /// The last instant of the session, day or week of each row.
    fn ends_us(&self, rows: &Person) -> Option<Vec<i64>> {
        let sessions = Self::sessions(rows);
        // 1970-01-05 was a Monday.
        let block = |at_us: i64, days: i64, origin_us: i64| {
            let length_us = days * DAY_US;
            ((at_us - origin_us).div_euclid(length_us) + 1) * length_us + origin_us - 1
        };
        let end = |at: usize| match self.funnel.terms.chain_end {
            ChainEnd::Nothing => None,
            ChainEnd::SameDay => Some(block(rows[at].time_us, 1, 0)),
            ChainEnd::SameWeek => Some(block(rows[at].time_us, 7, 4 * DAY_US)),
            ChainEnd::Session => {
                let session = sessions.iter().find(|session| session.contains(&at)).expect("all rows");
                Some(rows[session.end - 1].time_us + TIMEOUT_US)
            }
        };
        (0..rows.len()).map(end).collect()
    }

    /// All units of a range of rows, and how many rows are in none for lack of a value.
    fn split(
        &self,
        rows: &Person,
        range: Range<usize>,
        closes_us: Option<i64>,
        unit: Unit,
    ) -> (Vec<UnitRows>, u64) {
        let wrong = self.wrong_occurrences(rows);
        let roles = |at: usize, held: &[u16]| {
            let withheld = Withheld { serving: wrong[at].clone(), matching: held.to_vec() };
            self.funnel.roles_without(Some(rows[at].event), |_| true, &withheld)
        };
        let whole =
            |places: Vec<usize>, first_place, is_of_value, held: &dyn Fn(usize) -> Vec<u16>| UnitRows {
                roles: places.iter().map(|&at| roles(at, &held(at))).collect(),
                places,
                first_place,
                closes_us,
                is_of_value,
            };
        if let Some(hold) = &self.funnel.terms.hold {
            let all: Vec<u16> = (0..self.funnel.step_count() as u16).collect();
            let held = hold.steps.clone().unwrap_or(all);
            let is_held = |at: &usize| held.iter().any(|&step| self.serves(&rows[*at], step));
            let held_rows: Vec<usize> = range.clone().filter(is_held).collect();
            let values: BTreeSet<_> = held_rows.iter().filter_map(|&at| self.value(&rows[at])).collect();
            let no_value = held_rows.iter().filter(|&&at| self.value(&rows[at]).is_none()).count();
            let places: Vec<usize> = range.clone().collect();
            let of_value = |value: Option<Vec<&'static str>>| {
                let is_of_value = value.is_some();
                let kept = |at: usize| {
                    let is_own = value.is_some() && self.value(&rows[at]) == value;
                    if is_own { Vec::new() } else { held.clone() }
                };
                whole(places.clone(), range.start, is_of_value, &kept)
            };
            let mut units: Vec<UnitRows> = values.into_iter().map(|value| of_value(Some(value))).collect();
            if units.is_empty() {
                units.push(of_value(None));
            }
            return (units, no_value as u64);
        }
        if unit == Unit::Column {
            let values: BTreeSet<_> = rows.iter().filter_map(|row| self.value(row)).collect();
            let no_value = rows.iter().filter(|row| self.value(row).is_none()).count();
            let of_value = |value| {
                let places: Vec<usize> =
                    (0..rows.len()).filter(|&at| self.value(&rows[at]).as_ref() == Some(&value)).collect();
                let first_place = places[0];
                whole(places, first_place, true, &|_| Vec::new())
            };
            return (values.into_iter().map(of_value).collect(), no_value as u64);
        }
        let start = range.start;
        (vec![whole(range.collect(), start, false, &|_| Vec::new())], 0)
    }

    fn units(&self, rows: &Person) -> (Vec<UnitRows>, u64) {
        if self.funnel.unit != Unit::Session {
            return self.split(rows, 0..rows.len(), None, self.funnel.unit);
        }
        let (mut units, mut no_value) = (Vec::new(), 0);
        for session in Self::sessions(rows) {
            let closes_us = rows[session.end - 1].time_us + TIMEOUT_US;
            let (more, rows) = self.split(rows, session, Some(closes_us), Unit::Session);
            units.extend(more);
            no_value += rows;
        }
        (units, no_value)
    }

    fn oracle_funnel(&self, unit: &UnitRows, without_window: bool) -> oracle::Funnel {
        let mut rules = self.funnel.rules();
        if without_window {
            rules.window_us = None;
        }
        oracle::Funnel { rules, roles: unit.roles.clone() }
    }

    fn log_of(rows: &Person, unit: &UnitRows) -> Vec<(i64, u32)> {
        unit.places.iter().zip(0..).map(|(&at, kind)| (rows[at].time_us, kind)).collect()
    }

    fn follow(&self, rows: &Person, unit: &UnitRows, entries_us: Range<i64>) -> Vec<Found> {
        let ends_us = self.ends_us(rows);
        let ends_us = ends_us.map(|ends_us| unit.places.iter().map(|&at| ends_us[at]).collect());
        let known = Known { ends_us, spent: self.spent(rows) };
        let seen = Observation { entries_us, as_of_us: self.as_of_us, closes_us: unit.closes_us };
        let (funnel, log) = (self.oracle_funnel(unit, false), Self::log_of(rows, unit));
        if self.funnel.unit == Unit::Attempt {
            let attempts = oracle::attempts(&funnel, &log, &known, &seen);
            let found = |(status, level, chain): (Status, usize, Vec<usize>)| Found {
                status,
                level,
                first_entry: chain[0],
                attempts: 1,
                seen_early: false,
                negative_gaps: 0,
                optional_used: false,
                chain,
            };
            return attempts.into_iter().map(found).collect();
        }
        let outcome = oracle::outcome(&funnel, &log, &known, &seen);
        if outcome.status == Status::NotEntered {
            return Vec::new();
        }
        vec![Found {
            status: outcome.status,
            level: outcome.level,
            chain: outcome.chain.iter().map(|&row| row as usize).collect(),
            first_entry: outcome.first_entry.expect("it entered") as usize,
            attempts: outcome.attempts,
            seen_early: outcome.seen_early,
            negative_gaps: outcome.negative_gaps,
            optional_used: outcome.optional.first().is_some_and(Option::is_some),
        }]
    }

    fn sum_of_gaps_us(&self) -> Option<i64> {
        self.funnel.required().skip(1).map(|step| step.terms.within_us).sum()
    }

    /// The last instant for a chain that starts at a place among the person's rows.
    fn end_us(&self, rows: &Person, at: usize) -> Option<i64> {
        let way_us = self.funnel.rules().window_us.or(self.sum_of_gaps_us());
        let way_end_us = way_us.map(|way_us| rows[at].time_us + way_us);
        let end_us = self.ends_us(rows).map(|ends_us| ends_us[at]);
        way_end_us.into_iter().chain(end_us).min()
    }

    fn add(&self, sums: &mut Sums, rows: &Person, unit: &UnitRows, found: &Found) {
        let status = match found.status {
            Status::Converted => "converted",
            Status::Dropped => "dropped",
            Status::Open => "open",
            Status::Excluded => "excluded",
            Status::Removed => "removed",
            Status::NotEntered => unreachable!("left out before"),
        };
        *sums.statuses.entry(status).or_default() += 1;
        if found.status == Status::Removed {
            return;
        }
        *sums.statuses.entry("entered").or_default() += 1;
        sums.reached.iter_mut().take(found.level).for_each(|reached| *reached += 1);
        let entry = unit.places[found.first_entry];
        let is_converted = found.status == Status::Converted;
        if self.end_us(rows, entry).is_some_and(|end_us| end_us <= self.as_of_us) {
            sums.mature.0 += 1;
            sums.mature.1 += u64::from(is_converted);
        }
        sums.negative_gaps += u64::from(found.negative_gaps);
        sums.seen_early += u64::from(found.seen_early && !is_converted);
        sums.optional_used += u64::from(found.optional_used);
        let places: Vec<usize> = found.chain.iter().map(|&row| unit.places[row]).collect();
        let times_us: Vec<i64> = places.iter().map(|&at| rows[at].time_us).collect();
        for (gap, pair) in sums.gaps_us.iter_mut().zip(times_us.windows(2)) {
            *gap = (gap.0 + 1, gap.1 + (pair[1] - pair[0]).max(0));
        }
        let is_attempt = self.funnel.unit == Unit::Attempt;
        let first_place = if is_attempt { places[0] } else { unit.first_place };
        sums.began_elsewhere += u64::from(!is_attempt && !self.serves(&rows[first_place], 0));
        sums.segment_moved += u64::from(rows[entry].device != rows[places[0]].device);
        let last_us = times_us[times_us.len() - 1];
        if is_converted {
            sums.attempts += u64::from(found.attempts);
            let starts_us = [times_us[0], rows[entry].time_us, rows[first_place].time_us];
            for (way_us, start_us) in sums.ways_us.iter_mut().zip(starts_us) {
                *way_us += (last_us - start_us).max(0);
            }
        } else if found.status == Status::Dropped {
            let within_us = || self.funnel.required().nth(found.level).and_then(|step| step.terms.within_us);
            let has_end = self.funnel.window_us.is_some() || self.funnel.terms.chain_end != ChainEnd::Nothing;
            let limit_us =
                if has_end { self.end_us(rows, places[0]) } else { within_us().map(|us| last_us + us) };
            let last_step = self.funnel.step_count() as u16 - 1;
            let is_later = |at: usize| limit_us.is_some_and(|limit_us| rows[at].time_us > limit_us);
            let bought_later = if unit.is_of_value {
                let mut own = unit.places.iter().zip(&unit.roles);
                own.any(|(&at, roles)| is_later(at) && roles.steps.contains(&last_step))
            } else {
                (0..rows.len()).any(|at| is_later(at) && self.serves(&rows[at], last_step))
            };
            sums.bought_later += u64::from(bought_later);
        }
    }

    /// The deepest step of each session that starts in the range.
    fn stages(&self, rows: &Person, stages: &mut [u64]) {
        for session in Self::sessions(rows) {
            if !self.entries_us.contains(&rows[session.start].time_us) {
                continue;
            }
            let seen =
                Observation { entries_us: i64::MIN..i64::MAX, as_of_us: self.as_of_us, closes_us: None };
            let (units, _) = self.split(rows, session, None, Unit::Session);
            let level = |unit: &UnitRows| {
                let funnel = self.oracle_funnel(unit, true);
                oracle::level(&funnel, &Self::log_of(rows, unit), &Known::default(), &seen, self.funnel.tie)
            };
            stages[units.iter().map(level).max().unwrap_or(0)] += 1;
        }
    }
}

/// The same sums, read off a part of the program's JSON.
fn told(part: &Value, steps: usize, is_whole: bool) -> Sums {
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("not a count: {value}"));
    let mut sums = Sums::default();
    for status in ["entered", "converted", "dropped", "open", "excluded", "removed"] {
        let n = number(&part[status]);
        if n > 0 {
            let known = ["entered", "converted", "dropped", "open", "excluded", "removed"];
            sums.statuses.insert(known.into_iter().find(|name| *name == status).expect("known"), n);
        }
    }
    let conversion = &part["conversion"];
    sums.reached = (0..steps).map(|step| number(&conversion["steps"][step]["reached"])).collect();
    if !conversion["mature"].is_null() {
        sums.mature = (number(&conversion["mature"]["n"]), number(&conversion["mature"]["converted"]));
    }
    sums.optional_used = conversion["optional"][0]["used"].as_u64().unwrap_or(0);
    if part["abandonment"].is_null() {
        return sums;
    }
    let stages = part["abandonment"]["stages"].as_array().expect("stages");
    sums.seen_early = stages.iter().map(|stage| number(&stage["seen_early"])).sum();
    sums.bought_later = stages.iter().map(|stage| number(&stage["bought_later"])).sum();
    for status in ["dropped", "open", "excluded", "removed"] {
        let n: u64 = stages.iter().map(|stage| number(&stage[status])).sum();
        assert_eq!(n, number(&part[status]), "stages add up to the {status}");
    }
    let time = &part["time_to_purchase"];
    let total_us = |spread: &Value| {
        (spread["mean_s"].as_f64().unwrap_or(0.0) * number(&spread["n"]) as f64 * 1e6).round() as i64
    };
    sums.ways_us =
        [total_us(time), total_us(&time["since_first_entry"]), total_us(&time["since_first_event"])];
    sums.attempts =
        (time["attempts_mean"].as_f64().unwrap_or(0.0) * number(&part["converted"]) as f64).round() as u64;
    let gaps = time["steps"].as_array().expect("gaps");
    sums.gaps_us = gaps.iter().map(|gap| (number(&gap["n"]), total_us(gap))).collect();
    if is_whole {
        sums.negative_gaps = number(&part["negative_gaps"]);
        sums.began_elsewhere = number(&part["began_elsewhere"]);
        sums.segment_moved = number(&part["segment_moved"]);
    }
    sums
}

/// What only the whole funnel tells, taken out.
fn of_segment(sums: &Sums) -> Sums {
    Sums { negative_gaps: 0, began_elsewhere: 0, segment_moved: 0, ..sums.clone() }
}

fn of_bucket(sums: &Sums) -> Sums {
    Sums {
        statuses: sums.statuses.clone(),
        reached: sums.reached.clone(),
        mature: sums.mature,
        optional_used: sums.optional_used,
        ..Sums::default()
    }
}

fn check(definition: &str, funnel: &Funnel, has_segments: bool, people: &[Person], from_us: Option<i64>) {
    let latest_us = people.iter().flatten().map(|row| row.time_us).max().expect("rows");
    let case = Case { funnel, as_of_us: latest_us, entries_us: from_us.unwrap_or(i64::MIN)..i64::MAX };
    let mut columns: Vec<String> = if has_segments { vec!["device".to_owned()] } else { Vec::new() };
    columns.extend(funnel.value_columns().iter().cloned());
    let steps = funnel.step_count();
    let new = || Sums { reached: vec![0; steps], gaps_us: vec![(0, 0); steps - 1], ..Sums::default() };
    let (mut total, mut no_value, mut several) = (new(), 0, 0);
    let (mut only_in_buckets, mut in_no_bucket) = (0, 0);
    let mut segments: BTreeMap<&str, Sums> = BTreeMap::new();
    let mut buckets: BTreeMap<i64, Sums> = BTreeMap::new();
    let mut stages = vec![0; steps + 1];
    for person in people {
        let rows = case.ordered(person, &columns);
        let (units, without) = case.units(&rows);
        no_value += without;
        for unit in &units {
            // An attempt is told by the row that it starts with; other units are one.
            let number = |found: &Found| {
                let counts = found.status != Status::Removed;
                counts.then_some(if funnel.unit == Unit::Attempt { found.first_entry } else { 0 })
            };
            let mut whole = BTreeSet::new();
            for found in case.follow(&rows, unit, case.entries_us.clone()) {
                whole.extend(number(&found));
                let device = rows[unit.places[found.first_entry]].device;
                for sums in [&mut total, segments.entry(device).or_insert_with(new)] {
                    case.add(sums, &rows, unit, &found);
                }
            }
            let days: BTreeSet<i64> =
                unit.places.iter().map(|&at| rows[at].time_us.div_euclid(DAY_US)).collect();
            let (mut entered_in, mut in_buckets) = (0, BTreeSet::new());
            for day in days {
                let entries_us = (day * DAY_US).max(case.entries_us.start)..(day + 1) * DAY_US;
                let found = case.follow(&rows, unit, entries_us);
                entered_in += usize::from(found.iter().any(|one| one.status != Status::Removed));
                in_buckets.extend(found.iter().filter_map(number));
                for one in &found {
                    case.add(buckets.entry(day * DAY_US).or_insert_with(new), &rows, unit, one);
                }
            }
            several += u64::from(entered_in > 1 && funnel.unit != Unit::Attempt);
            only_in_buckets += in_buckets.difference(&whole).count();
            in_no_bucket += whole.difference(&in_buckets).count();
        }
        case.stages(&rows, &mut stages);
    }
    if !has_segments {
        total.segment_moved = 0;
    }

    let log = csv(people);
    let from = from_us.map(|us| jiff::Timestamp::from_microsecond(us).expect("in range").to_string());
    let mut arguments = vec!["report", "--trend", "day"];
    arguments.extend(from.iter().flat_map(|from| ["--from", from.as_str()]));
    let report = program::answer(definition, &log, &arguments);
    let told_funnel = &report["body"]["funnels"][0];
    let context = format!("{definition}\n{log}\nfrom {from_us:?}");
    let mut told_total = told(told_funnel, steps, true);
    if funnel.unit == Unit::Attempt {
        // The oracle tells status, level and rows of an attempt, and no more.
        (told_total.seen_early, told_total.optional_used) = (0, 0);
    }
    assert_eq!(told_total, total, "{context}");
    let has_values = !funnel.value_columns().is_empty();
    assert_eq!(told_funnel["no_value"].as_u64(), has_values.then_some(no_value), "{context}");
    let told_stages = told_funnel["session_stages"].as_array().expect("stages");
    let told_stages: Vec<u64> =
        told_stages.iter().map(|stage| stage["n"].as_u64().expect("a count")).collect();
    assert_eq!(told_stages, stages, "{context}");
    check_survival(told_funnel, &context);

    segments.retain(|_, sums| sums.statuses.contains_key("entered"));
    for part in told_funnel["segments"].as_array().expect("segments") {
        if part["other"] == true {
            // Values of which all units were removed.
            assert_eq!(part["entered"], 0, "{context}");
            continue;
        }
        let device = part["by"]["device"].as_str().unwrap_or("");
        let mut sums = of_segment(&segments.remove(device).expect(&context));
        let mut told = told(part, steps, false);
        if funnel.unit == Unit::Attempt {
            (told.seen_early, told.optional_used) = (0, 0);
            sums.optional_used = 0;
        }
        assert_eq!(told, sums, "{device}: {context}");
    }
    assert!(segments.is_empty() || !has_segments, "{segments:?} {context}");

    for part in told_funnel["trend"].as_array().expect("a trend") {
        let from: jiff::Timestamp = part["from"].as_str().expect("a time").parse().expect("a time");
        let sums = of_bucket(&buckets.remove(&from.as_microsecond()).expect(&context));
        let mut told = told(part, steps, false);
        if funnel.unit == Unit::Attempt {
            told.optional_used = 0;
        }
        assert_eq!(told, sums, "{from}: {context}");
    }
    assert!(buckets.is_empty(), "{buckets:?} {context}");
    assert_eq!(told_funnel["in_several_buckets"], several, "{context}");
    assert_eq!(told_funnel["only_in_buckets"], only_in_buckets, "{context}");
    assert_eq!(told_funnel["in_no_bucket"], in_no_bucket, "{context}");
}

/// Where nobody was lost sight of, the curve ends at the share that did not convert.
fn check_survival(funnel: &Value, context: &str) {
    let is_complete =
        funnel["open"] == 0 && funnel["excluded"] == 0 && !funnel["conversion"]["mature"].is_null();
    let entered = funnel["entered"].as_u64().expect("a count");
    if !is_complete || entered == 0 {
        return;
    }
    let left = 1.0 - funnel["converted"].as_u64().expect("a count") as f64 / entered as f64;
    let curve = funnel["time_to_purchase"]["survival"].as_array().expect("a curve");
    let end = curve.last().expect("a point")["not_yet"].as_f64().expect("a share");
    assert!((end - left).abs() < 1e-12, "{end} {left} {context}");
}

#[test]
fn whole_reports_are_the_sums_of_what_trying_every_chain_finds() {
    let mut dice = Dice(1);
    let mut run = 0;
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    while run < 400 {
        let definition = definition(&mut dice);
        let people = log(&mut dice);
        let from_us = (dice.below(3) == 0).then(|| START_US + 60 * SECOND_US * dice.below(30) as i64);
        let Ok(file) = DefinitionFile::parse(&definition, "dropoff.toml") else { panic!("{definition}") };
        // What makes no sense together is refused, and is tested where it is.
        let Ok(funnel) = file.funnels()[0].1.settle("f") else { continue };
        if funnel.restrictions().len() > 3 {
            continue;
        }
        check(&definition, &funnel, definition.contains("by = "), &people, from_us);
        run += 1;
        let value = if funnel.terms.hold.is_some() { " and value" } else { "" };
        for key in [funnel.terms.rules.name().to_owned(), format!("{}{value}", funnel.unit.name())] {
            *seen.entry(key).or_default() += 1;
        }
    }
    println!("{seen:?}");
    assert!(
        seen.len() == 16 && seen.values().all(|&n| n >= 8),
        "every unit and all rules have their turn: {seen:?}"
    );
}
