//! Bit masks of 64-byte blocks: where delimiters, line breaks, quotes and unusual bytes lie.
//!
//! This file only looks at bytes; what a quote means is decided in `csv`. It holds all `unsafe`
//! of the CSV decoder: the vector instructions, each behind the check that the machine has them.

/// Bytes of one block, one bit each in a mask. Bit 0 is the first byte.
pub(super) const BLOCK_BYTES: usize = 64;

/// Masks of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct BlockMasks {
    pub delimiters: u64,
    /// `\n` and `\r`.
    pub breaks: u64,
    pub quotes: u64,
    /// Bytes that need a closer look: NUL, and all that is not ASCII.
    pub unusual: u64,
}

/// The bytes to look for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signs {
    pub delimiter: u8,
    pub quote: Option<u8>,
}

/// How masks are computed. All levels give the same masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Eight bytes at a time in plain integers, for any machine.
    Portable,
    #[cfg(target_arch = "x86_64")]
    Sse2,
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

impl Level {
    /// The fastest level of this machine.
    pub fn detect() -> Level {
        #[cfg(target_arch = "x86_64")]
        {
            if std::is_x86_feature_detected!("avx2") {
                Level::Avx2
            } else if std::is_x86_feature_detected!("sse2") {
                Level::Sse2
            } else {
                Level::Portable
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            Level::Portable
        }
    }

    /// All levels that this machine can run.
    #[cfg(test)]
    pub fn available() -> Vec<Level> {
        let mut levels = vec![Level::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            levels.push(Level::Sse2);
            if std::is_x86_feature_detected!("avx2") {
                levels.push(Level::Avx2);
            }
        }
        levels
    }
}

/// The masks of `bytes`, block by block, into `masks`, whose old content is dropped. The last
/// block may be shorter; its missing bytes have no bits set.
pub(super) fn fill_masks(level: Level, signs: Signs, bytes: &[u8], masks: &mut Vec<BlockMasks>) {
    let (blocks, rest) = bytes.as_chunks::<BLOCK_BYTES>();
    masks.resize(blocks.len() + usize::from(!rest.is_empty()), BlockMasks::default());
    match level {
        Level::Portable => {
            masks.iter_mut().zip(blocks).for_each(|(masks, block)| *masks = portable_masks(signs, block));
        }
        #[cfg(target_arch = "x86_64")]
        Level::Sse2 => x86::fill_sse2(signs, blocks, masks),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => {
            assert!(std::is_x86_feature_detected!("avx2"), "the level was chosen by detection");
            // SAFETY: the machine has AVX2, checked on the line above.
            unsafe { x86::fill_avx2(signs, blocks, masks) }
        }
    }
    if let Some(masks) = masks.last_mut()
        && !rest.is_empty()
    {
        let mut block = [b' '; BLOCK_BYTES];
        block[..rest.len()].copy_from_slice(rest);
        let found = portable_masks(signs, &block);
        let present = u64::MAX >> (BLOCK_BYTES - rest.len());
        *masks = BlockMasks {
            delimiters: found.delimiters & present,
            breaks: found.breaks & present,
            quotes: found.quotes & present,
            unusual: found.unusual & present,
        };
    }
    if signs.quote.is_none() {
        // Not in the loops above: a choice there keeps the compiler from good vector code.
        masks.iter_mut().for_each(|masks| masks.quotes = 0);
    }
}

/// Bit `i` of the result is the parity of bits `0..=i`: set from an opening quote up to the byte
/// before its closing one.
pub(super) fn prefix_parity(bits: u64) -> u64 {
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

fn portable_masks(signs: Signs, block: &[u8; BLOCK_BYTES]) -> BlockMasks {
    let mut masks = BlockMasks::default();
    let (words, _) = block.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let at = index * 8;
        masks.delimiters |= gather(equal_bytes(word, signs.delimiter)) << at;
        masks.breaks |= gather(equal_bytes(word, b'\n') | equal_bytes(word, b'\r')) << at;
        masks.quotes |= gather(equal_bytes(word, signs.quote.unwrap_or(0))) << at;
        masks.unusual |= gather((word & HIGH_BITS) | equal_bytes(word, 0)) << at;
    }
    masks
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
    use super::{BLOCK_BYTES, BlockMasks, Signs};
    use std::arch::x86_64::*;

    /// SSE2 belongs to every x86-64 machine.
    pub(super) fn fill_sse2(signs: Signs, blocks: &[[u8; BLOCK_BYTES]], masks: &mut [BlockMasks]) {
        let quote = signs.quote.unwrap_or(0);
        for (masks, block) in masks.iter_mut().zip(blocks) {
            let mut found = BlockMasks::default();
            for part in 0..4 {
                // SAFETY: SSE2 is part of the target; `part * 16 + 16 <= 64` bytes lie in the block,
                // and the load needs no alignment.
                unsafe {
                    let bytes = _mm_loadu_si128(block.as_ptr().add(part * 16).cast());
                    let mask = |hits: __m128i| u64::from(_mm_movemask_epi8(hits) as u16) << (part * 16);
                    let equal = |byte: u8| _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte as i8));
                    found.delimiters |= mask(equal(signs.delimiter));
                    found.breaks |= mask(_mm_or_si128(equal(b'\n'), equal(b'\r')));
                    found.quotes |= mask(equal(quote));
                    found.unusual |= mask(_mm_or_si128(bytes, equal(0)));
                }
            }
            *masks = found;
        }
    }

    /// # Safety
    /// The machine must have AVX2.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn fill_avx2(signs: Signs, blocks: &[[u8; BLOCK_BYTES]], masks: &mut [BlockMasks]) {
        let delimiter = _mm256_set1_epi8(signs.delimiter as i8);
        let quote = _mm256_set1_epi8(signs.quote.unwrap_or(0) as i8);
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
        for (masks, block) in masks.iter_mut().zip(blocks) {
            // SAFETY: both loads lie in the 64 bytes of the block and need no alignment.
            let (low, high) = unsafe {
                (_mm256_loadu_si256(block.as_ptr().cast()), _mm256_loadu_si256(block.as_ptr().add(32).cast()))
            };
            *masks = BlockMasks {
                delimiters: pair(_mm256_cmpeq_epi8(low, delimiter), _mm256_cmpeq_epi8(high, delimiter)),
                breaks: pair(breaks(low), breaks(high)),
                quotes: pair(_mm256_cmpeq_epi8(low, quote), _mm256_cmpeq_epi8(high, quote)),
                unusual: pair(unusual(low), unusual(high)),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Byte by byte, as the documentation says it.
    fn plain_masks(signs: Signs, bytes: &[u8]) -> Vec<BlockMasks> {
        let one = |block: &[u8]| {
            let mut masks = BlockMasks::default();
            for (at, &byte) in block.iter().enumerate() {
                let bit = 1 << at;
                masks.delimiters |= if byte == signs.delimiter { bit } else { 0 };
                masks.breaks |= if byte == b'\n' || byte == b'\r' { bit } else { 0 };
                masks.quotes |= if Some(byte) == signs.quote { bit } else { 0 };
                masks.unusual |= if byte == 0 || byte >= 0x80 { bit } else { 0 };
            }
            masks
        };
        bytes.chunks(BLOCK_BYTES).map(one).collect()
    }

    #[test]
    fn every_level_gives_the_masks_of_a_plain_loop() {
        // All byte values, shifted, and lengths around the block size.
        let bytes: Vec<u8> = (0..1024_u32).map(|i| (i.wrapping_mul(167) >> 2) as u8).collect();
        for level in Level::available() {
            for quote in [None, Some(b'"'), Some(0x80)] {
                for delimiter in [b',', b'\t', b'|'] {
                    for length in [0, 1, 63, 64, 65, 127, 128, 129, 1024] {
                        let signs = Signs { delimiter, quote };
                        let mut masks = vec![BlockMasks::default(); 3];
                        fill_masks(level, signs, &bytes[..length], &mut masks);
                        assert_eq!(masks, plain_masks(signs, &bytes[..length]), "{level:?} {length}");
                    }
                }
            }
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
            let mut masks = Vec::new();
            fill_masks(level, Signs { delimiter: b',', quote: Some(b'"') }, &bytes, &mut masks);
            assert_eq!(masks[0].breaks, 1 << 8 | 1 << 15 | 1 << 63, "{level:?}");
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
