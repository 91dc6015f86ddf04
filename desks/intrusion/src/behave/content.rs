//! What a client's requests carry: which attack it is, and whether it is a person at one door or a scanner at all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::actor::{Held, Standing};
use super::shell;
use super::sqli::{self, Reach};
use super::timeline::Timeline;
use crate::scan::flag;
use crate::site::{Kept, Site};
use crate::{Class, Verdict, Weight};

/// Tools that try one kind of attack and no other: their name says which.
const ONE_TRADE: &[(&str, Class)] = &[
    ("sqlmap", Class::Sqli),
    ("havij", Class::Sqli),
    ("dirbuster", Class::Dirbust),
    ("gobuster", Class::Dirbust),
    ("dirb", Class::Dirbust),
    ("ffuf", Class::Dirbust),
    ("feroxbuster", Class::Dirbust),
    ("hydra", Class::Bruteforce),
    ("medusa", Class::Bruteforce),
    ("patator", Class::Bruteforce),
];

/// Kinds of attack from which on a client is called a scanner: somebody who wants in tries one thing with care.
const KINDS_OF_A_SCANNER: usize = 3;
/// Places of the site from which on: a list of payloads tried at one parameter is somebody at one door.
const PLACES_OF_A_SCANNER: usize = 2;
/// Share of the lines with hits that a kind must have to count, so that the one request in which a tool tries out whether a
/// filter stands in the way does not make a scanner of it.
const SHARE_OF_A_KIND: f64 = 0.05;
/// Different paths that only somebody looking for holes asks for, from which on a client is held to look for holes.
const PROBED_PATHS: usize = 3;

