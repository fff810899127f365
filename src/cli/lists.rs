//! Lists of single units beside a report: the table of people (`--people FILE`) and cohorts of ids
//! (`--emit-cohort dropped@Checkout=ids.csv`). Ids of people are written here, to the files that were asked
//! for, and nowhere else.

use super::args::ListArgs;
use super::failure::Failure;
use super::output::{Outputs, row_form};
use crate::condition::{read_quoted, suggest_nearest};
use crate::funnel::definition::Funnel;
use crate::identity::pseudonym::Pseudonyms;
use crate::render::rows::RowForm;
use crate::report::build::{FunnelRequest, Listed, Request};
use crate::report::lists::{CohortIds, CohortRule, ListRequest, Pick, distinct_step_names};
use crate::report::people::PeopleTable;
use crate::report::sessions::id_text;
use crate::report::table::{Cell, Kind, RowColumn};
use std::path::PathBuf;

/// What is listed, and where it goes.
#[derive(Debug)]
pub struct ListPlan {
    pub request: ListRequest,
    people: Option<(PathBuf, RowForm)>,
    cohorts: Vec<(PathBuf, RowForm)>,
    csv_raw: bool,
}

impl ListPlan {
    /// Settles what was typed; `None` where no list is wanted.
    pub fn resolve(
        args: &ListArgs,
        request: &Request,
        pseudonyms: Option<&Pseudonyms>,
        csv_raw: bool,
    ) -> Result<Option<ListPlan>, Failure> {
        let with_form = |path: &PathBuf| Ok::<_, Failure>((path.clone(), row_form("--people", path)?));
        let people = args.people.as_ref().map(with_form).transpose()?;
        let mut rules = Vec::new();
        let mut cohorts = Vec::new();
        for text in &args.emit_cohort {
            let (rule, path) = parse_cohort(text, &request.funnels).map_err(|failure| Failure {
                error: failure.error.context(format!("--emit-cohort {text}")),
                ..failure
            })?;
            let form = row_form("--emit-cohort", &path)?;
            if form == RowForm::Parquet {
                return Err(Failure::usage(format!(
                    "--emit-cohort: {}: ids are not written as Parquet",
                    path.display()
                ))
                .hint("use .csv, .tsv or .jsonl"));
            }
            rules.push(rule);
            cohorts.push((path, form));
        }
        let pseudonyms = pseudonyms.cloned();
        let list = ListRequest { table: people.is_some(), cohorts: rules, pseudonyms };
        if list.is_wanted() && request.min_cell.is_some() {
            return Err(Failure::usage("--min-cell: a list names single people")
                .hint("leave out --people and --emit-cohort, or --min-cell"));
        }
        Ok(list.is_wanted().then_some(ListPlan { request: list, people, cohorts, csv_raw }))
    }

    /// The files that are written.
    pub fn files(&self) -> Vec<PathBuf> {
        self.people.iter().chain(&self.cohorts).map(|(path, _)| path.clone()).collect()
    }

    /// Writes every list. `user_columns` are the columns of the log that name people.
    pub fn write(
        &self,
        listed: Listed,
        user_columns: &[String],
        outputs: &mut Outputs,
    ) -> Result<(), Failure> {
        if let Some((path, form)) = &self.people {
            outputs.stage(path, |out| write_people(listed.people, *form, self.csv_raw, out))?;
        }
        for ((path, form), ids) in self.cohorts.iter().zip(listed.cohorts) {
            outputs.stage(path, |out| write_ids(ids, user_columns, *form, self.csv_raw, out))?;
        }
        Ok(())
    }
}

fn write_people(
    mut table: PeopleTable,
    form: RowForm,
    raw: bool,
    out: &mut dyn std::io::Write,
) -> anyhow::Result<()> {
    let mut writer = form.writer(table.columns(), raw, out)?;
    let mut cells = Vec::new();
    while table.next_row(&mut cells)? {
        writer.row(&cells)?;
    }
    Ok(writer.finish()?)
}

/// One column for each that names people in the log; every row has an id in one of them.
fn write_ids(
    mut ids: CohortIds,
    user_columns: &[String],
    form: RowForm,
    raw: bool,
    out: &mut dyn std::io::Write,
) -> anyhow::Result<()> {
    let columns: Vec<RowColumn> =
        user_columns.iter().map(|column| RowColumn::new(column, Kind::Text)).collect();
    let mut writer = form.writer(&columns, raw, out)?;
    let mut id = Vec::new();
    while let Some(column) = ids.next_id(&mut id)? {
        let mut cells = vec![Cell::Missing; columns.len()];
        cells[usize::from(column)] = Cell::Text(id_text(&id));
        writer.row(&cells)?;
    }
    Ok(writer.finish()?)
}

