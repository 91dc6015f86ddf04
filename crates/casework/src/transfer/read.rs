//! Checking a file, line by line; the first thing that does not follow refuses the whole.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Read};

use pollwatch_ledger::checkpoint::{Checkpoint, CheckpointError};
use pollwatch_ledger::note::{NoteError, VerifierKey};
use pollwatch_ledger::tree::leaf_hash;
use pollwatch_ledger::tree_proof::{verify_consistency, verify_inclusion};
use pollwatch_model::{Coverage, Decision, EvidenceId, Finding, FindingId, TargetId};

use super::form::{EXPORT_SCHEMA, Head, LeafView, Line, Manifest, Proven, StatementView};
use super::write::coverage_id;

/// Longest first line, in bytes: the digests of [`MAX_LINES`] lines, and as much again for the proofs.
pub const MAX_HEAD_BYTES: usize = 32 << 20;
/// Longest further line, in bytes: a finding has 32 pieces of evidence at most, and is a few thousand bytes long.
pub const MAX_LINE_BYTES: usize = 1 << 20;
/// Most lines: the findings and log files of the 3,143 counties of the United States, seventy a county.
pub const MAX_LINES: usize = 220_000;
/// Longest file, in bytes: what a reader holds in memory.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// Schema of ledger entries and statements that this reader knows.
const STATEMENT_SCHEMA: u32 = 1;

/// What the reader trusts, and what it knows already.
#[derive(Debug, Clone)]
pub struct Trust<'a> {
    /// The sender's key, as the sender told it by another way than with the file.
    pub key: &'a VerifierKey,
    /// The targets that the sender may speak for; `None`: any.
    pub speaks_for: Option<&'a BTreeSet<TargetId>>,
    /// The checkpoint of the last file that was taken in from this sender.
    pub known: Option<&'a Checkpoint>,
}

/// Why a file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Refusal {
    /// The line, from 1.
    pub line: u64,
    /// What does not follow, and what to do, lower case, no full stop.
    pub why: String,
}

/// A finding of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedFinding {
    /// The finding.
    pub finding: Finding,
    /// Its revision.
    pub revision: u64,
    /// The statement in the sender's ledger.
    pub statement: EvidenceId,
    /// The index of its entry there.
    pub index: u64,
}

/// A decision of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedDecision {
    /// The decision.
    pub decision: Decision,
    /// The statement in the sender's ledger.
    pub statement: EvidenceId,
    /// The index of its entry there.
    pub index: u64,
}

/// A file that follows in all its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    /// What it says of itself.
    pub manifest: Manifest,
    /// Its checkpoint.
    pub checkpoint: Checkpoint,
    /// Its findings, in its order.
    pub findings: Vec<ExportedFinding>,
    /// Its decisions, oldest first.
    pub decisions: Vec<ExportedDecision>,
    /// Its coverage.
    pub coverage: Vec<Coverage>,
    /// Its lines without their line feeds, so that they can be kept and checked again.
    pub lines: Vec<Vec<u8>>,
}

/// Reads a file and checks all of it.
///
/// Errors: [`Refusal`], for the first line that does not follow. Limits: [`MAX_FILE_BYTES`], [`MAX_HEAD_BYTES`],
/// [`MAX_LINE_BYTES`], [`MAX_LINES`].
pub fn read_export(bytes: &mut dyn BufRead, trust: &Trust<'_>) -> Result<Export, Refusal> {
    let mut lines = Lines {
        bytes: &mut bytes.take(MAX_FILE_BYTES + 1),
        line: 0,
        read: 0,
    };
    let head_line = lines
        .next(MAX_HEAD_BYTES)?
        .ok_or_else(|| refused(1, "the file is empty"))?;
    let (checkpoint, manifest, at) = read_head(&head_line, trust)?;
    let mut check = Check {
        checkpoint: &checkpoint,
        manifest: &manifest,
        manifest_index: at,
        targets: manifest.targets.iter().map(|target| target.id.clone()).collect(),
        indexes: BTreeSet::new(),
        findings: BTreeMap::new(),
        last_decision: None,
    };
    let mut export = Export {
        manifest: manifest.clone(),
        checkpoint: checkpoint.clone(),
        findings: Vec::new(),
        decisions: Vec::new(),
        coverage: Vec::new(),
        lines: vec![head_line],
    };
    for (ordinal, expected) in manifest.entries.iter().enumerate() {
        let line = ordinal as u64 + 2;
        let Some(bytes) = lines.next(MAX_LINE_BYTES)? else {
            let all = manifest.entries.len() + 1;
            return Err(refused(
                line,
                format!("the file ends here, and its first line names {all} lines: it was cut"),
            ));
        };
        check.line(line, *expected, &bytes, &mut export)?;
        export.lines.push(bytes);
    }
    let more = manifest.entries.len() as u64 + 2;
    if lines.next(MAX_LINE_BYTES)?.is_some() {
        return Err(refused(more, "the first line names no such line: it was added"));
    }
    Ok(export)
}

