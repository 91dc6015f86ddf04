//! The least possible largest difficulty, and a small set of assertions that attains it.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::cover::cover;
use super::difficulty::Difficulty;
use super::profile::{Profile, members};
use super::{RaireError, implies};
use crate::assorter::Assertion;

/// How much the search may do.
pub struct Budget<'a> {
    /// Sets of candidates that may be visited, in the search and again in the choice of assertions.
    pub sets: usize,
    /// Asked now and then; when it says no, the search ends with what it has (pass a clock, or `&|| true`).
    pub may_go_on: &'a dyn Fn() -> bool,
}

/// An assertion with what the ballots say about it.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedAssertion {
    /// What must be true.
    pub assertion: Assertion,
    /// Ballots for the winner.
    pub winner_ballots: u64,
    /// Ballots for the loser.
    pub loser_ballots: u64,
    /// How hard it is to show.
    pub difficulty: f64,
}

impl RankedAssertion {
    /// Ballots between winner and loser.
    #[must_use]
    pub fn margin(&self) -> u64 {
        self.winner_ballots - self.loser_ballots
    }
}

/// Assertions that imply the outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Hardest first.
    pub assertions: Vec<RankedAssertion>,
    /// The difficulty of the hardest.
    pub difficulty: f64,
    /// No set of assertions of these two kinds can have a smaller largest difficulty than this.
    pub lower_bound: f64,
    /// Whether the set is as easy as any: the two above are equal. Otherwise the budget ended first.
    pub is_optimal: bool,
}

/// Finds assertions that imply that `winner` won.
///
/// Errors: a winner who is not the only possible one, an order that no assertion rules out, a budget too small.
pub fn assertions(
    profile: &Profile,
    winner: usize,
    difficulty: Difficulty,
    budget: &Budget<'_>,
) -> Result<Found, RaireError> {
    let winners = profile.possible_winners();
    if winners.len() > 1 {
        return Err(RaireError::Tied(winners));
    }
    if winners != [winner] {
        return Err(RaireError::WrongWinner(winners));
    }
    let mut steps = Steps::new(profile, difficulty);
    let bound = search(&mut steps, winner, budget)?;
    if bound.upper.is_infinite() {
        return Err(if bound.lower.is_infinite() {
            RaireError::FullCount
        } else {
            RaireError::Budget
        });
    }
    let mut assertions = cover(&mut steps, winner, bound.upper, budget.sets)?;
    assertions.sort_by(|left, right| right.difficulty.total_cmp(&left.difficulty));
    let difficulty = assertions.first().map_or(0.0, |hardest| hardest.difficulty);
    let plain: Vec<Assertion> = assertions.iter().map(|ranked| ranked.assertion.clone()).collect();
    // Never hand out a set that was not checked by other means than those that found it.
    implies(
        profile.candidates(),
        winner,
        &plain,
        budget.sets.saturating_mul(4),
    )
    .map_err(|_| RaireError::Budget)?;
    Ok(Found {
        assertions,
        difficulty,
        lower_bound: bound.lower.min(difficulty),
        is_optimal: bound.lower >= difficulty,
    })
}

/// How hard each step of an order is to rule out.
///
/// A step is a candidate who is eliminated and the set of those who stand then, the candidate among them.
pub(super) struct Steps<'a> {
    pub(super) profile: &'a Profile,
    difficulty: Difficulty,
    /// `before[w * n + l]`: difficulty of w not being eliminated before l.
    before: Vec<f64>,
    tallies: FxHashMap<u64, Vec<u64>>,
}

impl<'a> Steps<'a> {
    fn new(profile: &'a Profile, difficulty: Difficulty) -> Self {
        let count = profile.candidates();
        let before = (0..count * count)
            .map(|index| {
                let (winner, loser) = (index / count, index % count);
                if winner == loser {
                    return f64::INFINITY;
                }
                let (for_winner, for_loser) = profile.first_against_ever(winner, loser);
                difficulty.of(for_winner, for_loser)
            })
            .collect();
        Self {
            profile,
            difficulty,
            before,
            tallies: FxHashMap::default(),
        }
    }

    /// Difficulty of "winner cannot be eliminated before loser".
    pub(super) fn before(&self, winner: usize, loser: usize) -> f64 {
        self.before[winner * self.profile.candidates() + loser]
    }

    /// The easiest way to rule the step out by who goes before whom.
    fn easiest_before(&self, candidate: usize, standing: u64) -> f64 {
        let mut least = f64::INFINITY;
        for other in 0..self.profile.candidates() {
            if other == candidate {
                continue;
            }
            let is_standing = standing >> other & 1 == 1;
            let next = if is_standing {
                self.before(candidate, other)
            } else {
                self.before(other, candidate)
            };
            least = least.min(next);
        }
        least
    }

