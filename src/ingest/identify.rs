//! Whose each row is, where that takes more than the row: repeated events are dropped, ids are
//! mapped, and rows without a person are given to one by their device.
//!
//! Rows go through up to two waits before they reach the store: by the key of their event, where one
//! row of each is kept, and by device. A reading that asks for none of this never comes here.

use super::assemble::Dictionaries;
use super::batch::{Batch, NO_VALUE, RowLayout, TextRange};
use super::budget::Resources;
use super::pass::for_each;
use super::plan::{Dedupe, IdentityPlan};
use super::settle::TieOrder;
use super::shard::{InsertScratch, Store};
use super::spill::{SpillError, Spilled};
use super::texts::ShortBytes;
use super::waiting::{Arrivals, PARTS, Part, RowAt, Waiting, WaitingRow};
use crate::identity::{Sighting, Stitch, Users, find_owners};
use std::cmp::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

/// Rows that leave for the store together.
const LEAVING_ROWS: usize = 8192;

/// The way of rows to the store.
pub struct Identifier<'p> {
    plan: &'p IdentityPlan,
    layout: RowLayout,
    resources: Resources,
    repeats: Option<Waiting>,
    devices: Option<Waiting>,
    /// What repeated events are, as far as it is known.
    repeated: Mutex<RepeatFacts>,
}

/// One thread's buffers.
#[derive(Default)]
pub struct IdentifyScratch {
    repeats: Arrivals,
    devices: Arrivals,
    leaving: Leaving,
    words: Vec<u8>,
    repeated: RepeatFacts,
}

/// What became of rows that share the key of their event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RepeatFacts {
    /// Rows that another row stands for.
    pub removed: u64,
    /// Of these, rows that name no event, and rows with a value below zero.
    pub removed_without_event: u64,
    pub removed_negative: u64,
    /// Keys whose rows are not alike in all columns that are used.
    pub differing_keys: u64,
    /// Rows kept as they have no key.
    pub rows_without_key: u64,
    /// Of rows that are kept.
    pub earliest_us: Option<i64>,
    pub latest_us: Option<i64>,
}

/// What became of devices and their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StitchFacts {
    /// Devices on which rows name nobody, one person, and several.
    pub devices_of_nobody: u64,
    pub devices_of_one: u64,
    pub devices_shared: u64,
    /// Rows that name no person: given to one, and left with their device.
    pub rows_stitched: u64,
    pub rows_left: u64,
}

impl StitchFacts {
    fn merge(&mut self, other: StitchFacts) {
        self.devices_of_nobody += other.devices_of_nobody;
        self.devices_of_one += other.devices_of_one;
        self.devices_shared += other.devices_shared;
        self.rows_stitched += other.rows_stitched;
        self.rows_left += other.rows_left;
    }
}

impl RepeatFacts {
    fn keep(&mut self, time_us: i64) {
        self.earliest_us = Some(self.earliest_us.map_or(time_us, |earliest| earliest.min(time_us)));
        self.latest_us = self.latest_us.max(Some(time_us));
    }

    fn merge(&mut self, other: RepeatFacts) {
        self.removed += other.removed;
        self.removed_without_event += other.removed_without_event;
        self.removed_negative += other.removed_negative;
        self.differing_keys += other.differing_keys;
        self.rows_without_key += other.rows_without_key;
        self.earliest_us = [self.earliest_us, other.earliest_us].into_iter().flatten().min();
        self.latest_us = self.latest_us.max(other.latest_us);
    }
}

/// What a reading that asked for it learnt.
#[derive(Default)]
pub struct Identified {
    pub repeats: Option<RepeatFacts>,
    pub stitch: Option<StitchFacts>,
    /// The rows by device, where they are wanted under other ways of stitching.
    pub linked: Option<Linked>,
    /// What the waits wrote to temporary files.
    pub spilled: Vec<Arc<Spilled>>,
}

/// Rows by device, from which a store can be made for each way of stitching.
pub struct Linked {
    rows: Waiting,
    layout: RowLayout,
    resources: Resources,
    timeout_us: i64,
}

impl<'p> Identifier<'p> {
    /// The way to a store that may use what this gives as the second: half of `resources` where rows
    /// wait, as both hold rows at the same time.
    pub fn new(
        plan: &'p IdentityPlan,
        layout: RowLayout,
        resources: &Resources,
    ) -> (Identifier<'p>, Resources) {
        let stitches = plan.stitch != Stitch::None;
        let dedupes = plan.dedupe != Dedupe::Nothing;
        let mut resources = resources.clone();
        if stitches || dedupes {
            resources.store_bytes /= 2;
        }
        let words = layout.words() - layout.value_at();
        let identifier = Identifier {
            plan,
            layout,
            resources: resources.clone(),
            repeats: dedupes.then(|| Waiting::new(words, &resources)),
            devices: stitches.then(|| Waiting::new(words, &resources)),
            repeated: Mutex::default(),
        };
        (identifier, resources)
    }

