//! What the count says, and what it must never say.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{actor, at, basis, id, log, no_log, question};
use pollwatch_casework::tally::{
    Asked, Basis, Cause, Field, Held, Level, Place, Question, Scale, Seen, Tally, Withheld, changes, percent,
};
use pollwatch_model::register::Assessor;
use pollwatch_model::{Coverage, Decision, Finding, Observed, Severity, Stage, Verdict};
use proptest::prelude::*;

const COUNTIES: [&str; 9] = [
    "adams", "bond", "clark", "dupage", "edgar", "fulton", "greene", "hardin", "iroquois",
];

/// Scanned, breached twice over, contact, authorised, and five kinds of quiet.
fn september() -> (Vec<Finding>, Vec<Coverage>) {
    let findings = vec![
        actor("adams", "198.51.100.7", "scanned", "high", "2026-09-03"),
        actor("bond", "198.51.100.7", "scanned", "high", "2026-09-03"),
        actor("bond", "203.0.113.9", "breached", "low", "2026-09-14"),
        actor("clark", "198.51.100.7", "contact", "high", "2026-09-04"),
        actor("dupage", "192.0.2.250", "authorised", "high", "2026-09-08"),
        actor("edgar", "203.0.113.1", "attempted", "medium", "2026-08-30"),
    ];
    let coverage = vec![
        log("adams", &[]),
        log("bond", &[("2026-09-05", "2026-09-14")]),
        log("clark", &[]),
        log("dupage", &[]),
        log("edgar", &[("2026-09-04", "2026-09-08")]),
        log("fulton", &[("2026-09-01", "2026-09-15")]),
        no_log("greene"),
    ];
    (findings, coverage)
}

fn told(tally: &Tally) -> String {
    let mut text = String::new();
    for field in &tally.fields {
        text += &format!("{}\n", field.sentence());
        for row in &field.rows {
            let covered = &row.covered;
            let missing: Vec<String> = covered
                .missing
                .iter()
                .map(|range| format!("{}..{}", range.first, range.last))
                .collect();
            let cut: Vec<String> = covered
                .cut
                .iter()
                .map(|cut| format!("{} {} min", cut.day, cut.minutes))
                .collect();
            text += &format!(
                "{:<9} {:?} {:?} {:?} findings {} authorised {} share {} missing {missing:?} cut {cut:?}\n",
                row.target,
                row.place,
                row.level,
                row.confidence,
                row.findings.len(),
                row.authorised.len(),
                covered.permille.map_or("-".to_owned(), percent),
            );
        }
    }
    text
}

#[test]
fn the_count_of_september() {
    let (findings, coverage) = september();
    insta::assert_snapshot!(told(&basis(&COUNTIES, &findings, &coverage).tally()));
}

#[test]
fn the_json_opens_every_number_onto_findings_and_sources() {
    let (findings, coverage) = september();
    insta::assert_json_snapshot!(basis(&["bond", "dupage", "greene"], &findings, &coverage).tally());
}

#[test]
fn an_attack_of_low_confidence_does_not_lower_a_scan_that_is_sure() {
    let (findings, coverage) = september();
    let tally = basis(&COUNTIES, &findings, &coverage).tally();
    let field = &tally.fields[0];
    assert_eq!(
        field.from(Level::Scanned).high,
        2,
        "adams and bond were scanned for sure"
    );
    assert_eq!(
        (field.at(Level::Breached).low, field.at(Level::Scanned).total),
        (1, 1)
    );
}

#[test]
fn missing_days_are_named() {
    let mut late = log("adams", &[]);
    late.window.first = Some(at("2026-09-02T05:30:00Z"));
    late.window.last = Some(at("2026-09-19T23:20:10Z"));
    let tally = basis(&["adams"], &[], &[late]).tally();
    let covered = &tally.fields[0].rows[0].covered;
    let missing: Vec<(String, String)> = covered
        .missing
        .iter()
        .map(|range| (range.first.to_string(), range.last.to_string()))
        .collect();
    let day = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(
        missing,
        [day("2026-09-01", "2026-09-01"), day("2026-09-20", "2026-09-21")]
    );
    // 39 minutes before midnight are less than the hour that gaps are judged by.
    let cut: Vec<(String, u32)> = covered
        .cut
        .iter()
        .map(|cut| (cut.day.to_string(), cut.minutes))
        .collect();
    assert_eq!(cut, [("2026-09-02".to_owned(), 330)]);
}

