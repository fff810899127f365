//! Tables as CSV and TSV, documents and long tables: what is read back is what was written, and no text
//! starts a formula.

use super::choices::Choices;
use super::document::{document, table};
use crate::decode::guard::unguarded;
use crate::render::rows::RowForm;
use crate::render::{Csv, Renderer};
use crate::report::table::{Block, Cell, Kind, RowColumn, Table};
use jiff::Timestamp;

/// Bytes of choices with the texts of a document and of a long table.
pub fn run(data: &[u8]) {
    let mut choices = Choices { rest: data };
    let form = Csv { delimiter: [b',', b'\t'][usize::from(choices.below(2))], raw: choices.below(2) == 1 };
    let blocks = document(&mut choices);
    let mut out = Vec::new();
    form.document(&blocks, &mut out).expect("memory takes all");
    let tables: Vec<&Table> = blocks
        .iter()
        .filter_map(|block| if let Block::Table(table) = block { Some(table) } else { None })
        .collect();
    let mut records = records(&form, &out).into_iter();
    for table in &tables {
        let header = records.next().expect("every table has a header");
        assert_eq!(header.len(), width(table) + usize::from(tables.len() > 1));
        for row in &table.rows {
            let mut record = records.next().expect("every row is there").into_iter();
            if tables.len() > 1 {
                reads_as(&form, &record.next().expect("the table's name"), &Cell::Text(table.name.clone()));
            }
            for (column, cell) in row.iter().enumerate().filter(|(column, _)| !is_bar(table, *column)) {
                let field = record.next().expect("every column is there");
                if is_interval(table, column) {
                    let (low, high) = match cell {
                        Cell::ShareInterval(low, high) => (Cell::Share(*low), Cell::Share(*high)),
                        cell => (cell.clone(), Cell::Missing),
                    };
                    reads_as(&form, &field, &low);
                    reads_as(&form, &record.next().expect("both ends"), &high);
                } else {
                    reads_as(&form, &field, cell);
                }
            }
            assert_eq!(record.next(), None);
        }
    }
    assert_eq!(records.next(), None);
    long_table(&form, &table(&mut choices));
}

fn records(form: &Csv, bytes: &[u8]) -> Vec<Vec<String>> {
    let mut reader = ::csv::ReaderBuilder::new();
    reader.has_headers(false).flexible(true).delimiter(form.delimiter);
    let records = reader.from_reader(bytes).into_records();
    records.map(|record| record.expect("CSV").iter().map(str::to_owned).collect()).collect()
}

fn is_bar(table: &Table, column: usize) -> bool {
    table.columns[column].name == "bar" || table.rows.iter().any(|row| matches!(row[column], Cell::Bar(_)))
}

fn is_interval(table: &Table, column: usize) -> bool {
    table.columns[column].name.ends_with("ci95")
        || table.rows.iter().any(|row| matches!(row[column], Cell::ShareInterval(..)))
}

/// Fields of a row.
fn width(table: &Table) -> usize {
    let fields = |column| if is_bar(table, column) { 0 } else { 1 + usize::from(is_interval(table, column)) };
    (0..table.columns.len()).map(fields).sum()
}

fn reads_as(form: &Csv, field: &str, cell: &Cell) {
    match cell {
        Cell::Text(text) if form.raw => assert_eq!(field, text),
        Cell::Text(text) => {
            assert!(!field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{field:?} is a formula");
            assert_eq!(unguarded(field), text);
        }
        Cell::Count(n) => assert_eq!(field.parse(), Ok(*n)),
        Cell::DurationUs(duration_us) => assert_eq!(millionths(field), Some(i128::from(*duration_us))),
        Cell::Amount(amount) => assert_eq!(millionths(field), Some(*amount)),
        Cell::TimeUs(time_us) => {
            let time = field.parse::<Timestamp>().map(Timestamp::as_microsecond);
            assert_eq!(time.ok().or(field.parse().ok()), Some(*time_us));
        }
        Cell::Share(number) | Cell::Number(number) if number.is_finite() => {
            assert_eq!(field.parse(), Ok(*number + 0.0))
        }
        Cell::Share(_) | Cell::Number(_) | Cell::Bar(_) | Cell::ShareInterval(..) | Cell::Missing => {
            assert_eq!(field, "")
        }
    }
}

/// An exact decimal in millionths.
fn millionths(text: &str) -> Option<i128> {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
    (rest.len() <= 6).then(|| format!("{sign}{whole}{rest:0<6}").parse().ok())?
}

/// The texts of a table, written as a long one, row by row.
fn long_table(form: &Csv, table: &Table) {
    let columns: Vec<RowColumn> =
        table.columns.iter().map(|column| RowColumn::new(&*column.name, Kind::Text)).collect();
    let row_form = if form.delimiter == b',' { RowForm::Csv } else { RowForm::Tsv };
    let mut out = Vec::new();
    let mut writer = row_form.writer(&columns, form.raw, &mut out).expect("memory takes all");
    for row in &table.rows {
        writer.row(row).expect("memory takes all");
    }
    writer.finish().expect("memory takes all");
    let records = records(form, &out);
    assert_eq!(records.len(), 1 + table.rows.len());
    for (column, field) in table.columns.iter().zip(&records[0]) {
        reads_as(form, field, &Cell::Text(column.name.clone()));
    }
    for (row, record) in table.rows.iter().zip(&records[1..]) {
        assert_eq!(row.len(), record.len());
        for (cell, field) in row.iter().zip(record) {
            let cell = if matches!(cell, Cell::ShareInterval(..)) { &Cell::Missing } else { cell };
            reads_as(form, field, cell);
        }
    }
}
