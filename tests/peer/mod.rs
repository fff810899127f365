//! A published case of another tool as a funnel of ours: a definition file with that tool's rules,
//! read as any other, and the rows of each unit.

pub mod answer;
pub mod run;

use dropoff::definition::DefinitionFile;
use dropoff::funnel::definition::{Funnel, Withheld};
use dropoff::funnel::history::{History, Variants};
use dropoff::funnel::kinds::KindTable;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The rows of one unit, ready for the engine.
pub struct UnitRows {
    pub user: String,
    /// The value that is held, or that the person is counted under.
    pub value: Option<String>,
    pub times_us: Vec<i64>,
    pub kinds: Vec<u32>,
    pub spent: Vec<bool>,
}

/// A case, read.
pub struct Question {
    pub funnel: Funnel,
    pub kinds: KindTable,
    pub units: Vec<UnitRows>,
}

impl Question {
    pub fn of(case: &Value) -> Question {
        let asked = &case["funnel"];
        let file = DefinitionFile::parse(&definition(case), "case.toml").expect("a sound definition");
        let funnel = file.funnels()[0].1.settle("case").expect("a funnel that makes sense");
        let mut kinds = KindTable::new();
        let mut names = Vec::new();
        let mut by_user: BTreeMap<String, Vec<(i64, u32, &Value)>> = BTreeMap::new();
        for event in list(&case["events"]) {
            let Some(user) = unit(asked, event) else { continue };
            let name = name(asked, event);
            let kind = kinds.push(&funnel.roles(Some(&name), |_| true));
            names.push(name);
            by_user.entry(user).or_default().push((time_us(&event["ts"]), kind, event));
        }
        let roles = |kind: u32, withheld: &Withheld| {
            funnel.roles_without(Some(&names[kind as usize]), |_| true, withheld)
        };
        let variants = Variants::new(funnel.restrictions(), &mut kinds, roles);
        let mut units = Vec::new();
        for (user, mut rows) in by_user {
            rows.sort_by_key(|row| row.0);
            add_units(&mut units, asked, &funnel, &kinds, &variants, &user, &rows);
        }
        Question { funnel, kinds, units }
    }
}

/// The definition file of a case. A row is named after the steps and exclusions that it matches,
/// so that a step is `*<0>*` whatever the condition was.
fn definition(case: &Value) -> String {
    let asked = &case["funnel"];
    let project = text(&case["origin"]["project"]);
    let modes: Vec<&str> = list(&asked["modes"]).iter().map(text).collect();
    let has = |mode: &str| modes.contains(&mode);
    let mut keys = vec![format!("rules = \"{}\"", rules(project))];
    let window = asked["window_seconds"].as_f64().map(micros);
    keys.push(format!("window = \"{}\"", window.map_or("none".to_owned(), |us| format!("{us}us"))));
    if has("strict_increase") || has("doris:increase") {
        keys.push("tie = \"strict\"".to_owned());
    } else if project == "retentioneering" {
        // It goes by rows: the next step must be a later one.
        keys.push("tie = \"file\"".to_owned());
    }
    if has("strict_once") {
        keys.push("row = \"one\"".to_owned());
    }
    if asked["order"] == "any" {
        keys.push("order = \"any\"".to_owned());
    }
    if let Some(hold) = hold(asked) {
        keys.push(hold);
    }
    let count = list(&asked["steps"]).len();
    let nth = asked["first_time_for_user_steps"].as_array().cloned().unwrap_or_default();
    let steps = (0..count).map(|step| {
        let mut table = format!("name = \"{}\", event = \"*<{step}>*\"", step + 1);
        if nth.iter().any(|first| first == step + 1) {
            table += ", nth = \"first-ever\"";
        }
        if step > 0 {
            write!(table, "{}", gap(asked, project, &modes, step)).expect("a text takes all");
        }
        format!("{{ {table} }}")
    });
    let steps = steps.collect::<Vec<_>>().join(", ");
    format!("[funnel.case]\n{}\nsteps = [{steps}]\n", keys.join("\n"))
}

