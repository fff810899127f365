use super::*;
use jiff::tz::Offset;
use proptest::prelude::*;

const ANY_TIME: i64 = i64::MIN;

fn utc(formats: &[TimeFormat]) -> TimeParser {
    TimeParser::new(formats, TimeZone::UTC, DEFAULT_MIN_TIME_US)
}

fn iso_in(zone: &str) -> TimeParser {
    TimeParser::new(&[TimeFormat::Iso], TimeZone::get(zone).unwrap(), DEFAULT_MIN_TIME_US)
}

fn us(rfc3339: &str) -> i64 {
    rfc3339.parse::<Timestamp>().unwrap().as_microsecond()
}

fn detected(samples: &[&str], options: &TimeOptions) -> Result<Detected, TimeFormatError> {
    detect(samples.iter().map(|text| text.as_bytes()), options)
}

fn format_of(samples: &[&str]) -> TimeFormat {
    detected(samples, &TimeOptions::default()).unwrap().formats.remove(0)
}

/// The file was written by Python's `datetime` and `fractions` (format, text, µs since the epoch;
/// naive texts as UTC), from a fixed seed: it shares no code with the parser.
#[test]
fn agrees_with_python_on_a_table() {
    let table = include_str!("python_times.tsv");
    let mut rows = 0;
    for line in table.lines() {
        let [format, text, expected] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line:?}") };
        let format = TimeFormat::from_name(format).unwrap();
        let mut parser = utc(std::slice::from_ref(&format));
        assert_eq!(parser.parse(text.as_bytes()), Ok(expected.parse().unwrap()), "{line:?}");
        rows += 1;
    }
    assert!(rows > 300, "{rows} rows");
}

#[test]
fn iso_takes_every_zone_form_and_0_to_9_digits() {
    let mut parser = utc(&[TimeFormat::Iso]);
    let whole = 1_666_684_195_000_000; // 2022-10-25T07:49:55Z, by Python
    for (text, expected) in [
        ("2022-10-25 07:49:55.526000+00:00", whole + 526_000),
        ("2022-10-25T07:49:55Z", whole),
        ("2022-10-25t07:49:55z", whole),
        ("2022-10-25 07:49:55 UTC", whole),
        ("2022-10-25 07:49:55 +0200", whole - 7_200_000_000),
        ("2022-10-25T07:49:55+0000", whole),
        ("2022-10-25T07:49:55+00", whole),
        ("2022-10-25T07:49:55-03:30", whole + 12_600_000_000),
        ("2022-10-25T07:49:55.1Z", whole + 100_000),
        ("2022-10-25T07:49:55,12Z", whole + 120_000),
        ("2022-10-25T07:49:55.1234567Z", whole + 123_456),
        ("2022-10-25T07:49:55.123456789Z", whole + 123_456),
        ("2022-10-25T07:49Z", whole - 55_000_000),
        (" 2022-10-25T07:49:55Z\t", whole),
    ] {
        assert_eq!(parser.parse(text.as_bytes()), Ok(expected), "{text:?}");
    }
    assert_eq!(parser.notes().precision_lost, 2);
    assert_eq!(parser.notes().naive, 0);
}

#[test]
fn iso_refuses_what_the_calendar_and_the_clock_do_not_have() {
    let mut parser = utc(&[TimeFormat::Iso]);
    for text in [
        "2026-02-30T00:00:00Z",
        "2025-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T23:60:00Z",
        "2026-01-01T23:59:61Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+00:60",
        "2026-01-01T00:00:00+0",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.1234567890Z",
        "2026-01-01T00:00:00X",
        "2026-01-01T00:00:00Z ago",
        "2026-01-01T0:00:00Z",
        "2026-01-01",
        "2026-01-01T",
        "2026/01/01T00:00:00Z",
        "",
        "\0\0\0\0\0\0\0\0\0\0T00:00:00Z",
    ] {
        assert_eq!(parser.parse(text.as_bytes()), Err(TimeError::Unreadable), "{text:?}");
    }
    assert_eq!(parser.parse(b"2024-02-29T00:00:00Z"), Ok(us("2024-02-29T00:00:00Z")));
    assert_eq!(parser.parse(b"2000-02-29T23:59:59Z"), Ok(us("2000-02-29T23:59:59Z")));
}

