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
//! In a definition file (`definition::steps`) a step is `{ name, event, where, optional, not }` and what `terms` adds:
//! `within`, `after`, `arrow`, `ignore`, `nth`. Every string under `event`, `not` and `ignore` is one
//! pattern by the same rules, `where` holds for all events of the step. The text has no signs for
//! the terms, so `Display` leaves them out.
//!
//! Left out: windows, order and ties, which belong to the funnel and not to a list of steps.

mod parse;
mod terms;

pub use parse::parse_steps;
pub use terms::{Arrow, StepTerms, name_of, one_of, unknown};

use super::conflict::{Conflict, Setting};
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
    pub fn require(&mut self, condition: &Condition) {
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
pub fn default_name(events: &[EventSpec]) -> String {
    match events {
        [EventSpec { pattern: EventPattern::Exact(name), condition: None }] => name.clone(),
        _ => Joined(events).to_string(),
    }
}

/// Checks what no single step shows: that the ends are required and that an exclusion does
/// not forbid a step it borders on.
pub fn check_steps(steps: &[StepSpec]) -> Result<(), Conflict> {
    let conflict = |reason: &str, step, key| Conflict::new(reason, [Setting::Step(step, key)]);
    let Some(last) = steps.len().checked_sub(1) else {
        return Err(Conflict::new("a funnel needs at least one step", [Setting::Funnel("steps")]));
    };
    let mut previous: Option<usize> = None;
    for (k, step) in steps.iter().enumerate() {
        if step.events.is_empty() {
            return Err(conflict("a step needs at least one event", k, "event"));
        }
        if step.optional && (k == 0 || k == last) {
            let end = if k == 0 { "first" } else { "last" };
            return Err(conflict(&format!("the {end} step cannot be optional"), k, "optional")
                .with_hint("an optional step lies between two required ones"));
        }
        if step.optional && !step.not.is_empty() {
            let settings = [Setting::Step(k, "not"), Setting::Step(k, "optional")];
            return Err(Conflict::new("an optional step cannot forbid events", settings)
                .with_hint("put them on the next required step"));
        }
        if !step.not.is_empty() && previous.is_none() {
            return Err(conflict(
                "a forbidden event lies between two steps, and none comes before",
                k,
                "not",
            ));
        }
        check_terms(step, k, previous.is_none())?;
        let mut borders = previous.into_iter().chain([k]);
        if let Some((border, event)) =
            borders.find_map(|border| Some((border, common(step, &steps[border])?)))
        {
            let settings = [Setting::Step(k, "not"), Setting::Step(border, "event")];
            return Err(Conflict::new(format!("`!{event}` forbids a step that it borders on"), settings)
                .with_hint("tell the two apart by a condition: !name[column = 'value']"));
        }
        if !step.optional {
            previous = Some(k);
        }
    }
    Ok(())
}

/// An event that one step forbids and the other is served by.
fn common<'a>(forbidding: &'a StepSpec, border: &StepSpec) -> Option<&'a EventSpec> {
    forbidding.not.iter().find(|not| border.events.contains(not))
}

/// Checks the terms of one step by themselves.
fn check_terms(step: &StepSpec, place: usize, is_first: bool) -> Result<(), Conflict> {
    let terms = &step.terms;
    let looking_back = [
        (terms.within_us.is_some(), "within"),
        (terms.after_us > 0, "after"),
        (terms.arrow != Arrow::default(), "arrow"),
        (!terms.ignore.is_empty(), "ignore"),
    ];
    let of_gap = looking_back.into_iter().find(|(is_asked, _)| *is_asked).map(|(_, key)| key);
    let setting = |key| Setting::Step(place, key);
    if let (Some(key), true) = (of_gap, is_first) {
        let reason = format!("`{key}` looks back to the step before, and none comes before");
        return Err(Conflict::new(reason, [setting(key)]));
    }
    if let (Some(key), true) = (of_gap, step.optional) {
        let reason = format!("`{key}` is for required steps");
        return Err(Conflict::new(reason, [setting(key), setting("optional")]).with_hint(
            "an optional step is only looked for between the required ones: put it on the next of them",
        ));
    }
    if step.optional && terms.nth.is_some() {
        return Err(Conflict::new("`nth` is for required steps", [setting("nth"), setting("optional")]));
    }
    if terms.within_us.is_some_and(|within_us| within_us < terms.after_us) {
        let settings = [setting("after"), setting("within")];
        return Err(Conflict::new("`after` is longer than `within`, so no row could follow", settings));
    }
    if !terms.ignore.is_empty() && !terms.arrow.adjacent {
        let settings = [setting("ignore"), setting("arrow")];
        return Err(Conflict::new("`ignore` names events that do not break adjacency", settings)
            .with_hint("add arrow = \"adjacent\""));
    }
    if let Some(event) = step.not.iter().find(|not| terms.ignore.contains(not)) {
        let reason = format!("`{event}` must not lie before this step, and is ignored there");
        return Err(Conflict::new(reason, [setting("ignore"), setting("not")])
            .with_hint("name it in one of the two, or tell them apart by a condition"));
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
        let place = |steps: &[StepSpec]| check_steps(steps).map_err(|conflict| conflict.settings[0]);
        assert_eq!(place(&[]), Err(Setting::Funnel("steps")));
        let mut forbidding = step("a");
        forbidding.not = step("x").events;
        assert_eq!(place(&[forbidding.clone(), step("b")]), Err(Setting::Step(0, "not")));
        forbidding.optional = true;
        assert_eq!(place(&[step("b"), forbidding, step("c")]), Err(Setting::Step(1, "not")));
        let empty = StepSpec { events: Vec::new(), ..step("a") };
        assert_eq!(place(&[step("b"), empty]), Err(Setting::Step(1, "event")));
    }

    #[test]
    fn terms_that_make_no_sense_are_refused() {
        let steps = |terms: StepTerms, place: usize| {
            let mut steps = parse_steps("a, b?, c").expect("sound");
            steps[place].terms = terms;
            check_steps(&steps).map_err(|conflict| conflict.settings[0])
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
        assert_eq!(steps(sound.clone(), 0), Err(Setting::Step(0, "within")));
        assert_eq!(steps(sound.clone(), 1), Err(Setting::Step(1, "within")));
        assert_eq!(steps(StepTerms { nth: Some(1), ..StepTerms::default() }, 0), Ok(()));
        assert_eq!(
            steps(StepTerms { nth: Some(1), ..StepTerms::default() }, 1),
            Err(Setting::Step(1, "nth"))
        );
        assert_eq!(steps(StepTerms { after_us: 6, ..sound.clone() }, 2), Err(Setting::Step(2, "after")));
        assert_eq!(steps(StepTerms { arrow: Arrow::default(), ..sound }, 2), Err(Setting::Step(2, "ignore")));
    }

    #[test]
    fn columns_of_steps_and_exclusions() {
        let steps = parse_steps("a, !x[c = 1], b[d > 2 and c = 1]|e[f is null]").expect("sound");
        assert_eq!(steps[1].columns().collect::<Vec<_>>(), ["c", "d", "f", "c"]);
    }
}
