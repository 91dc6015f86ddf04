//! Handing findings and coverage to another office, and taking in another's.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Cursor, Read};

use jiff::Timestamp;
use pollwatch_casework::tally::{Held, Seen, Withheld};
use pollwatch_casework::transfer::{
    Consistency, EXPORT_SCHEMA, Export, MAX_HEAD_BYTES, MAX_LINE_BYTES, Manifest, Proven, Refusal, Trust,
    WithheldCount, Writer, coverage_id, read_export,
};
use pollwatch_ledger::checkpoint::Checkpoint;
use pollwatch_ledger::evidence::{EvidenceReader, PieceDigest};
use pollwatch_ledger::note::{SignedNote, VerifierKey};
use pollwatch_ledger::reader::LogReader;
use pollwatch_model::register::Assessor;
use pollwatch_model::{
    Coverage, Decision, EvidenceId, Finding, FindingId, TargetId, TargetRef, Tlp, Verdict,
};
use pollwatch_store::{DeclarationRecord, Dismissed, ImportedKind, ImportedRow, Store};

use crate::Error;
use crate::statement::{Content, RecordedImport, seal};
use crate::workspace::{Workspace, files};

/// Declarations that are read from the record at once.
const DECLARATIONS_AT_ONCE: u32 = 1_000;
/// Earlier exports from which a new one carries a proof: an office that took in one of the last 64 can check that the ledger
/// goes on from it.
const EXPORTS_PROVEN: usize = 64;

/// A finding that another office sent.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedFinding {
    /// The sender's ledger.
    pub origin: String,
    /// The finding.
    pub finding: Finding,
    /// Its revision there.
    pub revision: u64,
    /// The statement in that ledger.
    pub statement: Option<EvidenceId>,
    /// The entry of that ledger.
    pub entry_index: Option<u64>,
    /// The decision of the sender's analysts that stands.
    pub decision: Option<Decision>,
}

impl ImportedFinding {
    /// How it stands to a count.
    pub(crate) fn held(&self, assessors: &[Assessor]) -> Held {
        let mut held = Held::of(&self.finding, self.decision.as_ref(), assessors);
        held.revision = self.revision;
        held.statement = self.statement;
        held.origin = Some(self.origin.clone());
        held
    }
}

/// All that other offices sent, each in its newest file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Imported {
    pub(crate) findings: Vec<ImportedFinding>,
    pub(crate) coverage: Vec<Seen>,
    pub(crate) withheld: Vec<Withheld>,
}

/// An office that sent something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// Its newest import.
    pub import: RecordedImport,
    /// What the file says of itself.
    pub manifest: Manifest,
}

/// What taking in a file came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportReport {
    /// The sender's ledger.
    pub origin: String,
    /// The sender's key.
    pub key: String,
    /// The targets that the sender may speak for; `None`: any.
    pub speaks_for: Option<Vec<TargetId>>,
    /// Findings of the file.
    pub findings: u64,
    /// Of them not known before.
    pub new: u64,
    /// Of them in another revision than before.
    pub changed: u64,
    /// Findings of the sender's last file that this one does not have.
    pub gone: u64,
    /// Sources whose coverage the file tells.
    pub sources: u64,
    /// Findings that the sender withholds.
    pub withheld: u64,
    /// Targets of the file that our register does not have: they are kept and counted nowhere.
    pub unknown: Vec<TargetId>,
}

