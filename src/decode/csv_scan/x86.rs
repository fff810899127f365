//! The vector instructions of `csv_scan`, each behind the proof that the machine has them.
//!
//! `unsafe` is here for two reasons only: a function compiled for more instructions is called with
//! the proof at hand, and vectors are loaded from and stored to arrays of just their size.

use super::super::machine::{Avx2, Avx512};
use super::{
    Block, Marks, Masks, Meaning, SignMasks, Signs, find_odd_strips, find_signs, list_places, put_places,
    tell_meaning,
};
use std::arch::x86_64::*;

/// Masks that fill a vector of AVX-512.
const LANES: usize = 8;

pub(super) fn mark_sse2(signs: Signs, bytes: &[u8], marks: &mut Marks) {
    find_signs(signs, bytes, &mut marks.masks, |block| {
        let mut found = SignMasks::default();
        let (parts, _) = block.as_chunks::<16>();
        for (index, part) in parts.iter().enumerate() {
            // SAFETY: SSE2 is part of the target; the load takes the 16 bytes of the part and needs
            // no alignment.
            unsafe {
                let bytes = _mm_loadu_si128(part.as_ptr().cast());
                let mask = |hits: __m128i| u64::from(_mm_movemask_epi8(hits) as u16) << (index * 16);
                let equal = |byte: u8| _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte as i8));
                found.delimiters |= mask(equal(signs.delimiter));
                found.breaks |= mask(_mm_or_si128(equal(b'\n'), equal(b'\r')));
                found.quotes |= mask(equal(signs.quote_byte()));
            }
        }
        found.quotes &= signs.any_quotes();
        found
    });
    tell_meaning(&mut marks.masks, &mut marks.meaning);
    list_places(marks, put_places);
    find_odd_strips(bytes, &mut marks.odd_strips);
}

pub(super) fn mark_avx2(_: Avx2, signs: Signs, bytes: &[u8], marks: &mut Marks) {
    // SAFETY: the proof says that the machine has these instructions.
    unsafe { with_avx2(signs, bytes, marks) }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn with_avx2(signs: Signs, bytes: &[u8], marks: &mut Marks) {
    let delimiter = _mm256_set1_epi8(signs.delimiter as i8);
    let quote = _mm256_set1_epi8(signs.quote_byte() as i8);
    let any_quotes = signs.any_quotes();
    let line_feed = _mm256_set1_epi8(b'\n' as i8);
    let carriage_return = _mm256_set1_epi8(b'\r' as i8);
    let pair = |low: __m256i, high: __m256i| {
        u64::from(_mm256_movemask_epi8(low) as u32) | (u64::from(_mm256_movemask_epi8(high) as u32) << 32)
    };
    let breaks = |bytes| {
        _mm256_or_si256(_mm256_cmpeq_epi8(bytes, line_feed), _mm256_cmpeq_epi8(bytes, carriage_return))
    };
    find_signs(signs, bytes, &mut marks.masks, |block| {
        let (halves, _) = block.as_chunks::<32>();
        // SAFETY: each load takes the 32 bytes of a half and needs no alignment.
        let [low, high] = [0, 1].map(|half| unsafe { _mm256_loadu_si256(halves[half].as_ptr().cast()) });
        SignMasks {
            delimiters: pair(_mm256_cmpeq_epi8(low, delimiter), _mm256_cmpeq_epi8(high, delimiter)),
            breaks: pair(breaks(low), breaks(high)),
            quotes: pair(_mm256_cmpeq_epi8(low, quote), _mm256_cmpeq_epi8(high, quote)) & any_quotes,
        }
    });
    tell_meaning(&mut marks.masks, &mut marks.meaning);
    list_places(marks, put_places);
    find_odd_strips(bytes, &mut marks.odd_strips);
}

pub(super) fn mark_avx512(_: Avx512, signs: Signs, bytes: &[u8], marks: &mut Marks) {
    // SAFETY: the proof says that the machine has these instructions.
    unsafe { with_avx512(signs, bytes, marks) }
}

#[target_feature(
    enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,avx512vpopcntdq,vpclmulqdq,avx2,bmi1,bmi2,lzcnt,popcnt"
)]
fn with_avx512(signs: Signs, bytes: &[u8], marks: &mut Marks) {
    let delimiter = _mm512_set1_epi8(signs.delimiter as i8);
    let quote = _mm512_set1_epi8(signs.quote_byte() as i8);
    let any_quotes = signs.any_quotes();
    let line_feed = _mm512_set1_epi8(b'\n' as i8);
    let carriage_return = _mm512_set1_epi8(b'\r' as i8);
    find_signs(signs, bytes, &mut marks.masks, |block| {
        let bytes = load_bytes(block);
        SignMasks {
            delimiters: _mm512_cmpeq_epi8_mask(bytes, delimiter),
            breaks: _mm512_cmpeq_epi8_mask(bytes, line_feed) | _mm512_cmpeq_epi8_mask(bytes, carriage_return),
            quotes: _mm512_mask_cmpeq_epi8_mask(any_quotes, bytes, quote),
        }
    });
    tell_meaning_in_lanes(&mut marks.masks, &mut marks.meaning);
    let numbers = load_bytes(&std::array::from_fn(|at| at as u8));
    list_places(marks, |bits, first, room| {
        let places = _mm512_maskz_compress_epi8(bits, numbers);
        let (rooms, _) = room.as_chunks_mut::<16>();
        put_sixteen(_mm512_castsi512_si128(places), first, &mut rooms[0]);
        if bits.count_ones() > 16 {
            put_sixteen(_mm512_extracti32x4_epi32::<1>(places), first, &mut rooms[1]);
            put_sixteen(_mm512_extracti32x4_epi32::<2>(places), first, &mut rooms[2]);
            put_sixteen(_mm512_extracti32x4_epi32::<3>(places), first, &mut rooms[3]);
        }
    });
    find_odd_strips(bytes, &mut marks.odd_strips);
}

