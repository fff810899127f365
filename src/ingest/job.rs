//! One input, ready to be read by any number of threads.

use super::IngestError;
use super::decimal::{ValueSeen, sampled_mark};
use super::plan::ReadPlan;
use super::sample::{Form, Sample};
use super::sequence::{FileTally, Sequence};
use super::whole_record::WholeColumns;
use crate::condition::suggest_nearest;
use crate::decode::access_log::AccessLogDecoder;
use crate::decode::csv::CsvDecoder;
use crate::decode::decimal_mark::SampledMark;
use crate::decode::jsonl::{DocumentDecoder, JsonDecoder, JsonForm, JsonPath};
use crate::decode::parquet::{ParquetFile, Slice};
use crate::decode::time::{Detected, TimeParser, detect, join_date_and_time};
use crate::decode::{PieceEnd, RecordSink};
use crate::event::{Field, RecordAt, Reject};
use crate::human;
use crate::source::chunks::{ChunkOptions, Chunks};
use crate::source::encoding::TextEncoding;
use crate::source::open::Opened;
use crate::source::{Ending, SourceNote};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Something worth telling about one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileNote {
    /// A permanent warning code; notes have none.
    pub code: Option<&'static str>,
    /// Of what a warning counts; 1 of the file itself.
    pub n: u64,
    pub message: String,
}

impl FileNote {
    pub(super) fn note(message: String) -> FileNote {
        FileNote { code: None, n: 1, message }
    }

    pub(super) fn warning(code: &'static str, message: String) -> FileNote {
        FileNote::counted(code, 1, message)
    }

    pub(super) fn counted(code: &'static str, n: u64, message: String) -> FileNote {
        FileNote { code: Some(code), n, message }
    }
}

impl From<&SourceNote> for FileNote {
    fn from(note: &SourceNote) -> FileNote {
        FileNote { code: note.code(), n: 1, message: note.to_string() }
    }
}

/// What was read of one input, and how.
#[derive(Debug, Clone)]
pub struct FileAccount {
    pub name: String,
    pub format: &'static str,
    pub compression: String,
    pub encoding: TextEncoding,
    pub read_as: String,
    pub notes: Vec<FileNote>,
    /// By slot: whether the input has the column at all (of JSON: in its sample or in any record).
    pub has: Vec<bool>,
    /// By slot: which column of the input it is, from 0, where columns have an order.
    pub columns: Vec<Option<usize>>,
    /// Part of the file was lost to damage.
    pub partial: bool,
    pub read: FileTally,
}

/// How the records of an input are decoded. Cloned for each thread.
#[derive(Clone)]
pub enum Decoder {
    Csv(Box<CsvDecoder>),
    AccessLog(Box<AccessLogDecoder>),
    JsonLines(JsonDecoder),
    /// One for all threads, for its pieces are decoded one after the other.
    JsonDocument(Arc<Mutex<DocumentDecoder>>),
}

impl Decoder {
    /// Whether a piece can be decoded before the one before it: where a document goes on from is not to
    /// be guessed.
    pub fn may_guess(&self) -> bool {
        !matches!(self, Decoder::JsonDocument(_))
    }

    /// Of records of a decoded piece the first that is a header of other columns than the file's.
    pub fn other_header(&self, bytes: &[u8], records: &[RecordAt]) -> Option<Reject> {
        match self {
            Decoder::Csv(decoder) => decoder.other_header(bytes, records),
            _ => None,
        }
    }

    pub fn decode(&mut self, bytes: &[u8], last: bool, sink: &mut impl RecordSink) -> PieceEnd {
        match self {
            Decoder::Csv(decoder) => decoder.decode(bytes, last, sink),
            Decoder::AccessLog(decoder) => decoder.decode(bytes, last, sink),
            Decoder::JsonLines(decoder) => decoder.decode(bytes, last, sink),
            Decoder::JsonDocument(decoder) => {
                let mut decoder = decoder.lock().unwrap_or_else(PoisonError::into_inner);
                decoder.decode(bytes, last, sink)
            }
        }
    }
}

/// Where pieces come from.
pub enum Pieces {
    Text {
        chunks: Box<Chunks>,
        decoder: Decoder,
        data_offset: usize,
    },
    Parquet {
        file: Box<ParquetFile>,
        slices: Vec<Slice>,
        wanted: Vec<usize>,
        /// By wanted column: what it holds decides whether a row is sound.
        judged: Vec<bool>,
        next: AtomicUsize,
    },
    Nothing,
}

