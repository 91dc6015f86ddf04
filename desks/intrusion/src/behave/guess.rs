//! Guessing: of paths, and of passwords, by one client fast, by one client over weeks, or by many clients a little each.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};

use super::actor::{Held, Standing};
use super::stat::ln_poisson_tail;
use super::timeline::Timeline;
use crate::scan::{Method, flag};
use crate::site::{FEW_MISSING, Kept, Site};
use crate::{Class, Verdict};

/// Window in which missing paths are counted. Ten minutes: the slowest setting of the usual tools makes hundreds in it.
const PATHS_WINDOW_MS: i64 = 600_000;
/// Different missing paths in the window from which on it is guessing: a broken page links to a handful.
const MIN_MISSING: usize = 20;
/// Share of a client's requests that must miss. A visitor of a broken site still gets its pages.
const MISS_SHARE: f64 = 0.8;
/// How much likelier guessing must be than a visit, in natural logarithms: e^20 to one, so that among ten million clients
/// less than one is held by accident.
const MIN_EVIDENCE: f64 = 20.0;
/// Other clients that miss the same path from which on the path is a broken link.
const BROKEN_LINK: u32 = 4;

/// Paths that nobody links: how often each missing path is missed by how many clients.
pub(super) fn broken_links(site: &Site, timeline: &Timeline) -> FxHashSet<u64> {
    let mut by_path: FxHashMap<u64, (u32, u32)> = FxHashMap::default();
    for (client, places) in &timeline.by_client {
        let mut own: FxHashSet<u64> = FxHashSet::default();
        for place in places {
            let kept = &site.kept[*place as usize];
            if is_missing(kept) {
                own.insert(kept.path);
            }
        }
        // Those who miss a great many are no evidence of a link.
        if own.len() > MIN_MISSING {
            continue;
        }
        for path in own {
            let (count, last) = by_path.entry(path).or_insert((0, u32::MAX));
            if *last != *client {
                *count += 1;
                *last = *client;
            }
        }
    }
    by_path
        .into_iter()
        .filter(|(_, (count, _))| *count >= BROKEN_LINK)
        .map(|(path, _)| path)
        .collect()
}

fn is_missing(kept: &Kept) -> bool {
    kept.is(flag::REQUEST) && matches!(kept.status, 404 | 403 | 410) && !kept.is(flag::GARBLED)
}

/// Guessing of paths by one client.
pub(super) fn paths(site: &Site, timeline: &Timeline, client: u32, broken: &FxHashSet<u64>) -> Option<Held> {
    let missing: Vec<(u32, &Kept)> = timeline
        .lines(site, client)
        .filter(|(_, kept)| is_missing(kept) && !broken.contains(&kept.path))
        .collect();
    if missing.len() < MIN_MISSING {
        return None;
    }
    let mut best = 0..0;
    let mut most = 0;
    let mut window: FxHashMap<u64, u32> = FxHashMap::default();
    let mut from = 0;
    for to in 0..missing.len() {
        *window.entry(missing[to].1.path).or_default() += 1;
        while missing[to].1.time_ms.saturating_sub(missing[from].1.time_ms) > PATHS_WINDOW_MS {
            let path = missing[from].1.path;
            if let Some(count) = window.get_mut(&path) {
                *count -= 1;
                if *count == 0 {
                    window.remove(&path);
                }
            }
            from += 1;
        }
        if window.len() > most {
            most = window.len();
            best = from..to + 1;
        }
    }
    if most < MIN_MISSING {
        return None;
    }
    let begun = missing[best.start].1.time_ms;
    let ended = missing[best.end - 1].1.time_ms;
    let in_window = timeline
        .lines(site, client)
        .filter(|(_, kept)| kept.is(flag::REQUEST) && (begun..=ended).contains(&kept.time_ms))
        .count();
    let seen = site.clients.get(client);
    let share = best.len() as f64 / in_window.max(1) as f64;
    // What was not kept were answered requests.
    let overall = missing.len() as f64 / f64::from(seen.requests.max(1));
    let normal = normal_miss_rate(site);
    let evidence = most as f64 * (0.9f64 / normal).ln()
        + (in_window.saturating_sub(best.len())) as f64 * (0.1 / (1.0 - normal)).ln();
    let fetches_pages = seen.statics as usize * 4 > in_window;
    if share < MISS_SHARE || overall < 0.3 || evidence < MIN_EVIDENCE || fetches_pages {
        return None;
    }
    let lines: Vec<u32> = missing.iter().map(|(place, _)| *place).collect();
    Some(Held {
        class: Class::Dirbust,
        verdict: Verdict::Scanned,
        standing: if most >= 30 {
            Standing::High
        } else {
            Standing::Medium
        },
        rule: "many-paths-that-do-not-exist",
        says: format!(
            "{most} different paths that do not exist were asked for within {} seconds, {:.0} % of all that the client asked for \
             then. Of other visitors' requests {:.1} % miss.",
            (ended.saturating_sub(begun) / 1000).max(1),
            share * 100.0,
            normal * 100.0
        ),
        overturned_by: "a link checker of the office's own, or a page that was published with broken links",
        counts: BTreeMap::from([
            ("missing_paths", most as u64),
            ("missing_lines", lines.len() as u64),
        ]),
        lines,
    })
}

