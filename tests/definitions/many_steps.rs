//! A funnel of 200 steps from the file to the report: nothing about the number of steps is special.
//!
//! Person k of 200 does steps 1 to k, one a minute, so that step s is reached by the 201 - s people from
//! s on. All figures follow from that.

use super::printed;
use serde_json::Value;
use std::fmt::Write as _;

const STEPS: usize = 200;

/// The log, and the funnel with further keys of it and of its second step.
fn report(keys: &str, of_second_step: &str, arguments: &[&str]) -> String {
    let mut log = "who,when,what\n".to_owned();
    for person in 1..=STEPS {
        for step in 1..=person {
            let minute = step - 1;
            writeln!(log, "p{person},2026-01-01 {:02}:{:02}:00,s{step}", minute / 60, minute % 60)
                .expect("a text");
        }
    }
    let steps: Vec<String> = (1..=STEPS)
        .map(|step| {
            let more = if step == 2 { of_second_step } else { "" };
            format!("  {{ name = \"Step {step}\", event = \"s{step}\"{more} }},\n")
        })
        .collect();
    let definition = format!(
        "[source]\nuser = \"who\"\ntime = \"when\"\nevent = \"what\"\n\n[funnel.long]\n{keys}\nsteps = [\n{}]\n",
        steps.concat()
    );
    let mut words = vec!["report", "log.csv", "--config", "dropoff.toml"];
    words.extend(arguments);
    printed(&[("log.csv", &log), ("dropoff.toml", &definition)], &words)
}

fn json(keys: &str, of_second_step: &str) -> Value {
    serde_json::from_str(&report(keys, of_second_step, &["--format", "json"])).expect("JSON")
}

fn assert_staircase(report: &Value) {
    let funnel = &report["body"]["funnels"][0];
    let steps = funnel["conversion"]["steps"].as_array().expect("steps");
    assert_eq!(steps.len(), STEPS);
    for (place, step) in steps.iter().enumerate() {
        assert_eq!(step["name"], format!("Step {}", place + 1));
        assert_eq!(step["reached"], STEPS - place);
        assert_eq!(step["of_first"], (STEPS - place) as f64 / STEPS as f64);
    }
    assert_eq!((&funnel["entered"], &funnel["converted"]), (&200.into(), &1.into()));
    // Person 200 takes 199 minutes.
    assert_eq!(funnel["time_to_purchase"]["p50_s"], 11_940.0);
    let gaps = funnel["time_to_purchase"]["steps"].as_array().expect("gaps");
    assert!(gaps.len() == 199 && gaps.iter().all(|gap| gap["p50_s"] == 60.0));
}

#[test]
fn two_hundred_steps_by_each_method() {
    assert_staircase(&json("", ""));
    // A limit of a gap, an arrow, ties in the order of the file, other rules.
    assert_staircase(&json("", ", within = \"1m\""));
    assert_staircase(&json("", ", arrow = \"adjacent\""));
    assert_staircase(&json("tie = \"file\"", ", after = \"1m\""));
    assert_staircase(&json("rules = \"clickhouse\"", ""));
    assert_staircase(&json("rules = \"ga4\"\nwindow = \"1m\"", ""));
}

#[test]
fn a_short_window_cuts_them_at_its_end() {
    // An hour from step 1 holds the steps 1 to 61.
    let report = json("window = \"1h\"", "");
    let steps = report["body"]["funnels"][0]["conversion"]["steps"].as_array().expect("steps");
    let reached: Vec<u64> = steps.iter().map(|step| step["reached"].as_u64().expect("a count")).collect();
    let by_hand: Vec<u64> = (1..=200).map(|step| if step <= 61 { 201 - step } else { 0 }).collect();
    assert_eq!(reached, by_hand);
}

#[test]
fn the_table_for_people_has_a_line_for_each() {
    let text = report("", "", &[]);
    for step in [1, 2, 99, 199, 200] {
        assert!(text.lines().any(|line| line.contains(&format!("Step {step} "))), "step {step} is shown");
    }
}
