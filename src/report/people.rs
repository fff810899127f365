//! The table of people: what became of each unit that entered, and when.
//!
//! One row a unit and funnel: funnels in their order, then people by the bytes of their ids, then
//! the units of a person in the order of time. All facts of a row are of its one winning chain, but for the
//! first entry, the attempts and the segment values, as in the report itself.

use super::build::Request;
use super::lists::{UnitLine, distinct, distinct_step_names};
use super::sessions::id_text;
use super::table::{Cell, Kind, RowColumn};
use crate::funnel::engine::Status;
use crate::ingest::plan::Columns;
use crate::source::sorted::Sorted;
use std::io;

/// The whole table, to be read once, row by row.
pub struct PeopleTable {
    lines: Sorted,
    layout: Layout,
    /// The columns of the log that name people, where each is an id by itself; else none.
    user_columns: Vec<String>,
    /// Texts of the segment columns, by dimension and code.
    texts: Vec<Vec<String>>,
    line: UnitLine,
}

/// What goes where.
struct Layout {
    columns: Vec<RowColumn>,
    has_numbers: bool,
    /// The first of the columns that say how far the unit got.
    level_at: usize,
    funnels: Vec<FunnelColumns>,
}

/// Where the facts of one funnel go.
struct FunnelColumns {
    name: String,
    /// By column whose values make its units: its dimension, and its column.
    values: Vec<(usize, usize)>,
    /// By step: its name, and its column.
    steps: Vec<(String, usize)>,
    /// By segment column of the funnel: its dimension, and its column.
    by: Vec<(usize, usize)>,
}

const WHO: [(&str, Kind); 4] = [
    ("funnel", Kind::Text),
    ("person", Kind::Text),
    ("person_column", Kind::Text),
    ("unit_number", Kind::Count),
];
/// Behind who it is, the values that make the units and the segment values.
const HOW_FAR: [(&str, Kind); 4] =
    [("level", Kind::Count), ("stage", Kind::Text), ("status", Kind::Text), ("first_entry", Kind::Time)];
/// Behind the times of the steps.
const LAST: [(&str, Kind); 3] =
    [("value", Kind::Amount), ("attempts", Kind::Count), ("time_to_purchase_s", Kind::Duration)];

impl Layout {
    fn new(request: &Request, user_columns: &[String], dimensions: &[String]) -> Layout {
        // What is always there keeps its name.
        let mut taken: Vec<String> =
            WHO.iter().chain(&HOW_FAR).chain(&LAST).map(|(name, _)| (*name).to_owned()).collect();
        let has_numbers = request.funnels.iter().any(|wanted| wanted.funnel.has_several_units());
        let is_there = |name: &str| match name {
            "person_column" => user_columns.len() > 1,
            "unit_number" => has_numbers,
            _ => true,
        };
        let of = |columns: &[(&str, Kind)]| -> Vec<RowColumn> {
            let present = columns.iter().filter(|(name, _)| is_there(name));
            present.map(|&(name, kind)| RowColumn::new(name, kind)).collect()
        };
        let mut columns = of(&WHO);
        let dimension_of = |column: &String| dimensions.iter().position(|known| known == column);
        let values = request.funnels.iter().flat_map(|wanted| wanted.funnel.value_columns());
        let values = text_columns(values, &dimension_of, &mut taken, &mut columns);
        let by = request.funnels.iter().flat_map(|wanted| &wanted.by);
        let segments = text_columns(by, &dimension_of, &mut taken, &mut columns);
        let level_at = columns.len();
        columns.extend(of(&HOW_FAR));
        let steps_at = columns.len();
        let mut funnels = Vec::new();
        for wanted in &request.funnels {
            let names = distinct_step_names(&wanted.funnel, &taken);
            let mut steps = Vec::new();
            for name in names {
                // Steps of several funnels that are called alike share a column.
                let known = columns[steps_at..].iter().position(|column| column.name == name);
                steps.push(known.map_or(columns.len(), |known| steps_at + known));
                if known.is_none() {
                    columns.push(RowColumn::new(name, Kind::Time));
                }
            }
            let find = |column: &String, places: &[(usize, usize)]| {
                let dimension = dimension_of(column)?;
                places.iter().find(|(known, _)| *known == dimension).copied()
            };
            let of_units = wanted.funnel.value_columns().iter();
            funnels.push(FunnelColumns {
                name: wanted.funnel.name.clone(),
                steps: wanted.funnel.steps.iter().map(|step| step.name.clone()).zip(steps).collect(),
                values: of_units.filter_map(|column| find(column, &values)).collect(),
                by: wanted.by.iter().filter_map(|column| find(column, &segments)).collect(),
            });
        }
        columns.extend(of(&LAST));
        Layout { columns, has_numbers, level_at, funnels }
    }
}

