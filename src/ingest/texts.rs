//! Distinct texts, numbered in the order of arrival: the ids of one shard.
//!
//! Most ids are short and lie in the table itself, so that a look-up costs one read of memory; a
//! longer one lies elsewhere, which is a second. Both can be asked for ahead ([`Texts::ask_table`],
//! then [`Texts::ask_text`]), so that the waits of many look-ups overlap. Texts are compared byte by
//! byte: no hash decides who somebody is.

use super::prefetch::prefetch;
use foldhash::fast::RandomState;
use std::hash::{BuildHasher, Hasher};

/// A short text with zeros behind it, first bytes lowest: read, compared and handed on in registers.
type Short = [u64; 3];
/// The same as bytes, end to end.
pub type ShortBytes = [[u8; 8]; 3];
/// Bytes of the longest text that lies in its slot.
const SHORT_BYTES: usize = size_of::<Short>();
/// Bits of a slot's form that hold the length of a short text, or [`LONG`].
const LEN_BITS: u32 = 5;
const LONG: u32 = (1 << LEN_BITS) - 1;
/// Bytes of a long text's length, in front of it.
const HEADER: usize = 8;
/// Slots that share a line of the cache.
const SLOTS_PER_LINE: usize = 2;
/// Lines of the smallest table.
const LEAST_LINES: usize = 8;

/// Distinct texts and their codes.
#[derive(Default, Clone)]
pub struct Texts {
    /// Open addressing, linear probing by line.
    lines: Vec<Line>,
    /// Length and text of the long ones, end to end.
    long: Vec<u8>,
    count: u32,
    /// The slot of each text, by code; made when the texts are frozen.
    places: Vec<u32>,
}

/// Slots that are looked at together; they fill from the first on.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Line([Slot; SLOTS_PER_LINE]);

/// A text and its code.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// A short text with zeros behind it, or where a long one starts.
    text: ShortBytes,
    /// Length, and above it bits of the hash: equal texts have equal forms.
    form: u32,
    /// Code plus one, or 0 where the slot is free.
    number: u32,
}

impl Slot {
    fn is_free(&self) -> bool {
        self.number == 0
    }

    fn is_long(&self) -> bool {
        self.form & LONG == LONG
    }

    fn long_start(&self) -> usize {
        u64::from_le_bytes(self.text[0]) as usize
    }
}

/// What a text is looked up by: a hash, and beside it the text itself if it is short.
#[derive(Clone, Copy)]
pub struct TextKey {
    hash: u64,
    short: Short,
    /// The length of a short text, or [`LONG`].
    len: u32,
}

impl TextKey {
    #[inline(always)]
    pub fn new(text: &[u8], seed: &RandomState) -> TextKey {
        match padded(text) {
            Some(short) => TextKey::of_short(short, text.len() as u32, seed),
            None => TextKey { hash: hash_of_long(text, seed), short: [0; 3], len: LONG },
        }
    }

    /// The key of a row's id; `long` holds those that are not short.
    #[inline(always)]
    pub fn of_row(id: &RowId, long: &[u8], seed: &RandomState) -> TextKey {
        match id.is_long() {
            true => TextKey { hash: hash_of_long(id.long_text(long), seed), short: [0; 3], len: LONG },
            false => TextKey::of_short(id.short, id.len, seed),
        }
    }

    #[inline(always)]
    fn of_short(short: Short, len: u32, seed: &RandomState) -> TextKey {
        let mut hasher = seed.build_hasher();
        let [first, second, third] = short.map(u128::from);
        hasher.write_u128(first | second << 64);
        hasher.write_u128(third | u128::from(len) << 64);
        TextKey { hash: hasher.finish(), short, len }
    }

    /// It decides where a text is looked for, never which one it is.
    #[inline]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Whether both are keys of one text; `texts` gives those of both, where they are long.
    #[inline(always)]
    pub fn is_same<'t>(&self, other: &TextKey, texts: impl FnOnce() -> [&'t [u8]; 2]) -> bool {
        let same_long = || {
            let [one, another] = texts();
            self.hash == other.hash && same_bytes(one, another)
        };
        is_same_short(self.short, other.short) && self.len == other.len && (!self.is_long() || same_long())
    }

    #[inline(always)]
    fn form(&self) -> u32 {
        (self.hash as u32) << LEN_BITS | self.len
    }

    fn is_long(&self) -> bool {
        self.len == LONG
    }
}

// What is done with long texts hands back one number, so that keys and rows are made in registers whichever
// way a text goes.

#[inline(never)]
fn hash_of_long(text: &[u8], seed: &RandomState) -> u64 {
    let mut hasher = seed.build_hasher();
    hasher.write(text);
    hasher.finish()
}

