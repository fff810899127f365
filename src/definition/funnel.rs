//! A funnel's table in the definition file: every key of it, and what they say together.
//!
//! Keys that are not written are those of the rules that the funnel starts from (`rules`). What the
//! text of a key means is settled here, and whether the keys make sense together.

use super::{OneOrMore, StepRef};
use crate::condition::SyntaxError;
use crate::decode::time::parse_duration_us;
use crate::funnel::definition::{ChainEnd, Funnel, Hold, RowRule, Terms, Unit};
use crate::funnel::engine::Tie;
use crate::funnel::options::{Exclusion, Order};
use crate::funnel::rules::{Preset, PresetWindow, RuleSet};
use crate::funnel::steps::{StepSpec, check_steps, one_of, parse_steps, unknown};
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor, value::SeqAccessDeserializer};
use std::fmt;

/// `[funnel.NAME]`, as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunnelTable {
    pub steps: Steps,
    pub rules: Option<String>,
    pub window: Option<String>,
    pub window_end: Option<String>,
    pub unit: Option<UnitTable>,
    pub tie: Option<String>,
    pub tolerance: Option<String>,
    pub order: Option<String>,
    pub anchor: Option<String>,
    pub open: Option<bool>,
    pub row: Option<String>,
    pub hold: Option<HoldTable>,
    pub exclusion: Option<String>,
    #[serde(default)]
    pub by: Vec<String>,
    pub by_from: Option<String>,
}

/// What is counted: a name, or a column.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected person, session, attempt or { column = \"order_id\" }"
)]
pub enum UnitTable {
    Name(String),
    Column { column: String },
}

/// Columns to hold, for all steps or for some.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected columns, or { column = \"product_id\", steps = [\"Cart\", 3] }"
)]
pub enum HoldTable {
    Columns(OneOrMore),
    OnSteps { column: OneOrMore, steps: Vec<StepRef> },
}

/// Which row's value of a segment column a unit is counted under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ByFrom {
    /// The unit's first row of step 1 in the range.
    #[default]
    FirstEntry,
    /// The row of the winning chain for this step, from 0.
    Step(usize),
    /// The first row of the winning chain that has a value.
    FirstSeen,
    /// The last one.
    LastSeen,
    /// What is known of the person as of the first entry.
    Person,
}

impl fmt::Display for ByFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ByFrom::FirstEntry => f.write_str("first-entry"),
            ByFrom::Step(step) => write!(f, "step={}", step + 1),
            ByFrom::FirstSeen => f.write_str("first-seen"),
            ByFrom::LastSeen => f.write_str("last-seen"),
            ByFrom::Person => f.write_str("person"),
        }
    }
}

impl ByFrom {
    /// What units are called that have no row to take a value from.
    pub fn no_row_text(self) -> String {
        match self {
            ByFrom::Step(step) => format!("(no step {})", step + 1),
            // All units have an entry and a chain.
            ByFrom::FirstEntry | ByFrom::FirstSeen | ByFrom::LastSeen | ByFrom::Person => "(none)".to_owned(),
        }
    }
}

impl std::str::FromStr for ByFrom {
    type Err = String;

    fn from_str(text: &str) -> Result<ByFrom, String> {
        if let Some(number) = text.strip_prefix("step=") {
            let step = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            return step
                .map(ByFrom::Step)
                .ok_or_else(|| format!("{number:?} is not the number of a step, from 1"));
        }
        let named = [
            ("first-entry", ByFrom::FirstEntry),
            ("first-seen", ByFrom::FirstSeen),
            ("last-seen", ByFrom::LastSeen),
            ("person", ByFrom::Person),
        ];
        one_of(text, &named)
            .map_err(|_| unknown(text, &["first-entry", "step=k", "first-seen", "last-seen", "person"]))
    }
}

/// Steps as a list of tables, or in the grammar of `--steps`.
#[derive(Debug, Clone, PartialEq)]
pub struct Steps(pub Vec<StepSpec>);