#[test]
fn a_leap_second_is_the_second_before_it() {
    let mut parser = utc(&[TimeFormat::Iso]);
    assert_eq!(parser.parse(b"2016-12-31T23:59:60Z"), Ok(us("2016-12-31T23:59:59Z")));
    assert_eq!(parser.parse(b"2016-12-31T23:59:60.25Z"), Ok(us("2016-12-31T23:59:59.25Z")));
    assert_eq!(parser.parse(b"2016-12-31T23:59:59Z"), Ok(us("2016-12-31T23:59:59Z")));
    assert_eq!(parser.notes().leap_seconds, 2);
}

#[test]
fn the_range_is_checked_on_its_borders() {
    let mut parser = utc(&[TimeFormat::Iso]);
    let out = |reason| Err(TimeError::OutOfRange(reason));
    assert_eq!(parser.parse(b"1989-12-31T23:59:59.999999Z"), out(RangeReason::BeforeMinimum));
    assert_eq!(parser.parse(b"1990-01-01T00:00:00Z"), Ok(DEFAULT_MIN_TIME_US));
    assert_eq!(parser.parse(b"1990-01-01T00:00:00.000001Z"), Ok(DEFAULT_MIN_TIME_US + 1));
    assert_eq!(parser.parse(b"9998-12-31T23:59:59Z"), Ok(us("9998-12-31T23:59:59Z")));
    assert_eq!(parser.parse(b"9999-01-01T00:00:00Z"), out(RangeReason::Sentinel));
    assert_eq!(parser.parse(b"9999-12-31 23:59:59"), out(RangeReason::Sentinel));
    assert_eq!(parser.parse(b"0001-01-01T00:00:00"), out(RangeReason::BeforeMinimum));
    assert_eq!(parser.parse(b"0000-01-01T00:00:00Z"), out(RangeReason::BeforeMinimum));
    assert_eq!(parser.parse(b"1970-01-01T00:00:00Z"), out(RangeReason::EpochZero));
    assert_eq!(parser.parse(b"1970-01-01T02:00:00+02:00"), out(RangeReason::EpochZero));
    assert_eq!(parser.notes(), TimeNotes::default());

    let mut early = TimeParser::new(&[TimeFormat::Iso], TimeZone::UTC, ANY_TIME);
    assert_eq!(early.parse(b"1969-12-31T23:59:59.999999Z"), Ok(-1));
    assert_eq!(early.parse(b"1970-01-01T00:00:00Z"), out(RangeReason::EpochZero));
    assert_eq!(early.parse(b"1970-01-01T00:00:00.000001Z"), Ok(1));
    assert_eq!(TimeError::Unreadable.code(), RejectCode::R04);
    assert_eq!(TimeError::OutOfRange(RangeReason::EpochZero).code(), RejectCode::R05);
}

#[test]
fn a_zero_on_the_wall_clock_is_a_zero_in_every_zone() {
    for zone in ["Asia/Jerusalem", "America/New_York"] {
        let mut parser = TimeParser::new(&[TimeFormat::Iso], TimeZone::get(zone).unwrap(), ANY_TIME);
        assert_eq!(parser.parse(b"1970-01-01 00:00:00"), Err(TimeError::OutOfRange(RangeReason::EpochZero)));
        assert_eq!(parser.parse_local_us(0), Err(TimeError::OutOfRange(RangeReason::EpochZero)));
    }
}

