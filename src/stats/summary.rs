//! Mean, extremes and quantiles of whole numbers (durations, counts), gathered piece by piece.
//!
//! Values are kept, so that quantiles are exact, and sums are integers, so that neither the order
//! of pushes nor the way pieces were merged can change a bit. Leaves out spread and shape.

use super::quantile::{places, quantile_of_placed};
use super::{Quantile, QuantileMethod, exact_ratio};

/// To find the values at so many places costs less than to sort all.
const SELECTED_PLACES: usize = 8;

/// Gathers values of one kind and unit. Equal sets of values give equal results.
#[derive(Debug, Clone, Default)]
pub struct Values {
    values: Vec<i64>,
}

/// What is said about a set of values, in their unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub n: u64,
    pub mean: f64,
    pub least: i64,
    pub most: i64,
    /// In the order asked for.
    pub quantiles: Vec<(Quantile, f64)>,
}

impl Summary {
    /// The value of one of the quantiles that were asked for.
    pub fn quantile(&self, wanted: Quantile) -> Option<f64> {
        self.quantiles.iter().find(|(quantile, _)| *quantile == wanted).map(|(_, value)| *value)
    }
}

impl Values {
    pub fn new() -> Values {
        Values::default()
    }

    pub fn push(&mut self, value: i64) {
        self.values.push(value);
    }

    /// Takes all values of `other`; merging with empty changes nothing.
    pub fn merge(&mut self, other: Values) {
        if self.values.is_empty() {
            self.values = other.values;
        } else {
            // Exactly: to double a long list would take as much again that is never used.
            self.values.reserve_exact(other.values.len());
            self.values.extend(other.values);
        }
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub fn sum(&self) -> i128 {
        self.values.iter().map(|&value| i128::from(value)).sum()
    }

    /// All values, ascending; for the histogram and whatever else wants order.
    pub fn sorted(&mut self) -> &[i64] {
        if !self.values.is_sorted() {
            self.values.sort_unstable();
        }
        &self.values
    }

    /// `None` of no values: a mean of nothing is not zero.
    pub fn finish(&mut self, quantiles: &[Quantile], method: QuantileMethod) -> Option<Summary> {
        let count = self.values.len();
        let last = count.checked_sub(1)?;
        let of_quantiles = quantiles.iter().flat_map(|&quantile| places(count, quantile, method));
        self.put_in_place(of_quantiles.chain([0, last]).collect());
        let values = self.values.as_slice();
        let sum: i128 = values.iter().map(|&value| i128::from(value)).sum();
        let of = |&quantile: &Quantile| (quantile, quantile_of_placed(values, quantile, method));
        Some(Summary {
            n: count as u64,
            mean: exact_ratio(sum, count as i128),
            least: values[0],
            most: values[last],
            quantiles: quantiles.iter().map(of).collect(),
        })
    }

    /// Puts the values that belong at some places in ascending order there.
    fn put_in_place(&mut self, mut places: Vec<usize>) {
        if self.values.is_sorted() {
            return;
        }
        places.sort_unstable();
        places.dedup();
        if places.len() > SELECTED_PLACES {
            self.values.sort_unstable();
            return;
        }
        let mut rest = self.values.as_mut_slice();
        for &place in places.iter().rev() {
            // What lies before the place found is not greater, and the next place lies there.
            (rest, _, _) = rest.select_nth_unstable(place);
        }
    }
}

impl Extend<i64> for Values {
    fn extend<I: IntoIterator<Item = i64>>(&mut self, values: I) {
        self.values.extend(values);
    }
}

#[cfg(test)]
mod tests {
    use super::super::quantile;
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[i64]) -> Values {
        let mut gathered = Values::new();
        gathered.extend(values.iter().copied());
        gathered
    }

    fn p(per_cent: u32) -> Quantile {
        Quantile::from_parts_per_million(per_cent * 10_000).unwrap()
    }

    #[test]
    fn nothing_is_not_zero() {
        assert_eq!(Values::new().finish(&[Quantile::MEDIAN], QuantileMethod::Type7), None);
    }

    #[test]
    fn one_value_is_all_of_it() {
        let summary = of(&[7]).finish(&[p(25), p(99)], QuantileMethod::Type7).unwrap();
        assert_eq!((summary.n, summary.mean, summary.least, summary.most), (1, 7.0, 7, 7));
        assert_eq!(summary.quantiles, [(p(25), 7.0), (p(99), 7.0)]);
    }

    #[test]
    fn known_values() {
        // Sorted 1 2 4 9: the sum is 16, the median lies between 2 and 4, p75 a quarter from 4 to 9.
        let summary = of(&[4, 1, 9, 2]).finish(&[p(50), p(75)], QuantileMethod::Type7).unwrap();
        assert_eq!((summary.n, summary.mean, summary.least, summary.most), (4, 4.0, 1, 9));
        assert_eq!(summary.quantile(p(50)), Some(3.0));
        assert_eq!(summary.quantile(p(75)), Some(5.25));
        assert_eq!(summary.quantile(p(90)), None);
    }

    #[test]
    fn sums_beyond_64_bits_are_exact() {
        let summary = of(&[i64::MAX; 3]).finish(&[], QuantileMethod::Type7).unwrap();
        assert_eq!(summary.mean, i64::MAX as f64);
        let summary = of(&[i64::MIN, i64::MAX]).finish(&[], QuantileMethod::Type7).unwrap();
        assert_eq!(summary.mean, -0.5);
    }

    #[test]
    fn merging_with_empty_changes_nothing() {
        let wanted = of(&[3, 1]).finish(&[p(50)], QuantileMethod::Type7);
        let mut left = of(&[3, 1]);
        left.merge(Values::new());
        let mut right = Values::new();
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

        #[test]
        fn selecting_finds_what_sorting_finds(
            values in prop::collection::vec(-50_i64..50, 1..80),
            per_cents in prop::collection::vec(0_u32..=100, 0..12),
        ) {
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let quantiles: Vec<Quantile> = per_cents.into_iter().map(p).collect();
            for method in QuantileMethod::ALL {
                let summary = of(&values).finish(&quantiles, method).unwrap();
                prop_assert_eq!((summary.least, Some(&summary.most)), (sorted[0], sorted.last()));
                for (asked, value) in summary.quantiles {
                    prop_assert_eq!(Some(value), quantile(&sorted, asked, method));
                }
            }
        }
    }
}
