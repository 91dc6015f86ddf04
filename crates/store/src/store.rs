//! The contract that every backend keeps.

use std::future::Future;
use std::path::Path;

use pollwatch_model::{Coverage, EvidenceId, FindingId, Problem};

use crate::{
    Committed, DayCount, DecisionId, DecisionRecord, DeclarationId, DeclarationRecord, EventRecord,
    EventStream, EvidenceLocation, Filter, FindingCount, ImportedRow, LeafId, Page, PendingLeaf,
    ProblemCount, ReachCount, Result, ResumableRun, RevisionRecord, RunId, RunStart, RunSummary,
    SequencedLeaf, StatementRecord, Step, StoredDecision, StoredDeclaration, StoredEvent, StoredFinding,
};

/// Keeps the record. Every call that changes something is one transaction, and is on disk when it returns.
///
/// A call whose future is dropped before it is ready has happened as a whole or not at all.
/// Errors: any call may give the variants of [`Error`](crate::Error) that name the database's path.
pub trait Store: Send + Sync {
    // --- runs and steps ---

    /// Begins a run. Errors: [`RunExists`](crate::Error::RunExists).
    fn begin_run(&self, start: &RunStart) -> impl Future<Output = Result<()>> + Send;

    /// The run of `desk` over these inputs that was begun last and not finished.
    fn unfinished_run(
        &self,
        desk: &str,
        inputs_key: &str,
    ) -> impl Future<Output = Result<Option<ResumableRun>>> + Send;

    /// Every run that was begun and not finished, oldest first.
    fn unfinished_runs(&self) -> impl Future<Output = Result<Vec<RunStart>>> + Send;

    /// The runs that were begun last, newest first, at most `limit`.
    fn recent_runs(&self, limit: u32) -> impl Future<Output = Result<Vec<RunSummary>>> + Send;

    /// Ends a run without a last step, and drops its saved state; a second time changes nothing.
    ///
    /// Errors: [`NoSuchRun`](crate::Error::NoSuchRun).
    fn finish_run(&self, run: &RunId) -> impl Future<Output = Result<()>> + Send;

    /// Records all that a step produced, or nothing of it.
    ///
    /// Errors: [`Conflict`](crate::Error::Conflict) when a revision is not the one after the recorded revision;
    /// [`RunMovedOn`](crate::Error::RunMovedOn), [`NoSuchRun`](crate::Error::NoSuchRun),
    /// [`RunIsFinished`](crate::Error::RunIsFinished), [`UnlocatedStatement`](crate::Error::UnlocatedStatement),
    /// [`LeafTooLong`](crate::Error::LeafTooLong), [`NotKeepable`](crate::Error::NotKeepable).
    fn commit_step(&self, step: Step) -> impl Future<Output = Result<Committed>> + Send;

    // --- findings ---

    /// Those of `ids` that are recorded, by id.
    fn current_findings(&self, ids: &[FindingId]) -> impl Future<Output = Result<Vec<StoredFinding>>> + Send;

    /// One finding.
    fn finding(&self, id: &FindingId) -> impl Future<Output = Result<Option<StoredFinding>>> + Send;

    /// The id that begins with `prefix`, with or without its `f-`, in any case.
    ///
    /// Errors: [`NoSuchFinding`](crate::Error::NoSuchFinding), [`AmbiguousId`](crate::Error::AmbiguousId).
    fn find_id(&self, prefix: &str) -> impl Future<Output = Result<FindingId>> + Send;

    /// Findings that pass the filter, in its order.
    fn findings(&self, filter: &Filter) -> impl Future<Output = Result<Page>> + Send;

    /// How many findings there are, by desk, polarity and severity (most severe first).
    fn finding_counts(&self) -> impl Future<Output = Result<Vec<FindingCount>>> + Send;

    /// How many findings pass the filter, counted no further than to `most`; its limit and place are not looked at.
    fn count_findings(&self, filter: &Filter, most: u64) -> impl Future<Output = Result<u64>> + Send;

    /// How many findings each target has, by desk, polarity, severity, stage, TLP and decision, in that order.
    fn reach_counts(&self) -> impl Future<Output = Result<Vec<ReachCount>>> + Send;

    /// Undismissed alarms by the day on which they were first seen and by stage, earliest day first.
    fn day_counts(&self) -> impl Future<Output = Result<Vec<DayCount>>> + Send;

