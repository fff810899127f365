//! Steps as a definition file holds them:
//! `{ name = "...", event = "x*", where = "...", optional = true, not = ["x", { event = "y", where = "..." }] }`,
//! and `within = "1d", after = "10s", arrow = ["no-repeat"], ignore = ["ping"], nth = "first-ever"`.

use super::terms::duration_text;
use super::{Arrow, EventPattern, EventSpec, StepSpec, StepTerms, default_name};
use crate::condition::Condition;
use crate::decode::time::parse_duration_us;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A step's table.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepTable {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    event: EventList,
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    condition: Option<Condition>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    optional: bool,
    #[serde(default, skip_serializing_if = "EventList::is_empty")]
    not: EventList,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    within: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arrow: Option<Names>,
    #[serde(default, skip_serializing_if = "EventList::is_empty")]
    ignore: EventList,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nth: Option<Nth>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected the name of an arrow or a list of them")]
enum Names {
    One(String),
    More(Vec<String>),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected \"first-ever\" or the number of an occurrence, from 1")]
enum Nth {
    Number(u32),
    Name(String),
}

impl StepTable {
    fn terms(&mut self) -> Result<StepTerms, String> {
        let read = |key: &str, text: Option<String>| {
            text.map(|text| parse_duration_us(&text)).transpose().map_err(|error| format!("{key}: {error}"))
        };
        let names = match self.arrow.take() {
            None => Vec::new(),
            Some(Names::One(name)) => vec![name],
            Some(Names::More(names)) => names,
        };
        let nth = match self.nth.take() {
            None => None,
            Some(Nth::Number(number)) if number > 0 => Some(number),
            Some(Nth::Name(name)) if name == "first-ever" => Some(1),
            Some(Nth::Number(_)) => return Err("nth: occurrences are counted from 1".to_owned()),
            Some(Nth::Name(name)) => {
                return Err(format!("nth: {}", super::unknown(&name, &["first-ever", "a number"])));
            }
        };
        Ok(StepTerms {
            within_us: read("within", self.within.take())?,
            after_us: read("after", self.after.take())?.unwrap_or(0),
            arrow: Arrow::from_names(names.iter().map(String::as_str))
                .map_err(|error| format!("arrow: {error}"))?,
            ignore: std::mem::take(&mut self.ignore.0),
            nth,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventTable {
    event: EventPattern,
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    condition: Option<Condition>,
}

/// One event, or a list of them.
#[derive(Default)]
struct EventList(Vec<EventSpec>);

impl EventList {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for StepSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A condition that all events share is written once.
        let shared = match self.events.split_first() {
            Some((first, rest)) if rest.iter().all(|event| event.condition == first.condition) => {
                first.condition.clone()
            }
            _ => None,
        };
        let events = self.events.iter().map(|event| match shared {
            Some(_) => EventSpec { condition: None, ..event.clone() },
            None => event.clone(),
        });
        StepTable {
            name: Some(self.name.clone()),
            event: EventList(events.collect()),
            condition: shared,
            optional: self.optional,
            not: EventList(self.not.clone()),
            within: self.terms.within_us.map(duration_text),
            after: (self.terms.after_us > 0).then(|| duration_text(self.terms.after_us)),
            arrow: arrow(self.terms.arrow),
            ignore: EventList(self.terms.ignore.clone()),
            nth: self.terms.nth.map(Nth::Number),
        }
        .serialize(serializer)
    }
}

fn arrow(arrow: Arrow) -> Option<Names> {
    let mut names: Vec<String> = arrow.names().into_iter().map(str::to_owned).collect();
    match names.len() {
        0 => None,
        1 => names.pop().map(Names::One),
        _ => Some(Names::More(names)),
    }
}

impl<'de> Deserialize<'de> for StepSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<StepSpec, D::Error> {
        let mut table = StepTable::deserialize(deserializer)?;
        let terms = table.terms().map_err(de::Error::custom)?;
        let mut events = table.event.0;
        if events.is_empty() {
            return Err(de::Error::custom("a step needs at least one event"));
        }
        if let Some(shared) = table.condition {
            events.iter_mut().for_each(|event| event.require(&shared));
        }
        let name = table.name.unwrap_or_else(|| default_name(&events));
        if name.is_empty() {
            return Err(de::Error::custom("a step's name cannot be empty"));
        }
        Ok(StepSpec { name, events, optional: table.optional, not: table.not.0, terms, span: 0..0 })
    }
}

impl Serialize for EventPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<EventPattern, D::Error> {
        let text = String::deserialize(deserializer)?;
        EventPattern::parse(&text).map_err(|error| de::Error::custom(error.explain(&text)))
    }
}

impl Serialize for EventSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.condition.is_none() {
            return self.pattern.serialize(serializer);
        }
        EventTable { event: self.pattern.clone(), condition: self.condition.clone() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for EventSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<EventSpec, D::Error> {
        deserializer.deserialize_any(EventVisitor)
    }
}

struct EventVisitor;

impl<'de> Visitor<'de> for EventVisitor {
    type Value = EventSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event's name, or a table with `event` and `where`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<EventSpec, E> {
        let pattern = EventPattern::parse(text).map_err(|error| E::custom(error.explain(text)))?;
        Ok(EventSpec { pattern, condition: None })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<EventSpec, A::Error> {
        let table = EventTable::deserialize(MapAccessDeserializer::new(map))?;
        Ok(EventSpec { pattern: table.event, condition: table.condition })
    }
}

impl Serialize for EventList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [event] => event.serialize(serializer),
            events => events.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for EventList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<EventList, D::Error> {
        deserializer.deserialize_any(EventListVisitor)
    }
}

