//! The common log format and its kin: combined, with a virtual host before it, nginx with its own order, and the error logs
//! that name a request.

use super::fields::{
    Fields, Span, cut, quoted, read_address, read_number, read_seconds, read_status, split_request,
    split_url, without_port,
};
use super::time;
use crate::event::{Action, Escapes};

/// Apache httpd's and nginx's access logs: common, combined, virtual host in front, further columns behind.
///
/// The request line ends at the first quote that a status and a size follow, so that one which holds quotes and blanks
/// is still read.
pub fn access(whole: &[u8], text: &[u8]) -> Option<Fields> {
    let bracket = memchr::memchr(b'[', text)?;
    // Bounds the search in a line that is none of ours.
    if bracket > 512 {
        return None;
    }
    let head = &text[..bracket];
    let rest = &text[bracket + 1..];
    let when_end = memchr::memchr(b']', rest.get(..64.min(rest.len()))?)?;
    let when = time::clf(&rest[..when_end])?;
    let rest = rest[when_end + 1..].trim_ascii_start();
    let mut words = head.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let first = words.next()?;
    let mut fields = Fields {
        time_ms: Some(when.ms),
        offset_minutes: when.offset,
        escapes: Escapes::Backslash,
        ..Fields::default()
    };
    let mut last = b"".as_slice();
    match read_address(first) {
        Some(client) => {
            fields.client = Some(client);
            words.by_ref().for_each(|word| last = word);
        }
        None => {
            // A virtual host, or a client that was logged by name.
            let mut next = words.clone();
            if let Some(client) = next.next().and_then(read_address) {
                fields.client = Some(client);
                fields.host = Span::of(whole, without_port(first));
                next.for_each(|word| last = word);
            } else {
                words.by_ref().for_each(|word| last = word);
            }
        }
    }
    fields.user = Span::of(whole, last);
    let inner = rest.strip_prefix(b"\"")?;
    let (line, after) = request_line(inner)?;
    let (method, target) = split_request(line);
    let (host, target) = if target.starts_with(b"/") {
        (b"".as_slice(), target)
    } else {
        proxied(method, target)
    };
    if fields.host.is_empty() {
        fields.host = Span::of(whole, host);
    }
    fields.method = Span::of(whole, method);
    fields.target = Span::of(whole, target);
    let after = after.trim_ascii_start();
    let (status, after) = word(after);
    fields.status = read_status(status);
    let (size, after) = word(after);
    fields.bytes = read_number(size);
    let mut after = after.trim_ascii_start();
    if after.starts_with(b"\"") {
        let (referer, rest) = quoted(after).unwrap_or((&after[1..], b""));
        fields.referer = Span::of(whole, referer);
        after = rest.trim_ascii_start();
        if after.starts_with(b"\"") {
            let (agent, rest) = quoted(after).unwrap_or((&after[1..], b""));
            fields.agent = Span::of(whole, agent);
            after = rest.trim_ascii_start();
        }
    }
    if !after.is_empty() {
        // nginx's usual addition, the time of the request in seconds; recognised by its name only.
        for column in after.split(|byte| *byte == b' ').take(32) {
            if let Some(value) = column
                .strip_prefix(b"rt=")
                .or_else(|| column.strip_prefix(b"request_time="))
            {
                fields.duration_ms = read_seconds(value);
            }
        }
        if let Some((chain, _)) = quoted(after).filter(|(chain, _)| {
            cut(chain, b',')
                .map_or(*chain, |(first, _)| first)
                .first()
                .is_some_and(u8::is_ascii_hexdigit)
        }) {
            fields.forwarded = Span::of(whole, chain);
        }
    }
    Some(fields)
}

/// A target that is a whole URL, as a client of a proxy sends it. It stays whole where the client wants it fetched from
/// elsewhere: that is what an open proxy is asked.
fn proxied<'a>(method: &[u8], target: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    if method.is_empty() {
        (b"", target)
    } else {
        (split_url(target).0, target)
    }
}

