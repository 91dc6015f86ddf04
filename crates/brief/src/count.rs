//! Sorts the findings into those the page tells and those it withholds, and counts once what every section shows.

use std::collections::{BTreeMap, BTreeSet};

use pollwatch_casework::tally::{Asked, Basis, Field, Held, Place, Question, Seen, Standing, Tally};
use pollwatch_model::register::{Assessor, Target};
use pollwatch_model::{Finding, Polarity, Stage, TargetId, Verdict};

use crate::text::Veil;
use crate::{BriefFinding, Briefing};

/// What the sections share. Nothing of a withheld finding is in here but its count.
pub(crate) struct Facts<'a> {
    pub(crate) briefing: &'a Briefing<'a>,
    /// Threats at alarm severity, most urgent first.
    pub(crate) alarms: Vec<&'a BriefFinding>,
    /// Threats below alarm severity.
    pub(crate) watched: Vec<&'a BriefFinding>,
    pub(crate) assurances: Vec<&'a BriefFinding>,
    /// The work of declared assessors: told, and counted nowhere.
    pub(crate) authorised: Vec<&'a BriefFinding>,
    /// Dismissed by an analyst, threats and assurances alike.
    pub(crate) dismissed: Vec<&'a BriefFinding>,
    /// Marked stricter than the page.
    pub(crate) withheld: u64,
    /// Targets that count: every one of the register that is not another name of one.
    pub(crate) targets: BTreeMap<TargetId, &'a Target>,
    /// Over `targets`, from what is shown.
    pub(crate) tally: Tally,
    /// Targets with a threat that is shown, the unregistered among them.
    pub(crate) struck: BTreeMap<TargetId, Struck<'a>>,
    pub(crate) veil: Veil,
}

/// A target that some shown threat is aimed at.
pub(crate) struct Struck<'a> {
    pub(crate) name: &'a str,
    /// Two-letter code; empty for none or unregistered.
    pub(crate) state: &'a str,
    pub(crate) is_registered: bool,
    /// Furthest stage at alarm severity, or of a verdict that a log gives.
    pub(crate) stage: Option<Stage>,
    pub(crate) alarms: u64,
    pub(crate) watched: u64,
}

impl<'a> Facts<'a> {
    pub(crate) fn of(briefing: &'a Briefing<'a>) -> Self {
        let (shown, withheld): (Vec<&BriefFinding>, Vec<&BriefFinding>) = briefing
            .findings
            .iter()
            .partition(|held| held.finding.tlp <= briefing.tlp);
        let (dismissed, standing): (Vec<&BriefFinding>, Vec<&BriefFinding>) =
            by_urgency(shown).into_iter().partition(|held| is_dismissed(held));
        let (threats, assurances): (Vec<&BriefFinding>, Vec<&BriefFinding>) = standing
            .into_iter()
            .partition(|held| held.finding.polarity == Polarity::Threat);
        let (authorised, threats): (Vec<&BriefFinding>, Vec<&BriefFinding>) = threats
            .into_iter()
            .partition(|held| stands(briefing, held).standing == Standing::Authorised);
        let (alarms, watched): (Vec<&BriefFinding>, Vec<&BriefFinding>) = threats
            .into_iter()
            .partition(|held| held.finding.severity.is_alarm());

        let aimed_at: BTreeSet<&TargetId> = alarms
            .iter()
            .chain(&watched)
            .map(|held| &held.finding.target.id)
            .collect();
        let targets: BTreeMap<TargetId, &Target> = briefing
            .register
            .targets
            .iter()
            .filter(|target| target.same_as.is_none() || aimed_at.contains(&target.id))
            .map(|target| (target.id.clone(), target))
            .collect();
        let counted = [&alarms, &watched, &assurances, &authorised, &dismissed];
        let counted = counted
            .into_iter()
            .flatten()
            .map(|held| stands(briefing, held))
            .collect();
        let tally = tally(briefing, &targets, counted);

        let mut struck: BTreeMap<TargetId, Struck> = BTreeMap::new();
        for held in alarms.iter().chain(&watched) {
            let Finding {
                target,
                stage,
                severity,
                ..
            } = &held.finding;
            let registered = targets.get(&target.id).copied();
            let row = struck.entry(target.id.clone()).or_insert_with(|| Struck {
                name: registered.map_or(&target.name, |known| &known.name),
                state: registered.map_or("", |known| &known.state),
                is_registered: registered.is_some(),
                stage: None,
                alarms: 0,
                watched: 0,
            });
            if severity.is_alarm() {
                row.alarms += 1;
                row.stage = row.stage.max(stage.or(Some(Stage::Unknown)));
            } else {
                row.watched += 1;
                // A scan that a log shows is no alarm, and still a sign.
                if let Standing::Counted { level, .. } = stands(briefing, held).standing {
                    row.stage = row.stage.max(Some(level.stage()));
                }
            }
        }
        let threats = alarms.iter().chain(&watched).chain(&dismissed);
        let veil = Veil::new(
            briefing.register,
            threats
                .map(|held| &held.finding)
                .filter(|finding| finding.polarity == Polarity::Threat),
        );
        Facts {
            briefing,
            alarms,
            watched,
            assurances,
            authorised,
            dismissed,
            withheld: withheld.len() as u64,
            targets,
            tally,
            struck,
            veil,
        }
    }