/// Share of requests that miss, among clients of which few do; at least one in a thousand, at most one in ten.
fn normal_miss_rate(site: &Site) -> f64 {
    let gone = &site.clients.gone;
    let (mut missed, mut all) = (gone.missing, gone.requests);
    for client in site.clients.iter().filter(|client| client.missing < FEW_MISSING) {
        missed += u64::from(client.missing);
        all += u64::from(client.requests);
    }
    ((missed as f64 + 1.0) / (all as f64 + 100.0)).clamp(0.001, 0.1)
}

/// Failures within a minute from which on no person is typing: a try with the eyes on the keyboard takes ten seconds.
const FAST: usize = 5;
const FAST_MS: i64 = 60_000;
/// Failures within an hour that nobody's memory explains. The usual lockout comes after three to ten (NIST SP 800-63B,
/// section 5.2.2, allows a hundred in all).
const HOURLY: usize = 10;
const HOUR_MS: i64 = 3_600_000;
/// Failures over the whole of the log, with hardly a success among them, that are slow guessing.
const SLOW: usize = 15;
/// Different names that fail from one address, and none of them ever works: a person has one name or two, and behind an address
/// that an office shares somebody gets in.
const NAMES: usize = 3;
/// Failures among them, within a day.
const NAMED: usize = 4;
const DAY_MS: i64 = 86_400_000;
/// Failures for more than one name within the time that a person needs for one (see [`FAST_MS`]: ten seconds a try).
const AT_ONCE: usize = 3;
const AT_ONCE_MS: i64 = 10_000;
/// Failures before a success from which on the success is a guess that hit.
const GUESSED: usize = 8;

/// What an attempt to sign in came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Failed,
    Worked,
}

/// Whether a line is an attempt to sign in, and what it came to.
pub(super) fn outcome(site: &Site, kept: &Kept) -> Option<Outcome> {
    if kept.is(flag::SIGN_IN_FAILED) {
        return Some(Outcome::Failed);
    }
    if kept.is(flag::SIGNED_IN) {
        return Some(Outcome::Worked);
    }
    if !kept.is(flag::REQUEST) {
        return None;
    }
    let is_post = matches!(kept.method, Method::Post | Method::Put);
    match kept.status {
        401 => Some(Outcome::Failed),
        400 | 403 | 422 | 429 if is_post && kept.is(flag::SIGN_IN_PATH) => Some(Outcome::Failed),
        300..400 if is_post && kept.is(flag::SIGN_IN_PATH) => Some(Outcome::Worked),
        // The form again: where others are sent on when they succeed, or where the path can only be a sign-in form.
        200..300 if is_post && kept.is(flag::SIGN_IN_PATH) => {
            let shape = site.shapes.get(kept.shape)?;
            let is_form = ["login", "logon", "signin", "sign-in", "sign_in", "xmlrpc"]
                .iter()
                .any(|word| shape.text.to_ascii_lowercase().contains(word));
            (shape.redirects > 0 || is_form).then_some(Outcome::Failed)
        }
        _ => None,
    }
}

