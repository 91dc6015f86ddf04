//! How far SQL injection got, told by the answers: by their sizes, and how long they took. Never by their status alone.

use std::collections::{BTreeMap, BTreeSet};

use super::actor::Standing;
use super::stat::{correlation, fisher_exact};
use super::timeline::Timeline;
use crate::site::{Kept, Site};
use crate::{Class, Verdict};

/// How far it got, and why.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reach {
    pub verdict: Verdict,
    pub standing: Standing,
    pub rule: &'static str,
    pub says: String,
    pub overturned_by: &'static str,
    pub counts: BTreeMap<&'static str, u64>,
}

/// One request with database commands, as far as it matters here.
struct Shot<'s> {
    kept: &'s Kept,
    truth: Option<bool>,
    reads_data: bool,
    reads_schema: bool,
    sleep: Option<u16>,
}

/// Answers needed before their sizes say anything.
const MIN_ANSWERS: usize = 3;
/// Lines of a shape by others from which on their sizes are a baseline.
const MIN_BASELINE: u32 = 30;
/// Correlation of a question's length with its answer's size from which on the answer is the question repeated.
const ECHO: f64 = 0.95;
/// Below this chance, sizes that follow the truth of a condition are no accident (Fisher's exact test).
const P_HIGH: f64 = 1e-6;
/// Below this one they are unlikely to be: said with medium confidence.
const P_MEDIUM: f64 = 1e-3;
/// Enough where hundreds of further answers have exactly the same two sizes.
const P_FEW: f64 = 0.05;
/// Letter-by-letter questions from which on an answered series is the taking of records.
const MIN_LETTERS: usize = 50;

/// Judges all of a client's database commands.
pub(super) fn reach(site: &Site, timeline: &Timeline, client: u32) -> Reach {
    let mut by_shape: BTreeMap<u32, Vec<Shot<'_>>> = BTreeMap::new();
    let mut own: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let mut refused = 0u64;
    let mut all = 0u64;
    for (_, kept) in timeline.lines(site, client) {
        let hits: Vec<_> = site
            .hits_of(kept)
            .iter()
            .filter(|hit| hit.class == Class::Sqli)
            .collect();
        if hits.is_empty() {
            let is_harmless = site
                .hits_of(kept)
                .iter()
                .all(|hit| !super::content::is_injection(hit.class));
            if kept.is_success() && is_harmless {
                own.entry(kept.shape).or_default().push(kept.bytes);
            }
            continue;
        }
        all += 1;
        refused += u64::from(matches!(kept.status, 403 | 406));
        by_shape.entry(kept.shape).or_default().push(Shot {
            kept,
            truth: hits.iter().find_map(|hit| hit.facts.truth),
            reads_data: hits.iter().any(|hit| hit.facts.reads_data),
            reads_schema: hits.iter().any(|hit| hit.facts.reads_schema),
            sleep: hits.iter().find_map(|hit| hit.facts.sleep_seconds),
        });
    }
    if all > 0 && refused == all {
        return plain(
            "payload-refused",
            "All of them were refused (403), so the attempt ended at the filter.".to_owned(),
            if all >= 3 {
                Standing::High
            } else {
                Standing::Medium
            },
            BTreeMap::from([("refused", refused)]),
        );
    }
    let mut best: Option<Reach> = None;
    let mut single_dose = false;
    for (shape, shots) in &by_shape {
        let name = site.shapes.get(*shape).map_or("", |shape| shape.text.as_str());
        for found in [
            answers_follow(
                site,
                *shape,
                name,
                shots,
                own.get(shape).map_or(&[], Vec::as_slice),
            ),
            truth_splits(name, shots),
            waits_follow(site, *shape, name, shots, &mut single_dose),
        ]
        .into_iter()
        .flatten()
        {
            let is_better = best
                .as_ref()
                .is_none_or(|known| (found.verdict, found.standing) > (known.verdict, known.standing));
            if is_better {
                best = Some(found);
            }
        }
    }
    best.unwrap_or_else(|| {
        let mut says = "Their answers do not differ from one another in a way that follows what was asked, so nothing shows \
                        that one worked."
            .to_owned();
        if single_dose {
            says.push_str(
                " Answers to commands that tell the database to wait did take that long, but always the same time, which a \
                 filter that slows attackers down also causes: the database's own log can tell.",
            );
        }
        let standing = match all {
            1 => Standing::Low,
            2..=4 => Standing::Medium,
            _ => Standing::High,
        };
        plain("payload-at-a-live-place", says, standing, BTreeMap::new())
    })
}

