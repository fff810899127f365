//! F: files and transport.

use crate::case::{Ended, Kind, Run, kind};
use crate::moving;
use crate::support::{gzip, zstandard};
use polars::prelude::{Column, DataFrame, DataType, NamedFrom, ParquetWriter, Series, TimeUnit};
use serde_json::Value;
use std::io::Write;
use std::path::Path;

const HEADER: &str = "user_id,timestamp,event\n";
/// Three rows, of two people.
pub const LOG: &str = "user_id,timestamp,event\n\
    u1,2026-01-01T00:00:00Z,view\nu1,2026-01-01T00:01:00Z,cart\nu2,2026-01-01T00:02:00Z,view\n";
/// One row, of a third.
pub const MORE: &str = "user_id,timestamp,event\nu3,2026-01-02T00:00:00Z,view\n";
pub const LINE: &str = "{\"user_id\":\"u4\",\"timestamp\":\"2026-01-03T00:00:00Z\",\"event\":\"view\"}";
pub const REPORT: &str = "--steps 'view,cart' --format json";

pub fn report(files: &str) -> Run {
    Run::of(&format!("report {files} {REPORT}"))
}

/// A gzip member whose bytes lie in it as they are, behind 15 bytes of headers.
fn stored(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).expect("memory takes all")
}

/// The first so many bytes of the text, as a gzip member that was cut off behind them.
fn cut(text: &str, bytes: usize) -> Vec<u8> {
    stored(text)[..15 + bytes].to_vec()
}

fn wrong_checksum(text: &str) -> Vec<u8> {
    let mut packed = gzip(text.as_bytes());
    let at = packed.len() - 8;
    packed[at] ^= 1;
    packed
}

/// Times as INT96; `testdata/README.md` says which.
const INT96: &[u8] = include_bytes!("../../testdata/int96.parquet");

pub fn parquet(columns: Vec<Column>) -> Vec<u8> {
    let height = columns.first().map_or(0, Column::len);
    let mut frame = DataFrame::new(height, columns).expect("columns are of equal length");
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).expect("the frame can be written");
    bytes
}

fn column(name: &str, values: &[&str]) -> Column {
    Series::new(name.into(), values).into()
}

/// The rows of [`LOG`].
pub fn parquet_log() -> Vec<u8> {
    let times = ["2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"];
    parquet(vec![
        column("user_id", &["u1", "u1", "u2"]),
        column("timestamp", &times),
        column("event", &["view", "cart", "view"]),
    ])
}

/// Types of all kinds: naive times in ms from 2026-01-01T00:00:00, whole ids, decimals, and a list.
fn typed_parquet() -> Vec<u8> {
    let start_ms = 1_767_225_600_000_i64;
    let times = Series::new("timestamp".into(), [start_ms, start_ms + 60_000, start_ms + 120_000]);
    let prices = Series::new("price".into(), [1.5, 2.25, 4.0]);
    let tags = Series::new("tags".into(), vec![Series::new("".into(), ["a"]); 3]);
    parquet(vec![
        Series::new("user_id".into(), [1_i64, 1, 2]).into(),
        times
            .cast(&DataType::Datetime(TimeUnit::Milliseconds, None))
            .expect("whole numbers are times")
            .into(),
        column("event", &["view", "cart", "view"]),
        prices.cast(&DataType::Decimal(10, 2)).expect("numbers are decimals").into(),
        tags.into(),
    ])
}

fn has_spilled(ended: &Ended<'_>) -> Result<(), String> {
    let spilled = ended.json.and_then(|json| json["run"]["spilled_bytes"].as_u64());
    if spilled > Some(0) { Ok(()) } else { Err(format!("spilled {spilled:?} bytes")) }
}

/// What the table of files says of each.
fn of_files<'e>(ended: &'e Ended<'_>, key: &str) -> Vec<&'e Value> {
    let files = ended.json.and_then(|json| json["run"]["files"].as_array());
    files.into_iter().flatten().map(|file| &file[key]).collect()
}

fn texts_of_files<'e>(ended: &'e Ended<'_>, key: &str) -> Vec<&'e str> {
    of_files(ended, key).into_iter().map(|value| value.as_str().unwrap_or("?")).collect()
}

pub fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?}, expected {expected:?}")) }
}

fn is_partial(ended: &Ended<'_>) -> Result<(), String> {
    expect("partial", of_files(ended, "partial"), vec![&Value::Bool(true)])
}

fn link(folder: &Path, target: &str, name: &str) {
    std::os::unix::fs::symlink(target, folder.join(name)).expect("a link can be made");
}