impl<'de> Deserialize<'de> for Steps {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Steps, D::Error> {
        struct StepsVisitor;
        impl<'de> Visitor<'de> for StepsVisitor {
            type Value = Steps;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of steps, or a text such as \"view, cart, purchase\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Steps, E> {
                parse_steps(text).map(Steps).map_err(|error: SyntaxError| E::custom(error.explain(text)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, steps: A) -> Result<Steps, A::Error> {
                let steps = Vec::<StepSpec>::deserialize(SeqAccessDeserializer::new(steps))?;
                check_steps(&steps).map_err(|fault| {
                    let hint = fault.hint.map_or(String::new(), |hint| format!("; {hint}"));
                    de::Error::custom(format!("step {}: {}{hint}", fault.step + 1, fault.message))
                })?;
                Ok(Steps(steps))
            }
        }
        deserializer.deserialize_any(StepsVisitor)
    }
}

/// How long a chain may last, as written or by the rules.
enum Window {
    Total(i64),
    PerStep(i64),
    End(ChainEnd),
}

/// What is wrong with a funnel's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettleError {
    pub funnel: String,
    /// The key at fault; `None` where several keys do not go together.
    pub key: Option<&'static str>,
    pub message: String,
}

impl fmt::Display for SettleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SettleError { funnel, key, message } = self;
        match key {
            Some(key) => write!(f, "{key} of funnel {funnel}: {message}"),
            None => write!(f, "funnel {funnel}: {message}"),
        }
    }
}

impl FunnelTable {
    /// A table with nothing but steps.
    pub fn of_steps(steps: Vec<StepSpec>) -> FunnelTable {
        FunnelTable {
            steps: Steps(steps),
            rules: None,
            window: None,
            window_end: None,
            unit: None,
            tie: None,
            tolerance: None,
            order: None,
            anchor: None,
            open: None,
            row: None,
            hold: None,
            exclusion: None,
            by: Vec::new(),
            by_from: None,
        }
    }

