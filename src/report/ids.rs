//! What the ids of people and of the log's sessions tell of themselves: ids that stand for nobody, that
//! look like e-mail addresses, that differ from another in little, and sessions of several people.
//!
//! Memory: some 24 bytes for each of at most `KEPT` ids and sessions each; beyond them a share of
//! them is looked at, the same whatever the order.

use crate::ingest::{Accumulator, Person};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::BTreeMap;
use unicode_normalization::UnicodeNormalization;

/// Ids that stand for nobody in many exports, in lower case. (An empty id is always nobody.)
const NOBODY: [&[u8]; 7] =
    [b"null", b"none", b"nan", b"n/a", b"undefined", b"0", b"00000000-0000-0000-0000-000000000000"];
/// Texts whose sharers are counted at most.
const KEPT: usize = 1 << 18;

/// Gathers what is told of ids.
#[derive(Debug)]
pub struct IdFacts {
    /// Stored ids start with the place of their column.
    ids_have_column: bool,
    compares_sessions: bool,
    /// Rows by an id that looks like nobody's.
    pub nobody_rows: BTreeMap<String, u64>,
    /// Persons whose id looks like an e-mail address.
    pub mail_ids: u64,
    /// Persons by their id without case, blanks and signs of no width.
    alike: Sharers,
    /// Persons by the log's session ids.
    sessions: Sharers,
    codes: Vec<u32>,
}

impl IdFacts {
    pub fn new(ids_have_column: bool, compares_sessions: bool) -> IdFacts {
        IdFacts {
            ids_have_column,
            compares_sessions,
            nobody_rows: BTreeMap::new(),
            mail_ids: 0,
            alike: Sharers::new(KEPT),
            sessions: Sharers::new(KEPT),
            codes: Vec::new(),
        }
    }

    /// Ids that are equal to another but for case, blanks and signs of no width.
    pub fn look_alikes(&self) -> Shared {
        self.alike.shared()
    }

    /// Session ids of the log that more than one person has.
    pub fn shared_sessions(&self) -> Shared {
        self.sessions.shared()
    }

    fn note_id(&mut self, stored: &[u8], rows: usize) {
        let (column, id) = stored.split_at(usize::from(self.ids_have_column).min(stored.len()));
        if NOBODY.iter().any(|nobody| id.eq_ignore_ascii_case(nobody)) {
            *self.nobody_rows.entry(String::from_utf8_lossy(id).into_owned()).or_insert(0) += rows as u64;
        }
        self.mail_ids += u64::from(looks_like_mail(id));
        let folded = fold(&String::from_utf8_lossy(id));
        self.alike.add(&[column, folded.as_bytes()].concat());
    }

    fn note_sessions(&mut self, person: &Person<'_>) {
        let mut codes = std::mem::take(&mut self.codes);
        codes.clear();
        codes.extend((0..person.rows.len()).filter_map(|row| person.rows.session_code(row)));
        codes.sort_unstable();
        codes.dedup();
        for &code in &codes {
            self.sessions.add(person.rows.session_text(code));
        }
        self.codes = codes;
    }
}

impl Accumulator for IdFacts {
    fn person(&mut self, person: &Person<'_>) {
        self.note_id(person.rows.id(), person.rows.len());
        if self.compares_sessions {
            self.note_sessions(person);
        }
    }

    fn merge(&mut self, other: Self) {
        for (id, n) in other.nobody_rows {
            *self.nobody_rows.entry(id).or_insert(0) += n;
        }
        self.mail_ids += other.mail_ids;
        self.alike.merge(other.alike);
        self.sessions.merge(other.sessions);
    }
}

/// A name without case, without signs of no width, with single blanks of one kind, and with its letters in
/// the form NFKC, in which those of other widths and with their accents apart are the same.
pub fn fold(name: &str) -> String {
    let without_width = ['\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{00ad}'];
    if name.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase()) {
        return name.to_owned();
    }
    let lower = name.nfkc().filter(|c| !without_width.contains(c)).flat_map(char::to_lowercase);
    lower.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `name@host.tld`, and no blank in it.
fn looks_like_mail(id: &[u8]) -> bool {
    let mut parts = id.split(|&byte| byte == b'@');
    let (Some(name), Some(host), None) = (parts.next(), parts.next(), parts.next()) else { return false };
    let dotted =
        host.iter().position(|&byte| byte == b'.').is_some_and(|dot| dot > 0 && dot + 1 < host.len());
    !name.is_empty() && dotted && !id.iter().any(u8::is_ascii_whitespace)
}

