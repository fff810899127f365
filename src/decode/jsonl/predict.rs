//! The fast walk over a record, along the joints that earlier records had.
//!
//! It only ever says that a record is sound, and what its wanted values are. Whatever is wrong
//! with one, or merely rare, it gives up on: the plain walk then reads the record again and tells
//! what is the matter. It checks all that the plain walk checks. A text equal to one that was
//! parsed in the same place of the same kind of object needs no second parsing; every other text
//! between values, and every value, is checked here.

use super::record::{RecordReader, Scalar};
use super::scan::{BLOCK_BYTES, Block, Scan, ScanJob};
use super::shapes::{JointId, Known, Leads, RECORD};
use super::walk::{MAX_DEPTH, Text, Walker, hex4};

/// How records lie in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// A line break is a blank like others. Otherwise it ends what it stands in.
    pub over_lines: bool,
    /// Arrays and objects around a record.
    pub depth: u32,
    pub max_field_bytes: usize,
}

/// One record to be read from `text`, its opening brace at `start`.
pub(super) struct Prediction<'r, 't> {
    pub reader: &'r mut RecordReader,
    pub text: &'t [u8],
    pub start: usize,
    pub layout: Layout,
}

/// Where a walk stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Behind which joint.
    joint: JointId,
    /// In which object or array.
    container: JointId,
    is_array: bool,
    /// The object as a node of the reader, if something in it is wanted.
    node: Option<u32>,
}

impl ScanJob for Prediction<'_, '_> {
    /// The position behind the record; `None` if it is not sound, or not to be read this way.
    type Output = Option<usize>;

    #[inline(always)]
    fn run<S: Scan>(self, scan: S) -> Option<usize> {
        let Prediction { reader, text, start, layout } = self;
        let max_field_bytes = layout.max_field_bytes;
        let mut place = Place { joint: RECORD, container: RECORD, is_array: false, node: Some(0) };
        // Of `place`, but in a register.
        let mut behind = RECORD;
        let mut first = true;
        let mut at = start + 1;
        loop {
            let joint = match reader.shapes.follow(scan, behind, text, at) {
                Some(joint) => joint,
                None => {
                    place.joint = behind;
                    scan.apart(Parsing {
                        reader,
                        text,
                        start: at,
                        over_lines: layout.over_lines,
                        max_field_bytes,
                        place,
                        first,
                    })?
                }
            };
            at += usize::from(joint.length);
            behind = joint.id;
            first = false;
            let mut wanted = None;
            match joint.leads {
                Leads::ToValue => {}
                Leads::ToWanted(node) => {
                    if !reader.is_first(node as usize) {
                        return None;
                    }
                    wanted = Some(node);
                }
                Leads::Out => {
                    let Some(outer) = reader.around.pop() else { return Some(at) };
                    place = outer;
                    behind = place.joint;
                    continue;
                }
            }
            // The value; behind the opening bracket of an array, its first element.
            loop {
                let byte = *text.get(at)?;
                match byte {
                    b'"' => {
                        let end = string(scan, text, at + 1, max_field_bytes)?;
                        if let Some(node) = wanted {
                            reader.text(node as usize, end.text(text, at + 1), end.at + 1);
                        }
                        at = end.at + 1;
                    }
                    b'-' | b'0'..=b'9' | b'n' | b't' | b'f' => {
                        let (end, value) = plain_value(scan, text, at, byte, max_field_bytes)?;
                        if let Some(node) = wanted {
                            reader.store(node as usize, value);
                        }
                        at = end;
                    }
                    b'{' | b'[' => {
                        place.joint = behind;
                        place = reader.enter(place, wanted, byte == b'[', layout.depth)?;
                        behind = place.joint;
                        first = true;
                        at += 1;
                        if place.is_array {
                            at = skip_blanks(text, at, layout.over_lines);
                            if *text.get(at)? != b']' {
                                first = false;
                                wanted = None;
                                continue;
                            }
                        }
                    }
                    _ => return None,
                }
                break;
            }
        }
    }
}

