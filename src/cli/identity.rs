//! What was asked of people's ids and of repeated events, and the file that maps ids.

use super::args::InputArgs;
use super::failure::{Exit, Failure};
use super::plan::InputPlan;
use super::privacy::random_bytes;
use super::when::parse_when;
use crate::condition::suggest_nearest;
use crate::decode::small_table::SmallTable;
use crate::definition::{DedupeTable, DefinitionFile, IdentityTable, OneOrMore};
use crate::identity::{IdentityMap, MapEntry, MapError, Stitch};
use crate::ingest::plan::{Columns, Dedupe, IdentityPlan};
use anyhow::Context;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// As typed and written, not yet held against the columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdentityRequest {
    pub stitch: Stitch,
    pub map: Option<PathBuf>,
    pub dedupe: DedupeRequest,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DedupeRequest {
    #[default]
    Nothing,
    Key(Vec<String>),
    Exact,
}

impl IdentityRequest {
    pub fn resolve(args: &InputArgs, file: &DefinitionFile) -> Result<IdentityRequest, Failure> {
        let stitch = match args.stitch.as_ref().or(file.identity.stitch.as_ref()) {
            None => Stitch::None,
            Some(name) => Stitch::from_name(name)
                .ok_or_else(|| Failure::usage(format!("--stitch: {name:?} is not none, forward or both")))?,
        };
        let map = args.identity.clone().or_else(|| file.identity.map.as_ref().map(PathBuf::from));
        Ok(IdentityRequest { stitch, map, dedupe: dedupe(args, file)? })
    }

    /// As a definition file says it, which names the map by what `name` gives.
    pub fn table(&self, name: impl Fn(&Path) -> String) -> IdentityTable {
        let stitch = (self.stitch != Stitch::None).then(|| self.stitch.name().to_owned());
        IdentityTable { stitch, map: self.map.as_deref().map(name) }
    }

    /// Several columns that are one id together are no person with a device, nor ids of a map.
    fn check_together(&self, users: &[String]) -> Result<(), Failure> {
        let flag = match (self.stitch, &self.map) {
            (Stitch::None, None) => return Ok(()),
            (Stitch::None, Some(_)) => "--identity",
            _ => "--stitch",
        };
        let message = format!("{flag}: {} are one id together", users.join(" and "));
        Err(Failure::usage(message).hint("name columns that are ids by themselves: --user user_id,device_id"))
    }

    /// Columns of the key of events.
    pub fn key(&self) -> Vec<String> {
        match &self.dedupe {
            DedupeRequest::Key(key) => key.clone(),
            DedupeRequest::Nothing | DedupeRequest::Exact => Vec::new(),
        }
    }

    /// What the reading does. `compares` where other ways of stitching are wanted beside the one
    /// that was asked for.
    pub fn plan(
        &self,
        input: &InputPlan,
        columns: &Columns,
        compares: bool,
    ) -> Result<IdentityPlan, Failure> {
        let users = &columns.user;
        if columns.user_together {
            self.check_together(users)?;
        }
        if self.stitch != Stitch::None && users.len() < 2 {
            return Err(Failure::usage("--stitch: there is only one person column")
                .hint("name the person's column and then the device's: --user user_id,device_id"));
        }
        let map = self.map.as_ref().map(|path| read_map(path, users, &input.zone).map(Arc::new));
        Ok(IdentityPlan {
            stitch: self.stitch,
            map: map.transpose()?,
            dedupe: match self.dedupe {
                DedupeRequest::Nothing => Dedupe::Nothing,
                DedupeRequest::Key(_) => Dedupe::Key,
                DedupeRequest::Exact => Dedupe::Exact,
            },
            session_timeout_us: input.session_timeout_us,
            compares,
            hash_key: random_bytes(),
        })
    }
}

impl DedupeRequest {
    /// As a definition file says it.
    pub fn table(&self) -> DedupeTable {
        match self {
            DedupeRequest::Nothing => DedupeTable::default(),
            DedupeRequest::Key(key) => DedupeTable { key: Some(OneOrMore::More(key.clone())), exact: None },
            DedupeRequest::Exact => DedupeTable { key: None, exact: Some(true) },
        }
    }
}

fn dedupe(args: &InputArgs, file: &DefinitionFile) -> Result<DedupeRequest, Failure> {
    let written = &file.dedupe;
    let key = match args.dedupe_key.as_slice() {
        [] if args.dedupe_exact => return Ok(DedupeRequest::Exact),
        [] => written.key.clone().map_or_else(Vec::new, OneOrMore::into_vec),
        typed => return Ok(DedupeRequest::Key(typed.to_vec())),
    };
    match (key.is_empty(), written.exact == Some(true)) {
        (true, true) => Ok(DedupeRequest::Exact),
        (true, false) => Ok(DedupeRequest::Nothing),
        (false, false) => Ok(DedupeRequest::Key(key)),
        (false, true) => {
            Err(Failure::usage("[dedupe]: key and exact = true stand for two things: leave one out"))
        }
    }
}

/// Columns of a map; the last three may be left out.
const COLUMNS: [&str; 5] = ["id", "person", "valid_from", "valid_to", "column"];

/// Reads a map of ids. `users` are the person columns: where there are several, an id stands for
/// itself in the column that the map names, else in all of them, and a person in the first.
fn read_map(path: &Path, users: &[String], zone: &TimeZone) -> Result<IdentityMap, Failure> {
    let bytes = std::fs::read(path)
        .with_context(|| format!("{}: cannot read this map of ids", path.display()))
        .map_err(|error| Failure { exit: Exit::Usage, ..Failure::failed(error) })?;
    let name = path.display().to_string();
    parse_map(&bytes, &name, users, zone)
}

