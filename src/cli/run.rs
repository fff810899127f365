//! From a command to its verb, and what all verbs that read rows start with.

use super::args::{Cli, Command, InputArgs};
use super::check::check;
use super::failure::{Exit, Failure};
use super::generate::generate;
use super::help::help;
use super::input::Found;
use super::inspect::inspect;
use super::memory::{available, check_temp_dir};
use super::plan::{Environment, InputPlan};
use super::privacy::pseudonyms;
use super::report::report;
use super::sessions::sessions;
use super::validate::validate;
use crate::definition::DefinitionFile;
use crate::identity::pseudonym::Pseudonyms;
use crate::source::Input;
use crate::source::list::lists;
use anyhow::Context;
use jiff::tz::TimeZone;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Runs one command to its exit code.
pub fn run(cli: Cli) -> Result<Exit, Failure> {
    let hides_text = cli.command.input().is_some_and(|input| input.anonymize);
    let ended = run_command(cli.command);
    if hides_text { ended.map_err(Failure::without_text) } else { ended }
}

fn run_command(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Inspect(args) => inspect(&args),
        Command::Report(args) => report(&args),
        Command::Sessions(args) => sessions(&args),
        Command::Check(args) => check(&args),
        Command::Validate(args) => validate(&args),
        Command::Generate(args) => generate(args.what),
        Command::Help(args) => help(args.topic.as_deref()),
    }
}

/// What every verb that reads rows starts with.
pub struct Start {
    pub plan: InputPlan,
    pub file: DefinitionFile,
    /// Where that lies.
    definition: Option<PathBuf>,
    pub environment: Environment,
    pub started: Instant,
    /// What stands for ids where these are not to be printed.
    pub pseudonyms: Option<Pseudonyms>,
}

impl Start {
    pub fn of(args: &InputArgs) -> Result<Start, Failure> {
        let started = Instant::now();
        let environment = environment();
        let (file, path) = definition_file(args)?;
        let mut plan = InputPlan::resolve(args, &file, &environment)?;
        args.temp_dir.as_deref().map_or(Ok(()), check_temp_dir)?;
        resolve_files(&mut plan, args, path.as_deref());
        let pseudonyms = pseudonyms(args)?;
        Ok(Start { plan, file, definition: path, environment, started, pseudonyms })
    }

    /// Every file that the run reads, logs and all else: none of them is written to.
    pub fn inputs(&self, args: &InputArgs, found: &Found) -> Vec<Input> {
        let map = self.plan.identity.map.iter();
        let beside = args.cohort.iter().chain(&args.cohort_not).chain(&args.anonymize_key_file).chain(map);
        let beside = beside.chain(&self.definition).cloned().chain(lists(&self.plan.files, Path::new("")));
        found.inputs().into_iter().chain(beside.map(Input::file)).collect()
    }
}

impl Start {
    /// The version of the rules of time zones, where others than UTC are used and the system says it.
    pub fn zone_database(&self) -> Option<String> {
        let is_utc = |zone: &TimeZone| *zone == TimeZone::UTC;
        if is_utc(&self.plan.zone) && is_utc(&self.plan.naive_zone) {
            return None;
        }
        let given = std::env::var_os("TZDIR").map(PathBuf::from);
        let usual = ["/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"].map(PathBuf::from);
        let directory = given.into_iter().chain(usual).find(|directory| directory.is_dir())?;
        // `tzdata.zi` begins so in every distribution of the database.
        let mut start = String::new();
        let file = std::fs::File::open(directory.join("tzdata.zi")).ok()?;
        file.take(64).read_to_string(&mut start).ok()?;
        Some(start.lines().next()?.strip_prefix("# version ")?.to_owned())
    }
}

fn environment() -> Environment {
    Environment {
        now: jiff::Timestamp::now(),
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
        memory: available(|path| std::fs::read_to_string(path).ok()),
        temp_dir: std::env::temp_dir(),
    }
}

