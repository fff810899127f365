//! O: outputs, process, security.

use crate::case::{Ended, Kind, Run, kind};
use crate::kills::{die_by_signal, old_or_new};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

pub const LOG: &str = "user_id,timestamp,event,country\n\
    u1,2026-01-01T00:00:00Z,view,IL\n\
    u1,2026-01-01T00:10:00Z,cart,IL\n\
    u2,2026-01-01T00:20:00Z,view,DE\n";

/// A report of [`LOG`], in a file or in what form `more` says.
fn report(more: &str) -> Run {
    Run::of(&format!("report a.csv --steps 'view,cart' {more}")).file("a.csv", LOG)
}

/// A run of [`LOG`] that is refused.
pub fn refused(words: &str) -> Run {
    Run::of(words).file("a.csv", LOG).exit(2)
}

pub fn shell(script: &'static str) -> Run {
    Run::shell(script).file("a.csv", LOG)
}

/// A run that is refused as it would write to `input`, which stays as it was. Outputs end in `.csv`, so that any
/// command takes them.
fn spares(words: &str, input: &'static str, text: &'static str) -> Run {
    let run = refused(words).file(input, text).says("an output cannot replace an input");
    run.check(|ended| match read(ended, "kept.csv")?.as_str() {
        KEY_LINE | DEFINITION | "a.csv\n" | LOG => Ok(()),
        other => Err(format!("what was read is now {other:?}")),
    })
}

const KEY_LINE: &str = "a key of sixteen bytes or more\n";
const DEFINITION: &str = "[source]\nfiles = ['a.csv']\n";

/// The list of rejected rows is still the old one.
fn old_rejects_stay(ended: &Ended<'_>) -> Result<(), String> {
    if read(ended, "r.csv")? == "old" { Ok(()) } else { Err("the old list is gone".to_owned()) }
}

/// Everything that lies in the folder of a run, by name.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn expect_names(ended: &Ended<'_>, wanted: &[&str]) -> Result<(), String> {
    let found = names(ended.folder);
    if found == wanted { Ok(()) } else { Err(format!("{found:?} lie there, expected {wanted:?}")) }
}

/// The old output is still there, and nothing beside it.
fn old_stays(ended: &Ended<'_>) -> Result<(), String> {
    if read(ended, "out.json")? != "old" {
        return Err("the old file is gone".to_owned());
    }
    expect_names(ended, &["a.csv", "out.json"])
}

pub fn read(ended: &Ended<'_>, name: &str) -> Result<String, String> {
    std::fs::read_to_string(ended.folder.join(name)).map_err(|error| format!("{name}: {error}"))
}

/// No sign that acts on a terminal, and none that turns text around, in what was printed and said.
fn nothing_acts(ended: &Ended<'_>) -> Result<(), String> {
    for bytes in [&ended.output.stdout, &ended.output.stderr] {
        let text = String::from_utf8_lossy(bytes);
        let acts = |c: char| {
            c.is_control() && !['\n', '\r', '\t'].contains(&c) || ('\u{202a}'..='\u{202e}').contains(&c)
        };
        if let Some(found) = text.chars().find(|c| acts(*c)) {
            return Err(format!("{found:?} is printed as it is"));
        }
    }
    Ok(())
}

/// No line of standard output or error is a command of a service for builds.
fn no_command(ended: &Ended<'_>) -> Result<(), String> {
    for bytes in [&ended.output.stdout, &ended.output.stderr] {
        let text = String::from_utf8_lossy(bytes);
        if text.lines().any(|line| line.trim_start().starts_with("::") || line.contains("##[")) {
            return Err("a line is a command of a service for builds".to_owned());
        }
    }
    Ok(())
}

/// A log with names that act, turn around, calculate, format and command.
fn hostile() -> Vec<u8> {
    let names = [
        "\u{1b}]0;owned\u{7}\u{1b}[2J",
        "\u{9b}31m",
        "a\u{202e}b\u{200b}c",
        "=HYPERLINK(1)",
        "<script>alert(1)</script>",
        "x|`y`<!channel>",
        "::error::gone",
        "##[error]gone",
    ];
    let mut log = String::from("user_id,timestamp,event,country\n");
    for name in names {
        for person in 0..2 {
            let _ = writeln!(log, "{name}{person},2026-01-01T00:0{person}:00Z,view,{name}");
        }
    }
    log.into_bytes()
}

