//! The state itself, and how it takes in a row.

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::{Agents, Clients, FileSeen, Kept, KeptHit, Shapes};
use crate::lists::AddressSet;
use crate::scan::{Method, Row, Rows, flag, shape_of};
use crate::{Hit, Weight};

/// Lines that are kept at once: 96 bytes each. Beyond it, lines of clients of which few are kept go first.
const MAX_KEPT: usize = 700_000;
/// A client of which so many lines are kept is watched from then on: no innocent visitor is that conspicuous by accident, and
/// the whole of what an attacker does has to be seen.
const WATCH_FROM: u32 = 12;
/// Seconds for which a visitor who fetched a page's pictures counts as looking at pages: half an hour, which ends a visit.
pub(super) const VISIT_S: u16 = 1800;
/// One line in so many is sampled to find rotated copies.
const SAMPLE: u64 = 64;
/// Samples that are remembered.
const MAX_SAMPLES: usize = 400_000;

/// All that is remembered of a jurisdiction.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Site {
    /// Its files, in the order in which they were read.
    pub files: Vec<FileSeen>,
    /// Its clients.
    pub clients: Clients,
    /// Lines that are kept, in the order in which they were read.
    pub kept: Vec<Kept>,
    /// Their hits.
    pub hits: Vec<KeptHit>,
    /// Names of rules and tools.
    pub names: Vec<String>,
    /// Shapes of requests.
    pub shapes: Shapes,
    /// Agents.
    pub agents: Agents,
    /// Lines that were kept and given up again because there were too many.
    pub given_up: u64,
    samples: FxHashSet<u64>,
    #[serde(skip)]
    places: Vec<u32>,
    #[serde(skip)]
    name_index: FxHashMap<&'static str, u16>,
}

impl Site {
    /// Takes up a saved state.
    pub fn reindex(&mut self) {
        self.clients.reindex();
    }

    /// The name at a place.
    pub fn name(&self, place: u16) -> &str {
        self.names.get(place as usize).map_or("", String::as_str)
    }

    /// The hits of a kept line.
    pub fn hits_of(&self, kept: &Kept) -> &[KeptHit] {
        let from = kept.hits as usize;
        &self.hits[from..from + kept.hit_count as usize]
    }

    /// Begins a file, or goes on with it; gives its place.
    pub fn open_file(&mut self, name: &str) -> u32 {
        if let Some(place) = self
            .files
            .iter()
            .rposition(|file| file.name == name && !file.is_complete)
        {
            return place as u32;
        }
        self.files.push(FileSeen::new(name));
        (self.files.len() - 1) as u32
    }