impl RecordReader {
    /// Goes into the object or array that is the value at `place`, of the node `wanted`. Not
    /// where there has to be a single value, nor where it is too deep.
    #[inline(never)]
    fn enter(&mut self, place: Place, wanted: Option<u32>, is_array: bool, depth: u32) -> Option<Place> {
        let depth = depth as usize + self.around.len() + 2;
        if depth > MAX_DEPTH as usize || wanted.is_some_and(|node| self.is_single(node as usize)) {
            return None;
        }
        self.around.push(place);
        let start = self.shapes.inner(place.joint, is_array);
        let node = wanted.filter(|_| !is_array);
        Some(Place { joint: start, container: start, is_array, node })
    }
}

/// Parses the text before the next value, or before the end of the object or array, and learns it.
struct Parsing<'r, 't> {
    reader: &'r mut RecordReader,
    text: &'t [u8],
    start: usize,
    over_lines: bool,
    max_field_bytes: usize,
    place: Place,
    /// Nothing of the object or array was read yet.
    first: bool,
}

impl ScanJob for Parsing<'_, '_> {
    type Output = Option<Known>;

    #[inline(always)]
    fn run<S: Scan>(self, scan: S) -> Option<Known> {
        let Parsing { reader, text, start, over_lines, max_field_bytes, place, first } = self;
        let mut at = skip_blanks(text, start, over_lines);
        let mut leads = Leads::ToValue;
        if *text.get(at)? == if place.is_array { b']' } else { b'}' } {
            leads = Leads::Out;
            at += 1;
        } else {
            if !first {
                at = skip_blanks(text, behind(text, at, b',')?, over_lines);
            }
            if !place.is_array {
                let key_start = behind(text, at, b'"')?;
                let end = string(scan, text, key_start, max_field_bytes)?;
                let key = end.text(text, key_start);
                if let Some(child) = place.node.and_then(|node| reader.child(node as usize, key)) {
                    leads = Leads::ToWanted(child as u32);
                }
                at = behind(text, skip_blanks(text, end.at + 1, over_lines), b':')?;
                at = skip_blanks(text, at, over_lines);
            }
        }
        let text = &text[start..at];
        reader.shapes.learn(place.joint, place.container, text, leads)
    }
}

/// The closing quote of a string.
#[derive(Clone, Copy)]
struct StringEnd {
    at: usize,
    escaped: bool,
}

impl StringEnd {
    #[inline(always)]
    fn text(self, text: &[u8], start: usize) -> Text<'_> {
        Text { raw: &text[start..self.at], escaped: self.escaped }
    }
}

/// The end of the string that starts at `start`, behind its opening quote.
#[inline(always)]
fn string<S: Scan>(scan: S, text: &[u8], start: usize, max_field_bytes: usize) -> Option<StringEnd> {
    let (at, byte) = plain_end(scan, text, start)?;
    let end = match byte {
        b'"' => StringEnd { at, escaped: false },
        b'\\' => scan.apart(Escapes { text, start: at })?,
        _ => return None,
    };
    (end.at - start <= max_field_bytes).then_some(end)
}

/// The position of the first quote, backslash or control character, and that byte.
#[inline(always)]
fn plain_end<S: Scan>(scan: S, text: &[u8], start: usize) -> Option<(usize, u8)> {
    let mut rest = text.get(start..)?;
    loop {
        let block: &Block = rest.first_chunk()?;
        let ends = scan.string_ends(block);
        if ends != 0 {
            let length = ends.trailing_zeros() as usize;
            return Some((text.len() - rest.len() + length, block[length % BLOCK_BYTES]));
        }
        rest = &rest[BLOCK_BYTES..];
    }
}

/// The end of a string from its first backslash on.
struct Escapes<'t> {
    text: &'t [u8],
    start: usize,
}

