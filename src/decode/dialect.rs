//! How a delimited text is written: guessed from its first bytes, checked against the columns asked for.
//!
//! The guess never silently eats a row: a first line that looks like data stops the run with a
//! suggestion, as do ragged records and a missing required column. It leaves out what the columns
//! mean, and character sets other than UTF-8.

use super::access_log::LogFormat;
use super::csv_exact::{ExactEnd, ExactFields, after_break, count_lines, is_blank, read_record};
use super::header::{ColumnNames, Likeness, folded, is_second_header, looks_like_data, trimmed};
use crate::decode::Limits;
use crate::event::excerpt::excerpt;
use crate::human::{shell_list, shell_word};
use std::collections::BTreeSet;

mod preamble;

/// Records that are looked at.
const SAMPLE_RECORDS: usize = 1_000;
/// Physical lines in which the header is searched.
const PREAMBLE_LINES: usize = 200;
/// That of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How a delimited text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    pub delimiter: u8,
    pub quote: Option<u8>,
    /// Takes the next byte literally, inside quotes only.
    pub escape: Option<u8>,
    /// The first record names the columns.
    pub header: bool,
    /// Physical lines before the header, or before the first record if there is none.
    pub preamble_lines: u64,
    /// Where chunks may be cut: `\n`, or `\r` if the text has no other line break.
    pub border: u8,
}

impl Default for Dialect {
    fn default() -> Self {
        Dialect {
            delimiter: b',',
            quote: Some(b'"'),
            escape: None,
            header: true,
            preamble_lines: 0,
            border: b'\n',
        }
    }
}

/// Whether fields are quoted at all, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    Never,
    By(u8),
}

/// What the user has decided; the rest is guessed.
#[derive(Debug, Clone, Default)]
pub struct DialectHints {
    pub delimiter: Option<u8>,
    pub quoting: Option<Quoting>,
    pub escape: Option<u8>,
    /// Whether there is a header line. Unset, and without `columns`, a header is expected.
    pub header: Option<bool>,
    /// Physical lines to skip before anything else; then no preamble is searched.
    pub skip_lines: Option<u64>,
    /// Physical lines behind the header that are no data.
    pub skip_after_header: Option<u64>,
    /// Names of the columns, in place of a header line (or of its names, with `header`).
    pub columns: Option<Vec<String>>,
    /// Names that the header must hold.
    pub required: Vec<String>,
    /// The text is an access log of this format, and none of the above holds.
    pub log_format: Option<LogFormat>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Sniffed {
    pub dialect: Dialect,
    /// The header as it stands, or the given names, or `column_1` and so on.
    pub columns: Vec<String>,
    /// Names that stand in the header more than once.
    pub duplicates: Vec<String>,
    /// The header line without its line break, as the decoder wants it.
    pub header_record: Option<Vec<u8>>,
    /// Bytes of the head before the first data record.
    pub data_offset: usize,
    /// Physical lines before the first data record.
    pub data_line: u64,
    /// Physical lines before the header that were passed over unasked.
    pub skipped_lines: u64,
    /// The first data record looks like a second line of the header. It is not in the sample.
    pub has_second_header: bool,
    /// Up to 1,000 sound data records, unquoted; bytes that are not UTF-8 are replaced. `None`
    /// stands in columns that were not wanted, and the last ones of them are left out.
    pub sample: Vec<Vec<Option<String>>>,
    /// What was decided without being asked, for people.
    pub notes: Vec<String>,
    /// Why this dialect, in one line.
    pub evidence: String,
}

/// One delimiter that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    pub delimiter: u8,
    pub columns: usize,
    /// Sampled records with that many fields.
    pub fitting: usize,
    pub records: usize,
}

/// Why no dialect was settled on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialectError {
    #[error("there are no records")]
    Empty,
    #[error("{} looks like data, not like column names", first_line(*.line, *.columns))]
    HeaderLooksLikeData { line: u64, columns: usize, suggestion: String },
    #[error("the header is delimited by {}, the records behind it by {}", delimiter_name(*.header), delimiter_name(*.records))]
    OtherDelimiter { header: u8, records: u8, lines: u64, columns: Vec<String> },
    #[error("most records do not have as many fields as the header ({}): wrong delimiter or lines before the header", list_tried(.tried))]
    Ragged { tried: Vec<Tried> },
    #[error("{lines} lines before the header, which is line {}, look like a table of their own: {rows} rows of {columns} fields", .lines + 1)]
    TableBefore { lines: u64, rows: usize, columns: usize },
    #[error("found no delimiter (tried comma, semicolon, tab and pipe)")]
    NoDelimiter,
    #[error("no column {}; the header has {}", list_names(.missing), excerpt(list_names(.columns)))]
    MissingColumns { missing: Vec<String>, columns: Vec<String> },
    #[error("{given} column names are given, the records have {found} fields")]
    ColumnCount { given: usize, found: usize },
}

