//! What the documents say is what the program does: README commands, examples, lists of fields, golden cases.

use clap::Parser;
use dropoff::cli::args::Cli;
use dropoff::codes::LISTS;
use dropoff::definition::DefinitionFile;
use dropoff::event::{MINUTE_US, RejectCode};
use dropoff::funnel::definition::{Funnel, Terms, Unit};
use dropoff::funnel::engine::{Engine, Observation, Rows, Tie};
use dropoff::funnel::kinds::KindTable;
use dropoff::funnel::steps::parse_steps;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn dropoff(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dropoff"))
        .args(arguments)
        .current_dir(root())
        .env_remove("DROPOFF_CONFIG")
        .output()
        .expect("the program starts")
}

fn report_json(arguments: &[&str]) -> Value {
    let all = [&["report", "--format", "json"], arguments].concat();
    let output = dropoff(&all);
    assert!(output.status.success(), "{all:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the report is JSON")
}

/// Console blocks are run; a line `...` stands for any lines.
#[test]
fn console_blocks_of_the_documents_are_real() {
    trycmd::TestCases::new().case("README.md").case("docs/GUIDE.md");
}

#[test]
fn ci_runs_the_two_commands_of_the_readme() {
    let readme = read("README.md");
    let commands: Vec<&str> = readme
        .split("```sh\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .flat_map(str::lines)
        .filter(|line| line.starts_with("cargo "))
        .collect();
    assert_eq!(commands.len(), 2, "the README has two commands: {commands:?}");
    let script = read(".ci/run");
    for command in commands {
        let has_stage = script.lines().any(|line| {
            let mut words = line.split(' ');
            words.next() == Some("stage") && words.nth(1).is_some() && line.ends_with(&format!(" {command}"))
        });
        assert!(has_stage, "no stage of .ci/run is `{command}`");
    }
}

/// A funnel of the definition files in `examples/`.
struct ExampleFunnel {
    file: &'static str,
    name: &'static str,
    /// Entered and converted, as counted by a program in another language that tries every start.
    counted: Option<(u64, u64)>,
}

/// In the order of file names; a new file has to be added here.
const EXAMPLE_FUNNELS: [ExampleFunnel; 6] = [
    ExampleFunnel { file: "access-log.toml", name: "purchase", counted: Some((4, 1)) },
    ExampleFunnel { file: "cdnow.toml", name: "repeat", counted: Some((2_349, 450)) },
    ExampleFunnel { file: "ecom.toml", name: "purchase", counted: Some((598, 70)) },
    ExampleFunnel { file: "ibm.toml", name: "purchase", counted: None },
    ExampleFunnel { file: "snowplow.toml", name: "purchase", counted: None },
    ExampleFunnel { file: "snowplow.toml", name: "visit", counted: None },
];

#[test]
fn every_definition_file_of_the_examples_reports() {
    let files: BTreeSet<String> = fs::read_dir(root().join("examples"))
        .expect("there are examples")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    let mut reported = Vec::new();
    for file in &files {
        let report = report_json(&["--config", &format!("examples/{file}")]);
        assert_eq!(report["trusted"], true, "{file}");
        for funnel in report["body"]["funnels"].as_array().expect("a list") {
            let count = |key: &str| funnel[key].as_u64().expect("a count");
            let name = funnel["name"].as_str().expect("a name").to_owned();
            reported.push((file.clone(), name, count("entered"), count("converted")));
        }
    }
    assert_eq!(reported.len(), EXAMPLE_FUNNELS.len(), "{reported:?}");
    for ((file, name, entered, converted), expected) in reported.iter().zip(&EXAMPLE_FUNNELS) {
        assert_eq!((file.as_str(), name.as_str()), (expected.file, expected.name));
        assert!(0 < *converted && converted < entered, "{file}, {name}: {converted} of {entered}");
        if let Some(counted) = expected.counted {
            assert_eq!((*entered, *converted), counted, "{file}, {name}");
        }
    }
}

/// Every program of the examples, with what it prints.
#[test]
fn every_program_of_the_examples_runs() {
    let expected = BTreeMap::from([
        ("level_of_one_person", "Converted at level 3 by the rows of minutes [30, 45, 75]\n"),
        (
            "sessions_of_one_person",
            "2026-03-01T09:00:00Z first: 3 rows, 2550 s\n\
             2026-03-01T10:12:31Z timeout: 1 rows, 0 s\n\
             2026-03-02T08:00:00Z timeout: 2 rows, 60 s\n\
             median 60 s\n",
        ),
    ]);
    let programs: BTreeSet<String> = fs::read_dir(root().join("examples"))
        .expect("there are examples")
        .filter_map(|entry| entry.ok()?.path().to_str()?.strip_suffix(".rs").map(str::to_owned))
        .filter_map(|path| Some(Path::new(&path).file_name()?.to_str()?.to_owned()))
        .collect();
    assert_eq!(
        programs.iter().map(String::as_str).collect::<Vec<_>>(),
        expected.keys().copied().collect::<Vec<_>>()
    );
    let binaries = PathBuf::from(env!("CARGO_BIN_EXE_dropoff")).with_file_name("examples");
    for (name, printed) in expected {
        let program = binaries.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        let output = Command::new(&program).output().unwrap_or_else(|error| {
            panic!(
                "{}: {error}; `cargo test` builds it, `cargo test --test docs` alone does not",
                program.display()
            )
        });
        assert!(output.status.success(), "{name}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), printed, "{name}");
    }
}

/// A field of the report as `docs/FORMATS.md` lists it.
#[derive(Debug)]
struct Listed {
    kind: String,
    may_be_null: bool,
    may_be_left_out: bool,
}

/// Reads every table under a line `Found at: ...`.
fn listed_fields(formats: &str) -> BTreeMap<String, Listed> {
    let mut fields = BTreeMap::new();
    for section in formats.split("\n### ").skip(1) {
        let Some((_, rest)) = section.split_once("\nFound at: ") else { continue };
        let (places, table) = rest.split_once("\n\n").expect("a table follows");
        let mut prefixes: Vec<String> =
            places.split('`').skip(1).step_by(2).map(|prefix| format!("{prefix}.")).collect();
        if prefixes.is_empty() {
            prefixes.push(String::new());
        }
        for line in table.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            assert!(cells.len() >= 3, "a row of fields: {line}");
            let name = cells[0].trim_matches('`');
            for prefix in &prefixes {
                let listed = Listed {
                    kind: cells[1].to_owned(),
                    may_be_null: cells[2] != "never",
                    may_be_left_out: cells[2].starts_with("left out"),
                };
                let before = fields.insert(format!("{prefix}{name}"), listed);
                assert!(before.is_none(), "{prefix}{name} is listed twice");
            }
        }
    }
    fields
}

/// Keys that are data or settings, as the document writes them.
fn key_as_listed(path: &str, key: &str) -> String {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if path.ends_with("rejects") {
        return "{code}".to_owned();
    }
    if path.ends_with("segments[].by") {
        return "{column}".to_owned();
    }
    let (stem, unit) = match key.strip_suffix("_s") {
        Some(stem) => (stem, "_s"),
        None => (key, ""),
    };
    match stem.strip_prefix('p') {
        Some(quantile) if quantile.split('_').all(digits) && !path.contains("stages") => {
            format!("p{{q}}{unit}")
        }
        _ => key.to_owned(),
    }
}

fn fits(kind: &str, value: &Value) -> bool {
    let share = |value: &Value| value.as_f64().is_some_and(|share| (0.0..=1.0).contains(&share));
    match kind {
        "object" => value.is_object(),
        "list" => value.as_array().is_some_and(|list| list.iter().all(Value::is_object)),
        "text" => value.is_string(),
        "texts" => value.as_array().is_some_and(|list| list.iter().all(Value::is_string)),
        "counts" => value.as_array().is_some_and(|list| list.iter().all(Value::is_u64)),
        "limits" => value
            .as_array()
            .is_some_and(|list| list.iter().all(|limit| limit.is_null() || fits("seconds", limit))),
        "hash" => value
            .as_str()
            .is_some_and(|text| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())),
        "count" => value.is_u64(),
        "bool" => value.is_boolean(),
        "number" => value.is_number(),
        "share" => share(value),
        "seconds" => value.as_f64().is_some_and(|seconds| seconds >= 0.0),
        "interval" => value.as_array().is_some_and(|ends| {
            ends.len() == 2 && ends.iter().all(share) && ends[0].as_f64() <= ends[1].as_f64()
        }),
        "time" => {
            value.as_str().is_some_and(|text| text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok())
        }
        other => panic!("{other:?} is no type of docs/FORMATS.md"),
    }
}

