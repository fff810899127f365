//! What the sample of one input says of the decimal mark of its values.

use super::sample::{Form, Sample};
use crate::decode::decimal_mark::SampledMark;
use crate::decode::parquet::ParquetKind;

/// A value that tells a decimal mark, and its input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueSeen {
    pub file: String,
    pub example: String,
}

/// The mark of the values in one column, which the input may lack.
pub fn sampled_mark(sample: &Sample, column: &str) -> SampledMark {
    let Some(at) = sample.find(column) else { return SampledMark::Nothing };
    let values = sample.column(at).into_iter().flatten();
    let are_numbers = match &sample.form {
        Form::Json(_) => sample.kinds.get(at).is_some_and(|kinds| kinds.number && !kinds.text),
        Form::Parquet(file) => file.columns()[at].kind != ParquetKind::Text,
        _ => false,
    };
    if are_numbers { SampledMark::of_numbers(values) } else { SampledMark::of_texts(values) }
}
