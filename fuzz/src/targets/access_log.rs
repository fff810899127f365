//! Lines of access logs, in formats of all kinds: in pieces as in one go, and what is wanted decides nothing.

use super::choices::Choices;
use super::pieces::{Told, decode_in_pieces};
use crate::decode::access_log::{AccessLogDecoder, LogFormat, sample};
use crate::decode::{Limits, PieceEnd};
use crate::event::RejectCode;

const FORMATS: [&str; 6] =
    ["common", "combined", "main", "vhost_combined", "%t %U%q", "$msec|$x \"$request_uri\";"];

/// Bytes of choices, then an input.
pub fn run(data: &[u8]) {
    let mut choices = Choices { rest: data };
    let format = LogFormat::parse(FORMATS[usize::from(choices.below(6))]).expect("a format");
    let columns = format.columns().count();
    let wanted_bits = u32::from(choices.below(255)) << 4 | u32::from(choices.below(16));
    let some: Vec<usize> = (0..columns).filter(|column| wanted_bits >> column & 1 == 1).collect();
    let every: Vec<usize> = (0..columns).collect();
    let small = Limits { max_record_bytes: 80, max_field_bytes: 30, max_field_lines: 1, ..Limits::default() };
    let limits = if choices.below(3) == 0 { small } else { Limits::default() };
    let cuts = choices.below(255);
    let bytes = choices.rest;
    let decode = |wanted: &[usize], cut: &dyn Fn(usize) -> bool| {
        let mut decoder = AccessLogDecoder::new(&format, wanted, limits);
        decode_in_pieces(bytes, b'\n', cut, |piece, last, sink| decoder.decode(piece, last, sink))
    };
    let whole = decode(&every, &|_| false);
    assert_eq!(whole.1.consumed, bytes.len());
    assert_eq!(whole.1.records, whole.0.len() as u64);
    let pieces = |end: usize| (end as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56 < u64::from(cuts);
    assert_eq!(whole, decode(&every, &pieces), "pieces differ from the whole");

    let sound = |(told, _): &(Vec<Told>, PieceEnd)| -> Vec<Option<RejectCode>> {
        let code = |one: &Told| match one {
            Told::Record { .. } => None,
            Told::Reject { code, .. } => Some(*code),
        };
        told.iter().map(code).collect()
    };
    assert_eq!(sound(&whole), sound(&decode(&some, &|_| false)), "what is wanted decides");

    // Other ways in, which must not fall over.
    sample(&format, bytes, true, 10);
    LogFormat::detect(bytes, true);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = LogFormat::parse(text);
    }
}
