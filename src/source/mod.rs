//! Files, globs and standard input to bytes.
//!
//! [`list`] finds the inputs, [`open`] tells by their first bytes how they are packed, [`chunks`]
//! hands out their content in pieces, [`scratch`] keeps what does not fit in memory, [`sorted`] puts byte
//! strings in order. What the bytes mean is not known here.

pub mod chunks;
mod cutter;
pub mod list;
pub mod open;
pub mod scratch;
pub mod sorted;
mod streams;

use std::fmt;
use std::io;
use std::path::PathBuf;
use streams::StreamFault;

/// One input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// As the user would type it; `<stdin>` for standard input.
    pub name: String,
    pub kind: InputKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputKind {
    Stdin,
    File(PathBuf),
}

impl Input {
    pub fn stdin() -> Input {
        Input { name: "<stdin>".to_owned(), kind: InputKind::Stdin }
    }

    pub fn file(path: impl Into<PathBuf>) -> Input {
        let path = path.into();
        Input { name: path.to_string_lossy().into_owned(), kind: InputKind::File(path) }
    }
}

/// How an input is packed, told by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compression::None => "not compressed",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        })
    }
}

/// Something worth telling that stops nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceNote {
    /// The same file under two names (or one name twice); it is read once.
    SameFile { name: String, first: String },
    /// The name says another compression than the first bytes do.
    ToldByContent { name: String, compression: Compression },
    /// A byte order mark was skipped, and the text converted unless it is UTF-8.
    ByteOrderMark { name: String, encoding: &'static str },
    /// NUL bytes behind the last gzip member, as padding of tapes and blocks.
    Padding { name: String },
}

impl SourceNote {
    /// The permanent warning code, if it has one.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            SourceNote::SameFile { .. } => Some("W19"),
            SourceNote::ToldByContent { .. } => Some("W20"),
            SourceNote::ByteOrderMark { .. } | SourceNote::Padding { .. } => None,
        }
    }
}

impl fmt::Display for SourceNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SourceNote::SameFile { name, first } => {
                write!(f, "{name} is the same file as {first}: read once")
            }
            SourceNote::ToldByContent { name, compression } => {
                write!(f, "{name}: read as {compression}, told by its content and not by its name")
            }
            SourceNote::ByteOrderMark { name, encoding } => write!(f, "{name}: {encoding} byte order mark"),
            SourceNote::Padding { name } => {
                write!(f, "{name}: NUL padding behind the compressed data is ignored")
            }
        }
    }
}

/// Why an input cannot be read. `Display` says what, [`SourceError::hint`] what to do.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("{path}: no such file or directory")]
    NotFound { path: String, nearest: Option<String> },
    #[error("{pattern}: no file matches this pattern")]
    NoMatch { pattern: String, nearest_directory: Option<String> },
    #[error("{pattern}: not a pattern: {reason}")]
    BadPattern { pattern: String, reason: String },
    #[error("{path}: no log files in this directory")]
    EmptyDirectory { path: String },
    #[error("{path}: cannot read this directory: {reason}")]
    Directory { path: String, reason: String },
    #[error("{path}: cannot read this list of files: {reason}")]
    List { path: String, reason: String },
    #[error("cannot read {}", list_unreadable(.files))]
    Unreadable { files: Vec<(String, String)> },
    #[error("{name}: {form} is not read here")]
    Unsupported { name: String, form: &'static str },
    #[error("{name}: the compressed data is truncated: it ends after {offset} decompressed bytes")]
    Truncated { name: String, offset: u64 },
    #[error("{name}: wrong checksum in the compressed data, after {offset} decompressed bytes")]
    Checksum { name: String, offset: u64 },
    #[error("{name}: bytes that belong to no compressed data follow {offset} decompressed bytes")]
    TrailingGarbage { name: String, offset: u64 },
    #[error("{name}: the compressed data is damaged after {offset} decompressed bytes: {reason}")]
    Corrupt { name: String, offset: u64, reason: String },
    #[error("{name}: the file shrank while it was read: {expected} bytes at first, none at byte {offset}")]
    Shrunk { name: String, expected: u64, offset: u64 },
    #[error("{name}: cannot read on at byte {offset}")]
    Read { name: String, offset: u64, source: io::Error },
    #[error("{name}: cannot write a temporary copy")]
    Spool { name: String, source: io::Error },
}

impl SourceError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            SourceError::NotFound { nearest: Some(nearest), .. } => Some(format!("did you mean {nearest}?")),
            SourceError::NoMatch { nearest_directory: Some(directory), .. } => {
                Some(format!("the nearest directory that exists is {directory}"))
            }
            SourceError::EmptyDirectory { .. } => {
                Some(format!("looked for {} and their .gz and .zst", list::EXTENSIONS.join(", ")))
            }
            SourceError::Unsupported { form, .. } => {
                Some(format!("unpack the {form} and give what is inside"))
            }
            SourceError::Truncated { .. } | SourceError::Checksum { .. } | SourceError::Corrupt { .. } => {
                Some("the file was not written or copied whole: fetch it again".to_owned())
            }
            SourceError::Shrunk { .. } => {
                Some("something rewrites this file: read it when it is complete".to_owned())
            }
            _ => None,
        }
    }

    /// There is nothing to analyse, as opposed to something that cannot be read.
    pub fn is_nothing_to_read(&self) -> bool {
        matches!(self, SourceError::NoMatch { .. } | SourceError::EmptyDirectory { .. })
    }

    /// Names an error that reading met after `offset` decompressed bytes.
    fn from_read(name: &str, offset: u64, error: io::Error) -> SourceError {
        let name = name.to_owned();
        match error.get_ref().and_then(|inner| inner.downcast_ref::<StreamFault>()) {
            Some(StreamFault::Truncated) => SourceError::Truncated { name, offset },
            Some(StreamFault::Checksum) => SourceError::Checksum { name, offset },
            Some(StreamFault::TrailingGarbage) => SourceError::TrailingGarbage { name, offset },
            Some(StreamFault::Corrupt(reason)) => {
                SourceError::Corrupt { name, offset, reason: reason.clone() }
            }
            None => SourceError::Read { name, offset, source: error },
        }
    }
}

fn list_unreadable(files: &[(String, String)]) -> String {
    let one = |(name, reason): &(String, String)| format!("{name} ({reason})");
    files.iter().map(one).collect::<Vec<_>>().join(", ")
}
