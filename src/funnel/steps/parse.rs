//! Reads a list of steps; see the grammar of the parent module.

use super::{EventPattern, EventSpec, SIGNS, StepSpec, StepTerms, check_steps, default_name};
use crate::condition::{Condition, SyntaxError, read_quoted};
use crate::funnel::conflict::Setting;
use std::ops::Range;

/// Reads `view, cart|add_to_cart, checkout*[price > 0], purchase`. Spans of errors and steps are
/// byte offsets into `text`.
pub fn parse_steps(text: &str) -> Result<Vec<StepSpec>, SyntaxError> {
    let mut parser = Parser { text, at: 0 };
    let mut steps = Vec::new();
    let mut not = Vec::new();
    let mut not_span = 0..0;
    loop {
        parser.skip_blanks();
        let start = parser.at;
        if parser.take('!') {
            not.extend(parser.events()?);
            not_span = parser.span_from(start);
            if steps.is_empty() {
                let error = SyntaxError::new("a forbidden event lies between two steps", not_span);
                return Err(error.with_hint("write it after the step from which on it must not happen"));
            }
            if parser.peek() == Some('?') {
                return Err(SyntaxError::new("a forbidden event cannot be optional", parser.next_sign()));
            }
        } else {
            let mut step = parser.step()?;
            step.span = parser.span_from(start);
            // An optional step is no border of an exclusion: it goes to the next required one.
            if !step.optional {
                step.not = std::mem::take(&mut not);
            }
            steps.push(step);
        }
        parser.skip_blanks();
        match parser.peek() {
            None => break,
            Some(',') => parser.at += 1,
            Some(_) => return Err(parser.unexpected()),
        }
    }
    if !not.is_empty() && steps.last().is_some_and(|step| !step.optional) {
        let error = SyntaxError::new("a forbidden event lies between two steps", not_span);
        return Err(error.with_hint("write the step before which it must not happen behind it"));
    }
    match check_steps(&steps) {
        Ok(()) => Ok(steps),
        Err(conflict) => {
            let place = conflict.settings.iter().find_map(|setting| match setting {
                Setting::Step(place, _) => Some(steps[*place].span.clone()),
                _ => None,
            });
            let span = place.unwrap_or(0..text.len());
            Err(SyntaxError { message: conflict.reason, span, hint: conflict.hint.map(str::to_owned) })
        }
    }
}

/// Reads one pattern that fills the whole text.
pub(super) fn parse_pattern(text: &str) -> Result<EventPattern, SyntaxError> {
    let mut parser = Parser { text, at: 0 };
    parser.skip_blanks();
    let pattern = parser.pattern()?;
    parser.skip_blanks();
    match parser.peek() {
        None => Ok(pattern),
        Some('|') => {
            Err(parser.unexpected().with_hint("write a list: [\"a\", \"b\"], or quote the name: \"'a|b'\""))
        }
        Some('[') => Err(parser.unexpected().with_hint("write the condition under `where`")),
        Some(_) => Err(parser.unexpected()),
    }
}

struct Parser<'a> {
    text: &'a str,
    /// Byte offset of what is read next.
    at: usize,
}

impl<'a> Parser<'a> {
    /// `[ label "=" ] events [ "?" ]`, without span and exclusions.
    fn step(&mut self) -> Result<StepSpec, SyntaxError> {
        let label = self.label()?;
        let events = self.events()?;
        let optional = self.take('?');
        let name = label.unwrap_or_else(|| default_name(&events));
        Ok(StepSpec { name, events, optional, not: Vec::new(), terms: StepTerms::default(), span: 0..0 })
    }

    /// A name and the `=` behind it; takes nothing where there is no label.
    fn label(&mut self) -> Result<Option<String>, SyntaxError> {
        let start = self.at;
        let name = match self.peek() {
            Some('\'') => self.quoted()?,
            _ => self.bare().to_owned(),
        };
        self.skip_blanks();
        if self.peek() != Some('=') {
            self.at = start;
            return Ok(None);
        }
        if name.is_empty() {
            return Err(SyntaxError::new("a label is missing before `=`", self.next_sign()));
        }
        self.at += 1;
        self.skip_blanks();
        Ok(Some(name))
    }

    /// `part { "|" part }`
    fn events(&mut self) -> Result<Vec<EventSpec>, SyntaxError> {
        let mut events = Vec::new();
        loop {
            self.skip_blanks();
            self.part(&mut events)?;
            self.skip_blanks();
            if !self.take('|') {
                return Ok(events);
            }
        }
    }