#[test]
fn epochs_in_every_unit_truncate_downwards() {
    let at = |unit, text: &str| {
        TimeParser::new(&[TimeFormat::Epoch(unit)], TimeZone::UTC, ANY_TIME).parse(text.as_bytes())
    };
    use EpochUnit::*;
    assert_eq!(at(Seconds, "1666684195"), Ok(1_666_684_195_000_000));
    assert_eq!(at(Seconds, "1666684195.5260009"), Ok(1_666_684_195_526_000));
    assert_eq!(at(Millis, "1666684195526"), Ok(1_666_684_195_526_000));
    assert_eq!(at(Millis, "1666684195526.0"), Ok(1_666_684_195_526_000));
    assert_eq!(at(Micros, "1666684195526001"), Ok(1_666_684_195_526_001));
    assert_eq!(at(Nanos, "1666684195526001999"), Ok(1_666_684_195_526_001));
    assert_eq!(at(Nanos, "-1"), Ok(-1));
    assert_eq!(at(Nanos, "-1000"), Ok(-1));
    assert_eq!(at(Nanos, "-1001"), Ok(-2));
    assert_eq!(at(Seconds, "-0.0000005"), Ok(-1));
    assert_eq!(at(Micros, "-1.0000000000001"), Ok(-2));
    assert_eq!(at(Seconds, "0"), Err(TimeError::OutOfRange(RangeReason::EpochZero)));
    assert_eq!(at(Seconds, "-0.0"), Err(TimeError::OutOfRange(RangeReason::EpochZero)));
    for text in ["", "-", ".5", "1e9", "1.5.5", "+1", "1 2", "0x5", "NaN"] {
        assert_eq!(at(Seconds, text), Err(TimeError::Unreadable), "{text:?}");
    }
    let huge = "9".repeat(400);
    assert_eq!(at(Nanos, &huge), Err(TimeError::OutOfRange(RangeReason::Sentinel)));
    assert_eq!(at(Nanos, &format!("-{huge}")), Err(TimeError::OutOfRange(RangeReason::BeforeMinimum)));
    assert_eq!(at(Seconds, "9223372036855"), Err(TimeError::OutOfRange(RangeReason::Sentinel)));
}

#[test]
fn gaps_move_forward_and_folds_take_the_earlier_instant() {
    // In 2026 Israel goes to +03:00 on 27 March at 02:00 and back to +02:00 on 25 October at 02:00.
    let mut parser = iso_in("Asia/Jerusalem");
    assert_eq!(parser.parse(b"2026-03-27 01:59:59"), Ok(us("2026-03-26T23:59:59Z")));
    assert_eq!(parser.parse(b"2026-03-27 02:00:00"), Ok(us("2026-03-27T00:00:00Z")));
    assert_eq!(parser.parse(b"2026-03-27 02:30:00"), Ok(us("2026-03-27T00:30:00Z")));
    assert_eq!(parser.parse(b"2026-03-27 03:00:00"), Ok(us("2026-03-27T00:00:00Z")));
    assert_eq!(parser.notes(), TimeNotes { naive: 4, shifted: 2, ..TimeNotes::default() });
    assert_eq!(parser.parse(b"2026-10-25 00:59:59"), Ok(us("2026-10-24T21:59:59Z")));
    assert_eq!(parser.parse(b"2026-10-25 01:00:00"), Ok(us("2026-10-24T22:00:00Z")));
    assert_eq!(parser.parse(b"2026-10-25 01:59:59"), Ok(us("2026-10-24T22:59:59Z")));
    assert_eq!(parser.parse(b"2026-10-25 02:00:00"), Ok(us("2026-10-25T00:00:00Z")));
    assert_eq!(parser.notes(), TimeNotes { naive: 8, shifted: 4, ..TimeNotes::default() });
    // A zone in the text settles it.
    assert_eq!(parser.parse(b"2026-10-25 01:30:00+02:00"), Ok(us("2026-10-24T23:30:00Z")));
    assert_eq!(parser.notes(), TimeNotes { naive: 8, shifted: 4, ..TimeNotes::default() });
}

