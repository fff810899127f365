//! Cuts a stream into chunks, in a thread of its own that is a few chunks ahead of its readers.

use super::chunks::{BLOCK_BYTES, CHUNK_BYTES, Chunk, ChunkOptions};
use super::streams::BoxedRead;
use super::{Ending, SourceError};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Chunks that the thread may be ahead.
const CHUNKS_AHEAD: usize = 4;

/// Appends blocks, and leaves out what goes beyond the most of a stretch without line breaks.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    /// Bytes kept since the last line break.
    kept: usize,
}

impl Stretch {
    pub(super) fn append(&mut self, bytes: &mut Vec<u8>, block: &[u8], most: usize) {
        if self.kept + block.len() <= most {
            bytes.extend_from_slice(block);
            let behind_break = memchr::memrchr2(b'\n', b'\r', block).map(|at| block.len() - at - 1);
            self.kept = behind_break.unwrap_or(self.kept + block.len());
            return;
        }
        let mut block = block;
        while !block.is_empty() {
            let line = memchr::memchr2(b'\n', b'\r', block).map(|at| at + 1);
            let (part, rest) = block.split_at(line.unwrap_or(block.len()));
            // The line break itself is always kept.
            let text = part.len() - usize::from(line.is_some());
            let keep = text.min(most - self.kept.min(most));
            bytes.extend_from_slice(&part[..keep]);
            bytes.extend_from_slice(&part[text..]);
            self.kept = if line.is_some() { 0 } else { self.kept + keep };
            block = rest;
        }
    }
}

/// A stream with its thread.
#[derive(Debug)]
pub(super) struct Stream {
    ending: Ending,
    chunks: Receiver<Result<Chunk, SourceError>>,
    /// Buffers on their way back to the thread.
    used: Sender<Vec<u8>>,
    /// The thread has said all it had to say.
    complete: Arc<AtomicBool>,
}

impl Stream {
    pub(super) fn start(
        ending: Ending,
        head: Vec<u8>,
        rest: BoxedRead,
        start: u64,
        options: ChunkOptions,
    ) -> Stream {
        let (sender, chunks) = bounded(CHUNKS_AHEAD);
        let (used, recycled) = bounded(CHUNKS_AHEAD);
        let complete = Arc::new(AtomicBool::new(false));
        let mut cutter = Cutter {
            ending: ending.clone(),
            rest,
            offset: start,
            options,
            recycled,
            sender,
            complete: Arc::clone(&complete),
        };
        // Nobody waits for the thread: dropping the receiver ends it with its next chunk, and a
        // pipe that says nothing must not hold up the program. If it cannot be started, its end of
        // the channel is gone, and `next` says so.
        drop(thread::Builder::new().name("unpack".to_owned()).spawn(move || cutter.run(head)));
        Stream { ending, chunks, used, complete }
    }

    pub(super) fn next(&self, buffer: Vec<u8>) -> Result<Option<Chunk>, SourceError> {
        if buffer.capacity() > 0 {
            // A full channel or a finished thread needs no more buffers.
            match self.used.try_send(buffer) {
                Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
            }
        }
        match self.chunks.recv() {
            Ok(chunk) => chunk.map(Some),
            Err(_) if self.complete.load(Ordering::Acquire) => Ok(None),
            Err(_) => {
                let error = io::Error::other("the reading thread ended early");
                Err(SourceError::Read { name: self.ending.name.clone(), offset: 0, error })
            }
        }
    }
}

/// The thread's side of a stream.
struct Cutter {
    ending: Ending,
    rest: BoxedRead,
    /// Offset of the next chunk.
    offset: u64,
    options: ChunkOptions,
    recycled: Receiver<Vec<u8>>,
    sender: Sender<Result<Chunk, SourceError>>,
    complete: Arc<AtomicBool>,
}

impl Cutter {
    fn run(&mut self, head: Vec<u8>) {
        let (mut filled, mut bytes) = (head.len(), head);
        let mut later = Vec::new();
        for index in 0.. {
            let (taken, last) = match self.fill(&mut bytes, filled, &mut later) {
                Ok(end) => end,
                Err(error) => {
                    self.complete.store(true, Ordering::Release);
                    // The receiver may be gone; then nobody needs to know.
                    let _ = self.sender.send(Err(error));
                    return;
                }
            };
            if last && taken == 0 && index == 0 {
                break;
            }
            let cut_short = last && self.ending.is_partial();
            let chunk = Chunk { index, bytes, offset: self.offset, last, cut_short };
            if self.sender.send(Ok(chunk)).is_err() {
                return;
            }
            if last {
                break;
            }
            self.offset += taken;
            bytes = self.recycled.try_recv().unwrap_or_default();
            filled = later.len();
            // Not cleared: only what a buffer grows by is zeroed.
            bytes.resize(bytes.len().max(filled), 0);
            bytes[..filled].copy_from_slice(&later);
        }
        self.complete.store(true, Ordering::Release);
    }

    /// Reads a chunk straight into its buffer, which starts with `filled` bytes of it, up to a
    /// border; what follows the border goes to `later`. The bytes of the stream that the chunk
    /// takes, more than its length if a long line lost some, and whether it is the last.
    fn fill(
        &mut self,
        bytes: &mut Vec<u8>,
        mut filled: usize,
        later: &mut Vec<u8>,
    ) -> Result<(u64, bool), SourceError> {
        later.clear();
        let most = self.options.max_line_bytes;
        // What was looked through for a border, and what of a long line went through the buffer.
        let (mut searched, mut gone) = (0, 0);
        let mut stretch: Option<(Stretch, Vec<u8>)> = None;
        loop {
            let room = filled.max(CHUNK_BYTES as usize) + BLOCK_BYTES;
            bytes.resize(room, 0);
            let end = self.read(bytes, filled, gone)?;
            let last = end < room;
            // Behind a line that lost some of its bytes the chunk ends, so that places in it hold.
            let is_long = stretch.is_some() || end > most;
            let text = &bytes[searched..end];
            let behind = match self.options.border {
                None => Some(end),
                Some(border) if is_long => memchr::memchr(border, text).map(|at| searched + at + 1),
                Some(border) => memchr::memrchr(border, text).map(|at| searched + at + 1),
            };
            let last = last && (!is_long || behind.is_none_or(|behind| behind == end));
            let cut = if last { Some(end) } else { behind };
            let content = cut.unwrap_or(end);
            if stretch.is_none() && content <= most {
                if let Some(cut) = cut {
                    later.extend_from_slice(&bytes[cut..end]);
                    bytes.truncate(cut);
                    return Ok((cut as u64, last));
                }
                (filled, searched) = (end, end);
                continue;
            }
            // From here on only so much of a line is kept; the buffer is emptied again and again.
            let (stretch, kept) = stretch.get_or_insert_default();
            stretch.append(kept, &bytes[..content], most);
            gone += content as u64;
            if cut.is_some() {
                later.extend_from_slice(&bytes[content..end]);
                std::mem::swap(bytes, kept);
                return Ok((gone, last));
            }
            (filled, searched) = (0, 0);
        }
    }

    /// Reads until the buffer is full or the stream ends; `before` bytes of the chunk went
    /// through it already.
    fn read(&mut self, bytes: &mut [u8], mut filled: usize, before: u64) -> Result<usize, SourceError> {
        while filled < bytes.len() {
            match self.rest.read(&mut bytes[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let offset = self.offset + before + filled as u64;
                    return Err(SourceError::from_read(&self.ending.name, offset, error));
                }
            }
        }
        Ok(filled)
    }
}
