//! Funnels: which steps there are, which one was reached, and when.

pub mod steps;
