//! Logs of events: appended to, never changed.

use super::SqliteStore;
use super::rows::{column, count, optional_count, word};
use super::step::{put_evidence, put_leaves};
use crate::{Error, EventRecord, EventStream, MAX_LEAF_BYTES, Result, StoredEvent};

pub(super) async fn append_events(
    store: &SqliteStore,
    desk: &str,
    stream: &str,
    first_seq: u64,
    records: &[EventRecord],
) -> Result<()> {
    for record in records {
        let length = record.leaf.len();
        if length > MAX_LEAF_BYTES {
            return Err(Error::LeafTooLong { length });
        }
        if record.location.sha256 != record.statement {
            return Err(Error::UnlocatedStatement(record.statement));
        }
    }
    let explain = |error| store.explain(error);
    let mut transaction = store.begin().await?;
    let (next,): (i64,) =
        sqlx::query_as("SELECT COALESCE(MAX(seq) + 1, 0) FROM events WHERE desk = $1 AND stream = $2")
            .bind(desk)
            .bind(stream)
            .fetch_one(&mut *transaction)
            .await
            .map_err(explain)?;
    let next = count("events", next)?;
    if next != first_seq {
        return Err(Error::StreamMovedOn {
            stream: stream.to_owned(),
            stored: next,
            offered: first_seq,
        });
    }
    let locations: Vec<_> = records.iter().map(|record| record.location).collect();
    put_evidence(store, &mut transaction, &locations).await?;
    let leaves = put_leaves(
        store,
        &mut transaction,
        records
            .iter()
            .map(|record| (record.statement, record.leaf.as_slice())),
    )
    .await?;
    for ((record, leaf), seq) in records.iter().zip(leaves).zip(first_seq..) {
        sqlx::query(
            "INSERT INTO events (desk, stream, seq, event, statement, leaf_id) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(desk)
        .bind(stream)
        .bind(column("event number", seq)?)
        .bind(&record.json)
        .bind(record.statement.to_string())
        .bind(column("leaf number", leaf.0)?)
        .execute(&mut *transaction)
        .await
        .map_err(explain)?;
    }
    transaction.commit().await.map_err(explain)
}

type EventRow = (i64, String, String, Option<i64>);

pub(super) async fn events(
    store: &SqliteStore,
    desk: &str,
    stream: &str,
    from_seq: u64,
    limit: u32,
) -> Result<Vec<StoredEvent>> {
    let rows: Vec<EventRow> = sqlx::query_as(
        "SELECT e.seq, e.event, e.statement, l.ledger_index FROM events e \
         JOIN leaves l ON l.leaf_id = e.leaf_id \
         WHERE e.desk = $1 AND e.stream = $2 AND e.seq >= $3 ORDER BY e.seq LIMIT $4",
    )
    .bind(desk)
    .bind(stream)
    .bind(column("event number", from_seq)?)
    .bind(i64::from(limit))
    .fetch_all(&store.pool)
    .await
    .map_err(|error| store.explain(error))?;
    rows.into_iter()
        .map(|(seq, json, statement, ledger_index)| {
            Ok(StoredEvent {
                seq: count("events", seq)?,
                json,
                statement: word("events", &statement)?,
                ledger_index: optional_count("leaves", ledger_index)?,
            })
        })
        .collect()
}

pub(super) async fn event_streams(store: &SqliteStore) -> Result<Vec<EventStream>> {
    let rows: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT desk, stream, COUNT(*) FROM events GROUP BY desk, stream ORDER BY desk, stream",
    )
    .fetch_all(&store.pool)
    .await
    .map_err(|error| store.explain(error))?;
    rows.into_iter()
        .map(|(desk, stream, events)| {
            Ok(EventStream {
                desk,
                stream,
                events: count("events", events)?,
            })
        })
        .collect()
}
