//! The guess on small texts, each worked out by hand.

use super::*;
use crate::event::excerpt::shown;
use proptest::prelude::*;

fn guess(text: &str) -> Result<Sniffed, DialectError> {
    sniff(text.as_bytes(), true, &DialectHints::default(), &|_| true)
}

fn guess_with(text: &str, hints: DialectHints) -> Result<Sniffed, DialectError> {
    sniff(text.as_bytes(), true, &hints, &|_| true)
}

fn requiring(names: &[&str]) -> DialectHints {
    DialectHints { required: names.iter().map(|&name| name.to_owned()).collect(), ..DialectHints::default() }
}

#[test]
fn every_delimiter_is_found() {
    for delimiter in [',', ';', '\t', '|'] {
        let text = "user,event,price\nu1,view,1.5\nu2,cart,2.5\n".replace(',', &delimiter.to_string());
        let sniffed = guess(&text).expect("a plain text");
        assert_eq!(sniffed.dialect, Dialect { delimiter: delimiter as u8, ..Dialect::default() });
        assert_eq!(sniffed.columns, ["user", "event", "price"]);
        assert_eq!((sniffed.data_offset, sniffed.data_line), (17, 1));
        assert_eq!(sniffed.header_record.as_deref(), Some(&text.as_bytes()[..16]));
        let row = |values: [&str; 3]| values.map(|value| Some(value.to_owned())).to_vec();
        assert_eq!(sniffed.sample, [row(["u1", "view", "1.5"]), row(["u2", "cart", "2.5"])]);
        assert_eq!(sniffed.notes, Vec::<String>::new());
    }
}

#[test]
fn decimal_commas_do_not_delimit() {
    let sniffed = guess("a;b;c\n1,5;2,5;3,5\n4,5;5,5;6,5\n").expect("semicolons");
    assert_eq!((sniffed.dialect.delimiter, sniffed.columns.len()), (b';', 3));
    // Nor do the semicolons of an unquoted user agent, though they are in every row.
    let sniffed = guess("user,agent\nu1,Mozilla (X11; Linux)\nu2,Mozilla (Mac; OS)\n").expect("commas");
    assert_eq!(sniffed.columns, ["user", "agent"]);
}

#[test]
fn quoted_breaks_and_delimiters_are_no_noise() {
    let sniffed = guess("user,note\r\nu1,\"a;b;\r\nc,\"\"d\"\"\"\r\nu2,x\r\n").expect("commas");
    assert_eq!(sniffed.sample[0][1].as_deref(), Some("a;b;\r\nc,\"d\""));
    assert_eq!((sniffed.data_offset, sniffed.data_line), (11, 1));
}

#[test]
fn lines_before_the_header_are_skipped() {
    let text = "Report of May\n\n# made, by \"us\nuser;event\nu1;view\nu2;cart\n";
    let sniffed = guess_with(text, requiring(&["user", "event"])).expect("the header has the names");
    assert_eq!((sniffed.dialect.delimiter, sniffed.dialect.preamble_lines), (b';', 3));
    assert_eq!((sniffed.data_offset, sniffed.data_line), (41, 4));
    assert_eq!(sniffed.skipped_lines, 3);
    assert_eq!(guess("\n \nuser;event\nu1;view\n").expect("blank lines").skipped_lines, 0);
    let sniffed = guess("Report of May\nuser;event\nu1;view\nu2;cart\n").expect("a block of two columns");
    assert_eq!((sniffed.columns, sniffed.dialect.preamble_lines), (vec!["user".into(), "event".into()], 1));
    let hints = DialectHints { skip_lines: Some(1), ..DialectHints::default() };
    let sniffed = guess_with("a,b\nuser,event\nu1,view\n", hints).expect("told to skip");
    assert_eq!(
        (sniffed.columns, sniffed.dialect.preamble_lines, sniffed.data_line, sniffed.skipped_lines),
        (vec!["user".into(), "event".into()], 1, 2, 0)
    );
}

