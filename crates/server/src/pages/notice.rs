//! Pages that say why there is no other: what happened, what it means, what to do next.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;

use super::layout::{Page, Place};
use crate::Console;
use crate::web::visitor::Visitor;
use crate::words as w;
use crate::words::Text;

pub(crate) fn say(
    console: &Console,
    visitor: &Visitor,
    status: StatusCode,
    title: Text,
    text: Text,
) -> Response {
    let language = visitor.language;
    let body = html! {
        h1 { (language.say(title)) }
        p.lead role="alert" { (language.say(text)) }
        p { a href="/" { (language.say(w::BACK_TO_START)) } }
    };
    Page::new(Place::Elsewhere, language.say(title), body)
        .status(status)
        .show(console, visitor)
}

pub(crate) fn missing(console: &Console, visitor: &Visitor) -> Response {
    say(
        console,
        visitor,
        StatusCode::NOT_FOUND,
        w::NOT_FOUND,
        w::NOT_FOUND_MEANS,
    )
}

pub(crate) async fn no_such_page(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    missing(&console, &visitor)
}

pub(crate) fn not_allowed(console: &Console, visitor: &Visitor) -> Response {
    say(
        console,
        visitor,
        StatusCode::FORBIDDEN,
        w::NOT_ALLOWED,
        w::NOT_ALLOWED_MEANS,
    )
}

pub(crate) fn signed_out(console: &Console, visitor: &Visitor) -> Response {
    say(
        console,
        visitor,
        StatusCode::UNAUTHORIZED,
        w::SIGNED_OUT,
        w::SIGNED_OUT_MEANS,
    )
}

pub(crate) fn not_meant(console: &Console, visitor: &Visitor) -> Response {
    say(
        console,
        visitor,
        StatusCode::FORBIDDEN,
        w::NOT_MEANT,
        w::NOT_MEANT_MEANS,
    )
}

pub(crate) fn too_large(console: &Console, visitor: &Visitor) -> Response {
    say(
        console,
        visitor,
        StatusCode::PAYLOAD_TOO_LARGE,
        w::TOO_LARGE,
        w::TOO_LARGE_MEANS,
    )
}

/// Something of ours does not work. The words are for whoever looks after the machine; they name no secret and no voter.
pub(crate) fn failed(console: &Console, visitor: &Visitor, error: &dyn std::error::Error) -> Response {
    console.inner.meters.failed();
    let language = visitor.language;
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        if !said.contains(&text) {
            said.push_str(": ");
            said.push_str(&text);
        }
        cause = next.source();
    }
    let is_locked = said.contains("another pollwatch is writing");
    let (status, title, text) = if is_locked {
        (StatusCode::SERVICE_UNAVAILABLE, w::BUSY, w::BUSY_MEANS)
    } else {
        (StatusCode::INTERNAL_SERVER_ERROR, w::FAILED, w::FAILED_MEANS)
    };
    let body = html! {
        h1 { (language.say(title)) }
        p.lead role="alert" { (language.say(text)) }
        @if visitor.is_signed_in() { pre lang="en" tabindex="0" { (super::bits::plain(&said)) } }
        p { a href="/" { (language.say(w::BACK_TO_START)) } }
    };
    Page::new(Place::Elsewhere, language.say(title), body)
        .status(status)
        .show(console, visitor)
}
