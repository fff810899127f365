//! Reports of a log and of the same log changed: random logs under random definitions with many keys.
//!
//! | what is changed | what changes in the body |
//! |---|---|
//! | order of rows, split into files, order of columns, compression, format, threads | nothing; `--tie file` knows an order, so rows keep theirs under it |
//! | ids of people | nothing |
//! | names of events, so that their order stays | the names, and the hash of the definition |
//! | a column that nobody asks for | nothing |
//! | another funnel beside the first | nothing in the first |
//! | a person with events that no step knows | rows, persons, sessions, and sessions of step 0 |
//! | all times, by whole weeks | the times |
//! | all times, by any time, where nothing asks for days or weeks | the times |
//! | one half of the people at a time | counts, which add up to those of all |

mod drawn;
mod support;

use drawn::{Dice, Person, Row, SECOND_US, START_US, definition, log};
use dropoff::definition::DefinitionFile;
use dropoff::funnel::definition::Funnel;
use polars::prelude::{Column, NamedFrom, Series};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Stdio;
use support::{gzip, stdout_of, write_parquet, zstandard};
use tempfile::TempDir;

const DAY_US: i64 = 86_400 * SECOND_US;
const CASES: usize = 60;

/// A row with all its texts: user, time, event, device, item.
type Line = [String; 5];
const COLUMNS: [&str; 5] = ["user_id", "event_time", "event", "device", "item"];

fn line(user: &str, row: &Row) -> Line {
    let time = jiff::Timestamp::from_microsecond(row.time_us).expect("in range").to_string();
    [user, &time, row.event, row.device, row.item].map(str::to_owned)
}

fn lines(people: &[Person]) -> Vec<Line> {
    let rows = people.iter().enumerate().flat_map(|(n, rows)| rows.iter().map(move |row| (n, row)));
    rows.map(|(n, row)| line(&format!("u{n}"), row)).collect()
}

/// CSV with the columns in an order.
fn csv(lines: &[Line], order: [usize; 5]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(order.map(|column| COLUMNS[column])).expect("memory takes all");
    for line in lines {
        writer.write_record(order.map(|column| &line[column])).expect("memory takes all");
    }
    writer.into_inner().expect("memory takes all")
}

const AS_WRITTEN: [usize; 5] = [0, 1, 2, 3, 4];

fn json_lines(lines: &[Line]) -> Vec<u8> {
    let object = |line: &Line| {
        let members = COLUMNS.iter().zip(line).filter(|(_, text)| !text.is_empty());
        let object: BTreeMap<&str, &String> = members.map(|(name, text)| (*name, text)).collect();
        json!(object).to_string() + "\n"
    };
    lines.iter().map(object).collect::<String>().into_bytes()
}

fn shuffled<T: Clone>(dice: &mut Dice, items: &[T]) -> Vec<T> {
    let mut items = items.to_vec();
    for place in (1..items.len()).rev() {
        items.swap(place, dice.below(place + 1));
    }
    items
}

/// A definition and what is asked beside it.
struct Asked {
    definition: String,
    funnel: Funnel,
    flags: Vec<String>,
    from_us: Option<i64>,
    has_trend: bool,
}

impl Asked {
    /// Drawn until it makes sense.
    fn draw(dice: &mut Dice) -> Asked {
        loop {
            let definition = definition(dice);
            let file = DefinitionFile::parse(&definition, "dropoff.toml").expect("a definition");
            let Ok(funnel) = file.funnels()[0].1.settle("f") else { continue };
            let from_us = (dice.below(3) == 0).then(|| START_US + 60 * SECOND_US * dice.below(30) as i64);
            let has_trend = dice.below(2) == 0;
            let more = dice.one_of(&[
                "",
                "",
                "--where device!='desk'",
                "--session-timeout 3m",
                "--quantiles 0.1,p50 --quantile-method nearest-rank",
                "--top 1",
            ]);
            let mut flags: Vec<String> = more.split_whitespace().map(str::to_owned).collect();
            if has_trend {
                flags.extend(["--trend".to_owned(), "day".to_owned()]);
            }
            return Asked { definition, funnel, flags, from_us, has_trend };
        }
    }

