//! What a page tells and what it withholds. Each page is also written to the target folder, for looking at.

#![allow(missing_docs, clippy::unwrap_used)]

mod page;
mod sample;

use std::path::Path;

use page::assert_harmless;
use pollwatch_brief::{AbsentDesk, Briefing, render};
use pollwatch_model::{FindingId, Polarity, Register, Severity, Stage, Tlp};

fn write(name: &str, page: &str) {
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), page).unwrap();
}

/// The page with a line for each tag and without its style sheet, so that a change can be read.
fn in_lines(page: &str) -> String {
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, rest) = rest.split_once("</style>").unwrap();
    format!("{head}<style>…</style>{rest}").replace("><", ">\n<")
}

#[test]
fn the_sample_page() {
    let register = sample::register();
    let page = render(&sample::briefing(&register));
    write("brief-sample.html", &page);
    assert_harmless(&page);
    insta::assert_snapshot!(in_lines(&page));
}

#[test]
fn the_same_briefing_gives_the_same_bytes_in_any_order_of_findings() {
    let register = sample::register();
    let briefing = sample::briefing(&register);
    let mut turned = briefing.clone();
    turned.findings.reverse();
    assert_eq!(render(&briefing), render(&turned));
}

#[test]
fn the_bottom_line_is_three_sentences() {
    let register = sample::register();
    let mut empty = Briefing::new(&register, "2018-08-02T12:00:00Z".parse().unwrap(), Tlp::Clear);
    empty.absent = vec![AbsentDesk {
        title: "U.S. mail. Really.".to_owned(),
        unseen: String::new(),
    }];
    for briefing in [sample::briefing(&register), empty] {
        let page = render(&briefing);
        let (_, rest) = page
            .split_once("<h2 id=\"bottom-line\">Bottom line</h2>")
            .unwrap();
        let (lines, _) = rest.split_once("</section>").unwrap();
        let sentences: Vec<&str> = lines.split("</p>").filter(|line| !line.is_empty()).collect();
        assert_eq!(sentences.len(), 3, "{lines}");
        for sentence in sentences {
            let text = sentence.trim_start_matches("<p>");
            assert!(text.ends_with('.') && !text.contains(". "), "{text}");
        }
    }
}

#[test]
fn what_is_stricter_than_the_page_is_withheld_and_counted() {
    let register = sample::register();
    let briefing = sample::briefing(&register);
    let page = render(&briefing);
    assert!(page.contains("1 finding withheld: marked stricter than TLP:GREEN."));
    let held = &briefing.findings[8].finding;
    for secret in [
        "withheld-name",
        held.id.as_str(),
        &held.evidence[0].sha256.to_string(),
        "critical (",
        "0.99",
    ] {
        assert!(!page.contains(secret), "{secret}");
    }
    let mut without = briefing.clone();
    without.findings.remove(8);
    // Nothing but the notices of withholding differs from a page of a record without it.
    let (with, without) = (in_lines(&page), in_lines(&render(&without)));
    let mut lines = with.lines();
    let mut more = 0;
    for expected in without.lines() {
        more += lines
            .by_ref()
            .position(|line| line == expected)
            .unwrap_or_else(|| panic!("{expected}"));
    }
    assert_eq!(more, 3, "lines that tell of the withheld finding");

    let mut red = briefing;
    red.tlp = Tlp::Red;
    let page = render(&red);
    assert!(page.contains("withheld-name[.]test") && !page.contains("withheld:"));
    red.tlp = Tlp::Clear;
    let page = render(&red);
    assert!(page.contains("9 findings withheld: marked stricter than TLP:CLEAR."));
    for held in &red.findings {
        assert!(!page.contains(held.finding.id.as_str()));
        let stem = held.finding.subject.split('.').next().unwrap();
        assert!(!page.contains(stem) || stem == "senate", "{stem}");
    }
}

