//! Public sets of malformed input, through the built program. What is copied and from where: `README.md` here.

mod json;
#[path = "../../fuzz/src/lines.rs"]
mod lines;
mod parquet;

use std::path::PathBuf;

/// A folder beside the working copy, or `None` (said aloud) where it is not there.
fn shared(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("DROPOFF_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let path = root.join(folder);
    if !path.is_dir() {
        eprintln!("SKIPPED: {} is not there; set DROPOFF_SHARED", path.display());
        return None;
    }
    Some(path)
}
