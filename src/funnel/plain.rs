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
    /// Bit `k`: a row from the first entry on may serve step `k`.
    pub steps_seen: u64,
}

/// Follows the unit and leaves its first chain in `chain`, which stays empty if it did not enter.
/// `None` where two rows from the first entry on have the same time. For funnels of at most 64 steps.
pub(super) fn follow(unit: &Unit<'_>, chain: &mut Vec<u32>) -> Option<PlainRun> {
    chain.clear();
    let times_us = unit.rows.times_us;
    let Some(entry) = unit.first_entry() else { return Some(PlainRun { attempts: 0, steps_seen: 0 }) };
    // What the loop asks of every row lies in locals, where the chain cannot be thought to alias it.
    let (kinds, step_count) = (unit.kinds, unit.step_count);
    let window_us = unit.window_us.unwrap_or(i64::MAX);
    let entries_to_us = unit.entries_to_us;
    let mut start_us = times_us[entry];
    let mut before_us = start_us;
    let mut next_step = if step_count == 1 { 0 } else { 1 };
    let mut attempts = 1_u32;
    let mut steps_seen = kinds.first_steps(unit.rows.kinds[entry]);
    chain.push(entry as u32);
    // An earlier row at the instant of the entry is not behind it, but it may be used with it.
    if entry > 0 && times_us[entry - 1] == start_us {
        return None;
    }
    // The attempt that runs needs `next_step`; where that is 0, none runs.
    for (row, (&time_us, &kind)) in times_us.iter().zip(unit.rows.kinds).enumerate().skip(entry + 1) {
        if time_us == before_us {
            return None;
        }
        before_us = time_us;
        let steps = kinds.first_steps(kind);
        steps_seen |= steps;
        // The window is inclusive, and without one nothing lies behind it.
        if next_step > 0 && time_us.saturating_sub(start_us) <= window_us {
            if steps >> next_step & 1 == 1 {
                next_step += 1;
                if attempts == 1 {
                    chain.push(row as u32);
                }
                if next_step == step_count {
                    next_step = 0;
                }
            }
        } else if steps & 1 == 1 && time_us < entries_to_us {
            attempts = attempts.saturating_add(1);
            start_us = time_us;
            next_step = if step_count == 1 { 0 } else { 1 };
        } else {
            next_step = 0;
        }
    }
    Some(PlainRun { attempts, steps_seen })
}
