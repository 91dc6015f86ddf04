//! Into the workspace: evidence, statements, the transaction, and the ledger that follows it.
//!
//! The order is what makes a kill harmless at any moment. Evidence and statements are written and synced first: without the
//! transaction they are bytes that nobody refers to. The transaction holds findings, positions, saved state and pending
//! leaves: it is there whole or not at all. The ledger takes pending leaves in their order; a kill between appending and
//! marking is found at the next start, because the ledger's last entries are then the first pending leaves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use pollwatch_model::{Finding, FindingId};
use pollwatch_store::{
    EvidenceLocation, InputPosition, LeafId, Revision, RunId, RunPhase, RunStart, SqliteStore, Store,
};

use crate::Error;
use crate::run::{Novelty, Recorder, Resume, Step};
use crate::sources::SourceSpec;
use crate::statement::{Content, seal};
use crate::workspace::{CHECKPOINT_META, LedgerWriter, Workspace};

/// Times that a step is tried again when somebody else changed one of its findings in between.
const CONFLICT_RETRIES: u32 = 5;
/// Pending leaves that are appended to the ledger at once.
const LEAVES_AT_ONCE: u32 = 4_096;

/// How the key of a run begins whose inputs can be read only once: it is never taken up again.
pub(crate) const STREAM_KEY: &str = "stream ";

/// Keeps steps in a workspace.
pub(crate) struct WorkspaceRecorder<'a> {
    workspace: &'a mut Workspace,
    desk: &'static str,
    sources: &'a [SourceSpec],
    now: Timestamp,
    run: RunId,
}

impl<'a> WorkspaceRecorder<'a> {
    pub(crate) fn new(
        workspace: &'a mut Workspace,
        desk: &'static str,
        sources: &'a [SourceSpec],
        now: Timestamp,
    ) -> Self {
        let run = RunId(format!("{desk}-{}", now.as_nanosecond()));
        WorkspaceRecorder {
            workspace,
            desk,
            sources,
            now,
            run,
        }
    }

    /// What makes two runs the same run: the same inputs, by name, size and time of change, against the same register.
    fn inputs_key(&self) -> Result<Option<String>, Error> {
        if self.sources.iter().any(|source| source.is_stream()) {
            return Ok(None);
        }
        let register = serde_json::to_vec(self.workspace.register().as_ref())?;
        let identity: Vec<_> = self.sources.iter().map(SourceSpec::identity).collect();
        let key = serde_json::to_vec(&(identity, pollwatch_model::EvidenceId::of(&register)))?;
        Ok(Some(pollwatch_model::EvidenceId::of(&key).to_string()))
    }
}

impl Recorder for WorkspaceRecorder<'_> {
    fn resume(&mut self) -> Result<Resume, Error> {
        let key = self.inputs_key()?;
        if let Some(key) = &key {
            let earlier = self
                .workspace
                .block_on(self.workspace.store().unfinished_run(self.desk, key))
                .map_err(Error::store("read"))?;
            if let Some(earlier) = earlier {
                self.run = earlier.start.id;
                let reached = earlier
                    .positions
                    .iter()
                    .map(|at| (at.ordinal as usize, (at.position, at.is_done)))
                    .collect();
                return Ok(Resume {
                    saved: earlier.saved,
                    reached,
                });
            }
        }
        let names: Vec<&str> = self.sources.iter().map(|source| source.name.as_str()).collect();
        let start = RunStart {
            id: self.run.clone(),
            desk: self.desk.to_owned(),
            started: self.now,
            inputs_key: key.unwrap_or_else(|| format!("{STREAM_KEY}{}", self.run)),
            inputs: serde_json::to_value(names)?,
        };
        self.workspace
            .block_on(self.workspace.store().begin_run(&start))
            .map_err(Error::store("write to"))?;
        Ok(Resume::default())
    }

    fn commit(&mut self, step: Step) -> Result<Vec<(Finding, Novelty)>, Error> {
        let position = step.reached.as_ref().map(|reached| {
            let source = self.sources.get(reached.ordinal);
            let ended = reached.is_end.then_some(source).flatten().and_then(|source| {
                step.coverage
                    .iter()
                    .find(|coverage| coverage.source == source.name)
            });
            InputPosition {
                ordinal: reached.ordinal as u32,
                input_name: source.map(|source| source.name.clone()).unwrap_or_default(),
                position: reached.position,
                is_done: reached.is_end,
                sha256: ended.and_then(|coverage| coverage.sha256),
                bytes: ended.map(|coverage| coverage.bytes),
            }
        });
        let positions: Vec<InputPosition> = position.into_iter().collect();
        commit_step(self.workspace, &self.run, &step, &positions, self.now)
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.workspace
            .block_on(self.workspace.store().finish_run(&self.run))
            .map_err(Error::store("write to"))
    }
}

/// Records a step of `run`, with how far its inputs were read, and signs it in.
pub(crate) fn commit_step(
    workspace: &mut Workspace,
    run: &RunId,
    step: &Step,
    positions: &[InputPosition],
    now: Timestamp,
) -> Result<Vec<(Finding, Novelty)>, Error> {
    let mut locations = BTreeMap::new();
    let pieces: Vec<&[u8]> = step.evidence.iter().map(|(_, bytes)| bytes.as_slice()).collect();
    for location in workspace.put(&pieces)? {
        locations.insert(location.sha256, location);
    }
    for attempt in 0..=CONFLICT_RETRIES {
        match try_commit(workspace, run, step, &locations, positions, now) {
            Err(Error::Store {
                source: pollwatch_store::Error::Conflict { .. },
                ..
            }) if attempt < CONFLICT_RETRIES => {}
            result => {
                let kept = result?;
                workspace.sequence()?;
                return Ok(kept);
            }
        }
    }
    unreachable!("the last attempt returns")
}

