//! Text from strangers made safe for the medium it is shown in: one function per form.
//!
//! Terminals and Markdown get visible stand-ins for what cannot be seen or would act; CSV opened
//! in a spreadsheet gets a guard against formulas; lines that services for builds read are kept from being
//! their commands. JSON, XML and Parquet escape or store by themselves. Forms for machines that are shown on
//! a terminal all the same go through [`VisibleWriter`].

use crate::decode::guard::guarded;
use std::borrow::Cow;
use std::io::{self, Write};

/// Text for a terminal, on one line: controls as `\n`, `\t`, `\r` or `\x1b`, bidirectional controls
/// and characters of no width by name (`‹RLO›`), all else as it is. `ascii` draws the brackets as `<` `>`.
///
/// Joiners between letters of scripts that need them, and in emoji, stay; next to ASCII, where
/// they could only make two names look alike, they are shown. Combining marks stay.
pub fn visible(text: &str, ascii: bool) -> Cow<'_, str> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    let mut previous = None;
    for c in text.chars() {
        push_visible(c, previous, ascii, &mut shown);
        previous = Some(c);
    }
    Cow::Owned(shown)
}

fn push_visible(c: char, previous: Option<char>, ascii: bool, shown: &mut String) {
    match c {
        '\n' => shown.push_str("\\n"),
        '\t' => shown.push_str("\\t"),
        '\r' => shown.push_str("\\r"),
        _ if c.is_control() => shown.push_str(&format!("\\x{:02x}", u32::from(c))),
        _ => match invisible_name(c, previous) {
            Some(name) if ascii => shown.push_str(&format!("<{name}>")),
            Some(name) => shown.push_str(&format!("‹{name}›")),
            None => shown.push(c),
        },
    }
}

/// Shows on a terminal what is written for machines: every sign as [`visible`] shows it, but for line
/// breaks and tabs, which are the form's own and move nothing but the cursor. Bytes that are no UTF-8 are
/// shown as `\x9b`.
pub struct VisibleWriter<W: Write> {
    out: W,
    ascii: bool,
    previous: Option<char>,
    /// The first bytes of a sign whose other bytes were not written yet.
    begun: Vec<u8>,
}

impl<W: Write> VisibleWriter<W> {
    pub fn new(out: W, ascii: bool) -> VisibleWriter<W> {
        VisibleWriter { out, ascii, previous: None, begun: Vec::new() }
    }

    /// Writes what was begun and never ended, and everything that waits below.
    pub fn finish(mut self) -> io::Result<()> {
        let begun = std::mem::take(&mut self.begun);
        self.show_bytes(&begun)?;
        self.out.flush()
    }

    fn show(&mut self, text: &str) -> io::Result<()> {
        let mut shown = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '\n' | '\t' => shown.push(c),
                _ => push_visible(c, self.previous, self.ascii, &mut shown),
            }
            self.previous = Some(c);
        }
        self.out.write_all(shown.as_bytes())
    }

    fn show_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        for byte in bytes {
            write!(self.out, "\\x{byte:02x}")?;
            self.previous = None;
        }
        Ok(())
    }
}

