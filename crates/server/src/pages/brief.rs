//! The brief: who may read it is chosen, what that withholds is said first, then it is shown or saved.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use maud::html;
use pollwatch_model::Tlp;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::bits;
use super::layout::{Page, Place};
use super::{finding, notice};
use crate::Console;
use crate::web::visitor::Visitor;
use crate::words as w;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct BriefQuery {
    tlp: String,
}

/// A page of the brief that was made: for whom, as of which entry, and its bytes.
type Made = (Tlp, u64, Arc<String>);

/// The brief that was made last. One is made at a time, for it reads every finding.
#[derive(Default)]
pub(crate) struct LastBrief(Mutex<Option<Made>>);

impl Console {
    fn tlp_of(&self, query: &BriefQuery) -> Tlp {
        query.tlp.parse().unwrap_or(self.inner.default_tlp)
    }

    async fn brief(&self, tlp: Tlp) -> Result<Arc<String>, pollwatch_engine::Error> {
        let mut last = self.inner.last_brief.0.lock().await;
        let leaf = self.inner.live.newest_leaf();
        if let Some((of, at, page)) = &*last
            && (*of, *at) == (tlp, leaf)
        {
            return Ok(Arc::clone(page));
        }
        let page = Arc::new(self.read(move |workspace| workspace.brief(tlp)).await?);
        *last = Some((tlp, leaf, Arc::clone(&page)));
        Ok(page)
    }
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Query(query): Query<BriefQuery>,
) -> Response {
    let chosen = console.tlp_of(&query);
    let snapshot = console.snapshot();
    let language = visitor.language;
    let say = |text| language.say(text);
    let withheld = |tlp: Tlp| {
        let stricter = snapshot.tlps.iter().filter(|(of, _)| **of > tlp);
        stricter.fold((0, 0), |(findings, alarms), (_, count)| {
            (findings + count.0, alarms + count.1)
        })
    };
    let (findings, alarms) = withheld(chosen);
    let body = html! {
        h1 { (say(w::BRIEF)) }
        p.lead { (say(w::BRIEF_MEANS)) }
        form.tlp-choice method="get" action="/brief" {
            fieldset {
                legend { (say(w::WHO_MAY_READ)) }
                @for tlp in Tlp::ALL {
                    @let (findings, _) = withheld(*tlp);
                    label.choice {
                        input type="radio" name="tlp" value=(tlp.word()) checked[*tlp == chosen];
                        span { (bits::tlp(*tlp)) " " (say(bits::tlp_rule(*tlp)))
                            span.under { @if findings == 0 { (say(w::NOTHING_WITHHELD)) } @else { (language.count(findings, w::WITHHELD, &[])) } } }
                    }
                }
                button { (say(w::SHOW)) }
            }
        }
        @if findings > 0 {
            p.notice role="note" { strong { (language.count(findings, w::WITHHELD_FROM_THIS, &[&chosen.label()])) } " " (language.count(alarms, w::WITHHELD_ALARMS, &[])) }
        }
        p {
            a.button href={ "/brief/page?download=1&tlp=" (encoded(chosen)) } download { (say(w::DOWNLOAD_BRIEF)) }
            " " a href={ "/brief/page?tlp=" (encoded(chosen)) } target="_blank" { (say(w::OPEN_BRIEF)) }
        }
        iframe.brief title=(say(w::BRIEF_PREVIEW)) src={ "/brief/page?tlp=" (encoded(chosen)) } sandbox="" loading="lazy" {}
    };
    Page::new(Place::Brief, say(w::BRIEF), body).show(&console, &visitor)
}

fn encoded(tlp: Tlp) -> String {
    url::form_urlencoded::byte_serialize(tlp.word().as_bytes()).collect()
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PageQuery {
    tlp: String,
    download: String,
}

/// The brief itself. It has its own styles inside, so it gets a policy of its own, and can do nothing but be read.
pub(crate) async fn page(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Query(query): Query<PageQuery>,
) -> Response {
    let tlp = console.tlp_of(&BriefQuery { tlp: query.tlp });
    let page = match console.brief(tlp).await {
        Ok(page) => page,
        Err(error) => return notice::failed(&console, &visitor, &error),
    };
    if !query.download.is_empty() {
        let name = format!("brief-{}.html", tlp.word().replace('+', "-"));
        return finding::attachment(page.as_bytes().to_vec(), &name, "text/html; charset=utf-8");
    }
    let mut response = Html((*page).clone()).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox",
        ),
    );
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    response
}
