//! What a funnel may ask beyond steps, one window and a tie rule, and which requests make no sense together.
//!
//! Each option is one parameter of the engine; the rules of other tools are settings of them
//! (see `rules`) and nothing else. By default all of them are off, and the engine takes its
//! shortest way.

use super::conflict::Conflict;
use super::conflict::Setting::{self, Funnel, Gap, SomeStep};
use super::engine::{Rules, Tie};
use super::steps::name_of;

/// How far apart the rows of two required steps that follow one another may lie. Both bounds are inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GapLimits {
    /// Longest time since the row of the step before; `None`: no limit.
    pub within_us: Option<i64>,
    /// Shortest time since that row; 0: no limit.
    pub after_us: i64,
}

/// What a forbidden row does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Exclusion {
    /// It must not lie between two rows of a chain; any other chain counts.
    #[default]
    Void,
    /// The first attempt that meets one freezes the unit there: what comes later is not looked at.
    Drop,
    /// As `Drop`, and the unit is counted apart and is in no denominator.
    Remove,
}

impl Exclusion {
    pub const NAMES: [(&'static str, Exclusion); 3] =
        [("void", Exclusion::Void), ("drop", Exclusion::Drop), ("remove", Exclusion::Remove)];

    pub fn name(self) -> &'static str {
        name_of(self, &Exclusion::NAMES)
    }
}

/// What a row does that must not lie between two steps because of an arrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Blocked {
    /// It must not lie between two rows of a chain; any other chain counts.
    #[default]
    VoidsChain,
    /// The first attempt that meets one ends the search: what comes later is not looked at.
    EndsSearch,
}

/// Which rows of the first step may start a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Entry {
    #[default]
    Any,
    /// The unit's first one in the range of entries, and no other.
    First,
    /// One that is not inside an attempt that still runs. Attempts take the first row for each step.
    Successive,
}

/// Which of the longest chains wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Choice {
    /// The one that starts first, then the one whose later rows come first.
    #[default]
    EarliestStart,
    /// Of tries that take the first row for each step, the one that got there first, then the one that started last.
    LatestStart,
    /// Of tries that take the first row for each step, the one that starts first. No later row is tried for a step.
    FirstRows,
}

/// How many steps of a chain one row may serve. That a row belongs to the first step it matches
/// and to no other is settled in the roles of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RowUse {
    #[default]
    One,
    /// All those that it matches and that follow one another.
    Many,
}

/// Whether the steps come in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Order {
    #[default]
    Ordered,
    /// Any distinct steps, served by distinct rows, count.
    Any {
        /// The first step has to come first.
        anchored: bool,
    },
}

/// All options of one funnel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// By gap, counted from 0; gaps beyond the list have no limits.
    pub gaps: Vec<GapLimits>,
    pub exclusion: Exclusion,
    pub blocked: Blocked,
    pub entry: Entry,
    pub choice: Choice,
    pub row: RowUse,
    pub order: Order,
    /// A chain is any run of consecutive steps.
    pub open: bool,
    /// How far a row may lie before the row of the step before it (`Tie::Step`), or how far it must
    /// lie behind it and further (`Tie::Strict`).
    pub tolerance_us: i64,
}

impl Options {
    pub fn gap(&self, gap: usize) -> GapLimits {
        self.gaps.get(gap).copied().unwrap_or_default()
    }

    /// Whether nothing is asked.
    pub fn is_plain(&self) -> bool {
        self.has_no_gap_limits() && *self == Options { gaps: self.gaps.clone(), ..Options::default() }
    }

    pub fn has_no_gap_limits(&self) -> bool {
        self.gaps.iter().all(|gap| *gap == GapLimits::default())
    }

    /// Whether chains are tries that take the first row for each step, rather than the best of all.
    pub(super) fn takes_first_rows(&self) -> bool {
        self.choice != Choice::EarliestStart || self.entry == Entry::Successive
    }

    /// Whether what an attempt meets can freeze the unit.
    pub(super) fn may_freeze(&self) -> bool {
        self.choice != Choice::LatestStart
            && (self.exclusion != Exclusion::Void || self.blocked == Blocked::EndsSearch)
    }
}