fn rules(project: &str) -> &'static str {
    match project {
        "PostHog" => "posthog",
        "ClickHouse" | "Databend" => "clickhouse",
        "Apache Doris" => "doris",
        "Apache Pinot" => "pinot",
        "retentioneering" => "first-occurrence",
        // The deepest of all tries, one step for each row.
        "duckdb-behavioral" => "dropoff",
        other => panic!("no rules for {other}"),
    }
}

/// What a step asks of the gap before it.
fn gap(asked: &Value, project: &str, modes: &[&str], step: usize) -> String {
    let mut keys = String::new();
    let not: Vec<String> = list(&asked["exclusions"])
        .iter()
        .enumerate()
        .filter(|(_, exclusion)| {
            let (from, to) = (number(&exclusion["from_step"]), number(&exclusion["to_step"]));
            (from..to).contains(&(step as u64))
        })
        .map(|(place, _)| format!("\"*x{place}x*\""))
        .collect();
    if !not.is_empty() {
        write!(keys, ", not = [{}]", not.join(", ")).expect("a text takes all");
    }
    let mut arrows = Vec::new();
    let mut ignored = 0..0;
    if asked["order"] == "strict" && project == "PostHog" {
        arrows.push("adjacent");
    }
    for mode in modes {
        match *mode {
            "strict_deduplication" | "doris:deduplication" => arrows.push("no-repeat"),
            "strict_order" if project == "ClickHouse" => {
                arrows.push("adjacent");
                if modes.contains(&"allow_reentry") {
                    ignored = 0..list(&asked["steps"]).len();
                }
            }
            "strict_order" | "doris:fixed" | "pinot:strict_order" => arrows.push("no-disorder"),
            "pinot:keep_all" => arrows.push("adjacent"),
            // A row that serves one step, and any row as a new start, is how we read all rows.
            "strict_increase"
            | "doris:increase"
            | "strict_once"
            | "allow_reentry"
            | "timestamp_dedup"
            | "anchor:first_occurrence" => {}
            other => match other.strip_prefix("pinot:max_step_duration_ms=") {
                Some(span) => write!(keys, ", within = \"{span}ms\"").expect("a text takes all"),
                None => panic!("no rule for the mode {other}"),
            },
        }
    }
    if !arrows.is_empty() {
        let arrows: Vec<String> = arrows.iter().map(|arrow| format!("\"{arrow}\"")).collect();
        write!(keys, ", arrow = [{}]", arrows.join(", ")).expect("a text takes all");
    }
    if !ignored.is_empty() {
        let ignored: Vec<String> = ignored.map(|step| format!("\"*<{step}>*\"")).collect();
        write!(keys, ", ignore = [{}]", ignored.join(", ")).expect("a text takes all");
    }
    keys
}

/// Values that must stay the same: asked for as such, or because a breakdown looks at the rows of one value only.
fn hold(asked: &Value) -> Option<String> {
    let breakdown = &asked["breakdown"];
    if let Some(held) = asked["hold_constant"].as_array().filter(|held| !held.is_empty()) {
        let columns: Vec<String> = held.iter().map(|column| format!("\"{}\"", text(column))).collect();
        return Some(format!("hold = [{}]", columns.join(", ")));
    }
    match breakdown["attribution"].as_str() {
        Some("all_events") => Some("hold = \"value\"".to_owned()),
        Some("step") => {
            let step = number(&breakdown["attribution_step"]);
            Some(format!("hold = {{ column = \"value\", steps = [{step}] }}"))
        }
        _ => None,
    }
}

/// The steps and exclusions that an event matches.
fn name(asked: &Value, event: &Value) -> String {
    let mut name = "e".to_owned();
    for (step, wanted) in list(&asked["steps"]).iter().enumerate() {
        if matches(&wanted["match"], event) {
            write!(name, "<{step}>").expect("a text takes all");
        }
    }
    for (place, exclusion) in list(&asked["exclusions"]).iter().enumerate() {
        if matches(&exclusion["match"], event) {
            write!(name, "x{place}x").expect("a text takes all");
        }
    }
    name
}

