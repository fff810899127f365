//! What a funnel asks, every rule settled: steps, window, unit, ties and the terms beyond. How a
//! row of a given kind may serve it.

use super::conflict::{Conflict, Setting};
use super::engine::{OptionalStep, Rules, Tie};
use super::kinds::KindRoles;
use super::options::{Blocked, Choice, Entry, Exclusion, GapLimits, Options, Order, RowUse};
use super::rules::{Preset, RuleSet};
use super::steps::{Arrow, EventSpec, StepSpec, StepTerms, name_of};
use crate::condition::Condition;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// A person, with all their rows.
    #[default]
    Person,
    /// A rebuilt session: only its own rows, and the window applies too.
    Session,
    /// Every attempt of a person by itself.
    Attempt,
    /// The rows of a person with one value of a column; rows without a value belong to no unit.
    Column,
}

impl Unit {
    pub fn name(self) -> &'static str {
        match self {
            Unit::Person => "person",
            Unit::Session => "session",
            Unit::Attempt => "attempt",
            Unit::Column => "column",
        }
    }
}

/// What ends a chain beside its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChainEnd {
    #[default]
    Nothing,
    /// The session of its first row, and its inactivity timeout.
    Session,
    /// The calendar day of its first row, in the time zone.
    SameDay,
    /// The ISO week of its first row, in the time zone.
    SameWeek,
}

/// How many steps of a chain one row may serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RowRule {
    #[default]
    One,
    /// Every step that it matches.
    Many,
    /// The first step that it matches, and no other.
    First,
}

impl RowRule {
    pub const NAMES: [(&'static str, RowRule); 3] =
        [("one", RowRule::One), ("many", RowRule::Many), ("first", RowRule::First)];

    pub fn name(self) -> &'static str {
        name_of(self, &RowRule::NAMES)
    }
}

/// Of the steps already reached, those whose rows `no-repeat` does not let lie in a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repeats {
    #[default]
    AnyReached,
    /// All but the first one, whose rows set out anew.
    AfterFirst,
    /// The one reached last alone.
    LastReached,
}

impl Repeats {
    /// Whether a row of `step` repeats in a gap, both from 0.
    fn in_gap(self, step: u16, gap: u16) -> bool {
        match self {
            Repeats::AnyReached => step <= gap,
            Repeats::AfterFirst => (1..=gap).contains(&step),
            Repeats::LastReached => step == gap,
        }
    }
}

/// Of the steps already reached, those whose rows may lie in a gap that is `adjacent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Admits {
    #[default]
    Nothing,
    /// The one reached last alone.
    LastReached,
    AnyReached,
}

impl Admits {
    /// Whether rows of `step` may lie in a gap, both from 0.
    fn in_gap(self, step: u16, gap: u16) -> bool {
        match self {
            Admits::Nothing => false,
            Admits::LastReached => step == gap,
            Admits::AnyReached => step <= gap,
        }
    }
}

/// Columns whose value must stay the same over a chain. The unit is then person and value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub columns: Vec<String>,
    /// Required steps that are held, from 0, in order; `None`: all of them.
    pub steps: Option<Vec<u16>>,
}

/// What a funnel asks beyond steps, window, unit and ties. By default nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Terms {
    /// The rules that the funnel started from.
    pub rules: RuleSet,
    pub chain_end: ChainEnd,
    /// Whether the last instant of the window is outside.
    pub ends_exclusive: bool,
    pub order: Order,
    pub open: bool,
    pub row: RowRule,
    pub repeats: Repeats,
    pub admits: Admits,
    pub hold: Option<Hold>,
    /// The column of [`Unit::Column`].
    pub unit_column: Option<String>,
    pub tolerance_us: i64,
    pub exclusion: Exclusion,
    pub blocked: Blocked,
    pub entry: Entry,
    pub choice: Choice,
}

