//! J: JSON.

use crate::case::{Kind, Run, kind};

/// Two good records, and what follows; the second one is behind byte 67.
fn log(more: &str) -> String {
    format!("{}{}{more}", record("\"u1\"", "view"), record("\"u2\"", "cart"))
}

/// A line of 67 bytes, if the id has four.
fn record(id: &str, event: &str) -> String {
    format!("{{\"user_id\":{id},\"timestamp\":\"2026-01-01T00:00:00Z\",\"event\":\"{event}\"}}\n")
}

/// A record with one more member before the others.
fn record_with(member: &str) -> String {
    record("\"u3\"", "view").replacen('{', &format!("{{{member},"), 1)
}

fn report(bytes: impl Into<Vec<u8>>, more: &str) -> Run {
    Run::report("a.jsonl", bytes, more)
}

/// Two good records and one that is rejected.
fn rejected(line: impl AsRef<[u8]>, code: &'static str, more: &str) -> Run {
    let bytes = [log("").as_bytes(), line.as_ref(), record("\"u4\"", "view").as_bytes()].concat();
    report(bytes, more).exit(3).account(4, 3, 1, 0).rejects(code, 1).reject_at(code, 3, Some(THIRD), None)
}

/// Byte of the third line.
const THIRD: u64 = 134;

pub fn kinds() -> Vec<Kind> {
    [lines(), values(), shapes()].into_iter().flatten().collect()
}

fn lines() -> Vec<Kind> {
    let whole = record("\"u3\"", "view");
    vec![
        kind(
            "J01",
            "a last line that is cut off",
            "rejected (R10), and told to be cut off by the end of the input",
        )
        .run(
            report(log(&whole[..40]), "")
                .exit(3)
                .account(3, 2, 1, 0)
                .rejects("R10", 1)
                .reject_at("R10", 3, Some(THIRD), None)
                .says("the record is cut off by the end of the input"),
        ),
        kind(
            "J02",
            "two objects on one line",
            "both are read; what is wrong with a line spoils all of it, and nothing of the next",
        )
        .run(report(log(&format!("{} {whole}", whole.trim_end())), "").account(4, 4, 0, 0))
        .run(
            report(log(&format!("{}{}", whole.trim_end(), record("\"\"", "view"))), "")
                .exit(3)
                .account(4, 3, 1, 0)
                .rejects("R07", 1)
                .reject_at("R07", 3, Some(THIRD + 66), Some("user_id")),
        )
        .run(rejected(format!("{} x\n", whole.trim_end()), "R10", "")),
        kind("J03", "a line between that is no JSON, as of another log", "rejected (R10)")
            .run(rejected("INFO: started\n", "R10", "").says("this is not a JSON value (byte 1 of the line)"))
            .run(rejected("\u{1b}[2J\n", "R10", "").says("   3 | \\x1b[2J")),
    ]
}

