//! A filter as SQL.

use pollwatch_model::FindingId;
use sqlx::{QueryBuilder, Sqlite};

use super::SqliteStore;
use super::rows::rank;
use crate::{Cursor, Decided, Dismissed, Filter, Order, Result};

/// Findings up to which the text index alone finds a text; a more common one is met soon on a walk in the list's order.
const RARE: i64 = 2_000;

/// Fewest characters that the text index knows (SQLite, "FTS5", section 4.3.4: trigrams).
const MIN_INDEXED_CHARS: usize = 3;

/// Characters of a text that the index is asked for; so many narrow it down far enough.
const MAX_ASKED_CHARS: usize = 40;

/// Appends the WHERE clause of `filter` over `findings f`, its place in the order included.
pub(super) async fn push(
    store: &SqliteStore,
    query: &mut QueryBuilder<Sqlite>,
    filter: &Filter,
) -> Result<()> {
    query.push(" WHERE TRUE");
    if let Some(desk) = &filter.desk {
        query.push(" AND f.desk = ").push_bind(desk.clone());
    }
    if let Some(kind) = &filter.kind {
        query.push(" AND f.kind = ").push_bind(kind.clone());
    }
    if let Some(least) = filter.severity_at_least {
        query.push(" AND f.severity >= ").push_bind(rank(least));
    }
    if let Some(polarity) = filter.polarity {
        query.push(" AND f.polarity = ").push_bind(polarity.word());
    }
    if let Some(stage) = filter.stage {
        query.push(" AND f.stage = ").push_bind(stage.word());
    }
    if let Some(target) = &filter.target {
        query
            .push(" AND f.target_id = ")
            .push_bind(target.as_str().to_owned());
    }
    match filter.decided {
        None => {}
        Some(Decided::Open) => {
            query.push(" AND (f.verdict IS NULL OR f.verdict = 'note')");
        }
        Some(Decided::Confirmed) => {
            query.push(" AND f.verdict = 'confirmed'");
        }
        Some(Decided::Dismissed) => {
            query.push(" AND f.verdict = 'dismissed'");
        }
    }
    if let Some(from) = filter.seen_from {
        query
            .push(" AND f.last_observed_us >= ")
            .push_bind(from.as_microsecond());
    }
    if let Some(before) = filter.seen_before {
        query
            .push(" AND f.first_observed_us < ")
            .push_bind(before.as_microsecond());
    }
    if filter.dismissed == Dismissed::LeftOut {
        query.push(" AND (f.verdict IS NULL OR f.verdict <> 'dismissed')");
    }
    if let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) {
        push_text(store, query, &text.to_lowercase()).await?;
    }
    if let Some(place) = &filter.after {
        push_place(query, filter.order, place);
    }
    Ok(())
}

async fn push_text(store: &SqliteStore, query: &mut QueryBuilder<Sqlite>, text: &str) -> Result<()> {
    if let Some(phrase) = letters_in_threes(text) {
        let (found,): (i64,) = sqlx::query_as(
            "SELECT COUNT(*) FROM (SELECT 1 FROM findings_text WHERE findings_text MATCH $1 LIMIT $2)",
        )
        .bind(&phrase)
        .bind(RARE + 1)
        .fetch_one(&store.pool)
        .await
        .map_err(|error| store.explain(error))?;
        if found <= RARE {
            query
                .push(" AND f.rowid IN (SELECT rowid FROM findings_text WHERE findings_text MATCH ")
                .push_bind(phrase)
                .push(")");
        }
    }
    // The index knows three letters at a time and no order between them: the text itself decides.
    query
        .push(" AND instr(f.search_text, ")
        .push_bind(text.to_owned())
        .push(") > 0");
    Ok(())
}

/// The question for the text index: every three letters of `text` in a row, each in quotes, all of them wanted.
fn letters_in_threes(text: &str) -> Option<String> {
    let letters: Vec<char> = text.chars().take(MAX_ASKED_CHARS).collect();
    if letters.len() < MIN_INDEXED_CHARS || text.contains('\0') {
        return None;
    }
    let threes = letters.windows(MIN_INDEXED_CHARS).map(|three| {
        let three: String = three.iter().collect();
        format!("\"{}\"", three.replace('"', "\"\""))
    });
    Some(threes.collect::<Vec<_>>().join(" AND "))
}

fn push_place(query: &mut QueryBuilder<Sqlite>, order: Order, place: &Cursor) {
    let id = |finding: &FindingId| finding.as_str().to_owned();
    match (order, place.last_observed_us) {
        (Order::Urgency, _) => {
            let severity = rank(place.severity);
            query
                .push(" AND f.severity <= ")
                .push_bind(severity)
                .push(" AND (f.severity < ")
                .push_bind(severity)
                .push(" OR f.finding_id > ")
                .push_bind(id(&place.finding))
                .push(")");
        }
        (Order::Newest, Some(last)) => {
            query
                .push(" AND (f.last_observed_us < ")
                .push_bind(last)
                .push(" OR f.last_observed_us IS NULL OR (f.last_observed_us = ")
                .push_bind(last)
                .push(" AND f.finding_id > ")
                .push_bind(id(&place.finding))
                .push("))");
        }
        // SQLite sorts NULL before everything, so they end a descending order.
        (Order::Newest, None) => {
            query
                .push(" AND f.last_observed_us IS NULL AND f.finding_id > ")
                .push_bind(id(&place.finding));
        }
    }
}

/// Appends the ORDER BY clause.
pub(super) fn push_order(query: &mut QueryBuilder<Sqlite>, filter: &Filter) {
    query.push(match filter.order {
        Order::Urgency => " ORDER BY f.severity DESC, f.finding_id",
        Order::Newest => " ORDER BY f.last_observed_us DESC, f.finding_id",
    });
}
