//! Logged times to µs since the Unix epoch: a closed list of formats, chosen once per file.
//!
//! [`detect`] looks at a sample and names the format, or says why it cannot; [`TimeParser`]
//! then reads that format and no other, without allocating. Leaves out localised month names
//! and everything that would need a guess per row.

mod civil;
mod detect;
mod duration;
mod format;

pub use civil::format_utc;
pub use detect::{Detected, TimeFormatError, TimeOptions, detect};
pub use duration::{DurationError, parse_duration_us, read_duration_us};
pub use format::{DateOrder, EpochUnit, TimeFormat};

use crate::event::{DAY_US, HOUR_US, RejectCode};
use format::{DateCache, PlainIso, Reading, When, read_plain_iso, read_utc_milliseconds};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use std::fmt;

/// 1990-01-01T00:00:00Z, before which a logged time is taken for a fault unless told otherwise.
pub const DEFAULT_MIN_TIME_US: i64 = 631_152_000_000_000;
/// 9999-01-01T00:00:00Z: from here on a time is a sentinel for "never".
const SENTINEL_US: i64 = 253_370_764_800_000_000;

/// Why a value is not a usable time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not in the format of its file, or not a date of the calendar (R04).
    Unreadable,
    /// A time, but none that a log can hold (R05).
    OutOfRange(RangeReason),
    /// A local time that a change of the clocks skipped, where such times are refused (R04).
    Skipped,
    /// A local time that a change of the clocks repeated, where such times are refused (R04).
    Repeated,
}

/// What becomes of local times that a change of the clocks skipped or repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClockChange {
    /// The later side of a gap, the earlier of a fold, as RFC 5545 has it.
    #[default]
    Compatible,
    Reject,
}

impl ClockChange {
    pub fn from_name(name: &str) -> Option<ClockChange> {
        match name {
            "compatible" => Some(ClockChange::Compatible),
            "reject" => Some(ClockChange::Reject),
            _ => None,
        }
    }
}

/// Why a readable time is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeReason {
    /// Before the earliest time that is accepted.
    BeforeMinimum,
    /// Exactly 1970-01-01T00:00:00: a zero that was never set.
    EpochZero,
    /// In the year 9999 or later: a sentinel.
    Sentinel,
}

impl TimeError {
    /// The reject code of a row with such a time.
    pub fn code(self) -> RejectCode {
        match self {
            TimeError::Unreadable | TimeError::Skipped | TimeError::Repeated => RejectCode::R04,
            TimeError::OutOfRange(_) => RejectCode::R05,
        }
    }
}

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TimeError::Unreadable => "cannot be read as a time",
            TimeError::Skipped => "does not exist: the clocks of the zone skipped it",
            TimeError::Repeated => "exists twice: the clocks of the zone were set back",
            TimeError::OutOfRange(RangeReason::BeforeMinimum) => "is before the earliest accepted time",
            TimeError::OutOfRange(RangeReason::EpochZero) => "is the zero time, 1970-01-01T00:00:00",
            TimeError::OutOfRange(RangeReason::Sentinel) => "is in the year 9999 or later, a placeholder",
        })
    }
}

/// What happened to times that were accepted all the same; counts of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeNotes {
    /// Without a zone of their own.
    pub naive: u64,
    /// In a gap of the zone (moved forward) or a fold (the earlier instant was taken).
    pub shifted: u64,
    /// `:60`, read as `:59`.
    pub leap_seconds: u64,
    /// Finer than a microsecond, and not whole ones: truncated.
    pub precision_lost: u64,
}

impl TimeNotes {
    /// Adds the counts of another parser of the same file.
    pub fn merge(&mut self, other: TimeNotes) {
        self.naive += other.naive;
        self.shifted += other.shifted;
        self.leap_seconds += other.leap_seconds;
        self.precision_lost += other.precision_lost;
    }
}

/// Reads the times of one file. Cheap to clone: give each thread its own.
#[derive(Debug, Clone)]
pub struct TimeParser {
    formats: Vec<TimeFormat>,
    starts_with_iso: bool,
    zone: ZoneOffsets,
    min_us: i64,
    dates: DateCache,
    notes: TimeNotes,
    joined: Vec<u8>,
}

impl TimeParser {
    /// `formats` are tried in turn, so several make sense only when the user named them;
    /// `zone` is the zone of naive times; times before `min_us` are out of range.
    pub fn new(formats: &[TimeFormat], zone: TimeZone, min_us: i64) -> TimeParser {
        TimeParser {
            formats: formats.to_vec(),
            starts_with_iso: formats.first() == Some(&TimeFormat::Iso),
            zone: ZoneOffsets::new(zone),
            min_us,
            dates: DateCache::default(),
            notes: TimeNotes::default(),
            joined: Vec::new(),
        }
    }

