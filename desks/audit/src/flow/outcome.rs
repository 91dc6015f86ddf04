//! The outcome that is audited, and the assertions that together imply it.

use super::event::{Audited, ContestPlan, Method, Outcome};
use super::frame::{BatchKind, Frame, FrameError};
use crate::assorter::{self, Assertion, CardVotes, assertions_of};
use crate::election::{Contest, ContestKind, ContestVotes};
use crate::method::MethodError;
use crate::method::tally::Tally;

/// What keeps a contest from being audited.
#[derive(Debug, thiserror::Error)]
pub enum OutcomeError {
    /// The winner and a loser have the same votes, or the share is not reached: a sample cannot tell.
    #[error("{contest:?}: the reported margin is zero; only a full hand count can show who won")]
    Tied {
        /// The contest.
        contest: String,
    },
    /// Nobody lost.
    #[error("{contest:?}: nobody lost, so there is nothing that an audit could find wrong")]
    NoLosers {
        /// The contest.
        contest: String,
    },
    /// The reported numbers cannot be.
    #[error("{contest:?}: {source}")]
    Method {
        /// The contest.
        contest: String,
        /// Why.
        #[source]
        source: MethodError,
    },
    /// The files give other winners than were reported.
    #[error("{contest:?}: reported to have won {}, and by the files {} won; an audit of either would prove nothing of the other", reported.join(", "), counted.join(", "))]
    OtherWinners {
        /// The contest.
        contest: String,
        /// As reported.
        reported: Vec<String>,
        /// As the files say.
        counted: Vec<String>,
    },
    /// No assertions imply the outcome.
    #[error("{contest:?}: {why}")]
    CannotImply {
        /// The contest.
        contest: String,
        /// Why.
        why: String,
    },
    /// The records cannot be read.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// A contest with what is to be shown of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Place of the contest.
    pub contest: usize,
    /// The reported winners, by place.
    pub winners: Vec<usize>,
    /// Reported votes by candidate, as the files say.
    pub votes: Vec<u64>,
    /// Cards that may hold the contest.
    pub cards: u64,
    /// What must be true, each with its reported margin over those cards: twice the mean of its assorter, less 1.
    pub assertions: Vec<(Assertion, f64)>,
}

impl Claim {
    /// What is to be shown of a contest by the files: winners, assertions and margins.
    ///
    /// Errors: [`OutcomeError`]. A tie is one of them, and means a full hand count.
    pub fn of(frame: &Frame, contest: usize) -> Result<Claim, OutcomeError> {
        let plan = frame.contests()[contest].clone();
        let claim = if plan.contest.kind == ContestKind::Irv {
            super::ranked::claim(frame, contest, &plan.contest)?
        } else {
            counted(frame, contest, &plan.contest)?
        };
        if let Some(reported) = &plan.contest.reported
            && !reported.winners.is_empty()
        {
            let mut expected: Vec<usize> = reported.winners.iter().map(|winner| winner.index()).collect();
            expected.sort_unstable();
            let mut found = claim.winners.clone();
            found.sort_unstable();
            if expected != found {
                return Err(OutcomeError::OtherWinners {
                    contest: plan.contest.name.clone(),
                    reported: names(&plan.contest, &expected),
                    counted: names(&plan.contest, &found),
                });
            }
        }
        Ok(claim)
    }

    /// The claim in the words of a commitment.
    pub fn outcome(&self, plan: &ContestPlan) -> Outcome {
        let least = self
            .assertions
            .iter()
            .map(|(_, margin)| margin * self.cards as f64)
            .fold(f64::INFINITY, f64::min);
        Outcome {
            winners: names(&plan.contest, &self.winners),
            votes: self.votes.clone(),
            cards: self.cards,
            assertions: self
                .assertions
                .iter()
                .map(|(assertion, _)| words(&plan.contest, assertion))
                .collect(),
            margin_votes: if least.is_finite() {
                least.round() as u64
            } else {
                0
            },
        }
    }

    /// The least margin of the assertions over the cards.
    pub fn margin(&self) -> f64 {
        self.assertions
            .iter()
            .map(|(_, margin)| *margin)
            .fold(f64::INFINITY, f64::min)
    }
}

