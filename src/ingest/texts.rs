//! Distinct texts, numbered in the order of arrival: the ids of one shard.
//!
//! Most ids are short and lie in the table itself, so that a look-up costs one read of memory; a
//! longer one lies elsewhere, which is a second. Both can be asked for ahead ([`Texts::ask_table`],
//! then [`Texts::ask_text`]), so that the waits of many look-ups overlap. Texts are compared byte by
//! byte: no hash decides who somebody is.

use super::prefetch::prefetch;

/// Bytes of the longest text that lies in its slot.
const SHORT_BYTES: usize = 24;
/// Bits of a slot's form that hold the length of a short text, or [`LONG`].
const LEN_BITS: u32 = 5;
const LONG: u32 = (1 << LEN_BITS) - 1;
/// Bytes of a long text's length, in front of it.
const HEADER: usize = 8;
/// Slots of the smallest table.
const LEAST_SLOTS: usize = 16;

/// Distinct texts and their codes.
#[derive(Default, Clone)]
pub struct Texts {
    /// Open addressing, linear probing.
    slots: Vec<Slot>,
    /// Length and text of the long ones, end to end.
    long: Vec<u8>,
    count: u32,
    /// The slot of each text, by code; made when the texts are frozen.
    places: Vec<u32>,
}

/// A text and its code, side by side in one line of the cache.
#[derive(Clone, Copy, Default)]
#[repr(align(32))]
struct Slot {
    /// A short text with zeros behind it, or where a long one starts.
    text: [u8; SHORT_BYTES],
    /// Length, and above it the tag: equal texts have equal forms.
    form: u32,
    /// Code plus one, or 0 where the slot is free.
    number: u32,
}

impl Slot {
    /// The slot of a text, its number and a long one's place aside.
    #[inline(always)]
    fn of(text: &[u8], tag: u32) -> Slot {
        let (text, len) = match padded(text) {
            Some(short) => (short, text.len() as u32),
            None => ([0; SHORT_BYTES], LONG),
        };
        Slot { text, form: form(len, tag), number: 0 }
    }

    fn is_free(&self) -> bool {
        self.number == 0
    }

    fn is_long(&self) -> bool {
        self.form & LONG == LONG
    }

    fn long_start(&self) -> usize {
        self.text.first_chunk().map_or(0, |&start| u64::from_le_bytes(start) as usize)
    }
}

/// What is told of a text beside its bytes, of which `len` may be [`LONG`].
#[inline(always)]
fn form(len: u32, tag: u32) -> u32 {
    tag << LEN_BITS | len
}

/// Where the look-up of texts of this form begins in a table of any size, beyond which it starts anew.
#[inline(always)]
fn home(form: u32) -> usize {
    (form >> LEN_BITS) as usize
}

