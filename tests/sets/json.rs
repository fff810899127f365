//! `JSONTestSuite`, Seriot (2016): texts that are JSON, that are not, and that may be either. Each is the value
//! of a key that nobody asks for, on a line of its own, and in an array of its own.

use crate::lines::{escaped, unescaped};
use crate::shared;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const KNOWN: &str = "\"user\":\"u\",\"time\":\"2026-01-01T00:00:00Z\",\"event\":\"view\"";

struct Text {
    name: String,
    /// `accepted`, `rejected`, or the code of the reject.
    expected: String,
    bytes: Vec<u8>,
}

/// All 318: the table, and the two that are longer than a table should hold.
fn texts() -> Vec<Text> {
    let line = |line: &str| {
        let mut parts = line.splitn(3, '\t').map(str::to_owned);
        let mut part = || parts.next().expect("name, verdict and text");
        Text { name: part(), expected: part(), bytes: unescaped(&part()).expect("a known escape") }
    };
    let repeated = |name: &str, bytes: String| Text {
        name: name.to_owned(),
        expected: "rejected".to_owned(),
        bytes: bytes.into_bytes(),
    };
    let long = [
        repeated("n_structure_100000_opening_arrays.json", "[".repeat(100_000)),
        repeated("n_structure_open_array_object.json", "[{\"\":".repeat(50_000) + "\n"),
    ];
    include_str!("json.txt").lines().map(line).chain(long).collect()
}

/// A report of `input.json`, and the rejects: code by line.
fn report(bytes: &[u8]) -> (Value, BTreeMap<u64, String>) {
    run(bytes, &[]).unwrap_or_else(|said| panic!("{said}\n{}", escaped(bytes)))
}

/// The same with more flags; what is said where there is none.
fn run(bytes: &[u8], more: &[&str]) -> Result<(Value, BTreeMap<u64, String>), String> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the folder of tests is writable");
    std::fs::write(folder.path().join("input.json"), bytes).expect("a file can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_dropoff"))
        .current_dir(folder.path())
        .env_remove("DROPOFF_CONFIG")
        .args(["report", "input.json", "--user", "user", "--time", "time", "--event", "event"])
        .args([
            "--steps",
            "view,buy",
            "--format",
            "json",
            "--max-rejects",
            "100%",
            "--rejects",
            "rejects.csv",
        ])
        .args(more)
        .output()
        .expect("the program starts");
    if !output.status.success() {
        assert_eq!(output.status.code(), Some(1));
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok((serde_json::from_slice(&output.stdout).expect("JSON"), rejects(&folder.path().join("rejects.csv"))))
}

fn rejects(path: &Path) -> BTreeMap<u64, String> {
    let Ok(mut reader) = csv::Reader::from_path(path) else { return BTreeMap::new() };
    let header = reader.byte_headers().expect("a header").clone();
    let column = |name: &str| header.iter().position(|column| column == name.as_bytes()).expect("a column");
    let (line, code) = (column("line"), column("code"));
    let text =
        |record: &csv::ByteRecord, column: usize| String::from_utf8_lossy(&record[column]).into_owned();
    let records = reader.byte_records().map(|record| record.expect("CSV"));
    records.map(|record| (text(&record, line).parse().expect("a line"), text(&record, code))).collect()
}

/// Rows read, used and rejected.
fn account(report: &Value) -> [u64; 3] {
    let rows = &report["body"]["input"]["rows"];
    ["read", "used", "rejected"].map(|name| rows[name].as_u64().expect("a count"))
}

#[test]
fn every_text_on_a_line_of_its_own_is_accepted_or_rejected_there() {
    let texts: Vec<Text> = texts().into_iter().filter(|text| !text.bytes.contains(&b'\n')).collect();
    assert_eq!(texts.len(), 308);
    let around: [[&str; 2]; 2] = [["{\"unused\":", ",@}\n"], ["{@,\"unused\":", "}\n"]];
    for [before, after] in around.map(|around| around.map(|part| part.replace('@', KNOWN))) {
        let lines = texts.iter().map(|text| [before.as_bytes(), &text.bytes, after.as_bytes()].concat());
        let (report, rejects) = report(&lines.collect::<Vec<_>>().concat());
        let mut wrong = Vec::new();
        for (text, line) in texts.iter().zip(1..) {
            let found = rejects.get(&line).map(String::as_str);
            let is_expected = match text.expected.as_str() {
                "accepted" => found.is_none(),
                "rejected" => found.is_some(),
                code => found == Some(code),
            };
            if !is_expected {
                wrong.push(format!("{}: {found:?}, not {}", text.name, text.expected));
            }
        }
        assert_eq!(wrong, Vec::<String>::new(), "{before}…{after}");
        let rejected = rejects.len() as u64;
        assert_eq!(account(&report), [308, 308 - rejected, rejected]);
    }
}