    fn by_file_order(&self) -> bool {
        format!("{:?}", self.funnel.tie) == "File"
    }

    /// Whether days or weeks decide anything but `active_days_until`.
    fn has_calendar(&self) -> bool {
        self.has_trend || self.definition.contains("same-")
    }

    /// The flags with their times moved.
    fn flags(&self, moved_us: i64) -> Vec<String> {
        let mut flags = self.flags.clone();
        if let Some(from_us) = self.from_us {
            let from = jiff::Timestamp::from_microsecond(from_us + moved_us).expect("in range");
            flags.extend(["--from".to_owned(), from.to_string()]);
        }
        flags
    }
}

/// A folder with a definition and what becomes of it.
struct Desk {
    folder: TempDir,
    answers: usize,
}

impl Desk {
    fn new(definition: &str) -> Desk {
        let folder =
            tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the folder of tests is writable");
        fs::write(folder.path().join("dropoff.toml"), definition).expect("the folder of tests is writable");
        Desk { folder, answers: 0 }
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.path().join(name), bytes).expect("the folder of tests is writable");
    }

    /// The body of the report over these files; threads differ from one report to the next.
    fn body(&mut self, files: &[&str], flags: &[String]) -> Value {
        self.answers += 1;
        let threads = (1 + self.answers % 3).to_string();
        let mut arguments: Vec<&str> = vec!["report"];
        arguments.extend(files);
        arguments.extend(["--format", "json", "--threads", &threads]);
        arguments.extend(flags.iter().map(String::as_str));
        let answer = stdout_of(self.folder.path(), &arguments, Stdio::null());
        serde_json::from_str::<Value>(&answer).expect("JSON")["body"].take()
    }

    fn body_of(&mut self, lines: &[Line], flags: &[String]) -> Value {
        self.write("log.csv", &csv(lines, AS_WRITTEN));
        self.body(&["log.csv"], flags)
    }
}

/// Runs a change over all cases: draws a log and a question, asks, and lets the change ask again and compare.
fn for_all(seed: u64, change: impl Fn(&mut Dice, &Asked, &[Person], &mut Desk, &Value)) {
    let mut dice = Dice(seed);
    for _ in 0..CASES {
        let (asked, people) = (Asked::draw(&mut dice), log(&mut dice));
        let mut desk = Desk::new(&asked.definition);
        let body = desk.body_of(&lines(&people), &asked.flags(0));
        change(&mut dice, &asked, &people, &mut desk, &body);
    }
}

#[track_caller]
fn same(found: &Value, expected: &Value, asked: &Asked, people: &[Person]) {
    if found != expected {
        let log = drawn::csv(people);
        let place = difference(found, expected, "body");
        panic!("{place}\n{}\n{:?}\n{log}", asked.definition, asked.flags(0));
    }
}

/// Where two values differ first.
fn difference(found: &Value, expected: &Value, place: &str) -> String {
    match (found, expected) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            let differs = a.iter().find(|(key, value)| b[*key] != **value);
            differs.map_or_else(String::new, |(key, value)| {
                difference(value, &b[key], &format!("{place}.{key}"))
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let differs = (0..a.len()).find(|&at| a[at] != b[at]);
            differs.map_or_else(String::new, |at| difference(&a[at], &b[at], &format!("{place}[{at}]")))
        }
        _ => format!("{place}: {found} is not {expected}"),
    }
}