pub fn kinds() -> Vec<Kind> {
    let lists = [listed(), packed(), told_by_content(), repeated(), moving::kinds(), large(), typed()];
    let mut kinds: Vec<Kind> = lists.into_iter().flatten().collect();
    kinds.sort_by_key(|kind| kind.id);
    kinds
}

/// What is found, and what is not.
fn listed() -> Vec<Kind> {
    vec![
        kind(
            "F01",
            "a path that does not exist",
            "stops (`E-F01`), exit code 1, all of them named; the nearest name in that directory is suggested",
        )
        .run(
            Run::of("report click.csv --steps 'view,cart'")
                .file("clicks.csv", LOG)
                .exit(1)
                .says("error[E-F01]: click.csv: no such file or directory")
                .says("did you mean clicks.csv?"),
        )
        .run(report("x.csv a.csv y.csv").file("a.csv", LOG).exit(1).says("error[E-F01]: x.csv, y.csv: no such file")),
        kind(
            "F02",
            "a pattern that matches no file",
            "stops (`E-F02`), exit code 4, and names the nearest directory there is; with `--allow-empty` an empty report",
        )
        .run(
            report("'logs/2026/*.csv'")
                .file("logs/a.csv", LOG)
                .exit(4)
                .says("error[E-F02]: logs/2026/*.csv: no file matches this pattern")
                .says("the nearest directory that exists is logs"),
        )
        .run(report("'zz*.csv'").file("a.csv", LOG).exit(4).says("the nearest directory that exists is ."))
        .run(report("'logs/*.csv' --allow-empty").account(0, 0, 0, 0)),
        kind(
            "F03",
            "a directory",
            "its logs and those below are read, by their endings and in the order of their paths; hidden files are not \
             logs; without a log exit code 4 (`E-F03`)",
        )
        .run(
            report("logs")
                .file("logs/b.csv", LOG)
                .file("logs/a/x.jsonl.gz", gzip(LINE.as_bytes()))
                .file("logs/readme.md", "no log")
                .file("logs/.hidden.csv", LOG)
                .account(4, 4, 0, 0)
                .check(|ended| {
                    expect("files", texts_of_files(ended, "path"), vec!["logs/a/x.jsonl.gz", "logs/b.csv"])
                }),
        )
        .run(report("logs").file("logs/readme.md", "no log").exit(4).says("error[E-F03]: logs: no log files in this directory")),
        kind(
            "F04",
            "files that cannot be opened",
            "stops (`E-F04`), exit code 1, before anything is read; all of them are named at once",
        )
        .run(
            report("a.csv b.csv c.csv")
                .file("b.csv", LOG)
                // Not even a super-user can open a link to itself.
                .prepare(|folder| {
                    link(folder, "a.csv", "a.csv");
                    link(folder, "c.csv", "c.csv");
                })
                .exit(1)
                .says("error[E-F04]: cannot read a.csv (")
                .says(", c.csv ("),
        ),
        kind("F05", "an empty file among others", "the others are read; a warning (W17) counts the empty ones").run(
            report("a.csv b.csv c.csv").file("a.csv", "").file("b.csv", LOG).file("c.csv", "\n\n").account(3, 3, 0, 0).warns("W17", 2),
        ),
        kind("F06", "only empty files", "nothing to analyse: exit code 4, or an empty report with `--allow-empty`")
            .run(report("a.csv b.csv").file("a.csv", "").file("b.csv", " \n").exit(4).says("error[E-F06]: there is nothing to analyse"))
            .run(report("a.csv --allow-empty").file("a.csv", "").account(0, 0, 0, 0)),
        kind(
            "F07",
            "a file with a header and no row",
            "among others a warning (W17); alone exit code 4",
        )
        .run(report("a.csv b.csv").file("a.csv", HEADER).file("b.csv", LOG).account(3, 3, 0, 0).warns("W17", 1))
        .run(report("a.csv").file("a.csv", HEADER).exit(4).says("no input holds a row")),
        kind(
            "F19",
            "links in a directory: back into it, and out of it",
            "links met in a directory are not followed, and a warning (W25) counts those that lead out of it; `--follow` \
             follows them, each file once; a link that is named itself is read",
        )
        .run(
            report("logs")
                .file("logs/a.csv", LOG)
                .file("other/b.csv", MORE)
                .prepare(|folder| {
                    link(folder, ".", "logs/loop");
                    link(folder, "../other", "logs/other");
                })
                .account(3, 3, 0, 0)
                .warns("W25", 1),
        )
        .run(
            report("logs --follow")
                .file("logs/a.csv", LOG)
                .file("other/b.csv", MORE)
                .prepare(|folder| {
                    link(folder, ".", "logs/loop");
                    link(folder, "../other", "logs/other");
                })
                .account(4, 4, 0, 0),
        )
        .run(report("link.csv").file("a.csv", LOG).prepare(|folder| link(folder, "a.csv", "link.csv")).account(3, 3, 0, 0)),
        kind(
            "F21",
            "no file is named, or standard input is a terminal",
            "exit code 2 and what to name; a terminal is never waited for",
        )
        .run(Run::of("report --steps 'view,cart'").exit(2).says("error[E-F21]: no files to read").says("- for standard input"))
        .run(Run::of("report --steps 'view,cart'").exit(2).check(moving::terminal_is_refused)),
    ]
}

