//! One CSV record, byte by byte: the definition that the fast walk must equal.
//!
//! The state machine is that of `csv-core` (double quotes on, any number of fields): a quote opens
//! a quoted field only as its first byte, elsewhere it is text; what follows a closing quote is
//! text again. Limits, and what is taken for an unclosed quote, are ours. It serves the records that the
//! fast walk does not take, and the sample of the dialect guess.

use super::dialect::Dialect;
use crate::decode::Limits;
use std::ops::Range;

/// The fields of one record, unquoted and unescaped, one behind the other.
#[derive(Debug, Clone, Default)]
pub(super) struct ExactFields {
    text: Vec<u8>,
    ends: Vec<usize>,
    /// A quote was taken literally, or text followed a closing quote.
    pub stray_quote: bool,
}

impl ExactFields {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        Some(&self.text[start..end])
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Empty fields at the end.
    pub fn empty_tail(&self) -> usize {
        (0..self.len()).rev().take_while(|&index| self.get(index).is_some_and(<[u8]>::is_empty)).count()
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.stray_quote = false;
    }
}

/// How a record ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExactEnd {
    /// `content_end` is before the line break, `next` behind it.
    Complete { content_end: usize, next: usize },
    /// The bytes end before the record does, and more will come.
    Unfinished,
    /// More than `max_record_bytes`; `next` is behind the next line break.
    TooLarge { next: usize },
    /// A quote opened at `opened_at`, in field `field`, and was not closed within the limits or the
    /// input, or on another line by a quote with text behind it; `next` is behind the line on which it opened.
    OpenQuote { opened_at: usize, field: usize, next: usize },
}

/// Reads the record that starts at `start`. With `last`, the bytes end where the input ends.
pub(super) fn read_record(
    bytes: &[u8],
    start: usize,
    last: bool,
    dialect: &Dialect,
    limits: Limits,
    fields: &mut ExactFields,
) -> ExactEnd {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        StartOfField,
        InField,
        InQuotes,
        AfterEscape,
        AfterQuote,
    }
    fields.clear();
    let mut state = State::StartOfField;
    let mut opened_at = start;
    let mut breaks_in_field = 0;
    let mut position = start;
    while position < bytes.len() {
        // Bytes that are text and nothing else are taken together, up to where the limit is looked at.
        let most = bytes.len().min(start.saturating_add(limits.max_record_bytes));
        let plain = match (state, dialect.quote) {
            (State::InField, quote) => {
                let text = plain_text(bytes, position..most, dialect.delimiter);
                fields.stray_quote |= quote.is_some_and(|quote| memchr::memchr(quote, text).is_some());
                text
            }
            (State::InQuotes, Some(quote)) if dialect.escape.is_none() => {
                plain_text(bytes, position..most, quote)
            }
            _ => &[],
        };
        if !plain.is_empty() {
            fields.text.extend_from_slice(plain);
            position += plain.len();
            continue;
        }
        let byte = bytes[position];
        let in_quotes = matches!(state, State::InQuotes | State::AfterEscape);
        if position - start >= limits.max_record_bytes && (in_quotes || !is_break(byte)) {
            return match in_quotes {
                true => open_quote(bytes, opened_at, fields),
                false => match next_line(bytes, position, last) {
                    Some(next) => ExactEnd::TooLarge { next },
                    None => ExactEnd::Unfinished,
                },
            };
        }
        if in_quotes && is_break(byte) && !(byte == b'\n' && bytes[position - 1] == b'\r') {
            breaks_in_field += 1;
            if breaks_in_field > limits.max_field_lines {
                return open_quote(bytes, opened_at, fields);
            }
        }
        state = match state {
            State::StartOfField if Some(byte) == dialect.quote => {
                opened_at = position;
                breaks_in_field = 0;
                State::InQuotes
            }
            State::InQuotes if Some(byte) == dialect.quote => State::AfterQuote,
            State::InQuotes if Some(byte) == dialect.escape => State::AfterEscape,
            State::InQuotes | State::AfterEscape => {
                fields.text.push(byte);
                State::InQuotes
            }
            State::AfterQuote if Some(byte) == dialect.quote => {
                fields.text.push(byte);
                State::InQuotes
            }
            _ if byte == dialect.delimiter => {
                fields.ends.push(fields.text.len());
                State::StartOfField
            }
            _ if is_break(byte) => {
                fields.ends.push(fields.text.len());
                return ExactEnd::Complete { content_end: position, next: after_break(bytes, position) };
            }
            // Text behind a closing quote is a stray quote; but if the field goes over several lines, the
            // quote that closes it opens the field of another record.
            State::AfterQuote if breaks_in_field > 0 => return open_quote(bytes, opened_at, fields),
            before => {
                fields.stray_quote |= before == State::AfterQuote || Some(byte) == dialect.quote;
                fields.text.push(byte);
                State::InField
            }
        };
        position += 1;
    }
    match state {
        _ if !last => ExactEnd::Unfinished,
        State::InQuotes | State::AfterEscape => open_quote(bytes, opened_at, fields),
        _ => {
            fields.ends.push(fields.text.len());
            ExactEnd::Complete { content_end: bytes.len(), next: bytes.len() }
        }
    }
}

/// The bytes of a range up to `end` or a line break.
fn plain_text(bytes: &[u8], range: Range<usize>, end: u8) -> &[u8] {
    let rest = bytes.get(range).unwrap_or_default();
    &rest[..memchr::memchr3(end, b'\n', b'\r', rest).unwrap_or(rest.len())]
}

