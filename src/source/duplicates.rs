//! Files with the same content under several names: exports that were copied or delivered twice.
//!
//! Only files of the same size are looked into; of those first both ends, and the whole where these agree.

use super::{Input, InputKind};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes of each end that are compared first.
const END_BYTES: u64 = 64 << 10;

/// The inputs whose content an earlier one has as well: the place of each, and of the first with its
/// content. What cannot be read is left to whoever opens it.
pub(super) fn repeated(inputs: &[Input]) -> Vec<(usize, usize)> {
    let mut of_size: HashMap<u64, Vec<usize>> = HashMap::new();
    for (place, input) in inputs.iter().enumerate() {
        if let Some(size) = regular(input).and_then(|path| fs::metadata(path).ok()).map(|found| found.len()) {
            of_size.entry(size).or_default().push(place);
        }
    }
    let mut repeated = Vec::new();
    for (size, places) in of_size.into_iter().filter(|(size, places)| *size > 0 && places.len() > 1) {
        for alike in grouped(&places, |place| ends(regular(&inputs[place])?, size).ok().flatten()) {
            let groups = if size <= 2 * END_BYTES {
                vec![alike]
            } else {
                grouped(&alike, |place| whole(regular(&inputs[place])?).ok())
            };
            for group in groups {
                repeated.extend(group[1..].iter().map(|&place| (place, group[0])));
            }
        }
    }
    repeated.sort_unstable();
    repeated
}

fn regular(input: &Input) -> Option<&Path> {
    match &input.kind {
        InputKind::File(path) if path.is_file() => Some(path),
        InputKind::File(_) | InputKind::Stdin => None,
    }
}

/// The places with the same key, two at least, each group in order.
fn grouped(places: &[usize], key: impl Fn(usize) -> Option<blake3::Hash>) -> Vec<Vec<usize>> {
    let mut groups: HashMap<blake3::Hash, Vec<usize>> = HashMap::new();
    for &place in places {
        if let Some(key) = key(place) {
            groups.entry(key).or_default().push(place);
        }
    }
    groups.into_values().filter(|group| group.len() > 1).collect()
}

/// Both ends of a file, which are all of it if it is small; `None` where it holds one line at most: headers
/// are alike in files of other rows.
fn ends(path: &Path, size: u64) -> io::Result<Option<blake3::Hash>> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    file.by_ref().take(END_BYTES).read_to_end(&mut bytes)?;
    let is_one_line = memchr::memchr2(b'\n', b'\r', bytes.trim_ascii_end()).is_none();
    if size <= END_BYTES && is_one_line && std::str::from_utf8(&bytes).is_ok() {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(size.saturating_sub(END_BYTES).max(bytes.len() as u64)))?;
    file.take(END_BYTES).read_to_end(&mut bytes)?;
    Ok(Some(blake3::hash(&bytes)))
}

fn whole(path: &Path) -> io::Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_content_is_the_same() {
        let directory = tempfile::tempdir().expect("a directory");
        let long = |middle: u8| {
            let mut bytes = b"line\n".repeat(60_000);
            bytes[150_000] = middle;
            bytes
        };
        let files: [(&str, Vec<u8>); 9] = [
            ("a", b"user\nu1\n".to_vec()),
            ("b", b"user\nu2\n".to_vec()),
            ("c", b"user\nu1\n".to_vec()),
            ("long", long(b'x')),
            ("long other", long(b'y')),
            ("long again", long(b'x')),
            ("header", b"user,event\n".to_vec()),
            ("header again", b"user,event\n".to_vec()),
            ("a third time", b"user\nu1\n".to_vec()),
        ];
        let inputs: Vec<Input> = files
            .iter()
            .map(|(name, bytes)| {
                let path = directory.path().join(name);
                fs::write(&path, bytes).expect("a file");
                Input::file(path)
            })
            .chain([Input::stdin(), Input::file(directory.path().join("none"))])
            .collect();
        assert_eq!(repeated(&inputs), [(2, 0), (5, 3), (8, 0)]);
    }
}