/// Guessing of passwords by one client.
pub(super) fn passwords(site: &Site, timeline: &Timeline, client: u32) -> Option<Held> {
    let tries: Vec<(u32, &Kept, Outcome)> = timeline
        .lines(site, client)
        .filter_map(|(place, kept)| Some((place, kept, outcome(site, kept)?)))
        .collect();
    let failed: Vec<&(u32, &Kept, Outcome)> =
        tries.iter().filter(|(_, _, is)| *is == Outcome::Failed).collect();
    if let Some(held) = turned_away(&tries) {
        return Some(held);
    }
    if failed.len() < NAMED {
        return None;
    }
    let in_minute = densest(&failed, FAST_MS);
    let in_hour = densest(&failed, HOUR_MS);
    let share = failed.len() as f64 / tries.len() as f64;
    let users: BTreeSet<u64> = failed
        .iter()
        .map(|(_, kept, _)| kept.user)
        .filter(|user| *user != 0)
        .collect();
    let untimed = failed.iter().all(|(_, kept, _)| kept.time_ms == i64::MIN);
    let is_fast = in_minute >= FAST;
    let is_slow = failed.len() >= SLOW && share >= 0.95;
    let is_many_names = users.len() >= 2
        && failed.len() == tries.len()
        && (users.len() >= NAMES && densest(&failed, DAY_MS) >= NAMED
            || densest(&failed, AT_ONCE_MS) > AT_ONCE);
    let untimed = untimed && failed.len() >= FAST;
    if !(is_fast || in_hour >= HOURLY || is_slow || untimed || is_many_names) || share < 0.7 {
        return None;
    }
    let first_failed = failed
        .iter()
        .map(|(_, kept, _)| kept.time_ms)
        .min()
        .unwrap_or(i64::MIN);
    let guessed = tries.iter().find(|(_, kept, is)| {
        *is == Outcome::Worked
            && failed
                .iter()
                .filter(|(_, other, _)| other.time_ms <= kept.time_ms)
                .count()
                >= GUESSED
    });
    let mut lines: Vec<u32> = timeline
        .lines(site, client)
        .filter(|(place, kept)| {
            kept.time_ms >= first_failed
                && (tries.iter().any(|(known, _, _)| known == place) || guessed.is_some())
        })
        .map(|(place, _)| place)
        .collect();
    lines.dedup();
    let pace = if untimed {
        format!("{} sign-ins failed", failed.len())
    } else if is_fast {
        format!(
            "{} sign-ins failed, {in_minute} of them within one minute",
            failed.len()
        )
    } else if in_hour >= HOURLY {
        format!(
            "{} sign-ins failed, {in_hour} of them within one hour",
            failed.len()
        )
    } else if !is_slow {
        format!("{} sign-ins failed", failed.len())
    } else {
        format!(
            "{} sign-ins failed over a long time, {:.0} % of all tries",
            failed.len(),
            share * 100.0
        )
    };
    let names = match users.len() {
        0 => String::new(),
        1 => ", for one name".to_owned(),
        count => format!(", for {count} different names"),
    };
    let mut held = Held {
        class: Class::Bruteforce,
        verdict: Verdict::Attempted,
        standing: match failed.len() {
            0..10 => Standing::Low,
            10..30 => Standing::Medium,
            _ => Standing::High,
        },
        rule: if is_fast {
            "many-failed-sign-ins"
        } else if in_hour >= HOURLY {
            "many-failed-sign-ins-in-an-hour"
        } else if !is_slow && !untimed {
            "several-names-and-none-worked"
        } else {
            "failed-sign-ins-over-weeks"
        },
        says: format!("{pace}{names}; none worked."),
        overturned_by: "a device or script of the office's own that still holds an old password",
        counts: BTreeMap::from([
            ("failed", failed.len() as u64),
            ("worked", (tries.len() - failed.len()) as u64),
            ("names", users.len() as u64),
        ]),
        lines,
    };
    if let Some((_, success, _)) = guessed {
        let after: Vec<&Kept> = timeline
            .lines(site, client)
            .map(|(_, kept)| kept)
            .filter(|kept| kept.time_ms >= success.time_ms)
            .collect();
        // A page that was never given to anybody of whom nothing is held: it stands behind the sign-in.
        let behind = after
            .iter()
            .filter(|kept| {
                kept.is_success()
                    && kept.method == Method::Get
                    && outcome(site, kept).is_none()
                    && site.shapes.get(kept.shape).is_some_and(|shape| shape.plain == 0)
            })
            .count();
        held.verdict = Verdict::Breached;
        held.standing = if behind > 0 || success.is(flag::SIGNED_IN) {
            Standing::High
        } else {
            Standing::Medium
        };
        held.rule = "sign-in-after-many-failures";
        held.says = format!(
            "{pace}{names}; then one worked{}.",
            if behind > 0 {
                format!(", and {behind} pages were given that no visitor gets who is not signed in")
            } else {
                String::new()
            }
        );
        held.counts.insert("pages_behind", behind as u64);
        if let Some(bulk) = bulk(site, &after) {
            held.verdict = Verdict::Exfiltrated;
            held.rule = "bulk-after-guessed-sign-in";
            held.says.push_str(&format!(
                " One answer then had {} bytes, more than a hundred times what a page has here.",
                bulk
            ));
            held.counts.insert("bulk_bytes", u64::from(bulk));
        }
    }
    Some(held)
}

