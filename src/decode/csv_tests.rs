//! The decoder against the `csv` crate on random bytes, and rejects by hand.

use super::*;
use proptest::prelude::*;
use std::path::PathBuf;

/// Everything a sink is told, with owned texts; places as (lines, bytes).
#[derive(Debug, Clone, PartialEq)]
enum Told {
    Record { at: (u64, u64), fields: Vec<Vec<u8>> },
    Reject { at: (u64, u64), code: RejectCode, slot: Option<usize> },
}

#[derive(Debug, Default)]
struct Recorder {
    told: Vec<Told>,
    /// Lines and bytes before the piece at hand.
    before: (u64, u64),
}

impl Recorder {
    fn place(&self, at: RecordAt) -> (u64, u64) {
        (self.before.0 + at.lines_before, self.before.1 + at.bytes_before)
    }

    fn codes(&self) -> Vec<(RejectCode, u64)> {
        let code = |told: &Told| match told {
            Told::Reject { at, code, .. } => Some((*code, at.0 + 1)),
            Told::Record { .. } => None,
        };
        self.told.iter().filter_map(code).collect()
    }

    fn records(&self) -> Vec<Vec<String>> {
        let text = |field: &Vec<u8>| String::from_utf8(field.clone()).expect("records are UTF-8");
        let fields = |told: &Told| match told {
            Told::Record { fields, .. } => Some(fields.iter().map(text).collect()),
            Told::Reject { .. } => None,
        };
        self.told.iter().filter_map(fields).collect()
    }
}

impl RecordSink for Recorder {
    fn record(&mut self, at: RecordAt, fields: &[Field<'_>]) {
        let owned = |field: &Field<'_>| match field {
            Field::Text(text) => text.to_vec(),
            other => panic!("the decoder only gives text, not {other:?}"),
        };
        self.told.push(Told::Record { at: self.place(at), fields: fields.iter().map(owned).collect() });
    }

    fn reject(&mut self, reject: Reject) {
        let Reject { code, slot, .. } = reject;
        self.told.push(Told::Reject { at: self.place(reject.at), code, slot });
    }
}

/// The wanted fields of a sound record, or why it is not one.
type Judged = Result<Vec<Vec<u8>>, RejectCode>;

fn decoder(columns: usize, wanted: &[usize]) -> CsvDecoder {
    CsvDecoder::new(Dialect::default(), columns, wanted, None, Limits::default())
}

const SIGNS: Signs = Signs { delimiter: b',', quote: Some(b'"') };

/// All levels with windows of few blocks and of the usual number.
fn levels_and_windows() -> impl Iterator<Item = (Level, usize)> {
    Level::all().flat_map(|level| [1, 2, 3, 256].map(|blocks| (level, blocks)))
}

fn decode(decoder: &mut CsvDecoder, bytes: &[u8]) -> (Recorder, PieceEnd) {
    let mut recorder = Recorder::default();
    let end = decoder.decode(bytes, true, &mut recorder);
    (recorder, end)
}

/// As a caller does: pieces cut behind every `border`, the rest of one carried into the next.
fn decode_in_pieces(decoder: &mut CsvDecoder, bytes: &[u8], border: u8) -> (Recorder, PieceEnd) {
    let mut recorder = Recorder::default();
    let mut total = PieceEnd::default();
    let mut carried: Vec<u8> = Vec::new();
    let pieces: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == border).collect();
    for (index, piece) in pieces.iter().enumerate() {
        carried.extend_from_slice(piece);
        let end = decoder.decode(&carried, index + 1 == pieces.len(), &mut recorder);
        total.records += end.records;
        total.blank_lines += end.blank_lines;
        total.lines += end.lines;
        total.consumed += end.consumed;
        total.stray_quotes += end.stray_quotes;
        total.empty_tails += end.empty_tails;
        total.rows_in_text += end.rows_in_text;
        let place = |at| recorder.place(at);
        let first = end.first_rows_in_text.map(place);
        let first = first.map(|(lines_before, bytes_before)| RecordAt { lines_before, bytes_before });
        total.first_rows_in_text = total.first_rows_in_text.or(first);
        recorder.before = (total.lines, total.consumed as u64);
        carried.drain(..end.consumed);
    }
    (recorder, total)
}

