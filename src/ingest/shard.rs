//! Where events wait for the end of the input: 256 shards by person, in growing blocks.
//!
//! A person lies in one shard, whatever the number of threads. More shards would be smaller, but a
//! batch then brings each of them fewer rows, and every shard is a few waits for memory. Ids are compared byte by byte,
//! so two different ids are never one person, whatever their hashes.

use super::batch::{Batch, NO_SESSION, RowLayout, TextRange};
use super::budget::{Budget, Resources};
use super::cohort::Members;
use super::events::{Event, Events};
use super::gather::{BatchPerson, Gathered, hash_of};
use super::spill::{Spill, SpillError};
use super::texts::Texts;
use foldhash::fast::RandomState;
use std::sync::{Arc, Mutex, MutexGuard};

const SHARD_BITS: u32 = 8;
pub const SHARDS: usize = 1 << SHARD_BITS;
/// Shards that share a lock; a piece of input takes each lock at most once.
pub(super) const SHARDS_PER_LOCK: usize = 4;
const LOCKS: usize = SHARDS / SHARDS_PER_LOCK;
/// Persons whose memory is asked for before the first of them is looked up.
const ASKED_TOGETHER: usize = 64;
/// Rows that are brought together by person at once: what is known of them stays in the cache.
const GATHERED_ROWS: usize = 8192;
/// Words a block grows to.
const BLOCK_ROWS: usize = 1024;

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
        let shard_of = |hash: u64| (hash >> (64 - SHARD_BITS)) as usize % SHARDS_PER_LOCK;
        let mut shards = self.lock(lock);
        let shards = &mut shards[..SHARDS_PER_LOCK];
        for persons in persons.chunks(ASKED_TOGETHER) {
            // Persons lie anywhere in memory: ask for all of them before waiting for one.
            for &person in persons {
                let hash = gathered.person(person).hash;
                let shard = &shards[shard_of(hash)];
                shard.persons.ask_table(hash as u32);
                shard.events.ask_end();
            }
            for &person in persons {
                let BatchPerson { hash, id_len, .. } = *gathered.person(person);
                shards[shard_of(hash)].persons.ask_text(hash as u32, id_len);
            }
            for &person in persons {
                let person = gathered.person(person);
                let rows = gathered.rows(start, person);
                start += rows.len();
                let shard = &mut shards[shard_of(person.hash)];
                let code = shard.persons.code(batch.text(person.id_start, person.id_len), person.hash as u32);
                shard.push(batch, rows, code, ordinal, &self.layout, &self.seed);
            }
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
    pub(super) events: Events,
    /// `RowLayout::words` words an event.
    pub(super) words: Blocks<u32>,
}

impl Shard {
    /// Bytes that it takes in memory, all that its lists could hold included.
    pub(super) fn bytes(&self) -> usize {
        self.persons.bytes() + self.sessions.bytes() + self.events.bytes() + self.words.bytes()
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
        for &row in rows {
            let event = &batch.rows[row as usize];
            self.events.push(Event { time_us: event.time_us, person, kind: event.kind });
        }
        if layout.words() > 0 {
            self.push_words(batch, rows, ordinal, layout, seed);
        }
    }

    fn push_words(
        &mut self,
        batch: &Batch,
        rows: &[u32],
        ordinal: u64,
        layout: &RowLayout,
        seed: &RandomState,
    ) {
        let width = layout.words();
        let rest = layout.session_at() + usize::from(layout.session);
        // A person's rows mostly belong to the session of the row before.
        let mut last = (TextRange::NONE, NO_SESSION);
        for &row in rows {
            let row = row as usize;
            if layout.ordinal {
                let place = batch.places.get(row).copied().unwrap_or(ordinal + row as u64);
                self.words.push(place as u32);
                self.words.push((place >> 32) as u32);
            }
            if layout.session {
                let range = batch.sessions[row];
                if !batch.is_same_text(last.0, range) {
                    last = (range, self.session_code(batch, range, seed));
                }
                self.words.push(last.1);
            }
            for &word in &batch.words[row * width + rest..(row + 1) * width] {
                self.words.push(word);
            }
        }
    }

    fn session_code(&mut self, batch: &Batch, range: TextRange, seed: &RandomState) -> u32 {
        if range.is_none() {
            return NO_SESSION;
        }
        let text = batch.text(range.start, range.len);
        self.sessions.code(text, hash_of(text, seed) as u32)
    }
}

/// A list that grows by blocks, so that growing never copies and never doubles memory.
#[derive(Clone)]
pub(super) struct Blocks<T> {
    blocks: Vec<Vec<T>>,
    len: usize,
    /// Items that all blocks together could hold.
    capacity: usize,
}

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Blocks { blocks: Vec::new(), len: 0, capacity: 0 }
    }
}

impl<T: Copy> Blocks<T> {
    fn bytes(&self) -> usize {
        self.capacity * size_of::<T>()
    }

    /// All items, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = T> {
        self.blocks.iter().flatten().copied()
    }

    pub(super) fn push(&mut self, item: T) {
        match self.blocks.last_mut() {
            Some(block) if block.len() < block.capacity() => block.push(item),
            _ => {
                let mut block = Vec::with_capacity(self.len.clamp(16, BLOCK_ROWS));
                block.push(item);
                self.capacity += block.capacity();
                self.blocks.push(block);
            }
        }
        self.len += 1;
    }

    /// All items in one list.
    pub(super) fn into_flat(self) -> Vec<T> {
        let mut flat = Vec::with_capacity(self.len);
        for block in self.blocks {
            flat.extend_from_slice(&block);
        }
        flat
    }
}
