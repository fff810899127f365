//! Byte strings put in order, however many: what does not fit in memory is sorted in runs that wait
//! in a temporary file, and merged while it is read. What the strings say is not known here.

use super::scratch::{Scratch, ScratchReader};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

/// Bytes of a buffer in front of the temporary file, while it is written.
const WRITE_BYTES: usize = 128 << 10;
/// Bytes that the buffers of all runs share while they are merged, and the least of one.
const READ_BYTES: usize = 16 << 20;
const LEAST_READ_BYTES: usize = 4 << 10;

/// Takes byte strings in any order. Several can be filled side by side and then be one.
pub struct Sorter {
    directory: Arc<PathBuf>,
    /// Bytes in memory at most, places included.
    most_bytes: usize,
    waiting: Strings,
    /// Made when memory does not suffice.
    scratch: Option<Scratch>,
    /// Runs in order, on disk.
    runs: Vec<ScratchReader>,
    /// What other sorters hold in memory.
    others: Vec<Strings>,
}

/// Byte strings end to end.
#[derive(Default)]
struct Strings {
    bytes: Vec<u8>,
    /// Where each begins and ends.
    places: Vec<(usize, usize)>,
}

impl Strings {
    fn get(&self, (start, end): (usize, usize)) -> &[u8] {
        &self.bytes[start..end]
    }

    fn held(&self) -> usize {
        self.bytes.len() + self.places.len() * size_of::<(usize, usize)>()
    }

    fn sort(&mut self) {
        let Strings { bytes, places } = self;
        places.sort_unstable_by(|&(a, a_end), &(b, b_end)| bytes[a..a_end].cmp(&bytes[b..b_end]));
    }
}

impl Sorter {
    /// Keeps up to `most_bytes` in memory; the rest goes to temporary files in `directory`.
    pub fn new(directory: PathBuf, most_bytes: usize) -> Sorter {
        Sorter {
            directory: Arc::new(directory),
            most_bytes,
            waiting: Strings::default(),
            scratch: None,
            runs: Vec::new(),
            others: Vec::new(),
        }
    }

    /// Takes one string. Fails only where a temporary file does.
    pub fn push(&mut self, text: &[u8]) -> io::Result<()> {
        let start = self.waiting.bytes.len();
        self.waiting.bytes.extend_from_slice(text);
        self.waiting.places.push((start, start + text.len()));
        if self.waiting.held() > self.most_bytes { self.write_run() } else { Ok(()) }
    }

    fn write_run(&mut self) -> io::Result<()> {
        self.waiting.sort();
        if self.scratch.is_none() {
            self.scratch = Some(Scratch::create_in(&self.directory)?);
        }
        let Some(scratch) = &mut self.scratch else { return Ok(()) };
        let start = scratch.written();
        let mut out = BufWriter::with_capacity(WRITE_BYTES, &mut *scratch);
        for &place in &self.waiting.places {
            let text = self.waiting.get(place);
            out.write_all(&(text.len() as u32).to_le_bytes())?;
            out.write_all(text)?;
        }
        out.flush()?;
        drop(out);
        self.runs.push(scratch.reader(start, scratch.written() - start));
        self.waiting.bytes.clear();
        self.waiting.places.clear();
        Ok(())
    }

    /// Takes over all that another sorter holds.
    pub fn merge(&mut self, other: Sorter) {
        self.runs.extend(other.runs);
        self.others.extend(other.others);
        self.others.push(other.waiting);
    }

    /// All strings in order, those that are equal one after another.
    pub fn sorted(self) -> io::Result<Sorted> {
        let mut sources: Vec<Source> = Vec::new();
        let buffer_bytes = (READ_BYTES / self.runs.len().max(1)).clamp(LEAST_READ_BYTES, WRITE_BYTES);
        for run in self.runs {
            sources.push(Source::Run(BufReader::with_capacity(buffer_bytes, run)));
        }
        for mut strings in self.others.into_iter().chain([self.waiting]) {
            strings.sort();
            sources.push(Source::Memory(strings, 0));
        }
        let mut sorted = Sorted { sources, heads: BinaryHeap::new(), taken: None };
        for source in 0..sorted.sources.len() {
            sorted.refill(source, Vec::new())?;
        }
        Ok(sorted)
    }
}

/// Strings in order, one at a time.
pub struct Sorted {
    sources: Vec<Source>,
    /// The next string of each source that has one.
    heads: BinaryHeap<Reverse<(Vec<u8>, usize)>>,
    /// The string that was handed out, and where it came from.
    taken: Option<(Vec<u8>, usize)>,
}

enum Source {
    /// Sorted, with the number of those that were read.
    Memory(Strings, usize),
    Run(BufReader<ScratchReader>),
}

impl Source {
    /// Puts the next string into `text`; `false` at the end.
    fn next(&mut self, text: &mut Vec<u8>) -> io::Result<bool> {
        text.clear();
        match self {
            Source::Memory(strings, read) => {
                let Some(&place) = strings.places.get(*read) else { return Ok(false) };
                *read += 1;
                text.extend_from_slice(strings.get(place));
                Ok(true)
            }
            Source::Run(reader) => {
                let mut len = [0; 4];
                if reader.read(&mut len[..1])? == 0 {
                    return Ok(false);
                }
                reader.read_exact(&mut len[1..])?;
                text.resize(u32::from_le_bytes(len) as usize, 0);
                reader.read_exact(text)?;
                Ok(true)
            }
        }
    }
}

impl Sorted {
    /// The next string, or none at the end. Fails only where a temporary file does.
    pub fn next_text(&mut self) -> io::Result<Option<&[u8]>> {
        if let Some((text, source)) = self.taken.take() {
            self.refill(source, text)?;
        }
        self.taken = self.heads.pop().map(|Reverse(head)| head);
        Ok(self.taken.as_ref().map(|(text, _)| text.as_slice()))
    }

    fn refill(&mut self, source: usize, mut text: Vec<u8>) -> io::Result<()> {
        if self.sources[source].next(&mut text)? {
            self.heads.push(Reverse((text, source)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(sorter: Sorter) -> Vec<Vec<u8>> {
        let mut sorted = sorter.sorted().expect("it can be read");
        let mut texts = Vec::new();
        while let Some(text) = sorted.next_text().expect("it can be read") {
            texts.push(text.to_vec());
        }
        texts
    }

    proptest! {
        #[test]
        fn any_number_of_runs_gives_the_order_of_bytes(
            texts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..6), 0..60),
            most_bytes in 0_usize..200,
            sorters in 1_usize..4,
        ) {
            let directory = tempfile::tempdir().expect("a directory");
            let new = || Sorter::new(directory.path().to_owned(), most_bytes);
            let mut parts: Vec<Sorter> = (0..sorters).map(|_| new()).collect();
            for (place, text) in texts.iter().enumerate() {
                parts[place % sorters].push(text).expect("it can be written");
            }
            let mut whole = new();
            parts.into_iter().for_each(|part| whole.merge(part));
            let mut wanted = texts;
            wanted.sort();
            prop_assert_eq!(all(whole), wanted);
        }
    }

    #[test]
    fn without_a_directory_only_what_fits_in_memory_can_be_sorted() {
        let missing = PathBuf::from("/no such directory");
        let mut sorter = Sorter::new(missing.clone(), 1 << 10);
        sorter.push(b"b").expect("it fits");
        sorter.push(b"a").expect("it fits");
        assert_eq!(all(sorter), [b"a", b"b"]);
        let error = Sorter::new(missing, 0).push(b"a").expect_err("it does not");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
