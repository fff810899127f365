//! Definition files that cannot be read or followed, each with the place, the line and the carets
//! that are shown, worked out by hand (`broken.txt`).
//!
//! A case is `=== name`, the file, `--- LINE:COLUMN`, the line shown, the carets and parts of what else is said.
//! Names that begin with `check:` are of that command.

use super::run;

const CASES: &str = include_str!("broken.txt");

struct Case<'a> {
    name: &'a str,
    file: &'a str,
    /// `LINE:COLUMN`
    place: &'a str,
    line: &'a str,
    carets: &'a str,
    said: Vec<&'a str>,
}

fn cases() -> Vec<Case<'static>> {
    let case = |text: &'static str| {
        let (name, rest) = text.split_once('\n')?;
        let (file, rest) = rest.split_once("\n--- ")?;
        let mut lines = rest.lines();
        let (place, line, carets) = (lines.next()?, lines.next()?, lines.next()?);
        Some(Case { name, file, place, line, carets, said: lines.filter(|line| !line.is_empty()).collect() })
    };
    let texts = CASES.split("=== ").skip(1);
    texts.map(|text| case(text).unwrap_or_else(|| panic!("not a case: {text}"))).collect()
}

/// What the program says of the file, and its exit code.
fn said_of(case: &Case<'_>) -> (String, Option<i32>) {
    let log = "who,when,what\na,2026-01-01 08:00:00,view\n";
    let definition = format!("{}\n", case.file);
    let command = if case.name.starts_with("check:") { "check" } else { "report" };
    let arguments = [command, "log.csv", "--config", "broken.toml"];
    let output = run(&[("log.csv", log), ("broken.toml", &definition)], &arguments);
    (String::from_utf8(output.stderr).expect("UTF-8"), output.status.code())
}

#[test]
fn every_fault_is_shown_at_its_place() {
    let cases = cases();
    assert!(cases.len() >= 90, "only {} cases were found", cases.len());
    let mut failures = Vec::new();
    for case in &cases {
        let (said, code) = said_of(case);
        let mut lines = said.lines();
        let first = lines.next().unwrap_or_default();
        // A code may stand before the place.
        let place = format!(": broken.toml:{}: ", case.place);
        let is_shown = first.starts_with("error")
            && first.contains(&place)
            && lines.next() == Some(case.line)
            && lines.next() == Some(case.carets)
            && case.said.iter().all(|part| said.contains(part))
            && code == Some(2);
        if !is_shown {
            failures.push(format!("{}: wanted {place}{:?}, found:\n{said}", case.name, case.said));
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), cases.len(), failures.join("\n"));
}
