//! Every client, in a few dozen bytes each.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// Clients that are remembered at once (see the issue of bounds in the crate page). Beyond it, those that are gone longest and
/// of whom nothing is kept are forgotten, and counted.
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

/// All clients of a jurisdiction.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Clients {
    all: Vec<Client>,
    #[serde(skip)]
    index: FxHashMap<u128, u32>,
    /// Clients that were forgotten.
    pub forgotten: u64,
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

    /// Forgets, when there are too many, the half that was seen least lately and of which nothing is kept. Gives back where
    /// each remaining client now stands.
    pub(super) fn forget_when_full(&mut self) -> Option<Vec<u32>> {
        if self.all.len() < MAX_CLIENTS {
            return None;
        }
        let mut lately: Vec<u32> = self.all.iter().map(|client| client.last_s).collect();
        let middle = lately.len() / 2;
        let (_, median, _) = lately.select_nth_unstable(middle);
        let median = *median;
        let mut moved = vec![u32::MAX; self.all.len()];
        let mut left = Vec::with_capacity(self.all.len() / 2);
        for (place, client) in self.all.iter().enumerate() {
            if client.kept > 0 || client.is_watched || client.is_listed || client.last_s > median {
                moved[place] = left.len() as u32;
                left.push(*client);
            }
        }
        // All are of interest, or all came at once: then the bound gives way rather than the evidence.
        self.forgotten += (self.all.len() - left.len()) as u64;
        self.all = left;
        self.index = FxHashMap::default();
        self.reindex();
        Some(moved)
    }
}