/// What is held against a client for what its requests carry.
pub(super) fn held(site: &Site, timeline: &Timeline, client: u32) -> Vec<Held> {
    let mut by_class: BTreeMap<Class, Vec<u32>> = BTreeMap::new();
    let mut strong: BTreeMap<Class, u64> = BTreeMap::new();
    let mut rules: BTreeMap<Class, BTreeSet<u16>> = BTreeMap::new();
    let mut probed: BTreeSet<u64> = BTreeSet::new();
    let mut tools: BTreeMap<String, u64> = BTreeMap::new();
    // A survey of the whole internet names itself, comes to every site, and attacks none: its name is a sign only.
    let mut knows_tool = false;
    let mut depth = 0;
    let mut hit_lines = 0u64;
    let mut refused = 0u64;
    let mut garbled: Vec<u32> = Vec::new();
    for (place, kept) in timeline.lines(site, client) {
        if kept.is(flag::GARBLED) && matches!(kept.status, 400 | 408 | 414 | 444 | 501 | 505) {
            garbled.push(place);
        }
        let hits = site.hits_of(kept);
        if hits.is_empty() {
            continue;
        }
        hit_lines += 1;
        refused += u64::from(matches!(kept.status, 403 | 406));
        let mut of_line: BTreeSet<Class> = BTreeSet::new();
        for hit in hits {
            depth = depth.max(hit.depth);
            if hit.tool != u16::MAX {
                *tools.entry(site.name(hit.tool).to_owned()).or_default() += 1;
                knows_tool |= hit.weight == Weight::Strong;
            }
            of_line.insert(hit.class);
            rules.entry(hit.class).or_default().insert(hit.rule);
            if hit.weight == Weight::Strong {
                *strong.entry(hit.class).or_default() += 1;
            }
            if hit.class == Class::Scanner && hit.tool == u16::MAX {
                probed.insert(kept.path);
            }
        }
        for class in of_line {
            by_class.entry(class).or_default().push(place);
        }
    }
    let mut found = Vec::new();
    if garbled.len() >= 8 {
        found.push(garbled_requests(site, garbled));
    }
    if hit_lines == 0 {
        return found;
    }
    let trade = tools.keys().find_map(|tool| {
        ONE_TRADE
            .iter()
            .find(|(name, _)| name == tool)
            .map(|(_, class)| *class)
    });
    let names_scanner = tools
        .keys()
        .any(|tool| !ONE_TRADE.iter().any(|(name, _)| name == tool));
    // A tool of one trade sends nothing else: what looks like another kind is its own in other dress. That holds for what comes
    // under the agent that the tool was seen with, not for what the same address sends at another time with another program.
    let agents = match trade {
        Some(_) => agents_of_trade(site, timeline, client),
        None => BTreeSet::new(),
    };
    let is_of_trade = |place: &u32| agents.contains(&site.kept[*place as usize].agent);
    if let Some(trade) = trade.filter(|trade| is_injection(*trade) && by_class.contains_key(trade)) {
        by_class.retain(|class, lines| {
            if *class != trade && is_injection(*class) {
                lines.retain(|place| !is_of_trade(place));
                strong.insert(*class, count_strong(site, *class, lines));
            }
            !lines.is_empty()
        });
    }
    let mut injections: Vec<(Class, usize)> = Vec::new();
    let mut places_probed: BTreeSet<u32> = BTreeSet::new();
    let mut injected: BTreeSet<u32> = BTreeSet::new();
    for (class, lines) in by_class.iter().filter(|(class, _)| is_injection(**class)) {
        let others: Vec<u32> = lines
            .iter()
            .copied()
            .filter(|place| !is_of_trade(place))
            .collect();
        places_probed.extend(others.iter().map(|place| site.kept[*place as usize].shape));
        if !others.is_empty() {
            injections.push((*class, others.len()));
        }
        injected.extend(others);
    }
    let kinds = injections
        .iter()
        .filter(|(_, lines)| *lines >= 2 && *lines as f64 >= SHARE_OF_A_KIND * injected.len() as f64)
        .count();
    let is_scanner = places_probed.len() >= PLACES_OF_A_SCANNER
        && (kinds >= KINDS_OF_A_SCANNER || (names_scanner && kinds >= 2));

    // How far SQL injection got is told by the answers, whoever sent it.
    let sqli = by_class
        .get(&Class::Sqli)
        .map(|_| sqli::reach(site, timeline, client));
    if is_scanner {
        let lines: Vec<u32> = timeline
            .lines(site, client)
            .filter(|(place, kept)| !site.hits_of(kept).is_empty() && !is_of_trade(place))
            .map(|(place, _)| place)
            .collect();
        let went_on = sqli.as_ref().filter(|reach| reach.verdict >= Verdict::Breached);
        found.push(scanner(&lines, &injections, places_probed.len(), &tools));
        if let Some(reach) = went_on {
            found.push(injection_held(
                Class::Sqli,
                &by_class[&Class::Sqli],
                reach,
                &strong,
                depth,
            ));
        }
        // What is left is what the tool of one trade sent from the same address.
        let is_told = went_on.is_some();
        by_class.retain(|class, lines| {
            lines.retain(is_of_trade);
            Some(*class) == trade && !lines.is_empty() && !(is_told && *class == Class::Sqli)
        });
    }
    for (class, lines) in &by_class {
        if !is_injection(*class) {
            continue;
        }
        let strong = strong.get(class).copied().unwrap_or(0);
        let kinds_of_rule = rules.get(class).map_or(0, BTreeSet::len);
        // One sign alone may be a surname or a search for a street, and a map asks for `where=1=1` all day long; two signs of
        // different rules are neither.
        if strong == 0 && kinds_of_rule < 2 {
            continue;
        }
        let held = match class {
            Class::Sqli => match &sqli {
                Some(reach) => {
                    let strong = BTreeMap::from([(Class::Sqli, strong)]);
                    injection_held(Class::Sqli, lines, reach, &strong, depth)
                }
                None => continue,
            },
            Class::WebShell => shell::held(site, timeline, client, lines),
            Class::Traversal => traversal(site, lines),
            other => attempted(site, *other, lines, refused, hit_lines),
        };
        found.push(held);
    }
    let probes = by_class.get(&Class::Scanner);
    if let Some(lines) = probes
        && (knows_tool
            || probed.len() >= PROBED_PATHS
            || strong.get(&Class::Scanner).copied().unwrap_or(0) > 0)
    {
        found.push(probing(lines, probed.len(), &tools, trade));
    }
    found
}

/// Agents under which a client's lines carry the name of a tool of one trade.
fn agents_of_trade(site: &Site, timeline: &Timeline, client: u32) -> BTreeSet<u32> {
    timeline
        .lines(site, client)
        .filter(|(_, kept)| {
            site.hits_of(kept).iter().any(|hit| {
                hit.tool != u16::MAX && ONE_TRADE.iter().any(|(name, _)| *name == site.name(hit.tool))
            })
        })
        .map(|(_, kept)| kept.agent)
        .collect()
}

