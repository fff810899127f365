//! The same events give the same report, byte for byte: whatever their format, dialect,
//! compression, order, split into files, and the number of threads. And what must change, and what
//! must not, when ids are renamed or all times are moved.

mod support;

use polars::prelude::{Column, DataType, NamedFrom, Series, TimeUnit};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use support::{gzip, stdout_of, write_parquet, zstandard};
use tempfile::TempDir;

/// 2026-02-27T20:00:00Z, in ms: the events run over a turn of the month.
const START_MS: i64 = 1_772_222_400_000;
const HOUR_MS: i64 = 3_600_000;
const ROWS: usize = 4_000;

/// One event. Absent and empty texts mean the same everywhere; they are written in both ways.
#[derive(Debug, Clone, PartialEq)]
struct Event {
    person: Option<String>,
    at_ms: i64,
    name: Option<String>,
    visit: Option<String>,
    /// In hundredths.
    price: Option<i64>,
    device: Option<String>,
}

/// Steele, Lea and Flood (2014), SplitMix64: a fixed sequence on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len() as u64) as usize]
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            items.swap(place, self.below(place as u64 + 1) as usize);
        }
    }
}

/// Ids that suffer where they are taken for numbers, or for anything but text.
fn person_id(n: u64) -> String {
    match n % 6 {
        0 => format!("{:07}", n * 37),
        1 => format!("9007199254740993{n:03}"),
        2 => format!("שרה כהן {n}"),
        3 => format!("o'Hara \"{n}\", Zoë"),
        4 => format!("{n}.0"),
        _ => format!("{n}e5; a|b"),
    }
}

/// Events that walk towards a purchase and often stray, with ties, exact duplicates, gaps around
/// the timeout, rows without person or name, and arrival out of order.
fn events() -> Vec<Event> {
    let mut random = Random(20_260_301);
    let names = ["view", "view", "view", "cart", "add_to_cart", "checkout", "purchase", "חיפוש", "log,out"];
    let devices = ["mobile", "desktop", "tablet", "טלפון", "smart \"TV\", 55\"", "watch"];
    let mut events: Vec<Event> = Vec::with_capacity(ROWS);
    while events.len() < ROWS {
        let person = random.below(240);
        let device = random.pick(&devices);
        let mut at_ms = START_MS + random.below(20 * 24) as i64 * HOUR_MS;
        let mut visit = random.below(100_000);
        for _ in 0..1 + random.below(24) {
            let gap_ms = match random.below(20) {
                0..4 => 0,
                4..6 => 30 * 60_000,
                6 => 30 * 60_000 + 1,
                7 => random.below(30) as i64 * HOUR_MS,
                _ => random.below(600_000) as i64,
            };
            at_ms += gap_ms;
            if gap_ms > 30 * 60_000 || random.one_in(60) {
                visit += 1;
            }
            let event = Event {
                person: (!random.one_in(150)).then(|| person_id(person)),
                at_ms,
                name: (!random.one_in(40)).then(|| random.pick(&names).to_owned()),
                visit: (!random.one_in(25)).then(|| format!("{visit:06}")),
                price: random.one_in(2).then(|| random.below(20_000) as i64),
                device: (!random.one_in(12)).then(|| device.to_owned()),
            };
            if random.one_in(30) {
                events.push(event.clone());
            }
            events.push(event);
        }
    }
    events.truncate(ROWS);
    random.shuffle(&mut events);
    events
}

fn time_text(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).expect("a time of our days").strftime("%FT%T.%3fZ").to_string()
}

