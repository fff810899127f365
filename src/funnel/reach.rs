//! Definitions that nobody can get through, whatever the rows: they are refused.
//!
//! Only funnels in order are looked at: without an order there are no ways from step to step, and a
//! chain of an open funnel may begin behind the one at fault.

use super::conflict::{Conflict, Setting};
use super::definition::{ChainEnd, Funnel, RowRule};
use super::engine::Tie;
use super::steps::StepSpec;
use crate::event::{DAY_US, HOUR_US};
use crate::human::duration;

/// No zone puts its clock back further in one day.
const LONGEST_CLOCK_CHANGE_US: i64 = 3 * HOUR_US;

impl Funnel {
    /// Refuses funnels whose last step is out of reach.
    pub(super) fn check_reach(&self) -> Result<(), Conflict> {
        if !self.is_ordered() {
            return Ok(());
        }
        self.check_shortest_way()?;
        self.check_occurrences()
    }

    /// The shortest way through all steps has to fit in what ends a chain.
    fn check_shortest_way(&self) -> Result<(), Conflict> {
        let tolerance_us = self.terms.tolerance_us;
        // Rows that may go back in time make ways shorter.
        if tolerance_us > 0 && self.tie != Tie::Strict {
            return Ok(());
        }
        let (mut way_us, mut last) = (0_i64, None);
        for (gap, step) in self.required().skip(1).enumerate() {
            let terms = &step.terms;
            // Strictly later than by the tolerance.
            let clock_us = if tolerance_us > 0 { tolerance_us.saturating_add(1) } else { 0 };
            if terms.within_us.is_some_and(|within_us| within_us < clock_us) {
                return Err(Conflict::new(
                    "with tie = strict a step lies further than the tolerance behind the one before; `within` \
                     is no longer, so no row could follow",
                    [Setting::Gap(gap, "within"), Setting::Funnel("tolerance")],
                ));
            }
            way_us = way_us.saturating_add(terms.after_us.max(clock_us));
            last = if terms.after_us > 0 { Some(Setting::Gap(gap, "after")) } else { last };
        }
        if self.longest_chain_us().is_none_or(|chain_us| way_us <= chain_us) {
            return Ok(());
        }
        Err(Conflict::new(
            format!(
                "the shortest times from step to step are {} together, which does not fit in the window: \
                 nobody could reach the last step",
                duration(way_us, false)
            ),
            [last.unwrap_or(Setting::Funnel("tolerance")), Setting::Funnel("window")],
        ))
    }

    /// The longest time that a chain can have, where it has an end. Sessions go on as long as rows come.
    fn longest_chain_us(&self) -> Option<i64> {
        match self.terms.chain_end {
            ChainEnd::Nothing | ChainEnd::Session => self.rules().window_us,
            ChainEnd::SameDay => Some(DAY_US + LONGEST_CLOCK_CHANGE_US),
            ChainEnd::SameWeek => Some(7 * DAY_US + LONGEST_CLOCK_CHANGE_US),
        }
    }

    /// Steps of the same events take one row each, one behind the other: a later step cannot have an
    /// occurrence that an earlier one is at or past.
    fn check_occurrences(&self) -> Result<(), Conflict> {
        if self.terms.row != RowRule::One {
            return Ok(());
        }
        // The latest step of each set of events: its place, its number, and the least occurrence it can have.
        let mut latest: Vec<(usize, usize, u32)> = Vec::new();
        let required = self.steps.iter().enumerate().filter(|(_, step)| !step.optional);
        for (number, (place, step)) in required.enumerate() {
            let known = latest.iter().position(|&(other, ..)| takes_the_same(&self.steps[other], step));
            let least = known.map_or(1, |known| latest[known].2.saturating_add(1));
            if let (Some(nth), Some(known)) = (step.terms.nth, known)
                && nth < least
            {
                let (other, before, _) = latest[known];
                return Err(Conflict::new(
                    format!(
                        "step {} is served by the same events before, so their occurrence {nth} cannot come \
                         behind it: nobody could reach this step",
                        before + 1
                    ),
                    [Setting::Step(place, "nth"), Setting::Step(other, "event")],
                ));
            }
            let found = (place, number, step.terms.nth.unwrap_or(least));
            match known {
                Some(known) => latest[known] = found,
                None => latest.push(found),
            }
        }
        Ok(())
    }
}

