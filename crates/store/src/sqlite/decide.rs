//! Decisions: added, never changed.

use pollwatch_model::{Decision, FindingId, Verdict};

use super::SqliteStore;
use super::rows::{column, count, json, optional_count, word};
use super::step::{put_evidence, put_leaves};
use crate::{DecisionId, DecisionRecord, Error, MAX_LEAF_BYTES, Result, StoredDecision};

/// The word by which the listing leaves dismissed findings out.
fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Confirmed => "confirmed",
        Verdict::Dismissed => "dismissed",
        Verdict::Note => "note",
    }
}

pub(super) async fn record_decision(store: &SqliteStore, record: &DecisionRecord) -> Result<DecisionId> {
    let DecisionRecord {
        decision,
        statement,
        location,
        leaf,
    } = record;
    let length = leaf.len();
    if length > MAX_LEAF_BYTES {
        return Err(Error::LeafTooLong { length });
    }
    if location.sha256 != *statement {
        return Err(Error::UnlocatedStatement(*statement));
    }
    let text = serde_json::to_string(decision).map_err(|_| Error::NotKeepable(decision.finding.clone()))?;
    let mut transaction = store.begin().await?;
    let explain = |error| store.explain(error);
    let before: Option<(i64,)> = sqlx::query_as("SELECT decision_id FROM decisions WHERE statement = $1")
        .bind(statement.to_string())
        .fetch_optional(&mut *transaction)
        .await
        .map_err(explain)?;
    if let Some((decision_id,)) = before {
        return count("decisions", decision_id).map(DecisionId);
    }
    let known = sqlx::query(
        // A remark leaves the decision that stands.
        "UPDATE findings SET verdict = CASE $2 WHEN 'note' THEN verdict ELSE $2 END WHERE finding_id = $1",
    )
    .bind(decision.finding.as_str())
    .bind(verdict_word(decision.verdict))
    .execute(&mut *transaction)
    .await
    .map_err(explain)?;
    if known.rows_affected() == 0 {
        return Err(Error::NoSuchFinding(decision.finding.to_string()));
    }
    put_evidence(store, &mut transaction, std::slice::from_ref(location)).await?;
    let leaves = put_leaves(
        store,
        &mut transaction,
        [(*statement, leaf.as_slice())].into_iter(),
    )
    .await?;
    let (decision_id,): (i64,) = sqlx::query_as(
        "INSERT INTO decisions (decision_id, finding_id, decision, statement, leaf_id) \
         VALUES ((SELECT COALESCE(MAX(decision_id), 0) + 1 FROM decisions), $1, $2, $3, $4) RETURNING decision_id",
    )
    .bind(decision.finding.as_str())
    .bind(text)
    .bind(statement.to_string())
    .bind(column("leaf number", leaves[0].0)?)
    .fetch_one(&mut *transaction)
    .await
    .map_err(explain)?;
    transaction.commit().await.map_err(explain)?;
    count("decisions", decision_id).map(DecisionId)
}

type DecisionRow = (i64, String, String, Option<i64>);

fn parse((decision_id, text, statement, ledger_index): DecisionRow) -> Result<StoredDecision> {
    let decision: Decision = json("decisions", &text)?;
    Ok(StoredDecision {
        id: DecisionId(count("decisions", decision_id)?),
        decision,
        json: text,
        statement: word("decisions", &statement)?,
        ledger_index: optional_count("leaves", ledger_index)?,
    })
}

pub(super) async fn decisions(store: &SqliteStore, id: &FindingId) -> Result<Vec<StoredDecision>> {
    let rows: Vec<DecisionRow> = sqlx::query_as(
        "SELECT d.decision_id, d.decision, d.statement, l.ledger_index FROM decisions d \
         JOIN leaves l ON l.leaf_id = d.leaf_id WHERE d.finding_id = $1 ORDER BY d.decision_id",
    )
    .bind(id.as_str())
    .fetch_all(&store.pool)
    .await
    .map_err(|error| store.explain(error))?;
    rows.into_iter().map(parse).collect()
}

pub(super) async fn all_decisions(
    store: &SqliteStore,
    after: Option<DecisionId>,
    limit: u32,
) -> Result<Vec<StoredDecision>> {
    let after = column("decision number", after.map_or(0, |id| id.0))?;
    let rows: Vec<DecisionRow> = sqlx::query_as(
        "SELECT d.decision_id, d.decision, d.statement, l.ledger_index FROM decisions d \
         JOIN leaves l ON l.leaf_id = d.leaf_id WHERE d.decision_id > $1 ORDER BY d.decision_id LIMIT $2",
    )
    .bind(after)
    .bind(i64::from(limit))
    .fetch_all(&store.pool)
    .await
    .map_err(|error| store.explain(error))?;
    rows.into_iter().map(parse).collect()
}
