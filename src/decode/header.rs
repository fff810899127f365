//! Names of columns: what tells two of them apart, and whether the first lines of a file hold names or
//! are already data.
//!
//! The latter looks at the form of values only (number, time, repeated text), not at what names mean.
//! Inside the data the names of the columns themselves tell a header.

use std::collections::HashMap;

/// A text without the blanks and signs of no width around it.
pub fn trimmed(text: &str) -> &str {
    let has_no_width = |c: char| matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}');
    text.trim_matches(|c: char| c.is_whitespace() || has_no_width(c))
}

/// A name of a column without what does not tell names apart: case, blanks, signs of no width and quotes
/// around it.
pub fn folded(name: &str) -> String {
    unquoted(name).to_lowercase()
}

fn unquoted(name: &str) -> &str {
    trimmed(trimmed(name).trim_matches('"'))
}

/// What a record has to do with the names of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    /// A row.
    Row,
    /// The header again, each name at its place.
    SameHeader,
    /// A header of other columns, or of the same in another order: what follows it is not what the names of
    /// the file say.
    OtherHeader,
}

/// The names of the columns of a file, each folded, by place.
#[derive(Debug, Clone)]
pub(super) struct ColumnNames {
    by_place: Vec<String>,
    places: HashMap<String, usize>,
}

impl ColumnNames {
    pub fn new(columns: &[String]) -> ColumnNames {
        let by_place: Vec<String> = columns.iter().map(|name| folded(name)).collect();
        let named = by_place.iter().enumerate().filter(|(_, name)| !name.is_empty());
        ColumnNames { places: named.map(|(place, name)| (name.clone(), place)).collect(), by_place }
    }

    /// Whether a record that begins so may be a header: a look that costs little.
    pub fn may_begin_header(&self, first: &[u8]) -> bool {
        let first = String::from_utf8_lossy(first);
        match unquoted(&first) {
            text if text.is_ascii() => {
                !text.is_empty() && self.by_place.iter().any(|name| name.eq_ignore_ascii_case(text))
            }
            text => self.places.contains_key(&text.to_lowercase()),
        }
    }

    /// A record is a header if most of its fields that are not empty, and two at least, are names of
    /// columns, each once. Empty fields behind the last name do not matter.
    pub fn likeness<'f>(&self, fields: impl Iterator<Item = &'f [u8]>) -> Likeness {
        let mut is_met = vec![false; self.by_place.len()];
        let (mut filled, mut known) = (0, 0);
        let mut is_same = true;
        let mut width = 0;
        for (place, field) in fields.enumerate() {
            let text = folded(&String::from_utf8_lossy(field));
            is_same &= self.by_place.get(place).map_or(text.is_empty(), |name| *name == text);
            filled += usize::from(!text.is_empty());
            if let Some(&named) = self.places.get(&text) {
                known += usize::from(!std::mem::replace(&mut is_met[named], true));
            }
            width = place + 1;
        }
        if known < 2 || known * 2 <= filled {
            Likeness::Row
        } else if is_same && width >= self.by_place.len() {
            Likeness::SameHeader
        } else {
            Likeness::OtherHeader
        }
    }
}

/// Whether the first of these rows is a second line of a header, of units or types say: in every column
/// that holds numbers or times below it has another text.
pub(super) fn is_second_header(rows: &[Vec<Option<String>>]) -> bool {
    let Some((first, below)) = rows.split_first().filter(|(_, below)| below.len() > 1) else { return false };
    let mut others = first.iter().enumerate().filter_map(|(index, value)| {
        let column =
            below.iter().filter_map(|row| row.get(index)?.as_ref()).filter(|value| !value.is_empty());
        let common = common_form(column)?;
        Some(value.as_ref().is_some_and(|value| !value.trim().is_empty() && form(value) != common))
    });
    others.next() == Some(true) && others.all(|is_other| is_other)
}

/// The form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Number,
    Time,
    Text,
}

