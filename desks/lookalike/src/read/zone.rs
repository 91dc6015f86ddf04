//! DNS master files, also called zone files (RFC 1035, section 5).
//!
//! Gives the owner of every delegation: of NS records below the apex of the zone, each once when its records stand
//! together. Until the first delegation is seen, the owners of other records below the apex are given too, because a zone
//! without delegations (one organisation's own) is made of nothing else; signatures and hashed owners never are.
//!
//! Knows `$ORIGIN`, `$TTL`, `@`, relative names, a left-out owner, parentheses, quotes, comments and escapes. `$INCLUDE`
//! and `$GENERATE` are refused with a problem: nothing is opened, nothing multiplied.

use serde::{Deserialize, Serialize};

use super::gather::{Gathered, Nesting};
use super::reader::Out;

/// Largest name in its written form, in bytes: 253 of RFC 1035, each of them escaped as `\DDD`, and a dot.
const MAX_WRITTEN_NAME_BYTES: usize = 4 * 253 + 1;

/// Deepest nesting of parentheses. The standard knows one level; what writes zones nests none.
const MAX_PARENTHESES: u32 = 8;

/// Tokens of a record that matter: owner, time to live, class, type and the beginning of the data.
const HEAD_TOKENS: usize = 5;

/// Record types that are records of the zone's own working: their owners are the apex, hashes or repeat other owners.
const WORKING_TYPES: &[&str] = &["SOA", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "ZONEMD"];

/// Every other record type by name (IANA, "Domain Name System (DNS) Parameters", resource record types).
const TYPES: &[&str] = &[
    "A",
    "AAAA",
    "AFSDB",
    "AMTRELAY",
    "APL",
    "AVC",
    "CAA",
    "CDNSKEY",
    "CDS",
    "CERT",
    "CNAME",
    "CSYNC",
    "DHCID",
    "DLV",
    "DNAME",
    "DNSKEY",
    "DS",
    "EUI48",
    "EUI64",
    "GPOS",
    "HINFO",
    "HIP",
    "HTTPS",
    "IPSECKEY",
    "ISDN",
    "KEY",
    "KX",
    "L32",
    "L64",
    "LOC",
    "LP",
    "MB",
    "MD",
    "MF",
    "MG",
    "MINFO",
    "MR",
    "MX",
    "NAPTR",
    "NID",
    "NINFO",
    "NS",
    "NSAP",
    "NULL",
    "NXT",
    "OPENPGPKEY",
    "PTR",
    "PX",
    "RKEY",
    "RP",
    "RT",
    "SIG",
    "SMIMEA",
    "SPF",
    "SRV",
    "SSHFP",
    "SVCB",
    "TA",
    "TLSA",
    "TXT",
    "URI",
    "WKS",
    "X25",
];

/// What has to be known to read on in a zone file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ZoneState {
    /// What relative names are relative to, without its last dot; empty for the root and where it is not known.
    origin: String,
    /// The apex of the zone, without its last dot.
    apex: Option<Apex>,
    /// The owner of the record before, without its last dot.
    owner: Option<String>,
    /// The name given last.
    given: Option<String>,
    /// Whether there was a delegation.
    has_delegations: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Apex {
    /// Taken from the first `$ORIGIN`.
    Origin(String),
    /// Taken from the SOA record, which is certain.
    Soa(String),
}

impl ZoneState {
    /// Reads one record.
    pub(super) fn read_record(&mut self, record: Gathered<'_>, out: &mut Out<'_, '_>) {
        let lost = |out: &mut Out<'_, '_>, why: &str| out.lost(record.line, record.lines, why);
        if let Some(why) = record.broken {
            return lost(out, why);
        }
        let head = head_of(record.text);
        let tokens = head.tokens();
        if tokens.is_empty() {
            return out.without_name(record.lines);
        }
        if !head.owner_left_out && tokens[0].starts_with(b"$") {
            return match self.follow_directive(tokens) {
                Ok(()) => out.without_name(record.lines),
                Err(why) => lost(out, why),
            };
        }
        let rest = if head.owner_left_out {
            tokens
        } else {
            let mut owner = self.owner.take().unwrap_or_default();
            if let Err(why) = make_absolute(tokens[0], &self.origin, &mut owner) {
                return lost(out, why);
            }
            self.owner = Some(owner);
            &tokens[1..]
        };
        let Some(kind) = type_of(rest) else {
            return lost(
                out,
                "the line is no record of a zone: it has no known record type with data",
            );
        };
        let Some(owner) = &self.owner else {
            return lost(
                out,
                "the record leaves out its owner and there is none before it that could be read",
            );
        };
        let matters = match kind {
            Kind::Soa => {
                if !matches!(self.apex, Some(Apex::Soa(_))) {
                    self.apex = Some(Apex::Soa(owner.clone()));
                }
                false
            }
            Kind::Working => false,
            Kind::Delegation => is_below(owner, self.apex.as_ref()),
            Kind::Other => !self.has_delegations && is_below(owner, self.apex.as_ref()),
        };
        self.has_delegations |= matters && kind == Kind::Delegation;
        if !matters
            || self
                .given
                .as_ref()
                .is_some_and(|given| given.eq_ignore_ascii_case(owner))
        {
            return out.without_name(record.lines);
        }
        out.with_names(record.lines);
        out.name(owner, record.line, record.text, None);
        self.given.get_or_insert_default().clone_from(owner);
    }