/// Puts a text behind others; gives where it starts.
#[inline(never)]
fn put_long(text: &[u8], long: &mut Vec<u8>) -> u64 {
    let start = long.len() as u64;
    long.extend_from_slice(text);
    start
}

/// Where the look-up of texts of this form begins in a table of any size, beyond which it starts anew.
#[inline(always)]
fn home(form: u32) -> usize {
    (form >> LEN_BITS) as usize
}

/// An id as a row of a batch has it: the text itself where it is short, else where it lies among the long
/// ones of the batch.
#[derive(Debug, Clone, Copy)]
pub struct RowId {
    /// The text, or first where a long one starts.
    short: Short,
    len: u32,
}

impl RowId {
    /// Puts a text that is not short behind the others in `long`.
    #[inline(always)]
    pub fn new(text: &[u8], long: &mut Vec<u8>) -> RowId {
        match padded(text) {
            Some(short) => RowId { short, len: text.len() as u32 },
            None => RowId { short: [put_long(text, long), 0, 0], len: text.len() as u32 },
        }
    }

    #[inline(always)]
    fn is_long(&self) -> bool {
        self.len as usize > SHORT_BYTES
    }

    /// The text; `long` is where long ones were put, and short ones are put into `room`.
    #[inline]
    pub fn text<'t>(&self, long: &'t [u8], room: &'t mut ShortBytes) -> &'t [u8] {
        if self.is_long() {
            return self.long_text(long);
        }
        *room = self.short.map(u64::to_le_bytes);
        &room.as_flattened()[..self.len as usize]
    }

    /// The text of one that is long, else nothing.
    pub fn long_text<'t>(&self, long: &'t [u8]) -> &'t [u8] {
        let start = self.short[0] as usize;
        if self.is_long() { &long[start..start + self.len as usize] } else { b"" }
    }
}

/// A short text with zeros behind it, without a branch for each byte; `None` for a long one.
#[inline(always)]
fn padded(text: &[u8]) -> Option<Short> {
    let len = text.len();
    let eight_at = |at: usize| text[at..].first_chunk().map_or(0, |&word| u64::from_le_bytes(word));
    // The bytes from a place on, fewer than fit or just as many, read together with some before them.
    let rest_from = |at: usize| eight_at(len - 8).unbounded_shr(8 * (at + 8 - len) as u32);
    Some(match len {
        0..4 => [text.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)), 0, 0],
        4..8 => {
            // The two halves may overlap: the same bytes at the same places.
            let [first, last] =
                [0, len - 4].map(|at| text[at..].first_chunk().map_or(0, |&half| u32::from_le_bytes(half)));
            [u64::from(first) | u64::from(last) << (8 * (len - 4)), 0, 0]
        }
        8..16 => [eight_at(0), rest_from(8), 0],
        16..=SHORT_BYTES => [eight_at(0), eight_at(8), rest_from(16)],
        _ => return None,
    })
}

#[inline(always)]
fn is_same_short(one: Short, other: Short) -> bool {
    (one[0] ^ other[0]) | (one[1] ^ other[1]) | (one[2] ^ other[2]) == 0
}

impl Texts {
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Bytes that the texts and their table take in memory.
    pub fn bytes(&self) -> usize {
        self.lines.capacity() * size_of::<Line>() + self.long.capacity()
    }