/// What reads the times of an input. Cloned for each thread.
#[derive(Clone)]
pub struct Clocks {
    /// One, or where rows are wide one for each time column.
    pub times: Vec<TimeParser>,
    /// Of when rows were received, where that is asked for.
    pub received: Option<TimeParser>,
}

/// An input being read.
pub struct Job {
    pub pieces: Pieces,
    pub sequence: Sequence,
    /// All columns of delimited text.
    pub(super) names: Vec<String>,
    /// A line that may belong to the header.
    pub(super) second_header: Option<u64>,
    /// Where each wanted column lies among the decoded ones; `None` where this input lacks it.
    pub spread: Vec<Option<usize>>,
    /// Where records are told apart by all they hold.
    pub whole: Option<WholeColumns>,
    pub clocks: Clocks,
    pub account: FileAccount,
    /// By slot, where the input is JSON: a record had the key.
    pub seen: Vec<AtomicBool>,
    /// Bytes of the file that progress has been told of.
    pub told: AtomicU64,
    pub ending: Ending,
    file_size: u64,
}

/// Spreads the columns that an input has over all slots, so that what it lacks is missing.
pub struct Spread<'a, S> {
    slots: &'a [Option<usize>],
    /// Every column is there, in the order of the slots.
    is_whole: bool,
    /// Slots of JSON keys that no record has had yet.
    unseen: &'a mut Vec<usize>,
    /// Room for one record, empty between records.
    room: Vec<Field<'static>>,
    inner: S,
}

impl<'a, S: RecordSink> Spread<'a, S> {
    pub fn new(slots: &'a [Option<usize>], unseen: &'a mut Vec<usize>, inner: S) -> Spread<'a, S> {
        Spread { slots, is_whole: is_whole(slots), unseen, room: Vec::new(), inner }
    }

    fn record_with_gaps(&mut self, at: RecordAt, fields: &[Field<'_>]) {
        let mut spread = emptied(std::mem::take(&mut self.room));
        spread.extend(self.slots.iter().map(|slot| slot.map_or(Field::Missing, |slot| fields[slot])));
        self.inner.record(at, &spread);
        self.room = emptied(spread);
    }
}

fn is_whole(slots: &[Option<usize>]) -> bool {
    slots.iter().all(Option::is_some)
}

/// The same room for fields of another lifetime: collecting no items reuses the list they came from.
fn emptied<'to>(mut fields: Vec<Field<'_>>) -> Vec<Field<'to>> {
    fields.clear();
    fields.into_iter().map(|_| Field::Missing).collect()
}

impl<S: RecordSink> RecordSink for Spread<'_, S> {
    #[inline]
    fn record(&mut self, at: RecordAt, fields: &[Field<'_>]) {
        if !self.is_whole {
            return self.record_with_gaps(at, fields);
        }
        if !self.unseen.is_empty() {
            self.unseen.retain(|&slot| fields[slot] == Field::Missing);
        }
        self.inner.record(at, fields);
    }

    fn reject(&mut self, mut reject: Reject) {
        reject.slot =
            reject.slot.and_then(|decoded| self.slots.iter().position(|slot| *slot == Some(decoded)));
        self.inner.reject(reject);
    }
}

