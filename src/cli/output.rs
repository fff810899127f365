//! Where results go: standard output, and files that are the old ones or the new ones, never half.

use super::args::{ColorWhen, InputArgs, OutputArgs};
use super::failure::Failure;
use super::input::Found;
use super::reading::reject_sample;
use crate::ingest::FileAccount;
use crate::ingest::plan::ReadPlan;
use crate::render::escape::spreadsheet;
use crate::render::{Format, Style};
use crate::report::table::Block;
use crate::source::{Input, InputKind};
use anyhow::Context;
use jiff::tz::TimeZone;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Forms that only some commands can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Rendered(Format),
    Junit,
}

/// What a command writes where no form was asked for, and whether it has tests to report.
#[derive(Debug, Clone, Copy)]
pub struct Forms {
    pub default: Format,
    pub junit: bool,
}

impl Forms {
    /// A document for people.
    pub const DOCUMENT: Forms = Forms { default: Format::Terminal, junit: false };
    /// Verdicts, for people or as JUnit.
    pub const VERDICTS: Forms = Forms { default: Format::Terminal, junit: true };
    /// Rows for other programs.
    pub const ROWS: Forms = Forms { default: Format::Csv, junit: false };
}

/// A result that can be written in every form.
pub trait Written {
    fn blocks(&self) -> Vec<Block>;
    fn json(&self, out: &mut dyn Write) -> io::Result<()>;
    fn json_lines(&self, out: &mut dyn Write) -> io::Result<()>;
    /// `None` where the command has no tests to report.
    fn junit(&self) -> Option<anyhow::Result<String>> {
        None
    }
}

/// One place to write to, checked before anything is read.
struct Target {
    form: Form,
    place: Place,
}

enum Place {
    Stdout,
    File(PathBuf),
}

/// All places to write to.
pub struct Outputs {
    targets: Vec<Target>,
    style: Style,
    csv_raw: bool,
}

impl Outputs {
    /// Settles forms and tries each target, so that a path that cannot be written is told before
    /// the first byte is read.
    pub fn prepare(
        args: &OutputArgs,
        input_args: &InputArgs,
        found: &Found,
        zone: &TimeZone,
        forms: Forms,
    ) -> Result<Outputs, Failure> {
        let has_junit = forms.junit;
        let inputs: Vec<Input> = found.inputs().into_iter().chain(input_args.cohort_inputs()).collect();
        let inputs = &inputs;
        if let Some(path) = &input_args.rejects {
            if path == Path::new("-") {
                return Err(Failure::usage("--rejects takes a file: standard output is for the result"));
            }
            check_target(path, inputs)?;
        }
        let files: Vec<&PathBuf> = args.output.iter().filter(|path| *path != Path::new("-")).collect();
        refuse_same(&files.into_iter().chain(&input_args.rejects).collect::<Vec<_>>())?;
        let to_terminal = io::stdout().is_terminal();
        let mut targets = Vec::new();
        let format = args.format.as_deref().map(|text| read_form(text, has_junit)).transpose()?;
        if format.is_some() || args.output.is_empty() {
            targets
                .push(Target { form: format.unwrap_or(Form::Rendered(forms.default)), place: Place::Stdout });
        }
        for path in &args.output {
            targets.push(prepare_target(path, inputs, has_junit)?);
        }
        let color = match args.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
        };
        let width = args.width.or_else(|| {
            let (terminal_size::Width(width), _) = terminal_size::terminal_size()?;
            to_terminal.then_some(usize::from(width))
        });
        let style = Style {
            width: width.unwrap_or(80),
            color,
            ascii: args.ascii,
            zone: zone.clone(),
            isolate_bidi: to_terminal,
        };
        Ok(Outputs { targets, style, csv_raw: args.csv_raw })
    }

    /// Writes a result everywhere. A closed pipe is no error.
    pub fn write(self, result: &dyn Written) -> Result<(), Failure> {
        for target in self.targets {
            match target.place {
                Place::Stdout => {
                    let mut out = BufWriter::new(io::stdout().lock());
                    let written = write_form(result, target.form, &self.style, self.csv_raw, &mut out)
                        .and_then(|()| out.flush());
                    match written {
                        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                        written => {
                            written.context("cannot write to standard output").map_err(Failure::failed)?;
                        }
                    }
                }
                Place::File(path) => {
                    let plain = Style { color: false, isolate_bidi: false, width: 100, ..self.style.clone() };
                    write_with(&path, |out| Ok(write_form(result, target.form, &plain, self.csv_raw, out)?))?;
                }
            }
        }
        Ok(())
    }
}

/// Two results in one file would leave only the later one.
pub fn refuse_same(paths: &[&PathBuf]) -> Result<(), Failure> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for (place, path) in paths.iter().enumerate() {
        let is_same = |earlier: &&PathBuf| absolute(earlier) == absolute(path) || is_same_file(earlier, path);
        if paths[..place].iter().any(is_same) {
            return Err(Failure::usage(format!("{}: two outputs cannot go into one file", path.display())));
        }
    }
    Ok(())
}