/// What the `csv` crate makes of the bytes, judged by the rules of the catalogue. `true` beside it
/// if a quote is open at the end: then the last record is left out.
fn oracle(bytes: &[u8], columns: usize, wanted: &[usize]) -> (Vec<Judged>, bool) {
    // A record behind the end swallows itself if a quote is still open.
    let mut guarded = bytes.to_vec();
    guarded.extend_from_slice(b"\nZ,Z\n");
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&guarded[..]);
    let records: Vec<::csv::ByteRecord> =
        reader.byte_records().map(|record| record.expect("memory can be read")).collect();
    let is_guard = records.last().is_some_and(|record| record.iter().eq([b"Z", b"Z"]));
    let start = |index: usize| {
        records
            .get(index)
            .map_or(guarded.len(), |r| r.position().expect("read records have one").byte() as usize)
    };
    let judged = (0..records.len() - 1).map(|index| {
        let record = &records[index];
        let extra_are_empty = record.iter().skip(columns).all(<[u8]>::is_empty);
        let fields: Vec<Vec<u8>> =
            wanted.iter().map(|&column| record.get(column).unwrap_or_default().to_vec()).collect();
        if std::str::from_utf8(&guarded[start(index)..start(index + 1)]).is_err() {
            Err(RejectCode::R03)
        } else if record.len() < columns {
            Err(RejectCode::R01)
        } else if record.len() > columns && !extra_are_empty {
            Err(RejectCode::R02)
        } else if fields.iter().flatten().any(|&byte| byte == 0) {
            Err(RejectCode::R14)
        } else {
            Ok(fields)
        }
    });
    (judged.collect(), !is_guard)
}

/// Byte of the piece at which a record or the fault of one starts.
fn told_at(told: &Told) -> usize {
    match told {
        Told::Record { at, .. } | Told::Reject { at, .. } => at.1 as usize,
    }
}

/// Whether a text starts with a quoted field over several lines that has text behind its closing quote.
fn closes_with_text(text: &[u8]) -> bool {
    let mut at = 1;
    while at < text.len() && (text[at] != b'"' || text.get(at + 1) == Some(&b'"')) {
        at += 1 + usize::from(text.get(at) == Some(&b'"'));
    }
    let lines = text[1..at].iter().any(|byte| matches!(byte, b'\n' | b'\r'));
    text[0] == b'"' && lines && !matches!(text.get(at + 1), None | Some(b',' | b'\n' | b'\r'))
}

fn judged(told: &[Told]) -> Vec<Judged> {
    let one = |told: &Told| match told {
        Told::Record { fields, .. } => Ok(fields.clone()),
        Told::Reject { code, .. } => Err(*code),
    };
    told.iter().map(one).collect()
}

/// Records of one width and one line break, but for one of another now and then.
fn regular_records() -> impl Strategy<Value = Vec<u8>> {
    let line_break = prop::sample::select(vec!["\n", "\r\n", "\r"]);
    let one = (0..40_usize, "[a-zé]{0,9}|\"([a-z,\r\n]|\"\"){0,9}\"");
    (2..4_usize, line_break, prop::collection::vec(one, 0..60)).prop_map(|(width, line_break, records)| {
        let record = |(odd, field): (usize, String)| {
            let width = match odd {
                0 => width - 1,
                1 => width + 1,
                _ => width,
            };
            vec![field; width].join(",") + if odd == 2 { "\n" } else { line_break }
        };
        records.into_iter().map(record).collect::<String>().into_bytes()
    })
}