/// Compares an object with the list and goes on into what it holds.
fn check_object(
    path: &str,
    object: &serde_json::Map<String, Value>,
    listed: &BTreeMap<String, Listed>,
    seen: &mut BTreeSet<String>,
) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    let mut here = BTreeSet::new();
    for (key, value) in object {
        let path = below(&key_as_listed(path, key));
        here.insert(path.clone());
        let field = listed.get(&path).unwrap_or_else(|| panic!("docs/FORMATS.md does not list {path}"));
        if value.is_null() {
            assert!(field.may_be_null, "{path} is null and listed as never null");
            continue;
        }
        assert!(fits(&field.kind, value), "{path} is listed as {} and is {value}", field.kind);
        match value {
            Value::Object(object) => check_object(&path, object, listed, seen),
            Value::Array(list) => {
                for object in list.iter().filter_map(Value::as_object) {
                    check_object(&format!("{path}[]"), object, listed, seen);
                }
            }
            _ => {}
        }
    }
    if path.ends_with("conversion.steps[]") {
        let count = |key: &str| object[key].as_u64().expect("a count");
        let parts = count("lost_dropped") + count("lost_open") + count("lost_excluded");
        assert_eq!(count("lost"), parts, "the parts of the lost at {path}");
    }
    let prefix = if path.is_empty() { String::new() } else { format!("{path}.") };
    for (name, field) in listed {
        let is_child = name.strip_prefix(&prefix).is_some_and(|rest| !rest.contains('.'));
        let is_always_there = !name.ends_with("{code}") && !field.may_be_left_out;
        assert!(!is_child || !is_always_there || here.contains(name), "{name} is listed and not written");
    }
    seen.append(&mut here);
}

