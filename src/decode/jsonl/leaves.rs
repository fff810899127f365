//! All that a sound record holds: every value with its path, whatever is wanted of it.

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Takes every value of a sound record that is neither null nor a container: its path, keys and
/// places from 0 with dots between, and its text, that of a string unescaped, all others as written.
pub fn for_each_leaf(record: &[u8], mut take: impl FnMut(&str, &str)) {
    if let Ok(record) = std::str::from_utf8(record) {
        walk(record.trim_ascii(), &mut String::new(), &mut take);
    }
}

fn walk(value: &str, path: &mut String, take: &mut impl FnMut(&str, &str)) {
    let mut inner = |key: &str, value: &RawValue| {
        let len = path.len();
        if len > 0 {
            path.push('.');
        }
        path.push_str(key);
        walk(value.get(), path, take);
        path.truncate(len);
    };
    match value.as_bytes() {
        [b'{', ..] => {
            let members = serde_json::from_str::<Members<'_>>(value).map_or_else(|_| Vec::new(), |all| all.0);
            members.into_iter().for_each(|(key, value)| inner(&key, value));
        }
        [b'[', ..] => {
            let elements = serde_json::from_str::<Vec<&RawValue>>(value).unwrap_or_default();
            elements.into_iter().enumerate().for_each(|(place, value)| inner(&place.to_string(), value));
        }
        [b'"', ..] => take(path, &serde_json::from_str::<Cow<'_, str>>(value).unwrap_or_default()),
        b"null" => {}
        _ => take(path, value),
    }
}

/// The members of an object, of repeated keys all.
struct Members<'t>(Vec<(Cow<'t, str>, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<Cow<'de, str>, &'de RawValue>()? {
                    members.push((key, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_told_with_its_path() {
        let record =
            br#" {"a": "x\n\u00e9", "b": {"c": 1.50, "d": [true, {"e": ""}, null]}, "a": 1e400, "k\"": -0} "#;
        let mut leaves = Vec::new();
        for_each_leaf(record, |path, text| leaves.push(format!("{path}={text}")));
        assert_eq!(leaves, ["a=x\n\u{e9}", "b.c=1.50", "b.d.0=true", "b.d.1.e=", "a=1e400", "k\"=-0"]);
    }
}
