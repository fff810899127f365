//! A first look at JSON: how it is laid out, which paths it has and what their values are.

use super::extent::{Extent, Found};
use super::walk::{Fault, Text, Value, Walker, unescape};

/// Inner objects are taken apart to this depth; deeper ones are values of kind `object`.
const MAX_PATH_KEYS: usize = 6;
/// Bytes of a sampled array or deep object that are kept as its text.
const SHOWN_BYTES: usize = 200;

/// How records lie in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonForm {
    /// One object a line: read in pieces, in parallel.
    Lines,
    /// An array of objects: read as a document, in pieces, one after the other.
    Array,
    /// Objects laid out over several lines: read as a document too.
    Document,
}

/// The kinds of value a path was seen with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JsonKinds {
    pub null: bool,
    pub bool: bool,
    pub number: bool,
    pub text: bool,
    /// An empty object, or one nested too deeply to be taken apart.
    pub object: bool,
    pub array: bool,
}

/// One path of the sampled records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathSeen {
    /// Keys joined by dots.
    pub path: String,
    /// Records that have it.
    pub seen: usize,
    pub kinds: JsonKinds,
}

/// The first records of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonSample {
    pub form: JsonForm,
    /// In the order in which they first came.
    pub paths: Vec<PathSeen>,
    /// One row a record, as long as `paths`. Null and absent are `None`; an array is its JSON
    /// text, cut.
    pub rows: Vec<Vec<Option<String>>>,
}

/// Whether an input starts as JSON objects do: `{` and a key or `}`, or an array of such or of nothing.
pub fn looks_like_json(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let Some((bracket, rest)) = head.split_first() else { return false };
    let next = rest.trim_ascii_start().first();
    match bracket {
        b'{' => matches!(next, Some(b'"' | b'}')),
        b'[' => matches!(next, Some(b'{' | b']')),
        _ => false,
    }
}

/// Looks at up to `max` records at the start of an input. `whole` says that `head` is all of
/// it; otherwise its last line is taken to be cut. Unsound records are passed over.
pub fn sample(head: &[u8], whole: bool, max: usize) -> JsonSample {
    let form = form(head);
    let mut sample = JsonSample { form, paths: Vec::new(), rows: Vec::new() };
    match form {
        JsonForm::Lines => {
            let end = if whole { head.len() } else { memchr::memrchr(b'\n', head).map_or(0, |at| at + 1) };
            for line in head[..end].split(|&b| b == b'\n') {
                sample_objects(line, max, &mut sample);
            }
        }
        JsonForm::Array | JsonForm::Document => sample_document(head, max, &mut sample),
    }
    let width = sample.paths.len();
    for row in &mut sample.rows {
        row.resize(width, None);
    }
    sample
}

fn form(head: &[u8]) -> JsonForm {
    let mut walker = Walker::new(head, 0, usize::MAX);
    walker.skip_blanks();
    let start = walker.at();
    match walker.value() {
        Ok(Value::Array) if looks_like_json(&head[start..]) => JsonForm::Array,
        Ok(Value::Object) => {
            let (length, found) = Extent::default().go_on(&head[start..]);
            let several_lines = head[start..start + length].contains(&b'\n');
            if found != Found::Misplaced && several_lines { JsonForm::Document } else { JsonForm::Lines }
        }
        _ => JsonForm::Lines,
    }
}

/// The sound objects of a document, up to the place where it cannot be read on.
fn sample_document(text: &[u8], max: usize, sample: &mut JsonSample) {
    let mut at = 0;
    while sample.rows.len() < max && at < text.len() {
        match text[at] {
            // The brackets and commas of an array will be checked on reading.
            b' ' | b'\t' | b'\n' | b'\r' | b'[' | b']' | b',' => at += 1,
            _ => {
                let (length, found) = Extent::default().go_on(&text[at..]);
                if found != Found::End {
                    return;
                }
                sample_objects(&text[at..at + length], max, sample);
                at += length;
            }
        }
    }
}

/// The objects of a text that come before its first fault, as which counts what is not UTF-8.
fn sample_objects(text: &[u8], max: usize, sample: &mut JsonSample) {
    let sound = std::str::from_utf8(text).map_or_else(|fault| fault.valid_up_to(), str::len);
    let text = &text[..sound];
    let mut walker = Walker::new(text, 0, usize::MAX);
    while sample.rows.len() < max {
        walker.skip_blanks();
        if !walker.next_is(b'{') {
            return;
        }
        let mut row = Row::default();
        if row.object(&mut walker, "", 1).is_err() {
            return;
        }
        sample.take(row);
    }
}

impl JsonSample {
    fn take(&mut self, record: Row) {
        let mut row = vec![None; self.paths.len()];
        for (path, kinds, value) in record.values {
            let at = self.paths.iter().position(|seen| seen.path == path).unwrap_or_else(|| {
                self.paths.push(PathSeen { path, seen: 0, kinds: JsonKinds::default() });
                row.push(None);
                self.paths.len() - 1
            });
            self.paths[at].seen += 1;
            self.paths[at].kinds.add(kinds);
            row[at] = value;
        }
        self.rows.push(row);
    }
}

impl JsonKinds {
    fn add(&mut self, other: JsonKinds) {
        self.null |= other.null;
        self.bool |= other.bool;
        self.number |= other.number;
        self.text |= other.text;
        self.object |= other.object;
        self.array |= other.array;
    }
}

/// One record while its paths are gathered: nothing of it counts before its end was reached.
#[derive(Default)]
struct Row {
    values: Vec<(String, JsonKinds, Option<String>)>,
}

impl Row {
    /// The members of an object whose brace is behind; `keys` counts those that led to it, plus one.
    fn object(&mut self, walker: &mut Walker<'_>, prefix: &str, keys: usize) -> Result<(), Fault> {
        let mut first = true;
        while let Some(key) = walker.member(&mut first)? {
            let key = plain(key);
            let path = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
            let start = walker.at();
            let value = walker.value()?;
            if value == Value::Object && keys < MAX_PATH_KEYS {
                let mut inside = walker.clone();
                inside.skip_blanks();
                if inside.peek() != Some(b'}') {
                    self.object(walker, &path, keys + 1)?;
                    continue;
                }
            }
            walker.finish(value, keys as u32)?;
            let none = JsonKinds::default();
            let (kinds, text) = match value {
                Value::Null => (JsonKinds { null: true, ..none }, None),
                Value::Bool(value) => (JsonKinds { bool: true, ..none }, Some(value.to_string())),
                Value::Number(digits) => (JsonKinds { number: true, ..none }, Some(lossy(digits))),
                Value::Text(text) => (JsonKinds { text: true, ..none }, Some(plain(text))),
                Value::Object => (JsonKinds { object: true, ..none }, Some(shown(walker, start))),
                Value::Array => (JsonKinds { array: true, ..none }, Some(shown(walker, start))),
            };
            // Of a key that stands twice the first is shown; reading decides whether it matters.
            if !self.values.iter().any(|(seen, ..)| *seen == path) {
                self.values.push((path, kinds, text));
            }
        }
        Ok(())
    }
}

/// The text from `start` to where the walker stands, cut.
fn shown(walker: &Walker<'_>, start: usize) -> String {
    lossy(walker.between(start, walker.at().min(start + SHOWN_BYTES)))
}

fn plain(text: Text<'_>) -> String {
    let mut into = Vec::new();
    // Half a surrogate pair: shown as it was written.
    if !text.escaped || !unescape(text.raw, &mut into) {
        return lossy(text.raw);
    }
    lossy(&into)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
