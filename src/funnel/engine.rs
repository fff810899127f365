//! Follows one unit through one ordered funnel and says how far it got, by which rows, and why no further.
//!
//! The rules are those of the definitions: the chain of distinct rows with the most steps wins,
//! then the one that starts first, then the one whose later rows come earliest. Times decide that;
//! of the rows of one instant those with the least part in the funnel are used, so that the names
//! that order them do not matter. The engine sees numbers
//! only: times, and kinds of rows whose roles a [`KindTable`] knows. Who a unit is, in which order
//! its rows lie and what a name means is settled before; what the outcomes add up to comes after.
//!
//! Here is the order of events; the passes are in `chain` (which rows), `level` (how far),
//! `attempts` (how often), and `ties` (what rows of one instant can do together); `plain` is the
//! short way of units that need none of them. All of them read the rules from one `Unit`. They
//! answer the plain question: steps in order, one window, exclusions that void a chain. Whatever
//! else is asked (`options`, arrows, windows that end with a session or a day) is answered by
//! `general`, which knows the plain question too, more slowly.

use super::attempts;
use super::chain::{self, ChainFinder};
use super::general::General;
use super::kinds::KindTable;
use super::level::LevelPass;
use super::options::Options;
use super::plain;
use super::steps::one_of;
use super::ties::TiedRows;
use super::unit::Unit;
use std::borrow::Cow;
use std::ops::Range;

/// What rows of equal time may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Tie {
    /// They may be used in the order of the funnel, each row once. A forbidden row counts where it
    /// lies strictly between two rows in time.
    #[default]
    Step,
    /// The order of the rows is the truth, for forbidden rows too.
    File,
    /// The time must increase from row to row of a chain. A forbidden row counts as under `Step`.
    Strict,
}

impl Tie {
    pub fn name(self) -> &'static str {
        match self {
            Tie::Step => "step",
            Tie::File => "file",
            Tie::Strict => "strict",
        }
    }
}

impl std::str::FromStr for Tie {
    type Err = String;

    fn from_str(text: &str) -> Result<Tie, String> {
        one_of(text, &[Tie::Step, Tie::File, Tie::Strict].map(|tie| (tie.name(), tie)))
    }
}

/// An optional step: looked for between two required ones, never needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionalStep {
    /// The required step before it, from 0. Behind the last required step nothing is found.
    pub after: usize,
}

/// The rules of one funnel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// Required steps. Without any, nobody enters.
    pub step_count: usize,
    pub optional: Vec<OptionalStep>,
    /// Longest time from the first row of a chain to any other, inclusive; `None`: no limit.
    pub window_us: Option<i64>,
    pub tie: Tie,
    /// What is asked beyond that; `Rules::check` says what makes no sense together.
    pub options: Options,
}

/// The rows of one unit in its total order: times never decrease, and under [`Tie::File`] equal
/// times lie in file order. Both slices have the same length, below 2^32.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Microseconds since the Unix epoch.
    pub times_us: &'a [i64],
    /// Kinds of the [`KindTable`].
    pub kinds: &'a [u32],
}

impl Rows<'_> {
    pub fn len(&self) -> usize {
        self.times_us.len()
    }

    pub fn is_empty(&self) -> bool {
        self.times_us.is_empty()
    }

    /// Whether two rows have the same time; without that the tie rule makes no difference.
    pub fn has_ties(&self) -> bool {
        self.times_us.windows(2).any(|pair| pair[0] == pair[1])
    }
}

/// What is known of a unit's rows beyond times and kinds. By default nothing is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits<'a> {
    /// For each row the last instant that a chain which starts there may use, beside the window.
    /// Never decreases, and is one for rows of one instant.
    pub ends_us: Option<&'a [i64]>,
    /// By step: no row that comes after those at hand can serve it, because the one occurrence of
    /// the person's history that may has been. Steps beyond the list are open.
    pub spent: &'a [bool],
}

