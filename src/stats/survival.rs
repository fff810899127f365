//! The share of entrants that has not converted by a time, when some could not be watched to the end.
//!
//! Kaplan and Meier (1958), J. Am. Stat. Assoc. 53:457. An entrant whose window closed is watched
//! until it closed; one whom the log left behind, until the log ended. Leaves out competing
//! endings and the comparison of curves.

use super::Z95;

/// The curve at one time; it stays at `not_yet` until the next point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// µs since entry.
    pub t_us: i64,
    /// Watched until at least this time, and not converted before it.
    pub at_risk: u64,
    /// Converted at this time; after [`thin`], since the point before.
    pub events: u64,
    /// Estimated share not converted by this time, this time included.
    pub not_yet: f64,
    /// Greenwood's sum of `events / (at risk · left)` up to and with this time.
    greenwood: f64,
}

impl Point {
    /// 95 % interval of `not_yet`: Greenwood's variance on the log-log scale, which keeps it within
    /// 0 to 1 (Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data, 1980).
    /// `(1, 1)` before the first event; `None` once nobody is left, where it is not defined.
    pub fn ci95(&self) -> Option<(f64, f64)> {
        if self.not_yet <= 0.0 {
            return None;
        }
        if self.greenwood == 0.0 {
            return Some((1.0, 1.0));
        }
        let log = self.not_yet.ln();
        let spread = Z95 * self.greenwood.sqrt() / log.abs();
        Some((self.not_yet.powf(spread.exp()), self.not_yet.powf((-spread).exp())))
    }
}

/// The curve of how long after their entry entrants converted, and how long the others were watched,
/// both in µs and ascending; `together` is how many more were watched for one time. Starts at 0, has
/// one point for each time of an event, and ends at the last time watched. Somebody who left sight at
/// the instant of an event was still at risk of it. Empty without observations; negative times
/// count as 0.
///
/// As long as nobody has left sight the share is a single division, so with nobody watched in vain
/// before it the curve equals the raw share to the last bit.
///
/// Panics if a list is not ascending, in builds with debug assertions.
pub fn curve(converted_us: &[i64], watched_us: &[i64], together: Option<(i64, u64)>) -> Vec<Point> {
    debug_assert!(converted_us.is_sorted() && watched_us.is_sorted());
    let (mut converted_us, mut watched_us) = (converted_us, watched_us);
    let mut together = together.filter(|&(_, n)| n > 0);
    let lasts = [converted_us.last().copied(), watched_us.last().copied(), together.map(|(us, _)| us)];
    let Some(end_us) = lasts.into_iter().flatten().max().map(|us| us.max(0)) else { return Vec::new() };

    let mut at_risk = (converted_us.len() + watched_us.len()) as u64 + together.map_or(0, |(_, n)| n);
    // The share at the last time somebody left sight, and how many were then left: between two such
    // times the product of the estimator telescopes.
    let (mut block_share, mut block_n) = (1.0, at_risk);
    let mut not_yet = 1.0;
    let mut greenwood = 0.0;
    let mut points = vec![Point { t_us: 0, at_risk, events: 0, not_yet, greenwood }];
    loop {
        // Nothing happens to the curve between two events, whoever leaves sight.
        let t_us = converted_us.first().map_or(end_us, |&us| us.max(0));
        let at_once = together.take_if(|(us, _)| (*us).max(0) < t_us).map_or(0, |(_, n)| n);
        let left_sight = take_while(&mut watched_us, |us| us.max(0) < t_us) + at_once;
        if left_sight > 0 {
            at_risk -= left_sight;
            (block_share, block_n) = (not_yet, at_risk);
        }
        let events = take_while(&mut converted_us, |us| us <= t_us);
        if events > 0 {
            let after = at_risk - events;
            not_yet = block_share * (after as f64 / block_n as f64);
            greenwood += events as f64 / (at_risk as f64 * after as f64);
        }
        let point = Point { t_us, at_risk, events, not_yet, greenwood };
        match points.last_mut() {
            Some(start) if start.t_us == t_us => *start = point,
            _ => points.push(point),
        }
        if t_us == end_us {
            return points;
        }
        at_risk -= events;
    }
}

/// Takes the times from the front that pass the test; gives their number.
fn take_while(times_us: &mut &[i64], test: impl Fn(i64) -> bool) -> u64 {
    let n = times_us.iter().take_while(|&&us| test(us)).count();
    *times_us = &times_us[n..];
    n as u64
}

/// The first time at which at most half have not converted; `None` if the curve stays above, which
/// means "not reached" and is common where most never buy.
pub fn median(points: &[Point]) -> Option<i64> {
    points.iter().find(|point| point.not_yet <= 0.5).map(|point| point.t_us)
}

