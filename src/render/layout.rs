//! How wide each column of a terminal table gets, and what gives way when they do not all fit.
//!
//! In this order: titles are wrapped, bars shrink, texts are wrapped, bars go, texts are cut, and at
//! last the table is cut into bands, each of which says again what its rows are. Numbers are never
//! cut. Knows only widths: what is drawn is `terminal`'s.

use super::width;

/// Columns between two columns.
pub const GAP: usize = 2;
/// A bar wider than this tells nothing more.
const BAR_MOST: usize = 32;
/// What a bar gets before titles are wrapped further, and what it keeps before it goes.
const BAR_GOOD: usize = 12;
const BAR_LEAST: usize = 6;
/// What a text keeps while bars are still drawn, and what it keeps in the end.
const TEXT_GOOD: usize = 20;
const TEXT_LEAST: usize = 12;
/// A word up to this long is kept whole while other texts can still be wrapped.
const WORD_GOOD: usize = 24;
/// Lines of a wrapped title.
const TITLE_LINES: usize = 4;

/// What a column needs.
#[derive(Debug, Clone, PartialEq)]
pub enum Need<'a> {
    /// Never narrower than its widest cell.
    Number {
        title: &'a str,
        cells: usize,
    },
    /// May be wrapped, and cut below its longest `word`, but not below `fixed`, the widest cell that
    /// is not text.
    Text {
        title: &'a str,
        cells: usize,
        word: usize,
        fixed: usize,
    },
    Bar {
        title: &'a str,
    },
}

/// The columns drawn side by side, with their widths.
pub type Band = Vec<(usize, usize)>;

