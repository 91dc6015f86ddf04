//! Audits: how far they are, which cards to fetch, the form by which a board of two enters what it reads, where readings differ,
//! the risk so far as a picture, and the package that anybody can check.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use jiff::Timestamp;
use maud::{Markup, html};
use pollwatch_audit::election::Contest;
use pollwatch_audit::flow::event::{CardKey, Marked, Reading};
use pollwatch_audit::flow::{Assessment, ContestResult, Event, Verdict, check_reading};
use pollwatch_audit::page::RetrievalRow;
use pollwatch_engine::audit::{AuditError, PublishHow, Session, Stage};
use pollwatch_engine::{Error, Workspace};
use serde::Deserialize;

use super::bits::{self, scroll};
use super::layout::{Page, Place};
use super::{finding, notice};
use crate::Console;
use crate::access::guard::{Caller, Need};
use crate::web::visitor::Visitor;
use crate::words as w;
use crate::words::{Language, Text};

/// Cards of a retrieval list on one page.
const LISTED: usize = 2_000;
/// Styles with fewer cards than this keep records from being published: as `pollwatch audit publish` has it.
const RARE_STYLE: u64 = 10;
/// Longest name of a board's member, in characters.
const MAX_MEMBER_CHARS: usize = 80;

/// The audit whose files were read last, with the number of its events: the next page of it need not read them again.
#[derive(Default)]
pub(crate) struct LastAudit(Mutex<Option<(String, usize, Arc<Session>)>>);

impl Console {
    /// Does `work` with an audit and its files.
    async fn audit<T: Send + 'static>(
        &self,
        name: String,
        work: impl FnOnce(&Session) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let console = self.clone();
        self.read(move |workspace| {
            let session = console.session(workspace, &name)?;
            work(&session)
        })
        .await
    }

    fn session(&self, workspace: &Workspace, name: &str) -> Result<Arc<Session>, Error> {
        let audit = workspace.audit(Some(name))?;
        let mut last = self
            .inner
            .last_audit
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((of, events, session)) = &*last
            && (of.as_str(), *events) == (name, audit.kept().len())
        {
            return Ok(Arc::clone(session));
        }
        let events = audit.kept().len();
        // Files do not change within an audit; when only events were added, the files that were read are good.
        let session = match last.take() {
            Some((of, _, session)) if of == name => match Arc::try_unwrap(session) {
                Ok(mut session) => {
                    session.renew(audit);
                    session
                }
                Err(_) => audit.read(&std::env::temp_dir())?,
            },
            _ => audit.read(&std::env::temp_dir())?,
        };
        let session = Arc::new(session);
        *last = Some((name.to_owned(), events, Arc::clone(&session)));
        Ok(session)
    }
}

/// What a fault of an audit is to the person who looks at it.
fn fault(console: &Console, visitor: &Visitor, error: &Error) -> Response {
    match error {
        Error::Audit(AuditError::NoSuch(_) | AuditError::Name(_)) => notice::missing(console, visitor),
        other => notice::failed(console, visitor, other),
    }
}

fn stage_says(language: Language, stage: &Stage) -> String {
    match stage {
        Stage::Open => language.say(w::AUDIT_OPEN).to_owned(),
        Stage::Committed => language.say(w::AUDIT_COMMITTED).to_owned(),
        Stage::Seeded => language.say(w::AUDIT_SEEDED).to_owned(),
        Stage::Drawn(round) => language.fill(w::AUDIT_DRAWN, &[&round.to_string()]),
    }
}

fn verdict_text(verdict: Verdict) -> Text {
    match verdict {
        Verdict::Confirmed => w::AUDIT_CONFIRMED,
        Verdict::NotYet => w::AUDIT_NOT_YET,
        Verdict::FullCount => w::AUDIT_FULL_COUNT,
        Verdict::Wrong => w::AUDIT_WRONG,
        Verdict::NotAudited => w::AUDIT_NOT_AUDITED,
    }
}

