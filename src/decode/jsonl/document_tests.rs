use super::tests::{BLANKS, Collect, Got, at_every_level, decoder, record, reject};
use super::*;
use crate::event::Damage;
use proptest::prelude::*;
use serde_json::value::RawValue;

use RejectCode::*;

/// All that is told of a document: what it holds, and every reject in its place.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    got: Vec<Got>,
    bytes: Vec<u64>,
    rejects: Vec<Reject>,
    end: PieceEnd,
}

/// Decodes a text in pieces that end at `cuts`; what a piece leaves over is carried into the next.
fn in_pieces(decoder: JsonDecoder, text: &[u8], cuts: &[usize]) -> Told {
    let mut decoder = DocumentDecoder::new(decoder);
    let mut told = Told { got: Vec::new(), bytes: Vec::new(), rejects: Vec::new(), end: PieceEnd::default() };
    let ends = cuts.iter().map(|&cut| (cut, false)).chain([(text.len(), true)]);
    for (end, last) in ends {
        let mut sink = Collect::default();
        let before = told.end;
        let start = before.consumed;
        let piece = decoder.decode(&text[start..end.max(start)], last, &mut sink);
        assert_eq!(piece.records, sink.got.len() as u64, "every record is handed on or rejected");
        told.end.records += piece.records;
        told.end.lines += piece.lines;
        told.end.consumed += piece.consumed;
        told.bytes.extend(sink.at.iter().map(|at| at + start as u64));
        told.got.extend(sink.got.into_iter().map(|got| match got {
            Got::Record(line, fields) => Got::Record(line + before.lines, fields),
            Got::Reject(line, code, slot) => Got::Reject(line + before.lines, code, slot),
        }));
        told.rejects.extend(sink.rejects.into_iter().map(|mut reject| {
            reject.at.lines_before += before.lines;
            reject.at.bytes_before += start as u64;
            reject
        }));
    }
    assert_eq!(told.end.consumed, text.len());
    assert_eq!(told.end.lines, memchr::memchr_iter(b'\n', text).count() as u64);
    told
}

/// What a document holds, read whole; the same in any pieces, by every way of reading.
fn document(text: impl AsRef<[u8]>) -> Told {
    limited(text, Limits::default())
}

fn limited(text: impl AsRef<[u8]>, limits: Limits) -> Told {
    let text = text.as_ref();
    let with = |decoder: JsonDecoder| JsonDecoder { limits, ..decoder };
    let whole = in_pieces(with(decoder(&["a"])), text, &[]);
    for cut in 0..=text.len() {
        assert_eq!(in_pieces(with(decoder(&["a"])), text, &[cut]), whole, "cut at {cut}");
    }
    let all: Vec<usize> = (0..text.len()).collect();
    assert_eq!(in_pieces(with(decoder(&["a"])), text, &all), whole, "byte by byte");
    if !whole.rejects.iter().any(|reject| reject.damage.is_some()) {
        let blanks = [text, &BLANKS].concat();
        for (level, decoder) in at_every_level(&["a"]) {
            let again = in_pieces(with(decoder), &blanks, &[]);
            assert_eq!((&again.got, &again.bytes), (&whole.got, &whole.bytes), "{level:?}");
        }
    }
    whole
}

fn got(text: impl AsRef<[u8]>) -> Vec<Got> {
    let told = document(text);
    assert!(told.rejects.iter().all(|reject| reject.damage.is_none()), "{:?}", told.rejects);
    told.got
}

/// The damage that a document ends with, where it stands, and what was read before it.
fn damage(text: impl AsRef<[u8]>) -> (Vec<Got>, u64, String) {
    let Told { mut got, mut bytes, mut rejects, .. } = document(text);
    let last = rejects.pop().expect("a reject");
    assert_eq!(last.damage, Some(Damage::Rest));
    assert!(rejects.iter().all(|reject| reject.damage.is_none()));
    got.pop();
    (got, bytes.pop().expect("its place"), last.message)
}

