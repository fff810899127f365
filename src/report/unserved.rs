//! Steps that no row can serve, and names that no row has: most often a slip of the pen.

use super::Warning;
use crate::condition::{Condition, suggest_nearest};
use crate::funnel::definition::Funnel;
use crate::funnel::steps::{EventPattern, EventSpec, StepSpec};
use crate::human;

/// The code of such warnings.
pub const UNSERVED: &str = "W01";
/// Names that are suggested for one that no row has.
const SUGGESTED: usize = 3;
/// Names that are listed where none is near.
const LISTED: usize = 20;

/// The rows of an input as steps see them, by kind.
pub struct Seen<'a, H> {
    /// The event of each kind and how many rows it has; kinds without a name or without rows are left out.
    pub kinds: Vec<(usize, &'a str, u64)>,
    /// Other names than those that were asked for may be told.
    pub tells_names: bool,
    /// Whether a condition holds for the rows of a kind, by its number.
    pub holds: H,
}

/// What no row of the input can serve or has the name of.
pub fn unserved<H: Fn(usize, &Condition) -> bool>(funnel: &Funnel, seen: &Seen<'_, H>) -> Vec<Warning> {
    let warning = |step: &StepSpec, what: String| {
        let message = format!("funnel {}, step {}: {what}", funnel.name, step.name);
        Warning { code: UNSERVED.to_owned(), n: 0, message }
    };
    let mut warnings = Vec::new();
    for step in &funnel.steps {
        warnings.extend(seen.of_step(step).into_iter().map(|what| warning(step, what)));
        for (what, events) in [("forbidden", &step.not), ("ignored", &step.terms.ignore)] {
            for event in events.iter().filter(|event| seen.rows_named(event) == 0) {
                let hint = seen.nearest(&[&event.pattern], &[]);
                warnings
                    .push(warning(step, format!("no row is named by the {what} {}{hint}", event.pattern)));
            }
        }
    }
    warnings
}

impl<H: Fn(usize, &Condition) -> bool> Seen<'_, H> {
    /// What is wrong with the events that may serve a step.
    fn of_step(&self, step: &StepSpec) -> Vec<String> {
        let named: u64 = step.events.iter().map(|event| self.rows_named(event)).sum();
        let served: u64 = step.events.iter().map(|event| self.rows_serving(event)).sum();
        if named == 0 {
            let patterns: Vec<&EventPattern> = step.events.iter().map(|event| &event.pattern).collect();
            return vec![format!(
                "no row is named by {}{}",
                listed(&patterns),
                self.nearest(&patterns, &[&step.name])
            )];
        }
        if served == 0 {
            let rows = human::counted(named, "row", "rows");
            return vec![format!("its events have {rows}, and its condition holds for none")];
        }
        // An alternative that no row has is an error where a name is near that the step leaves out.
        let is_left_out = |name: &str| !step.events.iter().any(|event| event.pattern.matches(name));
        let idle = step.events.iter().filter(|event| self.rows_named(event) == 0);
        idle.filter_map(|event| {
            let text = event.pattern.to_string();
            let near = suggest_nearest(&text, self.names().filter(|name| is_left_out(name)), SUGGESTED);
            (!near.is_empty()).then(|| format!("no row is named by {text}; nearest: {}", near.join(", ")))
        })
        .collect()
    }

    /// The names that may be told.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.kinds.iter().filter(|_| self.tells_names).map(|(_, name, _)| *name)
    }

    fn rows_named(&self, event: &EventSpec) -> u64 {
        self.rows(|_, name| event.pattern.matches(name))
    }

    fn rows_serving(&self, event: &EventSpec) -> u64 {
        self.rows(|kind, name| {
            let condition = event.condition.as_ref();
            event.pattern.matches(name) && condition.is_none_or(|condition| (self.holds)(kind, condition))
        })
    }

    fn rows(&self, counts: impl Fn(usize, &str) -> bool) -> u64 {
        self.kinds.iter().filter(|(kind, name, _)| counts(*kind, name)).map(|(.., rows)| rows).sum()
    }

    /// The names that may have been meant; where none is near, the names that there are.
    fn nearest(&self, patterns: &[&EventPattern], labels: &[&str]) -> String {
        let texts: Vec<String> = patterns
            .iter()
            .map(|pattern| pattern.to_string())
            .chain(labels.iter().map(|&label| label.to_owned()))
            .collect();
        let near = texts.iter().map(|text| suggest_nearest(text, self.names(), SUGGESTED));
        if let Some(near) = near.into_iter().find(|near| !near.is_empty()) {
            return format!("; nearest: {}", near.join(", "));
        }
        let mut names: Vec<&str> = self.names().collect();
        names.sort_unstable();
        names.dedup();
        let more = if names.len() > LISTED { ", ..." } else { "" };
        names.truncate(LISTED);
        if names.is_empty() { String::new() } else { format!("; the events are {}{more}", names.join(", ")) }
    }
}

fn listed(patterns: &[&EventPattern]) -> String {
    patterns.iter().map(|pattern| pattern.to_string()).collect::<Vec<_>>().join(", ")
}
