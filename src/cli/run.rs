//! From a command to its verb, and what all verbs that read rows start with.

use super::args::{Cli, Command, InputArgs};
use super::check::check;
use super::failure::{Exit, Failure};
use super::generate::generate;
use super::inspect::inspect;
use super::plan::{Environment, InputPlan};
use super::report::report;
use super::sessions::sessions;
use crate::definition::DefinitionFile;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Runs one command to its exit code.
pub fn run(cli: Cli) -> Result<Exit, Failure> {
    match cli.command {
        Command::Inspect(args) => inspect(&args),
        Command::Report(args) => report(&args),
        Command::Sessions(args) => sessions(&args),
        Command::Check(args) => check(&args),
        Command::Generate(args) => generate(args.what),
    }
}

/// What every verb that reads rows starts with.
pub struct Start {
    pub plan: InputPlan,
    pub file: DefinitionFile,
    pub environment: Environment,
    pub started: Instant,
}

impl Start {
    pub fn of(args: &InputArgs) -> Result<Start, Failure> {
        let started = Instant::now();
        let environment = environment();
        let (file, path) = definition_file(args)?;
        let mut plan = InputPlan::resolve(args, &file, &environment)?;
        resolve_files(&mut plan, args, path.as_deref());
        Ok(Start { plan, file, environment, started })
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
    let Some(path) = args.config.clone().or_else(nearest_definition) else {
        return Ok((DefinitionFile::default(), None));
    };
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
        for file in plan.files.iter_mut().filter(|file| *file != "-") {
            *file = directory.join(&file).to_string_lossy().into_owned();
        }
    }
}