pub(crate) async fn list(State(console): State<Console>, Extension(visitor): Extension<Visitor>) -> Response {
    let found = console
        .read(|workspace| {
            let mut all = Vec::new();
            for name in workspace.audits()? {
                let audit = workspace.audit(Some(&name))?;
                let opened = audit.state().opened();
                let title = opened.map(|opened| opened.title.clone()).unwrap_or_default();
                let limit = opened.map(|opened| opened.risk_limit.clone()).unwrap_or_default();
                all.push((name, title, limit, audit.stage(), audit.kept().len() as u64));
            }
            Ok(all)
        })
        .await;
    let audits = match found {
        Ok(audits) => audits,
        Err(error) => return fault(&console, &visitor, &error),
    };
    let language = visitor.language;
    let say = |text| language.say(text);
    let body = html! {
        h1 { (say(w::AUDITS)) }
        p.lead { (say(w::AUDITS_MEAN)) }
        @if audits.is_empty() {
            p.quiet { (say(w::NO_AUDITS)) }
            pre tabindex="0" { "pollwatch audit --help" }
        } @else {
            (scroll(say(w::AUDITS_TABLE), html! { table {
                thead { tr { th scope="col" { (say(w::NAME)) } th scope="col" { (say(w::HOW_FAR)) } th scope="col" { (say(w::RISK_LIMIT)) } th.n scope="col" { (say(w::ENTRIES)) } } }
                tbody { @for (name, title, limit, stage, entries) in &audits {
                    tr data-row {
                        th scope="row" { a href={ "/audits/" (name) } { (bits::plain(if title.is_empty() { name } else { title })) } span.under { (name) } }
                        td { (stage_says(language, stage)) } td { (bits::plain(limit)) } td.n { (language.number(*entries)) }
                    }
                } }
            } }))
        }
    };
    Page::new(Place::Audits, say(w::AUDITS), body).show(&console, &visitor)
}

/// What the page of an audit shows.
struct Shown {
    title: String,
    stage: Stage,
    method: Option<String>,
    seed: Option<String>,
    thing: &'static str,
    assessment: Option<Assessment>,
    contests: Vec<(String, Vec<String>, Option<u64>, String)>,
    disagreements: Vec<(String, Vec<(u64, Reading)>)>,
    limit_text: String,
    limit: Option<f64>,
    problems: u64,
}

fn look(session: &Session) -> Result<Shown, Error> {
    let state = session.audit().state();
    let opened = state.opened();
    let stage = session.audit().stage();
    let assessment = match stage {
        Stage::Drawn(_) => Some(session.assess()?),
        _ => None,
    };
    let method = state.committed().map(|(committed, _)| committed.method);
    let contests = match &assessment {
        Some(_) => Vec::new(),
        None => session
            .outcomes(method)?
            .into_iter()
            .map(|one| (one.contest, one.winners, one.margin, one.remark))
            .collect(),
    };
    let limit_text = opened.map(|opened| opened.risk_limit.clone()).unwrap_or_default();
    Ok(Shown {
        title: opened.map(|opened| opened.title.clone()).unwrap_or_default(),
        stage,
        method: method.map(|method| method.title().to_owned()),
        seed: state.seeded().map(|seeded| seeded.seed.clone()),
        thing: session.thing(),
        assessment,
        contests,
        disagreements: session
            .disagreements()
            .into_iter()
            .map(|(card, readings)| (card.0, readings))
            .collect(),
        limit: risk_limit(&limit_text),
        limit_text,
        problems: session.problems.len() as u64,
    })
}

