//! A long table as Parquet, with types: texts, integers, times in microseconds of UTC, numbers.
//!
//! The one place that writes with polars. Row groups of a fixed number of rows, on the calling
//! thread alone: the same rows give the same bytes.

use super::rows::{RowWriter, number};
use crate::report::table::{Cell, Kind, RowColumn};
use polars::io::parquet::write::BatchedWriter;
use polars::prelude::{
    Column, DataFrame, DataType, Field, NamedFrom, ParquetWriter, PolarsError, PolarsResult, Schema, Series,
    TimeUnit, TimeZone,
};
use std::cell::OnceCell;
use std::io::{self, Write};
use std::rc::Rc;

/// Rows of a row group.
const GROUP_ROWS: usize = 100_000;

/// Collects rows and writes them group by group.
pub struct ParquetRows<W: Write> {
    columns: Vec<RowColumn>,
    values: Vec<Values>,
    rows: usize,
    out: BatchedWriter<Whole<W>>,
    failed: Rc<OnceCell<io::ErrorKind>>,
}

/// Takes all that it is given, however the place below takes it, and keeps why that failed: the writer of
/// Parquet takes an interruption for an error, and tells none of the others apart.
struct Whole<W> {
    out: W,
    failed: Rc<OnceCell<io::ErrorKind>>,
}

impl<W> Whole<W> {
    /// Keeps the first failure: what comes after it follows from it.
    fn note(&self, error: &io::Error) {
        self.failed.get_or_init(|| error.kind());
    }
}

impl<W: Write> Write for Whole<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write_all(bytes).inspect_err(|error| self.note(error));
        written.map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush().inspect_err(|error| self.note(error))
    }
}

/// The cells of one column that were not written yet.
enum Values {
    Texts(Vec<Option<String>>),
    Counts(Vec<Option<u64>>),
    Times(Vec<Option<i64>>),
    Numbers(Vec<Option<f64>>),
}

impl<W: Write> ParquetRows<W> {
    pub fn new(columns: &[RowColumn], out: W) -> io::Result<ParquetRows<W>> {
        let fields = columns.iter().map(|column| Field::new((&*column.name).into(), data_type(column.kind)));
        let schema = Schema::from_iter(fields);
        let failed = Rc::new(OnceCell::new());
        let out = Whole { out, failed: Rc::clone(&failed) };
        let writer = ParquetWriter::new(out).set_parallel(false).batched(&schema);
        let writer = writer.map_err(|error| io_error(error, &failed))?;
        let values = columns.iter().map(|column| Values::new(column.kind)).collect();
        Ok(ParquetRows { columns: columns.to_vec(), values, rows: 0, out: writer, failed })
    }

    fn error(&self, error: PolarsError) -> io::Error {
        io_error(error, &self.failed)
    }

    fn write_group(&mut self) -> PolarsResult<()> {
        let columns = self.columns.iter().zip(&mut self.values).map(|(column, values)| values.take(column));
        let columns = columns.collect::<PolarsResult<Vec<Column>>>()?;
        let frame = DataFrame::new(self.rows, columns)?;
        self.rows = 0;
        self.out.write_batch(&frame)
    }
}

impl<W: Write> RowWriter for ParquetRows<W> {
    fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        for (values, cell) in self.values.iter_mut().zip(cells) {
            values.push(cell);
        }
        self.rows += 1;
        if self.rows < GROUP_ROWS { Ok(()) } else { self.write_group().map_err(|error| self.error(error)) }
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        if self.rows > 0 {
            self.write_group().map_err(|error| self.error(error))?;
        }
        self.out.finish().map(drop).map_err(|error| self.error(error))
    }
}

fn utc() -> DataType {
    DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC))
}

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::String,
        Kind::Count => DataType::UInt64,
        Kind::Time => utc(),
        Kind::Duration | Kind::Amount => DataType::Float64,
    }
}

impl Values {
    fn new(kind: Kind) -> Values {
        match kind {
            Kind::Text => Values::Texts(Vec::new()),
            Kind::Count => Values::Counts(Vec::new()),
            Kind::Time => Values::Times(Vec::new()),
            Kind::Duration | Kind::Amount => Values::Numbers(Vec::new()),
        }
    }

