//! What was typed to the list of inputs: files, directories, globs, `@list` and `-`.
//!
//! Globs are expanded here, so that a scheduler's bare shell and an interactive one agree. Nothing is
//! read but directories and lists; whether a file can be opened is tried for all before any work.

use super::duplicates::repeated;
use super::{Input, InputKind, SourceError, SourceNote};
use globset::GlobBuilder;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};
use walkdir::WalkDir;

/// Endings of the files that a directory is searched for, each also with `.gz` or `.zst` behind it.
pub const EXTENSIONS: [&str; 8] = ["csv", "tsv", "txt", "log", "jsonl", "ndjson", "json", "parquet"];

/// Least likeness of a name that is suggested for another (Jaro and Winkler, 0 to 1).
const LEAST_LIKENESS: f64 = 0.7;

#[derive(Debug, Clone, Default)]
pub struct ListOptions {
    /// Where relative paths start; empty for the working directory of the process.
    pub working_directory: PathBuf,
    /// Links met in directories are followed.
    pub follow: bool,
    /// Of files with the same content the first is read.
    pub dedupe: bool,
}

/// The inputs, in the order to report them, and what was noticed on the way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expanded {
    pub inputs: Vec<Input>,
    /// Left out, as their content is that of an input.
    pub copies: Vec<Input>,
    pub notes: Vec<SourceNote>,
}

/// What the arguments name, and what stands in the way: all of it is told at once.
#[derive(Default)]
struct Search {
    inputs: Vec<Input>,
    notes: Vec<SourceNote>,
    /// Names that nothing has.
    missing: Vec<String>,
    /// Directories that cannot be listed, and why.
    unreadable: Vec<(String, String)>,
}

/// Expands the arguments in their order; what one argument expands to is sorted by path. The same
/// file under two names is listed once.
pub fn expand(arguments: &[String], options: &ListOptions) -> Result<Expanded, SourceError> {
    let base = &options.working_directory;
    let mut found = Search::default();
    for argument in arguments {
        match list_named(argument, base) {
            Some(list) => {
                for line in read_list(base, list)? {
                    expand_one(options, &line, &mut found)?;
                }
            }
            None => expand_one(options, argument, &mut found)?,
        }
    }
    if let Some(first) = found.missing.first() {
        let nearest = nearest_name(base, Path::new(first));
        return Err(SourceError::NotFound { paths: found.missing, nearest });
    }
    let mut expanded = without_same_files(found.inputs);
    expanded.notes.splice(0..0, found.notes);
    refuse_unreadable(&expanded.inputs, found.unreadable)?;
    tell_same_content(&mut expanded, options.dedupe);
    Ok(expanded)
}

/// The lists among the arguments, from where they are opened.
pub fn lists(arguments: &[String], working_directory: &Path) -> Vec<PathBuf> {
    let named = arguments.iter().filter_map(|argument| list_named(argument, working_directory));
    named.map(|list| working_directory.join(list)).collect()
}

/// The list that `@list` names, unless a file has that very name.
fn list_named<'a>(argument: &'a str, base: &Path) -> Option<&'a str> {
    argument.strip_prefix('@').filter(|_| !exists(base, argument))
}

fn expand_one(options: &ListOptions, argument: &str, found: &mut Search) -> Result<(), SourceError> {
    let base = &options.working_directory;
    if argument == "-" {
        found.inputs.push(Input::stdin());
        return Ok(());
    }
    let paths = match fs::metadata(base.join(argument)) {
        Ok(metadata) if metadata.is_dir() => files_below(options, Path::new(argument), found)?,
        Ok(_) => vec![PathBuf::from(argument)],
        Err(_) if is_pattern(argument) => matching(options, argument, found)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            found.missing.push(argument.to_owned());
            return Ok(());
        }
        // Told together with all others that cannot be read.
        Err(_) => vec![PathBuf::from(argument)],
    };
    found.inputs.extend(paths.into_iter().map(|path| Input {
        name: path.to_string_lossy().into_owned(),
        kind: InputKind::File(base.join(path)),
    }));
    Ok(())
}

/// One file by its name, which is no pattern. That it can be opened is not tried.
pub fn one_file(path: &Path) -> Result<Input, SourceError> {
    let name = path.to_string_lossy().into_owned();
    let unreadable = |reason: String| SourceError::Unreadable { files: vec![(name.clone(), reason)] };
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(unreadable("it is a directory".to_owned())),
        Ok(_) => Ok(Input::file(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(SourceError::NotFound { nearest: nearest_name(Path::new(""), path), paths: vec![name] })
        }
        Err(error) => Err(unreadable(error.to_string())),
    }
}