    /// The same with another rule for local times that a change of the clocks skipped or repeated.
    pub fn with_clock_change(mut self, rule: ClockChange) -> TimeParser {
        self.zone.rule = rule;
        self
    }

    /// µs since the Unix epoch, UTC. Finer digits are truncated towards minus infinity.
    #[inline(always)]
    pub fn parse(&mut self, text: &[u8]) -> Result<i64, TimeError> {
        match self.parse_plain(text) {
            Some(at_us) => Ok(at_us),
            None => self.parse_in_turn(text),
        }
    }

    /// As [`TimeParser::parse`], of what nearly every row of most logs holds. `None`, with nothing noted,
    /// for all else.
    #[inline(always)]
    pub fn parse_plain(&mut self, text: &[u8]) -> Option<i64> {
        if !self.starts_with_iso {
            return None;
        }
        match text.try_into().ok().and_then(|text| read_utc_milliseconds(text, &self.dates)) {
            Some(at_us) => self.in_range(at_us).ok(),
            None => self.parse_plain_iso(text),
        }
    }

    #[inline(never)]
    fn parse_plain_iso(&mut self, text: &[u8]) -> Option<i64> {
        let PlainIso { local_us, is_utc } = read_plain_iso(text, &self.dates)?;
        if is_utc { self.in_range(local_us).ok() } else { self.parse_local_us(local_us).ok() }
    }

    #[inline(never)]
    fn parse_in_turn(&mut self, text: &[u8]) -> Result<i64, TimeError> {
        let text = text.trim_ascii();
        let mut error = TimeError::Unreadable;
        for format in 0..self.formats.len() {
            if let Some(reading) = self.formats[format].read(text, &mut self.dates) {
                match self.settle(reading) {
                    // Milliseconds read as seconds lie in no year that a log can hold: the next
                    // format may be meant.
                    Err(out_of_range) => error = out_of_range,
                    settled => return settled,
                }
            }
        }
        Err(error)
    }

    /// As [`TimeParser::parse`], for a date and a time of day in two columns.
    pub fn parse_two(&mut self, date: &[u8], time: &[u8]) -> Result<i64, TimeError> {
        let mut joined = std::mem::take(&mut self.joined);
        joined.clear();
        join_date_and_time(date, time, &mut joined);
        let result = self.parse(&joined);
        self.joined = joined;
        result
    }

    /// A wall-clock time that a file format carries as a number (µs), set in the zone of naive times.
    #[inline]
    pub fn parse_local_us(&mut self, local_us: i64) -> Result<i64, TimeError> {
        self.settle(Reading { when: When::Local(local_us), leap: false, finer: false })
    }

    /// An instant that a file format carries as a number: only its range is checked.
    #[inline]
    pub fn parse_us(&self, at_us: i64) -> Result<i64, TimeError> {
        self.in_range(at_us)
    }

    /// What was met so far.
    pub fn notes(&self) -> TimeNotes {
        self.notes
    }

    #[inline]
    fn settle(&mut self, reading: Reading) -> Result<i64, TimeError> {
        let at_us = match reading.when {
            When::Instant(at_us) => self.in_range(at_us)?,
            When::TooFar => return Err(TimeError::OutOfRange(RangeReason::Sentinel)),
            When::TooEarly => return Err(TimeError::OutOfRange(RangeReason::BeforeMinimum)),
            When::Local(local_us) => {
                let (at_us, shifted) = self.resolve(local_us)?;
                self.notes.naive += 1;
                self.notes.shifted += u64::from(shifted);
                at_us
            }
        };
        self.notes.leap_seconds += u64::from(reading.leap);
        self.notes.precision_lost += u64::from(reading.finer);
        Ok(at_us)
    }

    fn resolve(&mut self, local_us: i64) -> Result<(i64, bool), TimeError> {
        // A zero or a sentinel is one on the wall clock, whatever the zone makes of it.
        if local_us == 0 {
            return Err(TimeError::OutOfRange(RangeReason::EpochZero));
        }
        if local_us >= SENTINEL_US {
            return Err(TimeError::OutOfRange(RangeReason::Sentinel));
        }
        // No zone is two days from UTC, so that the calendar need not reach further back.
        if local_us < self.min_us.saturating_sub(2 * DAY_US) {
            return Err(TimeError::OutOfRange(RangeReason::BeforeMinimum));
        }
        let (at_us, shifted) = self.zone.resolve(local_us)?;
        Ok((self.in_range(at_us)?, shifted))
    }

