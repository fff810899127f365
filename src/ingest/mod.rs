//! One pass over the input: files to events, and events to every person's rows in order.
//!
//! Leaves out what the rows mean: sessions, funnels and reports come later and see persons only.

mod assemble;
mod batch;
mod budget;
pub mod clean;
pub mod cohort;
pub mod decimal;
mod dictionary;
mod events;
mod gather;
mod identify;
mod job;
mod naming;
mod pass;
mod place;
pub mod plan;
mod prefetch;
mod read;
mod received;
mod sample;
mod segment;
mod sequence;
mod settle;
mod shard;
mod spill;
mod texts;
mod threads;
pub mod unpivot;
mod waiting;
mod whole_record;

pub use assemble::{Dictionaries, ID_BORDER, Kind, relevant_conditions};
pub use batch::{RowLayout, Tally};
pub use budget::Resources;
pub use identify::{Identified, Linked, RepeatFacts, StitchFacts};
pub use job::{FileAccount, FileNote};
pub use naming::Origin;
pub use pass::{Accumulator, Person, Population, over_population, over_store};
pub use place::Place;
pub use read::{Everything, Pending, Progress, read_all};
pub use sample::{Form, Sample};
pub use sequence::{FileTally, PlacedReject};
pub use settle::{PersonRows, TieOrder};
pub use shard::Store;
pub use spill::{SpillError, Spilled};
pub use threads::beside;

use crate::condition::suggest_nearest;
use crate::decode::dialect::DialectError;
use crate::decode::parquet::ParquetError;
use crate::decode::time::TimeFormatError;
use crate::event::excerpt::{excerpt, quoted};
use crate::human::shell_list;
use crate::source::{Ending, SourceError};
use decimal::ValueSeen;

/// Why an input as a whole cannot be used. `Display` says what, `hint` what to do.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Spill(#[from] SpillError),
    #[error("{name}: {error}")]
    Dialect { name: String, error: Box<DialectError> },
    #[error("{name}: {error}")]
    Parquet { name: String, error: Box<ParquetError> },
    #[error("{name}: column {column:?}: {error}")]
    Times { name: String, column: String, error: Box<TimeFormatError> },
    #[error("{} is damaged", .place.file)]
    Damaged { code: &'static str, rest_is_lost: bool, place: Box<Place>, read_as: String },
    #[error("{}: a second header, of other columns or in another order", .place.file)]
    OtherHeader { place: Box<Place>, read_as: String },
    #[error("{} is damaged: a hole of NUL bytes stands before its first row", .place.file)]
    HoleBeforeRows { place: Box<Place> },
    #[error("values with two decimal marks: {} in {}, {} in {}", quoted(&.first.example), .first.file, quoted(&.second.example), .second.file)]
    TwoDecimalMarks { first: ValueSeen, second: ValueSeen },
    #[error(
        "{}: column {column:?}: the mark in values such as {} may be a decimal mark or group thousands, and no value tells",
        .seen.file, quoted(&.seen.example)
    )]
    UnclearDecimalMark { column: String, seen: ValueSeen },
    #[error("{name}: more than one column is called {column:?}")]
    RepeatedColumn { name: String, column: String, columns: Vec<String>, header_lines: u64 },
    #[error("{name}: column {column:?} holds {holds}, not single values")]
    NoValues { name: String, column: String, holds: &'static str, inner: Vec<String> },
    #[error("{name}: no column {column:?}; there are {}", list(.present))]
    MissingColumn { name: String, column: String, nearest: Vec<String>, present: Vec<String> },
}