/// How the engine finds the winning chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// One chain for each step is enough: the one with the newest start.
    NewestStart,
    /// For each step all chains of which none has both a newer start and a newer last row.
    ParetoSet,
    /// Rows go back in time: step after step over all rows, and a search where one row could be used twice.
    Search,
    /// Steps in any order: a matching of rows with steps.
    Matching,
    /// Tries that take the first row for each step.
    Tries,
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Method::NewestStart => "newest-start",
            Method::ParetoSet => "pareto-set",
            Method::Search => "search",
            Method::Matching => "matching",
            Method::Tries => "tries",
        }
    }
}

/// Where chains may start, and until when the unit was watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The first row of a chain lies in this range, half-open; the others need not. `i64::MIN` and
    /// `i64::MAX` stand for no bound.
    pub entries_us: Range<i64>,
    /// End of observation: rows may exist after this instant that nobody has seen.
    pub as_of_us: i64,
    /// The last instant at which a row could still join this unit, where there is one (sessions).
    pub closes_us: Option<i64>,
}

/// Where a unit stands at the end of observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Status {
    /// No row of the first step in the range of entries.
    #[default]
    NotEntered,
    /// All steps.
    Converted,
    /// Not converted, and no later row can change that.
    Dropped,
    /// Not converted, but a row that comes later could still extend an attempt.
    Open,
    /// Not converted, and further without the exclusions; or frozen by one.
    Excluded,
    /// As `Excluded` where exclusions remove: in no denominator.
    Removed,
}

/// What is known of one unit. All figures about it come from its one winning chain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    pub status: Status,
    /// The last step that the winning chain served, counted from 1; in any order how many it
    /// served. 0 if not entered.
    pub level: usize,
    /// The step that the winning chain begins with, from 0: other than 0 only in an open funnel.
    pub entered_at: usize,
    /// The winning chain: places in the rows, one for each step reached, in the order of steps.
    /// In any order of steps: in the order of time, and `served` has the steps.
    pub chain: Vec<u32>,
    /// The step that each row of the chain serves, where steps may come in any order; else empty.
    pub served: Vec<u16>,
    /// Rows of the chain that lie before the row of the step before, within the tolerance. Their gap counts as 0.
    pub negative_gaps: u32,
    /// For each optional step of the rules the first row between the chain's rows around it that is
    /// not on the chain. `None` if there is none or the required step behind was not reached.
    /// Optional steps do not compete: a row may serve two of them.
    pub optional: Vec<Option<u32>>,
    /// The first row of the first step in the range of entries, whatever chain wins.
    pub first_entry: Option<u32>,
    /// The level if no row were forbidden.
    pub level_without_exclusions: usize,
    /// How often the unit set out: a row of the first step that is not inside a running attempt
    /// starts one; conversion, expiry and exclusion end it.
    pub attempts: u32,
    /// A row of the step behind the last one reached lies between the first and the last row of the chain, not on it.
    pub seen_early: bool,
    /// The instant until which a row could extend an attempt that is alive at the end of observation. `None` without
    /// a window, or if none is alive or the unit converted.
    pub live_until_us: Option<i64>,
    /// The start of that attempt, the newest of those alive.
    pub latest_live_start_us: Option<i64>,
}

impl Outcome {
    pub(super) fn clear(&mut self) {
        let mut chain = std::mem::take(&mut self.chain);
        let mut optional = std::mem::take(&mut self.optional);
        let mut served = std::mem::take(&mut self.served);
        chain.clear();
        optional.clear();
        served.clear();
        *self = Outcome { chain, optional, served, ..Outcome::default() };
    }
}

/// The automaton with its scratch: made once per funnel and thread, used for any number of units.
#[derive(Debug)]
pub struct Engine<'f> {
    rules: &'f Rules,
    kinds: &'f KindTable,
    tied: TiedRows,
    levels: LevelPass,
    /// The funnel is one that [`plain::follow`] can follow.
    may_be_plain: bool,
    finder: ChainFinder,
    /// Answers what is not plain.
    general: General<'f>,
    is_plain: bool,
    outcome: Outcome,
}