fn price_text(hundredths: i64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

const COLUMNS: [&str; 6] = ["who", "at", "what", "visit", "price", "device"];

impl Event {
    /// The fields in the order of [`COLUMNS`].
    fn fields(&self) -> [String; 6] {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        [
            text(&self.person),
            time_text(self.at_ms),
            text(&self.name),
            text(&self.visit),
            self.price.map_or(String::new(), price_text),
            text(&self.device),
        ]
    }

    /// The keys in an order of their own; what is absent is a null, an empty text or no key at all.
    fn object(&self, random: &mut Random, nested: bool) -> String {
        let mut members: Vec<(&str, Value)> = vec![("at", json!(time_text(self.at_ms)))];
        let price = self.price.map(|price| match random.below(3) {
            0 => json!(price_text(price)),
            _ => json!(price as f64 / 100.0),
        });
        let text = |text: &Option<String>| text.as_ref().map(|text| json!(text));
        for (key, value) in [
            ("who", text(&self.person)),
            ("what", text(&self.name)),
            ("visit", text(&self.visit)),
            ("price", price),
            ("device", text(&self.device)),
        ] {
            match (value, random.below(3)) {
                (Some(value), _) => members.push((key, value)),
                (None, 0) => members.push((key, Value::Null)),
                (None, 1) => members.push((key, json!(""))),
                (None, _) => {}
            }
        }
        members.push(("unused", json!({ "who": "nobody", "list": [1, "}\n\"", null] })));
        random.shuffle(&mut members);
        if nested {
            let mut inner: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
            let mut outer = Map::new();
            for (key, value) in members {
                match key {
                    "who" | "visit" => {
                        inner.entry("context").or_default().insert(key.to_owned(), value);
                    }
                    "price" => {
                        inner.entry("properties").or_default().insert(key.to_owned(), value);
                    }
                    _ => {
                        outer.insert(key.to_owned(), value);
                    }
                }
            }
            for (key, value) in inner {
                outer.insert(key.to_owned(), Value::Object(value));
            }
            return Value::Object(outer).to_string();
        }
        let members: Vec<String> =
            members.iter().map(|(key, value)| format!("{}: {value}", json!(key))).collect();
        format!("{{{}}}", members.join(", "))
    }
}

/// Delimited text with the columns in the given order, and a column of its own behind them.
fn delimited(
    events: &[Event],
    delimiter: u8,
    order: [usize; 6],
    extra: Option<&dyn Fn(usize) -> String>,
) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
    let mut write = |mut fields: Vec<String>, extra: Option<String>| {
        fields.extend(extra);
        writer.write_record(&fields).expect("memory takes all");
    };
    write(order.map(|column| COLUMNS[column].to_owned()).to_vec(), extra.map(|_| "note".to_owned()));
    for (row, event) in events.iter().enumerate() {
        let fields = event.fields();
        write(order.map(|column| fields[column].clone()).to_vec(), extra.map(|extra| extra(row)));
    }
    writer.into_inner().expect("memory takes all")
}

const AS_WRITTEN: [usize; 6] = [0, 1, 2, 3, 4, 5];

fn comma(events: &[Event]) -> Vec<u8> {
    delimited(events, b',', AS_WRITTEN, None)
}

fn json_lines(events: &[Event], nested: bool) -> Vec<u8> {
    let mut random = Random(7);
    let lines: Vec<String> = events.iter().map(|event| event.object(&mut random, nested) + "\n").collect();
    lines.concat().into_bytes()
}

fn json_array(events: &[Event]) -> Vec<u8> {
    let mut random = Random(8);
    let objects: Vec<String> = events.iter().map(|event| event.object(&mut random, false)).collect();
    format!("[\n  {}\n]\n", objects.join(",\n  ")).into_bytes()
}

/// The values of an array, written in another way.
fn relaid(array: &[u8], write: impl Fn(&Vec<Value>, &mut Vec<u8>) -> serde_json::Result<()>) -> Vec<u8> {
    let mut out = Vec::new();
    let values = serde_json::from_slice(array).expect("an array");
    write(&values, &mut out).expect("memory takes all");
    out
}

/// A line a row in the form of a web server's log.
const LOG_FORMAT: &str = "$time_iso8601 \"$who\" \"$what\" [$visit] $price \"$device\"";

