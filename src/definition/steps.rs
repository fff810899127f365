//! Steps as a definition file holds them:
//! `{ name = "...", event = "x*", where = "...", optional = true, not = ["x", { event = "y", where = "..." }] }`,
//! and `within = "1d", after = "10s", arrow = ["no-repeat"], ignore = ["ping"], nth = "first-ever"`.

use super::OneOrMore;
use super::funnel::conflict_fault;
use super::place::{Fault, Path};
use crate::condition::{Condition, SyntaxError};
use crate::decode::time::read_duration_us;
use crate::funnel::steps::{
    Arrow, EventPattern, EventSpec, StepSpec, StepTerms, check_steps, default_name, parse_steps, unknown,
};
use serde::Deserialize;

/// Steps as a list of tables, or in the grammar of `--steps`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename = "a list of steps, or a text such as \"view, cart, purchase\"")]
pub enum Steps {
    #[serde(rename = "text")]
    Text(String),
    #[serde(rename = "list")]
    List(Vec<StepTable>),
}

/// One step's table, as written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepTable {
    name: Option<String>,
    /// Never left out; that is said where a step is settled, which knows what was meant.
    event: Option<Events>,
    #[serde(rename = "where")]
    condition: Option<String>,
    #[serde(default)]
    optional: bool,
    not: Option<Events>,
    within: Option<String>,
    after: Option<String>,
    arrow: Option<OneOrMore>,
    ignore: Option<Events>,
    nth: Option<Nth>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename = "\"first-ever\" or the number of an occurrence, from 1")]
enum Nth {
    #[serde(rename = "number")]
    Number(u32),
    #[serde(rename = "text")]
    Name(String),
}

/// One event or several.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename = "an event's name, a table with `event` and `where`, or a list of these")]
enum Events {
    #[serde(rename = "text")]
    Name(String),
    #[serde(rename = "table")]
    Table(EventTable),
    #[serde(rename = "list")]
    List(Vec<Event>),
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename = "an event's name, or a table with `event` and `where`")]
enum Event {
    #[serde(rename = "text")]
    Name(String),
    #[serde(rename = "table")]
    Table(EventTable),
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventTable {
    event: String,
    #[serde(rename = "where")]
    condition: Option<String>,
}

impl Steps {
    /// The steps, each sound by itself and all of them a funnel. Paths of faults begin with `steps`.
    pub fn settle(&self) -> Result<Vec<StepSpec>, Fault> {
        let place = Path::of("steps");
        match self {
            Steps::Text(text) => parse_steps(text).map_err(|error| Fault::inside(place, error)),
            Steps::List(tables) => {
                let read = |(k, table): (usize, &StepTable)| {
                    table.settle().map_err(|fault| fault.below(&place.clone().index(k)))
                };
                let steps: Vec<StepSpec> = tables.iter().enumerate().map(read).collect::<Result<_, _>>()?;
                check_steps(&steps).map_err(|conflict| conflict_fault(conflict, &steps))?;
                Ok(steps)
            }
        }
    }
}

impl StepTable {
    fn settle(&self) -> Result<StepSpec, Fault> {
        let Some(event) = &self.event else {
            // The table itself is at fault, whatever other keys it has.
            let fault = Fault::at(Path::default(), "the key `event` is missing");
            let is_bar = self.not.is_some();
            let hint = is_bar.then(|| {
                "what must not lie between two steps is a key of the second one: { event = \"cart\", not = \"logout\" }"
                    .to_owned()
            });
            return Err(Fault { hint, ..fault });
        };
        let mut events = event.settle("event")?;
        if events.is_empty() {
            return Err(Fault::at(Path::of("event"), "a step needs at least one event"));
        }
        if let Some(shared) = condition(self.condition.as_deref(), || Path::of("where"))? {
            events.iter_mut().for_each(|event| event.require(&shared));
        }
        let name = self.name.clone().unwrap_or_else(|| default_name(&events));
        if name.is_empty() {
            return Err(Fault::at(Path::of("name"), "a step's name cannot be empty"));
        }
        let not = settle_events(self.not.as_ref(), "not")?;
        Ok(StepSpec { name, events, optional: self.optional, not, terms: self.terms()?, span: 0..0 })
    }

