//! One finding: what it says, why, on what it rests, what else could explain it, what to do, and what was decided.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use pollwatch_brief::Veil;
use pollwatch_engine::ShownFinding;
use pollwatch_model::{EvidenceId, Finding, FindingId, Polarity, Reason, Verdict};
use pollwatch_store::{Filter, RevisionRecord, Store, StoredFinding};

use super::bits::{self, scroll};
use super::findings::kind_title;
use super::layout::{Page, Place};
use super::notice;
use super::query::FindingQuery;
use crate::Console;
use crate::access::guard::Need;
use crate::web::visitor::Visitor;
use crate::words as w;

/// Related findings that are named.
const RELATED: u32 = 6;
/// Longest reason of a decision, in characters.
pub(crate) const MAX_REASON_CHARS: usize = 2_000;

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let parsed: Result<FindingId, _> = id.parse();
    let Ok(id) = parsed else {
        // The beginning of an id, as the terminal takes it, is enough here too.
        return match console.inner.store.find_id(&id).await {
            Ok(id) => Redirect::to(&format!("/findings/{id}")).into_response(),
            Err(_) => notice::missing(&console, &visitor),
        };
    };
    let store = &console.inner.store;
    match store.finding(&id).await {
        Ok(Some(_)) => {}
        Ok(None) => return notice::missing(&console, &visitor),
        Err(error) => return notice::failed(&console, &visitor, &error),
    }
    let wanted = id.clone();
    let shown = console
        .read(move |workspace| workspace.finding(wanted.as_str()))
        .await;
    let shown = match shown {
        Ok(shown) => shown,
        Err(error) => return notice::failed(&console, &visitor, &error),
    };
    let related_filter = Filter {
        target: Some(shown.finding.target.id.clone()),
        limit: Some(RELATED + 1),
        ..Filter::default()
    };
    let (history, related) = match tokio::try_join!(store.revisions(&id), store.findings(&related_filter)) {
        Ok(found) => found,
        Err(error) => return notice::failed(&console, &visitor, &error),
    };
    let mut related = related.findings;
    related.retain(|stored| stored.finding.id != id);
    related.truncate(RELATED as usize);
    let body = body(&console, &visitor, &shown, &history, &related);
    Page::new(Place::Findings, title(&console, &shown.finding), body).show(&console, &visitor)
}

fn title(console: &Console, finding: &Finding) -> String {
    Veil::new(&console.inner.register, [finding]).value(&finding.subject)
}

fn body(
    console: &Console,
    visitor: &Visitor,
    shown: &ShownFinding,
    history: &[RevisionRecord],
    related: &[StoredFinding],
) -> Markup {
    let language = visitor.language;
    let say = |text| language.say(text);
    let finding = &shown.finding;
    let veil = Veil::new(
        &console.inner.register,
        std::iter::once(finding).chain(related.iter().map(|stored| &stored.finding)),
    );
    html! {
        article.finding {
            p.eyebrow {
                a href="/findings" { (say(w::FINDINGS)) } " / "
                a href=(FindingQuery { kind: finding.kind.clone(), ..FindingQuery::default() }.address("/findings", None)) lang="en" { (kind_title(&finding.kind)) }
            }
            h1 lang="en" { (veil.text(&finding.summary)) }
            p.kicker {
                @if finding.polarity == Polarity::Assurance { span.severity.sound { (say(w::ASSURANCE)) } }
                @else { (bits::severity(language, finding.severity)) " " (bits::stage(language, finding.stage)) }
                " " (bits::decided(language, standing(shown))) " " (bits::tlp(finding.tlp))
            }
            (facts(visitor, &veil, finding))
            (next_step(visitor, &veil, finding))
            (why(visitor, &veil, finding))
            (evidence(visitor, &veil, shown))
            (decisions(console, visitor, shown))
            (indicators(visitor, &veil, finding))
            (proof(visitor, shown, history))
            (details(visitor, &veil, finding))
            @if !related.is_empty() {
                section aria-labelledby="related" {
                    h2 #related { (say(w::RELATED)) }
                    ul.lines {
                        @for stored in related {
                            li { a href={ "/findings/" (stored.finding.id) } lang="en" { (veil.text(&stored.finding.summary)) } }
                        }
                    }
                    p { a href={ "/targets/" (finding.target.id) } { (say(w::ALL_ABOUT_TARGET)) } }
                }
            }
        }
    }
}

/// The decision that stands, remarks left out.
fn standing(shown: &ShownFinding) -> Option<&pollwatch_model::Decision> {
    shown
        .decisions
        .iter()
        .rev()
        .find(|decision| decision.verdict != Verdict::Note)
}

