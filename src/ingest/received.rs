//! When the server got a row, beside the time that the device gave it: read and judged in every row, whatever is
//! asked, and kept as how far the two lie apart where that is asked for. No report uses it.

use super::assemble::{Assembler, Fault};
use super::batch::{NO_VALUE, RowLayout};
use super::plan::ReadPlan;
use crate::decode::RecordSink;
use crate::decode::time::TimeParser;
use crate::event::{Field, RecordAt, Reject};

/// Looks at the time of receipt before the rest of a record is taken.
pub(super) struct Receipts<'a, 'p> {
    /// Of the column in which it stands.
    pub times: &'a mut TimeParser,
    pub assembler: Assembler<'a, 'p>,
}

impl RecordSink for Receipts<'_, '_> {
    fn record(&mut self, at: RecordAt, fields: &[Field<'_>]) {
        let plan = self.assembler.codes.plan;
        match received(plan, fields, self.times) {
            Ok(received_us) => {
                self.assembler.record(at, fields);
                if plan.layout.received {
                    self.keep(received_us);
                }
            }
            Err(fault) => {
                let batch = &mut *self.assembler.batch;
                batch.tally.read += 1;
                fault.reject(at, fields, plan.keep_rejects, batch);
            }
        }
    }

    fn reject(&mut self, reject: Reject) {
        self.assembler.reject(reject);
    }
}

impl Receipts<'_, '_> {
    /// Adds the last two words of a record that became a row.
    fn keep(&mut self, received_us: Option<i64>) {
        let layout = &self.assembler.codes.plan.layout;
        let batch = &mut *self.assembler.batch;
        if batch.words.len() == batch.rows.len() * layout.words() {
            return;
        }
        let time_us = batch.rows.last().map_or(0, |row| row.time_us);
        let after_us = received_us.map_or(NO_VALUE, |received_us| received_us.saturating_sub(time_us));
        batch.words.extend(RowLayout::two_words(after_us));
    }
}

/// The time of receipt; none where it is empty.
fn received(
    plan: &ReadPlan,
    fields: &[Field<'_>],
    times: &mut TimeParser,
) -> Result<Option<i64>, Box<Fault>> {
    let Some(slot) = plan.roles.received else { return Ok(None) };
    match fields[slot] {
        Field::Missing => Ok(None),
        Field::Text(text) if text.trim_ascii().is_empty() => Ok(None),
        _ => plan.any_time(fields, &[slot], times).map(Some),
    }
}
