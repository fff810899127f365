//! The general question: what any setting of the options asks of one unit.
//!
//! Chooses the method and puts together what the methods find. Each of them knows one kind of chain:
//! `pareto` the best of all chains in time order, `tolerant` the same where rows may go back in
//! time, `tries` those that take the first row for each step, `any_order` blocks of steps. An open
//! funnel is as many closed ones as it has steps, each beginning with a later step.

use super::any_order::AnyOrder;
use super::engine::{
    Limits, Method, Observation, OptionalStep, Outcome, Rows, Rules, Status, Tie, optional_row, seen_early,
};
use super::kinds::KindTable;
use super::options::{Blocked, Choice, Entry, Exclusion, Options, Order};
use super::pareto::Pareto;
use super::ties::TiedRows;
use super::tolerant::Tolerant;
use super::tries::{Ended, Tries, Try};
use super::unit::Unit;
use super::view::{Alive, View};
use std::borrow::Cow;

/// One funnel's general method with its scratch.
#[derive(Debug)]
pub(super) struct General<'f> {
    rules: Rules,
    kinds: Cow<'f, KindTable>,
    /// Of an open funnel: the closed ones that begin with each step.
    suffixes: Vec<General<'static>>,
    is_part: bool,
    scratch: Scratch,
}

#[derive(Debug)]
struct Scratch {
    tied: TiedRows,
    pareto: Pareto,
    tolerant: Tolerant,
    tries: Tries,
    any_order: AnyOrder,
}

/// What is found of one unit before it is put into words.
#[derive(Debug, Default)]
struct Found {
    level: usize,
    chain: Vec<u32>,
    served: Vec<u16>,
    alive: Alive,
    /// What froze the unit.
    frozen: Option<Ended>,
    /// How many rows there were before that.
    rows: usize,
}

