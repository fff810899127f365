//! Why a check cannot be asked: always the writer's error, found before any data is read.

use super::Severity;
use super::metric::Metric;
use super::threshold::ThresholdError;
use crate::condition::SyntaxError;
use crate::definition::StepRef;

/// A check that cannot be asked. `Display` says what is wrong, [`CheckError::hint`] what to do.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("check {check:?}: {kind}")]
pub struct CheckError {
    /// Its name, or the expression as typed.
    pub check: String,
    pub kind: CheckErrorKind,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CheckErrorKind {
    /// The place is a span of the expression without the blanks around it, which is
    /// [`CheckError::check`].
    #[error("{0}")]
    Syntax(SyntaxError),
    #[error("there is no metric {metric:?}")]
    UnknownMetric { metric: String, nearest: Vec<String> },
    #[error("neither fail nor warn is given")]
    NoThreshold,
    #[error("{error}")]
    Threshold { severity: Severity, error: ThresholdError },
    #[error("{} is of the whole input and takes no funnel", .0.name())]
    TakesNoFunnel(Metric),
    #[error("{} takes no step", .0.name())]
    TakesNoStep(Metric),
    #[error("{} needs a step", .metric.name())]
    StepMissing { metric: Metric, steps: Vec<String> },
    #[error("{}", funnel_missing(.funnels))]
    FunnelMissing { funnels: Vec<String> },
    #[error("there is no funnel {funnel:?}")]
    UnknownFunnel { funnel: String, nearest: Vec<String>, funnels: Vec<String> },
    #[error("funnel {funnel:?} has no step {}", step_text(.step))]
    UnknownStep { step: StepRef, funnel: String, nearest: Vec<String>, steps: Vec<String> },
    /// Numbers are from 1.
    #[error("several steps are called {step:?}")]
    RepeatedStep { step: String, numbers: Vec<usize> },
    #[error("step 1 has no step before it to convert from")]
    FirstStep,
}

impl CheckError {
    /// The keys of a `[[check]]` that are at fault, first the one to look at.
    pub fn keys(&self) -> &'static [&'static str] {
        match &self.kind {
            CheckErrorKind::Syntax(_)
            | CheckErrorKind::NoThreshold
            | CheckErrorKind::FunnelMissing { .. } => &[],
            CheckErrorKind::UnknownMetric { .. } | CheckErrorKind::StepMissing { .. } => &["metric"],
            CheckErrorKind::Threshold { severity: Severity::Fail, .. } => &["fail"],
            CheckErrorKind::Threshold { severity: Severity::Warn, .. } => &["warn"],
            CheckErrorKind::TakesNoFunnel(_) => &["funnel", "metric"],
            CheckErrorKind::TakesNoStep(_) | CheckErrorKind::FirstStep => &["step", "metric"],
            CheckErrorKind::UnknownFunnel { .. } => &["funnel"],
            CheckErrorKind::UnknownStep { .. } | CheckErrorKind::RepeatedStep { .. } => &["step"],
        }
    }

    /// What to write instead.
    pub fn hint(&self) -> String {
        match &self.kind {
            CheckErrorKind::Syntax(error) => {
                let caret = error.caret(&self.check);
                match &error.hint {
                    Some(hint) => format!("{hint}\n{caret}"),
                    None => caret,
                }
            }
            CheckErrorKind::UnknownMetric { nearest, .. } => {
                let all = Metric::ALL.map(Metric::name);
                nearest_or_all("metrics", nearest, &all.join(", "))
            }
            CheckErrorKind::NoThreshold => {
                "say which values are bad, e.g. fail = \"< 2.1%\" or warn = \"> 3d\"".to_owned()
            }
            CheckErrorKind::Threshold { error, .. } => error.hint().to_owned(),
            CheckErrorKind::TakesNoFunnel(metric) => format!("write {} alone", metric.name()),
            CheckErrorKind::TakesNoStep(_) => {
                "leave the step out, or ask for reached or step_conversion".to_owned()
            }
            CheckErrorKind::StepMissing { steps, .. } => format!("name one of {}", quoted(steps)),
            CheckErrorKind::FunnelMissing { funnels } if funnels.is_empty() => {
                "give --steps, or a [funnel.NAME] in the definition file".to_owned()
            }
            CheckErrorKind::FunnelMissing { funnels } => format!("name one of {}", quoted(funnels)),
            CheckErrorKind::UnknownFunnel { nearest, funnels, .. } => {
                nearest_or_all("funnels", nearest, &quoted(funnels))
            }
            CheckErrorKind::UnknownStep { nearest, steps, .. } => {
                nearest_or_all("steps", nearest, &quoted(steps))
            }
            CheckErrorKind::RepeatedStep { numbers, .. } => {
                let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
                format!("give its number: {}", numbers.join(" or "))
            }
            CheckErrorKind::FirstStep => "name step 2 or a later one".to_owned(),
        }
    }
}

fn funnel_missing(funnels: &[String]) -> String {
    match funnels.len() {
        0 => "there is no funnel".to_owned(),
        n => format!("there are {n} funnels, and none is named"),
    }
}

/// Names are quoted as in the other messages; a number stays bare.
fn step_text(step: &StepRef) -> String {
    match step {
        StepRef::Number(number) => number.to_string(),
        StepRef::Name(name) => format!("{name:?}"),
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

fn nearest_or_all(what: &str, nearest: &[String], all: &str) -> String {
    match nearest {
        [] => format!("the {what} are {all}"),
        [name] => format!("the nearest name is {name:?}; the {what} are {all}"),
        names => format!("the nearest names are {}; the {what} are {all}", quoted(names)),
    }
}