impl Job {
    /// Makes an opened and sampled input ready.
    pub fn new(opened: Opened, sample: Sample, plan: &ReadPlan) -> Result<Job, IngestError> {
        let name = opened.name.clone();
        let mut notes: Vec<FileNote> = opened.notes.iter().map(FileNote::from).collect();
        let columns = find_columns(&sample, plan, &name, &mut notes)?;
        refuse_other_mark(&sample, plan, &name)?;
        let parser = |detected: &Option<Detected>| {
            let formats = detected.as_ref().map_or(&[][..], |detected| &detected.formats);
            let parser = TimeParser::new(formats, plan.naive_zone.clone(), plan.time.min_us);
            parser.with_clock_change(plan.time.clock_change)
        };
        let mut times = Vec::new();
        let mut told: Vec<Detected> = Vec::new();
        for slots in plan.roles.times() {
            let detected = detect_times(&slots, &sample, &columns, plan, &name)?;
            notes.extend(detected.as_ref().and_then(|detected| date_note(detected, &slots, plan, &name)));
            times.push(parser(&detected));
            told.extend(detected);
        }
        let received = match plan.roles.received {
            None => None,
            Some(slot) => {
                let detected = detect_times(&[slot], &sample, &columns, plan, &name)?;
                notes.extend(detected.as_ref().map(|detected| {
                    let evidence = &detected.evidence;
                    FileNote::note(format!(
                        "{name}: when rows were received ({}): {evidence}",
                        plan.slots[slot]
                    ))
                }));
                Some(parser(&detected))
            }
        };
        let mut present: Vec<usize> = columns.iter().flatten().copied().collect();
        let is_there = columns.iter().enumerate().filter(|(_, column)| column.is_some());
        let mut judged: Vec<bool> = is_there.map(|(slot, _)| slot < plan.source_slots).collect();
        // Of JSON, a key that the sample shows is there even if it is null in every record.
        let mut has: Vec<bool> =
            columns.iter().map(|column| column.is_some_and(|column| column != UNSEEN)).collect();
        let mut decoded = 0;
        let mut spread: Vec<Option<usize>> = columns
            .iter()
            .map(|column| {
                column.map(|_| {
                    decoded += 1;
                    decoded - 1
                })
            })
            .collect();
        let whole = plan.whole_record.map(|_| {
            has.push(true);
            spread.push(Some(decoded));
            WholeColumns::new(&sample, &mut present, plan.identity.hash_key)
        });
        judged.resize(present.len(), false);
        let has_order = !matches!(sample.form, Form::Json(_));
        let places = columns.iter().map(|column| column.filter(|_| has_order)).collect();
        let format = sample.format_name();
        let mut read_as = describe(&sample, &mut notes, &name);
        let mut formats: Vec<String> = Vec::new();
        for detected in &told {
            formats.extend(detected.formats.iter().map(ToString::to_string));
            notes.push(FileNote::note(format!("{name}: {}", detected.evidence)));
        }
        if !told.is_empty() {
            let mut named = std::collections::BTreeSet::new();
            formats.retain(|format| named.insert(format.clone()));
            read_as.push_str(&format!("; times {}", formats.join(" or ")));
        }
        if opened.encoding != TextEncoding::UTF_8 {
            read_as.push_str(&format!("; {}", opened.encoding));
        }
        notes.extend(form_note(&name, format));
        let compression = opened.compression.to_string();
        let encoding = opened.encoding;
        let ending = opened.ending.clone();
        let file_size = opened.file_size.unwrap_or(0);
        let (names, second_header) = match &sample.form {
            Form::Csv(sniffed) => {
                (sniffed.columns.clone(), sniffed.has_second_header.then_some(sniffed.data_line + 1))
            }
            _ => (Vec::new(), None),
        };
        let (lines_before, has_bytes) = match &sample.form {
            Form::Csv(sniffed) => (sniffed.data_line, true),
            Form::Parquet(_) => (0, false),
            _ => (0, true),
        };
        let pieces = match sample.form {
            Form::Empty => Pieces::Nothing,
            Form::Csv(sniffed) => {
                let decoder = CsvDecoder::new(
                    sniffed.dialect,
                    sniffed.columns.len(),
                    &present,
                    sniffed.header_record,
                    plan.limits,
                )
                .judging(&judged)
                .with_names(&sniffed.columns);
                let border = Some(sniffed.dialect.border);
                Pieces::Text {
                    chunks: Box::new(Chunks::new(opened, ChunkOptions { border, ..ChunkOptions::default() })),
                    decoder: Decoder::Csv(Box::new(decoder)),
                    data_offset: sniffed.data_offset,
                }
            }
            Form::AccessLog(format) => {
                let decoder = AccessLogDecoder::new(&format, &present, plan.limits);
                Pieces::Text {
                    chunks: Box::new(Chunks::new(opened, ChunkOptions::default())),
                    decoder: Decoder::AccessLog(Box::new(decoder)),
                    data_offset: 0,
                }
            }
            Form::Json(form) => {
                let paths: Vec<JsonPath> = columns
                    .iter()
                    .zip(&plan.slots)
                    .filter(|(column, _)| column.is_some())
                    .map(|(column, name)| {
                        let known = column.and_then(|column| sample.columns.get(column));
                        JsonPath::new(known.unwrap_or(name))
                    })
                    .collect();
                let decoder = JsonDecoder::judging(&paths, &judged, plan.limits);
                let decoder = if whole.is_some() { decoder.with_text() } else { decoder };
                let (decoder, options) = match form {
                    JsonForm::Lines => (Decoder::JsonLines(decoder), ChunkOptions::default()),
                    JsonForm::Array | JsonForm::Document => {
                        let decoder = Arc::new(Mutex::new(DocumentDecoder::new(decoder)));
                        (Decoder::JsonDocument(decoder), ChunkOptions::ANYWHERE)
                    }
                };
                Pieces::Text { chunks: Box::new(Chunks::new(opened, options)), decoder, data_offset: 0 }
            }
            Form::Parquet(file) => {
                let slices = file.slices();
                Pieces::Parquet { file, slices, wanted: present, judged, next: AtomicUsize::new(0) }
            }
        };
        Ok(Job {
            pieces,
            sequence: Sequence::new(lines_before, plan.keep_rejects, has_bytes, plan.limits.salvage),
            names,
            second_header,
            spread,
            whole,
            clocks: Clocks { times, received },
            seen: plan.slots.iter().map(|_| AtomicBool::new(false)).collect(),
            account: FileAccount {
                name,
                format,
                compression,
                encoding,
                read_as,
                notes,
                has,
                columns: places,
                partial: false,
                read: FileTally::default(),
            },
            told: AtomicU64::new(0),
            ending,
            file_size,
        })
    }