/// One funnel, with every rule settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Funnel {
    pub name: String,
    /// In order; the first and the last are required.
    pub steps: Vec<StepSpec>,
    /// From step 1 to any later step; `None` has no limit.
    pub window_us: Option<i64>,
    pub unit: Unit,
    pub tie: Tie,
    pub terms: Terms,
}

/// Most steps with an `nth` of their own, one more for those that are held.
const MOST_RESTRICTIONS: usize = 6;

impl Funnel {
    /// Whether one person can have several units.
    pub fn has_several_units(&self) -> bool {
        self.unit != Unit::Person || self.terms.hold.is_some()
    }

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
        let terms = &self.terms;
        Rules {
            step_count: self.step_count(),
            optional: self.optional().map(|(before, _)| OptionalStep { after: before - 1 }).collect(),
            // Times are whole microseconds, so a window without its last instant is one shorter.
            window_us: self.window_us.map(|window_us| window_us - i64::from(terms.ends_exclusive)),
            tie: self.tie,
            options: Options {
                gaps: self.gaps(),
                exclusion: terms.exclusion,
                blocked: terms.blocked,
                entry: terms.entry,
                choice: terms.choice,
                row: if terms.row == RowRule::Many { RowUse::Many } else { RowUse::One },
                order: terms.order,
                open: terms.open,
                tolerance_us: terms.tolerance_us,
            },
        }
    }

    /// The longest time that all limits of gaps allow together; `None` where some gap has no limit.
    pub fn sum_of_gaps_us(&self) -> Option<i64> {
        let mut gaps = self.required().skip(1).peekable();
        gaps.peek()?;
        gaps.try_fold(0_i64, |sum, step| Some(sum.saturating_add(step.terms.within_us?)))
    }

    /// The limits of all gaps; empty where there are none.
    fn gaps(&self) -> Vec<GapLimits> {
        let limits = self
            .required()
            .skip(1)
            .map(|step| GapLimits { within_us: step.terms.within_us, after_us: step.terms.after_us });
        let gaps: Vec<GapLimits> = limits.collect();
        if gaps.iter().all(|gap| *gap == GapLimits::default()) { Vec::new() } else { gaps }
    }

    /// Whether some arrow keeps rows from lying between steps.
    pub fn has_arrows(&self) -> bool {
        self.steps.iter().any(|step| step.terms.arrow != Arrow::default())
    }

    /// Whether some events must not lie between steps.
    pub fn has_exclusions(&self) -> bool {
        self.steps.iter().any(|step| !step.not.is_empty())
    }

    /// Whether attempts follow the steps from the first one.
    pub fn is_ordered(&self) -> bool {
        self.terms.order == Order::Ordered && !self.terms.open
    }

    /// The rules that the funnel started from, without what has no meaning beside its keys.
    pub fn applied_rules(&self) -> Preset {
        self.terms.rules.preset().beside(self.tie, self.terms.order, self.terms.open)
    }

    /// What is in the rules, has no key or none was written, and does not hold: the setting, and the key in
    /// whose way it would be. What would change nothing in this funnel is left out.
    pub fn rules_left_out(&self) -> Vec<(&'static str, String)> {
        let terms = &self.terms;
        let (rules, applied) = (terms.rules.preset(), self.applied_rules());
        let no_order = if terms.open { "open = true" } else { "order = any" };
        let is_attempt = self.unit == Unit::Attempt;
        let no_choice = if is_attempt { "unit = attempt" } else { no_order };
        let in_tolerance = match terms.order {
            Order::Any { .. } => "order = any".to_owned(),
            Order::Ordered => format!("tie = {}", self.tie.name()),
        };
        let settings = [
            ("entry", rules.entry != applied.entry, no_order.to_owned()),
            (
                "choice",
                rules.choice != applied.choice || is_attempt && rules.choice != Choice::default(),
                no_choice.to_owned(),
            ),
            ("exclusion", rules.exclusion != applied.exclusion && self.has_exclusions(), no_order.to_owned()),
            ("blocked", rules.blocked != applied.blocked && self.has_arrows(), no_order.to_owned()),
            (
                "tolerance",
                rules.tolerance_us != applied.tolerance_us && terms.tolerance_us == 0,
                in_tolerance,
            ),
        ];
        settings.into_iter().filter(|(_, is_out, _)| *is_out).map(|(name, _, key)| (name, key)).collect()
    }

    /// Says which settings make no sense together, if some do not.
    pub fn check(&self) -> Result<(), Conflict> {
        let terms = &self.terms;
        self.rules().check(self.has_arrows())?;
        if self.unit == Unit::Attempt && !self.is_ordered() {
            return Err(Conflict::new(
                "unit = attempt follows the steps in order from the first one: not with order = any or open = true",
                [Setting::Funnel("unit"), Setting::Funnel("order"), Setting::Funnel("open")],
            ));
        }
        if self.unit == Unit::Attempt && terms.tolerance_us > 0 && self.tie == Tie::Step {
            return Err(Conflict::new(
                "unit = attempt goes by the order of rows, which a tolerance gives up",
                [Setting::Funnel("unit"), Setting::Funnel("tolerance")],
            ));
        }
        if terms.hold.is_some() && matches!(self.unit, Unit::Attempt | Unit::Column) {
            return Err(Conflict::new(
                "with hold the unit is person and value; it cannot be something else too",
                [Setting::Funnel("hold"), Setting::Funnel("unit")],
            ));
        }
        if (self.unit == Unit::Column) != terms.unit_column.is_some() {
            return Err(Conflict::new(
                "the unit is a column exactly if one is named",
                [Setting::Funnel("unit")],
            ));
        }
        if terms.ends_exclusive && self.window_us == Some(0) {
            return Err(Conflict::new(
                "a window of no length that excludes its end holds nothing",
                [Setting::Funnel("window"), Setting::Funnel("window_end")],
            ));
        }
        let with_nth = |(_, step): &(usize, &StepSpec)| step.terms.nth.is_some();
        let most = MOST_RESTRICTIONS - usize::from(terms.hold.is_some());
        if let Some((place, _)) = self.steps.iter().enumerate().filter(with_nth).nth(most) {
            let of_hold = if terms.hold.is_some() { " beside hold" } else { "" };
            return Err(Conflict::new(
                format!("at most {most} steps can have an nth{of_hold}"),
                [Setting::Step(place, "nth"), Setting::Funnel("hold")],
            ));
        }
        self.check_reach()
    }

    /// The columns whose values tell the units of one person apart.
    pub fn value_columns(&self) -> &[String] {
        match (&self.terms.hold, &self.terms.unit_column) {
            (Some(hold), _) => &hold.columns,
            (None, Some(column)) => std::slice::from_ref(column),
            (None, None) => &[],
        }
    }

    /// What may keep single rows from serving steps that their kind serves.
    pub fn restrictions(&self) -> Vec<Restriction> {
        let nth = self
            .required()
            .enumerate()
            .filter_map(|(step, spec)| spec.terms.nth.map(|nth| Restriction::Nth { step: step as u16, nth }));
        let held = self.terms.hold.as_ref().map(|hold| Restriction::Held {
            steps: hold.steps.clone().unwrap_or_else(|| (0..self.step_count() as u16).collect()),
        });
        nth.chain(held).collect()
    }

    /// Every event test of the funnel: of steps and of what must not lie between them.
    pub fn event_specs(&self) -> impl Iterator<Item = &EventSpec> {
        self.steps.iter().flat_map(|step| step.events.iter().chain(&step.not).chain(&step.terms.ignore))
    }

    /// What rows of one kind may do in this funnel. `holds` tells what the row's conditions found.
    pub fn roles(&self, event: Option<&str>, holds: impl Fn(&Condition) -> bool) -> KindRoles {
        self.roles_without(event, holds, &Withheld::default())
    }

    /// The same for rows that lack what some of the required steps ask of more than a kind.
    pub fn roles_without(
        &self,
        event: Option<&str>,
        holds: impl Fn(&Condition) -> bool,
        withheld: &Withheld,
    ) -> KindRoles {
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
            if serves && !withheld.matching.contains(&required) {
                roles.steps.push(required);
            }
            if required > 0 && step.not.iter().any(fits) {
                roles.breaks.push(required - 1);
            }
            required += 1;
        }
        if self.terms.row == RowRule::First {
            roles.steps.truncate(1);
        }
        let matched = roles.steps.clone();
        roles.steps.retain(|step| !withheld.serving.contains(step));
        roles.blocks = self.blocked_gaps(&roles, &matched, fits);
        roles.steps.reverse();
        roles
    }

    /// The gaps in which an arrow does not let such a row lie. It may match steps that it may not serve.
    fn blocked_gaps(
        &self,
        roles: &KindRoles,
        matched: &[u16],
        fits: impl Fn(&EventSpec) -> bool,
    ) -> Vec<u16> {
        let is_optional_in = |gap: u16| {
            roles.optional.iter().any(|&place| {
                self.optional().nth(place.into()).is_some_and(|(before, _)| before == usize::from(gap) + 1)
            })
        };
        let blocks = |gap: u16, terms: &StepTerms| {
            let awaited = gap + 1;
            let is_admitted = roles.steps.iter().any(|&step| self.terms.admits.in_gap(step, gap));
            let is_stranger = !is_admitted && !terms.ignore.iter().any(&fits) && !is_optional_in(gap);
            (terms.arrow.adjacent && is_stranger)
                || (terms.arrow.no_disorder && !matched.is_empty() && !matched.contains(&awaited))
                || (terms.arrow.no_repeat && matched.iter().any(|&step| self.terms.repeats.in_gap(step, gap)))
        };
        let gaps = self.required().skip(1).enumerate().map(|(gap, step)| (gap as u16, &step.terms));
        gaps.filter(|(gap, terms)| blocks(*gap, terms)).map(|(gap, _)| gap).collect()
    }
}

