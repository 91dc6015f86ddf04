//! Which contests were audited on paper, with what result, and which were not.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use pollwatch_model::{Finding, Polarity};
use serde_json::Value;

use crate::count::Facts;
use crate::text::{counted, grouped};
use crate::words::interval;

/// The kind that the audit desk makes: one contest of an audit that has ended.
const CONTEST: &str = "contest-outcome";

/// The section; nothing where no finding is of the audit desk.
pub(crate) fn section(facts: &Facts) -> Markup {
    let shown = facts
        .assurances
        .iter()
        .chain(&facts.alarms)
        .map(|held| &held.finding);
    let ended: Vec<&Finding> = shown.filter(|finding| finding.kind == CONTEST).collect();
    if ended.is_empty() {
        return html! {};
    }
    let wrong = ended
        .iter()
        .filter(|finding| finding.polarity == Polarity::Threat)
        .count() as u64;
    let right = ended.len() as u64 - wrong;
    // Every finding of an audit says what it left open when it was made; the latest of each audit counts.
    let mut latest: BTreeMap<&str, &Finding> = BTreeMap::new();
    for finding in &ended {
        let audit = text(finding, "audit").unwrap_or_default();
        let known = latest.entry(audit).or_insert(finding);
        if finding.observed.last > known.observed.last {
            *known = finding;
        }
    }
    html! {
        section aria-labelledby="audited" {
            h2 #audited { "Whether the votes were counted as cast" }
            p {
                "People read paper ballots that dice had chosen, and compared them with what the voting system had recorded. "
                @if wrong > 0 {
                    strong { "In " (counted(wrong, "contest")) " the count of every card contradicts the report. " }
                    "A tabulation or manifest error is the first thing to look for. "
                }
                @if right > 0 { "In " (counted(right, "contest")) " the reported winners were confirmed." }
            }
            div.scroll tabindex="0" role="region" aria-label="Audited contests" {
                table {
                    thead { tr {
                        th scope="col" { "Contest" } th scope="col" { "Reported to have won" } th scope="col" { "What the paper says" }
                        th scope="col" { "Risk measured" } th.n scope="col" { "Draws" } th scope="col" { "When" }
                    } }
                    tbody { @for finding in &ended { (row(facts, finding)) } }
                }
            }
            p.small {
                "Risk: if the reported winners had not won, the chance that the cards drawn would speak for them as strongly as they do is \
                 at most the risk measured, and that the audit would confirm them all the same at most its limit, whatever went wrong and \
                 whoever did it. It says nothing of who was entitled to vote, and it rests on the paper having been kept; the findings say \
                 what is known of that."
            }
            @for (audit, finding) in &latest {
                (left_out(facts, audit, finding, "not_audited", "Not audited", "Nothing on this page says how the votes of %s were counted."))
                (left_out(facts, audit, finding, "open", "Not ended", "The cards read so far do not decide %s."))
            }
        }
    }
}

fn row(facts: &Facts, finding: &Finding) -> Markup {
    let said = match finding.polarity {
        Polarity::Assurance if is_full_count(finding) => "confirmed by a count of every card".to_owned(),
        Polarity::Assurance => "confirmed".to_owned(),
        Polarity::Threat => format!("the report is wrong: {} won", listed(facts, finding, "corrected")),
    };
    let risk = finding.details.get("risk").and_then(Value::as_f64);
    let limit = text(finding, "risk_limit").and_then(|limit| limit.parse().ok());
    html! {
        tr {
            th scope="row" {
                (facts.veil.text(text(finding, "contest").unwrap_or("unknown")))
                span.under { (facts.veil.text(&finding.target.name)) }
            }
            td.t { (listed(facts, finding, "reported")) }
            td.t { (said) }
            td.t {
                @match (risk, is_full_count(finding) || finding.polarity == Polarity::Threat) {
                    (Some(risk), false) => {
                        "at most " (percent(risk))
                        @if let Some(limit) = limit { span.under { "limit " (percent(limit)) } }
                    }
                    _ => { "none: every card was counted" }
                }
            }
            td.n {
                (grouped(number(finding, "draws")))
                span.under { "of " (grouped(number(finding, "cards"))) " cards" }
            }
            td.t { (interval(finding.observed)) }
        }
    }
}

/// Names of contests that an audit left out, in one sentence; nothing where it left none.
fn left_out(facts: &Facts, audit: &str, finding: &Finding, key: &str, words: &str, means: &str) -> Markup {
    let names: BTreeSet<&str> = finding
        .details
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if names.is_empty() {
        return html! {};
    }
    let names: Vec<String> = names.into_iter().map(|name| facts.veil.text(name)).collect();
    html! {
        p { strong { (words) " in " (facts.veil.text(audit)) ": " } (names.join(", ")) ". " (means.replace("%s", if names.len() == 1 { "this contest" } else { "these contests" })) }
    }
}

fn is_full_count(finding: &Finding) -> bool {
    finding
        .details
        .get("full_hand_count")
        .is_some_and(|count| !count.is_null())
}

fn text<'f>(finding: &'f Finding, name: &str) -> Option<&'f str> {
    finding
        .details
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

fn number(finding: &Finding, name: &str) -> u64 {
    finding.details.get(name).and_then(Value::as_u64).unwrap_or(0)
}

fn listed(facts: &Facts, finding: &Finding, name: &str) -> String {
    let names = finding
        .details
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let names: Vec<String> = names
        .filter_map(Value::as_str)
        .map(|name| facts.veil.text(name))
        .collect();
    if names.is_empty() {
        "nobody".to_owned()
    } else {
        names.join(", ")
    }
}

/// A share as text that never says less than it is: two digits, rounded up.
fn percent(share: f64) -> String {
    let percent = (share * 100.0).clamp(0.0, 100.0);
    if percent < 0.01 {
        return "0.01 %".to_owned();
    }
    let scale = if percent >= 10.0 {
        1.0
    } else if percent >= 1.0 {
        10.0
    } else {
        100.0
    };
    // A share such as 0.05 is no exact binary number, and 5 % must not become 5.1 %.
    format!("{} %", (percent * scale - 1e-9).ceil() / scale)
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn shares_are_rounded_up() {
        let texts = [0.05, 0.0123, 0.00091, 0.0000004, 0.305, 1.0].map(percent);
        assert_eq!(texts, ["5 %", "1.3 %", "0.1 %", "0.01 %", "31 %", "100 %"]);
    }
}
