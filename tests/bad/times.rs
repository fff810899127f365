//! T: time.

use crate::case::{Ended, Kind, Run, kind};
use crate::files::parquet;
use polars::prelude::{DataType, NamedFrom, Series, TimeUnit};

const HEADER: &str = "user_id,timestamp,event\n";
/// Who plays which role, where values are too bad to tell.
const ROLES: &str = "--user user_id --time timestamp --event event";
const ISO: &str = "u1,2026-01-01T00:00:00Z,view\nu1,2026-01-01T00:10:00Z,cart\n";

pub fn kinds() -> Vec<Kind> {
    let mut kinds = formats();
    kinds.extend(zones());
    kinds.extend(ranges());
    kinds.extend(coarse_and_disordered());
    kinds.sort_by_key(|kind| kind.id);
    kinds
}

/// A report with the roles named.
fn report(rows: &str, more: &str) -> Run {
    Run::report("a.csv", format!("{HEADER}{rows}"), &format!("{ROLES} {more}"))
}

fn formats() -> Vec<Kind> {
    let twelve = "u1,2026-01-01T00:00:00Z,view\nu2,2026-01-02,view\nu3,20260103,view\nu4,20260104T101500,view\n\
                  u5,2026/01/05 10:00,view\nu6,13/01/2026 10:00,view\nu7,01/14/2026 10:00,view\n\
                  u8,07/Jan/2026:10:00:00 +0000,view\nu9,1767225600,view\nu10,1767225600000,view\n\
                  u11,8 Jan 2026,view\nu12,\"Jan 9, 2026\",view\n";
    let mut units = kind(
        "T02",
        "times as numbers in seconds, milliseconds, microseconds or nanoseconds",
        "the unit is told from their size, once a file, and printed; two units in a file stop the run (E-T02, exit 2), \
         and `--epoch-unit` or `--time-format epoch-s` settles it",
    );
    for zeros in ["", "000", "000000", "000000000"] {
        let rows = format!("u1,1767225600{zeros},view\nu1,1767226200{zeros},cart\n");
        let run = report(&rows, "").account(2, 2, 0, 0);
        units = units.run(run.prints("\"from\": \"2026-01-01T00:00:00Z\""));
    }
    let two_units = "u1,1767225600,view\nu1,1767226200000,cart\n";
    vec![
        kind(
            "T01",
            "times in twelve formats in one column",
            "stops (E-T01, exit 2) with one example of each of two; several formats are read where `--time-format` names \
             them; nothing is guessed row by row",
        )
        .run(
            report(twelve, "")
                .exit(2)
                .says("error[E-T01]: a.csv: column \"timestamp\": ")
                .says("hint: give --time-format once for each layout"),
        )
        .run(
            report(
                "u1,2026-01-01T00:00:00Z,view\nu1,8 Jan 2026,cart\n",
                "--time-format iso --time-format '%d %b %Y'",
            )
            .account(2, 2, 0, 0),
        ),
        units
            .run(
                report(two_units, "")
                    .exit(2)
                    .says("error[E-T02]: a.csv: column \"timestamp\": epochs of more than one unit")
                    .says("hint: give --time-format epoch-s"),
            )
            .run(
                report(two_units, "--time-format epoch-s --time-format epoch-ms").account(2, 2, 0, 0),
            ),
        kind(
            "T03",
            "dates such as 01/02/2026, which are 1 February or 2 January",
            "stops (E-T03, exit 2) unless a day over 12 shows which, or `--date-order` says it",
        )
        .run(
            report("u1,01/02/2026 10:00,view\nu1,03/04/2026 10:00,cart\n", "")
                .exit(2)
                .says("error[E-T03]: ")
                .says("hint: give --date-order dmy or mdy"),
        )
        .run(
            report("u1,01/02/2026 10:00,view\nu1,13/04/2026 10:00,cart\n", "")
                .account(2, 2, 0, 0)
                .prints("\"from\": \"2026-02-01T10:00:00Z\""),
        )
        .run(
            report("u1,01/02/2026 10:00,view\nu1,03/04/2026 10:00,cart\n", "--date-order mdy")
                .account(2, 2, 0, 0)
                .prints("\"from\": \"2026-01-02T10:00:00Z\""),
        ),
        kind(
            "T17",
            "24:00:00, and 30 February",
            "rejected (R04): no such time of day, no such day",
        )
        .run(
            report(&format!("{ISO}u2,2026-01-01T24:00:00Z,view\nu3,2026-02-30T10:00:00Z,view\n"), "")
                .exit(3)
                .account(4, 2, 2, 0)
                .rejects("R04", 2)
                .says("  --> a.csv:4:2 (byte 82, column `timestamp`)")
                .says("   4 | 2026-01-01T24:00:00Z"),
        ),
        kind(
            "T18",
            "names of months in other languages, digits of other scripts",
            "a column of them stops the run (E-T01, exit 2), one among others is rejected (R04); the hint says what is \
             read: English names and the digits 0 to 9",
        )
        .run(
            report("u1,31 ינואר 2026,view\nu1,1 פברואר 2026,cart\n", "")
                .exit(2)
                .says("error[E-T01]: ")
                .says("hint: months are read by their English names"),
        )
        .run(
            report("u1,٢٠٢٦-٠١-٠١,view\nu1,٢٠٢٦-٠١-٠٢,cart\n", "")
                .exit(2)
                .says("hint: months are read by their English names"),
        )
        .run(
            report(&format!("{ISO}u2,1 ינואר 2026,view\n"), "")
                .exit(3)
                .account(3, 2, 1, 0)
                .rejects("R04", 1)
                .says("   4 | 1 ינואר 2026")
                .says("with English names of months and the digits 0 to 9"),
        )
        .run(
            report("u1,31 Jan 2026,view\nu1,1 Feb 2026,cart\n", "--time-format '%d %b %Y'").account(2, 2, 0, 0),
        ),
    ]
}