/// Compressed files, sound and damaged.
fn packed() -> Vec<Kind> {
    // Behind the second row 10 bytes of the third.
    let two_rows = LOG.find("u2,").expect("the third row") + 10;
    let two_frames = [zstandard(MORE.as_bytes()), zstandard(b"u1,2026-01-01T00:00:00Z,view\n")].concat();
    let cut_frame = two_frames[..two_frames.len() - 3].to_vec();
    let padded = [gzip(LOG.as_bytes()), vec![0; 1024]].concat();
    let trailing = [gzip(LOG.as_bytes()), b"garbage".to_vec()].concat();
    vec![
        kind(
            "F08",
            "a truncated .gz or .zst",
            "stops (`E-F08`), exit code 1, with the number of decompressed bytes before the end; `--salvage` uses the whole \
             records before it, marks the file `partial` and warns (W24)",
        )
        .run(report("a.csv.gz").file("a.csv.gz", cut(LOG, two_rows)).exit(1).says("error[E-F08]: a.csv.").says("--salvage"))
        .run(
            report("a.csv.gz --salvage")
                .file("a.csv.gz", cut(LOG, two_rows))
                .account(2, 2, 0, 0)
                .warns("W24", 1)
                .check(is_partial),
        )
        .run(Run::of("report a.csv.gz --salvage --steps 'view,cart'").file("a.csv.gz", cut(LOG, two_rows)).prints("W24").prints("gzip, damaged"))
        .run(report("a.csv.zst").file("a.csv.zst", cut_frame.clone()).exit(1).says("error[E-F08]: a.csv."))
        .run(report("a.csv.zst --salvage").file("a.csv.zst", cut_frame).account(1, 1, 0, 0).warns("W24", 1).check(is_partial))
        .run(report("a.csv.gz --salvage").file("a.csv.gz", &gzip(LOG.as_bytes())[..5]).exit(4))
        .run(report("a.csv.gz").file("a.csv.gz", b"\x1f").exit(1).says("error[E-F08]: a.csv.gz")),
        kind(
            "F09",
            "a .gz with a wrong checksum",
            "stops (`E-F09`), exit code 1; only `--salvage` uses what came before (W24)",
        )
        .run(report("a.csv.gz").file("a.csv.gz", wrong_checksum(LOG)).exit(1).says("error[E-F09]: a.csv.gz: wrong checksum in the compressed data"))
        .run(report("a.csv.gz --salvage").file("a.csv.gz", wrong_checksum(LOG)).account(3, 3, 0, 0).warns("W24", 1).check(is_partial)),
        kind("F10", "several gzip members in one file", "all of them are read").run(
            report("a.csv.gz")
                .file("a.csv.gz", [gzip(LOG.as_bytes()), gzip(b"u5,2026-01-01T00:05:00Z,view\n"), gzip(b"")].concat())
                .account(4, 4, 0, 0),
        ),
        kind(
            "F11",
            "bytes behind the compressed data",
            "stops (`E-F11`), exit code 1, or with `--salvage` a warning (W24); NUL bytes, the padding of tapes, are no fault \
             and noted",
        )
        .run(report("a.csv.gz").file("a.csv.gz", trailing.clone()).exit(1).says("error[E-F11]: a.csv.gz: bytes that belong to no compressed data"))
        .run(report("a.csv.gz --salvage").file("a.csv.gz", trailing).account(3, 3, 0, 0).warns("W24", 1).check(is_partial))
        .run(report("a.csv.gz").file("a.csv.gz", padded).account(3, 3, 0, 0).prints("NUL padding")),
        kind(
            "F27",
            "a small file that unpacks to a huge one",
            "no limit by itself, as real logs pack well too, and memory stays bounded; `--max-decompressed SIZE`, which \
             `--untrusted` sets to 10 GiB, stops it (`E-F27`), exit code 1",
        )
        .run(
            report("a.csv.gz --max-decompressed 1MiB")
                .file("a.csv.gz", gzip(&[LOG.as_bytes(), &vec![b'\n'; 20 << 20]].concat()))
                .exit(1)
                .says("error[E-F27]: a.csv.gz: it unpacks to more than 1048576 bytes")
                .says("--max-decompressed"),
        )
        .run(
            report("a.csv.gz --untrusted")
                .file("a.csv.gz", gzip(&[LOG.as_bytes(), &vec![b'\n'; 20 << 20]].concat()))
                .account(3, 3, 0, 0),
        ),
    ]
}