#[test]
fn gaps_and_folds_are_refused_where_neither_is_wanted() {
    let mut parser = iso_in("Asia/Jerusalem").with_clock_change(ClockChange::Reject);
    assert_eq!(parser.parse(b"2026-03-27 01:59:59"), Ok(us("2026-03-26T23:59:59Z")));
    assert_eq!(parser.parse(b"2026-03-27 02:00:00"), Err(TimeError::Skipped));
    assert_eq!(parser.parse(b"2026-03-27 02:59:59"), Err(TimeError::Skipped));
    assert_eq!(parser.parse(b"2026-03-27 03:00:00"), Ok(us("2026-03-27T00:00:00Z")));
    assert_eq!(parser.parse(b"2026-10-25 01:00:00"), Err(TimeError::Repeated));
    assert_eq!(parser.parse(b"2026-10-25 01:59:59"), Err(TimeError::Repeated));
    assert_eq!(parser.parse(b"2026-10-25 02:00:00"), Ok(us("2026-10-25T00:00:00Z")));
    assert_eq!(parser.parse(b"2026-10-25 01:30:00+02:00"), Ok(us("2026-10-24T23:30:00Z")));
    assert_eq!(parser.notes(), TimeNotes { naive: 3, ..TimeNotes::default() });
    assert_eq!([TimeError::Skipped.code(), TimeError::Repeated.code()], [RejectCode::R04; 2]);
}

#[test]
fn half_hour_transitions_do_not_spoil_the_hours_that_are_kept() {
    // Lord Howe Island moves by 30 minutes: on 2026-04-05 at 02:00 (+11:00) back to 01:30 (+10:30).
    let mut parser = iso_in("Australia/Lord_Howe");
    assert_eq!(parser.parse(b"2026-04-05 01:29:59"), Ok(us("2026-04-04T14:29:59Z")));
    assert_eq!(parser.parse(b"2026-04-05 01:30:00"), Ok(us("2026-04-04T14:30:00Z")));
    assert_eq!(parser.parse(b"2026-04-05 02:00:00"), Ok(us("2026-04-04T15:30:00Z")));
    assert_eq!(parser.parse(b"2026-04-05 01:10:00"), Ok(us("2026-04-04T14:10:00Z")));
    assert_eq!(parser.notes(), TimeNotes { naive: 4, shifted: 1, ..TimeNotes::default() });
}

#[test]
fn local_numbers_at_the_ends_of_their_range_do_not_overflow() {
    for zone in
        [TimeZone::UTC, TimeZone::fixed(Offset::constant(-12)), TimeZone::get("Asia/Jerusalem").unwrap()]
    {
        let mut parser = TimeParser::new(&[], zone, ANY_TIME);
        for local_us in [i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX] {
            assert!(parser.parse_local_us(local_us).is_err() || local_us < 0, "{local_us}");
        }
    }
    let mut parser = iso_in("Asia/Jerusalem");
    assert_eq!(parser.parse_local_us(us("2026-01-01T02:00:00Z")), Ok(us("2026-01-01T00:00:00Z")));
    assert_eq!(parser.parse_local_us(i64::MIN), Err(TimeError::OutOfRange(RangeReason::BeforeMinimum)));
    assert_eq!(parser.parse_us(1), Err(TimeError::OutOfRange(RangeReason::BeforeMinimum)));
    assert_eq!(parser.parse_us(us("2026-01-01T02:00:00Z")), Ok(us("2026-01-01T02:00:00Z")));
}

#[test]
fn date_and_time_of_day_in_two_columns() {
    let mut iso = utc(&[TimeFormat::Iso]);
    assert_eq!(iso.parse_two(b"2026-01-31", b" 10:15:00 "), Ok(us("2026-01-31T10:15:00Z")));
    assert_eq!(iso.parse_two(b"2026-01-31", b""), Err(TimeError::Unreadable));
    let mut compact = utc(&[TimeFormat::CompactDateTime]);
    assert_eq!(compact.parse_two(b"20260131", b"10:15:00"), Ok(us("2026-01-31T10:15:00Z")));
    assert_eq!(compact.parse_two(b"20260131", b"101500"), Ok(us("2026-01-31T10:15:00Z")));
    let mut slash = utc(&[TimeFormat::Slash(DateOrder::DayFirst)]);
    assert_eq!(slash.parse_two(b"31/1/2026", b"9:05"), Ok(us("2026-01-31T09:05:00Z")));
    assert_eq!(slash.parse_two(b"31/1/2026", b""), Ok(us("2026-01-31T00:00:00Z")));
}