/// A risk limit as a number between 0 and 1: `5 %`, `5%`, `0.05`, `1/20`.
fn risk_limit(text: &str) -> Option<f64> {
    let text = text.trim();
    let value = match (text.strip_suffix('%'), text.split_once('/')) {
        (Some(percent), _) => percent.trim().parse::<f64>().ok()? / 100.0,
        (None, Some((a, b))) => a.trim().parse::<f64>().ok()? / b.trim().parse::<f64>().ok()?,
        (None, None) => text.parse().ok()?,
    };
    (value > 0.0 && value < 1.0).then_some(value)
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Response {
    let shown = match console.audit(name.clone(), look).await {
        Ok(shown) => shown,
        Err(error) => return fault(&console, &visitor, &error),
    };
    let language = visitor.language;
    let say = |text| language.say(text);
    let title = bits::plain(if shown.title.is_empty() {
        &name
    } else {
        &shown.title
    });
    let body = html! {
        p.eyebrow { a href="/audits" { (say(w::AUDITS)) } " / " (name) }
        h1 { (title) }
        dl.facts {
            div { dt { (say(w::HOW_FAR)) } dd { (stage_says(language, &shown.stage)) } }
            div { dt { (say(w::RISK_LIMIT)) } dd { (bits::plain(&shown.limit_text)) } }
            @if let Some(method) = &shown.method { div { dt { (say(w::METHOD)) } dd lang="en" { (method) } } }
            @if let Some(seed) = &shown.seed { div { dt { (say(w::SEED)) } dd { code { (bits::plain(seed)) } } } }
            @if let Some(assessment) = &shown.assessment { div { dt { (say(w::READ_OF_DRAWN)) } dd { (language.fill(w::N_OF_M, &[&language.number(assessment.read), &language.number(assessment.distinct)])) } } }
        }
        @if let Some(assessment) = &shown.assessment {
            (progress(language, assessment))
            p.buttons {
                @if visitor.may(Need::EnterBallots) && shown.thing == "card" && !assessment.unread.is_empty() { a.button href={ "/audits/" (name) "/enter" } { (say(w::ENTER_CARDS)) } }
                a href={ "/audits/" (name) "/retrieval" } { (say(w::RETRIEVAL)) }
                a href={ "/audits/" (name) "/report" } target="_blank" { (say(w::AUDIT_REPORT)) }
            }
            @if shown.thing == "batch" { p.quiet { (say(w::BATCHES_BY_CSV)) } }
            section aria-labelledby="risk" { h2 #risk { (say(w::RISK_SO_FAR)) } p { (say(w::RISK_MEANS)) }
                @for contest in &assessment.contests { (contest_card(language, contest, shown.limit)) } }
            (differing(language, &shown.disagreements))
        } @else {
            section aria-labelledby="contests" { h2 #contests { (say(w::CONTESTS)) }
                (scroll(say(w::CONTESTS_TABLE), html! { table {
                    thead { tr { th scope="col" { (say(w::CONTEST)) } th scope="col" { (say(w::REPORTED_WINNERS)) } th.n scope="col" { (say(w::MARGIN_VOTES)) } th scope="col" { (say(w::NOTE)) } } }
                    tbody { @for (contest, winners, margin, remark) in &shown.contests {
                        tr { th scope="row" { (bits::plain(contest)) } td { (language.list(&winners.iter().map(|one| bits::plain(one)).collect::<Vec<_>>())) }
                            td.n { @if let Some(margin) = margin { (language.number(*margin)) } } td lang="en" { (bits::plain(remark)) } }
                    } }
                } })) }
            p.quiet { (say(w::NOTHING_DRAWN)) }
        }
        @if shown.problems > 0 { p.warn { (language.count(shown.problems, w::AUDIT_PROBLEMS, &[])) } }
        @if visitor.may(Need::Manage) {
            section aria-labelledby="package" { h2 #package { (say(w::PACKAGE)) } p { (say(w::PACKAGE_MEANS)) }
                form method="post" action={ "/audits/" (name) "/package" } { (visitor.form_field(&console)) button.second { (say(w::MAKE_PACKAGE)) } } }
        }
    };
    Page::new(Place::Audits, title, body)
        .live()
        .show(&console, &visitor)
}

fn progress(language: Language, assessment: &Assessment) -> Markup {
    html! {
        progress.read max=(assessment.distinct.max(1)) value=(assessment.read) aria-label=(language.say(w::READ_OF_DRAWN)) {}
    }
}

/// A contest: who was reported to have won, what the audit says, and its risk after each draw against the limit.
fn contest_card(language: Language, contest: &ContestResult, limit: Option<f64>) -> Markup {
    let say = |text| language.say(text);
    let (sign, class) = match contest.verdict {
        Verdict::Confirmed => ("●", "good"),
        Verdict::NotYet => ("…", "open"),
        Verdict::FullCount => ("◐", "part"),
        Verdict::Wrong => ("✕", "bad"),
        Verdict::NotAudited => ("○", "open"),
    };
    html! {
        section.contest {
            h3 { (bits::plain(&contest.contest)) }
            p { span class={ "health " (class) } { span aria-hidden="true" { (sign) } " " strong { (say(verdict_text(contest.verdict))) } }
                @if let Some(risk) = contest.risk { " · " (language.fill(w::RISK_IS, &[&risk_says(language, risk)])) } }
            @if contest.verdict != Verdict::NotAudited {
            p { (language.fill(w::WINNERS_ARE, &[&language.list(&contest.winners.iter().map(|one| bits::plain(one)).collect::<Vec<_>>())])) " "
                (language.fill(w::DRAWS_ARE, &[&language.number(contest.draws), &language.number(contest.drawn), &language.number(contest.cards)])) }
            }
            @if let Some(corrected) = &contest.corrected { p.notice { (language.fill(w::CORRECTED, &[&language.list(&corrected.iter().map(|one| bits::plain(one)).collect::<Vec<_>>())])) } }
            @if let Some(because) = &contest.because { p.dim lang="en" { (bits::plain(because)) } }
            @if contest.series.len() > 1 { (risk_picture(language, contest, limit)) }
            @if !contest.assertions.is_empty() || !contest.differences.is_empty() {
                p.dim { (language.count(contest.differences.len() as u64, w::DIFFERENCES_N, &[])) }
            }
        }
    }
}

fn risk_says(language: Language, risk: f64) -> String {
    if risk < 0.000_1 {
        language.fill(
            w::LESS_THAN,
            &[&language
                .percent(0.000_1)
                .replace("0.0 ", "0.01 ")
                .replace("0,0 ", "0,01 ")],
        )
    } else {
        language.percent(risk.min(1.0))
    }
}

/// Points of the picture's line: more cannot be told apart.
const POINTS: usize = 240;

/// The risk after each draw, on a scale of powers of ten, and the limit as a dashed line.
fn risk_picture(language: Language, contest: &ContestResult, limit: Option<f64>) -> Markup {
    let lowest = contest
        .series
        .iter()
        .copied()
        .fold(limit.unwrap_or(0.05), f64::min)
        .max(1e-6);
    let decades = (-lowest.log10()).ceil().clamp(2.0, 6.0);
    let y = |risk: f64| 12.0 + (-risk.clamp(1e-6, 1.0).log10() / decades).min(1.0) * 120.0;
    let last = (contest.series.len() - 1).max(1) as f64;
    let x = |at: usize| 52.0 + at as f64 / last * 560.0;
    let stride = contest.series.len().div_ceil(POINTS);
    let mut points = String::new();
    for (at, risk) in contest.series.iter().enumerate() {
        if at % stride == 0 || at + 1 == contest.series.len() {
            points.push_str(&format!("{:.1},{:.1} ", x(at), y(*risk)));
        }
    }
    let title = language.fill(w::RISK_PICTURE, &[&language.number(contest.series.len() as u64)]);
    html! {
        svg.risk viewBox="0 0 620 160" role="img" aria-label=(title) {
            @for decade in 0..=(decades as i32) {
                @let risk = 10_f64.powi(-decade);
                line.grid x1="52" x2="612" y1=(format!("{:.1}", y(risk))) y2=(format!("{:.1}", y(risk))) {}
                text.scale x="46" y=(format!("{:.1}", y(risk) + 5.0)) text-anchor="end" { (short_percent(risk)) }
            }
            @if let Some(limit) = limit { line.limit x1="52" x2="612" y1=(format!("{:.1}", y(limit))) y2=(format!("{:.1}", y(limit))) {}
                text.scale x="610" y=(format!("{:.1}", y(limit) - 5.0)) text-anchor="end" { (language.say(w::RISK_LIMIT)) } }
            polyline.line points=(points.trim_end()) {}
            text.scale x="52" y="152" { "1" } text.scale x="612" y="152" text-anchor="end" { (language.number(contest.series.len() as u64)) }
        }
    }
}

fn short_percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 1.0 {
        format!("{percent:.0} %")
    } else {
        format!("{percent} %")
    }
}

