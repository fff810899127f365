//! What a step asks beyond its events: how far it may lie from the step before, what may lie
//! between, and which occurrence in the unit's history may serve it.

use super::EventSpec;
use crate::condition::suggest_nearest;

/// By default nothing is asked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StepTerms {
    /// Longest time since the row of the required step before, inclusive.
    pub within_us: Option<i64>,
    /// Shortest time since that row, inclusive; 0: none.
    pub after_us: i64,
    /// What may lie between that row and this step's.
    pub arrow: Arrow,
    /// Events that never break adjacency.
    pub ignore: Vec<EventSpec>,
    /// Only this occurrence in the unit's whole history may serve, counted from 1.
    pub nth: Option<u32>,
}

/// What may not lie between a required step and the one before; none of it is the arrow `eventually`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Arrow {
    /// Any row, but for those to be ignored and those of an optional step there.
    pub adjacent: bool,
    /// A row that matches a step, and not the one awaited.
    pub no_disorder: bool,
    /// A row that matches a step already reached.
    pub no_repeat: bool,
}

impl Arrow {
    const NAMES: [&'static str; 4] = ["eventually", "adjacent", "no-disorder", "no-repeat"];

    /// Reads the names of one arrow; several combine.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Arrow, String> {
        let mut arrow = Arrow::default();
        let mut is_eventually = false;
        for name in names {
            match name {
                "eventually" => is_eventually = true,
                "adjacent" => arrow.adjacent = true,
                "no-disorder" => arrow.no_disorder = true,
                "no-repeat" => arrow.no_repeat = true,
                other => return Err(unknown(other, &Arrow::NAMES)),
            }
        }
        if is_eventually && arrow != Arrow::default() {
            return Err("`eventually` lets anything lie between, so it cannot be combined".to_owned());
        }
        Ok(arrow)
    }

    pub fn names(self) -> Vec<&'static str> {
        let named = [(self.adjacent, 1), (self.no_disorder, 2), (self.no_repeat, 3)];
        named.into_iter().filter(|(is_asked, _)| *is_asked).map(|(_, place)| Arrow::NAMES[place]).collect()
    }
}

/// Says which values there are, and which one was probably meant.
pub fn unknown(text: &str, allowed: &[&str]) -> String {
    let (last, others) = allowed.split_last().unwrap_or((&"", &[]));
    let list =
        if others.is_empty() { (*last).to_owned() } else { format!("{} or {last}", others.join(", ")) };
    let nearest = suggest_nearest(text, allowed.iter().copied(), 1);
    let meant = nearest.first().map_or(String::new(), |nearest| format!("; did you mean {nearest}?"));
    format!("{text:?} is not {list}{meant}")
}

/// Finds a value by its name among all there are.
pub fn one_of<T: Copy>(text: &str, values: &[(&str, T)]) -> Result<T, String> {
    let found = values.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
        unknown(text, &names)
    })
}

/// How a value is called among all there are.
pub fn name_of<T: Copy + PartialEq>(value: T, values: &[(&'static str, T)]) -> &'static str {
    values.iter().find(|(_, known)| *known == value).map_or("", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_combine() {
        let read = |names: &[&str]| Arrow::from_names(names.iter().copied());
        assert_eq!(read(&[]), Ok(Arrow::default()));
        assert_eq!(read(&["eventually"]), Ok(Arrow::default()));
        let both = Arrow { no_disorder: true, no_repeat: true, ..Arrow::default() };
        assert_eq!(read(&["no-repeat", "no-disorder"]), Ok(both));
        assert_eq!(both.names(), ["no-disorder", "no-repeat"]);
        assert!(read(&["eventually", "adjacent"]).is_err());
    }

    #[test]
    fn an_unknown_value_is_told_the_known_ones_and_the_nearest() {
        assert_eq!(
            Arrow::from_names(["adjcent"]).unwrap_err(),
            "\"adjcent\" is not eventually, adjacent, no-disorder or no-repeat; did you mean adjacent?"
        );
        assert_eq!(one_of("x", &[("any", 1)]).unwrap_err(), "\"x\" is not any");
    }
}
