//! Texts as numbers: event names, row kinds, segment values.
//!
//! Three steps from a text to its code: the few texts met last ([`RecentTexts`], by value), all
//! that this thread has met ([`TextCodes`]), all that any has ([`Dictionary`], under a lock).
//!
//! Codes are given in the order of arrival, which differs from run to run; nothing that is
//! printed depends on them. Where an order matters, texts are compared by their bytes ([`ranks`]).

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::hash::Hash;
use std::sync::Mutex;

/// Keys shared by all threads, numbered from 0.
#[derive(Debug)]
pub struct Dictionary<K> {
    inner: Mutex<Inner<K>>,
}

#[derive(Debug)]
struct Inner<K> {
    codes: HashMap<K, u32, RandomState>,
    keys: Vec<K>,
}

impl<K: Clone + Eq + Hash> Default for Dictionary<K> {
    fn default() -> Self {
        Dictionary { inner: Mutex::new(Inner { codes: HashMap::default(), keys: Vec::new() }) }
    }
}

impl<K: Clone + Eq + Hash> Dictionary<K> {
    /// The code of a key, given now if it is new.
    pub fn code(&self, key: K) -> u32 {
        let mut inner = self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(&code) = inner.codes.get(&key) {
            return code;
        }
        let code = u32::try_from(inner.keys.len()).expect("fewer than 2^32 distinct values");
        inner.keys.push(key.clone());
        inner.codes.insert(key, code);
        code
    }

    /// All keys so far, by code.
    pub fn keys(&self) -> Vec<K> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).keys.clone()
    }

    /// All keys, by code.
    pub fn into_keys(self) -> Vec<K> {
        self.inner.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()).keys
    }
}

/// One thread's cache in front of a [`Dictionary`] of texts: the lock is taken once a text.
#[derive(Debug)]
pub struct TextCodes<'d> {
    shared: &'d Dictionary<Box<str>>,
    recent: RecentTexts,
    cache: HashMap<Box<[u8]>, u32, RandomState>,
}

impl<'d> TextCodes<'d> {
    pub fn new(shared: &'d Dictionary<Box<str>>) -> Self {
        TextCodes { shared, recent: RecentTexts::default(), cache: HashMap::default() }
    }

    #[inline]
    pub fn code(&mut self, text: &[u8]) -> u32 {
        match ShortText::new(text).and_then(|short| self.recent.get(&short)) {
            Some(code) => code,
            None => self.look_up(text),
        }
    }

    #[inline(never)]
    fn look_up(&mut self, text: &[u8]) -> u32 {
        let code = self.look_up_any(text);
        if let Some(short) = ShortText::new(text) {
            self.recent.keep(short, code);
        }
        code
    }

    fn look_up_any(&mut self, text: &[u8]) -> u32 {
        if let Some(&code) = self.cache.get(text) {
            return code;
        }
        // Decoders hand over UTF-8 only, so nothing is replaced here.
        let code = self.shared.code(String::from_utf8_lossy(text).into_owned().into_boxed_str());
        self.cache.insert(text.into(), code);
        code
    }
}

/// A text of at most 32 bytes by value: compared without looking anywhere else.
#[derive(Debug, Clone, Copy)]
pub struct ShortText {
    /// Its first and its last bytes, which overlap or lie side by side; with the length they are
    /// the text.
    words: [u64; 4],
    len: u32,
}

impl ShortText {
    /// Equals no text.
    pub const NONE: ShortText = ShortText { words: [0; 4], len: u32::MAX };

    /// `None` for a longer text.
    #[inline(always)]
    pub fn new(text: &[u8]) -> Option<ShortText> {
        let words = match text.len() {
            0 => [0; 4],
            len @ 1..=3 => {
                let [first, middle, last] = [text[0], text[len / 2], text[len - 1]].map(u64::from);
                [first | middle << 8 | last << 16, 0, 0, 0]
            }
            // One way for most names, so that their lengths need not be foretold: four reads that
            // together cover the text.
            len @ 4..=16 => {
                let step = len / 8 * 4;
                let [first, second, third, last] = [0, step, len - 4 - step, len - 4].map(|at| {
                    let four = text[at..].first_chunk().copied().unwrap_or_default();
                    u64::from(u32::from_le_bytes(four))
                });
                [first | second << 32, third | last << 32, 0, 0]
            }
            17..=32 => {
                let [first, last] =
                    [text.first_chunk()?, text.last_chunk()?].map(|&half| u128::from_le_bytes(half));
                [first as u64, (first >> 64) as u64, last as u64, (last >> 64) as u64]
            }
            _ => return None,
        };
        Some(ShortText { words, len: text.len() as u32 })
    }

