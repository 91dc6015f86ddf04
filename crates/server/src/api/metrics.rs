//! What the console counts about itself, for Prometheus (exposition format 0.0.4), and whether it is well.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use pollwatch_store::Store;

use crate::Console;

/// Bounds of the histogram of answers, in milliseconds: around the goal of 15 ms and the floor of 60 ms.
const BOUNDS_MS: [u64; 9] = [1, 2, 5, 10, 15, 30, 60, 250, 1_000];

/// Counters since the start.
#[derive(Default)]
pub(crate) struct Meters {
    open: AtomicU64,
    by_class: [AtomicU64; 6],
    buckets: [AtomicU64; BOUNDS_MS.len() + 1],
    micros: AtomicU64,
    failed: AtomicU64,
    sign_ins_failed: AtomicU64,
}

impl Meters {
    pub(crate) fn begin(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self, status: StatusCode, took: Duration) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        let class = usize::from(status.as_u16() / 100).min(self.by_class.len() - 1);
        self.by_class[class].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_MS
            .iter()
            .position(|bound| micros <= bound * 1_000)
            .unwrap_or(BOUNDS_MS.len());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// A page said that something of ours does not work.
    pub(crate) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// A name, password or code was wrong. Gives how many were since the start.
    pub(crate) fn sign_in_failed(&self) -> u64 {
        self.sign_ins_failed.fetch_add(1, Ordering::Relaxed) + 1
    }
}

pub(crate) async fn show(State(console): State<Console>) -> Response {
    let snapshot = console.snapshot();
    let inner = &console.inner;
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let mut text = String::new();
    let mut put = |name: &str, kind: &str, help: &str, lines: &[(String, u64)]| {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in lines {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let plain = |value: u64| vec![(String::new(), value)];
    put(
        "pollwatch_findings",
        "gauge",
        "Findings of the record.",
        &[
            (
                "{polarity=\"threat\",standing=\"alarm\"}".to_owned(),
                snapshot.alarms,
            ),
            (
                "{polarity=\"threat\",standing=\"watched\"}".to_owned(),
                snapshot.watched,
            ),
            (
                "{polarity=\"assurance\",standing=\"sound\"}".to_owned(),
                snapshot.assurances,
            ),
            (
                "{polarity=\"any\",standing=\"dismissed\"}".to_owned(),
                snapshot.dismissed,
            ),
        ],
    );
    put(
        "pollwatch_alarms_undecided",
        "gauge",
        "Alarms that nobody decided on.",
        &plain(snapshot.undecided),
    );
    let by_desk = |of: fn(&crate::snapshot::DeskState) -> u64| -> Vec<(String, u64)> {
        snapshot
            .desks
            .iter()
            .map(|desk| (format!("{{desk=\"{}\"}}", desk.card.name), of(desk)))
            .collect()
    };
    put(
        "pollwatch_records_read",
        "gauge",
        "Records that were read.",
        &by_desk(|desk| desk.records_read),
    );
    put(
        "pollwatch_records_unread",
        "gauge",
        "Records that could not be read.",
        &by_desk(|desk| desk.records_unread),
    );
    put(
        "pollwatch_ledger_newest_leaf",
        "counter",
        "Number of the newest entry for the ledger.",
        &plain(inner.live.newest_leaf()),
    );
    put(
        "pollwatch_streams_open",
        "gauge",
        "Open event streams.",
        &plain(inner.live.streams()),
    );
    put(
        "pollwatch_requests_open",
        "gauge",
        "Requests that are being answered.",
        &plain(load(&inner.meters.open)),
    );
    let classes: Vec<(String, u64)> = (1..6)
        .map(|class| {
            (
                format!("{{status=\"{class}xx\"}}"),
                load(&inner.meters.by_class[class]),
            )
        })
        .collect();
    put(
        "pollwatch_requests_total",
        "counter",
        "Requests that were answered.",
        &classes,
    );
    put(
        "pollwatch_failures_total",
        "counter",
        "Pages that said that something does not work.",
        &plain(load(&inner.meters.failed)),
    );
    put(
        "pollwatch_sign_ins_failed_total",
        "counter",
        "Sign-ins with a wrong name, password or code.",
        &plain(load(&inner.meters.sign_ins_failed)),
    );
    put(
        "pollwatch_sign_ins_refused_total",
        "counter",
        "Sign-ins that were not looked at because there were too many.",
        &plain(inner.throttle.refused()),
    );
    let mut sum = 0;
    let mut lines = Vec::new();
    for (place, bucket) in inner.meters.buckets.iter().enumerate() {
        sum += load(bucket);
        let bound = BOUNDS_MS
            .get(place)
            .map_or("+Inf".to_owned(), |ms| format!("{}", *ms as f64 / 1_000.0));
        lines.push((format!("_bucket{{le=\"{bound}\"}}"), sum));
    }
    lines.push(("_count".to_owned(), sum));
    put(
        "pollwatch_request_seconds",
        "histogram",
        "Time to answer.",
        &lines,
    );
    let _ = writeln!(
        text,
        "pollwatch_request_seconds_sum {}",
        load(&inner.meters.micros) as f64 / 1e6
    );
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
        .into_response()
}

/// It runs.
pub(crate) async fn healthy() -> &'static str {
    "ok\n"
}

/// It can answer: record, accounts and ledger can be read.
pub(crate) async fn ready(State(console): State<Console>) -> Response {
    let record = console.inner.store.meta("created").await.is_ok();
    let accounts = console.inner.access.setting("guest").await.is_ok();
    let ledger = console
        .read(|workspace| workspace.ledger().map(|_| ()))
        .await
        .is_ok();
    let said = |ok: bool| if ok { "ok" } else { "failed" };
    let text = format!(
        "record {}\naccounts {}\nledger {}\n",
        said(record),
        said(accounts),
        said(ledger)
    );
    let status = if record && accounts && ledger {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, text).into_response()
}
