//! The table of other tools' rules in the documentation is the table of the program.

use dropoff::decode::time::parse_duration_us;
use dropoff::funnel::definition::{Admits, Repeats, RowRule};
use dropoff::funnel::engine::Tie;
use dropoff::funnel::options::{Blocked, Choice, Entry, Exclusion};
use dropoff::funnel::rules::{Preset, PresetWindow, RuleSet};

const DOCUMENT: &str = include_str!("../../docs/DEFINITIONS.md");

fn preset(line: &str) -> Preset {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [rules, window, end, tie, tolerance, row, entry, choice, exclusion, blocked, repeats, admits] =
        cells.as_slice()
    else {
        panic!("a line of twelve cells: {line}");
    };
    Preset {
        set: rules.trim_matches('`').parse().expect(rules),
        window: match *window {
            "none" => PresetWindow::None,
            "per step" => PresetWindow::PerStep,
            window => PresetWindow::Total(parse_duration_us(window).expect(window)),
        },
        ends_exclusive: match *end {
            "inclusive" => false,
            "exclusive" => true,
            other => panic!("no end {other}"),
        },
        tie: tie.parse::<Tie>().expect(tie),
        tolerance_us: parse_duration_us(tolerance).expect(tolerance),
        row: match *row {
            "one" => RowRule::One,
            "many" => RowRule::Many,
            "first" => RowRule::First,
            other => panic!("no rule of rows {other}"),
        },
        entry: match *entry {
            "any" => Entry::Any,
            "first" => Entry::First,
            "successive" => Entry::Successive,
            other => panic!("no entry {other}"),
        },
        choice: match *choice {
            "earliest-start" => Choice::EarliestStart,
            "latest-start" => Choice::LatestStart,
            "first-rows" => Choice::FirstRows,
            other => panic!("no choice {other}"),
        },
        exclusion: match *exclusion {
            "void" => Exclusion::Void,
            "drop" => Exclusion::Drop,
            "remove" => Exclusion::Remove,
            other => panic!("no exclusion {other}"),
        },
        blocked: match *blocked {
            "voids-chain" => Blocked::VoidsChain,
            "ends-search" => Blocked::EndsSearch,
            other => panic!("no rule of what blocks {other}"),
        },
        repeats: match *repeats {
            "any-reached" => Repeats::AnyReached,
            "after-first" => Repeats::AfterFirst,
            "last-reached" => Repeats::LastReached,
            other => panic!("no rule of repeats {other}"),
        },
        admits: match *admits {
            "nothing" => Admits::Nothing,
            "last-reached" => Admits::LastReached,
            "any-reached" => Admits::AnyReached,
            other => panic!("no rule of what is admitted {other}"),
        },
    }
}

#[test]
fn the_documented_settings_are_those_of_the_program() {
    let (_, table) = DOCUMENT.split_once("| rules | window | end |").expect("the table");
    let lines: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    let documented: Vec<Preset> = lines.into_iter().map(preset).collect();
    let ours: Vec<Preset> = RuleSet::ALL.into_iter().map(|(_, set)| set.preset()).collect();
    assert_eq!(documented, ours);
}

#[test]
fn each_set_of_rules_says_what_it_rests_on() {
    for (name, set) in RuleSet::ALL.into_iter().filter(|(_, set)| *set != RuleSet::Dropoff) {
        let (_, said) = DOCUMENT.split_once(&format!("- **`{name}`**")).unwrap_or_else(|| panic!("{name}"));
        let said = said.split("\n- **").next().unwrap_or_default();
        assert!(said.contains("https://"), "{name} {set:?} has a source");
    }
}