    fn push(&mut self, cell: &Cell) {
        match (self, cell) {
            (Values::Texts(texts), Cell::Text(text)) => texts.push(Some(text.clone())),
            (Values::Texts(texts), _) => texts.push(None),
            (Values::Counts(counts), Cell::Count(n)) => counts.push(Some(*n)),
            (Values::Counts(counts), _) => counts.push(None),
            (Values::Times(times_us), Cell::TimeUs(time_us)) => times_us.push(Some(*time_us)),
            (Values::Times(times_us), _) => times_us.push(None),
            (Values::Numbers(numbers), cell) => numbers.push(number(cell)),
        }
    }

    fn take(&mut self, column: &RowColumn) -> PolarsResult<Column> {
        let name = (&*column.name).into();
        let series = match self {
            Values::Texts(texts) => Series::new(name, std::mem::take(texts)),
            Values::Counts(counts) => Series::new(name, std::mem::take(counts)),
            Values::Times(times_us) => Series::new(name, std::mem::take(times_us)).cast(&utc())?,
            Values::Numbers(numbers) => Series::new(name, std::mem::take(numbers)),
        };
        Ok(series.into())
    }
}

/// The error below, where there is one: a full disk must still be known as one.
fn io_error(error: PolarsError, failed: &OnceCell<io::ErrorKind>) -> io::Error {
    match failed.get() {
        Some(&kind) => kind.into(),
        None => io::Error::other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::RecordSink;
    use crate::decode::parquet::ParquetFile;
    use crate::event::{Field, RecordAt, Reject};

    #[derive(Default)]
    struct Rows(Vec<Vec<String>>);

    impl RecordSink for Rows {
        fn record(&mut self, _: RecordAt, fields: &[Field<'_>]) {
            let text = |field: &Field<'_>| match field {
                Field::Missing => "-".to_owned(),
                Field::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
                Field::TimeUs(at_us) => format!("utc {at_us}"),
                Field::LocalTimeUs(_) => "local".to_owned(),
            };
            self.0.push(fields.iter().map(text).collect());
        }

        fn reject(&mut self, reject: Reject) {
            panic!("{reject:?}");
        }
    }

    #[test]
    fn our_own_reader_reads_back_every_kind_over_several_groups() {
        let columns = [
            RowColumn::new("person", Kind::Text),
            RowColumn::new("level", Kind::Count),
            RowColumn::new("at", Kind::Time),
            RowColumn::new("value", Kind::Amount),
        ];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.parquet");
        let mut rows = Box::new(ParquetRows::new(&columns, std::fs::File::create(&path).unwrap()).unwrap());
        let count = GROUP_ROWS + 1;
        for row in 0..count {
            let cells = if row == 1 {
                [Cell::Missing, Cell::Missing, Cell::Missing, Cell::Missing]
            } else {
                [
                    Cell::Text(format!("=א{row}")),
                    Cell::Count(row as u64),
                    Cell::TimeUs(1_700_000_000_000_001 + row as i64),
                    Cell::Amount(-12_500_000),
                ]
            };
            rows.row(&cells).unwrap();
        }
        rows.finish().unwrap();
        let file = ParquetFile::open(&path).unwrap();
        assert_eq!(file.rows(), count as u64);
        let mut read = Rows::default();
        for slice in file.slices() {
            file.decode_slice(slice, &[0, 1, 2, 3], &mut read).unwrap();
        }
        assert_eq!(read.0[0], ["=א0", "0", "utc 1700000000000001", "-12.5"]);
        assert_eq!(read.0[1], ["-", "-", "-", "-"]);
        let last = format!("utc {}", 1_700_000_000_000_001 + GROUP_ROWS as i64);
        assert_eq!(
            read.0[GROUP_ROWS],
            [format!("=א{GROUP_ROWS}"), GROUP_ROWS.to_string(), last, "-12.5".into()]
        );
    }
}
