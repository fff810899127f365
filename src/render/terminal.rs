//! Documents as aligned text, for a terminal or a text file of any width.
//!
//! Readable without colour; colour only stresses. Controls in the data are shown and not obeyed,
//! widths are those of the script, numbers are never cut (`layout`). Leaves out finding the
//! terminal's width and whether it shows colour.

use super::human::Human;
use super::layout::{self, GAP, Need};
use super::{Renderer, Style, escape, is_bar_column, width};
use crate::report::table::{Block, Cell, Table};
use anstyle::{AnsiColor, Style as Ink};
use std::io::{self, Write};

const BOLD: Ink = Ink::new().bold();
const DIM: Ink = Ink::new().dimmed();
const ACCENT: Ink = AnsiColor::Cyan.on_default();
const CAUTION: Ink = AnsiColor::Yellow.on_default().bold();
const PLAIN: Ink = Ink::new();

/// Lines of prose longer than this are hard to read, however wide the terminal.
const PROSE_MOST: usize = 100;
/// Lines of one table cell; what is longer is cut.
const CELL_LINES: usize = 4;
/// A terminal narrower than this is treated as this wide.
const WIDTH_LEAST: usize = 20;
/// Bytes of one text that are looked at; no table shows more of it.
const TEXT_MOST: usize = 4096;
/// Terminal columns of a column's title, unwrapped, and of one word of it.
const TITLE_MOST: usize = 60;
const TITLE_WORD_MOST: usize = 20;
/// A text in a column of numbers keeps this much, as numbers do.
const TEXT_AMONG_NUMBERS: usize = 20;

/// Text in columns.
#[derive(Debug, Clone)]
pub struct Terminal {
    style: Style,
    human: Human,
}

/// A cell made ready: its words, safe to print, or a bar.
enum Shown {
    Words { text: String, is_data: bool },
    Bar(f64),
}

impl Terminal {
    pub fn new(style: Style) -> Terminal {
        let human = Human { ascii: style.ascii, zone: style.zone.clone() };
        let width = style.width.max(WIDTH_LEAST);
        Terminal { style: Style { width, ..style }, human }
    }

    fn prose_width(&self) -> usize {
        self.style.width.min(PROSE_MOST)
    }

