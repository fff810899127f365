//! Inputs that fail, end early or come in small pieces, at every byte: the result is that of the whole
//! input, or an error.

use super::super::plan::ReadPlan;
use super::super::{FileTally, IngestError, Sample};
use super::tests::plan;
use super::{DialectHints, Input, Pending, Progress, Resources, read_all};
use crate::decode::Limits;
use crate::source::open::open_read;
use crate::source::{InputKind, OpenOptions};
use polars::prelude::{Column, DataFrame, NamedFrom, ParquetWriter, Series};
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// The last row goes over two lines.
const LOG: &str = "user,time,event\n\
    u1,2026-01-01T00:00:00Z,view\nu2,2026-01-01T00:00:01Z,view\nu1,2026-01-01T00:00:02Z,\"ca\nrt\"\n";
const ROWS: u64 = 3;
/// What a disk says that cannot be read: EIO.
const IO_ERROR: i32 = 5;

/// What comes at the end of the bytes that are there.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Fault,
    Early,
}

/// So many bytes at a time of the bytes before the end.
struct Pieces {
    bytes: Vec<u8>,
    at: usize,
    size: usize,
    end: End,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.size.min(buffer.len()).min(self.bytes.len() - self.at);
        if most == 0 && !buffer.is_empty() && self.end == End::Fault {
            return Err(io::Error::from_raw_os_error(IO_ERROR));
        }
        buffer[..most].copy_from_slice(&self.bytes[self.at..self.at + most]);
        self.at += most;
        Ok(most)
    }
}

struct Untold;

impl Progress for Untold {
    fn advance(&self, _: u64) {}
}

fn read(bytes: &[u8], size: usize, end: End, salvage: bool) -> Result<FileTally, IngestError> {
    let options = OpenOptions { salvage, ..OpenOptions::default() };
    let pieces = Pieces { bytes: bytes.to_vec(), at: 0, size, end };
    let opened = open_read("pieces", Box::new(pieces), &options)?;
    let hints = DialectHints::default();
    let sample = Sample::of(&opened, &hints)?;
    let input = Input { name: "pieces".to_owned(), kind: InputKind::File(PathBuf::from("pieces")) };
    let pending = Pending { input, opened: Some((opened, sample)) };
    let plan = ReadPlan { limits: Limits { salvage, ..Limits::default() }, ..plan() };
    let everything = read_all(&plan, &hints, vec![pending], &Resources::unbounded(1), &Untold)?;
    let tally = everything.files[0].read.clone();
    tally.tally.assert_accounted("pieces");
    Ok(tally)
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).expect("memory takes all")
}

fn zstandard(text: &str) -> Vec<u8> {
    zstd::encode_all(text.as_bytes(), 1).expect("memory takes all")
}

fn utf_16() -> Vec<u8> {
    format!("\u{FEFF}{LOG}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn json_lines() -> Vec<u8> {
    let line = |user: &str, second: u32| {
        format!("{{\"user\":\"{user}\",\"time\":\"2026-01-01T00:00:0{second}Z\",\"event\":\"view\"}}\n")
    };
    [line("u1", 0), line("u2", 1), line("u1", 2)].concat().into_bytes()
}

/// The last element goes over two lines.
fn json_array() -> Vec<u8> {
    let lines = String::from_utf8(json_lines()).expect("it is text");
    format!("[{}]", lines.trim_end().replace('\n', ",").replace("02Z\",", "02Z\",\n")).into_bytes()
}

fn parquet() -> Vec<u8> {
    let column = |name: &str, values: [&str; 3]| -> Column { Series::new(name.into(), values).into() };
    let times = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"];
    let columns =
        vec![column("user", ["u1", "u2", "u1"]), column("time", times), column("event", ["a", "b", "c"])];
    let mut frame = DataFrame::new(3, columns).expect("columns of equal length");
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).expect("memory takes all");
    bytes
}

fn inputs() -> [(&'static str, Vec<u8>); 8] {
    [
        ("csv", LOG.as_bytes().to_vec()),
        ("jsonl", json_lines()),
        ("json", json_array()),
        ("utf-16", utf_16()),
        ("gzip", gzip(LOG)),
        ("gzip of json", gzip(&String::from_utf8(json_array()).expect("it is text"))),
        ("zstd", zstandard(LOG)),
        ("parquet", parquet()),
    ]
}

#[test]
fn small_pieces_make_the_same_input() {
    for (name, bytes) in inputs() {
        for size in [1, 2, 3, 7, usize::MAX] {
            let tally = read(&bytes, size, End::Early, false).expect("it is whole").tally;
            assert_eq!((tally.used, tally.read), (ROWS, ROWS), "{name} by {size}");
        }
    }
}

#[test]
fn a_fault_at_any_byte_is_an_error() {
    for (name, bytes) in inputs() {
        for end in 0..=bytes.len() {
            for salvage in [false, true] {
                let error = read(&bytes[..end], usize::MAX, End::Fault, salvage);
                let error = error.err().unwrap_or_else(|| panic!("{name} at {end}: no error"));
                let IngestError::Source(error) = error else { panic!("{name} at {end}: {error}") };
                assert_eq!(error.code(), "E-F30", "{name} at {end}");
            }
        }
    }
}

#[test]
fn packed_data_that_end_early_are_an_error_or_salvaged() {
    for (name, bytes) in &inputs()[4..] {
        // Less than the number that tells the packing is no packed data, and holds no row.
        for end in 0..bytes.len() {
            let rows = |salvage| read(&bytes[..end], usize::MAX, End::Early, salvage).map(|file| file.tally);
            assert!(!rows(false).is_ok_and(|tally| tally.used > 0), "{name} to {end}");
            if let Ok(tally) = rows(true) {
                assert!(tally.used <= ROWS && tally.rejected() == 0, "{name} to {end}: {tally:?}");
            }
        }
    }
}

#[test]
fn an_array_that_ends_early_is_an_error_or_salvaged() {
    let bytes = json_array();
    for end in 0..bytes.len() {
        // Shorter ones need not be told for JSON.
        let Ok(file) = read(&bytes[..end], usize::MAX, End::Early, true) else { continue };
        let tally = file.tally;
        let whole = bytes[..end].iter().filter(|byte| **byte == b'}').count() as u64;
        assert_eq!((tally.used, tally.rejected()), (whole, u64::from(tally.read > whole)), "to {end}");
        let error = read(&bytes[..end], usize::MAX, End::Early, false).err();
        if end > 2 {
            assert_eq!(error.and_then(|error| error.code()), Some("E-F14"), "to {end}");
        }
    }
}

#[test]
fn of_text_that_ends_early_no_whole_row_is_lost() {
    for end in 0..LOG.len() {
        let text = &LOG.as_bytes()[..end];
        let Ok(file) = read(text, usize::MAX, End::Early, false) else { continue };
        // The lines of the last row are one record.
        let whole = text.iter().filter(|byte| **byte == b'\n').count().clamp(1, 3) as u64 - 1;
        assert!((whole..=whole + 1).contains(&file.tally.read), "to {end}: {:?}", file.tally);
    }
}