    /// All texts, by code.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.slots_by_code().into_iter().map(|slot| self.text_of(self.slot(slot as usize)))
    }

    /// The text of a code. The texts must be frozen.
    pub fn get(&self, code: u32) -> &[u8] {
        self.text_of(self.slot(self.places[code as usize] as usize))
    }

    /// The code of a text, given now if it is new; `text` is asked only where it is long.
    #[inline]
    pub fn code<'t>(&mut self, key: &TextKey, text: impl Fn() -> &'t [u8]) -> u32 {
        if (self.count as usize + 1) * 4 > self.lines.len() * SLOTS_PER_LINE * 3 {
            self.grow();
        }
        let place = self.look_up(key, &text);
        match self.slot(place).number.checked_sub(1) {
            Some(code) => code,
            None => self.add(key, if key.is_long() { text() } else { b"" }, place),
        }
    }

    /// The code of a text that was given one.
    pub fn find<'t>(&self, key: &TextKey, text: impl Fn() -> &'t [u8]) -> Option<u32> {
        if self.lines.is_empty() {
            return None;
        }
        self.slot(self.look_up(key, &text)).number.checked_sub(1)
    }

    fn slot(&self, place: usize) -> &Slot {
        &self.lines[place / SLOTS_PER_LINE].0[place % SLOTS_PER_LINE]
    }

    /// The slot that holds a text, or the free one where it belongs.
    #[inline(always)]
    fn look_up<'t>(&self, key: &TextKey, text: &impl Fn() -> &'t [u8]) -> usize {
        let form = key.form();
        let mask = self.lines.len() - 1;
        let mut line = home(form) & mask;
        loop {
            let Line(slots) = &self.lines[line];
            // In which of the two a text lies cannot be foretold, so that no branch asks.
            let at = usize::from(slots[0].form != form);
            if self.holds(&slots[at], key, text) {
                return line * SLOTS_PER_LINE + at;
            }
            if at == 0 && self.holds(&slots[1], key, text) {
                return line * SLOTS_PER_LINE + 1;
            }
            if slots[1].is_free() {
                return line * SLOTS_PER_LINE + usize::from(!slots[0].is_free());
            }
            line = (line + 1) & mask;
        }
    }

    /// Whether a slot holds the text. The free slot where the empty text belongs may be taken to hold it.
    #[inline(always)]
    fn holds<'t>(&self, slot: &Slot, key: &TextKey, text: &impl Fn() -> &'t [u8]) -> bool {
        slot.form == key.form()
            && if key.is_long() {
                same_bytes(self.text_of(slot), text())
            } else {
                is_same_short(slot.text.map(u64::from_le_bytes), key.short)
            }
    }

    #[inline(never)]
    fn add(&mut self, key: &TextKey, long_text: &[u8], place: usize) -> u32 {
        let code = self.count;
        self.count = code.checked_add(1).expect("fewer than 2^32 ids in a shard");
        let mut slot = Slot { text: key.short.map(u64::to_le_bytes), form: key.form(), number: self.count };
        if key.is_long() {
            let start = self.long.len() as u64;
            slot.text[0] = start.to_le_bytes();
            self.reserve_long(HEADER + long_text.len());
            self.long.extend_from_slice(&(long_text.len() as u64).to_le_bytes());
            self.long.extend_from_slice(long_text);
        }
        self.lines[place / SLOTS_PER_LINE].0[place % SLOTS_PER_LINE] = slot;
        code
    }

    /// Asks for the line at which the look-up of a text begins.
    #[inline]
    pub fn ask_table(&self, key: &TextKey) {
        prefetch(&self.lines, self.home_of(key));
    }

    /// Asks for the text to which the first slot of that line points if it is long, from its header to its end
    /// if it is as long as the one that is looked up.
    #[inline]
    pub fn ask_text(&self, key: &TextKey, len: impl FnOnce() -> usize) {
        if !key.is_long() {
            return;
        }
        let line = self.lines.get(self.home_of(key));
        if let Some(slot) = line.map(|line| &line.0[0]).filter(|slot| slot.is_long()) {
            prefetch(&self.long, slot.long_start());
            prefetch(&self.long, (slot.long_start() + HEADER + len()).wrapping_sub(1));
        }
    }

    fn home_of(&self, key: &TextKey) -> usize {
        home(key.form()) & self.lines.len().wrapping_sub(1)
    }

    /// Makes every text readable by its code; no text may be added behind it.
    pub fn freeze(&mut self) {
        self.places = self.slots_by_code();
    }

    fn slots_by_code(&self) -> Vec<u32> {
        let mut places = vec![0; self.len()];
        for (slot, place) in self.lines.iter().flat_map(|line| &line.0).zip(0..) {
            if !slot.is_free() {
                places[slot.number as usize - 1] = place;
            }
        }
        places
    }

    /// Grows by half: doubled, the ids of a log of strangers would leave half their memory unused.
    fn reserve_long(&mut self, more: usize) {
        if self.long.capacity() - self.long.len() < more {
            self.long.reserve_exact(more.max(self.long.len() / 2));
        }
    }

    fn text_of<'t>(&'t self, slot: &'t Slot) -> &'t [u8] {
        if !slot.is_long() {
            return &slot.text.as_flattened()[..(slot.form & LONG) as usize];
        }
        let (len, text) =
            self.long[slot.long_start()..].split_first_chunk().expect("a long text has a length");
        &text[..u64::from_le_bytes(*len) as usize]
    }

    #[inline(never)]
    fn grow(&mut self) {
        let lines = (self.lines.len() * 2).max(LEAST_LINES);
        let old = std::mem::replace(&mut self.lines, vec![Line::default(); lines]);
        for slot in old.iter().flat_map(|line| &line.0).filter(|slot| !slot.is_free()) {
            let mut line = home(slot.form) & (lines - 1);
            let free = loop {
                match self.lines[line].0.iter_mut().find(|slot| slot.is_free()) {
                    Some(free) => break free,
                    None => line = (line + 1) & (lines - 1),
                }
            };
            *free = *slot;
        }
    }
}