fn hostile_run(words: &str) -> Run {
    Run::of(words).file("a.csv", hostile())
}

fn many_people(folder: &Path) {
    let mut log = String::from("user_id,timestamp,event\n");
    for person in 0..20_000 {
        let _ = writeln!(log, "u{person},2026-01-01T00:00:00Z,view");
    }
    std::fs::write(folder.join("a.csv"), log).expect("written");
}

/// More files than may be open at once.
fn many_files(folder: &Path) {
    for file in 0..300 {
        let log = format!("user_id,timestamp,event\nu{file},2026-01-01T00:00:00Z,view\n");
        std::fs::write(folder.join(format!("{file:03}.csv")), log).expect("written");
    }
}

/// Ids that differ in the middle alone.
fn alike_ids(folder: &Path) {
    let mut log = String::from("user_id,timestamp,event\n");
    for person in 0..8_100_u32 {
        let id = format!("{:a<40}{person:04}{:b<40}", "", "");
        let _ = writeln!(log, "{id},2026-01-01T00:00:00Z,view");
    }
    std::fs::write(folder.join("a.csv"), log).expect("written");
}

/// Runs the same again and compares what is printed.
pub fn again(ended: &Ended<'_>, words: &[&str], key: Option<&str>) -> Result<bool, String> {
    let mut command = crate::case::program();
    command.current_dir(ended.folder).env_remove("DROPOFF_CONFIG").env_remove("DROPOFF_KEY").args(words);
    command.envs(key.map(|key| ("DROPOFF_KEY", key)));
    let output = command.output().map_err(|error| error.to_string())?;
    Ok(output.stdout == ended.output.stdout)
}

pub fn kinds() -> Vec<Kind> {
    let mut kinds = files();
    kinds.extend(process());
    kinds.extend(hostile_text());
    kinds.extend(definition());
    kinds.extend(crate::privacy::kinds());
    kinds.push(mistake());
    kinds
}

