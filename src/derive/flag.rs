//! A rule as `--derive` takes it: `checkout=/checkout/*[status = 200]`.

use super::pattern::{PatternError, UrlPattern};
use super::{Rule, RuleError};
use crate::condition::{Condition, SyntaxError};
use std::str::FromStr;

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlagError {
    #[error("{0:?} is not EVENT=URL[CONDITION], such as 'checkout=/checkout/*[status = 200]'")]
    Form(String),
    #[error(transparent)]
    Rule(#[from] RuleError),
    #[error(transparent)]
    Pattern(#[from] PatternError),
    #[error("{}", .error.explain(.text))]
    Syntax { text: String, error: SyntaxError },
}

impl FromStr for Rule {
    type Err = FlagError;

    fn from_str(text: &str) -> Result<Rule, FlagError> {
        let (event, rest) = text.split_once('=').ok_or_else(|| FlagError::Form(text.to_owned()))?;
        if let Some(at) = open_bracket(rest) {
            let at = text.len() - rest.len() + at;
            let error = SyntaxError::new("the bracket of the condition is never closed", at..at + 1)
                .with_hint("a bracket of the URL itself is written %5B");
            return Err(FlagError::Syntax { text: text.to_owned(), error });
        }
        let rest = rest.trim();
        // The first bracket behind a pattern: hosts that are addresses have theirs before a path.
        let condition_at = rest.strip_suffix(']').and_then(|_| match rest.strip_prefix("//[") {
            Some(behind) => behind.find('[').map(|at| at + "//[".len()),
            None => rest.find('['),
        });
        let (pattern, condition) = match condition_at {
            Some(at) => (rest[..at].trim(), Some(&rest[at + 1..rest.len() - 1])),
            None => (rest, None),
        };
        let urls = if pattern.is_empty() { Vec::new() } else { vec![UrlPattern::parse(pattern)?] };
        let condition = condition
            .map(|text| {
                Condition::parse(text).map_err(|error| FlagError::Syntax { text: text.to_owned(), error })
            })
            .transpose()?;
        Ok(Rule::new(event.trim().to_owned(), urls, Vec::new(), condition)?)
    }
}

/// The first bracket that no other closes.
fn open_bracket(text: &str) -> Option<usize> {
    let mut open = Vec::new();
    for (at, sign) in text.char_indices() {
        match sign {
            '[' => open.push(at),
            ']' => {
                open.pop();
            }
            _ => {}
        }
    }
    open.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_and_written() {
        for (text, expected) in [
            ("checkout=/checkout/*", "checkout = /checkout/*"),
            (" pay = /pay [status=200] ", "pay = /pay [status = 200]"),
            ("error=[status >= 400]", "error = [status >= 400]"),
            ("cart=/index.php?page=cart", "cart = /index.php?page=cart"),
            ("local=//[::1]/a[status = 200]", "local = //[::1]/a [status = 200]"),
            ("found=/search?filter[name]=x", "found = /search?filter[name]=x"),
        ] {
            let rule: Rule = text.parse().expect(text);
            assert_eq!(rule.to_string(), expected);
        }
    }

    #[test]
    fn what_is_no_rule_says_why() {
        for (text, expected) in [
            ("/checkout", "\"/checkout\" is not EVENT=URL[CONDITION]"),
            ("=/checkout", "an event without a name"),
            ("pay=", "event \"pay\": nothing says which rows it is"),
            ("pay=checkout", "\"checkout\": a pattern starts with /"),
            ("pay=/pay[status >]", "expected a value, found the end"),
            ("e=/x[", "the bracket of the condition is never closed\ne=/x[\n    ^\nhint: a bracket of"),
            ("e=/x[a = 1", "the bracket of the condition is never closed\ne=/x[a = 1\n    ^"),
            ("e=//[::1]/x[a", "the bracket of the condition is never closed\ne=//[::1]/x[a\n           ^"),
        ] {
            let error = text.parse::<Rule>().expect_err(text).to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
