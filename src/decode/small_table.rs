//! Small tables that go with a log: lists of ids, maps of ids.
//!
//! Delimited text, JSON or Parquet, packed or not, told by the first bytes. Text is held in memory whole.
//! A table is read whole or not at all: the first record at fault ends it.

use super::csv::CsvDecoder;
use super::csv_exact::{ExactEnd, ExactFields, count_lines, is_blank, read_record};
use super::dialect::Dialect;
use super::guard::unguarded;
use super::jsonl::{
    DocumentDecoder, JsonDecoder, JsonForm, JsonPath, for_each_leaf, looks_like_json, sample,
};
use super::parquet::{ParquetError, ParquetFile};
use super::{Limits, RecordSink};
use crate::event::{Field, RecordAt, Reject};
use crate::source::chunks::{ChunkOptions, Chunks};
use crate::source::list::one_file;
use crate::source::open::{Opened, open};
use crate::source::{OpenOptions, SourceError};
use std::ops::Range;
use std::path::Path;

/// Bytes of text that one table may hold.
const MOST_BYTES: usize = 2 << 30;
/// Records of JSON whose keys are looked at for the columns.
const SAMPLE_RECORDS: usize = 1_000;
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Why a table cannot be used. `Display` says where and what.
#[derive(Debug, thiserror::Error)]
pub enum SmallTableError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("{file}: {error}")]
    Parquet { file: String, error: Box<ParquetError> },
    #[error("{file}:{line}: {message}")]
    Record { file: String, line: u64, message: String },
    #[error("{file}: more than one column is called {column:?}")]
    RepeatedColumn { file: String, column: String },
    #[error("{file}: more text than a table of ids can hold (2 GiB)")]
    TooLarge { file: String },
}

impl SmallTableError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            SmallTableError::Source(error) => error.hint(),
            SmallTableError::RepeatedColumn { .. } => {
                Some("rename one of them: which one is meant is not guessed".to_owned())
            }
            SmallTableError::TooLarge { .. } => Some("split it".to_owned()),
            SmallTableError::Parquet { .. } | SmallTableError::Record { .. } => None,
        }
    }
}

/// A table that was opened; its records are read by [`SmallTable::read`].
#[derive(Debug)]
pub struct SmallTable {
    /// As the user calls it.
    pub file: String,
    /// As written; of JSON the keys of the first records, and behind them the known names that these lack.
    columns: Vec<String>,
    /// The columns that were seen.
    seen: usize,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// The records begin at byte `from`; the first record, which may be the header, is on line `first_line`.
    Delimited {
        bytes: Vec<u8>,
        dialect: Dialect,
        header: Option<Vec<u8>>,
        from: usize,
        first_line: u64,
    },
    Json {
        bytes: Vec<u8>,
        form: JsonForm,
    },
    Parquet(Box<ParquetFile>),
}

/// A name without what makes no difference.
fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

impl SmallTable {
    /// Opens a table. `known` are the names that its columns may have: a first line of delimited text
    /// that holds none of them is no header.
    pub fn open(path: &Path, known: &[&str], options: &OpenOptions) -> Result<SmallTable, SmallTableError> {
        let input = one_file(path)?;
        let file = input.name.clone();
        // A table that is cut short would be another table.
        let opened = open(&input, &OpenOptions { salvage: false, ..options.clone() })?;
        if opened.is_parquet {
            return SmallTable::of_parquet(file, &opened);
        }
        let bytes = content(&file, opened)?;
        if looks_like_json(&bytes[..bytes.len().min(1 << 20)]) {
            return Ok(SmallTable::of_json(file, bytes, known));
        }
        Ok(SmallTable::of_text(file, bytes, known))
    }

    fn of_parquet(file: String, opened: &Opened) -> Result<SmallTable, SmallTableError> {
        let parquet = match opened.file() {
            Ok(Some(parquet)) => ParquetFile::from_file(parquet),
            Ok(None) => Err(ParquetError::Damaged("it is not a file".to_owned())),
            Err(error) => Err(error.into()),
        };
        match parquet {
            Ok(parquet) => {
                let columns: Vec<String> =
                    parquet.columns().iter().map(|column| column.path.clone()).collect();
                let content = Content::Parquet(Box::new(parquet));
                Ok(SmallTable { file, seen: columns.len(), columns, content })
            }
            Err(error) => Err(SmallTableError::Parquet { file, error: Box::new(error) }),
        }
    }