impl<'f> Engine<'f> {
    /// Panics if a kind's role names a step or gap that the rules do not have.
    pub fn new(rules: &'f Rules, kinds: &'f KindTable) -> Engine<'f> {
        for number in 0..kinds.class_count() {
            let roles = &kinds.class(number).roles;
            let required = roles.steps.iter().chain(&roles.breaks).chain(&roles.blocks);
            assert!(
                required.into_iter().all(|&step| usize::from(step) < rules.step_count),
                "a kind has a role in a step beyond the funnel's {}",
                rules.step_count
            );
        }
        Engine {
            rules,
            kinds,
            tied: TiedRows::new(kinds.class_count(), rules.step_count),
            levels: LevelPass::default(),
            may_be_plain: !kinds.forbids() && (1..=64).contains(&rules.step_count),
            finder: ChainFinder::default(),
            general: General::new(rules.clone(), Cow::Borrowed(kinds)),
            is_plain: rules.options.is_plain() && !kinds.blocks(),
            outcome: Outcome::default(),
        }
    }

    /// How the winning chain is found under these rules.
    pub fn method(&self) -> Method {
        self.general.method()
    }

    /// Follows one unit. O(rows times steps). Panics if a kind is not in the table, if times and
    /// kinds differ in number, or from 2^32 rows on.
    pub fn run(&mut self, rows: Rows<'_>, seen: &Observation) -> &Outcome {
        if !self.is_plain {
            return self.run_within(rows, Limits::default(), seen);
        }
        let unit = self.unit(rows, seen, self.rules.tie);
        self.outcome.clear();
        self.outcome.optional.resize(self.rules.optional.len(), None);
        self.follow(&unit, seen);
        &self.outcome
    }

    /// As `run`, with what else is known of the rows.
    pub fn run_within(&mut self, rows: Rows<'_>, limits: Limits<'_>, seen: &Observation) -> &Outcome {
        check_rows(&rows);
        self.outcome.clear();
        self.general.run(rows, limits, seen, &mut self.outcome);
        &self.outcome
    }

    /// Every attempt of the unit, one after the other, as an outcome of its own. Attempts take the
    /// first row for each step; the rules are ordered.
    pub fn attempts(&mut self, rows: Rows<'_>, limits: Limits<'_>, seen: &Observation) -> Vec<Outcome> {
        check_rows(&rows);
        self.general.attempts(rows, limits, seen)
    }

    /// As `level`, with what else is known of the rows.
    pub fn level_within(
        &mut self,
        rows: Rows<'_>,
        limits: Limits<'_>,
        seen: &Observation,
        tie: Tie,
    ) -> usize {
        check_rows(&rows);
        self.general.level(rows, limits, seen, tie)
    }

    /// The level of the unit under another tie rule; the rows lie in the order which that rule asks for.
    pub fn level(&mut self, rows: Rows<'_>, seen: &Observation, tie: Tie) -> usize {
        if !self.is_plain {
            return self.level_within(rows, Limits::default(), seen, tie);
        }
        let unit = self.unit(rows, seen, tie);
        match unit.first_entry() {
            Some(entry) => self.levels.run(&unit, unit.moment_start(entry), &mut self.tied),
            None => 0,
        }
    }

    fn unit<'r>(&self, rows: Rows<'r>, seen: &Observation, tie: Tie) -> Unit<'r>
    where
        'f: 'r,
    {
        check_rows(&rows);
        Unit {
            rows,
            kinds: self.kinds,
            step_count: self.rules.step_count,
            window_us: self.rules.window_us,
            tie,
            entries_from_us: seen.entries_us.start,
            entries_to_us: seen.entries_us.end,
            heeds_exclusions: true,
        }
    }

    fn follow(&mut self, unit: &Unit<'_>, seen: &Observation) {
        let plain = if self.may_be_plain { plain::follow(unit, &mut self.outcome.chain) } else { None };
        let entry = match plain {
            Some(_) => self.outcome.chain.first().map(|&row| row as usize),
            None => unit.first_entry(),
        };
        let Some(entry) = entry else { return };
        let first = unit.moment_start(entry);
        self.outcome.first_entry = Some(entry as u32);
        if plain.is_none() {
            chain::greedy(unit, first, &mut self.tied, &mut self.outcome.chain);
        }
        let level = self.outcome.chain.len();
        self.outcome.level = level;
        self.outcome.level_without_exclusions = unit.step_count;
        if level < unit.step_count {
            // Most who leave never did what comes next, and mostly nothing is forbidden: then no
            // other rows get further, and nothing but the window ends an attempt.
            let is_settled = match &plain {
                Some(run) => run.steps_seen >> level & 1 == 0,
                None => !self.kinds.forbids() && !unit.has_row_for(level, first),
            };
            let newest_us = if is_settled { unit.last_entry().map(|row| unit.time_us(row)) } else { None };
            self.look_further(unit, first, plain.is_some(), newest_us, seen);
            self.outcome.seen_early = newest_us.is_none() && seen_early(unit, &self.outcome.chain);
        }
        self.outcome.status = self.status(unit);
        self.outcome.attempts = match plain {
            Some(run) => run.attempts,
            None => attempts::count(unit, first, &mut self.tied),
        };
        for (place, step) in self.rules.optional.iter().enumerate() {
            self.outcome.optional[place] = optional_row(unit, &self.outcome.chain, place, step.after);
        }
    }

    /// The first rows did not lead to the last step; whether others get further, and what is still
    /// alive. `settled_us` is the newest start where it is known that none do.
    fn look_further(
        &mut self,
        unit: &Unit<'_>,
        first: usize,
        is_plain: bool,
        settled_us: Option<i64>,
        seen: &Observation,
    ) {
        let newest_us = settled_us.or_else(|| self.search(unit, first, is_plain));
        self.outcome.level_without_exclusions = self.outcome.level;
        if self.outcome.level == unit.step_count {
            return;
        }
        let can_be_joined = seen.closes_us.is_none_or(|closes_us| closes_us > seen.as_of_us);
        // The newest start expires last: if it is not alive, none is.
        let until_us = |start_us: i64| unit.window_us.map(|window_us| start_us.saturating_add(window_us));
        let is_alive = |&start_us: &i64| until_us(start_us).is_none_or(|until_us| until_us > seen.as_of_us);
        self.outcome.latest_live_start_us = newest_us.filter(|_| can_be_joined).filter(is_alive);
        self.outcome.live_until_us = self.outcome.latest_live_start_us.and_then(until_us);
        if settled_us.is_none() && self.levels.broke() {
            let unhindered = Unit { heeds_exclusions: false, ..*unit };
            self.outcome.level_without_exclusions = self.levels.run(&unhindered, first, &mut self.tied);
        }
    }

    /// Finds the level and the winning chain; gives the newest start of an unfinished chain.
    #[inline(never)]
    fn search(&mut self, unit: &Unit<'_>, first: usize, is_plain: bool) -> Option<i64> {
        let level = if is_plain {
            self.levels.run_plain(unit, first)
        } else {
            self.levels.run(unit, first, &mut self.tied)
        };
        if level > self.outcome.level {
            self.outcome.level = level;
            self.find_chain(unit, first, level, is_plain);
        }
        self.levels.newest_unfinished_start_us()
    }

    fn find_chain(&mut self, unit: &Unit<'_>, first: usize, level: usize, is_plain: bool) {
        let chain = &mut self.outcome.chain;
        let start = if is_plain {
            self.finder.earliest_plain_start(unit, first, level)
        } else {
            self.finder.earliest_start(unit, first, level, &mut self.tied)
        };
        let Some(start) = start else { return };
        chain::greedy(unit, start, &mut self.tied, chain);
        if chain.len() < level {
            self.finder.select(unit, start, level, &mut self.tied, chain);
        }
    }

    fn status(&self, unit: &Unit<'_>) -> Status {
        let outcome = &self.outcome;
        if outcome.level == unit.step_count {
            Status::Converted
        } else if outcome.level_without_exclusions > outcome.level {
            Status::Excluded
        } else if outcome.latest_live_start_us.is_some() {
            Status::Open
        } else {
            Status::Dropped
        }
    }
}

