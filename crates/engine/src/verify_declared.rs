//! Checks recorded tallies, exports and imports: that a tally counts what the ledger held when it was recorded, that an import
//! is what its sender signed, and that the database says the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pollwatch_casework::tally::{Basis, Held, Seen, Withheld};
use pollwatch_casework::transfer::{Export, Trust, read_export};
use pollwatch_ledger::checkpoint::Checkpoint;
use pollwatch_ledger::evidence::{EvidenceReader, PieceDigest};
use pollwatch_model::register::Assessor;
use pollwatch_model::{Decision, EvidenceId, Finding, FindingId, TargetId, Verdict};
use pollwatch_store::{ImportedRow, SqliteStore, Store};

use crate::Error;
use crate::statement::{Content, RecordedImport, RecordedTally, Statement};
use crate::tally::tally_id;
use crate::transfer::{ImportedFinding, file_of, rows_of, withheld_of};
use crate::verify::{Leaves, VerifyReport};
use crate::workspace::files;

/// Declarations that are read from the database at once.
const DECLARATIONS_AT_ONCE: u32 = 1_000;

/// What the ledger declares: by the statement's address.
pub(crate) type Declared = BTreeMap<EvidenceId, Content>;

/// What the ledger held at some moment.
#[derive(Default)]
struct HeldThen {
    findings: BTreeMap<FindingId, (u64, EvidenceId, Finding)>,
    decisions: BTreeMap<FindingId, Decision>,
    imports: BTreeMap<String, Export>,
}

/// Goes through the ledger once, in order, and checks every tally and import where it stands. Gives the newest file of each
/// sender.
pub(crate) fn check_declared(
    dir: &Path,
    leaves: &Leaves,
    declared: &Declared,
    report: &mut VerifyReport,
) -> Result<BTreeMap<String, Export>, Error> {
    let has = |wanted: fn(&Content) -> bool| declared.values().any(wanted);
    let has_tally = has(|content| matches!(content, Content::Tally(_)));
    let mut then = HeldThen::default();
    if !has_tally && !has(|content| matches!(content, Content::Import(_))) {
        return Ok(then.imports);
    }
    let mut in_order: Vec<(u64, EvidenceId)> = leaves.iter().map(|(id, index)| (*index, *id)).collect();
    in_order.sort_unstable();
    let mut reader = EvidenceReader::open(&dir.join(files::EVIDENCE));
    for (index, id) in in_order {
        match declared.get(&id) {
            Some(Content::Import(import)) => check_import(index, import, &mut reader, &mut then, report)?,
            Some(Content::Tally(recorded)) => {
                check_tally(&tally_id(&id), recorded, &mut reader, &then, report)?
            }
            Some(_) => {}
            // Findings and decisions are only needed for tallies.
            None if has_tally => take_in(&id, &mut reader, &mut then)?,
            None => {}
        }
    }
    Ok(then.imports)
}

/// Takes in what a later tally may rest on.
fn take_in(id: &EvidenceId, reader: &mut EvidenceReader, then: &mut HeldThen) -> Result<(), Error> {
    // One that is missing or no statement was told of before.
    let Some(bytes) = piece(reader, id)? else {
        return Ok(());
    };
    match serde_json::from_slice::<Statement>(&bytes).map(|statement| statement.content) {
        Ok(Content::Finding { revision, finding }) => {
            let last = then.findings.get(&finding.id).map_or(0, |(last, _, _)| *last);
            if revision > last {
                then.findings
                    .insert(finding.id.clone(), (revision, *id, bare(*finding)));
            }
        }
        Ok(Content::Decision(decision)) if decision.verdict != Verdict::Note => {
            then.decisions.insert(decision.finding.clone(), decision);
        }
        _ => {}
    }
    Ok(())
}

fn piece(reader: &mut EvidenceReader, id: &EvidenceId) -> Result<Option<Vec<u8>>, Error> {
    reader
        .get(&PieceDigest(*id.digest()))
        .map_err(Error::ledger("read the evidence of"))
}

/// A finding without what no count looks at, so that a large ledger fits in memory.
fn bare(mut finding: Finding) -> Finding {
    finding.reasons = Vec::new();
    finding.alternatives = Vec::new();
    finding.indicators = Vec::new();
    finding.techniques = Vec::new();
    finding.evidence = Vec::new();
    finding.summary = String::new();
    finding.next = String::new();
    finding
        .details
        .retain(|key, _| matches!(key.as_str(), "clients" | "client_count" | "confidence_word"));
    finding
}

