//! Every form of a report is what `dropoff generate schema` says it is.
//!
//! The judge knows the keywords that our schema uses and fails at any other, so that none is passed over. It is
//! stricter than the standard in one thing: a key that the schema does not name is wrong. Libraries that judge by
//! schemas ask more features of what the program is made of, which would all be built twice.

use serde_json::{Map, Value};
use std::process::Command;

fn dropoff(arguments: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_dropoff"))
        .args(arguments.split('|'))
        .env_remove("DROPOFF_CONFIG")
        .output()
        .expect("dropoff runs");
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("it writes JSON")
}

/// Says what is wrong with a value, each fault with its place.
struct Judge<'s> {
    definitions: &'s Map<String, Value>,
    faults: Vec<String>,
}

impl Judge<'_> {
    fn judge(&mut self, at: &str, value: &Value, schema: &Value) {
        let Value::Object(schema) = schema else {
            assert_eq!(schema, &Value::Bool(true), "{at}: a schema is an object, or allows all");
            return;
        };
        for (keyword, wanted) in schema {
            match keyword.as_str() {
                "$schema" | "$defs" | "title" | "description" | "format" => {}
                "$ref" => {
                    let name =
                        wanted.as_str().and_then(|path| path.strip_prefix("#/$defs/")).expect("a definition");
                    self.judge(at, value, &self.definitions[name]);
                }
                "type" => self.check(at, has_type(value, wanted), || format!("is no {wanted}: {value}")),
                "enum" => {
                    let is_one = wanted.as_array().is_some_and(|all| all.contains(value));
                    self.check(at, is_one, || format!("is none of {wanted}: {value}"));
                }
                "const" => self.check(at, value == wanted, || format!("is not {wanted}: {value}")),
                "minimum" => {
                    let is_less =
                        value.as_f64().zip(wanted.as_f64()).is_some_and(|(value, least)| value < least);
                    self.check(at, !is_less, || format!("is below {wanted}: {value}"));
                }
                "minItems" | "maxItems" => {
                    let len = value.as_array().map_or(0, Vec::len) as u64;
                    let bound = wanted.as_u64().expect("a number of items");
                    let fits = if keyword == "minItems" { len >= bound } else { len <= bound };
                    self.check(at, value.is_null() || fits, || format!("has {len} items, {keyword} {bound}"));
                }
                "required" => {
                    for key in wanted.as_array().into_iter().flatten().filter_map(Value::as_str) {
                        let is_there = value.as_object().is_none_or(|object| object.contains_key(key));
                        self.check(at, is_there, || format!("lacks {key}"));
                    }
                }
                // Judged below, key by key.
                "properties" | "patternProperties" | "additionalProperties" => {}
                "items" => {
                    for (place, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.judge(&format!("{at}[{place}]"), item, wanted);
                    }
                }
                "prefixItems" => {
                    let items = value.as_array().into_iter().flatten();
                    for (place, (item, schema)) in
                        items.zip(wanted.as_array().into_iter().flatten()).enumerate()
                    {
                        self.judge(&format!("{at}[{place}]"), item, schema);
                    }
                }
                "anyOf" | "oneOf" => {
                    let ways = wanted.as_array().expect("a list of schemas").iter().map(|way| {
                        let mut other = Judge { definitions: self.definitions, faults: Vec::new() };
                        other.judge(at, value, way);
                        other.faults
                    });
                    let ways: Vec<Vec<String>> = ways.collect();
                    if !ways.iter().any(Vec::is_empty) {
                        self.faults.extend(ways.into_iter().flatten());
                    }
                }
                other => panic!("{at}: the judge does not know {other}"),
            }
        }
        self.judge_keys(at, value, schema);
    }

    fn judge_keys(&mut self, at: &str, value: &Value, schema: &Map<String, Value>) {
        let Value::Object(object) = value else { return };
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties").filter(|others| others.is_object());
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        if properties.is_none() && others.is_none() && patterns.is_none() {
            return;
        }
        for (key, value) in object {
            let at = format!("{at}.{key}");
            let named = properties.and_then(|known| known.get(key));
            let fitting = patterns.and_then(|all| all.iter().find(|(pattern, _)| fits_pattern(key, pattern)));
            match (named.or(fitting.map(|(_, schema)| schema)), others) {
                (Some(schema), _) | (None, Some(schema @ Value::Object(_))) => self.judge(&at, value, schema),
                _ => self.faults.push(format!("{at}: is not in the schema")),
            }
        }
    }

    fn check(&mut self, at: &str, holds: bool, fault: impl Fn() -> String) {
        if !holds {
            self.faults.push(format!("{at}: {}", fault()));
        }
    }
}