fn refused(line: u64, why: impl Into<String>) -> Refusal {
    Refusal {
        line,
        why: why.into(),
    }
}

/// Lines of bounded length.
struct Lines<'a> {
    bytes: &'a mut dyn BufRead,
    line: u64,
    read: u64,
}

impl Lines<'_> {
    /// The next line without its line feed; `None` at the end.
    fn next(&mut self, limit: usize) -> Result<Option<Vec<u8>>, Refusal> {
        self.line += 1;
        let mut line = Vec::new();
        let mut bounded = (&mut *self.bytes).take(limit as u64 + 1);
        let read = bounded
            .read_until(b'\n', &mut line)
            .map_err(|error| refused(self.line, format!("cannot be read: {error}")))?;
        self.read += read as u64;
        if self.read > MAX_FILE_BYTES {
            return Err(refused(
                self.line,
                format!("the file is longer than {} MiB", MAX_FILE_BYTES >> 20),
            ));
        }
        if read == 0 {
            return Ok(None);
        }
        match line.pop() {
            Some(b'\n') => Ok(Some(line)),
            _ if read > limit => Err(refused(
                self.line,
                format!("the line is longer than {limit} bytes"),
            )),
            _ => Err(refused(self.line, "the line has no end: the file was cut")),
        }
    }
}

fn read_head(bytes: &[u8], trust: &Trust<'_>) -> Result<(Checkpoint, Manifest, u64), Refusal> {
    let bad = |why: String| refused(1, why);
    let head: Head = serde_json::from_slice(bytes).map_err(|error| {
        bad(format!(
            "not the first line of a Pollwatch export: {}",
            place(&error)
        ))
    })?;
    if head.pollwatch_export != EXPORT_SCHEMA {
        let found = head.pollwatch_export;
        return Err(bad(format!(
            "the export has schema {found}, and this program reads {EXPORT_SCHEMA}: use a newer pollwatch"
        )));
    }
    let (checkpoint, _) = Checkpoint::open(&head.checkpoint, std::slice::from_ref(trust.key)).map_err(|error| bad(match error {
        CheckpointError::Note(NoteError::Unverified(by)) => format!(
            "the checkpoint is signed by {by}, not by the key that you trust for this sender ({}): ask the sender for the key by \
             another way than with the file, and give it with --key",
            trust.key
        ),
        other => format!("the checkpoint does not hold: {other}"),
    }))?;
    check_progress(&head, &checkpoint, trust.known).map_err(bad)?;
    let statement = proven(1, &head.manifest, &checkpoint, "export")?;
    let manifest = statement
        .export
        .ok_or_else(|| bad("the statement of the first line is no manifest".to_owned()))?;
    if manifest.schema != EXPORT_SCHEMA {
        return Err(bad("the manifest has another schema than the file".to_owned()));
    }
    if manifest.origin != checkpoint.origin {
        return Err(bad(format!(
            "the manifest is of {:?}, the checkpoint of {:?}",
            manifest.origin, checkpoint.origin
        )));
    }
    if head.manifest.index + 1 != checkpoint.size {
        return Err(bad(
            "the manifest is not the newest entry of the sender's ledger: the file was put together later"
                .to_owned(),
        ));
    }
    if manifest.entries.len() >= MAX_LINES {
        return Err(bad(format!(
            "the file has more than {MAX_LINES} lines: send fewer targets at once"
        )));
    }
    if let Some(speaks_for) = trust.speaks_for
        && let Some(other) = manifest
            .targets
            .iter()
            .find(|target| !speaks_for.contains(&target.id))
    {
        let own: Vec<&str> = speaks_for.iter().map(TargetId::as_str).collect();
        return Err(bad(format!(
            "the file speaks of {}, and this sender speaks for {} alone: ask for an export with --target",
            other.id,
            own.join(", ")
        )));
    }
    Ok((checkpoint, manifest, head.manifest.index))
}