    fn of_json(file: String, bytes: Vec<u8>, known: &[&str]) -> SmallTable {
        let sampled = sample(&bytes, true, SAMPLE_RECORDS);
        let mut columns: Vec<String> = sampled.paths.into_iter().map(|path| path.path).collect();
        let seen = columns.len();
        let lacks = |name: &&&str| !columns.iter().any(|column| folded(column) == folded(name));
        let lacking: Vec<String> = known.iter().filter(lacks).map(|name| (*name).to_owned()).collect();
        columns.extend(lacking);
        SmallTable { file, columns, seen, content: Content::Json { bytes, form: sampled.form } }
    }

    fn of_text(file: String, bytes: Vec<u8>, known: &[&str]) -> SmallTable {
        let has_line_feeds = memchr::memchr(b'\n', &bytes).is_some();
        let border = if has_line_feeds || !bytes.contains(&b'\r') { b'\n' } else { b'\r' };
        let known: Vec<String> = known.iter().map(|name| folded(name)).collect();
        let count_known =
            |first: &First| first.fields.iter().filter(|field| known.contains(&folded(field))).count();
        let firsts = DELIMITERS.map(|delimiter| First::of(&bytes, delimiter, border));
        let named = best_of(&firsts, &count_known);
        let has_header = count_known(named) > 0;
        // Without a header a bar is no delimiter: it is no rare sign in an id.
        let first = if has_header { named } else { best_of(&firsts[..3], &|first| first.fields.len()) };
        let First { dialect, fields, range, next } = first.clone();
        let first_line = count_lines(&bytes[..range.start]) + 1;
        let (header, from) = if has_header { (Some(bytes[range].to_vec()), next) } else { (None, 0) };
        let dialect = Dialect { header: has_header, ..dialect };
        let content = Content::Delimited { bytes, dialect, header, from, first_line };
        SmallTable { file, seen: fields.len(), columns: fields, content }
    }

    /// The columns as they are called; of text without a header the fields of its first record.
    pub fn columns(&self) -> &[String] {
        &self.columns[..self.seen]
    }

    /// Whether the columns have names.
    pub fn is_named(&self) -> bool {
        !matches!(self.content, Content::Delimited { header: None, .. })
    }

    /// Its records have keys of their own.
    pub fn is_json(&self) -> bool {
        matches!(self.content, Content::Json { .. })
    }