#[test]
fn order_files_columns_compression_and_threads_change_nothing() {
    for_all(11, |dice, asked, people, desk, body| {
        let mut rows = lines(people);
        if !asked.by_file_order() {
            rows = shuffled(dice, &rows);
        }
        let flags = asked.flags(0);
        let whole = csv(&rows, AS_WRITTEN);
        desk.write("whole.csv.gz", &gzip(&whole));
        same(&desk.body(&["whole.csv.gz"], &flags), body, asked, people);
        desk.write("whole.csv.zst", &zstandard(&whole));
        same(&desk.body(&["whole.csv.zst"], &flags), body, asked, people);
        let borders = [dice.below(rows.len() + 1), dice.below(rows.len() + 1)];
        let (first, last) = (borders[0].min(borders[1]), borders[0].max(borders[1]));
        desk.write("1.csv", &csv(&rows[..first], AS_WRITTEN));
        desk.write("2.csv", &csv(&rows[first..last], [4, 2, 0, 3, 1]));
        desk.write("3.csv.gz", &gzip(&csv(&rows[last..], [1, 0, 2, 4, 3])));
        let mut files = vec!["1.csv", "2.csv", "3.csv.gz"];
        // A file without rows is a warning of the body.
        files.retain(|file| !match *file {
            "1.csv" => first == 0,
            "2.csv" => first == last,
            _ => last == rows.len(),
        });
        same(&desk.body(&files, &flags), body, asked, people);
    });
}

#[test]
fn formats_change_nothing() {
    for_all(12, |_, asked, people, desk, body| {
        let rows = lines(people);
        let flags = asked.flags(0);
        desk.write("log.jsonl", &json_lines(&rows));
        same(&desk.body(&["log.jsonl"], &flags), body, asked, people);
        let texts = |column: usize| {
            let texts: Vec<Option<&str>> =
                rows.iter().map(|line| Some(&*line[column]).filter(|text| !text.is_empty())).collect();
            Column::from(Series::new(COLUMNS[column].into(), texts))
        };
        write_parquet(&desk.folder.path().join("log.parquet"), (0..5).map(texts).collect(), 7);
        same(&desk.body(&["log.parquet"], &flags), body, asked, people);
    });
}

#[test]
fn ids_change_nothing() {
    for_all(13, |dice, asked, people, desk, body| {
        let ids = ["007", "7", "7.0", "a,b", "\"q\"", "'", "-1", "=1", "שרה", "Zoë", "1e3", "x y"];
        let ids = shuffled(dice, &ids);
        let rows: Vec<Line> =
            people.iter().zip(&ids).flat_map(|(rows, id)| rows.iter().map(|row| line(id, row))).collect();
        same(&desk.body_of(&rows, &asked.flags(0)), body, asked, people);
    });
}

/// Puts `e-` before every text that is the name of an event.
fn with_new_names(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), with_new_names(value))).collect()
        }
        Value::Array(items) => items.iter().map(with_new_names).collect(),
        Value::String(text) if ["A", "B", "C", "X", "Z"].contains(&text.as_str()) => {
            json!(format!("e-{text}"))
        }
        other => other.clone(),
    }
}

/// Takes out what writes the definition down, and the texts of warnings.
fn without_definitions(mut body: Value) -> Value {
    body["definition"]["hash"].take();
    body["funnels"][0]["definition"]["steps"].take();
    for warning in body["warnings"].as_array_mut().expect("a list") {
        warning["message"].take();
    }
    body
}

#[test]
fn names_of_events_change_where_they_are_printed() {
    for_all(14, |_, asked, people, desk, body| {
        let renamed = ["A", "B", "C", "X", "Z"].iter().fold(asked.definition.clone(), |text, name| {
            text.replace(&format!("'{name}'"), &format!("'e-{name}'"))
        });
        desk.write("dropoff.toml", renamed.as_bytes());
        let mut rows = lines(people);
        rows.iter_mut().for_each(|line| line[2].insert_str(0, "e-"));
        let found = without_definitions(desk.body_of(&rows, &asked.flags(0)));
        same(&found, &without_definitions(with_new_names(body)), asked, people);
    });
}

#[test]
fn a_column_that_nobody_asks_for_changes_nothing() {
    for_all(15, |dice, asked, people, desk, body| {
        let rows = lines(people);
        let text = String::from_utf8(csv(&rows, AS_WRITTEN)).expect("UTF-8");
        let mut wider = String::new();
        for (place, line) in text.lines().enumerate() {
            let texts = ["", "purchase", "2026-01-01", "\"a\"\"b,\n\"", "=1", "-7.5"];
            let more = if place == 0 { "note" } else { dice.one_of(&texts) };
            wider += &format!("{line},{more}\n");
        }
        desk.write("wider.csv", wider.as_bytes());
        same(&desk.body(&["wider.csv"], &asked.flags(0)), body, asked, people);
    });
}