/// JSON that is not one object a line.
fn arrays() -> Kind {
    let array = format!("[{LINE},\n {LINE}]");
    let pretty = LINE.replace(',', ",\n  ");
    let broken = |text: &str, at: u64| {
        report("a.json --salvage --max-rejects 1")
            .file("a.json", text)
            .account(3, 2, 1, 0)
            .rejects("R10", 1)
            .reject_at("R10", 2, Some(at), None)
            .warns("W24", 1)
            .check(is_partial)
    };
    let unclosed = format!("[{LINE},\n {LINE}");
    let end = unclosed.len() as u64;
    let swallowing = format!("[{LINE},{LINE},\n{},{LINE}]", LINE.trim_end_matches('}'));
    let next = swallowing.len() as u64 - 1 - LINE.len() as u64;
    let hole = format!("[{LINE},{LINE},\n{}", "\0".repeat(4096));
    kind(
        "F14",
        "an array of JSON objects instead of lines, or objects over several lines",
        "read piece by piece, whatever its size and its lines; the table of files says so. An element that is no object or \
         no sound JSON is rejected (R10), and those behind it are read. Where a quote, a bracket or a comma between elements \
         is missing, other text follows, or the input is cut short, the run stops (`E-F14`; `E-C05` at a hole of NUL bytes), \
         exit code 1, with the place; `--salvage` uses what comes before, counts the rest as one reject (R10), marks the \
         file `partial` and warns (W24)",
    )
    .run(report("a.json").file("a.json", array.clone()).account(2, 2, 0, 0).prints("an array of objects"))
    .run(
        report("a.json --threads 1 --memory 64MB")
            .file("a.json", format!("[{}]", vec![LINE; 200_000].join(",")))
            .account(200_000, 200_000, 0, 0),
    )
    .run(
        report("a.json")
            .file("a.json", format!("{pretty}\n{pretty}{pretty}"))
            .account(3, 3, 0, 0)
            .prints("objects over several lines"),
    )
    .run(
        report("a.json")
            .file("a.json", format!("[{LINE},\n{{\"price\":NaN}},\n{LINE}]"))
            .exit(3)
            .account(3, 2, 1, 0)
            .rejects("R10", 1)
            .reject_at("R10", 2, Some(LINE.len() as u64 + 3), None),
    )
    .run(
        report("a.json")
            .file("a.json", unclosed.clone())
            .exit(1)
            .says("error[E-F14]: a.json is damaged")
            .says("--> a.json:2")
            .says("the closing bracket of the array is missing")
            .says("hint: --salvage uses what comes before that place")
            .says("note: it was read as an array of objects"),
    )
    .run(report("a.json").file("a.json", "[]\n").exit(4).says("E-F06"))
    .run(broken(&unclosed, end))
    .run(
        report("a.json")
            .file("a.json", swallowing.clone())
            .exit(1)
            .says("error[E-F14]: a.json is damaged")
            .says("a key in double quotes is missing; nothing from here on can be read"),
    )
    .run(broken(&swallowing, next))
    .run(report("a.json").file("a.json", format!("{array}\n{array}]")).exit(1).says("error[E-F14]").says("--> a.json:4"))
    .run(report("a.json").file("a.json", hole).exit(1).says("error[E-C05]: a.json is damaged").says("--> a.json:2"))
    .run(report("a.json.gz").file("a.json.gz", cut(&unclosed, 60)).exit(1).says("error[E-F08]: a.json."))
    .run(
        report("a.json.gz --salvage")
            .file("a.json.gz", cut(&array, LINE.len() + 30))
            .account(1, 1, 0, 0)
            .warns("W24", 1)
            .check(is_partial),
    )
}

