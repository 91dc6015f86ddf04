//! What a daemon keeps in the record beside what it found: its health, and how far each way of telling people has come.
//!
//! The ledger itself is the outbox. Every revision of a finding is an entry of it, in order; a way of telling people has
//! told of everything below an index. So a message is owed as soon as its finding is durable, and nothing is owed twice.

use jiff::Timestamp;
use pollwatch_model::{EvidenceId, Finding, FindingId};
use pollwatch_store::Store;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::statement::{Content, Leaf, Statement};
use crate::workspace::Workspace;

/// Under which name the record keeps the daemon's health.
const HEALTH_META: &str = "watch";
/// Under which names it keeps what else a daemon has to know again.
const NOTE_META: &str = "watch ";
/// Entries of the ledger that are looked at in one go.
const ENTRIES_AT_ONCE: u32 = 1_000;

/// The health of a daemon.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchHealth {
    /// When it last said that it lives.
    pub alive_at: Option<Timestamp>,
    /// Since when it runs.
    pub since: Option<Timestamp>,
    /// Whether it ended in good order.
    #[serde(default)]
    pub is_stopped: bool,
    /// Its sources, in the order of the settings.
    pub sources: Vec<SourceHealth>,
    /// Its ways of telling people.
    #[serde(default)]
    pub alerts: Vec<AlertHealth>,
}

/// Longest that a living daemon is silent about its health, with room for a busy machine, in seconds.
const SILENT_SECONDS: i64 = 60;

impl WatchHealth {
    /// Whether it was heard of lately enough to be running at `now`.
    pub fn is_heard_of(&self, now: Timestamp) -> bool {
        let alive = self.alive_at;
        alive.is_some_and(|alive| now.duration_since(alive).as_secs() <= SILENT_SECONDS)
    }

    /// What a daemon last told in a record; `None` where none ever ran.
    pub async fn kept_in(store: &impl Store) -> Result<Option<WatchHealth>, pollwatch_store::Error> {
        let text = store.meta(HEALTH_META).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

/// The health of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceHealth {
    /// Its name.
    pub name: String,
    /// The desk that reads it.
    pub desk: String,
    /// Where it lies.
    pub path: String,
    /// How it is.
    pub state: SourceState,
    /// Since when.
    pub since: Timestamp,
    /// When something new was last read.
    pub read_at: Option<Timestamp>,
    /// Records read since the daemon began.
    pub records: u64,
    /// Records that could not be read.
    pub records_unread: u64,
    /// Bytes that are there and not read yet.
    pub lag_bytes: u64,
    /// What is wrong, in words.
    pub trouble: Option<String>,
}

/// How a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceState {
    /// Nothing was seen of it yet.
    Starting,
    /// It is being read.
    Reading,
    /// All that is there is read.
    Waiting,
    /// Nothing new came for longer than its settings allow.
    Late,
    /// It is not there.
    Missing,
    /// It cannot be read.
    Failed,
    /// Its standard input ended.
    Ended,
}

impl SourceState {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            SourceState::Starting => "starting",
            SourceState::Reading => "reading",
            SourceState::Waiting => "waiting",
            SourceState::Late => "late",
            SourceState::Missing => "missing",
            SourceState::Failed => "failed",
            SourceState::Ended => "ended",
        }
    }
}

/// The health of one way of telling people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertHealth {
    /// Its name.
    pub name: String,
    /// When a message last went out.
    pub told_at: Option<Timestamp>,
    /// Findings that wait to be told.
    pub waiting: u64,
    /// Why the last try failed.
    pub trouble: Option<String>,
}

/// A revision of a finding, and what stood before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Revised {
    /// Index of its entry in the ledger.
    pub index: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// The finding as it stood then.
    pub finding: Finding,
    /// The revision before it; `None` for the first.
    pub before: Option<Finding>,
}

impl Workspace {
    /// The health that the daemon last told of; `None` where none ever ran.
    pub fn watch_health(&self) -> Result<Option<WatchHealth>, Error> {
        self.block_on(WatchHealth::kept_in(self.store()))
            .map_err(Error::store("read"))
    }

    /// Keeps the daemon's health.
    pub fn set_watch_health(&mut self, health: &WatchHealth) -> Result<(), Error> {
        let text = serde_json::to_string(health)?;
        self.block_on(self.store().set_meta(HEALTH_META, &text))
            .map_err(Error::store("write to"))
    }

    /// A note that a daemon keeps under `name`.
    pub fn note(&self, name: &str) -> Result<Option<String>, Error> {
        self.block_on(self.store().meta(&format!("{NOTE_META}{name}")))
            .map_err(Error::store("read"))
    }

    /// Keeps a note under `name`.
    pub fn set_note(&mut self, name: &str, text: &str) -> Result<(), Error> {
        self.block_on(self.store().set_meta(&format!("{NOTE_META}{name}"), text))
            .map_err(Error::store("write to"))
    }

    /// Entries of the ledger that the record knows of: a way of telling people that is new begins here.
    pub fn ledger_size(&self) -> Result<u64, Error> {
        self.block_on(self.store().ledger_size())
            .map_err(Error::store("read"))
    }

    /// The finding of which the entry at or after `index` speaks, for some entries, and the index behind the last of them.
    ///
    /// Entries that speak of something else, or whose statement is missing, are passed over.
    pub fn revisions_from(&self, index: u64) -> Result<(Vec<Revised>, u64), Error> {
        let leaves = self
            .block_on(self.store().sequenced_leaves(index, ENTRIES_AT_ONCE))
            .map_err(Error::store("read"))?;
        let next = leaves.last().map_or(index, |leaf| leaf.ledger_index + 1);
        let mut revised = Vec::new();
        for leaf in &leaves {
            let Some(Content::Finding { revision, finding }) = self.statement(leaf.statement)? else {
                continue;
            };
            let before = match revision {
                0 | 1 => None,
                later => self.revision(&finding.id, later - 1)?,
            };
            let Ok(entry) = serde_json::from_slice::<Leaf>(&leaf.entry) else {
                continue;
            };
            revised.push(Revised {
                index: leaf.ledger_index,
                at: entry.at,
                finding: *finding,
                before,
            });
        }
        Ok((revised, next))
    }

    fn revision(&self, id: &FindingId, number: u64) -> Result<Option<Finding>, Error> {
        let all = self
            .block_on(self.store().revisions(id))
            .map_err(Error::store("read"))?;
        let Some(record) = all.iter().find(|record| record.revision == number) else {
            return Ok(None);
        };
        Ok(match self.statement(record.statement)? {
            Some(Content::Finding { finding, .. }) => Some(*finding),
            _ => None,
        })
    }

    fn statement(&self, id: EvidenceId) -> Result<Option<Content>, Error> {
        let bytes = self.evidence_bytes(id)?;
        Ok(bytes.and_then(|bytes| {
            serde_json::from_slice::<Statement>(&bytes)
                .ok()
                .map(|statement| statement.content)
        }))
    }
}
