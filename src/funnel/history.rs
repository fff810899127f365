//! What a row's kind does not show: which occurrence in the person's history it is, and whether it
//! has the value that its unit is about.
//!
//! A row that may not serve some steps that its kind serves gets a kind of its own, a *variant*. Another
//! occurrence matches its step all the same, so that it may be a repetition or out of order; a row
//! with another value does not match the held steps of the unit.
//! Variants are added to the table of kinds once, behind the kinds of the log; rows are given them
//! person by person.

use super::definition::{Restriction, Withheld};
use super::kinds::{KindRoles, KindTable};
use std::collections::HashMap;
use std::ops::Range;

/// The variants of the kinds of one funnel.
#[derive(Debug, Clone)]
pub struct Variants {
    restrictions: Vec<Restriction>,
    /// By kind and the restrictions that bite, one bit each.
    numbers: HashMap<(u32, u8), u32>,
    /// By kind: the restrictions that concern it.
    concerned: Vec<u8>,
}

/// What the history of one person says about each of its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// By row: the restrictions that bite.
    bites: Vec<u8>,
    /// By step: whether no later row can serve it, for `Limits::spent`.
    pub spent: Vec<bool>,
}

/// The rows of a person that belong to one value, as a unit of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValueUnit {
    pub value: u32,
    /// Places among the person's rows, in order.
    pub places: Vec<u32>,
    /// The kind of each of these rows in this unit.
    pub kinds: Vec<u32>,
}

/// How a person falls into units.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValueUnits {
    /// In the order of the first row of each value.
    pub units: Vec<ValueUnit>,
    /// Rows that could have served and have no value.
    pub no_value: usize,
}

impl Variants {
    /// Adds the variants of all kinds of the table. `roles` tells what a kind may do without some
    /// steps. Panics if there are more than 8 restrictions.
    pub fn new(
        restrictions: Vec<Restriction>,
        table: &mut KindTable,
        roles: impl Fn(u32, &Withheld) -> KindRoles,
    ) -> Variants {
        assert!(restrictions.len() <= 8, "one bit for each restriction");
        let mut numbers = HashMap::new();
        let mut concerned = Vec::new();
        for kind in 0..table.len() as u32 {
            let concerns = |restriction: &Restriction| {
                restriction.steps().iter().any(|&step| table.serves(kind, step.into()))
            };
            let bits = restrictions.iter().enumerate().filter(|(_, restriction)| concerns(restriction));
            concerned.push(bits.fold(0_u8, |all, (bit, _)| all | 1 << bit));
        }
        for (kind, &concerns) in concerned.iter().enumerate() {
            for bites in (1..=concerns).filter(|bites| bites & !concerns == 0) {
                let biting = restrictions.iter().enumerate().filter(|(bit, _)| bites >> bit & 1 == 1);
                let mut withheld = Withheld::default();
                biting.for_each(|(_, restriction)| withheld.add(restriction));
                let variant = table.push(&roles(kind as u32, &withheld));
                numbers.insert((kind as u32, bites), variant);
            }
        }
        Variants { restrictions, numbers, concerned }
    }

    /// The kind of a row of this kind where some restrictions bite.
    fn kind(&self, kind: u32, bites: u8) -> u32 {
        let bites = bites & self.concerned[kind as usize];
        if bites == 0 { kind } else { self.numbers[&(kind, bites)] }
    }

    /// Goes over all rows of a person, also those before the range of the report.
    pub fn history(&self, kinds: &[u32], table: &KindTable, history: &mut History) {
        history.bites.clear();
        history.bites.resize(kinds.len(), 0);
        history.spent.clear();
        for (bit, restriction) in self.restrictions.iter().enumerate() {
            let Restriction::Nth { step, nth } = restriction else { continue };
            let mut seen = 0_u32;
            for (row, &kind) in kinds.iter().enumerate() {
                if table.serves(kind, usize::from(*step)) {
                    seen = seen.saturating_add(1);
                    history.bites[row] |= u8::from(seen != *nth) << bit;
                }
            }
            let steps = history.spent.len().max(usize::from(*step) + 1);
            history.spent.resize(steps, false);
            history.spent[usize::from(*step)] = seen >= *nth;
        }
    }

    /// The kinds of all rows of a person that is one unit.
    pub fn kinds(&self, kinds: &[u32], history: &History, variants: &mut Vec<u32>) {
        variants.clear();
        variants.extend(kinds.iter().zip(&history.bites).map(|(&kind, &bites)| self.kind(kind, bites)));
    }

    /// The kinds of rows none of which may serve a held step, where a unit has no value at all.
    pub fn without_value(&self, kinds: &[u32], history: &History) -> Vec<u32> {
        let held = self.held_bits();
        kinds.iter().zip(&history.bites).map(|(&kind, &bites)| self.kind(kind, bites | held)).collect()
    }

