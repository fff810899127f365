//! `dropoff report`: reads, counts, writes, and says how the run ended.

use super::args::{InputArgs, ReportArgs};
use super::failure::{Exit, Failure};
use super::input::{Sampled, find};
use super::lists::ListPlan;
use super::output::{Forms, Outputs, Written};
use super::plan::resolve_request;
use super::reading::{Account, read_rows};
use super::run::Start;
use crate::human::shell_word;
use crate::render::json;
use crate::report::build::{BuildError, Listed, ListsAsked, Request, build_with_lists, canonical_hash};
use crate::report::lists::ListRequest;
use crate::report::min_cell;
use crate::report::table::Block;
use crate::report::{REPORT_SCHEMA, Report, Run, jsonl};
use std::io::{self, Write};

/// Runs the command.
pub fn report(args: &ReportArgs) -> Result<Exit, Failure> {
    let start = Start::of(&args.input)?;
    let mut request = resolve_request(&args.funnel, &start.file, &start.plan, &start.environment)?;
    if args.min_cell.is_some_and(|least| least < min_cell::LEAST) {
        return Err(Failure::usage(format!(
            "--min-cell takes a number of people, at least {}",
            min_cell::LEAST
        )));
    }
    request.min_cell = args.min_cell;
    refuse_differences(&request)?;
    request.pseudonyms = start.pseudonyms.clone();
    let lists = ListPlan::resolve(&args.lists, &request, start.pseudonyms.as_ref(), args.output.csv_raw)?;
    let beside = lists.as_ref().map(ListPlan::files).unwrap_or_default();
    let mut outputs = Outputs::prepare(&args.output, &args.input, beside, &start.plan.zone, Forms::DOCUMENT)?;
    let found = find(&start.plan, Sampled::Needed)?;
    outputs.refuse_inputs(&found, &args.input, &start)?;
    let asked = lists.as_ref().map(|lists| &lists.request);
    let made = make_report(&start, &args.input, found, &request, asked, &mut outputs)?;
    let Made { report, account, listed, user_columns } = made;
    let mut outputs = outputs.require_rows(&account, &args.input)?;
    if let (Some(lists), Some(listed)) = (lists, listed) {
        lists.write(listed, &user_columns, &mut outputs)?;
    }
    outputs.write(&report)?;
    account.exit(&args.input)
}

/// Several funnels are several ways to count the same people: what one hides, two of them may give away when
/// they are subtracted.
fn refuse_differences(request: &Request) -> Result<(), Failure> {
    let has_cells = request.trend.is_some() || request.funnels.iter().any(|wanted| !wanted.by.is_empty());
    if request.min_cell.is_none() || request.funnels.len() < 2 || !has_cells {
        return Ok(());
    }
    let cells = if request.trend.is_some() { "a trend" } else { "segments" };
    let message = format!(
        "--min-cell: {} funnels with {cells} in one report: their difference would tell of people who are not shown",
        request.funnels.len()
    );
    Err(Failure::usage(message).hint(format!(
        "report one of them: --funnel {}; who sees the reports of several can subtract them all the same",
        shell_word(&request.funnels[0].funnel.name)
    )))
}

/// A report, and what was asked for beside it.
pub struct Made {
    pub report: Report,
    pub account: Account,
    listed: Option<Listed>,
    /// The columns of the log that name people; several that are one id together as one.
    user_columns: Vec<String>,
}

/// Reads everything and makes the report.
pub fn make_report(
    start: &Start,
    args: &InputArgs,
    found: super::input::Found,
    request: &Request,
    lists: Option<&ListRequest>,
    outputs: &mut Outputs,
) -> Result<Made, Failure> {
    let mut dimensions: Vec<String> = Vec::new();
    for column in
        request.funnels.iter().flat_map(|wanted| wanted.by.iter().chain(wanted.funnel.value_columns()))
    {
        if !dimensions.contains(column) {
            dimensions.push(column.clone());
        }
    }
    let columns = found.roles(&start.plan, dimensions)?;
    let reading = read_rows(start, args, found, columns, Some(request), outputs)?;
    let spilled = reading.everything.spilled();
    let asked = lists.map(|request| ListsAsked { request, temp_dir: &start.plan.temp_dir });
    let (body, listed) =
        build_with_lists(reading.everything, &reading.plan, request, asked, start.plan.threads)?;
    let mut run = Run { elapsed_s: start.started.elapsed().as_secs_f64(), ..reading.run };
    run.note_spilled(&spilled);
    let run = (!outputs.is_reproducible()).then_some(run);
    let report = Report {
        schema: REPORT_SCHEMA.to_owned(),
        trusted: reading.account.trusted,
        run,
        body_hash: canonical_hash(&body),
        body,
    };
    let columns = reading.plan.columns;
    let user_columns = if columns.user_together { vec![columns.user.join("+")] } else { columns.user };
    Ok(Made { report, account: reading.account, listed, user_columns })
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Failure {
        match error {
            BuildError::Spill(error) => error.into(),
            error @ BuildError::Lists { .. } => {
                Failure::failed(error.into()).hint("name another directory with --temp-dir")
            }
            BuildError::MixedCurrencies(error) => Failure::usage(error.to_string()).code(Some("E-U13")).hint(
                "keep one with --where, e.g. --where \"currency = 'ILS'\", or name the columns without --value",
            ),
        }
    }
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
