//! What was read: each source with its coverage, its gaps, and the records that could not be read; and what was never connected.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use pollwatch_engine::SourceState;
use pollwatch_model::Coverage;
use pollwatch_store::{RunId, RunSummary, Store};

use super::bits::{self, scroll};
use super::layout::{Page, Place};
use super::notice;
use super::targets::desk_title;
use crate::Console;
use crate::watched::{Daemon, Standing, Watch};
use crate::web::visitor::Visitor;
use crate::words as w;

/// Sources of one desk that are listed.
const LISTED: usize = 500;
/// Runs that are listed.
const RUNS: u32 = 30;
/// Problems of a run that are shown in words.
const PROBLEMS: u32 = 200;

pub(crate) async fn list(State(console): State<Console>, Extension(visitor): Extension<Visitor>) -> Response {
    let snapshot = console.snapshot();
    let runs = match console.inner.store.recent_runs(RUNS).await {
        Ok(runs) => runs,
        Err(error) => return notice::failed(&console, &visitor, &error),
    };
    let language = visitor.language;
    let say = |text| language.say(text);
    let body = html! {
        h1 { (say(w::SOURCES)) }
        p.lead { (say(w::SOURCES_MEAN)) }
        div #live {
            section aria-labelledby="watched" {
                h2 #watched { (say(w::WATCHED)) }
                (watched(&visitor, &console.watch()))
            }
            @for desk in &snapshot.desks {
                section aria-labelledby={ "desk-" (desk.card.name) } {
                    h2 id={ "desk-" (desk.card.name) } lang="en" { (desk.card.title) }
                    @let seen: Vec<&Coverage> = snapshot.coverage.iter().filter(|seen| seen.desk == desk.card.name).collect();
                    @if seen.is_empty() {
                        p.idle { strong { (say(w::NEVER_CONNECTED)) } " " span lang="en" { (desk.card.unwatched) } }
                    } @else {
                        (table(&visitor, &seen))
                    }
                }
            }
            section aria-labelledby="runs" {
                h2 #runs { (say(w::RUNS)) }
                @if runs.is_empty() { p.quiet { (say(w::NO_RUNS)) } }
                @else { (run_table(&visitor, &runs)) }
            }
        }
    };
    Page::new(Place::Sources, say(w::SOURCES), body)
        .live()
        .show(&console, &visitor)
}

/// Whether the daemon runs, in one sentence.
pub(crate) fn daemon(visitor: &Visitor, watch: &Watch) -> Markup {
    let language = visitor.language;
    let at = |at: Option<Timestamp>| match at {
        Some(at) => visitor.time(at),
        None => html! { (language.say(w::NEVER)) },
    };
    html! {
        @match watch.daemon {
            Daemon::Never => p.notice { (language.say(w::DAEMON_NEVER)) },
            Daemon::Runs(since) => p { (language.mark(w::DAEMON_SINCE, &[at(since)])) },
            Daemon::Stopped(when) => p.notice { (language.mark(w::DAEMON_STOPPED, &[at(when)])) },
            Daemon::Silent(when) => p.notice { (language.mark(w::DAEMON_SILENT, &[at(when)])) },
        }
    }
}

fn watched(visitor: &Visitor, watch: &Watch) -> Markup {
    let language = visitor.language;
    let say = |text| language.say(text);
    if watch.sources.is_empty() {
        return html! { p.quiet { (say(w::NOTHING_WATCHED)) } };
    }
    let moment = |at: Option<Timestamp>| match at {
        Some(at) => visitor.time(at),
        None => html! { span.dim { (say(w::NEVER)) } },
    };
    html! {
        p.dim { (say(w::WATCHED_MEANS)) }
        (daemon(visitor, watch))
        (scroll(say(w::WATCHED), html! { table {
            thead { tr { th scope="col" { (say(w::SOURCE)) } th scope="col" { (say(w::STATE_HEAD)) } th scope="col" { (say(w::LAST_READ)) }
                th.n scope="col" { (say(w::READ)) } th.n scope="col" { (say(w::UNREAD)) } th.n scope="col" { (say(w::WAITING_BYTES)) } th scope="col" { (say(w::TROUBLE)) } } }
            tbody { @for source in &watch.sources {
                tr {
                    th scope="row" { (bits::plain(&source.name)) span.under lang="en" { (desk_title(&source.desk)) } }
                    td { (standing(visitor, source.standing)) @if let Some(since) = source.since { span.under { (language.mark(w::SINCE, &[visitor.time(since)])) } } }
                    td.w { (moment(source.read_at)) }
                    td.n { (language.number(source.records)) } td.n { (language.number(source.records_unread)) }
                    td.n { (language.count(source.lag_bytes, w::BYTES, &[])) }
                    td lang="en" { @if let Some(trouble) = &source.trouble { (bits::plain(trouble)) } }
                }
            } }
        } }))
    }
}

/// How a followed source is: a sign and a word.
pub(crate) fn standing(visitor: &Visitor, standing: Standing) -> Markup {
    let (class, sign, text) = match standing {
        Standing::Told(SourceState::Waiting) => ("good", "●", w::SOURCE_WAITING),
        Standing::Told(SourceState::Reading) => ("open", "…", w::SOURCE_READING),
        Standing::Told(SourceState::Starting) => ("open", "…", w::SOURCE_STARTING),
        Standing::Told(SourceState::Ended) => ("open", "○", w::SOURCE_ENDED),
        Standing::Told(SourceState::Late) => ("part", "◐", w::SOURCE_LATE),
        Standing::Told(SourceState::Missing) => ("bad", "✕", w::SOURCE_MISSING),
        Standing::Told(SourceState::Failed) => ("bad", "✕", w::SOURCE_FAILED),
        Standing::NeverConnected => ("part", "○", w::SOURCE_NEVER),
    };
    html! { span class={ "health " (class) } { span aria-hidden="true" { (sign) } " " (visitor.language.say(text)) } }
}

