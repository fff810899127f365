//! Counts the instructions that a row costs, and holds them against ceilings.
//!
//! `scripts/instructions` runs the release program under valgrind, on one thread, over N rows and
//! over 2N, and takes the difference, so that neither start-up nor a busy machine counts: a change
//! of a few percent shows on any computer. Instructions are not time: what waits for memory costs
//! more than it counts. Valgrind knows AVX2 but not AVX-512, so wider code is not counted here.
//!
//! `--update` writes what was measured as the new ceilings; a word picks cases by their names.

mod data;

use anyhow::{Context, bail, ensure};
use data::{COLUMNS, Format, Log, Order, Shape};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const ROWS: usize = 50_000;
/// What may be over a ceiling: seeds of hashes, compilers and the C library of another machine differ by less.
const SLACK: f64 = 0.10;
/// What is further below a ceiling than this asks for a lower one, or the gain is not kept.
const GAIN: f64 = 0.10;

const HEAD: &str = "\
# Instructions that the program may cost, a row and to start: see `benches/instructions.rs`.
# Written by `scripts/instructions --update`. A higher number wants its reason in the commit.
";

/// What one case costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct Cost {
    row: u64,
    start: u64,
}

struct Case {
    name: &'static str,
    order: Order,
    /// The end of the file's name.
    format: &'static str,
    more: &'static [&'static str],
}

const CASES: [Case; 5] = [
    Case { name: "csv", order: Order::Time, format: "csv", more: &[] },
    Case { name: "csv-by", order: Order::Time, format: "csv", more: &["--by", "device,country"] },
    Case { name: "csv-shuffled", order: Order::Shuffled, format: "csv", more: &[] },
    Case { name: "jsonl", order: Order::Time, format: "jsonl", more: &[] },
    Case { name: "parquet", order: Order::Time, format: "parquet", more: &[] },
];

fn main() -> anyhow::Result<ExitCode> {
    let mut update = false;
    let mut words: Vec<String> = Vec::new();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--update" => update = true,
            // From cargo.
            "--bench" => {}
            flag if flag.starts_with('-') => bail!("unknown flag {flag}; there is --update"),
            word => words.push(word.to_owned()),
        }
    }
    let mut out = std::io::stdout().lock();
    // The ceilings are those of AVX2: other machines take other ways through the decoders.
    if !has_avx2() || Command::new("valgrind").arg("--version").output().is_err() {
        writeln!(out, "SKIPPED: instructions are counted by valgrind, on x86-64 with AVX2")?;
        return Ok(ExitCode::SUCCESS);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ceilings_path = root.join("benches/instructions.toml");
    let old = fs::read_to_string(&ceilings_path).unwrap_or_default();
    let mut ceilings: BTreeMap<String, Cost> = toml::from_str(&old).context("the ceilings cannot be read")?;

    writeln!(
        out,
        "{:<14} {:>9} {:>9} {:>7} {:>13} {:>13} {:>7}",
        "", "a row", "ceiling", "", "start", "ceiling", ""
    )?;
    let mut verdicts = Vec::new();
    for case in
        CASES.iter().filter(|case| words.is_empty() || words.iter().any(|word| case.name.contains(word)))
    {
        let cost = measure(case, root).with_context(|| format!("case {}", case.name))?;
        let ceiling = ceilings.get(case.name).copied();
        let row = Verdict::of(cost.row, ceiling.map(|ceiling| ceiling.row));
        let start = Verdict::of(cost.start, ceiling.map(|ceiling| ceiling.start));
        writeln!(
            out,
            "{:<14} {:>9} {:>9} {:>7} {:>13} {:>13} {:>7}",
            case.name,
            cost.row,
            ceiling.map_or(0, |ceiling| ceiling.row),
            row.word(),
            cost.start,
            ceiling.map_or(0, |ceiling| ceiling.start),
            start.word()
        )?;
        out.flush()?;
        verdicts.extend([row, start]);
        ceilings.insert(case.name.to_owned(), cost);
    }
    if update {
        fs::write(&ceilings_path, written(&ceilings)).context("the ceilings cannot be written")?;
        writeln!(out, "written to {}", ceilings_path.display())?;
        return Ok(ExitCode::SUCCESS);
    }
    if verdicts.contains(&Verdict::Lower) {
        writeln!(out, "Cheaper than asked: keep the gain with scripts/instructions --update")?;
    }
    if verdicts.contains(&Verdict::Over) {
        writeln!(
            out,
            "Dearer than allowed. If that is worth it, run scripts/instructions --update and say why in the commit."
        )?;
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn has_avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// How a count stands to its ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Over,
    Fine,
    Lower,
}

impl Verdict {
    /// Without a ceiling nothing is allowed.
    fn of(count: u64, ceiling: Option<u64>) -> Verdict {
        let ratio = count as f64 / ceiling.unwrap_or(0).max(1) as f64;
        match ratio {
            _ if ratio > 1.0 + SLACK => Verdict::Over,
            _ if ratio < 1.0 - GAIN => Verdict::Lower,
            _ => Verdict::Fine,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Verdict::Over => "OVER",
            Verdict::Fine => "",
            Verdict::Lower => "lower",
        }
    }
}

fn written(ceilings: &BTreeMap<String, Cost>) -> String {
    let lines = ceilings
        .iter()
        .map(|(name, cost)| format!("{name} = {{ row = {}, start = {} }}\n", cost.row, cost.start));
    lines.fold(HEAD.to_owned(), |text, line| text + &line)
}

fn measure(case: &Case, root: &Path) -> anyhow::Result<Cost> {
    let short = count(case, root, ROWS)?;
    let long = count(case, root, 2 * ROWS)?;
    let all_rows = long.saturating_sub(short);
    Ok(Cost { row: all_rows / ROWS as u64, start: short.saturating_sub(all_rows) })
}

/// Instructions of one whole run over so many rows.
fn count(case: &Case, root: &Path, rows: usize) -> anyhow::Result<u64> {
    let file = log_file(case, rows)?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--"])
        .arg(env!("CARGO_BIN_EXE_dropoff"))
        .arg("report")
        .arg(&file)
        .arg("--config")
        .arg(root.join("benches/job.toml"))
        .args(["--user", "user_id", "--time", "event_time", "--event", "event_type", "-f", "json"])
        .args(["--threads", "1"])
        .args(case.more)
        .env_remove("DROPOFF_CONFIG")
        .env("POLARS_MAX_THREADS", "1")
        .output()?;
    fs::remove_file(&file)?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}\n{told}", output.status);
    let used = format!("\"used\": {rows},");
    ensure!(String::from_utf8_lossy(&output.stdout).contains(&used), "the report does not count {rows} rows");
    let collected = told.lines().find_map(|line| line.split_once("Collected :"));
    let (_, collected) = collected.context("valgrind told no count")?;
    Ok(collected.trim().parse()?)
}

fn log_file(case: &Case, rows: usize) -> anyhow::Result<PathBuf> {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("instructions-{rows}.{}", case.format));
    let log = Log::draw(Shape { order: case.order, ..Shape::usual(rows) });
    let mut out = BufWriter::new(File::create(&path)?);
    match case.format {
        "parquet" => log.write_parquet(&mut out)?,
        "jsonl" => log.write(Format::Jsonl, COLUMNS.len(), &mut out)?,
        _ => log.write(Format::Csv, COLUMNS.len(), &mut out)?,
    }
    out.flush()?;
    Ok(path)
}
