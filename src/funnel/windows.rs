//! Until when a chain may go on where something other than a duration ends it: the session of its
//! first row, or the calendar day or week. One instant for each row, for `Limits::ends_us`.

use crate::calendar::{Calendar, Period};
use std::ops::Range;

/// The last instant of the calendar period that each row lies in. Weeks are ISO weeks.
pub fn period_ends(times_us: &[i64], period: Period, calendar: &mut Calendar, ends_us: &mut Vec<i64>) {
    ends_us.clear();
    let mut current = 0..0;
    for &time_us in times_us {
        if !current.contains(&time_us) {
            let (from_us, to_us) = calendar.period(time_us, period);
            current = from_us..to_us;
        }
        // At the ends of time a period may be empty; a row is never behind its own end.
        ends_us.push((current.end - 1).max(time_us));
    }
}

/// The last instant at which a row could still join the session of each row: its last row's time
/// and the inactivity timeout. The sessions hold all rows, in order.
pub fn session_ends(
    times_us: &[i64],
    sessions: impl IntoIterator<Item = Range<usize>>,
    timeout_us: i64,
    ends_us: &mut Vec<i64>,
) {
    ends_us.clear();
    for session in sessions {
        let Some(&last_us) = times_us[session.clone()].last() else { continue };
        ends_us.resize(session.end, last_us.saturating_add(timeout_us));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{DAY_US, HOUR_US};
    use jiff::tz::TimeZone;

    #[test]
    fn days_and_weeks_are_those_of_the_zone() {
        // 1970-01-01 was a Thursday; three hours east of Greenwich it began at -3 h.
        let zone = TimeZone::fixed(jiff::tz::offset(3));
        let mut calendar = Calendar::new(zone);
        let mut ends_us = Vec::new();
        let times_us = [-3 * HOUR_US, 0, 21 * HOUR_US - 1, 21 * HOUR_US];
        period_ends(&times_us, Period::Day, &mut calendar, &mut ends_us);
        let first_day = 21 * HOUR_US - 1;
        assert_eq!(ends_us, [first_day, first_day, first_day, first_day + DAY_US]);
        period_ends(&times_us, Period::Week, &mut calendar, &mut ends_us);
        assert_eq!(ends_us, [4 * DAY_US - 3 * HOUR_US - 1; 4]);
    }

    #[test]
    fn a_session_can_be_joined_until_its_timeout() {
        let mut ends_us = vec![7];
        session_ends(&[0, 5, 100, 100], [0..2, 2..4], 30, &mut ends_us);
        assert_eq!(ends_us, [35, 35, 130, 130]);
        session_ends(&[], [], 30, &mut ends_us);
        assert!(ends_us.is_empty());
    }
}
