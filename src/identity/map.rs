//! A map of ids to people, as a user gives it: many ids to one person, each for all times or from
//! an instant (inclusive) to another (exclusive).
//!
//! Ids are texts as rows are stored under: what tells two columns' ids apart is part of them. A
//! person of the map may be mapped on; such a chain is followed to its end at the time of the row.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// One line of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapEntry {
    /// Line of the file, from 1.
    pub line: u64,
    pub id: Vec<u8>,
    pub person: Vec<u8>,
    /// Valid from here (inclusive) to there (exclusive), in µs since the Unix epoch.
    pub from_us: i64,
    pub to_us: i64,
}

/// Why entries make no map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    #[error("this id is given to another person on line {other}, for the same time")]
    Conflict { line: u64, other: u64 },
    #[error("this chain of persons comes back to where it began")]
    Cycle { line: u64 },
}

impl MapError {
    pub fn line(&self) -> u64 {
        match *self {
            MapError::Conflict { line, .. } | MapError::Cycle { line } => line,
        }
    }
}

/// The people of all ids of a map, and what the rows asked of it.
#[derive(Debug, Default)]
pub struct IdentityMap {
    nodes: Vec<Node>,
    places: HashMap<Vec<u8>, u32, RandomState>,
    entries: u64,
    rows: AtomicU64,
    hash: String,
}

/// A text that stands in the map, as an id, as a person or as both.
#[derive(Debug, Default)]
struct Node {
    text: Vec<u8>,
    /// Of the id, by time and without overlaps: from, to, node of the person, line.
    spans: Vec<Span>,
    /// A row under this id was mapped, or was not.
    mapped: AtomicBool,
    unmapped: AtomicBool,
    /// A row was given to this person.
    given: AtomicBool,
}

/// Whether a span was followed to the ends of its chains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Walked {
    No,
    OnPath,
    Done,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    from_us: i64,
    to_us: i64,
    person: u32,
    line: u64,
}

/// What became of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MapFacts {
    /// Lines of the file.
    pub entries: u64,
    /// Ids of rows that were given to a person.
    pub ids: u64,
    pub rows: u64,
    /// By how much the people of the rows outnumber the ids without a mapped row: people of the map
    /// who have no row under their own id, and ids that were mapped at some times only.
    pub people_beyond_ids: u64,
}

impl IdentityMap {
    /// Fails on an id that is given to two people at one instant, and on a chain that comes back to
    /// itself.
    pub fn new(mut entries: Vec<MapEntry>) -> Result<IdentityMap, MapError> {
        entries.sort_by(|a, b| (&a.id, a.from_us, a.to_us, a.line).cmp(&(&b.id, b.from_us, b.to_us, b.line)));
        let mut lines: Vec<u64> = entries.iter().map(|entry| entry.line).collect();
        lines.sort_unstable();
        lines.dedup();
        let mut map = IdentityMap { entries: lines.len() as u64, ..IdentityMap::default() };
        let mut hasher = blake3::Hasher::new();
        // Of the entries so far the one that ends last: all that reach further overlap with it.
        let mut last: Option<&MapEntry> = None;
        for entry in &entries {
            let before = last.filter(|before| before.id == entry.id && entry.from_us < before.to_us);
            if let Some(other) = before.filter(|before| before.person != entry.person) {
                let (line, other) = (entry.line.max(other.line), entry.line.min(other.line));
                return Err(MapError::Conflict { line, other });
            }
            last = before.filter(|before| before.to_us >= entry.to_us).or(Some(entry));
            for text in [&entry.id, &entry.person] {
                hasher.update(&(text.len() as u64).to_le_bytes());
                hasher.update(text);
            }
            hasher.update(&entry.from_us.to_le_bytes());
            hasher.update(&entry.to_us.to_le_bytes());
            let (id, person) = (map.node(&entry.id), map.node(&entry.person));
            // An id that is its own person needs no look-up, and would be a chain without an end.
            if id != person {
                let span = Span { from_us: entry.from_us, to_us: entry.to_us, person, line: entry.line };
                map.nodes[id as usize].add(span);
            }
        }
        map.hash = hasher.finalize().to_hex().to_string();
        map.check_chains()?;
        Ok(map)
    }

