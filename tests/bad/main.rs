//! Every kind of bad input, what the program promises for it, and runs of the program that show it.
//!
//! ```text
//! cargo test --release --test bad                     runs all, prints how many kinds are as promised
//! cargo test --release --test bad -- C09 F            only these kinds and families
//! cargo test --release --test bad -- --write DIR      writes the inputs of every run into DIR
//! cargo test --release --test bad -- --page           writes docs/BAD-INPUTS.md anew
//! ```

mod case;
mod csv;
mod encodings;
mod files;
mod json;
mod kills;
mod moving;
mod outputs;
mod page;
mod people;
mod privacy;
#[expect(dead_code, reason = "it serves other tests too")]
#[path = "../support/mod.rs"]
mod support;
mod terminal;
mod times;

use case::{Family, Kind, faults_of};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

fn families() -> Vec<Family> {
    let family = |letter, title, size, kinds| Family { letter, title, size, kinds };
    vec![
        family('F', "files and transport", 30, files::kinds()),
        family('C', "CSV and text", 29, csv::kinds()),
        family('J', "JSON", 14, json::kinds()),
        family('T', "time", 18, times::kinds()),
        family('U', "people and events", 16, people::kinds()),
        family('O', "outputs, process, security", 26, outputs::kinds()),
    ]
}

fn main() -> ExitCode {
    let families = families();
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--page"] => {
            std::fs::write(page_path(), page::page(&families)).expect("the page can be written");
            ExitCode::SUCCESS
        }
        ["--write", folder] => {
            write_inputs(&families, Path::new(folder));
            ExitCode::SUCCESS
        }
        words => run(&families, words),
    }
}

fn page_path() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/docs/BAD-INPUTS.md")
}

fn write_inputs(families: &[Family], folder: &Path) {
    for kind in families.iter().flat_map(|family| &family.kinds) {
        for (place, run) in kind.runs.iter().enumerate() {
            let folder = folder.join(format!("{}-{place}", kind.id));
            std::fs::create_dir_all(&folder).expect("a folder can be made");
            run.write(&folder);
        }
    }
}

/// Runs the kinds that the words name, all without words; flags that a test runner would know say nothing here.
fn run(families: &[Family], words: &[&str]) -> ExitCode {
    let words: Vec<&&str> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let is_asked = |kind: &&Kind| words.is_empty() || words.iter().any(|word| kind.id.starts_with(**word));
    let kinds: Vec<&Kind> = families.iter().flat_map(|family| &family.kinds).filter(is_asked).collect();
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the folder of tests is writable");
    let faults: Mutex<Vec<(&str, Vec<String>)>> = Mutex::default();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, |n| n.get()) {
            scope.spawn(|| {
                while let Some(kind) = kinds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut of_kind = faults_of(kind, scratch.path());
                    if kind.runs.is_empty() {
                        of_kind.push("no run shows it".to_owned());
                    }
                    if !of_kind.is_empty() {
                        faults.lock().expect("no thread panicked").push((kind.id, of_kind));
                    }
                }
            });
        }
    });
    let mut faults = faults.into_inner().expect("no thread panicked");
    faults.sort();
    for (id, faults) in &faults {
        println!("{id}: {}", faults.join("\n  "));
    }
    let mut sound = faults.is_empty();
    let expected: usize = families.iter().map(|family| family.size).sum();
    println!("bad inputs: {} of {expected} kinds are met as promised", kinds.len() - faults.len());
    if words.is_empty() {
        for fault in list_faults(families) {
            println!("{fault}");
            sound = false;
        }
        if std::fs::read_to_string(page_path()).ok() != Some(page::page(families)) {
            println!("docs/BAD-INPUTS.md says something else: run with --page and look at what changes");
            sound = false;
        }
    }
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Every kind stands once, in order.
fn list_faults(families: &[Family]) -> Vec<String> {
    let mut faults = Vec::new();
    for family in families {
        let ids: Vec<&str> = family.kinds.iter().map(|kind| kind.id).collect();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let named = |id: &&str| id.len() == 3 && id.starts_with(family.letter);
        if sorted != ids || !ids.iter().all(named) || ids.len() > family.size {
            faults.push(format!("family {}: {ids:?} are not its kinds in order", family.letter));
        }
    }
    faults
}
