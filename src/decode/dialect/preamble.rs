//! Lines before the header: what exports write there, or a table of its own, whose rows nobody may pass over.

use super::{DELIMITERS, Dialect, Head, Row, SAMPLE_RECORDS};
use crate::decode::header::{ColumnNames, Likeness};

/// Rows of one width that make a table.
const TABLE_ROWS: usize = 3;
/// The same of two fields, for settings and dates of a report are pairs too.
const PAIR_ROWS: usize = 10;

/// Rows that lie before the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Table {
    pub rows: usize,
    pub columns: usize,
}

/// The table in some lines before a header with these names, by any delimiter: several rows of one width, or
/// a header of mostly the same names. Comments (`#`) are none.
pub(super) fn table(lines: &[u8], names: &[String], dialect: Dialect) -> Option<Table> {
    let head = Head { bytes: lines, is_whole_input: true };
    let names = ColumnNames::new(names);
    let others = DELIMITERS.into_iter().filter(|&delimiter| delimiter != dialect.delimiter);
    [dialect.delimiter].into_iter().chain(others).find_map(|delimiter| {
        let mut rows = head.rows(0, &Dialect { delimiter, ..dialect }, SAMPLE_RECORDS);
        rows.retain(|row| lines[row.start] != b'#');
        let runs = rows.chunk_by(|a, b| filled(a) == filled(b));
        let runs = runs.map(|run| Table { rows: run.len(), columns: filled(&run[0]) });
        let longest = runs.filter(Table::is_certain).max_by_key(|table| table.rows);
        let is_header = |row: &&Row| names.likeness(row.fields.iter()) != Likeness::Row;
        let header = || rows.iter().find(is_header).map(|row| Table { rows: 1, columns: filled(row) });
        longest.or_else(header)
    })
}

/// Fields up to the last one that is not empty: what fills a line up to the width of the table is none.
fn filled(row: &Row) -> usize {
    row.width - row.empty_tail.min(row.width)
}

impl Table {
    fn is_certain(&self) -> bool {
        self.columns > 1 && self.rows >= if self.columns > 2 { TABLE_ROWS } else { PAIR_ROWS }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lines: &str) -> Option<(usize, usize)> {
        let names = ["user", "time", "event", "city"].map(str::to_owned);
        let found = table(lines.as_bytes(), &names, Dialect::default());
        found.map(|table| (table.rows, table.columns))
    }

    #[test]
    fn rows_of_one_width_and_headers_are_tables() {
        assert_eq!(found("a,b,c\n1,2,3\n4,5,6\n"), Some((3, 3)));
        assert_eq!(found("Report\n\na;b;c\n1;2;3\n4;5;6\n7;8;9\n"), Some((4, 3)));
        assert_eq!(found(&"1,2\n".repeat(10)), Some((10, 2)));
        // One row of an older export.
        assert_eq!(found("user,time,event\nu1,2026-01-01,view\n"), Some((1, 3)));
    }

    #[test]
    fn what_exports_write_before_the_header_is_none() {
        for lines in [
            "",
            "Shop report, all of it\n# \"made by\n\n",
            "Report,Orders\nFrom,2026-01-01\nTo,2026-02-01\n\n",
            "Report,,,\nFrom,2026-01-01,,\nTo,2026-02-01,,\n,,,\n",
            "# a,b,c\n# 1,2,3\n# 4,5,6\n# user,time,event\n",
            "a,b,c,d\n1,2,3,4\n",
            "a\nb\nc\nd\n",
        ] {
            assert_eq!(found(lines), None, "{lines:?}");
        }
    }
}
