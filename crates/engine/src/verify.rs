//! Checks a workspace offline: signature, tree, statements, record and evidence.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pollwatch_casework::transfer::Export;
use pollwatch_ledger::evidence::{EvidenceReader, PieceDigest, verify_packs};
use pollwatch_ledger::note::VerifierKey;
use pollwatch_ledger::reader::read_key_history;
use pollwatch_ledger::verify::{VerifyError, verify_log};
use pollwatch_model::{Decision, EvidenceId, Finding, FindingId, Verdict};
use pollwatch_store::{SqliteStore, Store};

use crate::Error;
use crate::record::is_key_entry;
use crate::statement::{Content, DeskEvent, Leaf, Statement};
use crate::verify_declared::{Declared, check_declared, check_rows};
use crate::workspace::{files, runtime};

/// Faults that are listed; the first one tells most, and a rewritten ledger has thousands.
const MAX_FAULTS: usize = 20;

/// Pending entries that are counted at most.
const MAX_PENDING_COUNTED: u32 = 1_000_000;
/// Findings that are read from the database at once.
const RECORDS_AT_ONCE: u32 = 1_000;

/// What a check came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Name of the ledger.
    pub origin: String,
    /// The key that was trusted.
    pub key: String,
    /// Entries of the ledger.
    pub entries: u64,
    /// Findings, each in its last revision.
    pub findings: u64,
    /// Decisions.
    pub decisions: u64,
    /// Events of desks that keep a log of them, such as an audit's.
    pub events: u64,
    /// Recorded tallies, each counted again.
    pub tallies: u64,
    /// Files of other offices that were taken in, each checked again.
    pub imports: u64,
    /// Pieces of evidence and statements.
    pub evidence: u64,
    /// Entries that are recorded and not yet signed.
    pub pending: u64,
    /// What does not follow, first things first.
    pub faults: Vec<Fault>,
}

/// Something that does not follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What was found, and where.
    pub what: String,
    /// What it means.
    pub meaning: String,
}

impl VerifyReport {
    pub(crate) fn fault(&mut self, what: impl Into<String>, meaning: &str) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault {
                what: what.into(),
                meaning: meaning.to_owned(),
            });
        }
    }
}

/// Checks the workspace in `dir`.
///
/// `key` is the verifier key to trust; `None` takes the first key that the ledger itself lists, which shows that it is one
/// ledger and not whose. `older` is the text of an earlier checkpoint of it. Errors: what keeps the check from being made at
/// all; what does not follow is a fault of the report.
pub fn verify(dir: &Path, key: Option<&str>, older: Option<&str>) -> Result<VerifyReport, Error> {
    if !dir.join(files::LEDGER).is_dir() {
        return Err(Error::NoWorkspace(dir.to_path_buf()));
    }
    // Ledger and database are read one after the other: what is recorded in between would look like an edit.
    let held = std::fs::File::open(dir.join(files::LOCK)).ok();
    if let Some(file) = &held
        && matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock))
    {
        return Err(Error::Locked(dir.to_path_buf()));
    }
    let mut report = VerifyReport::default();
    let Some(key) = trusted_key(dir, key, &mut report)? else {
        return Ok(report);
    };
    report.key = key.to_string();
    report.origin = key.name().to_owned();
    let leaves = check_ledger(dir, &key, older, &mut report);
    let statements = check_evidence(dir, &leaves, &mut report)?;
    if let Some(statements) = statements {
        let imports = check_declared(dir, &leaves, &statements.declared, &mut report)?;
        check_record(dir, &statements, &imports, &mut report)?;
    }
    Ok(report)
}

