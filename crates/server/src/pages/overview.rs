//! The first page: the bottom line, the map, how far it got, when, what was proved, and what nobody watched.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use pollwatch_model::Stage;

use super::bits::{boxes, plain, scroll, stage_means, stage_text};
use super::layout::{Page, Place};
use super::{picture, sources};
use crate::Console;
use crate::snapshot::{Counted, DeskState, Snapshot};
use crate::watched::{Daemon, Watch};
use crate::web::visitor::Visitor;
use crate::words as w;
use crate::words::Language;

/// Targets that the first page lists; the rest is a link away.
const LISTED_TARGETS: usize = 12;
/// Sources that the sentence on what is not known names.
const NAMED_SOURCES: usize = 5;

pub(crate) async fn show(State(console): State<Console>, Extension(visitor): Extension<Visitor>) -> Response {
    let snapshot = console.snapshot();
    let watch = console.watch();
    let body = body(&console, &visitor, &snapshot, &watch);
    Page::new(Place::Overview, visitor.language.say(w::OVERVIEW), body)
        .live()
        .show(&console, &visitor)
}

fn body(console: &Console, visitor: &Visitor, snapshot: &Snapshot, watch: &Watch) -> Markup {
    let language = visitor.language;
    let say = |text| language.say(text);
    html! {
        div #live {
            section.bottom-line aria-labelledby="bottom-line" {
                p.eyebrow { (say(w::BOTTOM_LINE)) }
                h1 #bottom-line { (found(language, snapshot)) }
                p { (reach(language, snapshot)) }
                p { (unknown(language, snapshot, watch, true)) }
            }
            @if snapshot.undecided > 0 {
                p.todo {
                    a.button href="/findings?polarity=threat&severity=medium&decided=open" { (language.count(snapshot.undecided, w::TO_DECIDE, &[])) }
                }
            }
            section aria-labelledby="where" {
                h2 #where { (say(w::WHERE)) }
                (where_it_was(console, visitor, snapshot))
            }
            section aria-labelledby="how-far" {
                h2 #how-far { (say(w::HOW_FAR)) }
                p { (tally(language, snapshot)) }
                (picture::ladder(language, snapshot))
                (by_field(visitor, snapshot))
                details {
                    summary { (say(w::STAGES_MEAN)) }
                    dl.pairs { @for stage in Stage::ALL { div { dt { (say(stage_text(*stage))) } dd { (say(stage_means(*stage))) } } } }
                }
            }
            section aria-labelledby="when" {
                h2 #when { (say(w::WHEN)) }
                (when(language, snapshot))
            }
            section aria-labelledby="watched" {
                h2 #watched { (say(w::WATCHED)) }
                (watched(visitor, watch))
            }
            section aria-labelledby="desks" {
                h2 #desks { (say(w::FOUND_AND_PROVED)) }
                p.lead { (say(w::FOUND_AND_PROVED_MEANS)) }
                (desks(language, snapshot))
            }
        }
    }
}

/// What was found, in one sentence.
pub(crate) fn found(language: Language, snapshot: &Snapshot) -> String {
    let targets = language.count(snapshot.targets.len() as u64, w::REGISTERED_TARGETS, &[]);
    if snapshot.records_read() == 0 && snapshot.alarms == 0 {
        return language.fill(w::LINE_NOTHING_READ, &[&targets]);
    }
    let records = language.count(snapshot.records_read(), w::RECORDS, &[]);
    let sources = language.count(snapshot.sources_read(), w::OF_SOURCES, &[]);
    if snapshot.alarms == 0 {
        return language.fill(w::LINE_QUIET, &[&records, &sources, &targets]);
    }
    let alarmed = language.number(snapshot.alarmed_targets());
    language.count(snapshot.alarms, w::LINE_ALARMS, &[&alarmed, &targets])
}

