//! Random funnels and logs: short, with many ties, so that trying every chain ends.

use crate::oracle::{Funnel, Known};
use dropoff::funnel::engine::{Limits, Observation, OptionalStep, Rows, Rules, Tie};
use dropoff::funnel::kinds::{KindRoles, KindTable};
use dropoff::funnel::options::{Blocked, Choice, Entry, Exclusion, GapLimits, Options, Order, RowUse};
use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, RngSeed};

pub const TIES: [Tie; 3] = [Tie::Step, Tie::File, Tie::Strict];
pub const KINDS: u32 = 5;
pub const STEPS: u16 = 4;

pub type Log = Vec<(i64, u32)>;

/// The same cases in every run; `PROPTEST_RNG_SEED` and `PROPTEST_CASES` ask for others or more.
pub fn config(cases: u32) -> ProptestConfig {
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

fn rarely(end: u16, weight: u32) -> impl Strategy<Value = Vec<u16>> {
    prop_oneof![2 => Just(Vec::new()), 1 => some_of(end, weight)]
}

fn roles() -> impl Strategy<Value = KindRoles> {
    (some_of(STEPS, 4), rarely(STEPS, 4), rarely(STEPS, 4), some_of(2, 3))
        .prop_map(|(steps, breaks, blocks, optional)| KindRoles { steps, breaks, blocks, optional })
}

/// The first three kinds serve a step of their own besides what else they may do, so that deep
/// levels are common.
fn fit_roles(roles: &mut [KindRoles], step_count: u16, forbids: bool, blocks: bool) {
    for (kind, roles) in roles.iter_mut().enumerate() {
        if kind < 3 {
            roles.steps.push(kind as u16);
        }
        roles.steps.retain(|&step| step < step_count);
        roles.breaks.retain(|&gap| forbids && gap < step_count);
        roles.blocks.retain(|&gap| blocks && gap < step_count);
    }
}

/// Plain funnels: one window, exclusions that void a chain.
pub fn funnels() -> impl Strategy<Value = Funnel> {
    let roles = proptest::collection::vec(roles(), KINDS as usize);
    (1..=STEPS, windows(), roles, proptest::collection::vec(0..usize::from(STEPS), 2), any::<bool>())
        .prop_map(|(step_count, window_us, mut roles, optional_after, forbids)| {
            fit_roles(&mut roles, step_count, forbids, false);
            let optional = optional_after.into_iter().map(|after| OptionalStep { after }).collect();
            let rules = Rules { step_count: step_count.into(), optional, window_us, ..Rules::default() };
            Funnel { rules, roles }
        })
}

/// Three steps with a kind each, and two kinds that mostly forbid: long detours, few chains, most of them broken.
pub fn forbidding_funnels() -> impl Strategy<Value = Funnel> {
    let forbidding = || (some_of(3, 2), some_of(3, 6));
    let own_breaks = proptest::collection::vec(some_of(3, 1), 3);
    (windows(), forbidding(), forbidding(), own_breaks).prop_map(|(window_us, fourth, fifth, own_breaks)| {
        let own = own_breaks.into_iter().enumerate().map(|(step, breaks)| (vec![step as u16], breaks));
        let roles = own
            .chain([fourth, fifth])
            .map(|(steps, breaks)| KindRoles { steps, breaks, ..KindRoles::default() })
            .collect();
        Funnel { rules: Rules { step_count: 3, window_us, ..Rules::default() }, roles }
    })
}

pub fn windows() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![1 => Just(None), 4 => (0..14_i64).prop_map(Some)]
}

fn gap_limits() -> impl Strategy<Value = GapLimits> {
    let after_us = prop_oneof![3 => Just(0_i64), 2 => 1..5_i64];
    (after_us, prop_oneof![1 => Just(None), 1 => (0..6_i64).prop_map(Some)])
        .prop_map(|(after_us, more)| GapLimits { after_us, within_us: more.map(|more| after_us + more) })
}

/// Every option by itself and with others; what makes no sense together is taken back, one by one.
pub fn options() -> impl Strategy<Value = Options> {
    let gaps = prop_oneof![
        2 => Just(Vec::new()),
        3 => proptest::collection::vec(gap_limits(), usize::from(STEPS) - 1),
    ];
    let exclusion =
        prop_oneof![4 => Just(Exclusion::Void), 1 => Just(Exclusion::Drop), 1 => Just(Exclusion::Remove)];
    let blocked = prop_oneof![4 => Just(Blocked::VoidsChain), 1 => Just(Blocked::EndsSearch)];
    let entry = prop_oneof![5 => Just(Entry::Any), 1 => Just(Entry::First), 1 => Just(Entry::Successive)];
    let choice = prop_oneof![
        5 => Just(Choice::EarliestStart), 1 => Just(Choice::LatestStart), 1 => Just(Choice::FirstRows),
    ];
    let row = prop_oneof![4 => Just(RowUse::One), 1 => Just(RowUse::Many)];
    let order = prop_oneof![
        6 => Just(Order::Ordered), 1 => any::<bool>().prop_map(|anchored| Order::Any { anchored }),
    ];
    let open = prop_oneof![5 => Just(false), 1 => Just(true)];
    let tolerance_us = prop_oneof![4 => Just(0_i64), 1 => 1..4_i64];
    (gaps, exclusion, blocked, entry, choice, row, order, open, tolerance_us).prop_map(
        |(gaps, exclusion, blocked, entry, choice, row, order, open, tolerance_us)| Options {
            gaps,
            exclusion,
            blocked,
            entry,
            choice,
            row,
            order,
            open,
            tolerance_us,
        },
    )
}

