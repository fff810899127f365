//! How exports call their columns. A tier is a list of names of like plainness; earlier tiers win.

use super::words::words;

/// The person, then the device or account, then the machine.
const USER: [&[&str]; 3] = [
    &[
        "user_id",
        "userid",
        "user",
        "uid",
        "user_key",
        "userkey",
        "user_uuid",
        "user_guid",
        "user_hash",
        "user_pseudo_id",
        "customer_id",
        "customerid",
        "customer",
        "customer_unique_id",
        "customer_number",
        "customer_key",
        "cust_id",
        "custid",
        "client_id",
        "clientid",
        "visitor_id",
        "visitorid",
        "visitor",
        "full_visitor_id",
        "fullvisitorid",
        "person_id",
        "personid",
        "person",
        "distinct_id",
        "member_id",
        "memberid",
        "master_user_id",
        "subscriber_id",
        "shopper_id",
        "buyer_id",
        "player_id",
        "participant_id",
        "respondent_id",
        "panelist_id",
        "patient_id",
        "student_id",
        "lead_id",
        "contact_id",
        "profile_id",
        "domain_userid",
        "amplitude_id",
        "unique_id",
        "משתמש",
        "מזהה_משתמש",
        "לקוח",
        "מזהה_לקוח",
        "מספר_לקוח",
    ],
    &[
        "anonymous_id",
        "anonymousid",
        "device_id",
        "deviceid",
        "cookie_id",
        "cookie",
        "browser_id",
        "account_id",
        "network_userid",
        "email",
        "phone",
        "msisdn",
        "fingerprint",
    ],
    &["host", "ip", "ip_address", "client_ip", "remote_addr", "remote_host", "user_ipaddress"],
];
const USER_ENDINGS: [&str; 3] = ["_user_id", "_userid", "_customer_id"];

/// When the event happened, then when something was recorded, then anything that ends like a time.
const TIME: [&[&str]; 3] = [
    &[
        "event_time",
        "eventtime",
        "event_timestamp",
        "event_ts",
        "event_datetime",
        "event_at",
        "occurred_at",
        "happened_at",
        "derived_tstamp",
    ],
    &[
        "timestamp",
        "time",
        "ts",
        "datetime",
        "date_time",
        "time_stamp",
        "tstamp",
        "at",
        "when",
        "log_time",
        "click_time",
        "visit_time",
        "action_time",
        "time_local",
        "unix_time",
        "epoch",
        "זמן",
        "תאריך_ושעה",
    ],
    &[
        "date",
        "event_date",
        "created_at",
        "created",
        "order_date",
        "purchase_date",
        "transaction_date",
        "visit_date",
        "תאריך",
    ],
];
const TIME_ENDINGS: [&str; 7] = ["_tstamp", "_timestamp", "_time", "_at", "_ts", "_datetime", "_date"];
/// Times of the pipeline, not of the person.
const NOT_TIME: [&str; 20] = [
    "received",
    "upload",
    "uploaded",
    "processed",
    "processing",
    "ingest",
    "ingestion",
    "ingested",
    "sync",
    "synced",
    "load",
    "loaded",
    "etl",
    "sent",
    "collector",
    "server",
    "updated",
    "modified",
    "previous",
    "end",
];
const CLOCK: [&str; 4] = ["time", "clock", "hour", "שעה"];

const EVENT: [&[&str]; 3] = [
    &["event_name", "eventname", "event", "שם_אירוע", "אירוע"],
    &[
        "event_type",
        "eventtype",
        "event_action",
        "event_key",
        "click_event_type",
        "action",
        "action_name",
        "action_type",
        "activity",
        "activity_name",
        "activity_type",
        "interaction",
        "פעולה",
        "סוג_אירוע",
    ],
    &["name", "type", "verb", "operation", "kind", "step", "stage"],
];
const EVENT_ENDINGS: [&str; 5] = ["_event_name", "_event_type", "_action_type", "_event", "_action"];

const SESSION: [&[&str]; 1] = [&[
    "session_id",
    "sessionid",
    "session",
    "user_session",
    "session_key",
    "session_uuid",
    "visit_id",
    "visitid",
    "domain_sessionid",
    "ga_session_id",
]];
const SESSION_ENDINGS: [&str; 2] = ["_session_id", "_sessionid"];

/// What a sale brought, then any amount.
const VALUE: [&[&str]; 2] = [
    &[
        "revenue",
        "order_value",
        "order_total",
        "order_amount",
        "purchase_value",
        "purchase_amount",
        "transaction_value",
        "transaction_amount",
        "transaction_total",
        "sales_amount",
        "grand_total",
        "amount_paid",
        "total_paid",
        "total_price",
        "gmv",
        "סכום_הזמנה",
        "הכנסה",
    ],
    &[
        "price",
        "amount",
        "value",
        "total",
        "dollars",
        "usd",
        "sales",
        "sum",
        "total_price_of_basket",
        "סכום",
        "מחיר",
    ],
];
const VALUE_ENDINGS: [&str; 5] = ["_revenue", "_price", "_amount", "_value", "_total"];
/// Amounts that are part of a price, or no price at all.
const NOT_VALUE: [&str; 14] = [
    "tax", "shipping", "discount", "list", "unit", "cost", "credit", "min", "max", "average", "avg", "fee",
    "number", "index",
];

/// Whole URLs and request targets, then paths alone.
const URL: [&[&str]; 2] = [
    &[
        "url",
        "page_url",
        "page_location",
        "current_url",
        "request_url",
        "request_uri",
        "context_page_url",
        "full_url",
        "event_url",
        "location",
        "href",
    ],
    &[
        "path",
        "page_path",
        "pathname",
        "url_path",
        "page_urlpath",
        "request_path",
        "uri",
        "cs_uri_stem",
        "page",
    ],
];
const URL_ENDINGS: [&str; 3] = ["_page_url", "_page_path", "_request_uri"];
/// URLs of other places than the one visited.
const NOT_URL: [&str; 9] =
    ["referer", "referrer", "previous", "first", "initial", "landing", "exit", "target", "image"];

