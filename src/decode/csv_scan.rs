//! Where fields and records end in a stretch of bytes, and what of it needs a closer look.
//!
//! Bytes are compared with the signs of the dialect 64 at a time, one bit a byte, and the parity of
//! the quotes so far tells which delimiters and line breaks are text. Parity equals the state
//! machine of `csv_exact` as long as quotes stand where they should:
//!
//! - A quote at even parity opens a field if the byte before is an outer delimiter, an outer line
//!   break or a closing quote (then it is the second one of a doubled pair), or if the record starts
//!   there. At even parity no other delimiter, break or quote can be the byte before: one
//!   in quotes would have odd parity behind it. So it is enough to ask for any sign before.
//! - A quote at odd parity closes a field if a delimiter, a line break or a quote follows.
//!
//! Before the first place where either does not hold, all that is found is what the state machine
//! finds, by induction over the quotes; behind it nothing that is found means anything.
//!
//! What is found is kept as a list of places, so that whoever reads it looks neither at bytes nor at
//! bits again. Three loops over the stretch, each so short that it keeps all it needs in registers,
//! and none with a branch on what the bytes are: signs to masks, masks to meaning, masks to places.
//!
//! What it leaves out: vector instructions (`x86`), and records (`csv_walk`).

use super::machine::Level;

#[cfg(target_arch = "x86_64")]
mod x86;

/// Bytes of one block, one bit each in a mask. Bit 0 is the first byte.
pub(super) const BLOCK_BYTES: usize = 64;
type Block = [u8; BLOCK_BYTES];

/// The most blocks of a stretch: a place in it, and a number of places, fit 16 bits.
pub(super) const MOST_BLOCKS: usize = (1 << 16) / BLOCK_BYTES - 1;

/// Bytes that are asked together whether they are plain ASCII.
const STRIP_BYTES: usize = 8 * BLOCK_BYTES;

/// Blocks whose masks are worked on together, so that they fill vectors in turn.
const GROUP_BLOCKS: usize = 32;

/// Stands before the first byte of a stretch: one more is 0.
const BEFORE_ALL: u16 = u16::MAX;

/// The bytes to look for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Signs {
    pub delimiter: u8,
    pub quote: Option<u8>,
}

impl Signs {
    fn quote_byte(self) -> u8 {
        self.quote.unwrap_or(0)
    }

    /// All bits if there are quotes at all, else none: a choice in the loops would keep the
    /// compiler from good vector code.
    fn any_quotes(self) -> u64 {
        if self.quote.is_some() { u64::MAX } else { 0 }
    }

    /// A byte that is no sign, to fill the last block with.
    fn filler(self) -> u8 {
        let is_sign = |byte: u8| byte == self.delimiter || Some(byte) == self.quote;
        (b'a'..=b'c').find(|&byte| !is_sign(byte)).unwrap_or(b'a')
    }
}

/// What a stretch of bytes holds that starts where a record starts.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    /// What lies behind the first `placed` means nothing: a block's places are written without
    /// asking how many they are.
    places: Vec<u16>,
    placed: usize,
    masks: Masks,
    meaning: Meaning,
    /// By strip: it holds NUL or what is not ASCII.
    odd_strips: Vec<bool>,
}

/// Bit masks of all blocks, in whole groups; blocks behind the last one hold nothing.
#[derive(Debug, Clone, Default)]
struct Masks {
    /// First delimiters, then delimiters and line breaks outside quotes.
    outer: Vec<u64>,
    /// First line breaks, then those outside quotes.
    breaks: Vec<u64>,
    /// First quotes, then what is unusual.
    unusual: Vec<u64>,
}

/// What the masks tell at a glance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Meaning {
    /// Line breaks outside quotes.
    breaks: usize,
    /// Blocks with anything unusual, ascending.
    unusual_blocks: Vec<u16>,
    /// Where the first misplaced quote shows, at it or at the byte behind it.
    misplaced_at: Option<usize>,
}

