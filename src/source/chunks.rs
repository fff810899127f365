//! The content of one input in chunks of about 1 MiB, cut behind line breaks where it has lines, for many
//! workers.
//!
//! A plain file is read in parallel, each chunk by whoever asks for it, with no pass before: a
//! chunk starts behind the first line break near its nominal place. A stream is unpacked by a
//! thread of its own. A line break inside a quoted field looks like any other here, so a chunk may
//! start inside a record; whoever decodes finds out, because the chunk before then ends inside one.

use super::SourceError;
use super::cutter::{Stream, Stretch};
use super::open::{Body, Opened};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The least size of a chunk but the last, before it is cut.
pub(super) const CHUNK_BYTES: u64 = 1 << 20;
/// Bytes read at once in search of a line break: most lines are shorter.
const PROBE_BYTES: usize = 4 << 10;
/// Bytes read at once of a long line.
pub(super) const BLOCK_BYTES: usize = 64 << 10;

/// One piece of the content.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Place in the input, from 0.
    pub index: u64,
    pub bytes: Vec<u8>,
    /// Offset of the first byte in the decompressed stream, byte order mark included. (Of text that
    /// was UTF-16: in the UTF-8 that it became, behind the two bytes of the mark.)
    pub offset: u64,
    /// Nothing follows.
    pub last: bool,
    /// What follows is lost: the record that the bytes end with may not be whole.
    pub cut_short: bool,
}

/// What to cut and how.
#[derive(Debug, Clone, Copy)]
pub struct ChunkOptions {
    /// Chunks end behind this byte: `\n`, or `\r` where it is the only line break. Without it they end
    /// anywhere, and nothing is left out.
    pub border: Option<u8>,
    /// Of a stretch without any line break only so much is kept: what follows up to the next line
    /// break is left out. It lies far above any limit of a record, so that no sound record is
    /// touched, and bounds memory.
    pub max_line_bytes: usize,
}

impl ChunkOptions {
    /// For what is no lines.
    pub const ANYWHERE: ChunkOptions = ChunkOptions { border: None, max_line_bytes: usize::MAX };
}

impl Default for ChunkOptions {
    fn default() -> Self {
        ChunkOptions { border: Some(b'\n'), max_line_bytes: 64 << 20 }
    }
}

/// Hands out the chunks of one input to any number of threads.
///
/// The concatenation of all chunks is the input behind its byte order mark (but for
/// [`ChunkOptions::max_line_bytes`]), read to the size it had when it was opened.
#[derive(Debug)]
pub struct Chunks {
    read: Arc<AtomicU64>,
    supply: Supply,
}

#[derive(Debug)]
enum Supply {
    Plain(Plain),
    Stream(Stream),
}

impl Chunks {
    pub fn new(opened: Opened, options: ChunkOptions) -> Chunks {
        let Opened { name, head, body, read, ending, .. } = opened;
        let supply = match body {
            Body::File { file, start, size } => {
                Supply::Plain(Plain::new(name, file, start, size, options, Arc::clone(&read)))
            }
            Body::Stream { rest, start } => Supply::Stream(Stream::start(ending, head, rest, start, options)),
        };
        Chunks { read, supply }
    }

    /// The next chunk that nobody has taken, in a buffer that is done with; `None` behind the last.
    ///
    /// Chunks of a plain file may come out of order when several threads ask; those of a stream
    /// are numbered as they come. After an error of a stream nothing follows.
    pub fn next(&self, buffer: Vec<u8>) -> Result<Option<Chunk>, SourceError> {
        match &self.supply {
            Supply::Plain(plain) => plain.next(buffer),
            Supply::Stream(stream) => stream.next(buffer),
        }
    }

