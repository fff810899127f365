//! From files to everything that was read: finds inputs, looks at the first, settles who plays
//! which role, reads.

use super::decimal::Decimals;
use super::failure::Failure;
use super::plan::{InputPlan, unpivot_setting};
use super::setting::{Setting, Settings};
use super::unknown_column::{unknown_column, unplayed_role, unusable_input};
use crate::condition::{BoundCondition, Condition};
use crate::decode::access_log;
use crate::derive::Rule;
use crate::event::RejectCode;
use crate::ingest::cohort::Members;
use crate::ingest::plan::{Columns, ConditionUse, Dedupe, Derivation, ReadPlan, Slots};
use crate::ingest::unpivot::{TimedColumn, UnpivotError, resolve_unpivot};
use crate::ingest::{
    Everything, FileAccount, Form, IngestError, Pending, Progress, Resources, RowLayout, Sample, read_all,
};
use crate::report::build::Request;
use crate::schema::roles::{Asked, Choice, ColumnKind, ColumnSample, Confidence, Guess, RoleProblem, guess};
use crate::source::list::{Expanded, ListOptions, expand};
use crate::source::open::open;
use crate::source::{Input, InputKind, SourceNote};
use std::io::IsTerminal;
use std::sync::Arc;

/// The inputs, the first one that holds a row opened and sampled, and what it seems to be.
pub struct Found {
    pub pending: Vec<Pending>,
    /// Of several files with the same content those that are not read again.
    copies: Vec<Input>,
    pub notes: Vec<SourceNote>,
    /// Bytes of all inputs as they lie on disk; 0 where that is not known.
    pub total_bytes: u64,
    pub guess: Guess,
    pub columns: Vec<String>,
    pub rows: Arc<Vec<Vec<Option<String>>>>,
}

/// Of which columns of the first input the values are sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampled {
    All,
    /// Of those that decide who plays which role, which are all of them if the user did not.
    Needed,
}

/// Finds the inputs and looks at the first one that holds a row: what is empty, or only a header, says
/// little of the others.
pub fn find(plan: &InputPlan, sampled: Sampled) -> Result<Found, Failure> {
    if plan.files.is_empty() {
        return Err(Failure::usage("no files to read")
            .code(Some("E-F21"))
            .hint("name files, directories or globs, or - for standard input"));
    }
    if plan.files.iter().any(|file| file == "-") && std::io::stdin().is_terminal() {
        return Err(Failure::usage("standard input is a terminal")
            .code(Some("E-F21"))
            .hint("pipe a log into it, or name a file"));
    }
    let options = ListOptions { follow: plan.follow, dedupe: plan.dedupe_files, ..ListOptions::default() };
    let expanded = match expand(&plan.files, &options) {
        Err(error) if error.is_nothing_to_read() && plan.allow_empty => Expanded::default(),
        expanded => expanded?,
    };
    let mut found = Found {
        total_bytes: total_bytes(&expanded.inputs),
        pending: expanded.inputs.into_iter().map(|input| Pending { input, opened: None }).collect(),
        copies: expanded.copies,
        notes: expanded.notes,
        guess: Guess::default(),
        columns: Vec::new(),
        rows: Arc::default(),
    };
    let mut hints = plan.hints.clone();
    hints.required = named_columns(&plan.asked);
    for pending in &mut found.pending {
        let opened = open(&pending.input, &plan.open)?;
        let sample = match (sampled, named_for_roles(plan)) {
            (Sampled::Needed, Some(names)) => {
                Sample::of_columns(&opened, &hints, &|column| names.contains(&Sample::folded(column)))
            }
            (Sampled::Needed | Sampled::All, _) => Sample::of(&opened, &hints),
        };
        let sample = sample.map_err(|error| unusable_input(plan, error))?;
        let has_rows = !sample.rows.is_empty();
        if has_rows || found.columns.is_empty() {
            found.guess = guess(&column_samples(&sample), &asked_of(&sample, &plan.asked));
            found.columns.clone_from(&sample.columns);
            found.rows = Arc::clone(&sample.rows);
        }
        // Many files without a row must not all stay open; a pipe gives its content but once.
        if has_rows || opened.opens_once() {
            pending.opened = Some((opened, sample));
        }
        if has_rows {
            break;
        }
    }
    Ok(found)
}

