//! The Common Event Format (ArcSight, "Implementing ArcSight Common Event Format", version 26).

use super::fields::{Fields, Span, read_address, read_number, read_status, split_url, without_port};
use super::time;
use crate::event::Action;

/// One event: seven headers between bars, then `key=value`. `outside` is the time that stood before it.
pub fn event(
    whole: &[u8],
    text: &[u8],
    scratch: &mut Vec<u8>,
    outside: Option<time::Moment>,
    now_ms: i64,
) -> Option<Fields> {
    let body = text
        .strip_prefix(b"CEF:")
        .map(<[u8]>::trim_ascii_start)
        .unwrap_or(text);
    let version = body.first().filter(|byte| byte.is_ascii_digit())?;
    if body.get(1) != Some(&b'|') || *version > b'9' {
        return None;
    }
    let mut headers = [b"".as_slice(); 7];
    let mut rest = body;
    for header in &mut headers {
        let end = bar(rest)?;
        *header = &rest[..end];
        rest = &rest[end + 1..];
    }
    let name = headers[5];
    let mut fields = Fields {
        action: Action::Notice,
        time_ms: outside.map(|moment| moment.ms),
        offset_minutes: outside.map_or(0, |moment| moment.offset),
        ..Fields::default()
    };
    let mut url = b"".as_slice();
    let mut agent = b"".as_slice();
    let mut outcome = b"".as_slice();
    for (key, value) in Pairs(rest) {
        match key {
            b"rt" | b"end" | b"start" | b"UNIFIutcTime" => {
                if let Some(moment) = time::any(value, now_ms)
                    && (key == b"rt" || key == b"UNIFIutcTime" || fields.time_ms.is_none())
                {
                    fields.time_ms = Some(moment.ms);
                    fields.offset_minutes = moment.offset;
                }
            }
            b"src" => fields.client = read_address(value),
            b"requestMethod" => fields.method = Span::of(whole, value),
            b"request" => url = value,
            b"requestClientApplication" => agent = value,
            b"requestContext" => fields.referer = put(scratch, value),
            b"dhost" => fields.host = Span::of(whole, value),
            b"suser" | b"duser" if fields.user.is_empty() => fields.user = Span::of(whole, value),
            b"out" => fields.bytes = read_number(value),
            b"outcome" => outcome = value,
            b"act" if outcome.is_empty() => outcome = value,
            b"cn1" if fields.status.is_none() => fields.status = read_status(value),
            b"xForwardedFor" => fields.forwarded = Span::of(whole, value),
            _ => {}
        }
    }
    fields.client?;
    fields.agent = put(scratch, agent);
    if let Some(status) = read_status(outcome) {
        fields.status = Some(status);
    }
    if !url.is_empty() {
        fields.action = Action::Request;
        let start = scratch.len();
        unescape(scratch, url);
        let host_target = {
            let (host, target) = split_url(&scratch[start..]);
            (host.to_vec(), target.to_vec())
        };
        scratch.truncate(start);
        scratch.extend_from_slice(&host_target.1);
        fields.target = Span::of_scratch(scratch, start);
        if !host_target.0.is_empty() {
            let start = scratch.len();
            scratch.extend_from_slice(without_port(&host_target.0));
            fields.host = Span::of_scratch(scratch, start);
        }
    } else if is_sign_in(name) {
        fields.action = match outcome {
            b"success" | b"Success" => Action::SignedIn,
            _ => Action::SignInFailed,
        };
    }
    Some(fields)
}

fn is_sign_in(name: &[u8]) -> bool {
    super::auth::is_failure(name)
}

fn put(scratch: &mut Vec<u8>, value: &[u8]) -> Span {
    let start = scratch.len();
    unescape(scratch, value);
    Span::of_scratch(scratch, start)
}

fn unescape(scratch: &mut Vec<u8>, value: &[u8]) {
    let mut bytes = value.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => scratch.push(b'\n'),
                Some(b'r') => scratch.push(b'\r'),
                Some(other) => scratch.push(*other),
                None => scratch.push(b'\\'),
            },
            other => scratch.push(*other),
        }
    }
}

fn bar(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr(b'|', &text[from..])?;
        if at == 0 || text[at - 1] != b'\\' {
            return Some(at);
        }
        from = at + 1;
    }
}

/// `key=value` pairs. A value runs to the blank before the next key; `\=` belongs to the value.
struct Pairs<'a>(&'a [u8]);

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.0.trim_ascii_start();
        let equals = memchr::memchr(b'=', text)?;
        let key = &text[..equals];
        let value = &text[equals + 1..];
        // A key holds no `=`, so its blank lies behind the last one: each byte is looked at once.
        let mut from = 0;
        let end = loop {
            let Some(at) = memchr::memchr(b'=', &value[from..]).map(|at| from + at) else {
                break value.len();
            };
            if at > 0 && value[at - 1] == b'\\' {
                from = at + 1;
                continue;
            }
            match memchr::memrchr(b' ', &value[from..at]).map(|blank| from + blank) {
                Some(blank) if is_key(&value[blank + 1..at]) => break blank,
                _ => from = at + 1,
            }
        };
        self.0 = &value[end..];
        Some((key, value[..end].trim_ascii()))
    }
}

fn is_key(text: &[u8]) -> bool {
    !text.is_empty()
        && text
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}
