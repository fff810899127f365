//! How a run ends.

use crate::decode::small_table::SmallTableError;
use crate::definition::DefinitionError;
use crate::event::excerpt::{hidden, shown};
use crate::human::count;
use crate::ingest::cohort::CohortError;
use crate::ingest::{IngestError, Place, SpillError};
use crate::render::escape::visible;
use crate::render::width::{truncate, width};
use crate::source::SourceError;
use std::fmt;

/// Exit codes, as promised to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done,
    /// I/O, decoding, or a fault of ours.
    Failed,
    /// Usage, definition, unknown column or metric, impossible request.
    Usage,
    /// More rejected rows than tolerated; the report is written.
    Rejects,
    /// Nothing to analyse.
    Empty,
    /// A check failed; the report is written.
    Check,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Rejects => 3,
            Exit::Empty => 4,
            Exit::Check => 100,
        }
    }
}

/// Columns of a terminal that an excerpt may take.
const EXCERPT_COLUMNS: usize = 80;

/// Where, what stands there, and what is wrong with it.
fn place_lines(place: &Place) -> Vec<String> {
    let Place { file, line, byte, column, excerpt, because } = place;
    let number = column.as_ref().and_then(|(_, number)| *number);
    let number = number.map_or(String::new(), |number| format!(":{number}"));
    let byte = byte.map(|byte| format!("byte {}", count(byte)));
    let named = column.as_ref().map(|(name, _)| format!("column `{name}`"));
    let within: Vec<String> = byte.into_iter().chain(named).collect();
    let within = if within.is_empty() { String::new() } else { format!(" ({})", within.join(", ")) };
    let mut lines = vec![format!("  --> {file}:{line}{number}{within}")];
    let margin = " ".repeat(line.to_string().len());
    let shown = truncate(&visible(excerpt, false), EXCERPT_COLUMNS, "…");
    if shown.is_empty() {
        lines.push(format!("   {margin} | {because}"));
        return lines;
    }
    let marks = "^".repeat(if column.is_some() { width(&shown).max(1) } else { 1 });
    lines.push(format!("   {line} | {shown}"));
    lines.push(format!("   {margin} | {marks} {because}"));
    lines
}

/// A run that ended without a report: why, what to do, and the exit code.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    /// A permanent code, where what happened has one.
    pub code: Option<String>,
    pub error: anyhow::Error,
    pub place: Option<Box<Place>>,
    /// One a line.
    pub hint: Option<String>,
    /// How the input was read, as far as that was found and not said.
    pub read_as: Option<String>,
}

impl Failure {
    fn new(exit: Exit, error: anyhow::Error) -> Failure {
        Failure { exit, code: None, error, place: None, hint: None, read_as: None }
    }

    pub fn usage(error: impl fmt::Display + fmt::Debug + Send + Sync + 'static) -> Failure {
        Failure::new(Exit::Usage, anyhow::Error::msg(error))
    }

    pub fn failed(error: anyhow::Error) -> Failure {
        Failure::new(Exit::Failed, error)
    }

