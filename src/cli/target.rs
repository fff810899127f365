//! Files that results are written to: told before the first byte is read if one cannot be written, and
//! the old ones or the new ones afterwards, never half. All of a run are whole before the first gets its name.

use super::failure::Failure;
use crate::source::replace::NewFile;
use crate::source::{Input, InputKind};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Tells whether every file can be written, without leaving anything, and whether no two are one. With
/// `makes_directories` those that are missing above them are made.
pub fn check_targets(paths: &[PathBuf], makes_directories: bool) -> Result<(), Failure> {
    for path in paths {
        if makes_directories {
            make_directory_of(path)?;
        }
        check_target(path)?;
    }
    refuse_same(paths)
}

/// Nothing that is read is written to.
pub fn refuse_inputs(paths: &[PathBuf], inputs: &[Input]) -> Result<(), Failure> {
    for path in paths {
        let is_input = |input: &Input| match &input.kind {
            InputKind::File(input) => is_same_file(input, path),
            InputKind::Stdin => is_standard_input(path),
        };
        if inputs.iter().any(is_input) {
            let message = format!("{}: an output cannot replace an input", path.display());
            return Err(Failure::usage(message).code(Some("E-O03")));
        }
    }
    Ok(())
}

/// Two results in one file would leave only the later one.
fn refuse_same(paths: &[PathBuf]) -> Result<(), Failure> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for (place, path) in paths.iter().enumerate() {
        let is_same = |earlier: &PathBuf| absolute(earlier) == absolute(path) || is_same_file(earlier, path);
        if paths[..place].iter().any(is_same) {
            let message = format!("{}: two outputs cannot go into one file", path.display());
            return Err(Failure::usage(message).code(Some("E-O03")));
        }
    }
    Ok(())
}

fn make_directory_of(path: &Path) -> Result<(), Failure> {
    let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
        return Ok(());
    };
    std::fs::create_dir_all(directory).map_err(|error| {
        Failure::usage(format!("{}: this directory cannot be made: {}", directory.display(), error.kind()))
            .code(Some("E-O01"))
    })
}

fn check_target(path: &Path) -> Result<(), Failure> {
    if path.is_symlink() {
        let failure = Failure::usage(format!("{}: a symbolic link is not written through", path.display()));
        return Err(failure
            .code(Some("E-O04"))
            .hint("name the file that it stands for; -o - is standard output"));
    }
    if path.exists() && !path.is_file() {
        let failure = Failure::usage(format!("{}: not a regular file", path.display()));
        return Err(failure.code(Some("E-O04")).hint("use -o - or --format to write to a pipe"));
    }
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") || path.file_name().is_none() {
        let failure = Failure::usage(format!("{}: this is no name of a file", path.display()));
        return Err(failure.code(Some("E-O01")));
    }
    // A name that the directory does not take, such as one that is too long, cannot be looked up there either.
    let lookup = match path.symlink_metadata() {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    lookup.and_then(|()| NewFile::beside(path).map(drop)).map_err(|error| {
        let failure = match error.kind() {
            io::ErrorKind::NotFound => {
                Failure::usage(format!("{}: there is no such directory to write to", path.display()))
                    .hint("--mkdir makes it")
            }
            kind => Failure::usage(format!("{}: cannot be written: {kind}", path.display())),
        };
        failure.code(Some("E-O01"))
    })
}

#[cfg(unix)]
fn is_same_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (a.metadata(), b.metadata()) {
        (Ok(a), Ok(b)) => a.dev() == b.dev() && a.ino() == b.ino(),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// The file that standard input was redirected from is read, too.
#[cfg(unix)]
fn is_standard_input(path: &Path) -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;
    let stdin = io::stdin().as_fd().try_clone_to_owned().map(File::from).and_then(|file| file.metadata());
    match (stdin, path.metadata()) {
        (Ok(a), Ok(b)) => a.dev() == b.dev() && a.ino() == b.ino(),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_standard_input(_: &Path) -> bool {
    false
}

/// Files that are whole on the disk and have no place yet. Those that are never put there leave nothing.
#[derive(Default)]
pub struct Staged {
    files: Vec<(PathBuf, NewFile)>,
}

impl Staged {
    /// Writes one more, for this place.
    pub fn write(
        &mut self,
        path: &Path,
        write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
    ) -> Result<(), Failure> {
        let written = || -> anyhow::Result<NewFile> {
            let mut out = BufWriter::new(NewFile::beside(path)?);
            write(&mut out)?;
            let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.settle(path)?;
            Ok(file)
        };
        let file = written().map_err(|error| not_written(path, error))?;
        self.files.push((path.to_owned(), file));
        Ok(())
    }

    /// Puts all in their places, one after the other. Nothing is left to go wrong but the renaming itself: where
    /// that fails, what was put before stays, and is named.
    pub fn put(self) -> Result<(), Failure> {
        let mut done: Vec<String> = Vec::new();
        for (path, file) in self.files {
            if let Err(error) = file.put_at(&path) {
                let failure = not_written(&path, error.into());
                return Err(match done.as_slice() {
                    [] => failure,
                    done => failure.hint(format!("already replaced: {}", done.join(", "))),
                });
            }
            done.push(path.display().to_string());
        }
        Ok(())
    }
}

fn not_written(path: &Path, error: anyhow::Error) -> Failure {
    Failure::failed(error.context(format!("cannot write {}", path.display()))).code(Some("E-O02"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn files_get_their_names_together() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        fs::write(path("a"), "old").expect("written");
        let mut staged = Staged::default();
        staged.write(&path("a"), |out| Ok(out.write_all(b"new")?)).expect("written");
        let failed = staged.write(&path("b"), |_| anyhow::bail!("the disk is full"));
        assert_eq!(failed.expect_err("no room").code.as_deref(), Some("E-O02"));
        assert_eq!(fs::read_to_string(path("a")).expect("read"), "old");
        staged.put().expect("put there");
        assert_eq!(fs::read_to_string(path("a")).expect("read"), "new");
        assert!(!path("b").exists());
    }

    #[test]
    fn what_was_put_before_a_failure_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        let mut staged = Staged::default();
        for name in ["a", "b"] {
            staged.write(&path(name), |out| Ok(out.write_all(b"new")?)).expect("written");
        }
        fs::create_dir(path("b")).expect("something else is there by now");
        let hint = staged.put().expect_err("a directory is not replaced").hint.expect("a hint");
        assert_eq!(hint, format!("already replaced: {}", path("a").display()));
        assert_eq!(fs::read_to_string(path("a")).expect("read"), "new");
    }
}