    fn terms(&self) -> Result<StepTerms, Fault> {
        Ok(StepTerms {
            within_us: duration(self.within.as_deref(), "within")?,
            after_us: duration(self.after.as_deref(), "after")?.unwrap_or(0),
            arrow: self.arrow()?,
            ignore: settle_events(self.ignore.as_ref(), "ignore")?,
            nth: self.nth()?,
        })
    }

    fn arrow(&self) -> Result<Arrow, Fault> {
        let place = Path::of("arrow");
        let names = match &self.arrow {
            None => return Ok(Arrow::default()),
            Some(OneOrMore::One(name)) => vec![(place.clone(), name)],
            Some(OneOrMore::More(names)) => {
                names.iter().enumerate().map(|(k, name)| (place.clone().index(k), name)).collect()
            }
        };
        for (place, name) in &names {
            Arrow::from_names([name.as_str()]).map_err(|error| Fault::at(place.clone(), error))?;
        }
        Arrow::from_names(names.iter().map(|(_, name)| name.as_str()))
            .map_err(|error| Fault::at(place, error))
    }

    fn nth(&self) -> Result<Option<u32>, Fault> {
        let wrong = |message: String| Err(Fault::at(Path::of("nth"), message));
        match &self.nth {
            None => Ok(None),
            Some(Nth::Number(0)) => wrong("occurrences are counted from 1".to_owned()),
            Some(Nth::Number(number)) => Ok(Some(*number)),
            Some(Nth::Name(name)) if name == "first-ever" => Ok(Some(1)),
            Some(Nth::Name(name)) => wrong(unknown(name, &["first-ever", "a number"])),
        }
    }
}

fn settle_events(events: Option<&Events>, key: &str) -> Result<Vec<EventSpec>, Fault> {
    events.map_or(Ok(Vec::new()), |events| events.settle(key))
}

impl Events {
    fn settle(&self, key: &str) -> Result<Vec<EventSpec>, Fault> {
        let place = Path::of(key);
        match self {
            Events::Name(name) => Ok(vec![named(name, place)?]),
            Events::Table(table) => Ok(vec![table.settle(place)?]),
            Events::List(list) => {
                let read = |(k, event): (usize, &Event)| match event {
                    Event::Name(name) => named(name, place.clone().index(k)),
                    Event::Table(table) => table.settle(place.clone().index(k)),
                };
                list.iter().enumerate().map(read).collect()
            }
        }
    }
}

fn named(name: &str, place: Path) -> Result<EventSpec, Fault> {
    let pattern = EventPattern::parse(name).map_err(|error| Fault::inside(place, error))?;
    Ok(EventSpec { pattern, condition: None })
}

impl EventTable {
    fn settle(&self, place: Path) -> Result<EventSpec, Fault> {
        let event = named(&self.event, place.clone().key("event"))?;
        Ok(EventSpec { condition: condition(self.condition.as_deref(), || place.key("where"))?, ..event })
    }
}

/// A condition; `place`: where it stands.
pub(super) fn condition(
    text: Option<&str>,
    place: impl FnOnce() -> Path,
) -> Result<Option<Condition>, Fault> {
    text.map(Condition::parse).transpose().map_err(|error| Fault::inside(place(), error))
}

/// A duration under a key of the table at hand.
pub(super) fn duration(text: Option<&str>, key: &str) -> Result<Option<i64>, Fault> {
    let wrong = |(error, span): (crate::decode::time::DurationError, _)| {
        let error = SyntaxError { message: error.to_string(), span, hint: None };
        Fault::inside(Path::of(key), error)
    };
    text.map(read_duration_us).transpose().map_err(wrong)
}
