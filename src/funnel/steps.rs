//! The steps of a funnel as people write them: `view, cart|add_to_cart, checkout*[price > 0], purchase`.
//!
//! ```text
//! steps     = item { "," item }
//! item      = [ label "=" ] events [ "?" ]  |  "!" events
//! events    = part { "|" part }
//! part      = pattern [ condition ]  |  condition  |  "(" events ")" [ condition ]
//! pattern   = name with * for any run of signs  |  'any signs, * for itself, '' for a quote'
//! condition = "[" condition on columns "]"
//! ```
//!
//! - A trailing `?` makes a step optional; the first and the last step are required.
//! - `!logout` is an event that must not lie between the required steps around it; several may
//!   follow one another. It is kept with the required step after it; an optional step is no border.
//! - A condition alone stands for any event; one behind `(a|b)` holds for both.
//! - A step without a label is called by its events. Names need not differ: a step may come twice.
//! - `?` is never a wildcard. Names that hold `, | [ ] ( ) ? = ' "` or start with `!` go in quotes.
//!
//! In a definition file a step is `{ name, event, where, optional, not }` and what `terms` adds:
//! `within`, `after`, `arrow`, `ignore`, `nth`. Every string under `event`, `not` and `ignore` is one
//! pattern by the same rules, `where` holds for all events of the step. The text has no signs for
//! the terms, so `Display` leaves them out.
//!
//! Left out: windows, order and ties, which belong to the funnel and not to a list of steps.

mod definition;
mod parse;
mod terms;

pub use parse::parse_steps;
pub use terms::{Arrow, StepTerms, one_of, unknown};

use crate::condition::{Condition, Glob, Quoted};
use std::fmt;
use std::ops::Range;

/// Signs that end or change a bare name.
const SIGNS: [char; 10] = [',', '|', '[', ']', '(', ')', '?', '=', '\'', '"'];

/// One step of a funnel. `Display` writes it in the grammar of this module, with its exclusions before it.
#[derive(Debug, Clone, PartialEq)]
pub struct StepSpec {
    /// What people see; by default the text of the events.
    pub name: String,
    /// Which rows may serve the step: those that match any of these. Never empty.
    pub events: Vec<EventSpec>,
    /// Looked for only between the required steps around it.
    pub optional: bool,
    /// Must not lie between the previous required step and this one. Empty on optional steps.
    pub not: Vec<EventSpec>,
    /// What else the step asks.
    pub terms: StepTerms,
    /// Bytes of the text of [`parse_steps`] that hold the step; `0..0` from a definition file.
    pub span: Range<usize>,
}

/// Rows by their event's name and, if there is one, by a condition on their columns.
#[derive(Debug, Clone, PartialEq)]
pub struct EventSpec {
    pub pattern: EventPattern,
    pub condition: Option<Condition>,
}

/// What an event may be called; case-sensitive, over the whole name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventPattern {
    Exact(String),
    Glob(Glob),
    /// Every name. Rows without an event have none and serve no step.
    Any,
}

/// A list of steps that is well written but cannot be a funnel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StepFault {
    /// Place in the list, from 0.
    pub step: usize,
    pub message: String,
    pub hint: Option<String>,
}

impl EventPattern {
    /// Reads one pattern, as the strings of a definition file hold them.
    pub fn parse(text: &str) -> Result<EventPattern, crate::condition::SyntaxError> {
        parse::parse_pattern(text)
    }

    /// The pattern of a bare name: `*` is any run.
    fn from_bare(name: &str) -> EventPattern {
        match (name.contains('*'), name.trim_matches('*').is_empty()) {
            (true, true) => EventPattern::Any,
            (true, false) => EventPattern::Glob(Glob::new(name)),
            (false, _) => EventPattern::Exact(name.to_owned()),
        }
    }

    pub fn matches(&self, name: &str) -> bool {
        match self {
            EventPattern::Exact(exact) => exact == name,
            EventPattern::Glob(glob) => glob.matches(name.as_bytes()),
            EventPattern::Any => true,
        }
    }
}

impl EventSpec {
    /// Adds a condition to the event's own.
    fn require(&mut self, condition: &Condition) {
        self.condition = Some(match self.condition.take() {
            Some(own) => own.and(condition.clone()),
            None => condition.clone(),
        });
    }
}

