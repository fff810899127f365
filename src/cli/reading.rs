//! Reads all rows for a verb, and keeps the account of the run.

use super::args::InputArgs;
use super::decimal;
use super::failure::{Exit, Failure};
use super::fault;
use super::input::{Found, check_columns_read, read, read_plan};
use super::output::Outputs;
use super::progress::Meter;
use super::run::Start;
use crate::decode::time::format_utc;
use crate::event::RejectCode;
use crate::event::excerpt::LEFT_OUT;
use crate::human::{count, counted};
use crate::ingest::cohort::{Cohort, Members};
use crate::ingest::plan::{Columns, ReadPlan};
use crate::ingest::{Everything, FileAccount, Place, PlacedReject, Tally};
use crate::report::build::{Request, definition_hash, total_tally};
use crate::report::{CohortFile, FileRead, RejectSample, Run, Warning};
use crate::source::OpenOptions;
use crate::source::encoding::TextEncoding;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Everything that was read, with its account.
pub struct Reading {
    pub plan: ReadPlan,
    pub everything: Everything,
    /// How long it took, and what did not fit in memory, is filled in at the end.
    pub run: Run,
    pub account: Account,
}

/// What a run is judged by.
#[derive(Clone)]
pub struct Account {
    pub trusted: bool,
    rejected: u64,
    read: u64,
    used: u64,
    /// Of those that count against the tolerance.
    first_reject: Option<RejectSample>,
    /// How its file was read.
    read_as: Option<String>,
    /// That file was converted to UTF-8, by its own byte order mark or as it was said.
    first_is_converted: bool,
    /// The encoding that rejected rows seem to be in.
    likely_encoding: Option<TextEncoding>,
    members: Option<Arc<Members>>,
}

impl Account {
    /// A run without a row to use has no result, unless that is allowed: nothing replaces the files
    /// that an earlier run wrote.
    pub fn require_rows(&self, args: &InputArgs) -> Result<(), Failure> {
        let left_out = self.members.as_ref().map_or(0, |members| members.left_out().rows);
        if self.used > left_out || args.allow_empty {
            return Ok(());
        }
        if left_out > 0 {
            return Err(Failure::empty("there is nothing to analyse: the cohort leaves nobody of the log")
                .hint("are its ids written as in the log? --allow-empty makes this no error"));
        }
        let message = match self.read {
            0 => "there is nothing to analyse: no input holds a row".to_owned(),
            1 => "there is nothing to analyse: the only row cannot be used".to_owned(),
            read => format!("there is nothing to analyse: none of the {} rows can be used", count(read)),
        };
        let failure = Failure::empty(message);
        let further = match self.trusted {
            true => "--allow-empty makes this no error",
            false => "--rejects FILE keeps them",
        };
        let hint = self.hint().into_iter().chain([further.to_owned()]);
        let hint = hint.collect::<Vec<_>>().join("\n");
        Err(Failure { place: self.place(), read_as: self.read_as.clone(), ..failure.hint(hint) })
    }

    /// Some row was rejected, for another reason than that it is the header again.
    pub fn has_rejects(&self) -> bool {
        self.first_reject.is_some()
    }

    /// Where the first rejected row stands.
    fn place(&self) -> Option<Box<Place>> {
        self.first_reject.as_ref().map(|sample| {
            Box::new(Place {
                file: sample.file.clone(),
                line: sample.line,
                byte: sample.byte,
                column: sample.column.clone().map(|name| (name, sample.column_number)),
                excerpt: sample.excerpt.clone(),
                because: sample.message.clone(),
            })
        })
    }

    /// What may be done about the first rejected row.
    fn hint(&self) -> Option<String> {
        if let Some(encoding) = self.likely_encoding {
            return Some(encoding_hint(encoding));
        }
        let code = &self.first_reject.as_ref()?.code;
        let code = RejectCode::ALL.into_iter().find(|known| known.to_string() == *code)?;
        if code == RejectCode::R03 && self.first_is_converted {
            return None;
        }
        code.hint().map(str::to_owned)
    }

