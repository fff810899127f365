//! The formats themselves: what each reads, one value at a time. No zones but those in the text.

use super::civil::{
    Clock, checked_days, clock, digits, fraction, loose_clock, one_or_two_digits, plain_milliseconds,
    plain_milliseconds_of_day, plain_second_of_day, zone,
};
use crate::event::{DAY_US, SECOND_US};
use std::fmt;

/// The unit of times logged as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EpochUnit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl EpochUnit {
    pub const ALL: [EpochUnit; 4] =
        [EpochUnit::Seconds, EpochUnit::Millis, EpochUnit::Micros, EpochUnit::Nanos];

    /// As typed after `--epoch-unit`.
    pub fn from_name(name: &str) -> Option<EpochUnit> {
        EpochUnit::ALL.into_iter().find(|unit| unit.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            EpochUnit::Seconds => "s",
            EpochUnit::Millis => "ms",
            EpochUnit::Micros => "us",
            EpochUnit::Nanos => "ns",
        }
    }

    /// Decimal places between this unit and the nanosecond.
    fn nano_places(self) -> usize {
        match self {
            EpochUnit::Seconds => 9,
            EpochUnit::Millis => 6,
            EpochUnit::Micros => 3,
            EpochUnit::Nanos => 0,
        }
    }
}

/// The order of day, month and year in dates such as `01/02/2026`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DateOrder {
    DayFirst,
    MonthFirst,
    YearFirst,
}

impl DateOrder {
    /// As typed after `--date-order`.
    pub fn from_name(name: &str) -> Option<DateOrder> {
        match name {
            "dmy" => Some(DateOrder::DayFirst),
            "mdy" => Some(DateOrder::MonthFirst),
            "ymd" => Some(DateOrder::YearFirst),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            DateOrder::DayFirst => "dmy",
            DateOrder::MonthFirst => "mdy",
            DateOrder::YearFirst => "ymd",
        }
    }
}

/// One of the closed list of time formats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeFormat {
    /// RFC 3339 and its ISO 8601 relatives: `2022-10-25T07:49:55.526+02:00`, a blank for the `T`,
    /// a decimal comma, 0 to 9 fraction digits, no seconds at all; zone `Z`, `+02:00`, `+0200`,
    /// `+02`, ` UTC`, or none (naive).
    Iso,
    /// A number since 1970-01-01T00:00:00Z, with decimals where the unit leaves room.
    Epoch(EpochUnit),
    /// `2026-01-31`: midnight on the wall clock.
    DateOnly,
    /// `20260131`.
    CompactDate,
    /// `20260131T101500Z`, `20260131101500`, `20260131 10:15:00`.
    CompactDateTime,
    /// `31/1/2026`, `01.31.2026 9:05`, `2026/01/31 09:05:01.5`: `/`, `.` or `-` between, no zone.
    Slash(DateOrder),
    /// `10/Oct/2000:13:55:36 -0700`: access logs of web servers. English months; the zone may be missing.
    CommonLog,
    /// A layout of the user's, in the letters of `strptime`.
    Strptime(String),
}

impl TimeFormat {
    /// What `--time-format` takes: a layout with `%`, or one of the names that `Display` writes.
    /// `None` for any other word.
    pub fn from_name(name: &str) -> Option<TimeFormat> {
        if name.contains('%') {
            return Some(TimeFormat::Strptime(name.to_owned()));
        }
        Some(match name {
            "iso" | "rfc3339" => TimeFormat::Iso,
            "date" => TimeFormat::DateOnly,
            "compact-date" => TimeFormat::CompactDate,
            "compact" => TimeFormat::CompactDateTime,
            "common-log" => TimeFormat::CommonLog,
            _ => match name.strip_prefix("epoch-") {
                Some(unit) => TimeFormat::Epoch(EpochUnit::from_name(unit)?),
                None => TimeFormat::Slash(DateOrder::from_name(name)?),
            },
        })
    }

    /// Reads a value without blanks around it; `None` when it is not in this format.
    pub(super) fn read(&self, text: &[u8], dates: &mut DateCache) -> Option<Reading> {
        match self {
            TimeFormat::Iso => read_iso(text, dates),
            TimeFormat::Epoch(unit) => read_epoch(text, *unit),
            TimeFormat::DateOnly => read_date(text, dates),
            TimeFormat::CompactDate => read_compact_date(text),
            TimeFormat::CompactDateTime => read_compact_date_time(text),
            TimeFormat::Slash(order) => read_slash(text, *order),
            TimeFormat::CommonLog => read_common_log(text),
            TimeFormat::Strptime(layout) => read_strptime(text, layout),
        }
    }
}