    /// Findings whose newest revision was recorded after `leaf`, newest first, at most `limit`.
    fn recorded_after(
        &self,
        leaf: LeafId,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<StoredFinding>>> + Send;

    /// The history of a finding, oldest revision first.
    fn revisions(&self, id: &FindingId) -> impl Future<Output = Result<Vec<RevisionRecord>>> + Send;

    /// Current findings and their statements by id, from the one after `after`, at most `limit`.
    fn current_statements(
        &self,
        after: Option<&FindingId>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<StatementRecord>>> + Send;

    // --- decisions ---

    /// Records a decision. The same statement recorded again changes nothing and gives the same number.
    ///
    /// Errors: [`NoSuchFinding`](crate::Error::NoSuchFinding), [`LeafTooLong`](crate::Error::LeafTooLong).
    fn record_decision(&self, record: &DecisionRecord) -> impl Future<Output = Result<DecisionId>> + Send;

    /// All decisions about a finding, oldest first; the last one is current.
    fn decisions(&self, id: &FindingId) -> impl Future<Output = Result<Vec<StoredDecision>>> + Send;

    /// All decisions in the order in which they were recorded, from the one after `after`, at most `limit`.
    fn all_decisions(
        &self,
        after: Option<DecisionId>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<StoredDecision>>> + Send;

    // --- events ---

    /// Appends events to the stream `stream` of `desk`, the first of them as number `first_seq`; all of them or none.
    ///
    /// Errors: [`StreamMovedOn`](crate::Error::StreamMovedOn) when the stream has another length than `first_seq`;
    /// [`LeafTooLong`](crate::Error::LeafTooLong), [`UnlocatedStatement`](crate::Error::UnlocatedStatement).
    fn append_events(
        &self,
        desk: &str,
        stream: &str,
        first_seq: u64,
        records: &[EventRecord],
    ) -> impl Future<Output = Result<()>> + Send;

    /// Events of a stream in their order, from number `from_seq` on, at most `limit`.
    fn events(
        &self,
        desk: &str,
        stream: &str,
        from_seq: u64,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<StoredEvent>>> + Send;

    /// Every stream that has events, by desk and name.
    fn event_streams(&self) -> impl Future<Output = Result<Vec<EventStream>>> + Send;

    // --- declarations and imports ---

    /// Records a declaration and what it brought. The same statement recorded again changes nothing and gives the same number.
    ///
    /// Errors: [`LeafTooLong`](crate::Error::LeafTooLong), [`UnlocatedStatement`](crate::Error::UnlocatedStatement).
    fn record_declaration(
        &self,
        record: &DeclarationRecord,
    ) -> impl Future<Output = Result<DeclarationId>> + Send;

    /// Declarations (of one kind, or all) in the order in which they were recorded, from the one after `after`, at most `limit`.
    fn declarations(
        &self,
        kind: Option<&str>,
        after: Option<DeclarationId>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<StoredDeclaration>>> + Send;

    /// What the newest import from each ledger brought: the ledger's name and the row, by ledger, in the file's order.
    fn imported(&self) -> impl Future<Output = Result<Vec<(String, ImportedRow)>>> + Send;

    // --- evidence, coverage, problems ---

    /// Where those of `ids` lie that the store knows of, in the order of `ids`.
    fn evidence_locations(
        &self,
        ids: &[EvidenceId],
    ) -> impl Future<Output = Result<Vec<EvidenceLocation>>> + Send;

    /// All coverage, by desk, source and digest.
    fn coverage(&self) -> impl Future<Output = Result<Vec<Coverage>>> + Send;

    /// How many problems a run had. Errors: [`NoSuchRun`](crate::Error::NoSuchRun).
    fn problem_count(&self, run: &RunId) -> impl Future<Output = Result<ProblemCount>> + Send;

    /// The first problems of a run that are kept in words, at most `limit`.
    fn problems(&self, run: &RunId, limit: u32) -> impl Future<Output = Result<Vec<Problem>>> + Send;

    /// Drops the words of problems of runs that were begun before `before`; their counts stay.
    fn forget_problems(&self, before: jiff::Timestamp) -> impl Future<Output = Result<()>> + Send;

    // --- ledger ---

    /// The first entries that wait for their place in the ledger, in order, at most `limit`.
    fn pending_leaves(&self, limit: u32) -> impl Future<Output = Result<Vec<PendingLeaf>>> + Send;

    /// Notes the places that entries got in the ledger; what is noted already may be noted again.
    ///
    /// Errors: [`Sequence`](crate::Error::Sequence) for a place that contradicts the record; none is noted then.
    fn mark_sequenced(&self, places: &[(LeafId, u64)]) -> impl Future<Output = Result<()>> + Send;

    /// One more than the last place that was noted: the size that the ledger must have at least.
    fn ledger_size(&self) -> impl Future<Output = Result<u64>> + Send;

    /// Entries that have their place, from `first_index` on, at most `limit`: to write again what a ledger has lost.
    fn sequenced_leaves(
        &self,
        first_index: u64,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<SequencedLeaf>>> + Send;

    /// The place in the ledger of one revision; `None` while it is pending or when there is no such revision.
    fn ledger_index_of(
        &self,
        id: &FindingId,
        revision: u64,
    ) -> impl Future<Output = Result<Option<u64>>> + Send;

    // --- the workspace ---

    /// A setting of the workspace, such as its id.
    fn meta(&self, name: &str) -> impl Future<Output = Result<Option<String>>> + Send;

    /// Sets a setting of the workspace.
    fn set_meta(&self, name: &str, value: &str) -> impl Future<Output = Result<()>> + Send;

    /// Writes a whole and consistent copy to `path`, where nothing may lie yet; writers need not stop.
    fn backup_to(&self, path: &Path) -> impl Future<Output = Result<()>> + Send;

    /// Looks for damage in the whole of the database. Errors: [`Corrupt`](crate::Error::Corrupt).
    fn integrity_check(&self) -> impl Future<Output = Result<()>> + Send;

    /// Closes the store. A store that is dropped instead loses nothing.
    fn close(&self) -> impl Future<Output = ()> + Send;
}