fn check_rows(rows: &Rows<'_>) {
    assert_eq!(rows.times_us.len(), rows.kinds.len(), "each row has a time and a kind");
    assert!(u32::try_from(rows.len()).is_ok(), "places in the rows are 32 bits wide");
}

/// Whether the step behind the chain has a row inside the chain's span that the chain does not use.
pub(super) fn seen_early(unit: &Unit<'_>, chain: &[u32]) -> bool {
    let missing = chain.len();
    let (Some(&first), Some(&last)) = (chain.first(), chain.last()) else { return false };
    missing < unit.step_count
        && between(unit, first as usize, last as usize)
            .any(|row| unit.class(row).serves(missing) && !chain.contains(&(row as u32)))
}

/// The first row for an optional step between the chain's rows of the required steps around it.
pub(super) fn optional_row(unit: &Unit<'_>, chain: &[u32], optional: usize, after: usize) -> Option<u32> {
    let before = *chain.get(after)? as usize;
    let behind = *chain.get(after + 1)? as usize;
    between(unit, before, behind)
        .map(|row| row as u32)
        .find(|row| unit.class(*row as usize).may_be_optional(optional) && !chain.contains(row))
}

/// The rows between two rows of a chain, by the tie rule: rows of the same instants lie between
/// under `Step`, where they have no order, and do not under `Strict`, where time has to increase.
/// Their places, which come from the names of events, decide under `File` only.
fn between(unit: &Unit<'_>, first: usize, last: usize) -> Range<usize> {
    match unit.tie {
        Tie::Step => unit.moment_start(first)..unit.moment_from(last).end,
        Tie::File => first + 1..last,
        Tie::Strict => unit.moment_from(first).end..unit.moment_start(last),
    }
}

