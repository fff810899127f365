//! Everything that is said about one funnel: the three reports, by segment and over time.

use super::Names;
use super::abandonment::Abandonment;
use super::collect::{FunnelTally, ReadyFunnel};
use super::conversion::{Conversion, optional_interval, optional_share};
use super::identity::StitchedFunnel;
use super::table::{Block, Cell, Column, Table};
use super::tally::UnitTally;
use super::time_to_purchase::{QuantileChoice, TimeToPurchase};
use crate::decode::time::format_utc;
use crate::human::{count, duration};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FunnelReport {
    pub name: String,
    pub definition: FunnelDefinition,
    pub entered: u64,
    pub converted: u64,
    pub dropped: u64,
    pub open: u64,
    pub excluded: u64,
    /// Units in no denominator; no rule of today removes any.
    pub removed: u64,
    pub conversion: Conversion,
    pub abandonment: Abandonment,
    pub time_to_purchase: TimeToPurchase,
    /// Sessions by the deepest step reached in order inside them, without a window; 0 is none.
    pub session_stages: Vec<SessionStage>,
    pub segments: Vec<Segment>,
    pub trend: Vec<TrendBucket>,
    /// Units that entered in more than one bucket of the trend.
    pub in_several_buckets: u64,
    pub ties: Ties,
    /// With and without stitching; empty where none was asked for.
    pub stitching: Vec<StitchedFunnel>,
    /// Units whose first row of any kind is not of step 1.
    pub began_elsewhere: u64,
    /// Units whose segment at the first entry is not that at the start of their winning chain.
    pub segment_moved: u64,
    #[serde(skip)]
    pub steps: Vec<String>,
}

/// The rules behind the numbers of one funnel.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FunnelDefinition {
    /// The steps in the grammar of `--steps`.
    pub steps: String,
    pub unit: String,
    /// Null: no window.
    pub window_s: Option<f64>,
    pub rules: String,
    pub tie: String,
    pub by: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SessionStage {
    pub step: usize,
    pub n: u64,
}

/// What the rule for equal times decides.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Ties {
    /// Units whose level is another under `strict` than under `step`.
    pub units: u64,
    /// Overall conversion under either rule.
    pub conversion_strict: Option<f64>,
    pub conversion_step: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Segment {
    /// Null is `(not set)`; `(other)` stands for all values that are not listed.
    pub by: SegmentValues,
    /// True for the row that holds all values that are not listed.
    pub other: bool,
    pub entered: u64,
    pub converted: u64,
    pub dropped: u64,
    pub open: u64,
    pub excluded: u64,
    pub conversion: Conversion,
    pub abandonment: Abandonment,
    pub time_to_purchase: TimeToPurchase,
}

/// Column and value, in the order asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentValues(pub Vec<(String, Option<String>)>);

impl Serialize for SegmentValues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(column, value)| (column, value)))
    }
}

impl JsonSchema for SegmentValues {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SegmentValues".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "additionalProperties": { "type": ["string", "null"] }
        })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TrendBucket {
    /// RFC 3339 in UTC; half-open, a calendar period of the report's zone.
    pub from: String,
    pub to: String,
    /// Every entrant of the bucket was observed for a whole window.
    pub mature: bool,
    pub entered: u64,
    pub converted: u64,
    pub dropped: u64,
    pub open: u64,
    pub excluded: u64,
    pub conversion: Conversion,
    #[serde(skip)]
    pub from_us: i64,
}

/// What is needed to turn a tally into a report.
pub struct Context<'a> {
    pub names: &'a Names,
    pub choice: &'a QuantileChoice,
    pub as_of_us: i64,
    /// Columns of the funnel's segments.
    pub by: Vec<String>,
    /// By place: the values, in the order in which they are printed; the last is `(other)`.
    pub segments: Vec<SegmentValues>,
}

