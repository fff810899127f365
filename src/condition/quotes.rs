//! Quoted texts: signs between two quotes, the quote itself written twice.

use std::fmt;

/// Reads the quoted text at the start of `text`: what it means, and the bytes it takes with its
/// quotes. `None` if it is never closed. The caller has seen the opening quote, an ASCII sign.
pub(crate) fn read_quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut meant = String::new();
    let mut signs = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = signs.next() {
        if c != quote {
            meant.push(c);
        } else if signs.next_if(|&(_, next)| next == quote).is_some() {
            meant.push(quote);
        } else {
            return Some((meant, at + 1));
        }
    }
    None
}

/// Writes a text in single quotes.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\'', "''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_inside_are_doubled() {
        for (text, meant, length) in
            [("'a' b", "a", 3), ("''", "", 2), ("'it''s'x", "it's", 7), ("''''", "'", 4), ("'א'", "א", 4)]
        {
            assert_eq!(read_quoted(text, '\''), Some((meant.to_owned(), length)), "{text}");
            assert_eq!(Quoted(meant).to_string(), text[..length]);
        }
        for text in ["'", "'a", "'''", "'a''"] {
            assert_eq!(read_quoted(text, '\''), None, "{text}");
        }
    }
}
