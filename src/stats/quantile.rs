//! Exact quantiles of sorted integers, by linear interpolation or by nearest rank.
//!
//! A quantile is kept as a decimal fraction, so that 0.95 of 20 values is the 19th and not, by
//! binary rounding, the 20th. Leaves out sketches and weighted quantiles.

use super::exact_ratio;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

const MILLION: u32 = 1_000_000;

/// A share in `0..=1` with at most six decimals. Reads `0.95`, `p95` and `95%`; prints `p95`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Quantile {
    parts_per_million: u32,
}

impl Quantile {
    pub const MEDIAN: Quantile = Quantile { parts_per_million: MILLION / 2 };

    /// `None` above one million.
    pub const fn from_parts_per_million(parts_per_million: u32) -> Option<Quantile> {
        if parts_per_million <= MILLION { Some(Quantile { parts_per_million }) } else { None }
    }

    pub const fn parts_per_million(self) -> u32 {
        self.parts_per_million
    }

    /// As a share in `0.0..=1.0`.
    pub fn share(self) -> f64 {
        f64::from(self.parts_per_million) / f64::from(MILLION)
    }

    /// Fit for a column or key: `p50`, `p99_9`.
    pub fn machine_name(self) -> String {
        self.to_string().replace('.', "_")
    }
}

impl fmt::Display for Quantile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.parts_per_million / 10_000, self.parts_per_million % 10_000);
        if rest == 0 {
            return write!(f, "p{whole}");
        }
        let decimals = format!("{rest:04}");
        write!(f, "p{whole}.{}", decimals.trim_end_matches('0'))
    }
}

impl From<Quantile> for String {
    fn from(quantile: Quantile) -> String {
        quantile.to_string()
    }
}

impl TryFrom<String> for Quantile {
    type Error = QuantileError;

    fn try_from(text: String) -> Result<Quantile, QuantileError> {
        text.parse()
    }
}

/// Why a text is not a quantile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantileError {
    #[error("cannot read {0:?} as a quantile: write it as 0.95, p95 or 95%")]
    Unreadable(String),
    #[error("quantile {0:?} lies outside 0 to 1: write it as 0.95, p95 or 95%")]
    OutOfRange(String),
    #[error("quantile {0:?} has more decimals than we keep: six as a share, four as a per cent")]
    TooFine(String),
}

impl FromStr for Quantile {
    type Err = QuantileError;

    fn from_str(text: &str) -> Result<Quantile, QuantileError> {
        let trimmed = text.trim();
        let per_cent = trimmed.strip_prefix(['p', 'P']).or_else(|| trimmed.strip_suffix('%'));
        let (number, decimals_kept) = match per_cent {
            Some(number) => (number.trim(), 4),
            None => (trimmed, 6),
        };
        let unreadable = || QuantileError::Unreadable(text.to_owned());
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && decimals.is_empty()
            || !whole.bytes().chain(decimals.bytes()).all(|b| b.is_ascii_digit())
        {
            return Err(unreadable());
        }
        let (whole, decimals) = (whole.trim_start_matches('0'), decimals.trim_end_matches('0'));
        if decimals.len() > decimals_kept {
            return Err(QuantileError::TooFine(text.to_owned()));
        }
        if whole.len() > 3 {
            return Err(QuantileError::OutOfRange(text.to_owned()));
        }
        // Three digits and six decimals stay below 10^9, within u32.
        let digits = format!("{whole}{decimals:0<decimals_kept$}");
        let parts_per_million = digits.parse().map_err(|_| unreadable())?;
        Quantile::from_parts_per_million(parts_per_million)
            .ok_or_else(|| QuantileError::OutOfRange(text.to_owned()))
    }
}

/// How a quantile is read off the order statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum QuantileMethod {
    /// Linear interpolation between the two nearest: type 7 of Hyndman and Fan (1996), Am. Stat.
    /// 50:361; the default of numpy and R, `PERCENTILE.INC` of spreadsheets.
    #[default]
    #[serde(rename = "type-7")]
    Type7,
    /// The smallest value with at least this share of the values at or below it: type 1 of the
    /// same paper, `percentile_disc` of SQL. Always a value that was observed.
    #[serde(rename = "nearest-rank")]
    NearestRank,
}

