//! Rows that wait for all others before it is known whose they are, or whether they are kept.
//!
//! Rows with one key (a device, the key of an event) lie in one part, as bytes; what does not fit in
//! memory is written to a temporary file. Part by part they are taken up again, in no given order.

use super::budget::{Gate, Resources, Ticket};
use super::spill::{SpillError, Spilled};
use super::texts::TextKey;
use crate::source::scratch::{Scratch, space};
use foldhash::fast::RandomState;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Parts are taken up one by one, so that their number keeps what lies in memory small.
const PART_BITS: u32 = 10;
pub const PARTS: usize = 1 << PART_BITS;
/// Bytes that a block of a part grows to.
const LEAST_BLOCK: usize = 1 << 10;
const MOST_BLOCK: usize = 32 << 10;
/// Stand for the length of a text that is not there, and of a device that is the id itself.
const NO_TEXT: u32 = u32::MAX;
const SAME_TEXT: u32 = u32::MAX - 1;

/// One row, with its texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitingRow<'b> {
    pub time_us: i64,
    pub kind: u32,
    /// Rows with one key are one event; `None` where it has none.
    pub key: Option<u128>,
    /// Place in the input.
    pub place: u64,
    /// Words of 4 bytes, the lowest first: value, currency, dimensions, when it was received.
    pub words: &'b [u8],
    /// Whose it is, as far as the row itself and the map say.
    pub id: &'b [u8],
    /// The device, where the row names one; it is the id where nobody is known.
    pub device: Option<&'b [u8]>,
    pub session: Option<&'b [u8]>,
}

impl<'b> WaitingRow<'b> {
    /// The person that the row names, of a row with a device.
    pub fn known_person(&self) -> Option<&'b [u8]> {
        (self.device != Some(self.id)).then_some(self.id)
    }
}

/// Rows by part, in memory and on disk. Threads add side by side.
pub struct Waiting {
    /// Bytes of a row's words.
    words_len: usize,
    parts: Vec<Mutex<Blocks>>,
    seed: RandomState,
    held: AtomicU64,
    limit: u64,
    disk: Mutex<Disk>,
    directory: PathBuf,
    spilled: Arc<Spilled>,
    gate: Gate,
}

#[derive(Default)]
struct Disk {
    scratch: Option<Scratch>,
    /// By part: start and length.
    segments: Vec<Vec<(u64, u64)>>,
}

/// The rows of one part in memory; none lies in two blocks.
#[derive(Default, Clone)]
struct Blocks {
    blocks: Vec<Vec<u8>>,
    /// Bytes that all blocks together could hold.
    capacity: usize,
}

impl Blocks {
    fn add(&mut self, row: &[u8]) {
        match self.blocks.last_mut() {
            Some(block) if block.capacity() - block.len() >= row.len() => block.extend_from_slice(row),
            _ => {
                let size = (self.capacity / 2).clamp(LEAST_BLOCK, MOST_BLOCK).max(row.len());
                let mut block = Vec::with_capacity(size);
                block.extend_from_slice(row);
                self.capacity += block.capacity();
                self.blocks.push(block);
            }
        }
    }
}

/// One thread's rows on their way to their parts.
pub struct Arrivals {
    parts: Vec<Vec<u8>>,
    /// Where the rows of a part end.
    ends: Vec<Vec<u32>>,
    rows: usize,
}

impl Default for Arrivals {
    fn default() -> Self {
        Arrivals { parts: vec![Vec::new(); PARTS], ends: vec![Vec::new(); PARTS], rows: 0 }
    }
}

/// Rows that a thread gathers before it asks for the locks of their parts.
const GATHERED_ROWS: usize = 16_384;

/// One part, taken up.
pub struct Part<'w> {
    words_len: usize,
    buffers: Vec<Vec<u8>>,
    _room: Ticket<'w>,
}

/// Where a row of a part lies.
#[derive(Debug, Clone, Copy)]
pub struct RowAt {
    buffer: u32,
    start: usize,
}

impl Waiting {
    /// Holds `resources.store_bytes` in memory. `words` is the number of a row's words.
    pub fn new(words: usize, resources: &Resources) -> Waiting {
        Waiting {
            words_len: words * size_of::<u32>(),
            parts: (0..PARTS).map(|_| Mutex::default()).collect(),
            seed: RandomState::default(),
            held: AtomicU64::new(0),
            limit: resources.store_bytes,
            disk: Mutex::default(),
            directory: resources.temp_dir.clone(),
            spilled: Arc::default(),
            gate: Gate::new(resources.store_bytes),
        }
    }

    /// How much was written to a temporary file.
    pub fn spilled(&self) -> Arc<Spilled> {
        Arc::clone(&self.spilled)
    }