    fn node(&mut self, text: &[u8]) -> u32 {
        if let Some(&place) = self.places.get(text) {
            return place;
        }
        let place = self.nodes.len() as u32;
        self.nodes.push(Node { text: text.to_vec(), ..Node::default() });
        self.places.insert(text.to_vec(), place);
        place
    }

    /// Walks every chain of overlapping spans to its end.
    fn check_chains(&self) -> Result<(), MapError> {
        let mut states: Vec<Vec<Walked>> =
            self.nodes.iter().map(|node| vec![Walked::No; node.spans.len()]).collect();
        for node in 0..self.nodes.len() {
            for span in 0..self.nodes[node].spans.len() {
                if states[node][span] == Walked::No {
                    self.walk((node, span), &mut states)?;
                }
            }
        }
        Ok(())
    }

    fn walk(&self, start: (usize, usize), states: &mut [Vec<Walked>]) -> Result<(), MapError> {
        // Spans that lead to one another, and the next span of its person that each looks at.
        let mut path = Vec::new();
        let mut enter = Some(start);
        loop {
            if let Some((node, span)) = enter.take() {
                states[node][span] = Walked::OnPath;
                let Span { from_us, person, .. } = self.nodes[node].spans[span];
                let spans = &self.nodes[person as usize].spans;
                path.push((node, span, spans.partition_point(|there| there.to_us <= from_us)));
            }
            let Some((node, span, next)) = path.last_mut() else { return Ok(()) };
            let here = self.nodes[*node].spans[*span];
            let person = here.person as usize;
            match self.nodes[person].spans.get(*next).filter(|there| there.from_us < here.to_us) {
                None => {
                    states[*node][*span] = Walked::Done;
                    path.pop();
                }
                Some(there) => {
                    let place = (person, *next);
                    *next += 1;
                    match states[place.0][place.1] {
                        Walked::OnPath => return Err(MapError::Cycle { line: here.line.max(there.line) }),
                        Walked::No => enter = Some(place),
                        Walked::Done => {}
                    }
                }
            }
        }
    }

    /// The person of an id at a time; `None` where the map does not say.
    pub fn person(&self, id: &[u8], time_us: i64) -> Option<&[u8]> {
        let mut node = &self.nodes[*self.places.get(id)? as usize];
        let Some(mut person) = node.at(time_us) else {
            set(&node.unmapped);
            return None;
        };
        set(&node.mapped);
        loop {
            node = &self.nodes[person as usize];
            match node.at(time_us) {
                Some(next) => person = next,
                None => break,
            }
        }
        set(&node.given);
        self.rows.fetch_add(1, Ordering::Relaxed);
        Some(&node.text)
    }

    /// What rows asked so far.
    pub fn facts(&self) -> MapFacts {
        let count = |test: fn(bool, bool, bool) -> bool| {
            let flag = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
            let is = |node: &&Node| test(flag(&node.mapped), flag(&node.unmapped), flag(&node.given));
            self.nodes.iter().filter(is).count() as u64
        };
        MapFacts {
            entries: self.entries,
            ids: count(|mapped, _, _| mapped),
            rows: self.rows.load(Ordering::Relaxed),
            people_beyond_ids: count(|_, unmapped, given| given && !unmapped)
                + count(|mapped, unmapped, _| mapped && unmapped),
        }
    }

    /// BLAKE3 of all entries in their order, in lower-case hexadecimal.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// Told many times of few ids: only the first writes.
fn set(flag: &AtomicBool) {
    if !flag.load(Ordering::Relaxed) {
        flag.store(true, Ordering::Relaxed);
    }
}

impl Node {
    /// Adds a span behind those that start before it. One that overlaps is of the same person.
    fn add(&mut self, span: Span) {
        match self.spans.last_mut() {
            Some(last) if last.person == span.person && span.from_us < last.to_us => {
                last.to_us = last.to_us.max(span.to_us);
            }
            _ => self.spans.push(span),
        }
    }

