//! The malformed files of apache/parquet-testing and apache/arrow-testing, most of them found by fuzzing other
//! readers: each is a clean error, or rows. None ends the program from outside or takes a GiB.

use crate::shared;
use dropoff::decode::parquet::{ParquetColumn, ParquetError, ParquetFile, ParquetKind};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Sound ones, and their rows, as the fields `num_rows` of their footers say.
const SOUND: [(&str, u64); 2] = [("ARROW-17100.parquet", 5), ("alltypes-java.parquet", 2)];

/// Runs the program in an address space of 1 GiB: what is resident can only be less. Beyond that memory
/// cannot be had, which ends the program by a signal.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_dropoff");
    let mut command = if cfg!(target_os = "linux") {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -v 1048576 && exec \"$0\" \"$@\"", program]);
        command
    } else {
        Command::new(program)
    };
    let output = command.current_dir(folder).env_remove("DROPOFF_CONFIG").args(arguments).output();
    output.expect("the program starts")
}

/// What is not clean about the end of a run.
fn fault(output: &Output) -> Option<String> {
    let said = String::from_utf8_lossy(&output.stderr);
    let is_clean = matches!(output.status.code(), Some(0..=4)) && !said.contains("made a mistake");
    let is_told = output.status.success() || said.starts_with("error");
    (!is_clean || !is_told || said.contains("panicked")).then(|| format!("{}\n{said}", output.status))
}

/// A definition that reads the first columns that can be read, and counts by all others. `None` where no column
/// can hold times.
fn definition(columns: &[ParquetColumn]) -> Option<String> {
    let can = |column: &&ParquetColumn| !matches!(column.kind, ParquetKind::Unsupported(_));
    let is_time = |column: &&ParquetColumn| {
        matches!(column.kind, ParquetKind::Timestamp { .. } | ParquetKind::Date | ParquetKind::Int)
    };
    let columns: Vec<&ParquetColumn> = columns.iter().filter(can).collect();
    let time = columns.iter().copied().find(is_time)?;
    // Texts of JSON are texts of TOML.
    let name = |column: &ParquetColumn| json!(column.path).to_string();
    let (first, by) = (name(columns[0]), columns.iter().skip(1).map(|column| name(column)));
    let by: Vec<String> = by.collect();
    Some(format!(
        "[source]\nuser = {first}\nevent = {first}\ntime = {}\nepoch_unit = \"s\"\n\
         [funnel.f]\nsteps = \"a, b\"\nby = [{}]\n",
        name(time),
        by.join(", ")
    ))
}

/// Looks at a file with both commands; what is wrong with how they end.
fn faults(path: &Path) -> Vec<String> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the folder of tests is writable");
    let path = std::path::absolute(path).expect("a path");
    let file = path.to_str().expect("UTF-8");
    let mut faults = Vec::new();
    faults.extend(fault(&run(folder.path(), &["inspect", file])));
    let columns = ParquetFile::open(&path).map(|file| file.columns().to_vec()).unwrap_or_default();
    let sound = SOUND.iter().find(|(name, _)| path.ends_with(name));
    if let Some(definition) = definition(&columns) {
        std::fs::write(folder.path().join("dropoff.toml"), definition).expect("a file can be written");
        // What their columns hold are no times of a log: rows that are read are enough.
        let arguments = ["report", file, "--format", "json", "--max-rejects", "100%", "--allow-empty"];
        let output = run(folder.path(), &arguments);
        faults.extend(fault(&output));
        if let Some((name, rows)) = sound {
            let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            let read = &report["body"]["input"]["rows"]["read"];
            if read != rows {
                let said = String::from_utf8_lossy(&output.stderr);
                faults.push(format!("{name}: {read} of {rows} rows read\n{said}"));
            }
        }
    } else if sound.is_some() {
        faults.push("it was not opened".to_owned());
    }
    faults.iter().map(|fault| format!("{file}: {fault}")).collect()
}

fn files_under(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files_under(&path, into) } else { into.push(path) }
    }
}

fn copies() -> Vec<PathBuf> {
    let mut files = Vec::new();
    files_under(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sets/parquet")), &mut files);
    files
}

/// The library asks for more memory than there is on the second, and so ends the program.
#[test]
fn what_the_library_would_not_survive_is_refused_before() {
    for name in ["4819270771146752", "5992530547310592"] {
        let is_it = |path: &&PathBuf| path.to_string_lossy().contains(name);
        let path = copies().iter().find(is_it).cloned().expect("it was copied");
        let refused = ParquetFile::open(&path).err();
        assert!(matches!(refused, Some(ParquetError::NotParquet | ParquetError::Damaged(_))), "{refused:?}");
    }
}

#[test]
fn the_copied_files_are_errors_or_rows() {
    let files = copies();
    assert_eq!(files.len(), 26);
    let faults: Vec<String> = files.iter().flat_map(|path| faults(path)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// 149 malformed files, 2 sound ones, and what lies beside them: 4 pages about them, 2 licences, and a file of
/// bare values.
#[test]
fn the_whole_sets_are_errors_or_rows() {
    let mut files = Vec::new();
    for folder in ["bad/parquet-testing", "bad/arrow-testing"] {
        let Some(folder) = shared(folder) else { return };
        files_under(&folder, &mut files);
    }
    assert_eq!(files.len(), 158);
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_os_string());
    for copy in copies() {
        let original = files.iter().find(|path| name(path) == name(&copy)).expect("it is from there");
        assert!(std::fs::read(original).ok() == std::fs::read(&copy).ok(), "{}", copy.display());
    }
    let faults: Vec<String> = files.iter().flat_map(|path| faults(path)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
