//! What following a source has in common, whatever its kind: reading into the desk, recording, and saying how it goes.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pollwatch_engine::{
    Error, LiveRun, LiveSource, LiveStep, Novelty, ReadInput, Recorded, SourceKind, SourceState,
    WatchedSource, desks,
};
use pollwatch_model::{Input, Position};
use serde_json::Value;

use crate::daemon::{Daemon, Notice};

/// Shortest time between two looks at a source.
pub const POLL: Duration = Duration::from_millis(100);
/// Longest that what was read waits to be recorded while nothing was found.
const RECORD_WITHIN: Duration = Duration::from_secs(1);
/// Shortest time between two looks at what the desk would say if its run ended now.
const SETTLE_EVERY: Duration = Duration::from_millis(200);
/// Of all time, the part that settling and recording may take: one in this many.
const SHARE: u32 = 3;
/// How long to wait before a step that could not be recorded is tried again, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// A source and the run that reads it.
pub struct Follower<'a> {
    /// The daemon.
    pub daemon: &'a Daemon,
    /// What the settings say of the source.
    pub source: &'a WatchedSource,
    run: LiveRun,
    recorded: Recorded,
    pending: LiveStep,
    /// Inputs that were read and are not yet recorded as read.
    read: Vec<ReadInput>,
    /// Whether something was read that is not recorded.
    is_dirty: bool,
    /// Whether something was read since the desk was last asked what it would say at the end.
    is_unsettled: bool,
    settled: (Instant, Duration),
    written: (Instant, Duration),
}

/// When the desk is asked what it would say if its run ended now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settling {
    /// When enough time went by.
    WhenDue,
    /// Now: nothing more is read for a while.
    Now,
}

/// Where a run that was taken up had come to.
pub struct Came {
    /// The place that was recorded last; `None` for a run that begins.
    pub place: Option<Value>,
    /// Inputs that were read to their end.
    pub done: Vec<String>,
    /// Inputs that were begun.
    pub inputs: usize,
}

/// Where a source's path lies: as it is, or from the workspace's folder.
pub fn path_of(dir: &Path, source: &WatchedSource) -> PathBuf {
    dir.join(&source.path)
}

impl<'a> Follower<'a> {
    /// Takes up or begins the run of `source`. `identity` is what makes it the same source, beside its name.
    pub fn open(
        daemon: &'a Daemon,
        source: &'a WatchedSource,
        identity: &str,
    ) -> Result<(Follower<'a>, Came), Error> {
        let desk = desks::named(&source.desk).ok_or_else(|| Error::Settings {
            file: "pollwatch.toml".to_owned(),
            line: 1,
            why: format!("there is no desk {:?}", source.desk),
        })?;
        let kind = match source.kind {
            SourceKind::Log => "log",
            SourceKind::Folder => "folder",
            SourceKind::Stdin => "stdin",
        };
        let live = LiveSource {
            name: source.name.clone(),
            identity: format!(
                "{kind}\n{}\n{}\n{}\n{identity}",
                source.path, source.target, source.format
            ),
        };
        let taken = daemon.shared.with(&daemon.stop, |workspace| {
            LiveRun::open(workspace, desk, &live, Timestamp::now())
        })?;
        let now = Instant::now();
        let mut pending = LiveStep::default();
        if let Some(remark) = taken.remark {
            daemon.notice(Notice::Remark {
                source: source.name.clone(),
                what: remark.clone(),
            });
            pending.remark(&source.name, remark);
        }
        let follower = Follower {
            daemon,
            source,
            run: taken.run,
            recorded: Recorded::default(),
            pending,
            read: Vec::new(),
            is_dirty: false,
            is_unsettled: false,
            settled: (now, Duration::ZERO),
            written: (now, Duration::ZERO),
        };
        let came = Came {
            place: taken.place,
            done: taken.done,
            inputs: taken.inputs,
        };
        Ok((follower, came))
    }

    /// The input of that name, as the desk is told of it.
    pub fn input(&self, name: &str) -> Input {
        Input {
            name: name.to_owned(),
            role: self.source.target.clone(),
            format: (!self.source.format.is_empty()).then(|| self.source.format.clone()),
        }
    }

    /// The run.
    pub fn run(&mut self) -> &mut LiveRun {
        &mut self.run
    }

    /// Takes what was found into what is to be recorded next.
    pub fn take(&mut self, step: LiveStep) {
        let (records, unread) = (step.records, step.records_unread);
        if records > 0 || unread > 0 || step.says_something() {
            self.is_dirty = true;
            self.is_unsettled = true;
        }
        self.daemon.health.source(&self.source.name, |health| {
            health.records += records;
            health.records_unread += unread;
            if records > 0 || unread > 0 {
                health.read_at = Some(Timestamp::now());
            }
        });
        self.pending.absorb(step);
    }

    /// The place alone is worth recording.
    pub fn touch(&mut self) {
        self.is_dirty = true;
    }

    /// Something worth saying about the source, now and in the record.
    pub fn remark(&mut self, input: &str, what: impl Into<String>) {
        let what = what.into();
        self.daemon.notice(Notice::Remark {
            source: self.source.name.clone(),
            what: what.clone(),
        });
        self.pending.remark(input, what);
        self.is_dirty = true;
    }

