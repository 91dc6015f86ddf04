//! What a desk asserts, on the wire and on its way there.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{EvidenceId, FindingId, Polarity, Probability, Severity, Stage, TargetId, Tlp};

/// Version of the wire format that this crate writes.
pub const SCHEMA: u32 = 1;

/// One thing that a desk asserts about one target, with its evidence, its confidence and its stage (schema 1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Version of this format: 1.
    pub schema: u32,
    /// Derived from desk, kind, target and subject.
    pub id: FindingId,
    /// The desk that asserts it, such as `lookalike`.
    pub desk: String,
    /// What sort of thing it is, such as `lookalike-domain`.
    pub kind: String,
    /// Whether something was done, or something is sound.
    pub polarity: Polarity,
    /// How far it got; absent for an assurance.
    pub stage: Option<Stage>,
    /// What it is aimed at.
    pub target: TargetRef,
    /// What it is about, as the kind's page defines it: for `lookalike-domain` the registrable domain.
    pub subject: String,
    /// The desk's own scale, where it has one.
    pub verdict: Option<String>,
    /// How urgently it wants a person.
    pub severity: Severity,
    /// How sure the desk is that its assertion is true.
    pub confidence: Probability,
    /// Who may read it.
    pub tlp: Tlp,
    /// When the source says it was seen; both null when the source tells no time.
    pub observed: Observed,
    /// One sentence that a county clerk understands.
    pub summary: String,
    /// Why, strongest first.
    pub reasons: Vec<Reason>,
    /// What innocent cause remains.
    pub alternatives: Vec<String>,
    /// What to do.
    pub next: String,
    /// What others can search for.
    pub indicators: Vec<Indicator>,
    /// MITRE ATT&CK technique ids.
    pub techniques: Vec<String>,
    /// What it rests on.
    pub evidence: Vec<EvidenceRef>,
    /// The kind's own fields.
    pub details: Map<String, Value>,
}

/// The target of a finding, named so that it can be read without the register.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetRef {
    /// Its id in the register.
    pub id: TargetId,
    /// Its name for people.
    pub name: String,
}

/// When something was seen, by the source's clock. Both null when the source tells no time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Observed {
    /// The earliest sighting.
    #[schemars(with = "Option<String>")]
    pub first: Option<Timestamp>,
    /// The latest sighting.
    #[schemars(with = "Option<String>")]
    pub last: Option<Timestamp>,
}

impl Observed {
    /// Seen once, at `time`.
    pub fn at(time: Option<Timestamp>) -> Self {
        Observed {
            first: time,
            last: time,
        }
    }

    /// The smallest interval that holds both.
    pub fn union(self, other: Self) -> Self {
        let earliest = [self.first, other.first].into_iter().flatten().min();
        let latest = [self.last, other.last].into_iter().flatten().max();
        Observed {
            first: earliest,
            last: latest,
        }
    }
}

/// One reason for a finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Stable name of the reason, such as `brand-plus-lure`.
    pub code: String,
    /// The reason in plain words.
    pub text: String,
    /// How much it moved the score, in the desk's own units (log-odds for the lookalike desk).
    pub weight: f64,
    /// Which letters it speaks of, where it speaks of letters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
}

/// Letters of the subject that answer to letters of something protected. Positions are bytes of the text named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// First byte in the name that was seen.
    pub start: u32,
    /// One past the last byte in the name that was seen.
    pub end: u32,
    /// The letters there.
    pub text: String,
    /// What they imitate, such as `senate`, or the word they are, such as `login`.
    pub of: String,
}

/// Something that others can search for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Indicator {
    /// A STIX 2.1 observable type, such as `domain-name`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The value, as it is: not defanged.
    pub value: String,
}

/// Where a piece of evidence lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceRef {
    /// Address of the excerpt's bytes.
    pub sha256: EvidenceId,
    /// What the bytes are, such as `text/plain`.
    pub media_type: String,
    /// Where they stood in the source, such as `names.txt:1042`.
    pub locator: String,
}

