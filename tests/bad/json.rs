//! J: JSON.

use crate::case::Kind;

pub fn kinds() -> Vec<Kind> {
    Vec::new()
}
