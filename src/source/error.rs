//! Why inputs cannot be read, each with its permanent code.

use super::encoding::TextEncoding;
use super::list::EXTENSIONS;
use super::streams::StreamFault;
use std::io;
use std::path::PathBuf;

/// Why an input cannot be read. `Display` says what, [`SourceError::hint`] what to do.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("{}: no such file or directory", .paths.join(", "))]
    NotFound { paths: Vec<String>, nearest: Option<String> },
    #[error("{pattern}: no file matches this pattern")]
    NoMatch { pattern: String, nearest_directory: Option<String> },
    #[error("{pattern}: not a pattern: {reason}")]
    BadPattern { pattern: String, reason: String },
    #[error("{path}: no log files in this directory")]
    EmptyDirectory {
        path: String,
        /// Links in it, which may lead to some.
        links: usize,
    },
    #[error("{path}: cannot read this list of files: {reason}")]
    List { path: String, reason: String },
    #[error("cannot read {}", list_unreadable(.files))]
    Unreadable { files: Vec<(String, String)> },
    #[error("{name}: vanished: it was there when the run began and is gone now")]
    Vanished { name: String },
    #[error("{name}: {form} is not read here")]
    Unsupported { name: String, form: &'static str },
    #[error("{name}: no text: it looks like {looks_like}")]
    NoText { name: String, looks_like: &'static str },
    #[error("{name}: a damaged Parquet file: it ends with PAR1 but does not start with it")]
    ParquetHead { name: String },
    #[error("{name}: every other byte is NUL: this looks like {encoding} without a byte order mark")]
    NoByteOrderMark { name: String, encoding: TextEncoding },
    #[error("{name}: the compressed data is truncated: it ends after {offset} decompressed bytes")]
    Truncated { name: String, offset: u64 },
    #[error("{name}: wrong checksum in the compressed data, after {offset} decompressed bytes")]
    Checksum { name: String, offset: u64 },
    #[error(
        "{name}: UTF-16 that has lost a byte in line {line} or just before: from byte {at} on it is no text"
    )]
    LostByte { name: String, line: u64, at: u64 },
    #[error("{name}: bytes that belong to no compressed data follow {offset} decompressed bytes")]
    TrailingGarbage { name: String, offset: u64 },
    #[error("{name}: the compressed data is damaged after {offset} decompressed bytes: {reason}")]
    Corrupt { name: String, offset: u64, reason: String },
    #[error("{name}: it unpacks to more than {most} bytes, from {packed} bytes so far")]
    TooLarge { name: String, most: u64, packed: u64 },
    #[error("{name}: the file shrank while it was read: {expected} bytes at first, none at byte {offset}")]
    Shrunk { name: String, expected: u64, offset: u64 },
    #[error("{name}: cannot read on at byte {offset}: {error}")]
    Read { name: String, offset: u64, error: io::Error },
    #[error(
        "{name}: Parquet that does not lie in a plain file is copied to one first: cannot write to {} behind byte {written}: {error}",
        .directory.display()
    )]
    Spool { name: String, directory: PathBuf, written: u64, error: io::Error },
}

