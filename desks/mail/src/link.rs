//! Takes a link apart as a browser would, unwraps what mail filters and redirectors put around it, and says what its host is.
//!
//! Nothing is fetched: a wrapper is undone only where the address inside is written in the link itself.

use std::net::IpAddr;

use base64::Engine;
use url::{Host, Url};

use crate::evidence::{FoundLink, Via};
use crate::known::{HostKind, Known, registrable};

/// Most layers of wrappers and redirectors that are undone.
const MAX_LAYERS: usize = 6;
/// Longest address that is taken apart, in bytes.
const MAX_URL_BYTES: usize = 16 << 10;

/// A link, judged as far as it can be by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// As it was found.
    pub found: FoundLink,
    /// The address that is left when wrappers and redirectors are undone.
    pub url: String,
    /// Its host, lower case, in ASCII; empty for `data:` and the like.
    pub host: String,
    /// The registrable domain of the host; empty for an address in numbers.
    pub registrable: String,
    /// The address, where the host is one.
    pub ip: Option<IpAddr>,
    /// How the host stood there, where it is an address in an unusual form.
    pub userinfo: String,
    /// The scheme.
    pub scheme: String,
    /// Redirectors passed, outermost first: host of each.
    pub redirectors: Vec<String>,
    /// Whether a mail filter's wrapper was undone.
    pub was_wrapped: bool,
    /// Whether the host is one that shortens links.
    pub is_shortener: bool,
    /// Whether anybody gets a page there.
    pub is_free_host: bool,
    /// Whether it is the click counter of a mailing company.
    pub is_mailing_company: bool,
    /// Addresses written inside the link's parameters that it does not (as far as is known) lead to.
    pub inner: Vec<String>,
}

impl Link {
    /// Takes `found` apart; `None` for what is no link at all (an anchor of the page, a `cid:`).
    pub fn read(found: FoundLink, known: &Known) -> Option<Link> {
        let mut current: String = found.url.chars().take(MAX_URL_BYTES).collect();
        let mut redirectors = Vec::new();
        let mut was_wrapped = false;
        for _ in 0..MAX_LAYERS {
            let Some(url) = parse(&current) else { break };
            match unwrap(&url, known) {
                Some(Inner::Wrapped(inner)) => {
                    was_wrapped = true;
                    current = inner;
                }
                Some(Inner::Redirected(inner)) => {
                    redirectors.push(url.host_str().unwrap_or_default().to_owned());
                    current = inner;
                }
                None => break,
            }
        }
        let lower = current
            .trim_start()
            .get(..11)
            .unwrap_or(current.trim_start())
            .to_ascii_lowercase();
        if lower.starts_with("data:") || lower.starts_with("javascript") || lower.starts_with("vbscript") {
            return Some(Link {
                scheme: lower.split(':').next().unwrap_or_default().to_owned(),
                url: current,
                host: String::new(),
                registrable: String::new(),
                ip: None,
                userinfo: String::new(),
                redirectors,
                was_wrapped,
                is_shortener: false,
                is_free_host: false,
                is_mailing_company: false,
                inner: Vec::new(),
                found,
            });
        }
        if let Some(rest) = current
            .get(..7)
            .filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"))
            .and(current.get(7..))
        {
            let address = percent_decode(rest.split(['?', ',']).next().unwrap_or_default())
                .trim()
                .to_lowercase();
            let (_, domain) = address.rsplit_once('@')?;
            return Some(Link {
                scheme: "mailto".to_owned(),
                registrable: registrable(domain),
                host: domain.to_owned(),
                url: address.clone(),
                ip: None,
                userinfo: String::new(),
                redirectors,
                was_wrapped,
                is_shortener: false,
                is_free_host: false,
                is_mailing_company: false,
                inner: Vec::new(),
                found,
            });
        }
        let url = parse(&current)?;
        let (host, ip) = match url.host()? {
            Host::Domain(name) => (name.trim_end_matches('.').to_ascii_lowercase(), None),
            Host::Ipv4(ip) => (ip.to_string(), Some(IpAddr::V4(ip))),
            Host::Ipv6(ip) => (ip.to_string(), Some(IpAddr::V6(ip))),
        };
        let mut userinfo = url.username().to_owned();
        if let Some(password) = url.password() {
            userinfo.push(':');
            userinfo.push_str(password);
        }
        let inner = inner_addresses(&url);
        Some(Link {
            registrable: if ip.is_none() {
                registrable(&host)
            } else {
                String::new()
            },
            is_shortener: known.is_kind(&host, &HostKind::Shortener) && url.path().len() > 1,
            is_free_host: known.is_kind(&host, &HostKind::FreeHost),
            is_mailing_company: known.is_kind(&host, &HostKind::MailingCompany),
            scheme: url.scheme().to_owned(),
            url: current,
            host,
            ip,
            userinfo,
            redirectors,
            was_wrapped,
            inner,
            found,
        })
    }

