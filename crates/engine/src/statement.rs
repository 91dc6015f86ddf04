//! What the ledger commits to, and the leaf that does it.
//!
//! A *statement* is the exact bytes that a leaf speaks of: a finding's revision, an analyst's decision or a desk's event,
//! with a nonce of 128 random bits. The leaf holds nothing of it but its SHA-256, so the public log shows that something was recorded and
//! when, and nobody can guess a voter's row, or which domain was found, from the digest. Whoever is shown the statement can
//! check it against the leaf.

use jiff::Timestamp;
use pollwatch_casework::tally::Tally;
use pollwatch_casework::transfer::Manifest;
use pollwatch_model::{Decision, EvidenceId, Finding, TargetId};
use serde::{Deserialize, Serialize};

/// Version of the statement and leaf formats.
const STATEMENT_SCHEMA: u32 = 1;

/// What a leaf commits to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Version of this format: 1.
    pub schema: u32,
    /// 128 random bits in hexadecimal.
    pub nonce: String,
    /// What is stated.
    #[serde(flatten)]
    pub content: Content,
}

/// The things that are stated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// A revision of a finding.
    Finding {
        /// Counts from 1.
        revision: u64,
        /// The finding as it then stood.
        finding: Box<Finding>,
    },
    /// An analyst's decision.
    Decision(Decision),
    /// An event of a desk whose state is what its events make of it.
    Event(DeskEvent),
    /// A count over targets.
    Tally(Box<RecordedTally>),
    /// Findings and coverage that were handed to another office.
    Export(Box<Manifest>),
    /// Findings and coverage that another office handed to us.
    Import(Box<RecordedImport>),
}

/// A tally as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedTally {
    /// When.
    pub at: Timestamp,
    /// Address of the basis: the question, and every finding and coverage that the answer rests on.
    pub basis: EvidenceId,
    /// The count of each field in one sentence.
    pub sentences: Vec<String>,
    /// The count.
    pub tally: Tally,
}

/// An import as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedImport {
    /// When.
    pub at: Timestamp,
    /// The sender's ledger.
    pub origin: String,
    /// The sender's key, as whoever took the file in vouched for it.
    pub key: String,
    /// The targets that the sender may speak for; `None`: any.
    pub speaks_for: Option<Vec<TargetId>>,
    /// The checkpoint of the file, without its signature.
    pub checkpoint: String,
    /// The lines of the file, each a piece of evidence.
    pub lines: Vec<EvidenceId>,
}

/// An event of a desk's stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeskEvent {
    /// The desk, such as `audit`.
    pub desk: String,
    /// The stream within the desk: of the audit desk, the audit's name.
    pub stream: String,
    /// Its number in the stream, from 0.
    pub seq: u64,
    /// SHA-256 of the statement of the event before it; `None` for the first. It makes every prefix of a stream whole.
    pub previous: Option<EvidenceId>,
    /// The event in the desk's own form.
    pub event: serde_json::Value,
}

impl Content {
    /// The word for it in the leaf.
    fn kind(&self) -> &'static str {
        match self {
            Content::Finding { .. } => "finding",
            Content::Decision(_) => "decision",
            Content::Event(_) => "event",
            Content::Tally(_) => "tally",
            Content::Export(_) => "export",
            Content::Import(_) => "import",
        }
    }
}

/// A statement's bytes, their address, and the leaf that commits to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The statement as JSON.
    pub bytes: Vec<u8>,
    /// Address of the bytes.
    pub id: EvidenceId,
    /// The ledger entry.
    pub leaf: Vec<u8>,
}

/// A leaf of the ledger, as this crate writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// Version of this format: 1.
    pub schema: u32,
    /// `finding`, `decision` or `event`.
    pub kind: String,
    /// SHA-256 of the statement.
    pub sha256: EvidenceId,
    /// When it was recorded.
    pub at: Timestamp,
}

/// Seals `content`, recorded at `at`, with `nonce`.
///
/// Errors: none that outside data can cause; a value that JSON cannot hold.
pub fn seal(content: Content, nonce: [u8; 16], at: Timestamp) -> Result<Sealed, serde_json::Error> {
    let kind = content.kind();
    let statement = Statement {
        schema: STATEMENT_SCHEMA,
        nonce: hex::encode(nonce),
        content,
    };
    let bytes = serde_json::to_vec(&statement)?;
    let id = EvidenceId::of(&bytes);
    let leaf = Leaf {
        schema: STATEMENT_SCHEMA,
        kind: kind.to_owned(),
        sha256: id,
        at,
    };
    Ok(Sealed {
        bytes,
        id,
        leaf: serde_json::to_vec(&leaf)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_tells_nothing_but_that_and_when() {
        let decision = Decision {
            schema: 1,
            finding: "f-aaaaaaaaaaaaaaaaaaaaaaaaaa".parse().unwrap(),
            verdict: pollwatch_model::Verdict::Dismissed,
            reason: "our own vendor".to_owned(),
            by: "clerk".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        };
        let first = seal(
            Content::Decision(decision.clone()),
            [1; 16],
            Timestamp::UNIX_EPOCH,
        )
        .unwrap();
        let second = seal(Content::Decision(decision), [2; 16], Timestamp::UNIX_EPOCH).unwrap();
        assert_ne!(first.id, second.id, "the nonce hides equal contents");
        let leaf: Leaf = serde_json::from_slice(&first.leaf).unwrap();
        assert_eq!(leaf.sha256, EvidenceId::of(&first.bytes));
        assert!(!String::from_utf8(first.leaf).unwrap().contains("aaaa"));
        let read_back: Statement = serde_json::from_slice(&first.bytes).unwrap();
        assert!(matches!(read_back.content, Content::Decision(d) if d.reason == "our own vendor"));
    }
}
