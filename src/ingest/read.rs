//! Reads all inputs, on several threads: each takes a file of its own while there are files, then
//! helps with those that are still being read.

use super::IngestError;
use super::assemble::{Assembler, Codes, Dictionaries, Strangers};
use super::batch::Batch;
use super::budget::Resources;
use super::clean::Cleaned;
use super::identify::{Identified, Identifier, IdentifyScratch};
use super::job::{Clocks, Decoder, FileAccount, Job, Pieces, Spread, next_slice};
use super::plan::ReadPlan;
use super::received::Receipts;
use super::sample::Sample;
use super::sequence::Piece;
use super::shard::{InsertScratch, Store};
use super::spill::{SpillError, Spilled};
use super::threads::beside;
use super::unpivot::Unpivoter;
use super::whole_record::WholeRecord;
use crate::decode::dialect::DialectHints;
use crate::decode::time::{TimeNotes, TimeParser};
use crate::decode::{PieceEnd, RecordSink};
use crate::source::Input;
use crate::source::chunks::Chunk;
use crate::source::open::{Opened, open};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// Rows of one file that have places of their own; files follow one another.
const ROWS_PER_FILE: u64 = 1 << 40;

/// Told how many bytes of the inputs, as they lie on disk, have been read.
pub trait Progress: Sync {
    fn advance(&self, bytes: u64);
}

/// An input, opened and sampled already where the plan needed a look at it.
pub struct Pending {
    pub input: Input,
    pub opened: Option<(Opened, Sample)>,
}

/// Everything that was read.
pub struct Everything {
    pub store: Store,
    pub dictionaries: Dictionaries,
    /// In the order of the inputs.
    pub files: Vec<FileAccount>,
    pub identified: Identified,
}

impl Everything {
    /// What was written to temporary files, while it is used and after.
    pub fn spilled(&self) -> Vec<Arc<Spilled>> {
        let of_waits = self.identified.spilled.iter().cloned();
        of_waits.chain([self.store.spilled()]).collect()
    }
}

/// Reads all inputs to the end. The first error, by the order of inputs, ends it.
pub fn read_all(
    plan: &ReadPlan,
    hints: &DialectHints,
    inputs: Vec<Pending>,
    resources: &Resources,
    progress: &dyn Progress,
) -> Result<Everything, IngestError> {
    let dictionaries = Dictionaries::new(plan.layout.dimensions);
    let (identifier, of_store) =
        plan.identity.is_asked().then(|| Identifier::new(&plan.identity, plan.layout, resources)).unzip();
    let mut store = Store::new(plan.layout, of_store.as_ref().unwrap_or(resources));
    store.only(plan.members.clone());
    let shared = Shared {
        plan,
        hints,
        store,
        identifier,
        progress,
        failed: AtomicBool::new(false),
        board: Mutex::new(Board {
            accounts: inputs.iter().map(|_| None).collect(),
            waiting: inputs.into_iter().enumerate().rev().collect(),
            opening: 0,
            active: Vec::new(),
            error: None,
        }),
        changed: Condvar::new(),
        spare: Mutex::default(),
    };
    std::thread::scope(|scope| {
        for _ in 1..resources.threads.max(1) {
            beside(scope, || Worker::new(&shared, &dictionaries).run());
        }
        Worker::new(&shared, &dictionaries).run();
    });
    let Shared { store, board, identifier, .. } = shared;
    let board = board.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some((_, error)) = board.error {
        return Err(error);
    }
    let files = board.accounts.into_iter().flatten().collect();
    let identified = identifier.map(|identifier| identifier.finish(&store, &dictionaries, resources.threads));
    let identified = identified.transpose()?.unwrap_or_default();
    Ok(Everything { store, dictionaries, files, identified })
}

struct Shared<'s> {
    plan: &'s ReadPlan,
    hints: &'s DialectHints,
    store: Store,
    /// Where more than its own id tells whose a row is.
    identifier: Option<Identifier<'s>>,
    progress: &'s dyn Progress,
    failed: AtomicBool,
    board: Mutex<Board>,
    changed: Condvar,
    spare: Mutex<Spare>,
}

/// Buffers that are done with. Shared, because who accepts a piece is not always who read it: kept
/// by each thread they would pile up with one and be made anew by the other.
#[derive(Default)]
struct Spare {
    batches: Vec<Batch>,
    bytes: Vec<Vec<u8>>,
}

