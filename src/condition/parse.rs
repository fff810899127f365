//! Reads the text of a condition into its tree, by descent; see the grammar of the parent module.

use super::decimal::Decimal;
use super::{Glob, Literal, Node, Operator, Quoted, SyntaxError, joined, read_quoted};
use std::ops::Range;

/// Parentheses and `not`s inside one another; beyond, a text would be a threat to the stack.
const MAX_DEPTH: usize = 64;

const KEYWORDS: [&str; 6] = ["and", "or", "not", "in", "is", "null"];

/// Quotes that word processors put in place of straight ones.
const CURLY_QUOTES: [char; 6] = ['‘', '’', '“', '”', '„', '׳'];

pub(super) fn parse(text: &str) -> Result<Node, SyntaxError> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let root = parser.any_of()?;
    parser.skip_blanks();
    match parser.peek() {
        None => Ok(root),
        Some(')') => Err(SyntaxError::new("this parenthesis was never opened", parser.next_sign())),
        Some(_) => Err(parser.unexpected_after_test()),
    }
}

/// Whether the name may stand without quotes.
pub(super) fn is_bare_column(name: &str) -> bool {
    name.starts_with(starts_column) && name.chars().all(continues_column) && !is_keyword(name)
}

fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

fn starts_column(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '$') || (!c.is_ascii() && c.is_alphabetic())
}

fn continues_column(c: char) -> bool {
    starts_column(c) || matches!(c, '.' | '-')
}