    /// The easiest way to rule the step out by counting the ballots then: against whom, and how hard.
    pub(super) fn easiest_next(&mut self, candidate: usize, standing: u64) -> Option<RankedAssertion> {
        let profile = self.profile;
        let tallies = self
            .tallies
            .entry(standing)
            .or_insert_with(|| profile.tallies(standing));
        let loser = members(standing & !(1 << candidate)).min_by_key(|other| tallies[*other])?;
        let (winner_ballots, loser_ballots) = (tallies[candidate], tallies[loser]);
        let difficulty = self.difficulty.of(winner_ballots, loser_ballots);
        difficulty.is_finite().then(|| RankedAssertion {
            assertion: Assertion::NotEliminatedNext {
                winner: candidate,
                loser,
                standing: members(standing).collect(),
            },
            winner_ballots,
            loser_ballots,
            difficulty,
        })
    }

    /// How hard the step is to rule out. Anything at or below `enough` may be returned for what is no harder than that.
    pub(super) fn difficulty(&mut self, candidate: usize, standing: u64, enough: f64) -> f64 {
        let least = self.easiest_before(candidate, standing);
        if least <= enough {
            return least;
        }
        let profile = self.profile;
        let tallies = self
            .tallies
            .entry(standing)
            .or_insert_with(|| profile.tallies(standing));
        let others = members(standing & !(1 << candidate))
            .map(|other| tallies[other])
            .min();
        let next = others.map_or(f64::INFINITY, |loser| {
            self.difficulty.of(tallies[candidate], loser)
        });
        least.min(next)
    }
}

struct Bound {
    lower: f64,
    upper: f64,
}

/// A set of candidates, all that an order ends with, and the least of the difficulties on the hardest way to it.
struct Waiting {
    hardest: f64,
    standing: u64,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        self.hardest
            .total_cmp(&other.hardest)
            .then(self.standing.count_ones().cmp(&other.standing.count_ones()))
            .then(self.standing.cmp(&other.standing))
    }
}

/// The widest path from a single other winner to the set of everybody: the path whose easiest step is hardest.
fn search(steps: &mut Steps<'_>, winner: usize, budget: &Budget<'_>) -> Result<Bound, RaireError> {
    let everybody = steps.profile.everybody();
    let mut lower = reported_order_bound(steps, winner);
    let mut waiting = BinaryHeap::new();
    for candidate in members(everybody & !(1 << winner)) {
        let standing = 1 << candidate;
        let hardest = steps.difficulty(candidate, standing, lower);
        waiting.push(Waiting { hardest, standing });
    }
    let mut visited: FxHashSet<u64> = FxHashSet::default();
    while let Some(Waiting { hardest, standing }) = waiting.pop() {
        if hardest <= lower {
            // Every other order is ruled out by something no harder.
            return Ok(Bound { lower, upper: lower });
        }
        if standing == everybody {
            return Ok(Bound {
                lower: hardest,
                upper: hardest,
            });
        }
        let is_over =
            visited.len() >= budget.sets || (visited.len().is_multiple_of(64) && !(budget.may_go_on)());
        if is_over {
            return Ok(Bound {
                lower,
                upper: hardest,
            });
        }
        if !visited.insert(standing) {
            continue;
        }
        for candidate in members(everybody & !standing) {
            let next = standing | 1 << candidate;
            if visited.contains(&next) {
                continue;
            }
            let hardest = hardest.min(steps.difficulty(candidate, next, lower));
            if next == everybody {
                lower = lower.max(hardest);
            }
            waiting.push(Waiting {
                hardest,
                standing: next,
            });
        }
    }
    // One candidate alone: there is no other order.
    Ok(Bound {
        lower: 0.0,
        upper: 0.0,
    })
}

/// A first lower bound: the reported order with its last two changed has to be ruled out too.
fn reported_order_bound(steps: &mut Steps<'_>, winner: usize) -> f64 {
    let order = steps.profile.elimination_order();
    let mut standing = 0;
    let mut easiest = f64::INFINITY;
    let mut reversed: Vec<usize> = order.into_iter().rev().collect();
    if reversed.len() < 2 {
        return 0.0;
    }
    if reversed[0] == winner {
        reversed.swap(0, 1);
    }
    for candidate in reversed {
        standing |= 1 << candidate;
        easiest = easiest.min(steps.difficulty(candidate, standing, 0.0));
    }
    // An order that nothing rules out is for the search to report.
    if easiest.is_finite() { easiest } else { 0.0 }
}