/// Notes files with the same content, and leaves out all but the first where that is wanted.
fn tell_same_content(expanded: &mut Expanded, leave_out: bool) {
    if expanded.inputs.len() < 2 {
        return;
    }
    let repeated = repeated(&expanded.inputs);
    expanded.notes.extend(repeated.iter().map(|&(place, first)| SourceNote::SameContent {
        name: expanded.inputs[place].name.clone(),
        first: expanded.inputs[first].name.clone(),
        left_out: leave_out,
    }));
    if leave_out {
        let mut place = 0;
        let is_copy = |_: &mut Input| {
            place += 1;
            repeated.binary_search_by_key(&(place - 1), |(place, _)| *place).is_ok()
        };
        expanded.copies = expanded.inputs.extract_if(.., is_copy).collect();
    }
}

fn exists(base: &Path, path: &str) -> bool {
    fs::symlink_metadata(base.join(path)).is_ok()
}

fn is_pattern(argument: &str) -> bool {
    argument.contains(['*', '?', '[', '{'])
}

/// The lines of a list that name something.
fn read_list(base: &Path, list: &str) -> Result<Vec<String>, SourceError> {
    let text = fs::read_to_string(base.join(list)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => SourceError::NotFound {
            paths: vec![list.to_owned()],
            nearest: nearest_name(base, Path::new(list)),
        },
        _ => SourceError::List { path: list.to_owned(), reason: error.to_string() },
    })?;
    let text = text.trim_start_matches('\u{FEFF}');
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}

/// The log files in a directory and below, sorted. Hidden files are not logs; links, and what is no regular
/// file, are left out unless they are asked for.
fn files_below(
    options: &ListOptions,
    directory: &Path,
    found: &mut Search,
) -> Result<Vec<PathBuf>, SourceError> {
    let walked = walk(options, directory, usize::MAX, found);
    let logs = logs_of(options, directory, walked, &mut found.notes, &has_log_extension);
    // What an unreadable directory holds is not known.
    if logs.is_empty() && found.unreadable.is_empty() {
        let is_link = |note: &&SourceNote| matches!(note, SourceNote::LeftOut { .. });
        let links = found.notes.iter().filter(is_link).count();
        return Err(SourceError::EmptyDirectory { path: directory.to_string_lossy().into_owned(), links });
    }
    Ok(logs)
}

/// What a walk met: files, and links and special files; named from the directory.
struct Walked {
    files: Vec<PathBuf>,
    others: Vec<PathBuf>,
}

/// The regular files of a walk that are logs by their names. Others of such names, and links to
/// directories, are noted, unless they only lead to what was met anyway.
fn logs_of(
    options: &ListOptions,
    directory: &Path,
    walked: Walked,
    notes: &mut Vec<SourceNote>,
    is_log: &dyn Fn(&Path) -> bool,
) -> Vec<PathBuf> {
    let Walked { mut files, others } = walked;
    files.retain(|path| is_log(path));
    let base = &options.working_directory;
    let target = |path: &PathBuf| fs::canonicalize(base.join(path)).ok();
    let root = target(&directory.join("."));
    let is_new = |path: &&PathBuf| match target(path) {
        Some(target) if target.is_dir() => !root.as_ref().is_some_and(|root| target.starts_with(root)),
        Some(target) if is_log(path) => !files.iter().any(|file| is_same(base, file, &target)),
        Some(_) => false,
        None => is_log(path),
    };
    let left_out: Vec<&PathBuf> = others.iter().filter(is_new).collect();
    if let Some(first) = left_out.first() {
        notes.push(SourceNote::LeftOut {
            directory: directory.to_string_lossy().into_owned(),
            first: first.to_string_lossy().into_owned(),
            n: left_out.len(),
        });
    }
    files
}

fn is_same(base: &Path, file: &Path, target: &Path) -> bool {
    file.file_name() == target.file_name()
        && fs::canonicalize(base.join(file)).is_ok_and(|path| path == target)
}

