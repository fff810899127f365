//! The saved corpus as files for the fuzzer, and back:
//!
//! ```text
//! cargo run --release --no-default-features --example corpus -- unpack FILE FOLDER
//! cargo run --release --no-default-features --example corpus -- pack FOLDER FILE
//! ```

#[path = "../src/lines.rs"]
mod lines;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// Bytes that one target may save.
const MOST_BYTES: usize = 24_000;

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["unpack", file, folder] => unpack(Path::new(file), Path::new(folder)),
        ["pack", folder, file] => pack(Path::new(folder), Path::new(file)),
        _ => Err(io::Error::new(ErrorKind::InvalidInput, "write: unpack FILE FOLDER, or pack FOLDER FILE")),
    }
}

/// One file an input; what lies in the folder stays.
fn unpack(file: &Path, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (place, line) in fs::read_to_string(file)?.lines().enumerate() {
        let bytes = lines::unescaped(line).ok_or_else(|| io::Error::new(ErrorKind::InvalidData, line))?;
        fs::write(folder.join(format!("saved-{place}")), bytes)?;
    }
    Ok(())
}

/// The shortest inputs, as many as fit, each once, in order.
fn pack(folder: &Path, file: &Path) -> io::Result<()> {
    let mut inputs = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let line = lines::escaped(&fs::read(entry?.path())?);
        inputs.insert((line.len(), line));
    }
    let mut left = MOST_BYTES;
    let fits = |(length, _): &(usize, String)| {
        left = left.saturating_sub(length + 1);
        left > 0
    };
    let text: String = inputs.into_iter().take_while(fits).map(|(_, line)| line + "\n").collect();
    fs::write(file, text)
}
