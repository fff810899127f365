//! Bit masks of 64-byte blocks: where fields end, where records end, and what needs a closer look.
//!
//! Bytes are compared with the signs of the dialect 64 at a time, and the parity of the quotes so
//! far tells which delimiters and line breaks are text. Parity equals the state machine of
//! `csv_exact` as long as quotes stand where they should:
//!
//! - A quote at even parity opens a field if the byte before is an outer delimiter, an outer line
//!   break or a closing quote (then it is the second one of a doubled pair), or if the record starts
//!   there. At even parity no other delimiter, break or quote can be the byte before: one
//!   in quotes would have odd parity behind it. So it is enough to ask for any sign before.
//! - A quote at odd parity closes a field if a delimiter, a line break or a quote follows.
//!
//! The first place where either does not hold is a stop, as an outer line break is. Up to a first
//! such stop all masks are those of the state machine, by induction over the quotes; behind it they
//! mean nothing, and whoever reads them starts afresh behind the record in question.
//!
//! This file holds the vector instructions, each behind the check that the machine has them. What
//! it leaves out: records (`csv_walk`).

/// Bytes of one block, one bit each in a mask. Bit 0 is the first byte.
pub(super) const BLOCK_BYTES: usize = 64;

/// Blocks that are worked on together, so that their masks fill vectors in turn.
const GROUP_BLOCKS: usize = 32;

const GROUP_BYTES: usize = GROUP_BLOCKS * BLOCK_BYTES;

/// Masks of the blocks of a stretch of bytes, by block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Masks {
    /// Delimiters outside quotes.
    pub delimiters: Vec<u64>,
    /// How many delimiters lie before each block, and in the end before the one behind the last.
    pub delimiters_before: Vec<u32>,
    /// `\n` and `\r` outside quotes; and any other byte where a quote is found to be misplaced.
    pub stops: Vec<u64>,
    /// What needs a closer look: NUL, all that is not ASCII, line breaks in quotes and the second
    /// quote of a pair in quotes.
    pub unusual: Vec<u64>,
}

/// The bytes to look for.
#[derive(Debug, Clone, Copy)]
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
}

/// How masks are computed. All levels give the same masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Eight bytes at a time in plain integers, for any machine.
    Portable,
    /// SSE2 belongs to every x86-64 machine.
    #[cfg(target_arch = "x86_64")]
    Sse2,
    /// AVX2, with the bit instructions of the machines that brought it.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 BW, with the same.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// The fastest level of this machine.
    pub fn detect() -> Level {
        #[cfg(target_arch = "x86_64")]
        let levels = [Level::Avx512, Level::Avx2, Level::Sse2];
        #[cfg(not(target_arch = "x86_64"))]
        let levels = [];
        levels.into_iter().find(|level| level.is_here()).unwrap_or(Level::Portable)
    }

    /// Whether this machine has all instructions of the level.
    pub fn is_here(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        use std::is_x86_feature_detected as has;
        match self {
            Level::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Level::Sse2 => true,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => has!("avx2") && has!("bmi1") && has!("bmi2") && has!("lzcnt") && has!("popcnt"),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => Level::Avx2.is_here() && has!("avx512f") && has!("avx512bw"),
        }
    }

    /// All levels that this machine can run.
    #[cfg(test)]
    pub fn available() -> Vec<Level> {
        #[cfg(target_arch = "x86_64")]
        let levels = vec![Level::Portable, Level::Sse2, Level::Avx2, Level::Avx512];
        #[cfg(not(target_arch = "x86_64"))]
        let levels = vec![Level::Portable];
        levels.into_iter().filter(|level| level.is_here()).collect()
    }
}

impl Masks {
    pub fn clear(&mut self) {
        self.resize(0);
    }

    /// The number of blocks.
    pub fn len(&self) -> usize {
        self.stops.len()
    }

    fn resize(&mut self, blocks: usize) {
        for masks in [&mut self.delimiters, &mut self.stops, &mut self.unusual] {
            masks.resize(blocks, 0);
        }
        self.delimiters_before.resize(blocks, 0);
    }

