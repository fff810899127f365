//! A condition bound to the slots of a decoder, and its truth for one record.

use super::decimal::{Decimal, SmallDecimal};
use super::time_text::{TimeText, instant_us};
use super::{Glob, Literal, Node, Operator};
use crate::decode::number::with_decimal_point;
use crate::event::Field;
use std::cmp::Ordering;

/// The condition names a column that the input does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown column `{column}` in a condition")]
pub struct UnknownColumn {
    pub column: String,
}

/// A condition that knows where its columns lie.
#[derive(Debug, Clone)]
pub struct BoundCondition {
    root: Bound,
}

#[derive(Debug, Clone)]
enum Bound {
    And(Vec<Bound>),
    Or(Vec<Bound>),
    Not(Box<Bound>),
    Compare { slot: usize, operator: Operator, value: Value },
    Glob { slot: usize, pattern: Glob },
    In { slot: usize, values: Vec<Value>, negated: bool },
    IsNull { slot: usize, negated: bool },
}

#[derive(Debug, Clone)]
enum Value {
    /// The text, and the instant it stands for where a field is a time.
    Text(String, Option<i64>),
    /// The number as written, and read where it is a short one.
    Number(String, Option<SmallDecimal>),
    /// As written, to be compared with texts that have decimal commas.
    NumberOfCommas(String),
}

impl BoundCondition {
    pub(super) fn new(
        root: &Node,
        slot_of: &dyn Fn(&str) -> Option<usize>,
    ) -> Result<BoundCondition, UnknownColumn> {
        bind(root, slot_of).map(|root| BoundCondition { root })
    }

    /// In the columns of these slots numbers are written with a decimal comma, as `1.234,56`.
    pub fn with_decimal_commas(mut self, has_commas: &dyn Fn(usize) -> bool) -> BoundCondition {
        self.root.set_decimal_commas(has_commas);
        self
    }

    /// Whether the record satisfies the condition. A slot outside `fields` counts as missing.
    /// Allocates nothing, but for numbers with decimal commas.
    pub fn holds(&self, fields: &[Field<'_>]) -> bool {
        self.root.holds(fields)
    }
}

fn bind(node: &Node, slot_of: &dyn Fn(&str) -> Option<usize>) -> Result<Bound, UnknownColumn> {
    let slot = |column: &str| slot_of(column).ok_or_else(|| UnknownColumn { column: column.to_owned() });
    let all = |nodes: &[Node]| nodes.iter().map(|node| bind(node, slot_of)).collect::<Result<Vec<_>, _>>();
    Ok(match node {
        Node::And(nodes) => Bound::And(all(nodes)?),
        Node::Or(nodes) => Bound::Or(all(nodes)?),
        Node::Not(node) => Bound::Not(Box::new(bind(node, slot_of)?)),
        Node::Compare { column, operator, value } => {
            Bound::Compare { slot: slot(column)?, operator: *operator, value: Value::new(value) }
        }
        Node::Glob { column, pattern } => Bound::Glob { slot: slot(column)?, pattern: pattern.clone() },
        Node::In { column, values, negated } => Bound::In {
            slot: slot(column)?,
            values: values.iter().map(Value::new).collect(),
            negated: *negated,
        },
        Node::IsNull { column, negated } => Bound::IsNull { slot: slot(column)?, negated: *negated },
    })
}

impl Bound {
    fn set_decimal_commas(&mut self, has_commas: &dyn Fn(usize) -> bool) {
        match self {
            Bound::And(all) | Bound::Or(all) => {
                all.iter_mut().for_each(|one| one.set_decimal_commas(has_commas))
            }
            Bound::Not(inner) => inner.set_decimal_commas(has_commas),
            Bound::Compare { slot, value, .. } if has_commas(*slot) => value.set_decimal_commas(),
            Bound::In { slot, values, .. } if has_commas(*slot) => {
                values.iter_mut().for_each(Value::set_decimal_commas);
            }
            Bound::Compare { .. } | Bound::In { .. } | Bound::Glob { .. } | Bound::IsNull { .. } => {}
        }
    }

