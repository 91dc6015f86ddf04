//! How far something got, and how sure that is.

use std::fmt;

use pollwatch_model::{Finding, Probability, Stage};
use serde::{Deserialize, Serialize};

/// How far something got at one target, lowest first.
///
/// The middle five are the intrusion desk's verdicts; the outer ones are stages that no log shows. `none` is not a level: it is
/// the absence of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Something was done, and the data cannot say how far it got.
    Unknown,
    /// The means exist.
    Prepared,
    /// An address of ill repute came by. Never an attack.
    Contact,
    /// Somebody looked for a way in.
    Scanned,
    /// Somebody tried to get in, or to take something.
    Attempted,
    /// Somebody got in.
    Breached,
    /// Somebody got in and took records.
    Exfiltrated,
    /// Data or votes were changed.
    Altered,
}

impl Level {
    /// Every level, lowest first.
    pub const ALL: [Level; 8] = [
        Level::Unknown,
        Level::Prepared,
        Level::Contact,
        Level::Scanned,
        Level::Attempted,
        Level::Breached,
        Level::Exfiltrated,
        Level::Altered,
    ];

    /// The word for it on the scale of verdicts.
    pub fn word(self) -> &'static str {
        match self {
            Level::Unknown => "unknown",
            Level::Prepared => "prepared",
            Level::Contact => "contact",
            Level::Scanned => "scanned",
            Level::Attempted => "attempted",
            Level::Breached => "breached",
            Level::Exfiltrated => "exfiltrated",
            Level::Altered => "altered",
        }
    }

    /// The stage that it stands on: contact is `contacted`, scanned `probed`, breached and exfiltrated `succeeded`.
    pub fn stage(self) -> Stage {
        match self {
            Level::Unknown => Stage::Unknown,
            Level::Prepared => Stage::Prepared,
            Level::Contact => Stage::Contacted,
            Level::Scanned => Stage::Probed,
            Level::Attempted => Stage::Attempted,
            Level::Breached | Level::Exfiltrated => Stage::Succeeded,
            Level::Altered => Stage::Altered,
        }
    }

    /// The level of a verdict's word; `None` for a word of another scale.
    pub fn of_verdict(word: &str) -> Option<Level> {
        Some(match word {
            "contact" => Level::Contact,
            "scanned" => Level::Scanned,
            "attempted" => Level::Attempted,
            "breached" => Level::Breached,
            "exfiltrated" => Level::Exfiltrated,
            _ => return None,
        })
    }

    /// The lowest level that stands on a stage.
    pub fn of_stage(stage: Stage) -> Level {
        match stage {
            Stage::Unknown => Level::Unknown,
            Stage::Prepared => Level::Prepared,
            Stage::Contacted => Level::Contact,
            Stage::Probed => Level::Scanned,
            Stage::Attempted => Level::Attempted,
            Stage::Succeeded => Level::Breached,
            Stage::Altered => Level::Altered,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// How sure a count is of one of its members, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Less than likely.
    Low,
    /// Likely.
    Medium,
    /// Very likely or better.
    High,
}

/// Where "very likely" begins (ICD 203, section D.6.e(2)(a), 2015).
const VERY_LIKELY: f64 = 0.80;
/// Where "likely" begins (the same).
const LIKELY: f64 = 0.55;

impl Confidence {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        }
    }

    /// High from "very likely" on, medium from "likely" on, low below.
    pub fn of(probability: Probability) -> Confidence {
        match probability.get() {
            p if p >= VERY_LIKELY => Confidence::High,
            p if p >= LIKELY => Confidence::Medium,
            _ => Confidence::Low,
        }
    }

    /// The desk's own word (`details.confidence_word`), or else what the finding's probability comes to.
    pub fn of_finding(finding: &Finding) -> Confidence {
        let word = finding.details.get("confidence_word");
        match word.and_then(|word| word.as_str()) {
            Some("high") => Confidence::High,
            Some("medium") => Confidence::Medium,
            Some("low") => Confidence::Low,
            _ => Confidence::of(finding.confidence),
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_stand_on_their_stages() {
        assert!(Level::ALL.is_sorted());
        for level in Level::ALL {
            assert!(Level::of_stage(level.stage()) <= level, "{level}");
        }
        assert_eq!(
            Level::of_verdict("exfiltrated").map(Level::stage),
            Some(Stage::Succeeded)
        );
        assert_eq!(Level::of_verdict("authorised"), None);
        assert_eq!(Level::of_verdict("phishing"), None);
    }
}