    /// Bytes read so far of the file as it lies on disk, for progress.
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

/// A plain file, read at any place.
#[derive(Debug)]
struct Plain {
    name: String,
    file: PlainFile,
    start: u64,
    size: u64,
    options: ChunkOptions,
    next: AtomicU64,
    /// The last long line met, so that the chunks inside it need not search it again.
    long_line: Mutex<Range<u64>>,
    read: Arc<AtomicU64>,
}

impl Plain {
    fn new(
        name: String,
        file: File,
        start: u64,
        size: u64,
        options: ChunkOptions,
        read: Arc<AtomicU64>,
    ) -> Plain {
        let file = PlainFile::new(file);
        let (next, long_line) = (AtomicU64::new(0), Mutex::new(0..0));
        Plain { name, file, start, size, options, next, long_line, read }
    }

    fn next(&self, mut bytes: Vec<u8>) -> Result<Option<Chunk>, SourceError> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        if index.saturating_mul(CHUNK_BYTES) >= self.size {
            return Ok(None);
        }
        let from = self.boundary(index)?;
        if index > 0 && from == self.size {
            // The chunk before reached the end.
            return Ok(None);
        }
        let to = self.boundary(index + 1)?;
        let most = self.options.max_line_bytes;
        if to - from <= most.max(2 * CHUNK_BYTES as usize) as u64 {
            // Not cleared first: only what the buffer grows by is zeroed.
            bytes.resize((to - from) as usize, 0);
            self.read_at(&mut bytes, from)?;
        } else {
            bytes.clear();
            self.read_long(&mut bytes, from..to)?;
        }
        self.read.fetch_add(to - from, Ordering::Relaxed);
        Ok(Some(Chunk { index, bytes, offset: from, last: to == self.size, cut_short: false }))
    }

    /// Where the chunk starts: behind the first border at or behind the byte before its nominal place.
    fn boundary(&self, index: u64) -> Result<u64, SourceError> {
        if index == 0 {
            return Ok(self.start);
        }
        let from = index.saturating_mul(CHUNK_BYTES) - 1;
        if from >= self.size {
            return Ok(self.size);
        }
        let Some(border) = self.options.border else { return Ok(from + 1) };
        let known = self.long_line.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if known.contains(&from) {
            return Ok(known.end);
        }
        let mut probe = [0; PROBE_BYTES];
        let mut block = Vec::new();
        let mut at = from;
        while at < self.size {
            let buffer = if at == from {
                &mut probe[..]
            } else {
                block.resize(BLOCK_BYTES, 0);
                &mut block[..]
            };
            let most = (self.size - at).min(buffer.len() as u64) as usize;
            self.read_at(&mut buffer[..most], at)?;
            if let Some(found) = memchr::memchr(border, &buffer[..most]) {
                at += found as u64 + 1;
                break;
            }
            at += most as u64;
        }
        if at - from > CHUNK_BYTES {
            *self.long_line.lock().unwrap_or_else(PoisonError::into_inner) = from..at;
        }
        Ok(at)
    }

    fn read_long(&self, bytes: &mut Vec<u8>, range: Range<u64>) -> Result<(), SourceError> {
        let mut block = vec![0; BLOCK_BYTES];
        let mut stretch = Stretch::default();
        let mut at = range.start;
        while at < range.end {
            let most = (range.end - at).min(BLOCK_BYTES as u64) as usize;
            self.read_at(&mut block[..most], at)?;
            stretch.append(bytes, &block[..most], self.options.max_line_bytes);
            at += most as u64;
        }
        Ok(())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), SourceError> {
        self.file.read_exact_at(buffer, offset).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                let offset = self.file.len().map_or(offset, |size| size.min(self.size));
                SourceError::Shrunk { name: self.name.clone(), expected: self.size, offset }
            }
            _ => SourceError::Read { name: self.name.clone(), offset, error },
        })
    }
}

/// A file that several threads read at places of their own.
#[derive(Debug)]
pub(super) struct PlainFile {
    #[cfg(unix)]
    file: File,
    #[cfg(not(unix))]
    file: Mutex<File>,
}

#[cfg(unix)]
impl PlainFile {
    pub(super) fn new(file: File) -> PlainFile {
        PlainFile { file }
    }

    pub(super) fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, buffer, offset)
    }

    pub(super) fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.file, bytes, offset)
    }

    fn metadata(&self) -> io::Result<std::fs::Metadata> {
        self.file.metadata()
    }
}