impl FunnelReport {
    pub fn of(ready: &ReadyFunnel, mut tally: FunnelTally, context: &Context<'_>) -> FunnelReport {
        let funnel = &ready.funnel;
        let steps: Vec<String> = funnel.required().map(|step| step.name.clone()).collect();
        let optional: Vec<String> = funnel.optional().map(|(_, step)| step.name.clone()).collect();
        let window_us = funnel.window_us;
        let (names, choice) = (context.names, context.choice);
        let share = |n: u64| (tally.total.entered > 0).then(|| n as f64 / tally.total.entered as f64);
        let ties = Ties {
            units: tally.total.tie_sensitive,
            conversion_strict: share(tally.total.converted_strict),
            conversion_step: share(tally.total.converted_step),
        };
        let segment = |(values, units): (&SegmentValues, &mut UnitTally), other: bool| Segment {
            by: values.clone(),
            other,
            entered: units.entered,
            converted: units.converted,
            dropped: units.dropped,
            open: units.open,
            excluded: units.excluded,
            conversion: Conversion::of(units, &steps, &optional),
            abandonment: Abandonment::of(units, &steps, names, choice.method),
            time_to_purchase: TimeToPurchase::of(units, window_us, choice),
        };
        let last = context.segments.len().saturating_sub(1);
        let segments = context
            .segments
            .iter()
            .zip(&mut tally.segments)
            .enumerate()
            .filter(|(place, (_, units))| *place < last || units.entered > 0)
            .map(|(place, pair)| segment(pair, place == last))
            .collect();
        let trend = tally
            .trend
            .iter()
            .map(|(&from_us, bucket)| TrendBucket {
                from: format_utc(from_us),
                to: format_utc(bucket.to_us),
                mature: window_us
                    .is_some_and(|window_us| bucket.to_us.saturating_add(window_us) <= context.as_of_us),
                entered: bucket.units.entered,
                converted: bucket.units.converted,
                dropped: bucket.units.dropped,
                open: bucket.units.open,
                excluded: bucket.units.excluded,
                conversion: Conversion::of(&bucket.units, &steps, &optional),
                from_us,
            })
            .collect();
        let mut total = tally.total;
        FunnelReport {
            name: funnel.name.clone(),
            definition: FunnelDefinition {
                steps: crate::funnel::steps::display_steps(&funnel.steps),
                unit: funnel.unit.name().to_owned(),
                window_s: window_us.map(|us| us as f64 / 1e6),
                rules: "dropoff".to_owned(),
                tie: funnel.tie.name().to_owned(),
                by: context.by.clone(),
            },
            entered: total.entered,
            converted: total.converted,
            dropped: total.dropped,
            open: total.open,
            excluded: total.excluded,
            removed: 0,
            conversion: Conversion::of(&total, &steps, &optional),
            abandonment: Abandonment::of(&mut total, &steps, names, choice.method),
            time_to_purchase: TimeToPurchase::of(&mut total, window_us, choice),
            session_stages: tally
                .session_stages
                .iter()
                .enumerate()
                .map(|(step, &n)| SessionStage { step, n })
                .collect(),
            segments,
            trend,
            in_several_buckets: tally.in_several_buckets,
            ties,
            stitching: Vec::new(),
            began_elsewhere: total.began_elsewhere,
            segment_moved: total.segment_moved,
            steps,
        }
    }

    /// A number of units in words: `1 person`, `2 sessions`.
    fn units(&self, n: u64) -> String {
        let name = match (self.definition.unit.as_str(), n) {
            ("session", 1) => "session",
            ("session", _) => "sessions",
            (_, 1) => "person",
            _ => "people",
        };
        format!("{} {name}", count(n))
    }

