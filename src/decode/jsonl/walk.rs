//! A strict walk over JSON text (RFC 8259) that builds nothing: every byte is checked, values
//! are ranges of the input. Nesting costs a bit a level, not a stack frame.
//!
//! The text is expected to be UTF-8; that is checked elsewhere, over whole pieces at once.

use crate::event::RejectCode;

/// Objects and arrays that may be open at once, the record itself among them.
pub(super) const MAX_DEPTH: u32 = 128;

/// Where and why the text is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub code: RejectCode,
    /// Byte in the walked text.
    pub at: usize,
    pub message: &'static str,
}

pub(super) const ENDS_EARLY: &str = "the text ends inside a value";

/// A string between its quotes, still escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Text<'a> {
    pub raw: &'a [u8],
    pub escaped: bool,
}

/// The start of a value; a scalar is then wholly consumed, of the others only the bracket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Text(Text<'a>),
    Number(&'a [u8]),
    Bool(bool),
    Null,
    Object,
    Array,
}

#[derive(Debug, Clone)]
pub(super) struct Walker<'a> {
    text: &'a [u8],
    at: usize,
    max_field_bytes: usize,
}

/// What may come next inside an object or array.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    FirstOrClose,
    CommaOrClose,
    AfterComma,
}

impl<'a> Walker<'a> {
    pub(super) fn new(text: &'a [u8], at: usize, max_field_bytes: usize) -> Walker<'a> {
        Walker { text, at, max_field_bytes }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn between(&self, start: usize, end: usize) -> &'a [u8] {
        &self.text[start..end]
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Steps over one byte that was peeked.
    #[inline]
    pub(super) fn step(&mut self) {
        self.at += 1;
    }

    #[inline]
    pub(super) fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    pub(super) fn next_is(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    pub(super) fn fault(&self, message: &'static str) -> Fault {
        let message = if self.at >= self.text.len() { ENDS_EARLY } else { message };
        Fault { code: RejectCode::R10, at: self.at, message }
    }

    /// The next member of an object whose bracket is behind: its key, the walker standing at its
    /// value. `None` at the closing bracket, which is consumed.
    #[inline]
    pub(super) fn member(&mut self, first: &mut bool) -> Result<Option<Text<'a>>, Fault> {
        self.skip_blanks();
        if self.next_is(b'}') {
            return Ok(None);
        }
        if !*first {
            if !self.next_is(b',') {
                return Err(self.fault("a comma or a closing brace is missing"));
            }
            self.skip_blanks();
        }
        *first = false;
        self.key().map(Some)
    }

    /// The key of a member, with its colon and the blanks after it.
    #[inline]
    fn key(&mut self) -> Result<Text<'a>, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.fault(match self.peek() {
                Some(b'}' | b',') => "a comma too many",
                Some(b'\'') => "single quotes are not JSON",
                Some(b'/' | b'#') => "comments are not JSON",
                _ => "a key in double quotes is missing",
            }));
        }
        let key = self.string()?;
        self.skip_blanks();
        if !self.next_is(b':') {
            return Err(self.fault("a colon is missing after a key"));
        }
        self.skip_blanks();
        Ok(key)
    }

    /// The value at which the walker stands.
    #[inline]
    pub(super) fn value(&mut self) -> Result<Value<'a>, Fault> {
        match self.peek() {
            Some(b'"') => Ok(Value::Text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => Ok(Value::Number(self.number()?)),
            Some(b'{') => {
                self.step();
                Ok(Value::Object)
            }
            Some(b'[') => {
                self.step();
                Ok(Value::Array)
            }
            Some(b't') => self.word(b"true", Value::Bool(true)),
            Some(b'f') => self.word(b"false", Value::Bool(false)),
            Some(b'n') => self.word(b"null", Value::Null),
            Some(b'N' | b'I' | b'i') => Err(self.fault(self.not_a_number())),
            Some(b'\'') => Err(self.fault("single quotes are not JSON")),
            Some(b'/' | b'#') => Err(self.fault("comments are not JSON")),
            Some(b',' | b']' | b'}') => Err(self.fault("a value is missing")),
            _ => Err(self.fault("this is not a JSON value")),
        }
    }

    /// What is wrong with a word that may stand for a number in JavaScript.
    fn not_a_number(&self) -> &'static str {
        let rest = &self.text[self.at..];
        let words = [&b"NaN"[..], b"Infinity", b"inf"];
        match words.iter().any(|word| rest.starts_with(word)) {
            true => "NaN and Infinity are not JSON",
            false => "this is not a JSON value",
        }
    }

    fn word(&mut self, word: &'static [u8], value: Value<'a>) -> Result<Value<'a>, Fault> {
        let rest = &self.text[self.at..];
        if rest.starts_with(word) {
            self.at += word.len();
            return Ok(value);
        }
        if word.starts_with(rest) {
            self.at = self.text.len();
        }
        Err(self.fault("this is not a JSON value"))
    }

    /// Consumes the rest of a value of which [`Walker::value`] gave the start. `depth` counts the
    /// objects and arrays around the value, not the value itself.
    #[inline]
    pub(super) fn finish(&mut self, value: Value<'a>, depth: u32) -> Result<(), Fault> {
        match value {
            Value::Object => self.skip_container(true, depth + 1),
            Value::Array => self.skip_container(false, depth + 1),
            _ => Ok(()),
        }
    }

    /// To behind the bracket that closes a container whose opening bracket is behind.
    fn skip_container(&mut self, is_object: bool, depth: u32) -> Result<(), Fault> {
        // One bit a level, the innermost lowest: 1 for an object.
        let mut kinds = u128::from(is_object);
        let mut open = 1;
        let mut expect = Expect::FirstOrClose;
        if depth > MAX_DEPTH {
            return Err(self.too_deep());
        }
        loop {
            self.skip_blanks();
            let is_object = kinds & 1 == 1;
            if expect != Expect::AfterComma && self.next_is(if is_object { b'}' } else { b']' }) {
                open -= 1;
                if open == 0 {
                    return Ok(());
                }
                kinds >>= 1;
                expect = Expect::CommaOrClose;
                continue;
            }
            if expect == Expect::CommaOrClose {
                if !self.next_is(b',') {
                    return Err(self.fault("a comma or a closing bracket is missing"));
                }
                expect = Expect::AfterComma;
                continue;
            }
            if is_object {
                self.key()?;
            }
            let value = self.value()?;
            expect = Expect::CommaOrClose;
            if matches!(value, Value::Object | Value::Array) {
                if depth + open > MAX_DEPTH {
                    return Err(self.too_deep());
                }
                open += 1;
                kinds = kinds << 1 | u128::from(value == Value::Object);
                expect = Expect::FirstOrClose;
            }
        }
    }

    pub(super) fn too_deep(&self) -> Fault {
        Fault {
            code: RejectCode::R11,
            at: self.at,
            message: "more than 128 objects and arrays inside one another",
        }
    }

    fn too_long(&self, start: usize) -> Result<(), Fault> {
        if self.at - start <= self.max_field_bytes {
            return Ok(());
        }
        Err(Fault { code: RejectCode::R13, at: start, message: "a value is over the size limit of a field" })
    }

    /// A string, the walker standing at its opening quote.
    #[inline]
    fn string(&mut self) -> Result<Text<'a>, Fault> {
        self.step();
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += plain_length(&self.text[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    self.too_long(start)?;
                    let raw = &self.text[start..self.at];
                    self.step();
                    return Ok(Text { raw, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(self.fault("a control character inside a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        self.step();
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.step();
                Ok(())
            }
            Some(b'u') => {
                let start = self.at - 1;
                self.hex()?;
                match hex4(&self.text[start + 2..]) {
                    Some(0xd800..0xdc00) if self.text[self.at..].starts_with(b"\\u") => {
                        self.step();
                        self.hex()?;
                        match hex4(&self.text[start + 8..]) {
                            Some(0xdc00..0xe000) => Ok(()),
                            _ => Err(half_pair(start)),
                        }
                    }
                    Some(0xd800..0xe000) if self.at < self.text.len() => Err(half_pair(start)),
                    _ => Ok(()),
                }
            }
            _ => Err(self.fault("an unknown escape in a string")),
        }
    }

    /// The digits after `\\u`, at whose `u` the walker stands.
    fn hex(&mut self) -> Result<(), Fault> {
        self.step();
        for _ in 0..4 {
            if !self.peek().is_some_and(|b| b.is_ascii_hexdigit()) {
                return Err(self.fault("four hexadecimal digits are missing after \\u"));
            }
            self.step();
        }
        Ok(())
    }

    #[inline]
    fn number(&mut self) -> Result<&'a [u8], Fault> {
        let start = self.at;
        self.next_is(b'-');
        if self.next_is(b'0') {
            if self.peek().is_some_and(|b| b.is_ascii_digit()) {
                return Err(self.fault("a number with a leading zero"));
            }
        } else if self.peek() == Some(b'I') {
            return Err(self.fault(self.not_a_number()));
        } else {
            self.digits()?;
        }
        if self.next_is(b'.') {
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.step();
            if let Some(b'+' | b'-') = self.peek() {
                self.step();
            }
            self.digits()?;
        }
        self.too_long(start)?;
        Ok(&self.text[start..self.at])
    }

    #[inline]
    fn digits(&mut self) -> Result<(), Fault> {
        if !self.peek().is_some_and(|b| b.is_ascii_digit()) {
            return Err(self.fault("a digit is missing in a number"));
        }
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.step();
        }
        Ok(())
    }
}

