//! The definition file: what the columns mean, the funnels, the checks.
//!
//! Only reads what is written; defaults and command-line flags are settled later.

mod columns;
mod funnel;
mod place;
mod read;
mod rule;
mod steps;

pub use funnel::{ByFrom, FunnelTable, HoldTable, UnitTable};
pub use place::{DefinitionError, Fault, Path};
pub use steps::{StepTable, Steps};

use crate::derive::Rule;
use place::Document;
use rule::RuleTable;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;

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
    derive: Vec<RuleTable>,
    /// By name; `funnels` gives them in the order of the file.
    funnel: BTreeMap<String, FunnelTable>,
    pub check: Vec<CheckTable>,
    #[serde(skip)]
    document: Document,
}

/// One name or several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename = "a text or a list of texts")]
pub enum OneOrMore {
    #[serde(rename = "text")]
    One(String),
    #[serde(rename = "list")]
    More(Vec<String>),
}

/// A list that may be written as one text.
fn one_or_more<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<String>, D::Error> {
    Ok(OneOrMore::deserialize(value)?.into_vec())
}

/// The same where no list is another thing than an empty one.
fn some_one_or_more<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Vec<String>>, D::Error> {
    one_or_more(value).map(Some)
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
    /// When the server got a row.
    pub received_time: Option<String>,
    #[serde(deserialize_with = "one_or_more")]
    pub files: Vec<String>,
    pub time_zone: Option<String>,
    pub assume_time_zone: Option<String>,
    pub time_format: Option<OneOrMore>,
    pub epoch_unit: Option<String>,
    pub date_order: Option<String>,
    pub min_time: Option<String>,
    pub dst: Option<String>,
    #[serde(rename = "where")]
    pub filter: Option<String>,
    /// Of access logs: the name of a format, or its text.
    pub log_format: Option<String>,
    pub delimiter: Option<String>,
    pub header: Option<bool>,
    pub columns: Option<Vec<String>>,
    /// Physical lines at the start that are neither header nor data.
    pub skip_lines: Option<u64>,
    /// Those behind the header that are no data.
    pub skip_after_header: Option<u64>,
    pub escape: Option<String>,
    /// Longest value, e.g. `64KiB`.
    pub max_field: Option<String>,
    #[serde(deserialize_with = "some_one_or_more")]
    pub null_ids: Option<Vec<String>>,
    /// An empty id is an id.
    pub keep_empty_id: Option<bool>,
    /// Values lose the blanks around them.
    pub trim: Option<bool>,
    /// The form of Unicode that values are put in.
    pub normalize: Option<String>,
    pub decimal: Option<String>,
    /// Of text that is not UTF-8, by its label.
    pub encoding: Option<String>,
}

/// Who a row is of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename = "a column, a list of columns, or { all = [\"host\", \"user_agent\"] }", deny_unknown_fields)]
pub enum UserTable {
    #[serde(rename = "text")]
    One(String),
    /// The first that is present.
    #[serde(rename = "list")]
    More(Vec<String>),
    /// All of them together are one id.
    #[serde(rename = "table")]
    Together { all: Vec<String> },
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
#[serde(rename = "a column, or { column = \"price\", currency = \"ILS\" }", deny_unknown_fields)]
pub enum ValueColumn {
    #[serde(rename = "text")]
    Column(String),
    #[serde(rename = "table")]
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
    /// With a key: longest time behind the row that is kept.
    pub window: Option<String>,
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
    #[serde(deserialize_with = "some_one_or_more")]
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
#[serde(rename = "the name of a step, or its number from 1")]
pub enum StepRef {
    #[serde(rename = "number")]
    Number(usize),
    #[serde(rename = "text")]
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

impl DefinitionFile {
    /// Reads the text of a definition file; `name` is how the user calls it.
    pub fn parse(text: &str, name: &str) -> Result<DefinitionFile, DefinitionError> {
        let (file, document) = Document::read::<DefinitionFile>(text, name)?;
        Ok(DefinitionFile { document, ..file })
    }

    /// Whether every funnel can be followed as it is written here, whatever flags say.
    pub fn check_funnels(&self) -> Result<(), DefinitionError> {
        for (name, table) in self.funnels() {
            table.settle(name).map_err(|fault| self.fault(&fault.below(&Path::of("funnel").key(name))))?;
        }
        Ok(())
    }

    /// The rules that name events, in the order of the file.
    pub fn rules(&self) -> Result<Vec<Rule>, DefinitionError> {
        let settled = |(place, table): (usize, &RuleTable)| {
            table.settle().map_err(|fault| self.fault(&fault.below(&Path::of("derive").index(place))))
        };
        self.derive.iter().enumerate().map(settled).collect()
    }

    /// The fault with its place in this file, counted from its top.
    pub fn fault(&self, fault: &Fault) -> DefinitionError {
        self.document.fault(fault)
    }

    /// Whether something is written at the path.
    pub fn holds(&self, path: &Path) -> bool {
        self.document.holds(path)
    }

    /// Every funnel with its name, in the order of the file.
    pub fn funnels(&self) -> Vec<(&str, &FunnelTable)> {
        let start = |name: &str| self.document.start(&Path::of("funnel").key(name));
        let mut funnels: Vec<(&str, &FunnelTable)> =
            self.funnel.iter().map(|(name, table)| (name.as_str(), table)).collect();
        funnels.sort_by_key(|(name, _)| start(name));
        funnels
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
    fn lists_of_one_may_be_a_text() {
        let text = "source.files = \"a.csv\"\nsource.null_ids = \"0\"\nreport.quantiles = \"0.5\"\n\
            [funnel.a]\nsteps = \"a, b\"\nby = \"device\"\n";
        let file = DefinitionFile::parse(text, "x.toml").unwrap();
        assert_eq!(
            (file.source.files, file.source.null_ids),
            (vec!["a.csv".to_owned()], Some(vec!["0".to_owned()]))
        );
        assert_eq!(file.report.quantiles, Some(vec!["0.5".to_owned()]));
        assert_eq!(file.funnel["a"].by, ["device"]);
    }

    #[test]
    fn funnels_keep_the_order_of_the_file() {
        let file = DefinitionFile::parse(EXAMPLE, "dropoff.toml").unwrap();
        let funnels = file.funnels();
        let names: Vec<_> = funnels.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["zeta", "alpha"]);
        assert_eq!(funnels[0].1.steps.settle().unwrap()[1].events.len(), 2);
        assert_eq!(funnels[1].1.unit, Some(UnitTable::Name("session".to_owned())));
        assert_eq!(file.source.time.unwrap().into_vec(), ["day", "clock"]);
        assert_eq!(file.check[0].min_n, 0);
    }
}
