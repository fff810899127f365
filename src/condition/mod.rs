//! Conditions on the columns of a row: `price > 0 and country in ('IL','FR')`.
//!
//! A condition is read once into a tree ([`Node`]), evaluated here ([`BoundCondition`]) and, by
//! other modules, printed as SQL. `Display` writes the canonical text, which reads back equal.
//!
//! ```text
//! condition = all { "or" all }            all = one { "and" one }
//! one       = "not" one | "(" condition ")" | column test
//! test      = ("=" | "!=" | "<" | "<=" | ">" | ">=") value | "~" text
//!           | ["not"] "in" "(" value { "," value } ")" | "is" ["not"] "null"
//! column    = letters, digits, _ . $ - | "any signs" | `any signs`
//! value     = number | text               text = 'signs, '' for a quote'
//! ```
//!
//! Rules, the same for every file format:
//!
//! - A column that is absent, null or empty is *null*. Two values only: a comparison with null is
//!   false, `!=` and `not in` are true, and `not` turns either round. So `a != 'x'` keeps the rows
//!   without `a`; the SQL for it is `coalesce(a, '') <> 'x'`, and `not` is to be printed
//!   over a `coalesce(…, false)`. The empty text cannot be compared with: `is null` says it.
//! - A text in quotes compares by bytes, case counts. A number compares by value, exactly as
//!   written (no rounding); a field that is no number satisfies only `!=` and `not …`.
//! - `~` is a [`Glob`] over the whole text: `*` is any run of signs, nothing else is special.
//! - A time that the format itself carries (Parquet) compares with a text that reads as a date or
//!   time as an instant, with a number as seconds since 1970, and with `~` as its RFC 3339 text
//!   (`2024-05-16T19:50:01.418Z`, no `Z` on wall-clock times). What carries no zone, field or
//!   text, is read as UTC. A text that reads as no time satisfies only `!=` and `not …`.
//!
//! Left out: arithmetic, functions, regular expressions, comparing two columns.

mod decimal;
mod evaluate;
mod glob;
mod nearest;
mod parse;
mod quotes;
mod syntax_error;
mod time_text;

pub use evaluate::{BoundCondition, UnknownColumn};
pub use glob::Glob;
pub use nearest::suggest_nearest;
pub(crate) use quotes::{Quoted, read_quoted};
pub use syntax_error::SyntaxError;

use std::collections::BTreeSet;
use std::fmt;

/// A sound condition. Equal conditions have equal trees, however they were spaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    root: Node,
}

/// A condition's tree, for whoever prints it in another language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Two or more, none of them an `And`.
    And(Vec<Node>),
    /// Two or more, none of them an `Or`.
    Or(Vec<Node>),
    Not(Box<Node>),
    Compare {
        column: String,
        operator: Operator,
        value: Literal,
    },
    Glob {
        column: String,
        pattern: Glob,
    },
    /// At least one value.
    In {
        column: String,
        values: Vec<Literal>,
        negated: bool,
    },
    IsNull {
        column: String,
        negated: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A value to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// Never empty.
    Text(String),
    /// A decimal number as written; equal only to the same writing.
    Number(String),
}

impl Condition {
    /// Reads a condition. Spans of errors are byte offsets into `text`.
    pub fn parse(text: &str) -> Result<Condition, SyntaxError> {
        parse::parse(text).map(|root| Condition { root })
    }

    /// Rows that satisfy both.
    pub fn and(self, other: Condition) -> Condition {
        Condition { root: joined(Node::And, vec![self.root, other.root]) }
    }

    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The columns named, sorted, each once.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let mut columns = BTreeSet::new();
        collect_columns(&self.root, &mut columns);
        columns.into_iter()
    }

    /// Prepares the condition for records whose column `name` is in slot `slot_of(name)`.
    pub fn bind(&self, slot_of: impl Fn(&str) -> Option<usize>) -> Result<BoundCondition, UnknownColumn> {
        BoundCondition::new(&self.root, &slot_of)
    }
}

/// Joins two or more nodes by `join` (`Node::And` or `Node::Or`), taking in those of the same kind.
fn joined(join: fn(Vec<Node>) -> Node, nodes: Vec<Node>) -> Node {
    let wanted = std::mem::discriminant(&join(Vec::new()));
    let mut flat = Vec::with_capacity(nodes.len());
    for node in nodes {
        let same = std::mem::discriminant(&node) == wanted;
        match node {
            Node::And(inner) | Node::Or(inner) if same => flat.extend(inner),
            other => flat.push(other),
        }
    }
    join(flat)
}

fn collect_columns<'a>(node: &'a Node, columns: &mut BTreeSet<&'a str>) {
    match node {
        Node::And(nodes) | Node::Or(nodes) => nodes.iter().for_each(|node| collect_columns(node, columns)),
        Node::Not(node) => collect_columns(node, columns),
        Node::Compare { column, .. }
        | Node::Glob { column, .. }
        | Node::In { column, .. }
        | Node::IsNull { column, .. } => {
            columns.insert(column);
        }
    }
}

