//! Whole records of a stretch of bytes: where each ends, where its fields lie, and which part of it
//! needs a closer look.
//!
//! A window of the piece is looked through at once (`csv_scan`), and its records are then read off
//! the list of places that this leaves, without looking at the bytes again. A window always starts
//! where a record starts, so nothing is carried from one to the next; a record that does not end
//! in it is looked for again in one that starts with that record.
//!
//! In most windows every record has just the columns of the file. Then each ends so many places
//! behind the one before, and the number of line breaks proves it: there are as many as records that
//! end in one, so none is left for the middle of a record. In all others ends are listed first.
//!
//! What it leaves out: whether a record is sound (`csv`), and records with misplaced quotes.

use super::csv_exact::is_break;
use super::csv_scan::{BLOCK_BYTES, MOST_BLOCKS, Marks, Signs};
use super::machine::Level;
use std::ops::Range;

/// Blocks of a usual window: 16 KiB of input, whose marks stay in the first cache with it.
const USUAL_BLOCKS: usize = 256;

/// Blocks of the first window behind a record that was left to `csv_exact`. Where many are, large
/// windows would be looked through in vain.
const CAUTIOUS_BLOCKS: usize = 32;

/// Records of a stretch of the piece that starts with one.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    level: Level,
    signs: Signs,
    /// Fields of a sound record.
    columns: usize,
    marks: Marks,
    /// Room for the ends of records where they are listed.
    ends: Vec<u16>,
    /// Blocks that the next window shall have.
    next_blocks: usize,
    usual_blocks: usize,
}

impl Window {
    pub fn new(level: Level, signs: Signs, columns: usize) -> Window {
        Window::with_blocks(level, signs, columns, USUAL_BLOCKS)
    }

    /// With windows of another size, so that tests see many borders of windows.
    pub fn with_blocks(level: Level, signs: Signs, columns: usize, usual_blocks: usize) -> Window {
        let next_blocks = usual_blocks;
        Window { level, signs, columns, next_blocks, usual_blocks, ..Window::default() }
    }

    /// What is known of sizes is of another piece.
    pub fn forget(&mut self) {
        self.next_blocks = self.usual_blocks;
    }

    /// A record was left to `csv_exact`.
    pub fn be_cautious(&mut self) {
        self.next_blocks = CAUTIOUS_BLOCKS.min(self.usual_blocks);
    }

    /// The records from `start` on, where one starts. None if the first one has a misplaced quote,
    /// does not end in the bytes, or is too long to be judged here.
    pub fn records<'w>(&'w mut self, bytes: &'w [u8], start: usize) -> Records<'w> {
        let text = &bytes[start..];
        loop {
            let is_largest = self.next_blocks >= MOST_BLOCKS || self.next_blocks * BLOCK_BYTES >= text.len();
            let window = &text[..text.len().min(self.next_blocks * BLOCK_BYTES)];
            self.marks.take(self.level, self.signs, window);
            if self.marks.breaks() > 0 || self.marks.misplaced_at().is_some() || is_largest {
                break;
            }
            self.next_blocks = (2 * self.next_blocks).min(MOST_BLOCKS);
        }
        if self.next_blocks < self.usual_blocks {
            self.next_blocks = (2 * self.next_blocks).min(self.usual_blocks);
        }
        let (ends, last) = match Ends::regular(&self.marks, text, self.columns) {
            Some((stride, left)) => (Ends::Regular { columns: self.columns, stride, left }, stride * left),
            None => {
                self.marks.list_breaks(&mut self.ends);
                (Ends::Listed(&self.ends), self.ends.last().map_or(0, |&last| usize::from(last)))
            }
        };
        // Wraps around to 0 where no record ends.
        let behind = usize::from(self.marks.places()[last].wrapping_add(1));
        if self.marks.has_odd_bytes(&text[..behind]) {
            self.marks.add_odd_bytes(&text[..behind]);
        }
        Records {
            text,
            places: self.marks.places(),
            before: 0,
            ends,
            misplaced: self.marks.misplaced_at().is_some(),
            unusual: self.marks.unusual(),
            unusual_blocks: self.marks.unusual_blocks(),
        }
    }
}

/// Where the records of a window end that are still to come: indices of places.
#[derive(Debug)]
enum Ends<'w> {
    /// Each with its line break so many columns behind the place before it, and the place before the
    /// next one a stride behind that.
    Regular {
        columns: usize,
        stride: usize,
        left: usize,
    },
    Listed(&'w [u16]),
}

