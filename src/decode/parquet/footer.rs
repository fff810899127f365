//! The footer of a Parquet file, read by ourselves before anything else sees the file: what
//! columns it has, where their bytes lie, and whether its sizes can be true.
//!
//! Thrift compact protocol, only the fields that are needed; the rest is stepped over. Source:
//! `parquet.thrift` of the Apache Parquet format, 2.10. Pages are checked in `pages`.

use super::ParquetError;
use super::thrift::{Reader, Wire};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

const MAGIC: &[u8; 4] = b"PAR1";
const MAGIC_ENCRYPTED: &[u8; 4] = b"PARE";
/// The magic at either end and the length of the footer.
const FRAME_BYTES: u64 = 12;
/// A footer of 64 MiB describes a million column chunks.
const MAX_FOOTER_BYTES: u64 = 64 << 20;
/// Groups inside one another in a schema.
const MAX_SCHEMA_DEPTH: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Footer {
    pub rows: u64,
    /// The fields under the root.
    pub fields: Vec<SchemaField>,
    pub row_groups: Vec<RowGroup>,
}

/// A field of the schema, with the fields inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SchemaField {
    pub name: String,
    pub physical: Option<i64>,
    pub type_length: i64,
    pub repeated: bool,
    pub converted: Option<i64>,
    pub scale: i64,
    pub precision: i64,
    pub logical: Option<Logical>,
    pub children: Vec<SchemaField>,
}

/// The annotations that change what a value means to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logical {
    Text,
    Map,
    List,
    Decimal { scale: i64, precision: i64 },
    Date,
    Time,
    Timestamp { utc: bool, unit: Option<TimeUnit> },
    Integer { signed: bool },
    Other,
}

/// The unit in which a file keeps its timestamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    Millis,
    Micros,
    Nanos,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowGroup {
    pub rows: u64,
    /// One chunk for each leaf of the schema, in order.
    pub chunks: Vec<Chunk>,
}

/// The bytes of one column in one row group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    pub start: u64,
    pub bytes: u64,
    pub values: u64,
    pub codec: i64,
}

impl SchemaField {
    pub(super) fn leaves(&self) -> usize {
        if self.children.is_empty() { 1 } else { self.children.iter().map(SchemaField::leaves).sum() }
    }
}

/// Reads and checks the footer.
pub(super) fn read_footer(file: &mut File) -> Result<Footer, ParquetError> {
    let file_bytes = file.seek(SeekFrom::End(0))?;
    if file_bytes < FRAME_BYTES {
        return Err(ParquetError::NotParquet);
    }
    let mut magic = [0; 4];
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut magic)?;
    let mut tail = [0; 8];
    file.seek(SeekFrom::End(-8))?;
    file.read_exact(&mut tail)?;
    let [length @ .., _, _, _, _] = tail;
    let footer_bytes = u64::from(u32::from_le_bytes(length));
    if &tail[4..] == MAGIC_ENCRYPTED {
        return Err(ParquetError::Unsupported("an encrypted footer".to_owned()));
    }
    match (&magic == MAGIC, &tail[4..] == MAGIC) {
        (true, true) => {}
        (true, false) => {
            return Err(ParquetError::Damaged("the file is cut off: its end is missing".to_owned()));
        }
        _ => return Err(ParquetError::NotParquet),
    }
    if footer_bytes > file_bytes - FRAME_BYTES || footer_bytes > MAX_FOOTER_BYTES {
        return Err(damaged("the length of the footer is larger than the file"));
    }
    let data_end = file_bytes - 8 - footer_bytes;
    file.seek(SeekFrom::Start(data_end))?;
    let mut bytes = vec![0; footer_bytes as usize];
    file.read_exact(&mut bytes)?;
    let footer = parse(&bytes).ok_or_else(|| damaged("the footer cannot be read"))?;
    check(&footer, data_end)?;
    Ok(footer)
}

fn damaged(what: &str) -> ParquetError {
    ParquetError::Damaged(what.to_owned())
}