impl std::str::FromStr for Condition {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Condition, SyntaxError> {
        Condition::parse(text)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

impl Node {
    /// How tightly the node binds when printed: `or`, `and`, the rest.
    fn binding(&self) -> u8 {
        match self {
            Node::Or(_) => 0,
            Node::And(_) => 1,
            _ => 2,
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::And(nodes) => write_joined(f, nodes, " and ", 2),
            Node::Or(nodes) => write_joined(f, nodes, " or ", 1),
            Node::Not(node) => {
                f.write_str("not ")?;
                write_tighter(f, node, 2)
            }
            Node::Compare { column, operator, value } => {
                write!(f, "{} {operator} {value}", ColumnName(column))
            }
            Node::Glob { column, pattern } => {
                write!(f, "{} ~ {}", ColumnName(column), Quoted(pattern.as_str()))
            }
            Node::In { column, values, negated } => {
                write!(f, "{} {}in (", ColumnName(column), if *negated { "not " } else { "" })?;
                for (k, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if k == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
            Node::IsNull { column, negated } => {
                write!(f, "{} is {}null", ColumnName(column), if *negated { "not " } else { "" })
            }
        }
    }
}

fn write_joined(f: &mut fmt::Formatter<'_>, nodes: &[Node], word: &str, binding: u8) -> fmt::Result {
    for (k, node) in nodes.iter().enumerate() {
        f.write_str(if k == 0 { "" } else { word })?;
        write_tighter(f, node, binding)?;
    }
    Ok(())
}

/// Writes the node, in parentheses unless it binds at least as tightly as `binding`.
fn write_tighter(f: &mut fmt::Formatter<'_>, node: &Node, binding: u8) -> fmt::Result {
    if node.binding() >= binding { write!(f, "{node}") } else { write!(f, "({node})") }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operator::Equal => "=",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
        })
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Text(text) => Quoted(text).fmt(f),
            Literal::Number(number) => f.write_str(number),
        }
    }
}

/// A column name, bare where that reads back as the same name.
struct ColumnName<'a>(&'a str);

impl fmt::Display for ColumnName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if parse::is_bare_column(self.0) {
            f.write_str(self.0)
        } else {
            write!(f, "\"{}\"", self.0.replace('"', "\"\""))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn display_is_canonical() {
        for (text, canonical) in [
            ("price>0", "price > 0"),
            ("( a='x' AND (b=1 and c=2) )", "a = 'x' and b = 1 and c = 2"),
            ("a=1 or b=2 and c=3", "a = 1 or b = 2 and c = 3"),
            ("(a=1 or b=2) and c=3", "(a = 1 or b = 2) and c = 3"),
            ("NOT a=1 and b=2", "not a = 1 and b = 2"),
            ("not (a=1 and b=2)", "not (a = 1 and b = 2)"),
            ("not not a is null", "not not a is null"),
            ("`my col` not in('x',3)", "\"my col\" not in ('x', 3)"),
            ("\"a\" is NOT NULL", "a is not null"),
            ("\"null\" = 'it''s'", "\"null\" = 'it''s'"),
            ("מדינה = 'ישראל'", "מדינה = 'ישראל'"),
            ("properties.$os ~ 'iOS*'", "properties.$os ~ 'iOS*'"),
            ("x != -1.50e3", "x != -1.50e3"),
        ] {
            let condition = Condition::parse(text).expect(text);
            assert_eq!(condition.to_string(), canonical);
        }
    }

    #[test]
    fn columns_are_sorted_and_unique() {
        let condition = Condition::parse("b = 1 or not (a ~ 'x' and b in (1)) or c is null").expect("sound");
        assert_eq!(condition.columns().collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn and_takes_in_conjunctions() {
        let read = |text| Condition::parse(text).expect(text);
        assert_eq!(read("a = 1 and b = 2").and(read("c = 3")), read("a = 1 and b = 2 and c = 3"));
        assert_eq!(read("a = 1 or b = 2").and(read("c = 3")).to_string(), "(a = 1 or b = 2) and c = 3");
    }

    fn nodes() -> impl Strategy<Value = Node> {
        let column = || "[a-c]|and|not|in|is|null|[ -~א-ת]{1,5}";
        let literal = || {
            prop_oneof![
                "[ -~א-ת]{1,6}".prop_map(Literal::Text),
                "-?[0-9]{1,4}(\\.[0-9]{1,2})?(e-?[0-9])?".prop_map(Literal::Number),
            ]
        };
        let operator = prop_oneof![
            Just(Operator::Equal),
            Just(Operator::NotEqual),
            Just(Operator::Less),
            Just(Operator::LessOrEqual),
            Just(Operator::Greater),
            Just(Operator::GreaterOrEqual),
        ];
        let leaf = prop_oneof![
            (column(), operator, literal()).prop_map(|(column, operator, value)| Node::Compare {
                column,
                operator,
                value
            }),
            (column(), "[ -~]{1,5}")
                .prop_map(|(column, text)| Node::Glob { column, pattern: Glob::new(text) }),
            (column(), prop::collection::vec(literal(), 1..4), any::<bool>())
                .prop_map(|(column, values, negated)| Node::In { column, values, negated }),
            (column(), any::<bool>()).prop_map(|(column, negated)| Node::IsNull { column, negated }),
        ];
        leaf.prop_recursive(4, 24, 3, |inner| {
            prop_oneof![
                inner.clone().prop_map(|node| Node::Not(Box::new(node))),
                prop::collection::vec(inner.clone(), 2..4).prop_map(|nodes| joined(Node::And, nodes)),
                prop::collection::vec(inner, 2..4).prop_map(|nodes| joined(Node::Or, nodes)),
            ]
        })
    }

    proptest! {
        #[test]
        fn canonical_text_reads_back_equal(root in nodes()) {
            let condition = Condition { root };
            let text = condition.to_string();
            let read = Condition::parse(&text).map_err(|error| TestCaseError::fail(error.explain(&text)))?;
            prop_assert_eq!(read, condition);
        }

        #[test]
        fn no_text_panics(text in "([a-c '\"`()=!<>~,.-]|in|and|or|not|is|null|[0-9]|.){0,24}") {
            if let Err(error) = Condition::parse(&text) {
                prop_assert!(error.span.start <= error.span.end && error.span.end <= text.len());
                prop_assert!(text.is_char_boundary(error.span.start) && text.is_char_boundary(error.span.end));
                prop_assert!(!error.explain(&text).is_empty());
            }
        }
    }
}