impl Workspace {
    /// The findings, decisions and coverage of `targets` (empty: of every target that has any) as a file for another office.
    ///
    /// Findings that are marked stricter than `tlp` are withheld and counted in the file. `since` are sizes of our ledger that
    /// the receiver knows, beside those of our earlier exports. What is handed out is itself recorded.
    /// Errors: a target that is not in the register; a finding that is longer than a line may be.
    pub fn export(
        &mut self,
        targets: &[TargetId],
        tlp: Tlp,
        since: &[u64],
        now: Timestamp,
    ) -> Result<(Vec<u8>, Manifest), Error> {
        // Whatever waits is signed first: a finding without a place in the ledger has no proof.
        self.sequence()?;
        let findings = self.all_findings(Dismissed::Included)?;
        let coverage = self.coverage()?;
        let targets = self.targets_to_send(targets, findings.iter().map(|stored| &stored.finding.target))?;
        let is_sent: BTreeSet<&TargetId> = targets.iter().map(|target| &target.id).collect();

        let mut reader = EvidenceReader::open(&self.dir().join(files::EVIDENCE));
        let mut withheld: BTreeMap<(String, TargetId), u64> = BTreeMap::new();
        let mut sent: Vec<(bool, u64, Vec<u8>)> = Vec::new();
        let mut decided: Vec<(u64, Vec<u8>)> = Vec::new();
        for stored in findings
            .iter()
            .filter(|stored| is_sent.contains(&stored.finding.target.id))
        {
            let finding = &stored.finding;
            if finding.tlp > tlp {
                *withheld
                    .entry((finding.desk.clone(), finding.target.id.clone()))
                    .or_default() += 1;
                continue;
            }
            let Some(index) = stored.ledger_index else {
                continue;
            };
            let statement = statement_bytes(&mut reader, &stored.statement)?;
            if statement.len() > MAX_LINE_BYTES / 2 {
                return Err(Error::TooLongToSend(finding.id.clone()));
            }
            sent.push((true, index, statement));
            let decisions = self
                .block_on(self.store().decisions(&finding.id))
                .map_err(Error::store("read"))?;
            let stands = decisions
                .iter()
                .rev()
                .find(|stored| stored.decision.verdict != Verdict::Note);
            if let Some((decision, index)) = stands.and_then(|stored| Some((stored, stored.ledger_index?))) {
                decided.push((index, statement_bytes(&mut reader, &decision.statement)?));
            }
        }
        sent.sort_by_key(|(_, index, _)| *index);
        decided.sort_by_key(|(index, _)| *index);
        sent.extend(decided.into_iter().map(|(index, bytes)| (false, index, bytes)));
        let coverage: Vec<Coverage> = coverage
            .into_iter()
            .filter_map(|seen| seen_of(seen, &is_sent))
            .collect();

        let mut entries: Vec<EvidenceId> = sent.iter().map(|(_, _, bytes)| EvidenceId::of(bytes)).collect();
        for seen in &coverage {
            entries.push(coverage_id(seen)?);
        }
        let manifest = Manifest {
            schema: EXPORT_SCHEMA,
            origin: self.log_reader()?.checkpoint().origin.clone(),
            made: now,
            tlp,
            targets,
            withheld: withheld
                .into_iter()
                .map(|((desk, target), findings)| WithheldCount {
                    desk,
                    target,
                    findings,
                })
                .collect(),
            entries,
        };
        let earlier = self.earlier_exports()?;
        let (index, sealed) = self.declare(
            "export",
            Content::Export(Box::new(manifest.clone())),
            &manifest,
            now,
        )?;

        let log = self.log_reader()?;
        let mut sizes: Vec<u64> = earlier.into_iter().rev().take(EXPORTS_PROVEN).collect();
        sizes.extend(since.iter().copied());
        sizes.retain(|size| *size > 0 && *size < log.size());
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        sizes.dedup();
        let mut consistency = Vec::with_capacity(sizes.len());
        for size in sizes {
            let hashes = log
                .consistency_proof(size)
                .map_err(Error::ledger("prove an earlier size of"))?;
            consistency.push(Consistency { size, hashes });
        }
        let head = proven(&log, index, sealed)?;
        let mut writer = Writer::begin(&log.signed_checkpoint().to_string(), consistency, head)?;
        for (is_finding, index, statement) in sent {
            let line = proven(&log, index, statement)?;
            if is_finding {
                writer.finding(line)?
            } else {
                writer.decision(line)?
            }
        }
        for seen in coverage {
            writer.coverage(seen)?;
        }
        Ok((writer.into_bytes(), manifest))
    }

