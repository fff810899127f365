//! Every level against a plain loop over the bytes.

use super::*;
use proptest::prelude::*;

const SIGNS: Signs = Signs { delimiter: b',', quote: Some(b'"') };
const GROUP_BYTES: usize = GROUP_BLOCKS * BLOCK_BYTES;

/// What marks are to tell, place by place.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    /// Delimiters and line breaks outside quotes.
    places: Vec<usize>,
    breaks: Vec<usize>,
    unusual: Vec<usize>,
    misplaced_at: Option<usize>,
}

/// Byte by byte, as the documentation says it, up to the first misplaced quote.
fn plainly(signs: Signs, bytes: &[u8]) -> Told {
    let mut told = Told::default();
    let (mut inside, mut behind_sign, mut behind_closing) = (false, true, false);
    for (at, &byte) in bytes.iter().enumerate() {
        let is_quote = Some(byte) == signs.quote;
        let is_break = byte == b'\n' || byte == b'\r';
        let is_sign = is_quote || is_break || byte == signs.delimiter;
        let opens = is_quote && !inside;
        if (opens && !behind_sign) || (behind_closing && !is_sign) {
            told.misplaced_at = Some(at);
            return told;
        }
        inside ^= is_quote;
        if !inside && (is_break || byte == signs.delimiter) {
            told.places.push(at);
        }
        if !inside && is_break {
            told.breaks.push(at);
        }
        if (is_break && inside) || (opens && behind_closing) {
            told.unusual.push(at);
        }
        behind_sign = is_sign;
        behind_closing = is_quote && !opens;
    }
    told
}

/// What the marks tell, up to the first misplaced quote.
fn told_by(marks: &Marks) -> Told {
    let end = marks.misplaced_at().unwrap_or(usize::MAX);
    let before_end = |at: &usize| *at < end;
    let (first, places) = marks.places().split_first().expect("there is the place before all");
    assert_eq!(first.wrapping_add(1), 0);
    let mut list = vec![7];
    marks.list_breaks(&mut list);
    if end == usize::MAX {
        assert_eq!(list.len(), marks.breaks());
    }
    let blocks = marks.unusual_blocks().iter().map(|&block| usize::from(block));
    let of_block = |block: usize| {
        let bits = marks.unusual()[block];
        assert_ne!(bits, 0);
        (0..BLOCK_BYTES).filter(move |at| bits >> at & 1 == 1).map(move |at| block * BLOCK_BYTES + at)
    };
    Told {
        places: places.iter().map(|&at| usize::from(at)).filter(before_end).collect(),
        breaks: list.iter().map(|&index| usize::from(marks.places()[usize::from(index)])).collect(),
        unusual: blocks.flat_map(of_block).filter(before_end).collect(),
        misplaced_at: marks.misplaced_at(),
    }
}

/// Also where there was another content before, whatever its length.
fn assert_all_levels_are_plain(signs: Signs, bytes: &[u8]) {
    for level in Level::all() {
        for length_before in [0, 3 * GROUP_BYTES + 1] {
            let mut marks = Marks::default();
            marks.take(level, signs, &vec![b','; length_before]);
            marks.take(level, signs, bytes);
            assert_eq!(told_by(&marks), plainly(signs, bytes), "{level:?} {} bytes", bytes.len());
        }
    }
}

