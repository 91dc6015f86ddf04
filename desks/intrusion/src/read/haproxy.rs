//! HAProxy's HTTP log (configuration manual, section 8.2.3).

use super::fields::{Fields, Span, cut, read_address, read_number, read_status, split_request};
use super::headers::lay;
use super::time;
use crate::event::{Action, Escapes};

/// `client:port [date] frontend backend/server Tq/Tw/Tc/Tr/Tt status bytes … "request"`, and the notes on failed handshakes.
pub fn entry(whole: &[u8], text: &[u8], scratch: &mut Vec<u8>) -> Option<Fields> {
    let (client, rest) = cut(text, b' ')?;
    let client = read_address(client)?;
    let rest = rest.strip_prefix(b"[")?;
    let (when, rest) = cut(rest, b']')?;
    let when = time::clf(when)?;
    let mut fields = Fields {
        time_ms: Some(when.ms),
        offset_minutes: when.offset,
        client: Some(client),
        escapes: Escapes::Backslash,
        ..Fields::default()
    };
    let mut words = rest.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let _frontend = words.next()?;
    let _server = words.next()?;
    let timers = words.next()?;
    let status = words.next().and_then(read_status);
    let Some(status) = status else {
        fields.action = Action::Connection;
        return Some(fields);
    };
    fields.status = Some(status);
    fields.bytes = words.next().and_then(read_number);
    fields.duration_ms = timers
        .rsplit(|byte| *byte == b'/')
        .next()
        .and_then(read_number)
        .and_then(|ms| u32::try_from(ms).ok());
    let at = memchr::memchr(b'"', rest)?;
    let line = &rest[at + 1..];
    let line = &line[..memchr::memrchr(b'"', line).unwrap_or(line.len())];
    let (method, target) = split_request(line);
    fields.method = Span::of(whole, method);
    fields.target = Span::of(whole, target);
    fields.headers = captured(whole, &rest[..at], scratch);
    Some(fields)
}

/// The request's captured headers, `{host|agent}` before the request line (section 8.8): values alone, in the order of the
/// configuration. Of two groups the second is the answer's.
fn captured(whole: &[u8], before: &[u8], scratch: &mut Vec<u8>) -> Span {
    let Some((_, group)) = memchr::memmem::find(before, b" {").map(|at| before.split_at(at + 2)) else {
        return Span::default();
    };
    let group = match memchr::memmem::find(group, b"} ") {
        Some(end) => &group[..end],
        None => return Span::default(),
    };
    let values: Vec<(Span, Span)> = group
        .split(|byte| *byte == b'|')
        .take(64)
        .map(|value| (Span::default(), Span::of(whole, value)))
        .collect();
    lay(&values, whole, scratch)
}
