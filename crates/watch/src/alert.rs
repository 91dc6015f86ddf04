//! Tells people: one thread goes through the ledger for each way of telling them.

mod message;
mod owed;
mod quiet;
mod send;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pollwatch_engine::{AlertChannel, Error, Revised, Settings, Workspace};
use pollwatch_model::Register;
use serde::{Deserialize, Serialize};

use crate::WatchError;
use crate::daemon::{Daemon, Notice, in_words};
use message::Message;
use owed::is_owed;
use quiet::QuietHours;
use send::Sender;

/// How often the record is looked at for what other processes found.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Shortest time between two messages of one way, so that a hundred findings are not a hundred messages. What is `critical`
/// does not wait.
const BETWEEN_MESSAGES: Duration = Duration::from_secs(5);
/// How long to wait before a message that failed is tried again, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(300));
/// Most findings that wait for the end of quiet hours or of a digest, by index; beyond them the message goes out.
const MAX_WAITING: usize = 10_000;

/// How far one way of telling people has come: kept in the record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    /// Everything below this index of the ledger was told, or waits in `waiting`.
    below: u64,
    /// Entries that are owed and not told: they wait for a digest, or for the end of quiet hours.
    waiting: BTreeSet<u64>,
}

/// One way of telling people, at work.
struct Way<'a> {
    settings: &'a AlertChannel,
    quiet: QuietHours,
    sender: Sender,
    told: Told,
    /// What waits, as it was read from the record.
    owed: Vec<Revised>,
    last: Option<Instant>,
    retry: Option<(Instant, Duration)>,
}

/// Whether every way can be used: secrets are there, addresses and hours can be read.
pub fn check(dir: &Path, settings: &Settings) -> Result<(), WatchError> {
    for alert in &settings.alerts {
        let at = |why: String| WatchError::Alert {
            name: alert.name.clone(),
            why,
        };
        QuietHours::parse(&alert.quiet_hours, &alert.zone).map_err(at)?;
        Sender::open(dir, alert).map_err(at)?;
    }
    Ok(())
}

/// Tells people until the daemon ends, and once more then.
pub fn tell_people(daemon: &Daemon, settings: &Settings) {
    let mut ways = Vec::new();
    for alert in &settings.alerts {
        match open(daemon, alert) {
            Ok(way) => ways.push(way),
            Err(why) => fail(daemon, alert, 0, why),
        }
    }
    if ways.is_empty() {
        return;
    }
    let register = Workspace::open(&daemon.dir, pollwatch_engine::Mode::Read)
        .map(|workspace| Arc::clone(workspace.register()))
        .unwrap_or_default();
    loop {
        let is_last = daemon.stop.is_asked();
        for way in &mut ways {
            if let Err(error) = tell(daemon, way, &register) {
                fail(daemon, way.settings, way.owed.len(), in_words(&error));
            }
        }
        if is_last {
            return;
        }
        let soonest = ways
            .iter()
            .filter(|way| !way.owed.is_empty())
            .map(|way| way.wait(Timestamp::now()))
            .min()
            .unwrap_or(LOOK_EVERY);
        daemon.wait_for_news(soonest.min(LOOK_EVERY).max(Duration::from_millis(20)));
    }
}

fn fail(daemon: &Daemon, alert: &AlertChannel, findings: usize, why: String) {
    daemon.health.alert(&alert.name, |health| {
        health.waiting = findings as u64;
        health.trouble = Some(why.clone());
    });
    daemon.notice(Notice::Told {
        alert: alert.name.clone(),
        findings,
        trouble: Some(why),
    });
}

fn note_of(alert: &AlertChannel) -> String {
    format!("alert {}", alert.name)
}

/// Takes a way up where it was; a new one begins with what is found from now on.
fn open<'a>(daemon: &Daemon, settings: &'a AlertChannel) -> Result<Way<'a>, String> {
    let quiet = QuietHours::parse(&settings.quiet_hours, &settings.zone)?;
    let sender = Sender::open(&daemon.dir, settings)?;
    let note = note_of(settings);
    let opened = daemon.shared.with(&daemon.stop, |workspace| {
        let told = workspace
            .note(&note)?
            .and_then(|text| serde_json::from_str::<Told>(&text).ok());
        let told = match told {
            Some(told) => told,
            None => {
                let told = Told {
                    below: workspace.ledger_size()?,
                    waiting: BTreeSet::new(),
                };
                workspace.set_note(&note, &serde_json::to_string(&told)?)?;
                told
            }
        };
        let mut owed = Vec::new();
        for index in &told.waiting {
            let (some, _) = workspace.revisions_from(*index)?;
            owed.extend(some.into_iter().find(|revised| revised.index == *index));
        }
        Ok((told, owed))
    });
    let (told, owed) = opened.map_err(|error| in_words(&error))?;
    Ok(Way {
        settings,
        quiet,
        sender,
        told,
        owed,
        last: None,
        retry: None,
    })
}