fn values() -> Vec<Kind> {
    let nested = |depth: usize| format!("\"x\":{}{}", "[".repeat(depth), "]".repeat(depth));
    let ids: String = (0..4).map(|id| record(&format!("1234567890123456789012345{id}"), "view")).collect();
    let free = |member: &str| log(&record_with(member));
    vec![
        kind(
            "J04",
            "a key that stands twice",
            "rejected (R10) if the source names the key; of one that only a report asks for the last value counts, and \
             others are not looked at",
        )
        .run(
            rejected(record_with("\"user_id\":\"u9\""), "R10", "")
                .reject_at("R10", 3, Some(THIRD), Some("user_id"))
                .says("a wanted key stands twice in the record"),
        )
        .run(report(free("\"x\":1,\"x\":2"), "").account(3, 3, 0, 0))
        .run(
            report(free("\"x\":1,\"x\":2"), "--by x")
                .account(3, 3, 0, 0)
                .prints("\"x\": \"2\""),
        ),
        kind(
            "J05",
            "arrays and objects nested without end",
            "rejected (R11) where more than 128 lie in one another, whatever key they are under; they are skipped without \
             recursion",
        )
        .run(report(free(&nested(127)), "").account(3, 3, 0, 0))
        .run(rejected(record_with(&nested(128)), "R11", ""))
        .run(rejected(record_with(&format!("\"x\":{}1", "[".repeat(500_000))), "R11", "")),
        kind(
            "J06",
            "NaN, Infinity, comments, trailing commas, single quotes",
            "rejected (R10), and told which of these it is",
        )
        .run(rejected(record_with("\"x\":NaN"), "R10", "").says("NaN and Infinity are not JSON (byte 6 of the line)"))
        .run(rejected(record_with("\"x\":-Infinity"), "R10", "").says("NaN and Infinity are not JSON"))
        .run(rejected(whole_with("} // x"), "R10", "").says("comments are not JSON"))
        .run(rejected(whole_with(",}"), "R10", "").says("a comma too many"))
        .run(rejected("{'user_id':'u3'}\n", "R10", "").says("single quotes are not JSON")),
        kind(
            "J07",
            "ids that are numbers beyond 2^53 or 2^63",
            "an id is the number as it is written, digit by digit",
        )
        .run(report(ids, "").account(4, 4, 0, 0).is("/body/input/persons", "4")),
        kind(
            "J08",
            "an id that is a number here and a text there",
            "7 and \"7\" are the same person, with a note; 7.0 is another, for numbers are not counted with",
        )
        .run(
            report(format!("{}{}", record("7", "view"), record("\"7\"", "cart")), "")
                .account(2, 2, 0, 0)
                .is("/body/input/persons", "1")
                .notes("\"user_id\" holds numbers and texts"),
        )
        .run(report(format!("{}{}", record("7", "view"), record("7.0", "cart")), "").is("/body/input/persons", "2")),
        kind(
            "J09",
            "half a surrogate pair, and bytes that are not UTF-8",
            "rejected (R03), in whatever key they are",
        )
        .run(rejected(record("\"\\ud83d\"", "view"), "R03", "").says("half of a surrogate pair"))
        .run(rejected(record_with("\"x\":\"\\ude00\""), "R03", ""))
        .run(rejected(record_with("\"\\ud83d\\u0041\":1"), "R03", ""))
        .run(report(free("\"x\":\"\\ud83d\\ude00\""), "--by x").account(3, 3, 0, 0).prints("\u{1f600}"))
        .run(rejected([b"{\"x\":\"\xff\",", &whole_bytes()[1..]].concat(), "R03", "")),
        kind(
            "J10",
            "a person's key that is missing, null or empty",
            "no person (R07); with --keep-empty-id the empty text is somebody",
        )
        .run(
            report(log(&format!("{}{}", record("null", "view"), record("\"\"", "view"))).replacen("\"user_id\":\"u1\",", "", 1), "")
                .exit(3)
                .account(4, 1, 3, 0)
                .rejects("R07", 3)
                .reject_at("R07", 1, Some(0), Some("user_id")),
        )
        .run(
            report(log(&format!("{}{}", record("null", "view"), record("\"\"", "view"))), "--keep-empty-id")
                .exit(3)
                .account(4, 3, 1, 0)
                .rejects("R07", 1)
                .is("/body/input/persons", "3"),
        ),
        kind(
            "J11",
            "a value of another type in some records, such as a price that is a text",
            "rejected (R09) if the source names the value column, whatever the report asks for; else not looked at",
        )
        .run(rejected(record_with("\"price\":\"free\""), "R09", "--value price").reject_at("R09", 3, Some(THIRD), Some("price")))
        .run(report(free("\"price\":\"free\""), "").account(3, 3, 0, 0)),
    ]
}

fn whole_bytes() -> Vec<u8> {
    record("\"u3\"", "view").into_bytes()
}

/// A line that ends in another way than with its brace.
fn whole_with(end: &str) -> String {
    record("\"u3\"", "view").replacen("}\n", &format!("{end}\n"), 1)
}

