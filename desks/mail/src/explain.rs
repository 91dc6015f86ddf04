//! A judged message, and a campaign, as findings.

use std::collections::BTreeMap;

use pollwatch_model::register::{MailBoundary, Target, TargetKind};
use pollwatch_model::{
    Draft, Excerpt, Indicator, Observed, Polarity, Probability, Reason, Register, Severity, Stage, TargetId,
    TargetRef, Tlp,
};
use pollwatch_names::{Lines, defang, shown};
use serde_json::{Map, Value, json};

use crate::campaign::{Campaign, Outcome, Role as PersonRole, Traits};
use crate::examine::Judged;
use crate::indicator::{MailIndicator, Role, without_victims};
use crate::judge::{Band, Verdict};
use crate::signal::{Group, Signal};

/// The target that stands for a mailbox of which the register knows nothing.
const UNKNOWN_TARGET: &str = "unknown-mailbox";

/// The target of the register at `place`, or one that says that the register does not know it.
pub fn target_of(register: &Register, place: Option<usize>) -> Option<TargetRef> {
    match place.and_then(|place| register.targets.get(place)) {
        Some(target) => {
            let target = register.reported_as(target);
            Some(TargetRef {
                id: target.id.clone(),
                name: target.name.clone(),
            })
        }
        None => Some(TargetRef {
            id: UNKNOWN_TARGET.parse::<TargetId>().ok()?,
            name: "a mailbox that the register does not list".to_owned(),
        }),
    }
}

/// Hostile text without the recipients' addresses, on one line.
fn masked(text: &str, victims: &[String]) -> String {
    shown(&without_victims(text, victims), 300, Lines::Joined)
}

/// The finding that a judged message makes; `None` for a verdict below suspicious.
pub fn message_draft(judged: &Judged, register: &Register) -> Option<Draft> {
    let verdict = judged.scored.verdict;
    if !verdict.is_alarm() {
        return None;
    }
    let entered = judged.outcome >= Outcome::CredentialsEntered;
    let strongest = judged.scored.weighed.iter().find(|one| one.weight > 0.3);
    let claimed = judged
        .claimed
        .clone()
        .unwrap_or_else(|| "somebody known".to_owned());
    let what = match verdict {
        Verdict::Phishing => "A phishing message",
        _ => "A suspicious message",
    };
    let why = strongest.map_or(String::new(), |one| {
        format!(" {}", masked(&one.seen.says, &judged.victims))
    });
    let came = if entered {
        " The person who reported it says that a password was entered."
    } else {
        ""
    };
    let reasons = judged
        .scored
        .weighed
        .iter()
        .filter(|one| one.band != Band::Mention)
        .map(|one| {
            let quote = masked(&one.seen.quote.text, &judged.victims);
            let quoted = if quote.is_empty() {
                String::new()
            } else {
                format!(" \u{201c}{quote}\u{201d}")
            };
            Reason {
                code: one.seen.signal.id().to_owned(),
                text: format!("{}{quoted}", masked(&one.seen.says, &judged.victims)),
                weight: (one.weight * 100.0).round() / 100.0,
                spans: Vec::new(),
            }
        })
        .collect();
    let mut details = Map::new();
    details.insert("technique".to_owned(), json!(chief_detector(judged)));
    details.insert("claimed".to_owned(), json!(judged.claimed));
    details.insert("from".to_owned(), json!(masked(&judged.from, &judged.victims)));
    details.insert(
        "subject".to_owned(),
        json!(masked(&judged.subject, &judged.victims)),
    );
    details.insert(
        "signals".to_owned(),
        judged
            .scored
            .weighed
            .iter()
            .map(|one| json!({"id": one.seen.signal.id(), "group": one.group, "band": one.band, "part": one.seen.quote.part, "offset": one.seen.quote.offset}))
            .collect(),
    );
    details.insert("against".to_owned(), json!(judged.against));
    details.insert("not_checked".to_owned(), json!(judged.not_checked));
    details.insert("authentication".to_owned(), authentication(judged));
    details.insert("recipients".to_owned(), json!(judged.victims.len()));
    details.insert("reported".to_owned(), json!(judged.reporter.is_some()));
    details.insert("outcome".to_owned(), json!(judged.outcome));
    Some(Draft {
        kind: "phishing-message",
        polarity: Polarity::Threat,
        stage: Some(if entered {
            Stage::Succeeded
        } else {
            Stage::Attempted
        }),
        target: target_of(register, judged.target)?,
        subject: judged.message.clone(),
        verdict: Some(verdict.word().to_owned()),
        severity: match (verdict, entered) {
            (_, true) => Severity::Critical,
            (Verdict::Phishing, _) => Severity::High,
            _ => Severity::Medium,
        },
        confidence: Probability::rounded(judged.scored.probability),
        tlp: Tlp::Amber,
        observed: Observed::at(judged.date),
        summary: format!("{what} that speaks as {claimed}.{why}{came}"),
        reasons,
        alternatives: alternatives(judged),
        next: next(judged, entered),
        indicators: indicators(judged),
        techniques: techniques(judged),
        details,
    })
}

