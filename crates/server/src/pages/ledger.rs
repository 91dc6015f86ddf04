//! The ledger: its size, its checkpoint, its latest entries, a proof for any of them, and the page that an outsider may see.

use std::path::PathBuf;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use maud::{Markup, html};
use pollwatch_engine::Leaf;

use super::bits::{self, scroll};
use super::layout::{Page, Place};
use super::{finding, notice, overview};
use crate::Console;
use crate::app::off_the_runtime;
use crate::web::visitor::Visitor;
use crate::words as w;
use crate::words::Text;

/// Latest entries that are listed.
const LATEST: u64 = 50;
/// Longest file of the ledger that is served: a full tile is 8 KiB, a full bundle of entries 256 times 65,537 bytes.
const MAX_FILE_BYTES: u64 = 17 * 1024 * 1024;

/// What the ledger's pages show.
struct Seen {
    size: u64,
    checkpoint: String,
    key: String,
    latest: Vec<(u64, Option<Leaf>)>,
}

async fn look(console: &Console) -> Result<Seen, pollwatch_engine::Error> {
    console
        .read(|workspace| {
            let ledger = workspace.ledger()?;
            let size = ledger.size();
            let mut latest = Vec::new();
            for index in (size.saturating_sub(LATEST)..size).rev() {
                let entry = ledger
                    .entry(index)
                    .map_err(pollwatch_engine::Error::reading_ledger)?;
                latest.push((index, serde_json::from_slice(&entry).ok()));
            }
            Ok(Seen {
                size,
                checkpoint: ledger.signed_checkpoint().to_string(),
                key: workspace.verifier_key(),
                latest,
            })
        })
        .await
}

pub(crate) async fn show(State(console): State<Console>, Extension(visitor): Extension<Visitor>) -> Response {
    let seen = match look(&console).await {
        Ok(seen) => seen,
        Err(error) => return notice::failed(&console, &visitor, &error),
    };
    let language = visitor.language;
    let say = |text| language.say(text);
    let body = html! {
        h1 { (say(w::LEDGER)) }
        p.lead { (say(w::LEDGER_MEANS)) }
        (facts(&console, &visitor, &seen))
        section aria-labelledby="latest" {
            h2 #latest { (say(w::LATEST_ENTRIES)) }
            @if seen.latest.is_empty() { p.quiet { (say(w::LEDGER_EMPTY)) } }
            @else { (entries(&visitor, &seen.latest, true)) }
        }
    };
    Page::new(Place::Ledger, say(w::LEDGER), body).show(&console, &visitor)
}

fn facts(console: &Console, visitor: &Visitor, seen: &Seen) -> Markup {
    let language = visitor.language;
    let say = |text| language.say(text);
    html! {
        dl.facts {
            div { dt { (say(w::ENTRIES)) } dd.figure { (language.number(seen.size)) } }
            div { dt { (say(w::ORIGIN)) } dd { code { (bits::plain(&console.inner.origin)) } } }
            @if let Some((_, Some(leaf))) = seen.latest.first() { div { dt { (say(w::LAST_ENTRY)) } dd { (visitor.time(leaf.at)) } } }
        }
        section aria-labelledby="checkpoint" {
            h2 #checkpoint { (say(w::CHECKPOINT)) }
            p { (say(w::CHECKPOINT_MEANS)) }
            pre tabindex="0" { (bits::verbatim(&seen.checkpoint)) }
            p { (say(w::VERIFIER_KEY)) " " code.digest { (bits::plain(&seen.key)) } }
            p { a href="/ledger/checkpoint" { (say(w::CHECKPOINT_FILE)) } }
            details { summary { (say(w::SHOW_HOW_TO_CHECK)) }
                p { (say(w::HOW_TO_CHECK_LEDGER)) }
                pre tabindex="0" { "pollwatch verify --checkpoint checkpoint.txt --key " (bits::plain(&seen.key)) }
            }
        }
    }
}

fn leaf_text(kind: &str) -> Option<Text> {
    Some(match kind {
        "finding" => w::LEAF_FINDING,
        "decision" => w::LEAF_DECISION,
        "event" => w::LEAF_EVENT,
        _ => return None,
    })
}