    /// Takes the masks of `bytes`, which start where a record starts. The last block may be
    /// shorter; its missing bytes have no bits set.
    pub fn fill(&mut self, level: Level, signs: Signs, bytes: &[u8]) {
        let (groups, rest) = bytes.as_chunks::<GROUP_BYTES>();
        // Not cleared first: only what the lists grow by is set twice.
        self.resize(bytes.len().div_ceil(GROUP_BYTES) * GROUP_BLOCKS);
        let mut carry = Carry { inside: 0, closing: 0, edges: 1 << 63, delimiters: 0 };
        self.fill_groups(level, signs, groups, 0, &mut carry);
        if !rest.is_empty() {
            let mut group = [0; GROUP_BYTES];
            group[..rest.len()].copy_from_slice(rest);
            self.fill_groups(level, signs, &[group], groups.len() * GROUP_BLOCKS, &mut carry);
            self.resize(bytes.len().div_ceil(BLOCK_BYTES));
            let present = u64::MAX >> (self.len() * BLOCK_BYTES - bytes.len());
            for masks in [&mut self.delimiters, &mut self.stops, &mut self.unusual] {
                masks.iter_mut().next_back().into_iter().for_each(|last| *last &= present);
            }
        }
        self.delimiters_before.push(carry.delimiters);
    }

    fn fill_groups(
        &mut self,
        level: Level,
        signs: Signs,
        groups: &[[u8; GROUP_BYTES]],
        first_block: usize,
        carry: &mut Carry,
    ) {
        assert!(level.is_here(), "the level was chosen by detection");
        let lists = (
            self.delimiters[first_block..].as_chunks_mut().0,
            self.delimiters_before[first_block..].as_chunks_mut().0,
            self.stops[first_block..].as_chunks_mut().0,
            self.unusual[first_block..].as_chunks_mut().0,
        );
        match level {
            Level::Portable => fill_with(groups, lists, carry, |block| portable_signs(signs, block)),
            #[cfg(target_arch = "x86_64")]
            Level::Sse2 => fill_with(groups, lists, carry, |block| x86::sse2_signs(signs, block)),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the machine has the level's instructions, checked above.
            Level::Avx2 => unsafe { x86::fill_avx2(signs, groups, lists, carry) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Avx512 => unsafe { x86::fill_avx512(signs, groups, lists, carry) },
        }
    }
}

/// Where the signs lie in a block, whatever they mean there.
#[derive(Debug, Clone, Copy, Default)]
struct SignMasks {
    delimiters: u64,
    /// `\n` and `\r`.
    breaks: u64,
    quotes: u64,
    /// NUL and what is not ASCII.
    unusual: u64,
}

/// The masks of a group, one for each of its blocks.
type GroupMasks = [u64; GROUP_BLOCKS];

/// The lists of [`Masks`] from some group on, in their order.
type Lists<'m> =
    (&'m mut [GroupMasks], &'m mut [[u32; GROUP_BLOCKS]], &'m mut [GroupMasks], &'m mut [GroupMasks]);

/// What the blocks so far say of the next one.
#[derive(Debug, Clone, Copy)]
struct Carry {
    /// All bits if a quote is open, else none.
    inside: u64,
    /// The block's closing quotes, of which only the last bit matters.
    closing: u64,
    /// The block's signs, of which only the last bit matters. A record's start is as good as a sign.
    edges: u64,
    /// Outside quotes.
    delimiters: u32,
}

/// Fills lists of delimiters, stops and unusual bytes, without a branch on what the bytes are. The
/// loops over arrays become vector instructions of the level that this is compiled for.
#[inline(always)]
fn fill_with(
    groups: &[[u8; GROUP_BYTES]],
    (delimiters, before, stops, unusual): Lists<'_>,
    carry: &mut Carry,
    signs_of: impl Fn(&[u8; BLOCK_BYTES]) -> SignMasks,
) {
    let lists = delimiters.iter_mut().zip(before).zip(stops).zip(unusual);
    for (group, (((delimiters, before), stops), unusual)) in groups.iter().zip(lists) {
        let mut outer = [0; GROUP_BLOCKS];
        let mut breaks = [0; GROUP_BLOCKS];
        let mut quotes = [0; GROUP_BLOCKS];
        let mut odd = [0; GROUP_BLOCKS];
        let mut inside = [0; GROUP_BLOCKS];
        let (blocks, _) = group.as_chunks();
        for (at, block) in blocks.iter().enumerate().take(GROUP_BLOCKS) {
            let found = signs_of(block);
            outer[at] = found.delimiters;
            breaks[at] = found.breaks;
            quotes[at] = found.quotes;
            odd[at] = found.unusual;
            inside[at] = carry.inside;
            carry.inside ^= u64::from(found.quotes.count_ones() & 1).wrapping_neg();
        }
        // One more in front: what is carried.
        let mut closing = [carry.closing; GROUP_BLOCKS + 1];
        let mut edges = [carry.edges; GROUP_BLOCKS + 1];
        for at in 0..GROUP_BLOCKS {
            inside[at] ^= prefix_parity(quotes[at]);
            closing[at + 1] = quotes[at] & !inside[at];
            edges[at + 1] = outer[at] | breaks[at] | quotes[at];
        }
        for at in 0..GROUP_BLOCKS {
            let quoted = inside[at];
            let opening = quotes[at] & quoted;
            let behind_closing = closing[at + 1] << 1 | closing[at] >> 63;
            let behind_edge = edges[at + 1] << 1 | edges[at] >> 63;
            let misplaced = (opening & !behind_edge) | (behind_closing & !edges[at + 1]);
            delimiters[at] = outer[at] & !quoted;
            stops[at] = (breaks[at] & !quoted) | misplaced;
            unusual[at] = odd[at] | (breaks[at] & quoted) | (opening & behind_closing);
        }
        for (before, delimiters) in before.iter_mut().zip(delimiters) {
            *before = carry.delimiters;
            carry.delimiters += delimiters.count_ones();
        }
        carry.closing = closing[GROUP_BLOCKS];
        carry.edges = edges[GROUP_BLOCKS];
    }
}

/// Bit `i` of the result is the parity of bits `0..=i`: set from an opening quote up to the byte
/// before its closing one.
fn prefix_parity(bits: u64) -> u64 {
    let mut parity = bits;
    parity ^= parity << 1;
    parity ^= parity << 2;
    parity ^= parity << 4;
    parity ^= parity << 8;
    parity ^= parity << 16;
    parity ^ (parity << 32)
}

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

fn portable_signs(signs: Signs, block: &[u8; BLOCK_BYTES]) -> SignMasks {
    let mut found = SignMasks::default();
    let (words, _) = block.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let at = index * 8;
        found.delimiters |= gather(equal_bytes(word, signs.delimiter)) << at;
        found.breaks |= gather(equal_bytes(word, b'\n') | equal_bytes(word, b'\r')) << at;
        found.quotes |= gather(equal_bytes(word, signs.quote_byte())) << at;
        found.unusual |= gather((word & HIGH_BITS) | equal_bytes(word, 0)) << at;
    }
    found.quotes &= signs.any_quotes();
    found
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

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{BLOCK_BYTES, Carry, GROUP_BYTES, Lists, SignMasks, Signs, fill_with};
    use std::arch::x86_64::*;

