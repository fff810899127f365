//! What a pass over persons learns for an inspection, beside what every report learns.
//!
//! Memory: one count for each pair of an event and a place (at most 256 places an event, and no
//! more pairs than there are of person and event), one number an event, two a session, and two for
//! each hour that has rows.

use crate::ingest::{Accumulator, Person};
use crate::report::sessions::Observed;
use crate::report::tally::NO_EVENT;
use crate::stats::Values;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::BTreeMap;

/// Places above this are counted here: no median of interest lies so far from the start.
const LAST_PLACE: u64 = 255;
/// First and last row of one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hour {
    pub first_us: i64,
    pub last_us: i64,
}

impl Hour {
    fn widen(&mut self, other: Hour) {
        self.first_us = self.first_us.min(other.first_us);
        self.last_us = self.last_us.max(other.last_us);
    }
}

/// Gathers what only an inspection asks for.
#[derive(Debug)]
pub struct InspectFacts<'c> {
    /// By kind: the code of its event name, or `NO_EVENT`.
    event_of_kind: &'c [u32],
    observed: Observed,
    /// Persons by event and by the place at which they first did it: `event << 8 | place`. The
    /// place is the number of distinct events that the person did before.
    first_places: HashMap<u64, u64, RandomState>,
    /// By the number of the hour since the Unix epoch.
    pub hours: BTreeMap<i64, Hour>,
    /// One value a session.
    pub rows_of_session: Values,
    pub duration_us_of_session: Values,
    pub cut_sessions: u64,
    /// By event: the number of the last person who did it, and of that person's distinct events.
    seen_by: Vec<u32>,
    person_number: u32,
}

/// How one event stands among what people do.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EventPeople {
    /// Persons who did it.
    pub people: u64,
    /// Median over them of the number of distinct events that they did before.
    pub first_place: f64,
}

impl<'c> InspectFacts<'c> {
    pub fn new(event_of_kind: &'c [u32], event_count: usize, observed: Observed) -> InspectFacts<'c> {
        InspectFacts {
            event_of_kind,
            observed,
            first_places: HashMap::default(),
            hours: BTreeMap::new(),
            rows_of_session: Values::new(),
            duration_us_of_session: Values::new(),
            cut_sessions: 0,
            // The last place is for rows that name no event.
            seen_by: vec![0; event_count + 1],
            person_number: 0,
        }
    }

    /// By event code.
    pub fn event_people(&self) -> Vec<EventPeople> {
        let event_count = self.seen_by.len() - 1;
        let mut counts: Vec<(u64, u64)> = self.first_places.iter().map(|(&key, &n)| (key, n)).collect();
        counts.sort_unstable();
        let mut found = vec![EventPeople::default(); event_count];
        for of_event in counts.chunk_by(|a, b| a.0 >> 8 == b.0 >> 8) {
            let event = (of_event[0].0 >> 8) as usize;
            let people = of_event.iter().map(|(_, n)| n).sum();
            let at = |wanted: u64| {
                let mut before = 0;
                let place = of_event.iter().find(|(_, n)| {
                    before += n;
                    before > wanted
                });
                place.map_or(0, |(key, _)| key & LAST_PLACE) as f64
            };
            let first_place = (at((people - 1) / 2) + at(people / 2)) / 2.0;
            found[event] = EventPeople { people, first_place };
        }
        found
    }

    fn note_first_places(&mut self, kinds: &[u32]) {
        // Numbers are given anew before they run out.
        if self.person_number == u32::MAX {
            self.seen_by.fill(0);
            self.person_number = 0;
        }
        self.person_number += 1;
        let nameless = self.seen_by.len() - 1;
        let mut place = 0_u64;
        for &kind in kinds {
            let event = self.event_of_kind.get(kind as usize).copied().unwrap_or(NO_EVENT);
            let slot = if event == NO_EVENT { nameless } else { event as usize };
            if self.seen_by[slot] == self.person_number {
                continue;
            }
            self.seen_by[slot] = self.person_number;
            if event != NO_EVENT {
                let key = u64::from(event) << 8 | place.min(LAST_PLACE);
                *self.first_places.entry(key).or_insert(0) += 1;
            }
            place += 1;
        }
    }

    fn note_hours(&mut self, times_us: &[i64]) {
        let hour_of = |at_us: &i64| at_us.div_euclid(crate::event::HOUR_US);
        for in_hour in times_us.chunk_by(|a, b| hour_of(a) == hour_of(b)) {
            let (Some(&first_us), Some(&last_us)) = (in_hour.first(), in_hour.last()) else { continue };
            let hour = Hour { first_us, last_us };
            self.hours.entry(hour_of(&first_us)).or_insert(hour).widen(hour);
        }
    }
}

impl Accumulator for InspectFacts<'_> {
    fn person(&mut self, person: &Person<'_>) {
        let rows = &person.rows;
        self.note_first_places(rows.kinds);
        self.note_hours(rows.times_us);
        for session in person.sessions {
            let (start_us, end_us) =
                (rows.times_us[session.rows().start], rows.times_us[session.rows().end - 1]);
            self.rows_of_session.push(session.rows().len() as i64);
            self.duration_us_of_session.push(end_us.saturating_sub(start_us));
            self.cut_sessions += u64::from(self.observed.cuts(start_us, end_us));
        }
    }

