//! Cohorts: lists of ids that say whose rows are reported.
//!
//! A list is delimited text, one id a line, JSON or Parquet, told by its first bytes. Its ids lie in
//! the columns called as those that name people in the log (or `person`, as in the table of people); a
//! single column needs no header. Every person of the log is looked up once ([`Members::take`]), when
//! their rows are together: what is left out is counted there.

use super::IngestError;
use super::gather::hash_of;
use super::texts::Texts;
use crate::decode::csv::CsvDecoder;
use crate::decode::dialect::Dialect;
use crate::decode::guard::unguarded;
use crate::decode::jsonl::{JsonDecoder, JsonPath, looks_like_json};
use crate::decode::parquet::ParquetFile;
use crate::decode::{Limits, RecordSink};
use crate::event::{Field, RecordAt, Reject};
use crate::source::chunks::{ChunkOptions, Chunks};
use crate::source::open::open;
use crate::source::{Input, OpenOptions};
use foldhash::fast::RandomState;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// The column of ids in the table of people.
const PERSON: &str = "person";
/// Stands for the number of a column where a list does not say of which column its ids are.
const ANY_COLUMN: u8 = u8::MAX;
/// Bytes of ids that one list may hold.
const MOST_BYTES: usize = 2 << 30;

/// Why a list of ids cannot be used. `Display` says where and what, `hint` what to do.
#[derive(Debug, thiserror::Error)]
pub enum CohortError {
    #[error(transparent)]
    Input(#[from] IngestError),
    #[error("{file}:{line}: {message}")]
    Record { file: String, line: u64, message: String },
    #[error("{file}: {} columns, and none of them is called {wanted}", .columns.len())]
    NoColumn { file: String, columns: Vec<String>, wanted: String },
    #[error("{file}: there is no id in it")]
    Empty { file: String },
    #[error("{file}: more ids than a list can hold")]
    TooLarge { file: String },
}

impl CohortError {
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            CohortError::Input(error) => return error.hint(),
            CohortError::Record { .. } => {
                "a list of ids is read whole or not at all: mend that line, or take it out".to_owned()
            }
            CohortError::NoColumn { columns, .. } => {
                let shown = columns.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
                format!("give the column of ids that name in its first line, which has {shown}")
            }
            CohortError::Empty { .. } => "one id a line, or a column of ids under its name".to_owned(),
            CohortError::TooLarge { .. } => "split it, and report each part".to_owned(),
        })
    }
}

/// One list of ids, each kept once.
pub struct Cohort {
    seed: RandomState,
    /// Ids as the log has them: with several columns that name people, behind the number of theirs.
    ids: Texts,
    /// By id: a person of the log has it.
    found: Vec<AtomicBool>,
    has_columns: bool,
    /// The list says what its column is: then it may be empty.
    is_named: bool,
    /// Records without an id, and blank lines.
    pub empty: u64,
    pub first_empty_line: Option<u64>,
    /// Ids that stood there before.
    pub repeated: u64,
    pub first_repeated_line: Option<u64>,
    /// What was decided without being asked, for people.
    pub read_as: String,
}

impl Cohort {
    /// Reads a list. `user_columns` are the columns of the log that name people.
    pub fn read(path: &Path, user_columns: &[String], options: &OpenOptions) -> Result<Cohort, CohortError> {
        let input = Input::file(path);
        let file = input.name.clone();
        let opened = open(&input, options).map_err(IngestError::from)?;
        let mut cohort = Cohort::empty(user_columns.len() > 1);
        if opened.is_parquet {
            cohort.take_parquet(&file, path, user_columns)?;
        } else {
            let bytes = content(Chunks::new(
                opened,
                ChunkOptions { max_line_bytes: usize::MAX, ..ChunkOptions::default() },
            ))?;
            if bytes.len() > MOST_BYTES {
                return Err(CohortError::TooLarge { file });
            }
            if looks_like_json(&bytes[..bytes.len().min(1 << 20)]) {
                cohort.take_json(&file, &bytes, user_columns)?;
            } else {
                cohort.take_delimited(&file, &bytes, user_columns)?;
            }
        }
        if cohort.ids.len() == 0 && !cohort.is_named {
            return Err(CohortError::Empty { file });
        }
        cohort.found = (0..cohort.ids.len()).map(|_| AtomicBool::new(false)).collect();
        Ok(cohort)
    }