/// Adds a column of texts for each of the log's, once; gives their dimensions and their places.
fn text_columns<'c>(
    wanted: impl Iterator<Item = &'c String>,
    dimension_of: &dyn Fn(&String) -> Option<usize>,
    taken: &mut Vec<String>,
    columns: &mut Vec<RowColumn>,
) -> Vec<(usize, usize)> {
    let mut places: Vec<(usize, usize)> = Vec::new();
    for column in wanted {
        let Some(dimension) = dimension_of(column) else { continue };
        if !places.iter().any(|(known, _)| *known == dimension) {
            places.push((dimension, columns.len()));
            let name = distinct(column, taken);
            taken.push(name.clone());
            columns.push(RowColumn::new(name, Kind::Text));
        }
    }
    places
}

impl PeopleTable {
    /// `texts` holds the texts of each dimension.
    pub(super) fn new(
        lines: Sorted,
        request: &Request,
        columns: &Columns,
        texts: Vec<Vec<String>>,
    ) -> PeopleTable {
        let user_columns = if columns.ids_have_column() { columns.user.clone() } else { Vec::new() };
        let layout = Layout::new(request, &user_columns, &columns.dimensions);
        PeopleTable { lines, layout, user_columns, texts, line: UnitLine::default() }
    }

    pub fn columns(&self) -> &[RowColumn] {
        &self.layout.columns
    }

    /// Puts the next row into `cells`; `false` at the end. Fails only where a temporary file does.
    pub fn next_row(&mut self, cells: &mut Vec<Cell>) -> io::Result<bool> {
        let Some(line) = self.lines.next_text()? else { return Ok(false) };
        let has_user_columns = self.user_columns.len() > 1;
        self.line.read(line, has_user_columns);
        let (line, layout) = (&self.line, &self.layout);
        let funnel = &layout.funnels[line.funnel];
        cells.clear();
        cells.push(Cell::Text(funnel.name.clone()));
        cells.push(Cell::Text(id_text(&line.id)));
        if has_user_columns {
            cells.push(Cell::Text(self.user_columns[usize::from(line.column)].clone()));
        }
        if layout.has_numbers {
            cells.push(if line.number == 0 { Cell::Missing } else { Cell::Count(line.number.into()) });
        }
        cells.resize(layout.columns.len(), Cell::Missing);
        let of_unit = line.values.iter().zip(&funnel.values);
        for (&code, &(dimension, column)) in of_unit.chain(line.segments.iter().zip(&funnel.by)) {
            let text = self.texts[dimension].get(code as usize);
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                cells[column] = Cell::Text(text.clone());
            }
        }
        let stage = line.stage.map_or(Cell::Missing, |stage| Cell::Text(funnel.steps[stage].0.clone()));
        let status = Cell::Text(status_name(line.status).to_owned());
        let how_far = [Cell::Count(line.level.into()), stage, status, Cell::TimeUs(line.first_entry_us)];
        put(how_far, layout.level_at, cells);
        for &(step, time_us) in &line.times_us {
            cells[funnel.steps[step].1] = Cell::TimeUs(time_us);
        }
        let value = line.value.map_or(Cell::Missing, |value| Cell::Amount(value.into()));
        let duration = line.duration_us.map_or(Cell::Missing, Cell::DurationUs);
        put([value, Cell::Count(line.attempts.into()), duration], layout.columns.len() - LAST.len(), cells);
        Ok(true)
    }
}

fn put<const N: usize>(some: [Cell; N], at: usize, cells: &mut [Cell]) {
    for (place, cell) in cells[at..].iter_mut().zip(some) {
        *place = cell;
    }
}

/// As the report counts them.
fn status_name(status: Status) -> &'static str {
    match status {
        Status::NotEntered => "not entered",
        Status::Converted => "converted",
        Status::Dropped => "dropped",
        Status::Open => "open",
        Status::Excluded => "excluded",
        Status::Removed => "removed",
    }
}