/// Names that say something else than the content.
fn told_by_content() -> Vec<Kind> {
    vec![
        kind("F12", "plain text called .gz, compressed data called .csv", "read as what it is, with a warning (W20)").run(
            report("a.csv.gz b.csv").file("a.csv.gz", LOG).file("b.csv", gzip(MORE.as_bytes())).account(4, 4, 0, 0).warns("W20", 2),
        ),
        kind("F13", "one form under the name of another: JSON lines called .csv", "read as what it is, with a warning (W20)")
            .run(report("a.csv").file("a.csv", format!("{LINE}\n")).account(1, 1, 0, 0).warns("W20", 1))
            .run(report("a.jsonl").file("a.jsonl", LOG).account(3, 3, 0, 0).warns("W20", 1)),
        arrays(),
        kind("F15", "files of several forms in one run", "each is told by its content; the table of files says what each is").run(
            report("logs")
                .file("logs/a.csv", LOG)
                .file("logs/b.jsonl", LINE)
                .file("logs/c.csv.zst", zstandard(MORE.as_bytes()))
                .file("logs/d.parquet", parquet_log())
                .account(8, 8, 0, 0)
                .check(|ended| {
                    expect("forms", texts_of_files(ended, "format"), vec!["csv", "jsonl", "csv", "parquet"])
                }),
        ),
        kind(
            "F16",
            "files with other columns, or in another order",
            "columns are found by name; a column that is only asked for is empty where a file lacks it (W18); one that every \
             row needs stops (`E-F16`), exit code 2, and the file is named",
        )
        .run(
            report("a.csv b.csv --by device")
                .file("a.csv", LOG)
                .file("b.csv", "event,device,timestamp,user_id\nview,phone,2026-01-02T00:00:00Z,u3\n")
                .account(4, 4, 0, 0)
                .warns("W18", 1),
        )
        .run(
            report("a.csv b.csv")
                .file("a.csv", LOG)
                .file("b.csv", "user_id,timestamp,what\nu3,2026-01-02T00:00:00Z,view\n")
                .exit(2)
                .says("error[E-F16]: b.csv: no column `event`"),
        ),
    ]
}

/// The same thing twice.
fn repeated() -> Vec<Kind> {
    vec![
        kind(
            "F17",
            "one file under several names: twice on the command line, by links",
            "read once, with a warning (W19)",
        )
        .run(
            report("'*.csv' a.csv")
                .file("a.csv", LOG)
                .prepare(|folder| {
                    link(folder, "a.csv", "b.csv");
                    std::fs::hard_link(folder.join("a.csv"), folder.join("c.csv")).expect("a link can be made");
                })
                .account(3, 3, 0, 0)
                .warns("W19", 3),
        ),
        kind(
            "F18",
            "two files with the same content",
            "both are read, with a warning (W03); with `--dedupe-files` one is, and the warning says which was left out",
        )
        .run(report("a.csv b.csv").file("a.csv", LOG).file("b.csv", LOG).account(6, 6, 0, 0).warns("W03", 1))
        .run(report("a.csv b.csv --dedupe-files").file("a.csv", LOG).file("b.csv", LOG).account(3, 3, 0, 0).warns("W03", 1).prints("read once")),
    ]
}

/// Very many, and very large.
fn large() -> Vec<Kind> {
    let rows: String = (0..400_000).map(|n| format!("u{n},2026-01-01T00:00:00Z,view\n")).collect();
    vec![
        kind(
            "F25",
            "very many small files",
            "as many are open at a time as there are threads; 100,000 were read",
        )
        .run(
            report("logs")
                .prepare(|folder| {
                    std::fs::create_dir(folder.join("logs")).expect("a folder can be made");
                    for n in 0..2000 {
                        let text = format!("{HEADER}u{n},2026-01-01T00:00:00Z,view\n");
                        std::fs::write(folder.join(format!("logs/{n}.csv")), text)
                            .expect("a file can be written");
                    }
                })
                .through("ulimit -n 32")
                .account(2000, 2000, 0, 0),
        ),
        kind(
            "F26",
            "more data than memory",
            "what does not fit in `--memory` waits in temporary files, with the same result; without it what does not fit in \
             six tenths of what machine, control group and limits of the process (`ulimit -v`) leave",
        )
        .run(
            report("a.csv --threads 1 --memory 49MB")
                .file("a.csv", format!("{HEADER}{rows}"))
                .account(400_000, 400_000, 0, 0)
                .check(has_spilled),
        )
        .run(
            report("a.csv --threads 1")
                .file("a.csv", format!("{HEADER}{rows}"))
                .through("ulimit -v 130000")
                .account(400_000, 400_000, 0, 0)
                .check(has_spilled),
        ),
    ]
}

