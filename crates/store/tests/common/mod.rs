//! Things that every test of the store makes.
#![allow(dead_code, reason = "each test binary uses some of them")]

use jiff::Timestamp;
use pollwatch_model::{
    Coverage, Decision, EvidenceId, EvidenceRef, Finding, FindingId, Indicator, Observed, Polarity, Position,
    Probability, Reason, Saved, Severity, Stage, TargetRef, Tlp, Verdict,
};
use pollwatch_store::{
    DecisionRecord, DeclarationRecord, EvidenceLocation, ImportedKind, ImportedRow, InputPosition, Revision,
    RunId, RunStart, Step, Store,
};

pub fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A finding of the lookalike desk about `subject`.
pub fn finding(subject: &str) -> Finding {
    let target = TargetRef {
        id: "us-senate".parse().unwrap(),
        name: "United States Senate".to_owned(),
    };
    Finding {
        schema: 1,
        id: FindingId::derive("lookalike", "lookalike-domain", &target.id, subject),
        desk: "lookalike".to_owned(),
        kind: "lookalike-domain".to_owned(),
        polarity: Polarity::Threat,
        stage: Some(Stage::Prepared),
        target,
        subject: subject.to_owned(),
        verdict: None,
        severity: Severity::High,
        confidence: Probability::rounded(0.97),
        tlp: Tlp::Amber,
        observed: Observed::at(Some(time("2018-07-26T10:00:00.123456789Z"))),
        summary: format!("{subject} imitates senate.gov"),
        reasons: vec![Reason {
            code: "brand-plus-lure".to_owned(),
            text: "it has the name in it".to_owned(),
            // Does not survive a reader of JSON that rounds carelessly (serde_json without `float_roundtrip`).
            weight: 31.245_270_191_439_438,
            spans: Vec::new(),
        }],
        alternatives: Vec::new(),
        next: "look at it".to_owned(),
        indicators: vec![Indicator {
            kind: "domain-name".to_owned(),
            value: subject.to_owned(),
        }],
        techniques: vec!["T1583.001".to_owned()],
        evidence: vec![EvidenceRef {
            sha256: EvidenceId::of(subject.as_bytes()),
            media_type: "text/plain".to_owned(),
            locator: "names.txt:1".to_owned(),
        }],
        details: serde_json::Map::new(),
    }
}

/// The finding with an id that fits its parts, after a test has changed them.
pub fn renamed(mut finding: Finding) -> Finding {
    finding.id = FindingId::derive(&finding.desk, &finding.kind, &finding.target.id, &finding.subject);
    finding
}

pub fn located(sha256: EvidenceId) -> EvidenceLocation {
    EvidenceLocation {
        sha256,
        pack: 1,
        offset: 4096,
        length: 100,
    }
}

pub fn revision(finding: &Finding, revision: u64) -> Revision {
    let json = serde_json::to_vec(finding).unwrap();
    let statement = EvidenceId::of(&[json, revision.to_be_bytes().to_vec()].concat());
    Revision {
        finding: finding.clone(),
        revision,
        statement,
        leaf: format!("leaf of {statement}").into_bytes(),
    }
}

pub fn start(id: &str, inputs_key: &str) -> RunStart {
    RunStart {
        id: RunId(id.to_owned()),
        desk: "lookalike".to_owned(),
        started: time("2018-08-01T00:00:00.000000001Z"),
        inputs_key: inputs_key.to_owned(),
        inputs: serde_json::json!([{"name": "names.txt"}]),
    }
}

pub fn position(ordinal: u32, record: u64) -> InputPosition {
    InputPosition {
        ordinal,
        input_name: format!("names-{ordinal}.txt"),
        position: Position {
            offset: record * 10,
            record,
        },
        is_done: false,
        sha256: None,
        bytes: None,
    }
}

pub fn saved(text: &str) -> Saved {
    Saved {
        version: 3,
        bytes: text.as_bytes().to_vec(),
    }
}

pub fn step(run: &str, revisions: Vec<Revision>) -> Step {
    let evidence = revisions.iter().map(|one| located(one.statement)).collect();
    Step {
        revisions,
        evidence,
        ..Step::of(RunId(run.to_owned()))
    }
}

/// Begins run `r` and records `findings` as new ones.
pub async fn record(store: &impl Store, findings: &[Finding]) {
    store.begin_run(&start("r", "k")).await.unwrap();
    let revisions = findings.iter().map(|finding| revision(finding, 1)).collect();
    store.commit_step(step("r", revisions)).await.unwrap();
}

pub fn coverage(source: &str, sha256: Option<EvidenceId>, records_read: u64) -> Coverage {
    Coverage {
        desk: "lookalike".to_owned(),
        source: source.to_owned(),
        sha256,
        bytes: u64::MAX,
        targets: Vec::new(),
        window: Observed::default(),
        gaps: Vec::new(),
        records_read,
        records_unread: 0,
        series: None,
        silent: Vec::new(),
        is_complete: sha256.is_some(),
    }
}

pub fn decision(finding: &Finding, verdict: Verdict, reason: &str) -> DecisionRecord {
    let statement = EvidenceId::of(reason.as_bytes());
    DecisionRecord {
        decision: Decision {
            schema: 1,
            finding: finding.id.clone(),
            verdict,
            reason: reason.to_owned(),
            by: "clerk".to_owned(),
            at: time("2018-08-02T00:00:00Z"),
        },
        statement,
        location: located(statement),
        leaf: reason.as_bytes().to_vec(),
    }
}

pub fn declaration(kind: &str, body: &str) -> DeclarationRecord {
    let statement = EvidenceId::of(format!("{kind} {body}").as_bytes());
    DeclarationRecord {
        kind: kind.to_owned(),
        body: body.to_owned(),
        statement,
        evidence: vec![located(statement)],
        leaf: format!("leaf of {statement}").into_bytes(),
        imported: None,
    }
}

pub fn imported(kind: ImportedKind, body: &str) -> ImportedRow {
    ImportedRow {
        kind,
        body: body.to_owned(),
        revision: Some(1),
        statement: Some(EvidenceId::of(body.as_bytes())),
        entry_index: Some(4),
        declaration: None,
    }
}