/// Who does what.
struct Board {
    /// Last first, so that `pop` gives the next.
    waiting: Vec<(usize, Pending)>,
    /// Inputs being opened: they may soon be active.
    opening: usize,
    active: Vec<Active>,
    accounts: Vec<Option<FileAccount>>,
    /// With the place of its input.
    error: Option<(usize, IngestError)>,
}

struct Active {
    place: usize,
    job: Arc<Job>,
    workers: usize,
    /// Everything is handed out: who still works on it needs no help.
    exhausted: bool,
}

enum Task {
    Open(usize, Box<Pending>),
    Help(usize, Arc<Job>),
}

impl Shared<'_> {
    fn advance(&self, bytes: u64) {
        self.store.note_read(bytes);
        self.progress.advance(bytes);
    }

    fn spare(&self) -> MutexGuard<'_, Spare> {
        self.spare.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// A file of one's own, else one to help with; `None` when there is nothing left to do.
    fn task(&self) -> Option<Task> {
        let mut board = self.board();
        loop {
            if self.failed.load(Ordering::Relaxed) {
                return None;
            }
            if let Some((place, pending)) = board.waiting.pop() {
                board.opening += 1;
                return Some(Task::Open(place, Box::new(pending)));
            }
            let unfinished = board.active.iter_mut().filter(|active| !active.exhausted);
            if let Some(active) = unfinished.min_by_key(|active| active.workers) {
                active.workers += 1;
                return Some(Task::Help(active.place, Arc::clone(&active.job)));
            }
            if board.opening == 0 {
                return None;
            }
            board = self.changed.wait(board).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
    }

    fn opened(&self, place: usize, job: Result<Job, IngestError>) -> Option<Arc<Job>> {
        let mut board = self.board();
        board.opening -= 1;
        let job = match job {
            Ok(job) => {
                let job = Arc::new(job);
                board.active.push(Active { place, job: Arc::clone(&job), workers: 1, exhausted: false });
                Some(job)
            }
            Err(error) => {
                self.fail(&mut board, place, error);
                None
            }
        };
        drop(board);
        self.changed.notify_all();
        job
    }

    fn fail(&self, board: &mut Board, place: usize, error: IngestError) {
        self.failed.store(true, Ordering::Relaxed);
        if board.error.as_ref().is_none_or(|(known, _)| place < *known) {
            board.error = Some((place, error));
        }
    }

    /// Leaves a file that has nothing left to hand out; the last one to leave closes its account.
    fn leave(&self, place: usize, result: Result<(), IngestError>) {
        let mut board = self.board();
        if let Err(error) = result {
            self.fail(&mut board, place, error);
        }
        let Some(index) = board.active.iter().position(|active| active.place == place) else { return };
        board.active[index].exhausted = true;
        board.active[index].workers -= 1;
        if board.active[index].workers > 0 {
            return;
        }
        let job = board.active.swap_remove(index).job;
        if !self.failed.load(Ordering::Relaxed) {
            board.accounts[place] = Some(job.close());
        }
    }
}

/// One thread's share of the work.
struct Worker<'s> {
    shared: &'s Shared<'s>,
    codes: Codes<'s>,
    insert: InsertScratch,
    identify: Option<Box<IdentifyScratch>>,
}

/// A thread that panics leaves pieces that others wait for: they must not wait for ever.
impl Drop for Worker<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.shared.failed.store(true, Ordering::Relaxed);
            for active in &self.shared.board().active {
                active.job.sequence.abandon();
            }
            self.shared.changed.notify_all();
        }
    }
}

