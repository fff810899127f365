//! Where a definition file names a column of the log, for columns that turn out not to be there.

use super::DefinitionFile;
use super::place::{Fault, Path};
use std::ops::Range;

/// How a text names columns.
enum Names {
    /// It is the name of one.
    Whole,
    /// It is a condition.
    InCondition,
    /// It is a list of steps, with conditions in brackets.
    InBrackets,
}

impl DefinitionFile {
    /// Every place that names the column, in the order of the file, as a fault there with this message.
    pub fn faults_of_column(&self, name: &str, message: &str) -> Vec<Fault> {
        let of_text = |(path, text): (Path, &str)| {
            let inside = match names_of(&path)? {
                Names::Whole => (text == name).then_some(None)?,
                Names::InCondition => Some(find(text, name, false)?),
                Names::InBrackets => Some(find(text, name, true)?),
            };
            Some(Fault { inside, ..Fault::at(path, message) })
        };
        self.document.texts().into_iter().filter_map(of_text).collect()
    }
}

fn names_of(path: &Path) -> Option<Names> {
    Some(match path.keys().as_slice() {
        [
            "source",
            "user" | "time" | "event" | "url" | "session" | "value" | "currency" | "received_time",
        ]
        | ["source", "user", "all"]
        | ["source", "value", "column"]
        | ["dedupe", "key"]
        | ["funnel", _, "by" | "hold"]
        | ["funnel", _, "hold" | "unit", "column"] => Names::Whole,
        ["source", "where" | "unpivot"] | ["derive", "where"] | ["funnel", _, "steps", .., "where"] => {
            Names::InCondition
        }
        ["funnel", _, "steps"] => Names::InBrackets,
        _ => return None,
    })
}

/// The bytes of a text that are the name and no part of another, outside of `'...'`, and where it is asked
/// for in brackets only.
fn find(text: &str, name: &str, in_brackets: bool) -> Option<Range<usize>> {
    let is_part = |sign: char| sign.is_alphanumeric() || sign == '_' || sign == '.';
    let mut depth = 0_usize;
    let mut is_quoted = false;
    let mut before = None;
    for (at, sign) in text.char_indices() {
        let starts = !is_quoted && (depth > 0 || !in_brackets) && !before.is_some_and(is_part);
        let rest = &text[at..];
        if starts && rest.starts_with(name) && !rest[name.len()..].starts_with(is_part) {
            return Some(at..at + name.len());
        }
        match sign {
            '\'' => is_quoted = !is_quoted,
            '[' if !is_quoted => depth += 1,
            ']' if !is_quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = Some(sign);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_wherever_they_are_named() {
        let text = "source.user = [\"id\", \"c\"]\nsource.event_name = \"c\"\nsource.value = { column = \"c\" }\n\
            source.where = \"a.c = 1 and x = 'c' and c = 2\"\ndedupe.key = \"c\"\n\
            derive = [{ event = \"c\", where = \"c ~ '*'\" }]\n\
            [funnel.c]\nsteps = \"c[c > 0], c\"\nby = [\"c\"]\nunit = { column = \"c\" }\nhold = \"c\"\n\
            [funnel.d]\nsteps = [{ event = \"c\", where = \"cc is null\" }, { event = { event = \"c\", where = \"c=1\" } }]\n";
        let file = DefinitionFile::parse(text, "x.toml").expect("a definition");
        let faults = file.faults_of_column("c", "no column");
        let places: Vec<(usize, usize)> = faults
            .iter()
            .map(|fault| {
                let error = file.fault(fault);
                (error.line, error.column)
            })
            .collect();
        let expected =
            [(1, 22), (3, 27), (4, 41), (5, 14), (6, 35), (8, 12), (9, 7), (10, 19), (11, 8), (13, 83)];
        assert_eq!(places, expected);
        assert!(file.faults_of_column("cc", "").len() == 1 && file.faults_of_column("zz", "").is_empty());
    }
}
