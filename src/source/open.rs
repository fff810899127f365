//! Opens one input: its first bytes decide how it is packed, never its name.
//!
//! Gzip, zstd and UTF-16 become a stream of UTF-8; a plain file stays a file, so that its parts can
//! be read in parallel; Parquet needs a file and gets a temporary one where there is none.

use super::streams::{BoxedRead, Counted, GzipMembers, Transcoded, ZstdFrames, read_full};
use super::{Compression, Input, InputKind, SourceError, SourceNote};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Bytes of the head, for sampling.
pub const HEAD_BYTES: usize = 1 << 20;

/// The longest magic number that is looked for.
const MAGIC_BYTES: usize = 6;

/// An input that was opened, with its first bytes.
#[derive(Debug)]
pub struct Opened {
    pub name: String,
    /// The first bytes, decompressed and as UTF-8, up to [`HEAD_BYTES`]; byte order mark skipped.
    pub head: Vec<u8>,
    /// The head is known to be all there is.
    pub head_is_whole: bool,
    pub compression: Compression,
    /// Bytes of the file as it lies on disk; unknown for a stream.
    pub file_size: Option<u64>,
    /// The content starts as Parquet does; then `body` is a file.
    pub is_parquet: bool,
    pub notes: Vec<SourceNote>,
    pub(super) body: Body,
    /// Bytes read from the file as it lies on disk.
    pub(super) read: Arc<AtomicU64>,
    /// Set when padding is met behind the compressed data.
    pub(super) padding: Arc<AtomicBool>,
}

/// Where the content comes from.
pub(super) enum Body {
    /// A file that is read at any place. `start` is behind the byte order mark; `size` is that at open.
    File { file: File, start: u64, size: u64 },
    /// What follows the head. `start` is the offset of the head's first byte.
    Stream { rest: BoxedRead, start: u64 },
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::File { start, size, .. } => write!(f, "File({start}..{size})"),
            Body::Stream { start, .. } => write!(f, "Stream({start}..)"),
        }
    }
}

impl Opened {
    /// A second handle on the file, for formats that are read at any place; `None` for a stream.
    pub fn file(&self) -> io::Result<Option<File>> {
        match &self.body {
            Body::File { file, .. } => file.try_clone().map(Some),
            Body::Stream { .. } => Ok(None),
        }
    }
}

/// Opens an input and reads its head.
pub fn open(input: &Input) -> Result<Opened, SourceError> {
    let name = &input.name;
    match &input.kind {
        InputKind::Stdin => open_stream(name, Box::new(io::stdin()), None),
        InputKind::File(path) => {
            let unreadable =
                |error: io::Error| SourceError::Unreadable { files: vec![(name.clone(), error.to_string())] };
            let mut file = File::open(path).map_err(unreadable)?;
            let metadata = file.metadata().map_err(unreadable)?;
            if !metadata.is_file() {
                return open_stream(name, Box::new(file), None);
            }
            let mut magic = [0; MAGIC_BYTES];
            let failed = |source| SourceError::Read { name: name.clone(), offset: 0, source };
            let filled = read_full(&mut file, &mut magic).map_err(failed)?;
            file.seek(SeekFrom::Start(0)).map_err(failed)?;
            let magic = &magic[..filled];
            let is_plain = compression_of(magic) == Compression::None && unsupported_form(magic).is_none();
            if is_plain && byte_order_mark(magic).is_none_or(|(encoding, _)| encoding == UTF_8) {
                open_plain(name, file, metadata.len(), magic)
            } else {
                open_stream(name, Box::new(file), Some(metadata.len()))
            }
        }
    }
}

fn open_plain(name: &str, mut file: File, size: u64, magic: &[u8]) -> Result<Opened, SourceError> {
    let failed = |source| SourceError::Read { name: name.to_owned(), offset: 0, source };
    let mut notes = compression_note(name, Compression::None);
    let is_parquet = is_parquet(magic);
    let mark = byte_order_mark(magic).map_or(0, |(encoding, mark)| {
        notes.push(SourceNote::ByteOrderMark { name: name.to_owned(), encoding: encoding.name() });
        mark as u64
    });
    let wanted = size.saturating_sub(mark).min(HEAD_BYTES as u64) as usize;
    let mut head = vec![0; if is_parquet { 0 } else { wanted }];
    file.seek(SeekFrom::Start(mark)).map_err(failed)?;
    let filled = read_full(&mut file, &mut head).map_err(failed)?;
    if filled < head.len() {
        return Err(SourceError::Shrunk {
            name: name.to_owned(),
            expected: size,
            offset: mark + filled as u64,
        });
    }
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    Ok(Opened {
        name: name.to_owned(),
        head_is_whole: mark + head.len() as u64 == size,
        head,
        compression: Compression::None,
        file_size: Some(size),
        is_parquet,
        notes,
        body: Body::File { file, start: mark, size },
        read: Arc::default(),
        padding: Arc::default(),
    })
}

