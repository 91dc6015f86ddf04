//! One message: header fields in order, parts with their bytes and text.
//!
//! [mail-parser](https://docs.rs/mail-parser) takes the MIME structure apart; what it cannot know is added here: the header
//! fields in their order with their offsets (Authentication-Results mean something only by where they stand), the bounds of
//! [`crate::limits`], and a second reading where line ends are mixed, because a mail client may read it either way.

use mail_parser::{MessageParser, MimeHeaders, PartType};

use crate::limits::{self, Budget};

/// A header field, unfolded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name in lower case.
    pub name: String,
    /// Its value, unfolded and trimmed, encoded words left as they are; bytes that are not UTF-8 replaced.
    pub value: String,
    /// Byte offset of the field in the message.
    pub offset: usize,
    /// Bytes of the field, with its line end.
    pub length: usize,
}

/// A leaf of the MIME tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its path: `1` for the body of a message of one part, `2`, `2.1` … otherwise.
    pub path: String,
    /// Media type in lower case, `text/plain` where none is declared.
    pub media_type: String,
    /// File name as decoded; empty when none.
    pub name: String,
    /// Content-ID without brackets; empty when none.
    pub content_id: String,
    /// Whether Content-Disposition says attachment.
    pub is_attachment: bool,
    /// Its bytes, transfer encoding undone.
    pub bytes: Vec<u8>,
    /// Its text where it is text, decoded from its charset.
    pub text: Option<String>,
}

/// A message taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// Its bytes as they came.
    pub raw: Vec<u8>,
    /// Where its header ends.
    pub header_end: usize,
    /// Its header fields, from the top.
    pub fields: Vec<Field>,
    /// Its leaves, in order. Messages attached as messages are leaves of type `message/rfc822`.
    pub parts: Vec<Part>,
}

impl Message {
    /// Takes `raw` apart. Never fails: what is not a message has no fields, and one part.
    pub fn read(raw: &[u8], budget: &mut Budget) -> Message {
        let mut raw = raw;
        if raw.len() > limits::MAX_MESSAGE_BYTES {
            budget.cut("the message beyond 50 MB");
            raw = &raw[..limits::MAX_MESSAGE_BYTES];
        }
        let (fields, header_end) = read_fields(raw, budget);
        let mut parts = read_parts(raw, budget);
        if has_bare_cr(raw) {
            // A second reading, with every line end made the same.
            let even = evened(raw);
            for part in read_parts(&even, budget) {
                if parts.iter().all(|known| known.bytes != part.bytes) {
                    parts.push(Part {
                        path: format!("{} (line ends evened)", part.path),
                        ..part
                    });
                }
            }
        }
        parts.truncate(limits::MAX_PARTS);
        Message {
            raw: raw.to_vec(),
            header_end,
            fields,
            parts,
        }
    }

    /// The values of every field called `name` (lower case), from the top.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields
            .iter()
            .filter(move |field| field.name == name)
            .map(|field| field.value.as_str())
    }

    /// The value of the topmost field called `name` (lower case).
    pub fn value<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.values(name).next()
    }

    /// The value of the topmost field called `name`, encoded words decoded (RFC 2047, leniently); empty when there is none.
    pub fn decoded(&self, name: &str) -> String {
        self.value(name).map(decode_words).unwrap_or_default()
    }
}

/// Text with its encoded words (RFC 2047) decoded; what cannot be decoded is left as it is.
pub fn decode_words(value: &str) -> String {
    if !value.contains("=?") {
        return value.to_owned();
    }
    let field = format!("Subject: {value}\r\n\r\n");
    MessageParser::new()
        .parse(field.as_bytes())
        .and_then(|parsed| parsed.subject().map(str::to_owned))
        .unwrap_or_else(|| value.to_owned())
}