/// Reads on in the ledger and sends what is due.
fn tell(daemon: &Daemon, way: &mut Way<'_>, register: &Register) -> Result<(), Error> {
    read_on(daemon, way)?;
    let now = Timestamp::now();
    let due = way.due(now);
    daemon.health.alert(&way.settings.name, |health| {
        health.waiting = way.owed.len() as u64
    });
    if due.is_empty() {
        return Ok(());
    }
    if let Some((until, _)) = way.retry
        && Instant::now() < until
        && !daemon.stop.is_asked()
    {
        return Ok(());
    }
    let findings: Vec<&Revised> = way
        .owed
        .iter()
        .filter(|revised| due.contains(&revised.index))
        .collect();
    let message = Message::about(way.settings, register, &findings, &way.quiet, now);
    let count = findings.len();
    match way.sender.send(&message) {
        Ok(()) => {
            way.owed.retain(|revised| !due.contains(&revised.index));
            way.told.waiting.retain(|index| !due.contains(index));
            way.last = Some(Instant::now());
            way.retry = None;
            keep(daemon, way)?;
            daemon.health.alert(&way.settings.name, |health| {
                health.told_at = Some(now);
                health.waiting = way.owed.len() as u64;
                health.trouble = None;
            });
            daemon.notice(Notice::Told {
                alert: way.settings.name.clone(),
                findings: count,
                trouble: None,
            });
        }
        Err(why) => {
            let pause = way.retry.map_or(RETRY.0, |(_, pause)| (pause * 2).min(RETRY.1));
            way.retry = Some((Instant::now() + pause, pause));
            fail(daemon, way.settings, count, why);
        }
    }
    Ok(())
}

/// Takes what the ledger tells since the last look into what is owed.
fn read_on(daemon: &Daemon, way: &mut Way<'_>) -> Result<(), Error> {
    let workspace = Workspace::open(&daemon.dir, pollwatch_engine::Mode::Read)?;
    let mut has_changed = false;
    loop {
        let (revised, next) = workspace.revisions_from(way.told.below)?;
        if next == way.told.below {
            break;
        }
        for one in revised {
            if is_owed(way.settings, &one) {
                way.told.waiting.insert(one.index);
                way.owed.push(one);
            }
        }
        way.told.below = next;
        has_changed = true;
    }
    drop(workspace);
    // Entries that owe nothing are read again after a crash, which costs a moment; what is owed must not be lost.
    if has_changed && !way.owed.is_empty() {
        keep(daemon, way)?;
    }
    Ok(())
}

fn keep(daemon: &Daemon, way: &Way<'_>) -> Result<(), Error> {
    let text = serde_json::to_string(&way.told)?;
    let note = note_of(way.settings);
    daemon
        .shared
        .with(&daemon.stop, |workspace| workspace.set_note(&note, &text))
}

impl Way<'_> {
    /// Which of the owed entries are to be told now.
    fn due(&self, now: Timestamp) -> BTreeSet<u64> {
        let is_quiet = self.quiet.is_quiet(now);
        let is_full = self.owed.len() >= MAX_WAITING;
        let digest = jiff::SignedDuration::from_mins(self.settings.digest_minutes as i64);
        let oldest = self.owed.iter().map(|revised| revised.at).min();
        let is_gathered = oldest.is_some_and(|oldest| now.duration_since(oldest) >= digest);
        let is_too_soon = self.last.is_some_and(|last| last.elapsed() < BETWEEN_MESSAGES);
        self.owed
            .iter()
            .filter(|revised| {
                let is_critical = revised.finding.severity == pollwatch_model::Severity::Critical;
                is_critical || (!is_too_soon && (is_full || (!is_quiet && is_gathered)))
            })
            .map(|revised| revised.index)
            .collect()
    }

    /// How long until something may be due.
    fn wait(&self, now: Timestamp) -> Duration {
        if let Some((until, _)) = self.retry {
            return until.saturating_duration_since(Instant::now());
        }
        let since_last = self.last.map_or(BETWEEN_MESSAGES, |last| last.elapsed());
        let soon = BETWEEN_MESSAGES.saturating_sub(since_last);
        if self.quiet.is_quiet(now) || self.settings.digest_minutes > 0 {
            soon.max(LOOK_EVERY)
        } else {
            soon
        }
    }
}

