//! Documents as Markdown: no text formats, links, starts HTML, or ends its cell or line.

use super::choices::Choices;
use super::document::{acts, document, without_texts};
use crate::render::{Markdown, Renderer};
use crate::report::table::Block;
use jiff::tz::TimeZone;

/// Bytes of choices with the texts of a document.
pub fn run(data: &[u8]) {
    let blocks = document(&mut Choices { rest: data });
    let shown = |blocks: &[Block]| {
        let mut out = Vec::new();
        Markdown::new(TimeZone::UTC).document(blocks, &mut out).expect("memory takes all");
        String::from_utf8(out).expect("texts are UTF-8")
    };
    let (text, own) = (shown(&blocks), shown(&without_texts(&blocks)));
    assert_eq!(text.lines().count(), own.lines().count(), "{text:?}");
    let mut fence: Option<String> = None;
    for (line, own) in text.lines().zip(own.lines()) {
        assert!(!line.contains(acts), "{line:?}");
        if let Some(marks) = &fence {
            // Inside a block of code, which nothing but its own fence ends.
            let longest = line.split(|c| c != '`').map(str::len).max().unwrap_or(0);
            if line == marks {
                fence = None;
            } else {
                assert!(longest < marks.len(), "{line:?}");
            }
            continue;
        }
        if own.starts_with("```") {
            fence = Some(line.trim_end_matches("sh").to_owned());
            assert!(line.trim_matches('`') == "sh", "{line:?}");
            continue;
        }
        let bare = without_escapes(line);
        assert!(!bare.contains(['<', '`', '[', ']', '~', '$', '\\']), "{line:?}");
        assert_eq!(bare.matches('|').count(), own.matches('|').count(), "{line:?}");
        assert_eq!(bare.matches('*').count(), own.matches('*').count(), "{line:?}");
        let marks = |line: &str| line.find(|c: char| !"#>- ".contains(c)).map_or(0, |end| end.min(2));
        if marks(own) == 0 && !own.starts_with('|') {
            let opens = |sign| line.starts_with(sign);
            assert!(!opens(['#', '-', '+', '=', '>', '|']), "{line:?}");
        }
    }
    assert_eq!(fence, None);
}

/// The line without what a backslash makes plain.
fn without_escapes(line: &str) -> String {
    let mut bare = String::with_capacity(line.len());
    let mut signs = line.chars();
    while let Some(sign) = signs.next() {
        if sign == '\\' {
            let escaped = signs.next();
            assert!(escaped.is_some_and(|c| c.is_ascii_punctuation()), "{line:?}");
        } else {
            bare.push(sign);
        }
    }
    bare
}
