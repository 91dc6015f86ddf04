//! The answers of the API.

use std::collections::BTreeMap;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use pollwatch_model::{EvidenceId, FindingId, Stage, TargetId};
use pollwatch_store::Store;

use super::problem::Problem;
use super::types::{
    CoverageRecord, DeskRecord, EntryRecord, FindingPage, FindingRecord, LedgerRecord, NewDecision,
    ReachRecord, TallyRecord, TargetListQuery, TargetPage, TargetRecord, WatchRecord, Whole,
};
use crate::Console;
use crate::access::guard::Caller;
use crate::pages::decide::{self, Refused};
use crate::pages::query::{FindingQuery, MAX_PAGE, PAGE, write_cursor};
use crate::web::visitor::Visitor;

type Answer<T> = Result<Json<T>, Problem>;

fn bad_query(rejection: &QueryRejection) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad-query", &rejection.body_text())
}

fn bad_field(name: &str, value: &str) -> Problem {
    let detail = format!("{value:?} is no {name}; the description of the API says what is.");
    Problem::new(StatusCode::BAD_REQUEST, "bad-field", &detail)
}

pub(crate) async fn findings(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    query: Result<Query<FindingQuery>, QueryRejection>,
) -> Answer<FindingPage> {
    let Query(query) = query.map_err(|rejection| bad_query(&rejection))?;
    let (filter, bad) = query.filter(&visitor);
    if let Some(field) = bad.first() {
        return Err(bad_field(field.name, &field.value));
    }
    let page = console
        .inner
        .store
        .findings(&filter)
        .await
        .map_err(|error| Problem::failed(&error))?;
    Ok(Json(FindingPage {
        items: page.findings.into_iter().map(FindingRecord::from).collect(),
        next: page.next.as_ref().map(write_cursor),
    }))
}

pub(crate) async fn finding(State(console): State<Console>, Path(id): Path<String>) -> Answer<FindingRecord> {
    let id: FindingId = id.parse().map_err(|_| Problem::missing("finding"))?;
    match console.inner.store.finding(&id).await {
        Ok(Some(stored)) => Ok(Json(stored.into())),
        Ok(None) => Err(Problem::missing("finding")),
        Err(error) => Err(Problem::failed(&error)),
    }
}

pub(crate) async fn decide(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Result<Json<NewDecision>, JsonRejection>,
) -> Result<(StatusCode, Json<pollwatch_model::Decision>), Problem> {
    let id: FindingId = id.parse().map_err(|_| Problem::missing("finding"))?;
    let Json(new) =
        body.map_err(|rejection| Problem::new(rejection.status(), "bad-body", &rejection.body_text()))?;
    let word = match new.verdict {
        pollwatch_model::Verdict::Confirmed => "confirmed",
        pollwatch_model::Verdict::Dismissed => "dismissed",
        pollwatch_model::Verdict::Note => "note",
    };
    let (verdict, reason) = decide::read(word, &new.reason).map_err(|refused| {
        let detail = match refused {
            Refused::NoReason => "A dismissal and a note need a reason.",
            Refused::LongReason => "A reason has 2,000 characters at most.",
            Refused::Verdict => "A verdict is confirmed, dismissed or note.",
        };
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "no-reason", detail)
    })?;
    match decide::record(&console, &caller, &id, verdict, reason).await {
        Ok(decision) => Ok((StatusCode::CREATED, Json(decision))),
        Err(pollwatch_engine::Error::NoSuchFinding(_)) => Err(Problem::missing("finding")),
        Err(pollwatch_engine::Error::Locked(_)) => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "Another process is recording. Nothing was changed; try again in a minute.",
        )),
        Err(error) => Err(Problem::failed(&error)),
    }
}

fn record(console: &Console, id: &TargetId, reach: &crate::snapshot::Reach) -> TargetRecord {
    let target = crate::snapshot::target(&console.inner.register, id);
    TargetRecord {
        id: id.clone(),
        name: target.map_or_else(|| id.to_string(), |target| target.name.clone()),
        kind: target.map(|target| target.kind),
        state: target.map(|target| target.state.clone()).unwrap_or_default(),
        domains: target.map(|target| target.domains.clone()).unwrap_or_default(),
        reach: ReachRecord::from(reach),
    }
}

pub(crate) async fn targets(
    State(console): State<Console>,
    query: Result<Query<TargetListQuery>, QueryRejection>,
) -> Answer<TargetPage> {
    let Query(query) = query.map_err(|rejection| bad_query(&rejection))?;
    let limit = match query.limit.as_str() {
        "" => PAGE,
        text => text
            .parse::<u32>()
            .ok()
            .filter(|limit| (1..=MAX_PAGE).contains(limit))
            .ok_or_else(|| bad_field("limit", text))?,
    };
    let after: Option<TargetId> = match query.after.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| bad_field("after", text))?),
    };
    let snapshot = console.snapshot();
    let mut all: Vec<_> = snapshot.targets.iter().chain(&snapshot.unregistered).collect();
    all.sort_by_key(|(id, _)| (*id).clone());
    let rest: Vec<_> = all
        .into_iter()
        .filter(|(id, _)| after.as_ref().is_none_or(|after| *id > after))
        .take(limit as usize + 1)
        .collect();
    let items: Vec<TargetRecord> = rest
        .iter()
        .take(limit as usize)
        .map(|(id, reach)| record(&console, id, reach))
        .collect();
    let next = items
        .last()
        .filter(|_| rest.len() > limit as usize)
        .map(|last| last.id.to_string());
    Ok(Json(TargetPage { items, next }))
}