impl<'f> General<'f> {
    pub fn new(rules: Rules, kinds: Cow<'f, KindTable>) -> General<'f> {
        let suffixes = if rules.options.open {
            (0..rules.step_count).map(|first| suffix(&rules, &kinds, first)).collect()
        } else {
            Vec::new()
        };
        let scratch = Scratch {
            tied: TiedRows::new(kinds.class_count(), rules.step_count),
            pareto: Pareto::default(),
            tolerant: Tolerant::default(),
            tries: Tries::default(),
            any_order: AnyOrder::default(),
        };
        General { rules, kinds, suffixes, is_part: false, scratch }
    }

    pub fn method(&self) -> Method {
        let options = &self.rules.options;
        match options.order {
            Order::Any { .. } => Method::Matching,
            Order::Ordered if options.takes_first_rows() => Method::Tries,
            Order::Ordered if options.tolerance_us > 0 && self.rules.tie == Tie::Step => Method::Search,
            Order::Ordered if options.has_no_gap_limits() && options.tolerance_us == 0 => Method::NewestStart,
            Order::Ordered => Method::ParetoSet,
        }
    }

    /// Follows one unit; the outcome is empty before.
    pub fn run(&mut self, rows: Rows<'_>, limits: Limits<'_>, seen: &Observation, outcome: &mut Outcome) {
        if self.rules.options.open {
            self.run_open(rows, limits, seen, outcome);
        } else {
            self.run_closed(rows, limits, seen, outcome);
        }
    }

    /// Follows one unit through a closed funnel; says what is alive even where the unit converted.
    fn run_closed(
        &mut self,
        rows: Rows<'_>,
        limits: Limits<'_>,
        seen: &Observation,
        outcome: &mut Outcome,
    ) -> Alive {
        outcome.optional.resize(self.rules.optional.len(), None);
        let General { rules, kinds, is_part, scratch, .. } = self;
        let Some(mut view) = view(rules, kinds, rows, limits, seen, rules.tie) else {
            return Alive::default();
        };
        view.is_part = *is_part;
        outcome.first_entry = first_entry(&view).map(|row| row as u32);
        let Some(entry) = outcome.first_entry else { return Alive::default() };
        let mut found = solve(scratch, &view, seen, entry as usize, true);
        outcome.level = found.level;
        std::mem::swap(&mut outcome.chain, &mut found.chain);
        std::mem::swap(&mut outcome.served, &mut found.served);
        let is_converted = outcome.level == view.steps();
        outcome.level_without_exclusions = if is_converted || !kinds.forbids() {
            outcome.level
        } else {
            solve(scratch, &view.without_exclusions(), seen, entry as usize, false).level
        };
        let exclusion = rules.options.exclusion;
        let is_held_up = outcome.level_without_exclusions > outcome.level;
        let is_excluded =
            found.frozen == Some(Ended::Excluded) || (is_held_up && !throws_tries_away(&rules.options));
        outcome.status = match () {
            () if is_converted => Status::Converted,
            () if is_excluded && exclusion == Exclusion::Remove => Status::Removed,
            () if is_excluded => Status::Excluded,
            () if found.alive.latest_start_us.is_some() => Status::Open,
            () => Status::Dropped,
        };
        if !is_converted {
            outcome.latest_live_start_us = found.alive.latest_start_us;
            outcome.live_until_us = found.alive.until_us;
        }
        let watched = view.until_row(found.rows);
        outcome.attempts = attempts(scratch, &watched, entry as usize);
        if outcome.served.is_empty() {
            outcome.seen_early = seen_early(&view.unit, &outcome.chain);
            for (place, step) in rules.optional.iter().enumerate() {
                outcome.optional[place] = optional_row(&view.unit, &outcome.chain, place, step.after);
            }
            let times_us = outcome.chain.iter().map(|&row| view.unit.time_us(row as usize));
            let later = times_us.clone().skip(1);
            outcome.negative_gaps = times_us.zip(later).filter(|(before, at)| at < before).count() as u32;
        }
        found.alive
    }

    /// Of the runs of consecutive steps the longest, then the one that begins with the smallest step.
    fn run_open(&mut self, rows: Rows<'_>, limits: Limits<'_>, seen: &Observation, outcome: &mut Outcome) {
        outcome.optional.resize(self.rules.optional.len(), None);
        let steps = self.rules.step_count;
        let mut alive = Alive::default();
        let mut best = Outcome::default();
        let (mut first_entry, mut longest_without) = (None::<u32>, 0);
        for (first, suffix) in self.suffixes.iter_mut().enumerate() {
            let spent = limits.spent.get(first..).unwrap_or_default();
            let mut part = Outcome::default();
            alive.merge(suffix.run_closed(rows, Limits { spent, ..limits }, seen, &mut part));
            first_entry = match (first_entry, part.first_entry) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            if part.level_without_exclusions > longest_without {
                longest_without = part.level_without_exclusions;
                outcome.level_without_exclusions = first + longest_without;
            }
            if part.level > best.level {
                best = Outcome { entered_at: first, ..part };
            }
        }
        if best.level == 0 {
            outcome.level_without_exclusions = 0;
            return;
        }
        let length = best.level;
        let is_converted = best.entered_at + length == steps;
        *outcome = Outcome {
            level: best.entered_at + length,
            first_entry,
            level_without_exclusions: outcome.level_without_exclusions,
            latest_live_start_us: alive.latest_start_us.filter(|_| !is_converted),
            live_until_us: alive.until_us.filter(|_| !is_converted),
            status: match () {
                () if is_converted => Status::Converted,
                () if longest_without > length => Status::Excluded,
                () if alive.latest_start_us.is_some() => Status::Open,
                () => Status::Dropped,
            },
            ..best
        };
        if is_converted {
            outcome.level_without_exclusions = steps;
        }
    }

    /// The level alone, under any tie rule.
    pub fn level(&mut self, rows: Rows<'_>, limits: Limits<'_>, seen: &Observation, tie: Tie) -> usize {
        let mut best = (0, 0);
        for (first, suffix) in self.suffixes.iter_mut().enumerate() {
            let spent = limits.spent.get(first..).unwrap_or_default();
            let length = suffix.level(rows, Limits { spent, ..limits }, seen, tie);
            if length > best.0 {
                best = (length, first + length);
            }
        }
        if self.rules.options.open {
            return best.1;
        }
        let General { rules, kinds, scratch, .. } = self;
        let view = view(rules, kinds, rows, limits, seen, tie);
        view.and_then(|view| first_entry(&view).map(|entry| solve(scratch, &view, seen, entry, false).level))
            .unwrap_or(0)
    }

    /// Every attempt as an outcome of its own.
    pub fn attempts(&mut self, rows: Rows<'_>, limits: Limits<'_>, seen: &Observation) -> Vec<Outcome> {
        let General { rules, kinds, scratch, .. } = self;
        let mut outcomes = Vec::new();
        let Some(view) = view(rules, kinds, rows, limits, seen, rules.tie) else { return outcomes };
        let Some(entry) = first_entry(&view) else { return outcomes };
        let (watched, _) = freeze(scratch, &view, entry);
        // A forbidden row that freezes the unit ends an attempt too, so the rows are not cut off before it.
        let Scratch { tries, tied, .. } = scratch;
        tries.run(&view, view.unit.moment_start(entry), attempt_entry(&rules.options), tied);
        for attempt in tries.all.iter().filter(|attempt| attempt.start < watched.len()) {
            let mut alive = Alive::default();
            if watched.len() == view.len() {
                attempt.add_live(&view, seen, &mut alive);
            }
            outcomes.push(Outcome {
                status: match attempt.ended {
                    Ended::Converted => Status::Converted,
                    Ended::Excluded if rules.options.exclusion == Exclusion::Remove => Status::Removed,
                    Ended::Excluded => Status::Excluded,
                    Ended::Running if alive.latest_start_us.is_some() => Status::Open,
                    Ended::Running | Ended::Expired | Ended::Blocked => Status::Dropped,
                },
                level: attempt.level(),
                first_entry: attempt.rows.first().copied(),
                level_without_exclusions: attempt.level(),
                attempts: 1,
                seen_early: seen_early(&view.unit, &attempt.rows),
                optional: (rules.optional.iter().enumerate())
                    .map(|(place, step)| optional_row(&view.unit, &attempt.rows, place, step.after))
                    .collect(),
                live_until_us: alive.until_us,
                latest_live_start_us: alive.latest_start_us,
                chain: attempt.rows.clone(),
                ..Outcome::default()
            });
        }
        outcomes
    }
}

/// The closed funnel that begins with a later step.
fn suffix(rules: &Rules, kinds: &KindTable, first: usize) -> General<'static> {
    let options = Options {
        gaps: rules.options.gaps.get(first..).unwrap_or_default().to_vec(),
        open: false,
        ..rules.options.clone()
    };
    // An optional step before the first one is looked for where nothing is found.
    let later =
        |step: &OptionalStep| OptionalStep { after: step.after.checked_sub(first).unwrap_or(usize::MAX) };
    let rules = Rules {
        step_count: rules.step_count - first,
        optional: rules.optional.iter().map(later).collect(),
        options,
        ..rules.clone()
    };
    General { is_part: true, ..General::new(rules, Cow::Owned(kinds.beginning_with(first))) }
}

