//! The golden cases of the definitions, section 2, and the cases around them. Times are minutes.

use dropoff::event::MINUTE_US;
use dropoff::funnel::engine::{Engine, Observation, Outcome, Rows, Rules, Status, Tie};
use dropoff::funnel::kinds::{KindRoles, KindTable};

struct Case {
    /// Rows as `A0 B10`: a letter and its minute, in the order of the file.
    rows: &'static str,
    /// One letter for each step.
    steps: &'static str,
    /// A letter, and the gap (from 0) that it must not lie in.
    forbidden: &'static [(char, u16)],
    window_minutes: Option<i64>,
    tie: Tie,
    /// Minutes from the last row to the end of observation.
    ends_after_minutes: i64,
}

impl Case {
    fn new(rows: &'static str, steps: &'static str) -> Case {
        Case {
            rows,
            steps,
            forbidden: &[],
            window_minutes: Some(60),
            tie: Tie::Step,
            ends_after_minutes: 1_000,
        }
    }

    fn tie(self, tie: Tie) -> Case {
        Case { tie, ..self }
    }

    fn forbidden(self, forbidden: &'static [(char, u16)]) -> Case {
        Case { forbidden, ..self }
    }

    fn outcome(&self) -> Outcome {
        let mut kinds = KindTable::new();
        for letter in 'A'..='Z' {
            let served = self.steps.chars().enumerate().filter(|(_, step)| *step == letter);
            let broken = self.forbidden.iter().filter(|(forbidden, _)| *forbidden == letter);
            kinds.push(&KindRoles {
                steps: served.map(|(step, _)| step as u16).collect(),
                breaks: broken.map(|(_, gap)| *gap).collect(),
                optional: Vec::new(),
            });
        }
        let mut rows: Vec<(i64, u32)> = self.rows.split_whitespace().map(row).collect();
        rows.sort_by_key(|row| row.0);
        let (times_us, kinds_of_rows): (Vec<i64>, Vec<u32>) = rows.into_iter().unzip();
        let rules = Rules {
            step_count: self.steps.len(),
            optional: Vec::new(),
            window_us: self.window_minutes.map(|minutes| minutes * MINUTE_US),
            tie: self.tie,
        };
        let last_us = times_us.last().copied().unwrap_or(0);
        let seen = Observation {
            entries_us: i64::MIN..i64::MAX,
            as_of_us: last_us + self.ends_after_minutes * MINUTE_US,
            closes_us: None,
        };
        let mut engine = Engine::new(&rules, &kinds);
        engine.run(Rows { times_us: &times_us, kinds: &kinds_of_rows }, &seen).clone()
    }

    fn level(&self) -> usize {
        self.outcome().level
    }

    /// Minutes of the rows of the winning chain.
    fn minutes(&self) -> Vec<i64> {
        let mut minutes: Vec<i64> =
            self.rows.split_whitespace().map(|text| row(text).0 / MINUTE_US).collect();
        minutes.sort_unstable();
        self.outcome().chain.iter().map(|&row| minutes[row as usize]).collect()
    }
}

fn row(text: &str) -> (i64, u32) {
    let (letter, minute) = text.split_at(1);
    let minute: i64 = minute.parse().expect("a minute");
    (minute * MINUTE_US, u32::from(letter.as_bytes()[0] - b'A'))
}

#[test]
fn g1_retry_inside_the_window() {
    let case = Case::new("A0 A30 B45 C75", "ABC");
    assert_eq!(case.minutes(), [30, 45, 75]);
    let outcome = case.outcome();
    assert_eq!((outcome.status, outcome.first_entry, outcome.attempts), (Status::Converted, Some(0), 1));
}

#[test]
fn g2_two_half_attempts() {
    assert_eq!(Case::new("A0 B10 A20 B30 C40", "ABC").minutes(), [0, 10, 40]);
}

#[test]
fn g3_interleaved() {
    assert_eq!(Case::new("A0 B10 C20 A25 B30 D40", "ABCD").minutes(), [0, 10, 20, 40]);
}

#[test]
fn g4_tie_in_the_wrong_order() {
    let levels = [Tie::Step, Tie::File, Tie::Strict].map(|tie| Case::new("B0 A0", "AB").tie(tie).level());
    assert_eq!(levels, [2, 1, 1]);
}

#[test]
fn g5_one_row_serves_one_step() {
    let levels = [Tie::Step, Tie::File, Tie::Strict].map(|tie| Case::new("A0", "AA").tie(tie).level());
    assert_eq!(levels, [1, 1, 1]);
}