/// Texts that more than one has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shared {
    /// Texts that several have.
    pub texts: u64,
    /// Who has them, each counted once a text.
    pub sharers: u64,
    /// There were more texts than are kept, so that there may be more of these.
    pub is_share: bool,
}

/// Counts how many have the same text, of the texts whose hashes are smallest: the same ones
/// whatever the order, and all of them where they are not many.
#[derive(Debug)]
struct Sharers {
    by_hash: HashMap<u64, u32, RandomState>,
    kept: usize,
    is_share: bool,
}

impl Sharers {
    fn new(kept: usize) -> Sharers {
        Sharers { by_hash: HashMap::default(), kept, is_share: false }
    }

    fn add(&mut self, text: &[u8]) {
        let hash = blake3::hash(text).as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
        *self.by_hash.entry(hash).or_insert(0) += 1;
        if self.by_hash.len() > 2 * self.kept {
            self.prune();
        }
    }

    fn merge(&mut self, other: Sharers) {
        self.is_share |= other.is_share;
        for (hash, n) in other.by_hash {
            *self.by_hash.entry(hash).or_insert(0) += n;
        }
        if self.by_hash.len() > self.kept {
            self.prune();
        }
    }

    /// Lets go of all but the smallest hashes, which stay the smallest whatever is added.
    fn prune(&mut self) {
        if let Some(limit) = self.limit() {
            self.by_hash.retain(|&hash, _| hash < limit);
            self.is_share = true;
        }
    }

    /// The first hash that is too many; `None` where none is.
    fn limit(&self) -> Option<u64> {
        let mut hashes: Vec<u64> = self.by_hash.keys().copied().collect();
        (hashes.len() > self.kept).then(|| *hashes.select_nth_unstable(self.kept).1)
    }

    fn shared(&self) -> Shared {
        let limit = self.limit();
        let kept = self.by_hash.iter().filter(|(hash, _)| limit.is_none_or(|limit| **hash < limit));
        let several = kept.map(|(_, &n)| u64::from(n)).filter(|&n| n > 1);
        let (texts, sharers) = several.fold((0, 0), |(texts, sharers), n| (texts + 1, sharers + n));
        Shared { texts, sharers, is_share: self.is_share || limit.is_some() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_nobody_and_of_mail() {
        let mut gathered = IdFacts::new(false, false);
        for id in ["NULL", "null", "7", "0", "00", "a@b.c", "a@b", "@b.c", "a@b.", "a@b@c.d", "a b@c.d"] {
            gathered.note_id(id.as_bytes(), 2);
        }
        let nobody: Vec<_> = gathered.nobody_rows.iter().map(|(id, n)| (id.as_str(), *n)).collect();
        assert_eq!(nobody, [("0", 2), ("NULL", 2), ("null", 2)]);
        assert_eq!(gathered.mail_ids, 1);
        let mut with_column = IdFacts::new(true, false);
        with_column.note_id(b"\x01undefined", 1);
        assert_eq!(with_column.nobody_rows.len(), 1);
    }

    #[test]
    fn ids_that_look_alike_are_counted_by_column() {
        let mut gathered = IdFacts::new(true, false);
        for id in ["\0Ann", "\0ann ", "\0a\u{200b}nn", "\u{1}ann", "\0bob", "\0BOB"] {
            gathered.note_id(id.as_bytes(), 1);
        }
        assert_eq!(gathered.look_alikes(), Shared { texts: 2, sharers: 5, is_share: false });
    }

    /// Of many texts the same are looked at, however they come and whoever counts them.
    #[test]
    fn a_share_of_many_texts_depends_on_no_order() {
        let texts: Vec<String> =
            (0..1000).flat_map(|n| (0..=n % 2).map(move |_| format!("text {n}"))).collect();
        let all = |texts: &[String], parts: usize| {
            let mut total = Sharers::new(100);
            for part in texts.chunks(texts.len().div_ceil(parts)) {
                let mut sharers = Sharers::new(100);
                part.iter().for_each(|text| sharers.add(text.as_bytes()));
                total.merge(sharers);
            }
            total.shared()
        };
        let one = all(&texts, 1);
        assert!(one.is_share && one.texts > 20 && one.texts < 80 && one.sharers == 2 * one.texts, "{one:?}");
        let mut backwards = texts.clone();
        backwards.reverse();
        for parts in [1, 2, 7, 500] {
            assert_eq!(all(&texts, parts), one);
            assert_eq!(all(&backwards, parts), one);
        }
        assert!(!all(&texts[..100], 3).is_share);
    }
}
