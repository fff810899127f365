//! Conversion, abandonment and time to purchase from exported event logs.
//!
//! ```text
//! source/    files, globs, stdin, gz, zst        → bytes
//! decode/    CSV, JSONL, Parquet                 → records, or rejects with their place
//! condition/ derive/ funnel/ schema/             what rows, events, steps and columns mean
//! identity/  who acted; session: visits of one person
//! ingest/    records → events → every person's rows, in order
//! report/    counts and, with stats/, shares     → one typed result per report
//! check      thresholds over a report
//! render/    terminal, Markdown, CSV, JSON       → text
//! cli/       what was typed → what is decided → what is done
//! ```
//!
//! A stage uses the stages above it; `event`, `codes`, `human`, `calendar` and `stats` are used by all
//! and use none.

pub mod calendar;
pub mod check;
pub mod cli;
pub mod codes;
pub mod condition;
pub mod decode;
pub mod definition;
pub mod derive;
pub mod event;
pub mod funnel;
pub mod human;
pub mod identity;
pub mod ingest;
pub mod render;
pub mod report;
pub mod schema;
pub mod session;
pub mod source;
pub mod stats;
