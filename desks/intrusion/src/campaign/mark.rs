//! Campaigns written into the actors of reports.

use super::find::{Campaign, find_campaigns};
use super::traits::traits_of;
use super::visit::add_visits;
use crate::sweep::SiteReport;

/// Seed of the shuffles where nobody names one.
pub const MARK_SEED: u64 = 0x706f_6c6c_7761_7463;

/// Most reasons that one actor carries.
const MAX_REASONS: usize = 6;

/// Finds the campaigns of these reports and writes to each member which one it is, and why; adds as contacts what their addresses
/// merely visited. Gives them back, with members as
/// places in the list of all comparable actors.
pub fn mark(reports: &mut [SiteReport], seed: u64) -> Vec<Campaign> {
    let (traits, places, background) = traits_of(reports);
    let campaigns = find_campaigns(&traits, &background, seed);
    for campaign in &campaigns {
        for &member in &campaign.members {
            let mut links: Vec<_> = campaign
                .links
                .iter()
                .filter(|link| link.a == member || link.b == member)
                .collect();
            links.sort_by(|a, b| b.weight.total_cmp(&a.weight));
            let (report, actor) = places[member];
            let actor = &mut reports[report].actors[actor];
            actor.campaign = Some(campaign.id.clone());
            actor.campaign_links = links
                .into_iter()
                .take(MAX_REASONS)
                .map(|link| {
                    let other = &traits[if link.a == member { link.b } else { link.a }];
                    let shared: Vec<&str> = link.shared.iter().map(|(_, words, _)| words.as_str()).collect();
                    let address = other
                        .clients
                        .first()
                        .map_or_else(String::new, ToString::to_string);
                    format!("{} ({address}): {}", other.jurisdiction, shared.join(", "))
                })
                .collect();
        }
    }
    add_visits(reports, &campaigns, &traits);
    campaigns
}