    /// The funnel with every rule settled, or what is wrong and under which key.
    pub fn settle(&self, name: &str) -> Result<Funnel, SettleError> {
        let at = |key: &'static str| {
            move |message: String| SettleError { funnel: name.to_owned(), key: Some(key), message }
        };
        let rules: RuleSet = read(self.rules.as_deref()).map_err(at("rules"))?.unwrap_or_default();
        let preset = rules.preset();
        let mut funnel = Funnel {
            name: name.to_owned(),
            steps: self.steps.0.clone(),
            window_us: None,
            unit: Unit::default(),
            tie: read(self.tie.as_deref()).map_err(at("tie"))?.unwrap_or(preset.tie),
            terms: Terms { rules, ..Terms::default() },
        };
        let terms = &mut funnel.terms;
        terms.order = self.order().map_err(|(key, error)| at(key)(error))?;
        terms.open = self.open.unwrap_or(false);
        terms.row = choose(self.row.as_deref(), &ROW_RULES).map_err(at("row"))?.unwrap_or(preset.row);
        let exclusion = choose(self.exclusion.as_deref(), &EXCLUSIONS).map_err(at("exclusion"))?;
        let tolerance_us = duration(self.tolerance.as_deref()).map_err(at("tolerance"))?;
        // What the rules say of attempts in order has no meaning without an order.
        if terms.order == Order::Ordered && !terms.open {
            terms.exclusion = exclusion.unwrap_or(preset.exclusion);
            (terms.blocked, terms.entry, terms.choice) = (preset.blocked, preset.entry, preset.choice);
        } else {
            terms.exclusion = exclusion.unwrap_or_default();
            (terms.blocked, terms.entry, terms.choice) = Default::default();
        }
        let forgives = funnel.tie == Tie::Step && terms.order == Order::Ordered;
        terms.tolerance_us = tolerance_us.unwrap_or(if forgives { preset.tolerance_us } else { 0 });
        self.settle_window(&preset, &mut funnel).map_err(|(key, error)| at(key)(error))?;
        (funnel.unit, funnel.terms.unit_column) = self.unit().map_err(at("unit"))?;
        funnel.terms.hold = self.hold(&funnel).map_err(at("hold"))?;
        let together = |message: String| SettleError { funnel: name.to_owned(), key: None, message };
        funnel.check().map_err(together)?;
        Ok(funnel)
    }

    fn order(&self) -> Result<Order, (&'static str, String)> {
        let is_any = choose(self.order.as_deref(), &[("ordered", false), ("any", true)]);
        let is_anchored = choose(self.anchor.as_deref(), &[("none", false), ("first", true)]);
        let is_any = is_any.map_err(|error| ("order", error))?.unwrap_or(false);
        let is_anchored = is_anchored.map_err(|error| ("anchor", error))?.unwrap_or(false);
        match (is_any, is_anchored) {
            (true, anchored) => Ok(Order::Any { anchored }),
            (false, false) => Ok(Order::Ordered),
            (false, true) => Err((
                "anchor",
                "anchor = first is for order = any; in order the first step is first".to_owned(),
            )),
        }
    }

    fn settle_window(&self, preset: &Preset, funnel: &mut Funnel) -> Result<(), (&'static str, String)> {
        let window = self.window(preset).map_err(|error| ("window", error))?;
        let end = choose(self.window_end.as_deref(), &[("inclusive", false), ("exclusive", true)]);
        let ends_exclusive = end.map_err(|error| ("window_end", error))?;
        match window {
            Window::Total(window_us) => {
                funnel.window_us = Some(window_us);
                funnel.terms.ends_exclusive = ends_exclusive.unwrap_or(preset.ends_exclusive);
            }
            _ if ends_exclusive == Some(true) => {
                return Err((
                    "window_end",
                    "only a window of some length from step 1 has an end to exclude".to_owned(),
                ));
            }
            Window::PerStep(within_us) => {
                for step in funnel.steps.iter_mut().filter(|step| !step.optional).skip(1) {
                    step.terms.within_us.get_or_insert(within_us);
                }
            }
            Window::End(end) => funnel.terms.chain_end = end,
        }
        Ok(())
    }

    fn window(&self, preset: &Preset) -> Result<Window, String> {
        let Some(text) = self.window.as_deref() else {
            return Ok(match preset.window {
                PresetWindow::Total(window_us) => Window::Total(window_us),
                PresetWindow::PerStep | PresetWindow::None => Window::End(ChainEnd::Nothing),
            });
        };
        let named = [
            ("none", ChainEnd::Nothing),
            ("session", ChainEnd::Session),
            ("same-day", ChainEnd::SameDay),
            ("same-week", ChainEnd::SameWeek),
        ];
        if let Ok(end) = one_of(text, &named) {
            return Ok(Window::End(end));
        }
        // A text without digits was meant as one of the names.
        if !text.contains(|sign: char| sign.is_ascii_digit()) {
            return Err(unknown(
                text,
                &["none", "session", "same-day", "same-week", "a duration such as 7d"],
            ));
        }
        let window_us = read_duration(text)?;
        Ok(if preset.window == PresetWindow::PerStep {
            Window::PerStep(window_us)
        } else {
            Window::Total(window_us)
        })
    }

    fn unit(&self) -> Result<(Unit, Option<String>), String> {
        Ok(match &self.unit {
            None => (Unit::default(), None),
            Some(UnitTable::Name(name)) => {
                let named = [Unit::Person, Unit::Session, Unit::Attempt].map(|unit| (unit.name(), unit));
                (one_of(name, &named)?, None)
            }
            Some(UnitTable::Column { column }) => (Unit::Column, Some(column.clone())),
        })
    }

    fn hold(&self, funnel: &Funnel) -> Result<Option<Hold>, String> {
        let (columns, refs) = match &self.hold {
            None => return Ok(None),
            Some(HoldTable::Columns(columns)) => (columns, None),
            Some(HoldTable::OnSteps { column, steps }) => (column, Some(steps)),
        };
        let columns = columns.clone().into_vec();
        if columns.is_empty() {
            return Err("names no column".to_owned());
        }
        let Some(refs) = refs else { return Ok(Some(Hold { columns, steps: None })) };
        let names: Vec<&str> = funnel.required().map(|step| step.name.as_str()).collect();
        let mut steps = Vec::new();
        for wanted in refs {
            let place = match wanted {
                StepRef::Number(number) => number.checked_sub(1).filter(|&place| place < names.len()),
                StepRef::Name(wanted) => names.iter().position(|name| name == wanted),
            };
            steps.push(place.ok_or_else(|| match wanted {
                StepRef::Number(number) => format!("there is no required step {number}"),
                StepRef::Name(wanted) => unknown(wanted, &names),
            })? as u16);
        }
        steps.sort_unstable();
        steps.dedup();
        if steps.is_empty() {
            return Err("names no step".to_owned());
        }
        Ok(Some(Hold { columns, steps: Some(steps) }))
    }

    /// Which row the segment of a unit of the settled funnel is taken from.
    pub fn by_from(&self, funnel: &Funnel) -> Result<ByFrom, SettleError> {
        let steps = funnel.step_count();
        let at = |message: String| SettleError { funnel: funnel.name.clone(), key: Some("by_from"), message };
        match read::<ByFrom>(self.by_from.as_deref()).map_err(at)? {
            Some(ByFrom::Step(step)) if step >= steps => {
                Err(at(format!("there is no step {}: the funnel has {steps} that are required", step + 1)))
            }
            by_from => Ok(by_from.unwrap_or_default()),
        }
    }
}

