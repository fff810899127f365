//! The words every stage shares: times, fields of a record, reject and warning codes.
//! Uses nothing else of this crate.

pub mod excerpt;

use serde::{Deserialize, Serialize};
use std::fmt;

/// Microseconds in one second, minute, hour and day of 86,400 s.
pub const SECOND_US: i64 = 1_000_000;
pub const MINUTE_US: i64 = 60 * SECOND_US;
pub const HOUR_US: i64 = 60 * MINUTE_US;
pub const DAY_US: i64 = 24 * HOUR_US;

/// One wanted field of a record, as a decoder hands it over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<'a> {
    /// The column or key is absent, or null. An empty text is `Text(b"")`.
    Missing,
    /// The field's text: unquoted, unescaped, valid UTF-8.
    Text(&'a [u8]),
    /// A time the format itself carries (Parquet), in µs since the Unix epoch, UTC.
    TimeUs(i64),
    /// As `TimeUs`, but without a zone: µs of the wall clock.
    LocalTimeUs(i64),
}

/// Where a record starts, relative to the piece of input being decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordAt {
    /// Physical lines before the record's first line, in this piece.
    pub lines_before: u64,
    /// Bytes before the record, in this piece of the decompressed stream.
    pub bytes_before: u64,
}

/// Why a row was not used. The codes are permanent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RejectCode {
    /// Fewer fields than the header.
    R01,
    /// More fields than the header.
    R02,
    /// Not UTF-8.
    R03,
    /// Time unreadable.
    R04,
    /// Time out of range.
    R05,
    /// Person absent.
    R07,
    /// A number that cannot be read.
    R09,
    /// Not a JSON object.
    R10,
    /// JSON nested too deeply.
    R11,
    /// A record or field over its size limit.
    R13,
    /// A NUL byte in a column that the source names.
    R14,
    /// A quote that is never closed.
    R15,
    /// A header line repeated inside the data.
    R16,
    /// A time after the given end of observation.
    R17,
}

impl RejectCode {
    /// All codes, in order; `index` is the place in this list.
    pub const ALL: [RejectCode; 14] = {
        use RejectCode::*;
        [R01, R02, R03, R04, R05, R07, R09, R10, R11, R13, R14, R15, R16, R17]
    };

    pub fn index(self) -> usize {
        self as usize
    }

    /// A few words for people.
    pub fn label(self) -> &'static str {
        match self {
            RejectCode::R01 => "too few fields",
            RejectCode::R02 => "too many fields",
            RejectCode::R03 => "not UTF-8",
            RejectCode::R04 => "time unreadable",
            RejectCode::R05 => "time out of range",
            RejectCode::R07 => "no person",
            RejectCode::R09 => "number unreadable",
            RejectCode::R10 => "not a JSON object",
            RejectCode::R11 => "JSON nested too deeply",
            RejectCode::R13 => "record or field too large",
            RejectCode::R14 => "NUL byte",
            RejectCode::R15 => "quote never closed",
            RejectCode::R16 => "repeated header",
            RejectCode::R17 => "time after the end of observation",
        }
    }

    /// What may be done about such rows, where there is something to type.
    pub fn hint(self) -> Option<&'static str> {
        Some(match self {
            RejectCode::R02 => "a text with the delimiter in it has to be quoted",
            RejectCode::R03 => "name the encoding of the file with --encoding, e.g. windows-1255 or latin1",
            RejectCode::R04 => {
                "times are read in one layout a file, with English names of months and the digits 0 to 9; \
                 --time-format, which may be repeated, names others"
            }
            RejectCode::R05 => {
                "a log starts in 1990 unless --min-time says otherwise; 1970-01-01T00:00:00 is a time that was never \
                 set, and the year 9999 stands for never"
            }
            RejectCode::R07 => "--user takes several columns: the first that is present names the person",
            RejectCode::R09 => {
                "an amount is digits with one decimal mark (--decimal ,) and without grouping or currency signs"
            }
            RejectCode::R10 => {
                "one JSON object a line, in double quotes, without comments, NaN or trailing commas"
            }
            RejectCode::R15 => {
                "close the quote where the message says, or double it if it is part of the text"
            }
            RejectCode::R17 => "--as-of is the end of observation: rows after it are not judged",
            _ => return None,
        })
    }

    /// The record as a whole is at fault, and not what one of its columns holds.
    pub fn is_structural(self) -> bool {
        use RejectCode::*;
        matches!(self, R01 | R02 | R03 | R10 | R11 | R13 | R14 | R15 | R16)
    }

    /// Repeated header lines are shown but do not count against the tolerance.
    pub fn counts_against_tolerance(self) -> bool {
        self != RejectCode::R16
    }
}

impl fmt::Display for RejectCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// One row that was not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    pub code: RejectCode,
    pub at: RecordAt,
    /// Slot of the wanted column at fault, if one is.
    pub slot: Option<usize>,
    /// Number of the column at fault in delimited text, from 0, wanted or not.
    pub field: Option<usize>,
    /// The text at fault or the start of the record, raw and cut; sanitise before printing.
    pub excerpt: Vec<u8>,
    /// What is wrong, in words that hold no data.
    pub message: String,
    /// The input is damaged here, and what follows need not be what it seems. A run stops, unless it was
    /// told to salvage what it can.
    pub damage: Option<Damage>,
}

/// What damage costs at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Damage {
    /// The record: a quote that is never closed, a hole of NUL bytes between line breaks.
    Record,
    /// All of the input from here on, which was not read: a JSON document whose brackets do not fit.
    Rest,
}
