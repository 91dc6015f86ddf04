//! Runs: begun, interrupted, taken up, finished.

use pollwatch_model::{Position, Saved};

use super::SqliteStore;
use super::rows::{count, json, optional_count, word};
use crate::{Error, InputPosition, ProblemCount, Result, ResumableRun, RunId, RunStart, RunSummary};

pub(super) async fn begin_run(store: &SqliteStore, start: &RunStart) -> Result<()> {
    sqlx::query("INSERT INTO runs (run_id, desk, started, inputs_key, inputs) VALUES ($1, $2, $3, $4, $5)")
        .bind(&start.id.0)
        .bind(&start.desk)
        .bind(start.started.to_string())
        .bind(&start.inputs_key)
        .bind(start.inputs.to_string())
        .execute(&store.pool)
        .await
        .map_err(|error| match error.as_database_error() {
            Some(database) if database.is_unique_violation() => Error::RunExists(start.id.clone()),
            _ => store.explain(error),
        })?;
    Ok(())
}

type StartRow = (String, String, String, String, String);

fn parse_start((id, desk, started, inputs_key, inputs): StartRow) -> Result<RunStart> {
    Ok(RunStart {
        id: RunId(id),
        desk,
        started: word("runs", &started)?,
        inputs_key,
        inputs: json("runs", &inputs)?,
    })
}

pub(super) async fn unfinished_runs(store: &SqliteStore) -> Result<Vec<RunStart>> {
    let rows: Vec<StartRow> = sqlx::query_as(
        "SELECT run_id, desk, started, inputs_key, inputs FROM runs WHERE is_finished = 0 ORDER BY run_number",
    )
    .fetch_all(&store.pool)
    .await
    .map_err(|error| store.explain(error))?;
    rows.into_iter().map(parse_start).collect()
}

pub(super) async fn unfinished_run(
    store: &SqliteStore,
    desk: &str,
    inputs_key: &str,
) -> Result<Option<ResumableRun>> {
    let explain = |error| store.explain(error);
    // Positions and state must be of one moment.
    let mut transaction = store.pool.begin().await.map_err(explain)?;
    type RunRow = (String, String, String, Option<u32>, Option<Vec<u8>>);
    let row: Option<RunRow> = sqlx::query_as(
        "SELECT run_id, started, inputs, state_version, state FROM runs \
         WHERE desk = $1 AND inputs_key = $2 AND is_finished = 0 ORDER BY run_number DESC LIMIT 1",
    )
    .bind(desk)
    .bind(inputs_key)
    .fetch_optional(&mut *transaction)
    .await
    .map_err(explain)?;
    let Some((id, started, inputs, version, state)) = row else {
        return Ok(None);
    };
    let start = parse_start((id, desk.to_owned(), started, inputs_key.to_owned(), inputs))?;
    type PositionRow = (u32, String, i64, i64, bool, Option<String>, Option<i64>);
    let rows: Vec<PositionRow> = sqlx::query_as(
        "SELECT ordinal, input_name, byte_offset, record, is_done, sha256, bytes FROM positions \
         WHERE run_id = $1 ORDER BY ordinal",
    )
    .bind(&start.id.0)
    .fetch_all(&mut *transaction)
    .await
    .map_err(explain)?;
    transaction.rollback().await.map_err(explain)?;
    let mut positions = Vec::with_capacity(rows.len());
    for (ordinal, input_name, offset, record, is_done, sha256, bytes) in rows {
        positions.push(InputPosition {
            ordinal,
            input_name,
            position: Position {
                offset: count("positions", offset)?,
                record: count("positions", record)?,
            },
            is_done,
            sha256: sha256.map(|sha256| word("positions", &sha256)).transpose()?,
            bytes: optional_count("positions", bytes)?,
        });
    }
    let saved = version
        .zip(state)
        .map(|(version, bytes)| Saved { version, bytes });
    Ok(Some(ResumableRun {
        start,
        positions,
        saved,
    }))
}

pub(super) async fn recent_runs(store: &SqliteStore, limit: u32) -> Result<Vec<RunSummary>> {
    type Row = (String, String, String, String, String, bool, i64, i64, i64);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT run_id, desk, started, inputs_key, inputs, is_finished, problems_total, problems_kept, records_lost \
         FROM runs ORDER BY run_number DESC LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(&store.pool)
    .await
    .map_err(|error| store.explain(error))?;
    let mut runs = Vec::with_capacity(rows.len());
    for (id, desk, started, key, inputs, is_finished, total, kept, lost) in rows {
        runs.push(RunSummary {
            start: parse_start((id, desk, started, key, inputs))?,
            is_finished,
            problems: ProblemCount {
                total: count("runs", total)?,
                kept: count("runs", kept)?,
                records_lost: count("runs", lost)?,
            },
        });
    }
    Ok(runs)
}

pub(super) async fn finish_run(store: &SqliteStore, run: &RunId) -> Result<()> {
    let written =
        sqlx::query("UPDATE runs SET is_finished = 1, state_version = NULL, state = NULL WHERE run_id = $1")
            .bind(&run.0)
            .execute(&store.pool)
            .await
            .map_err(|error| store.explain(error))?;
    if written.rows_affected() == 0 {
        return Err(Error::NoSuchRun(run.clone()));
    }
    Ok(())
}

pub(super) async fn problem_count(store: &SqliteStore, run: &RunId) -> Result<ProblemCount> {
    let row: Option<(i64, i64, i64)> =
        sqlx::query_as("SELECT problems_total, problems_kept, records_lost FROM runs WHERE run_id = $1")
            .bind(&run.0)
            .fetch_optional(&store.pool)
            .await
            .map_err(|error| store.explain(error))?;
    let Some((total, kept, lost)) = row else {
        return Err(Error::NoSuchRun(run.clone()));
    };
    Ok(ProblemCount {
        total: count("runs", total)?,
        kept: count("runs", kept)?,
        records_lost: count("runs", lost)?,
    })
}

pub(super) async fn forget_problems(store: &SqliteStore, before: jiff::Timestamp) -> Result<()> {
    let runs: Vec<StartRow> = sqlx::query_as(
        "SELECT run_id, desk, started, inputs_key, inputs FROM runs \
         WHERE EXISTS (SELECT 1 FROM problems WHERE problems.run_id = runs.run_id)",
    )
    .fetch_all(&store.pool)
    .await
    .map_err(|error| store.explain(error))?;
    for row in runs {
        let start = parse_start(row)?;
        if start.started < before {
            sqlx::query("DELETE FROM problems WHERE run_id = $1")
                .bind(&start.id.0)
                .execute(&store.pool)
                .await
                .map_err(|error| store.explain(error))?;
        }
    }
    Ok(())
}
