//! The log of a shop, drawn from a seed: the same arguments give the same bytes on every machine.
//!
//! Most people visit once and few visit hundreds of times (P(visits ≥ k) = k^-1.4); visits have a
//! handful of events, some lead to a purchase, some gaps lie exactly at the 30 minutes that end a
//! session; texts hold what logs hold: quotes, commas, other scripts, empty fields. A row of the
//! 14 columns has about 350 bytes of CSV. No person has two events in one millisecond, so that no
//! order of rows and no rule for ties changes an answer.
//!
//! Only integers and the four operations, which no platform rounds its own way. Leaves out
//! unsound rows: what is rejected is for tests to say.

#![allow(dead_code, unused_imports, reason = "every program that draws a log uses a part of this")]

mod draw;
pub mod parquet;
mod row;
mod words;

pub use draw::{Log, Order, People, Shape};
pub use row::{COLUMNS, Format, NARROW, Row};
