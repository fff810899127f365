use super::predict::Layout;
use super::record::RecordReader;
use super::tests::{BLANKS, Collect, Got, decoder};
use super::*;
use crate::decode::machine::Level;
use proptest::prelude::*;
use serde_json::value::RawValue;
use std::collections::HashMap;

const LINES: Layout = Layout { over_lines: false, depth: 0, max_field_bytes: 100 };

/// Reads records one after the other and tells of each whether the fast walk took it.
fn taken(wanted: &[&str], layout: Layout, records: &[&str]) -> Vec<bool> {
    let paths: Vec<JsonPath> = wanted.iter().map(|&path| JsonPath::new(path)).collect();
    let mut reader = RecordReader::new(&paths, &vec![true; paths.len()]);
    let mut taken = Vec::new();
    for record in records {
        let text = [record.as_bytes(), b"\n", &BLANKS].concat();
        let end = reader.read_predicted(&text, 0, layout);
        assert!(end.is_none_or(|end| end == record.len()), "{record}: {end:?}");
        taken.push(end.is_some());
    }
    taken
}

#[test]
fn sound_records_of_any_shape_are_taken() {
    let long = format!("{{\"{}\":1,\"a\":2}}", "key".repeat(30));
    let records = [
        r#"{"a":1,"b":"x","c":null}"#,
        r#"{"c":true,"a":-1.5e+3,"b":false}"#,
        r#"{"b":"x"}"#,
        "{}",
        r#" {"a":0}"#.trim(),
        "{ \"a\" :\t1 , \"b\" : { } , \"c\":[ ]\r}",
        r#"{"p":{"a":{"b":1}},"l":[[],[{}],[1,"x",{"y":[2]}],null],"a":"\u05d0\n"}"#,
        r#"{"p":{},"l":[{"y":1},{"z":2}]}"#,
        r#"{"a":12345678901234567890123456789012345678901234567890}"#,
        r#"{"a":0.12345678901234567890123456789012345678901234567890}"#,
        r#"{"a":123456789012345678901234567890.5}"#,
        &long,
        "{\"k\":\"a string of more than thirty-two bytes, one of them \\\" escaped\",\"a\":1}",
    ];
    for wanted in [&["a"][..], &["a", "p.a.b"], &[]] {
        for round in [&records[..], &[records, records].concat()] {
            assert!(taken(wanted, LINES, round).into_iter().all(|taken| taken));
        }
    }
}

#[test]
fn what_is_unsound_is_left_to_the_plain_walk() {
    let usual = r#"{"a":1,"p":{"a":"x","l":[1,2]}}"#;
    let deepest = format!("{{\"x\":{}{}}}", "[".repeat(127), "]".repeat(127));
    let too_deep = format!("{{\"x\":{}{}}}", "[".repeat(128), "]".repeat(128));
    let longest = format!("{{\"x\":\"{}\",\"y\":{}}}", "é".repeat(50), "1".repeat(100));
    assert_eq!(taken(&["a"], LINES, &[usual, &deepest, &longest]), [true; 3]);
    for bad in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"p":{"a":"x","l":[1,2]}"#,
        r#"{"a":1,"p":{"a":"x","l":[1,2}}}"#,
        r#"{"a":1,"p":{"a":"x","l":[,2]}}"#,
        r#"{"a":1,"p":{"a":"x","l":[1,]}}"#,
        r#"{"a":1,"p":{"a":"x","l":[1 2]}}"#,
        r#"{"a":1,"p":{"a":"x","l":[1,2]},}"#,
        r#"{,"a":1}"#,
        r#"{"a":[]}"#,
        r#"{"a":{}}"#,
        r#"{"a":01}"#,
        r#"{"a":1.}"#,
        r#"{"a":1e}"#,
        r#"{"a":-}"#,
        r#"{"a":nul}"#,
        r#"{"a":"\u00g0"}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":"\u0000"}"#,
        "{\"b\":\"\u{1}\"}",
        "{\"b\":\n1}",
        "{\"b\"\n:1}",
        &too_deep,
        &longest.replacen('é', "éé", 1),
        &longest.replace("1}", "11}"),
    ] {
        assert_eq!(taken(&["a"], LINES, &[usual, bad, usual]), [true, false, true], "{bad}");
    }
}

