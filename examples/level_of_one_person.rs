//! Follows one person through a funnel with the library alone: no files, no report.
//!
//! `cargo run --release --example level_of_one_person`

use dropoff::event::MINUTE_US;
use dropoff::funnel::engine::{Engine, Observation, Rows, Rules};
use dropoff::funnel::kinds::{KindRoles, KindTable};
use std::io::Write;

fn main() -> std::io::Result<()> {
    // The engine sees numbers only. A kind is what a row can do: serve steps, or break gaps.
    let mut kinds = KindTable::new();
    let view = kinds.push(&KindRoles { steps: vec![0], ..KindRoles::default() });
    let cart = kinds.push(&KindRoles { steps: vec![1], ..KindRoles::default() });
    let purchase = kinds.push(&KindRoles { steps: vec![2], ..KindRoles::default() });
    let search = kinds.push(&KindRoles::default());

    let rules = Rules { step_count: 3, window_us: Some(60 * MINUTE_US), ..Rules::default() };
    let rows = [(0, view), (10, search), (30, view), (45, cart), (75, purchase)];
    let times_us: Vec<i64> = rows.iter().map(|(minute, _)| minute * MINUTE_US).collect();
    let row_kinds: Vec<u32> = rows.iter().map(|(_, kind)| *kind).collect();

    // Entries at any time; the log was watched until minute 200.
    let seen = Observation { entries_us: i64::MIN..i64::MAX, as_of_us: 200 * MINUTE_US, closes_us: None };
    let mut engine = Engine::new(&rules, &kinds);
    let outcome = engine.run(Rows { times_us: &times_us, kinds: &row_kinds }, &seen);

    let minutes: Vec<i64> = outcome.chain.iter().map(|&row| rows[row as usize].0).collect();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:?} at level {} by the rows of minutes {minutes:?}", outcome.status, outcome.level)
}
