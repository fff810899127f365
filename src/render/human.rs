//! Cells as people read them: the words that Terminal and Markdown share.

use crate::human;
use crate::report::table::Cell;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How values are written for people.
#[derive(Debug, Clone)]
pub struct Human {
    /// Only ASCII in what we write ourselves; data stays as it is.
    pub ascii: bool,
    /// The zone in which times are shown.
    pub zone: TimeZone,
}

impl Human {
    /// The cell's words, unescaped. A bar has none: it is drawn or left out.
    pub fn cell(&self, cell: &Cell) -> String {
        match cell {
            Cell::Text(text) => text.clone(),
            Cell::Count(n) => human::count(*n),
            Cell::Share(share) => human::share(*share, self.ascii),
            Cell::ShareInterval(low, high) => human::interval(*low, *high, self.ascii),
            Cell::DurationUs(duration_us) => human::duration(*duration_us, self.ascii),
            Cell::TimeUs(time_us) => self.time(*time_us),
            Cell::Amount(millionths) => human::amount(*millionths),
            Cell::Number(number) => human::number(*number, self.ascii),
            Cell::Bar(_) => String::new(),
            Cell::Missing => self.missing().to_owned(),
        }
    }

    pub fn missing(&self) -> &'static str {
        human::missing(self.ascii)
    }

    fn time(&self, time_us: i64) -> String {
        match Timestamp::from_microsecond(time_us) {
            Ok(time) => time.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.f").to_string(),
            // Beyond the years that calendars of ours reach; the plain number is still the truth.
            Err(_) => format!("{time_us} us"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn human() -> Human {
        Human { ascii: false, zone: TimeZone::UTC }
    }

    fn says(cell: Cell) -> String {
        human().cell(&cell)
    }

    #[test]
    fn durations_have_at_most_two_units() {
        let (second, minute, hour, day) = (1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000_i64);
        let cases = [
            (0, "0 s"),
            (1, "1 µs"),
            (999, "999 µs"),
            (1_000, "1 ms"),
            (999_499, "999 ms"),
            (999_500, "1 s"),
            (second, "1 s"),
            (12_340_000, "12.3 s"),
            (59_949_999, "59.9 s"),
            (59_950_000, "1m 00s"),
            (minute, "1m 00s"),
            (3 * minute + 20 * second, "3m 20s"),
            (hour - second / 2 - 1, "59m 59s"),
            (hour - second / 2, "1h 00m"),
            (hour + 4 * minute, "1h 04m"),
            (day - minute / 2 - 1, "23h 59m"),
            (day - minute / 2, "1d 0h"),
            (6 * day + hour, "6d 1h"),
            (100 * day - hour / 2 - 1, "99d 23h"),
            (100 * day - hour / 2, "100d"),
            (12_345 * day, "12,345d"),
            (-90 * second, "-1m 30s"),
            (i64::MIN, "-106,751,991d"),
            (i64::MAX, "106,751,991d"),
        ];
        for (duration_us, text) in cases {
            assert_eq!(says(Cell::DurationUs(duration_us)), text, "{duration_us}");
        }
    }

    #[test]
    fn shares_never_round_to_all_or_nothing() {
        let cases = [
            (0.0, "0.00 %"),
            (-0.0, "0.00 %"),
            (1e-9, "<0.01 %"),
            (0.000_049, "<0.01 %"),
            (0.000_051, "0.01 %"),
            (0.123_4, "12.34 %"),
            (0.999_949, "99.99 %"),
            (0.999_951, ">99.99 %"),
            (1.0, "100.00 %"),
            (1.5, "150.00 %"),
            (f64::NAN, "–"),
        ];
        for (share, text) in cases {
            assert_eq!(says(Cell::Share(share)), text, "{share}");
        }
    }

    #[test]
    fn intervals_show_enough_decimals_to_be_one() {
        assert_eq!(says(Cell::ShareInterval(0.119, 0.128)), "11.9–12.8 %");
        assert_eq!(says(Cell::ShareInterval(0.0, 0.161_125)), "0.0–16.1 %");
        assert_eq!(says(Cell::ShareInterval(0.120_1, 0.120_3)), "12.01–12.03 %");
        assert_eq!(says(Cell::ShareInterval(0.12, 0.12)), "12.0–12.0 %");
        assert_eq!(says(Cell::ShareInterval(0.12, f64::NAN)), "–");
        let plain = Human { ascii: true, zone: TimeZone::UTC };
        assert_eq!(plain.cell(&Cell::ShareInterval(0.119, 0.128)), "11.9-12.8 %");
        assert_eq!(plain.cell(&Cell::Missing), "-");
    }

    #[test]
    fn counts_amounts_and_numbers_are_grouped() {
        assert_eq!(says(Cell::Count(0)), "0");
        assert_eq!(says(Cell::Count(999)), "999");
        assert_eq!(says(Cell::Count(1_000)), "1,000");
        assert_eq!(says(Cell::Count(1_234_567)), "1,234,567");
        assert_eq!(says(Cell::Count(u64::MAX)), "18,446,744,073,709,551,615");
        assert_eq!(says(Cell::Amount(12_500_000)), "12.50");
        assert_eq!(says(Cell::Amount(1_234_567_895_000)), "1,234,567.90");
        assert_eq!(says(Cell::Amount(-1_005_000)), "-1.01");
        assert_eq!(says(Cell::Amount(-4_999)), "0.00");
        assert_eq!(says(Cell::Amount(i128::MIN)), "-170,141,183,460,469,231,731,687,303,715,884.11");
        assert_eq!(says(Cell::Number(3.0)), "3");
        assert_eq!(says(Cell::Number(-0.0)), "0");
        assert_eq!(says(Cell::Number(1_234.567)), "1,234.57");
        assert_eq!(says(Cell::Number(-1_234_567.5)), "-1,234,567.50");
        assert_eq!(says(Cell::Number(0.25)), "0.25");
        assert_eq!(says(Cell::Number(0.0123)), "0.012");
        assert_eq!(says(Cell::Number(0.00123)), "0.0012");
        assert_eq!(says(Cell::Number(1.5e-12)), "1.5e-12");
        assert_eq!(says(Cell::Number(2e15)), "2e15");
        assert_eq!(says(Cell::Number(f64::INFINITY)), "–");
    }

    #[test]
    fn times_are_in_the_zone_of_the_report() {
        // 1704368738 s after the epoch is 2024-01-04T11:45:38Z.
        let time_us = 1_704_368_738_000_000;
        assert_eq!(says(Cell::TimeUs(time_us)), "2024-01-04 11:45:38");
        assert_eq!(says(Cell::TimeUs(time_us + 250_000)), "2024-01-04 11:45:38.25");
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let in_the_east = Human { ascii: false, zone };
        assert_eq!(in_the_east.cell(&Cell::TimeUs(time_us)), "2024-01-04 13:45:38");
        assert_eq!(says(Cell::TimeUs(i64::MAX)), "9223372036854775807 us");
    }
}
