use super::*;
use crate::definition::{DedupeTable, DefinitionFile, IdentityTable, ValueColumn};
use crate::funnel::definition::Funnel;
use crate::ingest::Sample;
use crate::ingest::plan::Columns;
use crate::report::sessions::tests::{SMALL, TIMEOUT_US, file_of, plan, read_file};
use crate::report::table::Block;
use crate::schema::roles::{Asked, Choice, ColumnKind, ColumnSample, guess};
use crate::source::Input as Source;
use crate::source::OpenOptions;
use crate::source::open::open;
use std::path::Path;

/// What is typed beside the file.
#[derive(Default)]
struct Typed {
    asked: Asked,
    flags: Vec<String>,
    source: SourceTable,
    files: Option<Vec<String>>,
    funnels: Vec<Funnel>,
}

fn sample_of(path: &Path) -> Sample {
    let opened = open(&Source::file(path), &OpenOptions::default()).expect("opened");
    Sample::of(&opened, &Default::default()).expect("a sample")
}

fn guess_of(sample: &Sample, asked: &Asked) -> Guess {
    let columns: Vec<ColumnSample<'_>> = sample
        .columns
        .iter()
        .enumerate()
        .map(|(index, name)| ColumnSample {
            name: name.clone(),
            kind: ColumnKind::Untyped,
            values: sample.column(index).into_iter().map(|value| value.map(Into::into)).collect(),
        })
        .collect();
    guess(&columns, asked)
}

fn inspect_file(path: &Path, typed: &Typed, threads: usize) -> Inspection {
    let sample = sample_of(path);
    let guess = guess_of(&sample, &typed.asked);
    let name = |choice: &Choice| sample.columns[choice.column].clone();
    let mut plan = plan(Columns {
        user: guess.user.iter().map(name).collect(),
        time: guess.time.iter().map(name).collect(),
        event: guess.event.as_ref().map(name),
        session: guess.session.as_ref().map(name),
        value: guess.value.as_ref().map(name),
        currency: guess.currency.as_ref().map(name),
        ..Columns::default()
    });
    plan.event_name.clone_from(&typed.asked.event_name);
    let files = typed.files.clone().unwrap_or_else(|| vec!["shop.csv".to_owned()]);
    let look = Look {
        guess: &guess,
        columns: &sample.columns,
        rows: &sample.rows,
        received: None,
        files: &files,
        files_of_definition: &files,
        flags: &typed.flags,
        source: &typed.source,
        identity: &IdentityTable { stitch: Some("none".to_owned()), map: None },
        dedupe: &DedupeTable::default(),
        session_timeout_us: TIMEOUT_US,
        zone: &TimeZone::UTC,
        funnels: &typed.funnels,
        pseudonyms: None,
    };
    if plan.columns.user.is_empty() || plan.columns.time.is_empty() {
        return build_unread(&look, no_run());
    }
    let everything = read_file(path, &plan, threads);
    let rows_out_of_order = total_tally(&everything).out_of_order;
    build(everything, &plan, &look, Run { rows_out_of_order, ..no_run() }, threads).expect("all is in memory")
}

fn no_run() -> Run {
    Run {
        version: "0".to_owned(),
        elapsed_s: 0.0,
        threads: 1,
        files: Vec::new(),
        guessed: Vec::new(),
        reject_samples: Vec::new(),
        warnings: Vec::new(),
        notes: Vec::new(),
        rows_out_of_order: 0,
        spilled_bytes: 0,
        cohort_files: Vec::new(),
        time_zone_database: None,
    }
}

fn inspect_text(text: &str, typed: &Typed) -> Inspection {
    inspect_file(file_of(text).path(), typed, 2)
}

fn body(inspection: &Inspection) -> &InspectBody {
    inspection.body.as_ref().expect("rows were read")
}

fn run(inspection: &Inspection) -> &InspectRun {
    inspection.run.as_ref().expect("a run")
}

fn codes(warnings: &[Warning]) -> Vec<(&str, u64)> {
    warnings.iter().map(|warning| (warning.code.as_str(), warning.n)).collect()
}