#[test]
fn slashes_want_one_mark_throughout_and_four_digits_of_year() {
    let mut parser = utc(&[TimeFormat::Slash(DateOrder::MonthFirst)]);
    assert_eq!(parser.parse(b"1/31/2026"), Ok(us("2026-01-31T00:00:00Z")));
    for text in
        ["31/1/2026", "1/31-2026", "1/31/26", "1/31/2026 7pm", "1/31/2026 10:00Z", "2026/01/31", "1//2026"]
    {
        assert_eq!(parser.parse(text.as_bytes()), Err(TimeError::Unreadable), "{text:?}");
    }
}

#[test]
fn layouts_of_the_user() {
    let read = |layout: &str, text: &str| utc(&[TimeFormat::Strptime(layout.into())]).parse(text.as_bytes());
    assert_eq!(read("%d %b %Y %H:%M", "31 Jan 2026 10:15"), Ok(us("2026-01-31T10:15:00Z")));
    assert_eq!(read("%d/%b/%Y:%H:%M:%S %z", "31/Jan/2026:10:15:00 +0200"), Ok(us("2026-01-31T08:15:00Z")));
    assert_eq!(read("%Y-%m-%d %H:%M %Q", "2026-01-31 10:15 Asia/Jerusalem"), Ok(us("2026-01-31T08:15:00Z")));
    assert_eq!(read("%m/%d/%Y %I:%M %p", "1/31/2026 7:05 PM"), Ok(us("2026-01-31T19:05:00Z")));
    assert_eq!(read("%s", "1666684195"), Ok(1_666_684_195_000_000));
    assert_eq!(read("%Y%m%d", "20260131"), Ok(us("2026-01-31T00:00:00Z")));
    assert_eq!(
        read("%Y-%m-%dT%H:%M:%S%.f", "2026-01-31T00:00:00.1234567"),
        Ok(us("2026-01-31T00:00:00.123456Z"))
    );
    assert_eq!(read("%d %b %Y", "31 ינו 2026"), Err(TimeError::Unreadable));
    assert_eq!(read("%d %b %Y", "31 Jan 2026 and more"), Err(TimeError::Unreadable));
}

#[test]
fn several_given_formats_are_tried_in_turn() {
    let formats = [TimeFormat::Iso, TimeFormat::Epoch(EpochUnit::Millis)];
    let mut parser = utc(&formats);
    assert_eq!(parser.parse(b"2026-01-31T10:15:00Z"), Ok(us("2026-01-31T10:15:00Z")));
    assert_eq!(parser.parse(b"1666684195526"), Ok(1_666_684_195_526_000));
    assert_eq!(parser.parse(b"31/1/2026"), Err(TimeError::Unreadable));
}

#[test]
fn the_format_is_told_from_a_sample() {
    for (samples, name) in [
        (&["2026-01-31T10:15:00Z"][..], "iso"),
        (&["2022-10-25 07:49:55.526000+00:00", "2022-10-25 07:49:55", ""], "iso"),
        (&["2026-01-31", "2026-02-01"], "date"),
        (&["19970101", "19970112"], "compact-date"),
        (&["20260131T101500Z"], "compact"),
        (&["20260131101500", "20260131101501"], "compact"),
        (&["1666684195", "0"], "epoch-s"),
        (&["1666684195.5"], "epoch-s"),
        (&["1666684195526"], "epoch-ms"),
        (&["1666684195526001"], "epoch-us"),
        (&["1666684195526001999"], "epoch-ns"),
        (&["99999999999"], "epoch-s"),
        (&["100000000000"], "epoch-ms"),
        (&["01/02/2026", "13/02/2026"], "dmy"),
        (&["01/02/2026 10:00", "02/13/2026 10:00"], "mdy"),
        (&["2026/01/31"], "ymd"),
        (&["10/Oct/2000:13:55:36 -0700"], "common-log"),
    ] {
        assert_eq!(format_of(samples).to_string(), name, "{samples:?}");
    }
}

