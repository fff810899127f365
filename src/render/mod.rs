//! Documents of typed tables written as text for people or for programs.
//!
//! A form is one file here; it knows tables, notes and headings ([`crate::report::table`]) and nothing
//! of funnels. Long tables are written row by row ([`rows`]). Forms for people round, group and scale;
//! forms for programs hold plain numbers. JSON and JSONL are written from the typed results themselves
//! ([`json`]), not from tables. What comes from the data is escaped for its medium in one place
//! ([`escape`]). Leaves out where the bytes go, and the decision whether a person is looking.

pub mod csv;
pub mod escape;
pub mod human;
pub mod json;
mod layout;
pub mod markdown;
mod parquet;
pub mod rows;
pub mod terminal;
pub mod width;

pub use csv::Csv;
pub use markdown::Markdown;
pub use terminal::Terminal;

use crate::report::table::{Block, Cell, Table};
use jiff::tz::TimeZone;
use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Aligned text, as on a terminal.
    Terminal,
    Markdown,
    Csv,
    Tsv,
    Json,
    Jsonl,
}

impl Format {
    pub const ALL: [Format; 6] =
        [Format::Terminal, Format::Markdown, Format::Csv, Format::Tsv, Format::Json, Format::Jsonl];

    /// The name after `--format`.
    pub fn name(self) -> &'static str {
        match self {
            Format::Terminal => "table",
            Format::Markdown => "markdown",
            Format::Csv => "csv",
            Format::Tsv => "tsv",
            Format::Json => "json",
            Format::Jsonl => "jsonl",
        }
    }

    /// The form that a file's extension (without the dot, in any case) asks for.
    pub fn from_extension(extension: &str) -> Option<Format> {
        Some(match extension.to_ascii_lowercase().as_str() {
            "txt" => Format::Terminal,
            "md" | "markdown" => Format::Markdown,
            "csv" => Format::Csv,
            "tsv" | "tab" => Format::Tsv,
            "json" => Format::Json,
            "jsonl" | "ndjson" => Format::Jsonl,
            _ => return None,
        })
    }

    /// Writes documents in this form; `None` for JSON and JSONL, which take typed results.
    /// `raw` leaves the guard against formulas out of CSV and TSV.
    pub fn renderer(self, style: &Style, raw: bool) -> Option<Box<dyn Renderer>> {
        Some(match self {
            Format::Terminal => Box::new(Terminal::new(style.clone())),
            Format::Markdown => Box::new(Markdown::new(style.zone.clone())),
            Format::Csv => Box::new(Csv { delimiter: b',', raw }),
            Format::Tsv => Box::new(Csv { delimiter: b'\t', raw }),
            Format::Json | Format::Jsonl => return None,
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        Format::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let names = Format::ALL.map(Format::name).join(", ");
            format!("unknown format {text:?}: write one of {names}")
        })
    }
}

/// How text for people is laid out.
#[derive(Debug, Clone)]
pub struct Style {
    /// Columns of the terminal or page.
    pub width: usize,
    pub color: bool,
    /// Draws with ASCII only; text from the data stays as it is.
    pub ascii: bool,
    /// The zone in which times are shown.
    pub zone: TimeZone,
    /// Wraps right-to-left text in first-strong isolates (U+2068, U+2069), so that a terminal that
    /// reorders text keeps the columns in their places.
    pub isolate_bidi: bool,
}

impl Default for Style {
    fn default() -> Self {
        Style { width: 80, color: false, ascii: false, zone: TimeZone::UTC, isolate_bidi: false }
    }
}

/// Writes a document in one form.
pub trait Renderer {
    /// Fails only where `out` fails.
    fn document(&self, blocks: &[Block], out: &mut dyn Write) -> io::Result<()>;
}

