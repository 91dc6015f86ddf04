//! Which key signs a log from which size on: the file `keys.txt`, and the entries that hand over from one key to the next.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::FormatError;
use crate::note::VerifierKey;
use crate::tile::decimal;

/// First line of `keys.txt`; the number is the version of its form.
const MAGIC: &str = "pollwatch ledger keys 1";

/// Longest `keys.txt` in bytes: some thousand rotations.
pub(crate) const MAX_KEYS_BYTES: usize = 1_000_000;

/// How every entry that hands over to a new key begins, and no other entry may.
pub const KEY_ENTRY_PREFIX: &[u8] = b"{\"kind\":\"key\",";

/// Which key signs from which size on.
///
/// Text form: a first line with the version, then a line `size vkey` for each key, oldest first; the first size is 0. The
/// file tells a reader the keys at a glance. It proves nothing: who trusts only the first key follows the hand-over
/// entries in the log (see [`crate::verify`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHistory {
    keys: Vec<(u64, VerifierKey)>,
}

impl KeyHistory {
    /// The history of a log that one key signs from the start.
    pub fn first(key: VerifierKey) -> Self {
        KeyHistory { keys: vec![(0, key)] }
    }

    /// The keys, oldest first, each with the size of the first checkpoint that it signs.
    pub fn keys(&self) -> &[(u64, VerifierKey)] {
        &self.keys
    }

    /// The key that signs now.
    pub fn current(&self) -> &VerifierKey {
        &self.keys[self.keys.len() - 1].1
    }

    /// Every key, whether it still signs or not.
    pub fn verifiers(&self) -> Vec<VerifierKey> {
        self.keys.iter().map(|(_, key)| key.clone()).collect()
    }

    /// The history as it was at `size`: a hand-over that a crash cut short has left a line beyond it.
    pub fn up_to(&self, size: u64) -> Self {
        KeyHistory {
            keys: self
                .keys
                .iter()
                .filter(|(from, _)| *from <= size)
                .cloned()
                .collect(),
        }
    }

    /// Adds the key that signs from `size` on; sizes rise.
    pub(crate) fn push(&mut self, size: u64, key: VerifierKey) {
        debug_assert!(
            self.keys.iter().all(|(from, _)| *from < size),
            "keys follow one another"
        );
        self.keys.push((size, key));
    }
}

impl fmt::Display for KeyHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{MAGIC}")?;
        self.keys
            .iter()
            .try_for_each(|(size, key)| writeln!(f, "{size} {key}"))
    }
}

impl FromStr for KeyHistory {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        let bad = |why| FormatError {
            what: "list of keys",
            why,
        };
        let mut lines = text
            .strip_suffix('\n')
            .ok_or(bad("it does not end in a newline"))?
            .split('\n');
        if lines.next() != Some(MAGIC) {
            return Err(bad("its first line is not \"pollwatch ledger keys 1\""));
        }
        let mut keys: Vec<(u64, VerifierKey)> = Vec::new();
        for line in lines {
            let (size, key) = line
                .split_once(' ')
                .ok_or(bad("a line is not a size and a key"))?;
            let size = decimal(size).ok_or(bad("a size is not a decimal number"))?;
            let key = key.parse().map_err(|_| bad("a key is not a verifier key"))?;
            let is_in_order = match keys.last() {
                Some((before, _)) => *before < size,
                None => size == 0,
            };
            if !is_in_order {
                return Err(bad("the sizes do not rise from 0"));
            }
            keys.push((size, key));
        }
        if keys.is_empty() {
            return Err(bad("it lists no key"));
        }
        Ok(KeyHistory { keys })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    kind: String,
    sha256: String,
    time: String,
    vkey: String,
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(<[u8; 32]>::from(Sha256::digest(bytes)))
}

/// The entry that hands over to `key` at `time`, which is kept as it is given (RFC 3339, by convention).
///
/// Shape: JSON `{"kind":"key","sha256":…,"time":…,"vkey":…}`, members sorted, no spaces (RFC 8785); `sha256` is that of the vkey's text.
pub fn key_entry(key: &VerifierKey, time: &str) -> Vec<u8> {
    let vkey = key.to_string();
    let entry = KeyEntry {
        kind: "key".to_owned(),
        sha256: sha256_hex(vkey.as_bytes()),
        time: time.to_owned(),
        vkey,
    };
    serde_json::to_vec(&entry).expect("four strings are always JSON")
}

/// The key to which `entry` hands over; `None` for an entry of any other kind.
///
/// Errors: [`FormatError`] when the entry begins as such an entry does and is not one.
pub fn parse_key_entry(entry: &[u8]) -> Result<Option<VerifierKey>, FormatError> {
    if !entry.starts_with(KEY_ENTRY_PREFIX) {
        return Ok(None);
    }
    let bad = |why| FormatError {
        what: "entry that hands over to a new key",
        why,
    };
    let parsed: KeyEntry = serde_json::from_slice(entry).map_err(|_| bad("it has not the four members"))?;
    let key: VerifierKey = parsed
        .vkey
        .parse()
        .map_err(|_| bad("its vkey is not a verifier key"))?;
    if parsed.sha256 != sha256_hex(parsed.vkey.as_bytes()) {
        return Err(bad("its sha256 is not that of its vkey"));
    }
    if key_entry(&key, &parsed.time) != entry {
        return Err(bad("it is not written in the one allowed way"));
    }
    Ok(Some(key))
}