#[test]
fn an_empty_record_says_what_is_unwatched_and_never_that_all_is_well() {
    let register = Register {
        owner: "Example County Clerk".to_owned(),
        ..Register::default()
    };
    let with_targets = sample::register();
    let mut briefing = Briefing::new(&register, "2018-08-02T12:00:00Z".parse().unwrap(), Tlp::Clear);
    briefing.desks = vec![&sample::LOOKALIKE, &sample::MAIL];
    briefing.absent = vec![AbsentDesk {
        title: "Voter rolls".to_owned(),
        unseen: "Changes to voter registrations go unseen.".to_owned(),
    }];
    let mut second = briefing.clone();
    second.register = &with_targets;
    let mut quiet = sample::briefing(&with_targets);
    quiet.findings.clear();
    for (name, briefing) in [("empty", &briefing), ("nothing-read", &second), ("quiet", &quiet)] {
        let html = render(briefing);
        write(&format!("brief-{name}.html"), &html);
        let text = assert_harmless(&html).text.to_lowercase();
        for never in [
            "safe",
            "no attack",
            "all clear",
            "nothing happened",
            "clean",
            "protected from",
        ] {
            assert!(!text.contains(never), "{never} in {name}");
        }
        let secure = text.replace("security team", "");
        assert!(
            !secure.contains("secure") && !secure.contains("security"),
            "{name}"
        );
        assert!(
            text.contains("phishing messages to your staff go unseen"),
            "{name}"
        );
        assert!(
            text.contains("changes to voter registrations go unseen"),
            "{name}"
        );
        assert!(text.contains("a lack of findings is not a finding"));
    }
}

#[test]
fn assurances_stand_apart_and_dismissed_findings_are_counted_nowhere() {
    let register = sample::register();
    let mut briefing = sample::briefing(&register);
    let sound = &mut briefing.findings[3].finding;
    sound.polarity = Polarity::Assurance;
    sound.stage = None;
    sound.severity = Severity::Info;
    sound.summary = "The roll was compared with the last one, and every change has a form.".to_owned();
    let page = render(&briefing);
    let (_, rest) = page.split_once("What was checked and found sound").unwrap();
    let (section, _) = rest.split_once("</section>").unwrap();
    assert!(section.contains("every change has a form"));
    assert!(page.contains("5 findings at alarm severity concern 4 of 13 registered targets"));
    let (_, dismissed) = page.split_once("<h3 id=\"dismissed\">").unwrap();
    assert!(dismissed.contains("A rock band with a public site since 2009."));
    assert_eq!(page.matches("senate-band[.]test").count(), 1);
}

#[test]
fn three_thousand_findings_stay_a_page_that_opens() {
    let register = sample::register();
    let mut briefing = sample::briefing(&register);
    let pattern = briefing.findings[0].clone();
    for number in 0..3_000u32 {
        let mut held = pattern.clone();
        held.finding.subject = format!("senate-{number}.test");
        held.finding.id = FindingId::derive("lookalike", "x", &held.finding.target.id, &held.finding.subject);
        held.finding.severity = if number % 7 == 0 {
            Severity::High
        } else {
            Severity::Medium
        };
        held.finding.stage = Some(Stage::ALL[number as usize % 7]);
        held.finding.indicators[0].value = held.finding.subject.clone();
        let place = [
            "Ohio Secretary of State",
            "Texas Secretary of State",
            "Georgia Secretary of State",
        ];
        held.finding.target.name = place[number as usize % 3].to_owned();
        held.finding.target.id = sample::id(place[number as usize % 3]);
        briefing.findings.push(held);
    }
    let page = render(&briefing);
    write("brief-many.html", &page);
    assert_harmless(&page);
    assert!(page.contains("the first 200 in full, the other 2,806 as a table after them"));
    assert_eq!(page.matches("<article").count(), 200);
    assert!(page.len() < 4_000_000, "{} bytes", page.len());
}
