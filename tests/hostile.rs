//! Every form of output, with texts that want to be more than text, and with places that cannot be written to.

use dropoff::check::{CHECK_SCHEMA, CheckReport, CheckResult, CheckStatus, Metric, MetricKind};
use dropoff::decode::RecordSink;
use dropoff::decode::parquet::ParquetFile;
use dropoff::event::{Field, RecordAt, Reject};
use dropoff::render::escape::{VisibleWriter, log_line, visible};
use dropoff::render::rows::RowForm;
use dropoff::render::{Format, Style, json};
use dropoff::report::table::{Block, Cell, Column, Kind, RowColumn, Table};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Texts that act somewhere.
fn hostile() -> Vec<String> {
    let short = [
        "",
        "\u{1b}[2J\u{1b}]0;title\u{7}",
        "\u{1b}]8;;http://x\u{1b}\\link",
        "\u{9b}31m\u{9d}0;x\u{9c}",
        "a\u{8}\u{8}b\u{7f}\rc",
        "line\nbreak\u{2028}and\u{2029}more\u{85}",
        "\u{202e}txt.exe\u{2066}\u{2069}\u{200f}",
        "zero\u{200b}width\u{feff}\u{00ad}",
        "\0nul\0",
        "=HYPERLINK(\"http://x\")",
        "+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "＝1",
        "'=1",
        "a\",\"b\n=1",
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "</name>]]><!--",
        "| a | b |",
        "`code` **bold** ~~gone~~ $x$",
        "[link](javascript:x) ![image](http://x)",
        "<!channel> <@U123> @everyone",
        "@octo-org/all, (@ann) é@bob;@_x",
        "see #12, shop/site#7 and GH#9",
        "# heading",
        "::error file=a,line=1::gone",
        "  ::stop-commands::x",
        "x\n::add-mask::y",
        "##[error]gone",
        "##vso[task.setvariable variable=x]y",
        "%0A::error::x",
        "{\"a\":1}\n{\"b\":2}",
        "\\u0000\\",
        "עגלה 買い物かご 👩\u{200d}💻",
    ];
    let long = ["x".repeat(50_000), "\u{1b}".repeat(3_000), "=|`<".repeat(2_000)];
    short.into_iter().map(str::to_owned).chain(long).collect()
}

/// A document that holds the text wherever text can stand.
fn blocks(text: &str) -> Vec<Block> {
    let table = |name: &str| Table {
        name: name.to_owned(),
        title: text.to_owned(),
        columns: vec![Column::text(text, text), Column::number("n", text)],
        rows: vec![vec![Cell::Text(text.to_owned()), Cell::Count(1)], vec![Cell::Missing, Cell::Missing]],
        notes: vec![text.to_owned()],
    };
    vec![
        Block::Heading(1, text.to_owned()),
        Block::Facts(vec![(text.to_owned(), text.to_owned())]),
        Block::Table(table("one")),
        Block::Table(table("two")),
        Block::Note(text.to_owned()),
        Block::Command(text.to_owned()),
        Block::Warning { code: "W01".to_owned(), text: text.to_owned() },
    ]
}

fn verdicts(text: &str) -> CheckReport {
    let result = |status| CheckResult {
        name: text.to_owned(),
        status,
        metric: Metric::Conversion,
        kind: MetricKind::Share,
        funnel: Some(text.to_owned()),
        step: None,
        step_name: None,
        value: None,
        ci95: None,
        n: None,
        min_n: 0,
        fail: None,
        warn: None,
        message: text.to_owned(),
    };
    let checks = [CheckStatus::Pass, CheckStatus::Warn, CheckStatus::Fail, CheckStatus::Error];
    CheckReport {
        schema: CHECK_SCHEMA.to_owned(),
        status: CheckStatus::Fail,
        trusted: true,
        checks: checks.into_iter().map(result).collect(),
        warnings: Vec::new(),
    }
}

fn document(format: Format, text: &str, raw: bool, out: &mut dyn Write) -> io::Result<()> {
    format.renderer(&Style::default(), raw).expect("a form of documents").document(&blocks(text), out)
}

