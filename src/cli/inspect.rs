//! `dropoff inspect`: what is in these files.

use super::args::InspectArgs;
use super::failure::{Exit, Failure};
use super::input::find;
use super::output::{Forms, Outputs, Written, check_target, write_text};
use super::plan::merged_source;
use super::reading::{read_rows, unread_run};
use super::run::Start;
use crate::render::json;
use crate::report::Run;
use crate::report::inspect::{Inspection, Look, build, build_unread};
use crate::report::table::Block;
use std::io::{self, Write};
use std::path::Path;

/// Runs the command.
pub fn inspect(args: &InspectArgs) -> Result<Exit, Failure> {
    let start = Start::of(&args.input)?;
    let found = find(&start.plan)?;
    let outputs = Outputs::prepare(&args.output, &args.input, &found, &start.plan.zone, Forms::DOCUMENT)?;
    if let Some(path) = &args.write {
        check_target(path, &found.inputs())?;
    }
    let (guess, columns, rows) = (found.guess.clone(), found.columns.clone(), found.rows.clone());
    let flags = args.input.typed_flags();
    let source = merged_source(&args.input, &start.file.source);
    let files = match &args.write {
        Some(path) => files_seen_from(path, &start.plan.files),
        None => start.plan.files.clone(),
    };
    let look = Look {
        guess: &guess,
        columns: &columns,
        rows: &rows,
        files: &files,
        flags: &flags,
        source: &source,
        session_timeout_us: start.plan.session_timeout_us,
        zone: &start.plan.zone,
    };
    let (mut inspection, ended) = match guess.required() {
        Err(problem) => {
            let failure = Failure::usage(problem.to_string()).hint(problem.hint());
            (build_unread(&look, unread_run(&found, start.plan.threads)), Err(failure))
        }
        Ok(()) => {
            let columns = found.roles(&start.plan, Vec::new())?;
            let reading = read_rows(&start, &args.input, found, columns, None)?;
            let run = Run { elapsed_s: start.started.elapsed().as_secs_f64(), ..reading.run };
            let inspection = build(reading.everything, &reading.plan, &look, run, start.plan.threads);
            (inspection, reading.account.exit(&args.input))
        }
    };
    if let Some(path) = &args.write {
        write_text(path, inspection.definition_file())?;
    }
    if args.output.reproducible {
        inspection.run = None;
    }
    outputs.write(&inspection)?;
    ended
}

/// Files of a definition file lie relative to it; where it lies elsewhere they are named in full.
fn files_seen_from(definition: &Path, files: &[String]) -> Vec<String> {
    let beside = definition.parent().is_none_or(|parent| parent.as_os_str().is_empty());
    let full = |file: &String| match std::path::absolute(file) {
        Ok(path) if file != "-" && !file.starts_with('@') => path.to_string_lossy().into_owned(),
        _ => file.clone(),
    };
    if beside { files.to_vec() } else { files.iter().map(full).collect() }
}

impl Written for Inspection {
    fn blocks(&self) -> Vec<Block> {
        Inspection::blocks(self)
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write_pretty(self, out)
    }

    fn json_lines(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write_line(self, out)
    }
}
