//! Which format the times of a file have, told from a sample: one for the file, never one per row.

use super::format::{DateCache, DateOrder, EpochNumber, EpochUnit, SlashParts, TimeFormat, When};
use super::{ClockChange, DEFAULT_MIN_TIME_US};
use crate::event::excerpt::quoted;

/// What the user said about times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeOptions {
    /// `--time-format`, as often as it was given; when not empty nothing is guessed.
    pub formats: Vec<TimeFormat>,
    /// `--epoch-unit`: plain numbers are epochs of this unit.
    pub epoch_unit: Option<EpochUnit>,
    /// `--date-order`: decides dates like `01/02/2026`.
    pub date_order: Option<DateOrder>,
    /// `--min-time`: earlier ones are out of range.
    pub min_us: i64,
    /// `--dst`
    pub clock_change: ClockChange,
}

impl Default for TimeOptions {
    fn default() -> TimeOptions {
        TimeOptions {
            formats: Vec::new(),
            epoch_unit: None,
            date_order: None,
            min_us: DEFAULT_MIN_TIME_US,
            clock_change: ClockChange::default(),
        }
    }
}

/// The format of a file's times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    /// One format, or all that the user named.
    pub formats: Vec<TimeFormat>,
    /// Why, in a sentence. It quotes a value of the data: sanitise before printing.
    pub evidence: String,
    /// Some values have no zone of their own.
    pub naive: bool,
    /// No value has a time of day.
    pub date_only: bool,
}

/// Why no format could be settled on. The examples are values of the data, lossily decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeFormatError {
    #[error("no times to tell the format from: every sampled value is empty")]
    NoValues,
    #[error(
        "no known time format reads most of the values: {unread} of {sampled} cannot be read, e.g. {}",
        quoted(example)
    )]
    Unknown { example: String, unread: usize, sampled: usize },
    #[error("the given time formats read only {read} of {sampled} values; not, for one, {}", quoted(example))]
    GivenFormats { example: String, read: usize, sampled: usize },
    #[error("more than one time format: {} and {}", quoted(first), quoted(second))]
    Mixed { first: String, second: String },
    #[error("epochs of more than one unit: {} and {}", quoted(first), quoted(second))]
    MixedEpochUnits { first: String, second: String },
    #[error("the unit of numbers such as {} cannot be told from their size", quoted(example))]
    UnclearEpochUnit { example: String },
    #[error("day and month cannot be told apart: every value is like {}", quoted(example))]
    AmbiguousDate { example: String },
    #[error("day and month stand in both orders: {} and {}", quoted(first), quoted(second))]
    MixedDateOrder { first: String, second: String },
}

impl TimeFormatError {
    /// The permanent code of a run that stops here.
    pub fn code(&self) -> &'static str {
        match self {
            TimeFormatError::NoValues
            | TimeFormatError::Unknown { .. }
            | TimeFormatError::GivenFormats { .. }
            | TimeFormatError::Mixed { .. } => "E-T01",
            TimeFormatError::MixedEpochUnits { .. } | TimeFormatError::UnclearEpochUnit { .. } => "E-T02",
            TimeFormatError::AmbiguousDate { .. } | TimeFormatError::MixedDateOrder { .. } => "E-T03",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            TimeFormatError::NoValues => "name the column that holds the times with --time",
            TimeFormatError::Unknown { example, .. } if example.chars().any(is_other_script) => {
                "months are read by their English names and numbers in the digits 0 to 9: write them so"
            }
            TimeFormatError::Unknown { .. } => "give the layout, e.g. --time-format '%d %b %Y %H:%M:%S'",
            TimeFormatError::GivenFormats { .. } => "check --time-format against the example",
            TimeFormatError::Mixed { .. } => "give --time-format once for each layout",
            TimeFormatError::MixedEpochUnits { .. } => "give --time-format epoch-s (or -ms, -us, -ns)",
            TimeFormatError::UnclearEpochUnit { .. } => "give --epoch-unit s, ms, us or ns",
            TimeFormatError::AmbiguousDate { .. } | TimeFormatError::MixedDateOrder { .. } => {
                "give --date-order dmy or mdy"
            }
        }
    }
}

/// A letter or a digit of another script than those of times.
fn is_other_script(c: char) -> bool {
    !c.is_ascii() && c.is_alphanumeric()
}