fn rows(form: RowForm, text: &str, out: &mut dyn Write) -> io::Result<()> {
    let columns = [RowColumn::new("person", Kind::Text), RowColumn::new("n", Kind::Count)];
    let mut rows = form.writer(&columns, false, out)?;
    rows.row(&[Cell::Text(text.to_owned()), Cell::Count(1)])?;
    rows.row(&[Cell::Missing, Cell::Missing])?;
    rows.finish()
}

/// What is on a terminal where a form for machines goes there.
fn on_terminal(text: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut shown = VisibleWriter::new(out, false);
    document(Format::Csv, text, true, &mut shown)?;
    json::write_pretty(&json!({ "text": text }), &mut shown)?;
    shown.finish()
}

/// A form of output: how it writes a text, and what must hold of what it wrote.
struct Form {
    name: &'static str,
    write: fn(&str, &mut dyn Write) -> io::Result<()>,
    check: fn(&str, &[u8]) -> Result<(), String>,
}

const FORMS: [Form; 16] = [
    Form {
        name: "table",
        write: |text, out| document(Format::Terminal, text, false, out),
        check: safe_lines,
    },
    Form {
        name: "markdown",
        write: |text, out| document(Format::Markdown, text, false, out),
        check: safe_markdown,
    },
    Form {
        name: "csv",
        write: |text, out| document(Format::Csv, text, false, out),
        check: |text, bytes| cells(text, bytes, b',', true),
    },
    Form {
        name: "tsv",
        write: |text, out| document(Format::Tsv, text, false, out),
        check: |text, bytes| cells(text, bytes, b'\t', true),
    },
    Form {
        name: "csv, raw",
        write: |text, out| document(Format::Csv, text, true, out),
        check: |text, bytes| cells(text, bytes, b',', false),
    },
    Form {
        name: "json",
        write: |text, out| json::write_pretty(&json!({ "text": text }), out),
        check: same_json,
    },
    Form {
        name: "jsonl",
        write: |text, out| json::write_line(&json!({ "text": text }), out),
        check: same_line,
    },
    Form { name: "checks as a table", write: |text, out| render_checks(text, out), check: safe_lines },
    Form {
        name: "checks in JSON",
        write: |text, out| json::write_pretty(&verdicts(text), out),
        check: |text, bytes| {
            let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
            same(value["checks"][0]["name"].as_str(), text)
        },
    },
    Form {
        name: "JUnit",
        write: |text, out| out.write_all(verdicts(text).junit().map_err(io::Error::other)?.as_bytes()),
        check: safe_xml,
    },
    Form {
        name: "people in CSV",
        write: |text, out| rows(RowForm::Csv, text, out),
        check: |text, bytes| cells(text, bytes, b',', true),
    },
    Form {
        name: "people in TSV",
        write: |text, out| rows(RowForm::Tsv, text, out),
        check: |text, bytes| cells(text, bytes, b'\t', true),
    },
    Form {
        name: "people in JSONL",
        write: |text, out| rows(RowForm::Jsonl, text, out),
        check: |text, bytes| {
            let first = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
            let value: Value = serde_json::from_slice(first).map_err(|error| error.to_string())?;
            same(value["person"].as_str(), text)
        },
    },
    Form {
        name: "people in Parquet",
        write: |text, out| rows(RowForm::Parquet, text, out),
        check: same_parquet,
    },
    Form { name: "machines' forms on a terminal", write: on_terminal, check: |_, bytes| nothing_acts(bytes) },
    Form {
        name: "errors",
        write: |text, out| {
            text.lines().try_for_each(|line| writeln!(out, "{}", log_line(&visible(line, false))))
        },
        check: safe_lines,
    },
];

fn render_checks(text: &str, out: &mut dyn Write) -> io::Result<()> {
    let renderer = Format::Terminal.renderer(&Style::default(), false).expect("a form of documents");
    renderer.document(&verdicts(text).blocks(), out)
}

