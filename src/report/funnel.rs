//! Everything that is said about one funnel: the three reports, by segment and over time.

use super::Names;
use super::abandonment::Abandonment;
use super::build::FunnelRequest;
use super::collect::{Bucket, FunnelTally, ReadyFunnel};
use super::conversion::{Conversion, ConversionStep, optional_interval, optional_share};
use super::definition::FunnelDefinition;
use super::identity::StitchedFunnel;
use super::min_cell;
use super::segments::SegmentPlace;
use super::shape::{Shape, StepNames};
use super::table::{Block, Cell, Column, Table};
use super::tally::UnitTally;
use super::time_to_purchase::{QuantileChoice, TimeToPurchase};
use crate::decode::time::format_utc;
use crate::definition::ByFrom;
use crate::funnel::definition::Unit;
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
    /// Units that met a forbidden row where these remove: in no other count and in no denominator.
    pub removed: u64,
    /// Rows that belong to no unit, for lack of a value; null where units have none.
    pub no_value: Option<u64>,
    /// Gaps of winning chains that the tolerance lets go back in time; they count as 0.
    pub negative_gaps: u64,
    pub conversion: Conversion,
    pub abandonment: Abandonment,
    pub time_to_purchase: TimeToPurchase,
    /// Sessions by the deepest step reached in order inside them, without a window; 0 is none.
    pub session_stages: Vec<SessionStage>,
    pub segments: Vec<Segment>,
    pub trend: Vec<TrendBucket>,
    /// Units that entered in more than one bucket of the trend.
    pub in_several_buckets: u64,
    /// Units of buckets that are none of the whole, as each bucket begins anew.
    pub only_in_buckets: u64,
    /// Units that entered, and in no bucket: they begin inside one of those.
    pub in_no_bucket: u64,
    pub ties: Ties,
    /// With and without stitching; empty where none was asked for.
    pub stitching: Vec<StitchedFunnel>,
    /// Units whose first row of any kind is no entry.
    pub began_elsewhere: u64,
    /// Units whose segment at the first entry is not that at the start of their winning chain.
    pub segment_moved: u64,
    /// Units that are counted in another segment than that of their first entry.
    pub segment_differs: u64,
    /// Of a later row of the chain than its first.
    #[serde(skip)]
    pub segment_late: u64,
    /// Segments and buckets that are not shown.
    #[serde(skip)]
    pub hidden_cells: u64,
    /// By level.
    #[serde(skip)]
    pub steps: Vec<String>,
    #[serde(skip)]
    pub shape: Shape,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SessionStage {
    pub step: usize,
    pub n: u64,
}

/// What the rule for equal times decides.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Ties {
    /// Units whose level is another under `strict` than under `step`; null for attempts, of which
    /// there would be others.
    pub units: Option<u64>,
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
    /// True for the row that holds the units without a row of the step which gives the segment.
    pub no_row: bool,
    /// True for the row that stands for all segments that are not shown, for having too few people; all that
    /// follows is null there. Left out where it is false.
    #[serde(skip_serializing_if = "is_false")]
    pub suppressed: bool,
    pub entered: Option<u64>,
    pub converted: Option<u64>,
    pub dropped: Option<u64>,
    pub open: Option<u64>,
    pub excluded: Option<u64>,
    pub removed: Option<u64>,
    pub conversion: Option<Conversion>,
    pub abandonment: Option<Abandonment>,
    pub time_to_purchase: Option<TimeToPurchase>,
}

fn is_false(flag: &bool) -> bool {
    !flag
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
    /// True where it is not shown, for it or another has too few people; all that follows is null then.
    /// Left out where it is false.
    #[serde(skip_serializing_if = "is_false")]
    pub suppressed: bool,
    pub entered: Option<u64>,
    pub converted: Option<u64>,
    pub dropped: Option<u64>,
    pub open: Option<u64>,
    pub excluded: Option<u64>,
    pub removed: Option<u64>,
    pub conversion: Option<Conversion>,
    #[serde(skip)]
    pub from_us: i64,
}

/// What is needed to turn a tally into a report.
pub struct Context<'a> {
    pub names: &'a Names,
    pub choice: &'a QuantileChoice,
    pub as_of_us: i64,
    pub wanted: &'a FunnelRequest,
    /// In the order in which they are printed.
    pub segments: Vec<SegmentPlace>,
    pub min_cell: Option<u64>,
}

