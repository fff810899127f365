//! Runs that do not fit in memory say the same as those that do, leave nothing behind, and fail
//! cleanly where the disk is full.

use dropoff::condition::Condition;
use dropoff::decode::Limits;
use dropoff::decode::dialect::DialectHints;
use dropoff::decode::time::TimeOptions;
use dropoff::definition::ByFrom;
use dropoff::event::{DAY_US, MINUTE_US};
use dropoff::funnel::definition::{Funnel, Terms, Unit};
use dropoff::funnel::engine::Tie;
use dropoff::funnel::steps::parse_steps;
use dropoff::ingest::plan::{Columns, ConditionUse, IdentityPlan, ReadPlan, Slots};
use dropoff::ingest::{Pending, Progress, Resources, RowLayout, read_all};
use dropoff::report::build::{FunnelRequest, Request, build};
use dropoff::report::time_to_purchase::QuantileChoice;
use dropoff::source::Input;
use dropoff::stats::{Quantile, QuantileMethod};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

struct Silent;

impl Progress for Silent {
    fn advance(&self, _: u64) {}
}

/// What is read and asked beside persons, times and events.
#[derive(Debug, Clone, Copy)]
struct Shape {
    session: bool,
    value: bool,
    currency: bool,
    dimensions: usize,
    tie: Tie,
    unit: Unit,
}

fn shapes() -> impl Strategy<Value = Shape> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), 0..3_usize);
    let tie = prop_oneof![Just(Tie::Step), Just(Tie::File), Just(Tie::Strict)];
    let unit = prop_oneof![Just(Unit::Person), Just(Unit::Session)];
    (flags, tie, unit).prop_map(|((session, value, currency, dimensions), tie, unit)| Shape {
        session,
        value,
        currency,
        dimensions,
        tie,
        unit,
    })
}

/// Person, minute, event, session, price, device, country; each drawn from few, so that they meet.
type LogRow = (u16, i64, u8, u8, u16, u8, u8);

/// A log in files of its own, as each is read as one piece.
fn logs() -> impl Strategy<Value = Vec<Vec<LogRow>>> {
    let row = (0..60_u16, 0..3_000_i64, 0..5_u8, 0..4_u8, 0..900_u16, 0..4_u8, 0..3_u8);
    proptest::collection::vec(proptest::collection::vec(row, 0..120), 1..6)
}

fn text_of(rows: &[LogRow]) -> String {
    let mut text = String::from("user,time,event,visit,price,currency,device,country\n");
    for (user, minute, event, visit, price, device, country) in rows {
        let event = ["view", "cart", "purchase", "search", ""][usize::from(*event)];
        let visit = if *visit == 0 { String::new() } else { format!("visit-{user}-{visit}") };
        let price = if price % 3 == 0 { String::new() } else { format!("{price}.50") };
        let device = ["", "mobile", "desktop", "watch"][usize::from(*device)];
        let second = minute * 60;
        writeln!(
            text,
            "person-{user},{},{event},{visit},{price},ILS,{device},c{country}",
            1_772_222_400 + second
        )
        .expect("a text takes all");
    }
    text
}

