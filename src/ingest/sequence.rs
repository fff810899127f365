//! Puts the pieces of one file, decoded in any order by several threads, back in their order.
//!
//! A piece is decoded on the guess that it starts at a record's border. The guess is right
//! exactly when the piece before it, itself rightly decoded, ended with a whole record; else the
//! record's beginning is carried over and the piece is decoded again behind it. The first piece
//! starts right, so by induction every accepted piece is exact. Where nothing can be guessed, pieces are
//! handed in undecoded, and decoded when their turn comes.

use super::batch::{Batch, Tally};
use crate::decode::PieceEnd;
use crate::event::{Damage, Reject};
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex};

/// Pieces that may wait for an earlier one before their threads wait too.
const MAX_WAITING: usize = 8;

/// One decoded piece of a file.
pub struct Piece {
    /// Its number in the file, from 0.
    pub index: u64,
    pub bytes: Vec<u8>,
    /// Where the bytes start in the decompressed stream.
    pub offset: u64,
    pub last: bool,
    /// How its decoding ended, if it was decoded on a guess.
    pub end: Option<PieceEnd>,
    pub batch: Batch,
}

/// A piece whose place in the file is settled.
pub struct Accepted {
    pub batch: Batch,
    /// Rows of the file before the batch's first.
    pub rows_before: u64,
    /// The buffer of the piece, to be used again.
    pub bytes: Vec<u8>,
}

/// A rejected row with its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedReject {
    /// Physical line on which the record starts (for Parquet: its row), from 1.
    pub line: u64,
    /// Byte of the decompressed stream at which the record starts; `None` for Parquet.
    pub byte: Option<u64>,
    /// Name of the column at fault where that is not a wanted one.
    pub column: Option<String>,
    pub reject: Reject,
}

/// What has been read of one file.
#[derive(Debug, Clone, Default)]
pub struct FileTally {
    pub tally: Tally,
    pub lines: u64,
    pub blank_lines: u64,
    pub stray_quotes: u64,
    pub empty_tails: u64,
    /// Of the record that damage cut off.
    pub unfinished_bytes: u64,
    /// In the order of the file, up to the number kept.
    pub rejects: Vec<PlacedReject>,
    /// The worst damage of a file that was used as far as it goes.
    pub damage: Option<Damage>,
}

/// The order of one file's pieces.
pub struct Sequence {
    state: Mutex<State>,
    accepted: Condvar,
    keep_rejects: usize,
    has_bytes: bool,
    /// Damage costs the records it stands in, and not the run.
    salvages: bool,
}

struct State {
    next: u64,
    /// The start of a record that goes on in the next piece.
    carry: Vec<u8>,
    waiting: BTreeMap<u64, Piece>,
    last_time_us: Option<i64>,
    file: FileTally,
    /// A thread failed: a piece that others wait for may never come.
    abandoned: bool,
}

impl Sequence {
    /// `lines_before` is the number of physical lines before the first record, `has_bytes` is
    /// false where records have no place in a byte stream (Parquet). `salvages` goes on behind damage.
    pub fn new(lines_before: u64, keep_rejects: usize, has_bytes: bool, salvages: bool) -> Sequence {
        let file = FileTally { lines: lines_before, ..FileTally::default() };
        Sequence {
            state: Mutex::new(State {
                next: 0,
                carry: Vec::new(),
                waiting: BTreeMap::new(),
                last_time_us: None,
                file,
                abandoned: false,
            }),
            accepted: Condvar::new(),
            keep_rejects,
            has_bytes,
            salvages,
        }
    }

    /// Hands in a piece and takes out those whose turn it is. `decode` decodes bytes whose place is settled
    /// into a cleared batch, piece after piece in the order of the file. Damage of the file, unless it is salvaged, comes back as an error:
    /// the first in the order of the file.
    pub fn submit(
        &self,
        piece: Piece,
        mut decode: impl FnMut(&[u8], bool, &mut Batch) -> PieceEnd,
    ) -> Result<Vec<Accepted>, Box<PlacedReject>> {
        let mut state = self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        while state.waiting.len() >= MAX_WAITING && piece.index != state.next && !state.abandoned {
            state = self.accepted.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        state.waiting.insert(piece.index, piece);
        let mut accepted = Vec::new();
        loop {
            let next = state.next;
            let Some(mut piece) = state.waiting.remove(&next) else { break };
            let end = match piece.end {
                Some(end) if state.carry.is_empty() => end,
                _ => {
                    piece.offset -= state.carry.len() as u64;
                    piece.bytes = join(std::mem::take(&mut state.carry), piece.bytes);
                    piece.batch.clear();
                    decode(&piece.bytes, piece.last, &mut piece.batch)
                }
            };
            if let Some(damage) = piece.batch.damage.take() {
                state.file.damage = state.file.damage.max(damage.damage);
                if !self.salvages {
                    return Err(Box::new(state.placed(*damage, piece.offset, self.has_bytes)));
                }
            }
            accepted.push(state.accept(piece, end, self.keep_rejects, self.has_bytes));
        }
        drop(state);
        self.accepted.notify_all();
        Ok(accepted)
    }

    /// Lets go of every thread that waits for an earlier piece.
    pub fn abandon(&self) {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).abandoned = true;
        self.accepted.notify_all();
    }

