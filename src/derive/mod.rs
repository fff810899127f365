//! Events named by rules: from the URL of a row, from fields of its query, from any condition on
//! its columns. The first rule that a row fits names it.
//!
//! Leaves out the rows themselves (`ingest` applies the rules) and how often each rule fitted
//! (`report` counts).

mod flag;
mod pattern;
mod table;
mod url;

pub use flag::FlagError;
pub use pattern::{PatternError, UrlPattern};
pub use url::Url;

use crate::condition::{Condition, Glob};
use pattern::QueryField;
use std::fmt;

/// One rule. It fits a row if all of its parts do; a part that is not there fits every row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The event of the rows that fit.
    pub event: String,
    urls: Vec<UrlPattern>,
    query: Vec<QueryField>,
    condition: Option<Condition>,
}

/// Why there is no such rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("an event without a name")]
    NoEvent,
    #[error(
        "event {0:?}: nothing says which rows it is; give url, query or where (url = \"*\" is every URL)"
    )]
    NoPart(String),
}

impl Rule {
    /// `urls`: any of them fits; `query`: for each field any of its values fits.
    pub fn new(
        event: String,
        urls: Vec<UrlPattern>,
        query: Vec<(String, Vec<Glob>)>,
        condition: Option<Condition>,
    ) -> Result<Rule, RuleError> {
        if event.trim().is_empty() {
            return Err(RuleError::NoEvent);
        }
        if urls.is_empty() && query.is_empty() && condition.is_none() {
            return Err(RuleError::NoPart(event));
        }
        let query = query.into_iter().map(|(name, values)| QueryField { name, values }).collect();
        Ok(Rule { event, urls, query, condition })
    }

    /// The part on columns, which differs from row to row of one URL.
    pub fn condition(&self) -> Option<&Condition> {
        self.condition.as_ref()
    }

    /// Whether the rule looks at a URL at all.
    pub fn asks_url(&self) -> bool {
        !self.urls.is_empty() || !self.query.is_empty()
    }

    /// Whether the parts on the URL fit; of a row without a URL, whether there are none.
    pub fn fits_url(&self, url: Option<&Url<'_>>) -> bool {
        let Some(url) = url else { return !self.asks_url() };
        (self.urls.is_empty() || self.urls.iter().any(|pattern| pattern.fits(url)))
            && self.query.iter().all(|field| field.fits(url))
    }

    /// What the rule looks for, in the grammar of `--derive` as far as it goes; the event aside.
    pub fn conditions_text(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        if !self.urls.is_empty() {
            parts.push(self.urls.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "));
        }
        if !self.query.is_empty() {
            let fields = self.query.iter().map(ToString::to_string).collect::<Vec<_>>().join("&");
            parts.push(format!("?{fields}"));
        }
        parts.extend(self.condition.as_ref().map(|condition| format!("[{condition}]")));
        parts.join(" ")
    }

    /// The path of the first pattern, for finding what it may have been meant for.
    pub fn first_path(&self) -> Option<&str> {
        self.urls.first().map(UrlPattern::path)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.event, self.conditions_text())
    }
}
