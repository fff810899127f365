//! A small report written by hand, for tests of what is made from reports.

use super::abandonment::{Abandonment, EventCount, LeftValue, Stage};
use super::conversion::{Conversion, ConversionStep, OptionalUse, Rate};
use super::definition::FunnelDefinition;
use super::funnel::{FunnelReport, Segment, SegmentValues, SessionStage, Ties, TrendBucket};
use super::identity::{DedupeUse, Devices, Identity, MapUse, StitchedFunnel};
use super::input::{Input, Rows};
use super::shape::Shape;
use super::time_to_purchase::{
    CountSpread, HistogramBin, QuantileMap, Spread, StepSpread, SurvivalPoint, TimeToPurchase,
};
use super::{Body, Definition, FileRead, REPORT_SCHEMA, Report, Run, Warning};
use std::collections::BTreeMap;

/// Steps of [`report`]'s funnel, and who reached them.
pub(crate) const STEPS: [(&str, u64); 4] =
    [("View", 1000), ("Cart", 400), ("Checkout", 50), ("Purchase", 21)];

/// One funnel `purchase` of 1,000 people, 21 of whom converted, 800 with a whole window behind
/// them; two segments and two weeks. 10,000 rows, of which 30 were rejected, 20 as headers.
pub(crate) fn report() -> Report {
    Report {
        schema: REPORT_SCHEMA.to_owned(),
        trusted: true,
        run: Some(run()),
        body: Body {
            definition: definition(),
            derived: None,
            input: input(),
            funnels: vec![funnel("purchase", &STEPS)],
            warnings: vec![warning("W06", 700), warning("W16", 12)],
        },
        body_hash: "0a1b".to_owned(),
    }
}

fn warning(code: &str, n: u64) -> Warning {
    Warning { code: code.to_owned(), n, message: format!("{n} rows") }
}

fn run() -> Run {
    Run {
        version: "0.1.0".to_owned(),
        elapsed_s: 0.5,
        threads: 2,
        files: vec![FileRead {
            path: "shop.csv".to_owned(),
            format: "csv".to_owned(),
            compression: "none".to_owned(),
            rows: 10_000,
            used: 9_970,
            rejected: 30,
            filtered: 0,
            blank_lines: 0,
            naive_times: 3,
            partial: false,
            read_as: "delimiter ,".to_owned(),
        }],
        guessed: vec!["user: user_id".to_owned()],
        reject_samples: Vec::new(),
        warnings: vec![warning("W02", 3)],
        notes: Vec::new(),
        rows_out_of_order: 0,
        spilled_bytes: 0,
        cohort_files: Vec::new(),
        time_zone_database: None,
    }
}

fn definition() -> Definition {
    Definition {
        hash: "ffee".to_owned(),
        unit: "person".to_owned(),
        window: "total".to_owned(),
        window_s: Some(604_800.0),
        window_end: "inclusive".to_owned(),
        rules: "dropoff".to_owned(),
        overrides: Vec::new(),
        tie: "step".to_owned(),
        method: "newest-start".to_owned(),
        session_timeout_s: 1_800.0,
        time_zone: "UTC".to_owned(),
        from: None,
        to: None,
        stitch: "both".to_owned(),
        identity_map: Some("aa".to_owned()),
        dedupe_exact: false,
        dedupe_key: vec!["event_id".to_owned()],
        dedupe_window_s: Some(1.0),
        filter: None,
        quantile_method: "type-7".to_owned(),
        top: 20,
        min_cell: None,
    }
}

fn funnel_definition(steps: String) -> FunnelDefinition {
    FunnelDefinition {
        steps,
        step_list: Vec::new(),
        unit: "person".to_owned(),
        unit_columns: Vec::new(),
        held_steps: None,
        window: "total".to_owned(),
        window_s: Some(604_800.0),
        window_end: "inclusive".to_owned(),
        within_s: None,
        rules: "dropoff".to_owned(),
        overrides: Vec::new(),
        left_out: Vec::new(),
        tie: "step".to_owned(),
        tolerance_s: 0.0,
        row: "one".to_owned(),
        exclusion: "void".to_owned(),
        throws_away: false,
        method: "newest-start".to_owned(),
        order: "ordered".to_owned(),
        anchor: None,
        open: false,
        by_from: "first-entry".to_owned(),
        by: vec!["device".to_owned()],
    }
}