/// The request line at the beginning of `inner`, behind its opening quote, and what follows its closing one.
///
/// A server that writes quotes as they came lets a client forge a status behind one. The quote that follows a protocol's name
/// is therefore preferred to an earlier one that does not.
fn request_line(inner: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut first = None;
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'"', &inner[from..]).map(|at| from + at) {
        let after = &inner[at + 1..];
        if let [b' ', a, b, c, b' ', ..] = after
            && a.is_ascii_digit()
            && b.is_ascii_digit()
            && c.is_ascii_digit()
            && (after
                .get(5)
                .is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-'))
        {
            let line = &inner[..at];
            let last_word = &line[memchr::memrchr(b' ', line).map_or(0, |blank| blank + 1)..];
            if last_word.starts_with(b"HTTP/") {
                return Some((line, after));
            }
            first.get_or_insert((line, after));
        }
        from = at + 1;
    }
    first
}

fn word(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b' ', text) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, b""),
    }
}

/// Nginx Proxy Manager: `[time] [cache] [upstream status] status - METHOD scheme host "/path" [Client 1.2.3.4] [Length 5] …`.
pub fn proxy_manager(whole: &[u8], text: &[u8]) -> Option<Fields> {
    let rest = text.strip_prefix(b"[")?;
    let (when, rest) = cut(rest, b']')?;
    let when = time::clf(when)?;
    let (head, rest) = memchr::memmem::find(rest, b" - ").map(|at| {
        // The cache state may itself be a dash: the one before the method is the last before the quote.
        let quote = memchr::memchr(b'"', rest).unwrap_or(rest.len());
        let at = memchr::memmem::rfind(&rest[..quote], b" - ").unwrap_or(at);
        (&rest[..at], &rest[at + 3..])
    })?;
    let status = head.split(|byte| *byte == b' ').rev().find_map(read_status)?;
    let (method, rest) = cut(rest, b' ')?;
    let (_scheme, rest) = cut(rest, b' ')?;
    let (host, rest) = cut(rest, b' ')?;
    let (target, rest) = quoted(rest)?;
    let (_, rest) = memchr::memmem::find(rest, b"[Client ").map(|at| rest.split_at(at + 8))?;
    let (client, rest) = cut(rest, b']')?;
    let bytes = memchr::memmem::find(rest, b"[Length ")
        .and_then(|at| cut(&rest[at + 8..], b']'))
        .and_then(|(size, _)| read_number(size));
    let mut fields = Fields {
        time_ms: Some(when.ms),
        offset_minutes: when.offset,
        client: Some(read_address(client)?),
        status: Some(status),
        bytes,
        escapes: Escapes::Backslash,
        method: Span::of(whole, method),
        host: Span::of(whole, host),
        target: Span::of(whole, target),
        ..Fields::default()
    };
    if let Some((agent, rest)) = memchr::memchr(b'"', rest).and_then(|at| quoted(&rest[at..])) {
        fields.agent = Span::of(whole, agent);
        if let Some((referer, _)) = quoted(rest.trim_ascii_start()) {
            fields.referer = Span::of(whole, referer);
        }
    }
    Some(fields)
}

/// nginx's error log, of those lines that name a client: `… client: 1.2.3.4, server: x, request: "GET / HTTP/1.1", host: "x"`.
pub fn nginx_error(whole: &[u8], text: &[u8]) -> Option<Fields> {
    let (when, taken) = time::iso(text)?;
    let rest = text[taken..].trim_ascii_start();
    if !rest.starts_with(b"[") {
        return None;
    }
    let at = memchr::memmem::find(rest, b"client: ")?;
    let message = &rest[..at];
    let after = &rest[at + 8..];
    let client_end = after
        .iter()
        .position(|byte| matches!(byte, b',' | b' '))
        .unwrap_or(after.len());
    let mut fields = Fields {
        time_ms: Some(when.ms),
        offset_minutes: when.offset,
        client: Some(read_address(&after[..client_end])?),
        escapes: Escapes::Backslash,
        action: Action::Notice,
        ..Fields::default()
    };
    if let Some(at) = memchr::memmem::find(after, b"request: \"")
        && let Some((line, _)) = quoted(&after[at + 9..])
    {
        let (method, target) = split_request(line);
        fields.method = Span::of(whole, method);
        fields.target = Span::of(whole, target);
    }
    if let Some(at) = memchr::memmem::find(after, b"host: \"")
        && let Some((host, _)) = quoted(&after[at + 6..])
    {
        fields.host = Span::of(whole, without_port(host));
    }
    if super::auth::is_failure(message) || message.ends_with(b"was not found in \"") {
        fields.action = Action::SignInFailed;
    } else if memchr::memmem::find(message, b"limiting requests").is_some() {
        fields.status = Some(503);
    } else if memchr::memmem::find(message, b"No such file").is_some() {
        fields.status = Some(404);
    }
    if let Some((user, _)) =
        memchr::memmem::find(message, b"user \"").and_then(|at| quoted(&message[at + 5..]))
    {
        fields.user = Span::of(whole, user);
        if memchr::memmem::find(message, b"was not found").is_some()
            || memchr::memmem::find(message, b"password mismatch").is_some()
        {
            fields.action = Action::SignInFailed;
        }
    }
    Some(fields)
}