/// Bytes with many signs, and bytes that look like records long enough to cross blocks.
fn inputs() -> impl Strategy<Value = Vec<u8>> {
    let sign = prop::sample::select(vec![
        &b"a"[..],
        b"b",
        b"ab",
        b",",
        b",",
        b"\"",
        b"\"",
        b"\"\"",
        b"\r",
        b"\n",
        b"\r\n",
        b"\0",
        b"\xC3\xA9",
        b"\xFF",
    ]);
    let field = prop_oneof![
        8 => "[a-z]{0,40}".prop_map(String::into_bytes),
        4 => "\"([a-z,\n]|\"\"){0,40}\"".prop_map(String::into_bytes),
        1 => "[a-z]{0,3}\"[a-z,]{0,3}".prop_map(String::into_bytes),
        1 => "[a-zé]{1,20}".prop_map(String::into_bytes),
        1 => Just(b"\r".to_vec()),
        1 => Just(b"a\0".to_vec()),
    ];
    let line = prop::collection::vec(field, 1..5).prop_map(|fields| {
        let mut line = fields.join(&b","[..]);
        line.push(b'\n');
        line
    });
    prop_oneof![
        prop::collection::vec(sign, 0..200).prop_map(|parts| parts.concat()),
        prop::collection::vec(line, 0..40).prop_map(|lines| lines.concat()),
        prop::collection::vec(prop::sample::select(vec!["a,b\n", "\n", "a\r\n", ",\"\"\r"]), 0..200)
            .prop_map(|lines| lines.concat().into_bytes()),
        regular_records(),
    ]
}