#[test]
fn required_names_decide_and_their_absence_stops() {
    // By counts alone the comma wins.
    let text = "a,b,c;user\n1,2,3;u1\n";
    let sniffed = guess_with(text, requiring(&["User "])).expect("names are equal but for case and blanks");
    assert_eq!(sniffed.columns, ["a,b,c", "user"]);
    let error = guess_with("user,event\nu1,view\n", requiring(&["user", "time"])).expect_err("no time");
    let columns = vec!["user".to_owned(), "event".to_owned()];
    assert_eq!(error, DialectError::MissingColumns { missing: vec!["time".to_owned()], columns });
    assert_eq!(shown(&error.to_string()), "no column `time`; the header has `user`, `event`");
}

#[test]
fn columns_that_are_not_wanted_are_left_out_of_the_sample() {
    let text = "user,event,note\nu1,view,\"a,b\"\nu2,cart,\nu3\n";
    let wanted = |name: &str| name == "event";
    let sniffed = sniff(text.as_bytes(), true, &requiring(&["user"]), &wanted).expect("commas");
    assert_eq!(sniffed.columns, ["user", "event", "note"]);
    let row = |event: &str| vec![None, Some(event.to_owned())];
    assert_eq!(sniffed.sample, [row("view"), row("cart")]);
    // Whether the first line is a header is judged by all columns.
    let data = "15174,2020-07-30,view\n15175,2020-07-31,cart\n";
    let error = sniff(data.as_bytes(), true, &DialectHints::default(), &wanted).expect_err("no header");
    assert!(matches!(error, DialectError::HeaderLooksLikeData { .. }));
}

#[test]
fn names_are_found_in_any_case_and_script() {
    for (name, header) in [("user", " USER \t,event"), ("ИМЯ", "имя,event"), ("k", "\u{212A},event")] {
        let sniffed = guess_with(&format!("{header}\nu1,view\n"), requiring(&[name, "Event"]));
        assert_eq!(sniffed.expect(name).columns.len(), 2);
    }
}

#[test]
fn one_column_needs_a_word() {
    assert_eq!(guess("user\nu1\nu2\n"), Err(DialectError::NoDelimiter));
    let forced = DialectHints { delimiter: Some(b','), ..DialectHints::default() };
    for hints in [forced, requiring(&["user"])] {
        let sniffed = guess_with("user\nu1\nu2\n", hints).expect("one column");
        assert_eq!((sniffed.columns.len(), sniffed.sample.len()), (1, 2));
    }
}

#[test]
fn a_first_line_of_data_stops_with_a_suggestion() {
    let text = "15174,2020-07-30T23:17:36,view\n15175,2020-07-30T23:18:00,cart\n";
    let error = guess(text).expect_err("no header");
    let hint = "name the columns: --no-header --columns column_1,column_2,column_3";
    assert_eq!(error.hint().as_deref(), Some(hint));
    let without = DialectHints { header: Some(false), ..DialectHints::default() };
    let sniffed = guess_with(text, without).expect("told that there is none");
    assert_eq!(sniffed.columns, ["column_1", "column_2", "column_3"]);
    assert_eq!((sniffed.data_offset, sniffed.data_line, sniffed.sample.len()), (0, 0, 2));
    assert_eq!((sniffed.header_record, sniffed.dialect.header), (None, false));
    let names = |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect());
    let named = DialectHints { columns: names(&["user", "time", "event"]), ..DialectHints::default() };
    assert_eq!(guess_with(text, named).expect("named").columns, ["user", "time", "event"]);
    let two = DialectHints { columns: names(&["user", "time"]), ..DialectHints::default() };
    assert_eq!(guess_with(text, two), Err(DialectError::ColumnCount { given: 2, found: 3 }));
    let believed = DialectHints { header: Some(true), ..DialectHints::default() };
    assert_eq!(guess_with(text, believed).expect("told that there is one").sample.len(), 1);
}