/// What the server says of a client by itself, where nothing that was counted says more.
fn turned_away(tries: &[(u32, &Kept, Outcome)]) -> Option<Held> {
    let told = tries
        .iter()
        .filter(|(_, kept, _)| kept.is(flag::TURNED_AWAY))
        .count();
    let failed = tries.iter().filter(|(_, _, is)| *is == Outcome::Failed).count();
    // Whoever got in, or failed often enough to be judged by that, is.
    if told == 0 || failed < tries.len() || failed - told >= FAST {
        return None;
    }
    Some(Held {
        class: Class::Bruteforce,
        verdict: Verdict::Attempted,
        standing: Standing::Low,
        rule: "turned-away-by-the-server",
        says: format!(
            "The server, or a guard on it, says in {told} line{} that it turned the address away for guessing passwords; the tries \
             themselves are not in this log.",
            if told == 1 { "" } else { "s" }
        ),
        overturned_by: "the guard's own log shows that it counted one person's mistyped password",
        counts: BTreeMap::from([("turned_away", told as u64), ("failed", failed as u64)]),
        lines: tries.iter().map(|(place, _, _)| *place).collect(),
    })
}

/// The largest answer behind the sign-in that others never get, where it is far larger than a page.
fn bulk(site: &Site, after: &[&Kept]) -> Option<u32> {
    /// A page with everything on it has a few hundred kilobytes (HTTP Archive, median of HTML documents: 30 KB).
    const BULK_BYTES: u32 = 3_000_000;
    after
        .iter()
        .filter(|kept| {
            kept.is_success()
                && kept.bytes >= BULK_BYTES
                && site.shapes.get(kept.shape).is_some_and(|shape| shape.plain == 0)
        })
        .map(|kept| kept.bytes)
        .max()
}

/// Most failures in any span of `span_ms`.
fn densest(failed: &[&(u32, &Kept, Outcome)], span_ms: i64) -> usize {
    let mut most = 0;
    let mut from = 0;
    for to in 0..failed.len() {
        let time = failed[to].1.time_ms;
        if time == i64::MIN {
            continue;
        }
        while failed[from].1.time_ms < time.saturating_sub(span_ms) {
            from += 1;
        }
        most = most.max(to + 1 - from);
    }
    most
}

/// Clients that fail in a wave from which on it is one hand: stolen passwords are tried from hundreds of addresses.
const WAVE_CLIENTS: usize = 12;
/// Time around a failure in which a success of the same client makes it a slip of somebody who belongs there: half an hour.
const VISIT_MS: u64 = 1_800_000;
/// A pause in the wave that ends it.
const WAVE_PAUSE_MS: i64 = 1_800_000;
/// Chance below which a wave is no accident: with 10,000 hours in a year's log, one false wave in a million years' logs.
const LN_WAVE: f64 = -23.0;

