//! Findings and coverage on their way from one office to another.
//!
//! The file is JSON Lines. Its first line is a signed checkpoint of the sender's ledger and the ledger's newest entry, the
//! *manifest*, with the proof that it is in the ledger; the manifest names every other line by digest, in order. A line with
//! a finding or a decision carries the statement that the sender's ledger committed to when it was recorded, and its own
//! proof. So nobody can forge, change, leave out, add or re-order a line without the sender's key, and the sender cannot
//! send other findings than its ledger holds. What the sender *withholds* (by its marking) is counted in the manifest.
//!
//! [`Writer`] makes the lines, [`read_export`] checks them. Neither knows files or stores.

mod form;
mod read;
mod write;

pub use form::{Consistency, EXPORT_SCHEMA, Manifest, Proven, WithheldCount};
pub use read::{
    Export, ExportedDecision, ExportedFinding, MAX_FILE_BYTES, MAX_HEAD_BYTES, MAX_LINE_BYTES, MAX_LINES,
    Refusal, Trust, read_export,
};
pub use write::{Writer, coverage_id};