fn files() -> Vec<Kind> {
    vec![
        kind(
            "O01",
            "an output that cannot be written, or whose directory is missing",
            "stops before the first byte is read (E-O01), exit code 2; `--mkdir` makes the directory",
        )
        .run(refused("report a.csv --steps view -o none/out.json").says("error[E-O01]").says("--mkdir"))
        .run(refused("report missing.csv --steps view -o none/out.json").says("E-O01"))
        .run(refused("report a.csv --steps view --people none/p.csv").says("E-O01"))
        .run(refused("report a.csv --steps view --rejects a.csv/r.csv").says("E-O01"))
        .run(
            refused("report a.csv --steps view -o out.json -o x.json/")
                .file("out.json", "old")
                .says("error[E-O01]: x.json/: this is no name of a file")
                .check(old_stays),
        )
        .run(
            refused(&format!("report a.csv --steps view -o out.json --people {}.csv", "A".repeat(300)))
                .file("out.json", "old")
                .says("E-O01")
                .check(old_stays),
        )
        .run(report("-o new/dir/out.json --people other/p.csv --mkdir").check(|ended| {
            read(ended, "new/dir/out.json").and_then(|_| read(ended, "other/p.csv")).map(drop)
        })),
        kind(
            "O02",
            "a disk that is full while an output is written",
            "the old file stays, nothing half is left beside it, E-O02, exit code 1; of several outputs all stay: they get \
             their names together, once each is whole on the disk",
        )
        .run(
            shell("trap '' XFSZ; ulimit -f 1; exec \"$DROPOFF\" report a.csv --steps view,cart -o out.json")
                .file("out.json", "old")
                .exit(1)
                .says("error[E-O02]: cannot write out.json")
                .check(old_stays),
        )
        .run(
            shell("trap '' XFSZ; ulimit -f 8; exec \"$DROPOFF\" report a.csv --steps view,cart -o small.txt -o out.json")
                .file("out.json", "old")
                .exit(1)
                .says("error[E-O02]: cannot write out.json")
                .check(old_stays),
        )
        .run(
            shell("exec \"$DROPOFF\" report a.csv --steps view,cart -o out.json -o - > /dev/full")
                .file("out.json", "old")
                .exit(1)
                .says("E-O02")
                .check(old_stays),
        )
        .run(shell("exec \"$DROPOFF\" report a.csv --steps view,cart > /dev/full").exit(1).says("E-O02")),
        kind(
            "O03",
            "an output that exists, or is an input",
            "replaced in one step; what is read is never written to (E-O03), under whatever name, exit code 2: logs, copies \
             that `--dedupe-files` leaves out, the file behind standard input, `@list` files, definition, lists and maps of \
             ids, the key of pseudonyms; a run that ends without a report (exit codes 1 and 2) leaves an older `--rejects`, \
             and with exit code 4 it is written where rows were rejected",
        )
        .run(report("-o out.json").file("out.json", "old").check(|ended| {
            let is_new = read(ended, "out.json")?.starts_with("{\n");
            if is_new { expect_names(ended, &["a.csv", "out.json"]) } else { Err("it is not new".to_owned()) }
        }))
        .run(refused("report a.csv --steps view --rejects a.csv").says("E-O03"))
        .run(
            refused("report a.csv --steps view --people b.csv")
                .prepare(|folder| {
                    std::fs::hard_link(folder.join("a.csv"), folder.join("b.csv")).expect("linked");
                })
                .says("an output cannot replace an input"),
        )
        .run(
            refused("report a.csv --steps view --identity map.csv --people map.csv")
                .file("map.csv", "id,person\nu1,p\n")
                .says("E-O03"),
        )
        .run(refused("report a.csv --steps view -o o.csv --people o.csv").says("E-O03"))
        .run(spares(
            "report a.csv --steps view --anonymize --anonymize-key-file kept.csv -o kept.csv",
            "kept.csv",
            KEY_LINE,
        ))
        .run(spares(
            "report a.csv --steps view --anonymize --anonymize-key-file kept.csv --rejects ./kept.csv",
            "kept.csv",
            KEY_LINE,
        ))
        .run(spares("report --steps view --config kept.csv --people kept.csv", "kept.csv", DEFINITION))
        .run(spares("report @kept.csv --steps view --emit-cohort entered=kept.csv", "kept.csv", "a.csv\n"))
        .run(spares("report a.csv kept.csv --dedupe-files --steps view -o kept.csv", "kept.csv", LOG))
        .run(spares("report - --steps view -o kept.csv", "kept.csv", LOG).through("exec < kept.csv"))
        .run(
            refused("report a.csv --steps view --value price --currency currency --rejects r.csv")
                .file("a.csv", crate::privacy::TWO_CURRENCIES)
                .file("r.csv", "old")
                .says("E-U13")
                .check(old_rejects_stay),
        )
        .run(
            Run::of("report a.csv --steps view --rejects r.csv")
                .file("a.csv", "user_id,timestamp,event\n")
                .file("r.csv", "old")
                .exit(4)
                .check(old_rejects_stay),
        )
        .run(
            Run::of("report a.csv --steps view --rejects r.jsonl")
                .file("a.csv", "user_id,timestamp,event\nu1,soon\n")
                .exit(4)
                .check(|ended| {
                    let rejects = read(ended, "r.jsonl")?;
                    let is_row = rejects.starts_with("{\"file\":\"a.csv\",\"line\":2,") && rejects.contains("\"u1,soon\"");
                    if is_row { Ok(()) } else { Err(rejects) }
                }),
        )
        .run(refused("report a.csv --steps view --rejects r.json").says("no form of a list has this extension")),
        kind(
            "O04",
            "an output that is a link, a pipe, a device or a directory",
            "refused (E-O04), exit code 2; `-o -` and `--format` write to standard output, whatever it is",
        )
        .run(
            refused("report a.csv --steps view -o link.json")
                .prepare(|folder| {
                    std::os::unix::fs::symlink("real.json", folder.join("link.json")).expect("linked");
                })
                .says("error[E-O04]: link.json: a symbolic link"),
        )
        .run(
            refused("report a.csv --steps view -o pipe.json")
                .prepare(|folder| {
                    let made = Command::new("mkfifo").arg(folder.join("pipe.json")).status();
                    assert!(made.is_ok_and(|status| status.success()), "a pipe can be made");
                })
                .says("E-O04"),
        )
        .run(
            refused("report a.csv --steps view --rejects shared.csv")
                .prepare(|folder| {
                    let made = Command::new("mkfifo").arg(folder.join("shared.csv")).status();
                    assert!(made.is_ok_and(|status| status.success()), "a pipe can be made");
                })
                .says("E-O04"),
        )
        .run(
            refused("report a.csv --steps view -o dir.json")
                .prepare(|folder| std::fs::create_dir(folder.join("dir.json")).expect("made"))
                .says("E-O04"),
        )
        .run(report("-o -").prints("dropoff report")),
        kind(
            "O05",
            "names of files made from data, such as `../../etc/x`",
            "no file is ever named by data: there is no `--split-by`, and asking for it is exit code 2",
        )
        .run(refused("report a.csv --steps view --split-by country").says("unexpected argument '--split-by'")),
    ]
}