impl DialectError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            DialectError::HeaderLooksLikeData { suggestion, .. } => format!("name the columns: {suggestion}"),
            DialectError::Ragged { .. } => {
                "give --delimiter CHAR; where lines stand before the header, --skip-lines N".to_owned()
            }
            DialectError::TableBefore { lines, .. } => format!(
                "if these are two exports, split the file before line {} and read both files at once; --skip-lines {lines} \
                 leaves the lines before it out",
                lines + 1
            ),
            DialectError::OtherDelimiter { records, lines, columns, .. } => {
                let columns = excerpt(shell_list(columns));
                let delimiter = shell_word(&char::from(*records).escape_default().to_string());
                format!("--skip-lines {lines} --delimiter {delimiter} --columns {columns}")
            }
            DialectError::NoDelimiter => {
                "give --delimiter CHAR; for a file of one column any will do".to_owned()
            }
            DialectError::Empty | DialectError::MissingColumns { .. } | DialectError::ColumnCount { .. } => {
                return None;
            }
        };
        Some(hint)
    }
}

/// Guesses the dialect from the first bytes of a text, without byte order mark.
/// `is_whole_input` says that nothing follows the head; otherwise its last record is not judged.
/// The sample holds the columns of which `wanted` says so, by name; the others are `None` in it.
pub fn sniff(
    head: &[u8],
    is_whole_input: bool,
    hints: &DialectHints,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Sniffed, DialectError> {
    let head = Head { bytes: head, is_whole_input };
    let from = skip_lines(head.bytes, hints.skip_lines.unwrap_or(0));
    if head.rows(from, &Dialect::default(), 1).is_empty() {
        return Err(DialectError::Empty);
    }
    let header = hints.header.unwrap_or(hints.columns.is_none());
    let dialects = candidate_dialects(head.bytes, header, hints);
    let named = !hints.required.is_empty() && header && hints.columns.is_none();
    let best = if named { best_with_names(head, from, &dialects, hints) } else { None };
    let checked = best.is_some() || hints.header.is_some() || hints.columns.is_some();
    let best = match best {
        Some(best) => best,
        None => best_by_consistency(head, from, &dialects, hints)?,
    };
    let first = best.rows.first().ok_or(DialectError::Empty)?;
    let first_fields = head.fields(first.start, &best.dialect);
    let data_offset = if header { first.next } else { first.start };
    let data_offset =
        data_offset + skip_lines(&head.bytes[data_offset..], hints.skip_after_header.unwrap_or(0));
    let header_text = header.then(|| &head.bytes[first.start..first.content_end]);
    let data = best.rows.iter().filter(|row| row.start >= data_offset);
    let names = match &hints.columns {
        Some(names) => names.clone(),
        None if header => first_fields.clone(),
        None => numbered_columns(best.columns),
    };
    let before_header = if header { first_fields.as_slice() } else { &[] };
    if let Some(table) = preamble::table(&head.bytes[from..first.start], before_header, best.dialect) {
        let lines = count_lines(&head.bytes[..first.start]);
        return Err(DialectError::TableBefore { lines, rows: table.rows, columns: table.columns });
    }
    let is_judged = header && !checked;
    let is_wanted = |column: usize| is_judged || names.get(column).is_none_or(|name| wanted(name));
    let mut is_wanted: Vec<bool> = (0..best.columns).map(is_wanted).collect();
    while is_wanted.pop_if(|is_wanted| !*is_wanted).is_some() {}
    let header_names = ColumnNames::new(&names);
    let is_header_again = |row: &Row| {
        header_text.is_some_and(|header| head.is_line(row, header))
            || (row.fields.get(0).is_some_and(|first| header_names.may_begin_header(first))
                && header_names.likeness(row.fields.iter()) != Likeness::Row)
    };
    let is_sample = |row: &&Row| row.fits(best.columns) && !is_header_again(row);
    let fitting = data.filter(is_sample).take(SAMPLE_RECORDS);
    let mut sample: Vec<Vec<Option<String>>> = fitting.map(|row| row.texts(&is_wanted)).collect();
    if is_judged && looks_like_data(&first_fields, &sample) {
        if let Some(error) = other_delimiter(head, from, &best, &dialects) {
            return Err(error);
        }
        // The first line is the header of some rows at least: it is those below that are ragged.
        let whole = Candidate::at(head, from, best.dialect, hints).filter(|whole| whole.fitting > 1);
        if let Some(whole) = whole.filter(|whole| best.skipped > 0 && whole.columns > 1) {
            return Err(DialectError::Ragged { tried: vec![whole.tried()] });
        }
        let names = numbered_columns(best.columns).join(",");
        let suggestion = format!("--no-header --columns {names}");
        let line = count_lines(&head.bytes[..first.start]) + 1;
        return Err(DialectError::HeaderLooksLikeData { line, columns: best.columns, suggestion });
    }
    if named && let Some(missing) = missing_names(&hints.required, &first_fields) {
        return Err(DialectError::MissingColumns { missing, columns: first_fields });
    }
    if best.fitting * 2 < best.rows.len() {
        let whole = |dialect: &Dialect| Candidate::at(head, from, *dialect, hints);
        let tried = dialects.iter().filter_map(|dialect| {
            Candidate::consistent(head, from, *dialect, hints).or_else(|| whole(dialect))
        });
        let tried = tried.filter(|candidate| candidate.columns > 1);
        return Err(DialectError::Ragged { tried: tried.map(|candidate| candidate.tried()).collect() });
    }
    if hints.columns.is_some() && names.len() != best.columns {
        return Err(DialectError::ColumnCount { given: names.len(), found: best.columns });
    }
    let has_second_header = header && is_second_header(&sample);
    let data_line = count_lines(&head.bytes[..data_offset]);
    let mut notes = notes(&best.dialect, hints);
    if has_second_header {
        sample.remove(0);
        let line = data_line + 1;
        notes.push(format!(
            "line {line} looks like a second header line: --skip-after-header 1 passes it over"
        ));
    }
    let mut dialect = best.dialect;
    // Blank lines alone are nothing to tell of.
    let is_preamble_told =
        hints.skip_lines.is_none() && !head.bytes[from..first.start].trim_ascii().is_empty();
    dialect.preamble_lines = count_lines(&head.bytes[..first.start]);
    Ok(Sniffed {
        skipped_lines: if is_preamble_told { dialect.preamble_lines } else { 0 },
        duplicates: duplicates(&names),
        columns: names,
        header_record: header_text.map(<[u8]>::to_vec),
        data_offset,
        data_line,
        has_second_header,
        sample,
        notes,
        evidence: evidence(&best),
        dialect,
    })
}

/// The first bytes of the text.
#[derive(Debug, Clone, Copy)]
struct Head<'h> {
    bytes: &'h [u8],
    is_whole_input: bool,
}

