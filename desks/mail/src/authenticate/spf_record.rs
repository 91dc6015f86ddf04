//! SPF records and macro strings, taken apart (RFC 7208, sections 4.6, 7 and 12).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::method::MethodResult;

/// A piece of a macro string (RFC 7208, section 7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text as it stands.
    Text(String),
    /// `%{…}`.
    Macro {
        /// The letter, lower case.
        letter: char,
        /// Whether the letter was upper case: the value is URL-escaped.
        is_escaped: bool,
        /// How many right-hand parts are kept.
        keep: Option<usize>,
        /// Whether the parts are reversed.
        is_reversed: bool,
        /// What separates the parts.
        delimiters: String,
    },
}

/// Whether a macro string is a domain or text for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MacroUse {
    /// A domain-spec, or the value of an unknown modifier.
    Domain,
    /// The explanation: blanks and the letters c, r and t are allowed.
    Explanation,
}

/// Reads a macro string. `None` for a syntax error. Linear.
pub fn read_macros(text: &[u8], usage: MacroUse) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte != b'%' {
            let is_ok = (0x21..=0x7e).contains(&byte) || (byte == b' ' && usage == MacroUse::Explanation);
            if !is_ok {
                return None;
            }
            literal.push(char::from(byte));
            continue;
        }
        let kind = *text.get(at)?;
        at += 1;
        match kind {
            b'%' => literal.push('%'),
            b'_' => literal.push(' '),
            b'-' => literal.push_str("%20"),
            b'{' => {
                let end = at + text[at..].iter().position(|b| *b == b'}')?;
                let piece = read_macro(&text[at..end], usage)?;
                at = end + 1;
                if !literal.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut literal)));
                }
                pieces.push(piece);
            }
            _ => return None,
        }
    }
    if !literal.is_empty() {
        pieces.push(Piece::Text(literal));
    }
    Some(pieces)
}

fn read_macro(inner: &[u8], usage: MacroUse) -> Option<Piece> {
    let (&first, mut rest) = inner.split_first()?;
    let letter = char::from(first.to_ascii_lowercase());
    let is_known = "slodipvh".contains(letter) || (usage == MacroUse::Explanation && "crt".contains(letter));
    if !is_known {
        return None;
    }
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let keep = if digits == 0 {
        None
    } else {
        let number = rest[..digits].iter().fold(0_usize, |sum, b| {
            sum.saturating_mul(10).saturating_add(usize::from(b - b'0'))
        });
        // A zero is a syntax error (section 7.3).
        (number > 0).then_some(Some(number))?
    };
    rest = &rest[digits..];
    let is_reversed = rest.first().is_some_and(|b| b.eq_ignore_ascii_case(&b'r'));
    if is_reversed {
        rest = &rest[1..];
    }
    if !rest.iter().all(|b| b".-+,/_=".contains(b)) {
        return None;
    }
    Some(Piece::Macro {
        letter,
        is_escaped: first.is_ascii_uppercase(),
        keep,
        is_reversed,
        delimiters: rest.iter().map(|b| char::from(*b)).collect(),
    })
}

/// Reads a domain-spec: a macro string that ends in a top label or in a macro (section 7.1).
pub fn read_domain_spec(text: &[u8]) -> Option<Vec<Piece>> {
    let pieces = read_macros(text, MacroUse::Domain)?;
    if text.is_empty() {
        return None;
    }
    let ends_in_macro =
        matches!(pieces.last(), Some(Piece::Macro { .. })) && text.ends_with(b"}") || ends_in_escape(text);
    (ends_in_macro || ends_in_top_label(text)).then_some(pieces)
}

fn ends_in_escape(text: &[u8]) -> bool {
    // Only the last two bytes matter once the whole is known to be well formed, but "%%-" is "%%" and "-".
    let mut at = 0;
    while at < text.len() {
        if text[at] == b'%' {
            match text.get(at + 1) {
                Some(b'{') => {
                    at += text[at..]
                        .iter()
                        .position(|b| *b == b'}')
                        .map_or(1, |end| end + 1)
                }
                Some(_) if at + 2 == text.len() => return true,
                _ => at += 2,
            }
        } else {
            at += 1;
        }
    }
    false
}

fn ends_in_top_label(text: &[u8]) -> bool {
    let text = text.strip_suffix(b".").unwrap_or(text);
    let Some(dot) = text.iter().rposition(|b| *b == b'.') else {
        return false;
    };
    let label = &text[dot + 1..];
    let (Some(first), Some(last)) = (label.first(), label.last()) else {
        return false;
    };
    label.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
        && label.iter().any(|b| !b.is_ascii_digit())
        && *first != b'-'
        && *last != b'-'
}

/// What a mechanism looks at (RFC 7208, section 5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mechanism {
    /// `all`
    All,
    /// `include:`
    Include(Vec<Piece>),
    /// `a`, with prefix lengths.
    A(Option<Vec<Piece>>, u8, u8),
    /// `mx`, with prefix lengths.
    Mx(Option<Vec<Piece>>, u8, u8),
    /// `ptr`
    Ptr(Option<Vec<Piece>>),
    /// `ip4:`
    Ip4(Ipv4Addr, u8),
    /// `ip6:`
    Ip6(Ipv6Addr, u8),
    /// `exists:`
    Exists(Vec<Piece>),
}

/// A mechanism with the result it gives, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// The result when it matches.
    pub result: MethodResult,
    /// What it looks at.
    pub mechanism: Mechanism,
    /// Its text.
    pub text: String,
}

