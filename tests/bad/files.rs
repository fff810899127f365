//! F: files and transport.

use crate::case::{Kind, Run, kind};

pub fn kinds() -> Vec<Kind> {
    vec![
        kind(
            "F01",
            "a path that does not exist",
            "stops, exit code 1; the nearest name in that directory is suggested",
        )
        .run(
            Run::of("report click.csv --steps 'view,cart'")
                .file("clicks.csv", "user_id,timestamp,event\nu1,2026-01-01T00:00:00Z,view\n")
                .exit(1)
                .says("click.csv: no such file or directory")
                .says("did you mean clicks.csv?"),
        ),
    ]
}
