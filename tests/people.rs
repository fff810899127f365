//! Lists of people beside a report: they say of every unit what the report counts, in every form, whatever threads
//! and memory there are; and the ids that one run lists are a cohort of the next.

#[allow(dead_code, reason = "other tests use the rest")]
mod support;

use polars::prelude::{ParquetReader, SerReader};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use support::stdout_of;

/// Numbers that look random and are the same in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

const DEFINITION: &str = r#"
[source]
user = "user"
time = "time"
event = "event"
value = "price"

[funnel.plain]
steps = "a, b, c"
window = "1d"
by = ["device"]

[funnel.forbids]
steps = "a, x?, b, !d, c, a"
window = "6h"
by = ["device", "land"]

[funnel.visits]
steps = "a, b"
window = "none"
unit = "session"
"#;

/// A log of `persons` with ties, ids that begin with one another, and columns with gaps.
fn log(persons: u64, seed: u64) -> String {
    let mut draw = Draw(seed);
    let mut text = String::from("user,time,event,price,device,land\n");
    for person in 0..persons {
        for _ in 0..1 + draw.below(40) {
            let (day, minute) = (1 + draw.below(2), draw.below(480));
            let event = ["a", "b", "c", "d", "x", "y"][draw.below(6) as usize];
            let price = if draw.below(3) == 0 { format!("{}.25", draw.below(90)) } else { String::new() };
            let device = ["web", "app", ""][draw.below(3) as usize];
            let land = ["IL", "FR", "=1+1"][draw.below(3) as usize];
            let (hour, minute) = (minute / 60, minute % 60 / 20 * 20);
            writeln!(
                text,
                "{:x},2026-03-0{day}T{hour:02}:{minute:02}:00Z,{event},{price},{device},{land}",
                person * 37
            )
            .expect("memory takes all");
        }
    }
    text
}

fn run(folder: &Path, words: &[&str]) -> Value {
    let all = [&["report", "log.csv", "--config", "d.toml", "-q", "-f", "json"][..], words].concat();
    serde_json::from_str(&stdout_of(folder, &all, Stdio::null())).expect("the report is JSON")
}

fn lines(folder: &Path, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder.join(name)).expect("it was written");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

fn folder_with_log(persons: u64, seed: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a directory");
    fs::write(folder.path().join("log.csv"), log(persons, seed)).expect("it can be written");
    fs::write(folder.path().join("d.toml"), DEFINITION).expect("it can be written");
    folder
}

fn rows_of<'r>(rows: &'r [Value], funnel: &Value) -> Vec<&'r Value> {
    rows.iter().filter(|row| row["funnel"] == funnel["name"]).collect()
}

fn count(rows: &[&Value], holds: impl Fn(&Value) -> bool) -> u64 {
    rows.iter().filter(|row| holds(row)).count() as u64
}

/// The middle of sorted numbers, between the two next to it where there is no one middle.
fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let last = numbers.len().checked_sub(1)?;
    Some((numbers[last / 2] + numbers[last - last / 2]) / 2.0)
}

fn seconds(time: &Value) -> f64 {
    let time: jiff::Timestamp = time.as_str().expect("a time").parse().expect("a time");
    time.as_microsecond() as f64 / 1e6
}

#[test]
fn the_table_adds_up_to_the_report() {
    for seed in 1..=6 {
        let folder = folder_with_log(150, seed);
        let report = run(folder.path(), &["--people", "p.jsonl"]);
        let all = lines(folder.path(), "p.jsonl");
        for funnel in report["body"]["funnels"].as_array().expect("funnels") {
            let rows = rows_of(&all, funnel);
            assert!(rows.len() > 20 && funnel["converted"] != 0, "the log is no test of {}", funnel["name"]);
            assert_eq!(funnel["entered"], rows.len() as u64);
            for status in ["converted", "dropped", "open", "excluded", "removed"] {
                assert_eq!(funnel[status], count(&rows, |row| row["status"] == status), "{status}");
            }
            for step in funnel["conversion"]["steps"].as_array().expect("steps") {
                let reached = count(&rows, |row| row["level"].as_u64() >= step["step"].as_u64());
                assert_eq!(step["reached"], reached, "{seed} {} {step}", funnel["name"]);
            }
            for stage in funnel["abandonment"]["stages"].as_array().expect("stages") {
                let of_stage = |row: &Value| row["level"] == stage["step"] && row["stage"] == stage["name"];
                for status in ["dropped", "open", "excluded"] {
                    assert_eq!(stage[status], count(&rows, |row| of_stage(row) && row["status"] == status));
                }
                let dropped = rows.iter().filter(|row| of_stage(row) && row["status"] == "dropped");
                let values: Vec<f64> = dropped.filter_map(|row| row["value"].as_f64()).collect();
                assert_eq!(stage["value"]["n"], values.len() as u64);
                assert_eq!(stage["value"]["sum"].as_f64(), Some(values.iter().sum::<f64>()));
            }
            adds_up_in_time(funnel, &rows);
            for segment in funnel["segments"].as_array().expect("segments") {
                adds_up_in_segment(segment, &rows);
            }
        }
    }
}

