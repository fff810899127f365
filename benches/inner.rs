//! Inner loops, on rows in memory: what each stage costs by itself.
//!
//! `cargo bench --bench inner` prints times and rows a second; a word after `--` picks benches by
//! their names. One thread, but for what says otherwise. Whole runs are in `whole.rs`.

mod data;

use data::{COLUMNS, Format, Log, Shape};
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use dropoff::decode::csv::CsvDecoder;
use dropoff::decode::dialect::{Dialect, DialectHints};
use dropoff::decode::jsonl::{JsonDecoder, JsonPath};
use dropoff::decode::time::{DEFAULT_MIN_TIME_US, TimeOptions, TimeParser, detect};
use dropoff::decode::{Limits, RecordSink};
use dropoff::event::{DAY_US, Field, RecordAt, Reject, SECOND_US};
use dropoff::funnel::engine::{Engine, Observation, Rows, Rules};
use dropoff::funnel::kinds::{KindRoles, KindTable};
use dropoff::ingest::plan::{Columns, IdentityPlan, ReadPlan, Slots};
use dropoff::ingest::{
    Accumulator, Everything, Pending, Person, Progress, Resources, RowLayout, TieOrder, over_store, read_all,
};
use dropoff::session::split;
use dropoff::source::Input;
use jiff::tz::TimeZone;
use std::path::PathBuf;
use std::sync::LazyLock;

const ROWS: usize = 50_000;
const TIMEOUT_US: i64 = 1_800 * SECOND_US;
/// The columns of the timed job: time, event, person.
const WANTED: [usize; 3] = [0, 1, 6];

fn main() {
    divan::main();
}

static CSV: LazyLock<Vec<u8>> = LazyLock::new(|| Log::draw(Shape::usual(ROWS)).to_bytes(Format::Csv));
static JSONL: LazyLock<Vec<u8>> = LazyLock::new(|| Log::draw(Shape::usual(ROWS)).to_bytes(Format::Jsonl));

/// Looks at every wanted field and keeps nothing.
#[derive(Default)]
struct Glance {
    records: usize,
    bytes: usize,
}

impl RecordSink for Glance {
    fn record(&mut self, _: RecordAt, fields: &[Field<'_>]) {
        self.records += 1;
        for field in fields {
            if let Field::Text(text) = field {
                self.bytes += text.len();
            }
        }
    }

    fn reject(&mut self, reject: Reject) {
        panic!("the log is sound, but: {reject:?}");
    }
}

#[divan::bench(args = [3, 14])]
fn csv_walk(bencher: Bencher<'_, '_>, fields: usize) {
    let data = &CSV[CSV.iter().position(|&byte| byte == b'\n').map_or(0, |at| at + 1)..];
    let all: Vec<usize> = (0..COLUMNS.len()).collect();
    let wanted = if fields == WANTED.len() { &WANTED[..] } else { &all };
    let mut decoder = CsvDecoder::new(Dialect::default(), COLUMNS.len(), wanted, None, Limits::default());
    bencher.counter(ItemsCount::new(ROWS)).counter(BytesCount::of_slice(data)).bench_local(|| {
        let mut glance = Glance::default();
        decoder.decode(black_box(data), true, &mut glance);
        assert_eq!(glance.records, ROWS);
        glance.bytes
    });
}

#[divan::bench(args = [3, 14])]
fn jsonl_walk(bencher: Bencher<'_, '_>, fields: usize) {
    let all: Vec<usize> = (0..COLUMNS.len()).collect();
    let wanted = if fields == WANTED.len() { &WANTED[..] } else { &all };
    let paths: Vec<JsonPath> = wanted.iter().map(|&column| JsonPath::new(COLUMNS[column])).collect();
    let mut decoder = JsonDecoder::new(&paths, Limits::default());
    let data = JSONL.as_slice();
    bencher.counter(ItemsCount::new(ROWS)).counter(BytesCount::of_slice(data)).bench_local(|| {
        let mut glance = Glance::default();
        decoder.decode(black_box(data), true, &mut glance);
        assert_eq!(glance.records, ROWS);
        glance.bytes
    });
}

/// A time as a log writes it, from 250 ms to 250 ms.
const TIMES: [&str; 4] =
    ["%Y-%m-%dT%H:%M:%S%.3fZ", "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%dT%H:%M:%S%.6f+02:00", "%s"];

#[divan::bench(args = TIMES)]
fn time_parse(bencher: Bencher<'_, '_>, layout: &str) {
    let texts: Vec<String> = (0..ROWS as i64)
        .map(|row| jiff::Timestamp::from_millisecond(1_740_787_200_000 + 250 * row).expect("a time"))
        .map(|time| time.strftime(layout).to_string())
        .collect();
    let sample = texts.iter().take(100).map(String::as_bytes);
    let detected = detect(sample, &TimeOptions::default()).expect("a format that is known");
    let mut parser = TimeParser::new(&detected.formats, TimeZone::UTC, DEFAULT_MIN_TIME_US);
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        texts.iter().fold(0, |sum: i64, text| {
            sum.wrapping_add(parser.parse(black_box(text.as_bytes())).expect("a time"))
        })
    });
}

