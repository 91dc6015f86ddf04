//! Follows sources as they grow and arrive, records what desks find in them, and tells people.
//!
//! Each source has a thread. It reads what is new, gives it to its desk, and records findings and the place that was reached
//! in one transaction; only then does it read on. So nothing is queued in memory, a slow desk holds up nobody but itself,
//! and a kill at any moment loses nothing and finds nothing twice. The workspace is taken for each commit and let go of
//! again, so that the console and the other commands work beside the daemon.
//!
//! People are told from the ledger: every revision of a finding is an entry of it, and each way of telling people has an
//! index below which everything was told.
//!
//! *Must not know* what a desk detects, nor how anything looks on a screen.

mod alert;
mod daemon;
mod folder;
mod health;
mod log;
mod rotation;
mod share;
mod source;
mod stdin;

pub use daemon::{Mode, Notice, Stop, WatchError, watch};
