use super::*;
use crate::decode::Limits;
use crate::decode::dialect::DialectHints;
use crate::decode::time::TimeOptions;
use crate::event::MINUTE_US;
use crate::ingest::plan::{Columns, IdentityPlan, Slots};
use crate::ingest::{Pending, Progress, Resources, RowLayout, read_all};
use crate::source::{Input, OpenOptions};
use jiff::tz::TimeZone;
use std::path::Path;

pub(in crate::report) const TIMEOUT_US: i64 = 30 * MINUTE_US;

/// Three people and one row of nobody, which is rejected. Person `a` pauses 30 minutes, then 30 minutes and a
/// second; `b` has two equal rows; the last names neither event nor session.
pub(in crate::report) const SMALL: &str = "\
user,ts,event,session,price
a,2024-01-01T00:10:00Z,cart,s1,
a,2024-01-01T00:00:00Z,view,s1,
a,2024-01-01T00:40:00Z,purchase,s1,10.00
a,2024-01-01T01:10:01Z,view,s2,
b,2024-01-02T00:00:00Z,view,s3,
b,2024-01-02T00:00:00Z,view,s3,
b,2024-01-02T00:05:00Z,cart,s4,
b,2024-01-02T00:10:00Z,purchase,s4,5
null,2024-01-02T00:10:00Z,,,
,2024-01-01T12:00:00Z,view,s9,
";

struct Silent;

impl Progress for Silent {
    fn advance(&self, _bytes: u64) {}
}

pub(in crate::report) fn plan(columns: Columns) -> ReadPlan {
    let slots = Slots::assign(&columns, [].iter(), [].iter());
    let layout = RowLayout {
        session: columns.session.is_some(),
        value: columns.value.is_some(),
        currency: columns.currency.is_some(),
        ..RowLayout::default()
    };
    ReadPlan {
        columns,
        event_name: None,
        derivation: None,
        slots: slots.names,
        source_slots: slots.of_source,
        roles: slots.roles,
        identity: IdentityPlan::default(),
        whole_record: None,
        conditions: Vec::new(),
        uses: Vec::new(),
        filter: None,
        layout,
        time: TimeOptions::default(),
        naive_zone: TimeZone::UTC,
        naive_zone_given: false,
        as_of_us: None,
        decimal_mark: b'.',
        mark_told_by: None,
        null_ids: Vec::new(),
        keep_empty_ids: false,
        cleaning: crate::ingest::clean::Cleaning::default(),
        open: OpenOptions::default(),
        limits: Limits::default(),
        members: None,
        keep_rejects: 100,
    }
}

pub(in crate::report) fn columns(user: &[&str], time: &str, event: &str, session: Option<&str>) -> Columns {
    Columns {
        user: user.iter().map(|name| (*name).to_owned()).collect(),
        time: vec![time.to_owned()],
        event: Some(event.to_owned()),
        session: session.map(str::to_owned),
        ..Columns::default()
    }
}

pub(in crate::report) fn read_file(path: &Path, plan: &ReadPlan, threads: usize) -> Everything {
    let inputs = vec![Pending { input: Input::file(path), opened: None }];
    let resources = Resources::unbounded(threads);
    read_all(plan, &DialectHints::default(), inputs, &resources, &Silent).expect("readable")
}

pub(in crate::report) fn file_of(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".csv").tempfile().expect("a temporary file");
    std::fs::write(file.path(), text).expect("written");
    file
}

fn sessions(text: &str, columns: Columns, threads: usize) -> SessionTable {
    let (file, plan) = (file_of(text), plan(columns));
    build(read_file(file.path(), &plan, threads), &plan, TIMEOUT_US, None, threads).expect("all is in memory")
}

fn small(threads: usize) -> SessionTable {
    sessions(SMALL, columns(&["user"], "ts", "event", Some("session")), threads)
}

#[test]
fn every_session_has_its_row() {
    let table = small(2);
    let wanted = |row: (&'static str, u32, &str, &str, f64, u32, &'static str, bool)| SessionRow {
        person: Cow::Borrowed(row.0),
        session: row.1,
        start: row.2.to_owned(),
        end: row.3.to_owned(),
        duration_s: row.4,
        events: row.5,
        split_cause: row.6,
        cut: row.7,
        first_event: Some("view"),
        last_event: Some("purchase"),
        log_session: None,
        log_sessions: Some(1),
    };
    let expected = [
        SessionRow {
            log_session: Some("s1"),
            ..wanted(("a", 1, "2024-01-01T00:00:00Z", "2024-01-01T00:40:00Z", 2400.0, 3, "first", true))
        },
        SessionRow {
            log_session: Some("s2"),
            last_event: Some("view"),
            ..wanted(("a", 2, "2024-01-01T01:10:01Z", "2024-01-01T01:10:01Z", 0.0, 1, "timeout", false))
        },
        SessionRow {
            log_sessions: Some(2),
            ..wanted(("b", 1, "2024-01-02T00:00:00Z", "2024-01-02T00:10:00Z", 600.0, 4, "first", true))
        },
        SessionRow {
            log_sessions: Some(0),
            first_event: None,
            last_event: None,
            ..wanted(("null", 1, "2024-01-02T00:10:00Z", "2024-01-02T00:10:00Z", 0.0, 1, "first", true))
        },
    ];
    assert_eq!(table.sessions.iter().collect::<Vec<_>>(), expected);
    assert_eq!(table.sessions.len(), 4);
    for threads in [1, 7] {
        assert_eq!(small(threads), table);
    }
}