/// Whether a column holds bars. A column named `bar` does also without rows, so that a form that
/// leaves bars out has the same columns whatever the data.
fn is_bar_column(table: &Table, column: usize) -> bool {
    table.columns[column].name == "bar" || table.rows.iter().any(|row| matches!(row[column], Cell::Bar(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::table::Column;

    #[test]
    fn names_and_extensions() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
        assert_eq!(
            "xlsx".parse::<Format>(),
            Err("unknown format \"xlsx\": write one of table, markdown, csv, tsv, json, jsonl".to_owned())
        );
        assert_eq!(Format::from_extension("MD"), Some(Format::Markdown));
        assert_eq!(Format::from_extension("ndjson"), Some(Format::Jsonl));
        assert_eq!(Format::from_extension("html"), None);
        assert!(Format::Json.renderer(&Style::default(), false).is_none());
    }

    /// Text that tries to act on whoever shows it. The escapers' own table says what each becomes.
    fn hostile_names() -> Vec<String> {
        let mut names: Vec<String> = [
            "",
            " ",
            "\x1b[2J\x1b]0;owned\x07",
            "\u{9b}31m",
            "a\u{202e}gpj.exe",
            "a|b|c",
            "```\ncode",
            "<script>alert(1)</script>",
            "<!-- ",
            "=HYPERLINK(\"http://x\",\"y\")",
            "-1+1",
            "@cmd",
            "two\nlines\r\nthree",
            "tab\there",
            "nul\0nul",
            "quote\"comma,semicolon;",
            "עגלת קניות",
            "👩\u{200d}💻🛒",
            "買い物かご",
        ]
        .map(str::to_owned)
        .to_vec();
        names.push("x".repeat(100_000));
        names.push("e\u{301}".repeat(10_000));
        names
    }

    fn document(name: &str) -> Vec<Block> {
        let table = Table {
            name: "steps".to_owned(),
            title: name.to_owned(),
            columns: vec![
                Column::text("event", "Event"),
                Column::number(name, name),
                Column::number("n", "People"),
            ],
            rows: vec![vec![Cell::Text(name.to_owned()), Cell::Text(name.to_owned()), Cell::Count(7)]],
            notes: vec![name.to_owned()],
        };
        vec![
            Block::Heading(1, name.to_owned()),
            Block::Facts(vec![(name.to_owned(), name.to_owned())]),
            Block::Table(table),
            Block::Note(name.to_owned()),
            Block::Warning { code: "W01".to_owned(), text: name.to_owned() },
        ]
    }

    fn written(renderer: &dyn Renderer, blocks: &[Block]) -> String {
        let mut out = Vec::new();
        renderer.document(blocks, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn hostile_names_stay_text_in_every_form() {
        for name in hostile_names() {
            let blocks = document(&name);
            let start: String = name.chars().take(20).collect();

            for width in [0, 1, 20, 80, 300] {
                let style = Style { width, ..Style::default() };
                let shown = written(&Terminal::new(style), &blocks);
                let acts = |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
                assert!(!shown.contains(acts), "terminal: {start:?}");
                if width == 80 {
                    assert!(shown.lines().all(|line| width::width(line) <= 80), "terminal width: {start:?}");
                }
            }

            let shown = written(&Markdown::new(TimeZone::UTC), &blocks);
            assert!(!shown.contains(|c: char| c != '\n' && c.is_control()), "markdown: {start:?}");
            assert!(!shown.replace("<br>", "").contains('<'), "markdown: {start:?}");
            let row = shown.lines().find(|line| line.ends_with("| 7 |")).unwrap();
            assert_eq!(
                row.replace("\\\\", "").replace("\\|", "").matches('|').count(),
                4,
                "markdown: {start:?}"
            );

            for (delimiter, raw) in [(b',', false), (b',', true), (b'\t', false), (b'\t', true)] {
                let text = written(&Csv { delimiter, raw }, &blocks);
                let mut reader =
                    ::csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
                let guarded = if raw { name.clone() } else { escape::spreadsheet(&name).into_owned() };
                assert_eq!(reader.headers().unwrap().iter().nth(1), Some(guarded.as_str()), "csv: {start:?}");
                let records: Vec<_> = reader.records().map(Result::unwrap).collect();
                assert_eq!(records.len(), 1, "csv: {start:?}");
                assert_eq!(
                    records[0].iter().collect::<Vec<_>>(),
                    [guarded.as_str(), &guarded, "7"],
                    "csv: {start:?}"
                );
            }

            let mut text = Vec::new();
            json::write_line(&name, &mut text).unwrap();
            assert_eq!(text.iter().filter(|byte| **byte < 0x20).count(), 1, "json: {start:?}");
            assert_eq!(serde_json::from_slice::<String>(&text).unwrap(), name);
        }
    }
}