    #[inline]
    fn in_range(&self, at_us: i64) -> Result<i64, TimeError> {
        if at_us >= SENTINEL_US {
            return Err(TimeError::OutOfRange(RangeReason::Sentinel));
        }
        if at_us == 0 {
            return Err(TimeError::OutOfRange(RangeReason::EpochZero));
        }
        if at_us < self.min_us {
            return Err(TimeError::OutOfRange(RangeReason::BeforeMinimum));
        }
        Ok(at_us)
    }
}

/// How a date and a time of day from two columns are put together before they are read; the
/// sample for [`detect`] is to be joined the same way. A missing time of day leaves the date alone.
pub fn join_date_and_time(date: &[u8], time: &[u8], joined: &mut Vec<u8>) {
    joined.extend_from_slice(date.trim_ascii());
    let time = time.trim_ascii();
    if !time.is_empty() {
        joined.push(b' ');
        joined.extend_from_slice(time);
    }
}

/// Hours of the wall clock that are remembered: six weeks of them, so that a shuffled month fits.
const HOURS_KEPT: usize = 1024;

/// A zone, with the offsets of the wall-clock hours met so far.
#[derive(Debug, Clone)]
struct ZoneOffsets {
    zone: TimeZone,
    rule: ClockChange,
    fixed_us: Option<i64>,
    /// By hour modulo the length: (hour, offset in µs). Only hours with one offset throughout are kept.
    hours: Vec<(i64, i64)>,
}

impl ZoneOffsets {
    fn new(zone: TimeZone) -> ZoneOffsets {
        let fixed_us = zone.to_fixed_offset().ok().map(|offset| i64::from(offset.seconds()) * 1_000_000);
        let hours = if fixed_us.is_some() { Vec::new() } else { vec![(i64::MIN, 0); HOURS_KEPT] };
        ZoneOffsets { zone, rule: ClockChange::default(), fixed_us, hours }
    }

    /// The instant of a wall-clock time, and whether a gap or fold had to be settled; an error where
    /// neither is wanted, or when the calendar does not reach so far.
    #[inline]
    fn resolve(&mut self, local_us: i64) -> Result<(i64, bool), TimeError> {
        if let Some(offset_us) = self.fixed_us {
            return Ok((local_us.checked_sub(offset_us).ok_or(TimeError::Unreadable)?, false));
        }
        let hour = local_us.div_euclid(HOUR_US);
        let slot = hour.rem_euclid(HOURS_KEPT as i64) as usize;
        if self.hours[slot].0 == hour {
            return Ok((local_us - self.hours[slot].1, false));
        }
        self.look_up(local_us, hour, slot)
    }

    #[cold]
    fn look_up(&mut self, local_us: i64, hour: i64, slot: usize) -> Result<(i64, bool), TimeError> {
        let first = self.only_offset_us(hour * HOUR_US)?;
        let last = self.only_offset_us(hour * HOUR_US + HOUR_US - 1)?;
        if let (Some(offset_us), true) = (first, first == last) {
            self.hours[slot] = (hour, offset_us);
            return Ok((local_us - offset_us, false));
        }
        let ambiguous = self.zone.to_ambiguous_timestamp(civil(local_us)?);
        let shifted = match (ambiguous.offset(), self.rule) {
            (AmbiguousOffset::Unambiguous { .. }, _) => false,
            (_, ClockChange::Compatible) => true,
            (AmbiguousOffset::Gap { .. }, ClockChange::Reject) => return Err(TimeError::Skipped),
            (AmbiguousOffset::Fold { .. }, ClockChange::Reject) => return Err(TimeError::Repeated),
        };
        let instant = ambiguous.compatible().map_err(|_| TimeError::Unreadable)?;
        Ok((instant.as_microsecond(), shifted))
    }

    /// The offset at a wall-clock time; `None` inside where it has none or two.
    fn only_offset_us(&self, local_us: i64) -> Result<Option<i64>, TimeError> {
        Ok(match self.zone.to_ambiguous_timestamp(civil(local_us)?).offset() {
            AmbiguousOffset::Unambiguous { offset } => Some(i64::from(offset.seconds()) * 1_000_000),
            AmbiguousOffset::Gap { .. } | AmbiguousOffset::Fold { .. } => None,
        })
    }
}

fn civil(local_us: i64) -> Result<DateTime, TimeError> {
    let as_if_utc = Timestamp::from_microsecond(local_us).map_err(|_| TimeError::Unreadable)?;
    Ok(TimeZone::UTC.to_datetime(as_if_utc))
}

#[cfg(test)]
mod tests;
