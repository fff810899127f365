//! Durations as people type them: `7d`, `1h30m`, `500ms`.
//!
//! Elapsed time only, a day being 86,400 s. Months and years have no fixed length and are refused.

use crate::event::{DAY_US, HOUR_US, MINUTE_US, SECOND_US};
use std::ops::Range;

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    #[error("a duration is empty; write e.g. 30m or 7d")]
    Empty,
    #[error("a duration cannot be negative")]
    Negative,
    #[error("a duration needs a number before each unit, as in 1h30m")]
    NoNumber,
    #[error("a duration needs a unit: us, ms, s, m, h, d or w")]
    NoUnit,
    #[error("unknown unit of time {0:?}: use us, ms, s, m, h, d or w")]
    UnknownUnit(String),
    /// Months and years.
    #[error("{0:?} has no fixed length (28 to 31 or 365 to 366 days); say it in days")]
    NoFixedLength(String),
    #[error("a duration is too long")]
    Overflow,
}

/// Reads `7d`, `30m`, `1h30m`, `500ms`, `90s`, `2w` as µs.
///
/// Whole numbers with a unit each, blanks between them allowed; units may also be written out
/// (`minutes`). Never negative.
pub fn parse_duration_us(text: &str) -> Result<i64, DurationError> {
    read_duration_us(text).map_err(|(error, _)| error)
}

/// The same, with the bytes of `text` that an error is about.
pub fn read_duration_us(text: &str) -> Result<i64, (DurationError, Range<usize>)> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err((DurationError::Empty, 0..text.len()));
    }
    let start = text.len() - text.trim_start().len();
    let end = start + rest.len();
    if rest.strip_prefix(['-', '−']).is_some_and(|rest| rest.starts_with(|sign: char| sign.is_ascii_digit()))
    {
        return Err((DurationError::Negative, start..end));
    }
    let mut total_us = 0_i64;
    while !rest.is_empty() {
        let at = end - rest.len();
        let number_end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(number_end);
        if number.is_empty() {
            let sign = rest.chars().next().map_or(0, char::len_utf8);
            return Err((DurationError::NoNumber, at..at + sign));
        }
        let after = after.trim_start();
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c.is_whitespace()).unwrap_or(after.len());
        let unit_at = end - after.len();
        let (unit, after) = after.split_at(unit_end);
        let overflow = || (DurationError::Overflow, at..unit_at + unit.len());
        let number: i64 = number.parse().map_err(|_| overflow())?;
        let unit_us = unit_us(unit).map_err(|error| (error, unit_at..unit_at + unit.len()))?;
        let part_us = number.checked_mul(unit_us).ok_or_else(overflow)?;
        total_us = total_us.checked_add(part_us).ok_or_else(overflow)?;
        rest = after.trim_start();
    }
    Ok(total_us)
}

fn unit_us(unit: &str) -> Result<i64, DurationError> {
    // `M` is a month elsewhere; nobody should get minutes by a slip of the shift key.
    if unit == "M" {
        return Err(DurationError::NoFixedLength(unit.to_owned()));
    }
    Ok(match unit.to_lowercase().as_str() {
        "" => return Err(DurationError::NoUnit),
        "us" | "µs" | "μs" | "microsecond" | "microseconds" => 1,
        "ms" | "millisecond" | "milliseconds" => 1_000,
        "s" | "sec" | "secs" | "second" | "seconds" => SECOND_US,
        "m" | "min" | "mins" | "minute" | "minutes" => MINUTE_US,
        "h" | "hr" | "hrs" | "hour" | "hours" => HOUR_US,
        "d" | "day" | "days" => DAY_US,
        "w" | "week" | "weeks" => 7 * DAY_US,
        "mo" | "mon" | "month" | "months" | "y" | "yr" | "year" | "years" | "q" | "quarter" | "quarters" => {
            return Err(DurationError::NoFixedLength(unit.to_owned()));
        }
        _ => return Err(DurationError::UnknownUnit(unit.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_unit_and_several() {
        for (text, us) in [
            ("7d", 604_800_000_000),
            ("30m", 1_800_000_000),
            ("1h30m", 5_400_000_000),
            ("1h 30 min", 5_400_000_000),
            ("500ms", 500_000),
            ("90s", 90_000_000),
            ("2w", 1_209_600_000_000),
            ("250us", 250),
            ("250µs", 250),
            ("0s", 0),
            (" 2 days ", 172_800_000_000),
        ] {
            assert_eq!(parse_duration_us(text), Ok(us), "{text:?}");
        }
    }

    #[test]
    fn refuses_the_rest_with_a_reason() {
        use DurationError::*;
        for (text, error) in [
            ("", Empty),
            ("  ", Empty),
            ("d", NoNumber),
            ("-1d", Negative),
            ("- 1d", NoNumber),
            ("30", NoUnit),
            ("1h30", NoUnit),
            ("1mo", NoFixedLength("mo".into())),
            ("1M", NoFixedLength("M".into())),
            ("1y", NoFixedLength("y".into())),
            ("1 fortnight", UnknownUnit("fortnight".into())),
            ("1.5h", UnknownUnit(".".into())),
            ("9223372036854775808us", Overflow),
            ("9223372036854775807s", Overflow),
        ] {
            assert_eq!(parse_duration_us(text), Err(error), "{text:?}");
        }
        assert_eq!(parse_duration_us("9223372036854775807us"), Ok(i64::MAX));
        assert_eq!(parse_duration_us("9223372036854775807us 1us"), Err(Overflow));
    }
}
