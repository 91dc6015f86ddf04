//! What a tally rests on, complete enough to count again from.

use jiff::Timestamp;
use pollwatch_model::register::Assessor;
use pollwatch_model::{
    Card, Coverage, Decision, EvidenceId, Finding, FindingId, Observed, Polarity, TargetId, Verdict,
};
use serde::{Deserialize, Serialize};

use super::authorised::is_authorised;
use super::{Confidence, Level, Window};

/// Version of the form in which a basis and a tally are kept.
pub const TALLY_SCHEMA: u32 = 1;

/// What is asked: of whom, in which fields, for which time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The time that the count speaks of; `None`: of each field the time that its sources speak of, and no finding is outside it.
    pub window: Option<Window>,
    /// The fields of detection, each counted by itself: a look at domain names says nothing about logs.
    pub fields: Vec<Field>,
    /// The targets that are counted.
    pub targets: Vec<Asked>,
}

/// One field of detection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The desk, such as `intrusion`.
    pub desk: String,
    /// Its name for people.
    pub title: String,
    /// By which words its levels are told.
    pub scale: Scale,
    /// The time of which shares are told where the question names none; `None`: then no share can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
}

impl Field {
    /// The field that a desk looks at. The desk of logs is told by its verdicts, every other by stages.
    pub fn of(card: &Card) -> Field {
        let scale = match card.name {
            "intrusion" => Scale::Verdicts,
            _ => Scale::Stages,
        };
        Field {
            desk: card.name.to_owned(),
            title: card.title.to_owned(),
            scale,
            window: None,
        }
    }
}

impl Field {
    /// Whether a source that names no target speaks of all of them. A feed of names does: whoever is imitated stands in it. A
    /// mailbox whose recipients nobody knows, or a roll, does not: it shows nothing of the other offices.
    pub(super) fn speaks_of_all(&self) -> bool {
        self.desk == "lookalike"
    }
}

/// By which words levels are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Contact, scanned, attempted, breached, exfiltrated: what logs of systems show.
    Verdicts,
    /// The stages of ARCHITECTURE.md.
    Stages,
}

/// A target that is counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Its id.
    pub id: TargetId,
    /// Its name for people.
    pub name: String,
    /// Two-letter code of its state, or empty.
    pub state: String,
    /// Who was asked to test it; what they did is never counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assessors: Vec<Assessor>,
}

/// How a finding stands to the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It counts.
    Counted {
        /// At this level.
        level: Level,
        /// With this confidence.
        confidence: Confidence,
    },
    /// A threat below alarm severity of a desk that has no verdicts of this scale.
    BelowAlarm,
    /// An analyst dismissed it.
    Dismissed,
    /// The work of a declared assessor.
    Authorised,
    /// It says that something is sound.
    Assurance,
}

/// A finding as the count takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// The finding.
    pub id: FindingId,
    /// Its revision.
    pub revision: u64,
    /// The statement that tells of that revision; `None` where there is no ledger.
    pub statement: Option<EvidenceId>,
    /// The ledger that it comes from; `None`: our own.
    pub origin: Option<String>,
    /// The desk that asserts it.
    pub desk: String,
    /// Whom it is about.
    pub target: TargetId,
    /// When it was seen.
    pub observed: Observed,
    /// How it stands to the count.
    pub standing: Standing,
}

impl Held {
    /// How `finding` stands to a count, when `decision` is the one that stands on it and `assessors` were declared for its
    /// target.
    ///
    /// A verdict of the intrusion desk's scale counts at any severity; every other threat counts by its stage, and from alarm
    /// severity on, because what is below is only watched.
    pub fn of(finding: &Finding, decision: Option<&Decision>, assessors: &[Assessor]) -> Held {
        let verdict = finding.verdict.as_deref();
        let level = match verdict.and_then(Level::of_verdict) {
            Some(level) => Some(level),
            None if finding.severity.is_alarm() => finding
                .stage
                .map_or(Some(Level::Unknown), |s| Some(Level::of_stage(s))),
            None => None,
        };
        let standing = if decision.is_some_and(|decision| decision.verdict == Verdict::Dismissed) {
            Standing::Dismissed
        } else if finding.polarity == Polarity::Assurance {
            Standing::Assurance
        } else if verdict == Some("authorised") || is_authorised(finding, assessors) {
            Standing::Authorised
        } else if let Some(level) = level {
            Standing::Counted {
                level,
                confidence: Confidence::of_finding(finding),
            }
        } else {
            Standing::BelowAlarm
        };
        Held {
            id: finding.id.clone(),
            revision: 1,
            statement: None,
            origin: None,
            desk: finding.desk.clone(),
            target: finding.target.id.clone(),
            observed: finding.observed,
            standing,
        }
    }