fn total_bytes(inputs: &[Input]) -> u64 {
    let size = |input: &Input| match &input.kind {
        InputKind::File(path) => path.metadata().map(|metadata| metadata.len()).ok(),
        InputKind::Stdin => None,
    };
    inputs.iter().map(size).sum::<Option<u64>>().unwrap_or(0)
}

/// The columns that the user named, folded, if that settles who plays which required role: then what
/// the others hold changes nothing.
fn named_for_roles(plan: &InputPlan) -> Option<Vec<String>> {
    let asked = &plan.asked;
    let is_event_known = asked.event.is_some() || asked.event_name.is_some();
    let is_url_known = asked.url.is_some() || !asked.rules_ask_url;
    if asked.user.is_empty() || asked.time.is_empty() || !is_event_known || !is_url_known {
        return None;
    }
    let optional =
        [&asked.event, &asked.url, &asked.session, &asked.value, &asked.currency, &plan.received_time];
    let optional = optional.into_iter().flatten();
    Some(asked.user.iter().chain(&asked.time).chain(optional).map(|name| Sample::folded(name)).collect())
}

/// Columns that the header of delimited text must hold.
fn named_columns(asked: &Asked) -> Vec<String> {
    // Of several person columns any one may be there, unless they are one id together.
    let user = asked.user.first().filter(|_| asked.user.len() == 1 || asked.user_together);
    user.into_iter().chain(&asked.time).chain(&asked.event).cloned().collect()
}

/// The name of several columns that could play a role and that nothing else tells apart.
fn repeated_name(problem: &RoleProblem) -> Option<&str> {
    let RoleProblem::Ambiguous { candidates, .. } = problem else { return None };
    let (first, others) = candidates.split_first()?;
    others.iter().any(|other| other.column == first.column).then_some(first.column.as_str())
}

/// What was asked, with the names of columns as this input writes them.
fn asked_of(sample: &Sample, asked: &Asked) -> Asked {
    let name =
        |name: &String| sample.find(name).map_or_else(|| name.clone(), |at| sample.columns[at].clone());
    let names = |names: &[String]| names.iter().map(name).collect();
    let optional = |asked: &Option<String>| asked.as_ref().map(name);
    Asked {
        user: names(&asked.user),
        time: names(&asked.time),
        event: optional(&asked.event),
        url: optional(&asked.url),
        session: optional(&asked.session),
        value: optional(&asked.value),
        currency: optional(&asked.currency),
        ..asked.clone()
    }
}

fn column_samples(sample: &Sample) -> Vec<ColumnSample<'_>> {
    let kind = |column: usize| match &sample.form {
        Form::Parquet(file) => match file.columns()[column].kind.naive_time() {
            Some(_) => ColumnKind::Time,
            None => ColumnKind::Untyped,
        },
        _ => ColumnKind::Untyped,
    };
    sample
        .columns
        .iter()
        .enumerate()
        .map(|(column, name)| ColumnSample {
            name: name.clone(),
            kind: kind(column),
            values: sample.column(column).into_iter().map(|value| value.map(Into::into)).collect(),
        })
        .collect()
}

impl Found {
    /// All inputs, copies of others among them.
    pub fn inputs(&self) -> Vec<Input> {
        self.pending.iter().map(|pending| &pending.input).chain(&self.copies).cloned().collect()
    }

    /// There is no row to tell the columns from, and their names do not suffice: whatever rows there are
    /// cannot be used, and are counted all the same.
    pub fn is_unknown(&self) -> bool {
        self.rows.is_empty() && self.guess.required().is_err()
    }

