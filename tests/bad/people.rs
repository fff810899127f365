//! U: people and events.

use crate::case::{Ended, Kind, Run, kind};
use serde_json::Value;
use std::fmt::Write as _;

const HEADER: &str = "user_id,timestamp,event\n";
const ROLES: &str = "--user user_id --time timestamp --event event";

pub fn kinds() -> Vec<Kind> {
    let mut kinds = ids();
    kinds.extend(sizes());
    kinds.extend(repeats());
    kinds.extend(events());
    kinds.extend(values());
    kinds.sort_by_key(|kind| kind.id);
    kinds
}

fn report(rows: &str, more: &str) -> Run {
    Run::report("a.csv", format!("{HEADER}{rows}"), &format!("{ROLES} {more}"))
}

fn validate(rows: &str, more: &str) -> Run {
    Run::of(&format!("validate a.csv --format json {ROLES} {more}")).file("a.csv", format!("{HEADER}{rows}"))
}

/// Rows of these people, one after the other, each with one view.
fn views<'p>(people: impl IntoIterator<Item = &'p str>) -> String {
    let people = people.into_iter().enumerate();
    people.fold(String::new(), |mut rows, (minute, person)| {
        let (hour, minute) = (minute / 60, minute % 60);
        let _ = writeln!(rows, "{person},2026-01-01T{hour:02}:{minute:02}:00Z,view");
        rows
    })
}

/// A value of the JSON, by its path.
fn expect(ended: &Ended<'_>, path: &str, expected: impl Into<Value>) -> Result<(), String> {
    let json = ended.json.ok_or("no JSON on standard output")?;
    let (found, expected) = (json.pointer(path).unwrap_or(&Value::Null), expected.into());
    if *found == expected { Ok(()) } else { Err(format!("{path} is {found}, expected {expected}")) }
}

/// Nothing that is said has an id of a list or a map.
fn no_address(ended: &Ended<'_>) -> Result<(), String> {
    let said = String::from_utf8_lossy(&ended.output.stderr);
    if said.contains("@shop.com") { Err("an id is told".to_owned()) } else { Ok(()) }
}

