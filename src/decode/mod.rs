//! Bytes to records: only the wanted fields, every record checked whole.
//!
//! A decoder takes one piece of input (a chunk cut at line breaks, or a slice of a Parquet
//! file) and hands every sound record to a [`RecordSink`], every unsound one to
//! [`RecordSink::reject`]. Which columns are wanted never changes which records are sound.

pub mod access_log;
pub mod csv;
mod csv_exact;
mod csv_scan;
mod csv_walk;
pub mod decimal_mark;
pub mod dialect;
mod fields;
pub mod guard;
pub mod header;
pub mod jsonl;
mod lines;
mod machine;
pub mod number;
pub mod parquet;
pub mod small_table;
pub mod time;

pub use lines::{HOLE, hole};

use crate::event::{Field, RecordAt, Reject};

/// Takes records in the order in which they lie in the piece.
pub trait RecordSink {
    /// A sound record; `fields[slot]` is the wanted column of that slot. The texts live only for the call.
    fn record(&mut self, at: RecordAt, fields: &[Field<'_>]);
    /// All bytes of the JSON record that comes next, where the decoder was asked for them.
    fn text(&mut self, _record: &[u8]) {}
    /// An unsound record: it counts as read and as rejected.
    fn reject(&mut self, reject: Reject);
}

/// How a piece ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PieceEnd {
    /// Records met, sound or not. Blank lines are not records.
    pub records: u64,
    /// Lines that held nothing (or only blanks).
    pub blank_lines: u64,
    /// Physical line breaks in the consumed bytes.
    pub lines: u64,
    /// Bytes of whole records. What follows is the start of a record that goes on in the
    /// next piece: it is to be decoded again, with the bytes of that piece behind it.
    pub consumed: usize,
    /// Sound records that held a quote inside an unquoted field, taken literally.
    pub stray_quotes: u64,
    /// Sound records whose last field goes on over lines that each look like a record, and the first of them.
    pub rows_in_text: u64,
    pub first_rows_in_text: Option<RecordAt>,
    /// Records with more fields than columns, all of the extra ones empty: they are left out.
    pub empty_tails: u64,
}

/// Limits of one record; over them it is rejected (R13, R15), never buffered without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub max_record_bytes: usize,
    pub max_field_bytes: usize,
    /// Line breaks inside one quoted field.
    pub max_field_lines: usize,
    /// What is damaged is used as far as it goes: a quote that is never closed costs its record and
    /// not the rest of the file.
    pub salvage: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_record_bytes: 2 << 20, max_field_bytes: 64 << 10, max_field_lines: 100, salvage: false }
    }
}
