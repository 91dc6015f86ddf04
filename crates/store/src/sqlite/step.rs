//! One step of a run, as one transaction.

use std::collections::{BTreeMap, BTreeSet};

use pollwatch_model::{Coverage, EvidenceId, Finding, FindingId, Problem, Saved};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::SqliteStore;
use super::rows::{ROWS_AT_ONCE, column, count, off_the_runtime, rank};
use crate::{
    Committed, Error, EvidenceLocation, InputPosition, LeafId, MAX_LEAF_BYTES, MAX_PROBLEM_TEXT_BYTES,
    MAX_PROBLEMS_OF_A_RUN, Result, Revision, RunId, RunPhase, Step,
};

/// A finding as its row has it.
struct Prepared {
    revision: Revision,
    json: String,
    search_text: String,
}

pub(super) async fn commit_step(store: &SqliteStore, step: Step) -> Result<Committed> {
    let Step {
        run,
        revisions,
        evidence,
        coverage,
        problems,
        positions,
        saved,
        phase,
    } = step;
    let prepared: Vec<Prepared> =
        off_the_runtime(move || revisions.into_iter().map(prepare).collect()).await?;
    let mut transaction = store.begin().await?;
    let connection = &mut *transaction;
    let noted = check_run(store, connection, &run).await?;
    let mut committed = check_revisions(store, connection, &prepared).await?;
    put_evidence(store, connection, &evidence).await?;
    check_statements(store, connection, &prepared, &evidence).await?;
    let leaves = prepared
        .iter()
        .map(|one| (one.revision.statement, one.revision.leaf.as_slice()));
    committed.leaves = put_leaves(store, connection, leaves).await?;
    put_findings(store, connection, &prepared).await?;
    put_revisions(store, connection, &prepared, &committed.leaves).await?;
    put_coverage(store, connection, &coverage).await?;
    put_problems(store, connection, &run, noted, &problems).await?;
    put_positions(store, connection, &run, &positions).await?;
    put_phase(store, connection, &run, saved.as_ref(), phase).await?;
    transaction.commit().await.map_err(|error| store.explain(error))?;
    Ok(committed)
}

fn prepare(revision: Revision) -> Result<Prepared> {
    let length = revision.leaf.len();
    if length > MAX_LEAF_BYTES {
        return Err(Error::LeafTooLong { length });
    }
    let finding = &revision.finding;
    let not_keepable = || Error::NotKeepable(finding.id.clone());
    let json = serde_json::to_string(finding).map_err(|_| not_keepable())?;
    // A row that does not read back as the same would be merged into a new revision for ever, or not be read at all.
    let read_back: Finding = serde_json::from_str(&json).map_err(|_| not_keepable())?;
    if read_back != *finding {
        return Err(not_keepable());
    }
    let mut search_text = [
        finding.id.as_str(),
        &finding.subject,
        &finding.summary,
        finding.target.id.as_str(),
        &finding.target.name,
    ]
    .join("\n");
    for indicator in &finding.indicators {
        search_text.push('\n');
        search_text.push_str(&indicator.value);
    }
    Ok(Prepared {
        json,
        search_text: search_text.to_lowercase(),
        revision,
    })
}

/// Problems of the run so far.
struct Noted {
    kept: u64,
}

async fn check_run(store: &SqliteStore, connection: &mut SqliteConnection, run: &RunId) -> Result<Noted> {
    let row: Option<(i64, i64)> =
        sqlx::query_as("SELECT is_finished, problems_kept FROM runs WHERE run_id = $1")
            .bind(&run.0)
            .fetch_optional(connection)
            .await
            .map_err(|error| store.explain(error))?;
    match row {
        None => Err(Error::NoSuchRun(run.clone())),
        Some((0, kept)) => Ok(Noted {
            kept: count("runs", kept)?,
        }),
        Some(_) => Err(Error::RunIsFinished(run.clone())),
    }
}

