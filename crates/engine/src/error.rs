//! What stops the engine, in terms that the binary turns into words for a person.

use std::path::PathBuf;

use pollwatch_model::{DeskError, EvidenceId, FindingId, TargetId};

/// What stops an operation on a workspace or a run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no workspace there.
    #[error("there is no Pollwatch workspace in {}", .0.display())]
    NoWorkspace(PathBuf),
    /// There is one already.
    #[error("{} is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// Another process holds it.
    #[error("another pollwatch is writing to the workspace {}", .0.display())]
    Locked(PathBuf),
    /// The workspace was opened for reading.
    #[error("the workspace {} was opened for reading only", .0.display())]
    ReadOnly(PathBuf),
    /// A line of `pollwatch.toml` cannot be worked with.
    #[error("{file}:{line}: {why}")]
    Settings {
        /// The file.
        file: String,
        /// Line, from 1.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// The register cannot be read at all.
    #[error(transparent)]
    Register(#[from] pollwatch_model::register::RegisterError),
    /// A file cannot be read or written.
    #[error("cannot {doing} {}", path.display())]
    File {
        /// What was being done, such as `read`.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The store could not do what was asked.
    #[error("cannot {doing} the record")]
    Store {
        /// What was being done, such as `write to`.
        doing: &'static str,
        /// Why not.
        #[source]
        source: pollwatch_store::Error,
    },
    /// The ledger could not do what was asked.
    #[error("cannot {doing} the ledger")]
    Ledger {
        /// What was being done.
        doing: &'static str,
        /// Why not.
        #[source]
        source: pollwatch_ledger::Error,
    },
    /// The ledger holds an entry that the record does not know of.
    #[error(
        "entry {index} of the ledger is not in the record: the database is older than the ledger beside it"
    )]
    RecordBehindLedger {
        /// The entry.
        index: u64,
    },
    /// A copy or a backup does not verify.
    #[error("{} does not verify: {what}", dir.display())]
    Unsound {
        /// The folder.
        dir: PathBuf,
        /// The first thing that does not follow.
        what: String,
    },
    /// The desk stopped.
    #[error("the {desk} desk stopped")]
    Desk {
        /// Which.
        desk: &'static str,
        /// Why.
        #[source]
        source: DeskError,
    },
    /// No finding answers to what was given, or more than one.
    #[error("{0}")]
    NoSuchFinding(String),
    /// The register has no such target.
    #[error("the register has no target {0}")]
    NoSuchTarget(TargetId),
    /// This build has no such desk.
    #[error("there is no desk {given:?} (there are {known})")]
    NoSuchDesk {
        /// What was given.
        given: String,
        /// The desks that there are.
        known: String,
    },
    /// A finding that is longer than a line of an export may be.
    #[error("finding {0} is too long to be sent")]
    TooLongToSend(FindingId),
    /// A statement that the record names is not in the evidence folder.
    #[error("the statement {0} is not in the evidence folder")]
    LostStatement(EvidenceId),
    /// No recorded tally answers to what was given, or more than one.
    #[error("{0}")]
    NoSuchTally(String),
    /// A file from another office is refused; nothing of it was taken in.
    #[error("{file}: {why}")]
    Refused {
        /// The file.
        file: String,
        /// Which line does not follow, and why.
        why: String,
    },
    /// An audit stopped, or refused what was to be entered.
    #[error(transparent)]
    Audit(crate::audit::AuditError),
    /// Something that JSON cannot hold.
    #[error("cannot write as JSON")]
    Json(#[from] serde_json::Error),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
}

impl Error {
    /// What a fault of the ledger means to whoever was reading it.
    pub fn reading_ledger(source: pollwatch_ledger::Error) -> Error {
        Error::Ledger {
            doing: "read",
            source,
        }
    }

    pub(crate) fn file(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.into();
        move |source| Error::File { doing, path, source }
    }

    pub(crate) fn store(doing: &'static str) -> impl FnOnce(pollwatch_store::Error) -> Error {
        move |source| Error::Store { doing, source }
    }

    pub(crate) fn ledger(doing: &'static str) -> impl FnOnce(pollwatch_ledger::Error) -> Error {
        move |source| Error::Ledger { doing, source }
    }
}