/// Reads the whole file: on top of the walk, times, event names, and the look-up of every person.
#[divan::bench(args = [1, 2])]
fn read_into_store(bencher: Bencher<'_, '_>, threads: usize) {
    let file = csv_file();
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| read(&file, threads));
}

/// From rows as they arrived to every person's rows in order, and their sessions.
#[divan::bench]
fn settle_persons(bencher: Bencher<'_, '_>) {
    let file = csv_file();
    bencher.counter(ItemsCount::new(ROWS)).with_inputs(|| read(&file, 1)).bench_local_values(|everything| {
        let ties = TieOrder { kinds: (0..64).collect(), ..TieOrder::default() };
        let counted = over_store(everything.store, &ties, TIMEOUT_US, 1, Sessions::default);
        let counted = counted.expect("nothing is spilled");
        assert!(counted.sessions > 0);
        counted.sessions
    });
}

#[derive(Default)]
struct Sessions {
    sessions: usize,
}

impl Accumulator for Sessions {
    fn person(&mut self, person: &Person<'_>) {
        self.sessions += person.sessions.len();
    }

    fn merge(&mut self, other: Self) {
        self.sessions += other.sessions;
    }
}

/// Persons of so many rows each, an eighth of which are steps.
#[divan::bench(args = [4, 16, 256, 4096])]
fn engine_run(bencher: Bencher<'_, '_>, rows: usize) {
    let mut kinds = KindTable::new();
    for step in 0..4 {
        kinds.push(&KindRoles { steps: vec![step], ..KindRoles::default() });
    }
    let other = kinds.push(&KindRoles::default());
    let rules = Rules { step_count: 4, window_us: Some(7 * DAY_US), ..Rules::default() };
    let times_us: Vec<i64> = (0..ROWS as i64).map(|row| row * 20 * SECOND_US).collect();
    // A fixed walk over all steps that repeats only after many rows.
    let kind = |row: u32| if row % 8 < 7 { other } else { row / 8 % 17 % 4 };
    let row_kinds: Vec<u32> =
        (0..ROWS as u32).map(|row| kind(row.wrapping_mul(2_654_435_761) >> 16)).collect();
    let seen = Observation { entries_us: i64::MIN..i64::MAX, as_of_us: i64::MAX, closes_us: None };
    let mut engine = Engine::new(&rules, &kinds);
    bencher.counter(ItemsCount::new(ROWS / rows * rows)).bench_local(|| {
        let persons = times_us.chunks_exact(rows).zip(row_kinds.chunks_exact(rows));
        persons.map(|(times_us, kinds)| engine.run(Rows { times_us, kinds }, &seen).level).sum::<usize>()
    });
}

#[divan::bench]
fn split_sessions(bencher: Bencher<'_, '_>) {
    let times_us: Vec<i64> =
        (0..ROWS as i64).map(|row| row * 20 * SECOND_US + row / 9 * TIMEOUT_US).collect();
    let mut sessions = Vec::new();
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        sessions.clear();
        split(black_box(&times_us), TIMEOUT_US, &mut sessions)
    });
}

fn csv_file() -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("inner.csv");
    std::fs::write(&path, CSV.as_slice()).expect("the target folder is writable");
    path
}

struct Silent;

impl Progress for Silent {
    fn advance(&self, _: u64) {}
}

fn read(file: &std::path::Path, threads: usize) -> Everything {
    let columns = Columns {
        user: vec!["user_id".to_owned()],
        time: vec!["event_time".to_owned()],
        event: Some("event_type".to_owned()),
        ..Columns::default()
    };
    let Slots { names, of_source, roles } = Slots::assign(&columns, [].iter(), [].iter());
    let plan = ReadPlan {
        derivation: None,
        columns,
        event_name: None,
        slots: names,
        source_slots: of_source,
        roles,
        identity: IdentityPlan::default(),
        whole_record: None,
        conditions: Vec::new(),
        uses: Vec::new(),
        filter: None,
        layout: RowLayout::default(),
        time: TimeOptions::default(),
        naive_zone: TimeZone::UTC,
        naive_zone_given: false,
        as_of_us: None,
        decimal_mark: b'.',
        mark_told_by: None,
        null_ids: Vec::new(),
        keep_empty_ids: false,
        cleaning: dropoff::ingest::clean::Cleaning::default(),
        open: dropoff::source::OpenOptions::default(),
        limits: Limits::default(),
        members: None,
        keep_rejects: 10,
    };
    let pending = vec![Pending { input: Input::file(file), opened: None }];
    let resources = Resources::unbounded(threads);
    read_all(&plan, &DialectHints::default(), pending, &resources, &Silent).expect("the log is sound")
}
