//! Where something stands in a definition file, and errors that point there.

use super::read::{ReadError, read};
use crate::condition::SyntaxError;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// The way to a value from the top of a definition file, or from the table at hand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Key(String),
    /// Of a list, from 0.
    Index(usize),
}

impl Path {
    /// `Path::of("report").key("from")`
    pub fn of(key: &str) -> Path {
        Path::default().key(key)
    }

    /// The value under a key of the table at this path.
    pub fn key(mut self, key: &str) -> Path {
        self.0.push(Part::Key(key.to_owned()));
        self
    }

    /// An element of the list at this path.
    pub fn index(mut self, index: usize) -> Path {
        self.0.push(Part::Index(index));
        self
    }

    /// The same way, begun at this path.
    pub fn join(mut self, further: &Path) -> Path {
        self.0.extend(further.0.iter().cloned());
        self
    }

    /// Its keys, whatever elements of lists are meant.
    pub fn keys(&self) -> Vec<&str> {
        self.0.iter().filter_map(Part::as_key).collect()
    }

    /// The key that it begins with.
    pub fn first_key(&self) -> Option<&str> {
        self.0.iter().find_map(Part::as_key)
    }

    /// The key that it ends with, whatever element of it is meant.
    pub fn last_key(&self) -> Option<&str> {
        self.0.iter().rev().find_map(Part::as_key)
    }
}

impl Part {
    fn as_key(&self) -> Option<&str> {
        match self {
            Part::Key(key) => Some(key),
            Part::Index(_) => None,
        }
    }
}

/// What is wrong with what is written. `Display` gives the message alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    pub message: String,
    pub hint: Option<String>,
    /// The value at fault, from the table that was read; then, best first, what it contradicts.
    /// What is not written is passed over.
    pub places: Vec<Path>,
    /// Bytes of the text there, as it reads without quotes and escapes.
    pub inside: Option<Range<usize>>,
}

impl Fault {
    pub fn at(place: Path, message: impl Into<String>) -> Fault {
        Fault { message: message.into(), hint: None, places: vec![place], inside: None }
    }

    /// A fault inside the text at `place`.
    pub fn inside(place: Path, error: SyntaxError) -> Fault {
        let inside = Some(error.span);
        Fault { message: error.message, hint: error.hint, places: vec![place], inside }
    }

    pub fn against(mut self, place: Path) -> Fault {
        self.places.push(place);
        self
    }

    /// The same fault, seen from the table that holds `outer`.
    pub fn below(mut self, outer: &Path) -> Fault {
        self.places.iter_mut().for_each(|place| *place = outer.clone().join(place));
        self
    }
}

/// A definition file that cannot be read or followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}:{line}:{column}: {message}")]
pub struct DefinitionError {
    pub name: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub message: String,
    /// The line at fault and carets under the place.
    pub excerpt: String,
    pub hint: Option<String>,
}

/// The text of a definition file, and where its values stand in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Document {
    name: String,
    text: String,
    root: Node,
}

/// A value and its bytes in the file.
#[derive(Debug, Clone, Default)]
struct Node {
    span: Range<usize>,
    value: Value,
}

#[derive(Debug, Clone, Default)]
enum Value {
    Text(String),
    List(Vec<Node>),
    Table(BTreeMap<String, Node>),
    /// What holds nothing to point into.
    #[default]
    Plain,
}

impl Node {
    fn of(value: &Spanned<DeValue<'_>>) -> Node {
        let node = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.clone().into_owned()),
            DeValue::Array(list) => Value::List(list.iter().map(Node::of).collect()),
            DeValue::Table(table) => {
                let entry = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
                    (key.get_ref().clone().into_owned(), Node::of(value))
                };
                Value::Table(table.iter().map(entry).collect())
            }
            _ => Value::Plain,
        };
        Node { span: value.span(), value: node }
    }
}

impl Node {
    /// Adds every text at or below this value: its first byte, its path, itself.
    fn add_texts<'n>(&'n self, path: &Path, texts: &mut Vec<(usize, Path, &'n str)>) {
        match &self.value {
            Value::Text(text) => texts.push((self.span.start, path.clone(), text)),
            Value::List(list) => {
                for (index, node) in list.iter().enumerate() {
                    node.add_texts(&path.clone().index(index), texts);
                }
            }
            Value::Table(table) => {
                for (key, node) in table {
                    node.add_texts(&path.clone().key(key), texts);
                }
            }
            Value::Plain => {}
        }
    }
}

impl Document {
    /// Reads a whole file as the type that it stands for.
    pub fn read<T: DeserializeOwned>(text: &str, name: &str) -> Result<(T, Document), DefinitionError> {
        let mut document = Document { name: name.to_owned(), text: text.to_owned(), root: Node::default() };
        let table = DeTable::parse(text).map_err(|error| {
            document.error(error.message().to_owned(), error.span().unwrap_or(0..0), None)
        })?;
        let root = Spanned::new(table.span(), DeValue::Table(table.into_inner()));
        document.root = Node::of(&root);
        let file = read(&root).map_err(|error| document.unread(error))?;
        Ok((file, document))
    }

    fn unread(&self, error: ReadError) -> DefinitionError {
        self.error(error.message, error.span.unwrap_or(0..0), error.hint)
    }

