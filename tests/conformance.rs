//! The published cases of other tools (`testdata/conformance`), each under its origin's rules.
//!
//! Where we answer differently on purpose, the case stands in [`DIFFERENCE`] with the reason and
//! our own answer, worked out by hand; the test wants both, that we differ and what we say instead.

use dropoff::funnel::engine::{Engine, Observation, Rows, Rules, Tie};
use dropoff::funnel::kinds::{KindRoles, KindTable};
use dropoff::session::split;
use serde_json::Value;
use std::collections::BTreeMap;

const CASES: &str = include_str!("../testdata/conformance/cases.jsonl");

struct Difference {
    id: &'static str,
    reason: &'static str,
    /// Units that reached each step, by our rules.
    reached: &'static [u64],
}

const REMOVES: &str = "the origin removes a person who meets an exclusion from the whole funnel; \
    here it voids the chain, and the person stays at the step before";

const DIFFERENCE: [Difference; 4] = [
    // Persons 1 and 3 meet x between steps 1 and 2, person 2 meets y between steps 3 and 4.
    Difference { id: "posthog-012", reason: REMOVES, reached: &[4, 2, 2, 1, 1] },
    // Persons 1 and 3 meet x, person 2 meets y, all between steps 1 and 2.
    Difference { id: "posthog-013", reason: REMOVES, reached: &[4, 1, 1, 1, 1] },
    // As before: the first of several exclusions already lies between steps 1 and 2.
    Difference { id: "posthog-014", reason: REMOVES, reached: &[4, 1, 1, 1, 1] },
    // Persons 2, 3 and 4 signed up; x keeps person 2 from paying, the others never paid.
    Difference { id: "posthog-020", reason: REMOVES, reached: &[4, 1] },
];