#[test]
fn the_json_of_reports_is_what_the_formats_list() {
    let listed = listed_fields(&read("docs/FORMATS.md"));
    assert!(listed.len() > 200, "the tables were found: {}", listed.len());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let empty = folder.path().join("nobody.csv");
    fs::write(&empty, "user,time,event\nu1,2026-01-01T10:00:00Z,search\n").expect("it can be written");
    let bad = folder.path().join("bad.csv");
    fs::write(
        &bad,
        "user,time,event,device\n\
         u1,2026-01-01T10:00:00Z,view,\n\
         u1,2026-01-01T10:00:00Z,cart,app\n\
         u1,yesterday,purchase,app\n\
         u2,2026-01-01T11:00:00Z,view\n\
         u3,2026-01-02T11:00:00Z,view,web\n\
         u3,2026-01-02T11:00:00Z,purchase,web\n",
    )
    .expect("it can be written");
    let (empty, bad) = (empty.to_string_lossy(), bad.to_string_lossy());
    let (linked, map) = (folder.path().join("linked.csv"), folder.path().join("map.csv"));
    fs::write(
        &linked,
        "user,device,time,event,id\n\
         ,d1,2026-01-01T10:00:00Z,view,1\n\
         u1,d1,2026-01-01T10:05:00Z,purchase,2\n\
         u1,d1,2026-01-01T10:05:00Z,purchase,2\n",
    )
    .expect("it can be written");
    fs::write(&map, "id,person\nu1,ann\n").expect("it can be written");
    let (linked, map) = (linked.to_string_lossy(), map.to_string_lossy());
    let leads = folder.path().join("leads.csv");
    fs::write(&leads, "id,a_at,b_at\nx,2026-01-01,2026-01-02\ny,2026-01-03,\nz,,\n")
        .expect("it can be written");
    let ids = folder.path().join("ids.csv");
    fs::write(&ids, "id,name\nx,1\n,2\nx,3\nw,4\n").expect("it can be written");
    let (leads, ids) = (leads.to_string_lossy(), ids.to_string_lossy());
    let runs: &[&[&str]] = &[
        &[
            &linked,
            "--steps",
            "view, purchase",
            "--user",
            "user,device",
            "--stitch",
            "forward",
            "--identity",
            &map,
            "--dedupe-key",
            "id",
        ],
        &[&leads, "--user", "id", "--unpivot", "*_at=*", "--steps", "a, b", "--cohort", &ids],
        &[&leads, "--user", "id", "--unpivot", "*_at=*", "--steps", "a, b", "--cohort-not", &ids],
        &["--config", "examples/ecom.toml"],
        &["--config", "examples/access-log.toml"],
        &[
            "--config",
            "examples/ecom.toml",
            "--by",
            "platform,user_lifecycle",
            "--top",
            "2",
            "--trend",
            "week",
        ],
        &["--config", "examples/ecom.toml", "--window", "none", "--unit", "session", "--by", "platform"],
        &[
            "--config",
            "examples/snowplow.toml",
            "--user",
            "user",
            "--by",
            "checkout_step",
            "--trend",
            "month",
        ],
        &["--config", "examples/ibm.toml", "--by", "product_category", "--quantiles", "0.5,0.999"],
        &["--config", "examples/cdnow.toml", "--threads", "1"],
        &[
            "--config",
            "examples/ecom.toml",
            "--reproducible",
            "--where",
            "platform = 'tablet'",
            "--from",
            "2024-03-01",
        ],
        &[
            &bad,
            "--steps",
            "view, !cart, cart?, purchase",
            "--time",
            "time",
            "--time-format",
            "iso",
            "--max-rejects",
            "10",
            "--by",
            "device",
            "--trend",
            "day",
        ],
        &[&empty, "--steps", "view, purchase", "--by", "event", "--trend", "day"],
        &[
            "--config",
            "examples/ecom.toml",
            "--order",
            "any",
            "--anchor",
            "first",
            "--by",
            "platform",
            "--by-from",
            "step=2",
            "--trend",
            "month",
        ],
        &["--config", "examples/ecom.toml", "--open", "--by", "platform", "--unit", "session"],
        &["--config", "examples/ecom.toml", "--by", "platform", "--trend", "month", "--min-cell", "100000"],
        &["--config", "examples/ecom.toml", "--rules", "posthog", "--order", "any"],
    ];
    let mut seen = BTreeSet::new();
    for arguments in runs {
        let report = report_json(arguments);
        let object = report.as_object().expect("one object");
        check_object("", object, &listed, &mut seen);
    }
    let never: Vec<&String> = listed.keys().filter(|path| !seen.contains(*path)).collect();
    assert!(never.is_empty(), "listed in docs/FORMATS.md and never written: {never:#?}");
}