/// Tells the time format of a file from some of its values; empty ones are passed over.
///
/// The format that reads the most values is taken when it reads at least half of them. A
/// second one that reads at least 5 % (and two rows, or as many as the first) is an error, as is any
/// proof of both orders of day and month.
pub fn detect<'a>(
    samples: impl Iterator<Item = &'a [u8]>,
    options: &TimeOptions,
) -> Result<Detected, TimeFormatError> {
    let samples: Vec<&[u8]> = samples.map(<[u8]>::trim_ascii).filter(|text| !text.is_empty()).collect();
    if samples.is_empty() {
        return Err(TimeFormatError::NoValues);
    }
    if !options.formats.is_empty() {
        return check_given(&samples, &options.formats);
    }
    let classes: Vec<Class> = samples.iter().map(|text| classify(text, options)).collect();
    let (family, count) = dominant_family(&samples, &classes)?;
    if count * 2 < samples.len() {
        return Err(unknown(&samples, &classes, family));
    }
    let format = match family {
        Family::Iso => TimeFormat::Iso,
        Family::Date => TimeFormat::DateOnly,
        Family::CompactDate => TimeFormat::CompactDate,
        Family::CompactDateTime => TimeFormat::CompactDateTime,
        Family::YearSlash => TimeFormat::Slash(DateOrder::YearFirst),
        Family::CommonLog => TimeFormat::CommonLog,
        Family::Number => TimeFormat::Epoch(epoch_unit(&samples, &classes, options)?),
        Family::Slash => TimeFormat::Slash(date_order(&samples, &classes, options)?),
    };
    let example = samples.iter().zip(&classes).find(|(_, class)| class.family() == Some(family));
    let evidence = format!(
        "{count} of {} sampled values are {}, e.g. {:?}",
        samples.len(),
        describe(&format),
        example.map(|(text, _)| lossy(text)).unwrap_or_default(),
    );
    Ok(summarise(&samples, vec![format], evidence))
}

/// What a single value looks like. A value has at most one class, so that the classes of a
/// sample can be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Iso,
    Date,
    CompactDate,
    CompactDateTime,
    YearSlash,
    /// A date with the year last, and which readings the calendar allows.
    Slash {
        day_first: bool,
        month_first: bool,
    },
    CommonLog,
    /// A number, and the unit its size tells.
    Number(Option<EpochUnit>),
    Unreadable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Iso,
    Date,
    CompactDate,
    CompactDateTime,
    YearSlash,
    Slash,
    CommonLog,
    Number,
}

impl Family {
    const ALL: [Family; 8] = [
        Family::Iso,
        Family::Date,
        Family::CompactDate,
        Family::CompactDateTime,
        Family::YearSlash,
        Family::Slash,
        Family::CommonLog,
        Family::Number,
    ];
}

impl Class {
    fn family(self) -> Option<Family> {
        Some(match self {
            Class::Iso => Family::Iso,
            Class::Date => Family::Date,
            Class::CompactDate => Family::CompactDate,
            Class::CompactDateTime => Family::CompactDateTime,
            Class::YearSlash => Family::YearSlash,
            Class::Slash { .. } => Family::Slash,
            Class::CommonLog => Family::CommonLog,
            Class::Number(_) => Family::Number,
            Class::Unreadable => return None,
        })
    }
}

fn classify(text: &[u8], options: &TimeOptions) -> Class {
    let mut dates = DateCache::default();
    let mut reads = |format: TimeFormat| format.read(text, &mut dates).is_some();
    if let Some(number) = EpochNumber::split(text) {
        let plain = !number.negative && number.whole.len() == text.len();
        if plain && options.epoch_unit.is_none() {
            if reads(TimeFormat::CompactDate) && (&b"19700101"[..]..=&b"20991231"[..]).contains(&text) {
                return Class::CompactDate;
            }
            if text.len() == 14 && reads(TimeFormat::CompactDateTime) {
                return Class::CompactDateTime;
            }
        }
        return Class::Number(unit_by_size(number.whole));
    }
    if reads(TimeFormat::Iso) {
        return Class::Iso;
    }
    if reads(TimeFormat::DateOnly) {
        return Class::Date;
    }
    if reads(TimeFormat::CompactDateTime) {
        return Class::CompactDateTime;
    }
    if reads(TimeFormat::CommonLog) {
        return Class::CommonLog;
    }
    let Some(parts) = SlashParts::split(text) else { return Class::Unreadable };
    let day_first = parts.days(DateOrder::DayFirst).is_some();
    let month_first = parts.days(DateOrder::MonthFirst).is_some();
    match parts.days(DateOrder::YearFirst) {
        Some(_) => Class::YearSlash,
        None if day_first || month_first => Class::Slash { day_first, month_first },
        None => Class::Unreadable,
    }
}

