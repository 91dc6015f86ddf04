//! Every client, in a few dozen bytes each.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::spill::Spill;
use super::state::VISIT_S;

/// Clients that are held in memory. Beyond it, those that are gone longest and of whom nothing is kept go to disk.
pub(super) const MAX_CLIENTS: usize = 1_000_000;

/// One client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Key of its address.
    pub key: u128,
    /// First and last seen, in seconds since 1970.
    pub first_s: u32,
    /// See [`Client::first_s`].
    pub last_s: u32,
    /// Lines.
    pub requests: u32,
    /// Lines that are kept.
    pub kept: u32,
    /// Place of its first agent.
    pub agent: u32,
    /// Pictures, style sheets, fonts that it fetched; at most 65,535.
    pub statics: u16,
    /// Requests that named a referring page; at most 65,535.
    pub referers: u16,
    /// Answers of 404 and 403; at most 65,535.
    pub missing: u16,
    /// Requests that named a record; at most 65,535.
    pub records: u16,
    /// Seconds from the last picture or style sheet that it fetched to the last line; at most 65,535, and so where it never
    /// fetched one.
    pub since_static: u16,
    /// All of its further lines are kept.
    pub is_watched: bool,
    /// It is on a list of indicators.
    pub is_listed: bool,
}

impl Client {
    /// What is known of it together with what was seen of it later, under the same key.
    pub(super) fn with_later(&self, later: &Client) -> Client {
        let first_s = match (self.first_s, later.first_s) {
            (0, other) | (other, 0) => other,
            (one, other) => one.min(other),
        };
        Client {
            key: self.key,
            first_s,
            last_s: self.last_s.max(later.last_s),
            requests: self.requests.saturating_add(later.requests),
            kept: self.kept.saturating_add(later.kept),
            agent: self.agent,
            statics: self.statics.saturating_add(later.statics),
            referers: self.referers.saturating_add(later.referers),
            missing: self.missing.saturating_add(later.missing),
            records: self.records.saturating_add(later.records),
            since_static: later.since_static,
            is_watched: self.is_watched || later.is_watched,
            is_listed: self.is_listed || later.is_listed,
        }
    }
}

/// What is remembered of all clients that are gone from memory together: nothing was kept of any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// How many there were. After a run that was resumed, or where nothing could be put aside on disk, one that came back may
    /// be among them twice.
    pub clients: u64,
    /// How many had each agent first.
    pub agents: BTreeMap<u32, u32>,
    /// Of those that missed fewer than [`FEW_MISSING`] pages, requests and misses.
    pub requests: u64,
    /// See [`Gone::requests`].
    pub missing: u64,
    /// A sample, by [`sample_order`]: those that come first, with their keys, agents and seconds first seen.
    pub sample: BTreeSet<(u64, u128, u32, u32)>,
}

/// Missing pages below which a client counts for what is normal.
pub const FEW_MISSING: u16 = 20;
/// Clients in a sample; more would change no weight that matters.
pub const MAX_SAMPLE: usize = 4_000;

/// The order by which clients are sampled: the same however they came (bottom-k sample; Cohen and Kaplan 2007). The finaliser
/// of SplitMix64 (Steele, Lea, Flood 2014) over both halves of the key.
pub fn sample_order(key: u128) -> u64 {
    let mix = |value: u64| {
        let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ value >> 31
    };
    mix(key as u64 ^ mix((key >> 64) as u64))
}

impl Gone {
    fn add(&mut self, client: &Client) {
        self.clients += 1;
        if client.agent != u32::MAX {
            *self.agents.entry(client.agent).or_default() += 1;
        }
        if client.missing < FEW_MISSING {
            self.requests += u64::from(client.requests);
            self.missing += u64::from(client.missing);
        }
        self.sample
            .insert((sample_order(client.key), client.key, client.agent, client.first_s));
        if self.sample.len() > MAX_SAMPLE {
            self.sample.pop_last();
        }
    }
}

/// All clients of a jurisdiction.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Clients {
    all: Vec<Client>,
    #[serde(skip)]
    index: FxHashMap<u128, u32>,
    /// Clients that are in memory no more.
    pub gone: Gone,
    /// Where they are, and what was gone before the first of them.
    #[serde(skip)]
    spill: Option<(Spill, Gone)>,
    /// Why they are not on disk, until it is told; and that they are not.
    #[serde(skip)]
    failure: Option<std::io::Error>,
    #[serde(skip)]
    has_failed: bool,
    /// So many clients are held before any goes; 0: [`MAX_CLIENTS`].
    #[serde(skip)]
    bound: usize,
    /// Clients in memory from which on it is looked again whether some may go.
    #[serde(skip)]
    look_again: usize,
}

