//! What does not fit in memory waits in a temporary file, shard by shard.
//!
//! When the store passes its budget, its largest group of shards is written as one run and
//! emptied, and so on until it is within the budget again. One thread writes at a time; others that
//! find the budget passed wait for it, so that reading is never faster than the disk for long. At the
//! end a shard is put together from its segments of all runs and from what is still in memory.

use super::budget::{Gate, Resources, Ticket};
use super::segment;
use super::settle::most_bytes_of_row;
use super::shard::{SHARDS, SHARDS_PER_LOCK, Shard, Store};
use crate::human;
use crate::source::scratch::{Scratch, Space, space};
use foldhash::fast::RandomState;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

/// Bytes of a buffer in front of the temporary file.
const BUFFER_BYTES: usize = 128 << 10;

/// Why events could not be kept in a temporary file. `Display` says what, `hint` what to do.
#[derive(Debug, thiserror::Error)]
pub enum SpillError {
    #[error("{}: cannot make a temporary file there: {source}", .directory.display())]
    Create { directory: PathBuf, source: io::Error },
    #[error(
        "{}: too little room for temporary files: {} free, about {} needed",
        .directory.display(), human::bytes(*.free), human::bytes(*.needed)
    )]
    NoSpace { directory: PathBuf, needed: u64, free: u64 },
    #[error("{}: cannot write to a temporary file there: {source}", .directory.display())]
    Write { directory: PathBuf, source: io::Error },
    #[error("{}: cannot read a temporary file there: {source}", .directory.display())]
    Read { directory: PathBuf, source: io::Error },
}

impl SpillError {
    pub fn hint(&self) -> String {
        match self {
            SpillError::Read { .. } => "run it again, or name another directory with --temp-dir".to_owned(),
            _ => "name another directory with --temp-dir, or let more be held in memory with --memory"
                .to_owned(),
        }
    }
}

/// How much was written to temporary files. Can be asked while the store is used, and after.
#[derive(Debug, Default)]
pub struct Spilled {
    bytes: AtomicU64,
    in_memory: AtomicBool,
}

impl Spilled {
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Counts what was written; `in_memory` where the file lies there.
    pub(super) fn note(&self, bytes: u64, in_memory: bool) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.in_memory.fetch_or(in_memory, Ordering::Relaxed);
    }

    /// The temporary files lay in memory, so that nothing was saved.
    pub fn in_memory(&self) -> bool {
        self.in_memory.load(Ordering::Relaxed)
    }
}

/// The part of a store that is on disk.
pub struct Spill {
    directory: PathBuf,
    input_bytes: u64,
    read_bytes: AtomicU64,
    disk: Mutex<Disk>,
    spilled: Arc<Spilled>,
    /// Seeds the tables in which ids of several runs meet.
    seed: RandomState,
    gate: OnceLock<Gate>,
    /// Tells what a directory has room for; another answer in tests.
    space: fn(&std::path::Path) -> Option<Space>,
}

#[derive(Default)]
struct Disk {
    scratch: Option<Scratch>,
    /// By shard, in the order of writing.
    segments: Vec<Vec<Segment>>,
}

/// Where a part of a shard lies in the temporary file.
#[derive(Debug, Clone, Copy)]
struct Segment {
    start: u64,
    len: u64,
    /// Bytes that it took in memory.
    held: usize,
    rows: usize,
}

