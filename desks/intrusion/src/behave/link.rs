//! Which clients are one actor: by what they share that others do not.

use std::collections::{BTreeMap, BTreeSet};

use super::actor::Held;
use super::timeline::Timeline;
use crate::site::Site;

/// Weight from which on two clients are one actor. The weights are logarithms of how much likelier the shared trait is for one
/// actor than for two, as far as one site can tell: a rare agent alone does not suffice, nor does a neighbouring address.
const ENOUGH: f64 = 8.0;
/// Clients that are compared pair by pair.
const MAX_COMPARED: usize = 1500;

/// What a client has that may tie it to another.
struct Traits {
    agent: Option<(u64, String)>,
    network: u128,
    first_ms: i64,
    last_ms: i64,
    fingerprints: BTreeSet<u64>,
    tools: bool,
    paths: BTreeSet<u64>,
}

/// Groups clients; gives each group with the reasons why it is one.
pub(super) fn group(
    site: &Site,
    timeline: &Timeline,
    held: &BTreeMap<u32, Vec<Held>>,
) -> Vec<(Vec<u32>, Vec<String>)> {
    let clients: Vec<u32> = held.keys().copied().collect();
    // An agent that an ordinary visitor has ties nobody to anybody.
    let mut ordinary: BTreeSet<u32> = BTreeSet::new();
    for client in site.clients.iter() {
        if client.agent != u32::MAX && !client.is_watched {
            ordinary.insert(client.agent);
        }
    }
    let traits: Vec<Traits> = clients
        .iter()
        .map(|client| traits_of(site, timeline, *client, &ordinary))
        .collect();
    let mut parent: Vec<usize> = (0..clients.len()).collect();
    let mut reasons: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for b in 1..clients.len().min(MAX_COMPARED) {
        for a in 0..b {
            let (weight, why) = weigh(&traits[a], &traits[b]);
            if weight < ENOUGH {
                continue;
            }
            let (root_a, root_b) = (root(&mut parent, a), root(&mut parent, b));
            if root_a != root_b {
                parent[root_b] = root_a;
                let moved = reasons.remove(&root_b).unwrap_or_default();
                let list = reasons.entry(root_a).or_default();
                list.extend(moved);
                if list.len() < 8 {
                    list.push(format!(
                        "{} and {}: {}",
                        crate::event::address_of(site.clients.get(clients[a]).key),
                        crate::event::address_of(site.clients.get(clients[b]).key),
                        why.join(", ")
                    ));
                }
            }
        }
    }
    let mut groups: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    for (place, client) in clients.iter().enumerate() {
        groups.entry(root(&mut parent, place)).or_default().push(*client);
    }
    groups
        .into_iter()
        .map(|(root, members)| (members, reasons.remove(&root).unwrap_or_default()))
        .collect()
}

fn root(parent: &mut [usize], mut place: usize) -> usize {
    while parent[place] != place {
        parent[place] = parent[parent[place]];
        place = parent[place];
    }
    place
}

fn traits_of(site: &Site, timeline: &Timeline, client: u32, ordinary: &BTreeSet<u32>) -> Traits {
    let seen = site.clients.get(client);
    let is_four = seen.key >> 32 == 0xffff;
    let mut traits = Traits {
        agent: None,
        network: if is_four { seen.key >> 8 } else { seen.key >> 64 },
        first_ms: i64::MAX,
        last_ms: i64::MIN,
        fingerprints: BTreeSet::new(),
        tools: false,
        paths: BTreeSet::new(),
    };
    if seen.agent != u32::MAX
        && !ordinary.contains(&seen.agent)
        && let Some(agent) = site.agents.get(seen.agent)
    {
        traits.agent = Some((agent.key, agent.text.clone()));
    }
    for (_, kept) in timeline.lines(site, client) {
        if kept.time_ms != i64::MIN {
            traits.first_ms = traits.first_ms.min(kept.time_ms);
            traits.last_ms = traits.last_ms.max(kept.time_ms);
        }
        if kept.status >= 400 && traits.paths.len() < 400 {
            traits.paths.insert(kept.path);
        }
        for hit in site.hits_of(kept) {
            traits.tools |= hit.tool != u16::MAX;
            if traits.fingerprints.len() < 400 {
                traits.fingerprints.insert(hit.fingerprint);
            }
        }
    }
    traits
}

fn jaccard(a: &BTreeSet<u64>, b: &BTreeSet<u64>) -> f64 {
    let shared = a.intersection(b).count();
    let all = a.len() + b.len() - shared;
    if all < 8 { 0.0 } else { shared as f64 / all as f64 }
}

fn weigh(a: &Traits, b: &Traits) -> (f64, Vec<String>) {
    let mut weight = 0.0;
    let mut why = Vec::new();
    if let (Some((key_a, text)), Some((key_b, _))) = (&a.agent, &b.agent)
        && key_a == key_b
    {
        // A public tool's own agent is everybody's who uses it.
        let is_tool = a.tools || b.tools;
        weight += if is_tool { 1.0 } else { 5.0 };
        if !is_tool {
            why.push(format!(
                "the same agent, which no ordinary visitor has ({})",
                shorten(text)
            ));
        }
    }
    if a.network == b.network {
        weight += 3.0;
        why.push("neighbouring addresses".to_owned());
    }
    let gap = (a.first_ms.max(b.first_ms)).saturating_sub(a.last_ms.min(b.last_ms));
    if gap <= 1_800_000 {
        weight += 2.0;
        why.push("at the same time".to_owned());
    }
    if jaccard(&a.fingerprints, &b.fingerprints) > 0.5 {
        weight += 4.0;
        why.push("the same payloads".to_owned());
    }
    if jaccard(&a.paths, &b.paths) > 0.5 {
        weight += 4.0;
        why.push("the same list of paths".to_owned());
    }
    (weight, why)
}

fn shorten(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        format!("{short}…")
    } else {
        short
    }
}
