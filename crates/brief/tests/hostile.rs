//! Hostile texts: whatever a source, a register or an analyst's note says, the page stays a page.

#![allow(missing_docs, clippy::unwrap_used)]

mod page;
mod sample;

use page::assert_harmless;
use pollwatch_brief::{AbsentDesk, BriefExcerpt, Briefing, LedgerPlace, Setting, render};
use pollwatch_model::register::TargetKind;
use pollwatch_model::{
    Coverage, Decision, EvidenceId, EvidenceRef, FindingId, Gap, Indicator, Observed, Reason, Register,
    Severity, Span, Stage, TargetId, Tlp, Verdict,
};
use proptest::prelude::*;
use serde_json::Value;

/// A briefing in which every text is `text`.
fn all_of(text: &str, verdict: Option<Verdict>, render_one: impl FnOnce(&Briefing)) {
    let mut target = sample::target(text, TargetKind::Other, text, "ours.example");
    target.id = TargetId::slug("the-target");
    let register = Register {
        owner: text.to_owned(),
        targets: vec![target],
        allow: vec![],
    };
    let mut held = sample::finding(sample::Seen {
        subject: "placeholder.test",
        target: "the target",
        imitates: "ours.example",
        technique: "combosquat",
        severity: Severity::High,
        confidence: 0.9,
        stage: Stage::Prepared,
        spans: &[(0, 5, "ours")],
        tlp: Tlp::Green,
    });
    let finding = &mut held.finding;
    let reference = EvidenceRef {
        sha256: EvidenceId::of(text.as_bytes()),
        media_type: text.to_owned(),
        locator: text.to_owned(),
    };
    finding.id = FindingId::derive(text, text, &finding.target.id, text);
    finding.desk = text.to_owned();
    finding.kind = text.to_owned();
    finding.target.name = text.to_owned();
    finding.subject = text.to_owned();
    finding.verdict = Some(text.to_owned());
    finding.summary = text.to_owned();
    let whole = Span {
        start: 0,
        end: text.len() as u32,
        text: text.to_owned(),
        of: text.to_owned(),
    };
    let outside = Span {
        start: 1,
        end: u32::MAX,
        text: text.to_owned(),
        of: text.to_owned(),
    };
    finding.reasons = vec![Reason {
        code: text.to_owned(),
        text: text.to_owned(),
        weight: f64::NAN,
        spans: vec![whole, outside],
    }];
    finding.alternatives = vec![text.to_owned()];
    finding.next = text.to_owned();
    finding.indicators = vec![Indicator {
        kind: text.to_owned(),
        value: text.to_owned(),
    }];
    finding.techniques = vec![text.to_owned()];
    finding.evidence = vec![reference.clone()];
    for key in ["name", "registrable", "imitates", "technique"] {
        finding.details.insert(key.to_owned(), Value::from(text));
    }
    held.excerpts = vec![BriefExcerpt {
        reference,
        bytes: text.as_bytes().to_vec(),
        truncated: true,
    }];
    held.ledger = Some(LedgerPlace {
        index: u64::MAX,
        proof_text: "proof".to_owned(),
    });
    held.decision = verdict.map(|verdict| Decision {
        schema: 1,
        finding: held.finding.id.clone(),
        verdict,
        reason: text.to_owned(),
        by: text.to_owned(),
        at: "2018-08-01T08:00:00Z".parse().unwrap(),
    });
    let mut low = held.clone();
    low.finding.severity = Severity::Low;
    low.finding.id = FindingId::derive("low", text, &low.finding.target.id, text);
    let mut briefing = Briefing::new(&register, "2018-08-02T12:00:00Z".parse().unwrap(), Tlp::Red);
    briefing.title = text.to_owned();
    briefing.findings = vec![held, low];
    briefing.desks = vec![&sample::LOOKALIKE];
    briefing.absent = vec![AbsentDesk {
        title: text.to_owned(),
        unseen: text.to_owned(),
    }];
    briefing.settings = vec![Setting {
        name: text.to_owned(),
        value: text.to_owned(),
    }];
    briefing.coverage = vec![Coverage {
        desk: text.to_owned(),
        source: text.to_owned(),
        sha256: None,
        bytes: u64::MAX,
        targets: vec![],
        window: Observed::default(),
        gaps: vec![Gap {
            from: "2018-08-01T08:00:00Z".parse().unwrap(),
            to: "2018-08-01T08:00:00Z".parse().unwrap(),
            why: text.to_owned(),
        }],
        records_read: u64::MAX,
        records_unread: u64::MAX,
        series: None,
        silent: Vec::new(),
        is_complete: false,
    }];
    render_one(&briefing);
}