/// As [`tell_meaning`], a block in each lane.
#[inline]
#[target_feature(enable = "avx512f,avx512vbmi2,avx512vpopcntdq,vpclmulqdq")]
fn tell_meaning_in_lanes(masks: &mut Masks, meaning: &mut Meaning) {
    let (none, all) = (_mm512_setzero_si512(), _mm512_set1_epi64(-1));
    // As there: a quote is open (all bits or none), the last closing quotes, the last signs.
    let (mut open, mut last_closing, mut last_sign) = (0_u8, none, all);
    let mut break_counts = none;
    let Masks { outer, breaks, unusual } = masks;
    let (outer, _) = outer.as_chunks_mut::<LANES>();
    let (breaks, _) = breaks.as_chunks_mut::<LANES>();
    let (unusual, _) = unusual.as_chunks_mut::<LANES>();
    for (group, ((outer, breaks), unusual)) in outer.iter_mut().zip(breaks).zip(unusual).enumerate() {
        let (any_delimiter, any_break, quotes) = (load(outer), load(breaks), load(unusual));
        // The product with all ones, without carries, is the parity of all bits up to each.
        let even_lanes = _mm512_clmulepi64_epi128::<0x00>(quotes, all);
        let odd_lanes = _mm512_clmulepi64_epi128::<0x01>(quotes, all);
        let parity = _mm512_unpacklo_epi64(even_lanes, odd_lanes);
        // The same over lanes, by the highest bit of each: bit `i` is the parity of all up to lane `i`.
        let mut lanes = _mm512_cmplt_epi64_mask(parity, none);
        lanes ^= lanes << 1;
        lanes ^= lanes << 2;
        lanes ^= lanes << 4;
        let inside = _mm512_mask_xor_epi64(parity, lanes << 1 ^ open, parity, all);
        open ^= if lanes >> 7 == 1 { u8::MAX } else { 0 };

        let opening = _mm512_and_si512(quotes, inside);
        let closing = _mm512_andnot_si512(inside, quotes);
        let any_end = _mm512_or_si512(any_delimiter, any_break);
        let sign = _mm512_or_si512(any_end, quotes);
        let before = _mm512_alignr_epi64::<7>(closing, last_closing);
        let behind_closing = _mm512_shldi_epi64::<1>(closing, before);
        let before = _mm512_alignr_epi64::<7>(sign, last_sign);
        let behind_sign = _mm512_shldi_epi64::<1>(sign, before);
        (last_closing, last_sign) = (closing, sign);
        let misplaced = _mm512_or_si512(
            _mm512_andnot_si512(behind_sign, opening),
            _mm512_andnot_si512(sign, behind_closing),
        );
        let outer_breaks = _mm512_andnot_si512(inside, any_break);
        let quoted_breaks = _mm512_and_si512(inside, any_break);
        let rare = _mm512_or_si512(quoted_breaks, _mm512_and_si512(opening, behind_closing));
        break_counts = _mm512_add_epi64(break_counts, _mm512_popcnt_epi64(outer_breaks));
        store(_mm512_andnot_si512(inside, any_end), outer);
        store(outer_breaks, breaks);
        store(rare, unusual);
        let any_rare = _mm512_or_si512(rare, misplaced);
        if _mm512_test_epi64_mask(any_rare, any_rare) != 0 {
            let mut at = [0; LANES];
            store(misplaced, &mut at);
            meaning.note(group * LANES, unusual, &at);
        }
    }
    meaning.breaks = _mm512_reduce_add_epi64(break_counts) as usize;
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load_bytes(block: &Block) -> __m512i {
    // SAFETY: the load takes the 64 bytes of the block and needs no alignment.
    unsafe { _mm512_loadu_epi8(block.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(masks: &[u64; LANES]) -> __m512i {
    // SAFETY: the load takes the 64 bytes of the masks and needs no alignment.
    unsafe { _mm512_loadu_epi64(masks.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(lanes: __m512i, masks: &mut [u64; LANES]) {
    // SAFETY: the store takes the 64 bytes of the masks and needs no alignment.
    unsafe { _mm512_storeu_epi64(masks.as_mut_ptr().cast(), lanes) }
}

/// Writes sixteen places of a block whose first byte counts as `first`.
#[inline]
#[target_feature(enable = "avx2")]
fn put_sixteen(places: __m128i, first: u16, room: &mut [u16; 16]) {
    let places = _mm256_add_epi16(_mm256_cvtepu8_epi16(places), _mm256_set1_epi16(first as i16));
    // SAFETY: the store takes the 32 bytes of sixteen numbers and needs no alignment.
    unsafe { _mm256_storeu_si256(room.as_mut_ptr().cast(), places) };
}