fn log_lines(events: &[Event]) -> Vec<u8> {
    let text = |text: &Option<String>| match text {
        Some(text) => text.replace('\\', "\\\\").replace('"', "\\\""),
        None => "-".to_owned(),
    };
    let line = |event: &Event| {
        let at = time_text(event.at_ms);
        let price = event.price.map_or("-".to_owned(), price_text);
        let [who, what, visit, device] = [&event.person, &event.name, &event.visit, &event.device].map(text);
        format!("{at} \"{who}\" \"{what}\" [{visit}] {price} \"{device}\"\n")
    };
    events.iter().map(line).collect::<String>().into_bytes()
}

/// How times lie in a Parquet file.
#[derive(Clone, Copy)]
enum ParquetTime {
    Text,
    Naive(TimeUnit),
    EpochMs,
}

fn parquet(path: &Path, events: &[Event], time: ParquetTime, group_rows: usize) {
    let texts = |name: &str, text: &dyn Fn(&Event) -> Option<String>| {
        let texts: Vec<Option<String>> = events.iter().map(text).collect();
        Column::from(Series::new(name.into(), texts))
    };
    let times: Vec<i64> = events.iter().map(|event| event.at_ms).collect();
    let times = Series::new("at".into(), times);
    let at = match time {
        ParquetTime::Text => texts("at", &|event| Some(time_text(event.at_ms))),
        ParquetTime::Naive(unit) => {
            let naive = times.cast(&DataType::Datetime(TimeUnit::Milliseconds, None));
            let naive = naive.and_then(|naive| naive.cast(&DataType::Datetime(unit, None)));
            Column::from(naive.expect("whole milliseconds are times"))
        }
        ParquetTime::EpochMs => Column::from(times),
    };
    let prices: Vec<Option<f64>> =
        events.iter().map(|event| event.price.map(|price| price as f64 / 100.0)).collect();
    let columns = vec![
        texts("device", &|event| event.device.clone()),
        Column::from(Series::new("price".into(), prices)),
        texts("who", &|event| event.person.clone()),
        at,
        texts("what", &|event| event.name.clone()),
        texts("visit", &|event| event.visit.clone()),
    ];
    write_parquet(path, columns, group_rows);
}

fn utf_16(text: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(text).expect("we wrote UTF-8");
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

fn crlf(text: &[u8]) -> Vec<u8> {
    String::from_utf8(text.to_vec()).expect("we wrote UTF-8").replace('\n', "\r\n").into_bytes()
}

/// A text that a reader who starts in its middle can take for records.
fn misleading_note(row: usize) -> String {
    let record = "שרה,2026-03-01T00:00:00.000Z,purchase,000001,9.99,mobile,\"x\"\n";
    format!("row {row}\r\n\"\n{}\n\"\"", record.repeat(row % 40))
}

/// The ways to ask; every input form must answer each alike.
struct Question {
    name: &'static str,
    flags: &'static [&'static str],
    /// Whether the answer may depend on the order of rows.
    by_file_order: bool,
}

const QUESTIONS: [Question; 4] = [
    Question {
        name: "people, with segments, a trend, value and sessions",
        flags: &[
            "--steps",
            "view, cart|add_to_cart, checkout[price > 20], purchase",
            "--by",
            "device",
            "--top",
            "3",
            "--trend",
            "day",
            "--time-zone",
            "Asia/Jerusalem",
            "--assume-time-zone",
            "UTC",
        ],
        by_file_order: false,
    },
    Question {
        name: "sessions, strict, with an optional step and an exclusion",
        flags: &[
            "--steps",
            "view, !'log,out', cart|add_to_cart, 'חיפוש'?, purchase",
            "--unit",
            "session",
            "--tie",
            "strict",
            "--window",
            "1h",
            "--where",
            "device is null or device != 'watch'",
        ],
        by_file_order: false,
    },
    Question {
        name: "entries of some days, no window",
        flags: &[
            "--steps",
            "view, purchase",
            "--window",
            "none",
            "--from",
            "2026-03-02",
            "--to",
            "2026-03-15",
            "--as-of",
            "2026-05-01",
            "--quantile-method",
            "nearest-rank",
            "--by",
            "device,what",
            "--trend",
            "week",
        ],
        by_file_order: false,
    },
    Question {
        name: "equal times in the order of the file",
        flags: &["--steps", "view, cart, checkout, purchase", "--tie", "file"],
        by_file_order: true,
    },
];