/// Whether two texts are alike. Ids are short: a call to compare memory would cost more than the
/// comparison.
#[inline]
pub(super) fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let (a_words, a_rest) = a.as_chunks::<8>();
    let (b_words, b_rest) = b.as_chunks::<8>();
    if a_words.iter().zip(b_words).any(|(a, b)| u64::from_le_bytes(*a) != u64::from_le_bytes(*b)) {
        return false;
    }
    match (a.last_chunk::<8>(), b.last_chunk::<8>()) {
        (Some(a), Some(b)) => u64::from_le_bytes(*a) == u64::from_le_bytes(*b),
        _ => a_rest.iter().zip(b_rest).all(|(a, b)| a == b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of a text as if this were its hash.
    fn key(text: &[u8], hash: u64) -> TextKey {
        TextKey { hash, ..TextKey::new(text, &RandomState::default()) }
    }

    fn code_of(texts: &mut Texts, text: &[u8], hash: u64) -> u32 {
        texts.code(&key(text, hash), || text)
    }

    fn find(texts: &Texts, text: &[u8], hash: u64) -> Option<u32> {
        texts.find(&key(text, hash), || text)
    }

    #[test]
    fn texts_with_one_hash_stay_apart() {
        let mut texts = Texts::default();
        let names: Vec<String> = (0..200).map(|n| format!("id{n}")).collect();
        for (code, name) in names.iter().enumerate() {
            // Every hash is shared by many texts.
            assert_eq!(code_of(&mut texts, name.as_bytes(), (code % 3) as u64), code as u32);
        }
        for (code, name) in names.iter().enumerate() {
            assert_eq!(code_of(&mut texts, name.as_bytes(), (code % 3) as u64), code as u32);
            assert_eq!(find(&texts, name.as_bytes(), (code % 3) as u64), Some(code as u32));
        }
        assert_eq!((find(&texts, b"id200", 1), find(&Texts::default(), b"id0", 0)), (None, None));
        assert!(texts.iter().eq(names.iter().map(String::as_bytes)));
        texts.freeze();
        assert_eq!(texts.len(), 200);
        for (code, name) in names.iter().enumerate() {
            assert_eq!(texts.get(code as u32), name.as_bytes());
        }
    }

    #[test]
    fn texts_are_the_same_only_in_every_byte() {
        let text: Vec<u8> = (1..=40).collect();
        for len in 0..=text.len() {
            let one = &text[..len];
            let copy = one.to_vec();
            assert!(same_bytes(one, &copy));
            for at in 0..len {
                let mut other = one.to_vec();
                other[at] ^= 0x80;
                assert!(!same_bytes(one, &other), "{len} bytes, byte {at}");
            }
            assert_eq!(same_bytes(one, &text[..len.saturating_sub(1)]), len == 0);
        }
    }

    #[test]
    fn texts_of_every_length_differ_in_every_byte_and_in_zeros_behind_them() {
        let mut texts = Texts::default();
        let mut names: Vec<Vec<u8>> = Vec::new();
        for len in 0..=40 {
            let name: Vec<u8> = (1..=len).collect();
            names.extend(
                (0..name.len()).map(|at| [&name[..at], &[name[at] | 0x80], &name[at + 1..]].concat()),
            );
            // The same text and a zero is another text.
            names.extend([name.clone(), [&name[..], &[0]].concat()]);
        }
        for hash in [0, u64::MAX] {
            let codes: Vec<u32> = names.iter().map(|name| code_of(&mut texts, name, hash)).collect();
            let again: Vec<Option<u32>> = names.iter().map(|name| find(&texts, name, hash)).collect();
            assert!(again.iter().copied().eq(codes.iter().copied().map(Some)));
            texts.freeze();
            assert!(names.iter().zip(codes).all(|(name, code)| texts.get(code) == name));
        }
        // Under either hash.
        assert_eq!(texts.len(), 2 * names.len());
    }

    #[test]
    fn asking_ahead_is_allowed_of_anything() {
        let mut texts = Texts::default();
        let long = [b'x'; 30];
        texts.ask_table(&key(b"abc", 9));
        texts.ask_text(&key(&long, 9), || 30);
        code_of(&mut texts, b"abc", 9);
        code_of(&mut texts, &long, 10);
        for hash in [9, 10, u64::MAX] {
            texts.ask_table(&key(b"abc", hash));
            for text in [&b""[..], &long] {
                texts.ask_text(&key(text, hash), || 0);
                texts.ask_text(&key(text, hash), || 1 << 40);
            }
        }
        assert_eq!(code_of(&mut texts, b"abc", 9), 0);
    }

    #[test]
    fn empty_and_long_texts_are_texts() {
        let mut texts = Texts::default();
        let long = vec![b'x'; 70_000];
        assert_eq!(code_of(&mut texts, b"", 7), 0);
        assert_eq!(code_of(&mut texts, &long, 7), 1);
        assert_eq!(code_of(&mut texts, b"", 7), 0);
        texts.freeze();
        assert_eq!((texts.get(0), texts.get(1)), (&b""[..], &long[..]));
    }
}
