//! The rows of one person that have a part in the funnels, close together.
//!
//! Most rows of most logs serve no step, break no gap and block none, so the engine need not see
//! them. Where an arrow asks what else lies between two steps, all kinds that it does not let lie there
//! have a part. One look at a person's rows finds those of all funnels; a funnel that has a part for few of
//! these takes its own out of them.

use super::collect::ReadyFunnel;
use crate::funnel::engine::Rows;
use crate::funnel::kinds::KindTable;
use crate::ingest::Person;
use std::ops::Range;

/// Some rows of a person, in order, with their places among all of the person's rows.
#[derive(Debug, Default)]
pub struct ActiveRows {
    /// Room for the largest person met; the first `len` of each list count.
    times_us: Vec<i64>,
    kinds: Vec<u32>,
    places: Vec<u32>,
    len: usize,
    /// 0, and for each session in turn how many of these rows lie before its end.
    session_bounds: Vec<usize>,
    has_ties: bool,
}

impl ActiveRows {
    /// Takes those rows of a person of which a kind with a part is.
    #[inline(never)]
    fn fill(&mut self, person: &Person<'_>, has_part: &[bool]) {
        let rows = Rows { times_us: person.rows.times_us, kinds: person.rows.kinds };
        let sessions = person.sessions.iter().map(|session| session.rows());
        self.select(rows, sessions, |at| at as u32, |kind| has_part[kind as usize]);
        self.has_ties = person.rows.has_ties && self.rows(&(0..self.len)).has_ties();
    }

    /// Takes those of other rows of the person that have a part in one funnel.
    #[inline(never)]
    fn narrow(&mut self, all: &ActiveRows, kinds: &KindTable) {
        let rows = all.rows(&(0..all.len));
        self.select(rows, all.sessions(), |at| all.places[at], |kind| !kinds.is_idle(kind));
        self.has_ties = all.has_ties && self.rows(&(0..self.len)).has_ties();
    }

    #[inline(always)]
    fn select(
        &mut self,
        rows: Rows<'_>,
        sessions: impl Iterator<Item = Range<usize>>,
        place_of: impl Fn(usize) -> u32,
        has_part: impl Fn(u32) -> bool,
    ) {
        let count = rows.len();
        if self.times_us.len() < count {
            self.times_us.resize(count, 0);
            self.kinds.resize(count, 0);
            self.places.resize(count, 0);
        }
        // Every row is written and only those with a part stay: which they are cannot be foretold.
        let times_us = &mut self.times_us[..count];
        let (kinds, places) = (&mut self.kinds[..count], &mut self.places[..count]);
        let mut len = 0;
        self.session_bounds.clear();
        self.session_bounds.push(0);
        for session in sessions {
            let of_session = rows.times_us[session.clone()].iter().zip(&rows.kinds[session.clone()]);
            for (at, (&time_us, &kind)) in session.zip(of_session) {
                times_us[len] = time_us;
                kinds[len] = kind;
                places[len] = place_of(at);
                len += usize::from(has_part(kind));
            }
            self.session_bounds.push(len);
        }
        self.len = len;
    }

    /// Whether any two of the rows have the same time.
    pub fn has_ties(&self) -> bool {
        self.has_ties
    }

    /// For each session of the person those of these rows that lie in it.
    pub fn sessions(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.session_bounds.windows(2).map(|bounds| bounds[0]..bounds[1])
    }

    /// As [`ActiveRows::sessions`], of one of them.
    pub fn session(&self, number: usize) -> Range<usize> {
        self.session_bounds[number]..self.session_bounds[number + 1]
    }

    pub fn rows(&self, range: &Range<usize>) -> Rows<'_> {
        Rows { times_us: &self.times_us[range.clone()], kinds: &self.kinds[range.clone()] }
    }

    pub fn kinds(&self, range: &Range<usize>) -> &[u32] {
        &self.kinds[range.clone()]
    }

    /// The places among all of the person's rows.
    pub fn places(&self, range: &Range<usize>) -> &[u32] {
        &self.places[range.clone()]
    }

    pub fn len(&self) -> usize {
        self.len
    }
}

/// The rows of the person at hand for the funnel at hand.
#[derive(Debug)]
pub struct FunnelRows {
    /// By kind: whether it has a part in some funnel.
    has_part: Vec<bool>,
    /// By funnel: whether it takes the rows of all funnels as they are.
    takes_all: Vec<bool>,
    /// Rows with a part in some funnel.
    all: ActiveRows,
    /// Of these the ones with a part in the funnel at hand, where it does not take all.
    own: ActiveRows,
    is_own: bool,
}

impl FunnelRows {
    pub fn new(funnels: &[ReadyFunnel]) -> FunnelRows {
        let kind_count = funnels.iter().map(|ready| ready.kinds.len()).max().unwrap_or(0) as u32;
        let has_part_in = |ready: &ReadyFunnel, kind: u32| {
            (kind as usize) < ready.kinds.len() && !ready.kinds.is_idle(kind)
        };
        let has_part: Vec<bool> =
            (0..kind_count).map(|kind| funnels.iter().any(|ready| has_part_in(ready, kind))).collect();
        let all_kinds = has_part.iter().filter(|has_part| **has_part).count();
        // Rows without a part change nothing in a funnel. Few of them cost the engine less than to leave them out.
        let takes_all = |ready: &ReadyFunnel| {
            let own_kinds = (0..kind_count).filter(|&kind| has_part_in(ready, kind)).count();
            own_kinds == all_kinds
                || ready.is_plain && !ready.has_formed_units() && 2 * own_kinds >= all_kinds
        };
        FunnelRows {
            takes_all: funnels.iter().map(takes_all).collect(),
            has_part,
            all: ActiveRows::default(),
            own: ActiveRows::default(),
            is_own: false,
        }
    }

    /// Goes on to another person.
    pub fn take_person(&mut self, person: &Person<'_>) {
        self.all.fill(person, &self.has_part);
    }

    /// Goes on to another funnel of the person, by its place among all.
    pub fn take_funnel(&mut self, index: usize, kinds: &KindTable) {
        self.is_own = !self.takes_all[index];
        if self.is_own {
            self.own.narrow(&self.all, kinds);
        }
    }

    /// The rows of the funnel at hand.
    pub fn at_hand(&self) -> &ActiveRows {
        if self.is_own { &self.own } else { &self.all }
    }
}
