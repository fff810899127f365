//! The engine against trying every chain, on random logs and funnels; and laws that hold for all.

mod oracle;
mod random;

use dropoff::funnel::engine::{Engine, Limits, Observation, Outcome, Rules, Status, Tie};
use dropoff::funnel::kinds::KindRoles;
use dropoff::funnel::options::{Exclusion, Options};
use oracle::{Funnel, Known};
use proptest::prelude::*;
use random::{
    Columns, KINDS, Log, Look, STEPS, TIES, config, forbidding_funnels, funnels, funnels_with_options,
    kind_table, limits, logs, logs_without_ties, looks,
};
use std::collections::BTreeSet;

/// The level under each tie rule.
fn levels(funnel: &Funnel, log: &Log, seen: &Observation) -> [usize; 3] {
    let kinds = kind_table(&funnel.roles);
    let mut engine = Engine::new(&funnel.rules, &kinds);
    let columns = Columns::of(log);
    TIES.map(|tie| engine.level(columns.rows(), seen, tie))
}

fn with_window(funnel: &Funnel, window_us: Option<i64>) -> Funnel {
    let mut funnel = funnel.clone();
    funnel.rules.window_us = window_us;
    funnel
}

fn is_nowhere_below(upper: [usize; 3], lower: [usize; 3]) -> bool {
    upper.iter().zip(lower).all(|(&upper, lower)| upper >= lower)
}

