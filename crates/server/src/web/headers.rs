//! What every answer says about itself, and which requests are answered at all.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::Console;

/// Only our own files, no inline script or style, no frame around us, forms to ourselves alone.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; font-src 'self'; manifest-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

/// Refuses hosts that we are not called by, and puts the headers on.
pub(crate) async fn frame(State(console): State<Console>, request: Request, next: Next) -> Response {
    if !is_our_host(&console, &request) {
        // Another site's name that was pointed at this address: what it asks for is none of its business.
        return (
            StatusCode::MISDIRECTED_REQUEST,
            "This console is not known by that name.\n",
        )
            .into_response();
    }
    console.inner.meters.begin();
    let begun = std::time::Instant::now();
    let mut response = next.run(request).await;
    console.inner.meters.end(response.status(), begun.elapsed());
    let headers = response.headers_mut();
    let mut put = |name: header::HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    put(header::CONTENT_SECURITY_POLICY, POLICY);
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // With "no-referrer" a browser would hide from ourselves that a form is ours (Origin: null).
    put(header::REFERRER_POLICY, "same-origin");
    put(header::X_FRAME_OPTIONS, "DENY");
    put(header::CACHE_CONTROL, "no-store");
    put(
        header::HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    put(
        header::HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    put(
        header::HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    );
    if console.inner.options.is_secure() {
        put(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

/// Whether the request calls us by a name of ours (DNS rebinding, poisoned links).
fn is_our_host(console: &Console, request: &Request<Body>) -> bool {
    let options = &console.inner.options;
    let host = request.headers().get(header::HOST).map(|value| value.to_str());
    let authority = match (host, request.uri().authority()) {
        (Some(Ok(host)), None) => host.to_owned(),
        (None, Some(authority)) => authority.to_string(),
        // In absolute form both must say the same (RFC 9112, section 3.2.2).
        (Some(Ok(host)), Some(authority)) if host == authority.as_str() => host.to_owned(),
        _ => return false,
    };
    let Ok(uri) = authority.parse::<Uri>() else {
        return false;
    };
    let Some(authority) = uri.authority() else {
        return false;
    };
    if authority.as_str().contains('@') {
        return false;
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let is_loopback = matches!(host, "localhost" | "127.0.0.1" | "::1") && options.listen.ip().is_loopback();
    is_loopback
        || (host == options.listen.ip().to_string() && !options.listen.ip().is_unspecified())
        || options.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host))
}
