//! A rule as it stands in the definition file: `[[derive]]`.

use super::pattern::QueryField;
use super::{Rule, UrlPattern};
use crate::condition::{Condition, Glob};
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// `[[derive]]`, as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    event: String,
    #[serde(default)]
    url: Patterns,
    #[serde(default)]
    query: BTreeMap<String, Values>,
    #[serde(default, rename = "where")]
    condition: Option<Condition>,
}

/// One pattern or several; a fault is told at the one that has it.
#[derive(Default)]
struct Patterns(Vec<UrlPattern>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
enum Values {
    One(String),
    More(Vec<String>),
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Rule, D::Error> {
        let table = RuleTable::deserialize(deserializer)?;
        let query = table.query.into_iter().map(|(name, values)| {
            let values = match values {
                Values::One(value) => vec![value],
                Values::More(values) => values,
            };
            (name, values.into_iter().map(Glob::new).collect())
        });
        Rule::new(table.event, table.url.0, query.collect(), table.condition).map_err(de::Error::custom)
    }
}

impl Rule {
    /// The keys of the rule's table, a line each.
    pub fn keys(&self) -> String {
        let mut table = toml::Table::new();
        table.insert("event".to_owned(), self.event.clone().into());
        if !self.urls.is_empty() {
            let urls: Vec<String> = self.urls.iter().map(ToString::to_string).collect();
            table.insert("url".to_owned(), urls.into());
        }
        if !self.query.is_empty() {
            let values = |field: &QueryField| -> Vec<String> {
                field.values.iter().map(|value| value.as_str().to_owned()).collect()
            };
            let fields = self.query.iter().map(|field| (field.name.clone(), values(field).into()));
            table.insert("query".to_owned(), toml::Value::Table(fields.collect()));
        }
        if let Some(condition) = &self.condition {
            table.insert("where".to_owned(), condition.to_string().into());
        }
        table.iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
    }
}

impl<'de> Deserialize<'de> for Patterns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Patterns, D::Error> {
        deserializer.deserialize_any(PatternVisitor)
    }
}

struct PatternVisitor;

impl<'de> Visitor<'de> for PatternVisitor {
    type Value = Patterns;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a URL pattern or a list of them")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Patterns, E> {
        Ok(Patterns(vec![UrlPattern::parse(text).map_err(E::custom)?]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Patterns, A::Error> {
        let mut patterns = Vec::new();
        while let Some(pattern) = list.next_element()? {
            patterns.push(pattern);
        }
        Ok(Patterns(patterns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct File {
        derive: Vec<Rule>,
    }

    fn read(text: &str) -> Result<Vec<String>, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        Ok(file.derive.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn tables_are_rules() {
        let text = r#"
            [[derive]]
            event = "checkout"
            url = ["/checkout/*", "/cart/pay"]
            where = "status=200"
            [[derive]]
            event = "campaign"
            query = { utm_source = ["google", "bing*"], gclid = "*" }
        "#;
        assert_eq!(
            read(text).expect("sound"),
            [
                "checkout = /checkout/* | /cart/pay [status = 200]",
                "campaign = ?gclid=*&utm_source=google|bing*"
            ]
        );
        // And written as one again.
        let file: File = toml::from_str(text).expect("sound");
        let again: String = file.derive.iter().map(|rule| format!("[[derive]]\n{}", rule.keys())).collect();
        assert_eq!(toml::from_str::<File>(&again).expect("sound").derive, file.derive);
    }

    #[test]
    fn faults_are_told_at_their_line() {
        for (lines, place, message) in [
            ("event = \"a\"\nurl = \"b\"", "line 3, column 7", "a pattern starts with /"),
            ("event = \"a\"\nurl = [\"/b\", \"c\"]", "line 3, column 14", "a pattern starts with /"),
            ("event = \"a\"\nwhere = \"b =\"", "line 3, column 9", "expected a value"),
            ("event = \"a\"\nurls = \"/b\"", "line 3, column 1", "unknown field `urls`"),
            ("event = \"a\"", "line 1, column 1", "nothing says which rows it is"),
            ("url = \"/a\"", "line 1, column 1", "missing field `event`"),
        ] {
            let error = read(&format!("[[derive]]\n{lines}\n")).expect_err(lines);
            assert!(error.contains(place) && error.contains(message), "{lines}: {error}");
        }
    }
}
