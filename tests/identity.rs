//! Whose rows are whose, and which of them repeat an event: the program against a plain second
//! implementation that follows the definitions row by row, over random logs; and the same answer
//! whatever the memory, the threads, and the order and number of files.

mod support;

use polars::prelude::{Column, NamedFrom, Series};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use support::{gzip, stdout_of, write_parquet, zstandard};

const MINUTE_S: i64 = 60;
const TIMEOUT_S: i64 = 30 * MINUTE_S;
/// 2026-01-01T00:00:00Z.
const START_S: i64 = 1_767_225_600;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    at_s: i64,
    user: String,
    device: String,
    event: String,
    event_id: String,
    /// Read by nobody but those who compare whole rows.
    note: String,
}

/// Line of a map: id, person, from, to (exclusive), in seconds, and the column it is of.
type MapLine = (String, String, i64, i64, &'static str);

/// Steele, Lea and Flood (2014), SplitMix64: a fixed sequence on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            items.swap(place, self.below(place as u64 + 1) as usize);
        }
    }
}

/// A log of few devices and people over some hours, with ties; a fifth of the rows come twice.
fn log(random: &mut Random, rows: usize, devices: u64, users: u64, span_s: u64) -> Vec<Row> {
    let mut log: Vec<Row> = Vec::new();
    while log.len() < rows {
        if let Some(before) = log.last().filter(|_| random.below(5) == 0) {
            let mut again = before.clone();
            if random.below(3) == 0 {
                again.at_s += random.below(3) as i64 * 600 - 600;
            }
            if random.below(4) == 0 {
                again.note.push('!');
            }
            log.push(again);
            continue;
        }
        // Ids of users and devices are the same texts, to be told apart by their column.
        let device = random.below(devices + 1);
        let user = random.below(3 * users);
        let row = Row {
            at_s: START_S + random.below(span_s / 300) as i64 * 300,
            user: if user < users { user.to_string() } else { String::new() },
            device: if device < devices { device.to_string() } else { String::new() },
            event: ["a", "b", "c"][random.below(3) as usize].to_owned(),
            event_id: if random.below(9) == 0 { String::new() } else { format!("e{}", log.len()) },
            note: random.below(2).to_string(),
        };
        if !row.user.is_empty() || !row.device.is_empty() {
            log.push(row);
        }
    }
    log
}

/// A map without conflicts and circles: ids lead to names, and names to later names.
fn map(random: &mut Random, ids: u64) -> Vec<MapLine> {
    let mut lines = Vec::new();
    let names: Vec<String> = (0..6).map(|name| format!("p{name}")).collect();
    let any = [i64::MIN, i64::MAX];
    for id in 0..ids {
        for column in ["user", "device"] {
            let cut = START_S + random.below(20) as i64 * 1_800;
            let mut person = || names[random.below(3) as usize].clone();
            match id % 4 {
                0 => lines.push((id.to_string(), person(), any[0], any[1], column)),
                1 => lines.push((id.to_string(), person(), any[0], cut, column)),
                2 => {
                    lines.push((id.to_string(), person(), cut - 7_200, cut, column));
                    lines.push((id.to_string(), person(), cut, cut + 3_600, column));
                }
                _ => {}
            }
        }
    }
    for (name, later) in [(0, 3), (1, 4), (4, 5)] {
        let cut = START_S + random.below(20) as i64 * 1_800;
        lines.push((names[name].clone(), names[later].clone(), cut, any[1], "user"));
    }
    lines
}

// The second implementation: everything is looked for among all rows.

/// Column and id, as the sessions are printed under.
fn own_id(row: &Row) -> (u8, String) {
    if row.user.is_empty() { (1, row.device.clone()) } else { (0, row.user.clone()) }
}

