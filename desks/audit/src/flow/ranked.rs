//! Ranked contests: assertions found by RAIRE, and checked by other means to imply the outcome.
//!
//! Ballots are read by [`Rules::USUAL`], once and in one place: an overvoted rank ends the ballot, empty ranks and candidates
//! ranked again are passed over.

use std::collections::BTreeMap;

use super::frame::Frame;
use super::outcome::{Claim, OutcomeError, names};
use crate::assorter::{Assertion, CardVotes, Hand};
use crate::election::{Contest, ContestVotes, RankMark};
use crate::irv::{Cell, Rules};
use crate::raire::{Budget, Difficulty, Profile, RaireError, assertions, implies};

/// Sets of candidates that a search may visit: enough to end with the easiest assertions in every published contest, and a
/// minute at most. A count and not a clock, so that every machine finds the same.
const MOST_SETS: usize = 2_000_000;

/// What is to be shown of a ranked contest.
pub(super) fn claim(frame: &Frame, place: usize, contest: &Contest) -> Result<Claim, OutcomeError> {
    let cannot = |why: String| OutcomeError::CannotImply {
        contest: contest.name.clone(),
        why,
    };
    let mut ballots: BTreeMap<Vec<usize>, u64> = BTreeMap::new();
    frame.each_record(|votes| {
        if let Some(votes) = votes.iter().find(|votes| votes.contest.index() == place) {
            *ballots.entry(ranking(contest, votes)).or_default() += 1;
        }
    })?;
    let profile = profile(contest, ballots).map_err(|error| cannot(error.to_string()))?;
    let winner = match profile.possible_winners().as_slice() {
        [winner] => *winner,
        [] => return Err(cannot("no record ranks anybody".to_owned())),
        _ => {
            return Err(OutcomeError::Tied {
                contest: contest.name.clone(),
            });
        }
    };
    let cards = frame.stats(place).cards();
    let budget = Budget {
        sets: MOST_SETS,
        may_go_on: &|| true,
    };
    let difficulty = Difficulty::OneOnMargin { ballots: cards };
    let found = match assertions(&profile, winner, difficulty, &budget) {
        Ok(found) => found,
        Err(RaireError::FullCount) => {
            return Err(OutcomeError::Tied {
                contest: contest.name.clone(),
            });
        }
        Err(error) => return Err(cannot(error.to_string())),
    };
    let said: Vec<Assertion> = found.assertions.iter().map(|one| one.assertion.clone()).collect();
    // Whoever found them does not judge them: an audit of assertions that do not imply the outcome proves nothing.
    implies(contest.candidates.len(), winner, &said, MOST_SETS).map_err(|gap| {
        cannot(format!(
            "the assertions do not imply that {} won: {gap}",
            names(contest, &[winner]).join("")
        ))
    })?;
    Ok(Claim {
        contest: place,
        winners: vec![winner],
        votes: frame.stats(place).votes.clone(),
        cards,
        assertions: found
            .assertions
            .into_iter()
            .map(|one| {
                let margin = one.margin() as f64 / cards as f64;
                (one.assertion, margin)
            })
            .collect(),
    })
}

fn profile(contest: &Contest, ballots: BTreeMap<Vec<usize>, u64>) -> Result<Profile, RaireError> {
    Profile::new(
        contest.candidates.len(),
        ballots.into_iter().map(|(ranking, count)| (count, ranking)),
    )
}

/// Who won by hand readings of every card; `None` for a tie.
pub(super) fn winners_by_hand(contest: &Contest, hands: &[&Hand]) -> Option<Vec<usize>> {
    let mut ballots: BTreeMap<Vec<usize>, u64> = BTreeMap::new();
    for hand in hands {
        if let Hand::Read(CardVotes::Ranks(ranks)) = hand {
            *ballots.entry(ranks.clone()).or_default() += 1;
        }
    }
    let winners = profile(contest, ballots).ok()?.possible_winners();
    (winners.len() == 1).then_some(winners)
}

fn ranking(contest: &Contest, votes: &ContestVotes) -> Vec<usize> {
    if votes.overvoted {
        return Vec::new();
    }
    let cells: Vec<Cell> = votes
        .by_rank(contest.ranks)
        .into_iter()
        .map(|mark| match mark {
            RankMark::Skipped => Cell::Skipped,
            RankMark::One(candidate) => Cell::Candidate(candidate.index()),
            RankMark::Overvoted => Cell::Overvote,
        })
        .collect();
    Rules::USUAL.read(&cells).candidates
}

/// A ballot as the rules read it.
pub(super) fn card_votes(contest: &Contest, votes: &ContestVotes) -> CardVotes {
    CardVotes::Ranks(ranking(contest, votes))
}
