//! The house rules that a reader would have to check by hand: arrows between modules point one
//! way, every library has one home, and only `main` and `cli` print or exit.
//!
//! Reads the text of `src`. What only macros of others would expand to is not seen.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules, in layers: a module uses those of earlier layers, never its own layer's others.
const LAYERS: [&[&str]; 12] = [
    &["event"],
    &["codes", "stats", "human", "calendar"],
    &["source"],
    &["decode"],
    &["condition"],
    &["derive", "funnel", "schema"],
    &["definition"],
    &["session", "identity"],
    &["ingest"],
    &["report"],
    &["check", "render"],
    &["cli"],
];

/// A library, and where alone the program may use it (tests may anywhere): files or, with a slash at the end, folders of `src`.
struct Home {
    library: &'static str,
    places: &'static [&'static str],
}

const HOMES: &[Home] = &[
    Home { library: "clap", places: &["cli/", "main.rs"] },
    Home { library: "clap_complete", places: &["cli/"] },
    Home { library: "clap_mangen", places: &["cli/"] },
    Home { library: "indicatif", places: &["cli/"] },
    Home { library: "anstream", places: &["cli/"] },
    Home { library: "terminal_size", places: &["cli/"] },
    Home { library: "tempfile", places: &["source/open.rs", "source/replace.rs", "source/scratch.rs"] },
    Home { library: "rustix", places: &["source/replace.rs", "source/scratch.rs"] },
    Home { library: "csv", places: &["decode/", "render/csv.rs", "cli/output.rs"] },
    Home { library: "polars", places: &["decode/parquet.rs", "decode/parquet/", "render/parquet.rs"] },
    Home { library: "memmap2", places: &["decode/parquet.rs"] },
    Home { library: "flate2", places: &["source/"] },
    Home { library: "zstd", places: &["source/"] },
    Home { library: "encoding_rs", places: &["source/"] },
    Home { library: "chardetng", places: &["source/"] },
    Home { library: "globset", places: &["source/"] },
    Home { library: "unicode_normalization", places: &["ingest/clean.rs", "report/ids.rs"] },
    Home { library: "walkdir", places: &["source/"] },
];

/// One file of `src`, its comments blanked out.
struct Source {
    /// Relative to `src`, with forward slashes.
    path: String,
    code: String,
}

impl Source {
    /// The module of the crate that the file belongs to; `None` for the roots.
    fn module(&self) -> Option<&str> {
        let first = self.path.split('/').next().unwrap_or(&self.path);
        let name = first.strip_suffix(".rs").unwrap_or(first);
        (name != "lib" && name != "main").then_some(name)
    }

    /// Parts of its module path: `report/table.rs` has 2, `report/mod.rs` and `event.rs` have 1.
    fn depth(&self) -> usize {
        let parts = self.path.trim_end_matches(".rs").trim_end_matches("/mod");
        parts.split('/').count()
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.ends_with("_tests.rs")
    }

    /// The code without the tests at its end.
    fn outside_tests(&self) -> &str {
        if self.is_test() {
            return "";
        }
        let end = self.code.find("#[cfg(test)]\nmod tests {").unwrap_or(self.code.len());
        &self.code[..end]
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    paths.sort();
    assert!(!paths.is_empty(), "there is no source in {}", root.display());
    paths
        .iter()
        .map(|path| {
            let text = fs::read_to_string(path).expect("a source file is readable");
            let relative = path.strip_prefix(&root).expect("it lies in src");
            Source {
                path: relative.to_string_lossy().replace('\\', "/"),
                code: text.lines().map(without_comment).collect::<Vec<_>>().join("\n"),
            }
        })
        .collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src is readable") {
        let path = entry.expect("an entry of src").path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Cuts a line at `//`, unless that stands inside a text.
fn without_comment(line: &str) -> &str {
    let quotes_before = |at: usize| line[..at].matches('"').count();
    let comment = line.match_indices("//").map(|(at, _)| at).find(|&at| quotes_before(at).is_multiple_of(2));
    comment.map_or(line, |at| &line[..at])
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Where `word` stands alone in `code`.
fn words<'c>(code: &'c str, word: &'c str) -> impl Iterator<Item = usize> + 'c {
    let bytes = code.as_bytes();
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let after = bytes.get(at + word.len());
        !before.is_some_and(is_word) && !after.is_some_and(|&after| is_word(after))
    })
}

fn first_word(code: &str) -> &str {
    let end = code.bytes().position(|byte| !is_word(byte)).unwrap_or(code.len());
    &code[..end]
}

/// The first words of a path's tail: of `a::b` it is `a`, of `{a::b, c}` they are `a` and `c`.
fn heads(tail: &str) -> Vec<&str> {
    let Some(group) = tail.strip_prefix('{') else { return vec![first_word(tail)] };
    let mut heads = Vec::new();
    let mut depth = 0;
    let mut starts = true;
    for (at, sign) in group.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => starts = true,
            sign if starts && !sign.is_whitespace() => {
                heads.push(first_word(&group[at..]));
                starts = false;
            }
            _ => {}
        }
    }
    heads
}

