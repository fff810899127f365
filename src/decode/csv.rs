//! Delimited text to records, the hottest loop of the program.
//!
//! Records are found many at a time (`csv_walk`), read off a list of the places where fields end;
//! quoted stretches are told by the parity of quotes. That is right as long as quotes stand where they
//! should (`csv_scan`). Every other record, and every record near a limit, is left to `csv_exact`. So
//! the result is that of the `csv` crate wherever the record is sound.
//!
//! What it leaves out: the guess of the dialect (`dialect`), and what a field means.

use super::csv_exact::{ExactEnd, ExactFields, count_lines, is_blank, is_break, read_record};
use super::csv_scan::Signs;
use super::csv_walk::{Record, Records, Window};
use super::dialect::Dialect;
use super::header::{ColumnNames, Likeness};
use super::lines::{HOLE, hole};
use super::machine::Level;
use crate::decode::{Limits, PieceEnd, RecordSink};
use crate::event::{Damage, Field, RecordAt, Reject, RejectCode};
use crate::human;

/// Records that are left to `csv_exact` unseen where many before them had to be: looking in vain
/// costs as well.
const MOST_EXACT_AHEAD: usize = 15;

/// Columns from which on the lines of a text can look like rows.
const LEAST_COLUMNS_OF_ROWS: usize = 3;

/// Bytes of a rejected record that are kept to be shown.
const EXCERPT_BYTES: usize = 200;
/// NUL bytes of a hole that are shown.
const HOLE_SHOWN: usize = 4;

/// Decodes the data records of one delimited text, piece by piece.
///
/// A decoder keeps nothing from one piece to the next, so pieces may be decoded in any order and
/// by several decoders.
#[derive(Debug, Clone)]
pub struct CsvDecoder {
    dialect: Dialect,
    columns: usize,
    slots: Vec<usize>,
    /// By slot: what its column holds decides whether a record is sound.
    judged: Vec<bool>,
    header_record: Option<Vec<u8>>,
    /// Where another header inside the data is looked for.
    names: Option<ColumnNames>,
    limits: Limits,
    /// A sound record up to this size cannot be over a limit of bytes.
    safe_bytes: usize,
    /// A record of just so many bytes may be the header again.
    header_bytes: usize,
    window: Window,
    exact: ExactFields,
    scratch: Vec<u8>,
}

impl CsvDecoder {
    /// `columns` is the number of fields of a sound record; `wanted[slot]` is the column of that
    /// slot, and a column may serve several slots. `header_record` is the raw header line without
    /// its line break: a record equal to it is rejected as repeated (R16).
    ///
    /// Panics if a wanted column is not below `columns`.
    pub fn new(
        dialect: Dialect,
        columns: usize,
        wanted: &[usize],
        header_record: Option<Vec<u8>>,
        limits: Limits,
    ) -> CsvDecoder {
        assert!(wanted.iter().all(|&column| column < columns), "a wanted column lies beyond the last one");
        let signs = Signs { delimiter: dialect.delimiter, quote: dialect.quote };
        let safe_bytes = limits.max_field_bytes.min(limits.max_record_bytes);
        CsvDecoder {
            columns,
            slots: wanted.to_vec(),
            judged: vec![true; wanted.len()],
            header_bytes: header_record.as_ref().map_or(usize::MAX, Vec::len),
            header_record,
            names: None,
            limits,
            safe_bytes,
            window: Window::new(Level::detect(), signs, columns),
            exact: ExactFields::default(),
            scratch: Vec::new(),
            dialect,
        }
    }

    /// Lets only what the columns of some slots hold decide whether a record is sound; all do by default.
    pub fn judging(mut self, judged: &[bool]) -> CsvDecoder {
        self.judged = judged.to_vec();
        self
    }