    /// Adds a row to those that share `key`; it is there once the arrivals are settled.
    pub fn add(&self, row: &WaitingRow<'_>, key: &[u8], arrivals: &mut Arrivals) -> Result<(), SpillError> {
        let part = (TextKey::new(key, &self.seed).hash() >> (64 - PART_BITS)) as usize;
        let bytes = &mut arrivals.parts[part];
        write_row(row, bytes);
        arrivals.ends[part].push(bytes.len() as u32);
        arrivals.rows += 1;
        if arrivals.rows == GATHERED_ROWS { self.settle(arrivals) } else { Ok(()) }
    }

    /// Brings all arrivals to their parts.
    pub fn settle(&self, arrivals: &mut Arrivals) -> Result<(), SpillError> {
        for (part, (bytes, ends)) in arrivals.parts.iter_mut().zip(&mut arrivals.ends).enumerate() {
            if ends.is_empty() {
                continue;
            }
            let mut blocks = self.part(part);
            let before = blocks.capacity;
            let mut start = 0;
            for &end in ends.iter() {
                blocks.add(&bytes[start..end as usize]);
                start = end as usize;
            }
            self.held.fetch_add((blocks.capacity - before) as u64, Ordering::Relaxed);
            drop(blocks);
            bytes.clear();
            ends.clear();
        }
        arrivals.rows = 0;
        if self.held.load(Ordering::Relaxed) > self.limit { self.spill() } else { Ok(()) }
    }

    fn part(&self, part: usize) -> MutexGuard<'_, Blocks> {
        self.parts[part].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes all that is in memory. Who finds the limit passed meanwhile waits.
    #[cold]
    fn spill(&self) -> Result<(), SpillError> {
        let mut disk = self.disk();
        let held = self.held.load(Ordering::Relaxed);
        if held <= self.limit {
            return Ok(());
        }
        let directory = || self.directory.clone();
        let space = space(&self.directory);
        if let Some(space) = space.filter(|space| space.free_bytes < held) {
            return Err(SpillError::NoSpace { directory: directory(), needed: held, free: space.free_bytes });
        }
        if disk.scratch.is_none() {
            let made = Scratch::create_in(&self.directory);
            disk.scratch =
                Some(made.map_err(|source| SpillError::Create { directory: directory(), source })?);
            disk.segments = vec![Vec::new(); PARTS];
        }
        let Disk { scratch: Some(scratch), segments } = &mut *disk else { return Ok(()) };
        let before = scratch.written();
        for (part, segments) in segments.iter_mut().enumerate() {
            let taken = std::mem::take(&mut *self.part(part));
            let start = scratch.written();
            for block in &taken.blocks {
                scratch
                    .write_all(block)
                    .map_err(|source| SpillError::Write { directory: directory(), source })?;
            }
            if scratch.written() > start {
                segments.push((start, scratch.written() - start));
            }
            self.held.fetch_sub(taken.capacity as u64, Ordering::Relaxed);
        }
        self.spilled.note(scratch.written() - before, space.is_some_and(|space| space.in_memory));
        Ok(())
    }

    /// Takes a part up. What of it is in memory is let go of, unless it `stays` for another time.
    pub fn take(&self, part: usize, stays: bool) -> Result<Part<'_>, SpillError> {
        let segments = self.disk().segments.get(part).cloned().unwrap_or_default();
        let on_disk: u64 = segments.iter().map(|(_, len)| len).sum();
        // As much again to put its rows in order.
        let room = self.gate.enter(2 * on_disk);
        let blocks = if stays { self.part(part).clone() } else { std::mem::take(&mut *self.part(part)) };
        let mut buffers = blocks.blocks;
        if !stays {
            self.held.fetch_sub(blocks.capacity as u64, Ordering::Relaxed);
        }
        for (start, len) in segments {
            let reader = self.disk().scratch.as_ref().map(|scratch| scratch.reader(start, len));
            let mut bytes = Vec::with_capacity(len as usize);
            if let Some(mut reader) = reader {
                reader
                    .read_to_end(&mut bytes)
                    .map_err(|source| SpillError::Read { directory: self.directory.clone(), source })?;
            }
            buffers.push(bytes);
        }
        Ok(Part { words_len: self.words_len, buffers, _room: room })
    }
}

