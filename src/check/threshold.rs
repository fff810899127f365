//! Bounds as people type them: `< 2.1%`, `>= 1000`, `> 3d`.

use super::metric::MetricKind;
use crate::decode::time::{DurationError, parse_duration_us};
use std::fmt;

/// How a value is compared with a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A condition on a value: where it holds, the check fails or warns.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    pub comparison: Comparison,
    /// In the metric's own measure: a share in `0.0..=1.0`, a count, or seconds.
    pub value: f64,
    /// The text it was read from, without blanks around it.
    typed: String,
}

/// Why a text is not a threshold of its metric.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ThresholdError {
    #[error("{0:?} does not start with <, <=, > or >=")]
    NoComparison(String),
    #[error("cannot read {typed:?} as {}", what(*.kind))]
    WrongKind { kind: MetricKind, typed: String },
    #[error("{0:?} is more than the whole")]
    OverWhole(String),
    #[error("cannot read {typed:?} as a duration: {error}")]
    Duration { typed: String, error: DurationError },
}

fn what(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Share => "a share",
        MetricKind::Count => "a count",
        MetricKind::Seconds => "a duration",
    }
}

impl ThresholdError {
    /// What to write instead.
    pub fn hint(&self) -> &'static str {
        let of_kind = |kind: MetricKind| match kind {
            MetricKind::Share => "write a per cent such as < 2.1% or a share such as < 0.021",
            MetricKind::Count => "write a whole number such as >= 1000",
            MetricKind::Seconds => "write a duration such as > 30m or > 7d",
        };
        match self {
            ThresholdError::NoComparison(_) => {
                "say which values are bad: < 2.1% for a share, >= 1000 for a count, > 3d for a time"
            }
            ThresholdError::WrongKind { kind, .. } => of_kind(*kind),
            ThresholdError::OverWhole(_) => of_kind(MetricKind::Share),
            ThresholdError::Duration { .. } => of_kind(MetricKind::Seconds),
        }
    }
}

impl Threshold {
    /// Reads a comparison and a bound of the given kind. Shares may be per cents; durations need
    /// their unit; counts are whole.
    pub fn parse(text: &str, kind: MetricKind) -> Result<Threshold, ThresholdError> {
        let typed = text.trim();
        let (comparison, bound) = [
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ]
        .into_iter()
        .find_map(|(sign, comparison)| Some((comparison, typed.strip_prefix(sign)?.trim())))
        .ok_or_else(|| ThresholdError::NoComparison(typed.to_owned()))?;
        let wrong_kind = || ThresholdError::WrongKind { kind, typed: bound.to_owned() };
        let value = match kind {
            MetricKind::Share => {
                let share = read_share(bound).ok_or_else(wrong_kind)?;
                if share > 1.0 {
                    return Err(ThresholdError::OverWhole(bound.to_owned()));
                }
                share
            }
            MetricKind::Count => read_count(bound).ok_or_else(wrong_kind)? as f64,
            MetricKind::Seconds => {
                let bound_us = parse_duration_us(bound)
                    .map_err(|error| ThresholdError::Duration { typed: bound.to_owned(), error })?;
                bound_us as f64 / 1e6
            }
        };
        Ok(Threshold { comparison, value, typed: typed.to_owned() })
    }

    /// Whether a value is on the bad side.
    pub fn holds(&self, value: f64) -> bool {
        match self.comparison {
            Comparison::Less => value < self.value,
            Comparison::LessOrEqual => value <= self.value,
            Comparison::Greater => value > self.value,
            Comparison::GreaterOrEqual => value >= self.value,
        }
    }
}

/// As typed.
impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

/// The point of a per cent is moved in the text, not by a division: 2.1 % must be the number that
/// 21 of 1,000 is, or a value on the bound would fall to one side of it.
fn read_share(text: &str) -> Option<f64> {
    let (number, exponent) = match text.strip_suffix('%') {
        Some(number) => (number.trim_end(), -2),
        None => (text, 0),
    };
    let points = number.bytes().filter(|&byte| byte == b'.').count();
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 || points > 1 || digits + points != number.len() {
        return None;
    }
    format!("{number}e{exponent}").parse().ok()
}