pub(super) fn is_break(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

/// The position behind the line break at `position`, which `\r\n` is too.
pub(super) fn after_break(bytes: &[u8], position: usize) -> usize {
    let pair = bytes[position] == b'\r' && bytes.get(position + 1) == Some(&b'\n');
    position + 1 + usize::from(pair)
}

/// Line breaks in `bytes`; `\r\n` is one.
pub(super) fn count_lines(bytes: &[u8]) -> u64 {
    let breaks = memchr::memchr2_iter(b'\n', b'\r', bytes);
    breaks.filter(|&at| bytes[at] == b'\r' || at == 0 || bytes[at - 1] != b'\r').count() as u64
}

/// Only blanks, and none of them a delimiter.
pub(super) fn is_blank(line: &[u8], delimiter: u8) -> bool {
    line.iter().all(|&byte| (byte == b' ' || byte == b'\t') && byte != delimiter)
}

/// The start of the next line at or behind `position`, or the end of the last piece.
fn next_line(bytes: &[u8], position: usize, last: bool) -> Option<usize> {
    match memchr::memchr2(b'\n', b'\r', &bytes[position..]) {
        Some(at) => Some(after_break(bytes, position + at)),
        None => last.then_some(bytes.len()),
    }
}

fn open_quote(bytes: &[u8], opened_at: usize, fields: &ExactFields) -> ExactEnd {
    // A line without end is the last one, or so long that nothing behind it can be trusted.
    let next = next_line(bytes, opened_at, true).unwrap_or(bytes.len());
    ExactEnd::OpenQuote { opened_at, field: fields.len(), next }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect() -> Dialect {
        Dialect {
            delimiter: b',',
            quote: Some(b'"'),
            escape: None,
            header: true,
            preamble_lines: 0,
            border: b'\n',
        }
    }

    fn read(text: &str, dialect: &Dialect, limits: Limits) -> (ExactEnd, Vec<String>, bool) {
        let mut fields = ExactFields::default();
        let end = read_record(text.as_bytes(), 0, true, dialect, limits, &mut fields);
        let texts = fields.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect();
        (end, texts, fields.stray_quote)
    }

    #[test]
    fn quotes_open_only_at_the_start_of_a_field() {
        let (end, fields, stray) = read("\"a,\"\"b\",c\"d,\"e\"f\"g\r\nnext", &dialect(), Limits::default());
        assert_eq!(fields, ["a,\"b", "c\"d", "ef\"g"]);
        assert!(stray);
        assert_eq!(end, ExactEnd::Complete { content_end: 18, next: 20 });
    }

    #[test]
    fn an_escape_takes_the_next_byte_literally_inside_quotes_only() {
        let dialect = Dialect { escape: Some(b'\\'), ..dialect() };
        let (_, fields, stray) = read("\"a\\\"b\\\\\",c\\d\n", &dialect, Limits::default());
        assert_eq!(fields, ["a\"b\\", "c\\d"]);
        assert!(!stray);
    }

    #[test]
    fn an_open_quote_gives_up_its_line_only() {
        let (end, _, _) = read("a,\"b\nc,d\n", &dialect(), Limits::default());
        assert_eq!(end, ExactEnd::OpenQuote { opened_at: 2, field: 1, next: 5 });
    }

    #[test]
    fn a_quote_that_opens_another_field_closes_none() {
        // Closed by the quote that opens `"d"`, the field would swallow the line between.
        let (end, _, _) = read("a,\"b\nc,\"d\"\n", &dialect(), Limits::default());
        assert_eq!(end, ExactEnd::OpenQuote { opened_at: 2, field: 1, next: 5 });
        let (end, fields, stray) = read("a,\"b\nc\",d\n", &dialect(), Limits::default());
        assert_eq!(
            (fields.as_slice(), stray),
            (&["a".to_owned(), "b\nc".to_owned(), "d".to_owned()][..], false)
        );
        assert_eq!(end, ExactEnd::Complete { content_end: 9, next: 10 });
        // On one line it is a stray quote.
        assert!(read("a,\"b\"c,d\n", &dialect(), Limits::default()).2);
    }

    #[test]
    fn the_record_limit_is_inclusive() {
        let limits = Limits { max_record_bytes: 4, ..Limits::default() };
        assert_eq!(read("abc\nx", &dialect(), limits).0, ExactEnd::Complete { content_end: 3, next: 4 });
        assert_eq!(read("abcd\nx", &dialect(), limits).0, ExactEnd::Complete { content_end: 4, next: 5 });
        assert_eq!(read("abcde\nx", &dialect(), limits).0, ExactEnd::TooLarge { next: 6 });
    }

    #[test]
    fn the_limit_of_lines_in_a_field_is_inclusive() {
        let limits = Limits { max_field_lines: 2, ..Limits::default() };
        assert_eq!(read("\"a\r\nb\"\n", &dialect(), limits).1, ["a\r\nb"]);
        assert_eq!(read("\"a\r\nb\nc\"\n", &dialect(), limits).1, ["a\r\nb\nc"]);
        let over = read("\"a\r\nb\nc\rd\"\n", &dialect(), limits).0;
        assert_eq!(over, ExactEnd::OpenQuote { opened_at: 0, field: 0, next: 4 });
    }

    #[test]
    fn lines_are_counted_whatever_breaks_them() {
        assert_eq!(count_lines(b""), 0);
        assert_eq!(count_lines(b"a\r\nb\nc\rd"), 3);
        assert_eq!(count_lines(b"\n\r\r\n\n"), 4);
    }
}
