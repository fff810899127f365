//! Which groups of few people are not shown, and which others with them, so that neither totals nor the
//! groups that are shown give them away.
//!
//! Funnels are always shown as a whole. A *cell* is a group that a value of the data forms: a segment, a bucket
//! of the trend, those who did a certain thing last or next. Cells are hidden whole: steps, statuses, stages,
//! times. All that can be worked out of the hidden ones is then what they hold together.

use super::abandonment::EventCount;
use super::clusters::Clusters;
use super::tally::UnitTally;

/// The least that can be asked for: in cells of fewer than two there is nobody.
pub const LEAST: u64 = 2;

/// How cells lie to one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cells {
    /// Nobody is in two of them.
    Apart,
    /// Somebody may be.
    Overlapping,
}

/// Which of the cells with so many people are hidden: those of fewer than `least`, and then the smallest
/// others (the first of equal ones) until the hidden ones are at least two, have at least `least` people
/// together, and more than one each: then each of them may hold fewer or more people without anything
/// that is shown being another.
pub fn hidden(people: &[u64], least: u64, cells: Cells) -> Vec<bool> {
    let mut hidden: Vec<bool> = people.iter().map(|&n| n < least).collect();
    if !hidden.contains(&true) {
        return hidden;
    }
    let mut others: Vec<usize> = (0..people.len()).filter(|&cell| !hidden[cell]).collect();
    others.sort_by_key(|&cell| people[cell]);
    let mut others = others.into_iter();
    while !is_safe(people, &hidden, least, cells) {
        let Some(next) = others.next() else { break };
        hidden[next] = true;
    }
    hidden
}

fn is_safe(people: &[u64], hidden: &[bool], least: u64, cells: Cells) -> bool {
    let inside = || people.iter().zip(hidden).filter(|(_, hidden)| **hidden).map(|(people, _)| *people);
    let (count, sum) = (inside().count() as u64, inside().sum::<u64>());
    // Of cells that overlap no more is known than that the largest has its people.
    let together = match cells {
        Cells::Apart => sum,
        Cells::Overlapping => inside().max().unwrap_or(0),
    };
    count >= 2 && sum > count && together >= least
}

/// The people who entered in a part of a report.
pub(super) fn people(tally: &UnitTally) -> u64 {
    let of_clusters = |clusters: &Clusters| clusters.all.persons[clusters.items.entered()];
    tally.clusters.as_ref().map_or(tally.entered, of_clusters)
}

/// Sums up the rare events of a list in its last row, `(other)`.
pub(super) fn fold_events(events: &mut Vec<EventCount>, least: u64) {
    let is_rest = |event: &EventCount| event.event == "(other)";
    let sizes: Vec<u64> = events.iter().map(|event| event.n).collect();
    let mut hidden = hidden(&sizes, least, Cells::Apart);
    if !hidden.contains(&true) {
        return;
    }
    // The rest holds whatever else is not shown.
    events.iter().zip(&mut hidden).filter(|(event, _)| is_rest(event)).for_each(|(_, hidden)| *hidden = true);
    let n = sizes.iter().zip(&hidden).filter(|(_, hidden)| **hidden).map(|(n, _)| n).sum();
    let mut places = hidden.iter();
    events.retain(|_| places.next() == Some(&false));
    events.push(EventCount { event: "(other)".to_owned(), n });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(people: &[u64], least: u64) -> Vec<usize> {
        let hidden = hidden(people, least, Cells::Apart);
        (0..people.len()).filter(|&cell| hidden[cell]).collect()
    }

    #[test]
    fn by_hand() {
        assert_eq!(of(&[5, 9, 7], 5), [0_usize; 0]);
        // One alone would be the total without the others: the smallest other goes too.
        assert_eq!(of(&[4, 9, 7], 5), [0, 2]);
        assert_eq!(of(&[4, 7, 7], 5), [0, 1]);
        // Two of them hide one another where they are five together.
        assert_eq!(of(&[4, 1, 9, 7], 5), [0, 1]);
        assert_eq!(of(&[3, 1, 9, 7], 5), [0, 1, 3]);
        // One each is no secret if it is known how many they are.
        assert_eq!(of(&[1, 1, 9, 7], 2), [0, 1, 3]);
        assert_eq!(of(&[1, 2, 9, 7], 3), [0, 1]);
        assert_eq!(of(&[4], 5), [0]);
        assert_eq!(of(&[0, 9, 7], 5), [0, 2]);
        assert_eq!(of(&[], 5), [0_usize; 0]);
        let hidden = hidden(&[4, 4, 9, 7], 5, Cells::Overlapping);
        assert_eq!(hidden, [true, true, false, true]);
    }

    proptest! {
        /// Whoever knows all totals, all cells that are shown and how many are not, knows of no hidden cell how
        /// many people it has: with other numbers in the hidden cells the same would be printed.
        #[test]
        fn no_hidden_cell_follows_from_what_is_shown(
            people in proptest::collection::vec(1_u64..12, 1..7),
            least in 2_u64..8,
        ) {
            let hidden = hidden(&people, least, Cells::Apart);
            let inside: Vec<u64> =
                people.iter().zip(&hidden).filter(|(_, hidden)| **hidden).map(|(n, _)| *n).collect();
            prop_assert!(people.iter().zip(&hidden).all(|(n, hidden)| *hidden || *n >= least));
            // Where all is hidden the total may be small by itself.
            if inside.is_empty() || inside.len() == people.len() {
                return Ok(());
            }
            let sum: u64 = inside.iter().sum();
            prop_assert!(sum >= least);
            let mut seen = vec![std::collections::BTreeSet::new(); inside.len()];
            each_way(sum, inside.len(), &mut Vec::new(), &mut |way| {
                for (cell, n) in way.iter().enumerate() {
                    seen[cell].insert(*n);
                }
            });
            prop_assert!(seen.iter().all(|numbers| numbers.len() > 1), "{:?}", inside);
        }

        #[test]
        fn rare_events_are_summed_up(
            sizes in proptest::collection::vec(1_u64..12, 0..7),
            has_rest: bool,
            least in 2_u64..8,
        ) {
            let last = sizes.len().saturating_sub(1);
            let name = |place: usize| if has_rest && place == last { "(other)".to_owned() } else { format!("e{place}") };
            let mut events: Vec<EventCount> =
                sizes.iter().enumerate().map(|(place, &n)| EventCount { event: name(place), n }).collect();
            fold_events(&mut events, least);
            prop_assert_eq!(events.iter().map(|event| event.n).sum::<u64>(), sizes.iter().sum::<u64>());
            let rests: Vec<&EventCount> = events.iter().filter(|event| event.event == "(other)").collect();
            prop_assert!(rests.len() <= 1);
            prop_assert!(events.len() <= 1 || events.iter().all(|event| event.n >= least));
        }
    }

    /// Every way to put `sum` people into so many cells, one at least in each.
    fn each_way(sum: u64, cells: usize, way: &mut Vec<u64>, call: &mut impl FnMut(&[u64])) {
        if cells == 0 {
            if sum == 0 {
                call(way);
            }
            return;
        }
        for n in 1..=sum {
            way.push(n);
            each_way(sum - n, cells - 1, way, call);
            way.pop();
        }
    }
}