fn input() -> Input {
    Input {
        rows: Rows { read: 10_000, used: 9_970, rejected: 30, filtered: 0, duplicates: 0 },
        dedupe: Some(DedupeUse {
            columns: vec!["event_id".to_owned()],
            keys_that_differ: 0,
            rows_without_key: 3,
        }),
        identity: Some(Identity {
            stitch: "both".to_owned(),
            devices: Some(Devices {
                of_nobody: 100,
                of_one_person: 900,
                shared: 7,
                rows_stitched: 2_000,
                rows_left: 300,
            }),
            map: Some(MapUse { entries: 5, ids_mapped: 4, ids_not_mapped: Some(1_100), rows_mapped: 12 }),
        }),
        rejects: BTreeMap::from([("R04".to_owned(), 10), ("R16".to_owned(), 20)]),
        persons: 1_200,
        sessions: 3_000,
        from: Some("2026-01-01T00:00:00Z".to_owned()),
        to: Some("2026-01-15T00:00:00Z".to_owned()),
        as_of: Some("2026-01-15T00:00:00Z".to_owned()),
        rows_without_event: 12,
        tied_rows: 700,
        log_sessions: None,
        wide: None,
        cohort: None,
    }
}

/// A funnel in which every other unit that is lost at a step dropped, save 70 open and 9 excluded
/// ones at step 1. The names of the steps are also those of the events.
pub(crate) fn funnel(name: &str, steps: &[(&str, u64)]) -> FunnelReport {
    let names: Vec<String> = steps.iter().map(|(name, _)| (*name).to_owned()).collect();
    let (entered, converted) = (steps[0].1, steps[steps.len() - 1].1);
    let (open, excluded) = (70, 9);
    FunnelReport {
        name: name.to_owned(),
        definition: funnel_definition(names.join(", ")),
        entered,
        converted,
        dropped: entered - converted - open - excluded,
        open,
        excluded,
        removed: 0,
        no_value: None,
        negative_gaps: 0,
        conversion: conversion(steps),
        abandonment: abandonment(steps),
        time_to_purchase: time_to_purchase(converted),
        session_stages: vec![SessionStage { step: 0, n: 500 }, SessionStage { step: 1, n: 2_500 }],
        segments: vec![segment(Some("mobile"), false), segment(None, false), segment(Some("(other)"), true)],
        trend: vec![bucket("2026-01-05T00:00:00Z", true), bucket("2026-01-12T00:00:00Z", false)],
        in_several_buckets: 4,
        only_in_buckets: 3,
        in_no_bucket: 2,
        ties: Ties { units: Some(2), conversion_strict: Some(0.019), conversion_step: Some(0.021) },
        stitching: vec![StitchedFunnel {
            stitch: "none".to_owned(),
            persons: 2_000,
            entered: 1_500,
            converted: 15,
            dropped: 1_485,
            open: 0,
            excluded: 0,
            of_entered: Some(0.01),
        }],
        began_elsewhere: 5,
        segment_moved: 1,
        segment_differs: 0,
        hidden_cells: 0,
        segment_late: 0,
        steps: names,
        shape: Shape::Ordered,
    }
}

/// Intervals by the formula of Wilson (1927), computed apart; only those of [`STEPS`] are known.
fn interval(successes: u64, trials: u64) -> Option<(f64, f64)> {
    match (successes, trials) {
        (400, 1000) => Some((0.370075, 0.430691)),
        (50, 1000) => Some((0.038130, 0.065314)),
        (21, 1000) => Some((0.013776, 0.031890)),
        (50, 400) => Some((0.096115, 0.161019)),
        (21, 50) => Some((0.293750, 0.557666)),
        (16, 800) => Some((0.012348, 0.032240)),
        _ => None,
    }
}

pub(crate) fn conversion(steps: &[(&str, u64)]) -> Conversion {
    let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    let all_lost = steps[0].1 - steps[steps.len() - 1].1;
    let step = |(place, (name, reached)): (usize, &(&str, u64))| {
        let previous = place.checked_sub(1).map(|previous| steps[previous].1);
        let lost = steps.get(place + 1).map_or(0, |(_, next)| reached - next);
        let (lost_open, lost_excluded) = if place == 0 { (70.min(lost), 9.min(lost)) } else { (0, 0) };
        ConversionStep {
            step: place + 1,
            name: (*name).to_owned(),
            reached: *reached,
            entrants: if place == 0 { *reached } else { 0 },
            of_first: share(*reached, steps[0].1),
            of_previous: previous.and_then(|previous| share(*reached, previous)),
            of_first_ci95: previous.and_then(|_| interval(*reached, steps[0].1)),
            of_previous_ci95: previous.and_then(|previous| interval(*reached, previous)),
            lost,
            lost_dropped: lost.saturating_sub(lost_open + lost_excluded),
            lost_open,
            lost_excluded,
            share_of_loss: share(lost, all_lost),
        }
    };
    Conversion {
        steps: steps.iter().enumerate().map(step).collect(),
        mature: Some(Rate { n: 800, converted: 16, share: Some(0.02), ci95: interval(16, 800) }),
        bounds: Some((0.021, 0.091)),
        optional: vec![OptionalUse {
            name: "Coupon".to_owned(),
            after_step: 2,
            before_step: 3,
            passed: 50,
            used: 10,
            used_share: Some(0.2),
            conversion_with: Some(0.5),
            conversion_without: Some(0.4),
        }],
        named_steps: Vec::new(),
        shape: Shape::Ordered,
    }
}