impl<W: Write> Write for VisibleWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let mut rest = all.as_slice();
        while !rest.is_empty() {
            let (sound, spoilt) = match std::str::from_utf8(rest) {
                Ok(_) => (rest.len(), 0),
                Err(error) => match error.error_len() {
                    Some(spoilt) => (error.valid_up_to(), spoilt),
                    None => {
                        self.begun = rest[error.valid_up_to()..].to_vec();
                        (error.valid_up_to(), 0)
                    }
                },
            };
            if let Ok(text) = std::str::from_utf8(&rest[..sound]) {
                self.show(text)?;
            }
            self.show_bytes(&rest[sound..sound + spoilt])?;
            rest = &rest[(sound + spoilt + self.begun.len()).min(rest.len())..];
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A line that a service for builds may read from its log: what would be a command of one (`::error::`
/// at the start, `##[`, `##vso[`, `##teamcity[` anywhere) has its first sign shown as `\x3a` or `\x23`.
/// Colours are no part of a line.
pub fn log_line(line: &str) -> Cow<'_, str> {
    let indent = line.len() - behind_blanks_and_colours(line).len();
    let is_command = line[indent..].starts_with("::");
    if !is_command && !line.contains("##") {
        return Cow::Borrowed(line);
    }
    let mut kept = String::with_capacity(line.len() + 8);
    kept.push_str(&line[..indent]);
    let mut rest = &line[indent..];
    if is_command {
        kept.push_str("\\x3a");
        rest = &rest[1..];
    }
    while let Some(at) = rest.find("##") {
        let word = rest[at + 2..].trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        kept.push_str(&rest[..at]);
        kept.push_str(if word.starts_with('[') { "\\x23" } else { "#" });
        rest = &rest[at + 1..];
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

/// The rest of a line, from its first sign that is neither a blank nor of a sequence that chooses a colour.
fn behind_blanks_and_colours(line: &str) -> &str {
    let mut rest = line.trim_start();
    while let Some(parameters) = rest.strip_prefix("\x1b[") {
        let end = parameters.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        let Some(behind) = end.strip_prefix('m') else { break };
        rest = behind.trim_start();
    }
    rest
}

/// Passes text on line by line, each as [`log_line`].
pub struct LogLines<W: Write> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> LogLines<W> {
    pub fn new(out: W) -> LogLines<W> {
        LogLines { out, line: Vec::new() }
    }

    /// Writes a last line that has no end.
    pub fn finish(mut self) -> io::Result<()> {
        self.pass_on()
    }

    fn pass_on(&mut self) -> io::Result<()> {
        match std::str::from_utf8(&self.line) {
            Ok(line) => self.out.write_all(log_line(line).as_bytes())?,
            Err(_) => self.out.write_all(&self.line)?,
        }
        self.line.clear();
        Ok(())
    }
}

impl<W: Write> Write for LogLines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.line.extend_from_slice(line);
            if line.ends_with(b"\n") {
                self.pass_on()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The name under which a character is shown that has no glyph of its own but changes how others
/// read. The names of the bidirectional controls are those of Unicode Standard Annex 9.
fn invisible_name(c: char, previous: Option<char>) -> Option<Cow<'static, str>> {
    let name = match c {
        '\u{061c}' => "ALM",
        '\u{200e}' => "LRM",
        '\u{200f}' => "RLM",
        '\u{202a}' => "LRE",
        '\u{202b}' => "RLE",
        '\u{202c}' => "PDF",
        '\u{202d}' => "LRO",
        '\u{202e}' => "RLO",
        '\u{2066}' => "LRI",
        '\u{2067}' => "RLI",
        '\u{2068}' => "FSI",
        '\u{2069}' => "PDI",
        '\u{200b}' => "ZWSP",
        '\u{feff}' => "BOM",
        '\u{00ad}' => "SHY",
        '\u{200c}' if previous.is_none_or(|before| before.is_ascii()) => "ZWNJ",
        '\u{200d}' if previous.is_none_or(|before| before.is_ascii()) => "ZWJ",
        // Separators of lines, invisible operators, fillers, annotations and tags.
        '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' => {
            return Some(code_name(c));
        }
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{180e}' | '\u{fff9}'..='\u{fffb}' => {
            return Some(code_name(c));
        }
        '\u{e0000}'..='\u{e007f}' => return Some(code_name(c)),
        _ => return None,
    };
    Some(Cow::Borrowed(name))
}

fn code_name(c: char) -> Cow<'static, str> {
    Cow::Owned(format!("U+{:04X}", u32::from(c)))
}

/// Text for GitHub-flavoured Markdown, inside a table cell or a line: made [`visible`] first, then
/// everything that would format, link, start HTML or end the cell is escaped. Underscores inside
/// words stay, since they do not format there: `add_to_cart` reads the same in the source. `@name` and
/// `#123`, which would notify and link where the text is pasted, are parted by a space of no width: there a
/// backslash does nothing.
pub fn markdown(text: &str) -> String {
    let shown = visible(text, false);
    let mut escaped = String::with_capacity(shown.len() + 8);
    let mut rest = shown.chars().peekable();
    let mut previous: Option<char> = None;
    while let Some(c) = rest.next() {
        let in_word =
            |neighbour: Option<char>| neighbour.is_some_and(|n| n.is_alphanumeric() || n == '_' && c == '_');
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '@' if mentions(previous, rest.peek().copied()) => escaped.push_str(PARTED_AT),
            '#' if rest.peek().is_some_and(char::is_ascii_digit) => escaped.push_str(PARTED_NUMBER),
            '_' if in_word(previous) && in_word(rest.peek().copied()) => escaped.push('_'),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '~' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
        previous = Some(c);
    }
    escaped
}

/// Signs with a space of no width behind them, as an entity, so that it is seen in the source.
const PARTED_AT: &str = "@&#8203;";
const PARTED_NUMBER: &str = "#&#8203;";

/// Whether an `@` between these signs is read as the start of somebody's name. Behind a letter it is that of
/// an address.
fn mentions(before: Option<char>, behind: Option<char>) -> bool {
    let is_address = before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    !is_address && behind.is_some_and(|c| c.is_alphanumeric() || c == '_')
}

/// As [`markdown`], for text that starts a line: what would open a heading, list or rule, or
/// be a command of a service for builds, is escaped.
pub fn markdown_line(text: &str) -> String {
    let escaped = markdown(text.trim_start());
    let digits = escaped.bytes().take_while(u8::is_ascii_digit).count();
    match escaped.as_bytes().get(digits) {
        Some(b'.' | b')') if digits > 0 => format!("{}\\{}", &escaped[..digits], &escaped[digits..]),
        Some(b'#' | b'-' | b'+' | b'=' | b':') if digits == 0 => format!("\\{escaped}"),
        _ => escaped,
    }
}

/// Text for a CSV cell that a spreadsheet may open: a leading `'` keeps what starts like a formula
/// from being one. Everything else is left as it is, bytes that act on a terminal included: quoting is the
/// CSV writer's.
pub fn spreadsheet(text: &str) -> Cow<'_, str> {
    guarded(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One table over all forms: text, on a terminal, in Markdown, in a guarded CSV cell (before quoting).
    #[test]
    fn hostile_names_in_every_form() {
        let cases = [
            ("", "", "", ""),
            ("add_to_cart", "add_to_cart", "add_to_cart", "add_to_cart"),
            ("_private_", "_private_", "\\_private\\_", "_private_"),
            ("a__b", "a__b", "a__b", "a__b"),
            ("\x1b[2Jx", "\\x1b[2Jx", "\\\\x1b\\[2Jx", "\x1b[2Jx"),
            ("\x1b]0;t\x07", "\\x1b]0;t\\x07", "\\\\x1b\\]0;t\\\\x07", "\x1b]0;t\x07"),
            ("\u{9b}31m", "\\x9b31m", "\\\\x9b31m", "\u{9b}31m"),
            ("a\u{7f}", "a\\x7f", "a\\\\x7f", "a\u{7f}"),
            ("a\0b", "a\\x00b", "a\\\\x00b", "a\0b"),
            ("a\nb", "a\\nb", "a\\\\nb", "a\nb"),
            ("\tx", "\\tx", "\\\\tx", "'\tx"),
            ("\rx", "\\rx", "\\\\rx", "'\rx"),
            ("a\u{202e}cod.exe", "a‹RLO›cod.exe", "a‹RLO›cod.exe", "a\u{202e}cod.exe"),
            ("a\u{2028}b", "a‹U+2028›b", "a‹U+2028›b", "a\u{2028}b"),
            ("vi\u{200b}ew", "vi‹ZWSP›ew", "vi‹ZWSP›ew", "vi\u{200b}ew"),
            ("vi\u{200d}ew", "vi‹ZWJ›ew", "vi‹ZWJ›ew", "vi\u{200d}ew"),
            ("a|b", "a|b", "a\\|b", "a|b"),
            ("`rm`", "`rm`", "\\`rm\\`", "`rm`"),
            (
                "<script>alert(1)</script>",
                "<script>alert(1)</script>",
                "&lt;script&gt;alert(1)&lt;/script&gt;",
                "<script>alert(1)</script>",
            ),
            ("[x](javascript:y)", "[x](javascript:y)", "\\[x\\](javascript:y)", "[x](javascript:y)"),
            ("**b** ~~s~~ $x$", "**b** ~~s~~ $x$", "\\*\\*b\\*\\* \\~\\~s\\~\\~ \\$x\\$", "**b** ~~s~~ $x$"),
            ("&lt;", "&lt;", "&amp;lt;", "&lt;"),
            ("C:\\new", "C:\\new", "C:\\\\new", "C:\\new"),
            ("=HYPERLINK(\"x\")", "=HYPERLINK(\"x\")", "=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"),
            ("+1", "+1", "+1", "'+1"),
            ("-1", "-1", "-1", "'-1"),
            ("@SUM(A1)", "@SUM(A1)", "@&#8203;SUM(A1)", "'@SUM(A1)"),
            ("(@ann) é@bob", "(@ann) é@bob", "(@&#8203;ann) é@&#8203;bob", "(@ann) é@bob"),
            ("a_@b", "a_@b", "a\\_@b", "a_@b"),
            ("x/y@_z", "x/y@_z", "x/y@\\_z", "x/y@_z"),
            ("ann@shop.com @ 5", "ann@shop.com @ 5", "ann@shop.com @ 5", "ann@shop.com @ 5"),
            (
                "#12 shop#7 # 1 #a",
                "#12 shop#7 # 1 #a",
                "#&#8203;12 shop#&#8203;7 # 1 #a",
                "#12 shop#7 # 1 #a",
            ),
            ("＝1", "＝1", "＝1", "'＝1"),
            ("'=1", "'=1", "'=1", "''=1"),
            ("'s", "'s", "'s", "'s"),
            ("עגלה", "עגלה", "עגלה", "עגלה"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم", "می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("👩\u{200d}💻", "👩\u{200d}💻", "👩\u{200d}💻", "👩\u{200d}💻"),
            ("買い物かご", "買い物かご", "買い物かご", "買い物かご"),
        ];
        for (text, terminal, in_markdown, in_csv) in cases {
            assert_eq!(visible(text, false), terminal, "terminal: {text:?}");
            assert_eq!(markdown(text), in_markdown, "markdown: {text:?}");
            assert_eq!(spreadsheet(text), in_csv, "csv: {text:?}");
        }
    }

    #[test]
    fn no_control_character_survives() {
        for code in (0..0x20).chain(0x7f..0xa0).chain(0x202a..0x202f).chain(0x2066..0x206a) {
            let c = char::from_u32(code).unwrap();
            let shown = visible(&format!("a{c}b"), true).into_owned();
            assert!(shown.len() > 3 && shown.is_ascii(), "U+{code:04X} is shown as {shown:?}");
        }
    }

    #[test]
    fn what_machines_get_is_shown_on_a_terminal_however_it_is_cut() {
        let text = "a,\u{1b}[2J\u{9b}31m\t\u{202e}x\r\nב\u{7f}👩\u{200d}💻\n";
        let bytes = [text.as_bytes(), b"\x9b\xf0\x9f"].concat();
        let wanted = "a,\\x1b[2J\\x9b31m\t‹RLO›x\\r\nב\\x7f👩\u{200d}💻\n\\x9b\\xf0\\x9f";
        for size in 1..=bytes.len() {
            let mut out = Vec::new();
            let mut writer = VisibleWriter::new(&mut out, false);
            bytes.chunks(size).for_each(|chunk| writer.write_all(chunk).unwrap());
            writer.finish().unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), wanted, "{size}");
        }
    }

    #[test]
    fn no_line_is_a_command_of_a_service_for_builds() {
        for (line, wanted) in [
            ("::error file=a::b", "\\x3a:error file=a::b"),
            ("  ::stop-commands::x\n", "  \\x3a:stop-commands::x\n"),
            ("a ::error::b", "a ::error::b"),
            (":x", ":x"),
            ("ab##[error]c", "ab\\x23#[error]c"),
            ("###[x ##vso[task.x] ## [", "#\\x23#[x \\x23#vso[task.x] ## ["),
            ("  ::##teamcity[x", "  \\x3a:\\x23#teamcity[x"),
            ("\x1b[1m::a\x1b[0m", "\x1b[1m\\x3a:a\x1b[0m"),
            ("\x1b[1;3m \x1b[2Ja::b", "\x1b[1;3m \x1b[2Ja::b"),
            ("עגלה", "עגלה"),
        ] {
            assert_eq!(log_line(line), wanted);
        }
        let mut out = Vec::new();
        let mut lines = LogLines::new(&mut out);
        for part in ["x\n", ":", ":a\n\n::", "b"] {
            lines.write_all(part.as_bytes()).unwrap();
        }
        lines.finish().unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "x\n\\x3a:a\n\n\\x3a:b");
    }

    #[test]
    fn a_line_of_markdown_starts_no_block() {
        assert_eq!(markdown_line("::error::x"), "\\::error::x");
        assert_eq!(markdown_line("    ::error::x"), "\\::error::x");
        assert_eq!(markdown_line("  # x"), "\\# x");
        assert_eq!(markdown_line("# x"), "\\# x");
        assert_eq!(markdown_line("#1 x"), "\\#&#8203;1 x");
        assert_eq!(markdown_line("- x"), "\\- x");
        assert_eq!(markdown_line("+ x"), "\\+ x");
        assert_eq!(markdown_line("12. x"), "12\\. x");
        assert_eq!(markdown_line("12 x"), "12 x");
        assert_eq!(markdown_line("> x"), "&gt; x");
        assert_eq!(markdown_line(""), "");
    }
}
