use super::*;
use RejectCode::*;
use proptest::prelude::*;

/// What a sink was given: lines and bytes before, and the fields, or the code and the slot.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Got {
    Record(u64, u64, Vec<Option<String>>),
    Reject(u64, u64, RejectCode, Option<usize>),
}

#[derive(Default)]
struct Collect {
    got: Vec<Got>,
    messages: Vec<String>,
    /// Before the piece at hand.
    lines: u64,
    bytes: u64,
}

impl RecordSink for Collect {
    fn record(&mut self, at: RecordAt, fields: &[Field<'_>]) {
        let text = |field: &Field<'_>| match field {
            Field::Text(text) => Some(String::from_utf8(text.to_vec()).expect("UTF-8")),
            _ => None,
        };
        let (lines, bytes) = (self.lines + at.lines_before, self.bytes + at.bytes_before);
        self.got.push(Got::Record(lines, bytes, fields.iter().map(text).collect()));
    }

    fn reject(&mut self, reject: Reject) {
        let (lines, bytes) = (self.lines + reject.at.lines_before, self.bytes + reject.at.bytes_before);
        self.got.push(Got::Reject(lines, bytes, reject.code, reject.slot));
        self.messages.push(reject.message);
    }
}

fn decoder(format: &str, wanted: &[&str], limits: Limits) -> AccessLogDecoder {
    let format = LogFormat::parse(format).expect("a format");
    let names: Vec<&str> = format.columns().collect();
    let wanted: Vec<usize> = wanted
        .iter()
        .map(|wanted| names.iter().position(|name| name == wanted).expect("a column of the format"))
        .collect();
    AccessLogDecoder::new(&format, &wanted, limits)
}

fn decode(format: &str, wanted: &[&str], text: &[u8]) -> Collect {
    let mut sink = Collect::default();
    let end = decoder(format, wanted, Limits::default()).decode(text, true, &mut sink);
    assert_eq!((end.records, end.consumed), (sink.got.len() as u64, text.len()));
    sink
}

/// The fields of a line's only record.
fn fields(format: &str, wanted: &[&str], line: &str) -> Vec<Option<String>> {
    match decode(format, wanted, line.as_bytes()).got.as_slice() {
        [Got::Record(0, 0, fields)] => fields.clone(),
        other => panic!("{line}: {other:?}"),
    }
}

fn texts(fields: &[&str]) -> Vec<Option<String>> {
    fields.iter().map(|&text| (text != "NULL").then(|| text.to_owned())).collect()
}

const ALL: [&str; 13] = [
    "host",
    "ident",
    "user",
    "time",
    "method",
    "url",
    "path",
    "query",
    "protocol",
    "status",
    "bytes",
    "referer",
    "user_agent",
];

/// The line of the Apache manual.
const MANUAL: &str = r#"127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326 "http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)""#;

#[test]
fn a_line_has_all_its_columns() {
    let expected = texts(&[
        "127.0.0.1",
        "NULL",
        "frank",
        "10/Oct/2000:13:55:36 -0700",
        "GET",
        "/apache_pb.gif",
        "/apache_pb.gif",
        "NULL",
        "HTTP/1.0",
        "200",
        "2326",
        "http://www.example.com/start.html",
        "Mozilla/4.08 [en] (Win98; I ;Nav)",
    ]);
    assert_eq!(fields("combined", &ALL, MANUAL), expected);
    assert_eq!(fields("combined", &ALL, &format!("{MANUAL}\r\n")), expected);
    // In any order and more than once.
    let wanted = ["user_agent", "request", "url", "host", "method", "url"];
    let expected = texts(&[
        "Mozilla/4.08 [en] (Win98; I ;Nav)",
        "GET /apache_pb.gif HTTP/1.0",
        "/apache_pb.gif",
        "127.0.0.1",
        "GET",
        "/apache_pb.gif",
    ]);
    assert_eq!(fields("combined", &wanted, MANUAL), expected);
}

#[test]
fn dashes_and_empty_values_are_missing() {
    let line = r#"::1 - - [10/Oct/2000:13:55:36 -0700] "-" 408 - "-" """#;
    let expected =
        texts(&["::1", "NULL", "NULL", "10/Oct/2000:13:55:36 -0700", "NULL", "NULL", "NULL", "NULL", "NULL"]);
    let found = fields("combined", &ALL, line);
    assert_eq!(found[..9], expected);
    assert_eq!(found[9..], texts(&["408", "NULL", "NULL", "NULL"]));
}