/// What it asks for is of few kinds of rows or of many, some of them those of the first funnel.
#[test]
fn another_funnel_changes_nothing_in_the_first() {
    for_all(19, |dice, asked, people, desk, body| {
        let steps = dice.one_of(&["A", "A, C", "Z, X", "A, B, C, X, Z"]);
        let unit = dice.one_of(&["", "unit = 'session'\n"]);
        let both = format!("{}\n[funnel.g]\nsteps = '{steps}'\nwindow = '1h'\n{unit}", asked.definition);
        desk.write("dropoff.toml", both.as_bytes());
        let found = desk.body_of(&lines(people), &asked.flags(0));
        assert_eq!(found["funnels"].as_array().map(Vec::len), Some(2));
        same(&found["funnels"][0], &body["funnels"][0], asked, people);
    });
}

#[test]
fn an_unrelated_person_changes_what_counts_all_people() {
    for_all(16, |dice, asked, people, desk, body| {
        // Inside the span, no two at one instant, in sessions of their own, and kept by every condition.
        let is_filtered = asked.flags.contains(&"--where".to_owned());
        let kept = people.iter().flatten().filter(|row| !is_filtered || row.device != "desk");
        let times: Vec<i64> = kept.map(|row| row.time_us).collect();
        let (first, last) = (times.iter().min().copied(), times.iter().max().copied());
        let (first_us, last_us) = first.zip(last).expect("rows");
        let mut times: BTreeSet<i64> = BTreeSet::new();
        for _ in 0..1 + dice.below(4) {
            times.insert(first_us + (last_us - first_us) / 1_000 * dice.below(1_000) as i64);
        }
        let timeout_us = if asked.flags.contains(&"3m".to_owned()) { 180 } else { 1_800 } * SECOND_US;
        let starts = times.iter().scan(None, |before: &mut Option<i64>, &at_us| {
            let is_start = before.is_none_or(|before_us| at_us - before_us > timeout_us);
            *before = Some(at_us);
            Some((at_us, is_start))
        });
        let starts: Vec<i64> = starts.filter(|(_, is_start)| *is_start).map(|(at_us, _)| at_us).collect();
        let mut rows = lines(people);
        let row = |&time_us: &i64| Row { time_us, event: "other", device: "phone", item: "p" };
        rows.extend(times.iter().map(row).map(|row| line("unrelated", &row)));

        let mut expected = body.clone();
        let mut add = |path: &str, n: usize| {
            let count = expected.pointer_mut(path).expect(path);
            *count = json!(count.as_u64().expect("a count") + n as u64);
        };
        add("/input/rows/read", times.len());
        add("/input/rows/used", times.len());
        add("/input/persons", 1);
        add("/input/sessions", starts.len());
        let from_us = asked.from_us.unwrap_or(i64::MIN);
        add("/funnels/0/session_stages/0/n", starts.iter().filter(|&&at_us| at_us >= from_us).count());
        let mut found = desk.body_of(&rows, &asked.flags(0));
        // Of a warning the share changes with the rows, and so its text; of one about few rows, whether it is given.
        let counts = |body: &mut Value| -> Vec<(String, Value)> {
            let warnings = body["warnings"].take();
            let warnings = warnings.as_array().expect("a list").iter();
            let counts = warnings.map(|warning| (warning["code"].to_string(), warning["n"].clone()));
            counts.filter(|(code, _)| code.contains("W06")).collect()
        };
        assert_eq!(counts(&mut found), counts(&mut expected));
        same(&found, &expected, asked, people);
    });
}