    /// Records have every slot as the decoder hands them on: nothing is to be spread.
    pub fn is_whole(&self) -> bool {
        is_whole(&self.spread)
    }

    /// Slots whose keys must still be looked out for.
    pub fn unseen(&self) -> Vec<usize> {
        let is_seen = |slot: usize| self.account.has[slot] || self.seen[slot].load(Ordering::Relaxed);
        (0..self.seen.len()).filter(|&slot| !is_seen(slot)).collect()
    }

    /// Notes what was seen of the slots that were looked out for.
    pub fn note_seen(&self, looked_for: &[usize], unseen: &[usize]) {
        for &slot in looked_for.iter().filter(|slot| !unseen.contains(slot)) {
            self.seen[slot].store(true, Ordering::Relaxed);
        }
    }

    /// The account of the file, once every piece has been handed in.
    pub fn close(&self) -> FileAccount {
        let mut account = self.account.clone();
        account.read = self.sequence.take_tally();
        for (has, seen) in account.has.iter_mut().zip(&self.seen) {
            *has |= seen.load(Ordering::Relaxed);
        }
        account.read.tally.assert_accounted(&account.name);
        account.read.rejects.iter_mut().for_each(|placed| self.complete(placed));
        account.partial = self.ending.is_partial() || account.read.damage.is_some();
        account.notes.extend(self.notes_of_reading(&account.read));
        account.notes.extend(self.ending.notes().iter().map(FileNote::from));
        let is_told = account.notes.iter().any(|note| note.code == Some("W17"));
        if account.read.tally.read == 0 && !is_told {
            account.notes.push(FileNote::warning("W17", format!("{} holds no row", account.name)));
        }
        // A file that is damaged in two ways is one damaged file.
        let damage = account.notes.iter_mut().filter(|note| note.code == Some("W24"));
        damage.skip(1).for_each(|note| note.code = None);
        account
    }

    /// The share of the file that one slice stands for in progress.
    pub fn slice_bytes(&self) -> u64 {
        match &self.pieces {
            Pieces::Parquet { slices, .. } => self.file_size / slices.len().max(1) as u64,
            Pieces::Text { .. } | Pieces::Nothing => 0,
        }
    }
}

/// Stands for a key of JSON that the sample did not show.
const UNSEEN: usize = usize::MAX;

