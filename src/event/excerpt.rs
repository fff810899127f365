//! Text of the input inside messages. Whoever puts some into a message marks it here, so that one place
//! ([`crate::cli::Failure::without_text`]) can leave it out where ids are not to be printed, whatever the
//! message is about.

use std::fmt::Display;

/// What stands for text that is left out.
pub const LEFT_OUT: &str = "(left out)";

/// Around marked text. No text holds these code points; data that does loses them, in messages alone.
const FIRST: char = '\u{fdd0}';
const LAST: char = '\u{fdd1}';

/// Text of the input, marked as such.
pub fn excerpt(text: impl Display) -> String {
    format!("{FIRST}{}{LAST}", without_marks(&text.to_string()))
}

/// The same in quotes, with what does not print escaped.
pub fn quoted(text: &str) -> String {
    excerpt(format_args!("{text:?}"))
}

/// A message with the text of the input.
pub fn shown(message: &str) -> String {
    without_marks(message)
}

/// A message without the text of the input.
pub fn hidden(message: &str) -> String {
    let mut parts = message.split(FIRST);
    let mut hidden = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // The end of what is marked may be cut off, and is marked all the same.
        let behind = part.split_once(LAST).map_or("", |(_, behind)| behind);
        hidden.push_str(LEFT_OUT);
        hidden.push_str(behind);
    }
    hidden
}

fn without_marks(text: &str) -> String {
    text.replace([FIRST, LAST], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_text_is_shown_or_left_out() {
        let message = format!("no column {}, but {}.", excerpt("`ann`"), quoted("a\"b"));
        assert_eq!(shown(&message), "no column `ann`, but \"a\\\"b\".");
        assert_eq!(hidden(&message), "no column (left out), but (left out).");
        assert_eq!(hidden("nothing of the input"), "nothing of the input");
    }

    #[test]
    fn data_cannot_end_its_mark() {
        let message = format!("it has {} there", excerpt("a\u{fdd1}ann\u{fdd0}b"));
        assert_eq!(shown(&message), "it has aannb there");
        assert_eq!(hidden(&message), "it has (left out) there");
        assert_eq!(hidden(&message[..message.len() - 10]), "it has (left out)");
    }
}