/// The definition file that was named, or the nearest `dropoff.toml` upward, or none.
fn definition_file(args: &InputArgs) -> Result<(DefinitionFile, Option<PathBuf>), Failure> {
    let Some(path) = args.config.clone().or_else(nearest_definition) else {
        return Ok((DefinitionFile::default(), None));
    };
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{}: cannot read this definition file", path.display()))
        .map_err(|error| Failure { exit: Exit::Usage, ..Failure::failed(error) }.code(Some("E-O21")))?;
    let name = path.display().to_string();
    let file = DefinitionFile::parse(&text, &name)?;
    file.check_funnels()?;
    Ok((file, Some(path)))
}

fn nearest_definition() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|directory| directory.join("dropoff.toml")).find(|path| path.is_file())
}

/// Files that a definition file names lie relative to it.
fn resolve_files(plan: &mut InputPlan, args: &InputArgs, definition: Option<&Path>) {
    let Some(directory) = definition.and_then(Path::parent) else { return };
    if args.identity.is_none() {
        plan.identity.map = plan.identity.map.take().map(|map| directory.join(map));
    }
    if args.files.is_empty() {
        for file in &mut plan.files {
            *file = on_path(file, |path| directory.join(path));
        }
    }
}

/// Changes the path in what names files: not in `-`, and behind the sign of an `@list`.
pub fn on_path(file: &str, change: impl Fn(&Path) -> PathBuf) -> String {
    match file.strip_prefix('@') {
        _ if file == "-" => file.to_owned(),
        Some(list) => format!("@{}", change(Path::new(list)).display()),
        None => change(Path::new(file)).to_string_lossy().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::fs;

    const HEADER: &str = "user_id,timestamp,event\n";
    const ROW: &str = "u1,2026-01-01 08:00:00,view\n";
    const ROW_OF_NOBODY: &str = ",2026-01-01 08:00:00,view\n";

    /// How `dropoff` ends with these words, in a directory with these files, and what then lies in
    /// `out.json`, where `old` was before.
    fn end_of(files: &[(&str, &str)], words: &[&str]) -> (Exit, String) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
        for (name, text) in files.iter().chain(&[("out.json", "old")]) {
            fs::write(path(name), text).expect("a file");
        }
        let config = path("none.toml");
        fs::write(&config, "").expect("a file");
        let is_path = |word: &str| word.ends_with(".csv") || word.ends_with(".json");
        let words = words.iter().map(|word| if is_path(word) { path(word) } else { (*word).to_owned() });
        let command = ["dropoff".to_owned(), "report".to_owned(), "--config".to_owned(), config];
        let cli = Cli::try_parse_from(command.into_iter().chain(words)).expect("a command");
        let exit = match run(cli) {
            Ok(exit) => exit,
            Err(failure) => failure.exit,
        };
        (exit, fs::read_to_string(path("out.json")).expect("the output"))
    }

    #[test]
    fn a_file_with_only_a_header_does_not_decide_for_the_others() {
        let rows = format!("{HEADER}{ROW}");
        let files = [("a.csv", HEADER), ("b.csv", ""), ("c.csv", &rows)];
        let words = ["a.csv", "b.csv", "c.csv", "--steps", "view,cart", "-o", "out.json"];
        let (exit, out) = end_of(&files, &words);
        assert_eq!(exit, Exit::Done);
        assert!(out.contains("\"used\": 1"), "{out}");
    }

    #[test]
    fn a_run_without_a_row_leaves_the_old_output() {
        let bad = format!("{HEADER}{ROW_OF_NOBODY}");
        for text in ["", HEADER, &bad] {
            let words = ["a.csv", "--user", "user_id", "--steps", "view,cart", "-o", "out.json"];
            assert_eq!(end_of(&[("a.csv", text)], &words), (Exit::Empty, "old".to_owned()), "{text:?}");
        }
    }

    #[test]
    fn a_run_without_a_row_may_be_allowed() {
        for (text, file) in [("", "a.csv"), (HEADER, "a.csv"), (HEADER, "*.none.csv")] {
            let words = [file, "--allow-empty", "--steps", "view,cart", "-o", "out.json"];
            let (exit, out) = end_of(&[("a.csv", text)], &words);
            assert_eq!(exit, Exit::Done, "{text:?} {file}");
            assert!(out.contains("\"read\": 0"), "{out}");
        }
    }

    #[test]
    fn of_several_person_columns_any_one_will_do() {
        let known = format!("{HEADER}{ROW}");
        let unknown = known.replace("user_id", "device_id");
        let files = [("a.csv", known.as_str()), ("b.csv", &unknown)];
        for inputs in [&["a.csv"][..], &["b.csv"], &["a.csv", "b.csv"]] {
            for users in ["user_id,device_id", "device_id,user_id"] {
                let words = [inputs, &["--user", users, "--steps", "view", "-o", "out.json"][..]].concat();
                let (exit, out) = end_of(&files, &words);
                assert_eq!(exit, Exit::Done, "{words:?}");
                assert!(out.contains(&format!("\"used\": {}", inputs.len())), "{out}");
            }
        }
        let words = ["a.csv", "--user", "usr,device_id", "--steps", "view", "-o", "out.json"];
        assert_eq!(end_of(&files, &words), (Exit::Usage, "old".to_owned()));
    }

    #[test]
    fn a_wanted_column_that_stands_twice_is_refused() {
        let text = "user_id,timestamp,event,note,note\nu1,2026-01-01 08:00:00,view,a,b\n";
        let twice = text.replacen("note", "event", 1);
        let words = ["a.csv", "--event", "event", "--steps", "view,cart", "-o", "out.json"];
        assert_eq!(end_of(&[("a.csv", text)], &words).0, Exit::Done);
        assert_eq!(end_of(&[("a.csv", &twice)], &words), (Exit::Usage, "old".to_owned()));
    }

    #[test]
    fn a_written_definition_finds_the_files_from_where_it_lies() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
        fs::create_dir(path("below")).expect("a directory");
        fs::write(path("a.csv"), format!("{HEADER}{ROW}")).expect("a file");
        fs::write(path("files.txt"), format!("{}\n", path("a.csv"))).expect("a file");
        for files in [path("a.csv"), format!("@{}", path("files.txt"))] {
            let (definition, out) = (path("below/x.toml"), path("out.json"));
            // One that is there is not replaced.
            let _ = fs::remove_file(&definition);
            for words in [
                &["dropoff", "inspect", &files, "--write", &definition, "-o", &out][..],
                &["dropoff", "report", "--config", &definition, "--steps", "view", "-o", &out],
            ] {
                let cli = Cli::try_parse_from(words).expect("a command");
                assert!(matches!(run(cli), Ok(Exit::Done)), "{words:?}");
            }
        }
    }

    #[test]
    fn paths_change_but_not_what_stands_before_them() {
        let below = |file: &str| on_path(file, |path| Path::new("d").join(path));
        assert_eq!([below("a.csv"), below("@l.txt"), below("-")], ["d/a.csv", "@d/l.txt", "-"]);
    }

    #[test]
    fn two_outputs_do_not_share_a_file() {
        let rows = format!("{HEADER}{ROW}");
        for words in [["--rejects", "out.json"], ["-o", "out.json"]] {
            let words = [&["a.csv", "--steps", "view", "-o", "out.json"][..], &words[..]].concat();
            assert_eq!(end_of(&[("a.csv", &rows)], &words), (Exit::Usage, "old".to_owned()));
        }
    }

    #[test]
    fn threads_are_at_least_one_and_at_most_1024() {
        let rows = format!("{HEADER}{ROW}");
        for (threads, exit) in [
            ("0", Exit::Usage),
            ("1", Exit::Done),
            ("2", Exit::Done),
            ("1024", Exit::Done),
            ("1025", Exit::Usage),
        ] {
            let words = ["a.csv", "--steps", "view", "-o", "out.json", "--threads", threads];
            assert_eq!(end_of(&[("a.csv", &rows)], &words).0, exit, "{threads}");
        }
    }
}
