//! Wide exports: one record a person with a time column for each thing that happened, as CRMs and
//! lead systems write them. Every time of a record becomes an event that is named by its column.
//!
//! ```text
//! list    = item { "," item }        item = column [ "=" name ]
//! column  = name with * for any run of signs | 'any signs, * for itself, '' for a quote'
//! name    = the event; a * in it is what the * of the column stood for
//! ```
//!
//! A record is one row, used or rejected as a whole: a cell that is no time rejects it. An empty cell is
//! no event, and neither is one after the end of observation, at which it was still empty. All other columns of the record go with each of its events.

use super::assemble::{Assembler, Codes, Fault};
use super::batch::Batch;
use crate::condition::{Glob, read_quoted, suggest_nearest};
use crate::decode::RecordSink;
use crate::decode::time::TimeParser;
use crate::event::excerpt::excerpt;
use crate::event::{Field, RecordAt, Reject};

/// One item of the list, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnpivotItem {
    column: Pattern,
    name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Name(String),
    Glob(String),
}

/// A time column, and what its times are called as events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedColumn {
    pub column: String,
    pub event: String,
}

/// Why a list cannot be used, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UnpivotError {
    pub message: String,
    pub hint: Option<String>,
}

fn wrong(message: impl Into<String>, hint: Option<String>) -> UnpivotError {
    UnpivotError { message: message.into(), hint }
}

/// Reads `created_at, contacted_at=contacted, '*_on'`.
pub fn parse_unpivot(text: &str) -> Result<Vec<UnpivotItem>, UnpivotError> {
    let mut items = Vec::new();
    let mut rest = text.trim_start();
    loop {
        let (column, is_quoted, behind) = name(rest, &[',', '='])?;
        if column.is_empty() {
            return Err(wrong(
                "a column is missing",
                Some("write: created_at, contacted_at=contacted".to_owned()),
            ));
        }
        let (event, behind) = match behind.strip_prefix('=') {
            Some(behind) => {
                let (event, _, behind) = name(behind.trim_start(), &[','])?;
                (Some(event).filter(|event| !event.is_empty()), behind)
            }
            None => (None, behind),
        };
        let is_glob = !is_quoted && column.contains('*');
        if event.as_ref().is_some_and(|event| event.contains('*')) && column.matches('*').count() != 1 {
            return Err(wrong(format!("{column}: a * in the name needs one * in the column"), None));
        }
        let column = if is_glob { Pattern::Glob(column) } else { Pattern::Name(column) };
        items.push(UnpivotItem { column, name: event });
        match behind.strip_prefix(',') {
            Some(behind) => rest = behind.trim_start(),
            None if behind.is_empty() => return Ok(items),
            None => return Err(wrong(format!("{behind:?} is not expected there"), None)),
        }
    }
}

/// The name at the start, whether it was quoted, and what follows.
fn name<'t>(text: &'t str, ends: &[char]) -> Result<(String, bool, &'t str), UnpivotError> {
    if text.starts_with('\'') {
        let (name, length) = read_quoted(text, '\'')
            .ok_or_else(|| wrong(format!("{text}: the quote is never closed"), None))?;
        return Ok((name, true, text[length..].trim_start()));
    }
    let end = text.find(ends).unwrap_or(text.len());
    Ok((text[..end].trim_end().to_owned(), false, &text[end..]))
}

/// Finds the columns of a list among those of the input: in the order of the list, each once.
pub fn resolve_unpivot(items: &[UnpivotItem], columns: &[String]) -> Result<Vec<TimedColumn>, UnpivotError> {
    let mut found: Vec<TimedColumn> = Vec::new();
    for item in items {
        let before = found.len();
        for column in columns.iter().filter(|column| item.fits(column)) {
            if !found.iter().any(|known| known.column == *column) {
                found.push(TimedColumn { column: column.clone(), event: item.event(column) });
            }
        }
        if let (Pattern::Name(column), true) = (&item.column, found.len() == before)
            && !columns.contains(column)
        {
            // Of JSON a later record may have it: whoever reads tells if none does.
            found.push(TimedColumn { column: column.clone(), event: item.event(column) });
        }
        if let (Pattern::Glob(glob), true) = (&item.column, found.len() == before)
            && !columns.iter().any(|column| item.fits(column))
        {
            let near = suggest_nearest(glob, columns.iter().map(String::as_str), 3);
            let hint = if near.is_empty() { columns.iter().take(20).cloned().collect() } else { near };
            return Err(wrong(
                format!("no column fits {glob}"),
                Some(format!("the columns are {}", excerpt(hint.join(", ")))),
            ));
        }
    }
    Ok(found)
}

