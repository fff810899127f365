//! `dropoff help`: the texts of commands, and the list of codes.

use super::args::Cli;
use super::failure::{Exit, Failure};
use super::generate::print;
use crate::codes;
use crate::condition::suggest_nearest;
use crate::render::width::wrap;
use clap::CommandFactory;

/// Columns of a terminal that a line of the list of codes takes at most.
const COLUMNS: usize = 100;
/// Of a code and the blanks behind it.
const CODE_COLUMNS: usize = 8;

/// Prints the help of the program, of one command, or of all codes.
pub fn help(topic: Option<&str>) -> Result<Exit, Failure> {
    let mut command = Cli::command();
    command.build();
    let text = match topic {
        None => command.render_long_help().to_string(),
        Some("codes") => list_of_codes(),
        Some(topic) => match command.find_subcommand_mut(topic) {
            Some(found) => found.render_long_help().to_string(),
            None => return Err(unknown(topic, &command)),
        },
    };
    print(text.as_bytes())
}

fn unknown(topic: &str, command: &clap::Command) -> Failure {
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).chain(["codes"]).collect();
    let hint = match suggest_nearest(topic, names.iter().copied(), 3).as_slice() {
        [] => format!("there are {}", names.join(", ")),
        near => format!("did you mean {}?", near.join(", ")),
    };
    Failure::usage(format!("there is no command {topic:?}")).hint(hint)
}

fn list_of_codes() -> String {
    let mut text = String::new();
    for list in codes::LISTS {
        text.push_str(&format!("{}\n", list.title));
        for known in list.codes {
            let lines = wrap(known.meaning, COLUMNS - CODE_COLUMNS);
            for (place, line) in lines.iter().enumerate() {
                let code = if place == 0 { known.code } else { "" };
                text.push_str(&format!("  {code:<6}{line}\n"));
            }
        }
        text.push('\n');
    }
    text.push_str("Codes are permanent. docs/DEFINITIONS.md says more of rejected rows and warnings.\n");
    text
}
