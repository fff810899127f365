//! One pass over all persons, shard by shard, on several threads.

use super::batch::RowLayout;
use super::cohort::{LeftOut, Members};
use super::settle::{PersonRows, SettledShard, TieOrder, settle};
use super::shard::{SHARDS, Shard, Store};
use super::spill::SpillError;
use super::threads::beside;
use crate::session::Session;
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

impl Person<'_> {
    /// The index of the session that holds a row.
    pub fn session_of(&self, row: usize) -> usize {
        self.sessions.partition_point(|session| session.rows().end <= row)
    }
}

/// All persons, for more than one pass: in every pass each shard is put in order anew, and let go.
///
/// That costs less than to keep them all in order, for which memory would have to be asked for a
/// second time while what arrived lies in many small blocks.
pub struct Population<'t> {
    store: Store,
    ties: &'t TieOrder,
}

impl Population<'_> {
    pub fn new(store: Store, ties: &TieOrder, threads: usize) -> Result<Population<'_>, SpillError> {
        store.prepare(threads, true)?;
        Ok(Population { store, ties })
    }
}

/// One pass over a population, which stays for the next.
pub fn over_population<A: Accumulator>(
    population: &Population<'_>,
    timeout_us: i64,
    threads: usize,
    make: impl Fn() -> A + Sync,
) -> Result<A, SpillError> {
    let Population { store, ties } = population;
    over_shards(store, Store::copy, ties, timeout_us, threads, make)
}

/// The only pass over a store: frees each shard as soon as its persons are done.
pub fn over_store<A: Accumulator>(
    store: Store,
    ties: &TieOrder,
    timeout_us: i64,
    threads: usize,
    make: impl Fn() -> A + Sync,
) -> Result<A, SpillError> {
    store.prepare(threads, false)?;
    over_shards(&store, Store::take, ties, timeout_us, threads, make)
}

/// `in_memory` gives the part of a shard that is in memory.
fn over_shards<A: Accumulator>(
    store: &Store,
    in_memory: fn(&Store, usize) -> Shard,
    ties: &TieOrder,
    timeout_us: i64,
    threads: usize,
    make: impl Fn() -> A + Sync,
) -> Result<A, SpillError> {
    let layout: RowLayout = store.layout();
    let members = store.members.as_deref();
    let workers = for_each(
        SHARDS,
        threads,
        || Worker { accumulator: make(), left_out: LeftOut::default() },
        |worker, shard| {
            let _room = store.enter(shard);
            let settled = settle(store.complete(shard, in_memory(store, shard))?, layout, ties, timeout_us);
            worker.take_persons(&settled, members);
            Ok(())
        },
    )?;
    let (accumulators, left_out): (Vec<A>, Vec<LeftOut>) =
        workers.into_iter().map(|worker| (worker.accumulator, worker.left_out)).unzip();
    if let Some(members) = members {
        members.note(&left_out);
    }
    Ok(merge_all(accumulators.into_iter(), make))
}

/// One thread's share of a pass.
struct Worker<A> {
    accumulator: A,
    left_out: LeftOut,
}

impl<A: Accumulator> Worker<A> {
    fn take_persons(&mut self, shard: &SettledShard, members: Option<&Members>) {
        for (rows, sessions) in shard.persons() {
            if members.is_some_and(|members| !members.take(rows.id())) {
                self.left_out.add(&rows);
            } else {
                self.accumulator.person(&Person { rows, sessions });
            }
        }
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

/// Lets each thread take one of `count` jobs after the other with a state of its own; gives back the
/// states. The first error ends it.
pub(super) fn for_each<S: Send>(
    count: usize,
    threads: usize,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> Result<(), SpillError> + Sync,
) -> Result<Vec<S>, SpillError> {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut state = state();
        loop {
            let job = next.fetch_add(1, Ordering::Relaxed);
            if job >= count {
                return Ok(state);
            }
            work(&mut state, job).inspect_err(|_| next.store(count, Ordering::Relaxed))?;
        }
    };
    std::thread::scope(|scope| {
        let handles: Vec<_> = (1..threads.max(1)).filter_map(|_| beside(scope, run)).collect();
        let mut states = vec![run()];
        for handle in handles {
            match handle.join() {
                Ok(state) => states.push(state),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        states.into_iter().collect()
    })
}