/// A finding's substance, before the engine addresses its evidence and gives it an id.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// See [`Finding::kind`].
    pub kind: &'static str,
    /// See [`Finding::polarity`].
    pub polarity: Polarity,
    /// See [`Finding::stage`].
    pub stage: Option<Stage>,
    /// See [`Finding::target`].
    pub target: TargetRef,
    /// See [`Finding::subject`].
    pub subject: String,
    /// See [`Finding::verdict`].
    pub verdict: Option<String>,
    /// See [`Finding::severity`].
    pub severity: Severity,
    /// See [`Finding::confidence`].
    pub confidence: Probability,
    /// See [`Finding::tlp`].
    pub tlp: Tlp,
    /// See [`Finding::observed`].
    pub observed: Observed,
    /// See [`Finding::summary`].
    pub summary: String,
    /// See [`Finding::reasons`].
    pub reasons: Vec<Reason>,
    /// See [`Finding::alternatives`].
    pub alternatives: Vec<String>,
    /// See [`Finding::next`].
    pub next: String,
    /// See [`Finding::indicators`].
    pub indicators: Vec<Indicator>,
    /// See [`Finding::techniques`].
    pub techniques: Vec<&'static str>,
    /// See [`Finding::details`].
    pub details: Map<String, Value>,
}

impl Draft {
    /// The finding that `desk` makes of this draft and the evidence it rests on.
    pub fn into_finding(self, desk: &str, evidence: Vec<EvidenceRef>) -> Finding {
        Finding {
            schema: SCHEMA,
            id: FindingId::derive(desk, self.kind, &self.target.id, &self.subject),
            desk: desk.to_owned(),
            kind: self.kind.to_owned(),
            polarity: self.polarity,
            stage: self.stage,
            target: self.target,
            subject: self.subject,
            verdict: self.verdict,
            severity: self.severity,
            confidence: self.confidence,
            tlp: self.tlp,
            observed: self.observed,
            summary: self.summary,
            reasons: self.reasons,
            alternatives: self.alternatives,
            next: self.next,
            indicators: self.indicators,
            techniques: self.techniques.into_iter().map(str::to_owned).collect(),
            evidence,
            details: self.details,
        }
    }
}

/// Most pieces of evidence that one finding keeps: the first ones seen. A name that is seen a million times needs no
/// million excerpts; its interval still widens.
const MAX_EVIDENCE_OF_A_FINDING: usize = 32;

impl Finding {
    /// What is known when `self` was recorded and `newer` has been found: the newer judgement, the union of the observed
    /// intervals, and the evidence of both (the earliest 32 pieces).
    ///
    /// Recording the same finding twice changes nothing: `a.merged(&a) == a`.
    pub fn merged(&self, newer: &Finding) -> Finding {
        debug_assert_eq!(self.id, newer.id, "only revisions of one finding are merged");
        let mut merged = newer.clone();
        merged.observed = self.observed.union(newer.observed);
        merged.evidence = self.evidence.clone();
        for piece in &newer.evidence {
            if merged.evidence.len() < MAX_EVIDENCE_OF_A_FINDING && !merged.evidence.contains(piece) {
                merged.evidence.push(piece.clone());
            }
        }
        merged
    }
}

/// What an analyst made of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is what it says.
    Confirmed,
    /// It is not: the reason is in the decision.
    Dismissed,
    /// Neither yet; a remark.
    Note,
}

/// An analyst's decision about a finding: an event that is recorded, never rewritten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Version of this format: 1.
    pub schema: u32,
    /// The finding decided on.
    pub finding: FindingId,
    /// What was decided.
    pub verdict: Verdict,
    /// Why; required to dismiss.
    pub reason: String,
    /// Who decided, as the workspace knows them.
    pub by: String,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
}
