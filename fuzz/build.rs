//! Takes over the rooms that need no polars, so that neither the fuzzer nor Miri builds it.

use std::fs;
use std::io;
use std::path::Path;

/// What brings polars along: it reads or writes Parquet.
const LEFT_OUT: [&str; 2] = ["parquet", "small_table"];
/// Rooms that are taken over but for that.
const ROOMS: [&str; 7] = ["condition", "decode", "definition", "derive", "event", "funnel", "render"];
/// Files and where they go: a room's first file into its folder, as its parts are found from there.
const FILES: [(&str, &str); 5] = [
    ("calendar.rs", "calendar.rs"),
    ("definition.rs", "definition/mod.rs"),
    ("event.rs", "event/mod.rs"),
    ("human.rs", "human.rs"),
    ("report/table.rs", "report/table.rs"),
];

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (from, to) = (root.join("../src"), root.join("target/source"));
    println!("cargo::rerun-if-changed=stub");
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    for room in ROOMS {
        println!("cargo::rerun-if-changed=../src/{room}");
        copy(&from.join(room), &to.join(room))?;
    }
    fs::create_dir_all(to.join("report"))?;
    for (file, place) in FILES {
        println!("cargo::rerun-if-changed=../src/{file}");
        fs::copy(from.join(file), to.join(place))?;
    }
    fs::copy(root.join("stub/parquet.rs"), to.join("render/parquet.rs"))?;
    let list = to.join("decode/mod.rs");
    let modules = fs::read_to_string(&list)?;
    let is_left_out = |line: &&str| LEFT_OUT.iter().any(|name| line.ends_with(&format!("mod {name};")));
    let kept = modules.lines().filter(|line| !is_left_out(line));
    fs::write(&list, kept.map(|line| format!("{line}\n")).collect::<String>())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if LEFT_OUT.iter().any(|left_out| path.file_stem() == Some(left_out.as_ref())) {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(name))?;
        } else {
            let source = fs::read(&path)?;
            fs::write(to.join(name), if under_miri() { with_few_cases(&source) } else { source })?;
        }
    }
    Ok(())
}

fn under_miri() -> bool {
    std::env::var_os("CARGO_CFG_MIRI").is_some()
}

/// With the numbers of random cases that tests name replaced by a few: Miri is a thousand times slower.
fn with_few_cases(source: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(source);
    let mut parts = text.split(" cases: ");
    let first = parts.next().unwrap_or_default().to_owned();
    let few = |text: String, part: &str| {
        let rest = part.trim_start_matches(|digit: char| digit.is_ascii_digit() || digit == '_');
        text + if rest.len() < part.len() { " cases: 4" } else { " cases: " } + rest
    };
    parts.fold(first, few).into_bytes()
}
