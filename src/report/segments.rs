//! Which segment values get a row of their own: the largest by entrants, the rest in `(other)`.

use super::collect::{Entrants, SegmentKey, SegmentSlots};
use super::funnel::SegmentValues;

/// The places of a funnel's segments and what is printed there, `(other)` last.
pub struct ChosenSegments {
    pub slots: SegmentSlots,
    pub values: Vec<SegmentValues>,
}

/// A combination, its texts, and its entrants.
type Ranked<'a> = (&'a SegmentKey, Vec<&'a str>, u64);

/// Takes the `top` combinations by entrants, ties by the bytes of their values.
///
/// `texts` holds, by dimension of the funnel, the text of every code; an empty text is not set.
pub fn choose(entrants: &Entrants, columns: &[String], texts: &[&[String]], top: usize) -> ChosenSegments {
    let text_of = |key: &[u32]| -> Vec<&str> {
        key.iter().zip(texts).map(|(&code, texts)| texts[code as usize].as_str()).collect()
    };
    let mut ranked: Vec<Ranked<'_>> = entrants.iter().map(|(key, &n)| (key, text_of(key), n)).collect();
    ranked.sort_unstable_by(|a, b| b.2.cmp(&a.2).then_with(|| a.1.cmp(&b.1)));
    ranked.truncate(top);
    let mut slots = SegmentSlots { other: ranked.len(), ..SegmentSlots::default() };
    let mut values = Vec::with_capacity(ranked.len() + 1);
    for (place, (key, texts, _)) in ranked.iter().enumerate() {
        slots.slots.insert((*key).clone(), place);
        let pairs = columns
            .iter()
            .zip(texts)
            .map(|(column, text)| (column.clone(), (!text.is_empty()).then(|| (*text).to_owned())));
        values.push(SegmentValues(pairs.collect()));
    }
    let other = columns.iter().map(|column| (column.clone(), Some("(other)".to_owned())));
    values.push(SegmentValues(other.collect()));
    ChosenSegments { slots, values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first_and_the_rest_has_one_place() {
        let mut entrants = Entrants::default();
        for (code, n) in [(0, 3), (1, 9), (2, 3), (3, 1)] {
            entrants.insert(Box::new([code]), n);
        }
        let texts: Vec<String> = ["", "mobile", "app", "tv"].map(str::to_owned).to_vec();
        let chosen = choose(&entrants, &["device".to_owned()], &[&texts], 3);
        let printed: Vec<Option<&str>> =
            chosen.values.iter().map(|values| values.0[0].1.as_deref()).collect();
        // Not set and app have 3 each: the empty text comes first by its bytes.
        assert_eq!(printed, [Some("mobile"), None, Some("app"), Some("(other)")]);
        assert_eq!(chosen.slots.other, 3);
        assert_eq!(chosen.slots.slots.get(&SegmentKey::from([3_u32])), None);
    }
}
