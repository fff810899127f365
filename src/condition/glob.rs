//! The one pattern form of the program: `*` stands for any run of signs, all else for itself.
//!
//! There is no sign for "one letter" (`?` marks optional steps) and none that escapes `*`: where a
//! literal star is meant, an exact comparison or a quoted name says so.

/// A pattern over a whole text, case-sensitive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    text: String,
}

impl Glob {
    pub fn new(text: impl Into<String>) -> Glob {
        Glob { text: text.into() }
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole of `text` fits. Allocates nothing; never slower than pattern times text.
    pub fn matches(&self, text: &[u8]) -> bool {
        let mut pieces = self.text.as_bytes().split(|&byte| byte == b'*');
        let first = pieces.next().unwrap_or_default();
        let Some(last) = pieces.next_back() else {
            return text == first;
        };
        let Some(rest) = text.strip_prefix(first) else { return false };
        let Some(mut rest) = rest.strip_suffix(last) else { return false };
        // Taking the earliest place of each piece leaves the most room for the ones after it.
        for piece in pieces {
            let Some(at) = memchr::memmem::find(rest, piece) else { return false };
            rest = &rest[at + piece.len()..];
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Glob::new(pattern).matches(text.as_bytes())
    }

    #[test]
    fn stars_stand_for_any_run() {
        for (pattern, text, expected) in [
            ("checkout*", "checkout", true),
            ("checkout*", "checkout_step", true),
            ("checkout*", "checkou", false),
            ("*_paid", "order_paid", true),
            ("*_paid", "order_paid_late", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
            ("ab*ba", "abba", true),
            ("*", "", true),
            ("**", "x", true),
            ("", "", true),
            ("", "x", false),
            ("View", "view", false),
            ("a?c", "abc", false),
            ("a?c", "a?c", true),
            ("*ת", "עגלת", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }

    /// The textbook recursion, built differently on purpose.
    fn matches_by_search(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some(b'*'), _) => {
                matches_by_search(&pattern[1..], text)
                    || (!text.is_empty() && matches_by_search(pattern, &text[1..]))
            }
            (Some(p), Some(t)) if p == t => matches_by_search(&pattern[1..], &text[1..]),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn equals_the_textbook_recursion(pattern in "[ab*]{0,7}", text in "[ab]{0,9}") {
            let expected = matches_by_search(pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(matches(&pattern, &text), expected);
        }
    }
}
