//! The file that maps ids to people: a small table with the columns `id` and `person`.

use super::failure::Failure;
use super::when::parse_when;
use crate::condition::suggest_nearest;
use crate::decode::small_table::SmallTable;
use crate::event::Field;
use crate::event::excerpt::quoted;
use crate::identity::{IdentityMap, MapEntry, MapError};
use crate::source::OpenOptions;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::path::Path;

/// Columns of a map; the last three may be left out.
const COLUMNS: [&str; 5] = ["id", "person", "valid_from", "valid_to", "column"];

/// Reads a map of ids. `users` are the person columns: where there are several, an id stands for
/// itself in the column that the map names, else in all of them, and a person in the first.
pub fn read_map(
    path: &Path,
    users: &[String],
    zone: &TimeZone,
    options: &OpenOptions,
) -> Result<IdentityMap, Failure> {
    let table = SmallTable::open(path, &COLUMNS, options)?;
    let layout = Layout::of(&table)?;
    let mut entries = Vec::new();
    table.read(&layout.wanted, |line, fields| {
        let entry = layout.entries(line, fields, users, zone, &mut entries);
        entry.map_err(|(column, message)| format!("column `{column}`: {message}"))
    })?;
    IdentityMap::new(entries).map_err(|error| {
        let column = match error {
            MapError::Conflict { .. } => "id",
            MapError::Cycle { .. } => "person",
        };
        let message = format!("{}:{}: column `{column}`: {error}", table.file, error.line());
        Failure::usage(message).code(Some("E-U09"))
    })
}

/// Where the columns of a map stand.
struct Layout {
    /// The columns of the table that are read.
    wanted: Vec<usize>,
    /// By place in [`COLUMNS`]: the field that holds it.
    fields: [Option<usize>; COLUMNS.len()],
}

