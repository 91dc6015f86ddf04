//! Notices what was recorded, by whichever process, and tells the open pages.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pollwatch_brief::Veil;
use pollwatch_model::{Polarity, Verdict};
use pollwatch_store::{LeafId, Mark, Store};
use tokio::sync::{Notify, watch};

use crate::Console;
use crate::snapshot::{Counted, Snapshot};

/// How often the record is asked whether anything is new: well under the second in which an alert must be on the page.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Counting everything again costs at most this share of a core: after a count of 10 ms the next one waits 90 ms.
const COUNT_SHARE: u32 = 10;
/// New findings that one piece of news names; of a flood the page shows the newest and a number.
const NAMED_AT_ONCE: u32 = 20;
/// Access events that are told to the ledger at once.
const EVENTS_AT_ONCE: u32 = 500;
/// Under which name the record keeps sign-ins and changes of accounts.
pub(crate) const ACCESS_DESK: &str = "console";
/// How often waiting events are looked for when nobody says that there are some.
const RECORD_EVERY: Duration = Duration::from_secs(30);

/// Most findings that a tally reads into memory at once; each has some kilobytes.
pub(crate) const MOST_TALLIED: u64 = 10_000;
/// Counting the tally costs at most this share of a core: it reads every finding.
const TALLY_SHARE: u32 = 20;

/// What an open page is told.
#[derive(Debug, Clone)]
pub(crate) struct News {
    /// Number of the newest entry: what the page has seen, should it come back.
    pub(crate) leaf: u64,
    /// New and changed findings, newest first, undismissed threats at alarm severity alone.
    pub(crate) alarms: Arc<Vec<Alarm>>,
    /// How many findings are new or changed, as far as they were looked at.
    pub(crate) findings: u32,
}

impl News {
    /// As the page's script reads it.
    pub(crate) fn json(&self) -> String {
        serde_json::json!({"leaf": self.leaf, "findings": self.findings, "alarms": *self.alarms}).to_string()
    }
}

/// A finding as the live line tells it.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Alarm {
    pub(crate) id: String,
    pub(crate) severity: &'static str,
    pub(crate) summary: String,
}

/// What the tasks beside the requests share.
#[derive(Default)]
pub(crate) struct Live {
    recorder: Notify,
    streams: AtomicU64,
    newest: AtomicU64,
}

impl Live {
    pub(crate) fn wake_recorder(&self) {
        self.recorder.notify_one();
    }

    /// Number of the newest entry that was seen in the record.
    pub(crate) fn newest_leaf(&self) -> u64 {
        self.newest.load(Ordering::Relaxed)
    }

    /// Open event streams.
    pub(crate) fn streams(&self) -> u64 {
        self.streams.load(Ordering::Relaxed)
    }