#[test]
fn line_breaks_are_blanks_in_documents_alone() {
    let document = Layout { over_lines: true, depth: 1, ..LINES };
    let record = "{\n \"a\": 1,\n \"l\": [\n 1\n ]\n}";
    assert_eq!(taken(&["a"], document, &[record, record]), [true, true]);
    assert_eq!(taken(&["a"], LINES, &[record]), [false]);
    // What was learnt from documents is not used for lines.
    let mut reader = RecordReader::new(&[], &[]);
    let text = [record.as_bytes(), &BLANKS].concat();
    assert_eq!(reader.read_predicted(&text, 0, document), Some(record.len()));
    assert_eq!(reader.read_predicted(&text, 0, LINES), None);
    // An array around the records counts as a level.
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(127), "]".repeat(127));
    assert_eq!(taken(&["a"], document, &[&deep]), [false]);
}

/// Lines to be spoilt, each as some program would write it.
const SEEDS: [&str; 9] = [
    r#"{"t":"2025-10-01T00:01:13.953Z","e":"view","u":"u_d162321230b0196d","price":550.89,"c":null,"p":{"q":3,"r":"x"}}"#,
    r#"{"t":"2025-10-01T00:01:24.537Z","e":"cart","u":"u_03826b3f16305b8f","price":-0.5e3,"c":"a.b","p":{"q":"\u05d0\n"}}"#,
    r#"{"t": 1759276873953, "e": "purchase", "u": 17, "items": [{"id": 1, "n": [1, 2]}, {"id": 2, "n": []}], "p": {"q": true}}"#,
    r#"{"e":"view","u":"a text that is somewhat longer than one block of thirty-two bytes, \"quoted\" and all","t":0}"#,
    r#"{"u":"Größe בגד 😀","e":"Größe","x":{"y":{"z":[[[null]],{"u":"not this"}]}},"t":"1"}"#,
    r#"{"e":"e","p":{},"u":"\\\\","l":[],"q":false,"t":12345678901234567890123456789012345}"#,
    r#"{"p":{"q":{"u":1}},"u":null}"#,
    r#"{}"#,
    r#"{"p":{"q":1},"e":"\ud83d\ude00","u":"\/","t":1}{"u":"b"}"#,
];