/// Whether the checkpoint goes on from the one that is known.
fn check_progress(head: &Head, checkpoint: &Checkpoint, known: Option<&Checkpoint>) -> Result<(), String> {
    let Some(known) = known else {
        return Ok(());
    };
    if checkpoint.origin != known.origin {
        return Err(format!(
            "the checkpoint is of {:?}, and the key's earlier files of {:?}",
            checkpoint.origin, known.origin
        ));
    }
    if checkpoint.size == known.size && checkpoint.root == known.root {
        return Err("this file was taken in already; nothing was changed".to_owned());
    }
    if checkpoint.size <= known.size {
        return Err(format!(
            "the file is older than the last one from this sender ({} entries then, {} in this file): it was played back, or the \
             sender's ledger was put back",
            known.size, checkpoint.size
        ));
    }
    let Some(proof) = head.consistency.iter().find(|proof| proof.size == known.size) else {
        return Err(format!(
            "the file has no proof that the ledger goes on from its {} entries that are known here: ask for an export with --since {}",
            known.size, known.size
        ));
    };
    let hashes: Vec<[u8; 32]> = proof.hashes.iter().map(|hash| hash.0).collect();
    verify_consistency(known.size, checkpoint.size, &known.root.0, &checkpoint.root.0, &hashes).map_err(|_| {
        "the sender's ledger was rewritten since its last file: what it said then and says now cannot both be true. Keep both \
         files and ask the sender"
            .to_owned()
    })
}

/// The statement of `line`, when the ledger under `checkpoint` committed to it.
fn proven(line: u64, proven: &Proven, checkpoint: &Checkpoint, kind: &str) -> Result<StatementView, Refusal> {
    let bad = |why: &str| refused(line, why);
    let hash = leaf_hash(proven.leaf.as_bytes());
    let hashes: Vec<[u8; 32]> = proven.hashes.iter().map(|hash| hash.0).collect();
    verify_inclusion(
        proven.index,
        checkpoint.size,
        &hash.0,
        &hashes,
        &checkpoint.root.0,
    )
    .map_err(|_| bad("the entry is not in the sender's ledger: it was changed or made up"))?;
    let leaf: LeafView =
        serde_json::from_str(&proven.leaf).map_err(|_| bad("the entry is none that Pollwatch writes"))?;
    if leaf.schema != STATEMENT_SCHEMA || leaf.kind != kind {
        return Err(bad("the entry is of another kind than the line says"));
    }
    if leaf.sha256 != EvidenceId::of(proven.statement.as_bytes()) {
        return Err(bad(
            "the statement is not the one that the sender's ledger committed to: it was changed",
        ));
    }
    let statement: StatementView = serde_json::from_str(&proven.statement)
        .map_err(|error| refused(line, format!("the statement cannot be read: {}", place(&error))))?;
    let kinds = [
        statement.finding.is_some(),
        statement.decision.is_some(),
        statement.export.is_some(),
    ];
    if statement.schema != STATEMENT_SCHEMA || kinds.iter().filter(|is_there| **is_there).count() != 1 {
        return Err(bad("the statement is none that Pollwatch writes"));
    }
    Ok(statement)
}

/// Where JSON goes wrong; never its text, which is the sender's.
fn place(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let what = match error.classify() {
        Category::Eof => "it ends too early",
        Category::Syntax => "no JSON",
        Category::Data => "a field is missing, unknown or of the wrong type",
        Category::Io => "cannot be read",
    };
    format!("{what} (column {})", error.column())
}

struct Check<'a> {
    checkpoint: &'a Checkpoint,
    manifest: &'a Manifest,
    manifest_index: u64,
    targets: BTreeSet<TargetId>,
    /// Entries of the ledger that a line has used.
    indexes: BTreeSet<u64>,
    findings: BTreeMap<FindingId, u64>,
    last_decision: Option<u64>,
}

