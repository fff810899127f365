//! JSON Lines and documents against `serde_json` as the judge, line by line and value by value, and in pieces.

use super::choices::Choices;
use super::pieces::{Recorder, Told, decode_in_pieces};
use crate::decode::Limits;
use crate::decode::jsonl::{DocumentDecoder, JsonDecoder, JsonPath, sample};
use crate::event::RejectCode;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::fmt;

const WANTED: [&str; 2] = ["a", "bc"];
/// Objects and arrays inside one another, the record itself among them.
const MAX_DEPTH: usize = 128;

/// Bytes of choices, then an input.
pub fn run(data: &[u8]) {
    let mut choices = Choices { rest: data };
    let cuts = choices.below(255);
    let bytes = choices.rest;
    let paths = WANTED.map(JsonPath::new);
    let decode = |cut: &dyn Fn(usize) -> bool| {
        let mut decoder = JsonDecoder::new(&paths, Limits::default());
        decode_in_pieces(bytes, b'\n', cut, |piece, last, sink| decoder.decode(piece, last, sink))
    };
    let whole = decode(&|_| false);
    assert_eq!(whole.1.consumed, bytes.len());
    assert_eq!(whole.1.records, whole.0.len() as u64);
    let some = |end: usize| (end as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56 < u64::from(cuts);
    assert_eq!(whole, decode(&some), "pieces differ from the whole");

    let mut left = whole.0.iter();
    for (line, text) in bytes.split(|byte| *byte == b'\n').enumerate() {
        judge(line as u64, text, &mut left);
    }
    assert_eq!(left.next(), None);

    document(bytes, some);
    // Another way in, which must not fall over.
    sample(bytes, true, 10);
}

/// The same bytes as a document: whole and in pieces, within limits that they keep and others.
fn document(bytes: &[u8], some: impl Fn(usize) -> bool) {
    for max_record_bytes in [Limits::default().max_record_bytes, 40] {
        let limits = Limits { max_record_bytes, ..Limits::default() };
        let decode = |cut: &dyn Fn(usize) -> bool| {
            let records = JsonDecoder::new(&WANTED.map(JsonPath::new), limits);
            let mut decoder = DocumentDecoder::new(records);
            decode_in_pieces(bytes, None, cut, |piece, last, sink| decoder.decode(piece, last, sink))
        };
        let whole = decode(&|_| false);
        assert_eq!(whole.1.consumed, bytes.len());
        assert_eq!(whole.1.records, whole.0.len() as u64);
        assert_eq!(whole, decode(&some), "pieces differ from the whole");
    }
    let records = JsonDecoder::new(&WANTED.map(JsonPath::new), Limits::default());
    let mut recorder = Recorder::default();
    DocumentDecoder::new(records).decode(bytes, true, &mut recorder);
    let is_record = |told: &&Told| matches!(told, Told::Record { .. });
    let records = recorder.told.iter().filter(is_record).count();
    match std::str::from_utf8(bytes).ok().and_then(elements) {
        // Sound values are told one by one, none is left out and none is lost.
        Some(elements) => {
            assert_eq!(recorder.told.len(), elements.len());
            for (told, element) in recorder.told.iter().zip(elements) {
                assert!(element.starts_with('{') || !is_record(&told), "{element} is no record");
            }
        }
        // What is not sound is never passed over in silence.
        None => assert!(records < recorder.told.len(), "nothing is said of what is no JSON"),
    }
}

/// The values of a document, those of arrays one by one, as `serde_json` finds them; `None` where it is none.
fn elements(text: &str) -> Option<Vec<&str>> {
    let mut elements = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let value = value.ok()?.get();
        match value.as_bytes()[0] {
            b'[' => {
                let inside = serde_json::from_str::<Vec<&RawValue>>(value).ok()?;
                elements.extend(inside.into_iter().map(RawValue::get));
            }
            b'{' => elements.push(value),
            _ => return None,
        }
    }
    Some(elements)
}

