//! Readers that stand between a file and what unpacks it, or behind that: a file that must not shrink, a limit
//! of what may come out, and damage that is taken for the end.

use super::ending::Damage;
use super::streams::StreamFault;
use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Bytes asked of damaged data at once: what an unpacker wrote before it met the damage in the same
/// call is lost.
const CAUTIOUS_BYTES: usize = 512;

/// A regular file, read to the size it had when it was opened: less is a fault, more is left alone.
pub(super) struct WholeFile<R> {
    pub inner: R,
    pub size: u64,
    pub read: u64,
}

impl<R: Read> Read for WholeFile<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.size - self.read;
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let read = self.inner.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(StreamFault::Shrunk { expected: self.size, at: self.read }.into());
        }
        self.read += read as u64;
        Ok(read)
    }
}

/// Counts the bytes that pass.
pub(super) struct Counted<R> {
    pub inner: R,
    pub count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Unpacked bytes, of which there may be so many.
pub(super) struct Limited<R> {
    pub inner: R,
    pub most: u64,
    pub passed: u64,
    /// Bytes read of the file as it lies on disk.
    pub packed: Arc<AtomicU64>,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.passed += read as u64;
        if self.passed > self.most {
            let packed = self.packed.load(Ordering::Relaxed);
            return Err(StreamFault::TooLarge { most: self.most, packed }.into());
        }
        Ok(read)
    }
}

/// Unpacked bytes up to where the packed data is damaged, which is then noted and taken for the end.
pub(super) struct Salvaged<R> {
    pub inner: R,
    pub passed: u64,
    pub damage: Arc<OnceLock<Damage>>,
}

impl<R: Read> Read for Salvaged<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.damage.get().is_some() {
            return Ok(0);
        }
        let most = buffer.len().min(CAUTIOUS_BYTES);
        match self.inner.read(&mut buffer[..most]) {
            Ok(read) => {
                self.passed += read as u64;
                Ok(read)
            }
            Err(error) => match StreamFault::of(&error).filter(|fault| fault.is_damage()) {
                Some(fault) => {
                    let damage = Damage { fault: fault.clone(), offset: self.passed };
                    self.damage.get_or_init(|| damage);
                    Ok(0)
                }
                None => Err(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_to_its_first_size_and_less_is_a_fault() {
        let mut text = String::new();
        let grown = WholeFile { inner: &b"abcdef"[..], size: 4, read: 0 }.read_to_string(&mut text);
        assert_eq!((grown.expect("readable"), text.as_str()), (4, "abcd"));
        let error = WholeFile { inner: &b"abc"[..], size: 4, read: 0 }
            .read_to_end(&mut Vec::new())
            .expect_err("it shrank");
        assert_eq!(StreamFault::of(&error), Some(&StreamFault::Shrunk { expected: 4, at: 3 }));
    }

    #[test]
    fn what_is_within_the_limit_passes_and_more_is_a_fault() {
        let limited = |most| Limited { inner: &[b'x'; 1000][..], most, passed: 0, packed: Arc::default() };
        assert_eq!(limited(1000).read_to_end(&mut Vec::new()).expect("within"), 1000);
        let error = limited(999).read_to_end(&mut Vec::new()).expect_err("beyond");
        assert_eq!(StreamFault::of(&error), Some(&StreamFault::TooLarge { most: 999, packed: 0 }));
    }
}