fn adds_up_in_time(funnel: &Value, rows: &[&Value]) {
    let converted: Vec<&&Value> = rows.iter().filter(|row| row["status"] == "converted").collect();
    let time = &funnel["time_to_purchase"];
    let totals: Vec<f64> = converted.iter().filter_map(|row| row["time_to_purchase_s"].as_f64()).collect();
    assert_eq!(time["n"], totals.len() as u64);
    assert_eq!(time["p50_s"].as_f64(), median(totals));
    let attempts: f64 = converted.iter().filter_map(|row| row["attempts"].as_f64()).sum();
    if !converted.is_empty() {
        let mean = time["attempts_mean"].as_f64().expect("a mean");
        // The last digit of a number is not always read back.
        assert!((mean - attempts / converted.len() as f64).abs() < 1e-9);
    }
    let last = if funnel["name"] == "forbids" { "a 2" } else { "" };
    if !last.is_empty() {
        let since_entry = converted.iter().map(|row| seconds(&row[last]) - seconds(&row["first_entry"]));
        let since_entry: Vec<f64> = since_entry.collect();
        assert_eq!(time["since_first_entry"]["p50_s"].as_f64(), median(since_entry));
        // The optional step has a time where it was used by those who passed it.
        let passed = |row: &Value| row["level"].as_u64() >= Some(2);
        let used = count(rows, |row| passed(row) && !row["x"].is_null());
        assert_eq!(funnel["conversion"]["optional"][0]["used"], used);
        assert!(used > 0, "the log is no test of optional steps");
    }
}

fn adds_up_in_segment(segment: &Value, rows: &[&Value]) {
    let by = segment["by"].as_object().expect("values");
    let fits = |row: &Value| {
        by.iter().all(|(column, value)| match value.as_str() {
            Some("(not set)") => row[column].is_null(),
            _ => row[column] == *value,
        })
    };
    let steps = segment["conversion"]["steps"].as_array().expect("steps");
    for step in steps {
        let reached = count(rows, |row| fits(row) && row["level"].as_u64() >= step["step"].as_u64());
        assert_eq!(step["reached"], reached, "{by:?}");
    }
}

#[test]
fn every_form_has_the_same_bytes_whatever_threads_and_memory() {
    let folder = folder_with_log(30_000, 9);
    let mut known: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    let files = ["p.csv", "p.jsonl", "p.parquet", "c.csv"];
    for machine in [
        &["--threads", "1"][..],
        &["--threads", "2"],
        &["--threads", "8"],
        &["--threads", "1", "--memory", "60MB"],
        &["--threads", "2", "--memory", "72MB"],
    ] {
        for (place, form) in files[..3].iter().enumerate() {
            let cohort = if place == 0 { "plain:dropped@b=c.csv" } else { "plain:open@a=c2.csv" };
            run(folder.path(), &[machine, &["--people", form, "--emit-cohort", cohort]].concat());
        }
        for name in files {
            let bytes = fs::read(folder.path().join(name)).expect("it was written");
            let first = known.entry(name).or_insert_with(|| bytes.clone());
            assert!(*first == bytes, "{name} differs with {machine:?}");
        }
    }
    let rows = lines(folder.path(), "p.jsonl");
    let keys = |row: &Value| {
        let funnel = ["plain", "forbids", "visits"].iter().position(|name| row["funnel"] == *name);
        (funnel, row["person"].as_str().map(str::to_owned), row["unit_number"].as_u64())
    };
    assert!(rows.windows(2).all(|pair| keys(&pair[0]) < keys(&pair[1])), "by funnel, id and unit");
}

