//! A definition file: any text is read or refused with a place in it, and what is read makes sense.

use crate::definition::{DefinitionError, DefinitionFile, Path};

/// The text of a file.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let file = match DefinitionFile::parse(text, "dropoff.toml") {
        Ok(file) => file,
        Err(error) => return points_into(&error, text),
    };
    if let Err(error) = file.check_funnels() {
        points_into(&error, text);
    }
    if let Err(error) = file.rules() {
        points_into(&error, text);
    }
    for name in text.split(|c: char| !c.is_alphanumeric()).take(20) {
        for fault in file.faults_of_column(name, "no such column") {
            points_into(&file.fault(&fault), text);
        }
    }
    for (name, table) in file.funnels() {
        let path = Path::of("funnel").key(name);
        assert!(file.holds(&path), "{name:?}");
        match table.settle(name) {
            Ok(funnel) => {
                assert!(funnel.check().is_ok());
                assert!(funnel.step_count() > 0 && funnel.step_count() <= funnel.event_specs().count());
                if let Err(fault) = table.by_from(funnel.step_count()) {
                    points_into(&file.fault(&fault.below(&path)), text);
                }
            }
            Err(fault) => points_into(&file.fault(&fault.below(&path)), text),
        }
    }
}

fn points_into(error: &DefinitionError, text: &str) {
    let lines: Vec<&str> = text.split('\n').collect();
    assert!((1..=lines.len()).contains(&error.line), "{error:?}");
    assert!((1..=lines[error.line - 1].chars().count() + 1).contains(&error.column), "{error:?}");
    assert!(!error.message.is_empty());
    assert!(error.to_string().starts_with(&format!("dropoff.toml:{}:{}: ", error.line, error.column)));
    assert!(!error.excerpt.contains(|c: char| c != '\n' && c.is_control()), "{:?}", error.excerpt);
}
