//! Declarations: tallies, exports and imports, and what imports brought.

use sqlx::{QueryBuilder, Sqlite};

use super::SqliteStore;
use super::rows::{ROWS_AT_ONCE, column, count, optional_count, word};
use super::step::{put_evidence, put_leaves};
use crate::{
    DeclarationId, DeclarationRecord, Error, ImportedKind, ImportedRow, MAX_LEAF_BYTES, Result,
    StoredDeclaration,
};

pub(super) async fn record_declaration(
    store: &SqliteStore,
    record: &DeclarationRecord,
) -> Result<DeclarationId> {
    let length = record.leaf.len();
    if length > MAX_LEAF_BYTES {
        return Err(Error::LeafTooLong { length });
    }
    if !record
        .evidence
        .iter()
        .any(|location| location.sha256 == record.statement)
    {
        return Err(Error::UnlocatedStatement(record.statement));
    }
    let mut transaction = store.begin().await?;
    let explain = |error| store.explain(error);
    let before: Option<(i64,)> =
        sqlx::query_as("SELECT declaration_id FROM declarations WHERE statement = $1")
            .bind(record.statement.to_string())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(explain)?;
    if let Some((declaration_id,)) = before {
        return count("declarations", declaration_id).map(DeclarationId);
    }
    put_evidence(store, &mut transaction, &record.evidence).await?;
    let leaves = put_leaves(
        store,
        &mut transaction,
        [(record.statement, record.leaf.as_slice())].into_iter(),
    )
    .await?;
    let (declaration_id,): (i64,) = sqlx::query_as(
        "INSERT INTO declarations (declaration_id, kind, body, statement, leaf_id) \
         VALUES ((SELECT COALESCE(MAX(declaration_id), 0) + 1 FROM declarations), $1, $2, $3, $4) RETURNING declaration_id",
    )
    .bind(&record.kind)
    .bind(&record.body)
    .bind(record.statement.to_string())
    .bind(column("leaf number", leaves[0].0)?)
    .fetch_one(&mut *transaction)
    .await
    .map_err(explain)?;
    if let Some((origin, imported)) = &record.imported {
        sqlx::query("DELETE FROM imported WHERE origin = $1")
            .bind(origin)
            .execute(&mut *transaction)
            .await
            .map_err(explain)?;
        let mut first = 0i64;
        for chunk in imported.chunks(ROWS_AT_ONCE) {
            let mut rows = Vec::with_capacity(chunk.len());
            for (ordinal, row) in (first..).zip(chunk) {
                let revision = row
                    .revision
                    .map(|revision| column("revision", revision))
                    .transpose()?;
                let index = row
                    .entry_index
                    .map(|index| column("ledger index", index))
                    .transpose()?;
                rows.push((ordinal, row, revision, index));
            }
            first += chunk.len() as i64;
            QueryBuilder::<Sqlite>::new(
                "INSERT INTO imported (origin, ordinal, kind, body, revision, statement, entry_index, declaration_id) ",
            )
            .push_values(rows, |mut values, (ordinal, row, revision, index)| {
                values
                    .push_bind(origin.as_str())
                    .push_bind(ordinal)
                    .push_bind(row.kind.word())
                    .push_bind(row.body.as_str())
                    .push_bind(revision)
                    .push_bind(row.statement.map(|statement| statement.to_string()))
                    .push_bind(index)
                    .push_bind(declaration_id);
            })
            .build()
            .execute(&mut *transaction)
            .await
            .map_err(explain)?;
        }
    }
    transaction.commit().await.map_err(explain)?;
    count("declarations", declaration_id).map(DeclarationId)
}

pub(super) async fn declarations(
    store: &SqliteStore,
    kind: Option<&str>,
    after: Option<DeclarationId>,
    limit: u32,
) -> Result<Vec<StoredDeclaration>> {
    type Row = (i64, String, String, String, Option<i64>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT d.declaration_id, d.kind, d.body, d.statement, l.ledger_index FROM declarations d \
         JOIN leaves l ON l.leaf_id = d.leaf_id \
         WHERE ($1 IS NULL OR d.kind = $1) AND d.declaration_id > $2 ORDER BY d.declaration_id LIMIT $3",
    )
    .bind(kind)
    .bind(column("declaration number", after.map_or(0, |id| id.0))?)
    .bind(i64::from(limit))
    .fetch_all(&store.pool)
    .await
    .map_err(|error| store.explain(error))?;
    let parse = |(id, kind, body, statement, ledger_index): Row| {
        Ok(StoredDeclaration {
            id: DeclarationId(count("declarations", id)?),
            kind,
            body,
            statement: word("declarations", &statement)?,
            ledger_index: optional_count("leaves", ledger_index)?,
        })
    };
    rows.into_iter().map(parse).collect()
}

pub(super) async fn imported(store: &SqliteStore) -> Result<Vec<(String, ImportedRow)>> {
    type Row = (
        String,
        String,
        String,
        Option<i64>,
        Option<String>,
        Option<i64>,
        i64,
    );
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT origin, kind, body, revision, statement, entry_index, declaration_id FROM imported ORDER BY origin, ordinal",
    )
    .fetch_all(&store.pool)
    .await
    .map_err(|error| store.explain(error))?;
    let parse = |(origin, kind, body, revision, statement, index, declaration): Row| {
        let row = ImportedRow {
            kind: ImportedKind::of_word(&kind).ok_or_else(|| Error::Row {
                table: "imported",
                why: format!("a row of kind {kind:?}"),
            })?,
            body,
            revision: optional_count("imported", revision)?,
            statement: statement
                .map(|statement| word("imported", &statement))
                .transpose()?,
            entry_index: optional_count("imported", index)?,
            declaration: Some(DeclarationId(count("imported", declaration)?)),
        };
        Ok((origin, row))
    };
    rows.into_iter().map(parse).collect()
}