#[test]
fn what_is_detected_says_whether_zone_and_time_of_day_are_missing() {
    let facts = |samples: &[&str]| {
        let found = detected(samples, &TimeOptions::default()).unwrap();
        (found.naive, found.date_only)
    };
    assert_eq!(facts(&["2026-01-31T10:15:00Z"]), (false, false));
    assert_eq!(facts(&["2026-01-31T10:15:00Z", "2026-01-31T10:15:00"]), (true, false));
    assert_eq!(facts(&["2026-01-31"]), (true, true));
    assert_eq!(facts(&["19970101"]), (true, true));
    assert_eq!(facts(&["13/02/2026"]), (true, true));
    assert_eq!(facts(&["13/02/2026 10:00", "13/02/2026"]), (true, false));
    assert_eq!(facts(&["1666684195"]), (false, false));
    let layout = |layout: &str, sample: &str| {
        let options =
            TimeOptions { formats: vec![TimeFormat::Strptime(layout.into())], ..TimeOptions::default() };
        let found = detected(&[sample], &options).unwrap();
        (found.naive, found.date_only)
    };
    assert_eq!(layout("%d %b %Y", "31 Jan 2026"), (true, true));
    assert_eq!(layout("%d %b %Y %-H", "31 Jan 2026 9"), (true, false));
    assert_eq!(layout("%FT%T%z", "2026-01-31T10:15:00+0000"), (false, false));
}

#[test]
fn two_formats_in_one_file_are_refused_stray_rows_are_not() {
    let mut samples = vec!["2026-01-31T10:15:00Z"; 98];
    samples.push("31/12/2026");
    samples.push("broken");
    assert_eq!(format_of(&samples), TimeFormat::Iso);
    samples.extend(["1666684195"; 5]);
    assert_eq!(format_of(&samples), TimeFormat::Iso, "5 of 105 are under 5 %");
    samples.push("1666684195");
    let error = detected(&samples, &TimeOptions::default()).unwrap_err();
    let expected =
        TimeFormatError::Mixed { first: "2026-01-31T10:15:00Z".into(), second: "1666684195".into() };
    assert_eq!(error, expected);
    let one_each = detected(&["2026-01-31", "31/12/2026"], &TimeOptions::default());
    assert!(matches!(one_each, Err(TimeFormatError::Mixed { .. })), "{one_each:?}");
    // Unset values are zeros, not a second format.
    assert_eq!(format_of(&["2026-01-31T10:15:00Z", "2026-01-31T10:15:00Z", "0", "0"]), TimeFormat::Iso);
}

#[test]
fn half_of_the_sample_must_be_readable() {
    assert_eq!(format_of(&["2026-01-31", "soon"]), TimeFormat::DateOnly);
    let error = detected(&["2026-01-31", "soon", "later"], &TimeOptions::default()).unwrap_err();
    assert_eq!(error, TimeFormatError::Unknown { example: "soon".into(), unread: 2, sampled: 3 });
    let error = detected(&["soon"], &TimeOptions::default()).unwrap_err();
    assert_eq!(error, TimeFormatError::Unknown { example: "soon".into(), unread: 1, sampled: 1 });
    assert_eq!(detected(&["", " "], &TimeOptions::default()), Err(TimeFormatError::NoValues));
    assert_eq!(detected(&[], &TimeOptions::default()), Err(TimeFormatError::NoValues));
}

#[test]
fn units_and_orders_that_cannot_be_told_must_be_given() {
    let plain = TimeOptions::default();
    let error =
        detected(&["1666684195", "1666684196", "1666684195526", "1666684195527"], &plain).unwrap_err();
    let expected =
        TimeFormatError::MixedEpochUnits { first: "1666684195".into(), second: "1666684195526".into() };
    assert_eq!(error, expected);
    assert_eq!(
        detected(&["12", "13"], &plain),
        Err(TimeFormatError::UnclearEpochUnit { example: "12".into() })
    );
    let millis = TimeOptions { epoch_unit: Some(EpochUnit::Millis), ..TimeOptions::default() };
    assert_eq!(detected(&["12"], &millis).unwrap().formats, [TimeFormat::Epoch(EpochUnit::Millis)]);
    assert_eq!(detected(&["20260131"], &millis).unwrap().formats, [TimeFormat::Epoch(EpochUnit::Millis)]);
    assert_eq!(
        detected(&["01/02/2026"], &plain),
        Err(TimeFormatError::AmbiguousDate { example: "01/02/2026".into() })
    );
    let day_first = TimeOptions { date_order: Some(DateOrder::DayFirst), ..TimeOptions::default() };
    assert_eq!(
        detected(&["01/02/2026"], &day_first).unwrap().formats,
        [TimeFormat::Slash(DateOrder::DayFirst)]
    );
    let both = detected(&["13/02/2026", "14/02/2026", "02/13/2026", "02/14/2026"], &plain);
    assert!(matches!(both, Err(TimeFormatError::MixedDateOrder { .. })), "{both:?}");
}