    fn follow_directive(&mut self, tokens: &[&[u8]]) -> Result<(), &'static str> {
        let directive = tokens[0];
        if directive.eq_ignore_ascii_case(b"$TTL") {
            return Ok(());
        }
        if directive.eq_ignore_ascii_case(b"$INCLUDE") {
            return Err("$INCLUDE is not followed; give the file that it names as an input of its own");
        }
        if !directive.eq_ignore_ascii_case(b"$ORIGIN") {
            return Err("the directive is not known and was not followed");
        }
        let Some(name) = tokens.get(1) else {
            return Err("$ORIGIN has no name");
        };
        let mut origin = String::new();
        make_absolute(name, &self.origin, &mut origin)?;
        if self.apex.is_none() {
            self.apex = Some(Apex::Origin(origin.clone()));
        }
        self.origin = origin;
        Ok(())
    }
}

/// Whether a line is a directive or a record of a zone, with a time to live or a class, as no list of names has them.
pub(super) fn is_like_a_record(text: &[u8]) -> bool {
    let head = head_of(text);
    let tokens = head.tokens();
    let Some(first) = tokens.first() else {
        return false;
    };
    if !head.owner_left_out && first.starts_with(b"$") {
        let known: [&[u8]; 4] = [b"$ORIGIN", b"$TTL", b"$INCLUDE", b"$GENERATE"];
        return known
            .iter()
            .any(|directive| first.eq_ignore_ascii_case(directive));
    }
    let rest = if head.owner_left_out { tokens } else { &tokens[1..] };
    rest.first()
        .is_some_and(|token| is_class(token) || is_time_to_live(token))
        && type_of(rest).is_some()
}

/// How many parentheses are open after a line, given how many were before it.
pub(super) fn nest(depth: u32, text: &[u8]) -> Nesting {
    if memchr::memchr3(b'(', b')', b'"', text).is_none() {
        return Ok(depth);
    }
    let mut depth = depth;
    let mut quoted = false;
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b';' => break,
            b'(' if depth == MAX_PARENTHESES => return Err("parentheses are nested too deep"),
            b'(' => depth += 1,
            b')' if depth == 0 => return Err("a parenthesis is closed that was never opened"),
            b')' => depth -= 1,
            _ => {}
        }
    }
    if quoted {
        Err("a quote is opened and not closed on its line")
    } else {
        Ok(depth)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Soa,
    Working,
    Delegation,
    Other,
}

/// The type of a record, from its tokens after the owner; `None` when there is none, or no data after it.
fn type_of(tokens: &[&[u8]]) -> Option<Kind> {
    let mut rest = tokens;
    // Time to live and class come in either order, and each may be left out.
    for _ in 0..2 {
        match rest.first() {
            Some(token) if is_class(token) || is_time_to_live(token) => rest = &rest[1..],
            _ => break,
        }
    }
    let [kind, _data, ..] = rest else {
        return None;
    };
    let is = |name: &&str| kind.eq_ignore_ascii_case(name.as_bytes());
    if is(&"NS") {
        Some(Kind::Delegation)
    } else if is(&"SOA") {
        Some(Kind::Soa)
    } else if WORKING_TYPES.iter().any(is) {
        Some(Kind::Working)
    } else if TYPES.iter().any(is) || is_numbered(kind, b"TYPE") {
        Some(Kind::Other)
    } else {
        None
    }
}

fn is_class(token: &[u8]) -> bool {
    let classes: [&[u8]; 4] = [b"IN", b"CH", b"HS", b"CS"];
    classes.iter().any(|class| token.eq_ignore_ascii_case(class)) || is_numbered(token, b"CLASS")
}

/// Whether a token is a word and a number, as RFC 3597 writes types and classes that have no name.
fn is_numbered(token: &[u8], word: &[u8]) -> bool {
    token.len() > word.len()
        && token[..word.len()].eq_ignore_ascii_case(word)
        && token[word.len()..].iter().all(u8::is_ascii_digit)
}

