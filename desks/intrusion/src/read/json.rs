//! One JSON object a line: nginx, Apache, Cloudflare, Caddy, Fastly, Traefik, Envoy and applications that sign people in.
//!
//! Names of members differ from product to product and mean the same few things, so they are compared without case and
//! punctuation. Nested objects are walked to [`MAX_DEPTH`]; of arrays the first element counts. The walk takes
//! time by the length of the line alone, so that a visitor who sends a thousand headers does not hide the rest of it.

use super::fields::{
    Fields, Span, read_address, read_number, read_seconds, read_status, split_request, split_url,
    without_port,
};
use super::headers::lay;
use super::time;
use crate::event::Action;

/// Deepest nesting that is walked.
const MAX_DEPTH: u32 = 6;

/// What a member means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meaning {
    Time,
    Client,
    Forwarded,
    Method,
    Host,
    Target,
    Path,
    Query,
    Request,
    Status,
    Bytes,
    Seconds,
    Nanoseconds,
    Milliseconds,
    Referer,
    Agent,
    User,
}

impl Meaning {
    fn is_of_answer(self) -> bool {
        use Meaning::{Bytes, Milliseconds, Nanoseconds, Seconds, Status};
        matches!(self, Status | Bytes | Seconds | Nanoseconds | Milliseconds)
    }
}

/// The meaning of a member's name, and how much it is to be preferred to another of the same meaning (less is better).
fn meaning(name: &[u8]) -> Option<(Meaning, u8)> {
    let mut plain = [0u8; 32];
    let mut length = 0;
    for byte in name.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
        *plain.get_mut(length)? = byte.to_ascii_lowercase();
        length += 1;
    }
    Some(match &plain[..length] {
        b"timeiso8601" | b"edgestarttimestamp" | b"starttime" | b"eventtime" | b"startutc" => {
            (Meaning::Time, 0)
        }
        b"time" | b"timestamp" | b"ts" | b"timelocal" | b"datetime" | b"date" | b"msec" | b"t" => {
            (Meaning::Time, 1)
        }
        b"clientip"
        | b"remoteaddr"
        | b"cip"
        | b"clienthost"
        | b"sourceipaddress"
        | b"remotehost"
        | b"downstreamremoteaddress" => (Meaning::Client, 0),
        b"remoteip" | b"srcip" | b"src" | b"ip" | b"clientaddress" | b"remoteaddress" | b"ipaddress"
        | b"client" | b"clientaddr" => (Meaning::Client, 1),
        b"httpxforwardedfor" | b"xforwardedfor" | b"xff" => (Meaning::Forwarded, 0),
        b"requestmethod"
        | b"clientrequestmethod"
        | b"method"
        | b"httpmethod"
        | b"verb"
        | b"httpverb"
        | b"csmethod" => (Meaning::Method, 0),
        b"clientrequesthost" | b"httphost" | b"requesthost" | b"authority" | b"vhost" => (Meaning::Host, 0),
        b"host" | b"servername" | b"hostname" => (Meaning::Host, 1),
        b"clientrequesturi" | b"requesturi" | b"requesturl" | b"uri" | b"xenvoyoriginpath" => {
            (Meaning::Target, 0)
        }
        b"url" | b"target" => (Meaning::Target, 1),
        b"path" | b"clientrequestpath" | b"requestpath" | b"uripath" => (Meaning::Path, 0),
        b"querystring" | b"query" | b"args" => (Meaning::Query, 0),
        b"request" | b"requestline" => (Meaning::Request, 0),
        b"edgeresponsestatus"
        | b"responsestatus"
        | b"statuscode"
        | b"responsecode"
        | b"downstreamstatus"
        | b"httpstatus" => (Meaning::Status, 0),
        b"status" | b"code" | b"response" => (Meaning::Status, 1),
        b"bodybytessent"
        | b"edgeresponsebytes"
        | b"bytessent"
        | b"responsebodysize"
        | b"downstreamcontentsize" => (Meaning::Bytes, 0),
        b"bytes" | b"size" | b"responsebytes" | b"responsesize" => (Meaning::Bytes, 1),
        b"requesttime" | b"requesttimeseconds" => (Meaning::Seconds, 0),
        b"duration" => (Meaning::Nanoseconds, 1),
        b"responsetimems" | b"durationms" => (Meaning::Milliseconds, 0),
        b"httpreferer"
        | b"requestreferer"
        | b"clientrequestreferer"
        | b"referer"
        | b"referrer"
        | b"httpreferrer" => (Meaning::Referer, 0),
        b"httpuseragent" | b"requestuseragent" | b"clientrequestuseragent" | b"useragent" | b"agent" => {
            (Meaning::Agent, 0)
        }
        b"remoteuser" | b"username" | b"user" | b"userid" | b"email" => (Meaning::User, 0),
        _ => return None,
    })
}

