//! Reads all rows for a verb, and keeps the account of the run.

use super::args::InputArgs;
use super::failure::{Exit, Failure};
use super::input::{Found, check_columns_read, read, read_plan};
use super::output::write_rejects;
use super::progress::Meter;
use super::run::Start;
use crate::event::RejectCode;
use crate::human::{count, counted};
use crate::ingest::cohort::{Cohort, Members};
use crate::ingest::plan::{Columns, ReadPlan};
use crate::ingest::{Everything, FileAccount, PlacedReject, Tally};
use crate::report::build::{Request, total_tally};
use crate::report::{CohortFile, FileRead, RejectSample, Run, Warning};
use crate::source::OpenOptions;
use crate::source::encoding::TextEncoding;
use std::path::PathBuf;
use std::sync::Arc;

/// Everything that was read, with its account.
pub struct Reading {
    pub plan: ReadPlan,
    pub everything: Everything,
    /// How long it took, and what did not fit in memory, is filled in at the end.
    pub run: Run,
    pub account: Account,
}

/// What a run is judged by.
#[derive(Clone)]
pub struct Account {
    pub trusted: bool,
    rejected: u64,
    read: u64,
    used: u64,
    /// The first rejected row: where it stands, and why.
    first_reject: Option<String>,
    /// The encoding that rejected rows seem to be in.
    likely_encoding: Option<TextEncoding>,
    members: Option<Arc<Members>>,
}

impl Account {
    /// A run without a row to use has no result, unless that is allowed: nothing replaces the files
    /// that an earlier run wrote.
    pub fn require_rows(&self, args: &InputArgs) -> Result<(), Failure> {
        let left_out = self.members.as_ref().map_or(0, |members| members.left_out().rows);
        if self.used > left_out || args.allow_empty {
            return Ok(());
        }
        if left_out > 0 {
            return Err(Failure::empty("there is nothing to analyse: the cohort leaves nobody of the log")
                .hint("are its ids written as in the log? --allow-empty makes this no error"));
        }
        let mut message = match self.read {
            0 => "there is nothing to analyse: no input holds a row".to_owned(),
            1 => "there is nothing to analyse: the only row cannot be used".to_owned(),
            read => format!("there is nothing to analyse: none of the {} rows can be used", count(read)),
        };
        if let Some(first) = &self.first_reject {
            message.push_str(&format!("; the first: {first}"));
        }
        let failure = Failure::empty(message);
        Err(match self.likely_encoding {
            Some(encoding) => failure.hint(encoding_hint(encoding)),
            None => failure.hint("--allow-empty makes this no error"),
        })
    }

    /// How a run ends whose result is written: well, or with too many rejects.
    pub fn exit(&self, args: &InputArgs) -> Result<Exit, Failure> {
        if self.trusted {
            return Ok(Exit::Done);
        }
        let kept = args.rejects.as_ref().map_or_else(
            || "--rejects FILE keeps them".to_owned(),
            |path| format!("they are kept in {}", path.display()),
        );
        Err(Failure {
            exit: Exit::Rejects,
            error: anyhow::anyhow!(
                "{} of {} {} rejected, more than tolerated",
                count(self.rejected),
                counted(self.read, "row", "rows"),
                if self.rejected == 1 { "was" } else { "were" }
            ),
            hint: Some(match self.likely_encoding {
                Some(encoding) => format!("{}; {kept}", encoding_hint(encoding)),
                None => format!("{kept}; accept them with --max-rejects {}", self.rejected),
            }),
        })
    }
}

fn encoding_hint(encoding: TextEncoding) -> String {
    format!("rows that are not UTF-8 look like {encoding}: --encoding {}", encoding.label())
}