fn add_units(
    units: &mut Vec<UnitRows>,
    asked: &Value,
    funnel: &Funnel,
    kinds: &KindTable,
    variants: &Variants,
    user: &str,
    rows: &[(i64, u32, &Value)],
) {
    let all: Vec<u32> = rows.iter().map(|row| row.1).collect();
    let mut history = History::default();
    variants.history(&all, kinds, &mut history);
    let is_read = |place: usize| {
        let at_us = rows[place].0;
        asked["date_from"].as_str().is_none_or(|_| at_us >= time_us(&asked["date_from"]))
            && asked["date_to"].as_str().is_none_or(|_| at_us <= time_us(&asked["date_to"]))
    };
    let mut add = |value: Option<String>, places: Vec<usize>, kinds: Vec<u32>| {
        let read = places.into_iter().zip(kinds).filter(|(place, _)| is_read(*place));
        let (times_us, kinds) = read.map(|(place, kind)| (rows[place].0, kind)).unzip();
        units.push(UnitRows { user: user.to_owned(), value, times_us, kinds, spent: history.spent.clone() });
    };
    if funnel.terms.hold.is_some() {
        let values: Vec<String> = rows.iter().map(|row| held_value(asked, row.2)).collect();
        let mut known: Vec<&String> = values.iter().collect();
        known.sort_unstable();
        known.dedup();
        let codes: Vec<Option<u32>> =
            values.iter().map(|value| known.binary_search(&value).ok().map(|code| code as u32)).collect();
        for unit in variants.by_value(&all, &codes, kinds, &history).units {
            let places = unit.places.iter().map(|&place| place as usize).collect();
            add(Some(known[unit.value as usize].clone()), places, unit.kinds);
        }
        return;
    }
    let mut own = Vec::new();
    variants.kinds(&all, &history, &mut own);
    let step_events = rows.iter().filter(|row| !kinds.steps(row.1).is_empty());
    let mut values = step_events.map(|row| breakdown_value(asked, row.2));
    let first = values.find(|value| value.iter().any(|part| !part.is_empty()));
    let value = first.unwrap_or_else(|| vec![String::new(); properties(asked).len()]);
    add(Some(value.join(" | ")), (0..rows.len()).collect(), own);
}

fn held_value(asked: &Value, event: &Value) -> String {
    match asked["hold_constant"].as_array().filter(|held| !held.is_empty()) {
        Some(held) => held.iter().map(|column| part(event, text(column))).collect::<Vec<_>>().join(" | "),
        None => breakdown_value(asked, event).join(" | "),
    }
}

/// The properties of the breakdown. Where an answer is by value and the question names no
/// property, as in three cases, it is the browser.
fn properties(asked: &Value) -> Vec<&str> {
    match &asked["breakdown"]["prop"] {
        Value::Null => vec!["$browser"],
        Value::Array(names) => names.iter().map(text).collect(),
        name => vec![text(name)],
    }
}

fn breakdown_value(asked: &Value, event: &Value) -> Vec<String> {
    properties(asked).into_iter().map(|property| part(event, property)).collect()
}

fn part(event: &Value, property: &str) -> String {
    match &event["props"][property] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whose rows the event belongs to; an event without the property belongs to nobody.
fn unit(asked: &Value, event: &Value) -> Option<String> {
    let property = match text(&asked["count_by"]) {
        "user" => return Some(text(&event["user"]).to_owned()),
        "session" => text(&asked["session_prop"]),
        "prop" => text(&asked["count_prop"]),
        other => panic!("no rule for counting by {other}"),
    };
    event["props"][property].as_str().map(str::to_owned)
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
        "in" => list(wanted).contains(property),
        "icontains" => {
            property.as_str().is_some_and(|text_| text_.to_lowercase().contains(&text(wanted).to_lowercase()))
        }
        "is_set" => !property.is_null(),
        "lte" => property.as_f64() <= wanted.as_f64() && !property.is_null(),
        "gte" => property.as_f64() >= wanted.as_f64() && !property.is_null(),
        other => panic!("no rule for the comparison {other}"),
    }
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

pub fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("not a list: {value}"))
}

pub fn object(value: &Value) -> &serde_json::Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("not an object: {value}"))
}

pub fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("not a number: {value}"))
}

pub fn time_us(value: &Value) -> i64 {
    text(value).parse::<jiff::Timestamp>().expect("a time").as_microsecond()
}

pub fn micros(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}