    /// The targets that are sent, by name or all that anything is known of.
    fn targets_to_send<'a>(
        &self,
        named: &[TargetId],
        aimed_at: impl Iterator<Item = &'a TargetRef>,
    ) -> Result<Vec<TargetRef>, Error> {
        let register = self.register();
        let reference = |id: &TargetId| {
            register.target(id).map(|target| TargetRef {
                id: id.clone(),
                name: target.name.clone(),
            })
        };
        if !named.is_empty() {
            let mut sent = Vec::with_capacity(named.len());
            for id in named.iter().collect::<BTreeSet<_>>() {
                sent.push(reference(id).ok_or_else(|| Error::NoSuchTarget(id.clone()))?);
            }
            return Ok(sent);
        }
        let mut all: BTreeMap<TargetId, TargetRef> = BTreeMap::new();
        for target in register.targets.iter().filter(|target| target.same_as.is_none()) {
            all.extend(reference(&target.id).map(|reference| (target.id.clone(), reference)));
        }
        for target in aimed_at {
            all.entry(target.id.clone()).or_insert_with(|| target.clone());
        }
        Ok(all.into_values().collect())
    }

    /// The sizes that our ledger had when earlier exports were made, oldest first.
    fn earlier_exports(&self) -> Result<Vec<u64>, Error> {
        let mut sizes = Vec::new();
        let mut after = None;
        loop {
            let page = self
                .block_on(
                    self.store()
                        .declarations(Some("export"), after, DECLARATIONS_AT_ONCE),
                )
                .map_err(Error::store("read"))?;
            let Some(last) = page.last() else {
                return Ok(sizes);
            };
            after = Some(last.id);
            sizes.extend(page.iter().filter_map(|stored| Some(stored.ledger_index? + 1)));
        }
    }

    /// Records a declaration that refers to no other evidence. Gives its place in the ledger and the statement's bytes.
    fn declare(
        &mut self,
        kind: &str,
        content: Content,
        body: &impl serde::Serialize,
        now: Timestamp,
    ) -> Result<(u64, Vec<u8>), Error> {
        let sealed = seal(content, self.nonce()?, now)?;
        let evidence = self.put(&[sealed.bytes.as_slice()])?;
        let record = DeclarationRecord {
            kind: kind.to_owned(),
            body: serde_json::to_string(body)?,
            statement: sealed.id,
            evidence,
            leaf: sealed.leaf,
            imported: None,
        };
        self.block_on(self.store().record_declaration(&record))
            .map_err(Error::store("write to"))?;
        self.sequence()?;
        // The newest entry: the workspace is held by this process, and everything before was signed.
        let index = self.log_reader()?.size() - 1;
        Ok((index, sealed.bytes))
    }

    /// Takes in the file `name` from another office, whole or not at all.
    ///
    /// `key` vouches for the sender; `None` takes the key of its last file. `speaks_for` binds the sender to targets; `None`
    /// keeps what it was bound to. Errors: [`Error::Refused`] for the first line that does not follow.
    pub fn import(
        &mut self,
        name: &str,
        bytes: &mut dyn BufRead,
        key: Option<&str>,
        speaks_for: Option<&BTreeSet<TargetId>>,
        now: Timestamp,
    ) -> Result<ImportReport, Error> {
        let refused = |why: String| Error::Refused {
            file: name.to_owned(),
            why,
        };
        let head = first_line(bytes).map_err(|refusal| refused(refusal.to_string()))?;
        let claimed = claimed_origin(&head)
            .ok_or_else(|| refused("line 1: not the first line of a Pollwatch export".to_owned()))?;
        if claimed == self.log_reader()?.checkpoint().origin {
            return Err(refused(
                "line 1: it is an export of this very workspace, whose findings are here already".to_owned(),
            ));
        }
        let last = self
            .senders()?
            .into_iter()
            .find(|sender| sender.import.origin == claimed);
        let key: VerifierKey = match (key, &last) {
            (Some(key), _) => key
                .trim()
                .parse()
                .map_err(|error| refused(format!("the key that was given: {error}")))?,
            (None, Some(sender)) => sender
                .import
                .key
                .parse()
                .map_err(|error| refused(format!("the sender's recorded key: {error}")))?,
            (None, None) => {
                return Err(refused(format!(
                    "line 1: nobody has vouched for the key of {claimed} yet: ask the sender for it by another way than with the \
                     file (`pollwatch key show` prints it there), and give it with --key"
                )));
            }
        };
        let bound: Option<BTreeSet<TargetId>> = match (speaks_for, &last) {
            (Some(targets), _) => Some(targets.clone()),
            (None, Some(sender)) => sender
                .import
                .speaks_for
                .clone()
                .map(|targets| targets.into_iter().collect()),
            (None, None) => None,
        };
        let known: Option<Checkpoint> = last
            .as_ref()
            .and_then(|sender| sender.import.checkpoint.parse().ok());
        let trust = Trust {
            key: &key,
            speaks_for: bound.as_ref(),
            known: known.as_ref(),
        };
        let mut whole = Cursor::new(head).chain(bytes);
        let export = read_export(&mut whole, &trust).map_err(|refusal| refused(refusal.to_string()))?;
        self.keep_import(export, &key, bound, now)
    }

    fn keep_import(
        &mut self,
        export: Export,
        key: &VerifierKey,
        bound: Option<BTreeSet<TargetId>>,
        now: Timestamp,
    ) -> Result<ImportReport, Error> {
        let before: BTreeMap<FindingId, u64> = self
            .imported()?
            .findings
            .into_iter()
            .filter(|other| other.origin == export.manifest.origin)
            .map(|other| (other.finding.id, other.revision))
            .collect();
        let mut report = ImportReport {
            origin: export.manifest.origin.clone(),
            key: key.to_string(),
            speaks_for: bound.clone().map(|targets| targets.into_iter().collect()),
            findings: export.findings.len() as u64,
            new: 0,
            changed: 0,
            gone: 0,
            sources: export.coverage.len() as u64,
            withheld: export
                .manifest
                .withheld
                .iter()
                .map(|withheld| withheld.findings)
                .sum(),
            unknown: Vec::new(),
        };
        let mut still: BTreeSet<&FindingId> = BTreeSet::new();
        for one in &export.findings {
            still.insert(&one.finding.id);
            match before.get(&one.finding.id) {
                None => report.new += 1,
                Some(revision) if *revision != one.revision => report.changed += 1,
                Some(_) => {}
            }
        }
        report.gone = before.keys().filter(|id| !still.contains(id)).count() as u64;
        let known: BTreeSet<&TargetId> = self.register().targets.iter().map(|target| &target.id).collect();
        let concerned: BTreeSet<&TargetId> = export
            .findings
            .iter()
            .map(|one| &one.finding.target.id)
            .chain(export.coverage.iter().flat_map(|seen| &seen.targets))
            .collect();
        report.unknown = concerned.difference(&known).map(|id| (*id).clone()).collect();

        let rows = rows_of(&export)?;
        let recorded = RecordedImport {
            at: now,
            origin: export.manifest.origin.clone(),
            key: key.to_string(),
            speaks_for: report.speaks_for.clone(),
            checkpoint: export.checkpoint.to_string(),
            lines: export.lines.iter().map(|line| EvidenceId::of(line)).collect(),
        };
        let body = serde_json::to_string(&recorded)?;
        let sealed = seal(Content::Import(Box::new(recorded)), self.nonce()?, now)?;
        let mut pieces: Vec<&[u8]> = export.lines.iter().map(Vec::as_slice).collect();
        pieces.push(&sealed.bytes);
        let evidence = self.put(&pieces)?;
        let record = DeclarationRecord {
            kind: "import".to_owned(),
            body,
            statement: sealed.id,
            evidence,
            leaf: sealed.leaf,
            imported: Some((export.manifest.origin.clone(), rows)),
        };
        self.block_on(self.store().record_declaration(&record))
            .map_err(Error::store("write to"))?;
        self.sequence()?;
        Ok(report)
    }

    /// The offices that sent something, each with its newest file, by the name of their ledger.
    pub fn senders(&self) -> Result<Vec<Sender>, Error> {
        let mut newest: BTreeMap<String, RecordedImport> = BTreeMap::new();
        let mut after = None;
        loop {
            let page = self
                .block_on(
                    self.store()
                        .declarations(Some("import"), after, DECLARATIONS_AT_ONCE),
                )
                .map_err(Error::store("read"))?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for stored in page {
                let import: RecordedImport = serde_json::from_str(&stored.body)?;
                newest.insert(import.origin.clone(), import);
            }
        }
        let mut reader = EvidenceReader::open(&self.dir().join(files::EVIDENCE));
        let mut senders = Vec::with_capacity(newest.len());
        for import in newest.into_values() {
            let manifest = manifest_of(&mut reader, &import)?;
            senders.push(Sender { import, manifest });
        }
        Ok(senders)
    }

    /// What other offices sent, each in its newest file.
    pub(crate) fn imported(&self) -> Result<Imported, Error> {
        let rows = self
            .block_on(self.store().imported())
            .map_err(Error::store("read"))?;
        let mut all = Imported::default();
        let mut decisions: BTreeMap<(String, FindingId), Decision> = BTreeMap::new();
        for (origin, row) in rows {
            match row.kind {
                ImportedKind::Finding => all.findings.push(ImportedFinding {
                    origin,
                    finding: serde_json::from_str(&row.body)?,
                    revision: row.revision.unwrap_or(1),
                    statement: row.statement,
                    entry_index: row.entry_index,
                    decision: None,
                }),
                ImportedKind::Decision => {
                    let decision: Decision = serde_json::from_str(&row.body)?;
                    decisions.insert((origin, decision.finding.clone()), decision);
                }
                ImportedKind::Coverage => {
                    all.coverage.push(Seen {
                        origin: Some(origin),
                        coverage: serde_json::from_str(&row.body)?,
                    });
                }
            }
        }
        for other in &mut all.findings {
            other.decision = decisions.remove(&(other.origin.clone(), other.finding.id.clone()));
        }
        if !all.findings.is_empty() || !all.coverage.is_empty() {
            for sender in self.senders()? {
                all.withheld.extend(withheld_of(&sender.manifest));
            }
        }
        Ok(all)
    }

    /// The findings that other offices sent, by office and in their file's order.
    pub fn imported_findings(&self) -> Result<Vec<ImportedFinding>, Error> {
        Ok(self.imported()?.findings)
    }
}

