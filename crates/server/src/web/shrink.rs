//! Compresses answers, and spares those that the caller has already (RFC 9110, section 8.8.3).

use std::io::Write as _;

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use ring::digest;

use crate::app::off_the_runtime;

/// Answers below this are sent as they are: a packet is a packet.
const MIN_BYTES: usize = 1_000;
/// Answers up to this are compressed on the spot, which takes well under a millisecond; larger ones elsewhere.
const SMALL_BYTES: usize = 32 * 1024;
/// Answers beyond this are sent as they are.
const MAX_BYTES: u64 = 8 * 1024 * 1024;
/// zlib's level: most of the gain for a third of the time of level 6.
const LEVEL: Compression = Compression::new(4);

pub(crate) async fn shrink(request: Request, next: Next) -> Response {
    let takes_gzip = accepts_gzip(request.headers());
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let is_get = request.method() == Method::GET;
    let wants_tag = is_get && request.uri().path().starts_with("/api/");
    let response = next.run(request).await;
    let kind = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let is_text = kind.is_some_and(|kind| {
        kind.starts_with("text/") && !kind.starts_with("text/event-stream")
            || kind.starts_with("application/json")
            || kind.starts_with("application/problem+json")
            || kind.starts_with("image/svg")
    });
    // A stream has no size; it is left alone.
    let size = response.body().size_hint().exact();
    let (Some(size), true) = (size, is_text) else {
        return response;
    };
    if size > MAX_BYTES || response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_BYTES as usize).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if wants_tag && parts.status == StatusCode::OK {
        let digest = digest::digest(&digest::SHA256, &bytes);
        // Weak, because the compressed form has other bytes.
        let tag = format!("W/\"{}\"", hex::encode(&digest.as_ref()[..16]));
        let is_known = known
            .as_ref()
            .and_then(|value| value.to_str().ok())
            .is_some_and(|known| known.split(',').any(|one| one.trim() == tag || one.trim() == "*"));
        if let Ok(value) = HeaderValue::from_str(&tag) {
            parts.headers.insert(header::ETAG, value);
        }
        parts.headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-cache"),
        );
        if is_known {
            parts.status = StatusCode::NOT_MODIFIED;
            parts.headers.remove(header::CONTENT_TYPE);
            parts.headers.remove(header::CONTENT_LENGTH);
            return Response::from_parts(parts, Body::empty());
        }
    }
    parts
        .headers
        .append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !takes_gzip || bytes.len() < MIN_BYTES {
        return Response::from_parts(parts, Body::from(bytes));
    }
    let packed = if bytes.len() <= SMALL_BYTES {
        gzip(&bytes)
    } else {
        let bytes = bytes.clone();
        off_the_runtime(move || gzip(&bytes)).await
    };
    match packed {
        Some(packed) => {
            parts
                .headers
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(packed))
        }
        None => Response::from_parts(parts, Body::from(bytes)),
    }
}

fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), LEVEL);
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let mut fields = coding.split(';');
            let name = fields.next().unwrap_or_default().trim();
            let is_refused =
                fields.any(|field| matches!(field.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
            name.eq_ignore_ascii_case("gzip") && !is_refused
        })
}
