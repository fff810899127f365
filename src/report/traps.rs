//! What may make numbers mean something else than they seem to: warnings with their codes.

use super::Warning;
use super::ids::{IdFacts, fold};
use super::input::InputFacts;
use crate::human;
use crate::ingest::Tally;
use std::collections::BTreeMap;

/// Share of rows by an id of nobody that deserves a warning.
const MANY_NOBODIES: f64 = 0.001;
/// Share of repeated rows over which the export itself seems to be in the input twice.
const TWICE: f64 = 0.5;
/// Groups of look-alike names that are told.
const LOOK_ALIKES_TOLD: usize = 3;

/// Traps of the events themselves, beside those that every report warns of. `events` are the names
/// that rows have.
pub(super) fn traps(tally: &Tally, facts: &InputFacts, ids: &IdFacts, events: &[&str]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |code: &str, n: u64, message: String| {
        warnings.push(Warning { code: code.to_owned(), n, message });
    };
    let used = tally.events.max(1) as f64;
    let repeated = facts.repeated_rows as f64 / used;
    if repeated >= TWICE {
        let message = format!(
            "{} of the rows repeat another: is the same export in the input twice?",
            human::share(repeated, false)
        );
        warn("W03", facts.repeated_rows, message);
    } else if facts.repeated_rows > 0 {
        let message = format!(
            "{} rows ({}) repeat another in person, time, event and all other columns read: they are counted",
            human::count(facts.repeated_rows),
            human::share(repeated, false)
        );
        warn("W04", facts.repeated_rows, message);
    }
    let nobody: u64 = ids.nobody_rows.values().sum();
    if nobody as f64 / used > MANY_NOBODIES {
        let names: Vec<String> = ids.nobody_rows.keys().map(|id| format!("{id:?}")).collect();
        let message = format!(
            "{} rows ({}) are of a person called {}: if that is nobody, add --null-id",
            human::count(nobody),
            human::share(nobody as f64 / used, false),
            names.join(" or ")
        );
        warn("W09", nobody, message);
    }
    if let Some(Warning { code, n, message }) = look_alike_events(events, true) {
        warn(&code, n, message);
    }
    let alike = ids.look_alikes();
    if alike.sharers > 0 {
        let message = format!(
            "{}{} of people differ from another in blanks or case alone: they are people of their own",
            at_least(alike.is_share),
            human::counted(alike.sharers, "id", "ids")
        );
        warn("W11", alike.sharers, message);
    }
    let shared = ids.shared_sessions();
    if shared.texts > 0 {
        let message = format!(
            "{}{} more than one person: a session is told by its person and its id",
            at_least(shared.is_share),
            human::counted(shared.texts, "session id of the log has", "session ids of the log have")
        );
        warn("W13", shared.texts, message);
    }
    if ids.mail_ids > 0 && ids.mail_ids.saturating_mul(2) >= facts.persons {
        let message = format!("{} ids of people look like e-mail addresses", human::count(ids.mail_ids));
        warn("W12", ids.mail_ids, message);
    }
    warnings
}

/// Event names that look alike are most likely one event. `events` are the names that rows have, which are told
/// where `tells_names`.
pub(super) fn look_alike_events(events: &[&str], tells_names: bool) -> Option<Warning> {
    let groups = look_alikes(events);
    let told = groups.iter().take(LOOK_ALIKES_TOLD);
    let told: Vec<String> = told
        .map(|names| names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(" and "))
        .collect();
    let more = if groups.len() > told.len() { ", and others" } else { "" };
    let told = if tells_names { format!(": {}{more}", told.join("; ")) } else { String::new() };
    let message = format!(
        "event names look alike{told}; --trim and --normalize nfc make one of those that differ in blanks \
         around them or in how accents are written"
    );
    (!groups.is_empty()).then(|| Warning { code: "W11".to_owned(), n: groups.len() as u64, message })
}

/// Groups of names that are equal but for what [`fold`] leaves out.
fn look_alikes<'e>(events: &[&'e str]) -> Vec<Vec<&'e str>> {
    let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for &event in events {
        groups.entry(fold(event)).or_default().push(event);
    }
    let mut alike: Vec<Vec<&str>> = groups.into_values().filter(|names| names.len() > 1).collect();
    for names in &mut alike {
        names.sort_unstable();
    }
    alike
}

fn at_least(is_share: bool) -> &'static str {
    if is_share { "at least " } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike() {
        let alike =
            look_alikes(&["View", "view", "cart", "buy now", "buy\u{a0}now ", "caf\u{200b}e", "cafes"]);
        assert_eq!(alike, [vec!["buy now", "buy\u{a0}now "], vec!["View", "view"]]);
        assert!(look_alikes(&[]).is_empty());
        assert_eq!(look_alikes(&["a", "a\u{200b}"]).len(), 1);
        assert_eq!(look_alikes(&["caf\u{e9}", "cafe\u{301}", "\u{ff43}af\u{e9}"]).len(), 1);
    }
}
