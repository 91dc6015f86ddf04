//! What an actor has that may be found again elsewhere, and what innocent clients have everywhere.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::net::IpAddr;

use crate::behave::Actor;
use crate::event::address_of;
use crate::site::{MAX_SAMPLE, sample_order};
use crate::sweep::SiteReport;
use crate::{Class, Verdict};

/// Payload shapes kept of one actor, the smallest: a sample that two actors with the same payloads take alike.
const MAX_FINGERPRINTS: usize = 128;
/// Pairs of successive paths kept of one actor, the smallest (bottom-k sketch; Cohen and Kaplan 2007).
const MAX_PATH_PAIRS: usize = 64;

/// One actor in one jurisdiction, as far as it can be compared with others.
#[derive(Debug, Clone, PartialEq)]
pub struct ActorTraits {
    /// The jurisdiction.
    pub jurisdiction: String,
    /// Its addresses, the earliest first.
    pub clients: Vec<IpAddr>,
    /// Hashes of its agents, those of public tools left out.
    pub agents: BTreeSet<u64>,
    /// Shapes of its payloads, literals taken out.
    pub fingerprints: BTreeSet<u64>,
    /// Tools that named themselves.
    pub tools: BTreeSet<String>,
    /// Hashes of pairs of paths that it asked for one after the other.
    pub path_pairs: BTreeSet<u64>,
    /// Everything it did.
    pub classes: BTreeSet<Class>,
    /// First and last of its lines, in milliseconds since 1970.
    pub first_ms: Option<i64>,
    /// See [`ActorTraits::first_ms`].
    pub last_ms: Option<i64>,
}

/// An address reduced to the network that one owner usually has: the first 24 bits, or 64 of version 6.
pub(crate) fn network_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => u128::from(u32::from(four) >> 8),
        IpAddr::V6(six) => match six.to_ipv4_mapped() {
            Some(four) => u128::from(u32::from(four) >> 8),
            None => 1 << 100 | u128::from(six) >> 64,
        },
    }
}

/// The same as bytes.
pub(crate) fn network_bytes(address: IpAddr) -> Vec<u8> {
    network_of(address).to_le_bytes().to_vec()
}

/// What innocent clients have: by it a shared trait is weighed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Background {
    /// How many jurisdictions gave logs.
    pub jurisdictions: usize,
    /// In how many of them an address is seen with clients that nothing is held against.
    pub addresses: BTreeMap<IpAddr, u32>,
    /// The same for networks.
    networks: BTreeMap<u128, u32>,
    /// The same for agents.
    pub agents: BTreeMap<u64, u32>,
    /// Of each jurisdiction, its innocent clients by hour of the week: what the null draws from.
    by_hour: BTreeMap<String, Vec<Vec<(IpAddr, u64)>>>,
}

/// Hours of a week.
const HOURS: usize = 168;

/// The hour of the week of a time, counted from a Thursday's midnight in UTC, with which 1970 began.
pub(crate) fn hour_of_week(ms: i64) -> usize {
    ms.div_euclid(3_600_000).rem_euclid(HOURS as i64) as usize
}

impl Background {
    /// Adds a jurisdiction and a sample of its innocent clients: address, hash of the agent, time first seen.
    pub fn add(&mut self, jurisdiction: &str, clients: impl IntoIterator<Item = (IpAddr, u64, i64)>) {
        self.jurisdictions += 1;
        let mut hours: Vec<Vec<(IpAddr, u64)>> = vec![Vec::new(); HOURS];
        let (mut addresses, mut networks, mut agents) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (address, agent, first_ms) in clients {
            addresses.insert(address);
            networks.insert(network_of(address));
            agents.insert(agent);
            hours[hour_of_week(first_ms)].push((address, agent));
        }
        for address in addresses {
            *self.addresses.entry(address).or_default() += 1;
        }
        for network in networks {
            *self.networks.entry(network).or_default() += 1;
        }
        for agent in agents {
            *self.agents.entry(agent).or_default() += 1;
        }
        self.by_hour.insert(jurisdiction.to_owned(), hours);
    }

    /// In how many jurisdictions a network is seen with innocent clients.
    pub(crate) fn network_count(&self, network: u128) -> u32 {
        self.networks.get(&network).copied().unwrap_or_default()
    }

