//! The `dropoff` program: runs the command line, prints its error, sets the exit code.

use clap::Parser;
use dropoff::cli::{args::Cli, run};
use dropoff::render::escape::visible;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) => {
            let mut message = String::new();
            for line in format!("error: {:#}", failure.error).lines() {
                message.push_str(&visible(line, false));
                message.push('\n');
            }
            if let Some(hint) = &failure.hint {
                message.push_str(&format!("hint: {}\n", visible(hint, false)));
            }
            // A closed stderr changes nothing about how the run ended.
            let _ = std::io::stderr().write_all(message.as_bytes());
            ExitCode::from(failure.exit.code())
        }
    }
}
