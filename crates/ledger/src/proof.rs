//! Proofs that travel alone: `.tlog-proof` files (<https://c2sp.org/tlog-proof>).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::FormatError;
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::note::{SignedNote, VerifiedSignature, VerifierKey};
use crate::tile::decimal;
use crate::tree::{TreeHash, leaf_hash};
use crate::tree_proof::{ProofError, verify_inclusion};

/// First line of every file (C2SP tlog-proof, "Format").
const MAGIC: &str = "c2sp.org/tlog-proof@v1";

/// Longest file in bytes: a checkpoint of the longest kind, and as much again for `extra`.
const MAX_PROOF_BYTES: usize = 2_000_000;

/// Most hashes in a proof: a tree of 2^64 leaves has 64 levels.
const MAX_HASHES: usize = 64;

/// That one entry is in a log, with the signed checkpoint that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// Bytes that the application adds and the proof does not cover.
    pub extra: Option<Vec<u8>>,
    /// Index of the entry.
    pub index: u64,
    /// Inclusion proof, from the leaf to the root.
    pub hashes: Vec<TreeHash>,
    /// The signed checkpoint.
    pub checkpoint: SignedNote,
}

/// Why a proof file does not prove what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    /// The checkpoint is not one by a known key.
    #[error("the checkpoint within the proof is not accepted")]
    Checkpoint(#[source] CheckpointError),
    /// The hashes do not lead from the entry to the checkpoint.
    #[error("entry {index} is not shown to be in the log")]
    Inclusion {
        /// Index that the proof speaks of.
        index: u64,
        /// What is wrong with it.
        #[source]
        source: ProofError,
    },
}

/// What a proof file shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenEntry {
    /// Index of the entry.
    pub index: u64,
    /// The checkpoint that covers it.
    pub checkpoint: Checkpoint,
    /// Who signed that checkpoint.
    pub signatures: Vec<VerifiedSignature>,
}

impl TlogProof {
    /// Checks that `entry` is in the log whose key is among `keys`.
    ///
    /// Errors: [`TlogProofError`].
    pub fn verify(&self, entry: &[u8], keys: &[VerifierKey]) -> Result<ProvenEntry, TlogProofError> {
        let (checkpoint, signatures) =
            Checkpoint::open(&self.checkpoint.to_string(), keys).map_err(TlogProofError::Checkpoint)?;
        let leaf = leaf_hash(entry);
        verify_inclusion(
            self.index,
            checkpoint.size,
            &leaf.0,
            &self.hashes,
            &checkpoint.root.0,
        )
        .map_err(|source| TlogProofError::Inclusion {
            index: self.index,
            source,
        })?;
        Ok(ProvenEntry {
            index: self.index,
            checkpoint,
            signatures,
        })
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{MAGIC}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", BASE64.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for TlogProof {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        let bad = |why| FormatError {
            what: "tlog-proof",
            why,
        };
        if text.len() > MAX_PROOF_BYTES {
            return Err(bad("it is longer than 2,000,000 bytes"));
        }
        let (head, checkpoint) = text
            .split_once("\n\n")
            .ok_or(bad("no empty line comes before the checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(MAGIC) {
            return Err(bad("its first line is not c2sp.org/tlog-proof@v1"));
        }
        let extra = match lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            Some(extra) => {
                lines.next();
                Some(
                    BASE64
                        .decode(extra)
                        .map_err(|_| bad("its extra line is not base64"))?,
                )
            }
            None => None,
        };
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .and_then(decimal)
            .ok_or(bad("it has no index line with a decimal number"))?;
        let mut hashes = Vec::new();
        for line in lines {
            if hashes.len() == MAX_HASHES {
                return Err(bad("it has more than 64 hashes"));
            }
            hashes.push(TreeHash::from_base64(line).ok_or(bad("a hash is not 32 bytes in base64"))?);
        }
        let checkpoint =
            SignedNote::parse(checkpoint).map_err(|_| bad("what follows the hashes is not a signed note"))?;
        Ok(TlogProof {
            extra,
            index,
            hashes,
            checkpoint,
        })
    }
}
