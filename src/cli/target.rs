//! Files that results are written to: told before the first byte is read if one cannot be written, and
//! the old ones or the new ones afterwards, never half.

use super::failure::Failure;
use crate::source::replace::NewFile;
use crate::source::{Input, InputKind};
use anyhow::Context;
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
            InputKind::Stdin => false,
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
    NewFile::beside(path).map(drop).map_err(|error| {
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

/// Writes a file as a whole: the old one or the new one.
pub fn write_with(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
) -> Result<(), Failure> {
    let written = || -> anyhow::Result<()> {
        let mut out = BufWriter::new(NewFile::beside(path)?);
        write(&mut out)?;
        Ok(out.into_inner().map_err(io::IntoInnerError::into_error)?.put_at(path)?)
    };
    let context = || format!("cannot write {}", path.display());
    written().with_context(context).map_err(|error| Failure::failed(error).code(Some("E-O02")))
}

/// A text file that is written at once.
pub fn write_text(path: &Path, text: &str) -> Result<(), Failure> {
    write_with(path, |out| Ok(out.write_all(text.as_bytes())?))
}