/// Columns by their plain names.
const PLAIN: [&str; 10] =
    ["--user", "who", "--time", "at", "--event", "what", "--session", "visit", "--value", "price"];
/// The same columns in the form of a web server's log, whose time has a name of its own.
const LOGGED: [&str; 10] =
    ["--user", "who", "--time", "time", "--event", "what", "--session", "visit", "--value", "price"];
/// The same columns in the nested form.
const NESTED: [&str; 10] = [
    "--user",
    "context.who",
    "--time",
    "at",
    "--event",
    "what",
    "--session",
    "context.visit",
    "--value",
    "properties.price",
];

/// One way in which the events lie on disk.
struct Form {
    name: &'static str,
    files: Vec<String>,
    columns: [&'static str; 10],
    /// What else is said of how it is written.
    flags: &'static [&'static str],
    /// The rows come in the order of the base form.
    keeps_order: bool,
}

struct Disk {
    folder: TempDir,
    forms: Vec<Form>,
}

impl Disk {
    fn new() -> Disk {
        Disk { folder: tempfile::tempdir().expect("a folder for the test"), forms: Vec::new() }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn form(&mut self, name: &'static str, files: Vec<String>) -> &mut Form {
        self.forms.push(Form { name, files, columns: PLAIN, flags: &[], keeps_order: true });
        self.forms.last_mut().expect("it was just pushed")
    }

    fn one(&mut self, name: &'static str, file: &str, bytes: &[u8]) -> &mut Form {
        fs::write(self.path(file), bytes).expect("the test's folder is writable");
        self.form(name, vec![file.to_owned()])
    }

    fn several(&mut self, name: &'static str, files: Vec<(String, Vec<u8>)>) -> &mut Form {
        for (file, bytes) in &files {
            fs::write(self.path(file), bytes).expect("the test's folder is writable");
        }
        self.form(name, files.into_iter().map(|(file, _)| file).collect())
    }

    /// Everything of the report but what may differ between runs.
    fn answer(&self, form: &Form, flags: &[&str], threads: &str) -> String {
        let mut arguments = vec!["report"];
        arguments.extend(form.files.iter().map(String::as_str));
        arguments.extend(form.columns);
        arguments.extend(form.flags);
        arguments.extend(flags);
        arguments.extend(["--format", "json", "--reproducible", "--max-rejects", "5%", "--threads", threads]);
        let stdin = if form.files == ["-"] {
            File::open(self.path("base.csv")).expect("the base form").into()
        } else {
            Stdio::null()
        };
        stdout_of(self.folder.path(), &arguments, stdin)
    }
}

fn disk(events: &[Event]) -> Disk {
    let mut disk = Disk::new();
    let base = comma(events);
    disk.one("comma", "base.csv", &base);
    disk.form("standard input", vec!["-".to_owned()]);
    disk.one("tab", "tab.tsv", &delimited(events, b'\t', AS_WRITTEN, None));
    disk.one("semicolon", "semicolon.csv", &delimited(events, b';', AS_WRITTEN, None));
    disk.one("CRLF", "crlf.csv", &crlf(&base));
    disk.one("UTF-16", "utf16.csv", &utf_16(&base));
    let noted = delimited(events, b',', AS_WRITTEN, Some(&misleading_note));
    assert!(noted.len() > 3 << 20, "several chunks are needed, not {} bytes", noted.len());
    disk.one("line breaks in quotes, over several chunks", "noted.csv", &noted);
    disk.one("gzip of several chunks", "noted.csv.gz", &gzip(&noted));
    let middle = base.len() / 2;
    disk.one("gzip of two members", "two.csv.gz", &[gzip(&base[..middle]), gzip(&base[middle..])].concat());
    disk.one(
        "zstd of two frames",
        "two.csv.zst",
        &[zstandard(&base[..middle]), zstandard(&base[middle..])].concat(),
    );
    let lines = json_lines(events, false);
    disk.one("JSON lines, keys in any order", "lines.jsonl", &lines);
    disk.one("JSON lines, gzip", "lines.jsonl.gz", &gzip(&lines));
    disk.one("nested JSON lines", "nested.jsonl", &json_lines(events, true)).columns = NESTED;
    let array = json_array(events);
    disk.one("JSON array", "array.json", &array);
    disk.one("JSON array, gzip", "array.json.gz", &gzip(&array));
    disk.one(
        "JSON array on one line",
        "line.json",
        &relaid(&array, |values, out| serde_json::to_writer(out, values)),
    );
    let over_lines = |values: &Vec<Value>, out: &mut Vec<u8>| {
        values.iter().try_for_each(|value| serde_json::to_writer_pretty(&mut *out, value))
    };
    disk.one("JSON objects over several lines", "over-lines.json", &relaid(&array, over_lines));
    let lines = log_lines(events);
    for (name, file, bytes) in [
        ("access log", "access.log", lines.clone()),
        ("access log, CRLF", "crlf.log", crlf(&lines)),
        ("access log, zstd", "access.log.zst", zstandard(&lines)),
    ] {
        let form = disk.one(name, file, &bytes);
        (form.columns, form.flags) = (LOGGED, &["--log-format", LOG_FORMAT]);
    }
    for (name, file, time, group_rows) in [
        ("Parquet, times as text", "text.parquet", ParquetTime::Text, ROWS),
        ("Parquet, naive ms", "ms.parquet", ParquetTime::Naive(TimeUnit::Milliseconds), 333),
        ("Parquet, naive us", "us.parquet", ParquetTime::Naive(TimeUnit::Microseconds), 1_000),
        ("Parquet, epoch ms", "epoch.parquet", ParquetTime::EpochMs, 512),
    ] {
        parquet(&disk.path(file), events, time, group_rows);
        disk.form(name, vec![file.to_owned()]);
    }
    let fifth = events.len().div_ceil(5);
    let parts = events.chunks(fifth).enumerate();
    disk.several(
        "five files",
        parts.clone().map(|(n, part)| (format!("part{n}.csv"), comma(part))).collect(),
    );
    let orders = [[5, 4, 3, 2, 1, 0], [1, 0, 2, 4, 3, 5], AS_WRITTEN, [2, 3, 4, 5, 0, 1], [4, 1, 5, 0, 3, 2]];
    let extra = |row: usize| format!("only here, {row}");
    let reordered = parts.clone().map(|(n, part)| {
        let extra: Option<&dyn Fn(usize) -> String> = if n == 2 { Some(&extra) } else { None };
        (format!("reordered{n}.csv"), delimited(part, b',', orders[n], extra))
    });
    disk.several("five files with columns of their own order", reordered.collect());
    let mixed = parts.map(|(n, part)| {
        let (extension, bytes) = match n {
            0 => ("csv", comma(part)),
            1 => ("jsonl", json_lines(part, false)),
            2 => ("csv.zst", zstandard(&delimited(part, b';', AS_WRITTEN, None))),
            3 => ("json", json_array(part)),
            _ => ("csv.gz", gzip(&crlf(&comma(part)))),
        };
        (format!("mixed{n}.{extension}"), bytes)
    });
    disk.several("five files of five formats", mixed.collect());
    let mut shuffled = events.to_vec();
    Random(99).shuffle(&mut shuffled);
    disk.one("shuffled", "shuffled.csv", &comma(&shuffled)).keeps_order = false;
    shuffled.sort_by_key(|event| event.at_ms);
    disk.one("in order of time", "sorted.csv", &comma(&shuffled)).keeps_order = false;
    parquet(&disk.path("shuffled.parquet"), &shuffled, ParquetTime::Naive(TimeUnit::Milliseconds), 700);
    disk.form("Parquet, in order of time", vec!["shuffled.parquet".to_owned()]).keeps_order = false;
    disk
}

fn body(answer: &str) -> Value {
    let report: Value = serde_json::from_str(answer).expect("the report is JSON");
    report["body"].clone()
}

#[test]
fn the_same_events_give_the_same_report_in_every_form() {
    let events = events();
    let disk = disk(&events);
    let base = &disk.forms[0];
    let mut unlike = Vec::new();
    for question in &QUESTIONS {
        let expected = disk.answer(base, question.flags, "1");
        let says = body(&expected);
        let funnel = &says["funnels"][0];
        assert!(funnel["converted"].as_u64() > Some(20), "{}: {funnel}", question.name);
        assert!(funnel["dropped"].as_u64() > Some(20) || funnel["open"].as_u64() > Some(20));
        assert_eq!(says["input"]["rows"]["read"], ROWS);
        for form in &disk.forms {
            // A condition names its column, and the report the condition.
            let condition_differs = form.columns == NESTED && question.flags.join(" ").contains("[price");
            if condition_differs || question.by_file_order && !form.keeps_order {
                continue;
            }
            for threads in ["1", "2", "7"] {
                if disk.answer(form, question.flags, threads) != expected {
                    unlike.push(format!("{} ({threads} threads): {}", form.name, question.name));
                }
            }
        }
    }
    assert!(unlike.is_empty(), "other answers than one comma-separated file gives:\n{}", unlike.join("\n"));
}

/// Requests in the combined format, and as a table of the same: pages, rules, and visitors by address and agent.
#[test]
fn a_combined_log_is_the_table_of_its_requests() {
    let mut random = Random(5);
    let agents = ["Mozilla/5.0 (X11; \"Linux\")", "curl/8.5.0", "בוט, גרסה 2"];
    let targets = ["/", "/cart", "/cart/?a=%22b%22", "/checkout?step=2", "/a%20b", "/של"];
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["host", "user_agent", "time", "url", "status"]).expect("memory takes all");
    let mut lines = Vec::new();
    for _ in 0..3_000 {
        let at = jiff::Timestamp::from_millisecond(START_MS + random.below(200_000) as i64 * 1_000);
        let at = at.expect("a time of our days");
        let host = format!("10.0.0.{}", random.below(60));
        let (agent, target) = (random.pick(&agents), random.pick(&targets));
        let status = random.pick(&["200", "200", "200", "404", "500"]);
        let escaped = agent.replace('"', "\\\"");
        let logged = at.strftime("%d/%b/%Y:%H:%M:%S +0000");
        lines.push(format!(
            "{host} - - [{logged}] \"GET {target} HTTP/1.1\" {status} 17 \"-\" \"{escaped}\"\n"
        ));
        writer.write_record([&host, agent, &at.to_string(), target, status]).expect("memory takes all");
    }
    let mut disk = Disk::new();
    let all = lines.concat();
    fs::write(disk.path("table.csv"), writer.into_inner().expect("memory takes all")).expect("a file");
    disk.one("combined log", "access.log", all.as_bytes());
    disk.one("combined log, gzip", "access.log.gz", &gzip(all.as_bytes()));
    let halves = lines.chunks(1_700).enumerate();
    disk.several(
        "two combined logs",
        halves.map(|(n, lines)| (format!("access{n}.log"), lines.concat().into_bytes())).collect(),
    );
    let body_of = |files: &[&str], threads: &str| {
        let asked = [
            "--derive",
            "cart=/cart",
            "--derive",
            "pay=/checkout?step=2[status = 200]",
            "--steps",
            "/, cart, pay",
            "--window",
            "1d",
            "--by",
            "status",
            "-f",
            "json",
            "--reproducible",
            "--threads",
            threads,
        ];
        let arguments = [&["report"][..], files, &asked].concat();
        body(&stdout_of(disk.folder.path(), &arguments, Stdio::null()))
    };
    let columns = ["table.csv", "--user", "host+user_agent", "--time", "time", "--url", "url"];
    let expected = body_of(&columns, "1");
    let funnel = &expected["funnels"][0];
    assert!(funnel["converted"].as_u64() > Some(20) && funnel["dropped"].as_u64() > Some(5), "{funnel}");
    let pages = &expected["derived"]["unmatched"]["top"];
    assert!(pages.to_string().contains("/a b") && pages.to_string().contains("/של"), "{pages}");
    for form in &disk.forms {
        for threads in ["1", "4"] {
            let files: Vec<&str> = form.files.iter().map(String::as_str).collect();
            assert_eq!(body_of(&files, threads), expected, "{}", form.name);
        }
    }
}

