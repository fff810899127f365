//! Calendar arithmetic and the scanning of fixed-width digits.
//!
//! Proleptic Gregorian calendar, days counted from 1970-01-01. No zones.

use crate::event::{DAY_US, HOUR_US, MINUTE_US, SECOND_US};

/// Days from 1970-01-01 to a date that [`is_date`].
///
/// Method: Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`.
pub(super) fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a day count. Method: as above, `civil_from_days`.
pub(super) fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = (if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 }) as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

pub(super) fn is_date(year: u32, month: u32, day: u32) -> bool {
    const LENGTHS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => (1..=29).contains(&day),
        1..=12 => (1..=LENGTHS[month as usize - 1]).contains(&day),
        _ => false,
    }
}

/// Day count of a date, or `None` for one that is not in the calendar.
pub(super) fn checked_days(year: u32, month: u32, day: u32) -> Option<i64> {
    is_date(year, month, day).then(|| days_from_civil(i64::from(year), month, day))
}

/// `N` ASCII digits as a number.
#[inline(always)]
pub(super) fn digits<const N: usize>(text: &[u8]) -> Option<u32> {
    let text: &[u8; N] = text.first_chunk()?;
    let mut value = 0;
    let mut bad = false;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        bad |= digit > 9;
        value = value * 10 + u32::from(digit);
    }
    (!bad).then_some(value)
}

/// One or two digits, and what follows them.
pub(super) fn one_or_two_digits(text: &[u8]) -> Option<(u32, &[u8])> {
    match digits::<2>(text) {
        Some(value) => Some((value, &text[2..])),
        None => Some((digits::<1>(text)?, &text[1..])),
    }
}

/// A time of day as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    /// µs since midnight.
    pub us: i64,
    /// It said `:60`, read as `:59`.
    pub leap: bool,
    /// Digits beyond the microsecond were not zero, and dropped.
    pub finer: bool,
}

impl Clock {
    pub(super) const MIDNIGHT: Clock = Clock { us: 0, leap: false, finer: false };

    /// `None` for an hour over 23, a minute over 59 or a second over 60.
    #[inline]
    pub(super) fn new(hour: u32, minute: u32, second: u32, fraction: Fraction) -> Option<Clock> {
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let leap = second == 60;
        let second = if leap { 59 } else { second };
        let us = i64::from(hour) * HOUR_US
            + i64::from(minute) * MINUTE_US
            + i64::from(second) * SECOND_US
            + i64::from(fraction.us);
        Some(Clock { us, leap, finer: fraction.finer })
    }
}

/// The part after the decimal mark of the seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fraction {
    pub us: u32,
    pub finer: bool,
}

impl Fraction {
    pub(super) const NONE: Fraction = Fraction { us: 0, finer: false };
}

/// `.123`, its four bytes taken as one number, as in [`plain_second_of_day`].
#[inline]
pub(super) fn plain_milliseconds(text: &[u8; 4]) -> Option<u32> {
    let bytes = u32::from_le_bytes(*text) ^ u32::from_le_bytes(*b".000");
    if (bytes | bytes.wrapping_add(0x0606_067f)) & 0xf0f0_f080 != 0 {
        return None;
    }
    Some((bytes >> 8 & 15) * 100 + (bytes >> 16 & 15) * 10 + (bytes >> 24))
}

/// `.f` or `,f` with 1 to 9 digits, or nothing; and what follows.
#[inline]
pub(super) fn fraction(text: &[u8]) -> Option<(Fraction, &[u8])> {
    let [b'.' | b',', rest @ ..] = text else {
        return Some((Fraction::NONE, text));
    };
    let ends_at = |at: usize| !rest.get(at).is_some_and(u8::is_ascii_digit);
    // Milliseconds and microseconds are what logs hold.
    if let Some(ms) = digits::<3>(rest) {
        if ends_at(3) {
            return Some((Fraction { us: ms * 1000, finer: false }, &rest[3..]));
        }
        if let Some(us) = digits::<3>(&rest[3..])
            && ends_at(6)
        {
            return Some((Fraction { us: ms * 1000 + us, finer: false }, &rest[6..]));
        }
    }
    fraction_of_any_length(rest)
}

fn fraction_of_any_length(text: &[u8]) -> Option<(Fraction, &[u8])> {
    let length = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    if length == 0 || length > 9 {
        return None;
    }
    let mut us = 0;
    for place in 0..6 {
        us = us * 10 + text[..length].get(place).map_or(0, |b| u32::from(b - b'0'));
    }
    let finer = text[..length].iter().skip(6).any(|&b| b != b'0');
    Some((Fraction { us, finer }, &text[length..]))
}

/// `HH:MM[:SS[.f]]`, and what follows.
#[inline]
pub(super) fn clock(text: &[u8]) -> Option<(Clock, &[u8])> {
    if let Some(second_of_day) = text.first_chunk().and_then(plain_second_of_day) {
        let (fraction, rest) = fraction(&text[8..])?;
        let us = i64::from(second_of_day) * SECOND_US + i64::from(fraction.us);
        return Some((Clock { us, leap: false, finer: fraction.finer }, rest));
    }
    let hour = digits::<2>(text)?;
    clock_after_hour(hour, &text[2..])
}

