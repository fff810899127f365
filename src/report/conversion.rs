//! How many units got through each step, and how sure that is.

use super::clusters::{ClusterSums, Clusters};
use super::shape::{Shape, StepNames};
use super::table::{Cell, Column, Table};
use super::tally::UnitTally;
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

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Conversion {
    pub steps: Vec<ConversionStep>,
    /// Only units whose first entry lies a whole window before the end of observation; null where
    /// the funnel has no window.
    pub mature: Option<Rate>,
    /// Overall conversion if none, and if all, of the open units convert; null when none is open.
    pub bounds: Option<(f64, f64)>,
    pub optional: Vec<OptionalUse>,
    /// In any order, how many did each step; else empty.
    pub named_steps: Vec<NamedStep>,
    #[serde(skip)]
    pub shape: Shape,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ConversionStep {
    /// From 1; in any order how many steps.
    pub step: usize,
    /// The step's; in any order `2 of 3 steps`.
    pub name: String,
    /// Units whose winning chain has this step; in any order at least so many.
    pub reached: u64,
    /// Units whose winning chain begins here: all of them at step 1, unless the funnel is open.
    pub entrants: u64,
    /// Of all units that entered, in an open funnel at whatever step.
    pub of_first: Option<f64>,
    /// Of those at the step before, and in an open funnel those who enter here.
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

/// One step of a funnel in any order.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct NamedStep {
    /// From 1, in the order of the definition.
    pub step: usize,
    pub name: String,
    /// Units whose winning chain serves it.
    pub served: u64,
    pub of_entered: Option<f64>,
    pub of_entered_ci95: Option<(f64, f64)>,
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Conversion {
    pub fn of(tally: &UnitTally, names: &StepNames) -> Conversion {
        let steps = (0..tally.reached.len()).map(|step| ConversionStep::of(tally, step, names)).collect();
        let mature = tally.has_window.then(|| {
            let clusters = tally.clusters.as_ref().map(|clusters| {
                let items = clusters.items;
                (&clusters.mature, items.reached(items.step_count - 1), items.entered())
            });
            let (n, converted) = (tally.mature, tally.mature_converted);
            Rate { n, converted, share: share(converted, n), ci95: interval(converted, n, clusters) }
        });
        let bounds = (tally.open > 0).then(|| {
            let entered = tally.entered as f64;
            (tally.converted as f64 / entered, (tally.converted + tally.open) as f64 / entered)
        });
        let optional = tally
            .optional
            .iter()
            .zip(&names.optional)
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
        let named_steps = (tally.served.iter().enumerate())
            .map(|(step, &served)| NamedStep {
                step: step + 1,
                name: names.steps[step].clone(),
                served,
                of_entered: share(served, tally.entered),
                of_entered_ci95: interval(
                    served,
                    tally.entered,
                    tally.clusters.as_ref().map(|clusters| {
                        (&clusters.all, clusters.items.served(step), clusters.items.entered())
                    }),
                ),
            })
            .collect();
        Conversion { steps, mature, bounds, optional, named_steps, shape: tally.shape }
    }

    pub fn tables(&self) -> Vec<Table> {
        let mut tables = vec![self.reach_table(), self.loss_table()];
        if !self.named_steps.is_empty() {
            tables.push(self.named_table());
        }
        if !self.optional.is_empty() {
            tables.push(self.optional_table());
        }
        tables
    }

    /// What `of_first` is a share of, above a column.
    pub(super) fn of_first_title(&self) -> &'static str {
        if self.shape == Shape::Open { "Of entered" } else { "Of first" }
    }

    fn reach_table(&self) -> Table {
        let is_open = self.shape == Shape::Open;
        let rows = self.steps.iter().map(|step| {
            let mut row = vec![Cell::Count(step.step as u64), Cell::Text(step.name.clone())];
            row.push(Cell::Count(step.reached));
            row.extend(is_open.then_some(Cell::Count(step.entrants)));
            row.push(optional_share(step.of_first));
            row.push(optional_interval(step.of_first_ci95));
            row.push(step.of_first.map_or(Cell::Missing, Cell::Bar));
            row
        });
        let mut columns = vec![Column::number("step", "#"), Column::text("name", "Step")];
        columns.push(Column::number("reached", "Reached"));
        columns.extend(is_open.then(|| Column::number("entrants", "Entered here")));
        columns.push(Column::number("of_first", self.of_first_title()));
        columns.push(Column::number("of_first_ci95", "95 % interval"));
        columns.push(Column::text("bar", ""));
        Table {
            name: "conversion".to_owned(),
            title: "How many got how far".to_owned(),
            columns,
            rows: rows.collect(),
            notes: Vec::new(),
        }
    }

    fn named_table(&self) -> Table {
        let rows = self.named_steps.iter().map(|step| {
            vec![
                Cell::Count(step.step as u64),
                Cell::Text(step.name.clone()),
                Cell::Count(step.served),
                optional_share(step.of_entered),
                optional_interval(step.of_entered_ci95),
                step.of_entered.map_or(Cell::Missing, Cell::Bar),
            ]
        });
        Table {
            name: "named_steps".to_owned(),
            title: "Which steps they did, in whatever order".to_owned(),
            columns: vec![
                Column::number("step", "#"),
                Column::text("name", "Step"),
                Column::number("served", "Did it"),
                Column::number("of_entered", "Of entered"),
                Column::number("of_entered_ci95", "95 % interval"),
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
        let before = if self.shape == Shape::Open { "Of before or entered" } else { "Of previous" };
        let mut table = Table {
            name: "step_conversion".to_owned(),
            title: "From step to step".to_owned(),
            columns: vec![
                Column::text("name", "Step"),
                Column::number("of_previous", before),
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

impl ConversionStep {
    fn of(tally: &UnitTally, step: usize, names: &StepNames) -> ConversionStep {
        let (reached, entrants) = (&tally.reached, &tally.entrants);
        let here = reached[step];
        let before = step.checked_sub(1).map(|previous| reached[previous] + entrants[step]);
        let clusters = tally.clusters.as_ref();
        let of_all = |base: fn(&Clusters, usize) -> usize| {
            clusters.map(|clusters| (&clusters.all, clusters.items.reached(step), base(clusters, step)))
        };
        // Those who leave a step are not those who enter at the next.
        let went_on = reached.get(step + 1).map(|next| next - entrants[step + 1]);
        let lost = here - went_on.unwrap_or(here);
        let all_lost = tally.entered - tally.converted;
        let stage = tally.stages.get(step);
        // At the first step of a funnel that is not open all are there.
        let is_share = step > 0 || tally.shape == Shape::Open;
        ConversionStep {
            step: step + 1,
            name: names.levels[step].clone(),
            reached: here,
            entrants: entrants[step],
            of_first: share(here, tally.entered),
            of_previous: before.and_then(|before| share(here, before)),
            of_first_ci95: is_share
                .then(|| interval(here, tally.entered, of_all(|clusters, _| clusters.items.entered())))
                .flatten(),
            of_previous_ci95: before.and_then(|before| {
                interval(here, before, of_all(|clusters, step| clusters.items.before(step)))
            }),
            lost,
            lost_dropped: stage.map_or(0, |stage| stage.dropped),
            lost_open: stage.map_or(0, |stage| stage.open),
            lost_excluded: stage.map_or(0, |stage| stage.excluded),
            share_of_loss: (step + 1 < reached.len()).then(|| share(lost, all_lost)).flatten(),
        }
    }
}

/// The interval of a share. Units of one person are not independent: theirs is widened by the design
/// effect of the persons, given the sums and the items of the successes and of the trials.
fn interval(
    successes: u64,
    trials: u64,
    clusters: Option<(&ClusterSums, usize, usize)>,
) -> Option<(f64, f64)> {
    match clusters {
        Some((sums, hit, base)) => {
            let share = share(successes, trials)?;
            wilson_interval_of_share(share, sums.effective_trials(hit, base, successes, trials), Z95)
        }
        None => wilson_interval(successes, trials, Z95),
    }
}

pub(super) fn optional_share(share: Option<f64>) -> Cell {
    share.map_or(Cell::Missing, Cell::Share)
}

pub(super) fn optional_interval(interval: Option<(f64, f64)>) -> Cell {
    interval.map_or(Cell::Missing, |(low, high)| Cell::ShareInterval(low, high))
}
