//! Days, weeks and months of instants in one time zone. Windows are elapsed time and never come here.

use crate::event::SECOND_US;
use jiff::civil::{Date, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};
use std::str::FromStr;

/// A calendar period by which entries are grouped. Weeks are ISO weeks, from Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    Day,
    Week,
    Month,
}

impl Period {
    pub fn name(self) -> &'static str {
        match self {
            Period::Day => "day",
            Period::Week => "week",
            Period::Month => "month",
        }
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Period, String> {
        match text {
            "day" => Ok(Period::Day),
            "week" => Ok(Period::Week),
            "month" => Ok(Period::Month),
            other => Err(format!("{other:?} is not day, week or month")),
        }
    }
}

/// The calendar of one zone. Keeps the last offset it looked up, so that neighbouring instants cost no search.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
    /// Instants in `[from_us, to_us)` all have `offset_us`.
    from_us: i64,
    to_us: i64,
    offset_us: i64,
}

impl Calendar {
    pub fn new(zone: TimeZone) -> Calendar {
        Calendar { zone, from_us: 0, to_us: 0, offset_us: 0 }
    }

    /// Days since 1970-01-01 of the civil date on which the instant falls.
    pub fn day(&mut self, at_us: i64) -> i64 {
        at_us.saturating_add(self.offset_us(at_us)).div_euclid(crate::event::DAY_US)
    }

    /// The same, and an instant up to which, itself left out, it stays that date: the end of the day, or where
    /// the offset may change before that.
    pub fn day_until(&mut self, at_us: i64) -> (i64, i64) {
        let day = self.day(at_us);
        if !(self.from_us..self.to_us).contains(&at_us) {
            return (day, at_us.saturating_add(1));
        }
        let next_us = (day + 1).saturating_mul(crate::event::DAY_US).saturating_sub(self.offset_us);
        (day, next_us.min(self.to_us))
    }

    /// The first instant of the period that holds `at_us`, and the first instant after it.
    pub fn period(&mut self, at_us: i64, period: Period) -> (i64, i64) {
        let epoch = Date::constant(1970, 1, 1);
        let date = epoch.checked_add(self.day(at_us).days()).unwrap_or(epoch);
        let first = match period {
            Period::Day => date,
            Period::Week => {
                date.checked_sub(i64::from(date.weekday().since(Weekday::Monday)).days()).unwrap_or(date)
            }
            Period::Month => date.first_of_month(),
        };
        let after = |first: Date| {
            let next = match period {
                Period::Day => first.checked_add(1.day()),
                Period::Week => first.checked_add(7.days()),
                Period::Month => first.checked_add(1.month()),
            };
            next.unwrap_or(Date::MAX)
        };
        let next = after(first);
        let next_us = self.start_of_day_us(next);
        if at_us < next_us {
            return (self.start_of_day_us(first), next_us);
        }
        // The clocks went back over midnight: what comes of the evening a second time lies in the period that has
        // begun, as periods are spans of time that follow one another.
        (next_us, self.start_of_day_us(after(next)))
    }

    fn start_of_day_us(&self, date: Date) -> i64 {
        match date.to_zoned(self.zone.clone()) {
            Ok(zoned) => zoned.timestamp().as_microsecond(),
            // Only the last day that the calendar can name has no start in every zone.
            Err(_) => Timestamp::MAX.as_microsecond(),
        }
    }

