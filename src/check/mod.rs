//! Thresholds over a finished report: what may not fall, and what came of it.
//!
//! A check names a number of the report and the values that are bad. The point value decides; its
//! interval is shown beside it and is not used, so that a verdict can be made again from the two
//! numbers printed. Leaves out comparisons with earlier reports, segments, and exit codes.

mod error;
mod evaluate;
mod expression;
mod junit;
mod metric;
mod outcome;
mod threshold;

pub use error::{CheckError, CheckErrorKind};
pub use evaluate::evaluate;
pub use metric::{Metric, MetricKind, Scope};
pub use outcome::{CHECK_SCHEMA, CheckReport, CheckResult, CheckStatus, CheckValue};
pub use threshold::{Comparison, Threshold, ThresholdError};

use crate::condition::suggest_nearest;
use crate::definition::{CheckTable, StepRef};
use crate::report::funnel::FunnelReport;
use crate::stats::Quantile;

/// Metrics and names that are suggested for one that is not known.
const SUGGESTED: usize = 3;

/// One threshold, or two of different severity, on one number.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// What people call it; by default its metric with funnel and step, or the whole expression.
    pub name: String,
    pub metric: Metric,
    /// May be left out where there is exactly one funnel.
    pub funnel: Option<String>,
    pub step: Option<StepRef>,
    /// Where this holds the check fails; tested before `warn`.
    pub fail: Option<Threshold>,
    pub warn: Option<Threshold>,
    /// With fewer units than this there is no verdict.
    pub min_n: u64,
}

/// What it means that the condition of an expression holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Fail,
    Warn,
}

/// A funnel as checks know it: its name and its required steps, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunnelNames<'a> {
    pub name: &'a str,
    pub steps: Vec<&'a str>,
}

impl<'a> FunnelNames<'a> {
    fn of(funnel: &'a FunnelReport) -> FunnelNames<'a> {
        let steps = funnel.conversion.steps.iter().map(|step| step.name.as_str());
        FunnelNames { name: &funnel.name, steps: steps.collect() }
    }
}

/// Where in a report the number of a check stands. Funnels and steps count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Input,
    Funnel(usize),
    Step { funnel: usize, step: usize },
}

impl Check {
    /// Reads a `[[check]]` of a definition file.
    pub fn from_table(table: &CheckTable) -> Result<Check, CheckError> {
        let label = || match &table.name {
            Some(name) => name.clone(),
            None => written(&table.metric, table.funnel.as_deref(), table.step.as_ref()),
        };
        let fault = |kind: CheckErrorKind| CheckError { check: label(), kind };
        let metric = find_metric(&table.metric).map_err(fault)?;
        let threshold = |text: &Option<String>, severity| {
            let read = text.as_ref().map(|text| Threshold::parse(text, metric.kind())).transpose();
            read.map_err(|error| fault(CheckErrorKind::Threshold { severity, error }))
        };
        let fail = threshold(&table.fail, Severity::Fail)?;
        let warn = threshold(&table.warn, Severity::Warn)?;
        if fail.is_none() && warn.is_none() {
            return Err(fault(CheckErrorKind::NoThreshold));
        }
        Ok(Check {
            name: label(),
            metric,
            funnel: table.funnel.clone(),
            step: table.step.clone(),
            fail,
            warn,
            min_n: table.min_n,
        })
    }

    /// Reads `conversion < 2.1%`, `conversion(purchase) < 2.1%` or
    /// `step_conversion(purchase, Checkout) < 40%`.
    ///
    /// The first name in parentheses is the funnel and the second the step; one name alone is the
    /// step where the metric needs one. A step may be a number from 1. Names that hold `,`, `)` or
    /// quotes, or that are numbers, go in single or double quotes.
    pub fn parse_expression(text: &str, severity: Severity) -> Result<Check, CheckError> {
        let text = text.trim();
        let fault = |kind: CheckErrorKind| CheckError { check: text.to_owned(), kind };
        let call = expression::parse(text).map_err(|error| fault(CheckErrorKind::Syntax(error)))?;
        let metric = find_metric(call.metric).map_err(fault)?;
        let threshold = Threshold::parse(call.threshold, metric.kind())
            .map_err(|error| fault(CheckErrorKind::Threshold { severity, error }))?;
        let mut arguments = call.arguments.into_iter();
        let (funnel, step) = match (arguments.next(), arguments.next()) {
            (Some(step), None) if metric.scope() == Scope::Step => (None, Some(step)),
            (funnel, step) => (funnel, step),
        };
        let (fail, warn) = match severity {
            Severity::Fail => (Some(threshold), None),
            Severity::Warn => (None, Some(threshold)),
        };
        Ok(Check {
            name: text.to_owned(),
            metric,
            funnel: funnel.map(|funnel| funnel.text),
            step: step.map(expression::Argument::into_step),
            fail,
            warn,
            min_n: 0,
        })
    }

