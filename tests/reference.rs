//! The reference answers of the benchmark kit at one million rows, and the same report from every
//! form the rows can come in.
//!
//! The kit lies beside the working copy (`../shared/bench`, or `$DROPOFF_SHARED/bench`). Without
//! it, or without a compiler for its generator, the test says so and passes.

mod support;

use polars::prelude::{Column, DataType, NamedFrom, Series, TimeUnit};
use serde_json::Value;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{gzip, stdout_of, write_parquet, zstandard};

/// Time to purchase is from the first view to the first purchase after it, whatever lies between:
/// a funnel of its own.
const DEFINITION: &str = r#"
[source]
user = "user_id"
time = "event_time"
event = "event_type"
session = "user_session"
value = "price"

[funnel.main]
steps = "view, cart, checkout, purchase"
window = "7d"

[funnel.ttp]
steps = "view, purchase"
window = "none"

[report]
quantile_method = "nearest-rank"
quantiles = ["p50", "p90", "p95"]
"#;

/// The kit's README, table of reference answers, row 1M (seed 1, 30 days).
const ROWS: u64 = 1_000_000;
const USERS: u64 = 57_519;
const SESSIONS: u64 = 165_350;
const FUNNEL: [u64; 4] = [54_665, 11_196, 6_043, 4_097];
const ABANDON: [u64; 5] = [13_941, 134_557, 9_786, 3_379, 3_687];
const PURCHASES: u64 = 4_975;
/// p50, p90 and p95, in ms.
const TIME_TO_PURCHASE_MS: [f64; 3] = [524_317_582.0, 1_852_665_267.0, 2_104_974_887.0];

/// Rows of a row group, as `DuckDB` writes them.
const GROUP_ROWS: usize = 122_880;

#[test]
fn a_million_rows_give_the_reference_answers_in_every_form() {
    let root = std::env::var_os("DROPOFF_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let generator = root.join("bench/gen/src/main.rs");
    if !generator.exists() {
        eprintln!("SKIPPED: {} is not there; set DROPOFF_SHARED", generator.display());
        return;
    }
    // Everything lies in a folder that goes when the test ends, also if it fails.
    let folder = tempfile::tempdir().expect("a folder for the test");
    let Some(clickgen) = compiled(&generator, folder.path()) else {
        eprintln!("SKIPPED: the generator of the kit cannot be compiled here");
        return;
    };
    fs::write(folder.path().join("reference.toml"), DEFINITION).expect("the test's folder is writable");

    let csv = folder.path().join("rows.csv");
    generate(&clickgen, &csv, &["--format", "csv"]);
    let expected = answer(folder.path(), "rows.csv");
    check(&expected);

    let form = |name: &str| {
        assert!(answer(folder.path(), name) == expected, "{name}: another report than that of rows.csv");
        fs::remove_file(folder.path().join(name)).expect("the form was written");
    };
    let bytes = fs::read(&csv).expect("the rows were written");
    let write = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).expect("the test's folder is writable");
        form(name);
    };
    write("rows.csv.gz", &gzip(&bytes));
    write("rows.csv.zst", &zstandard(&bytes));
    drop(bytes);
    parquet(&csv, &folder.path().join("rows.parquet"));
    form("rows.parquet");
    fs::remove_file(&csv).expect("the rows were written");
    for (name, flags) in [("rows.jsonl", ["--format", "jsonl"]), ("shuffled.csv", ["--order", "shuffle"])] {
        generate(&clickgen, &folder.path().join(name), &flags);
        form(name);
    }
}

/// The generator, compiled into the folder; it is one file without dependencies.
fn compiled(generator: &Path, folder: &Path) -> Option<PathBuf> {
    let program = folder.join("clickgen");
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let status = Command::new(compiler)
        .args(["-O", "--edition", "2021", "--cap-lints", "allow", "-o"])
        .arg(&program)
        .arg(generator)
        .status();
    status.is_ok_and(|status| status.success()).then_some(program)
}

fn generate(clickgen: &Path, out: &Path, flags: &[&str]) {
    let status = Command::new(clickgen).args(["--rows", "1M", "--out"]).arg(out).args(flags).status();
    assert!(status.is_ok_and(|status| status.success()), "the generator writes {}", out.display());
}

fn answer(folder: &Path, file: &str) -> String {
    let arguments = ["report", file, "--config", "reference.toml", "--format", "json", "--reproducible"];
    stdout_of(folder, &arguments, Stdio::null())
}

fn check(answer: &str) {
    let report: Value = serde_json::from_str(answer).expect("the report is JSON");
    let body = &report["body"];
    assert_eq!(body["input"]["rows"]["used"], ROWS);
    assert_eq!(body["input"]["persons"], USERS);
    assert_eq!(body["input"]["sessions"], SESSIONS);
    let funnel = |name: &str| {
        let funnels = body["funnels"].as_array().expect("funnels");
        funnels.iter().find(|funnel| funnel["name"] == name).expect("the funnel was asked for")
    };
    let numbers = |list: &Value, key: &str| -> Vec<u64> {
        list.as_array().into_iter().flatten().filter_map(|item| item[key].as_u64()).collect()
    };
    assert_eq!(numbers(&funnel("main")["conversion"]["steps"], "reached"), FUNNEL);
    assert_eq!(numbers(&funnel("main")["session_stages"], "n"), ABANDON);
    let times = &funnel("ttp")["time_to_purchase"];
    assert_eq!(times["n"], PURCHASES);
    let quantiles_ms = ["p50_s", "p90_s", "p95_s"].map(|key| times[key].as_f64().map(|s| (s * 1e3).round()));
    assert_eq!(quantiles_ms, TIME_TO_PURCHASE_MS.map(Some));
}

/// The columns that the report reads, typed as an engine would type them: naive times of ms, prices
/// as doubles.
fn parquet(csv: &Path, out: &Path) {
    let mut reader = csv::Reader::from_reader(BufReader::new(File::open(csv).expect("the rows")));
    let header = reader.headers().expect("a header").clone();
    let place = |name: &str| header.iter().position(|column| column == name).expect("a known column");
    let [at, event, price, user, session] =
        ["event_time", "event_type", "price", "user_id", "user_session"].map(place);
    let (mut times_ms, mut prices) = (Vec::new(), Vec::new());
    let mut texts: [(usize, Vec<Option<String>>); 3] =
        [event, user, session].map(|column| (column, Vec::new()));
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).expect("a sound file") {
        let time: jiff::Timestamp = record[at].parse().expect("a time");
        times_ms.push(time.as_millisecond());
        prices.push(record[price].parse::<f64>().ok());
        for (column, texts) in &mut texts {
            let text = &record[*column];
            texts.push((!text.is_empty()).then(|| text.to_owned()));
        }
    }
    let naive_ms = DataType::Datetime(TimeUnit::Milliseconds, None);
    let times = Series::new("event_time".into(), times_ms).cast(&naive_ms).expect("milliseconds are times");
    let mut columns = vec![Column::from(times), Column::from(Series::new("price".into(), prices))];
    for (column, texts) in texts {
        columns.push(Column::from(Series::new(header[column].into(), texts)));
    }
    write_parquet(out, columns, GROUP_ROWS);
}
