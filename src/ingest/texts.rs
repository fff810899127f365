//! Distinct texts, numbered in the order of arrival: the ids of one shard.
//!
//! A look-up costs two reads of memory, one of the table and one of the text itself, and both can
//! be asked for ahead ([`Texts::ask_table`], then [`Texts::ask_text`]), so that the waits of many
//! look-ups overlap. Texts are compared byte by byte: no hash decides who somebody is.

use super::prefetch::prefetch;

/// Bytes of a text's code and length, in front of it.
const HEADER: usize = 8;
/// Slots of the smallest table.
const LEAST_SLOTS: usize = 16;

/// Distinct texts and their codes.
#[derive(Default, Clone)]
pub struct Texts {
    /// Open addressing, linear probing: tag and place of a text plus one, or 0.
    slots: Vec<u64>,
    /// Code, length, text; end to end.
    bytes: Vec<u8>,
    count: u32,
    /// Place of each text, by code; made when the texts are frozen.
    places: Vec<u32>,
}

impl Texts {
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Bytes that the texts and their table take in memory.
    pub fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<u64>() + self.bytes.capacity()
    }

    /// All texts, by code.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut place = 0;
        (0..self.count).map(move |_| {
            let text = self.text_at(place);
            place += (HEADER + text.len()) as u32;
            text
        })
    }

    /// The text of a code. The texts must be frozen.
    pub fn get(&self, code: u32) -> &[u8] {
        self.text_at(self.places[code as usize])
    }

    /// The code of a text, given now if it is new. `tag` is a hash of the text, the same for the
    /// same text.
    pub fn code(&mut self, text: &[u8], tag: u32) -> u32 {
        if (self.count as usize + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut index = tag as usize & mask;
        loop {
            let slot = self.slots[index];
            if slot == 0 {
                break;
            }
            if (slot >> 32) as u32 == tag {
                let place = slot as u32 - 1;
                if same_bytes(self.text_at(place), text) {
                    return self.number_at(place);
                }
            }
            index = (index + 1) & mask;
        }
        let code = self.count;
        let place = u32::try_from(self.bytes.len()).expect("ids of one shard under 4 GiB");
        self.reserve_bytes(HEADER + text.len());
        self.bytes.extend_from_slice(&code.to_le_bytes());
        self.bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(text);
        self.slots[index] = u64::from(tag) << 32 | u64::from(place + 1);
        self.count += 1;
        code
    }

    /// The code of a text that was given one. The texts must not be frozen.
    pub fn find(&self, text: &[u8], tag: u32) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut index = tag as usize & mask;
        while self.slots[index] != 0 {
            let place = self.slots[index] as u32 - 1;
            if (self.slots[index] >> 32) as u32 == tag && same_bytes(self.text_at(place), text) {
                return Some(self.number_at(place));
            }
            index = (index + 1) & mask;
        }
        None
    }

    /// Asks for the slot at which the look-up of a text with this tag begins.
    #[inline]
    pub fn ask_table(&self, tag: u32) {
        prefetch(&self.slots, tag as usize & self.slots.len().wrapping_sub(1));
    }

    /// Asks for the text to which that slot points, from its header to its end if it is as long
    /// as the one that is looked up.
    #[inline]
    pub fn ask_text(&self, tag: u32, len: u32) {
        let slot = self.slots.get(tag as usize & self.slots.len().wrapping_sub(1)).copied().unwrap_or(0);
        if slot != 0 {
            let place = slot as u32 as usize - 1;
            prefetch(&self.bytes, place);
            prefetch(&self.bytes, place + HEADER + len as usize - 1);
        }
    }

    /// Lets the table go, after which no text can be added, and makes every text readable.
    pub fn freeze(&mut self) {
        self.slots = Vec::new();
        self.places.reserve_exact(self.len());
        let mut place = 0;
        for _ in 0..self.count {
            self.places.push(place);
            place += (HEADER + self.text_at(place).len()) as u32;
        }
    }

    /// Grows by half: doubled, the ids of a log of strangers would leave half their memory unused.
    fn reserve_bytes(&mut self, more: usize) {
        if self.bytes.capacity() - self.bytes.len() < more {
            self.bytes.reserve_exact(more.max(self.bytes.len() / 2));
        }
    }

    fn number_at(&self, at: u32) -> u32 {
        let bytes = &self.bytes[at as usize..at as usize + 4];
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }

    fn text_at(&self, place: u32) -> &[u8] {
        let start = place as usize + HEADER;
        &self.bytes[start..start + self.number_at(place + 4) as usize]
    }

    fn grow(&mut self) {
        let old = std::mem::take(&mut self.slots);
        self.slots = vec![0; (old.len() * 2).max(LEAST_SLOTS)];
        let mask = self.slots.len() - 1;
        for slot in old.into_iter().filter(|&slot| slot != 0) {
            let mut index = (slot >> 32) as usize & mask;
            while self.slots[index] != 0 {
                index = (index + 1) & mask;
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