    /// Notes how far an input was read; it is recorded with the next step.
    pub fn read(&mut self, input: ReadInput) {
        self.is_dirty = true;
        match self.read.iter_mut().find(|known| known.ordinal == input.ordinal) {
            Some(known) => *known = input,
            None => self.read.push(input),
        }
    }

    /// Whether enough time went by, or enough was found, to record it.
    pub fn is_due(&self) -> bool {
        let (at, cost) = self.written;
        let wait = if self.pending.has_findings() {
            SETTLE_EVERY
        } else {
            RECORD_WITHIN
        };
        (self.is_dirty && at.elapsed() >= wait.max(cost * SHARE)) || self.is_settling_due()
    }

    fn is_settling_due(&self) -> bool {
        let (at, cost) = self.settled;
        self.is_unsettled && at.elapsed() >= SETTLE_EVERY.max(cost * SHARE)
    }

    /// Records what is pending, with what the desk would say if it ended now, and the place that was reached. Tries until it
    /// succeeds or the daemon is to stop: what cannot be recorded is not read over.
    pub fn record(
        &mut self,
        open: &[(Input, Position)],
        place: &Value,
        settling: Settling,
    ) -> Result<(), Error> {
        if !self.is_dirty && !self.is_unsettled {
            return Ok(());
        }
        let begun = Instant::now();
        let saved = self.run.save()?;
        if self.is_settling_due() || (self.is_unsettled && settling == Settling::Now) {
            let settled = self.run.settle(&saved, open)?;
            let (reached, is_end) = (self.pending.reached, self.pending.is_end);
            self.pending.absorb(settled);
            (self.pending.reached, self.pending.is_end) = (reached, is_end);
            self.settled = (Instant::now(), begun.elapsed());
            self.is_unsettled = false;
        }
        self.pending.leave_out(&self.recorded);
        let begun = Instant::now();
        let (run, daemon) = (&self.run, self.daemon);
        let (pending, read) = (&mut self.pending, &self.read);
        let kept = persist(daemon, self.source, || {
            daemon.shared.with(&daemon.stop, |workspace| {
                run.record(workspace, pending, &saved, read, place, Timestamp::now())
            })
        })?;
        self.pending.remember_in(&mut self.recorded);
        self.pending = LiveStep::default();
        self.read.clear();
        self.is_dirty = false;
        self.written = (Instant::now(), begun.elapsed());
        tell(daemon, self.source, kept);
        Ok(())
    }

    /// Records what is pending and the last words of a run that is over.
    pub fn record_end(mut self) -> Result<(), Error> {
        let last = self.run.end()?;
        self.pending.absorb(last);
        let (run, daemon, pending) = (&self.run, self.daemon, &self.pending);
        let kept = persist(daemon, self.source, || {
            daemon.shared.with(&daemon.stop, |workspace| {
                run.record_end(workspace, pending, Timestamp::now())
            })
        })?;
        tell(daemon, self.source, kept);
        Ok(())
    }

    /// Says how the source is.
    pub fn state(&self, state: SourceState, lag_bytes: u64, trouble: Option<String>) {
        let late_after = Duration::from_secs(self.source.late_after_hours.saturating_mul(3_600));
        say_state(self.daemon, self.source, state, lag_bytes, trouble, late_after);
    }
}

/// Says how a source is; one that waits for too long is late.
pub fn say_state(
    daemon: &Daemon,
    source: &WatchedSource,
    state: SourceState,
    lag_bytes: u64,
    trouble: Option<String>,
    late_after: Duration,
) {
    let mut now_state = state;
    let changed = daemon.health.source(&source.name, |health| {
        let last = health.read_at.unwrap_or(daemon.since);
        let silent_for = Timestamp::now().duration_since(last);
        if state == SourceState::Waiting
            && !late_after.is_zero()
            && silent_for.as_secs() > late_after.as_secs() as i64
        {
            now_state = SourceState::Late;
        }
        health.state = now_state;
        health.lag_bytes = lag_bytes;
        health.trouble = trouble.clone();
    });
    if changed && now_state != SourceState::Reading {
        daemon.notice(Notice::State {
            source: source.name.clone(),
            state: now_state,
            trouble,
        });
    }
}

fn tell(daemon: &Daemon, source: &WatchedSource, kept: Vec<(pollwatch_model::Finding, Novelty)>) {
    let mut is_news = false;
    for (finding, novelty) in kept {
        if novelty == Novelty::Known {
            continue;
        }
        is_news = true;
        daemon.notice(Notice::Finding {
            source: source.name.clone(),
            finding: Box::new(finding),
            novelty,
        });
    }
    if is_news {
        daemon.wake_alerts();
    }
}

/// Tries to record until it succeeds. A full disk or a database that is being repaired holds the source up and loses
/// nothing; the daemon's end does end the trying.
fn persist<T>(
    daemon: &Daemon,
    source: &WatchedSource,
    mut work: impl FnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    let mut pause = RETRY.0;
    loop {
        match work() {
            Ok(done) => return Ok(done),
            Err(error) if daemon.stop.is_asked() => return Err(error),
            Err(error) => {
                let what = crate::daemon::in_words(&error);
                say_state(
                    daemon,
                    source,
                    SourceState::Failed,
                    0,
                    Some(format!("what was found cannot be recorded: {what}")),
                    Duration::ZERO,
                );
                daemon.stop.wait(pause);
                pause = (pause * 2).min(RETRY.1);
            }
        }
    }
}
