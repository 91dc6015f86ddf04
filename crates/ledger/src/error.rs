//! What can go wrong with a log on disk.

use std::io;
use std::path::PathBuf;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::note::NoteError;

/// Bytes that are not of the form they should have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {what}: {why}")]
pub struct FormatError {
    /// What the bytes should have been.
    pub what: &'static str,
    /// What is wrong with them.
    pub why: &'static str,
}

/// Why an operation on a log, its keys or its evidence stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused; `source` tells whether the disk is full, the path missing or access denied.
    #[error("cannot {doing} {path}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file is not of the form it should have.
    #[error("{path} is damaged; restore it from a backup")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: FormatError,
    },
    /// The checkpoint is not one that the log's keys signed.
    #[error(
        "the checkpoint {path} is not accepted; it was edited or signed with another key: restore it from a backup, or give the right key"
    )]
    Checkpoint {
        /// The checkpoint file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: CheckpointError,
    },
    /// The log on disk is that of somebody else.
    #[error(
        "the log in {path} is {found:?}, not {expected:?}; open the folder that belongs to this workspace"
    )]
    Origin {
        /// The log's folder.
        path: PathBuf,
        /// The origin in its checkpoint.
        found: String,
        /// The origin asked for.
        expected: String,
    },
    /// The files of the tree do not lead to the root that was signed.
    #[error(
        "the checkpoint of size {size} is not a prefix of the tree in {path}: {why}. Nothing was changed. \
         Keep a copy of the folder, run a full verification, and restore the ledger from a backup that is at least as new"
    )]
    NotAPrefix {
        /// The log's folder.
        path: PathBuf,
        /// Size that the checkpoint claims.
        size: u64,
        /// What does not fit.
        why: String,
    },
    /// The log is not a continuation of a checkpoint that is known from before.
    #[error(
        "the log in {path} is a {judgement} against a checkpoint known from before: it now has size {found}, and had size {}. \
         Its files were put back to an older state or rewritten; keep a copy and restore the newest backup", known.size
    )]
    Inconsistent {
        /// The log's folder.
        path: PathBuf,
        /// Fork, rollback or another log.
        judgement: crate::checkpoint::Judgement,
        /// Size of the log as found.
        found: u64,
        /// The checkpoint that was known.
        known: Box<Checkpoint>,
    },
    /// There is a log already.
    #[error("there is a log in {path} already; open it instead of creating it")]
    Exists {
        /// The log's folder.
        path: PathBuf,
    },
    /// Another process has it open for writing.
    #[error("{path} is in use by another process; wait until it has finished, or stop it")]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A write failed at a point after which only opening again tells what is on disk.
    #[error("an earlier write to {path} failed half-way; open the log again before appending to it")]
    MustReopen {
        /// The log's folder.
        path: PathBuf,
    },
    /// An entry cannot be appended.
    #[error("entry number {number} of the batch cannot be appended: {why}")]
    Entry {
        /// Position within the batch, from 0.
        number: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// An entry or size beyond the log was asked for.
    #[error("{what} {asked} lies beyond the log, which has {size} entries")]
    Beyond {
        /// An entry, or an older size.
        what: &'static str,
        /// What was asked for.
        asked: u64,
        /// Size of the log.
        size: u64,
    },
    /// What was read does not fit what was signed.
    #[error("{path} does not fit the signed checkpoint at entry {index}; run a full verification")]
    Damaged {
        /// The file read.
        path: PathBuf,
        /// The entry concerned.
        index: u64,
    },
    /// A key's text is not valid.
    #[error("the key in {path} cannot be used")]
    Key {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: NoteError,
    },
    /// A key file can be read by others.
    #[error("the key file {path} can be read by other users of this machine; run: chmod 600 {path}")]
    KeyIsOpen {
        /// The key file.
        path: PathBuf,
    },
    /// The key given is not the one that signs the log now.
    #[error("the key {given} does not sign the log in {path} now; {expected} does")]
    WrongKey {
        /// The log's folder.
        path: PathBuf,
        /// Verifier key of the key given.
        given: String,
        /// Verifier key that signs now.
        expected: String,
    },
    /// A signature could not be made.
    #[error("cannot sign the checkpoint")]
    Sign(#[source] NoteError),
    /// The system gave no random bytes.
    #[error("cannot get random bytes for a new key: {0}")]
    Random(getrandom::Error),
    /// A piece of evidence is too long for a pack.
    #[error("a piece of evidence of {0} bytes is too long for a pack; keep it as a file of its own")]
    PieceTooLong(usize),
    /// A pack has bytes that are not a record where one should begin.
    #[error("the pack {path} is damaged at byte {offset}: {why}; restore it from a backup")]
    Pack {
        /// The pack.
        path: PathBuf,
        /// Where the record begins.
        offset: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A piece of evidence has not the bytes that it had when it was kept.
    #[error(
        "the piece of evidence {digest} in {path} at byte {offset} was changed; restore the pack from a backup"
    )]
    Piece {
        /// Digest under which the piece was kept.
        digest: crate::evidence::PieceDigest,
        /// The pack.
        path: PathBuf,
        /// Where its record begins.
        offset: u64,
    },
}
