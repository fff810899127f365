//! Steps as a definition file holds them:
//! `{ name = "...", event = "x*", where = "...", optional = true, not = ["x", { event = "y", where = "..." }] }`.

use super::{EventPattern, EventSpec, StepSpec, default_name};
use crate::condition::Condition;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A step's table. Other modules' keys of a step (`within`, `nth`, ...) are refused until they exist.
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
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for StepSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<StepSpec, D::Error> {
        let table = StepTable::deserialize(deserializer)?;
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
        Ok(StepSpec { name, events, optional: table.optional, not: table.not.0, span: 0..0 })
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
            ("steps = [{ event = 'a', not = [{ event = 'b', why = 1 }] }]", "unknown field `why`"),
        ] {
            let message = read(text).expect_err(text);
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
