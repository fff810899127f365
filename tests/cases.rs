//! The program as its users meet it: what it prints, writes and ends with.
//!
//! A case is one `.trycmd` file (or one `.toml`, where standard input is needed) in `cases`, its
//! inputs in the folder of the same name that ends in `.in`, the files it must write in the one
//! that ends in `.out`. `cases/README.md` says how to add one.

use std::process::Command;

/// Settings of the person or the machine that would change what is printed.
fn disturbs(name: &str) -> bool {
    let known = ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM", "COLUMNS", "LINES", "RUST_BACKTRACE"];
    known.contains(&name) || name.starts_with("DROPOFF_")
}

#[test]
fn cases() {
    let disturbing: Vec<String> = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| disturbs(name))
        .collect();
    if !disturbing.is_empty() {
        // Cases inherit our environment, and a process cannot safely change its own: once more
        // without those settings.
        let mut again = Command::new(std::env::current_exe().expect("this test is a file"));
        again.args(std::env::args_os().skip(1));
        for name in &disturbing {
            again.env_remove(name);
        }
        let status = again.status().expect("this test starts again");
        assert!(status.success(), "cases differ: see above");
        return;
    }
    trycmd::TestCases::new().case("tests/cases/*.trycmd").case("tests/cases/*.toml");
}
