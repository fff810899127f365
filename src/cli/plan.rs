//! From what was typed and written to what will be done. Decides from values alone: the
//! environment comes in as [`Environment`], so that all of it is tested like any function.

use super::args::{FunnelArgs, InputArgs};
use super::failure::Failure;
use super::funnel::funnel_request;
use super::identity::{DedupeRequest, IdentityRequest};
use super::input::unpivot_failure;
use super::memory::store_bytes;
use super::opening::open_options;
use super::setting::{Setting, Settings};
use super::texts::{cleaning, limits};
use super::tolerance::Tolerance;
use super::when::parse_when;
use crate::calendar::Period;
use crate::condition::{Condition, SyntaxError, suggest_nearest};
use crate::decode::Limits;
use crate::decode::access_log::LogFormat;
use crate::decode::dialect::DialectHints;
use crate::decode::time::{
    ClockChange, DEFAULT_MIN_TIME_US, DateOrder, EpochUnit, TimeFormat, TimeOptions, read_duration_us,
};
use crate::definition::{
    DefinitionFile, FunnelTable, OneOrMore, Path, SourceTable, Steps, UserTable, ValueColumn,
};
use crate::derive::Rule;
use crate::event::MINUTE_US;
use crate::identity::Stitch;
use crate::ingest::clean::Cleaning;
use crate::ingest::unpivot::{UnpivotItem, parse_unpivot};
use crate::report::build::{FunnelRequest, Request};
use crate::report::time_to_purchase::QuantileChoice;
use crate::schema::roles::Asked;
use crate::source::OpenOptions;
use crate::stats::{Quantile, QuantileMethod};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

const DEFAULT_TIMEOUT_US: i64 = 30 * MINUTE_US;
const DEFAULT_TOP: usize = 20;
const DEFAULT_QUANTILES: [&str; 6] = ["0.25", "0.5", "0.75", "0.9", "0.95", "0.99"];

/// What the world says, taken once.
#[derive(Debug, Clone)]
pub struct Environment {
    pub now: Timestamp,
    pub cores: usize,
    /// Bytes of memory that the machine allows, where that can be told.
    pub memory: Option<u64>,
    pub temp_dir: PathBuf,
}

/// How the input is read, as far as it can be said without looking at it.
#[derive(Debug, Clone)]
pub struct InputPlan {
    /// Where what was not typed is written, for faults that only the input shows.
    pub file: Arc<DefinitionFile>,
    pub files: Vec<String>,
    pub asked: Asked,
    /// Time columns that are events each, where rows are wide.
    pub unpivot: Vec<UnpivotItem>,
    pub unpivot_is_typed: bool,
    /// The column of when the server got a row, and whether it was typed.
    pub received_time: Option<String>,
    pub received_time_is_typed: bool,
    /// The currency of all values, where the definition says it.
    pub currency: Option<String>,
    pub hints: DialectHints,
    pub open: OpenOptions,
    /// Links met in directories are followed.
    pub follow: bool,
    /// Of files with the same content one is read.
    pub dedupe_files: bool,
    pub limits: Limits,
    pub time: TimeOptions,
    pub zone: TimeZone,
    pub naive_zone: TimeZone,
    pub naive_zone_given: bool,
    pub as_of_us: Option<i64>,
    pub filter: Option<Condition>,
    /// The first that fits a row names its event.
    pub rules: Vec<Rule>,
    pub null_ids: Vec<String>,
    /// As it was given; else the sample tells.
    pub decimal_mark: Option<u8>,
    pub keep_empty_ids: bool,
    pub cleaning: Cleaning,
    pub session_timeout_us: i64,
    pub identity: IdentityRequest,
    pub tolerance: Tolerance,
    pub keep_rejects: usize,
    /// Nothing to analyse is no error.
    pub allow_empty: bool,
    pub threads: usize,
    /// Bytes that events and ids may take in memory.
    pub store_bytes: u64,
    /// Where they go beyond that.
    pub temp_dir: PathBuf,
}

