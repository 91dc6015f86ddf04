//! Firewalls: pf's filterlog and iptables. They say who knocked, not what was asked.

use super::fields::{Fields, read_address, read_number};
use crate::event::Action;

/// iptables: `… SRC=1.2.3.4 DST=5.6.7.8 … DPT=22`.
pub fn iptables(text: &[u8]) -> Option<Fields> {
    let at = memchr::memmem::find(text, b"SRC=")?;
    let rest = &text[at + 4..];
    let end = memchr::memchr(b' ', rest).unwrap_or(rest.len());
    memchr::memmem::find(rest, b"DST=")?;
    let bytes = memchr::memmem::find(rest, b"LEN=").and_then(|at| {
        let number = &rest[at + 4..];
        read_number(&number[..memchr::memchr(b' ', number).unwrap_or(number.len())])
    });
    Some(Fields {
        action: Action::Connection,
        client: Some(read_address(&rest[..end])?),
        bytes,
        ..Fields::default()
    })
}

/// pf's filterlog, as pfSense and OPNsense send it: comma-separated, the addresses behind the protocol's own columns
/// ("Raw Filter Log Format", Netgate documentation).
pub fn filterlog(text: &[u8]) -> Option<Fields> {
    let columns: [&[u8]; 20] = {
        let mut found = [b"".as_slice(); 20];
        for (slot, column) in found.iter_mut().zip(text.split(|byte| *byte == b',')) {
            *slot = column;
        }
        found
    };
    // rule, sub rule, anchor, tracker, interface, reason, action, direction, version
    if !matches!(columns[6], b"block" | b"pass" | b"reject" | b"match") {
        return None;
    }
    let (length, source) = match columns[8] {
        b"4" => (columns[17], columns[18]),
        b"6" => (columns[14], columns[15]),
        _ => return None,
    };
    Some(Fields {
        action: Action::Connection,
        client: Some(read_address(source)?),
        bytes: read_number(length),
        ..Fields::default()
    })
}
