//! JSON to records: one object a line, and whole documents (arrays, pretty-printed objects).
//!
//! Every byte of a record is checked, wanted or not: syntax, UTF-8, nesting, sizes. A line is
//! judged as a whole, so that junk on it spoils all its objects and nothing of the next line.
//! Numbers keep the digits they were written with. Leaves out byte order marks and other
//! encodings, which are the source's affair, and arrays as wanted values.

mod document;
mod extent;
mod leaves;
mod predict;
mod record;
mod sample;
mod scan;
mod shapes;
mod walk;

pub use document::DocumentDecoder;
pub use leaves::for_each_leaf;
pub use record::JsonPath;
pub use sample::{JsonForm, JsonKinds, JsonSample, PathSeen, looks_like_json, sample};

use super::fields::recycle;
use super::lines::{EXCERPT_BYTES, damage, excerpt, leave_pending, oversized, whole_lines};
use super::{Limits, PieceEnd, RecordSink};
use crate::event::{Field, RecordAt, Reject, RejectCode};
use predict::Layout;
use record::{RecordReader, ValueFault};
use walk::{ENDS_EARLY, Fault, Value, Walker};

const CUT_OFF: &str = "the record is cut off by the end of the input";

/// Reads records whose fields are found by path.
#[derive(Debug, Clone)]
pub struct JsonDecoder {
    limits: Limits,
    /// Boxed, for it is what makes this decoder larger than others.
    reader: Box<RecordReader>,
    /// An oversized line was rejected; the rest of it is passed over, up to its line break.
    inside_oversized: bool,
    /// Whoever takes the records wants all they hold.
    hands_on_text: bool,
    /// The allocation of the last record's fields, empty.
    spare_fields: Vec<Field<'static>>,
}

impl JsonDecoder {
    /// `wanted[slot]` is where the field of that slot is found.
    pub fn new(wanted: &[JsonPath], limits: Limits) -> JsonDecoder {
        JsonDecoder::judging(wanted, &vec![true; wanted.len()], limits)
    }

    /// As `new`, but a value makes a record unsound only where its slot is `judged`. Elsewhere an object
    /// or array is its text, and of a key that stands twice the last value counts.
    pub fn judging(wanted: &[JsonPath], judged: &[bool], limits: Limits) -> JsonDecoder {
        JsonDecoder {
            limits,
            reader: Box::new(RecordReader::new(wanted, judged)),
            inside_oversized: false,
            hands_on_text: false,
            spare_fields: Vec::new(),
        }
    }

    /// Gives the sink all bytes of every sound record too ([`RecordSink::text`]).
    pub fn with_text(self) -> JsonDecoder {
        JsonDecoder { hands_on_text: true, ..self }
    }

    /// Decodes the whole lines of `bytes`; with `last`, what follows the last line break is a
    /// line too. A line over the record limit is rejected (R13) as soon as it is known to be,
    /// whether its end is there or not; the next call, with the bytes that follow, looks for its end.
    pub fn decode(&mut self, bytes: &[u8], last: bool, sink: &mut dyn RecordSink) -> PieceEnd {
        let mut end = PieceEnd::default();
        let whole = whole_lines(bytes, last);
        let all_utf8 = simdutf8::basic::from_utf8(&bytes[..whole]).is_ok();
        while end.consumed < whole {
            if !self.inside_oversized
                && (all_utf8 || starts_with_utf8_line(&bytes[end.consumed..whole]))
                && let Some(behind) = self.usual_line(bytes, end.consumed, end.lines, sink)
            {
                end.records += 1;
                end.lines += 1;
                end.consumed = behind;
                continue;
            }
            let rest = &bytes[end.consumed..whole];
            let line_end = memchr::memchr(b'\n', rest);
            let line = &rest[..line_end.unwrap_or(rest.len())];
            if !std::mem::take(&mut self.inside_oversized) {
                let at = RecordAt { lines_before: end.lines, bytes_before: end.consumed as u64 };
                let records = self.line(line, at, all_utf8, line_end.is_none(), sink);
                end.records += records;
                end.blank_lines += u64::from(records == 0);
            }
            end.lines += u64::from(line_end.is_some());
            end.consumed += line.len() + usize::from(line_end.is_some());
        }
        leave_pending(&bytes[whole..], &mut self.inside_oversized, self.limits, &mut end, sink);
        end
    }

