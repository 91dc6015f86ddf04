//! Who was sent phishing mail, and what came of it.

use maud::{Markup, html};
use pollwatch_model::Finding;
use serde_json::Value;

use crate::count::Facts;
use crate::text::{counted, grouped};
use crate::who::numbers;
use crate::words::{interval, spoken};

/// Kinds that the mail desk makes: one message, and a group of them.
const MESSAGE: &str = "phishing-message";
const CAMPAIGN: &str = "phishing-campaign";

/// The section; nothing where no finding is of the mail desk.
pub(crate) fn section(facts: &Facts) -> Markup {
    let of_kind = |kind: &'static str| {
        facts
            .alarms
            .iter()
            .map(|held| &held.finding)
            .filter(move |finding| finding.kind == kind)
    };
    let messages = of_kind(MESSAGE).count() as u64;
    let campaigns: Vec<&Finding> = of_kind(CAMPAIGN).collect();
    if messages == 0 && campaigns.is_empty() {
        return html! {};
    }
    let entered: u64 = campaigns
        .iter()
        .map(|campaign| outcome(campaign, "credentials-entered"))
        .sum();
    html! {
        section aria-labelledby="phished" {
            h2 #phished { "Who was sent phishing mail, and what came of it" }
            p {
                (counted(messages, "message")) " judged suspicious or worse"
                @if !campaigns.is_empty() { ", of which some belong together in " (counted(campaigns.len() as u64, "campaign")) }
                ". "
                @if entered > 0 {
                    "A password was entered, by their own word, by " (grouped(entered)) " of those aimed at; the sign-ins of the account will show more."
                } @else {
                    "Nobody is on record as having entered a password. That is what was reported, not proof that nobody did."
                }
            }
            @if !campaigns.is_empty() {
                div.scroll tabindex="0" role="region" aria-label="Campaigns" {
                    table {
                        thead { tr {
                            th scope="col" { "Claims to be from" } th scope="col" { "Aimed at" } th.n scope="col" { "Messages" }
                            th.n scope="col" { "People" } th scope="col" { "What came of it" } th scope="col" { "When" }
                        } }
                        tbody {
                            @for campaign in &campaigns {
                                tr {
                                    th scope="row" { (facts.veil.text(text(campaign, "claimed").unwrap_or("nobody known"))) }
                                    td.t { (facts.veil.text(&campaign.target.name)) @for role in roles(campaign) { span.under { (facts.veil.text(role)) } } }
                                    (numbers(&[mails(campaign), number(campaign, "people")]))
                                    td.t { (outcomes(facts, campaign)) }
                                    td.t { (interval(campaign.observed)) }
                                }
                            }
                        }
                    }
                }
                p.small { "Addresses are left out on purpose. Messages of one campaign share an attacker's domain, link, file or text; each finding says which." }
            }
        }
    }
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

fn mails(campaign: &Finding) -> u64 {
    campaign
        .details
        .get("messages")
        .and_then(Value::as_array)
        .map_or(0, |all| all.len() as u64)
}

fn roles(campaign: &Finding) -> impl Iterator<Item = &str> {
    campaign
        .details
        .get("roles")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|roles| roles.keys().map(String::as_str))
        .take(6)
}

fn outcome(campaign: &Finding, name: &str) -> u64 {
    let outcomes = campaign.details.get("outcomes").and_then(Value::as_object);
    outcomes
        .and_then(|all| all.get(name))
        .and_then(Value::as_u64)
        .unwrap_or(0)
}

fn outcomes(facts: &Facts, campaign: &Finding) -> Markup {
    let outcomes = campaign.details.get("outcomes").and_then(Value::as_object);
    html! {
        @match outcomes {
            Some(all) if !all.is_empty() => {
                @for (at, (name, count)) in all.iter().enumerate() {
                    @if at > 0 { ", " }
                    (facts.veil.text(&spoken(name))) ": " (grouped(count.as_u64().unwrap_or(0)))
                }
            }
            _ => { "unknown" }
        }
    }
}
