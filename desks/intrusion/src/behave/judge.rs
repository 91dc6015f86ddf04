//! The judgement of a site: everything that is held against anybody, joined into actors.

use std::collections::{BTreeMap, BTreeSet};

use super::actor::{Actor, Held, Standing};
use super::timeline::Timeline;
use super::{content, enumerate, guess, link};
use crate::event::address_of;
use crate::lists::Assessor;
use crate::scan::flag;
use crate::site::Site;
use crate::{Class, Verdict};

/// What the judgement goes by beyond the logs.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// Who was asked to test.
    pub assessors: Vec<Assessor>,
    /// The target's id, for assessors that only one target asked.
    pub target: String,
}

/// Everybody who did something, the furthest first, then by time.
pub fn judge(site: &Site, timeline: &Timeline, terms: &Terms) -> Vec<Actor> {
    let broken = guess::broken_links(site, timeline);
    let mut held: BTreeMap<u32, Vec<Held>> = BTreeMap::new();
    for client in timeline.by_client.keys() {
        let mut of_client = content::held(site, timeline, *client);
        if let Some(found) = guess::paths(site, timeline, *client, &broken) {
            of_client.push(found);
        }
        if let Some(found) = guess::passwords(site, timeline, *client) {
            of_client.push(found);
        }
        if !of_client.is_empty() {
            held.insert(*client, of_client);
        }
    }
    let mut groups: Vec<(Vec<u32>, Held)> = Vec::new();
    for (clients, found) in enumerate::held(site, timeline) {
        match clients.as_slice() {
            [one] => held.entry(*one).or_default().push(found),
            _ => groups.push((clients, found)),
        }
    }
    let taken: BTreeSet<u32> = held
        .iter()
        .filter(|(_, list)| list.iter().any(|one| one.class != Class::Scanner))
        .map(|(client, _)| *client)
        .collect();
    groups.extend(guess::waves(site, timeline, &taken));
    for (_, client) in site
        .clients
        .iter()
        .enumerate()
        .filter(|(_, client)| client.is_listed)
    {
        let Some((place, _)) = site.clients.by_key(client.key) else {
            continue;
        };
        let lines: Vec<u32> = timeline.lines(site, place).map(|(line, _)| line).collect();
        if lines.is_empty() {
            continue;
        }
        held.entry(place).or_default().push(Held {
            class: Class::Contact,
            verdict: Verdict::Contact,
            standing: Standing::Medium,
            rule: "address-on-a-list",
            says: format!(
                "{} lines come from an address that is on the list of indicators given. An address changes hands, and many people \
                 may share it: this is a visit, not an attack.",
                lines.len()
            ),
            overturned_by: "the address belonged to somebody else at that time, or is shared by many",
            counts: BTreeMap::from([("lines", lines.len() as u64)]),
            lines,
        });
    }
    let mut actors = Vec::new();
    for (clients, links) in link::group(site, timeline, &held) {
        let of_all: Vec<Held> = clients
            .iter()
            .flat_map(|client| held.get(client).cloned().unwrap_or_default())
            .collect();
        actors.push(actor(site, timeline, clients, of_all, links, terms));
    }
    for (clients, found) in groups {
        let links = vec![format!(
            "{} clients that did the same thing in one stretch of time",
            clients.len()
        )];
        actors.push(actor(site, timeline, clients, vec![found], links, terms));
    }
    actors.sort_by(|a, b| {
        b.verdict
            .cmp(&a.verdict)
            .then(a.first_ms.cmp(&b.first_ms))
            .then(a.addresses.cmp(&b.addresses))
    });
    actors
}

