//! The `dropoff` program: runs the command line, prints its error, sets the exit code.

use clap::Parser;
use dropoff::cli::{Exit, Failure, allocator, args::Cli, fault, run};
use dropoff::render::escape::{log_line, visible};
use std::io::Write;
use std::panic::catch_unwind;
use std::process::ExitCode;

fn main() -> ExitCode {
    allocator::keep_freed_memory();
    let cli = Cli::parse();
    // A fault of ours is told with its place and without what it stumbled over, which may be data.
    std::panic::set_hook(Box::new(|panic| {
        fault::lines(panic.location().map(|at| (at.file(), at.line()))).iter().for_each(|line| tell(line));
    }));
    match catch_unwind(|| run(cli)) {
        Ok(Ok(exit)) => ExitCode::from(exit.code()),
        Ok(Err(failure)) => {
            tell_failure(&failure);
            ExitCode::from(failure.exit.code())
        }
        Err(_) => ExitCode::from(Exit::Failed.code()),
    }
}

fn tell_failure(failure: &Failure) {
    for line in failure.lines() {
        tell(&visible(&line, false));
    }
}

/// Writes a line to stderr; a closed one changes nothing about how the run ended.
fn tell(line: &str) {
    let _ = std::io::stderr().write_all(format!("{}\n", log_line(line)).as_bytes());
}
