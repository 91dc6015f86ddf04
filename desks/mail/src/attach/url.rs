//! Finds web addresses in text, and text in bytes.

use std::ops::Range;

/// An address in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) url: String,
    pub(super) offset: usize,
}

/// Most addresses that are taken from one text.
const MAX_FOUND: usize = 2_000;

/// Addresses of `text`: with the scheme http, https, ftp, file of another computer, or beginning with `www.`.
pub(super) fn in_text(text: &str) -> Vec<Found> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut past = 0;
    for at in memchr::memchr2_iter(b':', b'w', bytes) {
        if found.len() >= MAX_FOUND {
            break;
        }
        if at < past {
            continue;
        }
        let Some(begin) = begin_at(bytes, at) else {
            continue;
        };
        if begin < past {
            continue;
        }
        let range = extent(text, begin);
        let address = &text[range.clone()];
        let host = address.split_once("//").map_or(address, |(_, rest)| rest);
        if host.len() < 4 || !host.starts_with(|c: char| c.is_alphanumeric() || c == '[') {
            continue;
        }
        past = range.end;
        found.push(Found {
            url: address.to_owned(),
            offset: range.start,
        });
    }
    found
}

/// Where the address begins whose colon or first `w` stands at `at`.
fn begin_at(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes[at] == b':' {
        if bytes.get(at + 1..at + 3) != Some(b"//") {
            return None;
        }
        // "file" may lead to another computer's share and so give away the reader's password.
        for scheme in ["https", "http", "ftp", "file"] {
            let Some(begin) = at.checked_sub(scheme.len()) else {
                continue;
            };
            if bytes[begin..at].eq_ignore_ascii_case(scheme.as_bytes()) {
                return Some(begin);
            }
        }
        return None;
    }
    let is_word_start =
        at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || b"./-_@=%".contains(&bytes[at - 1]));
    (is_word_start && bytes.get(at..at + 4) == Some(b"www.")).then_some(at)
}

fn extent(text: &str, begin: usize) -> Range<usize> {
    let rest = &text[begin..];
    let mut end = rest
        .char_indices()
        .find(|(_, c)| {
            c.is_whitespace()
                || c.is_control()
                || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '}' | '|' | '\'')
        })
        .map_or(rest.len(), |(at, _)| at);
    loop {
        let address = &rest[..end];
        let Some(last) = address.chars().next_back() else {
            break;
        };
        let is_closing = match last {
            ')' => address.matches('(').count() < address.matches(')').count(),
            ']' => !address.contains('['),
            '.' | ',' | ';' | ':' | '!' | '?' | '*' | '\u{bb}' | '\u{201d}' | '\u{2019}' => true,
            _ => false,
        };
        if !is_closing {
            break;
        }
        end -= last.len_utf8();
    }
    begin..begin + end
}

/// Whether `url` leads into the web: http, https, ftp, or without a scheme to a host.
pub(super) fn is_web(url: &str) -> bool {
    let begin: String = url
        .trim_start()
        .chars()
        .take(8)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    ["http:", "https:", "ftp:", "//", "www.", "\\\\"]
        .iter()
        .any(|scheme| begin.starts_with(scheme))
}

/// Whether the address is one of the formats' own name spaces, which nobody follows.
pub(super) fn is_name_space(url: &str) -> bool {
    let rest = url.split_once("//").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    matches!(
        host,
        "www.w3.org"
            | "schemas.microsoft.com"
            | "schemas.openxmlformats.org"
            | "purl.org"
            | "purl.oclc.org"
            | "ns.adobe.com"
            | "www.inkscape.org"
            | "sodipodi.sourceforge.net"
            | "creativecommons.org"
            | "openoffice.org"
            | "xml.org"
            | "relaxng.org"
            | "www.apple.com"
            | "docs.oasis-open.org"
            | "ns.microsoft.com"
            | "www.iec.ch"
            | "www.aiim.org"
            | "iptc.org"
    )
}

/// Readable runs of `bytes`, of 6 characters and more, in ASCII and in UTF-16LE, one a line.
pub(super) fn strings_of(bytes: &[u8]) -> String {
    const SHORTEST: usize = 6;
    let mut strings = String::new();
    let is_plain = |b: u8| (0x20..0x7f).contains(&b);
    let mut run = 0;
    for at in 0..=bytes.len() {
        if bytes.get(at).is_some_and(|b| is_plain(*b)) {
            run += 1;
            continue;
        }
        if run >= SHORTEST {
            strings.push_str(&String::from_utf8_lossy(&bytes[at - run..at]));
            strings.push('\n');
        }
        run = 0;
    }
    for phase in 0..2 {
        let mut word = String::new();
        for pair in bytes.get(phase..).unwrap_or_default().chunks(2) {
            match pair {
                [low, 0] if is_plain(*low) => word.push(char::from(*low)),
                _ => {
                    if word.len() >= SHORTEST {
                        strings.push_str(&word);
                        strings.push('\n');
                    }
                    word.clear();
                }
            }
        }
        if word.len() >= SHORTEST {
            strings.push_str(&word);
            strings.push('\n');
        }
    }
    strings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(text: &str) -> Vec<String> {
        in_text(text).into_iter().map(|found| found.url).collect()
    }

    #[test]
    fn addresses_end_where_a_reader_would_end_them() {
        assert_eq!(
            urls(
                "See (https://a.example/x_(1)), HTTP://b.example. or www.c.example/z; 'https://d.example/' ftp://e.example"
            ),
            [
                "https://a.example/x_(1)",
                "HTTP://b.example",
                "www.c.example/z",
                "https://d.example/",
                "ftp://e.example"
            ]
        );
        assert!(urls("https:// http://) awww.x.example").is_empty());
    }

    #[test]
    fn strings_are_found_in_both_widths() {
        let mut bytes = b"\x01\x02https://a.example\x00\x03".to_vec();
        bytes.extend("https://b.example".encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(
            urls(&strings_of(&bytes)),
            ["https://a.example", "https://b.example"]
        );
    }
}