/// All files but hidden ones in a directory and so many levels below, sorted, named from `directory`.
fn walk(options: &ListOptions, directory: &Path, depth: usize, found: &mut Search) -> Walked {
    let base = &options.working_directory;
    let root = if directory.as_os_str().is_empty() { base.join(".") } else { base.join(directory) };
    let is_hidden =
        |entry: &walkdir::DirEntry| entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.');
    let mut walked = Walked { files: Vec::new(), others: Vec::new() };
    let entries = WalkDir::new(&root).follow_links(options.follow).max_depth(depth);
    for entry in entries.into_iter().filter_entry(|entry| !is_hidden(entry)) {
        let entry = match entry {
            Ok(entry) => entry,
            // The link leads back to where the walk has been, or nowhere.
            Err(error) if error.loop_ancestor().is_some() => continue,
            Err(error) => {
                let path = error.path().unwrap_or(directory);
                if let (true, Ok(below)) = (path.is_symlink(), path.strip_prefix(&root)) {
                    walked.others.push(directory.join(below));
                    continue;
                }
                let reason = error.io_error().map_or_else(|| error.to_string(), io::Error::to_string);
                let unreadable = (path.to_string_lossy().into_owned(), reason);
                if !found.unreadable.contains(&unreadable) {
                    found.unreadable.push(unreadable);
                }
                continue;
            }
        };
        let kind = entry.file_type();
        if let (false, Ok(below)) = (kind.is_dir(), entry.path().strip_prefix(&root)) {
            let list = if kind.is_file() { &mut walked.files } else { &mut walked.others };
            list.push(directory.join(below));
        }
    }
    walked.files.sort();
    walked.others.sort();
    walked
}

fn has_log_extension(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    name.rsplit_once('.').is_some_and(|(_, extension)| EXTENSIONS.contains(&extension))
}

/// The files that a pattern matches; where it matches only directories, the log files in them.
fn matching(options: &ListOptions, pattern: &str, found: &mut Search) -> Result<Vec<PathBuf>, SourceError> {
    let base = &options.working_directory;
    let bad = |error: globset::Error| SourceError::BadPattern {
        pattern: pattern.to_owned(),
        reason: error.kind().to_string(),
    };
    let matcher = GlobBuilder::new(pattern).literal_separator(true).build().map_err(bad)?.compile_matcher();
    // What stands before the first wildcard is walked to and not searched.
    let components: Vec<Component<'_>> = Path::new(pattern).components().collect();
    let plain = components.iter().take_while(|part| !is_pattern(&part.as_os_str().to_string_lossy())).count();
    let directory: PathBuf = components[..plain].iter().collect();
    let unlimited = pattern.contains("**") || pattern.contains('{');
    let depth = if unlimited { usize::MAX } else { components.len() - plain };
    let no_match = || {
        let is_directory = |path: &&Path| base.join(".").join(path).is_dir();
        let nearest = directory.ancestors().find(is_directory).map(|path| {
            if path.as_os_str().is_empty() { ".".to_owned() } else { path.to_string_lossy().into_owned() }
        });
        SourceError::NoMatch { pattern: pattern.to_owned(), nearest_directory: nearest }
    };
    if !directory.as_os_str().is_empty() && !base.join(&directory).is_dir() {
        return Err(no_match());
    }
    // `./` is a component of the pattern only at its start, where the walk keeps it too.
    let Walked { files, others } = walk(options, &directory, depth, found);
    // As a shell would: what the pattern names is named, whatever it is.
    let named = others.into_iter().filter(|path| !base.join(path).is_dir());
    let mut matched: Vec<PathBuf> = files.into_iter().chain(named).collect();
    matched.retain(|path| matcher.is_match(path));
    if !matched.is_empty() {
        matched.sort();
        return Ok(matched);
    }
    let is_below = |path: &Path| {
        has_log_extension(path) && path.ancestors().skip(1).any(|above| matcher.is_match(above))
    };
    let walked = walk(options, &directory, usize::MAX, found);
    let below = logs_of(options, &directory, walked, &mut found.notes, &is_below);
    if below.is_empty() && found.unreadable.is_empty() { Err(no_match()) } else { Ok(below) }
}

/// The most alike name in the directory where the path should lie.
fn nearest_name(base: &Path, path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_string_lossy();
    let directory = path.parent().unwrap_or(Path::new(""));
    let entries = fs::read_dir(base.join(directory).join(".")).ok()?;
    let names = entries.filter_map(Result::ok).map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut likeness: Vec<(f64, String)> =
        names.map(|name| (strsim::jaro_winkler(&wanted, &name), name)).collect();
    // By likeness, and by name where it is equal, so that the order of the directory does not tell.
    likeness.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let (likeness, name) = likeness.into_iter().next()?;
    (likeness >= LEAST_LIKENESS).then(|| directory.join(name).to_string_lossy().into_owned())
}

