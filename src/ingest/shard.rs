//! Where events wait for the end of the input: 256 shards by person, in growing blocks.
//!
//! A person lies in one shard, whatever the number of threads. More shards would be smaller, but a
//! batch then brings each of them fewer rows, and every shard is a few waits for memory. Ids are compared byte by byte,
//! so two different ids are never one person, whatever their hashes.

use super::batch::{Batch, BatchRow, NO_SESSION, RowLayout, TextRange};
use super::budget::{Budget, Resources};
use super::cohort::Members;
use super::events::{Event, Events};
use super::gather::{BatchPerson, Gathered};
use super::prefetch::prefetch;
use super::spill::{Spill, SpillError};
use super::texts::{TextKey, Texts};
use foldhash::fast::RandomState;
use std::sync::{Arc, Mutex, MutexGuard};

const SHARD_BITS: u32 = 8;
pub const SHARDS: usize = 1 << SHARD_BITS;
/// Shards that share a lock; a piece of input takes each lock at most once.
pub(super) const SHARDS_PER_LOCK: usize = 4;
const LOCKS: usize = SHARDS / SHARDS_PER_LOCK;
/// How many persons before it is looked up the memory of a person is asked for: as long as memory may take to
/// answer, and no more than it answers at once.
const ASKED_AHEAD: usize = 16;
/// Rows that are brought together by person at once: what is known of them stays in the cache.
const GATHERED_ROWS: usize = 8192;

/// All events read so far. Threads insert side by side.
pub struct Store {
    layout: RowLayout,
    /// New in every process, so that no file can be written to make the tables slow.
    seed: RandomState,
    shards: Vec<Mutex<Vec<Shard>>>,
    pub(super) budget: Budget,
    pub(super) spill: Spill,
    /// Whose rows are wanted, where not everybody's are.
    pub(super) members: Option<Arc<Members>>,
}

/// One thread's buffers for [`Store::insert`].
#[derive(Default)]
pub struct InsertScratch {
    gathered: Gathered,
}

impl Store {
    pub fn new(layout: RowLayout, resources: &Resources) -> Store {
        let group = |_| Mutex::new((0..SHARDS_PER_LOCK).map(|_| Shard::default()).collect());
        Store {
            layout,
            seed: RandomState::default(),
            shards: (0..LOCKS).map(group).collect(),
            budget: Budget::new(resources.store_bytes, LOCKS),
            spill: Spill::new(resources),
            members: None,
        }
    }

    /// Leaves persons that are not members out of every pass.
    pub fn only(&mut self, members: Option<Arc<Members>>) {
        self.members = members;
    }

    pub fn members(&self) -> Option<Arc<Members>> {
        self.members.clone()
    }

    pub fn layout(&self) -> RowLayout {
        self.layout
    }

    /// Adds the rows of a batch. `ordinal` is the place in the input of its first row, used where
    /// the layout keeps places. Fails only where memory does not suffice and a temporary file cannot
    /// be written.
    pub fn insert(&self, batch: &Batch, ordinal: u64, scratch: &mut InsertScratch) -> Result<(), SpillError> {
        let gathered = &mut scratch.gathered;
        let mut start = 0;
        while start < batch.rows.len() {
            let end = batch.rows.len().min(start + GATHERED_ROWS);
            gathered.gather(batch, start..end, &self.seed, SHARD_BITS);
            for lock in 0..LOCKS {
                self.insert_group(lock, gathered, batch, ordinal);
            }
            start = end;
        }
        if self.budget.is_passed() { self.spill_down_to(self.budget.limit()) } else { Ok(()) }
    }

