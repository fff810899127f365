//! Whole records of a stretch of bytes: where each ends, how many delimiters it has, where the
//! wanted fields lie, and which part of it needs a closer look.
//!
//! A window of the piece is turned into bit masks at once (`csv_scan`), and its records are then
//! read off the masks, many in one go, without looking at the bytes again. A window always starts
//! where a record starts, so nothing is carried from one to the next; a record that does not end
//! in it is looked for again in one that starts with that record.
//!
//! What it leaves out: whether a record is sound (`csv`), and records with misplaced quotes.

use super::csv_exact::is_break;
use super::csv_scan::{BLOCK_BYTES, Level, Masks, Signs};

/// Blocks of a usual window: 16 KiB of input, whose masks stay in the first cache with it.
const USUAL_BLOCKS: usize = 256;

/// Blocks of the first window behind a record that was left to `csv_exact`. Where many are, large
/// windows would be filled in vain.
const CAUTIOUS_BLOCKS: usize = 32;

/// Blocks of the largest window; it grows to that for records that do not end in a usual one.
const MOST_BLOCKS: usize = 2048;

/// Records that are handed over at once.
const MOST_RECORDS: usize = 64;

/// A record that was found, without misplaced quotes. Positions count from the window's first byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FoundRecord {
    pub start: u32,
    /// Position of the line break.
    pub end: u32,
    /// Position behind the line break.
    pub next: u32,
    /// Delimiters outside quotes.
    pub delimiters: u32,
    /// From the first to behind the last byte that is unusual (see [`Masks::unusual`]). Empty if
    /// there is none.
    pub unusual: (u32, u32),
    /// Nothing about it needs to be judged.
    pub is_plain: bool,
}

/// What a record without unusual bytes must be to need no judgement.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Plain {
    pub delimiters: u32,
    pub most_bytes: u32,
    /// A record of just so many bytes may be the header again. 0 if there is no header.
    pub header_bytes: u32,
}

/// Where the field of a column starts and ends: places in [`Found::marks`].
#[derive(Debug, Clone, Copy)]
pub(super) struct FieldMarks {
    before: usize,
    behind: usize,
}

/// Records that were found in one go.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// Position of the window in the piece.
    pub window: usize,
    records: Vec<FoundRecord>,
    /// How many of `records` are filled.
    len: usize,
    /// For each record, the number of delimiters in the window before it.
    numbers: Vec<u32>,
    /// Of which delimiters of a record the positions are wanted, ascending: the first is 0.
    ranks: Vec<u32>,
    /// For each record the position before it (wrapping); and then, rank by rank, the position of
    /// that delimiter, or the record's end where it has fewer.
    marks: Vec<[u32; MOST_RECORDS]>,
    plain: Plain,
}

impl Found {
    /// The list for records whose fields in `columns` are wanted, and where each of those lies.
    pub fn new(columns: &[usize], plain: Plain) -> (Found, Vec<FieldMarks>) {
        let ends = columns.iter().map(|&column| column as u32);
        let starts = columns.iter().filter(|&&column| column > 0).map(|&column| column as u32 - 1);
        let mut ranks: Vec<u32> = ends.chain(starts).collect();
        ranks.sort_unstable();
        ranks.dedup();
        // Mark 0 is the record's start.
        let mark = |rank: u32| 1 + ranks.partition_point(|&other| other < rank);
        let marks = |&column: &usize| FieldMarks {
            before: if column == 0 { 0 } else { mark(column as u32 - 1) },
            behind: mark(column as u32),
        };
        let fields = columns.iter().map(marks).collect();
        let found = Found {
            records: vec![FoundRecord::default(); MOST_RECORDS],
            numbers: vec![0; MOST_RECORDS],
            marks: vec![[0; MOST_RECORDS]; ranks.len() + 1],
            ranks,
            plain,
            ..Found::default()
        };
        (found, fields)
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// In order.
    pub fn records(&self) -> &[FoundRecord] {
        &self.records[..self.len]
    }

    /// A raw field, quotes and all, of the record with this index; `text` is the bytes from the
    /// window on.
    #[inline(always)]
    pub fn field<'b>(&self, text: &'b [u8], record: usize, field: FieldMarks) -> &'b [u8] {
        let before = self.marks[field.before][record];
        let behind = self.marks[field.behind][record];
        &text[before.wrapping_add(1) as usize..behind as usize]
    }
}