#[test]
fn rotated_files_cover_together_what_each_covers() {
    let mut first = log("adams", &[]);
    first.window.last = Some(at("2026-09-10T23:59:59Z"));
    let mut second = log("adams", &[]);
    second.source = "adams.log.1".to_owned();
    second.window.first = Some(at("2026-09-11T00:00:00Z"));
    let one = basis(&["adams"], &[], std::slice::from_ref(&first)).tally();
    assert_eq!(one.fields[0].rows[0].covered.permille, Some(476));
    let both = basis(&["adams"], &[], &[first, second]).tally();
    assert_eq!(both.fields[0].rows[0].covered.permille, Some(1000));
    assert!(both.fields[0].rows[0].covered.missing.is_empty());
}

#[test]
fn a_log_that_falls_silent_takes_its_time_away_until_its_missing_piece_turns_up() {
    let county = COUNTIES[0];
    let days = |first: &str, last: &str| Observed {
        first: Some(at(&format!("{first}T00:00:00Z"))),
        last: Some(at(&format!("{last}T23:59:59Z"))),
    };
    let piece = |source: &str, series: &str, window: Observed| {
        let mut seen = log(county, &[]);
        seen.source = source.to_owned();
        seen.series = Some(series.to_owned());
        seen.window = window;
        seen
    };
    let mut together = log(county, &[]);
    together.source = "(all of web1.log together)".to_owned();
    together.sha256 = None;
    together.window = Observed::default();
    together.records_read = 0;
    together.series = Some("web1.log".to_owned());
    together.silent = vec![pollwatch_model::Gap {
        from: at("2026-09-08T00:00:00Z"),
        to: at("2026-09-15T00:00:00Z"),
        why: "web1.log has no line".to_owned(),
    }];
    let mut coverage = vec![
        piece("web2.log", "web2.log", days("2026-09-01", "2026-09-21")),
        piece("web1.log.1", "web1.log", days("2026-09-01", "2026-09-07")),
        piece("web1.log", "web1.log", days("2026-09-15", "2026-09-21")),
        together,
    ];
    let row = |coverage: &[Coverage]| basis(&[county], &[], coverage).tally().fields[0].rows[0].clone();
    let found = row(&coverage);
    assert_eq!(found.covered.permille, Some(666));
    assert_eq!(found.covered.missing.len(), 1);
    assert_eq!(found.covered.missing[0].first.to_string(), "2026-09-08");
    assert_eq!(found.covered.missing[0].last.to_string(), "2026-09-14");
    assert!(found.is_thin());
    // Another log is no piece of it.
    coverage.push(piece("web3.log", "web3.log", days("2026-09-01", "2026-09-21")));
    assert_eq!(row(&coverage).covered.permille, Some(666));
    coverage.push(piece(
        "web1.log.found",
        "web1.log",
        days("2026-09-08", "2026-09-14"),
    ));
    assert_eq!(row(&coverage).covered.permille, Some(1000));
    assert_eq!(row(&coverage).covered.missing, []);
}

#[test]
fn without_a_window_each_field_is_counted_over_its_own_time_and_no_finding_is_outside() {
    let early = actor("adams", "198.51.100.7", "scanned", "high", "2026-08-01");
    let mut question = question(&["adams", "boone"]);
    question.window = None;
    question.fields[0].window = Some("2026-09-01..2026-09-14".parse().unwrap());
    let mut mail = question.fields[0].clone();
    mail.desk = "mail".to_owned();
    mail.scale = Scale::Stages;
    mail.window = None;
    question.fields.push(mail);
    let held = vec![Held::of(&early, None, &[])];
    let seen = ["adams", "boone"].map(|target| Seen {
        origin: None,
        coverage: log(target, &[("2026-09-08", "2026-09-15")]),
    });
    let tally = Basis::of(question, held, seen.to_vec(), Vec::new()).tally();
    let logs = &tally.fields[0];
    assert_eq!(tally.window_of(logs), logs.field.window);
    assert_eq!(
        logs.rows[0].level,
        Some(Level::Scanned),
        "seen before the logs begin, and counted"
    );
    assert_eq!(logs.rows[1].covered.permille, Some(500));
    assert!(logs.has_window && !tally.fields[1].has_window);
    assert!(
        logs.sentence()
            .contains("no sign: 1, of which 1 has logs for under 80 % of the window"),
        "{}",
        logs.sentence()
    );
}

