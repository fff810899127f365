//! The definition file: what the columns mean, the funnels, the checks.
//!
//! Only reads what is written; defaults and command-line flags are settled later.

mod funnel;

pub use funnel::{ByFrom, FunnelTable, HoldTable, SettleError, Steps, UnitTable};

use crate::derive::Rule;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use toml::Spanned;

/// `dropoff.toml`, as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DefinitionFile {
    pub source: SourceTable,
    pub sessions: SessionsTable,
    pub dedupe: DedupeTable,
    pub identity: IdentityTable,
    pub report: ReportTable,
    /// The first that fits a row names its event.
    pub derive: Vec<Rule>,
    /// By name; `funnels` gives them in the order of the file.
    funnel: BTreeMap<String, Spanned<FunnelTable>>,
    pub check: Vec<CheckTable>,
}

/// One name or several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
pub enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    pub fn into_vec(self) -> Vec<String> {
        match self {
            OneOrMore::One(name) => vec![name],
            OneOrMore::More(names) => names,
        }
    }
}

/// Which columns mean what, and how texts are read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceTable {
    pub user: Option<UserTable>,
    pub time: Option<OneOrMore>,
    pub event: Option<String>,
    /// The event of every row, where there is no event column.
    pub event_name: Option<String>,
    /// URLs, for rules that look at them and for logs without events.
    pub url: Option<String>,
    /// Time columns that are events each, where rows are wide.
    pub unpivot: Option<OneOrMore>,
    pub session: Option<String>,
    pub value: Option<ValueColumn>,
    pub currency: Option<String>,
    pub files: Vec<String>,
    pub time_zone: Option<String>,
    pub assume_time_zone: Option<String>,
    pub time_format: Option<OneOrMore>,
    pub epoch_unit: Option<String>,
    pub date_order: Option<String>,
    #[serde(rename = "where")]
    pub filter: Option<String>,
    /// Of access logs: the name of a format, or its text.
    pub log_format: Option<String>,
    pub delimiter: Option<String>,
    pub header: Option<bool>,
    pub columns: Option<Vec<String>>,
    pub null_ids: Option<Vec<String>>,
    pub decimal: Option<String>,
}

/// Who a row is of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected a column, a list of columns, or { all = [\"host\", \"user_agent\"] }"
)]
pub enum UserTable {
    One(String),
    /// The first that is present.
    More(Vec<String>),
    /// All of them together are one id.
    Together {
        all: Vec<String>,
    },
}

impl UserTable {
    /// The columns, and whether they are one id together.
    pub fn columns(self) -> (Vec<String>, bool) {
        match self {
            UserTable::One(column) => (vec![column], false),
            UserTable::More(columns) => (columns, false),
            UserTable::Together { all } => {
                let together = all.len() > 1;
                (all, together)
            }
        }
    }
}

/// A value column, by name alone or with the currency that all its values are in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected a column, or { column = \"price\", currency = \"ILS\" }"
)]
pub enum ValueColumn {
    Column(String),
    WithCurrency { column: String, currency: Option<String> },
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionsTable {
    /// Longest gap inside a session.
    pub timeout: Option<String>,
}

/// Which rows are one event, of which one is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DedupeTable {
    /// Columns: rows that are alike in all of them are one event.
    pub key: Option<OneOrMore>,
    /// Rows that are alike in every column are one event.
    pub exact: Option<bool>,
}

/// Which ids are one person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentityTable {
    pub stitch: Option<String>,
    /// A file with the columns id and person.
    pub map: Option<String>,
}

/// What is asked of all funnels.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReportTable {
    pub from: Option<String>,
    pub to: Option<String>,
    pub as_of: Option<String>,
    pub trend: Option<String>,
    pub top: Option<usize>,
    pub quantiles: Option<Vec<String>>,
    pub quantile_method: Option<String>,
}

/// One threshold on a finished report.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckTable {
    pub name: Option<String>,
    pub metric: String,
    pub funnel: Option<String>,
    /// By name or number from 1.
    pub step: Option<StepRef>,
    pub fail: Option<String>,
    pub warn: Option<String>,
    #[serde(default)]
    pub min_n: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected the name of a step, or its number from 1")]
