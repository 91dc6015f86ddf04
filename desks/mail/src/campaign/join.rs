//! Joins messages by their keys and texts; linear in the number of keys, whatever many messages share one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::keys::{Key, KeyKind, digest};
use super::text::{SIGNATURE_LENGTH, likeness};
use super::{Campaign, Traits};

/// Why two messages belong together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Join {
    /// SHA-256 of the earlier message.
    pub a: String,
    /// SHA-256 of the later message.
    pub b: String,
    /// The reason, such as "same path /q/?c=<address> on two hosts, a.example and b.example".
    pub why: String,
}

/// Members of one campaign, earliest first, and the joins among them.
pub(super) struct Group {
    members: Vec<usize>,
    joins: Vec<Join>,
}

/// Longest time between two messages that weak keys join.
const WEAK_WINDOW: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Least share of common shingles of two texts of one campaign.
const LIKE_TEXT: f64 = 0.85;
/// Rows of one band. Sixteen bands of eight rows find 99.4 % of pairs with a likeness of 0.85, and 6 % of those with 0.5
/// (`1-(1-j^8)^16`; Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", section 3.4.2).
const BAND_ROWS: usize = 8;
/// Most different texts of one bucket that a new one is compared with.
const MAX_BUCKET_TEXTS: usize = 8;
/// Most pairs of weak keys that are looked up for one message.
const MAX_WEAK_PAIRS: usize = 200;

struct Sets {
    parent: Vec<usize>,
}

impl Sets {
    fn root(&mut self, mut at: usize) -> usize {
        while self.parent[at] != at {
            self.parent[at] = self.parent[self.parent[at]];
            at = self.parent[at];
        }
        at
    }

    /// Whether the two were apart until now. The earlier position becomes the root.
    fn unite(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b)] = a.min(b);
        a != b
    }
}

/// A cut key joins nothing. Positions below are positions in `order`, so that they follow time and not the input.
pub(super) fn groups(all: &[Traits], order: &[usize], cut: &BTreeSet<(KeyKind, String)>) -> Vec<Group> {
    let mut sets = Sets {
        parent: (0..order.len()).collect(),
    };
    let mut joins: Vec<(usize, usize, String)> = Vec::new();
    join_by_strong_keys(all, order, cut, &mut sets, &mut joins);
    join_by_text(all, order, &mut sets, &mut joins);
    join_by_weak_keys(all, order, cut, &mut sets, &mut joins);
    let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
    for (at, index) in order.iter().enumerate() {
        groups
            .entry(sets.root(at))
            .or_insert_with(|| Group {
                members: Vec::new(),
                joins: Vec::new(),
            })
            .members
            .push(*index);
    }
    for (a, b, why) in joins {
        let root = sets.root(a);
        if let Some(group) = groups.get_mut(&root) {
            group.joins.push(Join {
                a: all[order[a]].message.clone(),
                b: all[order[b]].message.clone(),
                why,
            });
        }
    }
    groups.into_values().collect()
}

fn is_cut(cut: &BTreeSet<(KeyKind, String)>, key: &Key) -> bool {
    !cut.is_empty() && cut.contains(&(key.kind, key.value.clone()))
}

fn join_by_strong_keys(
    all: &[Traits],
    order: &[usize],
    cut: &BTreeSet<(KeyKind, String)>,
    sets: &mut Sets,
    joins: &mut Vec<(usize, usize, String)>,
) {
    // Each message is joined with the one before it that has the same key, not with all of them.
    let mut last: FxHashMap<(KeyKind, &str), (usize, &Key)> = FxHashMap::default();
    let mut told: FxHashSet<(usize, usize)> = FxHashSet::default();
    for (at, index) in order.iter().enumerate() {
        for key in all[*index]
            .keys
            .iter()
            .filter(|key| key.kind.is_strong() && !is_cut(cut, key))
        {
            if let Some((before, same)) = last.insert((key.kind, &key.value), (at, key))
                && before != at
            {
                sets.unite(before, at);
                if told.insert((before, at)) {
                    joins.push((before, at, same.why(key)));
                }
            }
        }
    }
}

fn join_by_text(all: &[Traits], order: &[usize], sets: &mut Sets, joins: &mut Vec<(usize, usize, String)>) {
    let mut buckets: FxHashMap<(usize, &[u32], &str), Vec<usize>> = FxHashMap::default();
    for (at, index) in order.iter().enumerate() {
        let traits = &all[*index];
        if traits.minhash.len() != SIGNATURE_LENGTH {
            continue;
        }
        let mut compared: Vec<usize> = Vec::new();
        for (band, rows) in traits.minhash.chunks(BAND_ROWS).enumerate() {
            let bucket = buckets.entry((band, rows, traits.claim.as_str())).or_default();
            let mut has_own = false;
            for other in bucket.iter().copied() {
                if sets.root(other) == sets.root(at) {
                    has_own = true;
                    continue;
                }
                if compared.contains(&other) {
                    continue;
                }
                compared.push(other);
                let share = likeness(&traits.minhash, &all[order[other]].minhash);
                if share >= LIKE_TEXT {
                    sets.unite(other, at);
                    has_own = true;
                    joins.push((other, at, text_reason(share, &traits.claim)));
                }
            }
            if !has_own && bucket.len() < MAX_BUCKET_TEXTS || bucket.is_empty() {
                bucket.push(at);
            }
        }
    }
}

