//! Where a text in UTF-16 has lost a byte: from there on every character is put together of two halves of
//! others, and no line ends any more.
//!
//! What every log has tells it: stretches of ASCII (digits, delimiters, keys), which are `00 31 00 32` or
//! `31 00 32 00`. Read with the halves changed over they are characters such as U+3100, one after the other, as
//! no language writes them.

use super::ending::Damage;
use super::streams::StreamFault;
use std::io::{self, Read};
use std::sync::{Arc, OnceLock};

/// Characters in a row that only a lost byte explains.
const CERTAIN: usize = 16;

/// The high byte of U+3000, which texts may well hold many of.
const IDEOGRAPHIC_SPACE: u8 = 0x30;

/// The bytes of a text in UTF-16, up to where one was lost or half a character ends it: that is a fault, or
/// noted as damage and taken for the end.
pub(super) struct Aligned<R> {
    inner: R,
    is_big_endian: bool,
    /// The first byte of a character whose second is still to come.
    half: Option<u8>,
    /// The last character is the first half of a pair.
    is_pair_open: bool,
    /// Characters up to here that look shifted, and where the first of them begins.
    run: usize,
    run_start: u64,
    /// Bytes that have passed, the byte order mark among them.
    passed: u64,
    /// Line breaks that have passed.
    lines: u64,
    lost: Option<StreamFault>,
    salvage: Option<Arc<OnceLock<Damage>>>,
}

impl<R> Aligned<R> {
    /// `start` bytes have been read of the input. Damage is noted in `salvage`, if that is wanted.
    pub fn new(
        inner: R,
        is_big_endian: bool,
        start: u64,
        salvage: Option<Arc<OnceLock<Damage>>>,
    ) -> Aligned<R> {
        Aligned {
            inner,
            is_big_endian,
            half: None,
            is_pair_open: false,
            run: 0,
            run_start: 0,
            passed: start,
            lines: 0,
            lost: None,
            salvage,
        }
    }

    /// How many of the bytes that come next are sound: all, unless a byte was lost.
    fn sound(&mut self, bytes: &[u8]) -> usize {
        for (at, &byte) in bytes.iter().enumerate() {
            self.passed += 1;
            let Some(first) = self.half.take() else {
                self.half = Some(byte);
                continue;
            };
            let (high, low) = if self.is_big_endian { (first, byte) } else { (byte, first) };
            self.lines += u64::from(high == 0 && low == b'\n');
            self.is_pair_open = (0xD8..0xDC).contains(&high);
            let is_ascii = high.is_ascii_graphic() || high.is_ascii_whitespace();
            if low != 0 || !is_ascii {
                self.run = 0;
            } else if self.run == 0 {
                (self.run, self.run_start) = (1, self.passed - 2);
            } else if high != IDEOGRAPHIC_SPACE {
                self.run += 1;
            }
            if self.run == CERTAIN {
                let run_bytes = (self.passed - self.run_start) as usize;
                self.lose(self.run_start);
                return (at + 1).saturating_sub(run_bytes);
            }
        }
        bytes.len()
    }

    fn lose(&mut self, at: u64) {
        let fault = StreamFault::LostByte { line: self.lines + 1, at };
        if let Some(damage) = &self.salvage {
            damage.get_or_init(|| Damage { fault: fault.clone(), offset: at });
        }
        self.lost = Some(fault);
    }
}

impl<R: Read> Read for Aligned<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.lost.is_none() && !buffer.is_empty() {
            let read = self.inner.read(buffer)?;
            if read == 0 && (self.half.is_some() || self.is_pair_open) {
                self.lose(self.passed);
            }
            let sound = self.sound(&buffer[..read]);
            if sound > 0 {
                return Ok(sound);
            }
        }
        match self.lost.clone().filter(|_| self.salvage.is_none()) {
            Some(fault) => Err(fault.into()),
            None => Ok(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "user,ts\nמשתמש,2026-03-01T10:00:00Z\nu2,2026-03-01T10:00:01Z\n";

    fn bytes(text: &str, is_big_endian: bool) -> Vec<u8> {
        let to_bytes = if is_big_endian { u16::to_be_bytes } else { u16::to_le_bytes };
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    /// What passes, and the fault behind it; read by pieces of so many bytes.
    fn pass(bytes: &[u8], is_big_endian: bool, piece: usize) -> (Vec<u8>, Option<StreamFault>) {
        let mut aligned = Aligned::new(bytes, is_big_endian, 2, None);
        let mut passed = Vec::new();
        let mut buffer = vec![0; piece];
        loop {
            match aligned.read(&mut buffer) {
                Ok(0) => return (passed, None),
                Ok(read) => passed.extend_from_slice(&buffer[..read]),
                Err(error) => return (passed, StreamFault::of(&error).cloned()),
            }
        }
    }

    #[test]
    fn a_lost_byte_is_found_where_the_next_ascii_begins() {
        for is_big_endian in [false, true] {
            let sound = bytes(LOG, is_big_endian);
            assert_eq!(pass(&sound, is_big_endian, 7), (sound.clone(), None));
            // The first line has 8 characters, the second 5 of Hebrew before the comma. A byte of the second
            // letter is lost.
            let mut text = sound.clone();
            text.remove(18);
            let (passed, fault) = pass(&text, is_big_endian, 1 << 10);
            let Some(StreamFault::LostByte { line: 2, at }) = fault else { panic!("{fault:?}") };
            assert!((26..=30).contains(&at), "{at}");
            assert_eq!(passed, text[..at as usize - 2]);
            // However the bytes come in the place is the same.
            assert_eq!(pass(&text, is_big_endian, 3).1, Some(StreamFault::LostByte { line: 2, at }));
        }
    }

    #[test]
    fn half_a_character_at_the_end_is_a_fault() {
        let sound = bytes(LOG, false);
        let end = sound.len() as u64 + 2;
        let lost = |at| Some(StreamFault::LostByte { line: 4, at });
        assert_eq!(pass(&[&sound[..], b"u"].concat(), false, 64).1, lost(end + 1));
        // The first half of a pair, whose second is missing.
        assert_eq!(pass(&[&sound[..], &[0x3D, 0xD8]].concat(), false, 64).1, lost(end + 2));
        assert_eq!(pass(&[&sound[..], &[0x3D, 0xD8, 0x00, 0xDE]].concat(), false, 64).1, None);
    }

    #[test]
    fn salvaged_it_ends_there() {
        let text = [&bytes(LOG, true)[..], b"\0"].concat();
        let damage: Arc<OnceLock<Damage>> = Arc::default();
        let mut passed = Vec::new();
        Aligned::new(&text[..], true, 2, Some(Arc::clone(&damage)))
            .read_to_end(&mut passed)
            .expect("it is salvaged");
        assert_eq!(passed, text);
        assert_eq!(damage.get().map(|damage| damage.offset), Some(text.len() as u64 + 2));
    }

    #[test]
    fn no_language_looks_shifted() {
        for text in [
            &"\u{3000}".repeat(40),
            "\u{3000}東京\u{3000}都、二千二十六年\n",
            "שלום עולם\n",
            "ਅੰਮ੍ਰਿਤਸਰ\n",
            "emoji 😀😀😀\n",
        ] {
            let text = bytes(&text.repeat(50), false);
            assert_eq!(pass(&text, false, 64).1, None);
        }
    }
}
