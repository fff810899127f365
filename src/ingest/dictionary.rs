//! Texts as numbers: event names, row kinds, segment values.
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

    /// All keys, by code.
    pub fn into_keys(self) -> Vec<K> {
        self.inner.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()).keys
    }
}

/// One thread's cache in front of a [`Dictionary`] of texts: the lock is taken once a text.
#[derive(Debug)]
pub struct TextCodes<'d> {
    shared: &'d Dictionary<Box<str>>,
    cache: HashMap<Box<[u8]>, u32, RandomState>,
}

impl<'d> TextCodes<'d> {
    pub fn new(shared: &'d Dictionary<Box<str>>) -> Self {
        TextCodes { shared, cache: HashMap::default() }
    }

    pub fn code(&mut self, text: &[u8]) -> u32 {
        if let Some(&code) = self.cache.get(text) {
            return code;
        }
        // Decoders hand over UTF-8 only, so nothing is replaced here.
        let code = self.shared.code(String::from_utf8_lossy(text).into_owned().into_boxed_str());
        self.cache.insert(text.into(), code);
        code
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
}