/// Whether the first line has the form of the rows below it: a number or a time in (at least half
/// of) the columns that hold such, or, where all is text, mostly values that occur again below.
pub(super) fn looks_like_data(first: &[String], rows: &[Vec<Option<String>>]) -> bool {
    let is_first = |row: &[Option<String>]| row.iter().flatten().eq(first);
    let below: Vec<&Vec<Option<String>>> = rows.iter().filter(|row| !is_first(row)).collect();
    if below.is_empty() {
        let forms: Vec<Form> = first.iter().map(|value| form(value)).collect();
        return forms.contains(&Form::Time) || forms.iter().all(|&form| form == Form::Number);
    }
    let column = |index: usize| {
        below.iter().filter_map(move |row| row.get(index)?.as_ref()).filter(|value| !value.is_empty())
    };
    let mut formed = 0;
    let mut alike = 0;
    let mut named = 0;
    let mut repeated = 0;
    for (index, value) in first.iter().enumerate() {
        if let Some(common) = common_form(column(index)) {
            formed += 1;
            alike += usize::from(form(value) == common);
        }
        if !value.is_empty() {
            named += 1;
            repeated += usize::from(column(index).any(|other| other == value));
        }
    }
    (alike > 0 && alike * 2 >= formed) || (formed == 0 && repeated > 0 && repeated * 2 >= named)
}

/// The form other than text that at least nine in ten values have.
fn common_form<'v>(values: impl Iterator<Item = &'v String>) -> Option<Form> {
    let (mut all, mut numbers, mut times) = (0_usize, 0_usize, 0_usize);
    for value in values {
        all += 1;
        match form(value) {
            Form::Number => numbers += 1,
            Form::Time => times += 1,
            Form::Text => {}
        }
    }
    let most = |count: usize| all > 0 && count * 10 >= all * 9;
    if most(numbers) {
        Some(Form::Number)
    } else if most(times) {
        Some(Form::Time)
    } else {
        None
    }
}

