//! The list of findings: filtered, sorted, paged, and every view of it a link.

use axum::Extension;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use pollwatch_brief::Veil;
use pollwatch_model::{Polarity, Severity, Stage};
use pollwatch_store::{Page as StoredPage, Store, StoredFinding};

use super::bits::{self, scroll, severity_text, stage_text};
use super::layout::{Page, Place};
use super::notice;
use super::query::{BadField, FindingQuery};
use crate::Console;
use crate::web::visitor::Visitor;
use crate::words as w;
use crate::words::Language;

/// How far findings are counted: a number that is exact up to here, and "more than" from here on.
const COUNTED: u64 = 1_000;
/// The same for a search of text, where each finding that is counted has to be fetched to be looked into.
const COUNTED_WITH_TEXT: u64 = 100;

fn counted_to(filter: &pollwatch_store::Filter) -> u64 {
    match filter.text.as_deref() {
        None | Some("") => COUNTED,
        Some(_) => COUNTED_WITH_TEXT,
    }
}

pub(crate) async fn list(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Query(query): Query<FindingQuery>,
) -> Response {
    let (filter, bad) = query.filter(&visitor);
    let store = &console.inner.store;
    let found = tokio::try_join!(
        store.findings(&filter),
        store.count_findings(&filter, counted_to(&filter) + 1)
    );
    let (page, count) = match found {
        Ok(found) => found,
        Err(error) => return notice::failed(&console, &visitor, &error),
    };
    let counted = counted_to(&filter);
    let body = html! {
        h1 { (visitor.language.say(w::FINDINGS)) }
        (form(&console, &visitor, &query))
        (results(&console, &visitor, &query, &page, (count, counted), &bad))
    };
    if visitor.wants_part {
        return Html(results(&console, &visitor, &query, &page, (count, counted), &bad).into_string())
            .into_response();
    }
    Page::new(Place::Findings, visitor.language.say(w::FINDINGS), body)
        .htmx()
        .show(&console, &visitor)
}

fn form(console: &Console, visitor: &Visitor, query: &FindingQuery) -> Markup {
    let language = visitor.language;
    let say = |text| language.say(text);
    let desks = pollwatch_engine::desks::all();
    let option = |value: &str, text: &str, chosen: &str| {
        html! { option value=(value) selected[value == chosen] { (text) } }
    };
    html! {
        form.filter action="/findings" method="get" role="search" aria-label=(say(w::FILTER))
            hx-get="/findings" hx-target="#list" hx-swap="outerHTML" hx-push-url="true" hx-trigger="submit, change, input changed delay:400ms from:#text" {
            label.wide { span { (say(w::TEXT)) } input #text type="search" name="text" value=(bits::plain(&query.text)) maxlength="200" autocomplete="off" spellcheck="false"; }
            label { span { (say(w::DECISION)) } select name="decided" {
                (option("", say(w::ALL), &query.decided))
                (option("open", say(w::OPEN), &query.decided))
                (option("standing", say(w::STANDING), &query.decided))
                (option("confirmed", say(w::CONFIRMED), &query.decided))
                (option("dismissed", say(w::DISMISSED), &query.decided))
            } }
            label { span { (say(w::SEVERITY_FROM)) } select name="severity" {
                (option("", say(w::ALL), &query.severity))
                @for severity in Severity::ALL.iter().rev() { (option(severity.word(), say(severity_text(*severity)), &query.severity)) }
            } }
            label { span { (say(w::KIND_OF)) } select name="polarity" {
                (option("", say(w::ALL), &query.polarity))
                (option("threat", say(w::THREATS), &query.polarity))
                (option("assurance", say(w::ASSURANCES), &query.polarity))
            } }
            label { span { (say(w::DESK)) } select name="desk" {
                (option("", say(w::ALL), &query.desk))
                @for desk in desks { (option(desk.card().name, desk.card().title, &query.desk)) }
            } }
            label { span { (say(w::STAGE)) } select name="stage" {
                (option("", say(w::ALL), &query.stage))
                @for stage in Stage::ALL { (option(stage.word(), say(stage_text(*stage)), &query.stage)) }
            } }
            details.more open[!query.target.is_empty() || !query.from.is_empty() || !query.to.is_empty() || !query.kind.is_empty()] {
                summary { (say(w::MORE_FILTERS)) }
                div {
                    label { span { (say(w::TARGET)) } input name="target" value=(bits::plain(&query.target)) list="targets" autocomplete="off" spellcheck="false"; }
                    label { span { (say(w::SEEN_FROM)) } input type="date" name="from" value=(bits::plain(&query.from)); }
                    label { span { (say(w::SEEN_TO)) } input type="date" name="to" value=(bits::plain(&query.to)); }
                    label { span { (say(w::KIND)) } select name="kind" {
                        (option("", say(w::ALL), &query.kind))
                        @for kind in desks.iter().flat_map(|desk| desk.card().kinds) { (option(kind.name, kind.title, &query.kind)) }
                    } }
                }
            }
            label { span { (say(w::SORT)) } select name="sort" {
                (option("", say(w::SORT_URGENCY), &query.sort))
                (option("newest", say(w::SORT_NEWEST), &query.sort))
            } }
            button { (say(w::SHOW)) }
            datalist #targets {
                // A register may be long: the page must not be.
                @for target in console.inner.register.targets.iter().take(200) { option value=(target.id) { (bits::plain(&target.name)) } }
            }
        }
    }
}

