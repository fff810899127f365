//! Access logs of web servers to records: one request a line, in a known or a given format.
//!
//! Every line is checked whole against its format, wanted columns or not. A request that is none
//! (the bytes of a TLS handshake, a dash) makes no line unsound: somebody was there at that time,
//! and method, target and protocol are missing. Left out: formats whose values have names, such as JSON
//! (see `jsonl`), and W3C extended logs.

mod format;
mod line;

pub use format::{LogFormat, LogFormatError, TARGET};

use super::fields::recycle;
use super::lines::{damage, excerpt, leave_pending, oversized, whole_lines};
use super::{Limits, PieceEnd, RecordSink};
use crate::event::{Field, RecordAt, Reject, RejectCode};
use format::{LogColumn, Piece};
use line::{Fault, Span, read_line, request_pieces, unescape};
use std::ops::Range;

/// Reads the lines of an access log.
#[derive(Debug, Clone)]
pub struct AccessLogDecoder {
    format: LogFormat,
    wanted: Vec<LogColumn>,
    limits: Limits,
    /// An oversized line was rejected; the rest of it is passed over, up to its line break.
    inside_oversized: bool,
    spans: Vec<Span>,
    /// Where the fields of a record lie.
    places: Vec<Place>,
    /// Values without their escapes.
    texts: Vec<u8>,
    /// The allocation of the last record's fields, empty.
    spare_fields: Vec<Field<'static>>,
}

/// Where a field lies, if it is there.
#[derive(Debug, Clone)]
enum Place {
    Missing,
    InLine(Range<usize>),
    InTexts(Range<usize>),
}

/// The value of a part without its escapes, and where a request has its pieces in it.
struct Value {
    place: Place,
    pieces: Option<(Range<usize>, Range<usize>, Range<usize>)>,
}

impl AccessLogDecoder {
    /// `wanted[slot]` is the place of a column in [`LogFormat::columns`]. Panics if there is none.
    pub fn new(format: &LogFormat, wanted: &[usize], limits: Limits) -> AccessLogDecoder {
        AccessLogDecoder {
            wanted: wanted.iter().map(|&column| format.columns[column].clone()).collect(),
            format: format.clone(),
            limits,
            inside_oversized: false,
            spans: Vec::new(),
            places: Vec::new(),
            texts: Vec::new(),
            spare_fields: Vec::new(),
        }
    }

    /// Decodes the whole lines of `bytes`; with `last`, what follows the last line break is a line
    /// too. A line over the record limit is rejected (R13) as soon as it is known to be; the next
    /// call, with the bytes that follow, looks for its end.
    pub fn decode(&mut self, bytes: &[u8], last: bool, sink: &mut impl RecordSink) -> PieceEnd {
        let mut end = PieceEnd::default();
        let whole = whole_lines(bytes, last);
        let is_clean = simdutf8::basic::from_utf8(&bytes[..whole]).is_ok()
            && memchr::memchr(0, &bytes[..whole]).is_none();
        while end.consumed < whole {
            let rest = &bytes[end.consumed..whole];
            let line_end = memchr::memchr(b'\n', rest);
            let line = &rest[..line_end.unwrap_or(rest.len())];
            if !std::mem::take(&mut self.inside_oversized) {
                let at = RecordAt { lines_before: end.lines, bytes_before: end.consumed as u64 };
                let is_record = self.line(line, at, is_clean, sink);
                end.records += u64::from(is_record);
                end.blank_lines += u64::from(!is_record);
            }
            end.lines += u64::from(line_end.is_some());
            end.consumed += line.len() + usize::from(line_end.is_some());
        }
        leave_pending(&bytes[whole..], &mut self.inside_oversized, self.limits, &mut end, sink);
        end
    }

