//! Findings and coverage of invented counties.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses some of them; a test that cannot go on fails"
)]

use jiff::Timestamp;
use pollwatch_casework::tally::{Asked, Basis, Field, Held, Question, Scale, Seen};
use pollwatch_model::{
    Coverage, EvidenceId, Finding, FindingId, Gap, Observed, Polarity, Probability, Severity, Stage,
    TargetId, TargetRef, Tlp,
};

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn id(text: &str) -> TargetId {
    text.parse().unwrap()
}

/// A finding of the intrusion desk.
pub fn actor(target: &str, client: &str, verdict: &str, word: &str, day: &str) -> Finding {
    let (stage, severity) = match verdict {
        "contact" => (Stage::Contacted, Severity::Low),
        "scanned" => (Stage::Probed, Severity::Low),
        "attempted" => (Stage::Attempted, Severity::Medium),
        "breached" => (Stage::Succeeded, Severity::High),
        "exfiltrated" => (Stage::Succeeded, Severity::Critical),
        _ => (Stage::Unknown, Severity::Info),
    };
    let kind = if verdict == "authorised" {
        "authorised-assessment"
    } else {
        "intrusion-actor"
    };
    let details = serde_json::json!({"jurisdiction": target, "clients": [client], "client_count": 1, "confidence_word": word});
    Finding {
        schema: 1,
        id: FindingId::derive("intrusion", kind, &id(target), client),
        desk: "intrusion".to_owned(),
        kind: kind.to_owned(),
        polarity: Polarity::Threat,
        stage: Some(stage),
        target: TargetRef {
            id: id(target),
            name: target.to_owned(),
        },
        subject: client.to_owned(),
        verdict: Some(verdict.to_owned()),
        severity,
        confidence: Probability::rounded(0.9),
        tlp: Tlp::Amber,
        observed: Observed::at(Some(at(&format!("{day}T12:00:00Z")))),
        summary: format!("{client} {verdict} {target}"),
        reasons: vec![],
        alternatives: vec![],
        next: String::new(),
        indicators: vec![],
        techniques: vec![],
        evidence: vec![],
        details: details.as_object().unwrap().clone(),
    }
}

/// A log of `target` over three weeks of September with whole days missing.
pub fn log(target: &str, missing: &[(&str, &str)]) -> Coverage {
    let gaps = missing.iter().map(|(from, to)| Gap {
        from: at(&format!("{from}T00:00:00Z")),
        to: at(&format!("{to}T00:00:00Z")),
        why: "no line where every other week has some".to_owned(),
    });
    Coverage {
        desk: "intrusion".to_owned(),
        source: format!("{target}.log.gz"),
        sha256: Some(EvidenceId::of(target.as_bytes())),
        bytes: 1_000,
        targets: vec![id(target)],
        window: Observed {
            first: Some(at("2026-09-01T00:00:00Z")),
            last: Some(at("2026-09-21T23:59:59Z")),
        },
        gaps: gaps.collect(),
        records_read: 4_000,
        records_unread: 3,
        series: None,
        silent: Vec::new(),
        is_complete: true,
    }
}

/// What the intrusion desk says of a jurisdiction that gave no file.
pub fn no_log(target: &str) -> Coverage {
    let mut none = log(target, &[("2026-09-01", "2026-09-22")]);
    none.source = "(none given)".to_owned();
    none.records_read = 0;
    none.sha256 = None;
    none
}

pub fn question(targets: &[&str]) -> Question {
    Question {
        window: Some("2026-09-01..2026-09-21".parse().unwrap()),
        fields: vec![Field {
            desk: "intrusion".to_owned(),
            title: "Logs of election systems".to_owned(),
            scale: Scale::Verdicts,
            window: None,
        }],
        targets: targets
            .iter()
            .map(|target| Asked {
                id: id(target),
                name: target.to_uppercase(),
                state: "IL".to_owned(),
                assessors: vec![],
            })
            .collect(),
    }
}

pub fn basis(targets: &[&str], findings: &[Finding], coverage: &[Coverage]) -> Basis {
    let held = findings
        .iter()
        .map(|finding| Held::of(finding, None, &[]))
        .collect();
    let seen = coverage
        .iter()
        .map(|coverage| Seen {
            origin: None,
            coverage: coverage.clone(),
        })
        .collect();
    Basis::of(question(targets), held, seen, vec![])
}
