//! Text as lines that know where they stand in the text, or in the HTML, that they come from.

/// Longest text that is cut into lines, in bytes; a forward's head is near its start.
const MAX_BYTES: usize = 5 << 20;

/// A line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Its text, without line end; entities decoded.
    pub text: String,
    /// Byte offset of its first character in the source.
    pub start: usize,
}

/// The lines of plain text.
pub(super) fn of_text(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        lines.push(Line {
            text: line.trim_end_matches(['\n', '\r']).replace('\u{a0}', " "),
            start: at,
        });
        at += line.len();
        if at > MAX_BYTES {
            break;
        }
    }
    lines
}

/// The lines that HTML shows, roughly: blocks and `<br>` end lines, space is folded, scripts and styles are left out.
pub(super) fn of_html(html: &str) -> Vec<Line> {
    let mut out = Lines::default();
    let bytes = html.as_bytes();
    let mut at = 0;
    while at < bytes.len().min(MAX_BYTES) {
        if bytes[at] == b'<' && starts_tag(bytes, at) {
            let end = tag_end(bytes, at);
            let name = tag_name(&bytes[at + 1..end]);
            if matches!(name.as_str(), "script" | "style" | "title" | "head") && name != "head" {
                at = after_element(bytes, end, &name);
                continue;
            }
            if is_block(name.trim_start_matches('/')) {
                out.end(at);
            }
            at = end;
            continue;
        }
        let end = memchr::memchr2(b'<', b'&', &bytes[at + 1..]).map_or(bytes.len(), |next| at + 1 + next);
        let piece = html.get(at..end).unwrap_or_default();
        if let Some(entity) = piece.strip_prefix('&') {
            let (char, length) = decode(entity);
            out.push_char(char, at);
            let behind = entity.get(length..).unwrap_or_default();
            out.push(behind, at + 1 + length);
        } else {
            out.push(piece, at);
        }
        at = end;
    }
    out.end(bytes.len());
    out.lines
}

#[derive(Default)]
struct Lines {
    lines: Vec<Line>,
    open: Line,
    is_open: bool,
}

impl Lines {
    fn push(&mut self, text: &str, start: usize) {
        for (at, char) in text.char_indices() {
            self.push_char(char, start + at);
        }
    }

    fn push_char(&mut self, char: char, at: usize) {
        if char.is_whitespace() {
            if self.is_open && !self.open.text.ends_with(' ') {
                self.open.text.push(' ');
            }
            return;
        }
        if !self.is_open {
            self.is_open = true;
            self.open.start = at;
        }
        self.open.text.push(char);
    }

    fn end(&mut self, at: usize) {
        let mut line = std::mem::take(&mut self.open);
        line.text.truncate(line.text.trim_end().len());
        if !std::mem::take(&mut self.is_open) {
            line.start = at;
            // Blocks within blocks end many empty lines; one says as much.
            if self.lines.last().is_none_or(|last| last.text.is_empty()) {
                return;
            }
        }
        self.lines.push(line);
    }
}

fn starts_tag(bytes: &[u8], at: usize) -> bool {
    bytes
        .get(at + 1)
        .is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'/' | b'!' | b'?'))
}

fn tag_end(bytes: &[u8], at: usize) -> usize {
    if bytes[at..].starts_with(b"<!--") {
        let end = memchr::memmem::find(&bytes[at..], b"-->");
        return end.map_or(bytes.len(), |end| at + end + 3);
    }
    let end = memchr::memchr(b'>', &bytes[at..]).map_or(bytes.len(), |end| at + end + 1);
    // A `>` in a quoted attribute does not end the tag, as long as its quote is closed before the next tag.
    let mut quote = None;
    for (offset, byte) in bytes[at..].iter().enumerate().take(1 << 14) {
        match (quote, byte) {
            (None, b'>') => return at + offset + 1,
            (None, b'"' | b'\'') if bytes[at..at + offset].trim_ascii_end().ends_with(b"=") => {
                quote = Some(*byte)
            }
            (Some(open), byte) if open == *byte => quote = None,
            _ => {}
        }
    }
    end
}

fn tag_name(tag: &[u8]) -> String {
    let length = tag
        .iter()
        .take(20)
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'/')
        .count();
    String::from_utf8_lossy(&tag[..length])
        .trim_end_matches('/')
        .to_ascii_lowercase()
}

fn after_element(bytes: &[u8], from: usize, name: &str) -> usize {
    let mut at = from;
    while let Some(found) = memchr::memmem::find(&bytes[at..], b"</") {
        let start = at + found;
        if tag_name(&bytes[start + 2..bytes.len().min(start + 30)]) == name {
            return tag_end(bytes, start);
        }
        at = start + 2;
    }
    bytes.len()
}

fn is_block(name: &str) -> bool {
    const BLOCKS: [&str; 21] = [
        "address",
        "article",
        "blockquote",
        "body",
        "br",
        "center",
        "div",
        "dl",
        "fieldset",
        "footer",
        "h1",
        "h2",
        "h3",
        "header",
        "hr",
        "li",
        "p",
        "pre",
        "section",
        "table",
        "tr",
    ];
    BLOCKS.contains(&name)
}

/// The character of an entity, and its length behind the `&`. Only those that stand in the heads of forwards.
fn decode(entity: &str) -> (char, usize) {
    const NAMED: [(&str, char); 24] = [
        ("lt;", '<'),
        ("gt;", '>'),
        ("amp;", '&'),
        ("quot;", '"'),
        ("nbsp;", ' '),
        ("apos;", '\''),
        ("agrave;", 'à'),
        ("Agrave;", 'À'),
        ("eacute;", 'é'),
        ("Eacute;", 'É'),
        ("egrave;", 'è'),
        ("aacute;", 'á'),
        ("iacute;", 'í'),
        ("oacute;", 'ó'),
        ("uacute;", 'ú'),
        ("ntilde;", 'ñ'),
        ("ccedil;", 'ç'),
        ("atilde;", 'ã'),
        ("auml;", 'ä'),
        ("ouml;", 'ö'),
        ("uuml;", 'ü'),
        ("szlig;", 'ß'),
        ("rsquo;", '\u{2019}'),
        ("ndash;", '\u{2013}'),
    ];
    for (name, char) in NAMED {
        if entity.starts_with(name) {
            return (char, name.len());
        }
    }
    if let Some(digits) = entity.strip_prefix('#')
        && let Some(end) = digits.bytes().take(9).position(|byte| byte == b';')
    {
        let number = match digits[..end].strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => digits[..end].parse(),
        };
        if let Some(char) = number.ok().and_then(char::from_u32) {
            return (char, end + 2);
        }
    }
    ('&', 0)
}