/// More threads than this would only wait for one another.
const MOST_THREADS: usize = 1024;

/// Rejected rows kept to be shown, where they are not written to a file.
const SHOWN_REJECTS: usize = 50;

/// The first of what was typed and what the definition file says.
fn first<T: Clone>(typed: &Option<T>, written: &Option<T>) -> Option<T> {
    typed.clone().or_else(|| written.clone())
}

/// Reads a setting's text, where there is one.
fn read<T: FromStr>(setting: &Setting<'_>, text: Option<String>) -> Result<Option<T>, Failure>
where
    T::Err: std::fmt::Display,
{
    text.map(|text| text.parse().map_err(|error| setting.wrong(error))).transpose()
}

/// Reads one of a closed list of names.
fn named<T>(text: &str, names: &str, from_name: impl Fn(&str) -> Option<T>) -> Result<T, String> {
    from_name(text).ok_or_else(|| format!("{text:?} is not {names}"))
}

fn read_zone(setting: &Setting<'_>, name: &str) -> Result<TimeZone, Failure> {
    if name.eq_ignore_ascii_case("utc") {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|_| {
        let zones = jiff::tz::db();
        let names: Vec<String> = zones.available().map(|name| name.to_string()).collect();
        let near = suggest_nearest(name, names.iter().map(String::as_str), 3);
        let failure = setting.wrong(format!("there is no time zone {name:?}")).code(Some("E-O11"));
        if near.is_empty() { failure } else { failure.hint(format!("did you mean {}?", near.join(", "))) }
    })
}

fn read_byte(text: &str) -> Result<u8, String> {
    match text {
        "\\t" | "tab" => Ok(b'\t'),
        text if text.len() == 1 && text.is_ascii() => Ok(text.as_bytes()[0]),
        text => Err(format!("{text:?} is not one ASCII character")),
    }
}

/// What the definition file says of the source, with what was typed in its place.
pub fn merged_source(args: &InputArgs, written: &SourceTable) -> SourceTable {
    let list = |typed: &[String], written: &Option<OneOrMore>| match typed {
        [] => written.clone(),
        typed => Some(OneOrMore::More(typed.to_vec())),
    };
    let plain_list = |typed: &[String], written: &Option<Vec<String>>| match typed {
        [] => written.clone(),
        typed => Some(typed.to_vec()),
    };
    // Who types one way to tell events takes back the other that was written.
    let unpivot = args.unpivot.clone().map(OneOrMore::One);
    let names_columns = !args.time.is_empty() || args.event.is_some() || args.event_name.is_some();
    let (time, (event, event_name)) = match (&args.event, &args.event_name) {
        _ if unpivot.is_some() => (None, (None, None)),
        (None, None) => {
            (list(&args.time, &written.time), (written.event.clone(), written.event_name.clone()))
        }
        (event, event_name) => (list(&args.time, &written.time), (event.clone(), event_name.clone())),
    };
    SourceTable {
        user: users(&args.user).or_else(|| written.user.clone()),
        time,
        event,
        event_name,
        url: first(&args.url, &written.url),
        unpivot: unpivot.or_else(|| written.unpivot.clone().filter(|_| !names_columns)),
        session: first(&args.session, &written.session),
        value: args.value.clone().map(ValueColumn::Column).or_else(|| written.value.clone()),
        currency: first(&args.currency, &written.currency),
        received_time: first(&args.received_time, &written.received_time),
        files: if args.files.is_empty() { written.files.clone() } else { args.files.clone() },
        time_zone: first(&args.time_zone, &written.time_zone),
        assume_time_zone: first(&args.assume_time_zone, &written.assume_time_zone),
        time_format: list(&args.time_format, &written.time_format),
        epoch_unit: first(&args.epoch_unit, &written.epoch_unit),
        date_order: first(&args.date_order, &written.date_order),
        min_time: first(&args.min_time, &written.min_time),
        dst: first(&args.dst, &written.dst),
        filter: first(&args.filter, &written.filter),
        log_format: first(&args.log_format, &written.log_format),
        delimiter: first(&args.delimiter, &written.delimiter),
        header: if args.no_header { Some(false) } else { written.header },
        columns: plain_list(&args.columns, &written.columns),
        skip_lines: first(&args.skip_lines, &written.skip_lines),
        skip_after_header: first(&args.skip_after_header, &written.skip_after_header),
        escape: first(&args.escape, &written.escape),
        max_field: first(&args.max_field, &written.max_field),
        null_ids: plain_list(&args.null_ids, &written.null_ids),
        keep_empty_id: if args.keep_empty_id { Some(true) } else { written.keep_empty_id },
        trim: if args.trim { Some(true) } else { written.trim },
        normalize: first(&args.normalize, &written.normalize),
        decimal: first(&args.decimal, &written.decimal),
        encoding: first(&args.encoding, &written.encoding),
    }
}

/// The columns of `--user`: `a+b` is both together.
fn users(typed: &[String]) -> Option<UserTable> {
    match typed {
        [] => None,
        [sum] if sum.contains('+') => {
            Some(UserTable::Together { all: sum.split('+').map(str::to_owned).collect() })
        }
        list => Some(UserTable::More(list.to_vec())),
    }
}

impl InputPlan {
    pub fn resolve(
        args: &InputArgs,
        file: &DefinitionFile,
        environment: &Environment,
    ) -> Result<InputPlan, Failure> {
        let source = merged_source(args, &file.source);
        let settings = Settings { table: "source", file };
        let zone = match &source.time_zone {
            Some(name) => {
                read_zone(&settings.of("--time-zone", args.time_zone.is_some(), "time_zone"), name)?
            }
            None => TimeZone::UTC,
        };
        let naive_zone = match &source.assume_time_zone {
            Some(name) => {
                let is_typed = args.assume_time_zone.is_some();
                read_zone(&settings.of("--assume-time-zone", is_typed, "assume_time_zone"), name)?
            }
            None => zone.clone(),
        };
        let as_of = Settings { table: "report", file }.of("--as-of", args.as_of.is_some(), "as_of");
        let as_of_us = first(&args.as_of, &file.report.as_of)
            .map(|text| parse_when(&text, &zone, environment.now))
            .transpose()
            .map_err(|error| as_of.wrong(error))?;
        let is_typed = args.session_timeout.is_some();
        let timeout = Settings { table: "sessions", file }.of("--session-timeout", is_typed, "timeout");
        let session_timeout_us = match first(&args.session_timeout, &file.sessions.timeout) {
            None => DEFAULT_TIMEOUT_US,
            Some(text) => read_duration_us(&text)
                .map_err(|(error, span)| timeout.syntax(&text, SyntaxError::new(error.to_string(), span)))?,
        };
        let decimal_mark = match source.decimal.as_deref() {
            None => None,
            Some(".") => Some(b'.'),
            Some(",") => Some(b','),
            Some(other) => {
                let decimal = settings.of("--decimal", args.decimal.is_some(), "decimal");
                return Err(decimal.wrong(format!("{other:?} is not . or ,")));
            }
        };
        let tolerance = if args.strict {
            Tolerance::Rows(0)
        } else {
            args.max_rejects.parse().map_err(|error| Failure::usage(format!("--max-rejects: {error}")))?
        };
        match args.threads {
            Some(0) => return Err(Failure::usage("--threads: at least one is needed")),
            Some(threads) if threads > MOST_THREADS => {
                return Err(Failure::usage(format!(
                    "--threads: {threads} are too many: at most {MOST_THREADS}"
                )));
            }
            _ => {}
        }
        let threads = args.threads.unwrap_or(environment.cores);
        let memory = args.memory.as_deref();
        let rules = rules(args, file)?;
        let (asked, currency) = asked(&source, &rules);
        if asked.time.len() > 2 {
            return Err(settings
                .of("--time", !args.time.is_empty(), "time")
                .wrong("it takes one column, or a date and a time-of-day column"));
        }
        if let Some(twice) = twice(&asked.user) {
            return Err(settings
                .of("--user", !args.user.is_empty(), "user")
                .wrong(format!("{twice} stands twice: name each column once")));
        }
        let identity = IdentityRequest::resolve(args, file)?;
        let unpivot = unpivot(args, &source, &rules, &identity, file)?;
        Ok(InputPlan {
            file: Arc::new(file.clone()),
            open: open_options(args, &source, &settings, &environment.temp_dir)?,
            follow: args.follow,
            dedupe_files: args.dedupe_files,
            limits: limits(args, &source, &settings)?,
            keep_empty_ids: source.keep_empty_id == Some(true),
            cleaning: cleaning(args, &source, &settings)?,
            asked,
            unpivot,
            unpivot_is_typed: args.unpivot.is_some(),
            received_time: source.received_time.clone(),
            received_time_is_typed: args.received_time.is_some(),
            currency,
            hints: DialectHints {
                delimiter: source.delimiter.as_deref().map(read_byte).transpose().map_err(|error| {
                    settings.of("--delimiter", args.delimiter.is_some(), "delimiter").wrong(error)
                })?,
                escape: source
                    .escape
                    .as_deref()
                    .map(read_byte)
                    .transpose()
                    .map_err(|error| settings.of("--escape", args.escape.is_some(), "escape").wrong(error))?,
                skip_lines: source.skip_lines,
                skip_after_header: source.skip_after_header,
                header: source.header,
                columns: source.columns.clone(),
                log_format: log_format(args, &source, &settings)?,
                ..DialectHints::default()
            },
            time: time_options(args, &source, &settings, &zone, environment.now)?,
            naive_zone_given: source.assume_time_zone.is_some() || source.time_zone.is_some(),
            zone,
            naive_zone,
            as_of_us,
            filter: source
                .filter
                .as_ref()
                .map(|text| {
                    let filter = settings.of("--where", args.filter.is_some(), "where");
                    Condition::parse(text).map_err(|error| filter.syntax(text, error))
                })
                .transpose()?,
            rules,
            null_ids: source.null_ids.unwrap_or_default(),
            files: source.files,
            decimal_mark,
            session_timeout_us,
            identity,
            tolerance,
            keep_rejects: if args.rejects.is_some() { args.rejects_limit } else { SHOWN_REJECTS },
            allow_empty: args.allow_empty,
            threads,
            store_bytes: store_bytes(memory, environment.memory, threads)?,
            temp_dir: args.temp_dir.clone().unwrap_or_else(|| environment.temp_dir.clone()),
        })
    }
}

/// The rules that were typed, else those of the definition file.
fn rules(args: &InputArgs, file: &DefinitionFile) -> Result<Vec<Rule>, Failure> {
    if args.derive.is_empty() {
        return Ok(file.rules()?);
    }
    let typed = args.derive.iter();
    typed.map(|text| text.parse().map_err(|error| Failure::usage(format!("--derive: {error}")))).collect()
}

fn log_format(
    args: &InputArgs,
    source: &SourceTable,
    settings: &Settings<'_>,
) -> Result<Option<LogFormat>, Failure> {
    let setting = settings.of("--log-format", args.log_format.is_some(), "log_format");
    source.log_format.as_deref().map(LogFormat::parse).transpose().map_err(|error| setting.wrong(error))
}

/// The columns that were named, and the currency of all values.
fn asked(source: &SourceTable, rules: &[Rule]) -> (Asked, Option<String>) {
    let names = |names: &Option<OneOrMore>| names.clone().map_or_else(Vec::new, OneOrMore::into_vec);
    let (value, currency) = match &source.value {
        None => (None, None),
        Some(ValueColumn::Column(column)) => (Some(column.clone()), None),
        Some(ValueColumn::WithCurrency { column, currency }) => (Some(column.clone()), currency.clone()),
    };
    let (user, user_together) = source.user.clone().map_or_else(Default::default, UserTable::columns);
    let asked = Asked {
        user,
        user_together,
        time: names(&source.time),
        event: source.event.clone(),
        event_name: source.event_name.clone(),
        url: source.url.clone(),
        has_rules: !rules.is_empty(),
        rules_ask_url: rules.iter().any(Rule::asks_url),
        unpivot: source.unpivot.is_some(),
        session: source.session.clone(),
        value,
        currency: source.currency.clone(),
    };
    (asked, currency)
}

/// The first name that stands there a second time.
fn twice(names: &[String]) -> Option<&String> {
    names.iter().enumerate().find(|(place, name)| names[..*place].contains(name)).map(|(_, name)| name)
}

/// Where faults of wide rows are told.
pub fn unpivot_setting<'f>(is_typed: bool, file: &'f DefinitionFile) -> Setting<'f> {
    Settings { table: "source", file }.of("--unpivot", is_typed, "unpivot")
}

