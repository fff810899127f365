//! A case answered by the built program: a definition file, a log, and each unit's way read off the JSON.
//!
//! Every unit is a segment of its own (by person and value), so a report tells what became of it.

use super::{breakdown_value, definition, held_value, list, name, text, time_us, unit};
use crate::program;
use dropoff::event::DAY_US;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::Range;

/// One unit's answer.
pub struct One {
    pub user: String,
    pub value: String,
    pub level: usize,
    /// Times of the rows of the chain; the program tells the gaps between them.
    pub times_us: Vec<i64>,
}

/// Why the program is not asked, where the engine is.
pub fn waits_for(case: &Value) -> Option<&'static str> {
    let asked = &case["funnel"];
    if asked["hold_constant"].as_array().is_some_and(|held| !held.is_empty()) {
        return Some("the log written here has one column to hold");
    }
    (asked["breakdown"]["attribution"] == "step")
        .then_some("units whose chain has no row of that step share a segment, and are told apart by theirs")
}

/// A value that is there although the tool's is empty: under its rules nothing is a value like any other.
const NOTHING: &str = "(nothing)";

fn written(value: &str) -> &str {
    if value.is_empty() { NOTHING } else { value }
}

fn read(value: &Value) -> String {
    let value = value.as_str().expect("every row has a value");
    if value == NOTHING { String::new() } else { value.to_owned() }
}

/// Whole weeks that are added to all times of a case that begins in 1970, which the program takes
/// for times that nobody set.
fn shift_us(case: &Value) -> i64 {
    let first_us = list(&case["events"]).iter().map(|event| time_us(&event["ts"])).min().unwrap_or(0);
    if first_us < 20 * 365 * DAY_US { 2_000 * 7 * DAY_US } else { 0 }
}

fn instant(at_us: i64) -> String {
    jiff::Timestamp::from_microsecond(at_us).expect("in range").to_string()
}

/// The log as CSV, in the order of the case: those rows that the tool reads.
fn log(case: &Value) -> (String, BTreeSet<String>) {
    let asked = &case["funnel"];
    let is_held = definition(case).contains("\nhold = ");
    let to_us = asked["date_to"].as_str().map(|_| time_us(&asked["date_to"]));
    let (of_user, shift_us) = (values(case), shift_us(case));
    let mut rows = "user,time,event,value\n".to_owned();
    let mut users = BTreeSet::new();
    for event in list(&case["events"]) {
        let Some(user) = unit(asked, event) else { continue };
        if to_us.is_some_and(|to_us| time_us(&event["ts"]) > to_us) {
            continue;
        }
        let value = if is_held { held_value(asked, event) } else { of_user[&user].clone() };
        let time = instant(time_us(&event["ts"]) + shift_us);
        let cells = [&user, &time, &name(asked, event), written(&value)]
            .map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
        writeln!(rows, "{}", cells.join(",")).expect("a text takes all");
        users.insert(user);
    }
    (rows, users)
}

/// What a unit is counted under where nothing is held: its first step event's value that is not empty.
fn values(case: &Value) -> BTreeMap<String, String> {
    let asked = &case["funnel"];
    let mut events: Vec<&Value> = list(&case["events"]).iter().collect();
    events.sort_by_key(|event| time_us(&event["ts"]));
    let mut found: BTreeMap<String, Option<Vec<String>>> = BTreeMap::new();
    for event in events {
        let Some(user) = unit(asked, event) else { continue };
        let known = found.entry(user).or_default();
        let value = breakdown_value(asked, event);
        let is_of_step = name(asked, event).contains('<');
        if known.is_none() && is_of_step && value.iter().any(|part| !part.is_empty()) {
            *known = Some(value);
        }
    }
    let nothing = || vec![String::new(); super::properties(asked).len()];
    found.into_iter().map(|(user, value)| (user, value.unwrap_or_else(nothing).join(" | "))).collect()
}

/// Asks the program; units that an exclusion removed are in no count.
pub fn ask(case: &Value, entries_us: Range<i64>) -> Vec<One> {
    let asked = &case["funnel"];
    let (log, users) = log(case);
    let held = definition(case).replace("\"value\"", "'value'");
    let definition =
        format!("[source]\nuser = 'user'\ntime = 'time'\nevent = 'event'\n{held}by = ['user', 'value']\n");
    let from_us = asked["date_from"].as_str().map_or(i64::MIN, |_| time_us(&asked["date_from"]));
    let bounds = [("--from", entries_us.start.max(from_us), i64::MIN), ("--to", entries_us.end, i64::MAX)];
    let mut arguments = ["report", "--allow-empty", "--top", "1000000"].map(str::to_owned).to_vec();
    for (flag, at_us, none) in bounds {
        if at_us != none {
            arguments.extend([flag.to_owned(), instant(at_us + shift_us(case))]);
        }
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let report = program::answer(&definition, &log, &arguments);
    let funnel = &report["body"]["funnels"][0];
    let segments = funnel["segments"].as_array().expect("segments");
    let of_segment = |segment: &Value| {
        assert_eq!(segment["entered"], 1, "a unit a segment: {segment}");
        let reached = list(&segment["conversion"]["steps"]);
        let level = reached.iter().filter(|step| step["reached"] == 1).count();
        let served = || list(&segment["conversion"]["named_steps"]).iter().map(|step| step["served"] == 1);
        let mut times_us = vec![0_i64];
        for gap in list(&segment["time_to_purchase"]["steps"]).iter().filter(|gap| gap["n"] == 1) {
            let gap_s = gap["mean_s"].as_f64().expect("a gap");
            times_us.push(times_us[times_us.len() - 1] + super::micros(gap_s));
        }
        assert_eq!(times_us.len(), level);
        // Step k counts only where steps 1 to k were all served.
        let first_required = asked["first_step_required"] == true && asked["order"] == "any";
        let level = if first_required { served().take_while(|served| *served).count() } else { level };
        One { user: read(&segment["by"]["user"]), value: read(&segment["by"]["value"]), level, times_us }
    };
    let listed = segments.iter().filter(|segment| segment["other"] == false);
    let mut units: Vec<One> = listed.map(of_segment).collect();
    // Who did not enter is in no segment. Which users were removed is not told, so that where some were, no others are added.
    if funnel["removed"] == 0 {
        let entered: BTreeSet<String> = units.iter().map(|one| one.user.clone()).collect();
        for user in users.difference(&entered) {
            units.push(One { user: user.clone(), value: String::new(), level: 0, times_us: Vec::new() });
        }
    }
    units
}

/// The number of the session of each event, and how many there are.
pub fn sessions(case: &Value) -> (Vec<u64>, u64) {
    let events = list(&case["events"]);
    let mut rows = "user,time,event\n".to_owned();
    for event in events {
        let time = instant(time_us(&event["ts"]) + shift_us(case));
        writeln!(rows, "{},{time},hit", text(&event["user"])).expect("a text takes all");
    }
    let gap_s = case["sessionize"]["gap_seconds"].as_f64().expect("a timeout");
    let definition = format!(
        "[source]\nuser = 'user'\ntime = 'time'\nevent = 'event'\n[sessions]\ntimeout = '{}us'\n",
        super::micros(gap_s)
    );
    let told = program::answer(&definition, &rows, &["sessions"]);
    let all = list(&told["sessions"]);
    let number = |event: &Value| {
        let starts = all.iter().filter(|session| {
            session["person"] == event["user"]
                && time_us(&session["start"]) <= time_us(&event["ts"]) + shift_us(case)
        });
        starts.count() as u64
    };
    (events.iter().map(number).collect(), all.len() as u64)
}
