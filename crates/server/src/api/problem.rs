//! Faults as programs read them: problem details (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Problem {
    /// What sort of fault it is: `urn:pollwatch:problem:` and a word.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: String,
    /// The status.
    status: u16,
    /// What happened, and what to do.
    detail: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, kind: &str, detail: &str) -> Self {
        Problem {
            kind: format!("urn:pollwatch:problem:{kind}"),
            title: status.canonical_reason().unwrap_or("Fault").to_owned(),
            status: status.as_u16(),
            detail: detail.to_owned(),
        }
    }

    pub(crate) fn missing(what: &str) -> Self {
        Problem::new(
            StatusCode::NOT_FOUND,
            "not-found",
            &format!("There is no such {what}."),
        )
    }

    pub(crate) fn failed(error: &dyn std::error::Error) -> Self {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", &error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}