struct Parser<'a> {
    text: &'a str,
    /// Byte offset of what is read next.
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// `all { "or" all }`
    fn any_of(&mut self) -> Result<Node, SyntaxError> {
        let first = self.all_of()?;
        let mut nodes = vec![first];
        while self.take_keyword("or") {
            nodes.push(self.all_of()?);
        }
        Ok(one_or_joined(Node::Or, nodes))
    }

    /// `one { "and" one }`
    fn all_of(&mut self) -> Result<Node, SyntaxError> {
        let first = self.one()?;
        let mut nodes = vec![first];
        while self.take_keyword("and") {
            nodes.push(self.one()?);
        }
        Ok(one_or_joined(Node::And, nodes))
    }

    fn one(&mut self) -> Result<Node, SyntaxError> {
        self.skip_blanks();
        let opening = self.next_sign();
        if self.take_keyword("not") {
            return self.deeper(opening, |parser| Ok(Node::Not(Box::new(parser.one()?))));
        }
        if !self.take("(") {
            let column = self.column()?;
            return self.test(column);
        }
        let node = self.deeper(opening.clone(), Self::any_of)?;
        self.skip_blanks();
        if self.take(")") {
            Ok(node)
        } else if self.peek().is_none() {
            Err(SyntaxError::new("this parenthesis is never closed", opening))
        } else {
            Err(self.unexpected_after_test())
        }
    }

    fn deeper(
        &mut self,
        opening: Range<usize>,
        read: impl FnOnce(&mut Self) -> Result<Node, SyntaxError>,
    ) -> Result<Node, SyntaxError> {
        if self.depth == MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} parentheses and `not`s inside one another");
            return Err(SyntaxError::new(message, opening));
        }
        self.depth += 1;
        let node = read(self)?;
        self.depth -= 1;
        Ok(node)
    }

    fn column(&mut self) -> Result<String, SyntaxError> {
        let start = self.at;
        match self.peek() {
            Some(quote @ ('"' | '`')) => {
                let name = self.quoted(quote)?;
                if name.is_empty() {
                    return Err(SyntaxError::new("a column name cannot be empty", start..self.at));
                }
                Ok(name)
            }
            Some(c) if starts_column(c) => {
                let word = self.take_word();
                if is_keyword(word) {
                    let error = SyntaxError::new(
                        format!("expected a column, found the word `{word}`"),
                        start..self.at,
                    );
                    return Err(error.with_hint(format!("a column of this name is written \"{word}\"")));
                }
                Ok(word.to_owned())
            }
            Some('\'') => {
                let name = self.quoted('\'')?;
                let error = SyntaxError::new("expected a column, found a text", start..self.at);
                Err(error.with_hint(format!("a column goes first, in \"double quotes\": \"{name}\"")))
            }
            None => Err(SyntaxError::new("expected a column, found the end", start..start)),
            Some('!') => Err(SyntaxError::new("expected a column, found `!`", self.next_sign())
                .with_hint("write `not` before the condition to turn it round")),
            Some(c) if CURLY_QUOTES.contains(&c) => Err(self.curly_quote()),
            Some(c) => Err(SyntaxError::new(format!("expected a column, found `{c}`"), self.next_sign())
                .with_hint("names with other signs than letters, digits, _ . $ - go in \"double quotes\"")),
        }
    }

    fn test(&mut self, column: String) -> Result<Node, SyntaxError> {
        self.skip_blanks();
        let start = self.at;
        if self.take_keyword("is") {
            let negated = self.take_keyword("not");
            if self.take_keyword("null") {
                return Ok(Node::IsNull { column, negated });
            }
            self.skip_blanks();
            return Err(SyntaxError::new("expected `null` after `is`", self.next_sign()));
        }
        let negated = self.take_keyword("not");
        if self.take_keyword("in") {
            return Ok(Node::In { column, values: self.list()?, negated });
        }
        if negated {
            return Err(SyntaxError::new("expected `in` after `not`", start..start + "not".len())
                .with_hint(format!("write `not` before the column to turn its test round: not {column} …")));
        }
        if self.take("~") {
            return self.glob(column);
        }
        let operator = self.operator()?;
        let value = self.value(&column, operator == Operator::NotEqual)?;
        Ok(Node::Compare { column, operator, value })
    }

    fn operator(&mut self) -> Result<Operator, SyntaxError> {
        for (wrong, right) in
            [("==", "="), ("<>", "!="), ("=~", "~"), ("!~", "not … ~"), ("=<", "<="), ("=>", ">=")]
        {
            if self.rest().starts_with(wrong) {
                let error = SyntaxError::new(
                    format!("`{wrong}` is not an operator here"),
                    self.at..self.at + wrong.len(),
                );
                return Err(error.with_hint(format!("write `{right}`")));
            }
        }
        for (sign, operator) in [
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("=", Operator::Equal),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ] {
            if self.take(sign) {
                return Ok(operator);
            }
        }
        let found = match self.peek() {
            None => "the end".to_owned(),
            Some(c) if starts_column(c) => format!("`{}`", self.word()),
            Some(c) => format!("`{c}`"),
        };
        let error = SyntaxError::new(format!("expected an operator, found {found}"), self.next_word());
        let hint = match self.word().to_ascii_lowercase().as_str() {
            "like" | "matches" | "contains" | "glob" => "patterns are written: column ~ 'part*'",
            "between" => "ranges are written: column >= 1 and column <= 9",
            _ => {
                "operators are = != < <= > >= ~, in (…), is null, is not null; a name with spaces goes in \"double quotes\""
            }
        };
        Err(error.with_hint(hint))
    }

    fn glob(&mut self, column: String) -> Result<Node, SyntaxError> {
        self.skip_blanks();
        let start = self.at;
        if self.peek() != Some('\'') {
            return Err(SyntaxError::new("expected a pattern in quotes after `~`", self.next_word())
                .with_hint("write it as 'part*'; `*` is any run of signs"));
        }
        let text = self.quoted('\'')?;
        if text.is_empty() {
            return Err(self.empty_text(start, &column, false));
        }
        Ok(Node::Glob { column, pattern: Glob::new(text) })
    }

    fn list(&mut self) -> Result<Vec<Literal>, SyntaxError> {
        self.skip_blanks();
        let opening = self.next_sign();
        if !self.take("(") {
            return Err(SyntaxError::new("expected a list in parentheses after `in`", opening)
                .with_hint("write it as in ('a', 'b', 3)"));
        }
        let mut values = Vec::new();
        loop {
            values.push(self.value("column", false)?);
            self.skip_blanks();
            if self.take(")") {
                return Ok(values);
            }
            if self.peek().is_none() {
                return Err(SyntaxError::new("this list is never closed", opening));
            }
            if !self.take(",") {
                return Err(SyntaxError::new("expected `,` or `)` in this list", self.next_word()));
            }
        }
    }

    fn value(&mut self, column: &str, not_equal: bool) -> Result<Literal, SyntaxError> {
        self.skip_blanks();
        let start = self.at;
        match self.peek() {
            Some('\'') => {
                let text = self.quoted('\'')?;
                if text.is_empty() {
                    return Err(self.empty_text(start, column, not_equal));
                }
                Ok(Literal::Text(text))
            }
            Some(c) if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => self.number(),
            Some('"') => {
                let text = self.quoted('"')?;
                let error =
                    SyntaxError::new("expected a value, found a name in double quotes", start..self.at);
                Err(error.with_hint(format!("texts go in single quotes: {}", Quoted(&text))))
            }
            Some(c) if starts_column(c) => {
                let word = self.take_word();
                let error =
                    SyntaxError::new(format!("expected a value, found the word `{word}`"), start..self.at);
                Err(error.with_hint(if word.eq_ignore_ascii_case("null") {
                    format!("write: {column} is {}null", if not_equal { "not " } else { "" })
                } else {
                    format!("texts go in single quotes: {}", Quoted(word))
                }))
            }
            None => Err(SyntaxError::new("expected a value, found the end", start..start)
                .with_hint("values are 'text' or numbers")),
            Some(c) if CURLY_QUOTES.contains(&c) => Err(self.curly_quote()),
            Some(c) => Err(SyntaxError::new(format!("expected a value, found `{c}`"), self.next_sign())
                .with_hint("values are 'text' or numbers")),
        }
    }

    fn number(&mut self) -> Result<Literal, SyntaxError> {
        let start = self.at;
        let mut after_power = false;
        let rest = self.rest();
        let length = rest
            .find(|c: char| {
                let goes_on = continues_column(c) || (c == '+' && (after_power || self.at == start));
                after_power = matches!(c, 'e' | 'E');
                !goes_on && c != '+'
            })
            .unwrap_or(rest.len());
        self.at += length;
        let word = &self.text[start..self.at];
        if Decimal::parse(word.as_bytes()).is_some() {
            return Ok(Literal::Number(word.to_owned()));
        }
        Err(SyntaxError::new(format!("`{word}` is not a number"), start..self.at)
            .with_hint(format!("texts go in single quotes: {}", Quoted(word))))
    }

    fn quoted(&mut self, quote: char) -> Result<String, SyntaxError> {
        let start = self.at;
        let Some((text, length)) = read_quoted(self.rest(), quote) else {
            return Err(SyntaxError::new("this quote is never closed", start..start + 1)
                .with_hint(format!("a quote inside is written twice: {quote}{quote}")));
        };
        self.at += length;
        Ok(text)
    }

    fn empty_text(&self, start: usize, column: &str, not_equal: bool) -> SyntaxError {
        SyntaxError::new("an empty text counts as null and cannot be compared with", start..self.at)
            .with_hint(format!("write: {column} is {}null", if not_equal { "not " } else { "" }))
    }

    fn curly_quote(&self) -> SyntaxError {
        SyntaxError::new("this is a curly quote", self.next_sign())
            .with_hint("use straight quotes: 'text', \"column\"")
    }

    fn unexpected_after_test(&self) -> SyntaxError {
        let hint = match self.peek() {
            Some('&') => "write `and`",
            Some('|') => "write `or`",
            Some(',') => "write `and` or `or` between conditions",
            _ => "join conditions with `and` or `or`",
        };
        SyntaxError::new("expected `and`, `or` or the end here", self.next_word()).with_hint(hint)
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    /// Takes the keyword, in any case, if it is the next whole word.
    fn take_keyword(&mut self, keyword: &str) -> bool {
        self.skip_blanks();
        let found = self.word().eq_ignore_ascii_case(keyword);
        if found {
            self.at += keyword.len();
        }
        found
    }

    /// The bare word that comes next; empty if none does.
    fn word(&self) -> &'a str {
        let rest = self.rest();
        if !rest.starts_with(starts_column) {
            return "";
        }
        &rest[..rest.find(|c| !continues_column(c)).unwrap_or(rest.len())]
    }

    fn take_word(&mut self) -> &'a str {
        let word = self.word();
        self.at += word.len();
        word
    }

    /// The span of the next sign; empty at the end.
    fn next_sign(&self) -> Range<usize> {
        self.at..self.at + self.peek().map_or(0, char::len_utf8)
    }

    /// The span of the next word, or of the next sign where no word starts.
    fn next_word(&self) -> Range<usize> {
        match self.word() {
            "" => self.next_sign(),
            word => self.at..self.at + word.len(),
        }
    }
}

