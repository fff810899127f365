//! From the wanted fields of a record to an event, a reject or a filtered row.
//!
//! The judgement of a row never depends on which report is asked: first the structure (by the
//! decoder), then every column that the source table names, then the filter.

use super::batch::{Batch, NO_VALUE, RowLayout, TextRange};
use super::dictionary::{Dictionary, RecentTexts, ShortText, TextCodes};
use super::naming::{Naming, Origin};
use super::plan::{Dedupe, ReadPlan};
use crate::decode::RecordSink;
use crate::decode::header::folded;
use crate::decode::number::{NumberError, parse_amount};
use crate::decode::time::{TimeError, TimeParser};
use crate::event::{Field, RecordAt, Reject, RejectCode};
use crate::identity::Stitch;
use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// Between the parts of an id of several columns: no wanted field holds it.
pub const ID_BORDER: u8 = 0;

/// Bytes of a faulty field that a reject keeps.
const EXCERPT_BYTES: usize = 120;

/// A row's event name and what the conditions that matter for that name found: all that a
/// funnel needs to know of a row beside its time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// Code in [`Dictionaries::events`]; `None` where the row names no event.
    pub event: Option<u32>,
    /// One truth for each condition of [`relevant_conditions`], in their order.
    pub truths: Box<[bool]>,
    /// What named the row.
    pub origin: Origin,
}

/// The texts that all threads share.
#[derive(Debug)]
pub struct Dictionaries {
    pub events: Dictionary<Box<str>>,
    pub kinds: Dictionary<Kind>,
    pub currencies: Dictionary<Box<str>>,
    /// Pages of rows that no rule fitted.
    pub pages: Dictionary<Box<str>>,
    /// By dimension. Code 0 is the empty text: not set.
    pub dimensions: Vec<Dictionary<Box<str>>>,
}

impl Dictionaries {
    pub fn new(dimensions: usize) -> Dictionaries {
        let with_not_set = || {
            let dictionary = Dictionary::default();
            dictionary.code("".into());
            dictionary
        };
        Dictionaries {
            events: Dictionary::default(),
            kinds: Dictionary::default(),
            currencies: with_not_set(),
            pages: Dictionary::default(),
            dimensions: (0..dimensions).map(|_| with_not_set()).collect(),
        }
    }
}

/// The conditions (indices into `ReadPlan::conditions`) that rows of this event name must answer.
pub fn relevant_conditions(plan: &ReadPlan, event: Option<&str>) -> Vec<usize> {
    let Some(event) = event else { return Vec::new() };
    let mut relevant: Vec<usize> = plan
        .uses
        .iter()
        .filter(|wanted| wanted.pattern.matches(event))
        .map(|wanted| wanted.condition)
        .collect();
    relevant.sort_unstable();
    relevant.dedup();
    relevant
}

/// One thread's caches in front of the shared dictionaries. Kept from file to file.
pub struct Codes<'p> {
    pub(super) plan: &'p ReadPlan,
    shared: &'p Dictionaries,
    /// Rows without a name come first, then the names in the order in which this thread met them.
    events: Vec<EventEntry>,
    /// Where rules or pages name events.
    naming: Option<Box<Naming<'p>>>,
    event_numbers: HashMap<Box<[u8]>, u32, RandomState>,
    /// The kind of the rows of an event name, or where conditions decide it, the name's number
    /// with [`CONDITIONAL`].
    recent: RecentTexts,
    currencies: TextCodes<'p>,
    dimensions: Vec<TextCodes<'p>>,
    /// A row has more than a time, a person and a kind.
    has_words: bool,
    plain: Option<PlainSlots>,
    /// Room for the texts of a key.
    key: Vec<u8>,
    /// Room for an id that is put together.
    id: Vec<u8>,
}

/// Where a row's time, name and id lie, where each has a slot of its own and nothing else can keep a row
/// from being an event.
#[derive(Clone, Copy)]
struct PlainSlots {
    time: usize,
    event: usize,
    user: usize,
    /// A bit for each length of a text that may stand for no id, from the lowest on; the highest for all
    /// longer ones.
    null_lengths: u64,
}