fn open_stream(name: &str, raw: BoxedRead, file_size: Option<u64>) -> Result<Opened, SourceError> {
    let read: Arc<AtomicU64> = Arc::default();
    let padding: Arc<AtomicBool> = Arc::default();
    let failed = |error| SourceError::from_read(name, 0, error);
    let raw: BoxedRead = Box::new(Counted { inner: raw, count: Arc::clone(&read) });
    let (magic, raw) = peek(raw).map_err(failed)?;
    if let Some(form) = unsupported_form(&magic) {
        return Err(SourceError::Unsupported { name: name.to_owned(), form });
    }
    let compression = compression_of(&magic);
    let mut notes = compression_note(name, compression);
    let unpacked: BoxedRead = match compression {
        Compression::None => raw,
        Compression::Gzip => Box::new(GzipMembers::new(raw, Arc::clone(&padding))),
        Compression::Zstd => Box::new(ZstdFrames::new(raw).map_err(failed)?),
    };
    let (magic, mut text) = peek(unpacked).map_err(failed)?;
    if is_parquet(&magic) {
        return Ok(Opened { notes, read, padding, ..spool(name, text, compression, file_size)? });
    }
    let mut start = 0;
    if let Some((encoding, mark)) = byte_order_mark(&magic) {
        notes.push(SourceNote::ByteOrderMark { name: name.to_owned(), encoding: encoding.name() });
        read_full(&mut text, &mut [0; MAGIC_BYTES][..mark]).map_err(failed)?;
        start = mark as u64;
        if encoding != UTF_8 {
            text = Box::new(Transcoded::new(text, encoding));
        }
    }
    let mut head = Vec::new();
    let result = text.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head);
    result.map_err(|error| SourceError::from_read(name, start + head.len() as u64, error))?;
    let whole = head.len() < HEAD_BYTES;
    Ok(Opened {
        name: name.to_owned(),
        head,
        head_is_whole: whole,
        compression,
        file_size,
        is_parquet: false,
        notes,
        body: Body::Stream { rest: text, start },
        read,
        padding,
    })
}

/// Copies Parquet from a stream into a temporary file, which has no name and goes with its handle.
fn spool(
    name: &str,
    mut content: BoxedRead,
    compression: Compression,
    file_size: Option<u64>,
) -> Result<Opened, SourceError> {
    let failed = |source| SourceError::Spool { name: name.to_owned(), source };
    let mut file = tempfile::tempfile().map_err(failed)?;
    let mut buffer = vec![0; HEAD_BYTES];
    let mut size = 0;
    loop {
        let filled = read_full(&mut content, &mut buffer)
            .map_err(|error| SourceError::from_read(name, size, error))?;
        if filled == 0 {
            break;
        }
        io::Write::write_all(&mut file, &buffer[..filled]).map_err(failed)?;
        size += filled as u64;
    }
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    Ok(Opened {
        name: name.to_owned(),
        head: Vec::new(),
        head_is_whole: false,
        compression,
        file_size,
        is_parquet: true,
        notes: Vec::new(),
        body: Body::File { file, start: 0, size },
        read: Arc::default(),
        padding: Arc::default(),
    })
}

impl Opened {
    /// Notes that only the end of the input tells.
    pub(super) fn late_notes(name: &str, padding: &AtomicBool) -> Vec<SourceNote> {
        let padded = padding.load(Ordering::Relaxed);
        padded.then(|| SourceNote::Padding { name: name.to_owned() }).into_iter().collect()
    }
}

/// The first bytes, and a reader that still starts with them.
fn peek(mut reader: BoxedRead) -> io::Result<(Vec<u8>, BoxedRead)> {
    let mut magic = vec![0; MAGIC_BYTES];
    let filled = read_full(&mut reader, &mut magic)?;
    magic.truncate(filled);
    let again = io::Cursor::new(magic.clone()).chain(reader);
    Ok((magic, Box::new(again)))
}

