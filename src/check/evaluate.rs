//! Verdicts: the number of each check, found in the report, against its bounds.

use super::metric::Metric;
use super::outcome::{CheckReport, CheckResult, CheckStatus, CheckValue, to_us};
use super::threshold::Threshold;
use super::{Check, FunnelNames, Place};
use crate::event::RejectCode;
use crate::human;
use crate::report::Report;
use crate::report::funnel::FunnelReport;
use crate::report::input::Input;
use crate::report::unserved::UNSERVED;

/// What a report says on a metric.
struct Measured {
    /// `None` where there is nothing to divide by.
    value: Option<CheckValue>,
    ci95: Option<(f64, f64)>,
    n: u64,
}

/// Holds every check against a finished report.
///
/// Below `min_n`, or without denominator, the status is `insufficient` whatever the value; then
/// `fail` is tested, then `warn`. The interval plays no part.
pub fn evaluate(checks: &[Check], report: &Report) -> CheckReport {
    let names: Vec<FunnelNames<'_>> = report.body.funnels.iter().map(FunnelNames::of).collect();
    let verdicts = checks.iter().map(|check| verdict(check, report, &names)).collect();
    let warnings = report.body.warnings.iter().filter(|warning| warning.code == UNSERVED);
    CheckReport::of(verdicts, report.trusted, warnings.cloned().collect())
}