/// What a file says to be withheld.
pub(crate) fn withheld_of(manifest: &Manifest) -> impl Iterator<Item = Withheld> + '_ {
    manifest.withheld.iter().map(|withheld| Withheld {
        origin: manifest.origin.clone(),
        desk: withheld.desk.clone(),
        target: withheld.target.clone(),
        findings: withheld.findings,
    })
}

/// What a file brings, as the record keeps it.
pub(crate) fn rows_of(export: &Export) -> Result<Vec<ImportedRow>, Error> {
    let mut rows = Vec::with_capacity(export.findings.len() + export.decisions.len() + export.coverage.len());
    for one in &export.findings {
        rows.push(ImportedRow {
            kind: ImportedKind::Finding,
            body: serde_json::to_string(&one.finding)?,
            revision: Some(one.revision),
            statement: Some(one.statement),
            entry_index: Some(one.index),
            declaration: None,
        });
    }
    for one in &export.decisions {
        rows.push(ImportedRow {
            kind: ImportedKind::Decision,
            body: serde_json::to_string(&one.decision)?,
            revision: None,
            statement: Some(one.statement),
            entry_index: Some(one.index),
            declaration: None,
        });
    }
    for seen in &export.coverage {
        rows.push(ImportedRow {
            kind: ImportedKind::Coverage,
            body: serde_json::to_string(seen)?,
            revision: None,
            statement: None,
            entry_index: None,
            declaration: None,
        });
    }
    Ok(rows)
}

