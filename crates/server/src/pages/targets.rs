//! What is protected: the register, and one page for each target with all that was aimed at it and all that was found sound.

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use maud::{Markup, html};
use pollwatch_model::register::{Target, TargetKind};
use pollwatch_model::{Polarity, TargetId};
use pollwatch_store::{Dismissed, Filter, Store};
use serde::Deserialize;

use super::bits::{self, scroll};
use super::layout::{Page, Place};
use super::{findings, notice};
use crate::Console;
use crate::snapshot::{Reach, Snapshot};
use crate::web::visitor::Visitor;
use crate::words as w;
use crate::words::{Language, Text};

/// Targets of a page.
const PAGE: usize = 100;
/// Findings of each sort that a target's page shows.
const SHOWN: u32 = 25;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TargetQuery {
    text: String,
    state: String,
    page: String,
}

pub(crate) fn kind_text(kind: TargetKind) -> Text {
    match kind {
        TargetKind::Jurisdiction => w::KIND_JURISDICTION,
        TargetKind::Office => w::KIND_OFFICE,
        TargetKind::Candidate => w::KIND_CANDIDATE,
        TargetKind::Campaign => w::KIND_CAMPAIGN,
        TargetKind::Party => w::KIND_PARTY,
        TargetKind::Vendor => w::KIND_VENDOR,
        TargetKind::Media => w::KIND_MEDIA,
        TargetKind::Login => w::KIND_LOGIN,
        TargetKind::Other => w::KIND_OTHER,
    }
}

pub(crate) async fn list(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Query(query): Query<TargetQuery>,
) -> Response {
    let snapshot = console.snapshot();
    let language = visitor.language;
    let say = |text| language.say(text);
    let text = query.text.trim().to_lowercase();
    let quiet = Reach::default();
    let mut rows: Vec<(&Target, &Reach)> = console
        .inner
        .register
        .targets
        .iter()
        .filter(|target| query.state.is_empty() || target.state.eq_ignore_ascii_case(&query.state))
        .filter(|target| {
            text.is_empty()
                || target.name.to_lowercase().contains(&text)
                || target.id.as_str().contains(&text)
                || target
                    .domains
                    .iter()
                    .any(|domain| domain.to_lowercase().contains(&text))
        })
        .map(|target| (target, snapshot.reach(&target.id).unwrap_or(&quiet)))
        .collect();
    // The struck ones first; the others as the register has them.
    rows.sort_by_key(|(_, reach)| std::cmp::Reverse((reach.stage, reach.alarms)));
    let all = rows.len();
    let page: usize = query.page.parse().unwrap_or(0).min(all / PAGE);
    let shown = &rows[(page * PAGE).min(all)..((page + 1) * PAGE).min(all)];
    let address = |page: usize| {
        let mut to = url::form_urlencoded::Serializer::new(String::new());
        to.append_pair("text", &query.text)
            .append_pair("state", &query.state)
            .append_pair("page", &page.to_string());
        format!("/targets?{}", to.finish())
    };
    let body = html! {
        h1 { (say(w::TARGETS)) }
        p.lead { (say(w::TARGETS_MEAN)) }
        form.filter action="/targets" method="get" role="search" aria-label=(say(w::FILTER)) {
            label.wide { span { (say(w::TEXT)) } input type="search" name="text" value=(bits::plain(&query.text)) maxlength="200" autocomplete="off"; }
            label { span { (say(w::STATE)) } input name="state" value=(bits::plain(&query.state)) maxlength="2" size="4" autocomplete="off"; }
            button { (say(w::SHOW)) }
        }
        div.count { p { (language.count(all as u64, w::TARGETS_N, &[])) } }
        @if shown.is_empty() { p.quiet { (say(w::NO_TARGETS)) } }
        @else { (scroll(say(w::TARGETS), html! { table.targets {
            thead { tr { th scope="col" { (say(w::NAME)) } th scope="col" { (say(w::KIND_OF)) } th scope="col" { (say(w::STATE)) }
                th scope="col" { (say(w::FURTHEST_STAGE)) } th.n scope="col" { (say(w::ALARMS_HEAD)) } th.n scope="col" { (say(w::ASSURANCES)) } th scope="col" { (say(w::WATCHED_BY)) } } }
            tbody { @for (target, reach) in shown {
                tr data-row {
                    th scope="row" { a href={ "/targets/" (target.id) } { (bits::plain(&target.name)) } }
                    td { (say(kind_text(target.kind))) } td { (bits::plain(&target.state)) }
                    td { (reach_says(language, reach)) }
                    td.n { (language.number(reach.alarms)) } td.n { (language.number(reach.assurances)) }
                    td { (watched_by(language, reach)) }
                }
            } }
        } })) }
        nav.pages aria-label=(say(w::PAGES)) {
            @if page > 0 { a rel="prev" href=(address(page - 1)) { (say(w::PREVIOUS_PAGE)) } }
            @if (page + 1) * PAGE < all { a.button rel="next" href=(address(page + 1)) { (say(w::NEXT_PAGE)) } }
        }
    };
    Page::new(Place::Targets, say(w::TARGETS), body).show(&console, &visitor)
}