impl Marks {
    /// Takes the marks of `bytes`, at most [`MOST_BLOCKS`].
    pub fn take(&mut self, level: Level, signs: Signs, bytes: &[u8]) {
        let blocks = bytes.len().div_ceil(BLOCK_BYTES);
        assert!(blocks <= MOST_BLOCKS, "a number of places fits 16 bits");
        self.masks.resize(blocks.next_multiple_of(GROUP_BLOCKS));
        let room = (self.masks.outer.len() + 1) * BLOCK_BYTES;
        if self.places.len() < room {
            self.places.resize(room, 0);
        }
        self.meaning.clear();
        self.odd_strips.resize(bytes.len().div_ceil(STRIP_BYTES), false);
        match level {
            Level::Portable => mark_portably(signs, bytes, self),
            #[cfg(target_arch = "x86_64")]
            Level::Sse2 => x86::mark_sse2(signs, bytes, self),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(proof) => x86::mark_avx2(proof, signs, bytes, self),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(proof) => x86::mark_avx512(proof, signs, bytes, self),
        }
        // What seems misplaced behind the end shows that the next byte is needed, and no more.
        self.meaning.misplaced_at = self.meaning.misplaced_at.filter(|&at| at < bytes.len());
    }

    /// The place before the first byte (wrapping), and those of delimiters and line breaks outside
    /// quotes, ascending.
    pub fn places(&self) -> &[u16] {
        &self.places[..self.placed]
    }

    /// How many of [`Marks::places`] are line breaks.
    pub fn breaks(&self) -> usize {
        self.meaning.breaks
    }

    /// Where the first misplaced quote shows: places from there on mean nothing.
    pub fn misplaced_at(&self) -> Option<usize> {
        self.meaning.misplaced_at
    }

    /// Blocks with bytes that need a closer look, ascending.
    pub fn unusual_blocks(&self) -> &[u16] {
        &self.meaning.unusual_blocks
    }

    /// By block, what needs a closer look: line breaks in quotes, the second quote of a pair in
    /// quotes, and what [`Marks::add_odd_bytes`] added.
    pub fn unusual(&self) -> &[u64] {
        &self.masks.unusual
    }

    /// Which of [`Marks::places`] are line breaks, ascending, up to the first misplaced quote.
    pub fn list_breaks(&self, list: &mut Vec<u16>) {
        list.clear();
        // The first place is the one before all.
        let mut placed = 1;
        for (index, (&outer, &breaks)) in self.masks.outer.iter().zip(&self.masks.breaks).enumerate() {
            let mut rest = breaks;
            while rest != 0 {
                let at = index * BLOCK_BYTES + rest.trailing_zeros() as usize;
                if self.meaning.misplaced_at.is_some_and(|misplaced_at| at >= misplaced_at) {
                    return;
                }
                let before = outer & (rest - 1) & !rest;
                list.push((placed + before.count_ones()) as u16);
                rest &= rest - 1;
            }
            placed += outer.count_ones();
        }
    }

    /// Whether these first bytes, which end behind a line break, hold NUL or are not UTF-8.
    pub fn has_odd_bytes(&self, bytes: &[u8]) -> bool {
        // Strips side by side are judged as one: around them lies ASCII, which no sequence crosses.
        let mut from = None;
        for (strip, &is_odd) in self.odd_strips[..bytes.len().div_ceil(STRIP_BYTES)].iter().enumerate() {
            if is_odd {
                from.get_or_insert(strip * STRIP_BYTES);
            } else if let Some(from) = from.take()
                && !is_text(&bytes[from..strip * STRIP_BYTES])
            {
                return true;
            }
        }
        from.is_some_and(|from| !is_text(&bytes[from..]))
    }

    /// Makes NUL and what is not ASCII unusual.
    pub fn add_odd_bytes(&mut self, bytes: &[u8]) {
        for (block, unusual) in bytes.chunks(BLOCK_BYTES).zip(&mut self.masks.unusual) {
            for (at, &byte) in block.iter().enumerate() {
                *unusual |= u64::from(byte == 0 || !byte.is_ascii()) << at;
            }
        }
        self.meaning.unusual_blocks.clear();
        self.meaning.note(0, &self.masks.unusual, &[]);
    }
}

/// UTF-8 without NUL.
fn is_text(bytes: &[u8]) -> bool {
    simdutf8::basic::from_utf8(bytes).is_ok() && memchr::memchr(0, bytes).is_none()
}

impl Masks {
    fn resize(&mut self, blocks: usize) {
        for list in [&mut self.outer, &mut self.breaks, &mut self.unusual] {
            list.resize(blocks, 0);
        }
    }
}

impl Meaning {
    fn clear(&mut self) {
        self.breaks = 0;
        self.unusual_blocks.clear();
        self.misplaced_at = None;
    }