/// No text in any encoding is written so.
fn half_pair(at: usize) -> Fault {
    Fault { code: RejectCode::R03, at, message: "half of a surrogate pair" }
}

/// How many bytes from the start are neither a quote, a backslash nor a control character.
#[inline]
fn plain_length(text: &[u8]) -> usize {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut at = 0;
    while let Some(chunk) = text[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let is_zero = |x: u64| x.wrapping_sub(LOW) & !x & HIGH;
        let control = word.wrapping_sub(LOW * 0x20) & !word & HIGH;
        let found =
            is_zero(word ^ (LOW * u64::from(b'"'))) | is_zero(word ^ (LOW * u64::from(b'\\'))) | control;
        // A borrow can only set bits above the lowest true one, so that the lowest is right.
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let special = |&b: &u8| b < 0x20 || b == b'"' || b == b'\\';
    at + text[at..].iter().position(special).unwrap_or(text.len() - at)
}

/// Appends the text of a string whose escapes were checked. False for half a surrogate pair.
pub(super) fn unescape(raw: &[u8], into: &mut Vec<u8>) -> bool {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        into.extend_from_slice(&rest[..at]);
        let Some((&letter, after)) = rest[at + 1..].split_first() else { return false };
        rest = after;
        into.push(match letter {
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let Some((character, after)) = unescape_unicode(rest) else { return false };
                into.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = after;
                continue;
            }
            same => same,
        });
    }
    into.extend_from_slice(rest);
    true
}

