//! Palo Alto's threat and traffic logs: comma-separated, as PAN-OS sends them over syslog ("Threat Log Fields" and "Traffic Log
//! Fields", PAN-OS documentation).

use super::fields::{Fields, Span, cut, read_address, read_number};
use super::time;
use crate::event::Action;

/// Columns, counted from 0, that both kinds of log have at the same place.
mod column {
    pub const KIND: usize = 3;
    pub const SUBTYPE: usize = 4;
    pub const GENERATED: usize = 6;
    pub const SOURCE: usize = 7;
    pub const USER: usize = 12;
    /// Of a threat: what was asked for, or the name of a file. Of traffic: bytes.
    pub const ASKED: usize = 31;
    pub const LAST: usize = 32;
}

/// `1,received,serial,THREAT,subtype,version,generated,source,destination,…`.
pub fn entry(whole: &[u8], text: &[u8], outside: Option<time::Moment>, now_ms: i64) -> Option<Fields> {
    let mut columns = [b"".as_slice(); column::LAST];
    let mut rest = text;
    for slot in &mut columns {
        // A value with a comma in it stands in quotes (RFC 4180); a quote in it is doubled, which ends no value here.
        let (value, after) = match rest.strip_prefix(b"\"") {
            Some(inner) => {
                let end = memchr::memmem::find(inner, b"\",")?;
                (&inner[..end], &inner[end + 2..])
            }
            None => cut(rest, b',').unwrap_or((rest, b"")),
        };
        *slot = value;
        rest = after;
    }
    let is_threat = columns[column::KIND] == b"THREAT";
    if !is_threat && columns[column::KIND] != b"TRAFFIC" {
        return None;
    }
    let generated = time::any(columns[column::GENERATED], now_ms);
    // The firewall writes its own clock without a zone; the envelope, where there is one, tells it.
    let moment = outside.or(generated);
    let mut fields = Fields {
        action: Action::Connection,
        time_ms: moment.map(|moment| moment.ms),
        offset_minutes: moment.map_or(0, |moment| moment.offset),
        client: Some(read_address(columns[column::SOURCE])?),
        user: Span::of(whole, columns[column::USER]),
        ..Fields::default()
    };
    if is_threat
        && matches!(
            columns[column::SUBTYPE],
            b"url" | b"vulnerability" | b"spyware" | b"file"
        )
    {
        // `host/path?query`, with neither scheme nor blank.
        let asked = columns[column::ASKED];
        if let Some(at) = memchr::memchr(b'/', asked) {
            fields.action = Action::Notice;
            fields.host = Span::of(whole, super::fields::without_port(&asked[..at]));
            fields.target = Span::of(whole, &asked[at..]);
        }
    } else if !is_threat {
        fields.bytes = read_number(columns[column::ASKED]);
    }
    Some(fields)
}
