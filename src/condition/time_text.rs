//! Times in conditions: texts read as instants, instants written as RFC 3339 without allocation.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use std::io::Write;

/// Microseconds since 1970 of a date or time; without a zone it is UTC. `None` if it reads as neither.
pub(super) fn instant_us(text: &str) -> Option<i64> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp.as_microsecond());
    }
    // A bare number of eight digits is a date to the library; here it is more likely an id.
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let civil = text.parse::<DateTime>().ok()?;
    Offset::UTC.to_timestamp(civil).ok().map(Timestamp::as_microsecond)
}

/// The longest text is `-009999-01-01T00:00:00.000000Z`.
pub(super) struct TimeText {
    bytes: [u8; 40],
    length: usize,
}

impl TimeText {
    /// RFC 3339 with as many decimals as needed; `None` outside the years -9999 to 9999.
    pub(super) fn new(at_us: i64, zoned: bool) -> Option<TimeText> {
        let since = SignedDuration::from_micros(at_us);
        let timestamp = Timestamp::from_duration(since).ok()?;
        let mut text = TimeText { bytes: [0; 40], length: 0 };
        let mut rest = &mut text.bytes[..];
        let room = rest.len();
        let written = if zoned {
            write!(rest, "{timestamp}")
        } else {
            write!(rest, "{}", Offset::UTC.to_datetime(timestamp))
        };
        written.ok()?;
        let left = rest.len();
        text.length = room - left;
        Some(text)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_read_as_instants() {
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("1970-01-01T00:00:01Z", Some(1_000_000)),
            ("1970-01-01 02:00:00+02:00", Some(0)),
            ("1970-01-01 00:00:00.000001", Some(1)),
            ("1969-12-31T23:59:59", Some(-1_000_000)),
            ("19700101", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(instant_us(text), expected, "{text}");
        }
    }

    #[test]
    fn instants_write_as_rfc_3339() {
        let write = |at_us, zoned| TimeText::new(at_us, zoned).map(|text| text.as_bytes().to_vec());
        assert_eq!(write(1_715_889_001_418_000, true), Some(b"2024-05-16T19:50:01.418Z".to_vec()));
        assert_eq!(write(-1, false), Some(b"1969-12-31T23:59:59.999999".to_vec()));
        assert_eq!(write(0, false), Some(b"1970-01-01T00:00:00".to_vec()));
        assert_eq!(write(i64::MAX, true), None);
        let earliest = Timestamp::MIN.as_microsecond();
        assert!(write(earliest, true).is_some());
    }
}