    pub fn empty(error: impl fmt::Display + fmt::Debug + Send + Sync + 'static) -> Failure {
        Failure::new(Exit::Empty, anyhow::Error::msg(error)).code(Some("E-F06"))
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// Names what happened by its permanent code.
    pub fn code(mut self, code: Option<&str>) -> Failure {
        self.code = code.map(str::to_owned);
        self
    }

    /// Without the text of the input, which may hold an id.
    pub fn without_text(mut self) -> Failure {
        self.error = anyhow::Error::msg(hidden(&format!("{:#}", self.error)));
        self.hint = self.hint.as_deref().map(hidden);
        if let Some(place) = &mut self.place {
            place.excerpt.clear();
        }
        self
    }

    /// What is told of it, a line each, as it is written: nothing is made safe for a terminal but
    /// the excerpt.
    pub fn lines(&self) -> Vec<String> {
        let code = self.code.as_ref().map_or(String::new(), |code| format!("[{code}]"));
        let mut lines: Vec<String> =
            shown(&format!("error{code}: {:#}", self.error)).lines().map(str::to_owned).collect();
        lines.extend(self.place.iter().flat_map(|place| place_lines(place)));
        let hint = self.hint.as_deref().map(shown).unwrap_or_default();
        lines.extend(hint.lines().map(|hint| format!("hint: {hint}")));
        lines.extend(self.read_as.iter().map(|read_as| format!("note: it was read as {read_as}")));
        lines
    }
}

impl From<DefinitionError> for Failure {
    fn from(error: DefinitionError) -> Failure {
        let message = format!("{error}\n{}", error.excerpt);
        Failure { hint: error.hint, ..Failure::usage(message).code(Some("E-O21")) }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Failure {
        let exit = match &error {
            error if error.is_nothing_to_read() => Exit::Empty,
            error if error.is_usage() => Exit::Usage,
            _ => Exit::Failed,
        };
        let (code, hint) = (error.code(), error.hint());
        Failure { hint, ..Failure::new(exit, error.into()).code(Some(code)) }
    }
}

impl From<SpillError> for Failure {
    fn from(error: SpillError) -> Failure {
        let hint = error.hint();
        Failure::failed(anyhow::Error::msg(error.to_string())).hint(hint)
    }
}

impl From<SmallTableError> for Failure {
    fn from(error: SmallTableError) -> Failure {
        match error {
            SmallTableError::Source(error) => error.into(),
            error => {
                let is_damaged = matches!(error, SmallTableError::Parquet { .. });
                let exit = if is_damaged { Exit::Failed } else { Exit::Usage };
                Failure { hint: error.hint(), ..Failure::new(exit, error.into()) }
            }
        }
    }
}

impl From<CohortError> for Failure {
    fn from(error: CohortError) -> Failure {
        let hint = error.hint();
        match error {
            CohortError::Table(error) => Failure { hint, ..error.into() },
            error => Failure { hint, ..Failure::usage(error) },
        }
    }
}

impl From<IngestError> for Failure {
    fn from(error: IngestError) -> Failure {
        let (text, code, hint) = (error.to_string(), error.code(), error.hint());
        match error {
            IngestError::Source(error) => error.into(),
            IngestError::Spill(error) => error.into(),
            IngestError::Damaged { place, read_as, .. } | IngestError::OtherHeader { place, read_as } => {
                Failure {
                    place: Some(place),
                    read_as: Some(read_as),
                    ..Failure::failed(anyhow::Error::msg(text)).code(code).hint(hint.unwrap_or_default())
                }
            }
            IngestError::HoleBeforeRows { place } => Failure {
                place: Some(place),
                ..Failure::failed(anyhow::Error::msg(text)).code(code).hint(hint.unwrap_or_default())
            },
            error => {
                let exit = if error.is_usage() { Exit::Usage } else { Exit::Failed };
                Failure { hint, ..Failure::new(exit, error.into()).code(code) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            file: "a.csv".to_owned(),
            line: 12,
            byte: Some(1042),
            column: Some(("ts".to_owned(), Some(3))),
            excerpt: "13/02\u{1b}".to_owned(),
            because: "cannot be read as a time".to_owned(),
        }
    }

    #[test]
    fn a_place_is_told_with_its_text() {
        let failure = Failure {
            place: Some(Box::new(place())),
            ..Failure::usage("1 row is bad").code(Some("R04")).hint("do this\nor that")
        };
        assert_eq!(
            failure.lines(),
            [
                "error[R04]: 1 row is bad",
                "  --> a.csv:12:3 (byte 1,042, column `ts`)",
                "   12 | 13/02\\x1b",
                "      | ^^^^^^^^^ cannot be read as a time",
                "hint: do this",
                "hint: or that",
            ]
        );
    }

    #[test]
    fn what_a_place_lacks_is_left_out() {
        let bare = Place { byte: None, column: None, excerpt: String::new(), ..place() };
        assert_eq!(place_lines(&bare), ["  --> a.csv:12", "      | cannot be read as a time"]);
        let record = Place { column: None, ..place() };
        assert_eq!(place_lines(&record)[2], "      | ^ cannot be read as a time");
        let long = Place { excerpt: "x".repeat(200), ..place() };
        assert!(
            place_lines(&long)[1].ends_with('…') && width(&place_lines(&long)[1]) == "   12 | ".len() + 80
        );
    }
}
