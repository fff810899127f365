//! What a funnel asks: steps, window, unit, tie rule. How a row of a given kind may serve it.

use super::engine::{OptionalStep, Rules, Tie};
use super::kinds::KindRoles;
use super::steps::{EventSpec, StepSpec};
use crate::condition::Condition;
use serde::{Deserialize, Serialize};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// A person, with all their rows.
    #[default]
    Person,
    /// A rebuilt session: only its own rows, and the window applies too.
    Session,
}

impl Unit {
    pub fn name(self) -> &'static str {
        match self {
            Unit::Person => "person",
            Unit::Session => "session",
        }
    }

    pub fn plural(self) -> &'static str {
        match self {
            Unit::Person => "people",
            Unit::Session => "sessions",
        }
    }
}

impl std::str::FromStr for Unit {
    type Err = String;

    fn from_str(text: &str) -> Result<Unit, String> {
        [Unit::Person, Unit::Session]
            .into_iter()
            .find(|unit| unit.name() == text)
            .ok_or_else(|| format!("{text:?} is not person or session"))
    }
}

/// One funnel, with every rule settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Funnel {
    pub name: String,
    /// In order; the first and the last are required.
    pub steps: Vec<StepSpec>,
    /// From step 1 to any later step, inclusive; `None` has no limit.
    pub window_us: Option<i64>,
    pub unit: Unit,
    pub tie: Tie,
}

impl Funnel {
    /// The required steps, in order: those that the numbers of a report count.
    pub fn required(&self) -> impl Iterator<Item = &StepSpec> {
        self.steps.iter().filter(|step| !step.optional)
    }

    /// Each optional step, with the number of required steps before it.
    pub fn optional(&self) -> impl Iterator<Item = (usize, &StepSpec)> {
        let mut required = 0;
        self.steps.iter().filter_map(move |step| {
            if step.optional {
                return Some((required, step));
            }
            required += 1;
            None
        })
    }

    pub fn step_count(&self) -> usize {
        self.required().count()
    }

    pub fn rules(&self) -> Rules {
        Rules {
            step_count: self.step_count(),
            optional: self.optional().map(|(before, _)| OptionalStep { after: before - 1 }).collect(),
            window_us: self.window_us,
            tie: self.tie,
        }
    }

    /// Every event test of the funnel: of steps and of what must not lie between them.
    pub fn event_specs(&self) -> impl Iterator<Item = &EventSpec> {
        self.steps.iter().flat_map(|step| step.events.iter().chain(&step.not))
    }

    /// What rows of one kind may do in this funnel. `holds` tells what the row's conditions found.
    pub fn roles(&self, event: Option<&str>, holds: impl Fn(&Condition) -> bool) -> KindRoles {
        let fits = |spec: &EventSpec| {
            event.is_some_and(|event| spec.pattern.matches(event))
                && spec.condition.as_ref().is_none_or(&holds)
        };
        let mut roles = KindRoles::default();
        let (mut required, mut optional) = (0_u16, 0_u16);
        for step in &self.steps {
            let serves = step.events.iter().any(fits);
            if step.optional {
                if serves {
                    roles.optional.push(optional);
                }
                optional += 1;
                continue;
            }
            if serves {
                roles.steps.push(required);
            }
            if required > 0 && step.not.iter().any(fits) {
                roles.breaks.push(required - 1);
            }
            required += 1;
        }
        roles.steps.reverse();
        roles
    }
}
