//! Which decimal mark the amounts of a column have, told from a sample of an input.
//!
//! Leaves out how amounts are read (`number`), and what several inputs say together.

use super::number::parse_amount;

/// What sampled amounts say of their decimal mark, each with an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SampledMark {
    /// All are whole numbers, or none is a number.
    Nothing,
    Point(String),
    Comma(String),
    /// One mark with three digits behind it, which may group thousands as well: `1.234`, `1,234`.
    Unclear(String),
    /// Some have one mark and some the other.
    Two(String, String),
}

impl SampledMark {
    /// What amounts that are written as texts say; all others have a point.
    pub fn of_texts<'t>(texts: impl Iterator<Item = &'t str>) -> SampledMark {
        let mut seen = Seen::default();
        texts.for_each(|text| seen.add(text.trim_ascii()));
        seen.settled()
    }

    /// Numbers of a format with numbers of its own, which have a decimal point.
    pub fn of_numbers<'t>(mut numbers: impl Iterator<Item = &'t str>) -> SampledMark {
        let example = numbers.find(|number| number.contains('.'));
        example.map_or(SampledMark::Nothing, |example| SampledMark::Point(example.to_owned()))
    }

    /// An example that must not be read with this decimal mark: it has the other, or may have. With a decimal
    /// point what has a comma is no number, and told as such.
    pub fn contradicts(&self, mark: u8) -> Option<&str> {
        match self {
            SampledMark::Point(example) if mark == b',' => Some(example),
            SampledMark::Unclear(example) if mark == b',' && example.contains('.') => Some(example),
            SampledMark::Comma(example) if mark == b'.' => Some(example),
            _ => None,
        }
    }
}

/// The first example of each kind.
#[derive(Debug, Default)]
struct Seen<'t> {
    point: Option<&'t str>,
    comma: Option<&'t str>,
    unclear_point: Option<&'t str>,
    unclear_comma: Option<&'t str>,
    /// Dots stand between groups of digits.
    has_grouping_dots: bool,
}

impl<'t> Seen<'t> {
    fn add(&mut self, text: &'t str) {
        let reads = |text: &str, mark| parse_amount(text.as_bytes(), mark).is_ok();
        let kind = match (unclear_mark(text), reads(text, b'.'), reads(text, b',')) {
            (Some(b'.'), ..) => &mut self.unclear_point,
            (Some(_), ..) => &mut self.unclear_comma,
            (None, true, false) => &mut self.point,
            (None, false, true) => {
                self.has_grouping_dots |= text.contains('.');
                &mut self.comma
            }
            // Grouped by commas, as by dots with the marks changed over: 1,234.50.
            (None, false, false) if reads(&changed_over(text), b',') => &mut self.point,
            (None, ..) => return,
        };
        kind.get_or_insert(text);
    }

    fn settled(self) -> SampledMark {
        let own = str::to_owned;
        let other = self.point.or(self.unclear_point.filter(|_| !self.has_grouping_dots));
        match (self.comma, other) {
            (Some(comma), Some(other)) => SampledMark::Two(own(comma), own(other)),
            (Some(comma), None) => SampledMark::Comma(own(comma)),
            (None, _) => match (self.point, self.unclear_point.or(self.unclear_comma)) {
                (Some(point), _) => SampledMark::Point(own(point)),
                (None, Some(unclear)) => SampledMark::Unclear(own(unclear)),
                (None, None) => SampledMark::Nothing,
            },
        }
    }
}

/// The only mark of a number of four to six digits that may stand between thousands.
fn unclear_mark(text: &str) -> Option<u8> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let at = unsigned.len().checked_sub(4)?;
    let (whole, rest) = (&unsigned.as_bytes()[..at], &unsigned.as_bytes()[at..]);
    let is_whole = matches!(whole, [b'1'..=b'9'] | [b'1'..=b'9', _] | [b'1'..=b'9', _, _]);
    let are_digits = whole.iter().chain(&rest[1..]).all(u8::is_ascii_digit);
    (is_whole && are_digits && matches!(rest[0], b'.' | b',')).then_some(rest[0])
}

/// Points for commas, and commas for points.
fn changed_over(text: &str) -> String {
    let change = |sign| match sign {
        '.' => ',',
        ',' => '.',
        other => other,
    };
    text.chars().map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(texts: &[&str]) -> SampledMark {
        SampledMark::of_texts(texts.iter().copied())
    }

    #[test]
    fn values_that_can_be_read_in_one_way_tell_the_mark() {
        for text in ["12.5", "0.234", "1234.567", "-1.5e3", "1,234.50", "1,234,567", ".5"] {
            assert_eq!(told(&["7", "", text]), SampledMark::Point(text.to_owned()), "{text}");
        }
        for text in ["12,50", " 1,5 ", "0,234", "1234,567", "-1.234,56", "1.234.567"] {
            assert_eq!(told(&["7", "", text]), SampledMark::Comma(text.trim().to_owned()), "{text}");
        }
        assert_eq!(told(&["", "7", "-1500", "1e3", "x", "$12.50", "NaN", "1,2,3"]), SampledMark::Nothing);
    }

    #[test]
    fn three_digits_behind_a_single_mark_tell_nothing_alone() {
        for text in ["1.234", "1,234", "-12.345", "+999,000"] {
            assert_eq!(told(&["999", text]), SampledMark::Unclear(text.to_owned()), "{text}");
        }
        assert_eq!(told(&["1,234", "1.234"]), SampledMark::Unclear("1.234".to_owned()));
        // Others of the same input tell.
        assert_eq!(told(&["1.234", "12.5"]), SampledMark::Point("12.5".to_owned()));
        assert_eq!(told(&["1,234", "12,5"]), SampledMark::Comma("12,5".to_owned()));
        assert_eq!(told(&["1.234", "1.234,50"]), SampledMark::Comma("1.234,50".to_owned()));
        // A comma is no number where points are, and told as such.
        assert_eq!(told(&["1,234", "12.5"]), SampledMark::Point("12.5".to_owned()));
    }

    #[test]
    fn two_marks_contradict() {
        let two = |comma: &str, point: &str| SampledMark::Two(comma.to_owned(), point.to_owned());
        assert_eq!(told(&["12.5", "12,5"]), two("12,5", "12.5"));
        assert_eq!(told(&["12,50", "1.234"]), two("12,50", "1.234"));
        let points = SampledMark::of_numbers(["7", "1.234"].into_iter());
        assert_eq!(points, SampledMark::Point("1.234".to_owned()));
        assert_eq!((points.contradicts(b','), points.contradicts(b'.')), (Some("1.234"), None));
        assert_eq!(told(&["1.500"]).contradicts(b','), Some("1.500"));
        assert_eq!(told(&["1,500"]).contradicts(b','), None);
        assert_eq!(told(&["1,5"]).contradicts(b'.'), Some("1,5"));
        assert_eq!(told(&["7"]).contradicts(b','), None);
    }
}