impl StepSpec {
    /// Columns that the step's conditions and exclusions need; may repeat.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.events
            .iter()
            .chain(&self.not)
            .chain(&self.terms.ignore)
            .filter_map(|event| event.condition.as_ref())
            .flat_map(Condition::columns)
    }
}

/// What a step is called when it has no label.
fn default_name(events: &[EventSpec]) -> String {
    match events {
        [EventSpec { pattern: EventPattern::Exact(name), condition: None }] => name.clone(),
        _ => Joined(events).to_string(),
    }
}

/// Checks what no single step shows: that the ends are required and that an exclusion does
/// not forbid a step it borders on.
pub fn check_steps(steps: &[StepSpec]) -> Result<(), StepFault> {
    let fault = |step, message: String, hint: &str| {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        Err(StepFault { step, message, hint })
    };
    let Some(last) = steps.len().checked_sub(1) else {
        return fault(0, "a funnel needs at least one step".to_owned(), "");
    };
    let mut previous: Option<&StepSpec> = None;
    for (k, step) in steps.iter().enumerate() {
        if step.events.is_empty() {
            return fault(k, "a step needs at least one event".to_owned(), "");
        }
        if step.optional && (k == 0 || k == last) {
            let end = if k == 0 { "first" } else { "last" };
            let message = format!("the {end} step cannot be optional");
            return fault(k, message, "an optional step lies between two required ones");
        }
        if step.optional && !step.not.is_empty() {
            let message = "an optional step cannot forbid events".to_owned();
            return fault(k, message, "put them on the next required step");
        }
        if !step.not.is_empty() && previous.is_none() {
            let message = "a forbidden event lies between two steps, and none comes before".to_owned();
            return fault(k, message, "");
        }
        check_terms(step, previous.is_none()).or_else(|(message, hint)| fault(k, message, hint))?;
        let borders = || previous.into_iter().chain([step]).flat_map(|step| &step.events);
        if let Some(event) = step.not.iter().find(|not| borders().any(|event| event == *not)) {
            let message = format!("`!{event}` forbids a step that it borders on");
            return fault(k, message, "tell the two apart by a condition: !name[column = 'value']");
        }
        if !step.optional {
            previous = Some(step);
        }
    }
    Ok(())
}

/// Checks the terms of one step by themselves.
fn check_terms(step: &StepSpec, is_first: bool) -> Result<(), (String, &'static str)> {
    let terms = &step.terms;
    let measures = terms.within_us.is_some() || terms.after_us > 0;
    let has_gap = measures || terms.arrow != Arrow::default() || !terms.ignore.is_empty();
    let refuse = |message: &str, hint| Err((message.to_owned(), hint));
    if is_first && has_gap {
        return refuse(
            "`within`, `after`, `arrow` and `ignore` look back to the step before, and none comes before",
            "",
        );
    }
    if step.optional && has_gap {
        let hint = "put `within`, `after`, `arrow` and `ignore` on the next required step";
        return refuse("an optional step is only looked for between the required ones", hint);
    }
    if step.optional && terms.nth.is_some() {
        return refuse("`nth` is for required steps", "");
    }
    if terms.within_us.is_some_and(|within_us| within_us < terms.after_us) {
        return refuse("`after` is longer than `within`, so no row could follow", "");
    }
    if !terms.ignore.is_empty() && !terms.arrow.adjacent {
        return refuse("`ignore` names events that do not break adjacency", "add arrow = \"adjacent\"");
    }
    Ok(())
}

impl fmt::Display for EventPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EventPattern::Exact(name) if is_bare(name) && !name.contains('*') => f.write_str(name),
            EventPattern::Exact(name) => Quoted(name).fmt(f),
            EventPattern::Glob(glob) => f.write_str(glob.as_str()),
            EventPattern::Any => f.write_str("*"),
        }
    }
}

/// Whether the text, unquoted, is read back as it is.
fn is_bare(name: &str) -> bool {
    !name.is_empty() && name.trim() == name && !name.starts_with('!') && !name.contains(SIGNS)
}

impl fmt::Display for EventSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pattern.fmt(f)?;
        match &self.condition {
            Some(condition) => write!(f, "[{condition}]"),
            None => Ok(()),
        }
    }
}

/// Alternatives, with `|` between them.
struct Joined<'a>(&'a [EventSpec]);

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, event) in self.0.iter().enumerate() {
            write!(f, "{}{event}", if k == 0 { "" } else { "|" })?;
        }
        Ok(())
    }
}

