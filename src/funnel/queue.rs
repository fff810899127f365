//! The best of what lies in a range behind, where both ends of the range only move forward.
//!
//! A gap with a shortest and a longest time lets a row follow any chain whose last row lies in a
//! range of times, and as rows go by that range moves with them. Of all chains in it the best one
//! is wanted. Chains that are too young wait; of those old enough a chain is forgotten as soon
//! as a younger one is at least as good, since it stays in the range for longer.
//!
//! Method: the sliding maximum over a monotone queue. O(1) amortised. Without limits one entry is kept.

use std::collections::VecDeque;

/// A chain, or the rest of one: when it lies next to the gap, and how good it is (more is better).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    pub time_us: i64,
    pub score: i64,
}

/// Times run one way only, forward or backward, from call to call.
#[derive(Debug, Default)]
pub(super) struct BestInRange {
    young: VecDeque<Candidate>,
    /// The best one first; scores fall.
    old_enough: VecDeque<Candidate>,
}

impl BestInRange {
    pub fn clear(&mut self) {
        self.young.clear();
        self.old_enough.clear();
    }

    pub fn push(&mut self, candidate: Candidate) {
        self.young.push_back(candidate);
    }

    /// The best candidate at a distance of `after_us..=within_us` from this time.
    pub fn best(&mut self, time_us: i64, after_us: u64, within_us: u64) -> Option<i64> {
        self.age(time_us, after_us);
        while let Some(oldest) = self.old_enough.front()
            && oldest.time_us.abs_diff(time_us) > within_us
        {
            self.old_enough.pop_front();
        }
        self.old_enough.front().map(|best| best.score)
    }

    /// All candidates that no other one makes superfluous from this time on.
    pub fn candidates(&mut self, time_us: i64, after_us: u64) -> impl Iterator<Item = Candidate> + '_ {
        self.age(time_us, after_us);
        self.old_enough.iter().chain(&self.young).copied()
    }

    fn age(&mut self, time_us: i64, after_us: u64) {
        while let Some(&next) = self.young.front()
            && next.time_us.abs_diff(time_us) >= after_us
        {
            self.young.pop_front();
            while self.old_enough.back().is_some_and(|kept| kept.score <= next.score) {
                self.old_enough.pop_back();
            }
            self.old_enough.push_back(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_inclusive_and_worse_ones_come_back_when_better_ones_leave() {
        let mut queue = BestInRange::default();
        for (time_us, score) in [(0, 5), (1, 3), (2, 4), (3, 1)] {
            queue.push(Candidate { time_us, score });
        }
        assert_eq!(queue.best(3, 4, 9), None);
        assert_eq!(queue.best(4, 4, 4), Some(5));
        assert_eq!(queue.best(5, 4, 4), Some(3));
        assert_eq!(queue.best(6, 4, 4), Some(4));
        assert_eq!(queue.best(7, 1, 4), Some(1));
        assert_eq!(queue.best(8, 1, 4), None);
    }

    #[test]
    fn time_may_run_backwards() {
        let mut queue = BestInRange::default();
        queue.push(Candidate { time_us: 10, score: 1 });
        queue.push(Candidate { time_us: 8, score: 0 });
        assert_eq!(queue.best(8, 1, 3), Some(1));
        assert_eq!(queue.best(7, 1, 3), Some(1));
        assert_eq!(queue.best(6, 1, 3), Some(0));
    }

    #[test]
    fn without_limits_one_is_kept() {
        let mut queue = BestInRange::default();
        for time_us in 0..100 {
            queue.push(Candidate { time_us, score: time_us });
            assert_eq!(queue.best(time_us, 0, u64::MAX), Some(time_us));
            assert_eq!(queue.candidates(time_us, 0).count(), 1);
        }
    }
}
