//! How many units got through each step, and how sure that is.

use super::table::{Cell, Column, Table};
use super::tally::{ClusterSums, UnitTally};
use crate::stats::{Z95, wilson_interval, wilson_interval_of_share};
use schemars::JsonSchema;
use serde::Serialize;

/// A share with what it is a share of, and its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Rate {
    pub n: u64,
    pub converted: u64,
    /// `converted / n`; null without units.
    pub share: Option<f64>,
    pub ci95: Option<(f64, f64)>,
}

impl Rate {
    fn of(reached: &[u64], clusters: Option<&ClusterSums>) -> Option<Rate> {
        let (&n, &converted) = (reached.first()?, reached.last()?);
        let ci95 = interval(reached, clusters, reached.len() - 1, 0);
        Some(Rate { n, converted, share: share(converted, n), ci95 })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Conversion {
    pub steps: Vec<ConversionStep>,
    /// Only units whose first entry lies a whole window before the end of observation; null where
    /// the funnel has no window.
    pub mature: Option<Rate>,
    /// Overall conversion if none, and if all, of the open units convert; null when none is open.
    pub bounds: Option<(f64, f64)>,
    pub optional: Vec<OptionalUse>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ConversionStep {
    /// From 1.
    pub step: usize,
    pub name: String,
    /// Units whose winning chain has at least this step.
    pub reached: u64,
    pub of_first: Option<f64>,
    pub of_previous: Option<f64>,
    pub of_first_ci95: Option<(f64, f64)>,
    pub of_previous_ci95: Option<(f64, f64)>,
    /// Reached this step and not the next; 0 at the last.
    pub lost: u64,
    pub lost_dropped: u64,
    pub lost_open: u64,
    pub lost_excluded: u64,
    /// Of all units lost at any step.
    pub share_of_loss: Option<f64>,
}

/// What an optional step goes with; not a cause.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct OptionalUse {
    pub name: String,
    /// The required steps around it, from 1.
    pub after_step: usize,
    pub before_step: usize,
    /// Units that passed both of these steps, and how many used the optional one between them.
    pub passed: u64,
    pub used: u64,
    pub used_share: Option<f64>,
    pub conversion_with: Option<f64>,
    pub conversion_without: Option<f64>,
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Conversion {
    /// `names` are the required steps', `optional_names` the optional steps'.
    pub fn of(tally: &UnitTally, names: &[String], optional_names: &[String]) -> Conversion {
        let reached = &tally.reached;
        let clusters = tally.clusters.as_ref().map(|clusters| &clusters.all);
        let all_lost = tally.entered - tally.converted;
        let steps = (0..reached.len())
            .map(|step| {
                let previous = step.checked_sub(1).map(|previous| reached[previous]);
                let stage = tally.stages.get(step);
                let lost = reached[step] - reached.get(step + 1).copied().unwrap_or(reached[step]);
                ConversionStep {
                    step: step + 1,
                    name: names[step].clone(),
                    reached: reached[step],
                    of_first: share(reached[step], reached[0]),
                    of_previous: previous.and_then(|previous| share(reached[step], previous)),
                    of_first_ci95: (step > 0).then(|| interval(reached, clusters, step, 0)).flatten(),
                    of_previous_ci95: (step > 0)
                        .then(|| interval(reached, clusters, step, step - 1))
                        .flatten(),
                    lost,
                    lost_dropped: stage.map_or(0, |stage| stage.dropped),
                    lost_open: stage.map_or(0, |stage| stage.open),
                    lost_excluded: stage.map_or(0, |stage| stage.excluded),
                    share_of_loss: (step + 1 < reached.len()).then(|| share(lost, all_lost)).flatten(),
                }
            })
            .collect();
        let mature = tally
            .has_window
            .then(|| {
                Rate::of(&tally.mature_reached, tally.clusters.as_ref().map(|clusters| &clusters.mature))
            })
            .flatten();
        let bounds = (tally.open > 0).then(|| {
            let entered = tally.entered as f64;
            (tally.converted as f64 / entered, (tally.converted + tally.open) as f64 / entered)
        });
        let optional = tally
            .optional
            .iter()
            .zip(optional_names)
            .map(|(optional, name)| OptionalUse {
                name: name.clone(),
                after_step: optional.level_after - 1,
                before_step: optional.level_after,
                passed: optional.passed,
                used: optional.used,
                used_share: share(optional.used, optional.passed),
                conversion_with: share(optional.used_converted, optional.used),
                conversion_without: share(optional.unused_converted, optional.passed - optional.used),
            })
            .collect();
        Conversion { steps, mature, bounds, optional }
    }

    pub fn tables(&self) -> Vec<Table> {
        let mut tables = vec![self.reach_table(), self.loss_table()];
        if !self.optional.is_empty() {
            tables.push(self.optional_table());
        }
        tables
    }

    fn reach_table(&self) -> Table {
        let rows = self.steps.iter().map(|step| {
            vec![
                Cell::Count(step.step as u64),
                Cell::Text(step.name.clone()),
                Cell::Count(step.reached),
                optional_share(step.of_first),
                optional_interval(step.of_first_ci95),
                step.of_first.map_or(Cell::Missing, Cell::Bar),
            ]
        });
        Table {
            name: "conversion".to_owned(),
            title: "How many got how far".to_owned(),
            columns: vec![
                Column::number("step", "#"),
                Column::text("name", "Step"),
                Column::number("reached", "Reached"),
                Column::number("of_first", "Of first"),
                Column::number("of_first_ci95", "95 % interval"),
                Column::text("bar", ""),
            ],
            rows: rows.collect(),
            notes: Vec::new(),
        }
    }

    fn loss_table(&self) -> Table {
        let rows = self.steps.windows(2).map(|pair| {
            let (from, to) = (&pair[0], &pair[1]);
            vec![
                Cell::Text(format!("{} → {}", from.name, to.name)),
                optional_share(to.of_previous),
                optional_interval(to.of_previous_ci95),
                Cell::Count(from.lost),
                optional_share(from.share_of_loss),
                Cell::Count(from.lost_dropped),
                Cell::Count(from.lost_open),
                Cell::Count(from.lost_excluded),
            ]
        });
        let mut table = Table {
            name: "step_conversion".to_owned(),
            title: "From step to step".to_owned(),
            columns: vec![
                Column::text("name", "Step"),
                Column::number("of_previous", "Of previous"),
                Column::number("of_previous_ci95", "95 % interval"),
                Column::number("lost", "Lost"),
                Column::number("share_of_loss", "Share of loss"),
                Column::number("lost_dropped", "Dropped"),
                Column::number("lost_open", "Open"),
                Column::number("lost_excluded", "Excluded"),
            ],
            rows: rows.collect(),
            notes: Vec::new(),
        };
        if self.steps.iter().all(|step| step.lost_excluded == 0) {
            table.columns.pop();
            table.rows.iter_mut().for_each(|row| {
                row.pop();
            });
        }
        table
    }

    fn optional_table(&self) -> Table {
        let rows = self.optional.iter().map(|optional| {
            vec![
                Cell::Text(optional.name.clone()),
                Cell::Text(format!("{} and {}", optional.after_step, optional.before_step)),
                Cell::Count(optional.passed),
                Cell::Count(optional.used),
                optional_share(optional.used_share),
                optional_share(optional.conversion_with),
                optional_share(optional.conversion_without),
            ]
        });
        Table {
            name: "optional_steps".to_owned(),
            title: "Optional steps".to_owned(),
            columns: vec![
                Column::text("name", "Step"),
                Column::text("between", "Between"),
                Column::number("passed", "Passed both"),
                Column::number("used", "Used it"),
                Column::number("used_share", "Share"),
                Column::number("conversion_with", "Conversion with"),
                Column::number("conversion_without", "Without"),
            ],
            rows: rows.collect(),
            notes: vec!["Going with conversion is not the same as causing it.".to_owned()],
        }
    }
}

/// The interval of "reached `step` among those who reached `base`". Sessions of one person are
/// not independent: their interval is widened by the design effect of the persons.
fn interval(reached: &[u64], clusters: Option<&ClusterSums>, step: usize, base: usize) -> Option<(f64, f64)> {
    let (successes, trials) = (reached[step], reached[base]);
    match clusters {
        Some(clusters) => {
            let share = share(successes, trials)?;
            wilson_interval_of_share(share, clusters.effective_trials(step, base, successes, trials), Z95)
        }
        None => wilson_interval(successes, trials, Z95),
    }
}

impl ClusterSums {
    /// Trials that independent units would need for the same precision: `trials / deff`, where
    /// deff is the variance of the ratio estimator with persons as clusters over the binomial one.
    ///
    /// Method: Kish (1965), Survey Sampling, 6.4; the effective size enters Wilson's interval as in
    /// Korn and Graubard (1998). Where all or none succeed the variance says nothing and the
    /// number of persons is used.
    pub fn effective_trials(&self, step: usize, base: usize, successes: u64, trials: u64) -> f64 {
        let (persons, trials_f) = (self.persons[base] as f64, trials as f64);
        let ratio = successes as f64 / trials_f;
        let binomial = ratio * (1.0 - ratio) / trials_f;
        if binomial <= 0.0 || persons < 2.0 {
            return persons.min(trials_f);
        }
        let squares = self.product(step, step) as f64 - 2.0 * ratio * self.product(step, base) as f64
            + ratio * ratio * self.product(base, base) as f64;
        let clustered = squares.max(0.0) / (trials_f * trials_f) * persons / (persons - 1.0);
        (trials_f * binomial / clustered.max(f64::MIN_POSITIVE)).clamp(1.0, trials_f)
    }
}

pub(super) fn optional_share(share: Option<f64>) -> Cell {
    share.map_or(Cell::Missing, Cell::Share)
}

pub(super) fn optional_interval(interval: Option<(f64, f64)>) -> Cell {
    interval.map_or(Cell::Missing, |(low, high)| Cell::ShareInterval(low, high))
}