fn process() -> Vec<Kind> {
    vec![
        kind(
            "O06",
            "a reader of the output that goes away, or a standard output that is closed",
            "no error and no message, exit code 0: what is closed (`>&-`) is `/dev/null`",
        )
        .run(shell("exec \"$DROPOFF\" report a.csv --steps view,cart >&-"))
        .run(
            Run::shell("( \"$DROPOFF\" sessions a.csv; echo \"ended $?\" >&2 ) | head -c 10")
                .prepare(many_people)
                .says("ended 0")
                .check(|ended| match ended.output.stderr.as_slice() {
                    b"ended 0\n" => Ok(()),
                    _ => Err("something is said".to_owned()),
                }),
        ),
        kind(
            "O07",
            "SIGINT, SIGTERM or SIGHUP during a run",
            "the process dies by that signal at once (130, 143 or 129 in a shell), nothing half is left, old files stay",
        )
        .run(report("--format json").check(die_by_signal)),
        kind("O08", "a closed or full standard error", "changes nothing about output and exit code")
            .run(shell("exec \"$DROPOFF\" report a.csv --steps view,cart --progress plain 2>&-").prints("Conversion"))
            .run(shell("exec \"$DROPOFF\" report none.csv --steps view 2>/dev/full").exit(1))
            .run(shell("exec \"$DROPOFF\" report none.csv --steps view 2>&-").exit(1)),
        kind(
            "O09",
            "SIGKILL while outputs are written",
            "each is the old file or the new one, never half, and nothing else is left (Linux; elsewhere `.dropoff-*` \
             may be)",
        )
        .run(report("-o out.json").check(old_or_new)),
        kind(
            "O10",
            "two runs over one state",
            "no run keeps a state: there is no `--state`, and asking for it is exit code 2",
        )
        .run(refused("report a.csv --steps view --state d").says("unexpected argument '--state'")),
        kind(
            "O11",
            "an odd `TZ`, or a clock that jumps",
            "`TZ` is not read: the zone is `--time-zone`, else UTC; one that is not known is E-O11, exit code 2; how long \
             a run took is measured by a clock that does not jump",
        )
        .run(report("--format json").environment("TZ", "No/Where").account(3, 3, 0, 0))
        .run(refused("report a.csv --steps view --time-zone No/Where").says("error[E-O11]")),
        kind(
            "O12",
            "no `HOME`, no environment, few open files, little address space, a directory where nothing can be written",
            "runs; threads that cannot be started are done without. Under `ulimit -v` more waits in temporary files; a process \
             that may have less than the least that a run takes is ended (SIGABRT), and outputs of earlier runs stay",
        )
        .run(shell("exec env -i \"$DROPOFF\" report a.csv --steps view,cart --format json").account(3, 3, 0, 0))
        .run(
            Run::shell("ulimit -n 64; exec \"$DROPOFF\" report '*.csv' --steps view,cart --format json")
                .prepare(many_files)
                .account(300, 300, 0, 0),
        )
        .run(
            shell("ulimit -v 500000; exec \"$DROPOFF\" report a.csv --steps view,cart --threads 2 --format json")
                .account(3, 3, 0, 0),
        )
        .run(
            // No thread has a stack of such a size.
            report("--threads 8 --format json")
                .environment("RUST_MIN_STACK", "1000000000000000")
                .account(3, 3, 0, 0),
        )
        .run(
            shell("here=$PWD; cd /proc && exec \"$DROPOFF\" report \"$here/a.csv\" --steps view,cart --format json")
                .account(3, 3, 0, 0),
        ),
    ]
}

