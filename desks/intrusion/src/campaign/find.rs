//! Campaigns: actors of several jurisdictions that are linked, and more strongly than chance would.

use super::null::{MOST_ADDRESSES, Random, benjamini_hochberg, shuffled};
use super::traits::{ActorTraits, Background, mixed};
use super::weigh::{Compared, Link, Weighed, weigh};
use crate::payload::stable_hash;

/// False discoveries among campaigns that are borne (the desk's specification).
const FALSE_DISCOVERY_RATE: f64 = 0.01;
/// Shuffles of the null; a p-value is never below one part in so many.
const SHUFFLES: usize = 10_000;
/// Fewest shuffles, for a great many actors: below it no campaign could pass the rate.
const FEWEST_SHUFFLES: usize = 199;
/// Pairs that are weighed in all shuffles together.
const MOST_PAIRS: usize = 40_000_000;
/// Actors that are compared pair by pair; beyond it the later ones are left out.
const MOST_ACTORS: usize = 4_000;

/// One hand in several jurisdictions.
#[derive(Debug, Clone, PartialEq)]
pub struct Campaign {
    /// Its name: the same whenever the same earliest member is found.
    pub id: String,
    /// Places of its members, by time.
    pub members: Vec<usize>,
    /// Why they belong together.
    pub links: Vec<Link>,
    /// The sum of the links' weights.
    pub weight: f64,
    /// How often a shuffle made a campaign as heavy.
    pub p: f64,
    /// The same, adjusted for the number of campaigns (Benjamini and Hochberg 1995).
    pub q: f64,
}

/// Finds the campaigns among `actors`. Deterministic for a seed.
///
/// Actors are linked pair by pair by what they share; linked ones form components; a component counts when its weight is beyond
/// what shuffles make, at a false discovery rate of 1 %. At most 4,000 actors are compared.
pub fn find_campaigns(actors: &[ActorTraits], background: &Background, seed: u64) -> Vec<Campaign> {
    let actors = &actors[..actors.len().min(MOST_ACTORS)];
    let span_ms = span(actors);
    let observed: Vec<Compared<'_>> = actors
        .iter()
        .map(|actor| Compared {
            traits: actor,
            addresses: actor.clients.iter().take(MOST_ADDRESSES).copied().collect(),
            agents: actor.agents.clone(),
        })
        .collect();
    let links = link(&observed, background, span_ms);
    let mut campaigns: Vec<Campaign> = components(actors.len(), &links)
        .into_iter()
        .map(|members| campaign(actors, members, &links))
        .collect();
    if campaigns.is_empty() {
        return campaigns;
    }
    let pairs = (actors.len() * actors.len() / 2).max(1);
    let shuffles = (MOST_PAIRS / pairs).clamp(FEWEST_SHUFFLES, SHUFFLES);
    let mut random = Random::new(seed);
    let mut as_heavy = vec![0_usize; campaigns.len()];
    for _ in 0..shuffles {
        let drawn = shuffled(actors, background, &mut random);
        let heaviest = heaviest(actors.len(), &link(&drawn, background, span_ms));
        for (count, campaign) in as_heavy.iter_mut().zip(&campaigns) {
            *count += usize::from(heaviest >= campaign.weight);
        }
    }
    let p: Vec<f64> = as_heavy
        .iter()
        .map(|count| (1.0 + *count as f64) / (1.0 + shuffles as f64))
        .collect();
    for ((campaign, p), (_, q)) in campaigns
        .iter_mut()
        .zip(&p)
        .zip(benjamini_hochberg(&p, FALSE_DISCOVERY_RATE))
    {
        campaign.p = *p;
        campaign.q = q;
    }
    campaigns.retain(|campaign| campaign.q <= FALSE_DISCOVERY_RATE);
    campaigns
}

/// From the first line of anybody to the last.
fn span(actors: &[ActorTraits]) -> f64 {
    let first = actors.iter().filter_map(|actor| actor.first_ms).min();
    let last = actors.iter().filter_map(|actor| actor.last_ms).max();
    first.zip(last).map_or(0.0, |(first, last)| (last - first) as f64)
}

/// A linked pair: the places, and what they share.
type Pair = (usize, usize, Weighed);

fn link(compared: &[Compared<'_>], background: &Background, span_ms: f64) -> Vec<Pair> {
    let mut links = Vec::new();
    for b in 1..compared.len() {
        for a in 0..b {
            if let Some(weighed) = weigh(&compared[a], &compared[b], background, span_ms) {
                links.push((a, b, weighed));
            }
        }
    }
    links
}

/// Linked actors, each group in order; groups of one are left out.
fn components(count: usize, links: &[Pair]) -> Vec<Vec<usize>> {
    let mut parent: Vec<usize> = (0..count).collect();
    for (a, b, _) in links {
        let (a, b) = (root(&mut parent, *a), root(&mut parent, *b));
        parent[a.max(b)] = a.min(b);
    }
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); count];
    for place in 0..count {
        groups[root(&mut parent, place)].push(place);
    }
    groups.retain(|group| group.len() > 1);
    groups
}

fn root(parent: &mut [usize], mut place: usize) -> usize {
    while parent[place] != place {
        parent[place] = parent[parent[place]];
        place = parent[place];
    }
    place
}

/// The weight of the heaviest component.
fn heaviest(count: usize, links: &[Pair]) -> f64 {
    components(count, links)
        .iter()
        .map(|group| weight_of(group, links))
        .fold(0.0, f64::max)
}

fn weight_of(group: &[usize], links: &[Pair]) -> f64 {
    links
        .iter()
        .filter(|(a, _, _)| group.binary_search(a).is_ok())
        .map(|(_, _, weighed)| weighed.sum())
        .sum()
}

fn campaign(actors: &[ActorTraits], members: Vec<usize>, pairs: &[Pair]) -> Campaign {
    let weight = weight_of(&members, pairs);
    let links = pairs
        .iter()
        .filter(|(a, _, _)| members.binary_search(a).is_ok())
        .map(|(a, b, weighed)| weighed.link(*a, *b))
        .collect();
    let mut members = members;
    members.sort_by_key(|place| (actors[*place].first_ms.unwrap_or(i64::MAX), *place));
    let earliest = &actors[members[0]];
    let named = format!(
        "{} {:?} {:?}",
        earliest.jurisdiction,
        earliest.clients.first(),
        earliest.first_ms
    );
    Campaign {
        id: format!("campaign-{:08x}", mixed(stable_hash(named.as_bytes())) >> 32),
        members,
        links,
        weight,
        p: 1.0,
        q: 1.0,
    }
}