/// What makes a file the same file under another name.
#[derive(PartialEq, Eq, Hash)]
enum Identity {
    Stdin,
    #[cfg(unix)]
    File {
        device: u64,
        inode: u64,
    },
    #[cfg(not(unix))]
    Path(PathBuf),
}

fn identity(input: &Input) -> Option<Identity> {
    match &input.kind {
        InputKind::Stdin => Some(Identity::Stdin),
        #[cfg(unix)]
        InputKind::File(path) => {
            use std::os::unix::fs::MetadataExt;
            let metadata = fs::metadata(path).ok()?;
            Some(Identity::File { device: metadata.dev(), inode: metadata.ino() })
        }
        #[cfg(not(unix))]
        InputKind::File(path) => fs::canonicalize(path).ok().map(Identity::Path),
    }
}

fn without_same_files(inputs: Vec<Input>) -> Expanded {
    let mut first_names: HashMap<Identity, String> = HashMap::new();
    let mut expanded = Expanded::default();
    for input in inputs {
        let Some(identity) = identity(&input) else {
            // It is gone by now, or cannot be looked at: opening it will say so.
            expanded.inputs.push(input);
            continue;
        };
        match first_names.get(&identity) {
            Some(first) => {
                let note = SourceNote::SameFile { name: input.name, first: first.clone() };
                expanded.notes.push(note);
            }
            None => {
                first_names.insert(identity, input.name.clone());
                expanded.inputs.push(input);
            }
        }
    }
    expanded
}

