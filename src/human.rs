//! Values as people read them: rounded, grouped, with units; for sentences and for tables.
//!
//! Rounding never says all or nothing of what is not: a share just above 0 is `<0.01 %`. With
//! `ascii` only ASCII is written. Leaves out escaping, which differs by form.

/// What stands where there is nothing to say.
pub fn missing(ascii: bool) -> &'static str {
    if ascii { "-" } else { "–" }
}

/// `1234567` as `1,234,567`.
pub fn count(n: u64) -> String {
    group(&n.to_string())
}

/// A count with its noun: `1 row`, `1,234 rows`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// `1234567` as `1.2 MB`: units of a thousand.
pub fn bytes(n: u64) -> String {
    if n < 1_000 {
        return counted(n, "byte", "bytes");
    }
    let (mut size, mut unit) = (n as f64 / 1e3, 0);
    // Each unit is tried after rounding, so that 999,960 bytes are 1.0 MB and never 1000.0 kB.
    while size >= 999.95 && unit < 4 {
        (size, unit) = (size / 1e3, unit + 1);
    }
    format!("{size:.1} {}", ["kB", "MB", "GB", "TB", "PB"][unit])
}

/// A share as per cent with two decimals; never all or nothing of what is not.
pub fn share(share: f64, ascii: bool) -> String {
    if !share.is_finite() {
        return missing(ascii).to_owned();
    }
    let text = format!("{:.2}", share * 100.0);
    match text.as_str() {
        "0.00" | "-0.00" if share > 0.0 => "<0.01 %".to_owned(),
        "0.00" | "-0.00" => "0.00 %".to_owned(),
        "100.00" if share < 1.0 => ">99.99 %".to_owned(),
        _ => format!("{text} %"),
    }
}

/// One decimal, or as many more as it takes to tell the bounds apart.
pub fn interval(low: f64, high: f64, ascii: bool) -> String {
    if !low.is_finite() || !high.is_finite() {
        return missing(ascii).to_owned();
    }
    let (low, high) = (low * 100.0, high * 100.0);
    let differ = |decimals: &usize| format!("{low:.decimals$}") != format!("{high:.decimals$}");
    let decimals = if low == high { 1 } else { (1..4).find(differ).unwrap_or(4) };
    let dash = if ascii { "-" } else { "–" };
    format!("{low:.decimals$}{dash}{high:.decimals$} %")
}

/// Two units at most: `6d 1h`, `1h 04m`, `3m 20s`, `12.3 s`, `250 ms`; whole days from 100 on.
pub fn duration(duration_us: i64, ascii: bool) -> String {
    const SECOND: u64 = 1_000_000;
    const MINUTE: u64 = 60 * SECOND;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let sign = if duration_us < 0 { "-" } else { "" };
    let us = duration_us.unsigned_abs();
    // Each size is tried after rounding, so that 59.96 s becomes 1m 00s and never 60.0 s.
    let rounded = |unit: u64| (us + unit / 2) / unit;
    let text = if us == 0 {
        "0 s".to_owned()
    } else if us < 1_000 {
        format!("{us} {}", if ascii { "us" } else { "µs" })
    } else if rounded(1_000) < 1_000 {
        format!("{} ms", rounded(1_000))
    } else if rounded(SECOND / 10) < 600 {
        let tenths = rounded(SECOND / 10);
        if tenths % 10 == 0 {
            format!("{} s", tenths / 10)
        } else {
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
    } else if rounded(SECOND) < 3_600 {
        format!("{}m {:02}s", rounded(SECOND) / 60, rounded(SECOND) % 60)
    } else if rounded(MINUTE) < 24 * 60 {
        format!("{}h {:02}m", rounded(MINUTE) / 60, rounded(MINUTE) % 60)
    } else if rounded(HOUR) < 100 * 24 {
        format!("{}d {}h", rounded(HOUR) / 24, rounded(HOUR) % 24)
    } else {
        format!("{}d", group(&rounded(DAY).to_string()))
    };
    format!("{sign}{text}")
}

/// Whole numbers as they are; others with two decimals, or with two digits where those would be 0.
pub fn number(number: f64, ascii: bool) -> String {
    if !number.is_finite() {
        return missing(ascii).to_owned();
    }
    let size = number.abs();
    if size >= 1e15 {
        format!("{number:e}")
    } else if number.fract() == 0.0 {
        group(&format!("{:.0}", number + 0.0))
    } else if size >= 0.1 {
        group(&format!("{number:.2}"))
    } else {
        let zeros = (-size.log10()).floor() as usize;
        if zeros > 8 { format!("{number:.1e}") } else { format!("{number:.0$}", zeros + 2) }
    }
}

/// Two decimals, half a hundredth away from zero.
pub fn amount(millionths: i128) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    let size = millionths.unsigned_abs();
    let hundredths = size / 10_000 + u128::from(size % 10_000 >= 5_000);
    let sign = if hundredths == 0 { "" } else { sign };
    format!("{sign}{}.{:02}", group(&(hundredths / 100).to_string()), hundredths % 100)
}

/// A word that a POSIX shell reads back as the text.
pub fn shell_word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=@%+,".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// New names for columns as one word of a shell, which is a list at commas: what would end a name, or the line,
/// becomes `_`. Always in quotes.
pub fn shell_list(names: &[String]) -> String {
    let names = names.iter().map(|name| name.replace(|sign: char| sign == ',' || sign.is_control(), "_"));
    format!("'{}'", names.collect::<Vec<_>>().join(",").replace('\'', r"'\''"))
}

/// A comma between every three digits of the whole part of a decimal number.
fn group(number: &str) -> String {
    let (whole, decimals) = number.split_once('.').map_or((number, None), |(w, d)| (w, Some(d)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = sign.to_owned();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if let Some(decimals) = decimals {
        grouped.push('.');
        grouped.push_str(decimals);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_shell() {
        for (text, expected) in [
            ("shop.csv", "shop.csv"),
            ("logs/*.gz", "'logs/*.gz'"),
            ("my shop.csv", "'my shop.csv'"),
            ("it's.csv", r"'it'\''s.csv'"),
            ("", "''"),
            ("~", "'~'"),
            ("$HOME", "'$HOME'"),
            ("קניות.csv", "'קניות.csv'"),
            ("a,b", "a,b"),
        ] {
            assert_eq!(shell_word(text), expected);
        }
    }

    #[test]
    fn a_list_has_as_many_names_as_it_was_given() {
        let names = ["user", "it's, a", "line\nbreak"].map(str::to_owned);
        assert_eq!(shell_list(&names), r"'user,it'\''s_ a,line_break'");
    }

    #[test]
    fn bytes_have_one_decimal_and_never_a_thousand_of_a_unit() {
        let cases = [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1_000, "1.0 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (256 << 20, "268.4 MB"),
            (1_500_000_000, "1.5 GB"),
            (u64::MAX, "18446.7 PB"),
        ];
        for (n, text) in cases {
            assert_eq!(bytes(n), text);
        }
    }
}