/// How far it got, in one sentence.
pub(crate) fn reach(language: Language, snapshot: &Snapshot) -> String {
    match snapshot.furthest() {
        None if snapshot.records_read() == 0 => language.say(w::REACH_NOTHING_READ).to_owned(),
        None => language.say(w::REACH_NONE).to_owned(),
        Some(Stage::Unknown) => language.say(w::REACH_UNKNOWN).to_owned(),
        Some(stage) => {
            let at = language.count(snapshot.targets_at(stage), w::AT_TARGETS, &[]);
            let text = if stage == Stage::Altered {
                w::REACH_LAST
            } else {
                w::REACH_STAGE
            };
            language.fill(
                text,
                &[
                    language.say(stage_text(stage)),
                    language.say(stage_means(stage)),
                    &at,
                ],
            )
        }
    }
}

/// What is not known, in one sentence.
/// Sources are named to those who may see them, and counted for the public.
pub(crate) fn unknown(language: Language, snapshot: &Snapshot, watch: &Watch, names_sources: bool) -> String {
    let mut unknown = Vec::new();
    let idle: Vec<String> = snapshot
        .desks
        .iter()
        .filter(|desk| !desk.is_watched())
        .map(|desk| desk.card.title.to_lowercase())
        .collect();
    if !idle.is_empty() {
        unknown.push(language.count(idle.len() as u64, w::UNKNOWN_FIELDS, &[&language.list(&idle)]));
    }
    if snapshot.no_data() > 0 {
        unknown.push(language.count(snapshot.no_data(), w::UNKNOWN_TARGETS, &[]));
    }
    let troubled: Vec<String> = watch
        .troubled()
        .iter()
        .map(|source| plain(&source.name))
        .collect();
    if !troubled.is_empty() {
        let named: Vec<String> = troubled.iter().take(NAMED_SOURCES).cloned().collect();
        let mut names = language.list(&named);
        if troubled.len() > named.len() {
            names.push_str(", …");
        }
        let n = troubled.len() as u64;
        unknown.push(if names_sources {
            language.count(n, w::UNKNOWN_LATE, &[&names])
        } else {
            language.count(n, w::UNKNOWN_LATE_UNNAMED, &[])
        });
    }
    if !watch.sources.is_empty() && matches!(watch.daemon, Daemon::Stopped(_) | Daemon::Silent(_)) {
        unknown.push(language.say(w::UNKNOWN_DAEMON).to_owned());
    }
    if snapshot.records_unread() > 0 {
        unknown.push(language.count(snapshot.records_unread(), w::UNKNOWN_RECORDS, &[]));
    }
    if unknown.is_empty() {
        return language.say(w::UNKNOWN_REST).to_owned();
    }
    language.fill(w::NOT_KNOWN, &[&unknown.join("; ")])
}

/// The count field by field, in the words of `pollwatch tally`.
fn by_field(visitor: &Visitor, snapshot: &Snapshot) -> Markup {
    let say = |text| visitor.language.say(text);
    html! {
        h3 { (say(w::BY_FIELD)) }
        @match &snapshot.tally {
            Counted::Not => p.quiet { (say(w::BY_FIELD_SOON)) },
            Counted::TooMany => p.quiet { (say(w::BY_FIELD_TOO_MANY)) },
            Counted::At(at, sentences) => {
                p.dim { (visitor.language.mark(w::BY_FIELD_MEANS, &[visitor.time(*at)])) }
                dl.pairs lang="en" { @for (title, sentence) in sentences.iter() { div { dt { (plain(title)) } dd { (plain(sentence)) } } } }
            },
        }
    }
}

/// What is followed day and night, and what is wrong with that.
fn watched(visitor: &Visitor, watch: &Watch) -> Markup {
    let language = visitor.language;
    let (troubled, all) = (watch.troubled(), watch.sources.len() as u64);
    html! {
        @if all == 0 {
            p.quiet { (language.say(w::NOTHING_WATCHED)) }
        } @else {
            @if !watch.is_running() { (sources::daemon(visitor, watch)) }
            @if troubled.is_empty() && watch.is_running() { p { (language.count(all, w::ALL_WATCHED_WELL, &[])) } }
            @if !troubled.is_empty() {
                p { (language.fill(w::SOME_WATCHED_WELL, &[&language.number(all - troubled.len() as u64), &language.number(all)])) }
                ul.lines { @for source in troubled.iter().take(LISTED_TARGETS) {
                    li { (sources::standing(visitor, source.standing)) " " strong { (plain(&source.name)) }
                        @if let Some(read) = source.read_at { " " span.dim { (language.say(w::LAST_READ)) ": " (visitor.time(read)) } } }
                } }
            }
            p { a href="/sources" { (language.say(w::SOURCES)) } }
        }
    }
}

