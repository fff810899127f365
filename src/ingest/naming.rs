//! Which event a row is, where rules or the page of its URL say it.
//!
//! A row costs one look at what is known of its URL's text: which rules' parts on the URL fit it, and
//! its path. Conditions on other columns are asked of each row, and only those of these rules.

use super::plan::{Derivation, ReadPlan, RoleSlots};
use crate::derive::Url;
use crate::event::Field;
use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// Texts of URLs that a thread remembers; beyond them it starts anew. Logs with more distinct texts
/// hold something in each URL that does not come again.
const KNOWN_URLS: usize = 1 << 16;
/// Longer ones are not remembered.
const KNOWN_URL_BYTES: usize = 1 << 10;

const UNKNOWN: u32 = u32::MAX;

/// What named a row: nothing here where its column did, and no rule was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Origin {
    /// The rule that fitted.
    pub rule: Option<u32>,
    /// Of a row that none fitted: its page, where the row's name does not say it. A code.
    pub page: Option<u32>,
}

/// One thread's knowledge of URLs and of the names that came of them. Numbers are places in the
/// thread's list of events.
pub(super) struct Naming<'p> {
    derivation: &'p Derivation,
    url: Option<usize>,
    /// Rows that no rule fits have a name of their own, so that their page is to be kept beside it.
    keeps_pages: bool,
    /// Rows that no rule fits are called by their page.
    names_pages: bool,
    known: HashMap<Box<[u8]>, u32, RandomState>,
    pages: Vec<Page>,
    of_rule: Vec<u32>,
    /// By path, and by name, a NUL and the page kept beside it: of rows that no rule fits.
    of_path: HashMap<Box<str>, u32, RandomState>,
    of_name: HashMap<Box<[u8]>, u32, RandomState>,
    /// Room for one of these names.
    key: Vec<u8>,
}

/// What is known of a URL.
struct Page {
    /// Rules whose parts on the URL fit, in their order.
    rules: Box<[u32]>,
    /// Decoded; empty without a URL.
    path: Box<str>,
    /// Of a row that no rule fits, where its page alone names it.
    number: u32,
}