    /// Takes a place among `most` open streams, until the guard is dropped; `None` when all are taken.
    pub(crate) fn open_stream(console: &Console, most: u64) -> Option<StreamGuard> {
        let streams = &console.inner.live.streams;
        if streams.fetch_add(1, Ordering::Relaxed) >= most {
            streams.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(StreamGuard(console.clone()))
    }
}

/// A place among the open streams.
pub(crate) struct StreamGuard(Console);

impl Drop for StreamGuard {
    fn drop(&mut self) {
        self.0.inner.live.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Looks for changes until told to stop.
pub(crate) async fn follow(
    console: Console,
    snapshots: watch::Sender<Arc<Snapshot>>,
    mut stopped: watch::Receiver<bool>,
) {
    let recorder = tokio::spawn(record_events(console.clone()));
    let snapshots = Arc::new(snapshots);
    let teller = tokio::spawn(tally(console.clone(), Arc::clone(&snapshots)));
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut watch = None;
    let mut seen: Option<Mark> = None;
    let mut counted = Mark::default();
    let mut count_from = Instant::now();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.changed() => break,
        }
        if watch.is_none() {
            watch = console.inner.store.watch().await.ok();
        }
        let Some(looking) = &mut watch else { continue };
        let Ok(now) = looking.mark().await else {
            watch = None;
            continue;
        };
        match seen {
            Some(before) if now.leaf > before.leaf => {
                console.inner.live.newest.store(now.leaf, Ordering::Relaxed);
                if let Ok(news) = gather_after(&console, LeafId(before.leaf)).await {
                    // Nobody may be listening.
                    let _ = console.inner.news.send(news);
                    seen = Some(now);
                }
            }
            _ => {
                console.inner.live.newest.store(now.leaf, Ordering::Relaxed);
                seen = Some(now);
            }
        }
        if now != counted && Instant::now() >= count_from {
            let begun = Instant::now();
            if let Ok(snapshot) = Snapshot::take(&console.inner.store, &console.inner.register).await {
                let tally = snapshots.borrow().tally.clone();
                snapshots.send_replace(Arc::new(Snapshot { tally, ..snapshot }));
                counted = now;
            }
            count_from = Instant::now() + begun.elapsed() * (COUNT_SHARE - 1);
        }
    }
    recorder.abort();
    teller.abort();
}

/// Counts field by field whenever the counts have changed, as `pollwatch tally` does without a question.
async fn tally(console: Console, snapshots: Arc<watch::Sender<Arc<Snapshot>>>) {
    let mut changes = snapshots.subscribe();
    loop {
        let before = Arc::clone(&changes.borrow_and_update());
        let begun = Instant::now();
        let counted = if before.findings > MOST_TALLIED {
            Some(Counted::TooMany)
        } else {
            let told = console
                .read(|workspace| workspace.tally(&Default::default()))
                .await;
            told.ok().map(|tally| {
                let fields = tally.fields.iter();
                let sentences = fields
                    .map(|one| (one.field.title.clone(), one.sentence()))
                    .collect();
                Counted::At(Timestamp::now(), Arc::new(sentences))
            })
        };
        let is_same = |tally: &Counted| match (tally, &counted) {
            (Counted::At(_, old), Some(Counted::At(_, new))) => old == new,
            (old, Some(new)) => old == new,
            (_, None) => true,
        };
        if !is_same(&changes.borrow().tally)
            && let Some(tally) = counted
        {
            snapshots.send_modify(|snapshot| {
                *snapshot = Arc::new(Snapshot {
                    tally,
                    ..Snapshot::clone(snapshot)
                });
            });
        }
        tokio::time::sleep(begun.elapsed() * (TALLY_SHARE - 1)).await;
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// What was recorded after `leaf`.
pub(crate) async fn gather_after(console: &Console, leaf: LeafId) -> Result<News, pollwatch_store::Error> {
    let newest = console.inner.live.newest_leaf();
    let found = console.inner.store.recorded_after(leaf, NAMED_AT_ONCE).await?;
    let findings = found.len() as u32;
    let veil = Veil::new(
        &console.inner.register,
        found.iter().map(|stored| &stored.finding),
    );
    let alarms = found
        .into_iter()
        .filter(|stored| {
            let dismissed = stored
                .decision
                .as_ref()
                .is_some_and(|d| d.verdict == Verdict::Dismissed);
            stored.finding.polarity == Polarity::Threat && stored.finding.severity.is_alarm() && !dismissed
        })
        .map(|stored| Alarm {
            id: stored.finding.id.to_string(),
            severity: stored.finding.severity.word(),
            summary: veil.text(&stored.finding.summary),
        })
        .collect();
    Ok(News {
        leaf: newest,
        alarms: Arc::new(alarms),
        findings,
    })
}

/// Hands waiting access events to the ledger, whenever there are some and the workspace is free.
async fn record_events(console: Console) {
    loop {
        let _ = tokio::time::timeout(RECORD_EVERY, console.inner.live.recorder.notified()).await;
        // What comes together is told together: a sign-in is followed by others in the morning.
        tokio::time::sleep(Duration::from_millis(300)).await;
        while let Ok(posted) = console.inner.access.posted(EVENTS_AT_ONCE).await {
            let Some(last) = posted.last().map(|(id, _)| *id) else {
                break;
            };
            let events: Vec<_> = posted.into_iter().map(|(_, event)| event).collect();
            let told = console
                .write(move |workspace| {
                    // One stream a month, so that appending stays quick.
                    let stream = Timestamp::now().strftime("%Y-%m").to_string();
                    let before = workspace.events(ACCESS_DESK, &stream)?;
                    let events = events
                        .iter()
                        .map(serde_json::to_value)
                        .collect::<Result<Vec<_>, _>>()?;
                    workspace.append_events(ACCESS_DESK, &stream, &before, &events, Timestamp::now())
                })
                .await;
            if told.is_err() || console.inner.access.forget_posted(last).await.is_err() {
                break;
            }
        }
    }
}