#[test]
fn requests_that_are_none_leave_the_line_sound() {
    for (request, expected) in [
        (r"\x16\x03\x01\x02", ["NULL", "NULL", "NULL", r"\x16\x03\x01\x02"]),
        ("", ["NULL", "NULL", "NULL", "NULL"]),
        (
            "GET /?q=a?b=\\\"c\\\" HTTP/1.1",
            ["GET", "/?q=a?b=\"c\"", "q=a?b=\"c\"", "GET /?q=a?b=\"c\" HTTP/1.1"],
        ),
        (r"GET /\xd7\xa9 HTTP/1.1", ["GET", "/ש", "NULL", "GET /ש HTTP/1.1"]),
        (r"GET /\xff HTTP/1.1", ["GET", r"/\xff", "NULL", r"GET /\xff HTTP/1.1"]),
        ("GET /a? HTTP/1.1", ["GET", "/a?", "NULL", "GET /a? HTTP/1.1"]),
        ("GET", ["NULL", "NULL", "NULL", "GET"]),
    ] {
        let line = format!(r#"h - - [t] "{request}" 400 0"#);
        assert_eq!(
            fields("common", &["method", "url", "query", "request"], &line),
            texts(&expected),
            "{request}"
        );
    }
}

#[test]
fn a_user_may_have_blanks_and_a_host_a_port() {
    let line = r#"shop.example:443 10.0.0.1 - ann lee [t] "GET / HTTP/2.0" 304 -"#;
    let found = fields("vhost_common", &["vhost", "port", "user", "status", "bytes"], line);
    assert_eq!(found, texts(&["shop.example", "443", "ann lee", "304", "NULL"]));
}

#[test]
fn formats_of_a_user_are_followed() {
    let nginx = r#"$remote_addr [$time_iso8601] "$request_uri" ${status} $request_time;"#;
    let line = r#"10.0.0.1 [2026-01-31T10:00:00+02:00] "/a?b=c" 200 0.004;"#;
    let found = fields(nginx, &["host", "time", "url", "path", "query", "duration_s"], line);
    assert_eq!(found, texts(&["10.0.0.1", "2026-01-31T10:00:00+02:00", "/a?b=c", "/a", "b=c", "0.004"]));
    let apache = "%t %m %U%q %s";
    for (line, expected) in
        [("[t] GET /a?b=c 200", ["/a?b=c", "/a", "b=c"]), ("[t] GET /a 200", ["/a", "/a", "NULL"])]
    {
        assert_eq!(fields(apache, &["url", "path", "query"], line), texts(&expected));
    }
}

#[test]
fn faulty_lines_are_rejected_with_their_reason() {
    let wanted = ["host", "time", "url", "status", "referer"];
    for (line, code, slot, message) in [
        ("h - -", R01, Some(1), "the line ends before the time (byte 6 of the line)"),
        (
            "h - - [t] \"GET / HTTP/1.0\" 200 1",
            R01,
            Some(4),
            "the line ends before the referer (byte 33 of the line)",
        ),
        (
            "h - - [t] \"GET / HTTP/1.0\" 200 1 \"-\" \"-\" x",
            R02,
            None,
            "the line goes on behind its last value (byte 41 of the line)",
        ),
        (
            "h - - [t] \"GET / HTTP/1.0 200 1",
            R15,
            Some(2),
            "the quote of the request is never closed (byte 11 of the line)",
        ),
        (
            "h - - [t] \"GET / HTTP/1.0\\\" 200 1",
            R15,
            Some(2),
            "the quote of the request is never closed (byte 11 of the line)",
        ),
        (
            "h - - [t] \"GET /\"x HTTP/1.0\" 200 1 \"-\" \"-\"",
            R15,
            Some(2),
            "a quote that is not escaped, before the status (byte 17 of the line)",
        ),
        (
            "h - - [t] \"GET / HTTP/1.0\" OK 1 \"-\" \"-\"",
            R09,
            Some(3),
            "the status is not a number of three digits (byte 28 of the line)",
        ),
        (
            "h - - [t] \"GET / HTTP/1.0\" 200 1k \"-\" \"-\"",
            R09,
            None,
            "the bytes is not a number (byte 32 of the line)",
        ),
        (
            "h - - [t] \"GET / HTTP/1.0\" 200 1 \"-\" \"Moz",
            R15,
            None,
            "the quote of the user_agent is never closed (byte 38 of the line)",
        ),
        (
            "h - - [t] \"GET /\u{0} HTTP/1.0\" 200 1 \"-\" \"-\"",
            R14,
            None,
            "a NUL byte (byte 17 of the line)",
        ),
    ] {
        let told = decode("combined", &wanted, line.as_bytes());
        assert_eq!(told.got, [Got::Reject(0, 0, code, slot)], "{line}");
        assert_eq!(told.messages, [message], "{line}");
    }
    let told = decode("common", &wanted[..4], b"h - - [t] \"GET /\xff HTTP/1.0\" 200 1");
    assert_eq!(told.got, [Got::Reject(0, 0, R03, None)]);
    assert_eq!(told.messages, ["not UTF-8 (byte 17 of the line)"]);
}

#[test]
fn places_are_those_of_the_whole_input() {
    let line = r#"h - - [t] "GET / HTTP/1.0" 200 1"#;
    let text = format!("{line}\n\n \nbad\n{line}");
    let told = decode("common", &["host"], text.as_bytes());
    let host = texts(&["h"]);
    let length = line.len() as u64;
    assert_eq!(
        told.got,
        [
            Got::Record(0, 0, host.clone()),
            Got::Reject(3, length + 4, R01, None),
            Got::Record(4, length + 8, host)
        ]
    );
}

#[test]
fn records_and_fields_have_limits() {
    let line = |path: usize| format!(r#"h - - [t] "GET /{} HTTP/1.0" 200 1"#, "x".repeat(path));
    let limits =
        Limits { max_record_bytes: 100, max_field_bytes: 40, max_field_lines: 1, ..Limits::default() };
    // `GET / HTTP/1.0` has 14 bytes, all of the line 33.
    for (path, expected) in [(26, None), (27, Some(R13)), (67, Some(R13)), (68, Some(R13))] {
        let mut sink = Collect::default();
        decoder("common", &["host"], limits).decode(line(path).as_bytes(), true, &mut sink);
        let code = match sink.got[..] {
            [Got::Record(..)] => None,
            [Got::Reject(_, _, code, _)] => Some(code),
            _ => panic!("{:?}", sink.got),
        };
        assert_eq!(code, expected, "{path}");
    }
    // A line without an end is let go of, and its rest passed over.
    let mut decoder = decoder("common", &["host"], limits);
    let mut sink = Collect::default();
    let end = decoder.decode(&[b'x'; 101], false, &mut sink);
    assert_eq!((end.records, end.consumed), (1, 101));
    let rest = format!("xxx\n{}", line(1));
    let end = decoder.decode(rest.as_bytes(), true, &mut sink);
    assert_eq!((end.records, end.consumed), (1, rest.len()));
    assert!(matches!(sink.got[..], [Got::Reject(_, _, R13, _), Got::Record(1, 4, _)]), "{:?}", sink.got);
}

#[test]
fn a_sample_has_the_first_records() {
    let format = LogFormat::parse("common").expect("known");
    let line = "h - - [t] \"GET / HTTP/1.0\" 200 1\n";
    let head = format!("bad\n{}", line.repeat(5));
    assert_eq!(sample(&format, head.as_bytes(), true, 3).len(), 3);
    assert_eq!(sample(&format, head.as_bytes(), true, 9).len(), 5);
    assert_eq!(sample(&format, &head.as_bytes()[..head.len() - 1], false, 9).len(), 4);
    assert_eq!(sample(&format, line.as_bytes(), true, 9)[0][0].as_deref(), Some("h"));
}

/// A combined line read byte by byte, in a way of its own: host, user, time, request as it stands,
/// status, bytes, referer and agent; `None` for an unsound one.
fn read_slowly(line: &str) -> Option<[String; 8]> {
    let mut rest = line;
    let mut take = |end: &str| -> Option<String> {
        let mut value = String::new();
        loop {
            if let Some(behind) = rest.strip_prefix(end) {
                rest = behind;
                return Some(value);
            }
            let mut signs = rest.chars();
            value.push(signs.next()?);
            rest = signs.as_str();
        }
    };
    let host = take(" ")?;
    take(" ")?;
    let user = take(" [")?;
    let time = take("] \"")?;
    let mut rest = rest.chars().peekable();
    let quoted = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>| -> Option<String> {
        let mut value = String::new();
        loop {
            match rest.next()? {
                '"' => return Some(value),
                '\\' => value.extend(['\\', rest.next()?]),
                sign => value.push(sign),
            }
        }
    };
    let word = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>| -> String {
        std::iter::from_fn(|| rest.next_if(|sign| *sign != ' ' && *sign != '"')).collect()
    };
    let expect = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>, text: &str| -> Option<()> {
        text.chars().all(|sign| rest.next_if_eq(&sign).is_some()).then_some(())
    };
    let request = quoted(&mut rest)?;
    expect(&mut rest, " ")?;
    let status = word(&mut rest);
    expect(&mut rest, " ")?;
    let bytes = word(&mut rest);
    expect(&mut rest, " \"")?;
    let referer = quoted(&mut rest)?;
    expect(&mut rest, " \"")?;
    let agent = quoted(&mut rest)?;
    let is_digits = |text: &str| !text.is_empty() && text.chars().all(|sign| sign.is_ascii_digit());
    let status_is_sound = status == "-" || status.len() == 3 && is_digits(&status);
    let bytes_are_sound = bytes == "-" || is_digits(&bytes);
    let is_sound = rest.next().is_none() && status_is_sound && bytes_are_sound;
    is_sound.then_some([host, user, time, request, status, bytes, referer, agent])
}

const WHOLE: [&str; 8] = ["host", "user", "time", "request", "status", "bytes", "referer", "user_agent"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn spoilt_lines_are_read_as_a_slow_walk_reads_them(
        spoils in prop::collection::vec((0..MANUAL.len(), "[-\"\\\\ \\[\\]0xא]{0,2}", 0..3_usize), 0..4),
    ) {
        let mut line = MANUAL.to_owned();
        for (at, text, dropped) in spoils {
            let signs: Vec<char> = line.chars().collect();
            let at = at.min(signs.len());
            let behind = (at + dropped).min(signs.len());
            line = signs[..at].iter().chain(&text.chars().collect::<Vec<_>>()).chain(&signs[behind..]).collect();
        }
        let told = decode("combined", &WHOLE, line.as_bytes()).got;
        match (read_slowly(&line), &told[..]) {
            (Some(expected), [Got::Record(0, 0, fields)]) => {
                for (name, (expected, found)) in WHOLE.iter().zip(expected.iter().zip(fields)) {
                    let quoted = matches!(*name, "request" | "referer" | "user_agent");
                    let mut text = Vec::new();
                    let undone = quoted && expected.contains('\\') && unescape(expected.as_bytes(), &mut text);
                    let text = if undone { String::from_utf8(text).expect("UTF-8") } else { expected.clone() };
                    let expected = (!text.is_empty() && text != "-").then_some(text);
                    prop_assert_eq!(&expected, found, "{} of {}", name, line);
                }
            }
            (None, [Got::Reject(..)]) => {}
            (slow, fast) => prop_assert!(false, "{line}: {slow:?} and {fast:?}"),
        }
    }

    #[test]
    fn pieces_are_read_as_the_whole(
        lines in prop::collection::vec(
            prop_oneof![Just(MANUAL.to_owned()), Just(String::new()), "[ -~א]{0,60}", Just("x".repeat(300))], 0..8),
        cuts in prop::collection::vec(any::<bool>(), 8),
        small in any::<bool>(),
    ) {
        let limits = Limits { max_record_bytes: if small { 200 } else { 2 << 20 }, ..Limits::default() };
        let text = lines.join("\n");
        let mut whole = Collect::default();
        decoder("combined", &["url", "host"], limits).decode(text.as_bytes(), true, &mut whole);
        let mut decoder = decoder("combined", &["url", "host"], limits);
        let mut pieces = Collect::default();
        let mut start = 0;
        let newlines: Vec<usize> = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1).collect();
        let ends = newlines.into_iter().zip(&cuts).filter(|(_, cut)| **cut).map(|(end, _)| end);
        for end in ends.chain([text.len()]) {
            let done = decoder.decode(&text.as_bytes()[start..end], end == text.len(), &mut pieces);
            start += done.consumed;
            pieces.lines += done.lines;
            pieces.bytes = start as u64;
        }
        prop_assert_eq!(pieces.got, whole.got);
    }

    #[test]
    fn no_bytes_panic_and_every_line_is_told(bytes in prop::collection::vec(any::<u8>(), 0..300), format in 0..5_usize) {
        let format = ["common", "combined", "vhost_common", "main", "%t %U%q $x"][format];
        let mut sink = Collect::default();
        let end = decoder(format, &["time"], Limits::default()).decode(&bytes, true, &mut sink);
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.iter().all(u8::is_ascii_whitespace));
        prop_assert_eq!(end.records, lines.count() as u64);
        prop_assert_eq!(end.records, sink.got.len() as u64);
        LogFormat::detect(&bytes, true);
        let _ = LogFormat::parse(&String::from_utf8_lossy(&bytes));
    }
}
