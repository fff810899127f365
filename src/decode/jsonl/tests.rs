use super::*;
use crate::decode::machine::Level;
use proptest::prelude::*;

/// What a sink was given, in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Got {
    /// Lines before, and the fields; `None` for a missing one.
    Record(u64, Vec<Option<String>>),
    Reject(u64, RejectCode, Option<usize>),
}

#[derive(Default)]
pub(super) struct Collect {
    pub got: Vec<Got>,
    pub at: Vec<u64>,
    pub rejects: Vec<Reject>,
}

impl RecordSink for Collect {
    fn record(&mut self, at: RecordAt, fields: &[Field<'_>]) {
        let text = |field: &Field<'_>| match field {
            Field::Text(text) => Some(String::from_utf8(text.to_vec()).unwrap()),
            _ => None,
        };
        self.at.push(at.bytes_before);
        self.got.push(Got::Record(at.lines_before, fields.iter().map(text).collect()));
    }

    fn reject(&mut self, reject: Reject) {
        self.at.push(reject.at.bytes_before);
        self.got.push(Got::Reject(reject.at.lines_before, reject.code, reject.slot));
        self.rejects.push(reject);
    }
}

pub(super) fn decoder(wanted: &[&str]) -> JsonDecoder {
    let paths: Vec<JsonPath> = wanted.iter().map(|&path| JsonPath::new(path)).collect();
    JsonDecoder::new(&paths, Limits::default())
}

fn lines(wanted: &[&str], text: impl AsRef<[u8]>) -> (Vec<Got>, PieceEnd) {
    let mut sink = Collect::default();
    let end = decoder(wanted).decode(text.as_ref(), true, &mut sink);
    assert_eq!(end.records, sink.got.len() as u64, "every record is handed on or rejected");
    for (level, mut decoder) in at_every_level(wanted) {
        for round in ["first", "once more"] {
            let mut again = Collect::default();
            decoder.decode(&[text.as_ref(), b"\n", &BLANKS].concat(), true, &mut again);
            assert_eq!((&again.got, &again.at), (&sink.got, &sink.at), "{level:?}, {round}");
        }
    }
    (sink.got, end)
}

/// Behind a record at the very end of its text; records without are read plainly.
pub(super) const BLANKS: [u8; 64] = [b' '; 64];

pub(super) fn at_every_level(wanted: &[&str]) -> impl Iterator<Item = (Level, JsonDecoder)> {
    let decoder = decoder(wanted);
    Level::all().map(move |level| {
        let mut decoder = decoder.clone();
        decoder.reader.level = level;
        (level, decoder)
    })
}

fn got(wanted: &[&str], text: impl AsRef<[u8]>) -> Vec<Got> {
    lines(wanted, text).0
}

pub(super) fn record(line: u64, fields: &[&str]) -> Got {
    Got::Record(line, fields.iter().map(|&text| Some(text.to_owned())).collect())
}

pub(super) fn reject(line: u64, code: RejectCode) -> Got {
    Got::Reject(line, code, None)
}

use RejectCode::*;

#[test]
fn fields_come_by_path_in_any_order() {
    let text = "{\"u\":\"ann\",\"x\":[1,{\"u\":2}],\"p\":{\"price\":12.50,\"q\":{}}}\n{\"p\":{\"price\":\"3\"},\"u\":\"ben\"}\n";
    let (got, end) = lines(&["u", "p.price"], text);
    assert_eq!(got, [record(0, &["ann", "12.50"]), record(1, &["ben", "3"])]);
    assert_eq!(end, PieceEnd { records: 2, lines: 2, consumed: text.len(), ..PieceEnd::default() });
}