    /// Adds the rows that belong to the shards of one lock.
    fn insert_group(&self, lock: usize, gathered: &Gathered, batch: &Batch, ordinal: u64) {
        let first_shard = lock * SHARDS_PER_LOCK;
        let (persons, mut start) = gathered.persons(first_shard..first_shard + SHARDS_PER_LOCK);
        if persons.is_empty() {
            return;
        }
        let shard_of = |key: &TextKey| (key.hash() >> (64 - SHARD_BITS)) as usize % SHARDS_PER_LOCK;
        let mut shards = self.lock(lock);
        let shards = &mut shards[..SHARDS_PER_LOCK];
        for shard in &*shards {
            shard.events.ask_end();
        }
        // Persons lie anywhere in memory: ask for those to come before waiting for one.
        let ask = |person: u32, shards: &[Shard]| {
            let BatchPerson { key, first_row, .. } = gathered.person(person);
            prefetch(&batch.rows, *first_row as usize);
            shards[shard_of(key)].persons.ask_table(key);
        };
        let ask_text = |person: u32, shards: &[Shard]| {
            let BatchPerson { key, first_row, .. } = gathered.person(person);
            shards[shard_of(key)].persons.ask_text(key, || batch.long_id(*first_row).len());
        };
        persons.iter().take(ASKED_AHEAD).for_each(|&person| ask(person, shards));
        persons.iter().take(ASKED_AHEAD / 2).for_each(|&person| ask_text(person, shards));
        for (at, &person) in persons.iter().enumerate() {
            if let Some(&person) = persons.get(at + ASKED_AHEAD) {
                ask(person, shards);
            }
            if let Some(&person) = persons.get(at + ASKED_AHEAD / 2) {
                ask_text(person, shards);
            }
            let person = gathered.person(person);
            let rows = gathered.rows(start, person);
            start += rows.len();
            let shard = &mut shards[shard_of(&person.key)];
            let code = shard.persons.code(&person.key, || batch.long_id(person.first_row));
            shard.push(batch, rows, code, ordinal, &self.layout, &self.seed);
        }
        self.budget.set(lock, shards.iter().map(Shard::bytes).sum());
    }

    pub(super) fn lock(&self, lock: usize) -> MutexGuard<'_, Vec<Shard>> {
        self.shards[lock].lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Takes what is in memory of one shard out; it is empty afterwards.
    pub(super) fn take(&self, shard: usize) -> Shard {
        std::mem::take(&mut self.lock(shard / SHARDS_PER_LOCK)[shard % SHARDS_PER_LOCK])
    }

    /// What is in memory of one shard; it stays there.
    pub(super) fn copy(&self, shard: usize) -> Shard {
        self.lock(shard / SHARDS_PER_LOCK)[shard % SHARDS_PER_LOCK].clone()
    }
}

/// The events of the persons of one shard, in the order of arrival.
#[derive(Default, Clone)]
pub struct Shard {
    pub(super) persons: Texts,
    pub(super) sessions: Texts,
    /// With `RowLayout::words` words each.
    pub(super) events: Events,
}

impl Shard {
    /// Bytes that it takes in memory, all that its lists could hold included.
    pub(super) fn bytes(&self) -> usize {
        self.persons.bytes() + self.sessions.bytes() + self.events.bytes()
    }

    /// Adds rows of one person.
    fn push(
        &mut self,
        batch: &Batch,
        rows: &[u32],
        person: u32,
        ordinal: u64,
        layout: &RowLayout,
        seed: &RandomState,
    ) {
        if layout.ordinal || layout.session {
            return self.push_with_places(batch, rows, person, ordinal, layout, seed);
        }
        let width = layout.words();
        for &row in rows {
            let row = row as usize;
            let BatchRow { time_us, kind, .. } = batch.rows[row];
            let event = Event { time_us, person, kind };
            if width == 0 {
                self.events.push(event, &[]);
            } else {
                self.events.push(event, &batch.words[row * width..(row + 1) * width]);
            }
        }
    }

    /// As [`Shard::push`], where the place of the row or its session is kept.
    fn push_with_places(
        &mut self,
        batch: &Batch,
        rows: &[u32],
        person: u32,
        ordinal: u64,
        layout: &RowLayout,
        seed: &RandomState,
    ) {
        let width = layout.words();
        let mut words = Vec::with_capacity(width);
        // A person's rows mostly belong to the session of the row before.
        let mut last = (TextRange::NONE, NO_SESSION);
        for &row in rows {
            let row = row as usize;
            words.clear();
            words.extend_from_slice(&batch.words[row * width..(row + 1) * width]);
            if layout.ordinal {
                let place = batch.places.get(row).copied().unwrap_or(ordinal + row as u64);
                words[..2].copy_from_slice(&RowLayout::two_words(place as i64));
            }
            if layout.session {
                let range = batch.sessions[row];
                if !batch.is_same_text(last.0, range) {
                    last = (range, self.session_code(batch, range, seed));
                }
                words[layout.session_at()] = last.1;
            }
            let BatchRow { time_us, kind, .. } = batch.rows[row];
            self.events.push(Event { time_us, person, kind }, &words);
        }
    }

    fn session_code(&mut self, batch: &Batch, range: TextRange, seed: &RandomState) -> u32 {
        if range.is_none() {
            return NO_SESSION;
        }
        let text = batch.text(range.start, range.len);
        self.sessions.code(&TextKey::new(text, seed), || text)
    }
}