#[test]
fn logs_of_another_time_are_no_data() {
    let mut old = log("adams", &[]);
    old.window = Observed {
        first: Some(at("2025-01-01T00:00:00Z")),
        last: Some(at("2026-08-31T23:59:59Z")),
    };
    let tally = basis(&["adams"], &[], &[old]).tally();
    assert_eq!(tally.fields[0].rows[0].place, Place::NoData);
}

#[test]
fn sources_that_tell_no_time_are_told_apart() {
    let mut list = log("adams", &[]);
    list.window = Observed::default();
    let tally = basis(&["adams"], &[], &[list]).tally();
    assert_eq!(
        tally.fields[0].sentence(),
        "scanned or worse: 0; contact only: 0; no sign: 1, of which 1 has sources that tell no time; no data: 0"
    );
}

#[test]
fn a_declared_assessor_is_never_counted() {
    let finding = actor("adams", "192.0.2.250", "exfiltrated", "high", "2026-09-08");
    let assessor = |addresses: &str, from: &str, to: &str| Assessor {
        name: "State security team".to_owned(),
        addresses: vec![addresses.to_owned()],
        from: Some(at(from)),
        to: Some(at(to)),
    };
    let inside = assessor("192.0.2.0/24", "2026-09-07T00:00:00Z", "2026-09-09T00:00:00Z");
    let held = |finding: &Finding, assessors: &[Assessor]| Held::of(finding, None, assessors).standing;
    use pollwatch_casework::tally::Standing;
    assert_eq!(
        held(&finding, std::slice::from_ref(&inside)),
        Standing::Authorised
    );
    let after = assessor("192.0.2.0/24", "2026-09-09T00:00:00Z", "2026-09-10T00:00:00Z");
    assert!(
        matches!(held(&finding, &[after]), Standing::Counted { .. }),
        "outside the agreed time it is an attack"
    );
    let other = assessor("192.0.3.0/24", "2026-09-07T00:00:00Z", "2026-09-09T00:00:00Z");
    assert!(matches!(held(&finding, &[other]), Standing::Counted { .. }));
    let mut more = finding.clone();
    more.details.insert("client_count".to_owned(), 2.into());
    assert!(
        matches!(held(&more, &[inside]), Standing::Counted { .. }),
        "a client that is not listed may be anybody"
    );
}

#[test]
fn a_dismissed_finding_is_not_counted_and_one_below_alarm_of_another_desk_is_not_either() {
    let scanned = actor("adams", "198.51.100.7", "scanned", "high", "2026-09-03");
    let decision = |verdict| Decision {
        schema: 1,
        finding: scanned.id.clone(),
        verdict,
        reason: "our monitor".to_owned(),
        by: "clerk".to_owned(),
        at: at("2026-10-01T00:00:00Z"),
    };
    let count = |decision: Option<&Decision>, finding: &Finding| {
        let held = Held::of(finding, decision, &[]);
        let seen = Seen {
            origin: None,
            coverage: log("adams", &[]),
        };
        Basis::of(question(&["adams"]), vec![held], vec![seen], vec![])
            .tally()
            .fields[0]
            .from(Level::Scanned)
            .total
    };
    assert_eq!(count(None, &scanned), 1);
    assert_eq!(count(Some(&decision(Verdict::Confirmed)), &scanned), 1);
    assert_eq!(count(Some(&decision(Verdict::Dismissed)), &scanned), 0);
    let mut watched = scanned.clone();
    watched.verdict = None;
    assert_eq!(count(None, &watched), 0, "low, and no verdict of the scale");
    watched.severity = Severity::Medium;
    assert_eq!(count(None, &watched), 1, "probed, at alarm severity");
}

#[test]
fn a_field_of_stages_speaks_of_stages() {
    let mut lookalike = actor("adams", "adams-votes.example", "scanned", "high", "2026-09-03");
    (lookalike.verdict, lookalike.stage, lookalike.severity) = (None, Some(Stage::Prepared), Severity::High);
    let mut taken = actor("bond", "mail", "scanned", "high", "2026-09-03");
    (taken.verdict, taken.stage, taken.severity) = (None, Some(Stage::Succeeded), Severity::High);
    let held = [lookalike, taken]
        .iter()
        .map(|finding| Held::of(finding, None, &[]))
        .collect();
    let mut question = question(&["adams", "bond", "clark"]);
    question.fields[0].scale = Scale::Stages;
    let sentence = Basis::of(question, held, vec![], vec![]).tally().fields[0].sentence();
    assert_eq!(
        sentence,
        "succeeded: 1 (high 1); prepared: 1 (high 1); no sign: 0; no data: 1"
    );
}

