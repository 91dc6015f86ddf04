//! From a contest's kind and its reported votes to the assertions that imply its outcome.

use super::Assertion;
use crate::method::MethodError;
use crate::method::tally::Tally;

/// How a contest is decided. IRV has its own way: [`crate::raire`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ContestKind {
    /// The candidates with the most votes win, one seat or several; also approval voting.
    Plurality,
    /// The leader wins with more than this share of the valid votes (and more votes than anybody else).
    Supermajority(f64),
    /// Everybody above this share of the valid votes passes, everybody below does not.
    Threshold(f64),
    /// More than half of the valid votes wins; otherwise the two leaders go on.
    MajorityOrRunoff,
    /// So many seats, by the greatest votes over 1, 2, 3, …
    DHondt(u32),
}

/// The assertions that together imply the reported outcome.
///
/// Errors: an outcome that the reported votes do not support (a tie, a share not reached), or nothing to audit.
pub fn assertions_of(kind: ContestKind, tally: &Tally) -> Result<Vec<Assertion>, MethodError> {
    let votes = tally.votes();
    let order: Vec<usize> = tally.winners().iter().chain(tally.losers()).copied().collect();
    let assertions = match kind {
        ContestKind::Plurality => plurality(tally.winners(), tally.losers()),
        ContestKind::Supermajority(share) => {
            check_share(share)?;
            let leader = order[0];
            let mut all = vec![Assertion::AboveShare {
                candidate: leader,
                share,
            }];
            if share < 0.5 {
                all.extend(plurality(&order[..1], &order[1..]));
            }
            all
        }
        ContestKind::Threshold(share) => {
            check_share(share)?;
            let valid: u64 = votes.iter().sum();
            (0..votes.len())
                .map(|candidate| {
                    if votes[candidate] as f64 > share * valid as f64 {
                        Assertion::AboveShare { candidate, share }
                    } else {
                        Assertion::BelowShare { candidate, share }
                    }
                })
                .collect()
        }
        ContestKind::MajorityOrRunoff => {
            let valid: u64 = votes.iter().sum();
            let leader = order[0];
            if votes[leader] > valid - votes[leader] {
                vec![Assertion::AboveShare {
                    candidate: leader,
                    share: 0.5,
                }]
            } else {
                let on = order.len().min(2);
                let (going_on, out) = order.split_at(on);
                // Nobody behind the two can have a majority if both have more votes than they.
                let mut all: Vec<Assertion> = going_on
                    .iter()
                    .map(|candidate| Assertion::BelowShare {
                        candidate: *candidate,
                        share: 0.5,
                    })
                    .collect();
                all.extend(plurality(going_on, out));
                all
            }
        }
        ContestKind::DHondt(seats) => dhondt(votes, seats),
    };
    if assertions.is_empty() {
        return Err(MethodError::NoLosers);
    }
    let cards = tally.ballots();
    if assertions.iter().any(|assertion| {
        assertion
            .reported_margin(votes, cards)
            .is_some_and(|margin| margin <= 0.0)
    }) {
        return Err(MethodError::Tied);
    }
    Ok(assertions)
}

fn check_share(share: f64) -> Result<(), MethodError> {
    if share > 0.0 && share < 1.0 {
        return Ok(());
    }
    Err(MethodError::OutOfRange {
        what: "a share of the votes",
        range: "between 0 and 1",
    })
}

fn plurality(winners: &[usize], losers: &[usize]) -> Vec<Assertion> {
    let with = |winner: &usize| {
        let winner = *winner;
        losers.iter().map(move |loser| Assertion::Plurality {
            winner,
            loser: *loser,
        })
    };
    winners.iter().flat_map(with).collect()
}

/// Seats by party: each goes to the greatest of votes over seats so far plus one; the earlier party of equal ones.
#[must_use]
pub fn seats_by_dhondt(votes: &[u64], seats: u32) -> Vec<u32> {
    let mut won = vec![0_u32; votes.len()];
    for _ in 0..seats {
        let mut best: Option<usize> = None;
        for party in 0..votes.len() {
            // votes/(won+1) greater than the best one's, without rounding.
            let is_greater = best.is_none_or(|best| {
                u128::from(votes[party]) * u128::from(won[best] + 1)
                    > u128::from(votes[best]) * u128::from(won[party] + 1)
            });
            if is_greater {
                best = Some(party);
            }
        }
        if let Some(best) = best {
            won[best] += 1;
        }
    }
    won
}

fn dhondt(votes: &[u64], seats: u32) -> Vec<Assertion> {
    let won = seats_by_dhondt(votes, seats);
    let mut all = Vec::new();
    for winner in (0..votes.len()).filter(|party| won[*party] > 0) {
        for loser in (0..votes.len()).filter(|party| *party != winner) {
            all.push(Assertion::DHondt {
                winner,
                winner_seats: won[winner],
                loser,
                loser_seats: won[loser] + 1,
            });
        }
    }
    all
}