impl Spill {
    pub fn new(resources: &Resources) -> Spill {
        Spill {
            directory: resources.temp_dir.clone(),
            input_bytes: resources.input_bytes,
            read_bytes: AtomicU64::new(0),
            disk: Mutex::default(),
            spilled: Arc::default(),
            seed: RandomState::default(),
            gate: OnceLock::new(),
            space,
        }
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn segments(&self, shard: usize) -> Vec<Segment> {
        self.disk().segments.get(shard).cloned().unwrap_or_default()
    }

    /// Makes the temporary file, if there seems to be room for all that will lie in it. `held` bytes
    /// are in memory now.
    fn begin(&self, disk: &mut Disk, held: u64) -> Result<(), SpillError> {
        let failed = |source| SpillError::Create { directory: self.directory.clone(), source };
        disk.scratch = Some(Scratch::create_in(&self.directory).map_err(failed)?);
        disk.segments = vec![Vec::new(); SHARDS];
        let read = self.read_bytes.load(Ordering::Relaxed);
        self.require(held_at_the_end(held, read, self.input_bytes))?;
        if (self.space)(&self.directory).is_some_and(|space| space.in_memory) {
            self.spilled.in_memory.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Fails where there is not room for what takes `held` bytes in memory.
    fn require(&self, held: u64) -> Result<(), SpillError> {
        let needed = written_of_held(held);
        match (self.space)(&self.directory) {
            Some(Space { free_bytes, .. }) if free_bytes < needed => {
                Err(SpillError::NoSpace { directory: self.directory.clone(), needed, free: free_bytes })
            }
            _ => Ok(()),
        }
    }
}

/// What will be held once all is read, by what is held now. Where the size of the input is not known, or
/// nothing of it is read for this store, as much again must find room.
fn held_at_the_end(held: u64, read: u64, input: u64) -> u64 {
    match (read, input) {
        (0, _) | (_, 0) => held,
        _ => (held as f64 * (input.max(read) as f64 / read as f64)) as u64,
    }
}

/// Numbers are written in as few bytes as they need, ids without their tables.
fn written_of_held(held: u64) -> u64 {
    held / 4 * 3
}

impl Store {
    /// Told of bytes of the inputs that have been read.
    pub fn note_read(&self, bytes: u64) {
        self.spill.read_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How much was written to temporary files.
    pub fn spilled(&self) -> Arc<Spilled> {
        Arc::clone(&self.spill.spilled)
    }

    fn has_spilled(&self) -> bool {
        self.spill.spilled.bytes() > 0
    }

    /// Writes the largest groups until no more than `limit` bytes are held.
    #[cold]
    pub(super) fn spill_down_to(&self, limit: u64) -> Result<(), SpillError> {
        let mut disk = self.spill.disk();
        while self.budget.held() > limit {
            let Some(group) = self.budget.largest() else { break };
            self.write_group(group, &mut disk)?;
        }
        Ok(())
    }

    fn write_group(&self, group: usize, disk: &mut Disk) -> Result<(), SpillError> {
        if disk.scratch.is_none() {
            self.spill.begin(disk, self.budget.held())?;
        }
        let (shards, held) = {
            let mut shards = self.lock(group);
            let taken: Vec<Shard> = shards.iter_mut().map(std::mem::take).collect();
            (taken, self.budget.take(group))
        };
        self.spill.require(held as u64)?;
        let Disk { scratch: Some(scratch), segments } = disk else { return Ok(()) };
        let before = scratch.written();
        for (shard, segments) in shards.into_iter().zip(&mut segments[group * SHARDS_PER_LOCK..]) {
            if shard.events.len() == 0 {
                continue;
            }
            let start = scratch.written();
            let mut out = BufWriter::with_capacity(BUFFER_BYTES, &mut *scratch);
            segment::write(&shard, &self.layout(), &mut out)
                .and_then(|()| out.flush())
                .map_err(|source| SpillError::Write { directory: self.spill.directory.clone(), source })?;
            drop(out);
            let len = scratch.written() - start;
            segments.push(Segment { start, len, held: shard.bytes(), rows: shard.events.len() });
        }
        self.spill.spilled.bytes.fetch_add(scratch.written() - before, Ordering::Relaxed);
        self.budget.let_go(held);
        Ok(())
    }

    /// Prepares for shards to be put in order, by so many threads at a time; more than once if `again`.
    pub(super) fn prepare(&self, threads: usize, again: bool) -> Result<(), SpillError> {
        if !self.has_spilled() {
            return Ok(());
        }
        let largest = (0..SHARDS).map(|shard| self.room_of(&self.spill.segments(shard))).max().unwrap_or(0);
        let room = largest.saturating_mul(threads as u64).min(self.budget.limit());
        // What one pass has done with is free for its results; before another nothing would be.
        self.spill_down_to(if again { 0 } else { self.budget.limit() - room })?;
        let _ = self.spill.gate.set(Gate::new(self.budget.limit().saturating_sub(self.budget.held())));
        Ok(())
    }

    /// What it takes to put segments together, whose tables grow meanwhile, and their rows in order.
    fn room_of(&self, segments: &[Segment]) -> u64 {
        let bytes_of_row = most_bytes_of_row(&self.layout());
        segments.iter().map(|segment| (segment.held / 2 * 3 + segment.rows * bytes_of_row) as u64).sum()
    }

    /// Waits until there is room in memory for a shard to be put together and in order.
    pub(super) fn enter(&self, shard: usize) -> Option<Ticket<'_>> {
        let gate = self.spill.gate.get()?;
        Some(gate.enter(self.room_of(&self.spill.segments(shard))))
    }

    /// A shard whole, by what of it is in memory. What lies on disk stays there.
    pub(super) fn complete(&self, shard: usize, in_memory: Shard) -> Result<Shard, SpillError> {
        let segments = if self.has_spilled() { self.spill.segments(shard) } else { Vec::new() };
        if segments.is_empty() {
            return Ok(in_memory);
        }
        let failed = |source| SpillError::Read { directory: self.spill.directory.clone(), source };
        let (layout, seed) = (self.layout(), &self.spill.seed);
        let mut whole = Shard::default();
        for Segment { start, len, .. } in segments {
            let reader = self.spill.disk().scratch.as_ref().map(|scratch| scratch.reader(start, len));
            let Some(reader) = reader else { continue };
            let mut reader = BufReader::with_capacity(BUFFER_BYTES, reader);
            segment::read(&mut reader, &layout, seed, &mut whole).map_err(failed)?;
        }
        segment::join(&in_memory, &layout, seed, &mut whole).map_err(failed)?;
        Ok(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::RowLayout;
    use crate::ingest::batch::Batch;
    use crate::ingest::shard::InsertScratch;
    use std::collections::BTreeMap;
    use std::path::Path;

    const PERSONS: u32 = 5_000;

    fn resources(store_bytes: u64, temp_dir: &Path) -> Resources {
        Resources { threads: 2, store_bytes, temp_dir: temp_dir.to_owned(), input_bytes: 0 }
    }

    /// A row of every person, all at one time.
    fn batch(time_us: i64) -> Batch {
        let mut batch = Batch::default();
        for person in 0..PERSONS {
            batch.push(time_us, person % 3, format!("person {person}").as_bytes());
        }
        batch
    }

    fn insert(store: &Store, times: std::ops::Range<i64>) -> Result<(), SpillError> {
        let mut scratch = InsertScratch::default();
        times.into_iter().try_for_each(|time_us| store.insert(&batch(time_us), 0, &mut scratch))
    }

    /// The times of each person.
    fn persons(store: &Store, in_memory: fn(&Store, usize) -> Shard) -> BTreeMap<Vec<u8>, Vec<i64>> {
        let mut persons: BTreeMap<Vec<u8>, Vec<i64>> = BTreeMap::new();
        for shard in 0..SHARDS {
            let _room = store.enter(shard);
            let whole = store.complete(shard, in_memory(store, shard)).expect("it can be read");
            let ids: Vec<&[u8]> = whole.persons.iter().collect();
            whole.events.for_each(|event, _| {
                persons.entry(ids[event.person as usize].to_vec()).or_default().push(event.time_us);
            });
        }
        persons
    }

    #[test]
    fn the_store_stays_within_its_budget_and_loses_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let all = Store::new(RowLayout::default(), &Resources::unbounded(1));
        insert(&all, 0..20).expect("all is in memory");
        all.prepare(2, true).expect("nothing to do");
        let expected = persons(&all, Store::copy);
        assert_eq!((all.spilled().bytes(), expected.len()), (0, PERSONS as usize));
        assert!(expected.values().all(|times| times.iter().copied().eq(0..20)), "in the order of arrival");
        assert_eq!(persons(&all, Store::take), expected, "copied before");
        assert!(persons(&all, Store::take).is_empty(), "taken before");

        for budget in [0, 1_000, 600_000, 1_000_000] {
            let store = Store::new(RowLayout::default(), &resources(budget, directory.path()));
            insert(&store, 0..20).expect("it can be written");
            let held = store.budget.held();
            assert!(held <= budget && (held > 0) == (budget > 1_000), "{held} of {budget}");
            let spilled = store.spilled().bytes();
            store.prepare(2, false).expect("it can be written");
            assert!(store.budget.held() < held || held == 0, "room to put shards in order");
            assert!((store.spilled().bytes() > spilled) == (held > 0));
            // As often as it is asked for.
            assert_eq!(persons(&store, Store::copy), expected);
            store.prepare(2, true).expect("it can be written");
            assert_eq!(store.budget.held(), 0, "all of it for results");
            assert_eq!(persons(&store, Store::copy), expected);
            assert_eq!(persons(&store, Store::take), expected);
        }
    }

    #[test]
    fn too_little_room_is_told_before_and_on_the_way() {
        let directory = tempfile::tempdir().expect("a directory");
        let store_with = |space, input_bytes| {
            let resources = Resources { input_bytes, ..resources(1_000, directory.path()) };
            let mut store = Store::new(RowLayout::default(), &resources);
            store.spill.space = space;
            store
        };
        let little = store_with(|_| Some(Space { free_bytes: 10_000, in_memory: false }), 0);
        let error = insert(&little, 0..1).expect_err("too little");
        let SpillError::NoSpace { directory: told, needed, free } = &error else { panic!("{error}") };
        assert_eq!((told.as_path(), *free), (directory.path(), 10_000));
        assert!(*needed > 100_000, "more than 30 bytes a person: {needed}");
        assert!(error.to_string().contains("10.0 kB free"), "{error}");
        assert!(error.hint().contains("--temp-dir") && error.hint().contains("--memory"));

        // Enough for what is held, but a hundredth of the input has been read.
        let more = |_: &Path| Some(Space { free_bytes: 10_000_000, in_memory: false });
        let early = store_with(more, 100_000_000);
        early.note_read(1_000_000);
        assert!(matches!(insert(&early, 0..1), Err(SpillError::NoSpace { .. })));
        let late = store_with(more, 100_000_000);
        late.note_read(90_000_000);
        insert(&late, 0..1).expect("enough");
        assert!(!late.spilled().in_memory());

        let unknown = store_with(|_| None, 0);
        insert(&unknown, 0..1).expect("tried all the same");
        let in_memory = store_with(|_| Some(Space { free_bytes: u64::MAX, in_memory: true }), 0);
        insert(&in_memory, 0..1).expect("enough");
        assert!(in_memory.spilled().in_memory());
    }

    #[test]
    fn a_directory_that_is_gone_is_an_error() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::new(RowLayout::default(), &resources(0, &directory.path().join("gone")));
        let error = insert(&store, 0..1).expect_err("there is none");
        assert!(matches!(error, SpillError::Create { .. }), "{error}");
    }

    #[test]
    fn what_will_be_held_follows_what_was_read() {
        assert_eq!(held_at_the_end(100, 10, 1_000), 10_000);
        assert_eq!(held_at_the_end(100, 1_000, 1_000), 100);
        // A file that grew, and a stream.
        assert_eq!(held_at_the_end(100, 2_000, 1_000), 100);
        assert_eq!(held_at_the_end(100, 10, 0), 100);
        assert_eq!(held_at_the_end(100, 0, 1_000), 100);
    }
}