    fn holds(&self, fields: &[Field<'_>]) -> bool {
        let field = |slot: usize| fields.get(slot).copied().unwrap_or(Field::Missing);
        match self {
            Bound::And(all) => all.iter().all(|one| one.holds(fields)),
            Bound::Or(any) => any.iter().any(|one| one.holds(fields)),
            Bound::Not(inner) => !inner.holds(fields),
            Bound::Compare { slot, operator, value } => operator.holds(field(*slot), value),
            Bound::Glob { slot, pattern } => fits(pattern, field(*slot)),
            Bound::In { slot, values, negated } => {
                let field = field(*slot);
                values.iter().any(|value| value.equals(field)) != *negated
            }
            Bound::IsNull { slot, negated } => is_null(field(*slot)) != *negated,
        }
    }
}

impl Operator {
    /// The truth of `field operator value`; a field that cannot be compared only satisfies `!=`.
    fn holds(self, field: Field<'_>, value: &Value) -> bool {
        match self {
            Operator::Equal => value.equals(field),
            Operator::NotEqual => !value.equals(field),
            Operator::Less => value.order_of(field).is_some_and(Ordering::is_lt),
            Operator::LessOrEqual => value.order_of(field).is_some_and(Ordering::is_le),
            Operator::Greater => value.order_of(field).is_some_and(Ordering::is_gt),
            Operator::GreaterOrEqual => value.order_of(field).is_some_and(Ordering::is_ge),
        }
    }
}

impl Value {
    fn new(literal: &Literal) -> Value {
        match literal {
            Literal::Text(text) => Value::Text(text.clone(), instant_us(text)),
            Literal::Number(number) => Value::Number(number.clone(), SmallDecimal::parse(number.as_bytes())),
        }
    }

    fn set_decimal_commas(&mut self) {
        if let Value::Number(number, _) = self {
            *self = Value::NumberOfCommas(std::mem::take(number));
        }
    }

    fn equals(&self, field: Field<'_>) -> bool {
        match (self, field) {
            // Lengths differ for most unequal texts, which spares the comparison.
            (Value::Text(text, _), Field::Text(bytes)) => bytes == text.as_bytes(),
            _ => self.order_of(field) == Some(Ordering::Equal),
        }
    }