/// Sees to it that every revision is the one after the recorded one.
async fn check_revisions(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    prepared: &[Prepared],
) -> Result<Committed> {
    let mut recorded: BTreeMap<String, u64> = BTreeMap::new();
    for chunk in prepared.chunks(ROWS_AT_ONCE) {
        let mut query =
            QueryBuilder::<Sqlite>::new("SELECT finding_id, revision FROM findings WHERE finding_id IN (");
        let mut ids = query.separated(", ");
        for one in chunk {
            ids.push_bind(one.revision.finding.id.as_str());
        }
        query.push(")");
        let rows: Vec<(String, i64)> = query
            .build_query_as()
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| store.explain(error))?;
        for (id, revision) in rows {
            recorded.insert(id, count("findings", revision)?);
        }
    }
    let mut committed = Committed::default();
    for one in prepared {
        let Revision {
            finding, revision, ..
        } = &one.revision;
        let stored = recorded.get(finding.id.as_str()).copied().unwrap_or(0);
        if stored.checked_add(1) != Some(*revision) {
            return Err(Error::Conflict {
                finding: finding.id.clone(),
                stored,
                offered: *revision,
            });
        }
        if stored == 0 {
            committed.added += 1;
        } else {
            committed.changed += 1;
        }
        recorded.insert(finding.id.as_str().to_owned(), *revision);
    }
    Ok(committed)
}

pub(super) async fn put_evidence(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    evidence: &[EvidenceLocation],
) -> Result<()> {
    for chunk in evidence.chunks(ROWS_AT_ONCE) {
        let mut rows = Vec::with_capacity(chunk.len());
        for location in chunk {
            let offset = column("evidence offset", location.offset)?;
            let length = column("evidence length", location.length)?;
            rows.push((location.sha256.to_string(), location.pack, offset, length));
        }
        QueryBuilder::<Sqlite>::new("INSERT INTO evidence (sha256, pack, pack_offset, length) ")
            .push_values(rows, |mut row, (sha256, pack, offset, length)| {
                row.push_bind(sha256)
                    .push_bind(i64::from(pack))
                    .push_bind(offset)
                    .push_bind(length);
            })
            .push(" ON CONFLICT (sha256) DO NOTHING")
            .build()
            .execute(&mut *connection)
            .await
            .map_err(|error| store.explain(error))?;
    }
    Ok(())
}

/// Sees to it that every statement has a location, and says which one has none.
async fn check_statements(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    prepared: &[Prepared],
    evidence: &[EvidenceLocation],
) -> Result<()> {
    let located: BTreeSet<EvidenceId> = evidence.iter().map(|location| location.sha256).collect();
    for statement in prepared.iter().map(|one| one.revision.statement) {
        if located.contains(&statement) {
            continue;
        }
        let known: Option<(i64,)> = sqlx::query_as("SELECT 1 FROM evidence WHERE sha256 = $1")
            .bind(statement.to_string())
            .fetch_optional(&mut *connection)
            .await
            .map_err(|error| store.explain(error))?;
        if known.is_none() {
            return Err(Error::UnlocatedStatement(statement));
        }
    }
    Ok(())
}

/// Queues entries for the ledger. Leaf numbers rise in the order of commits: the caller's transaction holds the right to
/// write, and rows are never deleted.
pub(super) async fn put_leaves(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    leaves: impl Iterator<Item = (EvidenceId, &[u8])>,
) -> Result<Vec<LeafId>> {
    let (last,): (i64,) = sqlx::query_as("SELECT COALESCE(MAX(leaf_id), 0) FROM leaves")
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| store.explain(error))?;
    let leaves: Vec<(i64, (EvidenceId, &[u8]))> = (last + 1..).zip(leaves).collect();
    for chunk in leaves.chunks(ROWS_AT_ONCE) {
        QueryBuilder::<Sqlite>::new("INSERT INTO leaves (leaf_id, statement, entry) ")
            .push_values(chunk, |mut row, (leaf_id, (statement, entry))| {
                row.push_bind(*leaf_id)
                    .push_bind(statement.to_string())
                    .push_bind(entry.to_vec());
            })
            .build()
            .execute(&mut *connection)
            .await
            .map_err(|error| store.explain(error))?;
    }
    leaves
        .iter()
        .map(|(leaf_id, _)| count("leaves", *leaf_id).map(LeafId))
        .collect()
}

