//! Opens one input: its first bytes decide how it is packed, never its name.
//!
//! Gzip, zstd and text in other encodings become a stream of UTF-8; a plain file stays a file, so that its
//! parts can be read in parallel; Parquet needs a file and gets a temporary one where there is none.

use super::encoding::{TextEncoding, byte_order_mark};
use super::ending::{Ending, Watch};
use super::guards::{Counted, Limited, Salvaged, WholeFile};
use super::magic::{
    MAGIC_BYTES, PARQUET_END, compression_note, compression_of, ends_as_parquet, is_parquet, refuse_binary,
    unsupported_form,
};
use super::scratch::Scratch;
use super::streams::{BoxedRead, GzipMembers, Transcoded, ZstdFrames, read_full};
use super::{Compression, Input, InputKind, OpenOptions, SourceError, SourceNote};
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Bytes of the head, for sampling.
pub const HEAD_BYTES: usize = 1 << 20;

/// An input that was opened, with its first bytes.
#[derive(Debug)]
pub struct Opened {
    pub name: String,
    /// The first bytes, decompressed and as UTF-8, up to [`HEAD_BYTES`]; byte order mark skipped.
    pub head: Vec<u8>,
    /// The head is known to be all there is, and to be whole.
    pub head_is_whole: bool,
    pub compression: Compression,
    /// What the text was before it became UTF-8.
    pub encoding: TextEncoding,
    /// Bytes of the file as it lies on disk; unknown for a stream.
    pub file_size: Option<u64>,
    /// The content starts as Parquet does; then `body` is a file.
    pub is_parquet: bool,
    pub notes: Vec<SourceNote>,
    /// What only the end tells.
    pub ending: Ending,
    pub(super) body: Body,
    /// Bytes read from the file as it lies on disk.
    pub(super) read: Arc<AtomicU64>,
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

    /// The input gives its content once: what was opened must be kept.
    pub fn opens_once(&self) -> bool {
        self.file_size.is_none()
    }
}

/// Opens an input and reads its head.
pub fn open(input: &Input, options: &OpenOptions) -> Result<Opened, SourceError> {
    let name = &input.name;
    let InputKind::File(path) = &input.kind else { return open_read(name, Box::new(io::stdin()), options) };
    let unreadable = |error: io::Error| match error.kind() {
        // It was there when the inputs were listed.
        io::ErrorKind::NotFound => SourceError::Vanished { name: name.clone() },
        _ => SourceError::Unreadable { files: vec![(name.clone(), error.to_string())] },
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return open_read(name, Box::new(file), options);
    }
    let ending = Ending::new(name, Some(Watch::new(path, &metadata)));
    let size = metadata.len();
    if size == 0 {
        // Or a file that the system makes up as it is read.
        return Stream { name, options, ending, file_size: Some(0) }.open(Box::new(file));
    }
    let mut magic = [0; MAGIC_BYTES];
    let failed = |error| SourceError::Read { name: name.clone(), offset: 0, error };
    let filled = read_full(&mut file, &mut magic).map_err(failed)?;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let magic = &magic[..filled];
    let is_plain = compression_of(magic) == Compression::None && unsupported_form(magic).is_none();
    if is_plain && !is_parquet(magic) && ends_with_footer(&mut file, size).map_err(failed)? {
        return Err(SourceError::ParquetHead { name: name.clone() });
    }
    if is_plain && (is_parquet(magic) || encoding_of(magic, options).0 == TextEncoding::UTF_8) {
        return open_plain(file, size, magic, ending, options);
    }
    let whole = WholeFile { inner: file, size, read: 0 };
    Stream { name, options, ending, file_size: Some(size) }.open(Box::new(whole))
}

/// Whether the file ends as Parquet does; it is left where it was, at its start.
fn ends_with_footer(file: &mut File, size: u64) -> io::Result<bool> {
    let mut end = [0; PARQUET_END];
    let Some(at) = size.checked_sub(PARQUET_END as u64) else { return Ok(false) };
    file.seek(SeekFrom::Start(at))?;
    // A file that shrank meanwhile is told when it is read.
    let is_whole = read_full(file, &mut end)? == end.len();
    file.seek(SeekFrom::Start(0))?;
    Ok(is_whole && ends_as_parquet(&end, size))
}

