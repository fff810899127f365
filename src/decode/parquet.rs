//! Parquet to records: the wanted columns only, a slice of rows at a time, from any thread.
//!
//! The one place that reads with polars. A file is not trusted: its footer and page headers are
//! checked by ourselves first (`footer`, `pages`), and a panic of the decoder is an error. Leaves
//! out lists and maps, encrypted files, and times of day. The file is never mapped into memory, so that one
//! that is cut short meanwhile is an error and no signal: the columns of a row group are copied.

mod columns;
mod footer;
mod pages;
mod quiet;
mod thrift;
mod values;

pub use columns::{ParquetColumn, ParquetKind};
pub use footer::TimeUnit;

use super::fields::recycle;
use super::lines::excerpt;
use super::time::format_utc;
use super::{PieceEnd, RecordSink};
use crate::event::{Field, RecordAt, Reject, RejectCode};
use footer::{Footer, read_footer};
use memmap2::{MmapMut, MmapOptions};
use polars::io::parquet::read::FileMetadata;
use polars::prelude::{DataFrame, ParallelStrategy, ParquetReader, PolarsResult, SerReader};
use quiet::catch_quietly;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use values::{Block, NumberTexts, Unsound, Values};

/// Rows whose fields are made together: they stay in the fastest cache.
const BLOCK_ROWS: usize = 256;
/// About so many rows has a slice, at most half as many more: a row group of `DuckDB`.
pub const SLICE_ROWS: u64 = 122_880;

/// Why a Parquet file, or part of it, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ParquetError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("not a Parquet file: it does not start and end with PAR1")]
    NotParquet,
    /// Sizes that cannot be true, found before anything was decoded.
    #[error("the file is damaged: {0}")]
    Damaged(String),
    #[error("row group {row_group}, column `{column}`: {reason}")]
    Unreadable { row_group: usize, column: String, reason: String },
    /// The whole file is of a kind that is not read.
    #[error("{0} is not supported")]
    Unsupported(String),
    #[error("column `{column}` is of type {kind}, which is not supported")]
    UnsupportedColumn { column: String, kind: String },
    #[error("there is no column number {0}")]
    NoSuchColumn(usize),
}

impl ParquetError {
    /// The file is sound, but holds what is not read.
    pub fn is_unsupported(&self) -> bool {
        matches!(self, ParquetError::Unsupported(_) | ParquetError::UnsupportedColumn { .. })
    }
}

/// Some rows of one row group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// Rows of the file before it.
    pub start_row: u64,
    pub rows: u64,
    row_group: usize,
    /// Rows of its row group before it.
    group_row: u64,
}

/// An opened file: its footer was read and found sound. Shared by the threads that decode it.
#[derive(Debug)]
pub struct ParquetFile {
    file: File,
    footer: Footer,
    columns: Vec<ParquetColumn>,
    /// The decoder's own view of the footer, with its row groups taken out.
    frame: FileMetadata,
    groups: FileMetadata,
    /// Chunks (row group, leaf) whose page headers were found sound, with the bytes in them
    /// that the decoder must see corrected.
    checked: Mutex<HashMap<(usize, usize), Vec<u64>>>,
}

impl ParquetFile {
    /// Reads and checks the footer; no data yet.
    pub fn open(path: &Path) -> Result<ParquetFile, ParquetError> {
        ParquetFile::from_file(File::open(path)?)
    }

    pub fn from_file(mut file: File) -> Result<ParquetFile, ParquetError> {
        let footer = read_footer(&mut file)?;
        let reader = file.try_clone()?;
        let read = catch_quietly(move || -> PolarsResult<FileMetadata> {
            Ok(FileMetadata::clone(ParquetReader::new(reader).get_metadata()?))
        });
        let groups = match read {
            Some(Ok(metadata)) => metadata,
            Some(Err(error)) => return Err(ParquetError::Damaged(error.to_string())),
            None => return Err(ParquetError::Damaged("the footer cannot be decoded".to_owned())),
        };
        let mut names = HashSet::new();
        if !footer.fields.iter().all(|field| names.insert(field.name.as_str())) {
            return Err(ParquetError::Unsupported("a file with two columns of the same name".to_owned()));
        }
        if groups.row_groups.len() != footer.row_groups.len() {
            return Err(ParquetError::Damaged("the footer can be read in two ways".to_owned()));
        }
        let mut frame = FileMetadata { row_groups: Vec::new(), ..groups.clone() };
        // Hints of the writer about types of its own; the schema proper says all that is needed.
        frame.key_value_metadata = None;
        let columns = columns::flatten(&footer.fields);
        Ok(ParquetFile { file, footer, columns, frame, groups, checked: Mutex::default() })
    }

