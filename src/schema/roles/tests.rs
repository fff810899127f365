//! The rows come from public sample files and exports: the first ones, or those that tell most; long ids and
//! columns that play no part are cut.

use super::*;
use crate::event::excerpt::shown;
use proptest::prelude::*;

fn columns(text: &str) -> Vec<ColumnSample<'static>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.trim().as_bytes());
    let mut records = reader.records().map(|record| record.expect("a sound record"));
    let header = records.next().expect("a header");
    let mut columns: Vec<ColumnSample<'_>> = header
        .iter()
        .map(|name| ColumnSample { name: name.to_owned(), kind: ColumnKind::Untyped, values: Vec::new() })
        .collect();
    for record in records {
        for (column, value) in columns.iter_mut().zip(&record) {
            column.values.push(Some(value.to_owned().into()));
        }
    }
    columns
}

/// `user | time | event | session | value | currency` by name, `-` for none.
fn summary(columns: &[ColumnSample<'_>], guess: &Guess) -> String {
    let names = |choices: &[Choice]| {
        let names: Vec<&str> = choices.iter().map(|choice| columns[choice.column].name.as_str()).collect();
        if names.is_empty() { "-".to_owned() } else { names.join("+") }
    };
    let optional = [&guess.event, &guess.session, &guess.value, &guess.currency];
    let mut parts = vec![names(&guess.user), names(&guess.time)];
    parts.extend(optional.map(|choice| names(choice.as_slice())));
    parts.join(" | ")
}

fn guessed(text: &str) -> String {
    let columns = columns(text);
    let guess = guess(&columns, &Asked::default());
    summary(&columns, &guess)
}

fn problem(text: &str) -> RoleProblem {
    let guess = guess(&columns(text), &Asked::default());
    guess.required().expect_err("a problem").clone()
}

const SHOP: &str = "
user_id,session_id,event,timestamp,platform,acquisition_channel,user_cohort,user_lifecycle
user_0000,sess_000001,home,2024-03-13 10:21:14,desktop,email,2024-01,returning
user_0000,sess_000001,promo_page,2024-03-13 10:21:28,desktop,email,2024-01,returning
user_0000,sess_000001,product_view,2024-03-13 10:22:12,desktop,email,2024-01,returning";

const TRACKER: &str = "
event_id,user,session,session_index,timestamp,event,checkout_step,n_products,price,revenue,transaction_id
4be2b2dd,31cb1a4b,0a42e1e2,1,2022-12-22 13:25:47.677000+00:00,product_view,,1,12.0,,
fc1ec68f,b4483160,20e8f60a,1,2022-11-28 08:37:37.219000+00:00,,1,0,,,
a64a0af6,31cb1a4b,0a42e1e2,1,2022-12-22 13:25:42.138000+00:00,transaction,,1,12.0,13.0,TtlZ3b
b64a0af6,31cb1a4b,0a42e1e2,1,2022-12-22 13:25:43.138000+00:00,transaction,,1,12.0,13.0,TtlZ3b";

const CLICKS: &str = "
customer_id,time_stamp,click_event_type,product_name,product_category,product_price,total_price_of_basket,total_number_of_items_in_basket,total_number_of_distinct_items_in_basket,session_duration
15174,2020-07-30T23:17:36,add_to_cart,Canned Foods,Food,6.99,35.91,9,3,0
15235,2020-07-30T23:17:36,login,,,0,0,0,0,0
10211,2020-07-30T23:17:37,logout_without_purchase,,,0,40.9,10,3,324
14752,2020-07-30T23:17:41,logout_with_purchase,,,0,174.84,16,5,474";

#[test]
fn event_logs_of_many_makers() {
    assert_eq!(guessed(SHOP), "user_id | timestamp | event | session_id | - | -");
    assert_eq!(guessed(TRACKER), "user | timestamp | event | session | revenue | -");
    assert_eq!(
        guessed(CLICKS),
        "customer_id | time_stamp | click_event_type | - | total_price_of_basket | -"
    );
    let pinot = "user_id,event_name,ts\n1,screen_viewed,1718112405\n1,screen_clicked,1718112406\n1,purchased,1718112407";
    assert_eq!(guessed(pinot), "user_id | ts | event_name | - | - | -");
    let bench = "event_time,event_type,product_id,category_code,brand,price,user_id,user_session\n\
                 2026-01-01T00:00:00.123Z,view,1001,a.b,\"x, y\",10.50,00042,s1";
    assert_eq!(guessed(bench), "user_id | event_time | event_type | user_session | price | -");
}

#[test]
fn exports_of_known_products() {
    let amplitude = "\
device_id,id,server_upload_time,_insert_id,amplitude_id,client_event_time,data,event_properties,event_time,event_type,session_id,user_creation_time,user_id,uuid
2ff5d160,242501284,2025-02-13T05:35:51.648,,75805000264,2025-02-01T19:42:58.123,\"{\"\"first_event\"\":true}\",{},2025-03-01T19:42:58.123,watch_test_amplitude,-1,,dev@gmail.com,f4d527be
3b41cbe7,370485021,2025-02-11T15:09:45.517,,75605632776,2025-02-01T19:42:58.123,{},{},2025-03-01T19:42:58.123,watch_test_amplitude,-1,,a@gmail.com,d1ee87f6";
    // The session is -1 throughout: none.
    assert_eq!(guessed(amplitude), "amplitude_id | event_time | event_type | - | - | -");
    let mixpanel = "\
_file,_line,_fivetran_id,event_id,name,time,distinct_id,properties,insert_id,mp_processing_time_ms,device_id
sample_events.csv,10008,k4G7,9406000,plays,2020-08-01 10:16:46,9e308c27,\"{\"\"title\"\": \"\"x\"\"}\",pnre,406572,
sample_events.csv,10009,tUc3,1744000,playthrough_25,2020-08-01 11:35:44,622b169c,{},vqrp,744380,";
    assert_eq!(guessed(mixpanel), "distinct_id | time | name | - | - | -");
    let aws = "\
event_timestamp,event_id,event_time_msec,event_name,event_value,event_value_currency,ingest_time_msec,user_id,user_pseudo_id,session_id,created_time
2024-05-16 19:50:01.418,c30d086b,1715889001418,_first_open,NULL,NULL,1715889302616,NULL,412f30bf,16852f55-20240516-195001418,2024-05-20 03:54:10.295202
2024-05-16 19:50:01.42,8792afb1,1715889001420,_page_view,NULL,NULL,1715889302392,NULL,412f30bf,16852f55-20240516-195001418,2024-05-20 03:54:10.295202";
    assert_eq!(guessed(aws), "user_pseudo_id | event_timestamp | event_name | session_id | - | -");
    let snowplow = "\
event_id,domain_sessionid,domain_userid,network_userid,user_id,derived_tstamp,derived_tstamp_date,ecommerce_action_type,product_currency,product_price,product_list_price
e5778aec,03a92439,b5b80a59,a9d66a2b,NULL,2022-10-25 07:51:10.642,2022-10-25,product_view,EUR,25.0,NULL
205e25c6,03a92439,b5b80a59,a9d66a2b,NULL,2022-10-25 07:51:10.998,2022-10-25,transaction,EUR,25.0,NULL";
    let expected = "domain_userid | derived_tstamp | ecommerce_action_type | domain_sessionid | product_price | product_currency";
    assert_eq!(guessed(snowplow), expected);
    let sessions = guess(&columns(snowplow), &Asked::default()).session.expect("a session");
    assert_eq!(sessions.confidence, Confidence::Layout);
    assert!(sessions.evidence.ends_with("; each within one person"), "{}", sessions.evidence);
}

#[test]
fn logs_without_an_event_column_say_so() {
    let purchases = "master user id,sample user id,date,CDs,dollars\n00004,0001,19970101,2,29.33\n00004,0001,19970118,2,29.73";
    assert_eq!(guessed(purchases), "master user id | date | - | - | dollars | -");
    let problem_found = problem(purchases);
    assert_eq!(problem_found, RoleProblem::NotFound { role: Role::Event, candidates: Vec::new() });
    assert!(problem_found.hint().contains("--event-name purchase"));
    let asked = Asked { event_name: Some("purchase".to_owned()), ..Asked::default() };
    assert_eq!(guess(&columns(purchases), &asked).required(), Ok(()));

    let server = "host,logname,time,method,url,response,bytes\n\
                  199.72.81.55,-,804571201,GET,/history/apollo/,200,6245\n\
                  unicomp6.unicomp.net,-,804571206,GET,/shuttle/countdown/,200,3985";
    assert_eq!(guessed(server), "host | time | - | - | - | -");
    let visits = "customer_id,visit_start_tstamp,channel,referral_path,campaign,source,medium\n\
                  ff0009,2022-06-03 05:44:32,Direct,/,(not set),(direct),(none)";
    assert_eq!(guessed(visits), "customer_id | visit_start_tstamp | - | - | - | -");
    let conversions = "customer_id,conversion_tstamp,revenue\nff0001,2022-06-08 21:18:32.000,50.0";
    assert_eq!(guessed(conversions), "customer_id | conversion_tstamp | - | - | revenue | -");
}

#[test]
fn what_is_no_event_log_is_not_taken_for_one() {
    let survival = "no.,age,sex,histology,group,event,time\n1,41,Female,Grade3,RIT,True,53\n2,45,Female,Grade3,RIT,False,28";
    assert_eq!(guessed(survival), "- | - | - | - | - | -");
    let found = guess(&columns(survival), &Asked::default());
    let roles: Vec<Role> = found.problems.iter().map(RoleProblem::role).collect();
    assert_eq!(roles, [Role::User, Role::Time, Role::Event]);
    assert!(found.problems[1].to_string().contains("`time` (2 values in 2 rows; numbers)"));
    assert_eq!(guessed("T,E,group\n6.0,1,miR-137\n13.0,1,miR-137"), "- | - | - | - | - | -");
    assert_eq!(guessed("transformed_path,conversions,non_conversions\nDirect,3,25"), "- | - | - | - | - | -");
    assert_eq!(guess(&[], &Asked::default()).user, Vec::new());
    // A header without rows has names and no evidence.
    assert_eq!(guessed("user_id,event,ts"), "- | - | - | - | - | -");
}

#[test]
fn two_ids_that_differ_are_not_guessed_between() {
    let both = "user_id,customer_id,event,ts\n1,a,view,2024-01-01 00:00:00\n2,a,view,2024-01-01 00:00:01";
    let found = problem(both);
    assert!(
        matches!(&found, RoleProblem::Ambiguous { role: Role::User, candidates } if candidates.len() == 2)
    );
    assert!(
        found.to_string().contains("`user_id` (2 values in 2 rows; numbers), `customer_id` (1 value"),
        "{found}"
    );
    assert!(found.hint().contains("--user user_id,customer_id"));
    // What a shell would take for several words is one.
    let hint = problem(&both.replace("customer_id", "Customer ID")).hint();
    assert!(hint.contains("--user 'user_id,Customer ID'"), "{hint}");
    // Where both say the same, either will do.
    assert_eq!(
        guessed("user_id,customer_id,event,ts\n1,1,view,2024-01-01 00:00:00"),
        "user_id | ts | event | - | - | -"
    );
    // Known in some rows only, beside an id that all rows have.
    let partly = "user_id,device_id,event,ts\n,d1,view,2024-01-01 00:00:00\n7,d1,view,2024-01-01 00:00:01";
    assert!(matches!(problem(partly), RoleProblem::Ambiguous { role: Role::User, .. }));
    // The plainer name wins where all rows have it.
    let full = "device_id,user_id,event,ts\nd1,7,view,2024-01-01 00:00:00";
    assert_eq!(guessed(full), "user_id | ts | event | - | - | -");
}

#[test]
fn what_was_asked_is_never_overruled() {
    let asked = Asked {
        user: vec!["nobody".to_owned(), "platform".to_owned()],
        time: vec!["timestamp".to_owned()],
        event: Some("user_cohort".to_owned()),
        ..Asked::default()
    };
    let columns = columns(SHOP);
    let found = guess(&columns, &asked);
    assert_eq!(summary(&columns, &found), "platform | timestamp | user_cohort | session_id | - | -");
    assert_eq!(found.user[0].confidence, Confidence::Asked);
    assert_eq!(found.required(), Ok(()));
}

#[test]
fn unknown_columns_stop_with_the_nearest_names() {
    let asked = |role: Role| {
        let name = "userid".to_owned();
        match role {
            Role::User => Asked { user: vec![name], ..Asked::default() },
            Role::Time => Asked { time: vec!["timestamp".to_owned(), name], ..Asked::default() },
            Role::Event => Asked { event: Some(name), ..Asked::default() },
            Role::Url => Asked { url: Some(name), ..Asked::default() },
            Role::Session => Asked { session: Some(name), ..Asked::default() },
            Role::Value => Asked { value: Some(name), ..Asked::default() },
            Role::Currency => Asked { currency: Some(name), ..Asked::default() },
        }
    };
    for role in [Role::User, Role::Time, Role::Event, Role::Url, Role::Session, Role::Value, Role::Currency] {
        let found = guess(&columns(SHOP), &asked(role));
        let problem = found.required().expect_err("an unknown column");
        assert!(
            matches!(problem, RoleProblem::UnknownColumn { column, .. } if column == "userid"),
            "{problem}"
        );
        assert_eq!(problem.role(), role);
        assert_eq!(shown(&problem.hint()), "the nearest columns are user_id");
    }
}

#[test]
fn values_follow_the_purchases() {
    let value = |text: &str| {
        let columns = columns(text);
        guess(&columns, &Asked::default()).value.map(|choice| columns[choice.column].name.clone())
    };
    // Without a sale in the sample, an empty `revenue` may be the right one.
    let (before_the_first_sale, _) = TRACKER.split_at(TRACKER.find("a64a0af6").expect("a sale"));
    assert_eq!(value(before_the_first_sale), None);
    // Two amounts of like names, and no sale to choose by.
    let (before, _) = CLICKS.split_at(CLICKS.find("14752").expect("a sale"));
    assert_eq!(value(before), None);
    assert_eq!(value("user_id,event,ts,price,amount\n1,view,2024-01-01 00:00:00,5,"), None);
    assert_eq!(value("user_id,event,ts,price\n1,view,2024-01-01 00:00:00,5"), Some("price".to_owned()));
    let head = "user_id,event,ts";
    let rows = "1,purchase,2024-01-01 00:00:00";
    assert_eq!(value(&format!("{head},price\n{rows},5")), Some("price".to_owned()));
    assert_eq!(value(&format!("{head},price\n{rows},0")), None);
    assert_eq!(value(&format!("{head},price\n{rows},n/a")), None);
    assert_eq!(value(&format!("{head},price,quantity\n{rows},5,1\n{rows},5,3")), None);
    assert_eq!(
        value(&format!("{head},total_price,quantity\n{rows},5,1\n{rows},15,3")),
        Some("total_price".to_owned())
    );
    assert_eq!(value(&format!("{head},price,revenue\n{rows},5,10")), Some("revenue".to_owned()));
    assert_eq!(value(&format!("{head},price,amount\n{rows},5,10")), None);
    assert_eq!(value(&format!("{head},age,bytes\n{rows},5,10")), None);
}

#[test]
fn currencies_belong_to_their_value() {
    let rows = "1,purchase,2024-01-01 00:00:00";
    let with = |columns: &str, values: &str| guessed(&format!("user_id,event,ts,{columns}\n{rows},{values}"));
    assert_eq!(with("price,currency", "5,ILS"), "user_id | ts | event | - | price | currency");
    assert_eq!(with("price,currency", "5,shekel"), "user_id | ts | event | - | price | -");
    assert_eq!(
        with("cart_value,cart_currency,list_currency", "5,ILS,USD"),
        "user_id | ts | event | - | cart_value | cart_currency"
    );
    assert_eq!(with("currency", "ILS"), "user_id | ts | event | - | - | -");
}

#[test]
fn dates_and_times_of_day_in_two_columns() {
    let text = "user_id,date,time,event\n1,2024-01-01,10:00:00,view\n1,2024-01-02,10:00:01,view";
    assert_eq!(guessed(text), "user_id | date+time | event | - | - | -");
}

#[test]
fn the_time_of_the_event_comes_before_others() {
    let row = "1,view,2024-01-01 00:00:00,2024-01-01 00:00:09";
    assert_eq!(
        guessed(&format!("user_id,event,received_at,event_time\n{row}")),
        "user_id | event_time | event | - | - | -"
    );
    assert_eq!(
        guessed(&format!("user_id,event,timestamp,created_at\n{row}")),
        "user_id | timestamp | event | - | - | -"
    );
    let both = format!("user_id,event,timestamp,ts\n{row}");
    assert!(matches!(problem(&both), RoleProblem::Ambiguous { role: Role::Time, .. }));
}

#[test]
fn content_decides_where_names_say_nothing() {
    let text = "לקוח,c1,c2\n7,view,2024-01-01 00:00:00\n7,purchase,2024-01-01 00:00:01";
    let columns = columns(text);
    let found = guess(&columns, &Asked::default());
    assert_eq!(summary(&columns, &found), "לקוח | c2 | c1 | - | - | -");
    let confidences = (found.time[0].confidence, found.event.map(|event| event.confidence));
    assert_eq!(confidences, (Confidence::Low, Some(Confidence::Low)));
    assert_eq!(found.time[0].evidence, "name `c2`; 2 values in 2 rows; dates with times");
}

#[test]
fn kinds_of_the_format_outrank_looks() {
    let mut columns = columns("user_id,event,ts\n1,view,12\n1,view,13");
    assert!(guess(&columns, &Asked::default()).time.is_empty());
    columns[2].kind = ColumnKind::Time;
    assert_eq!(guess(&columns, &Asked::default()).time.len(), 1);
    columns[1].kind = ColumnKind::Nested;
    assert_eq!(guess(&columns, &Asked::default()).event, None);
}

#[test]
fn empty_columns_of_a_known_layout_are_not_taken() {
    // Calls without an event's name: the kind of call is all there is.
    let text = "anonymousId,userId,type,event,messageId,timestamp\na1,,page,,m1,2024-01-01T00:00:00Z";
    assert_eq!(guessed(text), "userId+anonymousId | timestamp | type | - | - | -");
}

proptest! {
    #[test]
    fn any_columns_and_values_are_survived(
        names in prop::collection::vec("user_id|event|ts|price|revenue|session|currency|date|time|.{0,6}", 0..6),
        values in prop::collection::vec("view|purchase|2024-01-0[1-9]|[0-9]{0,19}|-?[0-9.e]{0,5}|.{0,8}", 0..24),
    ) {
        let rows = values.len().checked_div(names.len()).unwrap_or(0);
        let sample = |k: usize| (0..rows).map(|row| values.get(k * rows + row).map(|value| value.into())).collect();
        let columns: Vec<ColumnSample<'_>> = names
            .iter()
            .enumerate()
            .map(|(k, name)| ColumnSample { name: name.clone(), kind: ColumnKind::Untyped, values: sample(k) })
            .collect();
        let found = guess(&columns, &Asked::default());
        let optional = [&found.event, &found.session, &found.value, &found.currency];
        let choices = found.user.iter().chain(&found.time).chain(optional.into_iter().flatten());
        for choice in choices {
            prop_assert!(choice.column < columns.len() && !choice.evidence.is_empty());
        }
        // A required role has a column or a problem, never both and never neither.
        let troubled = |role| found.problems.iter().any(|problem| problem.role() == role);
        prop_assert_eq!(found.user.is_empty(), troubled(Role::User));
        // Wide rows have several times and no event: one problem stands for both.
        let is_wide = found.problems.iter().any(|problem| matches!(problem, RoleProblem::Wide { .. }));
        prop_assert_eq!(found.time.is_empty() && !is_wide, troubled(Role::Time));
        prop_assert_eq!(found.event.is_none(), troubled(Role::Event));
        prop_assert_eq!(found.required().is_ok(), ![Role::User, Role::Time, Role::Event].into_iter().any(troubled));
    }
}

#[test]
fn urls_name_the_events_where_no_column_does() {
    let of = |text: &str, asked: &Asked| {
        let found = guess(&columns(text), asked);
        let url = found.url.as_ref().map(|choice| choice.column);
        (url, found.required().is_ok())
    };
    let server = "host,time,method,url\na,804571201,GET,/\nb,804571206,GET,/cart\na,804571207,GET,/\n";
    assert_eq!(of(server, &Asked::default()), (Some(3), true));
    // What is called so and holds something else names nothing.
    let other = server.replace('/', "page ");
    assert_eq!(of(&other, &Asked::default()), (None, false));
    // A log with events has no need of it, unless rules have.
    let named = "user,time,event,url\na,804571201,view,/\nb,804571206,buy,/cart\na,804571207,view,/\n";
    assert_eq!(of(named, &Asked::default()), (None, true));
    let ruled = Asked { has_rules: true, rules_ask_url: true, ..Asked::default() };
    assert_eq!(of(named, &ruled), (Some(3), true));
    // Rules that look at URLs need one; rules on other columns do without events.
    assert_eq!(of("user,time\na,804571201\n", &ruled), (None, false));
    assert_eq!(of("user,time\na,804571201\n", &Asked { rules_ask_url: false, ..ruled }), (None, true));
}

#[test]
fn one_row_a_person_with_several_times_is_told() {
    let problem = |text: &str, asked: &Asked| {
        let guess = guess(&columns(text), asked);
        guess.required().map_err(|problem| (problem.to_string(), problem.hint()))
    };
    let wide = "lead_id,created_at,won_at,source\na,2026-01-01 10:00:00,,web\nb,2026-01-02 11:00:00,2026-01-03 12:00:00,ads\n";
    let (message, hint) = problem(wide, &Asked::default()).expect_err("there is no event");
    assert!(message.contains("times in created_at, won_at"), "{message}");
    assert_eq!(hint, "read every time as an event: --unpivot 'created_at, won_at'");
    assert_eq!(problem(wide, &Asked { unpivot: true, ..Asked::default() }), Ok(()));
    // Two rows of one person, or one time column, are no wide file.
    let long = wide.replace("\nb,", "\na,");
    let narrow = wide.replace("won_at", "won").replace("2026-01-03", "yes");
    for text in [long, narrow] {
        let (message, _) = problem(&text, &Asked::default()).expect_err("there is no event");
        assert!(!message.contains("one row a person"), "{message}");
    }
}