/// Whether a method can judge a contest.
///
/// Errors: [`OutcomeError::CannotImply`] with the reason.
pub fn check_method(frame: &Frame, claim: &Claim, method: Method) -> Result<(), OutcomeError> {
    let contest = &frame.contests()[claim.contest].contest;
    let refuse = |why: &str| {
        Err(OutcomeError::CannotImply {
            contest: contest.name.clone(),
            why: why.to_owned(),
        })
    };
    let by_votes = matches!(contest.kind, ContestKind::Plurality | ContestKind::Approval);
    if method == Method::BatchComparison {
        let audited = |how| frame.contests().iter().filter(|one| one.audited == how).count();
        if audited(Audited::Targeted) > 1 || audited(Audited::Opportunistic) > 0 {
            return refuse(
                "batches are drawn by what they can hide in one contest, so this method audits one contest: open an audit for each",
            );
        }
        if !by_votes && contest.kind != ContestKind::MajorityOrRunoff {
            return refuse("this method compares sums of votes, and the contest is decided otherwise");
        }
        let untold = frame
            .batches()
            .iter()
            .enumerate()
            .find(|(at, batch)| batch.cards > 0 && frame.tally(*at, claim.contest).is_none());
        return match untold {
            Some((_, batch)) => refuse(&format!("there is no tally of {}", batch.id)),
            None => Ok(()),
        };
    }
    if !by_votes && !matches!(method, Method::CardComparison | Method::Polling) {
        return refuse("this method compares the votes of candidates, and the contest is decided otherwise");
    }
    let has_pools = frame
        .batches()
        .iter()
        .any(|batch| matches!(batch.kind, BatchKind::Pool { .. }));
    if has_pools && method == Method::SuperSimple {
        return refuse("this method needs a record of every card, and some batches have tallies only");
    }
    if has_pools && contest.kind == ContestKind::Irv {
        return refuse(
            "tallies of batches do not tell rankings, so ranked contests need a record of every card",
        );
    }
    Ok(())
}

fn counted(frame: &Frame, place: usize, contest: &Contest) -> Result<Claim, OutcomeError> {
    let stats = frame.stats(place);
    let votes = match &contest.reported {
        // Where no file counts the votes, what was reported is all there is.
        Some(reported) if stats.votes.iter().all(|votes| *votes == 0) => reported.votes.clone(),
        _ => stats.votes.clone(),
    };
    let cards = stats.cards();
    let fail = |source| match source {
        MethodError::Tied => OutcomeError::Tied {
            contest: contest.name.clone(),
        },
        MethodError::NoLosers => OutcomeError::NoLosers {
            contest: contest.name.clone(),
        },
        source => OutcomeError::Method {
            contest: contest.name.clone(),
            source,
        },
    };
    let allowed = match contest.kind {
        ContestKind::Approval => contest.candidates.len() as u32,
        _ => contest.votes_allowed,
    };
    let seats = match contest.kind {
        ContestKind::Supermajority { .. } | ContestKind::MajorityOrRunoff | ContestKind::DHondt => 1,
        _ => contest.winners,
    };
    let tally = Tally::new(votes.clone(), cards, seats, allowed).map_err(fail)?;
    let kind = match contest.kind {
        ContestKind::Plurality | ContestKind::Approval => assorter::ContestKind::Plurality,
        ContestKind::Supermajority { share } => assorter::ContestKind::Supermajority(share),
        ContestKind::MajorityOrRunoff => assorter::ContestKind::MajorityOrRunoff,
        ContestKind::DHondt => assorter::ContestKind::DHondt(contest.winners),
        ContestKind::Irv => unreachable!("ranked contests have their own way"),
    };
    if kind == assorter::ContestKind::Plurality && tally.is_tied() {
        return Err(fail(MethodError::Tied));
    }
    let assertions = assertions_of(kind, &tally).map_err(fail)?;
    let assertions = assertions
        .into_iter()
        .map(|assertion| {
            let margin = assertion.reported_margin(&votes, cards).unwrap_or(0.0);
            (assertion, margin)
        })
        .collect();
    Ok(Claim {
        contest: place,
        winners: winners_by(contest, &votes).unwrap_or_else(|| tally.winners().to_vec()),
        votes,
        cards,
        assertions,
    })
}