/// The time columns of wide rows, as written.
fn unpivot(
    args: &InputArgs,
    source: &SourceTable,
    rules: &[Rule],
    identity: &IdentityRequest,
    file: &DefinitionFile,
) -> Result<Vec<UnpivotItem>, Failure> {
    let Some(texts) = source.unpivot.clone().map(OneOrMore::into_vec) else { return Ok(Vec::new()) };
    let setting = unpivot_setting(args.unpivot.is_some(), file);
    let of_source = |flag, is_typed, key| Settings { table: "source", file }.of(flag, is_typed, key);
    let of_dedupe = |flag, is_typed, key| Settings { table: "dedupe", file }.of(flag, is_typed, key);
    let derive = || Setting::at("--derive", !args.derive.is_empty(), Path::of("derive"), file);
    let several = "a wide row is several events: it goes with";
    let conflict = if !rules.is_empty() {
        Some((derive(), "no rules that name events"))
    } else if source.url.is_some() {
        Some((of_source("--url", args.url.is_some(), "url"), "no column of URLs"))
    } else if source.received_time.is_some() {
        let is_typed = args.received_time.is_some();
        Some((
            of_source("--received-time", is_typed, "received_time"),
            "no one time at which it was received",
        ))
    } else if identity.stitch != Stitch::None {
        Some((identity.stitch_setting(file), "no stitching"))
    } else if identity.map.is_some() {
        Some((identity.map_setting(file), "no map of ids"))
    } else {
        match &identity.dedupe {
            DedupeRequest::Nothing => None,
            DedupeRequest::Key(_) => {
                Some((of_dedupe("--dedupe-key", !args.dedupe_key.is_empty(), "key"), "no search for repeats"))
            }
            DedupeRequest::Exact => {
                Some((of_dedupe("--dedupe-exact", args.dedupe_exact, "exact"), "no search for repeats"))
            }
        }
    };
    if let Some((other, what)) = conflict {
        return Err(setting.against(&other, &format!("{several} {what}")));
    }
    // Flags of these take the list back, or it takes them back.
    let written = [
        ("--time", "time", source.time.is_some()),
        ("--event", "event", source.event.is_some()),
        ("--event-name", "event_name", source.event_name.is_some()),
    ];
    if let Some((flag, key, _)) = written.into_iter().find(|(.., is_written)| *is_written) {
        let message = "each time column is an event: there is no other time and no other event";
        return Err(setting.against(&of_source(flag, false, key), message));
    }
    let lists: Result<Vec<_>, _> = texts.iter().map(|text| parse_unpivot(text)).collect();
    Ok(lists.map_err(|error| unpivot_failure(error, &setting))?.concat())
}

