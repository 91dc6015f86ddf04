//! Stepping through records: many different numbers at one place, in whatever order, by one client or shared out among many.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashSet;

use super::actor::{Held, Standing};
use super::timeline::Timeline;
use crate::scan::{Method, flag};
use crate::site::{Kept, Site};
use crate::{Class, Verdict};

/// Different records from which on one client steps through them, whatever others do: nobody looks up so many of their own.
const MIN_RECORDS: usize = 40;
/// As many times the records of the busiest ordinary visitor.
const TIMES_ORDINARY: usize = 3;
/// Records of each client from which on several clients may be sharing the work.
const MIN_SHARE: usize = 4;
/// Records of all of them together.
const MIN_TOGETHER: usize = 120;
/// Clients that share it.
const MIN_CLIENTS: usize = 3;

/// Networks from which the large search engines declare that they crawl, by the first bytes of the address. A page that
/// they fetch is public by the site's own will. (Google: 66.249.64.0/19; Microsoft: 157.55.39.0/24, 207.46.13.0/24,
/// 40.77.167.0/24; as their operators publish them.)
fn is_crawler(key: u128) -> bool {
    if key >> 32 != 0xffff {
        return false;
    }
    let four = key as u32;
    four & 0xffff_e000 == u32::from_be_bytes([66, 249, 64, 0])
        || [[157, 55, 39], [207, 46, 13], [40, 77, 167]]
            .iter()
            .any(|[a, b, c]| four & 0xffff_ff00 == u32::from_be_bytes([*a, *b, *c, 0]))
}

/// One client at one place.
struct Visit {
    client: u32,
    lines: Vec<u32>,
    records: BTreeSet<u64>,
    given: usize,
    agent: u32,
    first_ms: i64,
    last_ms: i64,
}

/// Everybody who steps through records, alone or together.
pub(super) fn held(site: &Site, timeline: &Timeline) -> Vec<(Vec<u32>, Held)> {
    let mut by_shape: BTreeMap<u32, Vec<Visit>> = BTreeMap::new();
    for client in timeline.by_client.keys() {
        let seen = site.clients.get(*client);
        if is_crawler(seen.key) {
            continue;
        }
        let mut of_client: BTreeMap<u32, Visit> = BTreeMap::new();
        for (place, kept) in timeline.lines(site, *client) {
            if !is_look_up(site, kept) {
                continue;
            }
            let visit = of_client.entry(kept.shape).or_insert_with(|| Visit {
                client: *client,
                lines: Vec::new(),
                records: BTreeSet::new(),
                given: 0,
                agent: kept.agent,
                first_ms: kept.time_ms,
                last_ms: kept.time_ms,
            });
            visit.lines.push(place);
            visit.records.insert(kept.record);
            visit.given += usize::from(kept.is_success());
            visit.last_ms = visit.last_ms.max(kept.time_ms);
        }
        for (shape, visit) in of_client {
            // Somebody who also fetches the pictures of every page is looking at pages.
            let looks = usize::from(seen.statics) * 3 > visit.lines.len();
            // Where nothing was given, numbers in paths are part of a list of guesses.
            if !looks && visit.given > 0 {
                by_shape.entry(shape).or_default().push(visit);
            }
        }
    }
    let mut found = Vec::new();
    for (shape, visits) in by_shape {
        let ordinary = ordinary(&visits);
        let floor = MIN_RECORDS.max(ordinary * TIMES_ORDINARY);
        let (mut over, mut left) = (Vec::new(), Vec::new());
        for visit in visits {
            if visit.records.len() >= floor {
                over.push(visit);
            } else {
                left.push(visit);
            }
        }
        let busiest = left.iter().map(|visit| visit.records.len()).max().unwrap_or(0);
        for visit in over {
            found.push((vec![visit.client], one(site, shape, &[&visit], busiest)));
        }
        found.extend(together(site, shape, &left, ordinary));
    }
    found
}

fn is_look_up(site: &Site, kept: &Kept) -> bool {
    kept.record != 0
        && kept.shape != u32::MAX
        && kept.is(flag::REQUEST)
        && kept.flags & flag::STATIC == 0
        && matches!(kept.method, Method::Get | Method::Head | Method::Post)
        && site
            .hits_of(kept)
            .iter()
            .all(|hit| hit.tool != u16::MAX || !super::content::is_injection(hit.class))
}