impl Ends<'_> {
    /// Stride and number of records, if each has so many columns.
    fn regular(marks: &Marks, text: &[u8], columns: usize) -> Option<(usize, usize)> {
        // With one column, two breaks side by side could be `\r\n` or a blank line.
        if columns < 2 || marks.misplaced_at().is_some() {
            return None;
        }
        let places = marks.places();
        let first = usize::from(*places.get(columns)?);
        let breaks_each = if text[first] == b'\r' && text.get(first + 1) == Some(&b'\n') { 2 } else { 1 };
        let stride = columns + breaks_each - 1;
        let records = marks.breaks() / breaks_each;
        if records * breaks_each != marks.breaks() || records * stride >= places.len() {
            return None;
        }
        // As many breaks as there are in all, so that no other place is one.
        let is_end = |&last: &u16| {
            let last = usize::from(last);
            match breaks_each {
                1 => is_break(text[last]),
                _ => text[last] == b'\n' && text[last - 1] == b'\r',
            }
        };
        let are_ends = places[stride..].iter().step_by(stride).take(records).all(is_end);
        // The other half of the last line break may lie behind the window.
        let last = usize::from(places[stride * records]);
        let is_cut =
            records > 0 && breaks_each == 1 && text[last] == b'\r' && text.get(last + 1) == Some(&b'\n');
        (are_ends && !is_cut).then_some((stride, records))
    }
}

/// A record that was found, without misplaced quotes. Positions count from the window's first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record<'w> {
    /// The place before it (wrapping), those of its delimiters outside quotes, that of its line break.
    places: &'w [u16],
    pub start: usize,
    /// Position of the line break.
    pub end: usize,
    /// Position behind the line break.
    pub next: usize,
    /// It may hold bytes that need a closer look.
    pub maybe_unusual: bool,
}

impl Record<'_> {
    pub fn fields(&self) -> usize {
        self.places.len() - 1
    }

    /// A raw field, quotes and all; `text` is the bytes from the window on.
    #[inline(always)]
    pub fn field<'b>(&self, text: &'b [u8], column: usize) -> &'b [u8] {
        &text[usize::from(self.places[column].wrapping_add(1))..usize::from(self.places[column + 1])]
    }
}

/// The records of a window, in order.
pub(super) struct Records<'w> {
    /// The bytes from the window on.
    text: &'w [u8],
    places: &'w [u16],
    /// Index of the place before the next record.
    before: usize,
    ends: Ends<'w>,
    misplaced: bool,
    unusual: &'w [u64],
    /// Those that do not lie before the next record.
    unusual_blocks: &'w [u16],
}

impl<'w> Records<'w> {
    /// Of a window without any.
    pub fn none() -> Records<'w> {
        let ends = Ends::Listed(&[]);
        Records {
            text: &[],
            places: &[],
            before: 0,
            ends,
            misplaced: false,
            unusual: &[],
            unusual_blocks: &[],
        }
    }

    pub fn is_empty(&self) -> bool {
        matches!(self.ends, Ends::Regular { left: 0, .. } | Ends::Listed([]))
    }

    /// Whether the record behind the last one of these has a misplaced quote.
    pub fn lead_to_misplaced_quote(&self) -> bool {
        self.misplaced
    }

    #[inline(always)]
    pub fn next(&mut self) -> Option<Record<'w>> {
        let (last, halves) = match &mut self.ends {
            Ends::Regular { left: 0, .. } => return None,
            Ends::Regular { columns, stride, left } => {
                *left -= 1;
                (self.before + *columns, *stride - *columns)
            }
            Ends::Listed(ends) => {
                let last = usize::from(*ends.split_off_first()?);
                let end = usize::from(self.places[last]);
                let is_half = self.text[end] == b'\r' && self.text.get(end + 1) == Some(&b'\n');
                if is_half {
                    // A break of its own to the marks, if it lies in the window.
                    ends.split_off_first();
                }
                (last, usize::from(is_half))
            }
        };
        let places = &self.places[self.before..=last];
        let start = usize::from(places[0].wrapping_add(1));
        let end = usize::from(places[places.len() - 1]);
        self.before = last + halves;
        let maybe_unusual =
            self.unusual_blocks.first().is_some_and(|&block| usize::from(block) * BLOCK_BYTES <= end);
        if maybe_unusual {
            self.pass_unusual(end);
        }
        Some(Record { places, start, end, next: end + 1 + halves, maybe_unusual })
    }

    /// Passes over what lies before the end of a record. What lies in the same block may be the next
    /// record's.
    #[inline(never)]
    fn pass_unusual(&mut self, end: usize) {
        let passed = |&block: &u16| (usize::from(block) + 1) * BLOCK_BYTES <= end;
        let passed = self.unusual_blocks.partition_point(passed);
        self.unusual_blocks = &self.unusual_blocks[passed..];
    }

    /// From the first to behind the last unusual byte of a record; empty if it has none.
    #[inline(never)]
    pub fn unusual_part(&self, record: &Record<'_>) -> Range<usize> {
        let (first, last) = (record.start / BLOCK_BYTES, record.end / BLOCK_BYTES);
        let (mut from, mut to) = (usize::MAX, 0);
        for block in first..=last {
            let mut bits = self.unusual[block];
            bits &= if block == first { u64::MAX << (record.start % BLOCK_BYTES) } else { u64::MAX };
            bits &= if block == last { !(u64::MAX << (record.end % BLOCK_BYTES)) } else { u64::MAX };
            if bits != 0 {
                from = from.min(block * BLOCK_BYTES + bits.trailing_zeros() as usize);
                to = (block + 1) * BLOCK_BYTES - bits.leading_zeros() as usize;
            }
        }
        from..to
    }
}