/// The file of an import, put together again from its lines; `None` when a line is no longer there.
pub(crate) fn file_of(reader: &mut EvidenceReader, lines: &[EvidenceId]) -> Result<Option<Vec<u8>>, Error> {
    let mut file = Vec::new();
    for line in lines {
        let piece = reader
            .get(&PieceDigest(*line.digest()))
            .map_err(Error::ledger("read the evidence of"))?;
        let Some(piece) = piece else {
            return Ok(None);
        };
        file.extend_from_slice(&piece);
        file.push(b'\n');
    }
    Ok(Some(file))
}

fn manifest_of(reader: &mut EvidenceReader, import: &RecordedImport) -> Result<Manifest, Error> {
    let lost = || Error::Refused {
        file: import.origin.clone(),
        why: "the file that was taken in from this ledger is no longer in the evidence folder".to_owned(),
    };
    let first = import.lines.first().ok_or_else(lost)?;
    let piece = reader
        .get(&PieceDigest(*first.digest()))
        .map_err(Error::ledger("read the evidence of"))?;
    let head: serde_json::Value = serde_json::from_slice(&piece.ok_or_else(lost)?)?;
    let statement = head["manifest"]["statement"].as_str().unwrap_or_default();
    let statement: crate::Statement = serde_json::from_str(statement)?;
    match statement.content {
        Content::Export(manifest) => Ok(*manifest),
        _ => Err(lost()),
    }
}