const ROW_RULES: [(&str, RowRule); 3] =
    [("one", RowRule::One), ("many", RowRule::Many), ("first", RowRule::First)];

const EXCLUSIONS: [(&str, Exclusion); 3] =
    [("void", Exclusion::Void), ("drop", Exclusion::Drop), ("remove", Exclusion::Remove)];

fn read<T: std::str::FromStr<Err = String>>(text: Option<&str>) -> Result<Option<T>, String> {
    text.map(str::parse).transpose()
}

fn choose<T: Copy>(text: Option<&str>, values: &[(&str, T)]) -> Result<Option<T>, String> {
    text.map(|text| one_of(text, values)).transpose()
}

fn duration(text: Option<&str>) -> Result<Option<i64>, String> {
    text.map(read_duration).transpose()
}

fn read_duration(text: &str) -> Result<i64, String> {
    parse_duration_us(text).map_err(|error| format!("{text:?}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::super::DefinitionFile;
    use super::*;
    use crate::event::{DAY_US, HOUR_US, SECOND_US};
    use crate::funnel::options::{Choice, Entry};
    use crate::funnel::steps::Arrow;

    fn settle(keys: &str) -> Result<Funnel, String> {
        let steps = if keys.contains("{ event") { "" } else { "steps = \"a, b?, c, d\"\n" };
        let text = format!("[funnel.f]\n{steps}{keys}\n");
        let file = DefinitionFile::parse(&text, "x.toml").map_err(|error| error.message)?;
        file.funnels()[0].1.settle("f").map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_written_is_our_rules() {
        let funnel = settle("").unwrap();
        assert_eq!((funnel.window_us, funnel.unit, funnel.tie), (Some(7 * DAY_US), Unit::Person, Tie::Step));
        assert_eq!(funnel.terms, Terms::default());
        assert!(funnel.rules().options.is_plain());
    }

    #[test]
    fn every_key_has_its_say() {
        let funnel = settle(
            "window = \"1h\"\nwindow_end = \"exclusive\"\ntie = \"strict\"\ntolerance = \"2s\"\nrow = \"many\"\n\
             exclusion = \"drop\"\nhold = { column = \"product\", steps = [\"c\", 1] }\nby_from = \"step=2\"",
        )
        .unwrap();
        assert_eq!(funnel.rules().window_us, Some(HOUR_US - 1));
        let terms = &funnel.terms;
        assert_eq!((funnel.tie, terms.tolerance_us, terms.row), (Tie::Strict, 2 * SECOND_US, RowRule::Many));
        assert_eq!(terms.exclusion, Exclusion::Drop);
        let hold = Hold { columns: vec!["product".to_owned()], steps: Some(vec![0, 1]) };
        assert_eq!(terms.hold, Some(hold));

        let funnel = settle("steps = [{ event = \"a\" }, { event = \"c\" }]\norder = \"any\"\nanchor = \"first\"\nwindow = \"session\"").unwrap();
        assert_eq!(funnel.terms.order, Order::Any { anchored: true });
        assert_eq!((funnel.window_us, funnel.terms.chain_end), (None, ChainEnd::Session));
        let funnel = settle("open = true\nwindow = \"same-week\"\nunit = \"session\"").unwrap();
        assert!(funnel.terms.open);
        assert_eq!((funnel.unit, funnel.terms.chain_end), (Unit::Session, ChainEnd::SameWeek));
        let funnel = settle("unit = { column = \"order_id\" }\nhold = []").unwrap_err();
        assert_eq!(funnel, "hold of funnel f: names no column");
        let funnel = settle("unit = { column = \"order_id\" }").unwrap();
        assert_eq!((funnel.unit, funnel.terms.unit_column.as_deref()), (Unit::Column, Some("order_id")));
        let funnel =
            settle("steps = [{ event = \"a\" }, { event = \"b\", arrow = \"adjacent\", after = \"1s\" }]")
                .unwrap();
        assert_eq!(funnel.rules().options.gap(0).after_us, SECOND_US);
        assert!(
            funnel.has_arrows()
                && funnel.steps[1].terms.arrow == Arrow { adjacent: true, ..Arrow::default() }
        );
    }

    #[test]
    fn a_written_key_goes_before_the_rules() {
        let posthog = settle("rules = \"posthog\"").unwrap();
        assert_eq!((posthog.window_us, posthog.terms.choice), (Some(14 * DAY_US), Choice::LatestStart));
        assert_eq!(posthog.terms.exclusion, Exclusion::Remove);
        let ours =
            settle("rules = \"posthog\"\nwindow = \"1d\"\nexclusion = \"void\"\ntie = \"file\"").unwrap();
        assert_eq!(
            (ours.window_us, ours.tie, ours.terms.exclusion),
            (Some(DAY_US), Tie::File, Exclusion::Void)
        );
        let pinot = settle("rules = \"pinot\"\nwindow_end = \"inclusive\"").unwrap();
        assert_eq!((pinot.terms.ends_exclusive, pinot.terms.row), (false, RowRule::First));
        let mixpanel = settle("rules = \"mixpanel\"").unwrap();
        assert_eq!((mixpanel.terms.entry, mixpanel.terms.tolerance_us), (Entry::First, 2 * SECOND_US));
        // The grace belongs to ties that are forgiven.
        assert_eq!(settle("rules = \"mixpanel\"\ntie = \"file\"").unwrap().terms.tolerance_us, 0);
        // Without an order there are no attempts to choose from.
        let any = settle("steps = [{ event = \"a\" }]\nrules = \"posthog\"\norder = \"any\"").unwrap();
        assert_eq!((any.terms.choice, any.terms.exclusion), (Choice::EarliestStart, Exclusion::Void));
    }

    #[test]
    fn the_window_of_ga4_is_one_for_each_step() {
        let funnel = settle("rules = \"ga4\"\nwindow = \"1h\"").unwrap();
        assert_eq!(funnel.window_us, None);
        let limits: Vec<_> = funnel.steps.iter().map(|step| step.terms.within_us).collect();
        assert_eq!(limits, [None, None, Some(HOUR_US), Some(HOUR_US)]);
        assert_eq!(settle("rules = \"ga4\"").unwrap().window_us, None);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_key() {
        for (keys, part) in [
            ("rules = \"mixpannel\"", "rules of funnel f: \"mixpannel\" is not"),
            ("rules = \"mixpannel\"", "did you mean mixpanel?"),
            ("window = \"sesion\"", "window of funnel f: \"sesion\" is not none, session"),
            ("window = \"5\"", "window of funnel f: \"5\": a duration needs a unit"),
            ("window = \"-1d\"", "window of funnel f: \"-1d\": a duration cannot be negative"),
            ("window = \"none\"\nwindow_end = \"exclusive\"", "has an end to exclude"),
            ("window_end = \"exlusive\"", "did you mean exclusive?"),
            ("tie = \"first\"", "is not step, file or strict"),
            ("order = \"sorted\"", "is not ordered or any"),
            ("anchor = \"first\"", "anchor of funnel f: anchor = first is for order = any"),
            ("order = \"any\"\nanchor = \"frist\"", "did you mean first?"),
            ("row = \"two\"", "is not one, many or first"),
            ("exclusion = \"dropped\"", "did you mean drop?"),
            ("unit = \"user\"", "is not person, session or attempt"),
            ("unit = { col = \"x\" }", "expected person, session, attempt or {"),
            ("hold = { column = \"x\", steps = [4] }", "there is no required step 4"),
            ("hold = { column = \"x\", steps = [\"e\"] }", "\"e\" is not a, c or d"),
            ("hold = [\"x\"]\nunit = \"attempt\"", "the unit is person and value"),
            ("order = \"any\"", "an optional step lies between two steps"),
            ("tolerance = \"1s\"\ntie = \"file\"", "a tolerance contradicts it"),
            ("open = true\nexclusion = \"drop\"", "an open funnel has no first attempt"),
            ("opne = true", "unknown field `opne`"),
        ] {
            let found = settle(keys).unwrap_err();
            assert!(found.contains(part), "{keys}: {found}");
        }
        let funnel = settle("").unwrap();
        let by_from = |text: &str| {
            let table = FunnelTable { by_from: Some(text.to_owned()), ..FunnelTable::of_steps(Vec::new()) };
            table.by_from(&funnel).map_err(|error| error.to_string())
        };
        assert_eq!(by_from("step=3"), Ok(ByFrom::Step(2)));
        assert_eq!(by_from("last-seen"), Ok(ByFrom::LastSeen));
        assert!(by_from("step=4").is_err() && by_from("step=0").is_err());
        assert!(by_from("first-sean").is_err_and(|error| error.contains("first-seen")));
    }
}