#[cfg(test)]
mod tests {
    use pollwatch_model::Severity;

    use super::*;

    const FINDING: &str = include_str!("../tests/data/finding.json");

    fn revised(index: u64, severity: Severity, at: &str) -> Revised {
        let mut finding: pollwatch_model::Finding = serde_json::from_str(FINDING).unwrap();
        finding.severity = severity;
        Revised {
            index,
            at: at.parse().unwrap(),
            finding,
            before: None,
        }
    }

    fn channel(settings: &str) -> AlertChannel {
        let text = format!("name = \"a\"\ncommand = [\"true\"]\n{settings}");
        toml::from_str(&text).unwrap()
    }

    fn way(settings: &AlertChannel, owed: Vec<Revised>) -> Way<'_> {
        Way {
            settings,
            quiet: QuietHours::parse(&settings.quiet_hours, &settings.zone).unwrap(),
            sender: Sender::open(Path::new("."), settings)
                .map_err(|why| panic!("{why}"))
                .unwrap(),
            told: Told::default(),
            owed,
            last: None,
            retry: None,
        }
    }

    #[test]
    fn quiet_hours_hold_back_all_but_what_is_critical() {
        let settings = channel("quiet_hours = \"22:00-06:00\"\n");
        let owed = vec![
            revised(1, Severity::High, "2026-11-03T23:00:00Z"),
            revised(2, Severity::Critical, "2026-11-03T23:00:01Z"),
        ];
        let way = way(&settings, owed);
        let due = |at: &str| way.due(at.parse().unwrap());
        assert_eq!(due("2026-11-03T23:00:02Z"), BTreeSet::from([2]));
        assert_eq!(due("2026-11-04T06:00:00Z"), BTreeSet::from([1, 2]));
    }

    #[test]
    fn a_digest_goes_out_when_its_first_finding_is_old_enough() {
        let settings = channel("digest_minutes = 60\n");
        let owed = vec![
            revised(1, Severity::High, "2026-11-03T10:00:00Z"),
            revised(2, Severity::High, "2026-11-03T10:59:00Z"),
        ];
        let way = way(&settings, owed);
        let due = |at: &str| way.due(at.parse().unwrap());
        assert!(due("2026-11-03T10:59:59Z").is_empty());
        assert_eq!(due("2026-11-03T11:00:00Z"), BTreeSet::from([1, 2]));
    }

    #[test]
    fn a_second_message_waits_a_moment_and_critical_does_not() {
        let settings = channel("");
        let mut way = way(
            &settings,
            vec![
                revised(1, Severity::High, "2026-11-03T10:00:00Z"),
                revised(2, Severity::Critical, "2026-11-03T10:00:00Z"),
            ],
        );
        way.last = Some(Instant::now());
        assert_eq!(
            way.due("2026-11-03T10:00:01Z".parse().unwrap()),
            BTreeSet::from([2])
        );
    }

    #[test]
    fn a_finding_is_told_again_only_when_it_is_graver_or_got_further() {
        let settings = channel("min_severity = \"high\"\n");
        let mut one = revised(1, Severity::High, "2026-11-03T10:00:00Z");
        assert!(is_owed(&settings, &one));
        one.before = Some(one.finding.clone());
        assert!(!is_owed(&settings, &one));
        one.finding.severity = Severity::Critical;
        assert!(is_owed(&settings, &one));
        one.finding.severity = Severity::Medium;
        assert!(!is_owed(&settings, &one));
        one = revised(1, Severity::High, "2026-11-03T10:00:00Z");
        one.before = Some(one.finding.clone());
        one.finding.stage = Some(pollwatch_model::Stage::Succeeded);
        assert!(is_owed(&settings, &one));
        one.finding.polarity = pollwatch_model::Polarity::Assurance;
        assert!(!is_owed(&settings, &one));
    }
}
