//! Does what the plan says: reads, reports, writes, and says how the run ended.

use super::args::{Cli, Command, InputArgs, ReportArgs};
use super::failure::{Exit, Failure};
use super::generate::generate;
use super::input::{Found, find, read, read_plan};
use super::output::{Outputs, Written, check_target, write_rejects};
use super::plan::{Environment, InputPlan, resolve_request};
use super::progress::Meter;
use crate::definition::DefinitionFile;
use crate::ingest::FileAccount;
use crate::ingest::plan::ReadPlan;
use crate::render::json;
use crate::report::build::{Request, build, canonical_hash, total_tally};
use crate::report::table::Block;
use crate::report::{FileRead, REPORT_SCHEMA, RejectSample, Report, Run, Warning};
use anyhow::Context;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Runs one command to its exit code.
pub fn run(cli: Cli) -> Result<Exit, Failure> {
    match cli.command {
        Command::Report(args) => report(&args),
        Command::Generate(args) => generate(args.what),
        Command::Inspect(_) | Command::Sessions(_) | Command::Check(_) => Err(Failure::usage("not here yet")),
    }
}

fn environment() -> Environment {
    Environment {
        now: jiff::Timestamp::now(),
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
    }
}

/// The definition file that was named, or the nearest `dropoff.toml` upward, or none.
fn definition_file(args: &InputArgs) -> Result<(DefinitionFile, Option<PathBuf>), Failure> {
    let path = match &args.config {
        Some(path) => Some(path.clone()),
        None => nearest_definition(),
    };
    let Some(path) = path else { return Ok((DefinitionFile::default(), None)) };
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{}: cannot read this definition file", path.display()))
        .map_err(|error| Failure { exit: Exit::Usage, error, hint: None })?;
    let name = path.display().to_string();
    let file = DefinitionFile::parse(&text, &name)
        .map_err(|error| Failure::usage(format!("{error}\n{}", error.excerpt)))?;
    Ok((file, Some(path)))
}

fn nearest_definition() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|directory| directory.join("dropoff.toml")).find(|path| path.is_file())
}

/// Files that a definition file names lie relative to it.
fn resolve_files(plan: &mut InputPlan, args: &InputArgs, definition: Option<&Path>) {
    let Some(directory) = definition.and_then(Path::parent) else { return };
    if args.files.is_empty() {
        for file in &mut plan.files {
            if file != "-" {
                *file = directory.join(&file).to_string_lossy().into_owned();
            }
        }
    }
}

/// What every command that reads rows starts with.
struct Start {
    plan: InputPlan,
    file: DefinitionFile,
    environment: Environment,
    started: Instant,
}

impl Start {
    fn of(args: &InputArgs) -> Result<Start, Failure> {
        let started = Instant::now();
        let environment = environment();
        let (file, path) = definition_file(args)?;
        let mut plan = InputPlan::resolve(args, &file, &environment)?;
        resolve_files(&mut plan, args, path.as_deref());
        Ok(Start { plan, file, environment, started })
    }
}

fn report(args: &ReportArgs) -> Result<Exit, Failure> {
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
    fn exit(&self, args: &InputArgs) -> Result<Exit, Failure> {
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

fn make_report(
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
        warnings: file_warnings(&everything.files),
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
pub fn reject_sample(file: &str, placed: &crate::ingest::PlacedReject, reading: &ReadPlan) -> RejectSample {
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
fn file_warnings(files: &[FileAccount]) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = Vec::new();
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
        json::write_line(self, out)
    }
}
