//! Patterns over URLs: `/checkout/*`, `//shop.example/*`, `/index.php?page=cart`.

use super::url::{Url, decoded};
use crate::condition::Glob;

use std::borrow::Cow;
use std::fmt;

/// A pattern over path, and host and scheme where it names them, and fields of the query. `*` is
/// any run of signs. Hosts are compared without case, and without a port unless the pattern has
/// one; paths with case, and a slash at their end makes no difference. A host without a path is
/// all of its pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlPattern {
    text: String,
    scheme: Option<String>,
    host: Option<Glob>,
    path: Glob,
    query: Vec<QueryField>,
}

/// A field of the query and the values that it may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QueryField {
    pub name: String,
    pub values: Vec<Glob>,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("a URL pattern without a sign")]
    Empty,
    #[error("{0:?}: a pattern starts with / or *, or with a host: write /{0} for a path, //{0} for a host")]
    NoStart(String),
    #[error(
        "{0:?}: what stands behind # is not looked at; a condition sees all of the URL: where = \"url ~ '*#...'\""
    )]
    Fragment(String),
    #[error("{0:?}: a field of the query without a name")]
    NoField(String),
}

impl UrlPattern {
    pub fn parse(text: &str) -> Result<UrlPattern, PatternError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.contains('#') {
            return Err(PatternError::Fragment(text.to_owned()));
        }
        let (before, query) = match text.split_once('?') {
            Some((before, query)) => (before, query_fields(text, query)?),
            None => (text, Vec::new()),
        };
        let (scheme, behind) = match (before.split_once("://"), before.strip_prefix("//")) {
            (_, Some(behind)) => (None, Some(behind)),
            (Some((scheme, behind)), _) if !scheme.contains(['/', '*']) => {
                (Some(scheme.to_ascii_lowercase()), Some(behind))
            }
            _ => (None, None),
        };
        let (host, path) = match behind {
            Some(behind) => {
                let end = behind.find('/').unwrap_or(behind.len());
                let path = if end == behind.len() { "*" } else { &behind[end..] };
                (Some(Glob::new(behind[..end].to_lowercase())), path)
            }
            // Only fields of the query, on any page.
            None if before.is_empty() => (None, "*"),
            None if before.starts_with(['/', '*']) => (None, before),
            None => return Err(PatternError::NoStart(text.to_owned())),
        };
        let path = Glob::new(decoded_pattern(path, false));
        Ok(UrlPattern { text: text.to_owned(), scheme, host, path, query })
    }

    /// The pattern of the path.
    pub fn path(&self) -> &str {
        self.path.as_str()
    }

    /// Whether all that the pattern names is so.
    pub fn fits(&self, url: &Url<'_>) -> bool {
        self.fits_path(&url.path)
            && self.scheme.as_ref().is_none_or(|scheme| {
                url.scheme.is_some_and(|found| found.eq_ignore_ascii_case(scheme.as_bytes()))
            })
            && self.host.as_ref().is_none_or(|host| url.host.is_some_and(|found| fits_host(host, found)))
            && self.query.iter().all(|field| field.fits(url))
    }

    fn fits_path(&self, path: &[u8]) -> bool {
        if self.path.matches(path) {
            return true;
        }
        match path {
            [] | b"/" => false,
            [path @ .., b'/'] => self.path.matches(path),
            path => self.path.matches(&[path, b"/"].concat()),
        }
    }
}

fn fits_host(pattern: &Glob, host: &[u8]) -> bool {
    let port = if pattern.as_str().contains(':') { None } else { memchr::memrchr(b':', host) };
    // The colons of an address in brackets are no port.
    let port = port.filter(|&at| !host[at..].contains(&b']'));
    pattern.matches(&host[..port.unwrap_or(host.len())].to_ascii_lowercase())
}

/// The `a=b&c` of a pattern.
fn query_fields(text: &str, query: &str) -> Result<Vec<QueryField>, PatternError> {
    let fields = query.split('&').filter(|field| !field.is_empty());
    fields
        .map(|field| {
            let (name, value) = field.split_once('=').unwrap_or((field, "*"));
            if name.is_empty() {
                return Err(PatternError::NoField(text.to_owned()));
            }
            let value = Glob::new(decoded_pattern(value, true));
            Ok(QueryField { name: decoded_pattern(name, true), values: vec![value] })
        })
        .collect()
}

