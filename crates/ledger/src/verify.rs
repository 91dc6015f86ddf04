//! Checking a whole log offline, from the bytes of its entries up.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::checkpoint::{Checkpoint, CheckpointError, Judgement};
use crate::disk::read_text;
use crate::key_history::{KeyHistory, parse_key_entry};
use crate::note::{SignedNote, VerifierKey};
use crate::reader::{CHECKPOINT_FILE, LogReader, MAX_CHECKPOINT_BYTES, open_checkpoint, read_key_history};
use crate::tree::TreeHash;
use crate::verify_tree::{check_entries, check_right_edge};
use crate::{Error, FormatError};

/// A log that was checked in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The newest checkpoint.
    pub checkpoint: Checkpoint,
    /// The same with its signatures.
    pub signed: SignedNote,
    /// Every key that signed, oldest first, with the size from which it signs.
    pub keys: Vec<(u64, VerifierKey)>,
}

/// The first thing in a log that does not follow.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file could not be read.
    #[error(transparent)]
    Read(#[from] Error),
    /// The checkpoint is not by a key of the log.
    #[error("the checkpoint {path} is not signed by a key of the log")]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: CheckpointError,
    },
    /// An entry is not the one that was hashed into the tree.
    #[error("entry {index} in {path} was changed after it was signed")]
    Entry {
        /// Index of the first such entry.
        index: u64,
        /// The bundle that holds it.
        path: PathBuf,
    },
    /// A tile does not fit what lies beneath it.
    #[error("the hashes in {path} do not fit the entries {} to {}: the tile or those entries were changed", entries.start, entries.end - 1)]
    Tile {
        /// The tile.
        path: PathBuf,
        /// The entries beneath the first hash that differs.
        entries: Range<u64>,
    },
    /// The entries give another root than the one that was signed.
    #[error(
        "the {size} entries give the root {found}, but {signed} was signed: entries were changed together with their tiles"
    )]
    Root {
        /// Size of the log.
        size: u64,
        /// Root of the entries on disk.
        found: TreeHash,
        /// Root in the checkpoint.
        signed: TreeHash,
    },
    /// An entry that hands over to a new key is not valid.
    #[error("entry {index} hands over to a new key but is not valid")]
    KeyEntry {
        /// Index of the entry.
        index: u64,
        /// What is wrong with it.
        #[source]
        source: FormatError,
    },
    /// A new key was not endorsed by the one before it.
    #[error("the key {key} that entry {index} brings in was not endorsed by the key before it: {why}")]
    NotEndorsed {
        /// The new key.
        key: String,
        /// Index of the entry that names it.
        index: u64,
        /// What is missing.
        why: String,
    },
    /// The list of keys is not what the log itself says.
    #[error("keys.txt does not list the keys that the log itself hands over to")]
    KeyList,
    /// None of the trusted keys ever signed the log.
    #[error("none of the trusted keys signs this log; its first key is {first}")]
    Untrusted {
        /// The key that the log claims to begin with.
        first: String,
    },
    /// The older checkpoint given for comparison is not one by a key of the log.
    #[error("the older checkpoint is not signed by a key of the log")]
    Older(#[source] CheckpointError),
    /// The log does not continue the older checkpoint.
    #[error(
        "the log is a {judgement} against the older checkpoint of size {}: it now has {found} entries. It was cut or rewritten, and signed again", older.size
    )]
    Inconsistent {
        /// Fork, rollback or another log.
        judgement: Judgement,
        /// Size of the log now.
        found: u64,
        /// The older checkpoint.
        older: Box<Checkpoint>,
    },
    /// The caller did not accept an entry.
    #[error("entry {index} is in the log as it was signed, but {why}")]
    Refused {
        /// Index of the entry.
        index: u64,
        /// The caller's words.
        why: String,
    },
}

