//! The daemon: a thread for each source, one that tells people, and one that minds them all.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pollwatch_engine::{Error, Novelty, Settings, SourceKind, SourceState, WatchedSource, Workspace};
use pollwatch_model::Finding;

use crate::health::Health;
use crate::share::Shared;
use crate::{alert, folder, log, stdin};

/// How often health is kept in the record while nothing happens.
const HEALTH_EVERY: Duration = Duration::from_secs(10);
/// How long a source that failed rests before it is tried again, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Whether the daemon goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It follows its sources until it is told to stop.
    Forever,
    /// It reads all that is there, tells people, and ends.
    Once,
}

/// What happens, as it happens.
#[derive(Debug, Clone)]
pub enum Notice {
    /// It follows so many sources, and tells people in so many ways.
    Began {
        /// Sources.
        sources: usize,
        /// Ways of telling people.
        alerts: usize,
    },
    /// Something was found, or something about it changed.
    Finding {
        /// The source's name.
        source: String,
        /// What was found.
        finding: Box<Finding>,
        /// Whether it is new.
        novelty: Novelty,
    },
    /// A source is in another state.
    State {
        /// The source's name.
        source: String,
        /// The state.
        state: SourceState,
        /// What is wrong.
        trouble: Option<String>,
    },
    /// Something about a source is worth saying.
    Remark {
        /// The source's name.
        source: String,
        /// What.
        what: String,
    },
    /// People were told, or could not be.
    Told {
        /// The way of telling them.
        alert: String,
        /// Findings in the message.
        findings: usize,
        /// Why it did not go out; it is tried again.
        trouble: Option<String>,
    },
    /// The settings were read anew, or could not be.
    Reloaded {
        /// What is wrong with them: the old ones stand.
        trouble: Option<String>,
    },
}

/// Asks threads to end, from anywhere.
#[derive(Clone, Default)]
pub struct Stop(Arc<(AtomicBool, Mutex<()>, Condvar)>);

impl Stop {
    /// Asks.
    pub fn ask(&self) {
        self.0.0.store(true, Ordering::SeqCst);
        let _held = self.0.1.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.2.notify_all();
    }

    /// Whether it was asked.
    pub fn is_asked(&self) -> bool {
        self.0.0.load(Ordering::SeqCst)
    }

    /// Waits for `time`, or until it is asked.
    pub fn wait(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut held = self.0.1.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.is_asked() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            held = self
                .0
                .2
                .wait_timeout(held, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

/// What stops the daemon.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The workspace cannot be worked with.
    #[error(transparent)]
    Engine(#[from] Error),
    /// There is nothing to follow.
    #[error(
        "there is nothing to watch: add a [[source]] table to {}; docs/watch.md has an example of each kind",
        settings.display()
    )]
    NoSources {
        /// The settings file.
        settings: PathBuf,
    },
    /// A way of telling people cannot be used.
    #[error("alert {name:?} cannot be used: {why}")]
    Alert {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
}

/// What all threads of one reading of the settings share.
pub struct Daemon {
    /// The workspace's folder.
    pub dir: PathBuf,
    /// The workspace.
    pub shared: Shared,
    /// Whether to end.
    pub stop: Stop,
    /// How everything is.
    pub health: Health,
    /// Whether to go on.
    pub mode: Mode,
    /// Since when it runs.
    pub since: Timestamp,
    notices: Mutex<Sender<Notice>>,
    news: (Mutex<bool>, Condvar),
}

impl Daemon {
    /// Says what happens.
    pub fn notice(&self, notice: Notice) {
        let sender = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody listens any more when the daemon ends.
        let _ = sender.send(notice);
    }

    /// Something was recorded that people may have to be told of.
    pub fn wake_alerts(&self) {
        *self.news.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.news.1.notify_all();
    }

    /// Waits until there is news, or for `time`.
    pub fn wait_for_news(&self, time: Duration) {
        let held = self.news.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut held, _) = self
            .news
            .1
            .wait_timeout_while(held, time, |is_news| !*is_news && !self.stop.is_asked())
            .unwrap_or_else(PoisonError::into_inner);
        *held = false;
    }
}

/// An error with its causes, each said once.
pub fn in_words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = inner.source();
    }
    text
}

/// Follows every source of the workspace in `dir` until `stop` is asked, reading the settings anew when `reload` is set.
///
/// Errors: a workspace or settings that cannot be worked with. What goes wrong with a source is a notice and its health, and
/// is tried again.
pub fn watch(
    dir: &Path,
    mode: Mode,
    stop: &Stop,
    reload: &AtomicBool,
    tell: &mut dyn FnMut(Notice),
) -> Result<(), WatchError> {
    let mut settings = settings_of(dir)?;
    loop {
        let next = watch_under(dir, &settings, mode, stop, reload, tell)?;
        match next {
            None => return Ok(()),
            Some(newer) => settings = newer,
        }
    }
}