    fn held_bits(&self) -> u8 {
        let held = self.restrictions.iter().enumerate();
        let held = held.filter(|(_, restriction)| matches!(restriction, Restriction::Held { .. }));
        held.fold(0_u8, |all, (bit, _)| all | 1 << bit)
    }

    /// Splits a person by the value of each row (`None`: it has none). A row that serves a held
    /// step does so in the unit of its value only; in all others, and without a value in every one, it
    /// is there for what else it does, such as to forbid. Rows that do nothing are left out.
    pub fn by_value(
        &self,
        kinds: &[u32],
        values: &[Option<u32>],
        table: &KindTable,
        history: &History,
    ) -> ValueUnits {
        let held_bits = self.held_bits();
        let mut shared: Vec<(u32, u32)> = Vec::new();
        let mut own: Vec<Vec<(u32, u32)>> = Vec::new();
        let mut found = ValueUnits::default();
        let mut numbers: HashMap<u32, usize> = HashMap::new();
        for (place, (&kind, &value)) in kinds.iter().zip(values).enumerate() {
            let is_held = self.concerned[kind as usize] & held_bits != 0;
            let bites = history.bites[place];
            if is_held {
                match value {
                    None => found.no_value += 1,
                    Some(value) => {
                        let number = *numbers.entry(value).or_insert_with(|| {
                            found.units.push(ValueUnit { value, ..ValueUnit::default() });
                            own.push(Vec::new());
                            own.len() - 1
                        });
                        own[number].push((place as u32, self.kind(kind, bites)));
                    }
                }
            }
            let elsewhere = self.kind(kind, bites | held_bits);
            if !table.is_idle(elsewhere) {
                shared.push((place as u32, elsewhere));
            }
        }
        for (unit, own) in found.units.iter_mut().zip(own) {
            let mut shared = shared.iter().copied().peekable();
            for row in own {
                while let Some(before) = shared.next_if(|&(place, _)| place < row.0) {
                    unit.add(before);
                }
                shared.next_if(|&(place, _)| place == row.0);
                unit.add(row);
            }
            shared.for_each(|row| unit.add(row));
        }
        found
    }
}

impl History {
    /// The same of a range of the rows.
    pub fn part(&self, rows: Range<usize>) -> History {
        History { bites: self.bites[rows].to_vec(), spent: self.spent.clone() }
    }
}

impl ValueUnit {
    fn add(&mut self, (place, kind): (u32, u32)) {
        self.places.push(place);
        self.kinds.push(kind);
    }
}

