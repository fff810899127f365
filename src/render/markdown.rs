//! Documents as GitHub-flavoured Markdown, for summaries of pull requests, notes and mails.
//!
//! Values are written as for people. Bars are left out: they need a column's width. Text from the data can
//! neither format nor end its cell.

use super::human::Human;
use super::{Renderer, escape, is_bar_column};
use crate::report::table::{Block, Table};
use jiff::tz::TimeZone;
use std::io::{self, Write};

/// Markdown with times in a given zone.
#[derive(Debug, Clone)]
pub struct Markdown {
    human: Human,
}

impl Markdown {
    pub fn new(zone: TimeZone) -> Markdown {
        Markdown { human: Human { ascii: false, zone } }
    }

    fn table(&self, table: &Table, out: &mut dyn Write) -> io::Result<()> {
        if !table.title.is_empty() {
            writeln!(out, "**{}**\n", escape::markdown(&table.title))?;
        }
        let columns: Vec<usize> =
            (0..table.columns.len()).filter(|&column| !is_bar_column(table, column)).collect();
        write_row(columns.iter().map(|&column| escape::markdown(&table.columns[column].title)), out)?;
        let rule = |column: &usize| if table.columns[*column].numeric { "---:" } else { ":---" }.to_owned();
        write_row(columns.iter().map(rule), out)?;
        for row in &table.rows {
            write_row(columns.iter().map(|&column| escape::markdown(&self.human.cell(&row[column]))), out)?;
        }
        for note in &table.notes {
            writeln!(out, "\n{}", escape::markdown_line(note))?;
        }
        Ok(())
    }
}

/// More backticks than the text has in a row, so that it cannot end its block.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

fn write_row(cells: impl Iterator<Item = String>, out: &mut dyn Write) -> io::Result<()> {
    for cell in cells {
        write!(out, "| {cell} ")?;
    }
    out.write_all(b"|\n")
}

impl Renderer for Markdown {
    fn document(&self, blocks: &[Block], out: &mut dyn Write) -> io::Result<()> {
        let shown = blocks.iter().filter(|block| !matches!(block, Block::Funnel(_)));
        for (place, block) in shown.enumerate() {
            if place > 0 {
                out.write_all(b"\n")?;
            }
            match block {
                Block::Funnel(_) => {}
                Block::Heading(level, text) => {
                    let marks = "#".repeat(usize::from(*level).clamp(1, 6));
                    writeln!(out, "{marks} {}", escape::markdown(text))?;
                }
                Block::Facts(facts) => {
                    for (name, value) in facts {
                        writeln!(out, "- {}: {}", escape::markdown(name), escape::markdown(value))?;
                    }
                }
                Block::Table(table) => self.table(table, out)?,
                Block::Note(text) => writeln!(out, "{}", escape::markdown_line(text))?,
                Block::Command(line) => {
                    let fence = fence(line);
                    let line = escape::visible(line, false);
                    writeln!(out, "{fence}sh\n{}\n{fence}", escape::log_line(&line))?;
                }
                Block::Warning { code, text } => {
                    writeln!(out, "> **{}** {}", escape::markdown(code), escape::markdown(text))?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::table::{Cell, Column};

    #[test]
    fn a_document_by_hand() {
        let table = Table {
            name: "conversion".to_owned(),
            title: "Conversion".to_owned(),
            columns: vec![
                Column::text("step", "Step"),
                Column::number("n", "People"),
                Column::number("of_first", "Of first"),
                Column::text("bar", ""),
            ],
            rows: vec![
                vec![
                    Cell::Text("add_to_cart|*".to_owned()),
                    Cell::Count(12_345),
                    Cell::Share(0.5),
                    Cell::Bar(0.5),
                ],
                vec![Cell::Text("קנייה".to_owned()), Cell::Count(0), Cell::Missing, Cell::Bar(0.0)],
            ],
            notes: vec!["# not a heading".to_owned()],
        };
        let blocks = [
            Block::Heading(1, "Shop <test>".to_owned()),
            Block::Facts(vec![
                ("Window".to_owned(), "7d".to_owned()),
                ("Files".to_owned(), "a_b.csv".to_owned()),
            ]),
            Block::Table(table),
            Block::Note("Done.".to_owned()),
            Block::Warning { code: "W06".to_owned(), text: "3 rows".to_owned() },
        ];
        let mut out = Vec::new();
        Markdown::new(TimeZone::UTC).document(&blocks, &mut out).unwrap();
        let wanted = "\
# Shop &lt;test&gt;

- Window: 7d
- Files: a_b.csv

**Conversion**

| Step | People | Of first |
| :--- | ---: | ---: |
| add_to_cart\\|\\* | 12,345 | 50.00 % |
| קנייה | 0 | – |

\\# not a heading

Done.

> **W06** 3 rows
";
        assert_eq!(String::from_utf8(out).unwrap(), wanted);
    }

    #[test]
    fn a_command_can_not_end_its_block() {
        let written = |command: &str| {
            let mut out = Vec::new();
            Markdown::new(TimeZone::UTC).document(&[Block::Command(command.to_owned())], &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written("dropoff report a|b"), "```sh\ndropoff report a|b\n```\n");
        assert_eq!(written("a ``` b"), "````sh\na ``` b\n````\n");
        assert_eq!(written("a\n```"), "````sh\na\\n```\n````\n");
    }
}