/// The rows of the first table under a heading: code and meaning.
fn table_of_codes(definitions: &str, heading: &str) -> Vec<(String, String)> {
    let (_, section) = definitions.split_once(heading).unwrap_or_else(|| panic!("{heading} is there"));
    let rows = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows = rows.take_while(|line| line.starts_with("| "));
    rows.map(|row| {
        let (code, meaning) = row.trim_matches('|').trim().split_once(" | ").expect("two cells");
        (code.to_owned(), meaning.replace('`', ""))
    })
    .collect()
}

/// Every text of the source that looks like a code of a warning or a stop, but for the table itself.
fn codes_in_the_source() -> BTreeSet<String> {
    let is_number = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_code = |text: &&str| {
        text.strip_prefix('W').is_some_and(is_number)
            || text.strip_prefix("E-").and_then(|rest| rest.get(1..)).is_some_and(is_number)
    };
    let mut codes = BTreeSet::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("it is a folder") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("codes.rs") {
                let text = fs::read_to_string(&path).unwrap_or_default();
                codes.extend(text.split('"').filter(is_code).map(str::to_owned));
            }
        }
    }
    codes
}

#[test]
fn all_codes_stand_in_one_table_and_in_the_definitions() {
    let definitions = read("docs/DEFINITIONS.md");
    let headings = ["## Reject codes", "## Warning codes", "## Stop codes"];
    for (heading, list) in headings.into_iter().zip(LISTS) {
        let known = list.codes.iter().map(|known| (known.code.to_owned(), known.meaning.to_owned()));
        assert_eq!(table_of_codes(&definitions, heading), known.collect::<Vec<_>>(), "{heading}");
    }
    let [rejects, others @ ..] = &LISTS;
    let rejects: Vec<&str> = rejects.codes.iter().map(|known| known.code).collect();
    assert_eq!(rejects, RejectCode::ALL.map(|code| code.to_string()));
    let listed: BTreeSet<String> =
        others.iter().flat_map(|list| list.codes).map(|known| known.code.to_owned()).collect();
    assert_eq!(codes_in_the_source(), listed);
}