#[test]
fn ragged_records_are_borne_up_to_half() {
    let hints = || requiring(&["user"]);
    // The header and one record fit, with the others: 2 of 4, 2 of 5.
    assert!(guess_with("user,event\nu,v\nu\nu\n", hints()).is_ok());
    let error = guess_with("user,event\nu,v\nu\nu\nu\n", hints()).expect_err("mostly ragged");
    assert!(matches!(error, DialectError::Ragged { .. }), "{error}");
    // Empty fields too many are no matter.
    let sniffed = guess("user,event\nu,v,\nu,v,,\nu,v,\n").expect("trailing commas");
    assert_eq!((sniffed.columns.len(), sniffed.sample.len(), sniffed.sample[0].len()), (2, 3, 2));
}

#[test]
fn backslashes_escape_only_if_that_mends_every_record() {
    let text = "user,note\nu1,\"say \\\"hi, you\\\"\"\nu2,x\n";
    let sniffed = guess(text).expect("escapes");
    assert_eq!(sniffed.dialect.escape, Some(b'\\'));
    assert_eq!(sniffed.sample[0][1].as_deref(), Some("say \"hi, you\""));
    assert_eq!(sniffed.notes.len(), 1);
    // A Windows path before a closing quote is sound without.
    assert_eq!(guess("user,path\nu1,\"C:\\\"\nu2,x\n").expect("no escapes").dialect.escape, None);
}

#[test]
fn blank_and_doubled_names_are_kept_and_told() {
    let sniffed = guess("id,,event,event,\n1,2,view,x,\n").expect("a header");
    assert_eq!(sniffed.columns, ["id", "", "event", "event", ""]);
    assert_eq!(sniffed.duplicates, ["event"]);
}

#[test]
fn nothing_and_little() {
    for text in ["", "\n", " \n\r\n"] {
        assert_eq!(guess(text), Err(DialectError::Empty), "{text:?}");
    }
    let sniffed = guess("user,event").expect("a header alone");
    assert_eq!((sniffed.sample.len(), sniffed.data_offset, sniffed.data_line), (0, 10, 0));
}

#[test]
fn carriage_returns_alone_are_the_border() {
    let sniffed = guess("user,event\ru1,view\ru2,cart\r").expect("CR only");
    assert_eq!((sniffed.dialect.border, sniffed.sample.len(), sniffed.data_offset), (b'\r', 2, 11));
    assert_eq!(guess("user,event\r\nu1,view\r\n").expect("CRLF").dialect.border, b'\n');
}

#[test]
fn the_last_record_of_a_part_is_not_judged() {
    let text = "user,event\nu1,view\nu2";
    assert_eq!(
        sniff(text.as_bytes(), false, &DialectHints::default(), &|_| true).expect("a part").evidence,
        "comma: 2 columns in 2 of 2 sampled records, the header included"
    );
    assert_eq!(
        guess(text).expect("the whole").evidence,
        "comma: 2 columns in 2 of 3 sampled records, the header included"
    );
}

#[test]
fn other_quotes_and_none() {
    let quoting = |quoting| DialectHints { quoting: Some(quoting), ..DialectHints::default() };
    let sniffed = guess_with("a,b\n'x,y',\"\n", quoting(Quoting::By(b'\''))).expect("single quotes");
    assert_eq!(sniffed.sample[0][0].as_deref(), Some("x,y"));
    let sniffed = guess_with("a\tb\n\"x\ty\n", quoting(Quoting::Never)).expect("no quotes");
    assert_eq!(sniffed.sample[0][0].as_deref(), Some("\"x"));
}