fn compression_of(magic: &[u8]) -> Compression {
    match magic {
        [0x1F, 0x8B, ..] => Compression::Gzip,
        // A frame, or a skippable one, as parallel writers put first.
        [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Compression::Zstd,
        _ => Compression::None,
    }
}

fn unsupported_form(magic: &[u8]) -> Option<&'static str> {
    match magic {
        [b'P', b'K', 3, 4, ..] => Some("zip archive"),
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => Some("bzip2 file"),
        [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Some("xz file"),
        [b'7', b'z', 0xBC, 0xAF, 0x27, 0x1C, ..] => Some("7z archive"),
        _ => None,
    }
}

fn is_parquet(magic: &[u8]) -> bool {
    magic.starts_with(b"PAR1")
}

fn byte_order_mark(magic: &[u8]) -> Option<(&'static Encoding, usize)> {
    match magic {
        [0xEF, 0xBB, 0xBF, ..] => Some((UTF_8, 3)),
        [0xFF, 0xFE, ..] => Some((UTF_16LE, 2)),
        [0xFE, 0xFF, ..] => Some((UTF_16BE, 2)),
        _ => None,
    }
}

fn compression_note(name: &str, found: Compression) -> Vec<SourceNote> {
    let extension = Path::new(name).extension().map(|extension| extension.to_ascii_lowercase());
    let named = match extension.as_ref().map(|extension| extension.to_string_lossy()).as_deref() {
        Some("gz") => Compression::Gzip,
        Some("zst" | "zstd") => Compression::Zstd,
        Some(_) => Compression::None,
        // Standard input and pipes have no ending to be wrong.
        None => found,
    };
    let note = SourceNote::ToldByContent { name: name.to_owned(), compression: found };
    (named != found).then_some(note).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file_with(directory: &tempfile::TempDir, name: &str, bytes: &[u8]) -> Input {
        let path = directory.path().join(name);
        File::create(&path).and_then(|mut file| file.write_all(bytes)).expect("the directory can be written");
        Input::file(path)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).expect("memory can be written");
        encoder.finish().expect("memory can be written")
    }

    fn opened(name: &str, bytes: &[u8]) -> Opened {
        let directory = tempfile::tempdir().expect("a directory can be made");
        open(&file_with(&directory, name, bytes)).expect("the file can be opened")
    }

    #[test]
    fn content_decides_and_a_wrong_name_is_noted() {
        let text = b"user,event\nu1,view\n";
        let packed = [
            ("a.csv", text.to_vec(), Compression::None, 0),
            ("a.csv.gz", gzip(text), Compression::Gzip, 0),
            ("a.csv.zst", zstd::encode_all(&text[..], 1).expect("memory"), Compression::Zstd, 0),
            ("a.csv.gz", text.to_vec(), Compression::None, 1),
            ("a.csv", gzip(text), Compression::Gzip, 1),
            ("a.gz", zstd::encode_all(&text[..], 1).expect("memory"), Compression::Zstd, 1),
        ];
        for (name, bytes, compression, notes) in packed {
            let opened = opened(name, &bytes);
            assert_eq!(opened.head, text, "{name}");
            assert_eq!((opened.compression, opened.notes.len()), (compression, notes), "{name}");
            assert_eq!((opened.head_is_whole, opened.file_size), (true, Some(bytes.len() as u64)));
            assert!(opened.notes.iter().all(|note| note.code() == Some("W20")));
        }
    }

    #[test]
    fn an_empty_input_has_an_empty_head() {
        for bytes in
            [vec![], gzip(b""), b"\xEF\xBB\xBF".to_vec(), gzip(b"\xEF\xBB\xBF"), b"\xFF\xFE".to_vec()]
        {
            let opened = opened("a", &bytes);
            assert_eq!((opened.head.len(), opened.head_is_whole), (0, true));
        }
    }

    #[test]
    fn byte_order_marks_are_skipped_and_noted() {
        let little: Vec<u8> = "\u{FEFF}a,é\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [
            "\u{FEFF}a,é\n".as_bytes().to_vec(),
            gzip("\u{FEFF}a,é\n".as_bytes()),
            little.clone(),
            gzip(&little),
        ] {
            let opened = opened("a", &bytes);
            assert_eq!(opened.head, "a,é\n".as_bytes());
            assert!(matches!(&opened.notes[..], [SourceNote::ByteOrderMark { .. }]));
        }
    }

    #[test]
    fn parquet_is_a_file_even_where_it_was_not() {
        for bytes in [b"PAR1 and more".to_vec(), gzip(b"PAR1 and more")] {
            let opened = opened("a", &bytes);
            assert!(opened.is_parquet);
            let mut content = Vec::new();
            let mut file = opened.file().expect("the file can be opened").expect("Parquet lies in a file");
            file.read_to_end(&mut content).expect("the file can be read");
            assert_eq!(content, b"PAR1 and more");
        }
    }

    #[test]
    fn archives_and_damage_are_told() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let zip = open(&file_with(&directory, "a.csv", b"PK\x03\x04rest")).expect_err("not read");
        assert!(matches!(zip, SourceError::Unsupported { form: "zip archive", .. }));
        let text = b"user,event\n".repeat(10_000);
        let packed = gzip(&text);
        let cut = file_with(&directory, "b.gz", &packed[..packed.len() - 9]);
        let error = open(&cut).expect_err("truncated");
        assert!(matches!(error, SourceError::Truncated { offset: 1..=110_000, .. }), "{error}");
        let missing = open(&Input::file(directory.path().join("none"))).expect_err("missing");
        assert!(matches!(missing, SourceError::Unreadable { .. }));
    }

    #[test]
    fn the_head_ends_at_its_limit() {
        for (size, whole) in [(HEAD_BYTES - 1, true), (HEAD_BYTES, true), (HEAD_BYTES + 1, false)] {
            let opened = opened("a", &vec![b'x'; size]);
            assert_eq!((opened.head.len(), opened.head_is_whole), (size.min(HEAD_BYTES), whole));
        }
    }
}
