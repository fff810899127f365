//! The nearest names to one that was not found: for unknown columns, events, steps and funnels.

use std::collections::BTreeSet;

/// Up to `n` of the present names that `wanted` may have meant, best first, ties by name.
///
/// Names that differ only in case or separators come first, then names that hold all of `wanted`
/// or lie inside it, then those within one edit in three letters (Damerau–Levenshtein). Names further
/// away are no suggestion at all.
pub fn suggest_nearest<'a>(wanted: &str, present: impl Iterator<Item = &'a str>, n: usize) -> Vec<String> {
    let key = folded(wanted);
    let names: BTreeSet<&str> = present.filter(|name| *name != wanted).collect();
    let mut ranked: Vec<(usize, &str)> =
        names.into_iter().filter_map(|name| distance(&key, &folded(name)).map(|far| (far, name))).collect();
    ranked.sort_unstable();
    ranked.into_iter().take(n).map(|(_, name)| name.to_owned()).collect()
}

fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// 0 is the same name; containment counts as one edit, so that it goes before a distant typo.
fn distance(wanted: &str, name: &str) -> Option<usize> {
    let (wanted_letters, name_letters) = (wanted.chars().count(), name.chars().count());
    if wanted_letters == 0 || name_letters == 0 {
        return None;
    }
    let edits = strsim::damerau_levenshtein(wanted, name);
    let shorter = wanted_letters.min(name_letters);
    let contained = shorter >= 3 && (name.contains(wanted) || wanted.contains(name));
    let allowed = (wanted_letters.max(name_letters) / 3).max(1);
    if contained { Some(edits.min(1)) } else { (edits <= allowed && edits < shorter).then_some(edits) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest(wanted: &str, present: &[&str]) -> Vec<String> {
        suggest_nearest(wanted, present.iter().copied(), 3)
    }

    #[test]
    fn typos_case_and_separators_are_found() {
        let events = ["view", "add_to_cart", "checkout", "purchase", "purchase"];
        assert_eq!(nearest("purchsae", &events), ["purchase"]);
        assert_eq!(nearest("AddToCart", &events), ["add_to_cart"]);
        assert_eq!(nearest("cart", &events), ["add_to_cart"]);
        assert_eq!(nearest("checkout_step", &events), ["checkout"]);
    }

    #[test]
    fn nothing_near_suggests_nothing() {
        assert!(nearest("refund", &["view", "cart"]).is_empty());
        assert!(nearest("", &["view"]).is_empty());
        assert!(nearest("view", &[]).is_empty());
        assert!(nearest("a", &["b"]).is_empty());
    }

    #[test]
    fn best_first_ties_by_name_and_no_more_than_asked() {
        let present = ["user_idd", "user_id", "userid", "UserId", "user_ix"];
        assert_eq!(nearest("USER_ID", &present), ["UserId", "user_id", "userid"]);
        assert!(suggest_nearest("user_id", present.iter().copied(), 0).is_empty());
    }
}
