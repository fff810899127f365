//! A look at the start of one input: its form, its columns and some of its rows.

use super::{IngestError, Place};
use crate::decode::access_log::{self, LogFormat};
use crate::decode::dialect::{DialectHints, Sniffed, skip_lines, sniff};
use crate::decode::header::folded;
use crate::decode::jsonl::{self, JsonForm, JsonKinds, JsonSample};
use crate::decode::parquet::{ParquetError, ParquetFile};
use crate::decode::{HOLE, hole};
use crate::source::open::Opened;
use std::sync::Arc;

/// Rows that a sample holds at most.
pub const SAMPLE_ROWS: usize = 1000;

/// What an input is, told by its first bytes.
#[derive(Debug)]
pub enum Form {
    /// Nothing but blanks.
    Empty,
    Csv(Sniffed),
    Json(JsonForm),
    AccessLog(LogFormat),
    Parquet(Box<ParquetFile>),
}

/// The start of an input, taken apart.
#[derive(Debug)]
pub struct Sample {
    pub form: Form,
    pub columns: Vec<String>,
    /// As wide as `columns`, or as far as the last wanted one; `None` in those that were not wanted.
    /// Shared, as it is large and never changes.
    pub rows: Arc<Vec<Vec<Option<String>>>>,
    /// By column of JSON: the kinds of value that it was seen with.
    pub kinds: Vec<JsonKinds>,
}

impl Sample {
    /// Looks at an opened input. `hints` is what the user said about delimited text.
    pub fn of(opened: &Opened, hints: &DialectHints) -> Result<Sample, IngestError> {
        Sample::of_columns(opened, hints, &|_| true)
    }

    /// As [`Sample::of`], but with the values of some columns only, for which `wanted` holds: what
    /// all columns hold is asked of the first of many inputs alone.
    pub fn of_columns(
        opened: &Opened,
        hints: &DialectHints,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Sample, IngestError> {
        if opened.is_parquet {
            return Sample::of_parquet(opened, wanted);
        }
        let head = &opened.head;
        if head.iter().all(u8::is_ascii_whitespace) && opened.head_is_whole {
            return Ok(Sample {
                form: Form::Empty,
                columns: Vec::new(),
                rows: Arc::default(),
                kinds: Vec::new(),
            });
        }
        let from = skip_lines(head, hints.skip_lines.unwrap_or(0));
        let is_text = |byte: &u8| !byte.is_ascii_whitespace() && *byte != 0;
        let start = head[from..].iter().position(is_text).unwrap_or(head.len() - from);
        refuse_hole(opened, from, from + start)?;
        if let Some(format) = log_format(opened, hints) {
            let rows = access_log::sample(&format, head, opened.head_is_whole, SAMPLE_ROWS);
            let columns = format.columns().map(str::to_owned).collect();
            return Ok(Sample {
                form: Form::AccessLog(format),
                columns,
                rows: Arc::new(rows),
                kinds: Vec::new(),
            });
        }
        if jsonl::looks_like_json(head) {
            let JsonSample { form, paths, rows } = jsonl::sample(head, opened.head_is_whole, SAMPLE_ROWS);
            let (columns, kinds) = paths.into_iter().map(|path| (path.path, path.kinds)).unzip();
            return Ok(Sample { form: Form::Json(form), columns, rows: Arc::new(rows), kinds });
        }
        let mut sniffed = sniff(head, opened.head_is_whole, hints, wanted)
            .map_err(|error| IngestError::Dialect { name: opened.name.clone(), error: Box::new(error) })?;
        refuse_hole(opened, from, sniffed.data_offset)?;
        Ok(Sample {
            columns: sniffed.columns.clone(),
            rows: Arc::new(std::mem::take(&mut sniffed.sample)),
            form: Form::Csv(sniffed),
            kinds: Vec::new(),
        })
    }

    fn of_parquet(opened: &Opened, wanted: &dyn Fn(&str) -> bool) -> Result<Sample, IngestError> {
        let fail = |error| IngestError::parquet(&opened.ending, &opened.name, error);
        let file = match opened.file() {
            Ok(Some(file)) => ParquetFile::from_file(file),
            Ok(None) => Err(ParquetError::Damaged("it is not a file".to_owned())),
            Err(error) => Err(error.into()),
        }
        .map_err(fail)?;
        let columns = file.columns().iter().map(|column| column.path.clone()).collect();
        let rows = file.sample(SAMPLE_ROWS, wanted).map_err(fail)?;
        Ok(Sample { form: Form::Parquet(Box::new(file)), columns, rows: Arc::new(rows), kinds: Vec::new() })
    }

    /// A name without what [`Sample::find`] leaves out of account.
    pub fn folded(name: &str) -> String {
        folded(name)
    }

    /// The values of one column.
    pub fn column(&self, column: usize) -> Vec<Option<&str>> {
        self.rows.iter().map(|row| row.get(column)?.as_deref()).collect()
    }

    /// The column of a name: as written, or else the only one that is equal but for case and
    /// blanks around it.
    pub fn find(&self, name: &str) -> Option<usize> {
        if let Some(exact) = self.columns.iter().position(|column| column == name) {
            return Some(exact);
        }
        let wanted = Sample::folded(name);
        let mut alike =
            (0..self.columns.len()).filter(|&column| Sample::folded(&self.columns[column]) == wanted);
        let first = alike.next()?;
        alike.next().is_none().then_some(first)
    }

    /// Physical lines up to the end of the header.
    pub fn header_lines(&self) -> u64 {
        match &self.form {
            Form::Csv(sniffed) => sniffed.data_line,
            _ => 0,
        }
    }

    pub fn is_empty(&self) -> bool {
        matches!(self.form, Form::Empty)
    }

    /// How the input is called in a table of files.
    pub fn format_name(&self) -> &'static str {
        match &self.form {
            Form::Empty => "empty",
            Form::Csv(sniffed) if sniffed.dialect.delimiter == b'\t' => "tsv",
            Form::Csv(_) => "csv",
            Form::Json(JsonForm::Lines) => "jsonl",
            Form::Json(_) => "json",
            Form::AccessLog(_) => "access log",
            Form::Parquet(_) => "parquet",
        }
    }
}

/// What stands before the first row and is a hole may have been anything: names of columns, rows.
fn refuse_hole(opened: &Opened, from: usize, to: usize) -> Result<(), IngestError> {
    let before = opened.head.get(from..to).unwrap_or_default();
    let Some(at) = hole(before) else { return Ok(()) };
    let breaks = memchr::memchr_iter(b'\n', &opened.head[..from + at]).count();
    Err(IngestError::HoleBeforeRows {
        place: Box::new(Place {
            file: opened.name.clone(),
            line: breaks as u64 + 1,
            byte: Some((from + at) as u64),
            column: None,
            excerpt: String::new(),
            because: HOLE.to_owned(),
        }),
    })
}

/// The format that the user gave; else that of the first lines, unless the user said how they are
/// delimited.
fn log_format(opened: &Opened, hints: &DialectHints) -> Option<LogFormat> {
    let is_delimited = hints.delimiter.is_some() || hints.header.is_some() || hints.columns.is_some();
    match &hints.log_format {
        None if is_delimited => None,
        None => LogFormat::detect(&opened.head, opened.head_is_whole),
        given => given.clone(),
    }
}