/// Records of a busy ordinary visitor: the 99.9th percentile, where there are enough to say; else the median.
fn ordinary(visits: &[Visit]) -> usize {
    let mut counts: Vec<usize> = visits.iter().map(|visit| visit.records.len()).collect();
    counts.sort_unstable();
    match counts.len() {
        0 => 1,
        count if count < 1000 => counts[count / 2].min(MIN_RECORDS / TIMES_ORDINARY),
        count => counts[count - 1 - count / 1000],
    }
}

/// Several clients that share the work: one agent that hardly any ordinary visitor has, at one place, their records apart.
fn together(site: &Site, shape: u32, visits: &[Visit], ordinary: usize) -> Vec<(Vec<u32>, Held)> {
    let share = MIN_SHARE.max(ordinary + 1);
    let mut by_agent: BTreeMap<u32, Vec<&Visit>> = BTreeMap::new();
    for visit in visits.iter().filter(|visit| visit.records.len() >= share) {
        by_agent.entry(visit.agent).or_default().push(visit);
    }
    let mut found = Vec::new();
    for (_, group) in by_agent {
        let records: FxHashSet<u64> = group
            .iter()
            .flat_map(|visit| visit.records.iter().copied())
            .collect();
        let sum: usize = group.iter().map(|visit| visit.records.len()).sum();
        let is_apart = records.len() * 10 >= sum * 9;
        if group.len() < MIN_CLIENTS || records.len() < MIN_TOGETHER || !is_apart {
            continue;
        }
        let clients = group.iter().map(|visit| visit.client).collect();
        found.push((clients, one(site, shape, &group, share.saturating_sub(1))));
    }
    found
}

/// `busiest`: records of the busiest client that is not held.
fn one(site: &Site, shape: u32, visits: &[&Visit], busiest: usize) -> Held {
    let records: BTreeSet<u64> = visits
        .iter()
        .flat_map(|visit| visit.records.iter().copied())
        .collect();
    let mut lines: Vec<u32> = visits
        .iter()
        .flat_map(|visit| visit.lines.iter().copied())
        .collect();
    lines.sort_unstable();
    let given: usize = visits.iter().map(|visit| visit.given).sum();
    let success = given as f64 / lines.len().max(1) as f64;
    let low = records.first().copied().unwrap_or(0);
    let high = records.last().copied().unwrap_or(0);
    let coverage = records.len() as f64 / (high - low + 1) as f64;
    let name = site.shapes.get(shape).map_or("", |shape| shape.text.as_str());
    let first = visits.iter().map(|visit| visit.first_ms).min().unwrap_or(0);
    let last = visits.iter().map(|visit| visit.last_ms).max().unwrap_or(0);
    let hours = last.saturating_sub(first) as f64 / 3_600_000.0;
    let took = success >= 0.5;
    let who = match visits.len() {
        1 => String::new(),
        count => format!(" by {count} clients that shared them out"),
    };
    Held {
        class: Class::Enumeration,
        verdict: if took {
            Verdict::Exfiltrated
        } else {
            Verdict::Attempted
        },
        standing: match (records.len(), coverage) {
            (200.., share) if share >= 0.2 => Standing::High,
            (1000.., _) => Standing::High,
            _ => Standing::Medium,
        },
        rule: if took {
            "records-stepped-through-and-given"
        } else {
            "records-stepped-through"
        },
        says: format!(
            "{} different records were asked for at {name}{who} within {hours:.1} hours, {:.0} % of all numbers between the \
             lowest and the highest; {given} of {} requests were answered with a page. Of other clients that come from no page of the site, the busiest asked for {busiest}.",
            records.len(),
            coverage * 100.0,
            lines.len(),
        ),
        overturned_by: "the pages are public listings, or the client is a partner of the office that fetches them by agreement",
        counts: BTreeMap::from([
            ("records", records.len() as u64),
            ("requests", lines.len() as u64),
            ("answered", given as u64),
            ("clients", visits.len() as u64),
        ]),
        lines,
    }
}