/// The encoding of the rows that were rejected as no UTF-8, where most rejects are that.
fn likely_encoding(files: &[FileAccount], tally: &Tally, plan: &ReadPlan) -> Option<TextEncoding> {
    if plan.open.encoding.is_some() || tally.rejects[RejectCode::R03.index()] * 2 <= tally.rejected() {
        return None;
    }
    let rejects = files.iter().flat_map(|file| &file.read.rejects).map(|placed| &placed.reject);
    let of_encoding = rejects.filter(|reject| reject.code == RejectCode::R03);
    let texts: Vec<&[u8]> = of_encoding.map(|reject| reject.excerpt.as_slice()).collect();
    TextEncoding::likely(&texts.join(&b'\n'))
}

/// Reads every row of what was found.
pub fn read_rows(
    start: &Start,
    args: &InputArgs,
    mut found: Found,
    columns: Columns,
    request: Option<&Request>,
) -> Result<Reading, Failure> {
    let guessed = found.guessed(&columns, &start.plan.asked);
    let (members, cohort_files) = read_cohorts(args, &columns, &start.plan.open)?;
    let reading = read_plan(&start.plan, &found, columns, members.clone(), request)?;
    let meter = Meter::new(args.progress, args.quiet, found.total_bytes);
    let pending = std::mem::take(&mut found.pending);
    let everything = read(&start.plan, &reading, pending, found.total_bytes, &meter)?;
    meter.finish();
    check_columns_read(&reading, &everything.files, &found.columns)?;
    if let Some(path) = &args.rejects {
        write_rejects(path, &everything.files, &reading)?;
    }
    let tally = total_tally(&everything);
    let rejected = tally.rejected_against_tolerance();
    let reject_samples = reject_samples(&everything.files, &reading);
    let first_reject = reject_samples.first().map(described);
    let likely_encoding = likely_encoding(&everything.files, &tally, &reading);
    Ok(Reading {
        run: Run {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            elapsed_s: 0.0,
            threads: start.plan.threads,
            files: everything.files.iter().map(file_read).collect(),
            guessed,
            reject_samples,
            warnings: file_warnings(&found, &everything.files, &tally, &reading),
            notes: file_notes(&found, &everything.files),
            rows_out_of_order: tally.out_of_order,
            spilled_bytes: 0,
            cohort_files,
        },
        plan: reading,
        everything,
        account: Account {
            trusted: start.plan.tolerance.allows(rejected, tally.read),
            rejected,
            read: tally.read,
            used: tally.events,
            first_reject,
            likely_encoding,
            members,
        },
    })
}

/// The lists of ids that say whose rows are reported.
fn read_cohorts(
    args: &InputArgs,
    columns: &Columns,
    open: &OpenOptions,
) -> Result<(Option<Arc<Members>>, Vec<CohortFile>), Failure> {
    if columns.user_together && (args.cohort.is_some() || args.cohort_not.is_some()) {
        let message = format!("--cohort: {} are one id together", columns.user.join(" and "));
        return Err(Failure::usage(message).hint("a list holds ids of single columns: name one with --user"));
    }
    // A list that is cut short would change who is reported.
    let open = OpenOptions { salvage: false, ..open.clone() };
    let mut files = Vec::new();
    let mut list = |path: &Option<PathBuf>| -> Result<Option<Cohort>, Failure> {
        let Some(path) = path else { return Ok(None) };
        let cohort = Cohort::read(path, &columns.user, &open)?;
        files.push(CohortFile {
            path: path.display().to_string(),
            read_as: cohort.read_as.clone(),
            repeated: cohort.repeated,
            first_repeated_line: cohort.first_repeated_line,
            empty: cohort.empty,
            first_empty_line: cohort.first_empty_line,
        });
        Ok(Some(cohort))
    };
    let members = Members::new(list(&args.cohort)?, list(&args.cohort_not)?);
    Ok((members, files))
}

fn file_read(file: &FileAccount) -> FileRead {
    FileRead {
        path: file.name.clone(),
        format: file.format.to_owned(),
        compression: file.compression.clone(),
        rows: file.read.tally.read,
        rejected: file.read.tally.rejected(),
        filtered: file.read.tally.filtered,
        blank_lines: file.read.blank_lines,
        partial: file.partial,
        read_as: file.read_as.clone(),
    }
}

