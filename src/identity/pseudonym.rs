//! Names for people that do not tell their ids.
//!
//! A hash without a key would be undone by hashing every e-mail address there is: the key is what keeps
//! the pseudonyms apart from the ids. The same key gives the same pseudonyms in every run.

use std::fmt;

/// Separates these hashes from all others that anyone makes with the same secret.
const CONTEXT: &str = "dropoff 2026-11-22 pseudonyms of people";

/// Hexadecimal digits of a pseudonym: 128 bits, so that no two ids share one.
const DIGITS: usize = 32;

/// The key of the pseudonyms of one run.
#[derive(Clone, PartialEq, Eq)]
pub struct Pseudonyms {
    key: [u8; 32],
}

impl Pseudonyms {
    /// From a secret of any length.
    pub fn new(secret: &[u8]) -> Pseudonyms {
        Pseudonyms { key: blake3::derive_key(CONTEXT, secret) }
    }

    /// What stands for an id: 32 hexadecimal digits of its BLAKE3 under the key.
    pub fn of(&self, id: &[u8]) -> String {
        let mut digits = blake3::keyed_hash(&self.key, id).to_hex().to_string();
        digits.truncate(DIGITS);
        digits
    }

    /// An id as it is stored, where its first byte may be the place of its column, which stays.
    pub fn of_stored(&self, stored: &[u8], has_column: bool) -> Vec<u8> {
        match stored.split_first() {
            Some((&column, id)) if has_column => [&[column], self.of(id).as_bytes()].concat(),
            _ => self.of(stored).into_bytes(),
        }
    }
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_decides() {
        let (one, other) = (Pseudonyms::new(b"a secret of ours"), Pseudonyms::new(b"another secret"));
        assert_eq!(one.of(b"dana@example.com"), Pseudonyms::new(b"a secret of ours").of(b"dana@example.com"));
        assert_ne!(one.of(b"dana@example.com"), other.of(b"dana@example.com"));
        assert_ne!(one.of(b"dana@example.com"), one.of(b"dana@example.org"));
        assert_ne!(one.of(b"u1"), blake3::hash(b"u1").to_hex().as_str()[..DIGITS]);
        assert!(one.of(b"").len() == DIGITS && one.of(b"").bytes().all(|digit| digit.is_ascii_hexdigit()));
        assert_eq!(one.of_stored(b"\x01u1", true), [b"\x01", one.of(b"u1").as_bytes()].concat());
        assert_eq!(one.of_stored(b"u1", false), one.of(b"u1").into_bytes());
    }

    #[test]
    fn nobody_reads_the_key_in_a_message() {
        assert_eq!(format!("{:?}", Pseudonyms::new(b"x")), "Pseudonyms");
    }
}
