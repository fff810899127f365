//! Where the others stopped, what they did last and next, and whether they came back.
//!
//! All but the counts of statuses is about the *dropped*: those whose window closed unfinished.

use super::Names;
use super::conversion::optional_share;
use super::min_cell;
use super::table::{Cell, Column, Table};
use super::tally::{EventCounts, NO_EVENT, StageTally, UnitTally};
use crate::stats::{Quantile, QuantileMethod, Values};
use schemars::JsonSchema;
use serde::Serialize;

/// Events listed before the rest is summed up.
const EVENTS_SHOWN: usize = 5;

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Abandonment {
    /// One per step but the last.
    pub stages: Vec<Stage>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Stage {
    /// From 1: the last step of the winning chain.
    pub step: usize,
    pub name: String,
    pub dropped: u64,
    pub open: u64,
    pub excluded: u64,
    /// Units that were removed here; in no other count.
    pub removed: u64,
    /// Units of this stage (whatever their status) that have a row of the step they lack between
    /// the rows of their chain: a hidden path, or broken tracking.
    pub seen_early: u64,
    /// Name of the last row of the session that holds the stage's row.
    pub last_events: Vec<EventCount>,
    /// First name of the person's next session, `(none)` if there is none.
    pub next_events: Vec<EventCount>,
    /// From the stage's row to the leaving row.
    pub left_after_p50_s: Option<f64>,
    /// From this step to the next, of those who went on.
    pub went_on_after_p50_s: Option<f64>,
    /// Had any later session.
    pub came_back: u64,
    pub came_back_share: Option<f64>,
    /// Had a row of the last step after the window of their chain.
    pub bought_later: u64,
    /// Last known value at or before the leaving row; null without a value column.
    pub value: Option<LeftValue>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct EventCount {
    /// `(no name)` for rows without one, `(none)` for no later session, `(other)` for the rest.
    pub event: String,
    pub n: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LeftValue {
    /// Units with a known value.
    pub n: u64,
    pub sum: f64,
    pub p50: Option<f64>,
    pub currency: Option<String>,
}

/// What an amount in millionths is in whole units.
pub fn whole_units(millionths: f64) -> f64 {
    millionths / 1e6
}

impl Abandonment {
    pub fn of(tally: &mut UnitTally, steps: &[String], names: &Names, method: QuantileMethod) -> Abandonment {
        let UnitTally { stages, gaps, .. } = tally;
        let stages = stages
            .iter_mut()
            .zip(gaps)
            .enumerate()
            .map(|(step, (stage, gap))| Stage::of(step, &steps[step], stage, gap, names, method))
            .collect();
        Abandonment { stages }
    }

    /// Leaves out what people did last and next.
    pub(super) fn leave_out_events(&mut self) {
        for stage in &mut self.stages {
            stage.last_events.clear();
            stage.next_events.clear();
        }
    }

    /// Sums up what fewer than `least` people did last or next.
    pub(super) fn fold_events(&mut self, least: u64) {
        for stage in &mut self.stages {
            min_cell::fold_events(&mut stage.last_events, least);
            min_cell::fold_events(&mut stage.next_events, least);
        }
    }

    pub fn tables(&self) -> Vec<Table> {
        let mut tables = vec![self.stage_table(), self.dwell_table()];
        if self.stages.iter().any(|stage| stage.dropped > 0) {
            tables.push(self.event_table(
                "last_events",
                "The last thing the dropped did before leaving",
                |stage| &stage.last_events,
            ));
            tables.push(self.event_table(
                "next_events",
                "What they did first when they came back",
                |stage| &stage.next_events,
            ));
        }
        if self.stages.iter().any(|stage| stage.value.is_some()) {
            tables.push(self.value_table());
        }
        tables
    }

    fn stage_table(&self) -> Table {
        let rows = self.stages.iter().map(|stage| {
            vec![
                Cell::Count(stage.step as u64),
                Cell::Text(stage.name.clone()),
                Cell::Count(stage.dropped),
                Cell::Count(stage.open),
                Cell::Count(stage.excluded),
                Cell::Count(stage.removed),
                Cell::Count(stage.came_back),
                optional_share(stage.came_back_share),
                Cell::Count(stage.bought_later),
                Cell::Count(stage.seen_early),
            ]
        });
        let mut table = Table {
            name: "abandonment".to_owned(),
            title: "Where the others stopped".to_owned(),
            columns: vec![
                Column::number("step", "#"),
                Column::text("name", "Last step"),
                Column::number("dropped", "Dropped"),
                Column::number("open", "Open"),
                Column::number("excluded", "Excluded"),
                Column::number("removed", "Removed"),
                Column::number("came_back", "Came back"),
                Column::number("came_back_share", "Share"),
                Column::number("bought_later", "Bought later"),
                Column::number("seen_early", "Next seen early"),
            ],
            rows: rows.collect(),
            notes: Vec::new(),
        };
        drop_zero_columns(&mut table, &["excluded", "removed", "bought_later", "seen_early"]);
        table
    }

    fn dwell_table(&self) -> Table {
        let rows = self.stages.iter().map(|stage| {
            vec![
                Cell::Count(stage.step as u64),
                Cell::Text(stage.name.clone()),
                seconds(stage.left_after_p50_s),
                seconds(stage.went_on_after_p50_s),
            ]
        });
        Table {
            name: "time_on_stage".to_owned(),
            title: "How long they sat there (median)".to_owned(),
            columns: vec![
                Column::number("step", "#"),
                Column::text("name", "Step"),
                Column::number("left_after_p50_s", "Dropped, until they left"),
                Column::number("went_on_after_p50_s", "Others, until the next step"),
            ],
            rows: rows.collect(),
            notes: Vec::new(),
        }
    }

    fn event_table(&self, name: &str, title: &str, events: impl Fn(&Stage) -> &Vec<EventCount>) -> Table {
        let mut rows = Vec::new();
        for stage in &self.stages {
            for event in events(stage) {
                let share = if stage.dropped > 0 {
                    Cell::Share(event.n as f64 / stage.dropped as f64)
                } else {
                    Cell::Missing
                };
                rows.push(vec![
                    Cell::Count(stage.step as u64),
                    Cell::Text(stage.name.clone()),
                    Cell::Text(event.event.clone()),
                    Cell::Count(event.n),
                    share,
                ]);
            }
        }
        Table {
            name: name.to_owned(),
            title: title.to_owned(),
            columns: vec![
                Column::number("step", "#").grouped(),
                Column::text("name", "Last step").grouped(),
                Column::text("event", "Event"),
                Column::number("n", "Dropped"),
                Column::number("share", "Share"),
            ],
            rows,
            notes: Vec::new(),
        }
    }

    fn value_table(&self) -> Table {
        let rows = self.stages.iter().filter_map(|stage| {
            let value = stage.value.as_ref()?;
            let amount = |units: f64| Cell::Amount((units * 1e6).round() as i128);
            Some(vec![
                Cell::Count(stage.step as u64),
                Cell::Text(stage.name.clone()),
                Cell::Count(value.n),
                amount(value.sum),
                value.p50.map_or(Cell::Missing, amount),
                value.currency.clone().map_or(Cell::Missing, Cell::Text),
            ])
        });
        Table {
            name: "value_left".to_owned(),
            title: "Value left behind by the dropped".to_owned(),
            columns: vec![
                Column::number("step", "#"),
                Column::text("name", "Last step"),
                Column::number("n", "With a value"),
                Column::number("sum", "Sum"),
                Column::number("p50", "Median"),
                Column::text("currency", "Currency"),
            ],
            rows: rows.collect(),
            notes: vec![
                "The last value known when they left; not all of it would have been paid.".to_owned(),
            ],
        }
    }
}

impl Stage {
    fn of(
        step: usize,
        name: &str,
        tally: &mut StageTally,
        gap: &mut Values,
        names: &Names,
        method: QuantileMethod,
    ) -> Stage {
        let median =
            |values: &mut Values| values.finish(&[Quantile::MEDIAN], method).map(|all| all.quantiles[0].1);
        let median_s = |values: &mut Values| median(values).map(|us| us / 1e6);
        let mut next_events = top_events(&tally.next_events, names);
        if tally.never_came_back > 0 {
            next_events.push(EventCount { event: "(none)".to_owned(), n: tally.never_came_back });
        }
        Stage {
            step: step + 1,
            name: name.to_owned(),
            dropped: tally.dropped,
            open: tally.open,
            excluded: tally.excluded,
            removed: tally.removed,
            seen_early: tally.seen_early,
            last_events: top_events(&tally.last_events, names),
            next_events,
            left_after_p50_s: median_s(&mut tally.left_after),
            went_on_after_p50_s: median_s(gap),
            came_back: tally.came_back,
            came_back_share: (tally.dropped > 0).then(|| tally.came_back as f64 / tally.dropped as f64),
            bought_later: tally.bought_later,
            value: names.values_known.then(|| LeftValue {
                n: tally.values.len() as u64,
                sum: whole_units(tally.values.sum() as f64),
                p50: median(&mut tally.values).map(whole_units),
                currency: names.currency.clone(),
            }),
        }
    }
}

/// The most frequent events, ties by name bytes; the rest summed up as `(other)`.
fn top_events(counts: &EventCounts, names: &Names) -> Vec<EventCount> {
    let name = |code: u32| if code == NO_EVENT { "(no name)" } else { &names.events[code as usize] };
    let mut all: Vec<(&str, u64)> = counts.iter().map(|(code, n)| (name(code), n)).collect();
    all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let rest: u64 = all.iter().skip(EVENTS_SHOWN).map(|(_, n)| n).sum();
    let mut top: Vec<EventCount> =
        all.iter().take(EVENTS_SHOWN).map(|&(event, n)| EventCount { event: event.to_owned(), n }).collect();
    if rest > 0 {
        top.push(EventCount { event: "(other)".to_owned(), n: rest });
    }
    top
}

/// Columns that would only hold zeros tell nothing at a terminal.
fn drop_zero_columns(table: &mut Table, names: &[&str]) {
    for name in names {
        let Some(at) = table.columns.iter().position(|column| column.name == *name) else { continue };
        if table.rows.iter().all(|row| row[at] == Cell::Count(0)) {
            table.columns.remove(at);
            table.rows.iter_mut().for_each(|row| {
                row.remove(at);
            });
        }
    }
}

pub(super) fn seconds(seconds: Option<f64>) -> Cell {
    seconds.map_or(Cell::Missing, |seconds| Cell::DurationUs((seconds * 1e6).round() as i64))
}
