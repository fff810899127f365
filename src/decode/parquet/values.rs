//! A decoded column, value by value: each as the field it is to the rest of the program.

use super::columns::{ParquetColumn, ParquetKind};
use super::footer::TimeUnit;
use crate::event::{DAY_US, Field};
use polars::prelude::*;
use std::io::Write;

/// Bytes of the longest number written: a decimal of 38 digits with sign and mark, or a float.
const NUMBER_BYTES: usize = 64;

/// The text of a number, kept until the record it belongs to was handed on.
#[derive(Debug, Clone, Copy)]
pub(super) struct NumberText {
    bytes: [u8; NUMBER_BYTES],
    length: usize,
}

impl NumberText {
    pub(super) const EMPTY: NumberText = NumberText { bytes: [0; NUMBER_BYTES], length: 0 };

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        let mut free = &mut self.bytes[..];
        // Longer than the buffer is nothing that is written here; it would be cut.
        let _ = free.write_fmt(text);
        self.length = NUMBER_BYTES - free.len();
    }

    fn text(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

pub(super) struct Values {
    data: Data,
    /// Where an outer object is null, so are the values inside it.
    outer_present: Vec<BooleanChunked>,
}

enum Data {
    Text(StringChunked),
    Bytes(BinaryChunked),
    Int(Int64Chunked),
    UInt(UInt64Chunked),
    Float32(Float32Chunked),
    Float64(Float64Chunked),
    Bool(BooleanChunked),
    Decimal(Int128Chunked, usize),
    Date(Int32Chunked),
    Time { raw: Int64Chunked, unit: TimeUnit, utc: bool },
}

/// The value is not what its column says: it is not UTF-8.
pub(super) struct NotUtf8;

impl Values {
    /// Takes the column out of the top-level series that holds it.
    pub(super) fn new(series: &Series, column: &ParquetColumn) -> PolarsResult<Values> {
        let mut series = series.rechunk();
        let mut outer_present = Vec::new();
        for name in &column.names[1..] {
            if series.null_count() > 0 {
                outer_present.push(series.is_not_null());
            }
            series = series.struct_()?.field_by_name(name)?.rechunk();
        }
        let data = match (&column.kind, series.dtype()) {
            (ParquetKind::Text, DataType::Binary) => Data::Bytes(series.binary()?.clone()),
            (ParquetKind::Text, _) => Data::Text(series.str()?.clone()),
            (ParquetKind::Bool, _) => Data::Bool(series.bool()?.clone()),
            (ParquetKind::Int, DataType::UInt64) => Data::UInt(series.u64()?.clone()),
            (ParquetKind::Int, _) => Data::Int(series.strict_cast(&DataType::Int64)?.i64()?.clone()),
            (ParquetKind::Float, DataType::Float32) => Data::Float32(series.f32()?.clone()),
            (ParquetKind::Float, _) => Data::Float64(series.f64()?.clone()),
            (ParquetKind::Decimal(_), DataType::Decimal(_, scale)) => {
                Data::Decimal(series.decimal()?.physical().clone(), *scale)
            }
            (ParquetKind::Date, _) => Data::Date(series.date()?.physical().clone()),
            (&ParquetKind::Timestamp { adjusted_to_utc, .. }, DataType::Datetime(unit, _)) => {
                let unit = match unit {
                    polars::prelude::TimeUnit::Milliseconds => TimeUnit::Millis,
                    polars::prelude::TimeUnit::Microseconds => TimeUnit::Micros,
                    polars::prelude::TimeUnit::Nanoseconds => TimeUnit::Nanos,
                };
                Data::Time { raw: series.datetime()?.physical().clone(), unit, utc: adjusted_to_utc }
            }
            (kind, dtype) => polars_bail!(SchemaMismatch: "{kind} was decoded as {dtype}"),
        };
        Ok(Values { data, outer_present })
    }

    pub(super) fn len(&self) -> usize {
        match &self.data {
            Data::Text(values) => values.len(),
            Data::Bytes(values) => values.len(),
            Data::Int(values) => values.len(),
            Data::UInt(values) => values.len(),
            Data::Float32(values) => values.len(),
            Data::Float64(values) => values.len(),
            Data::Bool(values) => values.len(),
            Data::Decimal(values, _) => values.len(),
            Data::Date(values) => values.len(),
            Data::Time { raw, .. } => raw.len(),
        }
    }

    fn is_inside_null(&self, row: usize) -> bool {
        self.outer_present.iter().any(|present| present.get(row) != Some(true))
    }

    /// The field of a row; numbers are written to `number` first.
    pub(super) fn field<'a>(&'a self, row: usize, number: &'a mut NumberText) -> Result<Field<'a>, NotUtf8> {
        if self.is_inside_null(row) {
            return Ok(Field::Missing);
        }
        let written = match &self.data {
            Data::Text(values) => {
                return Ok(values.get(row).map_or(Field::Missing, |v| Field::Text(v.as_bytes())));
            }
            Data::Bytes(values) => {
                return match values.get(row) {
                    None => Ok(Field::Missing),
                    Some(bytes) if simdutf8::basic::from_utf8(bytes).is_ok() => Ok(Field::Text(bytes)),
                    Some(_) => Err(NotUtf8),
                };
            }
            Data::Bool(values) => {
                return Ok(values
                    .get(row)
                    .map_or(Field::Missing, |v| Field::Text(if v { b"true" } else { b"false" })));
            }
            Data::Date(values) => {
                let us = |days| i64::from(days) * DAY_US;
                return Ok(values.get(row).map_or(Field::Missing, |days| Field::LocalTimeUs(us(days))));
            }
            Data::Time { raw, unit, utc } => {
                let Some(raw) = raw.get(row) else { return Ok(Field::Missing) };
                let us = match unit {
                    TimeUnit::Millis => raw.saturating_mul(1000),
                    TimeUnit::Micros => raw,
                    // INT96 beyond 2262 arrives as the largest number: keep it out of every range.
                    TimeUnit::Nanos if raw == i64::MAX => raw,
                    TimeUnit::Nanos => raw.div_euclid(1000),
                };
                return Ok(if *utc { Field::TimeUs(us) } else { Field::LocalTimeUs(us) });
            }
            Data::Int(values) => values.get(row).map(|v| number.write(format_args!("{v}"))),
            Data::UInt(values) => values.get(row).map(|v| number.write(format_args!("{v}"))),
            // Both write the shortest digits that read back as the same float.
            Data::Float32(values) => values.get(row).map(|v| {
                if is_plain(f64::from(v)) {
                    number.write(format_args!("{v}"))
                } else {
                    number.write(format_args!("{v:e}"))
                }
            }),
            Data::Float64(values) => values.get(row).map(|v| {
                if is_plain(v) {
                    number.write(format_args!("{v}"))
                } else {
                    number.write(format_args!("{v:e}"))
                }
            }),
            Data::Decimal(values, scale) => values.get(row).map(|v| write_decimal(number, v, *scale)),
        };
        Ok(if written.is_some() { Field::Text(number.text()) } else { Field::Missing })
    }
}

/// Whether a float is written without an exponent.
fn is_plain(value: f64) -> bool {
    value == 0.0 || !value.is_finite() || (1e-5..1e16).contains(&value.abs())
}

fn write_decimal(number: &mut NumberText, value: i128, scale: usize) {
    let sign = if value < 0 { "-" } else { "" };
    let magnitude = value.unsigned_abs();
    // Ten to the 38th is the largest power that fits; scales beyond it leave no whole part.
    let (whole, fraction) = match u32::try_from(scale).ok().and_then(|scale| 10_u128.checked_pow(scale)) {
        Some(one) => (magnitude / one, magnitude % one),
        None => (0, magnitude),
    };
    if scale == 0 {
        number.write(format_args!("{sign}{whole}"));
    } else {
        number.write(format_args!("{sign}{whole}.{fraction:0scale$}"));
    }
}