#[test]
fn every_case_is_answered_as_its_origin_answers_or_differs_as_written() {
    let cases: Vec<Value> = CASES.lines().map(|line| serde_json::from_str(line).expect("a case")).collect();
    let mut same: BTreeMap<String, u32> = BTreeMap::new();
    let mut failures = Vec::new();
    let mut differ = 0;
    for case in &cases {
        let id = text(&case["id"]);
        let (found, unlike) = match text(&case["kind"]) {
            "funnel" => {
                let answer = Answer::of(case);
                (answer.reached.clone(), answer.differs_from(&case["expected"]))
            }
            "sessionize" => (Vec::new(), sessions_differ(case)),
            kind => panic!("{id}: no test for cases of kind {kind}"),
        };
        match DIFFERENCE.iter().find(|difference| difference.id == id) {
            None if unlike.is_empty() => {
                *same.entry(text(&case["origin"]["project"]).to_owned()).or_default() += 1
            }
            None => failures.push(format!("{id}: {}", unlike.join("; "))),
            Some(difference) if unlike.is_empty() => {
                failures.push(format!("{id} answers as its origin, against: {}", difference.reason));
            }
            Some(difference) if found != difference.reached => {
                failures.push(format!("{id}: {found:?}, by hand {:?}", difference.reached));
            }
            Some(_) => differ += 1,
        }
    }
    println!("{} cases; as the origin: {same:?}; DIFFERENCE: {differ}", cases.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(cases.len(), 76);
    assert_eq!(differ, DIFFERENCE.len());
}

/// What our rules say about all units of a case.
struct Answer {
    /// Units that reached at least each step.
    reached: Vec<u64>,
    level: BTreeMap<String, usize>,
    /// Seconds from the step before, per step, of the units that reached it.
    seconds: Vec<Vec<f64>>,
}

/// How an origin reads rows, in terms of our rules.
struct Origin {
    tie: Tie,
    /// The window ends before its last instant.
    window_is_exclusive: bool,
    /// A row belongs to the first step it satisfies and to no other.
    row_belongs_to_first_step: bool,
}

impl Origin {
    fn of(case: &Value) -> Origin {
        let modes: Vec<&str> = list(&case["funnel"]["modes"]).iter().map(text).collect();
        let project = text(&case["origin"]["project"]);
        // A row that serves one step, and any row as a new start, is how we read all rows.
        let known = ["strict_increase", "doris:increase", "strict_once", "allow_reentry"];
        assert!(modes.iter().all(|mode| known.contains(mode)), "{}: modes {modes:?}", case["id"]);
        let is_strict = modes.iter().any(|mode| mode.ends_with("increase"));
        let tie = match project {
            _ if is_strict => Tie::Strict,
            // Both go by rows: the next step must be a later one.
            "Apache Doris" | "retentioneering" => Tie::File,
            _ => Tie::Step,
        };
        let is_pinot = project == "Apache Pinot";
        Origin { tie, window_is_exclusive: is_pinot, row_belongs_to_first_step: is_pinot }
    }
}

impl Answer {
    fn of(case: &Value) -> Answer {
        let funnel = &case["funnel"];
        assert_eq!(funnel["order"], "ordered");
        let origin = Origin::of(case);
        let steps = list(&funnel["steps"]);
        let mut kinds = KindTable::new();
        let mut units: BTreeMap<String, Vec<(i64, u32)>> = BTreeMap::new();
        for event in list(&case["events"]) {
            let at_us = time_us(&event["ts"]);
            let is_read = funnel["date_from"].as_str().is_none_or(|_| at_us >= time_us(&funnel["date_from"]))
                && funnel["date_to"].as_str().is_none_or(|_| at_us <= time_us(&funnel["date_to"]));
            let Some(unit) = unit(funnel, event).filter(|_| is_read) else { continue };
            units.entry(unit).or_default().push((at_us, kinds.push(&roles(funnel, event, &origin))));
        }
        let window_us = funnel["window_seconds"].as_f64().map(micros);
        let rules = Rules {
            step_count: steps.len(),
            optional: Vec::new(),
            window_us: window_us.map(|window_us| window_us - i64::from(origin.window_is_exclusive)),
            tie: origin.tie,
        };
        let mut engine = Engine::new(&rules, &kinds);
        let mut answer = Answer {
            reached: vec![0; steps.len()],
            level: BTreeMap::new(),
            seconds: vec![Vec::new(); steps.len()],
        };
        for (unit, mut rows) in units {
            rows.sort_by_key(|row| row.0);
            let (times_us, kinds_of_rows): (Vec<i64>, Vec<u32>) = rows.into_iter().unzip();
            let seen = Observation {
                entries_us: i64::MIN..i64::MAX,
                as_of_us: times_us.last().copied().unwrap_or(0),
                closes_us: None,
            };
            let outcome = engine.run(Rows { times_us: &times_us, kinds: &kinds_of_rows }, &seen);
            for reached in &mut answer.reached[..outcome.level] {
                *reached += 1;
            }
            for (step, pair) in outcome.chain.windows(2).enumerate() {
                let gap_us = times_us[pair[1] as usize] - times_us[pair[0] as usize];
                answer.seconds[step + 1].push(gap_us as f64 / 1e6);
            }
            answer.level.insert(unit, outcome.level);
        }
        answer
    }

    /// What the origin asserts and we do not say, in words.
    fn differs_from(&self, expected: &Value) -> Vec<String> {
        let mut unlike = Vec::new();
        for (key, wanted) in object(expected) {
            let found = match key.as_str() {
                "step_counts" => Value::from(self.reached.clone()),
                "max_step_by_user" => Value::from_iter(self.level.iter().map(|(k, v)| (k.clone(), *v))),
                "reached_users" => per_step(wanted, |step| self.users_at(step).into()),
                "reached_count" => per_step(wanted, |step| self.reached[step - 1].into()),
                "dropped_before_count" => {
                    per_step(wanted, |step| (self.reached[step - 2] - self.reached[step - 1]).into())
                }
                "avg_seconds_from_prev_step" => {
                    per_step(wanted, |step| statistic("avg", &self.seconds[step - 1]))
                }
                "seconds_from_prev_step" => object(wanted)
                    .keys()
                    .map(|name| {
                        (name.clone(), self.seconds.iter().map(|s| statistic(name, s)).collect::<Value>())
                    })
                    .collect(),
                "rate_of_all_paths" => self.rates(|_| self.level.len() as u64),
                "rate_from_prev_or_all" => self
                    .rates(|step| if step == 0 { self.level.len() as u64 } else { self.reached[step - 1] }),
                _ => panic!("nothing is known of the expected key {key}"),
            };
            if !agrees(wanted, &found) {
                unlike.push(format!("{key} {wanted}, ours {found}"));
            }
        }
        unlike
    }

    fn users_at(&self, step: usize) -> Vec<String> {
        self.level.iter().filter(|(_, level)| **level >= step).map(|(user, _)| user.clone()).collect()
    }

    fn rates(&self, of: impl Fn(usize) -> u64) -> Value {
        (0..self.reached.len()).map(|step| self.reached[step] as f64 / of(step).max(1) as f64).collect()
    }
}

/// Whose rows the event belongs to; an event without the property belongs to nobody.
fn unit(funnel: &Value, event: &Value) -> Option<String> {
    let property = match text(&funnel["count_by"]) {
        "user" => return Some(text(&event["user"]).to_owned()),
        "session" => text(&funnel["session_prop"]),
        "prop" => text(&funnel["count_prop"]),
        other => panic!("no rule for counting by {other}"),
    };
    event["props"][property].as_str().map(str::to_owned)
}

fn roles(funnel: &Value, event: &Value, origin: &Origin) -> KindRoles {
    let served = list(&funnel["steps"])
        .iter()
        .enumerate()
        .filter(|(_, step)| matches(&step["match"], event))
        .map(|(number, _)| number as u16)
        .take(if origin.row_belongs_to_first_step { 1 } else { usize::MAX });
    let broken = list(&funnel["exclusions"])
        .iter()
        .filter(|exclusion| matches(&exclusion["match"], event))
        .flat_map(|exclusion| number(&exclusion["from_step"]) - 1..number(&exclusion["to_step"]) - 1);
    KindRoles {
        steps: served.collect(),
        breaks: broken.map(|gap| gap as u16).collect(),
        optional: Vec::new(),
    }
}

fn matches(condition: &Value, event: &Value) -> bool {
    if let Some(all) = condition["all"].as_array() {
        return all.iter().all(|part| matches(part, event));
    }
    if let Some(negated) = condition.get("not") {
        return !matches(negated, event);
    }
    if let Some(name) = condition.get("event") {
        return &event["event"] == name;
    }
    let (property, wanted) = (&event["props"][text(&condition["prop"])], &condition["value"]);
    match text(&condition["op"]) {
        "eq" => property == wanted,
        "ne" => property != wanted,
        "is_set" => !property.is_null(),
        "lte" => property.as_f64() <= wanted.as_f64() && !property.is_null(),
        "gte" => property.as_f64() >= wanted.as_f64() && !property.is_null(),
        other => panic!("no rule for the comparison {other}"),
    }
}

/// Equal as far as asserted: `null` asserts nothing, rates are rounded to four places.
fn agrees(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Null, _) => true,
        (Value::Array(wanted), Value::Array(found)) => {
            wanted.len() == found.len()
                && wanted.iter().zip(found).all(|(wanted, found)| agrees(wanted, found))
        }
        (Value::Object(wanted), Value::Object(found)) => {
            wanted.iter().all(|(key, wanted)| agrees(wanted, found.get(key).unwrap_or(&Value::Null)))
        }
        (Value::Number(wanted), Value::Number(found)) => {
            (wanted.as_f64().unwrap_or(f64::NAN) - found.as_f64().unwrap_or(f64::NAN)).abs() < 5e-5
        }
        _ => wanted == found,
    }
}

