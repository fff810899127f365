//! How long the texts of an input may be, and what is done to them.

use super::args::InputArgs;
use super::failure::Failure;
use super::memory::read_bytes;
use super::setting::Settings;
use crate::decode::Limits;
use crate::definition::SourceTable;
use crate::ingest::clean::Cleaning;

/// A longer field would leave little of what a record may hold.
const MOST_FIELD_BYTES: u64 = 1 << 20;

pub fn limits(args: &InputArgs, source: &SourceTable, settings: &Settings<'_>) -> Result<Limits, Failure> {
    let limits = Limits { salvage: args.salvage, ..Limits::default() };
    let Some(text) = &source.max_field else { return Ok(limits) };
    match read_bytes("--max-field", text)? {
        bytes @ 1..=MOST_FIELD_BYTES => Ok(Limits { max_field_bytes: bytes as usize, ..limits }),
        _ => {
            let setting = settings.of("--max-field", args.max_field.is_some(), "max_field");
            Err(setting.wrong(format!("{text} is not between 1B and 1MiB")))
        }
    }
}

/// What is done to every value.
pub fn cleaning(
    args: &InputArgs,
    source: &SourceTable,
    settings: &Settings<'_>,
) -> Result<Cleaning, Failure> {
    let composes = match source.normalize.as_deref() {
        None => false,
        Some("nfc") => true,
        Some(other) => {
            let setting = settings.of("--normalize", args.normalize.is_some(), "normalize");
            return Err(setting.wrong(format!("{other:?} is not nfc")));
        }
    };
    Ok(Cleaning { trims: source.trim == Some(true), composes })
}