impl fmt::Display for StepSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for event in &self.not {
            write!(f, "!{event}, ")?;
        }
        if self.name != default_name(&self.events) {
            write!(f, "{}=", EventPattern::Exact(self.name.clone()))?;
        }
        write!(f, "{}{}", Joined(&self.events), if self.optional { "?" } else { "" })
    }
}

/// The steps in the grammar of this module: what `--steps` takes.
pub fn display_steps(steps: &[StepSpec]) -> String {
    steps.iter().map(StepSpec::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Option<String> {
        parse_steps(text).err().map(|error| error.message)
    }

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name, expected) in [
            ("view", "view", true),
            ("view", "View", false),
            ("checkout*", "checkout_step", true),
            ("'a*b'", "a*b", true),
            ("'a*b'", "axb", false),
            ("*", "", true),
            ("**", "x", true),
            ("Added to Cart", "Added to Cart", true),
            ("'Ready?'", "Ready?", true),
            ("'it''s'", "it's", true),
        ] {
            let read = EventPattern::parse(pattern).expect(pattern);
            assert_eq!(read.matches(name), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn the_ends_are_required() {
        assert!(faults("a?, b").is_some_and(|message| message.contains("first")));
        assert!(faults("a, b?").is_some_and(|message| message.contains("last")));
        assert!(faults("a, b?, c").is_none());
        assert!(faults("a?").is_some());
    }

    #[test]
    fn exclusions_do_not_forbid_their_own_borders() {
        assert!(faults("a, !a, b").is_some());
        assert!(faults("a, !b, b").is_some());
        assert!(faults("a, !b[x = 1], b").is_none());
        assert!(faults("a, !c, b").is_none());
        assert!(faults("a, !*, b").is_none());
        assert!(faults("a, !x*, x*").is_some());
        // The optional step is no border.
        assert!(faults("a, b?, !b, c").is_none());
    }

    #[test]
    fn faults_of_lists_that_were_not_parsed() {
        let step = |name: &str| parse_steps(name).expect(name).remove(0);
        assert_eq!(check_steps(&[]).map_err(|fault| fault.step), Err(0));
        let mut forbidding = step("a");
        forbidding.not = step("x").events;
        assert_eq!(check_steps(&[forbidding.clone(), step("b")]).map_err(|fault| fault.step), Err(0));
        forbidding.optional = true;
        assert_eq!(check_steps(&[step("b"), forbidding, step("c")]).map_err(|fault| fault.step), Err(1));
        let empty = StepSpec { events: Vec::new(), ..step("a") };
        assert_eq!(check_steps(&[step("b"), empty]).map_err(|fault| fault.step), Err(1));
    }

    #[test]
    fn terms_that_make_no_sense_are_refused() {
        let steps = |terms: StepTerms, place: usize| {
            let mut steps = parse_steps("a, b?, c").expect("sound");
            steps[place].terms = terms;
            check_steps(&steps).map_err(|fault| fault.step)
        };
        let adjacent = Arrow { adjacent: true, ..Arrow::default() };
        let ignore = parse_steps("x").expect("sound").remove(0).events;
        let sound = StepTerms {
            within_us: Some(5),
            after_us: 5,
            arrow: adjacent,
            ignore: ignore.clone(),
            nth: Some(2),
        };
        assert_eq!(steps(sound.clone(), 2), Ok(()));
        assert_eq!(steps(sound.clone(), 0), Err(0));
        assert_eq!(steps(sound.clone(), 1), Err(1));
        assert_eq!(steps(StepTerms { nth: Some(1), ..StepTerms::default() }, 0), Ok(()));
        assert_eq!(steps(StepTerms { nth: Some(1), ..StepTerms::default() }, 1), Err(1));
        assert_eq!(steps(StepTerms { after_us: 6, ..sound.clone() }, 2), Err(2));
        assert_eq!(steps(StepTerms { arrow: Arrow::default(), ..sound }, 2), Err(2));
    }

    #[test]
    fn columns_of_steps_and_exclusions() {
        let steps = parse_steps("a, !x[c = 1], b[d > 2 and c = 1]|e[f is null]").expect("sound");
        assert_eq!(steps[1].columns().collect::<Vec<_>>(), ["c", "d", "f", "c"]);
    }
}
