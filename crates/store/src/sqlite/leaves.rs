//! Entries on their way into the ledger.

use pollwatch_model::FindingId;
use sqlx::{QueryBuilder, Sqlite};

use super::SqliteStore;
use super::rows::{ROWS_AT_ONCE, column, count, word};
use crate::{Error, LeafId, PendingLeaf, Result, SequencedLeaf};

pub(super) async fn pending_leaves(store: &SqliteStore, limit: u32) -> Result<Vec<PendingLeaf>> {
    let rows: Vec<(i64, String, Vec<u8>)> = sqlx::query_as(
        "SELECT leaf_id, statement, entry FROM leaves WHERE ledger_index IS NULL ORDER BY leaf_id LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(&store.pool)
    .await
    .map_err(|error| store.explain(error))?;
    let mut pending = Vec::with_capacity(rows.len());
    for (leaf_id, statement, entry) in rows {
        pending.push(PendingLeaf {
            id: LeafId(count("leaves", leaf_id)?),
            statement: word("leaves", &statement)?,
            entry,
        });
    }
    Ok(pending)
}

pub(super) async fn mark_sequenced(store: &SqliteStore, places: &[(LeafId, u64)]) -> Result<()> {
    if places.is_empty() {
        return Ok(());
    }
    let mut transaction = store.begin().await?;
    for chunk in places.chunks(ROWS_AT_ONCE) {
        let mut rows = Vec::with_capacity(chunk.len());
        for (leaf, index) in chunk {
            rows.push((column("leaf number", leaf.0)?, column("ledger index", *index)?));
        }
        let contradiction: Option<(i64, i64)> = with_places(&rows)
            .push(
                "SELECT p.leaf_id, p.ledger_index FROM places p \
                 LEFT JOIN leaves own ON own.leaf_id = p.leaf_id \
                 LEFT JOIN leaves other ON other.ledger_index = p.ledger_index \
                 WHERE own.leaf_id IS NULL \
                 OR (own.ledger_index IS NOT NULL AND own.ledger_index <> p.ledger_index) \
                 OR (other.leaf_id IS NOT NULL AND other.leaf_id <> p.leaf_id) LIMIT 1",
            )
            .build_query_as()
            .fetch_optional(&mut *transaction)
            .await
            .map_err(|error| store.explain(error))?;
        if let Some((leaf, index)) = contradiction {
            return Err(Error::Sequence {
                leaf: LeafId(count("leaves", leaf)?),
                index: count("leaves", index)?,
            });
        }
        with_places(&rows)
            .push(
                "UPDATE leaves SET ledger_index = places.ledger_index FROM places \
                 WHERE leaves.leaf_id = places.leaf_id AND leaves.ledger_index IS NULL",
            )
            .build()
            .execute(&mut *transaction)
            .await
            .map_err(|error| match error.as_database_error() {
                // Two leaves of this call were given one place.
                Some(database) if database.is_unique_violation() => Error::Sequence {
                    leaf: chunk[0].0,
                    index: chunk[0].1,
                },
                _ => store.explain(error),
            })?;
    }
    transaction.commit().await.map_err(|error| store.explain(error))
}

/// Begins a statement that knows `rows` as the table `places`.
fn with_places(rows: &[(i64, i64)]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::<Sqlite>::new("WITH places (leaf_id, ledger_index) AS (");
    query.push_values(rows, |mut row, (leaf_id, ledger_index)| {
        row.push_bind(*leaf_id).push_bind(*ledger_index);
    });
    query.push(") ");
    query
}

pub(super) async fn ledger_size(store: &SqliteStore) -> Result<u64> {
    let (size,): (i64,) = sqlx::query_as("SELECT COALESCE(MAX(ledger_index) + 1, 0) FROM leaves")
        .fetch_one(&store.pool)
        .await
        .map_err(|error| store.explain(error))?;
    count("leaves", size)
}

pub(super) async fn sequenced_leaves(
    store: &SqliteStore,
    first_index: u64,
    limit: u32,
) -> Result<Vec<SequencedLeaf>> {
    let rows: Vec<(i64, String, Vec<u8>, i64)> = sqlx::query_as(
        "SELECT leaf_id, statement, entry, ledger_index FROM leaves \
         WHERE ledger_index >= $1 ORDER BY ledger_index LIMIT $2",
    )
    .bind(column("ledger index", first_index)?)
    .bind(i64::from(limit))
    .fetch_all(&store.pool)
    .await
    .map_err(|error| store.explain(error))?;
    let mut sequenced = Vec::with_capacity(rows.len());
    for (leaf_id, statement, entry, ledger_index) in rows {
        sequenced.push(SequencedLeaf {
            id: LeafId(count("leaves", leaf_id)?),
            statement: word("leaves", &statement)?,
            entry,
            ledger_index: count("leaves", ledger_index)?,
        });
    }
    Ok(sequenced)
}

pub(super) async fn ledger_index_of(
    store: &SqliteStore,
    id: &FindingId,
    revision: u64,
) -> Result<Option<u64>> {
    let row: Option<(Option<i64>,)> = sqlx::query_as(
        "SELECT l.ledger_index FROM finding_revisions r JOIN leaves l ON l.leaf_id = r.leaf_id \
         WHERE r.finding_id = $1 AND r.revision = $2",
    )
    .bind(id.as_str())
    .bind(column("revision", revision)?)
    .fetch_optional(&store.pool)
    .await
    .map_err(|error| store.explain(error))?;
    row.and_then(|(index,)| index)
        .map(|index| count("leaves", index))
        .transpose()
}
