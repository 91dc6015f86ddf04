//! Runs sources through desks into the record, resumes after a crash, and counts.
//!
//! [`Workspace`] is the folder that an office keeps: settings, register, record, ledger, evidence and key. [`run()`] drives any
//! desk over any inputs, with or without one. [`verify::verify`] checks all of it offline.

pub mod audit;
mod briefing;
pub mod desks;
mod error;
mod events;
pub mod input;
pub mod keep;
mod live;
pub mod protect;
mod record;
mod run;
mod settings;
mod sources;
mod statement;
mod tally;
mod transfer;
pub mod verify;
mod verify_declared;
mod watching;
mod workspace;

pub use error::Error;
pub use events::KeptEvent;
pub use live::{Following, LiveRun, LiveSource, LiveStep, ReadInput, Recorded, Taken};
pub use pollwatch_model::Ctx;
pub use run::{NoRecord, Novelty, Progress, Reached, Recorder, Resume, RunReport, Step, Watcher, run};
pub use settings::{
    AlertChannel, MailRelay, MailSecurity, Retention, Settings, SourceKind, WatchedSource, Webhook,
};
pub use sources::SourceSpec;
pub use statement::{Content, DeskEvent, Leaf, RecordedImport, RecordedTally, Statement};
pub use tally::{KeptTally, TallyQuery};
pub use transfer::{ImportReport, ImportedFinding, Sender};
pub use watching::{AlertHealth, Revised, SourceHealth, SourceState, WatchHealth};
pub use workspace::{FindingQuery, LedgerPlace, Mode, ShownEvidence, ShownFinding, Status, Workspace};
