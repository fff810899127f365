//! What a funnel asks, as its report says it: in JSON and in the lines above the tables.

use super::build::FunnelRequest;
use super::collect::ReadyFunnel;
use super::shape::Shape;
use crate::funnel::definition::{ChainEnd, Funnel, Unit};
use crate::funnel::engine::{Engine, Method};
use crate::funnel::options::Choice;
use crate::funnel::rules::{PresetWindow, RuleSet};
use crate::funnel::steps::{EventSpec, StepSpec, display_steps};
use crate::human::{count, duration};
use schemars::JsonSchema;
use serde::Serialize;

/// The rules behind the numbers of one funnel.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FunnelDefinition {
    /// The steps in the grammar of `--steps`.
    pub steps: String,
    /// Each step with all of its keys, optional ones among them.
    pub step_list: Vec<StepDefinition>,
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
    /// What the rules say beside that and has no meaning beside the funnel's keys.
    pub left_out: Vec<LeftOut>,
    pub tie: String,
    /// 0: none.
    pub tolerance_s: f64,
    /// `one`, `many`, `first`: steps of a chain that one row may serve.
    pub row: String,
    /// `void`, `drop`, `remove`: what a forbidden row does.
    pub exclusion: String,
    /// Where only the try goes that meets a forbidden row, not the unit.
    #[serde(skip)]
    pub throws_away: bool,
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

/// One step, as the definition file has it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StepDefinition {
    pub name: String,
    /// Any of these, in the grammar of `--steps`, with the conditions.
    pub events: Vec<String>,
    pub optional: bool,
    /// What must not lie between the required step before and this one.
    pub not: Vec<String>,
    /// Longest time since the required step before, inclusive; null: none.
    pub within_s: Option<f64>,
    /// Shortest time since the required step before, inclusive; 0: none.
    pub after_s: f64,
    /// `adjacent`, `no-disorder`, `no-repeat`; empty: `eventually`.
    pub arrow: Vec<String>,
    /// Events that never break adjacency.
    pub ignore: Vec<String>,
    /// The only occurrence in the person's history that may serve the step, from 1; null: any.
    pub nth: Option<u32>,
}

/// A setting of other tools' rules that does not hold.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LeftOut {
    /// `entry`, `choice`, `exclusion`, `blocked`, `tolerance`.
    pub setting: String,
    /// The key that leaves it no meaning: `order = any`.
    pub because: String,
}

fn to_s(us: i64) -> f64 {
    us as f64 / 1e6
}

/// A length of time for people.
fn length(seconds: f64) -> String {
    duration((seconds * 1e6) as i64, false)
}

impl StepDefinition {
    fn of(step: &StepSpec) -> StepDefinition {
        let texts = |events: &[EventSpec]| events.iter().map(EventSpec::to_string).collect();
        let terms = &step.terms;
        StepDefinition {
            name: step.name.clone(),
            events: texts(&step.events),
            optional: step.optional,
            not: texts(&step.not),
            within_s: terms.within_us.map(to_s),
            after_s: to_s(terms.after_us),
            arrow: terms.arrow.names().into_iter().map(str::to_owned).collect(),
            ignore: texts(&terms.ignore),
            nth: terms.nth,
        }
    }

    /// What the step asks beyond its events; empty if nothing. `window_s`: of the whole funnel.
    fn terms_text(&self, window_s: Option<f64>) -> String {
        let mut parts = Vec::new();
        let after = (self.after_s > 0.0).then(|| format!("at least {}", length(self.after_s)));
        let within = self.within_s.map(|within_s| {
            let is_idle = window_s.is_some_and(|window_s| within_s > window_s);
            let idle = if is_idle { " (without effect: beyond the window)" } else { "" };
            format!("at most {}{idle}", length(within_s))
        });
        let times: Vec<String> = after.into_iter().chain(within).collect();
        if !times.is_empty() {
            parts.push(format!("{} after the step before", times.join(" and ")));
        }
        if !self.arrow.is_empty() {
            let ignored = match self.ignore.as_slice() {
                [] => String::new(),
                events => format!(", ignoring {}", events.join(", ")),
            };
            parts.push(format!("arrow {}{ignored}", self.arrow.join(" and ")));
        }
        parts.extend(
            self.nth.map(|nth| format!("only occurrence {} of the person's history", count(nth.into()))),
        );
        parts.join("; ")
    }
}

