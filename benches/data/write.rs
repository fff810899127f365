//! Writes a log for benchmarks to a file:
//!
//! `cargo run --release --example bench_data -- log.csv --rows 1000000`
//!
//! The end of the name says the format: `.csv`, `.jsonl` or `.parquet`.

#[path = "mod.rs"]
mod data;

use anyhow::{Context, bail};
use clap::Parser;
use data::{COLUMNS, Format, Log, NARROW, Order, People, Shape};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

/// Writes the log of a shop, drawn from a seed: the same arguments give the same bytes.
#[derive(Parser)]
struct Arguments {
    /// Where to; the end of the name (.csv, .jsonl, .parquet) says the format.
    file: PathBuf,
    #[arg(long, default_value_t = 1_000_000)]
    rows: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Rows in random order instead of by time.
    #[arg(long)]
    shuffled: bool,
    /// Only the first 8 of the 14 columns.
    #[arg(long)]
    narrow: bool,
    /// Every row is from someone else.
    #[arg(long, conflicts_with = "one_busy")]
    distinct: bool,
    /// One person has nine tenths of the rows.
    #[arg(long)]
    one_busy: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let people = match (arguments.distinct, arguments.one_busy) {
        (true, _) => People::Distinct,
        (_, true) => People::OneBusy,
        _ => People::Usual,
    };
    let order = if arguments.shuffled { Order::Shuffled } else { Order::Time };
    let log = Log::draw(Shape { rows: arguments.rows, seed: arguments.seed, order, people });
    let columns = if arguments.narrow { NARROW } else { COLUMNS.len() };
    let path = arguments.file.display();
    let file = File::create(&arguments.file).with_context(|| format!("{path}: cannot be written"))?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    match arguments.file.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => log.write(Format::Csv, columns, &mut out)?,
        Some("jsonl") => log.write(Format::Jsonl, columns, &mut out)?,
        Some("parquet") if arguments.narrow => {
            bail!("a Parquet log has all columns: they cost nothing unread")
        }
        Some("parquet") => log.write_parquet(&mut out)?,
        _ => bail!("{path}: the name must end in .csv, .jsonl or .parquet"),
    }
    out.flush().with_context(|| format!("{path}: cannot be written"))
}
