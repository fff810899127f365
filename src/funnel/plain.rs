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
    let entry_us = times_us[entry];
    // An earlier row at the instant of the entry is not behind it, but it may be used with it.
    if entry > 0 && times_us[entry - 1] == entry_us {
        return None;
    }
    // What the loop asks of every row lies in locals, where the chain cannot be thought to alias it.
    let (kinds, first_steps, step_count) =
        (unit.rows.kinds, unit.kinds.first_steps_of_all(), unit.step_count);
    // An attempt of one step ends with the row that it starts with.
    let window_us = if step_count == 1 { 0 } else { unit.window_us.unwrap_or(i64::MAX) };
    let entries_to_us = unit.entries_to_us;
    chain.push(entry as u32);
    let mut attempts = 1_u32;
    let mut steps_seen = first_steps[kinds[entry] as usize];
    // The last attempt needs `next_step` until `ends_us`, this instant included. Where that has passed, none runs.
    let mut next_step = 1;
    // Without a window that is later than any time that a log can hold.
    let mut ends_us = entry_us.saturating_add(window_us);
    let mut before_us = entry_us;
    let rows = times_us[entry + 1..].iter().zip(&kinds[entry + 1..]);
    for (row, (&time_us, &kind)) in (entry as u32 + 1..).zip(rows) {
        if time_us == before_us {
            return None;
        }
        before_us = time_us;
        let steps = first_steps[kind as usize];
        steps_seen |= steps;
        if time_us > ends_us {
            if steps & 1 == 1 && time_us < entries_to_us {
                attempts = attempts.saturating_add(1);
                next_step = 1;
                ends_us = time_us.saturating_add(window_us);
            }
        } else if steps >> next_step & 1 == 1 {
            next_step += 1;
            if attempts == 1 {
                chain.push(row);
            }
            if next_step == step_count {
                ends_us = time_us;
            }
        }
    }
    Some(PlainRun { attempts, steps_seen })
}
