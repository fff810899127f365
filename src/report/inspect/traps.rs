//! What may make numbers mean something else than they seem to: warnings with their codes.

use super::facts::InspectFacts;
use crate::human;
use crate::ingest::Tally;
use crate::report::Warning;
use crate::report::input::InputFacts;
use std::collections::BTreeMap;

/// Share of rows by an id of nobody that deserves a warning.
const MANY_NOBODIES: f64 = 0.001;
/// Share of repeated rows over which the export itself seems to be in the input twice.
const TWICE: f64 = 0.5;
/// Groups of look-alike names that are told.
const LOOK_ALIKES_TOLD: usize = 3;

/// Traps of the events themselves, beside those that every report warns of.
pub(super) fn traps(
    tally: &Tally,
    facts: &InputFacts,
    found: &InspectFacts<'_>,
    events: &[&str],
) -> Vec<Warning> {
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
    let nobody: u64 = found.nobody_rows.values().sum();
    if nobody as f64 / used > MANY_NOBODIES {
        let ids: Vec<String> = found.nobody_rows.keys().map(|id| format!("{id:?}")).collect();
        let message = format!(
            "{} rows ({}) are of a person called {}: if that is nobody, add --null-id",
            human::count(nobody),
            human::share(nobody as f64 / used, false),
            ids.join(" or ")
        );
        warn("W09", nobody, message);
    }
    let groups = look_alikes(events);
    if !groups.is_empty() {
        let told: Vec<String> = groups
            .iter()
            .take(LOOK_ALIKES_TOLD)
            .map(|names| names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(" and "))
            .collect();
        let more = if groups.len() > told.len() { ", and others" } else { "" };
        let message = format!("event names differ in blanks or case alone: {}{more}", told.join("; "));
        warn("W11", groups.len() as u64, message);
    }
    if found.mail_ids > 0 && found.mail_ids.saturating_mul(2) >= facts.persons {
        let message = format!("{} ids of people look like e-mail addresses", human::count(found.mail_ids));
        warn("W12", found.mail_ids, message);
    }
    warnings
}

/// Groups of names that are equal but for case, blanks around or of another kind, and signs of no width.
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

fn fold(name: &str) -> String {
    let without_width = ['\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{00ad}'];
    let lower = name.chars().filter(|c| !without_width.contains(c)).flat_map(char::to_lowercase);
    lower.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Local times that do not exist or exist twice. They depend on how the input writes its times.
pub(super) fn clock_changes(tally: &Tally) -> Option<Warning> {
    let n = tally.shifted_times;
    let message = format!(
        "{} local times fall into a change of the clocks: moved if skipped, the earlier if repeated",
        human::count(n)
    );
    (n > 0).then(|| Warning { code: "W05".to_owned(), n, message })
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
    }
}