async fn put_findings(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    prepared: &[Prepared],
) -> Result<()> {
    // Of two revisions of one finding in one step, only the last is current.
    let current: BTreeMap<&FindingId, &Prepared> = prepared
        .iter()
        .map(|one| (&one.revision.finding.id, one))
        .collect();
    let current: Vec<&Prepared> = current.into_values().collect();
    for chunk in current.chunks(ROWS_AT_ONCE) {
        let mut revisions = Vec::with_capacity(chunk.len());
        for one in chunk {
            revisions.push((*one, column("revision", one.revision.revision)?));
        }
        QueryBuilder::<Sqlite>::new(
            "INSERT INTO findings (finding_id, revision, desk, kind, polarity, stage, severity, target_id, subject, \
             tlp, confidence, first_observed_us, last_observed_us, search_text, finding) ",
        )
        .push_values(revisions, |mut row, (one, revision)| {
            let finding = &one.revision.finding;
            row.push_bind(finding.id.as_str())
                .push_bind(revision)
                .push_bind(finding.desk.as_str())
                .push_bind(finding.kind.as_str())
                .push_bind(finding.polarity.word())
                .push_bind(finding.stage.map(|stage| stage.word()))
                .push_bind(rank(finding.severity))
                .push_bind(finding.target.id.as_str())
                .push_bind(finding.subject.as_str())
                .push_bind(finding.tlp.word())
                .push_bind(finding.confidence.get())
                .push_bind(finding.observed.first.map(|time| time.as_microsecond()))
                .push_bind(finding.observed.last.map(|time| time.as_microsecond()))
                .push_bind(one.search_text.as_str())
                .push_bind(one.json.as_str());
        })
        .push(
            " ON CONFLICT (finding_id) DO UPDATE SET revision = excluded.revision, desk = excluded.desk, \
             kind = excluded.kind, polarity = excluded.polarity, stage = excluded.stage, \
             severity = excluded.severity, target_id = excluded.target_id, subject = excluded.subject, \
             tlp = excluded.tlp, confidence = excluded.confidence, \
             first_observed_us = excluded.first_observed_us, last_observed_us = excluded.last_observed_us, \
             search_text = excluded.search_text, finding = excluded.finding",
        )
        .build()
        .execute(&mut *connection)
        .await
        .map_err(|error| store.explain(error))?;
    }
    Ok(())
}

async fn put_revisions(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    prepared: &[Prepared],
    leaves: &[LeafId],
) -> Result<()> {
    let pairs: Vec<(&Prepared, &LeafId)> = prepared.iter().zip(leaves).collect();
    for chunk in pairs.chunks(ROWS_AT_ONCE) {
        let mut rows = Vec::with_capacity(chunk.len());
        for (one, leaf) in chunk {
            let revision = column("revision", one.revision.revision)?;
            rows.push((&one.revision, revision, column("leaf number", leaf.0)?));
        }
        QueryBuilder::<Sqlite>::new(
            "INSERT INTO finding_revisions (finding_id, revision, statement, leaf_id) ",
        )
        .push_values(rows, |mut row, (one, revision, leaf_id)| {
            row.push_bind(one.finding.id.as_str())
                .push_bind(revision)
                .push_bind(one.statement.to_string())
                .push_bind(leaf_id);
        })
        .build()
        .execute(&mut *connection)
        .await
        .map_err(|error| store.explain(error))?;
    }
    Ok(())
}

async fn put_coverage(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    coverage: &[Coverage],
) -> Result<()> {
    for seen in coverage {
        let json = serde_json::to_string(seen).map_err(|error| Error::Row {
            table: "coverage",
            why: error.to_string(),
        })?;
        let sha256 = seen.sha256.map(|sha256| sha256.to_string()).unwrap_or_default();
        if !sha256.is_empty() {
            sqlx::query("DELETE FROM coverage WHERE desk = $1 AND source = $2 AND sha256 = ''")
                .bind(&seen.desk)
                .bind(&seen.source)
                .execute(&mut *connection)
                .await
                .map_err(|error| store.explain(error))?;
        }
        sqlx::query(
            "INSERT INTO coverage (desk, source, sha256, coverage) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (desk, source, sha256) DO UPDATE SET coverage = excluded.coverage",
        )
        .bind(&seen.desk)
        .bind(&seen.source)
        .bind(sha256)
        .bind(json)
        .execute(&mut *connection)
        .await
        .map_err(|error| store.explain(error))?;
    }
    Ok(())
}

