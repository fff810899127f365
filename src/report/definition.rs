//! What a funnel asks, as its report says it: in JSON and in the lines above the tables.

use super::build::FunnelRequest;
use super::collect::ReadyFunnel;
use super::shape::Shape;
use crate::funnel::definition::{ChainEnd, Funnel, RowRule, Unit};
use crate::funnel::engine::{Engine, Method, Tie};
use crate::funnel::options::{Exclusion, Order};
use crate::funnel::rules::PresetWindow;
use crate::funnel::steps::display_steps;
use crate::human::{count, duration};
use schemars::JsonSchema;
use serde::Serialize;

/// The rules behind the numbers of one funnel.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FunnelDefinition {
    /// The steps in the grammar of `--steps`.
    pub steps: String,
    /// `person`, `session`, `attempt`, `column`; `person-value` and `session-value` where values are held.
    pub unit: String,
    /// The columns whose values are part of the unit: its own, or those that are held.
    pub unit_columns: Vec<String>,
    /// The steps that are held, from 1; null where none are.
    pub held_steps: Option<Vec<usize>>,
    /// What ends a chain: `total`, `per-step`, `session`, `same-day`, `same-week`, `none`.
    pub window: String,
    /// From step 1 to any later one; null: no such window.
    pub window_s: Option<f64>,
    /// `inclusive`, `exclusive`: whether the last instant of the window still counts.
    pub window_end: String,
    /// Longest time from each required step to the next, null where there is none; null: no step has one.
    pub within_s: Option<Vec<Option<f64>>>,
    pub rules: String,
    /// The keys that differ from what the rules say.
    pub overrides: Vec<String>,
    pub tie: String,
    /// 0: none.
    pub tolerance_s: f64,
    /// `one`, `many`, `first`: steps of a chain that one row may serve.
    pub row: String,
    /// `void`, `drop`, `remove`: what a forbidden row does.
    pub exclusion: String,
    /// How the engine finds winning chains.
    pub method: String,
    /// `ordered`, `any`.
    pub order: String,
    /// In any order: `first` if the first step comes first, else null.
    pub anchor: Option<String>,
    /// Whether people may enter at any step.
    pub open: bool,
    pub by: Vec<String>,
    /// Which row gives a unit its segment: `first-entry`, `step=2`, `first-seen`, `last-seen`, `person`.
    pub by_from: String,
}

fn to_s(us: i64) -> f64 {
    us as f64 / 1e6
}

impl FunnelDefinition {
    pub fn of(ready: &ReadyFunnel, wanted: &FunnelRequest) -> FunnelDefinition {
        let funnel = &ready.funnel;
        let terms = &funnel.terms;
        let within_s: Vec<Option<f64>> =
            funnel.required().skip(1).map(|step| step.terms.within_us.map(to_s)).collect();
        FunnelDefinition {
            steps: display_steps(&funnel.steps),
            unit: unit_name(funnel),
            unit_columns: funnel.value_columns().to_vec(),
            held_steps: terms.hold.as_ref().map(|hold| match &hold.steps {
                Some(steps) => steps.iter().map(|&step| usize::from(step) + 1).collect(),
                None => (1..=funnel.step_count()).collect(),
            }),
            window: window_name(funnel).to_owned(),
            window_s: funnel.window_us.map(to_s),
            window_end: if terms.ends_exclusive { "exclusive" } else { "inclusive" }.to_owned(),
            within_s: within_s.iter().any(Option::is_some).then_some(within_s),
            rules: terms.rules.name().to_owned(),
            overrides: overrides(funnel).into_iter().map(str::to_owned).collect(),
            tie: funnel.tie.name().to_owned(),
            tolerance_s: to_s(terms.tolerance_us),
            row: row_name(terms.row).to_owned(),
            exclusion: exclusion_name(terms.exclusion).to_owned(),
            method: method(ready).name().to_owned(),
            order: if ready.shape.is_any_order() { "any" } else { "ordered" }.to_owned(),
            anchor: (ready.shape == Shape::AnyOrder { anchored: true }).then(|| "first".to_owned()),
            open: ready.shape == Shape::Open,
            by: wanted.by.clone(),
            by_from: wanted.by_from.to_string(),
        }
    }

    /// A number of units in words: `1 person`, `2 sessions`.
    pub fn units(&self, n: u64) -> String {
        let (one, many) = match self.unit.as_str() {
            "session" => ("session", "sessions"),
            "attempt" => ("attempt", "attempts"),
            "column" => ("value", "values"),
            "person-value" => ("pair of person and value", "pairs of person and value"),
            "session-value" => ("pair of session and value", "pairs of session and value"),
            _ => ("person", "people"),
        };
        format!("{} {}", count(n), if n == 1 { one } else { many })
    }

