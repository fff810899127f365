//! A funnel to start from, when the events of a file speak of a purchase and of the way to it.
//!
//! Names propose, the data decide: a stage that buyers do not pass, or that people do only after
//! they bought, is left out. Where no event is a sale by its name there is no suggestion: the most
//! frequent events in a row are not a funnel.

use super::words::{Stage, stage};

/// One event of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct EventSummary {
    pub name: String,
    pub rows: u64,
    /// Persons with at least one such row.
    pub people: u64,
    /// When people do it for the first time: the median, over the people who do it, of the place of its
    /// first row among their events (distinct events or rows, as long as all are counted alike).
    pub first_place: f64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggested {
    /// Names of events, two or more, in order, not quoted.
    pub steps: Vec<String>,
    /// For people: what the suggestion rests on.
    pub why: String,
}

/// View, cart, checkout and payment as far as they exist, then the purchase.
pub fn suggest_funnel(events: &[EventSummary]) -> Option<Suggested> {
    let purchase = best_of(events, Stage::Purchase, |_| true)?;
    // Half of the buyers: a stage that fewer pass would make the funnel lose them.
    let passed = |event: &EventSummary| {
        event.people.saturating_mul(2) >= purchase.people && event.first_place <= purchase.first_place
    };
    let mut steps: Vec<&EventSummary> = Vec::new();
    for wanted in Stage::BEFORE_PURCHASE {
        let after_the_last = |event: &EventSummary| {
            passed(event) && steps.last().is_none_or(|last| last.first_place <= event.first_place)
        };
        if let Some(event) = best_of(events, wanted, after_the_last) {
            steps.push(event);
        }
    }
    if steps.is_empty() {
        return None;
    }
    let stages = steps.len();
    steps.push(purchase);
    let before = match stages {
        1 => "the one before it is a known stage that people reach first".to_owned(),
        stages => format!("the {stages} before it are known stages that people reach in this order"),
    };
    let why = format!(
        "`{}` is a sale by its name ({} people); {before}",
        purchase.name,
        crate::human::count(purchase.people)
    );
    Some(Suggested { steps: steps.into_iter().map(|event| event.name.clone()).collect(), why })
}

/// The event that speaks most plainly of the stage; then the one of most people; then by name.
fn best_of(
    events: &[EventSummary],
    wanted: Stage,
    fits: impl Fn(&EventSummary) -> bool,
) -> Option<&EventSummary> {
    let plainness =
        |event: &EventSummary| stage(&event.name).filter(|&(found, _)| found == wanted).map(|(_, p)| p);
    events
        .iter()
        .filter(|event| event.people > 0 && fits(event))
        .filter_map(|event| plainness(event).map(|plain| (plain, u64::MAX - event.people, event)))
        .min_by(|a, b| (a.0, a.1, &a.2.name).cmp(&(b.0, b.1, &b.2.name)))
        .map(|(_, _, event)| event)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(events: &[(&str, u64, u64, f64)]) -> Option<Vec<String>> {
        let events: Vec<EventSummary> = events
            .iter()
            .map(|&(name, rows, people, first_place)| EventSummary {
                name: name.to_owned(),
                rows,
                people,
                first_place,
            })
            .collect();
        suggest_funnel(&events).map(|suggested| suggested.steps)
    }

    // Rows, people and median first places were counted from the public files by a script.

    #[test]
    fn a_shop_with_many_events() {
        let events = [
            ("home", 2762, 586, 2.0),
            ("catalog", 6521, 600, 2.0),
            ("product_view", 6851, 598, 2.0),
            ("wishlist_add", 812, 417, 6.0),
            ("add_to_cart", 1346, 522, 7.0),
            ("shipping_details", 958, 441, 9.0),
            ("cart", 1204, 489, 7.0),
            ("payment_details", 709, 390, 9.0),
            ("purchase", 470, 328, 10.0),
            ("review_page", 406, 279, 7.0),
            ("payment_error", 119, 87, 12.0),
            ("checkout_bug", 44, 30, 10.0),
        ];
        let expected = ["product_view", "add_to_cart", "shipping_details", "payment_details", "purchase"];
        assert_eq!(steps(&events), Some(expected.map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_shop_whose_visits_end_with_a_purchase() {
        let events = [
            ("add_to_cart", 3495, 900, 2.0),
            ("checkout", 677, 630, 3.0),
            ("logout_with_purchase", 673, 626, 4.0),
            ("login", 815, 745, 0.0),
            ("browsing", 4054, 796, 1.0),
            ("logout_without_purchase", 286, 275, 3.0),
        ];
        let expected = ["browsing", "add_to_cart", "checkout", "logout_with_purchase"];
        assert_eq!(steps(&events), Some(expected.map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_tracker_with_lists_and_promotions() {
        let events = [
            ("add_to_cart", 38, 15, 2.0),
            ("product_view", 179, 19, 0.0),
            ("remove_from_cart", 15, 10, 3.0),
            ("checkout_step", 39, 12, 3.0),
            ("transaction", 15, 8, 4.5),
            ("list_view", 100, 13, 1.0),
            ("", 410, 41, 0.0),
            ("refund", 1, 1, 9.0),
        ];
        let expected = ["product_view", "add_to_cart", "checkout_step", "transaction"];
        assert_eq!(steps(&events), Some(expected.map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_stage_few_buyers_pass_is_left_out() {
        let events = [
            ("screen_viewed", 5, 4, 0.0),
            ("screen_clicked", 5, 4, 1.0),
            ("purchased", 5, 4, 2.0),
            ("cart_viewed", 1, 1, 2.0),
        ];
        assert_eq!(steps(&events), Some(vec!["screen_viewed".to_owned(), "purchased".to_owned()]));
    }

    #[test]
    fn stages_after_the_purchase_or_out_of_order_are_left_out() {
        let events = [("cart", 9, 9, 0.0), ("view", 9, 9, 3.0), ("purchase", 9, 9, 2.0)];
        assert_eq!(steps(&events), Some(vec!["cart".to_owned(), "purchase".to_owned()]));
        let events = [("view", 9, 9, 1.0), ("cart", 9, 9, 0.0), ("purchase", 9, 9, 2.0)];
        assert_eq!(steps(&events), Some(vec!["view".to_owned(), "purchase".to_owned()]));
    }

    #[test]
    fn nothing_is_better_than_a_made_up_funnel() {
        assert_eq!(steps(&[]), None);
        assert_eq!(steps(&[("login", 5, 5, 0.0), ("logout", 5, 5, 1.0)]), None);
        assert_eq!(steps(&[("purchase", 5, 5, 0.0)]), None);
        assert_eq!(steps(&[("view", 5, 5, 0.0), ("cart", 5, 5, 1.0)]), None);
        assert_eq!(steps(&[("view", 0, 0, 0.0), ("purchase", 5, 5, 1.0)]), None);
    }

    #[test]
    fn ties_are_settled_by_plainness_people_and_name() {
        let events = [("order_paid", 9, 9, 2.0), ("purchase", 3, 3, 2.0), ("view", 9, 9, 0.0)];
        assert_eq!(steps(&events).and_then(|steps| steps.last().cloned()).as_deref(), Some("purchase"));
        let events = [("view_item", 9, 9, 0.0), ("product_view", 9, 9, 0.0), ("purchase", 3, 3, 2.0)];
        assert_eq!(steps(&events).and_then(|steps| steps.first().cloned()).as_deref(), Some("product_view"));
    }
}
