//! The events of one piece of input, on their way from a decoder to the shards.

use super::cohort::LeftOut;
use super::texts::{RowId, same_bytes};
use crate::decode::time::{TimeNotes, TimeParser};
use crate::event::{RecordAt, Reject, RejectCode};

/// Which words beside time and kind an event carries, each 32 bits wide.
///
/// A plain report carries none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowLayout {
    /// The place of the row in the input (two words), for `--tie file` alone.
    pub ordinal: bool,
    /// The log's own session id.
    pub session: bool,
    /// The value in millionths (two words).
    pub value: bool,
    pub currency: bool,
    /// Segment columns.
    pub dimensions: usize,
    /// How long after its time the row was received (two words).
    pub received: bool,
}

/// What stands in the two words of a number when a row has none.
pub const NO_VALUE: i64 = i64::MIN;
/// What stands in the session word when a row has no session id.
pub const NO_SESSION: u32 = u32::MAX;

impl RowLayout {
    /// Everything that a row can have.
    #[cfg(test)]
    pub(super) const FULL: RowLayout = RowLayout {
        ordinal: true,
        session: true,
        value: true,
        currency: true,
        dimensions: 2,
        received: true,
    };

    pub fn words(&self) -> usize {
        self.received_at() + 2 * usize::from(self.received)
    }

    pub fn session_at(&self) -> usize {
        2 * usize::from(self.ordinal)
    }

    pub fn value_at(&self) -> usize {
        self.session_at() + usize::from(self.session)
    }

    pub fn currency_at(&self) -> usize {
        self.value_at() + 2 * usize::from(self.value)
    }

    pub fn dimensions_at(&self) -> usize {
        self.currency_at() + usize::from(self.currency)
    }

    /// Behind all others: no report asks for it.
    pub fn received_at(&self) -> usize {
        self.dimensions_at() + self.dimensions
    }

    /// Reads the 64-bit number whose two words start at `at`.
    pub fn read_i64(words: &[u32], at: usize) -> i64 {
        (u64::from(words[at]) | u64::from(words[at + 1]) << 32) as i64
    }

    /// The words that [`RowLayout::read_i64`] reads.
    pub fn two_words(value: i64) -> [u32; 2] {
        [value as u32, (value as u64 >> 32) as u32]
    }
}

/// One event before it is sorted into its shard.
#[derive(Debug, Clone, Copy)]
pub struct BatchRow {
    pub time_us: i64,
    pub kind: u32,
    /// Of the person. Long ones lie in [`Batch::texts`].
    pub id: RowId,
}

/// A range of [`Batch::texts`]; `start == u32::MAX` stands for none.
#[derive(Debug, Clone, Copy)]
pub struct TextRange {
    pub start: u32,
    pub len: u32,
}

impl TextRange {
    pub const NONE: TextRange = TextRange { start: u32::MAX, len: 0 };

    pub fn is_none(self) -> bool {
        self.start == u32::MAX
    }
}

/// What one piece of input held. Reused from piece to piece.
#[derive(Debug, Default)]
pub struct Batch {
    pub rows: Vec<BatchRow>,
    /// `RowLayout::words` words a row; the session word is filled in by the shard.
    pub words: Vec<u32>,
    /// One a row where the layout has sessions, else empty.
    pub sessions: Vec<TextRange>,
    /// Person ids that are not short, session ids and devices, end to end.
    pub texts: Vec<u8>,
    /// One a row where rows wait for their device to be known, else empty.
    pub devices: Vec<TextRange>,
    /// One a row where repeated events are dropped, else empty: rows with one key are one event.
    pub keys: Vec<Option<u128>>,
    /// One a row where rows are not in the order of the input, and their places matter; else empty.
    pub places: Vec<u64>,
    pub tally: Tally,
    /// The first rejects of the piece, all of them where they are kept.
    pub rejects: Vec<Reject>,
    /// The first of those that tell of damage, kept or not.
    pub damage: Option<Box<Reject>>,
    /// The first header of other columns, or in another order.
    pub other_header: Option<Box<Reject>>,
    /// Records without a time: a header inside the data is one of them.
    pub without_time: Vec<RecordAt>,
    /// Time of the first and last row used, in the order of the input.
    pub first_time_us: Option<i64>,
    pub last_time_us: Option<i64>,
}

impl Batch {
    pub fn clear(&mut self) {
        self.rows.clear();
        self.words.clear();
        self.sessions.clear();
        self.texts.clear();
        self.devices.clear();
        self.keys.clear();
        self.places.clear();
        self.tally = Tally::default();
        self.rejects.clear();
        self.damage = None;
        self.other_header = None;
        self.without_time.clear();
        self.first_time_us = None;
        self.last_time_us = None;
    }