    fn at(&self, time_us: i64) -> Option<u32> {
        let behind = self.spans.partition_point(|span| span.from_us <= time_us);
        let span = self.spans.get(behind.checked_sub(1)?)?;
        (time_us < span.to_us).then_some(span.person)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line, id, person, from, to.
    fn map(entries: &[(u64, &str, &str, i64, i64)]) -> Result<IdentityMap, MapError> {
        let entry = |&(line, id, person, from_us, to_us): &(u64, &str, &str, i64, i64)| MapEntry {
            line,
            id: id.into(),
            person: person.into(),
            from_us,
            to_us,
        };
        IdentityMap::new(entries.iter().map(entry).collect())
    }

    fn person(map: &IdentityMap, id: &str, time_us: i64) -> String {
        let person = map.person(id.as_bytes(), time_us);
        person.map_or("-".to_owned(), |person| String::from_utf8_lossy(person).into_owned())
    }

    const ALWAYS: (i64, i64) = (i64::MIN, i64::MAX);

    #[test]
    fn a_span_begins_with_its_first_instant_and_ends_before_its_last() {
        let map = map(&[(2, "a", "p", 10, 20), (3, "a", "q", 20, 30), (4, "b", "p", ALWAYS.0, ALWAYS.1)]);
        let map = map.expect("a map");
        let of_a: Vec<String> = [9, 10, 19, 20, 29, 30].map(|at| person(&map, "a", at)).to_vec();
        assert_eq!(of_a, ["-", "p", "p", "q", "q", "-"]);
        assert_eq!((person(&map, "b", i64::MIN), person(&map, "c", 0)), ("p".to_owned(), "-".to_owned()));
        // Ids a and b were mapped. Of a, rows were left as well; p and q have no rows of their own.
        let facts = MapFacts { entries: 3, ids: 2, rows: 5, people_beyond_ids: 3 };
        assert_eq!(map.facts(), facts);
    }

    #[test]
    fn chains_are_followed_at_the_time_of_the_row() {
        let map =
            map(&[(2, "a", "b", 0, 100), (3, "b", "c", 50, 100), (4, "c", "d", 60, 70)]).expect("a map");
        assert_eq!([10, 50, 60, 70, 100].map(|at| person(&map, "a", at)), ["b", "c", "d", "c", "-"]);
        assert_eq!([10, 55].map(|at| person(&map, "b", at)), ["-", "c"]);
    }

    #[test]
    fn an_id_of_two_people_at_one_instant_is_refused() {
        let conflict = |line, other| Err(MapError::Conflict { line, other });
        let of = |entries: &[(u64, &str, &str, i64, i64)]| map(entries).map(|_| ());
        assert_eq!(of(&[(2, "a", "p", 0, 10), (3, "a", "q", 10, 20)]), Ok(()));
        assert_eq!(of(&[(2, "a", "p", 0, 11), (3, "a", "q", 10, 20)]), conflict(3, 2));
        assert_eq!(of(&[(5, "a", "p", ALWAYS.0, ALWAYS.1), (3, "a", "q", 10, 20)]), conflict(5, 3));
        // The first span reaches over the second, which is of the same person.
        assert_eq!(of(&[(2, "a", "p", 0, 100), (3, "a", "p", 5, 6), (4, "a", "q", 50, 60)]), conflict(4, 2));
        assert_eq!(of(&[(2, "a", "p", 0, 10), (3, "a", "p", 5, 20), (4, "a", "p", 5, 20)]), Ok(()));
        // To be one's own person is to be of somebody.
        assert_eq!(of(&[(2, "a", "a", 0, 10), (3, "a", "p", 5, 20)]), conflict(3, 2));
    }

    #[test]
    fn a_chain_without_an_end_is_refused() {
        let of = |entries: &[(u64, &str, &str, i64, i64)]| map(entries).map(|_| ());
        let (from, to) = ALWAYS;
        assert_eq!(of(&[(2, "a", "b", from, to), (3, "b", "a", from, to)]), Err(MapError::Cycle { line: 3 }));
        assert_eq!(of(&[(2, "a", "b", 0, 10), (3, "b", "a", 10, 20)]), Ok(()));
        assert_eq!(
            of(&[(4, "a", "b", from, to), (3, "b", "c", from, to), (2, "c", "a", 5, 6)]),
            Err(MapError::Cycle { line: 4 })
        );
        assert_eq!(of(&[(2, "a", "a", from, to), (3, "b", "a", from, to)]), Ok(()));
        // Two ways to one end are no circle.
        assert_eq!(
            of(&[(2, "a", "b", 0, 5), (3, "a", "c", 5, 9), (4, "b", "d", 0, 9), (5, "c", "d", 0, 9)]),
            Ok(())
        );
    }
}
