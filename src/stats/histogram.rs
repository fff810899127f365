//! Durations in bins that grow with the duration and whose edges people would name themselves.
//!
//! A bin holds `lower < value <= upper`, closed above like every time limit of ours, so that the
//! bins up to `7d` hold exactly what a window of 7 d admits. Zero (two rows of one instant, common
//! in logs of whole seconds) has the first bin to itself. Leaves out drawing.

// Repeated here because statistics use nothing else of this crate.
const SECOND_US: i64 = 1_000_000;
const MINUTE_US: i64 = 60 * SECOND_US;
const HOUR_US: i64 = 60 * MINUTE_US;
const DAY_US: i64 = 24 * HOUR_US;

/// Upper edges in µs, with their names. The first bin holds zero, a last one what is over all edges.
const EDGES: [(i64, &str); 23] = [
    (0, "0s"),
    (SECOND_US, "1s"),
    (2 * SECOND_US, "2s"),
    (5 * SECOND_US, "5s"),
    (10 * SECOND_US, "10s"),
    (30 * SECOND_US, "30s"),
    (MINUTE_US, "1m"),
    (2 * MINUTE_US, "2m"),
    (5 * MINUTE_US, "5m"),
    (10 * MINUTE_US, "10m"),
    (30 * MINUTE_US, "30m"),
    (HOUR_US, "1h"),
    (2 * HOUR_US, "2h"),
    (6 * HOUR_US, "6h"),
    (12 * HOUR_US, "12h"),
    (DAY_US, "1d"),
    (2 * DAY_US, "2d"),
    (3 * DAY_US, "3d"),
    (7 * DAY_US, "7d"),
    (14 * DAY_US, "14d"),
    (30 * DAY_US, "30d"),
    (90 * DAY_US, "90d"),
    (365 * DAY_US, "365d"),
];

/// Counts of durations; merges in any order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    counts: [u64; EDGES.len() + 1],
}

/// One bin: `over_us < value <= up_to_us`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bin {
    /// `None` for the bin of zero.
    pub over_us: Option<i64>,
    /// `None` for the bin over all edges.
    pub up_to_us: Option<i64>,
    pub n: u64,
    index: usize,
}

impl Bin {
    /// For people: `0s`, `up to 1s`, `1s to 2s`, `over 365d`.
    pub fn label(&self) -> String {
        let name = |index: usize| EDGES[index].1;
        match self.index {
            0 => name(0).to_owned(),
            1 => format!("up to {}", name(1)),
            index if index < EDGES.len() => format!("{} to {}", name(index - 1), name(index)),
            _ => format!("over {}", name(EDGES.len() - 1)),
        }
    }
}

impl Histogram {
    pub fn new() -> Histogram {
        Histogram::default()
    }

    /// Counts one duration in µs. A negative one (rows taken out of order within the tolerance)
    /// counts as zero, as it does in every report.
    pub fn push(&mut self, duration_us: i64) {
        let index = EDGES.partition_point(|(edge_us, _)| *edge_us < duration_us);
        self.counts[index] += 1;
    }

    /// Merging with empty changes nothing.
    pub fn merge(&mut self, other: &Histogram) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
    }

    /// The bins from the first to the last that hold anything, empty ones between them included;
    /// none if nothing was counted.
    pub fn bins(&self) -> Vec<Bin> {
        let used = |count: &u64| *count > 0;
        let Some(first) = self.counts.iter().position(used) else { return Vec::new() };
        let last = self.counts.iter().rposition(used).unwrap_or(first);
        (first..=last)
            .map(|index| Bin {
                over_us: index.checked_sub(1).map(|lower| EDGES[lower].0),
                up_to_us: EDGES.get(index).map(|(edge_us, _)| *edge_us),
                n: self.counts[index],
                index,
            })
            .collect()
    }
}

impl Extend<i64> for Histogram {
    fn extend<I: IntoIterator<Item = i64>>(&mut self, durations_us: I) {
        durations_us.into_iter().for_each(|duration_us| self.push(duration_us));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values_us: &[i64]) -> Vec<(String, u64)> {
        let mut histogram = Histogram::new();
        histogram.extend(values_us.iter().copied());
        histogram.bins().iter().map(|bin| (bin.label(), bin.n)).collect()
    }

    fn one(value_us: i64) -> String {
        let found = labels(&[value_us]);
        assert_eq!(found.len(), 1);
        found[0].0.clone()
    }

    #[test]
    fn bins_are_closed_above() {
        assert_eq!(one(MINUTE_US - 1), "30s to 1m");
        assert_eq!(one(MINUTE_US), "30s to 1m");
        assert_eq!(one(MINUTE_US + 1), "1m to 2m");
        assert_eq!(one(365 * DAY_US), "90d to 365d");
        assert_eq!(one(365 * DAY_US + 1), "over 365d");
        assert_eq!(one(i64::MAX), "over 365d");
    }

    #[test]
    fn zero_has_its_own_bin() {
        assert_eq!(one(0), "0s");
        assert_eq!(one(-1), "0s");
        assert_eq!(one(i64::MIN), "0s");
        assert_eq!(one(1), "up to 1s");
    }

    #[test]
    fn bins_are_trimmed_at_the_ends_only() {
        let wanted =
            [("up to 1s", 2), ("1s to 2s", 0), ("2s to 5s", 1)].map(|(label, n)| (label.to_owned(), n));
        assert_eq!(labels(&[SECOND_US, 3 * SECOND_US, 5]), wanted);
        assert_eq!(labels(&[]), []);
    }

    #[test]
    fn bins_join_without_gap() {
        let mut histogram = Histogram::new();
        histogram.extend([0, i64::MAX]);
        let bins = histogram.bins();
        assert_eq!(bins.len(), 24);
        assert_eq!((bins[0].over_us, bins[0].up_to_us), (None, Some(0)));
        assert_eq!((bins[23].over_us, bins[23].up_to_us), (Some(365 * DAY_US), None));
        for pair in bins.windows(2) {
            assert_eq!(pair[0].up_to_us, pair[1].over_us);
            assert!(pair[1].up_to_us.is_none_or(|up_to_us| Some(up_to_us) > pair[1].over_us));
        }
    }

    #[test]
    fn merging_adds_and_empty_changes_nothing() {
        let mut left = Histogram::new();
        left.extend([0, 5, HOUR_US]);
        let before = left.clone();
        left.merge(&Histogram::new());
        assert_eq!(left, before);
        let mut right = Histogram::new();
        right.extend([HOUR_US, DAY_US]);
        left.merge(&right);
        let mut all = Histogram::new();
        all.extend([DAY_US, HOUR_US, HOUR_US, 5, 0]);
        assert_eq!(left, all);
    }
}
