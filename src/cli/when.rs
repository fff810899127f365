//! Times as people type them: an instant, a date, a civil time, `today`, `yesterday`.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// µs since the Unix epoch of what was typed; dates start at midnight in `zone`.
pub fn parse_when(text: &str, zone: &TimeZone, now: Timestamp) -> Result<i64, String> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant.as_microsecond());
    }
    let today = now.to_zoned(zone.clone()).date();
    let date = match text {
        "now" => return Ok(now.as_microsecond()),
        "today" => Some(today),
        "yesterday" => today.checked_sub(1.day()).ok(),
        "tomorrow" => today.checked_add(1.day()).ok(),
        _ if text.contains([':', 'T']) => None,
        _ => text.parse::<Date>().ok(),
    };
    let civil: Option<DateTime> = match date {
        Some(date) => Some(date.at(0, 0, 0, 0)),
        None => text.parse().ok(),
    };
    civil
        .and_then(|civil| civil.to_zoned(zone.clone()).ok())
        .map(|zoned| zoned.timestamp().as_microsecond())
        .ok_or_else(|| {
            format!("{text:?} is not a time: write 2026-01-31, 2026-01-31T14:00, 2026-01-31T14:00:00Z, today or yesterday")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let zone = TimeZone::get("Asia/Jerusalem").ok()?;
        let now = "2026-11-21T22:30:00Z".parse().ok()?;
        let us = parse_when(text, &zone, now).ok()?;
        Some(Timestamp::from_microsecond(us).ok()?.to_string())
    }

    #[test]
    fn dates_start_at_midnight_in_the_zone() {
        assert_eq!(read("2026-01-31").as_deref(), Some("2026-01-30T22:00:00Z"));
        assert_eq!(read("2026-07-01").as_deref(), Some("2026-06-30T21:00:00Z"));
        assert_eq!(read("2026-01-31T14:00").as_deref(), Some("2026-01-31T12:00:00Z"));
        assert_eq!(read("2026-01-31T14:00:00Z").as_deref(), Some("2026-01-31T14:00:00Z"));
        assert_eq!(read("2026-01-31T14:00:00+01:00").as_deref(), Some("2026-01-31T13:00:00Z"));
    }

    #[test]
    fn yesterday_is_that_of_the_zone() {
        // At 22:30 UTC it is already the 22nd in Jerusalem.
        assert_eq!(read("today").as_deref(), Some("2026-11-21T22:00:00Z"));
        assert_eq!(read("yesterday").as_deref(), Some("2026-11-20T22:00:00Z"));
        assert_eq!(read("soon"), None);
        assert_eq!(read("2026-02-30"), None);
    }
}
