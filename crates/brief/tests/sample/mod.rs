//! A small realistic briefing: names that were publicly reported in 2018 against a made-up stream.
#![allow(dead_code, reason = "each test binary uses some of it")]

use pollwatch_brief::{AbsentDesk, BriefExcerpt, BriefFinding, Briefing, LedgerPlace, Setting};
use pollwatch_model::register::{Target, TargetKind};
use pollwatch_model::{
    Card, Coverage, Decision, DetectorCard, EvidenceId, EvidenceRef, Finding, FindingId, Gap, Indicator,
    KindCard, Observed, Polarity, Probability, Reason, Register, SCHEMA, Severity, Span, Stage, TargetId,
    TargetRef, Tlp, Verdict,
};
use serde_json::{Map, Value};

pub const LOOKALIKE: Card = Card {
    name: "lookalike",
    title: "Lookalike domains",
    looks_for: "New domain names that imitate a protected name.",
    unwatched: "Domains that imitate your offices could be registered without your knowing.",
    kinds: &[KindCard {
        name: "lookalike-domain",
        title: "lookalike domain",
        subject: "the registrable domain",
    }],
    detectors: &[
        DetectorCard {
            name: "combosquat",
            sees: "A protected name joined to further words, such as a service or a lure.",
            matters: "It is the most common way to imitate an office.",
            cannot_tell: "Whether anybody was led to the name, or what stood there.",
            measured_on: "",
            sources: "",
        },
        DetectorCard {
            name: "ascii-lookalike",
            sees: "Letters that look like others, such as rn for m.",
            matters: "",
            cannot_tell: "Whether the likeness was meant.",
            measured_on: "",
            sources: "",
        },
    ],
};

pub const MAIL: Card = Card {
    name: "mail",
    title: "Mail",
    looks_for: "Messages that imitate a colleague or a service.",
    unwatched: "Phishing messages to your staff go unseen.",
    kinds: &[],
    detectors: &[],
};

pub fn id(text: &str) -> TargetId {
    TargetId::slug(text)
}

pub fn target(name: &str, kind: TargetKind, state: &str, domain: &str) -> Target {
    Target {
        id: id(name),
        name: name.to_owned(),
        kind,
        state: state.to_owned(),
        domains: vec![domain.to_owned()],
        owned: vec![],
        allow: vec![],
        aliases: vec![],
        same_as: None,
        people: vec![],
        partners: vec![],
        mail: Default::default(),
        assessors: vec![],
        registered_voters: None,
    }
}

/// What the sample's findings differ in.
pub struct Seen<'a> {
    pub subject: &'a str,
    pub target: &'a str,
    pub imitates: &'a str,
    pub technique: &'a str,
    pub severity: Severity,
    pub confidence: f64,
    pub stage: Stage,
    pub spans: &'a [(u32, u32, &'a str)],
    pub tlp: Tlp,
}