    /// Takes in the rows of a block.
    pub fn take(
        &mut self,
        file: u32,
        first_line: u64,
        block: &[u8],
        rows: &Rows,
        reader: &crate::read::Reader,
        listed: &AddressSet,
    ) {
        let mut text = Vec::new();
        // All clients are looked up at once: among a million each look-up waits for memory, and these wait together.
        let mut places = std::mem::take(&mut self.places);
        places.clear();
        let mut last = None;
        for row in &rows.rows {
            let place = match last {
                Some((client, place)) if client == row.client => place,
                _ => self.clients.place(row.client),
            };
            last = Some((row.client, place));
            places.push(place);
        }
        for (dialect, count) in &rows.dialects {
            *self.files[file as usize].dialects.entry(*dialect).or_default() += count;
        }
        for ((row, line), client) in rows.rows.iter().zip(&rows.lines).zip(&places) {
            self.take_row(
                *client,
                file,
                first_line + u64::from(*line),
                block,
                row,
                rows,
                reader,
                listed,
                &mut text,
            );
        }
        self.places = places;
        self.files[file as usize].flush();
        if let Some(moved) = self.clients.spill_when_full() {
            for kept in &mut self.kept {
                kept.client = moved[kept.client as usize];
            }
        }
        if self.kept.len() > MAX_KEPT {
            self.give_up();
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the inner loop, called from one place")]
    fn take_row(
        &mut self,
        place: u32,
        file: u32,
        line: u64,
        block: &[u8],
        row: &Row,
        rows: &Rows,
        reader: &crate::read::Reader,
        listed: &AddressSet,
        text: &mut Vec<u8>,
    ) {
        let seen = &mut self.files[file as usize];
        if row.is(flag::UNREAD) {
            seen.unread += 1;
        } else {
            seen.read += 1;
            seen.forwarded += u64::from(row.flags & flag::FORWARDED != 0);
            seen.tick(row.time_ms, line);
        }
        let sample = row.path
            ^ row.client as u64
            ^ (row.client >> 64) as u64
            ^ (row.time_ms as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ u64::from(row.bytes).rotate_left(32);
        let sample = sample.wrapping_mul(0xd6e8_feb8_6659_fd93);
        if (sample >> 40).is_multiple_of(SAMPLE) && !row.is(flag::UNREAD) {
            // The file's place is part of what is remembered, so that a line repeated within one file is no copy.
            seen.sampled += 1;
            let is_known =
                (0..file.min(64)).any(|earlier| self.samples.contains(&(sample ^ u64::from(earlier) << 1)));
            seen.repeated += u32::from(is_known);
            if self.samples.len() < MAX_SAMPLES {
                self.samples.insert(sample ^ u64::from(file) << 1);
            }
        }
        let seconds = match row.time_ms {
            i64::MIN => 0,
            ms => ms.div_euclid(1000).clamp(0, i64::from(u32::MAX)) as u32,
        };
        let hits = &rows.hits[row.hits as usize..row.hits as usize + row.hit_count as usize];
        let mut shape = u32::MAX;
        let mut agent = u32::MAX;
        if row.agent != 0 {
            agent = self.agents.place(row.agent, || {
                let line = &block[row.start as usize..(row.start + row.len) as usize];
                match reader.read(line, text) {
                    Some((_, fields)) => fields.event(line, text).agent.to_vec(),
                    None => Vec::new(),
                }
            });
            self.agents.get_mut(agent).requests += 1;
        }
        if row.shape != 0 && !row.is(flag::STATIC) {
            shape = self.shapes.place(row.shape, || {
                let line = &block[row.start as usize..(row.start + row.len) as usize];
                let mut shape = Vec::new();
                if let Some((_, fields)) = reader.read(line, text) {
                    shape_of(fields.event(line, text).target, &mut shape);
                }
                String::from_utf8_lossy(&shape).into_owned()
            });
        }
        let client = self.clients.get_mut(place);
        if client.requests == 0 {
            client.first_s = seconds;
            client.agent = agent;
            client.is_listed = listed.contains(row.client);
            client.is_watched = client.is_listed;
        }
        let is_picture = row.is(flag::STATIC) && row.status < 400;
        let since_last = u16::try_from(seconds.saturating_sub(client.last_s)).unwrap_or(u16::MAX);
        client.since_static = match is_picture {
            true => 0,
            false => client.since_static.saturating_add(since_last),
        };
        let browsed = match client.since_static {
            0..=VISIT_S => flag::BROWSED,
            _ => 0,
        };
        if seconds > 0 {
            client.first_s = if client.first_s == 0 {
                seconds
            } else {
                client.first_s.min(seconds)
            };
            client.last_s = client.last_s.max(seconds);
        }
        client.requests = client.requests.saturating_add(1);
        client.statics = client.statics.saturating_add(u16::from(is_picture));
        client.referers = client.referers.saturating_add(u16::from(row.is(flag::REFERER)));
        client.missing = client
            .missing
            .saturating_add(u16::from(matches!(row.status, 403 | 404 | 410)));
        client.records = client.records.saturating_add(u16::from(row.record != 0));
        let is_post = matches!(row.method, Method::Post | Method::Put);
        let is_notable = client.is_watched
            || !hits.is_empty()
            || row.status >= 400
            || row.flags & (flag::SIGN_IN_FAILED | flag::SIGNED_IN | flag::GARBLED) != 0
            || (is_post && row.flags & (flag::SIGN_IN_PATH | flag::UPLOAD_PATH) != 0)
            || (row.record != 0
                && row.flags & (flag::STATIC | flag::CONNECTION) == 0
                && (!row.is(flag::REFERER) || client.records > 8));
        if shape != u32::MAX {
            let shape = self.shapes.get_mut(shape);
            shape.requests += 1;
            shape.referers += u32::from(row.is(flag::REFERER));
            if is_post && (300..400).contains(&row.status) {
                shape.redirects += 1;
            }
            if !client.is_watched && hits.is_empty() && (200..300).contains(&row.status) {
                shape.plain += 1;
                shape.sizes.add(row.bytes);
                if row.duration > 0 {
                    shape.durations.add(row.duration - 1);
                }
            }
        }
        if !is_notable {
            return;
        }
        client.kept += 1;
        if client.kept >= WATCH_FROM || hits.iter().any(|hit| hit.hit.weight == Weight::Strong) {
            client.is_watched = true;
        }
        let first_hit = self.hits.len() as u32;
        for hit in hits {
            let kept = self.keep_hit(&hit.hit);
            self.hits.push(kept);
        }
        self.kept.push(Kept {
            time_ms: row.time_ms,
            line,
            path: row.path,
            record: row.record,
            user: row.user,
            client: place,
            shape,
            agent,
            file,
            bytes: row.bytes,
            duration: row.duration,
            target_len: row.target_len,
            hits: first_hit,
            hit_count: hits.len() as u16,
            flags: row.flags | browsed,
            status: row.status,
            method: row.method,
        });
    }

    fn keep_hit(&mut self, hit: &Hit) -> KeptHit {
        KeptHit {
            class: hit.class,
            rule: self.name_place(hit.rule),
            tool: hit.tool.map_or(u16::MAX, |tool| self.name_place(tool)),
            weight: hit.weight,
            field: hit.field,
            depth: hit.depth,
            fingerprint: hit.fingerprint,
            facts: hit.facts,
        }
    }

    fn name_place(&mut self, name: &'static str) -> u16 {
        if let Some(place) = self.name_index.get(name) {
            return *place;
        }
        let place = match self.names.iter().position(|known| known == name) {
            Some(place) => place,
            None => {
                self.names.push(name.to_owned());
                self.names.len() - 1
            }
        };
        let place = u16::try_from(place).unwrap_or(u16::MAX - 1);
        self.name_index.insert(name, place);
        place
    }

    /// Gives up lines of clients of which few are kept and that are not watched, oldest first; of the others what is beyond
    /// their share.
    fn give_up(&mut self) {
        let before = self.kept.len();
        let oldest = before / 2;
        let mut place = 0;
        let clients = &mut self.clients;
        self.kept.retain(|kept| {
            place += 1;
            let client = clients.get_mut(kept.client);
            let is_given_up = place <= oldest && kept.hit_count == 0 && !client.is_watched;
            if is_given_up {
                client.kept = client.kept.saturating_sub(1);
            }
            !is_given_up
        });
        if self.kept.len() > MAX_KEPT * 3 / 4 {
            // Watched clients fill the space by themselves: of each the first lines stay.
            let mut of_client: FxHashMap<u32, u32> = FxHashMap::default();
            let share = (MAX_KEPT / 2) as u32
                / self
                    .kept
                    .iter()
                    .map(|kept| kept.client)
                    .collect::<FxHashSet<_>>()
                    .len()
                    .max(1) as u32;
            self.kept.retain(|kept| {
                let count = of_client.entry(kept.client).or_default();
                *count += 1;
                *count <= share.max(64)
            });
        }
        self.given_up += (before - self.kept.len()) as u64;
        // Hits of lines that are gone go with them.
        let mut hits = Vec::with_capacity(self.hits.len() / 2);
        for kept in &mut self.kept {
            let from = kept.hits as usize;
            let moved = hits.len() as u32;
            hits.extend_from_slice(&self.hits[from..from + kept.hit_count as usize]);
            kept.hits = moved;
        }
        self.hits = hits;
    }
}