#[test]
fn a_small_export_by_hand() {
    let inspection = inspect_text(SMALL, &Typed::default());
    let body = body(&inspection);
    let input = &body.input;
    assert_eq!(
        (input.rows.read, input.rows.used, input.rows.rejected, input.persons, input.sessions),
        (10, 9, 1, 3, 4)
    );
    assert_eq!((input.from.as_deref(), input.to.as_deref()), {
        (Some("2024-01-01T00:00:00Z"), Some("2024-01-02T00:10:00Z"))
    });
    // Rows of the sessions: 1, 1, 3, 4; seconds: 0, 0, 600, 2400.
    let sessions =
        SessionsSummary { n: 4, events_p50: Some(2.0), duration_p50_s: Some(300.0), of_one_event: 2, cut: 3 };
    assert_eq!(body.sessions, sessions);
    let log = input.log_sessions.as_ref().expect("the log has sessions");
    assert_eq!((log.sessions, log.identical, log.rows_without_id), (4, 2, 1));
    assert_eq!((body.duplicate_rows, input.tied_rows, input.rows_without_event), (1, 2, 1));
    assert_eq!(run(&inspection).reading.rows_out_of_order, 1);
    let line = |event: &str, rows: u64, first_place_p50| EventLine {
        event: event.to_owned(),
        rows,
        share_of_rows: rows as f64 / 9.0,
        people: 2,
        first_place_p50,
    };
    let events = Events {
        names: 3,
        top: vec![line("view", 4, 0.0), line("cart", 2, 1.0), line("purchase", 2, 2.0)],
        other_names: 0,
        other_rows: 0,
    };
    assert_eq!(body.events, events);
    assert_eq!(body.gaps, Gaps::default());
    assert_eq!(codes(&body.warnings), [("W04", 1), ("W06", 2), ("W09", 1), ("W15", 3), ("W16", 1)]);
    let suggested = body.suggested.as_ref().expect("a funnel");
    assert_eq!(suggested.steps, "view, cart, purchase");
}

#[test]
fn columns_by_hand() {
    let inspection = inspect_text(SMALL, &Typed::default());
    let run = run(&inspection);
    let roles: Vec<_> = run.columns.iter().map(|column| (&*column.name, column.role.as_deref())).collect();
    let expected = [("user", "user"), ("ts", "time"), ("event", "event"), ("session", "session")];
    assert_eq!(roles[..4], expected.map(|(name, role)| (name, Some(role))));
    let session = &run.columns[3];
    assert_eq!(session.distinct, 5);
    assert_eq!(session.values, ["s1", "s2", "s3"]);
    assert_eq!(session.empty, Some(0.1));
    assert!(session.evidence.as_ref().is_some_and(|why| why.contains("`session`")));
    assert_eq!(run.columns[4].empty, Some(0.8));
}

#[test]
fn threads_order_and_absent_runs_do_not_change_the_body() {
    let one = inspect_text(SMALL, &Typed::default());
    let file = file_of(SMALL);
    for threads in [1, 7] {
        assert_eq!(inspect_file(file.path(), &Typed::default(), threads).body_hash, one.body_hash);
    }
    let mut lines: Vec<&str> = SMALL.lines().collect();
    lines[1..].reverse();
    let reversed = inspect_text(&(lines.join("\n") + "\n"), &Typed::default());
    assert_eq!(reversed.body, one.body);
    assert_ne!(run(&reversed).reading.rows_out_of_order, run(&one).reading.rows_out_of_order);
    let without_run = Inspection { run: None, ..one };
    assert!(!without_run.blocks().iter().any(|block| matches!(block, Block::Command(_))));
}

