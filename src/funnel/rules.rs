//! Other tools' rules, each as settings of ours and nothing else.
//!
//! A set of rules is what a funnel starts from; every key that is written overrides it. The
//! settings restate what the tools document and what their sources show (definitions, section 2); the
//! products were not run. Where a tool measures in a way that no setting expresses, its rule says so here:
//!
//! - `clickhouse`: under strict time it keeps one state for each level and lets a newer row overwrite
//!   it, so it misses chains that are there; we find them.
//! - `amplitude`: "the same second" is a second of the clock there, and a distance of less than a second here.
//! - `mixpanel-reentry`: its two seconds of grace are left out, since they leave no row the first one for a step.

use super::definition::{Admits, Repeats, RowRule};
use super::engine::Tie;
use super::options::{Blocked, Choice, Entry, Exclusion, Order};
use super::steps::{name_of, one_of};
use crate::event::{DAY_US, SECOND_US};

/// Whose rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RuleSet {
    #[default]
    Dropoff,
    ClickHouse,
    PostHog,
    Mixpanel,
    MixpanelReentry,
    Amplitude,
    Ga4,
    FirstOccurrence,
    Doris,
    Pinot,
}

/// The time that a chain has, where none is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PresetWindow {
    /// From the first step to any other.
    Total(i64),
    /// From each step to the next; a window that is written is one for each step too.
    PerStep,
    None,
}

/// One set of rules, as settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preset {
    pub set: RuleSet,
    pub window: PresetWindow,
    /// Whether the last instant of the window is outside.
    pub ends_exclusive: bool,
    pub tie: Tie,
    pub tolerance_us: i64,
    pub row: RowRule,
    pub entry: Entry,
    pub choice: Choice,
    pub exclusion: Exclusion,
    pub blocked: Blocked,
    pub repeats: Repeats,
    pub admits: Admits,
}

const OURS: Preset = Preset {
    set: RuleSet::Dropoff,
    window: PresetWindow::Total(7 * DAY_US),
    ends_exclusive: false,
    tie: Tie::Step,
    tolerance_us: 0,
    row: RowRule::One,
    entry: Entry::Any,
    choice: Choice::EarliestStart,
    exclusion: Exclusion::Void,
    blocked: Blocked::VoidsChain,
    repeats: Repeats::AnyReached,
    admits: Admits::Nothing,
};

/// All sets of rules; what is not named is as ours.
const PRESETS: [Preset; 10] = [
    OURS,
    Preset {
        set: RuleSet::ClickHouse,
        row: RowRule::Many,
        blocked: Blocked::EndsSearch,
        repeats: Repeats::AfterFirst,
        admits: Admits::AnyReached,
        ..OURS
    },
    Preset {
        set: RuleSet::PostHog,
        window: PresetWindow::Total(14 * DAY_US),
        choice: Choice::LatestStart,
        exclusion: Exclusion::Remove,
        admits: Admits::LastReached,
        ..OURS
    },
    Preset {
        set: RuleSet::Mixpanel,
        tolerance_us: 2 * SECOND_US,
        entry: Entry::First,
        exclusion: Exclusion::Drop,
        ..OURS
    },
    Preset { set: RuleSet::MixpanelReentry, choice: Choice::LatestStart, ..OURS },
    Preset {
        set: RuleSet::Amplitude,
        window: PresetWindow::Total(DAY_US),
        tolerance_us: SECOND_US - 1,
        ..OURS
    },
    Preset { set: RuleSet::Ga4, window: PresetWindow::PerStep, ..OURS },
    Preset {
        set: RuleSet::FirstOccurrence,
        window: PresetWindow::None,
        tie: Tie::Strict,
        entry: Entry::First,
        choice: Choice::FirstRows,
        ..OURS
    },
    Preset { set: RuleSet::Doris, tie: Tie::File, choice: Choice::FirstRows, ..OURS },
    Preset {
        set: RuleSet::Pinot,
        ends_exclusive: true,
        row: RowRule::First,
        choice: Choice::FirstRows,
        repeats: Repeats::LastReached,
        ..OURS
    },
];

impl Preset {
    /// These rules where other keys are written: what has no meaning beside them is as ours. Attempts
    /// one after the other need an order; rows that change places need one that is forgiven.
    pub fn beside(self, tie: Tie, order: Order, open: bool) -> Preset {
        let is_ordered = order == Order::Ordered;
        let of_attempts = if is_ordered && !open { self.clone() } else { OURS };
        Preset {
            entry: of_attempts.entry,
            choice: of_attempts.choice,
            exclusion: of_attempts.exclusion,
            blocked: of_attempts.blocked,
            tolerance_us: if is_ordered && tie == Tie::Step { self.tolerance_us } else { 0 },
            ..self
        }
    }
}

impl RuleSet {
    pub const ALL: [(&'static str, RuleSet); 10] = [
        ("dropoff", RuleSet::Dropoff),
        ("clickhouse", RuleSet::ClickHouse),
        ("posthog", RuleSet::PostHog),
        ("mixpanel", RuleSet::Mixpanel),
        ("mixpanel-reentry", RuleSet::MixpanelReentry),
        ("amplitude", RuleSet::Amplitude),
        ("ga4", RuleSet::Ga4),
        ("first-occurrence", RuleSet::FirstOccurrence),
        ("doris", RuleSet::Doris),
        ("pinot", RuleSet::Pinot),
    ];

    pub fn name(self) -> &'static str {
        name_of(self, &RuleSet::ALL)
    }

    /// What the tool does where nothing else is asked.
    pub fn preset(self) -> Preset {
        PRESETS.into_iter().find(|preset| preset.set == self).unwrap_or(OURS)
    }
}

impl std::str::FromStr for RuleSet {
    type Err = String;

    fn from_str(text: &str) -> Result<RuleSet, String> {
        one_of(text, &RuleSet::ALL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::funnel::engine::Rules;
    use crate::funnel::options::Options;

    #[test]
    fn every_set_has_a_name_and_settings_of_its_own_that_make_sense() {
        for (name, set) in RuleSet::ALL {
            assert_eq!(name.parse(), Ok(set));
            let preset = set.preset();
            assert_eq!((set.name(), preset.set), (name, set));
            let options = Options {
                exclusion: preset.exclusion,
                blocked: preset.blocked,
                entry: preset.entry,
                choice: preset.choice,
                tolerance_us: preset.tolerance_us,
                ..Options::default()
            };
            let rules = Rules { step_count: 2, tie: preset.tie, options, ..Rules::default() };
            assert_eq!(rules.check(true), Ok(()), "{name}");
        }
    }

    #[test]
    fn an_unknown_set_is_told_the_nearest() {
        let error = "click-house".parse::<RuleSet>().unwrap_err();
        assert!(error.ends_with("did you mean clickhouse?"), "{error}");
    }
}
