//! One line, taken apart by its format: where each value lies, or what is wrong with the line.

use super::format::{LogFormat, Part, ValueKind};
use crate::event::RejectCode;
use std::ops::Range;

/// Where the value of a part lies in the line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Span {
    pub range: Range<usize>,
    /// Holds a backslash between quotes.
    pub escaped: bool,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub code: RejectCode,
    /// The part at fault, if it is one.
    pub part: Option<usize>,
    /// Byte of the line, from 0.
    pub at: usize,
    pub message: String,
}

/// Takes a line without its line break apart; `spans` gets one place for each part. All of the line
/// is looked at, whatever columns are wanted.
pub(super) fn read_line(
    format: &LogFormat,
    line: &[u8],
    max_field_bytes: usize,
    spans: &mut Vec<Span>,
) -> Result<(), Fault> {
    spans.clear();
    let mut at = 0;
    for (index, part) in format.parts.iter().enumerate() {
        let Some(start) = behind(line, at, &part.before) else {
            return Err(not_found(part, index, line, at));
        };
        let after = format.parts.get(index + 1).map_or(&format.tail, |next| &next.before);
        let mut escaped = false;
        let end = if part.quoted {
            quoted_end(line, start, &mut escaped)
        } else if after.is_empty() {
            Some(line.len())
        } else {
            memchr::memmem::find(&line[start..], after).map(|length| start + length)
        };
        let Some(end) = end else { return Err(no_end(format, index, line, start)) };
        if end - start > max_field_bytes {
            let message = format!("the {} is over the size limit", part.name);
            return Err(Fault { code: RejectCode::R13, part: Some(index), at: start, message });
        }
        check(part, index, &line[start..end], start)?;
        spans.push(Span { range: start..end, escaped });
        at = end;
    }
    match behind(line, at, &format.tail) {
        Some(end) if end == line.len() => Ok(()),
        Some(end) => {
            let message = "the line goes on behind its last value".to_owned();
            Err(Fault { code: RejectCode::R02, part: None, at: end, message })
        }
        None => {
            let part = format.parts.last();
            let quoted = part.is_some_and(|part| part.quoted);
            let code = if quoted { RejectCode::R15 } else { RejectCode::R01 };
            let message = "the line does not end as its format says".to_owned();
            Err(Fault { code, part: None, at, message })
        }
    }
}

/// The place behind the literal, if it stands at `at`.
#[inline]
fn behind(line: &[u8], at: usize, literal: &[u8]) -> Option<usize> {
    line[at..].starts_with(literal).then_some(at + literal.len())
}

/// The first quote from `start` on that no backslash stands before.
#[inline]
fn quoted_end(line: &[u8], start: usize, escaped: &mut bool) -> Option<usize> {
    let mut at = start;
    loop {
        at += memchr::memchr2(b'"', b'\\', line.get(at..)?)?;
        if line[at] == b'"' {
            return Some(at);
        }
        *escaped = true;
        at += 2;
    }
}

#[inline]
fn check(part: &Part, index: usize, value: &[u8], at: usize) -> Result<(), Fault> {
    let is_number = || value.iter().all(u8::is_ascii_digit);
    let (sound, wanted) = match part.value {
        ValueKind::Text => return Ok(()),
        ValueKind::Status => (value.len() == 3 && is_number(), "a number of three digits"),
        ValueKind::Count => (!value.is_empty() && is_number(), "a number"),
    };
    if sound || value == b"-" {
        return Ok(());
    }
    let message = format!("the {} is not {wanted}", part.name);
    Err(Fault { code: RejectCode::R09, part: Some(index), at, message })
}

/// The literal before a part is not where the part before it ends.
#[cold]
fn not_found(part: &Part, index: usize, line: &[u8], at: usize) -> Fault {
    let ends = line[at..].len() < part.before.len() && part.before.starts_with(&line[at..]);
    if ends {
        let message = format!("the line ends before the {}", part.name);
        return Fault { code: RejectCode::R01, part: Some(index), at: line.len(), message };
    }
    // A quote that ends a value too early: the one inside it is not escaped.
    if index > 0 && part.before.first() == Some(&b'"') {
        let message = format!("a quote that is not escaped, before the {}", part.name);
        return Fault { code: RejectCode::R15, part: Some(index - 1), at, message };
    }
    let message = format!("{} is expected before the {}", shown(&part.before), part.name);
    Fault { code: RejectCode::R01, part: Some(index), at, message }
}

/// A part's value does not end where the line does.
#[cold]
fn no_end(format: &LogFormat, index: usize, line: &[u8], start: usize) -> Fault {
    let part = &format.parts[index];
    if part.quoted {
        let message = format!("the quote of the {} is never closed", part.name);
        return Fault { code: RejectCode::R15, part: Some(index), at: start - 1, message };
    }
    let (part, message) = match format.parts.get(index + 1) {
        Some(next) => (index + 1, format!("the line ends before the {}", next.name)),
        None => (index, format!("the line ends inside the {}", part.name)),
    };
    Fault { code: RejectCode::R01, part: Some(part), at: line.len(), message }
}

