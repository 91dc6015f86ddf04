//! Which clients are one actor: by what they share that others do not.
//!
//! Every shared trait is weighed by the logarithm of how much likelier it is for one hand than for two (Fellegi and Sunter 1969,
//! *A Theory for Record Linkage*). How likely it is for two is counted in this very log: among all its clients where the trait is
//! one that any client may have, among the other suspects where only an attacker has it. What a public tool sends, or a word list
//! that anybody may load, is what all who use it share, and ties nobody.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};

use super::actor::Held;
use super::timeline::Timeline;
use crate::Class;
use crate::site::Site;

/// How much likelier one hand must be than two, beyond the number of suspects that a client could be mistaken for: a hundred
/// to one.
const ODDS: f64 = 100.0;
/// Suspects that are reckoned with at least: a site with few of them in its log is still met by the whole internet's.
const FEWEST_SUSPECTS: f64 = 30.0;
/// Clients that are compared pair by pair.
const MAX_COMPARED: usize = 1500;
/// Payload shapes, paths and sessions that are compared of one client.
const MAX_SHAPES: usize = 400;
const MAX_SESSIONS: usize = 64;
const MAX_AGENTS: usize = 16;
/// How often one hand shows the same trait at both its addresses.
const SAME_HAND: f64 = 0.8;

/// What two strangers share by accident where the log itself is too small to tell, as one in so many. An agent that no visitor
/// has is somebody's own program; attackers come from few networks (Collins et al. 2007, "Using uncleanliness to predict future
/// botnet addresses"); one /64 of version 6 is one subscriber's (RFC 6177); payloads are mostly copied.
const AGENT_PRIOR: f64 = 100.0;
const NETWORK_PRIOR: f64 = 20.0;
const SUBNET_PRIOR: f64 = 1000.0;
const PAYLOAD_PRIOR: f64 = 4.0;

/// The most that a trait weighs, whatever the log says of its rarity. An agent that visitors have, or that a program sends of
/// itself, is copied from everywhere; payloads and lists of paths are copied more often than written; and attackers begin at
/// the same time after a hole is published.
const MOST_OF_AGENT: f64 = 5.0;
const MOST_OF_COMMON_AGENT: f64 = 2.0;
const MOST_OF_TIME: f64 = 5.0;
const MOST_OF_PAYLOADS: f64 = 3.0;
const MOST_OF_PATHS: f64 = 2.0;
/// A trait that weighs less is not named among the reasons.
const WORTH_A_WORD: f64 = 0.7;

/// A pause that ends a session.
const SESSION_MS: i64 = 1_800_000;
/// Times nearer than this are the same: clocks and start-up differ by as much.
const SAME_TIME_MS: i64 = 60_000;

/// What a client has that may tie it to another.
struct Traits {
    agents: BTreeSet<u32>,
    network: u128,
    is_six: bool,
    /// Begin and end of each session.
    sessions: Vec<(i64, i64)>,
    /// Shapes of payloads that carry no tool's name.
    payloads: BTreeSet<u64>,
    /// Paths that failed, asked for without a tool's name.
    paths: BTreeSet<u64>,
}

/// How often each trait is seen, which is what its rarity is.
struct Rarity {
    /// Clients of the log, and of them those that nothing is held against, by agent.
    clients: f64,
    agents: FxHashMap<u32, u32>,
    /// Suspects by what they have.
    suspects: f64,
    by_agent: FxHashMap<u32, u32>,
    by_network: FxHashMap<u128, u32>,
    by_payload: FxHashMap<u64, u32>,
    by_path: FxHashMap<u64, u32>,
    /// From the first to the last line of the log.
    span_ms: f64,
}