#[test]
fn the_line_to_paste_says_only_what_is_not_found_again() {
    let command = |typed: &Typed| run(&inspect_text(SMALL, typed)).report_command.clone().expect("a line");
    let line = command(&Typed::default());
    assert!(line.starts_with("dropoff report shop.csv "), "{line}");
    assert!(line.ends_with(" --steps 'view, cart, purchase'"), "{line}");
    assert!(["--user", "--time", "--event", "--session"].iter().all(|flag| !line.contains(flag)), "{line}");
    let typed = Typed {
        asked: Asked { user: vec!["user".to_owned()], value: Some("price".to_owned()), ..Asked::default() },
        flags: ["--no-header", "--columns", "user,ts,event,session,the price"].map(str::to_owned).to_vec(),
        files: Some(["my shop.csv", "logs/*.gz"].map(str::to_owned).to_vec()),
        ..Typed::default()
    };
    assert_eq!(
        command(&typed),
        "dropoff report 'my shop.csv' 'logs/*.gz' --user user --value price --no-header --columns \
         'user,ts,event,session,the price' --steps 'view, cart, purchase'"
    );
    // A report that is told person and time looks for no session by itself.
    let asked = Asked { user: vec!["user".to_owned()], time: vec!["ts".to_owned()], ..Asked::default() };
    let line = command(&Typed { asked, ..Typed::default() });
    assert!(line.contains(" --user user --time ts --session session "), "{line}");
    assert!(!line.contains("--event"), "{line}");
}

#[test]
fn hostile_event_names_can_not_leave_their_quotes() {
    let text = "user,ts,event\na,2024-01-01T00:00:00Z,view\na,2024-01-01T00:01:00Z,purchase'; rm x; '\n";
    let inspection = inspect_text(text, &Typed::default());
    let line = run(&inspection).report_command.as_deref().expect("a line");
    // In the grammar a quote is doubled, in the shell it is closed, escaped and opened again.
    let q = r"'\''";
    let name = format!("{q}purchase{q}{q}; rm x; {q}{q}{q}");
    assert_eq!(line, format!("dropoff report shop.csv --steps 'view, {name}'"));
}

#[test]
fn the_definition_file_is_one() {
    let typed = Typed {
        asked: Asked { value: Some("price".to_owned()), ..Asked::default() },
        source: SourceTable {
            value: Some(ValueColumn::WithCurrency {
                column: "price".to_owned(),
                currency: Some("ILS".to_owned()),
            }),
            time_zone: Some("Asia/Jerusalem".to_owned()),
            header: Some(true),
            null_ids: Some(vec!["null".to_owned(), "'\n\"".to_owned()]),
            ..SourceTable::default()
        },
        ..Typed::default()
    };
    let inspection = inspect_text(SMALL, &typed);
    let text = inspection.definition_file();
    let file = DefinitionFile::parse(text, "dropoff.toml").unwrap_or_else(|error| panic!("{error}\n{text}"));
    let source = &file.source;
    assert_eq!(source.files, ["shop.csv"]);
    assert_eq!(source.user.clone().map(|user| user.columns()), Some((vec!["user".to_owned()], false)));
    assert_eq!(source.time.clone().map(|time| time.into_vec()), Some(vec!["ts".to_owned()]));
    assert_eq!((source.event.as_deref(), source.session.as_deref()), (Some("event"), Some("session")));
    assert_eq!(source.value, typed.source.value);
    assert_eq!(source.time_zone.as_deref(), Some("Asia/Jerusalem"));
    assert_eq!((source.header, &source.null_ids), (Some(true), &typed.source.null_ids));
    assert_eq!(file.sessions.timeout.as_deref(), Some("30m"));
    let funnels = file.funnels();
    let [(name, funnel)] = funnels.as_slice() else { panic!("one funnel") };
    assert_eq!((*name, funnel.window.as_deref()), ("purchase", Some("7d")));
    let steps = funnel.settle(name).expect("a funnel").steps;
    assert_eq!(steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(), ["view", "cart", "purchase"]);
    assert!(file.check.is_empty());
    // The check is there for who takes its marks away.
    let (_, check) = text.split_once("# [[check]]").expect("a check");
    let check = format!("[[check]]{}", check.replace("\n# ", "\n"));
    let file = DefinitionFile::parse(&check, "dropoff.toml").expect("a check");
    assert_eq!((file.check[0].metric.as_str(), file.check[0].min_n), ("conversion", 500));
}