/// What an object that is walked holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Anything.
    Any,
    /// The headers of the request (Caddy, Cloudflare's `RequestHeaders`).
    RequestHeaders,
    /// What the server answered: its headers are not the visitor's.
    Answer,
}

/// What the object under this name holds.
fn inside_of(name: &[u8], outer: Inside) -> Inside {
    let mut plain = [0u8; 24];
    let mut length = 0;
    for byte in name.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
        let Some(slot) = plain.get_mut(length) else {
            return outer;
        };
        *slot = byte.to_ascii_lowercase();
        length += 1;
    }
    let plain = &plain[..length];
    match plain {
        _ if outer != Inside::Any => outer,
        b"headers"
        | b"header"
        | b"requestheaders"
        | b"reqheaders"
        | b"requestheader"
        | b"httprequestheaders" => Inside::RequestHeaders,
        _ if plain.starts_with(b"resp") || plain.starts_with(b"upstream") => Inside::Answer,
        _ => Inside::Any,
    }
}

/// The header that a member outside any list of headers holds, by the names that nginx (`$http_x_name`), Traefik
/// (`request_X-Name`) and those who choose names themselves (`x_name`, `cookie`) give such members.
fn flat_header(name: &[u8]) -> Option<&[u8]> {
    const PREFIXES: &[&[u8]] = &[
        b"http.request.headers.",
        b"request.headers.",
        b"request_headers_",
        b"request_header_",
        b"req_headers_",
        b"req_header_",
        b"req.header.",
        b"http_",
        b"request_x",
    ];
    let starts = |prefix: &[u8]| {
        name.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if let Some(prefix) = PREFIXES.iter().find(|prefix| starts(prefix)) {
        // Of `request_x` the letter is the header's.
        let kept = prefix.len() - usize::from(prefix.ends_with(b"_x"));
        return Some(&name[kept..]).filter(|rest| !rest.is_empty());
    }
    (starts(b"x-") || starts(b"x_") || name.eq_ignore_ascii_case(b"cookie")).then_some(name)
}

/// What a member's value is for.
#[derive(Debug, Clone, Copy)]
enum Use {
    Nothing,
    Field(Meaning, u8),
    Header(Span),
}

/// Gives the meaning of a member's name, and its rank.
pub(super) type Naming<'r> = dyn Fn(&[u8]) -> Option<(Meaning, u8)> + 'r;

/// A value as it was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    rank: u8,
    span: Span,
}

/// The members of one object that mean something.
#[derive(Debug, Default)]
pub(super) struct Members {
    found: [Option<Found>; 17],
    headers: Vec<(Span, Span)>,
}

/// Most headers that are remembered of one object; [`lay`] has the bounds of what is kept.
const MAX_HEADERS: usize = 256;

impl Members {
    pub(super) fn put(&mut self, meaning: Meaning, rank: u8, span: Span) {
        let slot = &mut self.found[meaning as usize];
        if slot.is_none_or(|known| rank < known.rank || known.span.is_empty()) {
            *slot = Some(Found { rank, span });
        }
    }

    pub(super) fn put_header(&mut self, name: Span, value: Span) {
        if self.headers.len() < MAX_HEADERS && !value.is_empty() {
            self.headers.push((name, value));
        }
    }

    fn span(&self, meaning: Meaning) -> Span {
        self.found[meaning as usize]
            .map(|found| found.span)
            .unwrap_or_default()
    }