fn one_or_joined(join: fn(Vec<Node>) -> Node, mut nodes: Vec<Node>) -> Node {
    match nodes.len() {
        1 => nodes.remove(0),
        _ => joined(join, nodes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> SyntaxError {
        parse(text).expect_err(text)
    }

    #[test]
    fn errors_point_at_the_sign() {
        for (text, span) in [
            ("", 0..0),
            ("   ", 3..3),
            ("price", 5..5),
            ("price >", 7..7),
            ("price > abc", 8..11),
            ("price > 12abc", 8..13),
            ("price == 3", 6..8),
            ("price <> 3", 6..8),
            ("my price = 3", 3..8),
            ("a = 'x", 4..5),
            ("\"a = 1", 0..1),
            ("(a = 1", 0..1),
            ("a = 1)", 5..6),
            ("(a = 1 b = 2)", 7..8),
            ("a = 1 && b = 2", 6..7),
            ("a = 1 b = 2", 6..7),
            ("a in 'x'", 5..6),
            ("a in ('x'", 5..6),
            ("a in ('x' 'y')", 10..11),
            ("a in ()", 6..7),
            ("a is 3", 5..6),
            ("a not like 'x'", 2..5),
            ("a ~ 3", 4..5),
            ("a = ''", 4..6),
            ("and = 1", 0..3),
            ("'a' = 1", 0..3),
            ("\"\" = 1", 0..2),
            ("a = \"x\"", 4..7),
            ("a = ‘x’", 4..7),
            ("@a = 1", 0..1),
            ("!a = 1", 0..1),
        ] {
            assert_eq!(error(text).span, span, "{text}");
        }
    }

    #[test]
    fn hints_say_what_to_write() {
        for (text, part) in [
            ("price > abc", "'abc'"),
            ("a = null", "a is null"),
            ("a != NULL", "a is not null"),
            ("a = ''", "a is null"),
            ("a != ''", "a is not null"),
            ("a == 1", "`=`"),
            ("a like 'x%'", "~ 'part*'"),
            ("a = \"it's\"", "'it''s'"),
            ("a = 1 || b = 2", "`or`"),
            ("in = 1", "\"in\""),
            ("a = 2024-05-16", "'2024-05-16'"),
        ] {
            let hint = error(text).hint.unwrap_or_default();
            assert!(hint.contains(part), "{text}: {hint}");
        }
    }

    #[test]
    fn depth_is_limited() {
        let nested = |depth: usize| format!("{}a = 1{}", "(".repeat(depth), ")".repeat(depth));
        for (depth, sound) in
            [(MAX_DEPTH - 1, true), (MAX_DEPTH, true), (MAX_DEPTH + 1, false), (100_000, false)]
        {
            assert_eq!(parse(&nested(depth)).is_ok(), sound, "{depth}");
            assert_eq!(parse(&format!("{}a = 1", "not ".repeat(depth))).is_ok(), sound, "{depth}");
        }
    }

    #[test]
    fn names_and_numbers_may_look_alike() {
        let compare = |column: &str, number: &str| Node::Compare {
            column: column.to_owned(),
            operator: Operator::Equal,
            value: Literal::Number(number.to_owned()),
        };
        assert_eq!(parse("2nd-price=+5").as_ref(), Ok(&compare("2nd-price", "+5")));
        assert_eq!(parse("a=1e+3").as_ref(), Ok(&compare("a", "1e+3")));
        assert_eq!(parse("a=.5").as_ref(), Ok(&compare("a", ".5")));
        assert_eq!(parse("order=1").as_ref(), Ok(&compare("order", "1")));
        assert_eq!(parse("\"say \"\"hi\"\"\" = 1").as_ref(), Ok(&compare("say \"hi\"", "1")));
    }
}