#[cfg(test)]
mod tests {
    use super::super::kinds::KindRoles;
    use super::*;

    const ALWAYS: Range<i64> = i64::MIN..i64::MAX;

    fn rules(step_count: usize, tie: Tie) -> Rules {
        Rules { step_count, window_us: Some(100), tie, ..Rules::default() }
    }

    /// Kinds that serve one step each: kind `k` serves step `k`.
    fn one_kind_per_step(step_count: u16) -> KindTable {
        let mut kinds = KindTable::new();
        for step in 0..step_count {
            kinds.push(&KindRoles { steps: vec![step], ..KindRoles::default() });
        }
        kinds
    }

    fn run(rules: &Rules, kinds: &KindTable, rows: &[(i64, u32)]) -> Outcome {
        let (times_us, kinds_of_rows): (Vec<i64>, Vec<u32>) = rows.iter().copied().unzip();
        let seen = Observation { entries_us: ALWAYS, as_of_us: i64::MAX, closes_us: None };
        Engine::new(rules, kinds).run(Rows { times_us: &times_us, kinds: &kinds_of_rows }, &seen).clone()
    }

    #[test]
    fn nobody_enters_without_rows_or_without_steps() {
        let kinds = one_kind_per_step(2);
        let rules = rules(2, Tie::Step);
        let outcome = run(&rules, &kinds, &[]);
        assert_eq!(outcome, Outcome::default());
        assert_eq!(run(&rules, &kinds, &[(5, 1)]), Outcome::default());

        let mut idle = KindTable::new();
        idle.push(&KindRoles::default());
        let no_steps = Rules { step_count: 0, ..rules };
        assert_eq!(run(&no_steps, &idle, &[(5, 0)]), Outcome::default());
    }

    #[test]
    fn a_funnel_of_one_step_converts_at_once() {
        let kinds = one_kind_per_step(1);
        let outcome = run(&rules(1, Tie::Step), &kinds, &[(5, 0), (9, 0)]);
        assert_eq!((outcome.status, &outcome.chain[..]), (Status::Converted, &[0][..]));
        assert_eq!(outcome.attempts, 2);
    }

    #[test]
    fn an_engine_forgets_the_unit_before() {
        let (rules, kinds) = (rules(2, Tie::Step), one_kind_per_step(2));
        let seen = Observation { entries_us: ALWAYS, as_of_us: 50, closes_us: None };
        let mut engine = Engine::new(&rules, &kinds);
        let converted = engine.run(Rows { times_us: &[0, 1], kinds: &[0, 1] }, &seen).status;
        let entered = engine.run(Rows { times_us: &[0], kinds: &[0] }, &seen).clone();
        let absent = engine.run(Rows { times_us: &[], kinds: &[] }, &seen).clone();
        assert_eq!(converted, Status::Converted);
        assert_eq!((entered.status, &entered.chain[..]), (Status::Open, &[0][..]));
        assert_eq!((entered.live_until_us, entered.latest_live_start_us), (Some(100), Some(0)));
        assert_eq!(absent, Outcome::default());
    }