/// Sign-ins that fail from many clients at once. `taken`: clients that are held for guessing by themselves.
///
/// There is no floor for a client: each may try once. Whoever behaves as a visitor around the try (has fetched the page's
/// pictures, comes from a page of the site, gets in) is left out.
pub(super) fn waves(site: &Site, timeline: &Timeline, taken: &BTreeSet<u32>) -> Vec<(Vec<u32>, Held)> {
    let mut bare: Vec<(i64, u32, u32)> = Vec::new();
    let mut ordinary = 0u64;
    for client in timeline.by_client.keys() {
        if taken.contains(client) {
            continue;
        }
        let tries: Vec<(u32, &Kept, Outcome)> = timeline
            .lines(site, *client)
            .filter_map(|(place, kept)| Some((place, kept, outcome(site, kept)?)))
            .collect();
        // An address may be a visitor's on one day and somebody else's on another: what counts is what it did around the try.
        let gets_in = |time_ms: i64| {
            tries
                .iter()
                .any(|(_, kept, is)| *is == Outcome::Worked && kept.time_ms.abs_diff(time_ms) <= VISIT_MS)
        };
        for (place, kept, is) in &tries {
            if *is != Outcome::Failed || kept.time_ms == i64::MIN {
                continue;
            }
            if kept.flags & (flag::REFERER | flag::BROWSED) != 0 || gets_in(kept.time_ms) {
                ordinary += 1;
            } else {
                bare.push((kept.time_ms, *client, *place));
            }
        }
    }
    bare.sort_unstable();
    let mut found = Vec::new();
    let Some((first, last)) = span(site) else {
        return found;
    };
    let hours = (last.saturating_sub(first) as f64 / HOUR_MS as f64).max(1.0);
    let mut from = 0;
    for to in 1..=bare.len() {
        let ends = to == bare.len() || bare[to].0.saturating_sub(bare[to - 1].0) > WAVE_PAUSE_MS;
        if !ends {
            continue;
        }
        let wave = &bare[from..to];
        from = to;
        let clients: BTreeSet<u32> = wave.iter().map(|(_, client, _)| *client).collect();
        if clients.len() < WAVE_CLIENTS {
            continue;
        }
        let length = ((wave[wave.len() - 1].0.saturating_sub(wave[0].0) as f64) / HOUR_MS as f64).max(0.25);
        // Everything else that fails, spread over the time of the log; half a failure a day at least.
        let elsewhere = (bare.len() - wave.len()) as f64 + ordinary as f64;
        let expected = (elsewhere / hours).max(0.5 / 24.0) * length;
        let ln_p = ln_poisson_tail(clients.len() as u64, expected);
        if ln_p > LN_WAVE {
            continue;
        }
        let lines: Vec<u32> = wave.iter().map(|(_, _, place)| *place).collect();
        let held = Held {
            class: Class::CredStuff,
            verdict: Verdict::Attempted,
            standing: if clients.len() >= 30 {
                Standing::High
            } else {
                Standing::Medium
            },
            rule: "wave-of-failed-sign-ins",
            says: format!(
                "{} sign-ins from {} addresses failed within {length:.1} hours, where {expected:.1} were to be expected; none of \
                 these clients looked at the page as a browser does.",
                lines.len(),
                clients.len()
            ),
            overturned_by: "an outage of the sign-in service, or an app of the office's own whose password was changed",
            counts: BTreeMap::from([
                ("failed", lines.len() as u64),
                ("clients", clients.len() as u64),
                ("expected", expected.round() as u64),
            ]),
            lines,
        };
        found.push((clients.into_iter().collect(), held));
    }
    found
}

/// First and last time of a site's files.
pub(super) fn span(site: &Site) -> Option<(i64, i64)> {
    let first = site.files.iter().filter_map(|file| file.first_ms).min()?;
    let last = site.files.iter().filter_map(|file| file.last_ms).max()?;
    Some((first, last))
}
