//! Funnels: which steps there are, which one each unit reached, and by which rows.

pub mod definition;
pub mod engine;
pub mod kinds;
pub mod steps;

mod attempts;
mod chain;
mod level;
mod plain;
mod ties;
mod unit;