    #[test]
    fn entries_are_bounded_and_what_follows_them_is_not() {
        let (rules, kinds) = (rules(2, Tie::Step), one_kind_per_step(2));
        let mut engine = Engine::new(&rules, &kinds);
        let mut statuses = |times_us: [i64; 2]| {
            let seen = Observation { entries_us: 10..20, as_of_us: 1_000, closes_us: None };
            engine.run(Rows { times_us: &times_us, kinds: &[0, 1] }, &seen).status
        };
        let found = [[9, 15], [10, 15], [19, 30], [20, 30]].map(&mut statuses);
        assert_eq!(found, [Status::NotEntered, Status::Converted, Status::Converted, Status::NotEntered]);
    }

    #[test]
    fn a_unit_that_nobody_can_join_any_more_is_not_open() {
        let (rules, kinds) = (rules(2, Tie::Step), one_kind_per_step(2));
        let mut engine = Engine::new(&rules, &kinds);
        let statuses = [Some(49), Some(50), Some(51), None].map(|closes_us| {
            let seen = Observation { entries_us: ALWAYS, as_of_us: 50, closes_us };
            engine.run(Rows { times_us: &[0], kinds: &[0] }, &seen).status
        });
        assert_eq!(statuses, [Status::Dropped, Status::Dropped, Status::Open, Status::Open]);
    }

    #[test]
    fn optional_rows_lie_between_the_required_ones() {
        let mut kinds = one_kind_per_step(2);
        let coupon = kinds.push(&KindRoles { optional: vec![0], ..KindRoles::default() });
        let with_coupon = |tie| Rules { optional: vec![OptionalStep { after: 0 }], ..rules(2, tie) };
        // Before the entry, between, between, behind.
        let rows = [(1, coupon), (2, 0), (3, coupon), (4, coupon), (5, 1), (6, coupon)];
        assert_eq!(run(&with_coupon(Tie::Step), &kinds, &rows).optional, [Some(2)]);
        // Not converted: nothing is between.
        assert_eq!(run(&with_coupon(Tie::Step), &kinds, &rows[..4]).optional, [None]);
        // At the time of the entry but before it in the file.
        let tied = [(2, coupon), (2, 0), (5, 1)];
        let found =
            [Tie::Step, Tie::File, Tie::Strict].map(|tie| run(&with_coupon(tie), &kinds, &tied).optional[0]);
        assert_eq!(found, [Some(0), None, None]);
        // Behind it in the file.
        let tied = [(2, 0), (2, coupon), (5, 1)];
        let found =
            [Tie::Step, Tie::File, Tie::Strict].map(|tie| run(&with_coupon(tie), &kinds, &tied).optional[0]);
        assert_eq!(found, [Some(1), Some(1), None]);
    }

    #[test]
    fn names_of_tied_rows_do_not_decide_what_was_seen_early() {
        let kinds = one_kind_per_step(3);
        let seen_early = |rows: &[(i64, u32)]| {
            [Tie::Step, Tie::File, Tie::Strict].map(|tie| run(&rules(3, tie), &kinds, rows).seen_early)
        };
        assert_eq!(seen_early(&[(0, 0), (3, 2), (5, 1)]), [true; 3]);
        // At the instant of the first row, in either order: together, before, behind.
        assert_eq!(seen_early(&[(0, 2), (0, 0), (5, 1)]), [true, false, false]);
        assert_eq!(seen_early(&[(0, 0), (0, 2), (5, 1)]), [true, true, false]);
        // At the instant of the last row: `Step` takes it as the third, `File` has it before.
        assert_eq!(seen_early(&[(0, 0), (5, 2), (5, 1)]), [false, true, false]);
        assert_eq!(seen_early(&[(0, 0), (5, 1), (5, 2)]), [false; 3]);
        // Before the chain and behind it, with the missing second step.
        assert_eq!(seen_early(&[(0, 2), (1, 0)]), [false; 3]);
    }