/// The coverage as another office may read it: about the targets that are sent alone, all of them named.
fn seen_of(mut seen: Coverage, sent: &BTreeSet<&TargetId>) -> Option<Coverage> {
    if seen.targets.is_empty() {
        seen.targets = sent.iter().map(|id| (*id).clone()).collect();
    } else {
        seen.targets.retain(|id| sent.contains(id));
    }
    (!seen.targets.is_empty()).then_some(seen)
}

fn statement_bytes(reader: &mut EvidenceReader, id: &EvidenceId) -> Result<Vec<u8>, Error> {
    let piece = reader
        .get(&PieceDigest(*id.digest()))
        .map_err(Error::ledger("read the evidence of"))?;
    piece.ok_or_else(|| Error::LostStatement(*id))
}

fn proven(log: &LogReader, index: u64, statement: Vec<u8>) -> Result<Proven, Error> {
    let text =
        |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| Error::LostStatement(EvidenceId::of(b"")));
    Ok(Proven {
        index,
        leaf: text(log.entry(index).map_err(Error::ledger("read"))?)?,
        statement: text(statement)?,
        hashes: log
            .inclusion_proof(index)
            .map_err(Error::ledger("prove an entry of"))?,
    })
}

/// The first line with its line feed, bounded.
fn first_line(bytes: &mut dyn BufRead) -> Result<Vec<u8>, Refusal> {
    let mut line = Vec::new();
    let refused = |why: String| Refusal { line: 1, why };
    bytes
        .take(MAX_HEAD_BYTES as u64 + 1)
        .read_until(b'\n', &mut line)
        .map_err(|error| refused(format!("cannot be read: {error}")))?;
    Ok(line)
}

/// The ledger that a first line says to be of; believed for nothing but finding the key that it must be signed by.
fn claimed_origin(line: &[u8]) -> Option<String> {
    let head: serde_json::Value = serde_json::from_slice(line).ok()?;
    let note = SignedNote::parse(head["checkpoint"].as_str()?).ok()?;
    note.text().lines().next().map(str::to_owned)
}
