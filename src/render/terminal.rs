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
mod tests {
    use super::*;
    use crate::report::table::Column;
    use proptest::prelude::*;

    fn shown(style: Style, blocks: &[Block]) -> String {
        let mut out = Vec::new();
        Terminal::new(style).document(blocks, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn at(width: usize) -> Style {
        Style { width, ..Style::default() }
    }

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    fn conversion() -> Table {
        Table {
            name: "conversion".to_owned(),
            title: "Steps".to_owned(),
            columns: vec![
                Column::number("step", "#"),
                Column::text("name", "Step"),
                Column::number("reached", "People"),
                Column::number("of_previous", "Of previous"),
                Column::number("of_first_ci95", "95 %"),
                Column::text("bar", ""),
            ],
            rows: vec![
                vec![
                    Cell::Count(1),
                    text("View"),
                    Cell::Count(1_200),
                    Cell::Missing,
                    Cell::Missing,
                    Cell::Bar(1.0),
                ],
                vec![
                    Cell::Count(2),
                    text("עגלה"),
                    Cell::Count(150),
                    Cell::Share(0.125),
                    Cell::ShareInterval(0.107, 0.145),
                    Cell::Bar(0.125),
                ],
            ],
            notes: vec!["Nobody is open.".to_owned()],
        }
    }

    #[test]
    fn a_document_by_hand() {
        let blocks = [
            Block::Heading(1, "Report".to_owned()),
            Block::Facts(vec![
                ("Unit".to_owned(), "person".to_owned()),
                ("Guessed".to_owned(), "user = user_id, time = timestamp, event = event_type".to_owned()),
            ]),
            Block::Warning {
                code: "W06".to_owned(),
                text: "12 rows appear twice and are counted twice.".to_owned(),
            },
            Block::Warning { code: "W09".to_owned(), text: "3 people.".to_owned() },
            Block::Heading(2, "Conversion".to_owned()),
            Block::Table(conversion()),
            Block::Note("One.".to_owned()),
            Block::Note("Two.".to_owned()),
            Block::Heading(3, "End".to_owned()),
        ];
        // The columns take 1 + 4 + 6 + 8 + 11 and five gaps of 2, which leaves 10 for the bars; one
        // eighth of them is a column and a quarter.
        let wanted = "\
Report
══════
Unit     person
Guessed  user = user_id, time = timestamp, event =
         event_type

warning[W06]: 12 rows appear twice and are counted
              twice.
warning[W09]: 3 people.

Conversion ───────────────────────────────────────
Steps
                       Of
#  Step  People  previous         95 %
──────────────────────────────────────────────────
1  View   1,200         –            –  ██████████
2  עגלה     150   12.50 %  10.7–14.5 %  █▎
  Nobody is open.

One.
Two.

End
";
        assert_eq!(shown(at(50), &blocks), wanted);
    }

    #[test]
    fn without_room_bars_go_and_numbers_move_to_a_second_band() {
        let blocks = [Block::Table(Table { title: String::new(), ..conversion() })];
        // 1 + 4 + 6 + 8 and gaps are 25; the interval needs 13 more.
        let wanted = "                       Of
#  Step  People  previous
─────────────────────────
1  View   1,200         –
2  עגלה     150   12.50 %

#  Step         95 %
────────────────────
1  View            –
2  עגלה  10.7–14.5 %
  Nobody is open.
";
        assert_eq!(shown(at(37), &blocks), wanted);
        // One column more, and all stand side by side.
        let wide = shown(at(38), &blocks);
        assert!(wide.contains("2  עגלה     150   12.50 %  10.7–14.5 %\n"), "{wide}");
    }

    #[test]
    fn ascii_draws_nothing_else() {
        let table = Table { rows: vec![conversion().rows[0].clone()], ..conversion() };
        let blocks =
            [Block::Heading(1, "R".to_owned()), Block::Heading(2, "S".to_owned()), Block::Table(table)];
        let style = Style { ascii: true, ..at(60) };
        // 1 + 4 + 6 + 11 + 4 and five gaps leave 24 of 60 for the bar.
        let wanted = "\
R
=

S ----------------------------------------------------------
Steps
#  Step  People  Of previous  95 %
------------------------------------------------------------
1  View   1,200            -     -  ########################
  Nobody is open.
";
        assert_eq!(shown(style, &blocks), wanted);
    }

    #[test]
    fn ascii_spells_the_signs_of_our_texts() {
        let table = Table {
            title: "From → to".to_owned(),
            columns: vec![Column::text("path", "From → to")],
            rows: vec![vec![text("View → עגלה…")]],
            notes: vec!["Up to 1–2.".to_owned()],
            ..Table::default()
        };
        let wanted = "\
From -> to
From -> to
---------------
View -> עגלה...
  Up to 1-2.
";
        assert_eq!(shown(Style { ascii: true, ..at(60) }, &[Block::Table(table)]), wanted);
    }

    fn one_column(column: Column, cells: Vec<Cell>) -> [Block; 1] {
        let rows = cells.into_iter().map(|cell| vec![cell]).collect();
        [Block::Table(Table { columns: vec![column], rows, ..Table::default() })]
    }

    #[test]
    fn texts_are_wrapped_at_blanks_and_long_words_cut() {
        let cells = vec![
            text("evidence in several words"),
            text("checkout_shipping_address_form"),
            text("a b c d e f g h i j k l m n o p q r s t u v w x y z 1 2 3 4 5 6 7 8 9 10 11 12 13 14"),
            text("買い物かごに入れるをクリックした"),
        ];
        let wanted = "\
Event
────────────────────
evidence in several
words
checkout_shipping_a…
a b c d e f g h i j
k l m n o p q r s t
u v w x y z 1 2 3 4
5 6 7 8 9 10 11 12…
買い物かごに入れる…
";
        assert_eq!(shown(at(20), &one_column(Column::text("event", "Event"), cells)), wanted);
    }

    #[test]
    fn numbers_are_never_cut() {
        let cells = vec![Cell::Amount(i128::from(u64::MAX) * 1_000_000), Cell::Amount(0)];
        let shown = shown(at(20), &one_column(Column::number("value", "Value"), cells));
        assert!(shown.contains("\n18,446,744,073,709,551,615.00\n"), "{shown}");
        assert!(shown.contains(&format!("\n{}0.00\n", " ".repeat(25))), "{shown}");
    }

    #[test]
    fn wide_characters_keep_columns_aligned() {
        let columns = vec![Column::text("event", "Event"), Column::number("n", "n")];
        let rows = ["買い物", "🛒👩\u{200d}💻", "עֲגָלָה", "a\x1bb"]
            .map(|name| vec![text(name), Cell::Count(1)])
            .to_vec();
        let blocks = [Block::Table(Table { columns, rows, ..Table::default() })];
        let wanted = "\
Event   n
─────────
買い物  1
🛒👩\u{200d}💻    1
עֲגָלָה    1
a\\x1bb  1
";
        assert_eq!(shown(at(80), &blocks), wanted);
    }

    #[test]
    fn right_to_left_text_is_isolated_only_where_asked() {
        let blocks = one_column(Column::text("event", "Event"), vec![text("עגלה"), text("view")]);
        let style = Style { isolate_bidi: true, ..at(80) };
        assert_eq!(shown(style, &blocks), "Event\n─────\n\u{2068}עגלה\u{2069}\nview\n");
        assert_eq!(shown(at(80), &blocks), "Event\n─────\nעגלה\nview\n");
    }

    #[test]
    fn colour_only_stresses() {
        let blocks = [
            Block::Heading(2, "Conversion".to_owned()),
            Block::Table(conversion()),
            Block::Warning { code: "W06".to_owned(), text: "12 rows.".to_owned() },
            Block::Note("Done.".to_owned()),
        ];
        let colored = shown(Style { color: true, ..at(80) }, &blocks);
        assert!(colored.contains("\u{1b}[1m\u{1b}[33mwarning[W06]: \u{1b}[0m12 rows."), "{colored:?}");
        assert!(colored.contains("\u{1b}[2mDone.\u{1b}[0m"), "{colored:?}");
        // Without its escapes it is the same text.
        let mut plain = String::new();
        for (place, piece) in colored.split('\u{1b}').enumerate() {
            plain.push_str(if place == 0 { piece } else { piece.split_once('m').unwrap().1 });
        }
        assert_eq!(plain, shown(at(80), &blocks));
    }

    #[test]
    fn bars_show_eighths_and_whatever_is_above_zero() {
        let terminal = Terminal::new(at(80));
        let cases = [
            (0.0, ""),
            (-1.0, ""),
            (f64::NAN, ""),
            (1e-9, "▏"),
            (0.5, "██"),
            (0.53, "██▏"),
            (0.99, "████"),
            (1.0, "████"),
            (7.0, "████"),
        ];
        for (share, bar) in cases {
            assert_eq!(terminal.bar(share, 4), bar, "{share}");
        }
        let terminal = Terminal::new(Style { ascii: true, ..at(80) });
        assert_eq!([0.0, 1e-9, 0.5, 1.0].map(|share| terminal.bar(share, 4)), ["", "#", "##", "####"]);
    }

    #[test]
    fn empty_things_are_said_to_be_empty() {
        let blocks = one_column(Column::text("event", "Event"), Vec::new());
        assert_eq!(shown(at(80), &blocks), "Event\n─────\n(no rows)\n");
        assert_eq!(shown(at(80), &[]), "");
        assert_eq!(shown(at(80), &[Block::Facts(Vec::new())]), "");
    }

    fn cells() -> impl Strategy<Value = Vec<Cell>> {
        let words = prop_oneof![Just("add to cart".to_owned()), "[a-z_ ]{0,40}", any::<String>()];
        (words, any::<u64>(), 0.0..=1.0, any::<i64>(), any::<i64>(), 0.0..=1.0, any::<String>()).prop_map(
            |(name, n, share, duration_us, millionths, bar, remark)| {
                vec![
                    Cell::Text(name),
                    Cell::Count(n),
                    Cell::Share(share),
                    Cell::ShareInterval(share / 2.0, share),
                    Cell::DurationUs(duration_us),
                    Cell::Amount(i128::from(millionths)),
                    Cell::Bar(bar),
                    Cell::Text(remark),
                ]
            },
        )
    }

    proptest! {
        /// From 60 columns on, which hold the first column and any one number beside it.
        #[test]
        fn every_table_fits_and_shows_its_numbers_whole(
            rows in prop::collection::vec(cells(), 0..4),
            titles in prop::collection::vec("[A-Za-z %]{0,30}", 8),
            width in 60usize..250,
        ) {
            let columns: Vec<Column> = titles
                .into_iter()
                .enumerate()
                .map(|(place, title)| match place {
                    0 | 6 | 7 => Column::text(format!("c{place}"), title),
                    _ => Column::number(format!("c{place}"), title),
                })
                .collect();
            let terminal = Terminal::new(at(width));
            let table = Table { columns, rows, ..Table::default() };
            let text = shown(at(width), &[Block::Table(table.clone())]);
            for line in text.lines() {
                prop_assert!(width::width(line) <= width, "{} columns: {line:?}", width::width(line));
            }
            for cell in table.rows.iter().flat_map(|row| &row[1..6]) {
                let number = terminal.human.cell(cell);
                prop_assert!(text.contains(&number), "{number} is not in {text}");
            }
        }
    }

    #[test]
    fn a_command_stays_on_one_line_and_unchanged() {
        let command = format!("dropoff report 'עגלה.csv' --steps '{}'", "view, ".repeat(40));
        let style = Style { isolate_bidi: true, ..at(40) };
        assert_eq!(shown(style, &[Block::Command(command.clone())]), format!("{command}\n"));
        assert_eq!(shown(at(40), &[Block::Command("a\nb\x1b".to_owned())]), "a\\nb\\x1b\n");
    }
}