/// Funnels with any options that `Rules::check` accepts under the tie rule.
pub fn funnels_with_options() -> impl Strategy<Value = Funnel> {
    let tie = prop_oneof![3 => Just(Tie::Step), 2 => Just(Tie::File), 2 => Just(Tie::Strict)];
    (funnels(), rarely(1, 12), tie, options(), proptest::collection::vec(rarely(STEPS, 5), KINDS as usize))
        .prop_map(|(mut funnel, blocks, tie, options, blocked)| {
            for (roles, gaps) in funnel.roles.iter_mut().zip(blocked) {
                let step_count = funnel.rules.step_count as u16;
                roles.blocks =
                    gaps.into_iter().filter(|&gap| gap < step_count && !blocks.is_empty()).collect();
            }
            funnel.rules.tie = tie;
            funnel.rules.options = options;
            make_sense(&mut funnel);
            funnel
        })
}

fn blocks(funnel: &Funnel) -> bool {
    funnel.roles.iter().any(|roles| !roles.blocks.is_empty())
}

fn make_sense(funnel: &mut Funnel) {
    let takes_back: [fn(&mut Funnel); 8] = [
        |funnel| {
            if matches!(funnel.rules.options.order, Order::Any { .. }) {
                funnel.roles.iter_mut().for_each(|roles| roles.blocks.clear());
                funnel.rules.optional.clear();
                let order = funnel.rules.options.order;
                funnel.rules.options = Options { order, row: funnel.rules.options.row, ..Options::default() };
            }
        },
        |funnel| funnel.rules.options.gaps.iter_mut().for_each(|gap| gap.after_us = 0),
        |funnel| funnel.rules.options.blocked = Blocked::VoidsChain,
        |funnel| {
            if funnel.rules.options.open {
                let Options { gaps, row, tolerance_us, .. } = funnel.rules.options.clone();
                funnel.rules.options = Options { gaps, row, tolerance_us, open: true, ..Options::default() };
            }
        },
        |funnel| {
            if funnel.rules.options.choice == Choice::LatestStart {
                funnel.rules.options.entry = Entry::Any;
            }
        },
        |funnel| funnel.rules.options.exclusion = Exclusion::Void,
        |funnel| funnel.rules.options.tolerance_us = 0,
        |funnel| funnel.rules.options.gaps.clear(),
    ];
    for take_back in takes_back {
        if funnel.rules.check(blocks(funnel)).is_ok() {
            return;
        }
        take_back(funnel);
    }
    assert_eq!(funnel.rules.check(blocks(funnel)), Ok(()));
}

pub fn logs(most_rows: usize) -> impl Strategy<Value = Log> {
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
pub fn logs_without_ties(most_rows: usize) -> impl Strategy<Value = Log> {
    proptest::collection::vec((1..4_i64, 0..KINDS), 0..=most_rows).prop_map(log_of_gaps)
}

/// How a log is looked at: the bounds of entries, and how long after its last row it ends.
#[derive(Debug, Clone)]
pub struct Look {
    entries_us: Option<(i64, i64)>,
    end_after_us: i64,
    closes_after_us: Option<i64>,
    /// Chains end with the block of so many microseconds that they start in.
    block_us: Option<i64>,
    spent: Vec<bool>,
}

pub fn looks() -> impl Strategy<Value = Look> {
    let spent = proptest::collection::vec(prop_oneof![3 => Just(false), 1 => Just(true)], usize::from(STEPS));
    (
        prop_oneof![2 => Just(None), 1 => (0..8_i64, 0..12_i64).prop_map(|(from, to)| Some((from, from + to)))],
        0..8_i64,
        prop_oneof![2 => Just(None), 1 => (-1..=1_i64).prop_map(Some)],
        prop_oneof![2 => Just(None), 1 => (1..9_i64).prop_map(Some)],
        prop_oneof![2 => Just(Vec::new()), 1 => spent],
    )
        .prop_map(|(entries_us, end_after_us, closes_after_us, block_us, spent)| Look {
            entries_us,
            end_after_us,
            closes_after_us,
            block_us,
            spent,
        })
}

impl Look {
    pub fn observation(&self, log: &Log) -> Observation {
        let as_of_us = log.last().map_or(0, |row| row.0) + self.end_after_us;
        let (from, to) = self.entries_us.unwrap_or((i64::MIN, i64::MAX));
        Observation {
            entries_us: from..to,
            as_of_us,
            closes_us: self.closes_after_us.map(|after| as_of_us + after),
        }
    }

    pub fn known(&self, log: &Log) -> Known {
        let end = |block_us: i64, at: i64| (at / block_us + 1) * block_us - 1;
        Known {
            ends_us: self.block_us.map(|block_us| log.iter().map(|row| end(block_us, row.0)).collect()),
            spent: self.spent.clone(),
        }
    }
}

pub fn limits(known: &Known) -> Limits<'_> {
    Limits { ends_us: known.ends_us.as_deref(), spent: &known.spent }
}

pub fn kind_table(roles: &[KindRoles]) -> KindTable {
    let mut kinds = KindTable::new();
    for roles in roles {
        kinds.push(roles);
    }
    kinds
}

/// A log as the engine reads it.
pub struct Columns {
    times_us: Vec<i64>,
    kinds: Vec<u32>,
}

impl Columns {
    pub fn of(log: &Log) -> Columns {
        let (times_us, kinds) = log.iter().copied().unzip();
        Columns { times_us, kinds }
    }

    pub fn rows(&self) -> Rows<'_> {
        Rows { times_us: &self.times_us, kinds: &self.kinds }
    }
}
