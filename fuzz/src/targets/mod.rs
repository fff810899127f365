//! The bodies of the fuzz targets: each takes any bytes, and panics where the program breaks a promise.
//!
//! The fuzzer runs them (`scripts/fuzz`), and an ordinary test runs them on what the fuzzer found worth
//! keeping (`tests/corpus.rs`). So they use the program's rooms as `crate::…`, whichever crate that is.

pub mod access_log;
mod choices;
pub mod condition;
pub mod csv;
pub mod definition;
mod document;
pub mod json;
pub mod jsonl;
pub mod markdown;
mod pieces;
pub mod steps;
pub mod tables;
pub mod terminal;
pub mod time;

/// A target: its name, and what it does with the bytes of an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target by its name.
pub const ALL: &[Target] = &[
    ("access_log", access_log::run),
    ("condition", condition::run),
    ("csv", csv::run),
    ("definition", definition::run),
    ("json", json::run),
    ("jsonl", jsonl::run),
    ("markdown", markdown::run),
    ("steps", steps::run),
    ("tables", tables::run),
    ("terminal", terminal::run),
    ("time", time::run),
];