impl UnpivotItem {
    fn fits(&self, column: &str) -> bool {
        match &self.column {
            Pattern::Name(name) => name == column,
            Pattern::Glob(glob) => Glob::new(glob.as_str()).matches(column.as_bytes()),
        }
    }

    /// What times of a column are called: as asked, or as the column.
    fn event(&self, column: &str) -> String {
        let Some(name) = &self.name else { return column.to_owned() };
        let stood_for = match &self.column {
            Pattern::Glob(glob) => glob
                .split_once('*')
                .and_then(|(before, behind)| column.strip_prefix(before)?.strip_suffix(behind)),
            Pattern::Name(_) => None,
        };
        stood_for.map_or(name.clone(), |text| name.replace('*', text))
    }
}

/// Takes the records of one wide file, piece by piece, and fills a batch with their events.
pub struct Unpivoter<'a, 'p> {
    pub codes: &'a mut Codes<'p>,
    /// One for each time column.
    pub times: &'a mut [TimeParser],
    pub batch: &'a mut Batch,
    /// Room for the events of one record: the place of the column, and the time.
    pub events: Vec<(usize, i64)>,
}

impl RecordSink for Unpivoter<'_, '_> {
    fn record(&mut self, at: RecordAt, fields: &[Field<'_>]) {
        self.batch.tally.read += 1;
        if let Err(fault) = self.events_of(fields) {
            fault.reject(at, fields, self.codes.plan.keep_rejects, self.batch);
        }
    }

    fn reject(&mut self, reject: Reject) {
        self.batch.tally.read += 1;
        self.batch.count_reject(reject, self.codes.plan.keep_rejects);
    }
}

impl Unpivoter<'_, '_> {
    fn events_of(&mut self, fields: &[Field<'_>]) -> Result<(), Box<Fault>> {
        let plan = self.codes.plan;
        self.events.clear();
        let mut after_end = 0;
        for (place, (&slot, times)) in plan.roles.unpivot.iter().zip(&mut *self.times).enumerate() {
            let is_empty = match fields[slot] {
                Field::Text(text) => text.trim_ascii().is_empty(),
                field => field == Field::Missing,
            };
            if !is_empty {
                let time_us = plan.any_time(fields, &[slot], times)?;
                if plan.is_after_end(time_us) {
                    after_end += 1;
                } else {
                    self.events.push((place, time_us));
                }
            }
        }
        let mut assembler =
            Assembler { codes: &mut *self.codes, times: &mut self.times[0], batch: &mut *self.batch };
        let Some(judged) = assembler.judge(fields)? else { return Ok(()) };
        for &(place, time_us) in &self.events {
            assembler.push(time_us, plan.columns.unpivot[place].event.as_bytes(), &judged, fields);
        }
        let tally = &mut self.batch.tally;
        match &plan.members {
            Some(members) if !members.take(&judged.id(plan.columns.ids_have_column())) => {
                tally.filtered += 1;
                tally.left_out += 1;
            }
            _ => {
                tally.used += 1;
                tally.without_time += u64::from(self.events.is_empty());
                tally.times_after_end += after_end;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(list: &str, columns: &[&str]) -> Result<String, String> {
        let columns: Vec<String> = columns.iter().map(|&name| name.to_owned()).collect();
        let found = parse_unpivot(list).and_then(|items| resolve_unpivot(&items, &columns));
        let text = |timed: &TimedColumn| format!("{}={}", timed.column, timed.event);
        found.map(|found| found.iter().map(text).collect::<Vec<_>>().join(" ")).map_err(|error| error.message)
    }

    #[test]
    fn columns_are_called_as_they_are_or_as_asked() {
        let columns = ["id", "created_at", "won_at", "lost at", "a,b"];
        for (list, expected) in [
            ("created_at, won_at", "created_at=created_at won_at=won_at"),
            ("won_at = won ,created_at", "won_at=won created_at=created_at"),
            ("*_at", "created_at=created_at won_at=won_at"),
            ("*_at=*", "created_at=created won_at=won"),
            ("won_at=deal, *_at=lead *", "won_at=deal created_at=lead created"),
            ("'lost at'=lost", "lost at=lost"),
            ("'a,b'", "a,b=a,b"),
            ("later", "later=later"),
        ] {
            assert_eq!(resolved(list, &columns), Ok(expected.to_owned()), "{list}");
        }
    }

    #[test]
    fn lists_that_say_nothing_are_refused() {
        for (list, error) in [
            ("", "a column is missing"),
            ("a,", "a column is missing"),
            ("'a", "'a: the quote is never closed"),
            ("'a' b", "\"b\" is not expected there"),
            ("a=*", "a: a * in the name needs one * in the column"),
            ("*_on", "no column fits *_on"),
        ] {
            assert_eq!(resolved(list, &["a", "b_at"]), Err(error.to_owned()), "{list:?}");
        }
    }
}
