//! What is said of a mistake of ours: where in the program, of which version, over which question; nothing of
//! the data, which is what it stumbled over.

use std::sync::OnceLock;

/// The hash of the definition that is being counted.
static DEFINITION: OnceLock<String> = OnceLock::new();

/// Digits of a hash that are printed.
const DIGITS: usize = 16;

/// Keeps what a mistake from now on is about.
pub fn note_definition(hash: &str) {
    // The first stays: a run counts one definition.
    let _ = DEFINITION.set(hash.chars().take(DIGITS).collect());
}

/// The lines about a mistake at `place`, a file of the program and its line.
pub fn lines(place: Option<(&str, u32)>) -> Vec<String> {
    lines_of(place, DEFINITION.get().map(String::as_str))
}

fn lines_of(place: Option<(&str, u32)>, definition: Option<&str>) -> Vec<String> {
    let place = place.map_or(String::new(), |(file, line)| format!(" at {file}:{line}"));
    let definition = definition.map_or(String::new(), |hash| format!(" (definition {hash})"));
    vec![
        format!("error: dropoff {} made a mistake{place}{definition}", env!("CARGO_PKG_VERSION")),
        "hint: please report this line and the command".to_owned(),
        "hint: does it happen with --threads 1, and with the first half of the log (head -n) or the other? The \
         smallest log that does it is the best report"
            .to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_with_its_place_and_question() {
        let lines = lines_of(Some(("src/x.rs", 7)), Some("0123456789abcdef"));
        let version = env!("CARGO_PKG_VERSION");
        let wanted =
            format!("error: dropoff {version} made a mistake at src/x.rs:7 (definition 0123456789abcdef)");
        assert_eq!(lines[0], wanted);
        assert!(lines[1..].iter().all(|line| line.starts_with("hint: ")));
        assert_eq!(lines_of(None, None)[0], format!("error: dropoff {version} made a mistake"));
    }
}