#[cfg(not(unix))]
impl PlainFile {
    pub(super) fn new(file: File) -> PlainFile {
        PlainFile { file: Mutex::new(file) }
    }

    pub(super) fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        use std::io::{Read, Seek, SeekFrom};
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(buffer)
    }

    pub(super) fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        use std::io::{Seek, SeekFrom, Write};
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)
    }

    fn metadata(&self) -> io::Result<std::fs::Metadata> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).metadata()
    }
}

impl PlainFile {
    fn len(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::open::open;
    use super::super::{Ending, FileChange, Input, OpenOptions, SourceNote};
    use super::*;
    use std::io::{Read, Write};
    use std::sync::Weak;
    use std::thread;
    use std::time::{Duration, Instant};

    const SIZE: usize = CHUNK_BYTES as usize;

    struct Kept {
        directory: tempfile::TempDir,
    }

    impl Kept {
        fn new() -> Kept {
            Kept { directory: tempfile::tempdir().expect("a directory can be made") }
        }

        fn chunks(&self, name: &str, bytes: &[u8], options: ChunkOptions) -> Chunks {
            self.opened(name, bytes, &OpenOptions::default(), options).0
        }

        fn opened(
            &self,
            name: &str,
            bytes: &[u8],
            how: &OpenOptions,
            options: ChunkOptions,
        ) -> (Chunks, Ending) {
            let path = self.directory.path().join(name);
            File::create(&path)
                .and_then(|mut file| file.write_all(bytes))
                .expect("the directory can be written");
            let opened = open(&Input::file(path), how).expect("the file can be opened");
            let ending = opened.ending.clone();
            (Chunks::new(opened, options), ending)
        }
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).expect("memory can be written");
        encoder.finish().expect("memory can be written")
    }

    fn all(chunks: &Chunks) -> Vec<Chunk> {
        let next = || chunks.next(vec![7; 100]).expect("the input can be read");
        std::iter::from_fn(next).collect()
    }

    /// Lines of very different lengths, some longer than a chunk.
    fn lines(total: usize, longest: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut state = 1_u64;
        while bytes.len() < total {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let length = 1 << ((state >> 33) % u64::from(longest.ilog2() + 1));
            bytes.extend(std::iter::repeat_n(b'a' + (state >> 40) as u8 % 26, length));
            bytes.push(b'\n');
        }
        bytes
    }

    fn check(chunks: &[Chunk], whole: &[u8], start: usize) {
        let mut offset = start;
        for (index, chunk) in chunks.iter().enumerate() {
            assert_eq!((chunk.index, chunk.offset), (index as u64, offset as u64));
            assert_eq!(chunk.last, index + 1 == chunks.len());
            assert!(chunk.last || chunk.bytes.is_empty() || chunk.bytes.ends_with(b"\n"));
            assert!(whole[offset..].starts_with(&chunk.bytes), "chunk {index}");
            offset += chunk.bytes.len();
        }
        assert_eq!(offset, whole.len());
    }

    #[test]
    fn the_chunks_of_files_and_streams_are_the_input() {
        let kept = Kept::new();
        let mut cases = vec![b"".to_vec(), b"a".to_vec(), b"\n".to_vec(), b"\xEF\xBB\xBFa\nb".to_vec()];
        for size in [SIZE - 1, SIZE, SIZE + 1, 2 * SIZE] {
            cases.push(vec![b'x'; size]);
            cases.push([vec![b'x'; size - 1], b"\n".to_vec()].concat());
            cases.push([vec![b'x'; size], b"\ny\n".to_vec()].concat());
        }
        cases.push(lines(10 * SIZE, 100));
        cases.push(lines(20 * SIZE, 4 * SIZE));
        for whole in cases {
            let start = if whole.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
            for bytes in [whole.clone(), gzip(&whole), zstd::encode_all(&whole[..], 1).expect("memory")] {
                let (chunks, ending) =
                    kept.opened("a", &bytes, &OpenOptions::default(), ChunkOptions::default());
                let got = all(&chunks);
                assert_eq!(got.is_empty(), whole.is_empty());
                check(&got, &whole, start);
                assert!(chunks.next(vec![]).expect("still fine").is_none());
                assert_eq!(ending.notes(), []);
                assert!(chunks.bytes_read() + start as u64 >= bytes.len() as u64);
            }
        }
    }

