//! `dropoff sessions`: the rebuilt sessions as a table.

use super::args::SessionsArgs;
use super::failure::{Exit, Failure};
use super::input::{Sampled, find};
use super::output::{Forms, Outputs, Written};
use super::reading::read_rows;
use super::run::Start;
use crate::render::json;
use crate::report::sessions::{SessionTable, build};
use crate::report::table::Block;
use std::io::{self, Write};

/// Runs the command.
pub fn sessions(args: &SessionsArgs) -> Result<Exit, Failure> {
    let start = Start::of(&args.input)?;
    let mut outputs = Outputs::prepare(&args.output, &args.input, Vec::new(), &start.plan.zone, Forms::ROWS)?;
    let found = find(&start.plan, Sampled::Needed)?;
    outputs.refuse_inputs(&found, &args.input, &start)?;
    let columns = found.roles(&start.plan, Vec::new())?;
    let reading = read_rows(&start, &args.input, found, columns, None, &mut outputs)?;
    let timeout_us = start.plan.session_timeout_us;
    let table =
        build(reading.everything, &reading.plan, timeout_us, start.pseudonyms.as_ref(), start.plan.threads)?;
    // Whether a list of ids leaves anybody is known only behind the pass over people.
    let outputs = outputs.require_rows(&reading.account, &args.input)?;
    outputs.write(&table)?;
    reading.account.exit(&args.input)
}

impl Written for SessionTable {
    fn blocks(&self) -> Vec<Block> {
        vec![Block::Table(self.table())]
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write_pretty(self, out)
    }

    fn json_lines(&self, out: &mut dyn Write) -> io::Result<()> {
        self.sessions.iter().try_for_each(|session| json::write_line(&session, out))
    }
}
