//! The engine against trying every chain, on random logs and funnels; and laws that hold for all.

mod oracle;

use dropoff::funnel::engine::{Engine, Observation, OptionalStep, Rows, Rules, Tie};
use dropoff::funnel::kinds::{KindRoles, KindTable};
use oracle::Funnel;
use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, RngSeed};

const TIES: [Tie; 3] = [Tie::Step, Tie::File, Tie::Strict];
const KINDS: u32 = 5;
const STEPS: u16 = 4;

type Log = Vec<(i64, u32)>;

/// The same cases in every run; `PROPTEST_RNG_SEED` and `PROPTEST_CASES` ask for others or more.
fn config(cases: u32) -> ProptestConfig {
    let given = ProptestConfig::default();
    let asks_for_more = std::env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig {
        cases: if asks_for_more { given.cases } else { cases },
        rng_seed: if given.rng_seed == RngSeed::Random { RngSeed::Fixed(1) } else { given.rng_seed },
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..given
    }
}

/// A set of numbers below `end`; each is in it `weight` times out of 12.
fn some_of(end: u16, weight: u32) -> impl Strategy<Value = Vec<u16>> {
    proptest::collection::vec(0..12_u32, usize::from(end))
        .prop_map(move |draws| (0..end).filter(|&number| draws[usize::from(number)] < weight).collect())
}

fn roles() -> impl Strategy<Value = KindRoles> {
    (some_of(STEPS, 4), prop_oneof![2 => Just(Vec::new()), 1 => some_of(STEPS, 4)], some_of(2, 3))
        .prop_map(|(steps, breaks, optional)| KindRoles { steps, breaks, optional })
}

/// The first three kinds serve a step of their own besides what else they may do, so that deep levels are common.
fn funnels() -> impl Strategy<Value = Funnel> {
    let roles = proptest::collection::vec(roles(), KINDS as usize);
    (1..=STEPS, windows(), roles, proptest::collection::vec(0..usize::from(STEPS), 2), any::<bool>())
        .prop_map(|(step_count, window_us, mut roles, optional_after, forbids)| {
            for (kind, roles) in roles.iter_mut().enumerate() {
                if kind < 3 {
                    roles.steps.push(kind as u16);
                }
                roles.steps.retain(|&step| step < step_count);
                roles.breaks.retain(|&gap| forbids && gap < step_count);
            }
            Funnel { step_count: step_count.into(), optional_after, window_us, tie: Tie::Step, roles }
        })
}

/// Three steps with a kind each, and two kinds that mostly forbid: long detours, few chains, most of them broken.
fn forbidding_funnels() -> impl Strategy<Value = Funnel> {
    let forbidding = || (some_of(3, 2), some_of(3, 6));
    let own_breaks = proptest::collection::vec(some_of(3, 1), 3);
    (windows(), forbidding(), forbidding(), own_breaks).prop_map(|(window_us, fourth, fifth, own_breaks)| {
        let own = own_breaks.into_iter().enumerate().map(|(step, breaks)| (vec![step as u16], breaks));
        let roles = own
            .chain([fourth, fifth])
            .map(|(steps, breaks)| KindRoles { steps, breaks, optional: Vec::new() })
            .collect();
        Funnel { step_count: 3, optional_after: Vec::new(), window_us, tie: Tie::Step, roles }
    })
}

fn windows() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![1 => Just(None), 4 => (0..14_i64).prop_map(Some)]
}

fn logs(most_rows: usize) -> impl Strategy<Value = Log> {
    let gap = prop_oneof![3 => Just(0_i64), 3 => Just(1), 2 => Just(2), 1 => 3..7_i64];
    proptest::collection::vec((gap, 0..KINDS), 0..=most_rows).prop_map(log_of_gaps)
}

fn log_of_gaps(rows: Vec<(i64, u32)>) -> Log {
    let mut at = 0;
    rows.into_iter()
        .map(|(gap, kind)| {
            at += gap;
            (at, kind)
        })
        .collect()
}

/// No two rows at one instant: the short way, wherever nothing is forbidden.
fn logs_without_ties(most_rows: usize) -> impl Strategy<Value = Log> {
    proptest::collection::vec((1..4_i64, 0..KINDS), 0..=most_rows).prop_map(log_of_gaps)
}

/// How a log is looked at: the bounds of entries, and how long after its last row it ends.
#[derive(Debug, Clone)]
struct Look {
    entries_us: Option<(i64, i64)>,
    end_after_us: i64,
    closes_after_us: Option<i64>,
}

fn looks() -> impl Strategy<Value = Look> {
    (
        prop_oneof![2 => Just(None), 1 => (0..8_i64, 0..12_i64).prop_map(|(from, to)| Some((from, from + to)))],
        0..8_i64,
        prop_oneof![2 => Just(None), 1 => (-1..=1_i64).prop_map(Some)],
    )
        .prop_map(|(entries_us, end_after_us, closes_after_us)| Look { entries_us, end_after_us, closes_after_us })
}