    /// Notes what some blocks hold that is rare; `block` is the number of the first.
    #[inline(never)]
    fn note(&mut self, block: usize, unusual: &[u64], misplaced: &[u64]) {
        let blocks = (block..).zip(unusual).filter(|(_, bits)| **bits != 0);
        self.unusual_blocks.extend(blocks.map(|(block, _)| block as u16));
        let place = |(block, bits): (usize, &u64)| block * BLOCK_BYTES + bits.trailing_zeros() as usize;
        let first = (block..).zip(misplaced).find(|(_, bits)| **bits != 0).map(place);
        self.misplaced_at = self.misplaced_at.or(first);
    }
}

/// Where the signs lie in a block, whatever they mean there.
#[derive(Debug, Clone, Copy, Default)]
struct SignMasks {
    delimiters: u64,
    /// `\n` and `\r`.
    breaks: u64,
    quotes: u64,
}

/// The first loop: what `signs_of` finds in each block.
#[inline(always)]
fn find_signs(signs: Signs, bytes: &[u8], masks: &mut Masks, signs_of: impl Fn(&Block) -> SignMasks) {
    let (blocks, rest) = bytes.as_chunks::<BLOCK_BYTES>();
    let Masks { outer, breaks, unusual } = masks;
    let (outer, outer_rest) = outer.split_at_mut(blocks.len());
    let (breaks, breaks_rest) = breaks.split_at_mut(blocks.len());
    let (unusual, unusual_rest) = unusual.split_at_mut(blocks.len());
    for (((block, delimiters), breaks), quotes) in blocks.iter().zip(outer).zip(breaks).zip(unusual) {
        let found = signs_of(block);
        (*delimiters, *breaks, *quotes) = (found.delimiters, found.breaks, found.quotes);
    }
    for list in [&mut *outer_rest, &mut *breaks_rest, &mut *unusual_rest] {
        list.fill(0);
    }
    if let ([delimiters, ..], [breaks, ..], [quotes, ..]) = (outer_rest, breaks_rest, unusual_rest)
        && !rest.is_empty()
    {
        let mut block = [signs.filler(); BLOCK_BYTES];
        block[..rest.len()].copy_from_slice(rest);
        let found = signs_of(&block);
        (*delimiters, *breaks, *quotes) = (found.delimiters, found.breaks, found.quotes);
    }
}

/// The second loop: what the signs mean, told by the parity of quotes. The loops over arrays become
/// vector instructions of the level that this is compiled for.
#[inline(always)]
fn tell_meaning(masks: &mut Masks, meaning: &mut Meaning) {
    // What is carried from group to group: all bits if a quote is open, else none; the last closing
    // quotes and the last signs, of which only the last bit matters. A record's start is as good as
    // a sign.
    let (mut open, mut last_closing, mut last_sign) = (0, 0, 1 << 63);
    let Masks { outer, breaks, unusual } = masks;
    let (outer, _) = outer.as_chunks_mut::<GROUP_BLOCKS>();
    let (breaks, _) = breaks.as_chunks_mut::<GROUP_BLOCKS>();
    let (unusual, _) = unusual.as_chunks_mut::<GROUP_BLOCKS>();
    for (group, ((outer, breaks), unusual)) in outer.iter_mut().zip(breaks).zip(unusual).enumerate() {
        let mut inside = [0; GROUP_BLOCKS];
        for (inside, quotes) in inside.iter_mut().zip(&*unusual) {
            *inside = open;
            open ^= u64::from(quotes.count_ones() & 1).wrapping_neg();
        }
        // One more in front: what is carried.
        let mut closing = [last_closing; GROUP_BLOCKS + 1];
        let mut signs = [last_sign; GROUP_BLOCKS + 1];
        for at in 0..GROUP_BLOCKS {
            inside[at] ^= prefix_parity(unusual[at]);
            closing[at + 1] = unusual[at] & !inside[at];
            signs[at + 1] = outer[at] | breaks[at] | unusual[at];
        }
        let mut misplaced = [0; GROUP_BLOCKS];
        let mut any_rare = 0;
        for at in 0..GROUP_BLOCKS {
            let opening = unusual[at] & inside[at];
            let behind_closing = closing[at + 1] << 1 | closing[at] >> 63;
            let behind_sign = signs[at + 1] << 1 | signs[at] >> 63;
            misplaced[at] = (opening & !behind_sign) | (behind_closing & !signs[at + 1]);
            unusual[at] = (breaks[at] & inside[at]) | (opening & behind_closing);
            outer[at] = (outer[at] | breaks[at]) & !inside[at];
            breaks[at] &= !inside[at];
            any_rare |= misplaced[at] | unusual[at];
        }
        if any_rare != 0 {
            meaning.note(group * GROUP_BLOCKS, unusual, &misplaced);
        }
        meaning.breaks += breaks.iter().map(|bits| bits.count_ones() as usize).sum::<usize>();
        last_closing = closing[GROUP_BLOCKS];
        last_sign = signs[GROUP_BLOCKS];
    }
}

