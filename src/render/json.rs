//! Typed results as JSON: numbers in shortest round-trip form, `null` for what is undefined.
//!
//! Names and nesting are those of the results themselves; nothing is renamed or rounded here.

use serde::Serialize;
use serde_json::Value;
use std::io::{self, Write};

/// Writes one value over several lines, indented by two blanks, with a line break at its end.
/// Numbers that are not finite become `null`.
pub fn write_pretty<T: Serialize + ?Sized>(value: &T, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    out.write_all(b"\n")
}

/// Writes one value on one line: a record of JSONL.
pub fn write_line<T: Serialize + ?Sized>(value: &T, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// The bytes to hash: one line without blanks, keys in byte order at every depth. The same for a
/// result and for that result written and read back, whatever the order of its fields.
///
/// Fails if the value has map keys that are not texts, or integers beyond 64 bits.
pub fn canonical_bytes<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_canonical(&serde_json::to_value(value)?, &mut bytes)?;
    Ok(bytes)
}

/// Keys are sorted here and not left to the map type, which another crate's features could change.
fn write_canonical(value: &Value, bytes: &mut Vec<u8>) -> serde_json::Result<()> {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| key.as_str());
            bytes.push(b'{');
            for (place, (key, value)) in entries.into_iter().enumerate() {
                if place > 0 {
                    bytes.push(b',');
                }
                serde_json::to_writer(&mut *bytes, key)?;
                bytes.push(b':');
                write_canonical(value, bytes)?;
            }
            bytes.push(b'}');
        }
        Value::Array(values) => {
            bytes.push(b'[');
            for (place, value) in values.iter().enumerate() {
                if place > 0 {
                    bytes.push(b',');
                }
                write_canonical(value, bytes)?;
            }
            bytes.push(b']');
        }
        plain => serde_json::to_writer(&mut *bytes, plain)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Serialize)]
    struct Result {
        z: u64,
        a: Option<f64>,
        m: Vec<f64>,
    }

    fn result() -> Result {
        Result { z: u64::MAX, a: None, m: vec![0.1, 1.0, 1.0 / 3.0, f64::NAN, f64::INFINITY, -0.5] }
    }

    #[test]
    fn pretty_json_keeps_field_order_and_has_no_nan() {
        let mut out = Vec::new();
        write_pretty(&result(), &mut out).unwrap();
        let wanted = "{\n  \"z\": 18446744073709551615,\n  \"a\": null,\n  \"m\": [\n    0.1,\n    1.0,\n    \
                      0.3333333333333333,\n    null,\n    null,\n    -0.5\n  ]\n}\n";
        assert_eq!(String::from_utf8(out).unwrap(), wanted);
    }

    #[test]
    fn a_line_is_one_line() {
        let mut out = Vec::new();
        write_line(&json!({ "type": "step", "name": "a\nb" }), &mut out).unwrap();
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
        assert!(out.ends_with(b"\n"));
    }

    #[test]
    fn canonical_bytes_do_not_depend_on_the_order_of_fields() {
        let bytes = canonical_bytes(&result()).unwrap();
        let wanted = r#"{"a":null,"m":[0.1,1.0,0.3333333333333333,null,null,-0.5],"z":18446744073709551615}"#;
        assert_eq!(std::str::from_utf8(&bytes).unwrap(), wanted);

        let mut pretty = Vec::new();
        write_pretty(&result(), &mut pretty).unwrap();
        let read_back: Value = serde_json::from_slice(&pretty).unwrap();
        assert_eq!(canonical_bytes(&read_back).unwrap(), bytes);
    }

    #[test]
    fn keys_are_in_byte_order_at_every_depth() {
        let bytes = canonical_bytes(&json!({ "b": { "é": 1, "z": 2, "Z": 3 }, "a": [{ "d": [], "c": {} }] }))
            .unwrap();
        assert_eq!(
            std::str::from_utf8(&bytes).unwrap(),
            r#"{"a":[{"c":{},"d":[]}],"b":{"Z":3,"z":2,"é":1}}"#
        );
    }
}
