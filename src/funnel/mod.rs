//! Which step each unit reached, and by which rows.

pub mod engine;
pub mod kinds;

mod attempts;
mod chain;
mod level;
mod ties;
mod unit;