impl fmt::Display for TimeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TimeFormat::Iso => f.write_str("iso"),
            TimeFormat::Epoch(unit) => write!(f, "epoch-{}", unit.name()),
            TimeFormat::DateOnly => f.write_str("date"),
            TimeFormat::CompactDate => f.write_str("compact-date"),
            TimeFormat::CompactDateTime => f.write_str("compact"),
            TimeFormat::Slash(order) => f.write_str(order.name()),
            TimeFormat::CommonLog => f.write_str("common-log"),
            TimeFormat::Strptime(layout) => f.write_str(layout),
        }
    }
}

/// A value that was read, before its zone is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    pub when: When,
    /// It said `:60`.
    pub leap: bool,
    /// Digits beyond the microsecond were dropped.
    pub finer: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// µs since the epoch, UTC.
    Instant(i64),
    /// µs of the wall clock since 1970-01-01T00:00:00.
    Local(i64),
    /// A number beyond the range of µs, in the future.
    TooFar,
    /// A number beyond the range of µs, in the past.
    TooEarly,
}

impl Reading {
    #[inline]
    fn new(days: i64, clock: Clock, offset_s: Option<i32>) -> Reading {
        // Four-digit years keep this within i64.
        let local_us = days * DAY_US + clock.us;
        let when = match offset_s {
            Some(offset_s) => When::Instant(local_us - i64::from(offset_s) * SECOND_US),
            None => When::Local(local_us),
        };
        Reading { when, leap: clock.leap, finer: clock.finer }
    }
}

/// Days of the month, each with room for one date.
const DATES_KEPT: usize = 64;

/// The dates read last, one for each day of the month: logs stay on one day for long, and those
/// whose rows lie in no order seldom hold more than a month or two.
#[derive(Debug, Clone)]
pub(super) struct DateCache {
    dates: [KnownDate; DATES_KEPT],
}

#[derive(Debug, Clone, Copy)]
struct KnownDate {
    text: [u8; 10],
    /// Four-digit years keep it within 22 bits.
    days: i32,
}

impl Default for DateCache {
    fn default() -> DateCache {
        DateCache { dates: [KnownDate { text: *b"1970-01-01", days: 0 }; DATES_KEPT] }
    }
}

impl DateCache {
    /// Day count of the `YYYY-MM-DD` at the start of `text`.
    #[inline]
    fn days(&mut self, text: &[u8]) -> Option<i64> {
        let date: &[u8; 10] = text.first_chunk()?;
        let known = &mut self.dates[DateCache::place(date)];
        if *date != known.text {
            *known = KnownDate { text: *date, days: read_days(date)? };
        }
        Some(i64::from(known.days))
    }

    /// As `days`, of a date that is known already.
    #[inline]
    fn known_days(&self, date: &[u8; 10]) -> Option<i64> {
        let known = &self.dates[DateCache::place(date)];
        (*date == known.text).then_some(i64::from(known.days))
    }

    #[inline]
    fn place(date: &[u8; 10]) -> usize {
        usize::from((date[8] & 3) << 4 | date[9] & 15)
    }
}

fn read_days(date: &[u8; 10]) -> Option<i32> {
    if date[4] != b'-' || date[7] != b'-' {
        return None;
    }
    let year = digits::<4>(&date[..])?;
    let month = digits::<2>(&date[5..])?;
    let day = digits::<2>(&date[8..])?;
    i32::try_from(checked_days(year, month, day)?).ok()
}

/// A time as most logs have it, µs since 1970-01-01T00:00:00 of UTC or of the wall clock.
pub(super) struct PlainIso {
    pub local_us: i64,
    pub is_utc: bool,
}

/// What nearly every row of most logs holds, `2026-01-31T10:15:00.123Z`: a date that is known
/// already, seconds, no fraction or one of three or six digits, `Z` or nothing. `None` for all
/// else, which [`TimeFormat::read`] judges.
#[inline]
pub(super) fn read_plain_iso(text: &[u8], dates: &DateCache) -> Option<PlainIso> {
    let (until_seconds, rest) = text.split_first_chunk::<19>()?;
    let (date, clock) = until_seconds.split_first_chunk::<10>()?;
    let (&[mark], clock) = clock.split_first_chunk()?;
    let eight = clock.first_chunk()?;
    let (is_utc, fraction) = match rest {
        [fraction @ .., b'Z'] => (true, fraction),
        fraction => (false, fraction),
    };
    let us = match fraction.len() {
        0 => 0,
        4 => plain_milliseconds(fraction.first_chunk()?)? * 1000,
        7 if fraction[0] == b'.' => digits::<6>(&fraction[1..])?,
        _ => return None,
    };
    if !matches!(mark, b'T' | b' ') {
        return None;
    }
    let us = i64::from(plain_second_of_day(eight)?) * SECOND_US + i64::from(us);
    Some(PlainIso { local_us: dates.known_days(date)? * DAY_US + us, is_utc })
}

