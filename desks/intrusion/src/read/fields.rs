//! An event's fields as places in its line, so that a line is laid out without copying.

use std::net::{IpAddr, Ipv4Addr};

use super::headers::Headers;
use crate::event::{Action, Escapes, Event};

/// A piece of text: of the line, or of the scratch space where a dialect had to undo its escapes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
    is_scratch: bool,
}

impl Span {
    /// The place of `part` in `whole`, which it must be cut from; empty where it is not, or is written `-`.
    pub fn of(whole: &[u8], part: &[u8]) -> Span {
        if part.is_empty() || part == b"-" {
            return Span::default();
        }
        let Some(start) = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize) else {
            return Span::default();
        };
        let end = start + part.len();
        if end > whole.len() {
            return Span::default();
        }
        Span {
            start: start as u32,
            end: end as u32,
            is_scratch: false,
        }
    }

    /// What was put into the scratch space from `start` on.
    pub fn of_scratch(scratch: &[u8], start: usize) -> Span {
        let text = &scratch[start..];
        if text.is_empty() || text == b"-" {
            return Span::default();
        }
        Span {
            start: start as u32,
            end: scratch.len() as u32,
            is_scratch: true,
        }
    }

    /// Its length, in bytes.
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Appends its first `length` bytes to the scratch space, in which it may itself lie.
    pub(super) fn append_to(self, whole: &[u8], scratch: &mut Vec<u8>, length: usize) {
        let (start, end) = (self.start as usize, self.start as usize + length.min(self.len()));
        if self.is_scratch {
            if end <= scratch.len() {
                scratch.extend_from_within(start..end);
            }
        } else {
            scratch.extend_from_slice(whole.get(start..end).unwrap_or_default());
        }
    }

    /// Whether it is empty.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The text.
    pub fn text<'a>(self, whole: &'a [u8], scratch: &'a [u8]) -> &'a [u8] {
        let from = if self.is_scratch { scratch } else { whole };
        from.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

/// An event whose texts are places.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the field of the same name of `Event`")]
pub struct Fields {
    pub action: Action,
    pub time_ms: Option<i64>,
    pub offset_minutes: i16,
    pub client: Option<IpAddr>,
    pub status: Option<u16>,
    pub bytes: Option<u64>,
    pub duration_ms: Option<u32>,
    pub escapes: Escapes,
    pub forwarded: Span,
    pub method: Span,
    pub host: Span,
    pub target: Span,
    pub referer: Span,
    pub agent: Span,
    pub user: Span,
    pub headers: Span,
}

impl Fields {
    /// The event, with its texts.
    pub fn event<'a>(&self, whole: &'a [u8], scratch: &'a [u8]) -> Event<'a> {
        Event {
            action: self.action,
            time_ms: self.time_ms,
            offset_minutes: self.offset_minutes,
            client: self.client,
            forwarded: self.forwarded.text(whole, scratch),
            method: self.method.text(whole, scratch),
            host: self.host.text(whole, scratch),
            target: self.target.text(whole, scratch),
            status: self.status,
            bytes: self.bytes,
            duration_ms: self.duration_ms,
            referer: self.referer.text(whole, scratch),
            agent: self.agent.text(whole, scratch),
            user: self.user.text(whole, scratch),
            headers: Headers::laid(self.headers.text(whole, scratch)),
            escapes: self.escapes,
        }
    }
}

/// An address in any spelling: with a zone, in brackets, with a port behind it; IPv4-mapped addresses become IPv4.
pub fn read_address(text: &[u8]) -> Option<IpAddr> {
    if let Some((four, rest)) = read_ipv4(text) {
        return match rest {
            [] => Some(IpAddr::V4(four)),
            [b':', port @ ..] if !port.is_empty() && port.iter().all(u8::is_ascii_digit) => {
                Some(IpAddr::V4(four))
            }
            _ => None,
        };
    }
    let text = match text {
        [b'[', inner @ ..] => &inner[..memchr::memchr(b']', inner)?],
        _ => text,
    };
    let text = match memchr::memchr(b'%', text) {
        Some(zone) => &text[..zone],
        None => text,
    };
    // RFC 4291 section 2.2: the longest spelling has 45 characters.
    if text.len() > 45 || !text.contains(&b':') {
        return None;
    }
    let six: std::net::Ipv6Addr = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(six.to_canonical())
}

/// A dotted address at the beginning of `text`, and what follows it.
pub fn read_ipv4(text: &[u8]) -> Option<(Ipv4Addr, &[u8])> {
    let mut octets = [0u8; 4];
    let mut at = 0;
    for (place, octet) in octets.iter_mut().enumerate() {
        if place > 0 {
            if text.get(at) != Some(&b'.') {
                return None;
            }
            at += 1;
        }
        let mut value = 0u16;
        let begun = at;
        while let Some(digit) = text.get(at).filter(|byte| byte.is_ascii_digit()) {
            value = value * 10 + u16::from(digit - b'0');
            at += 1;
            if at - begun > 3 {
                return None;
            }
        }
        if at == begun || value > 255 {
            return None;
        }
        *octet = value as u8;
    }
    Some((Ipv4Addr::from(octets), &text[at..]))
}

/// A decimal number; `None` for anything else, and beyond 64 bits.
pub fn read_number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 20 {
        return None;
    }
    let mut value = 0u64;
    for byte in text {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
    }
    Some(value)
}

