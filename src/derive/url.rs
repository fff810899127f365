//! A logged URL, taken apart as far as rules look at it.

use std::borrow::Cow;

/// The parts of a URL, or of the target of a request. What stands behind `#` is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url<'t> {
    /// As written, without `://`.
    pub scheme: Option<&'t [u8]>,
    /// As written, with its port, without a user's name.
    pub host: Option<&'t [u8]>,
    /// Percent-decoded; never empty.
    pub path: Cow<'t, [u8]>,
    /// Behind the first `?`, as written.
    pub query: &'t [u8],
}

impl<'t> Url<'t> {
    /// Takes a reference apart (RFC 3986, section 4.2): what follows `//` is a host. `None` for an empty
    /// text. Anything else has a path, if an odd one: `*`, `host:443`.
    pub fn split(text: &'t [u8]) -> Option<Url<'t>> {
        Url::parts(text, true)
    }

    /// Takes the target of a request apart (RFC 9112, section 3.2): what begins with a slash is a path.
    pub fn of_target(text: &'t [u8]) -> Option<Url<'t>> {
        Url::parts(text, false)
    }

    fn parts(text: &'t [u8], is_reference: bool) -> Option<Url<'t>> {
        let text = text.trim_ascii();
        let text = &text[..memchr::memchr(b'#', text).unwrap_or(text.len())];
        let (before, query) = match memchr::memchr(b'?', text) {
            Some(at) => (&text[..at], &text[at + 1..]),
            None => (text, &b""[..]),
        };
        let scheme = scheme_length(before).map(|length| &before[..length]);
        let behind = match scheme {
            Some(scheme) => Some(&before[scheme.len() + b"://".len()..]),
            None => before.strip_prefix(b"//").filter(|_| is_reference),
        };
        let (host, path) = match behind {
            Some(rest) => {
                let end = memchr::memchr(b'/', rest).unwrap_or(rest.len());
                let (authority, path) = rest.split_at(end);
                let host = memchr::memrchr(b'@', authority).map_or(0, |at| at + 1);
                (Some(&authority[host..]), path)
            }
            None => (None, before),
        };
        let path = if path.is_empty() { &b"/"[..] } else { path };
        let is_empty = before.is_empty() && query.is_empty();
        (!is_empty).then(|| Url { scheme, host, path: decoded(path, false), query })
    }

    /// The fields of the query, names and values decoded, in their order.
    pub(super) fn fields(&self) -> impl Iterator<Item = (Cow<'t, [u8]>, Cow<'t, [u8]>)> {
        let fields = self.query.split(|&byte| byte == b'&').filter(|field| !field.is_empty());
        fields.map(|field| {
            let (name, value) = match memchr::memchr(b'=', field) {
                Some(at) => (&field[..at], &field[at + 1..]),
                None => (field, &b""[..]),
            };
            (decoded(name, true), decoded(value, true))
        })
    }
}

/// Bytes before `://`, if they are a scheme.
fn scheme_length(text: &[u8]) -> Option<usize> {
    let length = memchr::memchr(b':', text)?;
    let is_scheme = text.first().is_some_and(u8::is_ascii_alphabetic)
        && text[..length].iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    (is_scheme && text[length..].starts_with(b"://")).then_some(length)
}

/// Undoes `%HH`, and `+` for a blank where `plus` says so. What would not be a plain sign of a name
/// stays as it is: `%2F`, which is no border of the path, control characters, and all of a text
/// that would not be UTF-8.
pub(super) fn decoded(text: &[u8], plus: bool) -> Cow<'_, [u8]> {
    if !text.iter().any(|&byte| byte == b'%' || (plus && byte == b'+')) {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let escaped = text.get(at + 1..at + 3).filter(|_| byte == b'%').and_then(|digits| {
            let value = |byte: u8| char::from(byte).to_digit(16);
            // Two digits of four bits each.
            Some((value(digits[0])? << 4 | value(digits[1])?) as u8)
        });
        match escaped.filter(|byte| !byte.is_ascii_control() && (plus || *byte != b'/')) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(if plus && byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    if simdutf8::basic::from_utf8(&decoded).is_ok() { Cow::Owned(decoded) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scheme, host, path and query, `-` for none.
    fn parts(text: &str) -> String {
        let shown = |bytes: Option<&[u8]>| {
            bytes.map_or("-".to_owned(), |bytes| String::from_utf8_lossy(bytes).into_owned())
        };
        match Url::split(text.as_bytes()) {
            None => "none".to_owned(),
            Some(url) => {
                [shown(url.scheme), shown(url.host), shown(Some(&url.path)), shown(Some(url.query))].join(" ")
            }
        }
    }

    #[test]
    fn urls_have_up_to_four_parts() {
        for (text, expected) in [
            ("/cart/", "- - /cart/ "),
            ("/cart?a=1?b#top", "- - /cart a=1?b"),
            ("https://Shop.example:443/a/b?x=y", "https Shop.example:443 /a/b x=y"),
            ("https://shop.example", "https shop.example / "),
            ("https://shop.example?x", "https shop.example / x"),
            ("http://ann:secret@shop.example/a", "http shop.example /a "),
            ("android-app://com.example/x", "android-app com.example /x "),
            ("//other.example/a?b", "- other.example /a b"),
            ("//ann@Other.example:8080", "- Other.example:8080 / "),
            ("/double//slash", "- - /double//slash "),
            ("cart/pay", "- - cart/pay "),
            ("*", "- - * "),
            ("proxy.example:443", "- - proxy.example:443 "),
            ("/go?to=https://other.example/", "- - /go to=https://other.example/"),
            ("/a://b", "- - /a://b "),
            ("?x=1", "- - / x=1"),
            (" /a ", "- - /a "),
            ("#top", "none"),
            ("", "none"),
        ] {
            assert_eq!(parts(text), expected, "{text:?}");
        }
    }

    #[test]
    fn targets_of_requests_that_begin_with_slashes_are_paths() {
        let path = |text: &str| {
            let url = Url::of_target(text.as_bytes()).expect(text);
            (url.host.is_some(), String::from_utf8_lossy(&url.path).into_owned())
        };
        assert_eq!(path("//wp-login.php?a"), (false, "//wp-login.php".to_owned()));
        assert_eq!(path("http://proxied.example/a"), (true, "/a".to_owned()));
    }

    #[test]
    fn escapes_are_undone_where_a_name_comes_of_it() {
        for (text, path, field) in [
            ("a%20b", "a b", "a b"),
            ("%D7%A9%d7%9c", "של", "של"),
            ("a+b", "a+b", "a b"),
            ("a%2Fb", "a%2Fb", "a/b"),
            ("a%00%0a%7f", "a%00%0a%7f", "a%00%0a%7f"),
            ("%ff%20", "%ff%20", "%ff%20"),
            ("100%", "100%", "100%"),
            ("%4", "%4", "%4"),
            ("%zz", "%zz", "%zz"),
            ("%2541", "%41", "%41"),
        ] {
            assert_eq!(decoded(text.as_bytes(), false), path.as_bytes(), "{text}");
            assert_eq!(decoded(text.as_bytes(), true), field.as_bytes(), "{text}");
        }
    }

    #[test]
    fn fields_of_a_query_come_in_their_order() {
        let url = Url::split(b"/?b=2&&a=x%26y&flag&a=").expect("a URL");
        let fields: Vec<String> = url
            .fields()
            .map(|(name, value)| {
                format!("{}:{}", String::from_utf8_lossy(&name), String::from_utf8_lossy(&value))
            })
            .collect();
        assert_eq!(fields, ["b:2", "a:x&y", "flag:", "a:"]);
    }
}
