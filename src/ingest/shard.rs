//! Where events wait for the end of the input: 1,024 shards by person, in growing blocks.
//!
//! A person lies in one shard, whatever the number of threads. Ids are compared byte by byte,
//! so two different ids are never one person, whatever their hashes.

use super::batch::{Batch, NO_SESSION, RowLayout, TextRange};
use foldhash::fast::{FixedState, RandomState};
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard};

pub const SHARDS: usize = 1024;
/// Shards that share a lock; a piece of input takes each lock at most once.
const SHARDS_PER_LOCK: usize = 16;
const LOCKS: usize = SHARDS / SHARDS_PER_LOCK;
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
}

/// One thread's buffers for [`Store::insert`].
#[derive(Default)]
pub struct InsertScratch {
    shard_of_row: Vec<u16>,
    starts: Vec<u32>,
    order: Vec<u32>,
}

impl Store {
    pub fn new(layout: RowLayout) -> Store {
        let group = |_| Mutex::new((0..SHARDS_PER_LOCK).map(|_| Shard::default()).collect());
        Store {
            layout,
            place: FixedState::default(),
            seed: RandomState::default(),
            shards: (0..LOCKS).map(group).collect(),
        }
    }

    pub fn layout(&self) -> RowLayout {
        self.layout
    }

    /// Adds the rows of a batch. `ordinal` is the place in the input of its first row, used where
    /// the layout keeps places.
    pub fn insert(&self, batch: &Batch, ordinal: u64, scratch: &mut InsertScratch) {
        let InsertScratch { shard_of_row, starts, order } = scratch;
        shard_of_row.clear();
        starts.clear();
        starts.resize(LOCKS + 1, 0);
        for row in &batch.rows {
            let hash = self.place.hash_one(batch.text(row.id_start, row.id_len));
            let shard = (hash >> 54) as u16;
            shard_of_row.push(shard);
            starts[usize::from(shard) / SHARDS_PER_LOCK + 1] += 1;
        }
        for lock in 0..LOCKS {
            starts[lock + 1] += starts[lock];
        }
        order.clear();
        order.resize(batch.rows.len(), 0);
        let mut next = starts.clone();
        for (row, &shard) in shard_of_row.iter().enumerate() {
            let place = &mut next[usize::from(shard) / SHARDS_PER_LOCK];
            order[*place as usize] = row as u32;
            *place += 1;
        }
        for lock in 0..LOCKS {
            let rows = &order[starts[lock] as usize..starts[lock + 1] as usize];
            if rows.is_empty() {
                continue;
            }
            let mut shards = self.lock(lock);
            for &row in rows {
                let shard = usize::from(shard_of_row[row as usize]) % SHARDS_PER_LOCK;
                shards[shard].push(batch, row as usize, ordinal, &self.layout, &self.seed);
            }
        }
    }

    fn lock(&self, lock: usize) -> MutexGuard<'_, Vec<Shard>> {
        self.shards[lock].lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Takes one shard out; it is empty afterwards.
    pub fn take(&self, shard: usize) -> Shard {
        std::mem::take(&mut self.lock(shard / SHARDS_PER_LOCK)[shard % SHARDS_PER_LOCK])
    }
}

/// The events of the persons of one shard, in the order of arrival.
#[derive(Default)]
pub struct Shard {
    pub(super) persons: Texts,
    pub(super) sessions: Texts,
    pub(super) events: Blocks<Event>,
    /// `RowLayout::words` words an event, in blocks of the same sizes.
    pub(super) words: Blocks<u32>,
}

/// One event at rest: 16 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub time_us: i64,
    pub person: u32,
    pub kind: u32,
}

impl Shard {
    fn push(&mut self, batch: &Batch, row: usize, ordinal: u64, layout: &RowLayout, seed: &RandomState) {
        let event = &batch.rows[row];
        let person = self.persons.code(batch.text(event.id_start, event.id_len), seed);
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
            self.words.push(self.sessions.code_of(batch, batch.sessions[row], seed));
            rest += 1;
        }
        for &word in &words[rest..] {
            self.words.push(word);
        }
    }
}

/// Distinct texts, numbered in the order of arrival.
#[derive(Default)]
pub struct Texts {
    table: HashTable<u32>,
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Texts {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn get(&self, code: u32) -> &[u8] {
        text_at(&self.bytes, &self.ends, code)
    }

    fn code(&mut self, text: &[u8], seed: &RandomState) -> u32 {
        let Texts { table, bytes, ends } = self;
        let hash = seed.hash_one(text);
        if let Some(&code) = table.find(hash, |&code| text_at(bytes, ends, code) == text) {
            return code;
        }
        let code = ends.len() as u32;
        bytes.extend_from_slice(text);
        ends.push(u32::try_from(bytes.len()).expect("ids of one shard under 4 GiB"));
        table.insert_unique(hash, code, |&code| seed.hash_one(text_at(bytes, ends, code)));
        code
    }

    fn code_of(&mut self, batch: &Batch, range: TextRange, seed: &RandomState) -> u32 {
        if range.start == TextRange::NONE.start {
            return NO_SESSION;
        }
        self.code(batch.text(range.start, range.len), seed)
    }

    /// Lets the look-up table go: only reading follows.
    pub(super) fn freeze(&mut self) {
        self.table = HashTable::new();
    }
}

fn text_at<'t>(bytes: &'t [u8], ends: &[u32], code: u32) -> &'t [u8] {
    let start = if code == 0 { 0 } else { ends[code as usize - 1] as usize };
    &bytes[start..ends[code as usize] as usize]
}

/// A list that grows by blocks, so that growing never copies and never doubles memory.
pub(super) struct Blocks<T> {
    blocks: Vec<Vec<T>>,
    len: usize,
}

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Blocks { blocks: Vec::new(), len: 0 }
    }
}

impl<T: Copy> Blocks<T> {
    fn push(&mut self, item: T) {
        match self.blocks.last_mut() {
            Some(block) if block.len() < block.capacity() => block.push(item),
            _ => {
                let mut block = Vec::with_capacity(self.len.clamp(16, BLOCK_ROWS));
                block.push(item);
                self.blocks.push(block);
            }
        }
        self.len += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.blocks.iter().flatten()
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