    /// The event that they make.
    pub(super) fn lay_out(&self, whole: &[u8], scratch: &mut Vec<u8>, now_ms: i64) -> Option<Fields> {
        let mut fields = Fields::default();
        {
            let text = |meaning| self.span(meaning).text(whole, scratch);
            if let Some(moment) = time::any(text(Meaning::Time), now_ms) {
                fields.time_ms = Some(moment.ms);
                fields.offset_minutes = moment.offset;
            }
            let first = text(Meaning::Client)
                .split(|byte| *byte == b',')
                .next()
                .unwrap_or_default();
            fields.client = read_address(first.trim_ascii());
            fields.status =
                read_status(text(Meaning::Status)).or_else(|| (text(Meaning::Status) == b"0").then_some(0));
            fields.bytes = read_number(text(Meaning::Bytes));
            fields.duration_ms = read_seconds(text(Meaning::Seconds)).or_else(|| {
                let duration = text(Meaning::Nanoseconds);
                // Caddy writes seconds with a point, Traefik nanoseconds without one.
                match duration.contains(&b'.') || duration.contains(&b'e') {
                    true => read_seconds(duration),
                    false => read_number(duration).map(|nanos| (nanos / 1_000_000) as u32),
                }
            });
            if let Some(ms) = read_number(text(Meaning::Milliseconds)) {
                fields.duration_ms = u32::try_from(ms).ok();
            }
        }
        fields.forwarded = self.span(Meaning::Forwarded);
        fields.method = self.span(Meaning::Method);
        fields.referer = self.span(Meaning::Referer);
        fields.agent = self.span(Meaning::Agent);
        fields.user = self.span(Meaning::User);
        fields.host = self.span(Meaning::Host);
        fields.target = [Meaning::Target, Meaning::Path]
            .into_iter()
            .map(|meaning| self.span(meaning))
            .find(|span| !span.is_empty())
            .unwrap_or_default();
        if fields.target.is_empty() {
            let line = self.span(Meaning::Request).text(whole, scratch).to_vec();
            let (method, target) = split_request(&line);
            if !target.is_empty() {
                fields.target = keep(scratch, target);
                fields.method = keep(scratch, method);
            }
        }
        let target = fields.target.text(whole, scratch).to_vec();
        let (host, path) = split_url(&target);
        if !host.is_empty() {
            fields.host = keep(scratch, host);
            fields.target = keep(scratch, path);
        }
        let query = self.span(Meaning::Query).text(whole, scratch).to_vec();
        if !query.is_empty() && !path.contains(&b'?') {
            let mut joined = path.to_vec();
            joined.push(b'?');
            joined.extend_from_slice(query.strip_prefix(b"?").unwrap_or(&query));
            fields.target = keep(scratch, &joined);
        }
        let host = fields.host.text(whole, scratch).to_vec();
        let bare = without_port(&host);
        if bare.len() != host.len() {
            fields.host = keep(scratch, bare);
        }
        fields.headers = lay(&self.headers, whole, scratch);
        let is_request = !fields.target.is_empty() && (fields.status.is_some() || !fields.method.is_empty());
        if !is_request {
            fields.action = Action::Notice;
        }
        (fields.client.is_some() || is_request).then_some(fields)
    }
}

fn keep(scratch: &mut Vec<u8>, text: &[u8]) -> Span {
    let start = scratch.len();
    scratch.extend_from_slice(text);
    Span::of_scratch(scratch, start)
}

/// One object. `rename` gives the meaning of names that a mapping declares; `None`: the names that are known.
pub(super) fn object(
    whole: &[u8],
    text: &[u8],
    scratch: &mut Vec<u8>,
    now_ms: i64,
    rename: Option<&Naming<'_>>,
) -> Option<Fields> {
    let mut walker = Walker {
        whole,
        text,
        at: 0,
        members: Members::default(),
        rename,
    };
    walker.blank();
    walker.value(scratch, Use::Nothing, Inside::Any, 0)?;
    walker.members.lay_out(whole, scratch, now_ms)
}

struct Walker<'a, 'r> {
    whole: &'a [u8],
    text: &'a [u8],
    at: usize,
    members: Members,
    rename: Option<&'r Naming<'r>>,
}

