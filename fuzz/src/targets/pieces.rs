//! All that a decoder tells of an input, read in one go or in pieces.

use crate::decode::{PieceEnd, RecordSink};
use crate::event::{Field, RecordAt, Reject, RejectCode};

/// A record or a reject, with its place in the whole input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    Record {
        lines: u64,
        bytes: u64,
        fields: Vec<Option<Vec<u8>>>,
    },
    Reject {
        lines: u64,
        bytes: u64,
        code: RejectCode,
        slot: Option<usize>,
        excerpt: Vec<u8>,
        message: String,
    },
}

/// Keeps all that a decoder tells.
#[derive(Debug, Default)]
pub struct Recorder {
    pub told: Vec<Told>,
    /// What was consumed before the piece at hand.
    lines: u64,
    bytes: u64,
}

impl RecordSink for Recorder {
    fn record(&mut self, at: RecordAt, fields: &[Field<'_>]) {
        let text = |field: &Field<'_>| match field {
            Field::Text(text) => Some(text.to_vec()),
            Field::Missing => None,
            other => panic!("a text format has no {other:?}"),
        };
        self.told.push(Told::Record {
            lines: self.lines + at.lines_before,
            bytes: self.bytes + at.bytes_before,
            fields: fields.iter().map(text).collect(),
        });
    }

    fn reject(&mut self, reject: Reject) {
        let Reject { code, at, slot, excerpt, message, .. } = reject;
        let (lines, bytes) = (self.lines + at.lines_before, self.bytes + at.bytes_before);
        self.told.push(Told::Reject { lines, bytes, code, slot, excerpt, message });
    }
}

/// Decodes `input` in pieces that end behind `border`, or anywhere, where `cut` wants an end; what a piece leaves
/// over is carried into the next, as the program does.
pub fn decode_in_pieces(
    input: &[u8],
    border: impl Into<Option<u8>>,
    mut cut: impl FnMut(usize) -> bool,
    mut decode: impl FnMut(&[u8], bool, &mut Recorder) -> PieceEnd,
) -> (Vec<Told>, PieceEnd) {
    let mut recorder = Recorder::default();
    let mut total = PieceEnd::default();
    let mut start = 0;
    let border = border.into();
    let is_border = |byte: u8| border.is_none_or(|border| byte == border);
    let borders = input.iter().enumerate().filter(|(_, byte)| is_border(**byte)).map(|(at, _)| at + 1);
    let ends: Vec<usize> = borders.filter(|&end| end < input.len() && cut(end)).collect();
    for (index, end) in ends.iter().copied().chain([input.len()]).enumerate() {
        let piece = decode(&input[start..end.max(start)], index == ends.len(), &mut recorder);
        total.records += piece.records;
        total.blank_lines += piece.blank_lines;
        total.lines += piece.lines;
        total.consumed += piece.consumed;
        total.stray_quotes += piece.stray_quotes;
        start += piece.consumed;
        (recorder.lines, recorder.bytes) = (total.lines, total.consumed as u64);
    }
    (recorder.told, total)
}
