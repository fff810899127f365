//! `--min-cell`: what is not shown cannot be worked out.
//!
//! Two logs that differ only in how the people of hidden cells are spread over these cells give the same body,
//! byte for byte: so nothing that is printed, at whatever level, tells of a hidden cell how many people it has.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use std::process::Command;

const LEAST: u64 = 5;

/// What becomes of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Person {
    converts: bool,
    returns: bool,
    last: u8,
}

/// People by cell: those of two large ones, and of some small ones.
#[derive(Debug, Clone)]
struct Cells {
    large: Vec<Vec<Person>>,
    small: Vec<Vec<Person>>,
}

fn person() -> impl Strategy<Value = Person> {
    (any::<bool>(), any::<bool>(), 0_u8..4).prop_map(|(converts, returns, last)| Person {
        converts,
        returns,
        last,
    })
}

fn cells() -> impl Strategy<Value = Cells> {
    let large = proptest::collection::vec(proptest::collection::vec(person(), 6..12), 2..4);
    let small = proptest::collection::vec(proptest::collection::vec(person(), 1..4), 2..4);
    (large, small).prop_map(|(large, small)| Cells { large, small })
}

impl Cells {
    /// One person of a small cell goes to another, which stays small.
    fn moved(&self, from: usize) -> Option<Cells> {
        let mut moved = self.clone();
        let from = from % moved.small.len();
        let to =
            (0..moved.small.len()).find(|&to| to != from && (moved.small[to].len() as u64) < LEAST - 1)?;
        if moved.small[from].len() < 2 {
            return None;
        }
        let person = moved.small[from].pop()?;
        moved.small[to].push(person);
        Some(moved)
    }

    /// Rows of everybody; the cell is the country, or the day of the entry. Who people are depends on what
    /// becomes of them, not on their cell.
    fn log(&self, is_day: bool) -> String {
        let mut log = String::from("user_id,timestamp,event,country\n");
        let mut numbers = std::collections::HashMap::<(bool, bool, u8), u32>::new();
        // Large ones lie at both ends, so that the span is the same.
        let (first, rest) = self.large.split_first().expect("there are large ones");
        let all = [first].into_iter().chain(&self.small).chain(rest);
        for (cell, people) in all.enumerate() {
            let (day, country) = if is_day { (cell + 1, "IL".to_owned()) } else { (1, format!("c{cell}")) };
            for person in people {
                let number = numbers.entry((person.converts, person.returns, person.last)).or_default();
                *number += 1;
                let id =
                    format!("{:?}{number}", (person.converts, person.returns, person.last)).replace(',', "-");
                let mut row = |hour: u32, event: &str| {
                    log.push_str(&format!("{id},2026-01-{day:02}T{hour:02}:00:00Z,{event},{country}\n"));
                };
                row(0, "view");
                row(1, &format!("did {}", person.last));
                if person.returns {
                    row(3, &format!("again {}", person.last));
                }
                if person.converts {
                    row(4, "cart");
                }
            }
        }
        log
    }
}

fn body(log: &str, more: &[&str]) -> Value {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the folder of tests is writable");
    std::fs::write(folder.path().join("log.csv"), log).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_dropoff"))
        .current_dir(folder.path())
        .env_remove("DROPOFF_CONFIG")
        .args(["report", "log.csv", "--steps", "view,cart", "--window", "20h"])
        .args(["--format", "json", "--threads", "1"])
        .args(more)
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    json["body"].take()
}

/// Runs both logs; they must hide something, and say the same.
fn check(more: &'static [&'static str], is_day: bool) {
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let ran = runner.run(&(cells(), 0_usize..4), |(cells, from)| {
        let Some(moved) = cells.moved(from) else { return Ok(()) };
        let (one, other) = (body(&cells.log(is_day), more), body(&moved.log(is_day), more));
        prop_assert_eq!(&one, &other);
        let hidden =
            one["warnings"].as_array().into_iter().flatten().find(|warning| warning["code"] == "W29");
        let n = hidden.and_then(|warning| warning["n"].as_u64()).unwrap_or(0);
        prop_assert!(n >= 2 && n >= cells.small.len() as u64, "{} hidden", n);
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn nothing_tells_of_the_people_in_hidden_segments() {
    check(&["--by", "country", "--min-cell", "5"], false);
}

#[test]
fn nothing_tells_of_the_sessions_in_hidden_segments() {
    check(&["--by", "country", "--unit", "session", "--min-cell", "5"], false);
}

#[test]
fn nothing_tells_of_the_people_in_hidden_days() {
    check(&["--trend", "day", "--min-cell", "5"], true);
}

/// What is shown is what is shown without the flag, and totals never change.
#[test]
fn what_is_shown_is_the_same_without_it() {
    let log = "user_id,timestamp,event,country\n".to_owned()
        + &(0..17)
            .map(|person| {
                let country = ["IL", "DE", "FR"][usize::from(person > 8) + usize::from(person > 14)];
                format!("u{person},2026-01-01T00:00:00Z,view,{country}\n")
            })
            .collect::<String>();
    let with = body(&log, &["--by", "country", "--min-cell", "5"]);
    let without = {
        let mut all = body(&log, &["--by", "country", "--min-cell", "2"]);
        all["funnels"][0].take()
    };
    let with = &with["funnels"][0];
    assert_eq!(with["entered"], without["entered"]);
    assert_eq!(with["conversion"], without["conversion"]);
    assert_eq!(without["segments"].as_array().map(Vec::len), Some(3));
    let (shown, all) = (&with["segments"][0], &without["segments"][0]);
    assert_eq!(shown["conversion"], all["conversion"]);
    assert_eq!(shown["time_to_purchase"], all["time_to_purchase"]);
    assert_eq!((&shown["by"]["country"], &shown["entered"]), (&"IL".into(), &9.into()));
}