    /// Whether the funnels have what the check names; to be asked before any data is read.
    pub fn validate(&self, funnels: &[FunnelNames<'_>]) -> Result<(), CheckError> {
        self.place(funnels).map(drop).map_err(|kind| CheckError { check: self.name.clone(), kind })
    }

    /// Every quantile that a report must hold for these checks, ascending, each once.
    pub fn quantiles(checks: &[Check]) -> Vec<Quantile> {
        let mut quantiles: Vec<Quantile> =
            checks.iter().filter_map(|check| check.metric.quantile()).collect();
        quantiles.sort_unstable();
        quantiles.dedup();
        quantiles
    }

    fn place(&self, funnels: &[FunnelNames<'_>]) -> Result<Place, CheckErrorKind> {
        let scope = self.metric.scope();
        if scope == Scope::Input && self.funnel.is_some() {
            return Err(CheckErrorKind::TakesNoFunnel(self.metric));
        }
        if scope != Scope::Step && self.step.is_some() {
            return Err(CheckErrorKind::TakesNoStep(self.metric));
        }
        if scope == Scope::Input {
            return Ok(Place::Input);
        }
        let funnel = self.funnel_place(funnels)?;
        if scope == Scope::Funnel {
            return Ok(Place::Funnel(funnel));
        }
        let step = self.step_place(&funnels[funnel])?;
        if step == 0 && self.metric == Metric::StepConversion {
            return Err(CheckErrorKind::FirstStep);
        }
        Ok(Place::Step { funnel, step })
    }

    fn funnel_place(&self, funnels: &[FunnelNames<'_>]) -> Result<usize, CheckErrorKind> {
        let names = || funnels.iter().map(|funnel| funnel.name);
        let present = || names().map(str::to_owned).collect();
        match &self.funnel {
            None if funnels.len() == 1 => Ok(0),
            None => Err(CheckErrorKind::FunnelMissing { funnels: present() }),
            Some(wanted) => {
                names().position(|name| name == wanted).ok_or_else(|| CheckErrorKind::UnknownFunnel {
                    funnel: wanted.clone(),
                    nearest: suggest_nearest(wanted, names(), SUGGESTED),
                    funnels: present(),
                })
            }
        }
    }

    fn step_place(&self, funnel: &FunnelNames<'_>) -> Result<usize, CheckErrorKind> {
        let present = || funnel.steps.iter().map(|&step| step.to_owned()).collect();
        let Some(wanted) = &self.step else {
            return Err(CheckErrorKind::StepMissing { metric: self.metric, steps: present() });
        };
        let unknown = |nearest: Vec<String>| CheckErrorKind::UnknownStep {
            step: wanted.clone(),
            funnel: funnel.name.to_owned(),
            nearest,
            steps: present(),
        };
        match wanted {
            StepRef::Number(number) => number
                .checked_sub(1)
                .filter(|&step| step < funnel.steps.len())
                .ok_or_else(|| unknown(Vec::new())),
            StepRef::Name(name) => {
                let places: Vec<usize> =
                    (0..funnel.steps.len()).filter(|&step| funnel.steps[step] == name).collect();
                match places.as_slice() {
                    [] => Err(unknown(suggest_nearest(name, funnel.steps.iter().copied(), SUGGESTED))),
                    [step] => Ok(*step),
                    several => Err(CheckErrorKind::RepeatedStep {
                        step: name.clone(),
                        numbers: several.iter().map(|step| step + 1).collect(),
                    }),
                }
            }
        }
    }
}

fn find_metric(name: &str) -> Result<Metric, CheckErrorKind> {
    Metric::from_name(name).ok_or_else(|| CheckErrorKind::UnknownMetric {
        metric: name.to_owned(),
        nearest: suggest_nearest(name, Metric::ALL.into_iter().map(Metric::name), SUGGESTED),
    })
}

/// A check in the notation of expressions, without its threshold: `reached(purchase, Cart)`.
fn written(metric: &str, funnel: Option<&str>, step: Option<&StepRef>) -> String {
    let names: Vec<String> =
        funnel.map(str::to_owned).into_iter().chain(step.map(StepRef::to_string)).collect();
    if names.is_empty() { metric.to_owned() } else { format!("{metric}({})", names.join(", ")) }
}

#[cfg(test)]
mod tests;
