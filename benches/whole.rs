//! Whole runs: from a file to the report on disk, as the program does it.
//!
//! `cargo bench --bench whole` prints times, rows and bytes of the file a second. The
//! files are small and stay in the page cache, and the process is started once. What a run costs
//! from its start, beside others: `scripts/bench/compare.py`.

mod data;

use clap::Parser;
use data::{COLUMNS, Format, Log, Order, Shape};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use dropoff::cli::args::Cli;
use dropoff::cli::{Exit, run};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

const ROWS: usize = 200_000;

fn main() {
    divan::main();
}

const FILES: [&str; 6] =
    ["time.csv", "shuffled.csv", "time.csv.gz", "time.csv.zst", "time.jsonl", "time.parquet"];

#[divan::bench(args = FILES, sample_count = 10)]
fn report(bencher: Bencher<'_, '_>, name: &str) {
    bench(bencher, name, &[]);
}

#[divan::bench(args = ["time.csv"], sample_count = 10)]
fn report_one_thread(bencher: Bencher<'_, '_>, name: &str) {
    bench(bencher, name, &["--threads", "1"]);
}

#[divan::bench(args = ["time.csv", "time.parquet"], sample_count = 10)]
fn report_by_device_and_country(bencher: Bencher<'_, '_>, name: &str) {
    bench(bencher, name, &["--by", "device,country"]);
}

fn bench(bencher: Bencher<'_, '_>, name: &str, more: &[&str]) {
    let input = file(name);
    let bytes = fs::metadata(&input).expect("the file was written").len();
    let out = folder().join("report.json");
    let job = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/job.toml");
    let paths =
        [&input, &job, &out].map(|path| path.to_str().expect("the target folder is UTF-8").to_owned());
    let [input, job, out] = &paths;
    let mut words = vec!["dropoff", "report", input, "--config", job, "--user", "user_id"];
    words.extend(["--time", "event_time", "--event", "event_type", "--quiet", "-o", out]);
    words.extend(more);
    bencher.counter(ItemsCount::new(ROWS)).counter(BytesCount::new(bytes)).bench_local(|| {
        let cli = Cli::try_parse_from(&words).expect("a command");
        assert!(matches!(run(cli), Ok(Exit::Done)));
    });
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// Draws the log into a file of this name, whose end says the format.
fn file(name: &str) -> PathBuf {
    let path = folder().join(format!("whole-{name}"));
    let order = if name.starts_with("shuffled") { Order::Shuffled } else { Order::Time };
    let log = Log::draw(Shape { order, ..Shape::usual(ROWS) });
    let mut out = BufWriter::new(File::create(&path).expect("the target folder is writable"));
    let written = match name.split_once('.').map_or("", |(_, end)| end) {
        "parquet" => log.write_parquet(&mut out).map_err(std::io::Error::other),
        "jsonl" => log.write(Format::Jsonl, COLUMNS.len(), &mut out),
        "csv.gz" => {
            let mut encoder = flate2::write::GzEncoder::new(&mut out, flate2::Compression::default());
            log.write(Format::Csv, COLUMNS.len(), &mut encoder).and_then(|()| encoder.try_finish())
        }
        "csv.zst" => zstd::Encoder::new(&mut out, 3).and_then(|mut encoder| {
            log.write(Format::Csv, COLUMNS.len(), &mut encoder)?;
            encoder.finish().map(drop)
        }),
        _ => log.write(Format::Csv, COLUMNS.len(), &mut out),
    };
    written.and_then(|()| out.flush()).expect("the target folder is writable");
    path
}