    /// Judges one line and hands it on; false for a blank one.
    fn line(&mut self, line: &[u8], at: RecordAt, is_clean: bool, sink: &mut impl RecordSink) -> bool {
        if line.iter().all(u8::is_ascii_whitespace) {
            return false;
        }
        if line.len() > self.limits.max_record_bytes {
            sink.reject(oversized(line, at));
            return true;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut spans = std::mem::take(&mut self.spans);
        let sound = if is_clean { Ok(()) } else { check_text(line) }
            .and_then(|()| read_line(&self.format, line, self.limits.max_field_bytes, &mut spans));
        match sound {
            Ok(()) => self.hand_on(line, &spans, at, sink),
            Err(fault) => {
                let slot = fault.part.and_then(|part| self.slot_of(part));
                let message = format!("{} (byte {} of the line)", fault.message, fault.at + 1);
                let (code, excerpt, damage) = (fault.code, excerpt(line), damage(line));
                sink.reject(Reject { code, at, slot, excerpt, message, field: None, damage });
            }
        }
        self.spans = spans;
        true
    }

    /// The wanted column of a part: its whole value rather than a piece.
    fn slot_of(&self, part: usize) -> Option<usize> {
        let is_whole = |column: &LogColumn| column.part == part && column.piece == Piece::Whole;
        let whole = self.wanted.iter().position(is_whole);
        whole.or_else(|| self.wanted.iter().position(|column| column.part == part))
    }

    fn hand_on(&mut self, line: &[u8], spans: &[Span], at: RecordAt, sink: &mut impl RecordSink) {
        self.places.clear();
        self.texts.clear();
        let mut known: Option<(usize, Value)> = None;
        for column in &self.wanted {
            // The columns of one part mostly follow one another.
            let value = match known.take() {
                Some((part, value)) if part == column.part => value,
                _ => {
                    let is_request = self.format.parts[column.part].is_request();
                    value_of(&spans[column.part], is_request, line, &mut self.texts)
                }
            };
            self.places.push(value.place_of(column.piece, line, &self.texts));
            known = Some((column.part, value));
        }
        let mut fields = recycle(std::mem::take(&mut self.spare_fields));
        fields.extend(self.places.iter().map(|place| match place {
            Place::Missing => Field::Missing,
            Place::InLine(range) => Field::Text(&line[range.clone()]),
            Place::InTexts(range) => Field::Text(&self.texts[range.clone()]),
        }));
        sink.record(at, &fields);
        self.spare_fields = recycle(fields);
    }
}

/// The value of a part, taken apart if it is a request.
#[inline]
fn value_of(span: &Span, is_request: bool, line: &[u8], texts: &mut Vec<u8>) -> Value {
    let start = texts.len();
    let is_text = span.escaped && unescape(&line[span.range.clone()], texts);
    let place = if is_text { Place::InTexts(start..texts.len()) } else { Place::InLine(span.range.clone()) };
    let pieces = if is_request { request_pieces(place.text(line, texts)) } else { None };
    Value { place, pieces }
}

impl Value {
    #[inline]
    fn place_of(&self, piece: Piece, line: &[u8], texts: &[u8]) -> Place {
        let text = self.place.text(line, texts);
        let inner = match piece {
            Piece::Whole => Some(0..text.len()),
            Piece::PathOfTarget => Some(path(text, 0..text.len())),
            Piece::QueryOfTarget => query(text, 0..text.len()),
            _ => self.pieces.as_ref().and_then(|(method, target, protocol)| match piece {
                Piece::Method => Some(method.clone()),
                Piece::Protocol => Some(protocol.clone()),
                Piece::Path => Some(path(text, target.clone())),
                Piece::Query => query(text, target.clone()),
                _ => Some(target.clone()),
            }),
        };
        match inner {
            Some(inner) if !inner.is_empty() && text[inner.clone()] != *b"-" => self.place.part(inner),
            _ => Place::Missing,
        }
    }
}

/// What stands before the first question mark.
fn path(text: &[u8], target: Range<usize>) -> Range<usize> {
    let length = memchr::memchr(b'?', &text[target.clone()]).unwrap_or(target.len());
    target.start..target.start + length
}

/// What stands behind it.
fn query(text: &[u8], target: Range<usize>) -> Option<Range<usize>> {
    let length = memchr::memchr(b'?', &text[target.clone()])?;
    Some(target.start + length + 1..target.end)
}

impl Place {
    fn text<'t>(&self, line: &'t [u8], texts: &'t [u8]) -> &'t [u8] {
        match self {
            Place::Missing => b"",
            Place::InLine(range) => &line[range.clone()],
            Place::InTexts(range) => &texts[range.clone()],
        }
    }

    /// A part of what lies here.
    fn part(&self, inner: Range<usize>) -> Place {
        let moved = |by: usize| inner.start + by..inner.end + by;
        match self {
            Place::Missing => Place::Missing,
            Place::InLine(range) => Place::InLine(moved(range.start)),
            Place::InTexts(range) => Place::InTexts(moved(range.start)),
        }
    }
}

/// Why a line is no text, if it is none.
fn check_text(line: &[u8]) -> Result<(), Fault> {
    if let Some(at) = memchr::memchr(0, line) {
        return Err(Fault { code: RejectCode::R14, part: None, at, message: "a NUL byte".to_owned() });
    }
    match std::str::from_utf8(line) {
        Ok(_) => Ok(()),
        Err(error) => {
            let message = "not UTF-8".to_owned();
            Err(Fault { code: RejectCode::R03, part: None, at: error.valid_up_to(), message })
        }
    }
}

/// The first records of a head, all columns wanted, as texts: what a look at an input shows.
pub fn sample(format: &LogFormat, head: &[u8], is_whole: bool, rows: usize) -> Vec<Vec<Option<String>>> {
    let wanted: Vec<usize> = (0..format.columns.len()).collect();
    let mut sink = SampleSink { rows: Vec::new() };
    let mut decoder = AccessLogDecoder::new(format, &wanted, Limits::default());
    let mut at = 0;
    // A few lines at a time, so that no more of a long head is decoded than is asked for.
    while at < head.len() && sink.rows.len() < rows {
        let length = (64 << 10).min(head.len() - at);
        let last = is_whole && at + length == head.len();
        let length = if last {
            length
        } else {
            match memchr::memrchr(b'\n', &head[at..at + length]) {
                Some(newline) => newline + 1,
                None => length,
            }
        };
        decoder.decode(&head[at..at + length], last, &mut sink);
        at += length;
    }
    sink.rows.truncate(rows);
    sink.rows
}

struct SampleSink {
    rows: Vec<Vec<Option<String>>>,
}

impl RecordSink for SampleSink {
    fn record(&mut self, _: RecordAt, fields: &[Field<'_>]) {
        let text = |field: &Field<'_>| match field {
            Field::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
            _ => None,
        };
        self.rows.push(fields.iter().map(text).collect());
    }

    fn reject(&mut self, _: Reject) {}
}

#[cfg(test)]
mod tests;
