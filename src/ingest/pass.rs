//! One pass over all persons, shard by shard, on several threads.

use super::batch::RowLayout;
use super::settle::{PersonRows, SettledShard, TieOrder, settle};
use super::shard::{SHARDS, Store};
use crate::session::{SplitCause, split};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Takes every person once, in no given order, and gives one result whatever that order was.
pub trait Accumulator: Send {
    fn person(&mut self, person: &Person<'_>);
    fn merge(&mut self, other: Self);
}

/// Two accumulators that share one pass.
impl<A: Accumulator, B: Accumulator> Accumulator for (A, B) {
    fn person(&mut self, person: &Person<'_>) {
        self.0.person(person);
        self.1.person(person);
    }

    fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
        self.1.merge(other.1);
    }
}

/// One person's rows in order, and their sessions.
pub struct Person<'a> {
    pub rows: PersonRows<'a>,
    pub sessions: &'a [Session],
}

/// One rebuilt session: a range of the person's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub rows: Range<usize>,
    pub cause: SplitCause,
}

impl Person<'_> {
    /// The index of the session that holds a row.
    pub fn session_of(&self, row: usize) -> usize {
        self.sessions.partition_point(|session| session.rows.end <= row)
    }
}

/// All persons, settled: kept when more than one pass is needed.
pub struct Population {
    shards: Vec<SettledShard>,
}

/// Settles every shard and keeps them all.
pub fn settle_all(store: Store, ties: &TieOrder, threads: usize) -> Population {
    let layout = store.layout();
    let settled: Mutex<Vec<(usize, SettledShard)>> = Mutex::new(Vec::with_capacity(SHARDS));
    for_each_shard(
        threads,
        || (),
        |(), shard| {
            let shard_settled = settle(store.take(shard), layout, ties);
            settled.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((shard, shard_settled));
        },
    );
    let mut shards = settled.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    shards.sort_unstable_by_key(|(shard, _)| *shard);
    Population { shards: shards.into_iter().map(|(_, settled)| settled).collect() }
}

/// One pass over a population that is kept.
pub fn over_population<A: Accumulator>(
    population: &Population,
    timeout_us: i64,
    threads: usize,
    make: impl Fn() -> A + Sync,
) -> A {
    let workers = for_each_shard(
        threads,
        || (make(), Vec::new()),
        |(accumulator, sessions), shard| {
            take_persons(&population.shards[shard], timeout_us, accumulator, sessions)
        },
    );
    merge_all(workers.into_iter().map(|(accumulator, _)| accumulator), make)
}

/// One pass over a store that frees each shard as soon as its persons are done.
pub fn over_store<A: Accumulator>(
    store: Store,
    ties: &TieOrder,
    timeout_us: i64,
    threads: usize,
    make: impl Fn() -> A + Sync,
) -> A {
    let layout: RowLayout = store.layout();
    let workers = for_each_shard(
        threads,
        || (make(), Vec::new()),
        |(accumulator, sessions), shard| {
            let settled = settle(store.take(shard), layout, ties);
            take_persons(&settled, timeout_us, accumulator, sessions);
        },
    );
    merge_all(workers.into_iter().map(|(accumulator, _)| accumulator), make)
}

fn take_persons<A: Accumulator>(
    shard: &SettledShard,
    timeout_us: i64,
    accumulator: &mut A,
    sessions: &mut Vec<Session>,
) {
    for rows in shard.persons() {
        sessions.clear();
        sessions.extend(split(rows.times_us, timeout_us).map(|(rows, cause)| Session { rows, cause }));
        accumulator.person(&Person { rows, sessions });
    }
}

fn merge_all<A: Accumulator>(workers: impl Iterator<Item = A>, make: impl Fn() -> A) -> A {
    workers
        .reduce(|mut whole, part| {
            whole.merge(part);
            whole
        })
        .unwrap_or_else(make)
}

/// Lets each thread take shard after shard with a state of its own; gives back the states.
fn for_each_shard<S: Send>(
    threads: usize,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) + Sync,
) -> Vec<S> {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut state = state();
        loop {
            let shard = next.fetch_add(1, Ordering::Relaxed);
            if shard >= SHARDS {
                return state;
            }
            work(&mut state, shard);
        }
    };
    std::thread::scope(|scope| {
        let handles: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(run)).collect();
        let mut states = vec![run()];
        for handle in handles {
            match handle.join() {
                Ok(state) => states.push(state),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        states
    })
}
