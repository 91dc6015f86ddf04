//! The check that assertions really imply who won.
//!
//! Written from the meaning of the assertions alone: nothing here knows margins, ballots or how the assertions were found.

use rustc_hash::{FxHashMap, FxHashSet};

use super::profile::members;
use super::{MOST_CANDIDATES, RaireError};
use crate::assorter::Assertion;

/// Why assertions do not imply the outcome, or may not.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum Gap {
    /// This order of elimination, the last one winning, contradicts none of them.
    #[error(
        "the assertions leave open that candidates are eliminated in the order {0:?}, the last one winning"
    )]
    Open(Vec<usize>),
    /// Too many orders to look through.
    #[error("more than {0} sets of candidates would have to be looked at")]
    Budget(usize),
    /// An assertion about somebody who does not stand, or of a kind that is not for instant runoff.
    #[error("assertion {0} is not about this contest")]
    Assertion(usize),
    /// As for the assertions themselves.
    #[error(transparent)]
    Candidates(#[from] RaireError),
}

/// Checks that every order of elimination which anybody but `winner` wins contradicts one of the assertions.
///
/// An order is built from its end. Whether its next step contradicts an assertion depends on who is eliminated and on who stands then, so each
/// set of candidates is looked at once. Errors: an order that is left open, more than `budget` sets, an assertion of another contest.
pub fn implies(candidates: usize, winner: usize, assertions: &[Assertion], budget: usize) -> Result<(), Gap> {
    if candidates == 0 || candidates > MOST_CANDIDATES || winner >= candidates {
        return Err(RaireError::Candidates(candidates).into());
    }
    let mut never_before = vec![0_u64; candidates];
    let mut never_next: FxHashMap<u64, u64> = FxHashMap::default();
    for (index, assertion) in assertions.iter().enumerate() {
        match assertion {
            Assertion::NotEliminatedBefore { winner, loser }
                if *winner < candidates && *loser < candidates =>
            {
                never_before[*winner] |= 1 << loser;
            }
            Assertion::NotEliminatedNext {
                winner,
                loser,
                standing,
            } if standing.iter().all(|candidate| *candidate < candidates)
                && standing.contains(winner)
                && standing.contains(loser)
                && winner != loser =>
            {
                let set = standing.iter().fold(0_u64, |set, candidate| set | 1 << candidate);
                *never_next.entry(set).or_default() |= 1 << winner;
            }
            _ => return Err(Gap::Assertion(index)),
        }
    }
    let everybody = if candidates == 64 {
        u64::MAX
    } else {
        (1 << candidates) - 1
    };
    // A step is out when somebody standing may not outlast the eliminated one, when somebody gone may not have gone before, or by the count.
    let is_out = |candidate: usize, standing: u64| {
        never_before[candidate] & standing & !(1 << candidate) != 0
            || members(everybody & !standing).any(|gone| never_before[gone] >> candidate & 1 == 1)
            || never_next
                .get(&standing)
                .is_some_and(|never| never >> candidate & 1 == 1)
    };
    let mut visited = FxHashSet::default();
    let mut waiting: Vec<(u64, Vec<usize>)> = vec![(0, Vec::new())];
    while let Some((standing, order)) = waiting.pop() {
        if !visited.insert(standing) {
            continue;
        }
        if visited.len() > budget {
            return Err(Gap::Budget(budget));
        }
        if standing == everybody {
            return Err(Gap::Open(order.into_iter().rev().collect()));
        }
        for candidate in members(everybody & !standing) {
            if standing == 0 && candidate == winner {
                continue;
            }
            let next = standing | 1 << candidate;
            if !is_out(candidate, next) {
                let mut order = order.clone();
                order.push(candidate);
                waiting.push((next, order));
            }
        }
    }
    Ok(())
}