    /// Tells a header of other columns than these, or of these in another order, from a record that is not
    /// sound. One that has as many fields as a sound record is told by [`CsvDecoder::other_header`].
    pub fn with_names(mut self, columns: &[String]) -> CsvDecoder {
        self.names = Some(ColumnNames::new(columns));
        self
    }

    /// The first of these records of a decoded piece that is a header of other columns, or in another
    /// order: rows behind it are not what the header of the file says (R16, damage).
    #[cold]
    pub fn other_header(&self, bytes: &[u8], records: &[RecordAt]) -> Option<Reject> {
        records.iter().find_map(|&at| {
            let start = at.bytes_before as usize;
            let content = self.content_of_other_header(bytes, start)?;
            Some(other_header_fault().reject(at, content))
        })
    }

    /// The record at `start`, if it is such a header.
    #[cold]
    fn content_of_other_header<'b>(&self, bytes: &'b [u8], start: usize) -> Option<&'b [u8]> {
        let names = self.names.as_ref()?;
        let mut fields = ExactFields::default();
        let end = read_record(bytes, start, true, &self.dialect, self.limits, &mut fields);
        let ExactEnd::Complete { content_end, .. } = end else { return None };
        (names.likeness(fields.iter()) == Likeness::OtherHeader).then(|| &bytes[start..content_end])
    }

    /// Decodes a piece that starts where a record starts and ends behind a line break, or with
    /// `last` where the input ends.
    ///
    /// A record that goes on beyond the piece is left over (see [`PieceEnd::consumed`]). A quote is
    /// taken for unclosed (R15) when the limit of lines in a field or of bytes in a record is
    /// passed, or the input ends, while it is open, or when text follows the quote that closes it on
    /// another line; the reject's place is that of the quote, and
    /// decoding goes on behind the line on which it opened, so that one stray quote costs one
    /// line and not the hundred behind it. A record that passes the limit of bytes outside quotes
    /// (R13) ends at the next line break. A closed field over its limit is R13 as well, and its
    /// record is passed over whole. A hole of NUL bytes (R14) goes before all else. If a record has several faults, the first of R13, R15, R03,
    /// R16, R01, R02, R14 is told.
    pub fn decode(&mut self, bytes: &[u8], last: bool, sink: &mut impl RecordSink) -> PieceEnd {
        let mut piece = PieceEnd::default();
        if self.dialect.border == b'\r' && bytes.first() == Some(&b'\n') {
            // The other half of the line break that ended the piece before.
            piece.consumed = 1;
        }
        // Apart from the decoder while it judges what was found.
        let mut window = std::mem::take(&mut self.window);
        window.forget();
        let mut fields = vec![Field::Missing; self.slots.len()];
        let mut goes_on = true;
        let mut exact_ahead = 0;
        while goes_on && piece.consumed < bytes.len() {
            let mut records = match self.dialect.escape {
                None => window.records(bytes, piece.consumed),
                Some(_) => Records::none(),
            };
            let leads_to_exact = records.is_empty() || records.lead_to_misplaced_quote();
            if !records.is_empty() {
                exact_ahead = 0;
            }
            let from = piece.consumed;
            let text = &bytes[from..];
            let mut holds = true;
            while holds && let Some(record) = records.next() {
                if self.is_plain(&record) {
                    for (field, &column) in fields.iter_mut().zip(&self.slots) {
                        *field = Field::Text(self.unquoted(record.field(text, column)));
                    }
                    let bytes_before = (from + record.start) as u64;
                    sink.record(RecordAt { lines_before: piece.lines, bytes_before }, &fields);
                    piece.records += 1;
                    piece.lines += 1;
                    piece.consumed = from + record.next;
                } else if !self.take_found(text, &records, &record, &mut fields, &mut piece, sink) {
                    goes_on = self.take_exact(bytes, last, &mut piece, sink);
                    // If it ended elsewhere, what was found behind it does not hold.
                    holds = piece.consumed == from + record.next;
                }
            }
            if !holds {
                window.be_cautious();
            } else if leads_to_exact {
                for _ in 0..=exact_ahead {
                    if goes_on && piece.consumed < bytes.len() {
                        goes_on = self.take_exact(bytes, last, &mut piece, sink);
                    }
                }
                exact_ahead = (2 * exact_ahead + 1).min(MOST_EXACT_AHEAD);
                window.be_cautious();
            }
        }
        self.window = window;
        piece
    }

    /// Whether nothing about the record needs to be judged.
    #[inline(always)]
    fn is_plain(&self, record: &Record<'_>) -> bool {
        let bytes = record.end - record.start;
        // A record without delimiters may be a blank line.
        !record.maybe_unusual
            && record.fields() == self.columns
            && self.columns > 1
            && bytes <= self.safe_bytes
            && bytes != self.header_bytes
    }

    /// Judges the record behind what is consumed, which was found in the bytes `text` from the
    /// window on. `false` leaves it to `take_exact`.
    #[inline(never)]
    fn take_found<'b>(
        &mut self,
        text: &'b [u8],
        records: &Records<'_>,
        record: &Record<'_>,
        fields: &mut [Field<'b>],
        piece: &mut PieceEnd,
        sink: &mut impl RecordSink,
    ) -> bool {
        let content = &text[record.start..record.end];
        let unusual = match records.unusual_part(record) {
            part if part.is_empty() => Unusual::default(),
            part => self.look_closer(&text[part.clone()], part.start - record.start),
        };
        if content.len() > self.safe_bytes || unusual.lines > self.limits.max_field_lines as u64 {
            return false;
        }
        let at = RecordAt { lines_before: piece.lines, bytes_before: piece.consumed as u64 };
        if record.fields() == 1 && is_blank(content, self.dialect.delimiter) {
            piece.blank_lines += 1;
        } else if record.fields() > self.columns && !self.ends_in_delimiters(content, record.fields()) {
            return false;
        } else if unusual.has_nul
            && let Some(hole) = hole(content)
        {
            piece.records += 1;
            sink.reject(hole_reject(hole, at, content));
        } else if let Err(fault) = self.check(content, self.columns.min(record.fields()), unusual.not_utf8_at)
        {
            piece.records += 1;
            sink.reject(fault.reject(at, content));
        } else {
            piece.records += 1;
            let mut escaped = false;
            for (field, &column) in fields.iter_mut().zip(&self.slots) {
                let raw = record.field(text, column);
                let inner = self.unquoted(raw);
                escaped |=
                    unusual.has_quote && inner.len() < raw.len() && memchr::memchr(raw[0], inner).is_some();
                *field = Field::Text(inner);
            }
            let nul = if unusual.has_nul { self.slot_with_nul(fields) } else { None };
            piece.empty_tails += u64::from(nul.is_none() && record.fields() > self.columns);
            if unusual.lines > 0 && nul.is_none() {
                self.note_rows_in_text(at, content, piece);
            }
            match (nul, self.dialect.quote) {
                (Some(slot), _) => sink.reject(self.nul_fault(slot).reject(at, content)),
                (None, Some(quote)) if escaped => {
                    record_with_pairs(at, fields, quote, &mut self.scratch, sink);
                }
                (None, _) => sink.record(at, fields),
            }
        }
        piece.lines += 1 + unusual.lines;
        piece.consumed += record.next - record.start;
        true
    }

    /// A quote that was not closed in the last column takes in rows up to the next quote, and the record is
    /// sound all the same: each of its lines has as many delimiters as a row.
    #[inline(never)]
    fn note_rows_in_text(&self, at: RecordAt, content: &[u8], piece: &mut PieceEnd) {
        // Fewer columns have too few delimiters to be told from prose.
        if self.columns < LEAST_COLUMNS_OF_ROWS || !content.iter().copied().any(is_break) {
            return;
        }
        let mut lines = content.split(|&byte| is_break(byte)).filter(|line| !line.is_empty());
        let delimiters = |line: &[u8]| memchr::memchr_iter(self.dialect.delimiter, line).count();
        if lines.all(|line| delimiters(line) + 1 == self.columns) {
            piece.rows_in_text += 1;
            piece.first_rows_in_text.get_or_insert(at);
        }
    }

    /// The field between its quotes, if it has any. Both are there in a record that was found.
    #[inline(always)]
    fn unquoted<'b>(&self, raw: &'b [u8]) -> &'b [u8] {
        match raw {
            [first, inner @ .., _] if Some(*first) == self.dialect.quote => inner,
            _ => raw,
        }
    }

    /// Looks at the part of a record that holds all its unusual bytes, `before` of them before it.
    #[inline(never)]
    fn look_closer(&self, part: &[u8], before: usize) -> Unusual {
        // What lies around the part is ASCII, so its sequences are those of the whole record.
        let error = simdutf8::compat::from_utf8(part).err();
        let (mut has_nul, mut has_quote, mut has_break) = (false, false, false);
        for &byte in part {
            has_nul |= byte == 0;
            has_quote |= Some(byte) == self.dialect.quote;
            has_break |= is_break(byte);
        }
        Unusual {
            not_utf8_at: error.map(|error| before + error.valid_up_to()),
            lines: if has_break { count_lines(part) } else { 0 },
            has_nul,
            has_quote,
        }
    }

    /// Whether all fields beyond the last column are empty, as told by the bytes at the end alone.
    fn ends_in_delimiters(&self, content: &[u8], fields: usize) -> bool {
        let extra = fields - self.columns;
        content[content.len() - extra..].iter().all(|&byte| byte == self.dialect.delimiter)
    }

    /// Judges the record behind what is consumed byte by byte. `false` if it goes on beyond the piece.
    #[cold]
    #[inline(never)]
    fn take_exact(
        &mut self,
        bytes: &[u8],
        last: bool,
        piece: &mut PieceEnd,
        sink: &mut impl RecordSink,
    ) -> bool {
        let start = piece.consumed;
        let at = RecordAt { lines_before: piece.lines, bytes_before: start as u64 };
        let end = read_record(bytes, start, last, &self.dialect, self.limits, &mut self.exact);
        let next = match end {
            ExactEnd::Unfinished => return false,
            ExactEnd::TooLarge { next } => {
                let record = without_break(&bytes[start..next]);
                let limit = self.limits.max_record_bytes;
                let fault = Fault::new(RejectCode::R13, format!("the record is longer than {limit} bytes"));
                sink.reject(match hole(record) {
                    Some(hole) => hole_reject(hole, at, record),
                    None => fault.reject(at, record),
                });
                piece.records += 1;
                next
            }
            ExactEnd::OpenQuote { opened_at, field, next } => {
                let at = RecordAt {
                    lines_before: at.lines_before + count_lines(&bytes[start..opened_at]),
                    bytes_before: opened_at as u64,
                };
                let mut fault = Fault::new(
                    RejectCode::R15,
                    format!("the quote that opens field {} is never closed", field + 1),
                );
                fault.column(field, &self.slots);
                let reject = fault.reject(at, without_break(&bytes[opened_at..next]));
                sink.reject(Reject { damage: Some(Damage::Record), ..reject });
                piece.records += 1;
                next
            }
            ExactEnd::Complete { content_end, next } => {
                let content = &bytes[start..content_end];
                if self.exact.len() == 1 && is_blank(content, self.dialect.delimiter) {
                    piece.blank_lines += 1;
                } else {
                    piece.records += 1;
                    let checked = match hole(content) {
                        Some(hole) => Err(hole_reject(hole, at, content)),
                        None => self.check_exact(content).map_err(|fault| fault.reject(at, content)),
                    };
                    match checked {
                        Err(reject) => sink.reject(reject),
                        Ok(()) => {
                            piece.empty_tails += u64::from(self.exact.len() > self.columns);
                            piece.stray_quotes += u64::from(self.exact.stray_quote);
                            self.note_rows_in_text(at, content, piece);
                            let fields = self.slots.iter().map(|&column| self.exact_field(column));
                            let fields: Vec<Field<'_>> = fields.collect();
                            sink.record(at, &fields);
                        }
                    }
                }
                next
            }
        };
        piece.lines += count_lines(&bytes[start..next]);
        piece.consumed = next;
        true
    }

    fn check_exact(&self, content: &[u8]) -> Result<(), Fault> {
        let limit = self.limits.max_field_bytes;
        if let Some(field) = self.exact.iter().position(|field| field.len() > limit) {
            let mut fault =
                Fault::new(RejectCode::R13, format!("field {} is longer than {limit} bytes", field + 1));
            fault.column(field, &self.slots);
            return Err(fault);
        }
        let extra_are_empty = self.exact.iter().skip(self.columns).all(<[u8]>::is_empty);
        let count = if extra_are_empty { self.exact.len().min(self.columns) } else { self.exact.len() };
        let not_utf8_at = simdutf8::compat::from_utf8(content).err().map(|error| error.valid_up_to());
        self.check(content, count, not_utf8_at)?;
        let fields: Vec<Field<'_>> = self.slots.iter().map(|&column| self.exact_field(column)).collect();
        match self.slot_with_nul(&fields) {
            Some(slot) => Err(self.nul_fault(slot)),
            None => Ok(()),
        }
    }

    fn exact_field(&self, column: usize) -> Field<'_> {
        self.exact.get(column).map_or(Field::Missing, Field::Text)
    }

    fn slot_with_nul(&self, fields: &[Field<'_>]) -> Option<usize> {
        let has_nul = |(field, judged): (&Field<'_>, &bool)| {
            *judged && matches!(field, Field::Text(text) if memchr::memchr(0, text).is_some())
        };
        fields.iter().zip(&self.judged).position(has_nul)
    }

    #[cold]
    fn nul_fault(&self, slot: usize) -> Fault {
        let mut fault = Fault::new(RejectCode::R14, "a NUL byte in a column that is read".to_owned());
        fault.column(self.slots[slot], &self.slots);
        fault
    }

    /// The checks that both ways share; empty fields beyond the last column are not in `fields`.
    #[inline(always)]
    fn check(&self, content: &[u8], fields: usize, not_utf8_at: Option<usize>) -> Result<(), Fault> {
        if (not_utf8_at.is_some() || fields != self.columns)
            && self.content_of_other_header(content, 0).is_some()
        {
            return Err(other_header_fault());
        }
        if let Some(from) = not_utf8_at {
            let mut fault = Fault::new(RejectCode::R03, "the record is not UTF-8".to_owned());
            fault.from = from;
            return Err(fault);
        }
        if self.header_record.as_deref() == Some(content) {
            return Err(Fault::new(RejectCode::R16, "the header line again".to_owned()));
        }
        let columns = self.columns;
        if fields < columns {
            let fields = human::counted(fields as u64, "field", "fields");
            let message = format!("{fields} where the header has {}", human::count(columns as u64));
            return Err(Fault::new(RejectCode::R01, message));
        }
        if fields > columns {
            return Err(Fault::new(RejectCode::R02, self.too_many(content, fields)));
        }
        Ok(())
    }
}

