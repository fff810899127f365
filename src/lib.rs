//! Conversion, abandonment and time to purchase from exported event logs.

pub mod condition;
pub mod decode;
pub mod event;
pub mod funnel;
pub mod render;
pub mod report;
pub mod stats;
pub mod schema;
pub mod source;
