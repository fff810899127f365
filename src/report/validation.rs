//! What `dropoff validate` says: only the reading, with the full account of every file.
//!
//! As in a report, `body` depends on the events alone, and files are under `run`.

use super::build::{Catalog, canonical_hash, input_warnings, total_tally};
use super::identity::{DedupeUse, Identity};
use super::ids::IdFacts;
use super::input::{CohortCounts, Input, InputFacts, WideCounts, leave_out};
use super::receipts::{ReceiptFacts, Receipts};
use super::table::{Block, Cell, Column, Table};
use super::traps::traps;
use super::{FileRead, Run, Warning, files_text, input_facts, rejects_table};
use crate::human::{count, counted};
use crate::ingest::plan::ReadPlan;
use crate::ingest::{Everything, SpillError, over_store};
use schemars::JsonSchema;
use serde::Serialize;

pub const VALIDATION_SCHEMA: &str = "dropoff.validate/1";

/// Files that have a row of the table for people; the others are added up behind them.
const SHOWN_FILES: usize = 100;

/// Everything `dropoff validate` says.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Validation {
    pub schema: String,
    /// False when more rows were rejected than the tolerance allows.
    pub trusted: bool,
    /// As that of a report; null where it was asked to be left out.
    pub run: Option<Run>,
    pub body: ValidationBody,
    /// BLAKE3 of the body in its canonical form.
    pub body_hash: String,
}

/// The same for the same events, byte for byte.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ValidationBody {
    /// As that of a report.
    pub input: Input,
    /// Rows alike with another in person, time, event and every column that was read.
    pub duplicate_rows: u64,
    /// Left out where no column says when rows were received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<Receipts>,
    pub warnings: Vec<Warning>,
}

/// What is known beside the rows.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    pub trusted: bool,
    pub session_timeout_us: i64,
    /// End of observation, where it was given.
    pub as_of_us: Option<i64>,
    pub threads: usize,
}

