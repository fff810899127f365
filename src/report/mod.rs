//! Typed results, and how they lie in tables.
//!
//! `run` of a report holds what may differ between two runs over the same events (paths, dialects,
//! clock, threads); `body` never does.

pub mod abandonment;
mod active;
pub mod build;
pub mod canonical;
mod clusters;
pub mod collect;
pub mod conversion;
pub mod definition;
pub mod derived;
pub mod funnel;
pub mod identity;
pub mod ids;
pub mod input;
pub mod inspect;
pub mod jsonl;
pub mod lists;
pub mod min_cell;
pub mod people;
pub mod receipts;
#[cfg(test)]
pub(crate) mod sample;
pub mod segments;
pub mod sessions;
pub mod shape;
pub mod table;
pub mod tally;
pub mod time_to_purchase;
mod traps;
mod units;
pub mod unserved;
pub mod validation;

use crate::ingest::Spilled;
use derived::Derived;
use funnel::FunnelReport;
use identity::Identity;
use input::{CohortCounts, IdCounts, Input, WideCounts};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;
use table::{Block, Cell, Column, Table};

/// The texts behind the codes that tallies count by.
#[derive(Debug, Clone, Default)]
pub struct Names {
    pub events: Vec<String>,
    /// Of every value, where one is known.
    pub currency: Option<String>,
    /// Whether a value column was read at all.
    pub values_known: bool,
}

pub const REPORT_SCHEMA: &str = "dropoff.report/1";

/// Everything `dropoff report` says.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    pub schema: String,
    /// False when more rows were rejected than the tolerance allows.
    pub trusted: bool,
    /// Null where it was asked to be left out.
    pub run: Option<Run>,
    pub body: Body,
    /// BLAKE3 of the body in its canonical form.
    pub body_hash: String,
}

/// What may differ from run to run over the same events.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Run {
    pub version: String,
    pub elapsed_s: f64,
    pub threads: usize,
    pub files: Vec<FileRead>,
    /// What was guessed, with the reason.
    pub guessed: Vec<String>,
    pub reject_samples: Vec<RejectSample>,
    pub warnings: Vec<Warning>,
    /// Notes on how files were read.
    pub notes: Vec<String>,
    pub rows_out_of_order: u64,
    /// Bytes that waited in temporary files, as memory did not suffice.
    pub spilled_bytes: u64,
    /// Lists of ids that said who is reported.
    pub cohort_files: Vec<CohortFile>,
    /// Version of the rules of time zones; null where only UTC is used, or nothing says it.
    pub time_zone_database: Option<String>,
}

/// How a list of ids was read; what the ids are is told nowhere.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CohortFile {
    pub path: String,
    /// Where its ids stand.
    pub read_as: String,
    /// Ids that stood there before, which changes nothing.
    pub repeated: u64,
    pub first_repeated_line: Option<u64>,
    /// Lines and records without an id.
    pub empty: u64,
    /// Of the records; blank lines are only counted.
    pub first_empty_line: Option<u64>,
}