    /// Counts one rejected record, and keeps it while there are fewer than `keep`.
    pub fn count_reject(&mut self, reject: Reject, keep: usize) {
        self.tally.rejects[reject.code.index()] += 1;
        if reject.damage.is_some() && reject.code == RejectCode::R16 {
            self.note_other_header(reject.clone());
        } else if reject.damage.is_some() && self.damage.is_none() {
            self.damage = Some(Box::new(reject.clone()));
        }
        if self.rejects.len() < keep {
            self.rejects.push(reject);
        }
    }

    /// Keeps the first header of other columns.
    pub fn note_other_header(&mut self, header: Reject) {
        let is_first =
            self.other_header.as_ref().is_none_or(|known| header.at.bytes_before < known.at.bytes_before);
        if is_first {
            self.other_header = Some(Box::new(header));
        }
    }

    /// Counts what a look over all events of the piece tells: how many there are, their span, and how
    /// many are out of order. To be called once, behind the last row. Records that are `wide` were
    /// counted before, and have no order among them.
    pub fn sum_up(&mut self, wide: bool) {
        let (Some(first), Some(last)) = (self.rows.first(), self.rows.last()) else { return };
        let (mut earliest_us, mut latest_us) = (first.time_us, first.time_us);
        let mut before_us = first.time_us;
        for row in &self.rows {
            earliest_us = earliest_us.min(row.time_us);
            latest_us = latest_us.max(row.time_us);
            self.tally.out_of_order += u64::from(row.time_us < before_us);
            before_us = row.time_us;
        }
        self.tally.events = self.rows.len() as u64;
        self.tally.earliest_us = Some(earliest_us);
        self.tally.latest_us = Some(latest_us);
        if wide {
            self.tally.out_of_order = 0;
            return;
        }
        self.tally.used = self.tally.events;
        self.first_time_us = Some(first.time_us);
        self.last_time_us = Some(last.time_us);
    }

    /// The id of a row if it is long, else nothing.
    pub fn long_id(&self, row: u32) -> &[u8] {
        self.rows[row as usize].id.long_text(&self.texts)
    }

    /// Adds an event.
    #[inline(always)]
    pub fn push(&mut self, time_us: i64, kind: u32, id: &[u8]) {
        let id = RowId::new(id, &mut self.texts);
        self.rows.push(BatchRow { time_us, kind, id });
    }

    /// Keeps a text that belongs to the last row.
    pub fn keep(&mut self, text: &[u8]) -> TextRange {
        let start = self.texts.len() as u32;
        self.texts.extend_from_slice(text);
        TextRange { start, len: text.len() as u32 }
    }

    pub fn text(&self, start: u32, len: u32) -> &[u8] {
        &self.texts[start as usize..(start + len) as usize]
    }

    /// The text of a range; `None` where it stands for none.
    pub fn text_of(&self, range: TextRange) -> Option<&[u8]> {
        (!range.is_none()).then(|| self.text(range.start, range.len))
    }

    /// Whether two ranges hold the same text, or neither holds one.
    pub fn is_same_text(&self, a: TextRange, b: TextRange) -> bool {
        if a.is_none() || b.is_none() {
            return a.is_none() && b.is_none();
        }
        same_bytes(self.text(a.start, a.len), self.text(b.start, b.len))
    }
}

/// Counts of rows. `read = used + rejected() + filtered + duplicates`, always.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    pub read: u64,
    pub used: u64,
    pub filtered: u64,
    /// Rows of an event that another row stands for; known once all is read.
    pub duplicates: u64,
    /// Of used rows: one each, unless rows are wide.
    pub events: u64,
    /// Wide rows without a time, used and filtered; they have no event.
    pub without_time: u64,
    /// Times of used wide rows after the end of observation: they are no events.
    pub times_after_end: u64,
    /// Wide rows that were filtered as their person is left out.
    pub left_out: u64,
    /// By `RejectCode::index`.
    pub rejects: [u64; RejectCode::ALL.len()],
    /// Used rows without an event name.
    pub without_event: u64,
    /// Used rows earlier than the used row before them in the same file.
    pub out_of_order: u64,
    /// Used rows whose value is below zero.
    pub negative_values: u64,
    /// Local times that a change of the clocks skipped or repeated.
    pub shifted_times: u64,
    /// Times without a zone.
    pub naive_times: u64,
    /// Times of a 60th second, which are read as of the 59th.
    pub leap_seconds: u64,
    /// Times that were finer than a microsecond.
    pub finer_times: u64,
    /// Of used rows.
    pub earliest_us: Option<i64>,
    pub latest_us: Option<i64>,
}

impl Tally {
    /// Every row that was read has become one thing: anything else is a mistake of ours, and no
    /// number that comes of it may be shown.
    pub fn assert_accounted(&self, of: &str) {
        let Tally { read, used, filtered, duplicates, .. } = self;
        let rejected = self.rejected();
        assert!(
            *read == used + rejected + filtered + duplicates,
            "{of}: {read} rows read are not {used} used + {rejected} rejected + {filtered} filtered + {duplicates} \
             duplicates"
        );
    }