    fn part(&mut self, events: &mut Vec<EventSpec>) -> Result<(), SyntaxError> {
        let opening = self.next_sign();
        if !self.take('(') {
            events.push(self.event()?);
            return Ok(());
        }
        let first = events.len();
        loop {
            self.skip_blanks();
            if self.peek() == Some('(') {
                let error =
                    SyntaxError::new("parentheses cannot be inside one another here", self.next_sign());
                return Err(error.with_hint("one pair is enough: (a|b|c)[condition]"));
            }
            events.push(self.event()?);
            self.skip_blanks();
            if !self.take('|') {
                break;
            }
        }
        if !self.take(')') {
            return Err(match self.peek() {
                Some(c) if c != ',' => self.unexpected(),
                _ => SyntaxError::new("this parenthesis is never closed", opening),
            });
        }
        if let Some(shared) = self.condition()? {
            events[first..].iter_mut().for_each(|event| event.require(&shared));
        }
        Ok(())
    }

    /// `pattern [ condition ]`, or a condition alone.
    fn event(&mut self) -> Result<EventSpec, SyntaxError> {
        let pattern = if self.peek() == Some('[') { EventPattern::Any } else { self.pattern()? };
        Ok(EventSpec { pattern, condition: self.condition()? })
    }

    fn pattern(&mut self) -> Result<EventPattern, SyntaxError> {
        let start = self.at;
        if self.peek() == Some('\'') {
            let name = self.quoted()?;
            if name.is_empty() {
                return Err(SyntaxError::new("an event's name cannot be empty", self.span_from(start)));
            }
            return Ok(EventPattern::Exact(name));
        }
        let name = self.bare();
        if !name.is_empty() {
            if name.starts_with('!') {
                let error = SyntaxError::new("`!` goes before a whole step", start..start + 1);
                return Err(error.with_hint("forbid each event by itself: a, !x, !y, b"));
            }
            return Ok(EventPattern::from_bare(name));
        }
        Err(match self.peek() {
            None if self.text.trim().is_empty() => SyntaxError::new("no step is given", 0..self.text.len())
                .with_hint("write the events in order: view, cart, purchase"),
            None => SyntaxError::new("an event is missing at the end", start..start),
            Some(',') => SyntaxError::new("an event is missing before this comma", self.next_sign()),
            Some(_) => self.unexpected(),
        })
    }

    /// `"[" condition "]"`, if there is one here.
    fn condition(&mut self) -> Result<Option<Condition>, SyntaxError> {
        let before = self.at;
        self.skip_blanks();
        let opening = self.next_sign();
        if !self.take('[') {
            self.at = before;
            return Ok(None);
        }
        let start = self.at;
        let length = closing_bracket(self.rest()).map_err(|quote| match quote {
            Some(at) => SyntaxError::new("this quote is never closed", start + at..start + at + 1),
            None => SyntaxError::new("this bracket is never closed", opening),
        })?;
        let condition = Condition::parse(&self.rest()[..length]).map_err(|error| error.shifted(start))?;
        self.at = start + length + 1;
        Ok(Some(condition))
    }

