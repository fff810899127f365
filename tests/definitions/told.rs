//! What a report tells of its definition: every key of a funnel in the header and in JSON, and what other keys left out
//! of the rules.

use super::printed;
use serde_json::{Value, json};

const LOG: &str = "who,when,what,p\na,2026-01-01 08:00:00,a,1\na,2026-01-01 08:01:00,b,1\n";

const EVERY_KEY: &str = r#"[funnel.f]
window = "1h"
window_end = "exclusive"
row = "many"
exclusion = "remove"
steps = [
  { event = "a", nth = "first-ever" },
  { event = "look", optional = true },
  { name = "B", event = ["b", "bb*"], where = "p > 0", not = ["x", { event = "y", where = "p = 1" }], within = "2h", after = "2s" },
  { event = "c", arrow = ["no-repeat", "adjacent"], ignore = ["ping", { event = "look", where = "p = 1" }] },
  { event = "d", within = "10m" },
  { event = "e", within = "10m", nth = 1200 },
  { event = "f" },
]
"#;

fn report(file: &str, flags: &[&str]) -> String {
    let files = [("log.csv", LOG), ("dropoff.toml", file)];
    let mut words = vec!["report", "log.csv", "--config", "dropoff.toml"];
    words.extend(["--user", "who", "--time", "when", "--event", "what"]);
    words.extend(flags);
    printed(&files, &words)
}

fn definition(file: &str, flags: &[&str]) -> Value {
    let mut words = vec!["--format", "json"];
    words.extend(flags);
    let mut report: Value = serde_json::from_str(&report(file, &words)).expect("JSON");
    report["body"]["funnels"][0]["definition"].take()
}

