//! C: CSV and text.

use crate::case::{Kind, Run, kind};
use crate::encodings;
use std::io::Write;

const HEADER: &str = "user_id,timestamp,event,note\n";
const GOOD: &str = "u1,2026-01-01T00:00:00Z,view,x\nu2,2026-01-01T00:00:01Z,cart,y\n";

/// The header, two good rows, and what follows.
pub fn log(more: &str) -> String {
    format!("{HEADER}{GOOD}{more}")
}

/// Rows of as many people.
pub fn rows(count: usize) -> String {
    (0..count).map(|row| format!("v{row},2026-01-02T00:00:{:02}Z,view,x\n", row % 60)).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

/// A report of `a.csv`.
pub fn report(bytes: impl Into<Vec<u8>>, more: &str) -> Run {
    Run::report("a.csv", bytes, more)
}

/// Where the sum of values is in a report.
const SUM: &str = "/body/funnels/0/abandonment/stages/0/value/sum";

/// A report of values in two files, which each have one beside a whole number of no value.
fn two_files(order: &str, of_a: &str, of_b: &str) -> Run {
    let rows = |user: &str, price: &str| {
        format!(
            "user_id;timestamp;event;price\n{user};2026-01-01T00:00:00Z;view;{price}\n\
             {user}x;2026-01-01T00:00:01Z;cart;\n"
        )
    };
    Run::of(&format!("report {order} --steps view,cart --value price --as-of 2026-02-01 --format json"))
        .file("a.csv", rows("a", of_a))
        .file("b.csv", rows("b", of_b))
}

/// An export of four columns, and behind it a longer one of three.
fn older_export() -> String {
    let older = log("u9,2026-01-01T00:00:09Z,view,x\n");
    let rows: String = (0..10).map(|row| format!("v{row},2026-01-02T00:00:{row:02}Z,view\n")).collect();
    format!("{older}user_id,timestamp,event\n{rows}")
}

/// Its words with these columns named.
pub const NAMED: &str = "--user user_id --time timestamp --event event";

pub fn kinds() -> Vec<Kind> {
    let parts = [encodings::kinds(), records(), quotes(), dialects(), headers(), sizes()];
    let mut kinds: Vec<Kind> = parts.into_iter().flatten().collect();
    kinds.sort_by_key(|kind| kind.id);
    kinds
}

fn records() -> Vec<Kind> {
    let breaks = |line_break: &str| log("u3,yesterday,view,x\n").replace('\n', line_break);
    let bad_time = |bytes: Vec<u8>, byte: u64| {
        report(bytes, NAMED).exit(3).account(3, 2, 1, 0).rejects("R04", 1).reject_at(
            "R04",
            4,
            Some(byte),
            Some("timestamp"),
        )
    };
    vec![
        kind(
            "C06",
            "lines that end with CR LF, LF, CR alone, or now one and now another",
            "all are read, and counted as lines",
        )
        .run(bad_time(breaks("\n").into(), 91))
        .run(bad_time(breaks("\r\n").into(), 94))
        .run(bad_time(breaks("\r").into(), 91))
        .run(bad_time(breaks("\n").replacen('\n', "\r\n", 2).into(), 93))
        .run(
            report(log("u3,2026-01-01T00:00:02Z,view,x\ru4,2026-01-01T00:00:03Z,view,x\r\n"), "")
                .account(4, 4, 0, 0),
        ),
        kind("C07", "no line break at the end", "the last line is read as any other")
            .run(report(log("").trim_end(), "").account(2, 2, 0, 0)),
        kind(
            "C08",
            "blank lines and lines of blanks",
            "passed over and counted in the account of the file, as lines and not as rows",
        )
        .run(
            report(format!("{HEADER}\n{GOOD}\n   \n\t\nu3,yesterday,view,x\n\n"), NAMED)
                .exit(3)
                .account(3, 2, 1, 0)
                .rejects("R04", 1)
                .reject_at("R04", 8, Some(99), Some("timestamp"))
                .is("/run/files/0/blank_lines", "5"),
        ),
        kind(
            "C09",
            "a row with too few fields",
            "rejected (R01), never padded, whether or not the missing columns are asked for",
        )
        .run(
            report(log("u3,2026-01-01T00:00:02Z,view\n"), "")
                .exit(3)
                .account(3, 2, 1, 0)
                .rejects("R01", 1)
                .reject_at("R01", 4, Some(91), None),
        )
        .run(report(log("u3,2026-01-01T00:00:02Z,view\n"), "--by note").exit(3).account(3, 2, 1, 0).rejects("R01", 1)),
        kind(
            "C10",
            "a row with too many fields",
            "rejected (R02), and told so where a delimiter in a text that is not quoted seems to be the reason; extra \
             fields that are all empty are left out, with a note",
        )
        .run(
            report(log("u3,2026-01-01T00:00:02Z,view,hello, world\n"), "")
                .exit(3)
                .account(3, 2, 1, 0)
                .rejects("R02", 1)
                .says("a text with `,` in it has to be quoted"),
        )
        .run(
            report(log("u3,2026-01-01T00:00:02Z,view,hello,,\nu4,2026-01-01T00:00:02Z,view,\"x\",\n"), "")
                .account(4, 4, 0, 0)
                .notes("2 rows end in empty fields beyond the last column"),
        ),
    ]
}

fn quotes() -> Vec<Kind> {
    let open_in_middle = log("u3,2026-01-01T00:00:02Z,\"view,x\nu4,2026-01-01T00:00:03Z,view,x\n");
    let open_at_end = log(&format!("u3,2026-01-01T00:00:02Z,view,\"x\n{}", rows(200)));
    let broken = log("u3,2026-01-01T00:00:02Z,view,\"a\nb,\"\"c\"\"\"\nu4,yesterday,view,x\n");
    vec![
        kind(
            "C12",
            "a quote that is opened in the middle of a row and never closed",
            "stops (R15), exit code 1, with the place of the quote; with --salvage that line is rejected (R15) and all \
             others are read (W24)",
        )
        .run(
            report(open_in_middle.clone(), "")
                .exit(1)
                .says("error[R15]: a.csv is damaged")
                .says("--> a.csv:4:3 (byte 115, column `event`)")
                .says("   4 | \"view,x")
                .says("note: it was read as comma, header, 4 columns"),
        )
        .run(
            report(open_in_middle, "--salvage --max-rejects 1")
                .account(4, 3, 1, 0)
                .rejects("R15", 1)
                .warns("W24", 1),
        ),
        kind(
            "C13",
            "a quote that is opened in the last column and never closed, and a file that goes on",
            "as C12: no field swallows the rest of the file. A quote is unclosed too if its field has more than 100 lines, or \
             has text behind the quote that closes it on another line, which opens another field. Where the next quote \
             ends a row, a text whose lines each look like a row is warned of (W31)",
        )
        .run(report(open_at_end.clone(), "").exit(1).says("--> a.csv:4:4 (byte 120, column `note`)"))
        .run(
            report(open_at_end.clone(), "--salvage")
                .account(203, 202, 1, 0)
                .rejects("R15", 1)
                .reject_at("R15", 4, Some(120), Some("note")),
        )
        .run(Run::report("a.csv.gz", gzip(open_at_end.as_bytes()), "").exit(1).says("--> a.csv.gz:4:4 (byte 120"))
        // The next quote of the file would close it, and swallow the line between.
        .run(
            report(log("u3,2026-01-01T00:00:02Z,view,\"x\nu4,2026-01-01T00:00:03Z,view,\"y\"\n"), "--salvage --max-rejects 1")
                .account(4, 3, 1, 0)
                .rejects("R15", 1)
                .reject_at("R15", 4, Some(120), Some("note")),
        )
        .run(
            report(log(&format!("u3,2026-01-01T00:00:02Z,view,\"TV\n{}u4,2026-01-01T00:00:03Z,view,32\"\n", rows(3))), "")
                .account(3, 3, 0, 0)
                .warns("W31", 1)
                .prints("1 row ends in a quoted text over several lines that each look like a row, the first on line 4"),
        ),
        kind("C14", "a quote inside a field that is not quoted", "a character like others, with a note of how many rows")
            .run(
                report(log("u3,2026-01-01T00:00:02Z,vi\"ew,x\n"), "")
                    .account(3, 3, 0, 0)
                    .is("/body/funnels/0/entered", "1")
                    .notes("1 row has a quote inside an unquoted field"),
            ),
        kind(
            "C15",
            "quoted fields with delimiters, line breaks and doubled quotes",
            "read as one field; lines are counted on, so that the places of what follows are right: behind CR LF, a byte \
             order mark and inside gz too",
        )
        .run(
            report(broken.clone(), NAMED)
                .exit(3)
                .account(4, 3, 1, 0)
                .rejects("R04", 1)
                .reject_at("R04", 6, Some(132), Some("timestamp")),
        )
        .run(
            report(broken.replace('\n', "\r\n"), NAMED)
                .exit(3)
                .rejects("R04", 1)
                .account(4, 3, 1, 0)
                .reject_at("R04", 6, Some(137), Some("timestamp")),
        )
        .run(
            Run::report("a.csv.gz", gzip(format!("\u{feff}{broken}").as_bytes()), NAMED)
                .exit(3)
                .rejects("R04", 1)
                .account(4, 3, 1, 0)
                .reject_at("R04", 6, Some(135), Some("timestamp")),
        )
        .run(report(broken.replace("yesterday", "2026-01-01T00:00:03Z"), "--by note").prints("\"a\\nb,\\\"c\\\"\"")),
        kind(
            "C16",
            "backslashes before quotes inside quoted fields",
            "an escape if --escape says so, or if that alone makes all rows of the sample whole (with a note)",
        )
        .run(
            report(log("u3,2026-01-01T00:00:02Z,view,\"say \\\"hi\\\", all\"\n"), "--by note")
                .account(3, 3, 0, 0)
                .notes("a backslash is taken for an escape inside quotes")
                .prints("say \\\"hi\\\", all"),
        )
        .run(
            report(log("u3,2026-01-01T00:00:02Z,view,\"say ^\"hi^\", all\"\n"), "--escape ^ --by note")
                .account(3, 3, 0, 0)
                .prints("say \\\"hi\\\", all"),
        )
        .run(report(log(""), "--escape ab").exit(2).says("--escape: \"ab\" is not one ASCII character")),
    ]
}

fn dialects() -> Vec<Kind> {
    let euro = |price: &str| {
        format!(
            "user_id;timestamp;event;price\nu1;2026-01-01T00:00:00Z;view;{price}\nu2;2026-01-01T00:00:01Z;cart;7\n"
        )
    };
    let mixed: String = (0..20).map(|row| format!("u{row};2026-01-01T00:00:00Z;view;1,5\n")).collect();
    let uneven: String = (0..20).map(|row| format!("u{row},x{}\n", ",y".repeat(1 + row % 5))).collect();
    vec![
        kind(
            "C11",
            "more than half of the first 1,000 rows have another number of fields than the header",
            "stops (E-C11), exit code 2, with what each delimiter would make of them; where the header alone has another \
             delimiter, the hint reads the file",
        )
        .run(
            report(format!("a,b,c,d\n{uneven}"), "--user a --time b --event c")
                .exit(2)
                .says("error[E-C11]: a.csv: most records do not have as many fields as the header")
                .says("comma: 4 fields in 5 of 21")
                .says("--skip-lines N"),
        )
        .run(
            report(format!("{HEADER}{mixed}"), "")
                .exit(2)
                .says("error[E-C11]: a.csv: the header is delimited by comma, the records behind it by semicolon")
                .says("--skip-lines 1 --delimiter ';' --columns 'user_id,timestamp,event,note'"),
        )
        .run(
            report(
                format!("{HEADER}{mixed}"),
                "--skip-lines 1 --delimiter ';' --columns 'user_id,timestamp,event,note'",
            )
            .account(20, 20, 0, 0),
        ),
        kind(
            "C17",
            "semicolons and decimal commas",
            "semicolons are found; decimal commas too where the sampled values of any input tell them, and told among what \
             was guessed; --decimal , takes dots for grouping (1.234,56); any other value is rejected (R09). Where some \
             values have a comma and some a point, in one input or in two, or none tells more than 1,234 or 1.234, \
             which may be thousands, it stops (E-C17), exit code 2, and asks for --decimal. Conditions on the \
             value column read its mark, with --decimal , those on any column",
        )
        .run(
            report(euro("12,50"), "--value price --as-of 2026-02-01")
                .account(2, 2, 0, 0)
                .prints("decimal mark = , (the sampled values of price fit no other)")
                .is("/body/funnels/0/abandonment/stages/0/value/sum", "12.5"),
        )
        .run(
            report(euro("1.234,56"), "--value price --decimal , --as-of 2026-02-01")
                .account(2, 2, 0, 0)
                .is("/body/funnels/0/abandonment/stages/0/value/sum", "1234.56"),
        )
        // Where the mark is known, a condition compares numbers; where it is not, the text is none.
        .run(report(euro("12,50"), "--value price --where 'price > 12.4'").account(2, 1, 0, 1))
        .run(report(euro("12,50"), "--value price --where 'price > 12.5' --allow-empty").account(2, 0, 0, 2))
        .run(report(euro("12,50"), "--decimal , --where 'price >= 12.5'").account(2, 1, 0, 1))
        .run(report(euro("1.234,56"), "--decimal , --where 'not price > 1234.5'").account(2, 1, 0, 1))
        .run(report(euro("12,50"), "--where 'price > 12.4' --allow-empty").account(2, 0, 0, 2))
        .run(report(euro("12,50"), "--value price --decimal .").exit(3).account(2, 1, 1, 0).rejects("R09", 1))
        // 1.234 may be one thousand and more: nothing is guessed.
        .run(
            report(format!("{}u3;2026-01-01T00:00:02Z;view;12,50\n", euro("1.234")), "--value price")
                .exit(2)
                .says("error[E-C17]: values with two decimal marks: \"12,50\" in a.csv, \"1.234\" in a.csv")
                .says("give --decimal . or --decimal ,"),
        )
        .run(
            report(euro("1,234"), "--value price")
                .exit(2)
                .says("error[E-C17]: a.csv: column \"price\": the mark in values such as \"1,234\" may be a decimal mark"),
        )
        .run(
            report(euro("1,234"), "--value price --decimal , --as-of 2026-02-01")
                .account(2, 2, 0, 0)
                .is("/body/funnels/0/abandonment/stages/0/value/sum", "1.234"),
        )
        // Nobody asks for the values.
        .run(report(euro("1,234"), NAMED).account(2, 2, 0, 0))
        // Whatever comes first.
        .run(two_files("a.csv b.csv", "1,5", "1.500").exit(2).says("two decimal marks: \"1,5\" in a.csv, \"1.500\" in b.csv"))
        .run(two_files("b.csv a.csv", "1,5", "1.500").exit(2).says("two decimal marks: \"1.500\" in b.csv, \"1,5\" in a.csv"))
        .run(two_files("a.csv b.csv", "7", "1,5").account(4, 4, 0, 0).is(SUM, "8.5"))
        .run(two_files("b.csv a.csv", "1,234", "1,5").account(4, 4, 0, 0).is(SUM, "2.734"))
        .run(two_files("a.csv b.csv", "1,234", "1,5").account(4, 4, 0, 0).is(SUM, "2.734")),
        kind(
            "C18",
            "lines before the header",
            "passed over up to the first line with all names that are needed, with a warning of how many (W30); --skip-lines \
             says it. Lines that look like a table of their own, such as an older export, stop the run (E-C11), exit code 2",
        )
        .run(
            report(format!("Shop report, all of it\n# \"made by\n\n{}", log("")), "")
                .account(2, 2, 0, 0)
                .warns("W30", 3),
        )
        .run(
            Run::of("report a.csv --steps 'view,cart'")
                .file("a.csv", format!("Shop report\n{}", log("")))
                .prints("a.csv: 1 line before the header passed over"),
        )
        .run(
            report(older_export(), "--strict")
                .exit(2)
                .says("error[E-C11]: a.csv: 4 lines before the header, which is line 5, look like a table of their own")
                .says("split the file before line 5")
                .says("--skip-lines 4"),
        )
        .run(report(older_export(), "--skip-lines 4").account(10, 10, 0, 0))
        .run(report(older_export(), NAMED).exit(2).says("error[E-C11]"))
        .run(
            report(format!("a,b,c,d\n{}", log("u3,yesterday,view,x\n")), &format!("{NAMED} --skip-lines 1"))
                .exit(3)
                .account(3, 2, 1, 0)
                .rejects("R04", 1)
                .reject_at("R04", 5, Some(99), Some("timestamp")),
        ),
    ]
}

fn headers() -> Vec<Kind> {
    let units = format!("{HEADER}id,ISO 8601,text,text\n{GOOD}");
    let twice = log("").replacen("note", "event", 1);
    vec![
        kind(
            "C19",
            "a second header line, of units or types",
            "rejected like any row whose time is none (R04); the message names --skip-after-header, which passes it over",
        )
        .run(
            report(units.clone(), "")
                .exit(3)
                .account(3, 2, 1, 0)
                .rejects("R04", 1)
                .says("a second header line? --skip-after-header 1 passes it over"),
        )
        .run(report(units, "--skip-after-header 1").account(2, 2, 0, 0)),
        kind(
            "C20",
            "the header again inside the file, as of exports that were put together",
            "rejected (R16) and counted, but not against the tolerance; a byte order mark before it changes nothing. A header \
             of other columns, or of the same in another order, stops the run (E-C20), exit code 1, with --salvage too: \
             rows behind it would be read under wrong names",
        )
        .run(
            report(log("event,timestamp,user_id,note\nview,2026-01-01T00:00:02Z,u3,x\n"), "--strict")
                .exit(1)
                .says("error[E-C20]: a.csv: a second header, of other columns or in another order")
                .says("--> a.csv:4 (byte 91)")
                .says("split it before line 4"),
        )
        .run(
            report(log(&format!("{}note,\"event\", Timestamp ,user_id\n", rows(3000))), "--salvage --threads 2")
                .exit(1)
                .says("error[E-C20]")
                .says("--> a.csv:3004 "),
        )
        // More columns, and fewer.
        .run(
            report(log(&format!("{},price\nu3,2026-01-01T00:00:02Z,view,x,\n", HEADER.trim())), "")
                .exit(1)
                .says("error[E-C20]"),
        )
        .run(
            report(log("user_id,timestamp,note\nu3,2026-01-01T00:00:02Z,view\n"), "--max-rejects 10")
                .exit(1)
                .says("error[E-C20]"),
        )
        .run(report(log("\"user_id\",timestamp, Event,note\n"), "--strict").account(3, 2, 1, 0).rejects("R16", 1))
        .run(
            report(log(&format!("{HEADER}{}\u{feff}{HEADER}", rows(2))), "--strict")
                .account(6, 4, 2, 0)
                .rejects("R16", 2),
        ),
        kind(
            "C21",
            "no header",
            "stops (E-C21), exit code 2: no row is taken for names; the hint names the columns",
        )
        .run(
            report(GOOD, "")
                .exit(2)
                .says("error[E-C21]: a.csv: the first line looks like data")
                .says("--no-header --columns column_1,column_2,column_3,column_4"),
        )
        .run(
            report(
                GOOD,
                "--no-header --columns column_1,column_2,column_3,column_4 --user column_1 --time column_2 --event column_3",
            )
                .account(2, 2, 0, 0),
        )
        .run(report(GOOD, "--no-header --columns a,b,c").exit(2).says("error[E-C21]")),
        kind(
            "C22",
            "a column name that stands twice",
            "stops (E-C22), exit code 2, if that column is used: the hint tells the two apart; else a warning (W21)",
        )
        .run(
            report(twice.clone(), "")
                .exit(2)
                .says("error[E-C22]: a.csv: more than one column is called \"event\"")
                .says("--skip-lines 1 --columns 'user_id,timestamp,event,event_2'"),
        )
        .run(report(twice.clone(), NAMED).exit(2).says("error[E-C22]"))
        .run(
            report(twice, "--skip-lines 1 --columns 'user_id,timestamp,event,event_2' --event event")
                .account(2, 2, 0, 0),
        )
        .run(
            report(log("").replacen("note", "note,note", 1).replace(",x\n", ",x,x\n").replace(",y\n", ",y,y\n"), "")
                .account(2, 2, 0, 0)
                .warns("W21", 1),
        ),
        kind(
            "C23",
            "names that differ in case, blanks, quotes, a byte order mark or signs of no width",
            "as written, or else the only one that is equal but for these, with a note; of several none (exit code 2)",
        )
        .run(
            report(log("").replacen(HEADER.trim(), "\u{feff}User_ID , \"Timestamp\",\u{200b}EVENT,note", 1), NAMED)
                .account(2, 2, 0, 0)
                .notes("is taken for \"user_id\""),
        )
        .run(
            report(log("").replacen("note", "Event", 1), "--user user_id --time timestamp --event EVENT")
                .exit(2)
                .says("the nearest columns are Event, event"),
        ),
        kind(
            "C24",
            "a column that is named but not there",
            "stops (E-C24), exit code 2, with the nearest names",
        )
        .run(report(log(""), "--by nota").exit(2).says("there is no column \"nota\"").says("did you mean note?"))
        .run(
            report(log(""), "--user user --time timestamp --event event")
                .exit(2)
                .says("error[E-C24]: a.csv: no column `user`")
                .says("did you mean \"user_id\"?"),
        ),
    ]
}

fn sizes() -> Vec<Kind> {
    let wide_header: String = (0..9_997).map(|column| format!(",c{column}")).collect();
    let wide_row = |user: &str| format!("{user},2026-01-01T00:00:00Z,view{}\n", ",7".repeat(9_997));
    let long = |bytes: usize| log(&format!("u3,2026-01-01T00:00:02Z,view,{}\n", "x".repeat(bytes)));
    let alike = log(
        "u3,2026-01-01T00:00:00Z,view\u{200b},x\nu4,2026-01-01T00:00:01Z,\u{a0}view,x\nu5,2026-01-01T00:00:02Z,view ,x\n",
    );
    let of_accents = |more: &str| {
        let accents = log("u3,2026-01-01T00:00:00Z,caf\u{e9},x\nu4,2026-01-01T00:00:01Z,cafe\u{301},x\n");
        Run::of(&format!("report a.csv --steps 'caf\u{e9},cart' --format json {more}")).file("a.csv", accents)
    };
    vec![
        kind(
            "C25",
            "a line of half a gigabyte",
            "rejected (R13) when it is over 2 MiB, and the rest of it passed over in bounded memory; what follows is read",
        )
        .run(
            Run::of(&format!("report a.csv.gz --steps 'view,cart' --format json {NAMED} --memory 200MB"))
                .prepare(|folder| {
                    std::fs::write(folder.join("a.csv.gz"), giant_line(600 << 20)).expect("a file can be written");
                })
                .through("ulimit -v 700000")
                .exit(3)
                .account(4, 2, 2, 0)
                .rejects("R13", 1)
                .rejects("R04", 1)
                .reject_at("R13", 3, Some(60), None)
                .reject_at("R04", 5, Some(60 + (600 << 20) + 1 + 31), Some("timestamp")),
        ),
        kind("C26", "10,000 columns", "read; only those that are used are kept")
            .run(
                report(format!("user_id,timestamp,event{wide_header}\n{}{}", wide_row("u1"), wide_row("u2")), "--by c9996")
                    .account(2, 2, 0, 0)
                    .is("/body/funnels/0/segments/0/by/c9996", "\"7\""),
            ),
        kind(
            "C27",
            "signs of no width, unbreakable and other blanks in event names",
            "names are compared as they are written; those that look alike are told (W11); --trim takes blanks and signs \
             of no width around every value away",
        )
        .run(report(alike.clone(), "").account(5, 5, 0, 0).warns("W11", 1).is("/body/funnels/0/entered", "1"))
        .run(report(alike, "--trim").account(5, 5, 0, 0).is("/body/funnels/0/entered", "4")),
        kind(
            "C28",
            "accents that are written as one sign here and as two there",
            "as C27; --normalize nfc makes them one",
        )
        .run(
            of_accents("")
                .account(4, 4, 0, 0)
                .warns("W11", 1)
                .is("/body/funnels/0/entered", "1"),
        )
        .run(of_accents("--normalize nfc").account(4, 4, 0, 0).is("/body/funnels/0/entered", "2"))
        .run(report(log(""), "--normalize nfd").exit(2).says("--normalize: \"nfd\" is not nfc")),
        kind(
            "C29",
            "a very long field, such as a URL of 100 kB",
            "kept up to --max-field (64KiB, at most 1MiB); a row with a longer one is rejected (R13)",
        )
        .run(
            report(long(100_000), "")
                .exit(3)
                .account(3, 2, 1, 0)
                .rejects("R13", 1)
                .reject_at("R13", 4, Some(91), Some("note")),
        )
        .run(report(long(100_000), "--max-field 100KB").account(3, 3, 0, 0))
        .run(report(long(100_001), "--max-field 100KB").exit(3).account(3, 2, 1, 0).rejects("R13", 1))
        .run(report(log(""), "--max-field 2MiB").exit(2).says("--max-field")),
    ]
}

/// A log in gz whose second row is as long as that, without ever being in memory.
fn giant_line(bytes: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut write = |text: &[u8]| encoder.write_all(text).expect("memory can be written");
    write(HEADER.as_bytes());
    write(&GOOD.as_bytes()[..31]);
    let block = vec![b'x'; 1 << 20];
    (0..bytes >> 20).for_each(|_| write(&block));
    write(b"\n");
    write(&GOOD.as_bytes()[31..]);
    write(b"u3,yesterday,view,x\n");
    encoder.finish().expect("memory can be written")
}