    #[test]
    fn many_threads_share_the_chunks() {
        let kept = Kept::new();
        let whole = lines(20 * SIZE, 1000);
        for bytes in [whole.clone(), gzip(&whole)] {
            let chunks = kept.chunks("a", &bytes, ChunkOptions::default());
            let mut got: Vec<Chunk> = thread::scope(|scope| {
                let workers: Vec<_> = (0..4).map(|_| scope.spawn(|| all(&chunks))).collect();
                workers.into_iter().flat_map(|worker| worker.join().expect("no worker fails")).collect()
            });
            got.sort_by_key(|chunk| chunk.index);
            check(&got, &whole, 0);
        }
    }

    #[test]
    fn carriage_returns_can_be_borders() {
        let kept = Kept::new();
        let whole = b"abc,def\r".repeat(SIZE / 2);
        let options = ChunkOptions { border: Some(b'\r'), ..ChunkOptions::default() };
        for bytes in [whole.clone(), gzip(&whole)] {
            let got = all(&kept.chunks("a", &bytes, options));
            assert!(got.len() >= 4 && got.iter().all(|chunk| chunk.bytes.ends_with(b"\r")));
            assert_eq!(got.iter().flat_map(|chunk| chunk.bytes.iter().copied()).collect::<Vec<u8>>(), whole);
        }
    }

    #[test]
    fn what_is_no_lines_is_cut_anywhere() {
        let kept = Kept::new();
        for size in [0, 1, SIZE - 1, SIZE, SIZE + 1, 5 * SIZE, 5 * SIZE + 7] {
            let whole: Vec<u8> = (0..size).map(|at| b"0123456\n"[at % 8]).collect();
            for bytes in [whole.clone(), gzip(&whole)] {
                let got = all(&kept.chunks("a", &bytes, ChunkOptions::ANYWHERE));
                assert!(got.iter().all(|chunk| chunk.bytes.len() <= SIZE + BLOCK_BYTES), "no chunk is large");
                assert!(got.iter().enumerate().all(|(at, chunk)| chunk.last == (at + 1 == got.len())));
                assert_eq!(got.into_iter().flat_map(|chunk| chunk.bytes).collect::<Vec<u8>>(), whole);
            }
        }
    }

    #[test]
    fn of_an_endless_line_only_the_most_is_kept() {
        let kept = Kept::new();
        let options = ChunkOptions { max_line_bytes: 3 * SIZE, ..ChunkOptions::default() };
        let long = vec![b'x'; 8 * SIZE];
        let whole = [&b"first\n"[..], &long, b"\nlast\n"].concat();
        let expected = [&b"first\n"[..], &long[..3 * SIZE], b"\nlast\n"].concat();
        for bytes in [whole.clone(), gzip(&whole)] {
            let got = all(&kept.chunks("a", &bytes, options));
            assert_eq!(
                got.iter().flat_map(|chunk| chunk.bytes.iter().copied()).collect::<Vec<u8>>(),
                expected
            );
            assert_eq!(got.last().map(|chunk| chunk.last), Some(true));
        }
        // Lines just within the most are whole.
        let whole = [&long[..3 * SIZE], b"\n", &long[..3 * SIZE], b"\n"].concat();
        let got = all(&kept.chunks("a", &whole, options));
        check(&got, &whole, 0);
    }