fn same(found: Option<&str>, wanted: &str) -> Result<(), String> {
    if found == Some(wanted) { Ok(()) } else { Err(format!("{found:?} is read back")) }
}

fn text_of(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|error| error.to_string())
}

/// Nothing but line breaks and tabs acts, and nothing turns text around or hides it.
fn nothing_acts(bytes: &[u8]) -> Result<(), String> {
    let hides = |c: char| matches!(c, '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let acts = |c: &char| c.is_control() && !['\n', '\t'].contains(c) || hides(*c);
    text_of(bytes)?.chars().find(acts).map_or(Ok(()), |c| Err(format!("{c:?} stands there as it is")))
}

fn safe_lines(_: &str, bytes: &[u8]) -> Result<(), String> {
    nothing_acts(bytes)?;
    let text = text_of(bytes)?;
    let is_command = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("::") || line.contains("##[") || line.contains("##vso[")
    };
    text.lines().find(is_command).map_or(Ok(()), |line| Err(format!("{line:.60?} is a command")))
}

fn safe_markdown(text: &str, bytes: &[u8]) -> Result<(), String> {
    safe_lines(text, bytes)?;
    let mut is_code = false;
    for line in text_of(bytes)?.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
            continue;
        }
        if is_code {
            continue;
        }
        let quoted = line.strip_prefix("> ").unwrap_or(line);
        if quoted.contains('<') || quoted.contains('>') {
            return Err(format!("HTML in {line:.60?}"));
        }
        // What is escaped does nothing.
        let mut bare = String::new();
        let mut signs = quoted.chars();
        while let Some(sign) = signs.next() {
            if sign == '\\' {
                signs.next();
            } else {
                bare.push(sign);
            }
        }
        // Nobody is notified, and nothing of the place where it is pasted is linked: a backslash would not help.
        let mentions = |(at, _): (usize, &str)| {
            let (before, behind) = (quoted[..at].chars().next_back(), quoted[at + 1..].chars().next());
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            !before.is_some_and(is_word) && behind.is_some_and(is_word)
        };
        if quoted.match_indices('@').any(mentions) {
            return Err(format!("{line:.60?} mentions somebody"));
        }
        let refers = |(at, _): (usize, &str)| {
            let is_entity = quoted[..at].ends_with('&');
            !is_entity && quoted[at + 1..].starts_with(|c: char| c.is_ascii_digit())
        };
        if quoted.match_indices('#').any(refers) {
            return Err(format!("{line:.60?} refers to something"));
        }
        if bare.contains('`') || bare.contains('[') || bare.contains('~') {
            return Err(format!("{line:.60?} formats"));
        }
        if line.starts_with('|') && bare.matches('|').count() != 3 {
            return Err(format!("{line:.60?} has other cells"));
        }
    }
    if is_code { Err("a block of code does not end".to_owned()) } else { Ok(()) }
}

/// Every cell holds the text, with a mark before it where a spreadsheet would calculate.
fn cells(text: &str, bytes: &[u8], delimiter: u8, is_guarded: bool) -> Result<(), String> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(bytes);
    let mut found = 0;
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        for cell in &record {
            if is_guarded && cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
            {
                return Err(format!("{cell:.60?} is a formula"));
            }
            found += usize::from(cell == text || is_guarded && cell.strip_prefix('\'') == Some(text));
        }
    }
    if found > 0 { Ok(()) } else { Err("the text is not read back".to_owned()) }
}