    /// How a run ends whose result is written: well, or with too many rejects.
    pub fn exit(&self, args: &InputArgs) -> Result<Exit, Failure> {
        if self.trusted {
            return Ok(Exit::Done);
        }
        let kept = args.rejects.as_ref().map_or_else(
            || "--rejects FILE keeps them".to_owned(),
            |path| format!("they are kept in {}", path.display()),
        );
        let message = format!(
            "{} of {} {} rejected, more than tolerated",
            count(self.rejected),
            counted(self.read, "row", "rows"),
            if self.rejected == 1 { "was" } else { "were" }
        );
        let accept = format!("{kept}; accept them with --max-rejects {}", self.rejected);
        let hint = self.hint().into_iter().chain([accept]);
        let failure = Failure { exit: Exit::Rejects, ..Failure::usage(message) };
        let code = self.first_reject.as_ref().map(|sample| sample.code.as_str());
        Err(Failure {
            place: self.place(),
            read_as: self.read_as.clone(),
            ..failure.code(code).hint(hint.collect::<Vec<_>>().join("\n"))
        })
    }
}

fn encoding_hint(encoding: TextEncoding) -> String {
    format!("rows that are not UTF-8 look like {encoding}: --encoding {}", encoding.label())
}

/// The encoding of the rows that were rejected as no UTF-8, where most rejects are that.
fn likely_encoding(files: &[FileAccount], tally: &Tally, plan: &ReadPlan) -> Option<TextEncoding> {
    if plan.open.encoding.is_some() || tally.rejects[RejectCode::R03.index()] * 2 <= tally.rejected() {
        return None;
    }
    // What was converted to UTF-8 says nothing of another encoding.
    let files = files.iter().filter(|file| file.encoding == TextEncoding::UTF_8);
    let rejects = files.flat_map(|file| &file.read.rejects).map(|placed| &placed.reject);
    let of_encoding = rejects.filter(|reject| reject.code == RejectCode::R03);
    let texts: Vec<&[u8]> = of_encoding.map(|reject| reject.excerpt.as_slice()).collect();
    TextEncoding::likely(&texts.join(&b'\n'))
}

/// Reads every row of what was found. Rejected rows are written for `outputs`, where they were asked for.
pub fn read_rows(
    start: &Start,
    args: &InputArgs,
    mut found: Found,
    columns: Columns,
    request: Option<&Request>,
    outputs: &mut Outputs,
) -> Result<Reading, Failure> {
    let mut guessed = found.guessed(&columns, &start.plan.asked);
    let (members, cohort_files) = read_cohorts(args, &columns, &start.plan.open)?;
    let decimals = decimal::settle(&start.plan, &mut found, &columns)?;
    let reading = read_plan(&start.plan, &found, columns, decimals, members.clone(), request)?;
    if start.plan.decimal_mark.is_none() && reading.decimal_mark == b',' {
        let value = reading.columns.value.as_deref().unwrap_or_default();
        guessed.push(format!("decimal mark = , (the sampled values of {value} fit no other)"));
    }
    if let Some(request) = request {
        fault::note_definition(&definition_hash(request, &reading));
    }
    let meter = Meter::new(args.progress, args.quiet, found.total_bytes);
    let pending = std::mem::take(&mut found.pending);
    let everything = read(&start.plan, &reading, pending, found.total_bytes, &meter)?;
    meter.finish();
    check_columns_read(&start.plan, &reading, request, &everything.files, &found.columns)?;
    outputs.stage_rejects(&everything.files, &reading, args.anonymize)?;
    let tally = total_tally(&everything);
    let rejected = tally.rejected_against_tolerance();
    let now_us = start.environment.now.as_microsecond();
    let reject_samples = reject_samples(&everything.files, &reading, args.anonymize);
    let counts = |sample: &&RejectSample| sample.code != RejectCode::R16.to_string();
    let first_reject = reject_samples.iter().find(counts).cloned();
    let first_read_as = first_reject.as_ref().and_then(|sample| read_as(&everything.files, sample));
    let file_of_first =
        |file: &&FileAccount| first_reject.as_ref().is_some_and(|sample| sample.file == file.name);
    let first_file = everything.files.iter().find(file_of_first);
    let first_is_converted = first_file.is_some_and(|file| file.encoding != TextEncoding::UTF_8);
    let likely_encoding = likely_encoding(&everything.files, &tally, &reading);
    Ok(Reading {
        run: Run {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            elapsed_s: 0.0,
            threads: start.plan.threads,
            files: everything.files.iter().map(file_read).collect(),
            guessed,
            reject_samples,
            warnings: file_warnings(&found, &everything.files, &tally, &reading, now_us),
            notes: file_notes(&found, &everything.files, &tally),
            rows_out_of_order: tally.out_of_order,
            spilled_bytes: 0,
            cohort_files,
            time_zone_database: start.zone_database(),
        },
        plan: reading,
        everything,
        account: Account {
            trusted: start.plan.tolerance.allows(rejected, tally.read),
            rejected,
            read: tally.read,
            used: tally.events,
            read_as: first_read_as,
            first_reject,
            first_is_converted,
            likely_encoding,
            members,
        },
    })
}