/// A column, and what is wrong with it.
type FieldFault = (&'static str, String);

impl Layout {
    fn of(table: &SmallTable) -> Result<Layout, Failure> {
        let wrong = |line: Option<u64>, message: String| {
            let line = line.map_or(String::new(), |line| format!("{line}:"));
            Failure::usage(format!("{}:{line} {message}", table.file))
                .hint(format!("the columns of a map are {}", COLUMNS.join(", ")))
        };
        if let Some((line, column)) = table.first_unknown(&COLUMNS) {
            let near = suggest_nearest(&column, COLUMNS.into_iter(), 1);
            let near = near.first().map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            return Err(wrong(line, format!("there is no column {} in a map of ids{near}", quoted(&column))));
        }
        let mut layout = Layout { wanted: Vec::new(), fields: [None; COLUMNS.len()] };
        for (field, name) in layout.fields.iter_mut().zip(COLUMNS) {
            if let Some(column) = table.find(name)? {
                *field = Some(layout.wanted.len());
                layout.wanted.push(column);
            }
        }
        let is_read = |column: &usize| layout.wanted.contains(column);
        if let Some(twice) = (0..table.columns().len()).find(|column| !is_read(column)) {
            let message =
                format!("more than one column is called {}", quoted(&table.columns()[twice].to_lowercase()));
            return Err(wrong(table.header_line(), message));
        }
        match COLUMNS[..2].iter().zip(layout.fields).find(|(_, field)| field.is_none()) {
            Some((column, _)) => Err(wrong(table.header_line(), format!("column `{column}` is missing"))),
            None => Ok(layout),
        }
    }

    fn entries(
        &self,
        line: u64,
        fields: &[Field<'_>],
        users: &[String],
        zone: &TimeZone,
        entries: &mut Vec<MapEntry>,
    ) -> Result<(), FieldFault> {
        let field = |place: usize| self.fields[place].map_or(Field::Missing, |field| fields[field]);
        let text = |place: usize| match field(place) {
            // What decoders hand on is UTF-8.
            Field::Text(text) => std::str::from_utf8(text).unwrap_or_default().trim(),
            Field::Missing | Field::TimeUs(_) | Field::LocalTimeUs(_) => "",
        };
        for place in [0, 1] {
            if text(place).is_empty() {
                return Err((COLUMNS[place], "is empty".to_owned()));
            }
        }
        let time = |place: usize, open: i64| {
            absolute_time(field(place), zone)
                .map(|time_us| time_us.unwrap_or(open))
                .map_err(|message| (COLUMNS[place], message))
        };
        let (from_us, to_us) = (time(2, i64::MIN)?, time(3, i64::MAX)?);
        if from_us >= to_us {
            return Err((COLUMNS[3], "is not after valid_from: no instant lies between".to_owned()));
        }
        let of_columns = match (text(4), users) {
            ("", users) => 0..users.len(),
            (column, users) => {
                let place = users.iter().position(|user| user == column).ok_or_else(|| {
                    (
                        COLUMNS[4],
                        format!("{} is no person column; there are {}", quoted(column), users.join(", ")),
                    )
                })?;
                place..place + 1
            }
        };
        let stored = |column: usize, id: &str| match users {
            [_] => id.as_bytes().to_vec(),
            _ => [&[column as u8], id.as_bytes()].concat(),
        };
        for column in of_columns {
            let (id, person) = (stored(column, text(0)), stored(0, text(1)));
            entries.push(MapEntry { line, id, person, from_us, to_us });
        }
        Ok(())
    }
}

/// A time that is the same on any day, as `today` would make a map another map tomorrow; none where the
/// field is empty.
fn absolute_time(field: Field<'_>, zone: &TimeZone) -> Result<Option<i64>, String> {
    let text = match field {
        Field::Missing => return Ok(None),
        Field::TimeUs(time_us) => return Ok(Some(time_us)),
        Field::LocalTimeUs(local_us) => {
            let civil =
                Timestamp::from_microsecond(local_us).map(|time| time.to_zoned(TimeZone::UTC).datetime());
            let zoned = civil.and_then(|civil| civil.to_zoned(zone.clone()));
            return zoned
                .map(|zoned| Some(zoned.timestamp().as_microsecond()))
                .map_err(|_| "the time is out of range".to_owned());
        }
        Field::Text(text) => std::str::from_utf8(text).unwrap_or_default().trim(),
    };
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || {
        format!("{} is not a time: write 2026-01-31, 2026-01-31T14:00 or 2026-01-31T14:00:00Z", quoted(text))
    };
    if text.starts_with(|sign: char| sign.is_alphabetic()) {
        return Err(wrong());
    }
    parse_when(text, zone, Timestamp::UNIX_EPOCH).map(Some).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::super::failure::Exit;
    use super::*;
    use crate::event::excerpt::shown;

    fn parsed(text: &str, users: &[&str]) -> Result<IdentityMap, String> {
        let users: Vec<String> = users.iter().map(|user| (*user).to_owned()).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("map.csv");
        std::fs::write(&path, text).expect("a file");
        read_map(&path, &users, &TimeZone::UTC, &OpenOptions::default()).map_err(|failure| {
            assert_eq!(failure.exit, Exit::Usage);
            shown(&failure.error.to_string()).replace(&path.display().to_string(), "map.csv")
        })
    }

    #[test]
    fn bad_maps_are_told_with_line_and_column() {
        for (text, message) in [
            ("", "map.csv:1: column `id` is missing"),
            ("id\na\n", "map.csv:1: column `person` is missing"),
            (
                "id,persn\na,b\n",
                "map.csv:1: there is no column \"persn\" in a map of ids; did you mean `person`?",
            ),
            ("id,person,Id\na,b,c\n", "map.csv:1: more than one column is called \"id\""),
            ("id,person\na\n", "map.csv:2: 1 field where the header has 2 (R01)"),
            ("{\"id\":\"a\"}\n", "map.csv:1: column `person`: is empty"),
            ("id,person\na,b\n,c\n", "map.csv:3: column `id`: is empty"),
            ("id,person\na,\n", "map.csv:2: column `person`: is empty"),
            (
                "id,person,valid_from\na,b,soon\n",
                "map.csv:2: column `valid_from`: \"soon\" is not a time: write 2026-01-31, 2026-01-31T14:00 or \
                 2026-01-31T14:00:00Z",
            ),
            (
                "id,person,valid_to\na,b,today\n",
                "map.csv:2: column `valid_to`: \"today\" is not a time: write 2026-01-31, 2026-01-31T14:00 or \
                 2026-01-31T14:00:00Z",
            ),
            (
                "id,person,valid_from,valid_to\na,b,2026-01-02,2026-01-02\n",
                "map.csv:2: column `valid_to`: is not after valid_from: no instant lies between",
            ),
            (
                "id,person,column\na,b,device\n",
                "map.csv:2: column `column`: \"device\" is no person column; there are user",
            ),
            (
                "id,person\na,b\nc,d\na,e\n",
                "map.csv:4: column `id`: this id is given to another person on line 2, for the same time",
            ),
            (
                "id,person\na,b\nb,a\n",
                "map.csv:3: column `person`: this chain of persons comes back to where it began",
            ),
        ] {
            assert_eq!(parsed(text, &["user"]).map(|_| ()), Err(message.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn an_id_of_several_columns_is_mapped_in_all_or_in_the_one_that_is_named() {
        let users = ["user", "device"];
        let all = parsed("id,person\n7,ann\n", &users).expect("a map");
        assert_eq!([&b"\x007"[..], b"\x017"].map(|id| all.person(id, 0)), [Some(&b"\0ann"[..]); 2]);
        let one = parsed("id,person,column\n7,ann,device\n", &users).expect("a map");
        assert_eq!([&b"\x007"[..], b"\x017"].map(|id| one.person(id, 0)), [None, Some(&b"\0ann"[..])]);
        let single = parsed("person;id;valid_to\nann;7;1970-01-02\n", &["user"]).expect("a map");
        assert_eq!(single.person(b"7", 86_399_999_999), Some(&b"ann"[..]));
        assert_eq!(single.person(b"7", 86_400_000_000), None);
    }
}