/// One record of the sample.
#[derive(Debug, Clone)]
struct Row {
    start: usize,
    content_end: usize,
    next: usize,
    /// Number of fields; 0 if a quote is never closed.
    width: usize,
    /// Empty fields at the end.
    empty_tail: usize,
    /// Kept, so that the rows of the sample need not be read again.
    fields: ExactFields,
}

impl Row {
    /// As many fields as there are columns; empty ones too many do not matter.
    fn fits(&self, columns: usize) -> bool {
        self.width >= columns && self.width - self.empty_tail.min(self.width) <= columns
    }

    /// The texts of the wanted columns.
    fn texts(&self, is_wanted: &[bool]) -> Vec<Option<String>> {
        let text = |(column, &is_wanted)| self.fields.get(column).filter(|_| is_wanted).map(text_of);
        is_wanted.iter().enumerate().map(text).collect()
    }
}

impl Head<'_> {
    /// The records from `from` on, blank lines left out.
    fn rows(&self, from: usize, dialect: &Dialect, most: usize) -> Vec<Row> {
        let mut fields = ExactFields::default();
        let mut rows = Vec::new();
        let mut start = from;
        while start < self.bytes.len() && rows.len() < most {
            let end =
                read_record(self.bytes, start, self.is_whole_input, dialect, Limits::default(), &mut fields);
            let row = match end {
                ExactEnd::Unfinished => break,
                ExactEnd::Complete { content_end, next } => {
                    let (width, empty_tail) = (fields.len(), fields.empty_tail());
                    Row { start, content_end, next, width, empty_tail, fields: fields.clone() }
                }
                ExactEnd::TooLarge { next } | ExactEnd::OpenQuote { next, .. } => {
                    let fields = ExactFields::default();
                    Row { start, content_end: next, next, width: 0, empty_tail: 0, fields }
                }
            };
            start = row.next;
            if !is_blank(&self.bytes[row.start..row.content_end], dialect.delimiter) {
                rows.push(row);
            }
        }
        rows
    }

    /// Whether a row is this line, maybe with a byte order mark of its own.
    fn is_line(&self, row: &Row, line: &[u8]) -> bool {
        let content = &self.bytes[row.start..row.content_end];
        content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(content) == line
    }

    fn fields(&self, start: usize, dialect: &Dialect) -> Vec<String> {
        let mut fields = ExactFields::default();
        self.read(start, dialect, &mut fields);
        fields.iter().map(text_of).collect()
    }

    fn read(&self, start: usize, dialect: &Dialect, fields: &mut ExactFields) {
        read_record(self.bytes, start, true, dialect, Limits::default(), fields);
    }
}

