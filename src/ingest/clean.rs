//! Texts that look alike made one, where that was asked for: blanks around them taken away, Unicode
//! put in one form.

use crate::decode::RecordSink;
use crate::decode::header::trimmed;
use crate::event::{Field, RecordAt, Reject};
use std::ops::Range;
use unicode_normalization::UnicodeNormalization;

/// What is done to every value that is read, before anything is made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cleaning {
    /// Blanks and signs of no width around it are taken away.
    pub trims: bool,
    /// It is put in the form NFC, in which a letter and its accent are one sign.
    pub composes: bool,
}

impl Cleaning {
    pub fn is_asked(self) -> bool {
        self.trims || self.composes
    }

    /// The text in its new form; `None` where it has that form.
    fn of(self, text: &[u8]) -> Option<String> {
        let has_ends = || [text.first(), text.last()].iter().flatten().any(|byte| !byte.is_ascii_graphic());
        let is_plain = !self.is_asked() || (text.is_ascii() && !(self.trims && has_ends()));
        if is_plain {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?;
        let kept = if self.trims { trimmed(text) } else { text };
        let cleaned = if self.composes { kept.nfc().collect() } else { kept.to_owned() };
        (cleaned != text).then_some(cleaned)
    }
}

/// Cleans the fields of records on their way.
pub struct Cleaned<'a> {
    cleaning: Cleaning,
    /// A field that is no text of the log.
    untouched: Option<usize>,
    /// Texts of the record in hand that changed, and whose they are.
    texts: String,
    places: Vec<(usize, Range<usize>)>,
    inner: &'a mut dyn RecordSink,
}

impl<'a> Cleaned<'a> {
    pub fn new(cleaning: Cleaning, untouched: Option<usize>, inner: &'a mut dyn RecordSink) -> Cleaned<'a> {
        Cleaned { cleaning, untouched, texts: String::new(), places: Vec::new(), inner }
    }
}

impl RecordSink for Cleaned<'_> {
    fn record(&mut self, at: RecordAt, fields: &[Field<'_>]) {
        self.texts.clear();
        self.places.clear();
        for (slot, field) in fields.iter().enumerate() {
            if let Field::Text(text) = field
                && self.untouched != Some(slot)
                && let Some(cleaned) = self.cleaning.of(text)
            {
                let start = self.texts.len();
                self.texts.push_str(&cleaned);
                self.places.push((slot, start..self.texts.len()));
            }
        }
        if self.places.is_empty() {
            return self.inner.record(at, fields);
        }
        let mut cleaned = fields.to_vec();
        for (slot, range) in &self.places {
            cleaned[*slot] = Field::Text(self.texts[range.clone()].as_bytes());
        }
        self.inner.record(at, &cleaned);
    }

    fn reject(&mut self, reject: Reject) {
        self.inner.reject(reject);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_change_only_as_asked() {
        let trims = Cleaning { trims: true, composes: false };
        let composes = Cleaning { trims: false, composes: true };
        for (text, trimmed, composed) in [
            ("view", None, None),
            ("", None, None),
            (" view\t", Some("view"), None),
            ("view\u{a0}", Some("view"), None),
            ("\u{feff}view\u{200b}", Some("view"), None),
            ("a b", None, None),
            ("a\u{200b}b", None, None),
            ("cafe\u{301}", None, Some("caf\u{e9}")),
            ("caf\u{e9}", None, None),
            ("\u{fb01}", None, None),
        ] {
            assert_eq!(trims.of(text.as_bytes()).as_deref(), trimmed, "{text:?}");
            assert_eq!(composes.of(text.as_bytes()).as_deref(), composed, "{text:?}");
        }
        let both = Cleaning { trims: true, composes: true };
        assert_eq!(both.of("e\u{301} ".as_bytes()).as_deref(), Some("\u{e9}"));
    }

    #[test]
    fn what_is_no_text_of_the_log_stays() {
        struct Kept(Vec<Vec<u8>>);
        impl RecordSink for Kept {
            fn record(&mut self, _: RecordAt, fields: &[Field<'_>]) {
                self.0.extend(fields.iter().map(|field| match field {
                    Field::Text(text) => text.to_vec(),
                    _ => b"none".to_vec(),
                }));
            }

            fn reject(&mut self, _: Reject) {}
        }
        let mut kept = Kept(Vec::new());
        let cleaning = Cleaning { trims: true, composes: true };
        let fields = [Field::Text(b" a "), Field::Missing, Field::Text(b" b "), Field::Text(b"c")];
        Cleaned::new(cleaning, Some(2), &mut kept).record(RecordAt::default(), &fields);
        assert_eq!(kept.0, [&b"a"[..], b"none", b" b ", b"c"]);
    }
}