    fn empty(has_columns: bool) -> Cohort {
        Cohort {
            seed: RandomState::default(),
            ids: Texts::default(),
            found: Vec::new(),
            has_columns,
            is_named: false,
            empty: 0,
            first_empty_line: None,
            repeated: 0,
            first_repeated_line: None,
            read_as: String::new(),
        }
    }

    fn take_delimited(
        &mut self,
        file: &str,
        bytes: &[u8],
        user_columns: &[String],
    ) -> Result<(), CohortError> {
        let start = bytes.len() - bytes.trim_ascii_start().len();
        let end = start + memchr::memchr2(b'\n', b'\r', &bytes[start..]).unwrap_or(bytes.len() - start);
        let first = &bytes[start..end];
        let border = if memchr::memchr(b'\n', bytes).is_none() { b'\r' } else { b'\n' };
        let heads = |&delimiter: &u8| {
            let columns = fields_of(first, delimiter);
            let found = id_columns(&columns, user_columns);
            (!found.is_empty()).then_some((delimiter, columns, found))
        };
        let (delimiter, columns, found, header) = match [b',', b';', b'\t', b'|'].iter().find_map(heads) {
            Some((delimiter, columns, found)) => (delimiter, columns.len(), found, Some(first.to_vec())),
            None => {
                // Without a name there is nothing to tell columns by, so there must be but one.
                let width = |&delimiter: &u8| fields_of(first, delimiter).len();
                if let Some(&delimiter) = [b',', b';', b'\t'].iter().find(|delimiter| width(delimiter) > 1) {
                    return Err(CohortError::NoColumn {
                        file: file.to_owned(),
                        columns: fields_of(first, delimiter),
                        wanted: user_columns.join(" or "),
                    });
                }
                (b',', 1, vec![(0, None)], None)
            }
        };
        self.is_named = header.is_some();
        self.read_as = match &header {
            Some(_) => format!("ids are in {}", names_of(&found, user_columns)),
            None => "no header line: one id a line".to_owned(),
        };
        let wanted: Vec<usize> = found.iter().map(|(column, _)| *column).collect();
        let dialect = Dialect { delimiter, header: header.is_some(), border, ..Dialect::default() };
        let line_break = if bytes[end..].starts_with(b"\r\n") { 2 } else { 1 };
        let from = if header.is_some() { (end + line_break).min(bytes.len()) } else { 0 };
        let lines_before = count_lines(&bytes[..from], border);
        let mut decoder = CsvDecoder::new(dialect, columns, &wanted, header, Limits::default());
        let mut sink = self.sink(file, &found, lines_before);
        sink.is_guarded = true;
        let piece = decoder.decode(&bytes[from..], true, &mut sink);
        sink.finish()?;
        self.empty += piece.blank_lines;
        Ok(())
    }

    fn take_json(&mut self, file: &str, bytes: &[u8], user_columns: &[String]) -> Result<(), CohortError> {
        let names = user_columns.iter().map(String::as_str).chain([PERSON]);
        let paths: Vec<JsonPath> = names.map(JsonPath::new).collect();
        let found: Vec<(usize, Option<u8>)> =
            (0..paths.len()).map(|slot| (slot, (slot < user_columns.len()).then_some(slot as u8))).collect();
        self.read_as = "JSON, one object a line".to_owned();
        let mut sink = self.sink(file, &found, 0);
        let piece = JsonDecoder::new(&paths, Limits::default()).decode(bytes, true, &mut sink);
        sink.finish()?;
        self.empty += piece.blank_lines;
        Ok(())
    }

