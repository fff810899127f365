//! Delimited text to records, the hottest loop of the program.
//!
//! A record is walked 64 bytes at a time over bit masks (`csv_scan`): delimiters up to the last
//! wanted column are placed, the others only counted, and quoted stretches are told by the parity
//! of quotes. Parity is right as long as quotes stand where they should: an opening one at the
//! start of a field, a closing one before a delimiter or a line break, `""` inside. The walk checks
//! just that, and leaves every other record, and every record near a limit, to `csv_exact`.
//! So the result is that of the `csv` crate wherever the record is sound.
//!
//! What it leaves out: the guess of the dialect (`dialect`), and what a field means.

use super::csv_exact::{ExactEnd, ExactFields, after_break, count_lines, is_blank, is_break, read_record};
use super::csv_scan::{BLOCK_BYTES, BlockMasks, Level, Signs, fill_masks, prefix_parity};
use super::dialect::Dialect;
use crate::decode::{Limits, PieceEnd, RecordSink};
use crate::event::{Field, RecordAt, Reject, RejectCode};

/// Blocks whose masks are computed at once: 8 KiB of input, whose masks stay in the first cache.
const WINDOW_BLOCKS: usize = 128;

/// Bytes of a rejected record that are kept to be shown.
const EXCERPT_BYTES: usize = 200;