fn try_commit(
    workspace: &mut Workspace,
    run: &RunId,
    step: &Step,
    evidence: &BTreeMap<pollwatch_model::EvidenceId, EvidenceLocation>,
    positions: &[InputPosition],
    now: Timestamp,
) -> Result<Vec<(Finding, Novelty)>, Error> {
    let ids: Vec<FindingId> = step.findings.iter().map(|finding| finding.id.clone()).collect();
    let current = workspace
        .block_on(workspace.store().current_findings(&ids))
        .map_err(Error::store("read"))?;
    let current: BTreeMap<_, _> = current
        .into_iter()
        .map(|stored| (stored.finding.id.clone(), stored))
        .collect();

    let mut kept = Vec::with_capacity(step.findings.len());
    let mut sealed = Vec::new();
    for finding in &step.findings {
        let (stands, revision, novelty) = match current.get(&finding.id) {
            None => (finding.clone(), 1, Novelty::New),
            Some(stored) => {
                let merged = stored.finding.merged(finding);
                let novelty = if merged == stored.finding {
                    Novelty::Known
                } else {
                    Novelty::Changed
                };
                (merged, stored.revision + 1, novelty)
            }
        };
        if novelty != Novelty::Known {
            let content = Content::Finding {
                revision,
                finding: Box::new(stands.clone()),
            };
            sealed.push((stands.clone(), revision, seal(content, workspace.nonce()?, now)?));
        }
        kept.push((stands, novelty));
    }
    let statements: Vec<&[u8]> = sealed
        .iter()
        .map(|(_, _, sealed)| sealed.bytes.as_slice())
        .collect();
    let statements = workspace.put(&statements)?;

    let mut commit = pollwatch_store::Step::of(run.clone());
    let mut referred = BTreeSet::new();
    for ((finding, revision, sealed), location) in sealed.into_iter().zip(statements) {
        referred.extend(finding.evidence.iter().map(|piece| piece.sha256));
        commit.evidence.push(location);
        commit.revisions.push(Revision {
            finding,
            revision,
            statement: sealed.id,
            leaf: sealed.leaf,
        });
    }
    commit
        .evidence
        .extend(referred.iter().filter_map(|id| evidence.get(id)).cloned());
    commit.coverage = step.coverage.clone();
    commit.problems = step.problems.clone();
    commit.saved = step.saved.clone();
    commit.positions = positions.to_vec();
    commit.phase = RunPhase::Unfinished;
    workspace
        .block_on(workspace.store().commit_step(commit))
        .map_err(Error::store("write to"))?;
    Ok(kept)
}

/// Brings the ledger up to the record: finds leaves that a killed process appended and did not mark, then appends the rest.
///
/// Errors: [`Error::RecordBehindLedger`] when the ledger holds entries that the record never had.
pub(crate) async fn sequence(store: &SqliteStore, ledger: &mut LedgerWriter) -> Result<(), Error> {
    adopt_appended(store, ledger).await?;
    loop {
        let pending = store
            .pending_leaves(LEAVES_AT_ONCE)
            .await
            .map_err(Error::store("read"))?;
        if pending.is_empty() {
            let checkpoint = ledger.0.checkpoint().to_string();
            return store
                .set_meta(CHECKPOINT_META, &checkpoint)
                .await
                .map_err(Error::store("write to"));
        }
        let entries: Vec<&[u8]> = pending.iter().map(|leaf| leaf.entry.as_slice()).collect();
        let first = ledger.append(&entries)?;
        let places: Vec<(LeafId, u64)> = pending
            .iter()
            .zip(first..)
            .map(|(leaf, index)| (leaf.id, index))
            .collect();
        store
            .mark_sequenced(&places)
            .await
            .map_err(Error::store("write to"))?;
    }
}

/// Whether an entry is the ledger's own, a hand-over to a new key.
pub(crate) fn is_key_entry(entry: &[u8]) -> bool {
    entry.starts_with(pollwatch_ledger::key_history::KEY_ENTRY_PREFIX)
}

/// Marks leaves that are in the ledger already. Entries of the ledger's own, such as a rotation of its key, are passed over.
async fn adopt_appended(store: &SqliteStore, ledger: &mut LedgerWriter) -> Result<(), Error> {
    let mut index = store.ledger_size().await.map_err(Error::store("read"))?;
    let size = ledger.size();
    while index < size {
        let entry = ledger.entry(index)?;
        if is_key_entry(&entry) {
            index += 1;
            continue;
        }
        let pending = store
            .pending_leaves(LEAVES_AT_ONCE)
            .await
            .map_err(Error::store("read"))?;
        let mut places = Vec::new();
        for leaf in pending {
            if index >= size {
                break;
            }
            let entry = ledger.entry(index)?;
            // The outer loop passes over it, and this leaf is compared with what comes behind.
            if is_key_entry(&entry) {
                break;
            }
            if entry != leaf.entry {
                return Err(Error::RecordBehindLedger { index });
            }
            places.push((leaf.id, index));
            index += 1;
        }
        if places.is_empty() {
            return Err(Error::RecordBehindLedger { index });
        }
        store
            .mark_sequenced(&places)
            .await
            .map_err(Error::store("write to"))?;
    }
    Ok(())
}
