//! The command line to paste: `dropoff report` with the files and flags as typed, the suggested
//! steps, and those columns that a guess alone might not find again.

use super::Look;
use super::columns::choices;
use crate::funnel::steps::EventPattern;
use crate::human::shell_word;
use crate::ingest::plan::{Columns, ReadPlan};
use crate::schema::roles::{Confidence, Role};

/// Names of events in the grammar of `--steps`.
pub(super) fn steps_text(names: &[String]) -> String {
    let steps = names.iter().map(|name| EventPattern::Exact(name.clone()).to_string());
    steps.collect::<Vec<_>>().join(", ")
}

/// A step's name; a pattern keeps its stars.
pub(super) fn pattern_text(name: &str, is_pattern: bool) -> String {
    let pattern = if is_pattern { EventPattern::parse(name).ok() } else { None };
    pattern.unwrap_or_else(|| EventPattern::Exact(name.to_owned())).to_string()
}

/// The line for a POSIX shell; `steps` is in the grammar of `--steps`.
pub(super) fn report_command(look: &Look<'_>, plan: &ReadPlan, steps: &str) -> String {
    let mut words = vec!["dropoff".to_owned(), "report".to_owned()];
    words.extend(look.files.iter().map(|file| quote_file(file)));
    words.extend(role_flags(look, &plan.columns));
    if let Some(name) = &plan.event_name {
        words.extend(["--event-name".to_owned(), shell_word(name)]);
    }
    words.extend(look.flags.iter().map(|flag| shell_word(flag)));
    words.extend(["--steps".to_owned(), format!("'{}'", steps.replace('\'', r"'\''"))]);
    words.join(" ")
}

/// Flags of the roles that the user named or that rest on little. Where both person and time are
/// named, nothing else is guessed by a report, so that all that was read is named.
fn role_flags(look: &Look<'_>, columns: &Columns) -> Vec<String> {
    let is_unsure = |role: Role| {
        let sure = [Confidence::High, Confidence::Layout];
        choices(look.guess).any(|(known, choice)| known == role && !sure.contains(&choice.confidence))
    };
    let all_named = is_unsure(Role::User) && is_unsure(Role::Time);
    let roles = [
        (Role::User, columns.user.as_slice(), false),
        (Role::Time, columns.time.as_slice(), false),
        (Role::Event, columns.event.as_slice(), false),
        (Role::Url, columns.url.as_slice(), false),
        (Role::Session, columns.session.as_slice(), all_named),
        (Role::Value, columns.value.as_slice(), all_named),
        (Role::Currency, columns.currency.as_slice(), all_named),
    ];
    let named =
        roles.into_iter().filter(|&(role, names, named)| !names.is_empty() && (named || is_unsure(role)));
    let join = |role: Role| if role == Role::User && columns.user_together { "+" } else { "," };
    named.flat_map(|(role, names, _)| [role.flag().to_owned(), shell_word(&names.join(join(role)))]).collect()
}

/// A word of a shell, and never taken for a flag; a lone dash is standard input.
fn quote_file(file: &str) -> String {
    if file.starts_with('-') && file != "-" { shell_word(&format!("./{file}")) } else { shell_word(file) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::funnel::steps::parse_steps;

    #[test]
    fn a_file_is_never_taken_for_a_flag() {
        assert_eq!(quote_file("-x.csv"), "./-x.csv");
        assert_eq!(quote_file("-"), "-");
    }

    #[test]
    fn steps_are_read_back_as_the_names_they_were() {
        let names =
            ["view", "it's", "a, b", "100% off*", " padded ", "!x", "what?", "a|b"].map(str::to_owned);
        let steps = parse_steps(&steps_text(&names)).expect("sound");
        let read: Vec<String> = steps.into_iter().map(|step| step.name).collect();
        assert_eq!(read, names);
    }
}