#[test]
fn a_line_break_whose_halves_lie_in_two_windows_is_one() {
    for padding in 0..200 {
        let text = format!("a,b\n{},c\r\nd,e\n", "x".repeat(padding));
        for (level, blocks) in levels_and_windows() {
            let mut decoder = decoder(2, &[0]);
            decoder.window = Window::with_blocks(level, SIGNS, 2, blocks);
            let (recorder, end) = decode(&mut decoder, text.as_bytes());
            assert_eq!((recorder.told.len(), end.lines, end.consumed), (3, 3, text.len()), "{padding}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn equals_the_csv_crate_on_every_level(
        bytes in inputs(),
        columns in 1_usize..5,
        wanted in prop::collection::vec(0_usize..4, 0..4),
    ) {
        let wanted: Vec<usize> = wanted.into_iter().filter(|&column| column < columns).collect();
        let (expected, open) = oracle(&bytes, columns, &wanted);
        let mut all_levels = Vec::new();
        for (level, blocks) in levels_and_windows() {
            let mut decoder = decoder(columns, &wanted);
            decoder.window = Window::with_blocks(level, SIGNS, columns, blocks);
            let (recorder, end) = decode(&mut decoder, &bytes);
            let got = judged(&recorder.told);
            // Where a quote on another line closes a field and text follows, the crate goes on and we do not.
            let unclosed = got.iter().position(|one| *one == Err(RejectCode::R15));
            if let Some(index) = unclosed.filter(|index| !open || *index < expected.len()) {
                prop_assert_eq!(&got[..index], &expected[..index]);
                let from = told_at(&recorder.told[index]);
                prop_assert!(closes_with_text(&bytes[from..]), "{:?}", &bytes[from..]);
            } else if open {
                prop_assert_eq!(&got[..expected.len()], &expected[..]);
                prop_assert_eq!(&got[expected.len()], &Err(RejectCode::R15));
            } else {
                prop_assert_eq!(&got, &expected);
            }
            prop_assert_eq!(end.records as usize, recorder.told.len());
            prop_assert_eq!(end.consumed, bytes.len());
            prop_assert_eq!(end.lines, count_lines(&bytes));
            all_levels.push((recorder.told, end));
        }
        prop_assert!(all_levels.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn pieces_give_what_the_whole_gives(bytes in inputs(), columns in 1_usize..5, carriage in any::<bool>()) {
        let border = if carriage { b'\r' } else { b'\n' };
        let dialect = Dialect { border, ..Dialect::default() };
        // A line feed at the very start is the second half of a border to a decoder of that border.
        prop_assume!(!carriage || bytes.first() != Some(&b'\n'));
        for limits in [Limits::default(), Limits { max_record_bytes: 40, max_field_bytes: 20, max_field_lines: 2, ..Limits::default() }] {
            let mut decoder = CsvDecoder::new(dialect, columns, &[0], None, limits);
            let (whole, whole_end) = decode(&mut decoder, &bytes);
            let (pieces, pieces_end) = decode_in_pieces(&mut decoder, &bytes, border);
            prop_assert_eq!(whole.told, pieces.told);
            prop_assert_eq!(whole_end, pieces_end);
        }
    }

    #[test]
    fn what_is_wanted_never_changes_which_records_are_sound(bytes in inputs(), columns in 1_usize..5) {
        // But for NUL, which is a fault in wanted fields only.
        let bytes: Vec<u8> = bytes.into_iter().filter(|&byte| byte != 0).collect();
        let all: Vec<usize> = (0..columns).collect();
        let none = judged(&decode(&mut decoder(columns, &[]), &bytes).0.told);
        let every = judged(&decode(&mut decoder(columns, &all), &bytes).0.told);
        let sound = |told: &[Result<_, RejectCode>]| told.iter().map(|one| one.as_ref().err().copied()).collect::<Vec<_>>();
        prop_assert_eq!(sound(&none), sound(&every));
    }

    #[test]
    fn the_fast_walk_takes_every_sound_record(
        fields in prop::collection::vec("[a-z]{0,70}|\"([a-z,\n]|\"\"){0,70}\"", 2..6),
        shift in 0_usize..70,
    ) {
        let mut bytes = vec![b'x'; shift];
        bytes.extend_from_slice(b"\n");
        bytes.extend_from_slice(fields.join(",").as_bytes());
        bytes.extend_from_slice(b"\nnext,\"");
        for (level, blocks) in levels_and_windows() {
            let mut window = Window::with_blocks(level, SIGNS, fields.len(), blocks);
            let text = &bytes[shift + 1..];
            let mut records = window.records(&bytes, shift + 1);
            let record = records.next().expect("the record is sound");
            prop_assert_eq!(record.start, 0);
            prop_assert_eq!(record.end, text.len() - 7);
            prop_assert_eq!(record.next, text.len() - 6);
            prop_assert_eq!(record.fields(), fields.len());
            let inner = |field: &str| field.strip_prefix('"').and_then(|f| f.strip_suffix('"')).map(str::to_owned);
            let unusual = |field: String| field.contains("\"\"") || field.contains('\n');
            let is_unusual = fields.iter().filter_map(|field| inner(field)).any(unusual);
            prop_assert_eq!(record.maybe_unusual, is_unusual);
            prop_assert_eq!(records.unusual_part(&record).is_empty(), !is_unusual);
            for (column, field) in fields.iter().enumerate() {
                prop_assert_eq!(record.field(text, column), field.as_bytes());
            }
            prop_assert_eq!(records.next(), None);
        }
    }
}

/// All short texts of signs: no combination of line breaks makes up for another.
#[test]
fn no_short_text_is_walked_otherwise_than_byte_by_byte() {
    const ALPHABET: &[u8] = b",\n\r\"a";
    for columns in 1..=3 {
        let mut fast = decoder(columns, &[columns - 1]);
        // With an escape that does not occur, nothing is left to the fast walk.
        let dialect = Dialect { escape: Some(1), ..Dialect::default() };
        let mut exact = CsvDecoder::new(dialect, columns, &[columns - 1], None, Limits::default());
        for number in 0..ALPHABET.len().pow(7) {
            let digit = |place: u32| ALPHABET[number / ALPHABET.len().pow(place) % ALPHABET.len()];
            let text: Vec<u8> = (0..7).map(digit).collect();
            let (fast, exact) = (decode(&mut fast, &text), decode(&mut exact, &text));
            assert_eq!((fast.0.told, fast.1), (exact.0.told, exact.1), "{}", text.escape_ascii());
        }
    }
}

#[test]
fn an_empty_piece_holds_nothing() {
    assert_eq!(decode(&mut decoder(2, &[0]), b"").1, PieceEnd::default());
}

#[test]
fn records_are_taken_whatever_windows_and_pieces_do_to_them() {
    // Records of all lengths around those of blocks, windows and the largest window.
    for length in [0, 1, 62, 63, 64, 65, 1000, 16_383, 16_384, 65_535, 65_536, 131_071, 131_072, 200_000] {
        for quote in ["", "\""] {
            let text = format!("a,b\n{quote}{}{quote},x\nc,d\n", "y".repeat(length));
            let limits = Limits { max_field_bytes: 1 << 20, ..Limits::default() };
            let mut decoder = CsvDecoder::new(Dialect::default(), 2, &[1, 0], None, limits);
            let (recorder, end) = decode(&mut decoder, text.as_bytes());
            assert_eq!(end, PieceEnd { records: 3, lines: 3, consumed: text.len(), ..PieceEnd::default() });
            let fields = recorder.records();
            assert_eq!(
                (&fields[0][..], &fields[2][..]),
                (&["b".to_owned(), "a".to_owned()][..], &["d".to_owned(), "c".to_owned()][..])
            );
            assert_eq!((fields[1][0].as_str(), fields[1][1].len()), ("x", length));
        }
    }
}

#[test]
fn one_column_may_serve_several_slots() {
    let (recorder, _) = decode(&mut decoder(3, &[2, 0, 2]), b"a,b,c\n");
    assert_eq!(recorder.records(), [["c", "a", "c"]]);
}

#[test]
fn places_stay_right_after_quoted_breaks_and_all_kinds_of_line_ends() {
    let text = b"a,\"1\r\n2\n3\"\r\n\r\n \t\nb,2\rc,3\n\nd";
    let (recorder, end) = decode(&mut decoder(2, &[0]), text);
    // Lines: a (3 of them), empty, blanks, b, c, empty, d.
    let expected = [
        Told::Record { at: (0, 0), fields: vec![b"a".to_vec()] },
        Told::Record { at: (5, 17), fields: vec![b"b".to_vec()] },
        Told::Record { at: (6, 21), fields: vec![b"c".to_vec()] },
        Told::Reject { at: (8, 26), code: RejectCode::R01, slot: None },
    ];
    assert_eq!(recorder.told, expected);
    assert_eq!(end, PieceEnd { records: 4, blank_lines: 3, lines: 8, consumed: 27, ..PieceEnd::default() });
}

#[test]
fn one_field_less_just_enough_and_one_more() {
    let (recorder, end) =
        decode(&mut decoder(3, &[2]), b"a,b\na,b,c\na,b,c,d\na,b,c,,\na,b,c,\"\"\na,b,c,,d\na,b,c,\",\"\n");
    assert_eq!(recorder.records(), [["c"], ["c"], ["c"]]);
    let codes = [(RejectCode::R01, 1), (RejectCode::R02, 3), (RejectCode::R02, 6), (RejectCode::R02, 7)];
    assert_eq!(recorder.codes(), codes);
    assert_eq!(end.records, 7);
}

/// Takes rejects and nothing else.
struct Rejects<'r>(&'r mut Vec<Reject>);

impl RecordSink for Rejects<'_> {
    fn record(&mut self, _: RecordAt, _: &[Field<'_>]) {}

    fn reject(&mut self, reject: Reject) {
        self.0.push(reject);
    }
}

#[test]
fn bytes_that_are_not_utf_8_reject_their_record_only_and_are_shown() {
    let mut rejects = Vec::new();
    let end = decoder(2, &[0]).decode(b"a,\xE9t\xE9\n\xC3\xA9,b\n", true, &mut Rejects(&mut rejects));
    assert_eq!(end.records, 2);
    assert_eq!(rejects.len(), 1);
    assert_eq!((rejects[0].code, &rejects[0].excerpt[..]), (RejectCode::R03, &b"\xE9t\xE9"[..]));
}

#[test]
fn nul_is_a_fault_in_a_wanted_field_only() {
    let (recorder, _) = decode(&mut decoder(3, &[2, 1]), b"a\0,b,c\na,b\0,c\na,\"b\"\"\0\",c\n");
    assert_eq!(recorder.records(), [["c", "b"]]);
    let slots: Vec<Option<usize>> = recorder
        .told
        .iter()
        .filter_map(|told| if let Told::Reject { slot, .. } = told { Some(*slot) } else { None })
        .collect();
    assert_eq!(recorder.codes(), [(RejectCode::R14, 2), (RejectCode::R14, 3)]);
    assert_eq!(slots, [Some(1), Some(1)]);
}

#[test]
fn a_repeated_header_is_told_apart() {
    let header = Some(b"user,event".to_vec());
    let mut decoder = CsvDecoder::new(Dialect::default(), 2, &[0], header, Limits::default());
    let (recorder, end) = decode(&mut decoder, b"u1,view\r\nuser,event\r\nuser,events\nuser,event");
    assert_eq!(recorder.codes(), [(RejectCode::R16, 2), (RejectCode::R16, 4)]);
    assert_eq!(end.records, 4);
}

#[test]
fn a_header_of_other_columns_is_damage() {
    let names = ["user", "event", "city"].map(str::to_owned);
    let mut decoder =
        CsvDecoder::new(Dialect::default(), 3, &[0], None, Limits::default()).with_names(&names);
    let text = b"user,event\n\"city\",user,event,price\nu1,view\nevent,city,user\nuser,event,city\nuser,event,\xE9\n";
    let mut rejects = Vec::new();
    decoder.decode(text, true, &mut Rejects(&mut rejects));
    let told: Vec<_> =
        rejects.iter().map(|reject| (reject.code, reject.at.lines_before, reject.damage.is_some())).collect();
    let expected = [
        (RejectCode::R16, 0, true),
        (RejectCode::R16, 1, true),
        (RejectCode::R01, 2, false),
        (RejectCode::R16, 5, true),
    ];
    assert_eq!(told, expected);
    // Those of the right width are looked at where something else about them is wrong.
    let at = |lines_before: u64, bytes_before: u64| RecordAt { lines_before, bytes_before };
    let same = at(4, 59);
    assert!(text[same.bytes_before as usize..].starts_with(b"user,event,city"));
    let other = at(3, 43);
    assert!(text[other.bytes_before as usize..].starts_with(b"event,city,user"));
    assert_eq!(decoder.other_header(text, &[same]), None);
    let found = decoder.other_header(text, &[same, other]).expect("the names are in another order");
    assert_eq!((found.at, found.damage.is_some()), (other, true));
    assert_eq!(found.excerpt, b"event,city,user");
}

#[test]
fn an_unclosed_quote_costs_the_line_it_opened_on() {
    let (recorder, end) = decode(&mut decoder(2, &[0]), b"a,1\nb,\"2\nc,3\nd,4\n");
    assert_eq!(recorder.records(), [["a"], ["c"], ["d"]]);
    assert_eq!(recorder.told[1], Told::Reject { at: (1, 6), code: RejectCode::R15, slot: None });
    assert_eq!((end.records, end.lines, end.consumed), (4, 4, 17));
    // The quote opens on the second line of its record, whose first line holds a closed one.
    let (recorder, _) = decode(&mut decoder(3, &[1]), b"\"a\nb\",\"2\nc,3,4\n");
    assert_eq!(recorder.told[0], Told::Reject { at: (1, 6), code: RejectCode::R15, slot: Some(0) });
    assert_eq!(recorder.records(), [["3"]]);
}

#[test]
fn a_text_that_holds_rows_is_told() {
    let swallowed = b"a,1,\"x\nb,2,y\nc,3,z\"\nd,4,\"one,\ntwo\"\ne,5,\"x\r\nf,6,\"\n\"g\n,,\",7,x\n";
    let (recorder, end) = decode(&mut decoder(3, &[0]), swallowed);
    assert_eq!(recorder.records(), [["a"], ["d"], ["e"], ["g\n,,"]]);
    assert_eq!(end.rows_in_text, 2);
    assert_eq!(end.first_rows_in_text, Some(RecordAt::default()));
    // The other way to read a record sees the same.
    let escaped = Dialect { escape: Some(b'\\'), ..Dialect::default() };
    let mut exact = CsvDecoder::new(escaped, 3, &[0], None, Limits::default());
    assert_eq!(decode(&mut exact, swallowed).1.rows_in_text, 2);
}

#[test]
fn a_quoted_field_of_too_many_lines_is_an_unclosed_quote() {
    // Given up, the closing quote stands at the start of a line and opens a field of its own.
    let over = vec![(RejectCode::R15, 1), (RejectCode::R15, 102)];
    for (breaks, codes) in [(99, vec![]), (100, vec![]), (101, over)] {
        let text = format!("a,\"{}\"\nb,c\n", "\n".repeat(breaks));
        let (recorder, _) = decode(&mut decoder(2, &[0]), text.as_bytes());
        let quotes = recorder.codes().into_iter().filter(|code| code.0 == RejectCode::R15);
        assert_eq!(quotes.collect::<Vec<_>>(), codes);
        assert_eq!(recorder.records().last().map(|fields| fields[0].clone()), Some("b".to_owned()));
    }
}

#[test]
fn fields_and_records_over_their_limits_are_rejected() {
    let limits =
        Limits { max_record_bytes: 300, max_field_bytes: 100, max_field_lines: 2, ..Limits::default() };
    let mut decoder = CsvDecoder::new(Dialect::default(), 2, &[1], None, limits);
    for quote in ["", "\""] {
        for (length, code) in [(99, None), (100, None), (101, Some(RejectCode::R13))] {
            let text = format!("a,{quote}{}{quote}\nb,c\n", "x".repeat(length));
            let (recorder, end) = decode(&mut decoder, text.as_bytes());
            assert_eq!(recorder.codes().first().map(|first| first.0), code, "{length}");
            assert_eq!(end.records, 2);
        }
    }
    // 150 fields of one byte: 299 bytes. Each record is short of or over 2 fields, the last too long.
    for (fields, code) in [(150, RejectCode::R02), (151, RejectCode::R13)] {
        let text = format!("{}\nb,c\n", vec!["x"; fields].join(","));
        let (recorder, end) = decode(&mut decoder, text.as_bytes());
        assert_eq!(recorder.codes(), [(code, 1)]);
        assert_eq!((recorder.records(), end.lines), (vec![vec!["c".to_owned()]], 2));
    }
}

/// A piece that ends inside `\r\n` holds one half of it.
#[test]
fn what_is_shown_of_a_line_is_without_its_line_break() {
    let limits = Limits { max_record_bytes: 3, max_field_bytes: 3, max_field_lines: 2, ..Limits::default() };
    for line_break in ["\n", "\r", "\r\n"] {
        for (line, code) in [("a,bcd", RejectCode::R13), ("\"a,b", RejectCode::R15)] {
            let mut rejects = Vec::new();
            let mut decoder = CsvDecoder::new(Dialect::default(), 2, &[0], None, limits);
            decoder.decode(format!("{line}{line_break}").as_bytes(), true, &mut Rejects(&mut rejects));
            assert_eq!(rejects.len(), 1);
            assert_eq!((rejects[0].code, &rejects[0].excerpt[..]), (code, line.as_bytes()));
        }
    }
}

#[test]
fn stray_quotes_are_text_and_counted() {
    let (recorder, end) = decode(&mut decoder(2, &[0, 1]), b"vi\"ew,1\n\"a\"b,2\n\"c\",3\n5\" phone\n");
    assert_eq!(recorder.records(), [["vi\"ew", "1"], ["ab", "2"], ["c", "3"]]);
    assert_eq!(recorder.codes(), [(RejectCode::R01, 4)]);
    // The last one is not sound.
    assert_eq!(end.stray_quotes, 2);
}

#[test]
fn other_dialects() {
    let tabs = Dialect { delimiter: b'\t', quote: None, ..Dialect::default() };
    let mut decoder = CsvDecoder::new(tabs, 3, &[0, 2], None, Limits::default());
    // Tabs are delimiters here, so a line of them is a record of empty fields.
    let (recorder, end) = decode(&mut decoder, b"\"a\tb\tc\"\n\t\t\n  \n");
    assert_eq!(recorder.records(), [["\"a", "c\""], ["", ""]]);
    assert_eq!((end.stray_quotes, end.blank_lines), (0, 1));
    let escaped = Dialect { escape: Some(b'\\'), ..Dialect::default() };
    let mut decoder = CsvDecoder::new(escaped, 2, &[1], None, Limits::default());
    let (recorder, _) = decode(&mut decoder, b"a,\"say \\\"hi, you\\\"\"\n");
    assert_eq!(recorder.records(), [["say \"hi, you\""]]);
}

#[test]
fn many_columns_and_a_wanted_one_at_the_end() {
    let row: Vec<String> = (0..10_000).map(|column| format!("v{column}")).collect();
    let text = format!("{}\n", row.join(","));
    let limits = Limits { max_field_bytes: 1 << 20, ..Limits::default() };
    let mut decoder = CsvDecoder::new(Dialect::default(), 10_000, &[9_999, 0], None, limits);
    assert_eq!(decode(&mut decoder, text.as_bytes()).0.records(), [["v9999", "v0"]]);
}

/// The public csv-spectrum set, where it lies beside the working copy.
#[test]
fn csv_spectrum_pairs_are_read_as_their_json() {
    let shared = option_env!("DROPOFF_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let folder = shared.join("bad/csv-spectrum");
    let Ok(files) = std::fs::read_dir(folder.join("csvs")) else {
        eprintln!("SKIPPED: no {}", folder.display());
        return;
    };
    let mut pairs = 0;
    for file in files {
        let path = file.expect("the folder can be listed").path();
        let stem = path.file_stem().expect("files have names").to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).expect("the file can be read");
        let json =
            std::fs::read(folder.join("json").join(format!("{stem}.json"))).expect("every file has a pair");
        if stem == "location_coordinates" {
            // Its pair is of another record (another number, an object and no list).
            let (recorder, end) = decode(&mut decoder(4, &[2]), &bytes);
            assert_eq!((recorder.records()[1].clone(), end.stray_quotes), (vec!["Modesto".to_owned()], 1));
            pairs += 1;
            continue;
        }
        let expected: Vec<serde_json::Map<String, serde_json::Value>> =
            serde_json::from_slice(&json).expect("the pair is JSON");
        let header = bytes.split(|&byte| byte == b'\n' || byte == b'\r').next().expect("there is a header");
        let names: Vec<&str> = std::str::from_utf8(header).expect("UTF-8").split(',').collect();
        let wanted: Vec<usize> = (0..names.len()).collect();
        let (recorder, _) = decode(&mut decoder(names.len(), &wanted), &bytes);
        assert_eq!(recorder.codes(), [], "{stem}");
        let records = &recorder.records()[1..];
        assert_eq!(records.len(), expected.len(), "{stem}");
        for (record, object) in records.iter().zip(&expected) {
            for (name, value) in names.iter().zip(record) {
                assert_eq!(object[*name].as_str(), Some(value.as_str()), "{stem} {name}");
            }
        }
        pairs += 1;
    }
    assert_eq!(pairs, 12);
}