impl FunnelDefinition {
    pub fn of(ready: &ReadyFunnel, wanted: &FunnelRequest) -> FunnelDefinition {
        let funnel = &ready.funnel;
        let terms = &funnel.terms;
        let within_s: Vec<Option<f64>> =
            funnel.required().skip(1).map(|step| step.terms.within_us.map(to_s)).collect();
        FunnelDefinition {
            steps: display_steps(&funnel.steps),
            step_list: funnel.steps.iter().map(StepDefinition::of).collect(),
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
            left_out: (funnel.rules_left_out().into_iter())
                .map(|(setting, because)| LeftOut { setting: setting.to_owned(), because })
                .collect(),
            tie: funnel.tie.name().to_owned(),
            tolerance_s: to_s(terms.tolerance_us),
            row: terms.row.name().to_owned(),
            exclusion: terms.exclusion.name().to_owned(),
            throws_away: terms.choice == Choice::LatestStart,
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

    /// What steps ask beyond their events, by their numbers from 1; one line for neighbours that ask the same.
    pub fn step_facts(&self) -> Vec<(String, String)> {
        let required = self.step_list.iter().filter(|step| !step.optional);
        // A window of each step is told once, as the window.
        let is_window = |step: &StepDefinition| self.window_of_each().is_some() && step.within_s.is_some();
        let texts = required.map(|step| {
            let within_s = step.within_s.filter(|_| !is_window(step));
            StepDefinition { within_s, ..step.clone() }.terms_text(self.window_s)
        });
        let texts: Vec<String> = texts.collect();
        let mut facts = Vec::new();
        let mut first = 0;
        for same in texts.chunk_by(|one, next| one == next) {
            let last = first + same.len();
            let steps = if same.len() == 1 {
                format!("step {last}")
            } else {
                format!("steps {} to {last}", first + 1)
            };
            if !same[0].is_empty() {
                facts.push((steps, same[0].clone()));
            }
            first = last;
        }
        facts
    }

    /// The window of each step, where all have the same and there is no other.
    fn window_of_each(&self) -> Option<f64> {
        let within_s = self.within_s.as_ref().filter(|_| self.window == "per-step")?;
        within_s
            .first()
            .copied()
            .flatten()
            .filter(|first| within_s.iter().all(|limit| *limit == Some(*first)))
    }

    /// How rows serve steps and what forbidden events do, where that is not as usual.
    pub fn row_facts(&self) -> Vec<(String, String)> {
        let row = match self.row.as_str() {
            "many" => Some("many: a row serves every step of a chain that it matches"),
            "first" => Some("first: a row serves only the first step that it matches"),
            _ => None,
        };
        let is_forbidding = self.step_list.iter().any(|step| !step.not.is_empty());
        let is_asked =
            self.rules == RuleSet::Dropoff.name() || self.overrides.iter().any(|key| key == "exclusion");
        let exclusion = match self.exclusion.as_str() {
            "void" => None,
            _ if !is_forbidding => is_asked.then_some("without effect, as no step forbids an event"),
            "drop" if self.throws_away => Some(
                "a try that meets a forbidden event is thrown away, and a unit without another is excluded",
            ),
            "drop" => {
                Some("the first attempt that meets a forbidden event ends there, and the unit is excluded")
            }
            _ if self.throws_away => Some(
                "a try that meets a forbidden event is thrown away, and a unit without another is in no count",
            ),
            _ => {
                Some("the first attempt that meets a forbidden event ends there, and the unit is in no count")
            }
        };
        let exclusion = exclusion.map(|text| format!("{}: {text}", self.exclusion));
        let row = row.map(|text| ("row".to_owned(), text.to_owned()));
        row.into_iter().chain(exclusion.map(|text| ("exclusion".to_owned(), text))).collect()
    }

    pub fn window_text(&self) -> String {
        match (self.window.as_str(), self.window_s, &self.within_s) {
            (_, Some(seconds), _) => format!("{} from the entry, {}", length(seconds), self.window_end),
            ("per-step", _, Some(within_s)) => match self.window_of_each() {
                Some(seconds) => format!("{} from each step to the next, inclusive", length(seconds)),
                None => {
                    let whole = within_s.iter().flatten().sum();
                    format!("each step's own, {} together, inclusive", length(whole))
                }
            },
            ("session", ..) => "the session of the entry".to_owned(),
            ("same-day", ..) => "the day of the entry, in the time zone".to_owned(),
            ("same-week", ..) => "the week of the entry, Monday to Sunday in the time zone".to_owned(),
            _ => "none".to_owned(),
        }
    }

    /// Whose rules, what overrides them, and how the winning chain is found.
    pub fn rules_text(&self) -> String {
        let mut text = self.rules.clone();
        for left_out in self.left_out.chunk_by(|one, next| one.because == next.because) {
            let settings: Vec<&str> = left_out.iter().map(|left_out| left_out.setting.as_str()).collect();
            text.push_str(&format!(" (left out for {}: {})", left_out[0].because, settings.join(", ")));
        }
        if !self.overrides.is_empty() {
            text.push_str(&format!(" with {} overridden", self.overrides.join(", ")));
        }
        format!("{text}, equal times by {}, winning chains by {}", self.tie, self.method)
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

/// The keys in which a funnel differs from other tools' rules that it started from. Ours are what
/// the other keys are settings of, and nothing overrides them.
fn overrides(funnel: &Funnel) -> Vec<&'static str> {
    let terms = &funnel.terms;
    let preset = funnel.applied_rules();
    if preset.set == RuleSet::Dropoff {
        return Vec::new();
    }
    let window = match preset.window {
        PresetWindow::Total(window_us) => funnel.window_us != Some(window_us),
        PresetWindow::PerStep | PresetWindow::None => window_name(funnel) != "none",
    };
    let keys = [
        ("window", window),
        ("window_end", funnel.window_us.is_some() && terms.ends_exclusive != preset.ends_exclusive),
        ("tie", funnel.tie != preset.tie),
        ("tolerance", terms.tolerance_us != preset.tolerance_us),
        ("row", terms.row != preset.row),
        ("exclusion", terms.exclusion != preset.exclusion),
    ];
    keys.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
}
