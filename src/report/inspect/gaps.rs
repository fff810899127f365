//! Stretches of time without any row that are not the data's own rhythm.

use super::facts::Hour;
use crate::decode::time::format_utc;
use crate::event::HOUR_US;
use crate::stats::{Quantile, QuantileMethod, quantile};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// Gaps listed at most.
const LISTED: usize = 5;
const LEAST_US: i64 = 3 * HOUR_US;
/// As a multiple of the median gap.
const LEAST_MEDIANS: i64 = 6;
/// As a multiple of the gap that 24 of 25 do not exceed: a pause of every night is such a gap even
/// where every other hour of the day has rows.
const LEAST_USUAL: i64 = 2;

/// The unusual gaps of an input.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct Gaps {
    /// How many there are.
    pub n: u64,
    /// The longest of them, longest first.
    pub longest: Vec<Gap>,
}

/// No row lies between two moments.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Gap {
    /// The last row before and the first row after, RFC 3339 in UTC.
    pub from: String,
    pub to: String,
    pub duration_s: f64,
    #[serde(skip)]
    pub from_us: i64,
    #[serde(skip)]
    pub to_us: i64,
}

/// Finds the gaps between neighbouring hours that have rows: those of at least 3 hours, 6 times
/// the median and twice what 24 of 25 gaps do not exceed.
pub fn unusual_gaps(hours: &BTreeMap<i64, Hour>) -> Gaps {
    let neighbours = hours.values().zip(hours.values().skip(1));
    let mut found: Vec<(i64, i64, i64)> = neighbours
        .map(|(before, after)| {
            (after.first_us.saturating_sub(before.last_us), before.last_us, after.first_us)
        })
        .collect();
    // Longest first, then earliest.
    found.sort_unstable_by_key(|&(length_us, from_us, _)| (std::cmp::Reverse(length_us), from_us));
    let lengths_us: Vec<i64> = found.iter().rev().map(|gap| gap.0).collect();
    let Some(median_us) = quantile(&lengths_us, Quantile::MEDIAN, QuantileMethod::Type7) else {
        return Gaps::default();
    };
    let usual_us = lengths_us[(lengths_us.len() - 1) * 24 / 25];
    let is_unusual = |length_us: i64| {
        length_us >= LEAST_US
            && length_us as f64 >= LEAST_MEDIANS as f64 * median_us
            && length_us >= usual_us.saturating_mul(LEAST_USUAL)
    };
    found.retain(|&(length_us, ..)| is_unusual(length_us));
    let longest = found.iter().take(LISTED).map(|&(length_us, from_us, to_us)| Gap {
        from: format_utc(from_us),
        to: format_utc(to_us),
        duration_s: length_us as f64 / 1e6,
        from_us,
        to_us,
    });
    Gaps { n: found.len() as u64, longest: longest.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows at these µs, one each.
    fn gaps(times_us: impl IntoIterator<Item = i64>) -> Vec<(i64, i64)> {
        let mut hours: BTreeMap<i64, Hour> = BTreeMap::new();
        for at_us in times_us {
            let hour =
                hours.entry(at_us.div_euclid(HOUR_US)).or_insert(Hour { first_us: at_us, last_us: at_us });
            hour.first_us = hour.first_us.min(at_us);
            hour.last_us = hour.last_us.max(at_us);
        }
        let found = unusual_gaps(&hours);
        assert_eq!(found.n, found.longest.len() as u64);
        found.longest.iter().map(|gap| (gap.from_us, gap.to_us)).collect()
    }

    /// Rows every half hour from one hour to another, both included.
    fn busy(from: i64, to: i64) -> impl Iterator<Item = i64> {
        (from * 2..=to * 2).map(|half| half * HOUR_US / 2)
    }

    #[test]
    fn nothing_and_one_hour_have_no_gaps() {
        assert_eq!(gaps([]), []);
        assert_eq!(gaps([5]), []);
        assert_eq!(gaps([0, 100 * HOUR_US]), []);
    }

    #[test]
    fn a_gap_of_three_hours_is_the_least() {
        // Neighbouring hours lie half an hour apart, so that 6 medians are 3 hours too.
        for (shift_us, expected) in [(-1, 0), (0, 1), (1, 1)] {
            let after = 13 * HOUR_US + shift_us;
            let times = busy(0, 10).chain([after]).chain(busy(14, 24));
            assert_eq!(gaps(times).len(), expected, "{shift_us}");
        }
    }

    #[test]
    fn nights_are_no_news_and_a_lost_day_is() {
        // Ten days with rows from 8 to 22 o'clock: nights of 10 hours. Without day 5: 34 hours.
        let day = |day: i64| busy(day * 24 + 8, day * 24 + 22);
        assert_eq!(gaps((0..10).flat_map(day)), []);
        let lost = gaps((0..10).filter(|&number| number != 5).flat_map(day));
        assert_eq!(lost, [((4 * 24 + 22) * HOUR_US, (6 * 24 + 8) * HOUR_US)]);
    }

    #[test]
    fn the_longest_come_first_and_the_rest_is_counted() {
        // 7 holes of 40 hours and more, far apart: (n + 1) * 400 hours of rows between them.
        let mut hours = BTreeMap::new();
        let mut at = 0;
        for hole in 0..7 {
            for _ in 0..400 {
                hours.insert(at, Hour { first_us: at * HOUR_US, last_us: at * HOUR_US });
                at += 1;
            }
            at += 39 + hole % 3;
        }
        hours.insert(at, Hour { first_us: at * HOUR_US, last_us: at * HOUR_US });
        let found = unusual_gaps(&hours);
        assert_eq!(found.n, 7);
        // Holes 2 and 5 are 42 hours, 1 and 4 are 41, then the first of 40.
        let lengths: Vec<f64> = found.longest.iter().map(|gap| gap.duration_s / 3600.0).collect();
        assert_eq!(lengths, [42.0, 42.0, 41.0, 41.0, 40.0]);
        assert!(found.longest[0].from_us < found.longest[1].from_us);
        assert_eq!(found.longest[4].from, "1970-01-17T15:00:00Z");
    }
}