/// That the numbers of the footer fit together, and to the file.
fn check(footer: &Footer, data_end: u64) -> Result<(), ParquetError> {
    let leaves: usize = footer.fields.iter().map(SchemaField::leaves).sum();
    let total = footer.row_groups.iter().try_fold(0_u64, |sum, group| sum.checked_add(group.rows));
    if total != Some(footer.rows) {
        return Err(damaged("the row groups do not add up to the rows of the file"));
    }
    for (at, group) in footer.row_groups.iter().enumerate() {
        let wrong = |what: &str| ParquetError::Damaged(format!("row group {at}: {what}"));
        if group.chunks.len() != leaves {
            return Err(wrong("it has not as many columns as the schema"));
        }
        // Row numbers inside a group have 32 bits in the decoder.
        if group.rows > u64::from(u32::MAX) {
            return Err(wrong("it has more rows than can be"));
        }
        let mut chunks = group.chunks.iter();
        for field in &footer.fields {
            check_chunks(field, field.repeated, group.rows, &mut chunks, data_end).map_err(wrong)?;
        }
    }
    Ok(())
}

fn check_chunks<'a>(
    field: &SchemaField,
    repeated: bool,
    rows: u64,
    chunks: &mut impl Iterator<Item = &'a Chunk>,
    data_end: u64,
) -> Result<(), &'static str> {
    for child in &field.children {
        check_chunks(child, repeated || child.repeated, rows, &mut *chunks, data_end)?;
    }
    if !field.children.is_empty() {
        return Ok(());
    }
    let Some(chunk) = chunks.next() else { return Err("a column is missing") };
    let end = chunk.start.checked_add(chunk.bytes);
    if chunk.start < MAGIC.len() as u64 || end.is_none_or(|end| end > data_end) {
        return Err("the bytes of a column lie outside the file");
    }
    if !repeated && chunk.values != rows {
        return Err("a column has not as many values as the group has rows");
    }
    Ok(())
}

fn parse(bytes: &[u8]) -> Option<Footer> {
    let mut reader = Reader::new(bytes);
    let mut elements = Vec::new();
    let mut rows = None;
    let mut row_groups = None;
    reader.fields(|id, wire, reader| {
        match (id, wire) {
            (2, Wire::List) => elements = reader.list(element)?,
            (3, Wire::I64) => rows = Some(u64::try_from(reader.int()?).ok()?),
            (4, Wire::List) => row_groups = Some(reader.list(row_group)?),
            _ => reader.skip(wire)?,
        }
        Some(())
    })?;
    let mut elements = elements.into_iter();
    let root = elements.next()?;
    let fields = children(root.children?, &mut elements, 0)?;
    // Elements that belong to nobody are a sign of a footer that lies elsewhere too.
    if elements.next().is_some() || fields.is_empty() {
        return None;
    }
    Some(Footer { rows: rows?, fields, row_groups: row_groups? })
}

/// A schema element as it is stored: flat, before its children.
struct Element {
    field: SchemaField,
    /// How many of the elements that follow are its children; `None` for a leaf.
    children: Option<i64>,
}

fn children(
    count: i64,
    elements: &mut impl Iterator<Item = Element>,
    depth: usize,
) -> Option<Vec<SchemaField>> {
    if depth > MAX_SCHEMA_DEPTH {
        return None;
    }
    let mut fields = Vec::new();
    for _ in 0..count {
        let mut element = elements.next()?;
        if let Some(count) = element.children.filter(|&count| count != 0) {
            element.field.children = children(count, &mut *elements, depth + 1)?;
        }
        // A leaf holds values of a physical type, a group has none.
        if element.field.children.is_empty() != element.field.physical.is_some() {
            return None;
        }
        fields.push(element.field);
    }
    (!fields.is_empty()).then_some(fields)
}

fn element(reader: &mut Reader<'_>) -> Option<Element> {
    let mut name = None;
    let mut count = None;
    let mut field = SchemaField {
        name: String::new(),
        physical: None,
        type_length: 0,
        repeated: false,
        converted: None,
        scale: 0,
        precision: 0,
        logical: None,
        children: Vec::new(),
    };
    reader.fields(|id, wire, reader| {
        match (id, wire) {
            (1, Wire::I32) => field.physical = Some(reader.int()?),
            (2, Wire::I32) => field.type_length = reader.int()?,
            (3, Wire::I32) => field.repeated = reader.int()? == 2,
            (4, Wire::Binary) => name = Some(std::str::from_utf8(reader.binary()?).ok()?.to_owned()),
            (5, Wire::I32) => count = Some(reader.int()?),
            (6, Wire::I32) => field.converted = Some(reader.int()?),
            (7, Wire::I32) => field.scale = reader.int()?,
            (8, Wire::I32) => field.precision = reader.int()?,
            (10, Wire::Struct) => field.logical = logical(reader)?,
            _ => reader.skip(wire)?,
        }
        Some(())
    })?;
    field.name = name?;
    Some(Element { field, children: count })
}

