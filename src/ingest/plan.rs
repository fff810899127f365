//! What one pass over the rows reads: columns by role, conditions, and how texts become values.

use super::batch::RowLayout;
use super::clean::Cleaning;
use super::cohort::Members;
use super::unpivot::TimedColumn;
use crate::condition::{BoundCondition, Condition};
use crate::decode::Limits;
use crate::decode::time::TimeOptions;
use crate::derive::Rule;
use crate::funnel::steps::EventPattern;
use crate::identity::{IdentityMap, Stitch};
use crate::source::OpenOptions;
use jiff::tz::TimeZone;
use std::sync::Arc;

/// The columns of the source table, by role, each named as in the input.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns {
    /// The first one that is present identifies the row; or all of them do together.
    pub user: Vec<String>,
    /// All person columns are one id. The first must be there.
    pub user_together: bool,
    /// One column, or a date and a time of day; none where rows are wide.
    pub time: Vec<String>,
    /// Time columns that are events each, where rows are wide.
    pub unpivot: Vec<TimedColumn>,
    pub event: Option<String>,
    /// URLs, where rules or pages name the events.
    pub url: Option<String>,
    pub session: Option<String>,
    pub value: Option<String>,
    pub currency: Option<String>,
    /// When the server got the row: compared with its time, and used for nothing else.
    pub received: Option<String>,
    pub dimensions: Vec<String>,
    /// Rows that are alike in all of these are one event.
    pub key: Vec<String>,
}

/// Which rows are one event, of which one is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dedupe {
    #[default]
    Nothing,
    /// Those that are alike in the columns of the key.
    Key,
    /// Those that are alike in every column of their files.
    Exact,
}

/// Who acted, and which rows are one event.
#[derive(Debug, Clone, Default)]
pub struct IdentityPlan {
    /// The second person column is the device.
    pub stitch: Stitch,
    pub map: Option<Arc<IdentityMap>>,
    pub dedupe: Dedupe,
    /// With a key: rows that lie further behind the one that is kept are events of their own.
    pub dedupe_window_us: Option<i64>,
    /// A longer gap ends somebody's use of a shared device.
    pub session_timeout_us: i64,
    /// The rows are wanted under other ways of stitching as well.
    pub compares: bool,
    /// Of the hashes that tell events apart: new in every process.
    pub hash_key: [u8; 32],
}

impl IdentityPlan {
    /// A row needs more than its own id to find its person.
    pub fn is_asked(&self) -> bool {
        self.stitch != Stitch::None || self.map.is_some() || self.dedupe != Dedupe::Nothing
    }
}

/// Events that no column names: by rules, or by the page of a URL.
#[derive(Debug, Default)]
pub struct Derivation {
    /// The first that fits a row names it.
    pub rules: Vec<Rule>,
    /// Of each rule, bound.
    pub conditions: Vec<Option<BoundCondition>>,
    /// The URLs are targets of requests, as web servers log them.
    pub has_targets: bool,
}

impl Derivation {
    /// Whether a rule looks at URLs.
    pub fn asks_url(&self) -> bool {
        self.rules.iter().any(Rule::asks_url)
    }
}

/// A condition that matters only for rows whose event name fits the pattern.
#[derive(Debug, Clone)]
pub struct ConditionUse {
    pub pattern: EventPattern,
    /// Index into [`ReadPlan::conditions`].
    pub condition: usize,
}

/// Everything that decides how a row is read. Made once; the same for every file.
#[derive(Debug)]
pub struct ReadPlan {
    pub columns: Columns,
    /// The event of every row, where the input has no event column.
    pub event_name: Option<String>,
    /// What names the rows that neither of them names, or names them first.
    pub derivation: Option<Derivation>,
    /// The wanted columns; a decoder's slot is an index into this list.
    pub slots: Vec<String>,
    /// So many of the first slots are what the source names. Those behind them are asked for by the
    /// report alone, and never decide which rows are rejected.
    pub source_slots: usize,
    pub roles: RoleSlots,
    /// Distinct conditions of all steps of all funnels.
    pub conditions: Vec<BoundCondition>,
    pub uses: Vec<ConditionUse>,
    /// Rows that do not satisfy it are counted as filtered.
    pub filter: Option<BoundCondition>,
    pub layout: RowLayout,
    pub identity: IdentityPlan,
    /// The slot of the hash of the whole record, which no column has; behind all others.
    pub whole_record: Option<usize>,
    pub time: TimeOptions,
    /// Of times without a zone.
    pub naive_zone: TimeZone,
    /// The user named that zone.
    pub naive_zone_given: bool,
    /// Rows later than this are rejected (R17).
    pub as_of_us: Option<i64>,
    pub decimal_mark: u8,
    /// Ids that stand for none, beside the empty text.
    pub null_ids: Vec<String>,
    /// An empty text is an id like others.
    pub keep_empty_ids: bool,
    pub cleaning: Cleaning,
    /// How the inputs are opened.
    pub open: OpenOptions,
    pub limits: Limits,
    /// Whose rows are wanted, where not everybody's are.
    pub members: Option<Arc<Members>>,
    /// Rejects kept with their place and text; beyond them they are only counted.
    pub keep_rejects: usize,
}

