//! Which segment values get a row of their own: the largest by entrants, the rest in `(other)`.
//!
//! Where the columns have few combinations of values, units are counted by each of them, and those that
//! are not shown are added up at the end. Else the entrants are counted first, in a pass of their own.

use super::funnel::SegmentValues;
use super::tally::UnitTally;
use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// Combinations of values that are counted one by one: the counts of each take some kilobytes a thread.
const MOST_PLACES: usize = 1024;

/// The codes of a row in the segment columns of a funnel.
pub type SegmentKey = Box<[u32]>;

/// Entrants by combination of segment values.
pub type Entrants = HashMap<SegmentKey, u64, RandomState>;

/// Where each combination of segment values is counted.
#[derive(Debug, Clone)]
pub enum SegmentSlots {
    /// Those that were chosen have a place of their own, all others share the last one.
    Chosen { slots: HashMap<SegmentKey, usize, RandomState>, other: usize },
    /// Every combination has a place; by column, the number of its values.
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
        let places = sizes.iter().try_fold(1_usize, |places, &size| places.checked_mul(size))?;
        (places <= MOST_PLACES).then_some(SegmentSlots::Every(sizes))
    }

    /// Number of places.
    pub fn places(&self) -> usize {
        match self {
            SegmentSlots::Chosen { other, .. } => other + 1,
            SegmentSlots::Every(sizes) => sizes.iter().product(),
        }
    }

    #[inline]
    pub fn place(&self, key: &[u32]) -> usize {
        match self {
            SegmentSlots::Chosen { slots, other } => slots.get(key).copied().unwrap_or(*other),
            SegmentSlots::Every(sizes) => {
                key.iter().zip(sizes).fold(0, |place, (&code, &size)| place * size + code as usize)
            }
        }
    }

    /// The combination that has a place, where every one has.
    fn key(sizes: &[usize], mut place: usize) -> SegmentKey {
        let mut key: Vec<u32> = vec![0; sizes.len()];
        for (code, &size) in key.iter_mut().zip(sizes).rev() {
            *code = (place % size) as u32;
            place /= size;
        }
        key.into()
    }
}

/// What was counted of every combination, by combination.
pub fn by_key(sizes: &[usize], tallies: Vec<UnitTally>) -> Vec<(SegmentKey, UnitTally)> {
    let met = tallies.into_iter().enumerate().filter(|(_, tally)| tally.entered > 0);
    met.map(|(place, tally)| (SegmentSlots::key(sizes, place), tally)).collect()
}

/// The places of a funnel's segments and what is printed there, `(other)` last.
pub struct ChosenSegments {
    pub slots: SegmentSlots,
    pub values: Vec<SegmentValues>,
}

/// A combination, its texts, and its entrants.
type Ranked<'a> = (&'a SegmentKey, Vec<&'a str>, u64);

/// Takes the `top` combinations by entrants, ties by the bytes of their values.
///
/// `texts` holds, by dimension of the funnel, the text of every code; an empty text is not set.
pub fn choose(entrants: &Entrants, columns: &[String], texts: &[&[String]], top: usize) -> ChosenSegments {
    let text_of = |key: &[u32]| -> Vec<&str> {
        key.iter().zip(texts).map(|(&code, texts)| texts[code as usize].as_str()).collect()
    };
    let mut ranked: Vec<Ranked<'_>> = entrants.iter().map(|(key, &n)| (key, text_of(key), n)).collect();
    ranked.sort_unstable_by(|a, b| b.2.cmp(&a.2).then_with(|| a.1.cmp(&b.1)));
    ranked.truncate(top);
    let mut slots = HashMap::default();
    let mut values = Vec::with_capacity(ranked.len() + 1);
    for (place, (key, texts, _)) in ranked.iter().enumerate() {
        slots.insert((*key).clone(), place);
        let pairs = columns
            .iter()
            .zip(texts)
            .map(|(column, text)| (column.clone(), (!text.is_empty()).then(|| (*text).to_owned())));
        values.push(SegmentValues(pairs.collect()));
    }
    let other = columns.iter().map(|column| (column.clone(), Some("(other)".to_owned())));
    values.push(SegmentValues(other.collect()));
    ChosenSegments { slots: SegmentSlots::Chosen { slots, other: ranked.len() }, values }
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
        let chosen = choose(&entrants, &["device".to_owned()], &[&texts], 3);
        let printed: Vec<Option<&str>> =
            chosen.values.iter().map(|values| values.0[0].1.as_deref()).collect();
        // Not set and app have 3 each: the empty text comes first by its bytes.
        assert_eq!(printed, [Some("mobile"), None, Some("app"), Some("(other)")]);
        assert_eq!(chosen.slots.places(), 4);
        assert_eq!([1, 0, 2, 3, 9].map(|code| chosen.slots.place(&[code])), [0, 1, 2, 3, 3]);
    }

    #[test]
    fn few_combinations_have_a_place_each() {
        let slots = SegmentSlots::every(vec![3, 1, 4]).expect("they are few");
        assert_eq!(slots.places(), 12);
        let keys = (0..3).flat_map(|a| (0..4).map(move |b| [a, 0, b]));
        for (place, key) in keys.enumerate() {
            assert_eq!(slots.place(&key), place);
            assert_eq!(*SegmentSlots::key(&[3, 1, 4], place), key);
        }
        assert!(SegmentSlots::every(vec![1024]).is_some() && SegmentSlots::every(vec![5, 205]).is_none());
        assert!(SegmentSlots::every(vec![usize::MAX, usize::MAX]).is_none());
    }

    #[test]
    fn counts_go_by_their_combination() {
        let mut tallies = vec![UnitTally::default(); 6];
        (tallies[1].entered, tallies[5].entered) = (7, 2);
        let counted = by_key(&[2, 3], tallies).into_iter().map(|(key, tally)| (key.to_vec(), tally.entered));
        assert_eq!(counted.collect::<Vec<_>>(), [(vec![0, 1], 7), (vec![1, 2], 2)]);
    }
}
