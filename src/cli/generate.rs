//! Files that others need: completions, the manual, the JSON Schema.

use super::args::{Cli, Generated};
use super::failure::{Exit, Failure};
use crate::render::json;
use crate::report::Report;
use anyhow::Context;
use clap::CommandFactory;
use clap_complete::{Shell, generate as complete};
use schemars::Schema;
use schemars::generate::SchemaSettings;
use std::io::{self, Write};

/// Writes one of them to standard output.
pub fn generate(what: Generated) -> Result<Exit, Failure> {
    let mut out = Vec::new();
    write(what, &mut out).context("cannot make this").map_err(Failure::failed)?;
    print(&out)
}

/// Writes to standard output. A closed pipe is no error.
pub fn print(text: &[u8]) -> Result<Exit, Failure> {
    match io::stdout().write_all(text) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
        written => {
            written.map(|()| Exit::Done).context("cannot write to standard output").map_err(Failure::failed)
        }
    }
}

fn write(what: Generated, out: &mut Vec<u8>) -> io::Result<()> {
    let mut command = Cli::command();
    let shell = match what {
        Generated::Man => return manual(command, out),
        Generated::Schema => return json::write_pretty(&schema(), out),
        Generated::Bash => Shell::Bash,
        Generated::Zsh => Shell::Zsh,
        Generated::Fish => Shell::Fish,
        Generated::Powershell => Shell::PowerShell,
    };
    complete(shell, &mut command, "dropoff", out);
    Ok(())
}

/// The JSON Schema of reports as they are written: what is left out where it says nothing is not required.
fn schema() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Report>()
}

/// The page of the program, then one of each command.
fn manual(mut command: clap::Command, out: &mut Vec<u8>) -> io::Result<()> {
    command.build();
    clap_mangen::Man::new(command.clone()).render(out)?;
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        clap_mangen::Man::new(subcommand.clone()).render(out)?;
    }
    Ok(())
}
