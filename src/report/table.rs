//! What renderers know: tables of typed cells, notes and headings, and nothing of funnels.

/// A value that still knows what it is, so that each format can choose how to write it.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Text from the data: the renderer escapes it for its medium.
    Text(String),
    Count(u64),
    /// `0.0..=1.0`, shown as per cent to people.
    Share(f64),
    /// A 95 % interval of a share.
    ShareInterval(f64, f64),
    DurationUs(i64),
    /// Microseconds since the Unix epoch; people see it in the report's zone.
    TimeUs(i64),
    /// An exact amount in millionths of a unit (`12.5` is `12_500_000`).
    Amount(i128),
    /// A plain number that is none of the above.
    Number(f64),
    /// A bar of this share of the column's width; only terminals draw it, other forms leave it out.
    Bar(f64),
    /// Nothing to divide by, or not asked for.
    Missing,
}

/// One column: its machine name (CSV) and its title (people).
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// snake_case with its unit, e.g. `p50_s`; unique in the table.
    pub name: String,
    pub title: String,
    /// Right-aligned where alignment exists.
    pub numeric: bool,
    /// A terminal leaves a value blank that repeats the one above it.
    pub grouped: bool,
}

impl Column {
    pub fn text(name: impl Into<String>, title: impl Into<String>) -> Column {
        Column { name: name.into(), title: title.into(), numeric: false, grouped: false }
    }

    /// A label of several rows, shown once.
    pub fn grouped(self) -> Column {
        Column { grouped: true, ..self }
    }

    pub fn number(name: impl Into<String>, title: impl Into<String>) -> Column {
        Column { name: name.into(), title: title.into(), numeric: true, grouped: false }
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// snake_case, for machine forms: `conversion`, `abandonment_last_events`.
    pub name: String,
    /// One line for people, may be empty.
    pub title: String,
    pub columns: Vec<Column>,
    /// Every row is as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
    /// Lines printed under the table for people.
    pub notes: Vec<String>,
}

/// What all cells of a column are, if they are not missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Count,
    /// Microseconds since the Unix epoch.
    Time,
    /// In seconds.
    Duration,
    Amount,
}

/// One column of a long table; names differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowColumn {
    pub name: String,
    pub kind: Kind,
}

impl RowColumn {
    pub fn new(name: impl Into<String>, kind: Kind) -> RowColumn {
        RowColumn { name: name.into(), kind }
    }
}

/// One piece of a document, in reading order.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// The tables behind it are of the funnel of this name: a column where only tables are written, nothing for people.
    Funnel(String),
    /// A heading; level 1 is the title of the document.
    Heading(u8, String),
    /// `name: value` lines of the header (unit, window, zone, rows ...).
    Facts(Vec<(String, String)>),
    Table(Table),
    /// A sentence for people; machine forms leave it out.
    Note(String),
    /// A line to paste into a shell, for people: on one line whatever the width.
    Command(String),
    /// A warning, with its permanent code and its count in the text.
    Warning {
        code: String,
        text: String,
    },
}