impl CsvDecoder {
    /// What is said of a record with too many fields.
    #[cold]
    fn too_many(&self, content: &[u8], fields: usize) -> String {
        let fields = human::counted(fields as u64, "field", "fields");
        let message = format!("{fields} where the header has {}", human::count(self.columns as u64));
        // A delimiter with a blank behind it is one of a text.
        let in_text = [self.dialect.delimiter, b' '];
        match memchr::memmem::find(content, &in_text) {
            Some(_) if self.dialect.delimiter.is_ascii_punctuation() => {
                format!("{message}; a text with `{}` in it has to be quoted", char::from(in_text[0]))
            }
            _ => message,
        }
    }
}

/// A header of other columns than those of the file, or in another order.
#[cold]
fn other_header_fault() -> Fault {
    let message = "a header, but not that of the file: rows behind it would be read under wrong names";
    Fault { damage: Some(Damage::Record), ..Fault::new(RejectCode::R16, message.to_owned()) }
}

/// A record with a hole in it.
#[cold]
fn hole_reject(hole: usize, at: RecordAt, content: &[u8]) -> Reject {
    let reject = Fault::new(RejectCode::R14, HOLE.to_owned()).reject(at, content);
    let excerpt = content[..content.len().min(hole + HOLE_SHOWN).min(EXCERPT_BYTES)].to_vec();
    Reject { damage: Some(Damage::Record), excerpt, ..reject }
}