/// Required steps, from 0, for which a row lacks something that its kind does not show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Withheld {
    /// Steps that it may not serve: it is another occurrence. It matches them all the same.
    pub serving: Vec<u16>,
    /// Steps that it does not even match in its unit: they are held and it has not the unit's value.
    pub matching: Vec<u16>,
}

impl Withheld {
    /// What a restriction keeps from a row that it bites.
    pub fn add(&mut self, restriction: &Restriction) {
        match restriction {
            Restriction::Nth { step, .. } => self.serving.push(*step),
            Restriction::Held { steps } => self.matching.extend(steps),
        }
    }
}

/// Something that a row's kind does not show, and that may keep it from serving steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restriction {
    /// Only this occurrence, from 1, of what matches the step in the whole history.
    Nth { step: u16, nth: u32 },
    /// Only rows with the unit's value.
    Held { steps: Vec<u16> },
}

impl Restriction {
    /// The steps that it may take from a row.
    pub fn steps(&self) -> &[u16] {
        match self {
            Restriction::Nth { step, .. } => std::slice::from_ref(step),
            Restriction::Held { steps } => steps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::funnel::steps::parse_steps;

    fn funnel(steps: &str) -> Funnel {
        Funnel {
            name: "a".to_owned(),
            steps: parse_steps(steps).expect("sound"),
            window_us: None,
            unit: Unit::Person,
            tie: Tie::Step,
            terms: Terms::default(),
        }
    }

    fn arrows(mut funnel: Funnel, arrow: Arrow) -> Funnel {
        for step in funnel.steps.iter_mut().skip(1).filter(|step| !step.optional) {
            step.terms.arrow = arrow;
        }
        funnel
    }

    fn blocks(funnel: &Funnel, event: &str) -> Vec<u16> {
        funnel.roles(Some(event), |_| true).blocks
    }

    #[test]
    fn what_each_arrow_keeps_from_lying_between() {
        let adjacent = Arrow { adjacent: true, ..Arrow::default() };
        let mut all = arrows(funnel("a, b, o?, c"), adjacent);
        all.steps[1].terms.ignore = funnel("ping").steps.remove(0).events;
        assert_eq!(blocks(&all, "x"), [0, 1]);
        assert_eq!(blocks(&all, "ping"), [1]);
        assert_eq!(blocks(&all, "b"), [0, 1]);
        // The optional step belongs to its own gap and to no other.
        assert_eq!(blocks(&all, "o"), [0]);
        assert_eq!(all.roles(None, |_| true).blocks, [0, 1]);

        let mut admitting = arrows(funnel("a, b, c"), adjacent);
        admitting.terms.admits = Admits::LastReached;
        assert_eq!(["a", "b", "c"].map(|event| blocks(&admitting, event)), [vec![1], vec![0], vec![0, 1]]);
        admitting.terms.admits = Admits::AnyReached;
        assert_eq!(["a", "b", "c"].map(|event| blocks(&admitting, event)), [vec![], vec![0], vec![0, 1]]);

        let disorder = arrows(funnel("a, b, c"), Arrow { no_disorder: true, ..Arrow::default() });
        let found = ["a", "b", "c", "x"].map(|event| blocks(&disorder, event));
        assert_eq!(found, [vec![0, 1], vec![1], vec![0], vec![]]);
        let repeat = arrows(funnel("a, b, c"), Arrow { no_repeat: true, ..Arrow::default() });
        let found = ["a", "b", "c", "x"].map(|event| blocks(&repeat, event));
        assert_eq!(found, [vec![0, 1], vec![1], vec![], vec![]]);
        let mut repeat = repeat;
        repeat.terms.repeats = Repeats::AfterFirst;
        assert_eq!(["a", "b", "c"].map(|event| blocks(&repeat, event)), [vec![], vec![1], vec![]]);
        repeat.terms.repeats = Repeats::LastReached;
        assert_eq!(["a", "b", "c"].map(|event| blocks(&repeat, event)), [vec![0], vec![1], vec![]]);
        assert!(blocks(&funnel("a, b, c"), "x").is_empty());
    }

    #[test]
    fn another_occurrence_repeats_a_step_and_another_value_does_not() {
        let arrow = Arrow { no_repeat: true, ..Arrow::default() };
        let disorder = Arrow { no_disorder: true, ..Arrow::default() };
        let occurrence = Withheld { serving: vec![0], ..Withheld::default() };
        let value = Withheld { matching: vec![0], ..Withheld::default() };
        for (arrow, event) in [(arrow, "a"), (disorder, "a")] {
            let funnel = arrows(funnel("a, b"), arrow);
            let of = |withheld: &Withheld| {
                let roles = funnel.roles_without(Some(event), |_| true, withheld);
                (roles.steps, roles.blocks)
            };
            assert_eq!(of(&Withheld::default()), (vec![0], vec![0]));
            assert_eq!(of(&occurrence), (vec![], vec![0]));
            assert_eq!(of(&value), (vec![], vec![]));
        }
        // Of the steps that a row matches it belongs to the first one, even if it may not serve it.
        let mut first = funnel("a, a");
        first.terms.row = RowRule::First;
        let steps = |withheld: &Withheld| first.roles_without(Some("a"), |_| true, withheld).steps;
        assert_eq!((steps(&occurrence), steps(&value)), (vec![], vec![1]));
    }

    #[test]
    fn a_row_may_belong_to_its_first_step_alone() {
        let mut funnel = funnel("a*, ab, a*");
        assert_eq!(funnel.roles(Some("ab"), |_| true).steps, [2, 1, 0]);
        funnel.terms.row = RowRule::First;
        assert_eq!(funnel.roles(Some("ab"), |_| true).steps, [0]);
    }

    #[test]
    fn an_exclusive_window_is_one_microsecond_shorter() {
        let mut funnel = Funnel { window_us: Some(60), ..funnel("a, b") };
        assert_eq!(funnel.rules().window_us, Some(60));
        funnel.terms.ends_exclusive = true;
        assert_eq!(funnel.rules().window_us, Some(59));
    }
}
