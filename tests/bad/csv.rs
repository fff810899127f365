//! C: CSV and text.

use crate::case::{Kind, Run, kind};

const HEADER: &str = "user_id,timestamp,event,note\n";

pub fn kinds() -> Vec<Kind> {
    vec![
        kind(
            "C09",
            "a row with too few fields",
            "rejected (R01), never padded, whether or not the missing columns are asked for",
        )
        .run(
            Run::report(
                "a.csv",
                format!("{HEADER}u1,2026-01-01T00:00:00Z,view,x\nu2,2026-01-01T00:00:00Z,view\n"),
                "",
            )
            .exit(3)
            .account(2, 1, 1, 0)
            .rejects("R01", 1),
        ),
    ]
}
