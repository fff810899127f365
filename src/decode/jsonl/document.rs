//! Documents, piece by piece: arrays of objects, and objects one after the other however they are laid out.
//!
//! Where a value ends is told by its quotes and brackets ([`Extent`]), so that a broken one costs itself
//! and not what follows. Where these do not fit, all that follows is lost. That is damage, for nobody
//! knows how much it is.

use super::extent::{Extent, Found};
use super::predict::Layout;
use super::record::ValueFault;
use super::walk::{ENDS_EARLY, Fault, Value, Walker};
use super::{CUT_OFF, EXCERPT_BYTES, JsonDecoder, excerpt, not_utf8, oversized};
use crate::decode::lines::{HOLE, HOLE_BYTES, hole};
use crate::decode::{PieceEnd, RecordSink};
use crate::event::{Damage, RecordAt, Reject, RejectCode};
use std::ops::Range;

/// Decodes an input that is not one object a line. Takes its pieces, which may be cut at any byte, in
/// their order, each from where the one before left off. Holds a value of the limit of a record at most.
#[derive(Debug, Clone)]
pub struct DocumentDecoder {
    records: JsonDecoder,
    place: Place,
    /// The value whose end is not in hand yet.
    pending: Option<Pending>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before, between and behind documents.
    Outside,
    InArray(Behind),
    /// Behind damage.
    Lost,
}

/// What an array was read to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behind {
    Bracket,
    Comma,
    Element,
}

#[derive(Debug, Clone, Default)]
struct Pending {
    extent: Extent,
    /// Bytes of the value in hand that were looked at.
    looked_at: usize,
    /// It is over the limit of a record: what was looked at is not kept.
    is_rejected: bool,
}

/// One piece while it is decoded.
struct Piece<'p> {
    bytes: &'p [u8],
    last: bool,
    /// What comes before is done with.
    at: usize,
    records: u64,
    lines: LineCounter<'p>,
    sink: &'p mut dyn RecordSink,
}

impl DocumentDecoder {
    /// Records are judged and handed on as `records` does.
    pub fn new(records: JsonDecoder) -> DocumentDecoder {
        DocumentDecoder { records, place: Place::Outside, pending: None }
    }

    /// Decodes the values that end in `bytes`; with `last`, nothing follows these. Elements that are no
    /// objects or no sound JSON are rejected one by one, and one over the record limit as soon as it is
    /// known to be. Damage is one more reject, and the end: all that follows is consumed unread.
    pub fn decode(&mut self, bytes: &[u8], last: bool, sink: &mut dyn RecordSink) -> PieceEnd {
        let lines = LineCounter { bytes, at: 0, lines: 0 };
        let mut piece = Piece { bytes, last, at: 0, records: 0, lines, sink };
        while self.step(&mut piece) {}
        let lines = piece.lines.position(piece.at).lines_before;
        PieceEnd { records: piece.records, lines, consumed: piece.at, ..PieceEnd::default() }
    }

    /// Reads on by a sign or a value. `false` where the piece has no more of them.
    fn step(&mut self, piece: &mut Piece<'_>) -> bool {
        use Behind::{Bracket, Comma, Element};
        use Place::{InArray, Lost, Outside};
        if self.pending.is_some() {
            return self.value(piece);
        }
        piece.skip_blanks();
        let place = match (self.place, piece.bytes.get(piece.at)) {
            (Lost, _) => {
                piece.at = piece.bytes.len();
                return false;
            }
            (InArray(_), None) if piece.last => {
                self.lose(piece, piece.at, "the closing bracket of the array is missing");
                return false;
            }
            (_, None) => return false,
            (Outside, Some(b'[')) => InArray(Bracket),
            (InArray(Bracket | Element), Some(b']')) => Outside,
            (InArray(Element), Some(b',')) => InArray(Comma),
            (InArray(_), Some(sign @ (b',' | b']'))) => {
                let (at, excerpt) = (piece.position(piece.at), vec![*sign]);
                let (code, message) = (RejectCode::R10, "a comma too many".to_owned());
                piece.reject(Reject { code, at, slot: None, excerpt, message, field: None, damage: None });
                if *sign == b',' { InArray(Comma) } else { Outside }
            }
            (Outside, Some(b'{')) | (InArray(Bracket | Comma), Some(_)) => return self.value(piece),
            (Outside, Some(_)) => {
                self.damage(piece, piece.at, "not an object or an array");
                return false;
            }
            (InArray(Element), Some(_)) => {
                self.damage(piece, piece.at, "a comma or a closing bracket is missing");
                return false;
            }
        };
        self.place = place;
        piece.at += 1;
        true
    }

