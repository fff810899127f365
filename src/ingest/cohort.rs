//! Cohorts: lists of ids that say whose rows are reported.
//!
//! A list is a small table, or text with one id a line. Its ids lie in the columns called as those that
//! name people in the log, or in `person`, as in the table of people, whose `person_column` says of
//! which of them each id is. Every person of the log is looked up once ([`Members::take`]), when
//! their rows are together: what is left out is counted there.

use super::texts::{TextKey, Texts};
use crate::decode::small_table::{SmallTable, SmallTableError};
use crate::event::Field;
use crate::event::excerpt::{excerpt, quoted};
use crate::human::counted;
use crate::source::OpenOptions;
use foldhash::fast::RandomState;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// The column of ids in the table of people.
const PERSON: &str = "person";
/// Its column that says of which column of the log an id is, where there are several.
const PERSON_COLUMN: &str = "person_column";
/// Stands for the number of a column where a list does not say of which column its ids are.
const ANY_COLUMN: u8 = u8::MAX;

/// Why a list of ids cannot be used. `Display` says where and what, `hint` what to do.
#[derive(Debug, thiserror::Error)]
pub enum CohortError {
    #[error(transparent)]
    Table(#[from] SmallTableError),
    #[error("{file}: {}, and none of them is called {wanted}", counted(.columns.len() as u64, "column", "columns"))]
    NoColumn { file: String, columns: Vec<String>, wanted: String },
    #[error("{file}: there is no id in it")]
    Empty { file: String },
}

impl CohortError {
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            CohortError::Table(SmallTableError::Record { .. }) => {
                "a list of ids is read whole or not at all: mend that line, or take it out".to_owned()
            }
            CohortError::Table(error) => return error.hint(),
            CohortError::NoColumn { columns, .. } => {
                let shown = columns.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
                format!("give the column of ids that name in its first line, which has {}", excerpt(shown))
            }
            CohortError::Empty { .. } => "one id a line, or a column of ids under its name".to_owned(),
        })
    }
}

/// One list of ids, each kept once.
pub struct Cohort {
    seed: RandomState,
    /// Ids as the log has them: with several columns that name people, behind the number of theirs.
    ids: Texts,
    /// By id: a person of the log has it.
    found: Vec<AtomicBool>,
    has_columns: bool,
    /// Records without an id, and blank lines.
    pub empty: u64,
    pub first_empty_line: Option<u64>,
    /// Ids that stood there before.
    pub repeated: u64,
    pub first_repeated_line: Option<u64>,
    /// What was decided without being asked, for people.
    pub read_as: String,
}

impl Cohort {
    /// Reads a list. `user_columns` are the columns of the log that name people.
    pub fn read(path: &Path, user_columns: &[String], options: &OpenOptions) -> Result<Cohort, CohortError> {
        let names = user_columns.iter().map(String::as_str);
        let known: Vec<&str> = names.chain([PERSON, PERSON_COLUMN]).collect();
        let table = SmallTable::open(path, &known, options)?;
        let place = IdColumns::of(&table, user_columns)?;
        let mut cohort = Cohort {
            seed: RandomState::default(),
            ids: Texts::default(),
            found: Vec::new(),
            has_columns: user_columns.len() > 1,
            empty: 0,
            first_empty_line: None,
            repeated: 0,
            first_repeated_line: None,
            read_as: place.read_as(&table, user_columns),
        };
        let mut id = Vec::new();
        let blank_lines = table.read(&place.wanted, |line, fields| {
            cohort.take_record(line, fields, &place, user_columns, &mut id)
        })?;
        cohort.empty += blank_lines;
        if cohort.ids.len() == 0 && !place.may_be_empty {
            return Err(CohortError::Empty { file: table.file });
        }
        cohort.found = (0..cohort.ids.len()).map(|_| AtomicBool::new(false)).collect();
        Ok(cohort)
    }

