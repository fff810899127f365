//! The events of one shard as they arrived: 12 bytes each while persons and kinds are few.
//!
//! A block keeps the first form, narrow or wide, that its first event fits; where one does not fit
//! a narrow block, a wide block begins. So nothing is ever moved, and no number is too large.

use super::prefetch::prefetch;

/// Events that a block grows to.
const BLOCK_ROWS: usize = 1024;
/// Bits of a person's number in a narrow event; the other bits of its word hold the kind.
const NARROW_PERSON_BITS: u32 = 20;
const NARROW_KINDS: u32 = 1 << (32 - NARROW_PERSON_BITS);
const NARROW_PERSONS: u32 = 1 << NARROW_PERSON_BITS;

/// One event, whichever way it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    pub time_us: i64,
    pub person: u32,
    pub kind: u32,
}

/// A list of events and of what else their rows hold. It grows by blocks, so that growing never copies and
/// never doubles memory.
#[derive(Default, Clone)]
pub struct Events {
    /// The block that grows: here, not in the list, so that its end is found with one read less.
    last: Block,
    /// The blocks before it.
    full: Vec<Block>,
    len: usize,
    /// Bytes that all blocks together could hold.
    bytes: usize,
}

/// Rows end to end, each the two halves of its time, person and kind, and its words, of which every row has
/// as many.
#[derive(Clone)]
struct Block {
    rows: Vec<u32>,
    /// Person and kind lie in one number, else in two.
    is_narrow: bool,
    /// Numbers of a row.
    width: usize,
}

impl Default for Block {
    fn default() -> Self {
        Block { rows: Vec::new(), is_narrow: true, width: 0 }
    }
}

fn halves(time_us: i64) -> [u32; 2] {
    [time_us as u32, (time_us as u64 >> 32) as u32]
}

fn whole(low: u32, high: u32) -> i64 {
    (u64::from(low) | u64::from(high) << 32) as i64
}

impl Events {
    pub fn len(&self) -> usize {
        self.len
    }

    /// Bytes that the events take in memory.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds an event and its words, as many as every other has.
    #[inline(always)]
    pub fn push(&mut self, event: Event, words: &[u32]) {
        let is_narrow = event.person < NARROW_PERSONS && event.kind < NARROW_KINDS;
        let has_room = self.last.rows.capacity() - self.last.rows.len() >= self.last.width;
        if self.last.width == 0 || !has_room || (self.last.is_narrow && !is_narrow) {
            self.push_block(is_narrow, words.len());
        }
        self.len += 1;
        let [low, high] = halves(event.time_us);
        let rows = &mut self.last.rows;
        if self.last.is_narrow {
            rows.extend_from_slice(&[low, high, event.person | event.kind << NARROW_PERSON_BITS]);
        } else {
            rows.extend_from_slice(&[low, high, event.person, event.kind]);
        }
        for &word in words {
            rows.push(word);
        }
    }

    /// Asks for the end of the list, where the next events go.
    #[inline]
    pub fn ask_end(&self) {
        prefetch(&self.last.rows, self.last.rows.len().wrapping_sub(1));
    }

    #[cold]
    fn push_block(&mut self, is_narrow: bool, words: usize) {
        let width = if is_narrow { 3 } else { 4 } + words;
        let capacity = width * (self.len + 1).clamp(16, BLOCK_ROWS);
        self.bytes += capacity * size_of::<u32>();
        let next = Block { rows: Vec::with_capacity(capacity), is_narrow, width };
        let before = std::mem::replace(&mut self.last, next);
        if before.width > 0 {
            self.full.push(before);
        }
    }

    /// All events and their words, in the order of arrival.
    pub fn for_each<'e>(&'e self, mut take: impl FnMut(Event, &'e [u32])) {
        for block in self.full.iter().chain([&self.last]) {
            if let (true, 3, (rows, [])) = (block.is_narrow, block.width, block.rows.as_chunks::<3>()) {
                for &[low, high, both] in rows {
                    let (person, kind) = (both % NARROW_PERSONS, both >> NARROW_PERSON_BITS);
                    take(Event { time_us: whole(low, high), person, kind }, &[]);
                }
                continue;
            }
            // An empty block has rows of no width.
            for row in block.rows.chunks_exact(block.width.max(1)) {
                let time_us = whole(row[0], row[1]);
                if block.is_narrow {
                    let (person, kind) = (row[2] % NARROW_PERSONS, row[2] >> NARROW_PERSON_BITS);
                    take(Event { time_us, person, kind }, &row[3..]);
                } else {
                    take(Event { time_us, person: row[2], kind: row[3] }, &row[4..]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_and_wide_events_come_out_as_they_went_in() {
        let edges = [
            (0, 0),
            (NARROW_PERSONS - 1, NARROW_KINDS - 1),
            (NARROW_PERSONS, 0),
            (0, NARROW_KINDS),
            (u32::MAX, u32::MAX),
        ];
        let times_us = [0, 1, -1, i64::MIN, i64::MAX, 1_759_276_873_953_000];
        for words in 0..3 {
            narrow_and_wide(&edges, &times_us, words);
        }
    }

    fn narrow_and_wide(edges: &[(u32, u32)], times_us: &[i64], words: usize) {
        let mut events = Events::default();
        let mut expected = Vec::new();
        for round in 0..500 {
            let (person, kind) = edges[round % edges.len()];
            let event = Event { time_us: times_us[round % times_us.len()], person, kind };
            let words: Vec<u32> = (0..words).map(|word| (round * 7 + word) as u32).collect();
            events.push(event, &words);
            expected.push((event, words));
        }
        let mut found = Vec::new();
        events.for_each(|event, words| found.push((event, words.to_vec())));
        assert_eq!(found, expected);
        assert_eq!(events.len(), 500);
        assert!(events.bytes() >= 500 * 4 * (3 + words));
    }
}
