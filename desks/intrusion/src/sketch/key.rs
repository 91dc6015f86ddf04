//! The group's key, and the tags that it makes.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Bytes of a key: the length of the hash's output, below which RFC 2104, section 3, advises against.
const KEY_BYTES: usize = 32;
/// Bytes of a tag that are kept: 96 bits, so that a million tags meet by accident with a chance of one in 10^17 (RFC 2104,
/// section 5, asks for no fewer than 80).
const TAG_BYTES: usize = 12;

/// A tag: equal where, and only where, the same key was given the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag([u8; TAG_BYTES]);

impl Tag {
    /// Reads what [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != TAG_BYTES * 2 {
            return None;
        }
        let mut tag = [0; TAG_BYTES];
        for (place, pair) in bytes.chunks_exact(2).enumerate() {
            let digit = |byte: u8| match byte {
                b'0'..=b'9' => Some(byte - b'0'),
                b'a'..=b'f' => Some(byte - b'a' + 10),
                _ => None,
            };
            tag[place] = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Tag(tag))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The first words are not those of a key file.
    #[error("it is no key of a group: a key file begins with {KEY_HEADER:?}")]
    Header,
    /// The key itself is damaged.
    #[error("the key is damaged: it has to be 64 hexadecimal digits")]
    Digits,
}

/// First line of a key file.
const KEY_HEADER: &str = "pollwatch sketch key 1";

/// The key that a group of jurisdictions shares.
#[derive(Clone)]
pub struct GroupKey([u8; KEY_BYTES]);

impl fmt::Debug for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupKey({})", self.name())
    }
}

impl GroupKey {
    /// A key from random bytes, which the caller has from the operating system.
    pub fn new(random: [u8; KEY_BYTES]) -> Self {
        GroupKey(random)
    }

    /// Reads a key file.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        if lines.next() != Some(KEY_HEADER) {
            return Err(KeyError::Header);
        }
        let digits = lines.next().unwrap_or_default();
        let mut key = [0; KEY_BYTES];
        if digits.len() != KEY_BYTES * 2 || !digits.is_ascii() {
            return Err(KeyError::Digits);
        }
        for (place, byte) in key.iter_mut().enumerate() {
            *byte =
                u8::from_str_radix(&digits[place * 2..place * 2 + 2], 16).map_err(|_| KeyError::Digits)?;
        }
        Ok(GroupKey(key))
    }

    /// The text of a key file.
    pub fn to_text(&self) -> String {
        let digits: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{KEY_HEADER}\n{digits}\n")
    }

    /// The tag of `thing`. `kind` keeps an address from ever having the tag of an agent.
    pub fn tag(&self, kind: &str, thing: &[u8]) -> Tag {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(b"pollwatch sketch 1\0");
        mac.update(kind.as_bytes());
        mac.update(b"\0");
        mac.update(thing);
        let whole = mac.finalize().into_bytes();
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&whole[..TAG_BYTES]);
        Tag(tag)
    }

    /// A short name of the key, by which sketches of the same group are told: it gives nothing of the key away.
    pub fn name(&self) -> String {
        self.tag("name", b"").to_string()[..12].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{GroupKey, KeyError, Tag};

    #[test]
    fn tags_depend_on_key_kind_and_thing() {
        let (one, two) = (GroupKey::new([1; 32]), GroupKey::new([2; 32]));
        let tag = one.tag("client", b"203.0.113.7");
        assert_eq!(tag, one.tag("client", b"203.0.113.7"));
        assert_ne!(tag, two.tag("client", b"203.0.113.7"));
        assert_ne!(tag, one.tag("agent", b"203.0.113.7"));
        assert_eq!(Tag::parse(&tag.to_string()), Some(tag));
        assert_eq!(Tag::parse("0"), None);
    }

    #[test]
    fn a_key_reads_back_and_shows_itself_nowhere() {
        let key = GroupKey::new([0xab; 32]);
        assert_eq!(
            GroupKey::parse(&key.to_text()).map(|key| key.name()),
            Ok(key.name())
        );
        assert!(!format!("{key:?}").contains("abab"));
        assert_eq!(GroupKey::parse("x").unwrap_err(), KeyError::Header);
        assert_eq!(
            GroupKey::parse("pollwatch sketch key 1\nabc").unwrap_err(),
            KeyError::Digits
        );
    }
}
