//! Funnels: which steps there are, which one each unit reached, and by which rows.

pub mod conflict;
pub mod definition;
pub mod engine;
pub mod history;
pub mod kinds;
pub mod options;
pub mod rules;
pub mod steps;
pub mod windows;

mod any_order;
mod attempts;
mod chain;
mod general;
mod level;
mod pareto;
mod plain;
mod queue;
mod reach;
mod ties;
mod tolerant;
mod tries;
mod unit;
mod view;
