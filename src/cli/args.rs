//! What was typed. Nothing is decided here: see `plan`.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const REPORT_EXAMPLES: &str = "\
Examples:
  dropoff report shop.csv --steps 'view, cart, checkout, purchase'
  dropoff report logs/*.jsonl.gz --steps 'view, cart|add_to_cart, purchase' --by device --trend week
  dropoff report profiles.csv --steps 'photo, name, address' --order any --window 30d
  dropoff report --config dropoff.toml -o report.json -o report.md";

const TOP_EXAMPLES: &str = "\
Examples:
  dropoff inspect shop.csv                                    what is in here?
  dropoff report shop.csv --steps 'view, cart, purchase'      the three reports
  dropoff check --config dropoff.toml shop.csv -o junit.xml   thresholds, for CI

Text for people may change between versions; JSON does not within a schema version.";

/// Conversion, abandonment and time to purchase from exported event logs.
#[derive(Debug, Parser)]
#[command(
    name = "dropoff",
    version,
    after_help = TOP_EXAMPLES,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// What is in these files: columns and their roles, span, events, traps, a report to paste.
    Inspect(InspectArgs),
    /// Conversion, abandonment and time to purchase.
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArgs),
    /// The rebuilt sessions as a table.
    Sessions(SessionsArgs),
    /// Thresholds over a report: a table, JSON, JUnit, and an exit code.
    Check(CheckArgs),
    /// Only the reading: what was read, used, rejected and filtered of each file, and why.
    Validate(ValidateArgs),
    /// Shell completions, man pages, the JSON Schema of the report.
    Generate(GenerateArgs),
    /// This text, that of a command, or `codes`: all codes of rejected rows, warnings and stops.
    Help(HelpArgs),
}

#[derive(Debug, Args)]
pub struct ValidateArgs {
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
pub struct HelpArgs {
    /// A command, or codes.
    #[arg(value_name = "COMMAND|codes")]
    pub topic: Option<String>,
}

impl Command {
    /// What was typed about the input, where the command has one.
    pub fn input(&self) -> Option<&InputArgs> {
        match self {
            Command::Inspect(args) => Some(&args.input),
            Command::Report(args) => Some(&args.input),
            Command::Sessions(args) => Some(&args.input),
            Command::Check(args) => Some(&args.input),
            Command::Validate(args) => Some(&args.input),
            Command::Generate(_) | Command::Help(_) => None,
        }
    }
}

#[derive(Debug, Args)]
pub struct InspectArgs {
    #[command(flatten)]
    pub input: InputArgs,
    /// Write what was found as a definition file.
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
pub struct ReportArgs {
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub funnel: FunnelArgs,
    /// Show no segment, bucket of the trend or event of fewer than N people, nor what would give them away.
    #[arg(long, value_name = "N", help_heading = "Privacy")]
    pub min_cell: Option<u64>,
    #[command(flatten)]
    pub lists: ListArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
pub struct SessionsArgs {
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub funnel: FunnelArgs,
    /// A failing condition, e.g. 'conversion < 2.1%' or 'step_conversion(purchase, Checkout) < 40%'.
    #[arg(long, value_name = "CHECK", help_heading = "Checks")]
    pub fail_if: Vec<String>,
    /// As --fail-if, but only warns.
    #[arg(long, value_name = "CHECK", help_heading = "Checks")]
    pub warn_if: Vec<String>,
    /// Exit with 0 even if a check fails or too many rows were rejected.
    #[arg(long, help_heading = "Checks")]
    pub exit_zero: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// What to print.
    #[arg(value_enum)]
    pub what: Generated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Generated {
    /// The manual.
    Man,
    /// Completions for bash.
    Bash,
    /// Completions for zsh.
    Zsh,
    /// Completions for fish.
    Fish,
    /// Completions for PowerShell.
    Powershell,
    /// The JSON Schema of `report --format json`.
    Schema,
}

/// Flags of every command that reads files.
#[derive(Debug, Default, Args)]
pub struct InputArgs {
    /// Files, directories, globs, @list or - for standard input.
    #[arg(value_name = "FILES")]
    pub files: Vec<String>,
    /// Definition file; the nearest dropoff.toml upward if there is one.
    #[arg(long, value_name = "FILE", env = "DROPOFF_CONFIG")]
    pub config: Option<PathBuf>,

    /// Person column, or several: the first one present identifies the row. `a+b`: both together do.
    #[arg(long, value_name = "COLUMN[,..]", value_delimiter = ',', help_heading = "Columns")]
    pub user: Vec<String>,
    /// Time column, or a date and a time-of-day column.
    #[arg(long, value_name = "COLUMN[,..]", value_delimiter = ',', help_heading = "Columns")]
    pub time: Vec<String>,
    /// Event column.
    #[arg(long, value_name = "COLUMN", help_heading = "Columns")]
    pub event: Option<String>,
    /// The event of every row, where there is no event column.
    #[arg(long, value_name = "NAME", conflicts_with = "event", help_heading = "Columns")]
    pub event_name: Option<String>,
    /// Column of URLs, for --derive; where no column holds events, the page is the event.
    #[arg(long, value_name = "COLUMN", help_heading = "Columns")]
    pub url: Option<String>,
    /// Name the event of the rows that fit, e.g. 'pay=/checkout/pay*[status = 200]'; may be repeated:
    /// the first that fits names the row.
    #[arg(long, value_name = "EVENT=URL[CONDITION]", help_heading = "Columns")]
    pub derive: Vec<String>,
    /// Time columns of a file with one row a person, each an event of its own: 'created_at,
    /// won_at=won'. Globs count: '*_at=*' calls them created, won.
    #[arg(
        long,
        value_name = "COLUMN[=EVENT],..",
        conflicts_with_all = ["time", "event", "event_name"],
        help_heading = "Columns"
    )]
    pub unpivot: Option<String>,
    /// The log's own session id, to be compared with the rebuilt sessions.
    #[arg(long, value_name = "COLUMN", help_heading = "Columns")]
    pub session: Option<String>,
    /// Value of a row: price, cart total, revenue.
    #[arg(long, value_name = "COLUMN", help_heading = "Columns")]
    pub value: Option<String>,
    /// Currency column of the values.
    #[arg(long, value_name = "COLUMN", help_heading = "Columns")]
    pub currency: Option<String>,
    /// When the server got a row: validate and inspect tell whose clock is more than an hour from it.
    #[arg(long, value_name = "COLUMN", help_heading = "Columns")]
    pub received_time: Option<String>,
    /// Keep only rows that satisfy this; the others are counted as filtered.
    #[arg(long = "where", value_name = "CONDITION", help_heading = "Columns")]
    pub filter: Option<String>,
    /// An id that stands for none (as empty ids do); may be repeated.
    #[arg(long = "null-id", value_name = "TEXT", help_heading = "Columns")]
    pub null_ids: Vec<String>,
    /// An empty id is somebody: all rows that have it are one person's.
    #[arg(long, help_heading = "Columns")]
    pub keep_empty_id: bool,
    /// Take blanks and signs of no width around every value away.
    #[arg(long, help_heading = "Columns")]
    pub trim: bool,
    /// Put every value in one form of Unicode, so that accents written in two ways are the same.
    #[arg(long, value_name = "nfc", help_heading = "Columns")]
    pub normalize: Option<String>,

    /// Whose rows without a person are: their device's, or the person's who used it [default: none].
    #[arg(long, value_name = "none|forward|both", help_heading = "People and repeats")]
    pub stitch: Option<String>,
    /// Table of ids and the persons they belong to, as CSV, JSON or Parquet: columns id, person, optionally
    /// valid_from, valid_to, column.
    #[arg(long, value_name = "FILE", help_heading = "People and repeats")]
    pub identity: Option<PathBuf>,
    /// Keep one of the rows that are alike in all of these columns, e.g. an event id.
    #[arg(long, value_name = "COLUMN[,..]", value_delimiter = ',', help_heading = "People and repeats")]
    pub dedupe_key: Vec<String>,
    /// Of rows alike in the key only those are one event that lie no longer than this behind the one
    /// that is kept, e.g. 1s.
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, help_heading = "People and repeats")]
    pub dedupe_window: Option<String>,
    /// Keep one of the rows that are alike in every column.
    #[arg(long, conflicts_with = "dedupe_key", help_heading = "People and repeats")]
    pub dedupe_exact: bool,

    /// Only these people: a list of ids, one a line, or a column of them in CSV, JSON or Parquet.
    #[arg(long, value_name = "FILE", help_heading = "People and repeats")]
    pub cohort: Option<PathBuf>,
    /// All but these people.
    #[arg(long, value_name = "FILE", help_heading = "People and repeats")]
    pub cohort_not: Option<PathBuf>,

    /// strptime layout of times, e.g. '%d/%m/%Y %H:%M'; may be repeated.
    #[arg(long, value_name = "LAYOUT", help_heading = "Times")]
    pub time_format: Vec<String>,
    /// Zone of calendar buckets and of printed times [default: UTC].
    #[arg(long, value_name = "ZONE", help_heading = "Times")]
    pub time_zone: Option<String>,
    /// Zone of times that carry none; else --time-zone, else UTC.
    #[arg(long, value_name = "ZONE", help_heading = "Times")]
    pub assume_time_zone: Option<String>,
    /// Unit of epoch times.
    #[arg(long, value_name = "s|ms|us|ns", help_heading = "Times")]
    pub epoch_unit: Option<String>,
    /// Order of dates such as 01/02/2026.
    #[arg(long, value_name = "dmy|mdy|ymd", help_heading = "Times")]
    pub date_order: Option<String>,
    /// Earliest time that a row may have; earlier ones are rejected [default: 1990-01-01].
    #[arg(long, value_name = "TIME", help_heading = "Times")]
    pub min_time: Option<String>,
    /// Local times that a change of the clocks skipped or repeated: compatible (moved forward; the
    /// earlier) or reject [default: compatible].
    #[arg(long, value_name = "compatible|reject", help_heading = "Times")]
    pub dst: Option<String>,
    /// End of observation; the latest row by default.
    #[arg(long, value_name = "TIME", help_heading = "Times")]
    pub as_of: Option<String>,
    /// Longest gap without a row inside a session [default: 30m].
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, help_heading = "Times")]
    pub session_timeout: Option<String>,

    /// Access log: common, combined, main, vhost_common, vhost_combined, or the text of a format of Apache's or
    /// nginx's; found if not given.
    #[arg(long, value_name = "FORMAT", help_heading = "Format")]
    pub log_format: Option<String>,
    /// Field delimiter; found if not given. `\t` is a tab.
    #[arg(long, value_name = "CHAR", help_heading = "Format")]
    pub delimiter: Option<String>,
    /// The files have no header line.
    #[arg(long, help_heading = "Format")]
    pub no_header: bool,
    /// Names of the columns of files without a header.
    #[arg(long, value_name = "NAME[,..]", value_delimiter = ',', help_heading = "Format")]
    pub columns: Vec<String>,
    /// Lines at the start that are neither header nor data; found if not given.
    #[arg(long, value_name = "N", help_heading = "Format")]
    pub skip_lines: Option<u64>,
    /// Lines behind the header that are no data: units, types.
    #[arg(long, value_name = "N", conflicts_with_all = ["no_header", "columns"], help_heading = "Format")]
    pub skip_after_header: Option<u64>,
    /// Inside quotes it takes the next character literally; a backslash if nothing else makes rows whole.
    #[arg(long, value_name = "CHAR", help_heading = "Format")]
    pub escape: Option<String>,
    /// Longest value; a row with a longer one is rejected. At most 1MiB [default: 64KiB].
    #[arg(long, value_name = "SIZE", help_heading = "Format")]
    pub max_field: Option<String>,
    /// Encoding of text, e.g. windows-1255 or iso-8859-1; UTF-8 if not given. A byte order mark goes before it.
    #[arg(long, value_name = "LABEL", help_heading = "Format")]
    pub encoding: Option<String>,
    /// Decimal mark of values, and of numbers that conditions look at; that of values is found if not given. With a comma, dots may group digits: 1.234,56.
    #[arg(long, value_name = ".|,", help_heading = "Format")]
    pub decimal: Option<String>,

    /// Rejected rows tolerated: a number or a share.
    #[arg(long, value_name = "N|SHARE%", default_value = "1%", help_heading = "Bad rows")]
    pub max_rejects: String,
    /// Tolerate no rejected row.
    #[arg(long, help_heading = "Bad rows")]
    pub strict: bool,
    /// Keep rejected rows in this file (.csv, .tsv, .jsonl, .parquet); text guarded against formulas, unless
    /// --csv-raw.
    #[arg(long, value_name = "FILE", help_heading = "Bad rows")]
    pub rejects: Option<PathBuf>,
    /// Rejected rows kept at most; counting goes on.
    #[arg(long, value_name = "N", default_value_t = 100_000, help_heading = "Bad rows")]
    pub rejects_limit: usize,
    /// Use damaged files as far as they go: truncated or corrupt .gz and .zst, quotes never closed,
    /// JSON arrays cut short.
    #[arg(long, help_heading = "Bad rows")]
    pub salvage: bool,
    /// Of files with the same content under several names, read one.
    #[arg(long, help_heading = "Bad rows")]
    pub dedupe_files: bool,
    /// Follow links met in directories.
    #[arg(long, help_heading = "Bad rows")]
    pub follow: bool,
    /// Bytes that a compressed file may unpack to, e.g. 50GiB; a file with more ends the run.
    #[arg(long, value_name = "SIZE", help_heading = "Bad rows")]
    pub max_decompressed: Option<String>,
    /// The files come from strangers: --max-decompressed 10GiB, and neither --follow nor --csv-raw.
    #[arg(long, conflicts_with_all = ["follow", "csv_raw"], help_heading = "Bad rows")]
    pub untrusted: bool,
    /// Nothing to analyse is not an error.
    #[arg(long, help_heading = "Bad rows")]
    pub allow_empty: bool,

    /// Threads; all cores by default. Never changes a number.
    #[arg(long, value_name = "N", help_heading = "Running")]
    pub threads: Option<usize>,
    /// Memory that the run may take, e.g. 512MB, 2GiB, or a share of what there is; events that do not
    /// fit wait in temporary files. Never changes a number [default: 60%].
    #[arg(long, value_name = "SIZE", env = "DROPOFF_MEMORY", help_heading = "Running")]
    pub memory: Option<String>,
    /// Directory of temporary files; the system's by default.
    #[arg(long, value_name = "DIR", help_heading = "Running")]
    pub temp_dir: Option<PathBuf>,
    /// Print a pseudonym wherever the id of a person or session would stand, and no text of rejected rows.
    ///
    /// It is a hash under the key in DROPOFF_KEY or --anonymize-key-file; without a key it is another one in
    /// every run.
    #[arg(long, help_heading = "Privacy")]
    pub anonymize: bool,
    /// File with the key of pseudonyms, 16 bytes or more.
    #[arg(long, value_name = "FILE", requires = "anonymize", help_heading = "Privacy")]
    pub anonymize_key_file: Option<PathBuf>,
    /// Progress on stderr.
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Running")]
    pub progress: ProgressWhen,
    /// Nothing on stderr unless the run fails.
    #[arg(short, long, help_heading = "Running")]
    pub quiet: bool,
}

impl InputArgs {
    /// The flags that change how the same files are read again, as typed, but for those that name
    /// columns of roles.
    pub fn typed_flags(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut flag = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                words.push(format!("--{name}"));
                words.push(value);
            }
        };
        flag("config", self.config.as_ref().map(|path| path.display().to_string()));
        flag("unpivot", self.unpivot.clone());
        flag("received-time", self.received_time.clone());
        flag("where", self.filter.clone());
        for rule in &self.derive {
            flag("derive", Some(rule.clone()));
        }
        flag("cohort", self.cohort.as_ref().map(|path| path.display().to_string()));
        flag("cohort-not", self.cohort_not.as_ref().map(|path| path.display().to_string()));
        for id in &self.null_ids {
            flag("null-id", Some(id.clone()));
        }
        flag("stitch", self.stitch.clone());
        flag("identity", self.identity.as_ref().map(|path| path.display().to_string()));
        flag("dedupe-key", (!self.dedupe_key.is_empty()).then(|| self.dedupe_key.join(",")));
        flag("dedupe-window", self.dedupe_window.clone());
        flag("min-time", self.min_time.clone());
        flag("dst", self.dst.clone());
        for layout in &self.time_format {
            flag("time-format", Some(layout.clone()));
        }
        flag("time-zone", self.time_zone.clone());
        flag("assume-time-zone", self.assume_time_zone.clone());
        flag("epoch-unit", self.epoch_unit.clone());
        flag("date-order", self.date_order.clone());
        flag("as-of", self.as_of.clone());
        flag("session-timeout", self.session_timeout.clone());
        flag("log-format", self.log_format.clone());
        flag("delimiter", self.delimiter.clone());
        flag("skip-lines", self.skip_lines.map(|lines| lines.to_string()));
        flag("skip-after-header", self.skip_after_header.map(|lines| lines.to_string()));
        flag("escape", self.escape.clone());
        flag("max-field", self.max_field.clone());
        flag("normalize", self.normalize.clone());
        flag("columns", (!self.columns.is_empty()).then(|| self.columns.join(",")));
        flag("encoding", self.encoding.clone());
        flag("decimal", self.decimal.clone());
        flag("max-decompressed", self.max_decompressed.clone());
        if self.dedupe_exact {
            words.push("--dedupe-exact".to_owned());
        }
        for (flag, typed) in [
            ("--no-header", self.no_header),
            ("--trim", self.trim),
            ("--keep-empty-id", self.keep_empty_id),
            ("--salvage", self.salvage),
            ("--dedupe-files", self.dedupe_files),
            ("--follow", self.follow),
            ("--untrusted", self.untrusted),
        ] {
            if typed {
                words.push(flag.to_owned());
            }
        }
        words
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ProgressWhen {
    /// A bar if stderr is a terminal.
    #[default]
    Auto,
    /// None.
    Never,
    /// A line every ten per cent.
    Plain,
}

/// Flags of a funnel and of what is asked of it. Each overrides the key of the same name in the definition file.
#[derive(Debug, Default, Args)]
pub struct FunnelArgs {
    /// The steps, in the grammar of the definition file.
    #[arg(
        long,
        value_name = "STEPS",
        help_heading = "Funnel",
        help = "Steps: 'view, cart|add_to_cart, !logout, checkout*[price > 0], coupon?, purchase'. What a single step \
                asks beside (within, after, arrow, nth) is written in the definition file"
    )]
    pub steps: Option<String>,
    /// Only this funnel of the definition file; may be repeated.
    #[arg(long = "funnel", value_name = "NAME", help_heading = "Funnel")]
    pub funnels: Vec<String>,
    /// Longest time from the first step to any other: 30m, 7d; session, same-day, same-week; none [default: 7d].
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, help_heading = "Funnel")]
    pub window: Option<String>,
    /// What is counted: person, session, attempt, or column:NAME for each value of a column [default: person].
    #[arg(long, value_name = "UNIT", help_heading = "Funnel")]
    pub unit: Option<String>,
    /// Steps in their order, or all steps in any order [default: ordered].
    #[arg(long, value_name = "ordered|any", help_heading = "Funnel")]
    pub order: Option<String>,
    /// With --order any: the first step has to come first [default: none].
    #[arg(long, value_name = "first|none", help_heading = "Funnel")]
    pub anchor: Option<String>,
    /// People may enter at any step.
    #[arg(
        long,
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        hide_possible_values = true,
        help_heading = "Funnel"
    )]
    pub open: Option<bool>,
    /// Entries from this time on (inclusive): a date, a time, today, yesterday.
    #[arg(long, value_name = "TIME", help_heading = "Funnel")]
    pub from: Option<String>,
    /// Entries before this time.
    #[arg(long, value_name = "TIME", help_heading = "Funnel")]
    pub to: Option<String>,
    /// What today and yesterday are relative to; the clock by default.
    #[arg(long, value_name = "TIME", help_heading = "Funnel")]
    pub now: Option<String>,

    /// Another tool's rules to start from; the flags and keys below go before them [default: dropoff].
    ///
    /// dropoff, clickhouse, posthog, mixpanel, mixpanel-reentry, amplitude, ga4, first-occurrence, doris or pinot.
    #[arg(long, value_name = "TOOL", help_heading = "Rules")]
    pub rules: Option<String>,
    /// Whether the last instant of the window is inside [default: inclusive].
    #[arg(long, value_name = "inclusive|exclusive", help_heading = "Rules")]
    pub window_end: Option<String>,
    /// What rows of equal time may do: serve steps in any order, in file order, none [default: step].
    #[arg(long, value_name = "step|file|strict", help_heading = "Rules")]
    pub tie: Option<String>,
    /// How far a row may lie before the row of the step before; with --tie strict how far behind it must.
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, help_heading = "Rules")]
    pub tolerance: Option<String>,
    /// Steps that one row may serve: one, every one it matches, only the first it matches [default: one].
    #[arg(long, value_name = "one|many|first", help_heading = "Rules")]
    pub row: Option<String>,
    /// Columns whose value has to stay the same from step to step; the unit is then person and value.
    #[arg(long, value_name = "COLUMN[,..]", value_delimiter = ',', help_heading = "Rules")]
    pub hold: Vec<String>,
    /// What a forbidden event does: void a chain, end the first attempt (drop), take the unit out (remove)
    /// [default: void].
    #[arg(long, value_name = "void|drop|remove", help_heading = "Rules")]
    pub exclusion: Option<String>,

    /// Segment columns.
    #[arg(long, value_name = "COLUMN[,..]", value_delimiter = ',', help_heading = "Report")]
    pub by: Vec<String>,
    /// Whose value the segment is: first-entry, step=K, first-seen or last-seen on the winning chain, person
    /// as of the first entry [default: first-entry].
    #[arg(long, value_name = "ROW", help_heading = "Report")]
    pub by_from: Option<String>,
    /// Segments with a row of their own; all others together are (other) [default: 20].
    #[arg(long, value_name = "N", help_heading = "Report")]
    pub top: Option<usize>,
    /// Conversion by time of entry.
    #[arg(long, value_name = "day|week|month", help_heading = "Report")]
    pub trend: Option<String>,
    /// Quantiles of durations [default: 0.25,0.5,0.75,0.9,0.95,0.99].
    #[arg(long, value_name = "Q[,..]", value_delimiter = ',', help_heading = "Report")]
    pub quantiles: Vec<String>,
    /// Interpolated between two values, or the nearest one [default: type-7].
    #[arg(long, value_name = "type-7|nearest-rank", help_heading = "Report")]
    pub quantile_method: Option<String>,
}

/// Flags of lists of people beside the report.
#[derive(Debug, Default, Args)]
pub struct ListArgs {
    /// Write what became of each person who entered: how far, when, status, value. By its extension
    /// CSV, TSV, JSONL or Parquet.
    #[arg(long, value_name = "FILE", help_heading = "Lists")]
    pub people: Option<PathBuf>,
    /// Write the ids of some of them, e.g. dropped@Checkout=ids.csv; may be repeated. STATUS is entered,
    /// reached, converted, dropped, open, excluded, removed or any; with a step, those who stopped
    /// there (reached: got there).
    #[arg(long, value_name = "[FUNNEL:]STATUS[@STEP]=FILE", help_heading = "Lists")]
    pub emit_cohort: Vec<String>,
}

/// Flags of everything that is printed.
#[derive(Debug, Default, Args)]
pub struct OutputArgs {
    /// Form on standard output: table, markdown, csv, tsv, json, jsonl (check: also junit). The table
    /// by default; of sessions CSV.
    #[arg(short, long, value_name = "FORM", help_heading = "Output")]
    pub format: Option<String>,
    /// Write to a file, in the form of its extension; may be repeated. - is standard output.
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Vec<PathBuf>,
    /// Make directories that are missing above the files to write.
    #[arg(long, help_heading = "Output")]
    pub mkdir: bool,
    /// Colours in the table form; auto: on a terminal, unless `NO_COLOR` is set.
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub color: ColorWhen,
    /// Bars and signs in ASCII.
    #[arg(long, help_heading = "Output")]
    pub ascii: bool,
    /// Columns of the table form; the terminal's by default.
    #[arg(long, value_name = "N", help_heading = "Output")]
    pub width: Option<usize>,
    /// Text cells of CSV as they are, without the guard against formulas.
    #[arg(long, help_heading = "Output")]
    pub csv_raw: bool,
    /// Leave out of JSON what differs from run to run.
    #[arg(long, help_heading = "Output")]
    pub reproducible: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ColorWhen {
    #[default]
    Auto,
    Always,
    Never,
}