pub fn finding(seen: Seen) -> BriefFinding {
    let Seen {
        subject,
        target,
        imitates,
        technique,
        severity,
        confidence,
        stage,
        spans,
        tlp,
    } = seen;
    let line = format!("{subject}\n");
    let reference = EvidenceRef {
        sha256: EvidenceId::of(line.as_bytes()),
        media_type: "text/plain".to_owned(),
        locator: format!("names.txt:{}", 1000 + subject.len() * 37),
    };
    let details: Map<String, Value> = [
        ("name", subject),
        ("registrable", subject),
        ("imitates", imitates),
        ("technique", technique),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), Value::from(value)))
    .collect();
    let reason = |code: &str, text: String, weight: f64, spans: &[(u32, u32, &str)]| Reason {
        code: code.to_owned(),
        text,
        weight,
        spans: spans
            .iter()
            .map(|(start, end, of)| Span {
                start: *start,
                end: *end,
                text: subject[*start as usize..*end as usize].to_owned(),
                of: (*of).to_owned(),
            })
            .collect(),
    };
    let finding = Finding {
        schema: SCHEMA,
        id: FindingId::derive("lookalike", "lookalike-domain", &id(target), subject),
        desk: "lookalike".to_owned(),
        kind: "lookalike-domain".to_owned(),
        polarity: Polarity::Threat,
        stage: Some(stage),
        target: TargetRef {
            id: id(target),
            name: target.to_owned(),
        },
        subject: subject.to_owned(),
        verdict: None,
        severity,
        confidence: Probability::rounded(confidence),
        tlp,
        observed: Observed {
            first: Some("2018-07-26T09:14:03Z".parse().unwrap()),
            last: Some("2018-07-28T17:40:00Z".parse().unwrap()),
        },
        summary: format!("The name {subject} imitates {imitates}, which belongs to {target}."),
        reasons: vec![
            reason(
                "protected-unit",
                format!("it holds the letters of {imitates}, a name that few others have"),
                3.41,
                spans,
            ),
            reason(
                "suffix",
                "its suffix is one that anybody can register under, not .gov".to_owned(),
                0.62,
                &[],
            ),
        ],
        alternatives: vec![format!(
            "A contractor or a fan of {target} may have registered it openly; ask the owner before acting."
        )],
        next: format!(
            "Search mail and proxy logs for {subject}, block it, and ask its registrar to suspend it."
        ),
        indicators: vec![Indicator {
            kind: "domain-name".to_owned(),
            value: subject.to_owned(),
        }],
        techniques: vec!["T1583.001".to_owned()],
        evidence: vec![reference.clone()],
        details,
    };
    BriefFinding {
        origin: None,
        finding,
        decision: None,
        excerpts: vec![BriefExcerpt { reference, bytes: line.into_bytes(), truncated: false }],
        ledger: Some(LedgerPlace {
            index: 40 + subject.len() as u64,
            proof_text: "c2sp.org/tlog-proof@v1\nindex 57\nq0ZqA4mCq1r5y7dJm3m3b9v0k5oW1g7VnJ0g3yqkT1o=\n5Yb0nK1kXg0Yw2J8f6s7m1Qm9c8b7a6Z5y4X3w2V1uA=\n\nrecord.example/ledger\n61\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n".to_owned(),
        }),
    }
}

pub fn register() -> Register {
    use TargetKind::{Campaign, Login, Office, Party};
    let mut targets = vec![
        target("United States Senate", Office, "DC", "senate.gov"),
        target("Ohio Secretary of State", Office, "OH", "ohiosos.gov"),
        target("Florida Division of Elections", Office, "FL", "dos.fl.gov"),
        target("Democratic National Committee", Party, "", "democrats.org"),
        target("Hudson Institute", TargetKind::Other, "", "hudson.org"),
        target("McCaskill for Missouri", Campaign, "MO", "clairemccaskill.com"),
        target("Microsoft 365 sign-in", Login, "", "office.com"),
    ];
    for (name, state, domain) in [
        ("Texas Secretary of State", "TX", "sos.texas.gov"),
        ("Georgia Secretary of State", "GA", "sos.ga.gov"),
        ("Illinois State Board of Elections", "IL", "elections.il.gov"),
        ("Michigan Department of State", "MI", "michigan.gov"),
        ("Election Commission of Puerto Rico", "PR", "ceepur.org"),
        ("Nevada Secretary of State", "NV", "nvsos.gov"),
    ] {
        targets.push(target(name, Office, state, domain));
    }
    Register {
        owner: "Example State Election Security Team".to_owned(),
        targets,
        allow: vec![],
    }
}