fn form(value: &str) -> Form {
    let value = value.trim();
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let is_number_sign =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b'+' | b'-' | b'e' | b'E');
    let separators = value.bytes().filter(|byte| matches!(byte, b'-' | b'/' | b':')).count();
    let starts_with_digit = value.starts_with(|first: char| first.is_ascii_digit());
    let is_time_sign = |byte: u8| {
        byte.is_ascii_digit()
            || matches!(byte, b'-' | b'/' | b':' | b'.' | b',' | b'+' | b' ' | b'T' | b'Z' | b'U' | b'C')
    };
    if digits > 0 && value.parse::<f64>().is_ok() {
        Form::Number
    } else if starts_with_digit && digits >= 4 && separators >= 2 && value.bytes().all(is_time_sign) {
        Form::Time
    } else if starts_with_digit && value.bytes().all(is_number_sign) && separators == 0 {
        Form::Number
    } else {
        Form::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(values: &[&str]) -> Vec<String> {
        values.iter().map(|&value| value.to_owned()).collect()
    }

    fn looks(first: &[&str], rows: &[&[&str]]) -> bool {
        let row = |row: &&[&str]| strings(row).into_iter().map(Some).collect();
        let rows: Vec<Vec<Option<String>>> = rows.iter().map(row).collect();
        looks_like_data(&strings(first), &rows)
    }

    #[test]
    fn forms_of_values() {
        assert!(["1", "-2.5", "1e9", "1,5", "00017"].iter().all(|value| form(value) == Form::Number));
        let times = ["2026-01-02", "2026-01-02T03:04:05.6Z", "01/02/2026 19:00", "2019-10-01 00:00:00 UTC"];
        assert!(times.iter().all(|value| form(value) == Form::Time));
        assert!(
            ["", "user", "nan", "inf", "e", "2026 budget", "a-b-c"]
                .iter()
                .all(|value| form(value) == Form::Text)
        );
    }

    #[test]
    fn a_first_line_with_the_form_of_its_columns_is_data() {
        assert!(looks(&["15174", "2020-07-30", "view"], &[&["15175", "2020-07-31", "cart"]]));
        assert!(!looks(&["user", "time", "event"], &[&["15175", "2020-07-31", "cart"]]));
        // One name that happens to be a number among typed columns that have names.
        assert!(!looks(&["user", "time", "1"], &[&["15175", "2020-07-31", "9"]]));
    }

    #[test]
    fn where_all_is_text_repeated_values_tell() {
        assert!(looks(&["anna", "view"], &[&["ben", "view"], &["anna", "cart"]]));
        assert!(!looks(&["user", "event"], &[&["ben", "view"], &["user", "event"]]));
    }

    #[test]
    fn a_line_of_units_is_no_row() {
        let rows = |rows: &[&[&str]]| -> Vec<Vec<Option<String>>> {
            rows.iter().map(|row| strings(row).into_iter().map(Some).collect()).collect()
        };
        let data = [&["u1", "2026-01-02", "9"][..], &["u2", "2026-01-03", "8"]];
        let with = |first: &[&str]| is_second_header(&rows(&[&[first][..], &data].concat()));
        assert!(with(&["id", "ISO", "EUR"]));
        assert!(with(&["id", "date", "number"]));
        // A row with a bad time or an empty price is a row.
        assert!(!with(&["u0", "yesterday", "7"]));
        assert!(!with(&["u0", "yesterday", ""]));
        assert!(!with(&["u0", "2026-01-01", "7"]));
        assert!(!is_second_header(&rows(&[&["a"], &["b"], &["c"]])));
        assert!(!is_second_header(&[]));
    }

    #[test]
    fn names_differ_in_more_than_what_is_around_them() {
        for name in ["User_ID", " user_id ", "\u{feff}user_id", "\"user_id\"", "user_id\u{200b}\u{a0}"] {
            assert_eq!(folded(name), "user_id", "{name:?}");
        }
        assert_ne!(folded("user id"), folded("user_id"));
    }

    #[test]
    fn only_a_name_of_a_column_begins_a_header() {
        let names = ColumnNames::new(&strings(&["User", "זמן", "", "Größe"]));
        for first in ["user", " \u{feff}\"USER\" ", "זמן", "GRÖßE", "größe"] {
            assert!(names.may_begin_header(first.as_bytes()), "{first:?}");
        }
        for first in ["", " ", "use", "users", "u1", "זמנ", "\"\""] {
            assert!(!names.may_begin_header(first.as_bytes()), "{first:?}");
        }
    }

    #[test]
    fn a_header_inside_the_data_is_the_same_or_another() {
        let names = ColumnNames::new(&strings(&["user", "Time", "event", "price", ""]));
        let likeness = |fields: &[&str]| names.likeness(fields.iter().map(|field| field.as_bytes()));
        for same in [
            &["user", "Time", "event", "price", ""][..],
            &["\u{feff}\"User\"", " time", "EVENT", "price", ""],
            &["user", "Time", "event", "price", "", "", ""],
        ] {
            assert_eq!(likeness(same), Likeness::SameHeader, "{same:?}");
        }
        for other in [
            &["event", "Time", "user", "price", ""][..],
            &["user", "Time", "event", "cost", ""],
            &["user", "time", "event"],
            &["user", "time", "event", "price", "", "city"],
            &["time", "user"],
        ] {
            assert_eq!(likeness(other), Likeness::OtherHeader, "{other:?}");
        }
        for row in [
            &["u1", "yesterday", "event", "price", ""][..],
            &["user", "user", "user", "7", "x"],
            &["user", "", "", "", ""],
            &["a", "b", "event", "price", "x"],
            &[],
        ] {
            assert_eq!(likeness(row), Likeness::Row, "{row:?}");
        }
    }

    #[test]
    fn a_line_alone_is_judged_by_itself() {
        assert!(looks(&["15174", "2020-07-30", "view"], &[]));
        assert!(looks(&["1", "2"], &[]));
        assert!(!looks(&["user", "2"], &[]));
    }
}