const HOSTILE: [&str; 14] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='x' \" onfocus=\"y\" autofocus=\"",
    "</style><style>*{display:none}</style>",
    "]]><!-- --> <![CDATA[ --!> <!DOCTYPE x>",
    "</title></svg></pre></td></table><h1>TLP:CLEAR</h1>",
    "\u{202e}moc.live\u{202c} \u{2066}x\u{2069} \u{200f}\u{200b}\u{feff}\u{ad}",
    "a\0b\u{1}\u{7f}\u{85}\u{2028}\r\n\tc",
    "javascript:alert(1) JaVaScRiPt:alert(1) data:text/html,x",
    "evil.example HTTPS://login.EVIL.example/a?b=http://evil.example#c",
    "&lt;script&gt; &#60; &amp;amp; &",
    "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "",
    "sеnate.gov аррlе.com xn--80ak6aa92e.com ev\u{200b}il.example \u{e0041}",
];

#[test]
fn hostile_texts_stay_texts() {
    for text in HOSTILE {
        for verdict in [None, Some(Verdict::Confirmed), Some(Verdict::Dismissed)] {
            all_of(text, verdict, |briefing| {
                let html = render(briefing);
                let page = assert_harmless(&html.replace("javascript:", "").replace("JaVaScRiPt:", ""));
                for name in ["evil.example", "apple.com", "sеnate.gov", "80ak6aa92e.com"] {
                    assert!(
                        !page.text.to_lowercase().contains(name),
                        "{name} in the page for {text:?}"
                    );
                }
                assert!(page.text.contains("TLP:RED"));
            });
        }
    }
}

#[test]
fn a_very_long_text_is_cut_and_the_cut_is_said() {
    let long = "x".repeat(100_000);
    all_of(&long, None, |briefing| {
        let html = render(briefing);
        assert_harmless(&html);
        assert!(html.contains("98,800 more characters") || html.contains("98800 more characters"));
        assert!(html.len() < 400_000, "{} bytes", html.len());
    });
}

#[test]
fn a_hostile_name_is_defanged_in_every_text_of_every_finding() {
    let register = sample::register();
    let mut briefing = sample::briefing(&register);
    let other = "compare adfs-senate.services, http://senate.group/x and www.clairernccaskill.com".to_owned();
    briefing.findings[2].finding.summary = other;
    let html = render(&briefing);
    let page = assert_harmless(&html);
    for held in &briefing.findings {
        assert!(
            !page.text.contains(&held.finding.subject),
            "{}",
            held.finding.subject
        );
    }
    assert!(page.text.contains(
        "compare adfs-senate[.]services, hxxp://senate[.]group/x and www[.]clairernccaskill[.]com"
    ));
    assert!(page.text.contains("senate.gov"), "our own names stay readable");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_leaves_the_page_well_formed(text in "(?s).{0,60}") {
        all_of(&text, None, |briefing| {
            let html = render(briefing);
            page::read(&html).unwrap_or_else(|why| panic!("{why}"));
            assert_eq!(html, render(briefing));
        });
    }

    #[test]
    fn markup_in_any_order_leaves_the_page_well_formed(parts in proptest::collection::vec(
        prop_oneof![Just("<"), Just(">"), Just("\""), Just("'"), Just("&"), Just("/"), Just("script"), Just("style"), Just("-->"),
            Just("."), Just("http://"), Just("xn--"), Just("\u{202e}"), Just("\0"), Just("é"), Just(" "), Just("=")], 0..40))
    {
        all_of(&parts.concat(), Some(Verdict::Note), |briefing| { assert_harmless(&render(briefing)); });
    }
}
