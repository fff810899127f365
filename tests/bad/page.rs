//! The page of the manual on bad inputs, written from the same table that is tested.

use crate::case::Family;
use std::fmt::Write;

pub fn page(families: &[Family]) -> String {
    let mut page = String::from(
        "# Bad inputs\n\n\
         What the program does with each kind of bad input. This page is written by `tests/bad`, from the table that is\n\
         tested there: `cargo test --release --test bad -- --page` writes it anew, `-- --write DIR` writes every input into a\n\
         folder.\n\n\
         *Rejected* rows are counted under their code, kept by `--rejects`, and more than `--max-rejects` of them end the run\n\
         with exit code 3. A run that *stops* writes no report: exit code 1, or 2 where the command has to change, or 4 where\n\
         there is nothing to analyse.\n",
    );
    for family in families {
        let _ = write!(
            page,
            "\n## {}: {}\n\n| | input | what dropoff does |\n|---|---|---|\n",
            family.letter, family.title
        );
        for kind in &family.kinds {
            let _ = writeln!(page, "| {} | {} | {} |", kind.id, kind.input, kind.promise);
        }
    }
    page
}