impl<'s> Worker<'s> {
    fn new(shared: &'s Shared<'s>, dictionaries: &'s Dictionaries) -> Worker<'s> {
        Worker {
            shared,
            codes: Codes::new(shared.plan, dictionaries),
            insert: InsertScratch::default(),
            identify: shared.identifier.as_ref().map(|_| Box::default()),
        }
    }

    fn run(&mut self) {
        self.read();
        if let (Some(identifier), Some(scratch)) = (&self.shared.identifier, &mut self.identify)
            && let Err(error) = identifier.settle(&self.shared.store, scratch)
        {
            self.shared.fail(&mut self.shared.board(), usize::MAX, error.into());
        }
    }

    fn read(&mut self) {
        while let Some(task) = self.shared.task() {
            let (place, job) = match task {
                Task::Help(place, job) => (place, job),
                Task::Open(place, pending) => {
                    let job = open_job(*pending, self.shared);
                    match self.shared.opened(place, job) {
                        Some(job) => (place, job),
                        None => return,
                    }
                }
            };
            let result = match &job.pieces {
                Pieces::Nothing => Ok(()),
                Pieces::Text { .. } => self.read_text(place, &job),
                Pieces::Parquet { .. } => self.read_parquet(place, &job),
            };
            if result.is_err() {
                job.sequence.abandon();
            }
            drop(job);
            self.shared.leave(place, result);
        }
    }

    fn read_text(&mut self, place: usize, job: &Job) -> Result<(), IngestError> {
        let Pieces::Text { chunks, decoder, data_offset } = &job.pieces else { return Ok(()) };
        let mut decoder = decoder.clone();
        let mut clocks = job.clocks.clone();
        let mut told = 0;
        while !self.shared.failed.load(Ordering::Relaxed) {
            let buffer = self.shared.spare().bytes.pop().unwrap_or_default();
            let Some(mut chunk) = chunks.next(buffer)? else { break };
            if chunk.index == 0 {
                chunk.bytes.drain(..*data_offset);
                chunk.offset += *data_offset as u64;
            }
            let mut batch = self.spare_batch();
            let Chunk { index, bytes, offset, last, cut_short } = chunk;
            let last = last && !cut_short;
            let end = decoder
                .may_guess()
                .then(|| self.decode(job, &mut decoder, &mut clocks, &bytes, last, &mut batch));
            let piece = Piece { index, bytes, offset, last, end, batch };
            let accepted = job.sequence.submit(piece, |bytes, last, batch| {
                self.decode(job, &mut decoder, &mut clocks, bytes, last, batch)
            });
            for accepted in accepted.map_err(|placed| job.damaged(self.shared.plan, *placed))? {
                self.keep(place, accepted.rows_before, accepted.batch)?;
                self.shared.spare().bytes.push(accepted.bytes);
            }
            // Threads that share a file each tell what they see that nobody told yet.
            let read = chunks.bytes_read();
            let before = job.told.fetch_max(read, Ordering::Relaxed);
            self.shared.advance(read.saturating_sub(before.max(told)));
            told = read;
        }
        Ok(())
    }

    fn decode(
        &mut self,
        job: &Job,
        decoder: &mut Decoder,
        clocks: &mut Clocks,
        bytes: &[u8],
        last: bool,
        batch: &mut Batch,
    ) -> PieceEnd {
        let before: Vec<TimeNotes> = clocks.times.iter().map(TimeParser::notes).collect();
        let looked_for = job.unseen();
        let mut unseen = looked_for.clone();
        let codes = &mut self.codes;
        let plan = codes.plan;
        let wide = plan.roles.is_wide();
        // Ways that few go share one that is not made for each of them.
        let mut decode = |sink: &mut dyn RecordSink| {
            let cleaned = Cleaned::new(plan.cleaning, plan.whole_record, sink);
            let mut sink = Spread::new(&job.spread, &mut unseen, cleaned);
            match &job.whole {
                None => decoder.decode(bytes, last, &mut sink),
                Some(whole) => decoder.decode(bytes, last, &mut WholeRecord::new(whole, &mut sink)),
            }
        };
        let end = if plan.names_nobody() {
            decode(&mut Strangers { batch, keep_rejects: plan.keep_rejects })
        } else if wide {
            decode(&mut Unpivoter { codes, times: &mut clocks.times, batch, events: Vec::new() })
        } else if let Some(received) = &mut clocks.received {
            let assembler = Assembler { codes, times: &mut clocks.times[0], batch };
            decode(&mut Receipts { times: received, assembler })
        } else {
            let mut assembler = Assembler { codes, times: &mut clocks.times[0], batch };
            let is_direct = goes_directly(plan, job) && looked_for.is_empty();
            if is_direct { decoder.decode(bytes, last, &mut assembler) } else { decode(&mut assembler) }
        };
        job.note_seen(&looked_for, &unseen);
        if !batch.without_time.is_empty()
            && let Some(header) = decoder.other_header(bytes, &batch.without_time)
        {
            batch.note_other_header(header);
        }
        batch.tally.note_all_times(&before, &clocks.times);
        batch.sum_up(wide);
        end
    }

    fn read_parquet(&mut self, place: usize, job: &Job) -> Result<(), IngestError> {
        let Pieces::Parquet { file, slices, wanted, judged, next } = &job.pieces else { return Ok(()) };
        let mut clocks = job.clocks.clone();
        while !self.shared.failed.load(Ordering::Relaxed) {
            let Some((index, slice)) = next_slice(slices, next) else { break };
            let mut batch = self.spare_batch();
            let before: Vec<TimeNotes> = clocks.times.iter().map(TimeParser::notes).collect();
            let mut unseen = Vec::new();
            let codes = &mut self.codes;
            let plan = codes.plan;
            let wide = plan.roles.is_wide();
            let mut decode = |sink: &mut dyn RecordSink| {
                let cleaned = Cleaned::new(plan.cleaning, plan.whole_record, sink);
                let mut sink = Spread::new(&job.spread, &mut unseen, cleaned);
                match &job.whole {
                    None => file.decode_judging(slice, wanted, judged, &mut sink),
                    Some(whole) => {
                        let mut sink = WholeRecord::new(whole, &mut sink);
                        file.decode_judging(slice, wanted, judged, &mut sink)
                    }
                }
            };
            let end = if wide {
                let events = Vec::new();
                decode(&mut Unpivoter { codes, times: &mut clocks.times, batch: &mut batch, events })
            } else if let Some(received) = &mut clocks.received {
                let assembler = Assembler { codes, times: &mut clocks.times[0], batch: &mut batch };
                decode(&mut Receipts { times: received, assembler })
            } else {
                let mut assembler = Assembler { codes, times: &mut clocks.times[0], batch: &mut batch };
                match goes_directly(plan, job) {
                    true => file.decode_judging(slice, wanted, judged, &mut assembler),
                    false => decode(&mut assembler),
                }
            };
            let end = end.map_err(|error| IngestError::parquet(&job.ending, &job.account.name, error))?;
            batch.tally.note_all_times(&before, &clocks.times);
            batch.sum_up(wide);
            let piece = Piece {
                index: index as u64,
                bytes: Vec::new(),
                offset: 0,
                last: index + 1 == slices.len(),
                end: Some(PieceEnd { lines: end.records, consumed: 0, ..end }),
                batch,
            };
            // Slices never carry anything over, so none is ever decoded again.
            let accepted = job.sequence.submit(piece, |_, _, _| PieceEnd::default());
            for accepted in accepted.map_err(|placed| job.damaged(self.shared.plan, *placed))? {
                self.keep(place, accepted.rows_before, accepted.batch)?;
            }
            self.shared.advance(job.slice_bytes());
        }
        Ok(())
    }

    fn keep(&mut self, place: usize, rows_before: u64, batch: Batch) -> Result<(), IngestError> {
        let ordinal = place as u64 * ROWS_PER_FILE + rows_before;
        self.insert(&batch, ordinal)?;
        self.shared.spare().batches.push(batch);
        Ok(())
    }

    fn insert(&mut self, batch: &Batch, ordinal: u64) -> Result<(), SpillError> {
        match (&self.shared.identifier, &mut self.identify) {
            (Some(identifier), Some(scratch)) => identifier.take(batch, ordinal, &self.shared.store, scratch),
            _ => self.shared.store.insert(batch, ordinal, &mut self.insert),
        }
    }

    /// A batch to fill, from those that were used before.
    fn spare_batch(&self) -> Batch {
        let mut batch = self.shared.spare().batches.pop().unwrap_or_default();
        batch.clear();
        batch
    }
}

/// Records go from the decoder to the assembler with nothing between them.
fn goes_directly(plan: &ReadPlan, job: &Job) -> bool {
    job.is_whole() && !plan.cleaning.is_asked() && job.whole.is_none()
}

fn open_job(pending: Pending, shared: &Shared<'_>) -> Result<Job, IngestError> {
    let (opened, sample) = match pending.opened {
        Some(opened) => opened,
        None => {
            let opened = open(&pending.input, &shared.plan.open)?;
            // Of an input that is not the first only the format of its times is left to be told, and whether
            // its values have the decimal mark of the others.
            let roles = &shared.plan.roles;
            let value = roles.value.iter().filter(|_| shared.plan.mark_told_by.is_some());
            let asked = roles.time.iter().chain(&roles.unpivot).chain(&roles.received).chain(value);
            let asked: Vec<String> = asked.map(|&slot| Sample::folded(&shared.plan.slots[slot])).collect();
            let is_asked = |column: &str| asked.contains(&Sample::folded(column));
            let sample = Sample::of_columns(&opened, shared.hints, &is_asked)?;
            (opened, sample)
        }
    };
    Job::new(opened, sample, shared.plan)
}

#[cfg(test)]
mod fault_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Limits;
    use crate::decode::time::TimeOptions;
    use crate::ingest::RowLayout;
    use crate::ingest::plan::{Columns, IdentityPlan, Slots};
    use crate::source::OpenOptions;
    use jiff::tz::TimeZone;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicU64;