impl PlainSlots {
    fn of(plan: &ReadPlan) -> Option<PlainSlots> {
        let roles = &plan.roles;
        let (&[time], Some(event), &[user]) = (&roles.time[..], roles.event, &roles.user[..]) else {
            return None;
        };
        let is_judged_further = plan.event_name.is_some()
            || roles.value.is_some()
            || plan.filter.is_some()
            || plan.as_of_us.is_some()
            || plan.derivation.is_some()
            || plan.identity.is_asked();
        // An empty id is none, too, as a rule.
        let lengths = plan.null_ids.iter().map(|null| null.len()).chain([0]);
        let null_lengths = lengths.fold(0, |bits, len| bits | length_bit(len));
        (!is_judged_further).then_some(PlainSlots { time, event, user, null_lengths })
    }
}

#[inline(always)]
fn length_bit(len: usize) -> u64 {
    1 << len.min(63)
}

/// Marks a number of [`Codes::events`] among kinds.
const CONDITIONAL: u32 = 1 << 31;

/// What a thread knows of one event name: the kinds of its rows, as a tree over its conditions.
struct EventEntry {
    event: Option<u32>,
    origin: Origin,
    relevant: Vec<usize>,
    /// `nodes[i][truth]` is the next node, or the kind at the last condition; `UNKNOWN` until met.
    nodes: Vec<[u32; 2]>,
}

const UNKNOWN: u32 = u32::MAX;

