//! Questions about findings, evidence, coverage and problems.

use std::collections::BTreeMap;

use pollwatch_model::{Coverage, EvidenceId, Finding, FindingId, Problem};
use sqlx::{QueryBuilder, Sqlite};

use super::SqliteStore;
use super::filters;
use super::rows::{
    FindingRow, ROWS_AT_ONCE, SELECT_FINDING, column, count, json, optional_count, parse_findings, rank,
    severity, word,
};
use crate::{
    Cursor, Error, EvidenceLocation, Filter, FindingCount, LeafId, Page, Result, RevisionRecord, RunId,
    StatementRecord, StoredFinding,
};

/// How many of the ids that a prefix fits are named in the error.
const AMBIGUOUS_IDS_NAMED: usize = 5;

pub(super) async fn current_findings(store: &SqliteStore, ids: &[FindingId]) -> Result<Vec<StoredFinding>> {
    let mut wanted: Vec<&str> = ids.iter().map(FindingId::as_str).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut found: Vec<FindingRow> = Vec::new();
    for chunk in wanted.chunks(ROWS_AT_ONCE) {
        let mut query = QueryBuilder::<Sqlite>::new(SELECT_FINDING);
        query.push(" WHERE f.finding_id IN (");
        let mut list = query.separated(", ");
        for id in chunk {
            list.push_bind(*id);
        }
        query.push(") ORDER BY f.finding_id");
        let rows: Vec<FindingRow> = query
            .build_query_as()
            .fetch_all(&store.pool)
            .await
            .map_err(|error| store.explain(error))?;
        found.extend(rows);
    }
    parse_findings(found).await
}

pub(super) async fn find_id(store: &SqliteStore, prefix: &str) -> Result<FindingId> {
    let lower = prefix.trim().to_ascii_lowercase();
    let start = if lower.starts_with("f-") {
        lower
    } else {
        format!("f-{lower}")
    };
    // Characters of an id sort before '{', so these are the bounds of all ids with the prefix.
    if !start[2..]
        .bytes()
        .all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
    {
        return Err(Error::NoSuchFinding(prefix.to_owned()));
    }
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT finding_id FROM findings WHERE finding_id >= $1 AND finding_id < $2 ORDER BY finding_id LIMIT $3",
    )
    .bind(&start)
    .bind(format!("{start}{{"))
    .bind(AMBIGUOUS_IDS_NAMED as i64)
    .fetch_all(&store.pool)
    .await
    .map_err(|error| store.explain(error))?;
    let mut matches = Vec::with_capacity(rows.len());
    for (id,) in rows {
        matches.push(word::<FindingId>("findings", &id)?);
    }
    match matches.len() {
        0 => Err(Error::NoSuchFinding(prefix.to_owned())),
        1 => Ok(matches.remove(0)),
        _ => Err(Error::AmbiguousId {
            prefix: prefix.to_owned(),
            matches,
        }),
    }
}

pub(super) async fn findings(store: &SqliteStore, filter: &Filter) -> Result<Page> {
    if filter.limit == Some(0) {
        return Ok(Page::default());
    }
    let mut query = QueryBuilder::<Sqlite>::new(SELECT_FINDING);
    filters::push(store, &mut query, filter).await?;
    filters::push_order(&mut query, filter);
    if let Some(limit) = filter.limit {
        // One more than asked for tells whether there is a next page.
        query.push(" LIMIT ").push_bind(i64::from(limit) + 1);
    }
    let mut rows: Vec<FindingRow> = query
        .build_query_as()
        .fetch_all(&store.pool)
        .await
        .map_err(|error| store.explain(error))?;
    let limit = filter.limit.map_or(usize::MAX, |limit| limit as usize);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let findings = parse_findings(rows).await?;
    let next = findings.last().filter(|_| has_more).map(|last| Cursor {
        severity: last.finding.severity,
        last_observed_us: last.finding.observed.last.map(|time| time.as_microsecond()),
        finding: last.finding.id.clone(),
    });
    Ok(Page { findings, next })
}

pub(super) async fn recorded_after(
    store: &SqliteStore,
    leaf: LeafId,
    limit: u32,
) -> Result<Vec<StoredFinding>> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT_FINDING);
    query
        .push(" WHERE f.rowid IN (SELECT g.rowid FROM finding_revisions n JOIN findings g ON g.finding_id = n.finding_id")
        .push(" AND g.revision = n.revision WHERE n.leaf_id > ")
        .push_bind(column("leaf number", leaf.0)?)
        .push(" ORDER BY n.leaf_id DESC LIMIT ")
        .push_bind(i64::from(limit))
        .push(") ORDER BY r.leaf_id DESC");
    let rows: Vec<FindingRow> = query
        .build_query_as()
        .fetch_all(&store.pool)
        .await
        .map_err(|error| store.explain(error))?;
    parse_findings(rows).await
}

pub(super) async fn finding_counts(store: &SqliteStore) -> Result<Vec<FindingCount>> {
    let rows: Vec<(String, String, i64, i64, i64)> = sqlx::query_as(
        "SELECT desk, polarity, severity, COUNT(*), \
         COALESCE(SUM(CASE WHEN verdict = 'dismissed' THEN 1 ELSE 0 END), 0) \
         FROM findings GROUP BY desk, polarity, severity ORDER BY desk, polarity DESC, severity DESC",
    )
    .fetch_all(&store.pool)
    .await
    .map_err(|error| store.explain(error))?;
    let mut counts = Vec::with_capacity(rows.len());
    for (desk, polarity, rank, findings, dismissed) in rows {
        counts.push(FindingCount {
            desk,
            polarity: word("findings", &polarity)?,
            severity: severity("findings", rank)?,
            findings: count("findings", findings)?,
            dismissed: count("findings", dismissed)?,
        });
    }
    Ok(counts)
}