impl CohortFile {
    fn text(&self) -> String {
        let CohortFile { path, read_as, repeated, empty, .. } = self;
        let place =
            |line: Option<u64>| line.map_or(String::new(), |line| format!(" (first at {path}:{line})"));
        let mut text = format!("{path}: {read_as}");
        if *repeated > 0 {
            let n = crate::human::count(*repeated);
            text.push_str(&format!("; {n} repeated{}", place(self.first_repeated_line)));
        }
        if *empty > 0 {
            let n = crate::human::counted(*empty, "line has", "lines have");
            text.push_str(&format!("; {n} no id{}", place(self.first_empty_line)));
        }
        text
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FileRead {
    pub path: String,
    pub format: String,
    pub compression: String,
    /// Records read: `used + rejected + filtered`.
    pub rows: u64,
    /// Repeated events are among them.
    pub used: u64,
    pub rejected: u64,
    pub filtered: u64,
    pub blank_lines: u64,
    /// Times that name no zone.
    pub naive_times: u64,
    /// The file is damaged: only what stands before the damage was read.
    pub partial: bool,
    /// Dialect and time format, as read.
    pub read_as: String,
}

impl FileRead {
    /// How it is written and packed.
    fn form(&self) -> String {
        let damaged = if self.partial { ", damaged" } else { "" };
        match self.compression.as_str() {
            "not compressed" => format!("{}{damaged}", self.format),
            compression => format!("{}, {compression}{damaged}", self.format),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RejectSample {
    pub file: String,
    /// Physical line on which the record starts (for Parquet: its row), from 1.
    pub line: u64,
    /// Byte of the decompressed stream on which the record starts.
    pub byte: Option<u64>,
    pub column: Option<String>,
    /// Which column of the file that is, from 1, where columns have an order.
    pub column_number: Option<u64>,
    pub code: String,
    pub message: String,
    pub excerpt: String,
}

/// A permanent code, what it says here, and how often.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Warning {
    pub code: String,
    pub n: u64,
    pub message: String,
}

impl Warning {
    /// As it is shown to people.
    pub fn block(&self) -> Block {
        Block::Warning { code: self.code.clone(), text: self.message.clone() }
    }
}

/// The same for the same events and definition, byte for byte.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Body {
    pub definition: Definition,
    pub input: Input,
    /// Events named by rules; left out where there are no rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub derived: Option<Derived>,
    pub funnels: Vec<FunnelReport>,
    pub warnings: Vec<Warning>,
}

/// The rules that all funnels share, and the first funnel's own.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Definition {
    /// BLAKE3 of everything that can change a number.
    pub hash: String,
    pub unit: String,
    pub window: String,
    pub window_s: Option<f64>,
    pub window_end: String,
    pub rules: String,
    pub overrides: Vec<String>,
    pub tie: String,
    pub method: String,
    pub session_timeout_s: f64,
    pub time_zone: String,
    /// Entries are counted from `from` (inclusive) to `to` (exclusive), RFC 3339.
    pub from: Option<String>,
    pub to: Option<String>,
    /// How rows without a person find one by their device: `none`, `forward` or `both`.
    pub stitch: String,
    /// BLAKE3 of the map of ids; null where there is none.
    pub identity_map: Option<String>,
    /// Of rows that are alike in every column one is kept; or of those alike in these columns.
    pub dedupe_exact: bool,
    pub dedupe_key: Vec<String>,
    /// Rows further behind the one that is kept are events of their own; null: none are.
    pub dedupe_window_s: Option<f64>,
    /// Condition on rows.
    #[serde(rename = "where")]
    pub filter: Option<String>,
    pub quantile_method: String,
    /// Segment rows per funnel before the rest is summed up.
    pub top: usize,
    /// Segments, buckets and events of fewer people are not shown; left out where all are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_cell: Option<u64>,
}

impl Report {
    /// The report for people and for table formats.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = vec![Block::Heading(1, "dropoff report".to_owned()), Block::Facts(self.facts())];
        let warnings = self.run.iter().flat_map(|run| &run.warnings).chain(&self.body.warnings);
        for warning in warnings {
            blocks.push(warning.block());
        }
        if let Some(run) = &self.run {
            blocks.extend(run.rejects_table(&self.body.input).map(Block::Table));
        }
        blocks.extend(self.body.derived.iter().flat_map(Derived::tables).map(Block::Table));
        for funnel in &self.body.funnels {
            blocks.extend(funnel.blocks());
        }
        blocks
    }

    fn facts(&self) -> Vec<(String, String)> {
        use crate::human::{count, duration};
        let (input, definition) = (&self.body.input, &self.body.definition);
        let mut facts = input_facts(input);
        if let Some(run) = &self.run {
            facts.insert(0, ("files".to_owned(), files_text(&run.files)));
            for guess in &run.guessed {
                facts.push(("guessed".to_owned(), guess.clone()));
            }
            facts.extend(run.memory_fact());
            facts.extend(run.cohort_files.iter().map(|file| ("list".to_owned(), file.text())));
        }
        let timeout = duration((definition.session_timeout_s * 1e6) as i64, false);
        facts.push((
            "sessions".to_owned(),
            match &input.log_sessions {
                None => format!("{}, split after {timeout} without a row", count(input.sessions)),
                Some(log) => format!(
                    "{}, split after {timeout} without a row; {} of the log's own {} are the same",
                    count(input.sessions),
                    count(log.identical),
                    count(log.sessions)
                ),
            },
        ));
        facts.push(("time zone".to_owned(), definition.time_zone.clone()));
        if let Some(filter) = &definition.filter {
            facts.push(("where".to_owned(), filter.clone()));
        }
        let entries = match (&definition.from, &definition.to) {
            (Some(from), Some(to)) => Some(format!("from {from} to {to} (exclusive)")),
            (Some(from), None) => Some(format!("from {from} on")),
            (None, Some(to)) => Some(format!("before {to}")),
            (None, None) => None,
        };
        facts.extend(entries.map(|entries| ("entries".to_owned(), entries)));
        let mut rules: Vec<(&str, String)> = self
            .body
            .funnels
            .iter()
            .map(|funnel| (funnel.name.as_str(), funnel.definition.rules_text()))
            .collect();
        rules.dedup_by(|one, before| one.1 == before.1);
        match rules.as_slice() {
            [(_, rules)] => facts.push(("rules".to_owned(), rules.clone())),
            several => {
                facts.extend(several.iter().map(|(name, rules)| (format!("rules of {name}"), rules.clone())))
            }
        }
        facts.push(("definition".to_owned(), short_hash(&definition.hash)));
        facts.push(("body".to_owned(), short_hash(&self.body_hash)));
        facts
    }
}

fn short_hash(hash: &str) -> String {
    hash.chars().take(16).collect()
}

/// Rows, people and span: the facts that every report of an input starts with.
pub fn input_facts(input: &Input) -> Vec<(String, String)> {
    use crate::human::count;
    let rows = &input.rows;
    let mut text = format!(
        "{} read = {} used + {} rejected + {} filtered",
        count(rows.read),
        count(rows.used),
        count(rows.rejected),
        count(rows.filtered)
    );
    let duplicates = input.dedupe.as_ref().map(|dedupe| {
        text.push_str(&format!(" + {} duplicates", count(rows.duplicates)));
        ("duplicates".to_owned(), dedupe.text(rows.duplicates))
    });
    let mut facts = vec![("rows".to_owned(), text)];
    facts.extend(duplicates);
    facts.extend(input.identity.iter().flat_map(Identity::facts));
    facts.extend(input.wide.iter().map(wide_fact));
    facts.push(("people".to_owned(), count(input.persons)));
    facts.extend(input.cohort.iter().flat_map(|cohort| cohort_facts(cohort, input.wide.is_some())));
    if let (Some(from), Some(to), Some(as_of)) = (&input.from, &input.to, &input.as_of) {
        let observed = if as_of == to { String::new() } else { format!(", observed until {as_of}") };
        facts.push(("span".to_owned(), format!("{from} to {to}{observed}")));
    }
    facts
}

/// What was made of wide rows.
fn wide_fact(wide: &WideCounts) -> (String, String) {
    use crate::human::{count, counted};
    let columns = counted(wide.columns, "time column", "time columns");
    let mut text = format!("{} in {columns} of the used rows", count(wide.events));
    if wide.rows_without_time > 0 {
        let rows = counted(wide.rows_without_time, "sound row has", "sound rows have");
        text.push_str(&format!("; {rows} no time at all"));
    }
    if wide.times_after_as_of > 0 {
        text.push_str(&format!("; {} after the end of observation left out", count(wide.times_after_as_of)));
    }
    ("events".to_owned(), text)
}

/// What became of lists of ids.
fn cohort_facts(cohort: &CohortCounts, is_wide: bool) -> Vec<(String, String)> {
    use crate::human::{count, counted};
    let ids = |ids: &IdCounts| {
        format!(
            "{} in the list, {} found in the log, {} not",
            counted(ids.ids, "id", "ids"),
            count(ids.found),
            count(ids.not_found)
        )
    };
    let people = counted(cohort.persons_left_out, "person", "people");
    let rows = counted(cohort.rows_left_out, "row", "rows");
    let are = if cohort.rows_left_out == 1 { "which is" } else { "which are" };
    // A wide row may be of somebody without any event, who is in no count of people.
    let left_out = match is_wide {
        true => format!("{people} with events, and {rows} in all, {are} among the filtered"),
        false => format!("{people} with {rows}, {are} among the filtered"),
    };
    let only = cohort.only.iter().map(|only| ("cohort", ids(only)));
    let without = cohort.without.iter().map(|without| ("without cohort", ids(without)));
    let facts = only.chain(without).chain([("left out", left_out)]);
    facts.map(|(name, text)| (name.to_owned(), text)).collect()
}

/// One file by name, several by number.
pub fn files_text(files: &[FileRead]) -> String {
    match files {
        [] => "none".to_owned(),
        [file] => format!("{} ({}; {})", file.path, file.form(), file.read_as),
        [first, .., last] => {
            let damaged = files.iter().filter(|file| file.partial).count();
            let damaged = if damaged > 0 { format!(", {damaged} of them damaged") } else { String::new() };
            format!("{} files, {} to {}{damaged}", files.len(), first.path, last.path)
        }
    }
}

impl Run {
    /// Says what waited in temporary files.
    pub fn note_spilled(&mut self, spilled: &[Arc<Spilled>]) {
        self.spilled_bytes = spilled.iter().map(|spilled| spilled.bytes()).sum();
        if spilled.iter().any(|spilled| spilled.in_memory()) {
            self.notes.push(
                "the temporary files lay in memory: a --temp-dir on a disk would have saved some".to_owned(),
            );
        }
    }

