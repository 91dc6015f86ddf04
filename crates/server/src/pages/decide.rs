//! What an analyst makes of a finding: an event in the ledger, never rewritten.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use jiff::Timestamp;
use pollwatch_model::{Decision, FindingId, Verdict};
use serde::Deserialize;

use super::finding::MAX_REASON_CHARS;
use super::notice;
use crate::Console;
use crate::access::guard::Caller;
use crate::web::visitor::Visitor;
use crate::words as w;

#[derive(Debug, Deserialize)]
pub(crate) struct DecisionForm {
    verdict: String,
    #[serde(default)]
    reason: String,
}

/// Why a decision is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Verdict,
    NoReason,
    LongReason,
}

/// Reads a verdict and its reason; all but a confirmation need one.
pub(crate) fn read(verdict: &str, reason: &str) -> Result<(Verdict, String), Refused> {
    let verdict = match verdict {
        "confirmed" => Verdict::Confirmed,
        "dismissed" => Verdict::Dismissed,
        "note" => Verdict::Note,
        _ => return Err(Refused::Verdict),
    };
    let reason = reason.trim().replace("\r\n", "\n");
    if reason.is_empty() && verdict != Verdict::Confirmed {
        return Err(Refused::NoReason);
    }
    if reason.chars().count() > MAX_REASON_CHARS {
        return Err(Refused::LongReason);
    }
    Ok((verdict, reason))
}

/// Records a decision by `caller`.
pub(crate) async fn record(
    console: &Console,
    caller: &Caller,
    id: &FindingId,
    verdict: Verdict,
    reason: String,
) -> Result<Decision, pollwatch_engine::Error> {
    let (id, by) = (id.clone(), caller.name.clone());
    console
        .write(move |workspace| workspace.decide(id.as_str(), verdict, &reason, &by, Timestamp::now()))
        .await
}

pub(crate) async fn submit(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Form(form): Form<DecisionForm>,
) -> Response {
    let Ok(id) = id.parse::<FindingId>() else {
        return notice::missing(&console, &visitor);
    };
    let (verdict, reason) = match read(&form.verdict, &form.reason) {
        Ok(read) => read,
        Err(refused) => {
            let text = match refused {
                Refused::Verdict => w::NO_SUCH_VERDICT,
                Refused::NoReason => w::NEEDS_REASON,
                Refused::LongReason => w::REASON_TOO_LONG,
            };
            return notice::say(
                &console,
                &visitor,
                StatusCode::UNPROCESSABLE_ENTITY,
                w::NOT_RECORDED,
                text,
            );
        }
    };
    match record(&console, &caller, &id, verdict, reason).await {
        Ok(_) => Redirect::to(&format!("/findings/{id}#decisions")).into_response(),
        Err(pollwatch_engine::Error::NoSuchFinding(_)) => notice::missing(&console, &visitor),
        Err(error) => notice::failed(&console, &visitor, &error),
    }
}