pub(super) async fn revisions(store: &SqliteStore, id: &FindingId) -> Result<Vec<RevisionRecord>> {
    let rows: Vec<(i64, String, i64, Option<i64>)> = sqlx::query_as(
        "SELECT r.revision, r.statement, r.leaf_id, l.ledger_index FROM finding_revisions r \
         JOIN leaves l ON l.leaf_id = r.leaf_id WHERE r.finding_id = $1 ORDER BY r.revision",
    )
    .bind(id.as_str())
    .fetch_all(&store.pool)
    .await
    .map_err(|error| store.explain(error))?;
    let mut history = Vec::with_capacity(rows.len());
    for (revision, statement, leaf_id, ledger_index) in rows {
        history.push(RevisionRecord {
            revision: count("finding_revisions", revision)?,
            statement: word("finding_revisions", &statement)?,
            leaf: LeafId(count("finding_revisions", leaf_id)?),
            ledger_index: optional_count("leaves", ledger_index)?,
        });
    }
    Ok(history)
}

pub(super) async fn current_statements(
    store: &SqliteStore,
    after: Option<&FindingId>,
    limit: u32,
) -> Result<Vec<StatementRecord>> {
    type StatementRow = (
        String,
        String,
        i64,
        Option<String>,
        Option<i64>,
        Option<String>,
        i64,
        String,
        String,
        String,
    );
    let rows: Vec<StatementRow> = sqlx::query_as(
        "SELECT f.finding_id, f.finding, f.revision, r.statement, l.ledger_index, \
         f.verdict, f.severity, f.target_id, f.polarity, f.desk FROM findings f \
         LEFT JOIN finding_revisions r ON r.finding_id = f.finding_id AND r.revision = f.revision \
         LEFT JOIN leaves l ON l.leaf_id = r.leaf_id \
         WHERE f.finding_id > $1 ORDER BY f.finding_id LIMIT $2",
    )
    .bind(after.map_or("", FindingId::as_str))
    .bind(i64::from(limit))
    .fetch_all(&store.pool)
    .await
    .map_err(|error| store.explain(error))?;
    let mut statements = Vec::with_capacity(rows.len());
    for (id, json, revision, statement, ledger_index, verdict, severity_rank, target, polarity, desk) in rows
    {
        let columns_agree = serde_json::from_str::<Finding>(&json).is_ok_and(|finding| {
            rank(finding.severity) == severity_rank
                && finding.target.id.as_str() == target
                && finding.polarity.word() == polarity
                && finding.desk == desk
        });
        statements.push(StatementRecord {
            verdict,
            columns_agree,
            finding: word("findings", &id)?,
            json,
            revision: count("findings", revision)?,
            statement: statement
                .map(|statement| word("finding_revisions", &statement))
                .transpose()?,
            ledger_index: optional_count("leaves", ledger_index)?,
        });
    }
    Ok(statements)
}

pub(super) async fn evidence_locations(
    store: &SqliteStore,
    ids: &[EvidenceId],
) -> Result<Vec<EvidenceLocation>> {
    let mut known: BTreeMap<EvidenceId, EvidenceLocation> = BTreeMap::new();
    for chunk in ids.chunks(ROWS_AT_ONCE) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT sha256, pack, pack_offset, length FROM evidence WHERE sha256 IN (",
        );
        let mut list = query.separated(", ");
        for id in chunk {
            list.push_bind(id.to_string());
        }
        query.push(")");
        let rows: Vec<(String, u32, i64, i64)> = query
            .build_query_as()
            .fetch_all(&store.pool)
            .await
            .map_err(|error| store.explain(error))?;
        for (sha256, pack, offset, length) in rows {
            let location = EvidenceLocation {
                sha256: word("evidence", &sha256)?,
                pack,
                offset: count("evidence", offset)?,
                length: count("evidence", length)?,
            };
            known.insert(location.sha256, location);
        }
    }
    Ok(ids.iter().filter_map(|id| known.get(id).copied()).collect())
}

pub(super) async fn coverage(store: &SqliteStore) -> Result<Vec<Coverage>> {
    let rows: Vec<(String,)> = sqlx::query_as("SELECT coverage FROM coverage ORDER BY desk, source, sha256")
        .fetch_all(&store.pool)
        .await
        .map_err(|error| store.explain(error))?;
    rows.iter().map(|(text,)| json("coverage", text)).collect()
}

pub(super) async fn problems(store: &SqliteStore, run: &RunId, limit: u32) -> Result<Vec<Problem>> {
    let rows: Vec<(String, Option<i64>, String, i64)> = sqlx::query_as(
        "SELECT file, record, what, records_lost FROM problems WHERE run_id = $1 ORDER BY ordinal LIMIT $2",
    )
    .bind(&run.0)
    .bind(i64::from(limit))
    .fetch_all(&store.pool)
    .await
    .map_err(|error| store.explain(error))?;
    let mut problems = Vec::with_capacity(rows.len());
    for (file, record, what, records_lost) in rows {
        problems.push(Problem {
            file,
            record: optional_count("problems", record)?,
            what,
            records_lost: count("problems", records_lost)?,
        });
    }
    Ok(problems)
}
