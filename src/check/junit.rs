//! Checks as JUnit, for whoever shows tests: one suite, one case per check.
//!
//! Without clock and without run time, so that the same checks give the same bytes.

use super::outcome::{CheckReport, CheckResult, CheckStatus, UNTRUSTED};
use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite, XmlString};

/// The name of the suite.
const SUITE: &str = "dropoff";
/// The class of checks that are about no funnel.
const INPUT_CLASS: &str = "input";

impl CheckReport {
    /// The XML text. A failed check is a failure and one in error an error; one with too few units
    /// is skipped, as forms for tests have no other word for "no verdict"; a warning passes and
    /// says so in its output. Input that is not to be trusted is an error of its own.
    pub fn junit(&self) -> Result<String, SerializeError> {
        let mut suite = TestSuite::new(SUITE);
        suite.add_test_cases(self.checks.iter().map(case));
        if !self.trusted {
            let mut case =
                TestCase::new("input is trusted", TestCaseStatus::non_success(NonSuccessKind::Error));
            case.set_classname(INPUT_CLASS);
            case.status.set_message(UNTRUSTED);
            suite.add_test_case(case);
        }
        let mut report = Report::new(SUITE);
        report.add_test_suite(suite);
        report.to_string()
    }
}

fn case(check: &CheckResult) -> TestCase {
    let status = match check.status {
        CheckStatus::Pass | CheckStatus::Warn => TestCaseStatus::success(),
        CheckStatus::Insufficient => TestCaseStatus::skipped(),
        CheckStatus::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        CheckStatus::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let mut case = TestCase::new(xml_text(&check.name), status);
    case.set_classname(xml_text(check.funnel.as_deref().unwrap_or(INPUT_CLASS)));
    case.status.set_message(xml_text(&check.message));
    if check.status == CheckStatus::Warn {
        case.set_system_out(xml_text(&format!("warning: {}", check.message)));
    }
    case
}

/// The two signs that XML forbids beside the control signs, which the library takes out.
fn xml_text(text: &str) -> XmlString {
    XmlString::new(text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}"))
}

#[cfg(test)]
mod tests {
    use super::super::{Check, Severity, evaluate};
    use super::CheckResult;
    use crate::report::sample;
    use proptest::prelude::*;

    fn check(text: &str, severity: Severity, min_n: u64) -> Check {
        Check { min_n, ..Check::parse_expression(text, severity).unwrap() }
    }

    #[test]
    fn every_status_has_its_form() {
        let checks = [
            check("conversion < 1%", Severity::Fail, 0),
            check("conversion < 3%", Severity::Fail, 0),
            check("conversion < 3%", Severity::Warn, 0),
            check("persons < 1", Severity::Fail, 5_000),
            check("time_p99 > 3d", Severity::Fail, 0),
        ];
        let xml = evaluate(&checks, &sample::report()).junit().unwrap();
        let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="dropoff" tests="5" skipped="1" failures="1" errors="1">
    <testsuite name="dropoff" tests="5" skipped="1" errors="1" failures="1">
        <testcase name="conversion &lt; 1%" classname="purchase"/>
        <testcase name="conversion &lt; 3%" classname="purchase">
            <failure message="conversion in purchase is 2.10 % (n 1,000), which is &lt; 3%"/>
        </testcase>
        <testcase name="conversion &lt; 3%" classname="purchase">
            <system-out>warning: conversion in purchase is 2.10 % (n 1,000), which is &lt; 3%</system-out>
        </testcase>
        <testcase name="persons &lt; 1" classname="input">
            <skipped message="persons: n is 1,200, fewer than the 5,000 asked for"/>
        </testcase>
        <testcase name="time_p99 &gt; 3d" classname="purchase">
            <error message="time p99 in purchase: the report has no p99: add p99 to --quantiles"/>
        </testcase>
    </testsuite>
</testsuites>
"#;
        assert_eq!(xml, expected);
    }

    #[test]
    fn names_that_xml_cannot_hold_are_cleaned() {
        let mut check = check("persons < 1", Severity::Fail, 0);
        check.name = "a\u{0}\u{1b}[2J\u{fffe}\u{ffff}<\"&>ב".to_owned();
        let xml = evaluate(&[check], &sample::report()).junit().unwrap();
        assert!(xml.contains("name=\"a\u{fffd}\u{fffd}&lt;&quot;&amp;&gt;ב\""), "{xml}");
    }

    proptest! {
        #[test]
        fn any_text_is_told_in_sound_xml(name in any::<String>(), message in any::<String>(), funnel in "\\PC{0,9}") {
            let mut report = evaluate(&[check("persons < 1", Severity::Fail, 0)], &sample::report());
            let told = report.junit().unwrap();
            report.checks[0] = CheckResult { name, message, funnel: Some(funnel), ..report.checks[0].clone() };
            let xml = report.junit().unwrap();
            // The characters of XML 1.0, section 2.2.
            let is_sound = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
            prop_assert!(xml.chars().all(is_sound), "{:?}", xml);
            prop_assert!(!xml.contains('\x1b'));
            let counts = |xml: &str| ['<', '>', '"'].map(|sign| xml.matches(sign).count());
            prop_assert_eq!(counts(&xml), counts(&told));
            for (at, _) in xml.match_indices('&') {
                let end = xml[at..].find(';').map_or("", |end| &xml[at + 1..at + end]);
                let is_known = ["lt", "gt", "amp", "quot", "apos"].contains(&end)
                    || end.strip_prefix('#').is_some_and(|code| code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
                prop_assert!(is_known, "{:?}", &xml[at..]);
            }
        }
    }

    #[test]
    fn no_checks_are_an_empty_suite() {
        let xml = evaluate(&[], &sample::report()).junit().unwrap();
        assert!(xml.contains("tests=\"0\""), "{xml}");
    }
}
