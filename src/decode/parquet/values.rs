//! Decoded columns as the fields they are to the rest of the program, a block of rows at a time.
//!
//! Each column fills its place in the rows of a block in a loop of its own, which knows the type of
//! its values. Numbers become text first, in a buffer of the column.

use super::columns::{ParquetColumn, ParquetKind};
use super::footer::TimeUnit;
use crate::event::{DAY_US, Field, RejectCode};
use polars::prelude::*;
use std::io::Write;
use std::ops::Range;

/// The texts of a column's numbers in one block of rows, one behind the other.
#[derive(Debug, Clone, Default)]
pub(super) struct NumberTexts {
    text: Vec<u8>,
    /// Where the text of each row lies; `None` where there is no value.
    places: Vec<Option<(u32, u32)>>,
}

impl NumberTexts {
    fn clear(&mut self) {
        self.text.clear();
        self.places.clear();
    }

    /// Adds the value of the next row, of which `write` writes the text.
    fn push<T>(&mut self, value: Option<T>, write: impl FnOnce(T, &mut Vec<u8>)) {
        let start = self.text.len() as u32;
        self.places.push(value.map(|value| {
            write(value, &mut self.text);
            (start, self.text.len() as u32)
        }));
    }

    fn field(&self, index: usize) -> Field<'_> {
        match self.places[index] {
            Some((start, end)) => Field::Text(&self.text[start as usize..end as usize]),
            None => Field::Missing,
        }
    }
}

/// The fields of a block of rows, row by row.
pub(super) struct Block<'b, 'v> {
    pub fields: &'b mut [Field<'v>],
    /// Fields of a row.
    pub width: usize,
    /// Rows of the slice before the block.
    pub start: usize,
    pub unsound: &'b mut Vec<Unsound>,
}

/// A field of a block that makes its row unsound, if its column decides about that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unsound {
    /// Of the block.
    pub row: usize,
    pub slot: usize,
    pub code: RejectCode,
}

impl<'v> Block<'_, 'v> {
    fn rows(&self) -> Range<usize> {
        self.start..self.start + self.fields.len() / self.width
    }

    /// Sets the field of a slot in all rows; `field` is given the row of the slice.
    fn fill(&mut self, slot: usize, mut field: impl FnMut(usize) -> Field<'v>) {
        let rows = self.rows();
        for (place, row) in self.fields[slot..].iter_mut().step_by(self.width).zip(rows) {
            *place = field(row);
        }
    }

    /// Notes the texts of a slot that hold a NUL.
    fn note_nuls(&mut self, slot: usize) {
        let texts = self.fields[slot..].iter().step_by(self.width).enumerate();
        let has_nul =
            |field: &Field<'_>| matches!(field, Field::Text(text) if memchr::memchr(0, text).is_some());
        let with_nul = texts.filter(|(_, field)| has_nul(field));
        self.unsound.extend(with_nul.map(|(row, _)| Unsound { row, slot, code: RejectCode::R14 }));
    }
}

pub(super) struct Values {
    data: Data,
    /// A text may hold a NUL, so that rows are looked at one by one.
    has_nul: bool,
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
        let has_nul = match &data {
            Data::Text(values) => text_has_nul(values),
            Data::Bytes(values) => values.iter().flatten().any(|bytes| memchr::memchr(0, bytes).is_some()),
            _ => false,
        };
        Ok(Values { data, has_nul, outer_present })
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

    /// Writes the texts of the numbers of some rows, if the values are numbers.
    pub(super) fn write_numbers(&self, rows: Range<usize>, numbers: &mut NumberTexts) {
        numbers.clear();
        match &self.data {
            Data::Int(values) => {
                for row in rows {
                    numbers.push(values.get(row), write_int);
                }
            }
            Data::UInt(values) => {
                for row in rows {
                    numbers.push(values.get(row), write_digits);
                }
            }
            Data::Float32(values) => {
                for row in rows {
                    numbers.push(values.get(row), |v, text| write_float(v, f64::from(v), text));
                }
            }
            Data::Float64(values) => {
                for row in rows {
                    numbers.push(values.get(row), |v, text| write_float(v, v, text));
                }
            }
            Data::Decimal(values, scale) => {
                for row in rows {
                    numbers.push(values.get(row), |v, text| write_decimal(v, *scale, text));
                }
            }
            Data::Text(_) | Data::Bytes(_) | Data::Bool(_) | Data::Date(_) | Data::Time { .. } => {}
        }
    }

