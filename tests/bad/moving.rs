//! F: inputs that come through pipes, and files that others write, cut or take away meanwhile.
//!
//! The program is held up by a named pipe that it reads, until what should happen has happened.

use crate::case::{Ended, Kind, Run, kind};
use crate::files::{LOG, MORE, REPORT, expect, parquet_log, report};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::thread;

/// Makes a named pipe; once the program opens it, `act` happens before it gets the text.
fn pipe(folder: &Path, name: &str, act: impl FnOnce(&Path) + Send + 'static, text: &'static str) {
    let path = folder.join(name);
    let made = Command::new("mkfifo").arg(&path).status().expect("mkfifo is there");
    assert!(made.success(), "a pipe can be made");
    let folder = folder.to_owned();
    // Nobody waits for the thread: a program that never opens the pipe must not hold up the tests.
    thread::spawn(move || {
        let mut pipe = File::options().write(true).open(path).expect("the program opens the pipe");
        act(&folder);
        // The program may stop before it has read everything.
        let _ = pipe.write_all(text.as_bytes());
    });
}

/// Holds the program up between the opening of its files and the reading of their rows.
const COHORT: &str = "--cohort ids";

fn meanwhile(folder: &Path, act: fn(&Path)) {
    pipe(folder, "ids", act, "u1\nu2\n");
}

fn append(folder: &Path, name: &str, text: &str) {
    let mut file = File::options().append(true).open(folder.join(name)).expect("the file is there");
    file.write_all(text.as_bytes()).expect("it can be written");
}

fn cut(folder: &Path, name: &str, bytes: u64) {
    let file = File::options().write(true).open(folder.join(name)).expect("the file is there");
    file.set_len(bytes).expect("it can be cut");
}

/// A terminal as standard input.
pub fn terminal_is_refused(ended: &Ended<'_>) -> Result<(), String> {
    let command = format!("{} report - --steps view,cart; echo ended with $?", env!("CARGO_BIN_EXE_dropoff"));
    let output = Command::new("script")
        .args(["-q", "-c", &command, "/dev/null"])
        .current_dir(ended.folder)
        .output()
        .map_err(|error| format!("script: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let is_refused = said.contains("standard input is a terminal") && said.contains("ended with 2");
    if is_refused { Ok(()) } else { Err(format!("a terminal: {said}")) }
}

/// Nothing is left in the directory of temporary files, and no old output was touched.
fn leaves_nothing(ended: &Ended<'_>) -> Result<(), String> {
    let left = fs::read_dir(ended.folder.join("room")).map_err(|error| error.to_string())?;
    expect("temporary files left", left.count(), 0)
}

pub fn kinds() -> Vec<Kind> {
    vec![
        kind(
            "F20",
            "a named pipe, /dev/stdin, a process substitution",
            "read once, from front to end; Parquet, which needs a file, is copied to a temporary one in `--temp-dir` first, \
             and where that has no room the message names it (`E-F20`)",
        )
        .run(report("in.fifo").prepare(|folder| pipe(folder, "in.fifo", |_| (), LOG)).account(3, 3, 0, 0))
        .run(report("/dev/stdin").stdin(LOG).account(3, 3, 0, 0))
        .run(report("/dev/fd/7").file("a.csv", LOG).through("exec 7< <(cat a.csv)").account(3, 3, 0, 0))
        .run(
            report("- --temp-dir room")
                .stdin(parquet_log())
                .prepare(|folder| fs::create_dir(folder.join("room")).expect("a folder can be made"))
                .account(3, 3, 0, 0)
                .check(leaves_nothing),
        )
        .run(
            report("- --temp-dir room")
                .stdin(parquet_log())
                .prepare(|folder| fs::create_dir(folder.join("room")).expect("a folder can be made"))
                // No file may be longer than nothing.
                .through("trap '' XFSZ; ulimit -f 0")
                .exit(1)
                .says("error[E-F20]: <stdin>: ")
                .says("cannot write to room")
                .says("--temp-dir"),
        ),
        kind("F22", "a file that grows while it is read", "read to the size it had when it was opened, with a warning (W07)").run(
            report(&format!("a.csv {COHORT}"))
                .file("a.csv", LOG)
                .prepare(|folder| {
                    meanwhile(folder, |folder| append(folder, "a.csv", "u1,2026-01-01T00:09:00Z,cart\n"))
                })
                .account(3, 3, 0, 0)
                .warns("W07", 1),
        )
        .run(
            report(&format!("a.csv {COHORT}"))
                .file("a.csv", LOG)
                .file("b.csv", MORE)
                .prepare(|folder| {
                    meanwhile(folder, |folder| {
                        fs::rename(folder.join("b.csv"), folder.join("a.csv")).expect("it can be renamed");
                    })
                })
                .account(3, 3, 0, 0)
                .warns("W07", 1)
                .prints("replaced while it was read"),
        ),
        kind(
            "F23",
            "a file that is cut short while it is read",
            "stops (`E-F23`), exit code 1, Parquet too; there is no state that could be advanced",
        )
        .run(
            report(&format!("a.csv {COHORT}"))
                .file("a.csv", LOG)
                .prepare(|folder| meanwhile(folder, |folder| cut(folder, "a.csv", 30)))
                .exit(1)
                .says("error[E-F23]: a.csv: the file shrank while it was read"),
        )
        .run(
            report(&format!("a.parquet {COHORT}"))
                .file("a.parquet", parquet_log())
                .prepare(|folder| meanwhile(folder, |folder| cut(folder, "a.parquet", 4)))
                .exit(1)
                .says("error[E-F23]: a.parquet: the file shrank while it was read"),
        ),
        kind("F24", "a file that vanishes before it is opened", "stops (`E-F24`), exit code 1").run(
            report("first b.csv")
                .file("b.csv", LOG)
                .prepare(|folder| {
                    let remove =
                        |folder: &Path| fs::remove_file(folder.join("b.csv")).expect("the file is there");
                    pipe(folder, "first", remove, LOG);
                })
                .exit(1)
                .says("error[E-F24]: b.csv: vanished"),
        ),
        kind(
            "F30",
            "a disk or network that fails in the middle of a file",
            "stops (`E-F30`), exit code 1, with the byte; nothing is tried again, and files of earlier runs stay as they are",
        )
        .run(
            // A file of the system that opens and cannot be read.
            Run::of(&format!("report a.csv /proc/self/mem {REPORT} -o out.json"))
                .file("a.csv", LOG)
                .file("out.json", "old")
                .exit(1)
                .says("error[E-F30]: /proc/self/mem: cannot read on at byte 0")
                .check(|ended| {
                    let old = fs::read_to_string(ended.folder.join("out.json")).unwrap_or_default();
                    expect("out.json", old.as_str(), "old")
                }),
        ),
    ]
}