/// The lists of ids that say whose rows are reported.
fn read_cohorts(
    args: &InputArgs,
    columns: &Columns,
    open: &OpenOptions,
) -> Result<(Option<Arc<Members>>, Vec<CohortFile>), Failure> {
    if columns.user_together && (args.cohort.is_some() || args.cohort_not.is_some()) {
        let flag = if args.cohort.is_some() { "--cohort" } else { "--cohort-not" };
        let message = format!("{flag}: {} are one id together", columns.user.join(" and "));
        return Err(Failure::usage(message).hint("a list holds ids of single columns: name one with --user"));
    }
    let mut files = Vec::new();
    let mut list = |flag: &str, path: &Option<PathBuf>| -> Result<Option<Cohort>, Failure> {
        let Some(path) = path else { return Ok(None) };
        if path == Path::new("-") {
            let message = format!("{flag}: a list of ids is a file: standard input is for the log");
            return Err(Failure::usage(message));
        }
        let cohort = Cohort::read(path, &columns.user, open)?;
        files.push(CohortFile {
            path: path.display().to_string(),
            read_as: cohort.read_as.clone(),
            repeated: cohort.repeated,
            first_repeated_line: cohort.first_repeated_line,
            empty: cohort.empty,
            first_empty_line: cohort.first_empty_line,
        });
        Ok(Some(cohort))
    };
    let members = Members::new(list("--cohort", &args.cohort)?, list("--cohort-not", &args.cohort_not)?);
    Ok((members, files))
}

fn file_read(file: &FileAccount) -> FileRead {
    FileRead {
        path: file.name.clone(),
        format: file.format.to_owned(),
        compression: file.compression.clone(),
        rows: file.read.tally.read,
        used: file.read.tally.used,
        rejected: file.read.tally.rejected(),
        filtered: file.read.tally.filtered,
        blank_lines: file.read.blank_lines,
        naive_times: file.read.tally.naive_times,
        partial: file.partial,
        read_as: file.read_as.clone(),
    }
}

/// Rejects shown in a report.
const SHOWN_REJECTS: usize = 20;

/// The first rejects of each code, over all files.
fn reject_samples(files: &[FileAccount], reading: &ReadPlan, hides_text: bool) -> Vec<RejectSample> {
    let mut samples: Vec<RejectSample> = Vec::new();
    for file in files {
        for placed in &file.read.rejects {
            let code = placed.reject.code.to_string();
            let of_code = samples.iter().filter(|sample| sample.code == code).count();
            if of_code < 3 && samples.len() < SHOWN_REJECTS {
                samples.push(reject_sample(file, placed, reading, hides_text));
            }
        }
    }
    samples
}

/// How the file of a reject was read.
fn read_as(files: &[FileAccount], sample: &RejectSample) -> Option<String> {
    files.iter().find(|file| file.name == sample.file).map(|file| file.read_as.clone())
}

/// One reject, for people and for the file of rejects; without its text where that may hold an id.
pub fn reject_sample(
    file: &FileAccount,
    placed: &PlacedReject,
    reading: &ReadPlan,
    hides_text: bool,
) -> RejectSample {
    let number = |slot: usize| Some(file.columns.get(slot).copied().flatten()? as u64 + 1);
    RejectSample {
        file: file.name.clone(),
        line: placed.line,
        byte: placed.byte,
        column: placed
            .reject
            .slot
            .and_then(|slot| reading.slots.get(slot))
            .or(placed.column.as_ref())
            .cloned(),
        column_number: placed
            .reject
            .field
            .map(|field| field as u64 + 1)
            .or(placed.reject.slot.and_then(number)),
        code: placed.reject.code.to_string(),
        message: placed.reject.message.clone(),
        excerpt: match hides_text {
            true => LEFT_OUT.to_owned(),
            false => String::from_utf8_lossy(&placed.reject.excerpt).into_owned(),
        },
    }
}

