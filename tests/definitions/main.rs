//! Definition files, from their text to what the program says: faults at their places, the hash of what is
//! asked, many steps, and the documented rules of other tools.

mod errors;
mod hash;
mod many_steps;
mod rules;
mod told;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs the program in a folder that holds these files.
fn run(files: &[(&str, &str)], arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    program(folder.path()).args(arguments).output().expect("it runs")
}

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropoff"));
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// What the program prints, which has to succeed.
fn printed(files: &[(&str, &str)], arguments: &[&str]) -> String {
    let output = run(files, arguments);
    assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}
