//! Windows events written as XML on one line: IIS requests (event 6200) and sign-ins (4624, 4625).

use super::fields::{Fields, Span, read_address, read_number, read_status};
use super::time;
use crate::event::Action;

/// One event.
pub fn event(whole: &[u8], text: &[u8], scratch: &mut Vec<u8>) -> Option<Fields> {
    memchr::memmem::find(text.get(..512.min(text.len()))?, b"<Event ")?;
    let id = element(text, b"<EventID>")?;
    let when = attribute(text, b"SystemTime=").and_then(time::iso);
    let mut fields = Fields {
        action: Action::Notice,
        time_ms: when.map(|(moment, _)| moment.ms),
        ..Fields::default()
    };
    let data = |name: &[u8]| data_of(text, name).filter(|value| *value != b"-");
    match id {
        b"4625" => {
            fields.action = Action::SignInFailed;
            fields.client = data(b"IpAddress").and_then(read_address);
            fields.user = data(b"TargetUserName").map_or(Span::default(), |user| Span::of(whole, user));
        }
        b"4624" => {
            fields.action = Action::SignedIn;
            fields.client = data(b"IpAddress").and_then(read_address);
            fields.user = data(b"TargetUserName").map_or(Span::default(), |user| Span::of(whole, user));
        }
        _ => {
            let stem = data(b"cs-uri-stem")?;
            fields.action = Action::Request;
            fields.client = data(b"c-ip").and_then(read_address);
            fields.method = data(b"cs-method").map_or(Span::default(), |text| Span::of(whole, text));
            fields.agent = data(b"csUser-Agent").map_or(Span::default(), |text| Span::of(whole, text));
            fields.referer = data(b"csReferer").map_or(Span::default(), |text| Span::of(whole, text));
            fields.user = data(b"cs-username").map_or(Span::default(), |text| Span::of(whole, text));
            fields.host = data(b"s-sitename").map_or(Span::default(), |text| Span::of(whole, text));
            fields.status = data(b"sc-status").and_then(read_status);
            fields.bytes = data(b"sc-bytes").and_then(read_number);
            fields.duration_ms = data(b"time-taken")
                .and_then(read_number)
                .and_then(|ms| u32::try_from(ms).ok());
            let start = scratch.len();
            entities(stem, scratch);
            if let Some(query) = data(b"cs-uri-query") {
                scratch.push(b'?');
                entities(query, scratch);
            }
            fields.target = Span::of_scratch(scratch, start);
        }
    }
    Some(fields)
}

fn element<'a>(text: &'a [u8], open: &[u8]) -> Option<&'a [u8]> {
    let at = memchr::memmem::find(text, open)? + open.len();
    let end = memchr::memchr(b'<', &text[at..])?;
    Some(text[at..at + end].trim_ascii())
}

fn attribute<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let at = memchr::memmem::find(text, name)? + name.len();
    let quote = *text.get(at)?;
    let rest = &text[at + 1..];
    Some(&rest[..memchr::memchr(quote, rest)?])
}

/// The text of `<Data Name="name">`.
fn data_of<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut from = 0;
    while let Some(at) = memchr::memmem::find(&text[from..], b"<Data Name=") {
        let begin = from + at + 12;
        let rest = text.get(begin..)?;
        if rest.starts_with(name) && matches!(rest.get(name.len()), Some(b'"' | b'\'')) {
            let open = memchr::memchr(b'>', rest)? + 1;
            let end = memchr::memchr(b'<', &rest[open..])?;
            return Some(rest[open..open + end].trim_ascii());
        }
        from = begin;
    }
    None
}

/// Undoes the five entities of XML (section 4.6).
fn entities(text: &[u8], scratch: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'&', rest) {
        scratch.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let known: [(&[u8], u8); 5] = [
            (b"&amp;", b'&'),
            (b"&lt;", b'<'),
            (b"&gt;", b'>'),
            (b"&quot;", b'"'),
            (b"&apos;", b'\''),
        ];
        match known.iter().find(|(entity, _)| rest.starts_with(entity)) {
            Some((entity, byte)) => {
                scratch.push(*byte);
                rest = &rest[entity.len()..];
            }
            None => {
                scratch.push(b'&');
                rest = &rest[1..];
            }
        }
    }
    scratch.extend_from_slice(rest);
}