fn check_import(
    index: u64,
    import: &RecordedImport,
    reader: &mut EvidenceReader,
    then: &mut HeldThen,
    report: &mut VerifyReport,
) -> Result<(), Error> {
    report.imports += 1;
    let what = format!("the file from {} that entry {index} took in", import.origin);
    let Some(file) = file_of(reader, &import.lines)? else {
        report.fault(
            format!("{what} is not in the evidence folder"),
            "Files of the evidence folder were taken away. What that office sent can no longer be shown.",
        );
        return Ok(());
    };
    let Ok(key) = import.key.parse() else {
        report.fault(
            format!("{what} names no key that can be read"),
            "The entry was added by other means.",
        );
        return Ok(());
    };
    let speaks_for: Option<BTreeSet<TargetId>> = import
        .speaks_for
        .clone()
        .map(|targets| targets.into_iter().collect());
    let known: Option<&Checkpoint> = then.imports.get(&import.origin).map(|before| &before.checkpoint);
    let trust = Trust {
        key: &key,
        speaks_for: speaks_for.as_ref(),
        known,
    };
    match read_export(&mut file.as_slice(), &trust) {
        Ok(export)
            if export.manifest.origin == import.origin
                && export.checkpoint.to_string() == import.checkpoint =>
        {
            then.imports.insert(import.origin.clone(), export);
        }
        Ok(_) => report.fault(
            format!("{what} is of another ledger or checkpoint"),
            "The entry was added by other means.",
        ),
        Err(refusal) => report.fault(
            format!("{what}: {refusal}"),
            "It would be refused today: the entry was added by other means.",
        ),
    }
    Ok(())
}

fn check_tally(
    name: &str,
    recorded: &RecordedTally,
    reader: &mut EvidenceReader,
    then: &HeldThen,
    report: &mut VerifyReport,
) -> Result<(), Error> {
    report.tallies += 1;
    let Some(bytes) = piece(reader, &recorded.basis)? else {
        report.fault(
            format!(
                "what tally {name} rests on is not in the evidence folder ({})",
                recorded.basis
            ),
            "Files of the evidence folder were taken away. The count can no longer be made again.",
        );
        return Ok(());
    };
    let Ok(basis) = serde_json::from_slice::<Basis>(&bytes) else {
        report.fault(
            format!("what tally {name} rests on cannot be read"),
            "It was recorded by other means.",
        );
        return Ok(());
    };
    let counted = basis.tally();
    let sentences: Vec<String> = counted.fields.iter().map(|field| field.sentence()).collect();
    if counted != recorded.tally || sentences != recorded.sentences {
        report.fault(
            format!("tally {name} does not say what its own basis comes to"),
            "The figures were not counted from what they are said to rest on. Do not believe them.",
        );
    }
    let expected = expected(&basis, then);
    let difference = difference(&expected.findings, &basis.findings);
    if let Some(what) = difference {
        report.fault(
            format!("tally {name} {what}"),
            "The count does not rest on all that the ledger held when it was recorded, or on more. Do not believe it.",
        );
    } else if expected.withheld != basis.withheld {
        report.fault(
            format!("tally {name} has another number of withheld findings than the files that it rests on"),
            "The count does not rest on what other offices sent. Do not believe it.",
        );
    }
    let others = |basis: &Basis| -> Vec<Seen> {
        basis
            .coverage
            .iter()
            .filter(|seen| seen.origin.is_some())
            .cloned()
            .collect()
    };
    if others(&expected) != others(&basis) {
        report.fault(
            format!("tally {name} rests on other coverage than other offices sent"),
            "The shares of the window may be wrong. Do not believe them.",
        );
    }
    Ok(())
}