impl<'a> Walker<'a, '_> {
    fn blank(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Reads one value; what it means is told by the name it stands under.
    fn value(&mut self, scratch: &mut Vec<u8>, means: Use, inside: Inside, depth: u32) -> Option<()> {
        match self.peek()? {
            b'{' if depth < MAX_DEPTH => {
                self.at += 1;
                loop {
                    self.blank();
                    match self.peek()? {
                        b'}' => {
                            self.at += 1;
                            return Some(());
                        }
                        b',' => self.at += 1,
                        b'"' => {
                            let name = self.string()?;
                            self.blank();
                            if self.peek()? != b':' {
                                return None;
                            }
                            self.at += 1;
                            self.blank();
                            let means = self.use_of(name, inside, depth);
                            let inside = match self.peek()? {
                                b'{' | b'[' => inside_of(name, inside),
                                _ => inside,
                            };
                            self.value(scratch, means, inside, depth + 1)?;
                        }
                        _ => return None,
                    }
                }
            }
            b'[' if depth < MAX_DEPTH => {
                self.at += 1;
                let mut means = means;
                loop {
                    self.blank();
                    match self.peek()? {
                        b']' => {
                            self.at += 1;
                            return Some(());
                        }
                        b',' => self.at += 1,
                        _ => {
                            self.value(scratch, means, inside, depth + 1)?;
                            // Of an array the first counts; of a header that came several times each does.
                            if matches!(means, Use::Field(..)) {
                                means = Use::Nothing;
                            }
                        }
                    }
                }
            }
            b'{' | b'[' => None,
            b'"' => {
                let raw = self.string()?;
                if matches!(means, Use::Nothing) {
                    return Some(());
                }
                let span = match raw.contains(&b'\\') {
                    false => Span::of(self.whole, raw),
                    true => {
                        let start = scratch.len();
                        unescape(raw, scratch);
                        Span::of_scratch(scratch, start)
                    }
                };
                match means {
                    Use::Nothing => {}
                    Use::Field(meaning, rank) => self.members.put(meaning, rank, span),
                    Use::Header(name) => self.members.put_header(name, span),
                }
                Some(())
            }
            _ => {
                let rest = &self.text[self.at..];
                let end = rest
                    .iter()
                    .position(|byte| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace())
                    .unwrap_or(rest.len());
                if end == 0 {
                    return None;
                }
                if let Use::Field(meaning, rank) = means {
                    let value = &rest[..end];
                    if value != b"null" {
                        self.members.put(meaning, rank, Span::of(self.whole, value));
                    }
                }
                self.at += end;
                Some(())
            }
        }
    }

    /// What the value under this name is for.
    fn use_of(&self, name: &'a [u8], inside: Inside, depth: u32) -> Use {
        let means = match self.rename {
            Some(rename) => rename(name),
            None => meaning(name),
        };
        let header = || Use::Header(Span::of(self.whole, name));
        match (means, inside) {
            // A visitor chooses the names of headers: `Status: 200` is none, and a header is no member of the log's own.
            (
                Some((Meaning::Referer | Meaning::Agent | Meaning::Forwarded | Meaning::Host, _)),
                Inside::RequestHeaders,
            ) => {}
            (_, Inside::RequestHeaders) if self.rename.is_none() => return header(),
            // Of an answer only what it cost is ours: its headers may be named like members.
            (Some((meaning, _)), Inside::Answer) if self.rename.is_none() && !meaning.is_of_answer() => {
                return Use::Nothing;
            }
            _ => {}
        }
        match means {
            // What lies deeper counts less, but for the request's own members.
            Some((meaning, rank)) => Use::Field(meaning, rank + 2 * (depth.min(60) as u8)),
            None if self.rename.is_none() && inside == Inside::Any => match flat_header(name) {
                Some(name) => Use::Header(Span::of(self.whole, name)),
                None => Use::Nothing,
            },
            None => Use::Nothing,
        }
    }

    /// The text of a string, escapes as they stand; the place moves behind its closing quote.
    fn string(&mut self) -> Option<&'a [u8]> {
        let (inner, rest) = super::fields::quoted(&self.text[self.at..])?;
        self.at = self.text.len() - rest.len();
        Some(inner)
    }
}

/// Undoes JSON's escapes (RFC 8259, section 7). A lone half of a surrogate pair becomes U+FFFD.
fn unescape(raw: &[u8], scratch: &mut Vec<u8>) {
    let mut at = 0;
    while at < raw.len() {
        let byte = raw[at];
        at += 1;
        if byte != b'\\' {
            scratch.push(byte);
            continue;
        }
        let escape = raw.get(at).copied().unwrap_or(b'\\');
        at += 1;
        match escape {
            b'n' => scratch.push(b'\n'),
            b't' => scratch.push(b'\t'),
            b'r' => scratch.push(b'\r'),
            b'b' => scratch.push(8),
            b'f' => scratch.push(12),
            b'u' => {
                let Some(high) = hex4(raw, at) else {
                    scratch.extend_from_slice(b"\\u");
                    continue;
                };
                at += 4;
                let mut code = high;
                if (0xd800..0xdc00).contains(&high)
                    && raw.get(at) == Some(&b'\\')
                    && raw.get(at + 1) == Some(&b'u')
                    && let Some(low) = hex4(raw, at + 2).filter(|low| (0xdc00..0xe000).contains(low))
                {
                    code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                    at += 6;
                }
                let letter = char::from_u32(code).unwrap_or('\u{fffd}');
                scratch.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => scratch.push(other),
        }
    }
}

fn hex4(raw: &[u8], at: usize) -> Option<u32> {
    let text = std::str::from_utf8(raw.get(at..at + 4)?).ok()?;
    u32::from_str_radix(text, 16).ok()
}