fn plan_and_request(shape: Shape) -> (ReadPlan, Request) {
    let some = |asked: bool, name: &str| asked.then(|| name.to_owned());
    let columns = Columns {
        url: None,
        user_together: false,
        user: vec!["user".to_owned()],
        time: vec!["time".to_owned()],
        unpivot: Vec::new(),
        event: Some("event".to_owned()),
        session: some(shape.session, "visit"),
        value: some(shape.value, "price"),
        currency: some(shape.currency, "currency"),
        received: None,
        dimensions: ["device", "country"][..shape.dimensions].iter().map(|&name| name.to_owned()).collect(),
        key: Vec::new(),
    };
    let conditions = vec![Condition::parse("country != 'c1'").expect("a condition")];
    let Slots { names, of_source, roles } = Slots::assign(&columns, [].iter(), conditions.iter());
    let steps = parse_steps("view, cart[country != 'c1'], purchase").expect("steps");
    let by = columns.dimensions.clone();
    let funnel = Funnel {
        name: "main".to_owned(),
        steps,
        window_us: Some(DAY_US),
        unit: shape.unit,
        tie: shape.tie,
        terms: Terms::default(),
    };
    let uses = funnel.event_specs().filter(|spec| spec.condition.is_some());
    let uses = uses.map(|spec| ConditionUse { pattern: spec.pattern.clone(), condition: 0 }).collect();
    let bound = conditions[0].bind(|name| names.iter().position(|known| known == name)).expect("it is read");
    let plan = ReadPlan {
        layout: RowLayout {
            ordinal: shape.tie == Tie::File,
            session: shape.session,
            value: shape.value,
            currency: shape.currency,
            dimensions: shape.dimensions,
            received: false,
        },
        columns,
        event_name: None,
        derivation: None,
        slots: names,
        source_slots: of_source,
        roles,
        identity: IdentityPlan::default(),
        whole_record: None,
        conditions: vec![bound],
        uses,
        filter: None,
        time: TimeOptions::default(),
        naive_zone: TimeZone::UTC,
        naive_zone_given: true,
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
    let request = Request {
        funnels: vec![FunnelRequest { funnel, by, by_from: ByFrom::FirstEntry }],
        conditions,
        filter: None,
        entries_us: i64::MIN..i64::MAX,
        as_of_us: None,
        session_timeout_us: 30 * MINUTE_US,
        zone: TimeZone::UTC,
        trend: None,
        top: 2,
        min_cell: None,
        pseudonyms: None,
        choice: QuantileChoice { quantiles: vec![Quantile::MEDIAN], method: QuantileMethod::Type7 },
        currency: None,
    };
    (plan, request)
}

/// The body of the report and the table of sessions, and how much waited on disk.
fn answers(files: &[Input], shape: Shape, resources: &Resources) -> (String, String, u64) {
    let (plan, request) = plan_and_request(shape);
    let read = || {
        let inputs = files.iter().map(|input| Pending { input: input.clone(), opened: None }).collect();
        read_all(&plan, &DialectHints::default(), inputs, resources, &Silent).expect("readable")
    };
    let everything = read();
    let spilled = everything.store.spilled();
    let body = build(everything, &plan, &request, resources.threads).expect("one currency");
    let sessions = dropoff::report::sessions::build(read(), &plan, 30 * MINUTE_US, None, resources.threads);
    let sessions = sessions.expect("readable");
    let json = |value: Result<String, serde_json::Error>| value.expect("results have text keys");
    (json(serde_json::to_string(&body)), json(serde_json::to_string(&sessions)), spilled.bytes())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn no_budget_changes_an_answer(
        log in logs(), shape in shapes(), budget in prop_oneof![Just(0), 1..60_000_u64], threads in 1..4_usize,
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let files: Vec<Input> = log.iter().enumerate().map(|(index, rows)| {
            let path = folder.path().join(format!("{index}.csv"));
            fs::write(&path, text_of(rows)).expect("written");
            Input::file(path)
        }).collect();
        let in_memory = answers(&files, shape, &Resources::unbounded(threads));
        let temp_dir = folder.path().to_owned();
        let resources = Resources { threads, store_bytes: budget, temp_dir, input_bytes: 0 };
        let spilled = answers(&files, shape, &resources);
        prop_assert_eq!(in_memory.2, 0);
let has_rows = log.iter().any(|rows| !rows.is_empty());
        prop_assert!(spilled.2 > 0 || budget > 0 || !has_rows, "without memory all is written");
        prop_assert_eq!(in_memory.0, spilled.0);
        prop_assert_eq!(in_memory.1, spilled.1);
    }
}

/// The least that two threads take.
const LITTLE: &str = "61MB";

/// Many people with long ids: more than [`LITTLE`] leaves room for.
fn large_log() -> String {
    let mut text = String::from("user_id,event_time,event_type,price,device\n");
    for row in 0..240_000_u64 {
        // People come back in another order, long after.
        let user = row * 7_919 % 80_002;
        let event = ["view", "cart", "purchase"][(row % 3) as usize];
        let device = ["mobile", "desktop", "tablet"][(user % 3) as usize];
        let second = 1_772_222_400 + row * 3;
        writeln!(text, "a-rather-long-name-of-a-person-{user:024},{second},{event},{}.25,{device}", row % 90)
            .expect("a text takes all");
    }
    text
}

/// The folder with the log, and an empty one for temporary files.
fn folder_with_log() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("log.csv"), large_log()).expect("written");
    fs::create_dir(folder.path().join("temp")).expect("made");
    folder
}