    /// The value that starts here, or that started before and goes on.
    fn value(&mut self, piece: &mut Piece<'_>) -> bool {
        let mut pending = self.pending.take().unwrap_or_default();
        let predicted = if pending.is_new() { self.predicted(piece) } else { None };
        let found = match predicted {
            Some(length) => {
                pending.looked_at = length;
                Found::End
            }
            None => {
                let (length, found) = pending.extent.go_on(&piece.bytes[piece.at + pending.looked_at..]);
                pending.looked_at += length;
                found
            }
        };
        let end = piece.at + pending.looked_at;
        let most = self.records.limits.max_record_bytes;
        if !pending.is_rejected && pending.looked_at > most {
            pending.is_rejected = true;
            let at = piece.position(piece.at);
            piece.reject(oversized(&piece.bytes[piece.at..piece.at + most], at));
        }
        if found == Found::End {
            if !pending.is_rejected {
                self.judge(piece, end, predicted.is_some());
            }
            piece.at = end;
            if self.place != Place::Outside {
                self.place = Place::InArray(Behind::Element);
            }
            return true;
        }
        if pending.is_rejected {
            (piece.at, pending.looked_at) = (end, 0);
        }
        if found == Found::More && !piece.last {
            self.pending = Some(pending);
        } else {
            self.broken(piece, pending, found);
        }
        false
    }

    /// The length of the record that starts here, if the fast walk takes it.
    fn predicted(&mut self, piece: &Piece<'_>) -> Option<usize> {
        if piece.bytes.get(piece.at) != Some(&b'{') {
            return None;
        }
        let max_field_bytes = self.records.limits.max_field_bytes;
        let layout = Layout { over_lines: true, depth: self.depth(), max_field_bytes };
        let end = self.records.reader.read_predicted(piece.bytes, piece.at, layout)?;
        Some(end - piece.at)
    }

    /// Arrays around the value in hand.
    fn depth(&self) -> u32 {
        u32::from(self.place != Place::Outside)
    }

    /// Hands on or rejects the value that starts here and goes to `end`. `is_read` says that the reader
    /// has taken it already.
    fn judge(&mut self, piece: &mut Piece<'_>, end: usize, is_read: bool) {
        let (bytes, range, at) = (piece.bytes, piece.at..end, piece.position(piece.at));
        let record = &bytes[range.clone()];
        if simdutf8::basic::from_utf8(record).is_err() {
            return piece.reject(not_utf8(record, at));
        }
        let depth = self.depth();
        let read = if is_read { Ok(None) } else { self.records.read_value(bytes, range.clone(), depth) };
        match read {
            Ok(value_fault) => {
                piece.records += 1;
                self.records.hand_on(bytes, range, at, value_fault, piece.sink);
            }
            Err(fault) => piece.reject(unsound(record, at, Fault { at: fault.at - range.start, ..fault })),
        }
    }

