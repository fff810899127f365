//! What one pass over the rows reads: columns by role, conditions, and how texts become values.

use super::batch::RowLayout;
use super::cohort::Members;
use super::unpivot::TimedColumn;
use crate::condition::{BoundCondition, Condition};
use crate::decode::Limits;
use crate::decode::time::TimeOptions;
use crate::funnel::steps::EventPattern;
use jiff::tz::TimeZone;
use std::sync::Arc;

/// The columns of the source table, by role, each named as in the input.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns {
    /// The first one that is present identifies the row.
    pub user: Vec<String>,
    /// One column, or a date and a time of day; none where rows are wide.
    pub time: Vec<String>,
    /// Time columns that are events each, where rows are wide.
    pub unpivot: Vec<TimedColumn>,
    pub event: Option<String>,
    pub session: Option<String>,
    pub value: Option<String>,
    pub currency: Option<String>,
    pub dimensions: Vec<String>,
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
    /// The wanted columns; a decoder's slot is an index into this list.
    pub slots: Vec<String>,
    pub roles: RoleSlots,
    /// Distinct conditions of all steps of all funnels.
    pub conditions: Vec<BoundCondition>,
    pub uses: Vec<ConditionUse>,
    /// Rows that do not satisfy it are counted as filtered.
    pub filter: Option<BoundCondition>,
    pub layout: RowLayout,
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
    pub limits: Limits,
    /// Whose rows are wanted, where not everybody's are.
    pub members: Option<Arc<Members>>,
    /// Rejects kept with their place and text; beyond them they are only counted.
    pub keep_rejects: usize,
}

/// The slot of each role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoleSlots {
    pub user: Vec<usize>,
    pub time: Vec<usize>,
    pub unpivot: Vec<usize>,
    pub event: Option<usize>,
    pub session: Option<usize>,
    pub value: Option<usize>,
    pub currency: Option<usize>,
    pub dimensions: Vec<usize>,
}

/// The part of a [`ReadPlan`] that names slots: built once from columns and conditions.
#[derive(Debug, Default)]
pub struct Slots {
    pub names: Vec<String>,
    pub roles: RoleSlots,
}

impl Slots {
    /// Gives every wanted column one slot, however many roles and conditions it serves.
    pub fn assign<'c>(columns: &Columns, conditions: impl Iterator<Item = &'c Condition>) -> Slots {
        let mut slots = Slots::default();
        slots.roles.user = columns.user.iter().map(|name| slot(&mut slots.names, name)).collect();
        slots.roles.time = columns.time.iter().map(|name| slot(&mut slots.names, name)).collect();
        let names = &mut slots.names;
        slots.roles.unpivot = columns.unpivot.iter().map(|timed| slot(names, &timed.column)).collect();
        slots.roles.event = columns.event.as_deref().map(|name| slot(names, name));
        slots.roles.session = columns.session.as_deref().map(|name| slot(names, name));
        slots.roles.value = columns.value.as_deref().map(|name| slot(names, name));
        slots.roles.currency = columns.currency.as_deref().map(|name| slot(names, name));
        slots.roles.dimensions = columns.dimensions.iter().map(|name| slot(names, name)).collect();
        for condition in conditions {
            for name in condition.columns() {
                slot(names, name);
            }
        }
        slots
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
    /// Columns without which no row can be used; of several person columns none, as any one will do.
    pub fn required(&self) -> impl Iterator<Item = &String> {
        let user = self.user.first().filter(|_| self.user.len() == 1);
        user.into_iter().chain(&self.time).chain(&self.event)
    }
}
