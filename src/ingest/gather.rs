//! The rows of one batch, brought together by person before any shared table is asked.
//!
//! In a log in order of time, the rows of one visit lie close together: a batch holds a few rows
//! of each of its persons. They are told apart here, in a table that stays in the cache, so that
//! the store looks up each person of a batch once. Ids are compared byte by byte.

use super::batch::Batch;
use super::texts::TextKey;
use foldhash::fast::RandomState;
use std::ops::Range;

/// Batches that are not searched for repeats after one that had few.
const UNSEARCHED_BATCHES: u32 = 15;

/// Slots of the smallest table.
const LEAST_SLOTS: usize = 1024;

/// One person of a batch.
#[derive(Clone, Copy)]
pub struct BatchPerson {
    /// One key serves the batch's table and the shard's.
    pub key: TextKey,
    /// The first of the rows, in the batch.
    pub first_row: u32,
    /// Number of rows, then where the next one goes, then the end of the rows in `Gathered::rows`.
    rows: u32,
}

/// The rows of a batch by part, person and arrival. Reused from batch to batch.
pub struct Gathered {
    persons: Vec<BatchPerson>,
    /// By part: where its persons start in `by_part`; the last entry is their number.
    part_starts: Vec<u32>,
    /// Indices of `persons`, part by part.
    by_part: Vec<u32>,
    /// Indices of rows in the order of `by_part`, each person's by arrival.
    rows: Vec<u32>,
    /// By row: the person, where the batch was searched.
    person_of: Vec<u32>,
    /// Open addressing, linear probing: the index of a person plus one, or 0.
    slots: Vec<u32>,
    /// Batches that will not be searched for repeats.
    unsearched: u32,
}

impl Default for Gathered {
    fn default() -> Gathered {
        Gathered {
            persons: Vec::new(),
            part_starts: Vec::new(),
            by_part: Vec::new(),
            rows: Vec::new(),
            person_of: Vec::new(),
            slots: vec![0; LEAST_SLOTS],
            unsearched: 0,
        }
    }
}

impl Gathered {
    /// Takes some rows of a batch. The highest `part_bits` bits of an id's hash choose the part.
    pub fn gather(&mut self, batch: &Batch, range: Range<usize>, seed: &RandomState, part_bits: u32) {
        let first = range.start as u32;
        let rows = range.len();
        self.persons.clear();
        let is_searched = self.unsearched == 0;
        if is_searched {
            self.find_persons(batch, range, seed);
            // A look-up in the store costs some ten times what the search costs for one row.
            if self.persons.len() * 8 > rows * 7 {
                self.unsearched = UNSEARCHED_BATCHES;
            }
        } else {
            self.unsearched -= 1;
            self.persons.extend((first..).zip(&batch.rows[range]).map(|(first_row, row)| {
                let key = TextKey::of_row(&row.id, &batch.texts, seed);
                BatchPerson { key, first_row, rows: 1 }
            }));
        }
        self.sort_persons(part_bits);
        self.sort_rows(first, rows, is_searched);
    }

    /// Tells the persons of the rows apart and counts their rows.
    fn find_persons(&mut self, batch: &Batch, range: Range<usize>, seed: &RandomState) {
        self.slots.fill(0);
        self.person_of.clear();
        for (number, row) in (range.start as u32..).zip(&batch.rows[range]) {
            let key = TextKey::of_row(&row.id, &batch.texts, seed);
            let mask = self.slots.len() - 1;
            let mut index = key.hash() as usize & mask;
            let person = loop {
                let slot = self.slots[index];
                if slot == 0 {
                    self.add_person(BatchPerson { key, first_row: number, rows: 0 }, index);
                    break self.persons.len() as u32 - 1;
                }
                let known = &self.persons[slot as usize - 1];
                if known.key.is_same(&key, || [known.first_row, number].map(|row| batch.long_id(row))) {
                    break slot - 1;
                }
                index = (index + 1) & mask;
            };
            self.persons[person as usize].rows += 1;
            self.person_of.push(person);
        }
    }

    /// Adds a person to the table, which has few more slots than the batches need: it is emptied for each.
    #[inline(never)]
    fn add_person(&mut self, person: BatchPerson, index: usize) {
        self.persons.push(person);
        self.slots[index] = self.persons.len() as u32;
        if self.persons.len() * 2 <= self.slots.len() {
            return;
        }
        let slots = self.slots.len() * 2;
        self.slots.clear();
        self.slots.resize(slots, 0);
        for (person, number) in self.persons.iter().zip(1..) {
            let mut index = person.key.hash() as usize & (slots - 1);
            while self.slots[index] != 0 {
                index = (index + 1) & (slots - 1);
            }
            self.slots[index] = number;
        }
    }

    /// Lists the persons part by part.
    fn sort_persons(&mut self, part_bits: u32) {
        let part_of = |person: &BatchPerson| (person.key.hash() >> (64 - part_bits)) as usize;
        let starts = &mut self.part_starts;
        starts.clear();
        // One place ahead, so that filling moves each start to where it belongs.
        starts.resize((1 << part_bits) + 2, 0);
        for person in &self.persons {
            starts[part_of(person) + 2] += 1;
        }
        for part in 2..starts.len() {
            starts[part] += starts[part - 1];
        }
        self.by_part.resize(self.persons.len(), 0);
        for (index, person) in self.persons.iter().enumerate() {
            let place = &mut starts[part_of(person) + 1];
            self.by_part[*place as usize] = index as u32;
            *place += 1;
        }
    }