fn plain(rule: &'static str, says: String, standing: Standing, counts: BTreeMap<&'static str, u64>) -> Reach {
    Reach {
        verdict: Verdict::Attempted,
        standing,
        rule,
        says,
        overturned_by: "a declared test; or, towards worse, the application's own log of what its database answered",
        counts,
    }
}

/// Answers whose size lies outside what the place gives others, differs with what is asked, and is not the question echoed.
fn answers_follow(site: &Site, shape: u32, name: &str, shots: &[Shot<'_>], own: &[u32]) -> Option<Reach> {
    let usual = site
        .shapes
        .get(shape)
        .filter(|seen| seen.sizes.total() >= MIN_BASELINE)
        .and_then(|seen| seen.sizes.band(0.001));
    let (low, high, baseline) = match usual {
        Some((low, high)) => (low, high, "what others get there"),
        // With no other visitor, what the client itself was given when it asked harmlessly.
        None => {
            // Conditions are answered with the page or without it, and with nothing of the database's.
            let harmless: Vec<u32> = shots
                .iter()
                .filter(|shot| shot.truth.is_some() && shot.kept.is_success())
                .map(|shot| shot.kept.bytes)
                .chain(own.iter().copied())
                .collect();
            let low = *harmless.iter().min()?;
            let high = *harmless.iter().max()?;
            (low, high, "what the same client got when it asked for no records")
        }
    };
    let asking: Vec<&Shot<'_>> = shots
        .iter()
        .filter(|shot| shot.truth.is_none() && shot.kept.is_success())
        .collect();
    let outside: Vec<&Shot<'_>> = asking
        .iter()
        .copied()
        .filter(|shot| !(low..=high).contains(&shot.kept.bytes))
        .collect();
    let sizes: BTreeSet<u32> = outside.iter().map(|shot| shot.kept.bytes).collect();
    if outside.len() < MIN_ANSWERS || sizes.len() < MIN_ANSWERS {
        return None;
    }
    // A page that repeats what was asked grows with the question, byte for byte.
    let lengths: Vec<(f64, f64)> = shots
        .iter()
        .filter(|shot| shot.kept.is_success())
        .map(|shot| (f64::from(shot.kept.target_len), f64::from(shot.kept.bytes)))
        .collect();
    if lengths.len() >= 4 && correlation(&lengths) > ECHO {
        return None;
    }
    let records: Vec<&&Shot<'_>> = outside
        .iter()
        .filter(|shot| shot.reads_data && !shot.reads_schema)
        .collect();
    let record_sizes: BTreeSet<u32> = records.iter().map(|shot| shot.kept.bytes).collect();
    let largest = records.iter().map(|shot| shot.kept.bytes).max().unwrap_or(0);
    let taken: u64 = records.iter().map(|shot| u64::from(shot.kept.bytes)).sum();
    let took =
        record_sizes.len() >= MIN_ANSWERS || (!records.is_empty() && largest >= high.saturating_mul(2));
    Some(Reach {
        verdict: if took {
            Verdict::Exfiltrated
        } else {
            Verdict::Breached
        },
        standing: if usual.is_some() || outside.len() >= 6 {
            Standing::High
        } else {
            Standing::Medium
        },
        rule: if took {
            "sqli-records-answered"
        } else {
            "sqli-answers-follow"
        },
        says: format!(
            "At {name}, {} answers to commands had {} different sizes outside {low} to {high} bytes, which is {baseline}.{}",
            outside.len(),
            sizes.len(),
            if took {
                format!(
                    " {} of them asked for records and were given {taken} bytes in all.",
                    records.len()
                )
            } else {
                String::new()
            }
        ),
        overturned_by: "the application's log shows that these answers were error pages of different lengths",
        counts: BTreeMap::from([
            ("answers_outside_usual", outside.len() as u64),
            ("different_sizes", sizes.len() as u64),
            ("usual_low", u64::from(low)),
            ("usual_high", u64::from(high)),
            ("record_answers", records.len() as u64),
            ("record_bytes", taken),
        ]),
    })
}

/// Conditions that are true are answered with one size and those that are false with another.
fn truth_splits(name: &str, shots: &[Shot<'_>]) -> Option<Reach> {
    let told: Vec<(bool, u32)> = shots
        .iter()
        .filter(|shot| shot.kept.is_success())
        .filter_map(|shot| Some((shot.truth?, shot.kept.bytes)))
        .collect();
    let mean = |of: bool| {
        let sizes: Vec<f64> = told
            .iter()
            .filter(|(truth, _)| *truth == of)
            .map(|(_, size)| f64::from(*size))
            .collect();
        (!sizes.is_empty()).then(|| sizes.iter().sum::<f64>() / sizes.len() as f64)
    };
    let (yes, no) = (mean(true)?, mean(false)?);
    let middle = (yes + no) / 2.0;
    let count = |truth: bool, above: bool| {
        told.iter()
            .filter(|(is, size)| *is == truth && (f64::from(*size) > middle) == above)
            .count() as u64
    };
    let p = fisher_exact(
        count(true, true),
        count(true, false),
        count(false, true),
        count(false, false),
    );
    // With the two sizes known, every further question about a record is answered by one of them.
    let asked: Vec<u32> = shots
        .iter()
        .filter(|shot| shot.truth.is_none() && shot.reads_data && shot.kept.is_success())
        .map(|shot| shot.kept.bytes)
        .collect();
    let above = asked.iter().filter(|size| f64::from(**size) > middle).count();
    let is_answered =
        asked.len() >= MIN_LETTERS && above * 10 >= asked.len() && (asked.len() - above) * 10 >= asked.len();
    // Hundreds of answers of exactly the two sizes that a handful of conditions fixed before say more than the handful: pages
    // that vary for another reason do not vary between these two.
    let two: BTreeSet<u32> = told.iter().map(|(_, size)| *size).collect();
    let exact = asked.iter().filter(|size| two.contains(size)).count();
    let is_exact = is_answered && p < P_FEW && two.len() == 2 && exact * 20 >= asked.len() * 19;
    if p >= P_MEDIUM && !is_exact {
        return None;
    }
    Some(Reach {
        verdict: if is_answered {
            Verdict::Exfiltrated
        } else {
            Verdict::Breached
        },
        standing: if p < P_HIGH || is_exact {
            Standing::High
        } else {
            Standing::Medium
        },
        rule: if is_answered {
            "sqli-letter-by-letter"
        } else {
            "sqli-truth-splits-sizes"
        },
        says: format!(
            "At {name}, {} conditions whose truth can be read off them were answered with sizes that follow it: about {yes:.0} \
             bytes where true and {no:.0} where false (chance of that by accident: {p:.1e}).{}",
            told.len(),
            if is_answered {
                format!(
                    " {} questions about single letters of records were then answered the same two ways.",
                    asked.len()
                )
            } else {
                String::new()
            }
        ),
        overturned_by: "the application answers such conditions without asking its database",
        counts: BTreeMap::from([("conditions", told.len() as u64), ("letters", asked.len() as u64)]),
    })
}

/// Answers take as long as the command tells the database to wait, and longer where it is told longer.
///
/// One dose is not enough: filters and proxies hold suspicious requests for a fixed time, and then every answer takes that
/// time whatever was asked. The answer has to follow the dose.
fn waits_follow(
    site: &Site,
    shape: u32,
    name: &str,
    shots: &[Shot<'_>],
    single_dose: &mut bool,
) -> Option<Reach> {
    let usual = site.shapes.get(shape).and_then(|seen| seen.durations.band(0.01));
    let told: Vec<(u16, u32)> = shots
        .iter()
        .filter(|shot| shot.kept.duration > 0)
        .filter_map(|shot| Some((shot.sleep?, shot.kept.duration - 1)))
        .collect();
    let obeyed: Vec<&(u16, u32)> = told
        .iter()
        .filter(|(seconds, took)| {
            *seconds > 0
                && *took >= u32::from(*seconds) * 1000
                && *took < u32::from(*seconds) * 1000 + 2500
                && usual.is_none_or(|(_, high)| high < u32::from(*seconds) * 500)
        })
        .collect();
    if obeyed.len() < MIN_ANSWERS {
        return None;
    }
    let doses: BTreeSet<u16> = obeyed.iter().map(|(seconds, _)| *seconds).collect();
    if doses.len() < 2 {
        *single_dose = true;
        return None;
    }
    Some(Reach {
        verdict: Verdict::Breached,
        standing: if obeyed.len() >= 6 {
            Standing::High
        } else {
            Standing::Medium
        },
        rule: "sqli-waits-as-told",
        says: format!(
            "At {name}, {} answers took as long as the command told the database to wait, for {} different times.",
            obeyed.len(),
            doses.len()
        ),
        overturned_by: "the database's own log shows no such wait",
        counts: BTreeMap::from([
            ("waits", obeyed.len() as u64),
            ("different_waits", doses.len() as u64),
        ]),
    })
}
