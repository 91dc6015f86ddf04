//! What a source let us see, and the count over targets that never takes missing data for safety.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{EvidenceId, Finding, Observed, Polarity, Stage, TargetId};

/// What one source let one desk see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The desk that looked.
    pub desk: String,
    /// The source's name, as the user gave it.
    pub source: String,
    /// SHA-256 of the source's bytes as they lay there (compressed ones compressed); `None` for one not yet read to its end.
    pub sha256: Option<EvidenceId>,
    /// Size of the source, in bytes as they lay there.
    pub bytes: u64,
    /// Which targets it speaks of; empty: all of the register.
    pub targets: Vec<TargetId>,
    /// From when to when, by the source's own clock.
    pub window: Observed,
    /// Spans of the window in which nothing could be seen.
    pub gaps: Vec<Gap>,
    /// Records that were read and judged.
    pub records_read: u64,
    /// Records that could not be read.
    pub records_unread: u64,
    /// Whether the source was read to its end.
    pub is_complete: bool,
}

/// A span in which nothing could be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// Why, in plain words.
    pub why: String,
}

/// The furthest that anything got at one target, and what was looked at there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetReach {
    /// The furthest stage of an undismissed threat, or `None` when there is none.
    pub stage: Option<Stage>,
    /// Undismissed threats at alarm severity.
    pub alarms: u64,
    /// Assurances.
    pub assurances: u64,
    /// Desks that had a source which speaks of this target.
    pub desks_with_data: Vec<String>,
}

/// How many targets are at one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageCount {
    /// The stage.
    pub stage: Stage,
    /// Targets whose furthest threat is at this stage.
    pub targets: u64,
}

/// The count of targets by stage, with coverage. Missing data is never counted as safety.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Every target asked about.
    pub targets: BTreeMap<TargetId, TargetReach>,
}

impl Tally {
    /// Counts `findings` (those that an analyst dismissed left out by the caller) and `coverage` over `targets`.
    pub fn over<'a>(
        targets: impl IntoIterator<Item = &'a TargetId>,
        findings: impl IntoIterator<Item = &'a Finding>,
        coverage: &[Coverage],
    ) -> Self {
        let mut tally = Tally::default();
        for target in targets {
            let mut desks_with_data: Vec<String> = coverage
                .iter()
                .filter(|seen| {
                    seen.records_read > 0 && (seen.targets.is_empty() || seen.targets.contains(target))
                })
                .map(|seen| seen.desk.clone())
                .collect();
            desks_with_data.sort();
            desks_with_data.dedup();
            let reach = TargetReach {
                stage: None,
                alarms: 0,
                assurances: 0,
                desks_with_data,
            };
            tally.targets.insert(target.clone(), reach);
        }
        for finding in findings {
            let Some(reach) = tally.targets.get_mut(&finding.target.id) else {
                continue;
            };
            match finding.polarity {
                Polarity::Assurance => reach.assurances += 1,
                Polarity::Threat if finding.severity.is_alarm() => {
                    reach.alarms += 1;
                    reach.stage = reach.stage.max(finding.stage);
                }
                Polarity::Threat => {}
            }
        }
        tally
    }

    /// Targets by furthest stage, furthest first; targets with no threat are in none of them.
    pub fn by_stage(&self) -> Vec<StageCount> {
        let mut counts: BTreeMap<Stage, u64> = BTreeMap::new();
        for stage in self.targets.values().filter_map(|reach| reach.stage) {
            *counts.entry(stage).or_default() += 1;
        }
        counts
            .into_iter()
            .rev()
            .map(|(stage, targets)| StageCount { stage, targets })
            .collect()
    }

    /// Targets that some desk had data for, and of which no threat is known. Not the same as safe.
    pub fn no_sign(&self) -> u64 {
        self.targets
            .values()
            .filter(|r| r.stage.is_none() && !r.desks_with_data.is_empty())
            .count() as u64
    }

    /// Targets that no desk had data for.
    pub fn no_data(&self) -> u64 {
        self.targets
            .values()
            .filter(|r| r.stage.is_none() && r.desks_with_data.is_empty())
            .count() as u64
    }
}