    /// How the table lies in its file, for people; none for text.
    pub fn form(&self) -> Option<&'static str> {
        match self.content {
            Content::Delimited { .. } => None,
            Content::Json { .. } => Some("JSON"),
            Content::Parquet(_) => Some("Parquet"),
        }
    }

    /// The line of the names of columns, where they have one.
    pub fn header_line(&self) -> Option<u64> {
        match self.content {
            Content::Delimited { first_line, .. } => Some(first_line),
            Content::Json { .. } | Content::Parquet(_) => None,
        }
    }

    /// The number of the column that is called so: as written, or else the only one that is alike but for
    /// case and blanks around it. Of JSON a known name that was not seen has a number too.
    pub fn find(&self, name: &str) -> Result<Option<usize>, SmallTableError> {
        let repeated =
            || SmallTableError::RepeatedColumn { file: self.file.clone(), column: name.to_owned() };
        let only = |is_called: &dyn Fn(&String) -> bool| {
            let mut called = (0..self.columns.len()).filter(|&column| is_called(&self.columns[column]));
            match (called.next(), called.next()) {
                (Some(_), Some(_)) => Err(repeated()),
                (first, _) => Ok(first),
            }
        };
        match only(&|column| column == name)? {
            Some(exact) => Ok(Some(exact)),
            None => only(&|column| folded(column) == folded(name)),
        }
    }

    /// Whether a column that [`SmallTable::find`] found is there for certain.
    pub fn is_seen(&self, column: usize) -> bool {
        column < self.seen
    }

    /// The first column that has none of the known names, and the line that has it, where columns have one.
    pub fn first_unknown(&self, known: &[&str]) -> Option<(Option<u64>, String)> {
        let is_unknown = |column: &str| !known.iter().any(|name| folded(name) == folded(column));
        match &self.content {
            Content::Json { bytes, form } => {
                let mut sink = KeySink { is_unknown: &is_unknown, key: None, found: None };
                decode_json(JsonDecoder::new(&[], Limits::default()).with_text(), bytes, *form, &mut sink);
                sink.found.map(|(line, key)| (Some(line), key))
            }
            Content::Delimited { .. } | Content::Parquet(_) => {
                let unknown = self.columns.iter().find(|column| is_unknown(column))?;
                Some((self.header_line(), unknown.clone()))
            }
        }
    }

    /// Hands on every record, with the line on which it starts (of Parquet its row, from 1) and its wanted
    /// fields; what `take` says of one that it refuses is told with that place. Gives the number of blank lines.
    pub fn read(
        &self,
        wanted: &[usize],
        take: impl FnMut(u64, &[Field<'_>]) -> Result<(), String>,
    ) -> Result<u64, SmallTableError> {
        let mut sink = TableSink { take, file: &self.file, lines_before: 0, is_guarded: false, fault: None };
        let blank_lines = match &self.content {
            Content::Delimited { bytes, dialect, header, from, .. } => {
                (sink.lines_before, sink.is_guarded) = (count_lines(&bytes[..*from]), true);
                let (width, header) = (self.columns.len().max(1), header.clone());
                let mut decoder = CsvDecoder::new(*dialect, width, wanted, header, Limits::default());
                decoder.decode(&bytes[*from..], true, &mut sink).blank_lines
            }
            Content::Json { bytes, form } => {
                let paths: Vec<JsonPath> =
                    wanted.iter().map(|&column| JsonPath::new(self.columns[column].as_str())).collect();
                decode_json(JsonDecoder::new(&paths, Limits::default()), bytes, *form, &mut sink)
            }
            Content::Parquet(parquet) => {
                for slice in parquet.slices() {
                    sink.lines_before = slice.start_row;
                    parquet.decode_slice(slice, wanted, &mut sink).map_err(|error| {
                        SmallTableError::Parquet { file: self.file.clone(), error: Box::new(error) }
                    })?;
                }
                0
            }
        };
        sink.fault.map_or(Ok(blank_lines), Err)
    }
}

/// The first record of a text by one delimiter, and its bytes without the line break.
#[derive(Debug, Clone)]
struct First {
    dialect: Dialect,
    /// None where a quote is never closed.
    fields: Vec<String>,
    range: Range<usize>,
    next: usize,
}

impl First {
    fn of(bytes: &[u8], delimiter: u8, border: u8) -> First {
        let dialect = Dialect { delimiter, border, ..Dialect::default() };
        let mut fields = ExactFields::default();
        let mut start = 0;
        while start < bytes.len() {
            let end = read_record(bytes, start, true, &dialect, Limits::default(), &mut fields);
            let ExactEnd::Complete { content_end, next } = end else { break };
            if !is_blank(&bytes[start..content_end], delimiter) {
                let text = |field: &[u8]| String::from_utf8_lossy(field).trim().to_owned();
                let fields = fields.iter().map(text).collect();
                return First { dialect, fields, range: start..content_end, next };
            }
            start = next;
        }
        First { dialect, fields: Vec::new(), range: start..start, next: start }
    }
}

/// The one of the highest rank, of equal ones the first.
fn best_of<'f>(firsts: &'f [First], rank: &dyn Fn(&First) -> usize) -> &'f First {
    let (best, others) = firsts.split_first().expect("there are delimiters to try");
    others.iter().fold(best, |best, first| if rank(first) > rank(best) { first } else { best })
}

/// All of a text, unpacked.
fn content(file: &str, opened: Opened) -> Result<Vec<u8>, SmallTableError> {
    let chunks = Chunks::new(opened, ChunkOptions::ANYWHERE);
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next(Vec::new())? {
        bytes.extend_from_slice(&chunk.bytes);
        if bytes.len() > MOST_BYTES {
            return Err(SmallTableError::TooLarge { file: file.to_owned() });
        }
    }
    Ok(bytes)
}