/// One dialect with what the sample says about it.
#[derive(Debug, Clone)]
struct Candidate {
    dialect: Dialect,
    /// From the header on (or the first record, if there is no header).
    rows: Vec<Row>,
    columns: usize,
    /// Rows that fit the columns.
    fitting: usize,
    /// Records before the first of `rows`.
    skipped: usize,
}

impl Candidate {
    fn new(dialect: Dialect, rows: Vec<Row>, columns: usize, skipped: usize) -> Candidate {
        let fitting = rows.iter().filter(|row| row.fits(columns)).count();
        Candidate { dialect, rows, columns, fitting, skipped }
    }

    /// Reads the sample from the record at `from`, which sets the number of columns: none if its
    /// quote is never closed. An escape is guessed if it makes every record fit and nothing else does.
    fn at(head: Head<'_>, from: usize, dialect: Dialect, hints: &DialectHints) -> Option<Candidate> {
        let read = |dialect: Dialect| {
            let rows = head.rows(from, &dialect, SAMPLE_RECORDS + 1);
            let columns = rows.first()?.width;
            Some(Candidate::new(dialect, rows, columns, 0))
        };
        let plain = read(dialect)?;
        if plain.fitting == plain.rows.len() || !may_have_escapes(head.bytes, &dialect, hints) {
            return Some(plain);
        }
        let escaped = read(Dialect { escape: Some(b'\\'), ..dialect })?;
        Some(if escaped.fitting == escaped.rows.len() { escaped } else { plain })
    }

    /// As `at`, but records before the first of a consistent block are skipped.
    fn consistent(head: Head<'_>, from: usize, dialect: Dialect, hints: &DialectHints) -> Option<Candidate> {
        let whole = Candidate::at(head, from, dialect, hints)?;
        let one_will_do = hints.delimiter.is_some();
        let least = if one_will_do { 1 } else { 2 };
        if whole.columns >= least && whole.fitting * 2 >= whole.rows.len() {
            return Some(whole);
        }
        let columns = most_frequent_width(&whole.rows).or(one_will_do.then_some(1))?;
        if hints.skip_lines.is_some() {
            return (whole.columns > 0).then_some(whole);
        }
        let fits = |row: &Row| row.fits(columns);
        let first = (0..whole.rows.len()).find(|&index| {
            whole.rows[index].width == columns && whole.rows.get(index + 1).is_none_or(fits)
        })?;
        // Lines before the block may hold quotes of their own, so the block is read afresh.
        let start = whole.rows[first].start;
        let mut block = Candidate::at(head, start, dialect, hints)?;
        block.skipped = first;
        Some(block)
    }

    /// Higher is likelier: the header fits in the first line; its names can be names; then many
    /// columns in many records.
    fn rank(&self, head: Head<'_>) -> (bool, bool, f64) {
        let Some(first) = self.rows.first() else { return (false, false, 0.0) };
        let names = head.fields(first.start, &self.dialect);
        let plausible = names.iter().all(|name| name.parse::<f64>().is_err());
        let share = self.fitting as f64 / (self.rows.len() + self.skipped) as f64;
        (self.skipped == 0, plausible, share * (self.columns as f64).log2())
    }