    /// Sets the field of a slot in all rows of a block, whose numbers were written before.
    pub(super) fn fill<'v>(&'v self, slot: usize, numbers: &'v NumberTexts, block: &mut Block<'_, 'v>) {
        match &self.data {
            Data::Text(values) => {
                let mut arrays = values.downcast_iter();
                match (arrays.next(), arrays.next()) {
                    // Rechunked and without nulls, as columns of ids and names are.
                    (Some(array), None) if values.null_count() == 0 => {
                        block.fill(slot, |row| Field::Text(array.value(row).as_bytes()));
                    }
                    _ => block.fill(slot, |row| {
                        values.get(row).map_or(Field::Missing, |text| Field::Text(text.as_bytes()))
                    }),
                }
            }
            Data::Bytes(values) => {
                let start = block.start;
                let mut not_utf8 = Vec::new();
                block.fill(slot, |row| match values.get(row) {
                    Some(bytes) if simdutf8::basic::from_utf8(bytes).is_ok() => Field::Text(bytes),
                    Some(_) if !self.is_inside_null(row) => {
                        not_utf8.push(Unsound { row: row - start, slot, code: RejectCode::R03 });
                        Field::Missing
                    }
                    _ => Field::Missing,
                });
                block.unsound.append(&mut not_utf8);
            }
            Data::Bool(values) => block.fill(slot, |row| match values.get(row) {
                Some(true) => Field::Text(b"true"),
                Some(false) => Field::Text(b"false"),
                None => Field::Missing,
            }),
            Data::Date(values) => block.fill(slot, |row| {
                values.get(row).map_or(Field::Missing, |days| Field::LocalTimeUs(i64::from(days) * DAY_US))
            }),
            Data::Time { raw, unit, utc } => {
                let field = |raw: i64| {
                    let us = match unit {
                        TimeUnit::Millis => raw.saturating_mul(1000),
                        TimeUnit::Micros => raw,
                        // INT96 beyond 2262 arrives as the largest number: keep it out of every range.
                        TimeUnit::Nanos if raw == i64::MAX => raw,
                        TimeUnit::Nanos => raw.div_euclid(1000),
                    };
                    if *utc { Field::TimeUs(us) } else { Field::LocalTimeUs(us) }
                };
                match raw.cont_slice() {
                    Ok(values) => block.fill(slot, |row| field(values[row])),
                    Err(_) => block.fill(slot, |row| raw.get(row).map_or(Field::Missing, field)),
                }
            }
            Data::Int(_) | Data::UInt(_) | Data::Float32(_) | Data::Float64(_) | Data::Decimal(_, _) => {
                let start = block.start;
                block.fill(slot, |row| numbers.field(row - start));
            }
        }
        if !self.outer_present.is_empty() {
            let rows = block.rows();
            for (place, row) in block.fields[slot..].iter_mut().step_by(block.width).zip(rows) {
                if self.is_inside_null(row) {
                    *place = Field::Missing;
                }
            }
        }
        if self.has_nul {
            block.note_nuls(slot);
        }
    }
}

/// Whether any text of a column may hold a NUL, in a look at the words in which short texts lie, and at the bytes of
/// all longer ones together, which may be more than the column's.
fn text_has_nul(values: &StringChunked) -> bool {
    values.downcast_iter().any(|array| {
        let short = array.views().iter().filter(|view| view.length <= INLINE_BYTES);
        array.data_buffers().iter().any(|bytes| memchr::memchr(0, bytes).is_some())
            || short
                .into_iter()
                .any(|view| short_has_nul(view.length, [view.prefix, view.buffer_idx, view.offset]))
    })
}

/// A text of so many bytes lies in three words beside its length.
const INLINE_BYTES: u32 = 12;

/// Whether one of the first bytes of three words is zero.
fn short_has_nul(length: u32, words: [u32; 3]) -> bool {
    let mut bytes = [0; 16];
    for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_ne_bytes());
    }
    // What lies behind the text is made other than zero.
    let bytes = u128::from_le_bytes(bytes) | u128::MAX << (8 * length);
    let (ones, highest) = (u128::from_le_bytes([0x01; 16]), u128::from_le_bytes([0x80; 16]));
    bytes.wrapping_sub(ones) & !bytes & highest != 0
}

/// Whether a float is written without an exponent.
fn is_plain(value: f64) -> bool {
    value == 0.0 || !value.is_finite() || (1e-5..1e16).contains(&value.abs())
}

/// Writes the shortest digits that read back as the same float.
fn write_float<F: std::fmt::Display + std::fmt::LowerExp>(value: F, size: f64, text: &mut Vec<u8>) {
    if is_plain(size) {
        write(text, format_args!("{value}"));
    } else {
        write(text, format_args!("{value:e}"));
    }
}

fn write_int(value: i64, text: &mut Vec<u8>) {
    if value < 0 {
        text.push(b'-');
    }
    write_digits(value.unsigned_abs(), text);
}

/// Formatting takes several times as long, and ids are often numbers.
fn write_digits(mut value: u64, text: &mut Vec<u8>) {
    // The largest number has 20 digits.
    let mut digits = [b'0'; 20];
    let mut first = digits.len() - 1;
    while value > 9 {
        digits[first] = b'0' + (value % 10) as u8;
        value /= 10;
        first -= 1;
    }
    digits[first] = b'0' + value as u8;
    text.extend_from_slice(&digits[first..]);
}

fn write_decimal(value: i128, scale: usize, text: &mut Vec<u8>) {
    let sign = if value < 0 { "-" } else { "" };
    let magnitude = value.unsigned_abs();
    // Ten to the 38th is the largest power that fits; scales beyond it leave no whole part.
    let (whole, fraction) = match u32::try_from(scale).ok().and_then(|scale| 10_u128.checked_pow(scale)) {
        Some(one) => (magnitude / one, magnitude % one),
        None => (0, magnitude),
    };
    if scale == 0 {
        write(text, format_args!("{sign}{whole}"));
    } else {
        write(text, format_args!("{sign}{whole}.{fraction:0scale$}"));
    }
}

fn write(text: &mut Vec<u8>, words: std::fmt::Arguments<'_>) {
    // Memory takes what is written.
    let _ = text.write_fmt(words);
}