/// The column of each slot. A required column that is not there is an error.
fn find_columns(
    sample: &Sample,
    plan: &ReadPlan,
    name: &str,
    notes: &mut Vec<FileNote>,
) -> Result<Vec<Option<usize>>, IngestError> {
    if sample.is_empty() {
        notes.push(FileNote::warning("W17", format!("{name} is empty")));
        return Ok(vec![None; plan.column_slots().count()]);
    }
    let is_json = matches!(sample.form, Form::Json(_));
    let mut columns = Vec::with_capacity(plan.slots.len());
    for (slot, wanted) in plan.column_slots() {
        let found = sample.find(wanted);
        if let Form::Csv(sniffed) = &sample.form
            && sniffed.duplicates.contains(wanted)
        {
            return Err(IngestError::RepeatedColumn {
                name: name.to_owned(),
                column: wanted.clone(),
                columns: sample.columns.clone(),
                header_lines: sample.header_lines(),
            });
        }
        if is_json {
            refuse_containers(sample, wanted, found, name)?;
        }
        if let Some(kinds) = found.and_then(|column| sample.kinds.get(column))
            && plan.roles.user.contains(&slot)
            && kinds.number
            && kinds.text
        {
            let message = format!("{name}: {wanted:?} holds numbers and texts: 7 and \"7\" are one id");
            notes.push(FileNote::note(message));
        }
        if let Some(column) = found
            && sample.columns[column] != *wanted
        {
            let message = format!("{name}: column {:?} is taken for {wanted:?}", sample.columns[column]);
            notes.push(FileNote::note(message));
        }
        if found.is_none() && !is_json {
            let required = plan.roles.time.contains(&slot) || plan.roles.event == Some(slot);
            if required {
                return Err(missing_column(sample, wanted, name));
            }
            if !plan.roles.user.contains(&slot) || plan.columns.user_together {
                let message = format!("{name} has no column {wanted:?}: empty in its rows");
                notes.push(FileNote::warning("W18", message));
            }
        }
        // A key that the sample did not show may still come later in the file.
        columns.push(if is_json { Some(found.unwrap_or(UNSEEN)) } else { found });
    }
    let has_any = |slots: &[usize]| slots.is_empty() || slots.iter().any(|&slot| columns[slot].is_some());
    if !has_any(&plan.roles.unpivot) {
        return Err(missing_column(sample, &plan.slots[plan.roles.unpivot[0]], name));
    }
    let needed = if plan.columns.user_together { 1 } else { plan.roles.user.len() };
    if !has_any(&plan.roles.user[..needed]) {
        return Err(missing_column(sample, &plan.slots[plan.roles.user[0]], name));
    }
    Ok(columns)
}

/// A key under which the sample has arrays or objects alone holds no values.
fn refuse_containers(
    sample: &Sample,
    wanted: &str,
    found: Option<usize>,
    name: &str,
) -> Result<(), IngestError> {
    let kinds = found.and_then(|column| sample.kinds.get(column).copied()).unwrap_or_default();
    let has_values = kinds.bool || kinds.number || kinds.text;
    let inside = format!("{wanted}.");
    let inner: Vec<String> =
        sample.columns.iter().filter(|path| path.starts_with(&inside)).cloned().collect();
    let holds = match kinds {
        _ if has_values => return Ok(()),
        kinds if kinds.array => "arrays",
        kinds if kinds.object || !inner.is_empty() => "objects",
        _ => return Ok(()),
    };
    Err(IngestError::NoValues { name: name.to_owned(), column: wanted.to_owned(), holds, inner })
}

/// Values with another decimal mark than those of the other inputs.
fn refuse_other_mark(sample: &Sample, plan: &ReadPlan, name: &str) -> Result<(), IngestError> {
    let (Some(first), Some(column)) = (&plan.mark_told_by, &plan.columns.value) else { return Ok(()) };
    let second = |example: &str| ValueSeen { file: name.to_owned(), example: example.to_owned() };
    let (first, second) = match sampled_mark(sample, column) {
        SampledMark::Two(one, other) => (second(&one), second(&other)),
        mark => match mark.contradicts(plan.decimal_mark) {
            Some(example) => (first.clone(), second(example)),
            None => return Ok(()),
        },
    };
    Err(IngestError::TwoDecimalMarks { first, second })
}

fn missing_column(sample: &Sample, wanted: &str, name: &str) -> IngestError {
    IngestError::MissingColumn {
        name: name.to_owned(),
        column: wanted.to_owned(),
        nearest: suggest_nearest(wanted, sample.columns.iter().map(String::as_str), 3),
        present: sample.columns.iter().take(20).cloned().collect(),
    }
}