fn count_strong(site: &Site, class: Class, lines: &[u32]) -> u64 {
    lines
        .iter()
        .flat_map(|place| site.hits_of(&site.kept[*place as usize]))
        .filter(|hit| hit.class == class && hit.weight == Weight::Strong)
        .count() as u64
}

/// Whether a class is an attack on what a program does with its input.
pub(super) fn is_injection(class: Class) -> bool {
    matches!(
        class,
        Class::Sqli
            | Class::Xss
            | Class::Traversal
            | Class::Rce
            | Class::Php
            | Class::Java
            | Class::SsrfSsti
            | Class::Rfi
            | Class::KnownHole
            | Class::WebShell
            | Class::Protocol
    )
}

fn scanner(
    lines: &[u32],
    injections: &[(Class, usize)],
    places: usize,
    tools: &BTreeMap<String, u64>,
) -> Held {
    let kinds: Vec<&str> = injections.iter().map(|(class, _)| class.title()).collect();
    let tool = match tools.keys().next() {
        Some(tool) => format!(" The requests carry the name of the tool {tool}."),
        None => String::new(),
    };
    Held {
        class: Class::Scanner,
        verdict: Verdict::Scanned,
        standing: if lines.len() >= 10 {
            Standing::High
        } else {
            Standing::Medium
        },
        rule: "many-kinds-no-follow-up",
        says: format!(
            "{} tried {} kinds of attack ({}) at {places} places of the site, and nothing was followed up.{tool}",
            requests(lines.len()),
            injections.len(),
            kinds.join(", ")
        ),
        overturned_by: "a declared test of the office's own in that time",
        lines: lines.to_vec(),
        counts: BTreeMap::from([
            ("lines_with_payload", lines.len() as u64),
            ("places", places as u64),
        ]),
    }
}

fn injection_held(
    class: Class,
    lines: &[u32],
    reach: &Reach,
    strong: &BTreeMap<Class, u64>,
    depth: u8,
) -> Held {
    let hidden = match depth {
        0 | 1 => String::new(),
        passes => {
            format!(" Some were encoded {passes} times over, which only somebody evading a filter does.")
        }
    };
    let mut counts = reach.counts.clone();
    counts.insert("lines_with_payload", lines.len() as u64);
    counts.insert("strong_hits", strong.get(&class).copied().unwrap_or(0));
    Held {
        class,
        verdict: reach.verdict,
        standing: reach.standing,
        rule: reach.rule,
        says: format!(
            "{} carried database commands. {}{hidden}",
            requests(lines.len()),
            reach.says
        ),
        overturned_by: reach.overturned_by,
        lines: lines.to_vec(),
        counts,
    }
}

/// Whether anything is there that a payload could work on: a place that answers others, or that answered this with anything
/// but "there is no such thing". A server that closes the connection (nginx's 444) says that too.
fn is_live(site: &Site, kept: &Kept) -> bool {
    !matches!(kept.status, 404 | 405 | 410 | 421 | 444)
        || site.shapes.get(kept.shape).is_some_and(|shape| shape.plain > 0)
}

fn attempted(site: &Site, class: Class, lines: &[u32], refused: u64, hit_lines: u64) -> Held {
    let all_refused = refused == hit_lines;
    if !lines
        .iter()
        .any(|place| is_live(site, &site.kept[*place as usize]))
    {
        return Held {
            class,
            verdict: Verdict::Scanned,
            standing: if lines.len() >= 3 {
                Standing::High
            } else {
                Standing::Medium
            },
            rule: "payload-where-nothing-is",
            says: format!(
                "{} carried {}, all for places that the site does not have: somebody looked for a hole.",
                requests(lines.len()),
                class.title()
            ),
            overturned_by: "the place exists behind the server that wrote this log",
            lines: lines.to_vec(),
            counts: BTreeMap::from([("lines_with_payload", lines.len() as u64)]),
        };
    }
    Held {
        class,
        verdict: Verdict::Attempted,
        standing: match lines.len() {
            0 | 1 => Standing::Low,
            2..=4 => Standing::Medium,
            _ => Standing::High,
        },
        rule: if all_refused {
            "payload-refused"
        } else {
            "payload-at-a-live-place"
        },
        says: format!(
            "{} carried {}{}. Whether one worked does not show in this log.",
            requests(lines.len()),
            class.title(),
            if all_refused { ", and all were refused" } else { "" }
        ),
        overturned_by: "a declared test, or an application that is meant to be given such text",
        lines: lines.to_vec(),
        counts: BTreeMap::from([("lines_with_payload", lines.len() as u64), ("refused", refused)]),
    }
}

