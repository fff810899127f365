//! A report as JSONL: one object per line, its `type` first.
//!
//! `jq 'select(.type == "step")'` gives one flat object per step. Lines of a funnel name it second;
//! lines of a segment have its values in `by` after that. Names and numbers are those of the JSON
//! report. Warnings have lines of their own, those of the run before those of the body; the last
//! line holds the hash of the body. Leaves out how often and where the text is written.

use super::abandonment::Stage;
use super::conversion::{Conversion, ConversionStep, NamedStep, OptionalUse, Rate};
use super::definition::FunnelDefinition;
use super::funnel::{FunnelReport, Segment, SegmentValues, Ties, TrendBucket};
use super::{CohortFile, FileRead, RejectSample, Report, Run};
use serde::Serialize;
use std::io::{self, Write};

#[derive(Serialize)]
struct Line<'a, T: Serialize> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    funnel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a SegmentValues>,
    #[serde(flatten)]
    value: T,
}

/// A run without its warnings, which have lines of their own.
#[derive(Serialize)]
struct RunLine<'a> {
    version: &'a str,
    elapsed_s: f64,
    threads: usize,
    files: &'a [FileRead],
    guessed: &'a [String],
    reject_samples: &'a [RejectSample],
    notes: &'a [String],
    rows_out_of_order: u64,
    spilled_bytes: u64,
    cohort_files: &'a [CohortFile],
    time_zone_database: &'a Option<String>,
}

#[derive(Serialize)]
struct FunnelLine<'a> {
    definition: &'a FunnelDefinition,
    entered: u64,
    converted: u64,
    dropped: u64,
    open: u64,
    excluded: u64,
    removed: u64,
    no_value: Option<u64>,
    negative_gaps: u64,
    #[serde(flatten)]
    rate: OverallRate,
    in_several_buckets: u64,
    only_in_buckets: u64,
    in_no_bucket: u64,
    ties: &'a Ties,
    began_elsewhere: u64,
    segment_moved: u64,
    segment_differs: u64,
}

#[derive(Serialize)]
struct SegmentLine {
    other: bool,
    no_row: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<bool>,
    entered: Option<u64>,
    converted: Option<u64>,
    dropped: Option<u64>,
    open: Option<u64>,
    excluded: Option<u64>,
    removed: Option<u64>,
    #[serde(flatten)]
    rate: OverallRate,
}

/// A whole bucket, and its rate where it is found at once.
#[derive(Serialize)]
struct TrendLine<'a> {
    #[serde(flatten)]
    bucket: &'a TrendBucket,
    of_first: Option<f64>,
    of_first_ci95: Option<(f64, f64)>,
}

/// What a conversion says of the last step, and of all steps together.
#[derive(Serialize)]
struct OverallRate {
    of_first: Option<f64>,
    of_first_ci95: Option<(f64, f64)>,
    mature: Option<Rate>,
    bounds: Option<(f64, f64)>,
}

#[derive(Serialize)]
struct LastLine<'a> {
    schema: &'a str,
    trusted: bool,
    body_hash: &'a str,
}

impl OverallRate {
    /// All null without a conversion.
    fn of(conversion: Option<&Conversion>) -> OverallRate {
        let last = conversion.and_then(|conversion| conversion.steps.last());
        OverallRate {
            of_first: last.and_then(|step| step.of_first),
            of_first_ci95: last.and_then(|step| step.of_first_ci95),
            mature: conversion.and_then(|conversion| conversion.mature),
            bounds: conversion.and_then(|conversion| conversion.bounds),
        }
    }
}

/// Writes the lines of a report, each with its line break. Fails only where `out` fails.
pub fn write_lines(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = Lines { funnel: None, by: None, out };
    if let Some(run) = &report.run {
        lines.run(run)?;
    }
    lines.line("definition", &report.body.definition)?;
    lines.line("input", &report.body.input)?;
    if let Some(derived) = &report.body.derived {
        lines.line("derived", derived)?;
    }
    for funnel in &report.body.funnels {
        lines.funnel = Some(&funnel.name);
        lines.funnel(funnel)?;
    }
    lines.funnel = None;
    let run_warnings = report.run.iter().flat_map(|run| &run.warnings);
    for warning in run_warnings.chain(&report.body.warnings) {
        lines.line("warning", warning)?;
    }
    let last = LastLine { schema: &report.schema, trusted: report.trusted, body_hash: &report.body_hash };
    lines.line("body_hash", last)
}