const REPORT: [&str; 6] = ["report", "log.csv", "--steps", "view, cart, purchase", "--threads", "2"];

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).expect("listed").next().is_none()
}

#[test]
fn every_command_says_the_same_with_little_memory() {
    let folder = folder_with_log();
    let run = |words: &[&str], memory: &str| {
        let output = program(folder.path())
            .args(words)
            .args(["--memory", memory, "--temp-dir", "temp"])
            .output()
            .expect("the program starts");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?} --memory {memory}: {told}");
        String::from_utf8(output.stdout).expect("the report is UTF-8")
    };
    for more in [&["--value", "price"][..], &["--by", "device", "--unit", "session"]] {
        let words = [&REPORT[..], more, &["-f", "json"]].concat();
        let json =
            |memory| -> Value { serde_json::from_str(&run(&words, memory)).expect("the report is JSON") };
        let (little, much) = (json(LITTLE), json("2GiB"));
        assert_eq!(little["body"], much["body"], "{more:?}");
        assert_eq!(little["body_hash"], much["body_hash"]);
        assert_eq!(much["run"]["spilled_bytes"], 0);
        assert!(
            little["run"]["spilled_bytes"].as_u64() > Some(1_000_000),
            "{}",
            little["run"]["spilled_bytes"]
        );
    }
    let text = run(&REPORT, LITTLE);
    assert!(text.contains(" MB waited in temporary files"), "{text}");
    assert!(!run(&REPORT, "2GiB").contains("temporary"));
    let inspect = ["inspect", "log.csv", "--threads", "2", "--reproducible", "-f", "json"];
    let sessions = ["sessions", "log.csv", "--threads", "2"];
    let check = [&["check"], &REPORT[1..], &["--fail-if", "conversion < 0.1%"]].concat();
    for words in [&inspect[..], &sessions, &check] {
        assert_eq!(run(words, LITTLE), run(words, "2GiB"), "{words:?}");
    }
    assert!(is_empty(&folder.path().join("temp")));
}

#[test]
fn sizes_and_directories_that_cannot_be_are_usage_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    // Told before the input is looked at: this one is not there.
    let run = |words: &[&str]| {
        let words = [&["report", "none.csv", "--steps", "a, b"], words].concat();
        let output = program(folder.path()).args(words).output().expect("the program starts");
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    let little = run(&["--memory", "1MB", "--threads", "2"]);
    let least = "61MB";
    assert!(little.contains(&format!("with 2 threads takes at least {least}")), "{little}");
    assert!(run(&["--memory", "lots"]).contains("\"lots\" is not a size such as 512MB"));
    assert!(run(&["--temp-dir", "gone"]).contains("--temp-dir: gone: cannot make a temporary file there"));
}

fn program(folder: &Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_dropoff"));
    program.current_dir(folder).env_remove("DROPOFF_CONFIG").env_remove("DROPOFF_MEMORY");
    program
}