fn results(
    console: &Console,
    visitor: &Visitor,
    query: &FindingQuery,
    page: &StoredPage,
    (count, counted): (u64, u64),
    bad: &[BadField],
) -> Markup {
    let language = visitor.language;
    let say = |text| language.say(text);
    html! {
        section #list aria-label=(say(w::RESULTS)) {
            @for field in bad { p.notice role="alert" { (language.fill(w::BAD_FIELD, &[field.name, &bits::plain(&field.value)])) } }
            div.count {
                p role="status" {
                    @if count > counted { (language.fill(w::MORE_THAN_FINDINGS, &[&language.number(counted)])) }
                    @else { (language.count(count, w::FINDINGS_N, &[])) }
                }
                p.dim { a href=(query.address("/findings", None)) { (say(w::LINK_TO_VIEW)) } " · " span.keys { (say(w::KEYS)) } }
            }
            @if page.findings.is_empty() {
                p.quiet { (say(if query.fields().is_empty() { w::NOTHING_FOUND_YET } else { w::NOTHING_FITS })) }
            } @else {
                (table(console, visitor, &page.findings))
            }
            nav.pages aria-label=(say(w::PAGES)) {
                @if !query.after.is_empty() { a href=(query.address("/findings", None)) { (say(w::FIRST_PAGE)) } }
                @if let Some(next) = &page.next { a.button rel="next" href=(query.address("/findings", Some(next))) { (say(w::NEXT_PAGE)) } }
            }
        }
    }
}

/// Findings as rows.
pub(crate) fn table(console: &Console, visitor: &Visitor, findings: &[StoredFinding]) -> Markup {
    let language = visitor.language;
    let say = |text| language.say(text);
    let veil = Veil::new(
        &console.inner.register,
        findings.iter().map(|stored| &stored.finding),
    );
    scroll(
        say(w::FINDINGS),
        html! {
            table.findings {
                thead { tr {
                    th scope="col" { (say(w::SEVERITY)) } th scope="col" { (say(w::WHAT)) } th scope="col" { (say(w::TARGET)) }
                    th scope="col" { (say(w::STAGE)) } th scope="col" { (say(w::LAST_SEEN)) } th scope="col" { (say(w::DECISION)) }
                } }
                tbody { @for stored in findings { (row(visitor, language, &veil, stored)) } }
            }
        },
    )
}

fn row(visitor: &Visitor, language: Language, veil: &Veil, stored: &StoredFinding) -> Markup {
    let finding = &stored.finding;
    html! {
        tr data-row {
            td { @if finding.polarity == Polarity::Assurance { span.severity.sound { (language.say(w::ASSURANCE)) } } @else { (bits::severity(language, finding.severity)) } }
            th scope="row" {
                a href={ "/findings/" (finding.id) } lang="en" { (veil.text(&finding.summary)) }
                span.under { span lang="en" { (kind_title(&finding.kind)) } " · " span.id { (finding.id.as_str().get(..10).unwrap_or_default()) } }
            }
            td { a.plain href={ "/targets/" (finding.target.id) } { (bits::plain(&finding.target.name)) } }
            td { @if finding.polarity == Polarity::Threat { (bits::stage(language, finding.stage)) } }
            td.w { @if let Some(last) = finding.observed.last { (visitor.time(last)) } @else { span.dim { (language.say(w::NO_TIME_SHORT)) } } }
            td { (bits::decided(language, stored.decision.as_ref())) }
        }
    }
}

/// The title of a kind, as its desk's card has it.
pub(crate) fn kind_title(kind: &str) -> String {
    pollwatch_engine::desks::all()
        .iter()
        .flat_map(|desk| desk.card().kinds)
        .find(|card| card.name == kind)
        .map_or_else(
            || bits::plain(kind).replace('-', " "),
            |card| card.title.to_owned(),
        )
}