#[test]
fn what_an_office_withholds_is_never_no_sign() {
    let seen = Seen {
        origin: Some("adams.example/ledger".to_owned()),
        coverage: log("adams", &[]),
    };
    let withheld = Withheld {
        origin: "adams.example/ledger".to_owned(),
        desk: "intrusion".to_owned(),
        target: id("adams"),
        findings: 2,
    };
    let tally = Basis::of(question(&["adams"]), vec![], vec![seen], vec![withheld]).tally();
    assert_eq!(tally.fields[0].rows[0].place, Place::Withheld);
    assert!(
        tally.fields[0]
            .sentence()
            .contains("no sign: 0; findings withheld by their office: 1")
    );
}

#[test]
fn another_offices_whole_register_is_not_ours() {
    let mut all = log("adams", &[]);
    all.targets.clear();
    all.desk = "lookalike".to_owned();
    let mut question = question(&["adams", "bond"]);
    question.fields[0].desk = all.desk.clone();
    let seen = |origin: Option<&str>| Seen {
        origin: origin.map(str::to_owned),
        coverage: all.clone(),
    };
    let no_sign = |seen| {
        Basis::of(question.clone(), vec![], vec![seen], vec![])
            .tally()
            .fields[0]
            .standing(Place::NoSign)
            .count()
    };
    assert_eq!(
        (no_sign(seen(None)), no_sign(seen(Some("adams.example/ledger")))),
        (2, 0)
    );
}

#[test]
fn a_mailbox_of_nobody_known_says_nothing_of_the_offices() {
    let mut mailbox = log("adams", &[]);
    mailbox.targets.clear();
    let tally = basis(&["adams", "bond"], &[], &[mailbox]).tally();
    assert_eq!(tally.fields[0].standing(Place::NoData).count(), 2);
}