impl Part<'_> {
    /// All rows, in no given order.
    pub fn rows(&self) -> Vec<RowAt> {
        let mut rows = Vec::new();
        for (buffer, bytes) in (0..).zip(&self.buffers) {
            let mut start = 0;
            while start < bytes.len() {
                rows.push(RowAt { buffer, start });
                start += self.read(bytes, start).1;
            }
        }
        rows
    }

    pub fn row(&self, at: RowAt) -> WaitingRow<'_> {
        self.read(&self.buffers[at.buffer as usize], at.start).0
    }

    /// The row that starts there, and the bytes it takes: what [`write_row`] wrote.
    fn read<'b>(&self, bytes: &'b [u8], start: usize) -> (WaitingRow<'b>, usize) {
        let mut rest = &bytes[start..];
        let time_us = i64::from_le_bytes(take(&mut rest));
        let place = u64::from_le_bytes(take(&mut rest));
        let kind = u32::from_le_bytes(take(&mut rest));
        let [id_len, device_len, session_len] = [0; 3].map(|_: u32| u32::from_le_bytes(take(&mut rest)));
        let [has_key] = take(&mut rest);
        let key = (has_key > 0).then(|| u128::from_le_bytes(take(&mut rest)));
        let words = rest.split_off(..self.words_len).unwrap_or_default();
        let mut text = |len: u32| rest.split_off(..len as usize).unwrap_or_default();
        let id = text(id_len);
        let device = match device_len {
            NO_TEXT => None,
            SAME_TEXT => Some(id),
            len => Some(text(len)),
        };
        let session = (session_len != NO_TEXT).then(|| text(session_len));
        let len = bytes.len() - start - rest.len();
        (WaitingRow { time_us, kind, key, place, words, id, device, session }, len)
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    let taken = bytes.split_off(..N).and_then(|taken| taken.first_chunk().copied());
    taken.unwrap_or([0; N])
}

fn write_row(row: &WaitingRow<'_>, bytes: &mut Vec<u8>) {
    let device_len = match row.device {
        None => NO_TEXT,
        Some(device) if device == row.id => SAME_TEXT,
        Some(device) => device.len() as u32,
    };
    bytes.extend_from_slice(&row.time_us.to_le_bytes());
    bytes.extend_from_slice(&row.place.to_le_bytes());
    bytes.extend_from_slice(&row.kind.to_le_bytes());
    bytes.extend_from_slice(&(row.id.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&device_len.to_le_bytes());
    bytes.extend_from_slice(&row.session.map_or(NO_TEXT, |session| session.len() as u32).to_le_bytes());
    bytes.push(u8::from(row.key.is_some()));
    bytes.extend(row.key.iter().flat_map(|key| key.to_le_bytes()));
    bytes.extend_from_slice(row.words);
    bytes.extend_from_slice(row.id);
    if device_len < SAME_TEXT {
        bytes.extend_from_slice(row.device.unwrap_or_default());
    }
    bytes.extend_from_slice(row.session.unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key, time, whether the device is the id, whether there is a session.
    fn rows() -> Vec<(u32, i64, bool, bool)> {
        (0..5_000_i64).map(|at| ((at * 7 % 300) as u32, at, at % 3 == 0, at % 2 == 0)).collect()
    }

    fn taken(store_bytes: u64, stays: bool) -> (Vec<String>, u64) {
        let directory = tempfile::tempdir().expect("a directory");
        let resources =
            Resources { threads: 1, store_bytes, temp_dir: directory.path().to_owned(), input_bytes: 0 };
        let waiting = Waiting::new(1, &resources);
        let mut arrivals = Arrivals::default();
        for (key, time_us, is_device, has_session) in rows() {
            let key = key.to_string();
            let id = if is_device { key.clone() } else { format!("person {time_us}") };
            let words = (time_us as u32).to_le_bytes();
            let row = WaitingRow {
                time_us,
                kind: 7,
                key: (time_us % 5 == 0).then_some(u128::MAX - time_us as u128),
                place: 1 << 40,
                words: &words,
                id: id.as_bytes(),
                device: (time_us % 4 > 0).then_some(key.as_bytes()),
                session: has_session.then_some(b"s"),
            };
            waiting.add(&row, key.as_bytes(), &mut arrivals).expect("there is room");
            if time_us % 1_000 == 0 {
                waiting.settle(&mut arrivals).expect("there is room");
            }
        }
        waiting.settle(&mut arrivals).expect("there is room");
        let mut found = Vec::new();
        for _ in 0..if stays { 2 } else { 1 } {
            found.clear();
            for part in 0..PARTS {
                let part = waiting.take(part, stays).expect("it can be read");
                found.extend(part.rows().into_iter().map(|at| format!("{:?}", part.row(at))));
            }
        }
        found.sort_unstable();
        (found, waiting.spilled().bytes())
    }

    #[test]
    fn rows_come_out_as_they_went_in_from_memory_and_from_disk() {
        let (in_memory, written) = taken(u64::MAX, true);
        assert_eq!((in_memory.len(), written), (5_000, 0));
        assert!(in_memory.iter().all(|row| row.contains("kind: 7")));
        let (on_disk, written) = taken(1 << 16, true);
        assert!(written > 1 << 17, "{written}");
        assert_eq!(on_disk, in_memory);
        assert_eq!(taken(1 << 16, false).0, in_memory);
        assert_eq!(taken(u64::MAX, false).0, in_memory);
    }
}