fn entries(visitor: &Visitor, latest: &[(u64, Option<Leaf>)], links: bool) -> Markup {
    let language = visitor.language;
    let say = |text| language.say(text);
    scroll(
        say(w::LATEST_ENTRIES),
        html! { table {
            thead { tr { th.n scope="col" { (say(w::ENTRY_NUMBER)) } th scope="col" { (say(w::WHAT)) } th scope="col" { (say(w::RECORDED_AT)) } th scope="col" { (say(w::STATEMENT)) } } }
            tbody { @for (index, leaf) in latest {
                tr {
                    th.n scope="row" { @if links { a href={ "/ledger/" (index) } { (language.number(*index)) } } @else { (language.number(*index)) } }
                    @match leaf {
                        Some(leaf) => {
                            td { @match leaf_text(&leaf.kind) { Some(text) => (say(text)), None => (bits::plain(&leaf.kind)) } }
                            td.w { (visitor.time(leaf.at)) }
                            td { code.digest { (leaf.sha256) } }
                        },
                        None => td colspan="3" { (say(w::LEAF_OWN)) },
                    }
                }
            } }
        } },
    )
}

pub(crate) async fn entry(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(index): Path<String>,
) -> Response {
    let Ok(index) = index.parse::<u64>() else {
        return notice::missing(&console, &visitor);
    };
    let found = console
        .read(move |workspace| {
            let ledger = workspace.ledger()?;
            if index >= ledger.size() {
                return Ok(None);
            }
            let entry = ledger
                .entry(index)
                .map_err(pollwatch_engine::Error::reading_ledger)?;
            let proof = ledger
                .tlog_proof(index)
                .map_err(pollwatch_engine::Error::reading_ledger)?;
            Ok(Some((entry, proof.to_string())))
        })
        .await;
    let (entry, proof) = match found {
        Ok(Some(found)) => found,
        Ok(None) => return notice::missing(&console, &visitor),
        Err(error) => return notice::failed(&console, &visitor, &error),
    };
    let language = visitor.language;
    let say = |text| language.say(text);
    let leaf: Option<Leaf> = serde_json::from_slice(&entry).ok();
    let title = language.fill(w::ENTRY, &[&language.number(index)]);
    let body = html! {
        p.eyebrow { a href="/ledger" { (say(w::LEDGER)) } }
        h1 { (title) }
        @if let Some(leaf) = &leaf {
            dl.facts {
                div { dt { (say(w::WHAT)) } dd { @match leaf_text(&leaf.kind) { Some(text) => (say(text)), None => (bits::plain(&leaf.kind)) } } }
                div { dt { (say(w::RECORDED_AT)) } dd { (visitor.time(leaf.at)) } }
                div { dt { (say(w::STATEMENT)) } dd { code.digest { (leaf.sha256) } } }
            }
        }
        p { (say(w::ENTRY_MEANS)) }
        h2 { (say(w::ENTRY_BYTES)) }
        pre tabindex="0" { (bits::verbatim(&String::from_utf8_lossy(&entry))) }
        h2 { (say(w::LEDGER_PROOF)) }
        p { (say(w::HOW_TO_CHECK)) }
        pre tabindex="0" { (bits::verbatim(&proof)) }
        p { a href={ "/ledger/" (index) "/proof" } download={ "entry-" (index) ".tlog-proof" } { (say(w::DOWNLOAD_PROOF)) } }
    };
    Page::new(Place::Ledger, title, body).show(&console, &visitor)
}

/// The proof of an entry as a file.
pub(crate) async fn proof(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(index): Path<u64>,
) -> Response {
    let found = console
        .read(move |workspace| {
            let ledger = workspace.ledger()?;
            if index >= ledger.size() {
                return Ok(None);
            }
            ledger
                .tlog_proof(index)
                .map(|proof| Some(proof.to_string()))
                .map_err(pollwatch_engine::Error::reading_ledger)
        })
        .await;
    match found {
        Ok(Some(text)) => finding::attachment(
            text.into_bytes(),
            &format!("entry-{index}.tlog-proof"),
            "text/plain; charset=utf-8",
        ),
        Ok(None) => notice::missing(&console, &visitor),
        Err(error) => notice::failed(&console, &visitor, &error),
    }
}