/// Gives the number of blank lines.
fn decode_json(mut decoder: JsonDecoder, bytes: &[u8], form: JsonForm, sink: &mut dyn RecordSink) -> u64 {
    match form {
        JsonForm::Lines => decoder.decode(bytes, true, sink).blank_lines,
        JsonForm::Array | JsonForm::Document => {
            DocumentDecoder::new(decoder).decode(bytes, true, sink).blank_lines
        }
    }
}

/// Takes the records of one table until one is at fault.
struct TableSink<'t, Take> {
    take: Take,
    file: &'t str,
    lines_before: u64,
    /// Texts may carry the mark that keeps them from being formulas.
    is_guarded: bool,
    fault: Option<SmallTableError>,
}

impl<Take> TableSink<'_, Take> {
    fn line(&self, at: RecordAt) -> u64 {
        self.lines_before + at.lines_before + 1
    }

    fn fail(&mut self, line: u64, message: String) {
        let file = self.file.to_owned();
        self.fault.get_or_insert(SmallTableError::Record { file, line, message });
    }
}

/// A text without the mark that keeps it from being a formula.
fn plain(field: Field<'_>) -> Field<'_> {
    match field {
        Field::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Field::Text(unguarded(text).as_bytes()),
            Err(_) => field,
        },
        field => field,
    }
}

