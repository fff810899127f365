//! Whole documents: arrays of objects, and objects laid out over several lines.

use super::predict::Layout;
use super::record::ValueFault;
use super::walk::{Fault, Value, Walker};
use super::{JsonDecoder, excerpt, has_hole, not_utf8, oversized};
use crate::decode::{PieceEnd, RecordSink};
use crate::event::{RecordAt, Reject, RejectCode};
use std::ops::Range;

impl JsonDecoder {
    /// Decodes a whole input that is not one object a line: objects one after the other however
    /// they are laid out, and arrays of objects. Elements that are no objects are rejected one
    /// by one. A syntax error is one reject (R10, R11) and the end, for there is nothing to go
    /// on from.
    pub fn decode_document(&mut self, bytes: &[u8], sink: &mut dyn RecordSink) -> PieceEnd {
        let mut lines = LineCounter { bytes, at: 0, lines: 0 };
        let mut end = PieceEnd { consumed: bytes.len(), ..PieceEnd::default() };
        if let Err(fault) = self.documents(bytes, &mut lines, &mut end.records, sink) {
            end.records += 1;
            sink.reject(Reject {
                code: fault.code,
                at: lines.position(fault.at),
                slot: None,
                excerpt: excerpt(&bytes[fault.at.min(bytes.len())..]),
                message: format!("{}; the rest of the document cannot be read", fault.message),
                field: None,
                is_damage: has_hole(&bytes[fault.at.min(bytes.len())..]),
            });
        }
        end.lines = lines.position(bytes.len()).lines_before;
        end
    }

    fn documents(
        &mut self,
        bytes: &[u8],
        lines: &mut LineCounter<'_>,
        records: &mut u64,
        sink: &mut dyn RecordSink,
    ) -> Result<(), Fault> {
        let mut walker = Walker::new(bytes, 0, self.limits.max_field_bytes);
        loop {
            walker.skip_blanks();
            match walker.peek() {
                None => return Ok(()),
                Some(b'[') => {
                    walker.step();
                    walker.skip_blanks();
                    let mut open = !walker.next_is(b']');
                    while open {
                        self.element(bytes, &mut walker, 1, lines, sink)?;
                        *records += 1;
                        walker.skip_blanks();
                        open = !walker.next_is(b']');
                        if open && !walker.next_is(b',') {
                            return Err(walker.fault("a comma or a closing bracket is missing"));
                        }
                        walker.skip_blanks();
                    }
                }
                Some(b'{') => {
                    self.element(bytes, &mut walker, 0, lines, sink)?;
                    *records += 1;
                }
                Some(_) => return Err(walker.fault("not an object or an array")),
            }
        }
    }

    /// One record, or what stands in its place. `depth` counts the arrays around it.
    fn element(
        &mut self,
        bytes: &[u8],
        walker: &mut Walker<'_>,
        depth: u32,
        lines: &mut LineCounter<'_>,
        sink: &mut dyn RecordSink,
    ) -> Result<(), Fault> {
        let start = walker.at();
        let at = lines.position(start);
        let layout = Layout { over_lines: true, depth, max_field_bytes: self.limits.max_field_bytes };
        if walker.peek() == Some(b'{')
            && let Some(end) = self.reader.read_predicted(bytes, start, layout)
        {
            walker.go_to(end);
            self.judge(bytes, start..end, at, None, sink);
            return Ok(());
        }
        let value_fault = match walker.value()? {
            Value::Object => self.reader.read(walker, depth)?,
            value => {
                walker.finish(value, depth)?;
                let message = "not an object".to_owned();
                let excerpt = excerpt(&bytes[start..walker.at()]);
                let (code, slot) = (RejectCode::R10, None);
                sink.reject(Reject { code, at, slot, excerpt, message, field: None, is_damage: false });
                return Ok(());
            }
        };
        self.judge(bytes, start..walker.at(), at, value_fault, sink);
        Ok(())
    }

    /// Hands a record of sound syntax on, unless it is too long or not UTF-8.
    fn judge(
        &mut self,
        bytes: &[u8],
        range: Range<usize>,
        at: RecordAt,
        value_fault: Option<ValueFault>,
        sink: &mut dyn RecordSink,
    ) {
        let record = &bytes[range.clone()];
        if record.len() > self.limits.max_record_bytes {
            sink.reject(oversized(record, at));
        } else if simdutf8::basic::from_utf8(record).is_err() {
            sink.reject(not_utf8(record, at));
        } else {
            self.hand_on(bytes, range, at, value_fault, sink);
        }
    }
}

/// Counts line breaks once, as positions are asked for in order.
struct LineCounter<'a> {
    bytes: &'a [u8],
    at: usize,
    lines: u64,
}

impl LineCounter<'_> {
    fn position(&mut self, at: usize) -> RecordAt {
        let at = at.clamp(self.at, self.bytes.len());
        self.lines += memchr::memchr_iter(b'\n', &self.bytes[self.at..at]).count() as u64;
        self.at = at;
        RecordAt { lines_before: self.lines, bytes_before: at as u64 }
    }
}