    fn find(&self, path: &Path) -> Option<&Node> {
        path.0.iter().try_fold(&self.root, |node, part| match (part, &node.value) {
            (Part::Key(key), Value::Table(table)) => table.get(key),
            (Part::Index(index), Value::List(list)) => list.get(*index),
            _ => None,
        })
    }

    pub fn holds(&self, path: &Path) -> bool {
        self.find(path).is_some()
    }

    /// Every text with its path, in the order of the file.
    pub fn texts(&self) -> Vec<(Path, &str)> {
        let mut texts = Vec::new();
        self.root.add_texts(&Path::default(), &mut texts);
        texts.sort_by_key(|(start, ..)| *start);
        texts.into_iter().map(|(_, path, text)| (path, text)).collect()
    }

    /// The first byte of the value at a path.
    pub fn start(&self, path: &Path) -> Option<usize> {
        self.find(path).map(|node| node.span.start)
    }

    /// The innermost value on the way to a place.
    fn nearest(&self, path: &Path) -> &Node {
        let ways = (0..=path.0.len()).rev().map(|length| Path(path.0[..length].to_vec()));
        ways.filter_map(|way| self.find(&way)).next().unwrap_or(&self.root)
    }

    /// The fault at the first of its places that is written; else at the table that lacks it. Places
    /// count from the top of the file.
    pub fn fault(&self, fault: &Fault) -> DefinitionError {
        let mut written = fault.places.iter().filter_map(|path| Some((path, self.find(path)?)));
        let (path, node) = match (written.next(), fault.places.first()) {
            (Some((path, node)), _) => (Some(path), node),
            (None, Some(path)) => (None, self.nearest(path)),
            (None, None) => (None, &self.root),
        };
        let inside = fault.inside.as_ref().filter(|_| path == fault.places.first());
        let span = match (inside, &node.value) {
            (Some(inside), Value::Text(text)) => self.inside_text(&node.span, text, inside),
            _ => None,
        };
        let mut message = fault.message.clone();
        if let Some((path, other)) = written.find(|(_, other)| other.span != node.span) {
            let key = path.last_key().unwrap_or_default();
            write!(message, " (`{key}` is in line {})", self.line(other.span.start))
                .expect("a text takes all");
        }
        self.error(message, span.unwrap_or_else(|| node.span.clone()), fault.hint.clone())
    }

    fn line(&self, at: usize) -> usize {
        self.text[..at].matches('\n').count() + 1
    }

    fn error(&self, message: String, span: Range<usize>, hint: Option<String>) -> DefinitionError {
        let mut at = span.start.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let line_start = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        DefinitionError {
            name: self.name.clone(),
            line: self.line(at),
            column: self.text[line_start..at].chars().count() + 1,
            excerpt: SyntaxError::new("", span).caret(&self.text),
            message,
            hint,
        }
    }

    /// The bytes of the file that hold these bytes of a text; `written` is all of it, in its quotes.
    fn inside_text(&self, written: &Range<usize>, text: &str, inside: &Range<usize>) -> Option<Range<usize>> {
        let places = places(self.text.get(written.clone())?, text)?;
        let place = |at: usize| places.get(at.min(text.len())).map(|place| written.start + place);
        let start = place(inside.start)?;
        Some(start..place(inside.end)?.max(start))
    }
}

/// For each byte of a text, and for its end, where it begins in `written`, the same text in its quotes.
fn places(written: &str, text: &str) -> Option<Vec<usize>> {
    let quote = written.chars().next().filter(|sign| matches!(sign, '"' | '\''))?;
    let is_long =
        written.len() >= 6 && written[1..].starts_with([quote; 2].iter().collect::<String>().as_str());
    let width = if is_long { 3 } else { 1 };
    let mut at = width;
    if is_long {
        let rest = &written[at..];
        at +=
            rest.strip_prefix("\r\n").or(rest.strip_prefix('\n')).map_or(0, |after| rest.len() - after.len());
    }
    let end = written.len().checked_sub(width)?;
    let (mut places, mut read) = (Vec::with_capacity(text.len() + 1), String::with_capacity(text.len()));
    while at < end {
        let (sign, length) = match written[at..end].chars().next()? {
            '\\' if quote == '"' => escaped(&written[at..end])?,
            sign => (Some(sign), sign.len_utf8()),
        };
        if let Some(sign) = sign {
            places.extend(std::iter::repeat_n(at, sign.len_utf8()));
            read.push(sign);
        }
        at += length;
    }
    places.push(end);
    (read == text).then_some(places)
}

/// What an escape stands for, which is nothing at the end of a line, and how many bytes it takes.
fn escaped(written: &str) -> Option<(Option<char>, usize)> {
    let sign = written[1..].chars().next()?;
    let coded = |digits: usize| {
        let code = u32::from_str_radix(written.get(2..2 + digits)?, 16).ok()?;
        Some((Some(char::from_u32(code)?), 2 + digits))
    };
    let plain = |sign: char| Some((Some(sign), 2));
    match sign {
        'b' => plain('\u{8}'),
        't' => plain('\t'),
        'n' => plain('\n'),
        'f' => plain('\u{c}'),
        'r' => plain('\r'),
        'e' => plain('\u{1b}'),
        '"' | '\\' => plain(sign),
        'x' => coded(2),
        'u' => coded(4),
        'U' => coded(8),
        _ => {
            let rest = written[1..].trim_start_matches([' ', '\t', '\r', '\n']);
            Some((None, written.len() - rest.len()))
        }
    }
}