    /// Whether a reader is meant to follow it, as against a thing that is only loaded.
    pub fn is_to_be_followed(&self) -> bool {
        !matches!(self.found.via, Via::Resource | Via::OfficeLoad)
    }

    /// Whether `address` stands in it: plain, percent-encoded, in base64 or in hexadecimal.
    pub fn holds_address(&self, address: &str) -> bool {
        holds_address(&self.url, address)
    }
}

/// Parses an address as a browser does; `www.` and bare hosts with a path are taken as http.
fn parse(address: &str) -> Option<Url> {
    let address = address.trim();
    let url = match Url::parse(address) {
        Ok(url) => url,
        Err(_) if address.starts_with("//") => Url::parse(&format!("https:{address}")).ok()?,
        Err(_) => Url::parse(&format!("http://{address}")).ok().filter(|url| {
            url.host_str()
                .is_some_and(|host| host.contains('.') && !host.contains('%'))
        })?,
    };
    matches!(
        url.scheme(),
        "http" | "https" | "ftp" | "sftp" | "file" | "smb" | "ws" | "wss" | "ms-word" | "search-ms"
    )
    .then_some(url)
}

enum Inner {
    Wrapped(String),
    Redirected(String),
}

fn unwrap(url: &Url, known: &Known) -> Option<Inner> {
    let host = url.host_str()?.to_ascii_lowercase();
    let param = |names: &[&str]| {
        url.query_pairs()
            .find(|(name, _)| names.iter().any(|wanted| name.eq_ignore_ascii_case(wanted)))
            .map(|(_, value)| value.into_owned())
    };
    for kind in known.host_kinds(&host) {
        match kind {
            HostKind::Wrapper => {
                let inner = if host.contains("urldefense") {
                    undo_urldefense(url)
                } else {
                    param(&["url", "u", "a", "domain_url", "target", "q"])
                        .filter(|inner| looks_like_address(inner))
                };
                if let Some(inner) = inner {
                    return Some(Inner::Wrapped(inner));
                }
            }
            HostKind::Redirector(path, params) => {
                if !url.path().starts_with(path.as_str()) {
                    continue;
                }
                let names: Vec<&str> = params.iter().map(String::as_str).collect();
                let inner = param(&names).and_then(|value| decode_target(&value));
                let inner = inner.or_else(|| {
                    // /amp/s/host/path
                    let rest = url.path().strip_prefix("/amp/")?;
                    let rest = rest.strip_prefix("s/").unwrap_or(rest);
                    rest.split('/')
                        .next()
                        .is_some_and(|host| host.contains('.'))
                        .then(|| {
                            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
                            format!("https://{rest}{query}")
                        })
                });
                if let Some(mut inner) = inner {
                    if let (Some(fragment), false) = (url.fragment(), inner.contains('#')) {
                        inner.push('#');
                        inner.push_str(fragment);
                    }
                    return Some(Inner::Redirected(inner));
                }
            }
            _ => {}
        }
    }
    None
}

fn looks_like_address(text: &str) -> bool {
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://") || lower.starts_with("www.")
}

/// A redirector's target: plain, protocol-relative, or base64 behind `a1` (Bing) or alone.
fn decode_target(value: &str) -> Option<String> {
    if looks_like_address(value) {
        return Some(value.to_owned());
    }
    if let Some(rest) = value.strip_prefix("//") {
        return Some(format!("https://{rest}"));
    }
    let coded = value.strip_prefix("a1").unwrap_or(value);
    from_base64(coded)
        .filter(|text| looks_like_address(text))
        .or_else(|| {
            let host = value.split(['/', '?']).next()?;
            (host.contains('.') && !registrable(host).is_empty() && !value.contains(' '))
                .then(|| format!("http://{value}"))
        })
}