impl SourceError {
    /// The permanent code of what is wrong.
    pub fn code(&self) -> &'static str {
        match self {
            SourceError::NotFound { .. } => "E-F01",
            SourceError::NoMatch { .. } | SourceError::BadPattern { .. } => "E-F02",
            SourceError::EmptyDirectory { .. } => "E-F03",
            SourceError::List { .. } | SourceError::Unreadable { .. } => "E-F04",
            SourceError::Truncated { .. } | SourceError::Corrupt { .. } => "E-F08",
            SourceError::Checksum { .. } => "E-F09",
            SourceError::TrailingGarbage { .. } => "E-F11",
            SourceError::Spool { .. } => "E-F20",
            SourceError::Shrunk { .. } => "E-F23",
            SourceError::Vanished { .. } => "E-F24",
            SourceError::TooLarge { .. } => "E-F27",
            SourceError::Unsupported { .. }
            | SourceError::NoText { .. }
            | SourceError::ParquetHead { .. } => "E-F28",
            SourceError::Read { .. } => "E-F30",
            SourceError::NoByteOrderMark { .. } | SourceError::LostByte { .. } => "E-C03",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            SourceError::NotFound { nearest: Some(nearest), .. } => Some(format!("did you mean {nearest}?")),
            SourceError::NoMatch { nearest_directory: Some(directory), .. } => {
                Some(format!("the nearest directory that exists is {directory}"))
            }
            SourceError::EmptyDirectory { links: 0, .. } => {
                Some(format!("looked for {} and their .gz and .zst", EXTENSIONS.join(", ")))
            }
            SourceError::EmptyDirectory { .. } => {
                Some("it holds links, which --follow reads".to_owned())
            }
            SourceError::Unsupported { form, .. } => {
                Some(format!("unpack the {form} and give what is inside"))
            }
            SourceError::NoText { .. } => {
                Some("CSV, JSON, access logs and Parquet are read: export it as one of them".to_owned())
            }
            SourceError::ParquetHead { .. } => {
                Some("the file was not written or copied whole: fetch it again".to_owned())
            }
            SourceError::NoByteOrderMark { encoding, .. } => Some(format!("--encoding {}", encoding.label())),
            SourceError::Truncated { .. }
            | SourceError::Checksum { .. }
            | SourceError::TrailingGarbage { .. }
            | SourceError::LostByte { .. }
            | SourceError::Corrupt { .. } => Some(
                "the file was not written or copied whole: fetch it again, or use what comes before with --salvage"
                    .to_owned(),
            ),
            SourceError::TooLarge { most, .. } => Some(format!(
                "if the file is sound, allow more with --max-decompressed {}",
                most.saturating_mul(10)
            )),
            SourceError::Shrunk { .. } => {
                Some("something rewrites this file: read it when it is complete".to_owned())
            }
            SourceError::Vanished { .. } => {
                Some("something moves these files: read them when they rest".to_owned())
            }
            SourceError::Spool { .. } => {
                Some("name a directory with more room with --temp-dir, or unpack the file first".to_owned())
            }
            _ => None,
        }
    }

    /// There is nothing to analyse, as opposed to something that cannot be read.
    pub fn is_nothing_to_read(&self) -> bool {
        matches!(self, SourceError::NoMatch { .. } | SourceError::EmptyDirectory { .. })
    }

    /// Another command reads the input, as opposed to the input being damaged.
    pub fn is_usage(&self) -> bool {
        matches!(self, SourceError::BadPattern { .. } | SourceError::NoByteOrderMark { .. })
    }

    /// Names an error that reading met after `offset` decompressed bytes.
    pub(super) fn from_read(name: &str, offset: u64, error: io::Error) -> SourceError {
        let name = name.to_owned();
        let Some(fault) = StreamFault::of(&error) else {
            return SourceError::Read { name, offset, error };
        };
        match fault {
            StreamFault::Truncated => SourceError::Truncated { name, offset },
            StreamFault::Checksum => SourceError::Checksum { name, offset },
            StreamFault::TrailingGarbage => SourceError::TrailingGarbage { name, offset },
            StreamFault::Corrupt(reason) => SourceError::Corrupt { name, offset, reason: reason.clone() },
            StreamFault::LostByte { line, at } => SourceError::LostByte { name, line: *line, at: *at },
            StreamFault::TooLarge { most, packed } => {
                SourceError::TooLarge { name, most: *most, packed: *packed }
            }
            StreamFault::Shrunk { expected, at } => {
                SourceError::Shrunk { name, expected: *expected, offset: *at }
            }
        }
    }
}

fn list_unreadable(files: &[(String, String)]) -> String {
    let one = |(name, reason): &(String, String)| format!("{name} ({reason})");
    files.iter().map(one).collect::<Vec<_>>().join(", ")
}
