//! Decimal numbers compared exactly as they are written, without reading them into a float:
//! 20-digit ids that differ in their last digit are different, and `0.1` is one tenth.

use std::cmp::Ordering;

/// A number as written: sign, digits around the point, power of ten. Blanks around it do not count.
/// There is no infinity and no "not a number".
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal<'a> {
    negative: bool,
    /// Digits before the point, without leading zeros.
    whole: &'a [u8],
    /// Digits after the point, without trailing zeros.
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Decimal<'a> {
    /// Reads `[+-]digits[.digits][e[+-]digits]`, with digits on at least one side of the point.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Decimal<'a>> {
        let text = text.trim_ascii();
        let (negative, text) = sign(text);
        let (digits, exponent) = match memchr::memchr2(b'e', b'E', text) {
            Some(at) => (&text[..at], exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let (whole, fraction) = match memchr::memchr(b'.', digits) {
            Some(at) => (&digits[..at], &digits[at + 1..]),
            None => (digits, &b""[..]),
        };
        let sound = (!whole.is_empty() || !fraction.is_empty())
            && whole.iter().chain(fraction).all(u8::is_ascii_digit);
        sound.then(|| Decimal { negative, whole: trim_start(whole), fraction: trim_end(fraction), exponent })
    }

    /// A whole number of millionths, from its digits without a sign.
    pub(crate) fn millionths(negative: bool, digits: &'a [u8]) -> Decimal<'a> {
        Decimal { negative, whole: trim_start(digits), fraction: b"", exponent: -6 }
    }

    fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }

    /// Digits from the first that is not zero, and the power of ten of that first one.
    fn significant(&self) -> (i64, impl Iterator<Item = u8>) {
        let zeros =
            if self.whole.is_empty() { self.fraction.iter().take_while(|&&d| d == b'0').count() } else { 0 };
        let place = if self.whole.is_empty() {
            -1 - i64::try_from(zeros).unwrap_or(i64::MAX)
        } else {
            i64::try_from(self.whole.len()).unwrap_or(i64::MAX) - 1
        };
        let digits = self.whole.iter().chain(&self.fraction[zeros..]).copied();
        (place.saturating_add(self.exponent), digits)
    }

    fn compare_sizes(&self, other: &Decimal<'_>) -> Ordering {
        let (place, mut left) = self.significant();
        let (other_place, mut right) = other.significant();
        place.cmp(&other_place).then_with(|| {
            loop {
                match (left.next(), right.next()) {
                    (None, None) => return Ordering::Equal,
                    (a, b) => match a.unwrap_or(b'0').cmp(&b.unwrap_or(b'0')) {
                        Ordering::Equal => {}
                        unequal => return unequal,
                    },
                }
            }
        })
    }

    pub(crate) fn compare(&self, other: &Decimal<'_>) -> Ordering {
        let signum = |number: &Decimal<'_>| match (number.is_zero(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        match (signum(self), signum(other)) {
            (-1, -1) => other.compare_sizes(self),
            (1, 1) => self.compare_sizes(other),
            (a, b) => a.cmp(&b),
        }
    }
}

/// A number of at most 18 digits without a power of ten: what nearly every field holds. Comparing two
/// of them is as exact as comparing [`Decimal`]s, and several times as fast.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SmallDecimal {
    digits: i64,
    /// Digits after the point.
    places: u32,
}

impl SmallDecimal {
    /// Reads plain digits with at most one sign and one point. `None` says nothing: ask [`Decimal::parse`].
    pub(crate) fn parse(text: &[u8]) -> Option<SmallDecimal> {
        let (negative, text) = sign(text);
        // 18 digits and a point.
        if text.is_empty() || text.len() > 19 {
            return None;
        }
        let mut size = 0_i64;
        let mut count = 0_u32;
        let mut point = None;
        for &byte in text {
            match byte {
                b'0'..=b'9' if count < 18 => {
                    size = size * 10 + i64::from(byte - b'0');
                    count += 1;
                }
                b'.' if point.is_none() => point = Some(count),
                _ => return None,
            }
        }
        let places = point.map_or(0, |point| count - point);
        (count > 0).then(|| SmallDecimal { digits: if negative { -size } else { size }, places })
    }