/// Opens what is read from front to end, and only once.
pub fn open_read(
    name: &str,
    raw: Box<dyn Read + Send>,
    options: &OpenOptions,
) -> Result<Opened, SourceError> {
    Stream { name, options, ending: Ending::new(name, None), file_size: None }.open(raw)
}

/// What the text is written in, and how long its byte order mark is, which outranks what was said.
fn encoding_of(magic: &[u8], options: &OpenOptions) -> (TextEncoding, usize) {
    byte_order_mark(magic).unwrap_or((options.encoding.unwrap_or(TextEncoding::UTF_8), 0))
}

fn mark_note(name: &str, encoding: TextEncoding, mark: usize) -> Option<SourceNote> {
    (mark > 0).then(|| SourceNote::ByteOrderMark { name: name.to_owned(), encoding })
}

/// Refuses what is not the text that it would be read as. `head` is as it lies in the input.
fn refuse_other_than_text(head: &[u8], name: &str, options: &OpenOptions) -> Result<(), SourceError> {
    if options.encoding.is_none()
        && let Some(encoding) = TextEncoding::utf_16_by_nuls(head)
    {
        return Err(SourceError::NoByteOrderMark { name: name.to_owned(), encoding });
    }
    refuse_binary(head, name)
}

fn open_plain(
    mut file: File,
    size: u64,
    magic: &[u8],
    ending: Ending,
    options: &OpenOptions,
) -> Result<Opened, SourceError> {
    let name = ending.name.clone();
    let failed = |error| SourceError::Read { name: name.clone(), offset: 0, error };
    let is_parquet = is_parquet(magic);
    let (encoding, mark) = if is_parquet { (TextEncoding::UTF_8, 0) } else { encoding_of(magic, options) };
    let mut notes = compression_note(&name, Compression::None);
    notes.extend(mark_note(&name, encoding, mark));
    let mark = mark as u64;
    let wanted = size.saturating_sub(mark).min(HEAD_BYTES as u64) as usize;
    let mut head = vec![0; if is_parquet { 0 } else { wanted }];
    file.seek(SeekFrom::Start(mark)).map_err(failed)?;
    let filled = read_full(&mut file, &mut head).map_err(failed)?;
    if filled < head.len() {
        return Err(SourceError::Shrunk { name, expected: size, offset: mark + filled as u64 });
    }
    if mark == 0 {
        refuse_other_than_text(&head, &name, options)?;
    }
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    Ok(Opened {
        name,
        head_is_whole: mark + head.len() as u64 == size,
        head,
        compression: Compression::None,
        encoding,
        file_size: Some(size),
        is_parquet,
        notes,
        ending,
        body: Body::File { file, start: mark, size },
        read: Arc::default(),
    })
}

/// An input that is read from front to end.
struct Stream<'a> {
    name: &'a str,
    options: &'a OpenOptions,
    ending: Ending,
    file_size: Option<u64>,
}

