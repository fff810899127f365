//! Export layouts of well-known products, recognised by their column names.
//!
//! A layout says where its roles lie, from the product's own documentation of the export. Its person
//! is the one id that every row carries; a list, known id first, stands only where the documentation
//! says that a row may carry either. Names are compared without case (some warehouses write
//! them in capitals); nested keys are paths with dots.
//!
//! Left out: values inside lists of key and value (`event_params` of GA4 in `BigQuery`), which need
//! flattening before a column can hold them, and any look at the values: `roles` does that.

/// What a recognised layout says of a file. Columns are named as the file names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub name: &'static str,
    /// The first that is present in a row identifies its person. Never empty.
    pub user: Vec<String>,
    /// All of these columns are one id.
    pub user_together: bool,
    pub time: Option<String>,
    pub event: Option<String>,
    pub session: Option<String>,
    pub value: Option<String>,
    pub currency: Option<String>,
    /// Identifies the row itself, for finding duplicates.
    pub event_id: Option<String>,
    /// For people: by which columns it was recognised, and why this is the person.
    pub why: String,
}

/// Names for one place, the preferred first.
type Names = &'static [&'static str];

struct Layout {
    name: &'static str,
    /// One name of each group must be a column of the file.
    marks: &'static [Names],
    user: User,
    time: Names,
    event: Names,
    session: Names,
    value: Names,
    currency: Names,
    event_id: Names,
    /// Why `user` is the person, or what to know of the layout.
    note: &'static str,
}