/// The point that tells the curve at `t_us`. `None` before entry and after the last time watched.
pub fn at(points: &[Point], t_us: i64) -> Option<&Point> {
    let end_us = points.last()?.t_us;
    let after = points.partition_point(|point| point.t_us <= t_us);
    if t_us > end_us { None } else { points.get(after.checked_sub(1)?) }
}

/// At most `max` points (never fewer than the two ends) that draw the same curve: true values at
/// times that are on it, a point whenever the share has fallen by another `max - 2`nd part of its
/// whole fall. So no two neighbours hide more than that part of the fall between them, and a
/// long tail costs no points. `events` of a kept point include those of the points left out before it.
pub fn thin(points: &[Point], max: usize) -> Vec<Point> {
    let max = max.max(2);
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
    if points.len() <= max {
        return points.to_vec();
    }
    // More than two points means an event, so that the fall is above 0.
    let fall = first.not_yet - last.not_yet;
    let parts = (max - 2) as f64;
    let mut kept = vec![*first];
    let mut parts_fallen = 0;
    let mut events = 0;
    for (index, point) in points.iter().enumerate().skip(1) {
        events += point.events;
        let reached = ((first.not_yet - point.not_yet) / fall * parts) as usize;
        if reached > parts_fallen || index == points.len() - 1 {
            kept.push(Point { events, ..*point });
            parts_fallen = reached;
            events = 0;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The curve of `(µs since entry, converted)`; `false` means no longer watched.
    fn curve_of(observations: &[(i64, bool)]) -> Vec<Point> {
        let times = |wanted: bool| {
            let of_kind = observations.iter().filter(|(_, converted)| *converted == wanted);
            let mut times: Vec<i64> = of_kind.map(|(t_us, _)| *t_us).collect();
            times.sort_unstable();
            times
        };
        let (converted, mut watched) = (times(true), times(false));
        let points = curve(&converted, &watched, None);
        // Those of one time may be counted beside the others.
        if let Some(&t_us) = watched.get(watched.len() / 2) {
            let n = watched.iter().filter(|&&us| us == t_us).count() as u64;
            watched.retain(|&us| us != t_us);
            assert_eq!(curve(&converted, &watched, Some((t_us, n))), points);
        }
        points
    }

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-12
    }

    /// The control and treated patients of the glioma data shipped with lifelines (`g3.csv`; Grana
    /// et al. 2002): the values are those of `KaplanMeierFitter` of lifelines 0.30.3.
    #[test]
    fn agrees_with_lifelines_where_some_left_sight() {
        let observations = [
            (53, true),
            (28, false),
            (69, false),
            (58, false),
            (54, false),
            (25, true),
            (51, false),
            (61, false),
            (57, false),
            (57, false),
            (50, false),
            (34, true),
            (32, true),
            (9, true),
            (19, true),
            (50, false),
            (48, false),
        ];
        let expected = [
            (0, 17, 0, 1.0, 1.0, 1.0),
            (9, 17, 1, 0.941_176_470_588_235_2, 0.650_178_901_855_579_8, 0.991_499_105_566_149_5),
            (19, 16, 1, 0.882_352_941_176_470_5, 0.605_978_899_529_096_7, 0.969_209_296_936_185_5),
            (25, 15, 1, 0.823_529_411_764_705_6, 0.547_131_776_702_978_1, 0.939_405_339_469_288_6),
            (32, 13, 1, 0.760_180_995_475_113, 0.479_625_728_535_848_84, 0.902_733_993_953_188_3),
            (34, 12, 1, 0.696_832_579_185_520_2, 0.416_840_837_782_078, 0.861_480_344_207_977_5),
            (53, 7, 1, 0.597_285_067_873_303, 0.298_093_258_247_797_03, 0.802_969_813_045_627),
            (69, 1, 0, 0.597_285_067_873_303, 0.298_093_258_247_797_03, 0.802_969_813_045_627),
        ];
        let points = curve_of(&observations);
        assert_eq!(points.len(), expected.len());
        for (point, (t_us, at_risk, events, not_yet, low, high)) in points.iter().zip(expected) {
            assert_eq!((point.t_us, point.at_risk, point.events), (t_us, at_risk, events));
            let (point_low, point_high) = point.ci95().unwrap();
            assert!(close(point.not_yet, not_yet), "{point:?}");
            assert!(close(point_low, low) && close(point_high, high), "{point:?}");
        }
        assert_eq!(median(&points), None);
    }

    /// The miR-137 group of the Waltons data shipped with lifelines, in which everybody has an
    /// event; the values are those of `KaplanMeierFitter` of lifelines 0.30.3.
    #[test]
    fn agrees_with_lifelines_where_all_convert() {
        let times = [
            6, 9, 9, 9, 13, 13, 13, 15, 15, 19, 19, 19, 22, 22, 22, 22, 26, 26, 26, 26, 26, 29, 29, 29, 29,
            29, 33, 33, 36, 36, 43, 47, 62, 62,
        ];
        let points = curve_of(&times.map(|t_us| (t_us, true)));
        assert_eq!(median(&points), Some(26));
        let at_22 = at(&points, 22).unwrap();
        assert_eq!((at_22.at_risk, at_22.events, at_22.not_yet), (22, 4, 18.0 / 34.0));
        let (low, high) = at_22.ci95().unwrap();
        assert!(close(low, 0.351_067_209_174_248_05) && close(high, 0.679_494_226_074_755_8));
        let end = points.last().unwrap();
        assert_eq!((end.t_us, end.at_risk, end.events, end.not_yet, end.ci95()), (62, 2, 2, 0.0, None));
    }

    /// By hand: of 4 at risk one converts at 1 (3/4); the one who leaves sight at 2 was at risk of
    /// the event at 2 (3/4 · 2/3 = 1/2); the last one leaves at 5.
    #[test]
    fn leaving_sight_at_an_event_counts_as_at_risk_of_it() {
        let points = curve_of(&[(2, false), (5, false), (1, true), (2, true)]);
        let seen: Vec<_> = points.iter().map(|p| (p.t_us, p.at_risk, p.events, p.not_yet)).collect();
        assert_eq!(seen, [(0, 4, 0, 1.0), (1, 4, 1, 0.75), (2, 3, 1, 0.5), (5, 1, 0, 0.5)]);
        assert_eq!(median(&points), Some(2));
    }

    #[test]
    fn without_leaving_sight_early_the_end_is_the_raw_share() {
        // 3 of 7 convert, four are watched to the end of their window at 60.
        let mut observations = vec![(10, true), (30, true), (60, true)];
        observations.extend([(60, false); 4]);
        let points = curve_of(&observations);
        let end = points.last().unwrap();
        assert_eq!((end.t_us, end.at_risk, end.not_yet), (60, 5, 4.0 / 7.0));
        assert_eq!(median(&points), None);
    }

    #[test]
    fn empty_one_and_events_at_entry() {
        assert_eq!(curve_of(&[]), []);
        assert_eq!(median(&[]), None);
        assert_eq!(at(&[], 0), None);

        let converted_at_once = curve_of(&[(0, true)]);
        assert_eq!(converted_at_once.len(), 1);
        assert_eq!((converted_at_once[0].events, converted_at_once[0].not_yet), (1, 0.0));

        let seen_for_no_time = curve_of(&[(-3, false)]);
        assert_eq!(seen_for_no_time.len(), 1);
        assert_eq!((seen_for_no_time[0].t_us, seen_for_no_time[0].ci95()), (0, Some((1.0, 1.0))));
    }

    #[test]
    fn the_curve_is_told_between_points_and_not_beyond_its_end() {
        let points = curve_of(&[(10, true), (20, false)]);
        let not_yet = |t_us| at(&points, t_us).map(|point| point.not_yet);
        assert_eq!([-1, 0, 9].map(not_yet), [None, Some(1.0), Some(1.0)]);
        assert_eq!([10, 11, 20, 21].map(not_yet), [Some(0.5), Some(0.5), Some(0.5), None]);
    }

    #[test]
    fn thinning_keeps_true_values_both_ends_and_all_events() {
        let observations: Vec<(i64, bool)> = (1..=1000).map(|t_us| (t_us, t_us % 4 != 0)).collect();
        let points = curve_of(&observations);
        for max in [0, 2, 3, 10, 50, 10_000] {
            let thinned = thin(&points, max);
            assert!(thinned.len() <= max.max(2));
            assert_eq!(thinned[0], points[0]);
            assert_eq!(thinned.last().unwrap().t_us, 1000);
            assert_eq!(thinned.iter().map(|point| point.events).sum::<u64>(), 750);
            for point in &thinned {
                let original = at(&points, point.t_us).unwrap();
                assert_eq!((point.t_us, point.not_yet), (original.t_us, original.not_yet));
            }
        }
        let thinned = thin(&points, 50);
        let largest = thinned.windows(2).map(|pair| pair[0].not_yet - pair[1].not_yet).fold(0.0, f64::max);
        // 48 parts of the whole fall of at most 1, and the step of one event on top.
        assert!(thinned.len() > 30 && largest < 2.0 / 48.0, "{} points, {largest}", thinned.len());
        assert_eq!(thin(&points, points.len()), points);
        assert_eq!(thin(&[], 10), []);
    }
}