    /// Takes out the account of the file, once every piece has been handed in.
    pub fn take_tally(&self) -> FileTally {
        let mut state = self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        assert!(state.waiting.is_empty(), "pieces were left over");
        state.file.unfinished_bytes = state.carry.len() as u64;
        std::mem::take(&mut state.file)
    }
}

impl State {
    /// A reject of the next piece, which starts at `offset`, in its place in the file.
    fn placed(&self, reject: Reject, offset: u64, has_bytes: bool) -> PlacedReject {
        let line = self.file.lines + reject.at.lines_before + 1;
        let byte = has_bytes.then(|| offset + reject.at.bytes_before);
        PlacedReject { line, byte, column: None, reject }
    }

    fn accept(&mut self, mut piece: Piece, end: PieceEnd, keep_rejects: usize, has_bytes: bool) -> Accepted {
        let rows_before = self.file.tally.read;
        for reject in std::mem::take(&mut piece.batch.rejects) {
            if self.file.rejects.len() >= keep_rejects {
                break;
            }
            let placed = self.placed(reject, piece.offset, has_bytes);
            self.file.rejects.push(placed);
        }
        let file = &mut self.file;
        file.tally.merge(&piece.batch.tally);
        if let (Some(last), Some(first)) = (self.last_time_us, piece.batch.first_time_us) {
            file.tally.out_of_order += u64::from(first < last);
        }
        self.last_time_us = piece.batch.last_time_us.or(self.last_time_us);
        file.lines += end.lines;
        file.blank_lines += end.blank_lines;
        file.stray_quotes += end.stray_quotes;
        file.empty_tails += end.empty_tails;
        self.carry.extend_from_slice(&piece.bytes[end.consumed..]);
        self.next += 1;
        Accepted { batch: piece.batch, rows_before, bytes: piece.bytes }
    }
}

/// What was carried over, and the bytes that follow it.
fn join(mut carried: Vec<u8>, bytes: Vec<u8>) -> Vec<u8> {
    if carried.is_empty() {
        return bytes;
    }
    carried.extend_from_slice(&bytes);
    carried
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A toy format: a record is all up to and with a `;`, and a piece decodes its whole records.
    fn decode(bytes: &[u8], last: bool, batch: &mut Batch) -> PieceEnd {
        let consumed = if last {
            bytes.len()
        } else {
            bytes.iter().rposition(|&byte| byte == b';').map_or(0, |at| at + 1)
        };
        let records = bytes[..consumed].iter().filter(|&&byte| byte == b';').count() as u64;
        batch.tally.read = records;
        batch.texts.extend_from_slice(&bytes[..consumed]);
        let lines = bytes[..consumed].iter().filter(|&&byte| byte == b'\n').count() as u64;
        PieceEnd { records, lines, consumed, ..PieceEnd::default() }
    }

    fn piece(index: u64, text: &str, offset: u64, last: bool) -> Piece {
        let mut batch = Batch::default();
        let end = decode(text.as_bytes(), last, &mut batch);
        Piece { index, bytes: text.as_bytes().to_vec(), offset, last, end: Some(end), batch }
    }

    #[test]
    fn pieces_out_of_order_and_records_over_borders_come_out_whole() {
        let texts = ["a;b\n", "c\nd\n", "e;f;\n", "g;"];
        let mut offset = 0;
        let mut pieces = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            pieces.push(piece(index as u64, text, offset, index == 3));
            offset += text.len() as u64;
        }
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
            for is_guessed in [true, false] {
                let sequence = Sequence::new(1, 0, true, false);
                let mut out = Vec::new();
                for index in order {
                    let text = texts[index];
                    let offset = texts[..index].iter().map(|text| text.len() as u64).sum();
                    let handed_in = piece(index as u64, text, offset, index == 3);
                    let end = handed_in.end.filter(|_| is_guessed);
                    for accepted in sequence.submit(Piece { end, ..handed_in }, decode).expect("no damage") {
                        out.extend_from_slice(&accepted.batch.texts);
                    }
                }
                assert_eq!(out, b"a;b\nc\nd\ne;f;\ng;");
                let file = sequence.take_tally();
                assert_eq!(file.tally.read, 4);
                assert_eq!(file.lines, 1 + 4);
            }
        }
    }
}
