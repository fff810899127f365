//! What an inspection found as a definition file, with comments: a start for the user to edit.

use super::Look;
use super::columns::{choices, role_name};
use crate::definition::{OneOrMore, ValueColumn};
use crate::event::{DAY_US, HOUR_US, MINUTE_US, SECOND_US};
use crate::ingest::plan::ReadPlan;
use crate::schema::roles::Role;

/// Writes the file. `steps` are in the grammar of `--steps`, with the reason for them.
pub(super) fn definition_file(
    look: &Look<'_>,
    plan: Option<&ReadPlan>,
    steps: Option<(&str, &str)>,
) -> String {
    let mut lines = Lines::default();
    lines.comment(
        "What `dropoff inspect` found. Change what is wrong; flags on the command line override it.",
    );
    source(look, plan, &mut lines);
    for rule in plan.iter().flat_map(|plan| &plan.derivation).flat_map(|derivation| &derivation.rules) {
        lines.section("[[derive]]");
        lines.0.push_str(&rule.keys());
    }
    lines.section("[sessions]");
    lines.comment("A new session starts after more than this without a row.");
    lines.key("timeout", text(&duration_text(look.session_timeout_us)));
    identity(look, &mut lines);
    match steps {
        Some((steps, why)) => {
            lines.section("[funnel.purchase]");
            lines.comment(why);
            lines.key("steps", text(steps));
            lines.key("window", text("7d"));
        }
        None => {
            lines.section("# [funnel.purchase]");
            lines.comment("No funnel is suggested: no event is plainly a sale that known stages lead to.");
            lines.comment("steps = \"FIRST, NEXT, LAST\"");
            lines.comment("window = \"7d\"");
        }
    }
    lines.section("# [[check]]");
    lines.comment("metric = \"conversion\"");
    lines.comment("fail = \"< 2%\"");
    lines.comment("min_n = 500");
    lines.0
}

fn source(look: &Look<'_>, plan: Option<&ReadPlan>, lines: &mut Lines) {
    let source = look.source;
    lines.section("[source]");
    let files = look.files_of_definition;
    if !files.is_empty() && files.iter().all(|file| file != "-") {
        lines.key("files", list(files));
    }
    for role in [Role::User, Role::Time, Role::Event, Role::Url, Role::Session] {
        roles(look, role, lines);
    }
    if let Some(name) = plan.and_then(|plan| plan.event_name.as_ref()).or(source.event_name.as_ref()) {
        lines.key("event_name", text(name));
    }
    match &source.unpivot {
        Some(OneOrMore::One(columns)) => lines.key("unpivot", text(columns)),
        Some(OneOrMore::More(columns)) => lines.key("unpivot", list(columns)),
        None => {}
    }
    match &source.value {
        Some(ValueColumn::WithCurrency { column, currency: Some(currency) }) => {
            lines.key("value", format!("{{ column = {}, currency = {} }}", text(column), text(currency)));
        }
        _ => roles(look, Role::Value, lines),
    }
    roles(look, Role::Currency, lines);

    let plain = [
        ("received_time", &source.received_time),
        ("time_zone", &source.time_zone),
        ("assume_time_zone", &source.assume_time_zone),
        ("epoch_unit", &source.epoch_unit),
        ("date_order", &source.date_order),
        ("min_time", &source.min_time),
        ("dst", &source.dst),
        ("where", &source.filter),
        ("log_format", &source.log_format),
        ("delimiter", &source.delimiter),
        ("escape", &source.escape),
        ("max_field", &source.max_field),
        ("normalize", &source.normalize),
        ("decimal", &source.decimal),
        ("encoding", &source.encoding),
    ];
    for (key, value) in plain {
        if let Some(value) = value {
            lines.key(key, text(value));
        }
    }
    match &source.time_format {
        Some(OneOrMore::One(layout)) => lines.key("time_format", text(layout)),
        Some(OneOrMore::More(layouts)) => lines.key("time_format", list(layouts)),
        None => {}
    }
    let of_one_word = [
        ("header", source.header.map(|header| header.to_string())),
        ("skip_lines", source.skip_lines.map(|lines| lines.to_string())),
        ("skip_after_header", source.skip_after_header.map(|lines| lines.to_string())),
        ("keep_empty_id", source.keep_empty_id.map(|keeps| keeps.to_string())),
        ("trim", source.trim.map(|trims| trims.to_string())),
    ];
    for (key, value) in of_one_word {
        if let Some(value) = value {
            lines.key(key, value);
        }
    }
    for (key, value) in [("columns", &source.columns), ("null_ids", &source.null_ids)] {
        if let Some(value) = value {
            lines.key(key, list(value));
        }
    }
}