/// Settles and counts everybody. The plan has no conditions; `run` is the account of the same reading.
pub fn build(
    everything: Everything,
    plan: &ReadPlan,
    mut run: Run,
    asked: &Asked,
) -> Result<Validation, SpillError> {
    let mut tally = total_tally(&everything);
    let members = everything.store.members();
    let spilled = everything.spilled();
    let Everything { store, dictionaries, identified, .. } = everything;
    let (catalog, _) = Catalog::and_currencies(dictionaries);
    let (ids_have_column, has_sessions) = (plan.columns.ids_have_column(), plan.layout.session);
    let of_all = || {
        let of_input = InputFacts::new(catalog.kinds.len(), has_sessions);
        ((of_input, IdFacts::new(ids_have_column, has_sessions)), ReceiptFacts::default())
    };
    let ((facts, ids), receipts) =
        over_store(store, &catalog.ties, asked.session_timeout_us, asked.threads, of_all)?;
    run.note_spilled(&spilled);
    leave_out(&mut tally, members.as_deref(), &catalog.event_of_kind, plan.roles.is_wide());
    let seen = catalog.seen(&facts.rows_of_kind);
    let mut names: Vec<&str> = seen.iter().map(|(_, name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    let mut warnings = traps(&tally, &facts, &ids, &names);
    warnings.extend(input_warnings(&tally, &facts));
    warnings.extend(plan.columns.received.iter().filter_map(|column| receipts.warning(column)));
    if !plan.names_events() {
        // No column was asked to name them.
        warnings.retain(|warning| warning.code != "W16");
    }
    warnings.sort_by(|a, b| a.code.cmp(&b.code));
    let unstitched = (identified.stitch.is_none() && members.is_none()).then_some(facts.persons);
    let as_of_us = asked.as_of_us.or(tally.latest_us).unwrap_or(0);
    let body = ValidationBody {
        input: Input {
            dedupe: DedupeUse::of(plan, &identified),
            identity: Identity::of(plan, &identified, unstitched),
            wide: WideCounts::of(plan, &tally),
            cohort: members.as_deref().map(|members| CohortCounts::of(members, &tally)),
            ..Input::of(&tally, &facts, as_of_us, has_sessions)
        },
        duplicate_rows: facts.repeated_rows,
        received: plan.columns.received.is_some().then(|| receipts.receipts()),
        warnings,
    };
    Ok(Validation {
        schema: VALIDATION_SCHEMA.to_owned(),
        trusted: asked.trusted,
        run: Some(run),
        body_hash: canonical_hash(&body),
        body,
    })
}

impl Validation {
    /// The account for people and for table formats.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = vec![Block::Heading(1, "dropoff validate".to_owned()), Block::Facts(self.facts())];
        let of_run = self.run.iter().flat_map(|run| &run.warnings);
        blocks.extend(of_run.chain(&self.body.warnings).map(Warning::block));
        if let Some(run) = &self.run {
            blocks.push(Block::Table(files_table(&run.files)));
            blocks.extend(rejects_table(&run.reject_samples, &self.body.input).map(Block::Table));
        }
        blocks
    }

    fn facts(&self) -> Vec<(String, String)> {
        let mut facts = input_facts(&self.body.input);
        let mut add = |name: &str, text: String| facts.push((name.to_owned(), text));
        add("sessions", count(self.body.input.sessions));
        add("repeats", counted(self.body.duplicate_rows, "row repeats another", "rows repeat another"));
        if let Some(received) = &self.body.received {
            add("received", received.text());
        }
        if let Some(run) = &self.run {
            let n = run.rows_out_of_order;
            add(
                "order",
                counted(
                    n,
                    "row is earlier than the one before it",
                    "rows are earlier than the one before them",
                ),
            );
            for guess in &run.guessed {
                add("guessed", guess.clone());
            }
            if let Some(version) = &run.time_zone_database {
                add("zones", format!("by the time zone database {version}"));
            }
            for file in &run.cohort_files {
                add("list", file.text());
            }
            for note in &run.notes {
                add("note", note.clone());
            }
        }
        let verdict = if self.trusted { "yes" } else { "no: more rows were rejected than tolerated" };
        add("trusted", verdict.to_owned());
        if let Some(run) = &self.run {
            facts.insert(0, ("files".to_owned(), files_text(&run.files)));
            facts.extend(run.memory_fact());
        }
        facts
    }
}

/// What became of the rows of each file: `read = used + rejected + filtered`.
fn files_table(files: &[FileRead]) -> Table {
    let counts = |file: &FileRead| {
        [file.rows, file.used, file.rejected, file.filtered, file.blank_lines, file.naive_times]
    };
    let row = |name: &str, form: Cell, counts: [u64; 6], read_as: Cell| {
        let counts = counts.into_iter().map(Cell::Count);
        [Cell::Text(name.to_owned()), form].into_iter().chain(counts).chain([read_as]).collect::<Vec<Cell>>()
    };
    let mut rows: Vec<Vec<Cell>> = files
        .iter()
        .take(SHOWN_FILES)
        .map(|file| row(&file.path, Cell::Text(file.form()), counts(file), Cell::Text(file.read_as.clone())))
        .collect();
    let sum = |files: &[FileRead]| {
        files.iter().fold([0; 6], |mut sum, file| {
            sum.iter_mut().zip(counts(file)).for_each(|(sum, n)| *sum += n);
            sum
        })
    };
    let others = files.get(SHOWN_FILES..).unwrap_or_default();
    if !others.is_empty() {
        let name = counted(others.len() as u64, "more file", "more files");
        rows.push(row(&name, Cell::Missing, sum(others), Cell::Missing));
    }
    if files.len() > 1 {
        rows.push(row("all files", Cell::Missing, sum(files), Cell::Missing));
    }
    Table {
        name: "files".to_owned(),
        title: "Files".to_owned(),
        columns: vec![
            Column::text("path", "File"),
            Column::text("format", "Form"),
            Column::number("read", "Read"),
            Column::number("used", "Used"),
            Column::number("rejected", "Rejected"),
            Column::number("filtered", "Filtered"),
            Column::number("blank_lines", "Blank"),
            Column::number("naive_times", "No zone"),
            Column::text("read_as", "Read as"),
        ],
        rows,
        notes: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(rows: u64, rejected: u64) -> FileRead {
        FileRead {
            path: format!("{rows}.csv"),
            format: "csv".to_owned(),
            compression: "gzip".to_owned(),
            rows,
            used: rows - rejected,
            rejected,
            filtered: 0,
            blank_lines: 1,
            naive_times: 2,
            partial: false,
            read_as: "comma".to_owned(),
        }
    }

    #[test]
    fn files_add_up() {
        let one = files_table(&[file(5, 2)]);
        assert_eq!(one.rows.len(), 1);
        assert_eq!(
            one.rows[0][1..5],
            [Cell::Text("csv, gzip".to_owned()), Cell::Count(5), Cell::Count(3), Cell::Count(2)]
        );
        let many: Vec<FileRead> = (0..102).map(|n| file(n, 0)).collect();
        let table = files_table(&many);
        assert_eq!(table.rows.len(), 102);
        assert_eq!(
            table.rows[100][..3],
            [Cell::Text("2 more files".to_owned()), Cell::Missing, Cell::Count(201)]
        );
        assert_eq!(table.rows[101][2], Cell::Count(101 * 102 / 2));
    }
}