fn time_options(
    args: &InputArgs,
    source: &SourceTable,
    settings: &Settings<'_>,
    zone: &TimeZone,
    now: Timestamp,
) -> Result<TimeOptions, Failure> {
    let formats = source.time_format.clone().map_or_else(Vec::new, OneOrMore::into_vec);
    let time_format = settings.of("--time-format", !args.time_format.is_empty(), "time_format");
    let epoch_unit = settings.of("--epoch-unit", args.epoch_unit.is_some(), "epoch_unit");
    let date_order = settings.of("--date-order", args.date_order.is_some(), "date_order");
    let min_time = settings.of("--min-time", args.min_time.is_some(), "min_time");
    let dst = settings.of("--dst", args.dst.is_some(), "dst");
    let format = |(place, text): (usize, &String)| {
        named(text, "a layout such as %d/%m/%Y", TimeFormat::from_name)
            .map_err(|error| time_format.wrong_at(place, error))
    };
    Ok(TimeOptions {
        formats: formats.iter().enumerate().map(format).collect::<Result<_, _>>()?,
        epoch_unit: source
            .epoch_unit
            .as_deref()
            .map(|text| named(text, "s, ms, us or ns", EpochUnit::from_name))
            .transpose()
            .map_err(|error| epoch_unit.wrong(error))?,
        date_order: source
            .date_order
            .as_deref()
            .map(|text| named(text, "dmy, mdy or ymd", DateOrder::from_name))
            .transpose()
            .map_err(|error| date_order.wrong(error))?,
        min_us: source
            .min_time
            .as_deref()
            .map_or(Ok(DEFAULT_MIN_TIME_US), |text| parse_when(text, zone, now))
            .map_err(|error| min_time.wrong(error))?,
        clock_change: source
            .dst
            .as_deref()
            .map(|text| named(text, "compatible or reject", ClockChange::from_name))
            .transpose()
            .map_err(|error| dst.wrong(error))?
            .unwrap_or_default(),
    })
}

