//! What the API gives and takes.

use std::collections::BTreeMap;

use pollwatch_model::register::TargetKind;
use pollwatch_model::{Coverage, Decision, Finding, Stage, TargetId, Verdict};
use pollwatch_store::StoredFinding;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::watched::{Daemon, Standing, Watch};

/// A finding as it stands, with what is recorded about it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct FindingRecord {
    /// The finding (schema 1). Its texts are as the source had them: not escaped, not defanged.
    finding: Finding,
    /// Its revision, from 1.
    revision: u64,
    /// SHA-256 of the statement that the ledger commits to.
    statement: String,
    /// Its place in the ledger; null while it waits for its signature.
    ledger_index: Option<u64>,
    /// The decision that stands; remarks are none.
    decision: Option<Decision>,
}

impl From<StoredFinding> for FindingRecord {
    fn from(stored: StoredFinding) -> Self {
        FindingRecord {
            finding: stored.finding,
            revision: stored.revision,
            statement: stored.statement.to_string(),
            ledger_index: stored.ledger_index,
            decision: stored.decision,
        }
    }
}

/// Some findings.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct FindingPage {
    /// In the order that was asked for.
    pub(crate) items: Vec<FindingRecord>,
    /// What to give as `after` for the next page; null on the last.
    pub(crate) next: Option<String>,
}

/// A decision to be recorded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDecision {
    /// What was decided.
    pub(crate) verdict: Verdict,
    /// Why; required for all but a confirmation; at most 2,000 characters.
    #[serde(default)]
    pub(crate) reason: String,
}

/// A target of the register.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct TargetRecord {
    /// Its id.
    pub(crate) id: TargetId,
    /// Its name.
    pub(crate) name: String,
    /// What it is; null for one that findings name and the register does not have.
    pub(crate) kind: Option<TargetKind>,
    /// Two-letter code of its state, or empty.
    pub(crate) state: String,
    /// Its protected domains.
    pub(crate) domains: Vec<String>,
    /// What is known of it.
    pub(crate) reach: ReachRecord,
}

/// The furthest that anything got, and what was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ReachRecord {
    /// The furthest stage of an undismissed alarm; null when there is none, which is not the same as safe.
    pub(crate) stage: Option<Stage>,
    /// Undismissed threats at alarm severity.
    pub(crate) alarms: u64,
    /// Undismissed threats below it.
    pub(crate) watched: u64,
    /// Undismissed assurances.
    pub(crate) assurances: u64,
    /// Desks with a source that speaks of the target; empty: nobody looked.
    pub(crate) desks_with_data: Vec<String>,
}

impl From<&crate::snapshot::Reach> for ReachRecord {
    fn from(reach: &crate::snapshot::Reach) -> Self {
        ReachRecord {
            stage: reach.stage,
            alarms: reach.alarms,
            watched: reach.watched,
            assurances: reach.assurances,
            desks_with_data: reach.desks_with_data.iter().cloned().collect(),
        }
    }
}

/// Some targets.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct TargetPage {
    /// By id.
    pub(crate) items: Vec<TargetRecord>,
    /// What to give as `after` for the next page; null on the last.
    pub(crate) next: Option<String>,
}

/// The count of targets by stage, with what it rests on. Missing data is never counted as safety.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct TallyRecord {
    /// Registered targets.
    pub(crate) targets: u64,
    /// Of them and of unregistered ones: by the furthest stage of an alarm.
    pub(crate) by_stage: BTreeMap<String, u64>,
    /// Registered targets without an alarm of which some source speaks.
    pub(crate) no_sign: u64,
    /// Registered targets without an alarm of which no source speaks.
    pub(crate) no_data: u64,
    /// Undismissed alarms.
    pub(crate) alarms: u64,
    /// Of them those that nobody decided on.
    pub(crate) undecided: u64,
    /// Undismissed assurances.
    pub(crate) assurances: u64,
    /// Records that were read.
    pub(crate) records_read: u64,
    /// Records that could not be read.
    pub(crate) records_unread: u64,
    /// Desks of this build that no source was read for.
    pub(crate) unwatched: Vec<String>,
}

/// What one source let one desk see.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct CoverageRecord {
    desk: String,
    source: String,
    /// SHA-256 of the source; null while it is not read to its end.
    sha256: Option<String>,
    bytes: u64,
    /// Targets that it speaks of; empty: all of the register.
    targets: Vec<TargetId>,
    /// From when to when, by the source's own clock.
    window: pollwatch_model::Observed,
    gaps: Vec<GapRecord>,
    records_read: u64,
    records_unread: u64,
    is_complete: bool,
}