/// Everything that cannot be read, directories first.
fn refuse_unreadable(inputs: &[Input], directories: Vec<(String, String)>) -> Result<(), SourceError> {
    let reason = |input: &Input| {
        let InputKind::File(path) = &input.kind else { return None };
        // A pipe gives its content once, so only regular files are tried.
        let result = match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => File::open(path).map(drop),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        result.err().map(|error| (input.name.clone(), error.to_string()))
    };
    let files: Vec<(String, String)> =
        directories.into_iter().chain(inputs.iter().filter_map(reason)).collect();
    if files.is_empty() { Ok(()) } else { Err(SourceError::Unreadable { files }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory with files of one byte.
    fn directory(paths: &[&str]) -> (tempfile::TempDir, ListOptions) {
        let directory = tempfile::tempdir().expect("a directory can be made");
        for path in paths {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().expect("below the directory")).expect("it can be written");
            fs::write(path, "x").expect("it can be written");
        }
        let working_directory = directory.path().to_owned();
        let options = ListOptions { working_directory, ..ListOptions::default() };
        (directory, options)
    }

    fn arguments(arguments: &[&str]) -> Vec<String> {
        arguments.iter().map(|&argument| argument.to_owned()).collect()
    }

    fn names(options: &ListOptions, typed: &[&str]) -> Vec<String> {
        let expanded = expand(&arguments(typed), options).expect("the arguments name files");
        expanded.inputs.into_iter().map(|input| input.name).collect()
    }

    fn failure(options: &ListOptions, typed: &[&str]) -> SourceError {
        expand(&arguments(typed), options).expect_err("the arguments name nothing")
    }

    #[test]
    fn arguments_keep_their_order_and_each_is_sorted() {
        let (_kept, options) = directory(&[
            "z.csv",
            "logs/b.csv",
            "logs/a.jsonl.gz",
            "logs/sub/c.PARQUET",
            "logs/.hidden.csv",
            "logs/readme.md",
        ]);
        let logs = ["logs/a.jsonl.gz", "logs/b.csv", "logs/sub/c.PARQUET"];
        assert_eq!(names(&options, &["z.csv", "logs", "-"]), ["z.csv", logs[0], logs[1], logs[2], "<stdin>"]);
        // A file that is named is read whatever its ending.
        assert_eq!(names(&options, &["logs/readme.md"]), ["logs/readme.md"]);
        assert_eq!(
            names(&options, &["./logs/"]),
            ["./logs/a.jsonl.gz", "./logs/b.csv", "./logs/sub/c.PARQUET"]
        );
    }

    #[test]
    fn paths_are_opened_below_the_working_directory() {
        let (kept, options) = directory(&["a.csv"]);
        let expanded = expand(&arguments(&["a.csv"]), &options).expect("it exists");
        assert_eq!(expanded.inputs[0].kind, InputKind::File(kept.path().join("a.csv")));
    }

    #[test]
    fn globs_are_expanded() {
        let files = ["logs/b.csv", "logs/a.csv", "logs/a.json", "logs/2026/c.csv", "[x].csv", ".d.csv"];
        let (kept, options) = directory(&files);
        assert_eq!(names(&options, &["logs/*.csv"]), ["logs/a.csv", "logs/b.csv"]);
        assert_eq!(names(&options, &["logs/?.{csv,json}"]), ["logs/a.csv", "logs/a.json", "logs/b.csv"]);
        assert_eq!(
            names(&options, &["**/*.csv"]),
            ["[x].csv", "logs/2026/c.csv", "logs/a.csv", "logs/b.csv"]
        );
        assert_eq!(names(&options, &["logs/20*"]), ["logs/2026/c.csv"]);
        // It exists as it stands, so it is no pattern.
        assert_eq!(names(&options, &["[x].csv"]), ["[x].csv"]);
        let absolute = format!("{}/logs/*.json", kept.path().display());
        assert_eq!(names(&options, &[&absolute]), [format!("{}/logs/a.json", kept.path().display())]);
    }

    #[test]
    fn a_glob_without_match_names_the_nearest_directory() {
        let (_kept, options) = directory(&["logs/a.csv"]);
        for (pattern, nearest) in [("logs/*.gz", "logs"), ("logs/2026/05/*.csv", "logs"), ("none/*", ".")] {
            let error = failure(&options, &[pattern]);
            assert!(error.is_nothing_to_read());
            let SourceError::NoMatch { nearest_directory, .. } = error else { panic!("{error}") };
            assert_eq!(nearest_directory.as_deref(), Some(nearest));
        }
        assert!(matches!(failure(&options, &["a[.csv"]), SourceError::BadPattern { .. }));
    }

    #[test]
    fn a_missing_file_is_met_with_the_nearest_name() {
        let (_kept, options) = directory(&["logs/clicks.csv", "logs/orders.csv"]);
        let error = failure(&options, &["logs/click.csv"]);
        assert_eq!(error.hint().as_deref(), Some("did you mean logs/clicks.csv?"));
        let SourceError::NotFound { nearest, .. } = failure(&options, &["logs/zzz"]) else {
            panic!("wrong error")
        };
        assert_eq!(nearest, None);
        assert!(matches!(failure(&options, &["@click.txt"]), SourceError::NotFound { nearest: None, .. }));
    }

    #[test]
    fn a_directory_without_logs_is_nothing_to_read() {
        let (_kept, options) = directory(&["docs/readme.md"]);
        let error = failure(&options, &["docs"]);
        assert!(matches!(&error, SourceError::EmptyDirectory { path, links: 0 } if path == "docs"));
        assert!(error.is_nothing_to_read());
    }

    #[test]
    fn lists_name_files_directories_and_globs() {
        let (kept, options) = directory(&["a.csv", "logs/b.csv", "logs/c.csv"]);
        fs::write(kept.path().join("list.txt"), "\u{FEFF}# comment\r\n\r\n a.csv \nlogs/*.csv\n")
            .expect("written");
        assert_eq!(names(&options, &["@list.txt"]), ["a.csv", "logs/b.csv", "logs/c.csv"]);
        fs::write(kept.path().join("@b.csv"), "x").expect("written");
        assert_eq!(names(&options, &["@b.csv"]), ["@b.csv"]);
    }

    #[cfg(unix)]
    #[test]
    fn one_file_under_several_names_is_read_once() {
        let (kept, options) = directory(&["a.csv", "b.csv"]);
        std::os::unix::fs::symlink(kept.path().join("a.csv"), kept.path().join("link.csv")).expect("linked");
        fs::hard_link(kept.path().join("b.csv"), kept.path().join("z.csv")).expect("linked");
        let expanded = expand(&arguments(&["*.csv", "a.csv", "-", "-"]), &options).expect("they exist");
        let names: Vec<&str> = expanded.inputs.iter().map(|input| input.name.as_str()).collect();
        assert_eq!(names, ["a.csv", "b.csv", "<stdin>"]);
        let same =
            |name: &str, first: &str| SourceNote::SameFile { name: name.to_owned(), first: first.to_owned() };
        let notes = [
            same("link.csv", "a.csv"),
            same("z.csv", "b.csv"),
            same("a.csv", "a.csv"),
            same("<stdin>", "<stdin>"),
        ];
        assert_eq!(expanded.notes, notes);
    }

    #[cfg(unix)]
    #[test]
    fn links_to_directories_are_not_gone_into_unless_named() {
        let (kept, options) = directory(&["logs/a.csv", "other/b.csv"]);
        std::os::unix::fs::symlink(kept.path().join("logs"), kept.path().join("logs/loop")).expect("linked");
        std::os::unix::fs::symlink(kept.path().join("other"), kept.path().join("named")).expect("linked");
        assert_eq!(names(&options, &["logs"]), ["logs/a.csv"]);
        assert_eq!(names(&options, &["named"]), ["named/b.csv"]);
        // Links inside the directory lead to what is met anyway.
        let expanded = expand(&arguments(&["logs"]), &options).expect("a directory");
        assert_eq!(expanded.notes, []);
        std::os::unix::fs::symlink(kept.path().join("other"), kept.path().join("logs/other"))
            .expect("linked");
        std::os::unix::fs::symlink("nowhere", kept.path().join("logs/gone.csv")).expect("linked");
        let expanded = expand(&arguments(&["logs"]), &options).expect("a directory");
        let left_out =
            SourceNote::LeftOut { directory: "logs".to_owned(), first: "logs/gone.csv".to_owned(), n: 2 };
        assert_eq!(expanded.notes, [left_out]);
        let follow = ListOptions { follow: true, ..options };
        fs::remove_file(kept.path().join("logs/gone.csv")).expect("it is ours");
        assert_eq!(names(&follow, &["logs"]), ["logs/a.csv", "logs/other/b.csv"]);
    }

    #[test]
    fn of_the_same_content_one_is_read_where_that_is_wanted() {
        let (kept, options) = directory(&["a.csv", "b.csv", "c.csv"]);
        for (name, text) in [("a.csv", "user\nu1\n"), ("b.csv", "user\nu2\n"), ("c.csv", "user\nu1\n")] {
            fs::write(kept.path().join(name), text).expect("written");
        }
        assert_eq!(names(&options, &["*.csv"]), ["a.csv", "b.csv", "c.csv"]);
        let dedupe = ListOptions { dedupe: true, ..options };
        let expanded = expand(&arguments(&["*.csv"]), &dedupe).expect("files");
        assert_eq!(expanded.inputs.len(), 2);
        let copies: Vec<&str> = expanded.copies.iter().map(|copy| copy.name.as_str()).collect();
        assert_eq!(copies, ["c.csv"]);
        let same =
            SourceNote::SameContent { name: "c.csv".to_owned(), first: "a.csv".to_owned(), left_out: true };
        assert_eq!(expanded.notes, [same]);
    }

    #[cfg(unix)]
    #[test]
    fn all_unreadable_files_are_told_at_once() {
        use std::os::unix::fs::PermissionsExt;
        let (kept, options) = directory(&["a.csv", "b.csv", "c.csv"]);
        for name in ["a.csv", "c.csv"] {
            let shut = fs::Permissions::from_mode(0o000);
            fs::set_permissions(kept.path().join(name), shut).expect("the file is ours");
        }
        if File::open(kept.path().join("a.csv")).is_ok() {
            // A super-user reads everything; a link to nowhere is unreadable to all.
            for name in ["a.csv", "c.csv"] {
                let path = kept.path().join(name);
                fs::remove_file(&path).expect("the file is ours");
                std::os::unix::fs::symlink("nowhere", &path).expect("linked");
            }
            let expanded = without_same_files(vec![
                Input::file(kept.path().join("a.csv")),
                Input::file(kept.path().join("c.csv")),
            ]);
            let shut = vec![("shut".to_owned(), "Permission denied".to_owned())];
            let error = refuse_unreadable(&expanded.inputs, shut).expect_err("links to nowhere");
            assert!(matches!(&error, SourceError::Unreadable { files } if files.len() == 3), "{error}");
            return;
        }
        let error = failure(&options, &["."]);
        assert!(matches!(&error, SourceError::Unreadable { files } if files.len() == 2), "{error}");
    }
}