#[test]
fn g6_the_window_is_inclusive() {
    let levels = ["A0 B59", "A0 B60", "A0 B61"].map(|rows| Case::new(rows, "AB").level());
    assert_eq!(levels, [2, 2, 1]);
}

#[test]
fn g8_the_first_attempt_expires() {
    let case = Case::new("A0 A70 B80", "AB");
    assert_eq!(case.minutes(), [70, 80]);
    assert_eq!((case.outcome().first_entry, case.outcome().attempts), (Some(0), 2));
}

#[test]
fn g9_exclusion_then_clean_retry() {
    let case = Case::new("A0 X5 A10 B15", "AB").forbidden(&[('X', 0)]);
    assert_eq!(case.minutes(), [10, 15]);
    assert_eq!((case.outcome().status, case.outcome().attempts), (Status::Converted, 2));
}

#[test]
fn g10_exclusion_without_retry() {
    let outcome = Case::new("A0 X5 B10", "AB").forbidden(&[('X', 0)]).outcome();
    assert_eq!((outcome.level, outcome.level_without_exclusions, outcome.status), (1, 2, Status::Excluded));
    assert_eq!(outcome.attempts, 1);
}

#[test]
fn g11_exclusion_at_the_time_of_the_step() {
    let levels = [Tie::Step, Tie::File, Tie::Strict]
        .map(|tie| Case::new("A0 X5 B5", "AB").forbidden(&[('X', 0)]).tie(tie).level());
    assert_eq!(levels, [2, 1, 2]);
}

#[test]
fn g14_strict_time_with_a_repeated_middle() {
    assert_eq!(Case::new("A0 B1 B2 C2", "ABC").tie(Tie::Strict).minutes(), [0, 1, 2]);
}

#[test]
fn g15_strict_time_longer() {
    let case = Case::new("A1 B2 C2 D2 B3 C3 D3 B4 C4 D4", "ABCD").tie(Tie::Strict);
    assert_eq!(case.minutes(), [1, 2, 3, 4]);
}

#[test]
fn g16_exclusion_only_in_the_second_gap() {
    let case = Case::new("A0 B10 X20 B30 C40", "ABC").forbidden(&[('X', 1)]);
    assert_eq!(case.minutes(), [0, 30, 40]);
}

#[test]
fn g18_row_out_of_order_inside_the_window() {
    assert_eq!(Case::new("A0 C5 B10 C20", "ABC").minutes(), [0, 10, 20]);
}

#[test]
fn g20_a_skipped_step_is_seen_early() {
    let skipped = Case::new("A0 C10 B20", "ABC").outcome();
    assert_eq!((skipped.level, skipped.seen_early, skipped.status), (2, true, Status::Dropped));
    let before = Case::new("C0 A10 B20", "ABC").outcome();
    assert_eq!((before.level, before.seen_early), (2, false));
}

#[test]
fn g21_exact_duplicates() {
    let levels = [Tie::Step, Tie::File, Tie::Strict].map(|tie| Case::new("A0 A0", "AA").tie(tie).level());
    assert_eq!(levels, [2, 2, 1]);
}

#[test]
fn open_until_the_window_of_an_attempt_has_run_out() {
    let statuses = [59, 60, 61].map(|ends_after_minutes| {
        let outcome = Case { ends_after_minutes, ..Case::new("A0", "AB") }.outcome();
        (outcome.status, outcome.live_until_us)
    });
    assert_eq!(
        statuses,
        [(Status::Open, Some(60 * MINUTE_US)), (Status::Dropped, None), (Status::Dropped, None)]
    );
}

#[test]
fn an_attempt_that_does_not_win_keeps_the_unit_open() {
    // The chain A0 B10 has run out at 70; the attempt of A30 lives until 90.
    let outcome = Case { ends_after_minutes: 45, ..Case::new("A0 B10 A30", "ABC") }.outcome();
    assert_eq!((outcome.status, outcome.level, &outcome.chain[..]), (Status::Open, 2, &[0, 1][..]));
    assert_eq!(outcome.latest_live_start_us, Some(30 * MINUTE_US));
    assert_eq!(outcome.live_until_us, Some(90 * MINUTE_US));
}

#[test]
fn without_a_window_an_attempt_never_dies_but_by_exclusion() {
    let endless = Case { window_minutes: None, ..Case::new("A0", "AB") }.outcome();
    assert_eq!((endless.status, endless.live_until_us), (Status::Open, None));
    assert_eq!(endless.latest_live_start_us, Some(0));
    let broken = Case { window_minutes: None, ..Case::new("A0 X5", "AB").forbidden(&[('X', 0)]) }.outcome();
    assert_eq!((broken.status, broken.latest_live_start_us), (Status::Dropped, None));
}