fn from_base64(text: &str) -> Option<String> {
    let text: String = text
        .trim_end_matches('=')
        .chars()
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    if text.len() < 8 {
        return None;
    }
    let bytes = base64::engine::general_purpose::STANDARD_NO_PAD
        .decode(text)
        .ok()?;
    String::from_utf8(bytes).ok()
}

/// Proofpoint's three forms. v2 writes `-` for `%` and `_` for `/`; v3 puts the address between two underscores and replaces
/// characters by `*`, which are given back from base64 behind the semicolon.
fn undo_urldefense(url: &Url) -> Option<String> {
    let path = url.path();
    if path.starts_with("/v1/") {
        return url
            .query_pairs()
            .find(|(name, _)| name == "u")
            .map(|(_, value)| value.into_owned());
    }
    if path.starts_with("/v2/") {
        let raw = url.query()?.split('&').find_map(|pair| pair.strip_prefix("u="))?;
        let coded: String = raw
            .chars()
            .map(|c| match c {
                '-' => '%',
                '_' => '/',
                other => other,
            })
            .collect();
        return Some(percent_decode(&coded));
    }
    let whole = url.as_str();
    let begin = whole.find("/v3/__")? + 6;
    let end = whole.rfind("__;")?;
    let mut inner = whole.get(begin..end)?.to_owned();
    let tokens = whole.get(end + 3..)?.split('!').next().unwrap_or_default();
    let replaced = from_base64_short(tokens);
    if let Some(replaced) = replaced {
        let mut replacements = replaced.chars();
        inner = inner
            .chars()
            .map(|c| {
                if c == '*' {
                    replacements.next().unwrap_or('*')
                } else {
                    c
                }
            })
            .collect();
    }
    // The browser's parser may have made one slash of two.
    if let Some(rest) = inner
        .strip_prefix("https:/")
        .filter(|rest| !rest.starts_with('/'))
    {
        inner = format!("https://{rest}");
    }
    looks_like_address(&inner).then_some(inner)
}

fn from_base64_short(text: &str) -> Option<String> {
    let text: String = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    let bytes = base64::engine::general_purpose::STANDARD_NO_PAD
        .decode(text)
        .ok()?;
    String::from_utf8(bytes).ok()
}

/// Undoes percent-encoding, leniently.
pub fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        let value = hex
            .and_then(|two| std::str::from_utf8(two).ok())
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        match value {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn inner_addresses(url: &Url) -> Vec<String> {
    url.query_pairs()
        .map(|(_, value)| value.into_owned())
        .chain(url.fragment().map(str::to_owned))
        .filter(|value| looks_like_address(value))
        .take(8)
        .collect()
}

/// Whether `address` stands in `url`: plain, percent-encoded, in base64 or in hexadecimal.
pub fn holds_address(url: &str, address: &str) -> bool {
    if address.len() < 6 || !address.contains('@') {
        return false;
    }
    let address = address.to_ascii_lowercase();
    let twice = percent_decode(&percent_decode(url));
    let plain = twice.to_ascii_lowercase();
    if plain.contains(&address) {
        return true;
    }
    let as_hex: String = hex::encode(address.as_bytes());
    if plain.contains(&as_hex) {
        return true;
    }
    // Any run of base64 letters that decodes to text with the address in it.
    let is_coded = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '=');
    twice
        .split(|c| !is_coded(c))
        .flat_map(|run| run.split('=').chain(run.split('/')))
        .filter(|run| run.len() >= 8)
        .take(64)
        .any(|run| from_base64(run).is_some_and(|text| text.to_ascii_lowercase().contains(&address)))
}