async fn put_problems(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    run: &RunId,
    noted: Noted,
    problems: &[Problem],
) -> Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    let room = MAX_PROBLEMS_OF_A_RUN.saturating_sub(noted.kept);
    let kept: Vec<(u64, &Problem)> = (noted.kept..)
        .zip(problems)
        .take(usize::try_from(room).unwrap_or(usize::MAX))
        .collect();
    for chunk in kept.chunks(ROWS_AT_ONCE) {
        let mut rows = Vec::with_capacity(chunk.len());
        for (ordinal, problem) in chunk {
            let record = problem
                .record
                .map(|record| column("record number", record))
                .transpose()?;
            let lost = column("records lost", problem.records_lost)?;
            rows.push((column("problem number", *ordinal)?, *problem, record, lost));
        }
        QueryBuilder::<Sqlite>::new(
            "INSERT INTO problems (run_id, ordinal, file, record, what, records_lost) ",
        )
        .push_values(rows, |mut row, (ordinal, problem, record, lost)| {
            row.push_bind(run.0.as_str())
                .push_bind(ordinal)
                .push_bind(cut(&problem.file))
                .push_bind(record)
                .push_bind(cut(&problem.what))
                .push_bind(lost);
        })
        .build()
        .execute(&mut *connection)
        .await
        .map_err(|error| store.explain(error))?;
    }
    let lost = problems
        .iter()
        .map(|problem| problem.records_lost)
        .fold(0, u64::saturating_add);
    sqlx::query(
        "UPDATE runs SET problems_total = problems_total + $1, problems_kept = problems_kept + $2, \
         records_lost = records_lost + $3 WHERE run_id = $4",
    )
    .bind(column("problems", problems.len() as u64)?)
    .bind(column("problems", kept.len() as u64)?)
    .bind(column("records lost", lost)?)
    .bind(&run.0)
    .execute(connection)
    .await
    .map_err(|error| store.explain(error))?;
    Ok(())
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_PROBLEM_TEXT_BYTES)]
}

async fn put_positions(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    run: &RunId,
    positions: &[InputPosition],
) -> Result<()> {
    for reached in positions {
        // The condition holds the place back that another process has passed already.
        let written = sqlx::query(
            "INSERT INTO positions (run_id, ordinal, input_name, byte_offset, record, is_done, sha256, bytes) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (run_id, ordinal) DO UPDATE SET input_name = excluded.input_name, \
             byte_offset = excluded.byte_offset, record = excluded.record, is_done = excluded.is_done, \
             sha256 = excluded.sha256, bytes = excluded.bytes \
             WHERE positions.byte_offset <= excluded.byte_offset AND positions.record <= excluded.record \
             AND positions.is_done <= excluded.is_done",
        )
        .bind(&run.0)
        .bind(i64::from(reached.ordinal))
        .bind(&reached.input_name)
        .bind(column("byte offset", reached.position.offset)?)
        .bind(column("record number", reached.position.record)?)
        .bind(i64::from(reached.is_done))
        .bind(reached.sha256.map(|sha256| sha256.to_string()))
        .bind(reached.bytes.map(|bytes| column("size of an input", bytes)).transpose()?)
        .execute(&mut *connection)
        .await
        .map_err(|error| store.explain(error))?;
        if written.rows_affected() == 0 {
            return Err(Error::RunMovedOn {
                run: run.clone(),
                ordinal: reached.ordinal,
            });
        }
    }
    Ok(())
}

async fn put_phase(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    run: &RunId,
    saved: Option<&Saved>,
    phase: RunPhase,
) -> Result<()> {
    let query = match (phase, saved) {
        (RunPhase::Finished, _) => sqlx::query(
            "UPDATE runs SET is_finished = 1, state_version = NULL, state = NULL WHERE run_id = $1",
        )
        .bind(&run.0),
        (RunPhase::Unfinished, Some(saved)) => {
            sqlx::query("UPDATE runs SET state_version = $2, state = $3 WHERE run_id = $1")
                .bind(&run.0)
                .bind(i64::from(saved.version))
                .bind(&saved.bytes)
        }
        (RunPhase::Unfinished, None) => return Ok(()),
    };
    query
        .execute(connection)
        .await
        .map_err(|error| store.explain(error))?;
    Ok(())
}
