//! A funnel from what is written and what was typed over it.

use super::args::FunnelArgs;
use super::failure::Failure;
use super::setting::{TypedKeys, funnel_failure};
use crate::definition::{DefinitionFile, Fault, FunnelTable, HoldTable, Path, UnitTable};
use crate::funnel::definition::Unit;
use crate::report::build::FunnelRequest;

/// How the unit of a column is typed.
const COLUMN: &str = "column:";

/// Settles a funnel. `file`: where the table is written, unless its steps were typed.
pub fn funnel_request(
    name: &str,
    written: &FunnelTable,
    file: Option<&DefinitionFile>,
    args: &FunnelArgs,
) -> Result<FunnelRequest, Failure> {
    let table = overlaid(written.clone(), args);
    let typed = typed_keys(args, file.is_none());
    let failure = |fault: Fault| {
        let fault = hinted(fault, &typed);
        funnel_failure(fault, &typed, file.map(|file| (file, Path::of("funnel").key(name))))
    };
    let funnel = table.settle(name).map_err(failure)?;
    let by_from = table.by_from(funnel.step_count()).map_err(failure)?;
    if args.by_from.is_some() && table.by.is_empty() {
        return Err(Failure::usage("--by-from says whose value a segment is, and there are no segments")
            .hint("name their columns with --by"));
    }
    Ok(FunnelRequest { funnel, by: table.by, by_from })
}

/// The table with what was typed in place of what is written.
fn overlaid(table: FunnelTable, args: &FunnelArgs) -> FunnelTable {
    let first = |typed: &Option<String>, written: Option<String>| typed.clone().or(written);
    let columns = |columns: &[String]| HoldTable::Columns(columns.to_vec());
    FunnelTable {
        steps: table.steps,
        rules: first(&args.rules, table.rules),
        window: first(&args.window, table.window),
        window_end: first(&args.window_end, table.window_end),
        unit: args.unit.as_deref().map(typed_unit).or(table.unit),
        tie: first(&args.tie, table.tie),
        tolerance: first(&args.tolerance, table.tolerance),
        order: first(&args.order, table.order),
        anchor: first(&args.anchor, table.anchor),
        open: args.open.or(table.open),
        row: first(&args.row, table.row),
        hold: if args.hold.is_empty() { table.hold } else { Some(columns(&args.hold)) },
        exclusion: first(&args.exclusion, table.exclusion),
        by: if args.by.is_empty() { table.by } else { args.by.clone() },
        by_from: first(&args.by_from, table.by_from),
    }
}

fn typed_unit(text: &str) -> UnitTable {
    match text.strip_prefix(COLUMN) {
        Some(column) => UnitTable::Column { column: column.to_owned() },
        None => UnitTable::Name(text.to_owned()),
    }
}

/// The keys that were typed, each with its flag and its text.
fn typed_keys(args: &FunnelArgs, has_typed_steps: bool) -> TypedKeys<'_> {
    let hold = args.hold.first();
    let open = args.open.map(|open| if open { "true" } else { "false" });
    let texts = [
        ("steps", "--steps", args.steps.as_ref().filter(|_| has_typed_steps)),
        ("rules", "--rules", args.rules.as_ref()),
        ("window", "--window", args.window.as_ref()),
        ("window_end", "--window-end", args.window_end.as_ref()),
        ("unit", "--unit", args.unit.as_ref()),
        ("tie", "--tie", args.tie.as_ref()),
        ("tolerance", "--tolerance", args.tolerance.as_ref()),
        ("order", "--order", args.order.as_ref()),
        ("anchor", "--anchor", args.anchor.as_ref()),
        ("row", "--row", args.row.as_ref()),
        ("hold", "--hold", hold),
        ("exclusion", "--exclusion", args.exclusion.as_ref()),
        ("by_from", "--by-from", args.by_from.as_ref()),
    ];
    let texts = texts.into_iter().filter_map(|(key, flag, text)| Some((key, flag, text?.as_str())));
    texts.chain(open.map(|open| ("open", "--open", open))).collect()
}

