//! What a kind of row may do in one funnel, looked up by number.
//!
//! A kind is an interned pair of event name and truth of the conditions: whoever interns decides
//! which steps it matches, the engine never sees text. Most kinds of a real log have no part in
//! the funnel at all; kinds with the same part share a class, so that the engine's work and
//! memory depend on the few classes and not on the thousands of names.

use std::collections::HashMap;

/// The part one kind of row has in a funnel. All numbers count from 0; order and repeats do not matter.
///
/// Of rows of one instant those with the least part are used first. In a table, where lists run
/// downwards, the order is: by the steps that it may serve, the last one first, then by the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KindRoles {
    /// Required steps that a row of this kind may serve. A row serves one of them.
    pub steps: Vec<u16>,
    /// Gaps that it breaks: `k` means that it must not lie between the rows of steps `k` and `k + 1`.
    pub breaks: Vec<u16>,
    /// Gaps that it blocks, by the same numbers: an arrow does not allow it there. A chain cannot
    /// go past such a row, and other than a forbidden one it says nothing about the unit.
    pub blocks: Vec<u16>,
    /// Optional steps that it may serve, as places in [`Rules::optional`](super::engine::Rules::optional).
    pub optional: Vec<u16>,
}

/// The roles of a class of kinds, laid out for the engine. Lists run downwards.
#[derive(Debug, Clone)]
pub(super) struct Class {
    pub roles: KindRoles,
    /// Bit `k`: serves step `k`, of the first 64 steps. Asked of nearly every row.
    step_bits: u64,
}

impl Class {
    fn new(roles: KindRoles) -> Class {
        let bits = roles.steps.iter().map(|&step| 1_u64.checked_shl(step.into()).unwrap_or(0));
        Class { step_bits: bits.fold(0, |all, bit| all | bit), roles }
    }

    pub fn serves(&self, step: usize) -> bool {
        if step < 64 {
            self.step_bits >> step & 1 == 1
        } else {
            self.roles.steps.iter().any(|&served| usize::from(served) == step)
        }
    }

    pub fn breaks_gap(&self, gap: usize) -> bool {
        self.roles.breaks.iter().any(|&broken| usize::from(broken) == gap)
    }

    pub fn blocks_gap(&self, gap: usize) -> bool {
        self.roles.blocks.iter().any(|&blocked| usize::from(blocked) == gap)
    }

    pub fn may_be_optional(&self, optional: usize) -> bool {
        self.roles.optional.iter().any(|&served| usize::from(served) == optional)
    }
}

/// The class of kinds that have no part in the funnel.
pub(super) const IDLE: usize = 0;

/// The roles of every kind, in the order in which the kinds were interned.
#[derive(Debug, Clone)]
pub struct KindTable {
    class_of: Vec<u32>,
    /// By kind: the bits of its class, asked of every row.
    first_steps: Vec<u64>,
    classes: Vec<Class>,
    class_numbers: HashMap<KindRoles, u32>,
    forbids: bool,
    blocks: bool,
}

impl Default for KindTable {
    fn default() -> Self {
        KindTable::new()
    }
}

impl KindTable {
    /// A table without kinds.
    pub fn new() -> KindTable {
        let idle = KindRoles::default();
        KindTable {
            class_of: Vec::new(),
            first_steps: Vec::new(),
            classes: vec![Class::new(idle.clone())],
            class_numbers: HashMap::from([(idle, IDLE as u32)]),
            forbids: false,
            blocks: false,
        }
    }

    /// Adds the next kind and returns its number: 0, 1, 2 and so on.
    pub fn push(&mut self, roles: &KindRoles) -> u32 {
        let mut sorted = roles.clone();
        for list in [&mut sorted.steps, &mut sorted.breaks, &mut sorted.blocks, &mut sorted.optional] {
            list.sort_unstable_by(|a, b| b.cmp(a));
            list.dedup();
        }
        let class = match self.class_numbers.get(&sorted) {
            Some(&class) => class,
            None => {
                let class = self.classes.len() as u32;
                self.classes.push(Class::new(sorted.clone()));
                self.class_numbers.insert(sorted, class);
                class
            }
        };
        self.forbids |= !roles.breaks.is_empty();
        self.blocks |= !roles.blocks.is_empty();
        let kind = self.class_of.len() as u32;
        self.class_of.push(class);
        self.first_steps.push(self.classes[class as usize].step_bits);
        kind
    }

    /// How many kinds there are.
    pub fn len(&self) -> usize {
        self.class_of.len()
    }

    pub fn is_empty(&self) -> bool {
        self.class_of.is_empty()
    }

    /// Required steps that the kind may serve, last step first. Panics if no such kind was pushed.
    pub fn steps(&self, kind: u32) -> &[u16] {
        &self.class(self.class_number(kind)).roles.steps
    }

    /// Gaps that the kind breaks, last gap first. Panics if no such kind was pushed.
    pub fn breaks(&self, kind: u32) -> &[u16] {
        &self.class(self.class_number(kind)).roles.breaks
    }

    /// Optional steps that the kind may serve, last first. Panics if no such kind was pushed.
    pub fn optional(&self, kind: u32) -> &[u16] {
        &self.class(self.class_number(kind)).roles.optional
    }