fn trusted_key(
    dir: &Path,
    key: Option<&str>,
    report: &mut VerifyReport,
) -> Result<Option<VerifierKey>, Error> {
    if let Some(key) = key {
        return match key.parse() {
            Ok(key) => Ok(Some(key)),
            Err(error) => {
                report.fault(
                    format!("{key:?} is not a verifier key: {error}"),
                    "Copy the key whole, from its name on.",
                );
                Ok(None)
            }
        };
    }
    match read_key_history(&dir.join(files::LEDGER)) {
        Ok(Some(keys)) => Ok(keys.verifiers().into_iter().next()),
        Ok(None) => {
            report.fault(
                "the ledger lists no key",
                "Name the key that you trust with --key.",
            );
            Ok(None)
        }
        Err(error) => {
            report.fault(
                format!("the ledger's list of keys: {}", error_chain(&error)),
                "Name the key that you trust with --key.",
            );
            Ok(None)
        }
    }
}

/// The leaves of the ledger, by the statement that they commit to, with their index.
pub(crate) type Leaves = BTreeMap<EvidenceId, u64>;

fn check_ledger(dir: &Path, key: &VerifierKey, older: Option<&str>, report: &mut VerifyReport) -> Leaves {
    let mut leaves = Leaves::new();
    let mut odd: Option<u64> = None;
    let verified = verify_log(
        &dir.join(files::LEDGER),
        std::slice::from_ref(key),
        older,
        |index, entry| {
            if is_key_entry(entry) {
                return Ok(());
            }
            match serde_json::from_slice::<Leaf>(entry) {
                Ok(leaf) => {
                    leaves.insert(leaf.sha256, index);
                }
                Err(_) => odd = odd.or(Some(index)),
            }
            Ok(())
        },
    );
    match verified {
        Ok(verified) => report.entries = verified.checkpoint.size,
        Err(error) => report.fault(error_chain(&error), meaning_of(&error)),
    }
    if let Some(index) = odd {
        report.fault(
            format!("entry {index} of the ledger is none that Pollwatch writes"),
            "Somebody with the key added it by other means, or it was damaged.",
        );
    }
    leaves
}

fn meaning_of(error: &VerifyError) -> &'static str {
    if matches!(error, VerifyError::Older(_) | VerifyError::Inconsistent { .. }) {
        "The ledger was cut, rewritten and signed again since that checkpoint, or the checkpoint is of another ledger. What it \
         said then and says now cannot both be true."
    } else {
        "Files of the ledger were changed, damaged or put back from another time."
    }
}

/// The last revision of each finding by its statement, and the decisions, as the evidence folder has them.
#[derive(Default)]
struct Statements {
    findings: BTreeMap<FindingId, (u64, Finding)>,
    decisions: BTreeMap<EvidenceId, Decision>,
    events: BTreeMap<EvidenceId, DeskEvent>,
    declared: Declared,
}

/// Checks every piece of evidence, and that every leaf's statement is there and is one.
fn check_evidence(
    dir: &Path,
    leaves: &Leaves,
    report: &mut VerifyReport,
) -> Result<Option<Statements>, Error> {
    let folder = dir.join(files::EVIDENCE);
    let mut present: BTreeSet<EvidenceId> = BTreeSet::new();
    let checked = verify_packs(&folder, |digest, _| {
        present.insert(EvidenceId::from_digest(digest.0));
    });
    if let Err(error) = checked {
        report.fault(
            error_chain(&error),
            "Evidence was changed or damaged after it was recorded. What rests on that piece can no longer be shown.",
        );
        return Ok(None);
    }
    report.evidence = present.len() as u64;

    let mut statements = Statements::default();
    let mut reader = EvidenceReader::open(&folder);
    for (id, index) in leaves {
        let bytes = reader
            .get(&PieceDigest(*id.digest()))
            .map_err(Error::ledger("read the evidence of"))?;
        let Some(bytes) = bytes else {
            report.fault(
                format!("entry {index} of the ledger speaks of a statement that is not in the evidence folder ({id})"),
                "Files of the evidence folder were taken away. The ledger shows that something was recorded, not what.",
            );
            continue;
        };
        match serde_json::from_slice::<Statement>(&bytes).map(|statement| statement.content) {
            Ok(Content::Finding { revision, finding }) => {
                for piece in finding
                    .evidence
                    .iter()
                    .filter(|piece| !present.contains(&piece.sha256))
                {
                    report.fault(
                        format!(
                            "finding {} rests on evidence that is not in the evidence folder ({})",
                            finding.id, piece.sha256
                        ),
                        "Files of the evidence folder were taken away.",
                    );
                }
                let last = statements.findings.get(&finding.id).map_or(0, |(last, _)| *last);
                if revision > last {
                    statements
                        .findings
                        .insert(finding.id.clone(), (revision, *finding));
                }
            }
            Ok(Content::Decision(decision)) => {
                statements.decisions.insert(*id, decision);
            }
            Ok(Content::Event(event)) => {
                statements.events.insert(*id, event);
            }
            Ok(content @ (Content::Tally(_) | Content::Export(_) | Content::Import(_))) => {
                statements.declared.insert(*id, content);
            }
            Err(_) => report.fault(
                format!("the statement {id} of entry {index} is none that Pollwatch writes"),
                "It was added by other means.",
            ),
        }
    }
    report.findings = statements.findings.len() as u64;
    report.decisions = statements.decisions.len() as u64;
    report.events = statements.events.len() as u64;
    Ok(Some(statements))
}

