//! What tests that run the whole program over many files share.

use polars::prelude::{Column, DataFrame, ParquetWriter};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// The program, away from any definition file and from the settings of this machine.
fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropoff"));
    command.current_dir(folder).env_remove("DROPOFF_CONFIG");
    command
}

/// What the program prints on standard output; a run that fails is a failed test.
pub fn stdout_of<S: AsRef<OsStr>>(folder: &Path, arguments: &[S], stdin: Stdio) -> String {
    let output = program(folder).args(arguments).stdin(stdin).output().expect("the program starts");
    let shown: Vec<_> = arguments.iter().map(|argument| argument.as_ref().to_string_lossy()).collect();
    assert!(
        output.status.success(),
        "dropoff {}\n{}\n{}",
        shown.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("the report is UTF-8")
}

/// One gzip member.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes all")
}

/// One Zstandard frame.
pub fn zstandard(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("memory takes all")
}

/// Writes columns of equal length as Parquet, in row groups of `group_rows`.
pub fn write_parquet(path: &Path, columns: Vec<Column>, group_rows: usize) {
    let height = columns.first().map_or(0, Column::len);
    let mut frame = DataFrame::new(height, columns).expect("columns are of equal length");
    let file = File::create(path).expect("the test's folder is writable");
    ParquetWriter::new(file)
        .with_row_group_size(Some(group_rows))
        .finish(&mut frame)
        .expect("the frame can be written");
}
