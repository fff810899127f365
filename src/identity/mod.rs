//! Who acted: which person the rows of a device belong to.
//!
//! Rows that carry a person's id say who used a device and when; rows without one are given to
//! somebody by that, or stay with the device. Two people are never made one. Knows rows of one
//! device in order, not where they come from. (definitions, section 12)

mod map;
pub mod pseudonym;

pub use map::{IdentityMap, MapEntry, MapError, MapFacts};

use foldhash::fast::RandomState;
use hashbrown::HashSet;

/// Which rows without a person's id are given to a person by their device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stitch {
    /// None: such a row belongs to its device.
    #[default]
    None,
    /// Rows at or after the first row of that person on the device.
    Forward,
    /// Earlier rows as well.
    Both,
}

impl Stitch {
    pub const ALL: [Stitch; 3] = [Stitch::None, Stitch::Forward, Stitch::Both];

    pub fn name(self) -> &'static str {
        match self {
            Stitch::None => "none",
            Stitch::Forward => "forward",
            Stitch::Both => "both",
        }
    }

    pub fn from_name(name: &str) -> Option<Stitch> {
        Stitch::ALL.into_iter().find(|stitch| stitch.name() == name)
    }
}

/// One row of a device. Rows are in order of time; of one instant those with a person come first,
/// by the bytes of the person's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting<'t> {
    pub time_us: i64,
    /// The id of the person that the row names.
    pub person: Option<&'t [u8]>,
}

/// How many people the rows of a device name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Users {
    Nobody,
    One,
    /// Two or more: a shared device.
    Several,
}

/// Whose each row of a device is: the place of a row that names the person, or `None` for the
/// device itself. `owners` is reused from device to device.
///
/// Of a device that names one person all rows are that person's. Of a shared one, a row belongs to
/// the person named last as long as no gap between rows of the device is longer than the timeout;
/// behind such a gap it belongs to the person who is named next, and where nobody is, to the
/// device. Under [`Stitch::Forward`] a person gets no row before the first that names them.
pub fn find_owners(
    rows: &[Sighting<'_>],
    timeout_us: i64,
    stitch: Stitch,
    owners: &mut Vec<Option<usize>>,
) -> Users {
    owners.clear();
    owners.extend((0..rows.len()).map(|row| rows[row].person.map(|_| row)));
    let users = count_users(rows);
    match (stitch, users) {
        (Stitch::None, _) | (_, Users::Nobody) => return users,
        (_, Users::One) => {
            let first = owners.iter().flatten().next().copied();
            owners.fill(first);
        }
        (_, Users::Several) => share(rows, timeout_us, owners),
    }
    if stitch == Stitch::Forward {
        keep_later(rows, owners);
    }
    users
}

fn count_users(rows: &[Sighting<'_>]) -> Users {
    let mut named = rows.iter().filter_map(|row| row.person);
    match named.next() {
        None => Users::Nobody,
        Some(first) if named.all(|person| person == first) => Users::One,
        Some(_) => Users::Several,
    }
}

/// Deals the rows of a shared device out. On entry only rows that name a person have an owner.
fn share(rows: &[Sighting<'_>], timeout_us: i64, owners: &mut [Option<usize>]) {
    // From behind: whoever is named next.
    let mut next = None;
    for row in (0..rows.len()).rev() {
        next = if rows[row].person.is_some() { Some(row) } else { next };
        owners[row] = next;
    }
    // From the front: whoever was named last keeps the device until a gap.
    let mut holder = None;
    for row in 0..rows.len() {
        if rows[row].person.is_some() {
            holder = Some(row);
            continue;
        }
        let gap_us = row.checked_sub(1).map(|before| rows[row].time_us.saturating_sub(rows[before].time_us));
        if gap_us.is_some_and(|gap_us| gap_us > timeout_us) {
            holder = None;
        }
        owners[row] = holder.or(owners[row]);
    }
}

/// Takes from every person the rows before the first that names them.
fn keep_later(rows: &[Sighting<'_>], owners: &mut [Option<usize>]) {
    let mut named: HashSet<&[u8], RandomState> = HashSet::default();
    for (row, owner) in owners.iter_mut().enumerate() {
        match rows[row].person {
            Some(person) => {
                named.insert(person);
            }
            None => {
                let is_named =
                    |&owner: &usize| rows[owner].person.is_some_and(|person| named.contains(person));
                *owner = owner.filter(is_named);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes and, in capitals, the person a row names; `.` names nobody.
    fn owners(rows: &[(i64, char)], timeout: i64, stitch: Stitch) -> String {
        let ids: Vec<[u8; 1]> = rows.iter().map(|(_, person)| [*person as u8]).collect();
        let rows: Vec<Sighting<'_>> = rows
            .iter()
            .zip(&ids)
            .map(|(&(time_us, person), id)| Sighting { time_us, person: (person != '.').then_some(&id[..]) })
            .collect();
        let mut owners = Vec::new();
        find_owners(&rows, timeout, stitch, &mut owners);
        owners.iter().map(|owner| owner.map_or('.', |owner| char::from(ids[owner][0]))).collect()
    }

    #[test]
    fn a_device_of_one_person_is_theirs_whole() {
        let rows = [(0, '.'), (500, 'A'), (510, '.'), (5_000, '.'), (5_001, 'A')];
        assert_eq!(owners(&rows, 30, Stitch::None), ".A..A");
        assert_eq!(owners(&rows, 30, Stitch::Forward), ".AAAA");
        assert_eq!(owners(&rows, 30, Stitch::Both), "AAAAA");
        assert_eq!(owners(&[(0, '.'), (9, '.')], 30, Stitch::Both), "..");
        assert_eq!(owners(&[], 30, Stitch::Both), "");
    }

    #[test]
    fn a_shared_device_changes_hands_at_a_gap() {
        // The gap of exactly the timeout is no gap; behind a longer one rows are the next person's.
        let rows = [(0, '.'), (10, 'A'), (40, '.'), (71, '.'), (80, 'B'), (90, '.'), (121, '.')];
        assert_eq!(owners(&rows, 30, Stitch::Both), "AAABBB.");
        // Before anybody was named, and behind a gap to someone who was not yet, nobody is known.
        assert_eq!(owners(&rows, 30, Stitch::Forward), ".AA.BB.");
    }

    #[test]
    fn without_a_gap_the_earlier_person_keeps_the_device() {
        let rows = [(0, 'A'), (30, '.'), (60, '.'), (61, 'B'), (62, '.'), (63, 'A'), (200, '.'), (210, 'B')];
        assert_eq!(owners(&rows, 30, Stitch::Both), "AAABBABB");
        // B was named before, so that the row behind the gap may be B's.
        assert_eq!(owners(&rows, 30, Stitch::Forward), "AAABBABB");
    }

    #[test]
    fn of_one_instant_the_row_belongs_to_the_last_that_is_named() {
        let rows = [(0, 'A'), (50, 'A'), (50, 'B'), (50, '.'), (51, '.')];
        assert_eq!(owners(&rows, 30, Stitch::Both), "AABBB");
    }
}