/// Lays the columns out in `columns` terminal columns, in one band if that is possible.
pub fn bands(needs: &[Need<'_>], columns: usize) -> Vec<Band> {
    let with_bars: Vec<usize> = (0..needs.len()).collect();
    let without_bars: Vec<usize> =
        with_bars.iter().copied().filter(|&index| !matches!(needs[index], Need::Bar { .. })).collect();
    let fits = |chosen: &[usize], allowance: Allowance| {
        let band: Band = chosen.iter().map(|&index| (index, needed(&needs[index], allowance))).collect();
        (total(&band) <= columns).then(|| vec![widen_bars(band, needs, columns)])
    };
    let whole = |title_lines, bar| Allowance { title_lines, bar, text: usize::MAX, word: usize::MAX };
    let wrapped = |bar, text| Allowance { title_lines: TITLE_LINES, bar, text, word: WORD_GOOD };
    let cut = |text| Allowance { title_lines: TITLE_LINES, bar: 0, text, word: 0 };
    (1..=TITLE_LINES)
        .find_map(|lines| fits(&with_bars, whole(lines, BAR_GOOD)))
        .or_else(|| fits(&with_bars, whole(TITLE_LINES, BAR_LEAST)))
        .or_else(|| (TEXT_GOOD..=columns).rev().find_map(|text| fits(&with_bars, wrapped(BAR_LEAST, text))))
        .or_else(|| (1..=TITLE_LINES).find_map(|lines| fits(&without_bars, whole(lines, 0))))
        .or_else(|| (TEXT_LEAST..=columns).rev().find_map(|text| fits(&without_bars, wrapped(0, text))))
        .or_else(|| (TEXT_LEAST..=columns).rev().find_map(|text| fits(&without_bars, cut(text))))
        .unwrap_or_else(|| cut_in_bands(needs, &without_bars, columns))
}

/// What columns get in one attempt.
#[derive(Clone, Copy)]
struct Allowance {
    title_lines: usize,
    bar: usize,
    /// Text cells are wrapped to this, except that words up to `word` stay whole.
    text: usize,
    word: usize,
}

/// Terminal columns of a band with its gaps.
pub fn total(band: &Band) -> usize {
    band.iter().map(|(_, width)| width).sum::<usize>() + GAP * band.len().saturating_sub(1)
}

fn needed(need: &Need<'_>, allowance: Allowance) -> usize {
    let titled = |title| title_width(title, allowance.title_lines);
    match need {
        Need::Number { title, cells } => titled(title).max(*cells),
        Need::Text { title, cells, word, fixed } => {
            let natural = titled(title).max(*cells);
            let least = (*word).min(allowance.word).max(*fixed).max(1);
            natural.min(allowance.text).max(least)
        }
        Need::Bar { title } => titled(title).max(allowance.bar),
    }
}

/// The least width at which the title takes at most so many lines without breaking a word.
fn title_width(title: &str, lines: usize) -> usize {
    let least = width::longest_word(title);
    (least..width::width(title)).find(|&columns| width::wrap(title, columns).len() <= lines).unwrap_or_else(
        || {
            // One line, or fewer words than lines.
            width::width(title).max(least)
        },
    )
}

/// Gives what is left over to the bars, in equal parts.
fn widen_bars(mut band: Band, needs: &[Need<'_>], columns: usize) -> Band {
    let left_over = columns - total(&band);
    let is_bar = |index: usize| matches!(needs[index], Need::Bar { .. });
    let bars = band.iter().filter(|(index, _)| is_bar(*index)).count();
    for (_, width) in band.iter_mut().filter(|(index, _)| is_bar(*index)) {
        *width = (*width + left_over / bars).min(BAR_MOST.max(*width));
    }
    band
}

/// Repeats the columns that say what a row is (the first, or a number and the text behind it) before as
/// many others as fit. A number that is wider than what is left is drawn over the edge.
fn cut_in_bands(needs: &[Need<'_>], chosen: &[usize], columns: usize) -> Vec<Band> {
    let is_text = |index: &usize| matches!(needs[*index], Need::Text { .. });
    let is_numbered = chosen.len() > 2 && !is_text(&chosen[0]) && is_text(&chosen[1]);
    let (keys, others) = chosen.split_at(if is_numbered { 2 } else { chosen.len().min(1) });
    let allow = |text| Allowance { title_lines: TITLE_LINES, bar: 0, text, word: 0 };
    let key: Band = keys
        .iter()
        .map(|&index| (index, needed(&needs[index], allow(TEXT_LEAST.max(columns / 3)))))
        .collect();
    let room = columns.saturating_sub(total(&key) + GAP).max(1);
    let mut bands = Vec::new();
    let mut band = key.clone();
    for &index in others {
        let width = needed(&needs[index], allow(room));
        if band.len() > key.len() && total(&band) + GAP + width > columns {
            bands.push(std::mem::replace(&mut band, key.clone()));
        }
        band.push((index, width));
    }
    bands.push(band);
    bands
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(title: &str, cells: usize) -> Need<'_> {
        Need::Number { title, cells }
    }

    fn text(title: &str, cells: usize) -> Need<'_> {
        Need::Text { title, cells, word: cells, fixed: 0 }
    }

    #[test]
    fn what_fits_is_left_alone() {
        let needs = [text("Step", 8), number("of previous", 7)];
        assert_eq!(bands(&needs, 21), [[(0, 8), (1, 11)]]);
        assert_eq!(bands(&needs, 80), [[(0, 8), (1, 11)]]);
    }

    #[test]
    fn titles_are_wrapped_first() {
        let needs = [text("Step", 8), number("of previous", 7)];
        // "of" above "previous": 8 columns.
        assert_eq!(bands(&needs, 20), [[(0, 8), (1, 8)]]);
        assert_eq!(bands(&needs, 18), [[(0, 8), (1, 8)]]);
    }

    #[test]
    fn then_texts_and_never_numbers() {
        let needs = [text("Step", 30), number("n", 9)];
        assert_eq!(bands(&needs, 41), [[(0, 30), (1, 9)]]);
        assert_eq!(bands(&needs, 40), [[(0, 29), (1, 9)]]);
        assert_eq!(bands(&needs, 23), [[(0, 12), (1, 9)]]);
        // Below that a band cannot help a single number: it is drawn over the edge, whole.
        assert_eq!(bands(&needs, 22), [[(0, 12), (1, 9)]]);
        let in_text_column = [Need::Text { title: "Value", cells: 30, word: 30, fixed: 15 }];
        assert_eq!(bands(&in_text_column, 5), [[(0, 15)]]);
    }

    #[test]
    fn sentences_are_wrapped_before_words_are_cut() {
        let needs = [text("Column", 19), Need::Text { title: "Evidence", cells: 50, word: 7, fixed: 0 }];
        assert_eq!(bands(&needs, 71), [[(0, 19), (1, 50)]]);
        assert_eq!(bands(&needs, 40), [[(0, 19), (1, 19)]]);
        assert_eq!(bands(&needs, 33), [[(0, 19), (1, 12)]]);
        assert_eq!(bands(&needs, 32), [[(0, 15), (1, 15)]]);
    }

    #[test]
    fn bars_take_what_is_left_and_go_when_it_is_too_little() {
        let needs = [text("Step", 10), number("n", 6), Need::Bar { title: "" }];
        assert_eq!(bands(&needs, 80), [[(0, 10), (1, 6), (2, 32)]]);
        assert_eq!(bands(&needs, 40), [[(0, 10), (1, 6), (2, 20)]]);
        assert_eq!(bands(&needs, 26), [[(0, 10), (1, 6), (2, 6)]]);
        assert_eq!(bands(&needs, 25), [[(0, 10), (1, 6)]]);
    }

    #[test]
    fn too_many_numbers_are_shown_in_bands_with_the_first_column_again() {
        let needs = [text("Step", 8), number("a", 8), number("b", 8), number("c", 8)];
        assert_eq!(bands(&needs, 38), [[(0, 8), (1, 8), (2, 8), (3, 8)]]);
        assert_eq!(bands(&needs, 37), [vec![(0, 8), (1, 8), (2, 8)], vec![(0, 8), (3, 8)]]);
        assert_eq!(bands(&needs, 1).len(), 3);
        let numbered = [number("#", 1), text("Step", 8), number("a", 8), number("b", 8)];
        assert_eq!(bands(&numbered, 30), [vec![(0, 1), (1, 8), (2, 8)], vec![(0, 1), (1, 8), (3, 8)]]);
    }

    #[test]
    fn nothing_needs_nothing() {
        assert_eq!(total(&bands(&[], 80)[0]), 0);
        assert_eq!(bands(&[Need::Bar { title: "" }], 3), [Band::new()]);
    }
}
