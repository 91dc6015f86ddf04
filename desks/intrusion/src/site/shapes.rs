//! What is normal: of each shape of request how large its answers are, of each agent its text.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// Shapes that are told apart; the rest counts as one. A site has some hundred; guessing of paths makes thousands.
const MAX_SHAPES: usize = 50_000;
/// Agents that are told apart; the rest counts as one.
const MAX_AGENTS: usize = 50_000;
/// Longest agent that is remembered, in bytes.
const MAX_AGENT_BYTES: usize = 200;

/// How often each size occurred, to a precision of 0.8 %.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    buckets: BTreeMap<u16, u32>,
    total: u32,
}

impl Sizes {
    /// Seven bits of mantissa: a bucket is at most 1/128 wide, relative to its size.
    fn bucket(size: u32) -> u16 {
        ((size as f32).to_bits() >> 16) as u16
    }

    pub(super) fn add(&mut self, size: u32) {
        *self.buckets.entry(Self::bucket(size)).or_default() += 1;
        self.total += 1;
    }

    /// How many there are.
    pub fn total(&self) -> u32 {
        self.total
    }

    /// The sizes between which all lie but `tail` of them at each end; `None` where there is none at all.
    pub fn band(&self, tail: f64) -> Option<(u32, u32)> {
        if self.total == 0 {
            return None;
        }
        let skip = (f64::from(self.total) * tail).floor() as u32;
        let at = |buckets: &mut dyn Iterator<Item = (&u16, &u32)>| {
            let mut seen = 0;
            for (bucket, count) in buckets {
                seen += count;
                if seen > skip {
                    return *bucket;
                }
            }
            0
        };
        let low = at(&mut self.buckets.iter());
        let high = at(&mut self.buckets.iter().rev());
        let value = |bucket: u16| f32::from_bits(u32::from(bucket) << 16) as u32;
        Some((
            value(low),
            value(high.saturating_add(1)).saturating_sub(1).max(value(low)),
        ))
    }
}

/// One shape of request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ShapeSeen {
    /// The shape, fit to be shown.
    pub text: String,
    /// Lines, of whomever.
    pub requests: u32,
    /// Lines of clients that nothing was seen of by then, and that were answered.
    pub plain: u32,
    /// Sizes of such answers.
    pub sizes: Sizes,
    /// How long such answers took, in milliseconds.
    pub durations: Sizes,
    /// Sign-ins by POST that were answered by going on elsewhere.
    pub redirects: u32,
    /// Lines with a referring page.
    pub referers: u32,
}

/// All shapes of a jurisdiction.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Shapes {
    all: Vec<ShapeSeen>,
    index: FxHashMap<u64, u32>,
}

impl Shapes {
    pub(super) fn place(&mut self, key: u64, text: impl FnOnce() -> String) -> u32 {
        if let Some(place) = self.index.get(&key) {
            return *place;
        }
        if self.all.len() >= MAX_SHAPES {
            return MAX_SHAPES as u32 - 1;
        }
        let place = self.all.len() as u32;
        self.all.push(ShapeSeen {
            text: if self.all.len() + 1 == MAX_SHAPES {
                "(others)".to_owned()
            } else {
                text()
            },
            ..ShapeSeen::default()
        });
        self.index.insert(key, place);
        place
    }

    pub(super) fn get_mut(&mut self, place: u32) -> &mut ShapeSeen {
        &mut self.all[place as usize]
    }

    /// A shape by its place.
    pub fn get(&self, place: u32) -> Option<&ShapeSeen> {
        self.all.get(place as usize)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

/// One agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSeen {
    /// Its hash.
    pub key: u64,
    /// Its text, at most 200 bytes, made valid.
    pub text: String,
    /// Lines.
    pub requests: u32,
}

/// All agents of a jurisdiction.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Agents {
    all: Vec<AgentSeen>,
    index: FxHashMap<u64, u32>,
}

impl Agents {
    pub(super) fn place(&mut self, key: u64, text: impl FnOnce() -> Vec<u8>) -> u32 {
        if let Some(place) = self.index.get(&key) {
            return *place;
        }
        if self.all.len() >= MAX_AGENTS {
            return MAX_AGENTS as u32 - 1;
        }
        let place = self.all.len() as u32;
        let text = text();
        self.all.push(AgentSeen {
            key,
            text: String::from_utf8_lossy(&text[..text.len().min(MAX_AGENT_BYTES)]).into_owned(),
            requests: 0,
        });
        self.index.insert(key, place);
        place
    }

    pub(super) fn get_mut(&mut self, place: u32) -> &mut AgentSeen {
        &mut self.all[place as usize]
    }

    /// An agent by its place.
    pub fn get(&self, place: u32) -> Option<&AgentSeen> {
        self.all.get(place as usize)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}
