//! The Wilson score interval of a share. Leaves out intervals of differences.

/// The standard normal quantile of a two-sided 95 % interval.
pub const Z95: f64 = 1.959_963_984_540_054;

/// Wilson score interval for a share. `z` is a standard normal quantile ([`Z95`] for 95 %); the
/// bounds are shares in `0.0..=1.0`, exactly 0 without successes and exactly 1 without failures.
/// `None` without trials: that is not zero.
///
/// Method: Wilson (1927), J. Am. Stat. Assoc. 22:209, without continuity correction.
/// Test values: Newcombe (1998), Statist. Med. 17:857, table I, method 3.
///
/// # Panics
/// If `successes > trials`, which no count of ours can be.
pub fn wilson_interval(successes: u64, trials: u64, z: f64) -> Option<(f64, f64)> {
    assert!(successes <= trials, "{successes} successes in {trials} trials");
    if trials == 0 {
        return None;
    }
    wilson_interval_of_share(successes as f64 / trials as f64, trials as f64, z)
}

/// As [`wilson_interval`], for a share of trials that need not be whole: an effective sample size.
/// `None` without trials.
pub fn wilson_interval_of_share(share: f64, trials: f64, z: f64) -> Option<(f64, f64)> {
    if trials <= 0.0 {
        return None;
    }
    let z2_by_n = z * z / trials;
    let scale = 1.0 + z2_by_n;
    let centre = (share + z2_by_n / 2.0) / scale;
    let half = z * (share * (1.0 - share) / trials + z2_by_n / (4.0 * trials)).sqrt() / scale;
    // The ends are exact in the formula; rounding must not move them off 0 and 1.
    let lower = if share <= 0.0 { 0.0 } else { (centre - half).max(0.0) };
    let upper = if share >= 1.0 { 1.0 } else { (centre + half).min(1.0) };
    Some((lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four decimals from Newcombe (1998) for the first four; all digits from
    /// `scipy.stats.binomtest(k, n).proportion_ci(0.95, "wilson")`.
    #[test]
    fn agrees_with_published_and_independent_values() {
        let cases = [
            (81, 263, 0.255_288_519_878_274_2, 0.366_209_576_982_800_04),
            (15, 148, 0.062_386_399_530_736_29, 0.160_487_241_723_308_03),
            (0, 20, 0.0, 0.161_125_158_052_819_35),
            (1, 29, 0.006_113_214_292_762_667, 0.171_755_218_793_202_83),
            (0, 1, 0.0, 0.793_450_685_622_762_6),
            (1, 1, 0.206_549_314_377_237_45, 1.0),
            (5, 10, 0.236_593_090_512_564, 0.763_406_909_487_436_1),
            (20, 20, 0.838_874_841_947_180_8, 1.0),
            (123_456, 1_000_000, 0.122_812_696_531_422_84, 0.124_102_196_414_004_37),
        ];
        for (successes, trials, lower, upper) in cases {
            let (low, high) = wilson_interval(successes, trials, Z95).unwrap();
            assert!((low - lower).abs() < 1e-14, "{successes}/{trials}: {low} is not {lower}");
            assert!((high - upper).abs() < 1e-14, "{successes}/{trials}: {high} is not {upper}");
        }
    }

    #[test]
    fn ends_are_exact_at_every_size() {
        for trials in [1, 2, 3, 7, 10, 97, 1_000, 999_983, u64::from(u32::MAX)] {
            let (none, _) = wilson_interval(0, trials, Z95).unwrap();
            let (_, all) = wilson_interval(trials, trials, Z95).unwrap();
            assert_eq!((none, all), (0.0, 1.0), "n = {trials}");
        }
    }

    #[test]
    fn no_trials_is_no_interval() {
        assert_eq!(wilson_interval(0, 0, Z95), None);
    }

    #[test]
    #[should_panic(expected = "3 successes in 2 trials")]
    fn more_successes_than_trials_is_our_bug() {
        let _ = wilson_interval(3, 2, Z95);
    }
}