fn shapes() -> Vec<Kind> {
    let with_tags = |tags: &str| log("").replace("{\"user", &format!("{{\"tags\":{tags},\"user"));
    vec![
        kind(
            "J12",
            "values inside objects, and arrays",
            "named by their path, --value properties.price; a column that the sample shows as arrays or objects alone stops \
             (E-J12), exit code 2; one such record among others is rejected (R10) if the source names the column, and is \
             its text to a report",
        )
        .run(
            report(with_tags("{\"price\":12.5}"), "--value tags.price")
                .account(2, 2, 0, 0)
                .is("/body/input/persons", "2"),
        )
        .run(report(with_tags("[1]"), "--by tags").exit(2).says("error[E-J12]: a.jsonl: column \"tags\" holds arrays"))
        .run(
            report(with_tags("{\"price\":12.5}"), "--by tags")
                .exit(2)
                .says("error[E-J12]: a.jsonl: column \"tags\" holds objects")
                .says("hint: name what is inside of it: \"tags.price\""),
        )
        .run(
            report(format!("{}{}", with_tags("\"a\""), record_with("\"tags\":[1, 2]")), "--by tags")
                .account(3, 3, 0, 0)
                .prints("\"[1, 2]\""),
        )
        .run(rejected(record("{\"id\":1}", "view"), "R10", "").reject_at("R10", 3, Some(THIRD), Some("user_id"))),
        kind(
            "J13",
            "an object of 100 MB",
            "rejected (R13): a record is at most 2 MiB, a value at most --max-field; what follows is read",
        )
        .run(
            Run::of("report a.jsonl --steps 'view,cart' --format json")
                .prepare(|folder| {
                    let members = (0..1_700).map(|key| format!("\"x{key}\":\"{}\",", "y".repeat(60_000)));
                    let huge = log(&record("\"u3\"", "view").replacen('{', &format!("{{{}", members.collect::<String>()), 1));
                    std::fs::write(folder.join("a.jsonl"), huge + &record("\"u4\"", "view")).expect("a file can be written");
                })
                .exit(3)
                .account(4, 3, 1, 0)
                .rejects("R13", 1)
                .reject_at("R13", 3, Some(THIRD), None),
        )
        .run(
            Run::of("report a.json --steps 'view,cart' --format json")
                .prepare(|folder| {
                    let members = (0..400).map(|key| format!("\"x{key}\":\"{}\",", "y".repeat(60_000)));
                    let huge = record("\"u3\"", "view").replacen('{', &format!("{{{}", members.collect::<String>()), 1);
                    let array = format!("[{}, {huge},\n{}]", record("\"u1\"", "view"), record("\"u4\"", "view"));
                    std::fs::write(folder.join("a.json"), array).expect("a file can be written");
                })
                .exit(3)
                .account(3, 2, 1, 0)
                .rejects("R13", 1)
                .reject_at("R13", 2, Some(70), None),
        )
        .run(rejected(record_with(&format!("\"x\":\"{}\"", "y".repeat(65_537))), "R13", ""))
        .run(
            report(free_of(65_537), "--max-field 65537B").account(3, 3, 0, 0),
        ),
        kind(
            "J14",
            "a line that is a number, a text, null or an array",
            "rejected (R10); a file that is an array of objects is read, element by element",
        )
        .run(rejected("7\n", "R10", "").says("not an object"))
        .run(rejected("null\n", "R10", ""))
        .run(rejected("\"x\"\n", "R10", ""))
        .run(rejected("[1]\n", "R10", ""))
        .run(
            Run::report("a.json", format!("[{},\n7,\n{}]", record("\"u1\"", "view").trim(), record("\"u2\"", "cart").trim()), "")
                .exit(3)
                .account(3, 2, 1, 0)
                .rejects("R10", 1)
                .reject_at("R10", 2, Some(69), None),
        ),
    ]
}

/// A log with a value of so many bytes.
fn free_of(bytes: usize) -> String {
    log(&record_with(&format!("\"x\":\"{}\"", "y".repeat(bytes))))
}
