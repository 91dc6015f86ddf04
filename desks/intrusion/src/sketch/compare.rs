//! Sketches beside each other: which actors share what.

use std::collections::BTreeSet;

use super::file::{ActorSketch, Sketch};
use super::key::Tag;

/// Share of payload shapes or path pairs that counts as like behaviour (as for campaigns within one set of logs).
const LIKE: f64 = 0.25;
/// Fewest tags of which a share says anything.
const FEWEST: usize = 4;
/// Hours within which two actors are near in time: a week, the span of one working plan.
const NEAR_HOURS: i64 = 168;
/// Most pairs that are compared.
const MOST_PAIRS: usize = 50_000_000;

/// How much a match says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// What public tools and shared addresses have in common. Worth a question, no more.
    Weak,
    /// Probably one hand: an address that no ordinary visitor has, or a network or agent of that sort with like behaviour.
    Strong,
}

impl Strength {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Strength::Weak => "weak",
            Strength::Strong => "strong",
        }
    }
}

/// Two actors of different jurisdictions that share something.
#[derive(Debug, Clone, PartialEq)]
pub struct Match<'a> {
    /// The one.
    pub a: &'a ActorSketch,
    /// The other.
    pub b: &'a ActorSketch,
    /// How much it says.
    pub strength: Strength,
    /// What they share, in words.
    pub shared: Vec<String>,
}

/// All matches between actors of different jurisdictions, strong ones first. No chance is stated: the sketches hold nothing of
/// ordinary visitors by which it could be.
///
/// At most fifty million pairs are compared; `None` where there are more.
pub fn compare<'a>(sketches: &[&'a Sketch]) -> Option<Vec<Match<'a>>> {
    let actors: Vec<&ActorSketch> = sketches.iter().flat_map(|sketch| &sketch.actors).collect();
    if actors.len().saturating_mul(actors.len()) / 2 > MOST_PAIRS {
        return None;
    }
    let mut matches = Vec::new();
    for (place, b) in actors.iter().enumerate() {
        for a in &actors[..place] {
            if a.jurisdiction != b.jurisdiction
                && let Some(found) = weigh(a, b)
            {
                matches.push(found);
            }
        }
    }
    matches.sort_by(|one, other| {
        let key = |found: &Match<'_>| {
            (
                found.a.jurisdiction.clone(),
                found.a.number,
                found.b.jurisdiction.clone(),
                found.b.number,
            )
        };
        other
            .strength
            .cmp(&one.strength)
            .then_with(|| key(one).cmp(&key(other)))
    });
    Some(matches)
}

fn weigh<'a>(a: &'a ActorSketch, b: &'a ActorSketch) -> Option<Match<'a>> {
    let mut shared = Vec::new();
    let (own_address, any_address) = shared_tags(&a.clients, &b.clients);
    let (own_network, any_network) = shared_tags(&a.networks, &b.networks);
    match (own_address, any_address) {
        (0, 0) => {}
        (0, many) => shared.push(format!(
            "{}, which ordinary visitors share",
            counted(many, "address", "addresses")
        )),
        (own, _) => shared.push(format!(
            "{} that no ordinary visitor has",
            counted(own, "address", "addresses")
        )),
    }
    if any_address == 0 && any_network > 0 {
        shared.push(counted(any_network, "network", "networks"));
    }
    let agents = a.agents.intersection(&b.agents).count();
    if agents > 0 {
        shared.push(format!(
            "{} that no ordinary visitor has",
            counted(agents, "agent", "agents")
        ));
    }
    let like = [
        ("payload shapes", &a.payloads, &b.payloads),
        ("path pairs", &a.paths, &b.paths),
    ]
    .into_iter()
    .filter_map(|(name, one, other)| {
        let (both, share) = overlap(one, other);
        (share >= LIKE).then(|| format!("{both} {name}, {:.0} % of all", share * 100.0))
    })
    .collect::<Vec<_>>();
    let behaves_alike = !like.is_empty();
    shared.extend(like);
    let tools: Vec<&str> = a.tools.intersection(&b.tools).map(String::as_str).collect();
    if !tools.is_empty() {
        shared.push(format!("the tool {}", tools.join(" and ")));
    }
    let is_weak = any_address > 0
        || agents > 0
        || any_network > 0 && behaves_alike
        || behaves_alike && !tools.is_empty();
    let is_strong = own_address > 0
        || any_address > 0 && behaves_alike
        || own_network > 0 && behaves_alike
        || agents > 0 && behaves_alike;
    if !is_weak && !is_strong {
        return None;
    }
    if let (Some((a_first, a_last)), Some((b_first, b_last))) = (a.hours, b.hours) {
        let gap = (a_first.max(b_first) - a_last.min(b_last)).max(0);
        if gap <= NEAR_HOURS {
            shared.push(format!("within {}", counted(gap as usize + 1, "hour", "hours")));
        }
    }
    Some(Match {
        a,
        b,
        strength: if is_strong {
            Strength::Strong
        } else {
            Strength::Weak
        },
        shared,
    })
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Tags in both: those that neither side sees with ordinary visitors, and all.
fn shared_tags(a: &[(Tag, bool)], b: &[(Tag, bool)]) -> (usize, usize) {
    let (mut own, mut all) = (0, 0);
    for (tag, is_ordinary) in a {
        if let Some((_, elsewhere)) = b.iter().find(|(other, _)| other == tag) {
            all += 1;
            own += usize::from(!is_ordinary && !elsewhere);
        }
    }
    (own, all)
}

fn overlap(a: &BTreeSet<Tag>, b: &BTreeSet<Tag>) -> (usize, f64) {
    if a.len().min(b.len()) < FEWEST {
        return (0, 0.0);
    }
    let both = a.intersection(b).count();
    (both, both as f64 / (a.len() + b.len() - both) as f64)
}
