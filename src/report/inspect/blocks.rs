//! An inspection as people read it: what was found first, the line to paste last.

use super::columns::columns_table;
use super::{Events, Gaps, InspectBody, InspectRun, Inspection};
use crate::human::{count, counted, duration};
use crate::report::derived::Derived;
use crate::report::table::{Block, Cell, Column, Table};
use crate::report::{files_text, input_facts, rejects_table};

/// Event names above which a pattern is suggested.
const MANY_NAMES: u64 = 500;

impl Inspection {
    /// The inspection for people and for table formats.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = vec![Block::Heading(1, "dropoff inspect".to_owned())];
        let (run, body) = (self.run.as_ref(), self.body.as_ref());
        let facts = facts(run, body);
        if !facts.is_empty() {
            blocks.push(Block::Facts(facts));
        }
        let of_run = run.iter().flat_map(|run| &run.reading.warnings);
        for warning in of_run.chain(body.iter().flat_map(|body| &body.warnings)) {
            blocks.push(warning.block());
        }
        if let (Some(run), Some(body)) = (run, body) {
            blocks.extend(rejects_table(&run.reading.reject_samples, &body.input).map(Block::Table));
        }
        if let Some(run) = run {
            blocks.push(Block::Table(columns_table(&run.columns, run.sampled_rows)));
        }
        if let Some(body) = body {
            blocks.extend(body.derived.iter().flat_map(Derived::tables).map(Block::Table));
            blocks.push(Block::Table(body.events.table()));
            blocks.extend((body.gaps.n > 0).then(|| Block::Table(body.gaps.table())));
        }
        if let Some(run) = run {
            for problem in &run.problems {
                blocks.push(Block::Note(format!("{}; {}", problem.message, problem.hint)));
            }
        }
        blocks.extend(start(run, body));
        blocks
    }
}

/// What to do next.
fn start(run: Option<&InspectRun>, body: Option<&InspectBody>) -> Vec<Block> {
    let Some(body) = body else {
        return vec![Block::Note("No row was read: settle the columns first.".to_owned())];
    };
    let Some(funnel) = &body.suggested else {
        let message = "No funnel is suggested: no event is plainly a sale that known stages lead to. Choose \
                       steps from the events above: dropoff report ... --steps 'FIRST, NEXT, LAST'";
        return vec![Block::Note(message.to_owned())];
    };
    let mut blocks = vec![Block::Heading(2, "A funnel to start from".to_owned())];
    blocks.push(Block::Note(format!("{}: {}.", funnel.steps, funnel.why)));
    let command = run.and_then(|run| run.report_command.clone());
    blocks.extend(command.map(Block::Command));
    blocks
}

fn facts(run: Option<&InspectRun>, body: Option<&InspectBody>) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut add = |name: &str, value: String| facts.push((name.to_owned(), value));
    if let Some(run) = run
        && !run.reading.files.is_empty()
    {
        add("files", files_text(&run.reading.files));
    }
    if let Some(body) = body {
        for (name, value) in input_facts(&body.input) {
            add(&name, value);
        }
        add("sessions", sessions_text(body));
        add("repeats", repeats_text(run, body));
        if let Some(received) = &body.received {
            add("received", received.text());
        }
        if body.currencies.len() > 1 {
            let list = body.currencies.join(", ");
            add("currencies", format!("{list}: a report adds up one; choose it with --where"));
        }
        add("time zone", body.time_zone.clone());
    }
    if let Some(run) = run {
        for guess in &run.reading.guessed {
            add("guessed", guess.clone());
        }
        if let Some((name, text)) = run.reading.memory_fact() {
            add(&name, text);
        }
        for note in &run.reading.notes {
            add("note", note.clone());
        }
    }
    facts
}

fn sessions_text(body: &InspectBody) -> String {
    let sessions = &body.sessions;
    let us = |seconds: f64| duration((seconds * 1e6) as i64, false);
    let mut text = format!("{}, split after {} without a row", count(sessions.n), us(body.session_timeout_s));
    if let (Some(events), Some(duration_s)) = (sessions.events_p50, sessions.duration_p50_s) {
        let rows = if events == 1.0 { "row" } else { "rows" };
        text.push_str(&format!("; median {events} {rows} and {}", us(duration_s)));
    }
    if sessions.of_one_event > 0 {
        text.push_str(&format!("; {} of one row", count(sessions.of_one_event)));
    }
    if sessions.cut > 0 {
        text.push_str(&format!("; {} may go on outside the data", count(sessions.cut)));
    }
    if let Some(log) = &body.input.log_sessions {
        text.push_str(&format!(
            "; {} of the log's own {} are the same",
            count(log.identical),
            count(log.sessions)
        ));
    }
    text
}

fn repeats_text(run: Option<&InspectRun>, body: &InspectBody) -> String {
    let mut text = format!(
        "{} another, {} person and time with another",
        counted(body.duplicate_rows, "row repeats", "rows repeat"),
        counted(body.input.tied_rows, "shares", "share")
    );
    if let Some(run) = run {
        let n = run.reading.rows_out_of_order;
        text.push_str(&format!(
            ", {}",
            counted(n, "is earlier than the row before it", "are earlier than the row before them")
        ));
    }
    text
}

impl Events {
    fn table(&self) -> Table {
        let rows = self.top.iter().map(|event| {
            vec![
                Cell::Text(event.event.clone()),
                Cell::Count(event.rows),
                Cell::Share(event.share_of_rows),
                Cell::Bar(event.share_of_rows),
                Cell::Count(event.people),
                Cell::Number(event.first_place_p50),
            ]
        });
        let mut notes = Vec::new();
        if self.other_names > 0 {
            notes.push(format!(
                "and {} with {}",
                counted(self.other_names, "more name", "more names"),
                counted(self.other_rows, "row", "rows")
            ));
        }
        if self.names > MANY_NAMES {
            notes.push(
                "so many names are pages or ids rather than events: a pattern brings them together, in a step \
                 (--steps '/product/*, ...') or as a name of its own (--derive 'product=/product/*')"
                    .to_owned(),
            );
        }
        Table {
            name: "events".to_owned(),
            title: format!("Events, {}", counted(self.names, "name", "names")),
            columns: vec![
                Column::text("event", "Event"),
                Column::number("rows", "Rows"),
                Column::number("share_of_rows", "Of all rows"),
                Column::text("bar", ""),
                Column::number("people", "People"),
                Column::number("first_place_p50", "Events before it"),
            ],
            rows: rows.collect(),
            notes,
        }
    }
}

impl Gaps {
    fn table(&self) -> Table {
        let rows = self.longest.iter().map(|gap| {
            vec![
                Cell::TimeUs(gap.from_us),
                Cell::TimeUs(gap.to_us),
                Cell::DurationUs(gap.to_us.saturating_sub(gap.from_us)),
            ]
        });
        let hidden = self.n - self.longest.len() as u64;
        let notes = (hidden > 0).then(|| format!("and {} shorter ones", count(hidden)));
        Table {
            name: "gaps".to_owned(),
            title: "Times without any row that stand out".to_owned(),
            columns: vec![
                Column::text("from", "Last row before"),
                Column::text("to", "First row after"),
                Column::number("duration_s", "Duration"),
            ],
            rows: rows.collect(),
            notes: notes.into_iter().collect(),
        }
    }
}
