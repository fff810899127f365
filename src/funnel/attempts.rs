//! How often a unit set out.
//!
//! Method: the totals of Mixpanel. A row of the first step that is not inside a running attempt
//! starts one; an attempt ends when it converts, when its window has run out, or at a forbidden
//! row of the gap it stands in. Attempts go forward greedily and never overlap, so this is a
//! count of tries, not of chains. Instants are taken as a whole: a running attempt takes of one
//! what it can, an instant starts at most one attempt, and none where one converts.

use super::ties::TiedRows;
use super::unit::{Content, Unit};

#[derive(Debug, Clone, Copy)]
struct Attempt {
    start_us: i64,
    /// The step it needs next.
    next_step: usize,
}

/// Counts the attempts in the rows from `first` on.
pub(super) fn count(unit: &Unit<'_>, first: usize, tied: &mut TiedRows) -> u32 {
    let mut attempts = 0_u32;
    let mut running: Option<Attempt> = None;
    let mut next = first;
    while next < unit.rows.len() {
        let moment = unit.moment_from(next);
        next = moment.end;
        let time_us = unit.time_us(moment.start);
        let content = unit.content(moment, tied);
        if matches!(content, Content::Idle) {
            continue;
        }
        running = running.filter(|attempt| unit.in_window(attempt.start_us, time_us));
        if let Some(attempt) = running {
            let reach = reach(unit, &content, tied, attempt.next_step);
            if reach > attempt.next_step {
                running = Some(Attempt { next_step: reach, ..attempt }).filter(|_| reach < unit.step_count);
                continue;
            }
            if !breaks_gap(unit, &content, tied, attempt.next_step - 1) {
                continue;
            }
            running = None;
        }
        if unit.may_enter_at(time_us) {
            let reach = reach(unit, &content, tied, 0);
            if reach > 0 {
                attempts = attempts.saturating_add(1);
                running =
                    Some(Attempt { start_us: time_us, next_step: reach }).filter(|_| reach < unit.step_count);
            }
        }
    }
    attempts
}

/// The step that a chain in need of `step` needs after this moment.
fn reach(unit: &Unit<'_>, content: &Content<'_>, tied: &mut TiedRows, step: usize) -> usize {
    match content {
        Content::Idle => step,
        Content::One(_, class) => step + usize::from(class.serves(step)),
        Content::Many => tied.reach_from(unit.kinds, unit.tie, step, unit.step_count),
    }
}

fn breaks_gap(unit: &Unit<'_>, content: &Content<'_>, tied: &TiedRows, gap: usize) -> bool {
    match content {
        Content::Idle => false,
        Content::One(_, class) => unit.breaks_gap(class, gap),
        Content::Many => unit.heeds_exclusions && tied.breaks_gap(unit.kinds, gap),
    }
}