    fn ellipsis(&self) -> &'static str {
        if self.style.ascii { "..." } else { "…" }
    }

    fn rule(&self, columns: usize) -> String {
        if self.style.ascii { "-" } else { "─" }.repeat(columns)
    }

    /// Text of the data or of ours, safe to print wherever in a line it comes to stand.
    fn safe(&self, text: &str) -> String {
        let end = text.floor_char_boundary(TEXT_MOST);
        let visible = escape::visible(&text[..end], self.style.ascii);
        let mut shown = escape::log_line(&visible);
        if self.style.ascii && shown.contains(['→', '–', '…']) {
            // The signs that our own texts are written with; letters of the data stay as they are.
            shown = shown.replace('→', "->").replace('–', "-").replace('…', "...").into();
        }
        if end < text.len() { format!("{shown}{}", self.ellipsis()) } else { shown.into_owned() }
    }

    /// A title that cannot make its column wider than numbers deserve, should it come from the data.
    fn column_title(&self, title: &str) -> String {
        let words: Vec<String> = width::truncate(&self.safe(title), TITLE_MOST, self.ellipsis())
            .split(' ')
            .map(|word| width::truncate(word, TITLE_WORD_MOST, self.ellipsis()))
            .collect();
        words.join(" ")
    }

    fn ink(&self, ink: Ink, text: &str) -> String {
        if self.style.color && !text.is_empty() && ink != PLAIN {
            format!("{}{text}{}", ink.render(), ink.render_reset())
        } else {
            text.to_owned()
        }
    }

    /// Keeps text that runs from the right in its own column.
    fn isolate(&self, text: &str) -> String {
        if self.style.isolate_bidi && width::is_right_to_left(text) {
            format!("\u{2068}{text}\u{2069}")
        } else {
            text.to_owned()
        }
    }

    fn block(&self, block: &Block, out: &mut dyn Write) -> io::Result<()> {
        match block {
            Block::Funnel(_) => Ok(()),
            Block::Heading(level, text) => self.heading(*level, text, out),
            Block::Facts(facts) => self.facts(facts, out),
            Block::Table(table) => self.table(table, out),
            Block::Note(text) => self.prose("", PLAIN, text, DIM, out),
            // Neither wrapped nor cut nor isolated: a shell would read what was added.
            Block::Command(line) => {
                writeln!(out, "{}", self.ink(ACCENT, &escape::visible(line, self.style.ascii)))
            }
            Block::Warning { code, text } => {
                let lead = format!("warning[{}]: ", self.safe(code));
                self.prose(&lead, CAUTION, text, PLAIN, out)
            }
        }
    }

    fn heading(&self, level: u8, text: &str, out: &mut dyn Write) -> io::Result<()> {
        let lines = width::wrap(&self.safe(text), self.prose_width());
        let widest = lines.iter().map(|line| width::width(line)).max().unwrap_or(0);
        let (last, before) =
            lines.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
        for line in before {
            writeln!(out, "{}", self.ink(BOLD, line))?;
        }
        match level {
            0 | 1 => {
                let double = if self.style.ascii { "=" } else { "═" }.repeat(widest);
                writeln!(out, "{}", self.ink(BOLD, last))?;
                writeln!(out, "{}", self.ink(DIM, &double))
            }
            2 => {
                let room = self.prose_width().saturating_sub(width::width(last) + 1);
                let line = format!("{} {}", self.ink(BOLD, last), self.ink(DIM, &self.rule(room)));
                writeln!(out, "{}", line.trim_end())
            }
            _ => writeln!(out, "{}", self.ink(BOLD, last)),
        }
    }

    fn facts(&self, facts: &[(String, String)], out: &mut dyn Write) -> io::Result<()> {
        let most = self.prose_width() / 3;
        let names: Vec<String> =
            facts.iter().map(|(name, _)| width::truncate(&self.safe(name), most, self.ellipsis())).collect();
        let indent = names.iter().map(|name| width::width(name)).max().unwrap_or(0) + GAP;
        for (name, (_, value)) in names.iter().zip(facts) {
            let pad = " ".repeat(indent - width::width(name));
            let lines = width::wrap(&self.safe(value), self.prose_width() - indent);
            for (place, line) in lines.iter().enumerate() {
                let line = self.isolate(line);
                let whole = match place {
                    0 => format!("{}{pad}{line}", self.ink(DIM, name)),
                    _ => format!("{}{line}", " ".repeat(indent)),
                };
                writeln!(out, "{}", whole.trim_end())?;
            }
        }
        Ok(())
    }

    /// Prose with a lead before its first line and as much indent before the others.
    fn prose(&self, lead: &str, lead_ink: Ink, text: &str, ink: Ink, out: &mut dyn Write) -> io::Result<()> {
        let indent = if width::width(lead) > self.prose_width() / 2 { GAP } else { width::width(lead) };
        // A long lead keeps its line; what follows hangs under it.
        if indent < width::width(lead) {
            writeln!(out, "{}", self.ink(lead_ink, lead.trim_end()))?;
        }
        for (place, line) in width::wrap(&self.safe(text), self.prose_width() - indent).iter().enumerate() {
            let before = if place == 0 && indent == width::width(lead) {
                self.ink(lead_ink, lead)
            } else {
                " ".repeat(indent)
            };
            let whole = format!("{before}{}", self.ink(ink, line));
            writeln!(out, "{}", whole.trim_end())?;
        }
        Ok(())
    }

    fn table(&self, table: &Table, out: &mut dyn Write) -> io::Result<()> {
        if !table.title.is_empty() {
            for line in width::wrap(&self.safe(&table.title), self.prose_width()) {
                writeln!(out, "{}", self.ink(BOLD, &line))?;
            }
        }
        let titles: Vec<String> =
            table.columns.iter().map(|column| self.column_title(&column.title)).collect();
        let above = std::iter::once(None).chain(table.rows.iter().map(Some));
        let shown: Vec<Vec<Shown>> =
            table.rows.iter().zip(above).map(|(row, above)| self.shown_row(table, row, above)).collect();
        let needs: Vec<Need<'_>> =
            (0..table.columns.len()).map(|column| need(table, column, &titles[column], &shown)).collect();

        for (place, band) in layout::bands(&needs, self.style.width).iter().enumerate() {
            if place > 0 {
                writeln!(out)?;
            }
            self.header(table, &titles, band, out)?;
            for row in &shown {
                self.row(table, row, band, out)?;
            }
        }
        if table.rows.is_empty() {
            writeln!(out, "{}", self.ink(DIM, "(no rows)"))?;
        }
        for note in &table.notes {
            self.prose("  ", PLAIN, note, DIM, out)?;
        }
        Ok(())
    }

    /// A row without the leading labels that repeat those of the row above.
    fn shown_row(&self, table: &Table, row: &[Cell], above: Option<&Vec<Cell>>) -> Vec<Shown> {
        let mut repeats = true;
        let mut shown = Vec::with_capacity(row.len());
        for (place, cell) in row.iter().enumerate() {
            repeats &= table.columns[place].grouped && above.is_some_and(|above| above[place] == *cell);
            shown.push(if repeats {
                Shown::Words { text: String::new(), is_data: false }
            } else {
                self.shown(cell)
            });
        }
        shown
    }

    fn shown(&self, cell: &Cell) -> Shown {
        match cell {
            Cell::Bar(share) => Shown::Bar(*share),
            Cell::Text(text) => Shown::Words { text: self.safe(text), is_data: true },
            other => Shown::Words { text: self.human.cell(other), is_data: false },
        }
    }

    /// Titles stand on the rule: those of fewer lines start lower.
    fn header(
        &self,
        table: &Table,
        titles: &[String],
        band: &layout::Band,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let wrapped: Vec<Vec<String>> = band
            .iter()
            .map(|&(column, columns)| cell_lines(&titles[column], columns, self.ellipsis()))
            .collect();
        let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
        for line in 0..height {
            let cells = band.iter().zip(&wrapped).map(|(&(column, columns), lines)| {
                let text = (line + lines.len()).checked_sub(height).map_or("", |line| lines[line].as_str());
                self.place(text, BOLD, columns, table.columns[column].numeric)
            });
            write_line(cells, out)?;
        }
        writeln!(out, "{}", self.ink(DIM, &self.rule(layout::total(band))))
    }

    fn row(&self, table: &Table, row: &[Shown], band: &layout::Band, out: &mut dyn Write) -> io::Result<()> {
        let cells: Vec<(Vec<String>, Ink)> = band
            .iter()
            .map(|&(column, columns)| match &row[column] {
                Shown::Bar(share) => (vec![self.bar(*share, columns)], ACCENT),
                Shown::Words { text, is_data: true } => (cell_lines(text, columns, self.ellipsis()), PLAIN),
                Shown::Words { text, is_data: false } => (vec![text.clone()], PLAIN),
            })
            .collect();
        let height = cells.iter().map(|(lines, _)| lines.len()).max().unwrap_or(0);
        for line in 0..height {
            let cells = band.iter().zip(&cells).map(|(&(column, columns), (lines, ink))| {
                let text = lines.get(line).map_or("", String::as_str);
                self.place(text, *ink, columns, table.columns[column].numeric)
            });
            write_line(cells, out)?;
        }
        Ok(())
    }

    /// A text in a column of so many terminal columns, at its left or right.
    fn place(&self, text: &str, ink: Ink, columns: usize, right: bool) -> String {
        let pad = " ".repeat(columns.saturating_sub(width::width(text)));
        let text = self.ink(ink, &self.isolate(text));
        if right { format!("{pad}{text}") } else { format!("{text}{pad}") }
    }

    /// A bar of eighths of a column; what is above 0 is seen.
    fn bar(&self, share: f64, columns: usize) -> String {
        const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
        if !(share > 0.0 && columns > 0) {
            return String::new();
        }
        let length = share.min(1.0) * columns as f64;
        if self.style.ascii {
            return "#".repeat((length.round() as usize).max(1));
        }
        let eighths = ((length * 8.0).round() as usize).max(1);
        format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
    }
}