    /// Said of a run that did not fit in memory.
    fn memory_fact(&self) -> Option<(String, String)> {
        let text = format!("{} waited in temporary files", crate::human::bytes(self.spilled_bytes));
        (self.spilled_bytes > 0).then(|| ("memory".to_owned(), text))
    }

    /// Rejected rows by reason, with the place of the first ones.
    fn rejects_table(&self, input: &Input) -> Option<Table> {
        rejects_table(&self.reject_samples, input)
    }
}

/// Signs of a path in a table: the line behind it must not be what is cut off.
const PATH_SIGNS: usize = 44;

/// A long path without its beginning.
fn end_of_path(path: &str) -> String {
    let left_out = path.chars().count().saturating_sub(PATH_SIGNS);
    match left_out {
        0 => path.to_owned(),
        _ => std::iter::once('…').chain(path.chars().skip(left_out + 1)).collect(),
    }
}

/// Rejected rows by reason, with the place of the first ones; `None` where none was rejected.
pub fn rejects_table(samples: &[RejectSample], input: &Input) -> Option<Table> {
    if input.rejects.is_empty() {
        return None;
    }
    let mut rows = Vec::new();
    for (code, &n) in &input.rejects {
        let mut of_code = samples.iter().filter(|sample| sample.code == *code).take(3).peekable();
        if of_code.peek().is_none() {
            rows.push(vec![
                Cell::Text(code.clone()),
                Cell::Count(n),
                Cell::Missing,
                Cell::Missing,
                Cell::Missing,
            ]);
        }
        for (index, sample) in of_code.enumerate() {
            let column = sample.column.as_ref().map_or(String::new(), |column| format!(" ({column})"));
            rows.push(vec![
                if index == 0 { Cell::Text(code.clone()) } else { Cell::Text(String::new()) },
                if index == 0 { Cell::Count(n) } else { Cell::Missing },
                Cell::Text(format!("{}:{}{column}", end_of_path(&sample.file), sample.line)),
                Cell::Text(sample.message.clone()),
                Cell::Text(sample.excerpt.clone()),
            ]);
        }
    }
    Some(Table {
        name: "rejects".to_owned(),
        title: "Rejected rows".to_owned(),
        columns: vec![
            Column::text("code", "Code"),
            Column::number("n", "Rows"),
            Column::text("place", "First at"),
            Column::text("message", "Because"),
            Column::text("excerpt", "Text"),
        ],
        rows,
        notes: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_keeps_its_end() {
        for (length, first) in [(43, 'a'), (44, 'a'), (45, '…')] {
            let path = format!("a{}z", "/".repeat(length - 2));
            let shown = end_of_path(&path);
            assert_eq!(shown.chars().count(), length.min(44));
            assert!(shown.starts_with(first) && shown.ends_with("/z"), "{shown}");
        }
    }
}