impl Rules {
    /// Says which settings make no sense together, if some do not. `blocks`: whether there are arrows.
    pub fn check(&self, blocks: bool) -> Result<(), Conflict> {
        let options = &self.options;
        self.check_gaps()?;
        if options.tolerance_us < 0 {
            return Err(Conflict::new("a tolerance cannot be negative", [Funnel("tolerance")]));
        }
        if matches!(options.order, Order::Any { .. }) {
            return self.check_any_order(blocks);
        }
        let freezes = options.exclusion != Exclusion::Void || options.blocked == Blocked::EndsSearch;
        if options.open && (freezes || options.entry != Entry::Any || options.choice != Choice::EarliestStart)
        {
            return Err(Conflict::new(
                "an open funnel has no first attempt: it cannot be combined with exclusion = drop or remove, \
                 nor with rules that look at some attempts only",
                [Funnel("exclusion"), Funnel("open")],
            ));
        }
        if options.tolerance_us > 0 {
            if self.tie == Tie::File {
                return Err(Conflict::new(
                    "with tie = file the order of rows is the truth; a tolerance contradicts it",
                    [Funnel("tolerance"), Funnel("tie")],
                ));
            }
            if self.tie == Tie::Step && options.takes_first_rows() {
                return Err(Conflict::new(
                    "with a tolerance rows go back in time, so no row is the first one for a step: it cannot be \
                     combined with rules that ask for the first rows",
                    [Funnel("tolerance"), Setting::Rules],
                ));
            }
        }
        if options.entry == Entry::Successive && options.choice == Choice::LatestStart {
            return Err(Conflict::new(
                "attempts that follow one another do not overlap, so none starts inside another",
                [Setting::Rules],
            ));
        }
        if options.choice == Choice::LatestStart && options.blocked == Blocked::EndsSearch {
            return Err(Conflict::new(
                "where every row of the first step opens a try, no single one can end the search",
                [Setting::Rules],
            ));
        }
        Ok(())
    }

    fn check_gaps(&self) -> Result<(), Conflict> {
        for (gap, limits) in self.options.gaps.iter().enumerate() {
            let (after, within) = (Setting::Gap(gap, "after"), Setting::Gap(gap, "within"));
            if limits.after_us < 0 || limits.within_us.is_some_and(|within_us| within_us < 0) {
                return Err(Conflict::new("`within` and `after` cannot be negative", [within, after]));
            }
            if limits.within_us.is_some_and(|within_us| within_us < limits.after_us) {
                return Err(Conflict::new(
                    "`after` is longer than `within`, so no row could follow",
                    [after, within],
                ));
            }
            if limits.after_us > 0 && self.window_us.is_some_and(|window_us| limits.after_us > window_us) {
                return Err(Conflict::new(
                    "`after` is longer than the window, so no row could follow",
                    [after, Funnel("window")],
                ));
            }
        }
        Ok(())
    }

    fn check_any_order(&self, blocks: bool) -> Result<(), Conflict> {
        let options = &self.options;
        let limited = options.gaps.iter().position(|gap| *gap != GapLimits::default()).unwrap_or(0);
        let limit = if options.gap(limited).within_us.is_some() {
            Gap(limited, "within")
        } else {
            Gap(limited, "after")
        };
        let refused = [
            (blocks, "arrows say what may lie between a step and the next one", SomeStep("arrow")),
            (!options.has_no_gap_limits(), "`within` and `after` are measured from the step before", limit),
            (options.open, "an open funnel is a run of consecutive steps", Funnel("open")),
            (
                options.tolerance_us > 0,
                "a tolerance forgives rows that come before the step before them",
                Funnel("tolerance"),
            ),
            (!self.optional.is_empty(), "an optional step lies between two steps", SomeStep("optional")),
            (
                options.exclusion != Exclusion::Void,
                "exclusion = drop and remove look at attempts in order",
                Funnel("exclusion"),
            ),
            (
                options.takes_first_rows() || options.entry != Entry::Any,
                "these rules look at attempts in order",
                Setting::Rules,
            ),
        ];
        match refused.into_iter().find(|(asked, ..)| *asked) {
            Some((_, reason, setting)) => Err(Conflict::new(
                format!("{reason}; with order = any there is none"),
                [setting, Funnel("order"), Funnel("steps")],
            )),
            None => Ok(()),
        }
    }
}