fn read_fields(raw: &[u8], budget: &mut Budget) -> (Vec<Field>, usize) {
    let mut fields: Vec<Field> = Vec::new();
    let mut at = 0;
    let mut is_cut = false;
    while at < raw.len() {
        let line_end = memchr::memchr(b'\n', &raw[at..]).map_or(raw.len(), |end| at + end + 1);
        let line = &raw[at..line_end];
        let bare = trim_line_end(line);
        if bare.is_empty() {
            at = line_end;
            break;
        }
        if at > limits::MAX_HEADER_BYTES || fields.len() >= limits::MAX_HEADER_FIELDS {
            is_cut = true;
        } else if bare[0] == b' ' || bare[0] == b'\t' {
            if let Some(field) = fields.last_mut() {
                field.length = line_end - field.offset;
                let room = limits::MAX_HEADER_BYTES.saturating_sub(field.value.len());
                let more = String::from_utf8_lossy(&bare[..bare.len().min(room)]);
                field.value.push(' ');
                field.value.push_str(more.trim());
            }
        } else if let Some(colon) = memchr::memchr(b':', bare) {
            let name = String::from_utf8_lossy(&bare[..colon.min(200)]);
            let value = &bare[colon + 1..];
            is_cut |= value.len() > limits::MAX_HEADER_BYTES;
            fields.push(Field {
                name: name.trim().to_ascii_lowercase(),
                value: String::from_utf8_lossy(&value[..value.len().min(limits::MAX_HEADER_BYTES)])
                    .trim()
                    .to_owned(),
                offset: at,
                length: line_end - at,
            });
        } else if fields.is_empty() && !bare.starts_with(b"From ") && !bare.starts_with(b">From ") {
            // Not a header at all: the whole is body.
            return (fields, 0);
        }
        at = line_end;
    }
    if is_cut {
        budget.cut("header fields beyond 2,000 or 1 MB");
    }
    (fields, at)
}

fn trim_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn has_bare_cr(raw: &[u8]) -> bool {
    memchr::memchr_iter(b'\r', raw).any(|at| raw.get(at + 1) != Some(&b'\n'))
}

fn evened(raw: &[u8]) -> Vec<u8> {
    let mut even = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'\r' {
            if bytes.peek() == Some(&b'\n') {
                bytes.next();
            }
            even.push(b'\n');
        } else {
            even.push(byte);
        }
    }
    even
}

fn read_parts(raw: &[u8], budget: &mut Budget) -> Vec<Part> {
    if !budget.work(raw.len()) {
        budget.cut("the parts of the message");
        return Vec::new();
    }
    let Some(parsed) = MessageParser::new().parse(raw) else {
        return Vec::new();
    };
    let mut parts = Vec::new();
    let mut pending = vec![(0_usize, String::new(), 0_usize)];
    while let Some((index, path, depth)) = pending.pop() {
        let Some(part) = parsed.parts.get(index) else {
            continue;
        };
        if parts.len() >= limits::MAX_PARTS {
            budget.cut("parts of the message beyond 1,000");
            break;
        }
        let media_type = part.content_type().map_or_else(
            || "text/plain".to_owned(),
            |declared| {
                let mut name = declared.ctype().to_ascii_lowercase();
                if let Some(sub) = declared.subtype() {
                    name.push('/');
                    name.push_str(&sub.to_ascii_lowercase());
                }
                name
            },
        );
        if let PartType::Multipart(children) = &part.body {
            if depth >= limits::MAX_MIME_DEPTH {
                budget.cut("parts nested deeper than 20");
                continue;
            }
            for (at, child) in children.iter().enumerate().rev() {
                let child_path = match path.as_str() {
                    "" => (at + 1).to_string(),
                    path => format!("{path}.{}", at + 1),
                };
                pending.push((*child as usize, child_path, depth + 1));
            }
            continue;
        }
        let (bytes, text) = match &part.body {
            PartType::Text(text) | PartType::Html(text) => (Vec::new(), Some(text.to_string())),
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => (bytes.to_vec(), None),
            // A message that is not encoded is given as the whole input: its own bytes are cut out of that.
            PartType::Message(message) if message.raw_message.len() == raw.len() => {
                let own = raw.get(part.offset_body as usize..part.offset_end as usize);
                (own.unwrap_or_default().to_vec(), None)
            }
            PartType::Message(message) => (message.raw_message.to_vec(), None),
            PartType::Multipart(_) => continue,
        };
        let bytes = match &text {
            Some(text) => text.as_bytes().to_vec(),
            None => bytes,
        };
        let said = part.attachment_name().map(decode_words).unwrap_or_default();
        let header = raw.get(part.offset_header as usize..part.offset_body as usize);
        let (hidden_name, is_hidden_attachment) = match said.is_empty() {
            true => encoded_disposition(header.unwrap_or_default()),
            false => (String::new(), false),
        };
        parts.push(Part {
            path: if path.is_empty() { "1".to_owned() } else { path },
            media_type,
            name: if said.is_empty() { hidden_name } else { said },
            content_id: part
                .content_id()
                .unwrap_or_default()
                .trim_matches(['<', '>'])
                .to_owned(),
            is_attachment: part
                .content_disposition()
                .is_some_and(|said| said.is_attachment())
                || is_hidden_attachment,
            bytes,
            text,
        });
    }
    parts
}