/// The unit under the rules; nothing if there are no steps.
fn view<'a>(
    rules: &'a Rules,
    kinds: &'a KindTable,
    rows: Rows<'a>,
    limits: Limits<'a>,
    seen: &Observation,
    tie: Tie,
) -> Option<View<'a>> {
    if rules.step_count == 0 {
        return None;
    }
    let unit = Unit {
        rows,
        kinds,
        step_count: rules.step_count,
        window_us: rules.window_us,
        tie,
        entries_from_us: seen.entries_us.start,
        entries_to_us: seen.entries_us.end,
        heeds_exclusions: true,
    };
    let mut view = View { unit, options: &rules.options, limits, only_entry: None, is_part: false };
    if rules.options.entry == Entry::First {
        view.only_entry = first_entry(&view);
    }
    Some(view)
}

/// The first row that may start a chain.
fn first_entry(view: &View<'_>) -> Option<usize> {
    match view.options.order {
        Order::Ordered | Order::Any { anchored: true } => view.unit.first_entry(),
        Order::Any { anchored: false } => (0..view.len()).find(|&row| {
            view.unit.may_enter_at(view.unit.time_us(row)) && !view.unit.class(row).roles.steps.is_empty()
        }),
    }
}

/// Which tries are the attempts of a unit.
fn attempt_entry(options: &Options) -> Entry {
    if options.entry == Entry::First { Entry::First } else { Entry::Successive }
}

