//! What every page has around it.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use crate::Console;
use crate::access::guard::Need;
use crate::web::assets;
use crate::web::visitor::{Theme, Visitor};
use crate::words as w;
use crate::words::{Language, Text};

/// Where a page belongs in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Overview,
    Findings,
    Targets,
    Sources,
    Audits,
    Brief,
    Ledger,
    Account,
    Officer,
    Elsewhere,
}

const PLACES: [(Place, &str, Text, Need); 7] = [
    (Place::Overview, "/", w::OVERVIEW, Need::Read),
    (Place::Findings, "/findings", w::FINDINGS, Need::Read),
    (Place::Targets, "/targets", w::TARGETS, Need::Read),
    (Place::Sources, "/sources", w::SOURCES, Need::Read),
    (Place::Audits, "/audits", w::AUDITS, Need::ReadAudits),
    (Place::Brief, "/brief", w::BRIEF, Need::Read),
    (Place::Ledger, "/ledger", w::LEDGER, Need::Account),
];

/// A page to be framed.
pub(crate) struct Page {
    place: Place,
    title: String,
    body: Markup,
    status: StatusCode,
    is_live: bool,
    needs_htmx: bool,
}

impl Page {
    pub(crate) fn new(place: Place, title: impl Into<String>, body: Markup) -> Self {
        Page {
            place,
            title: title.into(),
            body,
            status: StatusCode::OK,
            is_live: false,
            needs_htmx: false,
        }
    }

    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Its part `#live` is fetched again when something was recorded.
    pub(crate) fn live(mut self) -> Self {
        self.is_live = true;
        self
    }

    pub(crate) fn htmx(mut self) -> Self {
        self.needs_htmx = true;
        self
    }

    pub(crate) fn show(self, console: &Console, visitor: &Visitor) -> Response {
        let markup = self.markup(console, visitor);
        (self.status, Html(markup.into_string())).into_response()
    }

    fn markup(&self, console: &Console, visitor: &Visitor) -> Markup {
        let say = |text| visitor.language.say(text);
        let reads = visitor.may(Need::Read);
        html! {
            (DOCTYPE)
            html lang=(visitor.language.tag()) data-theme=(visitor.theme.word()) {
                head {
                    meta charset="utf-8";
                    title { (self.title) " · Pollwatch" }
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="robots" content="noindex";
                    meta name="color-scheme" content=(match visitor.theme {
                        Theme::System => "light dark",
                        Theme::Light | Theme::Contrast => "light",
                        Theme::Dark => "dark",
                    });
                    link rel="icon" href=(assets::url("icon.svg")) type="image/svg+xml";
                    link rel="stylesheet" href=(assets::url("console.css"));
                    script src=(assets::url("console.js")) defer {}
                    @if self.needs_htmx {
                        // Nothing of htmx that writes styles or runs text as code.
                        meta name="htmx-config" content=r#"{"includeIndicatorStyles":false,"allowEval":false,"allowScriptTags":false,"selfRequestsOnly":true,"historyCacheSize":0}"#;
                        script src=(assets::url("htmx.js")) defer {}
                    }
                }
                body data-place=(format!("{:?}", self.place).to_lowercase()) {
                    a.skip href="#main" { (say(w::SKIP)) }
                    header.top {
                        div.bar {
                            a.brand href="/" { (mark()) span { "Pollwatch" } }
                            @let owner = crate::pages::bits::plain(&console.inner.register.owner);
                            @if !owner.is_empty() { span.owner { (owner) } }
                            (self.account(visitor))
                        }
                        @if let Some(caller) = &visitor.caller {
                            nav.main aria-label=(say(w::NAVIGATION)) {
                                ul {
                                    @for (place, path, title, need) in PLACES {
                                        @if caller.role.may(need) {
                                            li { a href=(path) aria-current=[(place == self.place).then_some("page")] { (say(title)) } }
                                        }
                                    }
                                }
                            }
                        }
                    }
                    @if reads {
                        // Filled by the script when something is recorded while the page is open.
                        div #news.news role="status" aria-live="polite" hidden
                            data-stream="/events" data-live[self.is_live]
                            data-one=(say(w::NEWS_ONE)) data-many=(say(w::NEWS_MANY))
                            data-show=(say(w::NEWS_SHOW)) data-lost=(say(w::NEWS_LOST)) {}
                    }
                    main #main tabindex="-1" { (self.body) }
                    (footer(console, visitor))
                }
            }
        }
    }

    fn account(&self, visitor: &Visitor) -> Markup {
        let say = |text| visitor.language.say(text);
        html! {
            div.who {
                @if let Some(caller) = &visitor.caller {
                    @if caller.role.may(Need::Manage) {
                        a href="/people" aria-current=[(self.place == Place::Officer).then_some("page")] { (say(w::PEOPLE)) }
                    }
                    a href="/account" aria-current=[(self.place == Place::Account).then_some("page")] {
                        span.visually-hidden { (say(w::YOUR_ACCOUNT)) ": " } (caller.name)
                    }
                } @else if self.place != Place::Elsewhere || self.status != StatusCode::OK {
                    a href="/sign-in" { (say(w::SIGN_IN)) }
                }
            }
        }
    }
}

/// The sign of the house: a ballot box's slot, watched.
fn mark() -> Markup {
    html! {
        svg.mark viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" {
            path d="M3 10h18v11H3z" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round" {}
            path d="M8 10h8" stroke="currentColor" stroke-width="4" {}
            path d="M9 7V3h6v4" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round" {}
            circle cx="12" cy="16" r="2" fill="currentColor" {}
        }
    }
}

fn footer(console: &Console, visitor: &Visitor) -> Markup {
    let say = |text| visitor.language.say(text);
    html! {
        footer.foot {
            div.bar {
                p { (visitor.language.fill(w::TIMES_IN, &[&visitor.zone_name()])) }
                @if visitor.is_signed_in() { p { a href="/public" { (say(w::PUBLIC_PAGE)) } " · " a href="/help" { (say(w::HELP)) } } }
                (choices(console, visitor))
            }
        }
    }
}

/// Language and colours: forms that work without a script.
fn choices(console: &Console, visitor: &Visitor) -> Markup {
    let say = |text| visitor.language.say(text);
    html! {
        form.choices method="post" action="/preferences" {
            (visitor.form_field(console))
            input type="hidden" name="back" value=(visitor.here);
            label { span { (say(w::LANGUAGE)) }
                select name="language" {
                    @for language in Language::ALL {
                        option value=(language.tag()) lang=(language.tag()) selected[language == visitor.language] { (language.name()) }
                    }
                }
            }
            label { span { (say(w::COLOURS)) }
                select name="theme" {
                    @for (theme, text) in Theme::ALL.into_iter().zip([w::THEME_SYSTEM, w::THEME_LIGHT, w::THEME_DARK, w::THEME_CONTRAST]) {
                        option value=(theme.word()) selected[theme == visitor.theme] { (say(text)) }
                    }
                }
            }
            button.quiet { (say(w::APPLY)) }
        }
    }
}
