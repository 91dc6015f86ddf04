//! The counts that every page shows, taken anew when something was recorded. Pages are made from it without asking the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use pollwatch_engine::{WatchHealth, WatchedSource};
use pollwatch_model::register::Target;
use pollwatch_model::{Card, Coverage, Polarity, Register, Severity, Stage, TargetId, Tlp};
use pollwatch_store::{DayCount, ReachCount, SqliteStore, Store};

use crate::watched::Watch;

/// What is known about one target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// The furthest stage of an undismissed alarm.
    pub(crate) stage: Option<Stage>,
    /// Undismissed threats at alarm severity.
    pub(crate) alarms: u64,
    /// Of them those that an analyst confirmed.
    pub(crate) confirmed: u64,
    /// Undismissed threats below alarm severity.
    pub(crate) watched: u64,
    /// Undismissed assurances.
    pub(crate) assurances: u64,
    /// Findings that an analyst dismissed.
    pub(crate) dismissed: u64,
    /// Desks with a source that speaks of the target.
    pub(crate) desks_with_data: BTreeSet<String>,
}

/// What is known about one desk.
#[derive(Debug, Clone)]
pub(crate) struct DeskState {
    pub(crate) card: &'static Card,
    pub(crate) sources: u64,
    pub(crate) records_read: u64,
    pub(crate) records_unread: u64,
    pub(crate) alarms: u64,
    pub(crate) watched: u64,
    pub(crate) assurances: u64,
    pub(crate) dismissed: u64,
}

impl DeskState {
    pub(crate) fn is_watched(&self) -> bool {
        self.records_read > 0
    }
}

/// Counts over the whole record at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot {
    /// Every registered target that is not another name of one.
    pub(crate) targets: BTreeMap<TargetId, Reach>,
    /// Targets that findings name and the register does not.
    pub(crate) unregistered: BTreeMap<TargetId, Reach>,
    pub(crate) desks: Vec<DeskState>,
    /// Undismissed alarms by stage.
    pub(crate) alarms_by_stage: BTreeMap<Stage, u64>,
    pub(crate) severities: BTreeMap<Severity, u64>,
    /// All findings, and of them undismissed alarms, by who may read them.
    pub(crate) tlps: BTreeMap<Tlp, (u64, u64)>,
    pub(crate) days: Vec<DayCount>,
    pub(crate) coverage: Vec<Coverage>,
    /// All findings, dismissed ones included.
    pub(crate) findings: u64,
    pub(crate) alarms: u64,
    /// Alarms that nobody decided on.
    pub(crate) undecided: u64,
    pub(crate) confirmed: u64,
    pub(crate) watched: u64,
    pub(crate) assurances: u64,
    pub(crate) dismissed: u64,
    /// What the daemon last told.
    pub(crate) health: Option<WatchHealth>,
    /// The count of casework, field by field; of this moment or, on a busy day, of one a little before.
    pub(crate) tally: Counted,
}

/// The tally's sentences, as far as they were counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Not yet.
    #[default]
    Not,
    /// There are more findings than this machine's memory should hold at once.
    TooMany,
    /// When, and for each field its title and its sentence.
    At(Timestamp, Arc<Vec<(String, String)>>),
}

impl Snapshot {
    /// What is followed, at `now`.
    pub(crate) fn watch(&self, configured: &[WatchedSource], now: Timestamp) -> Watch {
        Watch::of(configured, self.health.as_ref(), now)
    }

    /// Counts. Costs some tens of milliseconds at 100,000 findings, all of it in SQLite's own threads.
    pub(crate) async fn take(
        store: &SqliteStore,
        register: &Register,
    ) -> Result<Snapshot, pollwatch_store::Error> {
        let reach = store.reach_counts().await?;
        let days = store.day_counts().await?;
        let coverage = store.coverage().await?;
        let health = WatchHealth::kept_in(store).await?;
        let cards: Vec<&'static Card> = pollwatch_engine::desks::all()
            .iter()
            .map(|desk| desk.card())
            .collect();
        Ok(Snapshot {
            health,
            ..Snapshot::of(register, &cards, &reach, days, coverage)
        })
    }

