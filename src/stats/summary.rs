//! Mean, extremes and quantiles of durations, gathered piece by piece.
//!
//! Values are kept, so that quantiles are exact, and sums are integers, so that neither the order
//! of pushes nor the way pieces were merged can change a bit. Leaves out spread and shape.

use super::{Quantile, QuantileMethod, exact_ratio, quantile};

/// Gathers durations of one kind, in µs. Equal as sets of values give equal results.
#[derive(Debug, Clone, Default)]
pub struct Durations {
    values_us: Vec<i64>,
}

/// What is said about a set of durations. All times are µs.
#[derive(Debug, Clone, PartialEq)]
pub struct DurationSummary {
    pub n: u64,
    pub mean_us: f64,
    pub least_us: i64,
    pub most_us: i64,
    /// In the order asked for.
    pub quantiles_us: Vec<(Quantile, f64)>,
}

impl DurationSummary {
    /// The value of one of the quantiles that were asked for.
    pub fn quantile_us(&self, wanted: Quantile) -> Option<f64> {
        self.quantiles_us.iter().find(|(quantile, _)| *quantile == wanted).map(|(_, value_us)| *value_us)
    }
}

impl Durations {
    pub fn new() -> Durations {
        Durations::default()
    }

    pub fn push(&mut self, duration_us: i64) {
        self.values_us.push(duration_us);
    }

    /// Takes all values of `other`; merging with empty changes nothing.
    pub fn merge(&mut self, other: Durations) {
        if self.values_us.is_empty() {
            self.values_us = other.values_us;
        } else {
            self.values_us.extend(other.values_us);
        }
    }

    pub fn len(&self) -> usize {
        self.values_us.len()
    }

    pub fn is_empty(&self) -> bool {
        self.values_us.is_empty()
    }

    /// All values, ascending; for the histogram and whatever else wants order.
    pub fn sorted_us(&mut self) -> &[i64] {
        if !self.values_us.is_sorted() {
            self.values_us.sort_unstable();
        }
        &self.values_us
    }

    /// `None` of no values: a mean of nothing is not zero.
    pub fn finish(&mut self, quantiles: &[Quantile], method: QuantileMethod) -> Option<DurationSummary> {
        let sorted_us = self.sorted_us();
        let (&least_us, &most_us) = (sorted_us.first()?, sorted_us.last()?);
        let sum_us: i128 = sorted_us.iter().map(|&value_us| i128::from(value_us)).sum();
        let quantiles_us =
            quantiles.iter().map(|&q| Some((q, quantile(sorted_us, q, method)?))).collect::<Option<_>>()?;
        Some(DurationSummary {
            n: sorted_us.len() as u64,
            mean_us: exact_ratio(sum_us, sorted_us.len() as i128),
            least_us,
            most_us,
            quantiles_us,
        })
    }
}

impl Extend<i64> for Durations {
    fn extend<I: IntoIterator<Item = i64>>(&mut self, durations_us: I) {
        self.values_us.extend(durations_us);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values_us: &[i64]) -> Durations {
        let mut durations = Durations::new();
        durations.extend(values_us.iter().copied());
        durations
    }

    fn p(per_cent: u32) -> Quantile {
        Quantile::from_parts_per_million(per_cent * 10_000).unwrap()
    }

    #[test]
    fn nothing_is_not_zero() {
        assert_eq!(Durations::new().finish(&[Quantile::MEDIAN], QuantileMethod::Type7), None);
    }

    #[test]
    fn one_value_is_all_of_it() {
        let summary = of(&[7]).finish(&[p(25), p(99)], QuantileMethod::Type7).unwrap();
        assert_eq!((summary.n, summary.mean_us, summary.least_us, summary.most_us), (1, 7.0, 7, 7));
        assert_eq!(summary.quantiles_us, [(p(25), 7.0), (p(99), 7.0)]);
    }

    #[test]
    fn known_values() {
        // Sorted 1 2 4 9: the sum is 16, the median lies between 2 and 4, p75 a quarter from 4 to 9.
        let summary = of(&[4, 1, 9, 2]).finish(&[p(50), p(75)], QuantileMethod::Type7).unwrap();
        assert_eq!((summary.n, summary.mean_us, summary.least_us, summary.most_us), (4, 4.0, 1, 9));
        assert_eq!(summary.quantile_us(p(50)), Some(3.0));
        assert_eq!(summary.quantile_us(p(75)), Some(5.25));
        assert_eq!(summary.quantile_us(p(90)), None);
    }

    #[test]
    fn sums_beyond_64_bits_are_exact() {
        let summary = of(&[i64::MAX; 3]).finish(&[], QuantileMethod::Type7).unwrap();
        assert_eq!(summary.mean_us, i64::MAX as f64);
        let summary = of(&[i64::MIN, i64::MAX]).finish(&[], QuantileMethod::Type7).unwrap();
        assert_eq!(summary.mean_us, -0.5);
    }

    #[test]
    fn merging_with_empty_changes_nothing() {
        let wanted = of(&[3, 1]).finish(&[p(50)], QuantileMethod::Type7);
        let mut left = of(&[3, 1]);
        left.merge(Durations::new());
        let mut right = Durations::new();
        right.merge(of(&[3, 1]));
        assert_eq!(left.finish(&[p(50)], QuantileMethod::Type7), wanted);
        assert_eq!(right.finish(&[p(50)], QuantileMethod::Type7), wanted);
    }

    proptest! {
        #[test]
        fn order_and_pieces_do_not_matter(values in prop::collection::vec(any::<i64>(), 0..50), cut in 0usize..50) {
            let cut = cut.min(values.len());
            let (head, tail) = values.split_at(cut);
            let mut merged = of(tail);
            merged.merge(of(head));
            for method in QuantileMethod::ALL {
                let wanted = of(&values).finish(&[p(10), p(50)], method);
                prop_assert_eq!(merged.finish(&[p(10), p(50)], method), wanted);
            }
        }
    }
}
