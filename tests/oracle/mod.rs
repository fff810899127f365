//! The slow, plain reading of the definitions: tries every chain of rows there is.
//!
//! Shares no code with the engine but its words (rows in, outcome out). Only for short logs.

use dropoff::funnel::engine::{Observation, Outcome, Status, Tie};
use dropoff::funnel::kinds::KindRoles;

/// A funnel over kinds `0..roles.len()`.
#[derive(Debug, Clone)]
pub struct Funnel {
    pub step_count: usize,
    /// The required step before each optional step.
    pub optional_after: Vec<usize>,
    pub window_us: Option<i64>,
    pub tie: Tie,
    pub roles: Vec<KindRoles>,
}

/// (time, kind), in total order.
pub type Log = [(i64, u32)];

struct Search<'a> {
    funnel: &'a Funnel,
    log: &'a Log,
    entries: std::ops::Range<i64>,
    exclusions: bool,
    chains: Vec<Vec<usize>>,
}

/// The outcome of one unit, from the list of all its chains.
pub fn outcome(funnel: &Funnel, log: &Log, seen: &Observation) -> Outcome {
    let chains = all_chains(funnel, log, seen, true);
    let winner = winner(&chains);
    let steps = funnel.step_count;
    let level = winner.len();
    let level_without_exclusions = self::winner(&all_chains(funnel, log, seen, false)).len();

    let converted = steps > 0 && level == steps;
    let live: Vec<i64> = chains
        .iter()
        .filter(|chain| !converted && is_live(funnel, log, chain, seen))
        .map(|chain| log[chain[0]].0)
        .collect();
    let entered =
        (0..log.len()).find(|&row| seen.entries_us.contains(&log[row].0) && serves(funnel, log, row, 0));
    let status = match () {
        () if entered.is_none() => Status::NotEntered,
        () if converted => Status::Converted,
        () if level_without_exclusions > level => Status::Excluded,
        () if !live.is_empty() => Status::Open,
        () => Status::Dropped,
    };
    Outcome {
        status,
        level,
        optional: (0..funnel.optional_after.len())
            .map(|place| optional_row(funnel, log, &winner, place))
            .collect(),
        first_entry: entered.map(|row| row as u32),
        level_without_exclusions,
        attempts: attempts(funnel, log, seen),
        seen_early: is_seen_early(funnel, log, &winner),
        live_until_us: funnel
            .window_us
            .and_then(|window_us| live.iter().map(|start| start + window_us).max()),
        latest_live_start_us: live.iter().copied().max(),
        chain: winner.into_iter().map(|row| row as u32).collect(),
    }
}

/// The level alone.
pub fn level(funnel: &Funnel, log: &Log, seen: &Observation) -> usize {
    winner(&all_chains(funnel, log, seen, true)).len()
}

fn all_chains(funnel: &Funnel, log: &Log, seen: &Observation, exclusions: bool) -> Vec<Vec<usize>> {
    let mut search = Search { funnel, log, entries: seen.entries_us.clone(), exclusions, chains: Vec::new() };
    search.extend(&mut Vec::new());
    search.chains
}

/// Most steps, then the least rows; rows lie in time order, so the least first row starts first.
fn winner(chains: &[Vec<usize>]) -> Vec<usize> {
    chains.iter().min_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b))).cloned().unwrap_or_default()
}

impl Search<'_> {
    fn extend(&mut self, chain: &mut Vec<usize>) {
        if !chain.is_empty() {
            self.chains.push(chain.clone());
        }
        if chain.len() == self.funnel.step_count {
            return;
        }
        for row in 0..self.log.len() {
            if serves(self.funnel, self.log, row, chain.len()) && self.may_follow(chain, row) {
                chain.push(row);
                self.extend(chain);
                chain.pop();
            }
        }
    }

    fn may_follow(&self, chain: &[usize], row: usize) -> bool {
        let at = self.log[row].0;
        let (Some(&first), Some(&last)) = (chain.first(), chain.last()) else {
            return self.entries.contains(&at);
        };
        let (start, before) = (self.log[first].0, self.log[last].0);
        let ordered = match self.funnel.tie {
            Tie::File => row > last,
            Tie::Step => at >= before && !chain.contains(&row),
            Tie::Strict => at > before,
        };
        let in_window = self.funnel.window_us.is_none_or(|window| at - start <= window);
        let is_forbidden = |other: usize| {
            let between = match self.funnel.tie {
                Tie::File => last < other && other < row,
                Tie::Step | Tie::Strict => before < self.log[other].0 && self.log[other].0 < at,
            };
            between && breaks(self.funnel, self.log, other, chain.len() - 1)
        };
        ordered && in_window && !(self.exclusions && (0..self.log.len()).any(is_forbidden))
    }
}

