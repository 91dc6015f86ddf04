//! A contest as it was reported: votes, winners, pairs of winner and loser.

use super::MethodError;
use super::limit::Risk;

/// The reported result of one contest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    votes: Vec<u64>,
    ballots: u64,
    votes_allowed: u32,
    winners: Vec<usize>,
    losers: Vec<usize>,
}

/// A reported winner and a reported loser, by their place in the list of candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// The winner.
    pub winner: usize,
    /// The loser.
    pub loser: usize,
}

/// What a sample says about every pair.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// The risk of each pair, winners in the order of their votes.
    pub pairs: Vec<(Pair, Risk)>,
    /// The contest's risk: the largest of them.
    pub risk: Risk,
    /// Whether the risk limit is met; decided exactly where the risk lies near it.
    pub met: bool,
}

/// What a count of every card says. It decides the outcome; no risk belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FullCount {
    /// The reported winners won.
    Confirmed,
    /// Others won: these.
    Wrong {
        /// The winners by the count, by their place in the list of candidates.
        winners: Vec<usize>,
    },
    /// The last seat is tied between these.
    Tied {
        /// Who shares the last seat.
        candidates: Vec<usize>,
    },
}

impl Tally {
    /// A reported result.
    ///
    /// Errors: no candidates or no winner; more votes than `ballots` allow. A tie is not an error here: see [`Self::is_tied`].
    pub fn new(
        votes: Vec<u64>,
        ballots: u64,
        num_winners: u32,
        votes_allowed: u32,
    ) -> Result<Self, MethodError> {
        if votes.is_empty() || num_winners == 0 || votes_allowed == 0 {
            return Err(MethodError::OutOfRange {
                what: "candidates, winners and votes allowed",
                range: "at least one each",
            });
        }
        check_votes(&votes, ballots, votes_allowed)?;
        let order = by_votes(&votes);
        let seats = usize::try_from(num_winners)
            .unwrap_or(usize::MAX)
            .min(order.len());
        let (winners, losers) = order.split_at(seats);
        Ok(Self {
            winners: winners.to_vec(),
            losers: losers.to_vec(),
            votes,
            ballots,
            votes_allowed,
        })
    }

    /// Votes by candidate.
    #[must_use]
    pub fn votes(&self) -> &[u64] {
        &self.votes
    }

    /// Ballots, or cards, that may carry the contest.
    #[must_use]
    pub fn ballots(&self) -> u64 {
        self.ballots
    }

    /// Votes that one ballot may hold.
    #[must_use]
    pub fn votes_allowed(&self) -> u32 {
        self.votes_allowed
    }

    /// Reported winners, most votes first.
    #[must_use]
    pub fn winners(&self) -> &[usize] {
        &self.winners
    }

    /// Reported losers, most votes first.
    #[must_use]
    pub fn losers(&self) -> &[usize] {
        &self.losers
    }

    /// Every winner with every loser.
    pub fn pairs(&self) -> impl Iterator<Item = Pair> {
        self.winners.iter().flat_map(|winner| {
            self.losers.iter().map(|loser| Pair {
                winner: *winner,
                loser: *loser,
            })
        })
    }

    /// Reported votes of a pair's winner and loser.
    #[must_use]
    pub fn votes_of(&self, pair: Pair) -> (u64, u64) {
        (self.votes[pair.winner], self.votes[pair.loser])
    }

    /// Votes between the last winner and the first loser; nothing when nobody lost.
    #[must_use]
    pub fn margin_votes(&self) -> Option<u64> {
        let winner = self.votes[*self.winners.last()?];
        let loser = self.votes[*self.losers.first()?];
        Some(winner - loser)
    }

    /// Whether the last winner has no more votes than the first loser.
    #[must_use]
    pub fn is_tied(&self) -> bool {
        self.margin_votes() == Some(0)
    }

    /// Judges a hand count of every distinct card.
    ///
    /// Errors: a list of another length.
    pub fn judge_full_count(&self, hand: &[u64]) -> Result<FullCount, MethodError> {
        self.check_length(hand)?;
        let order = by_votes(hand);
        let (won, lost) = order.split_at(self.winners.len());
        if let (Some(last), Some(first)) = (won.last(), lost.first())
            && hand[*last] == hand[*first]
        {
            let candidates = (0..hand.len()).filter(|candidate| hand[*candidate] == hand[*last]);
            return Ok(FullCount::Tied {
                candidates: candidates.collect(),
            });
        }
        if won.iter().all(|candidate| self.winners.contains(candidate)) {
            return Ok(FullCount::Confirmed);
        }
        Ok(FullCount::Wrong {
            winners: won.to_vec(),
        })
    }

    pub(super) fn check_length(&self, votes: &[u64]) -> Result<(), MethodError> {
        if votes.len() == self.votes.len() {
            return Ok(());
        }
        Err(MethodError::Candidates {
            expected: self.votes.len(),
            got: votes.len(),
        })
    }
}

/// Refuses votes that `ballots` cannot hold.
pub(super) fn check_votes(votes: &[u64], ballots: u64, votes_allowed: u32) -> Result<(), MethodError> {
    let sum: u128 = votes.iter().map(|votes| u128::from(*votes)).sum();
    let most = votes.iter().copied().max().unwrap_or(0);
    if sum > u128::from(ballots) * u128::from(votes_allowed) || most > ballots {
        return Err(MethodError::TooManyVotes {
            votes: u64::try_from(sum).unwrap_or(u64::MAX),
            ballots,
            votes_allowed,
        });
    }
    Ok(())
}

/// Candidates by votes, most first; equal ones in the order of the list.
fn by_votes(votes: &[u64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..votes.len()).collect();
    order.sort_by_key(|candidate| std::cmp::Reverse(votes[*candidate]));
    order
}

impl Assessment {
    /// Takes the largest risk; met when every pair is.
    pub(super) fn of(pairs: Vec<(Pair, Risk)>, met: bool) -> Self {
        let risk = pairs.iter().fold(None, |most: Option<Risk>, (_, risk)| {
            Some(most.map_or(*risk, |most| most.max(*risk)))
        });
        Self {
            // Nobody lost: nothing was shown.
            met: met && risk.is_some(),
            risk: risk.unwrap_or(Risk::ONE),
            pairs,
        }
    }
}
