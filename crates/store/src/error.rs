//! What stops an operation of the store.

use std::path::PathBuf;

use pollwatch_model::{EvidenceId, FindingId};

use crate::{LeafId, MAX_LEAF_BYTES, RunId};

/// The store's result.
pub type Result<T> = std::result::Result<T, Error>;

/// What stops an operation of the store. Nothing of an operation that failed is kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database was written by a newer Pollwatch; it was not touched.
    #[error(
        "{path} has schema {found} and this program knows schemas up to {known}; use the newer program that wrote it, nothing was changed"
    )]
    NewerSchema {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema of this program.
        known: i64,
    },
    /// The database has an older schema and cannot be brought up to date because it was opened to be read only.
    #[error(
        "{path} has schema {found} and schema {known} is needed; open it once for writing to bring it up to date"
    )]
    OlderSchema {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The schema that is needed.
        known: i64,
    },
    /// Somebody else appended to the stream in between.
    #[error("{stream} has {stored} events by now; an event was offered as number {offered}")]
    StreamMovedOn {
        /// The stream.
        stream: String,
        /// Events that it has.
        stored: u64,
        /// The number that was offered.
        offered: u64,
    },
    /// A migration of the database is not the one that this program has under that number.
    #[error(
        "{path} has a schema {version} that differs from this program's; it was made by a development version or was edited"
    )]
    ForeignSchema {
        /// The database.
        path: PathBuf,
        /// The schema version that differs.
        version: i64,
    },
    /// There is no database.
    #[error("there is no database at {path}")]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The file is no SQLite database, or one of some other program.
    #[error("{path} is not a Pollwatch database ({why})")]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// How that shows.
        why: String,
    },
    /// The database is damaged.
    #[error("{path} is damaged ({what}); stop writing to it and restore the last backup")]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// What was seen.
        what: String,
    },
    /// The file could not be opened.
    #[error("cannot open {path}: {why}")]
    CannotOpen {
        /// The database.
        path: PathBuf,
        /// Why, and what would help.
        why: String,
    },
    /// The disk is full.
    #[error("no room on the disk of {path}; free some and repeat, what was recorded before is safe")]
    Full {
        /// The database.
        path: PathBuf,
    },
    /// The database cannot be written to.
    #[error("cannot write to {path}: it is read-only; check the permissions of the file and its folder")]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// Another process held the database for too long.
    #[error("{path} is in use by another process; wait for it or stop it, and repeat")]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// The disk failed to read or write.
    #[error("the disk failed under {path}")]
    Disk {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: sqlx::Error,
    },
    /// The finding was changed by somebody else since it was read: read it again, merge and repeat.
    #[error("finding {finding} is at revision {stored}, so revision {offered} cannot be recorded")]
    Conflict {
        /// The finding.
        finding: FindingId,
        /// The revision in the store; 0 when there is none.
        stored: u64,
        /// The revision that was to be recorded.
        offered: u64,
    },
    /// Another process took the run further than the step that was to be recorded.
    #[error("run {run} was taken further by another process at input {ordinal}")]
    RunMovedOn {
        /// The run.
        run: RunId,
        /// The input, counted from 0.
        ordinal: u32,
    },
    /// A run with this id was begun before.
    #[error("run {0} was begun before")]
    RunExists(RunId),
    /// There is no such run.
    #[error("there is no run {0}")]
    NoSuchRun(RunId),
    /// The run was finished before.
    #[error("run {0} is finished")]
    RunIsFinished(RunId),
    /// There is no such finding.
    #[error("there is no finding {0}")]
    NoSuchFinding(String),
    /// The beginning of an id fits several findings.
    #[error("{prefix} fits more than one finding ({}); give more of the id", list(.matches))]
    AmbiguousId {
        /// What was given.
        prefix: String,
        /// Some of the findings that it fits, in order.
        matches: Vec<FindingId>,
    },
    /// A statement was offered whose location is neither in the step nor in the store.
    #[error("statement {0} has no location: it must be in a pack before it is recorded")]
    UnlocatedStatement(EvidenceId),
    /// A finding or decision whose JSON form does not read back as the same: a number that is not finite, or nesting
    /// beyond 128 levels.
    #[error("{0} cannot be kept: its JSON form does not read back as the same")]
    NotKeepable(FindingId),
    /// A ledger entry is too long.
    #[error("a ledger entry of {length} bytes is too long, {MAX_LEAF_BYTES} is the most")]
    LeafTooLong {
        /// Its length.
        length: usize,
    },
    /// A leaf was to get an index although it has another, the index belongs to another leaf, or there is no such leaf.
    #[error("leaf {leaf} cannot have ledger index {index}: the record says otherwise")]
    Sequence {
        /// The leaf.
        leaf: LeafId,
        /// The index offered.
        index: u64,
    },
    /// A number is too large for the database.
    #[error("{what} of {value} is too large to be recorded")]
    TooLarge {
        /// What it counts.
        what: &'static str,
        /// The number.
        value: u64,
    },
    /// A row cannot be understood although the file is sound: it was edited, or written by a faulty program.
    #[error("a row of {table} cannot be understood ({why})")]
    Row {
        /// Its table.
        table: &'static str,
        /// How that shows.
        why: String,
    },
    /// The runtime was shut down while the call was at work; nothing of it is kept.
    #[error("the program is shutting down")]
    ShuttingDown,
    /// Anything else that the database said.
    #[error("the database {path} failed")]
    Database {
        /// The database.
        path: PathBuf,
        /// What it said.
        #[source]
        source: sqlx::Error,
    },
}

fn list(matches: &[FindingId]) -> String {
    let ids: Vec<&str> = matches.iter().map(FindingId::as_str).collect();
    ids.join(", ")
}