    /// The inputs are logs of a web server.
    fn logs_requests(&self) -> bool {
        let sample = self.pending.iter().find_map(|pending| pending.opened.as_ref());
        sample.is_some_and(|(_, sample)| matches!(sample.form, Form::AccessLog(_)))
    }

    /// The columns by role, named as in the first input.
    pub fn roles(&self, plan: &InputPlan, dimensions: Vec<String>) -> Result<Columns, Failure> {
        if self.is_unknown() {
            return Ok(Columns { dimensions, ..Columns::default() });
        }
        if let Err(problem) = self.guess.required() {
            if let Some(column) = repeated_name(problem) {
                return Err(self.repeated_column(column).into());
            }
            return Err(unplayed_role(plan, problem, &self.columns));
        }
        let name = |choice: &Choice| self.columns[choice.column].clone();
        let guess = &self.guess;
        // Who names the columns wants those columns: then nothing is read that nobody named.
        let named = !plan.asked.user.is_empty() && (plan.asked.unpivot || !plan.asked.time.is_empty());
        let optional = |choice: &Option<Choice>| {
            choice.as_ref().filter(|choice| !named || choice.confidence == Confidence::Asked).map(name)
        };
        let time: Vec<String> = guess.time.iter().map(name).collect();
        Ok(Columns {
            received: self.received(plan, &time)?,
            user: if plan.asked.user.is_empty() {
                guess.user.iter().map(name).collect()
            } else {
                plan.asked.user.clone()
            },
            time,
            user_together: guess.user_together,
            unpivot: self.timed_columns(plan)?,
            event: guess.event.as_ref().map(name),
            url: guess.url.as_ref().map(name),
            session: optional(&guess.session),
            value: optional(&guess.value),
            currency: optional(&guess.currency),
            dimensions,
            key: plan.identity.key(),
        })
    }

    /// The column of when rows were received, named as in the first input.
    fn received(&self, plan: &InputPlan, time: &[String]) -> Result<Option<String>, Failure> {
        let Some(column) = self.received_column(plan) else { return Ok(None) };
        if time.contains(&column) {
            let settings = Settings { table: "source", file: &plan.file };
            let setting = settings.of("--received-time", plan.received_time_is_typed, "received_time");
            return Err(setting
                .wrong(format!("{column:?} is the time of the rows: there is nothing to compare it with"))
                .hint("name the column of when they happened with --time"));
        }
        Ok(Some(column))
    }

    /// The same, whatever role it has.
    pub fn received_column(&self, plan: &InputPlan) -> Option<String> {
        let wanted = plan.received_time.as_ref()?;
        if self.columns.contains(wanted) {
            return Some(wanted.clone());
        }
        let folded = Sample::folded(wanted);
        Some(self.columns.iter().find(|name| Sample::folded(name) == folded).unwrap_or(wanted).clone())
    }

    /// More than one column has this name.
    fn repeated_column(&self, column: &str) -> IngestError {
        let opened = self.pending.iter().find_map(|pending| pending.opened.as_ref());
        let header_lines = opened.map_or(1, |(_, sample)| sample.header_lines());
        IngestError::RepeatedColumn {
            name: opened.map_or_else(String::new, |(opened, _)| opened.name.clone()),
            column: column.to_owned(),
            columns: self.columns.clone(),
            header_lines,
        }
    }

    /// The time columns of wide rows, where they were asked for.
    fn timed_columns(&self, plan: &InputPlan) -> Result<Vec<TimedColumn>, Failure> {
        let setting = unpivot_setting(plan.unpivot_is_typed, &plan.file);
        resolve_unpivot(&plan.unpivot, &self.columns).map_err(|error| unpivot_failure(error, &setting))
    }

