//! What the desks look for, how well, and what they cannot tell; made from their cards.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use maud::html;

use super::layout::{Page, Place};
use crate::Console;
use crate::web::visitor::Visitor;
use crate::words as w;

pub(crate) async fn help(State(console): State<Console>, Extension(visitor): Extension<Visitor>) -> Response {
    let language = visitor.language;
    let say = |text| language.say(text);
    let body = html! {
        h1 { (say(w::HELP)) }
        p.lead { (say(w::HELP_MEANS)) }
        @if language != crate::words::Language::English { p.dim { (say(w::WRITTEN_IN_ENGLISH)) } }
        @for desk in pollwatch_engine::desks::all() {
            @let card = desk.card();
            section id=(card.name) lang="en" {
                h2 { (card.title) }
                p { (card.looks_for) }
                p.dim { (card.unwatched) }
                @for kind in card.kinds { p { strong { (kind.title) } ": " (kind.subject) } }
                @for detector in card.detectors {
                    details id={ (card.name) "-" (detector.name) } {
                        summary { (detector.name.replace('-', " ")) }
                        dl.pairs {
                            div { dt { "What it sees" } dd { (detector.sees) } }
                            div { dt { "Why it matters" } dd { (detector.matters) } }
                            div { dt { "What it cannot tell" } dd { (detector.cannot_tell) } }
                            div { dt { "Measured on" } dd { (detector.measured_on) } }
                            div { dt { "Sources" } dd { (detector.sources) } }
                        }
                    }
                }
            }
        }
        section {
            h2 { (say(w::KEYS_TITLE)) }
            dl.pairs {
                @for (key, text) in [("j", w::KEY_NEXT), ("k", w::KEY_PREVIOUS), ("Enter", w::KEY_OPEN), ("/", w::KEY_SEARCH), ("n", w::KEY_PAGE), ("g o", w::KEY_OVERVIEW), ("g f", w::KEY_FINDINGS)] {
                    div { dt { kbd { (key) } } dd { (say(text)) } }
                }
            }
        }
    };
    Page::new(Place::Elsewhere, say(w::HELP), body).show(&console, &visitor)
}
