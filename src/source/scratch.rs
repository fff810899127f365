//! Temporary files: written from front to end, read at any place by any thread.
//!
//! They have no name, or one that the system takes away with their last handle: nothing is left
//! behind, however the program ends. What lies in them is not known here.

use super::chunks::PlainFile;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

/// A temporary file being written.
pub struct Scratch {
    file: Arc<PlainFile>,
    len: u64,
}

impl Scratch {
    pub fn create_in(directory: &Path) -> io::Result<Scratch> {
        Ok(Scratch { file: Arc::new(PlainFile::new(Scratch::file_in(directory)?)), len: 0 })
    }

    /// A temporary file for whoever reads it by its handle.
    pub(super) fn file_in(directory: &Path) -> io::Result<File> {
        tempfile::tempfile_in(directory).map_err(|error| {
            // The error names a temporary file as well, which nobody asked for.
            error.raw_os_error().map_or(error, io::Error::from_raw_os_error)
        })
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.len
    }

    /// Reads what was written from `start` on, `len` bytes.
    pub fn reader(&self, start: u64, len: u64) -> ScratchReader {
        ScratchReader { file: Arc::clone(&self.file), next: start, end: start + len }
    }
}

impl Write for Scratch {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all_at(bytes, self.len)?;
        self.len += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A stretch of a temporary file.
pub struct ScratchReader {
    file: Arc<PlainFile>,
    next: u64,
    end: u64,
}

impl Read for ScratchReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = usize::try_from(self.end - self.next).unwrap_or(usize::MAX).min(buffer.len());
        self.file.read_exact_at(&mut buffer[..len], self.next)?;
        self.next += len as u64;
        Ok(len)
    }
}

/// What a directory has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    pub free_bytes: u64,
    /// Its files lie in memory (tmpfs): to write there saves none.
    pub in_memory: bool,
}

/// The room in a directory; `None` where that cannot be told.
#[cfg(unix)]
pub fn space(directory: &Path) -> Option<Space> {
    let room = rustix::fs::statvfs(directory).ok()?;
    Some(Space {
        free_bytes: room.f_bavail.saturating_mul(room.f_frsize),
        in_memory: is_in_memory(directory),
    })
}

#[cfg(not(unix))]
pub fn space(_directory: &Path) -> Option<Space> {
    None
}

#[cfg(target_os = "linux")]
fn is_in_memory(directory: &Path) -> bool {
    /// Of `linux/magic.h`.
    const TMPFS_MAGIC: u64 = 0x0102_1994;
    rustix::fs::statfs(directory).is_ok_and(|system| system.f_type as u64 == TMPFS_MAGIC)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn is_in_memory(_directory: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_at_any_place_and_has_no_name() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut scratch = Scratch::create_in(directory.path()).expect("a file");
        scratch.write_all(b"hello ").expect("written");
        scratch.write_all(b"world").expect("written");
        assert_eq!(scratch.written(), 11);
        for (start, len, text) in [(0, 11, "hello world"), (6, 5, "world"), (4, 0, "")] {
            let mut read = String::new();
            scratch.reader(start, len).read_to_string(&mut read).expect("read");
            assert_eq!(read, text);
        }
        if cfg!(unix) {
            assert_eq!(std::fs::read_dir(directory.path()).expect("listed").count(), 0);
        }
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error_without_the_name_of_a_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let error = Scratch::create_in(&directory.path().join("none")).map(drop).expect_err("not there");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(!error.to_string().contains("none"), "{error}");
    }

    #[test]
    #[cfg(unix)]
    fn a_directory_has_room() {
        assert!(space(&std::env::temp_dir()).is_some_and(|space| space.free_bytes > 0));
        assert_eq!(space(Path::new("/no such directory")), None);
    }
}