/// Bit `i` of the result is the parity of bits `0..=i`: set from an opening quote up to the byte
/// before its closing one.
#[inline(always)]
fn prefix_parity(bits: u64) -> u64 {
    let mut parity = bits;
    parity ^= parity << 1;
    parity ^= parity << 2;
    parity ^= parity << 4;
    parity ^= parity << 8;
    parity ^= parity << 16;
    parity ^ (parity << 32)
}

/// The third loop: the places of all bits. `put` writes those of one block, the first of which counts
/// as the given number; what it leaves behind them means nothing.
#[inline(always)]
fn list_places(marks: &mut Marks, put: impl Fn(u64, u16, &mut [u16; BLOCK_BYTES])) {
    let places = &mut marks.places[..];
    places[0] = BEFORE_ALL;
    let mut placed = 1;
    for (index, &bits) in marks.masks.outer.iter().enumerate() {
        let room = places[placed..].first_chunk_mut().expect("there is room for a block behind all");
        put(bits, (index * BLOCK_BYTES) as u16, room);
        placed += bits.count_ones() as usize;
    }
    marks.placed = placed;
}

/// Puts places down in fours: most blocks hold a few.
#[inline(always)]
fn put_places(mut bits: u64, first: u16, room: &mut [u16; BLOCK_BYTES]) {
    for four in room.as_chunks_mut::<4>().0 {
        for place in four {
            *place = first + bits.trailing_zeros() as u16;
            bits &= bits.wrapping_sub(1);
        }
        if bits == 0 {
            break;
        }
    }
}

/// A fourth loop: which strips hold NUL or what is not ASCII.
#[inline(always)]
fn find_odd_strips(bytes: &[u8], odd: &mut [bool]) {
    // Of these, and only these, the byte or the one before it in order has the highest bit.
    let fold = |strip: &[u8]| strip.iter().fold(0, |bits, byte| bits | byte | byte.wrapping_sub(1));
    let (strips, rest) = bytes.as_chunks::<STRIP_BYTES>();
    for (strip, odd) in strips.iter().zip(&mut *odd) {
        *odd = fold(strip) >= 0x80;
    }
    if !rest.is_empty() {
        odd[strips.len()] = fold(rest) >= 0x80;
    }
}

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

fn mark_portably(signs: Signs, bytes: &[u8], marks: &mut Marks) {
    find_signs(signs, bytes, &mut marks.masks, |block| {
        let mut found = SignMasks::default();
        let (words, _) = block.as_chunks::<8>();
        for (index, word) in words.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            let at = index * 8;
            found.delimiters |= gather(equal_bytes(word, signs.delimiter)) << at;
            found.breaks |= gather(equal_bytes(word, b'\n') | equal_bytes(word, b'\r')) << at;
            found.quotes |= gather(equal_bytes(word, signs.quote_byte())) << at;
        }
        found.quotes &= signs.any_quotes();
        found
    });
    tell_meaning(&mut marks.masks, &mut marks.meaning);
    list_places(marks, put_places);
    find_odd_strips(bytes, &mut marks.odd_strips);
}

/// The high bit of every byte of `word` that equals `byte`, exactly (no carry between bytes).
fn equal_bytes(word: u64, byte: u8) -> u64 {
    let difference = word ^ (LOW_BITS * u64::from(byte));
    !(((difference & !HIGH_BITS) + !HIGH_BITS) | difference) & HIGH_BITS
}

/// The high bits of eight bytes as the low eight bits, first byte lowest.
fn gather(high_bits: u64) -> u64 {
    // Bit 8k moves to bit 56 + k; no two products meet in one bit, so nothing carries.
    (high_bits >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests;
