//! C: encodings of text, and what is no text.

use crate::case::{Kind, Run, kind};
use crate::csv::{NAMED, log, report, rows};
use crate::files::parquet;
use polars::prelude::{NamedFrom, Series};

fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

/// Rows as Parquet: the second has a NUL as the last of twelve bytes, the third within a long text.
fn with_nuls() -> Vec<u8> {
    let column = |name: &str, values: [&str; 5]| Series::new(name.into(), values).into();
    let long = "a name of more bytes than";
    parquet(vec![
        column("user_id", ["u1", "elevenbytes\0", "u3", "twelve_bytes", "u5"]),
        column("timestamp", ["2026-01-01T00:00:00Z"; 5]),
        column("event", ["view", "view", &format!("{long}\0"), &format!("{long} twelve"), "view"]),
        column("note", ["x\0", "", "\0", "y", "z"]),
    ])
}

/// UTF-16 of 202 rows, and a byte lost in the id of the next.
fn lost_byte() -> Vec<u8> {
    let before = log(&rows(200));
    let mut bytes = utf_16(&format!("\u{feff}{before}{}", rows(200)), u16::to_le_bytes);
    bytes.remove(2 + 2 * before.len() + 1);
    bytes
}

pub fn kinds() -> Vec<Kind> {
    let marked = |mark: &str| format!("{mark}{}", log(""));
    vec![
        kind("C01", "a UTF-8 byte order mark", "passed over, with a note")
            .run(report(marked("\u{feff}"), "").account(2, 2, 0, 0).notes("UTF-8 byte order mark")),
        kind(
            "C02",
            "UTF-16, either order, with a byte order mark",
            "converted, with a note. Where a byte is lost or half a character ends it, it stops (E-C03), exit code 1, with line \
             and byte; with --salvage the rows before are used (W24)",
        )
            .run(
                report(lost_byte(), "")
                    .exit(1)
                    .says("error[E-C03]: a.csv: UTF-16 that has lost a byte in line 204 or just before: from byte ")
                    .says("--salvage"),
            )
            .run(
                report(lost_byte(), "--salvage")
                    .account(202, 202, 0, 0)
                    .warns("W24", 1)
                    .is("/run/files/0/partial", "true"),
            )
            .run(
                report([utf_16(&marked("\u{feff}"), u16::to_le_bytes), vec![b'u']].concat(), "")
                    .exit(1)
                    .says("error[E-C03]"),
            )
            .run(
                report(utf_16(&marked("\u{feff}"), u16::to_le_bytes), "")
                    .account(2, 2, 0, 0)
                    .notes("UTF-16LE byte order mark"),
            )
            .run(
                report(utf_16(&marked("\u{feff}"), u16::to_be_bytes), "")
                    .account(2, 2, 0, 0)
                    .notes("UTF-16BE byte order mark"),
            ),
        kind(
            "C03",
            "UTF-16 without a byte order mark",
            "stops (E-C03), exit code 2; the hint names the encoding, which then is read",
        )
        .run(
            report(utf_16(&log(""), u16::to_le_bytes), "")
                .exit(2)
                .says("error[E-C03]: a.csv: ")
                .says("--encoding utf-16le"),
        )
        .run(report(utf_16(&log(""), u16::to_be_bytes), "").exit(2).says("--encoding utf-16be"))
        .run(report(utf_16(&log(""), u16::to_be_bytes), "--encoding utf-16be").account(2, 2, 0, 0)),
        kind(
            "C04",
            "bytes of Windows-1255, Latin-1 or the like among UTF-8",
            "rows with them are rejected (R03), whatever columns are asked for; the hint names --encoding, with which \
             they are read",
        )
        .run(
            report([log("").as_bytes(), b"u3,2026-01-01T00:00:02Z,view,\xf9\xec\xe5\xed\n"].concat(), "")
                .exit(3)
                .account(3, 2, 1, 0)
                .rejects("R03", 1)
                .reject_at("R03", 4, Some(91), None)
                .says("--encoding windows-1255"),
        )
        .run(
            report(
                [log("").as_bytes(), b"u3,2026-01-01T00:00:02Z,view,\xf9\xec\xe5\xed\n"].concat(),
                "--encoding windows-1255 --by note",
            )
            .account(3, 3, 0, 0)
            .prints("\"\u{5e9}\u{5dc}\u{5d5}\u{5dd}\""),
        )
        .run(
            report([log("").as_bytes(), b"u3,2026-01-01T00:00:02Z,view,caf\xe9\n"].concat(), "--encoding latin1 --by note")
                .account(3, 3, 0, 0)
                .prints("\"café\""),
        ),
        kind(
            "C05",
            "NUL bytes",
            "in a column that the source names the row is rejected (R14), in Parquet too, elsewhere they are text; 512 and more \
             in a row are a hole in a text file: stops (E-C05), exit code 1, or with --salvage rejects that line (R14) and goes on \
             behind it (W24). A hole before the first row stops with --salvage too: it may have held the names of columns",
        )
        .run(
            report(format!("{}{}", "\0".repeat(700), log("")), "--salvage")
                .exit(1)
                .says("error[E-C05]: a.csv is damaged: a hole of NUL bytes stands before its first row")
                .says("--> a.csv:1 (byte 0)"),
        )
        .run(report(format!("{}\n{}", "\0".repeat(700), log("")), "").exit(1).says("error[E-C05]"))
        .run(report(format!("{}\n{}", "\0".repeat(700), log("")), "--skip-lines 1").account(2, 2, 0, 0))
        .run(
            report(log("").replacen("note", &"\0".repeat(512), 1), NAMED)
                .exit(1)
                .says("error[E-C05]")
                .says("--> a.csv:1 (byte 24)"),
        )
        .run(
            Run::report(
                "a.jsonl",
                format!("{}{{\"user_id\":\"u1\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"event\":\"view\"}}\n", "\0".repeat(600)),
                "",
            )
            .exit(1)
            .says("error[E-C05]"),
        )
        .run(
            report(log("u\0,2026-01-01T00:00:02Z,view,x\nu3,2026-01-01T00:00:02Z,view,\0\n"), "")
                .exit(3)
                .account(4, 3, 1, 0)
                .rejects("R14", 1)
                .reject_at("R14", 4, Some(91), Some("user_id")),
        )
        // A short text and a long one; beside them a column that nobody judges.
        .run(
            Run::report("a.parquet", with_nuls(), "--by note")
                .exit(3)
                .account(5, 3, 2, 0)
                .rejects("R14", 2)
                .reject_at("R14", 2, None, Some("user_id")),
        )
        // Asked for by the report alone, a column rejects nothing.
        .run(report(log("u3,2026-01-01T00:00:02Z,view,\0\n"), "--by note").account(3, 3, 0, 0))
        .run(
            report(log(&format!("u3,{}", "\0".repeat(512))), "")
                .exit(1)
                .says("error[E-C05]: a.csv is damaged")
                .says("--> a.csv:4 (byte 91)")
                .says("--salvage"),
        )
        .run(
            report(log(&format!("{}{}", "\0".repeat(4096), rows(3))), "--salvage --max-rejects 1")
                .account(5, 4, 1, 0)
                .rejects("R14", 1)
                .warns("W24", 1)
                .is("/run/files/0/partial", "true"),
        )
        .run(
            report(log(&format!("{}\n{}", "\0".repeat(3 << 20), rows(3))), "--salvage --max-rejects 1")
                .account(6, 5, 1, 0)
                .rejects("R14", 1)
                .reject_at("R14", 4, Some(91), None),
        )
        .run(report(log(&format!("u3,{}", "\0".repeat(511))), "").exit(3).account(3, 2, 1, 0).rejects("R01", 1)),
    ]
}
