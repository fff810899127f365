//! Reads a person's times, splits them into sessions, and says how long these were.
//!
//! `cargo run --release --example sessions_of_one_person`

use dropoff::decode::time::{DEFAULT_MIN_TIME_US, TimeOptions, TimeParser, detect, format_utc};
use dropoff::event::MINUTE_US;
use dropoff::session::{Succession, split};
use dropoff::stats::{Quantile, QuantileMethod, Values};
use jiff::tz::TimeZone;
use std::io::Write;

const TIMES: [&str; 6] = [
    "2026-03-01 09:00:00",
    "2026-03-01 09:12:30",
    // Exactly the timeout later: still the same session.
    "2026-03-01 09:42:30",
    "2026-03-01 10:12:31",
    "2026-03-02 08:00:00",
    "2026-03-02 08:01:00",
];

fn main() -> anyhow::Result<()> {
    // The format is told once for all times, never value by value.
    let texts = TIMES.iter().map(|text| text.as_bytes());
    let detected = detect(texts, &TimeOptions::default())?;
    let mut parser = TimeParser::new(&detected.formats, TimeZone::UTC, DEFAULT_MIN_TIME_US);
    let times_us = TIMES.iter().map(|text| parser.parse(text.as_bytes())).collect::<Result<Vec<i64>, _>>()?;

    let mut out = std::io::stdout().lock();
    let mut durations_us = Values::new();
    let mut sessions = Vec::new();
    let succession = split(&times_us, 30 * MINUTE_US, &mut sessions);
    assert_ne!(succession, Succession::Disordered, "the times are in order");
    for session in sessions {
        let rows = session.rows();
        let duration_us = times_us[rows.end - 1] - times_us[rows.start];
        durations_us.push(duration_us);
        writeln!(
            out,
            "{} {}: {} rows, {} s",
            format_utc(times_us[rows.start]),
            session.cause().name(),
            rows.len(),
            duration_us / 1_000_000
        )?;
    }
    if let Some(summary) = durations_us.finish(&[Quantile::MEDIAN], QuantileMethod::Type7) {
        writeln!(out, "median {} s", summary.quantiles[0].1 / 1e6)?;
    }
    Ok(())
}