    /// Where a target stands over all fields: with no sign only where some field looked and none has one.
    pub(crate) fn place(&self, target: &TargetId) -> Place {
        let rows = self.tally.fields.iter().filter_map(|field| field.row(target));
        // Reached comes before withheld, no sign and no data.
        rows.map(|row| row.place).min().unwrap_or(Place::NoData)
    }

    /// Registered targets that stand at `place` over all fields.
    pub(crate) fn targets_standing(&self, place: Place) -> u64 {
        self.targets
            .keys()
            .filter(|target| self.place(target) == place)
            .count() as u64
    }

    /// Registered targets with an alarm.
    pub(crate) fn alarmed_targets(&self) -> u64 {
        self.struck
            .values()
            .filter(|row| row.is_registered && row.alarms > 0)
            .count() as u64
    }

    /// Targets with an alarm that the register does not have.
    pub(crate) fn unregistered_targets(&self) -> u64 {
        self.struck
            .values()
            .filter(|row| !row.is_registered && row.alarms > 0)
            .count() as u64
    }

    /// Targets whose furthest alarm is at `stage`.
    pub(crate) fn targets_at(&self, stage: Stage) -> u64 {
        self.struck
            .values()
            .filter(|row| row.stage == Some(stage))
            .count() as u64
    }

    /// Alarms at `stage`.
    pub(crate) fn alarms_at(&self, stage: Stage) -> u64 {
        let at = |held: &&&BriefFinding| held.finding.stage.unwrap_or(Stage::Unknown) == stage;
        self.alarms.iter().filter(at).count() as u64
    }

    /// The furthest stage of an alarm; `unknown` only when nothing better is known.
    pub(crate) fn furthest(&self) -> Option<Stage> {
        self.struck.values().filter_map(|row| row.stage).max()
    }

    /// Alarms that an analyst confirmed.
    pub(crate) fn confirmed(&self) -> u64 {
        let is_confirmed = |held: &&&BriefFinding| {
            held.decision
                .as_ref()
                .is_some_and(|d| d.verdict == Verdict::Confirmed)
        };
        self.alarms.iter().filter(is_confirmed).count() as u64
    }

    /// Sources of which something was read; one that several desks read counts once.
    pub(crate) fn sources_read(&self) -> u64 {
        let read = self.briefing.coverage.iter().filter(|seen| seen.records_read > 0);
        read.map(|seen| (&seen.source, seen.sha256))
            .collect::<BTreeSet<_>>()
            .len() as u64
    }

