//! Checkpoints: what a log commits to at one size (<https://c2sp.org/tlog-checkpoint>).

use std::fmt;
use std::str::FromStr;

use crate::FormatError;
use crate::note::{Algorithm, NoteError, SignedNote, SignerKey, VerifiedSignature, VerifierKey};
use crate::tile::decimal;
use crate::tree::{TreeHash, empty_root};
use crate::tree_proof::verify_consistency;

/// The body of a checkpoint: which log, how many entries, which root.
///
/// Text form: origin, size in decimal and root in base64, a line each, then extension lines that are kept as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's unique name, by convention that of its key.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root of the tree over them.
    pub root: TreeHash,
    /// Further lines, opaque here, none of them empty.
    pub extensions: Vec<String>,
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for Checkpoint {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        let bad = |why| FormatError {
            what: "checkpoint",
            why,
        };
        let text = text
            .strip_suffix('\n')
            .ok_or(bad("it does not end in a newline"))?;
        let mut lines = text.split('\n');
        let mut line = || lines.next().filter(|line| !line.is_empty());
        let origin = line().ok_or(bad("it has no origin"))?.to_owned();
        let size = line()
            .and_then(decimal)
            .ok_or(bad("its size is not a decimal number of 64 bits"))?;
        let root = line()
            .and_then(TreeHash::from_base64)
            .ok_or(bad("its root is not 32 bytes in base64"))?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(bad("it has an empty extension line"));
        }
        Ok(Checkpoint {
            origin,
            size,
            root,
            extensions,
        })
    }
}

/// Why a signed checkpoint is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is not a note, or its signatures do not hold.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Its text is not that of a checkpoint.
    #[error(transparent)]
    Body(#[from] FormatError),
    /// Its signatures hold, but none is by the log itself.
    #[error("the checkpoint of {0} is signed by witnesses alone, not by a known key of the log")]
    NotByLog(String),
}

impl Checkpoint {
    /// Signs the checkpoint with each of `signers`.
    pub fn sign(&self, signers: &[&SignerKey]) -> Result<SignedNote, NoteError> {
        SignedNote::sign(&self.to_string(), signers)
    }

    /// Reads a signed checkpoint and checks that at least one of `keys` signed it for the log; gives every signature that holds.
    ///
    /// A log's own signature is by a key of type Ed25519 that is called as the origin says; witnesses' cosignatures alone are not enough.
    ///
    /// Errors: [`CheckpointError`].
    pub fn open(
        signed: &str,
        keys: &[VerifierKey],
    ) -> Result<(Checkpoint, Vec<VerifiedSignature>), CheckpointError> {
        let note = SignedNote::parse(signed)?;
        let signatures = note.verify(keys)?;
        let checkpoint: Checkpoint = note.text().parse()?;
        let is_by_log = signatures
            .iter()
            .any(|one| one.key.algorithm() == Algorithm::Ed25519 && one.key.name() == checkpoint.origin);
        if !is_by_log {
            return Err(CheckpointError::NotByLog(checkpoint.origin));
        }
        Ok((checkpoint, signatures))
    }
}

/// How a later checkpoint stands to an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The later tree begins with the earlier one.
    Consistent,
    /// The two trees differ where both have entries: the log was rewritten or shows two faces.
    Fork,
    /// The later tree is smaller: entries were cut.
    Rollback,
    /// They speak of different logs.
    OtherLog,
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Judgement::Consistent => "consistent",
            Judgement::Fork => "fork",
            Judgement::Rollback => "rollback",
            Judgement::OtherLog => "other log",
        })
    }
}

/// Judges the checkpoint `later` against `earlier`, with the consistency proof between their sizes (empty for equal sizes).
///
/// Both are taken as already checked for their signatures. A proof that does not hold counts as a fork: an honest log can always give one that does.
/// Source: RFC 9162, section 2.1.4.2; C2SP tlog-witness, "add-checkpoint".
pub fn judge<P: AsRef<[u8]>>(earlier: &Checkpoint, later: &Checkpoint, proof: &[P]) -> Judgement {
    if earlier.origin != later.origin {
        return Judgement::OtherLog;
    }
    if later.size < earlier.size {
        return Judgement::Rollback;
    }
    if earlier.size == 0 {
        // Every tree begins with the empty one, and there is nothing that a proof could add.
        let is_empty_right = later.size > 0 || later.root == earlier.root;
        let is_consistent = proof.is_empty() && earlier.root == empty_root() && is_empty_right;
        return if is_consistent {
            Judgement::Consistent
        } else {
            Judgement::Fork
        };
    }
    match verify_consistency(earlier.size, later.size, &earlier.root.0, &later.root.0, proof) {
        Ok(()) => Judgement::Consistent,
        Err(_) => Judgement::Fork,
    }
}
