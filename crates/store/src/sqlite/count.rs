//! Counts over all findings, read from indexes alone.

use sqlx::{QueryBuilder, Sqlite};

use super::rows::{column, count, severity, word};
use super::{SqliteStore, filters};
use crate::{DayCount, Filter, ReachCount, Result};

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

pub(super) async fn count_findings(store: &SqliteStore, filter: &Filter, most: u64) -> Result<u64> {
    let filter = Filter {
        after: None,
        ..filter.clone()
    };
    let mut query = QueryBuilder::<Sqlite>::new("SELECT COUNT(*) FROM (SELECT 1 FROM findings f");
    filters::push(store, &mut query, &filter).await?;
    query.push(" LIMIT ").push_bind(column("limit", most)?).push(")");
    let (found,): (i64,) = query
        .build_query_as()
        .fetch_one(&store.pool)
        .await
        .map_err(|error| store.explain(error))?;
    count("findings", found)
}

pub(super) async fn reach_counts(store: &SqliteStore) -> Result<Vec<ReachCount>> {
    type Row = (
        String,
        String,
        String,
        i64,
        Option<String>,
        String,
        Option<String>,
        i64,
    );
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT target_id, desk, polarity, severity, stage, tlp, NULLIF(verdict, 'note'), COUNT(*) FROM findings \
         GROUP BY target_id, polarity, severity, stage, desk, tlp, 7 ORDER BY target_id, desk, polarity, severity, stage, tlp, 7",
    )
    .fetch_all(&store.pool)
    .await
    .map_err(|error| store.explain(error))?;
    let mut counts = Vec::with_capacity(rows.len());
    for (target, desk, polarity, rank, stage, tlp, verdict, findings) in rows {
        counts.push(ReachCount {
            target: word("findings", &target)?,
            desk,
            polarity: word("findings", &polarity)?,
            severity: severity("findings", rank)?,
            stage: stage.map(|stage| word("findings", &stage)).transpose()?,
            tlp: word("findings", &tlp)?,
            dismissed: verdict.as_deref() == Some("dismissed"),
            confirmed: verdict.as_deref() == Some("confirmed"),
            findings: count("findings", findings)?,
        });
    }
    Ok(counts)
}

pub(super) async fn day_counts(store: &SqliteStore) -> Result<Vec<DayCount>> {
    // A time before 1970 would round towards zero; no source of ours has one.
    let rows: Vec<(i64, String, i64)> = sqlx::query_as(
        "SELECT first_observed_us / $1 AS day, stage, COUNT(*) FROM findings INDEXED BY findings_by_target \
         WHERE polarity = 'threat' AND severity >= 2 AND first_observed_us >= 0 AND stage IS NOT NULL \
         AND (verdict IS NULL OR verdict <> 'dismissed') GROUP BY day, stage ORDER BY day, stage",
    )
    .bind(DAY_US)
    .fetch_all(&store.pool)
    .await
    .map_err(|error| store.explain(error))?;
    let mut counts = Vec::with_capacity(rows.len());
    for (day, stage, findings) in rows {
        counts.push(DayCount {
            day,
            stage: word("findings", &stage)?,
            findings: count("findings", findings)?,
        });
    }
    Ok(counts)
}
