//! From events as they arrived to every person's events in their one order, and their sessions.
//!
//! The order of a person's rows is (time, event name, the other wanted columns as bytes); under
//! `--tie file` it is (time, place in the input). So nothing but `--tie file` depends on the
//! order of files and rows. (definitions, section 3)

use super::assemble::{Dictionaries, Kind};
use super::batch::{NO_SESSION, NO_VALUE, RowLayout};
use super::dictionary::ranks;
use super::events::{Event, Events};
use super::shard::Shard;
use super::texts::Texts;
use crate::session::{Session, Succession, split};
use std::cmp::Ordering;
use std::ops::Range;

/// What the order of equal times is settled by: the ranks of kinds and of segment values.
#[derive(Debug, Default)]
pub struct TieOrder {
    /// By kind: rank of its event name, then of what its conditions found.
    pub kinds: Vec<u32>,
    pub currencies: Vec<u32>,
    /// By dimension, then by value.
    pub dimensions: Vec<Vec<u32>>,
}

impl TieOrder {
    /// The order of all that was read so far: by the bytes of texts, whatever their codes.
    pub fn of(dictionaries: &Dictionaries) -> TieOrder {
        let (events, pages) = (dictionaries.events.keys(), dictionaries.pages.keys());
        let kinds = dictionaries.kinds.keys();
        let key = |kind: &'_ Kind| {
            let event = kind.event.map(|event| &*events[event as usize]);
            let page = kind.origin.page.map(|page| &*pages[page as usize]);
            (event, kind.truths.clone(), kind.origin.rule, page)
        };
        let kinds: Vec<_> = kinds.iter().map(key).collect();
        TieOrder {
            kinds: ranks(&kinds),
            currencies: ranks(&dictionaries.currencies.keys()),
            dimensions: dictionaries.dimensions.iter().map(|texts| ranks(&texts.keys())).collect(),
        }
    }
}

/// A shard whose persons' rows are together, in order and split into sessions; see [`most_bytes_of_row`].
pub struct SettledShard {
    layout: RowLayout,
    persons: Texts,
    session_ids: Texts,
    /// Rows of person `p` are `starts[p]..starts[p + 1]`.
    starts: Vec<u32>,
    /// By person: whether some of the rows have the same time.
    ties: Vec<bool>,
    /// The rebuilt sessions of person `p` are `session_starts[p]..session_starts[p + 1]`.
    session_starts: Vec<u32>,
    sessions: Vec<Session>,
    times_us: Vec<i64>,
    kinds: Vec<u32>,
    /// By row: its place by arrival, where its words lie; empty where rows have none.
    arrivals: Vec<u32>,
    words: Vec<u32>,
}

/// Bytes that a row takes in a settled shard, at most: time and kind; its arrival and words where rows have
/// any; and a session of its own, in a list that may have doubled.
pub fn most_bytes_of_row(layout: &RowLayout) -> usize {
    let words = layout.words();
    let fixed = size_of::<i64>() + size_of::<u32>() + 2 * size_of::<Session>();
    fixed + if words > 0 { (words + 1) * size_of::<u32>() } else { 0 }
}

/// One person's rows, in order.
#[derive(Clone, Copy)]
pub struct PersonRows<'s> {
    shard: &'s SettledShard,
    person: u32,
    start: usize,
    /// Some of them have the same time.
    pub has_ties: bool,
    pub times_us: &'s [i64],
    pub kinds: &'s [u32],
}

impl SettledShard {
    /// Each person's rows, and their sessions.
    pub fn persons(&self) -> impl Iterator<Item = (PersonRows<'_>, &[Session])> {
        self.ties.iter().enumerate().map(|(person, &has_ties)| {
            let rows = self.starts[person] as usize..self.starts[person + 1] as usize;
            let sessions = self.session_starts[person] as usize..self.session_starts[person + 1] as usize;
            let rows = PersonRows {
                shard: self,
                person: person as u32,
                start: rows.start,
                has_ties,
                times_us: &self.times_us[rows.clone()],
                kinds: &self.kinds[rows],
            };
            (rows, &self.sessions[sessions])
        })
    }
}

