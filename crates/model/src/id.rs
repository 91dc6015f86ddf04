//! Identifiers, each of its own type so that two of them cannot be swapped.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// A target id is 1 to 64 characters of `a-z`, `0-9` and `-`, beginning and ending with a letter or digit.
    #[error("not a target id: {0:?} (use 1 to 64 of a-z, 0-9 and '-', such as \"travis-county-tx\")")]
    Target(String),
    /// A finding id is `f-` and 26 characters of lower-case base 32.
    #[error("not a finding id: {0:?} (they look like f-4v2k…, 28 characters)")]
    Finding(String),
    /// An evidence id is the SHA-256 of the bytes, 64 lower-case hexadecimal digits.
    #[error("not a SHA-256 in hexadecimal: {0:?}")]
    Evidence(String),
}

/// Longest target id, in characters: it has to fit in a column of a terminal.
const MAX_TARGET_CHARS: usize = 64;

/// The name of one entry of the register: 1 to 64 characters of `a-z`, `0-9` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct TargetId(String);

impl TargetId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A valid id made from any text: letters and digits kept in lower case, every other run becomes one `-`.
    ///
    /// The result is `unnamed` when nothing is left. Two texts may give one id: whoever calls this sees to that.
    pub fn slug(text: &str) -> Self {
        let mut id = String::new();
        for c in text.chars() {
            if id.len() >= MAX_TARGET_CHARS {
                break;
            }
            if c.is_ascii_alphanumeric() {
                id.push(c.to_ascii_lowercase());
            } else if !id.is_empty() && !id.ends_with('-') {
                id.push('-');
            }
        }
        let id = id.trim_end_matches('-');
        TargetId(if id.is_empty() {
            "unnamed".to_owned()
        } else {
            id.to_owned()
        })
    }
}

impl FromStr for TargetId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_valid = (1..=MAX_TARGET_CHARS).contains(&text.len())
            && text.chars().all(|c| is_word(c) || c == '-')
            && text.starts_with(is_word)
            && text.ends_with(is_word);
        if is_valid {
            Ok(TargetId(text.to_owned()))
        } else {
            Err(IdError::Target(text.to_owned()))
        }
    }
}

/// Names one finding, derived from what it is about, so that finding the same thing twice is one finding.
///
/// Text form: `f-` and 26 characters of lower-case base 32 (RFC 4648, section 6, without padding): 128 bits, so that
/// nobody can craft a second subject which hides behind the id of a first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct FindingId(String);

/// Characters of base 32 that 128 bits need.
const FINDING_ID_CHARS: usize = 26;

impl FindingId {
    /// The id of the finding that `desk` makes of `kind` about `subject`, aimed at `target`.
    ///
    /// Source: SHA-256 over the four texts, each preceded by its length in bytes as a 64-bit big-endian number (so that no
    /// two different quadruples give the same bytes), cut to 128 bits.
    pub fn derive(desk: &str, kind: &str, target: &TargetId, subject: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"pollwatch finding 1\n");
        for part in [desk, kind, target.as_str(), subject] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finalize();
        FindingId(format!("f-{}", base32(&digest[..16])))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FindingId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let is_valid = text.strip_prefix("f-").is_some_and(|rest| {
            rest.len() == FINDING_ID_CHARS && rest.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'))
        });
        if is_valid {
            Ok(FindingId(text.to_owned()))
        } else {
            Err(IdError::Finding(text.to_owned()))
        }
    }
}

/// The address of a piece of evidence: the SHA-256 of its bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct EvidenceId([u8; 32]);

impl EvidenceId {
    /// The address of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        EvidenceId(Sha256::digest(bytes).into())
    }

    /// An address that was computed elsewhere.
    pub fn from_digest(digest: [u8; 32]) -> Self {
        EvidenceId(digest)
    }

    /// The digest, 32 bytes.
    pub fn digest(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for EvidenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for EvidenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EvidenceId({self})")
    }
}

impl FromStr for EvidenceId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let invalid = || IdError::Evidence(text.to_owned());
        if text.len() != 64 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(invalid());
        }
        let mut digest = [0; 32];
        for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| invalid())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| invalid())?;
        }
        Ok(EvidenceId(digest))
    }
}

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<TargetId> for String {
    fn from(id: TargetId) -> String {
        id.0
    }
}

impl From<FindingId> for String {
    fn from(id: FindingId) -> String {
        id.0
    }
}

impl From<EvidenceId> for String {
    fn from(id: EvidenceId) -> String {
        id.to_string()
    }
}

impl TryFrom<String> for TargetId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl TryFrom<String> for FindingId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl TryFrom<String> for EvidenceId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

/// RFC 4648, section 6, in lower case and without padding.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut pending, mut pending_bits) = (0u32, 0u32);
    for byte in bytes {
        pending = (pending << 8) | u32::from(*byte);
        pending_bits += 8;
        while pending_bits >= 5 {
            pending_bits -= 5;
            text.push(char::from(ALPHABET[(pending >> pending_bits) as usize & 31]));
        }
    }
    if pending_bits > 0 {
        text.push(char::from(
            ALPHABET[(pending << (5 - pending_bits)) as usize & 31],
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_gives_the_vectors_of_rfc_4648() {
        for (input, expected) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("foobar", "mzxw6ytboi"),
        ] {
            assert_eq!(base32(input.as_bytes()), expected);
        }
    }

    #[test]
    fn the_parts_of_a_finding_id_cannot_run_into_each_other() {
        let target: TargetId = "a".parse().unwrap();
        let split_one_way = FindingId::derive("lookalike", "ab", &target, "c");
        let split_another_way = FindingId::derive("lookalikea", "b", &target, "c");
        assert_ne!(split_one_way, split_another_way);
    }

    #[test]
    fn ids_survive_their_text_form() {
        let target = TargetId::slug("Travis County, Texas — Clerk");
        assert_eq!(target.as_str(), "travis-county-texas-clerk");
        assert_eq!(target.as_str().parse(), Ok(target.clone()));
        let finding = FindingId::derive("lookalike", "lookalike-domain", &target, "x.example");
        assert_eq!(finding.as_str().parse(), Ok(finding.clone()));
        let evidence = EvidenceId::of(b"abc");
        assert_eq!(
            evidence.to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(evidence.to_string().parse(), Ok(evidence));
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in ["", "-a", "a-", "A", "a b", "ä", &"a".repeat(65)] {
            assert!(text.parse::<TargetId>().is_err(), "{text:?}");
        }
        for text in [
            "",
            "f-",
            "g-aaaaaaaaaaaaaaaaaaaaaaaaaa",
            "f-aaaaaaaaaaaaaaaaaaaaaaaaa1",
        ] {
            assert!(text.parse::<FindingId>().is_err(), "{text:?}");
        }
        assert!("é".repeat(32).parse::<EvidenceId>().is_err());
    }
}