fn serves(funnel: &Funnel, log: &Log, row: usize, step: usize) -> bool {
    funnel.roles[log[row].1 as usize].steps.contains(&(step as u16))
}

fn breaks(funnel: &Funnel, log: &Log, row: usize, gap: usize) -> bool {
    funnel.roles[log[row].1 as usize].breaks.contains(&(gap as u16))
}

/// Whether a row after the end of observation could still follow the chain.
fn is_live(funnel: &Funnel, log: &Log, chain: &[usize], seen: &Observation) -> bool {
    let last = chain[chain.len() - 1];
    let is_behind = |row: usize| match funnel.tie {
        Tie::File => row > last,
        Tie::Step | Tie::Strict => log[row].0 > log[last].0,
    };
    let broken = (0..log.len()).any(|row| is_behind(row) && breaks(funnel, log, row, chain.len() - 1));
    let next_instant = seen.as_of_us + 1;
    let in_window = funnel.window_us.is_none_or(|window| next_instant - log[chain[0]].0 <= window);
    chain.len() < funnel.step_count
        && !broken
        && in_window
        && seen.closes_us.is_none_or(|closes| closes >= next_instant)
}

/// Whether a row that the chain does not use lies between two that it does.
fn lies_between(funnel: &Funnel, log: &Log, row: usize, first: usize, last: usize) -> bool {
    match funnel.tie {
        Tie::Step => log[first].0 <= log[row].0 && log[row].0 <= log[last].0,
        Tie::File => first < row && row < last,
        Tie::Strict => log[first].0 < log[row].0 && log[row].0 < log[last].0,
    }
}

fn is_seen_early(funnel: &Funnel, log: &Log, chain: &[usize]) -> bool {
    let (Some(&first), Some(&last)) = (chain.first(), chain.last()) else { return false };
    (0..log.len()).any(|row| {
        chain.len() < funnel.step_count
            && serves(funnel, log, row, chain.len())
            && !chain.contains(&row)
            && lies_between(funnel, log, row, first, last)
    })
}

fn optional_row(funnel: &Funnel, log: &Log, chain: &[usize], place: usize) -> Option<u32> {
    let after = funnel.optional_after[place];
    if chain.len() < after + 2 {
        return None;
    }
    let (before, behind) = (chain[after], chain[after + 1]);
    let fits = |&row: &usize| {
        lies_between(funnel, log, row, before, behind)
            && !chain.contains(&row)
            && funnel.roles[log[row].1 as usize].optional.contains(&(place as u16))
    };
    (0..log.len()).find(fits).map(|row| row as u32)
}

/// Counts tries, each followed to its end before the next is looked for.
fn attempts(funnel: &Funnel, log: &Log, seen: &Observation) -> u32 {
    let moments = moments(funnel, log);
    let time = |moment: usize| log[moments[moment][0]].0;
    let mut count = 0;
    let mut at = 0;
    while at < moments.len() {
        let mut served = longest_run(funnel, log, &moments[at], 0);
        let start = time(at);
        at += 1;
        if served == 0 || !seen.entries_us.contains(&start) {
            continue;
        }
        count += 1;
        while served < funnel.step_count && at < moments.len() {
            if funnel.window_us.is_some_and(|window| time(at) > start + window) {
                break;
            }
            let run = longest_run(funnel, log, &moments[at], served);
            let forbidden = moments[at].iter().any(|&row| breaks(funnel, log, row, served - 1));
            if run == 0 && forbidden {
                break;
            }
            served += run;
            at += 1;
        }
    }
    count
}

fn moments(funnel: &Funnel, log: &Log) -> Vec<Vec<usize>> {
    let mut moments: Vec<Vec<usize>> = Vec::new();
    for row in 0..log.len() {
        match moments.last_mut() {
            Some(moment) if funnel.tie != Tie::File && log[moment[0]].0 == log[row].0 => moment.push(row),
            _ => moments.push(vec![row]),
        }
    }
    moments
}

/// How many steps from `step` on distinct rows of one moment can serve.
fn longest_run(funnel: &Funnel, log: &Log, free: &[usize], step: usize) -> usize {
    let mut best = 0;
    for &row in free.iter().filter(|&&row| step < funnel.step_count && serves(funnel, log, row, step)) {
        let rest: Vec<usize> = free.iter().copied().filter(|&other| other != row).collect();
        let more = if funnel.tie == Tie::Strict { 0 } else { longest_run(funnel, log, &rest, step + 1) };
        best = best.max(1 + more);
    }
    best
}