impl<'p> Codes<'p> {
    pub fn new(plan: &'p ReadPlan, shared: &'p Dictionaries) -> Codes<'p> {
        Codes {
            plan,
            shared,
            events: vec![EventEntry::new(plan, shared, None, Origin::default())],
            naming: plan.derivation.as_ref().map(|derivation| Box::new(Naming::new(plan, derivation))),
            event_numbers: HashMap::default(),
            recent: RecentTexts::default(),
            currencies: TextCodes::new(&shared.currencies),
            dimensions: shared.dimensions.iter().map(TextCodes::new).collect(),
            has_words: plan.layout.words() > 0 || plan.identity.is_asked(),
            plain: PlainSlots::of(plan),
            key: Vec::new(),
            id: Vec::new(),
        }
    }

    /// What is kept of a name that was met not long ago.
    #[inline(always)]
    fn recent_kind(&self, event: &[u8]) -> Option<u32> {
        ShortText::new(event).and_then(|short| self.recent.get(&short))
    }

    #[inline(always)]
    fn kind(&mut self, event: &[u8], fields: &[Field<'_>]) -> u32 {
        match self.recent_kind(event) {
            Some(kind) if kind & CONDITIONAL == 0 => kind,
            Some(number) => self.kind_by_conditions(number & !CONDITIONAL, fields),
            None => self.look_up_kind(event, fields),
        }
    }

    fn kind_by_conditions(&mut self, number: u32, fields: &[Field<'_>]) -> u32 {
        self.events[number as usize].kind(self.plan, self.shared, fields)
    }

    #[inline(never)]
    fn look_up_kind(&mut self, event: &[u8], fields: &[Field<'_>]) -> u32 {
        let number = self.event_number(event);
        let kind = self.kind_by_conditions(number, fields);
        if let Some(short) = ShortText::new(event)
            && (number | kind) & CONDITIONAL == 0
        {
            let is_conditional = !self.events[number as usize].relevant.is_empty();
            self.recent.keep(short, if is_conditional { number | CONDITIONAL } else { kind });
        }
        kind
    }

    fn event_number(&mut self, event: &[u8]) -> u32 {
        if event.is_empty() {
            return 0;
        }
        if let Some(&number) = self.event_numbers.get(event) {
            return number;
        }
        let number = self.events.len() as u32;
        let name = String::from_utf8_lossy(event);
        self.events.push(EventEntry::new(self.plan, self.shared, Some(&name), Origin::default()));
        self.event_numbers.insert(event.into(), number);
        number
    }

    /// The kind of a row that rules or its page name; `event` is what its column says. Beside it,
    /// whether the row has an event at all.
    #[inline(never)]
    fn derived_kind(&mut self, event: &[u8], fields: &[Field<'_>]) -> (u32, bool) {
        let (plan, shared) = (self.plan, self.shared);
        let events = &mut self.events;
        let naming = self.naming.as_mut().expect("rules or pages name events");
        let number = naming.number(event, fields, |name, page, rule| {
            let page = page.map(|page| shared.pages.code(page.into()));
            events.push(EventEntry::new(plan, shared, name, Origin { rule, page }));
            events.len() as u32 - 1
        });
        (self.kind_by_conditions(number, fields), self.events[number as usize].event.is_some())
    }
}

impl EventEntry {
    fn new(plan: &ReadPlan, shared: &Dictionaries, name: Option<&str>, origin: Origin) -> EventEntry {
        let event = name.map(|name| shared.events.code(name.into()));
        EventEntry { event, origin, relevant: relevant_conditions(plan, name), nodes: vec![[UNKNOWN; 2]] }
    }

    fn kind(&mut self, plan: &ReadPlan, shared: &Dictionaries, fields: &[Field<'_>]) -> u32 {
        let mut node = 0;
        let mut truth = false;
        for (depth, &condition) in self.relevant.iter().enumerate() {
            truth = plan.conditions[condition].holds(fields);
            if depth + 1 == self.relevant.len() {
                break;
            }
            if self.nodes[node][usize::from(truth)] == UNKNOWN {
                self.nodes[node][usize::from(truth)] = self.nodes.len() as u32;
                self.nodes.push([UNKNOWN; 2]);
            }
            node = self.nodes[node][usize::from(truth)] as usize;
        }
        match self.nodes[node][usize::from(truth)] {
            UNKNOWN => {
                let kind = self.new_kind(plan, shared, fields);
                self.nodes[node][usize::from(truth)] = kind;
                kind
            }
            kind => kind,
        }
    }

    #[cold]
    fn new_kind(&self, plan: &ReadPlan, shared: &Dictionaries, fields: &[Field<'_>]) -> u32 {
        let truths = self.relevant.iter().map(|&condition| plan.conditions[condition].holds(fields));
        shared.kinds.code(Kind { event: self.event, truths: truths.collect(), origin: self.origin })
    }
}

/// Takes the records of one file, piece by piece, and fills a batch with their events.
pub struct Assembler<'a, 'p> {
    pub codes: &'a mut Codes<'p>,
    pub times: &'a mut TimeParser,
    pub batch: &'a mut Batch,
}

impl RecordSink for Assembler<'_, '_> {
    fn record(&mut self, at: RecordAt, fields: &[Field<'_>]) {
        self.batch.tally.read += 1;
        if self.plain_event(fields).is_some() {
            return;
        }
        if let Err(fault) = self.event(fields) {
            fault.reject(at, fields, self.codes.plan.keep_rejects, self.batch);
        }
    }

    fn reject(&mut self, reject: Reject) {
        self.batch.tally.read += 1;
        self.batch.count_reject(reject, self.codes.plan.keep_rejects);
    }
}

/// Takes the records of a file of which nothing tells who acted: all are rejected, none is lost.
pub(super) struct Strangers<'a> {
    pub batch: &'a mut Batch,
    pub keep_rejects: usize,
}

impl RecordSink for Strangers<'_> {
    fn record(&mut self, at: RecordAt, _fields: &[Field<'_>]) {
        let message = "no column is known to name a person".to_owned();
        let (code, excerpt) = (RejectCode::R07, Vec::new());
        self.reject(Reject { code, at, slot: None, field: None, excerpt, message, damage: None });
    }

    fn reject(&mut self, reject: Reject) {
        self.batch.tally.read += 1;
        self.batch.count_reject(reject, self.keep_rejects);
    }
}

/// Why a sound record is no event.
pub(super) struct Fault {
    code: RejectCode,
    slot: usize,
    message: String,
}

impl Fault {
    /// In a box, so that a sound row has nothing to hand back.
    #[cold]
    fn new(code: RejectCode, slot: usize, message: String) -> Box<Fault> {
        Box::new(Fault { code, slot, message })
    }

    #[cold]
    fn of_time(error: TimeError, slot: usize, field: Field<'_>) -> Box<Fault> {
        let is_empty = matches!(field, Field::Missing | Field::Text(b""));
        Fault::new(error.code(), slot, if is_empty { "is empty".to_owned() } else { error.to_string() })
    }

    /// Counts the record as rejected.
    #[cold]
    pub fn reject(self, at: RecordAt, fields: &[Field<'_>], keep: usize, batch: &mut Batch) {
        let Fault { code, slot, message } = self;
        let excerpt = excerpt(fields[slot]);
        if matches!(code, RejectCode::R04 | RejectCode::R16) {
            batch.without_time.push(at);
        }
        let reject = Reject { code, at, slot: Some(slot), excerpt, message, field: None, damage: None };
        batch.count_reject(reject, keep);
    }
}

/// What every event of a record has.
pub(super) struct Judged<'f> {
    /// The place of the id's column in the list, and the id.
    user: (usize, &'f [u8]),
    value: Option<i64>,
}

impl Judged<'_> {
    /// The id as shards have it.
    pub fn id(&self, has_columns: bool) -> Vec<u8> {
        let (column, id) = self.user;
        let column = has_columns.then_some(column as u8);
        column.into_iter().chain(id.iter().copied()).collect()
    }
}

impl Assembler<'_, '_> {
    /// The short way of nearly all rows of most jobs. `None`, with nothing done, leaves a row to
    /// [`Assembler::event`].
    #[inline(always)]
    fn plain_event(&mut self, fields: &[Field<'_>]) -> Option<()> {
        let slots = self.codes.plain?;
        let (Field::Text(event), Field::Text(id)) = (fields[slots.event], fields[slots.user]) else {
            return None;
        };
        let kind = self.codes.recent_kind(event)?;
        if length_bit(id.len()) & slots.null_lengths != 0 || kind & CONDITIONAL != 0 {
            return None;
        }
        // Last, as it counts what it meets.
        let time_us = match fields[slots.time] {
            Field::Text(time) => self.times.parse_plain(time)?,
            Field::TimeUs(time_us) => self.times.parse_us(time_us).ok()?,
            Field::LocalTimeUs(local_us) => self.times.parse_local_us(local_us).ok()?,
            Field::Missing => return None,
        };
        let batch = &mut *self.batch;
        batch.tally.without_event += u64::from(event.is_empty());
        batch.push(time_us, kind, id);
        if self.codes.has_words {
            self.push_words(fields, None);
        }
        Some(())
    }

    #[inline(never)]
    fn event(&mut self, fields: &[Field<'_>]) -> Result<(), Box<Fault>> {
        let plan = self.codes.plan;
        let time_us = plan.time(fields, &plan.roles.time, self.times)?;
        let Some(judged) = self.judge(fields)? else { return Ok(()) };
        let event = match (&plan.event_name, plan.roles.event) {
            (Some(name), _) => name.as_bytes(),
            (None, Some(slot)) => text(fields[slot]),
            (None, None) => b"",
        };
        self.push(time_us, event, &judged, fields);
        Ok(())
    }

    /// What the record says beside its time; `None` if it is filtered, which is counted here.
    #[inline(always)]
    pub(super) fn judge<'f>(&mut self, fields: &[Field<'f>]) -> Result<Option<Judged<'f>>, Box<Fault>> {
        let plan = self.codes.plan;
        let user =
            if plan.columns.user_together { (0, first_of_all(plan, fields)?) } else { person(plan, fields)? };
        let value = match plan.roles.value {
            Some(slot) => amount(fields[slot], plan.decimal_mark)
                .map_err(|error| Fault::new(RejectCode::R09, slot, error.to_string()))?,
            None => None,
        };
        if plan.filter.as_ref().is_some_and(|filter| !filter.holds(fields)) {
            self.batch.tally.filtered += 1;
            return Ok(None);
        }
        Ok(Some(Judged { user, value }))
    }

    /// Adds one event of a record.
    #[inline(always)]
    pub(super) fn push(&mut self, time_us: i64, event: &[u8], judged: &Judged<'_>, fields: &[Field<'_>]) {
        let Judged { user: (user_index, user), value } = *judged;
        let plan = self.codes.plan;
        let roles = &plan.roles;
        let (kind, has_event) = if self.codes.naming.is_some() {
            self.codes.derived_kind(event, fields)
        } else {
            (self.codes.kind(event, fields), !event.is_empty())
        };
        let batch = &mut *self.batch;
        batch.tally.without_event += u64::from(!has_event);
        batch.tally.negative_values += u64::from(value.is_some_and(|value| value < 0));

        let id = match roles.user.len() {
            1 => user,
            _ if plan.columns.user_together => {
                let parts = roles.user.iter().map(|&slot| text(fields[slot]));
                id_of_parts(parts, &mut self.codes.id)
            }
            _ => id_of_column(user_index, user, &mut self.codes.id),
        };
        batch.push(time_us, kind, id);
        if self.codes.has_words {
            self.push_words(fields, value);
            if plan.identity.is_asked() {
                self.push_identity(fields, user_index);
            }
        }
    }

    fn push_words(&mut self, fields: &[Field<'_>], value: Option<i64>) {
        let plan = self.codes.plan;
        let (roles, layout) = (&plan.roles, &plan.layout);
        let batch = &mut *self.batch;
        // The shard fills in the place in the input and the number of the session.
        if layout.value_at() > 0 {
            batch.words.resize(batch.words.len() + layout.value_at(), 0);
        }
        if layout.value {
            batch.words.extend(RowLayout::two_words(value.unwrap_or(NO_VALUE)));
        }
        if layout.currency {
            // A currency without a value mixes nothing.
            let currency = roles.currency.filter(|_| value.is_some());
            let currency = currency.map_or(&b""[..], |slot| text(fields[slot]));
            batch.words.push(self.codes.currencies.code(currency));
        }
        for (&slot, codes) in roles.dimensions.iter().zip(&mut self.codes.dimensions) {
            batch.words.push(codes.code(text(fields[slot])));
        }
        if layout.session {
            let session = roles.session.map_or(&b""[..], |slot| text(fields[slot]));
            let session = if session.is_empty() { TextRange::NONE } else { batch.keep(session) };
            batch.sessions.push(session);
        }
    }

    /// What tells whose the row is, and whether it repeats another, once all rows are known.
    fn push_identity(&mut self, fields: &[Field<'_>], user_index: usize) {
        let plan = self.codes.plan;
        let batch = &mut *self.batch;
        if plan.identity.stitch != Stitch::None {
            let device = match (user_index, plan.roles.user.get(1)) {
                (0, Some(&slot)) => present(plan, fields[slot]),
                _ => None,
            };
            let device = match device {
                Some(device) => batch.keep(id_of_column(1, device, &mut self.codes.id)),
                // The id just put together is that of the device.
                None if user_index == 1 => batch.keep(&self.codes.id),
                None => TextRange::NONE,
            };
            batch.devices.push(device);
        }
        if plan.identity.dedupe != Dedupe::Nothing {
            batch.keys.push(event_key(plan, fields, &mut self.codes.key));
        }
    }
}

impl ReadPlan {
    /// The time that stands in one slot, or in a date and a time of day.
    #[inline(always)]
    pub(super) fn time(
        &self,
        fields: &[Field<'_>],
        slots: &[usize],
        times: &mut TimeParser,
    ) -> Result<i64, Box<Fault>> {
        let slot = slots[0];
        let time_us = self.any_time(fields, slots, times)?;
        if self.is_after_end(time_us) {
            let message = "is after the end of observation".to_owned();
            return Err(Fault::new(RejectCode::R17, slot, message));
        }
        Ok(time_us)
    }

    /// The same, whenever it is.
    #[inline(always)]
    pub(super) fn any_time(
        &self,
        fields: &[Field<'_>],
        slots: &[usize],
        times: &mut TimeParser,
    ) -> Result<i64, Box<Fault>> {
        let slot = slots[0];
        let parsed = match (fields[slot], &slots[1..]) {
            (Field::Text(time), []) => times.parse(time),
            _ => other_time(fields, slots, times),
        };
        match parsed {
            Ok(time_us) => Ok(time_us),
            Err(_) if self.is_own_name(slot, fields[slot]) => {
                Err(Fault::new(RejectCode::R16, slot, "the header line again".to_owned()))
            }
            Err(error) => Err(Fault::of_time(error, slot, fields[slot])),
        }
    }

    /// A column holds its own name: a header, of a file that was put behind another.
    #[cold]
    fn is_own_name(&self, slot: usize, field: Field<'_>) -> bool {
        matches!(field, Field::Text(text) if folded(&String::from_utf8_lossy(text)) == folded(&self.slots[slot]))
    }

    #[inline(always)]
    pub(super) fn is_after_end(&self, time_us: i64) -> bool {
        self.as_of_us.is_some_and(|as_of| time_us > as_of)
    }
}

/// A time in two columns, or one that is not logged as text.
#[inline(never)]
fn other_time(fields: &[Field<'_>], slots: &[usize], times: &mut TimeParser) -> Result<i64, TimeError> {
    match (fields[slots[0]], slots.get(1)) {
        (Field::TimeUs(time_us), _) => times.parse_us(time_us),
        (Field::LocalTimeUs(local_us), _) => times.parse_local_us(local_us),
        (Field::Text(date), Some(&time_slot)) => times.parse_two(date, text(fields[time_slot])),
        (Field::Text(time), None) => times.parse(time),
        (Field::Missing, _) => Err(TimeError::Unreadable),
    }
}

#[inline]
fn text(field: Field<'_>) -> &[u8] {
    match field {
        Field::Text(text) => text,
        _ => b"",
    }
}

/// The first id that is present, and the place of its column in the list.
#[inline(always)]
fn person<'f>(plan: &ReadPlan, fields: &[Field<'f>]) -> Result<(usize, &'f [u8]), Box<Fault>> {
    for (index, &slot) in plan.roles.user.iter().enumerate() {
        if let Some(id) = present(plan, fields[slot]) {
            return Ok((index, id));
        }
    }
    Err(Fault::new(RejectCode::R07, plan.roles.user[0], "no person".to_owned()))
}

/// The first part of an id of several columns, which no row may lack.
#[inline(never)]
fn first_of_all<'f>(plan: &ReadPlan, fields: &[Field<'f>]) -> Result<&'f [u8], Box<Fault>> {
    let slot = plan.roles.user[0];
    present(plan, fields[slot]).ok_or_else(|| Fault::new(RejectCode::R07, slot, "no person".to_owned()))
}

/// The id that `parts` make together, with a sign between them that no field holds.
#[inline(never)]
fn id_of_parts<'i, 'f>(parts: impl Iterator<Item = &'f [u8]>, id: &'i mut Vec<u8>) -> &'i [u8] {
    id.clear();
    for (index, part) in parts.enumerate() {
        if index > 0 {
            id.push(ID_BORDER);
        }
        id.extend_from_slice(part);
    }
    id
}

/// An id with its column, the place of which in the list is `index`: "7" in two columns is two people.
#[inline(never)]
fn id_of_column<'i>(index: usize, text: &[u8], id: &'i mut Vec<u8>) -> &'i [u8] {
    id.clear();
    id.push(index as u8);
    id.extend_from_slice(text);
    id
}

