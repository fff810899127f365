//! What the columns of a schema are to us: flattened by dots, each with the kind of its values.

use super::footer::{Logical, SchemaField, TimeUnit};
use std::fmt;

/// One column: a leaf of the schema, or a list or map as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParquetColumn {
    /// Names of the fields that lead to it, joined by dots.
    pub path: String,
    pub kind: ParquetKind,
    /// The names one by one: a name may itself hold dots.
    pub(super) names: Vec<String>,
    /// The leaves of the schema that hold its values.
    pub(super) leaves: std::ops::Range<usize>,
}

/// What the values of a column are handed over as; `Display` names it for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParquetKind {
    Text,
    Int,
    Float,
    Bool,
    Timestamp {
        unit: TimeUnit,
        /// The values are instants; otherwise they are the time of some wall clock.
        adjusted_to_utc: bool,
    },
    Date,
    /// With this many decimals.
    Decimal(i64),
    /// Cannot be used as a column; the name of its type.
    Unsupported(String),
}

impl ParquetKind {
    /// For columns that hold times: whether these are without a zone.
    pub fn naive_time(&self) -> Option<bool> {
        match self {
            ParquetKind::Timestamp { adjusted_to_utc, .. } => Some(!adjusted_to_utc),
            ParquetKind::Date => Some(true),
            _ => None,
        }
    }
}

impl fmt::Display for ParquetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParquetKind::Text => f.write_str("text"),
            ParquetKind::Int => f.write_str("int"),
            ParquetKind::Float => f.write_str("float"),
            ParquetKind::Bool => f.write_str("bool"),
            ParquetKind::Timestamp { adjusted_to_utc: true, .. } => f.write_str("timestamp (UTC)"),
            ParquetKind::Timestamp { adjusted_to_utc: false, .. } => f.write_str("timestamp (no zone)"),
            ParquetKind::Date => f.write_str("date"),
            ParquetKind::Decimal(scale) => write!(f, "decimal with {scale} places"),
            ParquetKind::Unsupported(name) => f.write_str(name),
        }
    }
}

pub(super) fn flatten(fields: &[SchemaField]) -> Vec<ParquetColumn> {
    let mut columns = Vec::new();
    let mut leaf = 0;
    for field in fields {
        flatten_into(field, &[], &mut leaf, &mut columns);
    }
    columns
}

fn flatten_into(field: &SchemaField, above: &[String], leaf: &mut usize, columns: &mut Vec<ParquetColumn>) {
    let mut names = above.to_vec();
    names.push(field.name.clone());
    let kind = match nested(field) {
        Some(name) => ParquetKind::Unsupported(name.to_owned()),
        None if field.children.is_empty() => leaf_kind(field),
        None => {
            for child in &field.children {
                flatten_into(child, &names, leaf, columns);
            }
            return;
        }
    };
    let leaves = *leaf..*leaf + field.leaves();
    *leaf = leaves.end;
    columns.push(ParquetColumn { path: names.join("."), kind, names, leaves });
}

/// The name of a type that holds any number of values.
fn nested(field: &SchemaField) -> Option<&'static str> {
    const MAP: i64 = 1;
    const MAP_KEY_VALUE: i64 = 2;
    const LIST: i64 = 3;
    match (field.logical, field.converted) {
        _ if field.repeated => Some("list"),
        _ if field.children.is_empty() => None,
        (Some(Logical::List), _) | (_, Some(LIST)) => Some("list"),
        (Some(Logical::Map), _) | (_, Some(MAP | MAP_KEY_VALUE)) => Some("map"),
        _ => None,
    }
}

fn leaf_kind(field: &SchemaField) -> ParquetKind {
    const BOOLEAN: i64 = 0;
    const INT32: i64 = 1;
    const INT64: i64 = 2;
    const INT96: i64 = 3;
    const FLOAT: i64 = 4;
    const DOUBLE: i64 = 5;
    const BYTE_ARRAY: i64 = 6;
    const FIXED_LEN_BYTE_ARRAY: i64 = 7;
    let unsupported = |name: &str| ParquetKind::Unsupported(name.to_owned());
    // 128 bits hold 38 digits.
    let decimal = |scale: i64, precision: i64| match precision {
        ..=38 => ParquetKind::Decimal(scale),
        _ => unsupported("decimal of more than 38 digits"),
    };
    match (field.logical, field.converted) {
        (Some(Logical::Decimal { scale, precision }), _) => return decimal(scale, precision),
        (None, Some(5)) => return decimal(field.scale, field.precision),
        _ => {}
    }
    match field.physical {
        Some(BOOLEAN) => ParquetKind::Bool,
        Some(FLOAT | DOUBLE) => ParquetKind::Float,
        // Two numbers of another calendar, written by older Impala, Hive and Spark; no zone.
        Some(INT96) => ParquetKind::Timestamp { unit: TimeUnit::Nanos, adjusted_to_utc: false },
        Some(INT32 | INT64) => match (field.logical, field.converted) {
            (Some(Logical::Timestamp { utc, unit: Some(unit) }), _) => {
                ParquetKind::Timestamp { unit, adjusted_to_utc: utc }
            }
            (Some(Logical::Timestamp { unit: None, .. }), _) => unsupported("timestamp of an unknown unit"),
            (Some(Logical::Date), _) | (None, Some(6)) => ParquetKind::Date,
            (Some(Logical::Time), _) | (None, Some(7 | 8)) => unsupported("time of day"),
            // The older annotations mean instants: LogicalTypes.md, "Deprecated timestamp ConvertedType".
            (None, Some(9)) => ParquetKind::Timestamp { unit: TimeUnit::Millis, adjusted_to_utc: true },
            (None, Some(10)) => ParquetKind::Timestamp { unit: TimeUnit::Micros, adjusted_to_utc: true },
            _ => ParquetKind::Int,
        },
        Some(BYTE_ARRAY) => match (field.logical, field.converted) {
            (Some(Logical::Other), _) | (None, Some(20)) => unsupported("binary"),
            // Unannotated bytes are text in the files of many writers; they are checked as such.
            _ => ParquetKind::Text,
        },
        Some(FIXED_LEN_BYTE_ARRAY) => {
            ParquetKind::Unsupported(format!("fixed-length binary ({} bytes)", field.type_length))
        }
        _ => unsupported("unknown"),
    }
}