#[test]
fn without_a_sale_there_is_no_funnel() {
    let text = "user,ts,event\na,2024-01-01T00:00:00Z,login\na,2024-01-01T00:01:00Z,logout\n";
    let inspection = inspect_text(text, &Typed::default());
    assert_eq!(body(&inspection).suggested, None);
    assert_eq!(run(&inspection).report_command, None);
    assert!(matches!(inspection.blocks().last(), Some(Block::Note(note)) if note.contains("No funnel")));
    let file = DefinitionFile::parse(inspection.definition_file(), "dropoff.toml").expect("sound");
    assert!(file.funnels().is_empty());
}

#[test]
fn rows_of_one_event_name_it() {
    let typed = Typed {
        asked: Asked { event_name: Some("big sale".to_owned()), ..Asked::default() },
        ..Typed::default()
    };
    let inspection = inspect_text("user,ts\na,2024-01-01T00:00:00Z\n", &typed);
    assert_eq!(body(&inspection).events.top[0].event, "big sale");
    let file = DefinitionFile::parse(inspection.definition_file(), "dropoff.toml").expect("sound");
    assert_eq!((file.source.event_name.as_deref(), file.source.event), (Some("big sale"), None));
}

#[test]
fn an_unknown_person_is_told_with_what_to_type() {
    let text = "colour,ts,event\nred,2024-01-01T00:00:00Z,view\nblue,2024-01-01T00:01:00Z,cart\n";
    let inspection = inspect_text(text, &Typed::default());
    assert!(inspection.body.is_none() && inspection.body_hash.is_none());
    let run = run(&inspection);
    let user = run.problems.iter().find(|problem| problem.role == "user").expect("a problem");
    assert!(user.stops && user.hint.contains("--user"), "{user:?}");
    assert_eq!(run.columns.len(), 3);
    assert!(
        inspection.blocks().iter().any(|block| matches!(block, Block::Note(note) if note.contains("--user")))
    );
    let file = DefinitionFile::parse(inspection.definition_file(), "dropoff.toml").expect("sound");
    assert!(file.source.user.is_none() && file.source.time.is_some());
}

#[test]
fn an_empty_input_has_no_numbers() {
    let inspection = inspect_text(
        "user,ts,event\n",
        &Typed {
            asked: Asked {
                user: vec!["user".to_owned()],
                time: vec!["ts".to_owned()],
                event: Some("event".to_owned()),
                ..Asked::default()
            },
            ..Typed::default()
        },
    );
    let body = body(&inspection);
    assert_eq!((body.input.persons, body.events.names, body.sessions.n), (0, 0, 0));
    assert_eq!((body.sessions.events_p50, body.sessions.duration_p50_s), (None, None));
    assert!(body.warnings.is_empty() && run(&inspection).columns.iter().all(|column| column.empty.is_none()));
}

#[test]
fn several_currencies_are_told_and_not_refused() {
    let text = "user,ts,event,price,currency\n\
                a,2024-01-01T00:00:00Z,purchase,1,USD\nb,2024-01-01T00:00:00Z,purchase,1,EUR\n";
    let typed = Typed {
        asked: Asked {
            value: Some("price".to_owned()),
            currency: Some("currency".to_owned()),
            ..Asked::default()
        },
        ..Typed::default()
    };
    let inspection = inspect_text(text, &typed);
    assert_eq!(body(&inspection).currencies, ["EUR", "USD"]);
    let told = inspection.blocks().iter().any(|block| match block {
        Block::Facts(facts) => {
            facts.iter().any(|(name, value)| name == "currencies" && value.contains("EUR"))
        }
        _ => false,
    });
    assert!(told);
}

#[test]
fn the_same_export_twice_is_told() {
    let row = "a,2024-01-01T00:00:00Z,view\n";
    for (rows, code) in [(1, None), (2, Some(("W03", 1)))] {
        let inspection = inspect_text(&format!("user,ts,event\n{}", row.repeat(rows)), &Typed::default());
        let warnings = codes(&body(&inspection).warnings);
        assert_eq!(warnings.iter().copied().find(|(code, _)| ["W03", "W04"].contains(code)), code);
    }
}

