//! Documents on a terminal: nothing in the data acts on it, and colour changes nothing else.

use super::choices::Choices;
use super::document::{acts, document};
use crate::render::{Renderer, Style, Terminal};
use jiff::tz::{TimeZone, offset};

const WIDTHS: [usize; 6] = [0, 20, 33, 80, 133, 1_000];

/// Bytes of choices with the texts of a document.
pub fn run(data: &[u8]) {
    let mut choices = Choices { rest: data };
    let zone = if choices.below(2) == 0 { TimeZone::UTC } else { TimeZone::fixed(offset(3)) };
    let style = Style {
        width: WIDTHS[usize::from(choices.below(6))],
        ascii: choices.below(2) == 1,
        zone,
        ..Style::default()
    };
    let blocks = document(&mut choices);
    let shown = |style: Style| {
        let mut out = Vec::new();
        Terminal::new(style).document(&blocks, &mut out).expect("memory takes all");
        String::from_utf8(out).expect("texts are UTF-8")
    };
    let plain = shown(style.clone());
    let acting = plain.chars().find(|c| *c != '\n' && acts(*c));
    assert_eq!(acting, None, "{plain:?}");
    let lines = |text: &str| -> Vec<String> { text.lines().map(|line| line.trim_end().to_owned()).collect() };
    let colored = shown(Style { color: true, ..style.clone() });
    assert_eq!(lines(&without_color(&colored)), lines(&plain));
    let isolated = shown(Style { isolate_bidi: true, ..style });
    for line in isolated.lines() {
        let mut depth = 0;
        for c in line.chars() {
            match c {
                '\u{2068}' => depth += 1,
                '\u{2069}' => depth -= 1,
                c => assert!(!acts(c), "{line:?}"),
            }
            assert!(depth == 0 || depth == 1, "{line:?}");
        }
        assert_eq!(depth, 0, "{line:?}");
    }
}

/// Without sequences that choose colours and weight, and with all others, were there any.
fn without_color(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\x1b[") {
        plain.push_str(&rest[..at]);
        let parameters = rest[at + 2..].trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        let end = parameters.strip_prefix('m').expect("only colours and weight");
        rest = end;
    }
    plain + rest
}
