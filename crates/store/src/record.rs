//! What the store takes and gives.

use std::fmt;

use jiff::Timestamp;
use pollwatch_model::{
    Coverage, Decision, EvidenceId, Finding, FindingId, Polarity, Position, Problem, Saved, Severity, Stage,
    TargetId, Tlp,
};
use serde::{Deserialize, Serialize};

/// Longest ledger entry, in bytes: an entry bundle gives its length in 16 bits (C2SP tlog-tiles, "Log Entries").
pub const MAX_LEAF_BYTES: usize = 65_535;

/// Most problems of one run that are kept in words; all of them are counted. Bounds what a hostile file can fill.
pub const MAX_PROBLEMS_OF_A_RUN: u64 = 10_000;

/// Longest text of a kept problem, in bytes; the rest is cut off at a character's boundary.
pub const MAX_PROBLEM_TEXT_BYTES: usize = 4_096;

/// Names one run, as the engine chose it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Names one entry for the ledger; rises in the order in which entries were recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeafId(pub u64);

impl fmt::Display for LeafId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names one decision; rises in the order in which decisions were recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DecisionId(pub u64);

/// A run that begins.
#[derive(Debug, Clone, PartialEq)]
pub struct RunStart {
    /// Its id; no other run has it.
    pub id: RunId,
    /// The desk that runs.
    pub desk: String,
    /// When it began.
    pub started: Timestamp,
    /// What an interrupted run over the same inputs is found by.
    pub inputs_key: String,
    /// The inputs in the engine's own form.
    pub inputs: serde_json::Value,
}

/// A run that was begun and not finished, with all that is needed to take it up.
#[derive(Debug, Clone, PartialEq)]
pub struct ResumableRun {
    /// How it began.
    pub start: RunStart,
    /// How far each input was read, by ordinal; an input that was not begun is missing.
    pub positions: Vec<InputPosition>,
    /// The desk's state at those positions; `None` when no step was committed with one.
    pub saved: Option<Saved>,
}

/// How far one input of a run was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputPosition {
    /// Which input of the run, counted from 0.
    pub ordinal: u32,
    /// Its name, as the user gave it.
    pub input_name: String,
    /// The place reached.
    pub position: Position,
    /// Whether the input was read to its end.
    pub is_done: bool,
    /// SHA-256 of the source once it was read to its end.
    pub sha256: Option<EvidenceId>,
    /// Size of the source in bytes, where known.
    pub bytes: Option<u64>,
}

/// Where a piece of evidence lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvidenceLocation {
    /// The evidence.
    pub sha256: EvidenceId,
    /// The pack that holds it.
    pub pack: u32,
    /// Where it begins in the pack, in bytes.
    pub offset: u64,
    /// How long it is, in bytes.
    pub length: u64,
}

/// A changed (or new) finding, as it is to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// The finding, merged with what was recorded before.
    pub finding: Finding,
    /// Its revision: 1 for a new finding, one more than the recorded revision for a changed one.
    pub revision: u64,
    /// The statement that tells of it, in a pack by now.
    pub statement: EvidenceId,
    /// The entry for the ledger, at most [`MAX_LEAF_BYTES`] long.
    pub leaf: Vec<u8>,
}

/// Whether a run goes on after a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RunPhase {
    /// It goes on, and is found again when it is interrupted.
    #[default]
    Unfinished,
    /// It is over; its saved state is dropped.
    Finished,
}

/// All that one step of a run produced: recorded as a whole or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The run; it must have begun and not be finished.
    pub run: RunId,
    /// New and changed findings, in the order in which the ledger is to tell them.
    pub revisions: Vec<Revision>,
    /// Where the step's evidence and statements lie. Evidence known before keeps its first location.
    pub evidence: Vec<EvidenceLocation>,
    /// What inputs let the desk see; replaces what was recorded for the same desk, source and digest. A row with a digest
    /// also replaces the one that the source had while it was not read to its end.
    pub coverage: Vec<Coverage>,
    /// What was wrong with the input.
    pub problems: Vec<Problem>,
    /// How far inputs were read. May not lie before what is recorded.
    pub positions: Vec<InputPosition>,
    /// The desk's state at those positions; `None` leaves the recorded one.
    pub saved: Option<Saved>,
    /// Whether this step is the run's last.
    pub phase: RunPhase,
}

impl Step {
    /// A step of `run` in which nothing happened yet.
    pub fn of(run: RunId) -> Self {
        Step {
            run,
            revisions: Vec::new(),
            evidence: Vec::new(),
            coverage: Vec::new(),
            problems: Vec::new(),
            positions: Vec::new(),
            saved: None,
            phase: RunPhase::Unfinished,
        }
    }
}

/// What a step came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// Findings that were not known before.
    pub added: u64,
    /// Revisions of findings that were known.
    pub changed: u64,
    /// The leaf of each revision, in the step's order.
    pub leaves: Vec<LeafId>,
}

