//! The fast walk of CSV against the byte-by-byte walk, against the `csv` crate, and in pieces.

use super::choices::Choices;
use super::pieces::{Told, decode_in_pieces};
use crate::decode::csv::CsvDecoder;
use crate::decode::dialect::Dialect;
use crate::decode::{Limits, PieceEnd};
use crate::event::RejectCode;

/// Stands in no input here: with it as the escape, nothing is left to the fast walk.
const ABSENT: u8 = 1;

/// Bytes of choices, then an input.
pub fn run(data: &[u8]) {
    let mut choices = Choices { rest: data };
    let columns = 1 + usize::from(choices.below(4));
    let wanted_bits = choices.below(16);
    let wanted: Vec<usize> = (0..columns).filter(|column| wanted_bits >> column & 1 == 1).collect();
    let delimiter = [b',', b'\t', b';'][usize::from(choices.below(3))];
    let quote = [Some(b'"'), Some(b'"'), Some(b'\''), None][usize::from(choices.below(4))];
    let border = [b'\n', b'\n', b'\r'][usize::from(choices.below(3))];
    let small = Limits { max_record_bytes: 40, max_field_bytes: 20, max_field_lines: 2, ..Limits::default() };
    let limits = if choices.below(3) == 0 { small } else { Limits::default() };
    let cuts = choices.below(255);
    let bytes = choices.rest;
    // A line feed at the very start is the second half of a border to a decoder of that border.
    if bytes.contains(&ABSENT) || border == b'\r' && bytes.first() == Some(&b'\n') {
        return;
    }
    let header = bytes.split(|byte| *byte == b'\n').next().filter(|line| line.len() == 3).map(<[u8]>::to_vec);
    let fast = Dialect { delimiter, quote, border, ..Dialect::default() };
    let exact = Dialect { escape: Some(ABSENT), ..fast };
    let decoder = |dialect: &Dialect, wanted: &[usize]| {
        CsvDecoder::new(*dialect, columns, wanted, header.clone(), limits)
    };
    let decode = |dialect: &Dialect, wanted: &[usize], cut: &dyn Fn(usize) -> bool| {
        let mut decoder = decoder(dialect, wanted);
        decode_in_pieces(bytes, border, cut, |piece, last, sink| decoder.decode(piece, last, sink))
    };

    let whole = decode(&fast, &wanted, &|_| false);
    assert_eq!(whole.1.consumed, bytes.len());
    assert_eq!(whole.1.records, whole.0.len() as u64);
    assert_eq!(whole, decode(&exact, &wanted, &|_| false), "the walks differ");
    let some = |end: usize| (end as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56 < u64::from(cuts);
    assert_eq!(whole, decode(&fast, &wanted, &some), "pieces differ from the whole");

    if !bytes.contains(&0) {
        let every: Vec<usize> = (0..columns).collect();
        let sound = |(told, _): &(Vec<Told>, PieceEnd)| -> Vec<Option<RejectCode>> {
            let code = |one: &Told| match one {
                Told::Record { .. } => None,
                Told::Reject { code, .. } => Some(*code),
            };
            told.iter().map(code).collect()
        };
        assert_eq!(sound(&whole), sound(&decode(&fast, &every, &|_| false)), "what is wanted decides");
    }
    // The crate passes over a byte order mark; here that is done before anything is decoded.
    let is_marked = bytes.starts_with(b"\xef\xbb\xbf");
    if limits == Limits::default()
        && header.is_none()
        && quote == Some(b'"')
        && delimiter == b','
        && !is_marked
    {
        against_the_csv_crate(bytes, columns, &wanted, &whole.0);
    }
}

/// Sound records, and the codes of others, as the `csv` crate's records are judged by the catalogue.
fn against_the_csv_crate(bytes: &[u8], columns: usize, wanted: &[usize], told: &[Told]) {
    // Swallowed by a quote that is open at the end, where the two differ: up to there only.
    let guarded = [bytes, b"\nZ,Z\n"].concat();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&guarded[..]);
    let records: Vec<csv::ByteRecord> =
        reader.byte_records().map(|record| record.expect("memory can be read")).collect();
    let open = !records.last().is_some_and(|record| record.iter().eq([b"Z", b"Z"]));
    let starts: Vec<usize> = records
        .iter()
        .map(|record| record.position().expect("records that were read have one").byte() as usize)
        .chain([guarded.len()])
        .collect();
    let mut left = told.iter();
    for (index, record) in records[..records.len() - 1].iter().enumerate() {
        let raw = &guarded[starts[index]..starts[index + 1]];
        // A field of more lines than a field may have is a quote left open to us, and what follows is others' lines.
        if raw.iter().filter(|byte| **byte == b'\n' || **byte == b'\r').count()
            > Limits::default().max_field_lines
        {
            return;
        }
        // A line of blanks is a record to the crate, if it is not empty.
        let line = raw.strip_suffix(b"\n").unwrap_or(raw);
        let line =
            line.split(|byte| *byte == b'\r' || *byte == b'\n').find(|line| !line.is_empty()).unwrap_or(b"");
        if record.len() == 1 && line.iter().all(|byte| *byte == b' ' || *byte == b'\t') {
            continue;
        }
        let fields: Vec<&[u8]> =
            wanted.iter().map(|&column| record.get(column).unwrap_or_default()).collect();
        let expected = if std::str::from_utf8(raw).is_err() {
            Err(RejectCode::R03)
        } else if record.len() < columns {
            Err(RejectCode::R01)
        } else if record.iter().skip(columns).any(|field| !field.is_empty()) {
            Err(RejectCode::R02)
        } else if fields.iter().any(|field| field.contains(&0)) {
            Err(RejectCode::R14)
        } else {
            Ok(fields)
        };
        match (left.next(), expected) {
            (Some(Told::Record { fields: found, .. }), Ok(fields)) => {
                assert!(found.iter().map(|field| field.as_deref()).eq(fields.iter().copied().map(Some)));
            }
            // A field over several lines with text behind the quote that closes it: to us that quote opens
            // another field, and what follows is others' lines.
            (Some(Told::Reject { code: RejectCode::R15, .. }), _) if raw.contains(&b'"') => return,
            (Some(Told::Reject { code, .. }), Err(expected)) => assert_eq!(*code, expected),
            (found, expected) => panic!("record {index}: {found:?}, but the csv crate: {expected:?}"),
        }
    }
    if open {
        assert!(matches!(left.next(), Some(Told::Reject { code: RejectCode::R15, .. })));
    } else {
        assert_eq!(left.next(), None);
    }
}
