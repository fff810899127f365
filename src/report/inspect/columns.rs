//! What the sample shows of each column, and what could not be told from it.

use super::Look;
use crate::event::excerpt::{hidden, shown};
use crate::identity::pseudonym::Pseudonyms;
use crate::report::table::{Cell, Column, Table};
use crate::schema::roles::{Choice, Confidence, Guess, Role, RoleProblem};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashSet;

/// Values shown of a column, and signs of each.
const SAMPLES: usize = 3;
const SAMPLE_SIGNS: usize = 40;
/// Signs of each in a table, where three stand side by side. A time with its zone fits.
const TABLE_SIGNS: usize = 32;

/// The role of the column of when rows were received, which is never guessed.
const RECEIVED: &str = "received_time";

/// A column of the first input, by its sampled rows.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct InspectedColumn {
    pub name: String,
    /// `user`, `time`, `event`, `url`, `session`, `value`, `currency` or `received_time`; null for all other
    /// columns.
    pub role: Option<String>,
    /// `low`, `high`, `layout` (a known export layout) or `asked`.
    pub confidence: Option<String>,
    /// Why it has the role.
    pub evidence: Option<String>,
    /// Distinct values in the sample, empty ones left out.
    pub distinct: usize,
    /// The first of them, cut.
    pub values: Vec<String>,
    /// Share of sampled rows where it is absent, null or blank; null without rows.
    pub empty: Option<f64>,
}

/// A role that has no column, and what to type.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GuessProblem {
    pub role: String,
    pub message: String,
    pub hint: String,
    /// Nothing can be reported before it is settled.
    pub stops: bool,
}

/// The choices of a guess, each with its role.
pub(super) fn choices(guess: &Guess) -> impl Iterator<Item = (Role, &Choice)> {
    let user = guess.user.iter().map(|choice| (Role::User, choice));
    let time = guess.time.iter().map(|choice| (Role::Time, choice));
    let others = [
        (Role::Event, &guess.event),
        (Role::Url, &guess.url),
        (Role::Session, &guess.session),
        (Role::Value, &guess.value),
        (Role::Currency, &guess.currency),
    ];
    user.chain(time).chain(others.into_iter().filter_map(|(role, choice)| Some((role, choice.as_ref()?))))
}

/// Lower-case name of a role, as in JSON: its flag without the dashes.
pub(super) fn role_name(role: Role) -> &'static str {
    role.flag().trim_start_matches('-')
}

fn confidence_name(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::High => "high",
        Confidence::Layout => "layout",
        Confidence::Asked => "asked",
    }
}

/// Every column of the look, in the order of the input.
pub(super) fn inspect_columns(look: &Look<'_>) -> Vec<InspectedColumn> {
    let columns = look.columns.iter().enumerate();
    columns
        .map(|(index, name)| {
            let chosen = choices(look.guess).find(|(_, choice)| choice.column == index);
            let is_received = chosen.is_none() && look.received == Some(name);
            let values = look.rows.iter().map(|row| row.get(index).and_then(Option::as_deref));
            let present: Vec<&str> = values.flatten().filter(|value| !value.trim().is_empty()).collect();
            let mut seen = HashSet::new();
            let first: Vec<&str> = present.iter().copied().filter(|value| seen.insert(*value)).collect();
            let rows = look.rows.len();
            InspectedColumn {
                name: name.clone(),
                role: match chosen {
                    Some((role, _)) => Some(role_name(role).to_owned()),
                    None => is_received.then(|| RECEIVED.to_owned()),
                },
                confidence: match chosen {
                    Some((_, choice)) => Some(confidence_name(choice.confidence).to_owned()),
                    None => is_received.then(|| confidence_name(Confidence::Asked).to_owned()),
                },
                evidence: chosen.map(|(_, choice)| choice.evidence.clone()),
                distinct: first.len(),
                values: sampled(&first, chosen.map(|(role, _)| role), look.pseudonyms),
                empty: (rows > 0).then(|| (rows - present.len()) as f64 / rows as f64),
            }
        })
        .collect()
}

/// The values that are shown of a column; pseudonyms where it holds ids, and none where it may. Times and
/// amounts come from rows that may be rejected for what stands there instead.
fn sampled(values: &[&str], role: Option<Role>, pseudonyms: Option<&Pseudonyms>) -> Vec<String> {
    let first = values.iter().take(SAMPLES);
    let plain = |value: &&str| cut(value, SAMPLE_SIGNS);
    match (pseudonyms, role) {
        (Some(pseudonyms), Some(Role::User | Role::Session)) => {
            first.map(|value| pseudonyms.of(value.as_bytes())).collect()
        }
        (Some(_), Some(Role::Time | Role::Value)) => {
            values.iter().filter(|value| is_figure(value)).take(SAMPLES).map(plain).collect()
        }
        (Some(_), None | Some(Role::Url)) => Vec::new(),
        _ => first.map(plain).collect(),
    }
}

/// A number or a time in figures, and no name.
fn is_figure(value: &str) -> bool {
    let letters = value.chars().filter(|sign| !sign.is_ascii_digit() && !" .,:+-/TZ".contains(*sign));
    letters.count() == 0
}

fn cut(value: &str, signs: usize) -> String {
    match value.char_indices().nth(signs) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}…", &value[..end]),
    }
}

/// What could not be guessed, in the order of the roles.
pub(super) fn problems(look: &Look<'_>) -> Vec<GuessProblem> {
    let text = if look.pseudonyms.is_some() { hidden } else { shown };
    let problems = look.guess.problems.iter();
    problems
        .map(|problem| GuessProblem {
            role: role_name(problem.role()).to_owned(),
            message: text(&problem.to_string()),
            hint: text(&problem.hint()),
            stops: problem.role().is_required() || matches!(problem, RoleProblem::UnknownColumn { .. }),
        })
        .collect()
}

/// The columns as a table; `rows` is how many were sampled.
pub(super) fn columns_table(columns: &[InspectedColumn], rows: usize) -> Table {
    // A blank reads better than a sign for missing: most columns have no role.
    let text = |text: &Option<String>| Cell::Text(text.clone().unwrap_or_default());
    let lines = columns.iter().map(|column| {
        let values: Vec<String> = column.values.iter().map(|value| cut(value, TABLE_SIGNS)).collect();
        vec![
            Cell::Text(column.name.clone()),
            text(&column.role),
            text(&column.confidence),
            Cell::Count(column.distinct as u64),
            column.empty.map_or(Cell::Missing, Cell::Share),
            Cell::Text(values.join(", ")),
        ]
    });
    Table {
        name: "columns".to_owned(),
        title: format!("Columns, in the first {}", crate::human::counted(rows as u64, "row", "rows")),
        columns: vec![
            Column::text("column", "Column"),
            Column::text("role", "Role"),
            Column::text("confidence", "Sure"),
            Column::number("distinct", "Values"),
            Column::number("empty", "Empty"),
            Column::text("values", "Such as"),
        ],
        rows: lines.collect(),
        notes: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut_by_signs() {
        assert_eq!(cut(&"é".repeat(39), 40), "é".repeat(39));
        assert_eq!(cut(&"é".repeat(40), 40), "é".repeat(40));
        assert_eq!(cut(&"é".repeat(41), 40), format!("{}…", "é".repeat(40)));
    }
}