/// Moves every time text of a body, and takes out the hash of the definition, which holds times.
fn moved(value: &Value, by_us: i64) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(key, _)| *key != "hash")
            .map(|(key, value)| (key.clone(), moved(value, by_us)))
            .collect(),
        Value::Array(items) => items.iter().map(|item| moved(item, by_us)).collect(),
        Value::String(text) => match text.parse::<jiff::Timestamp>() {
            Ok(time) => {
                let time = jiff::Timestamp::from_microsecond(time.as_microsecond() + by_us);
                json!(time.expect("in range").to_string())
            }
            Err(_) => value.clone(),
        },
        other => other.clone(),
    }
}

fn without_active_days(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("active_days_until");
            members.values_mut().for_each(without_active_days);
        }
        Value::Array(items) => items.iter_mut().for_each(without_active_days),
        _ => {}
    }
}

#[test]
fn moving_all_times_moves_times_and_no_duration() {
    for_all(17, |dice, asked, people, desk, body| {
        let later = |by_us: i64| -> Vec<Line> {
            let mut people = people.to_vec();
            people.iter_mut().flatten().for_each(|row| row.time_us += by_us);
            lines(&people)
        };
        let weeks_us = 7 * DAY_US * (dice.below(800) as i64 - 400);
        let found = desk.body_of(&later(weeks_us), &asked.flags(weeks_us));
        same(&moved(&found, 0), &moved(body, weeks_us), asked, people);
        if asked.has_calendar() {
            return;
        }
        let any_us = (dice.below(1 << 40) as i64) - (1 << 39);
        let mut found = moved(&desk.body_of(&later(any_us), &asked.flags(any_us)), 0);
        let mut expected = moved(body, any_us);
        without_active_days(&mut found);
        without_active_days(&mut expected);
        same(&found, &expected, asked, people);
    });
}

/// Whole numbers of a body that count rows, people, sessions or units, by their place.
fn counts(body: &Value) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let input = &body["input"];
    for name in ["persons", "sessions", "tied_rows", "rows_without_event"] {
        counts.insert(name.to_owned(), input[name].as_u64().expect(name));
    }
    for name in ["read", "used", "rejected", "filtered"] {
        counts.insert(format!("rows {name}"), input["rows"][name].as_u64().expect(name));
    }
    let funnel = &body["funnels"][0];
    count_part(&mut counts, "funnel", funnel);
    for name in ["negative_gaps", "began_elsewhere", "segment_moved", "in_several_buckets"] {
        counts.insert(name.to_owned(), funnel[name].as_u64().unwrap_or(0));
    }
    for stage in funnel["session_stages"].as_array().expect("stages") {
        counts.insert(format!("sessions of step {}", stage["step"]), stage["n"].as_u64().expect("a count"));
    }
    for segment in funnel["segments"].as_array().expect("segments") {
        count_part(&mut counts, &format!("segment {}", segment["by"]), segment);
    }
    for bucket in funnel["trend"].as_array().into_iter().flatten() {
        count_part(&mut counts, &format!("day {}", bucket["from"]), bucket);
    }
    counts.retain(|_, n| *n > 0);
    counts
}

fn count_part(counts: &mut BTreeMap<String, u64>, name: &str, part: &Value) {
    for status in ["entered", "converted", "dropped", "open", "excluded", "removed", "no_value"] {
        counts.insert(format!("{name}: {status}"), part[status].as_u64().unwrap_or(0));
    }
    for step in part["conversion"]["steps"].as_array().expect("steps") {
        for key in ["reached", "lost", "lost_dropped", "lost_open", "lost_excluded"] {
            counts.insert(format!("{name}: {key} of step {}", step["step"]), step[key].as_u64().unwrap_or(0));
        }
    }
    for key in ["n", "converted"] {
        counts
            .insert(format!("{name}: mature {key}"), part["conversion"]["mature"][key].as_u64().unwrap_or(0));
    }
    for stage in part["abandonment"]["stages"].as_array().into_iter().flatten() {
        for key in ["dropped", "open", "excluded", "removed", "seen_early", "came_back", "bought_later"] {
            counts.insert(
                format!("{name}: {key} at stage {}", stage["step"]),
                stage[key].as_u64().unwrap_or(0),
            );
        }
    }
    counts.insert(format!("{name}: times"), part["time_to_purchase"]["n"].as_u64().unwrap_or(0));
}

