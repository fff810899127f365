//! Exact decimals: logged amounts as millionths of a unit, never through a float sum.
//!
//! Leaves out currencies, and grouping marks but for the dots of `1.234,56`, which nothing else can mean
//! where the comma is the decimal mark: `1,234.50` and `$12` are refused, not guessed at.

use std::borrow::Cow;
use std::fmt;
use std::io::Write;

/// Decimal places that are kept.
const PLACES: i64 = 6;
/// Up to `PLACES`.
const POWERS_OF_TEN: [u64; 7] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];
/// Exponents beyond this are as good as infinite for an amount of 19 digits.
const MAX_EXPONENT: i64 = 1_000_000;

/// Why a text is not an amount (reject code R09).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Nothing but blanks.
    Empty,
    /// Signs, letters or marks that do not belong into a number.
    NotANumber,
    /// Digits with a grouping mark, or with the other decimal mark.
    Grouped,
    /// `NaN` or an infinity.
    NotFinite,
    /// Beyond 9,223,372,036,854.775807 either way.
    Overflow,
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NumberError::Empty => "the number is empty",
            NumberError::NotANumber => "not a number",
            NumberError::Grouped => "a number with grouping marks or another decimal mark",
            NumberError::NotFinite => "not a finite number",
            NumberError::Overflow => "a number too large for an amount",
        })
    }
}

/// Reads a decimal as millionths: `12.5` is `12_500_000`.
///
/// Takes a sign, digits with one `decimal_mark` (`b'.'` or `b','`), an exponent, and blanks
/// around it. With a decimal comma, dots may group the digits before it by three: `1.234,56`. More than
/// six decimals are rounded half to even, exactly, so that a float's
/// `12.300000000000001` is the amount that was meant.
pub fn parse_amount(text: &[u8], decimal_mark: u8) -> Result<i64, NumberError> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(NumberError::Empty);
    }
    let (negative, unsigned) = match text[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = match short_millionths(unsigned, decimal_mark) {
        Some(magnitude) => magnitude,
        None => {
            let ungrouped = if decimal_mark == b',' { without_dots(unsigned) } else { None };
            let unsigned = ungrouped.as_deref().unwrap_or(unsigned);
            let digits = Digits::split(unsigned, decimal_mark).ok_or_else(|| why_unreadable(unsigned))?;
            digits.millionths().ok_or(NumberError::Overflow)?
        }
    };
    let signed = if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() };
    signed.ok_or(NumberError::Overflow)
}

/// The amount a float stands for: its shortest decimal form, read as [`parse_amount`] would,
/// so that the same number gives the same amount from every input format.
pub fn amount_from_f64(value: f64) -> Result<i64, NumberError> {
    if !value.is_finite() {
        return Err(NumberError::NotFinite);
    }
    // Below 2^42 the product is off by less than 2^-10: away from a tie its rounding is the exact one.
    let scaled = value * 1e6;
    if scaled.abs() < (1_u64 << 42) as f64 && ((scaled - scaled.trunc()).abs() - 0.5).abs() > 1.0 / 256.0 {
        return Ok(scaled.round() as i64);
    }
    let mut buffer = [0_u8; 32];
    let capacity = buffer.len();
    let mut free = &mut buffer[..];
    // Seventeen digits, a mark and an exponent are at most 25 bytes, so the write cannot fail.
    write!(free, "{value:e}").map_err(|_| NumberError::Overflow)?;
    let written = capacity - free.len();
    parse_amount(&buffer[..written], b'.')
}

/// At most twelve characters, digits and one mark, and no more decimals than are kept: prices.
/// `None` for every other text, a number or not.
#[inline]
fn short_millionths(unsigned: &[u8], decimal_mark: u8) -> Option<u64> {
    // Twelve digits and six places fit a u64.
    if unsigned.len() > 12 {
        return None;
    }
    let mut value = 0_u64;
    let mut mark_at = None;
    for (at, &byte) in unsigned.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            value = value * 10 + u64::from(digit);
        } else if byte == decimal_mark && mark_at.is_none() {
            mark_at = Some(at);
        } else {
            return None;
        }
    }
    let decimals = mark_at.map_or(0, |at| unsigned.len() - at - 1);
    let has_digits = unsigned.len() > usize::from(mark_at.is_some());
    let scale = POWERS_OF_TEN.get((PLACES as usize).checked_sub(decimals)?)?;
    has_digits.then(|| value * scale)
}