    /// Takes the rows of a batch. `ordinal` is the place in the input of its first row.
    pub fn take(
        &self,
        batch: &Batch,
        ordinal: u64,
        store: &Store,
        scratch: &mut IdentifyScratch,
    ) -> Result<(), SpillError> {
        let (width, first_word) = (self.layout.words(), self.layout.value_at());
        let mut words = std::mem::take(&mut scratch.words);
        for (index, row) in batch.rows.iter().enumerate() {
            words.clear();
            let mut room = ShortBytes::default();
            let of_row = &batch.words[index * width..(index + 1) * width];
            words.extend(of_row[first_word..].iter().flat_map(|word| word.to_le_bytes()));
            let waiting = WaitingRow {
                time_us: row.time_us,
                kind: row.kind,
                key: batch.keys.get(index).copied().flatten(),
                place: ordinal + index as u64,
                words: &words,
                id: row.id.text(&batch.texts, &mut room),
                device: batch.devices.get(index).and_then(|&device| batch.text_of(device)),
                session: batch.sessions.get(index).and_then(|&session| batch.text_of(session)),
            };
            let waiting = self.mapped(waiting);
            match (&self.repeats, waiting.key) {
                (Some(repeats), Some(key)) => {
                    repeats.add(&waiting, &key.to_le_bytes(), &mut scratch.repeats)?;
                }
                (Some(_), None) => {
                    scratch.repeated.rows_without_key += 1;
                    self.keep(&waiting, store, scratch)?;
                }
                (None, _) => self.pass_on(&waiting, store, scratch)?,
            }
        }
        scratch.words = words;
        Ok(())
    }

    /// The row under the person that the map gives it to. One whose device is mapped is that
    /// person's, and says nothing of who uses the device.
    fn mapped<'b>(&'b self, row: WaitingRow<'b>) -> WaitingRow<'b> {
        let person = self.plan.map.as_ref().and_then(|map| map.person(row.id, row.time_us));
        match person {
            Some(person) if row.device == Some(row.id) => WaitingRow { id: person, device: None, ..row },
            Some(person) => WaitingRow { id: person, ..row },
            None => row,
        }
    }

    fn keep(
        &self,
        row: &WaitingRow<'_>,
        store: &Store,
        scratch: &mut IdentifyScratch,
    ) -> Result<(), SpillError> {
        scratch.repeated.keep(row.time_us);
        self.pass_on(row, store, scratch)
    }

    fn pass_on(
        &self,
        row: &WaitingRow<'_>,
        store: &Store,
        scratch: &mut IdentifyScratch,
    ) -> Result<(), SpillError> {
        match &self.devices {
            Some(devices) => devices.add(row, row.device.unwrap_or(row.id), &mut scratch.devices),
            None => scratch.leaving.add(row, row.id, &self.layout, store),
        }
    }

    /// Brings all that one thread still has in hand on its way.
    pub fn settle(&self, store: &Store, scratch: &mut IdentifyScratch) -> Result<(), SpillError> {
        for (waiting, arrivals) in
            [(&self.repeats, &mut scratch.repeats), (&self.devices, &mut scratch.devices)]
        {
            waiting.as_ref().map_or(Ok(()), |waiting| waiting.settle(arrivals))?;
        }
        let repeated = std::mem::take(&mut scratch.repeated);
        self.repeated.lock().unwrap_or_else(PoisonError::into_inner).merge(repeated);
        scratch.leaving.settle(store)
    }

    /// Fills the store, once all is read and settled.
    pub fn finish(
        self,
        store: &Store,
        dictionaries: &Dictionaries,
        threads: usize,
    ) -> Result<Identified, SpillError> {
        if let Some(repeats) = &self.repeats {
            let order = WantedOrder::of(dictionaries, self.layout);
            for_each(PARTS, threads, IdentifyScratch::default, |scratch, part| {
                self.drop_repeats(&repeats.take(part, false)?, &order, store, scratch)
            })?
            .iter_mut()
            .try_for_each(|scratch| self.settle(store, scratch))?;
        }
        let waits = [&self.repeats, &self.devices];
        let mut identified = Identified {
            spilled: waits.into_iter().flatten().map(Waiting::spilled).collect(),
            ..Identified::default()
        };
        if self.repeats.is_some() {
            identified.repeats = Some(self.repeated.into_inner().unwrap_or_else(PoisonError::into_inner));
        }
        if let Some(rows) = self.devices {
            let timeout_us = self.plan.session_timeout_us;
            let linked = Linked { rows, layout: self.layout, resources: self.resources, timeout_us };
            let stays = self.plan.compares;
            identified.stitch = Some(linked.fill(store, self.plan.stitch, threads, stays)?);
            identified.linked = stays.then_some(linked);
        }
        Ok(identified)
    }

