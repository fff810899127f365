//! A setting that can be typed and written, and what is said where it is wrong: the flag where it was
//! typed, the place in the definition file where it was written.

use super::failure::Failure;
use crate::condition::SyntaxError;
use crate::definition::{DefinitionFile, Fault, Path};
use std::fmt::Display;

/// One setting, by its flag and by its key.
pub struct Setting<'a> {
    flag: &'static str,
    /// What was typed goes before what is written.
    is_typed: bool,
    place: Path,
    file: &'a DefinitionFile,
}

/// A table of the definition file whose keys have flags.
pub struct Settings<'a> {
    pub table: &'static str,
    pub file: &'a DefinitionFile,
}

impl<'a> Settings<'a> {
    pub fn of(&self, flag: &'static str, is_typed: bool, key: &str) -> Setting<'a> {
        Setting { flag, is_typed, place: Path::of(self.table).key(key), file: self.file }
    }
}

impl<'a> Setting<'a> {
    /// A setting anywhere in the definition file.
    pub fn at(flag: &'static str, is_typed: bool, place: Path, file: &'a DefinitionFile) -> Setting<'a> {
        Setting { flag, is_typed, place, file }
    }

    pub fn wrong(&self, message: impl Display) -> Failure {
        self.fault(Fault::at(self.place.clone(), message.to_string()), None)
    }

    /// A fault of one of several values.
    pub fn wrong_at(&self, index: usize, message: impl Display) -> Failure {
        self.fault(
            Fault::at(self.place.clone().index(index), message.to_string()).against(self.place.clone()),
            None,
        )
    }

    /// A fault of this setting and another together.
    pub fn against(&self, other: &Setting<'_>, message: &str) -> Failure {
        match (self.is_typed, other.is_typed) {
            (false, false) => {
                let fault = Fault::at(self.place.clone(), message).against(other.place.clone());
                self.file.fault(&fault).into()
            }
            (true, _) => self.wrong(format!("{message} ({})", other.name())),
            (false, true) => other.wrong(format!("{message} ({})", self.name())),
        }
    }

    fn name(&self) -> String {
        if self.is_typed {
            return self.flag.to_owned();
        }
        format!("`{}` is in the definition file", self.place.last_key().unwrap_or_default())
    }

    /// A fault inside the text that was given.
    pub fn syntax(&self, text: &str, error: SyntaxError) -> Failure {
        self.fault(Fault::inside(self.place.clone(), error), Some(text))
    }

    fn fault(&self, fault: Fault, text: Option<&str>) -> Failure {
        if self.is_typed || !self.file.holds(&self.place) {
            typed(self.flag, fault, text)
        } else {
            self.file.fault(&fault).into()
        }
    }
}

/// A fault of what was typed behind a flag.
fn typed(flag: &str, fault: Fault, text: Option<&str>) -> Failure {
    let caret = match (&fault.inside, text) {
        (Some(span), Some(text)) => format!("\n{}", SyntaxError::new("", span.clone()).caret(text)),
        _ => String::new(),
    };
    let failure = Failure::usage(format!("{flag}: {}{caret}", fault.message));
    Failure { hint: fault.hint, ..failure }
}

/// Keys of a funnel that were typed: the key, its flag, the text.
pub type TypedKeys<'a> = Vec<(&'static str, &'static str, &'a str)>;

/// A fault in a funnel's table, some keys of which were typed. `written`: where the table stands, if
/// it is written.
pub fn funnel_failure(
    mut fault: Fault,
    typed_keys: &TypedKeys<'_>,
    written: Option<(&DefinitionFile, Path)>,
) -> Failure {
    let typed_key = |place: &Path| typed_keys.iter().find(|(key, ..)| place.first_key() == Some(key));
    let first_typed = fault.places.iter().position(|place| typed_key(place).is_some());
    let Some((file, table)) = written else {
        let key = first_typed.and_then(|at| typed_key(&fault.places[at]));
        return match key {
            Some((_, flag, text)) => typed(flag, fault, Some(text)),
            None => Failure { hint: fault.hint, ..Failure::usage(fault.message) },
        };
    };
    let is_written = |place: &Path| file.holds(&table.clone().join(place)) && typed_key(place).is_none();
    let first_written = fault.places.iter().position(is_written);
    match (first_typed, first_written) {
        (Some(at), further) if further.is_none_or(|further| at < further) => {
            let (_, flag, text) = typed_key(&fault.places[at]).expect("it was found");
            let key = further.and_then(|further| fault.places[further].last_key());
            if let Some(key) = key {
                fault.message.push_str(&format!(" (`{key}` is in the definition file)"));
            }
            typed(flag, fault, Some(text))
        }
        (at, _) => {
            if let Some((_, flag, _)) = at.and_then(|at| typed_key(&fault.places[at])) {
                fault.message.push_str(&format!(" (with {flag})"));
            }
            fault.places.retain(|place| typed_key(place).is_none());
            file.fault(&fault.below(&table)).into()
        }
    }
}
