//! RAIRE: assertions that together imply who won an instant-runoff election.
//!
//! Source: Blom, Stuckey and Teague, RAIRE: Risk-Limiting Audits for IRV Elections, arXiv 1903.08804. Every order of elimination that ends in
//! somebody else has to be ruled out, each by one assertion about one of its steps, and the hardest assertion used should be as easy as possible.
//!
//! The paper searches a tree of suffixes of orders. Whether a step can be ruled out, and how hard that is, depends only on who is
//! eliminated and on who is standing then, not on the order among those who stay. So the tree folds into the lattice of sets of candidates:
//! the least possible largest difficulty is a widest path in it, found best first with each set visited once at most, and no larger than
//! 2^n for n candidates instead of n!. See [`assertions`]; [`implies`] checks a set of assertions independently of how it was found.

mod cover;
mod difficulty;
mod implies;
mod profile;
mod search;

pub use difficulty::Difficulty;
pub use implies::{Gap, implies};
pub use profile::{MOST_CANDIDATES, Profile};
pub use search::{Budget, Found, RankedAssertion, assertions};

/// Why there are no assertions.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum RaireError {
    /// Nobody to elect, or more than fit.
    #[error("{0} candidates: at least 1 and at most {MOST_CANDIDATES} can be handled")]
    Candidates(usize),
    /// A ballot names somebody who does not stand.
    #[error("a ballot ranks candidate {candidate}, but they are numbered from 0 to {last}")]
    UnknownCandidate {
        /// The number on the ballot.
        candidate: usize,
        /// The largest there is.
        last: usize,
    },
    /// A ballot names somebody twice.
    #[error("a ballot ranks candidate {0} twice: apply the rules of interpretation first")]
    RankedTwice(usize),
    /// Ties let several candidates win.
    #[error("ties let several candidates win: {0:?}")]
    Tied(Vec<usize>),
    /// Another candidate wins by the ballots.
    #[error("the ballots elect {0:?}, not the reported winner")]
    WrongWinner(Vec<usize>),
    /// No assertion rules out some order: the ballots show a tie on the way.
    #[error("some order of elimination cannot be ruled out: only a full hand count can confirm the outcome")]
    FullCount,
    /// The search was given up before any set of assertions was certain.
    #[error("no set of assertions was found within the budget")]
    Budget,
}