/// Seconds have 9 to 11 digits, millis 12 to 14, micros 15 to 17, nanos 18 and 19: the years 1973 to
/// 5138. Anything else, a zero among it, tells nothing.
fn unit_by_size(whole: &[u8]) -> Option<EpochUnit> {
    let significant = whole.iter().position(|&b| b != b'0').map_or(0, |at| whole.len() - at);
    match significant {
        9..=11 => Some(EpochUnit::Seconds),
        12..=14 => Some(EpochUnit::Millis),
        15..=17 => Some(EpochUnit::Micros),
        18..=20 => Some(EpochUnit::Nanos),
        _ => None,
    }
}

/// Whether a runner-up of `count` values among `sampled` is more than stray rows.
fn is_share(count: usize, best: usize, sampled: usize) -> bool {
    (count >= 2 || count == best) && count > 0 && count * 20 >= sampled
}

fn lossy(text: &[u8]) -> String {
    let shown: String = String::from_utf8_lossy(text).chars().take(60).collect();
    shown
}

fn dominant_family(samples: &[&[u8]], classes: &[Class]) -> Result<(Family, usize), TimeFormatError> {
    let count = |family: Family| classes.iter().filter(|class| class.family() == Some(family)).count();
    let example = |family: Family| {
        let at = classes.iter().position(|class| class.family() == Some(family));
        at.map(|at| lossy(samples[at])).unwrap_or_default()
    };
    let mut counted: Vec<(Family, usize)> = Family::ALL.into_iter().map(|f| (f, count(f))).collect();
    // Stable, so that equal counts keep the order of the list.
    counted.sort_by_key(|&(_, n)| std::cmp::Reverse(n));
    let (best, best_count) = counted[0];
    if best_count == 0 {
        return Err(TimeFormatError::Unknown {
            example: lossy(samples[0]),
            unread: samples.len(),
            sampled: samples.len(),
        });
    }
    for &(other, n) in &counted[1..] {
        // Small numbers among written dates are unset values rather than a second format.
        let telling = other != Family::Number || classes.iter().any(|c| matches!(c, Class::Number(Some(_))));
        if telling && is_share(n, best_count, samples.len()) {
            return Err(TimeFormatError::Mixed { first: example(best), second: example(other) });
        }
    }
    Ok((best, best_count))
}

fn unknown(samples: &[&[u8]], classes: &[Class], best: Family) -> TimeFormatError {
    let others: Vec<usize> = (0..samples.len()).filter(|&at| classes[at].family() != Some(best)).collect();
    let example = others.first().map(|&at| lossy(samples[at])).unwrap_or_default();
    TimeFormatError::Unknown { example, unread: others.len(), sampled: samples.len() }
}

fn epoch_unit(
    samples: &[&[u8]],
    classes: &[Class],
    options: &TimeOptions,
) -> Result<EpochUnit, TimeFormatError> {
    if let Some(unit) = options.epoch_unit {
        return Ok(unit);
    }
    let example = |unit: Option<EpochUnit>| {
        let at = classes.iter().position(|&class| class == Class::Number(unit));
        at.map(|at| lossy(samples[at])).unwrap_or_default()
    };
    let count = |unit| classes.iter().filter(|&&class| class == Class::Number(Some(unit))).count();
    let mut counted: Vec<(EpochUnit, usize)> = EpochUnit::ALL.into_iter().map(|u| (u, count(u))).collect();
    counted.sort_by_key(|&(_, n)| std::cmp::Reverse(n));
    let ((best, best_count), (second, second_count)) = (counted[0], counted[1]);
    if best_count == 0 {
        return Err(TimeFormatError::UnclearEpochUnit { example: example(None) });
    }
    if is_share(second_count, best_count, samples.len()) {
        return Err(TimeFormatError::MixedEpochUnits {
            first: example(Some(best)),
            second: example(Some(second)),
        });
    }
    Ok(best)
}

