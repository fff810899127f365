//! Small tables that go with a log: a header and records, held in memory whole.
//!
//! Comma, semicolon or tab, whichever the header has; every record as long as the header.

/// A table as texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SmallTable {
    pub columns: Vec<String>,
    /// With the line on which each starts, from 1.
    pub records: Vec<(u64, Vec<String>)>,
}

/// Why a table cannot be read, and on which line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {message}")]
pub struct SmallTableError {
    pub line: u64,
    pub message: String,
}

impl SmallTable {
    pub fn parse(bytes: &[u8]) -> Result<SmallTable, SmallTableError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let header = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let count = |delimiter: u8| header.iter().filter(|byte| **byte == delimiter).count();
        let delimiter = [b',', b';', b'\t'].into_iter().rev().max_by_key(|delimiter| count(*delimiter));
        let mut reader = ::csv::ReaderBuilder::new()
            .delimiter(delimiter.unwrap_or(b','))
            .has_headers(false)
            .from_reader(bytes);
        let mut records = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| fault(&error))?;
            let line = record.position().map_or(0, |position| line_of(bytes, position));
            records.push((line, record.iter().map(|field| field.trim().to_owned()).collect()));
        }
        let mut records = records.into_iter();
        let columns = records.next().map_or_else(Vec::new, |(_, columns)| columns);
        Ok(SmallTable { columns, records: records.collect() })
    }
}

/// The line of a record: its position is that of the blank lines before it.
fn line_of(bytes: &[u8], position: &::csv::Position) -> u64 {
    let start = usize::try_from(position.byte()).unwrap_or(bytes.len()).min(bytes.len());
    let blank = bytes[start..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    position.line() + blank.filter(|byte| **byte == b'\n').count() as u64
}

fn fault(error: &::csv::Error) -> SmallTableError {
    let line = error.position().map_or(1, ::csv::Position::line);
    let message = match error.kind() {
        ::csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields where the header has {expected_len}")
        }
        ::csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    SmallTableError { line, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_its_header_and_its_records_with_their_lines() {
        for text in ["id,person\na,\"b\nc\"\n\nd,e\n", "\u{feff}id\tperson\r\na\t\"b\nc\"\r\n\r\nd\t e"] {
            let table = SmallTable::parse(text.as_bytes()).expect("a table");
            assert_eq!(table.columns, ["id", "person"]);
            let lines: Vec<u64> = table.records.iter().map(|(line, _)| *line).collect();
            assert_eq!(lines, [2, 5]);
            assert_eq!(table.records[0].1, ["a", "b\nc"]);
            assert_eq!(table.records[1].1, ["d", "e"]);
        }
        assert_eq!(SmallTable::parse(b""), Ok(SmallTable::default()));
    }

    #[test]
    fn faults_are_told_with_their_line() {
        let error = |bytes: &[u8]| SmallTable::parse(bytes).expect_err("a fault").to_string();
        assert_eq!(error(b"id,person\na,b\nc\n"), "3: 1 fields where the header has 2");
        assert_eq!(error(b"id;person\na;\xff\n"), "2: not UTF-8");
    }
}
