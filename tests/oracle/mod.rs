//! The slow, plain reading of the definitions: tries every chain of rows there is.
//!
//! Shares no code with the engine but its words (rules and rows in, outcome out). Only for short logs.

mod any_order;
mod tries;

use dropoff::funnel::engine::{Observation, Outcome, Rules, Status, Tie};
use dropoff::funnel::kinds::KindRoles;
use dropoff::funnel::options::{Blocked, Choice, Entry, Exclusion, Order, RowUse};
use std::cmp::Reverse;
use tries::Ended;

/// A funnel over kinds `0..roles.len()`.
#[derive(Debug, Clone)]
pub struct Funnel {
    pub rules: Rules,
    pub roles: Vec<KindRoles>,
}

/// What is known of the rows beside times and kinds.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub ends_us: Option<Vec<i64>>,
    pub spent: Vec<bool>,
}

/// (time, kind), in total order.
pub type Log = [(i64, u32)];

/// One unit under one reading of the rules.
#[derive(Debug, Clone, Copy)]
struct World<'a> {
    funnel: &'a Funnel,
    log: &'a Log,
    known: &'a Known,
    seen: &'a Observation,
    /// Whether forbidden rows count.
    exclusions: bool,
    tie: Tie,
}

/// A start from which a later row could still go on, and until when (`None`: for ever).
type Live = (i64, Option<i64>);

/// The part of an outcome that depends on the exclusions.
struct Found {
    chain: Vec<usize>,
    served: Vec<u16>,
    live: Vec<Live>,
    frozen: Option<Ended>,
    /// The rows before what froze the unit.
    rows: usize,
}

/// The outcome of one unit.
pub fn outcome(funnel: &Funnel, log: &Log, known: &Known, seen: &Observation) -> Outcome {
    let world = World { funnel, log, known, seen, exclusions: true, tie: funnel.rules.tie };
    if funnel.rules.options.open { world.open_outcome() } else { world.outcome().0 }
}

/// The level alone, under any tie rule.
pub fn level(funnel: &Funnel, log: &Log, known: &Known, seen: &Observation, tie: Tie) -> usize {
    let world = World { funnel, log, known, seen, exclusions: true, tie };
    if !funnel.rules.options.open {
        return world.found().chain.len();
    }
    let runs = (0..world.steps()).map(|first| (world.suffix(first), first));
    let lengths = runs.map(|(suffix, first)| {
        let known = Known { spent: known.spent.iter().copied().skip(first).collect(), ..known.clone() };
        let world = World { funnel: &suffix, known: &known, ..world };
        (world.found().chain.len(), first)
    });
    let longest = lengths.max_by_key(|&(length, first)| (length, std::cmp::Reverse(first)));
    longest.filter(|(length, _)| *length > 0).map_or(0, |(length, first)| length + first)
}

/// Every attempt as an outcome of its own: status, level and rows.
pub fn attempts(
    funnel: &Funnel,
    log: &Log,
    known: &Known,
    seen: &Observation,
) -> Vec<(Status, usize, Vec<usize>)> {
    let world = World { funnel, log, known, seen, exclusions: true, tie: funnel.rules.tie };
    world.attempt_outcomes()
}

impl<'a> World<'a> {
    fn steps(&self) -> usize {
        self.funnel.rules.step_count
    }