struct EventListVisitor;

impl<'de> Visitor<'de> for EventListVisitor {
    type Value = EventList;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event's name, a table with `event` and `where`, or a list of these")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<EventList, E> {
        EventVisitor.visit_str(text).map(|event| EventList(vec![event]))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<EventList, A::Error> {
        EventVisitor.visit_map(map).map(|event| EventList(vec![event]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<EventList, A::Error> {
        let mut events = Vec::new();
        while let Some(event) = list.next_element()? {
            events.push(event);
        }
        Ok(EventList(events))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{display_steps, parse_steps};
    use super::*;

    #[derive(Debug, Serialize, Deserialize)]
    struct Funnel {
        steps: Vec<StepSpec>,
    }

    fn read(text: &str) -> Result<Vec<StepSpec>, String> {
        toml::from_str::<Funnel>(text).map(|funnel| funnel.steps).map_err(|error| error.to_string())
    }

    #[test]
    fn the_example_of_the_manual() {
        let text = r#"
            steps = [
              { name = "View",     event = "view" },
              { name = "Cart",     event = ["cart", "add_to_cart"], not = ["logout", { event = "x*", where = "a = 1" }] },
              { name = "Checkout", event = "checkout*", where = "price > 0", optional = true },
              { name = "Purchase", event = "'buy*now'" },
            ]"#;
        let expected = "View=view, !logout, !x*[a = 1], Cart=cart|add_to_cart, \
                        Checkout=checkout*[price > 0]?, Purchase='buy*now'";
        assert_eq!(display_steps(&read(text).expect("sound")), expected);
    }

    #[test]
    fn steps_survive_the_definition_file() {
        let text = "view, !a[x = 1], !b, c[y = 2]|d[y = 2], e[z = 3]|f?, Buy='g*'|*[w is null]";
        let mut steps = parse_steps(text).expect("sound");
        steps.iter_mut().for_each(|step| step.span = 0..0);
        let file = toml::to_string(&Funnel { steps: steps.clone() }).expect("writes");
        assert_eq!(read(&file).expect("reads back"), steps, "{file}");
        let json = serde_json::to_string(&steps).expect("writes");
        assert_eq!(serde_json::from_str::<Vec<StepSpec>>(&json).expect("reads back"), steps);
    }

    #[test]
    fn terms_are_read_and_survive() {
        let text = "steps = [{ event = 'a', nth = 'first-ever' }, { event = 'b', within = '1d', after = '90s', \
                    arrow = ['adjacent', 'no-repeat'], ignore = ['ping', { event = 'x', where = 'y = 1' }], nth = 3 }, \
                    { event = 'c', arrow = 'no-disorder' }]";
        let steps = read(text).expect("sound");
        assert_eq!(steps[0].terms, StepTerms { nth: Some(1), ..StepTerms::default() });
        let terms = &steps[1].terms;
        assert_eq!((terms.within_us, terms.after_us, terms.nth), (Some(86_400_000_000), 90_000_000, Some(3)));
        assert_eq!(terms.arrow, Arrow { adjacent: true, no_disorder: false, no_repeat: true });
        assert_eq!(terms.ignore.iter().map(EventSpec::to_string).collect::<Vec<_>>(), ["ping", "x[y = 1]"]);
        assert!(steps[2].terms.arrow.no_disorder);
        let file = toml::to_string(&Funnel { steps: steps.clone() }).expect("writes");
        assert_eq!(read(&file).expect("reads back"), steps, "{file}");
    }

    #[test]
    fn a_shared_condition_joins_the_own_one() {
        let steps = read("steps = [{ event = ['a', { event = 'b', where = 'x = 1' }], where = 'y = 2' }]")
            .expect("sound");
        assert_eq!(display_steps(&steps), "a[y = 2]|b[x = 1 and y = 2]");
        assert_eq!(steps[0].name, "a[y = 2]|b[x = 1 and y = 2]");
    }

    #[test]
    fn errors_name_what_is_wrong() {
        for (text, part) in [
            ("steps = [{ event = 'a', wher = 'x = 1' }]", "unknown field `wher`"),
            ("steps = [{ name = 'a' }]", "missing field `event`"),
            ("steps = [{ event = [] }]", "at least one event"),
            ("steps = [{ event = 'a', name = '' }]", "cannot be empty"),
            ("steps = [{ event = 3 }]", "an event's name"),
            ("steps = [{ event = 'a|b' }]", "write a list"),
            ("steps = [{ event = 'a', where = 'x ==' }]", "x ==\n"),
            ("steps = [{ event = 'a', within = '5' }]", "within: a duration needs a unit"),
            ("steps = [{ event = 'a', arrow = 'no-repeats' }]", "did you mean no-repeat?"),
            ("steps = [{ event = 'a', arrow = 3 }]", "expected the name of an arrow"),
            ("steps = [{ event = 'a', nth = 0 }]", "counted from 1"),
            ("steps = [{ event = 'a', nth = 'first' }]", "did you mean first-ever?"),
            ("steps = [{ event = 'a', not = [{ event = 'b', why = 1 }] }]", "unknown field `why`"),
        ] {
            let message = read(text).expect_err(text);
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
