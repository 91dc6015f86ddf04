//! Visits of a campaign's addresses to jurisdictions where they did nothing else: contact, and never more.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::find::Campaign;
use super::traits::ActorTraits;
use crate::behave::{Actor, Held, Standing};
use crate::event::{address_key, address_of};
use crate::sweep::SiteReport;
use crate::{Class, Verdict};

/// The rule that such a contact is told by.
pub(crate) const RULE: &str = "visit-of-a-campaigns-address";
/// Members of a campaign that have to come from an address for it to be the campaign's own.
const MEMBERS: usize = 2;

/// Adds to each report the visits of addresses from which several other jurisdictions were attacked by one hand.
///
/// An address that merely visited as many jurisdictions as it attacked is a way in for many, and says nothing of anybody.
pub(crate) fn add_visits(reports: &mut [SiteReport], campaigns: &[Campaign], traits: &[ActorTraits]) {
    let mut own: BTreeMap<u128, (&str, BTreeSet<&str>)> = BTreeMap::new();
    for campaign in campaigns {
        for &member in &campaign.members {
            for address in &traits[member].clients {
                let (_, attacked) = own
                    .entry(address_key(*address))
                    .or_insert((campaign.id.as_str(), BTreeSet::new()));
                attacked.insert(&traits[member].jurisdiction);
            }
        }
    }
    for (key, (campaign, attacked)) in own {
        if attacked.len() < MEMBERS {
            continue;
        }
        let visited: Vec<usize> = (0..reports.len())
            .filter(|place| {
                let report = &reports[*place];
                report.site.clients.by_key(key).is_some_and(|(client, _)| {
                    !report.actors.iter().any(|actor| actor.clients.contains(&client))
                })
            })
            .collect();
        if visited.len() >= attacked.len() {
            continue;
        }
        for place in visited {
            let report = &mut reports[place];
            if let Some(actor) = visit(report, key, campaign, attacked.len()) {
                report.actors.push(actor);
                report
                    .actors
                    .sort_by_key(|actor| std::cmp::Reverse(actor.verdict));
            }
        }
    }
}

fn visit(report: &SiteReport, key: u128, campaign: &str, attacked: usize) -> Option<Actor> {
    let (place, client) = report.site.clients.by_key(key)?;
    let address: IpAddr = address_of(key);
    let lines: Vec<u32> = report
        .timeline
        .lines(&report.site, place)
        .map(|(line, _)| line)
        .collect();
    let seconds = |at: u32| (at > 0).then(|| i64::from(at) * 1000);
    Some(Actor {
        clients: vec![place],
        addresses: vec![address],
        class: Class::Contact,
        classes: BTreeSet::from([Class::Contact]),
        verdict: Verdict::Contact,
        standing: Standing::Medium,
        links: Vec::new(),
        lines: lines.iter().map(|line| (*line, Class::Contact)).collect(),
        first_ms: seconds(client.first_s),
        last_ms: seconds(client.last_s),
        tools: Vec::new(),
        assessor: None,
        campaign: None,
        campaign_links: Vec::new(),
        held: vec![Held {
            class: Class::Contact,
            verdict: Verdict::Contact,
            standing: Standing::Medium,
            rule: RULE,
            says: format!(
                "From this address {attacked} other jurisdictions were attacked by one hand (campaign {campaign}). Here it made {} \
                 requests, none of which carries anything hostile: this is a visit, not an attack. An address changes hands, and many \
                 people may share it.",
                client.requests
            ),
            overturned_by: "the address belonged to somebody else at that time, or is shared by many",
            counts: BTreeMap::from([
                ("requests", u64::from(client.requests)),
                ("attacked", attacked as u64),
            ]),
            lines,
        }],
    })
}
