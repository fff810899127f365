//! The rows of one person that have a part in one funnel, close together.
//!
//! Most rows of most logs serve no step, break no gap and block none, so the engine need not see
//! them. Where an arrow asks what else lies between two steps, all kinds that it does not let lie there
//! have a part.

use crate::funnel::engine::Rows;
use crate::funnel::kinds::KindTable;
use crate::ingest::PersonRows;
use std::ops::Range;

/// Rows with a part in the funnel, in order, with their places among all of the person's rows.
#[derive(Debug, Default)]
pub struct ActiveRows {
    /// Room for the largest person met; the first `len` of each list count.
    times_us: Vec<i64>,
    kinds: Vec<u32>,
    places: Vec<u32>,
    len: usize,
    has_ties: bool,
}

impl ActiveRows {
    /// Takes the rows of another person.
    #[inline(never)]
    pub fn fill(&mut self, rows: &PersonRows<'_>, kinds: &KindTable) {
        let count = rows.len();
        if self.times_us.len() < count {
            self.times_us.resize(count, 0);
            self.kinds.resize(count, 0);
            self.places.resize(count, 0);
        }
        // Every row is written and only the active ones stay: which they are cannot be foretold.
        let times_us = &mut self.times_us[..count];
        let (active_kinds, places) = (&mut self.kinds[..count], &mut self.places[..count]);
        let mut len = 0;
        for (place, (&time_us, &kind)) in rows.times_us.iter().zip(rows.kinds).enumerate() {
            times_us[len] = time_us;
            active_kinds[len] = kind;
            places[len] = place as u32;
            len += usize::from(!kinds.is_idle(kind));
        }
        self.len = len;
        let pairs = times_us[..len].iter().zip(times_us[..len].get(1..).unwrap_or_default());
        self.has_ties = pairs.fold(false, |tied, (time_us, next_us)| tied | (time_us == next_us));
    }

    /// Whether any two rows of the person have the same time.
    pub fn has_ties(&self) -> bool {
        self.has_ties
    }

    /// Those from `from` on, as a range of these, that lie before a place among the person's rows.
    pub fn before(&self, place: usize, from: usize) -> Range<usize> {
        if self.len == 0 || (self.places[self.len - 1] as usize) < place {
            return from..self.len;
        }
        let rest = &self.places[from..self.len];
        from..from + rest.iter().take_while(|&&active| (active as usize) < place).count()
    }

    /// The deepest step that the rows from `done` on that lie before a place reach in order without
    /// a window; moves `done` behind them. Where no two of them are tied and the
    /// funnel forbids nothing, the first row for each step is the best; else ask the engine.
    pub fn plain_level(&self, place: usize, done: &mut usize, kinds: &KindTable) -> usize {
        let rest = self.places[..self.len].iter().zip(&self.kinds).skip(*done);
        let mut level = 0;
        for (_, &kind) in rest.take_while(|(active, _)| (**active as usize) < place) {
            level += usize::from(kinds.serves(kind, level));
            *done += 1;
        }
        level
    }

    pub fn rows(&self, range: &Range<usize>) -> Rows<'_> {
        Rows { times_us: &self.times_us[range.clone()], kinds: &self.kinds[range.clone()] }
    }

    /// The places among all of the person's rows.
    pub fn places(&self, range: &Range<usize>) -> &[u32] {
        &self.places[range.clone()]
    }

    pub fn len(&self) -> usize {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::funnel::engine::{Engine, Observation, Rules, Tie};
    use crate::funnel::kinds::KindRoles;
    use proptest::prelude::*;

    fn table(steps: &[Vec<u16>]) -> KindTable {
        let mut kinds = KindTable::new();
        for steps in steps {
            kinds.push(&KindRoles { steps: steps.clone(), ..KindRoles::default() });
        }
        kinds
    }

    proptest! {
        #[test]
        fn the_plain_way_reaches_what_the_engine_reaches(
            kinds_of_rows in prop::collection::vec(0_u32..4, 0..12),
            gaps in prop::collection::vec(1_i64..3, 12),
        ) {
            // Step 1; steps 1 and 3; step 2; nothing.
            let kinds = table(&[vec![0], vec![2, 0], vec![1], vec![]]);
            let mut at_us = 0;
            let times_us: Vec<i64> =
                kinds_of_rows.iter().zip(&gaps).map(|(_, gap)| { at_us += gap; at_us }).collect();
            let rows = Rows { times_us: &times_us, kinds: &kinds_of_rows };
            let rules = Rules { step_count: 3, ..Rules::default() };
            let seen = Observation { entries_us: i64::MIN..i64::MAX, as_of_us: 100, closes_us: None };
            let level = Engine::new(&rules, &kinds).level(rows, &seen, Tie::Step);
            let active = ActiveRows {
                len: rows.len(),
                places: (0..rows.len() as u32).collect(),
                times_us: times_us.clone(),
                kinds: kinds_of_rows.clone(),
                has_ties: false,
            };
            let mut done = 0;
            prop_assert_eq!(active.plain_level(rows.len(), &mut done, &kinds), level);
            prop_assert_eq!(done, rows.len());
        }
    }
}