fn ids() -> Vec<Kind> {
    let nobodies = views(["u1", "", "NULL", "N/A", "0", "undefined", "00000000-0000-0000-0000-000000000000"]);
    let null_ids = "--null-id NULL --null-id N/A --null-id 0 --null-id undefined \
                    --null-id 00000000-0000-0000-0000-000000000000";
    let with_map =
        |map: &str| report(&views(["a", "b"]), "--identity map.csv").file("map.csv", map.to_owned());
    let with_map_anonymized = |map: &str| {
        let run = report(&views(["a", "b"]), "--identity map.csv --anonymize");
        run.file("map.csv", map.to_owned()).exit(2).check(no_address)
    };
    let sessions = "user_id,timestamp,event,session_id\nu1,2026-01-01T00:00:00Z,view,s1\n\
                    u2,2026-01-01T00:01:00Z,view,s1\nu3,2026-01-01T00:02:00Z,view,s2\n";
    vec![
        kind(
            "U01",
            "ids that are missing, empty, or `NULL`, `N/A`, `0`, `undefined`, a UUID of zeros",
            "an empty id and a null of JSON are nobody (R07); the others are ids, with a warning where more than 0.1 % of \
             the rows have one (W09, in `inspect` and `validate`); `--null-id` makes nobody of them",
        )
        .run(validate(&nobodies, "").exit(3).account(7, 6, 1, 0).rejects("R07", 1).warns("W09", 5))
        .run(validate(&nobodies, null_ids).exit(3).account(7, 1, 6, 0).rejects("R07", 6))
        .run(
            Run::of(&format!("validate a.jsonl --format json {ROLES}"))
                .file(
                    "a.jsonl",
                    "{\"user_id\":\"u1\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"event\":\"view\"}\n\
                     {\"user_id\":null,\"timestamp\":\"2026-01-01T00:00:00Z\",\"event\":\"view\"}\n\
                     {\"timestamp\":\"2026-01-01T00:00:00Z\",\"event\":\"view\"}\n\
                     {\"user_id\":\"\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"event\":\"view\"}\n",
                )
                .exit(3)
                .account(4, 1, 3, 0)
                .rejects("R07", 3),
        ),
        kind(
            "U08",
            "ids that differ in case alone; e-mail addresses as ids",
            "ids are compared as they are; those alike but for case and blanks are counted (W11), and where half of the ids \
             look like e-mail addresses that is said (W12), both in `inspect` and `validate`; no id is printed",
        )
        .run(
            validate(&views(["ann@example.com", "Ann@example.com", "bob@example.com"]), "")
                .account(3, 3, 0, 0)
                .warns("W11", 2)
                .warns("W12", 3)
                .check(|ended| {
                    expect(ended, "/body/input/persons", 3)?;
                    let printed = String::from_utf8_lossy(&ended.output.stdout).to_lowercase();
                    if printed.contains("ann@") { Err("an id is printed".to_owned()) } else { Ok(()) }
                }),
        ),
        kind(
            "U09",
            "a map of ids with a circle, or with two persons for one id",
            "stops (E-U09, exit 2) with the line of the map, and never with an id; other faults of the map say the text at \
             fault, with `--anonymize` its line and column alone; ids are one person where the map is sound",
        )
        .run(
            with_map("ann@shop.com,x\nid,person\n")
                .exit(2)
                .says("error: map.csv:1: there is no column \"ann@shop.com\" in a map of ids"),
        )
        .run(
            with_map_anonymized("ann@shop.com,x\nid,person\n")
                .says("error: map.csv:1: there is no column (left out) in a map of ids")
                .says("hint: the columns of a map are id, person"),
        )
        .run(
            with_map_anonymized("{\"id\":\"a\",\"person\":\"b\"}\n{\"id\":\"a\",\"person\":\"b\",\"ann@shop.com\":1}\n")
                .says("error: map.csv:2: there is no column (left out)"),
        )
        .run(
            with_map_anonymized("id,person,valid_from\na,x,ann@shop.com\n")
                .says("error: map.csv:2: column `valid_from`: (left out) is not a time: write 2026-01-31"),
        )
        .run(
            with_map_anonymized("id,person,column\na,x,ann@shop.com\n")
                .says("error: map.csv:2: column `column`: (left out) is no person column; there are user_id"),
        )
        .run(
            with_map_anonymized("id,person\nann@shop.com,x\nann@shop.com,y\n")
                .says("error[E-U09]: map.csv:3: column `id`"),
        )
        // The same of a list of ids that has no names in its first line.
        .run(
            Run::of("validate a.csv --anonymize --cohort list.csv")
                .file("a.csv", "user_id,timestamp,event\nu1,2026-01-01T00:00:00Z,view\n")
                .file("list.csv", "ann@shop.com,7\nbob@shop.com,8\n")
                .exit(2)
                .says("list.csv: 2 columns, and none of them is called")
                .check(no_address),
        )
        .run(
            with_map("id,person\na,b\nb,a\n")
                .exit(2)
                .says("error[E-U09]: map.csv:")
                .says("column `person`"),
        )
        .run(
            with_map("id,person\na,x\na,y\n").exit(2).says("error[E-U09]: map.csv:3: column `id`"),
        )
        .run(
            with_map("id,person\na,x\nb,x\n")
                .account(2, 2, 0, 0)
                .check(|ended| expect(ended, "/body/input/persons", 1)),
        ),
        kind(
            "U15",
            "one session id for two people",
            "a session is told by its person and its id together; how many ids are shared is said (W13, in `inspect` and \
             `validate`)",
        )
        .run(
            Run::of(&format!("validate a.csv --format json {ROLES} --session session_id"))
                .file("a.csv", sessions)
                .account(3, 3, 0, 0)
                .warns("W13", 1)
                .check(|ended| expect(ended, "/body/input/log_sessions/sessions", 3)),
        ),
    ]
}