/// A status of an answer: three digits.
pub fn read_status(text: &[u8]) -> Option<u16> {
    match text {
        [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9'] => read_number(text).map(|value| value as u16),
        _ => None,
    }
}

/// Seconds with a fraction, as milliseconds.
pub fn read_seconds(text: &[u8]) -> Option<u32> {
    let seconds: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (0.0..4_000_000.0)
        .contains(&seconds)
        .then(|| (seconds * 1000.0).round() as u32)
}

/// The text up to the first `stop`, and what follows it.
pub fn cut(text: &[u8], stop: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(stop, text)?;
    Some((&text[..at], &text[at + 1..]))
}

/// What stands in quotes at the beginning of `text` (which begins with the quote), with its escapes, and what follows.
pub fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.strip_prefix(b"\"")?;
    let mut from = 0;
    loop {
        let at = from + memchr::memchr(b'"', &inner[from..])?;
        let backslashes = inner[..at]
            .iter()
            .rev()
            .take_while(|byte| **byte == b'\\')
            .count();
        if backslashes % 2 == 0 {
            return Some((&inner[..at], &inner[at + 1..]));
        }
        from = at + 1;
    }
}

/// Method and target of a request line such as `GET /path HTTP/1.1`. A target may hold blanks; a line that names no method
/// is all target.
pub fn split_request(line: &[u8]) -> (&[u8], &[u8]) {
    let Some(blank) = memchr::memchr(b' ', line).filter(|at| (1..=32).contains(at)) else {
        return (b"", line);
    };
    let (method, rest) = (&line[..blank], &line[blank + 1..]);
    if !method
        .iter()
        .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-'))
    {
        return (b"", line);
    }
    match memchr::memrchr(b' ', rest) {
        Some(at) if rest[at + 1..].starts_with(b"HTTP/") || rest[at + 1..].starts_with(b"http/") => {
            (method, &rest[..at])
        }
        _ => (method, rest),
    }
}

/// The target of an absolute URL, and its host.
pub fn split_url(url: &[u8]) -> (&[u8], &[u8]) {
    let Some(at) = memchr::memmem::find(url, b"://").filter(|at| {
        *at <= 8
            && url[..*at]
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'+')
    }) else {
        return (b"", url);
    };
    let rest = &url[at + 3..];
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?' | b'#'))
        .unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    let host = match memchr::memrchr(b'@', authority) {
        Some(at) => &authority[at + 1..],
        None => authority,
    };
    (without_port(host), if target.is_empty() { b"/" } else { target })
}

/// The host without `:443` behind it.
pub fn without_port(host: &[u8]) -> &[u8] {
    match memchr::memrchr(b':', host) {
        Some(at) if at + 1 < host.len() && host[at + 1..].iter().all(u8::is_ascii_digit) => &host[..at],
        _ => host,
    }
}