/// A pattern as it is compared: with decoded texts. An escaped star is none of the pattern's own and
/// stays escaped.
fn decoded_pattern(text: &str, plus: bool) -> String {
    let kept = text.replace("%2A", "%252A").replace("%2a", "%252A");
    match decoded(kept.as_bytes(), plus) {
        Cow::Borrowed(_) => kept,
        Cow::Owned(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
    }
}

impl QueryField {
    /// Whether the field stands in the query with one of the values; names and values with case.
    pub(super) fn fits(&self, url: &Url<'_>) -> bool {
        url.fields().any(|(name, value)| {
            *name == *self.name.as_bytes() && self.values.iter().any(|wanted| wanted.matches(&value))
        })
    }
}

impl fmt::Display for QueryField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<&str> = self.values.iter().map(Glob::as_str).collect();
        write!(f, "{}={}", self.name, values.join("|"))
    }
}

impl fmt::Display for UrlPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, url: &str) -> bool {
        let pattern = UrlPattern::parse(pattern).expect(pattern);
        Url::split(url.as_bytes()).is_some_and(|url| pattern.fits(&url))
    }

    #[test]
    fn paths_are_matched_by_a_table_made_by_hand() {
        for (pattern, url, expected) in [
            ("/checkout", "/checkout", true),
            ("/checkout", "/checkout/", true),
            ("/checkout/", "/checkout", true),
            ("/checkout", "/checkout?step=2#pay", true),
            ("/checkout", "https://shop.example/checkout", true),
            ("/checkout", "/checkout/pay", false),
            ("/checkout", "/Checkout", false),
            ("/checkout", "/en/checkout", false),
            ("/checkout/*", "/checkout/pay", true),
            ("/checkout/*", "/checkout/", true),
            ("/checkout/*", "/checkout", true),
            ("/checkout/*", "/checkouts", false),
            ("/checkout*", "/checkouts", true),
            ("/*/pay", "/shop/il/pay/", true),
            ("*.html", "/a/b.html", true),
            ("*.html", "/a/b.html.gz", false),
            ("*", "/", true),
            ("/", "/", true),
            ("/", "https://shop.example", true),
            ("/", "/?utm_source=google", true),
            ("/", "/a", false),
            ("/a b", "/a%20b", true),
            ("/a%20b", "/a b", true),
            ("/של*", "/%D7%A9%D7%9C%D7%95%D7%9D", true),
            ("/a/b", "/a%2Fb", false),
            ("/a%2Fb", "/a%2Fb", true),
            ("/a//b", "/a/b", false),
            ("/a/*", "//a/b", false),
        ] {
            assert_eq!(fits(pattern, url), expected, "{pattern} on {url}");
        }
    }

    #[test]
    fn hosts_schemes_and_queries_are_matched_by_a_table_made_by_hand() {
        for (pattern, url, expected) in [
            ("//shop.example/cart", "https://shop.example/cart", true),
            ("//shop.example/cart", "http://SHOP.example:8080/cart/", true),
            ("//shop.example/cart", "/cart", false),
            ("//shop.example/cart", "//shop.example/cart?a", true),
            ("/cart", "//shop.example/cart", true),
            ("https://shop.example/cart", "//shop.example/cart", false),
            ("//shop.example:80/cart", "http://shop.example:80/cart", true),
            ("//shop.example:80/cart", "http://shop.example/cart", false),
            ("//*.example/cart", "https://www.shop.example/cart", true),
            ("//shop.example", "https://shop.example/any/page", true),
            ("//shop.example/", "https://shop.example/any/page", false),
            ("//Shop.Example", "https://shop.example", true),
            ("//[::1]", "http://[::1]/", true),
            ("https://shop.example/*", "https://shop.example/", true),
            ("HTTPS://shop.example/*", "http://shop.example/", false),
            ("/index.php?page=cart", "/index.php?lang=he&page=cart", true),
            ("/index.php?page=cart", "/index.php?page=carts", false),
            ("/index.php?page=cart*", "/index.php?page=carts", true),
            ("/index.php?page", "/index.php?page=", true),
            ("/index.php?page", "/index.php?pages=1", false),
            ("/?a=1&b=2", "/?b=2&a=1", true),
            ("/?a=1&b=2", "/?a=1", false),
            ("/?a=1", "/?a=2&a=1", true),
            ("?utm_source=goo gle", "/any?utm_source=goo+gle", true),
            ("?to=%2Fcart", "/login?to=/cart", true),
            ("?utm_source=Google", "/any?utm_source=google", false),
        ] {
            assert_eq!(fits(pattern, url), expected, "{pattern} on {url}");
        }
    }

    #[test]
    fn texts_that_are_no_pattern_say_why() {
        for (text, expected) in [
            ("", "a URL pattern without a sign"),
            ("checkout/*", "\"checkout/*\": a pattern starts with / or *, or with a host"),
            ("/#/cart", "\"/#/cart\": what stands behind # is not looked at"),
            ("/a?=b", "\"/a?=b\": a field of the query without a name"),
        ] {
            let error = UrlPattern::parse(text).expect_err(text).to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