#[test]
fn every_level_tells_what_a_plain_loop_tells() {
    // All byte values, shifted, and lengths around those of blocks and groups. A misplaced quote
    // would end the comparison, so there is one set of bytes without any.
    let all: Vec<u8> = (0..3 * GROUP_BYTES as u32).map(|i| (i.wrapping_mul(167) >> 2) as u8).collect();
    let without: Vec<u8> = all.iter().map(|&byte| if byte == b'"' { b'\n' } else { byte }).collect();
    for bytes in [all, without] {
        for quote in [None, Some(b'"'), Some(0x80), Some(0)] {
            for delimiter in [b',', b'\t', b'a'] {
                let signs = Signs { delimiter, quote };
                for around in [0, 64, 128, 1024, GROUP_BYTES, 2 * GROUP_BYTES, bytes.len()] {
                    for length in around.saturating_sub(1)..=bytes.len().min(around + 1) {
                        assert_all_levels_are_plain(signs, &bytes[..length]);
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn quotes_across_blocks_and_groups_are_told_as_a_plain_loop_tells_them(
        parts in prop::collection::vec(("[a-z]{0,90}", "[a,\"\n\r]{1,4}"), 0..120),
    ) {
        let text: String = parts.iter().flat_map(|(long, signs)| [long.as_str(), signs]).collect();
        assert_all_levels_are_plain(SIGNS, text.as_bytes());
    }

    #[test]
    fn so_are_fields_whose_quotes_stand_where_they_should(
        fields in prop::collection::vec(("[a-z]{0,90}|\"([a-z,\n]|\"\"){0,90}\"", "[,\n\r]"), 0..120),
    ) {
        let text: String = fields.iter().flat_map(|(field, end)| [field.as_str(), end]).collect();
        assert_eq!(plainly(SIGNS, text.as_bytes()).misplaced_at, None);
        assert_all_levels_are_plain(SIGNS, text.as_bytes());
    }

    #[test]
    fn odd_bytes_are_found_wherever_they_lie(
        parts in prop::collection::vec(("[a-z]{0,700}", prop::sample::select(ODD)), 0..6),
    ) {
        let mut bytes: Vec<u8> = parts.iter().flat_map(|(long, odd)| [long.as_bytes(), odd]).flatten().copied().collect();
        bytes.push(b'\n');
        let is_odd = bytes.contains(&0) || std::str::from_utf8(&bytes).is_err();
        for level in Level::all() {
            // What follows the records is not asked for.
            let window = [&bytes[..], b"\xE4\xB8"].concat();
            let mut marks = Marks::default();
            marks.take(level, SIGNS, &window);
            prop_assert_eq!(marks.has_odd_bytes(&bytes), is_odd, "{:?}", level);
        }
    }
}

/// UTF-8 of all lengths, the same cut short, and NUL.
const ODD: &[&[u8]] =
    &[b"", b"", "é".as_bytes(), "小".as_bytes(), "🛒".as_bytes(), b"\xC3", b"\xA9", b"\xF0\x9F\x9B", b"\0"];

#[test]
fn odd_bytes_become_unusual_on_demand() {
    let mut bytes = vec![b'a'; 200];
    bytes[3] = 0;
    bytes[64] = 0xFF;
    bytes[130..132].copy_from_slice(b"\"\n");
    bytes[130] = b',';
    bytes[199] = 0x80;
    let mut marks = Marks::default();
    marks.take(Level::detect(), SIGNS, &bytes);
    assert!(marks.unusual_blocks().is_empty());
    marks.add_odd_bytes(&bytes[..199]);
    assert_eq!((marks.unusual_blocks(), marks.unusual()[0], marks.unusual()[1]), (&[0, 1][..], 1 << 3, 1));
}

#[test]
fn neighbours_of_a_sign_are_not_taken_for_it() {
    // 0x0A + 1 beside 0x0A is where careless word tricks carry over.
    let mut bytes = [0x0B; 64];
    bytes[8] = b'\n';
    bytes[15] = b'\n';
    bytes[63] = b'\r';
    for level in Level::all() {
        let mut marks = Marks::default();
        marks.take(level, SIGNS, &bytes);
        assert_eq!(told_by(&marks).breaks, [8, 15, 63], "{level:?}");
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
    let expected =
        Told { places: vec![61, 71, 72], breaks: vec![72], unusual: vec![63, 65], misplaced_at: None };
    for level in Level::all() {
        let mut marks = Marks::default();
        marks.take(level, SIGNS, &bytes);
        assert_eq!(told_by(&marks), expected, "{level:?}");
    }
}

#[test]
fn misplaced_quotes_are_noticed() {
    for (text, at) in [
        ("a\"b", Some(1)),
        ("\"a\"b", Some(3)),
        ("\"\"b", Some(2)),
        ("\"a\"\"b\"", None),
        ("a,\"b\"", None),
        ("a\n\"b\"\r", None),
        ("\"a\",b\"", Some(5)),
    ] {
        for level in Level::all() {
            let mut marks = Marks::default();
            marks.take(level, SIGNS, text.as_bytes());
            assert_eq!(marks.misplaced_at(), at, "{text} {level:?}");
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