#[test]
fn the_environment_sets_memory_and_directory() {
    let folder = folder_with_log();
    let output = program(folder.path())
        .args(REPORT)
        .args(["-f", "json"])
        .env("DROPOFF_MEMORY", LITTLE)
        .env("TMPDIR", folder.path().join("gone"))
        .output()
        .expect("the program starts");
    // That it is not there is found when it is needed.
    if cfg!(unix) {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("gone: cannot make a temporary file there"), "{told}");
        assert!(told.contains("--temp-dir"), "{told}");
        assert!(output.stdout.is_empty());
    }
}

/// The most memory that a process has had so far.
#[cfg(target_os = "linux")]
fn peak_bytes(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    peak.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// It has neither lines to be cut at nor an end that could be waited for.
#[test]
#[cfg(target_os = "linux")]
fn of_an_array_no_more_is_held_than_an_element_and_a_few_chunks() {
    const ELEMENTS: usize = 160_000;
    let mut child = program(Path::new("."))
        .args(["report", "-", "--steps", "view, cart", "--memory", LITTLE, "--threads", "2", "-f", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("it is piped");
    let unused = "x".repeat(1_000);
    for row in 0..ELEMENTS {
        let (sign, user) = (if row == 0 { '[' } else { ',' }, row % 1_000);
        write!(input, "{sign}{{\"user_id\":\"u{user}\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"event\":\"view\",\"unused\":\"{unused}\"}}")
            .expect("it reads on");
    }
    // All but what a pipe holds has been read.
    let peak = peak_bytes(child.id());
    input.write_all(b"]").expect("it reads on");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let report: Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
    let input = &report["body"]["input"];
    assert_eq!((&input["rows"]["used"], &input["persons"]), (&Value::from(ELEMENTS), &Value::from(1_000)));
    assert!(peak < ELEMENTS as u64 * 1_000 / 2, "{peak} bytes of memory for {ELEMENTS} kB of text");
}

/// A limit on the size of files stands for a full disk: it needs no privilege.
#[test]
#[cfg(unix)]
fn a_full_disk_is_a_clean_error() {
    let folder = folder_with_log();
    let words = REPORT.map(|word| format!("'{word}'")).join(" ");
    let program = env!("CARGO_BIN_EXE_dropoff");
    // Without the trap the system would end the program by a signal.
    let script = format!(
        "trap '' XFSZ; ulimit -f 1000 || exit 99; exec '{program}' {words} --memory {LITTLE} --temp-dir temp -o out.json"
    );
    let output: Output =
        Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output().expect("a POSIX shell");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.starts_with("error: temp: cannot write to a temporary file there: "), "{told}");
    assert!(told.contains("hint: name another directory with --temp-dir"), "{told}");
    assert!(!folder.path().join("out.json").exists(), "nothing half done");
    assert!(is_empty(&folder.path().join("temp")));
}

/// Nothing has a name while the program runs, so nothing is left when it is ended by force.
#[test]
#[cfg(target_os = "linux")]
fn nothing_is_left_of_a_run_that_is_killed() {
    use std::io::Write;
    use std::time::{Duration, Instant};

    let folder = folder_with_log();
    let temp = folder.path().join("temp").canonicalize().expect("it is there");
    let mut child = program(folder.path())
        .args(["report", "-", "--steps", "view, cart, purchase", "--threads", "2"])
        .args(["--memory", LITTLE, "--temp-dir", "temp"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("a pipe");
    // All of it is read at once; the end of the input never comes.
    input.write_all(large_log().as_bytes()).expect("the program reads");
    let handles = format!("/proc/{}/fd", child.id());
    let has_file = || {
        let files = fs::read_dir(&handles).expect("it runs").flatten();
        files.filter_map(|file| fs::read_link(file.path()).ok()).any(|file| file.starts_with(&temp))
    };
    let started = Instant::now();
    while !has_file() {
        assert!(started.elapsed() < Duration::from_secs(60), "no temporary file was made");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(is_empty(&temp), "while it runs");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    assert!(is_empty(&temp), "after it was killed");
    drop(input);
}