    /// What was guessed and is used, each with its reason.
    pub fn guessed(&self, used: &Columns, asked: &Asked) -> Vec<String> {
        let guess = &self.guess;
        let optional = |choice: &Option<Choice>, used: &Option<String>| -> Vec<Choice> {
            if used.is_some() { choice.iter().cloned().collect() } else { Vec::new() }
        };
        let roles = [
            ("person", guess.user.clone()),
            ("time", guess.time.clone()),
            ("event", optional(&guess.event, &used.event)),
            ("url", optional(&guess.url, &used.url)),
            ("session", optional(&guess.session, &used.session)),
            ("value", optional(&guess.value, &used.value)),
            ("currency", optional(&guess.currency, &used.currency)),
        ];
        let mut lines = Vec::new();
        for (role, choices) in roles {
            for choice in choices.iter().filter(|choice| choice.confidence != Confidence::Asked) {
                lines.push(format!("{role} = {} ({})", self.columns[choice.column], choice.evidence));
            }
        }
        if used.user_together && guess.user.iter().all(|choice| choice.confidence != Confidence::Asked) {
            lines.push(format!("person = {} together", used.user.join(" and ")));
        }
        if let (Some(url), None, None) = (&used.url, &used.event, &asked.event_name) {
            lines.push(format!("event = the page of {url}: its path, decoded, without its query"));
        }
        if let (Some(profile), false) = (&guess.profile, lines.is_empty()) {
            lines.insert(0, format!("layout of {}: {}", profile.name, profile.why));
        }
        lines
    }
}

/// Everything that decides how rows are read.
pub fn read_plan(
    plan: &InputPlan,
    found: &Found,
    columns: Columns,
    decimals: Decimals,
    members: Option<Arc<Members>>,
    request: Option<&Request>,
) -> Result<ReadPlan, Failure> {
    let conditions: &[Condition] = request.map_or(&[], |request| &request.conditions);
    let of_rules = plan.rules.iter().filter_map(Rule::condition);
    let mut slots = Slots::assign(&columns, plan.filter.iter().chain(of_rules), conditions.iter());
    check_columns(plan, found, &slots, columns.user_together, request)?;
    let identity = plan.identity.plan(plan, &columns, request.is_some() && members.is_none())?;
    let whole_record = (identity.dedupe == Dedupe::Exact).then(|| slots.add_whole_record());
    let decimal_mark = decimals.mark;
    // A comma that was found is that of the values; one that was given is that of all columns.
    let is_given = plan.decimal_mark.is_some();
    let has_commas = |slot| decimal_mark == b',' && (is_given || slots.roles.value == Some(slot));
    let bind = |condition: &Condition| -> Result<BoundCondition, Failure> {
        let bound = condition.bind(|name| slots.slot_of(name));
        let bound = bound.map_err(|error| Failure::usage(error.to_string()))?;
        Ok(bound.with_decimal_commas(&has_commas))
    };
    let uses = request.map_or_else(Vec::new, |request| {
        let specs = request.funnels.iter().flat_map(|funnel| funnel.funnel.event_specs());
        specs
            .filter_map(|spec| {
                let condition = conditions.iter().position(|known| Some(known) == spec.condition.as_ref())?;
                Some(ConditionUse { pattern: spec.pattern.clone(), condition })
            })
            .collect()
    });
    let keeps_order = request.is_some_and(|request| {
        request.funnels.iter().any(|funnel| funnel.funnel.tie == crate::funnel::engine::Tie::File)
    });
    let layout = RowLayout {
        ordinal: keeps_order,
        session: columns.session.is_some(),
        value: columns.value.is_some(),
        currency: columns.currency.is_some(),
        dimensions: columns.dimensions.len(),
        // A report does not use it.
        received: columns.received.is_some() && request.is_none(),
    };
    let derivation = (columns.url.is_some() || !plan.rules.is_empty())
        .then(|| -> Result<Derivation, Failure> {
            let conditions = plan.rules.iter().map(|rule| rule.condition().map(bind).transpose());
            Ok(Derivation {
                conditions: conditions.collect::<Result<_, _>>()?,
                rules: plan.rules.clone(),
                has_targets: found.logs_requests() && columns.url.as_deref() == Some(access_log::TARGET),
            })
        })
        .transpose()?;
    Ok(ReadPlan {
        identity,
        whole_record,
        conditions: conditions.iter().map(bind).collect::<Result<_, _>>()?,
        filter: plan.filter.as_ref().map(bind).transpose()?,
        uses,
        event_name: plan.asked.event_name.clone(),
        derivation,
        slots: slots.names.clone(),
        source_slots: slots.of_source,
        roles: slots.roles.clone(),
        columns,
        layout,
        time: plan.time.clone(),
        naive_zone: plan.naive_zone.clone(),
        naive_zone_given: plan.naive_zone_given,
        as_of_us: plan.as_of_us,
        decimal_mark,
        mark_told_by: decimals.told_by,
        null_ids: plan.null_ids.clone(),
        keep_empty_ids: plan.keep_empty_ids,
        cleaning: plan.cleaning,
        open: plan.open.clone(),
        limits: plan.limits,
        members,
        keep_rejects: plan.keep_rejects,
    })
}