fn settings_of(dir: &Path) -> Result<Settings, WatchError> {
    let workspace = Workspace::open(dir, pollwatch_engine::Mode::Read)?;
    let settings = workspace.settings().clone();
    if settings.sources.is_empty() {
        return Err(WatchError::NoSources {
            settings: dir.join("pollwatch.toml"),
        });
    }
    alert::check(dir, &settings)?;
    Ok(settings)
}

/// Works under one reading of the settings; gives the next one.
fn watch_under(
    dir: &Path,
    settings: &Settings,
    mode: Mode,
    stop: &Stop,
    reload: &AtomicBool,
    tell: &mut dyn FnMut(Notice),
) -> Result<Option<Settings>, WatchError> {
    let now = Timestamp::now();
    let (sender, notices) = channel();
    let names: Vec<String> = settings.alerts.iter().map(|alert| alert.name.clone()).collect();
    let daemon = Daemon {
        dir: dir.to_path_buf(),
        shared: Shared::new(dir),
        stop: Stop::default(),
        health: Health::new(&settings.sources, &names, now),
        mode,
        since: now,
        notices: Mutex::new(sender),
        news: (Mutex::new(false), Condvar::new()),
    };
    tell(Notice::Began {
        sources: settings.sources.len(),
        alerts: settings.alerts.len(),
    });
    let mut next = None;
    std::thread::scope(|scope| {
        let daemon = &daemon;
        let sources: Vec<_> = settings
            .sources
            .iter()
            .map(|source| scope.spawn(move || keep_following(daemon, source)))
            .collect();
        let alerts = scope.spawn(move || alert::tell_people(daemon, settings));
        let mut told = Instant::now();
        keep_health(daemon, false);
        loop {
            hand_on(&notices, tell);
            daemon.shared.rest();
            if told.elapsed() >= HEALTH_EVERY {
                keep_health(daemon, false);
                told = Instant::now();
            }
            let are_over = sources.iter().all(|thread| thread.is_finished());
            if reload.swap(false, Ordering::SeqCst) {
                match settings_of(dir) {
                    Ok(newer) => {
                        next = Some(newer);
                        tell(Notice::Reloaded { trouble: None });
                    }
                    Err(error) => tell(Notice::Reloaded {
                        trouble: Some(in_words(&error)),
                    }),
                }
            }
            if stop.is_asked() {
                next = None;
            }
            if stop.is_asked() || next.is_some() || (mode == Mode::Once && are_over) {
                break;
            }
            stop.wait(Duration::from_millis(50));
        }
        daemon.stop.ask();
        for thread in sources {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
        daemon.wake_alerts();
        let _ = alerts.join();
        hand_on(&notices, tell);
    });
    // The threads are gone: nobody else waits for the workspace of this daemon.
    let last = daemon.health.as_it_is(Timestamp::now(), next.is_none());
    let forever = Stop::default();
    let kept = daemon
        .shared
        .with(&forever, |workspace| workspace.set_watch_health(&last));
    daemon.shared.close();
    if let Err(error) = kept {
        tell(Notice::Remark {
            source: String::new(),
            what: format!("the health of the daemon could not be kept: {}", in_words(&error)),
        });
    }
    Ok(next)
}

fn hand_on(notices: &Receiver<Notice>, tell: &mut dyn FnMut(Notice)) {
    while let Ok(notice) = notices.try_recv() {
        tell(notice);
    }
}

/// Keeps the health in the record. A record that cannot be written to is said by whoever has something to record.
fn keep_health(daemon: &Daemon, is_stopped: bool) {
    let health = daemon.health.as_it_is(Timestamp::now(), is_stopped);
    let _ = daemon
        .shared
        .with(&daemon.stop, |workspace| workspace.set_watch_health(&health));
}

/// Follows a source, and begins again when something went wrong: a source that fails does not stop the others, nor itself
/// for good.
fn keep_following(daemon: &Daemon, source: &WatchedSource) {
    let mut pause = RETRY.0;
    loop {
        let begun = Instant::now();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match source.kind {
            SourceKind::Log => log::follow(daemon, source),
            SourceKind::Folder => folder::follow(daemon, source),
            SourceKind::Stdin => stdin::follow(daemon, source),
        }));
        let trouble = match outcome {
            Ok(Ok(())) => return,
            Ok(Err(error)) => in_words(&error),
            Err(_) => "its desk broke down on what it read; report it to the makers of Pollwatch".to_owned(),
        };
        if daemon.stop.is_asked() {
            return;
        }
        crate::source::say_state(
            daemon,
            source,
            SourceState::Failed,
            0,
            Some(trouble),
            Duration::ZERO,
        );
        if daemon.mode == Mode::Once {
            return;
        }
        if begun.elapsed() > RETRY.1 {
            pause = RETRY.0;
        }
        daemon.stop.wait(pause);
        pause = (pause * 2).min(RETRY.1);
    }
}
