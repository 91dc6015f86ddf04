//! What ballot polling reads: votes on the ballots of each round.

use super::MethodError;
use super::tally::{Tally, check_votes};

/// What one round showed (that round alone, not those before it).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Draws of this round whose ballot was found and read; a ballot drawn twice counts twice.
    pub ballots: u64,
    /// Draws whose ballot could not be found: each counts as a vote for every loser, the worst it could be.
    pub not_found: u64,
    /// Votes on the ballots that were read, by candidate.
    pub votes: Vec<u64>,
}

/// Sizes of a next round.
#[derive(Clone, Debug, PartialEq)]
pub enum Sizes {
    /// So many more draws.
    Draws {
        /// Draws expected until the audit ends when it is judged after each (ASN).
        expected: u64,
        /// Chance that so many draws suffice when they are judged at once; nothing with several winners.
        expected_chance: Option<f64>,
        /// For each chance asked for, the draws after which one round ends the audit with that chance.
        by_chance: Vec<(f64, u64)>,
        /// Whether counting every ballot is less work: more than 100,000 ballots, of which a round with a chance of 90 %
        /// would draw a quarter or more (the rule of Arlo; a drawn ballot takes several times the work of one that is counted in its box).
        full_count_is_less_work: bool,
    },
    /// No loser got a vote: so many draws, if every one shows a vote for the winner.
    Landslide {
        /// Draws that suffice.
        draws: u64,
    },
    /// Winner and loser are tied: count every ballot.
    AllBallots,
}

/// Votes of each round, those of ballots that were not found included.
///
/// Errors: votes that the round's ballots cannot hold; a list of another length.
pub(super) fn votes_by_round(tally: &Tally, rounds: &[Round]) -> Result<Vec<Vec<u64>>, MethodError> {
    let mut all = Vec::with_capacity(rounds.len());
    for round in rounds {
        tally.check_length(&round.votes)?;
        check_votes(&round.votes, round.ballots, tally.votes_allowed())?;
        let mut votes = round.votes.clone();
        for loser in tally.losers() {
            votes[*loser] += round.not_found;
        }
        all.push(votes);
    }
    Ok(all)
}

/// Sums the rounds.
pub(super) fn cumulate(tally: &Tally, rounds: &[Round]) -> Result<Vec<u64>, MethodError> {
    let mut sums = vec![0; tally.votes().len()];
    for votes in votes_by_round(tally, rounds)? {
        for (sum, more) in sums.iter_mut().zip(votes) {
            *sum += more;
        }
    }
    Ok(sums)
}

/// Draws of all rounds.
pub(super) fn drawn(rounds: &[Round]) -> u64 {
    rounds.iter().map(|round| round.ballots + round.not_found).sum()
}
