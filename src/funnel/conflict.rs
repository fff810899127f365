//! Settings of a funnel that make no sense together.

/// A setting, as the definition file calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    Funnel(&'static str),
    /// Of the step at this place in the list, from 0.
    Step(usize, &'static str),
    /// Of the step after this gap, counted from 0 between required steps.
    Gap(usize, &'static str),
    /// Of the first step that has it.
    SomeStep(&'static str),
    /// What only a set of rules says: there is no key for it.
    Rules,
}

/// Why settings cannot be followed together, and which: the one to look at first comes first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Conflict {
    pub reason: String,
    pub hint: Option<&'static str>,
    pub settings: Vec<Setting>,
}

impl Conflict {
    pub fn new(reason: impl Into<String>, settings: impl Into<Vec<Setting>>) -> Conflict {
        Conflict { reason: reason.into(), hint: None, settings: settings.into() }
    }

    pub fn with_hint(self, hint: &'static str) -> Conflict {
        Conflict { hint: Some(hint), ..self }
    }
}