pub fn briefing(register: &Register) -> Briefing<'_> {
    let seen = |subject, target, imitates, technique, severity, confidence, spans| {
        finding(Seen {
            subject,
            target,
            imitates,
            technique,
            severity,
            confidence,
            spans,
            stage: Stage::Prepared,
            tlp: Tlp::Green,
        })
    };
    let mut ohio = seen(
        "ohio-gov-tc.bar",
        "Ohio Secretary of State",
        "ohiosos.gov",
        "gov-components",
        Severity::High,
        0.91,
        &[(0, 4, "ohio"), (5, 8, "gov")],
    );
    ohio.decision = Some(Decision {
        schema: 1,
        finding: ohio.finding.id.clone(),
        verdict: Verdict::Confirmed,
        reason: "The registrar's record shows a name server that was used against another state.".to_owned(),
        by: "analyst 2".to_owned(),
        at: "2018-08-01T08:00:00Z".parse().unwrap(),
    });
    ohio.finding.stage = Some(Stage::Contacted);
    let mut dismissed = seen(
        "senate-band.test",
        "United States Senate",
        "senate.gov",
        "combosquat",
        Severity::Medium,
        0.55,
        &[(0, 6, "senate")],
    );
    dismissed.decision = Some(Decision {
        schema: 1,
        finding: dismissed.finding.id.clone(),
        verdict: Verdict::Dismissed,
        reason: "A rock band with a public site since 2009.".to_owned(),
        by: "analyst 1".to_owned(),
        at: "2018-08-01T09:30:00Z".parse().unwrap(),
    });
    let withheld = finding(Seen {
        subject: "withheld-name.test",
        target: "Nevada Secretary of State",
        imitates: "nvsos.gov",
        technique: "combosquat",
        severity: Severity::Critical,
        confidence: 0.99,
        spans: &[],
        stage: Stage::Succeeded,
        tlp: Tlp::Amber,
    });
    let mut briefing = Briefing::new(register, "2018-08-02T12:00:00Z".parse().unwrap(), Tlp::Green);
    briefing.title = "Impersonation of election offices and campaigns".to_owned();
    briefing.findings = vec![
        seen(
            "adfs-senate.services",
            "United States Senate",
            "senate.gov",
            "combosquat",
            Severity::High,
            0.97,
            &[(0, 4, "adfs"), (5, 11, "senate")],
        ),
        seen(
            "senate.group",
            "United States Senate",
            "senate.gov",
            "tld-swap",
            Severity::High,
            0.93,
            &[(0, 6, "senate")],
        ),
        seen(
            "hudsonorg-my-sharepoint.com",
            "Hudson Institute",
            "hudson.org",
            "glued-units",
            Severity::Critical,
            0.98,
            &[(0, 9, "hudson.org"), (10, 23, "my-sharepoint")],
        ),
        seen(
            "clairernccaskill.com",
            "McCaskill for Missouri",
            "clairemccaskill.com",
            "ascii-lookalike",
            Severity::Medium,
            0.72,
            &[(0, 16, "clairemccaskill")],
        ),
        seen(
            "dеmocrats.org",
            "Democratic National Committee",
            "democrats.org",
            "idn-confusable",
            Severity::High,
            0.96,
            &[(0, 10, "democrats")],
        ),
        seen(
            "florida-vote.test",
            "Florida Division of Elections",
            "dos.fl.gov",
            "combosquat",
            Severity::Low,
            0.31,
            &[(0, 7, "florida")],
        ),
        ohio,
        dismissed,
        withheld,
    ];
    let microsoft_gap = Gap {
        from: "2018-07-20T00:00:00Z".parse().unwrap(),
        to: "2018-07-21T06:00:00Z".parse().unwrap(),
        why: "the log server was down".to_owned(),
    };
    let all =
        |source: &str, read: u64, unread: u64, is_complete: bool, targets: Vec<TargetId>, gaps: Vec<Gap>| {
            Coverage {
                desk: "lookalike".to_owned(),
                source: source.to_owned(),
                sha256: is_complete.then(|| EvidenceId::of(source.as_bytes())),
                bytes: read * 19,
                targets,
                window: Observed {
                    first: Some("2018-07-01T00:00:00Z".parse().unwrap()),
                    last: Some("2018-08-01T00:00:00Z".parse().unwrap()),
                },
                gaps,
                records_read: read,
                records_unread: unread,
                series: None,
                silent: Vec::new(),
                is_complete,
            }
        };
    let mut spoken_of: Vec<TargetId> = register.targets.iter().map(|target| target.id.clone()).collect();
    spoken_of.retain(|id| {
        !["nevada-secretary-of-state", "election-commission-of-puerto-rico"].contains(&id.as_str())
    });
    briefing.coverage = vec![
        all("names.txt", 118_204, 12, true, spoken_of.clone(), vec![]),
        all("ct-stream", 40_311, 0, false, spoken_of, vec![microsoft_gap]),
    ];
    briefing.problems = 14;
    briefing.desks = vec![&LOOKALIKE, &MAIL];
    briefing.absent = vec![
        AbsentDesk {
            title: "Voter rolls".to_owned(),
            unseen: "Changes to voter registrations go unseen.".to_owned(),
        },
        AbsentDesk {
            title: "Access logs".to_owned(),
            unseen: "Break-ins to election systems go unseen.".to_owned(),
        },
    ];
    briefing.checkpoint = Some("record.example/ledger\n61\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— record.example/ledger Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n".to_owned());
    briefing.settings = vec![Setting {
        name: "Alarm from".to_owned(),
        value: "medium, score 2.1".to_owned(),
    }];
    briefing
}