/// The basis that the same question would have had, as far as the ledger shows it: our own coverage is in no entry.
fn expected(basis: &Basis, then: &HeldThen) -> Basis {
    let question = &basis.question;
    let assessors = |id: &TargetId| -> &[Assessor] {
        question
            .targets
            .iter()
            .find(|asked| asked.id == *id)
            .map_or(&[], |asked| asked.assessors.as_slice())
    };
    let mut findings = Vec::new();
    for (id, (revision, statement, finding)) in &then.findings {
        let mut held = Held::of(finding, then.decisions.get(id), assessors(&finding.target.id));
        held.revision = *revision;
        held.statement = Some(*statement);
        findings.push(held);
    }
    let mut coverage = Vec::new();
    let mut withheld: Vec<Withheld> = Vec::new();
    for (origin, export) in &then.imports {
        for one in &export.findings {
            let decision = export
                .decisions
                .iter()
                .rev()
                .find(|decided| decided.decision.finding == one.finding.id);
            let other = ImportedFinding {
                origin: origin.clone(),
                finding: one.finding.clone(),
                revision: one.revision,
                statement: Some(one.statement),
                entry_index: Some(one.index),
                decision: decision.map(|decided| decided.decision.clone()),
            };
            findings.push(other.held(assessors(&one.finding.target.id)));
        }
        coverage.extend(export.coverage.iter().map(|seen| Seen {
            origin: Some(origin.clone()),
            coverage: seen.clone(),
        }));
        withheld.extend(withheld_of(&export.manifest));
    }
    Basis::of(question.clone(), findings, coverage, withheld)
}

/// The first difference between what should be counted and what is.
fn difference(expected: &[Held], found: &[Held]) -> Option<String> {
    let keyed = |held: &[Held]| -> BTreeMap<(Option<String>, FindingId), Held> {
        held.iter()
            .map(|one| ((one.origin.clone(), one.id.clone()), one.clone()))
            .collect()
    };
    let (expected, found) = (keyed(expected), keyed(found));
    for (key, held) in &expected {
        match found.get(key) {
            None => return Some(format!("leaves out finding {}, which the ledger held", held.id)),
            Some(other) if other != held => {
                return Some(format!(
                    "takes finding {} otherwise than the ledger held it",
                    held.id
                ));
            }
            Some(_) => {}
        }
    }
    let more = found.keys().find(|key| !expected.contains_key(*key));
    more.map(|(_, id)| format!("counts finding {id}, which the ledger did not hold"))
}

/// Compares the database's declarations, and what imports brought, with the ledger's.
pub(crate) async fn check_rows(
    store: &SqliteStore,
    declared: &Declared,
    imports: &BTreeMap<String, Export>,
    report: &mut VerifyReport,
) -> Result<(), Error> {
    let mut signed = 0usize;
    let mut pending = false;
    let mut after = None;
    loop {
        let page = store
            .declarations(None, after, DECLARATIONS_AT_ONCE)
            .await
            .map_err(Error::store("read"))?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for row in page {
            let said = declared.get(&row.statement).and_then(body_of);
            let found: Option<serde_json::Value> = serde_json::from_str(&row.body).ok();
            match said {
                Some((kind, said)) if kind == row.kind && Some(&said) == found.as_ref() => signed += 1,
                None if row.ledger_index.is_none() => pending = true,
                _ => report.fault(
                    format!(
                        "a recorded {} in the database is not what the ledger signed",
                        row.kind
                    ),
                    "The database was edited. Believe the ledger.",
                ),
            }
        }
    }
    if signed < declared.len() {
        report.fault(
            format!(
                "the database has {signed} of the {} tallies, exports and imports that the ledger signed",
                declared.len()
            ),
            "They were taken out of the database, or it was put back from another time.",
        );
    }
    // An import that waits for its signature has replaced the rows of the one before it.
    if pending {
        return Ok(());
    }
    let mut found: BTreeMap<String, Vec<ImportedRow>> = BTreeMap::new();
    for (origin, mut row) in store.imported().await.map_err(Error::store("read"))? {
        row.declaration = None;
        found.entry(origin).or_default().push(row);
    }
    let mut expected: BTreeMap<String, Vec<ImportedRow>> = BTreeMap::new();
    for (origin, export) in imports {
        let rows = rows_of(export)?;
        if !rows.is_empty() {
            expected.insert(origin.clone(), rows);
        }
    }
    let origins: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
    for origin in origins {
        if found.get(origin) != expected.get(origin) {
            report.fault(
                format!("what the database has from {origin} is not what that office sent"),
                "The database was edited: tallies made from it cannot be believed.",
            );
        }
    }
    Ok(())
}

/// A declaration's word and content, as the database keeps them.
fn body_of(content: &Content) -> Option<(&'static str, serde_json::Value)> {
    let body = match content {
        Content::Tally(tally) => ("tally", serde_json::to_value(tally)),
        Content::Export(manifest) => ("export", serde_json::to_value(manifest)),
        Content::Import(import) => ("import", serde_json::to_value(import)),
        _ => return None,
    };
    Some((body.0, body.1.ok()?))
}
