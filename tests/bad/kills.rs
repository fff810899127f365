//! Runs that are killed, by a signal that a program could catch or by one that it cannot.

use crate::case::{Ended, program};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How often a run is killed; `DROPOFF_KILLS` says another number.
const ROUNDS: u64 = 25;

fn send(child: &Child, signal: &str) -> Result<(), String> {
    let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {}", child.id())]).status();
    match sent.is_ok_and(|status| status.success()) {
        true => Ok(()),
        false => Err(format!("{signal} cannot be sent")),
    }
}

/// Each signal ends a run that waits for its input, at once and as itself.
pub fn die_by_signal(ended: &Ended<'_>) -> Result<(), String> {
    for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        std::fs::write(ended.folder.join("out.json"), "old").map_err(|error| error.to_string())?;
        let mut command = program();
        command.current_dir(ended.folder).args(["report", "-", "--steps", "view,cart", "-o", "out.json"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        std::thread::sleep(Duration::from_millis(100));
        send(&child, signal)?;
        let status = child.wait().map_err(|error| error.to_string())?;
        if status.signal() != Some(number) {
            return Err(format!("SIG{signal} ends it with {status}"));
        }
        whole(ended.folder, &["old"], "out.json")?;
        nothing_beside(ended.folder, &["a.csv", "out.json"])?;
    }
    Ok(())
}

/// Kills runs at moments that are spread over all of a run; each output is then the old file or the new one.
pub fn old_or_new(ended: &Ended<'_>) -> Result<(), String> {
    let folder = ended.folder;
    let mut log = String::from("user_id,timestamp,event\n");
    for person in 0..60_000 {
        let _ = writeln!(log, "person-{person:08},2026-01-01T00:00:00Z,view");
    }
    std::fs::write(folder.join("b.csv"), log).map_err(|error| error.to_string())?;
    let command = || {
        let mut command = program();
        command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
        command.args(["report", "b.csv", "--steps", "view,cart", "--reproducible"]);
        command.args(["-o", "out.json", "-o", "out.csv", "--people", "people.csv"]);
        command
    };
    let outputs = ["out.csv", "out.json", "people.csv"];
    let started = Instant::now();
    if !command().status().is_ok_and(|status| status.success()) {
        return Err("it does not run".to_owned());
    }
    let whole_run = started.elapsed();
    let read =
        |name: &&str| std::fs::read_to_string(folder.join(name)).map_err(|error| format!("{name}: {error}"));
    let new: Vec<String> = outputs.iter().map(read).collect::<Result<_, _>>()?;
    let rounds = std::env::var("DROPOFF_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..rounds {
        for name in outputs {
            std::fs::write(folder.join(name), "old").map_err(|error| error.to_string())?;
        }
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let share = (state >> 40) as f64 / f64::from(1 << 24);
        let mut child = command().spawn().map_err(|error| error.to_string())?;
        std::thread::sleep(whole_run.mul_f64(share * 1.1));
        child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
        for (name, new) in outputs.iter().zip(&new) {
            whole(folder, &["old", new], name)?;
        }
        nothing_beside(folder, &["a.csv", "b.csv", "out.csv", "out.json", "people.csv"])?;
    }
    Ok(())
}

fn whole(folder: &Path, wanted: &[&str], name: &str) -> Result<(), String> {
    let found = std::fs::read_to_string(folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
    match wanted.contains(&found.as_str()) {
        true => Ok(()),
        false => Err(format!("{name} is neither the old nor the new file: {} bytes", found.len())),
    }
}

/// Where files without a name exist, a killed run leaves none.
fn nothing_beside(folder: &Path, wanted: &[&str]) -> Result<(), String> {
    let entries = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
    let found: BTreeSet<String> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|name| cfg!(target_os = "linux") || !name.starts_with(".dropoff-"))
        .collect();
    match found.iter().all(|name| wanted.contains(&name.as_str())) {
        true => Ok(()),
        false => Err(format!("{found:?} lie there, expected {wanted:?}")),
    }
}