fn differing(language: Language, disagreements: &[(String, Vec<(u64, Reading)>)]) -> Markup {
    let say = |text| language.say(text);
    html! {
        section aria-labelledby="differ" {
            h2 #differ { (say(w::DISAGREEMENTS)) }
            @if disagreements.is_empty() { p.quiet { (say(w::NO_DISAGREEMENTS)) } }
            @else { p { (say(w::DISAGREEMENTS_MEAN)) } pre tabindex="0" { "pollwatch audit settle --help" } }
            @for (card, readings) in disagreements {
                h3 { code { (bits::plain(card)) } }
                (scroll(card, html! { table {
                    thead { tr { th.n scope="col" { (say(w::ENTRY_NUMBER)) } th scope="col" { (say(w::READ_BY)) } th scope="col" { (say(w::WHAT_WAS_READ)) } } }
                    tbody { @for (entry, reading) in readings { tr { td.n { (language.number(*entry)) } th scope="row" { (bits::plain(&reading.reader)) } td { (reading_says(language, reading)) } } } }
                } }))
            }
        }
    }
}

fn reading_says(language: Language, reading: &Reading) -> Markup {
    html! {
        @if !reading.found { (language.say(w::CARD_NOT_FOUND)) }
        @for (contest, marked) in &reading.votes { div { (bits::plain(contest)) ": " (marked_says(language, marked)) } }
    }
}