impl ScanJob for Escapes<'_> {
    type Output = Option<StringEnd>;

    #[inline(always)]
    fn run<S: Scan>(self, scan: S) -> Option<StringEnd> {
        let text = self.text;
        let mut at = self.start;
        loop {
            let behind = match *text.get(at + 1)? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at + 2,
                b'u' => behind_unicode(text, at)?,
                _ => return None,
            };
            let byte;
            (at, byte) = plain_end(scan, text, behind)?;
            match byte {
                b'"' => return Some(StringEnd { at, escaped: true }),
                b'\\' => {}
                _ => return None,
            }
        }
    }
}

/// Behind the escape `\\u....` at `at`, and behind the second one where it is a pair; not if it is half of one.
#[inline(always)]
fn behind_unicode(text: &[u8], at: usize) -> Option<usize> {
    match hex4(text.get(at + 2..at + 6)?)? {
        0xd800..0xdc00 => {
            let second = text.get(at + 6..at + 12)?.strip_prefix(b"\\u")?;
            matches!(hex4(second)?, 0xdc00..0xe000).then_some(at + 12)
        }
        0xdc00..0xe000 => None,
        _ => Some(at + 6),
    }
}

/// A number or a word, which starts with `byte`, and the position behind it.
#[inline(always)]
fn plain_value<S: Scan>(
    scan: S,
    text: &[u8],
    start: usize,
    byte: u8,
    max_field_bytes: usize,
) -> Option<(usize, Scalar)> {
    let word = |word: &[u8], value| text[start..].starts_with(word).then_some((start + word.len(), value));
    match byte {
        b'n' => word(b"null", Scalar::Null),
        b't' => word(b"true", Scalar::Bool(true)),
        b'f' => word(b"false", Scalar::Bool(false)),
        _ => {
            let end = number(scan, text, start, max_field_bytes)?;
            Some((end, Scalar::Raw { start, end }))
        }
    }
}

/// The position behind a number.
#[inline(always)]
fn number<S: Scan>(scan: S, text: &[u8], start: usize, max_field_bytes: usize) -> Option<usize> {
    let block = block_at(text, start)?;
    let digits = scan.digits(block);
    let minus = u32::from(block[0] == b'-');
    let whole = (digits >> minus).trailing_ones();
    let mut end = minus + whole;
    if whole == 0 || (whole > 1 && block[minus as usize] == b'0') || end as usize >= BLOCK_BYTES - 1 {
        return long_number(text, start, max_field_bytes);
    }
    if block[end as usize] == b'.' {
        let fraction = (digits >> (end + 1)).trailing_ones();
        end += 1 + fraction;
        if fraction == 0 || end as usize >= BLOCK_BYTES {
            return long_number(text, start, max_field_bytes);
        }
    }
    if matches!(block[end as usize], b'e' | b'E') || end as usize > max_field_bytes {
        return long_number(text, start, max_field_bytes);
    }
    Some(start + end as usize)
}

/// A number that does not fit into a block, has an exponent or is none.
#[cold]
fn long_number(text: &[u8], start: usize, max_field_bytes: usize) -> Option<usize> {
    let mut walker = Walker::new(text, start, max_field_bytes);
    walker.value().ok()?;
    Some(walker.at())
}

#[inline(always)]
fn skip_blanks(text: &[u8], mut at: usize, over_lines: bool) -> usize {
    loop {
        match text.get(at) {
            Some(b' ' | b'\t' | b'\r') => at += 1,
            Some(b'\n') if over_lines => at += 1,
            _ => return at,
        }
    }
}

#[inline(always)]
fn behind(text: &[u8], at: usize, wanted: u8) -> Option<usize> {
    (*text.get(at)? == wanted).then_some(at + 1)
}

/// `None` near the end of the text: what is left there is read plainly.
#[inline(always)]
fn block_at(text: &[u8], at: usize) -> Option<&Block> {
    text.get(at..)?.first_chunk()
}
