//! Where a JSON value ends, sound or not, told by its quotes and brackets alone.
//!
//! A broken value of a document is to cost itself and not the rest, so its end must be known without
//! its being read. Numbers, words, commas and colons may be anything; quotes and brackets must stand
//! where they could stand in JSON. Then a bracket or quote that is missing shows at the next one,
//! which is in the wrong place, and no value ever takes others in.

use crate::decode::lines::HOLE_BYTES;

/// Brackets open at once, beyond which no end is looked for: each of them takes a byte.
const MOST_OPEN: usize = 1 << 20;

/// What a look at the next bytes of a value told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The value ends before the next byte.
    End,
    /// The bytes are used up. (All but some NUL bytes, which may be the start of a hole.)
    More,
    /// The next byte stands where it cannot: nobody knows where the value ends.
    Misplaced,
}

/// A value whose end is looked for, piece by piece.
#[derive(Debug, Clone, Default)]
pub(super) struct Extent {
    /// The opening brackets that are not closed, the outermost first.
    open: Vec<u8>,
    behind: Behind,
}

/// What stands before the next byte, blanks left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Behind {
    #[default]
    Nothing,
    OpeningBracket,
    Comma,
    Colon,
    /// A number, a word, or what is none.
    Word,
    /// A string or a closing bracket.
    Closed,
    /// The next byte is in a string.
    InString,
    /// The next byte is in a string, behind a backslash.
    Backslash,
}

impl Extent {
    /// Looks at the bytes that follow those looked at before, the first of them no blank. Gives how
    /// many of these belong to the value.
    pub(super) fn go_on(&mut self, bytes: &[u8]) -> (usize, Found) {
        for (at, &byte) in bytes.iter().enumerate() {
            if byte == 0 {
                let nuls = bytes[at..].iter().take(HOLE_BYTES).take_while(|byte| **byte == 0).count();
                if nuls == HOLE_BYTES {
                    return (at, Found::Misplaced);
                }
                if at + nuls == bytes.len() {
                    return (at, Found::More);
                }
            }
            let is_alone = self.open.is_empty();
            if is_alone && self.behind == Behind::Word && ends_word(byte) {
                return (at, Found::End);
            }
            if !self.take(byte) {
                return (at, Found::Misplaced);
            }
            if self.open.is_empty() && self.behind == Behind::Closed {
                return (at + 1, Found::End);
            }
        }
        (bytes.len(), Found::More)
    }

    /// `false` where the byte cannot stand.
    #[inline]
    fn take(&mut self, byte: u8) -> bool {
        use Behind::*;
        match (self.behind, byte) {
            // A line that goes on in a string is one whose quote was never closed.
            (InString | Backslash, b'\n') => return false,
            (InString, b'"') => self.behind = Closed,
            (InString, b'\\') => self.behind = Backslash,
            (InString | Backslash, _) => self.behind = InString,
            (_, b' ' | b'\t' | b'\n' | b'\r') => {}
            (Nothing | OpeningBracket | Comma | Colon, b'"') => self.behind = InString,
            (_, b'{' | b'[') => {
                if !self.may_open() || self.open.len() == MOST_OPEN {
                    return false;
                }
                self.open.push(byte);
                self.behind = OpeningBracket;
            }
            (_, b'}' | b']') => {
                // The signs of a pair lie two apart.
                if self.open.last().is_none_or(|opening| opening + 2 != byte) {
                    return false;
                }
                self.open.pop();
                self.behind = Closed;
            }
            (Closed | Word, b'"') | (Nothing, b',' | b':') => return false,
            (_, b',') => self.behind = Comma,
            (_, b':') => self.behind = Colon,
            (Closed, _) => return false,
            _ => self.behind = Word,
        }
        true
    }

    /// A bracket opens a whole value, one behind a key, or an element.
    fn may_open(&self) -> bool {
        match self.open.last() {
            None => self.behind == Behind::Nothing,
            Some(b'{') => self.behind == Behind::Colon,
            Some(_) => matches!(self.behind, Behind::OpeningBracket | Behind::Comma),
        }
    }
}

fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'{' | b'}' | b'[' | b']' | b',' | b':')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn extent(text: &str) -> (usize, Found) {
        Extent::default().go_on(text.as_bytes())
    }

    #[test]
    fn a_value_ends_with_its_bracket_its_quote_or_its_word() {
        for value in [
            "{}",
            "{\"a\":[1,{\"b\":\"}\\\"]\"}]}",
            "[[],[{}]]",
            "\"a, ]\\\\\"",
            "-1.5e3",
            "null",
            // Broken, but not in their brackets and quotes.
            "{\"a\":NaN}",
            "{\"a\":,}",
            "{'a':'b'}",
            "{\"a\":1 2,\"b\":\"\\x\"}",
            "{\"a\":1,,\"b\":\"\t\"}",
            "{1:{\"a\":2}}",
            "undefined",
        ] {
            for behind in [",", "]", "\n]", " x", ",{\"a\":1}]"] {
                assert_eq!(extent(&format!("{value}{behind}")), (value.len(), Found::End), "{value}{behind}");
            }
        }
    }

    #[test]
    fn what_is_missing_shows_at_the_next_sign_in_the_wrong_place() {
        for text in [
            "{\"a\":1^]",
            "{\"a\":[1,2^}",
            // A brace is missing, and the next element follows.
            "{\"a\":1,^{\"a\":2}",
            "{\"a\":\"x\"^{\"a\":2}",
            "{\"a\":{\"b\":1},^{\"a\":2}",
            // A quote is missing, and what was inside of quotes is outside.
            "{\"a\":\"x},{\"^a\":\"y\"},",
            "{\"a\":\"x^\n},",
            "{\"a\":\"x\\^\n},",
            "{\"a\":x^\"},{\"a\":\"y\"}",
            "{\"a\":\"5\" ^screen\"}",
            "{\"a\":\"he said ^",
            // Nothing starts so.
            "^}",
            "^:",
        ] {
            let at = text.find('^').expect("a mark");
            let text = text.replacen('^', "", 1);
            let expected = if at == text.len() { Found::More } else { Found::Misplaced };
            assert_eq!(extent(&text), (at, expected), "{text}");
        }
    }

    #[test]
    fn a_hole_is_told_from_some_nul_bytes() {
        let with = |nuls: usize, behind: &str| format!("{{\"a\":\"{}{behind}", "\0".repeat(nuls));
        assert_eq!(extent(&with(511, "\"},")), (6 + 511 + 2, Found::End));
        assert_eq!(extent(&with(512, "\"},")), (6, Found::Misplaced));
        assert_eq!(extent(&with(511, "")), (6, Found::More));
    }

    #[test]
    fn brackets_without_end_take_no_memory_without_end() {
        assert_eq!(extent(&"[".repeat(MOST_OPEN + 1)), (MOST_OPEN, Found::Misplaced));
    }

    fn pieces(text: &[u8], cuts: &[usize]) -> (usize, Found) {
        let mut extent = Extent::default();
        let mut from = 0;
        for cut in cuts.iter().copied().chain([text.len()]) {
            let (length, found) = extent.go_on(&text[from..cut.clamp(from, text.len())]);
            from += length;
            if found != Found::More {
                return (from, found);
            }
        }
        (from, Found::More)
    }

    proptest! {
        #[test]
        fn a_sound_value_ends_where_serde_json_says(
            text in "(\\{\"a\":|\\[|\\[1,|\\{\"\\\\\"\":\\{\\},\"b\":){0,4}(\"[a,\\]\\\\\"]{0,4}\"|-?[0-9]{1,3}|true|\\[\\]|\\{\\})[\\]\\},]{0,6}",
        ) {
            let mut values = serde_json::Deserializer::from_str(&text).into_iter::<serde::de::IgnoredAny>();
            if let Some(Ok(_)) = values.next() {
                let end = values.byte_offset();
                // At the very end a word may go on.
                let expected = (end, if end == text.len() && text.ends_with(|c: char| c.is_alphanumeric()) { Found::More } else { Found::End });
                prop_assert_eq!(extent(&text), expected, "{}", text);
            }
        }

        #[test]
        fn pieces_tell_what_the_whole_tells(
            text in "[\\[\\]{}\":, a\\\\\n0]{0,24}", cuts in prop::collection::vec(0_usize..24, 0..4),
        ) {
            let mut cuts = cuts;
            cuts.sort_unstable();
            prop_assert_eq!(pieces(text.as_bytes(), &cuts), extent(&text), "{}", text);
        }
    }
}