impl<'p> Naming<'p> {
    pub(super) fn new(plan: &ReadPlan, derivation: &'p Derivation) -> Naming<'p> {
        Naming::of(&plan.roles, plan.event_name.is_some(), derivation)
    }

    fn of(roles: &RoleSlots, has_event_name: bool, derivation: &'p Derivation) -> Naming<'p> {
        let names_pages = !has_event_name && roles.event.is_none();
        Naming {
            derivation,
            url: roles.url,
            keeps_pages: !names_pages && derivation.asks_url(),
            names_pages,
            known: HashMap::default(),
            pages: Vec::new(),
            of_rule: vec![UNKNOWN; derivation.rules.len()],
            of_path: HashMap::default(),
            of_name: HashMap::default(),
            key: Vec::new(),
        }
    }

    /// The number of the row's name. `add` takes a name, a page to keep beside it and a rule, and
    /// gives the number of what is new.
    pub(super) fn number(
        &mut self,
        event: &[u8],
        fields: &[Field<'_>],
        mut add: impl FnMut(Option<&str>, Option<&str>, Option<u32>) -> u32,
    ) -> u32 {
        let place = self.page(fields);
        let page = &mut self.pages[place];
        let holds = |rule: &u32| {
            let condition = &self.derivation.conditions[*rule as usize];
            condition.as_ref().is_none_or(|condition| condition.holds(fields))
        };
        if let Some(&rule) = page.rules.iter().find(|rule| holds(rule)) {
            let number = &mut self.of_rule[rule as usize];
            if *number == UNKNOWN {
                *number = add(Some(&self.derivation.rules[rule as usize].event), None, Some(rule));
            }
            return *number;
        }
        if self.names_pages {
            if page.number == UNKNOWN {
                let name = (!page.path.is_empty()).then_some(&*page.path);
                page.number = *self.of_path.entry(page.path.clone()).or_insert_with(|| add(name, None, None));
            }
            return page.number;
        }
        let kept = self.keeps_pages.then_some(&*page.path);
        self.key.clear();
        self.key.extend_from_slice(event);
        self.key.push(0);
        self.key.extend_from_slice(kept.unwrap_or("").as_bytes());
        if let Some(&number) = self.of_name.get(&*self.key) {
            return number;
        }
        let name = String::from_utf8_lossy(event);
        let number = add((!name.is_empty()).then_some(&*name), kept, None);
        self.of_name.insert((&*self.key).into(), number);
        number
    }

    /// The place of what is known of the row's URL.
    fn page(&mut self, fields: &[Field<'_>]) -> usize {
        let text = match self.url.map(|slot| fields[slot]) {
            Some(Field::Text(text)) => text,
            _ => b"",
        };
        if let Some(&place) = self.known.get(text) {
            return place as usize;
        }
        if self.pages.len() >= KNOWN_URLS {
            self.known.clear();
            self.pages.clear();
        }
        let page = self.look_at(text);
        self.pages.push(page);
        let place = self.pages.len() - 1;
        if text.len() <= KNOWN_URL_BYTES {
            self.known.insert(text.into(), place as u32);
        }
        place
    }

    fn look_at(&self, text: &[u8]) -> Page {
        let url = if self.derivation.has_targets { Url::of_target(text) } else { Url::split(text) };
        let rules = self.derivation.rules.iter().zip(0..);
        let path = url.as_ref().map_or(&b""[..], |url| &url.path);
        Page {
            rules: rules.filter(|(rule, _)| rule.fits_url(url.as_ref())).map(|(_, number)| number).collect(),
            // Decoders hand over UTF-8, and decoding keeps it.
            path: String::from_utf8_lossy(path).into(),
            number: UNKNOWN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::Condition;
    use crate::derive::Rule;

    /// Slots: event, url, status.
    fn derivation(rules: &[&str]) -> Derivation {
        let rules: Vec<Rule> = rules.iter().map(|rule| rule.parse().expect(rule)).collect();
        let bind = |condition: &Condition| condition.bind(|_| Some(2)).expect("a column");
        let conditions = rules.iter().map(|rule| rule.condition().map(bind)).collect();
        Derivation { rules, conditions, has_targets: false }
    }

    fn naming(derivation: &Derivation, has_event: bool) -> Naming<'_> {
        let roles = RoleSlots { event: has_event.then_some(0), url: Some(1), ..RoleSlots::default() };
        Naming::of(&roles, false, derivation)
    }

    /// Name, page kept beside it and number of the rule of each row, from 1; `-` for none.
    fn told(naming: &mut Naming<'_>, rows: &[(&str, &str, &str)]) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        rows.iter()
            .map(|(event, url, status)| {
                let fields = [event, url, status].map(|text| Field::Text(text.as_bytes()));
                let number = naming.number(event.as_bytes(), &fields, |name, page, rule| {
                    let rule = rule.map_or("-".to_owned(), |rule| (rule + 1).to_string());
                    names.push(format!("{} {} {rule}", name.unwrap_or("-"), page.unwrap_or("-")));
                    names.len() as u32 - 1
                });
                names[number as usize].clone()
            })
            .collect()
    }

    const ROWS: [(&str, &str, &str); 7] = [
        ("view", "/a?x=1", "200"),
        ("view", "/a", "404"),
        ("view", "/pay", "200"),
        ("view", "/pay", "500"),
        ("click", "/b%20c", "200"),
        ("", "", "200"),
        ("click", "/b c", "500"),
    ];

    #[test]
    fn the_first_rule_that_fits_names_a_row() {
        let rules = derivation(&["x=?x=1", "paid=/pay[status = 200]", "failed=[status >= 500]"]);
        let by_page = ["x - 1", "/a - -", "paid - 2", "failed - 3", "/b c - -", "- - -", "failed - 3"];
        assert_eq!(told(&mut naming(&rules, false), &ROWS), by_page);
        let by_event = ["x - 1", "view /a -", "paid - 2", "failed - 3", "click /b c -", "-  -", "failed - 3"];
        assert_eq!(told(&mut naming(&rules, true), &ROWS), by_event);
    }

    #[test]
    fn without_rules_a_row_is_its_page() {
        let names = ["/a - -", "/a - -", "/pay - -", "/pay - -", "/b c - -", "- - -", "/b c - -"];
        assert_eq!(told(&mut naming(&derivation(&[]), false), &ROWS), names);
    }

    #[test]
    fn more_urls_than_are_remembered_are_named_all_the_same() {
        let rules = derivation(&["seven=/*7"]);
        let mut naming = naming(&rules, false);
        let mut count = 0;
        let urls: Vec<String> = (0..KNOWN_URLS + 10).map(|k| format!("/{}?{k}", k % 10)).collect();
        let rows: Vec<(&str, &str, &str)> = urls.iter().map(|url| ("", url.as_str(), "")).collect();
        for name in told(&mut naming, &rows) {
            count += usize::from(name == "seven - 1");
        }
        // Every tenth, and the last digit of 65,546 is less than 7.
        assert_eq!(count, KNOWN_URLS.div_euclid(10) + 1);
        assert!(naming.pages.len() <= KNOWN_URLS);
    }
}
