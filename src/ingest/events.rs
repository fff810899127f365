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

/// A list of events that grows by blocks, so that growing never copies and never doubles memory.
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

#[derive(Clone)]
enum Block {
    /// The two halves of the time, then person and kind in one word.
    Narrow(Vec<[u32; 3]>),
    Wide(Vec<[u32; 4]>),
}

impl Default for Block {
    fn default() -> Self {
        Block::Narrow(Vec::new())
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

    #[inline]
    pub fn push(&mut self, event: Event) {
        let [low, high] = halves(event.time_us);
        let is_narrow = event.person < NARROW_PERSONS && event.kind < NARROW_KINDS;
        self.len += 1;
        match &mut self.last {
            Block::Narrow(rows) if is_narrow && rows.len() < rows.capacity() => {
                rows.push([low, high, event.person | event.kind << NARROW_PERSON_BITS]);
            }
            Block::Wide(rows) if rows.len() < rows.capacity() => {
                rows.push([low, high, event.person, event.kind]);
            }
            _ => self.push_block(event, is_narrow),
        }
    }

    /// Asks for the end of the list, where the next events go.
    #[inline]
    pub fn ask_end(&self) {
        match &self.last {
            Block::Narrow(rows) => prefetch(rows, rows.len().wrapping_sub(1)),
            Block::Wide(rows) => prefetch(rows, rows.len().wrapping_sub(1)),
        }
    }

    #[cold]
    fn push_block(&mut self, event: Event, is_narrow: bool) {
        let [low, high] = halves(event.time_us);
        let capacity = self.len.clamp(16, BLOCK_ROWS);
        self.bytes += capacity * if is_narrow { size_of::<[u32; 3]>() } else { size_of::<[u32; 4]>() };
        let next = if is_narrow {
            let mut rows = Vec::with_capacity(capacity);
            rows.push([low, high, event.person | event.kind << NARROW_PERSON_BITS]);
            Block::Narrow(rows)
        } else {
            let mut rows = Vec::with_capacity(capacity);
            rows.push([low, high, event.person, event.kind]);
            Block::Wide(rows)
        };
        if self.len > 1 {
            self.full.push(std::mem::replace(&mut self.last, next));
        } else {
            self.last = next;
        }
    }

    /// All events, in the order of arrival.
    pub fn for_each(&self, mut take: impl FnMut(Event)) {
        for block in self.full.iter().chain([&self.last]) {
            match block {
                Block::Narrow(rows) => {
                    for &[low, high, both] in rows {
                        let (person, kind) = (both % NARROW_PERSONS, both >> NARROW_PERSON_BITS);
                        take(Event { time_us: whole(low, high), person, kind });
                    }
                }
                Block::Wide(rows) => {
                    for &[low, high, person, kind] in rows {
                        take(Event { time_us: whole(low, high), person, kind });
                    }
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
        let mut events = Events::default();
        let mut expected = Vec::new();
        for round in 0..500 {
            let (person, kind) = edges[round % edges.len()];
            let event = Event { time_us: times_us[round % times_us.len()], person, kind };
            events.push(event);
            expected.push(event);
        }
        let mut found = Vec::new();
        events.for_each(|event| found.push(event));
        assert_eq!(found, expected);
        assert_eq!(events.len(), 500);
    }
}