/// Whether a forbidden row throws away the try that meets it, and the unit with it unless a sound one stands as deep.
fn throws_tries_away(options: &Options) -> bool {
    options.choice == Choice::LatestStart && options.exclusion != Exclusion::Void
}

/// The rows before what the first attempt that may not go on met, where that freezes the unit.
fn freeze<'a>(scratch: &mut Scratch, view: &View<'a>, entry: usize) -> (View<'a>, Option<Ended>) {
    if !view.options.may_freeze() {
        return (*view, None);
    }
    let Scratch { tries, tied, .. } = scratch;
    tries.run(view, view.unit.moment_start(entry), attempt_entry(view.options), tied);
    let freezes = |attempt: &&Try| match attempt.ended {
        Ended::Excluded => view.options.exclusion != Exclusion::Void,
        Ended::Blocked => view.options.blocked == Blocked::EndsSearch,
        Ended::Running | Ended::Converted | Ended::Expired => false,
    };
    match tries.all.iter().find(freezes) {
        Some(attempt) => (view.until_row(attempt.ended_at), Some(attempt.ended)),
        None => (*view, None),
    }
}

/// Finds the level, and if wanted the winning chain and what is alive.
fn solve(scratch: &mut Scratch, view: &View<'_>, seen: &Observation, entry: usize, whole: bool) -> Found {
    if let Order::Any { anchored } = view.options.order {
        let any_order = &mut scratch.any_order;
        any_order.fill(view, anchored);
        let block = any_order.winner(view, anchored);
        let alive = any_order.alive(view, seen, anchored);
        return Found {
            level: block.rows.len(),
            chain: block.rows,
            served: block.steps,
            alive,
            rows: view.len(),
            ..Found::default()
        };
    }
    let (watched, frozen) = freeze(scratch, view, entry);
    let mut found = Found { frozen, rows: watched.len(), ..Found::default() };
    let first = view.unit.moment_start(entry);
    let Scratch { tied, pareto, tolerant, tries, .. } = scratch;
    if view.options.takes_first_rows() {
        tries.run(&watched, first, view.options.entry, tied);
        let throws_away = view.unit.heeds_exclusions && throws_tries_away(view.options);
        if let Some(winner) = tries.winner(view.options.choice, throws_away) {
            found.level = winner.found.level();
            found.chain.clone_from(&winner.found.rows);
            if winner.is_thrown_away {
                found.frozen = Some(Ended::Excluded);
            }
        }
        tries.all.iter().for_each(|one| one.add_live(&watched, seen, &mut found.alive));
    } else if view.unit.tie == Tie::Step && view.options.tolerance_us > 0 {
        (found.level, found.alive) = tolerant.run(&watched, seen, whole, &mut found.chain);
    } else {
        found.level = pareto.level(&watched, first, tied);
        if whole {
            found.alive = pareto.alive(&watched, seen);
            pareto.find(&watched, first, found.level, tied, &mut found.chain);
        }
    }
    if found.frozen.is_some() {
        found.alive = Alive::default();
    }
    found
}

