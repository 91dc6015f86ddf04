//! Keeps the record: findings and their revisions, where evidence lies, coverage, problems, decisions, logs of events, how
//! far each run got, and the entries that wait for the ledger.
//!
//! Plain domain types go in and come out; [`Store`] is the contract and [`SqliteStore`] the embedded backend. One call of
//! [`Store::commit_step`] is one transaction that holds all that a step of a run produced, so that a process killed at any
//! moment leaves either the whole step or none of it. Evidence bytes are not kept here, only where they lie.
//!
//! ```
//! use pollwatch_store::{Mode, SqliteStore, Store};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let folder = tempfile::tempdir()?;
//! let store = SqliteStore::open(&folder.path().join("record.db"), Mode::ReadWrite).await?;
//! store.set_meta("workspace", "w-1").await?;
//! assert_eq!(store.meta("workspace").await?.as_deref(), Some("w-1"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod access;
mod error;
mod record;
mod sqlite;
mod store;

pub use error::{Error, Result};
pub use record::{
    Committed, Cursor, DayCount, Decided, DecisionId, DecisionRecord, DeclarationId, DeclarationRecord,
    Dismissed, EventRecord, EventStream, EvidenceLocation, Filter, FindingCount, ImportedKind, ImportedRow,
    InputPosition, LeafId, MAX_LEAF_BYTES, MAX_PROBLEM_TEXT_BYTES, MAX_PROBLEMS_OF_A_RUN, Mark, Order, Page,
    PendingLeaf, ProblemCount, ReachCount, ResumableRun, Revision, RevisionRecord, RunId, RunPhase, RunStart,
    RunSummary, SequencedLeaf, StatementRecord, Step, StoredDecision, StoredDeclaration, StoredEvent,
    StoredFinding,
};
pub use sqlite::{Mode, SqliteStore, Watch};
pub use store::Store;