/// An SPF record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Its mechanisms, in order.
    pub directives: Vec<Directive>,
    /// `redirect=`
    pub redirect: Option<Vec<Piece>>,
    /// `exp=`
    pub explanation: Option<Vec<Piece>>,
}

/// Whether a TXT record is an SPF record (RFC 7208, section 4.5).
pub fn is_spf(record: &[u8]) -> bool {
    record.len() >= 6
        && record[..6].eq_ignore_ascii_case(b"v=spf1")
        && record.get(6).is_none_or(|byte| *byte == b' ')
}

/// Reads the record, the whole of it before anything is evaluated. Errors: the term that is faulty.
pub fn read_record(record: &[u8]) -> Result<Record, String> {
    let mut read = Record::default();
    for term in record[6.min(record.len())..]
        .split(|b| *b == b' ')
        .filter(|term| !term.is_empty())
    {
        read_term(term, &mut read)
            .ok_or_else(|| format!("syntax error in \"{}\"", String::from_utf8_lossy(term)))?;
    }
    Ok(read)
}

fn read_term(term: &[u8], record: &mut Record) -> Option<()> {
    let name_end = term
        .iter()
        .position(|b| !(b.is_ascii_alphanumeric() || b"-_.".contains(b)))
        .unwrap_or(term.len());
    if term.get(name_end) == Some(&b'=') {
        let (name, value) = (&term[..name_end], &term[name_end + 1..]);
        if !name.first()?.is_ascii_alphabetic() {
            return None;
        }
        let slot = match name.to_ascii_lowercase().as_slice() {
            b"redirect" => &mut record.redirect,
            b"exp" => &mut record.explanation,
            _ => return read_macros(value, MacroUse::Domain).map(|_| ()),
        };
        if slot.is_some() {
            return None;
        }
        *slot = Some(read_domain_spec(value)?);
        return Some(());
    }
    let (result, body) = match term.first()? {
        b'+' => (MethodResult::Pass, &term[1..]),
        b'-' => (MethodResult::Fail, &term[1..]),
        b'~' => (MethodResult::Softfail, &term[1..]),
        b'?' => (MethodResult::Neutral, &term[1..]),
        _ => (MethodResult::Pass, term),
    };
    let name_end = body
        .iter()
        .position(|b| *b == b':' || *b == b'/')
        .unwrap_or(body.len());
    let (name, rest) = body.split_at(name_end);
    let argument = rest.strip_prefix(b":");
    let mechanism = match name.to_ascii_lowercase().as_slice() {
        b"all" if rest.is_empty() => Mechanism::All,
        b"include" => Mechanism::Include(read_domain_spec(argument?)?),
        b"exists" => Mechanism::Exists(read_domain_spec(argument?)?),
        b"ptr" if rest.is_empty() => Mechanism::Ptr(None),
        b"ptr" => Mechanism::Ptr(Some(read_domain_spec(argument?)?)),
        b"a" => {
            let (domain, four, six) = read_domain_and_prefixes(rest)?;
            Mechanism::A(domain, four, six)
        }
        b"mx" => {
            let (domain, four, six) = read_domain_and_prefixes(rest)?;
            Mechanism::Mx(domain, four, six)
        }
        b"ip4" => {
            let (address, prefix) = read_network(argument?, 32)?;
            Mechanism::Ip4(address.parse().ok()?, prefix)
        }
        b"ip6" => {
            let (address, prefix) = read_network(argument?, 128)?;
            Mechanism::Ip6(address.parse().ok()?, prefix)
        }
        _ => return None,
    };
    record.directives.push(Directive {
        result,
        mechanism,
        text: String::from_utf8_lossy(term).into_owned(),
    });
    Some(())
}

fn read_network(text: &[u8], largest: u8) -> Option<(&str, u8)> {
    let text = std::str::from_utf8(text).ok()?;
    match text.split_once('/') {
        Some((address, prefix)) => Some((address, read_prefix(prefix.as_bytes(), largest)?)),
        None => Some((text, largest)),
    }
}

fn read_prefix(digits: &[u8], largest: u8) -> Option<u8> {
    if digits.is_empty() || digits.len() > 3 || (digits.len() > 1 && digits[0] == b'0') {
        return None;
    }
    let mut number = 0_u16;
    for digit in digits {
        number = number * 10 + u16::from(digit.checked_sub(b'0').filter(|d| *d < 10)?);
    }
    u8::try_from(number).ok().filter(|prefix| *prefix <= largest)
}

/// `[ ":" domain-spec ] [ dual-cidr-length ]`
fn read_domain_and_prefixes(rest: &[u8]) -> Option<(Option<Vec<Piece>>, u8, u8)> {
    let (mut rest, mut four, mut six) = (rest, 32, 128);
    if let Some((before, digits)) = trailing_number(rest)
        && let Some(before) = before.strip_suffix(b"//")
    {
        six = read_prefix(digits, 128)?;
        rest = before;
    }
    if let Some((before, digits)) = trailing_number(rest)
        && let Some(before) = before.strip_suffix(b"/")
    {
        four = read_prefix(digits, 32)?;
        rest = before;
    }
    if rest.is_empty() {
        return Some((None, four, six));
    }
    Some((Some(read_domain_spec(rest.strip_prefix(b":")?)?), four, six))
}

fn trailing_number(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let digits = text.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    (digits > 0).then(|| text.split_at(text.len() - digits))
}
