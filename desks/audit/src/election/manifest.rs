//! The ballot manifest: how many cards lie where.

use serde::{Deserialize, Serialize};

use super::BatchId;

/// One line of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The batch.
    pub id: BatchId,
    /// Cards in it.
    pub cards: u64,
    /// Whether the manifest says that cast vote records exist for the batch (hybrid audits); `None` where it does not say.
    #[serde(default)]
    pub has_records: Option<bool>,
    /// The jurisdiction, in a manifest over several; empty where it is over one.
    #[serde(default)]
    pub jurisdiction: String,
    /// Line of the manifest, from 1.
    pub line: u64,
}

/// All batches of a jurisdiction, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The batches; no two have the same jurisdiction and id.
    pub batches: Vec<Batch>,
}

impl Manifest {
    /// Cards in all batches together. Saturates at `u64::MAX`; readers refuse a manifest far below it.
    pub fn cards(&self) -> u64 {
        self.batches
            .iter()
            .fold(0, |all, batch| all.saturating_add(batch.cards))
    }
}