    /// Keeps one row of each key: the first by what is used of them, whatever their order. Where the key
    /// holds for some time only, the first row behind that is kept as well, and so on.
    fn drop_repeats(
        &self,
        part: &Part<'_>,
        order: &WantedOrder,
        store: &Store,
        scratch: &mut IdentifyScratch,
    ) -> Result<(), SpillError> {
        let mut rows = part.rows();
        rows.sort_unstable_by(|&a, &b| {
            let (a, b) = (part.row(a), part.row(b));
            (a.key.cmp(&b.key)).then_with(|| order.compare(&a, &b)).then(a.place.cmp(&b.place))
        });
        for of_key in rows.chunk_by(|&a, &b| part.row(a).key == part.row(b).key) {
            let Some((&first, later)) = of_key.split_first() else { continue };
            let mut kept = part.row(first);
            let mut differs = false;
            for row in later.iter().map(|&row| part.row(row)) {
                let behind_us = row.time_us.saturating_sub(kept.time_us);
                if self.plan.dedupe_window_us.is_some_and(|window_us| behind_us > window_us) {
                    self.keep(&kept, store, scratch)?;
                    kept = row;
                    continue;
                }
                differs |= order.compare(&kept, &row) != Ordering::Equal;
                scratch.repeated.removed += 1;
                scratch.repeated.removed_without_event += u64::from(order.is_nameless(row.kind));
                scratch.repeated.removed_negative += u64::from(order.is_negative(&row));
            }
            scratch.repeated.differing_keys += u64::from(differs);
            self.keep(&kept, store, scratch)?;
        }
        Ok(())
    }
}

impl Linked {
    /// A store of all rows under another way of stitching.
    pub fn store(&self, stitch: Stitch, threads: usize) -> Result<Store, SpillError> {
        let store = Store::new(self.layout, &self.resources);
        self.fill(&store, stitch, threads, true)?;
        Ok(store)
    }

    fn fill(
        &self,
        store: &Store,
        stitch: Stitch,
        threads: usize,
        stays: bool,
    ) -> Result<StitchFacts, SpillError> {
        let workers = for_each(
            PARTS,
            threads,
            || (Leaving::default(), StitchFacts::default()),
            |(leaving, facts), part| self.deal(&self.rows.take(part, stays)?, stitch, store, leaving, facts),
        )?;
        let mut facts = StitchFacts::default();
        for (mut leaving, of_worker) in workers {
            leaving.settle(store)?;
            facts.merge(of_worker);
        }
        Ok(facts)
    }

    /// Gives the rows of a part to their people.
    fn deal(
        &self,
        part: &Part<'_>,
        stitch: Stitch,
        store: &Store,
        leaving: &mut Leaving,
        facts: &mut StitchFacts,
    ) -> Result<(), SpillError> {
        let mut rows = part.rows();
        rows.sort_unstable_by(|&a, &b| by_device_and_time(&part.row(a), &part.row(b)));
        let mut owners = Vec::new();
        for of_device in rows.chunk_by(|&a, &b| part.row(a).device == part.row(b).device) {
            if part.row(of_device[0]).device.is_none() {
                for &row in of_device {
                    let row = part.row(row);
                    leaving.add(&row, row.id, &self.layout, store)?;
                }
                continue;
            }
            let sighting = |&row: &RowAt| {
                let row = part.row(row);
                Sighting { time_us: row.time_us, person: row.known_person() }
            };
            let sightings: Vec<Sighting<'_>> = of_device.iter().map(sighting).collect();
            match find_owners(&sightings, self.timeout_us, stitch, &mut owners) {
                Users::Nobody => facts.devices_of_nobody += 1,
                Users::One => facts.devices_of_one += 1,
                Users::Several => facts.devices_shared += 1,
            }
            for ((&row, sighting), owner) in of_device.iter().zip(&sightings).zip(&owners) {
                let row = part.row(row);
                let person = owner.and_then(|owner| sightings[owner].person);
                if sighting.person.is_none() {
                    facts.rows_stitched += u64::from(person.is_some());
                    facts.rows_left += u64::from(person.is_none());
                }
                leaving.add(&row, person.unwrap_or(row.id), &self.layout, store)?;
            }
        }
        Ok(())
    }
}