/// Whether a key fits a pattern, of which the schema has one: quantiles, `p50`, `p99_9`, `p50_s`.
fn fits_pattern(key: &str, pattern: &str) -> bool {
    assert_eq!(pattern, "^p[0-9]+(_[0-9]+)?(_s)?$", "the judge does not know this pattern");
    let parts = key.strip_prefix('p').map(|rest| rest.strip_suffix("_s").unwrap_or(rest).split('_'));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.is_some_and(|parts| parts.clone().count() <= 2 && parts.into_iter().all(is_number))
}

fn has_type(value: &Value, wanted: &Value) -> bool {
    let is = |name: &Value| match name.as_str().expect("types have names") {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type {other}"),
    };
    match wanted {
        Value::Array(names) => names.iter().any(is),
        name => is(name),
    }
}

fn faults(value: &Value, schema: &Value) -> Vec<String> {
    let definitions = schema["$defs"].as_object().expect("definitions");
    let mut judge = Judge { definitions, faults: Vec::new() };
    judge.judge("report", value, schema);
    judge.faults
}

const SHOP: &str = "testdata/retentioneering-ecom.csv.gz";
const STEPS: &str = "--steps|product_view,add_to_cart,purchase";

#[test]
fn reports_of_every_kind_fit_the_schema() {
    let schema = dropoff("generate|schema");
    let asked = [
        "",
        "|--by|platform",
        "|--by|platform|--min-cell|5",
        "|--trend|day",
        "|--trend|week|--min-cell|5",
        "|--unit|session",
        "|--unit|attempt|--by|platform|--trend|day",
        "|--unit|column:session_id",
        "|--order|any",
        "|--window|none",
        "|--window|session",
        "|--from|2000-01-01|--to|2000-02-01",
        "|--by|platform|--by-from|last-seen",
        "|--dedupe-exact",
        "|--reproducible",
        "|--anonymize|--by|user_id",
    ];
    for asked in asked {
        let arguments = format!("report|{SHOP}|{STEPS}|-q|-f|json{asked}");
        assert_eq!(faults(&dropoff(&arguments), &schema), [""; 0], "{arguments}");
    }
    for example in ["ibm", "cdnow", "snowplow", "access-log"] {
        let arguments = format!("report|--config|examples/{example}.toml|-q|-f|json");
        assert_eq!(faults(&dropoff(&arguments), &schema), [""; 0], "{arguments}");
    }
}

#[test]
fn the_judge_sees_what_does_not_fit() {
    let schema = dropoff("generate|schema");
    let report = dropoff(&format!("report|{SHOP}|{STEPS}|-q|-f|json|--by|platform"));
    let broken = |change: &dyn Fn(&mut Value)| {
        let mut report = report.clone();
        change(&mut report);
        faults(&report, &schema)
    };
    assert_eq!(broken(&|_| {}), [""; 0]);
    assert_eq!(broken(&|report| report["more"] = Value::Null), ["report.more: is not in the schema"]);
    let entered = broken(&|report| report["body"]["funnels"][0]["entered"] = Value::from("7"));
    assert_eq!(entered, ["report.body.funnels[0].entered: is no \"integer\": \"7\""]);
    let lacking = broken(&|report| {
        report["body"].as_object_mut().and_then(|body| body.remove("warnings"));
    });
    assert_eq!(lacking, ["report.body: lacks warnings"]);
    let other = broken(&|report| report["body"]["funnels"][0]["segments"][0]["suppressed"] = Value::from(3));
    assert_eq!(other, ["report.body.funnels[0].segments[0].suppressed: is no \"boolean\": 3"]);
}