#[test]
fn documents_are_arrays_or_objects_over_several_lines() {
    assert_eq!(got("[\n {\"a\":1},\n {\"a\":\n2}\n]\n"), [record(1, &["1"]), record(2, &["2"])]);
    assert_eq!(got("{\n \"a\": 1\n}\n{\n \"a\": 2\n}"), [record(0, &["1"]), record(3, &["2"])]);
    assert_eq!(got(" [] "), []);
    assert_eq!(got(""), []);
    assert_eq!(got("[{\"a\":1},{\"a\":2},{\"a\":3}]"), [1, 2, 3].map(|a| record(0, &[&a.to_string()])));
    assert_eq!(got("{\"a\":1}{\"a\":2}"), [record(0, &["1"]), record(0, &["2"])]);
    assert_eq!(
        got("[{\"a\":1}] [{\"a\":2}]\n{\"a\":3}"),
        [record(0, &["1"]), record(0, &["2"]), record(1, &["3"])]
    );
}

#[test]
fn an_unsound_element_costs_itself_and_not_the_rest() {
    let text = b"[{\"a\":[]},\n7,\n{\"b\":\"\xff\"},\n[[]],\n{\"a\":1,\"a\":1},\n{\"a\":1}]";
    assert_eq!(
        got(text),
        [
            Got::Reject(0, R10, Some(0)),
            reject(1, R10),
            reject(2, R03),
            reject(3, R10),
            Got::Reject(4, R10, Some(0)),
            record(5, &["1"])
        ]
    );
    for (element, code, message) in [
        ("null", R10, "not an object (byte 1 of the record)"),
        ("tru", R10, "this is not a JSON value (byte 1 of the record)"),
        ("{\"b\":NaN}", R10, "NaN and Infinity are not JSON (byte 6 of the record)"),
        ("{\"b\":1,}", R10, "a comma too many (byte 8 of the record)"),
        ("{'b':'c'}", R10, "single quotes are not JSON (byte 2 of the record)"),
        ("{\"b\":\"\t\"}", R10, "a control character inside a string (byte 7 of the record)"),
        ("{\n\"b\":\n}", R10, "a value is missing (byte 8 of the record, on its line 3)"),
        ("{\"b\":\"\\ude00\"}", R03, "half of a surrogate pair (byte 7 of the record)"),
    ] {
        let told = document(format!("[{{\"a\":1}},\n{element},{{\"a\":2}}]"));
        let lines = 1 + element.matches('\n').count() as u64;
        assert_eq!(told.got, [record(0, &["1"]), reject(1, code), record(lines, &["2"])], "{element}");
        assert_eq!(told.rejects[0].message, message);
        assert_eq!(told.bytes[1], 10);
    }
    let deep =
        |levels: usize| format!("[{{\"b\":{}1{}}},{{\"a\":1}}]", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(got(deep(126)), [Got::Record(0, vec![None]), record(0, &["1"])]);
    assert_eq!(got(deep(127)), [reject(0, R11), record(0, &["1"])]);
    // At the top, too.
    assert_eq!(got("{\n\"a\":}\n{\"a\":2}"), [reject(0, R10), record(2, &["2"])]);
    // Nothing stands where an element should.
    assert_eq!(got("[{\"a\":1},]"), [record(0, &["1"]), reject(0, R10)]);
    assert_eq!(got("[,\n,{\"a\":1}]"), [reject(0, R10), reject(1, R10), record(1, &["1"])]);
}

fn lost(message: &str) -> String {
    format!("{message}; nothing from here on can be read")
}

#[test]
fn behind_signs_that_do_not_fit_nothing_is_read() {
    for (text, message) in [
        ("[{\"a\":1}^", "the closing bracket of the array is missing"),
        ("[{\"a\":1},\n^", "the closing bracket of the array is missing"),
        ("[{\"a\":1},\n^{\"a\":2", "the record is cut off by the end of the input"),
        ("[{\"a\":1},\n^{\"a\":\"x", "the record is cut off by the end of the input"),
        ("[{\"a\":1},\n^7", "the record is cut off by the end of the input"),
        ("{\"a\":1}\n^{\n", "the record is cut off by the end of the input"),
        ("[{\"a\":1} ^{\"a\":2}]", "a comma or a closing bracket is missing"),
        ("[{\"a\":1}^}", "a comma or a closing bracket is missing"),
        ("[{\"a\":1},{\"b\":[1^},{\"a\":2}]", "a comma or a closing bracket is missing"),
        ("[{\"a\":1},{\"b\":1,^{\"a\":2}]", "a key in double quotes is missing"),
        ("[{\"a\":1},{\"b\":\"x},{\"^a\":2}]", "a comma or a closing bracket is missing"),
        ("[{\"a\":1},{\"b\":\"5\" ^screen\"},{\"a\":2}]", "a comma or a closing bracket is missing"),
        ("[{\"a\":1},{\"b\":\"x^\n\"},{\"a\":2}]", "a control character inside a string"),
        ("[{\"a\":1},{\"b\":^NaN,{\"a\":2}]", "NaN and Infinity are not JSON"),
        ("[{\"a\":1}]^]", "not an object or an array"),
        ("{\"a\":1} ^x", "not an object or an array"),
        ("{\"a\":1}^,", "not an object or an array"),
    ] {
        let at = text.find('^').expect("a mark") as u64;
        let is_at_end = message.contains("the end") || message.contains("closing bracket of the array");
        let message = if is_at_end { message.to_owned() } else { lost(message) };
        assert_eq!(damage(text.replacen('^', "", 1)), (vec![record(0, &["1"])], at, message), "{text}");
    }
    assert_eq!(damage("[").1, 1);
}

#[test]
fn a_hole_is_told_as_such() {
    let hole = "\0".repeat(600);
    let few = "\0".repeat(511);
    for (before, behind) in
        [("", ""), ("", ",{\"a\":2}]"), (",{\"b\":\"", "\"},{\"a\":2}]"), (",{\"b\":", "}]"), ("]", "")]
    {
        let told = document(format!("[{{\"a\":1}}{before}{hole}{behind}"));
        let last = told.rejects.last().expect("a reject");
        assert_eq!((told.got.len(), last.code, last.damage), (2, R14, Some(Damage::Rest)), "{before}");
        assert_eq!(told.bytes[1], 8 + before.len() as u64);
        assert!(last.message.starts_with("a block of NUL bytes: the file has a hole"));
    }
    assert_eq!(got(format!("[{{\"b\":\"{few}\"}},{{\"a\":2}}]")), [reject(0, R10), record(0, &["2"])]);
    assert_eq!(damage(format!("[{{\"a\":1}}]{few}")).2, lost("not an object or an array"));
}

#[test]
fn an_element_over_the_limit_is_rejected_once_and_passed_over() {
    let limits = Limits { max_record_bytes: 20, max_field_bytes: 10, ..Limits::default() };
    let lines = |text: &str| limited(text, limits).got;
    let sound = |bytes: usize| format!("{{\"b\":[{}]}}", "1".repeat(bytes - 8));
    let longest = "{\"b\":[1111,11111111]}";
    assert_eq!(longest.len(), 21);
    assert_eq!(
        lines(&format!("[{{\"a\":1}},{longest},\n{{\"a\":2}}]")),
        [record(0, &["1"]), reject(0, R13), record(1, &["2"])]
    );
    let longest = longest.replacen('1', "", 1);
    assert_eq!(lines(&format!("[{longest},{{\"a\":2}}]")), [Got::Record(0, vec![None]), record(0, &["2"])]);
    // A value over its own limit, in a record within its own.
    assert_eq!(lines(&format!("[{},{{\"a\":2}}]", sound(19))), [reject(0, R13), record(0, &["2"])]);
    // What is broken in it besides is not looked at, as on a line.
    for more in ["NaN", "\"\\ude00\"", "[[[[[[1,2,3]]]]]]"] {
        assert_eq!(
            lines(&format!("[{{\"b\":{more},\"c\":[\"}}\",\n1111,1111]}},{{\"a\":2}}]")),
            [reject(0, R13), record(1, &["2"])]
        );
    }
    // Its end must be known all the same.
    let long = "{\"b\":1,\"c\":2,\"d\":3,\"e\":4";
    let misplaced = lost("a quote, a bracket or a line break that cannot stand here");
    for (end, at, message) in [
        ("", 0, "the text ends inside a value"),
        (",{\"a\":2}]", 1, &misplaced),
        ("],{\"a\":2}]", 0, &misplaced),
    ] {
        let told = limited(format!("[{long}{end}"), limits);
        assert_eq!(told.got, [reject(0, R13), reject(0, R10)], "{end}");
        assert_eq!(told.bytes[1], 1 + long.len() as u64 + at, "{end}");
        assert_eq!(told.rejects[1].message, message);
    }
}

#[test]
fn of_a_value_that_goes_on_no_more_than_the_limit_is_held() {
    let limits = Limits { max_record_bytes: 100, ..Limits::default() };
    let mut decoder = DocumentDecoder::new(JsonDecoder { limits, ..decoder(&["a"]) });
    let mut sink = Collect::default();
    assert_eq!(decoder.decode(b"[{\"b\":\"", false, &mut sink).consumed, 1);
    let mut held = b"{\"b\":\"".to_vec();
    for _ in 0..50 {
        held.extend_from_slice(&[b'x'; 40]);
        let end = decoder.decode(&held, false, &mut sink);
        held.drain(..end.consumed);
        assert!(held.len() <= 100);
    }
    held.extend_from_slice(b"\"},{\"a\":1}]");
    decoder.decode(&held, true, &mut sink);
    assert_eq!(sink.got, [reject(0, R13), record(0, &["1"])]);
}

/// What `serde_json` makes of a document: whether each value of it is an object, and the text of its `a`.
/// `None` where it is none.
fn judged(text: &str) -> Option<Vec<Option<Option<String>>>> {
    let mut values = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let value = value.ok()?.get();
        match value.as_bytes()[0] {
            b'[' => values.extend(serde_json::from_str::<Vec<&RawValue>>(value).ok()?),
            b'{' => values.push(serde_json::from_str(value).ok()?),
            _ => return None,
        }
    }
    let a = |value: &&RawValue| {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(value.get()).ok()?;
        Some(object.get("a").map(ToString::to_string))
    };
    Some(values.iter().map(a).collect())
}

