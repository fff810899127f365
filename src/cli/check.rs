//! `dropoff check`: a report, judged by thresholds.

use super::args::CheckArgs;
use super::failure::{Exit, Failure};
use super::input::{Sampled, find};
use super::output::{Forms, Outputs, Written};
use super::plan::resolve_request;
use super::report::{Made, make_report};
use super::run::Start;
use crate::check::{Check, CheckError, CheckReport, CheckStatus, FunnelNames, Severity, evaluate};
use crate::definition::{Fault, Path};
use crate::render::json;
use crate::report::build::Request;
use crate::report::shape::StepNames;
use crate::report::table::Block;
use std::io::{self, Write};

/// Runs the command.
pub fn check(args: &CheckArgs) -> Result<Exit, Failure> {
    let start = Start::of(&args.input)?;
    let mut request = resolve_request(&args.funnel, &start.file, &start.plan, &start.environment)?;
    let checks = resolve_checks(args, &start, &request)?;
    for quantile in Check::quantiles(&checks) {
        if !request.choice.quantiles.contains(&quantile) {
            request.choice.quantiles.push(quantile);
        }
    }
    request.choice.quantiles.sort_unstable();
    let mut outputs =
        Outputs::prepare(&args.output, &args.input, Vec::new(), &start.plan.zone, Forms::VERDICTS)?;
    let found = find(&start.plan, Sampled::Needed)?;
    outputs.refuse_inputs(&found, &args.input, &start)?;
    let made = make_report(&start, &args.input, found, &request, None, &mut outputs)?;
    let Made { report, account, .. } = made;
    let outputs = outputs.require_rows(&account, &args.input)?;
    let verdict = evaluate(&checks, &report);
    outputs.write(&verdict)?;
    match account.exit(&args.input) {
        Err(failure) if failure.exit == Exit::Rejects && args.exit_zero => Ok(Exit::Done),
        Err(failure) => Err(failure),
        Ok(_) if args.exit_zero => Ok(Exit::Done),
        Ok(_) => match verdict.worst() {
            CheckStatus::Fail | CheckStatus::Error => Ok(Exit::Check),
            CheckStatus::Pass | CheckStatus::Warn | CheckStatus::Insufficient => Ok(Exit::Done),
        },
    }
}

/// The checks of the definition file and of the flags, all of them possible.
fn resolve_checks(args: &CheckArgs, start: &Start, request: &Request) -> Result<Vec<Check>, Failure> {
    let wrong = |error: CheckError| {
        let hint = error.hint();
        Failure::usage(error.to_string()).hint(hint)
    };
    let wrong_in_file = |place: usize, error: CheckError| {
        let table = Path::of("check").index(place);
        let keys = error.keys().iter().map(|key| table.clone().key(key));
        let places = keys.chain([table.clone()]).take(error.keys().len().max(1)).collect();
        let (message, hint) = (error.kind.to_string(), Some(error.hint()));
        Failure::from(start.file.fault(&Fault { message, hint, places, inside: None }))
    };
    let mut checks: Vec<Check> = Vec::new();
    for (place, table) in start.file.check.iter().enumerate() {
        checks.push(Check::from_table(table).map_err(|error| wrong_in_file(place, error))?);
    }
    let typed = [(&args.fail_if, Severity::Fail), (&args.warn_if, Severity::Warn)];
    for (texts, severity) in typed {
        for text in texts {
            checks.push(Check::parse_expression(text, severity).map_err(wrong)?);
        }
    }
    if checks.is_empty() {
        return Err(Failure::usage("no check is defined")
            .hint("give --fail-if 'conversion < 2%', or [[check]] tables in the definition file"));
    }
    let names: Vec<StepNames> = request.funnels.iter().map(|wanted| StepNames::of(&wanted.funnel)).collect();
    let funnels: Vec<FunnelNames<'_>> = request
        .funnels
        .iter()
        .zip(&names)
        .map(|(wanted, names)| FunnelNames {
            name: &wanted.funnel.name,
            steps: names.levels.iter().map(String::as_str).collect(),
        })
        .collect();
    for (place, check) in checks.iter().enumerate() {
        let is_written = place < start.file.check.len();
        let fault = |error| if is_written { wrong_in_file(place, error) } else { wrong(error) };
        check.validate(&funnels).map_err(fault)?;
    }
    Ok(checks)
}

impl Written for CheckReport {
    fn blocks(&self) -> Vec<Block> {
        CheckReport::blocks(self)
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write_pretty(self, out)
    }

    fn json_lines(&self, out: &mut dyn Write) -> io::Result<()> {
        self.checks.iter().try_for_each(|check| json::write_line(check, out))
    }

    fn junit(&self) -> Option<anyhow::Result<String>> {
        Some(CheckReport::junit(self).map_err(anyhow::Error::from))
    }
}