impl QuantileMethod {
    pub const ALL: [QuantileMethod; 2] = [QuantileMethod::Type7, QuantileMethod::NearestRank];

    /// The name on the command line, in definition files and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            QuantileMethod::Type7 => "type-7",
            QuantileMethod::NearestRank => "nearest-rank",
        }
    }
}

impl fmt::Display for QuantileMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for QuantileMethod {
    type Err = String;

    fn from_str(text: &str) -> Result<QuantileMethod, String> {
        QuantileMethod::ALL
            .into_iter()
            .find(|method| method.name() == text)
            .ok_or_else(|| format!("unknown quantile method {text:?}: write type-7 or nearest-rank"))
    }
}

/// The quantile of ascending values, in their unit; `None` of no values. Interpolation is done in
/// integers and rounded once, so that results below 2^53 that are whole numbers are exact, and
/// higher quantiles are never smaller.
pub fn quantile(sorted: &[i64], quantile: Quantile, method: QuantileMethod) -> Option<f64> {
    debug_assert!(sorted.is_sorted());
    (!sorted.is_empty()).then(|| quantile_of_placed(sorted, quantile, method))
}

/// The places, among so many ascending values, of the two that a quantile lies between, which may be one.
pub(super) fn places(count: usize, quantile: Quantile, method: QuantileMethod) -> [usize; 2] {
    let parts = u128::from(quantile.parts_per_million);
    let million = u128::from(MILLION);
    match method {
        QuantileMethod::Type7 => {
            let index = ((count - 1) as u128 * parts / million) as usize;
            [index, (index + 1).min(count - 1)]
        }
        QuantileMethod::NearestRank => {
            let rank = (count as u128 * parts).div_ceil(million).max(1);
            [rank as usize - 1; 2]
        }
    }
}