/// The format of the times in one or two slots, from the sample; `None` where times are typed or there are no rows.
fn detect_times(
    slots: &[usize],
    sample: &Sample,
    columns: &[Option<usize>],
    plan: &ReadPlan,
    name: &str,
) -> Result<Option<Detected>, IngestError> {
    let known = |slot: usize| columns[slot].filter(|&column| column < sample.columns.len());
    let Some(date) = slots.first().and_then(|&slot| known(slot)) else { return Ok(None) };
    if let Form::Parquet(file) = &sample.form
        && file.columns()[date].kind.naive_time().is_some()
    {
        return Ok(None);
    }
    let clock = slots.get(1).and_then(|&slot| known(slot));
    let mut joined = Vec::new();
    let texts: Vec<Vec<u8>> = sample
        .rows
        .iter()
        .filter_map(|row| {
            let date = row[date].as_ref()?;
            Some(match clock {
                None => date.clone().into_bytes(),
                Some(clock) => {
                    joined.clear();
                    let clock = row[clock].as_deref().unwrap_or("");
                    join_date_and_time(date.as_bytes(), clock.as_bytes(), &mut joined);
                    joined.clone()
                }
            })
        })
        .collect();
    let may_be_empty = plan.roles.is_wide() || plan.roles.received == slots.first().copied();
    let texts: Vec<Vec<u8>> = match may_be_empty {
        // An empty cell is no time.
        true => texts.into_iter().filter(|text| !text.trim_ascii().is_empty()).collect(),
        false => texts,
    };
    if texts.iter().all(|text| text.trim_ascii().is_empty()) {
        return Ok(None);
    }
    let detected =
        detect(texts.iter().map(Vec::as_slice), &plan.time).map_err(|error| IngestError::Times {
            name: name.to_owned(),
            column: plan.slots[slots[0]].clone(),
            error: Box::new(error),
        })?;
    Ok(Some(detected))
}

/// Times in these slots that are dates alone.
fn date_note(detected: &Detected, slots: &[usize], plan: &ReadPlan, name: &str) -> Option<FileNote> {
    let whose = if plan.roles.is_wide() { format!(" in {:?}", plan.slots[slots[0]]) } else { String::new() };
    let message = format!("{name}: times{whose} have no time of day; durations are in whole days");
    detected.date_only.then(|| FileNote::warning("W06", message))
}

/// How the input is read, in a few words.
fn describe(sample: &Sample, notes: &mut Vec<FileNote>, name: &str) -> String {
    match &sample.form {
        Form::Csv(sniffed) => {
            notes.extend(sniffed.notes.iter().map(|note| FileNote::note(format!("{name}: {note}"))));
            if sniffed.skipped_lines > 0 {
                let lines = human::counted(sniffed.skipped_lines, "line", "lines");
                let message = format!(
                    "{name}: {lines} before the header passed over; --skip-lines {} says so",
                    sniffed.skipped_lines
                );
                notes.push(FileNote::counted("W30", sniffed.skipped_lines, message));
            }
            if !sniffed.duplicates.is_empty() {
                let list = sniffed.duplicates.join(", ");
                notes.push(FileNote::warning("W21", format!("{name}: repeated column names: {list}")));
            }
            notes.push(FileNote::note(format!("{name}: {}", sniffed.evidence)));
            let delimiter = match sniffed.dialect.delimiter {
                b',' => "comma".to_owned(),
                b';' => "semicolon".to_owned(),
                b'\t' => "tab".to_owned(),
                b'|' => "pipe".to_owned(),
                other => format!("{:?}", char::from(other)),
            };
            let header = if sniffed.dialect.header { "header" } else { "no header" };
            format!("{delimiter}, {header}, {} columns", sniffed.columns.len())
        }
        Form::AccessLog(format) => format!("format {format}"),
        Form::Json(JsonForm::Lines) => "one object a line".to_owned(),
        Form::Json(JsonForm::Array) => "an array of objects".to_owned(),
        Form::Json(JsonForm::Document) => "objects over several lines".to_owned(),
        Form::Parquet(file) => {
            format!("{} rows, {} columns", human::count(file.rows()), file.columns().len())
        }
        Form::Empty => "nothing in it".to_owned(),
    }
}

/// Where the name of a file says another form than its content has.
fn form_note(name: &str, format: &'static str) -> Option<FileNote> {
    let name_of_form = name.to_ascii_lowercase();
    let name_of_form = [".gz", ".zst", ".zstd"]
        .iter()
        .find_map(|packed| name_of_form.strip_suffix(packed))
        .unwrap_or(&name_of_form);
    let named: &[&str] = match name_of_form.rsplit_once('.')?.1 {
        "csv" | "tsv" => &["csv", "tsv"],
        "json" | "jsonl" | "ndjson" => &["json", "jsonl"],
        "parquet" => &["parquet"],
        // Logs and texts may hold anything.
        _ => return None,
    };
    let is_other = format != "empty" && !named.contains(&format);
    let message = || format!("{name}: read as {format}, told by its content and not by its name");
    is_other.then(|| FileNote::warning("W20", message()))
}

/// The next slice of a Parquet file, with its number.
pub fn next_slice(slices: &[Slice], next: &AtomicUsize) -> Option<(usize, Slice)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    slices.get(index).map(|slice| (index, *slice))
}
