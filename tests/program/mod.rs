//! The built program, given a definition file and a log, for tests that want what it answers.

use serde_json::Value;
use std::process::Command;

/// What the program answers in JSON: `arguments` begin with a command, the log is `log.csv` and the
/// definition file is found beside it. A run that fails is a failed test.
pub fn answer(definition: &str, log: &str, arguments: &[&str]) -> Value {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the folder of tests is writable");
    for (name, text) in [("dropoff.toml", definition), ("log.csv", log)] {
        std::fs::write(folder.path().join(name), text).expect("the folder of tests is writable");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_dropoff"))
        .current_dir(folder.path())
        .env_remove("DROPOFF_CONFIG")
        .args(arguments)
        .args(["log.csv", "--format", "json", "--threads", "1"])
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "dropoff {}\n{definition}\n{log}\n{said}", arguments.join(" "));
    serde_json::from_slice(&output.stdout).expect("JSON")
}