fn zones() -> Vec<Kind> {
    let naive = "u1,2026-01-01 10:00:00,view\nu1,2026-01-01 11:00:00,cart\n";
    let gap = "u1,2026-03-27 02:30:00,view\nu1,2026-03-27 09:00:00,cart\n";
    let fold = "u1,2026-10-25 01:30:00,view\nu1,2026-10-25 09:00:00,cart\n";
    let jerusalem = "--assume-time-zone Asia/Jerusalem";
    vec![
        kind(
            "T04",
            "local times without a zone",
            "taken in `--assume-time-zone`, else in `--time-zone`, else as UTC with a warning (W02)",
        )
        .run(report(naive, "").account(2, 2, 0, 0).warns("W02", 2).prints("\"from\": \"2026-01-01T10:00:00Z\""))
        .run(report(naive, jerusalem).account(2, 2, 0, 0).check(has_no_warning_of_zones).prints(
            "\"from\": \"2026-01-01T08:00:00Z\"",
        )),
        kind(
            "T05",
            "offsets, `Z` and no zone in one column",
            "offsets are followed; times without one are taken as in T04, and counted (W28, and in `run.files`)",
        )
        .run(
            report(
                "u1,2026-01-01T12:00:00+02:00,view\nu1,2026-01-01T11:00:00Z,cart\nu2,2026-01-01T12:30:00,view\n",
                "",
            )
            .account(3, 3, 0, 0)
            .warns("W02", 1)
            .warns("W28", 1)
            .prints("\"naive_times\": 1")
            .prints("\"from\": \"2026-01-01T10:00:00Z\"")
            .prints("\"to\": \"2026-01-01T12:30:00Z\""),
        )
        .run(
            report("u1,2026-01-01T12:00:00Z,view\nu1,2026-01-01T15:00:00,cart\n", jerusalem)
                .account(2, 2, 0, 0)
                .warns("W28", 1)
                .prints("\"to\": \"2026-01-01T13:00:00Z\""),
        ),
        kind(
            "T06",
            "local times that a change of the clocks skipped",
            "moved forward by what was skipped, and counted (W05); `--dst reject` rejects them (R04)",
        )
        .run(
            report(gap, jerusalem)
                .account(2, 2, 0, 0)
                .warns("W05", 1)
                .prints("\"from\": \"2026-03-27T00:30:00Z\""),
        )
        .run(
            report(gap, &format!("{jerusalem} --dst reject"))
                .exit(3)
                .account(2, 1, 1, 0)
                .rejects("R04", 1)
                .says("   2 | 2026-03-27 02:30:00")
                .says("does not exist: the clocks of the zone skipped it"),
        )
        .run(report(gap, "--dst no").exit(2).says("--dst: \"no\" is not compatible or reject")),
        kind(
            "T07",
            "local times that a change of the clocks repeated",
            "the earlier of the two instants, and counted (W05): rows of the two hours stand among each other; `--dst \
             reject` rejects them (R04)",
        )
        .run(
            report(fold, jerusalem)
                .account(2, 2, 0, 0)
                .warns("W05", 1)
                .prints("\"from\": \"2026-10-24T22:30:00Z\""),
        )
        .run(
            report(fold, &format!("{jerusalem} --dst reject"))
                .exit(3)
                .account(2, 1, 1, 0)
                .rejects("R04", 1)
                .says("exists twice: the clocks of the zone were set back"),
        ),
        kind(
            "T08",
            "zones whose law changed: summer time in Israel ended in September until 2012, in October since",
            "each time by the law of its day, from the system's time zone database; its version is in \
             `run.time_zone_database`",
        )
        .run(
            report("u1,2012-10-01 12:00:00,view\nu1,2013-10-01 12:00:00,cart\n", jerusalem)
                .account(2, 2, 0, 0)
                .prints("\"from\": \"2012-10-01T10:00:00Z\"")
                .prints("\"to\": \"2013-10-01T09:00:00Z\"")
                .prints("\"time_zone_database\": "),
        ),
    ]
}

