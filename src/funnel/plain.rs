//! Units that need no search: no two rows at one instant, in funnels that forbid nothing.
//!
//! Each row is then a moment of its own, the tie rule decides nothing, and the first attempt takes
//! the first row for each step: it is the chain that `chain::greedy` finds. So one look at the rows
//! tells the chain, the attempts, and what could lead further. Whether anything does is asked
//! elsewhere.

use super::unit::Unit;

/// What one look at the rows tells beside the chain.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlainRun {
    pub attempts: u32,
    /// Of the last row that may start a chain.
    pub last_entry_us: i64,
    /// Bit `k`: a row from the first entry on may serve step `k`.
    pub steps_seen: u64,
}

/// Follows the unit and leaves its first chain in `chain`, which stays empty if it did not enter.
/// `None` where two rows have the same time. For funnels of at most 64 steps.
pub(super) fn follow(unit: &Unit<'_>, chain: &mut Vec<u32>) -> Option<PlainRun> {
    chain.clear();
    let mut run = PlainRun { attempts: 0, last_entry_us: i64::MIN, steps_seen: 0 };
    // The attempt that runs, if `next_step` is not 0.
    let (mut start_us, mut next_step) = (0, 0);
    let mut before_us = None;
    for (row, (&time_us, &kind)) in unit.rows.times_us.iter().zip(unit.rows.kinds).enumerate() {
        if before_us == Some(time_us) {
            chain.clear();
            return None;
        }
        before_us = Some(time_us);
        let steps = unit.kinds.first_steps(kind);
        let is_entry = steps & 1 == 1 && unit.may_enter_at(time_us);
        if is_entry {
            run.last_entry_us = time_us;
        } else if run.attempts == 0 {
            continue;
        }
        run.steps_seen |= steps;
        if next_step > 0 && unit.in_window(start_us, time_us) {
            if steps >> next_step & 1 == 1 {
                next_step += 1;
                if run.attempts == 1 {
                    chain.push(row as u32);
                }
            }
        } else if is_entry {
            run.attempts = run.attempts.saturating_add(1);
            (start_us, next_step) = (time_us, 1);
            if run.attempts == 1 {
                chain.push(row as u32);
            }
        } else {
            next_step = 0;
        }
        if next_step == unit.step_count {
            next_step = 0;
        }
    }
    Some(run)
}