fn takes_the_same(one: &StepSpec, other: &StepSpec) -> bool {
    let all_in = |a: &StepSpec, b: &StepSpec| a.events.iter().all(|event| b.events.contains(event));
    all_in(one, other) && all_in(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::funnel::definition::{Terms, Unit};
    use crate::funnel::options::Order;
    use crate::funnel::steps::parse_steps;

    fn funnel(steps: &str, afters_us: &[i64], window_us: i64) -> Funnel {
        let mut steps = parse_steps(steps).expect("sound");
        for (step, &after_us) in steps.iter_mut().skip(1).zip(afters_us) {
            step.terms.after_us = after_us;
        }
        let (name, terms) = ("a".to_owned(), Terms::default());
        Funnel { name, steps, window_us: Some(window_us), unit: Unit::Person, tie: Tie::Step, terms }
    }

    fn fault(funnel: &Funnel) -> Option<Setting> {
        funnel.check().err().map(|conflict| conflict.settings[0])
    }

    #[test]
    fn shortest_times_together_fit_in_the_window() {
        assert_eq!(fault(&funnel("a, b, c", &[4, 6], 10)), None);
        let too_long = funnel("a, b, c, d", &[4, 7], 10);
        assert_eq!(fault(&too_long), Some(Setting::Gap(1, "after")));
        let mut open = too_long.clone();
        open.terms.open = true;
        assert_eq!(fault(&open), None);
        // The last instant is outside: 10 is one too many.
        let mut exclusive = funnel("a, b, c", &[4, 6], 10);
        exclusive.terms.ends_exclusive = true;
        assert_eq!(fault(&exclusive), Some(Setting::Gap(1, "after")));
        // With a tolerance the step between may lie up to 3 before the one before it.
        let mut tolerant = too_long;
        tolerant.terms.tolerance_us = 3;
        assert_eq!(fault(&tolerant), None);
        let mut daily = funnel("a, b", &[30 * HOUR_US], 0);
        (daily.window_us, daily.terms.chain_end) = (None, ChainEnd::SameDay);
        assert_eq!(fault(&daily), Some(Setting::Gap(0, "after")));
        daily.terms.chain_end = ChainEnd::SameWeek;
        assert_eq!(fault(&daily), None);
    }

    #[test]
    fn a_strict_tolerance_is_a_shortest_time_too() {
        let mut strict = funnel("a, b, c", &[], 10);
        (strict.tie, strict.terms.tolerance_us) = (Tie::Strict, 4);
        // Two ways of at least 5.
        assert_eq!(fault(&strict), None);
        strict.terms.tolerance_us = 5;
        assert_eq!(fault(&strict), Some(Setting::Funnel("tolerance")));
        strict.window_us = None;
        strict.steps[2].terms.within_us = Some(5);
        assert_eq!(fault(&strict), Some(Setting::Gap(1, "within")));
    }

    #[test]
    fn occurrences_of_the_same_events_come_one_behind_the_other() {
        let with = |steps: &str, nths: &[(usize, u32)]| {
            let mut funnel = funnel(steps, &[], 10);
            for &(place, nth) in nths {
                funnel.steps[place].terms.nth = Some(nth);
            }
            funnel
        };
        assert_eq!(fault(&with("a, a", &[(1, 1)])), Some(Setting::Step(1, "nth")));
        assert_eq!(fault(&with("a|b, x?, b|a", &[(2, 1)])), Some(Setting::Step(2, "nth")));
        assert_eq!(fault(&with("a, b, a, a", &[(3, 2)])), Some(Setting::Step(3, "nth")));
        assert_eq!(fault(&with("a, a", &[(0, 2), (1, 2)])), Some(Setting::Step(1, "nth")));
        assert_eq!(fault(&with("a, a", &[(0, 2), (1, 3)])), None);
        assert_eq!(fault(&with("a, a", &[(0, 1), (1, 2)])), None);
        // Other events may be another row.
        assert_eq!(fault(&with("a|b, a", &[(1, 1)])), None);
        let mut many = with("a, a", &[(1, 1)]);
        many.terms.row = RowRule::Many;
        assert_eq!(fault(&many), None);
        let mut any = with("a, a", &[(1, 1)]);
        any.terms.order = Order::Any { anchored: false };
        assert_eq!(fault(&any), None);
    }
}
