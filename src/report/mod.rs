//! Typed results, and how they lie in tables.

pub mod table;