/// Rejects shown in a report.
const SHOWN_REJECTS: usize = 20;

/// The first rejects of each code, over all files.
fn reject_samples(files: &[FileAccount], reading: &ReadPlan) -> Vec<RejectSample> {
    let mut samples: Vec<RejectSample> = Vec::new();
    for file in files {
        for placed in &file.read.rejects {
            let code = placed.reject.code.to_string();
            let of_code = samples.iter().filter(|sample| sample.code == code).count();
            if of_code < 3 && samples.len() < SHOWN_REJECTS {
                samples.push(reject_sample(&file.name, placed, reading));
            }
        }
    }
    samples
}

/// One reject, for people and for the file of rejects.
pub fn reject_sample(file: &str, placed: &PlacedReject, reading: &ReadPlan) -> RejectSample {
    RejectSample {
        file: file.to_owned(),
        line: placed.line,
        byte: placed.byte,
        column: placed.reject.slot.and_then(|slot| reading.slots.get(slot)).cloned(),
        code: placed.reject.code.to_string(),
        message: placed.reject.message.clone(),
        excerpt: String::from_utf8_lossy(&placed.reject.excerpt).into_owned(),
    }
}

/// A reject in a line: where it stands, and why.
fn described(sample: &RejectSample) -> String {
    let column = sample.column.as_ref().map_or(String::new(), |column| format!(" column `{column}`:"));
    format!("{}:{}:{column} {}", sample.file, sample.line, sample.message)
}

/// Warnings about how files were read, those of one code together.
fn file_warnings(found: &Found, files: &[FileAccount], tally: &Tally, reading: &ReadPlan) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = Vec::new();
    if tally.naive_times > 0 && !reading.naive_zone_given {
        let message = format!(
            "{} no zone and {} taken as UTC; --assume-time-zone says otherwise",
            counted(tally.naive_times, "time carries", "times carry"),
            if tally.naive_times == 1 { "is" } else { "are" }
        );
        warnings.push(Warning { code: "W02".to_owned(), n: tally.naive_times, message });
    }
    if tally.shifted_times > 0 {
        let message = format!(
            "{} skipped or repeated when the clocks changed",
            counted(tally.shifted_times, "local time was", "local times were")
        );
        warnings.push(Warning { code: "W05".to_owned(), n: tally.shifted_times, message });
    }
    let of_list = found.notes.iter().filter_map(|note| Some((note.code()?, note.to_string())));
    let of_files = files.iter().flat_map(|file| &file.notes);
    let of_files = of_files.filter_map(|note| Some((note.code?, note.message.clone())));
    for (code, message) in of_list.chain(of_files) {
        match warnings.iter_mut().find(|warning| warning.code == code) {
            Some(known) => known.n += 1,
            None => warnings.push(Warning { code: code.to_owned(), n: 1, message }),
        }
    }
    let by_file = |warning: &&mut Warning| warning.n > 1 && !matches!(warning.code.as_str(), "W02" | "W05");
    for warning in warnings.iter_mut().filter(by_file) {
        warning.message.push_str(&format!(" (and {})", counted(warning.n - 1, "more file", "more files")));
    }
    warnings
}

fn file_notes(found: &Found, files: &[FileAccount]) -> Vec<String> {
    let of_list = found.notes.iter().filter(|note| note.code().is_none()).map(ToString::to_string);
    let of_files = files.iter().flat_map(|file| &file.notes).filter(|note| note.code.is_none());
    of_list.chain(of_files.map(|note| note.message.clone())).collect()
}

/// The account of a run that could not read rows, for what was seen all the same.
pub fn unread_run(found: &Found, threads: usize) -> Run {
    Run {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        elapsed_s: 0.0,
        threads,
        files: Vec::new(),
        guessed: Vec::new(),
        reject_samples: Vec::new(),
        warnings: Vec::new(),
        notes: found.notes.iter().map(ToString::to_string).collect(),
        rows_out_of_order: 0,
        spilled_bytes: 0,
        cohort_files: Vec::new(),
    }
}
