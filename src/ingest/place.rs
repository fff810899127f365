//! Where in an input something stands, as people look for it, and what is told of a file that was read.

use super::IngestError;
use super::job::{FileNote, Job};
use super::plan::ReadPlan;
use super::sequence::{FileTally, PlacedReject};
use crate::event::{Damage, RejectCode};
use crate::human::counted;

/// What is wrong with a record, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    /// Physical line on which the record starts, from 1.
    pub line: u64,
    /// Byte of the decompressed stream.
    pub byte: Option<u64>,
    /// Name of the column at fault, and its number from 1, where columns have an order.
    pub column: Option<(String, Option<u64>)>,
    /// The text at fault or the start of the record, cut; to be made safe before it is shown.
    pub excerpt: String,
    /// What is wrong there, in words that hold no data.
    pub because: String,
}

impl Job {
    /// Adds to a reject what only the file tells: the name of the column at fault, where it is not a wanted
    /// one, and that its line may belong to the header.
    pub(super) fn complete(&self, placed: &mut PlacedReject) {
        if self.second_header == Some(placed.line) {
            placed.reject.message.push_str("; a second header line? --skip-after-header 1 passes it over");
        }
        let field = placed.reject.field.filter(|_| placed.reject.slot.is_none());
        placed.column = field.and_then(|field| self.names.get(field)).cloned();
    }

    /// The file is damaged, and not to be salvaged.
    pub(super) fn damaged(&self, plan: &ReadPlan, mut placed: PlacedReject) -> IngestError {
        self.complete(&mut placed);
        let PlacedReject { line, byte, column, reject } = placed;
        let of_slot = reject.slot.and_then(|slot| plan.slots.get(slot)).cloned();
        let number = reject.field.map(|field| field as u64 + 1);
        let place = Place {
            file: self.account.name.clone(),
            line,
            byte,
            column: of_slot.or(column).map(|column| (column, number)),
            excerpt: String::from_utf8_lossy(&reject.excerpt).into_owned(),
            because: reject.message,
        };
        let rest_is_lost = reject.damage == Some(Damage::Rest);
        IngestError::Damaged {
            code: match reject.code {
                RejectCode::R15 => "R15",
                RejectCode::R10 if rest_is_lost => "E-F14",
                _ => "E-C05",
            },
            rest_is_lost,
            place: Box::new(place),
            read_as: self.account.read_as.clone(),
        }
    }

    /// What is known only when all is read.
    pub(super) fn notes_of_reading(&self, read: &FileTally) -> Vec<FileNote> {
        let name = &self.account.name;
        let mut notes = Vec::new();
        let used = match read.damage {
            None => None,
            Some(Damage::Record) => {
                Some("the records with the damage are rejected, and those behind it used")
            }
            Some(Damage::Rest) => Some("what comes before the damage is used, and nothing behind it"),
        };
        if let Some(used) = used {
            notes.push(FileNote::warning("W24", format!("{name} is damaged: {used}")));
        }
        if read.stray_quotes > 0 {
            let rows = counted(read.stray_quotes, "row has", "rows have");
            notes
                .push(FileNote::note(format!("{name}: {rows} a quote inside an unquoted field: it is text")));
        }
        if read.empty_tails > 0 {
            let rows = counted(read.empty_tails, "row ends", "rows end");
            let message = format!("{name}: {rows} in empty fields beyond the last column: they are left out");
            notes.push(FileNote::note(message));
        }
        notes
    }
}