    /// Takes the ids of a record, `id` being room for one; fails on a column that no person of the log has.
    fn take_record(
        &mut self,
        line: u64,
        fields: &[Field<'_>],
        place: &IdColumns,
        user_columns: &[String],
        id: &mut Vec<u8>,
    ) -> Result<(), String> {
        let mut is_empty = true;
        let of_record = match place.person_column {
            Some(slot) => Some(named_column(text(fields[slot]), user_columns)?),
            None => None,
        };
        for (&number, &field) in place.numbers.iter().zip(fields) {
            let text = text(field);
            if text.is_empty() {
                continue;
            }
            is_empty = false;
            id.clear();
            if self.has_columns {
                id.push(of_record.unwrap_or(number).unwrap_or(ANY_COLUMN));
            }
            id.extend_from_slice(text);
            self.add(id, line);
        }
        if is_empty {
            self.empty += 1;
            self.first_empty_line.get_or_insert(line);
        }
        Ok(())
    }

    fn add(&mut self, id: &[u8], line: u64) {
        let known = self.ids.len();
        let code = self.ids.code(&TextKey::new(id, &self.seed), || id);
        if (code as usize) < known {
            self.repeated += 1;
            self.first_repeated_line.get_or_insert(line);
        }
    }

    /// Whether a person of the log is in the list, which notes that the id was found.
    fn holds(&self, id: &[u8]) -> bool {
        let find = |id: &[u8]| self.ids.find(&TextKey::new(id, &self.seed), || id);
        let of_any_column = || {
            let mut id = id.to_vec();
            *id.first_mut()? = ANY_COLUMN;
            find(&id)
        };
        let code = find(id).or_else(|| self.has_columns.then(of_any_column).flatten());
        if let Some(code) = code {
            self.found[code as usize].store(true, Ordering::Relaxed);
        }
        code.is_some()
    }

    /// Distinct ids.
    pub fn ids(&self) -> u64 {
        self.ids.len() as u64
    }

    /// Ids that some person of the log has, once all were looked up.
    pub fn found(&self) -> u64 {
        self.found.iter().filter(|found| found.load(Ordering::Relaxed)).count() as u64
    }

    /// The same for the same ids, however they were listed.
    pub fn hash(&self) -> String {
        let mut ids: Vec<&[u8]> = self.ids.iter().collect();
        ids.sort_unstable();
        let mut hasher = blake3::Hasher::new();
        for id in ids {
            hasher.update(&(id.len() as u64).to_le_bytes());
            hasher.update(id);
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// Where the ids of a list stand.
struct IdColumns {
    /// The columns that are read: those of ids, and behind them the one that says of which column they are.
    wanted: Vec<usize>,
    /// For each column of ids the number of the log's column that it is called after.
    numbers: Vec<Option<u8>>,
    /// The slot of the text that names the log's column.
    person_column: Option<usize>,
    /// The list says what its column is: then it may hold no id.
    may_be_empty: bool,
}

impl IdColumns {
    fn of(table: &SmallTable, user_columns: &[String]) -> Result<IdColumns, CohortError> {
        let seen = |name: &str| -> Result<Option<usize>, CohortError> {
            Ok(table.find(name)?.filter(|&column| table.is_seen(column)))
        };
        let mut named = Vec::new();
        for (number, name) in user_columns.iter().enumerate() {
            // One that JSON did not show yet may come; of others it is not there.
            if let Some(column) = table.find(name)? {
                named.push((column, Some(number as u8)));
            }
        }
        let is_named = named.iter().any(|(column, _)| table.is_seen(*column));
        let (person, person_column) = (seen(PERSON)?, seen(PERSON_COLUMN)?);
        // The table of people has both; what else is called as a column of the log is a segment there.
        let (ids, person_column) = match (person, person_column) {
            (Some(person), Some(column)) => (vec![(person, None)], Some(column)),
            _ if is_named => (named, None),
            (Some(person), None) => (vec![(person, None)], None),
            _ if table.columns().len() <= 1 && !table.is_json() => (vec![(0, None)], None),
            _ => {
                let (file, columns) = (table.file.clone(), table.columns().to_vec());
                return Err(CohortError::NoColumn { file, columns, wanted: user_columns.join(" or ") });
            }
        };
        let (mut wanted, numbers): (Vec<usize>, Vec<Option<u8>>) = ids.into_iter().unzip();
        let slot = wanted.len();
        wanted.extend(person_column);
        let may_be_empty = table.is_named() && !table.is_json();
        Ok(IdColumns { wanted, numbers, person_column: person_column.map(|_| slot), may_be_empty })
    }

    /// What was decided without being asked, for people.
    fn read_as(&self, table: &SmallTable, user_columns: &[String]) -> String {
        let ids = self.wanted.iter().zip(&self.numbers).map(|(&column, number)| match number {
            Some(number) => user_columns[usize::from(*number)].clone(),
            None => table.columns().get(column).cloned().unwrap_or_default(),
        });
        let ids = ids.collect::<Vec<_>>().join(", ");
        let of_column = if self.person_column.is_some() { ", of the column in person_column" } else { "" };
        match table.form() {
            _ if !table.is_named() => "no header line: one id a line".to_owned(),
            Some(form) => format!("{form}, ids are in {ids}{of_column}"),
            None => format!("ids are in {ids}{of_column}"),
        }
    }
}

/// The number of the log's column that is called so; none where no name is given.
fn named_column(name: &[u8], user_columns: &[String]) -> Result<Option<u8>, String> {
    if name.is_empty() {
        return Ok(None);
    }
    let exact = user_columns.iter().position(|column| column.as_bytes() == name);
    let alike = || user_columns.iter().position(|column| column.as_bytes().eq_ignore_ascii_case(name));
    match exact.or_else(alike) {
        Some(number) => Ok(Some(number as u8)),
        None => Err(format!(
            "column `{PERSON_COLUMN}`: {} is no person column of the log; there are {}",
            quoted(&String::from_utf8_lossy(name)),
            user_columns.join(", ")
        )),
    }
}

fn text<'f>(field: Field<'f>) -> &'f [u8] {
    match field {
        Field::Text(text) => text,
        Field::Missing | Field::TimeUs(_) | Field::LocalTimeUs(_) => b"",
    }
}

/// Whose rows are reported, where not everybody's are.
#[derive(Default)]
pub struct Members {
    /// Only these.
    pub only: Option<Cohort>,
    /// All but these.
    pub without: Option<Cohort>,
    left_out: Mutex<LeftOut>,
}

impl std::fmt::Debug for Members {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids = |cohort: &Option<Cohort>| cohort.as_ref().map(Cohort::ids);
        write!(f, "Members({:?} without {:?})", ids(&self.only), ids(&self.without))
    }
}

/// What a pass left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    pub persons: u64,
    pub rows: u64,
    pub negative_values: u64,
    /// Rows by kind, as far as there are any.
    pub rows_of_kind: Vec<u64>,
}