    /// Whether the kind has no part in the funnel at all. Panics if no such kind was pushed.
    pub fn is_idle(&self, kind: u32) -> bool {
        self.class_number(kind) == IDLE
    }

    /// Whether the kind may serve a required step, from 0. Panics if no such kind was pushed.
    #[inline]
    pub fn serves(&self, kind: u32, step: usize) -> bool {
        if step < 64 {
            self.first_steps(kind) >> step & 1 == 1
        } else {
            self.class(self.class_number(kind)).serves(step)
        }
    }

    /// Bit `k`: the kind may serve required step `k`, of the first 64. Panics if no such kind was pushed.
    #[inline]
    pub fn first_steps(&self, kind: u32) -> u64 {
        self.first_steps[kind as usize]
    }

    /// The same, by kind.
    pub(super) fn first_steps_of_all(&self) -> &[u64] {
        &self.first_steps
    }

    /// The deepest step that rows of these kinds reach, one after the other, where each step takes the first
    /// row that may serve it. Where no two rows have the same time and nothing but the order of
    /// steps is asked, no other rows reach a deeper one.
    #[inline]
    pub fn climb(&self, kinds: &[u32]) -> usize {
        let mut level = 0;
        let mut rest = kinds.iter();
        while rest.any(|&kind| self.serves(kind, level)) {
            level += 1;
        }
        level
    }

    /// Whether some kind breaks a gap.
    pub fn forbids(&self) -> bool {
        self.forbids
    }

    /// Whether some kind blocks a gap.
    pub fn blocks(&self) -> bool {
        self.blocks
    }

    /// The same kinds in the funnel that begins with a later step: `first` is its step 0.
    pub(super) fn beginning_with(&self, first: usize) -> KindTable {
        let later = |list: &[u16]| {
            list.iter().filter_map(|&at| usize::from(at).checked_sub(first)).map(|at| at as u16).collect()
        };
        let mut table = KindTable::new();
        for &class in &self.class_of {
            let roles = &self.classes[class as usize].roles;
            table.push(&KindRoles {
                steps: later(&roles.steps),
                breaks: later(&roles.breaks),
                blocks: later(&roles.blocks),
                optional: roles.optional.clone(),
            });
        }
        table
    }

    pub(super) fn class_number(&self, kind: u32) -> usize {
        self.class_of[kind as usize] as usize
    }

    pub(super) fn class_count(&self) -> usize {
        self.classes.len()
    }

    pub(super) fn class(&self, number: usize) -> &Class {
        &self.classes[number]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::funnel::engine::{Engine, Observation, Rows, Rules, Tie};
    use proptest::prelude::*;

    fn roles(steps: &[u16], breaks: &[u16]) -> KindRoles {
        KindRoles { steps: steps.to_vec(), breaks: breaks.to_vec(), ..KindRoles::default() }
    }

    #[test]
    fn lists_run_downwards_without_repeats() {
        let mut table = KindTable::new();
        let kind = table.push(&KindRoles {
            steps: vec![1, 3, 1],
            breaks: vec![0, 2],
            blocks: Vec::new(),
            optional: vec![0, 5],
        });
        assert_eq!(table.steps(kind), [3, 1]);
        assert_eq!(table.breaks(kind), [2, 0]);
        assert_eq!(table.optional(kind), [5, 0]);
    }

    #[test]
    fn kinds_with_the_same_part_share_a_class() {
        let mut table = KindTable::new();
        let kinds: Vec<u32> = [roles(&[], &[]), roles(&[0, 2], &[]), roles(&[2, 0], &[]), roles(&[0], &[])]
            .iter()
            .map(|roles| table.push(roles))
            .collect();
        assert_eq!(kinds, [0, 1, 2, 3]);
        assert_eq!(table.class_number(0), IDLE);
        assert_eq!(table.class_number(1), table.class_number(2));
        assert_ne!(table.class_number(1), table.class_number(3));
        assert_eq!((table.len(), table.class_count()), (4, 3));
    }

    #[test]
    fn a_new_table_has_no_kinds() {
        assert!(KindTable::new().is_empty());
    }

    proptest! {
        #[test]
        fn climbing_reaches_what_the_engine_reaches(
            kinds_of_rows in prop::collection::vec(0_u32..4, 0..12),
            gaps in prop::collection::vec(1_i64..3, 12),
        ) {
            // Step 1; steps 1 and 3; step 2; nothing.
            let mut kinds = KindTable::new();
            for roles in [roles(&[0], &[]), roles(&[2, 0], &[]), roles(&[1], &[]), roles(&[], &[])] {
                kinds.push(&roles);
            }
            let mut at_us = 0;
            let times_us: Vec<i64> =
                kinds_of_rows.iter().zip(&gaps).map(|(_, gap)| { at_us += gap; at_us }).collect();
            let rows = Rows { times_us: &times_us, kinds: &kinds_of_rows };
            let rules = Rules { step_count: 3, ..Rules::default() };
            let seen = Observation { entries_us: i64::MIN..i64::MAX, as_of_us: 100, closes_us: None };
            let level = Engine::new(&rules, &kinds).level(rows, &seen, Tie::Step);
            prop_assert_eq!(kinds.climb(&kinds_of_rows), level);
        }
    }
}