#[test]
fn given_formats_must_read_half_of_the_sample() {
    let given = |names: &[&str]| TimeOptions {
        formats: names.iter().map(|name| TimeFormat::from_name(name).unwrap()).collect(),
        ..TimeOptions::default()
    };
    let samples = ["31 Jan 2026", "1666684195"];
    assert_eq!(detected(&samples, &given(&["%d %b %Y"])).unwrap().formats.len(), 1);
    assert_eq!(detected(&samples, &given(&["%d %b %Y", "epoch-s"])).unwrap().formats.len(), 2);
    assert_eq!(
        detected(&samples, &given(&["iso"])),
        Err(TimeFormatError::GivenFormats { example: "31 Jan 2026".into(), read: 0, sampled: 2 })
    );
}

#[test]
fn names_of_formats_read_back() {
    for name in [
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
        "common-log",
        "%Y",
    ] {
        assert_eq!(TimeFormat::from_name(name).unwrap().to_string(), name);
    }
    for name in ["", "epoch", "epoch-h", "ISO"] {
        assert_eq!(TimeFormat::from_name(name), None, "{name:?}");
    }
}

#[test]
fn instants_are_written_with_the_digits_they_need() {
    for (at_us, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (1_666_684_195_526_000, "2022-10-25T07:49:55.526Z"),
        (1_666_684_195_000_001, "2022-10-25T07:49:55.000001Z"),
        (951_782_400_000_000, "2000-02-29T00:00:00Z"),
        (253_402_300_799_000_000, "9999-12-31T23:59:59Z"),
        (253_402_300_800_000_000, "+010000-01-01T00:00:00Z"),
        (-62_167_219_200_000_000, "0000-01-01T00:00:00Z"),
        (-62_167_219_200_000_001, "-000001-12-31T23:59:59.999999Z"),
    ] {
        assert_eq!(format_utc(at_us), text);
    }
    assert_eq!(format_utc(i64::MAX), "+294247-01-10T04:00:54.775807Z");
    assert_eq!(format_utc(i64::MIN), "-290308-12-21T19:59:05.224192Z");
}

