//! A name as a feed writes it, to a name that can be judged.

use psl::{List, Psl, Type};

use crate::SuffixClass;

/// Largest label of a DNS name, in bytes (RFC 1035, section 2.3.4).
pub const MAX_LABEL_BYTES: usize = 63;
/// Largest DNS name in its text form without the trailing dot, in bytes (RFC 1035, section 2.3.4: 255 on the wire).
pub const MAX_NAME_BYTES: usize = 253;

/// Why a text is not a domain name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is left once scheme, port and path are taken off.
    #[error("there is no name")]
    Empty,
    /// More than 253 bytes.
    #[error("the name is longer than 253 bytes (RFC 1035, section 2.3.4)")]
    NameTooLong,
    /// A label of more than 63 bytes.
    #[error("a label is longer than 63 bytes (RFC 1035, section 2.3.4)")]
    LabelTooLong,
    /// Two dots in a row, or a dot in front.
    #[error("a label is empty")]
    EmptyLabel,
    /// A byte that no host name has.
    #[error("the name holds a character that no host name has")]
    Character,
    /// An A-label or U-label that IDNA does not accept.
    #[error("the name is not valid as an internationalised name (UTS 46)")]
    Idna,
    /// An address, not a name.
    #[error("it is an IP address, not a name")]
    Address,
}

/// A name taken apart. Positions are bytes of [`ParsedName::ascii`]. Reuse one for many names with [`ParsedName::read`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParsedName {
    ascii: String,
    user_start: usize,
    suffix_start: usize,
    is_private: bool,
    is_known_suffix: bool,
    has_a_label: bool,
}

/// The host in a URL-like text: scheme, userinfo, port, path, `*.` and trailing dot taken off.
pub fn strip_to_host(raw: &str) -> &str {
    let mut host = raw.trim();
    if let Some(at) = host.find("://") {
        host = &host[at + 3..];
    }
    if let Some(end) = host.find(['/', '?', '#', '\\']) {
        host = &host[..end];
    }
    if let Some(at) = host.rfind('@') {
        host = &host[at + 1..];
    }
    if let Some(colon) = host.rfind(':') {
        let port = &host[colon + 1..];
        // An IPv6 address has more than one colon and is refused later on.
        if port.bytes().all(|b| b.is_ascii_digit()) && !host[..colon].contains(':') {
            host = &host[..colon];
        }
    }
    while let Some(rest) = host.strip_prefix("*.") {
        host = rest;
    }
    host.strip_suffix('.').unwrap_or(host)
}

impl ParsedName {
    /// Reads one name.
    ///
    /// Errors: [`NameError`] for what is not a host name.
    pub fn parse(raw: &str) -> Result<Self, NameError> {
        let mut name = ParsedName::default();
        name.read(raw)?;
        Ok(name)
    }

    /// Reads one name into this value, keeping its memory. After an error the value holds no name.
    ///
    /// Errors: as [`ParsedName::parse`].
    pub fn read(&mut self, raw: &str) -> Result<(), NameError> {
        let outcome = self.read_host(raw);
        if outcome.is_err() {
            self.ascii.clear();
            self.user_start = 0;
            self.suffix_start = 0;
        }
        outcome
    }

    fn read_host(&mut self, raw: &str) -> Result<(), NameError> {
        self.ascii.clear();
        self.has_a_label = false;
        let is_plain = raw.len() <= MAX_NAME_BYTES
            && raw
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-');
        let host = if is_plain {
            raw.strip_suffix('.').unwrap_or(raw)
        } else {
            strip_to_host(raw)
        };
        if host.is_empty() {
            return Err(NameError::Empty);
        }
        if host.is_ascii() {
            if host.len() > MAX_NAME_BYTES {
                return Err(NameError::NameTooLong);
            }
            self.ascii.push_str(host);
            self.ascii.make_ascii_lowercase();
        } else {
            // The U-label form of a name within 253 bytes never takes more than this.
            if host.len() > 4 * MAX_NAME_BYTES {
                return Err(NameError::NameTooLong);
            }
            let ascii = idna::domain_to_ascii(host).map_err(|_| NameError::Idna)?;
            self.ascii.push_str(ascii.strip_suffix('.').unwrap_or(&ascii));
            if self.ascii.len() > MAX_NAME_BYTES {
                return Err(NameError::NameTooLong);
            }
        }
        self.check_labels()?;
        self.split();
        Ok(())
    }

    fn check_labels(&mut self) -> Result<(), NameError> {
        if self.ascii.is_empty() {
            return Err(NameError::Empty);
        }
        let (mut label_start, mut only_numbers) = (0, true);
        let bytes = self.ascii.as_bytes();
        for at in 0..=bytes.len() {
            if at < bytes.len() && bytes[at] != b'.' {
                let b = bytes[at];
                if !(b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_') {
                    return Err(NameError::Character);
                }
                only_numbers &= b.is_ascii_digit();
                continue;
            }
            let label = &bytes[label_start..at];
            if label.is_empty() {
                return Err(NameError::EmptyLabel);
            }
            if label.len() > MAX_LABEL_BYTES {
                return Err(NameError::LabelTooLong);
            }
            self.has_a_label |= label.starts_with(b"xn--");
            label_start = at + 1;
        }
        if only_numbers {
            return Err(NameError::Address);
        }
        if self.has_a_label {
            let (unicode, outcome) = idna::domain_to_unicode(&self.ascii);
            // Underscores stand in host names of the wild; IDNA's strict rule against them is not what is asked here.
            if (outcome.is_err() && !self.ascii.contains('_')) || unicode.contains('\u{fffd}') {
                return Err(NameError::Idna);
            }
        }
        Ok(())
    }

