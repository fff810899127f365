//! A rule that names events, as it stands in the definition file: `[[derive]]`.

use super::OneOrMore;
use super::place::{Fault, Path};
use super::steps::condition;
use crate::condition::Glob;
use crate::derive::{Rule, RuleError, UrlPattern};
use serde::Deserialize;
use std::collections::BTreeMap;

/// `[[derive]]`, as written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleTable {
    event: String,
    url: Option<OneOrMore>,
    #[serde(default)]
    query: BTreeMap<String, OneOrMore>,
    #[serde(rename = "where")]
    condition: Option<String>,
}

impl RuleTable {
    /// The rule; paths of faults begin in this table.
    pub fn settle(&self) -> Result<Rule, Fault> {
        let values =
            |values: &OneOrMore| values.clone().into_vec().into_iter().map(Glob::new).collect::<Vec<_>>();
        let query = self.query.iter().map(|(name, texts)| (name.clone(), values(texts))).collect();
        let condition = condition(self.condition.as_deref(), || Path::of("where"))?;
        Rule::new(self.event.clone(), self.urls()?, query, condition).map_err(|error: RuleError| {
            let place = Path::of("event");
            Fault::at(place, error.to_string())
        })
    }

    fn urls(&self) -> Result<Vec<UrlPattern>, Fault> {
        let place = Path::of("url");
        let read = |text: &String, place: Path| {
            UrlPattern::parse(text).map_err(|error| Fault::at(place, error.to_string()))
        };
        match &self.url {
            None => Ok(Vec::new()),
            Some(OneOrMore::One(text)) => Ok(vec![read(text, place)?]),
            Some(OneOrMore::More(texts)) => {
                let one = |(k, text): (usize, &String)| read(text, place.clone().index(k));
                texts.iter().enumerate().map(one).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::definition::{DefinitionError, DefinitionFile};
    use crate::derive::Rule;

    fn read(text: &str) -> Result<Vec<Rule>, DefinitionError> {
        DefinitionFile::parse(text, "x.toml")?.rules()
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
        let rules = read(text).expect("sound");
        let texts: Vec<String> = rules.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "checkout = /checkout/* | /cart/pay [status = 200]",
                "campaign = ?gclid=*&utm_source=google|bing*"
            ]
        );
        // And written as one again.
        let again: String = rules.iter().map(|rule| format!("[[derive]]\n{}", rule.keys())).collect();
        assert_eq!(read(&again).expect("sound"), rules);
    }

    #[test]
    fn faults_are_told_at_their_place() {
        for (lines, line, column, message) in [
            ("event = \"a\"\nurl = \"b\"", 3, 7, "a pattern starts with /"),
            ("event = \"a\"\nurl = [\"/b\", \"c\"]", 3, 14, "a pattern starts with /"),
            ("event = \"a\"\nwhere = \"b =\"", 3, 13, "expected a value"),
            ("event = \"a\"\nurls = \"/b\"", 3, 1, "unknown key `urls`"),
            ("event = \"a\"", 2, 9, "nothing says which rows it is"),
            ("url = \"/a\"", 1, 1, "`event`"),
        ] {
            let error = read(&format!("[[derive]]\n{lines}\n")).expect_err(lines);
            assert_eq!((error.line, error.column), (line, column), "{lines}: {error}");
            assert!(error.message.contains(message), "{lines}: {error}");
        }
    }
}
