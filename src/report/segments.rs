//! Segments: which row gives a unit its value, and which values get a row of their own.
//!
//! The largest by entrants do, the rest is in `(other)`. Units without such a row, where the value
//! is that of a step, have a place of their own that is never part of the rest.
//!
//! Where the columns have few combinations of values, units are counted by each of them, and those that
//! are not shown are added up at the end. Else the entrants are counted first, in a pass of their own.

use super::funnel::SegmentValues;
use super::shape::chain_row;
use super::tally::UnitTally;
use crate::definition::ByFrom;
use crate::funnel::engine::Outcome;
use crate::ingest::Person;
use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// Stands in every column of the key for units that have no row to take a value from.
const NO_ROW: u32 = u32::MAX;

/// The code of a value that is not set.
const NOT_SET: u32 = 0;

/// Combinations of values that are counted one by one: the counts of each take some kilobytes a thread.
const MOST_COMBINATIONS: usize = 1024;

/// The codes of a unit in the segment columns of a funnel.
pub type SegmentKey = Box<[u32]>;

/// Entrants by combination of segment values.
pub type Entrants = HashMap<SegmentKey, u64, RandomState>;

/// Where each combination of segment values is counted.
#[derive(Debug, Clone)]
pub enum SegmentSlots {
    /// Those that were chosen have a place of their own, all others share the last one.
    Chosen { slots: HashMap<SegmentKey, usize, RandomState>, other: usize },
    /// Every combination has a place, and behind them those units that have no row to take a value from;
    /// by column, the number of its values.
    Every(Vec<usize>),
}

impl Default for SegmentSlots {
    fn default() -> SegmentSlots {
        SegmentSlots::Chosen { slots: HashMap::default(), other: 0 }
    }
}

impl SegmentSlots {
    /// A place for every combination of so many values a column, if they are few.
    pub fn every(sizes: Vec<usize>) -> Option<SegmentSlots> {
        let combinations = sizes.iter().try_fold(1_usize, |count, &size| count.checked_mul(size))?;
        (combinations <= MOST_COMBINATIONS).then_some(SegmentSlots::Every(sizes))
    }

    /// Number of places.
    pub fn places(&self) -> usize {
        match self {
            SegmentSlots::Chosen { other, .. } => other + 1,
            SegmentSlots::Every(sizes) => SegmentSlots::no_row(sizes) + 1,
        }
    }

    #[inline]
    pub fn place(&self, key: &[u32]) -> usize {
        match self {
            SegmentSlots::Chosen { slots, other } => slots.get(key).copied().unwrap_or(*other),
            SegmentSlots::Every(sizes) if key.contains(&NO_ROW) => SegmentSlots::no_row(sizes),
            SegmentSlots::Every(sizes) => {
                key.iter().zip(sizes).fold(0, |place, (&code, &size)| place * size + code as usize)
            }
        }
    }

    /// The combination that has a place, where every one has.
    fn key(sizes: &[usize], mut place: usize) -> SegmentKey {
        let mut key: Vec<u32> = vec![NO_ROW; sizes.len()];
        if place < SegmentSlots::no_row(sizes) {
            for (code, &size) in key.iter_mut().zip(sizes).rev() {
                *code = (place % size) as u32;
                place /= size;
            }
        }
        key.into()
    }

    /// The place of units that have no row, where every combination has a place.
    fn no_row(sizes: &[usize]) -> usize {
        sizes.iter().product()
    }
}

/// What was counted of every combination that any unit has.
pub fn by_key(sizes: &[usize], tallies: Vec<UnitTally>) -> Vec<(SegmentKey, UnitTally)> {
    let met = tallies.into_iter().enumerate().filter(|(_, tally)| tally.entered + tally.removed > 0);
    met.map(|(place, tally)| (SegmentSlots::key(sizes, place), tally)).collect()
}

/// A place in the report's list of segments.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentPlace {
    pub values: SegmentValues,
    /// It holds all values that have no place of their own.
    pub other: bool,
    /// It holds the units that have no row to take a value from.
    pub no_row: bool,
}