/// One way to spoil a line; positions are shares of 65,536.
#[derive(Debug, Clone)]
enum Change {
    Replace(u16, u8),
    Insert(u16, u8),
    Cut(u16, u16),
    Repeat(u16, u16),
    /// More characters where a text begins, so that all that follows lies elsewhere in its blocks.
    Lengthen(u16, usize),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let byte = || {
        prop_oneof![
            4 => prop::sample::select(b"{}[]\",:\\ 01.eE+-tnul\t\r\x00\x1f\x7f".to_vec()),
            1 => any::<u8>().prop_filter("lines stay lines", |&byte| byte != b'\n'),
        ]
    };
    let change = prop_oneof![
        (any::<u16>(), byte()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        (any::<u16>(), byte()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        (any::<u16>(), 0..8_u16).prop_map(|(at, bytes)| Change::Cut(at, bytes)),
        (any::<u16>(), 0..40_u16).prop_map(|(at, bytes)| Change::Repeat(at, bytes)),
        (any::<u16>(), 0..70_usize).prop_map(|(at, bytes)| Change::Lengthen(at, bytes)),
    ];
    prop_oneof![Just(Vec::new()), prop::collection::vec(change, 1..4)]
}

fn changed(seed: &str, changes: &[Change]) -> Vec<u8> {
    let mut line = seed.as_bytes().to_vec();
    for change in changes {
        let place = |at: u16| usize::from(at) * line.len() / 65_536;
        match *change {
            Change::Replace(at, byte) if !line.is_empty() => {
                let at = place(at);
                line[at] = byte;
            }
            Change::Insert(at, byte) => line.insert(place(at), byte),
            Change::Cut(at, bytes) => {
                let at = place(at);
                line.drain(at..(at + usize::from(bytes)).min(line.len()));
            }
            Change::Repeat(at, bytes) => {
                let at = place(at);
                let part = line[at..(at + usize::from(bytes)).min(line.len())].to_vec();
                line.splice(at..at, part);
            }
            Change::Lengthen(at, bytes) => {
                let from = place(at);
                if let Some(quote) = memchr::memchr(b'"', &line[from..]) {
                    line.splice(from + quote + 1..from + quote + 1, std::iter::repeat_n(b'x', bytes));
                }
            }
            Change::Replace(..) => {}
        }
    }
    line
}

/// What `serde_json` finds at a path of an object: `Some(Err)` where a single value is asked for
/// and there is none, or the text of it is no text. It has no say, `None`, on objects with keys
/// that are half a surrogate pair.
fn theirs(line: &[u8], path: &str) -> Option<Result<Option<String>, ()>> {
    let object: HashMap<String, &RawValue> = serde_json::from_slice(line).ok()?;
    let mut value = object.get(path).copied();
    if value.is_none()
        && let Some((outer, inner)) = path.split_once('.')
        && let Some(outer) = object.get(outer).filter(|outer| outer.get().starts_with('{'))
    {
        let object: HashMap<String, &RawValue> = serde_json::from_str(outer.get()).ok()?;
        value = object.get(inner).copied();
    }
    Some(match value.map(RawValue::get) {
        None | Some("null") => Ok(None),
        Some(text) if text.starts_with('"') => serde_json::from_str(text).map(Some).map_err(drop),
        Some(text) if text.starts_with(['{', '[']) => Err(()),
        Some(text) => Ok(Some(text.to_owned())),
    })
}

/// All the lines in one piece, as they lie in a file.
fn piece(lines: &[Vec<u8>]) -> Vec<u8> {
    [lines.join(&b'\n'), BLANKS.to_vec()].join(&b'\n')
}

fn told(sink: &Collect) -> Vec<(RejectCode, &str, &[u8])> {
    sink.rejects.iter().map(|reject| (reject.code, reject.message.as_str(), &reject.excerpt[..])).collect()
}

proptest! {
    /// The plain walk judges each line alone: a record that ends with its text is not predicted.
    #[test]
    fn predicted_or_not_the_answers_are_the_same(
        picked in prop::collection::vec((0..SEEDS.len(), changes()), 1..8),
    ) {
        let wanted = ["t", "e", "u", "p.q"];
        let lines: Vec<Vec<u8>> = picked.iter().map(|(seed, changes)| changed(SEEDS[*seed], changes)).collect();
        let mut plain = Collect::default();
        let mut bytes_before = 0;
        for (number, line) in lines.iter().enumerate() {
            let mut one = Collect::default();
            // With a line break, for being cut off has a message of its own.
            decoder(&wanted).decode(&[line, &b"\n"[..]].concat(), true, &mut one);
            for got in &mut one.got {
                let (Got::Record(line, _) | Got::Reject(line, ..)) = got;
                *line = number as u64;
            }
            plain.got.extend(one.got);
            plain.at.extend(one.at.iter().map(|at| at + bytes_before));
            plain.rejects.extend(one.rejects);
            bytes_before += line.len() as u64 + 1;
        }
        for level in Level::all() {
            let mut decoder = decoder(&wanted);
            decoder.reader.level = level;
            for _ in 0..2 {
                let mut fast = Collect::default();
                decoder.decode(&piece(&lines), true, &mut fast);
                prop_assert_eq!(&fast.got, &plain.got);
                prop_assert_eq!(&fast.at, &plain.at);
                prop_assert_eq!(told(&fast), told(&plain));
            }
        }
    }

    #[test]
    fn predicted_records_are_what_serde_json_says(
        seed in 0..SEEDS.len() - 1,
        changes in changes(),
        behind in 0..SEEDS.len() - 1,
    ) {
        let line = changed(SEEDS[seed], &changes);
        let lines = [SEEDS[behind].as_bytes().to_vec(), SEEDS[seed].as_bytes().to_vec(), line.clone()];
        let wanted = ["t", "e", "u", "p.q"];
        let whole = std::str::from_utf8(&line)
            .is_ok_and(|line| serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok());
        for level in Level::all() {
            let mut decoder = decoder(&wanted);
            decoder.reader.level = level;
            let mut sink = Collect::default();
            decoder.decode(&piece(&lines), true, &mut sink);
            let ours: Vec<&Got> =
                sink.got.iter().filter(|got| matches!(got, Got::Record(2, _) | Got::Reject(2, ..))).collect();
            match ours[..] {
                [Got::Record(_, fields)] => {
                    prop_assert!(whole, "{}", line.escape_ascii());
                    for (path, field) in wanted.iter().zip(fields) {
                        if let Some(theirs) = theirs(&line, path) {
                            prop_assert_eq!(theirs, Ok(field.clone()), "{}", line.escape_ascii());
                        }
                    }
                }
                // Sound JSON is rejected for what is not an object, and for wanted values.
                [Got::Reject(_, _, slot)] => {
                    let told = &sink.rejects.last().unwrap().message;
                    let excused = slot.is_some() || told.contains("wanted")
                        || told.starts_with("not an object")
                        || told.starts_with("half of a surrogate pair");
                    prop_assert!(!whole || excused, "{told}: {}", line.escape_ascii());
                }
                // Blanks are no record, several objects on a line are several.
                _ => prop_assert!(!whole, "{}", line.escape_ascii()),
            }
        }
    }
}