/// Warnings about how files were read, those of one code together.
fn file_warnings(
    found: &Found,
    files: &[FileAccount],
    tally: &Tally,
    reading: &ReadPlan,
    now_us: i64,
) -> Vec<Warning> {
    let mut warnings = time_warnings(files, tally, reading);
    let of_files = warnings.len();
    let of_list = found.notes.iter().filter_map(|note| Some((note.code()?, 1, note.to_string())));
    let noted = files.iter().flat_map(|file| &file.notes);
    let noted = noted.filter_map(|note| Some((note.code?, note.n, note.message.clone())));
    let future = files.iter().filter_map(|file| future_times(file, now_us));
    let future = future.map(|(code, message)| (code, 1, message));
    let mut further = Vec::new();
    for (code, n, message) in of_list.chain(noted).chain(future) {
        match warnings[of_files..].iter().position(|warning| warning.code == code) {
            Some(at) => {
                warnings[of_files + at].n += n;
                further[at] += 1;
            }
            None => {
                warnings.push(Warning { code: code.to_owned(), n, message });
                further.push(0);
            }
        }
    }
    for (warning, &further) in
        warnings[of_files..].iter_mut().zip(&further).filter(|(_, further)| **further > 0)
    {
        warning.message.push_str(&format!(" (and {})", counted(further, "more file", "more files")));
    }
    warnings
}

/// What the times of all files give rise to, by the number of times.
fn time_warnings(files: &[FileAccount], tally: &Tally, reading: &ReadPlan) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |code: &str, n: u64, message: String| {
        if n > 0 {
            warnings.push(Warning { code: code.to_owned(), n, message });
        }
    };
    let zone = reading.naive_zone.iana_name().unwrap_or("a fixed offset");
    if !reading.naive_zone_given {
        let message = format!(
            "{} no zone and {} taken as UTC; --assume-time-zone says otherwise",
            counted(tally.naive_times, "time carries", "times carry"),
            if tally.naive_times == 1 { "is" } else { "are" }
        );
        warn("W02", tally.naive_times, message);
    }
    let message = format!(
        "{} skipped or repeated when the clocks changed: moved forward, or the earlier of the two; --dst reject \
         takes none",
        counted(tally.shifted_times, "local time was", "local times were")
    );
    warn("W05", tally.shifted_times, message);
    let mixed = files.iter().map(|file| &file.read.tally);
    let mixed = mixed.filter(|tally| tally.naive_times > 0 && tally.zoned_times() > 0);
    let naive: u64 = mixed.map(|tally| tally.naive_times).sum();
    let message = format!(
        "{} no zone in a file where others name theirs: taken as of {zone}",
        counted(naive, "time names", "times name")
    );
    warn("W28", naive, message);
    warnings
}

/// Said of a file with times that are still to come.
fn future_times(file: &FileAccount, now_us: i64) -> Option<(&'static str, String)> {
    let (name, tally) = (&file.name, &file.read.tally);
    let latest_us = tally.latest_us.filter(|&latest_us| latest_us > now_us)?;
    let latest = format_utc(latest_us);
    Some(("W27", format!("{name}: its latest time, {latest}, is still to come; --as-of ends the log")))
}

fn file_notes(found: &Found, files: &[FileAccount], tally: &Tally) -> Vec<String> {
    let of_list = found.notes.iter().filter(|note| note.code().is_none()).map(ToString::to_string);
    let of_files = files.iter().flat_map(|file| &file.notes).filter(|note| note.code.is_none());
    let mut notes: Vec<String> = of_list.chain(of_files.map(|note| note.message.clone())).collect();
    if tally.leap_seconds > 0 {
        let times = counted(tally.leap_seconds, "time has", "times have");
        notes.push(format!("{times} a 60th second: read as of the 59th"));
    }
    if tally.finer_times > 0 {
        let times = counted(tally.finer_times, "time is", "times are");
        notes.push(format!("{times} finer than a microsecond: cut off there"));
    }
    notes
}

/// The account of a run that could not read rows, for what was seen all the same.
pub fn unread_run(found: &Found, threads: usize) -> Run {
    Run {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        elapsed_s: 0.0,
        threads,
        files: Vec::new(),
        guessed: Vec::new(),
        reject_samples: Vec::new(),
        warnings: Vec::new(),
        notes: found.notes.iter().map(ToString::to_string).collect(),
        rows_out_of_order: 0,
        spilled_bytes: 0,
        cohort_files: Vec::new(),
        time_zone_database: None,
    }
}