fn traversal(site: &Site, lines: &[u32]) -> Held {
    let mut by_place: BTreeMap<u32, Vec<&Kept>> = BTreeMap::new();
    for place in lines {
        let kept = &site.kept[*place as usize];
        by_place.entry(kept.shape).or_default().push(kept);
    }
    let mut given: Vec<u32> = Vec::new();
    let mut failed = 0;
    for (shape, asked) in by_place {
        let band = site
            .shapes
            .get(shape)
            .filter(|shape| shape.sizes.total() >= 30)
            .and_then(|shape| shape.sizes.band(0.001));
        let failed_here = asked.iter().filter(|kept| kept.status >= 400).count();
        let given_here = asked
            .iter()
            .filter(|kept| kept.is_success() && kept.bytes > 0)
            .map(|kept| kept.bytes)
            .filter(|bytes| band.is_none_or(|(low, high)| !(low..=high).contains(bytes)));
        // A site that answers everything with one page gives the same size each time; a place where most attempts fail and some
        // are answered gave something. What failed at another place says nothing of this one.
        if failed_here >= 2 && failed_here * 2 >= asked.len() {
            given.extend(given_here);
            failed += failed_here;
        }
    }
    let gave = !given.is_empty();
    let mut held = attempted(site, Class::Traversal, lines, 0, lines.len() as u64);
    if gave {
        held.verdict = Verdict::Breached;
        held.standing = Standing::Medium;
        held.rule = "file-outside-the-site-answered";
        held.says = format!(
            "{} asked for files outside the site's folder; where {failed} were turned down, {} were answered with {} bytes or more.",
            requests(lines.len()),
            given.len(),
            given.iter().min().copied().unwrap_or(0)
        );
        held.overturned_by =
            "the same request, repeated by the office, gives a page that holds no file of the server's";
        held.counts.insert("answered", given.len() as u64);
    }
    held
}

fn probing(lines: &[u32], paths: usize, tools: &BTreeMap<String, u64>, trade: Option<Class>) -> Held {
    let named: Vec<&str> = tools.keys().map(String::as_str).collect();
    let says = match named.as_slice() {
        [] => format!(
            "{} asked for {paths} paths that only somebody looking for holes asks for.",
            requests(lines.len())
        ),
        names => format!(
            "{} carried the name of a tool for finding holes ({}).",
            requests(lines.len()),
            names.join(", ")
        ),
    };
    Held {
        class: match trade {
            Some(Class::Dirbust) => Class::Dirbust,
            _ => Class::Scanner,
        },
        verdict: Verdict::Scanned,
        standing: if lines.len() >= 5 {
            Standing::High
        } else {
            Standing::Medium
        },
        rule: if named.is_empty() {
            "paths-of-a-scanner"
        } else {
            "names-its-tool"
        },
        says,
        overturned_by: "a monitoring service of the office's own that uses the tool",
        lines: lines.to_vec(),
        counts: BTreeMap::from([("paths", paths as u64), ("lines", lines.len() as u64)]),
    }
}

fn garbled_requests(site: &Site, lines: Vec<u32>) -> Held {
    let kinds: BTreeSet<u64> = lines
        .iter()
        .map(|place| site.kept[*place as usize].path)
        .collect();
    Held {
        class: Class::Scanner,
        verdict: Verdict::Scanned,
        standing: Standing::Medium,
        rule: "speaks-other-protocols",
        says: format!(
            "{} were not HTTP at all, in {} variants: somebody tried which other services answer at this door.",
            requests(lines.len()),
            kinds.len()
        ),
        overturned_by: "a client of the office's own that speaks TLS to a plain port",
        counts: BTreeMap::from([("lines", lines.len() as u64), ("variants", kinds.len() as u64)]),
        lines,
    }
}

/// Such as `1 request` or `12 requests`.
fn requests(count: usize) -> String {
    if count == 1 {
        "1 request".to_owned()
    } else {
        format!("{count} requests")
    }
}