    fn tried(&self) -> Tried {
        let Dialect { delimiter, .. } = self.dialect;
        Tried { delimiter, columns: self.columns, fitting: self.fitting, records: self.rows.len() }
    }
}

fn candidate_dialects(head: &[u8], header: bool, hints: &DialectHints) -> Vec<Dialect> {
    let quote = match hints.quoting {
        None => Some(b'"'),
        Some(Quoting::Never) => None,
        Some(Quoting::By(quote)) => Some(quote),
    };
    let only_carriage_returns =
        memchr::memchr(b'\n', head).is_none() && memchr::memchr(b'\r', head).is_some();
    let border = if only_carriage_returns { b'\r' } else { b'\n' };
    let delimiters = hints.delimiter.map_or(DELIMITERS.to_vec(), |delimiter| vec![delimiter]);
    let dialect =
        |delimiter| Dialect { delimiter, quote, escape: hints.escape, header, preamble_lines: 0, border };
    delimiters.into_iter().map(dialect).collect()
}

/// The best dialect with a line that holds all required names.
fn best_with_names(
    head: Head<'_>,
    from: usize,
    dialects: &[Dialect],
    hints: &DialectHints,
) -> Option<Candidate> {
    let mut best: Option<Candidate> = None;
    for &dialect in dialects {
        let Some(start) = line_with_names(head, from, &dialect, hints) else { continue };
        let Some(candidate) = Candidate::at(head, start, dialect, hints) else { continue };
        if candidate.columns == 0 {
            continue;
        }
        let key = |candidate: &Candidate| {
            // Per mille, so that the shares of different samples compare as integers.
            (candidate.fitting * 1_000 / candidate.rows.len().max(1), candidate.columns)
        };
        if best.as_ref().is_none_or(|best| key(&candidate) > key(best)) {
            best = Some(candidate);
        }
    }
    best
}

fn line_with_names(head: Head<'_>, from: usize, dialect: &Dialect, hints: &DialectHints) -> Option<usize> {
    let names: BTreeSet<String> = hints.required.iter().map(|name| folded(name)).collect();
    // Two names need a delimiter between them: most delimiters are seen to be wrong at once.
    if names.len() > 1 && memchr::memchr(dialect.delimiter, &head.bytes[from..]).is_none() {
        return None;
    }
    let mut fields = ExactFields::default();
    let mut start = from;
    for _ in 0..PREAMBLE_LINES {
        if start >= head.bytes.len() {
            return None;
        }
        head.read(start, dialect, &mut fields);
        let has = |name: &String| fields.iter().any(|field| is_called(field, name));
        if fields.len() >= names.len() && names.iter().all(has) {
            return Some(start);
        }
        let line_end = start + skip_lines(&head.bytes[start..], 1);
        if hints.skip_lines.is_some() && !head.bytes[start..line_end].trim_ascii().is_empty() {
            return None;
        }
        start = line_end;
    }
    None
}

fn best_by_consistency(
    head: Head<'_>,
    from: usize,
    dialects: &[Dialect],
    hints: &DialectHints,
) -> Result<Candidate, DialectError> {
    let candidates = dialects.iter().filter_map(|dialect| Candidate::consistent(head, from, *dialect, hints));
    candidates
        .map(|candidate| (candidate.rank(head), candidate))
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, candidate)| candidate)
        .ok_or(DialectError::NoDelimiter)
}

/// The required names that no field has, neither exactly nor but for case and outer blanks.
fn missing_names(required: &[String], fields: &[String]) -> Option<Vec<String>> {
    let fields: Vec<String> = fields.iter().map(|field| folded(field)).collect();
    let missing = required.iter().filter(|name| !fields.contains(&folded(name)));
    let missing: Vec<String> = missing.cloned().collect();
    (!missing.is_empty()).then_some(missing)
}

/// Whether a field holds a name, which is folded.
fn is_called(field: &[u8], name: &str) -> bool {
    match std::str::from_utf8(field) {
        // Most fields are such, and none of them needs a copy.
        Ok(text) if text.is_ascii() => trimmed(trimmed(text).trim_matches('"')).eq_ignore_ascii_case(name),
        _ => folded(&String::from_utf8_lossy(field)) == name,
    }
}