/// The first line that an element stands on which holds a text, and the file.
fn array_with(text: &[u8]) -> (u64, Vec<u8>) {
    let before = format!("[\n{{{KNOWN},\"unused\":1}},\n{{{KNOWN},\"unused\":");
    let after = format!("}},\n{{{KNOWN}}}\n]\n");
    (3, [before.as_bytes(), text, after.as_bytes()].concat())
}

/// Of what is not sound the brackets and quotes decide: an element whose end they tell costs itself, and another
/// ends the run. Nothing is left out in silence.
#[test]
fn every_text_in_an_element_of_an_array_is_accepted_or_rejected_or_ends_the_run() {
    let (mut rejected, mut stopped) = (0, 0);
    for text in texts() {
        let (line, file) = array_with(&text.bytes);
        match run(&file, &[]) {
            Ok((report, rejects)) if text.expected == "accepted" => {
                assert_eq!((account(&report), rejects.len()), ([3, 3, 0], 0), "{}", text.name);
            }
            Ok((report, rejects)) => {
                rejected += 1;
                assert_eq!(account(&report), [3, 2, 1], "{}", text.name);
                assert_eq!(rejects.into_keys().collect::<Vec<_>>(), [line], "{}", text.name);
            }
            Err(said) => {
                stopped += 1;
                assert!(said.starts_with("error[E-F14]: input.json is damaged"), "{}: {said}", text.name);
                assert_ne!(text.expected, "accepted", "{}: {said}", text.name);
            }
        }
    }
    assert!(rejected > 50 && stopped > 50, "{rejected} rejected, {stopped} ended the run");
}

/// Whether an element ends is told by hand.
#[test]
fn of_texts_with_line_breaks_those_whose_end_is_known_are_rejected() {
    let texts: Vec<Text> = texts().into_iter().filter(|text| text.bytes.contains(&b'\n')).collect();
    assert_eq!(texts.len(), 10);
    for text in texts {
        let (line, file) = array_with(&text.bytes);
        let lines = file.split(|byte| *byte == b'\n').count() as u64;
        let (report, rejects) = run(&file, &["--salvage"]).expect("it is salvaged");
        let places: Vec<u64> = rejects.into_keys().collect();
        match (text.expected.as_str(), text.name.as_str()) {
            ("accepted", _) => assert_eq!((account(&report), places), ([3, 3, 0], vec![]), "{}", text.name),
            // Its brackets fit, and so do its quotes.
            (_, "n_number_invalid-utf-8-in-int.json") => {
                assert_eq!((account(&report), places), ([3, 2, 1], vec![line]));
            }
            _ => {
                assert_eq!((account(&report), places.len()), ([2, 1, 1], 1), "{}", text.name);
                assert!((line..=lines).contains(&places[0]), "{}: line {}", text.name, places[0]);
                assert!(run(&file, &[]).is_err(), "{}", text.name);
            }
        }
    }
}

#[test]
fn what_must_be_accepted_is_and_what_must_not_is_not() {
    for Text { name, expected, .. } in texts() {
        match name.get(..2) {
            Some("y_") => assert_eq!(expected, "accepted", "{name}"),
            Some("n_") => assert_eq!(expected, "rejected", "{name}"),
            _ => assert!(["accepted", "R03", "R10", "R11"].contains(&expected.as_str()), "{name}"),
        }
    }
}

#[test]
fn the_table_is_the_set() {
    let Some(folder) = shared("bad/json/test_parsing") else { return };
    let texts = texts();
    assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), texts.len());
    for Text { name, bytes, .. } in texts {
        let original = std::fs::read(folder.join(&name)).expect("a file of the set");
        assert!(original == bytes, "{name}: {}", escaped(&original));
    }
}
