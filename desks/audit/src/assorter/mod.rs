//! Assertions: what must be true for an outcome to be right, each as a mean above one half.
//!
//! An assorter gives each card a number from 0 to a bound; the assertion is that the mean over all cards is above 1/2.
//!
//! Sources: Stark, Sets of Half-Average Nulls Generate Risk-Limiting Audits: SHANGRLA, arXiv 1911.10035, sections 2 and 3; Blom,
//! Budurushi, Rivest, Stark, Stuckey, Teague and Vukcevic, Assertion-based Approaches to Auditing Complex Elections, arXiv
//! 2107.11903, section 4 (D'Hondt, thresholds); Blom, Stuckey and Teague, RAIRE, arXiv 1903.08804 (IRV).

mod compare;
mod contest;

pub use compare::{CardRules, Comparison, Hand, Recorded, pool_mean};
pub use contest::{ContestKind, assertions_of, seats_by_dhondt};

/// How one contest is voted on one card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardVotes {
    /// The card does not carry the contest.
    NotOnCard,
    /// Candidates that got a vote, each once. More than the contest allows is an overvote, which counts for nobody: give none.
    Marks(Vec<usize>),
    /// Candidates in the voter's order, as the rules of [`crate::irv`] read them.
    Ranks(Vec<usize>),
}

/// What must be true.
#[derive(Clone, Debug, PartialEq)]
pub enum Assertion {
    /// The winner has more votes than the loser (also for several seats, and for approval).
    Plurality {
        /// Who wins.
        winner: usize,
        /// Who loses.
        loser: usize,
    },
    /// The candidate has more than this share of the valid votes (1911.10035, section 2.3).
    AboveShare {
        /// Who.
        candidate: usize,
        /// Between 0 and 1.
        share: f64,
    },
    /// The candidate has less than this share of the valid votes (2107.11903, section 4.1).
    BelowShare {
        /// Who.
        candidate: usize,
        /// Between 0 and 1.
        share: f64,
    },
    /// The winner's votes per seat won exceed the loser's per seat it would need next (2107.11903, section 5.1).
    DHondt {
        /// Party whose last seat is compared.
        winner: usize,
        /// Seats it won.
        winner_seats: u32,
        /// Party that lost the seat.
        loser: usize,
        /// One more than the seats it won.
        loser_seats: u32,
    },
    /// IRV: the winner cannot be eliminated before the loser (NEB; 1903.08804, section 3.1): more ballots rank it first than rank the
    /// loser above it.
    NotEliminatedBefore {
        /// Who stays.
        winner: usize,
        /// Who goes first.
        loser: usize,
    },
    /// IRV: with exactly these candidates standing, the winner has more ballots than the loser (NEN; 1903.08804, section 3.2).
    NotEliminatedNext {
        /// Who has more.
        winner: usize,
        /// Who has less.
        loser: usize,
        /// Who stands, both of them among them, in rising order.
        standing: Vec<usize>,
    },
}

impl Assertion {
    /// The largest value that a card can have; the least is 0.
    #[must_use]
    pub fn upper_bound(&self) -> f64 {
        match self {
            Self::AboveShare { share, .. } => 1.0 / (2.0 * share),
            Self::BelowShare { share, .. } => 1.0 / (2.0 * (1.0 - share)),
            Self::DHondt {
                winner_seats,
                loser_seats,
                ..
            } => (f64::from(*loser_seats) / f64::from(*winner_seats) + 1.0) / 2.0,
            Self::Plurality { .. } | Self::NotEliminatedBefore { .. } | Self::NotEliminatedNext { .. } => 1.0,
        }
    }

