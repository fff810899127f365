//! The page headers of a column chunk, checked before the decoder allocates what they ask for.

use super::footer::Chunk;
use super::thrift::{Reader, Wire};
use std::fs::File;
use std::io;

/// Bytes of a page once decompressed. Writers make pages of a megabyte or so.
const MAX_PAGE_BYTES: i64 = 256 << 20;
/// Bytes that are looked at for a header first, and at most (they hold statistics).
const HEADER_BYTES: [u64; 2] = [512, 1 << 20];
const UNCOMPRESSED: i64 = 0;
/// A field header: one further than the last field (`is_compressed` after the level lengths), true.
pub(super) const IS_COMPRESSED: u8 = 0x11;
/// As above, false.
const IS_NOT_COMPRESSED: u8 = 0x12;

const DATA_PAGE: i64 = 0;
const INDEX_PAGE: i64 = 1;
const DICTIONARY_PAGE: i64 = 2;
const DATA_PAGE_V2: i64 = 3;

#[derive(Debug, Default)]
struct PageHeader {
    kind: i64,
    uncompressed: i64,
    compressed: i64,
    /// Of a data page: nulls among them.
    values: i64,
    /// Of a version 2 page: bytes of the levels, which are never compressed.
    levels: i64,
    dictionary_values: i64,
    /// Where in the header it says that a version 2 page is not compressed.
    not_compressed_at: Option<usize>,
}

/// Walks the headers of all pages. The error says what is wrong.
///
/// The answer is the positions in the file of field headers (one byte each) that say a page is
/// not compressed although its two sizes differ: `PyArrow` before 3.0 wrote so (ARROW-10353).
/// With [`IS_COMPRESSED`] in their place the pages are what they should be.
pub(super) fn check_pages(file: &File, chunk: &Chunk) -> Result<Vec<u64>, String> {
    let end = chunk.start.saturating_add(chunk.bytes);
    let mut at = chunk.start;
    let mut values = 0_u64;
    let mut mislabelled = Vec::new();
    while values < chunk.values {
        let (header, header_bytes) = read_header(file, at, end)
            .map_err(|error| error.to_string())?
            .ok_or("a page header cannot be read")?;
        let body = at + header_bytes;
        let sizes =
            [header.uncompressed, header.compressed, header.values, header.levels, header.dictionary_values];
        if sizes.iter().any(|&size| size < 0) {
            return Err("a page header has a negative size".to_owned());
        }
        if header.compressed as u64 > end - body {
            return Err("a page is longer than its column".to_owned());
        }
        if header.uncompressed > MAX_PAGE_BYTES {
            return Err(format!("a page of {} bytes is over the limit", header.uncompressed));
        }
        if chunk.codec == UNCOMPRESSED && header.uncompressed != header.compressed {
            return Err("an uncompressed page has two sizes".to_owned());
        }
        if header.levels > header.compressed || header.levels > header.uncompressed {
            return Err("the levels of a page are longer than the page".to_owned());
        }
        // Every value of a dictionary has a byte at least.
        if header.dictionary_values > header.uncompressed {
            return Err("a dictionary has more values than bytes".to_owned());
        }
        if !matches!(header.kind, DATA_PAGE | INDEX_PAGE | DICTIONARY_PAGE | DATA_PAGE_V2) {
            return Err("a page of an unknown kind".to_owned());
        }
        if let Some(offset) = header.not_compressed_at
            && header.compressed != header.uncompressed
        {
            mislabelled.push(at + offset as u64);
        }
        values = values.saturating_add(header.values as u64);
        at = body + header.compressed as u64;
    }
    if values > chunk.values {
        return Err("the pages hold more values than their column".to_owned());
    }
    Ok(mislabelled)
}

/// The header at `at` and its length; `None` when there is none.
fn read_header(file: &File, at: u64, end: u64) -> io::Result<Option<(PageHeader, u64)>> {
    for window in HEADER_BYTES {
        let mut bytes = vec![0; window.min(end.saturating_sub(at)) as usize];
        read_exact_at(file, &mut bytes, at)?;
        let mut reader = Reader::new(&bytes);
        if let Some(header) = parse(&mut reader) {
            return Ok(Some((header, reader.at() as u64)));
        }
    }
    Ok(None)
}

#[cfg(unix)]
pub(super) fn read_exact_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(windows)]
pub(super) fn read_exact_at(file: &File, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, bytes, at)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[read..];
        at += read as u64;
    }
    Ok(())
}

fn parse(reader: &mut Reader<'_>) -> Option<PageHeader> {
    let mut header = PageHeader { kind: -1, ..PageHeader::default() };
    let bytes = reader.bytes();
    reader.fields(|id, wire, reader| {
        match (id, wire) {
            (1, Wire::I32) => header.kind = reader.int()?,
            (2, Wire::I32) => header.uncompressed = reader.int()?,
            (3, Wire::I32) => header.compressed = reader.int()?,
            (5, Wire::Struct) => {
                return reader.fields(|id, wire, reader| match (id, wire) {
                    (1, Wire::I32) => reader.int().map(|values| header.values = values),
                    _ => reader.skip(wire),
                });
            }
            (7, Wire::Struct) => {
                return reader.fields(|id, wire, reader| match (id, wire) {
                    (1, Wire::I32) => reader.int().map(|values| header.dictionary_values = values),
                    _ => reader.skip(wire),
                });
            }
            (8, Wire::Struct) => {
                return reader.fields(|id, wire, reader| match (id, wire) {
                    (1, Wire::I32) => reader.int().map(|values| header.values = values),
                    (5 | 6, Wire::I32) => {
                        // A negative length stays negative, whatever the other one is.
                        let bytes = reader.int()?;
                        header.levels =
                            if bytes < 0 || header.levels < 0 { -1 } else { header.levels + bytes };
                        Some(())
                    }
                    (7, Wire::False) => {
                        let at = reader.at() - 1;
                        header.not_compressed_at = (bytes[at] == IS_NOT_COMPRESSED).then_some(at);
                        Some(())
                    }
                    _ => reader.skip(wire),
                });
            }
            _ => reader.skip(wire)?,
        }
        Some(())
    })?;
    Some(header)
}