impl<Take: FnMut(u64, &[Field<'_>]) -> Result<(), String>> RecordSink for TableSink<'_, Take> {
    fn record(&mut self, at: RecordAt, fields: &[Field<'_>]) {
        if self.fault.is_some() {
            return;
        }
        let line = self.line(at);
        let taken = if self.is_guarded {
            let fields: Vec<Field<'_>> = fields.iter().map(|field| plain(*field)).collect();
            (self.take)(line, &fields)
        } else {
            (self.take)(line, fields)
        };
        if let Err(message) = taken {
            self.fail(line, message);
        }
    }

    fn reject(&mut self, reject: Reject) {
        let message = format!("{} ({})", reject.message, reject.code);
        self.fail(self.line(reject.at), message);
    }
}

/// Looks for a key that is not known.
struct KeySink<'k> {
    is_unknown: &'k dyn Fn(&str) -> bool,
    /// In the record that comes next.
    key: Option<String>,
    found: Option<(u64, String)>,
}

impl RecordSink for KeySink<'_> {
    fn text(&mut self, record: &[u8]) {
        if self.found.is_none() {
            for_each_leaf(record, |key, _| {
                if self.key.is_none() && (self.is_unknown)(key) {
                    self.key = Some(key.to_owned());
                }
            });
        }
    }

    fn record(&mut self, at: RecordAt, _fields: &[Field<'_>]) {
        if let Some(key) = self.key.take() {
            self.found.get_or_insert((at.lines_before + 1, key));
        }
    }

    fn reject(&mut self, _reject: Reject) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const KNOWN: [&str; 2] = ["id", "person"];

    fn open_bytes(bytes: &[u8]) -> Result<SmallTable, String> {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(bytes).expect("written");
        let name = file.path().display().to_string();
        SmallTable::open(file.path(), &KNOWN, &OpenOptions::default())
            .map_err(|error| error.to_string().replace(&name, "F"))
    }

    /// Every record as `LINE id person`, or what is wrong; `-` is missing.
    fn read(bytes: &[u8]) -> Result<Vec<String>, String> {
        let table = open_bytes(bytes)?;
        let find = |name: &str| table.find(name).map_err(|error| error.to_string().replace(&table.file, "F"));
        let wanted: Vec<usize> = [find("id")?, find("person")?].into_iter().flatten().collect();
        let mut records = Vec::new();
        let taken = table.read(&wanted, |line, fields| {
            let text = |field: &Field<'_>| match field {
                Field::Text(text) => String::from_utf8_lossy(text).into_owned(),
                _ => "-".to_owned(),
            };
            records.push(format!("{line} {}", fields.iter().map(text).collect::<Vec<_>>().join(" ")));
            Ok(())
        });
        taken.map(|_| records).map_err(|error| error.to_string().replace(&table.file, "F"))
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes all")
    }

    #[test]
    fn the_same_records_in_every_form() {
        let text = "\u{feff}id,person\na,\"b,c\"\n\n'=d,e\n";
        let expected = ["2 a b,c", "4 =d e"].map(str::to_owned).to_vec();
        for bytes in [
            text.as_bytes().to_vec(),
            text.replace('\n', "\r\n").into_bytes(),
            text.replace("id,person", "\"ID\" , Person").into_bytes(),
            gzip(text.as_bytes()),
            zstd::encode_all(text.as_bytes(), 1).expect("memory takes all"),
            b"person;id\nb,c;a\n\ne;=d\n".to_vec(),
            b"id\tother\tperson\na\tx\tb,c\n\n=d\t\te\n".to_vec(),
            b"id|person\na|b,c\n\n=d|e\n".to_vec(),
            b"\n{\"ID\":\"a\",\"person\":\"b,c\"}\n\n{\"person\":\"e\",\"ID\":\"=d\"}\n".to_vec(),
        ] {
            let found = read(&bytes).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(&bytes));
        }
        let array = b"[\n {\"id\": 7, \"person\": \"x\"},\n {\"id\": \"'=d\"}\n]\n";
        assert_eq!(read(array), Ok(vec!["2 7 x".to_owned(), "3 '=d -".to_owned()]));
        assert_eq!(read(b"a\nb\n"), Ok(vec!["1 ".to_owned(), "2 ".to_owned()]));
        assert_eq!(read(b""), Ok(Vec::new()));
    }

    #[test]
    fn a_first_line_without_a_known_name_is_no_header() {
        let columns = |bytes: &[u8]| {
            let table = open_bytes(bytes).expect("a table");
            (table.is_named(), table.columns().join("/"))
        };
        assert_eq!(columns(b"x;y\n1;2\n"), (false, "x/y".to_owned()));
        assert_eq!(columns(b"x|y\n"), (false, "x|y".to_owned()));
        assert_eq!(columns(b"\"a,b\"\n"), (false, "a,b".to_owned()));
        assert_eq!(columns(b"x,ID\n1,2\n"), (true, "x/ID".to_owned()));
        assert_eq!(columns(b"{\"x\":{\"y\":1}}\n"), (true, "x.y".to_owned()));
    }

    #[test]
    fn columns_that_nobody_knows_are_found() {
        let unknown = |bytes: &[u8]| open_bytes(bytes).expect("a table").first_unknown(&KNOWN);
        assert_eq!(unknown(b"id,PERSON\na,b\n"), None);
        assert_eq!(unknown(b"\nid,persn\na,b\n"), Some((Some(2), "persn".to_owned())));
        assert_eq!(unknown(b"x\n"), Some((Some(1), "x".to_owned())));
        let late = b"{\"id\":1,\"person\":2}\n{\"id\":1,\"persn\":{\"of\":2}}\n";
        assert_eq!(unknown(late), Some((Some(2), "persn.of".to_owned())));
    }

    #[test]
    fn faults_are_told_with_their_line() {
        for (bytes, error) in [
            (&b"id,person\na,b\nc\n"[..], "F:3: 1 field where the header has 2 (R01)"),
            (b"id;person\na;\xff\n", "F:2: the record is not UTF-8 (R03)"),
            (b"id,person\na,\"b\n", "F:2: the quote that opens field 2 is never closed (R15)"),
            (b"{\"id\":1}\n{\"id\":\n", "F:2: "),
            (b"ID,Id\na,b\n", "F: more than one column is called \"id\""),
            (b"id,id\na,b\n", "F: more than one column is called \"id\""),
            (b"PK\x03\x04", "F: zip archive is not read here"),
        ] {
            let found = read(bytes).expect_err(error);
            assert!(found.starts_with(error), "{found}");
        }
        let table = open_bytes(b"id,person\na,b\nc,d\n").expect("a table");
        let refused = table.read(&[0], |line, _| if line == 3 { Err("no".to_owned()) } else { Ok(()) });
        assert_eq!(refused.expect_err("refused").to_string(), format!("{}:3: no", table.file));
    }

    #[test]
    fn a_file_that_is_none_is_told_with_the_nearest_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let said = |name: &str| {
            let error = SmallTable::open(&folder.path().join(name), &KNOWN, &OpenOptions::default())
                .expect_err(name)
                .to_string();
            error.replace(&folder.path().display().to_string(), "D")
        };
        assert_eq!(said("none.csv"), "D/none.csv: no such file or directory");
        assert_eq!(said(""), "cannot read D/ (it is a directory)");
    }
}