    /// The value of a card that carries the contest; one half for a card that does not.
    #[must_use]
    pub fn value(&self, votes: &CardVotes) -> f64 {
        let half = 0.5;
        match (self, votes) {
            (_, CardVotes::NotOnCard) => half,
            (Self::Plurality { winner, loser }, _) => {
                let has = |candidate: usize| f64::from(u8::from(has_vote(votes, candidate)));
                (has(*winner) - has(*loser) + 1.0) / 2.0
            }
            (Self::AboveShare { candidate, share }, _) => match single(votes) {
                Some(voted) if voted == *candidate => 1.0 / (2.0 * share),
                Some(_) => 0.0,
                None => half,
            },
            (Self::BelowShare { candidate, share }, _) => match single(votes) {
                Some(voted) if voted == *candidate => 0.0,
                Some(_) => 1.0 / (2.0 * (1.0 - share)),
                None => half,
            },
            (
                Self::DHondt {
                    winner,
                    winner_seats,
                    loser,
                    loser_seats,
                },
                _,
            ) => match single(votes) {
                Some(voted) if voted == *winner => {
                    (f64::from(*loser_seats) / f64::from(*winner_seats) + 1.0) / 2.0
                }
                Some(voted) if voted == *loser => 0.0,
                _ => half,
            },
            (Self::NotEliminatedBefore { winner, loser }, CardVotes::Ranks(ranks)) => {
                let place = |candidate: &usize| ranks.iter().position(|ranked| ranked == candidate);
                match (place(winner), place(loser)) {
                    (Some(0), _) => 1.0,
                    (None, Some(_)) => 0.0,
                    (Some(winner), Some(loser)) if loser < winner => 0.0,
                    _ => half,
                }
            }
            (
                Self::NotEliminatedNext {
                    winner,
                    loser,
                    standing,
                },
                CardVotes::Ranks(ranks),
            ) => match ranks.iter().find(|ranked| standing.contains(ranked)) {
                Some(first) if first == winner => 1.0,
                Some(first) if first == loser => 0.0,
                _ => half,
            },
            (Self::NotEliminatedBefore { .. } | Self::NotEliminatedNext { .. }, CardVotes::Marks(_)) => half,
        }
    }

    /// The reported margin over `cards` cards that may carry the contest: twice the mean, less 1. Above 0 when the report supports the assertion.
    ///
    /// `votes` are the valid votes by candidate. For shares and seats each card has one vote at most. Nothing for IRV, whose
    /// margins come from the ballots ([`crate::raire`]).
    #[must_use]
    pub fn reported_margin(&self, votes: &[u64], cards: u64) -> Option<f64> {
        let of = |candidate: &usize| votes.get(*candidate).map(|votes| *votes as f64);
        let valid: f64 = votes.iter().map(|votes| *votes as f64).sum();
        let cards = cards as f64;
        let surplus = match self {
            Self::Plurality { winner, loser } => of(winner)? - of(loser)?,
            Self::AboveShare { candidate, share } => of(candidate)? / share - valid,
            Self::BelowShare { candidate, share } => (valid - of(candidate)?) / (1.0 - share) - valid,
            Self::DHondt {
                winner,
                winner_seats,
                loser,
                loser_seats,
            } => of(winner)? * f64::from(*loser_seats) / f64::from(*winner_seats) - of(loser)?,
            Self::NotEliminatedBefore { .. } | Self::NotEliminatedNext { .. } => return None,
        };
        Some(surplus / cards)
    }
}

fn has_vote(votes: &CardVotes, candidate: usize) -> bool {
    match votes {
        CardVotes::NotOnCard => false,
        CardVotes::Marks(marks) => marks.contains(&candidate),
        CardVotes::Ranks(ranks) => ranks.first() == Some(&candidate),
    }
}

/// The one candidate voted for; nothing for an undervote or several marks.
fn single(votes: &CardVotes) -> Option<usize> {
    match votes {
        CardVotes::NotOnCard => None,
        CardVotes::Marks(marks) => (marks.len() == 1).then(|| marks[0]),
        CardVotes::Ranks(ranks) => ranks.first().copied(),
    }
}