    pub(crate) fn records_read(&self) -> u64 {
        let all = self.briefing.coverage.iter().map(|seen| seen.records_read);
        all.fold(0, u64::saturating_add)
    }

    pub(crate) fn records_unread(&self) -> u64 {
        let all = self.briefing.coverage.iter().map(|seen| seen.records_unread);
        all.fold(0, u64::saturating_add)
    }

    /// Whether some source was read for the desk of this name.
    pub(crate) fn is_watched(&self, desk: &str) -> bool {
        let mut coverage = self.briefing.coverage.iter();
        coverage.any(|seen| seen.desk == desk && seen.records_read > 0)
    }

    /// Title and sentence of every field that nobody watched.
    pub(crate) fn unwatched(&self) -> Vec<(&str, &str, &'static str)> {
        let idle = self
            .briefing
            .desks
            .iter()
            .filter(|card| !self.is_watched(card.name));
        let absent = &self.briefing.absent;
        idle.map(|card| (card.title, card.unwatched, "no source was read for it"))
            .chain(absent.iter().map(|desk| {
                (
                    desk.title.as_str(),
                    desk.unseen.as_str(),
                    "this build has no desk for it",
                )
            }))
            .collect()
    }

    /// Title of a kind, as its desk's card has it.
    pub(crate) fn kind_title(&self, kind: &str) -> String {
        let cards = self.briefing.desks.iter().flat_map(|card| card.kinds);
        cards
            .filter(|card| card.name == kind)
            .map(|card| card.title.to_owned())
            .next()
            .unwrap_or_else(|| self.veil.text(&crate::words::spoken(kind)))
    }
}

/// How a finding stands to the count.
fn stands(briefing: &Briefing, held: &BriefFinding) -> Held {
    let target = briefing.register.target(&held.finding.target.id);
    let assessors: &[Assessor] = target.map_or(&[], |target| &target.assessors);
    let mut stands = Held::of(&held.finding, held.decision.as_ref(), assessors);
    stands.origin = held.origin.as_ref().map(|(origin, _)| origin.clone());
    stands
}

/// The count over the registered targets of what the page shows. What the page withholds is in no figure, and no target that it
/// concerns is told apart: that would tell whom it concerns.
fn tally(briefing: &Briefing, targets: &BTreeMap<TargetId, &Target>, findings: Vec<Held>) -> Tally {
    let asked = targets.values().map(|target| Asked {
        id: target.id.clone(),
        name: target.name.clone(),
        state: target.state.clone(),
        assessors: Vec::new(),
    });
    let fields = briefing.desks.iter().map(|card| {
        let mut field = Field::of(card);
        field.window = briefing
            .windows
            .get(card.name)
            .copied()
            .filter(|_| briefing.window.is_none());
        field
    });
    let question = Question {
        window: briefing.window,
        fields: fields.collect(),
        targets: asked.collect(),
    };
    let own = briefing.coverage.iter().map(|coverage| Seen {
        origin: None,
        coverage: coverage.clone(),
    });
    let coverage = own.chain(briefing.imported.iter().cloned()).collect();
    Basis::of(question, findings, coverage, briefing.withheld_elsewhere.clone()).tally()
}

fn is_dismissed(held: &BriefFinding) -> bool {
    held.decision
        .as_ref()
        .is_some_and(|decision| decision.verdict == Verdict::Dismissed)
}

fn by_urgency(mut findings: Vec<&BriefFinding>) -> Vec<&BriefFinding> {
    findings.sort_by(|a, b| {
        let (a, b) = (&a.finding, &b.finding);
        (b.severity.cmp(&a.severity))
            .then(b.stage.cmp(&a.stage))
            .then(b.confidence.get().total_cmp(&a.confidence.get()))
            .then_with(|| a.target.name.cmp(&b.target.name))
            .then_with(|| a.subject.cmp(&b.subject))
            .then_with(|| a.id.cmp(&b.id))
    });
    findings
}