/// What was asked of people's ids and of repeated events.
fn identity(look: &Look<'_>, lines: &mut Lines) {
    let keys = [("stitch", &look.identity.stitch), ("map", &look.identity.map)];
    if keys.iter().any(|(_, value)| value.is_some()) {
        lines.section("[identity]");
    }
    for (key, value) in keys.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?))) {
        lines.key(key, text(value));
    }
    match (look.dedupe.key.clone().map_or_else(Vec::new, OneOrMore::into_vec), look.dedupe.exact) {
        (key, _) if !key.is_empty() => {
            lines.section("[dedupe]");
            lines.key("key", list(&key));
            if let Some(window) = &look.dedupe.window {
                lines.key("window", text(window));
            }
        }
        (_, Some(exact)) => {
            lines.section("[dedupe]");
            lines.key("exact", exact.to_string());
        }
        _ => {}
    }
}

/// The column of a role, or why there is none.
fn roles(look: &Look<'_>, role: Role, lines: &mut Lines) {
    let mut names = Vec::new();
    for (_, choice) in choices(look.guess).filter(|(known, _)| *known == role) {
        lines.comment(&choice.evidence);
        names.extend(look.columns.get(choice.column).cloned());
    }
    match names.as_slice() {
        [] => {
            for problem in look.guess.problems.iter().filter(|problem| problem.role() == role) {
                lines.comment(&format!("{problem}; {}", problem.hint()));
                lines.comment(&format!("{} = \"COLUMN\"", role_name(role)));
            }
        }
        [name] => lines.key(role_name(role), text(name)),
        names if role == Role::User && look.guess.user_together => {
            lines.key(role_name(role), format!("{{ all = {} }}", list(names)));
        }
        names => lines.key(role_name(role), list(names)),
    }
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn section(&mut self, title: &str) {
        self.0.push_str(&format!("\n{title}\n"));
    }

    fn key(&mut self, key: &str, value: String) {
        self.0.push_str(&format!("{key} = {value}\n"));
    }

    /// TOML comments hold no control characters, and evidence quotes the data.
    fn comment(&mut self, text: &str) {
        self.0.push_str("# ");
        self.0.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }));
        self.0.push('\n');
    }
}

/// A TOML string.
fn text(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(texts: &[String]) -> String {
    toml::Value::from(texts.to_vec()).to_string()
}

/// A duration as the definition file takes it: `30m`, `1h30m`.
fn duration_text(duration_us: i64) -> String {
    let mut rest = duration_us.max(0);
    let mut written = String::new();
    let units = [("d", DAY_US), ("h", HOUR_US), ("m", MINUTE_US), ("s", SECOND_US), ("ms", 1_000), ("us", 1)];
    for (unit, unit_us) in units {
        if rest >= unit_us {
            written.push_str(&format!("{}{unit}", rest / unit_us));
            rest %= unit_us;
        }
    }
    if written.is_empty() { "0s".to_owned() } else { written }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::time::parse_duration_us;

    #[test]
    fn durations_are_read_back() {
        for (us, expected) in [(0, "0s"), (1, "1us"), (30 * MINUTE_US, "30m"), (5_400_000_000, "1h30m")] {
            assert_eq!(duration_text(us), expected);
            assert_eq!(parse_duration_us(expected), Ok(us));
        }
        assert_eq!(parse_duration_us(&duration_text(i64::MAX)), Ok(i64::MAX));
    }

    #[test]
    fn texts_of_any_kind_are_toml() {
        for wanted in ["a", "it's", "\"q\"", "back\\slash", "two\nlines", "\u{7f}\u{1}", "'''\"\"\"", "קונה"]
        {
            let read: toml::Table = toml::from_str(&format!("key = {}\n", text(wanted))).expect(wanted);
            assert_eq!(read["key"].as_str(), Some(wanted));
        }
    }

    #[test]
    fn comments_stay_on_their_line() {
        let mut lines = Lines::default();
        lines.comment("a\nb = 1\r\u{0}c");
        assert_eq!(lines.0, "# a b = 1  c\n");
        assert!(toml::from_str::<toml::Table>(&lines.0).is_ok_and(|table| table.is_empty()));
    }
}