/// The union `LogicalType`: one field, whose number says which.
fn logical(reader: &mut Reader<'_>) -> Option<Option<Logical>> {
    let mut found = None;
    reader.fields(|id, wire, reader| {
        found = Some(match (id, wire) {
            (5, Wire::Struct) => {
                let (mut scale, mut precision) = (0, 0);
                reader.fields(|id, wire, reader| {
                    match (id, wire) {
                        (1, Wire::I32) => scale = reader.int()?,
                        (2, Wire::I32) => precision = reader.int()?,
                        _ => return reader.skip(wire),
                    }
                    Some(())
                })?;
                Logical::Decimal { scale, precision }
            }
            (8, Wire::Struct) => timestamp(reader)?,
            (10, Wire::Struct) => {
                let mut signed = true;
                reader.fields(|id, wire, reader| {
                    if id == 2 {
                        signed = wire == Wire::True;
                    }
                    reader.skip(wire)
                })?;
                Logical::Integer { signed }
            }
            _ => {
                reader.skip(wire)?;
                match id {
                    1 | 4 | 12 => Logical::Text,
                    2 => Logical::Map,
                    3 => Logical::List,
                    6 => Logical::Date,
                    7 => Logical::Time,
                    _ => Logical::Other,
                }
            }
        });
        Some(())
    })?;
    Some(found)
}

fn timestamp(reader: &mut Reader<'_>) -> Option<Logical> {
    let mut utc = false;
    let mut unit = None;
    reader.fields(|id, wire, reader| {
        match (id, wire) {
            (1, Wire::True) => utc = true,
            (2, Wire::Struct) => {
                return reader.fields(|id, wire, reader| {
                    unit = match id {
                        1 => Some(TimeUnit::Millis),
                        2 => Some(TimeUnit::Micros),
                        3 => Some(TimeUnit::Nanos),
                        _ => None,
                    };
                    reader.skip(wire)
                });
            }
            _ => {}
        }
        reader.skip(wire)
    })?;
    Some(Logical::Timestamp { utc, unit })
}

fn row_group(reader: &mut Reader<'_>) -> Option<RowGroup> {
    let mut chunks = None;
    let mut rows = None;
    reader.fields(|id, wire, reader| {
        match (id, wire) {
            (1, Wire::List) => chunks = Some(reader.list(chunk)?),
            (3, Wire::I64) => rows = Some(u64::try_from(reader.int()?).ok()?),
            _ => reader.skip(wire)?,
        }
        Some(())
    })?;
    Some(RowGroup { rows: rows?, chunks: chunks? })
}

fn chunk(reader: &mut Reader<'_>) -> Option<Chunk> {
    let mut found = None;
    reader.fields(|id, wire, reader| {
        match (id, wire) {
            // Columns in other files are in the format, but nobody writes them.
            (1, Wire::Binary) if !reader.binary()?.is_empty() => return None,
            (1, Wire::Binary) => {}
            (3, Wire::Struct) => found = Some(chunk_metadata(reader)?),
            _ => reader.skip(wire)?,
        }
        Some(())
    })?;
    found
}

fn chunk_metadata(reader: &mut Reader<'_>) -> Option<Chunk> {
    let (mut codec, mut values, mut compressed) = (None, None, None);
    let (mut data, mut dictionary) = (None, None);
    reader.fields(|id, wire, reader| {
        let mut size = |into: &mut Option<u64>| {
            *into = Some(u64::try_from(reader.int()?).ok()?);
            Some(())
        };
        match (id, wire) {
            (4, Wire::I32) => codec = Some(reader.int()?),
            (5, Wire::I64) => size(&mut values)?,
            (7, Wire::I64) => size(&mut compressed)?,
            (9, Wire::I64) => size(&mut data)?,
            (11, Wire::I64) => size(&mut dictionary)?,
            _ => reader.skip(wire)?,
        }
        Some(())
    })?;
    Some(Chunk { start: dictionary.or(data)?, bytes: compressed?, values: values?, codec: codec? })
}