impl Stream<'_> {
    fn open(self, raw: BoxedRead) -> Result<Opened, SourceError> {
        let Stream { name, options, .. } = self;
        let read: Arc<AtomicU64> = Arc::default();
        let failed = |error| SourceError::from_read(name, 0, error);
        let (magic, raw) =
            peek(Box::new(Counted { inner: raw, count: Arc::clone(&read) })).map_err(failed)?;
        if let Some(form) = unsupported_form(&magic) {
            return Err(SourceError::Unsupported { name: name.to_owned(), form });
        }
        let compression = compression_of(&magic);
        let mut notes = compression_note(name, compression);
        let (magic, mut text) = self.unpacked(compression, raw, &read).and_then(peek).map_err(failed)?;
        if is_parquet(&magic) {
            return Ok(Opened { notes, read, ..self.spool(text, compression)? });
        }
        refuse_binary(&magic, name)?;
        let (encoding, mark) = encoding_of(&magic, options);
        notes.extend(mark_note(name, encoding, mark));
        read_full(&mut text, &mut [0; MAGIC_BYTES][..mark]).map_err(failed)?;
        if encoding != TextEncoding::UTF_8 {
            text = Box::new(Transcoded::new(text, encoding));
        }
        let start = mark as u64;
        let mut head = Vec::new();
        let result = text.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head);
        result.map_err(|error| SourceError::from_read(name, start + head.len() as u64, error))?;
        if mark == 0 && encoding == TextEncoding::UTF_8 {
            refuse_other_than_text(&head, name, options)?;
        }
        // What damage left of the last record is none; nothing at all is whole.
        let is_sound = !self.ending.is_partial() || head.is_empty();
        Ok(Opened {
            name: name.to_owned(),
            head_is_whole: head.len() < HEAD_BYTES && is_sound,
            head,
            compression,
            encoding,
            file_size: self.file_size,
            is_parquet: false,
            notes,
            ending: self.ending,
            body: Body::Stream { rest: text, start },
            read,
        })
    }

    /// The content without its packing, within its limit, and as far as it goes if that is wanted.
    fn unpacked(
        &self,
        compression: Compression,
        raw: BoxedRead,
        read: &Arc<AtomicU64>,
    ) -> io::Result<BoxedRead> {
        let unpacked: BoxedRead = match compression {
            Compression::None => return Ok(raw),
            Compression::Gzip => Box::new(GzipMembers::new(raw, Arc::clone(&self.ending.padding))),
            Compression::Zstd => Box::new(ZstdFrames::new(raw)?),
        };
        let unpacked: BoxedRead = if self.options.salvage {
            Box::new(Salvaged { inner: unpacked, passed: 0, damage: Arc::clone(&self.ending.damage) })
        } else {
            unpacked
        };
        Ok(match self.options.max_decompressed {
            None => unpacked,
            Some(most) => Box::new(Limited { inner: unpacked, most, passed: 0, packed: Arc::clone(read) }),
        })
    }

    /// Copies Parquet into a temporary file, which has no name and goes with its handle.
    fn spool(self, mut content: BoxedRead, compression: Compression) -> Result<Opened, SourceError> {
        let directory = self.options.temp_dir.clone().unwrap_or_else(std::env::temp_dir);
        let name = self.name;
        let failed = |written, error| SourceError::Spool {
            name: name.to_owned(),
            directory: directory.clone(),
            written,
            error,
        };
        let mut file = Scratch::file_in(&directory).map_err(|error| failed(0, error))?;
        let mut buffer = vec![0; HEAD_BYTES];
        let mut size = 0;
        loop {
            let filled = read_full(&mut content, &mut buffer)
                .map_err(|error| SourceError::from_read(name, size, error))?;
            if filled == 0 {
                break;
            }
            io::Write::write_all(&mut file, &buffer[..filled]).map_err(|error| failed(size, error))?;
            size += filled as u64;
        }
        if let Some(damage) = self.ending.damage.get() {
            // Parquet says at its end where its rows lie: without that there is nothing to use.
            return Err(SourceError::from_read(name, damage.offset, damage.fault.clone().into()));
        }
        file.seek(SeekFrom::Start(0)).map_err(|error| failed(size, error))?;
        Ok(Opened {
            name: name.to_owned(),
            head: Vec::new(),
            head_is_whole: false,
            compression,
            encoding: TextEncoding::UTF_8,
            file_size: self.file_size,
            is_parquet: true,
            notes: Vec::new(),
            ending: self.ending,
            body: Body::File { file, start: 0, size },
            read: Arc::default(),
        })
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
        open(&file_with(&directory, name, bytes), &OpenOptions::default()).expect("the file can be opened")
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
        let zip = open(&file_with(&directory, "a.csv", b"PK\x03\x04rest"), &OpenOptions::default())
            .expect_err("not read");
        assert!(matches!(zip, SourceError::Unsupported { form: "zip archive", .. }));
        let text = b"user,event\n".repeat(10_000);
        let packed = gzip(&text);
        let cut = file_with(&directory, "b.gz", &packed[..packed.len() - 9]);
        let error = open(&cut, &OpenOptions::default()).expect_err("truncated");
        assert!(matches!(error, SourceError::Truncated { offset: 1..=110_000, .. }), "{error}");
        let missing =
            open(&Input::file(directory.path().join("none")), &OpenOptions::default()).expect_err("missing");
        assert!(matches!(missing, SourceError::Vanished { .. }));
    }

    #[test]
    fn the_head_ends_at_its_limit() {
        for (size, whole) in [(HEAD_BYTES - 1, true), (HEAD_BYTES, true), (HEAD_BYTES + 1, false)] {
            let opened = opened("a", &vec![b'x'; size]);
            assert_eq!((opened.head.len(), opened.head_is_whole), (size.min(HEAD_BYTES), whole));
        }
    }
}