    pub fn rejected(&self) -> u64 {
        self.rejects.iter().sum()
    }

    /// Rejects that the tolerance judges.
    pub fn rejected_against_tolerance(&self) -> u64 {
        RejectCode::ALL
            .iter()
            .filter(|code| code.counts_against_tolerance())
            .map(|code| self.rejects[code.index()])
            .sum()
    }

    /// Moves the rows of persons who are left out from those that are used to those that are filtered.
    /// The span stays: all of them were watched. Of wide rows only the events are moved: the rows were
    /// counted as they were read.
    pub fn leave_out(&mut self, left_out: &LeftOut, without_event: u64, wide: bool) {
        self.events -= left_out.rows;
        if !wide {
            self.used -= left_out.rows;
            self.filtered += left_out.rows;
            self.left_out = left_out.rows;
        }
        self.without_event -= without_event;
        self.negative_values -= left_out.negative_values;
    }

    /// Times that named their zone, as far as rows with one time tell.
    pub fn zoned_times(&self) -> u64 {
        // A time is read before anything else is asked of a row.
        let judged_later = [RejectCode::R07, RejectCode::R09, RejectCode::R17];
        let later: u64 = judged_later.iter().map(|code| self.rejects[code.index()]).sum();
        (self.used + self.filtered + later).saturating_sub(self.naive_times)
    }

    /// Takes over what a time parser met between two moments.
    pub fn note_times(&mut self, before: TimeNotes, after: TimeNotes) {
        self.naive_times += after.naive - before.naive;
        self.shifted_times += after.shifted - before.shifted;
        self.leap_seconds += after.leap_seconds - before.leap_seconds;
        self.finer_times += after.precision_lost - before.precision_lost;
    }

    /// The same for several parsers.
    pub fn note_all_times(&mut self, before: &[TimeNotes], times: &[TimeParser]) {
        for (before, times) in before.iter().zip(times) {
            self.note_times(*before, times.notes());
        }
    }

    pub fn merge(&mut self, other: &Tally) {
        self.read += other.read;
        self.used += other.used;
        self.filtered += other.filtered;
        self.duplicates += other.duplicates;
        self.events += other.events;
        self.without_time += other.without_time;
        self.times_after_end += other.times_after_end;
        self.left_out += other.left_out;
        for (mine, theirs) in self.rejects.iter_mut().zip(other.rejects) {
            *mine += theirs;
        }
        self.without_event += other.without_event;
        self.out_of_order += other.out_of_order;
        self.negative_values += other.negative_values;
        self.shifted_times += other.shifted_times;
        self.naive_times += other.naive_times;
        self.leap_seconds += other.leap_seconds;
        self.finer_times += other.finer_times;
        self.earliest_us = [self.earliest_us, other.earliest_us].into_iter().flatten().min();
        self.latest_us = self.latest_us.max(other.latest_us);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_follow_one_another_without_gaps() {
        let all = RowLayout::FULL;
        assert_eq!((all.session_at(), all.value_at(), all.currency_at(), all.dimensions_at()), (2, 3, 5, 6));
        assert_eq!((all.received_at(), all.words()), (8, 10));
        assert_eq!(RowLayout::default().words(), 0);
    }

    #[test]
    fn what_all_rows_tell_is_summed_up_behind_the_last() {
        let mut batch = Batch::default();
        [5, 9, 7, 7, 2].into_iter().for_each(|time_us| batch.push(time_us, 0, b""));
        batch.sum_up(false);
        assert_eq!((batch.tally.used, batch.tally.out_of_order), (5, 2));
        assert_eq!((batch.tally.earliest_us, batch.tally.latest_us), (Some(2), Some(9)));
        assert_eq!((batch.first_time_us, batch.last_time_us), (Some(5), Some(2)));
        batch.tally = Tally { used: 3, ..Tally::default() };
        (batch.first_time_us, batch.last_time_us) = (None, None);
        batch.sum_up(true);
        assert_eq!((batch.tally.used, batch.tally.events, batch.tally.out_of_order), (3, 5, 0));
        assert_eq!((batch.first_time_us, batch.last_time_us), (None, None));
        let mut empty = Batch::default();
        empty.sum_up(false);
        assert_eq!((empty.tally, empty.first_time_us, empty.last_time_us), (Tally::default(), None, None));
    }

    #[test]
    fn wide_numbers_survive_two_words() {
        for value in [0, 1, -1, i64::MAX, NO_VALUE, 1 << 40] {
            let [low, high] = RowLayout::two_words(value);
            assert_eq!(RowLayout::read_i64(&[7, low, high], 1), value);
        }
    }
}
