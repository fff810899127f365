//! Checks as one line: `step_conversion(purchase, Checkout) < 40%`.
//!
//! ```text
//! expression = metric [ "(" [ name { "," name } ] ")" ] threshold
//! name       = signs but , ) ' "  |  'any signs, '' for a quote'  |  "any signs"
//! ```
//!
//! Only cuts the text; what the words mean is settled by the caller.

use crate::condition::{SyntaxError, read_quoted};
use crate::definition::StepRef;

/// Most names that any metric takes: a funnel and a step.
const MOST_ARGUMENTS: usize = 2;

/// An expression, cut.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call<'a> {
    pub metric: &'a str,
    pub arguments: Vec<Argument>,
    pub threshold: &'a str,
}

/// A name in parentheses.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Argument {
    pub text: String,
    quoted: bool,
}

impl Argument {
    /// A bare whole number is a place; in quotes it is a name.
    pub(super) fn into_step(self) -> StepRef {
        match self.text.parse() {
            Ok(number) if !self.quoted => StepRef::Number(number),
            _ => StepRef::Name(self.text),
        }
    }
}

pub(super) fn parse(text: &str) -> Result<Call<'_>, SyntaxError> {
    let metric_end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    if metric_end == 0 {
        return Err(SyntaxError::new("a check starts with its metric", 0..0)
            .with_hint("write e.g. conversion(purchase) < 2.1%"));
    }
    let after_metric = skip_blanks(text, metric_end);
    let (arguments, end) = match text[after_metric..].starts_with('(') {
        true => read_arguments(text, after_metric)?,
        false => (Vec::new(), after_metric),
    };
    Ok(Call { metric: &text[..metric_end], arguments, threshold: &text[end..] })
}

/// The names in the parentheses that open at `open`, and the byte behind these.
fn read_arguments(text: &str, open: usize) -> Result<(Vec<Argument>, usize), SyntaxError> {
    let mut arguments = Vec::new();
    let mut at = skip_blanks(text, open + 1);
    if text[at..].starts_with(')') {
        return Ok((arguments, at + 1));
    }
    loop {
        let start = at;
        let (argument, end) = read_argument(text, start)?;
        if argument.text.is_empty() {
            return Err(SyntaxError::new("a name is empty", start..end));
        }
        if arguments.len() == MOST_ARGUMENTS {
            return Err(SyntaxError::new("more than a funnel and a step are named", start..end)
                .with_hint("names that hold a comma go in quotes"));
        }
        arguments.push(argument);
        at = skip_blanks(text, end);
        match text[at..].chars().next() {
            Some(',') => at = skip_blanks(text, at + 1),
            Some(')') => return Ok((arguments, at + 1)),
            Some(_) => {
                return Err(SyntaxError::new("expected a comma or a closing parenthesis", at..at)
                    .with_hint("names that hold quotes go in quotes"));
            }
            None => return Err(SyntaxError::new("the parenthesis is never closed", open..open + 1)),
        }
    }
}

fn read_argument(text: &str, start: usize) -> Result<(Argument, usize), SyntaxError> {
    let rest = &text[start..];
    if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '\'' | '"')) {
        return match read_quoted(rest, quote) {
            Some((text, length)) => Ok((Argument { text, quoted: true }, start + length)),
            None => Err(SyntaxError::new("the quote is never closed", start..start + 1)),
        };
    }
    let end = rest.find([',', ')', '\'', '"']).unwrap_or(rest.len());
    let name = rest[..end].trim_end();
    Ok((Argument { text: name.to_owned(), quoted: false }, start + name.len()))
}

fn skip_blanks(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> (&str, Vec<String>, &str) {
        let call = parse(text).unwrap();
        let arguments = call.arguments.into_iter().map(|argument| argument.text).collect();
        (call.metric, arguments, call.threshold)
    }

    #[test]
    fn texts_are_cut_where_they_should_be() {
        for (text, metric, arguments, threshold) in [
            ("conversion < 2.1%", "conversion", vec![], "< 2.1%"),
            ("conversion<2.1%", "conversion", vec![], "<2.1%"),
            ("conversion() < 1%", "conversion", vec![], " < 1%"),
            ("conversion (purchase)< 1%", "conversion", vec!["purchase"], "< 1%"),
            ("reached( purchase , cart|add* ) > 3", "reached", vec!["purchase", "cart|add*"], " > 3"),
            ("reached('a, (b)', \"it's\") > 3", "reached", vec!["a, (b)", "it's"], " > 3"),
            ("reached('it''s') > 3", "reached", vec!["it's"], " > 3"),
            ("reached(קניה, Add to cart) > 3", "reached", vec!["קניה", "Add to cart"], " > 3"),
            ("conversion", "conversion", vec![], ""),
        ] {
            let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
            assert_eq!(cut(text), (metric, arguments, threshold), "{text}");
        }
    }

    #[test]
    fn faults_point_at_their_place() {
        for (text, message, span) in [
            ("", "a check starts with its metric", 0..0),
            ("< 2%", "a check starts with its metric", 0..0),
            ("conversion(a < 2%", "the parenthesis is never closed", 10..11),
            ("conversion(", "a name is empty", 11..11),
            ("conversion(,a) < 2%", "a name is empty", 11..11),
            ("conversion(a,) < 2%", "a name is empty", 13..13),
            ("conversion('') < 2%", "a name is empty", 11..13),
            ("conversion('a) < 2%", "the quote is never closed", 11..12),
            ("conversion('a'b) < 2%", "expected a comma or a closing parenthesis", 14..14),
            ("conversion(a'b') < 2%", "expected a comma or a closing parenthesis", 12..12),
            ("reached(a, b, c) < 2", "more than a funnel and a step are named", 14..15),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!((error.to_string().as_str(), error.span), (message, span), "{text}");
        }
    }

    #[test]
    fn a_bare_number_is_a_place_and_a_quoted_one_a_name() {
        let step = |text: &str| parse(text).unwrap().arguments.pop().unwrap().into_step();
        assert_eq!(step("reached(2)"), StepRef::Number(2));
        assert_eq!(step("reached('2')"), StepRef::Name("2".to_owned()));
        assert_eq!(step("reached(2nd)"), StepRef::Name("2nd".to_owned()));
        let too_large = "99999999999999999999";
        assert_eq!(step(&format!("reached({too_large})")), StepRef::Name(too_large.to_owned()));
    }
}
