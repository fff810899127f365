//! An error in a condition or in a list of steps: what is wrong, where, and what to write instead.

use std::ops::Range;
use unicode_width::UnicodeWidthChar;

/// Cells of the line shown by [`SyntaxError::caret`]; longer lines are cut around the error.
const SHOWN_CELLS: usize = 80;
/// Cells kept before the error when a long line is cut.
const CELLS_BEFORE: usize = 40;

/// Why a text could not be read. `Display` gives the message alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// What is wrong, as part of a sentence.
    pub message: String,
    /// Byte offsets into the text that was read; empty where something is missing.
    pub span: Range<usize>,
    /// What to write instead.
    pub hint: Option<String>,
}

impl SyntaxError {
    pub(crate) fn new(message: impl Into<String>, span: Range<usize>) -> SyntaxError {
        SyntaxError { message: message.into(), span, hint: None }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> SyntaxError {
        self.hint = Some(hint.into());
        self
    }

    /// The same error for a text that holds the read one `bytes` further on.
    pub(crate) fn shifted(mut self, bytes: usize) -> SyntaxError {
        self.span = self.span.start.saturating_add(bytes)..self.span.end.saturating_add(bytes);
        self
    }

    /// Two lines without a final line break: the line of `text` that holds the start of the span,
    /// and carets under the span, by display width. Signs that could steer a terminal are replaced.
    pub fn caret(&self, text: &str) -> String {
        let start = floor_boundary(text, self.span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = floor_boundary(text, self.span.end).clamp(start, line_end);
        let (mut before, under) = (shown(&text[line_start..start]), shown(&text[start..end]));
        let after = shown(&text[end..line_end]);
        if width(&before) + width(&under) + width(&after) > SHOWN_CELLS && width(&before) > CELLS_BEFORE {
            before = format!("…{}", tail(&before, CELLS_BEFORE - 1));
        }
        let indent = width(&before);
        let line = cut(before + &under + &after, SHOWN_CELLS);
        let carets = width(&under).min(width(&line).saturating_sub(indent)).max(1);
        format!("{line}\n{}{}", " ".repeat(indent), "^".repeat(carets))
    }

    /// Message, [`caret`](SyntaxError::caret) and hint, each on lines of its own.
    pub fn explain(&self, text: &str) -> String {
        let mut whole = format!("{}\n{}", self.message, self.caret(text));
        if let Some(hint) = &self.hint {
            whole.push_str("\nhint: ");
            whole.push_str(hint);
        }
        whole
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The text with control and direction signs replaced: the text may come from a stranger's file.
fn shown(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| {
            if c == '\t' {
                ' '
            } else if steers(c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// The longest end of `text` that takes at most `cells`.
fn tail(text: &str, cells: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > cells {
            return &text[at + c.len_utf8()..];
        }
    }
    text
}

fn cut(text: String, cells: usize) -> String {
    if width(&text) <= cells {
        return text;
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used >= cells {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caret(text: &str, span: Range<usize>) -> String {
        SyntaxError::new("x", span).caret(text)
    }

    #[test]
    fn carets_lie_under_the_span() {
        assert_eq!(caret("a = b", 4..5), "a = b\n    ^");
        assert_eq!(caret("abc = b", 0..3), "abc = b\n^^^");
        assert_eq!(caret("a =", 3..3), "a =\n   ^");
        assert_eq!(caret("", 0..0), "\n^");
    }

    #[test]
    fn carets_count_cells_not_bytes() {
        // Two wide signs take four cells and six bytes.
        assert_eq!(caret("国家 == 1", 7..9), "国家 == 1\n     ^^");
        assert_eq!(caret("国家", 3..6), "国家\n  ^^");
        assert_eq!(caret("מחיר > x", 11..12), "מחיר > x\n       ^");
    }

    #[test]
    fn only_the_line_at_fault_is_shown() {
        assert_eq!(caret("a = 1\nand b\nor", 10..11), "and b\n    ^");
        assert_eq!(caret("ab\ncd", 1..5), "ab\n ^");
    }

    #[test]
    fn steering_signs_are_replaced() {
        assert_eq!(caret("\u{1b}[2J\u{202e}\tx", 8..9), "\u{fffd}[2J\u{fffd} x\n      ^");
    }

    #[test]
    fn long_lines_are_cut_around_the_error() {
        let text = format!("{}!{}", "a".repeat(100), "b".repeat(100));
        let shown = caret(&text, 100..101);
        let expected = format!("…{}!{}…\n{}^", "a".repeat(39), "b".repeat(38), " ".repeat(40));
        assert_eq!(shown, expected);
    }

    #[test]
    fn offsets_outside_the_text_or_inside_a_letter_do_no_harm() {
        assert_eq!(caret("é", 1..99), "é\n^");
        assert_eq!(caret("é", 50..99), "é\n ^");
    }

    #[test]
    fn explanation_has_message_caret_and_hint() {
        let error = SyntaxError::new("bad", 0..1).with_hint("good");
        assert_eq!(error.explain("a"), "bad\na\n^\nhint: good");
        assert_eq!(error.shifted(2).span, 2..3);
    }
}