    fn offset_us(&mut self, at_us: i64) -> i64 {
        if at_us >= self.from_us && at_us < self.to_us {
            return self.offset_us;
        }
        let Ok(at) = Timestamp::from_microsecond(at_us) else { return 0 };
        let offset: Offset = self.zone.to_offset(at);
        self.offset_us = i64::from(offset.seconds()) * SECOND_US;
        // The instant itself may be a transition: `preceding` excludes it, so step past it.
        let just_after = Timestamp::from_microsecond(at_us.saturating_add(1)).unwrap_or(at);
        self.from_us = self
            .zone
            .preceding(just_after)
            .next()
            .map_or(i64::MIN, |transition| transition.timestamp().as_microsecond());
        self.to_us = self
            .zone
            .following(at)
            .next()
            .map_or(i64::MAX, |transition| transition.timestamp().as_microsecond());
        self.offset_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    #[test]
    fn an_evening_that_comes_again_behind_midnight_lies_in_the_new_day() {
        // Until 2011 Newfoundland set its clocks back from 00:01 to 23:01, in 2005 at 02:31 UTC.
        let mut calendar = Calendar::new(TimeZone::get("America/St_Johns").unwrap());
        let [day, next, after] =
            ["2005-10-29T02:30:00Z", "2005-10-30T02:30:00Z", "2005-10-31T03:30:00Z"].map(us);
        for (at, expected) in [
            ("2005-10-30T02:29:59Z", (day, next)),
            ("2005-10-30T02:30:30Z", (next, after)),
            ("2005-10-30T02:31:10Z", (next, after)),
            ("2005-10-30T03:29:59Z", (next, after)),
            ("2005-10-30T03:30:00Z", (next, after)),
        ] {
            assert_eq!(calendar.period(us(at), Period::Day), expected, "{at}");
        }
    }

    #[test]
    fn days_change_at_local_midnight() {
        let mut calendar = Calendar::new(TimeZone::get("Asia/Jerusalem").unwrap());
        // Summer time, UTC+3: midnight is 21:00 UTC of the day before.
        let before = calendar.day(us("2026-07-01T20:59:59.999999Z"));
        assert_eq!(calendar.day(us("2026-07-01T21:00:00Z")), before + 1);
        assert_eq!(calendar.day(us("2026-07-02T20:59:59Z")), before + 1);
        // Winter time, UTC+2.
        let winter = calendar.day(us("2026-01-01T21:59:59Z"));
        assert_eq!(calendar.day(us("2026-01-01T22:00:00Z")), winter + 1);
    }

    #[test]
    fn a_day_stays_until_midnight_or_until_clocks_change() {
        let mut calendar = Calendar::new(TimeZone::get("Asia/Jerusalem").unwrap());
        let mut day_until = |text| calendar.day_until(us(text));
        // A day of summer, from 21:00 to 21:00 UTC: the 20,636th since 1970.
        assert_eq!(day_until("2026-07-01T21:00:00Z"), (20_636, us("2026-07-02T21:00:00Z")));
        assert_eq!(day_until("2026-07-02T20:59:59.999999Z"), (20_636, us("2026-07-02T21:00:00Z")));
        // Friday 2026-03-27, on which clocks moved at 02:00: midnight of winter and of summer.
        let day = us("2026-03-27T00:00:00Z") / crate::event::DAY_US;
        assert_eq!(day_until("2026-03-26T22:00:00Z"), (day, us("2026-03-27T00:00:00Z")));
        assert_eq!(day_until("2026-03-27T00:00:00Z"), (day, us("2026-03-27T21:00:00Z")));
        // Beyond the calendar an instant is known by itself.
        assert_eq!(day_until_in_utc(i64::MAX), i64::MAX);
        assert_eq!(day_until_in_utc(i64::MIN), i64::MIN + 1);
    }

    fn day_until_in_utc(at_us: i64) -> i64 {
        Calendar::new(TimeZone::UTC).day_until(at_us).1
    }

    #[test]
    fn a_day_of_23_hours_is_one_period() {
        let mut calendar = Calendar::new(TimeZone::get("Asia/Jerusalem").unwrap());
        // Israel moved its clocks on Friday 2026-03-27 at 02:00.
        let (from, to) = calendar.period(us("2026-03-27T10:00:00Z"), Period::Day);
        assert_eq!((from, to), (us("2026-03-26T22:00:00Z"), us("2026-03-27T21:00:00Z")));
    }

    #[test]
    fn weeks_start_on_monday_and_months_on_the_first() {
        let mut calendar = Calendar::new(TimeZone::UTC);
        // 2026-11-21 is a Saturday.
        let week = calendar.period(us("2026-11-21T12:00:00Z"), Period::Week);
        assert_eq!(week, (us("2026-11-16T00:00:00Z"), us("2026-11-23T00:00:00Z")));
        let month = calendar.period(us("2026-02-28T23:59:59Z"), Period::Month);
        assert_eq!(month, (us("2026-02-01T00:00:00Z"), us("2026-03-01T00:00:00Z")));
    }

    #[test]
    fn instants_before_1970_have_days_too() {
        let mut calendar = Calendar::new(TimeZone::UTC);
        assert_eq!(calendar.day(-1), -1);
        assert_eq!(calendar.day(0), 0);
    }
}