impl FunnelReport {
    pub fn of(ready: &ReadyFunnel, mut tally: FunnelTally, context: &Context<'_>) -> FunnelReport {
        let funnel = &ready.funnel;
        let steps = StepNames::of(funnel);
        let choice = context.choice;
        let is_told = funnel.unit != Unit::Attempt;
        let entered = tally.total.entered;
        let share = |n: u64| (is_told && entered > 0).then(|| n as f64 / entered as f64);
        let ties = Ties {
            units: is_told.then_some(tally.total.tie_sensitive),
            conversion_strict: share(tally.total.converted_strict),
            conversion_step: share(tally.total.converted_step),
        };
        let (segments, hidden_segments) = segments(&mut tally.segments, &steps, context);
        let trend = trend(ready, &tally, &steps, context);
        let hidden_buckets = trend.iter().filter(|bucket| bucket.suppressed).count() as u64;
        let mut total = tally.total;
        FunnelReport {
            name: funnel.name.clone(),
            definition: FunnelDefinition::of(ready, context.wanted),
            entered: total.entered,
            converted: total.converted,
            dropped: total.dropped,
            open: total.open,
            excluded: total.excluded,
            removed: total.removed,
            no_value: (!funnel.value_columns().is_empty()).then_some(tally.no_value),
            negative_gaps: total.negative_gaps,
            conversion: Conversion::of(&total, &steps),
            abandonment: whole_abandonment(&mut total, &steps, context),
            time_to_purchase: TimeToPurchase::of(&mut total, choice),
            session_stages: tally
                .session_stages
                .iter()
                .enumerate()
                .map(|(step, &n)| SessionStage { step, n })
                .collect(),
            segments,
            trend,
            in_several_buckets: tally.buckets.several,
            only_in_buckets: tally.buckets.only,
            in_no_bucket: tally.buckets.none,
            ties,
            stitching: Vec::new(),
            began_elsewhere: total.began_elsewhere,
            segment_moved: total.segment_moved,
            segment_differs: total.segment_differs,
            segment_late: total.segment_late,
            hidden_cells: hidden_segments + hidden_buckets,
            steps: steps.levels,
            shape: ready.shape,
        }
    }

    /// The whole of it for people and table formats.
    pub fn blocks(&self) -> Vec<Block> {
        let heading = Block::Heading(2, format!("Conversion: {}", self.name));
        let mut blocks = vec![Block::Funnel(self.name.clone()), heading];
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
        blocks.extend(self.time_to_purchase.tables(&self.steps, self.shape).into_iter().map(Block::Table));
        if !self.segments.is_empty() {
            blocks.push(Block::Table(self.segment_time_table()));
        }
        blocks
    }

    fn facts(&self) -> Vec<(String, String)> {
        let definition = &self.definition;
        let mut statuses = format!(
            "{} converted, {} dropped, {} open, {} excluded",
            count(self.converted),
            count(self.dropped),
            count(self.open),
            count(self.excluded)
        );
        if self.removed > 0 {
            statuses += &format!("; {} removed, in no other count", count(self.removed));
        }
        let mut facts = vec![
            ("steps".to_owned(), definition.steps.clone()),
            ("counted".to_owned(), format!("{} entered", definition.units(self.entered))),
        ];
        facts.splice(1..1, definition.step_facts());
        facts.extend(self.order_fact().map(|(name, text)| (name.to_owned(), text.to_owned())));
        facts.extend(definition.unit_facts(self.no_value));
        facts.push(("window".to_owned(), definition.window_text()));
        facts.extend(definition.row_facts());
        facts.push(("statuses".to_owned(), statuses));
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
        if let Some(units) = self.ties.units.filter(|units| *units > 0) {
            let rates = [self.ties.conversion_strict, self.ties.conversion_step]
                .map(|share| share.map_or("–".to_owned(), per_cent));
            let text = format!(
                "equal times decide the level of {}; conversion {} (strict) to {} (step)",
                definition.units(units),
                rates[0],
                rates[1]
            );
            facts.push(("ties".to_owned(), text));
        }
        facts.extend(self.tolerance_fact());
        if self.began_elsewhere > 0 {
            let text = format!(
                "{} with a first row that is {}",
                definition.units(self.began_elsewhere),
                if self.shape.enters_anywhere() { "of no step" } else { "not of step 1" }
            );
            facts.push(("before".to_owned(), text));
        }
        facts
    }

