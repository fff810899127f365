//! Runs a command whose standard output is a terminal.

use std::fs::File;
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::{Command, Output, Stdio};
use std::ptr::null_mut;

/// What it writes to the terminal and to standard error, and how it ends.
pub fn output(mut command: Command) -> Output {
    let (screen, side) = pair();
    command.stdout(Stdio::from(side)).stderr(Stdio::piped());
    let child = command.spawn().expect("the program starts");
    // The side of the terminal that the program writes to must not stay open here.
    drop(command);
    let reader = std::thread::spawn(move || {
        let mut shown = Vec::new();
        // The end of the other side is an error on this one.
        let _ = File::from(screen).read_to_end(&mut shown);
        shown
    });
    let ended = child.wait_with_output().expect("the program ends");
    let stdout = reader.join().expect("what it shows is read");
    Output { stdout, ..ended }
}

fn pair() -> (OwnedFd, OwnedFd) {
    let (mut screen, mut side) = (-1, -1);
    // SAFETY: both places are written before they are read, and the other arguments may be absent.
    let failed = unsafe { libc::openpty(&mut screen, &mut side, null_mut(), null_mut(), null_mut()) };
    assert_eq!(failed, 0, "there are pseudo terminals");
    // SAFETY: both were just opened, and belong to nobody else.
    unsafe { (OwnedFd::from_raw_fd(screen), OwnedFd::from_raw_fd(side)) }
}