fn marked_says(language: Language, marked: &Marked) -> String {
    if marked.overvoted {
        return language.say(w::OVERVOTED).to_owned();
    }
    let names = |names: &[String]| {
        names
            .iter()
            .map(|one| bits::plain(one))
            .collect::<Vec<_>>()
            .join(" = ")
    };
    if !marked.ranks.is_empty() {
        return marked
            .ranks
            .iter()
            .map(|row| names(row))
            .collect::<Vec<_>>()
            .join(" > ");
    }
    if marked.marks.is_empty() {
        return language.say(w::NO_MARK).to_owned();
    }
    language.list(
        &marked
            .marks
            .iter()
            .map(|one| bits::plain(one))
            .collect::<Vec<_>>(),
    )
}

fn place_of(language: Language, row: &RetrievalRow) -> Markup {
    html! {
        @for (text, value) in [(w::COUNTY, &row.county), (w::CONTAINER, &row.container), (w::TABULATOR, &row.tabulator), (w::BATCH, &row.batch)] {
            @if !value.is_empty() { span.place { (language.say(text)) " " strong { (bits::plain(value)) } } " " }
        }
        @if let Some(position) = row.position { span.place { (language.fill(w::CARD_OF, &[&language.number(position), &language.number(row.of)])) } " " }
        @if !row.imprinted.is_empty() { span.place { (language.say(w::PRINTED)) " " code { (bits::plain(&row.imprinted)) } } }
    }
}

