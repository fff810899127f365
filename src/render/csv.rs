//! Tables as CSV and TSV: plain numbers for spreadsheets and scripts.
//!
//! Shares are 0 to 1, durations seconds, times RFC 3339 in UTC, amounts exact decimals; what is missing
//! is an empty cell. A column of intervals becomes two, `<name>_low` and `<name>_high`; bars,
//! headings, facts, notes and warnings are left out.
//!
//! A document with one table is that table. One with several has the name of its table in the first column,
//! `table`, of every line; each table has its own header line, and a blank line goes before each but the first.
//! So `grep '^conversion,'` takes one table out, and a spreadsheet shows them one below the other. Tables of a
//! funnel have its name in the column behind, `funnel`.

use super::rows::RowWriter;
use super::{Renderer, escape, is_bar_column};
use crate::report::table::{Block, Cell, RowColumn, Table};
use jiff::Timestamp;
use std::io::{self, Write};

/// Comma- or tab-separated values, quoted where needed, lines ending in LF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Csv {
    pub delimiter: u8,
    /// Leaves texts that a spreadsheet would take for formulas as they are; without it they
    /// get a leading `'`. Numbers are never touched.
    pub raw: bool,
}

impl Renderer for Csv {
    fn document(&self, blocks: &[Block], out: &mut dyn Write) -> io::Result<()> {
        let mut tables: Vec<(Option<&str>, &Table)> = Vec::new();
        let mut funnel = None;
        for block in blocks {
            match block {
                Block::Funnel(name) => funnel = Some(name.as_str()),
                Block::Table(table) => tables.push((funnel, table)),
                _ => {}
            }
        }
        for (place, (funnel, table)) in tables.iter().enumerate() {
            if place > 0 {
                out.write_all(b"\n")?;
            }
            let mut labels = Vec::new();
            labels.extend((tables.len() > 1).then_some(("table", table.name.as_str())));
            labels.extend(funnel.map(|funnel| ("funnel", funnel)));
            self.table(table, &labels, out)?;
        }
        Ok(())
    }
}

impl Csv {
    /// Writes a table; labels are columns in front of its own, with a name and what stands in every row.
    fn table(&self, table: &Table, labels: &[(&str, &str)], out: &mut dyn Write) -> io::Result<()> {
        let mut writer = ::csv::WriterBuilder::new().delimiter(self.delimiter).from_writer(out);
        let columns: Vec<(usize, bool)> = (0..table.columns.len())
            .filter(|&column| !is_bar_column(table, column))
            .map(|column| (column, is_interval_column(table, column)))
            .collect();

        let mut fields: Vec<String> = labels.iter().map(|(name, _)| (*name).to_owned()).collect();
        for &(column, is_interval) in &columns {
            let name = &table.columns[column].name;
            if is_interval {
                fields.push(self.text(&format!("{name}_low")));
                fields.push(self.text(&format!("{name}_high")));
            } else {
                fields.push(self.text(name));
            }
        }
        writer.write_record(&fields).map_err(io_error)?;

        for row in &table.rows {
            fields.clear();
            fields.extend(labels.iter().map(|(_, value)| self.text(value)));
            for &(column, is_interval) in &columns {
                match &row[column] {
                    Cell::ShareInterval(low, high) => fields.extend([number(*low), number(*high)]),
                    other => {
                        fields.push(self.cell(other));
                        if is_interval {
                            fields.push(String::new());
                        }
                    }
                }
            }
            writer.write_record(&fields).map_err(io_error)?;
        }
        writer.flush()
    }

    fn cell(&self, cell: &Cell) -> String {
        match cell {
            Cell::Text(text) => self.text(text),
            Cell::Count(n) => n.to_string(),
            Cell::Share(share) => number(*share),
            Cell::DurationUs(duration_us) => millionths(i128::from(*duration_us)),
            Cell::TimeUs(time_us) => match Timestamp::from_microsecond(*time_us) {
                Ok(time) => time.to_string(),
                // Beyond the years RFC 3339 can write; the plain number is still the truth.
                Err(_) => time_us.to_string(),
            },
            Cell::Amount(amount) => millionths(*amount),
            Cell::Number(value) => number(*value),
            Cell::ShareInterval(..) | Cell::Bar(_) | Cell::Missing => String::new(),
        }
    }

    fn text(&self, text: &str) -> String {
        if self.raw { text.to_owned() } else { escape::spreadsheet(text).into_owned() }
    }
}

/// One long table, row by row.
pub struct CsvRows<W: Write> {
    form: Csv,
    writer: ::csv::Writer<W>,
    fields: Vec<String>,
}

impl<W: Write> CsvRows<W> {
    pub fn new(columns: &[RowColumn], delimiter: u8, raw: bool, out: W) -> io::Result<CsvRows<W>> {
        let form = Csv { delimiter, raw };
        let mut writer = ::csv::WriterBuilder::new().delimiter(delimiter).from_writer(out);
        writer.write_record(columns.iter().map(|column| form.text(&column.name))).map_err(io_error)?;
        Ok(CsvRows { form, writer, fields: Vec::new() })
    }
}

impl<W: Write> RowWriter for CsvRows<W> {
    fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        self.fields.clear();
        self.fields.extend(cells.iter().map(|cell| self.form.cell(cell)));
        self.writer.write_record(&self.fields).map_err(io_error)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.writer.flush()
    }
}

