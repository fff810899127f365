//! What the steps of a chain are to one another, and how the places of a report are called by that.

use crate::funnel::definition::Funnel;
use crate::funnel::engine::Outcome;
use crate::funnel::options::Order;

/// Whether steps come in their order, and where people may enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// From the first step on, in order.
    #[default]
    Ordered,
    /// In order, and people may enter at any step.
    Open,
    /// In any order; anchored: the first step comes first.
    AnyOrder { anchored: bool },
}

/// How steps and levels are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepNames {
    /// By level: the name of the step that it ends with; in any order how many steps it is.
    pub levels: Vec<String>,
    /// The required steps'.
    pub steps: Vec<String>,
    pub optional: Vec<String>,
}

impl Shape {
    pub fn of(funnel: &Funnel) -> Shape {
        match funnel.terms.order {
            Order::Any { anchored } => Shape::AnyOrder { anchored },
            Order::Ordered if funnel.terms.open => Shape::Open,
            Order::Ordered => Shape::Ordered,
        }
    }

    pub fn is_any_order(self) -> bool {
        matches!(self, Shape::AnyOrder { .. })
    }

    /// Whether a row of any step is an entry, rather than one of the first step only.
    pub fn enters_anywhere(self) -> bool {
        matches!(self, Shape::Open | Shape::AnyOrder { anchored: false })
    }
}

impl StepNames {
    pub fn of(funnel: &Funnel) -> StepNames {
        let steps: Vec<String> = funnel.required().map(|step| step.name.clone()).collect();
        let levels = if Shape::of(funnel).is_any_order() {
            (1..=steps.len()).map(|level| format!("{level} of {} steps", steps.len())).collect()
        } else {
            steps.clone()
        };
        let optional = funnel.optional().map(|(_, step)| step.name.clone()).collect();
        StepNames { levels, steps, optional }
    }
}

/// The row of the winning chain that serves a required step, from 0.
pub fn chain_row(outcome: &Outcome, step: usize) -> Option<u32> {
    let place = if outcome.served.is_empty() {
        step.checked_sub(outcome.entered_at)?
    } else {
        outcome.served.iter().position(|&served| usize::from(served) == step)?
    };
    outcome.chain.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_of_a_step_is_found_in_every_shape() {
        let rows = |outcome: &Outcome| [0, 1, 2, 3].map(|step| chain_row(outcome, step));
        let ordered = Outcome { level: 2, chain: vec![5, 8], ..Outcome::default() };
        assert_eq!(rows(&ordered), [Some(5), Some(8), None, None]);
        let open = Outcome { level: 3, entered_at: 1, ..ordered.clone() };
        assert_eq!(rows(&open), [None, Some(5), Some(8), None]);
        let any = Outcome { served: vec![3, 0], ..ordered };
        assert_eq!(rows(&any), [Some(8), None, None, Some(5)]);
    }
}