fn abandonment(steps: &[(&str, u64)]) -> Abandonment {
    let stage = |(place, pair): (usize, &[(&str, u64)])| Stage {
        step: place + 1,
        name: pair[0].0.to_owned(),
        dropped: (pair[0].1 - pair[1].1).saturating_sub(if place == 0 { 79 } else { 0 }),
        open: if place == 0 { 70 } else { 0 },
        excluded: if place == 0 { 9 } else { 0 },
        removed: 0,
        seen_early: 3,
        last_events: vec![EventCount { event: "search".to_owned(), n: 7 }],
        next_events: vec![EventCount { event: "(none)".to_owned(), n: 2 }],
        left_after_p50_s: Some(12.5),
        went_on_after_p50_s: None,
        came_back: 4,
        came_back_share: Some(0.25),
        bought_later: 1,
        value: Some(LeftValue { n: 2, sum: 30.5, p50: Some(15.25), currency: Some("ILS".to_owned()) }),
    };
    Abandonment { stages: steps.windows(2).enumerate().map(stage).collect() }
}

fn spread(n: u64) -> Spread {
    let quantiles = [("p50_s", 259_200.0), ("p90_s", 500_000.0)];
    Spread {
        n,
        mean_s: (n > 0).then_some(300_000.25),
        least_s: (n > 0).then_some(60.0),
        most_s: (n > 0).then_some(604_800.0),
        quantiles: QuantileMap(
            quantiles.map(|(key, value)| (key.to_owned(), (n > 0).then_some(value))).to_vec(),
        ),
    }
}

/// Median 3 days, mean 300,000.25 s, nine tenths within 500,000 s; nothing without converts.
pub(crate) fn time_to_purchase(n: u64) -> TimeToPurchase {
    let until = CountSpread {
        n,
        mean: (n > 0).then_some(2.5),
        least: (n > 0).then_some(1),
        most: (n > 0).then_some(9),
        quantiles: QuantileMap(vec![("p50".to_owned(), (n > 0).then_some(2.0))]),
    };
    TimeToPurchase {
        total: spread(n),
        since_first_entry: spread(n),
        since_first_event: spread(n),
        attempts_mean: (n > 0).then_some(1.5),
        sessions_until: until.clone(),
        active_days_until: until.clone(),
        events_until: until,
        steps: vec![StepSpread { from: 1, to: 2, share_of_time: Some(0.75), spread: spread(n) }],
        histogram: vec![HistogramBin { over_s: None, to_s: Some(60.0), n }],
        survival: vec![SurvivalPoint { t_s: 60.0, not_yet: 0.979, ci95: Some((0.96, 0.99)), at_risk: 1_000 }],
        survival_median_s: None,
    }
}

fn segment(device: Option<&str>, other: bool) -> Segment {
    let steps = [("View", 500), ("Purchase", 8)];
    Segment {
        by: SegmentValues(vec![("device".to_owned(), device.map(str::to_owned))]),
        other,
        no_row: false,
        suppressed: false,
        entered: Some(500),
        converted: Some(8),
        dropped: Some(413),
        open: Some(70),
        excluded: Some(9),
        removed: Some(0),
        conversion: Some(conversion(&steps)),
        abandonment: Some(abandonment(&steps)),
        time_to_purchase: Some(time_to_purchase(8)),
    }
}

fn bucket(from: &str, mature: bool) -> TrendBucket {
    TrendBucket {
        from: from.to_owned(),
        to: "2026-01-19T00:00:00Z".to_owned(),
        mature,
        suppressed: false,
        entered: Some(500),
        converted: Some(8),
        dropped: Some(413),
        open: Some(70),
        excluded: Some(9),
        removed: Some(0),
        conversion: Some(conversion(&[("View", 500), ("Purchase", 8)])),
        from_us: 0,
    }
}
