//! `definition.hash` stays what it is: the texts are written by hand after `docs/FORMATS.md`, their hashes
//! were taken of these texts with another implementation of BLAKE3 (the Python package `blake3`).

use super::printed;
use serde_json::Value;

/// A definition file and flags, the canonical text that they stand for, and its hash.
struct Case {
    file: &'static str,
    flags: &'static [&'static str],
    text: &'static str,
    hash: &'static str,
}

const CASES: [Case; 2] = [
    Case {
        file: r#"[funnel.a]
steps = "a, b"
"#,
        flags: &[],
        text: r#"{"as_of_us":null,"cohort":null,"cohort_not":null,"currency":null,"dedupe_exact":false,"dedupe_key":[],"derive":[],"from_us":null,"funnels":[{"admits":"nothing","anchored":false,"blocked":"voids-chain","by":[],"by_from":"first-entry","chain_end":"none","choice":"earliest-start","entry":"any","exclusion":"void","hold":null,"name":"a","open":false,"order":"ordered","repeats":"any-reached","row":"one","steps":[{"after_us":0,"arrow":[],"events":["a"],"ignore":[],"name":"a","not":[],"nth":null,"optional":false,"within_us":null},{"after_us":0,"arrow":[],"events":["b"],"ignore":[],"name":"b","not":[],"nth":null,"optional":false,"within_us":null}],"tie":"step","tolerance_us":0,"unit":"person","unit_column":null,"window_us":604800000000}],"identity_map":null,"quantile_method":"type-7","quantiles":["p25","p50","p75","p90","p95","p99"],"schema":"dropoff.definition/1","session_timeout_us":1800000000,"stitch":"none","time_zone":"UTC","to_us":null,"top":20,"trend":null,"where":null}"#,
        hash: "1b8c3a99118c50de8089b50323644b044448d94132a45771efd26a3ca323ed07",
    },
    Case {
        file: r#"[source]
user = "who"
time = "when"
event = "what"
where = "p>0"

[funnel.a]
steps = [
  { event = "a" },
  { name = "B", event = ["c", "b*"], where = "p = 1", not = "x", within = "1d", after = "1s", arrow = ["no-repeat", "adjacent"], ignore = ["z", "y"] },
  { event = "d" },
]
rules = "clickhouse"
window = "1h"
window_end = "exclusive"
by = ["c"]
"#,
        flags: &[
            "--from",
            "2026-01-01",
            "--to",
            "2026-02-01",
            "--as-of",
            "2026-03-01",
            "--trend",
            "week",
            "--time-zone",
            "Asia/Jerusalem",
            "--quantiles",
            "0.5",
        ],
        text: r#"{"as_of_us":1772316000000000,"cohort":null,"cohort_not":null,"currency":null,"dedupe_exact":false,"dedupe_key":[],"derive":[],"from_us":1767218400000000,"funnels":[{"admits":"any-reached","anchored":false,"blocked":"ends-search","by":["c"],"by_from":"first-entry","chain_end":"none","choice":"earliest-start","entry":"any","exclusion":"void","hold":null,"name":"a","open":false,"order":"ordered","repeats":"after-first","row":"many","steps":[{"after_us":0,"arrow":[],"events":["a"],"ignore":[],"name":"a","not":[],"nth":null,"optional":false,"within_us":null},{"after_us":1000000,"arrow":["adjacent","no-repeat"],"events":["b*[p = 1]","c[p = 1]"],"ignore":["y","z"],"name":"B","not":["x"],"nth":null,"optional":false,"within_us":86400000000},{"after_us":0,"arrow":[],"events":["d"],"ignore":[],"name":"d","not":[],"nth":null,"optional":false,"within_us":null}],"tie":"step","tolerance_us":0,"unit":"person","unit_column":null,"window_us":3599999999}],"identity_map":null,"quantile_method":"type-7","quantiles":["p50"],"schema":"dropoff.definition/1","session_timeout_us":1800000000,"stitch":"none","time_zone":"Asia/Jerusalem","to_us":1769896800000000,"top":20,"trend":"week","where":"p > 0"}"#,
        hash: "ea5b67c74501d7b3399d38f157d6b3b63d4c99aceeb2bbe1965f4e874db074ac",
    },
];

fn hash(file: &str, flags: &[&str]) -> String {
    let files = [("log.csv", "who,when,what,p,c\na,2026-01-01 08:00:00,a,1,x\n"), ("dropoff.toml", file)];
    let columns = ["--user", "who", "--time", "when", "--event", "what"];
    let mut words = vec!["report", "log.csv", "--config", "dropoff.toml", "--format", "json"];
    words.extend(columns);
    words.extend(flags);
    let report: Value = serde_json::from_str(&printed(&files, &words)).expect("JSON");
    report["body"]["definition"]["hash"].as_str().expect("a hash").to_owned()
}

#[test]
fn the_hash_is_that_of_the_documented_text() {
    for case in &CASES {
        assert_eq!(blake3::hash(case.text.as_bytes()).to_hex().as_str(), case.hash, "{}", case.text);
        assert_eq!(hash(case.file, case.flags), case.hash, "{}", case.text);
    }
}

#[test]
fn equal_meaning_has_an_equal_hash() {
    let of_funnel = |keys: &str| hash(&format!("[funnel.a]\n{keys}\n"), &[]);
    let plain = of_funnel("steps = \"a, b|c\"");
    for keys in [
        "steps = \"a, c | b\"\nwindow = \"168h\"",
        "steps = [{ event = \"a\" }, { name = \"b|c\", event = [\"c\", \"b\", \"c\"] }]\ntie = \"step\"",
        "steps = [{ event = \"a\" }, { name = \"b|c\", event = [\"b\", \"c\"], after = \"0s\", arrow = \"eventually\" }]",
        "steps = \"a, b|c\"\nrules = \"amplitude\"\nwindow = \"7d\"\ntolerance = \"0s\"",
        "steps = \"a, b|c\"\nwindow = \"604800000001us\"\nwindow_end = \"exclusive\"",
    ] {
        // The default name is that of the events as written.
        let named = keys.replace("\"a, c | b\"", "\"a, 'b|c'=c | b\"");
        assert_eq!(of_funnel(&named), plain, "{keys}");
    }
    for keys in [
        "steps = \"a, b\"",
        "steps = \"a, b|c\"\nwindow = \"8d\"",
        "steps = \"a, b|c\"\ntie = \"strict\"",
        "steps = \"a, b|c\"\nrow = \"many\"",
        "steps = [{ event = \"a\" }, { event = [\"b\", \"c\"], within = \"1d\" }]",
    ] {
        assert_ne!(of_funnel(keys), plain, "{keys}");
    }
}