#[test]
fn a_session_with_some_ids_has_no_id_of_its_own() {
    let text = "user,ts,event,session\na,2024-01-01T00:00:00Z,x,s1\na,2024-01-01T00:01:00Z,x,\n";
    let table = sessions(text, columns(&["user"], "ts", "event", Some("session")), 1);
    let rows: Vec<_> = table.sessions.iter().map(|row| (row.log_session, row.log_sessions)).collect();
    assert_eq!(rows, [(None, Some(1))]);
}

#[test]
fn ids_of_several_columns_keep_their_column() {
    let text = "member,visitor,ts,event\n\
                ,7,2024-01-01T00:00:00Z,x\n7,7,2024-01-01T00:00:00Z,x\n07,,2024-01-01T00:00:00Z,x\n";
    let table = sessions(text, columns(&["member", "visitor"], "ts", "event", None), 1);
    let persons: Vec<_> = table.sessions.iter().map(|row| row.person).collect();
    assert_eq!(persons, ["member:07", "member:7", "visitor:7"]);
    assert!(table.sessions.iter().all(|row| row.log_sessions.is_none() && row.log_session.is_none()));
}

#[test]
fn the_ends_of_the_data_cut_sessions() {
    let observed = Observed { from_us: 0, to_us: 1000, timeout_us: 10 };
    for (start_us, cut) in [(9, true), (10, true), (11, false)] {
        assert_eq!(observed.cuts(start_us, 500), cut);
    }
    for (end_us, cut) in [(989, false), (990, true), (991, true)] {
        assert_eq!(observed.cuts(500, end_us), cut);
    }
    // An end of observation after the last row: what ended before it ended for good.
    let tally = Tally { earliest_us: Some(5), latest_us: Some(900), ..Tally::default() };
    let mut plan = plan(columns(&["user"], "ts", "event", None));
    assert_eq!(Observed::of(&tally, &plan, 10), Observed { from_us: 5, to_us: 900, timeout_us: 10 });
    plan.as_of_us = Some(2000);
    assert!(!Observed::of(&tally, &plan, 10).cuts(500, 900));
}

#[test]
fn no_rows_are_no_sessions() {
    let table = sessions("user,ts,event\n", columns(&["user"], "ts", "event", None), 1);
    assert!(table.sessions.is_empty());
    assert!(table.table().rows.is_empty());
    let json = serde_json::to_value(&table).expect("JSON");
    assert_eq!(
        json,
        serde_json::json!({ "schema": "dropoff.sessions/1", "session_timeout_s": 1800.0, "sessions": [] })
    );
}

#[test]
fn json_and_table_say_the_same() {
    let table = small(1);
    let json = serde_json::to_value(&table).expect("JSON");
    assert_eq!(
        json["sessions"][1],
        serde_json::json!({
            "person": "a", "session": 2, "start": "2024-01-01T01:10:01Z", "end": "2024-01-01T01:10:01Z",
            "duration_s": 0.0, "events": 1, "split_cause": "timeout", "cut": false, "first_event": "view",
            "last_event": "view", "log_session": "s2", "log_sessions": 1
        })
    );
    let lines = table.table();
    assert_eq!(lines.rows.len(), 4);
    assert!(lines.rows.iter().all(|row| row.len() == lines.columns.len()));
    let names: Vec<_> = lines.columns.iter().map(|column| column.name.as_str()).collect();
    let keys = json["sessions"][0].as_object().expect("an object");
    assert!(names.iter().all(|name| keys.contains_key(*name)) && names.len() == keys.len());
    assert_eq!(lines.rows[2][10..], [Cell::Missing, Cell::Count(2)]);
    // Without ids of the log there are no columns for them.
    let bare = sessions(SMALL, columns(&["user"], "ts", "event", None), 1).table();
    assert_eq!(bare.columns.len(), 10);
    assert!(bare.rows.iter().all(|row| row.len() == 10));
}

#[test]
fn a_shop_whose_sessions_are_cut_by_the_same_rule() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/retentioneering-ecom.csv.gz");
    let plan = plan(columns(&["user_id"], "timestamp", "event", Some("session_id")));
    let table = build(read_file(&path, &plan, 2), &plan, TIMEOUT_US, None, 2).expect("all is in memory");
    assert_eq!(table.sessions.len(), 3605);
    assert_eq!(table.sessions.iter().filter(|row| row.session == 1).count(), 600);
    assert!(table.sessions.iter().all(|row| row.log_sessions == Some(1) && row.log_session.is_some()));
    assert_eq!(table.sessions.iter().map(|row| u64::from(row.events)).sum::<u64>(), 31_106);
    // Counted by a script: sessions that touch the first or last half hour.
    assert_eq!(table.sessions.iter().filter(|row| row.cut).count(), 2);
    let order: Vec<_> = table.sessions.iter().map(|row| (row.person.into_owned(), row.start)).collect();
    assert!(order.is_sorted());
}