    fn take_parquet(&mut self, file: &str, path: &Path, user_columns: &[String]) -> Result<(), CohortError> {
        let fail = |error| IngestError::Parquet { name: file.to_owned(), error: Box::new(error) };
        let parquet = ParquetFile::open(path).map_err(fail)?;
        let columns: Vec<String> = parquet.columns().iter().map(|column| column.path.clone()).collect();
        let mut found = id_columns(&columns, user_columns);
        if found.is_empty() && columns.len() == 1 {
            found.push((0, None));
        }
        if found.is_empty() {
            let wanted = user_columns.join(" or ");
            return Err(CohortError::NoColumn { file: file.to_owned(), columns, wanted });
        }
        self.is_named = true;
        self.read_as = format!("Parquet, ids are in {}", names_of(&found, user_columns));
        let wanted: Vec<usize> = found.iter().map(|(column, _)| *column).collect();
        for slice in parquet.slices() {
            let mut sink = self.sink(file, &found, slice.start_row);
            parquet.decode_slice(slice, &wanted, &mut sink).map_err(fail)?;
            sink.finish()?;
        }
        Ok(())
    }

    fn sink<'s>(
        &'s mut self,
        file: &'s str,
        found: &'s [(usize, Option<u8>)],
        lines_before: u64,
    ) -> IdSink<'s> {
        IdSink { cohort: self, file, found, lines_before, is_guarded: false, fault: None, id: Vec::new() }
    }

    fn add(&mut self, id: &[u8], line: u64) {
        let known = self.ids.len();
        let code = self.ids.code(id, hash_of(id, &self.seed) as u32);
        if (code as usize) < known {
            self.repeated += 1;
            self.first_repeated_line.get_or_insert(line);
        }
    }

    /// Whether a person of the log is in the list, which notes that the id was found.
    fn holds(&self, id: &[u8]) -> bool {
        let find = |id: &[u8]| self.ids.find(id, hash_of(id, &self.seed) as u32);
        let of_any_column = || {
            let mut id = id.to_vec();
            *id.first_mut()? = ANY_COLUMN;
            find(&id)
        };
        let code = find(id).or_else(|| self.has_columns.then(of_any_column).flatten());
        if let Some(code) = code {
            self.found[code as usize].store(true, Ordering::Relaxed);
        }
        code.is_some()
    }

    /// Distinct ids.
    pub fn ids(&self) -> u64 {
        self.ids.len() as u64
    }

    /// Ids that some person of the log has, once all were looked up.
    pub fn found(&self) -> u64 {
        self.found.iter().filter(|found| found.load(Ordering::Relaxed)).count() as u64
    }

    /// The same for the same ids, however they were listed.
    pub fn hash(&self) -> String {
        let mut ids: Vec<&[u8]> = self.ids.iter().collect();
        ids.sort_unstable();
        let mut hasher = blake3::Hasher::new();
        for id in ids {
            hasher.update(&(id.len() as u64).to_le_bytes());
            hasher.update(id);
        }
        hasher.finalize().to_hex().to_string()
    }
}

fn content(chunks: Chunks) -> Result<Vec<u8>, CohortError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next(Vec::new()).map_err(IngestError::from)? {
        bytes.extend_from_slice(&chunk.bytes);
    }
    Ok(bytes)
}

fn count_lines(bytes: &[u8], border: u8) -> u64 {
    memchr::memchr_iter(border, bytes).count() as u64
}

/// The fields of a first line, quotes taken off.
fn fields_of(line: &[u8], delimiter: u8) -> Vec<String> {
    let text = |field: &[u8]| String::from_utf8_lossy(field).trim().trim_matches('"').to_owned();
    line.split(|&byte| byte == delimiter).map(text).collect()
}

/// The columns that hold ids, each with the number of the log's column that it is called after.
fn id_columns(columns: &[String], user_columns: &[String]) -> Vec<(usize, Option<u8>)> {
    let place = |wanted: &str| columns.iter().position(|column| column.eq_ignore_ascii_case(wanted));
    let named = user_columns.iter().enumerate();
    let named: Vec<(usize, Option<u8>)> =
        named.filter_map(|(number, wanted)| Some((place(wanted)?, Some(number as u8)))).collect();
    if named.is_empty() { place(PERSON).map(|column| (column, None)).into_iter().collect() } else { named }
}

fn names_of(found: &[(usize, Option<u8>)], user_columns: &[String]) -> String {
    let name = |number: Option<u8>| number.map_or(PERSON, |number| &user_columns[usize::from(number)]);
    found.iter().map(|(_, number)| name(*number)).collect::<Vec<_>>().join(", ")
}