fn sizes() -> Vec<Kind> {
    let crowd: Vec<String> = (0..20).map(|n| format!("u{n}")).collect();
    let crawler = vec!["robot"; 180];
    let dominated = views(crowd.iter().map(String::as_str).chain(crawler));
    let people: Vec<String> = (0..60_000).map(|n| format!("person-{n:05}")).collect();
    let rows = people.iter().fold(String::new(), |mut rows, person| {
        let _ = writeln!(rows, "{person},2026-01-01T00:00:00Z,view");
        rows
    });
    vec![
        kind(
            "U02",
            "one crawler with nine tenths of the rows",
            "counted like anybody, in bounded memory, with a warning (W10)",
        )
        .run(
            report(&dominated, "")
                .account(200, 200, 0, 0)
                .warns("W10", 180)
                .check(|ended| expect(ended, "/body/input/persons", 21)),
        ),
        kind(
            "U03",
            "very many people",
            "what does not fit in `--memory` waits in temporary files, with the same numbers; shown with 60,000 people in \
             the least memory that a run takes",
        )
        .run(
            report(&rows, "--memory 49MB --threads 1")
                .account(60_000, 60_000, 0, 0)
                .check(|ended| {
                    expect(ended, "/body/input/persons", 60_000)?;
                    expect(ended, "/body/funnels/0/entered", 60_000)
                }),
        ),
        kind(
            "U04",
            "one event a person",
            "a funnel of one step: all who do it convert at once",
        )
        .run(
            Run::of(&format!("report a.csv --steps view --format json {ROLES}"))
                .file("a.csv", format!("{HEADER}{}", views(["u1", "u2"])))
                .account(2, 2, 0, 0)
                .check(|ended| {
                    expect(ended, "/body/funnels/0/entered", 2)?;
                    expect(ended, "/body/funnels/0/converted", 2)
                }),
        ),
    ]
}

fn repeats() -> Vec<Kind> {
    let rows = "u1,2026-01-01T00:00:00Z,view\nu1,2026-01-01T00:00:00Z,view\nu1,2026-01-01T00:10:00Z,cart\n";
    let keyed = "user_id,timestamp,event,event_id\nu1,2026-01-01T00:00:00.0Z,view,1\n\
                 u1,2026-01-01T00:00:00.8Z,view,1\nu1,2026-01-01T00:00:01.1Z,view,1\nu1,2026-01-01T01:00:00Z,view,1\n";
    let by_key = |more: &str| {
        Run::of(&format!(
            "report a.csv --steps 'view,cart' --format json {ROLES} --dedupe-key event_id {more}"
        ))
        .file("a.csv", keyed)
    };
    let export = format!("{HEADER}{}", views(["u1", "u2", "u3"]));
    vec![
        kind(
            "U05",
            "rows that came twice",
            "kept and counted (W04, in `inspect` and `validate`); `--dedupe-exact` keeps one of the rows alike in all, \
             `--dedupe-key` one of those alike in a key, with `--dedupe-window 1s` only those no further behind",
        )
        .run(validate(rows, "").account(3, 3, 0, 0).warns("W04", 1))
        .run(
            report(rows, "--dedupe-exact")
                .account(3, 2, 0, 0)
                .check(|ended| expect(ended, "/body/input/rows/duplicates", 1)),
        )
        .run(by_key("").account(4, 1, 0, 0).check(|ended| expect(ended, "/body/input/rows/duplicates", 3)))
        .run(
            // 0.8 lies within a second of 0.0, 1.1 does not and is kept, and an hour later is another event.
            by_key("--dedupe-window 1s")
                .account(4, 3, 0, 0)
                .check(|ended| expect(ended, "/body/input/rows/duplicates", 1)),
        )
        .run(
            report(rows, "--dedupe-window 1s")
                .exit(2)
                .says("--dedupe-window: it goes with a key alone")
                .says("hint: name the columns with --dedupe-key"),
        ),
        kind(
            "U06",
            "the same export under two names",
            "over half of the rows repeat another: warned of (W03, in `inspect` and `validate`); `--dedupe-exact` keeps one \
             of each",
        )
        .run(
            Run::of(&format!("validate a.csv b.csv --format json {ROLES}"))
                .file("a.csv", export.clone())
                .file("b.csv", export.clone())
                .account(6, 6, 0, 0)
                .warns("W03", 3),
        )
        .run(
            Run::of(&format!("report a.csv b.csv --steps 'view,cart' --format json {ROLES} --dedupe-exact"))
                .file("a.csv", export.clone())
                .file("b.csv", export)
                .account(6, 3, 0, 0)
                .check(|ended| expect(ended, "/body/input/rows/duplicates", 3)),
        ),
        kind(
            "U07",
            "rows of one person at one instant",
            "may serve the steps in any order, each row once; `--tie file` trusts the file, `--tie strict` nothing",
        )
        .run(
            report("u1,2026-01-01T00:00:00Z,cart\nu1,2026-01-01T00:00:00Z,view\n", "")
                .account(2, 2, 0, 0)
                .check(|ended| expect(ended, "/body/funnels/0/converted", 1)),
        )
        .run(
            report("u1,2026-01-01T00:00:00Z,cart\nu1,2026-01-01T00:00:00Z,view\n", "--tie file")
                .account(2, 2, 0, 0)
                .check(|ended| expect(ended, "/body/funnels/0/converted", 0)),
        ),
    ]
}

