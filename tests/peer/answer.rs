//! What our rules say about all units of a case, and how that differs from what its origin asserts.

use super::run::{self, One};
use super::{Question, UnitRows, list, number, object, text, time_us};
use dropoff::event::{DAY_US, SECOND_US};
use dropoff::funnel::engine::{Engine, Limits, Observation, Rows, Status};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

pub struct Answer<'c> {
    case: &'c Value,
    question: Question,
    /// Units that are counted at all, entered or not.
    units: Vec<One>,
}

impl<'c> Answer<'c> {
    pub fn of(case: &'c Value) -> Answer<'c> {
        let question = Question::of(case);
        let units = ask(case, &question, i64::MIN..i64::MAX);
        Answer { case, question, units }
    }

    fn steps(&self) -> usize {
        self.question.funnel.step_count()
    }

    /// Units that reached at least each step.
    pub fn reached(&self) -> Vec<u64> {
        reached(self.units.iter(), self.steps())
    }

    /// What the origin asserts and we do not say, in words.
    pub fn differs_from(&self, expected: &Value) -> Vec<String> {
        let mut unlike = Vec::new();
        for (key, wanted) in object(expected) {
            let found = match key.as_str() {
                "breakdown" => self.breakdown(wanted),
                "breakdown_group_count" => self.values().len().into(),
                "breakdown_values" => self.values().into_iter().collect::<Vec<_>>().into(),
                "buckets" => self.buckets(),
                "bucket_count" => self.bucket_count().into(),
                "bins" => self.bins(),
                "average_seconds" => statistic("avg", &self.conversion_seconds()),
                _ => counts(key, wanted, &self.units.iter().collect::<Vec<_>>(), self.steps()),
            };
            if !agrees(wanted, &found) {
                unlike.push(format!("{key} {wanted}, ours {found}"));
            }
        }
        unlike
    }

    /// By the values that entrants have; behind the limit all others are one.
    fn by_value(&self) -> BTreeMap<String, Vec<&One>> {
        let mut by_value: BTreeMap<String, Vec<&One>> = BTreeMap::new();
        for one in self.units.iter().filter(|one| one.level > 0) {
            by_value.entry(one.value.clone()).or_default().push(one);
        }
        if let Some(limit) = self.case["funnel"]["breakdown"]["limit"].as_u64() {
            let mut values: Vec<(usize, String)> =
                by_value.iter().map(|(value, units)| (units.len(), value.clone())).collect();
            values.sort_by(|a, b| b.cmp(a));
            for (_, value) in values.into_iter().skip(limit as usize) {
                let pooled = by_value.remove(&value).unwrap_or_default();
                by_value.entry("Other".to_owned()).or_default().extend(pooled);
            }
        }
        by_value
    }

    fn values(&self) -> BTreeSet<String> {
        self.by_value().into_keys().collect()
    }

    fn breakdown(&self, wanted: &Value) -> Value {
        let by_value = self.by_value();
        let of_value = |(value, wanted): (&String, &Value)| {
            let nobody = Vec::new();
            let units = by_value.get(value).unwrap_or(&nobody);
            let found = object(wanted)
                .iter()
                .map(|(key, wanted)| (key.clone(), counts(key, wanted, units, self.steps())))
                .collect::<Value>();
            (value.clone(), found)
        };
        object(wanted).iter().map(of_value).collect()
    }

    /// The starts of the buckets; weeks begin on Sunday.
    fn bucket_starts(&self) -> Vec<i64> {
        let asked = &self.case["funnel"];
        let first_event = list(&self.case["events"]).iter().map(|event| time_us(&event["ts"])).min();
        let from_us =
            asked["date_from"].as_str().map_or(first_event.unwrap_or(0), |_| time_us(&asked["date_from"]));
        let days = match text(&asked["trend"]["interval"]) {
            "day" => 1,
            "week" => 7,
            other => panic!("no rule for buckets of a {other}"),
        };
        // 1970-01-04 was a Sunday.
        let origin_us = if days == 7 { 3 * DAY_US } else { 0 };
        let first = (from_us - origin_us).div_euclid(days * DAY_US);
        let last = (time_us(&asked["date_to"]) - origin_us).div_euclid(days * DAY_US);
        (first..=last).map(|bucket| origin_us + bucket * days * DAY_US).collect()
    }

    fn bucket_count(&self) -> usize {
        // With a breakdown there is one series for each value, and that is what is counted.
        if self.case["funnel"]["breakdown"].is_null() {
            self.bucket_starts().len()
        } else {
            self.values().len()
        }
    }

    fn buckets(&self) -> Value {
        let starts = self.bucket_starts();
        let span_us = starts.get(1).map_or(DAY_US, |second| second - starts[0]);
        let asked = &self.case["funnel"]["trend"];
        let (from, to) = (number(&asked["from_step"]) as usize, number(&asked["to_step"]) as usize);
        let bucket = |(place, &start_us): (usize, &i64)| {
            let units = ask(self.case, &self.question, start_us..start_us + span_us);
            let reached = reached(units.iter(), self.steps());
            let rate = reached[to - 1] as f64 / reached[from - 1].max(1) as f64 * 100.0;
            let start = jiff::Timestamp::from_microsecond(start_us).expect("in range").to_string();
            let found = json!({
                "start": start,
                "reached_from": reached[from - 1],
                "reached_to": reached[to - 1],
                "conversion_rate": (rate * 100.0).round() / 100.0,
            });
            (place.to_string(), found)
        };
        starts.iter().enumerate().map(bucket).collect()
    }

    fn conversion_seconds(&self) -> Vec<f64> {
        let asked = &self.case["funnel"]["time_to_convert"];
        let (from, to) = (number(&asked["from_step"]) as usize, number(&asked["to_step"]) as usize);
        let converted = self.units.iter().filter(|one| one.level >= to);
        converted
            .map(|one| (one.times_us[to - 1] - one.times_us[from - 1]) as f64 / SECOND_US as f64)
            .collect()
    }

    fn bins(&self) -> Value {
        let seconds = self.conversion_seconds();
        let count = match self.case["funnel"]["time_to_convert"]["bins"].as_u64() {
            Some(count) => count,
            None => ((seconds.len() as f64).cbrt().ceil() as u64).clamp(3, 60),
        };
        let least = seconds.iter().copied().fold(f64::INFINITY, f64::min);
        let most = seconds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let width = if most > least { ((most - least) / count as f64).ceil() } else { 60.0 };
        let bin = |place: u64| {
            let start = least + width * place as f64;
            let inside = seconds.iter().filter(|&&value| start <= value && value < start + width);
            json!([start, inside.count()])
        };
        (0..=count).map(bin).collect()
    }
}

/// Every unit's answer: the program's, where it can be asked.
fn ask(case: &Value, question: &Question, entries_us: Range<i64>) -> Vec<One> {
    match run::waits_for(case) {
        None => run::ask(case, entries_us),
        Some(_) => ask_engine(case, question, entries_us),
    }
}

/// Follows every unit; those that an exclusion removed are in no count.
fn ask_engine(case: &Value, question: &Question, entries_us: Range<i64>) -> Vec<One> {
    let rules = question.funnel.rules();
    let mut engine = Engine::new(&rules, &question.kinds);
    let mut found = Vec::new();
    for unit in &question.units {
        let UnitRows { user, value, times_us, kinds, spent } = unit;
        let seen = Observation {
            entries_us: entries_us.clone(),
            as_of_us: times_us.last().copied().unwrap_or(0),
            closes_us: None,
        };
        let limits = Limits { spent, ..Limits::default() };
        let outcome = engine.run_within(Rows { times_us, kinds }, limits, &seen);
        if outcome.status == Status::Removed {
            continue;
        }
        let mut level = outcome.level;
        if case["funnel"]["first_step_required"] == true {
            // Step k counts only where steps 1 to k were all served.
            level = (0..).take_while(|step| outcome.served.contains(step)).count();
        }
        let times_us = outcome.chain.iter().map(|&row| times_us[row as usize]).collect();
        found.push(One { user: user.clone(), value: value.clone().unwrap_or_default(), level, times_us });
    }
    found
}

fn reached<'u>(units: impl Iterator<Item = &'u One>, steps: usize) -> Vec<u64> {
    let mut reached = vec![0; steps];
    for one in units {
        for count in &mut reached[..one.level] {
            *count += 1;
        }
    }
    reached
}