/// Checks that the database says what the ledger's statements say.
fn check_record(
    dir: &Path,
    statements: &Statements,
    imports: &BTreeMap<String, Export>,
    report: &mut VerifyReport,
) -> Result<(), Error> {
    let path = dir.join(files::RECORD);
    if !path.is_file() {
        report.fault(
            "the database record.db is missing",
            "The ledger and the evidence still say what was found; restore the database from a backup.",
        );
        return Ok(());
    }
    let runtime = runtime()?;
    runtime.block_on(async {
        let store = SqliteStore::open(&path, pollwatch_store::Mode::ReadOnly)
            .await
            .map_err(Error::store("open"))?;
        report.pending = store
            .pending_leaves(MAX_PENDING_COUNTED)
            .await
            .map_err(Error::store("read"))?
            .len() as u64;
        let stands = check_decisions(&store, statements, report).await?;
        check_events(&store, statements, report).await?;
        check_rows(&store, &statements.declared, imports, report).await?;
        let mut signed = 0u64;
        let mut after: Option<FindingId> = None;
        loop {
            let records = store
                .current_statements(after.as_ref(), RECORDS_AT_ONCE)
                .await
                .map_err(Error::store("read"))?;
            let Some(last) = records.last() else { break };
            after = Some(last.finding.clone());
            for record in records {
                let decided = stands.get(&record.finding).copied();
                let told = record.verdict.as_deref().filter(|word| *word != "note");
                if !record.columns_agree || told != decided.map(verdict_word) {
                    report.fault(
                        format!(
                            "the database lists finding {} under another severity, target or decision than it has",
                            record.finding
                        ),
                        "The database was edited: lists and tallies made from it cannot be believed.",
                    );
                }
                let said = statements.findings.get(&record.finding);
                // A revision newer than any that the ledger has waits for its signature: it is in the database alone.
                let is_newer = said.is_none_or(|(last, _)| record.revision > *last);
                if record.ledger_index.is_none() && record.statement.is_some() && is_newer {
                    signed += u64::from(said.is_some());
                    continue;
                }
                signed += 1;
                let stored: Option<Finding> = serde_json::from_str(&record.json).ok();
                if said.map(|(_, finding)| finding) != stored.as_ref() || stored.is_none() {
                    report.fault(
                        format!(
                            "finding {} in the database is not what the ledger signed",
                            record.finding
                        ),
                        "The database was edited or put back from another time. Believe the ledger.",
                    );
                } else if said.is_some_and(|(revision, _)| *revision != record.revision) {
                    report.fault(
                        format!(
                            "the database has another revision of finding {} than the ledger",
                            record.finding
                        ),
                        "The database was put back from another time. Believe the ledger.",
                    );
                }
            }
        }
        if signed < statements.findings.len() as u64 {
            report.fault(
                format!(
                    "the database has {signed} of the {} findings that the ledger signed",
                    statements.findings.len()
                ),
                "Findings were taken out of the database, or it was put back from another time.",
            );
        }
        store.close().await;
        Ok(())
    })
}

