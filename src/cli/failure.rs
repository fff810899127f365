//! How a run ends.

use crate::decode::small_table::SmallTableError;
use crate::definition::DefinitionError;
use crate::ingest::cohort::CohortError;
use crate::ingest::{IngestError, SpillError};
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

/// A run that ended without a report: why, what to do, and the exit code.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub error: anyhow::Error,
    pub hint: Option<String>,
}

impl Failure {
    pub fn usage(error: impl fmt::Display + fmt::Debug + Send + Sync + 'static) -> Failure {
        Failure { exit: Exit::Usage, error: anyhow::Error::msg(error), hint: None }
    }

    pub fn failed(error: anyhow::Error) -> Failure {
        Failure { exit: Exit::Failed, error, hint: None }
    }

    pub fn empty(error: impl fmt::Display + fmt::Debug + Send + Sync + 'static) -> Failure {
        Failure { exit: Exit::Empty, error: anyhow::Error::msg(error), hint: None }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }
}

impl From<DefinitionError> for Failure {
    fn from(error: DefinitionError) -> Failure {
        let message = format!("{error}\n{}", error.excerpt);
        Failure { exit: Exit::Usage, error: anyhow::Error::msg(message), hint: error.hint }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Failure {
        let exit = match &error {
            error if error.is_nothing_to_read() => Exit::Empty,
            SourceError::BadPattern { .. } => Exit::Usage,
            _ => Exit::Failed,
        };
        Failure { exit, hint: error.hint(), error: error.into() }
    }
}

impl From<SpillError> for Failure {
    fn from(error: SpillError) -> Failure {
        Failure { exit: Exit::Failed, hint: Some(error.hint()), error: anyhow::Error::msg(error.to_string()) }
    }
}

impl From<SmallTableError> for Failure {
    fn from(error: SmallTableError) -> Failure {
        match error {
            SmallTableError::Source(error) => error.into(),
            error => {
                let is_damaged = matches!(error, SmallTableError::Parquet { .. });
                let exit = if is_damaged { Exit::Failed } else { Exit::Usage };
                Failure { exit, hint: error.hint(), error: error.into() }
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
        match error {
            IngestError::Source(error) => error.into(),
            IngestError::Spill(error) => error.into(),
            error => {
                let exit = if error.is_usage() { Exit::Usage } else { Exit::Failed };
                Failure { exit, hint: error.hint(), error: error.into() }
            }
        }
    }
}