    /// Whether it was seen in the window; one that tells no time cannot be placed outside of it.
    pub(super) fn is_within(&self, window: Option<&Window>) -> bool {
        let Some(window) = window else {
            return true;
        };
        let (first, last): (Option<Timestamp>, Option<Timestamp>) = (
            self.observed.first.or(self.observed.last),
            self.observed.last.or(self.observed.first),
        );
        first.is_none_or(|first| first < window.to()) && last.is_none_or(|last| last >= window.from())
    }
}

/// What a source let a desk see, and whose source it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// The ledger that it comes from; `None`: our own.
    pub origin: Option<String>,
    /// What it let us see.
    pub coverage: Coverage,
}

/// Findings that another office has and did not send, because they are marked stricter than what it sends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withheld {
    /// The office's ledger.
    pub origin: String,
    /// The desk.
    pub desk: String,
    /// Whom they are about.
    pub target: TargetId,
    /// How many.
    pub findings: u64,
}

/// A question and all that its answer rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// Version of this form: [`TALLY_SCHEMA`].
    pub schema: u32,
    /// What is asked.
    pub question: Question,
    /// Every finding of the question's fields about its targets, by origin and id.
    pub findings: Vec<Held>,
    /// Everything that was looked at in the question's fields, by desk, source and digest.
    pub coverage: Vec<Seen>,
    /// What is known to be withheld.
    pub withheld: Vec<Withheld>,
}

impl Basis {
    /// Brings everything into its one order, and leaves out what no field or target of the question concerns.
    pub fn of(
        mut question: Question,
        mut findings: Vec<Held>,
        mut coverage: Vec<Seen>,
        mut withheld: Vec<Withheld>,
    ) -> Basis {
        question.targets.sort_by(|a, b| a.id.cmp(&b.id));
        question.targets.dedup_by(|a, b| a.id == b.id);
        let is_asked = |desk: &str| question.fields.iter().any(|field| field.desk == desk);
        let is_target = |id: &TargetId| {
            question
                .targets
                .binary_search_by(|asked| asked.id.cmp(id))
                .is_ok()
        };
        findings.retain(|held| is_asked(&held.desk) && is_target(&held.target));
        findings.sort_by(|a, b| (&a.origin, &a.id).cmp(&(&b.origin, &b.id)));
        findings.dedup_by(|a, b| (&a.origin, &a.id) == (&b.origin, &b.id));
        coverage.retain(|seen| {
            let targets = &seen.coverage.targets;
            is_asked(&seen.coverage.desk) && (targets.is_empty() || targets.iter().any(is_target))
        });
        coverage.sort_by_cached_key(place);
        coverage.dedup();
        withheld.retain(|held| is_asked(&held.desk) && is_target(&held.target));
        withheld.sort();
        Basis {
            schema: TALLY_SCHEMA,
            question,
            findings,
            coverage,
            withheld,
        }
    }

    /// The basis as the bytes whose digest a recorded tally names: the same basis has the same bytes.
    ///
    /// Errors: none that outside data can cause; a value that JSON cannot hold.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}

/// By desk, origin, source and digest; sources of one name and no digest by all that is known of them.
fn place(seen: &Seen) -> (String, Option<String>, String, Option<EvidenceId>, String) {
    let coverage = &seen.coverage;
    let all = serde_json::to_string(coverage).unwrap_or_default();
    (
        coverage.desk.clone(),
        seen.origin.clone(),
        coverage.source.clone(),
        coverage.sha256,
        all,
    )
}