/// The funnels and what is asked of them.
pub fn resolve_request(
    args: &FunnelArgs,
    file: &DefinitionFile,
    input: &InputPlan,
    environment: &Environment,
) -> Result<Request, Failure> {
    let written = &file.report;
    let now = match &args.now {
        None => environment.now,
        Some(text) => text.parse().map_err(|_| {
            Failure::usage(format!("--now: {text:?} is not a time such as 2026-01-31T02:00:00Z"))
        })?,
    };
    let settings = Settings { table: "report", file };
    let bound = |setting: &Setting<'_>, text: Option<String>, open: i64| match text {
        None => Ok(open),
        Some(text) => parse_when(&text, &input.zone, now).map_err(|error| setting.wrong(error)),
    };
    let from = settings.of("--from", args.from.is_some(), "from");
    let to = settings.of("--to", args.to.is_some(), "to");
    let from_us = bound(&from, first(&args.from, &written.from), i64::MIN)?;
    let to_us = bound(&to, first(&args.to, &written.to), i64::MAX)?;
    if from_us >= to_us {
        return Err(
            from.against(&to, "the first moment is not before the last: no entry can lie between them")
        );
    }
    let of_quantiles = settings.of("--quantiles", !args.quantiles.is_empty(), "quantiles");
    let quantiles = if args.quantiles.is_empty() {
        written.quantiles.clone().unwrap_or_else(|| DEFAULT_QUANTILES.map(str::to_owned).to_vec())
    } else {
        args.quantiles.clone()
    };
    let mut quantiles: Vec<Quantile> = quantiles
        .iter()
        .enumerate()
        .map(|(place, text)| text.trim().parse().map_err(|error| of_quantiles.wrong_at(place, error)))
        .collect::<Result<_, _>>()?;
    quantiles.sort_unstable();
    quantiles.dedup();
    let of_method = settings.of("--quantile-method", args.quantile_method.is_some(), "quantile_method");
    let method = first(&args.quantile_method, &written.quantile_method);
    let method = read::<QuantileMethod>(&of_method, method)?.unwrap_or(QuantileMethod::Type7);
    let of_trend = settings.of("--trend", args.trend.is_some(), "trend");
    let trend = read::<Period>(&of_trend, first(&args.trend, &written.trend))?;
    let funnels = resolve_funnels(args, file)?;
    let mut conditions: Vec<Condition> = Vec::new();
    for funnel in &funnels {
        for condition in funnel.funnel.event_specs().filter_map(|spec| spec.condition.as_ref()) {
            if !conditions.contains(condition) {
                conditions.push(condition.clone());
            }
        }
    }
    Ok(Request {
        funnels,
        conditions,
        filter: input.filter.clone(),
        entries_us: from_us..to_us,
        as_of_us: input.as_of_us,
        session_timeout_us: input.session_timeout_us,
        zone: input.zone.clone(),
        trend,
        top: args.top.or(written.top).unwrap_or(DEFAULT_TOP),
        min_cell: None,
        pseudonyms: None,
        choice: QuantileChoice { quantiles, method },
        currency: input.currency.clone(),
    })
}