/// The places of a funnel's segments and what is printed there, `(other)` last.
pub struct ChosenSegments {
    pub slots: SegmentSlots,
    pub places: Vec<SegmentPlace>,
}

/// Where the segments of a funnel come from: its columns, as dimensions, and the row.
#[derive(Debug, Clone)]
pub struct SegmentSource {
    pub by: Vec<usize>,
    pub from: ByFrom,
}

/// What a unit's key was taken from, beside the key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyOrigin {
    /// The value is not that of the first entry.
    pub differs: bool,
    /// It is that of a row of the chain behind the first.
    pub is_late: bool,
}

impl SegmentSource {
    /// Whether the winning chain has to be known.
    pub fn needs_chain(&self) -> bool {
        match self.from {
            ByFrom::FirstEntry | ByFrom::Person => false,
            ByFrom::Step(_) | ByFrom::FirstSeen | ByFrom::LastSeen => true,
        }
    }

    /// Puts the value of a unit into `key`, whose first entry is the person's row `entry`. `place` gives the
    /// person's row of a row of the unit; without need of the chain the outcome may be empty.
    pub fn key(
        &self,
        person: &Person<'_>,
        entry: usize,
        outcome: &Outcome,
        place: impl Fn(u32) -> usize,
        key: &mut Vec<u32>,
    ) -> KeyOrigin {
        let code = |row: usize, dimension: usize| person.rows.dimension(row, dimension);
        let is_set = |row: &usize, dimension: usize| code(*row, dimension) != NOT_SET;
        let start = outcome.chain.first().map(|&row| place(row));
        let mut origin = KeyOrigin::default();
        key.clear();
        for &dimension in &self.by {
            let mut chain = outcome.chain.iter().map(|&row| place(row));
            let row = match self.from {
                ByFrom::FirstEntry => Some(entry),
                ByFrom::Person => (0..=entry).rev().find(|row| is_set(row, dimension)).or(Some(entry)),
                ByFrom::Step(step) => chain_row(outcome, step).map(&place),
                ByFrom::FirstSeen => chain.find(|row| is_set(row, dimension)).or(start),
                ByFrom::LastSeen => chain.rfind(|row| is_set(row, dimension)).or(start),
            };
            key.push(row.map_or(NO_ROW, |row| code(row, dimension)));
            origin.differs |= row.is_some_and(|row| code(row, dimension) != code(entry, dimension));
            origin.is_late |= self.needs_chain() && row.is_some() && row != start;
        }
        origin
    }
}

/// A combination, its texts, and its entrants.
type Ranked<'a> = (&'a SegmentKey, Vec<&'a str>, u64);