fn facts(visitor: &Visitor, veil: &Veil, finding: &Finding) -> Markup {
    let language = visitor.language;
    let say = |text| language.say(text);
    html! {
        dl.facts {
            div { dt { (say(w::TARGET)) } dd { a href={ "/targets/" (finding.target.id) } { (bits::plain(&finding.target.name)) } } }
            div { dt { (say(w::SUBJECT)) } dd { code { (veil.value(&finding.subject)) } } }
            div { dt { (say(w::SEEN)) } dd { (bits::observed(visitor, finding.observed)) } }
            div { dt { (say(w::CONFIDENCE)) } dd { (language.percent(finding.confidence.get())) " · " (say(bits::likelihood(finding.confidence))) } }
            @if let Some(verdict) = &finding.verdict { div { dt { (say(w::VERDICT_OF_DESK)) } dd lang="en" { (bits::plain(verdict)) } } }
            @if !finding.techniques.is_empty() {
                div { dt { "MITRE ATT&CK" } dd { @for (place, id) in finding.techniques.iter().enumerate() { @if place > 0 { ", " } code { (bits::plain(id)) } } } }
            }
        }
    }
}

fn next_step(visitor: &Visitor, veil: &Veil, finding: &Finding) -> Markup {
    let say = |text| visitor.language.say(text);
    html! {
        @if !finding.next.is_empty() {
            section.next aria-labelledby="next" {
                h2 #next { (say(w::WHAT_TO_DO)) }
                p lang="en" { (veil.text(&finding.next)) }
            }
        }
    }
}

fn why(visitor: &Visitor, veil: &Veil, finding: &Finding) -> Markup {
    let say = |text| visitor.language.say(text);
    html! {
        section aria-labelledby="why" {
            h2 #why { (say(w::WHY)) }
            (spelled(veil, finding))
            @if finding.reasons.is_empty() { p.quiet { (say(w::NO_REASONS)) } }
            ol.reasons { @for reason in &finding.reasons { (reason_line(visitor, veil, reason)) } }
            h3 { (say(w::WHAT_ELSE)) }
            @if finding.alternatives.is_empty() { p.quiet { (say(w::NOTHING_ELSE)) } }
            ul lang="en" { @for alternative in &finding.alternatives { li { (veil.text(alternative)) } } }
        }
    }
}

fn reason_line(visitor: &Visitor, veil: &Veil, reason: &Reason) -> Markup {
    html! {
        li {
            span lang="en" { (veil.text(&reason.text)) }
            @for span in &reason.spans {
                " " span.answers { mark { (veil.value(&span.text)) } @if !span.of.is_empty() { " → " (veil.text(&span.of)) } }
            }
            " " span.weight title=(visitor.language.say(w::WEIGHT)) { (format!("{:+.2}", reason.weight)) }
        }
    }
}

/// The subject with the letters marked that the reasons speak of.
fn spelled(veil: &Veil, finding: &Finding) -> Markup {
    let subject = finding.subject.as_str();
    let mut marked = vec![false; subject.len()];
    let spans = finding.reasons.iter().flat_map(|reason| &reason.spans);
    for span in spans {
        let (start, end) = (span.start as usize, span.end as usize);
        // A span speaks of these bytes only when the letters are there.
        if subject.get(start..end) == Some(span.text.as_str()) {
            marked[start..end].fill(true);
        }
    }
    if !marked.contains(&true) {
        return html! {};
    }
    let mut pieces: Vec<(bool, String)> = Vec::new();
    for (at, c) in subject.char_indices() {
        match pieces.last_mut() {
            Some((is_marked, text)) if *is_marked == marked[at] => text.push(c),
            _ => pieces.push((marked[at], c.to_string())),
        }
    }
    html! {
        p.spelled { code {
            @for (is_marked, text) in &pieces {
                @if *is_marked { mark { (veil.value(text)) } } @else { (veil.value(text)) }
            }
        } }
    }
}

fn evidence(visitor: &Visitor, veil: &Veil, shown: &ShownFinding) -> Markup {
    let language = visitor.language;
    let say = |text| language.say(text);
    html! {
        section aria-labelledby="evidence" {
            h2 #evidence { (say(w::EVIDENCE)) }
            @if shown.excerpts.is_empty() { p.quiet { (say(w::NO_EVIDENCE)) } }
            @for (reference, bytes) in &shown.excerpts {
                figure.evidence {
                    figcaption {
                        strong { (veil.text(&reference.locator)) }
                        span.dim { " · " (bits::plain(&reference.media_type)) }
                        @if let Some(bytes) = bytes { span.dim { " · " (language.count(bytes.len() as u64, w::BYTES, &[])) } }
                    }
                    @match bytes {
                        Some(bytes) => pre tabindex="0" { (veil.excerpt(bytes)) },
                        None => p.notice { (say(w::EVIDENCE_MISSING)) },
                    }
                    p.digest {
                        "SHA-256 " code { (reference.sha256) }
                        @if bytes.is_some() && visitor.may(Need::Decide) {
                            " · " a href={ "/evidence/" (reference.sha256) } download={ (reference.sha256) ".bin" } { (say(w::DOWNLOAD_RAW)) }
                        }
                    }
                }
            }
            @if !shown.excerpts.is_empty() { p.dim { (say(w::EVIDENCE_SHOWN_SO)) } }
        }
    }
}