#[test]
fn every_kind_of_scalar_keeps_its_text() {
    let fields = |value: &str| match &got(&["v"], format!("{{\"v\":{value}}}"))[..] {
        [Got::Record(0, fields)] => fields[0].clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(fields("12345678901234567890123").as_deref(), Some("12345678901234567890123"));
    assert_eq!(fields("1.50e+3").as_deref(), Some("1.50e+3"));
    assert_eq!(fields("-0").as_deref(), Some("-0"));
    assert_eq!(fields("true").as_deref(), Some("true"));
    assert_eq!(fields("false").as_deref(), Some("false"));
    assert_eq!(fields("null"), None);
    assert_eq!(fields("\"\"").as_deref(), Some(""));
    assert_eq!(fields("\"a\\u05d0\\n\"").as_deref(), Some("aא\n"));
    assert_eq!(fields("\"\u{5d0}\"").as_deref(), Some("א"));
}

#[test]
fn a_key_spelt_with_dots_wins_over_the_path() {
    assert_eq!(got(&["a.b"], r#"{"a.b":"exact","a":{"b":"inner"}}"#), [record(0, &["exact"])]);
    assert_eq!(got(&["a.b"], r#"{"a":{"b":"inner"},"a.b":"exact"}"#), [record(0, &["exact"])]);
    assert_eq!(got(&["a.b"], r#"{"a":{"b":"inner"}}"#), [record(0, &["inner"])]);
    assert_eq!(got(&["a.b"], r#"{"a":{"b":"inner"},"a.b":null}"#), [Got::Record(0, vec![None])]);
    assert_eq!(got(&["a.b"], r#"{"a":3}"#), [Got::Record(0, vec![None])]);
    assert_eq!(got(&["a.b"], r#"{"\u0061":{"\u0062":"inner"}}"#), [record(0, &["inner"])]);
    // The same column may serve twice.
    assert_eq!(got(&["a", "a"], r#"{"a":1}"#), [record(0, &["1", "1"])]);
}

#[test]
fn a_wanted_key_twice_is_a_fault_an_unused_one_is_not() {
    assert_eq!(got(&["a"], r#"{"a":1,"b":1,"b":2}"#), [record(0, &["1"])]);
    assert_eq!(got(&["a"], r#"{"a":1,"a":1}"#), [Got::Reject(0, R10, Some(0))]);
    assert_eq!(got(&["x", "p.a"], r#"{"p":{"a":1,"a":2}}"#), [Got::Reject(0, R10, Some(1))]);
    assert_eq!(got(&["p.a"], r#"{"p":{},"p":{"a":2}}"#), [Got::Reject(0, R10, None)]);
    // The marks of one record are not those of the next.
    assert_eq!(got(&["a"], "{\"a\":1}\n{\"a\":2}"), [record(0, &["1"]), record(1, &["2"])]);
}

#[test]
fn an_object_where_one_value_is_wanted_is_a_fault_of_that_record() {
    let text = "{\"a\":[1]}\n{\"a\":{\"b\":1}}\n{\"a\":1}\n{\"b\":[1]}";
    assert_eq!(
        got(&["a"], text),
        [
            Got::Reject(0, R10, Some(0)),
            Got::Reject(1, R10, Some(0)),
            record(2, &["1"]),
            Got::Record(3, vec![None])
        ]
    );
}

#[test]
fn several_objects_on_a_line_are_all_read_unless_one_is_spoilt() {
    let mut sink = Collect::default();
    let text = "\n {\"a\":1} {\"a\":2}{\"a\":3}\t\r\n{\"a\":4}";
    let end = decoder(&["a"]).decode(text.as_bytes(), true, &mut sink);
    assert_eq!(sink.got, [record(1, &["1"]), record(1, &["2"]), record(1, &["3"]), record(2, &["4"])]);
    assert_eq!(sink.at, [1, 10, 17, 27]);
    assert_eq!((end.records, end.lines, end.blank_lines), (4, 2, 1));
    // One of them may be rejected for its value alone.
    assert_eq!(got(&["a"], r#"{"a":1}{"a":[]}"#), [record(0, &["1"]), Got::Reject(0, R10, Some(0))]);
    assert_eq!(got(&["a"], "{\"a\":1}{\"a\":2}x\n{\"a\":3}"), [reject(0, R10), record(1, &["3"])]);
    assert_eq!(got(&["a"], "{\"a\":1},{\"a\":2}"), [reject(0, R10)]);
    assert_eq!(got(&["a"], "{\"a\":1} # note"), [reject(0, R10)]);
}

#[test]
fn junk_lines_are_one_reject_each_with_a_reason() {
    let text = "INFO started\n[1]\n7\n\"x\"\nnull\n{\"a\":NaN}\n{'a':1}\n{\"a\":1,}\n{\"a\":1}\n";
    let mut sink = Collect::default();
    decoder(&["a"]).decode(text.as_bytes(), true, &mut sink);
    let mut expected: Vec<Got> = (0..8).map(|line| reject(line, R10)).collect();
    expected.push(record(8, &["1"]));
    assert_eq!(sink.got, expected);
    let messages: Vec<&str> = sink.rejects.iter().map(|reject| reject.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "this is not a JSON value (byte 1 of the line)",
            "not an object (byte 1 of the line)",
            "not an object (byte 1 of the line)",
            "not an object (byte 1 of the line)",
            "not an object (byte 1 of the line)",
            "NaN and Infinity are not JSON (byte 6 of the line)",
            "single quotes are not JSON (byte 2 of the line)",
            "a comma too many (byte 8 of the line)",
        ]
    );
    assert_eq!(sink.rejects[0].excerpt, b"INFO started");
}

#[test]
fn a_line_cut_off_at_the_end_is_told_from_one_inside() {
    let message = |text: &str| {
        let mut sink = Collect::default();
        decoder(&["a"]).decode(text.as_bytes(), true, &mut sink);
        sink.rejects.remove(0).message
    };
    assert_eq!(message("{\"a\":1"), "the record is cut off by the end of the input (byte 7 of the line)");
    assert_eq!(message("{\"a\":1\n"), "the text ends inside a value (byte 7 of the line)");
}

#[test]
fn without_the_last_piece_an_unfinished_line_waits() {
    let mut decoder = decoder(&["a"]);
    let mut sink = Collect::default();
    let end = decoder.decode(b"{\"a\":1}\n{\"a\":", false, &mut sink);
    assert_eq!((end.consumed, end.lines, end.records), (8, 1, 1));
    let end = decoder.decode(b"{\"a\":", false, &mut sink);
    assert_eq!(end, PieceEnd::default());
    let end = decoder.decode(b"{\"a\":2}", true, &mut sink);
    assert_eq!((end.consumed, end.lines, end.records), (7, 0, 1));
    assert_eq!(sink.got, [record(0, &["1"]), record(0, &["2"])]);
    assert_eq!(decoder.decode(b"", true, &mut sink), PieceEnd::default());
}

#[test]
fn text_that_is_not_utf8_or_half_a_pair_is_r03() {
    let bad = [&b"{\"a\":\"ok\"}\n{\"b\":\"\xff\",\"a\":1}\n{\"a\":\"ok\"}"[..]].concat();
    assert_eq!(got(&["a"], bad), [record(0, &["ok"]), reject(1, R03), record(2, &["ok"])]);
    assert_eq!(got(&["a"], r#"{"a":"\ud800"}"#), [Got::Reject(0, R03, None)]);
    assert_eq!(got(&["a"], r#"{"b":"\ud800","a":1}"#), [Got::Reject(0, R03, None)]);
    assert_eq!(got(&["a"], r#"{"\ud800":1,"a":1}"#), [Got::Reject(0, R03, None)]);
    assert_eq!(got(&["a"], r#"{"a":"x\u0000"}"#), [Got::Reject(0, R14, Some(0))]);
}

#[test]
fn depth_is_capped_in_used_and_unused_keys() {
    let nested = |depth: usize| format!("{{\"b\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(got(&["a"], nested(127)), [Got::Record(0, vec![None])]);
    assert_eq!(got(&["a"], nested(128)), [reject(0, R11)]);
    assert_eq!(got(&["b"], nested(128)), [reject(0, R11)]);
    assert_eq!(
        got(&["a"], format!("{}\n{{\"a\":1}}", nested(1_000_000))),
        [reject(0, R11), record(1, &["1"])]
    );
    // A wanted path may lead down to the last level.
    let path = vec!["k"; 128].join(".");
    let deep = format!("{}1{}", "{\"k\":".repeat(128), "}".repeat(128));
    assert_eq!(got(&[&path], deep), [record(0, &["1"])]);
    let path = vec!["k"; 129].join(".");
    let deep = format!("{}1{}", "{\"k\":".repeat(129), "}".repeat(129));
    assert_eq!(got(&[&path], deep), [reject(0, R11)]);
}

#[test]
fn records_and_fields_over_their_limits_are_r13() {
    let limits = Limits { max_record_bytes: 20, max_field_bytes: 5, max_field_lines: 0, ..Limits::default() };
    let run = |text: &str| {
        let mut sink = Collect::default();
        JsonDecoder::new(&[JsonPath::new("a")], limits).decode(text.as_bytes(), true, &mut sink);
        sink.got
    };
    let padded = |bytes: usize| format!("{{\"a\":1{}}}", " ".repeat(bytes - 7));
    assert_eq!(run(&padded(19)), [record(0, &["1"])]);
    assert_eq!(run(&padded(20)), [record(0, &["1"])]);
    assert_eq!(run(&format!("{}\n{{\"a\":2}}", padded(21))), [reject(0, R13), record(1, &["2"])]);
    assert_eq!(run("{\"a\":\"1234\"}"), [record(0, &["1234"])]);
    assert_eq!(run("{\"a\":\"12345\"}"), [record(0, &["12345"])]);
    assert_eq!(run("{\"a\":\"123456\"}"), [reject(0, R13)]);
    assert_eq!(run("{\"b\":123456}"), [reject(0, R13)], "wanted or not");
}

#[test]
fn an_endless_line_is_rejected_once_and_not_kept() {
    let limits = Limits { max_record_bytes: 20, ..Limits::default() };
    let mut decoder = JsonDecoder::new(&[JsonPath::new("a")], limits);
    let mut sink = Collect::default();
    let end = decoder.decode("{\"a\":1}\n{\"a\":\"xxxxxxxxxxxxxxxxxxxxxx".as_bytes(), false, &mut sink);
    assert_eq!((end.records, end.consumed), (2, 36));
    let end = decoder.decode(b"still the same line", false, &mut sink);
    assert_eq!((end.records, end.consumed, end.lines), (0, 19, 0));
    let end = decoder.decode(b"\"}\n{\"a\":2}\n", false, &mut sink);
    assert_eq!((end.records, end.consumed, end.lines, end.blank_lines), (1, 11, 2, 0));
    assert_eq!(sink.got, [record(0, &["1"]), reject(1, R13), record(1, &["2"])]);
}

#[test]
fn a_sample_flattens_objects_and_notes_kinds() {
    let head = "{\"u\":\"a\",\"p\":{\"price\":1.50,\"tags\":[1, 2]}}\n\nnoise\n{\"u\":7,\"p\":{\"price\":null},\"e\":{}}\n{\"cut\":";
    let seen = sample(head.as_bytes(), false, 10);
    assert_eq!(seen.form, JsonForm::Lines);
    let none = JsonKinds::default();
    let path = |path: &str, seen, kinds| PathSeen { path: path.into(), seen, kinds };
    assert_eq!(
        seen.paths,
        [
            path("u", 2, JsonKinds { text: true, number: true, ..none }),
            path("p.price", 2, JsonKinds { number: true, null: true, ..none }),
            path("p.tags", 1, JsonKinds { array: true, ..none }),
            path("e", 1, JsonKinds { object: true, ..none }),
        ]
    );
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        seen.rows,
        [vec![text("a"), text("1.50"), text("[1, 2]"), None], vec![text("7"), None, None, text("{}")]]
    );
    assert_eq!(sample(head.as_bytes(), false, 1).rows.len(), 1);
    assert_eq!(sample(head.as_bytes(), false, 0).rows.len(), 0);
}

#[test]
fn a_sample_stops_taking_objects_apart_at_six_keys() {
    let seven = "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":1}}}}}}}";
    let seen = sample(seven.as_bytes(), true, 1);
    assert_eq!(seen.paths[0].path, "a.b.c.d.e.f");
    assert!(seen.paths[0].kinds.object);
    assert_eq!(seen.rows, [vec![Some("{\"g\":1}".to_owned())]]);
}

#[test]
fn the_form_is_told_from_the_head() {
    let form = |head: &str| sample(head.as_bytes(), false, 5).form;
    assert_eq!(form("{\"a\":1}\n{\"a\":2}\n"), JsonForm::Lines);
    assert_eq!(form("{\"a\":1}{\"a\":2}"), JsonForm::Lines);
    assert_eq!(form("{\"a\":1"), JsonForm::Lines);
    assert_eq!(form("{\"a\":1\n{\"a\":2}\n"), JsonForm::Lines, "a cut first line");
    assert_eq!(form("oops\n{\"a\":2}\n"), JsonForm::Lines);
    assert_eq!(form(""), JsonForm::Lines);
    assert_eq!(form("{\n  \"a\": 1\n}\n"), JsonForm::Document);
    assert_eq!(form("{\n  \"a\": 1,"), JsonForm::Document);
    assert_eq!(form("{\n  \"a\": NaN\n}\n{"), JsonForm::Document, "an unsound first record");
    assert_eq!(form("[{\"a\":1},\n{"), JsonForm::Array);
    assert_eq!(form("[\n  {"), JsonForm::Array);
    assert_eq!(form("[1]\n[2]\n"), JsonForm::Lines);
    let rows = |head: &str, whole| sample(head.as_bytes(), whole, 5).rows.len();
    assert_eq!(rows("[{\"a\":1},\n{\"a\":2},{", false), 2);
    assert_eq!(rows("{\n\"a\":1\n}\n{\n\"a\":2", false), 1);
    assert_eq!(
        rows("[{\"a\":NaN},7,{\"a\":1},{\"a\":\"x\n},{\"a\":2}", false),
        1,
        "what reading passes over"
    );
    assert_eq!(rows("{\"a\":1}", true), 1);
    assert_eq!(rows("{\"a\":1}", false), 0, "perhaps cut");
}

#[test]
fn json_is_known_by_its_first_bytes() {
    for head in ["{\"a\"", " \n{ }", "{}", "[{", "[ {\"a\":1}]", "[ ]\n", "\u{feff}{\"a\":1}"] {
        assert!(looks_like_json(head.as_bytes()), "{head:?}");
    }
    for head in ["", "{", "[", "[1]", "{a", "user,time", "\"a\"", "{{x}}"] {
        assert!(!looks_like_json(head.as_bytes()), "{head:?}");
    }
}

proptest! {
    #[test]
    fn pieces_give_what_the_whole_gives(
        lines in prop::collection::vec("\\{\"a\":[0-9]\\}|\\{\"a\":\"[a\\\\]{0,3}\"\\}|x| |\\{\"b\":\\[\\]\\}\\{\"a\":2\\}|\\{\"a\":", 0..8),
        cut in 0_usize..200,
    ) {
        let text = lines.join("\n");
        let mut whole = Collect::default();
        let all = decoder(&["a"]).decode(text.as_bytes(), true, &mut whole);
        let cut = cut.min(text.len());
        let mut parts = Collect::default();
        let mut decoder = decoder(&["a"]);
        let first = decoder.decode(&text.as_bytes()[..cut], false, &mut parts);
        let lines_before = first.lines;
        let at_first = parts.got.len();
        let second = decoder.decode(&text.as_bytes()[first.consumed..], true, &mut parts);
        for got in &mut parts.got[at_first..] {
            match got {
                Got::Record(line, _) | Got::Reject(line, ..) => *line += lines_before,
            }
        }
        prop_assert_eq!(whole.got, parts.got);
        prop_assert_eq!(all.records, first.records + second.records);
        prop_assert_eq!(all.blank_lines, first.blank_lines + second.blank_lines);
        prop_assert_eq!(all.lines, first.lines + second.lines);
        prop_assert_eq!(all.consumed, first.consumed + second.consumed);
    }

    #[test]
    fn values_are_those_of_serde_json(
        keys in prop::collection::vec("[ab\\.\"é]{0,3}", 0..6),
        texts in prop::collection::vec(any::<String>(), 6),
    ) {
        let object: serde_json::Map<String, serde_json::Value> = keys.iter().cloned()
            .zip(texts.iter().map(|text| text.replace('\0', "").into())).collect();
        let line = serde_json::to_string(&object).unwrap();
        let expected = object.get("a.b").or_else(|| object.get("a")).and_then(|v| v.as_str()).map(str::to_owned);
        let wanted = if object.contains_key("a.b") { "a.b" } else { "a" };
        prop_assert_eq!(got(&[wanted], line), [Got::Record(0, vec![expected])]);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"{}[]\",:\\u0\n ".to_vec())], 0..60)) {
        let (_, end) = lines(&["a", "a.b"], &bytes);
        prop_assert_eq!(end.consumed, bytes.len());
        prop_assert!(sample(&bytes, true, 3).rows.len() <= 3);
    }
}