fn same_json(text: &str, bytes: &[u8]) -> Result<(), String> {
    if bytes.iter().any(|&byte| byte < 0x20 && byte != b'\n') {
        return Err("a control stands there as it is".to_owned());
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    same(value["text"].as_str(), text)
}

fn same_line(text: &str, bytes: &[u8]) -> Result<(), String> {
    if bytes.iter().filter(|&&byte| byte == b'\n').count() != 1 || !bytes.ends_with(b"\n") {
        return Err("it is not one line".to_owned());
    }
    same_json(text, bytes)
}

/// The text adds no sign of XML's own: there are as many as around a harmless one.
fn safe_xml(_: &str, bytes: &[u8]) -> Result<(), String> {
    let count = |text: &str| ['<', '>', '"'].map(|sign| text.matches(sign).count());
    let harmless = verdicts("x").junit().map_err(|error| error.to_string())?;
    let text = text_of(bytes)?;
    if text.chars().any(|c| c < ' ' && !['\n', '\t', '\r'].contains(&c)) {
        return Err("XML knows no such control".to_owned());
    }
    // An attribute that is empty, or a text in it, changes no tag.
    let [opened, closed, _] = count(text);
    let [wanted_opened, wanted_closed, _] = count(&harmless);
    if opened == wanted_opened && closed >= wanted_closed {
        Ok(())
    } else {
        Err("the text makes tags".to_owned())
    }
}

#[derive(Default)]
struct First(Option<String>);

impl RecordSink for First {
    fn record(&mut self, _: RecordAt, fields: &[Field<'_>]) {
        if let (None, Some(Field::Text(text))) = (&self.0, fields.first()) {
            self.0 = Some(String::from_utf8_lossy(text).into_owned());
        }
    }

    fn reject(&mut self, _: Reject) {}
}

fn same_parquet(text: &str, bytes: &[u8]) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = folder.path().join("x.parquet");
    std::fs::write(&path, bytes).map_err(|error| error.to_string())?;
    let file = ParquetFile::open(&path).map_err(|error| error.to_string())?;
    let mut first = First::default();
    for slice in file.slices() {
        file.decode_slice(slice, &[0], &mut first).map_err(|error| error.to_string())?;
    }
    // The reader rejects a NUL byte and hands on none: that the file is sound is all it tells then.
    if text.contains('\0') && first.0.is_none() { Ok(()) } else { same(first.0.as_deref(), text) }
}

#[test]
fn no_text_is_more_than_text_in_any_form() {
    let mut faults = Vec::new();
    for text in hostile() {
        for form in &FORMS {
            let mut out = Vec::new();
            (form.write)(&text, &mut out).expect("memory can be written to");
            if let Err(fault) = (form.check)(&text, &out) {
                faults.push(format!("{}: {text:.40?}: {fault}", form.name));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Takes so many bytes and then fails, as a full disk, a closed pipe or a device does.
struct Failing {
    taken: Vec<u8>,
    room: usize,
    kind: io::ErrorKind,
}

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.room == 0 && !bytes.is_empty() {
            return Err(self.kind.into());
        }
        let taken = bytes.len().min(self.room);
        self.taken.extend_from_slice(&bytes[..taken]);
        self.room -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes one byte at a time, and is interrupted before each.
#[derive(Default)]
struct Slow {
    taken: Vec<u8>,
    is_ready: bool,
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.is_ready = !self.is_ready;
        if self.is_ready {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.taken.extend(bytes.first());
        Ok(bytes.len().min(1))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_place_that_fails_at_any_byte_is_an_error_in_every_form() {
    let text = "=a\u{1b}[2J|<b>\n\"c\"";
    for form in &FORMS {
        let mut whole = Vec::new();
        (form.write)(text, &mut whole).expect("memory can be written to");
        for room in 0..whole.len() {
            for kind in [io::ErrorKind::StorageFull, io::ErrorKind::BrokenPipe] {
                let mut out = Failing { taken: Vec::new(), room, kind };
                let error = (form.write)(text, &mut out).expect_err(form.name);
                assert_eq!(error.kind(), kind, "{}, byte {room}: {error}", form.name);
                assert!(whole.starts_with(&out.taken), "{}, byte {room}", form.name);
            }
        }
    }
}

#[test]
fn a_place_that_takes_a_byte_at_a_time_gets_all_in_every_form() {
    let text = "=a\u{1b}[2J|<b>\n\"c\"";
    for form in &FORMS {
        let mut whole = Vec::new();
        (form.write)(text, &mut whole).expect("memory can be written to");
        let mut slow = Slow::default();
        (form.write)(text, &mut slow).expect(form.name);
        assert_eq!(slow.taken, whole, "{}", form.name);
    }
}