#[test]
fn names_that_mislead_are_told() {
    let text = "user,ts,event\n\
                dana@example.org,2024-01-01T00:00:00Z,View\ndana@example.org,2024-01-01T01:00:00Z,view \n\
                42,2024-01-01T00:00:00Z,cart\n";
    let inspection = inspect_text(text, &Typed::default());
    assert_eq!(codes(&body(&inspection).warnings), [("W11", 1), ("W12", 1), ("W15", 2)]);
}

#[test]
fn twenty_events_have_a_row_of_their_own() {
    for (names, other_names) in [(19, 0), (20, 0), (21, 1)] {
        let rows: String =
            (0..names).map(|name| format!("a,2024-01-01T00:{name:02}:00Z,event {name:02}\n")).collect();
        let inspection = inspect_text(&format!("user,ts,event\n{rows}"), &Typed::default());
        let events = &body(&inspection).events;
        assert_eq!((events.names, events.top.len() as u64), (names, names - other_names));
        assert_eq!((events.other_names, events.other_rows), (other_names, other_names));
        // All have one row: the names decide.
        assert!(events.top.is_sorted_by_key(|line| line.event.clone()));
    }
}

#[test]
fn every_table_row_is_as_long_as_its_columns() {
    for block in inspect_text(SMALL, &Typed::default()).blocks() {
        if let Block::Table(table) = block {
            assert!(table.rows.iter().all(|row| row.len() == table.columns.len()), "{}", table.name);
        }
    }
}

#[test]
fn the_json_has_its_schema_and_the_line_stands_last() {
    let inspection = inspect_text(SMALL, &Typed::default());
    let json = serde_json::to_value(&inspection).expect("JSON");
    assert_eq!(json["schema"], "dropoff.inspect/1");
    // The account of the reading lies beside what the look found.
    assert_eq!(json["run"]["rows_out_of_order"], 1);
    assert_eq!(json["run"]["columns"][1]["role"], "time");
    assert_eq!(json["body"]["sessions"]["duration_p50_s"], 300.0);
    assert!(json.get("definition_file").is_none());
    assert!(schemars::schema_for!(Inspection).as_object().is_some_and(|schema| !schema.is_empty()));
    assert!(matches!(inspection.blocks().last(), Some(Block::Command(_))));
}

#[test]
fn a_shop_of_six_months() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/retentioneering-ecom.csv.gz");
    let inspection = inspect_file(&path, &Typed::default(), 2);
    let body = body(&inspection);
    // Everything below was counted by a script of its own.
    assert_eq!((body.input.persons, body.input.sessions, body.input.rows.used), (600, 3605, 31_106));
    let log = body.input.log_sessions.as_ref().expect("the log has sessions");
    assert_eq!((log.sessions, log.identical), (3605, 3605));
    let sessions = &body.sessions;
    assert_eq!((sessions.events_p50, sessions.duration_p50_s, sessions.cut), (Some(8.0), Some(869.0), 2));
    assert_eq!((sessions.of_one_event, body.input.tied_rows), (231, 325));
    assert_eq!((body.duplicate_rows, run(&inspection).reading.rows_out_of_order), (30, 586));
    let gaps: Vec<_> = body.gaps.longest.iter().map(|gap| (&*gap.from, gap.duration_s)).collect();
    assert_eq!(
        (body.gaps.n, gaps[0], gaps[4]),
        (8, ("2024-01-04T11:57:45Z", 171_461.0), ("2024-01-09T16:28:28Z", 92_502.0))
    );
    let top = body.events.top.iter().take(5);
    let top: Vec<_> = top.map(|line| (&*line.event, line.rows, line.people, line.first_place_p50)).collect();
    assert_eq!(
        top,
        [
            ("product_view", 6851, 598, 2.0),
            ("catalog", 6521, 600, 2.0),
            ("search", 4011, 594, 2.0),
            ("home", 2762, 586, 2.0),
            ("filter_results", 2610, 567, 4.0),
        ]
    );
    assert_eq!(
        body.suggested.as_ref().map(|funnel| funnel.steps.as_str()),
        Some("product_view, add_to_cart, shipping_details, payment_details, purchase")
    );
}