    /// Word by word: they have just been put together, and lie in registers.
    #[inline]
    pub fn equals(&self, other: &ShortText) -> bool {
        let [a, b, c, d] = self.words;
        let [other_a, other_b, other_c, other_d] = other.words;
        let differing = (a ^ other_a) | (b ^ other_b) | (c ^ other_c) | (d ^ other_d);
        differing == 0 && self.len == other.len
    }
}

/// Places of [`RecentTexts`].
const RECENT_PLACES: usize = 256;

/// Numbers of the short texts met last, each in the one place that its bytes choose. Names of
/// events, devices, countries are few, short, and asked for with every row.
#[derive(Debug)]
pub struct RecentTexts {
    places: Box<[(ShortText, u32); RECENT_PLACES]>,
}

impl Default for RecentTexts {
    fn default() -> RecentTexts {
        RecentTexts { places: Box::new([(ShortText::NONE, 0); RECENT_PLACES]) }
    }
}

impl RecentTexts {
    #[inline]
    fn place(text: &ShortText) -> usize {
        // Whoever writes texts that share a place makes them as slow as long ones, not wrong.
        let [a, b, c, d] = text.words;
        let mixed =
            (a ^ b.rotate_left(25) ^ c.rotate_left(41) ^ d.rotate_left(13)).wrapping_add(text.len.into());
        (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
    }

    #[inline]
    pub fn get(&self, text: &ShortText) -> Option<u32> {
        let (known, number) = &self.places[RecentTexts::place(text)];
        known.equals(text).then_some(*number)
    }

    /// In place of whatever lay there.
    pub fn keep(&mut self, text: ShortText, number: u32) {
        self.places[RecentTexts::place(&text)] = (text, number);
    }
}

/// The rank of each text among all, by bytes.
pub fn ranks<T: Ord>(keys: &[T]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..keys.len() as u32).collect();
    order.sort_unstable_by(|&a, &b| keys[a as usize].cmp(&keys[b as usize]));
    let mut ranks = vec![0; keys.len()];
    for (rank, &code) in order.iter().enumerate() {
        ranks[code as usize] = rank as u32;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_a_code_and_ranks_follow_bytes() {
        let shared = Dictionary::default();
        let mut codes = TextCodes::new(&shared);
        let view = codes.code("view".as_bytes());
        let cart = codes.code("cart".as_bytes());
        assert_ne!(view, cart);
        assert_eq!(codes.code(b"view"), view);
        assert_eq!(TextCodes::new(&shared).code(b"cart"), cart);
        let keys = shared.into_keys();
        assert_eq!(keys.len(), 2);
        assert!(ranks(&keys)[cart as usize] < ranks(&keys)[view as usize]);
    }

    #[test]
    fn short_texts_are_equal_only_if_their_bytes_are() {
        // Every length, each with one byte changed, at every place.
        let mut texts: Vec<Vec<u8>> = Vec::new();
        for len in 0..=32 {
            texts.push(vec![b'a'; len]);
            texts.extend((0..len).map(|at| [&vec![b'a'; at][..], b"b", &vec![b'a'; len - at - 1]].concat()));
        }
        for (index, text) in texts.iter().enumerate() {
            let short = ShortText::new(text).expect("it is short");
            let equals = |other: &Vec<u8>| ShortText::new(other).is_some_and(|other| other.equals(&short));
            assert_eq!(texts.iter().position(equals), Some(index));
        }
        assert!(ShortText::new(&[b'a'; 33]).is_none());
    }

    #[test]
    fn a_text_keeps_its_code_however_many_others_there_are() {
        let shared = Dictionary::default();
        let mut codes = TextCodes::new(&shared);
        // Lengths on both sides of what is short, many times more texts than places.
        let texts: Vec<String> = (0..2000).map(|n| format!("{n:0width$}", width = n % 40)).collect();
        let first: Vec<u32> = texts.iter().map(|text| codes.code(text.as_bytes())).collect();
        let again: Vec<u32> = texts.iter().rev().map(|text| codes.code(text.as_bytes())).collect();
        assert!(first.iter().eq(again.iter().rev()));
        assert_eq!(codes.code(b""), codes.code(b""));
        let keys = shared.into_keys();
        assert!(texts.iter().zip(&first).all(|(text, &code)| *keys[code as usize] == **text));
    }
}