/// One engine follows several units, as it does at work, under each tie rule.
fn agrees_with_the_oracle(funnel: &Funnel, units: &[(Log, Look)]) -> Result<(), TestCaseError> {
    let kinds = kind_table(&funnel.roles);
    let nothing = Known::default();
    for tie in TIES {
        let funnel = Funnel { rules: Rules { tie, ..funnel.rules.clone() }, ..funnel.clone() };
        let mut engine = Engine::new(&funnel.rules, &kinds);
        for (log, look) in units {
            let seen = look.observation(log);
            let columns = Columns::of(log);
            let expected = oracle::outcome(&funnel, log, &nothing, &seen);
            let found = engine.run(columns.rows(), &seen);
            prop_assert_eq!(found, &expected, "tie {:?}, log {:?}, {:?}", tie, log, seen);
            // The general method knows the plain question too.
            let found = engine.run_within(columns.rows(), Default::default(), &seen);
            prop_assert_eq!(found, &expected, "general: tie {:?}, log {:?}, {:?}", tie, log, seen);
            for other in TIES {
                let level = oracle::level(&funnel, log, &nothing, &seen, other);
                let found = engine.level(columns.rows(), &seen, other);
                prop_assert_eq!(found, level, "{:?} as {:?}, {:?}", tie, other, log);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(25_000))]

    /// 75,000 logs, each under three tie rules.
    #[test]
    fn the_engine_finds_what_trying_every_chain_finds(
        funnel in funnels(),
        units in proptest::collection::vec((logs(9), looks()), 3),
    ) {
        agrees_with_the_oracle(&funnel, &units)?;
    }

    /// 75,000 more, where the first rows seldom lead on.
    #[test]
    fn so_it_does_where_much_is_forbidden(
        funnel in forbidding_funnels(),
        units in proptest::collection::vec((logs(14), looks()), 3),
    ) {
        agrees_with_the_oracle(&funnel, &units)?;
    }

    /// And 75,000 without ties, two thirds of them in funnels that forbid nothing.
    #[test]
    fn so_it_does_where_no_two_rows_share_an_instant(
        mut funnel in funnels(),
        forbids in (0..3_u8).prop_map(|draw| draw == 0),
        units in proptest::collection::vec((logs_without_ties(12), looks()), 3),
    ) {
        if !forbids {
            funnel.roles.iter_mut().for_each(|roles| roles.breaks.clear());
        }
        agrees_with_the_oracle(&funnel, &units)?;
    }
}

proptest! {
    #![proptest_config(config(80_000))]

    /// 240,000 logs under every option and their combinations: whole outcomes, levels under other
    /// tie rules, and every attempt by itself.
    #[test]
    fn so_it_does_under_all_options(
        funnel in funnels_with_options(),
        units in proptest::collection::vec((logs(8), looks()), 3),
    ) {
        let kinds = kind_table(&funnel.roles);
        let mut engine = Engine::new(&funnel.rules, &kinds);
        for (log, look) in &units {
            let (seen, known) = (look.observation(log), look.known(log));
            let columns = Columns::of(log);
            let expected = oracle::outcome(&funnel, log, &known, &seen);
            let found = engine.run_within(columns.rows(), limits(&known), &seen);
            prop_assert_eq!(found, &expected, "log {:?}, {:?}, {:?}", log, known, seen);
            for tie in TIES {
                let other = Rules { tie, ..funnel.rules.clone() };
                if other.check(kinds.blocks()).is_err() {
                    continue;
                }
                let level = oracle::level(&funnel, log, &known, &seen, tie);
                let found = engine.level_within(columns.rows(), limits(&known), &seen, tie);
                prop_assert_eq!(found, level, "as {:?}: log {:?}, {:?}, {:?}", tie, log, known, seen);
            }
        }
    }

    #[test]
    fn every_attempt_is_found_by_itself(
        funnel in funnels_with_options(),
        units in proptest::collection::vec((logs(9), looks()), 3),
    ) {
        let mut funnel = funnel;
        funnel.rules.options =
            Options { open: false, order: Default::default(), tolerance_us: 0, ..funnel.rules.options };
        let kinds = kind_table(&funnel.roles);
        let mut engine = Engine::new(&funnel.rules, &kinds);
        for (log, look) in &units {
            let (seen, known) = (look.observation(log), look.known(log));
            let columns = Columns::of(log);
            let expected = oracle::attempts(&funnel, log, &known, &seen);
            let found = engine.attempts(columns.rows(), limits(&known), &seen);
            let found: Vec<(Status, usize, Vec<usize>)> = found
                .into_iter()
                .map(|one| (one.status, one.level, one.chain.iter().map(|&row| row as usize).collect()))
                .collect();
            prop_assert_eq!(found, expected, "log {:?}, {:?}, {:?}", log, known, seen);
        }
    }
}

/// A unit without the places of its rows, which the names of events decide within an instant: for
/// each row of the chain its time and what it may do, and the times of the other rows.
type Told = (Outcome, Vec<(i64, KindRoles)>, Vec<Option<i64>>);

fn told(funnel: &Funnel, log: &Log, outcome: &Outcome) -> Told {
    let at = |&row: &u32| log[row as usize].0;
    // Who enters an open funnel at a later step goes through the funnel of the steps from there on.
    let first = outcome.entered_at as u16;
    let sorted = |list: &[u16]| -> Vec<u16> {
        list.iter().copied().filter(|&at| at >= first).collect::<BTreeSet<u16>>().into_iter().collect()
    };
    let roles = |&row: &u32| {
        let roles = &funnel.roles[log[row as usize].1 as usize];
        let [steps, breaks, blocks] = [&roles.steps, &roles.breaks, &roles.blocks].map(|list| sorted(list));
        let optional = if first == 0 { sorted(&roles.optional) } else { Vec::new() };
        KindRoles { steps, breaks, blocks, optional }
    };
    let others = outcome.optional.iter().chain([&outcome.first_entry]);
    let (chain, optional, first_entry) = Default::default();
    (
        Outcome { chain, optional, first_entry, ..outcome.clone() },
        outcome.chain.iter().map(|row| (at(row), roles(row))).collect(),
        others.map(|row| row.as_ref().map(at)).collect(),
    )
}

proptest! {
    #![proptest_config(config(20_000))]

    /// Other names put the rows of one instant in another order, and no number changes.
    #[test]
    fn names_decide_nothing_within_an_instant(
        mut funnel in funnels_with_options(),
        log in logs(12),
        look in looks(),
        names in proptest::collection::vec(any::<u8>(), 12),
    ) {
        if funnel.rules.tie == Tie::File {
            funnel.rules.tie = Tie::Step;
        }
        let mut named: Vec<((i64, u8), u32)> =
            log.iter().zip(&names).map(|(&(at, kind), &name)| ((at, name), kind)).collect();
        named.sort_by_key(|row| row.0);
        let renamed: Log = named.into_iter().map(|((at, _), kind)| (at, kind)).collect();
        let kinds = kind_table(&funnel.roles);
        let mut engine = Engine::new(&funnel.rules, &kinds);
        let (seen, known) = (look.observation(&log), look.known(&log));
        let [first, second] = [&log, &renamed].map(|log| {
            told(&funnel, log, engine.run_within(Columns::of(log).rows(), limits(&known), &seen))
        });
        prop_assert_eq!(first, second, "{:?} and {:?}", log, renamed);
        let [first, second] = [&log, &renamed].map(|log| {
            told(&funnel, log, engine.run(Columns::of(log).rows(), &seen))
        });
        prop_assert_eq!(first, second, "plain: {:?} and {:?}", log, renamed);
        if funnel.rules.options.order == Default::default() && !funnel.rules.options.open {
            let [first, second] = [&log, &renamed].map(|log| {
                let attempts = engine.attempts(Columns::of(log).rows(), Limits::default(), &seen);
                attempts.iter().map(|one| told(&funnel, log, one)).collect::<Vec<_>>()
            });
            prop_assert_eq!(first, second, "attempts: {:?} and {:?}", log, renamed);
        }
    }
}

proptest! {
    #![proptest_config(config(4_000))]

    #[test]
    fn a_wider_window_loses_nobody_at_any_step(
        funnel in funnels(), log in logs(30), look in looks(), wider_us in 1..6_i64,
    ) {
        let seen = look.observation(&log);
        let window_us = funnel.rules.window_us.unwrap_or(5);
        let [narrow, wide, endless] = [Some(window_us), Some(window_us + wider_us), None]
            .map(|window_us| levels(&with_window(&funnel, window_us), &log, &seen));
        prop_assert!(is_nowhere_below(wide, narrow), "{narrow:?} then {wide:?}");
        prop_assert!(is_nowhere_below(endless, wide), "{wide:?} then {endless:?}");
    }

    #[test]
    fn an_added_alternative_loses_nobody_at_any_step(
        funnel in funnels(), log in logs(30), look in looks(), kind in 0..KINDS as usize, step in 0..STEPS,
    ) {
        let seen = look.observation(&log);
        let mut richer = funnel.clone();
        richer.roles[kind].steps.push(step % funnel.rules.step_count as u16);
        let (before, after) = (levels(&funnel, &log, &seen), levels(&richer, &log, &seen));
        prop_assert!(is_nowhere_below(after, before), "{before:?} then {after:?}");
    }

    /// Strict chains are chains in any order of rows, and those are chains where order within an instant is free.
    #[test]
    fn tie_rules_are_ordered_where_nothing_is_forbidden(mut funnel in funnels(), log in logs(30), look in looks()) {
        for roles in &mut funnel.roles {
            roles.breaks.clear();
        }
        let [step, file, strict] = levels(&funnel, &log, &look.observation(&log));
        prop_assert!(strict <= file && file <= step, "step {step}, file {file}, strict {strict}");
    }

    /// What lies between cannot help, nor can narrower limits; forbidden rows that freeze take away more than those that void.
    #[test]
    fn every_limit_takes_away(funnel in funnels_with_options(), log in logs(30), look in looks()) {
        let seen = look.observation(&log);
        let plain = Funnel {
            rules: Rules { options: Options::default(), ..funnel.rules.clone() },
            ..funnel.clone()
        };
        let limited = Funnel {
            rules: Rules {
                options: Options { gaps: funnel.rules.options.gaps.clone(), ..Options::default() },
                ..funnel.rules.clone()
            },
            ..funnel.clone()
        };
        let mut unblocked = plain.clone();
        unblocked.roles.iter_mut().for_each(|roles| roles.blocks.clear());
        let dropped = Funnel {
            rules: Rules {
                options: Options { exclusion: Exclusion::Drop, ..limited.rules.options.clone() },
                ..limited.rules.clone()
            },
            ..limited.clone()
        };
        let [dropped, limited, plain, unblocked] =
            [dropped, limited, plain, unblocked].map(|funnel| levels(&funnel, &log, &seen));
        prop_assert!(is_nowhere_below(limited, dropped), "{dropped:?} then {limited:?}");
        prop_assert!(is_nowhere_below(plain, limited), "{limited:?} then {plain:?}");
        prop_assert!(is_nowhere_below(unblocked, plain), "{plain:?} then {unblocked:?}");
    }
}