pub(crate) async fn target(State(console): State<Console>, Path(id): Path<String>) -> Answer<TargetRecord> {
    let id: TargetId = id.parse().map_err(|_| Problem::missing("target"))?;
    let snapshot = console.snapshot();
    match (
        snapshot.reach(&id),
        crate::snapshot::target(&console.inner.register, &id),
    ) {
        (Some(reach), _) => Ok(Json(record(&console, &id, reach))),
        (None, Some(_)) => Ok(Json(record(&console, &id, &crate::snapshot::Reach::default()))),
        (None, None) => Err(Problem::missing("target")),
    }
}

pub(crate) async fn tally(State(console): State<Console>) -> Json<TallyRecord> {
    let snapshot = console.snapshot();
    let by_stage: BTreeMap<String, u64> = Stage::ALL
        .iter()
        .map(|stage| (stage.word().to_owned(), snapshot.targets_at(*stage)))
        .filter(|(_, targets)| *targets > 0)
        .collect();
    Json(TallyRecord {
        targets: snapshot.targets.len() as u64,
        by_stage,
        no_sign: snapshot.no_sign(),
        no_data: snapshot.no_data(),
        alarms: snapshot.alarms,
        undecided: snapshot.undecided,
        assurances: snapshot.assurances,
        records_read: snapshot.records_read(),
        records_unread: snapshot.records_unread(),
        unwatched: snapshot
            .desks
            .iter()
            .filter(|desk| !desk.is_watched())
            .map(|desk| desk.card.name.to_owned())
            .collect(),
    })
}

pub(crate) async fn coverage(State(console): State<Console>) -> Json<Whole<CoverageRecord>> {
    let snapshot = console.snapshot();
    Json(Whole {
        items: snapshot.coverage.iter().map(CoverageRecord::from).collect(),
    })
}

pub(crate) async fn sources(State(console): State<Console>) -> Json<Whole<DeskRecord>> {
    let snapshot = console.snapshot();
    let items = snapshot
        .desks
        .iter()
        .map(|desk| DeskRecord {
            name: desk.card.name.to_owned(),
            title: desk.card.title.to_owned(),
            looks_for: desk.card.looks_for.to_owned(),
            unwatched: desk.card.unwatched.to_owned(),
            kinds: desk.card.kinds.iter().map(|kind| kind.name.to_owned()).collect(),
            sources: desk.sources,
            records_read: desk.records_read,
            records_unread: desk.records_unread,
        })
        .collect();
    Json(Whole { items })
}

pub(crate) async fn watch(State(console): State<Console>) -> Json<WatchRecord> {
    Json(WatchRecord::from(&console.watch()))
}

pub(crate) async fn ledger(State(console): State<Console>) -> Answer<LedgerRecord> {
    let origin = console.inner.origin.clone();
    console
        .read(move |workspace| {
            let ledger = workspace.ledger()?;
            Ok(LedgerRecord {
                origin,
                size: ledger.size(),
                checkpoint: ledger.signed_checkpoint().to_string(),
                verifier_key: workspace.verifier_key(),
            })
        })
        .await
        .map(Json)
        .map_err(|error| Problem::failed(&error))
}

pub(crate) async fn entry(State(console): State<Console>, Path(index): Path<String>) -> Answer<EntryRecord> {
    let index: u64 = index.parse().map_err(|_| Problem::missing("entry"))?;
    let found = console
        .read(move |workspace| {
            let ledger = workspace.ledger()?;
            if index >= ledger.size() {
                return Ok(None);
            }
            let entry = ledger
                .entry(index)
                .map_err(pollwatch_engine::Error::reading_ledger)?;
            let proof = ledger
                .tlog_proof(index)
                .map_err(pollwatch_engine::Error::reading_ledger)?;
            Ok(Some(EntryRecord {
                index,
                entry: base64::engine::general_purpose::STANDARD.encode(entry),
                proof: proof.to_string(),
            }))
        })
        .await;
    match found {
        Ok(Some(record)) => Ok(Json(record)),
        Ok(None) => Err(Problem::missing("entry")),
        Err(error) => Err(Problem::failed(&error)),
    }
}

pub(crate) async fn evidence(State(console): State<Console>, Path(digest): Path<String>) -> Response {
    let Ok(id) = digest.parse::<EvidenceId>() else {
        return Problem::missing("evidence").into_response();
    };
    match console.read(move |workspace| workspace.evidence(&id)).await {
        Ok(Some(bytes)) => {
            crate::pages::finding::attachment(bytes, &format!("{id}.bin"), "application/octet-stream")
        }
        Ok(None) => Problem::missing("evidence").into_response(),
        Err(error) => Problem::failed(&error).into_response(),
    }
}

pub(crate) async fn missing() -> Problem {
    Problem::missing("address")
}