/// A short text with zeros behind it, without a branch for each byte; `None` for a long one.
#[inline(always)]
fn padded(text: &[u8]) -> Option<[u8; SHORT_BYTES]> {
    let len = text.len();
    let eight_at = |at: usize| text[at..].first_chunk().map_or(0, |&word| u64::from_le_bytes(word));
    // The bytes from a place on, fewer than fit or just as many, read together with some before them.
    let rest_from = |at: usize| eight_at(len - 8).unbounded_shr(8 * (at + 8 - len) as u32);
    let words = match len {
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
    };
    let mut bytes = [0; SHORT_BYTES];
    for (bytes, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
    Some(bytes)
}

impl Texts {
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Bytes that the texts and their table take in memory.
    pub fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>() + self.long.capacity()
    }

    /// All texts, by code.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.slots_by_code().into_iter().map(|slot| self.text_of(&self.slots[slot as usize]))
    }

    /// The text of a code. The texts must be frozen.
    pub fn get(&self, code: u32) -> &[u8] {
        self.text_of(&self.slots[self.places[code as usize] as usize])
    }

    /// The code of a text, given now if it is new. `tag` is a hash of the text, the same for the
    /// same text.
    #[inline]
    pub fn code(&mut self, text: &[u8], tag: u32) -> u32 {
        if (self.count as usize + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let slot = Slot::of(text, tag);
        let index = self.look_up(&slot, text);
        match self.slots[index].number.checked_sub(1) {
            Some(code) => code,
            None => self.add(slot, text, index),
        }
    }

    /// The code of a text that was given one.
    pub fn find(&self, text: &[u8], tag: u32) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        self.slots[self.look_up(&Slot::of(text, tag), text)].number.checked_sub(1)
    }

    /// The slot that holds a text, or the free one where it belongs.
    #[inline(always)]
    fn look_up(&self, wanted: &Slot, text: &[u8]) -> usize {
        let mask = self.slots.len() - 1;
        let mut index = home(wanted.form) & mask;
        loop {
            let slot = &self.slots[index];
            if slot.is_free() || (slot.form == wanted.form && self.holds(slot, wanted, text)) {
                return index;
            }
            index = (index + 1) & mask;
        }
    }

    /// Whether a slot of the same form holds the text.
    #[inline(always)]
    fn holds(&self, slot: &Slot, wanted: &Slot, text: &[u8]) -> bool {
        if wanted.is_long() { same_bytes(self.text_of(slot), text) } else { slot.text == wanted.text }
    }

    #[inline(never)]
    fn add(&mut self, mut slot: Slot, text: &[u8], index: usize) -> u32 {
        if slot.is_long() {
            let start = self.long.len() as u64;
            slot.text[..8].copy_from_slice(&start.to_le_bytes());
            self.reserve_long(HEADER + text.len());
            self.long.extend_from_slice(&(text.len() as u64).to_le_bytes());
            self.long.extend_from_slice(text);
        }
        let code = self.count;
        self.count = code.checked_add(1).expect("fewer than 2^32 ids in a shard");
        slot.number = self.count;
        self.slots[index] = slot;
        code
    }

    /// Asks for the slot at which the look-up of a text with this tag begins.
    #[inline]
    pub fn ask_table(&self, tag: u32) {
        prefetch(&self.slots, home(form(0, tag)) & self.slots.len().wrapping_sub(1));
    }

    /// Asks for the text to which that slot points if it is long, from its header to its end if it is as
    /// long as the one that is looked up.
    #[inline]
    pub fn ask_text(&self, tag: u32, len: u32) {
        if len as usize <= SHORT_BYTES {
            return;
        }
        let slot = self.slots.get(home(form(LONG, tag)) & self.slots.len().wrapping_sub(1));
        if let Some(slot) = slot.filter(|slot| slot.is_long()) {
            prefetch(&self.long, slot.long_start());
            prefetch(&self.long, slot.long_start() + HEADER + len as usize - 1);
        }
    }

    /// Makes every text readable by its code; no text may be added behind it.
    pub fn freeze(&mut self) {
        self.places = self.slots_by_code();
    }

    fn slots_by_code(&self) -> Vec<u32> {
        let mut places = vec![0; self.len()];
        for (slot, index) in self.slots.iter().zip(0..) {
            if !slot.is_free() {
                places[slot.number as usize - 1] = index;
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
            return &slot.text[..(slot.form & LONG) as usize];
        }
        let (len, text) =
            self.long[slot.long_start()..].split_first_chunk().expect("a long text has a length");
        &text[..u64::from_le_bytes(*len) as usize]
    }

    #[inline(never)]
    fn grow(&mut self) {
        let slots = (self.slots.len() * 2).max(LEAST_SLOTS);
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); slots]);
        for slot in old.into_iter().filter(|slot| !slot.is_free()) {
            let mut index = home(slot.form) & (slots - 1);
            while !self.slots[index].is_free() {
                index = (index + 1) & (slots - 1);
            }
            self.slots[index] = slot;
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

    #[test]
    fn texts_with_one_tag_stay_apart() {
        let mut texts = Texts::default();
        let names: Vec<String> = (0..200).map(|n| format!("id{n}")).collect();
        for (code, name) in names.iter().enumerate() {
            // Every tag is shared by many texts, some by all.
            assert_eq!(texts.code(name.as_bytes(), (code % 3) as u32), code as u32);
        }
        for (code, name) in names.iter().enumerate() {
            assert_eq!(texts.code(name.as_bytes(), (code % 3) as u32), code as u32);
            assert_eq!(texts.find(name.as_bytes(), (code % 3) as u32), Some(code as u32));
        }
        assert_eq!((texts.find(b"id200", 1), Texts::default().find(b"id0", 0)), (None, None));
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
        for tag in [0, u32::MAX] {
            let codes: Vec<u32> = names.iter().map(|name| texts.code(name, tag)).collect();
            let again: Vec<Option<u32>> = names.iter().map(|name| texts.find(name, tag)).collect();
            assert!(again.iter().copied().eq(codes.iter().copied().map(Some)));
            texts.freeze();
            assert!(names.iter().zip(codes).all(|(name, code)| texts.get(code) == name));
        }
        // Under either tag.
        assert_eq!(texts.len(), 2 * names.len());
    }

    #[test]
    fn asking_ahead_is_allowed_of_anything() {
        let mut texts = Texts::default();
        texts.ask_table(9);
        texts.ask_text(9, 3);
        texts.code(b"abc", 9);
        for tag in [9, 10, u32::MAX] {
            texts.ask_table(tag);
            texts.ask_text(tag, 0);
            texts.ask_text(tag, u32::MAX);
        }
        assert_eq!(texts.code(b"abc", 9), 0);
    }

    #[test]
    fn empty_and_long_texts_are_texts() {
        let mut texts = Texts::default();
        let long = vec![b'x'; 70_000];
        assert_eq!(texts.code(b"", 7), 0);
        assert_eq!(texts.code(&long, 7), 1);
        assert_eq!(texts.code(b"", 7), 0);
        texts.freeze();
        assert_eq!((texts.get(0), texts.get(1)), (&b""[..], &long[..]));
    }
}