/// What [`events`] holds, so that the test above cannot pass by testing nothing; counted here from
/// the events themselves.
#[test]
fn the_account_of_the_input_is_that_of_the_events() {
    let events = events();
    let disk = disk(&events);
    let input = body(&disk.answer(&disk.forms[0], QUESTIONS[0].flags, "2"))["input"].clone();
    let known: Vec<&Event> = events.iter().filter(|event| event.person.is_some()).collect();
    let without_person = events.len() - known.len();
    assert!(without_person > 10);
    assert_eq!(input["rejects"], json!({ "R07": without_person }));
    assert_eq!(input["rows"]["used"], known.len());
    let nameless = known.iter().filter(|event| event.name.is_none()).count();
    assert!(nameless > 50);
    assert_eq!(input["rows_without_event"], nameless);
    let mut times: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for event in &known {
        times.entry(event.person.as_deref().unwrap_or("")).or_default().push(event.at_ms);
    }
    assert_eq!(input["persons"], times.len());
    let (mut tied, mut sessions) = (0, 0);
    for times in times.values_mut() {
        times.sort_unstable();
        sessions += 1 + times.windows(2).filter(|pair| pair[1] - pair[0] > 30 * 60_000).count();
        tied += times.iter().filter(|time| times.iter().filter(|other| other == time).count() > 1).count();
    }
    assert!(tied > 500);
    assert_eq!(input["tied_rows"], tied);
    assert_eq!(input["sessions"], sessions);
    let earliest = times.values().filter_map(|times| times.first()).min().copied();
    let latest = times.values().filter_map(|times| times.last()).max().copied();
    let same_instant = |text: &Value, at_ms: Option<i64>| {
        let time: Option<jiff::Timestamp> = text.as_str().and_then(|text| text.parse().ok());
        assert_eq!(time.map(jiff::Timestamp::as_millisecond), at_ms);
    };
    same_instant(&input["from"], earliest);
    same_instant(&input["to"], latest);
    same_instant(&input["as_of"], latest);
}

