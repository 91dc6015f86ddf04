//! What an audit came to, in sentences that the public understands, and as findings.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pollwatch_model::{Draft, Observed, Polarity, Probability, Reason, Severity, Stage, TargetRef, Tlp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::flow::event::{Answers, Audited, Yes};
use crate::flow::{ContestResult, Verdict, limit_text, risk_text};

/// The kind of every finding of this desk.
pub const KIND: &str = "contest-outcome";

/// What stands at the head of an assessment, in the form in which the desk reads it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Version of this format: 1.
    pub schema: u32,
    /// The audit's name.
    pub audit: String,
    /// Its title.
    pub title: String,
    /// Whose election it is.
    pub target: TargetRef,
    /// The risk limit, as it was written.
    pub risk_limit: String,
    /// What the results rest on.
    pub answers: Answers,
    /// From the first draw to the last reading.
    pub window: Observed,
    /// When it was assessed.
    pub at: Timestamp,
    /// Cards, or batches, read.
    pub read: u64,
    /// Contests that were not audited.
    #[serde(default)]
    pub not_audited: Vec<String>,
    /// Contests that the readings do not decide yet.
    #[serde(default)]
    pub open: Vec<String>,
}

/// What a contest came to, in one or two sentences. `risk_limit` as it was written.
pub fn sentence(one: &ContestResult, risk_limit: &str) -> String {
    let limit = limit_text(risk_limit);
    let winners = listed(&one.winners);
    match one.verdict {
        Verdict::Confirmed if one.hand_count.is_some() => {
            format!("Every card was counted by hand: {winners} won, as reported.")
        }
        Verdict::Confirmed => format!(
            "Reported to have won: {winners}. If that were wrong, the chance that this audit would not have noticed is at most {} \
             (the limit set beforehand is {limit}).",
            risk_text(one.risk.unwrap_or(1.0))
        ),
        Verdict::NotYet => {
            let risk = one.risk.map(|risk| {
                format!(
                    "the risk measured so far is {}, and the limit is {limit}",
                    risk_text(risk)
                )
            });
            let why = one.because.clone().map(|because| format!("; {because}"));
            format!(
                "Not yet shown: {}{}.",
                risk.unwrap_or_else(|| "no card of it has been read".to_owned()),
                why.unwrap_or_default()
            )
        }
        Verdict::FullCount => format!(
            "Only a full hand count can tell who won: {}.",
            one.because.as_deref().unwrap_or("a sample cannot")
        ),
        Verdict::Wrong => format!(
            "The full hand count contradicts the report. Reported to have won: {winners}. By the count of every card: {}{}.",
            listed(one.corrected.as_deref().unwrap_or_default()),
            one.hand_count
                .as_ref()
                .map(|votes| format!(" ({})", votes_text(votes)))
                .unwrap_or_default()
        ),
        Verdict::NotAudited if one.audited == Audited::No => "It was not audited.".to_owned(),
        Verdict::NotAudited => "No card of it was drawn, so nothing is shown.".to_owned(),
    }
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "nobody".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn votes_text(votes: &BTreeMap<String, u64>) -> String {
    let mut all: Vec<(&String, &u64)> = votes.iter().collect();
    all.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
    all.into_iter()
        .map(|(name, votes)| format!("{name} {}", crate::page::grouped(*votes)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// What a result does not show, as the answers of `init` leave it open; empty when both are yes.
pub fn caveats(answers: &Answers) -> Vec<String> {
    let mut caveats = Vec::new();
    let mut add = |yes: Yes, no: &str, unknown: &str| match yes {
        Yes::Yes => {}
        Yes::No => caveats.push(no.to_owned()),
        Yes::NotKnown => caveats.push(unknown.to_owned()),
    };
    add(
        answers.paper_trail.is_so,
        "The paper trail was not kept as it must be: the paper that was read need not be the paper that voters cast.",
        "Nobody has shown that the paper trail was kept (a compliance audit does): the paper that was read may not be the paper \
         that voters cast.",
    );
    add(
        answers.manifest_independent.is_so,
        "The manifest comes from the voting system: cards that the system left out of both could not be drawn.",
        "Nobody has said that the manifest was made without the voting system: if it was not, cards left out of both could not \
         be drawn.",
    );
    caveats
}

/// The finding that a contest ends as; `None` while it has not ended.
pub fn draft(head: &Head, one: &ContestResult) -> Option<Draft> {
    let said = sentence(one, &head.risk_limit);
    let caveats = caveats(&head.answers);
    let (polarity, stage, severity, confidence, tlp) = match one.verdict {
        Verdict::Confirmed => (
            Polarity::Assurance,
            None,
            Severity::Info,
            1.0 - one.risk.unwrap_or(0.0),
            Tlp::Clear,
        ),
        Verdict::Wrong => (
            Polarity::Threat,
            Some(Stage::Altered),
            Severity::Critical,
            FULL_COUNT_CONFIDENCE,
            Tlp::Amber,
        ),
        _ => return None,
    };
    let mut reasons = vec![reason("outcome", said.clone())];
    if one.hand_count.is_none() {
        reasons.push(reason(
            "sample",
            format!(
                "{} draws were compared, of {} cards that may hold the contest; {} cards say otherwise than their records.",
                crate::page::grouped(one.draws),
                crate::page::grouped(one.cards),
                one.differences.len()
            ),
        ));
    }
    let mut alternatives: Vec<String> = Vec::new();
    let next = if one.verdict == Verdict::Wrong {
        alternatives.extend(
            [
                "A tabulation error: a scanner out of adjustment, a ballot laid out wrongly, a batch scanned twice or not at all.",
                "A manifest error: cards that were counted by hand and not by machine, or the reverse.",
                "An error of the hand count itself: count the batches that differ most a second time, by other people.",
            ]
            .map(str::to_owned),
        );
        "Do not certify the reported result. Find the batches in which report and count differ, keep equipment and paper as they \
         are, and let people who had no part in it look before anybody speaks of an attack."
            .to_owned()
    } else {
        "Publish the package (`pollwatch audit publish`), so that anybody can check this.".to_owned()
    };
    alternatives.extend(caveats);
    let mut details = Map::new();
    details.insert("audit".to_owned(), json!(head.audit));
    details.insert("contest".to_owned(), json!(one.contest));
    details.insert("reported".to_owned(), json!(one.winners));
    details.insert("corrected".to_owned(), json!(one.corrected));
    details.insert(
        "risk".to_owned(),
        one.risk.map_or(Value::Null, |risk| json!(risk)),
    );
    details.insert("risk_limit".to_owned(), json!(head.risk_limit));
    details.insert("draws".to_owned(), json!(one.draws));
    details.insert("cards".to_owned(), json!(one.cards));
    details.insert("full_hand_count".to_owned(), json!(one.hand_count));
    details.insert("not_audited".to_owned(), json!(head.not_audited));
    details.insert("open".to_owned(), json!(head.open));
    let verb = if one.verdict == Verdict::Wrong {
        "the reported outcome is wrong"
    } else {
        "votes were counted as cast"
    };
    Some(Draft {
        kind: KIND,
        polarity,
        stage,
        target: head.target.clone(),
        subject: format!("{}/{}", head.audit, one.contest),
        verdict: Some(one.verdict.word().to_owned()),
        severity,
        confidence: Probability::rounded(confidence),
        tlp,
        observed: head.window,
        summary: format!("{} ({}): {verb}. {said}", one.contest, head.title),
        reasons,
        alternatives,
        next,
        indicators: Vec::new(),
        techniques: Vec::new(),
        details,
    })
}

/// How sure a full hand count is. It decides, and people count: nobody has measured how often such a count names the wrong
/// winner, so the figure says no more than "nearly certain, and worth a second count".
const FULL_COUNT_CONFIDENCE: f64 = 0.99;

fn reason(code: &str, text: String) -> Reason {
    Reason {
        code: code.to_owned(),
        text,
        weight: 1.0,
        spans: Vec::new(),
    }
}