fn actor(
    site: &Site,
    timeline: &Timeline,
    mut clients: Vec<u32>,
    mut held: Vec<Held>,
    links: Vec<String>,
    terms: &Terms,
) -> Actor {
    clients.sort_by_key(|client| {
        let first = timeline
            .lines(site, *client)
            .map(|(_, kept)| kept.time_ms)
            .find(|time| *time != i64::MIN);
        (first.unwrap_or(i64::MAX), site.clients.get(*client).key)
    });
    held.sort_by(|a, b| {
        b.verdict
            .cmp(&a.verdict)
            .then(b.standing.cmp(&a.standing))
            .then(b.lines.len().cmp(&a.lines.len()))
            .then(a.class.cmp(&b.class))
    });
    // A listed address that also attacks is judged by what it does.
    if held.iter().any(|one| one.class != Class::Contact) {
        held.retain(|one| one.class != Class::Contact);
    }
    let verdict = held.first().map_or(Verdict::None, |one| one.verdict);
    let standing = held
        .iter()
        .filter(|one| one.verdict == verdict)
        .map(|one| one.standing)
        .max()
        .unwrap_or(Standing::Low);
    let class = main_class(&held);
    let classes: BTreeSet<Class> = held.iter().map(|one| one.class).collect();
    let lines = lines_of(site, timeline, &clients, &held, class);
    let times = || {
        lines
            .iter()
            .map(|(place, _)| site.kept[*place as usize].time_ms)
            .filter(|time| *time != i64::MIN)
    };
    let (first_ms, last_ms) = (times().min(), times().max());
    let mut tools: BTreeSet<String> = BTreeSet::new();
    for (place, _) in &lines {
        for hit in site.hits_of(&site.kept[*place as usize]) {
            if hit.tool != u16::MAX {
                tools.insert(site.name(hit.tool).to_owned());
            }
        }
    }
    let assessor = terms.assessors.iter().find(|assessor| {
        assessor
            .target
            .as_ref()
            .is_none_or(|target| *target == terms.target)
            && clients.iter().all(|client| {
                assessor.covers(
                    site.clients.get(*client).key,
                    first_ms.unwrap_or(i64::MAX),
                    last_ms.unwrap_or(i64::MIN),
                )
            })
    });
    let addresses = clients
        .iter()
        .map(|client| address_of(site.clients.get(*client).key))
        .collect();
    Actor {
        verdict: if assessor.is_some() {
            Verdict::Authorised
        } else {
            verdict
        },
        assessor: assessor.map(|one| one.name.clone()),
        clients,
        addresses,
        class,
        classes,
        standing,
        held,
        links,
        lines,
        first_ms,
        last_ms,
        tools: tools.into_iter().collect(),
        campaign: None,
        campaign_links: Vec::new(),
    }
}

/// What went furthest, and of that what has most lines; a scanner is one whatever it tries.
fn main_class(held: &[Held]) -> Class {
    if let Some(scanner) = held.iter().find(|one| one.rule == "many-kinds-no-follow-up") {
        return scanner.class;
    }
    held.iter()
        .max_by_key(|one| (one.verdict, one.lines.len()))
        .map_or(Class::Contact, |one| one.class)
}

/// The lines held against an actor, each with its class: those that show something, and what the same client did around
/// them that no visitor does (a probe before, a failed request between).
fn lines_of(
    site: &Site,
    timeline: &Timeline,
    clients: &[u32],
    held: &[Held],
    class: Class,
) -> Vec<(u32, Class)> {
    let mut of_line: BTreeMap<u32, Class> = BTreeMap::new();
    for one in held {
        for place in &one.lines {
            of_line.entry(*place).or_insert(one.class);
        }
    }
    if class == Class::Contact || class == Class::CredStuff {
        return of_line.into_iter().collect();
    }
    /// A pause that ends a session.
    const SESSION_MS: i64 = 1_800_000;
    for client in clients {
        let times: Vec<i64> = timeline
            .lines(site, *client)
            .filter(|(place, _)| of_line.contains_key(place))
            .map(|(_, kept)| kept.time_ms)
            .collect();
        for (place, kept) in timeline.lines(site, *client) {
            if of_line.contains_key(&place) {
                continue;
            }
            let at = times.partition_point(|time| *time < kept.time_ms.saturating_sub(SESSION_MS));
            let is_near = times
                .get(at)
                .is_some_and(|time| *time <= kept.time_ms.saturating_add(SESSION_MS));
            let as_a_visitor = kept.is(flag::STATIC) || kept.is(flag::REFERER);
            if is_near && (!site.hits_of(kept).is_empty() || !as_a_visitor) {
                of_line.insert(place, class);
            }
        }
    }
    let is_scanner = held.iter().any(|one| one.rule == "many-kinds-no-follow-up");
    of_line
        .into_iter()
        .map(|(place, of)| {
            (
                place,
                if is_scanner && of != Class::Enumeration {
                    class
                } else {
                    of
                },
            )
        })
        .collect()
}