/// The same keys, steps counted from 1, with our values.
fn per_step(wanted: &Value, ours: impl Fn(usize) -> Value) -> Value {
    object(wanted).keys().map(|step| (step.clone(), ours(step.parse().expect("a step")))).collect()
}

/// Of any number of values only where they are all the same, which needs no quantile rule.
fn statistic(name: &str, seconds: &[f64]) -> Value {
    let mean = seconds.iter().sum::<f64>() / seconds.len() as f64;
    let is_one_value = seconds.iter().all(|value| (value - mean).abs() < 1e-9);
    match name {
        _ if seconds.is_empty() => Value::Null,
        "avg" => mean.into(),
        "median" | "p95" | "min" | "max" if is_one_value => mean.into(),
        other => panic!("no rule for the statistic {other}"),
    }
}

/// Session numbers by our rule: a gap longer than the timeout starts a new one.
fn sessions_differ(case: &Value) -> Vec<String> {
    let timeout_us = micros(case["sessionize"]["gap_seconds"].as_f64().expect("a timeout"));
    assert_eq!(case["sessionize"]["by"], "user");
    let mut rows: Vec<(&str, i64, usize)> = list(&case["events"])
        .iter()
        .enumerate()
        .map(|(place, event)| (text(&event["user"]), time_us(&event["ts"]), place))
        .collect();
    rows.sort_unstable();
    let mut session_of_event = vec![0_u64; rows.len()];
    let mut count = 0_u64;
    for of_user in rows.chunk_by(|a, b| a.0 == b.0) {
        let times_us: Vec<i64> = of_user.iter().map(|(_, at_us, _)| *at_us).collect();
        for (session, (range, _)) in split(&times_us, timeout_us).enumerate() {
            count += 1;
            for (_, _, place) in &of_user[range] {
                session_of_event[*place] = session as u64 + 1;
            }
        }
    }
    let mut unlike = Vec::new();
    for (key, wanted) in object(&case["expected"]) {
        let found = match key.as_str() {
            "session_index" => Value::from(session_of_event.clone()),
            "session_count" => Value::from(count),
            _ => panic!("nothing is known of the expected key {key}"),
        };
        if !agrees(wanted, &found) {
            unlike.push(format!("{key} {wanted}, ours {found}"));
        }
    }
    unlike
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("not a list: {value}"))
}

fn object(value: &Value) -> &serde_json::Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("not an object: {value}"))
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("not a number: {value}"))
}

fn time_us(value: &Value) -> i64 {
    text(value).parse::<jiff::Timestamp>().expect("a time").as_microsecond()
}

fn micros(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}
