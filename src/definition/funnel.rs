//! A funnel's table in the definition file: every key of it, and what they say together.
//!
//! Keys that are not written are those of the rules that the funnel starts from (`rules`). What the
//! text of a key means is settled here, and whether the keys make sense together.

use super::place::{Fault, Path};
use super::steps::{Steps, duration};
use super::{OneOrMore, StepRef, one_or_more};
use crate::funnel::conflict::{Conflict, Setting};
use crate::funnel::definition::{ChainEnd, Funnel, Hold, RowRule, Terms, Unit};
use crate::funnel::options::{Exclusion, Order};
use crate::funnel::rules::{Preset, PresetWindow, RuleSet};
use crate::funnel::steps::{StepSpec, StepTerms, one_of, unknown};
use crate::human;
use serde::Deserialize;
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
    #[serde(default, deserialize_with = "one_or_more")]
    pub by: Vec<String>,
    pub by_from: Option<String>,
}

/// What is counted: a name, or a column.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename = "person, session, attempt or { column = \"order_id\" }", deny_unknown_fields)]
pub enum UnitTable {
    #[serde(rename = "text")]
    Name(String),
    #[serde(rename = "table")]
    Column { column: String },
}

/// Columns to hold, for all steps or for some.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename = "columns, or { column = \"product_id\", steps = [\"Cart\", 3] }")]
pub enum HoldTable {
    #[serde(rename = "text")]
    Column(String),
    #[serde(rename = "list")]
    Columns(Vec<String>),
    #[serde(rename = "table")]
    OnSteps(HeldSteps),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldSteps {
    column: OneOrMore,
    steps: Vec<StepRef>,
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

/// How long a chain may last, as written or by the rules.
enum Window {
    Total(i64),
    PerStep(i64),
    End(ChainEnd),
}

impl FunnelTable {
    /// A table with nothing but steps.
    pub fn of_steps(steps: Steps) -> FunnelTable {
        FunnelTable {
            steps,
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

    /// The funnel with every rule settled, or what is wrong and where in this table.
    pub fn settle(&self, name: &str) -> Result<Funnel, Fault> {
        let rules: RuleSet = read(self.rules.as_deref(), "rules")?.unwrap_or_default();
        let (order, open) = (self.order()?, self.open.unwrap_or(false));
        let tie = read(self.tie.as_deref(), "tie")?.unwrap_or(rules.preset().tie);
        let preset = rules.preset().beside(tie, order, open);
        let exclusion = choose(self.exclusion.as_deref(), &Exclusion::NAMES, "exclusion")?;
        let tolerance_us = duration(self.tolerance.as_deref(), "tolerance")?;
        let terms = Terms {
            rules,
            order,
            open,
            row: choose(self.row.as_deref(), &RowRule::NAMES, "row")?.unwrap_or(preset.row),
            repeats: preset.repeats,
            admits: preset.admits,
            exclusion: exclusion.unwrap_or(preset.exclusion),
            blocked: preset.blocked,
            entry: preset.entry,
            choice: preset.choice,
            tolerance_us: tolerance_us.unwrap_or(preset.tolerance_us),
            ..Terms::default()
        };
        let steps = self.steps.settle()?;
        let mut funnel =
            Funnel { name: name.to_owned(), steps, window_us: None, unit: Unit::default(), tie, terms };
        self.settle_window(&preset, &mut funnel)?;
        (funnel.unit, funnel.terms.unit_column) = self.unit()?;
        funnel.terms.hold = self.hold(&funnel)?;
        funnel.check().map_err(|conflict| self.explained(conflict, &funnel, &preset))?;
        self.by_from(funnel.step_count())?;
        Ok(funnel)
    }

    fn order(&self) -> Result<Order, Fault> {
        let is_any =
            choose(self.order.as_deref(), &[("ordered", false), ("any", true)], "order")?.unwrap_or(false);
        let is_anchored =
            choose(self.anchor.as_deref(), &[("none", false), ("first", true)], "anchor")?.unwrap_or(false);
        match (is_any, is_anchored) {
            (true, anchored) => Ok(Order::Any { anchored }),
            (false, false) => Ok(Order::Ordered),
            (false, true) => {
                let message = "anchor = first is for order = any; in order the first step is first";
                Err(Fault::at(Path::of("anchor"), message).against(Path::of("order")))
            }
        }
    }

    fn settle_window(&self, preset: &Preset, funnel: &mut Funnel) -> Result<(), Fault> {
        let window = self.window(preset)?;
        let ends = [("inclusive", false), ("exclusive", true)];
        let ends_exclusive = choose(self.window_end.as_deref(), &ends, "window_end")?;
        match window {
            Window::Total(window_us) => {
                funnel.window_us = Some(window_us);
                funnel.terms.ends_exclusive = ends_exclusive.unwrap_or(preset.ends_exclusive);
            }
            _ if ends_exclusive == Some(true) => {
                let message = "only a window of some length from step 1 has an end to exclude";
                let fault = Fault::at(Path::of("window_end"), message);
                return Err(fault.against(Path::of("window")).against(Path::of("rules")));
            }
            Window::PerStep(within_us) => return give_each_step(within_us, funnel),
            Window::End(end) => funnel.terms.chain_end = end,
        }
        Ok(())
    }

    /// A conflict, at its places in this table. Where it is about something that nobody wrote, it says whose
    /// setting that is, and which key takes it back.
    fn explained(&self, conflict: Conflict, funnel: &Funnel, preset: &Preset) -> Fault {
        let origins: Vec<(&str, String)> =
            conflict.settings.iter().filter_map(|setting| self.origin(setting, funnel, preset)).collect();
        let mut fault = conflict_fault(conflict, &funnel.steps);
        let Some((key, _)) = origins.first() else { return fault };
        if fault.hint.is_none() {
            fault.hint = self.way_out(key, &funnel.name, preset);
        }
        let texts: Vec<&str> = origins.iter().map(|(_, text)| text.as_str()).collect();
        fault.message.push_str(&format!(" ({})", texts.join(", ")));
        fault.against(Path::of("rules"))
    }

    /// A setting that is not written, and what the rules make of it.
    fn origin(&self, setting: &Setting, funnel: &Funnel, preset: &Preset) -> Option<(&'static str, String)> {
        let rules = preset.set.name();
        let (key, value) = match setting {
            Setting::Rules => return Some(("rules", format!("those of rules = {rules}"))),
            Setting::Funnel("window") if self.window.is_none() => {
                let window_us = funnel.window_us?;
                let whose = match preset.set {
                    RuleSet::Dropoff => "where none is written".to_owned(),
                    _ => format!("by rules = {rules}"),
                };
                return Some((
                    "window",
                    format!("`window` is {} {whose}", human::duration(window_us, false)),
                ));
            }
            Setting::Funnel("tolerance") if self.tolerance.is_none() && preset.tolerance_us > 0 => {
                ("tolerance", human::duration(preset.tolerance_us, false))
            }
            Setting::Funnel("tie") if self.tie.is_none() => ("tie", preset.tie.name().to_owned()),
            Setting::Funnel("window_end") if self.window_end.is_none() => {
                ("window_end", "exclusive".to_owned())
            }
            _ => return None,
        };
        Some((key, format!("`{key}` is {value} by rules = {rules}")))
    }

    /// The value of a key that takes back what the rules say of it, if that is all that is wrong.
    fn way_out(&self, key: &str, name: &str, preset: &Preset) -> Option<String> {
        let mut table = self.clone();
        let (slot, value) = match key {
            "window" => (&mut table.window, "none"),
            "tolerance" => (&mut table.tolerance, "0s"),
            "tie" => (&mut table.tie, "step"),
            "window_end" => (&mut table.window_end, "inclusive"),
            _ => return None,
        };
        *slot = Some(value.to_owned());
        table.settle(name).ok()?;
        let rules = preset.set.name();
        Some(match key {
            "window" => "write a longer window, or window = none".to_owned(),
            _ => format!("with {key} = {value} the other rules of {rules} can be kept"),
        })
    }

    fn window(&self, preset: &Preset) -> Result<Window, Fault> {
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
            let message =
                unknown(text, &["none", "session", "same-day", "same-week", "a duration such as 7d"]);
            return Err(Fault::at(Path::of("window"), message));
        }
        let window_us = duration(Some(text), "window")?.unwrap_or(0);
        Ok(if preset.window == PresetWindow::PerStep {
            Window::PerStep(window_us)
        } else {
            Window::Total(window_us)
        })
    }

    fn unit(&self) -> Result<(Unit, Option<String>), Fault> {
        Ok(match &self.unit {
            None => (Unit::default(), None),
            Some(UnitTable::Name(name)) => {
                let named = [Unit::Person, Unit::Session, Unit::Attempt].map(|unit| (unit.name(), unit));
                let unit = one_of(name, &named).map_err(|error| Fault::at(Path::of("unit"), error))?;
                (unit, None)
            }
            Some(UnitTable::Column { column }) if column.is_empty() => {
                let fault = Fault::at(Path::of("unit").key("column"), "the name of the column is empty");
                return Err(fault.against(Path::of("unit")));
            }
            Some(UnitTable::Column { column }) => (Unit::Column, Some(column.clone())),
        })
    }

    fn hold(&self, funnel: &Funnel) -> Result<Option<Hold>, Fault> {
        let (columns, refs) = match &self.hold {
            None => return Ok(None),
            Some(HoldTable::Column(column)) => (vec![column.clone()], None),
            Some(HoldTable::Columns(columns)) => (columns.clone(), None),
            Some(HoldTable::OnSteps(held)) => (held.column.clone().into_vec(), Some(&held.steps)),
        };
        let place = Path::of("hold");
        if columns.is_empty() {
            return Err(Fault::at(place, "no column is named"));
        }
        if let Some(k) = columns.iter().position(String::is_empty) {
            let of_columns = if refs.is_some() { place.clone().key("column") } else { place.clone() };
            let fault = Fault::at(of_columns.clone().index(k), "the name of a column is empty");
            return Err(fault.against(of_columns));
        }
        let Some(refs) = refs else { return Ok(Some(Hold { columns, steps: None })) };
        let place = place.key("steps");
        let names: Vec<&str> = funnel.required().map(|step| step.name.as_str()).collect();
        let mut steps = Vec::new();
        for (k, wanted) in refs.iter().enumerate() {
            let found = match wanted {
                StepRef::Number(number) => number.checked_sub(1).filter(|&place| place < names.len()),
                StepRef::Name(wanted) => names.iter().position(|name| name == wanted),
            };
            let found = found.ok_or_else(|| {
                let message = match wanted {
                    StepRef::Number(number) => {
                        format!("there is no required step {number}; there are {}", names.len())
                    }
                    StepRef::Name(wanted) => unknown(wanted, &names),
                };
                Fault::at(place.clone().index(k), message)
            })?;
            steps.push(found as u16);
        }
        steps.sort_unstable();
        steps.dedup();
        if steps.is_empty() {
            return Err(Fault::at(place, "no step is named"));
        }
        Ok(Some(Hold { columns, steps: Some(steps) }))
    }

    /// Which row a unit's segment is taken from, in a funnel of so many required steps.
    pub fn by_from(&self, steps: usize) -> Result<ByFrom, Fault> {
        match read::<ByFrom>(self.by_from.as_deref(), "by_from")? {
            Some(ByFrom::Step(step)) if step >= steps => {
                let message =
                    format!("there is no step {}: the funnel has {steps} that are required", step + 1);
                Err(Fault::at(Path::of("by_from"), message))
            }
            by_from => Ok(by_from.unwrap_or_default()),
        }
    }
}

/// A window of the rules that know none but from each step to the next.
fn give_each_step(within_us: i64, funnel: &mut Funnel) -> Result<(), Fault> {
    let whose =
        format!("with rules = {} the window is one from each step to the next", funnel.terms.rules.name());
    let fault = |place: Path, message: String| {
        let fault = Fault::at(place, message).against(Path::of("window"));
        Fault { hint: Some("without these rules it is one from the first step".to_owned()), ..fault }
    };
    if funnel.terms.order != Order::Ordered {
        let fault = fault(Path::of("window"), format!("{whose}; with order = any there is none"));
        return Err(fault.against(Path::of("order")).against(Path::of("rules")));
    }
    for (k, step) in funnel.steps.iter_mut().enumerate().filter(|(_, step)| !step.optional).skip(1) {
        let terms = &mut step.terms;
        if terms.within_us.is_none() && terms.after_us > within_us {
            let place = Path::of("steps").index(k).key("after");
            return Err(fault(
                place,
                format!("`after` is longer than the window, so no row could follow; {whose}"),
            ));
        }
        terms.within_us.get_or_insert(within_us);
    }
    Ok(())
}

/// A conflict, at its places in the table of a funnel.
pub(super) fn conflict_fault(conflict: Conflict, steps: &[StepSpec]) -> Fault {
    let required = || steps.iter().enumerate().filter(|(_, step)| !step.optional).map(|(place, _)| place);
    let of_step = |place: usize, key: &str| Path::of("steps").index(place).key(key);
    let has = |step: &StepSpec, key: &str| match key {
        "optional" => step.optional,
        _ => step.terms.arrow != StepTerms::default().arrow,
    };
    let place = |setting: &Setting| match *setting {
        Setting::Rules => Some(Path::of("rules")),
        Setting::Funnel(key) => Some(Path::of(key)),
        Setting::Step(place, key) => Some(of_step(place, key)),
        Setting::Gap(gap, key) => required().nth(gap + 1).map(|place| of_step(place, key)),
        Setting::SomeStep(key) => {
            steps.iter().position(|step| has(step, key)).map(|place| of_step(place, key))
        }
    };
    Fault {
        places: conflict.settings.iter().filter_map(place).collect(),
        message: conflict.reason,
        hint: conflict.hint.map(str::to_owned),
        inside: None,
    }
}

fn read<T: std::str::FromStr<Err = String>>(text: Option<&str>, key: &str) -> Result<Option<T>, Fault> {
    text.map(str::parse).transpose().map_err(|error| Fault::at(Path::of(key), error))
}

fn choose<T: Copy>(text: Option<&str>, values: &[(&str, T)], key: &str) -> Result<Option<T>, Fault> {
    text.map(|text| one_of(text, values)).transpose().map_err(|error| Fault::at(Path::of(key), error))
}

#[cfg(test)]
mod tests {
    use super::super::DefinitionFile;
    use super::*;
    use crate::event::{DAY_US, HOUR_US, SECOND_US};
    use crate::funnel::engine::Tie;
    use crate::funnel::options::{Choice, Entry};
    use crate::funnel::steps::Arrow;

    fn settle(keys: &str) -> Result<Funnel, String> {
        let steps = if keys.contains("{ event") { "" } else { "steps = \"a, b?, c, d\"\n" };
        let text = format!("[funnel.f]\n{steps}{keys}\n");
        let file = DefinitionFile::parse(&text, "x.toml").map_err(|error| error.message)?;
        file.funnels()[0].1.settle("f").map_err(|fault| fault.message)
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
        assert_eq!(funnel, "no column is named");
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
}