/// Authentication in the words of the fields that recorded it.
pub fn authentication(judged: &Judged) -> Value {
    let word = |result: Option<crate::authenticate::MethodResult>| result.map(|result| result.as_str());
    let known = &judged.authentication;
    json!({
        "state": known.state, "spf": word(known.spf), "dkim": word(known.dkim), "dmarc": word(known.dmarc),
        "arc": word(known.arc), "aligned": known.aligned, "proven_domain": known.proven_domain,
        "override": known.overridden_by_arc,
    })
}

fn chief_detector(judged: &Judged) -> &'static str {
    let of = |group: Group| -> f64 {
        judged
            .scored
            .weighed
            .iter()
            .filter(|one| one.group == group)
            .map(|one| one.weight)
            .sum()
    };
    let groups = [
        (Group::Claim, "claim"),
        (Group::Path, "path"),
        (Group::Ask, "ask"),
        (Group::Proof, "proof"),
    ];
    groups
        .into_iter()
        .max_by(|a, b| of(a.0).total_cmp(&of(b.0)))
        .map_or("claim", |(_, name)| name)
}

fn alternatives(judged: &Judged) -> Vec<String> {
    let mut all = Vec::new();
    let has = |signal: Signal| {
        judged
            .scored
            .weighed
            .iter()
            .any(|one| one.seen.signal == signal && one.weight > 0.3)
    };
    if has(Signal::DisplayBrand) || has(Signal::BodyBrand) {
        all.push("A service that writes on the organisation's behalf from a domain of its own.".to_owned());
    }
    if has(Signal::DisplayVip) {
        all.push("A namesake, or the person writing from a private mailbox.".to_owned());
    }
    if has(Signal::LookalikeDomain) || has(Signal::LookalikeHost) {
        all.push("A second domain of the same organisation that the register does not list.".to_owned());
    }
    if judged.authentication.proven_domain.is_some() {
        all.push("A genuine sender with an unusual request; ask them by telephone.".to_owned());
    }
    if all.is_empty() {
        all.push("An honest message in unusual form.".to_owned());
    }
    all
}

fn next(judged: &Judged, entered: bool) -> String {
    if entered {
        return "Change that password from another device now, end all sessions of the account, and look at its sign-ins and mailbox rules.".to_owned();
    }
    match judged.scored.verdict {
        Verdict::Phishing => "Tell the person who has it not to follow it, take it out of the other mailboxes, and block what is listed as the attacker's.".to_owned(),
        _ => "Ask the claimed sender by a telephone number that you already had, before anybody follows it.".to_owned(),
    }
}

/// Most indicators of one message that a campaign keeps.
const MAX_KEPT_INDICATORS: usize = 40;
/// Most indicators that a campaign names.
const MAX_CAMPAIGN_INDICATORS: usize = 200;

/// What others can search for: the attacker's own and the pages they have with services, victims taken out.
fn indicators(judged: &Judged) -> Vec<Indicator> {
    searchable(&judged.indicators, &judged.victims)
}

/// The same, as a message's traits keep it for its campaign.
pub(crate) fn kept_indicators(found: &[MailIndicator], victims: &[String]) -> Vec<Indicator> {
    let mut all = searchable(found, victims);
    all.truncate(MAX_KEPT_INDICATORS);
    all
}