impl ReadPlan {
    /// No column is known that tells whose a row is: none can be used.
    pub fn names_nobody(&self) -> bool {
        self.roles.user.is_empty()
    }

    /// Something names the event of a row.
    pub fn names_events(&self) -> bool {
        let roles = &self.roles;
        self.event_name.is_some() || self.derivation.is_some() || roles.event.is_some() || roles.is_wide()
    }

    /// Rows that no rule names are called by the page of their URL.
    pub fn names_pages(&self) -> bool {
        self.derivation.is_some() && self.event_name.is_none() && self.roles.event.is_none()
    }
}

/// The slot of each role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoleSlots {
    pub user: Vec<usize>,
    pub time: Vec<usize>,
    pub unpivot: Vec<usize>,
    pub event: Option<usize>,
    pub url: Option<usize>,
    pub session: Option<usize>,
    pub value: Option<usize>,
    pub currency: Option<usize>,
    pub received: Option<usize>,
    pub dimensions: Vec<usize>,
    pub key: Vec<usize>,
}

/// The part of a [`ReadPlan`] that names slots: built once from columns and conditions.
#[derive(Debug, Default)]
pub struct Slots {
    pub names: Vec<String>,
    /// So many of the first are of the source.
    pub of_source: usize,
    pub roles: RoleSlots,
}

impl Slots {
    /// Gives every wanted column one slot, however many roles and conditions it serves: first those of the
    /// source, then those of the report.
    pub fn assign<'c>(
        columns: &Columns,
        of_source: impl Iterator<Item = &'c Condition>,
        of_report: impl Iterator<Item = &'c Condition>,
    ) -> Slots {
        let mut slots = Slots::default();
        slots.roles.user = columns.user.iter().map(|name| slot(&mut slots.names, name)).collect();
        slots.roles.time = columns.time.iter().map(|name| slot(&mut slots.names, name)).collect();
        let names = &mut slots.names;
        slots.roles.unpivot = columns.unpivot.iter().map(|timed| slot(names, &timed.column)).collect();
        slots.roles.event = columns.event.as_deref().map(|name| slot(names, name));
        slots.roles.url = columns.url.as_deref().map(|name| slot(names, name));
        slots.roles.session = columns.session.as_deref().map(|name| slot(names, name));
        slots.roles.value = columns.value.as_deref().map(|name| slot(names, name));
        slots.roles.currency = columns.currency.as_deref().map(|name| slot(names, name));
        slots.roles.received = columns.received.as_deref().map(|name| slot(names, name));
        slots.roles.key = columns.key.iter().map(|name| slot(names, name)).collect();
        for name in of_source.flat_map(Condition::columns) {
            slot(names, name);
        }
        slots.of_source = names.len();
        slots.roles.dimensions = columns.dimensions.iter().map(|name| slot(names, name)).collect();
        for name in of_report.flat_map(Condition::columns) {
            slot(names, name);
        }
        slots
    }

    /// Adds the slot of the hash of the whole record, by which alone repeated events are known.
    pub fn add_whole_record(&mut self) -> usize {
        self.names.push("every column".to_owned());
        let slot = self.names.len() - 1;
        self.roles.key = vec![slot];
        slot
    }

    pub fn slot_of(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }
}

fn slot(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    })
}

impl ReadPlan {
    /// The slots of columns, each with its name.
    pub fn column_slots(&self) -> impl Iterator<Item = (usize, &String)> {
        self.slots.iter().enumerate().filter(|(slot, _)| self.whole_record != Some(*slot))
    }
}

impl RoleSlots {
    /// A row has a time column for each thing that happened.
    pub fn is_wide(&self) -> bool {
        !self.unpivot.is_empty()
    }

    /// The slots of each time that a row can have: one time in one or two of them, or several times.
    pub fn times(&self) -> Vec<Vec<usize>> {
        if self.is_wide() {
            return self.unpivot.iter().map(|&slot| vec![slot]).collect();
        }
        vec![self.time.clone()]
    }
}

impl Columns {
    /// Several columns name people, one a row: an id begins with the number of its own.
    pub fn ids_have_column(&self) -> bool {
        self.user.len() > 1 && !self.user_together
    }

    /// Columns without which no row can be used; of several person columns none, as any one will do.
    pub fn required(&self) -> impl Iterator<Item = &String> {
        let user = self.user.first().filter(|_| self.user.len() == 1 || self.user_together);
        user.into_iter().chain(&self.time).chain(&self.event)
    }
}
