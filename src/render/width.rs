//! How many terminal columns a text takes, and cutting and wrapping by that measure.
//!
//! Text is measured by clusters (a character with the marks, joiners and modifiers behind it), so that a
//! cut never separates what is drawn as one. Expects text without controls. Leaves out the
//! reordering of right-to-left text, which is the terminal's.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const ZERO_WIDTH_JOINER: char = '\u{200d}';

/// The text in pieces that are drawn as one.
fn clusters(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut chars = rest.char_indices();
        let (_, mut previous) = chars.next()?;
        let mut flag_halves = usize::from(is_flag_half(previous));
        let mut end = rest.len();
        for (at, c) in chars {
            let joins = previous == ZERO_WIDTH_JOINER && at > ZERO_WIDTH_JOINER.len_utf8();
            let completes_flag = flag_halves == 1 && is_flag_half(previous) && is_flag_half(c);
            if !(joins || completes_flag || is_skin_tone(c) || c.width() == Some(0)) {
                end = at;
                break;
            }
            flag_halves += usize::from(completes_flag);
            previous = c;
        }
        let (cluster, behind) = rest.split_at(end);
        rest = behind;
        Some(cluster)
    })
}

fn is_flag_half(c: char) -> bool {
    ('\u{1f1e6}'..='\u{1f1ff}').contains(&c)
}

fn is_skin_tone(c: char) -> bool {
    ('\u{1f3fb}'..='\u{1f3ff}').contains(&c)
}

/// Columns that `text` takes.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { clusters(text).map(UnicodeWidthStr::width).sum() }
}

/// Whether the text holds a letter that is written from right to left.
pub fn is_right_to_left(text: &str) -> bool {
    text.chars().any(|c| {
        matches!(c, '\u{0590}'..='\u{08ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
            | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
    })
}

/// The longest start of `text` that takes at most `columns`.
fn start(text: &str, columns: usize) -> &str {
    let mut taken = 0;
    let mut end = 0;
    for cluster in clusters(text) {
        taken += cluster.width();
        if taken > columns {
            break;
        }
        end += cluster.len();
    }
    &text[..end]
}

/// `text`, or its start and `ellipsis`, in at most `columns`.
pub fn truncate(text: &str, columns: usize, ellipsis: &str) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let ellipsis = start(ellipsis, columns);
    format!("{}{ellipsis}", start(text, columns - width(ellipsis)).trim_end())
}

/// `text` in lines of at most `columns` (at least 1), broken at blanks, but not between a number and its
/// per cent sign; a word that is longer is broken inside. Runs of blanks become one. Always at
/// least one line; a character wider than `columns` has a line to itself.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in words(text) {
        if !line.is_empty() && width(&line) + 1 + width(&word) <= columns {
            line.push(' ');
            line.push_str(&word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        let mut rest = word.as_str();
        while width(rest) > columns {
            let mut head = start(rest, columns);
            if head.is_empty() {
                head = clusters(rest).next().unwrap_or(rest);
            }
            lines.push(head.to_owned());
            rest = &rest[head.len()..];
        }
        line.push_str(rest);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// The pieces between blanks; a per cent sign belongs to the number before it.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match words.last_mut() {
            Some(number) if word.starts_with('%') && number.ends_with(|c: char| c.is_ascii_digit()) => {
                number.push(' ');
                number.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// Columns of the widest word.
pub fn longest_word(text: &str) -> usize {
    words(text).iter().map(|word| width(word)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_scripts_and_emoji() {
        let cases = [
            ("", 0),
            ("view", 4),
            ("עגלה", 4),
            ("עֲגָלָה", 4),
            ("買い物", 6),
            ("🛒", 2),
            ("👩\u{200d}💻", 2),
            ("👍🏽", 2),
            ("🇮🇱", 2),
            ("🇮🇱🇫🇷", 4),
            ("e\u{301}", 1),
            ("12 %", 4),
        ];
        for (text, columns) in cases {
            assert_eq!(width(text), columns, "{text:?}");
        }
    }

    #[test]
    fn cuts_fall_between_clusters() {
        assert_eq!(truncate("purchase", 8, "…"), "purchase");
        assert_eq!(truncate("purchase", 7, "…"), "purcha…");
        assert_eq!(truncate("purchase", 1, "…"), "…");
        assert_eq!(truncate("purchase", 0, "…"), "");
        assert_eq!(truncate("purchase", 7, "..."), "purc...");
        assert_eq!(truncate("purchase", 2, "..."), "..");
        assert_eq!(truncate("a purchase", 3, "…"), "a…");
        // A wide character that does not fit is left out whole, so one column may stay free.
        assert_eq!(truncate("買い物", 5, "…"), "買い…");
        assert_eq!(truncate("買い物", 4, "…"), "買…");
        assert_eq!(truncate("👩\u{200d}💻👩\u{200d}💻", 3, "…"), "👩\u{200d}💻…");
        assert_eq!(truncate("e\u{301}e\u{301}e\u{301}", 2, "…"), "e\u{301}…");
        assert_eq!(truncate("a🇮🇱🇫🇷", 3, "…"), "a…");
    }

    #[test]
    fn lines_break_at_blanks() {
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("of first", 8), ["of first"]);
        assert_eq!(wrap("of first", 7), ["of", "first"]);
        assert_eq!(wrap("  of   first ", 20), ["of first"]);
        assert_eq!(wrap("a abcdefgh b", 3), ["a", "abc", "def", "gh", "b"]);
        assert_eq!(wrap("買い", 1), ["買", "い"]);
        assert_eq!(wrap("ab", 0), ["a", "b"]);
        assert_eq!(wrap("rejected (0.37 %) of 5", 15), ["rejected", "(0.37 %) of 5"]);
    }

    #[test]
    fn longest_word_is_the_least_width_of_a_wrap() {
        assert_eq!(longest_word("of previous step"), 8);
        assert_eq!(longest_word(""), 0);
    }

    #[test]
    fn hebrew_and_arabic_run_from_the_right() {
        assert!(is_right_to_left("step עגלה"));
        assert!(is_right_to_left("سلة"));
        assert!(!is_right_to_left("Warenkörbe 買い物 12"));
    }
}