/// An id that does not stand for none.
#[inline]
fn present<'f>(plan: &ReadPlan, field: Field<'f>) -> Option<&'f [u8]> {
    match field {
        Field::Text(id) if !id.is_empty() || plan.keep_empty_ids => {
            (!plan.null_ids.iter().any(|null| null.as_bytes() == id)).then_some(id)
        }
        _ => None,
    }
}

/// A keyed hash of 128 bits of what the columns of the key hold; `None` where all are empty. Nobody
/// can write two events that fall together, for the key of the hash is new in every process.
fn event_key(plan: &ReadPlan, fields: &[Field<'_>], bytes: &mut Vec<u8>) -> Option<u128> {
    bytes.clear();
    let mut is_empty = true;
    for &slot in &plan.roles.key {
        is_empty &= matches!(fields[slot], Field::Missing | Field::Text(b""));
        write_field(fields[slot], bytes);
    }
    let hash = (!is_empty).then(|| blake3::keyed_hash(&plan.identity.hash_key, bytes))?;
    hash.as_bytes().first_chunk().map(|first| u128::from_le_bytes(*first))
}

/// Writes a field so that no two fields, and no two lists of fields, are written alike.
pub(super) fn write_field(field: Field<'_>, bytes: &mut Vec<u8>) {
    let mut write = |kind: u8, value: &[u8]| {
        bytes.push(kind);
        bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
        bytes.extend_from_slice(value);
    };
    match field {
        Field::Missing => write(0, b""),
        Field::Text(text) => write(0, text),
        Field::TimeUs(us) => write(1, &us.to_le_bytes()),
        Field::LocalTimeUs(us) => write(2, &us.to_le_bytes()),
    }
}

fn amount(field: Field<'_>, decimal_mark: u8) -> Result<Option<i64>, NumberError> {
    match field {
        Field::Text(text) if !text.trim_ascii().is_empty() => parse_amount(text, decimal_mark).map(Some),
        _ => Ok(None),
    }
}

fn excerpt(field: Field<'_>) -> Vec<u8> {
    match field {
        Field::Text(text) => text[..text.len().min(EXCERPT_BYTES)].to_vec(),
        Field::TimeUs(us) | Field::LocalTimeUs(us) => us.to_string().into_bytes(),
        Field::Missing => Vec::new(),
    }
}