/// `2026-01-31T10:15:00.123Z`, the form of JSON's dates in most languages: µs since the epoch.
#[inline(always)]
pub(super) fn read_utc_milliseconds(text: &[u8; 24], dates: &DateCache) -> Option<i64> {
    let (date, _) = text.split_first_chunk()?;
    let ms = plain_milliseconds_of_day(text[8..].as_array()?)?;
    Some(dates.known_days(date)? * DAY_US + i64::from(ms) * 1000)
}

fn read_iso(text: &[u8], dates: &mut DateCache) -> Option<Reading> {
    let days = dates.days(text)?;
    if !matches!(text.get(10)?, b'T' | b' ' | b't') {
        return None;
    }
    let (clock, rest) = clock(&text[11..])?;
    Some(Reading::new(days, clock, zone(rest)?))
}

fn read_date(text: &[u8], dates: &mut DateCache) -> Option<Reading> {
    if text.len() != 10 {
        return None;
    }
    Some(Reading::new(dates.days(text)?, Clock::MIDNIGHT, None))
}

fn compact_days(text: &[u8]) -> Option<i64> {
    checked_days(digits::<4>(text)?, digits::<2>(&text[4..])?, digits::<2>(&text[6..])?)
}

fn read_compact_date(text: &[u8]) -> Option<Reading> {
    if text.len() != 8 {
        return None;
    }
    Some(Reading::new(compact_days(text)?, Clock::MIDNIGHT, None))
}

fn read_compact_date_time(text: &[u8]) -> Option<Reading> {
    let days = compact_days(text)?;
    let rest = match &text[8..] {
        [b'T' | b't' | b' ', rest @ ..] => rest,
        rest => rest,
    };
    let (clock, rest) = match rest.get(2)? {
        b':' => clock(rest)?,
        _ => {
            let (hour, minute) = (digits::<2>(rest)?, digits::<2>(&rest[2..])?);
            let second = digits::<2>(&rest[4..])?;
            let (fraction, rest) = fraction(&rest[6..])?;
            (Clock::new(hour, minute, second, fraction)?, rest)
        }
    };
    Some(Reading::new(days, clock, zone(rest)?))
}

/// The three numbers of a date with `/`, `.` or `-` between them, and the time of day after it.
pub(super) struct SlashParts {
    pub first: u32,
    pub second: u32,
    pub third: u32,
    pub year_first: bool,
    clock: Option<Clock>,
}

impl SlashParts {
    pub(super) fn split(text: &[u8]) -> Option<SlashParts> {
        let year_first = digits::<4>(text).is_some();
        let (first, rest) =
            if year_first { (digits::<4>(text)?, &text[4..]) } else { one_or_two_digits(text)? };
        let (&mark, rest) = rest.split_first()?;
        if !matches!(mark, b'/' | b'.' | b'-') {
            return None;
        }
        let (second, rest) = one_or_two_digits(rest)?;
        let rest = rest.strip_prefix(&[mark])?;
        let (third, rest) =
            if year_first { one_or_two_digits(rest)? } else { (digits::<4>(rest)?, &rest[4..]) };
        let clock = match rest {
            [] => None,
            [b' ' | b'T', time @ ..] => match loose_clock(time)? {
                (clock, []) => Some(clock),
                _ => return None,
            },
            _ => return None,
        };
        Some(SlashParts { first, second, third, year_first, clock })
    }

    pub(super) fn has_time(&self) -> bool {
        self.clock.is_some()
    }

    pub(super) fn days(&self, order: DateOrder) -> Option<i64> {
        match (order, self.year_first) {
            (DateOrder::YearFirst, true) => checked_days(self.first, self.second, self.third),
            (DateOrder::DayFirst, false) => checked_days(self.third, self.second, self.first),
            (DateOrder::MonthFirst, false) => checked_days(self.third, self.first, self.second),
            _ => None,
        }
    }
}

fn read_slash(text: &[u8], order: DateOrder) -> Option<Reading> {
    let parts = SlashParts::split(text)?;
    Some(Reading::new(parts.days(order)?, parts.clock.unwrap_or(Clock::MIDNIGHT), None))
}

fn read_common_log(text: &[u8]) -> Option<Reading> {
    let (date, rest) = text.split_first_chunk::<12>()?;
    if date[2] != b'/' || date[6] != b'/' || date[11] != b':' {
        return None;
    }
    let month = match &date[3..6] {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    };
    let days = checked_days(digits::<4>(&date[7..])?, month, digits::<2>(date)?)?;
    let (clock, rest) = clock(rest)?;
    Some(Reading::new(days, clock, zone(rest)?))
}