/// `HH:MM:SS`, its eight bytes taken as one number. `None` also for a leap second, which is left
/// to who looks byte by byte.
#[inline]
pub(super) fn plain_second_of_day(text: &[u8; 8]) -> Option<u32> {
    // The first character is the lowest byte. Digits become 0 to 9 and colons 0.
    let bytes = u64::from_le_bytes(*text) ^ u64::from_le_bytes(*b"00:00:00");
    // What is added carries into the bits looked at where a digit is over 9 or a colon is none.
    // Bytes so large that they would carry into their neighbour are noticed by themselves.
    let carried = bytes.wrapping_add(0x0606_7f06_067f_0606);
    if (bytes | carried) & 0xf0f0_80f0_f080_f0f0 != 0 {
        return None;
    }
    // Tens and ones of a pair meet in the byte of the tens.
    let pairs = bytes * 10 + (bytes >> 8);
    let (hour, minute, second) = (pairs as u8, (pairs >> 24) as u8, (pairs >> 48) as u8);
    (hour <= 23 && minute <= 59 && second <= 59)
        .then(|| u32::from(hour) * 3600 + u32::from(minute) * 60 + u32::from(second))
}

/// The day, and after it `T10:15:00.123Z`, its sixteen bytes taken as two numbers, as in
/// [`plain_second_of_day`]. The day need only be two digits.
#[inline(always)]
pub(super) fn plain_milliseconds_of_day(text: &[u8; 16]) -> Option<u32> {
    let (words, _) = text.as_chunks::<8>();
    let [first, last] = [0, 1].map(|at| u64::from_le_bytes(words[at]));
    let (first, last) = (first ^ u64::from_le_bytes(*b"00T00:00"), last ^ u64::from_le_bytes(*b":00.000Z"));
    let first_carried = first.wrapping_add(0x0606_7f06_067f_0606);
    let last_carried = last.wrapping_add(0x7f06_0606_7f06_067f);
    let odd = (first | first_carried) & 0xf0f0_80f0_f080_f0f0 | (last | last_carried) & 0x80f0_f0f0_80f0_f080;
    if odd != 0 {
        return None;
    }
    let (first_pairs, last_pairs) = (first * 10 + (first >> 8), last * 10 + (last >> 8));
    let (hour, minute) = ((first_pairs >> 24) as u8, (first_pairs >> 48) as u8);
    let (second, hundredths, thousandth) =
        ((last_pairs >> 8) as u8, (last_pairs >> 32) as u8, (last >> 48) as u8);
    let second_of_day = u32::from(hour) * 3600 + u32::from(minute) * 60 + u32::from(second);
    let ms = second_of_day * 1000 + u32::from(hundredths) * 10 + u32::from(thousandth);
    (hour <= 23 && minute <= 59 && second <= 59).then_some(ms)
}

/// As [`clock`], but the hour may have one digit.
pub(super) fn loose_clock(text: &[u8]) -> Option<(Clock, &[u8])> {
    let (hour, rest) = one_or_two_digits(text)?;
    clock_after_hour(hour, rest)
}

#[inline]
fn clock_after_hour(hour: u32, rest: &[u8]) -> Option<(Clock, &[u8])> {
    let (b':', rest) = rest.split_first()? else { return None };
    let minute = digits::<2>(rest)?;
    let rest = &rest[2..];
    if rest.first() != Some(&b':') {
        return Some((Clock::new(hour, minute, 0, Fraction::NONE)?, rest));
    }
    let second = digits::<2>(&rest[1..])?;
    let (fraction, rest) = fraction(&rest[3..])?;
    Some((Clock::new(hour, minute, second, fraction)?, rest))
}

/// Seconds east of UTC, or `None` inside for a naive time. The whole of `text` must be a zone.
#[inline]
pub(super) fn zone(text: &[u8]) -> Option<Option<i32>> {
    match text {
        [] => Some(None),
        [b'Z' | b'z'] => Some(Some(0)),
        [b' ', rest @ ..] => named_or_offset(rest),
        _ => offset(text),
    }
}

fn named_or_offset(text: &[u8]) -> Option<Option<i32>> {
    if text.eq_ignore_ascii_case(b"UTC")
        || text.eq_ignore_ascii_case(b"GMT")
        || text.eq_ignore_ascii_case(b"Z")
    {
        return Some(Some(0));
    }
    offset(text)
}

/// `+HH`, `+HHMM`, `+HH:MM` and the same with `-`.
fn offset(text: &[u8]) -> Option<Option<i32>> {
    let (sign, rest) = text.split_first()?;
    let sign = match sign {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = digits::<2>(rest)?;
    let minutes = match &rest[2..] {
        [] => 0,
        [b':', minutes @ ..] if minutes.len() == 2 => digits::<2>(minutes)?,
        minutes if minutes.len() == 2 => digits::<2>(minutes)?,
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    Some(Some(sign * (hours as i32 * 3600 + minutes as i32 * 60)))
}

/// Writes an instant as RFC 3339 in UTC, with only as many fraction digits as it needs.
///
/// Years outside 0 to 9999, which RFC 3339 cannot say, are written with their sign and six digits (ISO 8601).
pub fn format_utc(at_us: i64) -> String {
    let (year, month, day) = civil_from_days(at_us.div_euclid(DAY_US));
    let of_day = at_us.rem_euclid(DAY_US);
    let (hour, minute) = (of_day / HOUR_US, of_day % HOUR_US / MINUTE_US);
    let (second, us) = (of_day % MINUTE_US / SECOND_US, of_day % SECOND_US);
    let year = if (0..=9999).contains(&year) { format!("{year:04}") } else { format!("{year:+07}") };
    let mut text = format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if us != 0 {
        let fraction = format!(".{us:06}");
        text.push_str(fraction.trim_end_matches('0'));
    }
    text.push('Z');
    text
}
