//! Statistics: pure functions of slices and counts, and accumulators that merge in any order.
//!
//! Every method names its source and has test values that were published or worked out
//! independently. Knows nothing of funnels, files or clocks. Two-sample tests are not here.

pub mod histogram;
pub mod quantile;
pub mod summary;
pub mod survival;
pub mod wilson;

pub use histogram::{Bin, Histogram};
pub use quantile::{Quantile, QuantileError, QuantileMethod, quantile};
pub use summary::{Summary, Values};
pub use wilson::{Z95, wilson_interval, wilson_interval_of_share};

/// `numerator / denominator`, rounded once however large the sum is. `denominator` is above 0.
fn exact_ratio(numerator: i128, denominator: i128) -> f64 {
    let whole = numerator.div_euclid(denominator);
    let rest = numerator.rem_euclid(denominator);
    whole as f64 + rest as f64 / denominator as f64
}
