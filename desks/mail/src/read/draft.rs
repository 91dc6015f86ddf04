//! Writes the messages that are rebuilt: from Outlook's properties, from a forward's text, from a copied screen.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The header field by which a rebuilt message says that its own header was lost.
pub(super) const LOST: &str = "X-Pollwatch-Headers";

/// A message to be written.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    /// Header lines as they came, or empty; every line must be a field or its continuation, without MIME fields.
    pub kept_header: String,
    /// Fields, in order: name and value.
    pub fields: Vec<(String, String)>,
    /// The body as text.
    pub text: Option<String>,
    /// The body as HTML.
    pub html: Option<String>,
    /// Other parts.
    pub attachments: Vec<DraftPart>,
}

/// A part of a message to be written.
#[derive(Debug, Clone, Default)]
pub(super) struct DraftPart {
    pub media_type: String,
    pub name: String,
    pub content_id: String,
    pub bytes: Vec<u8>,
}

impl Draft {
    /// Adds a field; line ends in its value become spaces, so that no value can add a field.
    pub(super) fn field(&mut self, name: &str, value: &str) {
        let value: Vec<&str> = value
            .split(['\r', '\n', '\0'])
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        if !value.is_empty() {
            self.fields.push((name.to_owned(), value.join(" ")));
        }
    }

    /// The message (RFC 5322, MIME with every part in base64, so that no text can end its part). The same draft gives the
    /// same bytes.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = String::with_capacity(1 << 12);
        out.push_str(&self.kept_header);
        for (name, value) in &self.fields {
            out.push_str(&format!("{name}: {value}\r\n"));
        }
        out.push_str("MIME-Version: 1.0\r\n");
        let bodies: Vec<(&str, &str)> = [("plain", &self.text), ("html", &self.html)]
            .into_iter()
            .filter_map(|(kind, body)| Some((kind, body.as_deref()?)))
            .collect();
        let is_mixed = !self.attachments.is_empty();
        if is_mixed {
            out.push_str(
                "Content-Type: multipart/mixed; boundary=\"pollwatch-mixed\"\r\n\r\n--pollwatch-mixed\r\n",
            );
        }
        match bodies.as_slice() {
            [] => write_text(&mut out, "plain", ""),
            [(kind, body)] => write_text(&mut out, kind, body),
            several => {
                out.push_str("Content-Type: multipart/alternative; boundary=\"pollwatch-either\"\r\n\r\n");
                for (kind, body) in several {
                    out.push_str("--pollwatch-either\r\n");
                    write_text(&mut out, kind, body);
                }
                out.push_str("--pollwatch-either--\r\n");
            }
        }
        for part in &self.attachments {
            out.push_str(&format!(
                "--pollwatch-mixed\r\nContent-Type: {}\r\n",
                clean_type(&part.media_type)
            ));
            if part.content_id.is_empty() || !part.name.is_empty() {
                out.push_str(&format!(
                    "Content-Disposition: attachment; filename*=utf-8''{}\r\n",
                    percent(&part.name)
                ));
            }
            let id: String = part
                .content_id
                .chars()
                .filter(|char| char.is_ascii_graphic())
                .collect();
            if !id.is_empty() {
                out.push_str(&format!("Content-ID: <{id}>\r\n"));
            }
            write_base64(&mut out, &part.bytes);
        }
        if is_mixed {
            out.push_str("--pollwatch-mixed--\r\n");
        }
        out.into_bytes()
    }
}

fn write_text(out: &mut String, kind: &str, body: &str) {
    out.push_str(&format!("Content-Type: text/{kind}; charset=utf-8\r\n"));
    write_base64(out, body.as_bytes());
}

fn write_base64(out: &mut String, bytes: &[u8]) {
    out.push_str("Content-Transfer-Encoding: base64\r\n\r\n");
    // Lines of 76 characters (RFC 2045, section 6.8).
    for line in bytes.chunks(57) {
        STANDARD.encode_string(line, out);
        out.push_str("\r\n");
    }
}

fn clean_type(media_type: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/+-._".contains(&byte);
    let is_leaf = !media_type.starts_with("multipart/");
    if is_leaf && media_type.contains('/') && media_type.len() < 100 && media_type.bytes().all(is_plain) {
        // A message in base64 is not a message to every reader (RFC 2046, section 5.2.1); its bytes say what it is.
        if media_type.starts_with("message/") {
            return "application/octet-stream".to_owned();
        }
        return media_type.to_owned();
    }
    "application/octet-stream".to_owned()
}

/// RFC 5987, section 3.2.1.
fn percent(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes().take(1_000) {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
