//! The published cases of other tools (`testdata/conformance`), each under its origin's rules.
//!
//! A case becomes a definition file with the rules of its tool and a log, and is answered by the built
//! program; what the program cannot be asked yet is answered by the engine, and `run::waits_for` says why. Where
//! we answer differently on purpose, the case stands in [`DIFFERENCE`] with the reason and our own
//! answer, worked out by hand; the test wants both, that we differ and what we say instead. What no
//! setting of ours expresses stands in [`NOT_EXPRESSED`].

mod peer;
mod program;

use peer::answer::{Answer, sessions_differ};
use peer::{run, text};
use serde_json::Value;
use std::collections::BTreeMap;

const CASES: &str = include_str!("../testdata/conformance/cases.jsonl");

struct Difference {
    id: &'static str,
    reason: &'static str,
    /// Units that reached each step, by our rules.
    reached: &'static [u64],
}

const DIFFERENCE: [Difference; 4] = [
    // Users 1 and 2 have all four rows in order, user 3 lacks the second begin_checkout.
    Difference {
        id: "clickhouse-012",
        reason: "under strict order a row that matches steps 1 and 3 is there a step 3 that comes too early, \
                 even where it is taken as step 1; here a row of the chain does not lie between its rows",
        reached: &[3, 3, 2, 2],
    },
    // Users 10 to 19 have checkout and a foreign row at one instant.
    Difference {
        id: "pinot-002",
        reason: "a row of no step comes before the rows of steps at its instant there; here rows of a \
                 step's own instant do not lie between",
        reached: &[40, 10, 0],
    },
    // Clean stretches of persons 1 to 4 hold two, two, three and five steps.
    Difference {
        id: "posthog-048",
        reason: "a try that meets an exclusion is thrown away there even after its last step; here the \
                 steps before it stay",
        reached: &[5, 4, 2, 1, 1],
    },
    // One person comes through twice, first in two and two hours, the next day in three and three.
    Difference {
        id: "posthog-049",
        reason: "times of equally deep tries of a person are averaged there; here all figures are those of one chain",
        reached: &[3, 2, 1],
    },
];

/// Cases, and why no setting of ours expresses them.
const NOT_EXPRESSED: [(&str, &str); 2] = [
    ("retentioneering-010", "sessions are cut by inactivity only, not by an event that separates them"),
    ("retentioneering-011", "sessions are cut by inactivity only, not by an event that separates them"),
];

#[test]
fn every_case_is_answered_as_its_origin_answers_or_differs_as_written() {
    let cases: Vec<Value> = CASES.lines().map(|line| serde_json::from_str(line).expect("a case")).collect();
    let mut same: BTreeMap<String, u32> = BTreeMap::new();
    let mut failures = Vec::new();
    let (mut differ, mut by_engine) = (0, 0);
    for case in &cases {
        let id = text(&case["id"]);
        if NOT_EXPRESSED.iter().any(|(named, _)| *named == id) {
            continue;
        }
        by_engine += u32::from(run::waits_for(case).is_some());
        let (found, unlike) = match text(&case["kind"]) {
            "funnel" | "trends" | "time_to_convert" => {
                let answer = Answer::of(case);
                (answer.reached(), answer.differs_from(&case["expected"]))
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
    println!(
        "{} cases; as the origin: {same:?}; DIFFERENCE: {differ}; by the engine alone: {by_engine}",
        cases.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(cases.len(), 155);
    assert_eq!(differ, DIFFERENCE.len());
    assert_eq!(by_engine, 8);
}

#[test]
fn what_differs_is_listed_in_the_documentation() {
    let document = include_str!("../docs/DEFINITIONS.md");
    let different = DIFFERENCE.iter().map(|difference| difference.id);
    for id in different.chain(NOT_EXPRESSED.iter().map(|(id, _)| *id)) {
        assert!(document.contains(&format!("`{id}`")), "{id}");
    }
}
