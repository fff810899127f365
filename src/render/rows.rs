//! One long table, row by row: for lists that may be larger than memory.
//!
//! What a cell becomes is the same as in documents: CSV holds plain numbers, RFC 3339 times and the guard
//! against formulas; JSONL has one object a row, with every key; Parquet keeps types (`parquet`).

use super::csv::CsvRows;
use super::json;
use super::parquet::ParquetRows;
use crate::decode::time::format_utc;
use crate::report::table::{Cell, RowColumn};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::io::{self, Write};

/// Forms that a long table can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowForm {
    Csv,
    Tsv,
    Jsonl,
    Parquet,
}

impl RowForm {
    /// The form that a file's extension (without the dot, in any case) asks for.
    pub fn from_extension(extension: &str) -> Option<RowForm> {
        Some(match extension.to_ascii_lowercase().as_str() {
            "csv" => RowForm::Csv,
            "tsv" | "tab" => RowForm::Tsv,
            "jsonl" | "ndjson" => RowForm::Jsonl,
            "parquet" => RowForm::Parquet,
            _ => return None,
        })
    }

    /// Begins a table; `raw` leaves the guard against formulas out of CSV and TSV.
    pub fn writer<'w>(
        self,
        columns: &[RowColumn],
        raw: bool,
        out: impl Write + 'w,
    ) -> io::Result<Box<dyn RowWriter + 'w>> {
        Ok(match self {
            RowForm::Csv => Box::new(CsvRows::new(columns, b',', raw, out)?),
            RowForm::Tsv => Box::new(CsvRows::new(columns, b'\t', raw, out)?),
            RowForm::Jsonl => Box::new(JsonRows { columns: columns.to_vec(), out }),
            RowForm::Parquet => Box::new(ParquetRows::new(columns, out)?),
        })
    }
}

/// Takes the rows of one table.
pub trait RowWriter {
    /// `cells` are as many as the columns, each of its column's kind or missing.
    fn row(&mut self, cells: &[Cell]) -> io::Result<()>;
    /// Writes what is left; what was written before is no whole table.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

struct JsonRows<W> {
    columns: Vec<RowColumn>,
    out: W,
}

impl<W: Write> RowWriter for JsonRows<W> {
    fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        json::write_line(&JsonRow { columns: &self.columns, cells }, &mut self.out)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.out.flush()
    }
}

struct JsonRow<'r> {
    columns: &'r [RowColumn],
    cells: &'r [Cell],
}

impl Serialize for JsonRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_map(Some(self.columns.len()))?;
        for (column, cell) in self.columns.iter().zip(self.cells) {
            let name = &column.name;
            match cell {
                Cell::Text(text) => row.serialize_entry(name, text)?,
                Cell::Count(n) => row.serialize_entry(name, n)?,
                Cell::TimeUs(time_us) => row.serialize_entry(name, &format_utc(*time_us))?,
                _ => row.serialize_entry(name, &number(cell))?,
            }
        }
        row.end()
    }
}

/// The cell as a plain number: durations in seconds, amounts in whole units.
pub(super) fn number(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Count(n) => Some(*n as f64),
        Cell::DurationUs(duration_us) => Some(*duration_us as f64 / 1e6),
        Cell::Amount(amount) => Some(*amount as f64 / 1e6),
        Cell::Share(number) | Cell::Number(number) => Some(*number),
        Cell::Text(_) | Cell::TimeUs(_) | Cell::ShareInterval(..) | Cell::Bar(_) | Cell::Missing => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::table::Kind;

    fn columns() -> Vec<RowColumn> {
        vec![
            RowColumn::new("person", Kind::Text),
            RowColumn::new("level", Kind::Count),
            RowColumn::new("View, first", Kind::Time),
            RowColumn::new("value", Kind::Amount),
            RowColumn::new("time_s", Kind::Duration),
        ]
    }

    fn written(form: RowForm) -> String {
        let mut out = Vec::new();
        let mut writer = form.writer(&columns(), false, &mut out).unwrap();
        let full = [
            Cell::Text("=1\"".to_owned()),
            Cell::Count(3),
            Cell::TimeUs(1_704_368_738_250_000),
            Cell::Amount(12_500_000),
            Cell::DurationUs(1_500_000),
        ];
        writer.row(&full).unwrap();
        writer.row(&[Cell::Missing, Cell::Missing, Cell::Missing, Cell::Missing, Cell::Missing]).unwrap();
        writer.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_forms_hold_plain_values_and_nothing_for_what_is_missing() {
        assert_eq!(
            written(RowForm::Csv),
            "person,level,\"View, first\",value,time_s\n\"'=1\"\"\",3,2024-01-04T11:45:38.25Z,12.5,1.5\n,,,,\n"
        );
        assert_eq!(
            written(RowForm::Jsonl),
            "{\"person\":\"=1\\\"\",\"level\":3,\"View, first\":\"2024-01-04T11:45:38.25Z\",\"value\":12.5,\
             \"time_s\":1.5}\n{\"person\":null,\"level\":null,\"View, first\":null,\"value\":null,\"time_s\":null}\n"
        );
    }

    #[test]
    fn extensions_name_forms() {
        assert_eq!(RowForm::from_extension("PARQUET"), Some(RowForm::Parquet));
        assert_eq!(RowForm::from_extension("ndjson"), Some(RowForm::Jsonl));
        assert_eq!(RowForm::from_extension("md"), None);
    }
}