/// The character of the digits after `\u`, and of a second escape where it is a pair.
fn unescape_unicode(text: &[u8]) -> Option<(char, &[u8])> {
    let first = hex4(text)?;
    let rest = &text[4..];
    if let Some(character) = char::from_u32(first) {
        return Some((character, rest));
    }
    let second = hex4(rest.strip_prefix(b"\\u")?)?;
    if !(0xd800..0xdc00).contains(&first) || !(0xdc00..0xe000).contains(&second) {
        return None;
    }
    let character = char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))?;
    Some((character, &rest[6..]))
}

pub(super) fn hex4(text: &[u8]) -> Option<u32> {
    let digits: &[u8; 4] = text.first_chunk()?;
    digits.iter().try_fold(0, |value, &digit| Some(value * 16 + char::from(digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn walk(text: &[u8]) -> Result<(), Fault> {
        let mut walker = Walker::new(text, 0, usize::MAX);
        walker.skip_blanks();
        let value = walker.value()?;
        walker.finish(value, 0)?;
        walker.skip_blanks();
        if walker.peek().is_some() { Err(walker.fault("more")) } else { Ok(()) }
    }

    fn nested(depth: usize) -> Vec<u8> {
        [vec![b'['; depth], vec![b']'; depth]].concat()
    }

    #[test]
    fn the_deepest_nesting_and_one_more() {
        assert_eq!(walk(&nested(127)), Ok(()));
        assert_eq!(walk(&nested(128)), Ok(()));
        assert_eq!(walk(&nested(129)).unwrap_err().code, RejectCode::R11);
        assert_eq!(walk(&nested(100_000)).unwrap_err().code, RejectCode::R11);
        assert_eq!(walk("{\"a\":".repeat(129).as_bytes()).unwrap_err().code, RejectCode::R11);
        // Objects among arrays: the right bracket has to close each.
        assert_eq!(walk(b"[{\"a\":[{}]}]"), Ok(()));
        assert_eq!(walk(b"[{\"a\":[{]}}]").unwrap_err().code, RejectCode::R10);
    }

    #[test]
    fn faults_say_where_and_what() {
        for (text, at, message) in [
            ("{\"a\":1,}", 7, "a comma too many"),
            ("{'a':1}", 1, "single quotes are not JSON"),
            ("[NaN]", 1, "NaN and Infinity are not JSON"),
            ("[1] // x", 4, "more"),
            ("[01]", 2, "a number with a leading zero"),
            ("[1 2]", 3, "a comma or a closing bracket is missing"),
            ("[\"\\x\"]", 3, "an unknown escape in a string"),
            ("[\"a\tb\"]", 3, "a control character inside a string"),
            ("[tru", 4, ENDS_EARLY),
            ("[\"abc", 5, ENDS_EARLY),
            ("[1,", 3, ENDS_EARLY),
            ("", 0, ENDS_EARLY),
        ] {
            assert_eq!(walk(text.as_bytes()), Err(Fault { code: RejectCode::R10, at, message }), "{text}");
        }
    }

    #[test]
    fn plain_runs_end_at_the_first_special_byte() {
        let mut text = vec![b'x'; 40];
        for special in [b'"', b'\\', 0, 0x1f] {
            for at in 0..40 {
                text[at] = special;
                assert_eq!(plain_length(&text), at);
                assert_eq!(plain_length(&text[..at]), at);
                text[at] = b'x';
            }
        }
        for plain in [0x20, 0x21, 0x7f, 0x80, 0xff] {
            assert_eq!(plain_length(&[plain; 17]), 17, "{plain}");
        }
    }

    #[test]
    fn escapes_become_characters_and_halves_of_pairs_do_not() {
        let plain = |raw: &str| {
            let mut into = Vec::new();
            unescape(raw.as_bytes(), &mut into).then(|| String::from_utf8(into).unwrap())
        };
        assert_eq!(plain(r#"a\"\\\/\b\f\n\r\tz"#).as_deref(), Some("a\"\\/\u{8}\u{c}\n\r\tz"));
        assert_eq!(plain(r"\u05d0\u05D1").as_deref(), Some("אב"));
        assert_eq!(plain(r"\ud83d\ude00!").as_deref(), Some("😀!"));
        assert_eq!(plain(r"\ud83d"), None);
        assert_eq!(plain(r"\ud83d!"), None);
        assert_eq!(plain(r"\ude00\ud83d"), None);
        assert_eq!(plain(r"\ud83d\ud83d"), None);
        assert_eq!(plain(r"\ud83d\u0041"), None);
    }

    proptest! {
        #[test]
        fn accepts_exactly_what_serde_json_accepts(
            text in "[\\[\\]{}\",:0-9eE+.truefalsn\\\\ \\-]{0,24}|(\\[|\\{\"a\":)*([0-9.eE-]{0,6}|\"[a\\\\nu0-9]{0,6}\")(\\]|\\})*",
        ) {
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(walk(text.as_bytes()).is_ok(), theirs, "{}", text);
        }

        #[test]
        fn strings_read_as_serde_json_reads_them(text in any::<String>()) {
            let written = serde_json::to_string(&text).unwrap();
            let mut walker = Walker::new(written.as_bytes(), 0, usize::MAX);
            let Ok(Value::Text(found)) = walker.value() else { panic!("{written}") };
            let mut plain = Vec::new();
            prop_assert!(unescape(found.raw, &mut plain));
            prop_assert_eq!(plain, text.into_bytes());
            prop_assert_eq!(walker.at(), written.len());
        }
    }
}