/// A column that was named but is not in the only input is a usage error at once; among several
/// inputs others may have it, and of JSON later records ([`check_columns_read`]).
fn check_columns(
    plan: &InputPlan,
    found: &Found,
    slots: &Slots,
    together: bool,
    request: Option<&Request>,
) -> Result<(), Failure> {
    if found.pending.len() > 1 {
        return Ok(());
    }
    let Some((_, sample)) = found.pending.first().and_then(|pending| pending.opened.as_ref()) else {
        return Ok(());
    };
    if matches!(sample.form, Form::Json(_)) {
        return Ok(());
    }
    // Of several person columns any one may be there, unless they are one id together.
    let is_there = |slot: usize| sample.find(&slots.names[slot]).is_some();
    let has_user = !together && slots.roles.user.iter().any(|&slot| is_there(slot));
    let is_needless = |slot: &usize| has_user && slots.roles.user.contains(slot);
    match (0..slots.names.len()).find(|slot| !is_needless(slot) && !is_there(*slot)) {
        Some(slot) => Err(unknown_column(plan, request, &slots.names[slot], &found.columns)),
        None => Ok(()),
    }
}

/// A named column that no input had is a usage error.
pub fn check_columns_read(
    plan: &InputPlan,
    reading: &ReadPlan,
    request: Option<&Request>,
    files: &[FileAccount],
    columns: &[String],
) -> Result<(), Failure> {
    // Records that could not be read say nothing of the columns that they have.
    let is_readable = |file: &FileAccount| {
        let faults = RejectCode::ALL.into_iter().filter(|code| code.is_structural());
        let faults: u64 = faults.map(|code| file.read.tally.rejects[code.index()]).sum();
        faults == 0 || faults < file.read.tally.read
    };
    if reading.names_nobody() || !files.iter().any(is_readable) {
        return Ok(());
    }
    for (slot, name) in reading.column_slots() {
        let is_alternative = reading.roles.user.contains(&slot) && !reading.columns.user_together;
        if !is_alternative && !files.is_empty() && !files.iter().any(|file| file.has[slot]) {
            return Err(unknown_column(plan, request, name, columns));
        }
    }
    Ok(())
}

/// A list of time columns that cannot be used.
pub fn unpivot_failure(error: UnpivotError, setting: &Setting<'_>) -> Failure {
    let failure = setting.wrong(&error);
    match error.hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Reads everything. `input_bytes` is the size of all inputs; 0 where it is not known.
pub fn read(
    plan: &InputPlan,
    read_plan: &ReadPlan,
    pending: Vec<Pending>,
    input_bytes: u64,
    progress: &dyn Progress,
) -> Result<Everything, Failure> {
    let mut hints = plan.hints.clone();
    hints.required = read_plan.columns.required().cloned().collect();
    let resources = Resources {
        threads: plan.threads,
        store_bytes: plan.store_bytes,
        temp_dir: plan.temp_dir.clone(),
        input_bytes,
    };
    Ok(read_all(read_plan, &hints, pending, &resources, progress)?)
}