fn decisions(console: &Console, visitor: &Visitor, shown: &ShownFinding) -> Markup {
    let language = visitor.language;
    let say = |text| language.say(text);
    html! {
        section.decisions aria-labelledby="decisions" {
            h2 #decisions { (say(w::DECISIONS)) }
            @if shown.decisions.is_empty() { p.quiet { (say(w::NOT_DECIDED)) } }
            ol.history {
                @for decision in &shown.decisions {
                    li {
                        span class={ "decided " (format!("{:?}", decision.verdict).to_lowercase()) } { (say(bits::verdict_text(decision.verdict))) }
                        " " strong { (bits::plain(&decision.by)) } " " span.dim { (visitor.time(decision.at)) }
                        @if !decision.reason.is_empty() { p { (pollwatch_names::shown(&decision.reason, MAX_REASON_CHARS, pollwatch_names::Lines::Kept)) } }
                    }
                }
            }
            @if visitor.may(Need::Decide) {
                form.decide method="post" action={ "/findings/" (shown.finding.id) "/decision" } {
                    (visitor.form_field(console))
                    input type="hidden" name="revision" value=(shown.revision);
                    label for="reason" { (say(w::YOUR_REASON)) }
                    textarea #reason name="reason" rows="3" maxlength=(MAX_REASON_CHARS) aria-describedby="reason-help" {}
                    p #reason-help.dim { (say(w::REASON_HELP)) }
                    div.buttons {
                        button name="verdict" value="confirmed" { (say(w::CONFIRM)) }
                        button.second name="verdict" value="dismissed" { (say(w::DISMISS)) }
                        button.second name="verdict" value="note" { (say(w::ADD_NOTE)) }
                    }
                }
            }
        }
    }
}

fn indicators(visitor: &Visitor, veil: &Veil, finding: &Finding) -> Markup {
    let say = |text| visitor.language.say(text);
    html! {
        @if !finding.indicators.is_empty() {
            section aria-labelledby="indicators" {
                h2 #indicators { (say(w::INDICATORS)) }
                p.dim { (say(w::DEFANGED)) }
                (scroll(say(w::INDICATORS), html! { table {
                    thead { tr { th scope="col" { (say(w::TYPE)) } th scope="col" { (say(w::VALUE)) } } }
                    tbody { @for indicator in &finding.indicators { tr { td { (bits::plain(&indicator.kind)) } td { code { (veil.value(&indicator.value)) } } } } }
                } }))
            }
        }
    }
}

fn proof(visitor: &Visitor, shown: &ShownFinding, history: &[RevisionRecord]) -> Markup {
    let language = visitor.language;
    let say = |text| language.say(text);
    html! {
        section aria-labelledby="proof" {
            h2 #proof { (say(w::LEDGER_PROOF)) }
            @match &shown.ledger {
                None => p.quiet { (say(w::LEDGER_PENDING)) },
                Some(place) => {
                    p { (language.mark(w::LEDGER_PLACE, &[html! { a href={ "/ledger/" (place.index) } { (language.number(place.index)) } }])) }
                    details {
                        summary { (say(w::SHOW_PROOF)) }
                        p { (say(w::HOW_TO_CHECK)) }
                        pre tabindex="0" { "pollwatch verify\n" "pollwatch findings show " (shown.finding.id) }
                        pre tabindex="0" { (bits::verbatim(&place.proof)) }
                    }
                },
            }
            details {
                summary { (language.count(history.len() as u64, w::REVISIONS, &[])) }
                ol.history { @for revision in history {
                    li {
                        (language.fill(w::REVISION, &[&language.number(revision.revision)])) " · "
                        @match revision.ledger_index {
                            Some(index) => a href={ "/ledger/" (index) } { (language.fill(w::ENTRY, &[&language.number(index)])) },
                            None => (say(w::LEDGER_PENDING)),
                        }
                        " · " code.digest { (revision.statement) }
                    }
                } }
            }
        }
    }
}

/// The kind's own fields, as JSON that acts on nothing.
fn details(visitor: &Visitor, veil: &Veil, finding: &Finding) -> Markup {
    let say = |text| visitor.language.say(text);
    let json = serde_json::to_string_pretty(&finding.details).unwrap_or_default();
    html! {
        @if !finding.details.is_empty() {
            details.technical { summary { (say(w::TECHNICAL)) } pre tabindex="0" { (veil.excerpt(json.as_bytes())) } }
        }
    }
}

/// The bytes of a piece of evidence, as a file that no browser opens by itself.
pub(crate) async fn evidence_file(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(digest): Path<String>,
) -> Response {
    let Ok(id) = digest.parse::<EvidenceId>() else {
        return notice::missing(&console, &visitor);
    };
    match console.read(move |workspace| workspace.evidence(&id)).await {
        Ok(Some(bytes)) => attachment(bytes, &format!("{id}.bin"), "application/octet-stream"),
        Ok(None) => notice::missing(&console, &visitor),
        Err(error) => notice::failed(&console, &visitor, &error),
    }
}

/// Bytes to be saved, not shown.
pub(crate) fn attachment(bytes: Vec<u8>, name: &str, media_type: &'static str) -> Response {
    let mut response = (StatusCode::OK, bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox"),
    );
    response
}
