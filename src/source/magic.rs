//! What content is, told by its first bytes.

use super::{Compression, SourceError, SourceNote};
use std::path::Path;

/// The longest magic number that is looked for.
pub(super) const MAGIC_BYTES: usize = 16;
/// Bytes that are looked at for characters that no text has.
const LOOKED_AT_BYTES: usize = 4 << 10;
/// Different control characters that a text may hold beside tabs and line breaks: delimiters.
const MOST_CONTROLS: usize = 3;

pub(super) fn compression_of(magic: &[u8]) -> Compression {
    match magic {
        [0x1F, 0x8B, ..] => Compression::Gzip,
        // A frame, or a skippable one, as parallel writers put first.
        [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Compression::Zstd,
        _ => Compression::None,
    }
}

/// Archives and compressed forms that are not unpacked here.
pub(super) fn unsupported_form(magic: &[u8]) -> Option<&'static str> {
    match magic {
        [b'P', b'K', 3, 4, ..] => Some("zip archive"),
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => Some("bzip2 file"),
        [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Some("xz file"),
        [b'7', b'z', 0xBC, 0xAF, 0x27, 0x1C, ..] => Some("7z archive"),
        [b'R', b'a', b'r', b'!', 0x1A, 7, ..] => Some("rar archive"),
        [0x04, 0x22, 0x4D, 0x18, ..] => Some("lz4 file"),
        [0xFF, 6, 0, 0, b's', b'N', b'a', b'P', b'p', b'Y', ..] => Some("snappy file"),
        _ => None,
    }
}

pub(super) fn is_parquet(magic: &[u8]) -> bool {
    magic.starts_with(b"PAR1")
}

/// Bytes at the end of a Parquet file that tell it: the length of its footer, and the magic.
pub(super) const PARQUET_END: usize = 8;

/// Whether a file of this size that ends with these bytes ends as Parquet does. No text does: the length of
/// a footer that is not absurd has a zero in it, or nearly.
pub(super) fn ends_as_parquet(end: &[u8; PARQUET_END], size: u64) -> bool {
    let [footer @ .., _, _, _, _] = *end;
    let footer = u64::from(u32::from_le_bytes(footer));
    end.ends_with(b"PAR1") && footer < 1 << 26 && footer + PARQUET_END as u64 <= size
}

/// First bytes of forms that hold no text, and what they are called.
const BINARY_FORMS: [(&[u8], &str); 17] = [
    (b"PARE", "an encrypted Parquet file"),
    (b"ARROW1", "an Arrow or Feather file"),
    (b"FEA1", "a Feather file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x89HDF\r\n\x1A\n", "an HDF5 file"),
    (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an old Office document"),
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n\x1A\n", "a PNG image"),
    (b"\xFF\xD8\xFF", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"\x7FELF", "a program"),
    (b"\xFF\xFE\0\0", "text in UTF-32"),
    (b"\0\0\xFE\xFF", "text in UTF-32"),
    (b"\x80\x04\x95", "a Python pickle"),
];

/// Where a tar archive says that it is one.
const TAR_MAGIC: std::ops::Range<usize> = 257..262;

/// What the start of content that is no text looks like; `None` where it may be text. `name` tells what
/// was expected of it.
fn binary_form(head: &[u8], name: &str) -> Option<&'static str> {
    if let Some((_, form)) = BINARY_FORMS.iter().find(|(magic, _)| head.starts_with(magic)) {
        // Letters that words begin with as well are not enough.
        let is_text = |byte: &u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let is_certain = !head[..head.len().min(MAGIC_BYTES)].iter().all(is_text);
        return (is_certain || form.contains("PDF") || form.contains("GIF")).then_some(form);
    }
    if head.get(TAR_MAGIC) == Some(b"ustar") {
        return Some("a tar archive");
    }
    if !holds_binary(&head[..head.len().min(LOOKED_AT_BYTES)]) {
        return None;
    }
    Some(match Path::new(name).extension() {
        Some(extension) if extension.eq_ignore_ascii_case("parquet") => {
            "a damaged Parquet file: it does not start with PAR1"
        }
        _ => "binary data",
    })
}

/// Many control characters of many kinds, in what is not UTF-8: no encoding of text looks like that.
fn holds_binary(bytes: &[u8]) -> bool {
    let is_control = |byte: u8| (byte < 0x20 && !matches!(byte, 0 | b'\t'..=b'\r' | 0x1B)) || byte == 0x7F;
    let mut kinds = [false; 256];
    let mut count = 0;
    for &byte in bytes.iter().filter(|byte| is_control(**byte)) {
        kinds[usize::from(byte)] = true;
        count += 1;
    }
    let kinds = kinds.iter().filter(|met| **met).count();
    let is_cut_text = std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true);
    !is_cut_text && kinds > MOST_CONTROLS && count * 20 > bytes.len()
}

/// Refuses what is no text in any encoding.
pub(super) fn refuse_binary(head: &[u8], name: &str) -> Result<(), SourceError> {
    binary_form(head, name)
        .map_or(Ok(()), |looks_like| Err(SourceError::NoText { name: name.to_owned(), looks_like }))
}

/// Where a name says another compression than the content does.
pub(super) fn compression_note(name: &str, found: Compression) -> Vec<SourceNote> {
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

    #[test]
    fn what_is_no_text_is_called_by_its_name() {
        let mut tar = vec![b'a'; 257];
        tar.extend_from_slice(b"ustar\x0000");
        let random: Vec<u8> = (0..2000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
        for (head, name, form) in [
            (&b"SQLite format 3\0\x10\0"[..], "a.csv", "an SQLite database"),
            (b"\x89PNG\r\n\x1A\n\0\0", "a.csv", "a PNG image"),
            (b"%PDF-1.7\n", "a.csv", "a PDF document"),
            (b"ORC\x08\x03\x10", "a.orc", "an ORC file"),
            (&tar, "a.tar", "a tar archive"),
            (&random, "a.csv", "binary data"),
            (&random, "a.parquet", "a damaged Parquet file: it does not start with PAR1"),
        ] {
            assert_eq!(binary_form(head, name), Some(form));
        }
    }

    #[test]
    fn texts_of_all_encodings_are_no_binary_data() {
        let hebrew = b"user,event\n1,\xF9\xEC\xE5\xED\n".repeat(50);
        let fields = b"u1\x01view\x02\xFF\n".repeat(50);
        for head in [
            &b""[..],
            b"ORCID,time,event\n1,2,3\n",
            b"PAREN,x\n",
            "user,event\n1,\u{1B}[2J\u{7}\u{8}\u{1}\u{2}\u{3}\n".as_bytes(),
            &hebrew,
            &fields,
        ] {
            assert_eq!(binary_form(head, "a.csv"), None);
        }
    }
}