/// Masks of a stretch of the piece that starts with a record.
#[derive(Debug, Clone)]
pub(super) struct Window {
    level: Level,
    signs: Signs,
    /// Position of the first block in the piece.
    from: usize,
    masks: Masks,
    /// Blocks that the next window shall have.
    next_blocks: usize,
    usual_blocks: usize,
}

/// Why no more records were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Full,
    EndOfMasks,
    MisplacedQuote,
}

impl Window {
    pub fn new(level: Level, signs: Signs) -> Window {
        Window::with_blocks(level, signs, USUAL_BLOCKS)
    }

    /// With windows of another size, so that tests see many borders of windows.
    pub fn with_blocks(level: Level, signs: Signs, usual_blocks: usize) -> Window {
        Window { level, signs, from: 0, masks: Masks::default(), next_blocks: usual_blocks, usual_blocks }
    }

    /// What is known is of another piece.
    pub fn forget(&mut self) {
        self.masks.clear();
        self.next_blocks = self.usual_blocks;
    }

    /// What is known does not hold behind a record that was left to `csv_exact`.
    pub fn start_afresh(&mut self) {
        self.masks.clear();
        self.next_blocks = CAUTIOUS_BLOCKS.min(self.usual_blocks);
    }

    /// Finds records from `start` on, where one starts. Finds none if the first one has a misplaced
    /// quote, does not end in the bytes, or is too long to be judged here.
    pub fn find(&mut self, bytes: &[u8], start: usize, found: &mut Found) {
        loop {
            // Before the window the difference wraps around to more than any length.
            let offset = start.wrapping_sub(self.from);
            let behind = self.masks.len() * BLOCK_BYTES;
            if offset < behind {
                found.window = self.from;
                let stop = find_at_level(self.level, bytes, offset, &self.masks, found);
                let whole =
                    self.from + behind >= bytes.len() || (offset == 0 && self.masks.len() >= MOST_BLOCKS);
                if found.len > 0 || stop == Stop::MisplacedQuote || whole {
                    return;
                }
            }
            self.move_to(bytes, start);
        }
    }

    fn move_to(&mut self, bytes: &[u8], start: usize) {
        if self.masks.len() > 0 && self.from == start {
            self.next_blocks = (2 * self.masks.len()).max(self.next_blocks).min(MOST_BLOCKS);
        }
        let to = bytes.len().min(start + self.next_blocks * BLOCK_BYTES);
        self.from = start;
        self.masks.fill(self.level, self.signs, &bytes[start..to]);
        if self.next_blocks < self.usual_blocks {
            self.next_blocks = (2 * self.next_blocks).min(self.usual_blocks);
        }
    }
}

fn find_at_level(level: Level, bytes: &[u8], offset: usize, masks: &Masks, found: &mut Found) -> Stop {
    assert!(level.is_here(), "the level was chosen by detection");
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the machine has the level's instructions, checked above.
        Level::Avx2 | Level::Avx512 => unsafe { x86::find_records(bytes, offset, masks, found) },
        _ => find_records(bytes, offset, masks, found, skip_bits),
    }
}

/// Fills `found` with records from `offset` in the window on, until it is full or the masks end.
#[inline(always)]
fn find_records(
    bytes: &[u8],
    offset: usize,
    masks: &Masks,
    found: &mut Found,
    skip_bits: impl Fn(u64, u32) -> u64,
) -> Stop {
    let stop = find_ends(&bytes[found.window..], offset, masks, found);
    // Column by column: each of these loops is short enough to keep all it needs in registers.
    count_delimiters(masks, found);
    for column in 0..found.ranks.len() {
        place_delimiters(masks, found, column, &skip_bits);
    }
    stop
}

/// Finds where records start and end. `window` are the bytes from the window on.
#[inline(always)]
fn find_ends(window: &[u8], offset: usize, masks: &Masks, found: &mut Found) -> Stop {
    // Lists of one length, so that an index that fits one fits the other.
    let blocks = masks.stops.len();
    let (stops_in, unusual_in) = (&masks.stops[..], &masks.unusual[..blocks]);
    found.len = 0;
    let mut start = offset;
    for record in &mut found.records {
        let (first, keep) = (start / BLOCK_BYTES, u64::MAX << (start % BLOCK_BYTES));
        if first >= blocks {
            return Stop::EndOfMasks;
        }
        let mut last = first;
        let mut stops = stops_in[first] & keep;
        let mut unusual = unusual_in[first] & keep;
        let mut any_unusual = 0;
        while stops == 0 {
            any_unusual |= unusual;
            last += 1;
            if last >= blocks {
                return Stop::EndOfMasks;
            }
            (stops, unusual) = (stops_in[last], unusual_in[last]);
        }
        let here = up_to_first(stops);
        any_unusual |= unusual & here;
        let end = last * BLOCK_BYTES + stops.trailing_zeros() as usize;
        let byte = window[end];
        if !is_break(byte) {
            return Stop::MisplacedQuote;
        }
        let half = byte == b'\r' && window.get(end + 1) == Some(&b'\n');
        record.start = start as u32;
        record.end = end as u32;
        record.unusual = if any_unusual == 0 {
            (0, 0)
        } else {
            unusual_part(&unusual_in[first..=last], first, keep, here)
        };
        start = end + 1 + usize::from(half);
        record.next = start as u32;
        found.len += 1;
    }
    Stop::Full
}