pub(crate) async fn retrieval(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Response {
    let rows = match console.audit(name.clone(), |session| session.retrieval()).await {
        Ok(rows) => rows,
        Err(error) => return fault(&console, &visitor, &error),
    };
    let language = visitor.language;
    let say = |text| language.say(text);
    let may_enter = visitor.may(Need::EnterBallots);
    let body = html! {
        p.eyebrow { a href="/audits" { (say(w::AUDITS)) } " / " a href={ "/audits/" (name) } { (name) } }
        h1 { (say(w::RETRIEVAL)) }
        p.lead { (language.count(rows.len() as u64, w::CARDS_TO_FETCH, &[&language.number(rows.iter().filter(|row| row.is_read).count() as u64)])) }
        (scroll(say(w::RETRIEVAL), html! { table {
            thead { tr { th.n scope="col" { "#" } th scope="col" { (say(w::WHERE)) } th scope="col" { (say(w::CONTESTS)) } th.n scope="col" { (say(w::TIMES)) } th scope="col" { (say(w::READ)) } } }
            tbody { @for (at, row) in rows.iter().take(LISTED).enumerate() {
                tr data-row {
                    td.n { (language.number(at as u64 + 1)) } th scope="row" { (place_of(language, row)) }
                    td { (row.contests.iter().map(|one| bits::plain(one)).collect::<Vec<_>>().join("; ")) } td.n { (row.times) }
                    td { @if row.is_read { "✓ " (say(w::READ)) } @else if may_enter { a href={ "/audits/" (name) "/enter?card=" (encoded(&row.key)) } { (say(w::ENTER)) } } @else { "☐" } }
                }
            } }
        } }))
        @if rows.len() > LISTED { p.dim { (say(w::LIST_IS_LONGER)) } }
    };
    Page::new(Place::Audits, say(w::RETRIEVAL), body).show(&console, &visitor)
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The audit's own report, which has its styles inside and can do nothing but be read.
pub(crate) async fn report(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Response {
    match console.audit(name, |session| session.report()).await {
        Ok(page) => {
            let mut response = Html(page).into_response();
            response.headers_mut().insert(
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(
                    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
                ),
            );
            response
        }
        Err(error) => fault(&console, &visitor, &error),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EnterQuery {
    card: String,
    first: String,
    second: String,
    kept: String,
}

pub(crate) async fn enter(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Query(query): Query<EnterQuery>,
) -> Response {
    entry_page(&console, &visitor, &name, &query, None, StatusCode::OK).await
}

async fn entry_page(
    console: &Console,
    visitor: &Visitor,
    name: &str,
    query: &EnterQuery,
    said: Option<String>,
    status: StatusCode,
) -> Response {
    let wanted = query.card.clone();
    let found = console
        .audit(name.to_owned(), move |session| {
            let rows = session.retrieval()?;
            let left = rows.iter().filter(|row| !row.is_read).count() as u64;
            let row = match wanted.as_str() {
                "" => rows.into_iter().find(|row| !row.is_read),
                key => rows.into_iter().find(|row| row.key == key),
            };
            let contests = session.audited_contests();
            Ok((row, left, contests, session.thing()))
        })
        .await;
    let (row, left, contests, thing) = match found {
        Ok(found) => found,
        Err(error) => return fault(console, visitor, &error),
    };
    let language = visitor.language;
    let say = |text| language.say(text);
    let body = html! {
        p.eyebrow { a href="/audits" { (say(w::AUDITS)) } " / " a href={ "/audits/" (name) } { (name) } " / " a href={ "/audits/" (name) "/retrieval" } { (say(w::RETRIEVAL)) } }
        h1 { (say(w::ENTER_CARDS)) }
        @if !query.kept.is_empty() { p.notice role="status" { (say(w::CARD_KEPT)) } }
        @if let Some(said) = &said { p.notice role="alert" { (said) } }
        @match (&row, thing) {
            (_, "batch") => p.quiet { (say(w::BATCHES_BY_CSV)) },
            (None, _) if !query.card.is_empty() => p.quiet { (say(w::CARD_NOT_DRAWN)) },
            (None, _) => p.quiet { (say(w::ALL_READ)) },
            (Some(row), _) => {
                p { (language.count(left, w::CARDS_LEFT, &[])) }
                (entry_form(console, visitor, name, query, row, &contests))
            },
        }
    };
    Page::new(Place::Audits, say(w::ENTER_CARDS), body)
        .status(status)
        .show(console, visitor)
}

fn entry_form(
    console: &Console,
    visitor: &Visitor,
    name: &str,
    query: &EnterQuery,
    row: &RetrievalRow,
    contests: &[Contest],
) -> Markup {
    let language = visitor.language;
    let say = |text| language.say(text);
    let on_card = contests
        .iter()
        .enumerate()
        .filter(|(_, contest)| row.contests.contains(&contest.name));
    html! {
        form.ballot method="post" action={ "/audits/" (name) "/enter" } {
            (visitor.form_field(console))
            input type="hidden" name="card" value=(row.key);
            p.card-place { (place_of(language, row)) }
            @if row.is_read { p.notice { (say(w::READ_ALREADY)) } }
            div.board {
                label { span { (say(w::FIRST_MEMBER)) } input name="first" value=(bits::plain(&query.first)) required maxlength=(MAX_MEMBER_CHARS) autocomplete="off"; }
                label { span { (say(w::SECOND_MEMBER)) } input name="second" value=(bits::plain(&query.second)) required maxlength=(MAX_MEMBER_CHARS) autocomplete="off"; }
            }
            @for (place, contest) in on_card { (contest_fields(language, place, contest)) }
            label.choice.agree { input type="checkbox" name="agree" value="1" required; span { (say(w::BOTH_AGREE)) } }
            div.buttons { button { (say(w::KEEP_CARD)) } }
        }
        form.row method="post" action={ "/audits/" (name) "/enter" } {
            (visitor.form_field(console))
            input type="hidden" name="card" value=(row.key); input type="hidden" name="missing" value="1";
            label { span { (say(w::FIRST_MEMBER)) } input name="first" value=(bits::plain(&query.first)) required maxlength=(MAX_MEMBER_CHARS) autocomplete="off"; }
            label { span { (say(w::SECOND_MEMBER)) } input name="second" value=(bits::plain(&query.second)) required maxlength=(MAX_MEMBER_CHARS) autocomplete="off"; }
            button.second { (say(w::CARD_NOT_FOUND)) }
        }
    }
}

fn contest_fields(language: Language, place: usize, contest: &Contest) -> Markup {
    let say = |text| language.say(text);
    html! {
        fieldset.contest {
            legend { (bits::plain(&contest.name)) }
            @if contest.is_ranked() {
                p.dim { (language.fill(w::RANKED_HELP, &[&contest.ranks.to_string()])) }
                @for (at, candidate) in contest.candidates.iter().enumerate() {
                    label.rank { input name={ "m" (place) "-" (at) } inputmode="numeric" pattern="[0-9]*" maxlength="3" size="3" autocomplete="off"; span { (bits::plain(&candidate.name)) } }
                }
            } @else {
                p.dim { (language.count(u64::from(contest.votes_allowed), w::VOTE_FOR, &[])) }
                @for (at, candidate) in contest.candidates.iter().enumerate() {
                    label.choice { input type="checkbox" name={ "m" (place) "-" (at) } value="1"; span { (bits::plain(&candidate.name)) } }
                }
            }
            div.instead {
                label.choice { input type="radio" name={ "s" (place) } value="marks" checked; span { (say(w::AS_MARKED)) } }
                label.choice { input type="radio" name={ "s" (place) } value="blank"; span { (say(w::NO_MARK)) } }
                label.choice { input type="radio" name={ "s" (place) } value="over"; span { (say(w::OVERVOTED)) } }
                label.choice { input type="radio" name={ "s" (place) } value="absent"; span { (say(w::NOT_ON_CARD)) } }
            }
        }
    }
}

/// Why a form is no reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NoReading {
    Board,
    NotAgreed,
    /// Marks, and at the same time that there are none.
    Both,
    /// Neither a mark nor that there is none.
    Nothing,
    Rank,
}

/// Reads the form of a card. Nothing is guessed: an empty contest has to be said to be blank.
fn read_form(
    fields: &BTreeMap<String, String>,
    row: &RetrievalRow,
    contests: &[Contest],
) -> Result<Reading, NoReading> {
    let field = |name: &str| fields.get(name).map(|value| value.trim()).unwrap_or_default();
    let (first, second) = (field("first"), field("second"));
    let is_member = |name: &str| (1..=MAX_MEMBER_CHARS).contains(&name.chars().count());
    if !is_member(first) || !is_member(second) || first.to_lowercase() == second.to_lowercase() {
        return Err(NoReading::Board);
    }
    let mut reading = Reading {
        card: CardKey(row.key.clone()),
        reader: format!("{first} + {second}"),
        found: field("missing").is_empty(),
        votes: BTreeMap::new(),
    };
    if !reading.found {
        return Ok(reading);
    }
    if field("agree").is_empty() {
        return Err(NoReading::NotAgreed);
    }
    for (place, contest) in contests.iter().enumerate() {
        if !row.contests.contains(&contest.name) {
            continue;
        }
        let marks: Vec<(usize, &str)> = (0..contest.candidates.len())
            .map(|at| (at, field(&format!("m{place}-{at}"))))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let marked = match (field(&format!("s{place}")), marks.is_empty()) {
            ("absent", true) => continue,
            ("blank", true) => Marked::default(),
            ("over", true) => Marked {
                overvoted: true,
                ..Marked::default()
            },
            ("absent" | "blank" | "over", false) => return Err(NoReading::Both),
            (_, true) => return Err(NoReading::Nothing),
            (_, false) if contest.is_ranked() => ranked(contest, &marks)?,
            (_, false) => Marked {
                marks: marks
                    .iter()
                    .map(|(at, _)| contest.candidates[*at].name.clone())
                    .collect(),
                ..Marked::default()
            },
        };
        reading.votes.insert(contest.name.clone(), marked);
    }
    Ok(reading)
}

fn ranked(contest: &Contest, marks: &[(usize, &str)]) -> Result<Marked, NoReading> {
    let mut ranks: Vec<Vec<String>> = vec![Vec::new(); contest.ranks as usize];
    for (at, value) in marks {
        let rank: usize = value.parse().map_err(|_| NoReading::Rank)?;
        let row = rank
            .checked_sub(1)
            .and_then(|place| ranks.get_mut(place))
            .ok_or(NoReading::Rank)?;
        row.push(contest.candidates[*at].name.clone());
    }
    Ok(Marked {
        ranks,
        ..Marked::default()
    }
    .normalized())
}

pub(crate) async fn submit(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Form(fields): Form<BTreeMap<String, String>>,
) -> Response {
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let again = EnterQuery {
        card: field("card"),
        first: field("first"),
        second: field("second"),
        kept: String::new(),
    };
    let card = again.card.clone();
    let given = fields.clone();
    let read = console
        .audit(name.clone(), move |session| {
            // Only a drawn card is in the list of cards to fetch.
            let Some(row) = session.retrieval()?.into_iter().find(|row| row.key == card) else {
                return Ok(Err(None));
            };
            let reading = match read_form(&given, &row, &session.audited_contests()) {
                Ok(reading) => reading,
                Err(why) => return Ok(Err(Some(Err(why)))),
            };
            let plans = session
                .audit()
                .state()
                .opened()
                .map(|opened| opened.contests.clone())
                .unwrap_or_default();
            match check_reading(&plans, &reading) {
                Ok(()) => Ok(Ok(reading)),
                Err(refused) => Ok(Err(Some(Ok(refused.to_string())))),
            }
        })
        .await;
    let reading = match read {
        Ok(Ok(reading)) => reading,
        Ok(Err(None)) => return notice::missing(&console, &visitor),
        Ok(Err(Some(why))) => {
            let said = match why {
                Ok(text) => bits::plain(&text),
                Err(NoReading::Board) => visitor.language.say(w::NEEDS_TWO).to_owned(),
                Err(NoReading::NotAgreed) => visitor.language.say(w::NEEDS_AGREEMENT).to_owned(),
                Err(NoReading::Both) => visitor.language.say(w::MARKS_AND_NONE).to_owned(),
                Err(NoReading::Nothing) => visitor.language.say(w::SAY_BLANK).to_owned(),
                Err(NoReading::Rank) => visitor.language.say(w::BAD_RANK).to_owned(),
            };
            return entry_page(
                &console,
                &visitor,
                &name,
                &again,
                Some(said),
                StatusCode::UNPROCESSABLE_ENTITY,
            )
            .await;
        }
        Err(error) => return fault(&console, &visitor, &error),
    };
    let (audit, by) = (name.clone(), caller.name.clone());
    let kept = console
        .write(move |workspace| {
            workspace.audit_append(&audit, &by, vec![Event::Read(reading.clone())], Timestamp::now())
        })
        .await;
    match kept {
        Ok(_) => {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("first", &again.first)
                .append_pair("second", &again.second)
                .append_pair("kept", "1")
                .finish();
            Redirect::to(&format!("/audits/{name}/enter?{query}")).into_response()
        }
        Err(error) => fault(&console, &visitor, &error),
    }
}

/// Publishes the audit and gives its package as one file.
pub(crate) async fn package(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Response {
    let (audit, by) = (name.clone(), caller.name.clone());
    let made = console
        .write(move |workspace| {
            let io = |source| Error::File {
                doing: "make a folder for",
                path: "the package".into(),
                source,
            };
            // First of all whether there is such an audit: its name becomes part of a path.
            workspace.audit(Some(&audit))?;
            // Beneath the workspace: the system's temporary folder may be small, or another user's.
            let at = workspace.dir().join("audits").join(&audit).join(format!(
                "package-{}",
                Timestamp::now().strftime("%Y-%m-%dT%H%M%S%3fZ")
            ));
            let scratch = std::env::temp_dir();
            let how = PublishHow {
                withholds_records: false,
                rare_style: RARE_STYLE,
                scratch: &scratch,
            };
            workspace.publish_audit(&audit, &by, &at, &how, Timestamp::now())?;
            let packed = at.with_extension("zip");
            pollwatch_engine::audit::zip_package(&at, &packed)?;
            std::fs::read(&packed).map_err(io)
        })
        .await;
    match made {
        Ok(bytes) => finding::attachment(bytes, &format!("audit-{name}.zip"), "application/zip"),
        Err(error) => fault(&console, &visitor, &error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_risk_limit_is_read_as_people_write_it() {
        for (text, value) in [("5 %", 0.05), ("5%", 0.05), ("0.05", 0.05), ("1/20", 0.05)] {
            assert_eq!(risk_limit(text), Some(value), "{text}");
        }
        for bad in ["", "0", "1", "x", "100 %", "1/0"] {
            assert_eq!(risk_limit(bad), None, "{bad}");
        }
    }
}