/// The report with all blanks and line breaks made one blank.
fn told(file: &str, flags: &[&str]) -> String {
    report(file, flags).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn assert_told(text: &str, facts: &[&str]) {
    for fact in facts {
        assert!(
            text.contains(fact),
            "{fact}
{text}"
        );
    }
}

#[test]
fn every_key_of_a_step_is_in_the_list() {
    let step = |name: &str, events: Value| {
        json!({ "name": name, "events": events, "optional": false, "not": [], "within_s": null, "after_s": 0.0,
                "arrow": [], "ignore": [], "nth": null })
    };
    let mut steps = vec![
        step("a", json!(["a"])),
        step("look", json!(["look"])),
        step("B", json!(["b[p > 0]", "bb*[p > 0]"])),
        step("c", json!(["c"])),
        step("d", json!(["d"])),
        step("e", json!(["e"])),
        step("f", json!(["f"])),
    ];
    steps[0]["nth"] = json!(1);
    steps[1]["optional"] = json!(true);
    steps[2]["not"] = json!(["x", "y[p = 1]"]);
    steps[2]["within_s"] = json!(7200.0);
    steps[2]["after_s"] = json!(2.0);
    steps[3]["arrow"] = json!(["adjacent", "no-repeat"]);
    steps[3]["ignore"] = json!(["ping", "look[p = 1]"]);
    steps[4]["within_s"] = json!(600.0);
    steps[5]["within_s"] = json!(600.0);
    steps[5]["nth"] = json!(1200);
    let found = definition(EVERY_KEY, &[]);
    assert_eq!(found["step_list"], Value::Array(steps));
    assert_eq!(
        (&found["row"], &found["exclusion"], &found["window_end"]),
        (&json!("many"), &json!("remove"), &json!("exclusive"))
    );
    assert_eq!(found["left_out"], json!([]));
}

#[test]
fn every_key_that_differs_is_in_the_header() {
    let text = told(EVERY_KEY, &[]);
    assert_told(
        &text,
        &[
            "step 1 only occurrence 1 of the person's history",
            "step 2 at least 2 s and at most 2h 00m (without effect: beyond the window) after the step before",
            "step 3 arrow adjacent and no-repeat, ignoring ping, look[p = 1]",
            "step 4 at most 10m 00s after the step before",
            "step 5 at most 10m 00s after the step before; only occurrence 1,200 of the person's history",
            "window 1h 00m from the entry, exclusive",
            "row many: a row serves every step of a chain that it matches",
            "exclusion remove: the first attempt that meets a forbidden event ends there, and the unit is in no count",
        ],
    );
    assert!(!text.contains("step 6 "));

    let of_each = "[funnel.f]\nsteps = \"a, b, c, d\"\nrules = \"ga4\"\nwindow = \"1h\"\n";
    let text = told(of_each, &["--exclusion", "drop", "--row", "first"]);
    assert_told(
        &text,
        &[
            "window 1h 00m from each step to the next, inclusive",
            "row first: a row serves only the first step that it matches",
            "exclusion drop: without effect, as no step forbids an event",
        ],
    );
    assert!(!text.contains("step 2 ") && !text.contains("steps 2 "));

    let own = "[funnel.f]\nwindow = \"none\"\nsteps = [{ event = \"a\" }, { event = \"b\", within = \"1m\" }, { event = \"c\", within = \"1m\" }, { event = \"d\", within = \"2m\" }]\n";
    let text = told(own, &["--tie", "strict", "--tolerance", "5s"]);
    assert_told(
        &text,
        &[
            "steps 2 to 3 at most 1m 00s after the step before",
            "step 4 at most 2m 00s after the step before",
            "window each step's own, 4m 00s together, inclusive",
            "tolerance a row must lie more than 5 s behind that of the step before",
        ],
    );
}

#[test]
fn what_other_keys_leave_out_of_the_rules_is_told() {
    let steps = "steps = [{ event = \"a\" }, { event = \"b\", not = \"x\", arrow = \"no-disorder\" }]";
    let plain = "steps = \"a, b\"";
    let (any, open) = ("order = \"any\"", "open = true");
    for (keys, wanted) in [
        (vec!["rules = \"posthog\"", steps], vec![]),
        (vec!["rules = \"posthog\"", plain, any], vec![("choice", "order = any")]),
        (
            vec!["rules = \"posthog\"", "steps = \"a, !x, b\"", any],
            vec![("choice", "order = any"), ("exclusion", "order = any")],
        ),
        (vec!["rules = \"posthog\"", plain, "unit = \"attempt\""], vec![("choice", "unit = attempt")]),
        (
            vec!["rules = \"mixpanel\"", plain, any],
            vec![("entry", "order = any"), ("tolerance", "order = any")],
        ),
        (vec!["rules = \"mixpanel\"", plain, open], vec![("entry", "open = true")]),
        (
            vec!["rules = \"mixpanel\"", plain, open, "tie = \"file\""],
            vec![("entry", "open = true"), ("tolerance", "tie = file")],
        ),
        (vec!["rules = \"mixpanel\"", plain, "tie = \"strict\""], vec![("tolerance", "tie = strict")]),
        (vec!["rules = \"mixpanel\"", plain, "tie = \"strict\"", "tolerance = \"1s\""], vec![]),
        (vec!["rules = \"clickhouse\"", plain, open], vec![]),
        (vec!["rules = \"clickhouse\"", steps, open], vec![("blocked", "open = true")]),
        (
            vec!["rules = \"first-occurrence\"", plain, open],
            vec![("entry", "open = true"), ("choice", "open = true")],
        ),
        (vec!["rules = \"ga4\"", plain, any], vec![]),
        (vec![plain, any], vec![]),
    ] {
        let file = format!("[funnel.f]\n{}\n", keys.join("\n"));
        let wanted: Vec<Value> = wanted
            .into_iter()
            .map(|(setting, because)| json!({ "setting": setting, "because": because }))
            .collect();
        assert_eq!(definition(&file, &[])["left_out"], Value::Array(wanted), "{file}");
    }
    let file = "[funnel.f]\nsteps = \"a, b\"\nrules = \"mixpanel\"\n";
    let text = told(file, &["--open", "--tie", "file"]);
    let wanted = "rules mixpanel (left out for open = true: entry) (left out for tie = file: tolerance) with tie overridden, equal times by file, winning chains by newest-start";
    assert_told(&text, &[wanted]);
}