    /// The value that starts here has no end that could be told.
    fn broken(&mut self, piece: &mut Piece<'_>, pending: Pending, found: Found) {
        let (start, end) = (piece.at, piece.at + pending.looked_at);
        let text = &piece.bytes[start..piece.bytes.len().min(end + 1)];
        // Of what is not kept nothing more is known.
        let is_kept = !pending.is_rejected;
        let fault = if is_kept { syntax_fault(text, self.depth()) } else { None };
        let is_cut_off = found == Found::More;
        self.pending = Some(pending);
        match fault {
            Some(fault) if fault.at < text.len() => self.damage(piece, start + fault.at, fault.message),
            _ if is_kept && is_cut_off => self.lose(piece, start, CUT_OFF),
            _ if is_cut_off => self.lose(piece, end, ENDS_EARLY),
            _ => self.damage(piece, end, "a quote, a bracket or a line break that cannot stand here"),
        }
    }

    /// What stands at `at` cannot stand there, and nothing from there on be read.
    fn damage(&mut self, piece: &mut Piece<'_>, at: usize, message: &str) {
        self.lose(piece, at, &format!("{message}; nothing from here on can be read"));
    }

    /// Gives up all from `at` on. Waits for the bytes that are needed to say why.
    fn lose(&mut self, piece: &mut Piece<'_>, at: usize, message: &str) {
        let rest = &piece.bytes[at..];
        if !piece.last && rest.len() < HOLE_BYTES {
            return;
        }
        let (code, message) = match hole(&rest[..rest.len().min(HOLE_BYTES)]) {
            Some(_) => (RejectCode::R14, format!("{HOLE}; nothing from here on can be read")),
            None => (RejectCode::R10, message.to_owned()),
        };
        let (at, excerpt) = (piece.position(at), excerpt(rest));
        let damage = Some(Damage::Rest);
        piece.reject(Reject { code, at, slot: None, excerpt, message, field: None, damage });
        (self.place, self.pending) = (Place::Lost, None);
        piece.at = piece.bytes.len();
    }
}

impl JsonDecoder {
    /// Reads the object that is the `range` of `bytes`, with `depth` arrays around it.
    fn read_value(
        &mut self,
        bytes: &[u8],
        range: Range<usize>,
        depth: u32,
    ) -> Result<Option<ValueFault>, Fault> {
        let mut walker = Walker::new(&bytes[..range.end], range.start, self.limits.max_field_bytes);
        let no_object = |message| Err(Fault { code: RejectCode::R10, at: range.start, message });
        match walker.value() {
            Ok(Value::Object) => self.reader.read(&mut walker, depth),
            Ok(value) => walker.finish(value, depth).and_then(|()| no_object("not an object")),
            // Half a word, or a number without its digits.
            Err(fault) if fault.at == range.end => no_object("this is not a JSON value"),
            Err(fault) => Err(fault),
        }
    }
}

impl Pending {
    fn is_new(&self) -> bool {
        self.looked_at == 0 && !self.is_rejected
    }
}

impl Piece<'_> {
    fn skip_blanks(&mut self) {
        let mut walker = Walker::new(self.bytes, self.at, 0);
        walker.skip_blanks();
        self.at = walker.at();
    }

    fn position(&mut self, at: usize) -> RecordAt {
        self.lines.position(at)
    }

    fn reject(&mut self, reject: Reject) {
        self.records += 1;
        self.sink.reject(reject);
    }
}

/// What no JSON is, whatever the limits.
fn syntax_fault(text: &[u8], depth: u32) -> Option<Fault> {
    let mut walker = Walker::new(text, 0, usize::MAX);
    let read = walker.value().and_then(|value| walker.finish(value, depth));
    read.err().filter(|fault| fault.code == RejectCode::R10)
}

/// A record that is no sound object. `fault` is placed in it.
fn unsound(record: &[u8], at: RecordAt, fault: Fault) -> Reject {
    let line = memchr::memchr_iter(b'\n', &record[..fault.at]).count() + 1;
    let on_line = if line > 1 { format!(", on its line {line}") } else { String::new() };
    let message = format!("{} (byte {} of the record{on_line})", fault.message, fault.at + 1);
    let excerpt = excerpt(&record[fault.at.saturating_sub(EXCERPT_BYTES / 2)..]);
    Reject { code: fault.code, at, slot: None, excerpt, message, field: None, damage: None }
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
