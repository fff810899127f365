//! What fuzzing found worth keeping, run by the same bodies that the fuzzer runs: `fuzz/src/targets`.
//!
//! The inputs lie in `fuzz/saved`, one file a target and one line an input; `scripts/fuzz` finds more.

use dropoff::{condition, decode, definition, event, funnel, render, report};

#[path = "../fuzz/src/lines.rs"]
mod lines;
#[path = "../fuzz/src/targets/mod.rs"]
mod targets;

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::Path;

#[test]
fn saved_inputs_break_no_promise() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/saved");
    let (mut inputs, mut broken) = (0, Vec::new());
    for &(name, run) in targets::ALL {
        let text = std::fs::read_to_string(folder.join(name).with_extension("txt"));
        let text = text.unwrap_or_else(|error| panic!("the saved inputs of {name}: {error}"));
        assert!(text.lines().count() > 20, "{name} has hardly any inputs");
        for line in text.lines() {
            let input = lines::unescaped(line).unwrap_or_else(|| panic!("{name}: {line}"));
            inputs += 1;
            if catch_unwind(|| run(&input)).is_err() {
                broken.push(format!("{name}: {line}"));
            }
        }
    }
    assert!(broken.is_empty(), "of {inputs} inputs:\n{}", broken.join("\n"));
}

#[test]
fn saved_inputs_belong_to_targets() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/saved");
    let files = std::fs::read_dir(folder).expect("the saved inputs");
    let files: BTreeSet<String> =
        files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect();
    let names: BTreeSet<String> = targets::ALL.iter().map(|(name, _)| format!("{name}.txt")).collect();
    assert_eq!(files, names);
}

#[test]
fn an_input_is_a_line_and_a_line_an_input() {
    let every: Vec<u8> = (0..=255).chain(*b"\\x00 \\n 'a' \"b\"").collect();
    let line = lines::escaped(&every);
    assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
    assert_eq!(lines::unescaped(&line), Some(every));
    assert_eq!(
        [lines::unescaped("\\"), lines::unescaped("\\q"), lines::unescaped("\\x0")],
        [None, None, None]
    );
}