/// A decision, as it is to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionRecord {
    /// The decision.
    pub decision: Decision,
    /// The statement that tells of it, in a pack by now.
    pub statement: EvidenceId,
    /// Where that statement lies.
    pub location: EvidenceLocation,
    /// The entry for the ledger, at most [`MAX_LEAF_BYTES`] long.
    pub leaf: Vec<u8>,
}

/// A decision that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDecision {
    /// Its number.
    pub id: DecisionId,
    /// The decision.
    pub decision: Decision,
    /// The decision's JSON, byte for byte as recorded.
    pub json: String,
    /// The statement that tells of it.
    pub statement: EvidenceId,
    /// Its place in the ledger, once it has one.
    pub ledger_index: Option<u64>,
}

/// An event, as it is to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRecord {
    /// The event as JSON.
    pub json: String,
    /// The statement that tells of it, in a pack by now.
    pub statement: EvidenceId,
    /// Where that statement lies.
    pub location: EvidenceLocation,
    /// The entry for the ledger, at most [`MAX_LEAF_BYTES`] long.
    pub leaf: Vec<u8>,
}

/// An event that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its number within the stream, from 0.
    pub seq: u64,
    /// The event's JSON, byte for byte as recorded.
    pub json: String,
    /// The statement that tells of it.
    pub statement: EvidenceId,
    /// Its place in the ledger, once it has one.
    pub ledger_index: Option<u64>,
}

/// A log of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventStream {
    /// The desk that it belongs to.
    pub desk: String,
    /// Its name within the desk.
    pub stream: String,
    /// How many events it has.
    pub events: u64,
}

/// A finding that was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredFinding {
    /// The current revision.
    pub finding: Finding,
    /// Its number, from 1.
    pub revision: u64,
    /// The statement that tells of it.
    pub statement: EvidenceId,
    /// Its place in the ledger, once it has one.
    pub ledger_index: Option<u64>,
    /// The current decision: the last one.
    pub decision: Option<Decision>,
}

/// One revision in a finding's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionRecord {
    /// Its number, from 1.
    pub revision: u64,
    /// The statement that tells of it.
    pub statement: EvidenceId,
    /// The leaf that was made for it.
    pub leaf: LeafId,
    /// Its place in the ledger, once it has one.
    pub ledger_index: Option<u64>,
}

/// What verification compares with the ledger: a current finding and its statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementRecord {
    /// The finding.
    pub finding: FindingId,
    /// Its JSON, byte for byte as recorded; not parsed, so that an edited row is told and does not stop the rest.
    pub json: String,
    /// Its revision.
    pub revision: u64,
    /// The statement that tells of that revision; `None` when an edit has taken it away.
    pub statement: Option<EvidenceId>,
    /// Its place in the ledger, once it has one.
    pub ledger_index: Option<u64>,
    /// The word that tallies and lists go by: `confirmed`, `dismissed`, or `None` (or `note`) for no decision.
    pub verdict: Option<String>,
    /// Whether the columns by which findings are listed and filtered say what the JSON says.
    pub columns_agree: bool,
}

/// A ledger entry that waits for its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingLeaf {
    /// Its number.
    pub id: LeafId,
    /// The statement that it commits to.
    pub statement: EvidenceId,
    /// The entry's bytes.
    pub entry: Vec<u8>,
}

/// A ledger entry that has its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequencedLeaf {
    /// Its number.
    pub id: LeafId,
    /// The statement that it commits to.
    pub statement: EvidenceId,
    /// The entry's bytes.
    pub entry: Vec<u8>,
    /// Its place in the ledger.
    pub ledger_index: u64,
}

/// How many problems a run had.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProblemCount {
    /// All of them.
    pub total: u64,
    /// Those that are kept in words, at most [`MAX_PROBLEMS_OF_A_RUN`].
    pub kept: u64,
    /// Records that could not be read because of them.
    pub records_lost: u64,
}

/// How many findings there are of one desk, polarity and severity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingCount {
    /// The desk.
    pub desk: String,
    /// The polarity.
    pub polarity: Polarity,
    /// The severity.
    pub severity: Severity,
    /// All findings, dismissed ones included.
    pub findings: u64,
    /// Those whose current decision dismisses them.
    pub dismissed: u64,
}

/// Whether dismissed findings are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Dismissed {
    /// All findings.
    #[default]
    Included,
    /// Only findings whose current decision is not to dismiss.
    LeftOut,
}