/// The parts of an unsigned decimal.
struct Digits<'a> {
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Digits<'a> {
    fn split(text: &'a [u8], decimal_mark: u8) -> Option<Digits<'a>> {
        let (whole, rest) = leading_digits(text);
        let (fraction, rest) = match rest.first() {
            Some(&mark) if mark == decimal_mark => leading_digits(&rest[1..]),
            _ => (&[][..], rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let exponent = match rest {
            [] => 0,
            [b'e' | b'E', b'-', digits @ ..] => -exponent(digits)?,
            [b'e' | b'E', b'+', digits @ ..] | [b'e' | b'E', digits @ ..] => exponent(digits)?,
            _ => return None,
        };
        Some(Digits { whole, fraction, exponent })
    }

    /// Rounds half to even at the sixth decimal; `None` when over `u64`.
    fn millionths(&self) -> Option<u64> {
        let mut value = 0_u64;
        let mut tie_digit = 0;
        let mut beyond_tie = false;
        // The power of ten, in millionths, of the digit in hand.
        let mut power = (self.whole.len() as i64).saturating_sub(1) + self.exponent + PLACES;
        for &byte in self.whole.iter().chain(self.fraction) {
            let digit = byte - b'0';
            match power {
                0.. => value = value.checked_mul(10)?.checked_add(u64::from(digit))?,
                -1 => tie_digit = digit,
                _ => beyond_tie |= digit != 0,
            }
            power -= 1;
        }
        for _ in 0..=power {
            if value == 0 {
                break;
            }
            value = value.checked_mul(10)?;
        }
        let up = tie_digit > 5 || (tie_digit == 5 && (beyond_tie || value % 2 == 1));
        value.checked_add(u64::from(up))
    }
}

/// A number with a decimal comma as it is written with a point, for who compares numbers digit by digit. `None`
/// where a point is left that groups nothing, and so is no number here; what is no number for another reason
/// stays none.
pub fn with_decimal_point(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    if memchr::memchr2(b',', b'.', text).is_none() {
        return Some(Cow::Borrowed(text));
    }
    let text = text.trim_ascii();
    let signs = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    let (sign, unsigned) = text.split_at(signs);
    let unsigned = without_dots(unsigned).map_or(Cow::Borrowed(unsigned), Cow::Owned);
    if unsigned.contains(&b'.') {
        return None;
    }
    let digits = unsigned.iter().map(|&byte| if byte == b',' { b'.' } else { byte });
    Some(Cow::Owned(sign.iter().copied().chain(digits).collect()))
}

/// A number whose whole digits are grouped by three with dots, without these; `None` if it is not.
fn without_dots(unsigned: &[u8]) -> Option<Vec<u8>> {
    let end = memchr::memchr(b',', unsigned).unwrap_or(unsigned.len());
    let (whole, fraction) = unsigned.split_at(end);
    let mut groups = whole.split(|&byte| byte == b'.');
    let first = groups.next()?;
    let is_sound = matches!(first, [b'1'..=b'9'] | [b'1'..=b'9', _] | [b'1'..=b'9', _, _])
        && whole.contains(&b'.')
        && groups.all(|group| group.len() == 3)
        && whole
            .iter()
            .chain(fraction.get(1..).unwrap_or_default())
            .all(|b| b.is_ascii_digit() || *b == b'.')
        && !fraction.contains(&b'.');
    is_sound.then(|| whole.iter().filter(|&&byte| byte != b'.').chain(fraction).copied().collect())
}

/// Whether amounts are written with a decimal comma and can be read in no other way: all of them as such,
/// one of them at least not with a point, and none as another amount with a point.
pub fn have_decimal_commas<'t>(texts: impl Iterator<Item = &'t str>) -> bool {
    let mut has_comma = false;
    for text in texts.map(str::as_bytes).filter(|text| !text.trim_ascii().is_empty()) {
        let Ok(amount) = parse_amount(text, b',') else { return false };
        match parse_amount(text, b'.') {
            Ok(other) if other != amount => return false,
            Ok(_) => {}
            Err(_) => has_comma = true,
        }
    }
    has_comma
}

fn leading_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn exponent(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_i64, |value, byte| {
        byte.is_ascii_digit().then(|| (value * 10 + i64::from(byte - b'0')).min(MAX_EXPONENT))
    })
}

