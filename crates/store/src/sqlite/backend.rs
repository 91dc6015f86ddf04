//! The contract, kept by the functions of this folder.

use std::path::Path;

use pollwatch_model::{Coverage, EvidenceId, FindingId, Problem};

use super::{SqliteStore, count, decide, declare, events, find, leaves, runs, safekeep, step};
use crate::{
    Committed, DayCount, DecisionId, DecisionRecord, DeclarationId, DeclarationRecord, EventRecord,
    EventStream, EvidenceLocation, Filter, FindingCount, ImportedRow, LeafId, Page, PendingLeaf,
    ProblemCount, ReachCount, Result, ResumableRun, RevisionRecord, RunId, RunStart, RunSummary,
    SequencedLeaf, StatementRecord, Step, Store, StoredDecision, StoredDeclaration, StoredEvent,
    StoredFinding,
};

impl Store for SqliteStore {
    async fn begin_run(&self, start: &RunStart) -> Result<()> {
        runs::begin_run(self, start).await
    }

    async fn unfinished_run(&self, desk: &str, inputs_key: &str) -> Result<Option<ResumableRun>> {
        runs::unfinished_run(self, desk, inputs_key).await
    }

    async fn unfinished_runs(&self) -> Result<Vec<RunStart>> {
        runs::unfinished_runs(self).await
    }

    async fn finish_run(&self, run: &RunId) -> Result<()> {
        runs::finish_run(self, run).await
    }

    async fn commit_step(&self, step: Step) -> Result<Committed> {
        step::commit_step(self, step).await
    }

    async fn current_findings(&self, ids: &[FindingId]) -> Result<Vec<StoredFinding>> {
        find::current_findings(self, ids).await
    }

    async fn finding(&self, id: &FindingId) -> Result<Option<StoredFinding>> {
        Ok(find::current_findings(self, std::slice::from_ref(id))
            .await?
            .pop())
    }

    async fn find_id(&self, prefix: &str) -> Result<FindingId> {
        find::find_id(self, prefix).await
    }

    async fn findings(&self, filter: &Filter) -> Result<Page> {
        find::findings(self, filter).await
    }

    async fn finding_counts(&self) -> Result<Vec<FindingCount>> {
        find::finding_counts(self).await
    }

    async fn count_findings(&self, filter: &Filter, most: u64) -> Result<u64> {
        count::count_findings(self, filter, most).await
    }

    async fn reach_counts(&self) -> Result<Vec<ReachCount>> {
        count::reach_counts(self).await
    }

    async fn day_counts(&self) -> Result<Vec<DayCount>> {
        count::day_counts(self).await
    }

    async fn recorded_after(&self, leaf: LeafId, limit: u32) -> Result<Vec<StoredFinding>> {
        find::recorded_after(self, leaf, limit).await
    }

    async fn recent_runs(&self, limit: u32) -> Result<Vec<RunSummary>> {
        runs::recent_runs(self, limit).await
    }

    async fn revisions(&self, id: &FindingId) -> Result<Vec<RevisionRecord>> {
        find::revisions(self, id).await
    }

    async fn current_statements(
        &self,
        after: Option<&FindingId>,
        limit: u32,
    ) -> Result<Vec<StatementRecord>> {
        find::current_statements(self, after, limit).await
    }

    async fn record_decision(&self, record: &DecisionRecord) -> Result<DecisionId> {
        decide::record_decision(self, record).await
    }

    async fn decisions(&self, id: &FindingId) -> Result<Vec<StoredDecision>> {
        decide::decisions(self, id).await
    }

    async fn all_decisions(&self, after: Option<DecisionId>, limit: u32) -> Result<Vec<StoredDecision>> {
        decide::all_decisions(self, after, limit).await
    }

    async fn append_events(
        &self,
        desk: &str,
        stream: &str,
        first_seq: u64,
        records: &[EventRecord],
    ) -> Result<()> {
        events::append_events(self, desk, stream, first_seq, records).await
    }

    async fn events(&self, desk: &str, stream: &str, from_seq: u64, limit: u32) -> Result<Vec<StoredEvent>> {
        events::events(self, desk, stream, from_seq, limit).await
    }

    async fn event_streams(&self) -> Result<Vec<EventStream>> {
        events::event_streams(self).await
    }

    async fn record_declaration(&self, record: &DeclarationRecord) -> Result<DeclarationId> {
        declare::record_declaration(self, record).await
    }

    async fn declarations(
        &self,
        kind: Option<&str>,
        after: Option<DeclarationId>,
        limit: u32,
    ) -> Result<Vec<StoredDeclaration>> {
        declare::declarations(self, kind, after, limit).await
    }

    async fn imported(&self) -> Result<Vec<(String, ImportedRow)>> {
        declare::imported(self).await
    }

    async fn evidence_locations(&self, ids: &[EvidenceId]) -> Result<Vec<EvidenceLocation>> {
        find::evidence_locations(self, ids).await
    }

    async fn coverage(&self) -> Result<Vec<Coverage>> {
        find::coverage(self).await
    }

    async fn problem_count(&self, run: &RunId) -> Result<ProblemCount> {
        runs::problem_count(self, run).await
    }

    async fn problems(&self, run: &RunId, limit: u32) -> Result<Vec<Problem>> {
        find::problems(self, run, limit).await
    }

    async fn forget_problems(&self, before: jiff::Timestamp) -> Result<()> {
        runs::forget_problems(self, before).await
    }

    async fn pending_leaves(&self, limit: u32) -> Result<Vec<PendingLeaf>> {
        leaves::pending_leaves(self, limit).await
    }

    async fn mark_sequenced(&self, places: &[(LeafId, u64)]) -> Result<()> {
        leaves::mark_sequenced(self, places).await
    }

    async fn ledger_size(&self) -> Result<u64> {
        leaves::ledger_size(self).await
    }

    async fn sequenced_leaves(&self, first_index: u64, limit: u32) -> Result<Vec<SequencedLeaf>> {
        leaves::sequenced_leaves(self, first_index, limit).await
    }

    async fn ledger_index_of(&self, id: &FindingId, revision: u64) -> Result<Option<u64>> {
        leaves::ledger_index_of(self, id, revision).await
    }

    async fn meta(&self, name: &str) -> Result<Option<String>> {
        safekeep::meta(self, name).await
    }

    async fn set_meta(&self, name: &str, value: &str) -> Result<()> {
        safekeep::set_meta(self, name, value).await
    }

    async fn backup_to(&self, path: &Path) -> Result<()> {
        safekeep::backup_to(self, path).await
    }

    async fn integrity_check(&self) -> Result<()> {
        safekeep::integrity_check(self).await
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