/// What a closer look at a record found.
#[derive(Debug, Clone, Copy, Default)]
struct Unusual {
    /// Where in the record the first sequence that is not UTF-8 starts.
    not_utf8_at: Option<usize>,
    /// Line breaks in quotes.
    lines: u64,
    has_nul: bool,
    /// A quote lies there, maybe the second one of a pair.
    has_quote: bool,
}

/// Hands over a record some of whose fields hold doubled quotes.
#[cold]
fn record_with_pairs(
    at: RecordAt,
    fields: &[Field<'_>],
    quote: u8,
    scratch: &mut Vec<u8>,
    sink: &mut impl RecordSink,
) {
    // In a record that was scanned a quote inside a field is one of a pair.
    let paired = |text: &[u8]| memchr::memchr(quote, text).is_some();
    scratch.clear();
    for field in fields {
        if let Field::Text(text) = field
            && paired(text)
        {
            let mut rest = *text;
            while let Some(first) = memchr::memchr(quote, rest) {
                scratch.extend_from_slice(&rest[..=first]);
                rest = rest.get(first + 2..).unwrap_or_default();
            }
            scratch.extend_from_slice(rest);
        }
    }
    let mut single = scratch.as_slice();
    let unpaired: Vec<Field<'_>> = fields
        .iter()
        .map(|field| match field {
            Field::Text(text) if paired(text) => {
                let pairs = memchr::memchr_iter(quote, text).count() / 2;
                let (text, rest) = single.split_at(text.len() - pairs);
                single = rest;
                Field::Text(text)
            }
            other => *other,
        })
        .collect();
    sink.record(at, &unpaired);
}

/// A line without its line break, of which a piece may hold one half.
fn without_break(line: &[u8]) -> &[u8] {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    text.strip_suffix(b"\r").unwrap_or(text)
}

/// Why a record is not sound.
#[derive(Debug)]
struct Fault {
    code: RejectCode,
    slot: Option<usize>,
    /// The column at fault.
    field: Option<usize>,
    /// Where the excerpt starts in the record.
    from: usize,
    message: String,
    damage: Option<Damage>,
}

impl Fault {
    #[cold]
    fn new(code: RejectCode, message: String) -> Fault {
        Fault { code, slot: None, field: None, from: 0, message, damage: None }
    }

    /// The column at fault, which may be that of a slot.
    fn column(&mut self, column: usize, slots: &[usize]) {
        self.field = Some(column);
        self.slot = slots.iter().position(|&wanted| wanted == column);
    }

    #[cold]
    fn reject(self, at: RecordAt, content: &[u8]) -> Reject {
        let from = self.from.min(content.len());
        let to = content.len().min(from + EXCERPT_BYTES);
        let excerpt = content[from..to].to_vec();
        let Fault { code, slot, field, message, damage, .. } = self;
        Reject { code, at, slot, field, excerpt, message, damage }
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