    /// Lists the rows person by person; `first` is the first of them in the batch.
    fn sort_rows(&mut self, first: u32, rows: usize, is_searched: bool) {
        if !is_searched {
            self.rows.clear();
            self.rows.extend(self.by_part.iter().map(|&row| first + row));
            for (end, &person) in (1..).zip(&self.by_part) {
                self.persons[person as usize].rows = end;
            }
            return;
        }
        let mut start = 0;
        for &person in &self.by_part {
            let count = &mut self.persons[person as usize].rows;
            start += std::mem::replace(count, start);
        }
        self.rows.resize(rows, 0);
        for (row, &person) in (first..).zip(&self.person_of) {
            let place = &mut self.persons[person as usize].rows;
            self.rows[*place as usize] = row;
            *place += 1;
        }
    }

    /// The persons of the given parts, and where their rows start.
    pub fn persons(&self, parts: Range<usize>) -> (&[u32], usize) {
        let (start, end) = (self.part_starts[parts.start] as usize, self.part_starts[parts.end] as usize);
        let rows = match start.checked_sub(1) {
            Some(before) => self.persons[self.by_part[before] as usize].rows as usize,
            None => 0,
        };
        (&self.by_part[start..end], rows)
    }

    pub fn person(&self, index: u32) -> &BatchPerson {
        &self.persons[index as usize]
    }

    /// The rows from `start` to the last one of the person.
    pub fn rows(&self, start: usize, person: &BatchPerson) -> &[u32] {
        &self.rows[start..person.rows as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::texts::ShortBytes;

    const PART_BITS: u32 = 3;

    fn batch(ids: &[&str]) -> Batch {
        let mut batch = Batch::default();
        for id in ids {
            batch.push(0, 0, id.as_bytes());
        }
        batch
    }

    /// Every person's id and rows, in the order in which they are taken part by part.
    fn gathered(gathered: &Gathered, batch: &Batch) -> Vec<(String, Vec<u32>)> {
        let mut found = Vec::new();
        for part in 0..1 << PART_BITS {
            let (persons, mut start) = gathered.persons(part..part + 1);
            for &person in persons {
                let person = gathered.person(person);
                assert_eq!((person.key.hash() >> (64 - PART_BITS)) as usize, part);
                let rows = gathered.rows(start, person);
                start += rows.len();
                let mut room = ShortBytes::default();
                let id = batch.rows[person.first_row as usize].id.text(&batch.texts, &mut room);
                found.push((String::from_utf8_lossy(id).into_owned(), rows.to_vec()));
            }
        }
        found.sort();
        found
    }

    #[test]
    fn rows_of_a_person_come_together_in_order() {
        let mut scratch = Gathered::default();
        let seed = RandomState::default();
        for _ in 0..3 {
            let batch = batch(&["b", "a", "b", "", "a", "b", "ab"]);
            scratch.gather(&batch, 0..batch.rows.len(), &seed, PART_BITS);
            let rows = |id: &str, rows: &[u32]| (id.to_owned(), rows.to_vec());
            let expected = [rows("", &[3]), rows("a", &[1, 4]), rows("ab", &[6]), rows("b", &[0, 2, 5])];
            assert_eq!(gathered(&scratch, &batch), expected);
        }
        scratch.gather(&batch(&[]), 0..0, &seed, PART_BITS);
        assert_eq!(gathered(&scratch, &batch(&[])), []);
    }

    #[test]
    fn a_part_of_a_batch_keeps_the_places_of_its_rows() {
        let ids = ["a", "b", "a", "c", "a", "b"];
        let batch = batch(&ids);
        let mut scratch = Gathered::default();
        let seed = RandomState::default();
        scratch.gather(&batch, 2..5, &seed, PART_BITS);
        assert_eq!(gathered(&scratch, &batch), [("a".to_owned(), vec![2, 4]), ("c".to_owned(), vec![3])]);
        scratch.unsearched = 1;
        scratch.gather(&batch, 1..3, &seed, PART_BITS);
        assert_eq!(gathered(&scratch, &batch), [("a".to_owned(), vec![2]), ("b".to_owned(), vec![1])]);
    }

    #[test]
    fn batches_after_one_without_repeats_are_not_searched_for_a_while() {
        let ids: Vec<String> = (0..100).map(|id| format!("person {id}")).collect();
        let distinct: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut scratch = Gathered::default();
        let seed = RandomState::default();
        scratch.gather(&batch(&distinct), 0..100, &seed, PART_BITS);
        assert_eq!(gathered(&scratch, &batch(&distinct)).len(), 100);
        // Still right, though one person is then taken twice.
        let twice = batch(&["a", "b", "a"]);
        for _ in 0..UNSEARCHED_BATCHES {
            scratch.gather(&twice, 0..3, &seed, PART_BITS);
            let row = |id: &str, row: u32| (id.to_owned(), vec![row]);
            assert_eq!(gathered(&scratch, &twice), [row("a", 0), row("a", 2), row("b", 1)]);
        }
        scratch.gather(&twice, 0..3, &seed, PART_BITS);
        assert_eq!(gathered(&scratch, &twice).len(), 2);
    }

    #[test]
    fn ids_that_meet_under_one_seed_are_apart_under_another() {
        let (known, other) = (RandomState::default(), RandomState::default());
        let shard = |id: &str, seed: &RandomState| (TextKey::new(id.as_bytes(), seed).hash() >> 56) as usize;
        let ids: Vec<String> =
            (0..100_000).map(|n| format!("u{n}")).filter(|id| shard(id, &known) == 7).collect();
        let mut spread = [0; 256];
        ids.iter().for_each(|id| spread[shard(id, &other)] += 1);
        let most = spread.into_iter().max().unwrap_or(0);
        assert!(ids.len() > 200 && most < ids.len() / 10, "{most} of {} meet again", ids.len());
    }
}