#[test]
fn the_ids_of_one_run_are_the_cohort_of_the_next() {
    let folder = folder_with_log(600, 3);
    let whole = run(
        folder.path(),
        &[
            "--people",
            "p.jsonl",
            "--emit-cohort",
            "plain:dropped@b=d.csv",
            "--emit-cohort",
            "forbids:reached@x=x.jsonl",
        ],
    );
    let people = lines(folder.path(), "p.jsonl");
    for (file, funnel, fits) in [
        (
            "d.csv",
            "plain",
            (|row: &Value| row["status"] == "dropped" && row["stage"] == "b") as fn(&Value) -> bool,
        ),
        ("x.jsonl", "forbids", |row: &Value| !row["x"].is_null()),
    ] {
        let wanted: Vec<&str> = people
            .iter()
            .filter(|row| row["funnel"] == funnel && fits(row))
            .filter_map(|row| row["person"].as_str())
            .collect();
        assert!(wanted.len() > 5, "{file} holds too few to be a test");
        let only = run(folder.path(), &["--cohort", file, "--people", "again.jsonl"]);
        let input = &only["body"]["input"];
        let n = wanted.len() as u64;
        assert_eq!(input["cohort"]["only"], serde_json::json!({ "ids": n, "found": n, "not_found": 0 }));
        assert_eq!(input["persons"], n);
        let rows = &input["rows"];
        assert_eq!(rows["filtered"], input["cohort"]["rows_left_out"]);
        let of = |key: &str| rows[key].as_u64().expect("a count");
        assert_eq!(of("read"), of("used") + of("rejected") + of("filtered"));
        // What became of them is what it was among all: the log was watched as long.
        let again = lines(folder.path(), "again.jsonl");
        let before: Vec<&Value> = people
            .iter()
            .filter(|row| row["person"].as_str().is_some_and(|id| wanted.contains(&id)))
            .collect();
        assert_eq!(again.iter().collect::<Vec<_>>(), before);
        // Who is in and who is out are everybody.
        let others = run(folder.path(), &["--cohort-not", file]);
        let parts = [&only, &others].map(|report| report["body"]["funnels"][0]["entered"].as_u64());
        assert_eq!(
            parts[0].zip(parts[1]).map(|(a, b)| a + b),
            whole["body"]["funnels"][0]["entered"].as_u64()
        );
        assert_ne!(only["body"]["definition"]["hash"], whole["body"]["definition"]["hash"]);
    }
}

