//! Encodings of text: what a label, a byte order mark or the bytes themselves say.

use encoding_rs::{Encoding, ISO_8859_8, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1255};
use std::fmt;
use std::str::FromStr;

/// Bytes that are looked at for the pattern of UTF-16.
const LOOKED_AT_BYTES: usize = 4 << 10;

/// An encoding of text, named by its label on the web.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextEncoding(pub(super) &'static Encoding);

impl TextEncoding {
    /// As what is read where nothing says otherwise.
    pub const UTF_8: TextEncoding = TextEncoding(UTF_8);

    /// Its usual label, as `--encoding` takes it.
    pub fn label(self) -> String {
        self.0.name().to_ascii_lowercase()
    }

    /// Whether the higher byte of a character goes first, of UTF-16.
    pub(super) fn utf_16_order(self) -> Option<bool> {
        [UTF_16LE, UTF_16BE].contains(&self.0).then_some(self.0 == UTF_16BE)
    }

    /// The likeliest encoding of bytes that are not UTF-8, by the letters that would stand together;
    /// `None` where the bytes are UTF-8 after all.
    pub fn likely(bytes: &[u8]) -> Option<TextEncoding> {
        if std::str::from_utf8(bytes).is_ok() {
            return None;
        }
        let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
        detector.feed(bytes, true);
        let guess = detector.guess(None, chardetng::Utf8Detection::Deny);
        // The same letters, and what files of today hold besides.
        Some(TextEncoding(if guess == ISO_8859_8 { WINDOWS_1255 } else { guess }))
    }

    /// The kind of UTF-16 that text without a byte order mark looks like: of ASCII, which delimiters,
    /// digits and keys are, every other byte is NUL.
    pub fn utf_16_by_nuls(bytes: &[u8]) -> Option<TextEncoding> {
        let pairs = bytes[..bytes.len().min(LOOKED_AT_BYTES)].chunks_exact(2);
        let count = pairs.len();
        let (mut first, mut second) = (0, 0);
        for pair in pairs {
            first += usize::from(pair[0] == 0 && pair[1] != 0);
            second += usize::from(pair[1] == 0 && pair[0] != 0);
        }
        let is_pattern = |nuls: usize, others: usize| count >= 2 && nuls * 4 >= count && others * 20 <= nuls;
        if is_pattern(second, first) {
            Some(TextEncoding(UTF_16LE))
        } else if is_pattern(first, second) {
            Some(TextEncoding(UTF_16BE))
        } else {
            None
        }
    }
}

/// The encoding that a byte order mark tells, and its bytes.
pub(super) fn byte_order_mark(bytes: &[u8]) -> Option<(TextEncoding, usize)> {
    Encoding::for_bom(bytes).map(|(encoding, length)| (TextEncoding(encoding), length))
}

impl fmt::Display for TextEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl FromStr for TextEncoding {
    type Err = String;

    fn from_str(label: &str) -> Result<TextEncoding, String> {
        // "replacement" stands for encodings that can hide markup and are never decoded.
        let known = Encoding::for_label_no_replacement(label.as_bytes());
        known.map(TextEncoding).ok_or_else(|| {
            format!("{label:?} is not an encoding such as utf-8, utf-16le, windows-1255, iso-8859-1")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_name_encodings_and_what_is_none_is_told() {
        for (label, name) in [
            ("windows-1255", "windows-1255"),
            ("Latin1", "windows-1252"),
            ("iso-8859-1", "windows-1252"),
            ("UTF8", "UTF-8"),
            ("utf-16le", "UTF-16LE"),
            ("shift_jis", "Shift_JIS"),
        ] {
            assert_eq!(label.parse::<TextEncoding>().expect("a label").to_string(), name);
        }
        for label in ["", "cp-none", "iso-2022-kr"] {
            assert!(label.parse::<TextEncoding>().is_err(), "{label}");
        }
    }

    #[test]
    fn every_other_byte_of_ascii_in_utf_16_is_nul() {
        let text = "משתמש,זמן,event\n17,2026-01-01T00:00:00Z,צפייה\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let label = |bytes: &[u8]| TextEncoding::utf_16_by_nuls(bytes).map(TextEncoding::label);
        assert_eq!(label(&little).as_deref(), Some("utf-16le"));
        assert_eq!(label(&big).as_deref(), Some("utf-16be"));
        for other in [&b""[..], b"a\0", text.as_bytes(), &[0; 100], b"a,b\nx,\0\ny,z\n"] {
            assert_eq!(label(other), None, "{other:?}");
        }
    }

    #[test]
    fn the_likely_encoding_follows_the_letters() {
        // "shalom, olam" and "café, crème" in their old encodings.
        let hebrew = b"user,event\n1,\xF9\xEC\xE5\xED \xF2\xE5\xEC\xED\n2,\xF2\xE2\xEC\xE4\n";
        assert_eq!(TextEncoding::likely(hebrew).map(TextEncoding::label).as_deref(), Some("windows-1255"));
        let french = b"user,event\n1,caf\xE9 cr\xE8me\n2,d\xE9j\xE0 vu\n";
        assert_eq!(TextEncoding::likely(french).map(TextEncoding::label).as_deref(), Some("windows-1252"));
        assert_eq!(TextEncoding::likely("שלום".as_bytes()), None);
    }
}