/// Decodes the data records of one delimited text, piece by piece.
///
/// A decoder keeps nothing from one piece to the next, so pieces may be decoded in any order and
/// by several decoders.
#[derive(Debug, Clone)]
pub struct CsvDecoder {
    dialect: Dialect,
    columns: usize,
    slots: Vec<usize>,
    header_record: Option<Vec<u8>>,
    limits: Limits,
    /// A sound record up to this size cannot be over a limit of bytes.
    safe_bytes: usize,
    level: Level,
    window: Window,
    /// Positions of the first delimiters of the record at hand, as many as it has of those up to
    /// the end of the last wanted column.
    delimiter_at: Vec<usize>,
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
        CsvDecoder {
            columns,
            slots: wanted.to_vec(),
            header_record,
            limits,
            safe_bytes: limits.max_field_bytes.min(limits.max_record_bytes),
            level: Level::detect(),
            window: Window::default(),
            delimiter_at: vec![0; wanted.iter().max().map_or(0, |&column| column + 1)],
            exact: ExactFields::default(),
            scratch: Vec::new(),
            dialect,
        }
    }

    /// Decodes a piece that starts where a record starts and ends behind a line break, or with
    /// `last` where the input ends.
    ///
    /// A record that goes on beyond the piece is left over (see [`PieceEnd::consumed`]). A quote is
    /// taken for unclosed (R15) when the limit of lines in a field or of bytes in a record is
    /// passed, or the input ends, while it is open; the reject's place is that of the quote, and
    /// decoding goes on behind the line on which it opened, so that one stray quote costs one
    /// line and not the hundred behind it. A record that passes the limit of bytes outside quotes
    /// (R13) ends at the next line break. A closed field over its limit is R13 as well, and its
    /// record is passed over whole. If a record has several faults, the first of R13, R15, R03,
    /// R16, R01, R02, R14 is told.
    pub fn decode(&mut self, bytes: &[u8], last: bool, sink: &mut impl RecordSink) -> PieceEnd {
        self.window.forget();
        let mut piece = PieceEnd::default();
        let mut fields: Vec<Field<'_>> = Vec::with_capacity(self.slots.len());
        if self.dialect.border == b'\r' && bytes.first() == Some(&b'\n') {
            // The other half of the line break that ended the piece before.
            piece.consumed = 1;
        }
        while piece.consumed < bytes.len() {
            let start = piece.consumed;
            if is_break(bytes[start]) {
                piece.blank_lines += 1;
                piece.lines += 1;
                piece.consumed = after_break(bytes, start);
                continue;
            }
            let scanned = if self.dialect.escape.is_none() { self.scan(bytes, start) } else { None };
            let taken = match scanned {
                Some(record) => self.take_scanned(bytes, start, record, &mut fields, &mut piece, sink),
                None => false,
            };
            if !taken && !self.take_exact(bytes, start, last, &mut piece, sink) {
                break;
            }
        }
        piece
    }

    /// Walks the record at `start`, or returns `None` if it ends without a line break, has a quote
    /// where none should be, or is too long to be judged here.
    #[inline(always)]
    fn scan(&mut self, bytes: &[u8], start: usize) -> Option<Scanned> {
        let mut block = start / BLOCK_BYTES;
        let mut keep = u64::MAX << (start % BLOCK_BYTES);
        // A quote may open at a position in `may_open` that is set from outside the block.
        let mut may_open = 1 << (start % BLOCK_BYTES);
        let mut inside = 0_u64;
        let mut closed = 0_u64;
        let signs = Signs { delimiter: self.dialect.delimiter, quote: self.dialect.quote };
        let mut record = Scanned { end: 0, delimiters: 0, unusual: 0, quoted_breaks: 0 };
        let places = self.delimiter_at.as_mut_slice();
        let mut placed = 0;
        loop {
            let index = self.window.find(bytes, block, self.level, signs)?;
            let masks = &self.window.masks[index];
            let base = block * BLOCK_BYTES;
            let mut delimiters = masks.delimiters & keep;
            let mut breaks = masks.breaks & keep;
            let edges = delimiters | breaks | (masks.quotes & keep);
            let mut misplaced = 0;
            if (masks.quotes & keep) | inside | closed != 0 {
                let quotes = masks.quotes & keep;
                let quoted = prefix_parity(quotes) ^ inside;
                let closing = quotes & !quoted;
                misplaced = (quotes & quoted & !(edges << 1 | may_open)) | ((closing << 1 | closed) & !edges);
                closed = closing >> 63;
                inside = if quoted >> 63 == 1 { u64::MAX } else { 0 };
                delimiters &= !quoted;
                let outside = breaks & !quoted;
                record.quoted_breaks |= breaks & quoted & below(outside);
                breaks = outside;
            }
            let here = below(breaks);
            if misplaced & here != 0 {
                return None;
            }
            delimiters &= here;
            record.unusual |= masks.unusual & keep & here;
            record.delimiters += delimiters.count_ones() as usize;
            while delimiters != 0 && placed < places.len() {
                places[placed] = base + delimiters.trailing_zeros() as usize;
                placed += 1;
                delimiters &= delimiters - 1;
            }
            if breaks != 0 {
                record.end = base + breaks.trailing_zeros() as usize;
                return (record.end - start <= self.safe_bytes).then_some(record);
            }
            if base.saturating_sub(start) > self.safe_bytes {
                return None;
            }
            may_open = edges >> 63;
            keep = u64::MAX;
            block += 1;
        }
    }

    /// Judges a record that `scan` has walked. `false` leaves it to `take_exact`.
    #[inline(always)]
    fn take_scanned<'b>(
        &mut self,
        bytes: &'b [u8],
        start: usize,
        record: Scanned,
        fields: &mut Vec<Field<'b>>,
        piece: &mut PieceEnd,
        sink: &mut impl RecordSink,
    ) -> bool {
        let content = &bytes[start..record.end];
        let mut lines = 1;
        if record.quoted_breaks != 0 {
            let inner = count_lines(content);
            if inner > self.limits.max_field_lines as u64 {
                return false;
            }
            lines += inner;
        }
        let at = RecordAt { lines_before: piece.lines, bytes_before: start as u64 };
        if record.delimiters == 0 && is_blank(content, self.dialect.delimiter) {
            piece.blank_lines += 1;
        } else if record.delimiters >= self.columns && !self.ends_in_delimiters(content, record.delimiters) {
            return false;
        } else if let Err(fault) =
            self.check(content, self.columns.min(record.delimiters + 1), record.unusual != 0)
        {
            piece.records += 1;
            sink.reject(fault.reject(at, content));
        } else {
            piece.records += 1;
            fields.clear();
            let mut escaped = false;
            for &column in &self.slots {
                let from = if column == 0 { start } else { self.delimiter_at[column - 1] + 1 };
                let to = if column < record.delimiters { self.delimiter_at[column] } else { record.end };
                let raw = &bytes[from..to];
                let text = match raw.first() {
                    Some(&byte) if Some(byte) == self.dialect.quote => {
                        let inner = &raw[1..raw.len() - 1];
                        escaped |= memchr::memchr(byte, inner).is_some();
                        inner
                    }
                    _ => raw,
                };
                fields.push(Field::Text(text));
            }
            let nul = if record.unusual == 0 { None } else { slot_with_nul(fields) };
            match (nul, self.dialect.quote) {
                (Some(slot), _) => sink.reject(nul_fault(slot).reject(at, content)),
                (None, Some(quote)) if escaped => {
                    record_with_pairs(at, fields, quote, &mut self.scratch, sink);
                }
                (None, _) => sink.record(at, fields),
            }
        }
        piece.lines += lines;
        piece.consumed = after_break(bytes, record.end);
        true
    }

    /// Whether all fields beyond the last column are empty, as told by the bytes at the end alone.
    fn ends_in_delimiters(&self, content: &[u8], delimiters: usize) -> bool {
        let extra = delimiters + 1 - self.columns;
        content[content.len() - extra..].iter().all(|&byte| byte == self.dialect.delimiter)
    }

    /// Judges the record at `start` byte by byte. `false` if it goes on beyond the piece.
    #[cold]
    #[inline(never)]
    fn take_exact(
        &mut self,
        bytes: &[u8],
        start: usize,
        last: bool,
        piece: &mut PieceEnd,
        sink: &mut impl RecordSink,
    ) -> bool {
        let at = RecordAt { lines_before: piece.lines, bytes_before: start as u64 };
        let end = read_record(bytes, start, last, &self.dialect, self.limits, &mut self.exact);
        let next = match end {
            ExactEnd::Unfinished => return false,
            ExactEnd::TooLarge { next } => {
                let limit = self.limits.max_record_bytes;
                let fault = Fault::new(RejectCode::R13, format!("the record is longer than {limit} bytes"));
                sink.reject(fault.reject(at, &bytes[start..next]));
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
                fault.slot = self.slots.iter().position(|&column| column == field);
                sink.reject(fault.reject(at, &bytes[opened_at..next]));
                piece.records += 1;
                next
            }
            ExactEnd::Complete { content_end, next } => {
                let content = &bytes[start..content_end];
                if self.exact.len() == 1 && is_blank(content, self.dialect.delimiter) {
                    piece.blank_lines += 1;
                } else {
                    piece.records += 1;
                    match self.check_exact(content) {
                        Err(fault) => sink.reject(fault.reject(at, content)),
                        Ok(()) => {
                            piece.stray_quotes += u64::from(self.exact.stray_quote);
                            let field =
                                |&column: &usize| self.exact.get(column).map_or(Field::Missing, Field::Text);
                            let fields: Vec<Field<'_>> = self.slots.iter().map(field).collect();
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
            fault.slot = self.slots.iter().position(|&column| column == field);
            return Err(fault);
        }
        let extra_are_empty = self.exact.iter().skip(self.columns).all(<[u8]>::is_empty);
        let count = if extra_are_empty { self.exact.len().min(self.columns) } else { self.exact.len() };
        self.check(content, count, true)?;
        let nul =
            |&column: &usize| self.exact.get(column).is_some_and(|text| memchr::memchr(0, text).is_some());
        match self.slots.iter().position(nul) {
            Some(slot) => Err(nul_fault(slot)),
            None => Ok(()),
        }
    }

    /// The checks that both ways share; empty fields beyond the last column are not in `fields`.
    #[inline(always)]
    fn check(&self, content: &[u8], fields: usize, unusual: bool) -> Result<(), Fault> {
        if unusual && let Err(error) = simdutf8::compat::from_utf8(content) {
            let mut fault = Fault::new(RejectCode::R03, "the record is not UTF-8".to_owned());
            fault.from = error.valid_up_to();
            return Err(fault);
        }
        if self.header_record.as_deref() == Some(content) {
            return Err(Fault::new(RejectCode::R16, "the header line again".to_owned()));
        }
        let columns = self.columns;
        if fields < columns {
            return Err(Fault::new(
                RejectCode::R01,
                format!("{fields} fields where the header has {columns}"),
            ));
        }
        if fields > columns {
            return Err(Fault::new(
                RejectCode::R02,
                format!("{fields} fields where the header has {columns}"),
            ));
        }
        Ok(())
    }
}

/// What a walk over one record found.
#[derive(Debug, Clone, Copy)]
struct Scanned {
    /// Position of the line break.
    end: usize,
    /// Delimiters outside quotes.
    delimiters: usize,
    /// Not zero if a byte is NUL or not ASCII.
    unusual: u64,
    /// Not zero if a line break lies in quotes.
    quoted_breaks: u64,
}

/// Masks of some blocks of the piece in a row.
#[derive(Debug, Clone, Default)]
struct Window {
    first: usize,
    masks: Vec<BlockMasks>,
}

impl Window {
    fn forget(&mut self) {
        self.masks.clear();
    }

    /// Where the masks of a block lie in `masks`; `None` beyond the end of the bytes.
    #[inline(always)]
    fn find(&mut self, bytes: &[u8], block: usize, level: Level, signs: Signs) -> Option<usize> {
        // Below `first` the difference wraps around to more than any length.
        let index = block.wrapping_sub(self.first);
        if index < self.masks.len() || self.move_to(bytes, block, level, signs) {
            return Some(block - self.first);
        }
        None
    }

    #[inline(never)]
    fn move_to(&mut self, bytes: &[u8], block: usize, level: Level, signs: Signs) -> bool {
        let from = block * BLOCK_BYTES;
        let to = bytes.len().min(from + WINDOW_BLOCKS * BLOCK_BYTES);
        if from >= to {
            return false;
        }
        self.first = block;
        fill_masks(level, signs, &bytes[from..to], &mut self.masks);
        true
    }
}

/// The bits up to and including the first set one, or all.
fn below(breaks: u64) -> u64 {
    breaks ^ breaks.wrapping_sub(1)
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

fn slot_with_nul(fields: &[Field<'_>]) -> Option<usize> {
    fields.iter().position(|field| matches!(field, Field::Text(text) if memchr::memchr(0, text).is_some()))
}

fn nul_fault(slot: usize) -> Fault {
    let mut fault = Fault::new(RejectCode::R14, "a NUL byte in a column that is used".to_owned());
    fault.slot = Some(slot);
    fault
}

/// Why a record is not sound.
#[derive(Debug)]
struct Fault {
    code: RejectCode,
    slot: Option<usize>,
    /// Where the excerpt starts in the record.
    from: usize,
    message: String,
}

impl Fault {
    #[cold]
    fn new(code: RejectCode, message: String) -> Fault {
        Fault { code, slot: None, from: 0, message }
    }

    #[cold]
    fn reject(self, at: RecordAt, content: &[u8]) -> Reject {
        let from = self.from.min(content.len());
        let to = content.len().min(from + EXCERPT_BYTES);
        let excerpt = content[from..to].to_vec();
        Reject { code: self.code, at, slot: self.slot, excerpt, message: self.message }
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
