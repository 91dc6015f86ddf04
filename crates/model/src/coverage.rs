//! What a source let us see.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{EvidenceId, Observed, TargetId};

/// What one source let one desk see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The desk that looked.
    pub desk: String,
    /// The source's name, as the user gave it.
    pub source: String,
    /// SHA-256 of the source's bytes as they lay there (compressed ones compressed); `None` for one not yet read to its end.
    pub sha256: Option<EvidenceId>,
    /// Size of the source, in bytes as they lay there.
    pub bytes: u64,
    /// Which targets it speaks of; empty: all of the register.
    pub targets: Vec<TargetId>,
    /// From when to when, by the source's own clock.
    pub window: Observed,
    /// Spans of the window in which nothing could be seen.
    pub gaps: Vec<Gap>,
    /// The log that the source is a piece of, where rotation leaves one log in many files; `None`: it stands for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// Spans in which `series` was silent though it usually speaks: what it would have shown was not seen, whatever other logs
    /// of the targets cover, unless another piece of the same series turns up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent: Vec<Gap>,
    /// Records that were read and judged.
    pub records_read: u64,
    /// Records that could not be read.
    pub records_unread: u64,
    /// Whether the source was read to its end.
    pub is_complete: bool,
}

impl Coverage {
    /// Every span that this entry says was not seen: its own, then those of its series.
    pub fn holes(&self) -> impl Iterator<Item = &Gap> {
        self.gaps.iter().chain(&self.silent)
    }
}

/// A span in which nothing could be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// Why, in plain words.
    pub why: String,
}
