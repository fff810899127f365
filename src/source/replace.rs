//! Files that are the old ones or the new ones, never half: what is written lies beside the target until
//! it is whole, and takes its place in one step.
//!
//! Where the system has files without a name (Linux), nothing is left of a run that is killed while it
//! writes, however it is killed. Elsewhere the name begins with `.dropoff-`.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::path::Path;
use tempfile::{Builder, NamedTempFile};

/// How the name of a temporary file begins.
const PREFIX: &str = ".dropoff-";

/// A file that is being written and has no place yet.
pub struct NewFile(Held);

enum Held {
    #[cfg(target_os = "linux")]
    Unnamed(File),
    Named(NamedTempFile),
}

impl NewFile {
    /// A new file in the directory of `path`. Fails where none can be written there; the error does not
    /// name the temporary file, which nobody asked for.
    pub fn beside(path: &Path) -> io::Result<NewFile> {
        #[cfg(target_os = "linux")]
        if let Some(file) = unnamed_in(directory_of(path)) {
            return Ok(NewFile(Held::Unnamed(file)));
        }
        named_beside(path).map(|file| NewFile(Held::Named(file))).map_err(without_name)
    }

    /// Brings everything to the disk, as the file that it will be, so that giving it its place needs no room.
    pub fn settle(&mut self, path: &Path) -> io::Result<()> {
        settle(self.file(), path)
    }

    /// Makes it the file at `path`, in the same directory as the path it was made for: with the permissions
    /// of the one that stood there, else those that a new file has.
    pub fn put_at(self, path: &Path) -> io::Result<()> {
        match self.0 {
            #[cfg(target_os = "linux")]
            Held::Unnamed(file) => {
                settle(&file, path)?;
                link(file, path).map_err(without_name)
            }
            Held::Named(file) => {
                settle(file.as_file(), path)?;
                file.persist(path).map(drop).map_err(|error| error.error)
            }
        }
    }

    fn file(&mut self) -> &mut File {
        match &mut self.0 {
            #[cfg(target_os = "linux")]
            Held::Unnamed(file) => file,
            Held::Named(file) => file.as_file_mut(),
        }
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file().flush()
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn without_name(error: io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| io::Error::from(error.kind()), io::Error::from_raw_os_error)
}

fn builder() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX);
    builder
}

fn named_beside(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = builder();
    #[cfg(unix)]
    builder.permissions(<Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666));
    builder.tempfile_in(directory_of(path))
}

/// Keeps the permissions of the old file, and brings everything to the disk.
fn settle(file: &File, path: &Path) -> io::Result<()> {
    if let Ok(old) = path.metadata() {
        file.set_permissions(old.permissions())?;
    }
    file.sync_all()
}

/// A file without a name; `None` where the system has none there, or could not give it one later.
#[cfg(target_os = "linux")]
fn unnamed_in(directory: &Path) -> Option<File> {
    use rustix::fs::{Mode, OFlags, open};
    if !Path::new("/proc/self/fd").exists() {
        return None;
    }
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    open(directory, flags, Mode::from_raw_mode(0o666)).ok().map(File::from)
}

/// Gives a file without a name its place: at once where nothing stands there, else beside it first.
#[cfg(target_os = "linux")]
fn link(mut file: File, path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    use std::io::{Seek, SeekFrom};
    use std::os::fd::AsRawFd;
    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    let link_at =
        |place: &Path| linkat(CWD, &own, CWD, place, AtFlags::SYMLINK_FOLLOW).map_err(io::Error::from);
    match link_at(path) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if let Ok(beside) = builder().make_in(directory_of(path), link_at) {
                return beside.persist(path).map(drop).map_err(|error| error.error);
            }
        }
        Err(_) => {}
    }
    // The file system has files without a name and gives them none.
    let mut named = named_beside(path)?;
    file.seek(SeekFrom::Start(0))?;
    io::copy(&mut file, &mut named)?;
    settle(named.as_file(), path)?;
    named.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).expect("listed");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// A file with a name, and one without where the system has them.
    fn every_kind(path: &Path) -> Vec<NewFile> {
        vec![
            NewFile::beside(path).expect("a file"),
            NewFile(Held::Named(named_beside(path).expect("a file"))),
        ]
    }

    #[test]
    fn the_old_file_stays_until_the_new_one_is_whole() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("out.csv");
        for has_old in [false, true] {
            for kind in 0..2 {
                let _ = std::fs::remove_file(&path);
                if has_old {
                    std::fs::write(&path, "old").expect("written");
                }
                let mut files = every_kind(&path);
                let mut file = files.swap_remove(kind);
                drop(files);
                file.write_all(b"new").expect("written");
                assert_eq!(std::fs::read_to_string(&path).ok(), has_old.then(|| "old".to_owned()));
                file.put_at(&path).expect("put there");
                assert_eq!(std::fs::read_to_string(&path).expect("read"), "new");
                assert_eq!(names(directory.path()), ["out.csv"]);
            }
        }
    }

    #[test]
    fn a_file_that_is_given_up_leaves_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("out.csv");
        let mut files = every_kind(&path);
        files.iter_mut().for_each(|file| file.write_all(b"half").expect("written"));
        drop(files);
        assert!(names(directory.path()).is_empty());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_written_has_no_name_before_it_is_whole() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut file = NewFile::beside(&directory.path().join("out.csv")).expect("a file");
        file.write_all(b"half").expect("written");
        assert!(names(directory.path()).is_empty());
    }

    #[test]
    #[cfg(unix)]
    fn an_old_file_hands_on_its_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("out.csv");
        for kind in 0..2 {
            std::fs::write(&path, "old").expect("written");
            std::fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("set");
            every_kind(&path).swap_remove(kind).put_at(&path).expect("put there");
            assert_eq!(path.metadata().expect("there").permissions().mode() & 0o777, 0o640);
        }
    }

    #[test]
    fn no_directory_is_an_error_without_the_name_of_a_file() {
        let error = NewFile::beside(Path::new("/no such directory/x.csv")).map(drop).expect_err("not there");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(!error.to_string().contains("dropoff"), "{error}");
    }
}
