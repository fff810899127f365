//! What only the end of an input tells: padding, damage that was passed over, a file that changed.

use super::streams::StreamFault;
use super::{FileChange, SourceError, SourceNote};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

/// Shared by an input's readers, which fill it in, and by whoever asks when all is read.
#[derive(Debug, Clone, Default)]
pub struct Ending {
    pub(super) name: String,
    /// Set when NUL padding was met behind the compressed data.
    pub(super) padding: Arc<AtomicBool>,
    pub(super) damage: Arc<OnceLock<Damage>>,
    /// Of a regular file.
    pub(super) watch: Option<Watch>,
}

/// Where damaged data was given up.
#[derive(Debug)]
pub(super) struct Damage {
    pub fault: StreamFault,
    /// Decompressed bytes before it.
    pub offset: u64,
}

impl Ending {
    pub(super) fn new(name: &str, watch: Option<Watch>) -> Ending {
        Ending { name: name.to_owned(), watch, ..Ending::default() }
    }

    /// The input was damaged and is used only up to the damage.
    pub fn is_partial(&self) -> bool {
        self.damage.get().is_some()
    }

    /// The file is shorter than when it was opened: what cannot be read of it is no damage of its own.
    pub fn shrunk(&self) -> Option<SourceError> {
        match self.watch.as_ref()?.change()? {
            FileChange::Written { size_at_open, size_now } if size_now < size_at_open => {
                let name = self.name.clone();
                Some(SourceError::Shrunk { name, expected: size_at_open, offset: size_now })
            }
            _ => None,
        }
    }

    /// To be asked behind the last byte.
    pub fn notes(&self) -> Vec<SourceNote> {
        let name = || self.name.clone();
        let padding = self.padding.load(Ordering::Relaxed).then(|| SourceNote::Padding { name: name() });
        let partial = self.damage.get().map(|damage| SourceNote::Partial {
            name: name(),
            damage: damage.fault.to_string(),
            offset: damage.offset,
        });
        let change = self.watch.as_ref().and_then(Watch::change);
        let changed = change.map(|change| SourceNote::Changed { name: name(), change });
        padding.into_iter().chain(partial).chain(changed).collect()
    }
}

/// A regular file as it was when it was opened.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    path: PathBuf,
    stamp: Stamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    /// Device and inode, where there are such.
    identity: Option<(u64, u64)>,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Stamp {
        Stamp { size: metadata.len(), modified: metadata.modified().ok(), identity: identity(metadata) }
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_metadata: &Metadata) -> Option<(u64, u64)> {
    None
}

impl Watch {
    pub fn new(path: &Path, at_open: &Metadata) -> Watch {
        Watch { path: path.to_owned(), stamp: Stamp::of(at_open) }
    }

    fn change(&self) -> Option<FileChange> {
        let now = match fs::metadata(&self.path) {
            Ok(metadata) => Stamp::of(&metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Some(FileChange::Removed),
            // Whether it changed cannot be told.
            Err(_) => return None,
        };
        if now == self.stamp {
            None
        } else if now.identity != self.stamp.identity {
            Some(FileChange::Replaced)
        } else {
            Some(FileChange::Written { size_at_open: self.stamp.size, size_now: now.size })
        }
    }
}