impl IngestError {
    /// A Parquet file that cannot be read; one that was cut short meanwhile is told as such.
    fn parquet(ending: &Ending, name: &str, error: ParquetError) -> IngestError {
        match ending.shrunk() {
            Some(shrunk) => shrunk.into(),
            None => IngestError::Parquet { name: name.to_owned(), error: Box::new(error) },
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            IngestError::Source(error) => error.hint(),
            IngestError::Spill(error) => Some(error.hint()),
            IngestError::Dialect { error, .. } => error.hint().or_else(|| nearest_names(error)),
            IngestError::Parquet { error, .. } => error.is_unsupported().then(|| {
                "texts, numbers, truth values, dates and times are read, in structures too: leave the column out, or \
                 export it as one of these"
                    .to_owned()
            }),
            IngestError::Damaged { code: "R15", .. } => Some(
                "close the quote, double it if it is part of the text, or take it away\n\
                 --salvage rejects that line and goes on behind it"
                    .to_owned(),
            ),
            IngestError::Damaged { code: "E-F14", .. } => Some(
                "the file was not written or copied whole, or is no JSON there: export or fetch it again\n\
                 --salvage uses what comes before that place"
                    .to_owned(),
            ),
            IngestError::Damaged { rest_is_lost: true, .. } => Some(
                "the file was not written or copied whole: fetch it again\n\
                 --salvage uses what comes before that place"
                    .to_owned(),
            ),
            IngestError::Damaged { .. } => Some(
                "the file was not written or copied whole: fetch it again\n\
                 --salvage rejects that line and goes on behind it"
                    .to_owned(),
            ),
            IngestError::OtherHeader { place, .. } => Some(format!(
                "these are exports of two kinds in one file: split it before line {}, and read both files at once\n\
                 --salvage does not go on behind it, as nothing tells which of the rows there are right",
                place.line
            )),
            IngestError::HoleBeforeRows { .. } => Some(
                "the file was not written or copied whole: fetch it again\n\
                 --salvage cannot tell what it held, the names of the columns maybe"
                    .to_owned(),
            ),
            IngestError::TwoDecimalMarks { .. } | IngestError::UnclearDecimalMark { .. } => Some(
                "give --decimal . or --decimal ,: with a decimal point 1,234 is rejected (R09), with a decimal comma 1.234 is \
                 one thousand and more"
                    .to_owned(),
            ),
            IngestError::RepeatedColumn { columns, header_lines, .. } => {
                let names = shell_list(&told_apart(columns));
                Some(format!(
                    "which one is meant is not guessed: give them names, e.g.\n--skip-lines {header_lines} --columns {names}"
                ))
            }
            IngestError::NoValues { inner, .. } if inner.is_empty() => {
                Some("name a column of texts or numbers; a key inside an object is named by its path, properties.price".to_owned())
            }
            IngestError::NoValues { inner, .. } => Some(format!("name what is inside of it: {}", list(inner))),
            IngestError::Times { error, .. } => Some(error.hint().to_owned()),
            IngestError::MissingColumn { nearest, .. } => {
                (!nearest.is_empty()).then(|| format!("did you mean {}?", list(nearest)))
            }
        }
    }

    /// The permanent code of a run that stops here.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            IngestError::Source(error) => Some(error.code()),
            IngestError::Spill(_) => None,
            IngestError::Damaged { code, .. } => Some(code),
            IngestError::OtherHeader { .. } => Some("E-C20"),
            IngestError::HoleBeforeRows { .. } => Some("E-C05"),
            IngestError::Dialect { error, .. } => dialect_code(error),
            IngestError::Parquet { error, .. } if error.is_unsupported() => Some("E-F29"),
            IngestError::Parquet { .. } => Some("E-F28"),
            IngestError::Times { error, .. } => Some(error.code()),
            IngestError::TwoDecimalMarks { .. } | IngestError::UnclearDecimalMark { .. } => Some("E-C17"),
            IngestError::RepeatedColumn { .. } => Some("E-C22"),
            IngestError::NoValues { .. } => Some("E-J12"),
            IngestError::MissingColumn { .. } => Some("E-F16"),
        }
    }

    /// The request cannot be met with this input, as opposed to the input being damaged.
    pub fn is_usage(&self) -> bool {
        let is_unsupported = matches!(self, IngestError::Parquet { error, .. } if error.is_unsupported());
        is_unsupported
            || matches!(
                self,
                IngestError::Dialect { .. }
                    | IngestError::Times { .. }
                    | IngestError::TwoDecimalMarks { .. }
                    | IngestError::UnclearDecimalMark { .. }
                    | IngestError::RepeatedColumn { .. }
                    | IngestError::NoValues { .. }
                    | IngestError::MissingColumn { .. }
            )
    }
}

fn dialect_code(error: &DialectError) -> Option<&'static str> {
    match error {
        DialectError::Ragged { .. }
        | DialectError::NoDelimiter
        | DialectError::TableBefore { .. }
        | DialectError::OtherDelimiter { .. } => Some("E-C11"),
        DialectError::HeaderLooksLikeData { .. } | DialectError::ColumnCount { .. } => Some("E-C21"),
        DialectError::MissingColumns { .. } => Some("E-F16"),
        DialectError::Empty => None,
    }
}

/// The names that are nearest to the first one that is missing.
fn nearest_names(error: &DialectError) -> Option<String> {
    let DialectError::MissingColumns { missing, columns } = error else { return None };
    let near = suggest_nearest(missing.first()?, columns.iter().map(String::as_str), 3);
    (!near.is_empty()).then(|| format!("did you mean {}?", list(&near)))
}

/// Names of columns, those that come again with a number behind them.
fn told_apart(columns: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for column in columns {
        let numbered = (2..).map(|number| format!("{column}_{number}"));
        let mut names_of_it = std::iter::once(column.clone()).chain(numbered);
        names.extend(names_of_it.find(|name| !names.contains(name)));
    }
    names
}

/// Names of columns as the input has them, where they may be data.
fn list(names: &[String]) -> String {
    excerpt(names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", "))
}
