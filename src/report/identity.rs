//! Whose rows were taken for whose: stitched devices, mapped ids, repeated events, and what another
//! way of stitching would make of a funnel.

use super::collect::{Collector, FunnelTally, ReadyFunnel, Scope};
use super::segments::SegmentSlots;
use super::table::{Cell, Column, Table};
use super::tally::UnitTally;
use crate::human::{count, counted};
use crate::identity::Stitch;
use crate::ingest::plan::{Dedupe, ReadPlan};
use crate::ingest::{Accumulator, Identified, Linked, Person, SpillError, TieOrder, over_store};
use schemars::JsonSchema;
use serde::Serialize;

/// How people were told apart, where more than the ids of the rows was asked.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Identity {
    /// `none`, `forward` or `both`.
    pub stitch: String,
    /// Null where nothing is stitched.
    pub devices: Option<Devices>,
    /// Null where no ids are mapped.
    pub map: Option<MapUse>,
}

/// Devices by the people whom their rows name, and the rows that name none.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Devices {
    pub of_nobody: u64,
    pub of_one_person: u64,
    /// Of two people or more, who are never made one.
    pub shared: u64,
    /// Rows without a person: given to one, and left with their device.
    pub rows_stitched: u64,
    pub rows_left: u64,
}

/// What a map of ids did.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MapUse {
    /// Lines of the map.
    pub entries: u64,
    /// Ids of the log with a row that the map gives to a person.
    pub ids_mapped: u64,
    /// Ids of the log without one; null where stitching has joined them meanwhile, or a list of ids leaves
    /// people out.
    pub ids_not_mapped: Option<u64>,
    pub rows_mapped: u64,
}

/// What was dropped as repeated, beside the number of rows.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DedupeUse {
    /// The columns in which rows of one event are alike; empty: all.
    pub columns: Vec<String>,
    /// Keys of which rows differ in a column that is used; the first row by these is kept.
    pub keys_that_differ: u64,
    /// Rows kept because all columns of their key are empty.
    pub rows_without_key: u64,
}

/// One funnel under one way of stitching.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StitchedFunnel {
    pub stitch: String,
    /// People of the input.
    pub persons: u64,
    pub entered: u64,
    pub converted: u64,
    pub dropped: u64,
    pub open: u64,
    pub excluded: u64,
    /// `converted` of `entered`.
    pub of_entered: Option<f64>,
}

impl Identity {
    /// `None` where people are who their rows say. `persons` are counted before any stitching, where
    /// that is known.
    pub fn of(plan: &ReadPlan, identified: &Identified, persons: Option<u64>) -> Option<Identity> {
        let devices = identified.stitch.map(|facts| Devices {
            of_nobody: facts.devices_of_nobody,
            of_one_person: facts.devices_of_one,
            shared: facts.devices_shared,
            rows_stitched: facts.rows_stitched,
            rows_left: facts.rows_left,
        });
        let map = plan.identity.map.as_ref().map(|map| {
            let facts = map.facts();
            MapUse {
                entries: facts.entries,
                ids_mapped: facts.ids,
                ids_not_mapped: persons.map(|persons| persons.saturating_sub(facts.people_beyond_ids)),
                rows_mapped: facts.rows,
            }
        });
        let stitch = plan.identity.stitch.name().to_owned();
        (devices.is_some() || map.is_some()).then_some(Identity { stitch, devices, map })
    }

    /// For people: a name and a text each.
    pub fn facts(&self) -> Vec<(String, String)> {
        let mut facts = Vec::new();
        if let Some(devices) = &self.devices {
            let way = if self.stitch == "forward" { "forward" } else { "both ways" };
            let text = format!(
                "stitched {way}; devices: {} of one person, {} shared, {} of nobody known; rows without a \
                 person: {} given to one, {} left with the device",
                count(devices.of_one_person),
                count(devices.shared),
                count(devices.of_nobody),
                count(devices.rows_stitched),
                count(devices.rows_left)
            );
            facts.push(("identity".to_owned(), text));
        }
        if let Some(map) = &self.map {
            let not_mapped = map.ids_not_mapped.map_or(String::new(), |n| format!(", {} not", count(n)));
            let text = format!(
                "{}; {} of the log mapped{not_mapped}; {} given to a person",
                counted(map.entries, "line", "lines"),
                counted(map.ids_mapped, "id", "ids"),
                counted(map.rows_mapped, "row", "rows")
            );
            facts.push(("identity map".to_owned(), text));
        }
        facts
    }
}

