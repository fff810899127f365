//! The events of one shard as they arrived: 8 bytes each where times are whole milliseconds and persons and
//! kinds are few.
//!
//! A block has one form. Where an event does not fit it, a block of a wider one begins, and no later block is
//! less wide: so nothing is ever moved, no number is too large, and few blocks are left half empty.

use super::prefetch::prefetch;

/// Events that a block grows to.
const BLOCK_ROWS: usize = 1024;

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

/// Rows end to end, each an event and its words, of which every row has as many.
#[derive(Default, Clone)]
struct Block {
    rows: Vec<u32>,
    form: Form,
    /// Numbers of a row; 0 where no block has begun.
    width: usize,
}

/// How an event is written, from short to wide.
#[derive(Default, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// Two numbers hold milliseconds from 1970 to 2109, person and kind.
    #[default]
    Short,
    /// The two halves of the time, then person and kind in one number.
    Narrow,
    /// The two halves of the time, the person, the kind.
    Wide,
}

/// Person and kind in a number: the person in the lower bits.
struct Who {
    person_bits: u32,
    kind_bits: u32,
}

const SHORT: Who = Who { person_bits: 14, kind_bits: 8 };
const NARROW: Who = Who { person_bits: 20, kind_bits: 12 };
/// Bits of a short event's person and kind; those above hold the time.
const SHORT_WHO_BITS: u32 = SHORT.person_bits + SHORT.kind_bits;

impl Who {
    #[inline(always)]
    fn fits(&self, event: &Event) -> bool {
        event.person >> self.person_bits == 0 && event.kind >> self.kind_bits == 0
    }

    #[inline(always)]
    fn number(&self, event: &Event) -> u32 {
        event.person | event.kind << self.person_bits
    }

    /// The event of a number, above which are only zeros.
    #[inline(always)]
    fn event(&self, time_us: i64, number: u32) -> Event {
        Event { time_us, person: number & ((1 << self.person_bits) - 1), kind: number >> self.person_bits }
    }
}

impl Form {
    fn of(event: &Event) -> Form {
        if short(event).is_some() {
            Form::Short
        } else if NARROW.fits(event) {
            Form::Narrow
        } else {
            Form::Wide
        }
    }

    /// Numbers of an event.
    fn width(self) -> usize {
        match self {
            Form::Short => 2,
            Form::Narrow => 3,
            Form::Wide => 4,
        }
    }

    /// Puts an event behind others; `None` where it does not fit.
    #[inline(always)]
    fn write(self, event: &Event, rows: &mut Vec<u32>) -> Option<()> {
        let [low, high] = halves(event.time_us as u64);
        match self {
            Form::Short => rows.extend_from_slice(&halves(short(event)?)),
            Form::Narrow if NARROW.fits(event) => rows.extend_from_slice(&[low, high, NARROW.number(event)]),
            Form::Narrow => return None,
            Form::Wide => rows.extend_from_slice(&[low, high, event.person, event.kind]),
        }
        Some(())
    }

    /// The event at the start of a row.
    #[inline(always)]
    fn read(self, row: &[u32]) -> Event {
        match self {
            Form::Short => of_short(whole(row[0], row[1])),
            Form::Narrow => NARROW.event(whole(row[0], row[1]) as i64, row[2]),
            Form::Wide => Event { time_us: whole(row[0], row[1]) as i64, person: row[2], kind: row[3] },
        }
    }
}

/// The short form of an event; `None` where it does not fit. A time before 1970 is too large a number.
#[inline(always)]
fn short(event: &Event) -> Option<u64> {
    let time_us = event.time_us as u64;
    let time_ms = time_us / 1000;
    let fits = time_ms * 1000 == time_us && time_ms >> (64 - SHORT_WHO_BITS) == 0 && SHORT.fits(event);
    fits.then(|| time_ms << SHORT_WHO_BITS | u64::from(SHORT.number(event)))
}

#[inline(always)]
fn of_short(short: u64) -> Event {
    let time_us = (short >> SHORT_WHO_BITS) * 1000;
    SHORT.event(time_us as i64, short as u32 & ((1 << SHORT_WHO_BITS) - 1))
}

fn halves(number: u64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}