fn verdict(check: &Check, report: &Report, names: &[FunnelNames<'_>]) -> CheckResult {
    let mut result = CheckResult {
        name: check.name.clone(),
        status: CheckStatus::Error,
        metric: check.metric,
        kind: check.metric.kind(),
        funnel: check.funnel.clone(),
        step: None,
        step_name: None,
        value: None,
        ci95: None,
        n: None,
        min_n: check.min_n,
        fail: check.fail.as_ref().map(Threshold::to_string),
        warn: check.warn.as_ref().map(Threshold::to_string),
        message: String::new(),
    };
    let place = match check.place(names) {
        Ok(place) => place,
        Err(kind) => {
            result.message = kind.to_string();
            return result;
        }
    };
    if let Place::Funnel(funnel) | Place::Step { funnel, .. } = place {
        result.funnel = Some(names[funnel].name.to_owned());
    }
    if let Place::Step { funnel, step } = place {
        result.step = Some(step + 1);
        result.step_name = Some(names[funnel].steps[step].to_owned());
    }
    let subject = subject(&result);
    match measure(check.metric, place, report) {
        Err(reason) => result.message = format!("{subject}: {reason}"),
        Ok(measured) => {
            let (status, message) = judge(check, &measured, &subject);
            result.status = status;
            result.message = message;
            result.value = measured.value;
            result.ci95 = measured.ci95;
            result.n = Some(measured.n);
        }
    }
    result
}

fn judge(check: &Check, measured: &Measured, subject: &str) -> (CheckStatus, String) {
    let n = human::count(measured.n);
    if measured.n < check.min_n {
        let message = format!("{subject}: n is {n}, fewer than the {} asked for", human::count(check.min_n));
        return (CheckStatus::Insufficient, message);
    }
    let Some(value) = measured.value else {
        return (CheckStatus::Insufficient, format!("{subject}: n is {n}, so there is no value"));
    };
    let is_bad = |threshold: &&Threshold| threshold.holds(value.as_f64());
    let broken = [(CheckStatus::Fail, &check.fail), (CheckStatus::Warn, &check.warn)]
        .into_iter()
        .find_map(|(status, bound)| Some((status, bound.as_ref().filter(is_bad)?)));
    match broken {
        Some((status, bound)) => {
            let value = value_text(value, Some(bound));
            (status, format!("{subject} is {value} (n {n}), which is {bound}"))
        }
        None => (CheckStatus::Pass, format!("{subject} is {} (n {n})", value_text(value, None))),
    }
}

/// `step conversion to Checkout in purchase`.
fn subject(result: &CheckResult) -> String {
    let mut subject = result.metric.name().replace('_', " ");
    if let Some(step) = &result.step_name {
        // `reached Cart` is a sentence without a word between.
        subject.push_str(if result.metric == Metric::Reached { " " } else { " to " });
        subject.push_str(step);
    }
    if let Some(funnel) = &result.funnel {
        subject.push_str(" in ");
        subject.push_str(funnel);
    }
    subject
}

/// Rounded for people, but never onto the bound that it lies beside: `2.0999 %` is not `2.10 %`
/// where less than 2.1 % fails.
fn value_text(value: CheckValue, bound: Option<&Threshold>) -> String {
    const MOST_DECIMALS: usize = 9;
    match value {
        CheckValue::Count(count) => human::count(count),
        CheckValue::Share(share) => match bound {
            Some(bound) if bound.value != share => {
                let per_cent = |share: f64, decimals: usize| format!("{:.decimals$}", share * 100.0);
                let differ =
                    |decimals: &usize| per_cent(share, *decimals) != per_cent(bound.value, *decimals);
                match (2..MOST_DECIMALS).find(differ).unwrap_or(MOST_DECIMALS) {
                    2 => human::share(share, false),
                    decimals => format!("{} %", per_cent(share, decimals)),
                }
            }
            _ => human::share(share, false),
        },
        CheckValue::Seconds(seconds) => {
            let duration = human::duration(to_us(seconds), false);
            if seconds < 60.0 {
                duration
            } else {
                format!("{duration}, or {} s", human::number(seconds, false))
            }
        }
    }
}

/// The number of a metric; the reason if the report cannot have it.
fn measure(metric: Metric, place: Place, report: &Report) -> Result<Measured, String> {
    match place {
        Place::Input => measure_input(metric, &report.body.input),
        Place::Funnel(funnel) => measure_funnel(metric, &report.body.funnels[funnel]),
        Place::Step { funnel, step } => measure_step(metric, &report.body.funnels[funnel], step),
    }
}

fn misplaced(metric: Metric) -> String {
    format!("{} is not a number of this place", metric.name())
}

fn counted(count: u64, n: u64) -> Measured {
    Measured { value: Some(CheckValue::Count(count)), ci95: None, n }
}

fn measure_input(metric: Metric, input: &Input) -> Result<Measured, String> {
    match metric {
        Metric::Persons => Ok(counted(input.persons, input.persons)),
        Metric::Sessions => Ok(counted(input.sessions, input.sessions)),
        Metric::RowsUsed => Ok(counted(input.rows.used, input.rows.read)),
        Metric::RejectRate => {
            let read = input.rows.read;
            let share = counted_rejects(input) as f64 / read as f64;
            // Bad rows come in runs, so that an interval for independent ones would be far too narrow.
            let value = (read > 0).then_some(CheckValue::Share(share));
            Ok(Measured { value, ci95: None, n: read })
        }
        _ => Err(misplaced(metric)),
    }
}

/// Repeated header lines are no bad data: they are left out, as they are in the tolerance.
fn counted_rejects(input: &Input) -> u64 {
    let forgiven: u64 = RejectCode::ALL
        .into_iter()
        .filter(|code| !code.counts_against_tolerance())
        .filter_map(|code| input.rejects.get(&code.to_string()))
        .sum();
    input.rows.rejected.saturating_sub(forgiven)
}

fn measure_step(metric: Metric, funnel: &FunnelReport, step: usize) -> Result<Measured, String> {
    let steps = &funnel.conversion.steps;
    match (metric, step.checked_sub(1)) {
        (Metric::Reached, _) => Ok(counted(steps[step].reached, funnel.entered)),
        (Metric::StepConversion, Some(previous)) => Ok(Measured {
            value: steps[step].of_previous.map(CheckValue::Share),
            ci95: steps[step].of_previous_ci95,
            // In an open funnel those who enter at the step are among whom it is a share of.
            n: steps[previous].reached + steps[step].entrants,
        }),
        _ => Err(misplaced(metric)),
    }
}

fn measure_funnel(metric: Metric, funnel: &FunnelReport) -> Result<Measured, String> {
    let of_entered = |count: u64| Ok(counted(count, funnel.entered));
    match metric {
        Metric::Conversion => {
            let last = funnel.conversion.steps.last();
            Ok(Measured {
                value: last.and_then(|step| step.of_first).map(CheckValue::Share),
                ci95: last.and_then(|step| step.of_first_ci95),
                n: funnel.entered,
            })
        }
        Metric::MatureConversion => match funnel.conversion.mature {
            Some(rate) => {
                Ok(Measured { value: rate.share.map(CheckValue::Share), ci95: rate.ci95, n: rate.n })
            }
            None if funnel.definition.window_s.is_none() => {
                Err("the funnel has no window, so nobody's is over: ask for conversion".to_owned())
            }
            None => Ok(Measured { value: None, ci95: None, n: 0 }),
        },
        Metric::Entered => of_entered(funnel.entered),
        Metric::Converted => of_entered(funnel.converted),
        Metric::Dropped => of_entered(funnel.dropped),
        Metric::Open => of_entered(funnel.open),
        Metric::Excluded => of_entered(funnel.excluded),
        Metric::TimeP50 | Metric::TimeP90 | Metric::TimeP95 | Metric::TimeP99 | Metric::TimeMean => {
            measure_time(metric, funnel)
        }
        _ => Err(misplaced(metric)),
    }
}

fn measure_time(metric: Metric, funnel: &FunnelReport) -> Result<Measured, String> {
    let total = &funnel.time_to_purchase.total;
    let value = match metric.quantile() {
        None => total.mean_s,
        Some(quantile) => {
            let key = format!("{}_s", quantile.machine_name());
            let found = total.quantiles.0.iter().find(|(name, _)| *name == key);
            let missing = || format!("the report has no {quantile}: add {quantile} to --quantiles");
            found.ok_or_else(missing)?.1
        }
    };
    Ok(Measured { value: value.map(CheckValue::Seconds), ci95: None, n: total.n })
}

#[cfg(test)]
mod tests {
    use super::super::Severity;
    use super::*;
    use crate::report::sample;

    fn check(text: &str) -> Check {
        Check::parse_expression(text, Severity::Fail).unwrap()
    }

    fn result_of(check: Check, report: &Report) -> CheckResult {
        evaluate(&[check], report).checks.remove(0)
    }

    fn result(text: &str) -> CheckResult {
        result_of(check(text), &sample::report())
    }

    #[test]
    fn every_metric_is_the_number_of_the_report() {
        use CheckValue::{Count, Seconds, Share};
        for (text, value, n) in [
            ("conversion < 0%", Share(0.021), 1000),
            ("mature_conversion < 0%", Share(0.02), 800),
            ("step_conversion(Cart) < 0%", Share(0.4), 1000),
            ("step_conversion(Purchase) < 0%", Share(0.42), 50),
            ("reached(View) < 0", Count(1000), 1000),
            ("reached(purchase, Checkout) < 0", Count(50), 1000),
            ("entered < 0", Count(1000), 1000),
            ("converted < 0", Count(21), 1000),
            ("dropped < 0", Count(900), 1000),
            ("open < 0", Count(70), 1000),
            ("excluded < 0", Count(9), 1000),
            ("persons < 0", Count(1_200), 1_200),
            ("sessions < 0", Count(3_000), 3_000),
            ("rows_used < 0", Count(9_970), 10_000),
            // 30 rejected, 20 of them repeated headers.
            ("reject_rate < 0", Share(0.001), 10_000),
            ("time_p50 < 0s", Seconds(259_200.0), 21),
            ("time_p90 < 0s", Seconds(500_000.0), 21),
            ("time_mean < 0s", Seconds(300_000.25), 21),
        ] {
            let result = result(text);
            assert_eq!((result.value, result.n), (Some(value), Some(n)), "{text}");
            assert_eq!(result.status, CheckStatus::Pass, "{text}");
            assert_eq!(result.kind, check(text).metric.kind(), "{text}");
        }
    }

    #[test]
    fn intervals_are_those_of_shares_of_units() {
        for (text, ci95) in [
            ("conversion < 0%", Some((0.013776, 0.031890))),
            ("mature_conversion < 0%", Some((0.012348, 0.032240))),
            ("step_conversion(Checkout) < 0%", Some((0.096115, 0.161019))),
            ("reject_rate < 0%", None),
            ("converted < 0", None),
            ("time_p50 < 0s", None),
        ] {
            assert_eq!(result(text).ci95, ci95, "{text}");
        }
    }

    #[test]
    fn the_bound_itself_and_its_two_sides() {
        // 21 of 1,000, 50 people and 3 days are the values.
        for (bounds, statuses) in [
            (["conversion < 2%", "conversion < 2.1%", "conversion < 2.2%"], [false, false, true]),
            (["conversion <= 2%", "conversion <= 2.1%", "conversion <= 2.2%"], [false, true, true]),
            (["conversion > 0.020", "conversion > 0.021", "conversion > 0.022"], [true, false, false]),
            (["conversion >= 2.09%", "conversion >= 2.1%", "conversion >= 2.11%"], [true, true, false]),
            (["reached(3) < 49", "reached(3) < 50", "reached(3) < 51"], [false, false, true]),
            (["time_p50 > 71h", "time_p50 > 3d", "time_p50 > 3d 1us"], [true, false, false]),
        ] {
            let fails = bounds.map(|text| result(text).status == CheckStatus::Fail);
            assert_eq!(fails, statuses, "{bounds:?}");
        }
    }

    #[test]
    fn a_failure_goes_before_a_warning() {
        let both = |fail: &str, warn: &str| {
            let mut both = check(&format!("conversion {fail}"));
            both.warn = check(&format!("conversion {warn}")).fail;
            result_of(both, &sample::report())
        };
        assert_eq!(both("< 3%", "< 4%").status, CheckStatus::Fail);
        assert_eq!(both("< 2%", "< 4%").status, CheckStatus::Warn);
        assert_eq!(both("< 1%", "< 2%").status, CheckStatus::Pass);
        let warned = both("< 2%", "< 2.5%");
        assert_eq!((warned.fail.as_deref(), warned.warn.as_deref()), (Some("< 2%"), Some("< 2.5%")));
        assert_eq!(warned.message, "conversion in purchase is 2.10 % (n 1,000), which is < 2.5%");
    }

    #[test]
    fn too_few_are_no_verdict() {
        for (min_n, status) in [
            (999, CheckStatus::Fail),
            (1000, CheckStatus::Fail),
            (1001, CheckStatus::Insufficient),
            (u64::MAX, CheckStatus::Insufficient),
        ] {
            for text in ["conversion < 50%", "step_conversion(Cart) < 50%"] {
                let mut check = check(text);
                check.min_n = min_n;
                assert_eq!(result_of(check, &sample::report()).status, status, "{text}, {min_n}");
            }
        }
        // It would have passed: that is not said either.
        let mut check = check("conversion < 1%");
        check.min_n = 1001;
        let result = result_of(check, &sample::report());
        assert_eq!(result.status, CheckStatus::Insufficient);
        assert_eq!(result.message, "conversion in purchase: n is 1,000, fewer than the 1,001 asked for");
    }

    #[test]
    fn a_share_of_nothing_is_no_verdict() {
        let mut report = sample::report();
        let mut funnel = sample::funnel("empty", &sample::STEPS);
        (funnel.entered, funnel.converted) = (0, 0);
        funnel.conversion = sample::conversion(&[("View", 0), ("Purchase", 0)]);
        funnel.conversion.mature = None;
        funnel.time_to_purchase = sample::time_to_purchase(0);
        report.body.funnels.push(funnel);
        report.body.input.rows.read = 0;
        for text in [
            "conversion(empty) < 100%",
            "mature_conversion(empty) < 100%",
            "step_conversion(empty, Purchase) < 100%",
            "time_p50(empty) > 1s",
            "time_mean(empty) > 1s",
            "reject_rate > 1%",
        ] {
            let result = result_of(check(text), &report);
            assert_eq!((result.status, result.value), (CheckStatus::Insufficient, None), "{text}");
            assert_eq!(result.n, Some(0), "{text}");
        }
        // A count of nothing is a count.
        let result = result_of(check("converted(empty) < 1"), &report);
        assert_eq!((result.status, result.value), (CheckStatus::Fail, Some(CheckValue::Count(0))));
    }

    #[test]
    fn what_the_report_does_not_hold_is_an_error() {
        let missing = result("time_p99 > 3d");
        assert_eq!(missing.status, CheckStatus::Error);
        assert_eq!(missing.message, "time p99 in purchase: the report has no p99: add p99 to --quantiles");
        assert_eq!((missing.value, missing.n), (None, None));

        let unknown = result("conversion(signup) < 1%");
        assert_eq!(unknown.status, CheckStatus::Error);
        assert_eq!(unknown.message, "there is no funnel \"signup\"");
        assert_eq!(unknown.funnel.as_deref(), Some("signup"));

        let mut report = sample::report();
        report.body.funnels[0].definition.window_s = None;
        report.body.funnels[0].conversion.mature = None;
        let endless = result_of(check("mature_conversion < 1%"), &report);
        assert_eq!(endless.status, CheckStatus::Error);
        assert!(endless.message.ends_with("ask for conversion"), "{}", endless.message);
    }

    #[test]
    fn messages_name_what_and_how_many() {
        for (text, message) in [
            ("conversion < 1%", "conversion in purchase is 2.10 % (n 1,000)"),
            ("step_conversion(2) < 1%", "step conversion to Cart in purchase is 40.00 % (n 1,000)"),
            ("reached(2) < 500", "reached Cart in purchase is 400 (n 1,000), which is < 500"),
            ("persons < 1", "persons is 1,200 (n 1,200)"),
            ("time_p50 > 3d", "time p50 in purchase is 3d 0h, or 259,200 s (n 21)"),
        ] {
            assert_eq!(result(text).message, message);
        }
    }

    #[test]
    fn rounding_never_moves_a_value_onto_its_bound() {
        let text = |share: f64, bound: &str| {
            let bound = Threshold::parse(bound, super::super::MetricKind::Share).unwrap();
            value_text(CheckValue::Share(share), Some(&bound))
        };
        assert_eq!(text(0.02, "< 2.1%"), "2.00 %");
        assert_eq!(text(0.020_999, "< 2.1%"), "2.0999 %");
        assert_eq!(text(0.020_999_999, "< 2.1%"), "2.0999999 %");
        assert_eq!(text(0.021, "<= 2.1%"), "2.10 %");
    }

    #[test]
    fn a_step_is_told_by_number_and_name() {
        let result = result("step_conversion(Checkout) < 1%");
        assert_eq!((result.step, result.step_name.as_deref()), (Some(3), Some("Checkout")));
        assert_eq!(result.funnel.as_deref(), Some("purchase"));
    }
}
