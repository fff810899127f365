//! How much the store may hold, and how much it does.
//!
//! Counts what was asked of the allocator: lists by what they could hold. What the rest of the
//! program needs is not known here; who gives the budget has left room for it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};

/// What a reading may use.
#[derive(Debug, Clone)]
pub struct Resources {
    pub threads: usize,
    /// Bytes that events and ids may take in memory. Never changes a number.
    pub store_bytes: u64,
    /// Where they go beyond that.
    pub temp_dir: PathBuf,
    /// Bytes of all inputs as they lie on disk; 0 where that is not known.
    pub input_bytes: u64,
}

impl Resources {
    /// Everything stays in memory.
    pub fn unbounded(threads: usize) -> Resources {
        Resources { threads, store_bytes: u64::MAX, temp_dir: PathBuf::new(), input_bytes: 0 }
    }
}

/// The bytes held by each group of shards, and by all.
pub struct Budget {
    limit: u64,
    held: AtomicU64,
    groups: Vec<AtomicUsize>,
}

impl Budget {
    pub fn new(limit: u64, groups: usize) -> Budget {
        let groups = (0..groups).map(|_| AtomicUsize::new(0)).collect();
        Budget { limit, held: AtomicU64::new(0), groups }
    }

    /// Says what a group holds now. Its lock is held by the caller.
    #[inline]
    pub fn set(&self, group: usize, bytes: usize) {
        let before = self.groups[group].load(Ordering::Relaxed);
        if before != bytes {
            self.groups[group].store(bytes, Ordering::Relaxed);
            // Wraps where the group has shrunk; the sum of all is right again.
            self.held.fetch_add((bytes as u64).wrapping_sub(before as u64), Ordering::Relaxed);
        }
    }

    /// A group was taken out; its bytes are held until they are let go of. Its lock is held by the
    /// caller.
    pub fn take(&self, group: usize) -> usize {
        self.groups[group].swap(0, Ordering::Relaxed)
    }

    pub fn let_go(&self, bytes: usize) {
        self.held.fetch_sub(bytes as u64, Ordering::Relaxed);
    }

    pub fn limit(&self) -> u64 {
        self.limit
    }

    pub fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    #[inline]
    pub fn is_passed(&self) -> bool {
        self.held() > self.limit
    }

    /// The group that holds most; `None` where all are empty.
    pub fn largest(&self) -> Option<usize> {
        let bytes = |group: &usize| self.groups[*group].load(Ordering::Relaxed);
        (0..self.groups.len()).filter(|group| bytes(group) > 0).max_by_key(bytes)
    }
}

/// Lets threads have memory for a while, and wait where it would be too much together.
pub struct Gate {
    limit: u64,
    used: Mutex<u64>,
    freed: Condvar,
}

/// Memory that is given back when this is dropped.
pub struct Ticket<'g> {
    gate: &'g Gate,
    bytes: u64,
}

impl Gate {
    pub fn new(limit: u64) -> Gate {
        Gate { limit, used: Mutex::new(0), freed: Condvar::new() }
    }

    fn used(&self) -> MutexGuard<'_, u64> {
        self.used.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Waits until there is room. More than the limit is given as soon as nobody has anything.
    pub fn enter(&self, bytes: u64) -> Ticket<'_> {
        let mut used = self.used();
        while *used > 0 && used.saturating_add(bytes) > self.limit {
            used = self.freed.wait(used).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        *used = used.saturating_add(bytes);
        Ticket { gate: self, bytes }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut used = self.gate.used();
        *used = used.saturating_sub(self.bytes);
        self.gate.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn groups_grow_shrink_and_go() {
        let budget = Budget::new(100, 3);
        assert_eq!((budget.largest(), budget.is_passed()), (None, false));
        budget.set(0, 40);
        budget.set(2, 60);
        assert_eq!((budget.held(), budget.is_passed()), (100, false));
        budget.set(0, 41);
        assert_eq!((budget.largest(), budget.is_passed()), (Some(2), true));
        // What is being written is still in memory, and what comes meanwhile as well.
        assert_eq!(budget.take(2), 60);
        budget.set(2, 5);
        assert_eq!((budget.held(), budget.largest()), (106, Some(0)));
        budget.let_go(60);
        budget.set(0, 30);
        assert_eq!((budget.held(), budget.is_passed()), (35, false));
    }

    #[test]
    fn a_gate_lets_in_what_fits_and_what_never_fits_alone() {
        let gate = Gate::new(10);
        let (inside, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for bytes in [3, 4, 5, 6, 25] {
                let (gate, inside, most) = (&gate, &inside, &most);
                scope.spawn(move || {
                    for _ in 0..200 {
                        let _ticket = gate.enter(bytes);
                        let now = inside.fetch_add(bytes, Ordering::SeqCst) + bytes;
                        assert!(now <= 10 || now == 25, "{now}");
                        most.fetch_max(now, Ordering::SeqCst);
                        inside.fetch_sub(bytes, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!((most.into_inner(), *gate.used()), (25, 0));
    }
}