    pub(crate) fn compare(self, other: SmallDecimal) -> Ordering {
        if self.places == other.places {
            return self.digits.cmp(&other.digits);
        }
        let short = |number: SmallDecimal, places: u32| number.digits.checked_mul(10_i64.pow(places));
        if let (Some(left), Some(right)) = (short(self, other.places), short(other, self.places)) {
            return left.cmp(&right);
        }
        // Both products stay under 10^36.
        let raised = |number: SmallDecimal, places: u32| i128::from(number.digits) * 10_i128.pow(places);
        raised(self, other.places).cmp(&raised(other, self.places))
    }
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    }
}

/// Saturates: no power beyond 64 bits can be told apart by the digits of a field.
fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = sign(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits.iter().fold(0_i64, |n, &d| n.saturating_mul(10).saturating_add(i64::from(d - b'0')));
    Some(if negative { -size } else { size })
}

fn trim_start(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|&&d| d == b'0').count();
    &digits[zeros..]
}

fn trim_end(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().rev().take_while(|&&d| d == b'0').count();
    &digits[..digits.len() - zeros]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn compare(left: &str, right: &str) -> Ordering {
        let read = |text| Decimal::parse(str::as_bytes(text)).expect(text);
        let ordering = read(left).compare(&read(right));
        assert_eq!(read(right).compare(&read(left)), ordering.reverse(), "{left} and {right}");
        ordering
    }

    #[test]
    fn equal_numbers_may_be_written_differently() {
        for (left, right) in [
            ("1", "1.0"),
            ("0", "-0"),
            ("0.0", "-0e9"),
            ("007", "7"),
            (" 6.99", "6.990 "),
            ("1e3", "1000"),
            ("1.5E-2", ".015"),
            ("+5.", "5"),
            ("0.00012e4", "1.2"),
        ] {
            assert_eq!(compare(left, right), Ordering::Equal, "{left} and {right}");
        }
    }

    #[test]
    fn the_last_digit_of_a_long_id_counts() {
        assert_eq!(compare("12345678901234567890", "12345678901234567891"), Ordering::Less);
        assert_eq!(compare("9", "10"), Ordering::Less);
        assert_eq!(compare("-9", "-10"), Ordering::Greater);
        assert_eq!(compare("-1", "0.000"), Ordering::Less);
        assert_eq!(compare("0.09", "0.1"), Ordering::Less);
        assert_eq!(compare("1e99999999999999999999", "9"), Ordering::Greater);
        assert_eq!(compare("1e-99999999999999999999", "0"), Ordering::Greater);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in
            ["", " ", "-", ".", "1,5", "1_000", "0x10", "inf", "NaN", "1e", "1e+", "--1", "1.2.3", "1 2", "١"]
        {
            assert!(Decimal::parse(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn millionths_are_seconds_of_microseconds() {
        let seconds = Decimal::millionths(true, b"1500000");
        assert_eq!(seconds.compare(&Decimal::parse(b"-1.5").expect("a number")), Ordering::Equal);
    }

    #[test]
    fn small_numbers_are_read_in_threes() {
        for (text, small) in [
            ("99999999999999999", true),
            ("999999999999999999", true),
            ("9999999999999999999", false),
            ("0.99999999999999999", true),
            ("0.999999999999999999", false),
            ("-1.5", true),
            (".5", true),
            ("5.", true),
            (".", false),
            ("", false),
            ("-", false),
            ("1e3", false),
            (" 1", false),
            ("1.2.3", false),
        ] {
            assert_eq!(SmallDecimal::parse(text.as_bytes()).is_some(), small, "{text}");
        }
    }

    proptest! {
        #[test]
        fn small_numbers_compare_as_all_do(a in "[-+]?[0-9]{0,4}\\.?[0-9]{0,4}|[0-9]{17,19}", b in "-?[0-9]{1,3}(\\.[0-9]{0,3})?") {
            let small = |text: &str| SmallDecimal::parse(text.as_bytes());
            if let (Some(left), Some(right)) = (small(&a), small(&b)) {
                prop_assert_eq!(left.compare(right), compare(&a, &b));
            }
        }

        #[test]
        fn orders_as_integers_do(a in any::<i128>(), b in any::<i128>(), shift in 0_u32..6) {
            // A common power of ten keeps the order, wherever the point is put.
            let write = |n: i128| format!("{n}e-{shift}");
            prop_assert_eq!(compare(&write(a), &write(b)), a.cmp(&b));
        }
    }
}
