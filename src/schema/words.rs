//! Names of columns and events taken apart into words, and what the words of an event say.

/// The lower-case words of a name: `addToCart`, `Added to Cart` and `added_to_cart` alike. Digits stay
/// with the letters before them.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous = ' ';
    let mut signs = name.chars().peekable();
    while let Some(c) = signs.next() {
        let next_is_lower = signs.peek().is_some_and(|next| next.is_lowercase());
        let starts =
            c.is_uppercase() && (previous.is_lowercase() || (previous.is_uppercase() && next_is_lower));
        if c.is_alphanumeric() {
            match words.last_mut() {
                Some(word) if previous.is_alphanumeric() && !starts => word.extend(c.to_lowercase()),
                _ => words.push(c.to_lowercase().collect()),
            }
        }
        previous = c;
    }
    words
}

/// A place on the way to a purchase, in the usual order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    View,
    Cart,
    Checkout,
    Payment,
    Purchase,
}

impl Stage {
    pub(super) const BEFORE_PURCHASE: [Stage; 4] =
        [Stage::View, Stage::Cart, Stage::Checkout, Stage::Payment];
}

/// Words that turn an event into something other than progress.
const NEGATIONS: [&str; 29] = [
    "without",
    "not",
    "no",
    "fail",
    "failed",
    "failure",
    "error",
    "bug",
    "cancel",
    "canceled",
    "cancelled",
    "cancellation",
    "refund",
    "refunded",
    "return",
    "returned",
    "abandon",
    "abandoned",
    "remove",
    "removed",
    "delete",
    "deleted",
    "decline",
    "declined",
    "rejected",
    "empty",
    "emptied",
    "review",
    "history",
];

const PURCHASE: [&str; 8] =
    ["purchase", "purchased", "buy", "bought", "transaction", "subscribed", "רכישה", "קנייה"];

/// Words of what only leads to a purchase.
const LEADING: [&str; 14] = [
    "initiate",
    "initiated",
    "begin",
    "start",
    "started",
    "view",
    "viewed",
    "click",
    "clicked",
    "button",
    "tap",
    "page",
    "screen",
    "intent",
];

const ONE_WORD_SALES: [&str; 5] = ["order", "ordered", "sale", "subscribe", "conversion"];

const DONE: [&str; 12] = [
    "complete",
    "completed",
    "success",
    "succeeded",
    "successful",
    "done",
    "placed",
    "confirmed",
    "confirmation",
    "created",
    "finished",
    "submitted",
];

/// The stage that an event's name speaks of and how plainly: 0 is the plainest. `None` if it speaks of none.
pub(super) fn stage(event: &str) -> Option<(Stage, u8)> {
    let words = words(event);
    let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let starts = |part: &str| words.iter().any(|word| word.starts_with(part));
    if words.is_empty() || any(&NEGATIONS) {
        return None;
    }
    let plain = |others: u8| if words.len() == 1 { 0 } else { others };
    if any(&PURCHASE) && !any(&LEADING) {
        return Some((Stage::Purchase, plain(1)));
    }
    if any(&DONE) && (any(&["order", "checkout", "payment", "booking"])) {
        return Some((Stage::Purchase, 1));
    }
    let last_is_paid = words.last().is_some_and(|word| word == "paid");
    if last_is_paid || matches!(words.as_slice(), [one] if ONE_WORD_SALES.contains(&one.as_str())) {
        return Some((Stage::Purchase, 2));
    }
    if starts("payment") || starts("billing") || words == ["pay"] || words == ["תשלום"] {
        return Some((Stage::Payment, plain(1)));
    }
    if starts("checkout") || (any(&["check"]) && any(&["out"])) || any(&["begincheckout"]) {
        return Some((Stage::Checkout, plain(1)));
    }
    if starts("shipping") || starts("delivery") {
        return Some((Stage::Checkout, 2));
    }
    if any(&["cart", "basket", "bag", "trolley", "עגלה", "סל"]) {
        // Putting something in says more than looking at the cart.
        let adds = any(&["add", "added", "adding", "הוספה"]);
        return Some((Stage::Cart, if adds || words.len() == 1 { 0 } else { 1 }));
    }
    let looks = any(&["view", "viewed", "views", "detail", "details", "צפייה"]);
    let thing = any(&["product", "item", "content", "מוצר"]);
    if looks && thing {
        return Some((Stage::View, 0));
    }
    if words == ["view"] || words == ["צפייה"] {
        return Some((Stage::View, 1));
    }
    if (looks && any(&["page", "screen", "list"])) || words == ["browsing"] || words == ["browse"] {
        return Some((Stage::View, 2));
    }
    None
}

/// Whether the event is a sale by its name.
pub(super) fn is_purchase(event: &str) -> bool {
    matches!(stage(event), Some((Stage::Purchase, _)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_apart_alike() {
        for name in ["addToCart", "Add to cart", "add_to_cart", "AddToCart", "add-to.cart", "$add__to_cart"] {
            assert_eq!(words(name), ["add", "to", "cart"], "{name}");
        }
        assert_eq!(words("userID"), ["user", "id"]);
        assert_eq!(words("HTTPStatus2"), ["http", "status2"]);
        assert_eq!(words("properties.$session_id"), ["properties", "session", "id"]);
        assert_eq!(words("מזהה לקוח"), ["מזהה", "לקוח"]);
        assert!(words(" - ").is_empty());
    }

    #[test]
    fn purchases_are_told_from_what_only_sounds_so() {
        for event in [
            "purchase",
            "Purchased",
            "transaction",
            "logout_with_purchase",
            "Order Completed",
            "checkout_complete",
            "payment_done",
            "orderPlaced",
            "buy",
            "subscribe",
            "order",
            "invoice_paid",
        ] {
            assert!(is_purchase(event), "{event}");
        }
        for event in [
            "logout_without_purchase",
            "purchase_failed",
            "refund",
            "payment_error",
            "Order Cancelled",
            "checkout",
            "payment_details",
            "view",
            "order_history",
            "begin_purchase",
            "",
            "removed from cart",
            "buy_button_click",
            "purchase page",
            "paid_search",
        ] {
            assert!(!is_purchase(event), "{event}");
        }
    }

    #[test]
    fn stages_have_their_order() {
        let stage_of = |event| stage(event).map(|(stage, _)| stage);
        assert_eq!(stage_of("product_view"), Some(Stage::View));
        assert_eq!(stage_of("add_to_cart"), Some(Stage::Cart));
        assert_eq!(stage_of("checkout_step"), Some(Stage::Checkout));
        assert_eq!(stage_of("payment_details"), Some(Stage::Payment));
        assert_eq!(stage_of("remove_from_cart"), None);
        assert_eq!(stage_of("checkout_bug"), None);
        assert_eq!(stage_of("review_page"), None);
        assert!(Stage::View < Stage::Cart && Stage::Payment < Stage::Purchase);
        assert!(stage("product_view") < stage("view") && stage("view") < stage("page_view"));
    }
}
