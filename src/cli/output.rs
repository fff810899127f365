//! Where results go, and in which form: standard output, and files (`target`).

use super::args::{ColorWhen, InputArgs, OutputArgs};
use super::failure::Failure;
use super::input::Found;
use super::reading::{Account, reject_sample};
use super::run::Start;
use super::target::{Staged, check_targets, refuse_inputs};
use crate::ingest::FileAccount;
use crate::ingest::plan::ReadPlan;
use crate::render::escape::VisibleWriter;
use crate::render::rows::RowForm;
use crate::render::{Format, Style};
use crate::report::RejectSample;
use crate::report::table::{Block, Cell, Kind, RowColumn};
use anyhow::Context;
use jiff::tz::TimeZone;
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

/// All places to write to, and what is written for them so far: no file is replaced before all are whole.
pub struct Outputs {
    targets: Vec<Target>,
    /// Where rejected rows go.
    rejects: Option<(PathBuf, RowForm)>,
    staged: Staged,
    /// Every file that the run writes, lists beside the result among them.
    files: Vec<PathBuf>,
    style: Style,
    csv_raw: bool,
    reproducible: bool,
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
        let rejects = input_args.rejects.as_ref();
        let with_form = |path: &PathBuf| Ok::<_, Failure>((path.clone(), row_form("--rejects", path)?));
        let rejects = rejects.map(with_form).transpose()?;
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
        Ok(Outputs {
            targets,
            rejects,
            staged: Staged::default(),
            files,
            style,
            csv_raw: args.csv_raw,
            reproducible: args.reproducible,
            to_terminal,
        })
    }

    /// Nothing that is read is written to.
    pub fn refuse_inputs(&self, found: &Found, args: &InputArgs, start: &Start) -> Result<(), Failure> {
        refuse_inputs(&self.files, &start.inputs(args, found))
    }

    /// The result holds nothing of the run that made it.
    pub fn is_reproducible(&self) -> bool {
        self.reproducible
    }

    /// Writes a list that stands beside the result. It gets its name together with all other files.
    pub fn stage(
        &mut self,
        path: &Path,
        write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
    ) -> Result<(), Failure> {
        self.staged.write(path, write)
    }

    /// Writes every kept reject, where they were asked for: where it stands, why, and what it says unless that
    /// is hidden. Texts are guarded against being formulas, unless they are wanted raw.
    pub fn stage_rejects(
        &mut self,
        files: &[FileAccount],
        reading: &ReadPlan,
        hides_text: bool,
    ) -> Result<(), Failure> {
        let Some((path, form)) = &self.rejects else { return Ok(()) };
        self.staged.write(path, |out| {
            let mut writer = form.writer(&reject_columns(), self.csv_raw, out)?;
            for file in files {
                for placed in &file.read.rejects {
                    writer.row(&reject_cells(reject_sample(file, placed, reading, hides_text)))?;
                }
            }
            Ok(writer.finish()?)
        })
    }

    /// Ends a run that has no row to use: of what was asked for, only the rejected rows are written, which are
    /// why.
    pub fn require_rows(self, account: &Account, args: &InputArgs) -> Result<Outputs, Failure> {
        match account.require_rows(args) {
            Ok(()) => Ok(self),
            Err(failure) if account.has_rejects() => self.staged.put().and(Err(failure)),
            Err(failure) => Err(failure),
        }
    }

    /// Writes a result everywhere: first all files, then what is printed, and only then files get their names.
    /// A closed pipe is no error.
    pub fn write(mut self, result: &dyn Written) -> Result<(), Failure> {
        let plain = Style { color: false, isolate_bidi: false, width: 100, ..self.style.clone() };
        for target in &self.targets {
            if let Place::File(path) = &target.place {
                self.staged
                    .write(path, |out| Ok(write_form(result, target.form, &plain, self.csv_raw, out)?))?;
            }
        }
        for target in self.targets.iter().filter(|target| matches!(target.place, Place::Stdout)) {
            self.print(result, target.form)?;
        }
        self.staged.put()
    }

    fn print(&self, result: &dyn Written, form: Form) -> Result<(), Failure> {
        let mut out = BufWriter::new(io::stdout().lock());
        let write = |out: &mut dyn Write| write_form(result, form, &self.style, self.csv_raw, out);
        let is_safe = !self.to_terminal || form == Form::Rendered(Format::Terminal);
        let written = if is_safe {
            write(&mut out).and_then(|()| out.flush())
        } else {
            let mut shown = VisibleWriter::new(out, self.style.ascii);
            write(&mut shown).and_then(|()| shown.finish())
        };
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => {
                let failed = |error| Failure::failed(error).code(Some("E-O02"));
                written.context("cannot write to standard output").map_err(failed)
            }
        }
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

/// The form of a list that goes to a file, by the end of its name.
pub fn row_form(option: &str, path: &Path) -> Result<RowForm, Failure> {
    if path == Path::new("-") {
        return Err(Failure::usage(format!("{option} takes a file: standard output is for the result")));
    }
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    RowForm::from_extension(extension).ok_or_else(|| {
        Failure::usage(format!("{option}: {}: no form of a list has this extension", path.display()))
            .hint("use .csv, .tsv, .jsonl or .parquet")
    })
}

fn reject_columns() -> Vec<RowColumn> {
    let columns = [
        ("file", Kind::Text),
        ("line", Kind::Count),
        ("byte", Kind::Count),
        ("column", Kind::Text),
        ("code", Kind::Text),
        ("message", Kind::Text),
        ("excerpt", Kind::Text),
    ];
    columns.map(|(name, kind)| RowColumn::new(name, kind)).to_vec()
}

fn reject_cells(sample: RejectSample) -> [Cell; 7] {
    [
        Cell::Text(sample.file),
        Cell::Count(sample.line),
        sample.byte.map_or(Cell::Missing, Cell::Count),
        sample.column.map_or(Cell::Missing, Cell::Text),
        Cell::Text(sample.code),
        Cell::Text(sample.message),
        Cell::Text(sample.excerpt),
    ]
}