fn table(visitor: &Visitor, seen: &[&Coverage]) -> Markup {
    let language = visitor.language;
    let say = |text| language.say(text);
    html! {
        (scroll(say(w::SOURCES), html! { table {
            thead { tr { th scope="col" { (say(w::SOURCE)) } th scope="col" { (say(w::HEALTH)) } th.n scope="col" { (say(w::READ)) } th.n scope="col" { (say(w::UNREAD)) }
                th scope="col" { (say(w::WINDOW)) } th scope="col" { (say(w::SPEAKS_OF)) } } }
            tbody { @for seen in seen.iter().take(LISTED) {
                tr {
                    th scope="row" { code { (bits::plain(&seen.source)) } @if let Some(digest) = &seen.sha256 { span.under.digest { "SHA-256 " (&digest.to_string()[..16]) "…" } } }
                    td { (health(visitor, seen)) }
                    td.n { (language.number(seen.records_read)) } td.n { (language.number(seen.records_unread)) }
                    td { (bits::observed(visitor, seen.window))
                        @for gap in seen.holes().take(5) { span.under.warn { (language.mark(w::GAP, &[visitor.time(gap.from), visitor.time(gap.to)])) " " (bits::plain(&gap.why)) } }
                        @if seen.holes().count() > 5 { span.under.warn { (language.count((seen.holes().count() - 5) as u64, w::MORE_GAPS, &[])) } } }
                    td { @if seen.targets.is_empty() { (say(w::WHOLE_REGISTER)) } @else { (language.count(seen.targets.len() as u64, w::TARGETS_N, &[])) } }
                }
            } }
        } }))
        @if seen.len() > LISTED { p.dim { (language.count((seen.len() - LISTED) as u64, w::MORE_SOURCES, &[])) } }
    }
}

/// How well a source could be read, in a word after a sign.
fn health(visitor: &Visitor, seen: &Coverage) -> Markup {
    let say = |text| visitor.language.say(text);
    let (class, sign, text) = if !seen.silent.is_empty() {
        ("part", "◐", w::HEALTH_PART)
    } else if seen.records_read == 0 {
        ("bad", "✕", w::HEALTH_NOTHING)
    } else if !seen.is_complete {
        ("open", "…", w::HEALTH_OPEN)
    } else if seen.records_unread > 0 || !seen.gaps.is_empty() {
        ("part", "◐", w::HEALTH_PART)
    } else {
        ("good", "●", w::HEALTH_GOOD)
    };
    html! { span class={ "health " (class) } { span aria-hidden="true" { (sign) } " " (say(text)) } }
}

fn run_table(visitor: &Visitor, runs: &[RunSummary]) -> Markup {
    let language = visitor.language;
    let say = |text| language.say(text);
    scroll(
        say(w::RUNS),
        html! { table {
            thead { tr { th scope="col" { (say(w::BEGUN)) } th scope="col" { (say(w::DESK)) } th scope="col" { (say(w::INPUTS)) } th scope="col" { (say(w::ENDED)) } th.n scope="col" { (say(w::PROBLEMS)) } } }
            tbody { @for run in runs {
                tr {
                    th.w scope="row" { (visitor.time(run.start.started)) }
                    td lang="en" { (desk_title(&run.start.desk)) }
                    td { (inputs(&run.start.inputs)) }
                    td { (say(if run.is_finished { w::RUN_ENDED } else { w::RUN_OPEN })) }
                    td.n { @if run.problems.total > 0 { a href={ "/sources/runs/" (encoded(&run.start.id.0)) } { (language.number(run.problems.total)) } } @else { "0" } }
                }
            } }
        } },
    )
}

fn inputs(inputs: &serde_json::Value) -> String {
    let names: Vec<&str> = inputs
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str())
        .collect();
    let first = names.first().map(|name| bits::plain(name)).unwrap_or_default();
    match names.len() {
        0 | 1 => first,
        more => format!("{first} + {}", more - 1),
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The problems of one run, record by record.
pub(crate) async fn problems(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(run): Path<String>,
) -> Response {
    let run = RunId(run);
    let store = &console.inner.store;
    let (count, problems) = match tokio::try_join!(store.problem_count(&run), store.problems(&run, PROBLEMS))
    {
        Ok(found) => found,
        Err(pollwatch_store::Error::NoSuchRun(_)) => return notice::missing(&console, &visitor),
        Err(error) => return notice::failed(&console, &visitor, &error),
    };
    let language = visitor.language;
    let say = |text| language.say(text);
    let body = html! {
        p.eyebrow { a href="/sources" { (say(w::SOURCES)) } }
        h1 { (say(w::PROBLEMS)) }
        p.lead { (language.count(count.total, w::PROBLEMS_N, &[&language.number(count.records_lost)])) }
        (scroll(say(w::PROBLEMS), html! { table {
            thead { tr { th scope="col" { (say(w::FILE)) } th.n scope="col" { (say(w::RECORD)) } th scope="col" { (say(w::WHAT_WAS_WRONG)) } } }
            tbody { @for problem in &problems {
                tr { th scope="row" { code { (bits::plain(&problem.file)) } } td.n { @if let Some(record) = problem.record { (language.number(record)) } } td lang="en" { (bits::plain(&problem.what)) } }
            } }
        } }))
        @if count.total > problems.len() as u64 { p.dim { (language.count(count.total - problems.len() as u64, w::MORE_PROBLEMS, &[])) } }
    };
    Page::new(Place::Sources, say(w::PROBLEMS), body).show(&console, &visitor)
}
