//! The kept lines, client by client, in the order of their times.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use crate::site::{Kept, Site};

/// Kept lines by client.
#[derive(Debug, Default)]
pub struct Timeline {
    /// Of each client the places of its kept lines, ordered by time, then as they were read.
    pub by_client: BTreeMap<u32, Vec<u32>>,
    /// Lines that were left out because another file has them too.
    pub repeated: u64,
}

impl Timeline {
    /// Orders what a site kept. Lines of rotated copies, and lines that two files share to the last field, count once.
    pub fn of(site: &Site) -> Self {
        let copies: Vec<bool> = site.files.iter().map(|file| file.is_copy()).collect();
        let may_overlap = site.files.iter().any(|file| file.repeated > 0);
        let mut seen: FxHashSet<(i64, u32, u64, u32, u16, u64)> = FxHashSet::default();
        let mut timeline = Timeline::default();
        for (place, kept) in site.kept.iter().enumerate() {
            if copies[kept.file as usize] {
                timeline.repeated += 1;
                continue;
            }
            // Repeats within one file are a client in a hurry; across files they are a copy.
            if may_overlap && kept.time_ms != i64::MIN {
                let key = |file: u64| {
                    (
                        kept.time_ms,
                        kept.client,
                        kept.path ^ kept.record.rotate_left(17) ^ file,
                        kept.bytes,
                        kept.status,
                        kept.user,
                    )
                };
                if (0..u64::from(kept.file).min(64)).any(|file| seen.contains(&key(file))) {
                    timeline.repeated += 1;
                    continue;
                }
                seen.insert(key(u64::from(kept.file)));
            }
            timeline
                .by_client
                .entry(kept.client)
                .or_default()
                .push(place as u32);
        }
        for places in timeline.by_client.values_mut() {
            places.sort_by_key(|place| (site.kept[*place as usize].time_ms, *place));
        }
        timeline
    }

    /// A client's lines.
    pub fn lines<'s>(
        &self,
        site: &'s Site,
        client: u32,
    ) -> impl Iterator<Item = (u32, &'s Kept)> + use<'s, '_> {
        self.by_client
            .get(&client)
            .into_iter()
            .flatten()
            .map(|place| (*place, &site.kept[*place as usize]))
    }
}
