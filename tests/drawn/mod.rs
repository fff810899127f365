//! Logs of a few people and definitions with many keys, drawn at random, for tests of whole reports.

use std::fmt::Write as _;

pub const SECOND_US: i64 = 1_000_000;
/// 2026-03-01T23:40:00Z, a Sunday: some rows lie before midnight and some behind it.
pub const START_US: i64 = 1_772_408_400 * SECOND_US;
const PEOPLE: usize = 12;

/// Numbers that are the same in every run (splitmix64, Steele, Lea and Flood 2014).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    pub fn one_of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len())]
    }
}

/// One row of a log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub time_us: i64,
    pub event: &'static str,
    pub device: &'static str,
    /// Of the column `item`; empty: none.
    pub item: &'static str,
}

/// The rows of one person.
pub type Person = Vec<Row>;

/// A log of a few people, each with few rows, in the order of the file.
pub fn log(dice: &mut Dice) -> Vec<Person> {
    let mut people = Vec::new();
    for _ in 0..PEOPLE {
        let mut at_us = START_US + 60 * SECOND_US * dice.below(30) as i64;
        let mut rows = Vec::new();
        for _ in 0..1 + dice.below(7) {
            at_us += SECOND_US * [0, 0, 1, 2, 3, 60, 120, 300, 2_400][dice.below(9)];
            rows.push(Row {
                time_us: at_us,
                event: ["A", "A", "B", "B", "C", "X", "Z"][dice.below(7)],
                device: ["phone", "desk", ""][dice.below(3)],
                item: ["p", "p", "q", ""][dice.below(4)],
            });
        }
        people.push(rows);
    }
    people
}

/// The log as CSV, persons one after the other.
pub fn csv(people: &[Person]) -> String {
    let mut text = "user_id,event_time,event,device,item\n".to_owned();
    for (person, rows) in people.iter().enumerate() {
        for row in rows {
            let time = jiff::Timestamp::from_microsecond(row.time_us).expect("in range");
            writeln!(text, "u{person},{time},{},{},{}", row.event, row.device, row.item)
                .expect("a text takes all");
        }
    }
    text
}

/// A definition of one funnel `f`, with many keys; some make no sense together.
pub fn definition(dice: &mut Dice) -> String {
    let rules = dice.one_of(&[
        "dropoff",
        "dropoff",
        "dropoff",
        "clickhouse",
        "posthog",
        "mixpanel",
        "mixpanel-reentry",
        "amplitude",
        "ga4",
        "first-occurrence",
        "doris",
        "pinot",
    ]);
    let keys = [
        format!("rules = '{rules}'\n").as_str(),
        dice.one_of(&[
            "",
            "window = '5m'\n",
            "window = '5m'\n",
            "window = '0s'\n",
            "window = 'none'\n",
            "window = 'session'\n",
            "window = 'same-day'\n",
            "window = 'same-week'\n",
        ]),
        dice.one_of(&["", "", "", "window_end = 'exclusive'\n"]),
        dice.one_of(&["", "", "", "tie = 'step'\n", "tie = 'file'\n", "tie = 'strict'\n"]),
        dice.one_of(&["", "", "", "tolerance = '2s'\n"]),
        dice.one_of(&["", "", "exclusion = 'void'\n", "exclusion = 'drop'\n", "exclusion = 'remove'\n"]),
        dice.one_of(&["", "", "", "row = 'many'\n", "row = 'first'\n"]),
        dice.one_of(&[
            "",
            "",
            "unit = 'session'\n",
            "unit = 'attempt'\n",
            "unit = { column = 'item' }\n",
            "hold = 'item'\n",
            "hold = { column = 'item', steps = [2] }\n",
            "hold = ['item', 'device']\n",
            "unit = 'session'\nhold = 'item'\n",
        ]),
        dice.one_of(&["", "by = ['device']\n"]),
    ]
    .concat();
    let more = |dice: &mut Dice| {
        [
            dice.one_of(&["", "", "", ", not = 'X'"]),
            dice.one_of(&["", "", "", "", ", within = '2m'", ", after = '2s'"]),
            dice.one_of(&[
                "",
                "",
                "",
                "",
                ", arrow = 'adjacent'",
                ", arrow = 'no-repeat'",
                ", arrow = 'no-disorder'",
            ]),
            dice.one_of(&["", "", "", "", ", nth = 'first-ever'", ", nth = 2"]),
        ]
        .concat()
    };
    let first = dice.one_of(&["", "", "", "", ", nth = 'first-ever'", ", nth = 2"]);
    let (second, third) = (more(dice), more(dice));
    let [b, c] = [dice.one_of(&["B", "B", "A"]), dice.one_of(&["C", "A"])];
    let third = dice.one_of(&["", "third"]).replace("third", &format!(", {{ event = '{c}'{third} }}"));
    let optional = dice.one_of(&["", "", ", { event = 'Z', optional = true }"]);
    format!(
        "[funnel.f]\n{keys}steps = [{{ event = 'A'{first} }}{optional}, {{ event = '{b}'{second} }}{third}]\n"
    )
}