/// The count of targets, with what it rests on. Missing data is never counted as safety.
fn tally(language: Language, snapshot: &Snapshot) -> String {
    let all = language.number(snapshot.targets.len() as u64);
    let alarmed = language.number(snapshot.alarmed_targets());
    let quiet = language.number(snapshot.no_sign());
    let dark = language.number(snapshot.no_data());
    let mut text = language.fill(w::TALLY, &[&all, &alarmed, &quiet, &dark]);
    if snapshot.alarmed_unregistered() > 0 {
        text.push(' ');
        text.push_str(&language.count(snapshot.alarmed_unregistered(), w::TALLY_OUTSIDE, &[]));
    }
    text
}

fn where_it_was(console: &Console, visitor: &Visitor, snapshot: &Snapshot) -> Markup {
    let language = visitor.language;
    let counts = picture::by_state(&console.inner.register, snapshot);
    let states = counts.keys().filter(|code| !code.is_empty()).count();
    html! {
        @if states > 1 {
            div.map-figure {
                (picture::map(language, &counts))
                (picture::legend(language))
            }
            details {
                summary { (language.say(w::MAP_AS_TABLE)) }
                (state_table(language, &counts))
            }
        }
        (target_table(console, visitor, snapshot))
    }
}

fn state_table(
    language: Language,
    counts: &std::collections::BTreeMap<&'static str, picture::StateCount>,
) -> Markup {
    let say = |text| language.say(text);
    scroll(
        say(w::MAP_AS_TABLE),
        html! {
            table {
                thead { tr { th scope="col" { (say(w::STATE)) } th scope="col" { (say(w::FURTHEST_STAGE)) } th.n scope="col" { (say(w::ALARMS_HEAD)) }
                    th.n scope="col" { (say(w::TARGETS_WITH_ALARM)) } th.n scope="col" { (say(w::TARGETS)) } th.n scope="col" { (say(w::NO_SIGN_HEAD)) } th.n scope="col" { (say(w::ASSURANCES)) } } }
                tbody {
                    @for place in pollwatch_brief::PLACES.iter().filter(|place| counts.contains_key(place.code)) {
                        @let count = counts[place.code];
                        tr {
                            th scope="row" { (place.name) }
                            td { (count.says(language)) }
                            td.n { (language.number(count.alarms)) } td.n { (language.number(count.alarmed)) } td.n { (language.number(count.targets)) }
                            td.n { (language.number(count.no_sign)) } td.n { (language.number(count.assurances)) }
                        }
                    }
                    @if let Some(count) = counts.get("") {
                        tr {
                            th scope="row" { (say(w::NO_STATE)) }
                            td { (count.says(language)) }
                            td.n { (language.number(count.alarms)) } td.n { (language.number(count.alarmed)) } td.n { (language.number(count.targets)) }
                            td.n { (language.number(count.no_sign)) } td.n { (language.number(count.assurances)) }
                        }
                    }
                }
            }
        },
    )
}