fn resolve_funnels(args: &FunnelArgs, file: &DefinitionFile) -> Result<Vec<FunnelRequest>, Failure> {
    if let Some(text) = &args.steps {
        let table = FunnelTable::of_steps(Steps::Text(text.clone()));
        return Ok(vec![funnel_request("purchase", &table, None, args)?]);
    }
    let written = file.funnels();
    if written.is_empty() {
        return Err(Failure::usage("no funnel is defined").hint(
            "give --steps 'view, cart, purchase' with your events, or let `dropoff inspect FILES` suggest them",
        ));
    }
    for wanted in &args.funnels {
        if !written.iter().any(|(name, _)| name == wanted) {
            let names: Vec<&str> = written.iter().map(|(name, _)| *name).collect();
            return Err(Failure::usage(format!("--funnel: there is no funnel {wanted:?}"))
                .hint(format!("the definition file has {}", names.join(", "))));
        }
    }
    written
        .iter()
        .filter(|(name, _)| args.funnels.is_empty() || args.funnels.iter().any(|wanted| wanted == name))
        .map(|(name, table)| funnel_request(name, table, Some(file), args))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::DAY_US;
    use crate::funnel::engine::Tie;

    fn environment() -> Environment {
        Environment {
            now: "2026-11-21T12:00:00Z".parse().unwrap(),
            cores: 2,
            memory: Some(8 << 30),
            temp_dir: PathBuf::from("/tmp"),
        }
    }

    fn request(funnel: &FunnelArgs, file: &str) -> Result<Request, Failure> {
        let file = DefinitionFile::parse(file, "dropoff.toml").unwrap();
        let args = InputArgs { max_rejects: "1%".to_owned(), ..InputArgs::default() };
        let input = InputPlan::resolve(&args, &file, &environment())?;
        resolve_request(funnel, &file, &input, &environment())
    }

    #[test]
    fn flags_override_the_definition_file() {
        let file = "[funnel.a]\nsteps = \"x, y\"\nwindow = \"1d\"\ntie = \"strict\"\n";
        let written = request(&FunnelArgs::default(), file).unwrap();
        assert_eq!(written.funnels[0].funnel.window_us, Some(DAY_US));
        assert_eq!(written.funnels[0].funnel.tie, Tie::Strict);
        let typed = FunnelArgs { window: Some("none".to_owned()), ..FunnelArgs::default() };
        let overridden = request(&typed, file).unwrap();
        assert_eq!(overridden.funnels[0].funnel.window_us, None);
        assert_eq!(overridden.funnels[0].funnel.tie, Tie::Strict);
    }

    #[test]
    fn impossible_requests_are_usage_errors() {
        let steps = Some("view, purchase".to_owned());
        for args in [
            FunnelArgs::default(),
            FunnelArgs { steps: steps.clone(), window: Some("1 month".to_owned()), ..FunnelArgs::default() },
            FunnelArgs { steps: steps.clone(), tie: Some("random".to_owned()), ..FunnelArgs::default() },
            FunnelArgs { steps: Some("view,,x".to_owned()), ..FunnelArgs::default() },
            FunnelArgs {
                steps: steps.clone(),
                from: Some("2026-02-01".to_owned()),
                to: Some("2026-02-01".to_owned()),
                ..FunnelArgs::default()
            },
            FunnelArgs { funnels: vec!["nope".to_owned()], ..FunnelArgs::default() },
        ] {
            let failure = request(&args, "").expect_err("it cannot be met");
            assert_eq!(failure.exit.code(), 2, "{args:?}");
        }
    }
}
