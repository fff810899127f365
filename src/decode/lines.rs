//! What decoders of one record a line share: where whole lines end, and lines over the limit of a record.

use super::{Limits, PieceEnd, RecordSink};
use crate::event::{Damage, RecordAt, Reject, RejectCode};

/// Bytes of an unsound line that are shown.
pub(super) const EXCERPT_BYTES: usize = 160;

/// Length of the whole lines of `bytes`; with `last`, what follows the last line break is a line too.
pub(super) fn whole_lines(bytes: &[u8], last: bool) -> usize {
    if last { bytes.len() } else { memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1) }
}

/// Settles what follows the whole lines of a piece: it waits for the next piece, unless it is over the
/// limit of a record already (R13) or goes on with a line that was. Then the next piece looks for its end.
pub(super) fn leave_pending(
    pending: &[u8],
    inside_oversized: &mut bool,
    limits: Limits,
    end: &mut PieceEnd,
    sink: &mut dyn RecordSink,
) {
    if *inside_oversized {
        end.consumed += pending.len();
    } else if pending.len() > limits.max_record_bytes {
        let at = RecordAt { lines_before: end.lines, bytes_before: end.consumed as u64 };
        sink.reject(oversized(pending, at));
        end.records += 1;
        end.consumed += pending.len();
        *inside_oversized = true;
    }
}

pub(super) fn oversized(line: &[u8], at: RecordAt) -> Reject {
    let message = "a record over the size limit".to_owned();
    let (code, excerpt) = (RejectCode::R13, excerpt(line));
    Reject { code, at, slot: None, excerpt, message, field: None, damage: damage(line) }
}

/// The least sector of a disk: a file that was not written to the end, or lost a block of a disk, holds
/// so many NUL bytes and more where its text should be.
pub(super) const HOLE_BYTES: usize = 512;

/// What is told of a hole.
pub(super) const HOLE: &str = "a block of NUL bytes: the file has a hole";

/// Where a text has a hole: a block of NUL bytes, which no text holds.
pub(super) fn hole(text: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, &[0; HOLE_BYTES])
}

/// The damage of a line, if it has a hole.
pub(super) fn damage(line: &[u8]) -> Option<Damage> {
    hole(line).map(|_| Damage::Record)
}

/// The beginning of a line, as it is shown.
pub(super) fn excerpt(line: &[u8]) -> Vec<u8> {
    line[..line.len().min(EXCERPT_BYTES)].to_vec()
}