#[test]
fn what_changed_and_why() {
    let (mut findings, mut coverage) = september();
    let then = basis(&COUNTIES, &findings, &coverage);
    findings.push(actor("fulton", "203.0.113.9", "breached", "high", "2026-09-17"));
    findings.retain(|finding| finding.target.id != id("clark"));
    findings[0].verdict = Some("attempted".to_owned());
    coverage.retain(|seen| seen.targets[0] != id("greene"));
    coverage.push(log("greene", &[]));
    let mut now = basis(&COUNTIES, &findings, &coverage);
    for held in now.findings.iter_mut().filter(|held| held.target == id("bond")) {
        held.standing = pollwatch_casework::tally::Standing::Dismissed;
    }
    let told: Vec<String> = changes(&then, &now)
        .iter()
        .map(|change| {
            let because: Vec<String> = change.because.iter().map(Cause::in_words).collect();
            format!(
                "{}: {} -> {}: {}",
                change.target,
                change.was,
                change.is,
                because.join("; ")
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
    assert!(changes(&now, &now).is_empty());
}

fn any_finding() -> impl Strategy<Value = Finding> {
    let verdicts = [
        "contact",
        "scanned",
        "attempted",
        "breached",
        "exfiltrated",
        "authorised",
    ];
    (
        0..COUNTIES.len(),
        0u8..4,
        0..verdicts.len(),
        0..3usize,
        1u8..29,
        proptest::bool::ANY,
    )
        .prop_map(move |(county, client, verdict, word, day, is_timed)| {
            let word = ["high", "medium", "low"][word];
            let (county, client) = (COUNTIES[county], format!("198.51.100.{client}"));
            let mut finding = actor(
                county,
                &client,
                verdicts[verdict],
                word,
                &format!("2026-09-{day:02}"),
            );
            if !is_timed {
                finding.observed = Observed::default();
            }
            finding
        })
}

fn any_coverage() -> impl Strategy<Value = Coverage> {
    (0..COUNTIES.len(), 1i8..29, 1i8..29, 1i8..29, 0u64..2, 0u8..3).prop_map(
        |(county, first, last, gap, read, file)| {
            let day = |day: i8| at(&format!("2026-09-{day:02}T00:00:00Z"));
            let mut seen = log(COUNTIES[county], &[]);
            seen.source = format!("{file}.log");
            seen.sha256 = None;
            seen.window = Observed {
                first: Some(day(first)),
                last: Some(day(last)),
            };
            seen.gaps = vec![pollwatch_model::Gap {
                from: day(gap),
                to: day((gap + 2).min(28)),
                why: String::new(),
            }];
            seen.records_read = read;
            seen.series = Some(format!("{}.log", file % 2));
            if file == 2 {
                seen.silent = std::mem::take(&mut seen.gaps);
            }
            seen
        },
    )
}

fn no_sign(tally: &Tally) -> usize {
    tally.fields[0].standing(Place::NoSign).count()
}

proptest! {
    #[test]
    fn order_does_not_matter(
        findings in proptest::collection::vec(any_finding(), 0..12),
        coverage in proptest::collection::vec(any_coverage(), 0..12),
        turn in 0usize..12,
    ) {
        // One finding a client and county, as ids have it.
        let mut known = std::collections::BTreeSet::new();
        let findings: Vec<Finding> = findings.into_iter().filter(|finding| known.insert(finding.id.clone())).collect();
        let mut places = std::collections::BTreeSet::new();
        let coverage: Vec<Coverage> =
            coverage.into_iter().filter(|seen| places.insert((seen.source.clone(), seen.targets.clone()))).collect();
        let one = basis(&COUNTIES, &findings, &coverage);
        let (mut turned, mut seen) = (findings.clone(), coverage.clone());
        turned.reverse();
        seen.reverse();
        if !turned.is_empty() {
            let by = turn % turned.len();
            turned.rotate_left(by);
        }
        let mut counties = COUNTIES;
        counties.reverse();
        let other = basis(&counties, &turned, &seen);
        prop_assert_eq!(one.tally(), other.tally());
        // Names of sources repeat between counties here, and the bytes are still of one order.
        prop_assert_eq!(one.to_bytes().unwrap(), other.to_bytes().unwrap());
        let read_back: Basis = serde_json::from_slice(&one.to_bytes().unwrap()).unwrap();
        prop_assert_eq!(read_back, one);
    }

    #[test]
    fn taking_coverage_away_never_makes_anything_look_safer(
        findings in proptest::collection::vec(any_finding(), 0..12),
        coverage in proptest::collection::vec(any_coverage(), 1..12),
        taken in 0usize..12,
    ) {
        let whole = basis(&COUNTIES, &findings, &coverage).tally();
        let mut less = coverage.clone();
        let taken = less.remove(taken % coverage.len());
        // What tells of a hole is no coverage.
        prop_assume!(taken.silent.is_empty());
        let part = basis(&COUNTIES, &findings, &less).tally();
        prop_assert!(no_sign(&part) <= no_sign(&whole));
        for (before, after) in whole.fields[0].rows.iter().zip(&part.fields[0].rows) {
            prop_assert!(after.covered.permille <= before.covered.permille);
            prop_assert_eq!(after.level, before.level, "a sign stays a sign");
        }
    }

    #[test]
    fn every_target_stands_in_one_place_and_the_count_adds_up(
        findings in proptest::collection::vec(any_finding(), 0..16),
        coverage in proptest::collection::vec(any_coverage(), 0..12),
    ) {
        let tally = basis(&COUNTIES, &findings, &coverage).tally();
        let field = &tally.fields[0];
        let reached = field.from(Level::Unknown).total as usize;
        let rest: usize = [Place::NoSign, Place::NoData, Place::Withheld].map(|place| field.standing(place).count()).iter().sum();
        prop_assert_eq!(reached + rest, COUNTIES.len());
        prop_assert_eq!(field.at(Level::Contact).total + field.from(Level::Scanned).total, reached as u64);
        for row in &field.rows {
            let authorised = findings.iter().filter(|finding| finding.verdict.as_deref() == Some("authorised"));
            for finding in authorised {
                prop_assert!(row.findings.iter().all(|held| held.id != finding.id));
            }
            prop_assert!(row.place != Place::NoSign || row.covered.permille.is_some_and(|share| share > 0) || row.covered.untimed > 0);
        }
    }
}

#[test]
fn a_question_without_a_window_tells_no_share() {
    let question = Question {
        window: None,
        fields: vec![Field {
            desk: "intrusion".to_owned(),
            title: String::new(),
            scale: Scale::Verdicts,
            window: None,
        }],
        targets: vec![Asked {
            id: id("adams"),
            name: String::new(),
            state: String::new(),
            assessors: vec![],
        }],
    };
    let seen = Seen {
        origin: None,
        coverage: log("adams", &[]),
    };
    let tally = Basis::of(question, vec![], vec![seen], vec![]).tally();
    assert_eq!(tally.fields[0].rows[0].covered.permille, None);
    assert_eq!(
        tally.fields[0].sentence(),
        "scanned or worse: 0; contact only: 0; no sign: 1; no data: 0"
    );
}
