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
    times_us: Vec<i64>,
    kinds: Vec<u32>,
    places: Vec<u32>,
}

impl ActiveRows {
    /// Takes the rows of another person.
    pub fn fill(&mut self, rows: &PersonRows<'_>, kinds: &KindTable) {
        self.times_us.clear();
        self.kinds.clear();
        self.places.clear();
        for (place, (&time_us, &kind)) in rows.times_us.iter().zip(rows.kinds).enumerate() {
            if !kinds.is_idle(kind) {
                self.times_us.push(time_us);
                self.kinds.push(kind);
                self.places.push(place as u32);
            }
        }
    }

    /// Those of a range of the person's rows, as a range of these.
    pub fn within(&self, rows: &Range<usize>) -> Range<usize> {
        let from = self.places.partition_point(|&place| (place as usize) < rows.start);
        let to = from + self.places[from..].partition_point(|&place| (place as usize) < rows.end);
        from..to
    }

    pub fn rows(&self, range: &Range<usize>) -> Rows<'_> {
        Rows { times_us: &self.times_us[range.clone()], kinds: &self.kinds[range.clone()] }
    }

    /// The place among all of the person's rows.
    pub fn place(&self, active: usize) -> usize {
        self.places[active] as usize
    }
}

/// The deepest step that a unit's rows reach in order without a window, where that needs no
/// search: no forbidden rows, no arrows and no two rows at one instant. `None` where it does.
pub fn plain_level(rows: Rows<'_>, kinds: &KindTable) -> Option<usize> {
    if kinds.forbids() || kinds.blocks() {
        return None;
    }
    let mut level = 0;
    let mut before_us = None;
    for (&time_us, &kind) in rows.times_us.iter().zip(rows.kinds) {
        if before_us.replace(time_us) == Some(time_us) {
            return None;
        }
        level += usize::from(kinds.serves(kind, level));
    }
    Some(level)
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
            gaps in prop::collection::vec(0_i64..3, 12),
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
            if let Some(plain) = plain_level(rows, &kinds) {
                prop_assert_eq!(plain, level);
            }
            prop_assert_eq!(plain_level(rows, &kinds).is_none(), rows.has_ties());
        }
    }
}
