//! Where in an input something stands, as people look for it.

/// The place of what is wrong with a record.
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
}
