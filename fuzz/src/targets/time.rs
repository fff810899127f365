//! Times in every format: what was read before changes nothing, and ISO reads as `jiff` reads it.

use super::choices::Choices;
use crate::decode::time::{TimeFormat, TimeOptions, TimeParser, detect};
use jiff::Timestamp;
use jiff::tz::{TimeZone, offset};

const FORMATS: [&str; 13] = [
    "iso",
    "date",
    "compact-date",
    "compact",
    "epoch-s",
    "epoch-ms",
    "epoch-us",
    "epoch-ns",
    "dmy",
    "mdy",
    "ymd",
    "%d/%b/%Y:%H:%M:%S %z",
    "%Y-%m-%d %H:%M:%S%.f",
];

/// Bytes of choices, then an input.
pub fn run(data: &[u8]) {
    let mut choices = Choices { rest: data };
    let name = FORMATS[usize::from(choices.below(FORMATS.len() as u8))];
    let zone = if choices.below(2) == 0 { TimeZone::UTC } else { TimeZone::fixed(offset(3)) };
    let format = TimeFormat::from_name(name).expect("a name of the list");
    let fresh = || TimeParser::new(std::slice::from_ref(&format), zone.clone(), i64::MIN);
    let mut parser = fresh();
    for text in choices.rest.split(|byte| *byte == b'\n') {
        let read = parser.parse(text);
        assert_eq!(read, fresh().parse(text), "what was read before decides");
        let text = str::from_utf8(text).unwrap_or_default();
        if name == "iso"
            && let (Ok(at_us), Ok(theirs)) = (read, text.trim_ascii().parse::<Timestamp>())
            // `:60` is the second before to us.
            && !text.contains(":60")
        {
            let theirs_us = theirs.as_nanosecond().div_euclid(1_000);
            assert_eq!(i128::from(at_us), theirs_us, "{text}");
        }
    }
    let sample = choices.rest.split(|byte| *byte == b'\n');
    if let Ok(detected) = detect(sample, &TimeOptions::default()) {
        assert!(!detected.formats.is_empty());
    }
}