fn hostile_text() -> Vec<Kind> {
    vec![
        kind(
            "O13",
            "escape sequences in the data",
            "on a terminal every form shows them (`\\x1b`), CSV and JSON too, as do errors; files and pipes hold them as \
             they are",
        )
        .run(hostile_run("sessions a.csv").on_terminal().prints("\\x1b]0;owned\\x07\\x1b[2J0").check(nothing_acts))
        .run(hostile_run("sessions a.csv --format jsonl").on_terminal().prints("\\x9b31m").check(nothing_acts))
        .run(
            hostile_run("report a.csv --steps view --by country --format csv")
                .on_terminal()
                .prints("\\x1b]0;owned")
                .check(nothing_acts),
        )
        .run(hostile_run("report a.csv --steps view --by country").prints("\\x1b]0;owned").check(nothing_acts))
        .run(hostile_run("sessions a.csv").prints("\u{1b}]0;owned\u{7}\u{1b}[2J0"))
        .run(Run::of("report 'x\u{1b}(0.csv' --steps view").exit(1).says("x\\x1b(0.csv").check(nothing_acts)),
        kind(
            "O14",
            "signs that turn text around or have no width",
            "shown by name (`‹RLO›`, `‹ZWSP›`) in the table form, in Markdown, in errors, and in all forms on a terminal",
        )
        .run(hostile_run("report a.csv --steps view --by country").prints("a‹RLO›b‹ZWSP›c").check(nothing_acts))
        .run(hostile_run("report a.csv --steps view --by country --format markdown").prints("a‹RLO›b‹ZWSP›c"))
        .run(hostile_run("sessions a.csv").on_terminal().prints("a‹RLO›b‹ZWSP›c0").check(nothing_acts)),
        kind(
            "O15",
            "text that a spreadsheet takes for a formula",
            "gets a leading `'` in CSV and TSV, lists and rejects among them; `--csv-raw` leaves it as it is, for \
             programs; numbers are never touched",
        )
        .run(hostile_run("sessions a.csv").prints("\n'=HYPERLINK(1)0,"))
        .run(hostile_run("sessions a.csv --csv-raw").prints("\n=HYPERLINK(1)0,"))
        .run(hostile_run("report a.csv --steps view --people p.tsv").check(|ended| {
            let people = read(ended, "p.tsv")?;
            if people.contains("\t'=HYPERLINK(1)0\t") { Ok(()) } else { Err(people) }
        }))
        .run(
            Run::of("report a.csv --steps view --rejects r.csv")
                .file("a.csv", "user_id,timestamp,event\nu1,2026-01-01T00:00:00Z,view\n=1+1\n")
                .exit(3)
                .check(|ended| {
                    let rejects = read(ended, "r.csv")?;
                    if rejects.contains(",'=1+1\n") { Ok(()) } else { Err(rejects) }
                }),
        )
        .run(
            Run::of("report a.csv --steps view --rejects r.csv --csv-raw")
                .file("a.csv", "user_id,timestamp,event\nu1,2026-01-01T00:00:00Z,view\n=1+1\n")
                .exit(3)
                .check(|ended| {
                    let rejects = read(ended, "r.csv")?;
                    if rejects.contains(",=1+1\n") { Ok(()) } else { Err(rejects) }
                }),
        ),
        kind(
            "O16",
            "HTML or scripts in names",
            "escaped in Markdown (`&lt;`); there is no HTML form, and asking for it is exit code 2",
        )
        .run(
            hostile_run("report a.csv --steps view --by country --format markdown")
                .prints("&lt;script&gt;alert(1)&lt;/script&gt;"),
        )
        .run(refused("report a.csv --steps view -o x.html").says("no form of output has this extension")),
        kind(
            "O17",
            "names that format, mention or command: `|`, backticks, `<!channel>`, `::error`, `##[`",
            "escaped in Markdown, where `@name` and `#123` are parted by a space of no width, so that nobody is notified \
             where it is pasted; in the table form and in errors no line is a command of a service for builds \
             (`\\x3a:error`); CSV, TSV, JSON and JSONL hold what the data holds: in such a service they go to a file (`-o`)",
        )
        .run(
            Run::of("report a.csv --steps @octo/all,#7 --format markdown")
                .file("a.csv", "user_id,timestamp,event\nu1,2026-01-01T00:00:00Z,@octo/all\nu1,2026-01-01T00:00:01Z,#7\n")
                .prints("| @&#8203;octo/all |")
                .prints("| #&#8203;7 |")
                .check(|ended| {
                    let printed = String::from_utf8_lossy(&ended.output.stdout);
                    let is_parted = !printed.contains("@octo") && !printed.contains("#7");
                    if is_parted { Ok(()) } else { Err(printed.into_owned()) }
                }),
        )
        .run(
            hostile_run("report a.csv --steps view --by country --format markdown")
                .prints("x\\|\\`y\\`&lt;!channel&gt;")
                .check(no_command),
        )
        .run(
            hostile_run("report a.csv --steps view --by country")
                .prints("\\x3a:error::gone")
                .prints("\\x23#[error]gone")
                .check(no_command),
        )
        .run(Run::of("report 'x\n::error::y' --steps view").exit(1).says("\\x3a:error::y").check(no_command)),
        kind(
            "O18",
            "names in labels of Prometheus",
            "there is no such form, and asking for it is exit code 2",
        )
        .run(refused("report a.csv --steps view -o x.prom").says("no form of output has this extension")),
        kind(
            "O19",
            "SQL in names",
            "no SQL is written: there is no command `sql`, and asking for it is exit code 2",
        )
        .run(refused("sql a.csv").says("unrecognized subcommand 'sql'")),
    ]
}