    /// All columns in the order of the schema, usable or not; their place is their number.
    pub fn columns(&self) -> &[ParquetColumn] {
        &self.columns
    }

    /// Rows of the file.
    pub fn rows(&self) -> u64 {
        self.footer.rows
    }

    /// The file in pieces of about [`SLICE_ROWS`] rows, at most half as many more, none across two row groups, in
    /// order.
    pub fn slices(&self) -> Vec<Slice> {
        let mut slices = Vec::new();
        let mut start_row = 0;
        for (row_group, group) in self.footer.row_groups.iter().enumerate() {
            let mut group_row = 0;
            // Parts of about the same size, rather than a small last one. Each has to unpack what lies before it in
            // the group, so that a group that is little larger stays whole.
            let mut parts = ((group.rows + SLICE_ROWS / 2) / SLICE_ROWS).max(u64::from(group.rows > 0));
            while parts > 0 {
                let rows = (group.rows - group_row).div_ceil(parts);
                slices.push(Slice { start_row: start_row + group_row, rows, row_group, group_row });
                group_row += rows;
                parts -= 1;
            }
            start_row += group.rows;
        }
        slices
    }

    /// The first rows as text, one row a record, as long as [`ParquetFile::columns`]: times as
    /// RFC 3339 (without a zone where they have none); columns of unsupported kinds are empty, and
    /// those for whose path `wanted` does not hold.
    pub fn sample(
        &self,
        max: usize,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<Vec<Option<String>>>, ParquetError> {
        let usable = |column: &ParquetColumn| !matches!(column.kind, ParquetKind::Unsupported(_));
        let wanted = |column: &ParquetColumn| usable(column) && wanted(&column.path);
        let wanted: Vec<usize> = (0..self.columns.len()).filter(|&at| wanted(&self.columns[at])).collect();
        let mut sink = SampleSink { wanted: &wanted, width: self.columns.len(), rows: Vec::new() };
        for mut slice in self.slices() {
            let missing = (max - sink.rows.len()) as u64;
            if missing == 0 {
                break;
            }
            slice.rows = slice.rows.min(missing);
            self.decode_slice(slice, &wanted, &mut sink)?;
        }
        Ok(sink.rows)
    }

    /// Decodes some rows; `wanted[slot]` is the number of the column of that slot. Rows that
    /// hold text that is not UTF-8 (R03) or has a NUL (R14) are rejected. `RecordAt::lines_before` is the row within
    /// the slice. May be called from several threads; uses no other threads.
    pub fn decode_slice(
        &self,
        slice: Slice,
        wanted: &[usize],
        sink: &mut impl RecordSink,
    ) -> Result<PieceEnd, ParquetError> {
        self.decode_judging(slice, wanted, &vec![true; wanted.len()], sink)
    }

    /// As [`ParquetFile::decode_slice`], but a text makes a row unsound only where its slot is `judged`.
    /// Elsewhere one that is not UTF-8 is missing, and one with a NUL is a text like others.
    pub fn decode_judging(
        &self,
        slice: Slice,
        wanted: &[usize],
        judged: &[bool],
        sink: &mut impl RecordSink,
    ) -> Result<PieceEnd, ParquetError> {
        let columns = match self.values_together(slice, wanted) {
            Some(columns) => columns,
            // One by one, to say which of them is at fault.
            None => {
                let column = |&at: &usize| self.columns.get(at).ok_or(ParquetError::NoSuchColumn(at));
                let values = |at| column(at).and_then(|column| self.values(slice, column));
                wanted.iter().map(values).collect::<Result<_, _>>()?
            }
        };
        let mut numbers = vec![NumberTexts::default(); columns.len()];
        let mut spare: Vec<Field<'static>> = Vec::with_capacity(columns.len() * BLOCK_ROWS);
        let rows = slice.rows as usize;
        for start in (0..rows).step_by(BLOCK_ROWS) {
            let end = rows.min(start + BLOCK_ROWS);
            for (values, numbers) in columns.iter().zip(&mut numbers) {
                values.write_numbers(start..end, numbers);
            }
            let mut fields = recycle(spare);
            fields.resize((end - start) * columns.len(), Field::Missing);
            let mut unsound = Vec::new();
            let mut block = Block { fields: &mut fields, width: columns.len(), start, unsound: &mut unsound };
            for (slot, (values, numbers)) in columns.iter().zip(&numbers).enumerate() {
                values.fill(slot, numbers, &mut block);
            }
            for row in 0..end - start {
                let at = RecordAt { lines_before: (start + row) as u64, bytes_before: 0 };
                // The first slot at fault, as columns are filled in their order.
                let record = &fields[row * columns.len()..][..columns.len()];
                match unsound.iter().find(|unsound| unsound.row == row && judged[unsound.slot]) {
                    None => sink.record(at, record),
                    Some(unsound) => sink.reject(reject(at, unsound, record[unsound.slot])),
                }
            }
            spare = recycle(fields);
        }
        Ok(PieceEnd { records: slice.rows, lines: slice.rows, ..PieceEnd::default() })
    }

    /// All columns in one look at the file; `None` where that fails.
    fn values_together(&self, slice: Slice, wanted: &[usize]) -> Option<Vec<Values>> {
        if wanted.is_empty() {
            return Some(Vec::new());
        }
        let mut columns = Vec::with_capacity(wanted.len());
        let mut names: Vec<&str> = Vec::with_capacity(wanted.len());
        let mut leaves = Vec::new();
        for &at in wanted {
            let column = self.columns.get(at)?;
            if matches!(column.kind, ParquetKind::Unsupported(_)) {
                return None;
            }
            if !names.contains(&column.names[0].as_str()) {
                names.push(&column.names[0]);
                leaves.extend(self.leaves_under(&column.names[0]));
            }
            columns.push(column);
        }
        let bytes = self.copied(slice.row_group, &leaves).ok()?;
        let decoded = catch_quietly(|| -> PolarsResult<Vec<Values>> {
            let frame = self.read_top_level(bytes, slice, &names)?;
            let values = |column: &&ParquetColumn| {
                Values::new(frame.column(&column.names[0])?.as_materialized_series(), column)
            };
            columns.iter().map(values).collect()
        });
        let values = decoded?.ok()?;
        values.iter().all(|values| values.len() as u64 == slice.rows).then_some(values)
    }

    fn values(&self, slice: Slice, column: &ParquetColumn) -> Result<Values, ParquetError> {
        if let ParquetKind::Unsupported(kind) = &column.kind {
            return Err(ParquetError::UnsupportedColumn { column: column.path.clone(), kind: kind.clone() });
        }
        let unreadable = |reason: String| ParquetError::Unreadable {
            row_group: slice.row_group,
            column: column.path.clone(),
            reason,
        };
        let leaves = self.leaves_under(&column.names[0]);
        let bytes = self.copied(slice.row_group, &leaves).map_err(unreadable)?;
        let name = [column.names[0].as_str()];
        let decoded = catch_quietly(|| {
            let frame = self.read_top_level(bytes, slice, &name)?;
            Values::new(frame.column(&column.names[0])?.as_materialized_series(), column)
        });
        match decoded {
            Some(Ok(values)) if values.len() as u64 == slice.rows => Ok(values),
            Some(Ok(_)) => Err(unreadable("it has not as many values as it says".to_owned())),
            Some(Err(error)) => Err(unreadable(error.to_string())),
            None => Err(unreadable("it cannot be decoded".to_owned())),
        }
    }

    /// The leaves that the decoder will read for a column: all those of its top-level field.
    fn leaves_under(&self, top_level: &str) -> Vec<usize> {
        let under = self.columns.iter().filter(|column| column.names[0] == top_level);
        under.flat_map(|column| column.leaves.clone()).collect()
    }

    /// Checks the page headers of some leaves, once; the positions of bytes to correct.
    fn check_pages(&self, row_group: usize, leaves: &[usize]) -> Result<Vec<u64>, String> {
        let mut mislabelled = Vec::new();
        for &leaf in leaves {
            let known = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(positions) = known.get(&(row_group, leaf)) {
                mislabelled.extend(positions);
                continue;
            }
            // Not while others wait: two threads may check the same chunk, with the same result.
            drop(known);
            let positions = pages::check_pages(&self.file, &self.footer.row_groups[row_group].chunks[leaf])?;
            mislabelled.extend(&positions);
            let mut known = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert((row_group, leaf), positions);
        }
        Ok(mislabelled)
    }

    /// The bytes of some leaves, checked and corrected, in the places they have in the file; the rest of it is
    /// zeros that are never touched, and so take no memory.
    fn copied(&self, row_group: usize, leaves: &[usize]) -> Result<MmapMut, String> {
        let mislabelled = self.check_pages(row_group, leaves)?;
        let chunks = || leaves.iter().map(|&leaf| &self.footer.row_groups[row_group].chunks[leaf]);
        let end = chunks().map(|chunk| chunk.start + chunk.bytes).max().unwrap_or(0);
        let end = usize::try_from(end).map_err(|_| "the file is too large for this machine".to_owned())?;
        // Of memory that nobody touches none is set aside, however large the file.
        let mut bytes =
            MmapOptions::new().len(end).no_reserve_swap().map_anon().map_err(|error| error.to_string())?;
        for chunk in chunks() {
            let range = chunk.start as usize..(chunk.start + chunk.bytes) as usize;
            pages::read_exact_at(&self.file, &mut bytes[range], chunk.start)
                .map_err(|error| error.to_string())?;
        }
        for at in mislabelled {
            bytes[at as usize] = pages::IS_COMPRESSED;
        }
        Ok(bytes)
    }

    fn read_top_level(&self, bytes: MmapMut, slice: Slice, names: &[&str]) -> PolarsResult<DataFrame> {
        // Only the row group of the slice: the decoder would go through all that come before it.
        let mut metadata = self.frame.clone();
        metadata.row_groups.push(self.groups.row_groups[slice.row_group].clone());
        metadata.num_rows = metadata.row_groups[0].num_rows();
        let mut reader = ParquetReader::new(io::Cursor::new(bytes));
        reader.set_metadata(Arc::new(metadata));
        reader
            .with_columns(Some(names.iter().map(|&name| name.to_owned()).collect()))
            .with_slice(Some((slice.group_row as usize, slice.rows as usize)))
            .read_parallel(ParallelStrategy::None)
            .finish()
    }
}

fn reject(at: RecordAt, unsound: &Unsound, field: Field<'_>) -> Reject {
    let message =
        if unsound.code == RejectCode::R03 { "not UTF-8" } else { "a NUL byte in a column that is read" };
    Reject {
        code: unsound.code,
        at,
        slot: Some(unsound.slot),
        excerpt: if let Field::Text(text) = field { excerpt(text) } else { Vec::new() },
        message: message.to_owned(),
        field: None,
        damage: None,
    }
}

/// Gathers sampled rows as text.
struct SampleSink<'a> {
    wanted: &'a [usize],
    width: usize,
    rows: Vec<Vec<Option<String>>>,
}

impl RecordSink for SampleSink<'_> {
    fn record(&mut self, _at: RecordAt, fields: &[Field<'_>]) {
        let mut row = vec![None; self.width];
        for (&at, field) in self.wanted.iter().zip(fields) {
            row[at] = match *field {
                Field::Missing => None,
                Field::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
                Field::TimeUs(at_us) => Some(format_utc(at_us)),
                Field::LocalTimeUs(local_us) => Some(format_utc(local_us).trim_end_matches('Z').to_owned()),
            };
        }
        self.rows.push(row);
    }

    fn reject(&mut self, _reject: Reject) {
        self.rows.push(vec![None; self.width]);
    }
}

#[cfg(test)]
mod tests;