    /// Hands on the line that starts at `start` if it holds one sound record and nothing else.
    /// Gives the position behind its line break. With `None` nothing is known of the line.
    #[inline]
    fn usual_line(
        &mut self,
        bytes: &[u8],
        start: usize,
        lines_before: u64,
        sink: &mut dyn RecordSink,
    ) -> Option<usize> {
        if bytes[start] != b'{' {
            return None;
        }
        let layout = Layout { over_lines: false, depth: 0, max_field_bytes: self.limits.max_field_bytes };
        let end = self.reader.read_predicted(bytes, start, layout)?;
        let line_end = match bytes[end..] {
            [b'\n', ..] => end,
            [b'\r', b'\n', ..] => end + 1,
            _ => return None,
        };
        if line_end - start > self.limits.max_record_bytes {
            return None;
        }
        let at = RecordAt { lines_before, bytes_before: start as u64 };
        self.hand_on(bytes, start..end, at, None, sink);
        Some(line_end + 1)
    }

    /// Judges one line and hands on what it holds. Returns the records met.
    fn line(
        &mut self,
        line: &[u8],
        at: RecordAt,
        all_utf8: bool,
        cut_off: bool,
        sink: &mut dyn RecordSink,
    ) -> u64 {
        let mut walker = Walker::new(line, 0, self.limits.max_field_bytes);
        walker.skip_blanks();
        if walker.peek().is_none() {
            return 0;
        }
        if line.len() > self.limits.max_record_bytes {
            sink.reject(oversized(line, at));
            return 1;
        }
        if !all_utf8 && simdutf8::basic::from_utf8(line).is_err() {
            sink.reject(not_utf8(line, at));
            return 1;
        }
        match self.objects(line, walker, at, sink) {
            Ok(records) => records,
            Err(fault) => {
                let at_end = fault.message == ENDS_EARLY && cut_off;
                let message = if at_end { CUT_OFF } else { fault.message };
                sink.reject(Reject {
                    code: fault.code,
                    at,
                    slot: None,
                    excerpt: excerpt(line),
                    message: format!("{message} (byte {} of the line)", fault.at + 1),
                    field: None,
                    damage: damage(line),
                });
                1
            }
        }
    }

    /// All the objects of a line, or the fault that spoils them together.
    fn objects(
        &mut self,
        line: &[u8],
        mut walker: Walker<'_>,
        at: RecordAt,
        sink: &mut dyn RecordSink,
    ) -> Result<u64, Fault> {
        let mut start = walker.at();
        open_object(&mut walker)?;
        let mut value_fault = self.reader.read(&mut walker, 0)?;
        walker.skip_blanks();
        let mut ahead = walker.clone();
        while ahead.peek().is_some() {
            open_object(&mut ahead)?;
            ahead.finish(Value::Object, 0)?;
            ahead.skip_blanks();
        }
        let mut records = 0;
        loop {
            let bytes_before = at.bytes_before + if records == 0 { 0 } else { start as u64 };
            let at = RecordAt { bytes_before, ..at };
            self.hand_on(line, start..walker.at(), at, value_fault, sink);
            records += 1;
            if walker.peek().is_none() {
                return Ok(records);
            }
            start = walker.at();
            open_object(&mut walker)?;
            value_fault = self.reader.read(&mut walker, 0)?;
            walker.skip_blanks();
        }
    }

    /// Gives the record that was just read, the `range` of `text`, to the sink.
    fn hand_on(
        &mut self,
        text: &[u8],
        range: std::ops::Range<usize>,
        at: RecordAt,
        fault: Option<ValueFault>,
        sink: &mut dyn RecordSink,
    ) {
        if let Some(ValueFault { code, slot, message }) = fault {
            let excerpt = excerpt(&text[range]);
            sink.reject(Reject {
                code,
                at,
                slot,
                excerpt,
                message: message.to_owned(),
                field: None,
                damage: None,
            });
            return;
        }
        if self.hands_on_text {
            sink.text(&text[range]);
        }
        let mut fields = recycle(std::mem::take(&mut self.spare_fields));
        self.reader.fields(text, &mut fields);
        sink.record(at, &fields);
        self.spare_fields = recycle(fields);
    }
}

fn starts_with_utf8_line(bytes: &[u8]) -> bool {
    let line_end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
    simdutf8::basic::from_utf8(&bytes[..line_end]).is_ok()
}

fn open_object(walker: &mut Walker<'_>) -> Result<(), Fault> {
    if walker.next_is(b'{') {
        return Ok(());
    }
    // What is no JSON at all is told as such, with the reason.
    walker.clone().value()?;
    Err(walker.fault("not an object"))
}

/// The excerpt starts shortly before the bytes at fault, so that they can be seen.
fn not_utf8(record: &[u8], at: RecordAt) -> Reject {
    let bad = std::str::from_utf8(record).err().map_or(0, |error| error.valid_up_to());
    let message = format!("not UTF-8 (byte {} of the record)", bad + 1);
    let excerpt = excerpt(&record[bad.saturating_sub(EXCERPT_BYTES / 2)..]);
    Reject { code: RejectCode::R03, at, slot: None, excerpt, message, field: None, damage: None }
}

#[cfg(test)]
mod document_tests;
#[cfg(test)]
mod predict_tests;
#[cfg(test)]
mod tests;