    /// The bare name that comes next, without the blanks around it; may be empty.
    fn bare(&mut self) -> &'a str {
        let rest = self.rest();
        let name = rest[..rest.find(SIGNS).unwrap_or(rest.len())].trim_end();
        self.at += name.len();
        name
    }

    fn quoted(&mut self) -> Result<String, SyntaxError> {
        let start = self.at;
        let Some((name, length)) = read_quoted(self.rest(), '\'') else {
            return Err(SyntaxError::new("this quote is never closed", start..start + 1)
                .with_hint("a quote inside a name is written twice: 'it''s'"));
        };
        self.at += length;
        Ok(name)
    }

    fn unexpected(&self) -> SyntaxError {
        let found = self.peek().unwrap_or(' ');
        let error = SyntaxError::new(format!("`{found}` is not expected here"), self.next_sign());
        match found {
            '?' => error.with_hint("`?` ends an optional step; a name that holds it goes in quotes: 'name?'"),
            '=' => error.with_hint("`=` stands once, behind a label; a name that holds it goes in quotes"),
            '"' => error.with_hint("names go in single quotes: 'name'"),
            '\'' => error.with_hint("quote the whole name, a quote inside is written twice: 'it''s'"),
            '[' | '(' | ')' | ']' => error.with_hint("a name that holds brackets goes in quotes: 'name (x)'"),
            _ => error.with_hint("put a comma between steps, `|` between alternatives"),
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, sign: char) -> bool {
        let found = self.peek() == Some(sign);
        if found {
            self.at += sign.len_utf8();
        }
        found
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn next_sign(&self) -> Range<usize> {
        self.at..self.at + self.peek().map_or(0, char::len_utf8)
    }

    /// From `start` to what was read last, without blanks at the end.
    fn span_from(&self, start: usize) -> Range<usize> {
        start..start + self.text[start..self.at].trim_end().len()
    }
}

/// Byte offset of the `]` that ends a condition, outside quotes. Otherwise the offset of the quote
/// that is never closed, if one is to blame.
fn closing_bracket(text: &str) -> Result<usize, Option<usize>> {
    let mut open: Option<(usize, char)> = None;
    for (at, c) in text.char_indices() {
        match open {
            // A doubled quote closes and opens again, which comes to the same.
            Some((_, quote)) if quote == c => open = None,
            Some(_) => {}
            None if matches!(c, '\'' | '"' | '`') => open = Some((at, c)),
            None if c == ']' => return Ok(at),
            None => {}
        }
    }
    Err(open.map(|(at, _)| at))
}

#[cfg(test)]
mod tests {
    use super::super::display_steps;
    use super::*;
    use crate::condition::Glob;
    use proptest::prelude::*;

    fn error(text: &str) -> SyntaxError {
        parse_steps(text).expect_err(text)
    }

    fn canonical(text: &str) -> String {
        display_steps(&parse_steps(text).unwrap_or_else(|error| panic!("{}", error.explain(text))))
    }

    #[test]
    fn the_line_of_the_manual() {
        let text = "view, cart|add_to_cart, checkout*[price > 0], purchase";
        let steps = parse_steps(text).expect("sound");
        let names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["view", "cart|add_to_cart", "checkout*[price > 0]", "purchase"]);
        assert_eq!(steps[1].events.len(), 2);
        assert_eq!(steps[2].events[0].pattern, EventPattern::Glob(Glob::new("checkout*")));
        assert_eq!(steps[2].events[0].condition, Condition::parse("price > 0").ok());
        assert_eq!(&text[steps[1].span.clone()], "cart|add_to_cart");
        assert_eq!(display_steps(&steps), text);
    }

    #[test]
    fn display_is_canonical() {
        for (text, expected) in [
            (" a ,b ", "a, b"),
            ("a , b?  , c", "a, b?, c"),
            ("a, !x, !y|z[p=1], b", "a, !x, !y, !z[p = 1], b"),
            ("a, !x, b?, c", "a, b?, !x, c"),
            ("a, b?, ! x, c", "a, b?, !x, c"),
            ("(a|b[x=1])[y=2], c", "a[y = 2]|b[x = 1 and y = 2], c"),
            ("[x=1], ![ y = ']' ], b", "*[x = 1], !*[y = ']'], b"),
            ("Pay = checkout* | pay, b", "Pay=checkout*|pay, b"),
            ("'My, step'='a|b', b", "'My, step'='a|b', b"),
            ("a|b=c, d", "error"),
            ("'plain', 'a*', 'it''s', ' x'", "plain, 'a*', 'it''s', ' x'"),
            ("Added to Cart, Sign up!, b", "Added to Cart, Sign up!, b"),
            ("a=a, b", "a, b"),
            ("***, b", "*, b"),
            ("צפייה, קנייה", "צפייה, קנייה"),
            ("a[b in ('x', \"]\")], c", "error"),
        ] {
            match parse_steps(text) {
                Ok(steps) => assert_eq!(display_steps(&steps), expected, "{text}"),
                Err(_) => assert_eq!(expected, "error", "{text}"),
            }
        }
    }

    #[test]
    fn exclusions_lie_with_the_required_step_after_them() {
        let steps = parse_steps("a, !x, b?, !y, c").expect("sound");
        let not = |k: usize| steps[k].not.iter().map(EventSpec::to_string).collect::<Vec<_>>();
        assert_eq!((not(0), not(1), not(2)), (vec![], vec![], vec!["x".to_owned(), "y".to_owned()]));
    }

    #[test]
    fn errors_point_at_the_sign() {
        for (text, span) in [
            ("", 0..0),
            ("  ", 0..2),
            ("a,,b", 2..3),
            ("a, b,", 5..5),
            (",a", 0..1),
            ("a|", 2..2),
            ("a|,b", 2..3),
            ("a?, b", 0..2),
            ("a, b ?", 3..6),
            ("a, !x", 3..5),
            ("!x, a", 0..2),
            ("a, !x?, b", 5..6),
            ("a, !a, b", 7..8),
            ("a[x = 1, b", 1..2),
            ("a[x = 'y, b]", 6..7),
            ("a[x == 1], b", 4..6),
            ("a, b[price >]", 12..12),
            ("a[x=1", 1..2),
            ("a], b", 1..2),
            ("a), b", 1..2),
            ("(a, b", 0..1),
            ("((a)), b", 1..2),
            ("'a, b", 0..1),
            ("'', b", 0..2),
            ("=a, b", 0..1),
            ("x=y=a, b", 3..4),
            ("\"a\", b", 0..1),
            ("user's cart, b", 4..5),
            ("/page?x, b", 6..7),
            ("a|!b, c", 2..3),
            ("a 'b', c", 2..3),
            ("a??, b", 2..3),
        ] {
            assert_eq!(error(text).span, span, "{text}: {}", error(text));
        }
    }

    #[test]
    fn one_pattern_per_string_of_a_definition_file() {
        assert_eq!(parse_pattern(" a b "), Ok(EventPattern::Exact("a b".to_owned())));
        assert_eq!(parse_pattern("*"), Ok(EventPattern::Any));
        for text in ["a|b", "a[x = 1]", "a, b", "", "a?", "!a"] {
            assert!(parse_pattern(text).is_err(), "{text}");
        }
    }

    fn events() -> impl Strategy<Value = Vec<EventSpec>> {
        let pattern = prop_oneof![
            "[ -~א-ת]{1,6}".prop_map(EventPattern::Exact),
            "[a-c]{0,2}\\*[a-c]{1,2}".prop_map(|text| EventPattern::Glob(Glob::new(text))),
            Just(EventPattern::Any),
        ];
        let condition = prop::option::of(prop_oneof![
            Just("a = ']'"),
            Just("b > 1 and c ~ 'x*'"),
            Just("d = 1 or e is null"),
            Just("\"]'\" = '\"'"),
        ]);
        let event = (pattern, condition).prop_map(|(pattern, condition)| EventSpec {
            pattern,
            condition: condition.and_then(|text| Condition::parse(text).ok()),
        });
        prop::collection::vec(event, 1..3)
    }

    fn funnels() -> impl Strategy<Value = Vec<StepSpec>> {
        let step = (prop::option::of("[ -~]{1,5}"), events(), any::<bool>(), prop::option::of(events()));
        prop::collection::vec(step, 1..5).prop_map(|parts| {
            let last = parts.len() - 1;
            let mut steps = Vec::new();
            for (k, (label, events, optional, not)) in parts.into_iter().enumerate() {
                let optional = optional && k > 0 && k < last;
                let not = if optional || k == 0 { Vec::new() } else { not.unwrap_or_default() };
                let name = label.unwrap_or_else(|| default_name(&events));
                let terms = StepTerms::default();
                steps.push(StepSpec { name, events, optional, not, terms, span: 0..0 });
            }
            steps
        })
    }

    proptest! {
        #[test]
        fn canonical_text_reads_back_equal(steps in funnels()) {
            prop_assume!(check_steps(&steps).is_ok());
            let text = display_steps(&steps);
            let mut read = parse_steps(&text).map_err(|error| TestCaseError::fail(error.explain(&text)))?;
            read.iter_mut().for_each(|step| step.span = 0..0);
            prop_assert_eq!(read, steps);
        }

        #[test]
        fn no_text_panics(text in "([a-c*,|!?=()' ]|\\[a = 1\\]|\\[|\\]|'a'|.){0,16}") {
            match parse_steps(&text) {
                Ok(_) => prop_assert_eq!(canonical(&canonical(&text)), canonical(&text)),
                Err(error) => {
                    prop_assert!(error.span.start <= error.span.end && error.span.end <= text.len());
                    prop_assert!(!error.explain(&text).is_empty());
                }
            }
        }
    }
}
