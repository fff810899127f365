//! Takes over the decoders without Parquet, so that neither the fuzzer nor Miri builds polars.

use std::fs;
use std::io;
use std::path::Path;

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (from, to) = (root.join("../src"), root.join("target/source"));
    println!("cargo::rerun-if-changed=../src/decode");
    println!("cargo::rerun-if-changed=../src/event.rs");
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    copy(&from.join("decode"), &to.join("decode"))?;
    fs::copy(from.join("event.rs"), to.join("event.rs"))?;
    let list = to.join("decode/mod.rs");
    let modules = fs::read_to_string(&list)?;
    let kept = modules.lines().filter(|line| !line.ends_with("mod parquet;"));
    fs::write(&list, kept.map(|line| format!("{line}\n")).collect::<String>())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() {
            copy(&path, &to.join(name))?;
        } else if name != "parquet.rs" {
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
