//! One pass over the input: files to events, and events to every person's rows in order.
//!
//! Leaves out what the rows mean: sessions, funnels and reports come later and see persons only.

mod assemble;
mod batch;
mod dictionary;
pub mod plan;
mod sequence;
mod settle;
mod shard;