#[test]
fn a_header_with_an_unclosed_quote_is_none() {
    let semicolons = || DialectHints { delimiter: Some(b';'), ..DialectHints::default() };
    let sniffed = guess_with("a;\"b\nc;d\ne;f\n", semicolons()).expect("a block behind the first line");
    assert_eq!((sniffed.columns, sniffed.dialect.preamble_lines), (vec!["c".into(), "d".into()], 1));
    let skipping = DialectHints { skip_lines: Some(0), ..semicolons() };
    assert_eq!(guess_with("a;\"b\nc;d\ne;f\n", skipping), Err(DialectError::NoDelimiter));
    let named = DialectHints { required: vec!["a".to_owned()], ..semicolons() };
    assert!(guess_with("a;\"b\nc;d\ne;f\n", named).is_err());
}

#[test]
fn the_sample_is_bounded() {
    for (records, sampled) in [(999, 999), (1_000, 1_000), (1_001, 1_000)] {
        let text = format!("user,event\n{}", "u1,view\n".repeat(records));
        assert_eq!(guess(&text).expect("a plain text").sample.len(), sampled);
        let without = DialectHints { header: Some(false), ..DialectHints::default() };
        assert_eq!(guess_with(&text, without).expect("told").sample.len(), SAMPLE_RECORDS);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_and_no_hints_break_the_guess(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                &b"a"[..], b"user", b"17", b",", b";", b"\t", b"\"", b"\\\"", b"\n", b"\r\n", b" ", b"\0", b"\xFF",
            ]),
            0..120,
        ),
        whole in any::<bool>(),
        header in any::<Option<bool>>(),
        skip_lines in prop::option::of(0_u64..4),
        named in any::<bool>(),
        delimiter in prop::option::of(Just(b';')),
    ) {
        let head = parts.concat();
        let required = if named { vec!["user".to_owned()] } else { vec![] };
        let hints = DialectHints { header, skip_lines, required, delimiter, ..DialectHints::default() };
        if let Ok(sniffed) = sniff(&head, whole, &hints, &|_| true) {
            prop_assert!(sniffed.data_offset <= head.len());
            prop_assert_eq!(sniffed.data_line, count_lines(&head[..sniffed.data_offset]));
            prop_assert!(sniffed.sample.iter().all(|row| row.len() == sniffed.columns.len()));
            prop_assert_eq!(sniffed.header_record.is_some(), header.unwrap_or(true));
        }
    }
}

#[test]
fn most_records_shorter_than_the_header_are_ragged() {
    let text = "user,event,price\nu1,2026-01-01\nu2,2026-01-02\nu3,2026-01-03\nu4,2026-01-04,7\n";
    let error = guess(text).expect_err("most records are short");
    let tried = vec![Tried { delimiter: b',', columns: 3, fitting: 2, records: 5 }];
    assert_eq!(error, DialectError::Ragged { tried });
    // No row has as many fields as the first line: it is no header of them.
    let error = guess("Orders, of,May\nu1,2026-01-01\nu2,2026-01-02\n").expect_err("there is no header");
    assert_eq!(
        error.to_string(),
        "line 2, the first with 2 fields as most lines have, looks like data, not like column names"
    );
}

#[test]
fn a_table_before_the_header_stops() {
    let older = "user,time,event,city\nu1,2026-01-01,view,Rome\nu2,2026-01-02,view,Rome\n";
    let text = format!("{older}user,time,event\n{}", "u3,2026-01-03,view\n".repeat(4));
    let error = guess(&text).expect_err("two exports");
    assert_eq!(error, DialectError::TableBefore { lines: 3, rows: 3, columns: 4 });
    let skipping = DialectHints { skip_lines: Some(3), ..DialectHints::default() };
    assert_eq!(guess_with(&text, skipping).expect("told to skip").sample.len(), 4);
    // A name that only the newer export has does not make the older one lines to be passed over.
    let renamed = text.replacen("time", "when", 1);
    assert!(matches!(guess_with(&renamed, requiring(&["time"])), Err(DialectError::TableBefore { .. })));
}