    /// What a unit is, where that is more than a person or a session; with the rows that are in none.
    pub fn unit_facts(&self, no_value: Option<u64>) -> Vec<(String, String)> {
        let columns = self.unit_columns.join(" and ");
        let unit = match (self.unit.as_str(), &self.held_steps) {
            ("attempt", _) => {
                "attempt: starts at a row of step 1 that is not inside a running attempt of the person"
                    .to_owned()
            }
            ("column", _) => format!("the rows of one person with the same {columns}"),
            (unit, Some(steps)) => {
                let whole = if unit == "session-value" { "session" } else { "person" };
                let steps: Vec<String> = steps.iter().map(usize::to_string).collect();
                let of_steps = if steps.len() == 1 { "of step" } else { "of steps" };
                format!(
                    "{whole} and {columns}, which stays the same over the rows {of_steps} {}",
                    steps.join(", ")
                )
            }
            _ => return Vec::new(),
        };
        let mut facts = vec![("unit".to_owned(), unit)];
        if let Some(rows) = no_value {
            let rows = crate::human::counted(rows, "row", "rows");
            let of = if self.held_steps.is_some() { " of these steps" } else { "" };
            let columns = self.unit_columns.join(" or ");
            facts.push(("no value".to_owned(), format!("{rows}{of} without {columns}: in no unit")));
        }
        facts
    }

    pub fn window_text(&self) -> String {
        let length = |seconds: f64| duration((seconds * 1e6) as i64, false);
        match (self.window.as_str(), self.window_s, &self.within_s) {
            (_, Some(seconds), _) => format!("{} from the entry, {}", length(seconds), self.window_end),
            ("per-step", _, Some(within_s)) => {
                let mut lengths: Vec<String> =
                    within_s.iter().flatten().map(|&seconds| length(seconds)).collect();
                lengths.dedup();
                format!("{} from each step to the next, inclusive", lengths.join(", "))
            }
            ("session", ..) => "the session of the entry".to_owned(),
            ("same-day", ..) => "the day of the entry, in the time zone".to_owned(),
            ("same-week", ..) => "the week of the entry, Monday to Sunday in the time zone".to_owned(),
            _ => "none".to_owned(),
        }
    }

    /// Whose rules, what overrides them, and how the winning chain is found.
    pub fn rules_text(&self) -> String {
        let overrides = match self.overrides.as_slice() {
            [] => String::new(),
            keys => format!(" with {} overridden", keys.join(", ")),
        };
        format!("{}{overrides}, equal times by {}, winning chains by {}", self.rules, self.tie, self.method)
    }
}

/// How winning chains are found. Attempts take the first row for each step whatever the rules.
fn method(ready: &ReadyFunnel) -> Method {
    if ready.funnel.unit == Unit::Attempt {
        return Method::Tries;
    }
    Engine::new(&ready.rules, &ready.kinds).method()
}

fn unit_name(funnel: &Funnel) -> String {
    let value = if funnel.terms.hold.is_some() { "-value" } else { "" };
    format!("{}{value}", funnel.unit.name())
}

fn window_name(funnel: &Funnel) -> &'static str {
    match funnel.terms.chain_end {
        ChainEnd::Session => "session",
        ChainEnd::SameDay => "same-day",
        ChainEnd::SameWeek => "same-week",
        ChainEnd::Nothing if funnel.window_us.is_some() => "total",
        ChainEnd::Nothing if funnel.sum_of_gaps_us().is_some() => "per-step",
        ChainEnd::Nothing => "none",
    }
}

fn row_name(row: RowRule) -> &'static str {
    match row {
        RowRule::One => "one",
        RowRule::Many => "many",
        RowRule::First => "first",
    }
}

fn exclusion_name(exclusion: Exclusion) -> &'static str {
    match exclusion {
        Exclusion::Void => "void",
        Exclusion::Drop => "drop",
        Exclusion::Remove => "remove",
    }
}

/// The keys in which a funnel differs from other tools' rules that it started from. Ours are what
/// the other keys are settings of, and nothing overrides them.
fn overrides(funnel: &Funnel) -> Vec<&'static str> {
    let terms = &funnel.terms;
    let preset = terms.rules.preset();
    if preset.set == crate::funnel::rules::RuleSet::Dropoff {
        return Vec::new();
    }
    let is_ordered = terms.order == Order::Ordered && !terms.open;
    let forgives = funnel.tie == Tie::Step && terms.order == Order::Ordered;
    let window = match preset.window {
        PresetWindow::Total(window_us) => funnel.window_us != Some(window_us),
        PresetWindow::PerStep | PresetWindow::None => window_name(funnel) != "none",
    };
    let keys = [
        ("window", window),
        ("window_end", funnel.window_us.is_some() && terms.ends_exclusive != preset.ends_exclusive),
        ("tie", funnel.tie != preset.tie),
        ("tolerance", terms.tolerance_us != if forgives { preset.tolerance_us } else { 0 }),
        ("row", terms.row != preset.row),
        ("exclusion", is_ordered && terms.exclusion != preset.exclusion),
    ];
    keys.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
}