    #[test]
    fn the_earliest_times_that_leave_the_rest_possible_are_chosen() {
        // Kind 0 serves both steps, kind 1 only the first; nothing comes later. So the second row must start.
        let mut kinds = KindTable::new();
        kinds.push(&KindRoles { steps: vec![0, 1], ..KindRoles::default() });
        kinds.push(&KindRoles { steps: vec![0], ..KindRoles::default() });
        assert_eq!(run(&rules(2, Tie::Step), &kinds, &[(0, 0), (0, 1)]).chain, [1, 0]);
        // And with a later row too: no chain is whole any earlier.
        assert_eq!(run(&rules(2, Tie::Step), &kinds, &[(0, 0), (0, 1), (9, 0)]).chain, [1, 0]);
        assert_eq!(run(&rules(2, Tie::Step), &kinds, &[(0, 1), (0, 0), (9, 0)]).chain, [0, 1]);
        assert_eq!(run(&rules(2, Tie::File), &kinds, &[(0, 1), (0, 0)]).chain, [0, 1]);
        // Where time is strict, the one that could do less starts, whatever its place.
        assert_eq!(run(&rules(2, Tie::Strict), &kinds, &[(0, 0), (0, 1), (9, 0)]).chain, [1, 2]);
        assert_eq!(run(&rules(2, Tie::Strict), &kinds, &[(0, 1), (0, 0), (9, 0)]).chain, [0, 2]);
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let kinds = one_kind_per_step(2);
        let rows = [(i64::MIN, 0), (i64::MAX - 1, 0), (i64::MAX, 1)];
        for tie in [Tie::Step, Tie::File, Tie::Strict] {
            assert_eq!(run(&rules(2, tie), &kinds, &rows).chain, [1, 2]);
            let endless = Rules { window_us: None, ..rules(2, tie) };
            assert_eq!(run(&endless, &kinds, &rows).chain, [0, 2]);
            let longest = Rules { window_us: Some(i64::MAX), ..rules(2, tie) };
            let seen = Observation { entries_us: ALWAYS, as_of_us: 7, closes_us: None };
            let mut engine = Engine::new(&longest, &kinds);
            let live_until_us = engine.run(Rows { times_us: &[5], kinds: &[0] }, &seen).live_until_us;
            assert_eq!(live_until_us, Some(i64::MAX));
        }
    }

    #[test]
    fn two_hundred_steps_at_one_instant_backwards() {
        let kinds = one_kind_per_step(200);
        let rows: Vec<(i64, u32)> = (0..200).rev().map(|kind| (0, kind)).collect();
        let outcome = run(&rules(200, Tie::Step), &kinds, &rows);
        let backwards: Vec<u32> = (0..200).rev().collect();
        assert_eq!((outcome.level, &outcome.chain), (200, &backwards));
        assert_eq!(run(&rules(200, Tie::Strict), &kinds, &rows).level, 1);
    }

    /// Slower than linear, these would not end.
    #[test]
    fn a_crowd_at_one_instant_costs_no_more_than_its_rows() {
        let mut kinds = KindTable::new();
        kinds.push(&KindRoles { steps: vec![0, 1], ..KindRoles::default() });
        kinds.push(&KindRoles { steps: vec![2], breaks: vec![0], ..KindRoles::default() });
        let mut rows = vec![(0, 0); 500_000];
        rows.extend(vec![(1, 1); 500_000]);
        let levels = [Tie::Step, Tie::File, Tie::Strict].map(|tie| {
            let outcome = run(&rules(3, tie), &kinds, &rows);
            (outcome.level, outcome.chain)
        });
        assert_eq!(levels[0], (3, vec![0, 1, 500_000]));
        assert_eq!(levels[1], (3, vec![0, 1, 500_000]));
        // Nothing later than the first instant serves the second step.
        assert_eq!(levels[2], (1, vec![0]));
    }

    #[test]
    fn a_crowd_of_starts_leaves_the_only_second_step_alone() {
        let mut kinds = KindTable::new();
        kinds.push(&KindRoles { steps: vec![0, 1], ..KindRoles::default() });
        kinds.push(&KindRoles { steps: vec![0], ..KindRoles::default() });
        let mut rows = vec![(0, 1); 500_000];
        rows[0].1 = 0;
        let outcome = run(&rules(2, Tie::Step), &kinds, &rows);
        assert_eq!((outcome.level, &outcome.chain[..]), (2, &[1, 0][..]));
    }
}
