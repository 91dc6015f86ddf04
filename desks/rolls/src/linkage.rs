//! Finds the same persons in two snapshots whose identifiers do not say it.
//!
//! Probabilistic linkage after Fellegi and Sunter (1969): pairs that share one of six keys are compared field by field; each
//! field gives the logarithm of how much more often such an agreement occurs among the same than among different persons.
//! Agreement on a rare name weighs more than on a common one. The rates among different persons come from random pairs, those
//! among the same from the EM algorithm, started from two keys that leave each other's fields free. Links are one to one.

mod assign;
mod block;
mod em;
mod level;
mod person;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::compare::{CompareError, Pairs, Snapshot};

use assign::one_to_one;
use block::{BLOCKS, Block, candidates};
use em::{Weights, estimate};
use person::{People, read_people};

/// A pair is a link from an even chance on.
const LINKED: f64 = 0.5;

/// A pair below this chance is not kept: a hundred such make one expected link.
const KEPT: f64 = 0.01;

/// A pair that may be one person.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    pub old: u32,
    pub new: u32,
    /// Natural logarithm of the odds.
    pub odds: f64,
}

impl Candidate {
    fn probability(&self) -> f64 {
        1.0 / (1.0 + (-self.odds).exp())
    }
}

/// What linking came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LinkReport {
    /// Links.
    pub links: u64,
    /// Pairs that were compared.
    pub compared: u64,
    /// Share of the links that are expected to be wrong.
    pub expected_false: f64,
    /// Share of the true links that are expected to be missed: pairs that were compared and not linked, and, by capture and
    /// recapture over two keys that have no field in common, pairs that shared no key.
    pub expected_missed: f64,
}

/// Links two snapshots. The pairs have every link as a changed row.
pub fn link(
    before: &Snapshot,
    after: &Snapshot,
    progress: &mut dyn FnMut(u64),
) -> Result<(Pairs, LinkReport), CompareError> {
    let mut people = People::default();
    let old = read_people(before, &mut people, progress)?;
    let new = read_people(after, &mut people, progress)?;
    people.settle(&old, &new);
    let people = Arc::new(people);
    let weights = estimate(&old, &new, &people);
    let mut found: Vec<Candidate> = Vec::new();
    let mut compared = 0;
    let mut by_block: FxHashMap<(u32, u32), u8> = FxHashMap::default();
    for (at, block) in BLOCKS.iter().enumerate() {
        let (some, pairs) = candidates(*block, &BLOCKS[..at], &old, &new, &people, &weights);
        compared += pairs;
        found.extend(some);
        progress(0);
    }
    let links = one_to_one(&mut found, old.len(), new.len());
    // Capture and recapture: of the links, which does each of two keys without a common field find?
    for link in &links {
        let of = |block: Block| block.key(&old[link.old as usize]) == block.key(&new[link.new as usize]);
        let caught = u8::from(of(Block::FirstBirth)) | (u8::from(of(Block::LastAddress)) << 1);
        by_block.insert((link.old, link.new), caught);
    }
    let report = report(&links, &found, &by_block, compared);
    let mut is_linked = (vec![false; old.len()], vec![false; new.len()]);
    let mut pairs = Pairs::default();
    for link in &links {
        is_linked.0[link.old as usize] = true;
        is_linked.1[link.new as usize] = true;
        pairs
            .changed
            .push((old[link.old as usize].place, new[link.new as usize].place));
    }
    let rest = |people: &[person::Person], is_linked: &[bool]| {
        people
            .iter()
            .zip(is_linked)
            .filter(|(_, is_linked)| !**is_linked)
            .map(|(person, _)| person.place)
            .collect()
    };
    pairs.gone = rest(&old, &is_linked.0);
    pairs.new = rest(&new, &is_linked.1);
    pairs.changed.sort_unstable();
    Ok((pairs, report))
}

fn report(
    links: &[Candidate],
    found: &[Candidate],
    caught: &FxHashMap<(u32, u32), u8>,
    compared: u64,
) -> LinkReport {
    let count = links.len() as f64;
    if links.is_empty() {
        return LinkReport {
            compared,
            expected_missed: 1.0,
            ..LinkReport::default()
        };
    }
    let false_links: f64 = links.iter().map(|link| 1.0 - link.probability()).sum();
    let rejected: f64 = found
        .iter()
        .filter(|pair| pair.odds < 0.0)
        .map(Candidate::probability)
        .sum();
    let (mut both, mut first, mut second) = (0.0, 0.0, 0.0);
    for marks in caught.values() {
        match marks {
            3 => both += 1.0,
            1 => first += 1.0,
            2 => second += 1.0,
            _ => {}
        }
    }
    // Chapman (1951): what neither key catches, of those that neither fields' errors tie together.
    let neither = first * second / (both + 1.0);
    // Four further keys look at the same pairs: what they found is not missed.
    let further = caught.values().filter(|marks| **marks == 0).count() as f64;
    let unseen = (neither - further).max(0.0);
    LinkReport {
        links: links.len() as u64,
        compared,
        expected_false: false_links / count,
        expected_missed: (rejected + unseen) / (count + rejected + unseen),
    }
}

/// Logarithm of the odds of a pair by its weights; used by every part.
pub(crate) fn odds(
    old: &person::Person,
    new: &person::Person,
    people: &People,
    weights: &Weights,
    cache: &mut level::Cache,
) -> f64 {
    weights.odds(&level::compare(old, new, people, cache), old, people)
}

pub(crate) fn is_kept(odds: f64) -> bool {
    1.0 / (1.0 + (-odds).exp()) >= KEPT
}

pub(crate) fn is_link(candidate: &Candidate) -> bool {
    candidate.probability() >= LINKED
}