impl Check<'_> {
    fn line(
        &mut self,
        number: u64,
        expected: EvidenceId,
        bytes: &[u8],
        export: &mut Export,
    ) -> Result<(), Refusal> {
        let bad = |why: String| refused(number, why);
        let line: Line = serde_json::from_slice(bytes)
            .map_err(|error| bad(format!("not a line of an export: {}", place(&error))))?;
        let found = match &line {
            Line::Finding(proven) | Line::Decision(proven) => EvidenceId::of(proven.statement.as_bytes()),
            Line::Coverage(coverage) => {
                coverage_id(coverage).map_err(|_| bad("cannot be written as JSON".to_owned()))?
            }
        };
        if found != expected {
            let elsewhere = self.manifest.entries.iter().position(|entry| *entry == found);
            return Err(bad(match elsewhere {
                Some(at) => format!(
                    "the first line names this content at line {}: lines were re-ordered, left out or repeated",
                    at + 2
                ),
                None => {
                    "not the content that the first line names here: it was changed or made up".to_owned()
                }
            }));
        }
        match line {
            Line::Finding(entry) => export.findings.push(self.finding(number, &entry)?),
            Line::Decision(entry) => export.decisions.push(self.decision(number, &entry)?),
            Line::Coverage(coverage) => {
                self.coverage(number, &coverage)?;
                export.coverage.push(coverage);
            }
        }
        Ok(())
    }

    fn entry(&mut self, number: u64, entry: &Proven, kind: &str) -> Result<StatementView, Refusal> {
        let statement = proven(number, entry, self.checkpoint, kind)?;
        if entry.index >= self.manifest_index || !self.indexes.insert(entry.index) {
            return Err(refused(
                number,
                "two lines of the file speak of one entry of the ledger",
            ));
        }
        Ok(statement)
    }

    fn target(&self, number: u64, target: &TargetId) -> Result<(), Refusal> {
        if self.targets.contains(target) {
            return Ok(());
        }
        Err(refused(
            number,
            format!("it is about {target}, and the file says that it does not speak of it"),
        ))
    }

    fn finding(&mut self, number: u64, entry: &Proven) -> Result<ExportedFinding, Refusal> {
        let bad = |why: String| refused(number, why);
        let statement = self.entry(number, entry, "finding")?;
        let view = statement
            .finding
            .ok_or_else(|| bad("the statement is no finding".to_owned()))?;
        let finding = view.finding;
        if finding.schema != pollwatch_model::SCHEMA {
            return Err(bad(format!(
                "the finding has schema {}, which this program does not read",
                finding.schema
            )));
        }
        if finding.id != FindingId::derive(&finding.desk, &finding.kind, &finding.target.id, &finding.subject)
        {
            return Err(bad(format!(
                "the id {} is not that of what the finding is about",
                finding.id
            )));
        }
        self.target(number, &finding.target.id)?;
        if finding.tlp > self.manifest.tlp {
            return Err(bad(format!(
                "the finding is marked {} and the file {}",
                finding.tlp.label(),
                self.manifest.tlp.label()
            )));
        }
        if self.findings.insert(finding.id.clone(), number).is_some() {
            return Err(bad(format!("finding {} stands in the file twice", finding.id)));
        }
        let statement = EvidenceId::of(entry.statement.as_bytes());
        Ok(ExportedFinding {
            finding,
            revision: view.revision,
            statement,
            index: entry.index,
        })
    }

    fn decision(&mut self, number: u64, entry: &Proven) -> Result<ExportedDecision, Refusal> {
        let bad = |why: String| refused(number, why);
        let statement = self.entry(number, entry, "decision")?;
        let decision = statement
            .decision
            .ok_or_else(|| bad("the statement is no decision".to_owned()))?;
        if !self.findings.contains_key(&decision.finding) {
            return Err(bad(format!(
                "it decides on finding {}, which no line above has",
                decision.finding
            )));
        }
        if self
            .last_decision
            .replace(entry.index)
            .is_some_and(|last| last > entry.index)
        {
            return Err(bad(
                "decisions are not in the order in which they were made".to_owned()
            ));
        }
        let statement = EvidenceId::of(entry.statement.as_bytes());
        Ok(ExportedDecision {
            decision,
            statement,
            index: entry.index,
        })
    }

    fn coverage(&self, number: u64, coverage: &Coverage) -> Result<(), Refusal> {
        if coverage.targets.is_empty() {
            return Err(refused(
                number,
                "the coverage names no target: an office cannot speak for another's whole register",
            ));
        }
        coverage
            .targets
            .iter()
            .try_for_each(|target| self.target(number, target))
    }
}