/// A field as text; bytes that are not UTF-8 are replaced.
fn text_of(field: &[u8]) -> String {
    match std::str::from_utf8(field) {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(field).into_owned(),
    }
}

/// The most frequent number of fields above one; of several, the largest.
fn most_frequent_width(rows: &[Row]) -> Option<usize> {
    let mut widths: Vec<usize> = rows.iter().map(|row| row.width).filter(|&width| width > 1).collect();
    widths.sort_unstable();
    widths.chunk_by(|a, b| a == b).max_by_key(|equal| equal.len()).map(|equal| equal[0])
}

fn may_have_escapes(head: &[u8], dialect: &Dialect, hints: &DialectHints) -> bool {
    let Some(quote) = dialect.quote else { return false };
    hints.escape.is_none() && memchr::memmem::find(head, &[b'\\', quote]).is_some()
}

/// The position behind so many physical lines.
pub fn skip_lines(bytes: &[u8], lines: u64) -> usize {
    let mut position = 0;
    for _ in 0..lines {
        match memchr::memchr2(b'\n', b'\r', &bytes[position..]) {
            Some(at) => position = after_break(bytes, position + at),
            None => return bytes.len(),
        }
    }
    position
}

/// The first line names as many columns as the records have, but with another delimiter.
fn other_delimiter(
    head: Head<'_>,
    from: usize,
    best: &Candidate,
    dialects: &[Dialect],
) -> Option<DialectError> {
    let first = best.rows.first()?;
    dialects.iter().filter(|dialect| dialect.delimiter != best.dialect.delimiter).find_map(|dialect| {
        let line = head.rows(from, dialect, 1).into_iter().next().filter(|line| line.start < first.start)?;
        let columns = head.fields(line.start, dialect);
        let is_name = |name: &String| !name.trim().is_empty() && name.parse::<f64>().is_err();
        (columns.len() == best.columns && columns.iter().all(is_name)).then(|| DialectError::OtherDelimiter {
            header: dialect.delimiter,
            records: best.dialect.delimiter,
            lines: count_lines(&head.bytes[..line.next]),
            columns,
        })
    })
}

fn numbered_columns(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("column_{number}")).collect()
}

/// The line that would be the header: lines before it were passed over for their number of fields.
fn first_line(line: u64, columns: usize) -> String {
    match line {
        1 => "the first line".to_owned(),
        line => format!("line {line}, the first with {columns} fields as most lines have,"),
    }
}

fn duplicates(columns: &[String]) -> Vec<String> {
    let mut sorted: Vec<&String> = columns.iter().filter(|name| !name.is_empty()).collect();
    sorted.sort_unstable();
    sorted.chunk_by(|a, b| a == b).filter(|equal| equal.len() > 1).map(|equal| equal[0].clone()).collect()
}

fn notes(dialect: &Dialect, hints: &DialectHints) -> Vec<String> {
    let mut notes = Vec::new();
    if hints.escape.is_none() && dialect.escape.is_some() {
        notes.push("a backslash is taken for an escape inside quotes".to_owned());
    }
    notes
}

fn evidence(best: &Candidate) -> String {
    let Tried { delimiter, columns, fitting, records } = best.tried();
    let name = delimiter_name(delimiter);
    let header = if best.dialect.header { ", the header included" } else { "" };
    format!("{name}: {columns} columns in {fitting} of {records} sampled records{header}")
}

fn delimiter_name(delimiter: u8) -> String {
    match delimiter {
        b',' => "comma".to_owned(),
        b';' => "semicolon".to_owned(),
        b'\t' => "tab".to_owned(),
        b'|' => "pipe".to_owned(),
        other => format!("`{}`", char::from(other).escape_default()),
    }
}

fn list_tried(tried: &[Tried]) -> String {
    let one = |tried: &Tried| {
        let name = delimiter_name(tried.delimiter);
        format!("{name}: {} fields in {} of {}", tried.columns, tried.fitting, tried.records)
    };
    tried.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn list_names(names: &[String]) -> String {
    const MOST: usize = 20;
    let mut list: Vec<String> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    if names.len() > MOST {
        list.push(format!("{} more", names.len() - MOST));
    }
    list.join(", ")
}

#[cfg(test)]
#[path = "dialect_tests.rs"]
mod tests;