/// A number in the log: sign, whole part and decimals.
pub(super) struct EpochNumber<'a> {
    pub negative: bool,
    pub whole: &'a [u8],
    fraction: &'a [u8],
}

impl<'a> EpochNumber<'a> {
    pub(super) fn split(text: &'a [u8]) -> Option<EpochNumber<'a>> {
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, text),
        };
        let whole_end = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
        let (whole, rest) = text.split_at(whole_end);
        let fraction = match rest {
            [] => rest,
            [b'.', fraction @ ..] if fraction.iter().all(u8::is_ascii_digit) => fraction,
            _ => return None,
        };
        (!whole.is_empty()).then_some(EpochNumber { negative, whole, fraction })
    }
}

fn read_epoch(text: &[u8], unit: EpochUnit) -> Option<Reading> {
    read_short_epoch(text, unit).or_else(|| read_any_epoch(text, unit))
}

/// Digits alone, so few that their µs fit; `None` for every other number.
#[inline]
fn read_short_epoch(text: &[u8], unit: EpochUnit) -> Option<Reading> {
    // 18 digits fit, less the places between the unit and the microsecond.
    let most_digits = (21 - unit.nano_places()).min(18);
    if text.is_empty() || text.len() > most_digits {
        return None;
    }
    let mut number = 0;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + i64::from(digit);
    }
    let (us, finer) = match unit {
        EpochUnit::Seconds => (number * SECOND_US, false),
        EpochUnit::Millis => (number * 1000, false),
        EpochUnit::Micros => (number, false),
        EpochUnit::Nanos => (number / 1000, number % 1000 != 0),
    };
    Some(Reading { when: When::Instant(us), leap: false, finer })
}

fn read_any_epoch(text: &[u8], unit: EpochUnit) -> Option<Reading> {
    let number = EpochNumber::split(text)?;
    let beyond = if number.negative { When::TooEarly } else { When::TooFar };
    let beyond = Reading { when: beyond, leap: false, finer: false };
    // 38 digits fill an i128; a whole part of 28 and 9 places fit with room to spare.
    let whole = number.whole.iter().position(|&b| b != b'0').map_or(&[][..], |at| &number.whole[at..]);
    if whole.len() > 28 {
        return Some(beyond);
    }
    let places = unit.nano_places();
    let zeros = std::iter::repeat(&b'0');
    let nano_digits = whole.iter().chain(number.fraction.iter().chain(zeros).take(places));
    let nanos = nano_digits.fold(0_i128, |value, digit| value * 10 + i128::from(digit - b'0'));
    let finer_digits = number.fraction.iter().skip(places).any(|&b| b != b'0');
    let nanos = if number.negative { -nanos } else { nanos };
    let mut us = nanos.div_euclid(1000);
    let mut finer = nanos.rem_euclid(1000) != 0;
    if finer_digits {
        // What lies beyond the nanosecond only matters where truncation goes down past a whole µs.
        if number.negative && !finer {
            us -= 1;
        }
        finer = true;
    }
    match i64::try_from(us) {
        Ok(us) => Some(Reading { when: When::Instant(us), leap: false, finer }),
        Err(_) => Some(beyond),
    }
}

fn read_strptime(text: &[u8], layout: &str) -> Option<Reading> {
    let parsed = jiff::fmt::strtime::parse(layout, text).ok()?;
    let (when, nanosecond) = if parsed.offset().is_some() {
        instant(parsed.to_timestamp().ok()?)
    } else if parsed.iana_time_zone().is_some() {
        instant(parsed.to_zoned().ok()?.timestamp())
    } else if let Ok(local) = parsed.to_datetime() {
        let as_if_utc = jiff::tz::TimeZone::UTC.to_timestamp(local).ok()?;
        let (when, nanosecond) = instant(as_if_utc);
        let When::Instant(local_us) = when else { return None };
        (When::Local(local_us), nanosecond)
    } else {
        // `%s`: a number of seconds needs neither date nor zone.
        instant(parsed.to_timestamp().ok()?)
    };
    Some(Reading { when, leap: false, finer: nanosecond % 1000 != 0 })
}

/// The instant in whole µs, truncated towards minus infinity, and its nanoseconds.
fn instant(at: jiff::Timestamp) -> (When, i128) {
    let nanos = at.as_nanosecond();
    // The calendar ends in the year 9999, well inside i64 µs.
    (When::Instant(nanos.div_euclid(1000) as i64), nanos.rem_euclid(1000))
}