impl Clients {
    /// Takes up saved clients.
    pub(super) fn reindex(&mut self) {
        self.index = self
            .all
            .iter()
            .enumerate()
            .map(|(place, client)| (client.key, place as u32))
            .collect();
    }

    /// Sets how many clients are held before any goes.
    pub(crate) fn set_bound(&mut self, bound: usize) {
        self.bound = bound;
    }

    /// Why clients could not be put aside on disk, once.
    pub(crate) fn take_failure(&mut self) -> Option<std::io::Error> {
        self.failure.take()
    }

    /// The place of a client; of one that is new, with no request yet.
    pub(super) fn place(&mut self, key: u128) -> u32 {
        let next = self.all.len() as u32;
        let place = *self.index.entry(key).or_insert(next);
        if place == next {
            self.all.push(Client {
                key,
                since_static: u16::MAX,
                ..Client::default()
            });
        }
        place
    }

    /// A client by its place.
    pub fn get(&self, place: u32) -> &Client {
        &self.all[place as usize]
    }

    pub(super) fn get_mut(&mut self, place: u32) -> &mut Client {
        &mut self.all[place as usize]
    }

    /// A client by its address.
    pub fn by_key(&self, key: u128) -> Option<(u32, &Client)> {
        let place = *self.index.get(&key)?;
        Some((place, &self.all[place as usize]))
    }

    /// All of them, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &Client> {
        self.all.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Puts aside, when there are too many, those that were seen least lately and of which nothing is kept. Gives back where each
    /// remaining client now stands.
    pub(super) fn spill_when_full(&mut self) -> Option<Vec<u32>> {
        let bound = if self.bound == 0 { MAX_CLIENTS } else { self.bound };
        if self.all.len() < bound.max(self.look_again) {
            return None;
        }
        let may_go = |client: &Client, until: u32| {
            client.kept == 0 && !client.is_watched && !client.is_listed && client.last_s <= until
        };
        let mut lately: Vec<u32> = self.all.iter().map(|client| client.last_s).collect();
        let newest = lately.iter().max().copied().unwrap_or(0);
        let middle = lately.len() / 2;
        let (_, median, _) = lately.select_nth_unstable(middle);
        // Whoever is still looking at pages stays, because what a visitor fetched in the last half hour tells what it does next;
        // unless a flood of visitors came in that time.
        let mut until = (*median).min(newest.saturating_sub(u32::from(VISIT_S) + 1));
        if self.all.iter().filter(|client| may_go(client, until)).count() < self.all.len() / 4 {
            until = *median;
        }
        let mut moved = vec![u32::MAX; self.all.len()];
        let (mut left, mut gone) = (0, Vec::new());
        for (place, client) in self.all.iter().enumerate() {
            if may_go(client, until) {
                gone.push(place as u32);
            } else {
                moved[place] = left;
                left += 1;
            }
        }
        // All are of interest, or all came at once: then the bound gives way rather than the evidence.
        self.look_again = left as usize + bound / 4;
        if gone.is_empty() {
            return None;
        }
        gone.sort_unstable_by_key(|place| self.all[*place as usize].key);
        self.put_aside(&gone);
        self.all.retain(|client| !may_go(client, until));
        self.index.clear();
        for (place, client) in self.all.iter().enumerate() {
            self.index.insert(client.key, place as u32);
        }
        Some(moved)
    }

    /// Puts the clients at these places aside, which are ordered by key.
    fn put_aside(&mut self, places: &[u32]) {
        let before = self.gone.clone();
        for place in places {
            self.gone.add(&self.all[*place as usize]);
        }
        // Nothing can be made good any more once something was not written.
        if self.has_failed {
            return;
        }
        let spilled = match self.spill.take() {
            Some(spill) => Ok(spill),
            None => Spill::new().map(|spill| (spill, before)),
        }
        .and_then(|(mut spill, before)| {
            let clients = places.iter().map(|place| &self.all[*place as usize]);
            spill.add(clients).map(|()| (spill, before))
        });
        match spilled {
            Ok(spill) => self.spill = Some(spill),
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: std::io::Error) {
        self.failure = Some(error);
        self.has_failed = true;
    }

    /// Puts what was put aside together with what came later, once all is read.
    pub(crate) fn settle(&mut self) {
        let Some((spill, mut gone)) = self.spill.take() else {
            return;
        };
        let mut back: Vec<(u32, Client)> = Vec::new();
        let merged = spill.merge(|client| match self.index.get(&client.key) {
            Some(place) => back.push((*place, client)),
            None => gone.add(&client),
        });
        match merged {
            Ok(()) => {
                for (place, earlier) in back {
                    let known = &mut self.all[place as usize];
                    *known = earlier.with_later(known);
                }
                self.gone = gone;
            }
            Err(error) => self.fail(error),
        }
    }
}
