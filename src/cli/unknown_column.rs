//! A column that was asked for and that no input has: where it is written, and which may be meant.

use super::failure::Failure;
use super::plan::InputPlan;
use crate::condition::{Condition, suggest_nearest};
use crate::decode::dialect::DialectError;
use crate::definition::{Fault, Path};
use crate::derive::Rule;
use crate::event::excerpt::excerpt;
use crate::ingest::IngestError;
use crate::report::build::Request;
use crate::schema::roles::RoleProblem;

/// The code of a column that is not there.
const UNKNOWN: Option<&str> = Some("E-C24");

/// The failure at the place of the definition file that asks for the column, if one does; `columns` are
/// those of the input.
pub fn unknown_column(
    plan: &InputPlan,
    request: Option<&Request>,
    name: &str,
    columns: &[String],
) -> Failure {
    let hint = hint(name, columns, None);
    written(plan, request, name, &hint)
        .unwrap_or_else(|| Failure::usage(format!("there is no column {name:?}")).code(UNKNOWN).hint(hint))
}

/// What is wrong with an input whose header may lack a column that the definition file asks for.
pub fn unusable_input(plan: &InputPlan, error: IngestError) -> Failure {
    let IngestError::Dialect { name, error: of_header } = &error else { return error.into() };
    let DialectError::MissingColumns { missing, columns } = &**of_header else { return error.into() };
    let missing = missing.first();
    let failure =
        missing.and_then(|missing| written(plan, None, missing, &hint(missing, columns, Some(name))));
    failure.unwrap_or_else(|| Failure::from(error).code(UNKNOWN))
}

/// Why nobody plays a role, which may be that the definition file names a column that is not there.
pub fn unplayed_role(plan: &InputPlan, problem: &RoleProblem, columns: &[String]) -> Failure {
    if let RoleProblem::UnknownColumn { column, .. } = problem
        && let Some(failure) = written(plan, None, column, &hint(column, columns, None))
    {
        return failure;
    }
    Failure::usage(problem.to_string()).code(UNKNOWN).hint(problem.hint())
}

/// The nearest names, and the columns, which may be those of one file of several.
fn hint(name: &str, columns: &[String], file: Option<&str>) -> String {
    let near = suggest_nearest(name, columns.iter().map(String::as_str), 3);
    let shown = columns.iter().take(20).cloned().collect::<Vec<_>>().join(", ");
    let of_file = file.map_or(String::new(), |file| format!(" of {file}"));
    match near.as_slice() {
        [] => format!("the columns{of_file} are {}", excerpt(shown)),
        near => {
            let near = excerpt(near.join(", "));
            format!("did you mean {near}? The columns{of_file} are {}", excerpt(shown))
        }
    }
}

fn written(plan: &InputPlan, request: Option<&Request>, name: &str, hint: &str) -> Option<Failure> {
    let faults = plan.file.faults_of_column(name, &format!("there is no column {name:?}"));
    let used = |fault: &Fault| fault.places.first().is_some_and(|place| is_used(place, plan, request, name));
    let fault = faults.into_iter().find(used)?;
    Some(Failure::from(plan.file.fault(&fault)).code(UNKNOWN).hint(hint))
}

/// Whether what stands at the place has a part in this run, as far as the column goes: flags go before
/// it, and not every funnel is asked for.
fn is_used(place: &Path, plan: &InputPlan, request: Option<&Request>, name: &str) -> bool {
    let asked = &plan.asked;
    let is = |column: &Option<String>| column.as_deref() == Some(name);
    let names = |condition: &Condition| condition.columns().any(|column| column == name);
    match place.keys().as_slice() {
        ["source", "user", ..] => asked.user.iter().any(|column| column == name),
        ["source", "time"] => asked.time.iter().any(|column| column == name),
        ["source", "event"] => is(&asked.event),
        ["source", "url"] => is(&asked.url),
        ["source", "session"] => is(&asked.session),
        ["source", "value", ..] => is(&asked.value),
        ["source", "currency"] => is(&asked.currency),
        ["source", "received_time"] => is(&plan.received_time),
        ["source", "unpivot"] => !plan.unpivot_is_typed,
        ["source", "where"] => plan.filter.as_ref().is_some_and(names),
        ["dedupe", ..] => plan.identity.key().iter().any(|column| column == name),
        ["derive", ..] => plan.rules.iter().filter_map(Rule::condition).any(names),
        ["funnel", funnel, ..] => request.is_some_and(|request| {
            request.funnels.iter().filter(|wanted| wanted.funnel.name == *funnel).any(|wanted| {
                let values = wanted.funnel.value_columns();
                let mut conditions = wanted.funnel.event_specs().filter_map(|spec| spec.condition.as_ref());
                wanted.by.iter().chain(values).any(|column| column == name) || conditions.any(names)
            })
        }),
        _ => false,
    }
}
