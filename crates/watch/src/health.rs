//! How each source and each way of telling people is, for `pollwatch status` and the console.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use pollwatch_engine::{AlertHealth, SourceHealth, SourceState, WatchHealth, WatchedSource};

/// The daemon's health, written by all of its threads.
#[derive(Clone, Default)]
pub struct Health(Arc<Mutex<WatchHealth>>);

impl Health {
    /// Of a daemon that begins.
    pub fn new(sources: &[WatchedSource], alerts: &[String], now: Timestamp) -> Self {
        let health = WatchHealth {
            alive_at: Some(now),
            since: Some(now),
            is_stopped: false,
            sources: sources
                .iter()
                .map(|source| SourceHealth {
                    name: source.name.clone(),
                    desk: source.desk.clone(),
                    path: source.path.clone(),
                    state: SourceState::Starting,
                    since: now,
                    read_at: None,
                    records: 0,
                    records_unread: 0,
                    lag_bytes: 0,
                    trouble: None,
                })
                .collect(),
            alerts: alerts
                .iter()
                .map(|name| AlertHealth {
                    name: name.clone(),
                    told_at: None,
                    waiting: 0,
                    trouble: None,
                })
                .collect(),
        };
        Health(Arc::new(Mutex::new(health)))
    }

    /// Changes the health of the source `name`. Tells whether its state is another one now.
    pub fn source(&self, name: &str, change: impl FnOnce(&mut SourceHealth)) -> bool {
        let mut health = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(source) = health.sources.iter_mut().find(|source| source.name == name) else {
            return false;
        };
        let before = (source.state, source.trouble.clone());
        change(source);
        if source.state != before.0 {
            source.since = Timestamp::now();
        }
        before != (source.state, source.trouble.clone())
    }

    /// Changes the health of the way `name` of telling people.
    pub fn alert(&self, name: &str, change: impl FnOnce(&mut AlertHealth)) {
        let mut health = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(alert) = health.alerts.iter_mut().find(|alert| alert.name == name) {
            change(alert);
        }
    }

    /// As it is, at `now`.
    pub fn as_it_is(&self, now: Timestamp, is_stopped: bool) -> WatchHealth {
        let mut health = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        health.alive_at = Some(now);
        health.is_stopped = is_stopped;
        health.clone()
    }
}