fn parse_map(bytes: &[u8], name: &str, users: &[String], zone: &TimeZone) -> Result<IdentityMap, Failure> {
    let table = SmallTable::parse(bytes).map_err(|error| Failure::usage(format!("{name}:{error}")))?;
    let layout = Layout::of(&table.columns, name)?;
    let mut entries = Vec::new();
    for (line, fields) in &table.records {
        layout.entries(*line, fields, users, zone, &mut entries).map_err(|(column, message)| {
            Failure::usage(format!("{name}:{line}: column `{column}`: {message}"))
        })?;
    }
    IdentityMap::new(entries).map_err(|error| {
        let column = match error {
            MapError::Conflict { .. } => "id",
            MapError::Cycle { .. } => "person",
        };
        Failure::usage(format!("{name}:{}: column `{column}`: {error}", error.line()))
    })
}

/// By place in [`COLUMNS`]: the field that holds it.
struct Layout([Option<usize>; COLUMNS.len()]);

/// A column, and what is wrong with it.
type FieldFault = (&'static str, String);

impl Layout {
    fn of(columns: &[String], name: &str) -> Result<Layout, Failure> {
        let hint = format!("the columns of a map are {}", COLUMNS.join(", "));
        let wrong = |message: String| Failure::usage(format!("{name}:1: {message}")).hint(hint.clone());
        let mut layout = Layout([None; COLUMNS.len()]);
        for (field, column) in columns.iter().enumerate() {
            let Some(place) = COLUMNS.iter().position(|known| known == column) else {
                let near = suggest_nearest(column, COLUMNS.into_iter(), 1);
                let near = near.first().map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                return Err(wrong(format!("there is no column {column:?} in a map of ids{near}")));
            };
            if layout.0[place].replace(field).is_some() {
                return Err(wrong(format!("column `{column}` stands twice")));
            }
        }
        match COLUMNS[..2].iter().zip(layout.0).find(|(_, field)| field.is_none()) {
            Some((column, _)) => Err(wrong(format!("column `{column}` is missing"))),
            None => Ok(layout),
        }
    }

    fn entries(
        &self,
        line: u64,
        fields: &[String],
        users: &[String],
        zone: &TimeZone,
        entries: &mut Vec<MapEntry>,
    ) -> Result<(), FieldFault> {
        let text = |place: usize| self.0[place].map_or("", |field| fields[field].as_str());
        for place in [0, 1] {
            if text(place).is_empty() {
                return Err((COLUMNS[place], "is empty".to_owned()));
            }
        }
        let time = |place: usize, open: i64| match text(place) {
            "" => Ok(open),
            text => absolute_time(text, zone).map_err(|message| (COLUMNS[place], message)),
        };
        let (from_us, to_us) = (time(2, i64::MIN)?, time(3, i64::MAX)?);
        if from_us >= to_us {
            return Err((COLUMNS[3], "is not after valid_from: no instant lies between".to_owned()));
        }
        let of_columns = match (text(4), users) {
            ("", users) => 0..users.len(),
            (column, users) => {
                let place = users.iter().position(|user| user == column).ok_or_else(|| {
                    (COLUMNS[4], format!("{column:?} is no person column; there are {}", users.join(", ")))
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

/// A time that is the same on any day: `today` would make a map another map tomorrow.
fn absolute_time(text: &str, zone: &TimeZone) -> Result<i64, String> {
    let wrong =
        || format!("{text:?} is not a time: write 2026-01-31, 2026-01-31T14:00 or 2026-01-31T14:00:00Z");
    if text.starts_with(|sign: char| sign.is_alphabetic()) {
        return Err(wrong());
    }
    parse_when(text, zone, Timestamp::UNIX_EPOCH).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, users: &[&str]) -> Result<IdentityMap, String> {
        let users: Vec<String> = users.iter().map(|user| (*user).to_owned()).collect();
        parse_map(text.as_bytes(), "map.csv", &users, &TimeZone::UTC).map_err(|failure| {
            assert_eq!(failure.exit, Exit::Usage);
            failure.error.to_string()
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
            ("id,person,id\na,b,c\n", "map.csv:1: column `id` stands twice"),
            ("id,person\na\n", "map.csv:2: 1 fields where the header has 2"),
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

    #[test]
    fn flags_outrank_the_definition_file() {
        let file = "[identity]\nstitch = \"both\"\nmap = \"a.csv\"\n[dedupe]\nkey = \"event_id\"\n";
        let file = DefinitionFile::parse(file, "x.toml").expect("a definition");
        let of = |args: InputArgs| IdentityRequest::resolve(&args, &file).expect("a request");
        let written = of(InputArgs::default());
        assert_eq!((written.stitch, written.map.as_deref()), (Stitch::Both, Some(Path::new("a.csv"))));
        assert_eq!(written.key(), ["event_id"]);
        let typed = of(InputArgs {
            stitch: Some("none".to_owned()),
            dedupe_exact: true,
            identity: Some(PathBuf::from("b.csv")),
            ..InputArgs::default()
        });
        assert_eq!((typed.stitch, typed.dedupe), (Stitch::None, DedupeRequest::Exact));
        assert_eq!(typed.map, Some(PathBuf::from("b.csv")));
        let both = DefinitionFile::parse("[dedupe]\nkey = [\"a\", \"b\"]\nexact = true\n", "x.toml");
        let both = IdentityRequest::resolve(&InputArgs::default(), &both.expect("a definition"));
        assert!(both.is_err());
    }
}