    fn of(
        register: &Register,
        cards: &[&'static Card],
        counts: &[ReachCount],
        days: Vec<DayCount>,
        coverage: Vec<Coverage>,
    ) -> Snapshot {
        let mut snapshot = Snapshot {
            days,
            coverage,
            ..Snapshot::default()
        };
        let aimed_at: BTreeSet<&TargetId> = counts.iter().map(|count| &count.target).collect();
        for target in &register.targets {
            if target.same_as.is_none() || aimed_at.contains(&target.id) {
                snapshot.targets.insert(target.id.clone(), Reach::default());
            }
        }
        snapshot.desks = cards.iter().map(|card| DeskState::new(card)).collect();
        for seen in &snapshot.coverage {
            if let Some(desk) = snapshot.desks.iter_mut().find(|desk| desk.card.name == seen.desk) {
                desk.sources += 1;
                desk.records_read = desk.records_read.saturating_add(seen.records_read);
                desk.records_unread = desk.records_unread.saturating_add(seen.records_unread);
            }
        }
        let speak_of_all: BTreeSet<&str> = snapshot
            .coverage
            .iter()
            .filter(|seen| seen.records_read > 0 && seen.targets.is_empty())
            .map(|seen| seen.desk.as_str())
            .collect();
        for reach in snapshot.targets.values_mut() {
            reach.desks_with_data = speak_of_all.iter().map(|desk| (*desk).to_owned()).collect();
        }
        for seen in snapshot.coverage.iter().filter(|seen| seen.records_read > 0) {
            for target in &seen.targets {
                if let Some(reach) = snapshot.targets.get_mut(target) {
                    reach.desks_with_data.insert(seen.desk.clone());
                }
            }
        }
        for count in counts {
            snapshot.add(count);
        }
        snapshot
    }

    fn add(&mut self, count: &ReachCount) {
        let n = count.findings;
        self.findings += n;
        let tlp = self.tlps.entry(count.tlp).or_default();
        tlp.0 += n;
        if count.polarity == Polarity::Threat && count.severity.is_alarm() && !count.dismissed {
            tlp.1 += n;
        }
        let reach = match self.targets.get_mut(&count.target) {
            Some(reach) => reach,
            None => self.unregistered.entry(count.target.clone()).or_default(),
        };
        let mut desk = self.desks.iter_mut().find(|desk| desk.card.name == count.desk);
        let mut at_desk = |of: fn(&mut DeskState) -> &mut u64| {
            if let Some(desk) = &mut desk {
                *of(desk) += n;
            }
        };
        if count.dismissed {
            self.dismissed += n;
            reach.dismissed += n;
            at_desk(|desk| &mut desk.dismissed);
            return;
        }
        match count.polarity {
            Polarity::Assurance => {
                self.assurances += n;
                reach.assurances += n;
                at_desk(|desk| &mut desk.assurances);
            }
            Polarity::Threat if count.severity.is_alarm() => {
                self.alarms += n;
                reach.alarms += n;
                at_desk(|desk| &mut desk.alarms);
                *self.severities.entry(count.severity).or_default() += n;
                let stage = count.stage.unwrap_or(Stage::Unknown);
                *self.alarms_by_stage.entry(stage).or_default() += n;
                reach.stage = reach.stage.max(Some(stage));
                if count.confirmed {
                    self.confirmed += n;
                    reach.confirmed += n;
                } else {
                    self.undecided += n;
                }
            }
            Polarity::Threat => {
                self.watched += n;
                reach.watched += n;
                at_desk(|desk| &mut desk.watched);
            }
        }
    }

    /// Targets whose furthest alarm is at `stage`.
    pub(crate) fn targets_at(&self, stage: Stage) -> u64 {
        self.all_targets()
            .filter(|reach| reach.stage == Some(stage))
            .count() as u64
    }

    fn all_targets(&self) -> impl Iterator<Item = &Reach> {
        self.targets.values().chain(self.unregistered.values())
    }

    /// The furthest stage of an alarm; `unknown` only when nothing better is known.
    pub(crate) fn furthest(&self) -> Option<Stage> {
        self.all_targets().filter_map(|reach| reach.stage).max()
    }

    pub(crate) fn alarmed_targets(&self) -> u64 {
        self.targets.values().filter(|reach| reach.alarms > 0).count() as u64
    }

    pub(crate) fn alarmed_unregistered(&self) -> u64 {
        self.unregistered
            .values()
            .filter(|reach| reach.alarms > 0)
            .count() as u64
    }

    /// Targets without an alarm of which some source speaks. Not the same as safe.
    pub(crate) fn no_sign(&self) -> u64 {
        let quiet = self.targets.values().filter(|reach| reach.alarms == 0);
        quiet.filter(|reach| !reach.desks_with_data.is_empty()).count() as u64
    }

    /// Targets without an alarm of which no source speaks.
    pub(crate) fn no_data(&self) -> u64 {
        let quiet = self.targets.values().filter(|reach| reach.alarms == 0);
        quiet.filter(|reach| reach.desks_with_data.is_empty()).count() as u64
    }

    pub(crate) fn records_read(&self) -> u64 {
        self.coverage
            .iter()
            .fold(0, |sum, seen| sum.saturating_add(seen.records_read))
    }

    pub(crate) fn records_unread(&self) -> u64 {
        self.coverage
            .iter()
            .fold(0, |sum, seen| sum.saturating_add(seen.records_unread))
    }

    /// Sources of which something was read; one that several desks read counts once.
    pub(crate) fn sources_read(&self) -> u64 {
        let read = self.coverage.iter().filter(|seen| seen.records_read > 0);
        read.map(|seen| (&seen.source, seen.sha256))
            .collect::<BTreeSet<_>>()
            .len() as u64
    }

    /// What is known about a target, registered or not.
    pub(crate) fn reach(&self, target: &TargetId) -> Option<&Reach> {
        self.targets.get(target).or_else(|| self.unregistered.get(target))
    }
}

impl DeskState {
    fn new(card: &'static Card) -> Self {
        DeskState {
            card,
            sources: 0,
            records_read: 0,
            records_unread: 0,
            alarms: 0,
            watched: 0,
            assurances: 0,
            dismissed: 0,
        }
    }
}

/// The registered target of an id.
pub(crate) fn target<'a>(register: &'a Register, id: &TargetId) -> Option<&'a Target> {
    register.targets.iter().find(|target| target.id == *id)
}
