//! The command line: `args` (what was typed) → `plan` (all that is decided) → `run` (does it).
//!
//! The only place that prints, reads the environment, or knows exit codes.

pub mod allocator;
pub mod args;
mod check;
mod decimal;
mod failure;
pub mod fault;
mod funnel;
mod generate;
mod help;
mod identity;
mod identity_map;
mod input;
mod inspect;
mod lists;
mod memory;
mod opening;
mod output;
mod plan;
mod privacy;
mod progress;
mod reading;
mod report;
mod run;
mod sessions;
mod setting;
mod target;
mod texts;
mod tolerance;
mod unknown_column;
mod validate;
mod when;

pub use failure::{Exit, Failure};
pub use run::run;
