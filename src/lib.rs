//! Conversion, abandonment and time to purchase from exported event logs.

pub mod decode;
pub mod event;
pub mod report;
pub mod source;
