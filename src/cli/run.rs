//! From a command to its verb, and what all verbs that read rows start with.

use super::args::{Cli, Command, InputArgs};
use super::check::check;
use super::failure::{Exit, Failure};
use super::generate::generate;
use super::plan::{Environment, InputPlan};
use super::report::report;
use crate::definition::DefinitionFile;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Runs one command to its exit code.
pub fn run(cli: Cli) -> Result<Exit, Failure> {
    match cli.command {
        Command::Report(args) => report(&args),
        Command::Generate(args) => generate(args.what),
        Command::Check(args) => check(&args),
        Command::Inspect(_) | Command::Sessions(_) => Err(Failure::usage("not here yet")),
    }
}

/// What every command that reads rows starts with.
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