    fn tolerance_fact(&self) -> Option<(String, String)> {
        let definition = &self.definition;
        if definition.tolerance_s == 0.0 {
            return None;
        }
        let tolerance = duration((definition.tolerance_s * 1e6) as i64, false);
        let text = if definition.tie == "strict" {
            format!("a row must lie more than {tolerance} behind that of the step before")
        } else {
            let gaps = crate::human::counted(self.negative_gaps, "gap goes", "gaps go");
            format!(
                "a row may lie {tolerance} before that of the step before; {gaps} back in time, counted as 0"
            )
        };
        Some(("tolerance".to_owned(), text))
    }

    /// Said of a funnel whose steps are not simply in order.
    fn order_fact(&self) -> Option<(&'static str, &'static str)> {
        match self.shape {
            Shape::Ordered => None,
            Shape::Open => Some(("open", "people may enter at any step")),
            Shape::AnyOrder { anchored: false } => Some(("order", "any")),
            Shape::AnyOrder { anchored: true } => Some(("order", "any, but the first step comes first")),
        }
    }

    /// Which row gives a unit its segment, in words.
    fn segment_text(&self) -> String {
        let from = match self.definition.by_from.parse() {
            Ok(ByFrom::Step(step)) => format!("that of step {} on the winning chain", step + 1),
            Ok(ByFrom::FirstSeen) => "the first one on the winning chain".to_owned(),
            Ok(ByFrom::LastSeen) => "the last one on the winning chain".to_owned(),
            Ok(ByFrom::Person) => "the last one of the person up to the first entry".to_owned(),
            Ok(ByFrom::FirstEntry) | Err(_) => "that of the first entry".to_owned(),
        };
        format!("The value is {from}; the parts add up to the total.")
    }

    fn segment_columns(&self) -> Vec<Column> {
        self.definition.by.iter().map(|column| Column::text(column.clone(), column.clone())).collect()
    }