fn date_order(
    samples: &[&[u8]],
    classes: &[Class],
    options: &TimeOptions,
) -> Result<DateOrder, TimeFormatError> {
    if let Some(order @ (DateOrder::DayFirst | DateOrder::MonthFirst)) = options.date_order {
        return Ok(order);
    }
    let only_day_first = Class::Slash { day_first: true, month_first: false };
    let only_month_first = Class::Slash { day_first: false, month_first: true };
    let example = |wanted: Class| {
        let at = classes.iter().position(|&class| class == wanted);
        at.map(|at| lossy(samples[at])).unwrap_or_default()
    };
    let count = |wanted: Class| classes.iter().filter(|&&class| class == wanted).count();
    let (day, month) = (count(only_day_first), count(only_month_first));
    if day == 0 && month == 0 {
        let either = Class::Slash { day_first: true, month_first: true };
        return Err(TimeFormatError::AmbiguousDate { example: example(either) });
    }
    // Whichever is rarer: where both orders have proof, dates up to the 12th prove nothing.
    if day > 0 && month > 0 {
        return Err(TimeFormatError::MixedDateOrder {
            first: example(only_day_first),
            second: example(only_month_first),
        });
    }
    Ok(if day > month { DateOrder::DayFirst } else { DateOrder::MonthFirst })
}

fn check_given(samples: &[&[u8]], formats: &[TimeFormat]) -> Result<Detected, TimeFormatError> {
    let mut dates = DateCache::default();
    let mut reads = |text: &[u8]| formats.iter().any(|format| format.read(text, &mut dates).is_some());
    let unread: Vec<&[u8]> = samples.iter().copied().filter(|text| !reads(text)).collect();
    let read = samples.len() - unread.len();
    if read * 2 < samples.len() {
        let example = unread.first().map(|text| lossy(text)).unwrap_or_default();
        return Err(TimeFormatError::GivenFormats { example, read, sampled: samples.len() });
    }
    let evidence = format!("given; reads {read} of {} sampled values", samples.len());
    Ok(summarise(samples, formats.to_vec(), evidence))
}

fn describe(format: &TimeFormat) -> String {
    match format {
        TimeFormat::Iso => "ISO 8601 times".to_owned(),
        TimeFormat::Epoch(unit) => format!("numbers of the size of epoch times in {}", unit.name()),
        TimeFormat::DateOnly => "dates".to_owned(),
        TimeFormat::CompactDate => "dates of eight digits".to_owned(),
        TimeFormat::CompactDateTime => "times in compact ISO 8601".to_owned(),
        TimeFormat::Slash(DateOrder::DayFirst) => "dates with the day first".to_owned(),
        TimeFormat::Slash(DateOrder::MonthFirst) => "dates with the month first".to_owned(),
        TimeFormat::Slash(DateOrder::YearFirst) => "dates with the year first".to_owned(),
        TimeFormat::CommonLog => "times as web servers log them".to_owned(),
        TimeFormat::Strptime(layout) => format!("in the layout {layout}"),
    }
}

fn summarise(samples: &[&[u8]], formats: Vec<TimeFormat>, evidence: String) -> Detected {
    let mut dates = DateCache::default();
    let mut naive = false;
    let mut with_time = false;
    for text in samples {
        let read = formats.iter().find_map(|format| Some((format, format.read(text, &mut dates)?)));
        let Some((format, reading)) = read else { continue };
        naive |= matches!(reading.when, When::Local(_));
        with_time |= match format {
            TimeFormat::DateOnly | TimeFormat::CompactDate => false,
            TimeFormat::Slash(_) => SlashParts::split(text).is_some_and(|parts| parts.has_time()),
            TimeFormat::Strptime(layout) => layout_has_time(layout),
            TimeFormat::Iso | TimeFormat::Epoch(_) | TimeFormat::CompactDateTime | TimeFormat::CommonLog => {
                true
            }
        };
    }
    Detected { formats, evidence, naive, date_only: !with_time }
}

/// Whether a layout reads any part of a time of day.
fn layout_has_time(layout: &str) -> bool {
    let mut letters = layout.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            continue;
        }
        // Flags and widths stand between the sign and the letter.
        let directive =
            letters.find(|c| !matches!(c, '-' | '_' | '^' | '#' | ':' | '.') && !c.is_ascii_digit());
        if directive.is_some_and(|c| "HIklMSTRrfNsc".contains(c)) {
            return true;
        }
    }
    false
}
