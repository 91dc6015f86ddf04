//! What is followed day and night: each source that the settings name, as the daemon last told of it.

use jiff::Timestamp;
use pollwatch_engine::{SourceState, WatchHealth, WatchedSource};

/// Whether the daemon runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Daemon {
    /// None ever did.
    Never,
    /// Since then.
    Runs(Option<Timestamp>),
    /// It ended in good order at that time.
    Stopped(Option<Timestamp>),
    /// It was last heard of at that time, and did not say that it ends.
    Silent(Option<Timestamp>),
}

/// How a followed source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// As the daemon told.
    Told(SourceState),
    /// The settings name it, and no daemon ever told of it.
    NeverConnected,
}

/// A source that is followed, or should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Watched {
    pub(crate) name: String,
    pub(crate) desk: String,
    pub(crate) standing: Standing,
    /// Since when it is so.
    pub(crate) since: Option<Timestamp>,
    /// When something new was last read.
    pub(crate) read_at: Option<Timestamp>,
    pub(crate) records: u64,
    pub(crate) records_unread: u64,
    /// Bytes that are there and not read yet.
    pub(crate) lag_bytes: u64,
    pub(crate) trouble: Option<String>,
}

impl Watched {
    /// Whether nothing is to be said against it.
    pub(crate) fn is_well(&self) -> bool {
        use SourceState::{Reading, Starting, Waiting};
        self.trouble.is_none() && matches!(self.standing, Standing::Told(Starting | Reading | Waiting))
    }
}

/// All that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Watch {
    pub(crate) daemon: Daemon,
    /// In the order of the settings as the daemon read them, then those that it does not know.
    pub(crate) sources: Vec<Watched>,
}

impl Watch {
    /// From the settings and what the daemon last told, at `now`.
    pub(crate) fn of(configured: &[WatchedSource], health: Option<&WatchHealth>, now: Timestamp) -> Self {
        let daemon = match health {
            None => Daemon::Never,
            Some(health) if health.is_stopped => Daemon::Stopped(health.alive_at),
            Some(health) if health.is_heard_of(now) => Daemon::Runs(health.since),
            Some(health) => Daemon::Silent(health.alive_at),
        };
        let told = health.map(|health| health.sources.as_slice()).unwrap_or_default();
        let mut sources: Vec<Watched> = told
            .iter()
            .map(|source| Watched {
                name: source.name.clone(),
                desk: source.desk.clone(),
                standing: Standing::Told(source.state),
                since: Some(source.since),
                read_at: source.read_at,
                records: source.records,
                records_unread: source.records_unread,
                lag_bytes: source.lag_bytes,
                trouble: source.trouble.clone(),
            })
            .collect();
        let unheard = configured
            .iter()
            .filter(|source| told.iter().all(|known| known.name != source.name));
        sources.extend(unheard.map(|source| Watched {
            name: source.name.clone(),
            desk: source.desk.clone(),
            standing: Standing::NeverConnected,
            since: None,
            read_at: None,
            records: 0,
            records_unread: 0,
            lag_bytes: 0,
            trouble: None,
        }));
        Watch { daemon, sources }
    }

    /// Whether the daemon runs, so that what it told is so now.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self.daemon, Daemon::Runs(_))
    }

    /// Sources of which something is to be said, the worst first.
    pub(crate) fn troubled(&self) -> Vec<&Watched> {
        let rank = |source: &&Watched| match source.standing {
            Standing::Told(SourceState::Failed) => 0,
            Standing::Told(SourceState::Missing) => 1,
            Standing::NeverConnected => 2,
            Standing::Told(SourceState::Late) => 3,
            Standing::Told(_) => 4,
        };
        let mut troubled: Vec<&Watched> = self.sources.iter().filter(|source| !source.is_well()).collect();
        troubled.sort_by_key(rank);
        troubled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pollwatch_engine::{SourceHealth, SourceKind};

    fn source(name: &str) -> WatchedSource {
        WatchedSource {
            name: name.to_owned(),
            desk: "intrusion".to_owned(),
            kind: SourceKind::Log,
            path: "access.log".to_owned(),
            target: String::new(),
            format: String::new(),
            quiet_seconds: None,
            together: None,
            late_after_hours: 24,
        }
    }

    fn told(name: &str, state: SourceState, now: Timestamp) -> SourceHealth {
        SourceHealth {
            name: name.to_owned(),
            desk: "intrusion".to_owned(),
            path: "access.log".to_owned(),
            state,
            since: now,
            read_at: None,
            records: 0,
            records_unread: 0,
            lag_bytes: 0,
            trouble: None,
        }
    }

    #[test]
    fn a_source_that_no_daemon_told_of_was_never_connected_and_the_worst_comes_first() {
        let now: Timestamp = "2026-11-03T12:00:00Z".parse().unwrap();
        let configured = [source("a"), source("b"), source("new")];
        let health = WatchHealth {
            alive_at: Some(now),
            since: Some(now),
            sources: vec![
                told("a", SourceState::Waiting, now),
                told("b", SourceState::Late, now),
                told("gone", SourceState::Failed, now),
            ],
            ..WatchHealth::default()
        };
        let watch = Watch::of(&configured, Some(&health), now);
        assert!(watch.is_running());
        let names: Vec<&str> = watch
            .troubled()
            .iter()
            .map(|source| source.name.as_str())
            .collect();
        assert_eq!(names, ["gone", "new", "b"]);
        let later = now + jiff::SignedDuration::from_secs(61);
        assert_eq!(
            Watch::of(&configured, Some(&health), later).daemon,
            Daemon::Silent(Some(now))
        );
        let nobody = Watch::of(&configured, None, now);
        assert_eq!((nobody.daemon, nobody.troubled().len()), (Daemon::Never, 3));
    }
}
