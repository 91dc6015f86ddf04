//! Choosing assertions: few, and none harder than it must be.

use rustc_hash::{FxHashMap, FxHashSet};

use super::RaireError;
use super::profile::members;
use super::search::{RankedAssertion, Steps};
use crate::assorter::Assertion;

/// A step that has to be ruled out: who is eliminated while who stands.
type Step = (usize, u64);

/// Sets of candidates that the last pass may visit to drop assertions that others make needless.
const DROP_BUDGET: usize = 200_000;

/// Assertions, none harder than `largest`, that rule out every order which `winner` does not win.
///
/// From every set that an order can end with, all steps harder than `largest` are followed, and each step that is not is ruled out.
/// One "not before" assertion rules out many steps, so those are chosen first, the one with the most steps next.
pub(super) fn cover(
    steps: &mut Steps<'_>,
    winner: usize,
    largest: f64,
    budget: usize,
) -> Result<Vec<RankedAssertion>, RaireError> {
    let to_rule_out = steps_to_rule_out(steps, winner, largest, budget)?;
    let count = steps.profile.candidates();
    // allowed_out[c]: who c can be shown not to go before; allowed_in[c]: who can be shown not to go before c.
    let mut allowed_out = vec![0_u64; count];
    let mut allowed_in = vec![0_u64; count];
    for pair in 0..count * count {
        let (candidate, other) = (pair / count, pair % count);
        if candidate != other && steps.before(candidate, other) <= largest {
            allowed_out[candidate] |= 1 << other;
            allowed_in[other] |= 1 << candidate;
        }
    }
    let by_count: FxHashMap<Step, RankedAssertion> = to_rule_out
        .iter()
        .filter_map(|step| {
            let next = steps.easiest_next(step.0, step.1)?;
            (next.difficulty <= largest).then_some((*step, next))
        })
        .collect();
    let mut chosen: Vec<(usize, usize)> = Vec::new();
    let mut left = to_rule_out;
    loop {
        let mut tally: FxHashMap<(usize, usize), (usize, bool)> = FxHashMap::default();
        for step in &left {
            let is_only_way = !by_count.contains_key(step);
            let (candidate, standing) = *step;
            let pairs = members(allowed_out[candidate] & standing)
                .map(|other| (candidate, other))
                .chain(members(allowed_in[candidate] & !standing).map(|other| (other, candidate)));
            for pair in pairs {
                let entry = tally.entry(pair).or_default();
                entry.0 += 1;
                entry.1 |= is_only_way;
            }
        }
        // Needed ones first, then those that save most; equal ones: the easier, then the first named, so that the choice is the same everywhere.
        let best = tally
            .into_iter()
            .max_by(|(left, left_gain), (right, right_gain)| {
                let ease = |pair: &(usize, usize)| -steps.before(pair.0, pair.1);
                left_gain
                    .1
                    .cmp(&right_gain.1)
                    .then(left_gain.0.cmp(&right_gain.0))
                    .then(ease(left).total_cmp(&ease(right)))
                    .then(right.cmp(left))
            });
        let Some(((first, then), (gain, is_needed))) = best else {
            break;
        };
        if gain < 2 && !is_needed {
            break;
        }
        chosen.push((first, then));
        left.retain(|(candidate, standing)| !is_ruled_out(first, then, *candidate, *standing));
    }
    let mut closed = Closed {
        chosen: &chosen,
        everybody: steps.profile.everybody(),
        known: FxHashMap::default(),
    };
    let mut all: Vec<RankedAssertion> = left
        .iter()
        .filter(|(_, standing)| !closed.is_closed(*standing))
        .filter_map(|step| by_count.get(step).cloned())
        .collect();
    for (first, then) in &chosen {
        let (winner_ballots, loser_ballots) = steps.profile.first_against_ever(*first, *then);
        all.push(RankedAssertion {
            assertion: Assertion::NotEliminatedBefore {
                winner: *first,
                loser: *then,
            },
            winner_ballots,
            loser_ballots,
            difficulty: steps.before(*first, *then),
        });
    }
    Ok(all)
}

/// Whether "first cannot go before then" rules out that `candidate` goes while `standing` stand.
fn is_ruled_out(first: usize, then: usize, candidate: usize, standing: u64) -> bool {
    let is_then_standing = standing >> then & 1 == 1;
    let is_first_standing = standing >> first & 1 == 1;
    (candidate == first && is_then_standing) || (candidate == then && !is_first_standing)
}

fn steps_to_rule_out(
    steps: &mut Steps<'_>,
    winner: usize,
    largest: f64,
    budget: usize,
) -> Result<Vec<Step>, RaireError> {
    let everybody = steps.profile.everybody();
    let mut found = Vec::new();
    let mut waiting = vec![0_u64];
    let mut visited = FxHashSet::default();
    while let Some(standing) = waiting.pop() {
        if !visited.insert(standing) {
            continue;
        }
        if visited.len() > budget.saturating_mul(2) {
            return Err(RaireError::Budget);
        }
        let candidates = if standing == 0 {
            everybody & !(1 << winner)
        } else {
            everybody & !standing
        };
        for candidate in members(candidates) {
            let next = standing | 1 << candidate;
            if steps.difficulty(candidate, next, largest) <= largest {
                found.push((candidate, next));
            } else {
                waiting.push(next);
            }
        }
    }
    Ok(found)
}

/// Which sets the chosen assertions close: no order that ends with the set gets past them.
struct Closed<'a> {
    chosen: &'a [(usize, usize)],
    everybody: u64,
    known: FxHashMap<u64, bool>,
}

impl Closed<'_> {
    /// The set grows with each call, so the depth is at most the number of candidates.
    fn is_closed(&mut self, standing: u64) -> bool {
        if standing == self.everybody {
            return false;
        }
        if let Some(known) = self.known.get(&standing) {
            return *known;
        }
        if self.known.len() >= DROP_BUDGET {
            return false;
        }
        let is_closed = members(self.everybody & !standing).all(|candidate| {
            let next = standing | 1 << candidate;
            let is_out = self
                .chosen
                .iter()
                .any(|(first, then)| is_ruled_out(*first, *then, candidate, next));
            is_out || self.is_closed(next)
        });
        self.known.insert(standing, is_closed);
        is_closed
    }
}
