//! Server-sent events: an open page learns within a second what was recorded (HTML Standard, section 9.2).

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use pollwatch_store::LeafId;
use tokio::sync::broadcast::error::RecvError;

use crate::Console;
use crate::access::guard::Caller;
use crate::live::{Live, News, gather_after};

/// Most open streams. Each costs a task and a socket, some tens of kilobytes.
pub(crate) const MAX_STREAMS: u64 = 6_000;
/// A sign of life, so that proxies keep the line open and a browser notices that it is cut.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// A stream ends after so long, so that somebody whose session ended stops being told; the browser connects again by itself.
const LONGEST: Duration = Duration::from_secs(15 * 60);

pub(crate) async fn events(
    State(console): State<Console>,
    Extension(_caller): Extension<Caller>,
    headers: HeaderMap,
) -> Response {
    let Some(place) = Live::open_stream(&console, MAX_STREAMS) else {
        return (StatusCode::SERVICE_UNAVAILABLE, "Too many open pages.\n").into_response();
    };
    let news = console.inner.news.subscribe();
    let stopped = console.inner.stop.subscribe();
    // What this page shows is of the counts before.
    let mut counts = console.inner.snapshot.clone();
    counts.mark_unchanged();
    // A browser that comes back says what it saw last.
    let last: Option<u64> = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let missed = match last {
        Some(last) if last < console.inner.live.newest_leaf() => {
            gather_after(&console, LeafId(last)).await.ok()
        }
        _ => None,
    };
    let first = Event::default()
        .event("ready")
        .id(console.inner.live.newest_leaf().to_string())
        .data("{}");
    let ends = tokio::time::Instant::now() + LONGEST;
    let mut waiting: Vec<Event> = missed.iter().map(event).collect();
    waiting.push(first);
    let state = (waiting, news, counts, stopped, place);
    let events = stream::unfold(
        state,
        move |(mut waiting, mut news, mut counts, mut stopped, place)| async move {
            loop {
                if let Some(event) = waiting.pop() {
                    return Some((
                        Ok::<_, Infallible>(event),
                        (waiting, news, counts, stopped, place),
                    ));
                }
                tokio::select! {
                    // Counts follow the news; a page that looks earlier sees the old ones.
                    counted = counts.changed() => match counted {
                        Ok(()) => waiting.push(Event::default().event("counted").data("{}")),
                        Err(_) => return None,
                    },
                    heard = news.recv() => match heard {
                        Ok(heard) => waiting.push(event(&heard)),
                        // Too slow for all of it: look at everything again.
                        Err(RecvError::Lagged(_)) => waiting.push(Event::default().event("lagged").data("{}")),
                        Err(RecvError::Closed) => return None,
                    },
                    _ = stopped.changed() => return None,
                    () = tokio::time::sleep_until(ends) => return None,
                }
            }
        },
    );
    Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}

fn event(news: &News) -> Event {
    Event::default()
        .event("news")
        .id(news.leaf.to_string())
        .data(news.json())
}