fn searchable(found: &[MailIndicator], victims: &[String]) -> Vec<Indicator> {
    let mut all: Vec<Indicator> = found
        .iter()
        .filter(|one| matches!(one.role, Role::Attacker | Role::AbusedService))
        .map(|one| Indicator {
            kind: match one.kind.as_str() {
                "file" | "file-sha256" => "file".to_owned(),
                other => other.to_owned(),
            },
            value: without_victims(&one.value, victims),
        })
        .collect();
    all.sort();
    all.dedup();
    all
}

/// A campaign's indicators: those that most of its messages share come first where there are too many.
fn campaign_indicators(campaign: &Campaign, all: &[Traits]) -> Vec<Indicator> {
    let mut counts: BTreeMap<&Indicator, usize> = BTreeMap::new();
    for traits in campaign.members.iter().filter_map(|at| all.get(*at)) {
        for indicator in &traits.indicators {
            *counts.entry(indicator).or_default() += 1;
        }
    }
    let mut ranked: Vec<(&Indicator, usize)> = counts.into_iter().collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let mut kept: Vec<Indicator> = ranked
        .into_iter()
        .take(MAX_CAMPAIGN_INDICATORS)
        .map(|(one, _)| one.clone())
        .collect();
    kept.sort();
    kept
}

/// What a campaign rests on: its messages by digest and place, and why each belongs to another. The messages themselves are the
/// evidence of their own findings.
pub fn campaign_excerpt(campaign: &Campaign, all: &[Traits]) -> Excerpt {
    let addresses: Vec<String> = campaign
        .people
        .iter()
        .map(|person| person.address.clone())
        .collect();
    let messages: Vec<Value> = campaign
        .members
        .iter()
        .filter_map(|at| all.get(*at))
        .map(|traits| json!({"sha256": traits.message, "locator": traits.locator, "time": traits.time, "probability": Probability::rounded(traits.probability)}))
        .collect();
    let joins: Vec<Value> = campaign
        .joins
        .iter()
        .map(|join| json!({"a": join.a, "b": join.b, "why": masked(&join.why, &addresses)}))
        .collect();
    let bytes = json!({"campaign": campaign.id, "messages": messages, "joins": joins})
        .to_string()
        .into_bytes();
    let first = campaign.members.first().and_then(|at| all.get(*at));
    Excerpt {
        bytes,
        media_type: "application/json",
        locator: first.map(|traits| traits.locator.clone()).unwrap_or_default(),
    }
}

fn techniques(judged: &Judged) -> Vec<&'static str> {
    let has = |test: &dyn Fn(&str) -> bool| {
        judged
            .scored
            .weighed
            .iter()
            .any(|one| one.weight > 0.3 && test(one.seen.signal.id()))
    };
    let mut all = Vec::new();
    if has(&|id| id.starts_with("att.")) {
        all.push("T1566.001");
    }
    if has(&|id| id.starts_with("link.") || id == "body.qr_link") {
        all.push("T1566.002");
    }
    if has(&|id| id == "body.credential_lure") && has(&|id| id.starts_with("link.")) {
        all.push("T1598.003");
    }
    if has(&|id| id.starts_with("from.")) {
        all.push("T1656");
    }
    if all.is_empty() {
        all.push("T1566");
    }
    all
}

/// From this probability a message is called phishing (see [`crate::judge`]).
const LIKELY_PHISHING: f64 = 0.9;

/// The probability of the likeliest member: a campaign is as bad as its clearest message.
fn likeliest(campaign: &Campaign, all: &[Traits]) -> f64 {
    campaign
        .members
        .iter()
        .filter_map(|at| all.get(*at))
        .map(|traits| traits.probability)
        .fold(0.0, f64::max)
}

/// How urgently a campaign wants a person.
pub fn campaign_severity(campaign: &Campaign, all: &[Traits]) -> Severity {
    let entered = campaign
        .people
        .iter()
        .any(|person| person.outcome >= Outcome::CredentialsEntered);
    match (entered, likeliest(campaign, all) >= LIKELY_PHISHING) {
        (true, _) => Severity::Critical,
        (false, true) => Severity::High,
        (false, false) => Severity::Medium,
    }
}

