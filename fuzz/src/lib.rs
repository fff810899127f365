//! The program's rooms that need no polars, as `build.rs` takes them over, and the fuzz targets.

#[path = "../target/source/calendar.rs"]
pub mod calendar;
#[path = "../target/source/condition/mod.rs"]
pub mod condition;
#[path = "../target/source/decode/mod.rs"]
pub mod decode;
#[path = "../target/source/definition/mod.rs"]
pub mod definition;
#[path = "../target/source/derive/mod.rs"]
pub mod derive;
#[path = "../target/source/event/mod.rs"]
pub mod event;
#[path = "../target/source/funnel/mod.rs"]
pub mod funnel;
#[path = "../target/source/human.rs"]
pub mod human;
#[path = "../target/source/render/mod.rs"]
pub mod render;
pub mod report;
pub mod targets;