/// The value that makes a unit, in every form of the table; expected rows by hand.
#[test]
fn units_are_told_with_their_values() {
    let folder = tempfile::tempdir().expect("a directory");
    let log = "user_id,time,event,order,color\n\
        u1,2026-01-01T08:00:00Z,a,7,red\nu1,2026-01-01T08:01:00Z,a,8,blue\nu1,2026-01-01T08:02:00Z,b,7,\n\
        u2,2026-01-01T08:00:00Z,a,,red\nu2,2026-01-01T08:05:00Z,b,9,red\nu2,2026-01-01T08:06:00Z,a,7,red\n";
    let definition = "[source]\nuser = \"user_id\"\ntime = \"time\"\nevent = \"event\"\n\
        [funnel.orders]\nsteps = \"a, b\"\nunit = { column = \"order\" }\n\
        [funnel.held]\nsteps = \"color=a, b\"\nhold = { column = \"color\", steps = [2] }\n\
        [funnel.people]\nsteps = \"a, b\"\n";
    fs::write(folder.path().join("log.csv"), log).expect("it can be written");
    fs::write(folder.path().join("d.toml"), definition).expect("it can be written");
    // u2's order 9 has no entry. u1's b has no colour, and so no colour is held yet.
    let expected = [
        "orders u1 1 7 - 2",
        "orders u1 2 8 - 1",
        "orders u2 1 7 - 1",
        "held u1 1 - - 1",
        "held u2 1 - red 2",
        "people u1 - - - 2",
        "people u2 - - - 2",
    ];
    let wanted = ["funnel", "person", "unit_number", "order", "color", "level"];
    for form in ["csv", "tsv", "jsonl", "parquet"] {
        let file = format!("p.{form}");
        run(folder.path(), &["--people", &file]);
        let path = folder.path().join(&file);
        let rows: Vec<Vec<String>> = match form {
            "jsonl" => lines(folder.path(), &file)
                .iter()
                .map(|row| {
                    wanted.map(|key| row[key].to_string().trim_matches('"').replace("null", "")).to_vec()
                })
                .collect(),
            "parquet" => {
                let frame =
                    ParquetReader::new(fs::File::open(&path).expect("a file")).finish().expect("Parquet");
                let cell = |row: usize, key: &str| {
                    let value = frame.column(key).expect(key).get(row).expect("a row");
                    value.to_string().trim_matches('"').replace("null", "")
                };
                (0..frame.height()).map(|row| wanted.map(|key| cell(row, key)).to_vec()).collect()
            }
            _ => {
                let delimiter = if form == "tsv" { b'\t' } else { b',' };
                let reader = csv::ReaderBuilder::new().delimiter(delimiter).from_path(&path);
                let mut reader = reader.expect("a file");
                let header = reader.headers().expect("a header").clone();
                let header: Vec<&str> = header.iter().collect();
                assert_eq!(header[..5], wanted[..5], "{form}");
                assert_eq!(header[9..12], ["a", "b", "color 2"], "{form}");
                let records = reader.records().map(|record| record.expect("a record"));
                records.map(|record| record.iter().take(6).map(str::to_owned).collect()).collect()
            }
        };
        let shown = |row: &Vec<String>| {
            let cells = row.iter().map(|cell| if cell.is_empty() { "-" } else { cell.as_str() });
            cells.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(rows.iter().map(shown).collect::<Vec<_>>(), expected, "{form}");
    }
}

/// Ids of two columns that spell alike: the table of people says whose each is, in every form.
#[test]
fn people_of_several_columns_come_back_as_who_they_are() {
    let folder = tempfile::tempdir().expect("a directory");
    let mut log = String::from("user,device,time,event\n");
    for (user, device, event) in
        [("7", "", "a"), ("", "7", "a"), ("", "7", "b"), ("8", "", "b"), ("", "9", "a"), ("9", "", "a")]
    {
        writeln!(log, "{user},{device},2026-01-01T08:00:0{}Z,{event}", log.len() % 10)
            .expect("memory takes all");
    }
    fs::write(folder.path().join("log.csv"), &log).expect("it can be written");
    fs::write(folder.path().join("none.toml"), "").expect("it can be written");
    let report = |words: &[&str]| -> Value {
        let asked =
            ["report", "log.csv", "--config", "none.toml", "-q", "-f", "json", "--user", "user,device"];
        let all = [&asked[..], &["--steps", "a, b"], words].concat();
        serde_json::from_str(&stdout_of(folder.path(), &all, Stdio::null())).expect("JSON")
    };
    for form in ["csv", "tsv", "jsonl", "parquet"] {
        let file = format!("people.{form}");
        report(&["--people", &file, "--where", "user = '7' or device = '9'"]);
        let input = report(&["--cohort", &file])["body"]["input"].clone();
        // The user 7 and the device 9, with a row each; neither the device 7 nor the user 9.
        assert_eq!(
            input["cohort"]["only"],
            serde_json::json!({ "ids": 2, "found": 2, "not_found": 0 }),
            "{form}"
        );
        assert_eq!((&input["persons"], &input["rows"]["used"]), (&2.into(), &2.into()), "{form}");
    }
}

#[test]
fn parquet_is_read_back_as_it_was_written_and_unpivoted() {
    let folder = folder_with_log(300, 5);
    let whole = run(folder.path(), &["--funnel", "plain", "--people", "p.parquet"]);
    let words =
        ["p.parquet", "--user", "person", "--unpivot", "a,b,c", "--steps", "a,b,c", "--window", "none"];
    let all = [&["report", "--config", "none.toml", "-q", "-f", "json"][..], &words].concat();
    fs::write(folder.path().join("none.toml"), "").expect("it can be written");
    let again: Value = serde_json::from_str(&stdout_of(folder.path(), &all, Stdio::null())).expect("JSON");
    let steps = |report: &Value| {
        let steps = report["body"]["funnels"][0]["conversion"]["steps"].as_array().expect("steps").clone();
        steps.iter().map(|step| step["reached"].as_u64().expect("a count")).collect::<Vec<_>>()
    };
    assert_eq!(steps(&whole), steps(&again));
    let entered = steps(&whole)[0];
    let input = &again["body"]["input"];
    assert_eq!((input["rows"]["used"].as_u64(), input["persons"].as_u64()), (Some(entered), Some(entered)));
    assert_eq!(input["wide"]["events"], steps(&whole).iter().sum::<u64>());
    let p50 = |report: &Value| report["body"]["funnels"][0]["time_to_purchase"]["p50_s"].clone();
    assert_eq!(p50(&whole), p50(&again));
}

/// The same wide rows in every form, in pieces, and by hand as a long log: one body but for how rows count.
#[test]
fn wide_rows_are_the_events_of_the_long_log() {
    let folder = tempfile::tempdir().expect("a directory");
    let mut draw = Draw(11);
    let (mut wide, mut json, mut long) =
        (String::from("id,a_at,b_at,c_at,land\n"), String::new(), String::from("id,time,event,land\n"));
    let mut used = 0;
    for person in 0..5000 {
        let land = ["IL", "FR"][draw.below(2) as usize];
        let cells: Vec<String> = (0..3)
            .map(|_| match draw.below(3) {
                0 => String::new(),
                _ => format!("2026-03-0{}T{:02}:00:00Z", 1 + draw.below(9), draw.below(24)),
            })
            .collect();
        writeln!(wide, "u{person},{},{land}", cells.join(",")).expect("memory takes all");
        let key =
            |(name, cell): (&str, &String)| (!cell.is_empty()).then(|| format!("\"{name}_at\":\"{cell}\","));
        let keys: String = ["a", "b", "c"].into_iter().zip(&cells).filter_map(key).collect();
        writeln!(json, "{{\"id\":\"u{person}\",{keys}\"land\":\"{land}\"}}").expect("memory takes all");
        for (name, cell) in ["a", "b", "c"].into_iter().zip(&cells).filter(|(_, cell)| !cell.is_empty()) {
            writeln!(long, "u{person},{cell},{name},{land}").expect("memory takes all");
            used += 1;
        }
    }
    for (name, text) in
        [("wide.csv", &wide), ("wide.jsonl", &json), ("long.csv", &long), ("none.toml", &String::new())]
    {
        fs::write(folder.path().join(name), text).expect("it can be written");
    }
    let body = |words: &[&str]| {
        let all = [
            &[
                "report",
                "--config",
                "none.toml",
                "-q",
                "-f",
                "json",
                "--user",
                "id",
                "--steps",
                "a,b,c",
                "--by",
                "land",
            ][..],
            words,
        ]
        .concat();
        let report: Value =
            serde_json::from_str(&stdout_of(folder.path(), &all, Stdio::null())).expect("JSON");
        report["body"].clone()
    };
    let of_long = body(&["long.csv", "--time", "time", "--event", "event"]);
    for words in [
        &["wide.csv", "--threads", "1"][..],
        &["wide.csv", "--threads", "4"],
        &["wide.jsonl", "--threads", "2"],
    ] {
        let of_wide = body(&[words, &["--unpivot", "*_at=*"]].concat());
        assert_eq!(of_wide["funnels"], of_long["funnels"]);
        for key in ["persons", "sessions", "from", "to", "tied_rows"] {
            assert_eq!(of_wide["input"][key], of_long["input"][key], "{key}");
        }
        assert_eq!(of_wide["input"]["rows"]["used"], 5000);
        assert_eq!(of_wide["input"]["wide"]["events"], used);
        let without = 5000 - of_long["input"]["persons"].as_u64().expect("a count");
        assert_eq!(of_wide["input"]["wide"]["rows_without_time"], without);
    }
}