fn reach_says(language: Language, reach: &Reach) -> Markup {
    html! {
        @match reach.stage {
            Some(stage) => (bits::stage(language, Some(stage))),
            None if reach.desks_with_data.is_empty() => span.dim { (language.say(w::NO_DATA)) },
            None => (language.say(w::NO_SIGN)),
        }
    }
}

fn watched_by(language: Language, reach: &Reach) -> Markup {
    html! {
        @if reach.desks_with_data.is_empty() { span.dim { (language.say(w::NOBODY)) } }
        @else { span lang="en" { (language.list(&reach.desks_with_data.iter().map(|desk| desk_title(desk)).collect::<Vec<_>>())) } }
    }
}

/// The title of a desk.
pub(crate) fn desk_title(name: &str) -> String {
    pollwatch_engine::desks::named(name)
        .map_or_else(|| bits::plain(name), |desk| desk.card().title.to_owned())
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let Ok(id) = id.parse::<TargetId>() else {
        return notice::missing(&console, &visitor);
    };
    let snapshot = console.snapshot();
    let target = crate::snapshot::target(&console.inner.register, &id);
    let reach = snapshot.reach(&id);
    if target.is_none() && reach.is_none() {
        return notice::missing(&console, &visitor);
    }
    let of = |polarity, dismissed| Filter {
        target: Some(id.clone()),
        polarity: Some(polarity),
        dismissed,
        limit: Some(SHOWN),
        ..Filter::default()
    };
    let store = &console.inner.store;
    let (threat_filter, sound_filter) = (
        of(Polarity::Threat, Dismissed::LeftOut),
        of(Polarity::Assurance, Dismissed::LeftOut),
    );
    let found = tokio::try_join!(store.findings(&threat_filter), store.findings(&sound_filter));
    let (threats, sound) = match found {
        Ok(found) => found,
        Err(error) => return notice::failed(&console, &visitor, &error),
    };
    let language = visitor.language;
    let say = |text| language.say(text);
    let name = target.map_or_else(|| id.to_string(), |target| bits::plain(&target.name));
    let quiet = Reach::default();
    let reach = reach.unwrap_or(&quiet);
    let body = html! {
        p.eyebrow { a href="/targets" { (say(w::TARGETS)) } @if let Some(target) = target { " / " (say(kind_text(target.kind))) } }
        h1 { (name) }
        @if target.is_none() { p.notice { (say(w::NOT_REGISTERED)) } }
        (standing(language, reach))
        @if let Some(target) = target { (protected(language, target)) }
        section aria-labelledby="aimed" {
            h2 #aimed { (say(w::AIMED_AT_IT)) }
            @if threats.findings.is_empty() { p.quiet { (say(w::NOTHING_AIMED)) } }
            @else { (findings::table(&console, &visitor, &threats.findings)) }
            @if threats.next.is_some() { p { a href={ "/findings?decided=standing&polarity=threat&target=" (id) } { (say(w::ALL_OF_THEM)) } } }
        }
        section aria-labelledby="sound" {
            h2 #sound { (say(w::FOUND_SOUND)) }
            @if sound.findings.is_empty() { p.quiet { (say(w::NOTHING_SOUND)) } }
            @else { (findings::table(&console, &visitor, &sound.findings)) }
            @if sound.next.is_some() { p { a href={ "/findings?decided=standing&polarity=assurance&target=" (id) } { (say(w::ALL_OF_THEM)) } } }
        }
        @if reach.dismissed > 0 { p { a href={ "/findings?decided=dismissed&target=" (id) } { (language.count(reach.dismissed, w::DISMISSED_N, &[])) } } }
        section aria-labelledby="seen" {
            h2 #seen { (say(w::WHAT_WE_SAW)) }
            (sources(language, &visitor, &snapshot, &id))
        }
    };
    Page::new(Place::Targets, name, body).show(&console, &visitor)
}

