//! Where events wait for the end of the input: 1,024 shards by person, in growing blocks.
//!
//! A person lies in one shard, whatever the number of threads. Ids are compared byte by byte,
//! so two different ids are never one person, whatever their hashes.

use super::batch::{Batch, NO_SESSION, RowLayout, TextRange};
use super::budget::{Budget, Resources};
use super::events::{Event, Events};
use super::spill::{Spill, SpillError};
use super::texts::Texts;
use foldhash::fast::{FixedState, RandomState};
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard};

pub const SHARDS: usize = 1024;
/// Shards that share a lock; a piece of input takes each lock at most once.
pub(super) const SHARDS_PER_LOCK: usize = 16;
const LOCKS: usize = SHARDS / SHARDS_PER_LOCK;
/// Rows whose persons are looked up together.
const WARM_ROWS: usize = 64;
/// Events a block grows to.
const BLOCK_ROWS: usize = 1024;

/// All events read so far. Threads insert side by side.
pub struct Store {
    layout: RowLayout,
    /// Chooses the shard: fixed, so that a person's shard is the same in every run.
    place: FixedState,
    /// Seeds the tables anew in every process, so that no file can be written to make them slow.
    seed: RandomState,
    shards: Vec<Mutex<Vec<Shard>>>,
    pub(super) budget: Budget,
    pub(super) spill: Spill,
}

/// One thread's buffers for [`Store::insert`].
#[derive(Default)]
pub struct InsertScratch {
    keys: Vec<RowKey>,
    starts: Vec<u32>,
    order: Vec<u32>,
}

/// Where a row belongs and by what its person is looked up.
#[derive(Clone, Copy)]
struct RowKey {
    tag: u32,
    shard: u16,
}

impl Store {
    pub fn new(layout: RowLayout, resources: &Resources) -> Store {
        let group = |_| Mutex::new((0..SHARDS_PER_LOCK).map(|_| Shard::default()).collect());
        Store {
            layout,
            place: FixedState::default(),
            seed: RandomState::default(),
            shards: (0..LOCKS).map(group).collect(),
            budget: Budget::new(resources.store_bytes, LOCKS),
            spill: Spill::new(resources),
        }
    }

    pub fn layout(&self) -> RowLayout {
        self.layout
    }

    /// Adds the rows of a batch. `ordinal` is the place in the input of its first row, used where
    /// the layout keeps places. Fails only where memory does not suffice and a temporary file cannot
    /// be written.
    pub fn insert(&self, batch: &Batch, ordinal: u64, scratch: &mut InsertScratch) -> Result<(), SpillError> {
        let InsertScratch { keys, starts, order } = scratch;
        keys.clear();
        starts.clear();
        starts.resize(LOCKS + 1, 0);
        for row in &batch.rows {
            let id = batch.text(row.id_start, row.id_len);
            let shard = (self.place.hash_one(id) >> 54) as u16;
            keys.push(RowKey { tag: (self.seed.hash_one(id) >> 32) as u32, shard });
            starts[usize::from(shard) / SHARDS_PER_LOCK + 1] += 1;
        }
        for lock in 0..LOCKS {
            starts[lock + 1] += starts[lock];
        }
        order.clear();
        order.resize(batch.rows.len(), 0);
        let mut next = starts.clone();
        for (row, key) in keys.iter().enumerate() {
            let place = &mut next[usize::from(key.shard) / SHARDS_PER_LOCK];
            order[*place as usize] = row as u32;
            *place += 1;
        }
        for lock in 0..LOCKS {
            let rows = &order[starts[lock] as usize..starts[lock + 1] as usize];
            if !rows.is_empty() {
                self.insert_group(lock, rows, keys, batch, ordinal);
            }
        }
        if self.budget.is_passed() { self.spill_down_to(self.budget.limit()) } else { Ok(()) }
    }

    /// Adds the rows that belong to the shards of one lock.
    fn insert_group(&self, lock: usize, rows: &[u32], keys: &[RowKey], batch: &Batch, ordinal: u64) {
        let shard_of = |key: &RowKey| usize::from(key.shard) % SHARDS_PER_LOCK;
        let mut shards = self.lock(lock);
        for rows in rows.chunks(WARM_ROWS) {
            // Persons lie anywhere in memory: ask for all of them before waiting for one.
            let mut slots = [0_u64; WARM_ROWS];
            let mut touched = 0;
            for (slot, &row) in slots.iter_mut().zip(rows) {
                let key = &keys[row as usize];
                *slot = shards[shard_of(key)].persons.warm_table(key.tag);
            }
            for (&slot, &row) in slots.iter().zip(rows) {
                touched ^= shards[shard_of(&keys[row as usize])].persons.warm_text(slot);
            }
            std::hint::black_box(touched);
            for &row in rows {
                let key = &keys[row as usize];
                shards[shard_of(key)].push(batch, row as usize, key.tag, ordinal, &self.layout, &self.seed);
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

    fn push(
        &mut self,
        batch: &Batch,
        row: usize,
        tag: u32,
        ordinal: u64,
        layout: &RowLayout,
        seed: &RandomState,
    ) {
        let event = &batch.rows[row];
        let person = self.persons.code(batch.text(event.id_start, event.id_len), tag);
        self.events.push(Event { time_us: event.time_us, person, kind: event.kind });
        let width = layout.words();
        if width == 0 {
            return;
        }
        let words = &batch.words[row * width..][..width];
        let mut rest = 0;
        if layout.ordinal {
            let place = ordinal + row as u64;
            self.words.push(place as u32);
            self.words.push((place >> 32) as u32);
            rest = 2;
        }
        if layout.session {
            let session = self.session_code(batch, batch.sessions[row], seed);
            self.words.push(session);
            rest += 1;
        }
        for &word in &words[rest..] {
            self.words.push(word);
        }
    }

    fn session_code(&mut self, batch: &Batch, range: TextRange, seed: &RandomState) -> u32 {
        if range.start == TextRange::NONE.start {
            return NO_SESSION;
        }
        let text = batch.text(range.start, range.len);
        self.sessions.code(text, (seed.hash_one(text) >> 32) as u32)
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
