//! Files, globs and standard input to bytes.
//!
//! [`list`] finds the inputs, [`open`] tells by their first bytes how they are packed, [`chunks`]
//! hands out their content in pieces, [`scratch`] keeps what does not fit in memory, [`sorted`] puts byte
//! strings in order, [`replace`] writes files as a whole. What the bytes mean is not known here.

pub mod chunks;
mod cutter;
mod duplicates;
pub mod encoding;
mod ending;
mod error;
mod guards;
pub mod list;
mod magic;
pub mod open;
pub mod replace;
pub mod scratch;
pub mod sorted;
mod streams;
mod utf_16;

pub use ending::Ending;
pub use error::SourceError;

use encoding::TextEncoding;
use std::fmt;
use std::path::PathBuf;

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

/// How inputs are opened. By default as UTF-8, whole or not at all, of any size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenOptions {
    /// Of text without a byte order mark; UTF-8 if not given.
    pub encoding: Option<TextEncoding>,
    /// Damaged compressed data is used up to the damage.
    pub salvage: bool,
    /// Bytes that one compressed input may unpack to.
    pub max_decompressed: Option<u64>,
    /// Where copies lie of what cannot be read in one go; the system's directory if not given.
    pub temp_dir: Option<PathBuf>,
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
    /// The same content under another name; read twice, unless one of the files was left out.
    SameContent { name: String, first: String, left_out: bool },
    /// Links and special files in a directory, which are not read.
    LeftOut { directory: String, first: String, n: usize },
    /// The name says another compression than the first bytes do.
    ToldByContent { name: String, compression: Compression },
    /// A byte order mark was skipped, and the text converted unless it is UTF-8.
    ByteOrderMark { name: String, encoding: TextEncoding },
    /// NUL bytes behind the last gzip member, as padding of tapes and blocks.
    Padding { name: String },
    /// The file is not what it was when it was opened.
    Changed { name: String, change: FileChange },
    /// A damaged input, used up to the damage: what it is, and after how many decompressed bytes.
    Partial { name: String, damage: String, offset: u64 },
}

/// How a file differs from what it was when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileChange {
    /// It was written to; sizes in bytes.
    Written { size_at_open: u64, size_now: u64 },
    /// Another file has its name.
    Replaced,
    /// No file has its name.
    Removed,
}

impl SourceNote {
    /// The permanent warning code, if it has one.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            SourceNote::SameFile { .. } => Some("W19"),
            SourceNote::SameContent { .. } => Some("W03"),
            SourceNote::LeftOut { .. } => Some("W25"),
            SourceNote::ToldByContent { .. } => Some("W20"),
            SourceNote::Changed { .. } => Some("W07"),
            SourceNote::Partial { .. } => Some("W24"),
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
            SourceNote::SameContent { name, first, left_out: true } => {
                write!(f, "{name} has the same content as {first}: read once")
            }
            SourceNote::SameContent { name, first, left_out: false } => write!(
                f,
                "{name} has the same content as {first}: every row of it counts twice; --dedupe-files reads it once"
            ),
            SourceNote::LeftOut { directory, first, n } => write!(
                f,
                "{directory}: {}, the first is {first}; --follow reads what links lead to",
                crate::human::counted(
                    *n as u64,
                    "link or special file was left out",
                    "links and special files were left out"
                )
            ),
            SourceNote::ToldByContent { name, compression } => {
                write!(f, "{name}: read as {compression}, told by its content and not by its name")
            }
            SourceNote::ByteOrderMark { name, encoding } => write!(f, "{name}: {encoding} byte order mark"),
            SourceNote::Padding { name } => {
                write!(f, "{name}: NUL padding behind the compressed data is ignored")
            }
            SourceNote::Changed { name, change } => match change {
                FileChange::Written { size_at_open, size_now } => write!(
                    f,
                    "{name} changed while it was read: {size_at_open} bytes at first, {size_now} now; read to its first size"
                ),
                FileChange::Replaced => {
                    write!(f, "{name} was replaced while it was read: the file that was there first was read")
                }
                FileChange::Removed => {
                    write!(
                        f,
                        "{name} was removed while it was read: the file that was there was read to its end"
                    )
                }
            },
            SourceNote::Partial { name, damage, offset } => write!(
                f,
                "{name} is damaged ({damage}) after {offset} decompressed bytes: its records before that are used, the rest of it is lost"
            ),
        }
    }
}