/// Takes what was told of one line, and holds it against what `serde_json` makes of the line.
fn judge<'t>(line: u64, text: &[u8], told: &mut impl Iterator<Item = &'t Told>) {
    if text.iter().all(|byte| b" \t\r".contains(byte)) {
        return;
    }
    let code = |told: &mut dyn Iterator<Item = &'t Told>| match told.next() {
        Some(Told::Reject { lines, code, .. }) if *lines == line => *code,
        other => panic!("line {line} is to be rejected, not {other:?}"),
    };
    let Ok(text) = std::str::from_utf8(text) else {
        assert_eq!(code(told), RejectCode::R03);
        return;
    };
    // Half a surrogate pair is no text in any encoding: our own rule, wherever it stands.
    let has_half = has_half_pair(text);
    let is_refused = |code: RejectCode| match code {
        RejectCode::R03 => has_half,
        code => code == RejectCode::R10 || code == RejectCode::R11,
    };
    // What `serde_json` takes for a value without looking inside: it has no limit of depth then.
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let mut objects = Vec::new();
    loop {
        let start = values.byte_offset();
        match values.next() {
            None => break,
            Some(Ok(_)) => objects.push(text[start..values.byte_offset()].trim()),
            Some(Err(_)) => {
                let code = code(told);
                assert!(is_refused(code), "{code}");
                return;
            }
        }
    }
    if has_half
        || objects.iter().any(|object| !object.starts_with('{'))
        || objects.iter().any(|object| depth(object) > MAX_DEPTH)
    {
        let code = code(told);
        assert!(is_refused(code), "{code}");
        return;
    }
    for object in objects {
        let members: Members<'_> = serde_json::from_str(object).expect("an object");
        let mut faults = Vec::new();
        let fields: Vec<Option<Vec<u8>>> = WANTED
            .iter()
            .map(|wanted| {
                let found: Vec<&RawValue> =
                    members.0.iter().filter(|(key, _)| key == wanted).map(|(_, value)| *value).collect();
                if found.len() > 1 {
                    faults.push(RejectCode::R10);
                }
                let values: Vec<Option<Vec<u8>>> =
                    found.iter().map(|value| scalar(value.get(), &mut faults)).collect();
                values.into_iter().next_back().flatten()
            })
            .collect();
        match told.next() {
            Some(Told::Record { lines, fields: found, .. }) if faults.is_empty() => {
                assert_eq!((*lines, found), (line, &fields));
            }
            Some(Told::Reject { lines, code, .. }) => {
                assert!(*lines == line && faults.contains(code), "{code} {object}")
            }
            other => panic!("{object} is told as {other:?}"),
        }
    }
}

/// The text of a single value; what is wrong with it goes to `faults`.
fn scalar(raw: &str, faults: &mut Vec<RejectCode>) -> Option<Vec<u8>> {
    match raw.as_bytes()[0] {
        b'{' | b'[' => {
            faults.push(RejectCode::R10);
            None
        }
        b'"' => match serde_json::from_str::<String>(raw) {
            Ok(text) if text.contains('\0') => {
                faults.push(RejectCode::R14);
                None
            }
            Ok(text) => Some(text.into_bytes()),
            Err(error) => panic!("{raw}: {error}"),
        },
        b'n' => None,
        _ => Some(raw.as_bytes().to_vec()),
    }
}

/// Whether an escape in a string stands for half of a surrogate pair, with no other half beside it.
fn has_half_pair(text: &str) -> bool {
    let unit = |at: usize| -> Option<u32> {
        let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))
    };
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        at += found;
        match (unit(at), unit(at + 6)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => at += 12,
            (Some(0xd800..0xe000), _) => return true,
            // The next sign is one byte where the text is JSON.
            _ => at = text.ceil_char_boundary(at + 2),
        }
    }
    false
}

/// How deep brackets of a sound text nest.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut in_text = false;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_text = !in_text,
            b'\\' => drop(bytes.next()),
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth -= 1,
            _ => {}
        }
    }
    deepest
}

/// The members of an object in their order, each as often as it stands there.
struct Members<'m>(Vec<(String, &'m RawValue)>);

impl<'m> Deserialize<'m> for Members<'m> {
    fn deserialize<D: Deserializer<'m>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'m> Visitor<'m> for Collect {
            type Value = Members<'m>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'m>>(self, mut map: A) -> Result<Members<'m>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