/// Checks the log in `dir` in full, offline: every entry against its hash, every tile against those beneath it, the root
/// against the checkpoint, the checkpoint against the keys, every new key against the one before it, and all of it
/// against an `older` signed checkpoint that was kept elsewhere.
///
/// At least one of `trusted` must have signed the log at some time; keys after it are followed through the log's own
/// entries. Trusting the first key is enough, and knowing only a later one too. A thief of an old key can still sign another history from
/// before its end: `older` is what shows that.
///
/// `on_entry` is told every entry in order, to count progress and to check what the entry speaks of; what it says in an
/// `Err` stops the check as [`VerifyError::Refused`]. It hears of an entry before the root was compared.
///
/// Errors: the first [`VerifyError`] found, in the order of the entries.
/// Limits: memory for a few dozen bundles; a hostile bundle has at most 16 MiB.
pub fn verify_log(
    dir: &Path,
    trusted: &[VerifierKey],
    older: Option<&str>,
    mut on_entry: impl FnMut(u64, &[u8]) -> Result<(), String>,
) -> Result<Verified, VerifyError> {
    let listed = read_key_history(dir)?;
    let mut candidates = trusted.to_vec();
    candidates.extend(listed.iter().flat_map(KeyHistory::verifiers));
    let path = dir.join(CHECKPOINT_FILE);
    let text = read_text(&path, MAX_CHECKPOINT_BYTES, "checkpoint")?;
    let not_signed = |source| VerifyError::Checkpoint {
        path: path.clone(),
        source,
    };
    let (checkpoint, signed) = open_checkpoint(&text, &candidates).map_err(not_signed)?;

    let mut handovers: Vec<(u64, VerifierKey)> = Vec::new();
    let edge = check_entries(dir, &checkpoint, &mut |index, entry| {
        let key = parse_key_entry(entry).map_err(|source| VerifyError::KeyEntry { index, source })?;
        handovers.extend(key.map(|key| (index, key)));
        on_entry(index, entry).map_err(|why| VerifyError::Refused { index, why })
    })?;
    check_right_edge(dir, &checkpoint, &edge)?;
    let root = edge.root();
    if root != checkpoint.root {
        return Err(VerifyError::Root {
            size: checkpoint.size,
            found: root,
            signed: checkpoint.root,
        });
    }

    let reader = LogReader::from_parts(dir.to_owned(), checkpoint.clone(), signed.clone());
    let first = first_key(listed.as_ref(), trusted, &checkpoint, &signed)?;
    let keys = follow_keys(&reader, first, &handovers)?;
    if listed.is_some_and(|listed| listed.up_to(checkpoint.size) != keys) {
        return Err(VerifyError::KeyList);
    }
    if !keys.keys().iter().any(|(_, key)| trusted.contains(key)) {
        return Err(VerifyError::Untrusted {
            first: keys.keys()[0].1.to_string(),
        });
    }
    open_checkpoint(&text, &[keys.current().clone()]).map_err(not_signed)?;
    if let Some(older) = older {
        check_older(&reader, older, &keys.verifiers())?;
    }
    Ok(Verified {
        checkpoint,
        signed,
        keys: keys.keys().to_vec(),
    })
}

/// The key with which the log begins: as listed; in a log without a list the trusted key that signs it.
fn first_key(
    listed: Option<&KeyHistory>,
    trusted: &[VerifierKey],
    checkpoint: &Checkpoint,
    signed: &SignedNote,
) -> Result<VerifierKey, VerifyError> {
    if let Some(listed) = listed {
        return Ok(listed.keys()[0].1.clone());
    }
    let signatures = signed.verify(trusted).unwrap_or_default();
    let key = signatures
        .into_iter()
        .map(|one| one.key)
        .find(|key| key.name() == checkpoint.origin);
    key.ok_or_else(|| VerifyError::Untrusted {
        first: checkpoint.origin.clone(),
    })
}

/// Follows the hand-overs from the first key on; each must be endorsed by a checkpoint that the old and the new key signed.
fn follow_keys(
    reader: &LogReader,
    first: VerifierKey,
    handovers: &[(u64, VerifierKey)],
) -> Result<KeyHistory, VerifyError> {
    let mut keys = KeyHistory::first(first);
    for (index, key) in handovers {
        let not_endorsed = |why: String| VerifyError::NotEndorsed {
            key: key.to_string(),
            index: *index,
            why,
        };
        let size = index + 1;
        let path = LogReader::endorsement_path(reader.dir(), size);
        let text = read_text(&path, MAX_CHECKPOINT_BYTES, "checkpoint").map_err(|error| {
            let cause = std::error::Error::source(&error)
                .map(|cause| format!(": {cause}"))
                .unwrap_or_default();
            not_endorsed(format!("{error}{cause}"))
        })?;
        let both = [keys.current().clone(), key.clone()];
        let (checkpoint, signatures) =
            Checkpoint::open(&text, &both).map_err(|error| not_endorsed(error.to_string()))?;
        if !both
            .iter()
            .all(|key| signatures.iter().any(|one| one.key == *key))
        {
            return Err(not_endorsed(format!(
                "{} is not signed by both keys",
                path.display()
            )));
        }
        let is_of_this_log = checkpoint.origin == reader.checkpoint().origin
            && checkpoint.size == size
            && checkpoint.root == reader.root_at(size)?;
        if !is_of_this_log || keys.verifiers().contains(key) {
            return Err(not_endorsed(format!(
                "{} endorses something else",
                path.display()
            )));
        }
        keys.push(size, key.clone());
    }
    Ok(keys)
}

fn check_older(reader: &LogReader, older: &str, keys: &[VerifierKey]) -> Result<(), VerifyError> {
    let (older, _) = open_checkpoint(older, keys).map_err(VerifyError::Older)?;
    let judgement = if older.origin != reader.checkpoint().origin {
        Judgement::OtherLog
    } else if older.size > reader.size() {
        Judgement::Rollback
    } else if reader.root_at(older.size)? != older.root {
        Judgement::Fork
    } else {
        return Ok(());
    };
    Err(VerifyError::Inconsistent {
        judgement,
        found: reader.size(),
        older: Box::new(older),
    })
}
