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
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}
