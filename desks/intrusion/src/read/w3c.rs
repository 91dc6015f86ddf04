//! The W3C extended log file format (working draft WD-logfile-960323), as IIS writes it.

use serde::{Deserialize, Serialize};

use super::fields::{Fields, Span, read_address, read_number, read_status};
use super::headers::lay;
use super::time;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Column {
    Date,
    Time,
    Method,
    Stem,
    Query,
    User,
    Client,
    Forwarded,
    Agent,
    Referer,
    Host,
    Status,
    Bytes,
    Taken,
    /// A header that the site had added; its name is at this place of the names.
    Header(u8),
    Other,
}

/// The columns that the last `#Fields` directive named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct W3cFields {
    columns: Vec<Column>,
    headers: Vec<String>,
}

/// Most columns that are looked at. IIS has 40 of its own.
const MAX_COLUMNS: usize = 128;

impl W3cFields {
    /// Reads a `#Fields:` directive; `None` for any other line.
    pub fn directive(line: &[u8]) -> Option<Self> {
        let names = line.strip_prefix(b"#Fields:")?;
        let mut headers = Vec::new();
        let columns = names
            .split(|byte| byte.is_ascii_whitespace())
            .filter(|name| !name.is_empty())
            .take(MAX_COLUMNS)
            .map(|name| match name.to_ascii_lowercase().as_slice() {
                b"date" => Column::Date,
                b"time" => Column::Time,
                b"cs-method" => Column::Method,
                b"cs-uri-stem" | b"cs-uri" => Column::Stem,
                b"cs-uri-query" => Column::Query,
                b"cs-username" => Column::User,
                b"c-ip" => Column::Client,
                b"x-forwarded-for" | b"cs(x-forwarded-for)" => Column::Forwarded,
                b"cs(user-agent)" => Column::Agent,
                b"cs(referer)" => Column::Referer,
                b"cs-host" | b"cs(host)" => Column::Host,
                b"sc-status" => Column::Status,
                b"sc-bytes" => Column::Bytes,
                b"time-taken" => Column::Taken,
                other => match header_name(other) {
                    Some(name) => {
                        headers.push(name);
                        // There are at most MAX_COLUMNS of them.
                        Column::Header((headers.len() - 1) as u8)
                    }
                    None => Column::Other,
                },
            })
            .collect();
        Some(W3cFields { columns, headers })
    }

    /// One entry. Blanks within a value are written `+`.
    pub fn entry(&self, whole: &[u8], text: &[u8], scratch: &mut Vec<u8>) -> Option<Fields> {
        let mut fields = Fields::default();
        let (mut date, mut clock) = (b"".as_slice(), b"".as_slice());
        let (mut stem, mut query) = (b"".as_slice(), b"".as_slice());
        let mut values = text.split(|byte| matches!(byte, b' ' | b'\t'));
        let mut headers = Vec::new();
        for column in self.columns.iter() {
            let value = values.next()?;
            match column {
                Column::Date => date = value,
                Column::Time => clock = value,
                Column::Method => fields.method = Span::of(whole, value),
                Column::Stem => stem = value,
                Column::Query => query = value,
                Column::User => fields.user = Span::of(whole, value),
                Column::Client => fields.client = read_address(value),
                Column::Forwarded => fields.forwarded = Span::of(whole, value),
                Column::Agent => fields.agent = spaced(whole, value, scratch),
                Column::Referer => fields.referer = Span::of(whole, value),
                Column::Host => fields.host = Span::of(whole, value),
                Column::Status => fields.status = read_status(value),
                Column::Bytes => fields.bytes = read_number(value),
                Column::Taken => {
                    fields.duration_ms = read_number(value).and_then(|ms| u32::try_from(ms).ok())
                }
                Column::Header(place) => {
                    let name = self.headers.get(usize::from(*place)).map_or("", String::as_str);
                    let start = scratch.len();
                    scratch.extend_from_slice(name.as_bytes());
                    let name = Span::of_scratch(scratch, start);
                    headers.push((name, spaced(whole, value, scratch)));
                }
                Column::Other => {}
            }
        }
        let mut when = [b' '; 19];
        if date.len() == 10 && clock.len() >= 8 {
            when[..10].copy_from_slice(date);
            when[11..].copy_from_slice(&clock[..8]);
            let (moment, _) = time::iso(&when)?;
            fields.time_ms = Some(moment.ms);
        }
        if stem.is_empty() && fields.status.is_none() {
            return None;
        }
        if matches!(query, b"" | b"-") {
            fields.target = Span::of(whole, stem);
        } else {
            let start = scratch.len();
            scratch.extend_from_slice(stem);
            scratch.push(b'?');
            scratch.extend_from_slice(query);
            fields.target = Span::of_scratch(scratch, start);
        }
        fields.headers = lay(&headers, whole, scratch);
        Some(fields)
    }
}

/// The header that a column holds: `cs(X-Filename)`, and names of the site's own choice that begin like a header's.
fn header_name(column: &[u8]) -> Option<String> {
    let inner = column
        .strip_prefix(b"cs(")
        .and_then(|rest| rest.strip_suffix(b")"))
        .or_else(|| Some(column).filter(|name| name.starts_with(b"x-")))?;
    Some(String::from_utf8_lossy(&inner[..inner.len().min(64)]).into_owned())
}

/// A value with its blanks back; a value that has both `+` and `%20` kept them apart and is left alone.
fn spaced(whole: &[u8], value: &[u8], scratch: &mut Vec<u8>) -> Span {
    if !value.contains(&b'+') || memchr::memmem::find(value, b"%20").is_some() {
        return Span::of(whole, value);
    }
    let start = scratch.len();
    let mut at = 0;
    while at < value.len() {
        // `+(+http://…` : a doubled plus is a blank and a plus.
        match value[at] {
            b'+' => {
                scratch.push(b' ');
                if value.get(at + 1) == Some(&b'+') {
                    scratch.push(b'+');
                    at += 1;
                }
            }
            other => scratch.push(other),
        }
        at += 1;
    }
    Span::of_scratch(scratch, start)
}