/// Reads `[FUNNEL:]STATUS[@STEP]=FILE`; a name with one of the signs goes in single quotes.
fn parse_cohort(text: &str, funnels: &[FunnelRequest]) -> Result<(CohortRule, PathBuf), Failure> {
    let (first, rest) = name(text, &[':', '@', '='])?;
    let (funnel, status, rest) = match rest.strip_prefix(':') {
        Some(rest) => {
            let (status, rest) = name(rest, &['@', '='])?;
            (Some(first), status, rest)
        }
        None => (None, first, rest),
    };
    let (step, rest) = match rest.strip_prefix('@') {
        Some(rest) => {
            let (step, rest) = name(rest, &['='])?;
            (Some(step), rest)
        }
        None => (None, rest),
    };
    let Some(path) = rest.strip_prefix('=').filter(|path| !path.is_empty()) else {
        return Err(Failure::usage("no file is named").hint("write it so: dropped@Checkout=ids.csv"));
    };
    let place = funnel_named(funnel.as_deref(), funnels)?;
    let pick = pick_named(&status)?;
    let step = step_named(step.as_deref(), pick, &funnels[place].funnel)?;
    Ok((CohortRule { funnel: place, pick, step }, PathBuf::from(path)))
}

/// The name at the start, up to one of the signs or in quotes, and what follows.
fn name<'t>(text: &'t str, ends: &[char]) -> Result<(String, &'t str), Failure> {
    let text = text.trim_start();
    if text.starts_with('\'') {
        let Some((name, length)) = read_quoted(text, '\'') else {
            return Err(Failure::usage(format!("{text}: the quote is never closed")));
        };
        return Ok((name, text[length..].trim_start()));
    }
    let end = text.find(ends).unwrap_or(text.len());
    Ok((text[..end].trim_end().to_owned(), &text[end..]))
}

fn did_you_mean<'n>(wanted: &str, names: impl Iterator<Item = &'n str> + Clone) -> String {
    match suggest_nearest(wanted, names.clone(), 3).as_slice() {
        [] => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
        near => format!("did you mean {}?", near.join(", ")),
    }
}

fn funnel_named(wanted: Option<&str>, funnels: &[FunnelRequest]) -> Result<usize, Failure> {
    let names = funnels.iter().map(|wanted| wanted.funnel.name.as_str());
    match wanted {
        None if funnels.len() == 1 => Ok(0),
        None => {
            let list = names.collect::<Vec<_>>().join(", ");
            Err(Failure::usage(format!("of which funnel? There are {list}"))
                .hint("name it first: purchase:dropped@Checkout=ids.csv"))
        }
        Some(wanted) => names.clone().position(|name| name == wanted).ok_or_else(|| {
            Failure::usage(format!("there is no funnel {wanted:?}")).hint(did_you_mean(wanted, names))
        }),
    }
}

fn pick_named(wanted: &str) -> Result<Pick, Failure> {
    Pick::ALL.into_iter().find(|pick| pick.name() == wanted).ok_or_else(|| {
        let names = Pick::ALL.iter().map(|pick| pick.name());
        Failure::usage(format!("{wanted:?} is no status")).hint(did_you_mean(wanted, names))
    })
}

/// The place of a step among all of the funnel, where the status goes with one.
fn step_named(wanted: Option<&str>, pick: Pick, funnel: &Funnel) -> Result<Option<usize>, Failure> {
    let Some(wanted) = wanted else {
        if pick == Pick::Reached {
            return Err(Failure::usage("reached needs a step").hint("write it so: reached@Checkout=ids.csv"));
        }
        return Ok(None);
    };
    if matches!(pick, Pick::Entered | Pick::Converted) {
        let hint = "write it without a step; reached@STEP is everybody who got to one";
        return Err(Failure::usage(format!("{} goes with no step", pick.name())).hint(hint));
    }
    let names = distinct_step_names(funnel, &[]);
    let Some(step) = names.iter().position(|name| name == wanted) else {
        return Err(Failure::usage(format!("funnel {} has no step {wanted:?}", funnel.name))
            .hint(did_you_mean(wanted, names.iter().map(String::as_str))));
    };
    if funnel.steps[step].optional && pick != Pick::Reached {
        return Err(Failure::usage(format!("{wanted} is optional: nobody stops there"))
            .hint(format!("reached@{wanted} is everybody who used it")));
    }
    Ok(Some(step))
}