impl LeftOut {
    pub(super) fn add(&mut self, rows: &super::PersonRows<'_>) {
        self.persons += 1;
        self.rows += rows.len() as u64;
        for (row, &kind) in rows.kinds.iter().enumerate() {
            let kind = kind as usize;
            if self.rows_of_kind.len() <= kind {
                self.rows_of_kind.resize(kind + 1, 0);
            }
            self.rows_of_kind[kind] += 1;
            self.negative_values += u64::from(rows.value(row).is_some_and(|value| value < 0));
        }
    }

    fn merge(&mut self, other: &LeftOut) {
        self.persons += other.persons;
        self.rows += other.rows;
        self.negative_values += other.negative_values;
        if self.rows_of_kind.len() < other.rows_of_kind.len() {
            self.rows_of_kind.resize(other.rows_of_kind.len(), 0);
        }
        for (mine, theirs) in self.rows_of_kind.iter_mut().zip(&other.rows_of_kind) {
            *mine += theirs;
        }
    }
}

impl Members {
    pub fn new(only: Option<Cohort>, without: Option<Cohort>) -> Option<Arc<Members>> {
        let members = Members { only, without, left_out: Mutex::default() };
        (members.only.is_some() || members.without.is_some()).then(|| Arc::new(members))
    }

    /// Whether a person is reported. Both lists learn that the person is there.
    pub fn take(&self, id: &[u8]) -> bool {
        let is_in = self.only.as_ref().is_none_or(|cohort| cohort.holds(id));
        let is_out = self.without.as_ref().is_some_and(|cohort| cohort.holds(id));
        is_in && !is_out
    }

    fn lock(&self) -> MutexGuard<'_, LeftOut> {
        self.left_out.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Every pass leaves the same out: only the last one is kept.
    pub(super) fn note(&self, parts: &[LeftOut]) {
        let mut whole = LeftOut::default();
        parts.iter().for_each(|part| whole.merge(part));
        *self.lock() = whole;
    }

    /// What the last pass left out; nothing before the first.
    pub fn left_out(&self) -> LeftOut {
        self.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::excerpt::shown;

    fn read(text: &str, user_columns: &[&str]) -> Result<Cohort, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        let columns: Vec<String> = user_columns.iter().map(|&name| name.to_owned()).collect();
        let name = file.path().display().to_string();
        Cohort::read(file.path(), &columns, &OpenOptions::default())
            .map_err(|error| shown(&error.to_string()).replace(&name, "F"))
    }

    fn ids(text: &str) -> Vec<String> {
        let cohort = read(text, &["user_id"]).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        cohort.ids.iter().map(|id| String::from_utf8_lossy(id).into_owned()).collect()
    }