/// The answer for other events under the same question, as one comma-separated file.
fn answer_for(events: &[Event], flags: &[&str]) -> Value {
    let mut disk = Disk::new();
    disk.one("changed", "changed.csv", &comma(events));
    body(&disk.answer(&disk.forms[0], flags, "2"))
}

const TRENDED: [&str; 8] =
    ["--steps", "view, cart, checkout, purchase", "--by", "device", "--trend", "day", "--time-zone", "UTC"];

#[test]
fn the_names_of_people_change_nothing() {
    let events = events();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut renamed = events.clone();
    for event in &mut renamed {
        if let Some(person) = &mut event.person {
            let next = format!("p{}", names.len() * 7 % 1_000);
            *person = names.entry(person.clone()).or_insert(next).clone();
        }
    }
    assert!(names.len() > 150);
    assert_eq!(answer_for(&renamed, &TRENDED), answer_for(&events, &TRENDED));
}

/// Alone the funnel is counted by every combination of values in one pass; beside one whose units are sessions
/// in a second pass, by the combinations that were chosen in the first.
#[test]
fn segments_are_the_same_in_one_pass_and_in_two() {
    let events = events();
    let mut disk = Disk::new();
    disk.one("comma", "base.csv", &comma(&events));
    let funnels = [
        "steps = \"view, cart, checkout, purchase\"\n",
        "steps = \"view, cart, checkout\"\nby_from = \"step=2\"\n",
        "steps = \"view, cart, checkout\"\nby_from = \"last-seen\"\nwindow = \"session\"\n",
        "steps = \"view, cart\"\nby_from = \"person\"\norder = \"any\"\n",
        "steps = \"view, !add_to_cart, purchase\"\n",
        "steps = \"view, !add_to_cart, purchase\"\nexclusion = \"remove\"\n",
        "steps = \"view, !add_to_cart, purchase\"\nexclusion = \"remove\"\nby_from = \"step=2\"\n",
    ];
    let sessions = "[funnel.b]\nsteps = \"view, purchase\"\nunit = \"session\"\n";
    let (mut without_row, mut removed) = (0, 0);
    for text in funnels {
        let alone = format!("[funnel.a]\n{text}");
        fs::write(disk.path("beside.toml"), format!("{alone}{sessions}")).expect("a file");
        fs::write(disk.path("alone.toml"), alone).expect("a file");
        for (by, top) in [("device", "1"), ("device", "2"), ("device", "50"), ("device,what", "3")] {
            let funnel = |config: &str| {
                let flags = ["--config", config, "--by", by, "--top", top];
                let body = body(&disk.answer(&disk.forms[0], &flags, "2"));
                let funnels = body["funnels"].as_array().expect("a list").clone();
                funnels.into_iter().find(|funnel| funnel["name"] == "a").expect("the funnel")
            };
            let alone = funnel("alone.toml");
            let segments = alone["segments"].as_array().expect("a list");
            assert!(segments.len() > 1, "{text}--by {by} --top {top}");
            assert_eq!(alone, funnel("beside.toml"), "{text}--by {by} --top {top}");
            without_row += segments.iter().filter(|segment| segment["no_row"] == true).count();
            removed += alone["removed"].as_u64().unwrap_or(0);
        }
    }
    assert!(without_row > 0 && removed > 0);
}