/// One of the keys that count units.
fn counts(key: &str, wanted: &Value, units: &[&One], steps: usize) -> Value {
    let reached = reached(units.iter().copied(), steps);
    let seconds = |step: usize| -> Vec<f64> {
        let at = units.iter().filter(|one| one.level >= step && step > 1);
        at.map(|one| (one.times_us[step - 1] - one.times_us[step - 2]) as f64 / SECOND_US as f64).collect()
    };
    let users_at = |step: usize| -> Vec<&str> {
        let mut users: Vec<&str> =
            units.iter().filter(|one| one.level >= step).map(|one| one.user.as_str()).collect();
        users.sort_unstable();
        users
    };
    let rates = |of: &dyn Fn(usize) -> u64| -> Value {
        (0..steps).map(|step| reached[step] as f64 / of(step).max(1) as f64).collect()
    };
    match key {
        "step_counts" => Value::from(reached.clone()),
        "max_step_by_user" => units.iter().map(|one| (one.user.clone(), Value::from(one.level))).collect(),
        "reached_users" => per_step(wanted, |step| users_at(step).into()),
        "reached_count" => per_step(wanted, |step| reached[step - 1].into()),
        "dropped_before_count" => per_step(wanted, |step| (reached[step - 2] - reached[step - 1]).into()),
        "avg_seconds_from_prev_step" => per_step(wanted, |step| statistic("avg", &seconds(step))),
        "median_seconds_from_prev_step" => per_step(wanted, |step| statistic("median", &seconds(step))),
        "seconds_from_prev_step" => object(wanted)
            .keys()
            .map(|name| {
                let of_steps = (1..=steps).map(|step| statistic(name, &seconds(step)));
                (name.clone(), of_steps.collect::<Value>())
            })
            .collect(),
        "rate_of_all_paths" => rates(&|_| units.len() as u64),
        "rate_from_prev_or_all" => {
            rates(&|step| if step == 0 { units.len() as u64 } else { reached[step - 1] })
        }
        _ => panic!("nothing is known of the expected key {key}"),
    }
}

/// Equal as far as asserted: `null` asserts nothing, rates are rounded to four places.
pub fn agrees(wanted: &Value, found: &Value) -> bool {
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

/// Quantiles of any number of values only where they are all the same, or the middle is one of
/// them, which needs no quantile rule.
fn statistic(name: &str, seconds: &[f64]) -> Value {
    let mean = seconds.iter().sum::<f64>() / seconds.len() as f64;
    let is_one_value = seconds.iter().all(|value| (value - mean).abs() < 1e-9);
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    match name {
        _ if seconds.is_empty() => Value::Null,
        "avg" => mean.into(),
        "median" if seconds.len() % 2 == 1 => sorted[seconds.len() / 2].into(),
        "median" => ((sorted[seconds.len() / 2 - 1] + sorted[seconds.len() / 2]) / 2.0).into(),
        "p95" | "min" | "max" if is_one_value => mean.into(),
        other => panic!("no rule for the statistic {other}"),
    }
}

/// Session numbers by our rule: a gap longer than the timeout starts a new one.
pub fn sessions_differ(case: &Value) -> Vec<String> {
    assert_eq!(case["sessionize"]["by"], "user");
    let (session_of_event, count) = run::sessions(case);
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
