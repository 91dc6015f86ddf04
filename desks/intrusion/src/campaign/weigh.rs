//! How much two actors share that others do not.
//!
//! Every weight is a logarithm of how much likelier the shared trait is for one hand than for two, as far as the background
//! tells: the inverse document frequency of the trait over jurisdictions (Spärck Jones 1972), taken over innocent clients.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::traits::{ActorTraits, Background, network_of};

/// Weight from which on two actors are linked: e to the sixth, some 400 to 1, is what the largest null links of the invented
/// logs stayed below.
pub(crate) const ENOUGH: f64 = 6.0;
/// Share of payload shapes or path pairs that counts as the same behaviour.
const SAME_BEHAVIOUR: f64 = 0.25;
/// Fewest shapes or pairs of which a share says anything.
const FEWEST: usize = 4;
/// The most that behaviour weighs: tools are public, and who uses one does what all do who use it.
const MOST_OF_BEHAVIOUR: f64 = 3.0;
/// A day, in milliseconds.
const DAY_MS: f64 = 86_400_000.0;

/// Why two actors are thought to be one hand.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Place of the one.
    pub a: usize,
    /// Place of the other.
    pub b: usize,
    /// What they share, strongest first: name of the trait, words for people, weight.
    pub shared: Vec<(&'static str, String, f64)>,
    /// The sum of the weights.
    pub weight: f64,
}

/// What one actor is compared by: its traits, and the addresses that the null may have given it instead.
pub(crate) struct Compared<'a> {
    pub traits: &'a ActorTraits,
    pub addresses: Vec<IpAddr>,
    pub agents: BTreeSet<u64>,
}

/// How rare it is among innocent clients that a trait is seen, when `count` of `jurisdictions` have it.
fn rarity(count: u32, jurisdictions: usize) -> f64 {
    ((jurisdictions as f64 + 1.0) / (f64::from(count) + 1.0))
        .ln()
        .max(0.0)
}

/// The share of equal members of two samples.
fn overlap(a: &BTreeSet<u64>, b: &BTreeSet<u64>) -> f64 {
    if a.len().min(b.len()) < FEWEST {
        return 0.0;
    }
    let shared = a.intersection(b).count() as f64;
    shared / (a.len() as f64 + b.len() as f64 - shared)
}

/// Weighs what two actors of different jurisdictions share. `None` below [`ENOUGH`].
///
/// An address, or a network together with like behaviour, has to be among it, or else an agent that no innocent client has: a
/// public tool used in the same week links nobody.
pub(crate) fn weigh(
    a: &Compared<'_>,
    b: &Compared<'_>,
    background: &Background,
    span_ms: f64,
) -> Option<Weighed> {
    if a.traits.jurisdiction == b.traits.jurisdiction {
        return None;
    }
    let jurisdictions = background.jurisdictions;
    let mut weighed = Weighed::default();
    for address in &a.addresses {
        if b.addresses.contains(address) {
            let seen = background.addresses.get(address).copied().unwrap_or_default();
            weighed.address = weighed.address.max(2.0 * rarity(seen, jurisdictions));
        }
    }
    if weighed.address == 0.0 {
        for address in &a.addresses {
            let network = network_of(*address);
            if b.addresses.iter().any(|other| network_of(*other) == network) {
                weighed.network = weighed
                    .network
                    .max(rarity(background.network_count(network), jurisdictions));
            }
        }
    }
    for agent in a.agents.intersection(&b.agents) {
        let seen = background.agents.get(agent).copied().unwrap_or_default();
        // A browser's agent is everybody's; only one that no innocent client has ties two actors.
        if seen == 0 {
            weighed.agent = weighed.agent.max(rarity(0, jurisdictions));
        }
    }
    if weighed.address == 0.0 && weighed.network == 0.0 && weighed.agent == 0.0 {
        return None;
    }
    weighed.payloads = overlap(&a.traits.fingerprints, &b.traits.fingerprints) * MOST_OF_BEHAVIOUR;
    weighed.paths = overlap(&a.traits.path_pairs, &b.traits.path_pairs) * MOST_OF_BEHAVIOUR;
    if a.traits.tools.intersection(&b.traits.tools).next().is_some() {
        weighed.tool = 1.0;
    }
    if let (Some(first), Some(last)) = (
        a.traits.first_ms.max(b.traits.first_ms),
        a.traits.last_ms.min(b.traits.last_ms),
    ) {
        // Were the two independent, the gap between them would be anything up to the span of all logs.
        let gap = (first - last).max(0) as f64;
        weighed.time = ((span_ms + DAY_MS) / (2.0 * gap + DAY_MS)).ln().clamp(0.0, 3.0);
    }
    let behaves_alike = weighed.payloads.max(weighed.paths) >= SAME_BEHAVIOUR * MOST_OF_BEHAVIOUR;
    // An address that innocent clients share too is a way in for many: it needs like behaviour beside it.
    let is_shared = weighed.address > 0.0 && weighed.address < rarity(0, jurisdictions) * 1.5;
    let stands = weighed.address > 0.0 && (!is_shared || behaves_alike)
        || weighed.network > 0.0 && behaves_alike
        || weighed.agent > 0.0;
    (stands && weighed.sum() >= ENOUGH).then_some(weighed)
}

/// The weights of one pair.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Weighed {
    address: f64,
    network: f64,
    agent: f64,
    payloads: f64,
    paths: f64,
    tool: f64,
    time: f64,
}

impl Weighed {
    pub fn sum(&self) -> f64 {
        self.address + self.network + self.agent + self.payloads + self.paths + self.tool + self.time
    }

    /// The link in words.
    pub fn link(&self, a: usize, b: usize) -> Link {
        let mut shared: Vec<(&'static str, String, f64)> = [
            ("address", "the same address", self.address),
            ("network", "addresses of the same network", self.network),
            ("agent", "an agent that no ordinary visitor has", self.agent),
            ("payloads", "payloads of the same shapes", self.payloads),
            ("paths", "the same paths in the same order", self.paths),
            ("tool", "the same tool", self.tool),
            ("time", "near in time", self.time),
        ]
        .into_iter()
        .filter(|(_, _, weight)| *weight > 0.05)
        .map(|(name, words, weight)| (name, words.to_owned(), weight))
        .collect();
        shared.sort_by(|one, other| other.2.total_cmp(&one.2));
        Link {
            a,
            b,
            shared,
            weight: self.sum(),
        }
    }
}
