//! Of the reports, what renderers know.

#[path = "../target/source/report/table.rs"]
pub mod table;