fn has_no_warning_of_zones(ended: &Ended<'_>) -> Result<(), String> {
    let warnings = ended.json.map(|json| json["run"]["warnings"].to_string()).unwrap_or_default();
    if warnings == "[]" { Ok(()) } else { Err(format!("warns of {warnings}")) }
}

fn ranges() -> Vec<Kind> {
    vec![
        kind(
            "T09",
            "a leap second, 23:59:60",
            "read as 23:59:59, with a note",
        )
        .run(
            report("u1,2016-12-31T23:59:50Z,view\nu1,2016-12-31T23:59:60Z,cart\n", "")
                .account(2, 2, 0, 0)
                .prints("\"to\": \"2016-12-31T23:59:59Z\"")
                .prints("1 time has a 60th second: read as of the 59th"),
        ),
        kind(
            "T10",
            "the year 1, 1970-01-01T00:00:00, negative numbers",
            "rejected (R05): before `--min-time`, 1990 unless given; the zero of the clock always, as a time that was \
             never set",
        )
        .run(
            report(
                &format!("{ISO}u2,0001-01-01T00:00:00Z,view\nu3,1970-01-01T00:00:00Z,view\nu4,1989-12-31T23:59:59Z,view\n"),
                "",
            )
            .exit(3)
            .account(5, 2, 3, 0)
            .rejects("R05", 3)
            .says("is before the earliest accepted time")
            .says("unless --min-time says otherwise"),
        )
        .run(
            report("u1,1985-05-01T00:00:00Z,view\nu1,1985-05-02T00:00:00Z,cart\nu2,1970-01-01T00:00:00Z,view\n", "--min-time 1960-01-01")
                .exit(3)
                .account(3, 2, 1, 0)
                .rejects("R05", 1)
                .says("is the zero time, 1970-01-01T00:00:00"),
        )
        .run(
            report("u1,1767225600,view\nu2,-86400,view\n", "--epoch-unit s")
                .exit(3)
                .account(2, 1, 1, 0)
                .rejects("R05", 1),
        ),
        kind(
            "T11",
            "times to come",
            "rejected (R17) after `--as-of`; without it used, with a warning that stands in `run` (W27), so that the same \
             log gives the same body tomorrow",
        )
        .run(
            report("u1,2026-01-01T00:00:00Z,view\nu1,2999-01-01T00:00:00Z,cart\n", "")
                .account(2, 2, 0, 0)
                .warns("W27", 1),
        )
        .run(
            report("u1,2026-01-01T00:00:00Z,view\nu1,2999-01-01T00:00:00Z,cart\n", "--as-of 2026-02-01")
                .exit(3)
                .account(2, 1, 1, 0)
                .rejects("R17", 1)
                .says("is after the end of observation"),
        ),
        kind(
            "T12",
            "9999-12-31, which stands for never",
            "rejected (R05) as a placeholder, with a message of its own",
        )
        .run(
            report(&format!("{ISO}u2,9999-12-31T23:59:59Z,view\n"), "")
                .exit(3)
                .account(3, 2, 1, 0)
                .rejects("R05", 1)
                .says("is in the year 9999 or later, a placeholder")
                .says("the year 9999 stands for never"),
        )
        .run(
            report("u1,1767225600,view\nu2,253402300799,view\n", "--epoch-unit s")
                .exit(3)
                .account(2, 1, 1, 0)
                .rejects("R05", 1),
        ),
    ]
}

/// Times in ms; the first was received two hours before it happened, of the other it is not known.
fn typed_receipts() -> Vec<u8> {
    let times = |name: &str, values: [Option<i64>; 2]| {
        let times = Series::new(name.into(), values).cast(&DataType::Datetime(TimeUnit::Milliseconds, None));
        times.expect("whole numbers are times").into()
    };
    let at_ms = 1_767_261_600_000;
    parquet(vec![
        Series::new("user_id".into(), ["u1", "u2"]).into(),
        times("client_time", [Some(at_ms), Some(at_ms)]),
        Series::new("event".into(), ["view", "view"]).into(),
        times("received_at", [Some(at_ms - 7_200_000), None]),
    ])
}

