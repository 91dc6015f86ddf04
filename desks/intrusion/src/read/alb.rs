//! Access logs of AWS application load balancers.

use super::fields::{
    Fields, Span, quoted, read_address, read_number, read_seconds, read_status, split_request, split_url,
};
use super::time;
use crate::event::Escapes;

/// One entry: space-separated columns, some quoted ("Access logs for your Application Load Balancer", the AWS user guide).
pub fn entry(whole: &[u8], text: &[u8]) -> Option<Fields> {
    let mut columns = Columns(text);
    match columns.next()? {
        b"http" | b"https" | b"h2" | b"ws" | b"wss" | b"grpcs" => {}
        _ => return None,
    }
    let (when, _) = time::iso(columns.next()?)?;
    let _balancer = columns.next()?;
    let client = read_address(columns.next()?);
    let _target = columns.next()?;
    let mut duration_ms = 0;
    for _ in 0..3 {
        duration_ms += read_seconds(columns.next()?).unwrap_or(0);
    }
    let status = read_status(columns.next()?);
    let _target_status = columns.next()?;
    let _received = columns.next()?;
    let bytes = read_number(columns.next()?);
    let (method, url) = split_request(columns.next()?);
    let (host, target) = split_url(url);
    let agent = columns.next().unwrap_or_default();
    Some(Fields {
        time_ms: Some(when.ms),
        offset_minutes: when.offset,
        client,
        status,
        bytes,
        duration_ms: Some(duration_ms),
        escapes: Escapes::Backslash,
        method: Span::of(whole, method),
        host: Span::of(whole, host),
        target: Span::of(whole, target),
        agent: Span::of(whole, agent),
        ..Fields::default()
    })
}

struct Columns<'a>(&'a [u8]);

impl<'a> Iterator for Columns<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.0.trim_ascii_start();
        if text.is_empty() {
            return None;
        }
        if text.starts_with(b"\"") {
            let (inner, rest) = quoted(text).unwrap_or((&text[1..], b""));
            self.0 = rest;
            return Some(inner);
        }
        let end = memchr::memchr(b' ', text).unwrap_or(text.len());
        self.0 = &text[end..];
        Some(&text[..end])
    }
}