fn text_reason(share: f64, claim: &str) -> String {
    let percent = (share * 100.0).floor();
    if claim.is_empty() {
        format!("{percent} % of the text is the same, names and numbers apart")
    } else {
        format!("{percent} % of the text is the same, names and numbers apart, both in the name of {claim}")
    }
}

fn join_by_weak_keys(
    all: &[Traits],
    order: &[usize],
    cut: &BTreeSet<(KeyKind, String)>,
    sets: &mut Sets,
    joins: &mut Vec<(usize, usize, String)>,
) {
    let weak = |index: usize| {
        all[index]
            .keys
            .iter()
            .filter(|key| !key.kind.is_strong() && !is_cut(cut, key))
    };
    let mut uses: FxHashMap<(KeyKind, &str), u32> = FxHashMap::default();
    for index in order {
        for key in weak(*index) {
            *uses.entry((key.kind, &key.value)).or_default() += 1;
        }
    }
    // Pairs are looked up by number; a key that only one message has needs none.
    let mut numbers: FxHashMap<(KeyKind, &str), u32> = FxHashMap::default();
    let mut last: FxHashMap<(u32, u32), usize> = FxHashMap::default();
    for (at, index) in order.iter().enumerate() {
        let Some(time) = all[*index].time else {
            continue;
        };
        let mut shared: Vec<(u32, &Key)> = Vec::new();
        for key in weak(*index) {
            let name = (key.kind, key.value.as_str());
            if uses.get(&name).is_some_and(|count| *count > 1) {
                let next = numbers.len() as u32;
                shared.push((*numbers.entry(name).or_insert(next), key));
            }
        }
        let mut pairs = 0;
        for (at_first, (first, key)) in shared.iter().enumerate() {
            for (second, other) in &shared[at_first + 1..] {
                if key.kind == other.kind || pairs >= MAX_WEAK_PAIRS {
                    continue;
                }
                pairs += 1;
                let Some(before) = last.insert((*first, *second), at) else {
                    continue;
                };
                let is_near = all[order[before]]
                    .time
                    .is_some_and(|earlier| time.duration_since(earlier) <= WEAK_WINDOW);
                if is_near && sets.unite(before, at) {
                    let why = format!("{}, and {}", key.why(key), other.why(other));
                    joins.push((before, at, why));
                }
            }
        }
    }
}

/// The id that `traits` would give to a campaign as its earliest message.
fn id_of(traits: &Traits, cut: &BTreeSet<(KeyKind, String)>) -> String {
    let smallest = traits
        .keys
        .iter()
        .filter(|key| key.kind.is_strong() && !matches!(key.kind, KeyKind::Message | KeyKind::MessageId))
        .filter(|key| !is_cut(cut, key))
        .map(|key| {
            (
                key.kind,
                digest(format!("{:?}\0{}", key.kind, key.value).as_bytes()),
            )
        })
        .min();
    let mut id = match smallest {
        Some((_, id)) => id,
        None => digest(format!("message\0{}", traits.message).as_bytes()),
    };
    id.truncate(16);
    id
}

pub(super) fn campaign_of(all: &[Traits], group: Group, cut: &BTreeSet<(KeyKind, String)>) -> Campaign {
    let members = group.members;
    let id = members
        .first()
        .map(|first| id_of(&all[*first], cut))
        .unwrap_or_default();
    let mut also: BTreeSet<String> = members.iter().map(|member| id_of(&all[*member], cut)).collect();
    also.remove(&id);
    let mut uses: BTreeMap<(KeyKind, &str), (usize, &Key)> = BTreeMap::new();
    let mut mails: FxHashSet<(&str, &[String])> = FxHashSet::default();
    for member in &members {
        let traits = &all[*member];
        for key in traits.keys.iter().filter(|key| key.kind.is_strong()) {
            uses.entry((key.kind, &key.value)).or_insert((0, key)).0 += 1;
        }
        let name = if traits.message_id.is_empty() {
            &traits.message
        } else {
            &traits.message_id
        };
        mails.insert((name, &traits.recipients));
    }
    let times = || members.iter().filter_map(|member| all[*member].time);
    Campaign {
        also: also.into_iter().collect(),
        joins: group.joins,
        keys: uses
            .into_values()
            .filter(|(count, _)| *count > 1)
            .map(|(_, key)| key.clone())
            .collect(),
        mails: mails.len(),
        first: times().min(),
        last: times().max(),
        id,
        evidence: Vec::new(),
        people: Vec::new(),
        reported_by: Vec::new(),
        first_report_after: None,
        remarks: Vec::new(),
        members,
    }
}