/// Literal text of the format, for a message.
fn shown(literal: &[u8]) -> String {
    format!("`{}`", String::from_utf8_lossy(literal))
}

/// The pieces of `GET /cart HTTP/1.1`; `None` for what is no request: bytes of a TLS handshake, a
/// dash, nothing. A target may hold blanks; the protocol is missing in requests of HTTP/0.9.
pub(super) fn request_pieces(request: &[u8]) -> Option<(Range<usize>, Range<usize>, Range<usize>)> {
    let method = memchr::memchr(b' ', request)?;
    let is_method =
        method > 0 && request[..method].iter().all(|byte| byte.is_ascii_alphabetic() || b"-_".contains(byte));
    if !is_method {
        return None;
    }
    let start = method + 1;
    let end = match memchr::memrchr(b' ', request) {
        Some(blank) if blank >= start && request[blank + 1..].starts_with(b"HTTP/") => blank,
        _ => request.len(),
    };
    let protocol = if end == request.len() { end..end } else { end + 1..request.len() };
    (end > start).then_some((0..method, start..end, protocol))
}

/// Puts a quoted value without its escapes behind `into`: `\"`, `\\`, and `\xHH`, as Apache and nginx write
/// bytes that are not printable. Escapes of control characters stay as they are, and so does all of
/// a value that would not be UTF-8. Says whether anything was put there.
pub(super) fn unescape(value: &[u8], into: &mut Vec<u8>) -> bool {
    let start = into.len();
    let mut rest = value;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        into.extend_from_slice(&rest[..at]);
        let (byte, length) = match rest[at + 1..] {
            [sign @ (b'"' | b'\\'), ..] => (Some(sign), 2),
            [b'x', high, low, ..] => (hex(high, low).filter(|byte| !byte.is_ascii_control()), 4),
            _ => (None, 1),
        };
        match byte {
            Some(byte) => {
                into.push(byte);
                rest = &rest[at + length..];
            }
            None => {
                into.push(b'\\');
                rest = &rest[at + 1..];
            }
        }
    }
    into.extend_from_slice(rest);
    let is_text = simdutf8::basic::from_utf8(&into[start..]).is_ok();
    if !is_text {
        into.truncate(start);
    }
    is_text
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    // Two digits of four bits each.
    Some((digit(high)? << 4 | digit(low)?) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_three_pieces_or_none() {
        for (request, expected) in [
            ("GET /a?b=c HTTP/1.1", Some(["GET", "/a?b=c", "HTTP/1.1"])),
            ("GET /a b c HTTP/1.0", Some(["GET", "/a b c", "HTTP/1.0"])),
            ("GET /a", Some(["GET", "/a", ""])),
            ("GET /a HTTP/", Some(["GET", "/a", "HTTP/"])),
            ("OPTIONS * HTTP/1.0", Some(["OPTIONS", "*", "HTTP/1.0"])),
            ("M-SEARCH * HTTP/1.1", Some(["M-SEARCH", "*", "HTTP/1.1"])),
            ("GET http://x.example/ HTTP/1.1", Some(["GET", "http://x.example/", "HTTP/1.1"])),
            ("GET HTTP/1.1", Some(["GET", "HTTP/1.1", ""])),
            ("GET  HTTP/1.1", None),
            ("GET ", None),
            ("GET", None),
            ("-", None),
            ("", None),
            (r"\x16\x03\x01 \x02", None),
            (" /a HTTP/1.1", None),
        ] {
            let pieces = request_pieces(request.as_bytes())
                .map(|(method, target, protocol)| [method, target, protocol].map(|range| &request[range]));
            assert_eq!(pieces, expected, "{request:?}");
        }
    }

    #[test]
    fn escapes_are_undone_where_a_text_comes_of_it() {
        for (value, expected) in [
            (r#"say \"hi\""#, Some(r#"say "hi""#)),
            (r"C:\\dir", Some(r"C:\dir")),
            (r"\x22\x5C", Some("\"\\")),
            (r"\xd7\xa9", Some("ש")),
            (r"\n\t\x00\x1b", Some(r"\n\t\x00\x1b")),
            (r"\xZZ \x4", Some(r"\xZZ \x4")),
            (r"\", Some(r"\")),
            (r"a\xff", None),
        ] {
            let mut text = b"before".to_vec();
            let done = unescape(value.as_bytes(), &mut text);
            let text = String::from_utf8(text).expect("UTF-8");
            assert_eq!(done.then(|| text["before".len()..].to_owned()).as_deref(), expected, "{value}");
        }
    }
}