/// Which findings are wanted; the default is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this desk.
    pub desk: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// At least this severe.
    pub severity_at_least: Option<Severity>,
    /// Of this polarity.
    pub polarity: Option<Polarity>,
    /// Aimed at this target.
    pub target: Option<TargetId>,
    /// With this text, in any case, somewhere in id, subject, summary, target or indicators.
    pub text: Option<String>,
    /// Whose furthest stage is this one.
    pub stage: Option<Stage>,
    /// What the current decision is.
    pub decided: Option<Decided>,
    /// Last seen at this time or later, by the source's clock; findings without a time are left out.
    pub seen_from: Option<Timestamp>,
    /// First seen before this time, by the source's clock; findings without a time are left out.
    pub seen_before: Option<Timestamp>,
    /// Whether dismissed ones are wanted.
    pub dismissed: Dismissed,
    /// In which order they come.
    pub order: Order,
    /// At most so many; `None`: all.
    pub limit: Option<u32>,
    /// Only what comes after this place.
    pub after: Option<Cursor>,
}

/// An order of findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Most severe first, then by id.
    #[default]
    Urgency,
    /// Last seen first, by the source's clock; those without a time at the end; then by id.
    Newest,
}

/// What was decided on a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    /// Nothing yet.
    Open,
    /// It was confirmed.
    Confirmed,
    /// It was dismissed.
    Dismissed,
}

/// A place in an order of findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Severity of the last finding before the place.
    pub severity: Severity,
    /// When that finding was last seen, in microseconds since 1970; needed in the order of time alone.
    #[serde(default)]
    pub last_observed_us: Option<i64>,
    /// Id of the last finding before the place.
    pub finding: FindingId,
}

/// How many findings of a target are alike in what tallies ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReachCount {
    /// The target.
    pub target: TargetId,
    /// The desk.
    pub desk: String,
    /// The polarity.
    pub polarity: Polarity,
    /// The severity.
    pub severity: Severity,
    /// The stage; `None` for an assurance.
    pub stage: Option<Stage>,
    /// Who may read them.
    pub tlp: Tlp,
    /// Whether an analyst dismissed them.
    pub dismissed: bool,
    /// Whether an analyst confirmed them.
    pub confirmed: bool,
    /// How many.
    pub findings: u64,
}

/// How many undismissed alarms of a stage were first seen on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayCount {
    /// The day in UTC, in days since 1970-01-01.
    pub day: i64,
    /// The stage.
    pub stage: Stage,
    /// How many.
    pub findings: u64,
}

/// A run, for a list of runs.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// How it began.
    pub start: RunStart,
    /// Whether it ended.
    pub is_finished: bool,
    /// Its problems.
    pub problems: ProblemCount,
}

/// Where the record stands: two marks that differ tell that something was recorded in between.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    /// The number of the newest entry for the ledger; 0 while there is none.
    pub leaf: u64,
    /// SQLite's count of commits by other connections, as the watching connection sees it.
    pub version: i64,
}

/// Some findings in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The findings, most severe first, then by id.
    pub findings: Vec<StoredFinding>,
    /// Where the next page begins; `None` when this is the last.
    pub next: Option<Cursor>,
}

/// Names one declaration; rises in the order in which declarations were recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeclarationId(pub u64);

/// A statement that is neither a finding nor a decision (a tally, an export, an import), as it is to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclarationRecord {
    /// The word for its kind, as in the ledger's entry.
    pub kind: String,
    /// Its content as JSON.
    pub body: String,
    /// The statement that tells of it, in a pack by now.
    pub statement: EvidenceId,
    /// Where that statement lies, and whatever else it refers to.
    pub evidence: Vec<EvidenceLocation>,
    /// The entry for the ledger, at most [`MAX_LEAF_BYTES`] long.
    pub leaf: Vec<u8>,
    /// For an import: the ledger that it comes from, and all that it brought. Replaces what an earlier one brought.
    pub imported: Option<(String, Vec<ImportedRow>)>,
}

/// A declaration that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDeclaration {
    /// Its number.
    pub id: DeclarationId,
    /// The word for its kind.
    pub kind: String,
    /// Its content as JSON, byte for byte as recorded.
    pub body: String,
    /// The statement that tells of it.
    pub statement: EvidenceId,
    /// Its place in the ledger, once it has one.
    pub ledger_index: Option<u64>,
}

/// What a row of an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImportedKind {
    /// A finding.
    Finding,
    /// A decision on one of the findings.
    Decision,
    /// What a source let a desk see.
    Coverage,
}

impl ImportedKind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            ImportedKind::Finding => "finding",
            ImportedKind::Decision => "decision",
            ImportedKind::Coverage => "coverage",
        }
    }

    /// The kind of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        [
            ImportedKind::Finding,
            ImportedKind::Decision,
            ImportedKind::Coverage,
        ]
        .into_iter()
        .find(|kind| kind.word() == word)
    }
}

/// One thing that an import brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedRow {
    /// What it is.
    pub kind: ImportedKind,
    /// It, as JSON.
    pub body: String,
    /// The revision of a finding.
    pub revision: Option<u64>,
    /// The statement in the sender's ledger.
    pub statement: Option<EvidenceId>,
    /// The entry of the sender's ledger.
    pub entry_index: Option<u64>,
    /// The import that brought it; `None` while it is being recorded.
    pub declaration: Option<DeclarationId>,
}