    fn segment_table(&self) -> Table {
        let mut columns = self.segment_columns();
        columns.extend([
            Column::number("entered", "Entered"),
            Column::number("converted", "Converted"),
            Column::number("of_first", self.conversion.of_first_title()),
            Column::number("of_first_ci95", "95 % interval"),
            Column::number("dropped", "Dropped"),
            Column::number("open", "Open"),
        ]);
        let rows = self.segments.iter().map(|segment| {
            let mut row = segment_cells(segment);
            let last = segment.last_step();
            row.push(optional_count(segment.entered));
            row.push(optional_count(segment.converted));
            row.push(optional_share(last.and_then(|step| step.of_first)));
            row.push(optional_interval(last.and_then(|step| step.of_first_ci95)));
            row.push(optional_count(segment.dropped));
            row.push(optional_count(segment.open));
            row
        });
        let mut notes = vec![self.segment_text()];
        if self.segments.iter().any(|segment| segment.suppressed) {
            notes.push("(suppressed): too few people to be shown, and what would give them away.".to_owned());
        }
        if self.segment_moved > 0 {
            notes.push(format!(
                "{} had another value at the start of their winning chain.",
                count(self.segment_moved)
            ));
        }
        if self.segment_differs > 0 {
            let units = self.definition.units(self.segment_differs);
            notes.push(format!("{units} had another value at their first entry."));
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
            let mut row = segment_cells(segment);
            let Some(times) = &segment.time_to_purchase else {
                row.resize(columns.len(), Cell::Missing);
                return row;
            };
            let total = &times.total;
            row.push(Cell::Count(total.n));
            row.extend(total.quantiles.0.iter().map(|(_, value)| super::abandonment::seconds(*value)));
            row.push(super::abandonment::seconds(total.mean_s));
            row
        });
        Table {
            name: "time_to_purchase_segments".to_owned(),
            title: format!("The whole way, by {}", self.definition.by.join(", ")),
            rows: rows.collect(),
            columns,
            notes: Vec::new(),
        }
    }

    fn trend_table(&self) -> Table {
        let rows = self.trend.iter().map(|bucket| {
            let last = bucket.conversion.as_ref().and_then(|conversion| conversion.steps.last());
            vec![
                Cell::TimeUs(bucket.from_us),
                optional_count(bucket.entered),
                optional_count(bucket.converted),
                optional_share(last.and_then(|step| step.of_first)),
                optional_interval(last.and_then(|step| step.of_first_ci95)),
                optional_count(bucket.open),
                Cell::Text(if bucket.mature { "" } else { "not yet" }.to_owned()),
            ]
        });
        let mut notes = Vec::new();
        if self.trend.iter().any(|bucket| bucket.suppressed) {
            notes.push(
                "Without numbers: too few people to be shown, and what would give them away.".to_owned(),
            );
        }
        if self.trend.iter().any(|bucket| !bucket.mature) {
            notes.push(
                "not yet: some entrants' window ends after the data; leave these out of comparisons."
                    .to_owned(),
            );
        }
        if self.in_several_buckets > 0 {
            notes.push(format!(
                "{} entered in several buckets.",
                self.definition.units(self.in_several_buckets)
            ));
        }
        notes.extend(self.whole_and_buckets());
        Table {
            name: "trend".to_owned(),
            title: "By time of entry".to_owned(),
            columns: vec![
                Column::text("from", "From"),
                Column::number("entered", "Entered"),
                Column::number("converted", "Converted"),
                Column::number("of_first", self.conversion.of_first_title()),
                Column::number("of_first_ci95", "95 % interval"),
                Column::number("open", "Open"),
                Column::text("mature", "Mature"),
            ],
            rows: rows.collect(),
            notes,
        }
    }

    /// Where buckets, of which each is a funnel of its own, have other units than the whole.
    fn whole_and_buckets(&self) -> Vec<String> {
        let units = |n: u64| self.definition.units(n);
        let mut notes = Vec::new();
        if self.only_in_buckets > 0 {
            notes.push(format!(
                "{} in these buckets {} not among the {} of the whole: every bucket begins anew, whatever was \
                 running from the one before.",
                units(self.only_in_buckets),
                if self.only_in_buckets == 1 { "is" } else { "are" },
                count(self.entered)
            ));
        }
        if self.in_no_bucket > 0 {
            notes.push(format!(
                "{} of the whole {} in no bucket, inside what began anew there.",
                units(self.in_no_bucket),
                if self.in_no_bucket == 1 { "is" } else { "are" }
            ));
        }
        notes
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
        let deepest =
            if self.shape.is_any_order() { "how many steps were done" } else { "the deepest step reached" };
        Table {
            name: "session_stages".to_owned(),
            title: format!("Sessions by {deepest} inside them"),
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

/// What is said of the people of the whole funnel who left; rare events are summed up where cells of few
/// people are not shown, and where units are not people there are no events then.
fn whole_abandonment(total: &mut UnitTally, steps: &StepNames, context: &Context<'_>) -> Abandonment {
    let mut whole = Abandonment::of(total, &steps.levels, context.names, context.choice.method);
    match context.min_cell {
        None => {}
        Some(_) if total.clusters.is_some() => whole.leave_out_events(),
        Some(least) => whole.fold_events(least),
    }
    whole
}

/// The segments in their order, and how many are not shown; one row stands for these.
fn segments(tallies: &mut [UnitTally], steps: &StepNames, context: &Context<'_>) -> (Vec<Segment>, u64) {
    let is_met = |place: &SegmentPlace, units: &UnitTally| !place.other || units.entered + units.removed > 0;
    let met = context.segments.iter().zip(tallies).filter(|(place, units)| is_met(place, units));
    let met: Vec<(&SegmentPlace, &mut UnitTally)> = met.collect();
    let cells = if met.iter().any(|(_, units)| units.clusters.is_some()) {
        min_cell::Cells::Overlapping
    } else {
        min_cell::Cells::Apart
    };
    let people: Vec<u64> = met.iter().map(|(_, units)| min_cell::people(units)).collect();
    let hidden =
        context.min_cell.map_or(vec![false; met.len()], |least| min_cell::hidden(&people, least, cells));
    let hidden_count = hidden.iter().filter(|hidden| **hidden).count() as u64;
    let shown = met.into_iter().zip(hidden).filter(|(_, hidden)| !hidden).map(|(cell, _)| cell);
    let mut shown: Vec<Segment> =
        shown.map(|(place, units)| Segment::of(place, units, steps, context)).collect();
    if hidden_count > 0 {
        shown.push(Segment::suppressed(&context.wanted.by));
    }
    (shown, hidden_count)
}

impl Segment {
    fn of(place: &SegmentPlace, units: &mut UnitTally, steps: &StepNames, context: &Context<'_>) -> Segment {
        let (names, choice) = (context.names, context.choice);
        let mut abandonment = Abandonment::of(units, &steps.levels, names, choice.method);
        if context.min_cell.is_some() {
            // With those of the whole funnel they would tell of the segments that are not shown.
            abandonment.leave_out_events();
        }
        Segment {
            by: place.values.clone(),
            other: place.other,
            no_row: place.no_row,
            suppressed: false,
            entered: Some(units.entered),
            converted: Some(units.converted),
            dropped: Some(units.dropped),
            open: Some(units.open),
            excluded: Some(units.excluded),
            removed: Some(units.removed),
            conversion: Some(Conversion::of(units, steps)),
            abandonment: Some(abandonment),
            time_to_purchase: Some(TimeToPurchase::of(units, choice)),
        }
    }

    /// Stands for segments that are not shown: neither their values nor their numbers.
    fn suppressed(by: &[String]) -> Segment {
        let value = || Some("(suppressed)".to_owned());
        Segment {
            by: SegmentValues(by.iter().map(|column| (column.clone(), value())).collect()),
            other: false,
            no_row: false,
            suppressed: true,
            entered: None,
            converted: None,
            dropped: None,
            open: None,
            excluded: None,
            removed: None,
            conversion: None,
            abandonment: None,
            time_to_purchase: None,
        }
    }

    fn last_step(&self) -> Option<&ConversionStep> {
        self.conversion.as_ref()?.steps.last()
    }
}

/// The buckets in the order of time.
fn trend(
    ready: &ReadyFunnel,
    tally: &FunnelTally,
    steps: &StepNames,
    context: &Context<'_>,
) -> Vec<TrendBucket> {
    let people: Vec<u64> = tally.trend.values().map(|bucket| min_cell::people(&bucket.units)).collect();
    // Whoever enters on two days is in both.
    let hidden = |least| min_cell::hidden(&people, least, min_cell::Cells::Overlapping);
    let hidden = context.min_cell.map_or(vec![false; people.len()], hidden);
    let bucket = |((&from_us, bucket), suppressed): ((&i64, &Bucket), bool)| {
        let units = &bucket.units;
        let shown = |n: u64| (!suppressed).then_some(n);
        TrendBucket {
            from: format_utc(from_us),
            to: format_utc(bucket.to_us),
            mature: is_mature(ready, bucket, context.as_of_us),
            suppressed,
            entered: shown(units.entered),
            converted: shown(units.converted),
            dropped: shown(units.dropped),
            open: shown(units.open),
            excluded: shown(units.excluded),
            removed: shown(units.removed),
            conversion: (!suppressed).then(|| Conversion::of(units, steps)),
            from_us,
        }
    };
    tally.trend.iter().zip(hidden).map(bucket).collect()
}

fn segment_cells(segment: &Segment) -> Vec<Cell> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not set)".to_owned());
    segment.by.0.iter().map(|(_, value)| Cell::Text(text(value))).collect()
}

/// Whether every entrant of a bucket was observed for a whole window.
fn is_mature(ready: &ReadyFunnel, bucket: &Bucket, as_of_us: i64) -> bool {
    match ready.longest_way_us {
        Some(way_us) => bucket.to_us.saturating_add(way_us) <= as_of_us,
        // Each window ends when its session or day does.
        None => bucket.to_us <= as_of_us && bucket.units.mature == bucket.units.entered,
    }
}

fn optional_count(n: Option<u64>) -> Cell {
    n.map_or(Cell::Missing, Cell::Count)
}

fn per_cent(share: f64) -> String {
    crate::human::share(share, false)
}