#[test]
fn help_prints_all_codes() {
    let printed = dropoff(&["help", "codes"]);
    assert!(printed.status.success());
    let printed = String::from_utf8(printed.stdout).expect("text");
    for known in LISTS.iter().flat_map(|list| list.codes) {
        assert!(printed.lines().any(|line| line.trim_start().starts_with(known.code)), "{}", known.code);
    }
}

/// `validate` says of runs and of the input what the report says, field by field.
#[test]
fn the_json_of_validate_is_that_of_reports() {
    let listed = listed_fields(&read("docs/FORMATS.md"));
    let output = dropoff(&["validate", "--format", "json", "--config", "examples/ecom.toml"]);
    assert!(output.status.success());
    let validation: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let keys =
        |value: &Value| -> Vec<String> { value.as_object().expect("an object").keys().cloned().collect() };
    assert_eq!(keys(&validation), ["body", "body_hash", "run", "schema", "trusted"]);
    assert_eq!(validation["schema"], "dropoff.validate/1");
    assert_eq!(keys(&validation["body"]), ["duplicate_rows", "input", "warnings"]);
    let mut seen = BTreeSet::new();
    for (path, object) in [("run", &validation["run"]), ("body.input", &validation["body"]["input"])] {
        check_object(path, object.as_object().expect("an object"), &listed, &mut seen);
    }
}

/// One unit of the golden cases: letters with their minutes, in the order of the file.
fn rows_of(text: &str, tie: Tie) -> Vec<(i64, String)> {
    let mut rows: Vec<(i64, String)> = text
        .split(' ')
        .map(|row| {
            let (letter, minute) = row.split_at(1);
            (minute.parse().expect("a minute"), letter.to_owned())
        })
        .collect();
    match tie {
        Tie::File => rows.sort_by_key(|row| row.0),
        Tie::Step | Tie::Strict => rows.sort(),
    }
    rows
}