    #[inline(always)]
    pub(super) fn sse2_signs(signs: Signs, block: &[u8; BLOCK_BYTES]) -> SignMasks {
        let mut found = SignMasks::default();
        for part in 0..4 {
            // SAFETY: SSE2 is part of the target; `part * 16 + 16 <= 64` bytes lie in the block,
            // and the load needs no alignment.
            unsafe {
                let bytes = _mm_loadu_si128(block.as_ptr().add(part * 16).cast());
                let mask = |hits: __m128i| u64::from(_mm_movemask_epi8(hits) as u16) << (part * 16);
                let equal = |byte: u8| _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte as i8));
                found.delimiters |= mask(equal(signs.delimiter));
                found.breaks |= mask(_mm_or_si128(equal(b'\n'), equal(b'\r')));
                found.quotes |= mask(equal(signs.quote_byte()));
                found.unusual |= mask(_mm_or_si128(bytes, equal(0)));
            }
        }
        found.quotes &= signs.any_quotes();
        found
    }

    #[target_feature(enable = "avx2,bmi1,lzcnt,popcnt")]
    pub(super) fn fill_avx2(signs: Signs, groups: &[[u8; GROUP_BYTES]], lists: Lists<'_>, carry: &mut Carry) {
        let delimiter = _mm256_set1_epi8(signs.delimiter as i8);
        let quote = _mm256_set1_epi8(signs.quote_byte() as i8);
        let any_quotes = signs.any_quotes();
        let line_feed = _mm256_set1_epi8(b'\n' as i8);
        let carriage_return = _mm256_set1_epi8(b'\r' as i8);
        let zero = _mm256_setzero_si256();
        let pair = |low: __m256i, high: __m256i| {
            u64::from(_mm256_movemask_epi8(low) as u32) | (u64::from(_mm256_movemask_epi8(high) as u32) << 32)
        };
        let breaks = |bytes| {
            _mm256_or_si256(_mm256_cmpeq_epi8(bytes, line_feed), _mm256_cmpeq_epi8(bytes, carriage_return))
        };
        let unusual = |bytes| _mm256_or_si256(bytes, _mm256_cmpeq_epi8(bytes, zero));
        fill_with(groups, lists, carry, |block| {
            // SAFETY: both loads lie in the 64 bytes of the block and need no alignment.
            let (low, high) = unsafe {
                (_mm256_loadu_si256(block.as_ptr().cast()), _mm256_loadu_si256(block.as_ptr().add(32).cast()))
            };
            SignMasks {
                delimiters: pair(_mm256_cmpeq_epi8(low, delimiter), _mm256_cmpeq_epi8(high, delimiter)),
                breaks: pair(breaks(low), breaks(high)),
                quotes: pair(_mm256_cmpeq_epi8(low, quote), _mm256_cmpeq_epi8(high, quote)) & any_quotes,
                unusual: pair(unusual(low), unusual(high)),
            }
        });
    }

    #[target_feature(enable = "avx512f,avx512bw,bmi1,lzcnt,popcnt")]
    pub(super) fn fill_avx512(
        signs: Signs,
        groups: &[[u8; GROUP_BYTES]],
        lists: Lists<'_>,
        carry: &mut Carry,
    ) {
        let delimiter = _mm512_set1_epi8(signs.delimiter as i8);
        let quote = _mm512_set1_epi8(signs.quote_byte() as i8);
        let any_quotes = signs.any_quotes();
        let line_feed = _mm512_set1_epi8(b'\n' as i8);
        let carriage_return = _mm512_set1_epi8(b'\r' as i8);
        fill_with(groups, lists, carry, |block| {
            // SAFETY: the load takes the 64 bytes of the block and needs no alignment.
            let bytes = unsafe { _mm512_loadu_epi8(block.as_ptr().cast()) };
            SignMasks {
                delimiters: _mm512_cmpeq_epi8_mask(bytes, delimiter),
                breaks: _mm512_cmpeq_epi8_mask(bytes, line_feed)
                    | _mm512_cmpeq_epi8_mask(bytes, carriage_return),
                quotes: _mm512_mask_cmpeq_epi8_mask(any_quotes, bytes, quote),
                // As signed numbers, NUL and what is not ASCII are not above zero.
                unusual: _mm512_cmple_epi8_mask(bytes, _mm512_setzero_si512()),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIGNS: Signs = Signs { delimiter: b',', quote: Some(b'"') };

    /// Byte by byte, as the documentation says it.
    fn plain_masks(signs: Signs, bytes: &[u8]) -> Masks {
        let blocks = bytes.len().div_ceil(BLOCK_BYTES);
        let mut masks = Masks::default();
        masks.resize(blocks);
        let (mut inside, mut behind_sign, mut behind_closing) = (false, true, false);
        for (at, &byte) in bytes.iter().enumerate() {
            let (block, bit) = (at / BLOCK_BYTES, 1 << (at % BLOCK_BYTES));
            let is_quote = Some(byte) == signs.quote;
            let is_break = byte == b'\n' || byte == b'\r';
            let is_sign = is_quote || is_break || byte == signs.delimiter;
            let opens = is_quote && !inside;
            inside ^= is_quote;
            let set = |list: &mut Vec<u64>, holds: bool| list[block] |= if holds { bit } else { 0 };
            set(&mut masks.delimiters, byte == signs.delimiter && !inside);
            let misplaced = (opens && !behind_sign) || (behind_closing && !is_sign);
            set(&mut masks.stops, (is_break && !inside) || misplaced);
            let odd = byte == 0 || byte >= 0x80 || (is_break && inside) || (opens && behind_closing);
            set(&mut masks.unusual, odd);
            behind_sign = is_sign;
            behind_closing = is_quote && !opens;
        }
        let mut before = 0;
        for (count, delimiters) in masks.delimiters_before.iter_mut().zip(&masks.delimiters) {
            *count = before;
            before += delimiters.count_ones();
        }
        masks.delimiters_before.push(before);
        masks
    }

    /// Also where there was another content before, whatever its length.
    fn assert_all_levels_are_plain(signs: Signs, bytes: &[u8]) {
        for level in Level::available() {
            for length_before in [0, 3 * GROUP_BYTES + 1] {
                let mut masks = Masks::default();
                masks.fill(level, signs, &vec![b','; length_before]);
                masks.fill(level, signs, bytes);
                assert_eq!(masks, plain_masks(signs, bytes), "{level:?} {} bytes", bytes.len());
            }
        }
    }

    #[test]
    fn every_level_gives_the_masks_of_a_plain_loop() {
        // All byte values, shifted, and lengths around those of blocks and groups.
        let bytes: Vec<u8> = (0..3 * GROUP_BYTES as u32).map(|i| (i.wrapping_mul(167) >> 2) as u8).collect();
        for quote in [None, Some(b'"'), Some(0x80), Some(0)] {
            for delimiter in [b',', b'\t', b'|'] {
                let signs = Signs { delimiter, quote };
                for around in [0, 64, 128, 1024, GROUP_BYTES, 2 * GROUP_BYTES, bytes.len()] {
                    for length in around.saturating_sub(1)..=bytes.len().min(around + 1) {
                        assert_all_levels_are_plain(signs, &bytes[..length]);
                    }
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 500, ..ProptestConfig::default() })]

        #[test]
        fn quotes_across_blocks_and_groups_give_the_masks_of_a_plain_loop(
            parts in prop::collection::vec(("[a-z]{0,90}", "[a,\"\n\r]{1,4}"), 0..120),
        ) {
            let text: String = parts.iter().flat_map(|(long, signs)| [long.as_str(), signs]).collect();
            assert_all_levels_are_plain(SIGNS, text.as_bytes());
        }
    }

    #[test]
    fn neighbours_of_a_sign_are_not_taken_for_it() {
        // 0x0A + 1 beside 0x0A is where careless word tricks carry over.
        let mut bytes = [0x0B; 64];
        bytes[8] = b'\n';
        bytes[15] = b'\n';
        bytes[63] = b'\r';
        for level in Level::available() {
            let mut masks = Masks::default();
            masks.fill(level, SIGNS, &bytes);
            assert_eq!(masks.stops, [1 << 8 | 1 << 15 | 1 << 63], "{level:?}");
        }
    }

    #[test]
    fn quotes_are_followed_from_one_block_into_the_next() {
        // Opens at 62 and holds a pair at 64 and 65; closes at 70, before a delimiter.
        let mut bytes = [b'a'; 128];
        bytes[61] = b',';
        bytes[62] = b'"';
        bytes[63] = b'\n';
        bytes[64] = b'"';
        bytes[65] = b'"';
        bytes[69] = b',';
        bytes[70] = b'"';
        bytes[71] = b',';
        bytes[72] = b'\n';
        let expected = Masks {
            delimiters: vec![1 << 61, 1 << 7],
            delimiters_before: vec![0, 1, 2],
            stops: vec![0, 1 << 8],
            unusual: vec![1 << 63, 1 << 1],
        };
        for level in Level::available() {
            let mut masks = Masks::default();
            masks.fill(level, SIGNS, &bytes);
            assert_eq!(masks, expected, "{level:?}");
        }
    }

    #[test]
    fn misplaced_quotes_are_stops() {
        for (text, stops) in [
            ("a\"b", 0b010),
            ("\"a\"b", 0b1000),
            ("\"\"b", 0b100),
            ("\"a\"\"b\"", 0),
            ("a,\"b\"", 0),
            ("a\n\"b\"\r", 0b10_0010),
        ] {
            for level in Level::available() {
                let mut masks = Masks::default();
                masks.fill(level, SIGNS, text.as_bytes());
                assert_eq!(masks.stops, [stops], "{text} {level:?}");
            }
        }
    }

    #[test]
    fn parity_covers_from_the_opening_quote_to_before_the_closing_one() {
        assert_eq!(prefix_parity(0), 0);
        assert_eq!(prefix_parity(0b10_0010), 0b01_1110);
        assert_eq!(prefix_parity(1 << 63), 1 << 63);
        assert_eq!(prefix_parity(1), u64::MAX);
    }
}