/// Splits a person by the value of a column: the rows of each value, and nothing else. Rows
/// without a value belong to no unit.
pub fn by_column(kinds: &[u32], values: &[Option<u32>]) -> ValueUnits {
    let mut found = ValueUnits::default();
    let mut numbers: HashMap<u32, usize> = HashMap::new();
    for (place, (&kind, &value)) in kinds.iter().zip(values).enumerate() {
        let Some(value) = value else {
            found.no_value += 1;
            continue;
        };
        let number = *numbers.entry(value).or_insert_with(|| {
            found.units.push(ValueUnit { value, ..ValueUnit::default() });
            found.units.len() - 1
        });
        found.units[number].add((place as u32, kind));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::funnel::engine::{Engine, Limits, Observation, Rows, Rules};
    use proptest::prelude::*;

    /// Kind 0 serves step 0, kind 1 serves 1, kind 2 serves both, kind 3 forbids, kind 4 serves 0 and forbids, 5 is idle.
    /// Whatever matches step 0 blocks the gap behind it, as a repetition would.
    fn roles(kind: u32, withheld: &Withheld) -> KindRoles {
        let steps: &[u16] = match kind {
            0 | 4 => &[0],
            1 => &[1],
            2 => &[0, 1],
            _ => &[],
        };
        KindRoles {
            steps: steps.iter().copied().filter(|step| serves(withheld, step)).collect(),
            breaks: if kind == 3 || kind == 4 { vec![0] } else { vec![] },
            blocks: if steps.contains(&0) && !withheld.matching.contains(&0) { vec![0] } else { vec![] },
            ..KindRoles::default()
        }
    }

    fn serves(withheld: &Withheld, step: &u16) -> bool {
        !withheld.serving.contains(step) && !withheld.matching.contains(step)
    }

    fn table(restrictions: Vec<Restriction>) -> (KindTable, Variants) {
        let mut table = KindTable::new();
        for kind in 0..6 {
            table.push(&roles(kind, &Withheld::default()));
        }
        let variants = Variants::new(restrictions, &mut table, roles);
        (table, variants)
    }

    #[test]
    fn only_the_wanted_occurrence_serves() {
        let (table, variants) =
            table(vec![Restriction::Nth { step: 0, nth: 2 }, Restriction::Nth { step: 1, nth: 1 }]);
        let log = [1, 0, 5, 2, 0, 1];
        let mut history = History::default();
        variants.history(&log, &table, &mut history);
        assert_eq!(history.spent, [true, true]);
        let mut kinds = Vec::new();
        variants.kinds(&log, &history, &mut kinds);
        let steps: Vec<&[u16]> = kinds.iter().map(|&kind| table.steps(kind)).collect();
        // Step 0 is matched by rows 1, 3, 4; step 1 by rows 0, 3, 5.
        assert_eq!(steps, [&[1][..], &[], &[], &[0], &[], &[]]);
        variants.history(&log[..2], &table, &mut history);
        assert_eq!(history.spent, [false, true]);
    }

    #[test]
    fn rows_without_a_value_are_counted_where_they_could_have_served() {
        let (table, variants) = table(vec![Restriction::Held { steps: vec![1] }]);
        let mut history = History::default();
        let log = [0, 1, 2, 3, 5, 1];
        variants.history(&log, &table, &mut history);
        let values = [None, Some(7), None, None, None, Some(8)];
        let found = variants.by_value(&log, &values, &table, &history);
        assert_eq!(found.no_value, 1);
        let places: Vec<(u32, &[u32])> =
            found.units.iter().map(|unit| (unit.value, unit.places.as_slice())).collect();
        // Row 0 and, for its first step, row 2 belong to all values; row 3 forbids in all.
        assert_eq!(places, [(7, &[0, 1, 2, 3][..]), (8, &[0, 2, 3, 5])]);
        assert_eq!(table.steps(found.units[0].kinds[2]), [0]);
    }

    #[test]
    fn rows_of_a_column_are_a_unit_and_others_are_in_none() {
        let found = by_column(&[4, 0, 1, 5], &[Some(2), None, Some(1), Some(2)]);
        let units: Vec<(u32, &[u32], &[u32])> = found
            .units
            .iter()
            .map(|unit| (unit.value, unit.places.as_slice(), unit.kinds.as_slice()))
            .collect();
        assert_eq!(units, [(2, &[0, 3][..], &[4, 5][..]), (1, &[2], &[1])]);
        assert_eq!(found.no_value, 1);
    }

    proptest! {
        /// Leaving rows out changes nothing: each value is followed as if all rows were looked at for it.
        #[test]
        fn a_unit_of_a_value_is_what_all_rows_say_about_it(
            rows in prop::collection::vec((0_u32..6, prop::option::of(0_u32..3)), 0..12),
            held in prop::sample::select(vec![vec![0], vec![1], vec![0, 1]]),
            nth in 1_u32..4,
            nth_step in 0_u16..2,
        ) {
            let restrictions =
                vec![Restriction::Nth { step: nth_step, nth }, Restriction::Held { steps: held.clone() }];
            let (table, variants) = table(restrictions);
            let (log, values): (Vec<u32>, Vec<Option<u32>>) = rows.iter().copied().unzip();
            let mut history = History::default();
            variants.history(&log, &table, &mut history);
            let rules = Rules { step_count: 2, window_us: Some(6), ..Rules::default() };
            let seen = Observation { entries_us: i64::MIN..i64::MAX, as_of_us: 12, closes_us: None };
            let limits = Limits { spent: &history.spent, ..Limits::default() };
            for unit in variants.by_value(&log, &values, &table, &history).units {
                let mut occurrence = 0;
                let mut all = KindTable::new();
                for (&kind, &value) in log.iter().zip(&values) {
                    let mut withheld = Withheld::default();
                    if roles(kind, &withheld).steps.contains(&nth_step) {
                        occurrence += 1;
                        withheld.serving.extend((occurrence != nth).then_some(nth_step));
                    }
                    if value != Some(unit.value) {
                        withheld.matching.extend(&held);
                    }
                    all.push(&roles(kind, &withheld));
                }
                let (times, every): (Vec<i64>, Vec<u32>) = (0..log.len() as u32).map(|row| (i64::from(row), row)).unzip();
                let plain = Engine::new(&rules, &all)
                    .run_within(Rows { times_us: &times, kinds: &every }, limits, &seen)
                    .clone();
                let times: Vec<i64> = unit.places.iter().map(|&place| place.into()).collect();
                let mut split = Engine::new(&rules, &table)
                    .run_within(Rows { times_us: &times, kinds: &unit.kinds }, limits, &seen)
                    .clone();
                for row in split.chain.iter_mut().chain(&mut split.first_entry) {
                    *row = unit.places[*row as usize];
                }
                prop_assert_eq!(split, plain);
            }
        }
    }
}
