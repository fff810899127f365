//! What a check can be about: a closed list of numbers of a report.

use crate::stats::Quantile;
use schemars::JsonSchema;
use serde::Serialize;

/// A number of the report; its name is the same in definition files, expressions and JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Units that reached the last step, of all that entered.
    Conversion,
    /// The same among units with a whole window behind them.
    MatureConversion,
    /// Units that reached the step, of those that reached the step before.
    StepConversion,
    /// Units that reached the step.
    Reached,
    Entered,
    Converted,
    Dropped,
    Open,
    Excluded,
    Persons,
    Sessions,
    RowsUsed,
    /// Rejected rows without repeated headers, of all rows read.
    RejectRate,
    /// Total time to purchase on the winning chain, of the converted.
    TimeP50,
    TimeP90,
    TimeP95,
    TimeP99,
    TimeMean,
}

/// What the values of a metric are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MetricKind {
    /// `0.0..=1.0`.
    Share,
    Count,
    Seconds,
}

/// What a metric is a number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Input,
    Funnel,
    /// One step of a funnel.
    Step,
}

impl Metric {
    pub const ALL: [Metric; 18] = {
        use Metric::*;
        [
            Conversion,
            MatureConversion,
            StepConversion,
            Reached,
            Entered,
            Converted,
            Dropped,
            Open,
            Excluded,
            Persons,
            Sessions,
            RowsUsed,
            RejectRate,
            TimeP50,
            TimeP90,
            TimeP95,
            TimeP99,
            TimeMean,
        ]
    };

    pub fn name(self) -> &'static str {
        match self {
            Metric::Conversion => "conversion",
            Metric::MatureConversion => "mature_conversion",
            Metric::StepConversion => "step_conversion",
            Metric::Reached => "reached",
            Metric::Entered => "entered",
            Metric::Converted => "converted",
            Metric::Dropped => "dropped",
            Metric::Open => "open",
            Metric::Excluded => "excluded",
            Metric::Persons => "persons",
            Metric::Sessions => "sessions",
            Metric::RowsUsed => "rows_used",
            Metric::RejectRate => "reject_rate",
            Metric::TimeP50 => "time_p50",
            Metric::TimeP90 => "time_p90",
            Metric::TimeP95 => "time_p95",
            Metric::TimeP99 => "time_p99",
            Metric::TimeMean => "time_mean",
        }
    }

    pub fn from_name(name: &str) -> Option<Metric> {
        Metric::ALL.into_iter().find(|metric| metric.name() == name)
    }

    pub fn kind(self) -> MetricKind {
        use Metric::*;
        match self {
            Conversion | MatureConversion | StepConversion | RejectRate => MetricKind::Share,
            Reached | Entered | Converted | Dropped | Open | Excluded | Persons | Sessions | RowsUsed => {
                MetricKind::Count
            }
            TimeP50 | TimeP90 | TimeP95 | TimeP99 | TimeMean => MetricKind::Seconds,
        }
    }

    pub fn scope(self) -> Scope {
        use Metric::*;
        match self {
            Persons | Sessions | RowsUsed | RejectRate => Scope::Input,
            StepConversion | Reached => Scope::Step,
            Conversion | MatureConversion | Entered | Converted | Dropped | Open | Excluded | TimeP50
            | TimeP90 | TimeP95 | TimeP99 | TimeMean => Scope::Funnel,
        }
    }

    /// The quantile that a report must hold for this metric to have a value.
    pub fn quantile(self) -> Option<Quantile> {
        let parts_per_million = match self {
            Metric::TimeP50 => 500_000,
            Metric::TimeP90 => 900_000,
            Metric::TimeP95 => 950_000,
            Metric::TimeP99 => 990_000,
            _ => return None,
        };
        Quantile::from_parts_per_million(parts_per_million)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_everywhere() {
        for metric in Metric::ALL {
            assert_eq!(Metric::from_name(metric.name()), Some(metric));
            assert_eq!(serde_json::to_value(metric).unwrap(), metric.name());
        }
        assert_eq!(Metric::from_name("Conversion"), None);
        assert_eq!(Metric::from_name(""), None);
    }

    #[test]
    fn quantiles_are_those_of_the_names() {
        for metric in Metric::ALL {
            let printed = metric.quantile().map(|quantile| format!("time_{quantile}"));
            assert!(printed.is_none_or(|printed| printed == metric.name()), "{}", metric.name());
        }
        assert_eq!(Metric::ALL.iter().filter(|metric| metric.quantile().is_some()).count(), 4);
    }
}
