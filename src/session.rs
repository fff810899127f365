//! Sessions of one person: where they start, and why.
//!
//! A new session starts when the gap since the person's previous row is strictly greater than the
//! inactivity timeout. There is no split at midnight.

use std::ops::Range;

/// Why a session starts where it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitCause {
    /// The person's first row.
    First,
    /// More than the inactivity timeout since the row before.
    Timeout,
}

impl SplitCause {
    pub fn name(self) -> &'static str {
        match self {
            SplitCause::First => "first",
            SplitCause::Timeout => "timeout",
        }
    }
}

/// One rebuilt session: a range of the person's rows, in 8 bytes, as there may be one for each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    start: u32,
    end: u32,
}

impl Session {
    fn new(rows: Range<usize>) -> Session {
        Session { start: rows.start as u32, end: rows.end as u32 }
    }

    /// Which of the person's rows are in it.
    #[inline]
    pub fn rows(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Why it starts where it does.
    pub fn cause(&self) -> SplitCause {
        if self.start == 0 { SplitCause::First } else { SplitCause::Timeout }
    }
}

/// How the times of a person's rows follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Succession {
    /// Each is later than the one before.
    Strict,
    /// None is earlier than the one before, and some are the same.
    Tied,
    /// Some are earlier than the one before.
    Disordered,
}

/// Splits one person's rows, given their times, into sessions, which are added to the list, and tells how the
/// times follow one another. Of times in disorder the sessions mean nothing.
/// `timeout_us` is the longest gap inside a session, inclusive. There are fewer than 2^32 rows.
pub fn split(times_us: &[i64], timeout_us: i64, sessions: &mut Vec<Session>) -> Succession {
    let timeout_us = timeout_us.max(0) as u64;
    let mut start = 0;
    let mut succession = Succession::Strict;
    for (before, pair) in times_us.windows(2).enumerate() {
        let (before_us, time_us) = (pair[0], pair[1]);
        if time_us <= before_us {
            if time_us < before_us {
                return Succession::Disordered;
            }
            succession = Succession::Tied;
        } else if time_us.wrapping_sub(before_us) as u64 > timeout_us {
            // The later time less the earlier one: never below zero, though it may need all 64 bits.
            sessions.push(Session::new(start..before + 1));
            start = before + 1;
        }
    }
    if !times_us.is_empty() {
        sessions.push(Session::new(start..times_us.len()));
    }
    succession
}

/// How a person's sessions compare with the session ids that the log itself carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Agreement {
    /// Distinct session ids of the person, and rows without one.
    pub log_sessions: u64,
    pub rows_without_id: u64,
    /// Ids whose rows are exactly the rows of one rebuilt session.
    pub identical: u64,
}

impl Agreement {
    /// Adds what was found of another person.
    pub fn add(&mut self, other: Agreement) {
        self.log_sessions += other.log_sessions;
        self.rows_without_id += other.rows_without_id;
        self.identical += other.identical;
    }
}

/// Compares, for one person, the rebuilt session of each row with the id that the row carries
/// (`None` where it has none). `scratch` is reused between calls.
pub fn compare(rows: impl Iterator<Item = (u32, Option<u32>)>, scratch: &mut Vec<(u32, u32)>) -> Agreement {
    let mut agreement = Agreement::default();
    scratch.clear();
    let mut rows_of_session: Vec<u64> = Vec::new();
    for (session, id) in rows {
        let session_index = session as usize;
        if rows_of_session.len() <= session_index {
            rows_of_session.resize(session_index + 1, 0);
        }
        rows_of_session[session_index] += 1;
        match id {
            Some(id) => scratch.push((id, session)),
            None => agreement.rows_without_id += 1,
        }
    }
    scratch.sort_unstable();
    for rows_of_id in scratch.chunk_by(|a, b| a.0 == b.0) {
        agreement.log_sessions += 1;
        let session = rows_of_id[0].1;
        let one_session = rows_of_id.iter().all(|row| row.1 == session);
        if one_session && rows_of_session[session as usize] == rows_of_id.len() as u64 {
            agreement.identical += 1;
        }
    }
    agreement
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions(times_us: &[i64], timeout_us: i64) -> Vec<Session> {
        let mut sessions = Vec::new();
        assert_ne!(split(times_us, timeout_us, &mut sessions), Succession::Disordered);
        sessions
    }

    fn ranges(times_us: &[i64], timeout_us: i64) -> Vec<Range<usize>> {
        sessions(times_us, timeout_us).into_iter().map(|session| session.rows()).collect()
    }

    #[test]
    fn only_a_gap_over_the_timeout_splits() {
        assert_eq!(ranges(&[], 10), Vec::<Range<usize>>::new());
        assert_eq!(ranges(&[5], 10), vec![0..1; 1]);
        assert_eq!(ranges(&[0, 9, 19, 30], 10), [0..3, 3..4]);
        assert_eq!(ranges(&[0, 10], 10), vec![0..2; 1]);
        assert_eq!(ranges(&[0, 11], 10), [0..1, 1..2]);
    }

    #[test]
    fn every_session_says_why_it_started() {
        let sessions = sessions(&[0, 100, 200], 10);
        let causes: Vec<_> = sessions.iter().map(|session| session.cause().name()).collect();
        assert_eq!(causes, ["first", "timeout", "timeout"]);
    }

    #[test]
    fn ties_and_disorder_are_told() {
        let succession = |times_us: &[i64]| split(times_us, 10, &mut Vec::new());
        assert_eq!([&[][..], &[3], &[3, 4, 90]].map(succession), [Succession::Strict; 3]);
        assert_eq!([&[3, 3][..], &[0, 90, 90, 91]].map(succession), [Succession::Tied; 2]);
        assert_eq!(
            [&[4, 3][..], &[3, 3, 2], &[i64::MAX, i64::MIN]].map(succession),
            [Succession::Disordered; 3]
        );
    }

    #[test]
    fn times_at_the_ends_of_the_range_do_not_overflow() {
        assert_eq!(ranges(&[i64::MIN, i64::MAX], i64::MAX - 1), [0..1, 1..2]);
    }

    #[test]
    fn ids_agree_only_when_their_rows_are_the_same() {
        let mut scratch = Vec::new();
        let mut compare_rows = |rows: &[(u32, Option<u32>)]| compare(rows.iter().copied(), &mut scratch);
        let same = compare_rows(&[(0, Some(7)), (0, Some(7)), (1, Some(9))]);
        assert_eq!((same.log_sessions, same.identical), (2, 2));
        // One id over two of our sessions, one session holding two ids, one row without id.
        let split_id = compare_rows(&[(0, Some(7)), (1, Some(7))]);
        assert_eq!((split_id.log_sessions, split_id.identical), (1, 0));
        let merged = compare_rows(&[(0, Some(7)), (0, Some(8))]);
        assert_eq!((merged.log_sessions, merged.identical), (2, 0));
        let partial = compare_rows(&[(0, Some(7)), (0, None)]);
        assert_eq!((partial.log_sessions, partial.identical, partial.rows_without_id), (1, 0, 1));
    }
}