/// How often the unit set out. A tolerance makes no difference: attempts go by the order of rows.
fn attempts(scratch: &mut Scratch, view: &View<'_>, entry: usize) -> u32 {
    if let Order::Any { anchored } = view.options.order {
        scratch.any_order.fill(view, anchored);
        return scratch.any_order.attempts(view, anchored);
    }
    let Scratch { tries, tied, .. } = scratch;
    tries.run(view, view.unit.moment_start(entry), attempt_entry(view.options), tied);
    u32::try_from(tries.all.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::engine::Engine;
    use super::super::kinds::KindRoles;
    use super::super::options::{GapLimits, RowUse};
    use super::*;

    /// Kind 0 serves steps 0 and 1, kind 1 serves step 1, kind 2 serves step 2 and forbids and blocks the first gap.
    fn kinds() -> KindTable {
        let mut kinds = KindTable::new();
        kinds.push(&KindRoles { steps: vec![0, 1], ..KindRoles::default() });
        kinds.push(&KindRoles { steps: vec![1], ..KindRoles::default() });
        kinds.push(&KindRoles { steps: vec![2], breaks: vec![0], blocks: vec![0], ..KindRoles::default() });
        kinds
    }

    fn limited() -> Options {
        let gap = GapLimits { within_us: Some(9), after_us: 1 };
        Options { gaps: vec![gap, gap], ..Options::default() }
    }

    /// One of each method, and what may freeze.
    fn settings() -> Vec<(Options, Method)> {
        vec![
            (Options { row: RowUse::Many, ..Options::default() }, Method::NewestStart),
            (limited(), Method::ParetoSet),
            (Options { exclusion: Exclusion::Drop, ..limited() }, Method::ParetoSet),
            (Options { open: true, ..limited() }, Method::ParetoSet),
            (Options { tolerance_us: 2, ..Options::default() }, Method::Search),
            (Options { choice: Choice::LatestStart, ..limited() }, Method::Tries),
            (Options { entry: Entry::Successive, ..Options::default() }, Method::Tries),
            (Options { order: Order::Any { anchored: true }, ..Options::default() }, Method::Matching),
        ]
    }

    fn rules(options: Options, window_us: Option<i64>, tie: Tie) -> Rules {
        Rules { step_count: 3, window_us, tie, options, ..Rules::default() }
    }

    const ALWAYS: Observation = Observation { entries_us: i64::MIN..i64::MAX, as_of_us: 7, closes_us: None };

    #[test]
    fn every_setting_names_its_method() {
        let kinds = kinds();
        for (options, method) in settings() {
            let rules = rules(options, None, Tie::Step);
            assert_eq!(Engine::new(&rules, &kinds).method(), method);
        }
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let kinds = kinds();
        let times_us = [i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX];
        for (options, _) in settings() {
            for (tie, window_us) in [(Tie::Step, None), (Tie::Strict, Some(i64::MAX))] {
                let rules = rules(options.clone(), window_us, tie);
                let mut engine = Engine::new(&rules, &kinds);
                let rows = Rows { times_us: &times_us, kinds: &[0, 1, 1, 2] };
                let entered = engine.run(rows, &ALWAYS).first_entry;
                assert_eq!(entered, Some(0), "{options:?}");
            }
        }
    }

    /// Slower than linear, these would not end.
    #[test]
    fn crowds_cost_no_more_than_their_rows() {
        let kinds = kinds();
        const CROWD: usize = 100_000;
        // All at one instant and then one that goes on; and one after the other.
        let mut instant: Vec<i64> = vec![0; CROWD];
        instant.push(2);
        let apart: Vec<i64> = (0..=CROWD as i64).collect();
        let mut crowd = vec![0; CROWD];
        crowd.push(2);
        for (options, method) in settings() {
            for times_us in [&instant, &apart] {
                // Rows a microsecond apart are all inside one another's tolerance, and the search knows that.
                let rules = rules(options.clone(), Some(50_000), Tie::Step);
                let mut engine = Engine::new(&rules, &kinds);
                let level = engine.run(Rows { times_us, kinds: &crowd }, &ALWAYS).level;
                // At one instant with a shortest time between steps, nothing is there for the second one.
                let is_instant = times_us[1] == 0;
                let lacks_second = is_instant && options.gap(0).after_us > 0 && !options.open;
                assert_eq!(level, if lacks_second { 1 } else { 3 }, "{method:?} {is_instant}");
            }
        }
    }
}
