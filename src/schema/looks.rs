//! What a value looks like, by its shape alone. Enough to tell a column of times from one of ids;
//! reading a time for good, and refusing a bad one, is the decoder's work.

/// The shape of one value. A value has the first shape that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// A date with a time of day.
    DateTime,
    /// A date alone, also as eight digits (`19970118`).
    Date,
    /// A time of day alone.
    Clock,
    /// A number that is an instant between 1990 and 2100 in s, ms, µs or ns since 1970.
    Epoch,
    /// Any other number.
    Number,
    Text,
}

/// 1990-01-01 and 2100-01-01, in seconds since 1970.
const EPOCH_SECONDS: std::ops::Range<u64> = 631_152_000..4_102_444_800;

pub(super) fn look(value: &str) -> Look {
    let value = value.trim();
    if let Some(rest) = after_date(value.trim_start_matches('[')) {
        let rest = rest.trim_start_matches(['T', 't', ' ', ':', ',']);
        return if rest.is_empty() {
            Look::Date
        } else if after_clock(rest).is_some() {
            Look::DateTime
        } else {
            Look::Text
        };
    }
    if after_clock(value).is_some_and(str::is_empty) {
        return Look::Clock;
    }
    if !is_number(value) {
        return Look::Text;
    }
    if is_compact_date(value) {
        Look::Date
    } else if is_epoch(value) {
        Look::Epoch
    } else {
        Look::Number
    }
}

/// Whether the value is a plain decimal number.
pub(super) fn is_number(value: &str) -> bool {
    let digits = value.trim().trim_start_matches(['-', '+']);
    digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && value.trim().parse::<f64>().is_ok_and(f64::is_finite)
}

/// What follows `2024-05-16`, `16/05/2024` or `16/May/2024`; the separators must agree.
fn after_date(value: &str) -> Option<&str> {
    let (first, rest) = leading_digits(value);
    let separator = rest.chars().next().filter(|c| matches!(c, '-' | '/' | '.'))?;
    let rest = &rest[1..];
    let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (middle_sound, rest) = if letters == 3 {
        (true, &rest[3..])
    } else {
        let (middle, rest) = leading_digits(rest);
        (matches!(middle.len(), 1 | 2), rest)
    };
    let (last, rest) = leading_digits(rest.strip_prefix(separator)?);
    let lengths_sound = matches!((first.len(), last.len()), (4, 1 | 2) | (1 | 2, 4));
    (middle_sound && lengths_sound).then_some(rest)
}

/// What follows `7:05`, `07:05:01` or `07:05:01.123`.
fn after_clock(value: &str) -> Option<&str> {
    let (hours, rest) = leading_digits(value);
    let (minutes, mut rest) = leading_digits(rest.strip_prefix(':')?);
    if !matches!(hours.len(), 1 | 2) || minutes.len() != 2 {
        return None;
    }
    if let Some(after) = rest.strip_prefix(':') {
        let (seconds, after) = leading_digits(after);
        if seconds.len() != 2 {
            return None;
        }
        rest = after.strip_prefix(['.', ',']).map_or(after, |fraction| leading_digits(fraction).1);
    }
    Some(rest)
}

fn is_compact_date(value: &str) -> bool {
    let part = |range: std::ops::Range<usize>| value.get(range).and_then(|text| text.parse::<u32>().ok());
    value.len() == 8
        && value.bytes().all(|byte| byte.is_ascii_digit())
        && part(0..4).is_some_and(|year| (1900..2100).contains(&year))
        && part(4..6).is_some_and(|month| (1..=12).contains(&month))
        && part(6..8).is_some_and(|day| (1..=31).contains(&day))
}

fn is_epoch(value: &str) -> bool {
    let (digits, rest) = leading_digits(value);
    let fraction_sound = rest.is_empty() || (rest.starts_with('.') && digits.len() <= 13);
    let unit = match digits.len() {
        9 | 10 => 1,
        12 | 13 => 1_000,
        15 | 16 => 1_000_000,
        18 | 19 => 1_000_000_000,
        _ => return false,
    };
    fraction_sound && digits.parse::<u64>().is_ok_and(|number| EPOCH_SECONDS.contains(&(number / unit)))
}

fn leading_digits(value: &str) -> (&str, &str) {
    value.split_at(value.bytes().take_while(u8::is_ascii_digit).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_real_exports() {
        for value in [
            "2024-03-13 10:21:14",
            "2020-07-30T23:17:36",
            "2022-12-22 13:25:47.677000+00:00",
            "2022-12-22 13:26:11.183000 UTC",
            "2022-06-10T15:28:23Z",
            "2019-10-01 00:00:00 UTC",
            "2024-05-16 19:50:01.42",
            "13/02/2026 7:05",
            "[01/Jul/1995:00:00:01 -0400]",
        ] {
            assert_eq!(look(value), Look::DateTime, "{value}");
        }
        for value in ["2022-10-25", "19970118", "1/2/2026", "2026.02.13"] {
            assert_eq!(look(value), Look::Date, "{value}");
        }
        for value in ["804571201", "1718112405", "1715889001418", "1715889001418000", "1682319109.447"] {
            assert_eq!(look(value), Look::Epoch, "{value}");
        }
        for value in ["7:05", "23:17:36", "23:17:36.5"] {
            assert_eq!(look(value), Look::Clock, "{value}");
        }
    }

    #[test]
    fn what_only_resembles_a_time() {
        for value in ["53", "6.99", "-1", "19971318", "12345678", "9999999999", "631151999", "4102444800"] {
            assert_eq!(look(value), Look::Number, "{value}");
        }
        // The bounds, just inside.
        assert_eq!(look("631152000"), Look::Epoch);
        assert_eq!(look("4102444799"), Look::Epoch);
        for value in
            ["", "abc", "2024", "199.72.81.55", "1-2-3", "2024-05/16", "12:5", "inf", "NaN", "1,5", "ש"]
        {
            let expected = if value == "2024" { Look::Number } else { Look::Text };
            assert_eq!(look(value), expected, "{value}");
        }
    }
}
