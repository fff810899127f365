//! What a kind of bad input is, and the runs that show what the program does with it.

use crate::terminal;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// One kind of bad input.
pub struct Kind {
    /// Permanent: a letter for the family, and a number.
    pub id: &'static str,
    /// What is wrong with it, in a few words.
    pub input: &'static str,
    /// What the program does, codes and exit code named.
    pub promise: &'static str,
    pub runs: Vec<Run>,
}

/// A kind of bad input without runs yet.
pub fn kind(id: &'static str, input: &'static str, promise: &'static str) -> Kind {
    Kind { id, input, promise, runs: Vec::new() }
}

impl Kind {
    /// One more run that shows it.
    pub fn run(mut self, run: Run) -> Kind {
        self.runs.push(run);
        self
    }
}

/// How a run ended, for what no declaration says.
pub struct Ended<'r> {
    pub folder: &'r Path,
    pub output: &'r Output,
    /// Standard output, where it is JSON.
    pub json: Option<&'r Value>,
}

/// A check of what no declaration says: what is wrong, or nothing.
pub type Check = fn(&Ended<'_>) -> Result<(), String>;

/// One run of the program over files of its own, and what is expected of it.
pub struct Run {
    files: Vec<(String, Vec<u8>)>,
    prepare: Option<fn(&Path)>,
    arguments: Vec<String>,
    /// What a shell does instead, where one is needed.
    script: Option<String>,
    /// Standard output is a terminal.
    on_terminal: bool,
    environment: Vec<(&'static str, &'static str)>,
    stdin: Option<Vec<u8>>,
    exit: i32,
    /// Records read, used, rejected, filtered.
    account: Option<[u64; 4]>,
    rejects: BTreeMap<&'static str, u64>,
    warnings: Vec<(&'static str, u64)>,
    /// Texts of standard error.
    says: Vec<&'static str>,
    /// Texts of standard output.
    prints: Vec<&'static str>,
    /// Values of the JSON on standard output, by their pointers.
    values: Vec<(&'static str, &'static str)>,
    /// Texts in the notes of the run.
    notes: Vec<&'static str>,
    places: Vec<RejectAt>,
    check: Option<Check>,
}

/// Where a rejected record is said to stand: its code, line, byte and column.
type RejectAt = (&'static str, u64, Option<u64>, Option<&'static str>);

impl Run {
    /// `dropoff` with these words, separated by blanks (`'...'` keeps blanks), in a folder with no file yet.
    /// The exit code expected is 0.
    pub fn of(words: &str) -> Run {
        Run {
            files: Vec::new(),
            prepare: None,
            arguments: split(words),
            script: None,
            on_terminal: false,
            environment: Vec::new(),
            stdin: None,
            exit: 0,
            account: None,
            rejects: BTreeMap::new(),
            warnings: Vec::new(),
            says: Vec::new(),
            prints: Vec::new(),
            values: Vec::new(),
            notes: Vec::new(),
            places: Vec::new(),
            check: None,
        }
    }

    /// What a shell does, in a folder with no file yet; it finds the program in `$DROPOFF`.
    pub fn shell(script: &'static str) -> Run {
        Run { script: Some(script.to_owned()), ..Run::of("") }
    }

    /// Standard output is a terminal; what it shows ends its lines with a carriage return.
    pub fn on_terminal(mut self) -> Run {
        self.on_terminal = true;
        self
    }

    /// A report in JSON of a file `name` with these bytes, over the steps view and cart.
    pub fn report(name: &str, bytes: impl Into<Vec<u8>>, more: &str) -> Run {
        Run::of(&format!("report {name} --steps 'view,cart' --format json {more}")).file(name, bytes)
    }

    pub fn file(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Run {
        self.files.push((name.to_owned(), bytes.into()));
        self
    }

    /// What files alone do not make: links, permissions, pipes. Runs before the program, in its folder.
    pub fn prepare(mut self, prepare: fn(&Path)) -> Run {
        self.prepare = Some(prepare);
        self
    }

    pub fn environment(mut self, name: &'static str, value: &'static str) -> Run {
        self.environment.push((name, value));
        self
    }

    /// The program is started by a shell, after this: limits, redirections.
    pub fn through(mut self, shell: &'static str) -> Run {
        self.script = Some(format!("{shell}; exec \"$DROPOFF\" \"$@\""));
        self
    }

    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Run {
        self.stdin = Some(bytes.into());
        self
    }

    pub fn exit(mut self, code: i32) -> Run {
        self.exit = code;
        self
    }

    /// Records read, used, rejected and filtered, in the JSON of a report.
    pub fn account(mut self, read: u64, used: u64, rejected: u64, filtered: u64) -> Run {
        self.account = Some([read, used, rejected, filtered]);
        self
    }

    /// So many rejects of a code, and none of a code that is not named; in the JSON of a report.
    pub fn rejects(mut self, code: &'static str, n: u64) -> Run {
        self.rejects.insert(code, n);
        self
    }

    /// A warning with its count, of the run or of the body; in the JSON of a report.
    pub fn warns(mut self, code: &'static str, n: u64) -> Run {
        self.warnings.push((code, n));
        self
    }

    /// A text that standard error holds.
    pub fn says(mut self, text: &'static str) -> Run {
        self.says.push(text);
        self
    }

    /// A text that standard output holds.
    pub fn prints(mut self, text: &'static str) -> Run {
        self.prints.push(text);
        self
    }

    /// The value at a pointer in the JSON of a report, as JSON.
    pub fn is(mut self, pointer: &'static str, value: &'static str) -> Run {
        self.values.push((pointer, value));
        self
    }

    /// A text that one of the notes of the run holds.
    pub fn notes(mut self, text: &'static str) -> Run {
        self.notes.push(text);
        self
    }

    /// A reject is shown with this code, and stands there.
    pub fn reject_at(
        mut self,
        code: &'static str,
        line: u64,
        byte: Option<u64>,
        column: Option<&'static str>,
    ) -> Run {
        // What is said of a code again goes before.
        self.places.retain(|place| place.0 != code);
        self.places.push((code, line, byte, column));
        self
    }

    pub fn check(mut self, check: Check) -> Run {
        self.check = Some(check);
        self
    }

    /// Writes what the run reads.
    pub fn write(&self, folder: &Path) {
        for (name, bytes) in &self.files {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().expect("below a folder")).expect("a folder can be made");
            std::fs::write(path, bytes).expect("a file can be written");
        }
        if let Some(prepare) = self.prepare {
            prepare(folder);
        }
    }

    /// Everything that is not as expected.
    pub fn faults(&self, folder: &Path) -> Vec<String> {
        self.write(folder);
        let output = self.output(folder);
        let said = String::from_utf8_lossy(&output.stderr);
        let printed = String::from_utf8_lossy(&output.stdout);
        let json: Option<Value> = serde_json::from_slice(&output.stdout).ok();
        let mut faults = Vec::new();
        if output.status.code() != Some(self.exit) {
            faults.push(format!("ended with {}, expected {}", output.status, self.exit));
        }
        faults.extend(
            self.says
                .iter()
                .filter(|text| !said.contains(**text))
                .map(|text| format!("does not say {text:?}")),
        );
        faults.extend(
            self.prints
                .iter()
                .filter(|text| !printed.contains(**text))
                .map(|text| format!("does not print {text:?}")),
        );
        if said.contains("made a mistake") {
            faults.push("panicked".to_owned());
        }
        faults.extend(self.counts_at_fault(json.as_ref()));
        faults.extend(self.values_at_fault(json.as_ref().unwrap_or(&Value::Null)));
        if let Some(check) = self.check {
            let ended = Ended { folder, output: &output, json: json.as_ref() };
            faults.extend(check(&ended).err());
        }
        if !faults.is_empty() {
            let script = self.script.as_deref().unwrap_or_default();
            faults.push(format!("{script} dropoff {}\n{said}\n{printed:.800}", self.arguments.join(" ")));
        }
        faults
    }

    fn counts_at_fault(&self, json: Option<&Value>) -> Vec<String> {
        if self.account.is_none() && self.rejects.is_empty() && self.warnings.is_empty() {
            return Vec::new();
        }
        let Some(json) = json else { return vec!["no JSON on standard output".to_owned()] };
        let mut faults = Vec::new();
        let input = &json["body"]["input"];
        if let Some(expected) = self.account {
            let names = ["read", "used", "rejected", "filtered"];
            let found = names.map(|name| input["rows"][name].as_u64().unwrap_or(u64::MAX));
            if found != expected {
                faults.push(format!("rows {names:?} are {found:?}, expected {expected:?}"));
            }
            let by_code = input["rejects"].as_object().into_iter().flatten();
            let by_code: BTreeMap<&str, u64> = by_code
                .filter_map(|(code, n)| Some((code.as_str(), n.as_u64().filter(|n| *n > 0)?)))
                .collect();
            if by_code != self.rejects {
                faults.push(format!("rejects are {by_code:?}, expected {:?}", self.rejects));
            }
        }
        let warnings = [&json["run"]["warnings"], &json["body"]["warnings"]];
        let warnings: Vec<&Value> = warnings.into_iter().filter_map(Value::as_array).flatten().collect();
        for (code, n) in &self.warnings {
            if !warnings.iter().any(|warning| warning["code"] == *code && warning["n"] == *n) {
                faults.push(format!("no warning {code} with n = {n} in {warnings:?}"));
            }
        }
        faults
    }

    fn values_at_fault(&self, json: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        for (pointer, expected) in &self.values {
            let found = json.pointer(pointer).map(Value::to_string).unwrap_or_default();
            if found != *expected {
                faults.push(format!("{pointer} is {found}, expected {expected}"));
            }
        }
        let notes = json["run"]["notes"].to_string();
        let texts = self.notes.iter().map(|text| (text, Value::from(*text).to_string()));
        let missing = texts.filter(|(_, quoted)| !notes.contains(quoted.trim_matches('"')));
        faults.extend(missing.map(|(text, _)| format!("no note {text:?} in {notes}")));
        let samples = json["run"]["reject_samples"].as_array().map_or(&[][..], Vec::as_slice);
        for (code, line, byte, column) in &self.places {
            let is_there = |sample: &Value| {
                sample["code"] == *code
                    && sample["line"] == *line
                    && sample["byte"].as_u64() == *byte
                    && sample["column"].as_str() == *column
            };
            if !samples.iter().any(is_there) {
                faults.push(format!(
                    "no {code} on line {line}, byte {byte:?}, column {column:?} in {samples:?}"
                ));
            }
        }
        faults
    }

    fn output(&self, folder: &Path) -> Output {
        let mut command = match &self.script {
            None => program(),
            Some(script) => {
                let mut shell = Command::new("bash");
                shell.args(["-c", script, "bash"]).env("DROPOFF", PROGRAM);
                shell
            }
        };
        command.current_dir(folder).env_remove("DROPOFF_CONFIG").env("TZ", "UTC").args(&self.arguments);
        command.envs(self.environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        if self.on_terminal {
            return terminal::output(command);
        }
        let mut child = command.spawn().expect("the program starts");
        let writer = child.stdin.take().zip(self.stdin.clone()).map(|(mut pipe, bytes)| {
            std::thread::spawn(move || {
                use std::io::Write;
                // The program may end before it has read everything.
                let _ = pipe.write_all(&bytes);
            })
        });
        let output = child.wait_with_output().expect("the program ends");
        if let Some(writer) = writer {
            writer.join().expect("the input is written");
        }
        output
    }
}

/// The built program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_dropoff");

/// A command that runs it.
pub fn program() -> Command {
    Command::new(PROGRAM)
}

/// Words as a shell would split them, where `'...'` keeps blanks.
fn split(words: &str) -> Vec<String> {
    let mut split = Vec::new();
    for (part, text) in words.split('\'').enumerate() {
        if part % 2 == 1 {
            split.push(text.to_owned());
        } else {
            split.extend(text.split_whitespace().map(str::to_owned));
        }
    }
    split
}

/// What a family of kinds is about, and its kinds in order.
pub struct Family {
    pub letter: char,
    pub title: &'static str,
    /// How many kinds the family has when it is complete.
    pub size: usize,
    pub kinds: Vec<Kind>,
}

/// Runs one kind in folders of its own; what is not as expected, run by run.
pub fn faults_of(kind: &Kind, scratch: &Path) -> Vec<String> {
    let folder = |place: usize| -> PathBuf {
        let folder = scratch.join(format!("{}-{place}", kind.id));
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        folder
    };
    kind.runs.iter().enumerate().flat_map(|(place, run)| run.faults(&folder(place))).collect()
}
