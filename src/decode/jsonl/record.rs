//! One record: walks an object and keeps the values of the wanted paths.

use super::predict::{Layout, Place, Prediction};
use super::scan;
use super::shapes::Shapes;
use super::walk::{Fault, MAX_DEPTH, Text, Value, Walker, unescape};
use crate::decode::machine::Level;
use crate::event::{Field, RejectCode};

/// Where a field is found: `price`, or `properties.price` for a key of an inner object.
///
/// A key that is itself spelt `properties.price` outranks the inner one of the same record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JsonPath(String);

impl JsonPath {
    /// Takes any text; a path that no record has is missing in all of them.
    pub fn new(path: impl Into<String>) -> JsonPath {
        JsonPath(path.into())
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A fault of a wanted value. The record is sound JSON all the same: what follows it can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ValueFault {
    pub code: RejectCode,
    pub slot: Option<usize>,
    pub message: &'static str,
}

/// Keeps the wanted values of one record at a time, without allocating for each.
#[derive(Debug, Clone)]
pub(super) struct RecordReader {
    /// The wanted keys; the first node is the record itself.
    nodes: Vec<Node>,
    /// By slot: what is wrong with its value makes the record unsound.
    judged: Vec<bool>,
    found: Vec<Found>,
    /// The record in which a node's key was last seen.
    seen_in: Vec<u64>,
    record: u64,
    fault: Option<ValueFault>,
    /// Texts of the record that had to be unescaped.
    unescaped: Vec<u8>,
    /// The key in hand, unescaped.
    key: Vec<u8>,
    pub(super) level: Level,
    /// What earlier records looked like, and the layout in which they did.
    pub(super) shapes: Shapes,
    layout: Option<Layout>,
    /// The places around the object or array in hand, while a prediction is followed.
    pub(super) around: Vec<Place>,
}

#[derive(Debug, Clone, Default)]
struct Node {
    children: Vec<(Box<[u8]>, usize)>,
    /// Slots that take the value of this key, and whether the key spells the whole path.
    slots: Vec<(usize, bool)>,
    /// A slot of this key, or of one inside of it, is judged.
    is_judged: bool,
}

#[derive(Debug, Clone, Copy)]
enum Found {
    Nothing,
    Nested(Scalar),
    Exact(Scalar),
}

/// A value as positions: in the walked text, or among the unescaped texts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Raw { start: usize, end: usize },
    Unescaped { start: usize, end: usize },
}

impl RecordReader {
    pub(super) fn new(wanted: &[JsonPath], judged: &[bool]) -> RecordReader {
        let mut nodes = vec![Node::default()];
        for (slot, (path, &is_judged)) in wanted.iter().zip(judged).enumerate() {
            let child = |nodes: &mut Vec<Node>, node: usize, key: &str| {
                let child = child_or_new(nodes, node, key);
                nodes[child].is_judged |= is_judged;
                child
            };
            let exact = child(&mut nodes, 0, path.as_str());
            nodes[exact].slots.push((slot, true));
            if path.as_str().contains('.') {
                let keys = path.as_str().split('.');
                let inner = keys.fold(0, |node, key| child(&mut nodes, node, key));
                nodes[inner].slots.push((slot, false));
            }
        }
        RecordReader {
            judged: judged.to_vec(),
            found: vec![Found::Nothing; wanted.len()],
            seen_in: vec![0; nodes.len()],
            nodes,
            record: 0,
            fault: None,
            unescaped: Vec::new(),
            key: Vec::new(),
            level: Level::detect(),
            shapes: Shapes::new(),
            layout: None,
            around: Vec::new(),
        }
    }

    /// Reads the object that starts at `start`, fast, if it is sound in every respect and not at
    /// the very end of `text`. Gives the position behind it. With `None` nothing is known of it.
    pub(super) fn read_predicted(&mut self, text: &[u8], start: usize, layout: Layout) -> Option<usize> {
        if self.layout != Some(layout) {
            // What is sound in one layout need not be in another.
            self.shapes.forget();
            self.layout = Some(layout);
        }
        self.shapes.next_record();
        self.begin();
        self.around.clear();
        let level = self.level;
        let end = scan::run(level, Prediction { reader: self, text, start, layout })?;
        self.fault.is_none().then_some(end)
    }

    #[inline]
    fn begin(&mut self) {
        self.record += 1;
        self.found.fill(Found::Nothing);
        self.unescaped.clear();
        self.fault = None;
    }

    /// Walks the object whose opening brace is behind, to behind its closing one. `depth` counts
    /// the objects and arrays around it.
    pub(super) fn read(&mut self, walker: &mut Walker<'_>, depth: u32) -> Result<Option<ValueFault>, Fault> {
        self.begin();
        self.object(walker, 0, depth + 1)?;
        Ok(self.fault)
    }

    /// The values of the record that was read, from the same `text`.
    pub(super) fn fields<'a>(&'a self, text: &'a [u8], into: &mut Vec<Field<'a>>) {
        into.extend(self.found.iter().map(|found| match *found {
            Found::Nothing => Field::Missing,
            Found::Nested(scalar) | Found::Exact(scalar) => match scalar {
                Scalar::Null => Field::Missing,
                Scalar::Bool(true) => Field::Text(b"true"),
                Scalar::Bool(false) => Field::Text(b"false"),
                Scalar::Raw { start, end } => Field::Text(&text[start..end]),
                Scalar::Unescaped { start, end } => Field::Text(&self.unescaped[start..end]),
            },
        }));
    }