fn events() -> Vec<Kind> {
    let pages = (0..3000).fold(String::new(), |mut rows, n| {
        let page = if n < 2500 { n } else { 0 };
        let _ = writeln!(rows, "u{},2026-01-01T00:00:{:02}Z,/product/{page}", n % 50, n % 60);
        rows
    });
    vec![
        kind(
            "U10",
            "a step that no row can serve",
            "0 people there, with a warning that names the nearest events (W01); in `check` as well, where a condition \
             such as `reached(chekout) < 1` fails (exit 100)",
        )
        .run(
            Run::of(&format!("report a.csv --steps 'view,chekout' --format json {ROLES}"))
                .file("a.csv", format!("{HEADER}{}u1,2026-01-01T09:00:00Z,checkout\n", views(["u1"])))
                .account(2, 2, 0, 0)
                .warns("W01", 0)
                .prints("nearest: checkout")
                .check(|ended| expect(ended, "/body/funnels/0/conversion/steps/1/reached", 0)),
        )
        .run(
            Run::of(&format!("check a.csv --steps 'view,chekout' --fail-if 'reached(chekout) < 1' {ROLES}"))
                .file("a.csv", format!("{HEADER}{}", views(["u1"])))
                .exit(100)
                .prints("W01"),
        ),
        kind(
            "U11",
            "thousands of event names, such as pages",
            "`inspect` shows the most frequent and adds up the rest exactly, with a hint to use a pattern",
        )
        .run(
            Run::of(&format!("inspect a.csv --format json {ROLES}"))
                .file("a.csv", format!("{HEADER}{pages}"))
                .account(3000, 3000, 0, 0)
                .check(|ended| {
                    // 501 rows of product 0, one of each of 2,499 others: 19 of them have a line.
                    expect(ended, "/body/events/names", 2500)?;
                    expect(ended, "/body/events/top/0/rows", 501)?;
                    expect(ended, "/body/events/other_names", 2480)?;
                    expect(ended, "/body/events/other_rows", 2480)
                }),
        )
        .run(
            Run::of(&format!("inspect a.csv {ROLES}"))
                .file("a.csv", format!("{HEADER}{pages}"))
                .prints("--derive"),
        ),
        kind(
            "U12",
            "event names with tabs, line breaks, emoji, signs that turn the direction of writing",
            "kept as they are, and escaped as each form of output asks",
        )
        .run(
            Run::of(&format!("inspect a.csv --format json {ROLES}"))
                .file(
                    "a.csv",
                    format!("{HEADER}u1,2026-01-01T00:00:00Z,\"a\tb\nc\"\nu1,2026-01-01T00:01:00Z,\u{1f6d2}\u{202e}x\n"),
                )
                .account(2, 2, 0, 0)
                .check(|ended| {
                    expect(ended, "/body/events/top/0/event", "a\tb\nc")?;
                    expect(ended, "/body/events/top/1/event", "\u{1f6d2}\u{202e}x")
                }),
        )
        .run(
            Run::of(&format!("inspect a.csv {ROLES}"))
                .file(
                    "a.csv",
                    format!("{HEADER}u1,2026-01-01T00:00:00Z,\"a\tb\nc\"\nu1,2026-01-01T00:01:00Z,\u{1f6d2}\u{202e}x\n"),
                )
                .prints("a\\tb\\nc")
                .prints("\u{1f6d2}‹RLO›x"),
        ),
        kind(
            "U16",
            "a purchase without a view, or before it",
            "no step is skipped: who did the later one first is counted as seen early, and who came in the middle as begun \
             elsewhere",
        )
        .run(
            report("u1,2026-01-01T00:00:00Z,cart\nu1,2026-01-01T00:10:00Z,view\nu2,2026-01-01T00:00:00Z,cart\n", "")
                .account(3, 3, 0, 0)
                .check(|ended| {
                    expect(ended, "/body/funnels/0/entered", 1)?;
                    expect(ended, "/body/funnels/0/converted", 0)?;
                    expect(ended, "/body/funnels/0/began_elsewhere", 1)
                }),
        ),
    ]
}