    fn merge(&mut self, other: Self) {
        for (key, n) in other.first_places {
            *self.first_places.entry(key).or_insert(0) += n;
        }
        for (number, hour) in other.hours {
            self.hours.entry(number).or_insert(hour).widen(hour);
        }
        self.rows_of_session.merge(other.rows_of_session);
        self.duration_us_of_session.merge(other.duration_us_of_session);
        self.cut_sessions += other.cut_sessions;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBSERVED: Observed = Observed { from_us: 0, to_us: 100, timeout_us: 10 };

    fn facts(event_of_kind: &[u32], event_count: usize) -> InspectFacts<'_> {
        InspectFacts::new(event_of_kind, event_count, OBSERVED)
    }

    #[test]
    fn places_count_distinct_events_before() {
        // Kinds 0 and 3 are one event under two conditions; kind 2 names none.
        let event_of_kind = [0, 1, NO_EVENT, 0];
        let mut gathered = facts(&event_of_kind, 2);
        gathered.note_first_places(&[0, 3, 2, 1]); // event 0 at 0, nameless at 1, event 1 at 2
        gathered.note_first_places(&[1, 0, 1]); // event 1 at 0, event 0 at 1
        let mut other = facts(&event_of_kind, 2);
        other.note_first_places(&[1]); // event 1 at 0
        gathered.merge(other);
        assert_eq!(
            gathered.event_people(),
            // Places of event 0: 0 and 1; of event 1: 0, 0 and 2.
            [EventPeople { people: 2, first_place: 0.5 }, EventPeople { people: 3, first_place: 0.0 }]
        );
    }

    #[test]
    fn events_that_nobody_did_have_no_people() {
        assert_eq!(facts(&[0], 1).event_people(), [EventPeople::default()]);
        assert!(facts(&[], 0).event_people().is_empty());
    }

    #[test]
    fn places_far_from_the_start_are_counted_together() {
        let event_of_kind: Vec<u32> = (0..300).collect();
        let mut gathered = facts(&event_of_kind, 300);
        gathered.note_first_places(&event_of_kind);
        let people = gathered.event_people();
        assert_eq!([254, 255, 256, 299].map(|event| people[event].first_place), [254.0, 255.0, 255.0, 255.0]);
    }

    #[test]
    fn hours_keep_their_first_and_last_row() {
        const HOUR: i64 = crate::event::HOUR_US;
        let mut gathered = facts(&[], 0);
        gathered.note_hours(&[-1, 0, 5, HOUR - 1, HOUR]);
        gathered.note_hours(&[3, HOUR + 2]);
        let hours: Vec<_> = gathered.hours.iter().map(|(&n, h)| (n, h.first_us, h.last_us)).collect();
        assert_eq!(hours, [(-1, -1, -1), (0, 0, HOUR - 1), (1, HOUR, HOUR + 2)]);
    }
}