pub enum StepRef {
    Number(usize),
    Name(String),
}

impl fmt::Display for StepRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StepRef::Number(number) => write!(f, "{number}"),
            StepRef::Name(name) => f.write_str(name),
        }
    }
}

/// A definition file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}:{line}:{column}: {message}")]
pub struct DefinitionError {
    pub name: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub message: String,
    /// The line at fault and a caret under the place.
    pub excerpt: String,
}

impl DefinitionFile {
    /// Reads the text of a definition file; `name` is how the user calls it.
    pub fn parse(text: &str, name: &str) -> Result<DefinitionFile, DefinitionError> {
        toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start).min(text.len());
            let before = &text[..at];
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            let line_text = text[line_start..].lines().next().unwrap_or("");
            let indent = before[line_start..].chars().count();
            DefinitionError {
                name: name.to_owned(),
                line: before.matches('\n').count() + 1,
                column: indent + 1,
                message: error.message().to_owned(),
                excerpt: format!("{line_text}\n{}^", " ".repeat(indent)),
            }
        })
    }

    /// Every funnel with its name, in the order of the file.
    pub fn funnels(&self) -> Vec<(&str, &FunnelTable)> {
        let mut funnels: Vec<(usize, &str, &FunnelTable)> = self
            .funnel
            .iter()
            .map(|(name, table)| (table.span().start, name.as_str(), table.get_ref()))
            .collect();
        funnels.sort_by_key(|(start, ..)| *start);
        funnels.into_iter().map(|(_, name, table)| (name, table)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = r#"
[source]
user = "user_id"
time = ["day", "clock"]
value = { column = "price", currency = "ILS" }

[funnel.zeta]
window = "7d"
steps = [
  { name = "View", event = "view" },
  { name = "Cart", event = ["cart", "add_to_cart"] },
  { name = "Purchase", event = "purchase" },
]

[funnel.alpha]
steps = "view, cart[price > 0], purchase"
unit = "session"

[[check]]
metric = "conversion"
fail = "< 2.1%"
"#;

    #[test]
    fn funnels_keep_the_order_of_the_file() {
        let file = DefinitionFile::parse(EXAMPLE, "dropoff.toml").unwrap();
        let funnels = file.funnels();
        let names: Vec<_> = funnels.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["zeta", "alpha"]);
        assert_eq!(funnels[0].1.steps.0[1].events.len(), 2);
        assert_eq!(funnels[1].1.unit, Some(UnitTable::Name("session".to_owned())));
        assert_eq!(file.source.time.unwrap().into_vec(), ["day", "clock"]);
        assert_eq!(file.check[0].min_n, 0);
    }

    #[test]
    fn an_unknown_key_is_told_with_its_place() {
        let error = DefinitionFile::parse("[source]\nuser = \"a\"\nusr = \"b\"\n", "x.toml").unwrap_err();
        assert_eq!((error.line, error.column), (3, 1));
        assert!(error.message.contains("usr"), "{}", error.message);
        assert_eq!(error.excerpt, "usr = \"b\"\n^");
    }

    #[test]
    fn a_misspelt_currency_and_a_number_for_a_name_are_told() {
        let text = "[source]\nvalue = { column = \"price\", curency = \"ILS\" }\n";
        let error = DefinitionFile::parse(text, "x.toml").unwrap_err();
        assert_eq!(error.line, 2);
        assert!(error.message.starts_with("expected a column, or {"), "{}", error.message);
        let error = DefinitionFile::parse("[source]\nuser = 5\n", "x.toml").unwrap_err();
        assert_eq!(error.message, "expected a text or a list of texts");
        let error = DefinitionFile::parse("[[check]]\nmetric = \"m\"\nstep = 1.5\n", "x.toml").unwrap_err();
        assert_eq!(error.message, "expected the name of a step, or its number from 1");
    }

    #[test]
    fn a_fault_in_steps_points_at_them() {
        let text = "[funnel.a]\nsteps = \"view, , purchase\"\n";
        let error = DefinitionFile::parse(text, "x.toml").unwrap_err();
        assert_eq!(error.line, 2);
    }
}
