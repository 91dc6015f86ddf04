//! The lines of the file.

use jiff::Timestamp;
use pollwatch_ledger::tree::TreeHash;
use pollwatch_model::{Coverage, Decision, EvidenceId, Finding, TargetId, TargetRef, Tlp};
use serde::{Deserialize, Serialize};

/// Version of the file's form.
pub const EXPORT_SCHEMA: u32 = 1;

/// What a file holds: a statement of the sender's ledger, its newest when the file was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this form: [`EXPORT_SCHEMA`].
    pub schema: u32,
    /// The sender's ledger.
    pub origin: String,
    /// When it was made.
    pub made: Timestamp,
    /// Findings that are marked stricter were left out.
    pub tlp: Tlp,
    /// The targets that the file speaks of: all that the sender has about them is in it or is withheld.
    pub targets: Vec<TargetRef>,
    /// What was left out because of its marking.
    pub withheld: Vec<WithheldCount>,
    /// Digest of each further line's content, in their order: of the statement of a finding or decision, of the JSON of a coverage.
    pub entries: Vec<EvidenceId>,
}

/// Findings of one desk about one target that are marked stricter than what is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithheldCount {
    /// The desk.
    pub desk: String,
    /// The target.
    pub target: TargetId,
    /// How many.
    pub findings: u64,
}

/// A statement and the proof that the ledger committed to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proven {
    /// Index of its entry.
    pub index: u64,
    /// The entry, as it stands in the ledger.
    pub leaf: String,
    /// The statement, byte for byte.
    pub statement: String,
    /// The hashes that lead from the entry to the root of the file's checkpoint, in base64.
    #[serde(with = "hashes")]
    pub hashes: Vec<TreeHash>,
}

/// A proof that the ledger begins with the tree it was at an earlier size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consistency {
    /// The earlier size.
    pub size: u64,
    /// The proof, in base64.
    #[serde(with = "hashes")]
    pub hashes: Vec<TreeHash>,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) pollwatch_export: u32,
    /// A signed note.
    pub(super) checkpoint: String,
    /// From the sizes of the sender's earlier exports, newest first.
    pub(super) consistency: Vec<Consistency>,
    pub(super) manifest: Proven,
}

/// A further line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line {
    Finding(Proven),
    Decision(Proven),
    Coverage(Coverage),
}

/// The fields of a ledger entry that a reader needs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LeafView {
    pub(super) schema: u32,
    pub(super) kind: String,
    pub(super) sha256: EvidenceId,
    #[serde(rename = "at")]
    pub(super) _at: Timestamp,
}

/// The statements that a file may hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementView {
    pub(super) schema: u32,
    #[serde(rename = "nonce")]
    pub(super) _nonce: String,
    #[serde(default)]
    pub(super) finding: Option<FindingView>,
    #[serde(default)]
    pub(super) decision: Option<Decision>,
    #[serde(default)]
    pub(super) export: Option<Manifest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FindingView {
    pub(super) revision: u64,
    pub(super) finding: Finding,
}

mod hashes {
    use pollwatch_ledger::tree::TreeHash;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(hashes: &[TreeHash], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(hashes.iter().map(ToString::to_string))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<TreeHash>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        // A tree of 64-bit size is at most 64 hashes high, and a consistency proof holds at most that and one.
        if texts.len() > 65 {
            return Err(D::Error::custom("a proof has more than 65 hashes"));
        }
        texts
            .iter()
            .map(|text| {
                TreeHash::from_base64(text)
                    .ok_or_else(|| D::Error::custom("a hash is not 32 bytes in base64"))
            })
            .collect()
    }
}
