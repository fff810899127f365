//! What a line of an access log is made of: the known formats, and those a user writes in the
//! words of Apache's `LogFormat` or nginx's `log_format`.

use super::line::read_line;
use std::fmt;

/// Lines of a sample that are looked at.
const SAMPLE_LINES: usize = 100;

/// The format of the lines of an access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFormat {
    /// As the user knows it: a name or the text of the format.
    name: String,
    pub(super) parts: Vec<Part>,
    /// Literal text behind the last part.
    pub(super) tail: Vec<u8>,
    pub(super) columns: Vec<LogColumn>,
}

/// A value of the line, with the literal text before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub before: Vec<u8>,
    pub value: ValueKind,
    /// Stands between double quotes, which are part of the literals around it.
    pub quoted: bool,
    /// The column of the whole value, for messages.
    pub name: String,
}

impl Part {
    /// Holds method, target and protocol.
    pub(super) fn is_request(&self) -> bool {
        self.name == REQUEST
    }
}

/// The column of what was requested, with its query.
pub const TARGET: &str = "url";

/// The name of a part that is a whole request.
const REQUEST: &str = "request";

/// What a value must look like for the line to be sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueKind {
    Text,
    /// Three digits, or `-`.
    Status,
    /// Digits, or `-`.
    Count,
}

/// A column, and from where in the line it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogColumn {
    pub name: String,
    /// Index into the parts.
    pub part: usize,
    pub piece: Piece,
}

/// The piece of a part that a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    Whole,
    /// Of `GET /cart?x=1 HTTP/1.1`: the first word, if it is one.
    Method,
    /// All between method and protocol.
    Target,
    Protocol,
    /// Of the target, or of a part that is one: what stands before the first `?`, or behind it.
    Path,
    Query,
    /// As `Path` and `Query`, of a part that is the target alone.
    PathOfTarget,
    QueryOfTarget,
}

/// A text that is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogFormatError {
    #[error(
        "{0:?} is not common, combined, main, vhost_common, vhost_combined, or a format such as '%h %l %u %t \"%r\" %>s %b'"
    )]
    UnknownName(String),
    #[error("character {at}: {directive} is not known here")]
    UnknownDirective { directive: String, at: usize },
    #[error("character {at}: nothing stands between {directive} and the value before it")]
    NothingBetween { directive: String, at: usize },
    #[error("character {at}: a {{ without its }}")]
    OpenBrace { at: usize },
    #[error("character {at}: there is a column {column} already")]
    RepeatedColumn { column: String, at: usize },
    #[error("the format has no {0}")]
    Lacks(&'static str),
}