    /// Whether innocent clients anywhere come from the network of an address.
    pub(crate) fn has_network_of(&self, address: IpAddr) -> bool {
        self.network_count(network_of(address)) > 0
    }

    /// The innocent clients of a jurisdiction in one hour of the week; of the nearest hour that has any; none where it has none.
    pub(crate) fn clients_at(&self, jurisdiction: &str, hour: usize) -> &[(IpAddr, u64)] {
        let Some(hours) = self.by_hour.get(jurisdiction) else {
            return &[];
        };
        (0..HOURS)
            .map(|step| hours[(hour + step) % HOURS].as_slice())
            .find(|clients| !clients.is_empty())
            .unwrap_or(&[])
    }
}

/// The actors of all reports that can be compared, with the place of each (report, actor), and the background of the rest.
///
/// Left out: assessors who were asked, and clients whose only mark is that they are on a list.
pub fn traits_of(reports: &[SiteReport]) -> (Vec<ActorTraits>, Vec<(usize, usize)>, Background) {
    let mut traits = Vec::new();
    let mut places = Vec::new();
    let mut background = Background::default();
    for (report_place, report) in reports.iter().enumerate() {
        let mut of_actors: BTreeSet<u128> = BTreeSet::new();
        for (actor_place, actor) in report.actors.iter().enumerate() {
            for client in &actor.clients {
                of_actors.insert(report.site.clients.get(*client).key);
            }
            if actor.verdict > Verdict::Contact && actor.assessor.is_none() {
                traits.push(of_actor(report, actor));
                places.push((report_place, actor_place));
            }
        }
        let clients = &report.site.clients;
        // The same sample whichever clients were still in memory, and in whatever order.
        let mut innocent: BinaryHeap<(u64, u128, u32, u32)> = BinaryHeap::new();
        let sampled = clients
            .iter()
            .filter(|client| !of_actors.contains(&client.key))
            .map(|client| (sample_order(client.key), client.key, client.agent, client.first_s))
            .chain(clients.gone.sample.iter().copied());
        for one in sampled {
            if innocent.len() < MAX_SAMPLE {
                innocent.push(one);
            } else if let Some(mut last) = innocent.peek_mut().filter(|last| one < **last) {
                *last = one;
            }
        }
        background.add(
            &report.jurisdiction,
            innocent
                .into_sorted_vec()
                .into_iter()
                .map(|(_, key, agent, first_s)| {
                    let agent = report.site.agents.get(agent).map_or(0, |agent| agent.key);
                    (address_of(key), agent, i64::from(first_s) * 1000)
                }),
        );
    }
    (traits, places, background)
}

fn of_actor(report: &SiteReport, actor: &Actor) -> ActorTraits {
    let site = &report.site;
    let mut agents = BTreeSet::new();
    let mut fingerprints = BTreeSet::new();
    let mut pairs = BTreeSet::new();
    let mut last_path: Option<u64> = None;
    for (line, _) in &actor.lines {
        let kept = &site.kept[*line as usize];
        let hits = site.hits_of(kept);
        let names_tool = hits.iter().any(|hit| hit.tool != u16::MAX);
        if !names_tool && let Some(agent) = site.agents.get(kept.agent) {
            agents.insert(agent.key);
        }
        // Files that every scanner asks for are no payload of anybody's.
        let payloads = hits.iter().filter(|hit| hit.class != Class::Scanner);
        fingerprints.extend(payloads.map(|hit| hit.fingerprint));
        if let Some(last) = last_path.replace(kept.path)
            && last != kept.path
        {
            pairs.insert(mixed(last ^ kept.path.rotate_left(23)));
        }
    }
    ActorTraits {
        jurisdiction: report.jurisdiction.clone(),
        clients: actor.addresses.clone(),
        agents,
        fingerprints: smallest(fingerprints, MAX_FINGERPRINTS),
        tools: actor.tools.iter().cloned().collect(),
        path_pairs: smallest(pairs, MAX_PATH_PAIRS),
        classes: actor.classes.clone(),
        first_ms: actor.first_ms,
        last_ms: actor.last_ms,
    }
}

fn smallest(all: BTreeSet<u64>, count: usize) -> BTreeSet<u64> {
    all.into_iter().take(count).collect()
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): bits that look independent.
pub(crate) fn mixed(value: u64) -> u64 {
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}