fn definition() -> Vec<Kind> {
    vec![
        kind(
            "O20",
            "patterns that take for ever",
            "there are none: `*` is the only sign of a pattern, and matching takes no longer than pattern times text; \
             patterns of files are compiled within a limit",
        )
        .run(
            shell(
                "exec \"$DROPOFF\" report a.csv --steps view --format json --allow-empty \\
                 --where \"country ~ '*I*I*I*I*I*I*I*I*I*I*I*I*I*I*I*I*I*I*I*I*I*I*I*I*I*I*I*I*I*I*L*'\"",
            )
            .account(3, 0, 0, 3),
        )
        .run(refused("report {a*,b}{a*,b}{a*,b}{a*,b}{a*,b}{a*,b}{a*,b}{a*,b} --steps view").exit(4).says("E-F02")),
        kind(
            "O21",
            "a definition file with an unknown key, a wrong type or a table that stands twice",
            "E-O21 with file, line and column, exit code 2",
        )
        .run(refused("report a.csv --steps view").file("dropoff.toml", "[source]\nusr = 'x'\n").says("toml:2:1"))
        .run(refused("report a.csv --steps view").file("dropoff.toml", "[source]\nuser = 1\n").says("toml:2:8"))
        .run(
            refused("report a.csv --steps view")
                .file("dropoff.toml", "[sessions]\n\n[sessions]\n")
                .says("error[E-O21]")
                .says("toml:3:"),
        ),
        kind(
            "O22",
            "a definition file of a stranger",
            "names columns, questions and files to read, and never an output or a command: such keys are E-O21, exit \
             code 2",
        )
        .run(refused("report a.csv --steps view").file("dropoff.toml", "output = '/tmp/x'\n").says("E-O21"))
        .run(refused("report a.csv --steps view").file("dropoff.toml", "[run]\ncommand = 'id'\n").says("E-O21")),
        kind(
            "O23",
            "ids made to fall into one place of a table",
            "tables are seeded anew in every run, ids are compared byte by byte, and no result depends on either",
        )
        .run(
            Run::of("report a.csv --steps view --format json --reproducible")
                .prepare(alike_ids)
                .account(8_100, 8_100, 0, 0)
                .check(|ended| {
                    let words = ["report", "a.csv", "--steps", "view", "--format", "json", "--reproducible"];
                    let is_same = again(ended, &words, None)?;
                    let persons = ended.json.map(|json| json["body"]["input"]["persons"].clone());
                    match (is_same, persons.and_then(|persons| persons.as_u64())) {
                        (true, Some(8_100)) => Ok(()),
                        other => Err(format!("the same and people: {other:?}")),
                    }
                }),
        ),
    ]
}

fn mistake() -> Kind {
    kind(
            "O26",
            "a mistake of ours",
            "told with its place, the version and the hash of the definition, and how to report it; nothing of the data; \
             exit code 1, and no report",
        )
        .run(report("--format json").account(3, 3, 0, 0).check(|_| {
            let lines = dropoff::cli::fault::lines(Some(("src/x.rs", 7)));
            let wanted = concat!("error: dropoff ", env!("CARGO_PKG_VERSION"), " made a mistake at src/x.rs:7");
            match lines.first().is_some_and(|line| line == wanted) && lines.len() == 3 {
                true => Ok(()),
                false => Err(format!("{lines:?}")),
            }
        }))
}