/// The page that an outsider may see: that something is recorded, when, and how to check it; nothing of what was found but counts.
pub(crate) async fn public(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    let seen = match look(&console).await {
        Ok(seen) => seen,
        Err(error) => return notice::failed(&console, &visitor, &error),
    };
    let snapshot = console.snapshot();
    let language = visitor.language;
    let say = |text| language.say(text);
    let body = html! {
        p.eyebrow { (say(w::PUBLIC_PAGE)) }
        h1 { (language.fill(w::PUBLIC_TITLE, &[&bits::plain(&console.inner.register.owner)])) }
        p.lead { (say(w::PUBLIC_MEANS)) }
        section aria-labelledby="watched" {
            h2 #watched { (say(w::PUBLIC_WATCHED)) }
            ul { @for desk in snapshot.desks.iter().filter(|desk| desk.is_watched()) {
                li { span lang="en" { (desk.card.title) } ": " (language.count(desk.records_read, w::RECORDS, &[])) " " (language.count(desk.sources, w::OF_SOURCES, &[])) }
            } }
            @if !snapshot.desks.iter().any(crate::snapshot::DeskState::is_watched) { p.quiet { (say(w::REACH_NOTHING_READ)) } }
            p { (overview::unknown(language, &snapshot, &console.watch(), false)) }
        }
        (facts(&console, &visitor, &seen))
        section aria-labelledby="latest" {
            h2 #latest { (say(w::LATEST_ENTRIES)) }
            p { (say(w::PUBLIC_ENTRIES_MEAN)) }
            (entries(&visitor, &seen.latest, false))
        }
        p.dim { (language.mark(w::AS_OF, &[visitor.time(Timestamp::now())])) }
    };
    Page::new(Place::Ledger, say(w::PUBLIC_PAGE), body).show(&console, &visitor)
}

/// The ledger's files as they are (C2SP tlog-tiles): `checkpoint`, `tile/…`.
pub(crate) async fn checkpoint(State(console): State<Console>) -> Response {
    file(
        &console,
        "checkpoint".into(),
        "text/plain; charset=utf-8",
        "no-cache",
    )
    .await
}

pub(crate) async fn tile(State(console): State<Console>, Path(path): Path<String>) -> Response {
    if !is_tile_path(&path) {
        return (StatusCode::NOT_FOUND, "No such tile.\n").into_response();
    }
    // What is at a tile's path never changes.
    file(
        &console,
        PathBuf::from("tile").join(path),
        "application/octet-stream",
        "public, max-age=31536000, immutable",
    )
    .await
}

async fn file(console: &Console, name: PathBuf, media_type: &'static str, cache: &'static str) -> Response {
    let path = console.inner.options.workspace.join("ledger").join(name);
    let read = off_the_runtime(move || {
        if std::fs::metadata(&path)?.len() > MAX_FILE_BYTES {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        std::fs::read(&path)
    })
    .await;
    match read {
        Ok(bytes) => {
            let mut response = bytes.into_response();
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
            response
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            (StatusCode::NOT_FOUND, "No such tile.\n").into_response()
        }
        Err(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "The ledger's folder cannot be read.\n",
        )
            .into_response(),
    }
}

/// Whether a path is one that C2SP tlog-tiles has ("Tiles"): `<L>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]`, N in groups of
/// three digits with `x` before all but the last. Whatever else there is in a path, dots among it, is none.
fn is_tile_path(path: &str) -> bool {
    let mut parts: Vec<&str> = path.split('/').collect();
    if parts.len() < 2 || parts.len() > 10 {
        return false;
    }
    let level = parts.remove(0);
    let is_level = level == "entries"
        || ((1..=2).contains(&level.len())
            && level.bytes().all(|b| b.is_ascii_digit())
            && (level == "0" || !level.starts_with('0'))
            && level.parse::<u8>().is_ok_and(|level| level <= 63));
    let three_digits = |part: &str| part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit());
    if let [.., last, width] = parts.as_slice()
        && let Some(number) = last.strip_suffix(".p")
    {
        let is_width = !width.starts_with('0')
            && width.bytes().all(|b| b.is_ascii_digit())
            && width.parse::<u16>().is_ok_and(|width| (1..=255).contains(&width));
        if !is_width || !three_digits(number) {
            return false;
        }
        parts.truncate(parts.len() - 2);
    } else if !parts.pop().is_some_and(three_digits) {
        return false;
    }
    is_level
        && parts
            .iter()
            .all(|part| part.strip_prefix('x').is_some_and(three_digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tiles_are_tiles() {
        for good in [
            "0/000",
            "63/255",
            "entries/000",
            "0/x001/x234/067",
            "entries/x001/002.p/17",
            "0/000.p/1",
        ] {
            assert!(is_tile_path(good), "{good}");
        }
        for bad in [
            "",
            "0",
            "0/",
            "0/0000",
            "0/..",
            "../keys.txt",
            "0/../../keys/ledger.key",
            "entries/000.p/256",
            "entries/000.p/0",
            "entries/000.p/01",
            "64/000",
            "00/000",
            "0/x001",
            "0/001/x002",
            "0/000.p",
            "0//000",
            "0/000/000",
            "0/٠٠٠",
            "0/00\0",
            "0/000.p/1/2",
            "/0/000",
            "entries/x001/002.p/",
            "0/x00/000",
        ] {
            assert!(!is_tile_path(bad), "{bad:?}");
        }
    }
}