    #[test]
    fn the_same_ids_in_every_form() {
        for text in [
            "a\nb\n",
            "a\r\nb",
            "a\rb\r",
            "user_id\na\nb\n",
            "\"user_id\"\n\"a\"\n\"b\"\n",
            "name,USER_ID\nx,a\ny,b\n",
            "user_id;name\na;x\nb;y\n",
            "person\tlevel\na\t1\nb\t2\n",
            "{\"user_id\":\"a\"}\n{\"x\":1,\"user_id\":\"b\"}\n",
            "{\"person\":\"a\"}\n{\"person\":\"b\"}\n",
            "\n\na\n\nb\na\n",
        ] {
            assert_eq!(ids(text), ["a", "b"], "{text:?}");
        }
        assert_eq!(ids("{\"user_id\":12345678901234567890}\n"), ["12345678901234567890"]);
        assert_eq!(ids("user_id\n"), [""; 0]);
        assert_eq!(ids("'=1\n'x\n\"a,b\"\n"), ["=1", "'x", "a,b"]);
        assert_eq!(ids("{\"user_id\":\"'=1\"}\n"), ["'=1"]);
    }

    #[test]
    fn what_is_empty_or_repeated_is_counted_with_its_first_line() {
        let cohort = read("user_id,x\na,1\n,2\nb,3\na,4\na,5\n,6\n", &["user_id"]).expect("ids");
        assert_eq!((cohort.ids(), cohort.repeated, cohort.first_repeated_line), (2, 2, Some(5)));
        assert_eq!((cohort.empty, cohort.first_empty_line), (2, Some(3)));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        for (text, error) in [
            ("", "F: there is no id in it"),
            ("\n \n", "F: there is no id in it"),
            ("{\"id\":\"a\"}\n", "F: 1 column, and none of them is called user_id"),
            ("{\"user_id\":null}\n", "F: there is no id in it"),
            ("id,name\na,x\n", "F: 2 columns, and none of them is called user_id"),
            ("user_id,name\na,x\nb\n", "F:3: 1 field where the header has 2 (R01)"),
            ("a\n\"b\n", "F:2: the quote that opens field 1 is never closed (R15)"),
            ("{\"user_id\":\"a\"}\nb\n", "F:2: this is not a JSON value (byte 1 of the line) (R10)"),
        ] {
            assert_eq!(read(text, &["user_id"]).map(|_| ()), Err(error.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn ids_of_several_columns_stay_apart_unless_the_list_does_not_say() {
        let columns = ["user_id", "device"];
        let of_both = read("device,user_id\n7,\n,8\n", &columns).expect("ids");
        assert_eq!([&b"\x007"[..], b"\x017", b"\x008"].map(|id| of_both.holds(id)), [false, true, true]);
        let of_any = read("7\n8\n", &columns).expect("ids");
        assert_eq!([&b"\x007"[..], b"\x017", b"\x009"].map(|id| of_any.holds(id)), [true, true, false]);
        assert_eq!((of_any.ids(), of_any.found()), (2, 1));
    }

    #[test]
    fn the_table_of_people_says_of_which_column_each_id_is() {
        let columns = ["user_id", "device"];
        let ids = [&b"\x007"[..], b"\x017", b"\x008", b"\x018", b"\x019"];
        for text in [
            // `device` is a segment there, and no id.
            "funnel,person,person_column,device\nf,7,device,x\nf,8,,y\n",
            "{\"person\":7,\"person_column\":\"device\"}\n{\"person\":\"8\",\"person_column\":null}\n",
        ] {
            let cohort = read(text, &columns).expect("ids");
            assert_eq!(ids.map(|id| cohort.holds(id)), [false, true, true, true, false], "{text}");
        }
        let other = read("person,person_column\n7,user_id\n8,browser\n", &columns).map(|_| ());
        let said = "F:3: column `person_column`: \"browser\" is no person column of the log; there are \
                    user_id, device";
        assert_eq!(other, Err(said.to_owned()));
        // Of a log with one column the ids must be of that.
        assert_eq!(ids_of_one("person,person_column\na,user_id\n"), Ok(1));
        assert!(ids_of_one("person,person_column\na,device\n").is_err());
    }

    fn ids_of_one(text: &str) -> Result<u64, String> {
        read(text, &["user_id"]).map(|cohort| cohort.ids())
    }

    #[test]
    fn the_hash_is_of_the_ids_alone() {
        let hash = |text: &str| read(text, &["user_id"]).expect("ids").hash();
        assert_eq!(hash("a\nb\n"), hash("user_id,x\nb,1\na,2\nb,3\n"));
        assert_ne!(hash("a\nb\n"), hash("ab\n"));
    }
}