/// Groups clients; gives each group with the reasons why it is one.
pub(super) fn group(
    site: &Site,
    timeline: &Timeline,
    held: &BTreeMap<u32, Vec<Held>>,
) -> Vec<(Vec<u32>, Vec<String>)> {
    let mut clients: Vec<u32> = held.keys().copied().collect();
    clients.sort_by_key(|client| site.clients.get(*client).key);
    let compared = clients.len().min(MAX_COMPARED);
    let traits: Vec<Traits> = clients[..compared]
        .iter()
        .map(|client| traits_of(site, timeline, *client))
        .collect();
    let rarity = Rarity::of(site, &clients[..compared], &traits);
    let enough = ODDS.ln() + rarity.suspects.max(FEWEST_SUSPECTS).ln();
    let mut parent: Vec<usize> = (0..clients.len()).collect();
    let mut reasons: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for b in 1..compared {
        for a in 0..b {
            let Some(why) = weigh(site, &traits[a], &traits[b], &rarity, enough) else {
                continue;
            };
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

fn traits_of(site: &Site, timeline: &Timeline, client: u32) -> Traits {
    let key = site.clients.get(client).key;
    let is_six = key >> 32 != 0xffff;
    let mut traits = Traits {
        agents: BTreeSet::new(),
        network: if is_six { key >> 64 } else { key >> 8 },
        is_six,
        sessions: Vec::new(),
        payloads: BTreeSet::new(),
        paths: BTreeSet::new(),
    };
    // What a tool sends it sends for everybody: the lines that carry its name, and those of the same agent.
    let tools: BTreeSet<u32> = timeline
        .lines(site, client)
        .filter(|(_, kept)| site.hits_of(kept).iter().any(|hit| hit.tool != u16::MAX))
        .map(|(_, kept)| kept.agent)
        .collect();
    for (_, kept) in timeline.lines(site, client) {
        if kept.time_ms != i64::MIN {
            match traits.sessions.last_mut() {
                Some((_, end)) if kept.time_ms.saturating_sub(*end) <= SESSION_MS => *end = kept.time_ms,
                _ => traits.sessions.push((kept.time_ms, kept.time_ms)),
            }
        }
        if tools.contains(&kept.agent) {
            continue;
        }
        if kept.agent != u32::MAX && traits.agents.len() < MAX_AGENTS {
            traits.agents.insert(kept.agent);
        }
        if kept.status >= 400 && traits.paths.len() < MAX_SHAPES {
            traits.paths.insert(kept.path);
        }
        for hit in site.hits_of(kept) {
            // Files that every scanner asks for are no payload of anybody's.
            if hit.class != Class::Scanner && traits.payloads.len() < MAX_SHAPES {
                traits.payloads.insert(hit.fingerprint);
            }
        }
    }
    traits
}

impl Rarity {
    fn of(site: &Site, suspects: &[u32], traits: &[Traits]) -> Self {
        let suspected: FxHashSet<u32> = suspects.iter().copied().collect();
        let mut rarity = Rarity {
            clients: site.clients.len() as f64 + site.clients.gone.clients as f64,
            agents: site
                .clients
                .gone
                .agents
                .iter()
                .map(|(agent, count)| (*agent, *count))
                .collect(),
            suspects: suspects.len() as f64,
            by_agent: FxHashMap::default(),
            by_network: FxHashMap::default(),
            by_payload: FxHashMap::default(),
            by_path: FxHashMap::default(),
            span_ms: super::guess::span(site).map_or(0.0, |(first, last)| last.saturating_sub(first) as f64),
        };
        for (place, client) in site.clients.iter().enumerate() {
            if client.agent != u32::MAX && !suspected.contains(&(place as u32)) {
                *rarity.agents.entry(client.agent).or_default() += 1;
            }
        }
        for one in traits {
            *rarity.by_network.entry(one.network).or_default() += 1;
            for agent in &one.agents {
                *rarity.by_agent.entry(*agent).or_default() += 1;
            }
            for payload in &one.payloads {
                *rarity.by_payload.entry(*payload).or_default() += 1;
            }
            for path in &one.paths {
                *rarity.by_path.entry(*path).or_default() += 1;
            }
        }
        rarity
    }

    /// How many suspects beside two that share a trait have it too.
    fn others(count: Option<&u32>) -> f64 {
        f64::from(count.copied().unwrap_or_default().saturating_sub(2))
    }

    /// The weight of a trait that so many of the suspects beside the two have, where the log of a site without any would let one
    /// in `prior` have it.
    fn among_suspects(&self, others: f64, prior: f64) -> f64 {
        let strangers = (self.suspects - 2.0).max(0.0);
        (SAME_HAND * (strangers + prior) / (others + 1.0)).ln()
    }

    /// The weight of an agent that two suspects share, and whether visitors have it.
    fn agent(&self, site: &Site, agent: u32) -> (f64, u32) {
        let visitors = self.agents.get(&agent).copied().unwrap_or_default();
        let rare_here = (SAME_HAND * (self.clients + AGENT_PRIOR) / (f64::from(visitors) + 1.0)).ln();
        let weight = rare_here.min(self.among_suspects(Self::others(self.by_agent.get(&agent)), AGENT_PRIOR));
        let text = site.agents.get(agent).map_or("", |agent| agent.text.as_str());
        let most = if visitors > 0 || is_a_programs_own(text) {
            MOST_OF_COMMON_AGENT
        } else {
            MOST_OF_AGENT
        };
        (weight.clamp(0.0, most), visitors)
    }

    /// The weight of two samples: the share that is common to them, times how rare the common part is.
    fn sample(&self, a: &BTreeSet<u64>, b: &BTreeSet<u64>, counts: &FxHashMap<u64, u32>, most: f64) -> f64 {
        let (mut shared, mut weight) = (0usize, 0.0);
        for one in a.intersection(b) {
            shared += 1;
            weight += self.among_suspects(Self::others(counts.get(one)), PAYLOAD_PRIOR);
        }
        let all = a.len() + b.len() - shared;
        // A few in common say nothing: everybody begins with a quotation mark.
        if all < 8 || shared == 0 {
            return 0.0;
        }
        let share = shared as f64 / all as f64;
        (share * weight / shared as f64).clamp(0.0, most)
    }
}

/// Whether an agent is what a program sends of itself, such as `curl/7.88.1`: all who use that program have it.
fn is_a_programs_own(agent: &str) -> bool {
    let first = agent.split(' ').next().unwrap_or_default();
    first.len() == agent.len()
        && first.split_once('/').is_some_and(|(_, version)| {
            version.starts_with(|letter: char| letter == 'v' || letter.is_ascii_digit())
        })
}

/// How near in time two clients came: the least distance between the beginnings of a session of each, or between the end of one
/// and the beginning of the other's, and how likely so near a meeting is by accident.
fn meeting(a: &[(i64, i64)], b: &[(i64, i64)], span_ms: f64) -> Option<(i64, f64)> {
    if a.is_empty() || b.is_empty() || a.len() > MAX_SESSIONS || b.len() > MAX_SESSIONS || span_ms <= 0.0 {
        return None;
    }
    let least = a
        .iter()
        .flat_map(|one| b.iter().map(move |other| (one, other)))
        .map(|((begin_a, end_a), (begin_b, end_b))| {
            begin_a
                .abs_diff(*begin_b)
                .min(end_a.abs_diff(*begin_b))
                .min(end_b.abs_diff(*begin_a))
        })
        .min()?;
    let least = i64::try_from(least).unwrap_or(i64::MAX);
    // Three ways to meet, on either side, for each pair of sessions.
    let chances = 3.0 * 2.0 * (a.len() * b.len()) as f64;
    Some((least, chances * least.max(SAME_TIME_MS) as f64 / span_ms))
}

/// A sum of weights and the words for those worth one.
#[derive(Default)]
struct Sum {
    weight: f64,
    why: Vec<String>,
}

impl Sum {
    fn add(&mut self, weight: f64, words: impl FnOnce() -> String) {
        self.weight += weight;
        if weight >= WORTH_A_WORD {
            self.why.push(words());
        }
    }
}

/// Why two clients are one actor; `None` where what they share does not suffice.
fn weigh(site: &Site, a: &Traits, b: &Traits, rarity: &Rarity, enough: f64) -> Option<Vec<String>> {
    let mut sum = Sum::default();
    let agent = a
        .agents
        .intersection(&b.agents)
        .map(|agent| (rarity.agent(site, *agent), *agent))
        .max_by(|one, other| one.0.0.total_cmp(&other.0.0));
    if let Some(((weight, visitors), agent)) = agent {
        sum.add(weight, || {
            let text = site.agents.get(agent).map_or("", |agent| agent.text.as_str());
            let count = match visitors {
                0 => "none".to_owned(),
                count => count.to_string(),
            };
            format!(
                "the same agent, which {count} of {} other clients has ({})",
                (rarity.clients - rarity.suspects).max(0.0),
                shorten(text)
            )
        });
    }
    let strangers = (rarity.suspects - 2.0).max(0.0);
    if a.network == b.network {
        let others = Rarity::others(rarity.by_network.get(&a.network));
        let prior = if a.is_six { SUBNET_PRIOR } else { NETWORK_PRIOR };
        let most = (SAME_HAND * prior).ln();
        sum.add(rarity.among_suspects(others, prior).clamp(0.0, most), || {
            format!("addresses of one network, from which {others} of {strangers} other suspects come")
        });
    }
    if let Some((apart, by_accident)) = meeting(&a.sessions, &b.sessions, rarity.span_ms) {
        sum.add((SAME_HAND / by_accident).ln().clamp(0.0, MOST_OF_TIME), || {
            format!(
                "one began within {} seconds of the other's beginning or end, which happens by accident once in {:.0}",
                (apart / 1000).max(1),
                1.0 / by_accident
            )
        });
    }
    // The rest takes longer to compare.
    if sum.weight + MOST_OF_PAYLOADS + MOST_OF_PATHS < enough {
        return None;
    }
    let payloads = rarity.sample(&a.payloads, &b.payloads, &rarity.by_payload, MOST_OF_PAYLOADS);
    sum.add(payloads, || {
        "payloads alike that few other suspects send".to_owned()
    });
    let paths = rarity.sample(&a.paths, &b.paths, &rarity.by_path, MOST_OF_PATHS);
    sum.add(paths, || {
        "a list of paths that few other suspects ask for".to_owned()
    });
    (sum.weight >= enough).then_some(sum.why)
}

fn shorten(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        format!("{short}…")
    } else {
        short
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_own_agent_is_told_from_somebodys() {
        for public in [
            "curl/7.88.1",
            "python-requests/2.31.0",
            "Go-http-client/1.1",
            "hey/v0.1",
        ] {
            assert!(is_a_programs_own(public), "{public}");
        }
        for own in [
            "Mozilla/5.0 (X11) Q/7.1",
            "my scanner of doors",
            "gate/keeper",
            "opener",
        ] {
            assert!(!is_a_programs_own(own), "{own}");
        }
    }

    #[test]
    fn who_works_for_weeks_meets_everybody_and_who_comes_once_meets_few() {
        let day = 86_400_000;
        let span = (14 * day) as f64;
        let short = [(day, day + 120_000)];
        let (apart, chance) = meeting(&short, &[(day + 30_000, day + 90_000)], span).unwrap();
        assert_eq!(apart, 30_000);
        assert!(chance < 0.001, "{chance}");
        let hourly: Vec<(i64, i64)> = (0..60).map(|hour| (hour * 3_600_000, hour * 3_600_000)).collect();
        let (_, chance) = meeting(&short, &hourly, span).unwrap();
        assert!(chance > 0.01, "{chance}");
        assert_eq!(meeting(&short, &[], span), None);
    }
}