/// Addresses written in running text: `http://…`, `https://…`, `www.…`; with their byte offsets.
pub fn addresses_in_text(text: &str) -> Vec<(usize, String)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() && found.len() < 2_000 {
        let Some(next) = memchr::memchr3(b':', b'w', b'W', &bytes[at..]).map(|step| at + step) else {
            break;
        };
        let begin = if bytes[next] == b':' && bytes[next..].starts_with(b"://") {
            let schemes: [&[u8]; 3] = [b"https", b"http", b"ftp"];
            schemes.iter().find_map(|scheme| {
                let begin = next.checked_sub(scheme.len())?;
                bytes[begin..next].eq_ignore_ascii_case(scheme).then_some(begin)
            })
        } else if bytes[next..].len() > 4
            && bytes[next..next + 4].eq_ignore_ascii_case(b"www.")
            && (next == 0
                || !(bytes[next - 1].is_ascii_alphanumeric()
                    || matches!(bytes[next - 1], b'.' | b'/' | b'@' | b'-')))
        {
            Some(next)
        } else {
            None
        };
        let Some(begin) = begin else {
            at = next + 1;
            continue;
        };
        let end = text[begin..]
            .find(|c: char| {
                c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\u{a0}' | '`' | '|') || c.is_control()
            })
            .map_or(text.len(), |length| begin + length);
        let mut address = &text[begin..end];
        while let Some(last) = address.chars().last() {
            let is_closing = match last {
                ')' => !address.contains('('),
                ']' => !address.contains('['),
                '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '\u{201d}' | '}' => true,
                _ => false,
            };
            if !is_closing {
                break;
            }
            address = &address[..address.len() - last.len_utf8()];
        }
        if address.len() > 8 || address.starts_with("www.") {
            found.push((begin, address.to_owned()));
        }
        at = end.max(next + 1);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        Known::compile(&pollwatch_model::Register {
            owner: String::new(),
            targets: Vec::new(),
            allow: Vec::new(),
        })
    }

    fn link(url: &str) -> Option<Link> {
        let found = FoundLink {
            url: url.to_owned(),
            text: String::new(),
            via: Via::Anchor,
            part: "1".to_owned(),
            offset: 0,
        };
        Link::read(found, &known())
    }

    fn final_url(url: &str) -> String {
        link(url).map(|link| link.url).unwrap_or_default()
    }

    #[test]
    fn wrappers_are_undone() {
        assert_eq!(
            final_url(
                "https://nam02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fa.example%2Fb&data=05"
            ),
            "https://a.example/b"
        );
        assert_eq!(
            final_url("https://urldefense.proofpoint.com/v2/url?u=https-3A__a.example_b-3Fc-3D1&d=x"),
            "https://a.example/b?c=1"
        );
        assert_eq!(
            final_url("https://urldefense.com/v3/__https://a.example/b*c__;Iw!!abc!x$"),
            "https://a.example/b#c"
        );
    }

    #[test]
    fn redirectors_are_named_and_their_target_is_taken() {
        let link =
            link("https://www.google.com/url?q=https%3A%2F%2Fa.example%2F%3Fe%3Dx&sa=D").expect("a link");
        assert_eq!(link.url, "https://a.example/?e=x");
        assert_eq!(link.redirectors, ["www.google.com"]);
    }

    #[test]
    fn hosts_are_read_as_browsers_read_them() {
        let link = link("http://www.paypal.com@3405803976/x").expect("a link");
        assert_eq!(link.host, "203.0.113.200");
        assert_eq!(link.userinfo, "www.paypal.com");
        assert!(super::parse("mailto:a@b.example").is_none());
    }

    #[test]
    fn a_recipient_is_found_in_every_coding() {
        for url in [
            "https://x.example/?e=pat@county.example",
            "https://x.example/pat%40county.example",
            "https://x.example/?e=cGF0QGNvdW50eS5leGFtcGxl",
            "https://x.example/#cGF0QGNvdW50eS5leGFtcGxl",
            "https://x.example/7061744063 6f756e74792e6578616d706c65"
                .replace(' ', "")
                .as_str(),
        ] {
            assert!(holds_address(url, "Pat@county.example"), "{url}");
        }
        assert!(!holds_address("https://x.example/?e=1", "pat@county.example"));
    }

    #[test]
    fn addresses_in_text_end_where_sentences_end() {
        let text = "See https://a.example/x(1). Or www.b.example, (http://c.example/y)";
        let urls: Vec<_> = addresses_in_text(text).into_iter().map(|(_, url)| url).collect();
        assert_eq!(
            urls,
            ["https://a.example/x(1)", "www.b.example", "http://c.example/y"]
        );
    }
}
