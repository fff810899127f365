//! Values as JSON and rows as JSONL: what is read back is what was written, on as many lines as there should be.

use super::choices::Choices;
use super::document::table;
use crate::render::json::{canonical_bytes, write_line, write_pretty};
use crate::render::rows::RowForm;
use crate::report::table::{Cell, Kind, RowColumn, Table};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Stands for raw text in `serde_json`, where that can be asked for.
const PRIVATE_KEY: &[u8] = b"$serde_json::private::RawValue";

/// Bytes of choices with the texts of a value and of a table.
pub fn run(data: &[u8]) {
    // The judge takes an object with this key for something else.
    if data.windows(PRIVATE_KEY.len()).any(|bytes| bytes == PRIVATE_KEY) {
        return;
    }
    let mut choices = Choices { rest: data };
    let value = value(&mut choices, 4);
    let mut line = Vec::new();
    write_line(&value, &mut line).expect("memory takes all");
    one_line_each(&line, 1);
    let mut pretty = Vec::new();
    write_pretty(&value, &mut pretty).expect("memory takes all");
    assert!(!pretty.iter().any(|byte| *byte < b' ' && *byte != b'\n'));
    let canonical = canonical_bytes(&value).expect("keys are texts");
    for written in [&line, &pretty, &canonical] {
        let read: Value = serde_json::from_slice(written).expect("JSON");
        assert!(is_alike(&read, &value), "{read} is not {value}");
        if read == value {
            assert_eq!(canonical_bytes(&read).ok().as_ref(), Some(&canonical));
        }
    }
    rows(&table(&mut choices));
}

fn value(choices: &mut Choices<'_>, depth: u8) -> Value {
    match choices.below(if depth > 0 { 8 } else { 6 }) {
        0 => Value::Null,
        1 => json!(choices.below(2) == 1),
        2 => json!(choices.number()),
        3 => json!(choices.number() as i64),
        4 => {
            let number = f64::from_bits(choices.number());
            if number.is_finite() { json!(number) } else { Value::Null }
        }
        5 => json!(choices.text()),
        6 => (0..choices.below(4)).map(|_| value(choices, depth - 1)).collect(),
        _ => (0..choices.below(4))
            .map(|_| (choices.text(), value(choices, depth - 1)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

/// Equal, but for the last digits of fractions: `serde_json` rounds what it reads, not what it writes.
fn is_alike(read: &Value, written: &Value) -> bool {
    match (read, written) {
        (Value::Object(read), Value::Object(written)) => {
            let mut pairs = read.iter().zip(written);
            read.len() == written.len()
                && pairs.all(|((key, read), (other, written))| key == other && is_alike(read, written))
        }
        (Value::Array(read), Value::Array(written)) => {
            read.len() == written.len()
                && read.iter().zip(written).all(|(read, written)| is_alike(read, written))
        }
        (Value::Number(read), Value::Number(number)) if number.is_f64() => {
            let (read, exact) = (read.as_f64().unwrap_or(f64::NAN), number.as_f64().unwrap_or(f64::NAN));
            number.to_string().parse() == Ok(exact) && read.to_bits().abs_diff(exact.to_bits()) <= 4
        }
        (read, written) => read == written,
    }
}

/// Ends with its only line breaks, and holds no other control sign.
fn one_line_each(text: &[u8], lines: usize) {
    assert_eq!(text.iter().filter(|byte| **byte < b' ').count(), lines);
    assert!(lines == 0 || text.ends_with(b"\n"));
}

fn rows(table: &Table) {
    // Names of columns differ.
    let names: Vec<String> =
        (0..).zip(&table.columns).map(|(place, column)| format!("{}{place}", column.name)).collect();
    let columns: Vec<RowColumn> = names.iter().map(|name| RowColumn::new(&**name, Kind::Text)).collect();
    let mut out = Vec::new();
    let mut writer = RowForm::Jsonl.writer(&columns, false, &mut out).expect("memory takes all");
    for row in &table.rows {
        writer.row(row).expect("memory takes all");
    }
    writer.finish().expect("memory takes all");
    one_line_each(&out, table.rows.len());
    for (line, row) in out.split(|byte| *byte == b'\n').zip(&table.rows) {
        let object: Map<String, Value> = serde_json::from_slice(line).expect("every line is an object");
        assert_eq!(object.len(), names.len());
        for (name, cell) in names.iter().zip(row) {
            reads_as(&object[name], cell);
        }
    }
}

fn reads_as(value: &Value, cell: &Cell) {
    match cell {
        Cell::Text(text) => assert_eq!(value, text),
        Cell::Count(n) => assert_eq!(value, n),
        Cell::TimeUs(time_us) => {
            let text = value.as_str().expect("a time is a text");
            // Beyond the years that `jiff` knows there is nobody to ask.
            if let Ok(time) = Timestamp::from_microsecond(*time_us) {
                assert_eq!(text.parse().ok(), Some(time));
            }
        }
        Cell::Share(number) | Cell::Number(number) if number.is_finite() => {
            assert!(is_alike(value, &json!(number)), "{value} is not {number}")
        }
        Cell::DurationUs(us) => assert!(is_alike(value, &json!(*us as f64 / 1e6)), "{value} is not {us}"),
        Cell::Amount(amount) => {
            assert!(is_alike(value, &json!(*amount as f64 / 1e6)), "{value} is not {amount}")
        }
        Cell::Share(_) | Cell::Number(_) | Cell::Bar(_) | Cell::ShareInterval(..) | Cell::Missing => {
            assert_eq!(value, &Value::Null)
        }
    }
}