    fn options(&self) -> &'a dropoff::funnel::options::Options {
        &self.funnel.rules.options
    }

    fn time(&self, row: usize) -> i64 {
        self.log[row].0
    }

    fn serves(&self, row: usize, step: usize) -> bool {
        self.funnel.roles[self.log[row].1 as usize].steps.contains(&(step as u16))
    }

    fn serves_any(&self, row: usize) -> bool {
        !self.funnel.roles[self.log[row].1 as usize].steps.is_empty()
    }

    fn breaks(&self, row: usize, gap: usize) -> bool {
        self.exclusions && self.funnel.roles[self.log[row].1 as usize].breaks.contains(&(gap as u16))
    }

    fn blocks(&self, row: usize, gap: usize) -> bool {
        self.funnel.roles[self.log[row].1 as usize].blocks.contains(&(gap as u16))
    }

    fn tolerance(&self) -> i64 {
        self.options().tolerance_us
    }

    fn after(&self, gap: usize) -> i64 {
        self.options().gaps.get(gap).map_or(0, |limits| limits.after_us)
    }

    fn within(&self, gap: usize) -> Option<i64> {
        self.options().gaps.get(gap).and_then(|limits| limits.within_us)
    }

    /// The last instant for a chain that starts at the row.
    fn end(&self, row: usize) -> Option<i64> {
        let window = self.funnel.rules.window_us.map(|window| self.time(row) + window);
        let end = self.known.ends_us.as_ref().map(|ends| ends[row]);
        window.into_iter().chain(end).min()
    }

    fn is_in_time(&self, start: usize, row: usize) -> bool {
        self.end(start).is_none_or(|end| self.time(row) <= end)
    }

    fn first_entry(&self) -> Option<usize> {
        let is_ordered = matches!(self.options().order, Order::Ordered | Order::Any { anchored: true });
        (0..self.log.len()).find(|&row| {
            self.seen.entries_us.contains(&self.time(row))
                && if is_ordered { self.serves(row, 0) } else { self.serves_any(row) }
        })
    }

    /// Whether a chain may start at the row, as far as time goes.
    fn may_start(&self, row: usize) -> bool {
        let is_first = match (self.options().entry, self.first_entry()) {
            (Entry::First, Some(first)) => self.is_one_moment(first, row),
            _ => true,
        };
        is_first && self.seen.entries_us.contains(&self.time(row))
    }

    fn is_one_moment(&self, a: usize, b: usize) -> bool {
        if self.tie == Tie::File { a == b } else { self.time(a) == self.time(b) }
    }

    fn first_of_moment(&self, row: usize) -> usize {
        (0..=row).find(|&other| self.is_one_moment(other, row)).unwrap_or(row)
    }

    /// What orders rows of one moment: the steps that they may serve, the last one first, then what
    /// else they may do.
    fn part(&self, row: usize) -> [Vec<u16>; 4] {
        let roles = &self.funnel.roles[self.log[row].1 as usize];
        [&roles.steps, &roles.breaks, &roles.blocks, &roles.optional].map(|list| {
            let mut list = list.clone();
            list.sort_by_key(|&number| Reverse(number));
            list.dedup();
            list
        })
    }

    /// What orders ways of the same length: when, by what sort of rows, by which rows.
    fn rank(&self, rows: &[usize]) -> (Vec<usize>, Vec<[Vec<u16>; 4]>, Vec<usize>) {
        let moments = rows.iter().map(|&row| self.first_of_moment(row)).collect();
        (moments, rows.iter().map(|&row| self.part(row)).collect(), rows.to_vec())
    }

    /// Whether a forbidden row throws away the try that meets it.
    fn throws_tries_away(&self) -> bool {
        let options = self.options();
        self.exclusions && options.choice == Choice::LatestStart && options.exclusion != Exclusion::Void
    }

    /// Whether a row lies truly between two others: where equal times have no order, not at their times.
    fn is_inside(&self, row: usize, first: usize, last: usize) -> bool {
        match self.tie {
            Tie::File => first < row && row < last,
            Tie::Step | Tie::Strict => self.time(first) < self.time(row) && self.time(row) < self.time(last),
        }
    }

    fn is_behind(&self, row: usize, last: usize) -> bool {
        match self.tie {
            Tie::File => row > last,
            Tie::Step | Tie::Strict => self.time(row) > self.time(last),
        }
    }

    /// Whether the row may serve the step behind the chain.
    fn may_follow(&self, chain: &[usize], row: usize) -> bool {
        let (Some(&first), Some(&last)) = (chain.first(), chain.last()) else { return self.may_start(row) };
        let gap = chain.len() - 1;
        let (at, before) = (self.time(row), self.time(last));
        let is_reusable = self.options().row == RowUse::Many;
        let is_ordered = match self.tie {
            Tie::File => row > last || (is_reusable && row == last),
            Tie::Step => at >= before - self.tolerance(),
            Tie::Strict => at > before + self.tolerance(),
        };
        let apart = (at - before).max(0);
        is_ordered
            && apart >= self.after(gap)
            && self.within(gap).is_none_or(|within| apart <= within)
            && self.is_in_time(first, row)
            && !(0..self.log.len()).any(|other| {
                self.is_inside(other, last, row) && (self.breaks(other, gap) || self.blocks(other, gap))
            })
    }

    /// All chains; `apart`: whether a row may serve one step of a chain only, or just no two in a row.
    fn chains(&self, distinct: bool) -> Vec<Vec<usize>> {
        let mut chains = Vec::new();
        self.extend(distinct, &mut Vec::new(), &mut chains);
        chains
    }

    fn extend(&self, distinct: bool, chain: &mut Vec<usize>, chains: &mut Vec<Vec<usize>>) {
        if !chain.is_empty() {
            chains.push(chain.clone());
        }
        if chain.len() == self.steps() {
            return;
        }
        let is_reusable = self.options().row == RowUse::Many;
        for row in 0..self.log.len() {
            let is_used = if distinct { chain.contains(&row) } else { chain.last() == Some(&row) };
            if self.serves(row, chain.len()) && (is_reusable || !is_used) && self.may_follow(chain, row) {
                chain.push(row);
                self.extend(distinct, chain, chains);
                chain.pop();
            }
        }
    }

    /// What a row after the end of observation could do for a chain.
    fn live(&self, chain: &[usize]) -> Option<Live> {
        let (&first, &last) = (chain.first()?, chain.last()?);
        let gap = chain.len() - 1;
        let is_stopped = (0..self.log.len())
            .any(|row| self.is_behind(row, last) && (self.breaks(row, gap) || self.blocks(row, gap)));
        let is_spent = self.known.spent.get(gap + 1) == Some(&true);
        if chain.len() >= self.steps() || is_stopped || is_spent {
            return None;
        }
        let apart = match self.tie {
            Tie::Strict if self.tolerance() > 0 => self.after(gap).max(self.tolerance() + 1),
            _ => self.after(gap),
        };
        let opens = self.time(last) + apart;
        let within = self.within(gap).map(|within| self.time(last) + within);
        let until = within.into_iter().chain(self.end(first)).min();
        let earliest = opens.max(self.seen.as_of_us + 1);
        let fits = |bound: Option<i64>| bound.is_none_or(|bound| earliest <= bound);
        (fits(until) && fits(self.seen.closes_us)).then(|| (self.time(first), until))
    }

    /// Chain, what is alive, what froze the unit.
    fn found(&self) -> Found {
        if let Order::Any { anchored } = self.options().order {
            return self.found_in_any_order(anchored);
        }
        if self.first_entry().is_none() {
            return Found { chain: vec![], served: vec![], live: vec![], frozen: None, rows: self.log.len() };
        }
        let mut frozen = self.freeze();
        let rows = frozen.map_or(self.log.len(), |(row, _)| row);
        let watched = World { log: &self.log[..rows], ..*self };
        let options = self.options();
        let (chain, mut live): (Vec<usize>, Vec<Live>);
        if options.choice != Choice::EarliestStart || options.entry == Entry::Successive {
            let tries = watched.tries(options.entry);
            let mut winner = watched.best_try(&tries);
            if watched.throws_tries_away() {
                let sound = watched.best_sound_try(&tries);
                if sound.is_none() {
                    frozen = Some((rows, Ended::Excluded));
                }
                winner = sound.or(winner);
            }
            chain = winner.map_or(vec![], |one| one.rows.clone());
            let running = tries.iter().filter(|one| one.ended == Ended::Running);
            live = running.filter_map(|one| watched.live(&one.rows)).collect();
        } else {
            let chains = watched.chains(true);
            chain = chains
                .iter()
                .min_by_key(|chain| (Reverse(chain.len()), self.rank(chain)))
                .cloned()
                .unwrap_or_default();
            let goes_back = self.tie == Tie::Step && self.tolerance() > 0;
            live = watched.chains(!goes_back).iter().filter_map(|chain| watched.live(chain)).collect();
        }
        if frozen.is_some() {
            live.clear();
        }
        Found { chain, served: vec![], live, frozen: frozen.map(|(_, ended)| ended), rows }
    }

    fn freeze(&self) -> Option<(usize, Ended)> {
        let options = self.options();
        if options.choice == Choice::LatestStart {
            return None;
        }
        let freezes = |one: &tries::Try| match one.ended {
            Ended::Excluded => options.exclusion != Exclusion::Void,
            Ended::Blocked => options.blocked == Blocked::EndsSearch,
            _ => false,
        };
        self.attempts().into_iter().find(freezes).map(|one| (one.ended_at, one.ended))
    }

    /// The outcome, and everything that is alive even if the unit converted.
    fn outcome(&self) -> (Outcome, Vec<Live>) {
        let found = self.found();
        let level = found.chain.len();
        let steps = self.steps();
        let without = World { exclusions: false, ..*self }.found();
        let converted = steps > 0 && level == steps;
        let entered = self.first_entry().filter(|_| steps > 0);
        let is_held_up = !self.throws_tries_away() && without.chain.len() > level;
        let is_excluded = is_held_up || found.frozen == Some(Ended::Excluded);
        let status = match () {
            () if entered.is_none() => Status::NotEntered,
            () if converted => Status::Converted,
            () if is_excluded && self.options().exclusion == Exclusion::Remove => Status::Removed,
            () if is_excluded => Status::Excluded,
            () if !found.live.is_empty() => Status::Open,
            () => Status::Dropped,
        };
        let (latest_live_start_us, live_until_us) = if converted { (None, None) } else { sum(&found.live) };
        let watched = World { log: &self.log[..found.rows], ..*self };
        let is_ordered = self.options().order == Order::Ordered;
        let outcome = Outcome {
            status,
            level,
            entered_at: 0,
            served: found.served,
            negative_gaps: if is_ordered {
                found.chain.windows(2).filter(|pair| self.time(pair[1]) < self.time(pair[0])).count() as u32
            } else {
                0
            },
            optional: (0..self.funnel.rules.optional.len())
                .map(|place| self.optional_row(&found.chain, place))
                .collect(),
            first_entry: entered.map(|row| row as u32),
            level_without_exclusions: if converted { level } else { without.chain.len() },
            attempts: if entered.is_none() { 0 } else { watched.attempt_count() },
            seen_early: is_ordered && self.is_seen_early(&found.chain),
            live_until_us,
            latest_live_start_us,
            chain: found.chain.into_iter().map(|row| row as u32).collect(),
        };
        (outcome, found.live)
    }

    fn attempt_count(&self) -> u32 {
        match self.options().order {
            Order::Any { anchored } => self.attempts_in_any_order(anchored),
            Order::Ordered => self.attempts().len() as u32,
        }
    }

    /// The closed funnel of the steps from `first` on.
    fn suffix(&self, first: usize) -> Funnel {
        let mut funnel = self.funnel.clone();
        let later = |list: &[u16]| -> Vec<u16> {
            list.iter().filter(|&&at| usize::from(at) >= first).map(|at| at - first as u16).collect()
        };
        for roles in &mut funnel.roles {
            roles.steps = later(&roles.steps);
            roles.breaks = later(&roles.breaks);
            roles.blocks = later(&roles.blocks);
        }
        funnel.rules.options.open = false;
        funnel.rules.options.gaps = self.options().gaps.iter().copied().skip(first).collect();
        funnel.rules.step_count -= first;
        for optional in &mut funnel.rules.optional {
            optional.after = if optional.after >= first { optional.after - first } else { 99 };
        }
        funnel
    }

    /// The longest run of consecutive steps, then the one that begins with the smallest step.
    fn open_outcome(&self) -> Outcome {
        let mut parts = Vec::new();
        let mut all_live = Vec::new();
        for first in 0..self.steps() {
            let funnel = self.suffix(first);
            let spent = self.known.spent.iter().copied().skip(first).collect();
            let known = Known { spent, ..self.known.clone() };
            let (part, live) = World { funnel: &funnel, known: &known, ..*self }.outcome();
            all_live.extend(live);
            parts.push(part);
        }
        let longest = |length: fn(&Outcome) -> usize| {
            let best = parts.iter().map(length).max().unwrap_or(0);
            let first = parts.iter().position(|part| length(part) == best).unwrap_or(0);
            (best, first)
        };
        let (length, first) = longest(|part| part.level);
        let (without, first_without) = longest(|part| part.level_without_exclusions);
        if length == 0 {
            return Outcome { optional: vec![None; self.funnel.rules.optional.len()], ..Outcome::default() };
        }
        let converted = first + length == self.steps();
        let (latest, until) = if converted { (None, None) } else { sum(&all_live) };
        Outcome {
            level: first + length,
            entered_at: first,
            first_entry: parts.iter().filter_map(|part| part.first_entry).min(),
            level_without_exclusions: if converted { self.steps() } else { first_without + without },
            latest_live_start_us: latest,
            live_until_us: until,
            status: match () {
                () if converted => Status::Converted,
                () if without > length => Status::Excluded,
                () if !all_live.is_empty() => Status::Open,
                () => Status::Dropped,
            },
            ..parts[first].clone()
        }
    }

    /// Whether a row that the chain does not use lies between two that it does.
    fn lies_between(&self, row: usize, first: usize, last: usize) -> bool {
        match self.tie {
            Tie::Step => self.time(first) <= self.time(row) && self.time(row) <= self.time(last),
            Tie::File | Tie::Strict => self.is_inside(row, first, last),
        }
    }

    fn is_seen_early(&self, chain: &[usize]) -> bool {
        let (Some(&first), Some(&last)) = (chain.first(), chain.last()) else { return false };
        (0..self.log.len()).any(|row| {
            chain.len() < self.steps()
                && self.serves(row, chain.len())
                && !chain.contains(&row)
                && self.lies_between(row, first, last)
        })
    }

    fn optional_row(&self, chain: &[usize], place: usize) -> Option<u32> {
        let after = self.funnel.rules.optional[place].after;
        if chain.len() < after + 2 {
            return None;
        }
        let (before, behind) = (chain[after], chain[after + 1]);
        let fits = |&row: &usize| {
            self.lies_between(row, before, behind)
                && !chain.contains(&row)
                && self.funnel.roles[self.log[row].1 as usize].optional.contains(&(place as u16))
        };
        (0..self.log.len()).find(fits).map(|row| row as u32)
    }
}

/// The newest start and the latest end of what is alive.
fn sum(live: &[Live]) -> (Option<i64>, Option<i64>) {
    let newest = live.iter().map(|(start, _)| *start).max();
    let until: Option<Vec<i64>> = live.iter().map(|(_, until)| *until).collect();
    (newest, until.and_then(|until| until.into_iter().max()))
}