/// A register's entry for a mailbox of which only the boundary is known.
pub fn unlisted_mailbox(mail: MailBoundary) -> Target {
    Target {
        id: TargetId::slug(UNKNOWN_TARGET),
        name: "a mailbox that the register does not list".to_owned(),
        kind: TargetKind::Other,
        state: String::new(),
        domains: Vec::new(),
        owned: Vec::new(),
        allow: Vec::new(),
        aliases: Vec::new(),
        same_as: None,
        people: Vec::new(),
        partners: Vec::new(),
        mail,
        assessors: Vec::new(),
        registered_voters: None,
    }
}

/// The finding that a campaign of two or more messages makes.
pub fn campaign_draft(
    campaign: &Campaign,
    all: &[Traits],
    messages: &[String],
    claimed: &str,
    target: TargetRef,
) -> Draft {
    let likely = likeliest(campaign, all);
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    let mut roles: BTreeMap<String, u64> = BTreeMap::new();
    for person in &campaign.people {
        let outcome = serde_json::to_value(person.outcome).ok();
        let outcome = outcome
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default();
        *outcomes.entry(outcome).or_default() += 1;
        if let Some(PersonRole { role, .. }) = &person.role
            && !role.is_empty()
        {
            *roles.entry(role.clone()).or_default() += 1;
        }
    }
    let entered = campaign
        .people
        .iter()
        .any(|person| person.outcome >= Outcome::CredentialsEntered);
    let addresses: Vec<String> = campaign
        .people
        .iter()
        .map(|person| person.address.clone())
        .collect();
    let joins: Vec<Value> = campaign
        .joins
        .iter()
        .take(200)
        .map(|join| json!({"a": join.a, "b": join.b, "why": masked(&join.why, &addresses)}))
        .collect();
    let why = campaign
        .joins
        .first()
        .map(|join| masked(&defang(&join.why), &addresses))
        .unwrap_or_default();
    let came = if entered {
        " At least one password was entered, as far as is reported."
    } else {
        ""
    };
    let count = if campaign.mails > 0 {
        campaign.mails
    } else {
        messages.len()
    };
    Draft {
        kind: "phishing-campaign",
        polarity: Polarity::Threat,
        stage: Some(if entered { Stage::Succeeded } else { Stage::Attempted }),
        target,
        subject: campaign.id.clone(),
        verdict: Some(if likely >= LIKELY_PHISHING { "phishing" } else { "suspicious" }.to_owned()),
        severity: campaign_severity(campaign, all),
        confidence: Probability::rounded(likely),
        tlp: Tlp::Amber,
        observed: Observed {
            first: campaign.first,
            last: campaign.last,
        },
        summary: format!("{count} messages to {} people belong together.{came}", campaign.people.len()),
        reasons: vec![Reason {
            code: "joined".to_owned(),
            text: if why.is_empty() { "They share what an attacker would use again.".to_owned() } else { format!("The first two are joined by: {why}.") },
            weight: 1.0,
            spans: Vec::new(),
        }],
        alternatives: vec!["Messages of one honest service that were each judged wrongly.".to_owned()],
        next: "Look for the same domain, link or file in every mailbox, and ask those who are not on record what they did with it.".to_owned(),
        indicators: campaign_indicators(campaign, all),
        techniques: vec!["T1566"],
        details: [
            ("technique".to_owned(), json!("campaign")),
            ("claimed".to_owned(), json!(claimed)),
            ("messages".to_owned(), json!(messages)),
            ("people".to_owned(), json!(campaign.people.len())),
            ("roles".to_owned(), json!(roles)),
            ("outcomes".to_owned(), json!(outcomes)),
            ("joins".to_owned(), json!(joins)),
            ("also".to_owned(), json!(campaign.also)),
            ("reports".to_owned(), json!(campaign.reported_by.len())),
            ("first_report_after_seconds".to_owned(), json!(campaign.first_report_after)),
        ]
        .into_iter()
        .collect(),
    }
}
