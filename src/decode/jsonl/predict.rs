//! The fast walk over a record, along the joints that earlier records had.
//!
//! It only ever says that a record is sound, and what its wanted values are. Whatever is wrong
//! with one, or merely rare, it gives up on: the plain walk then reads the record again and tells
//! what is the matter. It checks all that the plain walk checks. A text equal to one that was
//! parsed in the same place of the same kind of object needs no second parsing; every other text
//! between values, and every value, is checked here.

use super::record::{RecordReader, Scalar};
use super::scan::{BLOCK_BYTES, Block, Scan, ScanJob};
use super::shapes::{JointId, Known, Parsed, RECORD};
use super::walk::{MAX_DEPTH, Text, Walker};

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

/// Where a walk stands: behind which joint, in which object or array.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    joint: JointId,
    container: JointId,
    is_array: bool,
    /// The object as a node of the reader, if something in it is wanted.
    node: Option<usize>,
}

impl ScanJob for Prediction<'_, '_> {
    /// The position behind the record; `None` if it is not sound, or not to be read this way.
    type Output = Option<usize>;

    #[inline(always)]
    fn run<S: Scan>(mut self, scan: S) -> Option<usize> {
        let mut place = Place { joint: RECORD, container: RECORD, is_array: false, node: Some(0) };
        let mut first = true;
        let mut at = self.start + 1;
        loop {
            let block = block_at(self.text, at)?;
            let known = self.reader.shapes.follow(scan, place.joint, self.text, at, block);
            let joint = match known {
                Some(known) => known,
                None => self.joint(scan, place, first, at)?,
            };
            at += joint.length as usize;
            first = false;
            if joint.closes {
                let Some(outer) = self.reader.around.pop() else { return Some(at) };
                place = outer;
                continue;
            }
            place.joint = joint.id;
            if let Some(node) = joint.node
                && !self.reader.is_first(node)
            {
                return None;
            }
            // The value. Behind an opening bracket of an array the first element is the next one.
            let mut node = joint.node;
            loop {
                match *self.text.get(at)? {
                    b'"' => {
                        let (end, escaped) = self.string(scan, at + 1)?;
                        if let Some(node) = node {
                            let raw = &self.text[at + 1..end];
                            self.reader.text(node, Text { raw, escaped }, end + 1);
                        }
                        at = end + 1;
                    }
                    b'-' | b'0'..=b'9' => {
                        let end = self.number(scan, at)?;
                        self.keep(node, Scalar::Raw { start: at, end });
                        at = end;
                    }
                    b'n' => at = self.word(node, at, b"null", Scalar::Null)?,
                    b't' => at = self.word(node, at, b"true", Scalar::Bool(true))?,
                    b'f' => at = self.word(node, at, b"false", Scalar::Bool(false))?,
                    bracket @ (b'{' | b'[') => {
                        let is_array = bracket == b'[';
                        at += 1;
                        place = self.open(place, is_array, node)?;
                        first = true;
                        if is_array {
                            node = None;
                            at = self.skip_blanks(at);
                            if *self.text.get(at)? != b']' {
                                first = false;
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

impl Prediction<'_, '_> {
    /// Enters the object or array that is the value at `place`.
    #[inline(always)]
    fn open(&mut self, place: Place, is_array: bool, node: Option<usize>) -> Option<Place> {
        let reader = &mut *self.reader;
        let too_deep = self.layout.depth as usize + reader.around.len() + 2 > MAX_DEPTH as usize;
        if too_deep || node.is_some_and(|node| reader.is_single(node)) {
            return None;
        }
        reader.around.push(place);
        let start = reader.shapes.inner(place.joint, is_array);
        Some(Place { joint: start, container: start, is_array, node: if is_array { None } else { node } })
    }

    /// Parses the text before the next value, or before the end of the object or array, and
    /// learns it.
    #[inline(always)]
    fn joint<S: Scan>(&mut self, scan: S, place: Place, first: bool, start: usize) -> Option<Known> {
        let mut at = self.skip_blanks(start);
        let mut node = None;
        let closes = *self.text.get(at)? == if place.is_array { b']' } else { b'}' };
        if closes {
            at += 1;
        } else {
            if !first {
                at = self.skip_blanks(self.behind(at, b',')?);
            }
            if !place.is_array {
                let key_start = self.behind(at, b'"')?;
                let (end, escaped) = self.string(scan, key_start)?;
                let key = Text { raw: &self.text[key_start..end], escaped };
                node = place.node.and_then(|node| self.reader.child(node, key));
                at = self.behind(self.skip_blanks(end + 1), b':')?;
                at = self.skip_blanks(at);
            }
        }
        let parsed = Parsed { text: &self.text[start..at], closes, in_array: place.is_array, node };
        Some(self.reader.shapes.learn(place.joint, place.container, parsed))
    }

    #[inline(always)]
    fn skip_blanks(&self, mut at: usize) -> usize {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.text.get(at) {
            if self.text[at] == b'\n' && !self.layout.over_lines {
                break;
            }
            at += 1;
        }
        at
    }

    #[inline(always)]
    fn behind(&self, at: usize, wanted: u8) -> Option<usize> {
        (*self.text.get(at)? == wanted).then_some(at + 1)
    }

    /// The position of the closing quote of a string that starts at `start`, behind its opening
    /// one, and whether there are escapes in it.
    #[inline(always)]
    fn string<S: Scan>(&self, scan: S, start: usize) -> Option<(usize, bool)> {
        let mut at = start;
        let mut escaped = false;
        loop {
            let ends = scan.string_ends(block_at(self.text, at)?);
            if ends == 0 {
                at += BLOCK_BYTES;
                continue;
            }
            at += ends.trailing_zeros() as usize;
            match self.text[at] {
                b'"' => return (at - start <= self.layout.max_field_bytes).then_some((at, escaped)),
                b'\\' => {
                    escaped = true;
                    at = self.escape(at)?;
                }
                _ => return None,
            }
        }
    }

    #[inline(always)]
    fn escape(&self, at: usize) -> Option<usize> {
        match *self.text.get(at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 2),
            b'u' => self.text.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit).then_some(at + 6),
            _ => None,
        }
    }

    /// The position behind a number.
    #[inline(always)]
    fn number<S: Scan>(&self, scan: S, start: usize) -> Option<usize> {
        let block = block_at(self.text, start)?;
        let digits = scan.digits(block);
        let minus = u32::from(block[0] == b'-');
        let whole = (digits >> minus).trailing_ones();
        let mut end = minus + whole;
        if whole == 0 || (whole > 1 && block[minus as usize] == b'0') || end as usize >= BLOCK_BYTES - 1 {
            return self.long_number(start);
        }
        if block[end as usize] == b'.' {
            let fraction = (digits >> (end + 1)).trailing_ones();
            end += 1 + fraction;
            if fraction == 0 || end as usize >= BLOCK_BYTES {
                return self.long_number(start);
            }
        }
        if matches!(block[end as usize], b'e' | b'E') || end as usize > self.layout.max_field_bytes {
            return self.long_number(start);
        }
        Some(start + end as usize)
    }

    #[cold]
    fn long_number(&self, start: usize) -> Option<usize> {
        let mut walker = Walker::new(self.text, start, self.layout.max_field_bytes);
        walker.value().ok()?;
        Some(walker.at())
    }

    #[inline(always)]
    fn word(&mut self, node: Option<usize>, at: usize, word: &[u8], value: Scalar) -> Option<usize> {
        if !self.text[at..].starts_with(word) {
            return None;
        }
        self.keep(node, value);
        Some(at + word.len())
    }

    #[inline(always)]
    fn keep(&mut self, node: Option<usize>, value: Scalar) {
        if let Some(node) = node {
            self.reader.store(node, value);
        }
    }
}

/// `None` near the end of the text: what is left there is read plainly.
#[inline(always)]
fn block_at(text: &[u8], at: usize) -> Option<&Block> {
    text.get(at..)?.first_chunk()
}
