//! `dropoff report`: reads, counts, writes, and says how the run ended.

use super::args::{InputArgs, ReportArgs};
use super::failure::{Exit, Failure};
use super::input::{Found, find, read, read_plan};
use super::output::{Outputs, Written, check_target, write_rejects};
use super::plan::resolve_request;
use super::progress::Meter;
use super::run::Start;
use crate::human::count;
use crate::ingest::plan::ReadPlan;
use crate::ingest::{FileAccount, PlacedReject, Tally};
use crate::render::json;
use crate::report::build::{Request, build, canonical_hash, total_tally};
use crate::report::table::Block;
use crate::report::{FileRead, REPORT_SCHEMA, RejectSample, Report, Run, Warning, jsonl};
use std::io::{self, Write};
use std::path::PathBuf;

/// Runs the command.
pub fn report(args: &ReportArgs) -> Result<Exit, Failure> {
    let start = Start::of(&args.input)?;
    let request = resolve_request(&args.funnel, &start.file, &start.plan, &start.environment)?;
    let found = find(&start.plan)?;
    let inputs: Vec<_> = found.pending.iter().map(|pending| pending.input.clone()).collect();
    let outputs = Outputs::prepare(&args.output, &inputs, &start.plan.zone, false)?;
    if let Some(path) = &args.input.rejects {
        check_target(path, &inputs)?;
    }
    let made = make_report(start, &args.input, found, request, args.output.reproducible)?;
    outputs.write(&made.report)?;
    made.exit(&args.input)
}

/// A finished report and what its run is judged by.
pub struct Made {
    pub report: Report,
    rejected: u64,
    read: u64,
    used: u64,
    rejects_file: Option<PathBuf>,
}

impl Made {
    /// How the run ends, told on stderr where it is not well.
    pub fn exit(&self, args: &InputArgs) -> Result<Exit, Failure> {
        if self.used == 0 && !args.allow_empty {
            let failure = Failure::empty(format!(
                "there is nothing to analyse: none of the {} rows can be used",
                self.read
            ));
            return Err(failure.hint("dropoff inspect FILES shows why; --allow-empty makes this no error"));
        }
        if !self.report.trusted {
            let kept = self.rejects_file.as_ref().map_or_else(
                || "--rejects FILE keeps them".to_owned(),
                |path| format!("they are kept in {}", path.display()),
            );
            return Err(Failure {
                exit: Exit::Rejects,
                error: anyhow::anyhow!(
                    "{} of {} rows were rejected, more than tolerated",
                    self.rejected,
                    self.read
                ),
                hint: Some(format!("{kept}; accept them with --max-rejects {}", self.rejected)),
            });
        }
        Ok(Exit::Done)
    }
}

/// Reads everything and makes the report.
pub fn make_report(
    start: Start,
    args: &InputArgs,
    found: Found,
    request: Request,
    reproducible: bool,
) -> Result<Made, Failure> {
    let Start { plan, started, .. } = start;
    let mut dimensions: Vec<String> = Vec::new();
    for column in request.funnels.iter().flat_map(|funnel| &funnel.by) {
        if !dimensions.contains(column) {
            dimensions.push(column.clone());
        }
    }
    let columns = found.roles(&plan, dimensions)?;
    let guessed = found.guessed(&columns);
    let reading = read_plan(&plan, &found, columns, Some(&request))?;
    let notes: Vec<String> = found.notes.iter().map(ToString::to_string).collect();
    let meter = Meter::new(args.progress, args.quiet, found.total_bytes);
    let everything = read(&plan, &reading, found.pending, &meter)?;
    meter.finish();
    if let Some(path) = &args.rejects {
        write_rejects(path, &everything.files, &reading)?;
    }
    let tally = total_tally(&everything);
    let run = (!reproducible).then(|| Run {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        elapsed_s: 0.0,
        threads: plan.threads,
        files: everything.files.iter().map(file_read).collect(),
        guessed,
        reject_samples: reject_samples(&everything.files, &reading),
        warnings: file_warnings(&everything.files, &tally, &reading),
        notes: notes.into_iter().chain(file_notes(&everything.files)).collect(),
        rows_out_of_order: tally.out_of_order,
    });
    let body = build(everything, &reading, &request, plan.threads).map_err(|error| {
        Failure::usage(error.to_string())
            .hint("keep one with --where, e.g. --where \"currency = 'ILS'\", or leave --value out")
    })?;
    let run = run.map(|run| Run { elapsed_s: started.elapsed().as_secs_f64(), ..run });
    let rejected = tally.rejected_against_tolerance();
    Ok(Made {
        report: Report {
            schema: REPORT_SCHEMA.to_owned(),
            trusted: plan.tolerance.allows(rejected, tally.read),
            run,
            body_hash: canonical_hash(&body),
            body,
        },
        rejected,
        read: tally.read,
        used: tally.used,
        rejects_file: args.rejects.clone(),
    })
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

/// Warnings about how files were read, those of one code together.
fn file_warnings(files: &[FileAccount], tally: &Tally, reading: &ReadPlan) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = Vec::new();
    if tally.naive_times > 0 && !reading.naive_zone_given {
        let message = format!(
            "{} of {} times carry no zone and are taken as UTC; --assume-time-zone says otherwise",
            count(tally.naive_times),
            count(tally.read)
        );
        warnings.push(Warning { code: "W02".to_owned(), n: tally.naive_times, message });
    }
    if tally.shifted_times > 0 {
        let message = format!(
            "{} local times were skipped or repeated when the clocks changed",
            count(tally.shifted_times)
        );
        warnings.push(Warning { code: "W05".to_owned(), n: tally.shifted_times, message });
    }
    for note in files.iter().flat_map(|file| &file.notes) {
        let Some(code) = note.code else { continue };
        match warnings.iter_mut().find(|warning| warning.code == code) {
            Some(known) => known.n += 1,
            None => warnings.push(Warning { code: code.to_owned(), n: 1, message: note.message.clone() }),
        }
    }
    for warning in warnings.iter_mut().filter(|warning| warning.n > 1) {
        warning.message.push_str(&format!(" (and {} more files)", warning.n - 1));
    }
    warnings
}

fn file_notes(files: &[FileAccount]) -> impl Iterator<Item = String> {
    files
        .iter()
        .flat_map(|file| &file.notes)
        .filter(|note| note.code.is_none())
        .map(|note| note.message.clone())
}

impl Written for Report {
    fn blocks(&self) -> Vec<Block> {
        Report::blocks(self)
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write_pretty(self, out)
    }

    fn json_lines(&self, out: &mut dyn Write) -> io::Result<()> {
        jsonl::write_lines(self, out)
    }
}
