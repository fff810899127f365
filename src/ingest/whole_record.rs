//! Records by all they hold: a hash of every column, wanted or not, beside the wanted fields.
//!
//! Columns count by name and text: what is empty or null counts as not there, and their order does
//! not matter. So the same record has the same hash in a table and in JSON, where the texts of its
//! values are the same.

use super::assemble::write_field;
use super::sample::{Form, Sample};
use crate::decode::RecordSink;
use crate::decode::jsonl::for_each_leaf;
use crate::event::{Field, RecordAt, Reject};

/// How the records of one input are told apart.
pub struct WholeColumns {
    /// Fields that are wanted; those behind them are decoded for the hash alone.
    wanted: usize,
    /// Of a table, name and field of every column, by name.
    columns: Vec<(String, usize)>,
    hash_key: [u8; 32],
}

impl WholeColumns {
    /// Adds all columns of a table to those that are decoded.
    pub fn new(sample: &Sample, decoded: &mut Vec<usize>, hash_key: [u8; 32]) -> WholeColumns {
        let wanted = decoded.len();
        let mut columns = Vec::new();
        if !matches!(sample.form, Form::Json(_) | Form::Empty) {
            for (column, name) in sample.columns.iter().enumerate() {
                let known = decoded.iter().position(|known| *known == column);
                let field = known.unwrap_or_else(|| {
                    decoded.push(column);
                    decoded.len() - 1
                });
                columns.push((name.clone(), field));
            }
        }
        columns.sort_by(|a, b| a.0.cmp(&b.0));
        WholeColumns { wanted, columns, hash_key }
    }
}

/// Puts the hash of the whole record behind the wanted fields.
pub struct WholeRecord<'a, S> {
    whole: &'a WholeColumns,
    bytes: Vec<u8>,
    /// Of the JSON record that comes next.
    leaves: Vec<(String, String)>,
    inner: &'a mut S,
}

impl<'a, S: RecordSink> WholeRecord<'a, S> {
    pub fn new(whole: &'a WholeColumns, inner: &'a mut S) -> WholeRecord<'a, S> {
        WholeRecord { whole, bytes: Vec::new(), leaves: Vec::new(), inner }
    }

    fn write(&mut self, name: &str, field: Field<'_>) {
        if !matches!(field, Field::Missing | Field::Text(b"")) {
            write_field(Field::Text(name.as_bytes()), &mut self.bytes);
            write_field(field, &mut self.bytes);
        }
    }
}

impl<S: RecordSink> RecordSink for WholeRecord<'_, S> {
    fn record(&mut self, at: RecordAt, fields: &[Field<'_>]) {
        let whole = self.whole;
        self.bytes.clear();
        for (name, field) in &whole.columns {
            self.write(name, fields[*field]);
        }
        for (path, text) in std::mem::take(&mut self.leaves) {
            self.write(&path, Field::Text(text.as_bytes()));
        }
        let hash = blake3::keyed_hash(&whole.hash_key, &self.bytes);
        let mut wanted = fields[..whole.wanted].to_vec();
        wanted.push(Field::Text(hash.as_bytes()));
        self.inner.record(at, &wanted);
    }

    fn text(&mut self, record: &[u8]) {
        self.leaves.clear();
        for_each_leaf(record, |path, text| self.leaves.push((path.to_owned(), text.to_owned())));
        // Of a key that stands twice, the order of the values counts.
        self.leaves.sort_by(|a, b| a.0.cmp(&b.0));
    }

    fn reject(&mut self, reject: Reject) {
        self.inner.reject(reject);
    }
}