/// Parquet and other files with types.
fn typed() -> Vec<Kind> {
    let sound = parquet_log();
    let truncated = sound[..sound.len() - 20].to_vec();
    let bad_magic = [b"XXXX", &sound[4..]].concat();
    let mut lying = sound.clone();
    let footer_length = lying.len() - 8;
    lying[footer_length..footer_length + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    vec![
        kind(
            "F28",
            "damaged Parquet, and files that hold no text at all",
            "stops (`E-F28`), exit code 1: with what is wrong and, where one is at fault, row group and column; what is no \
             text is called by what it looks like",
        )
        .run(report("a.parquet").file("a.parquet", truncated).exit(1).says("error[E-F28]: a.parquet: the file is damaged: the file is cut off"))
        .run(report("a.parquet").file("a.parquet", bad_magic).exit(1).says("error[E-F28]: a.parquet: a damaged Parquet file: it ends with PAR1 but does not start with it"))
        // Whatever it is called, and whatever its first bytes look like.
        .run(report("a.csv").file("a.csv", [b"\xff\xfe,u", &sound[4..]].concat()).exit(1).says("a.csv: a damaged Parquet file: it ends with PAR1"))
        .run(report("a.parquet").file("a.parquet", [b"XXXX", &sound[4..sound.len() - 9], &[0x91; 9][..]].concat()).exit(1).says("error[E-F28]: a.parquet: no text: it looks like a damaged Parquet file: it does not start with PAR1"))
        // A text that ends so is a text.
        .run(report("a.csv").file("a.csv", "user_id,timestamp,event\nu1,2026-01-01T00:00:00Z,view\nu1,2026-01-01T00:00:01Z,PAR1").account(2, 2, 0, 0))
        .run(report("a.parquet").file("a.parquet", lying).exit(1).says("error[E-F28]: a.parquet: "))
        .run(report("a.csv").file("a.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0").exit(1).says("error[E-F28]: a.csv: no text: it looks like a PNG image"))
        .run(
            report("a.csv.gz.gz")
                .file("a.csv.gz.gz", gzip(&gzip(LOG.as_bytes())))
                .exit(1)
                .says("error[E-F28]: a.csv.gz.gz: no text: it looks like gzip data in packed data"),
        )
        .run(report("a.csv").file("a.csv", b"PK\x03\x04\x14\0").exit(1).says("error[E-F28]: a.csv: zip archive is not read here")),
        kind(
            "F29",
            "Parquet with types of all kinds",
            "texts, numbers, decimals, truth values, dates and times in ms, µs and ns (INT96 too) are read, also in \
             structures; times without a zone follow `--assume-time-zone` (W02); another type stops (`E-F29`), exit code 2, \
             only where its column is asked for, and is named",
        )
        .run(report("a.parquet --value price").file("a.parquet", typed_parquet()).account(3, 3, 0, 0).warns("W02", 3))
        .run(
            report("a.parquet --assume-time-zone Asia/Jerusalem")
                .file("a.parquet", typed_parquet())
                .account(3, 3, 0, 0)
                .prints("\"from\": \"2025-12-31T22:00:00Z\""),
        )
        // One is null, one is before 1970, two are after what nanoseconds can say.
        .run(
            report("a.parquet --max-rejects 5")
                .file("a.parquet", INT96)
                .account(7, 3, 4, 0)
                .rejects("R04", 1)
                .rejects("R05", 3)
                .warns("W02", 3)
                .is("/body/input/from", "\"1990-01-01T00:00:00Z\"")
                .is("/body/input/to", "\"2026-01-01T00:01:00Z\"")
                .is("/body/funnels/0/converted", "1")
                .is("/body/funnels/0/time_to_purchase/mean_s", "59.876544"),
        )
        .run(
            report("a.parquet --max-rejects 5 --assume-time-zone Asia/Jerusalem --min-time 2000-01-01")
                .file("a.parquet", INT96)
                .account(7, 2, 5, 0)
                .rejects("R04", 1)
                .rejects("R05", 4)
                .is("/body/input/from", "\"2025-12-31T22:00:00.123456Z\""),
        )
        .run(report("a.parquet --value tags").file("a.parquet", typed_parquet()).exit(2).says("error[E-F29]: a.parquet: column `tags` is of type list")),
    ]
}