    #[test]
    fn a_file_that_shrank_is_an_error_and_one_that_grew_is_read_to_its_old_size() {
        let kept = Kept::new();
        let whole = lines(3 * SIZE, 100);
        let (chunks, ending) = kept.opened("a", &whole, &OpenOptions::default(), ChunkOptions::default());
        let path = kept.directory.path().join("a");
        File::options()
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(b"more\n"))
            .expect("append");
        check(&all(&chunks), &whole, 0);
        let size = whole.len() as u64;
        let change = FileChange::Written { size_at_open: size, size_now: size + 5 };
        let SourceNote::Changed { change: told, .. } = &ending.notes()[0] else { panic!("it changed") };
        assert_eq!(*told, change);
        let chunks = kept.chunks("a", &whole, ChunkOptions::default());
        File::options().write(true).open(&path).and_then(|file| file.set_len(10)).expect("truncate");
        let error = chunks.next(vec![]).expect_err("shrunk");
        assert!(matches!(error, SourceError::Shrunk { offset: 10, .. }), "{error}");
    }

    #[test]
    fn damage_comes_out_of_next_behind_the_sound_chunks() {
        let kept = Kept::new();
        let whole = lines(8 * SIZE, 100);
        let packed = gzip(&whole);
        let chunks = kept.chunks("a.gz", &packed[..packed.len() - 9], ChunkOptions::default());
        let mut got = Vec::new();
        let error = loop {
            match chunks.next(vec![]) {
                Ok(Some(chunk)) => got.extend_from_slice(&chunk.bytes),
                Ok(None) => panic!("the end of a truncated stream is no end"),
                Err(error) => break error,
            }
        };
        assert!(got.len() > 4 * SIZE && whole.starts_with(&got));
        let SourceError::Truncated { offset, .. } = error else { panic!("{error}") };
        assert!(offset >= got.len() as u64 && offset <= whole.len() as u64);
        let padded = [&packed[..], &[0; 512]].concat();
        let (chunks, ending) = kept.opened("a.gz", &padded, &OpenOptions::default(), ChunkOptions::default());
        check(&all(&chunks), &whole, 0);
        assert!(matches!(ending.notes()[..], [SourceNote::Padding { .. }]));
    }

    #[test]
    fn of_damaged_data_all_before_the_damage_is_salvaged() {
        let kept = Kept::new();
        let salvage = OpenOptions { salvage: true, ..OpenOptions::default() };
        for size in [10_000, 8 * SIZE] {
            let whole = lines(size, 100);
            let packed = gzip(&whole);
            let mut wrong = packed.clone();
            wrong[packed.len() - 8] ^= 1;
            let garbage = [&packed[..], b"x"].concat();
            for bytes in [&wrong[..], &garbage, &packed[..packed.len() - 9], &packed[..packed.len() / 2]] {
                let (chunks, ending) = kept.opened("a.gz", bytes, &salvage, ChunkOptions::default());
                let got = all(&chunks);
                let last = got.last().expect("something is left");
                assert!(last.last && last.cut_short && ending.is_partial());
                let text: Vec<u8> = got.iter().flat_map(|chunk| chunk.bytes.iter().copied()).collect();
                assert!(whole.starts_with(&text) && text.len() * 5 > whole.len() * 2, "{}", text.len());
                let [SourceNote::Partial { offset, .. }] = &ending.notes()[..] else { panic!("no note") };
                assert_eq!(*offset, text.len() as u64);
            }
        }
    }

    #[test]
    fn dropping_the_chunks_ends_the_thread() {
        /// Lines without end, as long as someone holds the other handle.
        struct Endless(#[expect(dead_code, reason = "held for its count")] Arc<()>);
        impl Read for Endless {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                buffer.fill(b'\n');
                Ok(buffer.len())
            }
        }
        let held = Arc::new(());
        let watch: Weak<()> = Arc::downgrade(&held);
        let stream =
            Stream::start(Ending::default(), Vec::new(), Box::new(Endless(held)), 0, ChunkOptions::default());
        assert!(stream.next(Vec::new()).expect("readable").is_some());
        drop(stream);
        let started = Instant::now();
        while watch.strong_count() > 0 {
            assert!(started.elapsed() < Duration::from_secs(20), "the thread goes on");
            thread::sleep(Duration::from_millis(1));
        }
    }
}