/// Where lines go, and what those of the present funnel and segment have in common.
struct Lines<'a, 'o> {
    funnel: Option<&'a str>,
    by: Option<&'a SegmentValues>,
    out: &'o mut dyn Write,
}

impl<'a> Lines<'a, '_> {
    fn line(&mut self, kind: &'static str, value: impl Serialize) -> io::Result<()> {
        let line = Line { kind, funnel: self.funnel, by: self.by, value };
        serde_json::to_writer(&mut *self.out, &line)?;
        self.out.write_all(b"\n")
    }

    // Structs are taken apart in full here, so that a new field cannot be forgotten.

    fn run(&mut self, run: &Run) -> io::Result<()> {
        let Run {
            version,
            elapsed_s,
            threads,
            files,
            guessed,
            reject_samples,
            warnings: _,
            notes,
            rows_out_of_order,
            spilled_bytes,
            cohort_files,
            time_zone_database,
        } = run;
        self.line(
            "run",
            RunLine {
                version,
                elapsed_s: *elapsed_s,
                threads: *threads,
                files,
                guessed,
                reject_samples,
                notes,
                rows_out_of_order: *rows_out_of_order,
                spilled_bytes: *spilled_bytes,
                cohort_files,
                time_zone_database,
            },
        )
    }

    fn funnel(&mut self, funnel: &'a FunnelReport) -> io::Result<()> {
        let FunnelReport {
            name: _,
            definition,
            entered,
            converted,
            dropped,
            open,
            excluded,
            removed,
            no_value,
            negative_gaps,
            conversion,
            abandonment,
            time_to_purchase,
            session_stages,
            segments,
            trend,
            in_several_buckets,
            only_in_buckets,
            in_no_bucket,
            ties,
            stitching,
            began_elsewhere,
            segment_moved,
            segment_differs,
            segment_late: _,
            hidden_cells: _,
            steps: _,
            shape: _,
        } = funnel;
        self.line(
            "funnel",
            FunnelLine {
                definition,
                entered: *entered,
                converted: *converted,
                dropped: *dropped,
                open: *open,
                excluded: *excluded,
                removed: *removed,
                no_value: *no_value,
                negative_gaps: *negative_gaps,
                rate: OverallRate::of(Some(conversion)),
                in_several_buckets: *in_several_buckets,
                only_in_buckets: *only_in_buckets,
                in_no_bucket: *in_no_bucket,
                ties,
                began_elsewhere: *began_elsewhere,
                segment_moved: *segment_moved,
                segment_differs: *segment_differs,
            },
        )?;
        self.steps("step", &conversion.steps)?;
        self.named_steps("named_step", &conversion.named_steps)?;
        self.optional_steps("optional_step", &conversion.optional)?;
        self.stages("stage", &abandonment.stages)?;
        self.line("time_to_purchase", time_to_purchase)?;
        for stage in session_stages {
            self.line("session_stage", stage)?;
        }
        for way in stitching {
            self.line("stitching", way)?;
        }
        for segment in segments {
            self.by = Some(&segment.by);
            self.segment(segment)?;
        }
        self.by = None;
        for bucket in trend {
            self.bucket(bucket)?;
        }
        Ok(())
    }

    fn segment(&mut self, segment: &Segment) -> io::Result<()> {
        let Segment {
            by: _,
            other,
            no_row,
            suppressed,
            entered,
            converted,
            dropped,
            open,
            excluded,
            removed,
            conversion,
            abandonment,
            time_to_purchase,
        } = segment;
        self.line(
            "segment",
            SegmentLine {
                other: *other,
                no_row: *no_row,
                suppressed: suppressed.then_some(true),
                entered: *entered,
                converted: *converted,
                dropped: *dropped,
                open: *open,
                excluded: *excluded,
                removed: *removed,
                rate: OverallRate::of(conversion.as_ref()),
            },
        )?;
        let (Some(conversion), Some(abandonment), Some(time_to_purchase)) =
            (conversion, abandonment, time_to_purchase)
        else {
            return Ok(());
        };
        self.steps("segment_step", &conversion.steps)?;
        self.named_steps("segment_named_step", &conversion.named_steps)?;
        self.optional_steps("segment_optional_step", &conversion.optional)?;
        self.stages("segment_stage", &abandonment.stages)?;
        self.line("segment_time_to_purchase", time_to_purchase)
    }

    fn bucket(&mut self, bucket: &TrendBucket) -> io::Result<()> {
        let last = bucket.conversion.as_ref().and_then(|conversion| conversion.steps.last());
        let of_first = last.and_then(|step| step.of_first);
        let of_first_ci95 = last.and_then(|step| step.of_first_ci95);
        self.line("trend", TrendLine { bucket, of_first, of_first_ci95 })
    }

    fn steps(&mut self, kind: &'static str, steps: &[ConversionStep]) -> io::Result<()> {
        steps.iter().try_for_each(|step| self.line(kind, step))
    }

    fn named_steps(&mut self, kind: &'static str, steps: &[NamedStep]) -> io::Result<()> {
        steps.iter().try_for_each(|step| self.line(kind, step))
    }

    fn optional_steps(&mut self, kind: &'static str, steps: &[OptionalUse]) -> io::Result<()> {
        steps.iter().try_for_each(|step| self.line(kind, step))
    }

    fn stages(&mut self, kind: &'static str, stages: &[Stage]) -> io::Result<()> {
        stages.iter().try_for_each(|stage| self.line(kind, stage))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use serde_json::{Map, Value, json};

    fn text(report: &Report) -> String {
        let mut out = Vec::new();
        write_lines(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn objects(text: &str) -> Vec<Map<String, Value>> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The lines of one type, without what they have beside their value.
    fn of_type(text: &str, kind: &str) -> Vec<Value> {
        let mut found: Vec<Map<String, Value>> =
            objects(text).into_iter().filter(|line| line["type"] == kind).collect();
        for line in &mut found {
            line.remove("type");
            line.remove("funnel");
        }
        found.into_iter().map(Value::Object).collect()
    }

    #[test]
    fn every_line_is_an_object_with_its_type_first() {
        let text = text(&sample::report());
        assert!(text.ends_with('\n'));
        let mut kinds: Vec<String> = Vec::new();
        for (line, object) in text.lines().zip(objects(&text)) {
            let kind = object["type"].as_str().unwrap().to_owned();
            let start = match object.get("funnel") {
                Some(funnel) => format!("{{\"type\":\"{kind}\",\"funnel\":{funnel},"),
                None => format!("{{\"type\":\"{kind}\","),
            };
            assert!(line.starts_with(&start), "{line}");
            let outside = ["run", "definition", "input", "warning", "body_hash"].contains(&kind.as_str());
            assert_eq!(object.contains_key("funnel"), !outside, "{line}");
            if kinds.last() != Some(&kind) {
                kinds.push(kind);
            }
        }
        let segment =
            ["segment", "segment_step", "segment_optional_step", "segment_stage", "segment_time_to_purchase"];
        let mut expected = vec!["run", "definition", "input", "funnel", "step", "optional_step", "stage"];
        expected.extend(["time_to_purchase", "session_stage", "stitching"]);
        expected.extend([segment; 3].concat());
        expected.extend(["trend", "warning", "body_hash"]);
        assert_eq!(kinds, expected);
    }

    /// No line may hold a key twice: readers keep one of the two, and which one differs.
    #[test]
    fn no_key_comes_twice() {
        let text = text(&sample::report());
        for (line, object) in text.lines().zip(objects(&text)) {
            assert_eq!(serde_json::to_string(&object).unwrap().len(), line.len(), "{line}");
        }
    }

    #[test]
    fn steps_stages_and_times_are_those_of_the_report() {
        let report = sample::report();
        let text = text(&report);
        let whole = serde_json::to_value(&report).unwrap();
        let funnel = &whole["body"]["funnels"][0];
        assert_eq!(Value::Array(of_type(&text, "step")), funnel["conversion"]["steps"]);
        assert_eq!(Value::Array(of_type(&text, "optional_step")), funnel["conversion"]["optional"]);
        assert_eq!(Value::Array(of_type(&text, "stage")), funnel["abandonment"]["stages"]);
        assert_eq!(of_type(&text, "time_to_purchase"), [funnel["time_to_purchase"].clone()]);
        assert_eq!(Value::Array(of_type(&text, "session_stage")), funnel["session_stages"]);
        assert_eq!(of_type(&text, "definition"), [whole["body"]["definition"].clone()]);
        assert_eq!(of_type(&text, "input"), [whole["body"]["input"].clone()]);
        let reached: Vec<Value> = of_type(&text, "step").iter().map(|step| step["reached"].clone()).collect();
        assert_eq!(reached, [1000, 400, 50, 21]);
    }

    #[test]
    fn a_funnel_and_its_parts_have_counts_and_rate() {
        let text = text(&sample::report());
        let funnel = &of_type(&text, "funnel")[0];
        let statuses = ["entered", "converted", "dropped", "open", "excluded", "removed"];
        assert_eq!(statuses.map(|status| funnel[status].clone()), [1000, 21, 900, 70, 9, 0]);
        assert_eq!(funnel["of_first"], 0.021);
        assert_eq!(funnel["of_first_ci95"], json!([0.013776, 0.031890]));
        assert_eq!(funnel["mature"]["converted"], 16);
        assert_eq!(funnel["bounds"], json!([0.021, 0.091]));
        assert_eq!(funnel["ties"]["units"], 2);
        let segments = of_type(&text, "segment");
        let devices: Vec<&Value> = segments.iter().map(|segment| &segment["by"]["device"]).collect();
        assert_eq!(devices, [&json!("mobile"), &Value::Null, &json!("(other)")]);
        assert_eq!(segments[2]["other"], true);
        for segment in &segments {
            assert_eq!((&segment["entered"], &segment["of_first"]), (&json!(500), &json!(0.016)));
        }
        assert_eq!(of_type(&text, "segment_step").len(), 6);
        assert_eq!(of_type(&text, "segment_step")[1]["by"], json!({ "device": "mobile" }));
        assert_eq!(of_type(&text, "segment_time_to_purchase")[0]["n"], 8);
        let trend = of_type(&text, "trend");
        assert_eq!((&trend[0]["mature"], &trend[1]["mature"]), (&json!(true), &json!(false)));
        assert_eq!((&trend[0]["of_first"], &trend[0]["dropped"]), (&json!(0.016), &json!(413)));
        assert_eq!(trend[1]["conversion"]["steps"][1]["reached"], 8);
    }

    #[test]
    fn warnings_have_lines_and_the_hash_comes_last() {
        let text = text(&sample::report());
        let codes: Vec<Value> = of_type(&text, "warning").iter().map(|line| line["code"].clone()).collect();
        assert_eq!(codes, ["W02", "W06", "W16"]);
        assert!(of_type(&text, "run")[0].get("warnings").is_none());
        let last = r#"{"type":"body_hash","schema":"dropoff.report/1","trusted":true,"body_hash":"0a1b"}"#;
        assert_eq!(text.lines().last(), Some(last));
    }

    #[test]
    fn a_reproducible_report_has_no_run() {
        let mut report = sample::report();
        report.run = None;
        report.body.funnels.clear();
        report.body.warnings.clear();
        let text = text(&report);
        let kinds: Vec<Value> = objects(&text).iter().map(|line| line["type"].clone()).collect();
        assert_eq!(kinds, ["definition", "input", "body_hash"]);
    }
}