/// Takes the ids of one list; the first record at fault ends it.
struct IdSink<'s> {
    cohort: &'s mut Cohort,
    file: &'s str,
    found: &'s [(usize, Option<u8>)],
    lines_before: u64,
    /// Texts may carry the mark that keeps them from being formulas.
    is_guarded: bool,
    fault: Option<CohortError>,
    id: Vec<u8>,
}

impl IdSink<'_> {
    fn finish(self) -> Result<(), CohortError> {
        self.fault.map_or(Ok(()), Err)
    }

    fn line(&self, at: RecordAt) -> u64 {
        self.lines_before + at.lines_before + 1
    }
}

impl RecordSink for IdSink<'_> {
    fn record(&mut self, at: RecordAt, fields: &[Field<'_>]) {
        let line = self.line(at);
        let mut is_empty = true;
        for (&(_, number), field) in self.found.iter().zip(fields) {
            let Field::Text(text) = field else { continue };
            let text = match std::str::from_utf8(text) {
                Ok(text) if self.is_guarded => unguarded(text).as_bytes(),
                _ => text,
            };
            if text.is_empty() {
                continue;
            }
            is_empty = false;
            self.id.clear();
            if self.cohort.has_columns {
                self.id.push(number.unwrap_or(ANY_COLUMN));
            }
            self.id.extend_from_slice(text);
            self.cohort.add(&self.id, line);
        }
        if is_empty {
            self.cohort.empty += 1;
            self.cohort.first_empty_line.get_or_insert(line);
        }
    }

    fn reject(&mut self, reject: Reject) {
        let (file, line) = (self.file.to_owned(), self.line(reject.at));
        let message = format!("{} ({})", reject.message, reject.code);
        self.fault.get_or_insert(CohortError::Record { file, line, message });
    }
}

/// Whose rows are reported, where not everybody's are.
#[derive(Default)]
pub struct Members {
    /// Only these.
    pub only: Option<Cohort>,
    /// All but these.
    pub without: Option<Cohort>,
    left_out: Mutex<LeftOut>,
}

impl std::fmt::Debug for Members {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids = |cohort: &Option<Cohort>| cohort.as_ref().map(Cohort::ids);
        write!(f, "Members({:?} without {:?})", ids(&self.only), ids(&self.without))
    }
}

/// What a pass left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    pub persons: u64,
    pub rows: u64,
    pub negative_values: u64,
    /// Rows by kind, as far as there are any.
    pub rows_of_kind: Vec<u64>,
}

impl LeftOut {
    pub(super) fn add(&mut self, rows: &super::PersonRows<'_>) {
        self.persons += 1;
        self.rows += rows.len() as u64;
        for (row, &kind) in rows.kinds.iter().enumerate() {
            let kind = kind as usize;
            if self.rows_of_kind.len() <= kind {
                self.rows_of_kind.resize(kind + 1, 0);
            }
            self.rows_of_kind[kind] += 1;
            self.negative_values += u64::from(rows.value(row).is_some_and(|value| value < 0));
        }
    }

    fn merge(&mut self, other: &LeftOut) {
        self.persons += other.persons;
        self.rows += other.rows;
        self.negative_values += other.negative_values;
        if self.rows_of_kind.len() < other.rows_of_kind.len() {
            self.rows_of_kind.resize(other.rows_of_kind.len(), 0);
        }
        for (mine, theirs) in self.rows_of_kind.iter_mut().zip(&other.rows_of_kind) {
            *mine += theirs;
        }
    }
}

impl Members {
    pub fn new(only: Option<Cohort>, without: Option<Cohort>) -> Option<Arc<Members>> {
        let members = Members { only, without, left_out: Mutex::default() };
        (members.only.is_some() || members.without.is_some()).then(|| Arc::new(members))
    }

    /// Whether a person is reported. Both lists learn that the person is there.
    pub fn take(&self, id: &[u8]) -> bool {
        let is_in = self.only.as_ref().is_none_or(|cohort| cohort.holds(id));
        let is_out = self.without.as_ref().is_some_and(|cohort| cohort.holds(id));
        is_in && !is_out
    }