fn observation(look: &Look, log: &Log) -> Observation {
    let as_of_us = log.last().map_or(0, |row| row.0) + look.end_after_us;
    let (from, to) = look.entries_us.unwrap_or((i64::MIN, i64::MAX));
    Observation {
        entries_us: from..to,
        as_of_us,
        closes_us: look.closes_after_us.map(|after| as_of_us + after),
    }
}

fn kind_table(roles: &[KindRoles]) -> KindTable {
    let mut kinds = KindTable::new();
    for roles in roles {
        kinds.push(roles);
    }
    kinds
}

fn rules(funnel: &Funnel) -> Rules {
    Rules {
        step_count: funnel.step_count,
        optional: funnel.optional_after.iter().map(|&after| OptionalStep { after }).collect(),
        window_us: funnel.window_us,
        tie: funnel.tie,
    }
}

fn columns(log: &Log) -> (Vec<i64>, Vec<u32>) {
    log.iter().copied().unzip()
}

/// The level under each tie rule.
fn levels(funnel: &Funnel, log: &Log, seen: &Observation) -> [usize; 3] {
    let (rules, kinds) = (rules(funnel), kind_table(&funnel.roles));
    let mut engine = Engine::new(&rules, &kinds);
    let (times_us, kinds_of_rows) = columns(log);
    TIES.map(|tie| engine.level(Rows { times_us: &times_us, kinds: &kinds_of_rows }, seen, tie))
}

fn is_nowhere_below(upper: [usize; 3], lower: [usize; 3]) -> bool {
    upper.iter().zip(lower).all(|(&upper, lower)| upper >= lower)
}

/// One engine follows several units, as it does at work, under each tie rule.
fn agrees_with_the_oracle(funnel: &Funnel, units: &[(Log, Look)]) -> Result<(), TestCaseError> {
    let kinds = kind_table(&funnel.roles);
    for tie in TIES {
        let funnel = Funnel { tie, ..funnel.clone() };
        let rules = rules(&funnel);
        let mut engine = Engine::new(&rules, &kinds);
        for (log, look) in units {
            let seen = observation(look, log);
            let (times_us, kinds_of_rows) = columns(log);
            let rows = Rows { times_us: &times_us, kinds: &kinds_of_rows };
            let expected = oracle::outcome(&funnel, log, &seen);
            prop_assert_eq!(engine.run(rows, &seen), &expected, "tie {:?}, log {:?}, {:?}", tie, log, seen);
            for other in TIES {
                let level = oracle::level(&Funnel { tie: other, ..funnel.clone() }, log, &seen);
                prop_assert_eq!(
                    engine.level(rows, &seen, other),
                    level,
                    "{:?} as {:?}, {:?}",
                    tie,
                    other,
                    log
                );
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
    #![proptest_config(config(4_000))]

    #[test]
    fn a_wider_window_loses_nobody_at_any_step(
        funnel in funnels(), log in logs(30), look in looks(), wider_us in 1..6_i64,
    ) {
        let seen = observation(&look, &log);
        let window_us = funnel.window_us.unwrap_or(5);
        let [narrow, wide, endless] = [Some(window_us), Some(window_us + wider_us), None]
            .map(|window_us| levels(&Funnel { window_us, ..funnel.clone() }, &log, &seen));
        prop_assert!(is_nowhere_below(wide, narrow), "{narrow:?} then {wide:?}");
        prop_assert!(is_nowhere_below(endless, wide), "{wide:?} then {endless:?}");
    }

    #[test]
    fn an_added_alternative_loses_nobody_at_any_step(
        funnel in funnels(), log in logs(30), look in looks(), kind in 0..KINDS as usize, step in 0..STEPS,
    ) {
        let seen = observation(&look, &log);
        let mut richer = funnel.clone();
        richer.roles[kind].steps.push(step % funnel.step_count as u16);
        let (before, after) = (levels(&funnel, &log, &seen), levels(&richer, &log, &seen));
        prop_assert!(is_nowhere_below(after, before), "{before:?} then {after:?}");
    }

    /// Strict chains are chains in any order of rows, and those are chains where order within an instant is free.
    #[test]
    fn tie_rules_are_ordered_where_nothing_is_forbidden(mut funnel in funnels(), log in logs(30), look in looks()) {
        for roles in &mut funnel.roles {
            roles.breaks.clear();
        }
        let [step, file, strict] = levels(&funnel, &log, &observation(&look, &log));
        prop_assert!(strict <= file && file <= step, "step {step}, file {file}, strict {strict}");
    }
}