/// The top modules that a file names, by `crate::` or by climbing up to the root with `super::`.
fn used_modules(source: &Source) -> BTreeSet<&str> {
    let mut used = BTreeSet::new();
    for at in words(&source.code, "crate") {
        if let Some(tail) = source.code[at..].strip_prefix("crate::") {
            used.extend(heads(tail));
        }
    }
    for at in words(&source.code, "super") {
        if source.code[..at].ends_with("super::") {
            continue;
        }
        let mut tail = &source.code[at..];
        let mut climbed = 0;
        while let Some(rest) = tail.strip_prefix("super::") {
            tail = rest;
            climbed += 1;
        }
        if climbed >= source.depth() {
            used.extend(heads(tail));
        }
    }
    used.retain(|name| layer(name).is_some());
    used
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|names| names.contains(&module))
}

#[test]
fn every_module_has_a_layer() {
    for source in sources() {
        if let Some(module) = source.module() {
            assert!(layer(module).is_some(), "{}: {module} is in no layer of this test", source.path);
        }
    }
}

#[test]
fn arrows_point_one_way() {
    let mut backward = String::new();
    for source in &sources() {
        let Some(module) = source.module() else { continue };
        for used in used_modules(source) {
            if used != module && layer(used) >= layer(module) {
                writeln!(backward, "src/{}: {module} uses {used}", source.path).expect("a text takes all");
            }
        }
    }
    assert!(backward.is_empty(), "backward arrows:\n{backward}");
}

#[test]
fn every_library_has_one_home() {
    let mut strays = String::new();
    for source in &sources() {
        // A module of ours may bear the name of a library: then only `::name::` is the library's.
        for home in HOMES {
            let at_home = home.places.iter().any(|place| match place.strip_suffix('/') {
                Some(_) => source.path.starts_with(place),
                None => source.path == *place,
            });
            if !at_home && uses_library(source.outside_tests(), home.library) {
                writeln!(strays, "src/{}: {} is at home in {:?}", source.path, home.library, home.places)
                    .expect("a text takes all");
            }
        }
    }
    assert!(strays.is_empty(), "libraries outside their home:\n{strays}");
}

/// Whether the code has a path that starts with the library's name.
fn uses_library(code: &str, library: &str) -> bool {
    let brings_own = [format!("mod {library};"), format!("::{library};"), format!("{library}::{{self")];
    let shadowed = brings_own.iter().any(|own| code.contains(own.as_str())) || imports_own(code, library);
    words(code, library).any(|at| {
        let (before, after) = (&code[..at], &code[at + library.len()..]);
        let absolute = before.strip_suffix("::").is_some_and(|outer| {
            !outer.ends_with(|sign: char| sign.is_ascii_alphanumeric() || sign == '_' || sign == '>')
        });
        let plain = !before.ends_with(':') && !shadowed;
        after.starts_with("::") && (absolute || plain)
    })
}

/// Whether a `use crate::…{…}` or `use super::{…}` brings a module of this name in.
fn imports_own(code: &str, name: &str) -> bool {
    code.split("use ").skip(1).any(|import| {
        let import = &import[..import.find(';').unwrap_or(import.len())];
        let ours = import.starts_with("crate::") || import.starts_with("super::");
        ours && words(import, name).any(|at| {
            let after = import[at + name.len()..].trim_start();
            after.is_empty() || after.starts_with([',', '}']) || after.starts_with("::{self")
        })
    })
}

#[test]
fn only_main_and_the_command_line_print_or_exit() {
    let mut found = String::new();
    for source in &sources() {
        if source.path == "main.rs" || source.path.starts_with("cli/") {
            continue;
        }
        for call in ["println!", "eprintln!", "print!", "eprint!", "dbg!", "process::exit"] {
            let word = call.trim_end_matches('!');
            if words(source.outside_tests(), word).any(|at| source.code[at..].starts_with(call)) {
                writeln!(found, "src/{}: {call}", source.path).expect("a text takes all");
            }
        }
        for call in ["std::env::var", "std::env::current_dir", "std::io::stdout", "std::io::stderr"] {
            if source.outside_tests().contains(call) {
                writeln!(found, "src/{}: {call}", source.path).expect("a text takes all");
            }
        }
    }
    assert!(found.is_empty(), "only main and cli print, exit or read the environment:\n{found}");
}

#[test]
fn the_reader_of_paths_sees_what_it_should() {
    assert_eq!(heads("report::table::{Cell, Table};"), ["report"]);
    assert_eq!(heads("{report::{table, input}, human::count};"), ["report", "human"]);
    assert_eq!(without_comment("a // crate::cli"), "a ");
    assert_eq!(without_comment("\"http://x\" b"), "\"http://x\" b");
    let file = |path: &str, code: &str| Source { path: path.to_owned(), code: code.to_owned() };
    let climbing = file("source/open.rs", "use super::super::cli::run;");
    assert_eq!(used_modules(&climbing), BTreeSet::from(["cli"]));
    let beside = file("source/open.rs", "use super::list; use crate::event::{Field, Reject};");
    assert_eq!(used_modules(&beside), BTreeSet::from(["event"]));
    assert!(uses_library("let r = csv::Reader::new();", "csv"));
    assert!(uses_library("use super::csv; let r = ::csv::Reader::new();", "csv"));
    assert!(!uses_library("use crate::decode::csv; let r = csv::Reader::new();", "csv"));
    assert!(!uses_library("use crate::decode::{csv, jsonl}; csv::Reader::new();", "csv"));
    assert!(!uses_library("let r = decode::csv::Reader::new();", "csv"));
}
