//! A funnel to start from where pages are the events: their names are many, and most speak of one
//! product or one file each.

use super::command::pattern_text;
use crate::human::count;
use crate::schema::suggest::{EventSummary, Suggested, suggest_funnel};

/// Files that a page brings along: nobody goes to them.
const PARTS_OF_PAGES: [&str; 23] = [
    "gif", "jpg", "jpeg", "png", "webp", "avif", "svg", "ico", "bmp", "xbm", "css", "js", "mjs", "map",
    "json", "woff", "woff2", "ttf", "eot", "mp3", "mp4", "mpg", "wav",
];
/// Pages of a funnel that speaks of no sale.
const PAGES: usize = 3;

/// Pages by their section: `/view/1017` is of `/view/*`, `/about.html` stands for itself.
pub(super) struct Sections {
    pub names: Vec<String>,
    of_event: Vec<u32>,
}

impl Sections {
    pub(super) fn of(events: &[String]) -> Sections {
        let section = |event: &String| match event.strip_prefix('/').and_then(|path| path.split_once('/')) {
            Some((first, _)) if !first.is_empty() => format!("/{first}/*"),
            _ => event.clone(),
        };
        let sections: Vec<String> = events.iter().map(section).collect();
        let mut names = sections.clone();
        names.sort_unstable();
        names.dedup();
        // Every section is among the names.
        let place = |section: &String| names.binary_search(section).unwrap_or(0) as u32;
        let of_event = sections.iter().map(place).collect();
        Sections { names, of_event }
    }

    /// The section of every kind of row; `none` stays as it is.
    pub(super) fn of_kinds(&self, event_of_kind: &[u32]) -> Vec<u32> {
        event_of_kind
            .iter()
            .map(|&event| self.of_event.get(event as usize).copied().unwrap_or(event))
            .collect()
    }
}

/// Steps in the grammar of `--steps` with their names, if any are to be suggested: sections that speak of
/// a sale and the way to it, else the pages that most people open.
pub(super) fn suggest_pages(sections: &[EventSummary], pages: &[EventSummary]) -> Option<Suggested> {
    suggest_funnel(sections).or_else(|| most_opened(pages))
}

fn most_opened(pages: &[EventSummary]) -> Option<Suggested> {
    let is_page = |page: &&EventSummary| {
        let file = page.name.rsplit('/').next().unwrap_or_default();
        let ending = file.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        !ending.is_some_and(|ending| PARTS_OF_PAGES.contains(&ending.as_str()))
    };
    let mut opened: Vec<&EventSummary> = pages.iter().filter(is_page).collect();
    opened.sort_by(|a, b| (b.people, &a.name).cmp(&(a.people, &b.name)));
    opened.truncate(PAGES);
    if opened.len() < PAGES {
        return None;
    }
    let people: Vec<String> = opened.iter().map(|page| count(page.people)).collect();
    // By when people come there first; then the one of most people.
    opened.sort_by(|a, b| a.first_place.total_cmp(&b.first_place));
    let why = format!(
        "no page speaks of a sale; these are the {PAGES} that most people open ({} people), images and the like \
         aside, in the order in which people come to them first",
        people.join(", ")
    );
    Some(Suggested { steps: opened.into_iter().map(|page| page.name.clone()).collect(), why })
}

/// The suggested names in the grammar of `--steps`; those of sections are patterns.
pub(super) fn steps_text(steps: &[String], sections: &Sections) -> String {
    let is_pattern = |name: &String| name.ends_with("/*") && sections.names.binary_search(name).is_ok();
    let steps = steps.iter().map(|name| pattern_text(name, is_pattern(name)));
    steps.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(name: &str, people: u64, first_place: f64) -> EventSummary {
        EventSummary { name: name.to_owned(), rows: people, people, first_place }
    }

    #[test]
    fn pages_lie_in_sections() {
        let events = ["/view/1", "/", "/view/2/x", "/about", "//x", "*", "login"].map(str::to_owned);
        let sections = Sections::of(&events);
        assert_eq!(sections.names, ["*", "/", "//x", "/about", "/view/*", "login"]);
        assert_eq!(sections.of_kinds(&[0, 2, 1, u32::MAX]), [4, 4, 1, u32::MAX]);
    }

    #[test]
    fn sections_of_a_sale_come_before_the_most_opened_pages() {
        let sections = [page("/view/*", 9, 0.0), page("/cart/*", 5, 1.0), page("/purchase/*", 3, 2.0)];
        let found = suggest_pages(&sections, &[]).expect("a sale");
        assert_eq!(found.steps, ["/view/*", "/cart/*", "/purchase/*"]);
        let pages = [
            page("/logo.GIF", 90, 0.0),
            page("/b", 20, 3.0),
            page("/", 30, 0.0),
            page("/a.html", 20, 1.0),
            page("/c", 19, 0.5),
        ];
        let found = suggest_pages(&[], &pages).expect("three pages");
        assert_eq!(found.steps, ["/", "/a.html", "/b"]);
        assert!(suggest_pages(&[], &pages[..3]).is_none());
    }

    #[test]
    fn only_sections_are_patterns() {
        let sections = Sections::of(&["/view/1".to_owned(), "/a*".to_owned(), "/b/*".to_owned()]);
        let steps = ["/view/*", "/a*"].map(str::to_owned);
        assert_eq!(steps_text(&steps, &sections), "/view/*, '/a*'");
    }
}