/// The targets that were hit worst.
fn target_table(console: &Console, visitor: &Visitor, snapshot: &Snapshot) -> Markup {
    let language = visitor.language;
    let say = |text| language.say(text);
    let mut struck: Vec<_> = snapshot
        .targets
        .iter()
        .chain(&snapshot.unregistered)
        .filter(|(_, reach)| reach.alarms > 0)
        .collect();
    struck.sort_by_key(|(id, reach)| (std::cmp::Reverse((reach.stage, reach.alarms)), (*id).clone()));
    html! {
        @if struck.is_empty() {
            p.quiet { (say(w::NO_TARGET_STRUCK)) " " a href="/targets" { (say(w::ALL_TARGETS)) } }
        } @else {
            h3 { (say(w::STRUCK_TARGETS)) }
            ul.struck {
                @for (id, reach) in struck.iter().take(LISTED_TARGETS) {
                    @let name = crate::snapshot::target(&console.inner.register, id).map_or_else(|| id.to_string(), |target| plain(&target.name));
                    li {
                        a href={ "/targets/" (id) } { (name) }
                        span.dim { (language.count(reach.alarms, w::ALARMS, &[])) }
                        @if let Some(stage) = reach.stage { span.stage { (boxes(stage)) (say(stage_text(stage))) } }
                    }
                }
            }
            @if struck.len() > LISTED_TARGETS {
                p { a href="/targets" { (language.count((struck.len() - LISTED_TARGETS) as u64, w::MORE_TARGETS, &[])) } }
            }
        }
    }
}

fn when(language: Language, snapshot: &Snapshot) -> Markup {
    let say = |text| language.say(text);
    let spans = picture::spans(&snapshot.days);
    html! {
        @if spans.is_empty() {
            p.quiet { (say(w::NO_DATED_ALARM)) }
        } @else {
            (picture::time_line(language, &spans))
            details {
                summary { (say(w::TIME_AS_TABLE)) }
                (scroll(say(w::TIME_AS_TABLE), html! {
                    table {
                        thead { tr { th scope="col" { (say(w::FIRST_SEEN_FROM)) } th scope="col" { (say(w::BEFORE)) } th scope="col" { (say(w::STAGE)) } th.n scope="col" { (say(w::ALARMS_HEAD)) } } }
                        tbody {
                            @for span in &spans {
                                @for (stage, count) in &span.counts {
                                    tr { td { time { (span.first) } } td { time { (span.end) } } td { (say(stage_text(*stage))) } td.n { (language.number(*count)) } }
                                }
                            }
                        }
                    }
                }))
            }
        }
    }
}

/// Every desk that this build has: what it found, what it proved, what it read.
fn desks(language: Language, snapshot: &Snapshot) -> Markup {
    html! {
        ul.desks { @for desk in &snapshot.desks { (desk_card(language, desk)) } }
        (absent(language))
    }
}

fn desk_card(language: Language, desk: &DeskState) -> Markup {
    let say = |text| language.say(text);
    let name = desk.card.name;
    html! {
        li.desk.idle[!desk.is_watched()] {
            h3 { a href={ "/help#" (name) } lang="en" { (desk.card.title) } }
            @if desk.is_watched() {
                dl {
                    div { dt { (say(w::FOUND)) } dd { a href={ "/findings?decided=standing&severity=medium&polarity=threat&desk=" (name) } { (language.count(desk.alarms, w::ALARMS, &[])) } } }
                    div { dt { (say(w::PROVED)) } dd { a href={ "/findings?decided=standing&polarity=assurance&desk=" (name) } { (language.count(desk.assurances, w::ASSURANCES_N, &[])) } } }
                    div { dt { (say(w::READ)) } dd {
                        (language.count(desk.records_read, w::RECORDS, &[])) " " (language.count(desk.sources, w::OF_SOURCES, &[]))
                        @if desk.records_unread > 0 { br; span.warn { (language.count(desk.records_unread, w::UNREAD_N, &[])) } }
                    } }
                }
            } @else {
                p { strong { (say(w::NEVER_CONNECTED)) } " " span lang="en" { (desk.card.unwatched) } }
            }
        }
    }
}

/// Fields that this build has no desk for.
fn absent(language: Language) -> Markup {
    html! {
        @if !pollwatch_engine::desks::ABSENT.is_empty() {
            p.dim { (language.say(w::NO_DESK)) " "
                span lang="en" { (language.list(&pollwatch_engine::desks::ABSENT.iter().map(|(title, _)| title.to_lowercase()).collect::<Vec<_>>())) } "."
            }
        }
    }
}