fn values() -> Vec<Kind> {
    let prices = |rows: &str, more: &str| {
        Run::report(
            "a.csv",
            format!("user_id,timestamp,event,price,currency\n{rows}"),
            &format!("{ROLES} --value price {more}"),
        )
    };
    let row = |person: &str, price: &str| format!("{person},2026-01-01T00:00:00Z,view,{price},ILS\n");
    vec![
        kind(
            "U13",
            "prices such as NaN, `1,234.50`, `₪12.30`, below zero, in two currencies",
            "what is no plain number is rejected (R09); below zero is used and counted (W22); two currencies stop the run \
             (E-U13, exit 2). Sums are exact decimals",
        )
        .run(
            prices(
                &[row("u1", "10"), row("u2", "NaN"), row("u3", "inf"), row("u4", "\"1,234.50\""), row("u5", "₪12.30")]
                    .concat(),
                "",
            )
            .exit(3)
            .account(5, 1, 4, 0)
            .rejects("R09", 4)
            .says("  --> a.csv:3:4 (byte 75, column `price`)")
            .says("not a finite number")
            .says("without grouping or currency signs"),
        )
        .run(
            prices(&[row("u1", "0.1"), row("u2", "0.2"), row("u3", "-0.4")].concat(), "--window 1h --as-of 2026-01-02")
                .account(3, 3, 0, 0)
                .warns("W22", 1)
                .check(|ended| expect(ended, "/body/funnels/0/abandonment/stages/0/value/sum", -0.1)),
        )
        .run(
            prices(&format!("{}u2,2026-01-01T00:00:00Z,view,5,USD\n", row("u1", "10")), "--currency currency")
                .exit(2)
                .says("error[E-U13]: ")
                .says("--where"),
        ),
        kind(
            "U14",
            "numbers that no amount holds: 1e400, 26 digits",
            "rejected (R09); what can be held is held exactly",
        )
        .run(
            prices(
                &[row("u1", "1e400"), row("u2", "12345678901234567890123456"), row("u3", "9223372036854.775807")]
                    .concat(),
                "",
            )
            .exit(3)
            .account(3, 1, 2, 0)
            .rejects("R09", 2)
            .says("a number too large for an amount"),
        ),
    ]
}