#[test]
fn the_golden_cases_of_the_definitions_hold() {
    let definitions = read("docs/DEFINITIONS.md");
    let (_, section) = definitions.split_once("## Golden cases").expect("the section is there");
    let mut cases = 0;
    for line in section
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
    {
        let cells: Vec<&str> =
            line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let [_, rows, steps, tie, level, chain] = cells[..] else { panic!("six cells: {line}") };
        let tie: Tie = tie.parse().expect("a tie rule");
        let rows = rows_of(rows, tie);
        let funnel = Funnel {
            name: "golden".to_owned(),
            steps: parse_steps(steps).expect("steps"),
            window_us: Some(60 * MINUTE_US),
            unit: Unit::Person,
            tie,
            terms: Terms::default(),
        };
        let mut kinds = KindTable::new();
        let row_kinds: Vec<u32> =
            rows.iter().map(|(_, event)| kinds.push(&funnel.roles(Some(event), |_| true))).collect();
        let times_us: Vec<i64> = rows.iter().map(|(minute, _)| minute * MINUTE_US).collect();
        let seen = Observation { entries_us: i64::MIN..i64::MAX, as_of_us: i64::MAX, closes_us: None };
        let rules = funnel.rules();
        let mut engine = Engine::new(&rules, &kinds);
        let outcome = engine.run(Rows { times_us: &times_us, kinds: &row_kinds }, &seen);
        let minutes: Vec<String> =
            outcome.chain.iter().map(|&row| rows[row as usize].0.to_string()).collect();
        assert_eq!(
            (outcome.level.to_string().as_str(), minutes.join(" ").as_str()),
            (level, chain),
            "{line}"
        );
        cases += 1;
    }
    assert!(cases >= 20, "only {cases} cases were found");
}

/// Links between the documents lead somewhere.
#[test]
fn links_of_the_documents_lead_to_files() {
    let mut documents: Vec<PathBuf> =
        vec!["README.md".into(), "CHANGELOG.md".into(), "testdata/README.md".into()];
    for entry in fs::read_dir(root().join("docs")).expect("there are documents") {
        let path = entry.expect("it can be listed").path();
        documents.push(path.strip_prefix(root()).expect("it lies below").to_owned());
    }
    for document in documents {
        let text = fs::read_to_string(root().join(&document)).expect("it can be read");
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or("");
            if target.starts_with("http") || file.is_empty() {
                continue;
            }
            let path = root().join(document.parent().unwrap_or(Path::new(""))).join(file);
            assert!(path.exists(), "{}: {target} leads nowhere", document.display());
        }
    }
}

/// The words of a command as a shell takes them, up to a pipe or a comment.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '|' | '#') if word.is_none() => return words,
            (None, _) => word.get_or_insert_default().push(c),
        }
    }
    assert!(quote.is_none(), "a quote is never closed: {line}");
    words.extend(word);
    words
}

/// Commands that are shown without their output: flags exist, steps can be read.
#[test]
fn commands_of_the_documents_can_be_typed() {
    let mut commands = 0;
    for document in ["README.md", "docs/GUIDE.md"] {
        let text = read(document);
        let blocks = text.split("```").skip(1).step_by(2);
        let shell = blocks.filter(|block| block.starts_with("sh\n") || block.starts_with("crontab\n"));
        for line in shell.flat_map(str::lines) {
            let Some(command) = line.find("dropoff ").map(|at| &line[at..]) else { continue };
            let words = shell_words(command);
            let parsed =
                Cli::try_parse_from(&words).unwrap_or_else(|error| panic!("{document}: {line}\n{error}"));
            if let dropoff::cli::args::Command::Report(args) = parsed.command
                && let Some(steps) = &args.funnel.steps
            {
                assert!(parse_steps(steps).is_ok(), "{document}: {line}");
            }
            commands += 1;
        }
        for block in text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            let file = DefinitionFile::parse(block, document).unwrap_or_else(|error| panic!("{error}"));
            assert!(!file.funnels().is_empty(), "{document}: a definition file has a funnel");
        }
    }
    assert!(commands >= 20, "only {commands} commands were found");
}