    fn lock(&self) -> MutexGuard<'_, LeftOut> {
        self.left_out.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Every pass leaves the same out: only the last one is kept.
    pub(super) fn note(&self, parts: &[LeftOut]) {
        let mut whole = LeftOut::default();
        parts.iter().for_each(|part| whole.merge(part));
        *self.lock() = whole;
    }

    /// What the last pass left out; nothing before the first.
    pub fn left_out(&self) -> LeftOut {
        self.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, user_columns: &[&str]) -> Result<Cohort, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        let columns: Vec<String> = user_columns.iter().map(|&name| name.to_owned()).collect();
        let name = file.path().display().to_string();
        Cohort::read(file.path(), &columns, &OpenOptions::default())
            .map_err(|error| error.to_string().replace(&name, "F"))
    }

    fn ids(text: &str) -> Vec<String> {
        let cohort = read(text, &["user_id"]).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        cohort.ids.iter().map(|id| String::from_utf8_lossy(id).into_owned()).collect()
    }

    #[test]
    fn the_same_ids_in_every_form() {
        for text in [
            "a\nb\n",
            "a\r\nb",
            "a\rb\r",
            "user_id\na\nb\n",
            "\"user_id\"\n\"a\"\n\"b\"\n",
            "name,USER_ID\nx,a\ny,b\n",
            "user_id;name\na;x\nb;y\n",
            "person\tlevel\na\t1\nb\t2\n",
            "{\"user_id\":\"a\"}\n{\"x\":1,\"user_id\":\"b\"}\n",
            "{\"person\":\"a\"}\n{\"person\":\"b\"}\n",
            "\n\na\n\nb\na\n",
        ] {
            assert_eq!(ids(text), ["a", "b"], "{text:?}");
        }
        assert_eq!(ids("{\"user_id\":12345678901234567890}\n"), ["12345678901234567890"]);
        assert_eq!(ids("user_id\n"), [""; 0]);
        assert_eq!(ids("'=1\n'x\n\"a,b\"\n"), ["=1", "'x", "a,b"]);
        assert_eq!(ids("{\"user_id\":\"'=1\"}\n"), ["'=1"]);
    }

    #[test]
    fn what_is_empty_or_repeated_is_counted_with_its_first_line() {
        let cohort = read("user_id,x\na,1\n,2\nb,3\na,4\na,5\n,6\n", &["user_id"]).expect("ids");
        assert_eq!((cohort.ids(), cohort.repeated, cohort.first_repeated_line), (2, 2, Some(5)));
        assert_eq!((cohort.empty, cohort.first_empty_line), (2, Some(3)));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        for (text, error) in [
            ("", "F: there is no id in it"),
            ("\n \n", "F: there is no id in it"),
            ("{\"id\":\"a\"}\n", "F: there is no id in it"),
            ("id,name\na,x\n", "F: 2 columns, and none of them is called user_id"),
            ("user_id,name\na,x\nb\n", "F:3: 1 fields where the header has 2 (R01)"),
            ("a\n\"b\n", "F:2: the quote that opens field 1 is never closed (R15)"),
            ("{\"user_id\":\"a\"}\nb\n", "F:2: this is not a JSON value (byte 1 of the line) (R10)"),
        ] {
            assert_eq!(read(text, &["user_id"]).map(|_| ()), Err(error.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn ids_of_several_columns_stay_apart_unless_the_list_does_not_say() {
        let columns = ["user_id", "device"];
        let of_both = read("device,user_id\n7,\n,8\n", &columns).expect("ids");
        assert_eq!([&b"\x007"[..], b"\x017", b"\x008"].map(|id| of_both.holds(id)), [false, true, true]);
        let of_any = read("7\n8\n", &columns).expect("ids");
        assert_eq!([&b"\x007"[..], b"\x017", b"\x009"].map(|id| of_any.holds(id)), [true, true, false]);
        assert_eq!((of_any.ids(), of_any.found()), (2, 1));
    }

    #[test]
    fn the_hash_is_of_the_ids_alone() {
        let hash = |text: &str| read(text, &["user_id"]).expect("ids").hash();
        assert_eq!(hash("a\nb\n"), hash("user_id,x\nb,1\na,2\nb,3\n"));
        assert_ne!(hash("a\nb\n"), hash("ab\n"));
    }
}
