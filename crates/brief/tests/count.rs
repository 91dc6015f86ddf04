//! The count on the page: logs of fifty invented states, or of one state's counties.

#![allow(missing_docs, clippy::unwrap_used)]

mod page;
mod sample;

use std::path::Path;

use page::assert_harmless;
use pollwatch_brief::{BriefFinding, Briefing, render};
use pollwatch_model::register::{Assessor, Target, TargetKind};
use pollwatch_model::{Card, Coverage, EvidenceId, FindingId, Gap, Observed, Register, Severity, Stage, Tlp};

const LOGS: Card = Card {
    name: "intrusion",
    title: "Logs of election systems",
    looks_for: "Scans, attacks and break-ins in logs.",
    unwatched: "Break-ins to election systems go unseen.",
    kinds: &[],
    detectors: &[],
};

const STATES: &str = "AK AL AR AZ CA CO CT DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY OH OK OR PA RI SC SD TN TX UT VA VT WA WI WV WY";

/// Scanned, breached and so on, in the order in which states are dealt out; the rest shows nothing, or gave no logs.
const VERDICTS: [&str; 16] = [
    "",
    "scanned",
    "",
    "contact",
    "",
    "",
    "scanned",
    "",
    "attempted",
    "",
    "scanned",
    "",
    "breached",
    "exfiltrated",
    "",
    "authorised",
];

fn logs_of(target: &Target, number: usize) -> Option<Coverage> {
    let day = |day: usize| format!("2026-09-{day:02}T00:00:00Z").parse().unwrap();
    if number.is_multiple_of(11) {
        return None;
    }
    let gap = (number.is_multiple_of(4)).then(|| Gap {
        from: day(4),
        to: day(4 + number % 9),
        why: "no line in these days".to_owned(),
    });
    Some(Coverage {
        desk: "intrusion".to_owned(),
        source: format!("{}.log", target.state),
        sha256: Some(EvidenceId::of(target.id.as_str().as_bytes())),
        bytes: 1_000_000,
        targets: vec![target.id.clone()],
        window: Observed {
            first: Some(day(1)),
            last: Some("2026-09-21T23:59:59Z".parse().unwrap()),
        },
        gaps: gap.into_iter().collect(),
        records_read: 4_000,
        records_unread: 2,
        series: None,
        silent: Vec::new(),
        is_complete: true,
    })
}

fn actor(target: &Target, verdict: &str) -> BriefFinding {
    let (stage, severity) = match verdict {
        "contact" => (Stage::Contacted, Severity::Low),
        "scanned" => (Stage::Probed, Severity::Low),
        "attempted" => (Stage::Attempted, Severity::Medium),
        "breached" => (Stage::Succeeded, Severity::High),
        "exfiltrated" => (Stage::Succeeded, Severity::Critical),
        _ => (Stage::Unknown, Severity::Info),
    };
    let mut held = sample::finding(sample::Seen {
        subject: "198.51.100.7",
        target: "placeholder",
        imitates: "",
        technique: "scanner",
        severity,
        confidence: 0.9,
        stage,
        spans: &[],
        tlp: Tlp::Green,
    });
    let finding = &mut held.finding;
    finding.desk = "intrusion".to_owned();
    finding.kind = "intrusion-actor".to_owned();
    finding.verdict = Some(verdict.to_owned());
    finding.target.id = target.id.clone();
    finding.target.name = target.name.clone();
    finding.observed = Observed::at(Some("2026-09-14T02:14:03Z".parse().unwrap()));
    finding.summary = format!("198.51.100.7 at {}: {verdict}", target.name);
    finding.id = FindingId::derive("intrusion", "intrusion-actor", &target.id, "198.51.100.7");
    held
}

fn states() -> Register {
    let targets = STATES.split(' ').map(|code| {
        sample::target(
            &format!("{code} election office"),
            TargetKind::Jurisdiction,
            code,
            "x.example",
        )
    });
    Register {
        owner: "National centre".to_owned(),
        targets: targets.collect(),
        allow: vec![],
    }
}

fn briefing(register: &Register) -> Briefing<'_> {
    let mut briefing = Briefing::new(register, "2026-10-01T12:00:00Z".parse().unwrap(), Tlp::Green);
    briefing.window = Some("2026-09-01..2026-09-21".parse().unwrap());
    briefing.desks = vec![&LOGS, &sample::LOOKALIKE];
    for (number, target) in register.targets.iter().enumerate() {
        let verdict = VERDICTS[number % VERDICTS.len()];
        let logs = logs_of(target, number);
        if !verdict.is_empty() && logs.is_some() {
            briefing.findings.push(actor(target, verdict));
        }
        briefing.coverage.extend(logs);
    }
    briefing
}

fn section(page: &str) -> &str {
    let (_, rest) = page.split_once("<section aria-labelledby=\"tally\">").unwrap();
    rest.split_once("</section>").unwrap().0
}

fn write(name: &str, page: &str) {
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), page).unwrap();
}

#[test]
fn fifty_states_on_a_map_with_their_table() {
    let register = states();
    let page = render(&briefing(&register));
    write("brief-states.html", &page);
    assert_harmless(&page);
    let section = section(&page);
    assert_eq!(section.matches("<title>").count(), 56, "a tile for each place");
    insta::assert_snapshot!(section.replace("><", ">\n<"));
}

#[test]
fn the_counties_of_one_state_are_a_list() {
    let mut register = states();
    for target in &mut register.targets {
        target.name = target.name.replace("election office", "County");
        target.state = "IL".to_owned();
    }
    let page = render(&briefing(&register));
    write("brief-counties.html", &page);
    assert_harmless(&page);
    let section = section(&page);
    assert!(!section.contains("map-figure") && section.contains("AL County"));
}

#[test]
fn a_state_shows_no_sign_only_where_every_target_was_looked_at() {
    let mut register = states();
    register.targets.truncate(3);
    for (target, state) in register.targets.iter_mut().zip(["OH", "OH", "IL"]) {
        target.state = state.to_owned();
    }
    let mut briefing = briefing(&register);
    briefing.findings.clear();
    briefing
        .coverage
        .retain(|seen| seen.targets[0] != register.targets[0].id);
    let page = render(&briefing);
    assert!(
        page.contains("Ohio: no sign at some targets, no data of 1 of 2"),
        "{}",
        section(&page)
    );
    assert!(page.contains("Illinois: no sign in what was looked at"));
}

#[test]
fn declared_assessors_are_no_alarm_even_where_the_desk_was_not_told() {
    let mut register = states();
    register.targets.truncate(2);
    register.targets[1].assessors = vec![Assessor {
        name: "State team".to_owned(),
        addresses: vec!["198.51.100.0/24".to_owned()],
        from: None,
        to: None,
    }];
    let mut briefing = briefing(&register);
    let mut test = actor(&register.targets[1], "exfiltrated");
    test.finding
        .details
        .insert("clients".to_owned(), serde_json::json!(["198.51.100.7"]));
    briefing.findings = vec![test];
    let page = render(&briefing);
    assert!(
        page.contains("None of the 4,000 records read from 1 source led to a finding at alarm severity"),
        "{page}"
    );
    assert!(page.contains("1 finding about the work of declared assessors is counted nowhere on this page."));
    assert!(page.contains("no sign; authorised test"));
    assert!(page.contains("authorised tests, not counted: 1."));
}