fn read_count(text: &str) -> Option<u64> {
    // A sign would be accepted by the standard parser.
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use MetricKind::{Count, Seconds, Share};

    #[test]
    fn reads_bounds_of_every_kind() {
        use Comparison::*;
        for (text, kind, comparison, value) in [
            ("< 2.1%", Share, Less, 0.021),
            ("<2.1 %", Share, Less, 0.021),
            ("<= 0.021", Share, LessOrEqual, 0.021),
            ("> .5", Share, Greater, 0.5),
            ("> 5.%", Share, Greater, 0.05),
            (">= 100%", Share, GreaterOrEqual, 1.0),
            ("< 0", Share, Less, 0.0),
            (" >= 1000 ", Count, GreaterOrEqual, 1000.0),
            ("<0", Count, Less, 0.0),
            ("> 3d", Seconds, Greater, 259_200.0),
            ("<= 1h 30m", Seconds, LessOrEqual, 5_400.0),
            ("< 250ms", Seconds, Less, 0.25),
        ] {
            let threshold = Threshold::parse(text, kind).unwrap();
            assert_eq!((threshold.comparison, threshold.value), (comparison, value), "{text}");
            assert_eq!(threshold.to_string(), text.trim());
        }
    }

    #[test]
    fn refuses_what_is_of_another_kind() {
        for (text, kind, message) in [
            ("2.1%", Share, "\"2.1%\" does not start with <, <=, > or >="),
            ("", Count, "\"\" does not start with <, <=, > or >="),
            ("== 3", Count, "\"== 3\" does not start with <, <=, > or >="),
            ("< 3d", Share, "cannot read \"3d\" as a share"),
            ("< -1%", Share, "cannot read \"-1%\" as a share"),
            ("< 1e-2", Share, "cannot read \"1e-2\" as a share"),
            ("< .", Share, "cannot read \".\" as a share"),
            ("< 1.2.3", Share, "cannot read \"1.2.3\" as a share"),
            ("<", Share, "cannot read \"\" as a share"),
            ("=< 1%", Share, "\"=< 1%\" does not start with <, <=, > or >="),
            ("< NaN", Share, "cannot read \"NaN\" as a share"),
            ("< 2.1", Share, "\"2.1\" is more than the whole"),
            ("< 100.0001%", Share, "\"100.0001%\" is more than the whole"),
            ("< 2%", Count, "cannot read \"2%\" as a count"),
            ("< 10.5", Count, "cannot read \"10.5\" as a count"),
            ("< +1", Count, "cannot read \"+1\" as a count"),
            ("< ", Count, "cannot read \"\" as a count"),
            ("< 99999999999999999999", Count, "cannot read \"99999999999999999999\" as a count"),
            (
                "> 3",
                Seconds,
                "cannot read \"3\" as a duration: a duration needs a unit: us, ms, s, m, h, d or w",
            ),
        ] {
            let error = Threshold::parse(text, kind).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
        assert!(Threshold::parse("< 3d", Share).unwrap_err().hint().contains("< 2.1%"));
        assert!(Threshold::parse("> 3", Seconds).unwrap_err().hint().contains("> 7d"));
    }

    #[test]
    fn every_tenth_of_a_per_cent_is_the_share_of_its_count() {
        for n in 0..=1000_u32 {
            let text = format!("< {}.{}%", n / 10, n % 10);
            let threshold = Threshold::parse(&text, Share).unwrap();
            assert_eq!(threshold.value, f64::from(n) / 1000.0, "{text}");
        }
    }

    #[test]
    fn a_bound_has_two_sides_and_itself() {
        for (sign, holds) in [
            ("<", [true, false, false]),
            ("<=", [true, true, false]),
            (">", [false, false, true]),
            (">=", [false, true, true]),
        ] {
            let threshold = Threshold::parse(&format!("{sign} 2.1%"), Share).unwrap();
            let shares = [20, 21, 22].map(|n| f64::from(n) / 1000.0);
            assert_eq!(shares.map(|share| threshold.holds(share)), holds, "{sign}");
        }
    }
}