/// As [`quantile`], of values of which at least those at its [`places`] are where they lie in ascending order.
pub(super) fn quantile_of_placed(values: &[i64], quantile: Quantile, method: QuantileMethod) -> f64 {
    let [low, high] = places(values.len(), quantile, method).map(|place| values[place]);
    match method {
        QuantileMethod::Type7 => {
            let million = u128::from(MILLION);
            let place = (values.len() - 1) as u128 * u128::from(quantile.parts_per_million);
            let (low, high, between) = (i128::from(low), i128::from(high), (place % million) as i128);
            let million = i128::from(MILLION);
            exact_ratio(low * million + (high - low) * between, million)
        }
        QuantileMethod::NearestRank => low as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(sorted: &[i64], text: &str, method: QuantileMethod) -> f64 {
        quantile(sorted, text.parse().unwrap(), method).unwrap()
    }

    /// Values of `numpy.quantile(values, q)` and of the same with `method="inverted_cdf"`,
    /// which is the nearest rank.
    #[test]
    fn agrees_with_numpy() {
        let eleven: Vec<i64> = (1..=11).map(|n| n * 10).collect();
        let cases: [(&[i64], &str, f64, f64); 15] = [
            (&[1, 2, 3, 4], "0", 1.0, 1.0),
            (&[1, 2, 3, 4], "0.25", 1.75, 1.0),
            (&[1, 2, 3, 4], "0.5", 2.5, 2.0),
            (&[1, 2, 3, 4], "0.9", 3.7, 4.0),
            (&[1, 2, 3, 4], "0.999", 3.997, 4.0),
            (&[1, 2, 3, 4], "1", 4.0, 4.0),
            (&eleven, "0.25", 35.0, 30.0),
            (&eleven, "0.5", 60.0, 60.0),
            (&eleven, "0.95", 105.0, 110.0),
            (&eleven, "0.999", 109.9, 110.0),
            (&[7], "0", 7.0, 7.0),
            (&[7], "0.999", 7.0, 7.0),
            (&[5, 5, 5, 9], "0.5", 5.0, 5.0),
            (&[5, 5, 5, 9], "0.9", 7.8, 9.0),
            (&[0, 1], "0.95", 0.95, 1.0),
        ];
        for (sorted, q, type_7, nearest_rank) in cases {
            assert_eq!(at(sorted, q, QuantileMethod::Type7), type_7, "type 7, {q} of {sorted:?}");
            assert_eq!(at(sorted, q, QuantileMethod::NearestRank), nearest_rank, "rank, {q} of {sorted:?}");
        }
    }

    #[test]
    fn decimal_shares_have_no_float_error() {
        // In binary 0.07 * 100 is 7.000000000000001, whose ceiling would be 8.
        let twenty: Vec<i64> = (1..=20).collect();
        assert_eq!(at(&twenty, "0.95", QuantileMethod::NearestRank), 19.0);
        let hundred: Vec<i64> = (1..=100).collect();
        for rank in 1..=100_u32 {
            let q = Quantile::from_parts_per_million(rank * 10_000).unwrap();
            assert_eq!(quantile(&hundred, q, QuantileMethod::NearestRank), Some(f64::from(rank)));
        }
        // One part per million to each side of a whole rank.
        assert_eq!(at(&twenty, "0.949999", QuantileMethod::NearestRank), 19.0);
        assert_eq!(at(&twenty, "0.950001", QuantileMethod::NearestRank), 20.0);
    }

    #[test]
    fn extreme_values_do_not_overflow() {
        let ends = [i64::MIN, i64::MAX];
        assert_eq!(at(&ends, "0", QuantileMethod::Type7), i64::MIN as f64);
        assert_eq!(at(&ends, "0.5", QuantileMethod::Type7), -0.5);
        assert_eq!(at(&ends, "1", QuantileMethod::Type7), i64::MAX as f64);
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(quantile(&[], Quantile::MEDIAN, QuantileMethod::Type7), None);
        assert_eq!(quantile(&[], Quantile::MEDIAN, QuantileMethod::NearestRank), None);
    }

    #[test]
    fn quantiles_are_read_in_three_spellings() {
        let cases = [
            ("0.95", 950_000, "p95"),
            ("p95", 950_000, "p95"),
            ("95%", 950_000, "p95"),
            (" 99.9 % ", 999_000, "p99.9"),
            ("P99.99", 999_900, "p99.99"),
            (".5", 500_000, "p50"),
            ("0", 0, "p0"),
            ("1", 1_000_000, "p100"),
            ("p100", 1_000_000, "p100"),
            ("0.000001", 1, "p0.0001"),
            ("000.500000000", 500_000, "p50"),
        ];
        for (text, parts, printed) in cases {
            let q: Quantile = text.parse().unwrap();
            assert_eq!(q.parts_per_million(), parts, "{text}");
            assert_eq!(q.to_string(), printed, "{text}");
            assert_eq!(printed.parse(), Ok(q), "{text}");
        }
        assert_eq!("p99.9".parse::<Quantile>().unwrap().machine_name(), "p99_9");
    }

    #[test]
    fn what_is_no_quantile_says_why() {
        for text in ["", "p", "%", ".", "median", "-0.5", "0,95", "1e-2", "NaN", "p95%", "٠.٥"] {
            assert_eq!(text.parse::<Quantile>(), Err(QuantileError::Unreadable(text.to_owned())), "{text}");
        }
        for text in ["95", "1.000001", "p100.0001", "101%", "99999999999999999999"] {
            assert_eq!(text.parse::<Quantile>(), Err(QuantileError::OutOfRange(text.to_owned())), "{text}");
        }
        for text in ["0.0000001", "p99.99999"] {
            assert_eq!(text.parse::<Quantile>(), Err(QuantileError::TooFine(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn names_survive_serialization() {
        let text = serde_json::to_string(&(Quantile::MEDIAN, QuantileMethod::NearestRank)).unwrap();
        assert_eq!(text, r#"["p50","nearest-rank"]"#);
        let back: (Quantile, QuantileMethod) = serde_json::from_str(r#"["0.5","nearest-rank"]"#).unwrap();
        assert_eq!(back, (Quantile::MEDIAN, QuantileMethod::NearestRank));
        assert!(serde_json::from_str::<Quantile>(r#""95""#).is_err());
        for method in QuantileMethod::ALL {
            assert_eq!(method.name().parse(), Ok(method));
            assert_eq!(serde_json::to_value(method).unwrap(), method.name());
        }
        assert!("type-6".parse::<QuantileMethod>().is_err());
    }
}
