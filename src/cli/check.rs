//! `dropoff check`: a report, judged by thresholds.

use super::args::CheckArgs;
use super::failure::{Exit, Failure};
use super::input::{Sampled, find};
use super::output::{Forms, Outputs, Written};
use super::plan::resolve_request;
use super::report::{Made, make_report};
use super::run::Start;
use crate::check::{Check, CheckError, CheckReport, CheckStatus, FunnelNames, Severity, evaluate};
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
    let found = find(&start.plan, Sampled::Needed)?;
    let outputs = Outputs::prepare(&args.output, &args.input, &found, &start.plan.zone, Forms::VERDICTS)?;
    let made = make_report(&start, &args.input, found, &request, None, args.output.reproducible)?;
    let Made { report, account, .. } = made;
    account.require_rows(&args.input)?;
    let verdict = evaluate(&checks, &report);
    account.require_rows(&args.input)?;
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
    let mut checks: Vec<Check> =
        start.file.check.iter().map(Check::from_table).collect::<Result<_, _>>().map_err(wrong)?;
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
    for check in &checks {
        check.validate(&funnels).map_err(wrong)?;
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