proptest! {
    #[test]
    fn reads_what_jiff_writes(
        at_us in DEFAULT_MIN_TIME_US..SENTINEL_US, offset_minutes in -1439_i32..1440, digits in 0_usize..=9,
    ) {
        let offset = Offset::from_seconds(offset_minutes * 60).unwrap();
        let local = offset.to_datetime(Timestamp::from_microsecond(at_us).unwrap());
        let sign = if offset_minutes < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset_minutes.abs() / 60, offset_minutes.abs() % 60);
        let text = format!("{local:.digits$}{sign}{hours:02}:{minutes:02}");
        let place_us = 10_i64.pow(6 - digits.min(6) as u32);
        prop_assert_eq!(utc(&[TimeFormat::Iso]).parse(text.as_bytes()), Ok(at_us / place_us * place_us), "{}", text);
    }

    #[test]
    fn zones_agree_with_jiff(seconds in prop::collection::vec(1_700_000_000_i64..1_800_000_000, 1..50), zone in 0_usize..4) {
        let zone = ["Asia/Jerusalem", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"][zone];
        let zone = TimeZone::get(zone).unwrap();
        let mut parser = TimeParser::new(&[TimeFormat::Iso], zone.clone(), DEFAULT_MIN_TIME_US);
        for second in seconds {
            let local = TimeZone::UTC.to_datetime(Timestamp::from_second(second).unwrap());
            let expected = zone.to_ambiguous_timestamp(local).compatible().unwrap().as_microsecond();
            prop_assert_eq!(parser.parse(local.to_string().as_bytes()), Ok(expected));
            prop_assert_eq!(parser.parse_local_us(second * 1_000_000), Ok(expected));
        }
    }

    #[test]
    fn written_instants_are_read_back(at_us in DEFAULT_MIN_TIME_US..SENTINEL_US) {
        let text = format_utc(at_us);
        prop_assert_eq!(utc(&[TimeFormat::Iso]).parse(text.as_bytes()), Ok(at_us));
        prop_assert_eq!(text.parse::<Timestamp>().unwrap().as_microsecond(), at_us);
    }

    #[test]
    fn dates_are_those_of_jiff(year in 0_u32..=9999, month in 0_u32..=13, day in 0_u32..=32) {
        let ours = civil::checked_days(year, month, day);
        let theirs = jiff::civil::Date::new(year as i16, month as i8, day as i8).ok();
        let epoch = jiff::civil::date(1970, 1, 1);
        prop_assert_eq!(ours, theirs.map(|date| i64::from(epoch.until(date).unwrap().get_days())));
        if let Some(days) = ours {
            prop_assert_eq!(civil::civil_from_days(days), (i64::from(year), month, day));
        }
    }

    /// The plain way knows the date; one byte after it is replaced, by one that times are made of.
    #[test]
    fn the_plain_way_reads_what_the_general_one_does(
        clock in (0_u32..25, 0_u32..61, 0_u32..62),
        tail in prop::sample::select(vec!["", "Z", ".123", ".123Z", ".123456", ".123456Z", ",5", "+02:00", ".1234567Z"]),
        at in 10_usize..30,
        byte in prop::sample::select(b"0159:.,TtZz +-/\xff".to_vec()),
    ) {
        let sound = format!("2026-01-31T{:02}:{:02}:{:02}{tail}", clock.0, clock.1, clock.2).into_bytes();
        let mut changed = sound.clone();
        let place = at.min(changed.len() - 1);
        changed[place] = byte;
        for zone in ["UTC", "Asia/Jerusalem"] {
            let zone = TimeZone::get(zone).unwrap();
            let mut plain = TimeParser::new(&[TimeFormat::Iso], zone, DEFAULT_MIN_TIME_US);
            prop_assert!(plain.parse(b"2026-01-31 00:00").is_ok());
            let mut general = plain.clone();
            for text in [&sound, &changed] {
                prop_assert_eq!(plain.parse(text), general.parse_in_turn(text), "{}", text.escape_ascii());
                prop_assert_eq!(plain.notes(), general.notes());
            }
        }
    }

    #[test]
    fn no_bytes_panic(text in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"0129-/.:TZ +".to_vec())], 0..40)) {
        let names = ["iso", "date", "compact-date", "compact", "epoch-s", "epoch-ns", "dmy", "mdy", "ymd", "%d %b %Y"];
        let formats: Vec<TimeFormat> = names.iter().map(|name| TimeFormat::from_name(name).unwrap()).collect();
        let mut parser = TimeParser::new(&formats, TimeZone::get("Asia/Jerusalem").unwrap(), ANY_TIME);
        let first = parser.parse(&text);
        prop_assert_eq!(parser.parse(&text), first, "a second look, with warm caches");
        let _ = detect([&text[..], &text].into_iter(), &TimeOptions::default());
    }
}

#[test]
fn the_next_format_is_tried_where_a_time_is_out_of_range() {
    let formats = [TimeFormat::Epoch(EpochUnit::Seconds), TimeFormat::Epoch(EpochUnit::Millis)];
    let mut parser = TimeParser::new(&formats, TimeZone::UTC, DEFAULT_MIN_TIME_US);
    // 2026-01-01T00:00:00Z both ways: as seconds the second one lies in the year 57970.
    assert_eq!(parser.parse(b"1767225600"), Ok(1_767_225_600_000_000));
    assert_eq!(parser.parse(b"1767225600000"), Ok(1_767_225_600_000_000));
    assert!(matches!(parser.parse(b"1"), Err(TimeError::OutOfRange(_))));
    assert_eq!(parser.parse(b"soon"), Err(TimeError::Unreadable));
}
