//! `dropoff validate`: only the reading, with its full account.

use super::args::ValidateArgs;
use super::failure::{Exit, Failure};
use super::input::{Sampled, find};
use super::output::{Forms, Outputs, Written};
use super::reading::read_rows;
use super::run::Start;
use crate::render::json;
use crate::report::table::Block;
use crate::report::validation::{Asked, Validation, build};
use std::io::{self, Write};

/// Runs the command.
pub fn validate(args: &ValidateArgs) -> Result<Exit, Failure> {
    let start = Start::of(&args.input)?;
    let mut outputs =
        Outputs::prepare(&args.output, &args.input, Vec::new(), &start.plan.zone, Forms::DOCUMENT)?;
    let mut found = find(&start.plan, Sampled::Needed)?;
    outputs.refuse_inputs(&found, &args.input, &start)?;
    // A row is read or rejected whatever its event is.
    found.guess.problems.retain(|problem| !problem.is_no_event());
    let columns = found.roles(&start.plan, Vec::new())?;
    let reading = read_rows(&start, &args.input, found, columns, None, &mut outputs)?;
    let asked = Asked {
        trusted: reading.account.trusted,
        session_timeout_us: start.plan.session_timeout_us,
        as_of_us: start.plan.as_of_us,
        threads: start.plan.threads,
    };
    let mut validation = build(reading.everything, &reading.plan, reading.run, &asked)?;
    match &mut validation.run {
        Some(_) if args.output.reproducible => validation.run = None,
        Some(run) => run.elapsed_s = start.started.elapsed().as_secs_f64(),
        None => {}
    }
    outputs.write(&validation)?;
    // Why no row can be used is what was asked: it is written all the same.
    reading.account.require_rows(&args.input).and_then(|()| reading.account.exit(&args.input))
}

impl Written for Validation {
    fn blocks(&self) -> Vec<Block> {
        Validation::blocks(self)
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write_pretty(self, out)
    }

    fn json_lines(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write_line(self, out)
    }
}