const CURRENCY: [&str; 4] = ["currency", "currency_code", "currencycode", "מטבע"];
const QUANTITY: [&str; 5] = ["quantity", "qty", "units", "item_count", "כמות"];

/// Objects that exports keep properties in: only their keys are looked at by their own name.
const WRAPPERS: [&str; 11] = [
    "properties",
    "event_properties",
    "props",
    "data",
    "payload",
    "event",
    "attributes",
    "params",
    "body",
    "fields",
    "record",
];

/// The names a column answers to: its whole path, and its last key inside a wrapper.
fn names(column: &str) -> Vec<String> {
    let mut names = vec![words(column).join("_")];
    if let Some((parents, key)) = column.rsplit_once('.')
        && parents.split('.').all(|parent| WRAPPERS.contains(&words(parent).join("_").as_str()))
    {
        names.push(words(key).join("_"));
    }
    names
}

/// The tier of a column in a table; the endings make a tier of their own, after all others.
fn tier(column: &str, tiers: &[&[&str]], endings: &[&str], never: &[&str]) -> Option<usize> {
    let names = names(column);
    let listed = |tier: &&[&str]| names.iter().any(|name| tier.contains(&name.as_str()));
    tiers.iter().position(listed).or_else(|| {
        let name = names.last()?;
        let denied = name.split('_').any(|word| never.contains(&word));
        (!denied && endings.iter().any(|ending| name.ends_with(ending))).then_some(tiers.len())
    })
}

pub(super) fn user_tier(column: &str) -> Option<usize> {
    tier(column, &USER, &USER_ENDINGS, &[])
}

pub(super) fn time_tier(column: &str) -> Option<usize> {
    tier(column, &TIME, &TIME_ENDINGS, &NOT_TIME)
}

pub(super) fn event_tier(column: &str) -> Option<usize> {
    tier(column, &EVENT, &EVENT_ENDINGS, &[])
}

pub(super) fn session_tier(column: &str) -> Option<usize> {
    tier(column, &SESSION, &SESSION_ENDINGS, &[])
}

/// 0 for what a sale brought, 1 for any amount.
pub(super) fn value_tier(column: &str) -> Option<usize> {
    let tier = tier(column, &VALUE, &VALUE_ENDINGS, &NOT_VALUE)?;
    let brought = names(column).iter().any(|name| name.ends_with("_revenue"));
    Some(if brought { 0 } else { tier.min(1) })
}

/// 0 for URLs with their query, 1 for paths.
pub(super) fn url_tier(column: &str) -> Option<usize> {
    tier(column, &URL, &URL_ENDINGS, &NOT_URL)
}

pub(super) fn is_clock(column: &str) -> bool {
    names(column).iter().any(|name| CLOCK.contains(&name.as_str()))
}

pub(super) fn is_quantity(column: &str) -> bool {
    names(column).iter().any(|name| {
        QUANTITY.iter().any(|quantity| name == quantity || name.ends_with(&format!("_{quantity}")))
    })
}

pub(super) fn is_currency(column: &str) -> bool {
    names(column).iter().any(|name| CURRENCY.contains(&name.as_str()) || name.ends_with("_currency"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_one() {
        for column in ["user_id", "userId", "USER_ID", "User ID", "user-id", "properties.user_id", "user.id"]
        {
            assert_eq!(user_tier(column), Some(0), "{column}");
        }
        assert_eq!(user_tier("master user id"), Some(0));
        assert_eq!(user_tier("anonymousId"), Some(1));
        assert_eq!(user_tier("host"), Some(2));
        assert_eq!(user_tier("sample user id"), Some(3));
        assert_eq!(user_tier("logname"), None);
    }

    #[test]
    fn keys_of_unknown_objects_answer_to_their_whole_path_only() {
        assert_eq!(event_tier("item.name"), None);
        assert_eq!(event_tier("properties.name"), Some(2));
        assert_eq!(session_tier("properties.$session_id"), Some(0));
        assert_eq!(value_tier("properties.price"), Some(1));
    }

    #[test]
    fn times_of_the_pipeline_are_not_times_of_the_event() {
        assert_eq!(time_tier("event_time"), Some(0));
        assert_eq!(time_tier("ts"), Some(1));
        assert_eq!(time_tier("created_at"), Some(2));
        assert_eq!(time_tier("conversion_tstamp"), Some(3));
        for column in
            ["received_at", "server_upload_time", "etl_tstamp", "_fivetran_synced", "dvce_sent_tstamp"]
        {
            assert_eq!(time_tier(column), None, "{column}");
        }
    }

    #[test]
    fn amounts_have_two_tiers() {
        for column in ["revenue", "transaction_revenue", "total_price", "properties.revenue"] {
            assert_eq!(value_tier(column), Some(0), "{column}");
        }
        for column in ["price", "dollars", "product_price", "total_price_of_basket", "cart_total_value"] {
            assert_eq!(value_tier(column), Some(1), "{column}");
        }
        for column in ["unit_price", "tax_amount", "discount_value", "CDs", "product_list_price", "priceless"]
        {
            assert_eq!(value_tier(column), None, "{column}");
        }
        assert!(is_quantity("Quantity") && is_quantity("product_quantity") && !is_quantity("price"));
        assert!(
            is_currency("cart_currency") && is_currency("properties.currency") && !is_currency("current")
        );
    }
}