/// Formats by name. Where several read a line the first is taken: a host before the address could
/// pass for part of a user's name with blanks.
const KNOWN: [(&str, &str); 5] = [
    ("vhost_combined", r#"%v:%p %h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#),
    ("vhost_common", r#"%v:%p %h %l %u %t "%r" %>s %b"#),
    ("combined", r#"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#),
    ("common", r#"%h %l %u %t "%r" %>s %b"#),
    ("main", r#"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" "%{X-Forwarded-For}i""#),
];

impl LogFormat {
    /// A known format by its name, or the text of one.
    pub fn parse(text: &str) -> Result<LogFormat, LogFormatError> {
        let known = KNOWN.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        match known {
            Some((name, format)) => Compiler::compile(name, format),
            None if text.contains(['%', '$']) => Compiler::compile(text, text),
            None => Err(LogFormatError::UnknownName(text.to_owned())),
        }
    }

    /// The known format that reads most of the first lines, if it reads at least half of them.
    pub fn detect(head: &[u8], is_whole: bool) -> Option<LogFormat> {
        let whole = if is_whole { head.len() } else { memchr::memrchr(b'\n', head)? };
        let lines: Vec<&[u8]> = head[..whole]
            .split(|&byte| byte == b'\n')
            .map(<[u8]>::trim_ascii_end)
            .filter(|line| !line.is_empty())
            .take(SAMPLE_LINES)
            .collect();
        let mut best: Option<(usize, LogFormat)> = None;
        for (name, text) in KNOWN {
            let Ok(format) = Compiler::compile(name, text) else { continue };
            let mut spans = Vec::new();
            let reads = |line: &&&[u8]| read_line(&format, line, usize::MAX, &mut spans).is_ok();
            let read = lines.iter().filter(reads).count();
            if read > 0 && 2 * read >= lines.len() && best.as_ref().is_none_or(|(most, _)| read > *most) {
                best = Some((read, format));
            }
        }
        best.map(|(_, format)| format)
    }

    /// The columns of every line, in the order in which they stand there.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Reads the text of a format.
struct Compiler {
    parts: Vec<Part>,
    columns: Vec<LogColumn>,
    /// Literal text since the last part.
    literal: Vec<u8>,
}

impl Compiler {
    fn compile(name: &str, text: &str) -> Result<LogFormat, LogFormatError> {
        let mut compiler = Compiler { parts: Vec::new(), columns: Vec::new(), literal: Vec::new() };
        let signs: Vec<char> = text.chars().collect();
        let mut at = 0;
        while at < signs.len() {
            at = match (signs[at], signs.get(at + 1)) {
                ('%', Some('%')) => compiler.literally('%', at + 2),
                ('%', _) => compiler.apache(&signs, at)?,
                ('$', _) => compiler.nginx(&signs, at)?,
                // As the text stands in a configuration file.
                ('\\', Some('"')) => compiler.literally('"', at + 2),
                ('\\', Some('t')) => compiler.literally('\t', at + 2),
                (sign, _) => compiler.literally(sign, at + 1),
            };
        }
        compiler.finish(name)
    }

    fn literally(&mut self, sign: char, behind: usize) -> usize {
        self.literal.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes());
        behind
    }

    /// A directive of Apache's, which starts at `start`: `%h`, `%>s`, `%{Referer}i`.
    fn apache(&mut self, signs: &[char], start: usize) -> Result<usize, LogFormatError> {
        let mut at = start + 1;
        while signs.get(at).is_some_and(|sign| matches!(sign, '<' | '>' | '!' | ',') || sign.is_ascii_digit())
        {
            at += 1;
        }
        let mut argument = None;
        if signs.get(at) == Some(&'{') {
            let length = signs[at..].iter().position(|&sign| sign == '}');
            let end = at + length.ok_or(LogFormatError::OpenBrace { at: at + 1 })?;
            argument = Some(signs[at + 1..end].iter().collect::<String>());
            at = end + 1;
        }
        let letter = signs.get(at).copied();
        at += usize::from(letter.is_some());
        let directive: String = signs[start..at].iter().collect();
        let unknown = || LogFormatError::UnknownDirective { directive: directive.clone(), at: start + 1 };
        let (value, name) = match (letter.ok_or_else(unknown)?, &argument) {
            ('h', None) | ('a', _) => (ValueKind::Text, "host".to_owned()),
            ('l', None) => (ValueKind::Text, "ident".to_owned()),
            ('u', None) => (ValueKind::Text, "user".to_owned()),
            ('t', None) => (ValueKind::Text, "time".to_owned()),
            ('r', None) => (ValueKind::Text, REQUEST.to_owned()),
            ('m', None) => (ValueKind::Text, "method".to_owned()),
            ('U', None) => (ValueKind::Text, "path".to_owned()),
            ('q', None) => (ValueKind::Text, "query".to_owned()),
            ('H', None) => (ValueKind::Text, "protocol".to_owned()),
            ('s', None) => (ValueKind::Status, "status".to_owned()),
            ('b' | 'B' | 'O', None) => (ValueKind::Count, "bytes".to_owned()),
            ('I', None) => (ValueKind::Count, "bytes_received".to_owned()),
            ('D', None) => (ValueKind::Count, "duration_us".to_owned()),
            ('T', None) => (ValueKind::Count, "duration_s".to_owned()),
            ('v' | 'V', None) => (ValueKind::Text, "vhost".to_owned()),
            ('p', None) => (ValueKind::Count, "port".to_owned()),
            ('P', None) => (ValueKind::Text, "process".to_owned()),
            ('X', None) => (ValueKind::Text, "connection".to_owned()),
            ('L', None) => (ValueKind::Text, "log_id".to_owned()),
            ('i' | 'o' | 'n' | 'e', Some(header)) => (ValueKind::Text, column_name(header)),
            ('C', Some(cookie)) => (ValueKind::Text, format!("cookie_{}", column_name(cookie))),
            _ => return Err(unknown()),
        };
        if letter == Some('t') {
            self.literal.push(b'[');
        }
        self.part(value, name, &directive, start)?;
        if letter == Some('t') {
            self.literal.push(b']');
        }
        Ok(at)
    }

    /// A variable of nginx's, which starts at `start`: `$remote_addr`, `${status}`.
    fn nginx(&mut self, signs: &[char], start: usize) -> Result<usize, LogFormatError> {
        let is_name = |sign: &char| sign.is_ascii_alphanumeric() || *sign == '_';
        let braced = signs.get(start + 1) == Some(&'{');
        let first = start + 1 + usize::from(braced);
        let length = signs[first..].iter().take_while(|sign| is_name(sign)).count();
        let mut at = first + length;
        if braced {
            if signs.get(at) != Some(&'}') {
                return Err(LogFormatError::OpenBrace { at: start + 2 });
            }
            at += 1;
        }
        let directive: String = signs[start..at].iter().collect();
        let variable: String = signs[first..first + length].iter().collect();
        let (value, name) = match variable.as_str() {
            "" => return Err(LogFormatError::UnknownDirective { directive, at: start + 1 }),
            "remote_addr" => (ValueKind::Text, "host"),
            "remote_user" => (ValueKind::Text, "user"),
            "time_local" | "time_iso8601" | "msec" => (ValueKind::Text, "time"),
            "request_method" => (ValueKind::Text, "method"),
            "request_uri" => (ValueKind::Text, "url"),
            "uri" | "document_uri" => (ValueKind::Text, "path"),
            "args" | "query_string" => (ValueKind::Text, "query"),
            "server_protocol" => (ValueKind::Text, "protocol"),
            "status" => (ValueKind::Status, "status"),
            "body_bytes_sent" | "bytes_sent" => (ValueKind::Count, "bytes"),
            "host" | "http_host" | "server_name" => (ValueKind::Text, "vhost"),
            "server_port" => (ValueKind::Count, "port"),
            "request_time" => (ValueKind::Text, "duration_s"),
            other => (ValueKind::Text, other.strip_prefix("http_").unwrap_or(other)),
        };
        self.part(value, name.to_owned(), &directive, start)?;
        Ok(at)
    }

    fn part(
        &mut self,
        value: ValueKind,
        name: String,
        directive: &str,
        start: usize,
    ) -> Result<(), LogFormatError> {
        let at = start + 1;
        // Apache's own way to write a target: what %q holds starts with its question mark.
        if name == "query"
            && self.literal.is_empty()
            && let Some(path) = self.parts.last_mut().filter(|part| part.name == "path")
        {
            path.name = "url".to_owned();
            let part = self.parts.len() - 1;
            self.columns.retain(|column| column.part != part);
            return self.add_columns(part, at);
        }
        if self.literal.is_empty() && !self.parts.is_empty() {
            return Err(LogFormatError::NothingBetween { directive: directive.to_owned(), at });
        }
        let quoted = self.literal.last() == Some(&b'"');
        let before = std::mem::take(&mut self.literal);
        self.parts.push(Part { before, value, quoted, name });
        self.add_columns(self.parts.len() - 1, at)
    }

    /// The columns of a part.
    fn add_columns(&mut self, part: usize, at: usize) -> Result<(), LogFormatError> {
        let name = self.parts[part].name.clone();
        let pieces: &[(&str, Piece)] = match name.as_str() {
            REQUEST => &[
                ("method", Piece::Method),
                (TARGET, Piece::Target),
                ("path", Piece::Path),
                ("query", Piece::Query),
                ("protocol", Piece::Protocol),
                (REQUEST, Piece::Whole),
            ],
            TARGET => {
                &[(TARGET, Piece::Whole), ("path", Piece::PathOfTarget), ("query", Piece::QueryOfTarget)]
            }
            name => &[(name, Piece::Whole)],
        };
        for &(name, piece) in pieces {
            if self.columns.iter().any(|column| column.name == name) {
                return Err(LogFormatError::RepeatedColumn { column: name.to_owned(), at });
            }
            self.columns.push(LogColumn { name: name.to_owned(), part, piece });
        }
        Ok(())
    }

    fn finish(self, name: &str) -> Result<LogFormat, LogFormatError> {
        let has = |name: &str| self.columns.iter().any(|column| column.name == name);
        if !has("time") {
            return Err(LogFormatError::Lacks("time (%t, $time_local)"));
        }
        let Compiler { parts, columns, literal: tail } = self;
        Ok(LogFormat { name: name.to_owned(), parts, tail, columns })
    }
}

/// A header's name as that of a column: `User-Agent` is `user_agent`.
fn column_name(header: &str) -> String {
    let sign = |c: char| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    header.chars().map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(text: &str) -> String {
        match LogFormat::parse(text) {
            Ok(format) => format.columns().collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn formats_have_columns_in_the_order_of_the_line() {
        let request = "method url path query protocol request";
        let common = format!("host ident user time {request} status bytes");
        let combined = format!("{common} referer user_agent");
        for (text, expected) in [
            ("common", common.clone()),
            ("COMBINED", combined.clone()),
            ("main", format!("{combined} x_forwarded_for")),
            ("vhost_combined", format!("vhost port {combined}")),
            // As it stands in httpd.conf.
            (r#"%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\""#, combined.clone()),
            (
                r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#,
                combined.replace("ident ", ""),
            ),
            ("%t %m %U%q %D", "time method url path query duration_us".to_owned()),
            ("%t %{JSESSIONID}C %% ${upstream_time}", "time cookie_jsessionid upstream_time".to_owned()),
        ] {
            assert_eq!(columns(text), expected, "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_format_is_told_with_its_place() {
        for (text, expected) in [
            ("apache", "\"apache\" is not common"),
            ("%h %Z %t", "character 4: %Z is not known here"),
            ("%h %{Referer}z", "character 4: %{Referer}z is not known here"),
            ("%h %", "character 4: % is not known here"),
            ("%t %h%s", "character 6: nothing stands between %s and the value before it"),
            ("%t %{Referer", "character 5: a { without its }"),
            ("%t ${status", "character 5: a { without its }"),
            ("%t $ %h", "character 4: $ is not known here"),
            ("%h %a %t", "character 4: there is a column host already"),
            ("%h %l", "the format has no time"),
        ] {
            let told = columns(text);
            assert!(told.starts_with(expected), "{text}: {told}");
        }
    }

    #[test]
    fn the_known_formats_are_told_apart_by_their_lines() {
        let common = r#"::1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326"#;
        let combined = format!(r#"{common} "-" "Mozilla/4.08 [en] (Win98; I ;Nav)""#);
        for (line, name) in [
            (common.to_owned(), Some("common")),
            (combined.clone(), Some("combined")),
            (format!("{combined} \"10.0.0.1, 10.0.0.2\""), Some("main")),
            (format!("shop.example:443 {common}"), Some("vhost_common")),
            (format!("shop.example:443 {combined}"), Some("vhost_combined")),
            (format!("{combined} 17"), None),
            ("host,time,url\na,b,c".to_owned(), None),
            (String::new(), None),
        ] {
            let found = LogFormat::detect(format!("{line}\r\n\n").as_bytes(), true);
            assert_eq!(found.map(|format| format.to_string()).as_deref(), name, "{line}");
        }
        // Half of the lines will do, and a line that is cut off by the end of the sample is none.
        let half = format!("{combined}\nnoise\n");
        assert!(LogFormat::detect(half.as_bytes(), true).is_some());
        assert!(LogFormat::detect(format!("{half}more").as_bytes(), true).is_none());
        assert!(LogFormat::detect(format!("{half}more").as_bytes(), false).is_some());
    }
}
