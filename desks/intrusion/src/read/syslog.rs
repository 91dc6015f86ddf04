//! The envelope of syslog, RFC 3164 and RFC 5424, and of container runtimes.

use super::time::{self, Moment};

/// What was in the envelope.
#[derive(Debug, Clone, Copy, Default)]
pub struct Envelope<'a> {
    /// When it was sent.
    pub when: Option<Moment>,
    /// The program that sent it; empty where none is named.
    pub program: &'a [u8],
    /// The message.
    pub message: &'a [u8],
}

/// Opens the envelope; `None` where there is none.
pub fn open(text: &[u8], now_ms: i64) -> Option<Envelope<'_>> {
    let rest = match text.strip_prefix(b"<") {
        // RFC 5424, section 6.2.1: one to three digits.
        Some(rest) => {
            let end = memchr::memchr(b'>', rest.get(..4.min(rest.len()))?)?;
            &rest[end + 1..]
        }
        None => text,
    };
    if let Some(rest) = rest.strip_prefix(b"1 ") {
        return rfc5424(rest);
    }
    let (when, rest) = match time::rfc3164(rest, now_ms) {
        Some((when, taken)) => (when, &rest[taken..]),
        None => {
            let (when, taken) = time::iso(rest)?;
            (when, &rest[taken..])
        }
    };
    let rest = rest.strip_prefix(b" ")?.trim_ascii_start();
    let (host, message) = super::fields::cut(rest, b' ')?;
    // A container runtime's line: `time stdout F message`.
    if matches!(host, b"stdout" | b"stderr") {
        let message = message
            .strip_prefix(b"F ")
            .or_else(|| message.strip_prefix(b"P "))?;
        return Some(Envelope {
            when: Some(when),
            program: b"",
            message,
        });
    }
    if host.contains(&b'[') || host.contains(&b'"') {
        return None;
    }
    let message = message.trim_ascii_start();
    let (program, message) = tag(message);
    Some(Envelope {
        when: Some(when),
        program,
        message,
    })
}

/// `program[123]: message`; the whole is the message where there is no such tag.
fn tag(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text
        .iter()
        .take(64)
        .position(|byte| matches!(byte, b'[' | b':' | b' '));
    let Some(end) = end.filter(|end| *end > 0) else {
        return (b"", text);
    };
    let program = &text[..end];
    let rest = match text[end] {
        b'[' => match super::fields::cut(&text[end..], b']') {
            Some((_, rest)) => rest,
            None => return (b"", text),
        },
        _ => &text[end..],
    };
    match rest.strip_prefix(b":") {
        Some(message) => (program, message.trim_ascii_start()),
        None => (b"", text),
    }
}

fn rfc5424(rest: &[u8]) -> Option<Envelope<'_>> {
    let (when, rest) = super::fields::cut(rest, b' ')?;
    let when = time::iso(when).map(|(when, _)| when);
    let (_host, rest) = super::fields::cut(rest, b' ')?;
    let (program, rest) = super::fields::cut(rest, b' ')?;
    let (_process, rest) = super::fields::cut(rest, b' ')?;
    let (_kind, rest) = super::fields::cut(rest, b' ')?;
    let mut rest = rest;
    if let Some(after) = rest.strip_prefix(b"-") {
        rest = after;
    } else {
        while rest.starts_with(b"[") {
            let mut from = 1;
            loop {
                let at = from + memchr::memchr(b']', &rest[from..])?;
                if rest[at - 1] != b'\\' {
                    rest = &rest[at + 1..];
                    break;
                }
                from = at + 1;
            }
        }
    }
    // RFC 5424, section 6.4: a message may begin with a byte order mark.
    let message = rest.trim_ascii_start();
    Some(Envelope {
        when,
        program,
        message: message.strip_prefix("\u{feff}".as_bytes()).unwrap_or(message),
    })
}