fn mapped(map: &[MapLine], mut id: (u8, String), at_s: i64) -> Option<String> {
    let mut found = None;
    loop {
        let column = ["user", "device"][usize::from(id.0)];
        let fits = |line: &&MapLine| {
            line.0 == id.1
                && line.4 == column
                && line.2 <= at_s
                && at_s < line.3
                && (0, &line.1) != (id.0, &id.1)
        };
        let Some(line) = map.iter().find(fits) else { return found };
        found = Some(line.1.clone());
        id = (0, line.1.clone());
    }
}

/// A row with the id it goes by, and its device if it takes part in the device's history.
#[derive(Debug, Clone, PartialEq)]
struct Acted {
    row: Row,
    id: (u8, String),
    device: Option<String>,
}

impl Acted {
    fn of(row: &Row, map: &[MapLine]) -> Acted {
        let id = own_id(row);
        let device = (!row.device.is_empty()).then(|| row.device.clone());
        match mapped(map, id.clone(), row.at_s) {
            None => Acted { row: row.clone(), id, device },
            Some(person) => {
                // A mapped device says nothing of who else uses it.
                let device = device.filter(|_| id.0 == 0);
                Acted { row: row.clone(), id: (0, person), device }
            }
        }
    }

    fn is_known(&self) -> bool {
        self.id.0 == 0
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Dedupe {
    Nothing,
    Key,
    /// Ten minutes, inclusive, behind the row that is kept.
    KeyForTenMinutes,
    Exact,
}

fn deduped(rows: Vec<Acted>, dedupe: Dedupe) -> Vec<Acted> {
    let mut groups: BTreeMap<String, Vec<Acted>> = BTreeMap::new();
    let mut kept = Vec::new();
    for acted in rows {
        match dedupe {
            Dedupe::Nothing => kept.push(acted),
            Dedupe::Key | Dedupe::KeyForTenMinutes if acted.row.event_id.is_empty() => kept.push(acted),
            Dedupe::Key | Dedupe::KeyForTenMinutes => {
                groups.entry(acted.row.event_id.clone()).or_default().push(acted)
            }
            Dedupe::Exact => groups.entry(format!("{:?}", acted.row)).or_default().push(acted),
        }
    }
    // By time, person, device (none first) and event.
    let used =
        |acted: &Acted| (acted.row.at_s, acted.id.clone(), acted.device.clone(), acted.row.event.clone());
    let window_s = if dedupe == Dedupe::KeyForTenMinutes { 600 } else { i64::MAX };
    for mut group in groups.into_values() {
        while let Some(first) = group.iter().min_by_key(|acted| used(acted)).cloned() {
            group.retain(|acted| acted.row.at_s - first.row.at_s > window_s);
            kept.push(first);
        }
    }
    kept
}

/// Whose a row is under a way of stitching: by looking over all rows of its device.
fn owner(rows: &[Acted], place: usize, way: &str) -> (u8, String) {
    let own = rows[place].id.clone();
    let Some(device) = rows[place].device.as_ref().filter(|_| way != "none" && !rows[place].is_known())
    else {
        return own;
    };
    let mut history: Vec<usize> =
        (0..rows.len()).filter(|&other| rows[other].device.as_ref() == Some(device)).collect();
    history.sort_by_key(|&other| {
        let acted = &rows[other];
        (acted.row.at_s, !acted.is_known(), acted.id.clone(), other != place)
    });
    let here = history.iter().position(|&other| other == place).expect("it is one of them");
    let known = |&&at: &&usize| rows[at].is_known();
    let people: BTreeSet<_> = history.iter().filter(known).map(|&at| rows[at].id.clone()).collect();
    let before = history[..here].iter().rposition(|at| rows[*at].is_known());
    let next = history[here..].iter().find(known).map(|&at| rows[at].id.clone());
    let found = match (people.len(), before) {
        (0, _) => None,
        (1, _) => people.first().cloned(),
        (_, Some(before)) => {
            let times: Vec<i64> = history[before..=here].iter().map(|&at| rows[at].row.at_s).collect();
            if times.windows(2).all(|pair| pair[1] - pair[0] <= TIMEOUT_S) {
                Some(rows[history[before]].id.clone())
            } else {
                next
            }
        }
        (_, None) => next,
    };
    let was_named = |id: &(u8, String)| history[..here].iter().any(|&at| rows[at].id == *id);
    found.filter(|id| way == "both" || was_named(id)).unwrap_or(own)
}

/// Every person's times and events, in order of time.
fn people(rows: &[Acted], way: &str) -> BTreeMap<(u8, String), Vec<(i64, String)>> {
    let mut people: BTreeMap<(u8, String), Vec<(i64, String)>> = BTreeMap::new();
    for (place, acted) in rows.iter().enumerate() {
        let event = (acted.row.at_s, acted.row.event.clone());
        people.entry(owner(rows, place, way)).or_default().push(event);
    }
    people.values_mut().for_each(|rows| rows.sort());
    people
}

fn sessions_of(people: &BTreeMap<(u8, String), Vec<(i64, String)>>) -> Vec<String> {
    let mut lines = Vec::new();
    for ((column, id), rows) in people {
        let mut number = 0;
        let mut start = 0;
        for end in 1..=rows.len() {
            if end == rows.len() || rows[end].0 - rows[end - 1].0 > TIMEOUT_S {
                number += 1;
                let column = ["user", "device"][usize::from(*column)];
                let (from_s, to_s) = (rows[start].0, rows[end - 1].0);
                let events = end - start;
                lines.push(format!("{column}:{id} {number} {from_s} {to_s} {events}"));
                start = end;
            }
        }
    }
    lines
}

/// Entered and converted of `a, b` without a window, where rows of one instant come in any order.
fn conversion(people: &BTreeMap<(u8, String), Vec<(i64, String)>>) -> (u64, u64) {
    let first = |rows: &Vec<(i64, String)>| rows.iter().filter(|row| row.1 == "a").map(|row| row.0).min();
    let last = |rows: &Vec<(i64, String)>| rows.iter().filter(|row| row.1 == "b").map(|row| row.0).max();
    let entered = people.values().filter_map(first).count();
    let converts =
        |rows: &&Vec<(i64, String)>| first(rows).is_some_and(|a| last(rows).is_some_and(|b| a <= b));
    (entered as u64, people.values().filter(converts).count() as u64)
}

// The program.

fn write_log(path: &Path, rows: &[Row]) {
    let mut text = "user,device,time,event,event_id,note\n".to_owned();
    for Row { at_s, user, device, event, event_id, note } in rows {
        writeln!(text, "{user},{device},{at_s},{event},{event_id},{note}").expect("a text takes all");
    }
    fs::write(path, text).expect("the test's folder is writable");
}

fn write_json(path: &Path, rows: &[Row]) {
    let mut text = String::new();
    for Row { at_s, user, device, event, event_id, note } in rows {
        // Keys in another order, and empty texts now absent, now null.
        let user = if user.is_empty() { "null".to_owned() } else { format!("{user:?}") };
        let id = if event_id.is_empty() { String::new() } else { format!("\"event_id\":{event_id:?},") };
        writeln!(
            text,
            "{{\"note\":{note}, {id}\"time\":{at_s},\"event\":{event:?},\"device\":{device:?},\"user\":{user}}}",
            note = format_args!("{note:?}"),
        )
        .expect("a text takes all");
    }
    fs::write(path, text).expect("the test's folder is writable");
}

/// Empty texts are null.
fn write_parquet_log(path: &Path, rows: &[Row]) {
    let column = |name: &str, text: fn(&Row) -> &String| -> Column {
        let texts: Vec<Option<&str>> =
            rows.iter().map(|row| Some(text(row).as_str()).filter(|text| !text.is_empty())).collect();
        Series::new(name.into(), texts).into()
    };
    let times: Vec<i64> = rows.iter().map(|row| row.at_s).collect();
    let columns = vec![
        Series::new("time".into(), times).into(),
        column("note", |row| &row.note),
        column("user", |row| &row.user),
        column("device", |row| &row.device),
        column("event", |row| &row.event),
        column("event_id", |row| &row.event_id),
    ];
    write_parquet(path, columns, 10_000);
}

fn time_text(at_s: i64) -> String {
    match at_s {
        i64::MIN | i64::MAX => String::new(),
        at_s => {
            let (day, second) = ((at_s - START_S).div_euclid(86_400), (at_s - START_S).rem_euclid(86_400));
            let date =
                if day < 0 { format!("2025-12-{:02}", 32 + day) } else { format!("2026-01-{:02}", day + 1) };
            format!("{date}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
        }
    }
}

fn write_map(path: &Path, lines: &[MapLine]) {
    let mut text = "id,person,valid_from,valid_to,column\n".to_owned();
    for (id, person, from_s, to_s, column) in lines {
        let (from, to) = (time_text(*from_s), time_text(*to_s));
        writeln!(text, "{id},{person},{from},{to},{column}").expect("a text takes all");
    }
    fs::write(path, text).expect("the test's folder is writable");
}

fn columns() -> Vec<String> {
    ["--user", "user,device", "--time", "time", "--event", "event", "-q", "--format", "json"]
        .map(String::from)
        .to_vec()
}

fn run(folder: &Path, command: &str, files: &[&str], more: &[String]) -> Value {
    let mut words = vec![command.to_owned()];
    words.extend(files.iter().map(ToString::to_string));
    words.extend(columns());
    words.extend(more.iter().cloned());
    serde_json::from_str(&stdout_of(folder, &words, Stdio::null())).expect("a report")
}

fn asked(way: &str, dedupe: Dedupe, is_mapped: bool) -> Vec<String> {
    let mut words = vec!["--stitch".to_owned(), way.to_owned()];
    words.extend(match dedupe {
        Dedupe::Nothing => Vec::new(),
        Dedupe::Key => vec!["--dedupe-key".to_owned(), "event_id".to_owned()],
        Dedupe::KeyForTenMinutes => {
            ["--dedupe-key", "event_id", "--dedupe-window", "10m"].map(str::to_owned).to_vec()
        }
        Dedupe::Exact => vec!["--dedupe-exact".to_owned()],
    });
    if is_mapped {
        words.extend(["--identity".to_owned(), "map.csv".to_owned()]);
    }
    words
}

fn seconds(text: &Value) -> i64 {
    let time: jiff::Timestamp = text.as_str().expect("a time").parse().expect("a time");
    time.as_second()
}

fn printed_sessions(table: &Value) -> Vec<String> {
    let sessions = table["sessions"].as_array().expect("a list");
    let line = |session: &Value| {
        format!(
            "{} {} {} {} {}",
            session["person"].as_str().expect("a person"),
            session["session"],
            seconds(&session["start"]),
            seconds(&session["end"]),
            session["events"]
        )
    };
    sessions.iter().map(line).collect()
}

#[test]
fn people_sessions_and_conversion_are_those_of_a_plain_second_look() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut random = Random(7);
    let mut stitched_differs = 0;
    for case in 0..40_u64 {
        let (devices, users) = (1 + random.below(6), 1 + random.below(5));
        let (count, span_s) = (1 + random.below(60) as usize, 7_200 + random.below(36_000));
        let rows = log(&mut random, count, devices, users, span_s);
        let lines = if case % 3 == 0 { map(&mut random, users.max(devices)) } else { Vec::new() };
        write_log(&folder.join("log.csv"), &rows);
        write_map(&folder.join("map.csv"), &lines);
        let ways_to_dedupe = [Dedupe::Nothing, Dedupe::Key, Dedupe::Exact, Dedupe::KeyForTenMinutes];
        let dedupe = ways_to_dedupe[case as usize / 3 % 4];
        let way = ["forward", "both", "none", "both"][case as usize % 4];
        let acted: Vec<Acted> = rows.iter().map(|row| Acted::of(row, &lines)).collect();
        let kept = deduped(acted, dedupe);
        let context = format!("case {case}: {way} {dedupe:?}\n{rows:#?}\n{lines:#?}");

        let more = asked(way, dedupe, !lines.is_empty());
        let found = people(&kept, way);
        let table = run(folder, "sessions", &["log.csv"], &more);
        assert_eq!(printed_sessions(&table), sessions_of(&found), "{context}");

        let funnel = ["--steps", "a, b", "--window", "none"].map(String::from);
        let report = run(folder, "report", &["log.csv"], &[&more[..], &funnel[..]].concat());
        let body = &report["body"];
        let counts = |value: &Value| (value["entered"].as_u64(), value["converted"].as_u64());
        let expected = |way: &str| {
            let (entered, converted) = conversion(&people(&kept, way));
            (Some(entered), Some(converted))
        };
        assert_eq!(counts(&body["funnels"][0]), expected(way), "{context}");
        assert_eq!(body["input"]["persons"], found.len() as u64, "{context}");
        let input = &body["input"]["rows"];
        assert_eq!(input["used"], kept.len() as u64, "{context}");
        assert_eq!(input["duplicates"], (rows.len() - kept.len()) as u64, "{context}");
        let ways = body["funnels"][0]["stitching"].as_array().expect("a list");
        let names: Vec<&str> = ways.iter().filter_map(|way| way["stitch"].as_str()).collect();
        let expected_names: &[&str] = match way {
            "none" => &[],
            "forward" => &["none", "forward", "both"],
            _ => &["none", "both"],
        };
        assert_eq!(names, expected_names);
        for (way, name) in ways.iter().zip(names) {
            assert_eq!(counts(way), expected(name), "{name} {context}");
            assert_eq!(way["persons"], people(&kept, name).len() as u64, "{name} {context}");
        }
        stitched_differs += u64::from(expected("none") != expected("both"));
        let map = &body["input"]["identity"]["map"];
        if lines.is_empty() {
            assert!(map.is_null());
        } else {
            let is_mapped = |row: &&Row| mapped(&lines, own_id(row), row.at_s).is_some();
            let ids = |rows: Vec<&Row>| rows.into_iter().map(own_id).collect::<BTreeSet<_>>();
            let mapped_ids = ids(rows.iter().filter(is_mapped).collect());
            let others = ids(rows.iter().collect()).len() - mapped_ids.len();
            assert_eq!(map["rows_mapped"], rows.iter().filter(is_mapped).count() as u64, "{context}");
            assert_eq!(map["ids_mapped"], mapped_ids.len() as u64, "{context}");
            if dedupe == Dedupe::Nothing {
                assert_eq!(map["ids_not_mapped"], others as u64, "{context}");
            }
        }
    }
    assert!(stitched_differs > 10, "{stitched_differs}");
}

#[test]
fn the_answer_depends_neither_on_memory_nor_on_threads_nor_on_the_order_of_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut random = Random(11);
    let rows = log(&mut random, 120_000, 9_000, 5_000, 20 * 86_400);
    let lines = map(&mut random, 2_000);
    write_map(&folder.join("map.csv"), &lines);
    write_log(&folder.join("log.csv"), &rows);
    let mut shuffled = rows.clone();
    random.shuffle(&mut shuffled);
    write_log(&folder.join("shuffled.csv"), &shuffled);
    for (part, rows) in shuffled.chunks(50_000).enumerate() {
        write_log(&folder.join(format!("part{part}.csv")), rows);
    }
    write_json(&folder.join("log.jsonl"), &rows);
    write_parquet_log(&folder.join("log.parquet"), &rows);
    let packed = |from: &str, to: &str, pack: fn(&[u8]) -> Vec<u8>| {
        let bytes = fs::read(folder.join(from)).expect("it was written");
        fs::write(folder.join(to), pack(&bytes)).expect("the test's folder is writable");
    };
    packed("part0.csv", "part0.csv.gz", gzip);
    packed("part2.csv", "part2.csv.zst", zstandard);
    let funnel = ["--steps", "a, b, c", "--window", "2d", "--by", "note"].map(String::from);
    let asked_for = [
        ("both", Dedupe::Key),
        ("forward", Dedupe::Exact),
        ("none", Dedupe::Exact),
        ("none", Dedupe::KeyForTenMinutes),
    ];
    for (way, dedupe) in asked_for {
        let of = |files: &[&str], more: &[&str]| {
            let more: Vec<String> = more.iter().map(ToString::to_string).collect();
            let all = [&asked(way, dedupe, true)[..], &funnel[..], &more[..]].concat();
            let report = run(folder, "report", files, &all);
            (report["body"].clone(), report["run"]["spilled_bytes"].as_u64().expect("a number"))
        };
        let (plain, spilled) = of(&["log.csv"], &["--threads", "1"]);
        assert_eq!(spilled, 0);
        assert!(plain["input"]["rows"]["duplicates"].as_u64() > Some(10_000), "{plain}");
        for (files, more) in [
            (&["log.csv"][..], &["--threads", "8"][..]),
            (&["shuffled.csv"], &["--threads", "2"]),
            (&["part2.csv.zst", "part0.csv.gz", "part1.csv"], &["--threads", "2"]),
            (&["log.parquet"], &["--threads", "2"]),
            (&["log.jsonl"], &["--threads", "2"]),
        ] {
            assert_eq!(of(files, more).0, plain, "{way} {dedupe:?} {files:?} {more:?}");
        }
        let (small, spilled) =
            of(&["part1.csv", "part2.csv", "part0.csv"], &["--threads", "2", "--memory", "61MB"]);
        assert!(spilled > 1_000_000, "{spilled}");
        assert_eq!(small, plain, "{way} {dedupe:?} with little memory");
    }
}

#[test]
fn rows_are_the_same_event_only_if_every_column_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a file");
    // The second row repeats the first; the third differs in a column that nobody asks for.
    write("a.csv", "user,time,event,x\nu,1767225600,a,1\nu,1767225600,a,1\nu,1767225600,a,2\n");
    // The first row of a.csv once more, with its columns in another order and one that is empty.
    write("b.csv", "x,empty,event,time,user\n1,,a,1767225600,u\n");
    // And in JSON: with a null, then with a key more, then with that key in another place.
    write(
        "c.jsonl",
        "{\"user\":\"u\",\"time\":1767225600,\"event\":\"a\",\"x\":1,\"y\":null}\n\
         {\"user\":\"u\",\"time\":1767225600,\"event\":\"a\",\"x\":1,\"y\":{\"z\":1}}\n\
         {\"y\":{\"z\":1},\"user\":\"u\",\"time\":1767225600,\"event\":\"a\",\"x\":1}\n\
         {\"y\":{\"z\":[1]},\"user\":\"u\",\"time\":1767225600,\"event\":\"a\",\"x\":1}\n",
    );
    for (files, read, duplicates) in [
        (&["a.csv"][..], 3, 1),
        (&["a.csv", "b.csv"], 4, 2),
        (&["c.jsonl"], 4, 1),
        (&["a.csv", "b.csv", "c.jsonl"], 8, 4),
    ] {
        let mut words = vec!["report"];
        words.extend(files);
        words.extend(["--user", "user", "--time", "time", "--event", "event", "-q", "--format", "json"]);
        words.extend(["--steps", "a, a", "--dedupe-exact"]);
        let report: Value =
            serde_json::from_str(&stdout_of(folder, &words, Stdio::null())).expect("a report");
        let rows = &report["body"]["input"]["rows"];
        assert_eq!(
            (rows["read"].as_u64(), rows["duplicates"].as_u64()),
            (Some(read), Some(duplicates)),
            "{files:?}"
        );
    }
}