    /// How the field lies to this value; `None` for null and for what cannot be compared.
    fn order_of(&self, field: Field<'_>) -> Option<Ordering> {
        if is_null(field) {
            return None;
        }
        match (self, field) {
            (_, Field::Missing) => None,
            (Value::Text(text, _), Field::Text(bytes)) => Some(bytes.cmp(text.as_bytes())),
            (Value::Text(_, instant), Field::TimeUs(at_us) | Field::LocalTimeUs(at_us)) => {
                instant.map(|instant_us| at_us.cmp(&instant_us))
            }
            (Value::Number(number, small), Field::Text(bytes)) => {
                if let (Some(small), Some(field)) = (small, SmallDecimal::parse(bytes)) {
                    return Some(field.compare(*small));
                }
                Some(Decimal::parse(bytes)?.compare(&Decimal::parse(number.as_bytes())?))
            }
            (Value::NumberOfCommas(number), Field::Text(bytes)) => {
                let field = with_decimal_point(bytes)?;
                Some(Decimal::parse(&field)?.compare(&Decimal::parse(number.as_bytes())?))
            }
            (
                Value::Number(number, _) | Value::NumberOfCommas(number),
                Field::TimeUs(at_us) | Field::LocalTimeUs(at_us),
            ) => {
                let mut room = [0; 20];
                let seconds = Decimal::millionths(at_us < 0, digits(at_us.unsigned_abs(), &mut room));
                Some(seconds.compare(&Decimal::parse(number.as_bytes())?))
            }
        }
    }
}

fn is_null(field: Field<'_>) -> bool {
    matches!(field, Field::Missing | Field::Text(b""))
}

fn fits(pattern: &Glob, field: Field<'_>) -> bool {
    let time =
        |at_us, zoned| TimeText::new(at_us, zoned).is_some_and(|text| pattern.matches(text.as_bytes()));
    match field {
        Field::Missing | Field::Text(b"") => false,
        Field::Text(text) => pattern.matches(text),
        Field::TimeUs(at_us) => time(at_us, true),
        Field::LocalTimeUs(at_us) => time(at_us, false),
    }
}

/// The decimal digits of `number`, at the end of `room`; a `u64` has at most 20.
fn digits(mut number: u64, room: &mut [u8; 20]) -> &[u8] {
    let mut start = room.len();
    while number > 0 {
        start -= 1;
        // A remainder by ten fits a byte.
        room[start] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    &room[start..]
}

#[cfg(test)]
mod tests {
    use super::super::Condition;
    use super::*;

    /// The truth of the condition where column `a` holds `field`; `b` holds `x`.
    fn holds(condition: &str, field: Field<'_>) -> bool {
        let slot_of = |column: &str| ["a", "b"].iter().position(|name| *name == column);
        let bound = Condition::parse(condition).expect(condition).bind(slot_of).expect("known columns");
        bound.holds(&[field, Field::Text(b"x")])
    }

    fn text(condition: &str, field: &str) -> bool {
        holds(condition, Field::Text(field.as_bytes()))
    }

    #[test]
    fn numbers_compare_by_value_in_threes() {
        for (condition, below, at, above) in [
            ("a < 10", true, false, false),
            ("a <= 10", true, true, false),
            ("a = 10", false, true, false),
            ("a != 10", true, false, true),
            ("a >= 10", false, true, true),
            ("a > 10", false, false, true),
        ] {
            assert_eq!(text(condition, "9.99"), below, "{condition}");
            assert_eq!(text(condition, "10.0"), at, "{condition}");
            assert_eq!(text(condition, "10.01"), above, "{condition}");
        }
    }

    #[test]
    fn texts_compare_by_bytes() {
        assert!(text("a > '10'", "9"));
        assert!(text("a = 'IL'", "IL"));
        assert!(!text("a = 'IL'", "il"));
        assert!(!text("a = '10'", "10.0"));
        assert!(text("a < 'א'", "z"));
    }

    #[test]
    fn null_satisfies_only_unequal_not_and_is_null() {
        for field in [Field::Missing, Field::Text(b"")] {
            for condition in ["a = 'x'", "a < 'x'", "a >= 0", "a ~ '*'", "a in ('x', 0)", "a is not null"] {
                assert!(!holds(condition, field), "{condition}");
                assert!(holds(&format!("not {condition}"), field), "not {condition}");
            }
            for condition in ["a != 'x'", "a != 0", "a not in ('x', 0)", "a is null"] {
                assert!(holds(condition, field), "{condition}");
            }
        }
        assert!(text("a is not null", " "));
    }

    #[test]
    fn what_is_no_number_satisfies_only_unequal_and_not() {
        for condition in ["a = 1", "a < 1", "a <= 1", "a > 1", "a >= 1", "a in (1, 2)"] {
            assert!(!text(condition, "abc"), "{condition}");
            assert!(text(&format!("not {condition}"), "abc"), "not {condition}");
        }
        assert!(text("a != 1", "abc"));
        assert!(text("a not in (1)", "abc"));
    }

    #[test]
    fn connectives_follow_their_precedence() {
        // Worked out by hand: and before or, not before and.
        assert!(text("a = 1 or a = 2 and b = 'y'", "1"));
        assert!(!text("(a = 1 or a = 2) and b = 'y'", "1"));
        assert!(text("not a = 1 and b = 'x'", "2"));
        assert!(!text("not (a = 2 and b = 'x')", "2"));
        assert!(text("a in ('x', 3, 'y')", "3.0"));
        assert!(text("a ~ 'check*' and b ~ 'x'", "checkout"));
        assert!(!text("a ~ 'check*'", "Checkout"));
    }

    #[test]
    fn long_ids_are_not_rounded() {
        assert!(text("a = 12345678901234567890", "12345678901234567890"));
        assert!(!text("a = 12345678901234567890", "12345678901234567891"));
    }

    #[test]
    fn times_compare_as_instants_seconds_and_text() {
        // 2024-05-16T19:50:01.418Z is 1715889001.418 s.
        let at = Field::TimeUs(1_715_889_001_418_000);
        let wall = Field::LocalTimeUs(1_715_889_001_418_000);
        for field in [at, wall] {
            assert!(holds("a = '2024-05-16 19:50:01.418'", field));
            assert!(holds("a = '2024-05-16T21:50:01.418+02:00'", field));
            assert!(holds("a > '2024-05-16'", field));
            assert!(!holds("a >= '2024-05-17'", field));
            assert!(holds("a = 1715889001.418", field));
            assert!(holds("a < 1715889001.419", field));
            assert!(holds("a ~ '2024-05-*'", field));
            assert!(
                holds("a != 'soon'", field) && !holds("a < 'soon'", field) && !holds("a > 'soon'", field)
            );
            assert!(holds("a is not null", field));
        }
        assert!(holds("a ~ '*Z'", at) && !holds("a ~ '*Z'", wall));
        assert!(holds("a < 0", Field::TimeUs(-1)) && holds("a = 0", Field::TimeUs(0)));
        assert!(holds("a < 0 and a > -9223372036855", Field::TimeUs(i64::MIN)));
        assert!(!holds("a ~ '*'", Field::TimeUs(i64::MAX)));
    }

    #[test]
    fn numbers_with_decimal_commas_compare_by_value() {
        let holds = |condition: &str, text: &str| {
            let slot_of = |column: &str| ["a", "b"].iter().position(|name| *name == column);
            let bound = Condition::parse(condition).expect(condition).bind(slot_of).expect("known columns");
            bound
                .with_decimal_commas(&|slot| slot == 0)
                .holds(&[Field::Text(text.as_bytes()), Field::Text(b"1.5")])
        };
        for (text, below, at, above) in [
            ("12,49", true, false, false),
            ("12,5", false, true, false),
            (" +12,50 ", false, true, false),
            ("1,25e1", false, true, false),
            ("13", false, false, true),
            ("1.234,5", false, false, true),
            ("1.234", false, false, true),
            ("-1.234,5", true, false, false),
            // A point that groups nothing, two marks, and no number.
            ("12.5", false, false, false),
            ("1.2345,5", false, false, false),
            ("1,2,3", false, false, false),
            (",", false, false, false),
            ("abc", false, false, false),
        ] {
            let found = ["a < 12.5", "a = 12.5", "a > 12.5"].map(|condition| holds(condition, text));
            assert_eq!(found, [below, at, above], "{text:?}");
            assert_eq!(holds("a in (7, 12.5)", text), at, "{text:?}");
            assert_eq!(holds("not (a != 12.5 or b != 1.5)", text), at, "{text:?}");
        }
        assert!(holds("a = '12,5'", "12,5") && holds("a ~ '12,*'", "12,5"));
    }

    #[test]
    fn unknown_columns_are_errors_and_short_records_have_none() {
        let condition = Condition::parse("b = 1 and zz = 2").expect("sound");
        let error = condition.bind(|name| (name == "b").then_some(0)).expect_err("unknown");
        assert_eq!(error, UnknownColumn { column: "zz".to_owned() });
        let bound = Condition::parse("b is null").expect("sound").bind(|_| Some(7)).expect("known");
        assert!(bound.holds(&[]));
    }
}