impl<'s> PersonRows<'s> {
    pub fn id(&self) -> &'s [u8] {
        self.shard.persons.get(self.person)
    }

    pub fn len(&self) -> usize {
        self.times_us.len()
    }

    pub fn is_empty(&self) -> bool {
        self.times_us.is_empty()
    }

    /// Where the words of a row start. Few rows are ever asked, so the words are not put in order.
    fn words_at(&self, row: usize) -> usize {
        self.shard.arrivals[self.start + row] as usize * self.shard.layout.words()
    }

    fn word(&self, row: usize, at: usize) -> u32 {
        self.shard.words[self.words_at(row) + at]
    }

    /// The code of the log's own session id, unique among this person's ids.
    pub fn session_code(&self, row: usize) -> Option<u32> {
        let layout = &self.shard.layout;
        Some(layout.session.then(|| self.word(row, layout.session_at()))?).filter(|&code| code != NO_SESSION)
    }

    pub fn session_text(&self, code: u32) -> &'s [u8] {
        self.shard.session_ids.get(code)
    }

    /// Whether rows carry values at all.
    pub fn has_values(&self) -> bool {
        self.shard.layout.value
    }

    /// The number in two words of a row, if it holds one.
    fn number(&self, row: usize, at: usize) -> Option<i64> {
        Some(RowLayout::read_i64(&self.shard.words, self.words_at(row) + at))
            .filter(|&number| number != NO_VALUE)
    }

    /// The row's value in millionths.
    pub fn value(&self, row: usize) -> Option<i64> {
        let layout = &self.shard.layout;
        layout.value.then(|| self.number(row, layout.value_at())).flatten()
    }

    /// The last value known at or before a row, in millionths.
    pub fn last_value(&self, row: usize) -> Option<i64> {
        self.has_values().then(|| (0..=row).rev().find_map(|row| self.value(row))).flatten()
    }

    pub fn currency(&self, row: usize) -> Option<u32> {
        let layout = &self.shard.layout;
        layout.currency.then(|| self.word(row, layout.currency_at()))
    }

    /// The code of the row's value in the given dimension.
    pub fn dimension(&self, row: usize, dimension: usize) -> u32 {
        self.word(row, self.shard.layout.dimensions_at() + dimension)
    }

    /// Whether rows tell when they were received.
    pub fn has_received(&self) -> bool {
        self.shard.layout.received
    }

    /// How long after its time the row was received, in µs; less than zero where it was before.
    pub fn received_after_us(&self, row: usize) -> Option<i64> {
        let layout = &self.shard.layout;
        layout.received.then(|| self.number(row, layout.received_at())).flatten()
    }

    /// The words of a row but its place in the input and when it was received, to tell whether two rows are
    /// alike.
    pub fn wanted_words(&self, row: usize) -> &'s [u32] {
        if self.shard.layout.words() == 0 {
            return &[];
        }
        let words = &self.shard.words[self.words_at(row)..][..self.shard.layout.received_at()];
        &words[2 * usize::from(self.shard.layout.ordinal)..]
    }
}

/// Puts every person's rows of a shard together and in order, and splits them into sessions.
/// `timeout_us` is the longest gap inside a session.
pub fn settle(shard: Shard, layout: RowLayout, ties: &TieOrder, timeout_us: i64) -> SettledShard {
    let Shard { mut persons, sessions: mut session_ids, events } = shard;
    assert!(u32::try_from(events.len()).is_ok(), "fewer than 2^32 rows of some 1 in 256 persons");
    persons.freeze();
    session_ids.freeze();
    let mut starts = starts(&events, persons.len());
    let (mut rows, words) = together(&events, &mut starts[1..], layout.words());
    drop(events);
    starts.truncate(persons.len() + 1);
    let order = RowOrder { layout: &layout, words: &words, sessions: &session_ids, ties };
    let mut scratch = SortScratch::default();
    let mut sessions = Vec::with_capacity(persons.len());
    let (mut tied, mut session_starts) = (Vec::with_capacity(persons.len()), vec![0]);
    for bounds in starts.windows(2) {
        let range = bounds[0] as usize..bounds[1] as usize;
        let first_session = sessions.len();
        let mut succession = split(&rows.times_us[range.clone()], timeout_us, &mut sessions);
        // Rows come by time, and mostly at times of their own: then nothing is left to settle.
        if succession != Succession::Strict {
            rows.sort(range.clone(), &order, &mut scratch);
        }
        if succession == Succession::Disordered {
            sessions.truncate(first_session);
            succession = split(&rows.times_us[range], timeout_us, &mut sessions);
        }
        tied.push(succession == Succession::Tied);
        session_starts.push(sessions.len() as u32);
    }
    let Rows { times_us, kinds, arrivals } = rows;
    SettledShard {
        layout,
        persons,
        session_ids,
        starts,
        ties: tied,
        session_starts,
        sessions,
        times_us,
        kinds,
        arrivals,
        words,
    }
}

