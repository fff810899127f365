//! O: ids of people, and groups of few.

use crate::case::{Ended, Kind, Run, kind};
use crate::outputs::{LOG, again, names, read, refused, shell};
use std::fmt::Write;

pub const TWO_CURRENCIES: &str = "user_id,timestamp,event,price,currency\n\
    dana1,2026-01-01T00:00:00Z,view,1,EUR\n\
    dana2,2026-01-01T00:10:00Z,view,2,USD\n\
    dana3,2026-01-01T00:20:00Z\n";

fn mail_log() -> String {
    let mut log = String::from("user_id,timestamp,event,country\n");
    for (person, country) in ["IL"; 9].into_iter().chain(["DE"; 6]).chain(["FR"; 2]).enumerate() {
        let _ = writeln!(log, "dana{person}@example.com,2026-01-01T00:00:00Z,view,{country}");
    }
    log.push_str("dana@example.com,2026-01-01T00:00:00Z\n");
    log
}

/// No id, in anything that was printed, said or written.
fn no_id(ended: &Ended<'_>) -> Result<(), String> {
    let mut texts = vec![
        ("standard output".to_owned(), ended.output.stdout.clone()),
        ("standard error".to_owned(), ended.output.stderr.clone()),
    ];
    for name in names(ended.folder).into_iter().filter(|name| name != "a.csv") {
        texts.push((name.clone(), read(ended, &name)?.into_bytes()));
    }
    for (name, bytes) in texts {
        if String::from_utf8_lossy(&bytes).contains("dana") {
            return Err(format!("an id stands in {name}"));
        }
    }
    Ok(())
}

const KEY: &str = "a key of sixteen bytes or more";
const PSEUDONYMS: [&str; 4] = ["sessions", "a.csv", "--anonymize", "--max-rejects=1"];

pub fn kinds() -> Vec<Kind> {
    vec![
        kind(
            "O24",
            "ids of people in lists, rejects and logs",
            "ids stand in lists that were asked for, and in the text of rejected rows; `--anonymize` puts pseudonyms in \
             their place and leaves that text out, in all messages too; `--min-cell N` shows no segment, bucket or event of \
             fewer than N people, nor what would give them away (W29): names that were not asked for are left out, and \
             several funnels with segments or a trend are exit code 2",
        )
        .run(
            Run::of("report a.csv --steps view --anonymize --people p.csv --emit-cohort entered=i.jsonl --rejects r.csv")
                .file("a.csv", mail_log())
                .exit(3)
                .prints("(left out)")
                .check(no_id),
        )
        .run(Run::of("sessions a.csv --anonymize --format json").file("a.csv", mail_log()).exit(3).check(no_id))
        .run(Run::of("inspect a.csv --anonymize --format json").file("a.csv", mail_log()).exit(3).check(no_id))
        .run(
            Run::of("report a.csv --steps view --by country --min-cell 5 --max-rejects 1 --format json")
                .file("a.csv", mail_log())
                .warns("W29", 2)
                .check(|ended| {
                    let json = ended.json.ok_or("no JSON")?;
                    let segments = json["body"]["funnels"][0]["segments"].as_array().ok_or("no segments")?;
                    let found: Vec<String> =
                        segments.iter().map(|part| format!("{} {}", part["by"]["country"], part["entered"])).collect();
                    // France has 2; without it and with the other two the total would say so.
                    let wanted = ["\"IL\" 9", "\"(suppressed)\" null"];
                    if found == wanted { Ok(()) } else { Err(format!("{found:?}")) }
                }),
        )
        .run(refused("report a.csv --steps view --min-cell 5 --people p.csv").says("a list names single people"))
        .run(
            // The first line is data, and is taken for names.
            refused("report a.csv --user user --time time --event event --steps view --anonymize")
                .file("a.csv", "dana1,blue,x\nuser7,soon,y\nuser8,later,z\n")
                .says("E-C24")
                .says("(left out)")
                .check(no_id),
        )
        .run(
            refused("report b.csv --steps view --cohort a.csv --anonymize")
                .file("b.csv", LOG)
                .file("a.csv", "dana1@example.com,5\ndana2@example.com,6\n")
                .says("its first line, which has (left out)")
                .check(no_id),
        )
        .run(
            refused("report a.csv --user user_id --time user_id --steps view --anonymize")
                .file("a.csv", mail_log())
                .says("E-T01")
                .check(no_id),
        )
        .run(
            refused("report a.csv --steps view --value price --currency user_id --anonymize")
                .file("a.csv", TWO_CURRENCIES)
                .says("E-U13")
                .check(no_id),
        )
        .run(
            Run::of("inspect a.csv --anonymize --max-rejects 1 --value price")
                .file("a.csv", TWO_CURRENCIES.replace(",2,USD", ",dana9,USD").replace("dana3,2026-01-01T00:20:00Z\n", ""))
                .check(no_id),
        )
        .run(
            shell(
                "exec \"$DROPOFF\" report a.csv --steps view,crat --derive \"x=[event='view']\" --min-cell 2 \
                 --format json",
            )
            .is("/body/derived/unmatched/rows", "1")
            .is("/body/derived/unmatched/top", "[]")
            .check(|ended| match String::from_utf8_lossy(&ended.output.stdout).contains("cart") {
                false => Ok(()),
                true => Err("an event of one person is named".to_owned()),
            }),
        )
        .run(
            refused("report a.csv --min-cell 5")
                .file("dropoff.toml", "[funnel.a]\nsteps = 'view, cart'\nby = ['country']\n[funnel.b]\nsteps = 'view'\n")
                .says("--min-cell: 2 funnels with segments in one report")
                .says("--funnel a"),
        ),
        kind(
            "O25",
            "pseudonyms that could be guessed or joined",
            "BLAKE3 under a key, from `DROPOFF_KEY` or `--anonymize-key-file` and never from a flag; without a key another \
             one in every run; a key of fewer than 16 bytes is exit code 2",
        )
        .run(
            Run::of(&PSEUDONYMS.join(" "))
                .file("a.csv", mail_log())
                .environment("DROPOFF_KEY", KEY)
                .check(|ended| match (again(ended, &PSEUDONYMS, Some(KEY))?, again(ended, &PSEUDONYMS, None)?) {
                    (true, false) => no_id(ended),
                    other => Err(format!("the same with the key, and without: {other:?}")),
                }),
        )
        .run(
            Run::of("sessions a.csv --anonymize --max-rejects 1")
                .file("a.csv", mail_log())
                .says("note: pseudonyms of this run alone")
                .check(|ended| match again(ended, &PSEUDONYMS, None)? {
                    false => no_id(ended),
                    true => Err("two runs have the same pseudonyms".to_owned()),
                }),
        )
        .run(refused("sessions a.csv --anonymize").environment("DROPOFF_KEY", "short").says("16 bytes"))
        .run(refused("sessions a.csv --anonymize=secret").says("unexpected value 'secret'")),
    ]
}