    pub(super) fn plan() -> ReadPlan {
        let columns = Columns {
            user: vec!["user".to_owned()],
            time: vec!["time".to_owned()],
            event: Some("event".to_owned()),
            ..Columns::default()
        };
        let Slots { names, of_source, roles } = Slots::assign(&columns, [].iter(), [].iter());
        ReadPlan {
            columns,
            event_name: None,
            derivation: None,
            slots: names,
            source_slots: of_source,
            roles,
            identity: IdentityPlan::default(),
            whole_record: None,
            conditions: Vec::new(),
            uses: Vec::new(),
            filter: None,
            layout: RowLayout::default(),
            time: TimeOptions::default(),
            naive_zone: TimeZone::UTC,
            naive_zone_given: true,
            as_of_us: None,
            decimal_mark: b'.',
            mark_told_by: None,
            null_ids: Vec::new(),
            keep_empty_ids: false,
            cleaning: crate::ingest::clean::Cleaning::default(),
            open: OpenOptions::default(),
            limits: Limits::default(),
            members: None,
            keep_rejects: 0,
        }
    }

    /// Some 12 MB: a dozen chunks.
    fn log() -> tempfile::NamedTempFile {
        let mut text = String::from("user,time,event\n");
        for row in 0..300_000 {
            text.push_str(&format!("user{},2026-01-01T00:00:{:02}Z,view\n", row % 1000, row % 60));
        }
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), text).expect("it can be written");
        file
    }

    /// As many rows in an array on one line, whose elements lie over the borders of some 20 chunks.
    fn array() -> tempfile::NamedTempFile {
        let element = |row: u32| {
            let (user, second) = (row % 1000, row % 60);
            format!("{{\"user\":{user},\"time\":\"2026-01-01T00:00:{second:02}Z\",\"event\":\"view\"}}")
        };
        let elements: Vec<String> = (0..300_000).map(element).collect();
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), format!("[{}]", elements.join(", "))).expect("it can be written");
        file
    }

    fn read(progress: &dyn Progress, threads: usize) -> Result<Everything, IngestError> {
        read_file(&log(), progress, threads)
    }

    fn read_file(
        file: &tempfile::NamedTempFile,
        progress: &dyn Progress,
        threads: usize,
    ) -> Result<Everything, IngestError> {
        let pending = Pending { input: Input::file(file.path()), opened: None };
        let resources = Resources::unbounded(threads);
        read_all(&plan(), &DialectHints::default(), vec![pending], &resources, progress)
    }

    struct Total(AtomicU64);

    impl Progress for Total {
        fn advance(&self, bytes: u64) {
            self.0.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    #[test]
    fn every_byte_is_told_once_whatever_the_number_of_threads() {
        for file in [log(), array()] {
            for threads in [1, 2, 12] {
                let total = Total(AtomicU64::new(0));
                let everything = read_file(&file, &total, threads).expect("it can be read");
                let account = &everything.files[0].read.tally;
                assert_eq!((account.used, account.read), (300_000, 300_000));
                let size = file.path().metadata().expect("it is there").len();
                // The head that was looked at for the dialect may be told again.
                let told = total.0.load(Ordering::Relaxed);
                assert!((size..=size + (2 << 20)).contains(&told), "{told} of {size}");
            }
        }
    }

    struct Faulty(AtomicU64);

    impl Progress for Faulty {
        fn advance(&self, _: u64) {
            assert!(self.0.fetch_add(1, Ordering::Relaxed) != 2, "a fault of ours");
        }
    }

    #[test]
    fn a_thread_that_panics_leaves_none_waiting() {
        for threads in [1, 2, 12] {
            let faulty = Faulty(AtomicU64::new(0));
            assert!(catch_unwind(AssertUnwindSafe(|| read(&faulty, threads))).is_err());
        }
    }
}