/// Compares the database's decisions with the ledger's; gives the decision that stands on each finding, remarks left out.
async fn check_decisions(
    store: &SqliteStore,
    statements: &Statements,
    report: &mut VerifyReport,
) -> Result<BTreeMap<FindingId, Verdict>, Error> {
    let mut stands = BTreeMap::new();
    let mut signed = 0;
    let mut after = None;
    loop {
        let records = match store.all_decisions(after, RECORDS_AT_ONCE).await {
            Err(error @ pollwatch_store::Error::Row { .. }) => {
                report.fault(
                    error_chain(&error),
                    "The database was edited or damaged. Believe the ledger.",
                );
                break;
            }
            other => other.map_err(Error::store("read"))?,
        };
        let Some(last) = records.last() else { break };
        after = Some(last.id);
        for record in records {
            match statements.decisions.get(&record.statement) {
                Some(said) if *said == record.decision => signed += 1,
                // It waits for its signature.
                None if record.ledger_index.is_none() => {}
                _ => report.fault(
                    format!(
                        "a decision on finding {} in the database is not what the ledger signed",
                        record.decision.finding
                    ),
                    "The database was edited. Believe the ledger.",
                ),
            }
            if record.decision.verdict != Verdict::Note {
                stands.insert(record.decision.finding, record.decision.verdict);
            }
        }
    }
    if signed < statements.decisions.len() {
        report.fault(
            format!(
                "the database has {signed} of the {} decisions that the ledger signed",
                statements.decisions.len()
            ),
            "Decisions were taken out of the database, or it was put back from another time.",
        );
    }
    Ok(stands)
}

/// Compares the database's streams of events with the ledger's.
async fn check_events(
    store: &SqliteStore,
    statements: &Statements,
    report: &mut VerifyReport,
) -> Result<(), Error> {
    let mut signed = 0;
    for stream in store.event_streams().await.map_err(Error::store("read"))? {
        let mut seen = 0;
        let mut previous = None;
        loop {
            let page = store
                .events(&stream.desk, &stream.stream, seen, RECORDS_AT_ONCE)
                .await
                .map_err(Error::store("read"))?;
            let is_last = page.len() < RECORDS_AT_ONCE as usize;
            for stored in page {
                let said = statements.events.get(&stored.statement);
                let agrees = said.is_some_and(|said| {
                    said.desk == stream.desk
                        && said.stream == stream.stream
                        && said.seq == stored.seq
                        && said.previous == previous
                        && serde_json::from_str(&stored.json)
                            .is_ok_and(|event: serde_json::Value| event == said.event)
                });
                // It waits for its signature.
                let waits = said.is_none() && stored.ledger_index.is_none();
                signed += usize::from(agrees);
                if !agrees && !waits || stored.seq != seen {
                    report.fault(
                        format!(
                            "event {seen} of the {} {} in the database is not what the ledger signed",
                            stream.desk, stream.stream
                        ),
                        "The database was edited. Believe the ledger.",
                    );
                }
                previous = Some(stored.statement);
                seen = stored.seq + 1;
            }
            if is_last {
                break;
            }
        }
    }
    if signed < statements.events.len() {
        report.fault(
            format!(
                "the database has {signed} of the {} events that the ledger signed",
                statements.events.len()
            ),
            "Events were taken out of the database, or it was put back from another time.",
        );
    }
    Ok(())
}

/// The word by which the database lists a decision.
fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Confirmed => "confirmed",
        Verdict::Dismissed => "dismissed",
        Verdict::Note => "note",
    }
}

fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