/// Who wins a contest by these votes, by place and in the order of the ballot; `None` for a tie that matters and for a
/// ranked contest. Of a contest with a runoff: whoever wins, or both who go on.
pub fn winners_by(contest: &Contest, votes: &[u64]) -> Option<Vec<usize>> {
    let mut order: Vec<usize> = (0..votes.len()).collect();
    order.sort_by_key(|candidate| std::cmp::Reverse(votes[*candidate]));
    let valid: u64 = votes.iter().sum();
    let first = |seats: usize| -> Option<Vec<usize>> {
        let seats = seats.min(order.len());
        let (won, lost) = order.split_at(seats);
        if let (Some(last), Some(next)) = (won.last(), lost.first())
            && votes[*last] == votes[*next]
        {
            return None;
        }
        let mut won = won.to_vec();
        won.sort_unstable();
        Some(won)
    };
    match contest.kind {
        ContestKind::Plurality | ContestKind::Approval => first(contest.winners as usize),
        ContestKind::Supermajority { share } => {
            let leader = *order.first()?;
            if votes[leader] as f64 > share * valid as f64 {
                first(1)
            } else {
                Some(Vec::new())
            }
        }
        ContestKind::MajorityOrRunoff => {
            let leader = *order.first()?;
            if votes[leader] > valid - votes[leader] {
                Some(vec![leader])
            } else {
                first(2)
            }
        }
        ContestKind::DHondt => Some(
            assorter::seats_by_dhondt(votes, contest.winners)
                .into_iter()
                .enumerate()
                .filter(|(_, seats)| *seats > 0)
                .map(|(party, _)| party)
                .collect(),
        ),
        ContestKind::Irv => None,
    }
}

/// Names of candidates by their places.
pub fn names(contest: &Contest, candidates: &[usize]) -> Vec<String> {
    candidates
        .iter()
        .map(|place| {
            contest
                .candidates
                .get(*place)
                .map_or_else(|| format!("candidate {}", place + 1), |one| one.name.clone())
        })
        .collect()
}

/// What an assertion says, in words.
pub fn words(contest: &Contest, assertion: &Assertion) -> String {
    let name = |place: &usize| names(contest, &[*place]).remove(0);
    let percent = |share: &f64| format!("{} %", trimmed(share * 100.0));
    match assertion {
        Assertion::Plurality { winner, loser } => {
            format!("{} has more votes than {}", name(winner), name(loser))
        }
        Assertion::AboveShare { candidate, share } => {
            format!(
                "{} has more than {} of the valid votes",
                name(candidate),
                percent(share)
            )
        }
        Assertion::BelowShare { candidate, share } => {
            format!(
                "{} has less than {} of the valid votes",
                name(candidate),
                percent(share)
            )
        }
        Assertion::DHondt {
            winner,
            winner_seats,
            loser,
            loser_seats,
        } => format!(
            "seat {winner_seats} of {} comes before seat {loser_seats} of {}",
            name(winner),
            name(loser)
        ),
        Assertion::NotEliminatedBefore { winner, loser } => {
            format!("{} cannot be eliminated before {}", name(winner), name(loser))
        }
        Assertion::NotEliminatedNext {
            winner,
            loser,
            standing,
        } => format!(
            "{} has more votes than {} when only {} stand",
            name(winner),
            name(loser),
            names(contest, standing).join(", ")
        ),
    }
}

fn trimmed(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What a card says in a contest, as the assorters take it. `None`: the contest is not on the card.
pub fn card_votes(contest: &Contest, votes: Option<&ContestVotes>) -> CardVotes {
    let Some(votes) = votes else {
        return CardVotes::NotOnCard;
    };
    if contest.kind == ContestKind::Irv {
        return super::ranked::card_votes(contest, votes);
    }
    let allowed = match contest.kind {
        ContestKind::Approval => usize::MAX,
        _ => contest.votes_allowed as usize,
    };
    if votes.overvoted || votes.marks.len() > allowed {
        return CardVotes::Marks(Vec::new());
    }
    CardVotes::Marks(votes.marks.iter().map(|mark| mark.candidate.index()).collect())
}