    /// Recurses into wanted objects only, so no deeper than the longest wanted path.
    fn object(&mut self, walker: &mut Walker<'_>, node: usize, depth: u32) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(walker.too_deep());
        }
        let mut first = true;
        while let Some(key) = walker.member(&mut first)? {
            let Some(child) = self.child(node, key) else {
                let value = walker.value()?;
                walker.finish(value, depth)?;
                continue;
            };
            if !self.is_first(child) {
                self.note_repeated(child);
            }
            let start = walker.at();
            let value = walker.value()?;
            match value {
                Value::Object | Value::Array => {
                    if self.has_judged_slot(child) {
                        let message = "an object or array where a single value is wanted";
                        self.note_fault(child, RejectCode::R10, message);
                    }
                    if value == Value::Object {
                        self.object(walker, child, depth + 1)?;
                    } else {
                        walker.finish(value, depth)?;
                    }
                    self.store(child, Scalar::Raw { start, end: walker.at() });
                }
                Value::Null => self.store(child, Scalar::Null),
                Value::Bool(value) => self.store(child, Scalar::Bool(value)),
                Value::Number(digits) => {
                    let end = walker.at();
                    self.store(child, Scalar::Raw { start: end - digits.len(), end });
                }
                Value::Text(text) => self.text(child, text, walker.at()),
            }
        }
        Ok(())
    }

    /// Whether the key of a node is met for the first time in this record. Says so once.
    #[inline]
    pub(super) fn is_first(&mut self, node: usize) -> bool {
        std::mem::replace(&mut self.seen_in[node], self.record) != self.record
    }

    /// Whether the value of a node's key is itself wanted, and not only what is inside of it.
    #[inline]
    pub(super) fn is_single(&self, node: usize) -> bool {
        !self.nodes[node].slots.is_empty()
    }

    /// Whether a value that is not what it should be makes the record unsound.
    fn has_judged_slot(&self, node: usize) -> bool {
        self.nodes[node].slots.iter().any(|&(slot, _)| self.judged[slot])
    }

    /// A key that stands twice makes a record unsound where the source needs it; of one that only a
    /// report asks for the last value counts, as it does to most who read JSON.
    fn note_repeated(&mut self, node: usize) {
        if self.nodes[node].is_judged {
            self.note_fault(node, RejectCode::R10, "a wanted key stands twice in the record");
        }
        self.forget(node);
    }

    fn forget(&mut self, node: usize) {
        for place in 0..self.nodes[node].slots.len() {
            let (slot, exact) = self.nodes[node].slots[place];
            if exact || matches!(self.found[slot], Found::Nested(_)) {
                self.found[slot] = Found::Nothing;
            }
        }
        for place in 0..self.nodes[node].children.len() {
            self.forget(self.nodes[node].children[place].1);
        }
    }

    /// `behind` is the position behind the closing quote.
    #[inline]
    pub(super) fn text(&mut self, node: usize, text: Text<'_>, behind: usize) {
        if text.escaped {
            self.escaped_text(node, text.raw);
        } else {
            let end = behind - 1;
            self.store(node, Scalar::Raw { start: end - text.raw.len(), end });
        }
    }

    fn escaped_text(&mut self, node: usize, raw: &[u8]) {
        // The inner object is what is wanted here; a plain text has none.
        if !self.is_single(node) {
            return;
        }
        let start = self.unescaped.len();
        // Half a surrogate pair is no text: the walk has rejected it.
        unescape(raw, &mut self.unescaped);
        let end = self.unescaped.len();
        if self.has_judged_slot(node) && self.unescaped[start..].contains(&0) {
            self.note_fault(node, RejectCode::R14, "a NUL in a wanted value");
        }
        self.store(node, Scalar::Unescaped { start, end });
    }

    #[inline]
    pub(super) fn child(&mut self, node: usize, key: Text<'_>) -> Option<usize> {
        let key = if key.escaped {
            self.key.clear();
            // Half a surrogate pair is in no wanted key.
            if !unescape(key.raw, &mut self.key) {
                return None;
            }
            &self.key[..]
        } else {
            key.raw
        };
        self.nodes[node].children.iter().find(|(name, _)| **name == *key).map(|&(_, child)| child)
    }

    #[inline]
    pub(super) fn store(&mut self, node: usize, scalar: Scalar) {
        for &(slot, exact) in &self.nodes[node].slots {
            let found = &mut self.found[slot];
            if exact {
                *found = Found::Exact(scalar);
            } else if !matches!(found, Found::Exact(_)) {
                *found = Found::Nested(scalar);
            }
        }
    }

    /// The first fault is the one that is told.
    fn note_fault(&mut self, node: usize, code: RejectCode, message: &'static str) {
        let slot = self.nodes[node].slots.first().map(|&(slot, _)| slot);
        self.fault.get_or_insert(ValueFault { code, slot, message });
    }
}

fn child_or_new(nodes: &mut Vec<Node>, node: usize, key: &str) -> usize {
    let known = nodes[node].children.iter().find(|(name, _)| **name == *key.as_bytes());
    if let Some(&(_, child)) = known {
        return child;
    }
    let child = nodes.len();
    nodes.push(Node::default());
    nodes[node].children.push((key.as_bytes().into(), child));
    child
}
