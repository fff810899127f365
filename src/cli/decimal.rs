//! The decimal mark of the values: as it was given, or as the samples of all inputs tell, in whatever order
//! they come.

use super::failure::Failure;
use super::input::Found;
use super::plan::InputPlan;
use crate::decode::decimal_mark::SampledMark;
use crate::ingest::decimal::{ValueSeen, sampled_mark};
use crate::ingest::plan::Columns;
use crate::ingest::{IngestError, Sample};
use crate::source::open::open;

/// How values are read.
pub struct Decimals {
    pub mark: u8,
    /// The value that told the mark: no input may contradict it.
    pub told_by: Option<ValueSeen>,
}

/// Settles the mark of a column of values. Looks at one input after the other up to the first that tells;
/// those behind it are held against it as they are read.
pub fn settle(plan: &InputPlan, found: &mut Found, columns: &Columns) -> Result<Decimals, Failure> {
    if let Some(mark) = plan.decimal_mark {
        return Ok(Decimals { mark, told_by: None });
    }
    let point = Decimals { mark: b'.', told_by: None };
    let Some(column) = &columns.value else { return Ok(point) };
    let mut hints = plan.hints.clone();
    hints.required = columns.required().cloned().collect();
    let mut unclear = None;
    for pending in &mut found.pending {
        let (file, mark) = match &pending.opened {
            Some((opened, sample)) => (opened.name.clone(), sampled_mark(sample, column)),
            None => {
                let opened = open(&pending.input, &plan.open)?;
                let sample = if opened.opens_once() {
                    Sample::of(&opened, &hints)?
                } else {
                    let folded = Sample::folded(column);
                    Sample::of_columns(&opened, &hints, &|name| Sample::folded(name) == folded)?
                };
                let told = (opened.name.clone(), sampled_mark(&sample, column));
                if opened.opens_once() {
                    pending.opened = Some((opened, sample));
                }
                told
            }
        };
        let seen = |example: String| ValueSeen { file: file.clone(), example };
        let told = match mark {
            SampledMark::Point(example) => (b'.', example),
            SampledMark::Comma(example) => (b',', example),
            SampledMark::Two(first, second) => {
                return Err(IngestError::TwoDecimalMarks { first: seen(first), second: seen(second) }.into());
            }
            SampledMark::Unclear(ref example) => {
                let seen = seen(example.clone());
                unclear.get_or_insert((mark, seen));
                continue;
            }
            SampledMark::Nothing => continue,
        };
        return match unclear.filter(|(mark, _)| mark.contradicts(told.0).is_some()) {
            Some((_, first)) => Err(IngestError::TwoDecimalMarks { first, second: seen(told.1) }.into()),
            None => Ok(Decimals { mark: told.0, told_by: Some(seen(told.1)) }),
        };
    }
    match unclear {
        None => Ok(point),
        Some((_, seen)) => Err(IngestError::UnclearDecimalMark { column: column.clone(), seen }.into()),
    }
}
