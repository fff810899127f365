//! The mark that keeps a text in a CSV cell from being a formula, put on by what is written and taken
//! off from lists of ids that are read: one after the other changes nothing.
//!
//! Characters as in OWASP, CSV Injection (CWE-1236).

use std::borrow::Cow;

fn starts_like_formula(text: &str) -> bool {
    let signs = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    text.starts_with(signs)
}

/// Puts `'` before what a spreadsheet would take for a formula, and before what would look as if that
/// had been done.
pub fn guarded(text: &str) -> Cow<'_, str> {
    if starts_like_formula(text.trim_start_matches('\'')) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text that was guarded.
pub fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| starts_like_formula(rest.trim_start_matches('\''))).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_mark_comes_off_again(text in "['=+x\n-]{0,5}") {
            let written = guarded(&text);
            prop_assert!(!starts_like_formula(&written));
            prop_assert_eq!(unguarded(&written), text.as_str());
        }
    }

    #[test]
    fn only_what_looks_like_a_formula_is_marked() {
        for (text, written) in [("u1", "u1"), ("'u1", "'u1"), ("-5", "'-5"), ("'=x", "''=x"), ("", "")] {
            assert_eq!(guarded(text), written);
        }
    }
}