enum User {
    /// The first of these columns that the file has.
    One(Names),
    /// For every group the first column that the file has: a row carries at least one of them.
    Either(&'static [Names]),
    /// Those of these columns that the file has are one id together.
    Together(Names),
}

/// Most specific first: AWS has all that marks GA4, and more.
const LAYOUTS: [Layout; 12] = [
    Layout {
        name: "REES46",
        marks: &[&["event_time"], &["event_type"], &["product_id"], &["user_id"], &["user_session"]],
        user: User::One(&["user_id"]),
        time: &["event_time"],
        event: &["event_type"],
        session: &["user_session"],
        value: &["price"],
        currency: &[],
        event_id: &[],
        note: "user_id is permanent, user_session changes after a long pause",
    },
    Layout {
        name: "AWS clickstream",
        marks: &[
            &["event_id"],
            &["event_timestamp"],
            &["event_name"],
            &["user_pseudo_id"],
            &["ingest_timestamp", "ingest_time_msec", "project_id", "event_time_msec"],
        ],
        user: User::One(&["user_pseudo_id"]),
        time: &["event_timestamp"],
        event: &["event_name"],
        session: &["session_id"],
        value: &["event_value", "event_value_in_usd"],
        currency: &["event_value_currency"],
        event_id: &["event_id"],
        note: "user_pseudo_id is in every row, user_id only after a login",
    },
    Layout {
        name: "AWS clickstream, as collected",
        marks: &[
            &["event_type"],
            &["event_id"],
            &["timestamp"],
            &["unique_id"],
            &["app_id"],
            &["sdk_name", "sdk_version", "hashCode"],
        ],
        user: User::One(&["unique_id"]),
        time: &["timestamp"],
        event: &["event_type"],
        session: &["attributes._session_id"],
        value: &[],
        currency: &[],
        event_id: &["event_id"],
        note: "unique_id is the collector's own id of the person",
    },
    Layout {
        name: "GA4 in BigQuery",
        marks: &[&["event_timestamp"], &["event_name"], &["user_pseudo_id"]],
        user: User::One(&["user_pseudo_id"]),
        time: &["event_timestamp"],
        event: &["event_name"],
        session: &["ga_session_id", "session_id"],
        value: &["ecommerce.purchase_revenue_in_usd", "purchase_revenue_in_usd", "event_value_in_usd"],
        currency: &[],
        event_id: &[],
        note: "user_pseudo_id is the browser or app instance and is missing only without consent, user_id is there \
               only where the site sets it; times are microseconds",
    },
    Layout {
        name: "PostHog",
        marks: &[
            &["distinct_id"],
            &["event"],
            &["timestamp"],
            &["person_id", "uuid", "elements_chain", "properties.$session_id", "properties.$lib"],
        ],
        user: User::One(&["person_id", "distinct_id"]),
        time: &["timestamp"],
        event: &["event"],
        session: &["properties.$session_id", "$session_id"],
        value: &[],
        currency: &[],
        event_id: &["uuid"],
        note: "person_id joins the distinct ids that the product knew to be one person when the row came in",
    },
    Layout {
        name: "Mixpanel",
        marks: &[
            &["properties.distinct_id", "distinct_id"],
            &["properties.time", "time"],
            &["event", "event_name", "name", "mp_event_name"],
            &[
                "properties.$insert_id",
                "$insert_id",
                "insert_id",
                "mp_processing_time_ms",
                "properties.mp_processing_time_ms",
                "mp_lib",
                "properties.mp_lib",
            ],
        ],
        user: User::One(&["properties.distinct_id", "distinct_id"]),
        time: &["properties.time", "time"],
        event: &["event", "event_name", "mp_event_name", "name"],
        session: &[],
        value: &[],
        currency: &[],
        event_id: &["properties.$insert_id", "$insert_id", "insert_id"],
        note: "distinct_id is the product's own person; in projects from before 2023 the epoch seconds of the raw \
               export are in the project's time zone, not in UTC",
    },
    Layout {
        name: "Amplitude",
        marks: &[
            &["event_type"],
            &["event_time"],
            &["amplitude_id", "event_properties", "amplitude_event_type"],
            &["user_id", "device_id", "amplitude_id"],
        ],
        user: User::One(&["amplitude_id"]),
        time: &["event_time"],
        event: &["event_type"],
        session: &["session_id"],
        value: &[],
        currency: &[],
        event_id: &["uuid", "$insert_id", "insert_id"],
        note: "amplitude_id is in every row and joins the devices of a known user; session_id -1 means no session",
    },
    Layout {
        name: "Snowplow",
        marks: &[
            &["domain_userid"],
            &["derived_tstamp", "collector_tstamp"],
            &["event_name", "event", "ecommerce_action_type"],
            &["event_id", "domain_sessionid", "domain_sessionidx"],
        ],
        user: User::One(&["domain_userid"]),
        time: &["derived_tstamp", "collector_tstamp"],
        event: &["ecommerce_action_type", "event_name", "event"],
        session: &["domain_sessionid"],
        value: &["transaction_revenue", "tr_total"],
        currency: &["transaction_currency", "tr_currency"],
        event_id: &["event_id"],
        note: "domain_userid is the browser's first-party id; user_id is there only where the site sets it",
    },
    Layout {
        name: "Segment or RudderStack",
        marks: &[
            &["anonymousId", "anonymous_id"],
            &["timestamp", "originalTimestamp", "original_timestamp"],
            &["event", "type"],
            &["messageId", "message_id", "receivedAt", "received_at", "sentAt", "sent_at"],
        ],
        user: User::Either(&[&["userId", "user_id"], &["anonymousId", "anonymous_id"]]),
        time: &["timestamp", "originalTimestamp", "original_timestamp"],
        event: &["event", "type"],
        session: &["context.sessionId", "context_session_id", "context.session_id"],
        value: &["properties.revenue", "revenue"],
        currency: &["properties.currency", "currency"],
        event_id: &["messageId", "message_id", "id"],
        note: "a row carries a user id, an anonymous id or both; page calls have no event name",
    },
    Layout {
        // Exports and uploads without the product's own id: a row has one of the two.
        name: "Amplitude",
        marks: &[
            &["event_type"],
            &["event_time"],
            &["device_id"],
            &["user_id"],
            &["session_id", "user_properties"],
        ],
        user: User::Either(&[&["user_id"], &["device_id"]]),
        time: &["event_time"],
        event: &["event_type"],
        session: &["session_id"],
        value: &[],
        currency: &[],
        event_id: &["uuid", "$insert_id", "insert_id"],
        note: "a row carries a user id, a device id or both; session_id -1 means no session",
    },
    Layout {
        name: "Mixpanel",
        marks: &[&["properties.distinct_id"], &["properties.time"], &["event"]],
        user: User::One(&["properties.distinct_id"]),
        time: &["properties.time"],
        event: &["event"],
        session: &[],
        value: &[],
        currency: &[],
        event_id: &[],
        note: "distinct_id is the product's own person",
    },
    Layout {
        name: "access log",
        marks: &[&["host"], &["time"], &["url", "path"], &["status"], &["protocol", "bytes"]],
        user: User::Together(&["host", "user_agent"]),
        time: &["time"],
        event: &[],
        session: &[],
        value: &[],
        currency: &[],
        event_id: &[],
        note: "a visitor is an address with its agent, as far as the log has both: many behind one address with \
               the same agent are one visitor, and one who changes the address is two",
    },
];

/// The layout whose marks are all among the columns; the most specific one if several are.
pub fn recognise(columns: &[&str]) -> Option<Profile> {
    LAYOUTS.iter().find_map(|layout| layout.profile(columns))
}

impl Layout {
    fn profile(&self, columns: &[&str]) -> Option<Profile> {
        let marks: Vec<String> =
            self.marks.iter().map(|names| first_present(columns, names)).collect::<Option<_>>()?;
        let user = match self.user {
            User::One(names) => vec![first_present(columns, names)?],
            User::Together(names) => {
                names.iter().filter_map(|name| first_present(columns, &[name])).collect()
            }
            User::Either(groups) => groups.iter().filter_map(|names| first_present(columns, names)).collect(),
        };
        let value = first_present(columns, self.value);
        let currency = value.as_ref().and_then(|_| first_present(columns, self.currency));
        Some(Profile {
            name: self.name,
            user_together: matches!(self.user, User::Together(_)) && user.len() > 1,
            user,
            time: first_present(columns, self.time),
            event: first_present(columns, self.event),
            session: first_present(columns, self.session),
            currency,
            value,
            event_id: first_present(columns, self.event_id),
            why: format!("has the columns {}; {}", marks.join(", "), self.note),
        })
    }
}

/// The file's own spelling of the first name that it has.
fn first_present(columns: &[&str], names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| {
        columns.iter().find(|column| column.eq_ignore_ascii_case(name)).map(|column| (*column).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Layout, user, time, event, session, value, event id; `-` for none.
    fn summary(header: &str) -> String {
        let columns: Vec<&str> = header.split(',').collect();
        let Some(profile) = recognise(&columns) else { return "none".to_owned() };
        let or_none = |name: Option<String>| name.unwrap_or_else(|| "-".to_owned());
        [
            profile.name.to_owned(),
            profile.user.join("+"),
            or_none(profile.time),
            or_none(profile.event),
            or_none(profile.session),
            or_none(profile.value),
            or_none(profile.event_id),
        ]
        .join(" | ")
    }

    #[test]
    fn layouts_are_told_by_their_columns() {
        for (header, expected) in [
            (
                "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session",
                "REES46 | user_id | event_time | event_type | user_session | price | -",
            ),
            (
                "event_date,event_timestamp,event_name,event_params,user_id,user_pseudo_id,event_value_in_usd",
                "GA4 in BigQuery | user_pseudo_id | event_timestamp | event_name | - | event_value_in_usd | -",
            ),
            (
                "event,properties.time,properties.distinct_id,properties.$insert_id,properties.price",
                "Mixpanel | properties.distinct_id | properties.time | event | - | - | properties.$insert_id",
            ),
            (
                "_file,_line,event_id,name,time,distinct_id,properties,insert_id,mp_processing_time_ms,device_id",
                "Mixpanel | distinct_id | time | name | - | - | insert_id",
            ),
            (
                "device_id,id,_insert_id,amplitude_id,event_properties,event_time,event_type,session_id,user_id,uuid",
                "Amplitude | amplitude_id | event_time | event_type | session_id | - | uuid",
            ),
            (
                "event_type,event_time,device_id,user_id,session_id",
                "Amplitude | user_id+device_id | event_time | event_type | session_id | - | -",
            ),
            (
                "anonymousId,userId,type,event,messageId,timestamp,receivedAt,properties.revenue,properties.currency",
                "Segment or RudderStack | userId+anonymousId | timestamp | event | - | properties.revenue | messageId",
            ),
            (
                "anonymous_id,event,event_text,id,original_timestamp,received_at,sent_at,timestamp,user_id",
                "Segment or RudderStack | user_id+anonymous_id | timestamp | event | - | - | id",
            ),
            (
                "uuid,event,properties,distinct_id,person_id,timestamp,created_at",
                "PostHog | person_id | timestamp | event | - | - | uuid",
            ),
            (
                "event,distinct_id,timestamp,properties.$session_id",
                "PostHog | distinct_id | timestamp | event | properties.$session_id | - | -",
            ),
            (
                "EVENT_ID,DOMAIN_USERID,DOMAIN_SESSIONID,DERIVED_TSTAMP,EVENT_NAME,TR_TOTAL,TR_CURRENCY",
                "Snowplow | DOMAIN_USERID | DERIVED_TSTAMP | EVENT_NAME | DOMAIN_SESSIONID | TR_TOTAL | EVENT_ID",
            ),
            (
                "event_timestamp,event_id,event_time_msec,event_name,event_value,user_id,user_pseudo_id,session_id",
                "AWS clickstream | user_pseudo_id | event_timestamp | event_name | session_id | event_value | event_id",
            ),
            (
                "event_date,event_id,event_name,event_timestamp,event_value_in_usd,ingest_timestamp,project_id,user_id,user_pseudo_id",
                "AWS clickstream | user_pseudo_id | event_timestamp | event_name | - | event_value_in_usd | event_id",
            ),
            (
                "hashCode,app_id,unique_id,device_id,event_type,event_id,timestamp,sdk_version",
                "AWS clickstream, as collected | unique_id | timestamp | event_type | - | - | event_id",
            ),
            ("user_id,event_name,ts", "none"),
            ("user_id,session_id,event,timestamp,platform", "none"),
            ("host,logname,time,method,url,response,bytes", "none"),
            (
                "host,ident,user,time,method,url,protocol,status,bytes",
                "access log | host | time | - | - | - | -",
            ),
            ("host,time,url,status,bytes,user_agent", "access log | host+user_agent | time | - | - | - | -"),
            ("", "none"),
        ] {
            assert_eq!(summary(header), expected, "{header}");
        }
    }

    #[test]
    fn currency_comes_with_a_value_and_marks_are_told() {
        let profile =
            recognise(&["anonymousId", "timestamp", "event", "messageId", "currency"]).expect("known");
        assert_eq!((profile.value, profile.currency), (None, None));
        assert!(profile.why.contains("anonymousId, timestamp, event, messageId"), "{}", profile.why);
    }

    #[test]
    fn every_layout_has_its_roles_within_reach_of_its_marks() {
        for layout in &LAYOUTS {
            let columns: Vec<&str> = layout.marks.iter().filter_map(|names| names.first().copied()).collect();
            let profile = layout.profile(&columns).expect(layout.name);
            let names_events = profile.event.is_some() || columns.contains(&"url");
            let found = profile.time.is_some() && names_events && !profile.user.is_empty();
            assert!(found, "{}", layout.name);
        }
    }
}