/// Where each person's rows start once they lie together, one place ahead, so that filling moves each start to
/// where it belongs.
fn starts(events: &Events, person_count: usize) -> Vec<u32> {
    let mut starts = vec![0_u32; person_count + 2];
    let counts = &mut starts[2..];
    events.for_each(|event, _| counts[event.person as usize] += 1);
    for person in 2..starts.len() {
        starts[person] += starts[person - 1];
    }
    starts
}

/// The rows of each person together, as they arrived, and their words. `ends` is where each person's rows start;
/// there they end afterwards.
fn together(events: &Events, ends: &mut [u32], width: usize) -> (Rows, Vec<u32>) {
    let count = events.len();
    let (mut times_us, mut kinds) = (vec![0; count], vec![0; count]);
    let mut place_of = |event: Event| {
        let end = &mut ends[event.person as usize];
        let place = *end as usize;
        *end += 1;
        times_us[place] = event.time_us;
        kinds[place] = event.kind;
        place
    };
    let (mut arrivals, mut words) = (Vec::new(), Vec::with_capacity(count * width));
    if width == 0 {
        events.for_each(|event, _| {
            place_of(event);
        });
    } else {
        arrivals.resize(count, 0);
        let mut arrival = 0;
        events.for_each(|event, row_words| {
            arrivals[place_of(event)] = arrival;
            arrival += 1;
            for &word in row_words {
                words.push(word);
            }
        });
    }
    (Rows { times_us, kinds, arrivals }, words)
}

/// The rows of a shard, column by column.
struct Rows {
    times_us: Vec<i64>,
    kinds: Vec<u32>,
    /// The place in the shard by arrival, where the row's words lie; empty where there are none.
    arrivals: Vec<u32>,
}

impl Rows {
    fn get(&self, at: usize) -> Row {
        let arrival = self.arrivals.get(at).copied().unwrap_or(0);
        Row { time_us: self.times_us[at], kind: self.kinds[at], arrival }
    }

    /// Puts the rows of one person in order, which they mostly are: rows come by time.
    fn sort(&mut self, range: Range<usize>, order: &RowOrder<'_>, scratch: &mut SortScratch) {
        let in_order = |(at, pair): (usize, &[i64])| {
            pair[0] < pair[1] || order.compare(&self.get(at), &self.get(at + 1)) != Ordering::Greater
        };
        if (range.start..).zip(self.times_us[range.clone()].windows(2)).all(in_order) {
            return;
        }
        let SortScratch { keys, rows } = scratch;
        rows.clear();
        if fill_keys(&self.times_us[range.clone()], keys) {
            // Numbers take less time to sort than rows, and few rows are tied.
            keys.sort_unstable();
            let place_bits = place_bits(keys.len());
            let place_of = |key: u64| (key & !(u64::MAX << place_bits)) as usize;
            rows.extend(keys.iter().map(|&key| self.get(range.start + place_of(key))));
            for tied in rows.chunk_by_mut(|a, b| a.time_us == b.time_us).filter(|tied| tied.len() > 1) {
                tied.sort_unstable_by(|a, b| order.compare_tied(a, b));
            }
        } else {
            rows.extend(range.clone().map(|at| self.get(at)));
            rows.sort_unstable_by(|a, b| order.compare(a, b));
        }
        for (at, row) in range.zip(rows) {
            self.times_us[at] = row.time_us;
            self.kinds[at] = row.kind;
            if let Some(arrival) = self.arrivals.get_mut(at) {
                *arrival = row.arrival;
            }
        }
    }
}

/// Room for the rows of one person while they are put in order.
#[derive(Default)]
struct SortScratch {
    keys: Vec<u64>,
    rows: Vec<Row>,
}

/// Bits that hold the place of each of so many rows.
fn place_bits(rows: usize) -> u32 {
    usize::BITS - rows.leading_zeros()
}

/// How much later than the earliest each time is, and in the lower bits its place; `false` where both do not
/// fit: of years together with many rows.
fn fill_keys(times_us: &[i64], keys: &mut Vec<u64>) -> bool {
    let (mut earliest, mut latest) = (i64::MAX, i64::MIN);
    for &time_us in times_us {
        (earliest, latest) = (earliest.min(time_us), latest.max(time_us));
    }
    let bits = place_bits(times_us.len());
    if latest.wrapping_sub(earliest) as u64 >> (u64::BITS - bits) != 0 {
        return false;
    }
    keys.clear();
    let key = |(place, &time_us): (u64, &i64)| (time_us.wrapping_sub(earliest) as u64) << bits | place;
    keys.extend((0..).zip(times_us).map(key));
    true
}

