//! Tag lists of DKIM, ARC and DMARC, and the canonical forms that are signed (RFC 6376, sections 3.2 and 3.4).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Base64 with or without its padding; white space has to be taken out before.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A tag list: names and values, white space around them taken off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// Reads a tag list strictly: no name twice, no empty tag but after the last semicolon, no odd character.
    ///
    /// Errors: what is faulty, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut tags = BTreeMap::new();
        let mut pieces = text.split(';').peekable();
        while let Some(piece) = pieces.next() {
            let piece = piece.trim_matches(is_space);
            if piece.is_empty() && pieces.peek().is_none() && !tags.is_empty() {
                break;
            }
            let Some((name, value)) = piece.split_once('=') else {
                return Err("a tag without a value".to_owned());
            };
            let (name, value) = (name.trim_matches(is_space), value.trim_matches(is_space));
            let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !is_name {
                return Err("a tag whose name is not one".to_owned());
            }
            if value.chars().any(|c| c.is_control() && !is_space(c)) {
                return Err(format!("a control character in {name}="));
            }
            if tags.insert(name.to_owned(), value.to_owned()).is_some() {
                return Err(format!("the tag {name}= twice"));
            }
        }
        Ok(Tags(tags))
    }

    /// The value of a tag.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a tag that must be there and not be empty.
    ///
    /// Errors: in words.
    pub fn need(&self, name: &str) -> Result<&str, String> {
        match self.get(name) {
            Some(value) if !value.is_empty() => Ok(value),
            Some(_) => Err(format!("{name}= is empty")),
            None => Err(format!("{name}= is missing")),
        }
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Bytes of base64 text with white space in it.
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let bare: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    BASE64.decode(bare).ok()
}

/// One of the two canonical forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canon {
    /// As it stands.
    Simple,
    /// White space and case evened.
    Relaxed,
}

impl Canon {
    /// The forms of header and body that `c=` names; both `missing` where it is absent.
    pub fn read_pair(tag: Option<&str>, missing: Canon) -> Option<(Canon, Canon)> {
        let Some(tag) = tag else {
            return Some((missing, missing));
        };
        let (header, body) = tag.split_once('/').unwrap_or((tag, "simple"));
        Some((Canon::read(header)?, Canon::read(body)?))
    }

    fn read(word: &str) -> Option<Canon> {
        match word {
            "simple" => Some(Canon::Simple),
            "relaxed" => Some(Canon::Relaxed),
            _ => None,
        }
    }
}

/// Appends a header field (raw bytes) in its canonical form, line end included (sections 3.4.1 and 3.4.2).
pub fn push_field(raw: &[u8], canon: Canon, out: &mut Vec<u8>) {
    if canon == Canon::Simple {
        let bare = raw.strip_suffix(b"\n").unwrap_or(raw);
        let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
        push_with_crlf(bare, out);
        out.extend_from_slice(b"\r\n");
        return;
    }
    let colon = memchr::memchr(b':', raw).unwrap_or(raw.len());
    out.extend(raw[..colon].trim_ascii().iter().map(u8::to_ascii_lowercase));
    out.push(b':');
    let mut is_pending = false;
    let start = out.len();
    for &byte in raw.get(colon + 1..).unwrap_or_default() {
        match byte {
            b'\r' | b'\n' => {}
            b' ' | b'\t' => is_pending = true,
            _ => {
                if is_pending && out.len() > start {
                    out.push(b' ');
                }
                is_pending = false;
                out.push(byte);
            }
        }
    }
    out.extend_from_slice(b"\r\n");
}

fn push_with_crlf(bytes: &[u8], out: &mut Vec<u8>) {
    let mut last = 0;
    for &byte in bytes {
        if byte == b'\n' && last != b'\r' {
            out.push(b'\r');
        }
        out.push(byte);
        last = byte;
    }
}

/// The body in its canonical form (sections 3.4.3 and 3.4.4). Lines that end in a bare LF are taken to have ended in CRLF,
/// because a message that was saved to a file usually lost them.
pub fn canonical_body(body: &[u8], canon: Canon) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 2);
    let mut empty_lines = 0;
    let mut rest = body;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest);
        let line = &rest[..end.unwrap_or(rest.len())];
        let line = if end.is_some() {
            line.strip_suffix(b"\r").unwrap_or(line)
        } else {
            line
        };
        rest = end.map_or(&[][..], |end| &rest[end + 1..]);
        let start = out.len();
        if canon == Canon::Simple {
            if line.is_empty() {
                empty_lines += 1;
                continue;
            }
            push_empty_lines(&mut out, &mut empty_lines);
            out.extend_from_slice(line);
        } else {
            let text_end = line
                .iter()
                .rposition(|b| *b != b' ' && *b != b'\t')
                .map_or(0, |at| at + 1);
            if text_end == 0 {
                empty_lines += 1;
                continue;
            }
            push_empty_lines(&mut out, &mut empty_lines);
            let mut was_blank = false;
            for &byte in &line[..text_end] {
                let is_blank = byte == b' ' || byte == b'\t';
                if !is_blank {
                    out.push(byte);
                } else if !was_blank {
                    out.push(b' ');
                }
                was_blank = is_blank;
            }
        }
        debug_assert!(out.len() >= start, "a line only adds");
        out.extend_from_slice(b"\r\n");
    }
    if out.is_empty() && canon == Canon::Simple {
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn push_empty_lines(out: &mut Vec<u8>, count: &mut usize) {
    for _ in 0..std::mem::take(count) {
        out.extend_from_slice(b"\r\n");
    }
}

/// A signature field (raw bytes) with the value of its `b=` taken out (section 3.7).
pub fn without_signature(raw: &[u8]) -> Vec<u8> {
    let colon = memchr::memchr(b':', raw).map_or(raw.len(), |at| at + 1);
    let mut start = colon;
    while start < raw.len() {
        let end = memchr::memchr(b';', &raw[start..]).map_or(raw.len(), |at| start + at);
        if let Some(equals) = memchr::memchr(b'=', &raw[start..end])
            && raw[start..start + equals].trim_ascii() == b"b"
        {
            let value = start + equals + 1;
            let value_end = value + raw[value..end].trim_ascii_end().len();
            let mut bare = raw[..value].to_vec();
            bare.extend_from_slice(&raw[value_end..]);
            return bare;
        }
        start = end + 1;
    }
    raw.to_vec()
}