fn is_time_to_live(token: &[u8]) -> bool {
    token.first().is_some_and(u8::is_ascii_digit)
        && token.iter().all(|byte| {
            byte.is_ascii_digit() || matches!(byte.to_ascii_lowercase(), b's' | b'm' | b'h' | b'd' | b'w')
        })
}

fn is_below(name: &str, apex: Option<&Apex>) -> bool {
    match apex {
        Some(Apex::Origin(apex) | Apex::Soa(apex)) if !apex.is_empty() => {
            let (name, apex) = (name.as_bytes(), apex.as_bytes());
            name.len() > apex.len() + 1
                && name[name.len() - apex.len()..].eq_ignore_ascii_case(apex)
                && name[name.len() - apex.len() - 1] == b'.'
        }
        _ => !name.is_empty(),
    }
}

/// Writes the name that `token` stands for into `name`, without its last dot.
fn make_absolute(token: &[u8], origin: &str, name: &mut String) -> Result<(), &'static str> {
    name.clear();
    if token == b"@" {
        name.push_str(origin);
        return Ok(());
    }
    if token.len() > MAX_WRITTEN_NAME_BYTES {
        return Err("the owner is too long for a name");
    }
    let mut is_absolute = false;
    if memchr::memchr(b'\\', token).is_none() {
        let text = std::str::from_utf8(token).map_err(|_| "the owner is not valid UTF-8")?;
        if text.contains(|c: char| c.is_control() || c == '"') {
            return Err("the owner holds a quote or a control byte");
        }
        let relative = text.strip_suffix('.');
        is_absolute = relative.is_some();
        name.push_str(relative.unwrap_or(text));
    } else {
        let mut bytes = Vec::with_capacity(token.len());
        let mut rest = token;
        while let Some((byte, after)) = rest.split_first() {
            rest = after;
            is_absolute = *byte == b'.' && rest.is_empty();
            if *byte != b'\\' {
                bytes.push(*byte);
                continue;
            }
            let (escaped, after) = unescape(rest).ok_or("the owner has a broken escape")?;
            rest = after;
            if escaped.is_ascii_control() || matches!(escaped, b' ' | b'.' | b'\\' | b'"') {
                return Err("the owner holds an escaped byte that is in no host name");
            }
            bytes.push(escaped);
        }
        if is_absolute {
            bytes.pop();
        }
        let text = String::from_utf8(bytes).map_err(|_| "the owner is not valid UTF-8")?;
        if text.contains(|c: char| c.is_control() || c == '"') {
            return Err("the owner holds a quote or a control byte");
        }
        name.push_str(&text);
    }
    if !is_absolute && !origin.is_empty() {
        name.push('.');
        name.push_str(origin);
    }
    if name.len() > MAX_WRITTEN_NAME_BYTES {
        return Err("the owner is too long for a name");
    }
    Ok(())
}

/// The byte that an escape stands for, and what follows: `\DDD` in decimal, or `\X` for X itself.
fn unescape(after_backslash: &[u8]) -> Option<(u8, &[u8])> {
    let first = *after_backslash.first()?;
    if !first.is_ascii_digit() {
        return Some((first, &after_backslash[1..]));
    }
    let (digits, rest) = after_backslash.split_at_checked(3)?;
    let number: u8 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((number, rest))
}

/// The first tokens of a record.
struct Head<'a> {
    tokens: [&'a [u8]; HEAD_TOKENS],
    count: usize,
    owner_left_out: bool,
}

impl<'a> Head<'a> {
    fn tokens(&self) -> &[&'a [u8]] {
        &self.tokens[..self.count]
    }
}

fn head_of(record: &[u8]) -> Head<'_> {
    let owner_left_out = record.first().is_some_and(|byte| is_space(*byte));
    let mut head = Head {
        tokens: [b""; HEAD_TOKENS],
        count: 0,
        owner_left_out,
    };
    let mut at = 0;
    while head.count < HEAD_TOKENS && at < record.len() {
        match record[at] {
            byte if is_space(byte) || matches!(byte, b'(' | b')') => at += 1,
            b';' => at += memchr::memchr(b'\n', &record[at..]).unwrap_or(record.len() - at),
            byte => {
                let end = if byte == b'"' {
                    end_of_quoted(record, at)
                } else {
                    end_of_word(record, at)
                };
                head.tokens[head.count] = &record[at..end];
                head.count += 1;
                at = end;
            }
        }
    }
    head
}

fn end_of_word(record: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(byte) = record.get(at) {
        match byte {
            b'\\' => at += 2,
            byte if is_space(*byte) || matches!(byte, b'(' | b')' | b';' | b'"') => break,
            _ => at += 1,
        }
    }
    at.min(record.len())
}

fn end_of_quoted(record: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = record.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    at.min(record.len())
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c)
}
