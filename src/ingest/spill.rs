//! What does not fit in memory waits in a temporary file, shard by shard.
//!
//! When the store passes its budget, its largest group of shards is written as one run and
//! emptied, and so on until it is within the budget again. One thread writes at a time; others that
//! find the budget passed wait for it, so that reading is never faster than the disk for long. At the
//! end a shard is put together from its segments of all runs and from what is still in memory.

use super::budget::{Gate, Resources, Ticket};
use super::segment;
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

/// What will be held once all is read, by what is held now. Where the size of the input is not known,
/// as much again must find room.
fn held_at_the_end(held: u64, read: u64, input: u64) -> u64 {
    match input {
        0 => held,
        _ => (held as f64 * (input.max(read) as f64 / read.max(1) as f64)) as u64,
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
        let before = scratch.len();
        for (shard, segments) in shards.into_iter().zip(&mut segments[group * SHARDS_PER_LOCK..]) {
            if shard.events.len() == 0 {
                continue;
            }
            let start = scratch.len();
            let mut out = BufWriter::with_capacity(BUFFER_BYTES, &mut *scratch);
            segment::write(&shard, &self.layout(), &mut out)
                .and_then(|()| out.flush())
                .map_err(|source| SpillError::Write { directory: self.spill.directory.clone(), source })?;
            drop(out);
            segments.push(Segment { start, len: scratch.len() - start, held: shard.bytes() });
        }
        self.spill.spilled.bytes.fetch_add(scratch.len() - before, Ordering::Relaxed);
        self.budget.let_go(held);
        Ok(())
    }

    /// Prepares for shards to be taken one after the other, by so many threads at a time; to be taken
    /// more than once if `again`. True where they can be: all of them are on disk.
    pub(super) fn prepare(&self, threads: usize, again: bool) -> Result<bool, SpillError> {
        if !self.has_spilled() {
            return Ok(false);
        }
        let largest = (0..SHARDS).map(|shard| self.room_of(&self.spill.segments(shard))).max().unwrap_or(0);
        let room = largest.saturating_mul(threads as u64).min(self.budget.limit());
        self.spill_down_to(if again { 0 } else { self.budget.limit() - room })?;
        let _ = self.spill.gate.set(Gate::new(self.budget.limit().saturating_sub(self.budget.held())));
        Ok(again)
    }

    /// What it takes to put segments together and their rows in order: as much again for the rows
    /// as they are sorted, and half as much for what they become.
    fn room_of(&self, segments: &[Segment]) -> u64 {
        segments.iter().map(|segment| segment.held as u64).sum::<u64>() / 2 * 5
    }

    /// Waits until there is room in memory for a shard to be put together and in order.
    pub(super) fn enter(&self, shard: usize) -> Option<Ticket<'_>> {
        let gate = self.spill.gate.get()?;
        Some(gate.enter(self.room_of(&self.spill.segments(shard))))
    }

    /// A shard whole. What lies on disk stays there, what lies in memory is taken out.
    pub(super) fn load(&self, shard: usize) -> Result<Shard, SpillError> {
        let rest = self.take(shard);
        let segments = if self.has_spilled() { self.spill.segments(shard) } else { Vec::new() };
        if segments.is_empty() {
            return Ok(rest);
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
        segment::join(&rest, &layout, seed, &mut whole).map_err(failed)?;
        Ok(whole)
    }
}