/// A span in which nothing could be seen.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct GapRecord {
    from: String,
    to: String,
    why: String,
}

impl From<&Coverage> for CoverageRecord {
    fn from(seen: &Coverage) -> Self {
        CoverageRecord {
            desk: seen.desk.clone(),
            source: seen.source.clone(),
            sha256: seen.sha256.map(|digest| digest.to_string()),
            bytes: seen.bytes,
            targets: seen.targets.clone(),
            window: seen.window,
            gaps: seen
                .holes()
                .map(|gap| GapRecord {
                    from: gap.from.to_string(),
                    to: gap.to.to_string(),
                    why: gap.why.clone(),
                })
                .collect(),
            records_read: seen.records_read,
            records_unread: seen.records_unread,
            is_complete: seen.is_complete,
        }
    }
}

/// A desk of this build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct DeskRecord {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) looks_for: String,
    pub(crate) unwatched: String,
    /// Kinds of finding that it makes.
    pub(crate) kinds: Vec<String>,
    /// Sources read for it.
    pub(crate) sources: u64,
    pub(crate) records_read: u64,
    pub(crate) records_unread: u64,
}

/// What is followed day and night.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct WatchRecord {
    /// `never`, `running`, `stopped`, or `silent` for a daemon that did not say that it ends and is not heard of.
    pub(crate) daemon: String,
    /// For a running daemon since when it runs, else when it was last heard of.
    pub(crate) since: Option<String>,
    pub(crate) sources: Vec<WatchedRecord>,
}

/// A source that is followed, or should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct WatchedRecord {
    pub(crate) name: String,
    pub(crate) desk: String,
    /// `starting`, `reading`, `waiting` (all that is there is read), `late`, `missing`, `failed`, `ended` or `never-connected`.
    pub(crate) state: String,
    /// Since when it is so.
    pub(crate) since: Option<String>,
    /// When something new was last read.
    pub(crate) read_at: Option<String>,
    /// Records read since the daemon began.
    pub(crate) records_read: u64,
    pub(crate) records_unread: u64,
    /// Bytes that are there and not read yet.
    pub(crate) bytes_waiting: u64,
    /// What is wrong, in words.
    pub(crate) trouble: Option<String>,
}

impl From<&Watch> for WatchRecord {
    fn from(watch: &Watch) -> Self {
        let (daemon, since) = match watch.daemon {
            Daemon::Never => ("never", None),
            Daemon::Runs(since) => ("running", since),
            Daemon::Stopped(at) => ("stopped", at),
            Daemon::Silent(at) => ("silent", at),
        };
        WatchRecord {
            daemon: daemon.to_owned(),
            since: since.map(|at| at.to_string()),
            sources: watch
                .sources
                .iter()
                .map(|source| WatchedRecord {
                    name: source.name.clone(),
                    desk: source.desk.clone(),
                    state: match source.standing {
                        Standing::Told(state) => state.word(),
                        Standing::NeverConnected => "never-connected",
                    }
                    .to_owned(),
                    since: source.since.map(|at| at.to_string()),
                    read_at: source.read_at.map(|at| at.to_string()),
                    records_read: source.records,
                    records_unread: source.records_unread,
                    bytes_waiting: source.lag_bytes,
                    trouble: source.trouble.clone(),
                })
                .collect(),
        }
    }
}

/// The ledger as of its newest checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct LedgerRecord {
    /// The name in its checkpoints.
    pub(crate) origin: String,
    /// Its entries.
    pub(crate) size: u64,
    /// The signed checkpoint (C2SP tlog-checkpoint).
    pub(crate) checkpoint: String,
    /// The key by which its signature is checked (C2SP signed-note).
    pub(crate) verifier_key: String,
}

/// An entry of the ledger with its proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct EntryRecord {
    pub(crate) index: u64,
    /// The entry's bytes in Base64.
    pub(crate) entry: String,
    /// The proof, as a `.tlog-proof` file has it.
    pub(crate) proof: String,
}

/// A list that is given whole.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Whole<T> {
    /// All of them.
    pub(crate) items: Vec<T>,
}

/// Where to go on in a list of targets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct TargetListQuery {
    /// The place where the page begins, as the page before named it.
    pub(crate) after: String,
    /// How many at most: 1 to 500, or nothing for 50.
    pub(crate) limit: String,
}
