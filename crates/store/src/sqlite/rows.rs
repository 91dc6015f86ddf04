//! Numbers and texts as the columns have them.

use std::str::FromStr;

use pollwatch_model::{Decision, Finding, Severity};
use serde::de::DeserializeOwned;

use crate::{Error, Result, StoredFinding};

/// Most rows that one statement inserts: SQLite takes 32,766 parameters, the widest table needs 15 a row.
pub(super) const ROWS_AT_ONCE: usize = 500;

/// A count as a column has it.
pub(super) fn column(what: &'static str, value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| Error::TooLarge { what, value })
}

/// A count as a column had it.
pub(super) fn count(table: &'static str, value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| Error::Row {
        table,
        why: format!("a count of {value}"),
    })
}

/// A count that may be absent, as a column had it.
pub(super) fn optional_count(table: &'static str, value: Option<i64>) -> Result<Option<u64>> {
    value.map(|value| count(table, value)).transpose()
}

/// An id or a word of a scale, as a column had it.
pub(super) fn word<T>(table: &'static str, text: &str) -> Result<T>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| Error::Row {
        table,
        why: error.to_string(),
    })
}

/// A value kept as JSON.
pub(super) fn json<T: DeserializeOwned>(table: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Row {
        table,
        // Only the place: the message might repeat what the row holds.
        why: format!(
            "no valid JSON from line {} column {} on",
            error.line(),
            error.column()
        ),
    })
}

/// A severity as its rank.
pub(super) fn rank(severity: Severity) -> i64 {
    Severity::ALL
        .iter()
        .position(|one| *one == severity)
        .and_then(|position| i64::try_from(position).ok())
        .expect("every severity is among all severities")
}

/// The severity of a rank.
pub(super) fn severity(table: &'static str, rank: i64) -> Result<Severity> {
    usize::try_from(rank)
        .ok()
        .and_then(|position| Severity::ALL.get(position).copied())
        .ok_or_else(|| Error::Row {
            table,
            why: format!("a severity of rank {rank}"),
        })
}

/// Selects what [`FindingRow`] has.
pub(super) const SELECT_FINDING: &str = "SELECT f.finding_id, f.finding, f.revision, r.statement, l.ledger_index, \
     (SELECT d.decision FROM decisions d WHERE d.finding_id = f.finding_id \
     AND json_extract(d.decision, '$.verdict') <> 'note' ORDER BY d.decision_id DESC LIMIT 1) \
     FROM findings f \
     LEFT JOIN finding_revisions r ON r.finding_id = f.finding_id AND r.revision = f.revision \
     LEFT JOIN leaves l ON l.leaf_id = r.leaf_id";

/// Id, finding, revision, statement, ledger index, current decision.
pub(super) type FindingRow = (String, String, i64, Option<String>, Option<i64>, Option<String>);

/// Findings of their rows, parsed off the runtime's threads.
pub(super) async fn parse_findings(rows: Vec<FindingRow>) -> Result<Vec<StoredFinding>> {
    off_the_runtime(move || rows.iter().map(parse_finding).collect()).await
}

fn parse_finding(
    (id, text, revision, statement, ledger_index, decision): &FindingRow,
) -> Result<StoredFinding> {
    let finding: Finding = json("findings", text)?;
    if finding.id.as_str() != id {
        return Err(Error::Row {
            table: "findings",
            why: format!("the row of {} holds {}", id, finding.id),
        });
    }
    let Some(statement) = statement else {
        return Err(Error::Row {
            table: "finding_revisions",
            why: format!("revision {revision} of {id} is missing"),
        });
    };
    let decision: Option<Decision> = match decision {
        Some(text) => Some(json("decisions", text)?),
        None => None,
    };
    Ok(StoredFinding {
        finding,
        revision: count("findings", *revision)?,
        statement: word("finding_revisions", statement)?,
        ledger_index: optional_count("leaves", *ledger_index)?,
        decision,
    })
}

/// Does work of more than a millisecond where it holds up nobody.
pub(super) async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Error::ShuttingDown),
        },
    }
}