fn is_no_unit(text: &str) -> bool {
    let names = [Unit::Person, Unit::Session, Unit::Attempt].map(Unit::name);
    let has_column = text.strip_prefix(COLUMN).is_some_and(|column| !column.is_empty());
    !has_column && !names.contains(&text)
}

/// The fault with what whoever typed its key may have meant.
fn hinted(fault: Fault, typed: &TypedKeys<'_>) -> Fault {
    let key = fault.places.first().and_then(Path::first_key);
    let Some((key, _, text)) = typed.iter().find(|(typed_key, ..)| Some(*typed_key) == key) else {
        return fault;
    };
    let has_word = |wanted: &str| text.split(|sign: char| !sign.is_alphanumeric()).any(|word| word == wanted);
    let of_step = ["within", "after", "arrow", "nth"].into_iter().find(|term| has_word(term));
    let hint = match (*key, of_step) {
        ("steps", Some(term)) => format!(
            "{term} is a key of a step in the definition file: steps = [{{ event = \"view\" }}, {{ event = \"cart\", {term} = ... }}]"
        ),
        ("unit", _) if is_no_unit(text) && !fault.message.contains("did you mean") => {
            "each value of a column is typed as --unit column:NAME".to_owned()
        }
        _ => return fault,
    };
    Fault { hint: Some(hint), ..fault }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{ByFrom, Steps};
    use crate::event::{DAY_US, HOUR_US, SECOND_US};
    use crate::funnel::definition::{ChainEnd, Hold, RowRule};
    use crate::funnel::engine::Tie;
    use crate::funnel::options::{Exclusion, Order};
    use crate::funnel::rules::RuleSet;

    const WRITTEN: &str = "[funnel.f]\nsteps = \"a, !x, b, c\"\nrules = \"pinot\"\nwindow = \"1d\"\n\
        window_end = \"inclusive\"\nunit = \"session\"\ntie = \"file\"\nopen = true\nexclusion = \"void\"\n\
        row = \"first\"\nhold = \"product\"\nby = [\"device\"]\nby_from = \"last-seen\"\n";

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn request(file: &str, args: &FunnelArgs) -> Result<FunnelRequest, String> {
        let file = DefinitionFile::parse(file, "x.toml").unwrap();
        let typed = FunnelTable::of_steps(Steps::Text("a, !x, b, c".to_owned()));
        let request = match file.funnels().first() {
            Some((name, table)) => funnel_request(name, table, Some(&file), args),
            None => funnel_request("f", &typed, None, args),
        };
        request.map_err(|failure| failure.error.to_string())
    }

    #[test]
    fn every_flag_goes_before_its_key_and_before_the_rules() {
        let written = request(WRITTEN, &FunnelArgs::default()).unwrap();
        let terms = &written.funnel.terms;
        assert_eq!((terms.rules, terms.row, terms.open), (RuleSet::Pinot, RowRule::First, true));
        assert_eq!((written.funnel.unit, written.funnel.tie), (Unit::Session, Tie::File));
        assert_eq!(written.by_from, ByFrom::LastSeen);
        let args = FunnelArgs {
            rules: text("clickhouse"),
            window: text("2h"),
            window_end: text("exclusive"),
            unit: text("person"),
            tie: text("strict"),
            tolerance: text("2s"),
            order: text("ordered"),
            anchor: text("none"),
            open: Some(false),
            row: text("one"),
            hold: vec!["order".to_owned(), "shop".to_owned()],
            exclusion: text("drop"),
            by: vec!["country".to_owned()],
            by_from: text("step=2"),
            ..FunnelArgs::default()
        };
        let typed = request(WRITTEN, &args).unwrap();
        let (funnel, terms) = (&typed.funnel, &typed.funnel.terms);
        assert_eq!((funnel.window_us, terms.ends_exclusive), (Some(2 * HOUR_US), true));
        assert_eq!((funnel.unit, funnel.tie, terms.tolerance_us), (Unit::Person, Tie::Strict, 2 * SECOND_US));
        assert_eq!((terms.rules, terms.row, terms.open), (RuleSet::ClickHouse, RowRule::One, false));
        assert_eq!((terms.order, terms.exclusion), (Order::Ordered, Exclusion::Drop));
        let columns = vec!["order".to_owned(), "shop".to_owned()];
        assert_eq!(terms.hold, Some(Hold { columns, steps: None }));
        assert_eq!((typed.by, typed.by_from), (vec!["country".to_owned()], ByFrom::Step(1)));
    }

    #[test]
    fn units_and_ends_that_are_no_durations_are_typed_too() {
        let of = |args: FunnelArgs| request("", &args).unwrap().funnel;
        let column = of(FunnelArgs { unit: text("column:person"), ..FunnelArgs::default() });
        assert_eq!((column.unit, column.terms.unit_column.as_deref()), (Unit::Column, Some("person")));
        let attempt =
            of(FunnelArgs { unit: text("attempt"), window: text("same-day"), ..FunnelArgs::default() });
        assert_eq!((attempt.unit, attempt.terms.chain_end), (Unit::Attempt, ChainEnd::SameDay));
        let any = of(FunnelArgs { order: text("any"), anchor: text("first"), ..FunnelArgs::default() });
        assert_eq!((any.terms.order, any.window_us), (Order::Any { anchored: true }, Some(7 * DAY_US)));
    }

    #[test]
    fn what_is_wrong_is_told_with_the_flag_where_it_was_typed() {
        for (args, expected) in [
            (FunnelArgs { rules: text("posthogg"), ..FunnelArgs::default() }, "--rules: \"posthogg\" is not"),
            (
                FunnelArgs { window: text("-1d"), ..FunnelArgs::default() },
                "--window: a duration cannot be negative",
            ),
            (FunnelArgs { window: text("sesion"), ..FunnelArgs::default() }, "did you mean session?"),
            (FunnelArgs { tolerance: text("5"), ..FunnelArgs::default() }, "--tolerance: a duration needs a"),
            (
                FunnelArgs { anchor: text("first"), ..FunnelArgs::default() },
                "--anchor: anchor = first is for",
            ),
            (FunnelArgs { window_end: text("in"), ..FunnelArgs::default() }, "--window-end: \"in\" is not"),
            (
                FunnelArgs { unit: text("atempt"), ..FunnelArgs::default() },
                "--unit: \"atempt\" is not person,",
            ),
            (FunnelArgs { row: text("none"), ..FunnelArgs::default() }, "--row: \"none\" is not one, many"),
            (FunnelArgs { exclusion: text("d"), ..FunnelArgs::default() }, "--exclusion: \"d\" is not void"),
            (FunnelArgs { tie: text("stict"), ..FunnelArgs::default() }, "--tie: \"stict\" is not step"),
            (FunnelArgs { by_from: text("person"), ..FunnelArgs::default() }, "there are no segments"),
            (
                FunnelArgs { by_from: text("step=4"), by: vec!["x".to_owned()], ..FunnelArgs::default() },
                "--by-from: there is no step 4: the funnel has 3",
            ),
            (
                FunnelArgs { order: text("any"), exclusion: text("drop"), ..FunnelArgs::default() },
                "exclusion = drop and remove look at attempts in order",
            ),
        ] {
            let error = request("", &args).expect_err(expected);
            assert!(error.contains(expected), "{error}");
        }
        let file = "[funnel.f]\nsteps = \"a, b\"\nrow = \"two\"\n";
        let error = request(file, &FunnelArgs::default()).unwrap_err();
        assert!(error.contains("x.toml:3:7: \"two\" is not"), "{error}");
    }
}