proptest! {
    #[test]
    fn a_sound_document_is_read_as_serde_json_reads_it(
        values in prop::collection::vec("\\{\"a\": ?[0-9]\\}|\\{\"b\":[\\[{]{0,2}[\\]}]{0,2}\\}|\\{\n\"b\" : \"[\\[\\]{},\\\\n]{0,4}\"\n\\}|[0-9]|NaN", 0..6),
        first in prop::sample::select(vec!["[", "[\n", "[ ", "", "[["]),
        between in prop::collection::vec(prop::sample::select(vec![",", ",\n", " , ", ",", "\n", "] ["]), 6),
        behind in prop::sample::select(vec!["]", "\n]\n", "]", "", "]]"]),
        cut in 0_usize..80,
    ) {
        let mut text = first.to_owned();
        for (place, value) in values.iter().enumerate() {
            text.push_str(if place > 0 { between[place] } else { "" });
            text.push_str(value);
        }
        text.push_str(behind);
        let whole = in_pieces(decoder(&["a"]), text.as_bytes(), &[]);
        let cut = cut.min(text.len());
        prop_assert_eq!(&in_pieces(decoder(&["a"]), text.as_bytes(), &[cut]), &whole, "{} at {}", text, cut);
        let found: Vec<Option<Option<String>>> = whole.got.iter().map(|got| match got {
            Got::Record(_, fields) => Some(fields[0].clone()),
            Got::Reject(..) => None,
        }).collect();
        match judged(&text) {
            Some(expected) => prop_assert_eq!(found, expected, "{}", text),
            None => prop_assert!(found.contains(&None), "{}", text),
        }
    }

    #[test]
    fn any_bytes_are_read_alike_in_any_pieces(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"{{}}[[]]\"\",,::\\a1\0\n ".to_vec())], 0..60),
        cuts in prop::collection::vec(0_usize..60, 0..5),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|&cut| cut.min(bytes.len())).collect();
        cuts.sort_unstable();
        let limits = Limits { max_record_bytes: 12, max_field_bytes: 6, ..Limits::default() };
        let decoder = JsonDecoder { limits, ..decoder(&["a"]) };
        prop_assert_eq!(in_pieces(decoder.clone(), &bytes, &cuts), in_pieces(decoder, &bytes, &[]));
    }
}
