//! The section on the voter roll.

#![allow(missing_docs, clippy::unwrap_used)]

mod page;
mod sample;

use pollwatch_brief::{BriefFinding, render};
use pollwatch_model::{Finding, FindingId, Polarity, Severity, Stage, Tlp};
use serde_json::{Value, json};

/// A finding of the rolls desk with these details.
fn finding(kind: &str, severity: Severity, details: Value) -> BriefFinding {
    let mut held = sample::finding(sample::Seen {
        subject: &format!("{} {}", details["county"], details["field"]),
        target: "State Board",
        imitates: "",
        technique: "",
        severity,
        confidence: 0.95,
        stage: if kind == "roll-change" {
            Stage::Altered
        } else {
            Stage::Unknown
        },
        spans: &[],
        tlp: Tlp::Green,
    });
    let Finding { details: slot, .. } = &mut held.finding;
    *slot = details.as_object().cloned().expect("an object");
    held.finding.desk = "rolls".to_owned();
    held.finding.kind = kind.to_owned();
    if kind == "roll-compared" {
        held.finding.polarity = Polarity::Assurance;
        held.finding.stage = None;
    }
    held
}

fn change(county: &str, name: &str, field: &str, observed: Value, more: Value) -> Value {
    let mut details = json!({
        "county": county, "county_name": name, "field": field, "subgroup": null, "explained": null, "counties_compared": 9,
        "tests": [{"kind": "deactivated", "basis": "more-than-churn", "observed": observed, "expected": 3.1}],
        "smallest_group": [{"kind": "party", "words": "entries with another party", "least": 9, "most": 41}],
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        details[key] = value.clone();
    }
    details
}

/// The sample's page with these findings instead of its own.
fn page_of(findings: Vec<BriefFinding>) -> String {
    let register = sample::register();
    let mut briefing = sample::briefing(&register);
    briefing.findings = findings;
    let text = render(&briefing);
    page::assert_harmless(&text);
    text
}

#[test]
fn what_stands_out_is_drawn_and_said_with_power_and_privacy() {
    let hostile = "<b>ELL\u{202e}ERBY</b>";
    let text = page_of(vec![
        finding(
            "roll-change",
            Severity::High,
            change(
                "3",
                "CALDERMERE",
                "status_cd",
                json!(130),
                json!({"subgroup": "party=DEM"}),
            ),
        ),
        finding(
            "roll-change",
            Severity::Medium,
            change("5", hostile, "mail_addr1", json!("<5"), json!({})),
        ),
        finding(
            "roll-change-missing",
            Severity::Low,
            change("7", "NORTH", "party_cd", json!(6), json!({})),
        ),
        finding(
            "roll-bulk-change",
            Severity::Info,
            change(
                "3",
                "CALDERMERE",
                "precinct_abbrv",
                json!(1204),
                json!({"explained": {"by": "whole-group", "text": "a whole group treated alike"}}),
            ),
        ),
    ]);
    for said in [
        "Whether the voter roll changed only as rolls do",
        "In 2 places",
        "not proof of tampering",
        "9 counties were compared",
        "CALDERMERE (3)",
        "1,204",
        "&lt;5",
        "more than others: party=DEM",
        "a whole group treated alike",
        "9 to 41 entries with another party",
        "chance of 19 in 20",
        "no voter's name, address or number stands in this record",
        "role=\"img\"",
        "aria-labelledby=\"rolls-map\"",
    ] {
        assert!(text.contains(said), "no {said:?}");
    }
    assert!(
        !text.contains("<b>ELL") && !text.contains('\u{202e}'),
        "a county's name is text"
    );
    // The picture has a sign for each mark, so that colour is never the only one.
    for sign in ["■ 130", "◇ 1,204", "▽ 6", "■ &lt;5"] {
        assert!(text.contains(sign), "no {sign:?}");
    }
}

#[test]
fn a_roll_that_fits_is_said_to_fit_with_its_power_and_no_picture() {
    let details = json!({"counties_compared": 12, "smallest_group": [{"kind": "party", "words": "entries with another party", "least": 8, "most": 8}]});
    let text = page_of(vec![finding("roll-compared", Severity::Info, details)]);
    assert!(
        text.contains("No change of the roll stands out")
            && text.contains("a group of 8 entries with another party")
    );
    assert!(text.contains("12 counties were compared") && !text.contains("rolls-map"));
    assert!(
        !page_of(Vec::new()).contains("rolled"),
        "without a roll there is no section"
    );
}

#[test]
fn a_state_of_two_hundred_counties_and_torn_details_stay_a_page() {
    let many = (0..220).map(|at| {
        let details = change(
            &at.to_string(),
            &format!("COUNTY {at}"),
            &format!("column_{}", at % 30),
            json!(at + 5),
            json!({}),
        );
        finding("roll-change", Severity::Medium, details)
    });
    let torn = [
        json!({}),
        json!({"tests": 7, "county": 3}),
        json!({"tests": [], "smallest_group": "x", "explained": []}),
    ];
    let torn = torn.into_iter().enumerate().map(|(at, details)| {
        let mut held = finding("roll-change", Severity::Medium, details);
        held.finding.id = FindingId::derive("rolls", "roll-change", &held.finding.target.id, &at.to_string());
        held
    });
    let text = page_of(many.chain(torn).collect());
    assert!(text.contains("Counties left out of the picture:") && text.contains("among the findings below"));
}