fn read_form(text: &str, has_junit: bool) -> Result<Form, Failure> {
    if text == "junit" && has_junit {
        return Ok(Form::Junit);
    }
    text.parse().map(Form::Rendered).map_err(|error| Failure::usage(format!("--format: {error}")))
}

fn prepare_target(path: &Path, inputs: &[Input], has_junit: bool) -> Result<Target, Failure> {
    if path == Path::new("-") {
        return Ok(Target { form: Form::Rendered(Format::Terminal), place: Place::Stdout });
    }
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    let form = match Format::from_extension(extension) {
        Some(format) => Form::Rendered(format),
        None if extension == "xml" && has_junit => Form::Junit,
        None => {
            let failure = Failure::usage(format!("{}: no form of output has this extension", path.display()));
            return Err(failure.hint("use .json, .jsonl, .csv, .tsv, .md or .txt"));
        }
    };
    check_target(path, inputs)?;
    Ok(Target { form, place: Place::File(path.to_owned()) })
}

/// Tells whether a file can be written there, without leaving anything.
pub fn check_target(path: &Path, inputs: &[Input]) -> Result<(), Failure> {
    for input in inputs {
        if let InputKind::File(input) = &input.kind
            && is_same_file(input, path)
        {
            return Err(Failure::usage(format!("{}: an output cannot replace an input", path.display())));
        }
    }
    if path.exists() && !path.is_file() {
        let failure = Failure::usage(format!("{}: not a regular file", path.display()));
        return Err(failure.hint("use -o - or --format to write to a pipe"));
    }
    // The name of the temporary file, which the error carries, says nothing to anyone.
    temporary_beside(path).map(drop).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::usage(format!("{}: there is no such directory to write to", path.display()))
        }
        kind => Failure::usage(format!("{}: cannot be written: {kind}", path.display())),
    })
}

/// A new file in the directory of `path`, so that renaming it to `path` is one step.
fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    NamedTempFile::with_prefix_in(".dropoff-", directory).map_err(|error| {
        // The error names the temporary file as well, which nobody asked for.
        let text = error.to_string();
        let cause = text.rsplit_once(" at path ").map_or(text.as_str(), |(cause, _)| cause);
        io::Error::new(error.kind(), cause)
    })
}

#[cfg(unix)]
fn is_same_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (a.metadata(), b.metadata()) {
        (Ok(a), Ok(b)) => a.dev() == b.dev() && a.ino() == b.ino(),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

fn write_form(
    result: &dyn Written,
    form: Form,
    style: &Style,
    csv_raw: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    match form {
        Form::Rendered(Format::Json) => result.json(out),
        Form::Rendered(Format::Jsonl) => result.json_lines(out),
        Form::Rendered(format) => match format.renderer(style, csv_raw) {
            Some(renderer) => renderer.document(&result.blocks(), out),
            None => Err(io::Error::other("this form is not for documents")),
        },
        Form::Junit => match result.junit() {
            Some(junit) => out.write_all(junit.map_err(io::Error::other)?.as_bytes()),
            None => Err(io::Error::other("this command has no JUnit form")),
        },
    }
}

/// Writes a file as a whole: the old one or the new one.
pub fn write_with(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
) -> Result<(), Failure> {
    let written = || -> anyhow::Result<()> {
        let mut out = BufWriter::new(temporary_beside(path)?);
        write(&mut out)?;
        persist(out.into_inner().map_err(io::IntoInnerError::into_error)?, path)
    };
    written().with_context(|| format!("cannot write {}", path.display())).map_err(Failure::failed)
}

/// Makes a finished temporary file the target, with the permissions that a new file has.
fn persist(temporary: NamedTempFile, path: &Path) -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = path.metadata().map_or(0o644, |metadata| metadata.permissions().mode() & 0o777);
        temporary.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(path)?;
    Ok(())
}

/// A text file that is written at once.
pub fn write_text(path: &Path, text: &str) -> Result<(), Failure> {
    write_with(path, |out| Ok(out.write_all(text.as_bytes())?))
}

/// Writes every kept reject as CSV: where it stands, why, and what it says.
pub fn write_rejects(path: &Path, files: &[FileAccount], reading: &ReadPlan) -> Result<(), Failure> {
    write_with(path, |out| {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(["file", "line", "byte", "column", "code", "message", "excerpt"])?;
        for file in files {
            for placed in &file.read.rejects {
                let sample = reject_sample(file, placed, reading);
                let byte = sample.byte.map_or(String::new(), |byte| byte.to_string());
                writer.write_record([
                    &sample.file,
                    &sample.line.to_string(),
                    &byte,
                    sample.column.as_deref().unwrap_or(""),
                    &sample.code,
                    &sample.message,
                    &spreadsheet(&sample.excerpt),
                ])?;
            }
        }
        Ok(writer.flush()?)
    })
}