fn need<'a>(table: &Table, column: usize, title: &'a str, shown: &[Vec<Shown>]) -> Need<'a> {
    if is_bar_column(table, column) {
        return Need::Bar { title };
    }
    let (mut texts, mut word, mut fixed) = (0, 0, 0);
    for row in shown {
        match &row[column] {
            Shown::Words { text, is_data: true } => {
                texts = texts.max(width::width(text));
                word = word.max(width::longest_word(text));
            }
            Shown::Words { text, is_data: false } => fixed = fixed.max(width::width(text)),
            Shown::Bar(_) => {}
        }
    }
    if table.columns[column].numeric {
        Need::Number { title, cells: fixed.max(texts.min(TEXT_AMONG_NUMBERS)) }
    } else {
        Need::Text { title, cells: texts.max(fixed), word, fixed }
    }
}

/// The lines of one cell: broken at blanks, a word that is too long cut rather than broken, so that
/// nobody takes its parts for two names; at most [`CELL_LINES`], the last one marked if more follow.
fn cell_lines(text: &str, columns: usize, ellipsis: &str) -> Vec<String> {
    if width::width(text) <= columns {
        return vec![text.to_owned()];
    }
    let words: Vec<String> = text.split(' ').map(|word| width::truncate(word, columns, ellipsis)).collect();
    let mut lines = width::wrap(&words.join(" "), columns);
    if lines.len() > CELL_LINES {
        lines.truncate(CELL_LINES);
        if let Some(last) = lines.last_mut() {
            let room = columns.saturating_sub(width::width(ellipsis));
            *last = format!("{}{ellipsis}", width::truncate(last, room, ""));
        }
    }
    lines
}

fn write_line(cells: impl Iterator<Item = String>, out: &mut dyn Write) -> io::Result<()> {
    let line = cells.collect::<Vec<_>>().join(&" ".repeat(GAP));
    writeln!(out, "{}", line.trim_end())
}

impl Renderer for Terminal {
    fn document(&self, blocks: &[Block], out: &mut dyn Write) -> io::Result<()> {
        let mut out = escape::LogLines::new(out);
        let mut previous = None;
        for block in blocks.iter().filter(|block| !matches!(block, Block::Funnel(_))) {
            if previous.is_some_and(|previous| is_set_apart(previous, block)) {
                writeln!(out)?;
            }
            self.block(block, &mut out)?;
            previous = Some(block);
        }
        out.finish()
    }
}

/// Whether a blank line goes between two blocks: not after a heading, and not between sentences of a kind.
fn is_set_apart(previous: &Block, block: &Block) -> bool {
    !matches!(
        (previous, block),
        (Block::Heading(..), Block::Facts(_) | Block::Table(_) | Block::Note(_) | Block::Warning { .. })
            | (Block::Note(_), Block::Note(_))
            | (Block::Warning { .. }, Block::Warning { .. })
    )
}

#[cfg(test)]
mod tests;