/// The file name in a Content-Disposition or Content-Type that is itself an encoded word, and whether it says attachment. RFC
/// 2047, section 5, forbids it; mail programs decode it all the same.
fn encoded_disposition(header: &[u8]) -> (String, bool) {
    let header = &header[..header.len().min(16 << 10)];
    let (fields, _) = read_fields(header, &mut Budget::default());
    for name in ["content-disposition", "content-type"] {
        for field in fields
            .iter()
            .filter(|field| field.name == name && field.value.contains("=?"))
        {
            let value = decode_words(&field.value);
            let lower = value.to_ascii_lowercase();
            let key = if name == "content-type" {
                "name="
            } else {
                "filename="
            };
            let file = lower
                .find(key)
                .and_then(|at| value.get(at + key.len()..))
                .map(|rest| {
                    let rest = rest.trim_start();
                    match rest.strip_prefix('"') {
                        Some(quoted) => quoted.split('"').next().unwrap_or_default(),
                        None => rest.split(';').next().unwrap_or_default().trim(),
                    }
                });
            if let Some(file) = file.filter(|file| !file.is_empty()) {
                return (file.to_owned(), lower.starts_with("attachment"));
            }
        }
    }
    (String::new(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disposition_that_is_an_encoded_word_gives_its_name() {
        let raw = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: application/octet-stream\n\
                   Content-Disposition: =?utf-8?q?attachment=3B_filename=3D=22list=5F=E2=80=AEfdp=2Eexe=22?=\n\nMZ\n--b--\n";
        let message = Message::read(raw.as_bytes(), &mut Budget::default());
        assert_eq!(message.parts[0].name, "list_\u{202e}fdp.exe");
        assert!(message.parts[0].is_attachment);
    }

    #[test]
    fn an_attached_message_is_its_own_bytes_and_not_those_around_it() {
        let raw = "Subject: outer\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nSubject: inner\n\nhello\n--b--\n";
        let message = Message::read(raw.as_bytes(), &mut Budget::default());
        let inner = String::from_utf8_lossy(&message.parts[0].bytes);
        assert!(inner.starts_with("Subject: inner"), "{inner}");
        assert!(!inner.contains("outer"));
    }

    #[test]
    fn fields_keep_their_order_and_offsets() {
        let raw = b"A: 1\r\nB: two\r\n  three\r\nA: 2\r\n\r\nbody";
        let message = Message::read(raw, &mut Budget::default());
        assert_eq!(message.values("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(message.value("b"), Some("two three"));
        assert_eq!(
            &raw[message.fields[1].offset..][..message.fields[1].length],
            b"B: two\r\n  three\r\n"
        );
        assert_eq!(&raw[message.header_end..], b"body");
        assert_eq!(message.parts[0].text.as_deref(), Some("body"));
    }

    #[test]
    fn deep_and_wide_messages_are_cut_and_say_so() {
        let mut raw = String::new();
        for depth in 0..40 {
            raw.push_str(&format!(
                "Content-Type: multipart/mixed; boundary=b{depth}\n\n--b{depth}\n"
            ));
        }
        raw.push_str("Content-Type: text/plain\n\nhello\n");
        let mut budget = Budget::default();
        Message::read(raw.as_bytes(), &mut budget);
        assert!(budget.is_cut());
    }

    #[test]
    fn encoded_words_are_decoded_and_bad_ones_kept() {
        assert_eq!(decode_words("=?utf-8?B?SMOkbGxv?="), "H\u{e4}llo");
        assert_eq!(decode_words("plain"), "plain");
    }
}