impl DedupeUse {
    pub fn of(plan: &ReadPlan, identified: &Identified) -> Option<DedupeUse> {
        let facts = identified.repeats.filter(|_| plan.identity.dedupe != Dedupe::Nothing)?;
        let columns = plan.columns.key.clone();
        Some(DedupeUse {
            columns,
            keys_that_differ: facts.differing_keys,
            rows_without_key: facts.rows_without_key,
        })
    }

    /// For people; `duplicates` are the rows that fell.
    pub fn text(&self, duplicates: u64) -> String {
        let columns =
            if self.columns.is_empty() { "every column".to_owned() } else { self.columns.join(", ") };
        let mut text = format!(
            "{} removed, alike in {columns} with one that is kept",
            counted(duplicates, "row", "rows")
        );
        if self.keys_that_differ > 0 {
            text.push_str(&format!(
                "; {} in other columns: the earliest row is kept",
                counted(self.keys_that_differ, "key has rows that differ", "keys have rows that differ")
            ));
        }
        if self.rows_without_key > 0 {
            text.push_str(&format!(
                "; {} kept",
                counted(self.rows_without_key, "row without a key", "rows without a key")
            ));
        }
        text
    }
}

impl StitchedFunnel {
    pub fn of(way: Stitch, persons: u64, units: &UnitTally) -> StitchedFunnel {
        let UnitTally { entered, converted, dropped, open, excluded, .. } = *units;
        StitchedFunnel {
            stitch: way.name().to_owned(),
            persons,
            entered,
            converted,
            dropped,
            open,
            excluded,
            of_entered: (entered > 0).then(|| converted as f64 / entered as f64),
        }
    }

    /// Several ways of stitching side by side: the difference is what is not known of people.
    pub fn table(ways: &[StitchedFunnel]) -> Table {
        let row = |way: &StitchedFunnel| {
            vec![
                Cell::Text(way.stitch.clone()),
                Cell::Count(way.persons),
                Cell::Count(way.entered),
                Cell::Count(way.converted),
                way.of_entered.map_or(Cell::Missing, Cell::Share),
                Cell::Count(way.dropped),
                Cell::Count(way.open),
                Cell::Count(way.excluded),
            ]
        };
        Table {
            name: "stitching".to_owned(),
            title: "Conversion with and without stitching".to_owned(),
            columns: vec![
                Column::text("stitch", "Stitching"),
                Column::number("persons", "People"),
                Column::number("entered", "Entered"),
                Column::number("converted", "Converted"),
                Column::number("of_entered", "Of entered"),
                Column::number("dropped", "Dropped"),
                Column::number("open", "Open"),
                Column::number("excluded", "Excluded"),
            ],
            rows: ways.iter().map(row).collect(),
            notes: vec![
                "The difference between none and both is what is not known of who people are.".to_owned(),
            ],
        }
    }
}

/// People and funnels under another way of stitching than the one that was asked for.
pub fn under_other_way(
    linked: &Linked,
    way: Stitch,
    funnels: &[ReadyFunnel],
    scope: &Scope,
    ties: &TieOrder,
    threads: usize,
) -> Result<(u64, Vec<FunnelTally>), SpillError> {
    let funnels: Vec<ReadyFunnel> = funnels.iter().map(ReadyFunnel::without_segments).collect();
    let slots = vec![SegmentSlots::default(); funnels.len()];
    let scope = Scope { trend: None, ..scope.clone() };
    let store = linked.store(way, threads)?;
    let (people, collector) = over_store(store, ties, scope.session_timeout_us, threads, || {
        (People::default(), Collector::new(&funnels, &scope, &slots))
    })?;
    Ok((people.0, collector.into_tallies().0))
}

/// Counts people.
#[derive(Default)]
struct People(u64);

impl Accumulator for People {
    fn person(&mut self, _: &Person<'_>) {
        self.0 += 1;
    }

    fn merge(&mut self, other: People) {
        self.0 += other.0;
    }
}
