//! Checks as they are read, and held against the names of funnels.

use super::*;
use crate::definition::DefinitionFile;

fn table(text: &str) -> CheckTable {
    let file = DefinitionFile::parse(&format!("[[check]]\n{text}\n"), "x.toml").unwrap();
    file.check.into_iter().next().unwrap()
}

fn expression(text: &str) -> Check {
    Check::parse_expression(text, Severity::Fail).unwrap()
}

/// What is wrong with an expression, and what to do.
fn fault(text: &str) -> (String, String) {
    let error = Check::parse_expression(text, Severity::Fail).unwrap_err();
    (error.to_string(), error.hint())
}

fn shop() -> FunnelNames<'static> {
    FunnelNames { name: "purchase", steps: vec!["View", "Cart", "Checkout", "View", "Purchase"] }
}

fn signup() -> FunnelNames<'static> {
    FunnelNames { name: "signup", steps: vec!["Visit", "Account"] }
}

/// Why a check cannot be asked of these funnels.
fn misfit(text: &str, funnels: &[FunnelNames<'_>]) -> (CheckErrorKind, String) {
    let error = expression(text).validate(funnels).unwrap_err();
    let hint = error.hint();
    (error.kind, hint)
}

#[test]
fn a_table_of_the_definition_file_is_read() {
    let check = Check::from_table(&table(
        "name = 'checkout'\nmetric = 'step_conversion'\nfunnel = 'purchase'\nstep = 'Checkout'\n\
         fail = '< 40%'\nwarn = '<= 0.5'\nmin_n = 500",
    ))
    .unwrap();
    assert_eq!(check.name, "checkout");
    assert_eq!(check.metric, Metric::StepConversion);
    assert_eq!(check.funnel.as_deref(), Some("purchase"));
    assert_eq!(check.step, Some(StepRef::Name("Checkout".to_owned())));
    assert_eq!(check.fail.unwrap().value, 0.4);
    assert_eq!(check.warn.unwrap().value, 0.5);
    assert_eq!(check.min_n, 500);
}

#[test]
fn a_table_without_name_is_called_by_its_metric() {
    for (text, name) in [
        ("metric = 'conversion'\nfail = '< 2%'", "conversion"),
        ("metric = 'conversion'\nfunnel = 'purchase'\nwarn = '< 2%'", "conversion(purchase)"),
        ("metric = 'reached'\nstep = 2\nfail = '< 2'", "reached(2)"),
        ("metric = 'reached'\nfunnel = 'a'\nstep = 'Cart'\nfail = '< 2'", "reached(a, Cart)"),
    ] {
        let check = Check::from_table(&table(text)).unwrap();
        assert_eq!((check.name.as_str(), check.min_n), (name, 0));
    }
}

#[test]
fn a_faulty_table_says_which_check_and_what_to_do() {
    for (text, message, hint) in [
        (
            "name = 'a'\nmetric = 'convresion'\nfail = '< 2%'",
            "check \"a\": there is no metric \"convresion\"",
            "the nearest name is \"conversion\"; the metrics are conversion, mature_conversion, ",
        ),
        (
            "metric = 'freshness'\nfail = '> 26h'",
            "check \"freshness\": there is no metric \"freshness\"",
            "the metrics are conversion, ",
        ),
        (
            "metric = 'conversion'",
            "check \"conversion\": neither fail nor warn is given",
            "say which values are bad",
        ),
        (
            "metric = 'conversion'\nfail = '< 2%'\nwarn = '< 3d'",
            "check \"conversion\": cannot read \"3d\" as a share",
            "write a per cent such as < 2.1%",
        ),
    ] {
        let error = Check::from_table(&table(text)).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(error.hint().starts_with(hint), "{}", error.hint());
    }
}

#[test]
fn expressions_say_metric_names_and_bound() {
    let check = expression(" conversion < 2.1% ");
    assert_eq!((check.name.as_str(), check.metric), ("conversion < 2.1%", Metric::Conversion));
    assert_eq!((check.funnel, check.step, check.min_n, check.warn), (None, None, 0, None));
    assert_eq!(check.fail.unwrap().to_string(), "< 2.1%");

    let check = expression("conversion(purchase) < 2.1%");
    assert_eq!((check.funnel.as_deref(), check.step), (Some("purchase"), None));

    let check = expression("step_conversion(purchase, Checkout) < 40%");
    assert_eq!(check.funnel.as_deref(), Some("purchase"));
    assert_eq!(check.step, Some(StepRef::Name("Checkout".to_owned())));

    // One name alone is the step where a step is needed.
    let check = expression("reached('Add, then buy') <= 7");
    assert_eq!((check.funnel, check.step), (None, Some(StepRef::Name("Add, then buy".to_owned()))));
    assert_eq!(expression("reached(3) <= 7").step, Some(StepRef::Number(3)));

    let warns = Check::parse_expression("time_p90 > 3d", Severity::Warn).unwrap();
    assert_eq!((warns.fail, warns.warn.unwrap().value), (None, 259_200.0));
}

#[test]
fn faulty_expressions_say_what_to_write() {
    let (message, hint) = fault("conversion(a < 2%");
    assert_eq!(message, "check \"conversion(a < 2%\": the parenthesis is never closed");
    assert_eq!(hint, "conversion(a < 2%\n          ^");
    let (message, hint) = fault("< 2%");
    assert_eq!(message, "check \"< 2%\": a check starts with its metric");
    assert_eq!(hint, "write e.g. conversion(purchase) < 2.1%\n< 2%\n^");
    let (message, hint) = fault("step_convertion(Cart) < 2%");
    assert_eq!(message, "check \"step_convertion(Cart) < 2%\": there is no metric \"step_convertion\"");
    assert!(hint.starts_with("the nearest name is \"step_conversion\""), "{hint}");
    let (message, _) = fault("conversion(a)");
    assert_eq!(message, "check \"conversion(a)\": \"\" does not start with <, <=, > or >=");
    let (message, hint) = fault("time_p50 > 3");
    assert!(
        message
            .ends_with("cannot read \"3\" as a duration: a duration needs a unit: us, ms, s, m, h, d or w")
    );
    assert_eq!(hint, "write a duration such as > 30m or > 7d");
}

#[test]
fn names_that_are_there_are_found() {
    let (one, two) = ([shop()], [shop(), signup()]);
    for (text, funnels, place) in [
        ("persons < 10", &two[..0], Place::Input),
        ("conversion < 1%", &one[..], Place::Funnel(0)),
        ("conversion(signup) < 1%", &two[..], Place::Funnel(1)),
        ("reached(1) < 1", &one[..], Place::Step { funnel: 0, step: 0 }),
        ("reached(5) < 1", &one[..], Place::Step { funnel: 0, step: 4 }),
        ("step_conversion(2) < 1%", &one[..], Place::Step { funnel: 0, step: 1 }),
        ("step_conversion(signup, Account) < 1%", &two[..], Place::Step { funnel: 1, step: 1 }),
    ] {
        let check = expression(text);
        assert_eq!(check.place(funnels), Ok(place), "{text}");
        assert_eq!(check.validate(funnels), Ok(()), "{text}");
    }
}

#[test]
fn names_that_are_not_there_are_refused() {
    let (one, two) = ([shop()], [shop(), signup()]);
    let (kind, hint) = misfit("conversion(purchse) < 1%", &two);
    assert!(matches!(kind, CheckErrorKind::UnknownFunnel { funnel, .. } if funnel == "purchse"));
    assert_eq!(hint, "the nearest name is \"purchase\"; the funnels are \"purchase\", \"signup\"");

    let (kind, hint) = misfit("conversion < 1%", &two);
    assert_eq!(kind.to_string(), "there are 2 funnels, and none is named");
    assert_eq!(hint, "name one of \"purchase\", \"signup\"");
    let (kind, hint) = misfit("conversion < 1%", &[]);
    assert_eq!(kind.to_string(), "there is no funnel");
    assert_eq!(hint, "give --steps, or a [funnel.NAME] in the definition file");

    let (kind, hint) = misfit("reached(chekout) < 1", &one);
    assert_eq!(kind.to_string(), "funnel \"purchase\" has no step \"chekout\"");
    assert!(
        hint.starts_with("the nearest name is \"Checkout\"; the steps are \"View\", \"Cart\", "),
        "{hint}"
    );
    for number in ["0", "6"] {
        let (kind, hint) = misfit(&format!("reached({number}) < 1"), &one);
        assert_eq!(kind.to_string(), format!("funnel \"purchase\" has no step {number}"));
        assert!(hint.starts_with("the steps are \"View\""), "{hint}");
    }
}

#[test]
fn steps_stand_where_they_belong_and_only_there() {
    let one = [shop()];
    let (kind, hint) = misfit("step_conversion < 1%", &one);
    assert_eq!(kind.to_string(), "step_conversion needs a step");
    assert_eq!(hint, "name one of \"View\", \"Cart\", \"Checkout\", \"View\", \"Purchase\"");
    let (kind, _) = misfit("conversion(purchase, Cart) < 1%", &one);
    assert_eq!(kind.to_string(), "conversion takes no step");
    let (kind, hint) = misfit("persons(purchase) < 1", &one);
    assert_eq!(kind.to_string(), "persons is of the whole input and takes no funnel");
    assert_eq!(hint, "write persons alone");
    let (kind, hint) = misfit("reached(View) < 1", &one);
    assert_eq!(kind.to_string(), "several steps are called \"View\"");
    assert_eq!(hint, "give its number: 1 or 4");
    let (kind, _) = misfit("step_conversion(1) < 1%", &one);
    assert_eq!(kind, CheckErrorKind::FirstStep);
}

#[test]
fn the_quantiles_that_are_needed_come_once_and_in_order() {
    let checks = ["time_p95 > 3d", "conversion < 1%", "time_p50 > 1d", "time_p95 > 5d", "time_mean > 1d"]
        .map(expression);
    let quantiles: Vec<String> = Check::quantiles(&checks).iter().map(Quantile::to_string).collect();
    assert_eq!(quantiles, ["p50", "p95"]);
    assert!(Check::quantiles(&[]).is_empty());
}