fn standing(language: Language, reach: &Reach) -> Markup {
    let say = |text| language.say(text);
    html! {
        dl.facts {
            div { dt { (say(w::FURTHEST_STAGE)) } dd { (reach_says(language, reach)) } }
            div { dt { (say(w::ALARMS_HEAD)) } dd { (language.number(reach.alarms)) @if reach.alarms > 0 { span.dim { " · " (language.count(reach.confirmed, w::CONFIRMED_N, &[])) } } } }
            div { dt { (say(w::BELOW_ALARM)) } dd { (language.number(reach.watched)) } }
            div { dt { (say(w::ASSURANCES)) } dd { (language.number(reach.assurances)) } }
            div { dt { (say(w::WATCHED_BY)) } dd { (watched_by(language, reach)) } }
        }
    }
}

/// What the register says about a target, people's addresses apart.
fn protected(language: Language, target: &Target) -> Markup {
    let say = |text| language.say(text);
    let names = |names: &[String]| html! { @for (place, name) in names.iter().enumerate() { @if place > 0 { ", " } code { (bits::plain(name)) } } };
    html! {
        details {
            summary { (say(w::REGISTER_ENTRY)) }
            dl.facts {
                div { dt { (say(w::ID)) } dd { code { (target.id) } } }
                @if !target.state.is_empty() { div { dt { (say(w::STATE)) } dd { (bits::plain(&target.state)) } } }
                @if !target.domains.is_empty() { div { dt { (say(w::DOMAINS)) } dd { (names(&target.domains)) } } }
                @if !target.owned.is_empty() { div { dt { (say(w::OWNED)) } dd { (names(&target.owned)) } } }
                @if !target.allow.is_empty() { div { dt { (say(w::ALLOWED)) } dd { (names(&target.allow)) } } }
                @if let Some(voters) = target.registered_voters { div { dt { (say(w::VOTERS)) } dd { (language.number(voters)) } } }
                @if !target.people.is_empty() { div { dt { (say(w::PEOPLE_IMITATED)) } dd { (language.number(target.people.len() as u64)) } } }
            }
        }
    }
}

fn sources(language: Language, visitor: &Visitor, snapshot: &Snapshot, id: &TargetId) -> Markup {
    let say = |text| language.say(text);
    let seen: Vec<_> = snapshot
        .coverage
        .iter()
        .filter(|seen| seen.targets.is_empty() || seen.targets.contains(id))
        .collect();
    html! {
        @if seen.is_empty() { p.quiet { (say(w::NOT_COVERED)) } }
        @else {
            ul.lines { @for seen in seen.iter().take(50) {
                li {
                    span lang="en" { (desk_title(&seen.desk)) } ": " code { (bits::plain(&seen.source)) } ", "
                    (language.count(seen.records_read, w::RECORDS, &[])) ", " (bits::observed(visitor, seen.window))
                    @if seen.holes().next().is_some() { ", " span.warn { (language.count(seen.holes().count() as u64, w::GAPS_N, &[])) } }
                }
            } }
            @if seen.len() > 50 { p { a href="/sources" { (say(w::ALL_OF_THEM)) } } }
        }
    }
}
