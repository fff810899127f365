//! Documents drawn from bytes, for the targets of renderers.

use super::choices::Choices;
use crate::report::table::{Block, Cell, Column, Table};

/// A few blocks of every kind, whose texts come from the input.
pub fn document(choices: &mut Choices<'_>) -> Vec<Block> {
    let blocks = 1 + choices.below(4);
    (0..blocks).map(|_| block(choices)).collect()
}

fn block(choices: &mut Choices<'_>) -> Block {
    match choices.below(8) {
        0 => Block::Heading(choices.below(8), choices.text()),
        1 => Block::Facts((0..choices.below(3)).map(|_| (choices.text(), choices.text())).collect()),
        2 => Block::Note(choices.text()),
        3 => Block::Command(choices.text()),
        4 => Block::Warning { code: choices.text(), text: choices.text() },
        _ => Block::Table(table(choices)),
    }
}

/// A column of counts and up to three more, none to three rows. No table is made of bars alone.
pub fn table(choices: &mut Choices<'_>) -> Table {
    let more = choices.below(4);
    let rows = choices.below(4);
    let column = |choices: &mut Choices<'_>| Column {
        numeric: choices.below(2) == 1,
        grouped: choices.below(4) == 3,
        name: choices.text(),
        title: choices.text(),
    };
    let columns: Vec<Column> =
        std::iter::once(Column::number("n", "People")).chain((0..more).map(|_| column(choices))).collect();
    let row = |choices: &mut Choices<'_>| -> Vec<Cell> {
        let count = Cell::Count(choices.number());
        std::iter::once(count).chain((0..more).map(|_| cell(choices))).collect()
    };
    Table {
        name: choices.text(),
        title: choices.text(),
        rows: (0..rows).map(|_| row(choices)).collect(),
        notes: (0..choices.below(3)).map(|_| choices.text()).collect(),
        columns,
    }
}

fn cell(choices: &mut Choices<'_>) -> Cell {
    match choices.below(14) {
        0 => Cell::Count(choices.number()),
        1 => Cell::Share(share(choices)),
        2 => Cell::ShareInterval(share(choices), share(choices)),
        3 => Cell::DurationUs(choices.number() as i64),
        4 => Cell::TimeUs(choices.number() as i64),
        5 => Cell::Amount(i128::from(choices.number() as i64) * i128::from(choices.number())),
        6 => Cell::Number(f64::from_bits(choices.number())),
        7 => Cell::Bar(share(choices)),
        8 => Cell::Missing,
        _ => Cell::Text(choices.text()),
    }
}

fn share(choices: &mut Choices<'_>) -> f64 {
    f64::from(choices.below(255)) / 254.0
}

/// The same document with every text replaced by `x`: what is left is what the program itself decides.
pub fn without_texts(blocks: &[Block]) -> Vec<Block> {
    let x = || "x".to_owned();
    blocks
        .iter()
        .map(|block| match block {
            Block::Funnel(_) => Block::Funnel(x()),
            Block::Heading(level, _) => Block::Heading(*level, x()),
            Block::Facts(facts) => Block::Facts(facts.iter().map(|_| (x(), x())).collect()),
            Block::Note(_) => Block::Note(x()),
            Block::Command(_) => Block::Command(x()),
            Block::Warning { .. } => Block::Warning { code: x(), text: x() },
            Block::Table(table) => Block::Table(Table {
                name: x(),
                title: if table.title.is_empty() { String::new() } else { x() },
                columns: table
                    .columns
                    .iter()
                    .map(|column| Column {
                        name: if column.name == "bar" { column.name.clone() } else { x() },
                        title: x(),
                        ..column.clone()
                    })
                    .collect(),
                rows: table.rows.iter().map(|row| row.iter().map(without_text).collect()).collect(),
                notes: table.notes.iter().map(|_| x()).collect(),
            }),
        })
        .collect()
}

fn without_text(cell: &Cell) -> Cell {
    if matches!(cell, Cell::Text(_)) { Cell::Text("x".to_owned()) } else { cell.clone() }
}

/// Whether a sign acts on a terminal or on the direction of text, rather than being shown.
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