#[derive(Clone, Copy)]
struct Row {
    time_us: i64,
    kind: u32,
    /// Its place in the shard, by arrival: where its words lie.
    arrival: u32,
}

fn word_range(arrival: u32, width: usize) -> Range<usize> {
    arrival as usize * width..(arrival as usize + 1) * width
}

struct RowOrder<'a> {
    layout: &'a RowLayout,
    words: &'a [u32],
    sessions: &'a Texts,
    ties: &'a TieOrder,
}

impl RowOrder<'_> {
    fn compare(&self, a: &Row, b: &Row) -> Ordering {
        a.time_us.cmp(&b.time_us).then_with(|| self.compare_tied(a, b))
    }

    /// Rows that are still equal are alike in everything that any report reads.
    #[cold]
    fn compare_tied(&self, a: &Row, b: &Row) -> Ordering {
        let width = self.layout.words();
        let (a_words, b_words) =
            (&self.words[word_range(a.arrival, width)], &self.words[word_range(b.arrival, width)]);
        if self.layout.ordinal {
            return RowLayout::read_i64(a_words, 0).cmp(&RowLayout::read_i64(b_words, 0));
        }
        let rank = |ranks: &[u32], code: u32| ranks[code as usize];
        let mut order = rank(&self.ties.kinds, a.kind).cmp(&rank(&self.ties.kinds, b.kind));
        if self.layout.session {
            let text = |code: u32| (code != NO_SESSION).then(|| self.sessions.get(code));
            let at = self.layout.session_at();
            order = order.then_with(|| text(a_words[at]).cmp(&text(b_words[at])));
        }
        if self.layout.value {
            let at = self.layout.value_at();
            order =
                order.then_with(|| RowLayout::read_i64(a_words, at).cmp(&RowLayout::read_i64(b_words, at)));
        }
        if self.layout.currency {
            let at = self.layout.currency_at();
            let ranks = &self.ties.currencies;
            order = order.then_with(|| rank(ranks, a_words[at]).cmp(&rank(ranks, b_words[at])));
        }
        for (dimension, ranks) in self.ties.dimensions.iter().enumerate() {
            let at = self.layout.dimensions_at() + dimension;
            order = order.then_with(|| rank(ranks, a_words[at]).cmp(&rank(ranks, b_words[at])));
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times and kinds of a person's rows between those of others, once they are in order.
    fn in_order(times_us: &[i64]) -> Vec<(i64, u32)> {
        let kinds: Vec<u32> = (0..times_us.len() as u32).map(|row| row * 5 % 7).collect();
        let mut rows = Rows {
            times_us: [&[i64::MAX], times_us, &[i64::MIN]].concat(),
            kinds: [&[3], &kinds[..], &[4]].concat(),
            arrivals: Vec::new(),
        };
        let ties = TieOrder { kinds: vec![6, 5, 4, 3, 2, 1, 0], ..TieOrder::default() };
        let order =
            RowOrder { layout: &RowLayout::default(), words: &[], sessions: &Texts::default(), ties: &ties };
        rows.sort(1..times_us.len() + 1, &order, &mut SortScratch::default());
        let mut rows: Vec<(i64, u32)> = rows.times_us.into_iter().zip(rows.kinds).collect();
        assert_eq!((rows.remove(0), rows.pop()), ((i64::MAX, 3), Some((i64::MIN, 4))));
        rows
    }

    #[test]
    fn rows_are_in_order_of_time_and_then_of_rank() {
        let near: Vec<i64> = (0..200).map(|row| 1_759_276_873_953_000 + row * 37 % 61 * 1000).collect();
        let far = [i64::MAX, 0, i64::MIN, -1, 0, i64::MIN, 7, i64::MAX, i64::MAX];
        // Too far apart for a number of 64 bits in which the place of 3 rows takes 2.
        let just_too_far = [1 << 62, 0, 0];
        let just_near = [(1 << 62) - 1, 0, 0];
        for times_us in [&near[..], &near[..2], &far, &just_too_far, &just_near, &near[..1], &[]] {
            let rows = times_us.iter().zip(0..).map(|(&time_us, row): (_, u32)| (time_us, row * 5 % 7));
            let mut expected: Vec<(i64, u32)> = rows.collect();
            expected.sort_by_key(|&(time_us, kind)| (time_us, 6 - kind));
            assert_eq!(in_order(times_us), expected);
        }
        assert!(!fill_keys(&just_too_far, &mut Vec::new()));
        assert!(fill_keys(&just_near, &mut Vec::new()));
    }
}