/// The error below: a closed pipe must still be known as one.
fn io_error(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// A column named `…ci95` holds intervals also where none could be computed, so that the header is
/// the same whatever the data.
fn is_interval_column(table: &Table, column: usize) -> bool {
    table.columns[column].name.ends_with("ci95")
        || table.rows.iter().any(|row| matches!(row[column], Cell::ShareInterval(..)))
}

/// Shortest text that reads back as the same number; nothing for what is not finite.
fn number(value: f64) -> String {
    if value.is_finite() { (value + 0.0).to_string() } else { String::new() }
}

/// An exact decimal without needless zeros: `12_500_000` is `12.5`.
fn millionths(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let (whole, rest) = (value.unsigned_abs() / 1_000_000, value.unsigned_abs() % 1_000_000);
    if rest == 0 {
        return format!("{sign}{whole}");
    }
    let decimals = format!("{rest:06}");
    format!("{sign}{whole}.{}", decimals.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::table::Column;

    fn table(name: &str, columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> Block {
        Block::Table(Table {
            name: name.to_owned(),
            title: "T".to_owned(),
            columns,
            rows,
            notes: vec!["n".to_owned()],
        })
    }

    fn written(csv: Csv, blocks: &[Block]) -> String {
        let mut out = Vec::new();
        csv.document(blocks, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    const COMMA: Csv = Csv { delimiter: b',', raw: false };

    fn every_kind() -> Block {
        let columns = vec![
            Column::text("event", "Event"),
            Column::number("n", "n"),
            Column::number("of_first", "Of first"),
            Column::number("of_first_ci95", "95 %"),
            Column::number("p50_s", "Median"),
            Column::text("at", "At"),
            Column::number("value", "Value"),
            Column::number("mean", "Mean"),
            Column::text("bar", ""),
        ];
        let full = vec![
            Cell::Text("a,\"b\"".to_owned()),
            Cell::Count(1_234_567),
            Cell::Share(0.125),
            Cell::ShareInterval(0.1, 0.15),
            Cell::DurationUs(12_300_000),
            Cell::TimeUs(1_704_368_738_250_000),
            Cell::Amount(-12_500_000),
            Cell::Number(1.0 / 3.0),
            Cell::Bar(0.5),
        ];
        let mut empty = vec![Cell::Missing; 9];
        empty[0] = Cell::Text("-x".to_owned());
        empty[7] = Cell::Number(f64::NAN);
        table("steps", columns, vec![full, empty])
    }

    #[test]
    fn one_table_is_plain_csv() {
        let blocks = [Block::Heading(1, "H".to_owned()), every_kind(), Block::Note("N".to_owned())];
        let wanted = "event,n,of_first,of_first_ci95_low,of_first_ci95_high,p50_s,at,value,mean\n\
                      \"a,\"\"b\"\"\",1234567,0.125,0.1,0.15,12.3,2024-01-04T11:45:38.25Z,-12.5,0.3333333333333333\n\
                      '-x,,,,,,,,\n";
        assert_eq!(written(COMMA, &blocks), wanted);
    }

    #[test]
    fn several_tables_carry_their_names() {
        let first =
            table("steps", vec![Column::number("n", "n")], vec![vec![Cell::Count(1)], vec![Cell::Count(2)]]);
        let second =
            table("events", vec![Column::text("event", "Event")], vec![vec![Cell::Text("view".to_owned())]]);
        assert_eq!(
            written(COMMA, &[first, second]),
            "table,n\nsteps,1\nsteps,2\n\ntable,event\nevents,view\n"
        );
    }

    #[test]
    fn the_header_does_not_depend_on_the_data() {
        let columns = vec![Column::number("ci95", "95 %"), Column::text("bar", ""), Column::number("n", "n")];
        let none = table("t", columns.clone(), Vec::new());
        let missing = table("t", columns, vec![vec![Cell::Missing, Cell::Missing, Cell::Count(0)]]);
        assert_eq!(written(COMMA, &[none]), "ci95_low,ci95_high,n\n");
        assert_eq!(written(COMMA, &[missing]), "ci95_low,ci95_high,n\n,,0\n");
    }

    #[test]
    fn formulas_are_guarded_unless_raw_and_numbers_never() {
        let rows = vec![vec![Cell::Text("=1+1".to_owned()), Cell::DurationUs(-1)]];
        let block = table("t", vec![Column::text("event", "E"), Column::number("gap_s", "Gap")], rows);
        assert_eq!(written(COMMA, std::slice::from_ref(&block)), "event,gap_s\n'=1+1,-0.000001\n");
        let raw_tabs = Csv { delimiter: b'\t', raw: true };
        assert_eq!(written(raw_tabs, &[block]), "event\tgap_s\n=1+1\t-0.000001\n");
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(millionths(0), "0");
        assert_eq!(millionths(1), "0.000001");
        assert_eq!(millionths(604_800_000_000), "604800");
        assert_eq!(millionths(i128::from(i64::MIN)), "-9223372036854.775808");
        assert_eq!(number(-0.0), "0");
        assert_eq!(number(1e-7), "0.0000001");
    }

    #[test]
    fn a_document_without_tables_is_empty() {
        assert_eq!(written(COMMA, &[Block::Note("N".to_owned())]), "");
    }

    #[test]
    fn a_closed_pipe_is_known_as_one() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        // Enough to fill the writer's own buffer, so that a record meets the pipe, not the last flush.
        let many = (0..10_000).map(|n| vec![Cell::Count(n)]).collect();
        let few = vec![vec![Cell::Count(1)]];
        for rows in [many, few] {
            let block = table("t", vec![Column::number("n", "n")], rows);
            let error = COMMA.document(&[block], &mut Closed).expect_err("closed");
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        }
    }
}
