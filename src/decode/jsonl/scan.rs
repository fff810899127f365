//! What 32 bytes of JSON hold, as bit masks, computed with the instructions the machine has.
//!
//! This file only looks at bytes; what they mean is decided by those who ask. It holds all
//! `unsafe` of the JSON decoder: the vector instructions, behind the proof that the machine has
//! them.

#[cfg(target_arch = "x86_64")]
use crate::decode::machine::Avx512;
use crate::decode::machine::Level;

/// Bytes looked at together, one bit each in a mask. Bit 0 is the first byte.
pub(super) const BLOCK_BYTES: usize = 32;
pub(super) type Block = [u8; BLOCK_BYTES];

/// One way of computing masks. All ways give the same.
pub(super) trait Scan: Copy {
    /// Where a run of plain characters of a string ends: quotes, backslashes, control characters.
    fn string_ends(self, block: &Block) -> u32;
    /// `0` to `9`.
    fn digits(self, block: &Block) -> u32;
    /// Where two blocks hold the same byte.
    fn equal(self, one: &Block, other: &Block) -> u32;
    /// Runs what is rarely needed as a function of its own, out of the way of the rest.
    fn apart<J: ScanJob>(self, job: J) -> J::Output;
}

/// Work that is compiled once for each way of computing masks. `run` and what it calls have to
/// be `inline(always)`, or they are compiled without the instructions.
pub(super) trait ScanJob {
    type Output;
    fn run<S: Scan>(self, scan: S) -> Self::Output;
}

/// Runs a job with the instructions of a level.
#[inline]
pub(super) fn run<J: ScanJob>(level: Level, job: J) -> J::Output {
    match level {
        Level::Portable => job.run(Portable),
        #[cfg(target_arch = "x86_64")]
        Level::Sse2 => job.run(x86::Sse2),
        // Blocks are of half the size of a vector of AVX-512.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2(proof) | Level::Avx512(Avx512(proof)) => x86::run(proof, job),
    }
}

#[derive(Clone, Copy)]
struct Portable;

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// The high bit of every byte of `word` that is less than `limit`, which is at most 0x80. Exact:
/// the sums stay within their bytes.
fn bytes_below(word: u64, limit: u8) -> u64 {
    !(((word & !HIGH_BITS) + LOW_BITS * u64::from(0x80 - limit)) | word) & HIGH_BITS
}