    /// The whole of it for people and table formats.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = vec![Block::Heading(2, format!("Conversion: {}", self.name))];
        blocks.push(Block::Facts(self.facts()));
        blocks.extend(self.conversion.tables().into_iter().map(Block::Table));
        if !self.stitching.is_empty() {
            blocks.push(Block::Table(StitchedFunnel::table(&self.stitching)));
        }
        if !self.segments.is_empty() {
            blocks.push(Block::Table(self.segment_table()));
        }
        if !self.trend.is_empty() {
            blocks.push(Block::Table(self.trend_table()));
        }
        blocks.push(Block::Heading(2, format!("Abandonment: {}", self.name)));
        blocks.extend(self.abandonment.tables().into_iter().map(Block::Table));
        blocks.push(Block::Table(self.session_table()));
        blocks.push(Block::Heading(2, format!("Time to purchase: {}", self.name)));
        blocks.extend(self.time_to_purchase.tables(&self.steps).into_iter().map(Block::Table));
        if !self.segments.is_empty() {
            blocks.push(Block::Table(self.segment_time_table()));
        }
        blocks
    }

    fn facts(&self) -> Vec<(String, String)> {
        let window = match self.definition.window_s {
            Some(seconds) => format!("{} from the entry, inclusive", duration((seconds * 1e6) as i64, false)),
            None => "none".to_owned(),
        };
        let mut facts = vec![
            ("steps".to_owned(), self.definition.steps.clone()),
            ("counted".to_owned(), format!("{} entered", self.units(self.entered))),
            ("window".to_owned(), window),
            (
                "statuses".to_owned(),
                format!(
                    "{} converted, {} dropped, {} open, {} excluded",
                    count(self.converted),
                    count(self.dropped),
                    count(self.open),
                    count(self.excluded)
                ),
            ),
        ];
        if let Some(mature) = self.conversion.mature
            && let (Some(share), Some((low, high))) = (mature.share, mature.ci95)
        {
            let text = format!(
                "{} of {} with a full window behind them: {} (95 % {} to {})",
                count(mature.converted),
                count(mature.n),
                per_cent(share),
                per_cent(low),
                per_cent(high)
            );
            facts.push(("mature".to_owned(), text));
        }
        if let Some((low, high)) = self.conversion.bounds {
            let text = format!("{} if no open one converts, {} if all do", per_cent(low), per_cent(high));
            facts.push(("bounds".to_owned(), text));
        }
        if self.ties.units > 0 {
            let rates = [self.ties.conversion_strict, self.ties.conversion_step]
                .map(|share| share.map_or("–".to_owned(), per_cent));
            let text = format!(
                "equal times decide the level of {}; conversion {} (strict) to {} (step)",
                self.units(self.ties.units),
                rates[0],
                rates[1]
            );
            facts.push(("ties".to_owned(), text));
        }
        if self.began_elsewhere > 0 {
            let text = format!("{} with a first row that is not of step 1", self.units(self.began_elsewhere));
            facts.push(("before".to_owned(), text));
        }
        facts
    }

    fn segment_columns(&self) -> Vec<Column> {
        self.definition.by.iter().map(|column| Column::text(column.clone(), column.clone())).collect()
    }

    fn segment_table(&self) -> Table {
        let mut columns = self.segment_columns();
        columns.extend([
            Column::number("entered", "Entered"),
            Column::number("converted", "Converted"),
            Column::number("of_first", "Of first"),
            Column::number("of_first_ci95", "95 % interval"),
            Column::number("dropped", "Dropped"),
            Column::number("open", "Open"),
        ]);
        let rows = self.segments.iter().map(|segment| {
            let mut row = segment_cells(segment);
            let last = segment.conversion.steps.last();
            row.push(Cell::Count(segment.entered));
            row.push(Cell::Count(segment.converted));
            row.push(optional_share(last.and_then(|step| step.of_first)));
            row.push(optional_interval(last.and_then(|step| step.of_first_ci95)));
            row.push(Cell::Count(segment.dropped));
            row.push(Cell::Count(segment.open));
            row
        });
        let mut notes =
            vec!["The value is that of the first entry; the parts add up to the total.".to_owned()];
        if self.segment_moved > 0 {
            notes.push(format!(
                "{} had another value at the start of their winning chain.",
                count(self.segment_moved)
            ));
        }
        Table {
            name: "segments".to_owned(),
            title: format!("By {}", self.definition.by.join(", ")),
            columns,
            rows: rows.collect(),
            notes,
        }
    }

    fn segment_time_table(&self) -> Table {
        let mut columns = self.segment_columns();
        columns.push(Column::number("n", "Converted"));
        for (key, _) in &self.time_to_purchase.total.quantiles.0 {
            columns.push(Column::number(key.clone(), key.trim_end_matches("_s").replace('_', ".")));
        }
        columns.push(Column::number("mean_s", "Mean"));
        let rows = self.segments.iter().map(|segment| {
            let total = &segment.time_to_purchase.total;
            let mut row = segment_cells(segment);
            row.push(Cell::Count(total.n));
            row.extend(total.quantiles.0.iter().map(|(_, value)| super::abandonment::seconds(*value)));
            row.push(super::abandonment::seconds(total.mean_s));
            row
        });
        Table {
            name: "time_to_purchase_segments".to_owned(),
            title: format!("The whole way, by {}", self.definition.by.join(", ")),
            columns,
            rows: rows.collect(),
            notes: Vec::new(),
        }
    }

    fn trend_table(&self) -> Table {
        let rows = self.trend.iter().map(|bucket| {
            let last = bucket.conversion.steps.last();
            vec![
                Cell::TimeUs(bucket.from_us),
                Cell::Count(bucket.entered),
                Cell::Count(bucket.converted),
                optional_share(last.and_then(|step| step.of_first)),
                optional_interval(last.and_then(|step| step.of_first_ci95)),
                Cell::Count(bucket.open),
                Cell::Text(if bucket.mature { "" } else { "not yet" }.to_owned()),
            ]
        });
        let mut notes = Vec::new();
        if self.trend.iter().any(|bucket| !bucket.mature) {
            notes.push(
                "not yet: some entrants' window ends after the data; leave these out of comparisons."
                    .to_owned(),
            );
        }
        if self.in_several_buckets > 0 {
            notes.push(format!("{} entered in several buckets.", self.units(self.in_several_buckets)));
        }
        Table {
            name: "trend".to_owned(),
            title: "By time of entry".to_owned(),
            columns: vec![
                Column::text("from", "From"),
                Column::number("entered", "Entered"),
                Column::number("converted", "Converted"),
                Column::number("of_first", "Of first"),
                Column::number("of_first_ci95", "95 % interval"),
                Column::number("open", "Open"),
                Column::text("mature", "Mature"),
            ],
            rows: rows.collect(),
            notes,
        }
    }

    fn session_table(&self) -> Table {
        let all: u64 = self.session_stages.iter().map(|stage| stage.n).sum();
        let rows = self.session_stages.iter().map(|stage| {
            let name = match stage.step {
                0 => "(none)".to_owned(),
                step => self.steps[step - 1].clone(),
            };
            let share = if all > 0 { Some(stage.n as f64 / all as f64) } else { None };
            vec![
                Cell::Count(stage.step as u64),
                Cell::Text(name),
                Cell::Count(stage.n),
                optional_share(share),
                share.map_or(Cell::Missing, Cell::Bar),
            ]
        });
        Table {
            name: "session_stages".to_owned(),
            title: "Sessions by the deepest step reached inside them".to_owned(),
            columns: vec![
                Column::number("step", "#"),
                Column::text("name", "Step"),
                Column::number("n", "Sessions"),
                Column::number("share", "Share"),
                Column::text("bar", ""),
            ],
            rows: rows.collect(),
            notes: Vec::new(),
        }
    }
}

fn segment_cells(segment: &Segment) -> Vec<Cell> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not set)".to_owned());
    segment.by.0.iter().map(|(_, value)| Cell::Text(text(value))).collect()
}

fn per_cent(share: f64) -> String {
    crate::human::share(share, false)
}