#[test]
fn counts_of_some_people_and_of_the_others_add_up_to_those_of_all() {
    for_all(18, |dice, asked, people, desk, _| {
        // All three end when the log of all ends. Only so many segments are shown.
        let mut flags = asked.flags(0);
        flags.retain(|flag| flag != "--top" && flag != "1");
        let end_us = people.iter().flatten().map(|row| row.time_us).max().expect("rows");
        let end = jiff::Timestamp::from_microsecond(end_us).expect("in range").to_string();
        flags.extend(["--as-of".to_owned(), end, "--allow-empty".to_owned()]);
        let middle = 1 + dice.below(people.len() - 1);
        let whole = counts(&desk.body_of(&lines(people), &flags));
        let mut sums: BTreeMap<String, u64> = BTreeMap::new();
        for half in [&people[..middle], &people[middle..]] {
            for (name, n) in counts(&desk.body_of(&lines(half), &flags)) {
                *sums.entry(name).or_default() += n;
            }
        }
        let log = drawn::csv(people);
        let differs: Vec<(&String, u64, u64)> = whole
            .keys()
            .chain(sums.keys())
            .map(|name| (name, whole.get(name).copied().unwrap_or(0), sums.get(name).copied().unwrap_or(0)))
            .filter(|(_, whole, sum)| whole != sum)
            .collect();
        assert!(differs.is_empty(), "{differs:?}\n{}\n{flags:?}\nfrom {middle} on\n{log}", asked.definition);
    });
}

/// A funnel of three steps whose parts can be taken away, added to or widened one by one.
struct Parts {
    window_s: u64,
    alternative: bool,
    conditions: [bool; 2],
    exclusion: bool,
    within: bool,
}

impl Parts {
    fn definition(&self) -> String {
        let if_asked = |is_asked: bool, text: &'static str| if is_asked { text } else { "" };
        format!(
            "[funnel.f]\nwindow = '{}s'\nsteps = [\n  {{ event = 'A'{} }},\n  {{ event = {}{}{} }},\n  {{ event = 'C'{} }},\n]\n",
            self.window_s,
            if_asked(self.conditions[0], ", where = \"device = 'phone'\""),
            if self.alternative { "['B', 'Z']" } else { "'B'" },
            if_asked(self.conditions[1], ", where = \"item != 'q'\""),
            if_asked(self.exclusion, ", not = 'X'"),
            if_asked(self.within, ", within = '2m'"),
        )
    }
}

#[test]
fn a_wider_window_a_dropped_condition_and_an_added_alternative_lose_nobody() {
    let mut dice = Dice(19);
    let mut gained = [0; 5];
    for _ in 0..CASES {
        let people = log(&mut dice);
        let mut parts = Parts {
            window_s: [0, 3, 60, 300][dice.below(4)],
            alternative: false,
            conditions: [true, true],
            exclusion: true,
            within: true,
        };
        let flags = ["--tie".to_owned(), dice.one_of(&["step", "file", "strict"]).to_owned()];
        let reached = |parts: &Parts| -> Vec<u64> {
            let body = Desk::new(&parts.definition()).body_of(&lines(&people), &flags);
            let steps = body["funnels"][0]["conversion"]["steps"].as_array().expect("steps").clone();
            steps.iter().map(|step| step["reached"].as_u64().expect("a count")).collect()
        };
        let mut before = reached(&parts);
        // One after the other, in an order of their own.
        for change in shuffled(&mut dice, &[0, 1, 2, 3, 4]) {
            match change {
                0 => parts.window_s *= 2,
                1 => parts.alternative = true,
                2 => parts.conditions = [false, parts.conditions[1]],
                3 => parts.conditions = [parts.conditions[0], false],
                _ => (parts.exclusion, parts.within) = (false, false),
            }
            let after = reached(&parts);
            let context = format!("{}{flags:?}\n{people:?}", parts.definition());
            assert!(
                before.iter().zip(&after).all(|(before, after)| before <= after),
                "{before:?} then {after:?}\n{context}"
            );
            gained[change] += after.iter().sum::<u64>() - before.iter().sum::<u64>();
            before = after;
        }
    }
    assert!(gained.iter().all(|&n| n > 0), "{gained:?}");
}

