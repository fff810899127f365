//! `dropoff inspect`: what is in these files.

use super::args::InspectArgs;
use super::failure::{Exit, Failure};
use super::input::{Sampled, find};
use super::output::{Forms, Outputs, Written};
use super::plan::merged_source;
use super::reading::{read_rows, unread_run};
use super::run::{Start, on_path};
use super::unknown_column::unplayed_role;
use crate::funnel::definition::Funnel;
use crate::render::json;
use crate::report::Run;
use crate::report::inspect::{Inspection, Look, build, build_unread};
use crate::report::table::Block;
use std::io::{self, Write};
use std::path::Path;

/// Runs the command.
pub fn inspect(args: &InspectArgs) -> Result<Exit, Failure> {
    let start = Start::of(&args.input)?;
    if let Some(path) = args.write.as_ref().filter(|path| path.exists()) {
        // Whoever wrote in it would lose that.
        return Err(Failure::usage(format!("--write {}: the file exists", path.display())).hint(
            "name another file, or remove this one first: what was changed in it by hand would be lost",
        ));
    }
    let beside = args.write.iter().cloned().collect();
    let mut outputs = Outputs::prepare(&args.output, &args.input, beside, &start.plan.zone, Forms::DOCUMENT)?;
    let found = find(&start.plan, Sampled::All)?;
    outputs.refuse_inputs(&found, &args.input, &start)?;
    let (guess, columns, rows) = (found.guess.clone(), found.columns.clone(), found.rows.clone());
    let flags = args.input.typed_flags();
    let source = merged_source(&args.input, &start.file.source);
    let funnels: Vec<Funnel> =
        start.file.funnels().into_iter().filter_map(|(name, table)| table.settle(name).ok()).collect();
    let files_of_definition = seen_from(args.write.as_deref(), &start.plan.files);
    let identity = start.plan.identity.table(|map| {
        let map = map.to_string_lossy().into_owned();
        seen_from(args.write.as_deref(), &[map]).concat()
    });
    let received = found.received_column(&start.plan);
    let look = Look {
        guess: &guess,
        columns: &columns,
        rows: &rows,
        received: received.as_ref(),
        files: &start.plan.files,
        files_of_definition: &files_of_definition,
        flags: &flags,
        source: &source,
        identity: &identity,
        dedupe: &start.plan.identity.dedupe_table(),
        session_timeout_us: start.plan.session_timeout_us,
        zone: &start.plan.zone,
        funnels: &funnels,
        pseudonyms: start.pseudonyms.as_ref(),
    };
    let (mut inspection, ended) = match guess.required() {
        Err(problem) if !found.is_unknown() => {
            let failure = unplayed_role(&start.plan, problem, &columns);
            (build_unread(&look, unread_run(&found, start.plan.threads)), Err(failure))
        }
        _ => {
            let columns = found.roles(&start.plan, Vec::new())?;
            let reading = read_rows(&start, &args.input, found, columns, None, &mut outputs)?;
            let mut run = Run { elapsed_s: start.started.elapsed().as_secs_f64(), ..reading.run };
            run.notes.extend(not_written(args));
            let inspection = build(reading.everything, &reading.plan, &look, run, start.plan.threads)?;
            let account = reading.account;
            // What was found is shown all the same: why no row can be used is what was asked.
            let ended = account.require_rows(&args.input).and_then(|()| account.exit(&args.input));
            (inspection, ended)
        }
    };
    if let Some(path) = &args.write {
        outputs.stage(path, |out| Ok(out.write_all(inspection.definition_file().as_bytes())?))?;
    }
    if args.output.reproducible {
        inspection.run = None;
    }
    outputs.write(&inspection)?;
    ended
}

/// What the definition file that is written cannot say.
fn not_written(args: &InspectArgs) -> Option<String> {
    let path = args.write.as_ref()?;
    let lists = [("--cohort", &args.input.cohort), ("--cohort-not", &args.input.cohort_not)];
    let typed =
        lists.into_iter().filter_map(|(flag, list)| Some(format!("{flag} {}", list.as_ref()?.display())));
    let typed: Vec<String> = typed.collect();
    let flags = typed.join(" ");
    (!typed.is_empty())
        .then(|| format!("{}: a definition file holds no list of people: type {flags} again", path.display()))
}

/// Files as a definition file names them, which are relative to it: as they are beside it, else
/// from the root.
fn seen_from(definition: Option<&Path>, files: &[String]) -> Vec<String> {
    let directory = definition.and_then(Path::parent).unwrap_or(Path::new(""));
    if directory.as_os_str().is_empty() {
        return files.to_vec();
    }
    let from_root =
        |file: &String| on_path(file, |path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
    files.iter().map(from_root).collect()
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