/// One event that was received at two times of the day.
fn twice(first: &str, second: &str) -> Run {
    let row = |received: &str| format!("u1,2026-01-01T10:00:00Z,2026-01-01T{received}Z,view,k1\n");
    Run::of(
        "validate a.csv --format json --user user_id --time client_time --event event --received-time received_at \
         --dedupe-key id",
    )
    .file("a.csv", format!("user_id,client_time,received_at,event,id\n{}{}", row(first), row(second)))
    .is("/body/input/rows/duplicates", "1")
    .is("/body/received/persons_far", "0")
}

fn coarse_and_disordered() -> Vec<Kind> {
    let clocks = "user_id,client_time,received_at,event\n\
                  u1,2026-01-01T15:00:00Z,2026-01-01T10:00:00Z,view\n\
                  u1,2026-01-01T10:10:00Z,2026-01-01T10:10:00Z,cart\n";
    // Late by an hour, which is not more than one; late by two; early by five and half a second; no receipt;
    // an event that came twice; a receipt that is none.
    let receipts = "user_id,client_time,received_at,event\n\
                    u1,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,view\n\
                    u2,2026-01-01T10:00:00Z,2026-01-01T12:00:00Z,view\n\
                    u2,2026-01-01T13:00:00Z,2026-01-01T13:00:01Z,cart\n\
                    u3,2026-01-01T15:00:00.5Z,2026-01-01T10:00:00Z,view\n\
                    u3,2026-01-01T16:00:00Z,,cart\n\
                    u4,2026-01-01T10:00:00Z,2026-01-01T10:00:00Z,view\n\
                    u4,2026-01-01T10:00:00Z,2026-01-01T10:00:09Z,view\n\
                    u5,2026-01-01T10:00:00Z, ,view\n\
                    u6,2026-01-01T10:00:00Z,soon,view\n";
    let of_receipts = "--format json --user user_id --time client_time --event event --received-time received_at --max-rejects 50%";
    vec![
        kind(
            "T13",
            "times cut to whole seconds, so that steps stand at one instant",
            "rows of one instant are taken in the order of the steps (`--tie strict` trusts none); what the rule decides is \
             reported, and over 5 % of such rows are warned of (W06); digits beyond a microsecond are cut off, with a note",
        )
        .run(
            report("u1,2026-01-01T00:00:00Z,cart\nu1,2026-01-01T00:00:00Z,view\n", "")
                .account(2, 2, 0, 0)
                .warns("W06", 2)
                .check(|ended| {
                    let ties = &ended.json.ok_or("no JSON")?["body"]["funnels"][0]["ties"];
                    let expected = serde_json::json!(
                        { "units": 1, "conversion_strict": 0.0, "conversion_step": 1.0 }
                    );
                    if *ties == expected { Ok(()) } else { Err(format!("ties are {ties}")) }
                }),
        )
        .run(
            report("u1,2026-01-01T00:00:00.123456789Z,view\nu1,2026-01-01T00:00:01Z,cart\n", "")
                .account(2, 2, 0, 0)
                .prints("1 time is finer than a microsecond: cut off there")
                .prints("\"from\": \"2026-01-01T00:00:00.123456Z\""),
        ),
        kind(
            "T14",
            "dates without a time of day",
            "the start of the day in the zone of local times, with a warning (W06): durations are in whole days",
        )
        .run(
            report("u1,2026-01-01,view\nu1,2026-01-03,cart\n", "--assume-time-zone Asia/Jerusalem")
                .account(2, 2, 0, 0)
                .warns("W06", 1)
                .prints("durations are in whole days")
                .prints("\"from\": \"2025-12-31T22:00:00Z\""),
        ),
        kind(
            "T15",
            "rows that are not in the order of time",
            "always put in order; how many are earlier than the row before them is said (`run.rows_out_of_order`)",
        )
        .run(
            report(
                "u1,2026-01-01T00:10:00Z,cart\nu1,2026-01-01T00:00:00Z,view\nu2,2026-01-01T00:05:00Z,view\n",
                "",
            )
            .account(3, 3, 0, 0)
            .prints("\"rows_out_of_order\": 1")
            .check(|ended| converted(ended, 1)),
        ),
        kind(
            "T16",
            "the clock of one device is hours off",
            "with `--received-time COLUMN`, when the server got a row, `validate` and `inspect` say how many people have a \
             row more than an hour from it, and by how much (W08); no report uses that column. `--time` with it takes one \
             clock for all, and `--tolerance` lets steps lie before the step they follow. A time of receipt may be empty; \
             one that cannot be read rejects its row (R04) in every report",
        )
        .run(
            Run::of(&format!("validate a.csv {of_receipts}"))
                .file("a.csv", receipts)
                .account(9, 8, 1, 0)
                .rejects("R04", 1)
                .warns("W08", 2)
                .is("/body/received/rows", "6")
                .is("/body/received/persons", "4")
                .is("/body/received/persons_far", "2")
                .is("/body/received/persons_before", "1")
                .is("/body/received/longest_gap_s", "18000.5")
                .is("/body/duplicate_rows", "1")
                .is("/body/warnings/0/code", "\"W04\""),
        )
        .run(
            Run::of(&format!("inspect a.csv {of_receipts}"))
                .file("a.csv", receipts)
                .account(9, 8, 1, 0)
                .rejects("R04", 1)
                .warns("W08", 2)
                .is("/run/columns/2/role", "\"received_time\"")
                .is("/run/columns/2/confidence", "\"asked\"")
                .prints("2 of 4 people have a row whose time is more than an hour from when it was received (received_at), at most")
                .prints("1 of them one that was received before it happened"),
        )
        .run(
            Run::of(&format!("report a.csv --steps 'view,cart' {of_receipts}"))
                .file("a.csv", receipts)
                .account(9, 8, 1, 0)
                .rejects("R04", 1)
                .reject_at("R04", 10, Some(401), Some("received_at"))
                .check(|ended| converted(ended, 2)),
        )
        // Other forms: an hour and a second, an hour, null, and no key; typed times, two hours early.
        .run(
            Run::of(&format!("validate a.jsonl {of_receipts}"))
                .file(
                    "a.jsonl",
                    "{\"user_id\":1,\"client_time\":\"2026-01-01T10:00:00Z\",\"event\":\"view\",\"received_at\":1767265201}\n\
                     {\"user_id\":2,\"client_time\":\"2026-01-01T10:00:00Z\",\"event\":\"view\",\"received_at\":1767265200}\n\
                     {\"user_id\":3,\"client_time\":\"2026-01-01T10:00:00Z\",\"event\":\"view\",\"received_at\":null}\n\
                     {\"user_id\":4,\"client_time\":\"2026-01-01T10:00:00Z\",\"event\":\"view\"}\n",
                )
                .account(4, 4, 0, 0)
                .warns("W08", 1)
                .is("/body/received/rows", "2")
                .is("/body/received/longest_gap_s", "3601.0"),
        )
        .run(
            Run::of(&format!("validate a.parquet {of_receipts}"))
                .file("a.parquet", typed_receipts())
                .account(2, 2, 0, 0)
                .warns("W08", 1)
                .is("/body/received/rows", "1")
                .is("/body/received/persons_before", "1")
                .is("/body/received/longest_gap_s", "7200.0"),
        )
        // Of an event that came twice the same one is kept in any order.
        .run(twice("10:00:01", "13:00:00").is("/body/received/longest_gap_s", "1.0"))
        .run(twice("13:00:00", "10:00:01").is("/body/received/longest_gap_s", "1.0"))
        .run(
            Run::of("validate a.csv --format json --received-time client_time --time client_time")
                .file("a.csv", receipts)
                .exit(2)
                .says("\"client_time\" is the time of the rows: there is nothing to compare it with"),
        )
        .run(
            Run::of("validate a.csv --user user_id --time client_time --event event --received-time recieved_at")
                .file("a.csv", receipts)
                .exit(2)
                .says("E-C24")
                .says("did you mean received_at?"),
        )
        .run(
            Run::of("validate a.csv --user user_id --unpivot client_time --received-time received_at")
                .file("a.csv", receipts)
                .exit(2)
                .says("a wide row is several events"),
        )
        .run(
            Run::of("report a.csv --steps 'view,cart' --format json --user user_id --time client_time --event event")
                .file("a.csv", clocks)
                .account(2, 2, 0, 0)
                .check(|ended| converted(ended, 0)),
        )
        .run(
            Run::of("report a.csv --steps 'view,cart' --format json --user user_id --time received_at --event event")
                .file("a.csv", clocks)
                .account(2, 2, 0, 0)
                .check(|ended| converted(ended, 1)),
        ),
    ]
}

fn converted(ended: &Ended<'_>, expected: u64) -> Result<(), String> {
    let found = &ended.json.ok_or("no JSON")?["body"]["funnels"][0]["converted"];
    if *found == expected { Ok(()) } else { Err(format!("{found} converted, expected {expected}")) }
}