fn whole(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
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
        let Block { rows, form, width } = &mut self.last;
        let has_room = *width > 0 && rows.capacity() - rows.len() >= *width;
        if !has_room || form.write(&event, rows).is_none() {
            self.push_block(&event, words.len());
        }
        self.len += 1;
        for &word in words {
            self.last.rows.push(word);
        }
    }

    /// Asks for the end of the list, where the next events go.
    #[inline]
    pub fn ask_end(&self) {
        prefetch(&self.last.rows, self.last.rows.len().wrapping_sub(1));
    }

    /// Begins a block with an event.
    #[cold]
    fn push_block(&mut self, event: &Event, words: usize) {
        let form = self.last.form.max(Form::of(event));
        let width = form.width() + words;
        let capacity = width * (self.len + 1).clamp(16, BLOCK_ROWS);
        self.bytes += capacity * size_of::<u32>();
        let mut next = Block { rows: Vec::with_capacity(capacity), form, width };
        form.write(event, &mut next.rows);
        let before = std::mem::replace(&mut self.last, next);
        if before.width > 0 {
            self.full.push(before);
        }
    }

    /// All events and their words, in the order of arrival.
    #[inline(always)]
    pub fn for_each<'e>(&'e self, mut take: impl FnMut(Event, &'e [u32])) {
        for Block { rows, form, width } in self.full.iter().chain([&self.last]) {
            if let (Form::Short, 2, (rows, [])) = (form, width, rows.as_chunks::<2>()) {
                rows.iter().for_each(|&[low, high]| take(of_short(whole(low, high)), &[]));
                continue;
            }
            // An empty block has rows of no width.
            for row in rows.chunks_exact((*width).max(1)) {
                take(form.read(row), &row[form.width()..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every event that some form only just takes, or does not.
    fn at_the_borders() -> Vec<Event> {
        let who = [(0, 0), (1 << 14, 0), (0, 1 << 8), (1 << 20, 0), (0, 1 << 12), (u32::MAX, u32::MAX)];
        let below = who.map(|(person, kind): (u32, u32)| (person.saturating_sub(1), kind.saturating_sub(1)));
        let last_ms = ((1_i64 << 42) - 1) * 1000;
        let times_us = [
            0,
            1000,
            1_759_276_873_953_000,
            last_ms,
            last_ms + 1000,
            1,
            999,
            1_759_276_873_953_001,
            -1,
            -1000,
            i64::MIN,
            i64::MAX,
        ];
        let events = |(person, kind)| times_us.map(|time_us| Event { time_us, person, kind });
        who.into_iter().chain(below).flat_map(events).collect()
    }

    #[test]
    fn events_of_every_form_come_out_as_they_went_in() {
        let events = at_the_borders();
        for words in 0..3 {
            for first in 0..events.len() {
                let mut list = Events::default();
                let mut expected = Vec::new();
                for (round, &event) in events.iter().cycle().skip(first).step_by(7).take(60).enumerate() {
                    let words: Vec<u32> = (0..words).map(|word| (round * 7 + word) as u32).collect();
                    list.push(event, &words);
                    expected.push((event, words));
                }
                let mut found = Vec::new();
                list.for_each(|event, words| found.push((event, words.to_vec())));
                assert_eq!(found, expected);
                assert_eq!(list.len(), 60);
            }
        }
    }

    #[test]
    fn a_short_form_is_given_up_once() {
        let event = |row: i64| Event { time_us: row * 1000, person: 7, kind: 3 };
        let mut events = Events::default();
        (0..10_240).for_each(|row| events.push(event(row), &[]));
        let short_bytes = events.bytes();
        assert!((10_240 * 8..10_240 * 8 + 8192).contains(&short_bytes), "{short_bytes}");
        // One finer than a millisecond, and others between that are not.
        events.push(Event { time_us: 1, ..event(0) }, &[]);
        (0..10_239).for_each(|row| events.push(Event { time_us: row, ..event(0) }, &[]));
        let narrow_bytes = events.bytes() - short_bytes;
        assert!((10_240 * 12..10_240 * 12 + 12_288).contains(&narrow_bytes), "{narrow_bytes}");
    }
}