/// Moves every time text of a body, and takes out the hash of the definition, which names the zone.
fn moved(value: &Value, by: jiff::SignedDuration) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(key, _)| !matches!(key.as_str(), "hash" | "time_zone"))
            .map(|(key, value)| (key.clone(), moved(value, by)))
            .collect(),
        Value::Array(items) => items.iter().map(|item| moved(item, by)).collect(),
        Value::String(text) => match text.parse::<jiff::Timestamp>() {
            Ok(time) => {
                let time = time.checked_add(by).expect("a time of our days");
                json!(time.to_string())
            }
            Err(_) => value.clone(),
        },
        other => other.clone(),
    }
}

#[test]
fn moving_all_times_moves_the_span_and_the_calendar_and_no_duration() {
    let events = events();
    let three_hours = jiff::SignedDuration::from_hours(3);
    let mut later = events.clone();
    for event in &mut later {
        event.at_ms += 3 * HOUR_MS;
    }
    // In a zone 3 hours east of UTC the days of the first events are the days of the moved ones in UTC.
    let mut in_the_east = TRENDED;
    in_the_east[7] = "Etc/GMT-3";
    let east = answer_for(&events, &in_the_east);
    let moved_in_utc = answer_for(&later, &TRENDED);
    assert_eq!(moved(&east, three_hours), moved(&moved_in_utc, jiff::SignedDuration::ZERO));

    // In UTC itself the days are others: nothing but what counts by days may differ.
    let in_utc = answer_for(&events, &TRENDED);
    let without_days = |body: &Value, by| {
        let mut body = moved(body, by);
        for funnel in body["funnels"].as_array_mut().expect("funnels") {
            let funnel = funnel.as_object_mut().expect("an object");
            funnel.remove("trend");
            for count in ["in_several_buckets", "only_in_buckets", "in_no_bucket"] {
                funnel.remove(count);
            }
            let segments = funnel["segments"].as_array().cloned().unwrap_or_default();
            let segments = segments.into_iter().map(|mut segment| {
                segment["time_to_purchase"]["active_days_until"] = Value::Null;
                segment
            });
            funnel["segments"] = segments.collect();
            funnel["time_to_purchase"]["active_days_until"] = Value::Null;
        }
        body
    };
    assert_ne!(in_utc["funnels"][0]["trend"], moved_in_utc["funnels"][0]["trend"]);
    assert_ne!(in_utc["input"]["from"], moved_in_utc["input"]["from"]);
    assert_eq!(without_days(&in_utc, three_hours), without_days(&moved_in_utc, jiff::SignedDuration::ZERO));
}