    fn split(&mut self) {
        let bytes = self.ascii.as_bytes();
        let (suffix_len, is_private, is_known) = match List.suffix(bytes) {
            Some(suffix) => (
                suffix.as_bytes().len(),
                suffix.typ() == Some(Type::Private),
                suffix.is_known(),
            ),
            None => (bytes.len(), false, false),
        };
        self.is_private = is_private;
        self.is_known_suffix = is_known;
        self.suffix_start = bytes.len() - suffix_len;
        self.user_start = if self.suffix_start == 0 {
            0
        } else {
            bytes[..self.suffix_start - 1]
                .iter()
                .rposition(|b| *b == b'.')
                .map_or(0, |dot| dot + 1)
        };
    }

    /// The whole name: lower case, A-labels, no trailing dot.
    pub fn ascii(&self) -> &str {
        &self.ascii
    }

    /// The name with U-labels.
    pub fn unicode(&self) -> String {
        if self.has_a_label {
            idna::domain_to_unicode(&self.ascii).0
        } else {
            self.ascii.clone()
        }
    }

    /// Whether some label is an A-label (`xn--…`).
    pub fn has_a_label(&self) -> bool {
        self.has_a_label
    }

    /// The public suffix, private section included, such as `co.uk` or `workers.dev`.
    pub fn suffix(&self) -> &str {
        &self.ascii[self.suffix_start..]
    }

    /// Whether the suffix is one that a company hands names out under (the list's private section).
    pub fn is_private_suffix(&self) -> bool {
        self.is_private
    }

    /// Whether the public suffix list knows the suffix.
    pub fn is_known_suffix(&self) -> bool {
        self.is_known_suffix
    }

    /// The label that a registrant chose, such as `example`; `None` when the whole name is a public suffix.
    pub fn user_label(&self) -> Option<&str> {
        (self.suffix_start > 0).then(|| &self.ascii[self.user_start..self.suffix_start - 1])
    }

    /// The user label with its suffix; `None` when the whole name is a public suffix.
    pub fn registrable(&self) -> Option<&str> {
        (self.suffix_start > 0).then(|| &self.ascii[self.user_start..])
    }

    /// Where the user label begins.
    pub fn user_start(&self) -> usize {
        self.user_start
    }

    /// Where the suffix begins.
    pub fn suffix_start(&self) -> usize {
        self.suffix_start
    }

    /// What kind of suffix it is.
    pub fn suffix_class(&self) -> SuffixClass {
        SuffixClass::of(self.suffix(), self.is_private)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_of_one_name_are_one_name() {
        for raw in [
            "vote.example.com",
            "*.vote.example.com",
            "VOTE.Example.COM.",
            "https://user:secret@vote.example.com:8443/a?b#c",
            " vote.example.com ",
            "vote.example.com:443",
        ] {
            assert_eq!(
                ParsedName::parse(raw).unwrap().ascii(),
                "vote.example.com",
                "{raw}"
            );
        }
        let u_label = ParsedName::parse("münchen.example").unwrap();
        let a_label = ParsedName::parse("XN--MNCHEN-3YA.example").unwrap();
        assert_eq!(u_label, a_label);
        assert_eq!(a_label.unicode(), "münchen.example");
    }

    #[test]
    fn what_is_no_name_is_refused_with_a_reason() {
        let long_label = format!("{}.com", "a".repeat(64));
        let long_name = "a.".repeat(127) + "com";
        for (raw, error) in [
            ("", NameError::Empty),
            ("https://", NameError::Empty),
            ("a..com", NameError::EmptyLabel),
            (".com", NameError::EmptyLabel),
            (long_label.as_str(), NameError::LabelTooLong),
            (long_name.as_str(), NameError::NameTooLong),
            ("a b.com", NameError::Character),
            ("a\0.com", NameError::Character),
            ("192.0.2.1", NameError::Address),
            ("[2001:db8::1]", NameError::Character),
            ("xn--a-ecp.ru", NameError::Idna),
        ] {
            assert_eq!(ParsedName::parse(raw), Err(error), "{raw:?}");
        }
    }

    #[test]
    fn the_user_label_under_a_private_suffix_is_the_subject() {
        let name = ParsedName::parse("a.votes.workers.dev").unwrap();
        assert_eq!(name.registrable(), Some("votes.workers.dev"));
        assert!(name.is_private_suffix());
        assert_eq!(ParsedName::parse("co.uk").unwrap().registrable(), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(raw in "\\PC{0,300}") {
            let _ = ParsedName::parse(&raw);
        }

        #[test]
        fn reading_what_was_read_changes_nothing(raw in "[a-zA-Z0-9.ä-ü_*:/-]{1,60}") {
            if let Ok(name) = ParsedName::parse(&raw) {
                prop_assert_eq!(ParsedName::parse(name.ascii()).unwrap(), name);
            }
        }
    }
}