/// Takes the `top` combinations by entrants, ties by the bytes of their values.
///
/// `texts` holds, by dimension of the funnel, the text of every code; an empty text is not set. Units
/// without a row are called `no_row`.
pub fn choose(
    entrants: &Entrants,
    columns: &[String],
    texts: &[&[String]],
    top: usize,
    no_row: &str,
) -> ChosenSegments {
    let has_row = |key: &SegmentKey| !key.contains(&NO_ROW);
    let text_of = |key: &[u32]| -> Vec<&str> {
        key.iter().zip(texts).map(|(&code, texts)| texts[code as usize].as_str()).collect()
    };
    let listed = entrants.iter().filter(|(key, _)| has_row(key));
    let mut ranked: Vec<Ranked<'_>> = listed.map(|(key, &n)| (key, text_of(key), n)).collect();
    ranked.sort_unstable_by(|a, b| b.2.cmp(&a.2).then_with(|| a.1.cmp(&b.1)));
    ranked.truncate(top);
    let mut slots = HashMap::default();
    let mut places = Vec::with_capacity(ranked.len() + 2);
    for (place, (key, texts, _)) in ranked.iter().enumerate() {
        slots.insert((*key).clone(), place);
        let pairs = columns
            .iter()
            .zip(texts)
            .map(|(column, text)| (column.clone(), (!text.is_empty()).then(|| (*text).to_owned())));
        places.push(SegmentPlace { values: SegmentValues(pairs.collect()), other: false, no_row: false });
    }
    let all = |text: &str| {
        SegmentValues(columns.iter().map(|column| (column.clone(), Some(text.to_owned()))).collect())
    };
    if let Some(key) = entrants.keys().find(|key| !has_row(key)) {
        slots.insert(key.clone(), places.len());
        places.push(SegmentPlace { values: all(no_row), other: false, no_row: true });
    }
    let other = places.len();
    places.push(SegmentPlace { values: all("(other)"), other: true, no_row: false });
    ChosenSegments { slots: SegmentSlots::Chosen { slots, other }, places }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first_and_the_rest_has_one_place() {
        let mut entrants = Entrants::default();
        for (code, n) in [(0, 3), (1, 9), (2, 3), (3, 1)] {
            entrants.insert(Box::new([code]), n);
        }
        let texts: Vec<String> = ["", "mobile", "app", "tv"].map(str::to_owned).to_vec();
        let chosen = choose(&entrants, &["device".to_owned()], &[&texts], 3, "(no step 2)");
        let printed: Vec<Option<&str>> =
            chosen.places.iter().map(|place| place.values.0[0].1.as_deref()).collect();
        // Not set and app have 3 each: the empty text comes first by its bytes.
        assert_eq!(printed, [Some("mobile"), None, Some("app"), Some("(other)")]);
        assert_eq!(chosen.slots.places(), 4);
        assert_eq!([1, 0, 2, 3, 9].map(|code| chosen.slots.place(&[code])), [0, 1, 2, 3, 3]);
    }

    #[test]
    fn few_combinations_have_a_place_each() {
        let slots = SegmentSlots::every(vec![3, 1, 4]).expect("they are few");
        assert_eq!(slots.places(), 13);
        let keys = (0..3).flat_map(|a| (0..4).map(move |b| [a, 0, b]));
        for (place, key) in keys.enumerate() {
            assert_eq!(slots.place(&key), place);
            assert_eq!(*SegmentSlots::key(&[3, 1, 4], place), key);
        }
        assert_eq!(slots.place(&[NO_ROW; 3]), 12);
        assert_eq!(*SegmentSlots::key(&[3, 1, 4], 12), [NO_ROW; 3]);
        assert!(SegmentSlots::every(vec![1024]).is_some() && SegmentSlots::every(vec![5, 205]).is_none());
        assert!(SegmentSlots::every(vec![usize::MAX, usize::MAX]).is_none());
    }

    #[test]
    fn counts_go_by_their_combination() {
        let mut tallies = vec![UnitTally::default(); 7];
        (tallies[1].entered, tallies[5].entered, tallies[6].entered) = (7, 2, 4);
        tallies[3].removed = 1;
        let counted = by_key(&[2, 3], tallies).into_iter().map(|(key, tally)| (key.to_vec(), tally.entered));
        let expected = [(vec![0, 1], 7), (vec![1, 0], 0), (vec![1, 2], 2), (vec![NO_ROW; 2], 4)];
        assert_eq!(counted.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn units_without_a_row_have_a_place_that_top_does_not_count() {
        let mut entrants = Entrants::default();
        for (code, n) in [(NO_ROW, 9), (1, 3), (2, 2)] {
            entrants.insert(Box::new([code]), n);
        }
        let texts: Vec<String> = ["", "mobile", "app"].map(str::to_owned).to_vec();
        let chosen = choose(&entrants, &["device".to_owned()], &[&texts], 1, "(no step 2)");
        let printed: Vec<Option<&str>> =
            chosen.places.iter().map(|place| place.values.0[0].1.as_deref()).collect();
        assert_eq!(printed, [Some("mobile"), Some("(no step 2)"), Some("(other)")]);
        let flags: Vec<(bool, bool)> =
            chosen.places.iter().map(|place| (place.no_row, place.other)).collect();
        assert_eq!(flags, [(false, false), (true, false), (false, true)]);
        assert_eq!(chosen.slots.places(), 3);
        assert_eq!([1, NO_ROW, 2].map(|code| chosen.slots.place(&[code])), [0, 1, 2]);
    }
}