fn why_unreadable(unsigned: &[u8]) -> NumberError {
    if [&b"nan"[..], b"inf", b"infinity"].iter().any(|word| unsigned.eq_ignore_ascii_case(word)) {
        return NumberError::NotFinite;
    }
    let grouped = |b: &u8| b.is_ascii_digit() || matches!(b, b'.' | b',' | b'\'' | b' ' | b'_');
    let starts_with_digit = unsigned.first().is_some_and(u8::is_ascii_digit);
    if starts_with_digit && unsigned.iter().all(grouped) {
        return NumberError::Grouped;
    }
    NumberError::NotANumber
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn amount(text: &str) -> Result<i64, NumberError> {
        parse_amount(text.as_bytes(), b'.')
    }

    #[test]
    fn reads_plain_signed_and_blank_surrounded() {
        assert_eq!(amount("0"), Ok(0));
        assert_eq!(amount("-0"), Ok(0));
        assert_eq!(amount("12.5"), Ok(12_500_000));
        assert_eq!(amount(" -12.50\t"), Ok(-12_500_000));
        assert_eq!(amount("+.5"), Ok(500_000));
        assert_eq!(amount("5."), Ok(5_000_000));
        assert_eq!(amount("007"), Ok(7_000_000));
        assert_eq!(amount("000000000000000000000000001.1"), Ok(1_100_000));
    }

    #[test]
    fn rounds_half_to_even_at_the_sixth_decimal() {
        assert_eq!(amount("12.300000000000001"), Ok(12_300_000));
        assert_eq!(amount("12.299999999999999"), Ok(12_300_000));
        assert_eq!(amount("0.0000005"), Ok(0));
        assert_eq!(amount("0.00000050000000000000000000001"), Ok(1));
        assert_eq!(amount("0.0000015"), Ok(2));
        assert_eq!(amount("0.0000025"), Ok(2));
        assert_eq!(amount("-0.0000035"), Ok(-4));
        assert_eq!(amount("0.00000049999999999"), Ok(0));
        assert_eq!(amount("0.9999995"), Ok(1_000_000));
    }

    #[test]
    fn exponents_shift_exactly_and_never_loop() {
        assert_eq!(amount("1.25e3"), Ok(1_250_000_000));
        assert_eq!(amount("1.25E+3"), Ok(1_250_000_000));
        assert_eq!(amount("125e-2"), Ok(1_250_000));
        assert_eq!(amount("5e-7"), Ok(0));
        assert_eq!(amount("15e-7"), Ok(2));
        assert_eq!(amount("1e-400"), Ok(0));
        assert_eq!(amount("1e400"), Err(NumberError::Overflow));
        assert_eq!(amount("0e999999999999999999999"), Ok(0));
        assert_eq!(amount("1e-999999999999999999999"), Ok(0));
        assert_eq!(amount("1e999999999999999999999"), Err(NumberError::Overflow));
    }

    #[test]
    fn the_largest_amounts_and_one_more() {
        assert_eq!(amount("9223372036854.775806"), Ok(i64::MAX - 1));
        assert_eq!(amount("9223372036854.775807"), Ok(i64::MAX));
        assert_eq!(amount("9223372036854.775808"), Err(NumberError::Overflow));
        assert_eq!(amount("-9223372036854.775808"), Ok(i64::MIN));
        assert_eq!(amount("-9223372036854.775809"), Err(NumberError::Overflow));
        assert_eq!(amount("9223372036854.7758075"), Err(NumberError::Overflow));
        assert_eq!(amount("12345678901234567890123456"), Err(NumberError::Overflow));
    }

    #[test]
    fn refuses_what_is_not_one_plain_number() {
        for (text, error) in [
            ("", NumberError::Empty),
            ("  ", NumberError::Empty),
            ("NaN", NumberError::NotFinite),
            ("-Infinity", NumberError::NotFinite),
            ("inf", NumberError::NotFinite),
            ("1,234.50", NumberError::Grouped),
            ("1 234", NumberError::Grouped),
            ("12,5", NumberError::Grouped),
            ("1.2.3", NumberError::Grouped),
            ("free", NumberError::NotANumber),
            ("₪12.30", NumberError::NotANumber),
            ("-", NumberError::NotANumber),
            (".", NumberError::NotANumber),
            ("--1", NumberError::NotANumber),
            ("1e", NumberError::NotANumber),
            ("1e+", NumberError::NotANumber),
            ("e5", NumberError::NotANumber),
            ("0x10", NumberError::NotANumber),
        ] {
            assert_eq!(amount(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn a_decimal_comma_must_be_asked_for() {
        assert_eq!(parse_amount(b"12,5", b','), Ok(12_500_000));
        assert_eq!(parse_amount(b"12.5", b','), Err(NumberError::Grouped));
    }

    #[test]
    fn dots_group_digits_before_a_decimal_comma() {
        let amount = |text: &str| parse_amount(text.as_bytes(), b',');
        assert_eq!(amount("1.234,56"), Ok(1_234_560_000));
        assert_eq!(amount("-1.234.567"), Ok(-1_234_567_000_000));
        assert_eq!(amount("12.345,"), Ok(12_345_000_000));
        for wrong in
            ["1.23,4", "12.5", "1234.567,8", ".123,4", "1..234", "1.234,5.6", "0.123,4", "1.2345", "1,234.50"]
        {
            assert!(amount(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_decimal_comma_is_told_where_nothing_else_fits() {
        let told = |texts: &[&str]| have_decimal_commas(texts.iter().copied());
        assert!(told(&["12,50", "", "7", "1.234,56"]));
        // One thousand and more, or one and a bit: nobody knows.
        assert!(!told(&["12,50", "1.234"]));
        assert!(!told(&["12,50", "12.50"]));
        assert!(!told(&["12,50", "free"]));
        assert!(!told(&["7", "8"]));
        assert!(!told(&[]));
    }

    #[test]
    fn floats_are_read_as_their_shortest_decimal() {
        assert_eq!(amount_from_f64(0.1 + 0.2), Ok(300_000));
        assert_eq!(amount_from_f64(12.3_f64.next_up()), Ok(12_300_000));
        assert_eq!(amount_from_f64(0.0000005), Ok(0));
        assert_eq!(amount_from_f64(0.0000015), Ok(2));
        assert_eq!(amount_from_f64(-1e12), Ok(-1_000_000_000_000_000_000));
        assert_eq!(amount_from_f64(1e13), Err(NumberError::Overflow));
        assert_eq!(amount_from_f64(f64::MIN_POSITIVE), Ok(0));
        assert_eq!(amount_from_f64(f64::MAX), Err(NumberError::Overflow));
        assert_eq!(amount_from_f64(f64::NAN), Err(NumberError::NotFinite));
        assert_eq!(amount_from_f64(f64::NEG_INFINITY), Err(NumberError::NotFinite));
    }

    proptest! {
        #[test]
        fn every_amount_survives_being_written(millionths in any::<i64>()) {
            let sign = if millionths < 0 { "-" } else { "" };
            let magnitude = millionths.unsigned_abs();
            let text = format!("{sign}{}.{:06}", magnitude / 1_000_000, magnitude % 1_000_000);
            prop_assert_eq!(amount(&text), Ok(millionths));
        }

        #[test]
        fn floats_and_their_plain_texts_agree(value in -1e11..1e11_f64) {
            prop_assert_eq!(amount_from_f64(value), amount(&format!("{value}")));
        }

        #[test]
        fn short_decimals_as_floats_are_exact(thousandths in -4_000_000_000_i64..4_000_000_000) {
            prop_assert_eq!(amount_from_f64(thousandths as f64 / 1000.0), Ok(thousandths * 1000));
        }

        #[test]
        fn no_bytes_panic(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            // Whatever is read at all must be read the same with blanks around it.
            let padded = [b" ", &text[..], b" "].concat();
            prop_assert_eq!(parse_amount(&text, b'.'), parse_amount(&padded, b'.'));
        }
    }
}
