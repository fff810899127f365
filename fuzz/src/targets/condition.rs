//! Conditions: what is read can be written and read again, and holds of a record where a second look at its
//! tree says so.

use super::steps::points_into;
use crate::condition::{BoundCondition, Condition, Literal, Node, Operator};
use crate::event::Field;
use std::cmp::Ordering;

/// A condition and the values of its columns in the order of their names, with NULs between them. A value
/// that starts with a SOH is a time: the number behind it, in µs.
pub fn run(data: &[u8]) {
    let mut parts = data.split(|byte| *byte == 0);
    let Ok(text) = std::str::from_utf8(parts.next().unwrap_or_default()) else { return };
    let condition = match Condition::parse(text) {
        Ok(condition) => condition,
        Err(error) => return points_into(&error, text),
    };
    let written = condition.to_string();
    let again = Condition::parse(&written).unwrap_or_else(|error| panic!("{text:?}: {written:?}: {error}"));
    assert_eq!(again, condition, "{written:?}");

    let columns: Vec<String> = condition.columns().map(str::to_owned).collect();
    let values: Vec<Field<'_>> = columns.iter().map(|_| field(parts.next().unwrap_or_default())).collect();
    let bind = |condition: &Condition| -> BoundCondition {
        let slot = |column: &str| columns.iter().position(|known| known == column);
        condition.bind(slot).expect("all columns are known")
    };
    let holds = bind(&condition).holds(&values);
    let value =
        |column: &str| &values[columns.iter().position(|known| known == column).expect("it is known")];
    if let Some(expected) = truth(condition.root(), &value) {
        assert_eq!(holds, expected, "{written} of {values:?}");
    }
    // Texts nest only so deep, which one more `not` may pass.
    if let Ok(negated) = Condition::parse(&format!("not ({text}\n)")) {
        assert_eq!(bind(&negated).holds(&values), !holds, "{negated} of {values:?}");
    }
    assert_eq!(bind(&condition.clone().and(condition)).holds(&values), holds);
    let nothing: Vec<Field<'_>> = values.iter().map(|_| Field::Missing).collect();
    assert_eq!(bind(&again).holds(&[]), bind(&again).holds(&nothing), "{written} of no fields at all");
}

fn field(bytes: &[u8]) -> Field<'_> {
    match bytes {
        [] => Field::Missing,
        [1, digits @ ..] => {
            let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            number.map_or(Field::LocalTimeUs(0), Field::TimeUs)
        }
        text => Field::Text(text),
    }
}

/// Whether a tree holds, worked out by itself; `None` where only the program's own reading of numbers and
/// times can tell.
fn truth<'v>(node: &Node, value: &dyn Fn(&str) -> &'v Field<'v>) -> Option<bool> {
    let text = |column: &str| match value(column) {
        Field::Text(text) => Some(Some(*text)),
        Field::Missing => Some(None),
        _ => None,
    };
    Some(match node {
        Node::And(nodes) => all(nodes, value)?.into_iter().all(|holds| holds),
        Node::Or(nodes) => all(nodes, value)?.into_iter().any(|holds| holds),
        Node::Not(node) => !truth(node, value)?,
        Node::IsNull { column, negated } => matches!(value(column), Field::Missing) != *negated,
        Node::Glob { column, pattern } => {
            text(column)?.is_some_and(|text| fits(pattern.as_str().as_bytes(), text))
        }
        Node::In { column, values, negated } => {
            let text = text(column)?;
            let equal = |value: &Literal| compare(text?, value).map(|found| found == Some(Ordering::Equal));
            let found: Option<Vec<bool>> = match text {
                None => Some(Vec::new()),
                Some(_) => values.iter().map(equal).collect(),
            };
            found?.contains(&true) != *negated
        }
        Node::Compare { column, operator, value: literal } => {
            let found = match text(column)? {
                None => None,
                Some(text) => compare(text, literal)?,
            };
            match (operator, found) {
                (Operator::NotEqual, found) => found != Some(Ordering::Equal),
                (_, None) => false,
                (Operator::Equal, Some(found)) => found.is_eq(),
                (Operator::Less, Some(found)) => found.is_lt(),
                (Operator::LessOrEqual, Some(found)) => found.is_le(),
                (Operator::Greater, Some(found)) => found.is_gt(),
                (Operator::GreaterOrEqual, Some(found)) => found.is_ge(),
            }
        }
    })
}

fn all<'v>(nodes: &[Node], value: &dyn Fn(&str) -> &'v Field<'v>) -> Option<Vec<bool>> {
    nodes.iter().map(|node| truth(node, value)).collect()
}

/// How a text compares with what is written in the condition; `Some(None)`: not at all.
fn compare(text: &[u8], literal: &Literal) -> Option<Option<Ordering>> {
    match literal {
        Literal::Text(other) => Some(Some(text.cmp(other.as_bytes()))),
        Literal::Number(number) => {
            if !text.iter().any(u8::is_ascii_digit) {
                return Some(None);
            }
            Some(Some(plain_number(text)?.cmp(&plain_number(number.as_bytes())?)))
        }
    }
}

/// A short decimal such as `-12.50`, in millionths; `None` for all other texts, numbers or not.
fn plain_number(text: &[u8]) -> Option<i128> {
    let text = std::str::from_utf8(text).ok()?;
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_short = |digits: &str, most| {
        (1..=most).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !is_short(whole, 20) || !is_short(rest, 6) {
        return None;
    }
    Some(sign * format!("{whole}{rest:0<6}").parse::<i128>().ok()?)
}

/// `*` is any run of bytes.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    // Whether the pattern so far fits the text up to each place.
    let mut fitting = vec![false; text.len() + 1];
    fitting[0] = true;
    for &sign in pattern {
        if sign == b'*' {
            let first = fitting.iter().position(|fits| *fits).unwrap_or(fitting.len());
            fitting.iter_mut().skip(first).for_each(|fits| *fits = true);
        } else {
            for place in (0..text.len()).rev() {
                fitting[place + 1] = fitting[place] && text[place] == sign;
            }
            fitting[0] = false;
        }
    }
    fitting[text.len()]
}