/// One bit a byte from what is found in each eight of them, as their high bits.
#[inline(always)]
fn word_masks(block: &Block, find: impl Fn(u64, usize) -> u64) -> u32 {
    let (words, _) = block.as_chunks::<8>();
    words.iter().enumerate().fold(0, |mask, (index, word)| {
        // Bit 8k moves to bit 56 + k; no two products meet in one bit, so nothing carries.
        let bits = (find(u64::from_le_bytes(*word), index) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        mask | (bits as u32) << (index * 8)
    })
}

impl Scan for Portable {
    #[inline(always)]
    fn string_ends(self, block: &Block) -> u32 {
        let is = |word: u64, byte: u8| bytes_below(word ^ (LOW_BITS * u64::from(byte)), 1);
        word_masks(block, |word, _| bytes_below(word, b' ') | is(word, b'"') | is(word, b'\\'))
    }

    #[inline(always)]
    fn digits(self, block: &Block) -> u32 {
        word_masks(block, |word, _| bytes_below(word, b'9' + 1) & !bytes_below(word, b'0'))
    }

    #[inline(always)]
    fn equal(self, one: &Block, other: &Block) -> u32 {
        let (others, _) = other.as_chunks::<8>();
        word_masks(one, |word, index| bytes_below(word ^ u64::from_le_bytes(others[index]), 1))
    }

    #[inline(never)]
    fn apart<J: ScanJob>(self, job: J) -> J::Output {
        job.run(self)
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Block, Scan, ScanJob};
    use crate::decode::machine::Avx2;
    use std::arch::x86_64::*;

    /// SSE2 belongs to every x86-64 machine.
    #[derive(Clone, Copy)]
    pub(super) struct Sse2;

    impl Scan for Sse2 {
        #[inline(always)]
        fn string_ends(self, block: &Block) -> u32 {
            // SAFETY: SSE2 is part of the target.
            unsafe { string_ends_sse2(block) }
        }

        #[inline(always)]
        fn digits(self, block: &Block) -> u32 {
            // SAFETY: as above.
            unsafe { digits_sse2(block) }
        }

        #[inline(always)]
        fn equal(self, one: &Block, other: &Block) -> u32 {
            // SAFETY: as above.
            unsafe { equal_sse2(one, other) }
        }

        #[inline(never)]
        fn apart<J: ScanJob>(self, job: J) -> J::Output {
            job.run(self)
        }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn string_ends_sse2(block: &Block) -> u32 {
        let ends = load_halves(block).map(|bytes| {
            let quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"' as i8));
            let backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\' as i8));
            let control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
            _mm_or_si128(control, _mm_or_si128(quotes, backslashes))
        });
        mask_of_halves(ends)
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn digits_sse2(block: &Block) -> u32 {
        mask_of_halves(load_halves(block).map(|bytes| {
            let value = _mm_sub_epi8(bytes, _mm_set1_epi8(b'0' as i8));
            _mm_cmpeq_epi8(_mm_min_epu8(value, _mm_set1_epi8(9)), value)
        }))
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn equal_sse2(one: &Block, other: &Block) -> u32 {
        let ([a, b], [c, d]) = (load_halves(one), load_halves(other));
        mask_of_halves([_mm_cmpeq_epi8(a, c), _mm_cmpeq_epi8(b, d)])
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn load_halves(block: &Block) -> [__m128i; 2] {
        // SAFETY: twice 16 bytes lie in the block, and the loads need no alignment.
        unsafe { [_mm_loadu_si128(block.as_ptr().cast()), _mm_loadu_si128(block.as_ptr().add(16).cast())] }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn mask_of_halves(found: [__m128i; 2]) -> u32 {
        found
            .map(|half| _mm_movemask_epi8(half) as u32)
            .into_iter()
            .rev()
            .fold(0, |mask, half| mask << 16 | half)
    }

    #[inline]
    pub(super) fn run<J: ScanJob>(proof: Avx2, job: J) -> J::Output {
        // SAFETY: the proof says that the machine has the instructions.
        unsafe { run_avx2(proof, job) }
    }

    #[target_feature(enable = "avx2,bmi1,bmi2")]
    fn run_avx2<J: ScanJob>(proof: Avx2, job: J) -> J::Output {
        job.run(proof)
    }

    impl Scan for Avx2 {
        #[inline(always)]
        fn string_ends(self, block: &Block) -> u32 {
            // SAFETY: `self` is the proof that the machine has AVX2.
            unsafe { string_ends_avx2(block) }
        }

        #[inline(always)]
        fn digits(self, block: &Block) -> u32 {
            // SAFETY: as above.
            unsafe { digits_avx2(block) }
        }

        #[inline(always)]
        fn equal(self, one: &Block, other: &Block) -> u32 {
            // SAFETY: as above.
            unsafe { equal_avx2(one, other) }
        }

        #[inline(never)]
        fn apart<J: ScanJob>(self, job: J) -> J::Output {
            run(self, job)
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(block: &Block) -> __m256i {
        // SAFETY: 32 bytes lie in the block, and the load needs no alignment.
        unsafe { _mm256_loadu_si256(block.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn string_ends_avx2(block: &Block) -> u32 {
        let bytes = load(block);
        let quotes = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'"' as i8));
        let backslashes = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'\\' as i8));
        let control = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1f)), bytes);
        _mm256_movemask_epi8(_mm256_or_si256(control, _mm256_or_si256(quotes, backslashes))) as u32
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn digits_avx2(block: &Block) -> u32 {
        let value = _mm256_sub_epi8(load(block), _mm256_set1_epi8(b'0' as i8));
        _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(value, _mm256_set1_epi8(9)), value)) as u32
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn equal_avx2(one: &Block, other: &Block) -> u32 {
        _mm256_movemask_epi8(_mm256_cmpeq_epi8(load(one), load(other))) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Masks<'a>(&'a Block, &'a Block);

    impl ScanJob for Masks<'_> {
        type Output = [u32; 3];

        #[inline(always)]
        fn run<S: Scan>(self, scan: S) -> [u32; 3] {
            [scan.string_ends(self.0), scan.digits(self.0), scan.equal(self.0, self.1)]
        }
    }

    /// Byte by byte, as the documentation says it.
    fn plain_masks(one: &Block, other: &Block) -> [u32; 3] {
        let mut masks = [0; 3];
        for (at, (&a, &b)) in one.iter().zip(other).enumerate() {
            masks[0] |= u32::from(a < 0x20 || a == b'"' || a == b'\\') << at;
            masks[1] |= u32::from(a.is_ascii_digit()) << at;
            masks[2] |= u32::from(a == b) << at;
        }
        masks
    }

    #[test]
    fn every_level_gives_the_masks_of_a_plain_loop() {
        for level in Level::all() {
            for first in 0..=255_u8 {
                for second in 0..=255_u8 {
                    // Both bytes at every place of a word, side by side, where careless word
                    // tricks carry over; and the same block a byte further.
                    let one: Block = std::array::from_fn(|at| if at % 3 == 0 { first } else { second });
                    let other: Block = std::array::from_fn(|at| if at % 5 == 0 { first } else { second });
                    let masks = run(level, Masks(&one, &other));
                    assert_eq!(masks, plain_masks(&one, &other), "{level:?} {first} {second}");
                }
            }
        }
    }
}
