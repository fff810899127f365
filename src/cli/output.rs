//! Where results go, and in which form: standard output, and files (`target`).

use super::args::{ColorWhen, InputArgs, OutputArgs};
use super::failure::Failure;
use super::input::Found;
use super::plan::InputPlan;
use super::reading::reject_sample;
use super::target::{check_targets, refuse_inputs, write_with};
use crate::ingest::FileAccount;
use crate::ingest::plan::ReadPlan;
use crate::render::escape::{VisibleWriter, spreadsheet};
use crate::render::{Format, Style};
use crate::report::table::Block;
use crate::source::Input;
use anyhow::Context;
use jiff::tz::TimeZone;
use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

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
    /// Every file that the run writes, lists beside the result among them.
    files: Vec<PathBuf>,
    style: Style,
    csv_raw: bool,
    /// Standard output is a terminal.
    to_terminal: bool,
}

impl Outputs {
    /// Settles forms and tries each file, so that a path that cannot be written is told before
    /// the first byte is read. `beside` are files that are written beside the result.
    pub fn prepare(
        args: &OutputArgs,
        input_args: &InputArgs,
        beside: Vec<PathBuf>,
        zone: &TimeZone,
        forms: Forms,
    ) -> Result<Outputs, Failure> {
        if input_args.rejects.as_deref() == Some(Path::new("-")) {
            return Err(Failure::usage("--rejects takes a file: standard output is for the result"));
        }
        let format = args.format.as_deref().map(|text| read_form(text, forms.junit)).transpose()?;
        let mut targets = Vec::new();
        if format.is_some() || args.output.is_empty() {
            targets
                .push(Target { form: format.unwrap_or(Form::Rendered(forms.default)), place: Place::Stdout });
        }
        for path in &args.output {
            targets.push(target(path, forms.junit)?);
        }
        let named = args.output.iter().filter(|path| *path != Path::new("-"));
        let files: Vec<PathBuf> = named.chain(&input_args.rejects).cloned().chain(beside).collect();
        check_targets(&files, args.mkdir)?;
        let to_terminal = io::stdout().is_terminal();
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
        Ok(Outputs { targets, files, style, csv_raw: args.csv_raw, to_terminal })
    }

    /// Nothing that is read is written to.
    pub fn refuse_inputs(&self, found: &Found, args: &InputArgs, plan: &InputPlan) -> Result<(), Failure> {
        let map = plan.identity.map.iter().map(Input::file);
        let inputs: Vec<Input> = found.inputs().into_iter().chain(args.cohort_inputs()).chain(map).collect();
        refuse_inputs(&self.files, &inputs)
    }

    /// Writes a result everywhere. A closed pipe is no error.
    pub fn write(self, result: &dyn Written) -> Result<(), Failure> {
        for target in self.targets {
            match target.place {
                Place::Stdout => {
                    let mut out = BufWriter::new(io::stdout().lock());
                    let write =
                        |out: &mut dyn Write| write_form(result, target.form, &self.style, self.csv_raw, out);
                    let is_safe = !self.to_terminal || target.form == Form::Rendered(Format::Terminal);
                    let written = if is_safe {
                        write(&mut out).and_then(|()| out.flush())
                    } else {
                        let mut shown = VisibleWriter::new(out, self.style.ascii);
                        write(&mut shown).and_then(|()| shown.finish())
                    };
                    match written {
                        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                        written => {
                            let failed = |error| Failure::failed(error).code(Some("E-O02"));
                            written.context("cannot write to standard output").map_err(failed)?;
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

fn read_form(text: &str, has_junit: bool) -> Result<Form, Failure> {
    if text == "junit" && has_junit {
        return Ok(Form::Junit);
    }
    text.parse().map(Form::Rendered).map_err(|error| Failure::usage(format!("--format: {error}")))
}

fn target(path: &Path, has_junit: bool) -> Result<Target, Failure> {
    if path == Path::new("-") {
        return Ok(Target { form: Form::Rendered(Format::Terminal), place: Place::Stdout });
    }
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    let form = match Format::from_extension(extension) {
        Some(format) => Form::Rendered(format),
        None if extension == "xml" && has_junit => Form::Junit,
        None => {
            let failure = Failure::usage(format!("{}: no form of output has this extension", path.display()));
            let junit = if has_junit { ", .xml" } else { "" };
            return Err(failure.hint(format!("use .json, .jsonl, .csv, .tsv, .md{junit} or .txt")));
        }
    };
    Ok(Target { form, place: Place::File(path.to_owned()) })
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

/// Writes every kept reject as CSV: where it stands, why, and what it says unless that is hidden. Texts are
/// guarded against being formulas, unless they are wanted raw.
pub fn write_rejects(
    path: &Path,
    files: &[FileAccount],
    reading: &ReadPlan,
    hides_text: bool,
    csv_raw: bool,
) -> Result<(), Failure> {
    write_with(path, |out| {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(["file", "line", "byte", "column", "code", "message", "excerpt"])?;
        for file in files {
            for placed in &file.read.rejects {
                let sample = reject_sample(file, placed, reading, hides_text);
                let byte = sample.byte.map_or(String::new(), |byte| byte.to_string());
                writer.write_record([
                    &*csv_text(&sample.file, csv_raw),
                    &sample.line.to_string(),
                    &byte,
                    &csv_text(sample.column.as_deref().unwrap_or(""), csv_raw),
                    &sample.code,
                    &csv_text(&sample.message, csv_raw),
                    &csv_text(&sample.excerpt, csv_raw),
                ])?;
            }
        }
        Ok(writer.flush()?)
    })
}

fn csv_text(text: &str, is_raw: bool) -> Cow<'_, str> {
    if is_raw { Cow::Borrowed(text) } else { spreadsheet(text) }
}