/// Apache's error log, of those lines that name a client: `[time] [module:level] [pid …] [client 1.2.3.4:5] message`.
pub fn apache_error(whole: &[u8], text: &[u8]) -> Option<Fields> {
    let rest = text.strip_prefix(b"[")?;
    let (when, rest) = cut(rest, b']')?;
    let when = time::ctime(when)?;
    let at = memchr::memmem::find(rest, b"[client ")?;
    let (client, message) = cut(&rest[at + 8..], b']')?;
    let mut fields = Fields {
        time_ms: Some(when.ms),
        client: Some(read_address(client)?),
        escapes: Escapes::Backslash,
        action: Action::Notice,
        ..Fields::default()
    };
    // AH01617: password mismatch; AH01618: user not found (Apache httpd, mod_auth_basic).
    let is_failed = memchr::memmem::find(message, b"AH01617").is_some()
        || memchr::memmem::find(message, b"AH01618").is_some()
        || super::auth::is_failure(message);
    if is_failed {
        fields.action = Action::SignInFailed;
        if let Some(at) = memchr::memmem::find(message, b"user ") {
            let name = &message[at + 5..];
            let end = name
                .iter()
                .position(|byte| matches!(byte, b' ' | b':'))
                .unwrap_or(name.len());
            fields.user = Span::of(whole, &name[..end]);
        }
        if let Some(at) = memchr::memmem::rfind(message, b": /") {
            fields.target = Span::of(whole, trim_referer(&message[at + 2..]));
        }
    } else if let Some(at) = memchr::memmem::find(message, b" in request ") {
        let (method, target) = split_request(trim_referer(&message[at + 12..]));
        fields.method = Span::of(whole, method);
        fields.target = Span::of(whole, target);
        fields.status = Some(400);
    }
    Some(fields)
}

fn trim_referer(text: &[u8]) -> &[u8] {
    match memchr::memmem::find(text, b", referer:") {
        Some(at) => &text[..at],
        None => text,
    }
}

/// Zoraxy: `date [date] [router:…] [origin:host] [client: 1.2.3.4] [useragent: …] GET /path 404`.
pub fn zoraxy(whole: &[u8], text: &[u8]) -> Option<Fields> {
    let at = memchr::memmem::find(text, b"[client: ")?;
    let (when, _) = time::iso(text.strip_prefix(b"[").unwrap_or(text))?;
    let (client, rest) = cut(&text[at + 9..], b']')?;
    let at = memchr::memmem::find(rest, b"[useragent: ")?;
    let rest = &rest[at + 12..];
    let end = memchr::memmem::rfind(rest, b"] ")?;
    let (agent, rest) = (&rest[..end], &rest[end + 2..]);
    let (method, rest) = cut(rest, b' ')?;
    let status_at = memchr::memrchr(b' ', rest)?;
    let host = memchr::memmem::find(text, b"[origin:")
        .and_then(|at| cut(&text[at + 8..], b']'))
        .map_or(b"".as_slice(), |(host, _)| host);
    Some(Fields {
        time_ms: Some(when.ms),
        offset_minutes: when.offset,
        client: Some(read_address(client)?),
        status: Some(read_status(&rest[status_at + 1..])?),
        method: Span::of(whole, method),
        host: Span::of(whole, without_port(host)),
        target: Span::of(whole, &rest[..status_at]),
        agent: Span::of(whole, agent),
        ..Fields::default()
    })
}