/// Counts the delimiters of each record, and tells which need no judgement.
#[inline(always)]
fn count_delimiters(masks: &Masks, found: &mut Found) {
    let before = |position: u32| {
        let block = position as usize / BLOCK_BYTES;
        let bits = masks.delimiters[block] & !(u64::MAX << (position as usize % BLOCK_BYTES));
        masks.delimiters_before[block] + bits.count_ones()
    };
    let plain = found.plain;
    let lists = found.numbers.iter_mut().zip(&mut found.marks[0]);
    for (record, (number, mark)) in found.records[..found.len].iter_mut().zip(lists) {
        *number = before(record.start);
        *mark = record.start.wrapping_sub(1);
        record.delimiters = before(record.end) - *number;
        let bytes = record.end - record.start;
        record.is_plain = record.unusual.1 == 0
            && record.delimiters == plain.delimiters
            && bytes <= plain.most_bytes
            && bytes != plain.header_bytes;
    }
}

/// Places the delimiters of `ranks[column]`, or puts the record's end where it has fewer.
#[inline(always)]
fn place_delimiters(masks: &Masks, found: &mut Found, column: usize, skip_bits: impl Fn(u64, u32) -> u64) {
    let blocks = masks.delimiters.len();
    let (delimiters, before) = (&masks.delimiters[..], &masks.delimiters_before[..=blocks]);
    let rank = found.ranks[column];
    let Some(([.., earlier], [marks, ..])) = found.marks.split_at_mut_checked(column + 1) else { return };
    let records = found.records[..found.len].iter().zip(&found.numbers);
    for ((record, number), (earlier, mark)) in records.zip(earlier.iter().zip(marks)) {
        *mark = record.end;
        if rank < record.delimiters {
            let wanted = number + rank;
            // It lies behind the mark before it.
            let mut block = earlier.wrapping_add(1) as usize / BLOCK_BYTES;
            // In which of the next blocks cannot be foretold, so there a branch would cost more.
            block += usize::from(before[block + 1] <= wanted);
            block += usize::from(before[block + 1] <= wanted);
            while before[block + 1] <= wanted {
                block += 1;
            }
            let rest = skip_bits(delimiters[block], wanted - before[block]);
            *mark = (block * BLOCK_BYTES) as u32 + rest.trailing_zeros();
        }
    }
}

/// The bits up to and including the first set one, of which there is one.
fn up_to_first(stops: u64) -> u64 {
    stops ^ (stops - 1)
}

/// From the first to behind the last unusual byte of a record in these blocks, the first of which
/// is number `block` of the window; `keep` are the record's bits in the first, `here` in the last.
#[inline(never)]
fn unusual_part(masks: &[u64], block: usize, keep: u64, here: u64) -> (u32, u32) {
    let mut part = (u32::MAX, 0);
    for (index, &unusual) in masks.iter().enumerate() {
        let mut bits = unusual;
        bits &= if index == 0 { keep } else { u64::MAX };
        bits &= if index + 1 == masks.len() { here } else { u64::MAX };
        if bits != 0 {
            let base = ((block + index) * BLOCK_BYTES) as u32;
            part.0 = part.0.min(base + bits.trailing_zeros());
            part.1 = base + u64::BITS - bits.leading_zeros();
        }
    }
    part
}

/// The bits without the lowest `n` set ones.
fn skip_bits(mut bits: u64, n: u32) -> u64 {
    for _ in 0..n {
        bits &= bits - 1;
    }
    bits
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Found, Masks, Stop};
    use std::arch::x86_64::_pdep_u64;

    /// With the instructions that count, find and skip bits.
    #[target_feature(enable = "bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn find_records(bytes: &[u8], offset: usize, masks: &Masks, found: &mut Found) -> Stop {
        super::find_records(bytes, offset, masks, found, |bits, n| _pdep_u64(u64::MAX << n, bits))
    }
}