#[test]
fn parts_add_up_to_the_whole() {
    let number = |value: &Value, key: &str| value[key].as_u64().unwrap_or_else(|| panic!("{key} of {value}"));
    let several = std::cell::Cell::new(0);
    for_all(20, |_, asked, people, _, body| {
        let rows = &body["input"]["rows"];
        assert_eq!(
            number(rows, "read"),
            ["used", "rejected", "filtered", "duplicates"].map(|key| number(rows, key)).iter().sum::<u64>()
        );
        assert_eq!(number(rows, "read"), people.iter().flatten().count() as u64);
        let funnel = &body["funnels"][0];
        let segments = funnel["segments"].as_array().expect("a list");
        let steps = |part: &Value| part["conversion"]["steps"].as_array().expect("a list").clone();
        for part in segments.iter().chain([funnel]) {
            let ends = ["converted", "dropped", "open", "excluded"].map(|status| number(part, status));
            assert_eq!(number(part, "entered"), ends.iter().sum::<u64>(), "{}", asked.definition);
            let reached: Vec<u64> = steps(part).iter().map(|step| number(step, "reached")).collect();
            for (place, step) in steps(part).iter().enumerate() {
                let next = reached.get(place + 1).copied().unwrap_or(reached[place]);
                assert_eq!(number(step, "lost"), reached[place] - next);
                let kinds = ["lost_dropped", "lost_open", "lost_excluded"].map(|kind| number(step, kind));
                assert_eq!(number(step, "lost"), kinds.iter().sum::<u64>(), "{}", asked.definition);
            }
        }
        if segments.len() > 1 {
            several.set(several.get() + 1);
            for status in ["entered", "converted", "dropped", "open", "excluded", "removed"] {
                let sum: u64 = segments.iter().map(|segment| number(segment, status)).sum();
                assert_eq!(sum, number(funnel, status), "{status}: {}", asked.definition);
            }
            for (place, step) in steps(funnel).iter().enumerate() {
                let of_segments = segments.iter().map(|segment| number(&steps(segment)[place], "reached"));
                assert_eq!(of_segments.sum::<u64>(), number(step, "reached"), "{}", asked.definition);
            }
        }
        if asked.from_us.is_none() {
            let stages = funnel["session_stages"].as_array().expect("a list");
            let sum: u64 = stages.iter().map(|stage| number(stage, "n")).sum();
            assert_eq!(sum, number(&body["input"], "sessions"));
        }
    });
    assert!(several.get() > 10);
}

/// So that none of the above passes by testing nothing.
#[test]
fn what_is_drawn_has_many_keys_and_all_statuses() {
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for seed in [11, 14, 18] {
        let mut dice = Dice(seed);
        for _ in 0..CASES {
            let (asked, people) = (Asked::draw(&mut dice), log(&mut dice));
            let body = Desk::new(&asked.definition).body_of(&lines(&people), &asked.flags(0));
            for status in ["converted", "dropped", "open", "excluded", "removed"] {
                *seen.entry(status.to_owned()).or_default() +=
                    body["funnels"][0][status].as_u64().expect("a count");
            }
            for (key, is_there) in [
                ("file order", asked.by_file_order()),
                ("calendar", asked.has_calendar()),
                ("from", asked.from_us.is_some()),
                ("filtered", body["input"]["rows"]["filtered"] != 0),
                ("segments", body["funnels"][0]["segments"].as_array().is_some_and(|list| list.len() > 1)),
                ("unit", asked.definition.contains("unit = ")),
                ("hold", asked.definition.contains("hold = ")),
            ] {
                *seen.entry(key.to_owned()).or_default() += u64::from(is_there);
            }
        }
    }
    assert_eq!(seen.len(), 12);
    assert!(seen.values().all(|&n| n >= 5), "{seen:?}");
}