/// Rows without a device first; of one device by time, of one instant those that name a person
/// first, by its bytes.
fn by_device_and_time(a: &WaitingRow<'_>, b: &WaitingRow<'_>) -> Ordering {
    let key = |row: &WaitingRow<'_>| row.known_person().is_none();
    (a.device.cmp(&b.device))
        .then_with(|| a.time_us.cmp(&b.time_us))
        .then_with(|| key(a).cmp(&key(b)))
        .then_with(|| a.id.cmp(b.id))
}

/// Rows on their way to the store, which takes batches.
#[derive(Default)]
struct Leaving {
    batch: Batch,
    insert: InsertScratch,
}

impl Leaving {
    fn add(
        &mut self,
        row: &WaitingRow<'_>,
        person: &[u8],
        layout: &RowLayout,
        store: &Store,
    ) -> Result<(), SpillError> {
        let batch = &mut self.batch;
        batch.push(row.time_us, row.kind, person);
        if layout.session {
            let session = row.session.map_or(TextRange::NONE, |session| batch.keep(session));
            batch.sessions.push(session);
        }
        if layout.ordinal {
            batch.places.push(row.place);
        }
        batch.words.extend([0; 3].iter().take(layout.value_at()));
        batch.words.extend(words_of(row));
        if batch.rows.len() == LEAVING_ROWS { self.settle(store) } else { Ok(()) }
    }

    fn settle(&mut self, store: &Store) -> Result<(), SpillError> {
        store.insert(&self.batch, 0, &mut self.insert)?;
        self.batch.clear();
        Ok(())
    }
}

fn words_of<'b>(row: &WaitingRow<'b>) -> impl Iterator<Item = u32> + use<'b> {
    row.words.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word))
}

/// The order of rows by all that is used of them: equal rows are alike in every report.
struct WantedOrder {
    ties: TieOrder,
    layout: RowLayout,
    /// By kind: its rows name no event.
    nameless: Vec<bool>,
}

impl WantedOrder {
    fn of(dictionaries: &Dictionaries, layout: RowLayout) -> WantedOrder {
        let nameless = dictionaries.kinds.keys().iter().map(|kind| kind.event.is_none()).collect();
        WantedOrder { ties: TieOrder::of(dictionaries), layout, nameless }
    }

    fn compare(&self, a: &WaitingRow<'_>, b: &WaitingRow<'_>) -> Ordering {
        let kind = |row: &WaitingRow<'_>| self.ties.kinds[row.kind as usize];
        (a.time_us.cmp(&b.time_us))
            .then_with(|| a.id.cmp(b.id))
            .then_with(|| a.device.cmp(&b.device))
            .then_with(|| kind(a).cmp(&kind(b)))
            .then_with(|| a.session.cmp(&b.session))
            .then_with(|| self.value(a).cmp(&self.value(b)))
            .then_with(|| self.codes(a).cmp(self.codes(b)))
            .then_with(|| self.received(a).cmp(&self.received(b)))
    }

    fn value(&self, row: &WaitingRow<'_>) -> Option<i64> {
        let value = row.words.first_chunk().filter(|_| self.layout.value).copied();
        value.map(i64::from_le_bytes).filter(|&value| value != NO_VALUE)
    }

    /// Ranks of the currency and of each dimension.
    fn codes(&self, row: &WaitingRow<'_>) -> impl Iterator<Item = u32> {
        let currencies = self.layout.currency.then_some(&self.ties.currencies);
        let ranks = currencies.into_iter().chain(&self.ties.dimensions);
        let before = if self.layout.value { 2 } else { 0 };
        words_of(row).skip(before).zip(ranks).map(|(code, ranks)| ranks[code as usize])
    }

    /// How long after its time the row was received: of no report, but of what is told of clocks.
    fn received(&self, row: &WaitingRow<'_>) -> Option<i64> {
        row.words.last_chunk().filter(|_| self.layout.received).map(|bytes| i64::from_le_bytes(*bytes))
    }

    fn is_nameless(&self, kind: u32) -> bool {
        self.nameless[kind as usize]
    }

    fn is_negative(&self, row: &WaitingRow<'_>) -> bool {
        self.value(row).is_some_and(|value| value < 0)
    }
}
